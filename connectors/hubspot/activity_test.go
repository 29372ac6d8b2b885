package hubspot_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/connectortest"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// follow polls activities once, beside the kinds of records, which it asks for
// on the first poll alone.
func follow(t *testing.T, c connectors.Connector, from connectors.Cursor, kinds ...connectors.Kind) connectors.Page {
	t.Helper()
	polls := []connectors.Poll{{Kind: connectors.Activity, From: from}}
	for _, kind := range kinds {
		polls = append(polls, connectors.Poll{Kind: kind, From: connectors.Cursor{From: time.Now()}})
	}
	pages, err := c.Changes(t.Context(), polls)
	if err != nil || pages[0].Err != nil {
		t.Fatal(err, pages[0].Err)
	}
	return pages[0]
}

func about(page connectors.Page) []string {
	out := []string{}
	for _, ch := range page.Changes {
		for _, ref := range ch.Object.Links {
			out = append(out, string(ref.Kind)+" "+ref.ID)
		}
	}
	return out
}

// What following activities costs: two searches, nothing more for tasks of
// ours, one call for each of a few by people, and one for each kind of record
// for many; nothing again for what has been asked.
func TestCallsOfActivities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Empty: true, UniqueTasks: true}, nil)
		ids := people(t, sim, 2)
		who := owner(t, c)
		from := connectors.Cursor{From: time.Now()}
		follow(t, c, from, "contacts", "deals")
		cost := func(what string, want, changes int) {
			t.Helper()
			time.Sleep(time.Second)
			wire.Forget()
			page := follow(t, c, from)
			if got := len(wire.Seen()); got != want || len(page.Changes) != changes {
				t.Errorf("%s: %d calls and %d changes, want %d and %d: %+v", what, got, len(page.Changes), want, changes, wire.Seen())
			}
		}
		cost("nothing", 2, 0)
		if r, err := c.Apply(t.Context(), handoff("h1", ids[0], who)); err != nil || r[1].Err != nil {
			t.Fatal(err, r)
		}
		cost("a task of ours", 2, 1)
		edit(t, sim, "tasks", "create", "", map[string]any{"about": "contacts/" + ids[0]})
		cost("and one of theirs", 3, 2)
		cost("the same again", 2, 2)
		for range 5 {
			edit(t, sim, "tasks", "create", "", map[string]any{"about": "contacts/" + ids[1]})
			edit(t, sim, "meetings", "create", "", map[string]any{"about": "contacts/" + ids[1]})
		}
		cost("five tasks and five meetings", 2+2*2, 12)
		cost("the same again", 2, 12)
	})
}

// An activity that is associated after it was made is told again, as another
// event, since the association does not move its version.
func TestActivityAssociatedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		id := people(t, sim, 1)[0]
		from := connectors.Cursor{From: time.Now()}
		task := edit(t, sim, "tasks", "create", "", map[string]any{})
		time.Sleep(time.Second)
		first := follow(t, c, from)
		link := map[string]any{"links": []any{map[string]any{"kind": "contacts", "id": id}}, "hs_task_priority": ""}
		edit(t, sim, "tasks", "update", task, link)
		second := follow(t, c, from)
		if len(first.Changes) != 1 || len(second.Changes) != 1 || first.Changes[0].EventID == second.Changes[0].EventID {
			t.Fatalf("got %+v, then %+v", first.Changes, second.Changes)
		}
		if diff := cmp.Diff([]string{"contacts " + id}, about(second)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// hiding answers calls whose address has a part with a missing scope.
type hiding struct {
	next http.RoundTripper
	part string
}

func (h hiding) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.Contains(req.URL.RequestURI(), h.part) {
		return h.next.RoundTrip(req)
	}
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"status":"error","category":"MISSING_SCOPES","message":"no"}`)),
	}, nil
}

// What the app may not see costs itself, never what it may see (C6): meetings,
// and what activities are about.
func TestHiddenActivities(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ part, want string }{
		"meetings":      {"/meetings/search", "tasks contacts "},
		"deals":         {"/deals/", "tasks meetings contacts contacts "},
		"with all kind": {"associations=", "tasks meetings contacts contacts "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, func(s *connectors.Settings) { s.Transport = hiding{s.Transport, test.part} })
				id := people(t, sim, 1)[0]
				from := connectors.Cursor{From: time.Now()}
				edit(t, sim, "tasks", "create", "", map[string]any{"about": "contacts/" + id})
				edit(t, sim, "meetings", "create", "", map[string]any{"about": "contacts/" + id})
				time.Sleep(time.Second)
				page := follow(t, c, from, "contacts", "deals")
				got := ""
				for _, ch := range page.Changes {
					kind, _, _ := strings.Cut(ch.Ref.ID, "-")
					got += kind + " "
				}
				for _, ref := range about(page) {
					kind, _, _ := strings.Cut(ref, " ")
					got += kind + " "
				}
				if got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

// A damaged place inside a window begins the window anew (P6).
func TestDamagedPlaceOfActivities(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		start := time.Now()
		edit(t, sim, "tasks", "create", "", map[string]any{})
		time.Sleep(time.Second)
		for _, after := range []string{"12", "tasks-", "tasks-x", "notes-5", "-", "meetings"} {
			page := follow(t, c, connectors.Cursor{From: start, Upper: time.Now(), After: after})
			if len(page.Changes) != 1 || page.More {
				t.Errorf("%q: %+v", after, page)
			}
		}
		for _, from := range []connectors.Cursor{{}, {Listing: true, After: "7"}, {From: start.Add(time.Hour)}} {
			if page := follow(t, c, from); len(page.Changes) != 1 || page.Next.Listing || page.Next.From.After(time.Now()) {
				t.Errorf("%+v: %+v", from, page)
			}
		}
	})
}

// A task that its owner has done is HubSpot's first engagement, and none of
// ours: nobody has spoken with the buyer (1.15). What they do afterwards shows
// in the number and the date of contacts.
func TestTaskIsNoFirstTouch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		id, who := people(t, sim, 1)[0], owner(t, c)
		results, err := c.Apply(t.Context(), handoff("h1", id, who))
		if err != nil || results[1].Err != nil {
			t.Fatal(err, results)
		}
		time.Sleep(time.Minute)
		edit(t, sim, "tasks", "update", results[1].Ref.ID, map[string]any{"hs_task_status": "COMPLETED"})
		work := func() map[string]any {
			t.Helper()
			objects, err := c.Read(t.Context(), "contacts", []string{id}, append(connectors.WorkFields(), "hs_sa_first_engagement_object_type"))
			if err != nil || len(objects) != 1 {
				t.Fatal(err, objects)
			}
			return objects[0].Fields
		}
		if diff := cmp.Diff(map[string]any{"hs_sa_first_engagement_object_type": "TASK"}, work()); diff != "" {
			t.Errorf("done (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		now := time.Now().UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
		edit(t, sim, "calls", "create", "", map[string]any{"about": "contacts/" + id, "hubspot_owner_id": who})
		want := map[string]any{
			"hs_sa_first_engagement_object_type": "TASK", connectors.WorkReachedAt: now, connectors.WorkLastAt: now, connectors.WorkCount: 1.0,
		}
		if diff := cmp.Diff(want, work()); diff != "" {
			t.Errorf("and called (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		edit(t, sim, "emails", "create", "", map[string]any{"about": "contacts/" + id, "hubspot_owner_id": who, "hs_email_direction": "INCOMING_EMAIL"})
		delete(want, connectors.WorkLastAt) // that was the buyer
		want[connectors.WorkCount] = 2.0
		if diff := cmp.Diff(want, work()); diff != "" {
			t.Errorf("the buyer answers (-want +got):\n%s", diff)
		}
	})
}

// What HubSpot never keeps is not said to be lacking; what the portal hides is.
func TestLackingCounters(t *testing.T) {
	t.Parallel()
	c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
	setUp(t, sim, `{"archived_properties":["contacts.hs_first_outreach_date"]}`)
	if _, err := c.(connectors.Describer).Describe(t.Context(), []connectors.Kind{"contacts", "deals"}); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[connectors.Kind][]string{"contacts": {connectors.WorkReachedAt}, "deals": nil} {
		if diff := cmp.Diff(want, c.(connectors.Lacker).Lacks(kind, connectors.WorkFields())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// Out of office hours that are no such thing are passed over; a person's
// status "away" is no leave.
func TestStrangeLeave(t *testing.T) {
	t.Parallel()
	c, _, wire := portal(t, hubspotsim.Config{Empty: true}, nil)
	wire.Fail(false, connectortest.Answer{Status: 200, Body: `{"results":[
		{"id":"1","properties":{"hs_email":"a@x.example","hs_out_of_office_hours":"soon","hs_availability_status":"away"}},
		{"id":"2","properties":{"hs_email":"b@x.example","hs_out_of_office_hours":"[{\"startTimestamp\":17303796000,\"endTimestamp\":17304084000}]"}},
		{"id":"3","properties":{"hs_email":"c@x.example","hs_out_of_office_hours":"[{\"startTimestamp\":2000,\"endTimestamp\":1000}]"}},
		{"id":"4","properties":{"hs_email":null,"hs_out_of_office_hours":"[{\"startTimestamp\":1773907200000,\"endTimestamp\":1773993600000}]"}},
		{"id":"5","properties":{"hs_email":"E@X.example","hs_out_of_office_hours":"[{\"startTimestamp\":1773907200000,\"endTimestamp\":1773993600000}]"}}]}`})
	got, err := c.(connectors.Absentee).Absences(t.Context(), time.UnixMilli(0), time.UnixMilli(1800000000000))
	if err != nil {
		t.Fatal(err)
	}
	want := []connectors.Absence{{
		Who: "e@x.example", From: time.UnixMilli(1773907200000).UTC(), Until: time.UnixMilli(1773993600000).UTC(), Source: "HubSpot out of office",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package hubspot_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// trailOf asks for the past of one property of one contact, as "value actor".
func trailOf(t *testing.T, c connectors.Connector, id, field string, since time.Time) []string {
	t.Helper()
	all, err := c.(connectors.Historian).Trail(t.Context(), "contacts", []string{id}, field, since)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, v := range all[id] {
		if i > 0 && v.At.After(all[id][i-1].At) {
			t.Errorf("%v stands after an older one", v)
		}
		out = append(out, fmt.Sprint(v.Value, " ", v.Actor))
	}
	return out
}

// TestTrail: who set a property, the newest first, back to what stood there at
// an instant; a value that was taken away is blank (C11, G10).
func TestTrail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		id := edit(t, sim, "contacts", "create", "", map[string]any{"email": "p@buyer.example", "jobtitle": "first"})
		began := time.Now()
		by := func(who, value string) {
			t.Helper()
			time.Sleep(time.Minute)
			if _, err := sim.Edit(simhttp.Edit{CRM: "hubspot", Object: "contacts", Op: "update", ID: id, By: who, Fields: map[string]any{"jobtitle": value}}); err != nil {
				t.Fatal(err)
			}
		}
		by("person:ben@example.com", "ben's")
		by("automation:Lead routing", "a workflow's")
		by("person:ben@example.com", "")
		by("sync:salesforce", "a program's")
		time.Sleep(time.Minute)
		ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}
		results, err := c.Apply(t.Context(), []connectors.Write{{Ref: ref, Key: "k", Set: map[string]any{"jobtitle": "ours"}}})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		// Our own app and another one both are INTEGRATION. Their ids differ, but
		// which one is ours the CRM does not reliably tell.
		all := []string{"ours integration", "a program's integration", "<nil> person", "a workflow's automation", "ben's person", "first person"}
		for name, w := range map[string]struct {
			since time.Time
			want  []string
		}{
			"all":                                  {began.Add(-time.Hour), all},
			"from one on, with what stood there":   {began.Add(150 * time.Second), all[:4]},
			"nothing since, but what stands there": {began.Add(time.Hour), all[:1]},
		} {
			if diff := cmp.Diff(w.want, trailOf(t, c, id, "jobtitle", w.since)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if got := trailOf(t, c, id, "mobilephone", began); got != nil {
			t.Errorf("a property that never had a value has a past: %q", got)
		}
	})
}

// TestHands: who changed a record, and who stands in its history, is called as Users calls
// them, by the owner they are; before the owners are read, by no id that may be another's.
func TestHands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		id := edit(t, sim, "contacts", "create", "", map[string]any{"email": "p@buyer.example"})
		if _, err := sim.Edit(simhttp.Edit{CRM: "hubspot", Object: "contacts", Op: "update", ID: id, By: "person:ben@example.com", Fields: map[string]any{"jobtitle": "x"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		hands := func() (record, past string) {
			objects, err := c.Read(t.Context(), "contacts", []string{id}, []string{"jobtitle"})
			if err != nil || len(objects) != 1 {
				t.Fatal(objects, err)
			}
			trail, err := c.(connectors.Historian).Trail(t.Context(), "contacts", []string{id}, "jobtitle", time.Time{})
			if err != nil || len(trail[id]) != 1 {
				t.Fatal(trail, err)
			}
			return objects[0].ModifiedBy, trail[id][0].By
		}
		if record, past := hands(); !strings.HasPrefix(record, "user ") || past != record {
			t.Errorf("before the owners are read: %q, %q", record, past)
		}
		users, err := c.(connectors.Describer).Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ben := users[slices.IndexFunc(users, func(u connectors.User) bool { return u.Email == "ben@example.com" })].ID
		if record, past := hands(); record != ben || past != ben {
			t.Errorf("%q and %q, want %q", record, past, ben)
		}
	})
}

// TestTrailOfStrangers: a source that nobody has heard of is nobody we know,
// and the order of the answer is not relied on.
func TestTrailOfStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		id := people(t, sim, 1)[0]
		next := wire.Next
		wire.Next = trip(func(r *request) (*response, error) {
			if !strings.Contains(r.body, "propertiesWithHistory") {
				return nil, nil
			}
			return &response{200, fmt.Sprintf(`{"results":[{"id":%q,"propertiesWithHistory":{"jobtitle":[
				{"value":"1","timestamp":"2026-11-01T10:00:00Z","sourceType":"CRM_UI"},
				{"value":"3","timestamp":"2026-11-01T12:00:00Z","sourceType":"BRAND_NEW"},
				{"value":"2","timestamp":"2026-11-01T11:00:00Z"},
				{"value":"0","timestamp":"2026-11-01T09:00:00Z","sourceType":"WORKFLOWS"}]}},
				{"id":"999","propertiesWithHistory":{"jobtitle":[{"value":"x","timestamp":"2026-11-01T12:00:00Z"}]}}]}`, id)}, nil
		}).over(next)
		want := []string{"3 ", "2 ", "1 person"}
		if diff := cmp.Diff(want, trailOf(t, c, id, "jobtitle", time.Date(2026, 11, 1, 10, 30, 0, 0, time.UTC))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestTrailOfMany: fifty records a call; a merged id says nothing of its
// survivor's past, and what is no id is not asked for (C8, C11).
func TestTrailOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 120)
		survivor := edit(t, sim, "contacts", "merge", ids[1], map[string]any{"into": ids[0]})
		wire.Forget()
		all, err := c.(connectors.Historian).Trail(t.Context(), "contacts", append(ids[2:], ids[0], ids[1], "", "abc"), "email", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		answered := len(all)
		maps.DeleteFunc(all, func(_ string, past []connectors.FieldValue) bool { return len(past) == 0 })
		if n := len(wire.Seen()); n != 3 || len(all) != 118 || answered != 122 {
			t.Errorf("%d calls, %d records answered, %d with a past; want 3, 122 and 118", n, answered, len(all))
		}
		for _, id := range []string{ids[0], ids[1], survivor} {
			if all[id] != nil {
				t.Errorf("%s, which is merged or was not asked for, has the past %v", id, all[id])
			}
		}
	})
}

// TestTrailFails: a row of a history that the portal could not read is asked for once more,
// and is left out then: nobody would seem to have changed that record (C11). Where none
// could be read, that is an error.
func TestTrailFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 20)
		past := func() (map[string][]connectors.FieldValue, error) {
			wire.Forget()
			return c.(connectors.Historian).Trail(t.Context(), "contacts", ids, "email", time.Now())
		}
		sim.SetFaults(simhttp.Faults{Rate: map[string]float64{"partial": 1}})
		all, err := past()
		told := 0
		for _, id := range ids {
			if values, answered := all[id]; answered {
				if told++; len(values) != 1 {
					t.Errorf("%s has the past %v", id, values)
				}
			}
		}
		if calls := len(wire.Seen()); err != nil || calls != 2 || told == 0 || told == len(ids) {
			t.Errorf("%v after %d calls, %d of %d told", err, calls, told, len(ids))
		}
		ids = ids[:1]
		if _, err = past(); connectors.ClassOf(err) != connectors.Unavailable {
			t.Errorf("one that fails alone: %v", err)
		}
	})
}

// TestTrailInPart: what was told comes with the error that says why the rest was not (C1).
func TestTrailInPart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Seed: 3, Empty: true}, nil)
		ids := people(t, sim, 120)
		failing := ids[60]
		wire.Next = trip(func(r *request) (*response, error) {
			if strings.Contains(r.body, fmt.Sprintf("%q", failing)) {
				return &response{503, `<html>`}, nil
			}
			return nil, nil
		}).over(wire.Next)
		got, err := c.(connectors.Historian).Trail(t.Context(), "contacts", ids, "email", time.Now())
		if len(got) != 70 || connectors.ClassOf(err) != connectors.Unavailable {
			t.Errorf("the past of %d records: %v", len(got), err)
		}
		if _, told := got[failing]; told {
			t.Error("the past of a record that could not be read")
		}
		if got, err := c.(connectors.Historian).Trail(t.Context(), "contacts", ids[50:100], "email", time.Now()); got != nil || err == nil {
			t.Errorf("nothing could be read, and %d are told: %v", len(got), err)
		}
	})
}

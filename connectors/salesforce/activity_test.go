package salesforce

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
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// acts polls activities from a cursor until nothing more can be had now, and
// returns them by id, as the last that was said of each.
func (w *world) acts(from connectors.Cursor, limit int) (map[string]connectors.Object, connectors.Cursor) {
	w.t.Helper()
	seen := map[string]connectors.Object{}
	for range 500 {
		pages, err := w.org.Changes(w.t.Context(), []connectors.Poll{{Kind: connectors.Activity, From: from, Limit: limit}})
		if err != nil {
			w.t.Fatal(err)
		}
		p := pages[0]
		if p.Err != nil {
			w.t.Fatal(p.Err)
		}
		ids := map[string]bool{}
		for _, c := range p.Changes {
			if c.Object == nil || c.Object.Ref != c.Ref || c.Ref.Kind != connectors.Activity || c.EventID == "" || ids[c.Ref.ID] {
				w.t.Fatalf("change %+v, %v", c, ids)
			}
			ids[c.Ref.ID] = true
			seen[c.Ref.ID] = *c.Object
		}
		from = through(w.t, p.Next)
		if !p.More {
			return seen, from
		}
	}
	w.t.Fatal("the walk does not end")
	return nil, from
}

// told is an activity in one line: type, state, towards, its key, whom it is
// about and how many others.
func told(o connectors.Object) string {
	f := func(word string) string { s, _ := o.Fields[word].(string); return s }
	out := []string{f(connectors.ActType), f(connectors.ActState), f(connectors.ActTowards)}
	if f(connectors.ActKey) != "" {
		out = append(out, "key="+f(connectors.ActKey))
	}
	for _, l := range o.Links {
		out = append(out, string(l.Kind))
	}
	if o.Deleted {
		out = append(out, "deleted")
	}
	return strings.Join(slices.DeleteFunc(out, func(s string) bool { return s == "" }), " ")
}

func (w *world) user(name string) string {
	w.t.Helper()
	users, err := w.org.Users(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range users {
		if u.Email == name+"@example.com" {
			return u.ID
		}
	}
	w.t.Fatal("no user", name)
	return ""
}

// Calls, e-mails, meetings and to-dos of people come with
// what they are, which way they went and whom they are about; an e-mail and its
// task once; what nobody did not at all.
func TestActivities(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		object string
		fields map[string]any
		want   string // blank: it is no activity
	}{
		"logged call":        {"Task", map[string]any{"TaskSubtype": "Call", "Status": "Completed"}, "call done buyer Lead"},
		"planned call":       {"Task", map[string]any{"TaskSubtype": "Call", "ActivityDate": "2030-01-02"}, "call open buyer Lead"},
		"they called":        {"Task", map[string]any{"TaskSubtype": "Call", "CallType": "Inbound", "Status": "Completed"}, "call done us Lead"},
		"dialler":            {"Task", map[string]any{"TaskSubtype": "Call", "CallType": "Outbound", "Status": "Completed"}, "call done buyer Lead"},
		"among ourselves":    {"Task", map[string]any{"TaskSubtype": "Call", "CallType": "Internal", "Status": "Completed"}, "task done Lead"},
		"call by its type":   {"Task", map[string]any{"Type": "Call", "Status": "Completed"}, "call done buyer Lead"},
		"meeting as a task":  {"Task", map[string]any{"Type": "Meeting", "Status": "Completed"}, "meeting done buyer Lead"},
		"logged e-mail":      {"Task", map[string]any{"TaskSubtype": "Email", "Status": "Completed"}, "email done buyer Lead"},
		"mail to a list":     {"Task", map[string]any{"TaskSubtype": "ListEmail", "Status": "Completed"}, "email done buyer Lead"},
		"to-do":              {"Task", map[string]any{}, "task open Lead"},
		"to-do done":         {"Task", map[string]any{"Status": "Completed"}, "task done Lead"},
		"social":             {"Task", map[string]any{"TaskSubtype": "LinkedIn", "Status": "Completed"}, "task done Lead"},
		"ours":               {"Task", map[string]any{"TaskSubtype": "Call", "Handoff_Key__c": "k1"}, "task open key=k1 Lead"},
		"sent":               {"EmailMessage", map[string]any{"ToAddress": "lead1@example.com"}, "email done buyer Lead"},
		"received":           {"EmailMessage", map[string]any{"Incoming": true, "FromAddress": "lead1@example.com"}, "email done us Lead"},
		"draft":              {"EmailMessage", map[string]any{"Status": "5"}, ""},
		"meeting to come":    {"Event", map[string]any{"StartDateTime": "2030-01-02T10:00:00Z", "DurationInMinutes": 30}, "meeting open buyer Lead"},
		"meeting of today":   {"Event", map[string]any{"StartDateTime": "1999-12-31T10:00:00Z", "DurationInMinutes": 30}, "meeting done buyer Lead"},
		"call in a calendar": {"Event", map[string]any{"Type": "Call", "StartDateTime": "1999-12-31T10:00:00Z", "DurationInMinutes": 30}, "call done buyer Lead"},
		"all day":            {"Event", map[string]any{"IsAllDayEvent": true, "ActivityDate": "2000-01-01"}, "meeting open buyer Lead"},
		"leave":              {"Event", map[string]any{"ShowAs": "OutOfOffice", "StartDateTime": "2030-01-02T10:00:00Z", "DurationInMinutes": 30}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
				lead, ana := w.lead(1), w.user("ana")
				_, from := w.acts(connectors.Cursor{From: time.Now()}, 0)
				fields := map[string]any{"WhoId": lead, "Subject": "s"}
				maps.Copy(fields, c.fields)
				time.Sleep(time.Hour)
				now := time.Now().UTC().Truncate(time.Second)
				w.edit(simhttp.Edit{Object: c.object, Op: "create", By: "person:ana@example.com", Fields: fields})
				time.Sleep(time.Second)
				got, _ := w.acts(from, 0)
				var lines []string
				for id, o := range got {
					lines = append(lines, told(o))
					at, _ := parseStamp(textOf(o.Fields, connectors.ActAt))
					if o.Fields[connectors.ActOwner] != ana || o.Fields[connectors.ActMadeBy] != ana || o.Fields[connectors.ActMade] != now.Format(stampLayout) {
						t.Errorf("who and when: %+v", o.Fields)
					}
					if o.Fields[connectors.ActState] == "done" && c.object != "Event" && !at.Equal(now) {
						t.Errorf("at %v, want %v", at, now)
					}
					for word := range o.Fields {
						if !slices.Contains(actWords(), word) {
							t.Errorf("%s leaves the adapter", word)
						}
					}
					read := w.read(connectors.Activity, nil, id)
					if diff := cmp.Diff(o, read[id]); diff != "" {
						t.Errorf("polled and read differ (-poll +read):\n%s", diff)
					}
				}
				var want []string
				if c.want != "" {
					want = []string{c.want}
				}
				if diff := cmp.Diff(want, lines); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A task is told again when somebody completes it, moves it or
// deletes it, and at the hour it is completed, not at its due date.
func TestActivityCompleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
		lead := w.lead(1)
		_, from := w.acts(connectors.Cursor{From: time.Now()}, 0)
		task := w.edit(simhttp.Edit{Object: "Task", Op: "create", Fields: map[string]any{"WhoId": lead, "Subject": "Ring", "TaskSubtype": "Call", "ActivityDate": "1999-11-01"}})
		time.Sleep(time.Hour)
		got, from := w.acts(from, 0)
		if told(got[task]) != "call open buyer Lead" || got[task].Fields[connectors.ActAt] != "1999-11-01T00:00:00.000Z" {
			t.Errorf("open: %+v", got[task])
		}
		time.Sleep(time.Hour)
		now := time.Now().UTC().Truncate(time.Second).Format(stampLayout)
		w.edit(simhttp.Edit{Object: "Task", Op: "update", ID: task, Fields: map[string]any{"Status": "Completed"}})
		time.Sleep(time.Minute)
		got, from = w.acts(from, 0)
		if told(got[task]) != "call done buyer Lead" || got[task].Fields[connectors.ActAt] != now {
			t.Errorf("done: %+v", got[task])
		}
		time.Sleep(time.Hour)
		w.edit(simhttp.Edit{Object: "Task", Op: "delete", ID: task})
		time.Sleep(time.Minute)
		got, _ = w.acts(from, 0)
		if !got[task].Deleted {
			t.Errorf("deleted: %+v", got[task])
		}
		read := w.read(connectors.Activity, nil, task, "00T000000000999EAA", "00QdL000000001pEAA")
		for id, o := range read {
			if !o.Deleted {
				t.Errorf("read %s: %+v", id, o)
			}
		}
		if len(read) != 3 {
			t.Errorf("%d of 3 ids were answered: %v", len(read), read)
		}
	})
}

// That a meeting has ended is told although nothing in its row
// changes, once the hour has come, by the server's clock.
func TestMeetingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		lead := w.lead(1)
		start := time.Now().UTC().Add(5 * time.Hour).Truncate(time.Second)
		meeting := w.edit(simhttp.Edit{Object: "Event", Op: "create", Fields: map[string]any{
			"WhoId": lead, "Subject": "Demo", "StartDateTime": start.Format(time.RFC3339), "DurationInMinutes": 30,
		}})
		from := connectors.Cursor{From: time.Now().Add(-time.Minute)}
		time.Sleep(time.Minute)
		var said []string
		versions := map[string]bool{}
		for range 40 {
			time.Sleep(10 * time.Minute)
			var got map[string]connectors.Object
			got, from = w.acts(from, 0)
			if o, ok := got[meeting]; ok && !versions[o.Version] {
				versions[o.Version] = true
				said = append(said, fmt.Sprint(told(o), " ", o.Fields[connectors.ActAt]))
				if o.Fields[connectors.ActState] == "done" && time.Since(start.Add(30*time.Minute)) > 11*time.Minute {
					t.Errorf("its end was told %v late", time.Since(start))
				}
			}
		}
		at := start.Format(stampLayout)
		if diff := cmp.Diff([]string{"meeting open buyer Lead " + at, "meeting done buyer Lead " + at}, said); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// An e-mail is one activity, whichever of its two rows changed last; one that
// came in is never taken for one that went out.
func TestMailAndItsTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		lead := w.lead(1)
		_, from := w.acts(connectors.Cursor{From: time.Now()}, 0)
		out, err := w.sim.Edit(simhttp.Edit{Object: "EmailMessage", Op: "create", Fields: map[string]any{"WhoId": lead, "Incoming": true, "Subject": "Re: Hello"}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got, from := w.acts(from, 0)
		if len(got) != 1 || told(got[out["task"]]) != "email done us Lead" {
			t.Errorf("together: %v", got)
		}
		time.Sleep(time.Hour)
		_, from = w.acts(from, 0)
		w.edit(simhttp.Edit{Object: "Task", Op: "update", ID: out["task"], Fields: map[string]any{"Description": "hm"}})
		time.Sleep(time.Minute)
		var later connectors.Object
		next := from
		calls := w.counted(func() { got, next = w.acts(from, 0) })
		if later = got[out["task"]]; len(got) != 1 || told(later) != "email done us Lead" {
			t.Errorf("the task alone: %v", got)
		}
		if calls != 2 {
			t.Errorf("calls = %d, want one for the poll and one for the e-mail", calls)
		}
		if calls = w.counted(func() { w.acts(next, 0) }); calls != 1 {
			t.Errorf("calls = %d, want 1 once the e-mail is known", calls)
		}
		if diff := cmp.Diff(later, w.read(connectors.Activity, nil, out["task"])[out["task"]]); diff != "" {
			t.Errorf("read (-poll +read):\n%s", diff)
		}
	})
}

// (P1, P3) each walk has a place of its own: any page size finds everything,
// through restarts, and equal stamps are neither skipped nor stuck on.
func TestActivityPages(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 3, 7, 50, 2000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, salesforcesim.Config{})
				lead := w.lead(1)
				from := connectors.Cursor{From: time.Now().Add(-time.Minute)}
				for i := range 23 {
					w.edit(simhttp.Edit{Object: "Task", Op: "create", Fields: map[string]any{"WhoId": lead, "Subject": "s"}})
					if i%2 == 0 {
						w.edit(simhttp.Edit{Object: "Event", Op: "create", Fields: map[string]any{"WhoId": lead, "StartDateTime": time.Now().Add(-time.Hour).Format(time.RFC3339), "DurationInMinutes": 5}})
					}
					if i%3 == 0 {
						w.edit(simhttp.Edit{Object: "EmailMessage", Op: "create", Fields: map[string]any{"WhoId": lead}})
					}
				}
				time.Sleep(time.Minute)
				// One that ends within what our clock may be wrong by is not over.
				w.edit(simhttp.Edit{Object: "Event", Op: "create", Fields: map[string]any{"WhoId": lead, "StartDateTime": time.Now().Format(time.RFC3339), "DurationInMinutes": 10}})
				time.Sleep(time.Second)
				const want = 23 + 12 + 8 + 1
				followed, next := w.acts(from, limit)
				if len(followed) != want {
					t.Errorf("followed %d, want %d", len(followed), want)
				}
				if next.After != "" || !next.Upper.IsZero() || next.From.Before(from.From) {
					t.Errorf("the window is not closed: %+v", next)
				}
				if listed, after := w.acts(connectors.Cursor{}, limit); len(listed) != want || after.Listing {
					t.Errorf("listed %d, want %d; then %+v", len(listed), want, after)
				}
			})
		})
	}
}

// The walks travel in the poll's composite, five a call.
func TestActivityCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	lead := w.lead(1)
	w.edit(simhttp.Edit{Object: "EmailMessage", Op: "create", Fields: map[string]any{"WhoId": lead}})
	at := connectors.Cursor{From: time.Now().Add(-time.Minute)}
	for n, polls := range map[int64][]connectors.Poll{
		1: {{Kind: Lead, From: at}, {Kind: connectors.Activity, From: at}},
		2: {{Kind: Lead, From: at}, {Kind: Contact, From: at}, {Kind: Account, From: at}, {Kind: Opportunity, From: at}, {Kind: connectors.Activity, From: at}},
	} {
		calls := w.counted(func() {
			pages, err := w.org.Changes(t.Context(), polls)
			if err != nil || len(pages) != len(polls) {
				t.Fatal(err)
			}
			for _, p := range pages {
				if p.Err != nil {
					t.Error(p.Err)
				}
			}
		})
		if calls != n {
			t.Errorf("%d polls took %d calls, want %d", len(polls), calls, n)
		}
	}
}

// An org without e-mail messages, events or fields of theirs tells what it has;
// one that hides them all fails in that kind only (C15).
func TestActivitiesHidden(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		without []string
		setup   string
		want    []string
		fails   bool
	}{
		"no e-mails":          {nil, `{"no_access":["EmailMessage"]}`, []string{"email done buyer Lead", "meeting open buyer Lead", "task open Lead"}, false},
		"no events":           {nil, `{"no_access":["Event"]}`, []string{"email done us Lead", "task open Lead"}, false},
		"no tasks":            {nil, `{"no_access":["Task"]}`, []string{"meeting open buyer Lead"}, false}, // an e-mail's person stands in its task
		"nothing":             {nil, `{"no_access":["Task","Event","EmailMessage"]}`, nil, true},
		"without the subtype": {[]string{"Task.TaskSubtype", "Task.CompletedDateTime"}, ``, []string{"email done us Lead", "meeting open buyer Lead", "task open Lead"}, false},
		"without directions":  {[]string{"EmailMessage.ActivityId"}, ``, []string{"email done buyer Lead", "meeting open buyer Lead", "task open Lead"}, false},
	} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " late=", late), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, salesforcesim.Config{})
				lead := w.lead(1)
				w.edit(simhttp.Edit{Object: "Task", Op: "create", Fields: map[string]any{"WhoId": lead, "Subject": "s"}})
				w.edit(simhttp.Edit{Object: "EmailMessage", Op: "create", Fields: map[string]any{"WhoId": lead, "Incoming": true}})
				w.edit(simhttp.Edit{Object: "Event", Op: "create", Fields: map[string]any{"WhoId": lead, "StartDateTime": "2040-01-01T10:00:00Z", "DurationInMinutes": 30}})
				from := connectors.Cursor{From: time.Now().Add(-time.Minute)}
				if late { // what it saw a moment ago is gone
					w.acts(from, 0)
				}
				w.hide(c.without)
				if c.setup != "" {
					w.setup(c.setup)
				}
				pages, err := w.org.Changes(t.Context(), []connectors.Poll{{Kind: connectors.Activity, From: from}, {Kind: Lead, From: from}})
				if err != nil || pages[1].Err != nil {
					t.Fatal(err, pages[1].Err)
				}
				if late && pages[0].Err != nil { // that is told once, and learnt
					if cmp.Diff(from, pages[0].Next) != "" {
						t.Errorf("a failed page moved its cursor: %+v", pages[0].Next)
					}
					w.org.schemas = newSchemaStore()
					pages, _ = w.org.Changes(t.Context(), []connectors.Poll{{Kind: connectors.Activity, From: from}})
				}
				if (pages[0].Err != nil) != c.fails {
					t.Fatalf("error %v", pages[0].Err)
				}
				var got []string
				for _, change := range pages[0].Changes {
					got = append(got, told(*change.Object))
				}
				slices.Sort(got)
				if diff := cmp.Diff(c.want, got); diff != "" && !late {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// hide takes columns away from the integration user.
func (w *world) hide(columns []string) {
	w.t.Helper()
	if len(columns) > 0 {
		w.setup(`{"hidden":["` + strings.Join(columns, `","`) + `"]}`)
	}
}

// A shared activity is about everybody in it, and users are nobody.
func TestSharedActivity(t *testing.T) {
	t.Parallel()
	s := fuzzSchema(taskObject, true)
	s.children = map[string]bool{"TaskRelations": true}
	o := &org{name: "sf"}
	sel := o.chooseActs(s, nil)
	if !slices.Contains(sel.names, "(SELECT RelationId FROM TaskRelations)") {
		t.Errorf("columns: %v", sel.names)
	}
	relation := func(id string) any { return map[string]any{"RelationId": id} }
	obj, is := sel.activity(map[string]any{
		"Id": "00T000000000001AAA", "WhoId": "003000000000001AAA",
		"TaskRelations": map[string]any{"records": []any{relation("003000000000001AAA"), relation("00Q000000000001EAA"), relation("005000000000001AAA"), relation("x"), nil}},
	}, time.Now())
	if got := told(obj); !is || got != "task open Contact Lead" {
		t.Errorf("got %v %q", is, got)
	}
}

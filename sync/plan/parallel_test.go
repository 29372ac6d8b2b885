package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// beside are two handoffs that one deal has at once: to a sales engineer and to
// legal.
func beside(name, word, team, accepted, extra string) string {
	return "handoff: " + name + `
what: One of two at once
about: deal
on: hubspot
from: account executives
to: ` + team + `
starts_when: {deal.stage: Validation}
context: {must_have: [deal.name], if_missing: route_then_chase}
sla: high_intent
owner: [round robin ` + team + `]
receiver_becomes: deal.` + word + `
accepted_when: ` + accepted + `
` + extra + `
completed_when: task_done
if_stalled: [standard]
`
}

const besideWords = `  stored_in: deals
  fields:
    engineer:          {read: engineer, write: engineer, is_a: user}
    counsel:           {read: counsel, write: counsel, is_a: user}
    handoff_status:    {read: handoff_status, write: handoff_status}
    work_status:       {read: work_status}
`

// besideFiles are the files of the two, accepted by a and b; more stands in both.
func besideFiles(t testing.TB, a, b string, more ...string) map[string]string {
	t.Helper()
	files := edit(t, "mappings/hubspot.yaml", "  stored_in: deals\n  fields:\n", besideWords)
	files["handoffs/to-engineer.yaml"] = beside("to_engineer", "engineer", "ae_enterprise", a, strings.Join(more, ""))
	files["handoffs/to-legal.yaml"] = beside("to_legal", "counsel", "cs_onboarding", b, "watchers: [deal.owner, revops@example.com]\n"+strings.Join(more, ""))
	return files
}

// TestParallel: of two handoffs of one deal the record shows the first one; the
// status a person sets accepts that one alone, and the other is accepted by its
// own task. When the first is over, the record shows the other (1.12, 1.15,
// 1.73, 1.78).
func TestParallel(t *testing.T) {
	t.Parallel()
	status := "{any: [{deal.handoff_status: Accepted}]}"
	r, w := writing(t, besideFiles(t, status, status)), newWorld()
	rec := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "deals", ID: "7"}, Noun: "deal", Version: "1", CreatedAt: monday.Add(-time.Hour), ModifiedAt: monday,
		Fields: map[string]string{"name": "Acme", "stage": "Validation", "owner": "u-vera"},
	}
	w.decide(t, r, monday, see(rec))
	byType := func() map[string]state.Handoff {
		out := map[string]state.Handoff{}
		for _, h := range w.handoffs {
			out[h.Type] = h
		}
		return out
	}
	if len(w.handoffs) != 2 {
		t.Fatalf("%d handoffs", len(w.handoffs))
	}
	shown := ""
	for key, i := range w.intents {
		delete(w.intents, key)
		if id, _ := i.Write.Set["handoff_id"].(string); id != "" {
			if shown != "" {
				t.Fatalf("both write the record's fields")
			}
			shown = id
		}
		d := plan.Delivered{Intent: i, Ref: i.Write.Ref, Version: "2"}
		if d.Ref.ID == "" {
			d.Ref.ID = "t-" + key[:4]
		}
		w.decide(t, r, monday.Add(time.Second), d)
	}
	first := w.handoffs[shown]
	var second state.Handoff
	for _, h := range w.handoffs {
		if h.ID != shown {
			second = h
		}
	}
	if first.Owner == second.Owner || second.Written.IsZero() {
		t.Fatalf("%+v %+v", first, second)
	}
	owners := byType()
	rec.Fields = fields(rec, "handoff_id", shown, "handoff_status", "Accepted",
		"engineer", "u-"+strings.TrimSuffix(owners["to_engineer"].Owner, "@example.com"), "counsel", "u-"+strings.TrimSuffix(owners["to_legal"].Owner, "@example.com"))
	at := monday.Add(5 * time.Minute)
	rec.Version, rec.ModifiedAt = "3", at
	w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
	if a, b := w.handoffs[first.ID], w.handoffs[second.ID]; a.Stage != state.Accepted || b.Stage != state.Assigned {
		t.Fatalf("the status accepts: %s and %s", a.Stage, b.Stage)
	}
	tick := func(h state.Handoff, after time.Duration) {
		at := monday.Add(after)
		ev := act(r, "tasks-"+h.ID[:4], did("task", "u-x", at, "key", h.Effects["task"].Key))
		w.decide(t, r, at, plan.Observed{Record: ev, Via: "poll", Came: at})
	}
	tick(second, 6*time.Minute)
	if b := w.handoffs[second.ID]; b.Stage != state.Completed || b.AcceptedBy != b.Owner {
		t.Errorf("its own task: %s %+v", b.Stage, b.Work)
	}
	if legal := byType()["to_legal"]; len(legal.Watchers) != 2 || legal.Watchers[0] != "vera@example.com" {
		t.Errorf("watchers %v (1.73)", legal.Watchers)
	}
	for key := range w.intents {
		delete(w.intents, key)
	}
	tick(first, 7*time.Minute)
	if a := w.handoffs[first.ID]; a.Stage != state.Completed {
		t.Errorf("%s", a.Stage)
	}
}

// twoAtOnce are two handoffs of one deal that stand in the CRM, the one that its
// record shows first, and the record as it is then.
func twoAtOnce(t testing.TB, r *plan.Rules) (w *world, rec state.Record, first, second state.Handoff) {
	t.Helper()
	w = newWorld()
	rec = state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "deals", ID: "7"}, Noun: "deal", Version: "1", CreatedAt: monday.Add(-time.Hour), ModifiedAt: monday,
		Fields: map[string]string{"name": "Acme", "stage": "Validation", "owner": "u-vera"},
	}
	w.decide(t, r, monday, see(rec))
	shown := ""
	for _, i := range w.intents {
		if id, _ := i.Write.Set["handoff_id"].(string); id != "" {
			shown = id
		}
		d := plan.Delivered{Version: "2", Stamp: monday.Add(time.Second)}
		if i.Write.Creates() {
			d.Ref = connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "t-" + i.Handoff[:4]}
		}
		w.came(t, r, monday.Add(time.Second), i, d)
	}
	rec.Version, rec.Fields = "2", fields(rec, "handoff_id", shown, "handoff_status", "Assigned")
	for id, h := range w.handoffs {
		if id == shown {
			first = h
		} else {
			second = h
		}
		rec.Fields[receives(h)] = "u-" + strings.TrimSuffix(h.Owner, "@example.com")
	}
	return w, rec, first, second
}

// receives is the word that the receiver of one of two at once stands in.
func receives(h state.Handoff) string {
	return map[string]string{"to_engineer": "engineer", "to_legal": "counsel"}[h.Type]
}

// TestNextIsShown: once the handoff that a record shows is over, in whatever way, the
// record shows the one that is still open, after what it says of the first, and what
// is set there accepts it; nothing is shown that has ended with it (1.73).
func TestNextIsShown(t *testing.T) {
	t.Parallel()
	status := "{any: [{deal.handoff_status: Accepted}, task_done]}"
	files := besideFiles(t, status, status, "returned_when: {deal.handoff_status: Returned}\non_return: {reason: required, then: return_to_giver}\n")
	r, at := writing(t, files), monday.Add(5*time.Minute)
	for name, c := range map[string]struct {
		ends  func(t *testing.T, w *world, rec state.Record, first, second state.Handoff)
		stage state.Stage
		none  bool // nothing is left to be shown
	}{
		"completed": {func(t *testing.T, w *world, _ state.Record, first, _ state.Handoff) {
			t.Helper()
			w.decide(t, r, at, plan.Observed{Record: act(r, "tasks-1", did("task", "u-x", at, "key", first.Effects["task"].Key)), Via: "poll", Came: at})
		}, state.Completed, false},
		"taken over": {func(t *testing.T, w *world, rec state.Record, first, _ state.Handoff) {
			t.Helper()
			rec.Fields[receives(first)] = "u-kim"
			w.decide(t, r, at, see(rec))
		}, state.Superseded, false},
		"both taken over": {func(t *testing.T, w *world, rec state.Record, first, second state.Handoff) {
			t.Helper()
			rec.Fields[receives(first)], rec.Fields[receives(second)] = "u-kim", "u-hugh"
			w.decide(t, r, at, see(rec))
		}, state.Superseded, true},
		"returned": {func(t *testing.T, w *world, rec state.Record, _, _ state.Handoff) {
			t.Helper()
			rec.Fields["handoff_status"], rec.Fields["handoff_return_reason"] = "Returned", "Too early"
			w.decide(t, r, at, see(rec))
			if reason, clears := w.steps()["show"].Write.Set["handoff_return_reason"]; !clears || reason != nil {
				t.Errorf("the reason of the first stays on the record: %v", w.steps()["show"].Write.Set)
			}
		}, state.Returned, false},
		"taken back": {func(t *testing.T, w *world, rec state.Record, first, _ state.Handoff) {
			t.Helper()
			now := connectors.Object{Ref: rec.Ref, Version: "2", Fields: w.befores[rec.Ref].Last}
			task := connectors.Object{Ref: first.Effects["task"].Ref, Fields: map[string]any{connectors.TaskStatus: "open"}}
			w.decide(t, r, at, plan.Undo{Handoffs: []string{first.ID}, By: "ops", Read: at, Found: []connectors.Object{now, task}})
		}, state.Cancelled, false},
	} {
		w, rec, first, second := twoAtOnce(t, r)
		then := rec
		then.Version, then.ModifiedAt, then.Fields = "3", at, fields(rec)
		c.ends(t, w, then, first, second)
		i, shows := w.steps()["show"]
		if over := w.handoffs[first.ID]; over.Stage != c.stage || shows == c.none {
			t.Errorf("%s: %s, and the other one is shown: %v", name, over.Stage, shows)
			continue
		}
		if c.none {
			continue
		}
		if next := i.Write.Set; next["handoff_id"] != second.ID || next["handoff_status"] != "Assigned" || !i.Created.After(at) {
			t.Errorf("%s: at %s the record shows %v", name, i.Created, next)
		}
		w.came(t, r, at, i, plan.Delivered{Version: "4", Stamp: at.Add(time.Second)})
		rec.Version, rec.ModifiedAt, rec.Fields = "5", at.Add(time.Minute), fields(rec, "handoff_id", second.ID, "handoff_status", "Accepted")
		w.decide(t, r, at.Add(time.Minute), see(rec))
		if h := w.handoffs[second.ID]; h.Stage != state.Accepted {
			t.Errorf("%s: what is set then leaves the other one %s", name, h.Stage)
		}
	}
}

// TestNextOfTheSameReceiver: who has both handoffs of a deal accepts both by its status;
// when one of them is over, whichever, the record shows the other again (1.73).
func TestNextOfTheSameReceiver(t *testing.T) {
	t.Parallel()
	files := besideFiles(t, "{deal.handoff_status: Accepted}", "{deal.handoff_status: Accepted}")
	for name, text := range files {
		if strings.HasPrefix(name, "handoffs/to-") {
			text = strings.Replace(text, "round robin ae_enterprise", "person dev@example.com", 1)
			files[name] = strings.Replace(text, "round robin cs_onboarding", "person dev@example.com", 1)
		}
	}
	r := writing(t, files)
	for _, typ := range []string{"to_engineer", "to_legal"} {
		w, rec, one, two := twoAtOnce(t, r)
		if one.Type != typ {
			one, two = two, one
		}
		rec.Version, rec.ModifiedAt, rec.Fields = "3", monday.Add(5*time.Minute), fields(rec, "handoff_status", "Accepted")
		w.decide(t, r, monday.Add(5*time.Minute), see(rec))
		if a, b := w.handoffs[one.ID].Stage, w.handoffs[two.ID].Stage; one.Owner != two.Owner || a != state.Accepted || b != state.Accepted {
			t.Fatalf("%s of %s is %s and %s of %s %s", one.Type, one.Owner, a, two.Type, two.Owner, b)
		}
		w.done(t, r, monday.Add(5*time.Minute))
		at := monday.Add(6 * time.Minute)
		w.decide(t, r, at, plan.Observed{Record: act(r, "tasks-1", did("task", "u-dev", at, "key", one.Effects["task"].Key)), Via: "poll", Came: at})
		ends, shows := w.steps()["complete"], w.steps()["show"]
		if w.handoffs[one.ID].Stage != state.Completed || shows.Write.Set["handoff_id"] != two.ID || shows.Write.Set["handoff_status"] != "Accepted" || !shows.Created.After(ends.Created) {
			t.Errorf("%s is over (%s), and the record says %v", typ, w.handoffs[one.ID].Stage, shows.Write.Set)
		}
	}
}

// TestReturnedOnTheirTask: of two handoffs of one deal, either receiver gives theirs back
// by putting their own task off, whichever the record shows. The reason on the record is
// of the one that comes back, before or after, and is not left to be taken for the other's;
// who takes the task up again in time keeps it (4.14, 1.73).
func TestReturnedOnTheirTask(t *testing.T) {
	t.Parallel()
	files := besideFiles(t, "task_done", "task_done", "returned_when: {any: [task_deferred, {deal.handoff_status: Returned}]}\non_return: {reason: required, then: return_to_giver}\n")
	r := writing(t, files)
	const reason, note = "handoff_return_reason", "handoff_return_note"
	type moment struct {
		w             *world
		rec           state.Record
		first, second state.Handoff
		n             int
	}
	says := func(t *testing.T, m *moment, who string, pairs ...string) {
		t.Helper()
		m.n++
		m.rec.Version, m.rec.ModifiedAt, m.rec.Fields = fmt.Sprint(3+m.n), monday.Add(time.Duration(m.n)*time.Minute), fields(m.rec, pairs...)
		if m.rec.ModifiedBy = ""; who != "" {
			m.rec.ModifiedBy = "u-" + strings.TrimSuffix(who, "@example.com")
		}
		m.w.decide(t, r, m.rec.ModifiedAt, see(m.rec))
	}
	task := func(t *testing.T, m *moment, h state.Handoff, to string) {
		t.Helper()
		m.n++
		at := monday.Add(time.Duration(m.n) * time.Minute)
		rec := act(r, "tasks-"+h.ID[:4], did("task", "u-x", at, "key", h.Effects["task"].Key, connectors.ActState, to))
		rec.Version = fmt.Sprint(m.n)
		m.w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
	}
	for name, c := range map[string]struct {
		happens      func(t *testing.T, m *moment)
		one, two     state.Stage // of the shown one and of the other
		why, whyNext string      // why they came back
		clears       string      // the step that takes the reason off the record
	}{
		"the other, its reason first": {func(t *testing.T, m *moment) {
			t.Helper()
			says(t, m, m.second.Owner, reason, "Clerical", note, "No contract is attached")
			task(t, m, m.second, "deferred")
		}, state.Assigned, state.Returned, "", "Clerical", "return"},
		"the other, its reason afterwards": {func(t *testing.T, m *moment) {
			t.Helper()
			task(t, m, m.second, "deferred")
			says(t, m, m.second.Owner, reason, "Clerical")
		}, state.Assigned, state.Returned, "", "Clerical", "reason"},
		"the other, and nobody is known to have said why": {func(t *testing.T, m *moment) {
			t.Helper()
			task(t, m, m.second, "deferred")
			says(t, m, "", reason, "Clerical")
		}, state.Assigned, state.Returned, "", "Clerical", "reason"},
		"the other, and the shown one's receiver begins to say why": {func(t *testing.T, m *moment) {
			t.Helper()
			task(t, m, m.second, "deferred")
			says(t, m, m.first.Owner, reason, "Too early")
			says(t, m, m.first.Owner, "handoff_status", "Returned")
		}, state.Returned, state.Returned, "Too early", "", ""},
		"both, the shown one by its status": {func(t *testing.T, m *moment) {
			t.Helper()
			task(t, m, m.second, "deferred")
			says(t, m, "", "handoff_status", "Returned", reason, "Too early")
		}, state.Returned, state.Returned, "Too early", "", ""},
		"the other, where the record tells no id": {func(t *testing.T, m *moment) {
			t.Helper()
			delete(m.rec.Fields, "handoff_id")
			m.w.decide(t, r, monday.Add(time.Minute), see(m.rec))
			task(t, m, m.second, "deferred")
		}, state.Assigned, state.Returned, "", "", ""},
		"the shown one": {func(t *testing.T, m *moment) {
			t.Helper()
			says(t, m, m.first.Owner, reason, "Too early")
			task(t, m, m.first, "deferred")
		}, state.Returned, state.Assigned, "Too early", "", "show"},
		"the shown one by its status": {func(t *testing.T, m *moment) {
			t.Helper()
			says(t, m, m.first.Owner, "handoff_status", "Returned", reason, "Too early")
		}, state.Returned, state.Assigned, "Too early", "", "show"},
		"begun and not put off": {func(t *testing.T, m *moment) {
			t.Helper()
			task(t, m, m.second, "started")
		}, state.Assigned, state.Accepted, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &moment{}
			m.w, m.rec, m.first, m.second = twoAtOnce(t, r)
			c.happens(t, m)
			why := func(h state.Handoff) string {
				if h.Returned == nil {
					return ""
				}
				return h.Returned.Reason
			}
			one, two := m.w.handoffs[m.first.ID], m.w.handoffs[m.second.ID]
			if one.Stage != c.one || two.Stage != c.two || why(one) != c.why || why(two) != c.whyNext {
				t.Fatalf("%s (%s) and %s (%s)", one.Stage, why(one), two.Stage, why(two))
			}
			for step, i := range m.w.steps() {
				if v, clears := i.Write.Set[reason]; clears != (step == c.clears) || v != nil {
					t.Errorf("%s leaves the record's reason %v", step, i.Write.Set)
				}
			}
			if was := m.second; two.Stage == state.Returned && (two.Returned.By != was.Owner || m.w.steps()["return"].Write.Set["handoff_status"] != nil && one.Stage != state.Returned) {
				t.Errorf("%+v is told as %v", two.Returned, m.w.steps()["return"].Write.Set)
			}
		})
	}
}

// TestPutOffAndTakenUp: a task that is put off counts until it is taken up again: rules
// that come to give the handoff back by it find it as it is (4.14).
func TestPutOffAndTakenUp(t *testing.T) {
	t.Parallel()
	files := besideFiles(t, "task_done", "task_done")
	r := writing(t, files)
	w, rec, _, second := twoAtOnce(t, r)
	for n, state := range []string{"deferred", "open"} {
		at := monday.Add(time.Duration(5+n) * time.Minute)
		seen := act(r, "tasks-1", did("task", "u-x", at, "key", second.Effects["task"].Key, connectors.ActState, state))
		seen.Version = fmt.Sprint(n)
		w.decide(t, r, at, plan.Observed{Record: seen, Via: "poll", Came: at})
		if put := w.handoffs[second.ID].Work.Deferred; put.IsZero() != (state == "open") {
			t.Errorf("%s: put off at %s", state, put)
		}
	}
	files = besideFiles(t, "task_done", "task_done", "returned_when: task_deferred\n")
	rec.Version, rec.ModifiedAt = "9", monday.Add(9*time.Minute)
	w.decide(t, writing(t, files), monday.Add(9*time.Minute), see(rec))
	if h := w.handoffs[second.ID]; h.Stage != state.Assigned {
		t.Errorf("%s", h.Stage)
	}
}

// TestNextIsShownLast: however often the write that ends a handoff comes upon a change,
// what shows the next one leaves after it, and counts for no loop (1.73, C13).
func TestNextIsShownLast(t *testing.T) {
	t.Parallel()
	files := besideFiles(t, "task_done", "task_done", "returned_when: {deal.handoff_status: Returned}\non_return: {reason: optional, then: return_to_giver}\n")
	r := writing(t, files)
	w, rec, _, second := twoAtOnce(t, r)
	at := monday.Add(5 * time.Minute)
	rec.Version, rec.ModifiedAt, rec.Fields = "3", at, fields(rec, "handoff_status", "Returned")
	w.decide(t, r, at, see(rec))
	for n := range 6 {
		at = at.Add(time.Minute)
		w.answered(t, r, at, "return", plan.Delivered{Class: connectors.Conflict.String(), Err: "changed"})
		ends, shows := w.steps()["return"], w.steps()["show"]
		if h := w.handoffs[second.ID]; !shows.Created.After(ends.Created) || ends.Created.IsZero() || h.Frozen != "" {
			t.Fatalf("conflict %d: it ends at %s and the next is shown at %s; frozen: %q", n+1, ends.Created, shows.Created, h.Frozen)
		}
	}
}

// TestReasonWhileNextIsShown: the reason of a return may follow while the record shows
// another handoff already; of one that is being returned itself it is that one's.
func TestReasonWhileNextIsShown(t *testing.T) {
	t.Parallel()
	files := besideFiles(t, "task_done", "task_done", "returned_when: {deal.handoff_status: Returned}\non_return: {reason: required, then: return_to_giver}\n")
	r := writing(t, files)
	for status, of := range map[string]int{"Assigned": 0, "Returned": 1} {
		w, rec, first, second := twoAtOnce(t, r)
		at := monday.Add(5 * time.Minute)
		step := func(version, id, status, reason string) {
			at = at.Add(time.Minute)
			rec.Version, rec.ModifiedAt = version, at
			rec.Fields = fields(rec, "handoff_id", id, "handoff_status", status, "handoff_return_reason", reason)
			w.decide(t, r, at, see(rec))
		}
		step("3", first.ID, "Returned", "")
		w.came(t, r, at, w.steps()["show"], plan.Delivered{Version: "4", Stamp: at})
		step("5", second.ID, status, "Duplicate")
		for n, h := range []state.Handoff{w.handoffs[first.ID], w.handoffs[second.ID]} {
			if explained := h.Returned != nil && h.Returned.Reason == "Duplicate"; explained != (n == of) {
				t.Errorf("%s: handoff %d of the two was returned for that: %v", status, n+1, explained)
			}
		}
	}
}

// TestSharedAcceptance: check refuses a field of the record by which two
// handoffs of two receivers would be accepted at once, and lets handoffd's own
// be shared.
func TestSharedAcceptance(t *testing.T) {
	t.Parallel()
	for accepted, want := range map[string]bool{"{deal.handoff_status: Accepted}": false, "{deal.work_status: Begun}": true, "task_done": false} {
		doc, ds := mappings.Load(folder(t, besideFiles(t, accepted, accepted)))
		if mappings.Failed(ds) {
			t.Fatal(mappings.Render(ds, doc.Files))
		}
		_, ds = plan.Compile(doc)
		got := strings.Contains(mappings.Render(ds, doc.Files), "shared-acceptance")
		if got != want {
			t.Errorf("%s: refused %v\n%s", accepted, got, mappings.Render(ds, doc.Files))
		}
	}
}

// TestException: a named exception comes before the owner list, is listed before
// it ends, and ends (2.43).
func TestException(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml", "sla:  ",
		"exceptions:\n  - {name: acme pilot, if: {person.email_domain: acme.com}, owner: dev@example.com, reason: he runs it, until: 2026-03-31}\nsla:  "))
	for _, tc := range []struct {
		day    int
		owner  string
		listed bool
	}{{1, "dev@example.com", false}, {25, "dev@example.com", true}, {31, "dev@example.com", true}, {32, "", true}} {
		w := newWorld()
		at := time.Date(2026, 3, tc.day, 14, 0, 0, 0, time.UTC)
		rec := demo("51", "dana@acme.com", "country", "US", "last_form_at", at.Format(time.RFC3339))
		rec.CreatedAt, rec.ModifiedAt = at, at
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
		h := w.only(t)
		listed := strings.Contains(listingsOf(w, "exceptions"), "acme pilot")
		if (h.Owner == "dev@example.com") != (tc.owner != "") || listed != tc.listed || (h.Exception == "acme pilot") != (tc.owner != "") {
			t.Errorf("March %d: %s by %q, listed %v", tc.day, h.Owner, h.Exception, listed)
		}
	}
}

func listingsOf(w *world, list string) string {
	var out []string
	for _, l := range w.listings {
		if l.List == list {
			out = append(out, l.Subject+" "+l.Text)
		}
	}
	return strings.Join(out, "\n")
}

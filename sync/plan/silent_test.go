package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// What somebody did to take a handoff up is theirs: who gets it for their silence starts anew.

// quiet is the pack with a clock of silence that gives a demo request to the backup, and
// where ticking off its task accepts it, too.
func quiet(t *testing.T) *plan.Rules {
	return writing(t, silence(t, "{at: 50%, alert: manager}", "{at: 100%, give_to: backup}"), edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]",
		"next_task_created, first_touch_logged", "next_task_created, first_touch_logged, task_done"))
}

// silence is a clock of an hour in which nobody acts, and what is done when it runs.
func silence(t *testing.T, steps ...string) map[string]string {
	return edit(t, "sla.yaml", "    attempts: {at_least: 5", "    no_activity_within: 1 working hour\n    attempts: {at_least: 5",
		"escalations:\n", "escalations:\n  quiet:\n    clock: no_activity\n    steps:\n      - "+strings.Join(steps, "\n      - ")+"\n")
}

// lostInSilence is a handoff that ana has taken up by a deed, and ben gets for her silence.
func lostInSilence(t *testing.T, r *plan.Rules, deed map[string]any, id string) (*world, state.Record, state.Handoff) {
	t.Helper()
	w, rec, h := standing(t, r, true)
	if key, ours := deed[connectors.ActKey]; ours && key == "" {
		deed[connectors.ActKey] = h.Effects["task"].Key
	}
	w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, id, deed, rec.Ref), Via: "poll", Came: after(5, 1)})
	if h = w.only(t); h.Stage != state.Accepted {
		t.Fatalf("%s", h.Stage)
	}
	w.done(t, r, after(5, 2))
	w.fireDue(t, r, after(200, 0))
	if h = w.only(t); h.Owner != "ben@example.com" {
		t.Fatalf("%s of %s: %v", h.Stage, h.Owner, w.timers)
	}
	return w, rec, h
}

// TestBackupIsSilentToo: who gets a handoff for the silence of another and is silent as well
// has a clock of their own from then on, and what the list says next is said; it goes on to
// nobody else without having been taken up (1.98).
func TestBackupIsSilentToo(t *testing.T) {
	t.Parallel()
	r := writing(t, silence(t, "{at: 50%, remind: owner}", "{at: 100%, give_to: backup}", "{at: 200%, alert: revops}"),
		edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]"))
	w, rec, _ := standing(t, r, true)
	w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, "calls-1", did("task", "u-ana", after(5, 0), connectors.ActState, "open"), rec.Ref), Via: "poll", Came: after(5, 1)})
	w.done(t, r, after(5, 2))
	w.fireDue(t, r, after(66, 0))
	h := w.only(t)
	if h.Owner != "ben@example.com" {
		t.Fatalf("%s of %s", h.Stage, h.Owner)
	}
	w.came(t, r, after(66, 6), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(66, 6)})
	w.done(t, r, after(66, 7))
	w.look(t, r, shown(rec, after(66, 6), "4", "owner", "u-ben", "handoff_status", "Assigned"), after(67, 0))
	spoken := func(minute int) (who []string) {
		n := len(w.audit)
		w.fireDue(t, r, after(minute, 0))
		for _, a := range w.audit[n:] {
			if a.Action == "escalation" && a.Detail["clock"] == "no_activity" {
				who = append(who, a.Detail["at"]+" "+a.Detail["owner"])
			}
		}
		return who
	}
	var got [][]string
	for _, minute := range []int{90, 100, 130, 180, 200, 60 * 24 * 30} {
		got = append(got, spoken(minute))
		w.done(t, r, after(minute, 1))
	}
	want := [][]string{nil, {"50% ben@example.com"}, {"100% ben@example.com"}, nil, {"200% ben@example.com"}, nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h = w.only(t)
	overdue := map[string]bool{}
	for _, o := range plan.OverdueOf(h, after(60*24*30, 0)) {
		overdue[o.Clock] = true
	}
	if h.Owner != "ben@example.com" || !overdue["no_activity"] || overdue["accept"] { // ana accepted it in time
		t.Errorf("%s of %s, overdue %v", h.Stage, h.Owner, overdue)
	}
}

// TestOldPlanSeenAgain: what the one before had planned is not planned by the next one,
// however often it is polled.
func TestOldPlanSeenAgain(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	deed := did("task", "u-ana", after(5, 0), connectors.ActState, "open")
	w, rec, _ := lostInSilence(t, r, deed, "calls-1")
	w.came(t, r, after(200, 6), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(200, 6)})
	w.done(t, r, after(200, 7))
	rec = shown(rec, after(200, 6), "4", "owner", "u-ben", "handoff_status", "Assigned")
	w.look(t, r, rec, after(201, 0))
	w.decide(t, r, after(210, 0), plan.Observed{Record: act(r, "calls-1", deed, rec.Ref), Via: "poll", Came: after(210, 0)})
	if h := w.only(t); h.Stage != state.Assigned {
		t.Errorf("ana's plan of before is polled again: %s of %s, by %s at %s", h.Stage, h.Owner, h.AcceptedBy, h.AcceptedAt)
	}
}

// TestOldPlanSeenBefore: nor while the next one does not stand there yet.
func TestOldPlanSeenBefore(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	deed := did("task", "u-ana", after(5, 0), connectors.ActState, "open")
	w, rec, _ := lostInSilence(t, r, deed, "calls-1")
	w.decide(t, r, after(200, 1), plan.Observed{Record: act(r, "calls-1", deed, rec.Ref), Via: "poll", Came: after(200, 1)})
	w.came(t, r, after(200, 6), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(200, 6)})
	w.done(t, r, after(200, 7))
	rec = shown(rec, after(200, 6), "4", "owner", "u-ben", "handoff_status", "Assigned")
	w.look(t, r, rec, after(201, 0))
	if h := w.only(t); h.Stage != state.Assigned {
		t.Errorf("ana's plan of before is polled again: %s of %s, by %s at %s", h.Stage, h.Owner, h.AcceptedBy, h.AcceptedAt)
	}
}

// TestAcceptanceWithdrawn: what was to say that it is accepted is not written once it is the
// next one's, also where the CRM has refused it and an operator may retry it.
func TestAcceptanceWithdrawn(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	for _, refused := range []bool{false, true} {
		w, rec, _ := standing(t, r, true)
		w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, "calls-1", did("task", "u-ana", after(5, 0), connectors.ActState, "open"), rec.Ref), Via: "poll", Came: after(5, 1)})
		accept, planned := w.steps()["accept"]
		if refused {
			w.decide(t, r, after(5, 2), plan.Delivered{Intent: accept, Class: "invalid", Err: "a rule says no"})
			parked := accept
			parked.State, parked.Attempts, parked.Class = state.Parked, 1, "invalid"
			w.intents[accept.Write.Key] = parked // as the writer keeps it
		}
		w.fireDue(t, r, after(200, 0))
		if h := w.only(t); !planned || h.Owner != "ben@example.com" {
			t.Fatalf("%s of %s; accepted: %v", h.Stage, h.Owner, planned)
		}
		if i, waits := w.steps()["accept"]; waits {
			t.Errorf("refused %v: still to be written for ana while it is ben's: %v", refused, i.Write.Set)
		}
	}
}

// TestTaskGoesOnTwice: a task that was done by the first is open for the third.
func TestTaskGoesOnTwice(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	w, rec, h := lostInSilence(t, r, did("task", "u-ana", after(5, 0), connectors.ActKey, ""), "tasks-1")
	w.came(t, r, after(200, 6), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(200, 6)})
	rec = shown(rec, after(200, 6), "4", "owner", "u-ben", "handoff_status", "Assigned")
	w.look(t, r, rec, after(201, 0))
	w.trails = map[string]state.Trail{}
	w.past(value("u-ben", after(200, 6), connectors.ActorIntegration), value("u-ana", after(0, 1), connectors.ActorIntegration))
	w.decide(t, r, after(201, 1), plan.Reassign{Handoff: h.ID, To: "cleo@example.com", By: "ops"})
	if h = w.only(t); h.Owner != "cleo@example.com" {
		t.Fatalf("%s of %s", h.Stage, h.Owner)
	}
	p := w.steps()["task owner"]
	if p.Write.Set[connectors.TaskStatus] != any("open") {
		t.Errorf("the task, done by ana, goes to cleo as it is: %v", p.Write.Set)
	}
	again := act(r, "tasks-1", did("task", "u-ana", after(5, 0), connectors.ActKey, h.Effects["task"].Key), rec.Ref)
	w.decide(t, r, after(201, 2), plan.Observed{Record: again, Via: "poll", Came: after(201, 2)})
	w.done(t, r, after(201, 3))
	w.look(t, r, shown(rec, after(201, 3), "5", "owner", "u-cleo", "handoff_status", "Assigned"), after(201, 4))
	if h = w.only(t); h.Stage != state.Assigned {
		t.Errorf("what ana ticked off is polled: %s of %s, by %s", h.Stage, h.Owner, h.AcceptedBy)
	}
}

// actThere is an activity in Salesforce.
func actThere(r *plan.Rules, id string, fields map[string]any, links ...connectors.Ref) state.Record {
	rec, _ := r.Normalize(connectors.Object{
		Ref: connectors.Ref{Conn: "salesforce", Kind: connectors.Activity, ID: id}, Version: "1", Fields: fields, Links: links,
	})
	return rec
}

// TestSourceSaysAccepted: the record it came from says no more that it is accepted, and is
// not heard until then.
func TestSourceSaysAccepted(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"our look", "an edit", "not told yet"} {
		t.Run(way, func(t *testing.T) { t.Parallel(); sourceSaysAccepted(t, way) })
	}
}

func sourceSaysAccepted(t *testing.T, way string) {
	t.Helper()
	r := writing(t, silence(t, "{at: 100%, give_to: backup}"), edit(t, "handoffs/contact-sales.yaml", "[standard, untouched]", "[standard, untouched, quiet]"))
	w, src, own, _ := fromAContact(t, r)
	w.decide(t, r, after(5, 1), plan.Observed{Record: actThere(r, "tasks-9", did("task", "u-ana", after(5, 0), connectors.ActState, "open"), own.Ref), Via: "poll", Came: after(5, 1)})
	h := w.only(t)
	if h.Stage != state.Accepted {
		t.Fatalf("%s", h.Stage)
	}
	for step, i := range w.steps() {
		if step == "accept" || step == "accept here" || i.Write.Ref == src.Ref || i.Write.Ref == own.Ref {
			w.came(t, r, after(5, 2), i, plan.Delivered{Version: "3", Stamp: after(5, 2)})
		}
	}
	w.done(t, r, after(5, 3))
	src = shown(src, after(5, 2), "3", "handoff_id", h.ID, "handoff_status", "Accepted")
	own = shown(own, after(5, 2), "3", "handoff_status", "Accepted")
	w.look(t, r, own, after(5, 9))
	w.look(t, r, src, after(5, 9))
	w.fireDue(t, r, after(200, 0))
	if h = w.only(t); h.Owner == "ana@example.com" {
		t.Fatalf("%s of %s", h.Stage, h.Owner)
	}
	next := h.Owner
	for _, i := range w.steps() {
		if i.Write.Ref == src.Ref && way != "not told yet" {
			w.came(t, r, after(200, 5), i, plan.Delivered{Version: "4", Stamp: after(200, 5)})
			src = shown(src, after(200, 5), "4", "handoff_accountable", "x", "handoff_status", i.Write.Set["handoff_status"].(string))
		}
	}
	look := func(rec state.Record, s int) {
		if c := w.look(t, r, rec, after(200, s)); len(c.Needs) > 0 {
			w.located[c.Needs[0].ID()] = []state.Record{own}
			w.look(t, r, rec, after(200, s))
		}
	}
	look(src, 6)
	to := w.steps()["assign"].Write.Set["OwnerId"].(string)
	c := w.came(t, r, after(200, 7), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(200, 7)})
	if len(c.Looks) > 0 {
		t.Errorf("looks at %v, which says nothing new", c.Looks)
	}
	own = shown(own, after(200, 7), "4", "owner", to, "handoff_status", "Assigned")
	w.trails = map[string]state.Trail{"00Q1": {Values: []connectors.FieldValue{value(to, after(200, 7), connectors.ActorSelf), value("u-ana", after(0, 1), connectors.ActorSelf)}}}
	look(own, 20)
	if h = w.only(t); h.Stage != state.Assigned {
		t.Fatalf("before: %s by %s", h.Stage, h.AcceptedBy)
	}
	if way != "our look" {
		src = shown(src, after(200, 30), "5", "title", "CFO") // anybody changes anything
		look(src, 31)
	} else {
		for range c.Looks { // nobody has touched anything: as our own writes have left it
			own.Read = after(200, 31)
			look(src, 31)
		}
	}
	if h = w.only(t); h.Stage != state.Assigned || h.Owner != next {
		t.Errorf("the source says Accepted since ana did: %s of %s, by %s at %s", h.Stage, h.Owner, h.AcceptedBy, h.AcceptedAt)
	}
}

// TestDeferredGoesOn: who gets what somebody has put off gets it open.
func TestDeferredGoesOn(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	w, rec, h := standing(t, r, true)
	key := h.Effects["task"].Key
	w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, "calls-1", did("task", "u-ana", after(5, 0), connectors.ActState, "open"), rec.Ref), Via: "poll", Came: after(5, 1)})
	w.decide(t, r, after(5, 2), plan.Observed{Record: act(r, "tasks-1", did("task", "u-ana", after(5, 0), connectors.ActKey, key, connectors.ActState, "deferred"), rec.Ref), Via: "poll", Came: after(5, 2)})
	w.done(t, r, after(5, 3))
	w.fireDue(t, r, after(200, 0))
	if h = w.only(t); h.Owner != "ben@example.com" {
		t.Fatalf("%s of %s", h.Stage, h.Owner)
	}
	if p := w.steps()["task owner"]; p.Write.Set[connectors.TaskStatus] != any("open") || !h.Work.Deferred.IsZero() {
		t.Errorf("ana has put the task off; it goes to ben as %v, put off since %v", p.Write.Set, h.Work.Deferred)
	}
}

// TestAlertedTwice: a second silence is told under a key of its own.
func TestAlertedTwice(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	w, rec, _ := standing(t, r, true)
	w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, "calls-1", did("task", "u-ana", after(5, 0), connectors.ActState, "open"), rec.Ref), Via: "poll", Came: after(5, 1)})
	w.done(t, r, after(5, 2))
	alerts := func() (keys []string) {
		for _, i := range w.intents {
			if i.Write.Creates() && len(i.Step) > 15 && i.Step[:15] == "say no_activity" {
				keys = append(keys, i.Step+" "+i.Write.Key[:6])
			}
		}
		return keys
	}
	w.fireDue(t, r, after(16, 0))
	w.done(t, r, after(16, 1))
	w.fireDue(t, r, after(40, 0))
	first := alerts()
	w.done(t, r, after(40, 1))
	w.fireDue(t, r, after(200, 0))
	w.came(t, r, after(200, 6), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(200, 6)})
	w.done(t, r, after(200, 7))
	rec = shown(rec, after(200, 6), "4", "owner", "u-ben", "handoff_status", "Assigned")
	w.look(t, r, rec, after(201, 0))
	w.decide(t, r, after(210, 1), plan.Observed{Record: act(r, "calls-2", did("task", "u-ben", after(210, 0), connectors.ActState, "open"), rec.Ref), Via: "poll", Came: after(210, 1)})
	w.done(t, r, after(210, 7))
	w.fireDue(t, r, after(245, 0))
	second := alerts()
	if len(first) != 1 || len(second) != 1 || first[0] == second[0] {
		t.Errorf("alerts of ana's silence %v, of ben's %v", first, second)
	}
}

// TestReopenedAndReturned: a task that was opened again for the next one is closed where the
// handoff goes back to its giver before that.
func TestReopenedAndReturned(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"planned", "ticked"} {
		t.Run(way, func(t *testing.T) { t.Parallel(); reopenedAndReturned(t, way) })
	}
}

func reopenedAndReturned(t *testing.T, way string) {
	t.Helper()
	r := quiet(t)
	deed, id := did("task", "u-ana", after(5, 0), connectors.ActKey, ""), "tasks-1"
	if way == "planned" {
		deed, id = did("task", "u-ana", after(5, 0), connectors.ActState, "open"), "calls-1"
	}
	w, rec, _ := lostInSilence(t, r, deed, id)
	rec = shown(rec, after(5, 2), "3", "handoff_status", "Accepted")
	w.came(t, r, after(200, 1), w.steps()["task owner"], plan.Delivered{Version: "9"})
	rec = shown(rec, after(200, 5), "5", "handoff_status", "Returned", "handoff_return_reason", "bad_timing")
	w.trails = map[string]state.Trail{"51 handoff_status": {}}
	w.past(value("u-ana", after(0, 1), connectors.ActorIntegration))
	w.look(t, r, rec, after(200, 6))
	if _, closed := w.steps()["task done"]; w.only(t).Stage != state.Returned || !closed {
		t.Errorf("%s, and the task is closed: %v", w.only(t).Stage, closed)
	}
}

// TestAcceptedByGoes: the record does not name who has accepted it beside Assigned.
func TestAcceptedByGoes(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	w, _, _ := lostInSilence(t, r, did("task", "u-ana", after(5, 0), connectors.ActState, "open"), "calls-1")
	set := w.steps()["assign"].Write.Set
	for _, name := range []string{"handoff_accepted_by", "handoff_accepted_at", "handoff_quality_check"} {
		if v, ok := set[name]; !ok || v != nil {
			t.Errorf("%s stays as ana's beside %v", name, set["handoff_status"])
		}
	}
}

// TestReassignedDone: who gets a handoff by an order, or because its owner left, gets its task open.
func TestReassignedDone(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	for _, way := range []string{"order", "left"} {
		w, rec, h := standing(t, r, true)
		w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, "tasks-1", did("task", "u-ana", after(5, 0), connectors.ActKey, h.Effects["task"].Key), rec.Ref), Via: "poll", Came: after(5, 1)})
		w.done(t, r, after(5, 2))
		rec = shown(rec, after(5, 2), "3", "handoff_status", "Accepted")
		w.look(t, r, rec, after(5, 10))
		if way == "order" {
			w.decide(t, r, after(7, 0), plan.Reassign{Handoff: h.ID, To: "cleo@example.com", By: "ops"})
		} else {
			w.inactive("hubspot", "ana")
			rec = shown(rec, after(6, 2), "4", "title", "CFO")
			w.look(t, r, rec, after(7, 0))
		}
		h = w.only(t)
		if h.Owner == "ana@example.com" || h.Stage != state.Accepted {
			t.Fatalf("%s: %s of %s %v", way, h.Stage, h.Owner, h.Why)
		}
		told := w.said()
		if p := w.steps()["task owner"]; p.Write.Set[connectors.TaskStatus] != any("open") && len(told) == 0 {
			t.Errorf("%s: %s gets it with a task that is done (%v), and is told nothing: %v", way, h.Owner, p.Write.Set, told)
		}
	}
}

// TestToAndFro: every pass between two who accept and are silent is written, to the right
// person, and the clock of silence starts anew each time, with its line in the trail.
func TestToAndFro(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	w, rec, h := standing(t, r, true)
	at, version, owners := 5, 3, []string{"ana", "ben", "ana", "ben"}
	for n, who := range owners[:3] {
		w.decide(t, r, after(at, 1), plan.Observed{Record: act(r, "plan-"+who+string(rune('0'+n)), did("task", "u-"+who, after(at, 0), connectors.ActState, "open"), rec.Ref), Via: "poll", Came: after(at, 1)})
		if h = w.only(t); h.Stage != state.Accepted || h.Owner != who+"@example.com" {
			t.Fatalf("%d: %s of %s", n, h.Stage, h.Owner)
		}
		w.done(t, r, after(at, 2))
		at += 62
		w.fireDue(t, r, after(at, 0))
		next := owners[n+1]
		h = w.only(t)
		if h.Owner != next+"@example.com" {
			t.Fatalf("%d: of %s", n, h.Owner)
		}
		if i, ok := w.steps()["task owner"]; !ok || i.Write.Set[connectors.TaskOwner] != any("u-"+next) {
			t.Errorf("%d: the task is not passed: %v", n, i.Write.Set)
		}
		i, ok := w.steps()["assign"]
		if !ok || i.Write.Set["hubspot_owner_id"] != any("u-"+next) {
			t.Errorf("%d: the owner is not written: %v", n, i.Write.Set)
		}
		v := string(rune('0' + version))
		version++
		w.came(t, r, after(at, 6), i, plan.Delivered{Version: v, Stamp: after(at, 6)})
		w.done(t, r, after(at, 7))
		rec = shown(rec, after(at, 6), v, "owner", "u-"+next, "handoff_status", "Assigned")
		w.past(value("u-"+next, after(at, 6), connectors.ActorIntegration))
		w.look(t, r, rec, after(at, 30))
		w.fireDue(t, r, after(at, 31))
		if h = w.only(t); h.Owner != next+"@example.com" {
			t.Errorf("%d: at once to %s", n, h.Owner)
		}
		at++
	}
	var anew []string // no deadline moves unsaid
	for _, a := range w.audit {
		if a.Action == "counted anew" {
			anew = append(anew, a.Detail["because"])
		}
	}
	if want := []string{"given to ben@example.com", "accepted by ben@example.com", "given to ana@example.com", "accepted by ana@example.com", "given to ben@example.com"}; !slices.Equal(anew, want) {
		t.Errorf("counted anew %q", anew)
	}
}

// TestReturnedByTheLastEditor: who corrects the title after a handoff was given back has not
// given it back.
func TestReturnedByTheLastEditor(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	rec = shown(rec, after(6, 0), "3", "handoff_status", "Returned", "handoff_return_reason", "Too early", "title", "CFO")
	rec.ModifiedBy = "u-cleo" // she corrected the title after ana gave it back
	w.trails["51 handoff_status"] = state.Trail{Values: []connectors.FieldValue{{Value: "Returned", At: after(5, 50), By: "u-ana", Actor: connectors.ActorPerson}}}
	w.look(t, r, rec, after(6, 5))
	if h := w.only(t); h.Returned == nil || h.Returned.By != "ana@example.com" {
		t.Errorf("%s: %+v", h.Stage, h.Returned)
	}
}

// TestChecklistOfTheFormer: a checklist that the one before has done is no acceptance of the next one.
func TestChecklistOfTheFormer(t *testing.T) {
	t.Parallel()
	r := writing(t, silence(t, "{at: 100%, give_to: backup}"), edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]",
		"next_task_created, first_touch_logged", "checklist_done, first_touch_logged", "task:\n", "checklist:\n  after_transfer:\n    - {do: Read the form, within: 4 working days}\n\ntask:\n"))
	w, rec, h := standing(t, r, true)
	if len(h.Items) != 1 {
		t.Fatalf("%+v", h.Items)
	}
	w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, "tasks-7", did("task", "u-ana", after(5, 0), connectors.ActKey, h.Effects[h.Items[0].Step].Key), rec.Ref), Via: "poll", Came: after(5, 1)})
	w.done(t, r, after(5, 2))
	rec = shown(rec, after(5, 2), "3", "handoff_status", "Accepted")
	w.look(t, r, rec, after(5, 30))
	if h = w.only(t); h.Stage != state.Accepted {
		t.Fatalf("%s %+v", h.Stage, h.Items)
	}
	w.done(t, r, after(5, 31))
	w.fireDue(t, r, after(200, 0))
	if h = w.only(t); h.Owner != "ben@example.com" {
		t.Fatalf("%s of %s", h.Stage, h.Owner)
	}
	w.came(t, r, after(200, 6), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(200, 6)})
	w.done(t, r, after(200, 7))
	rec = shown(rec, after(200, 6), "4", "owner", "u-ben", "handoff_status", "Assigned")
	w.look(t, r, rec, after(201, 0))
	if h = w.only(t); h.Stage != state.Assigned {
		t.Errorf("ana had done the checklist: %s of %s, by %s", h.Stage, h.Owner, h.AcceptedBy)
	}
}

// TestSilentSinceTheirDeed: who took a handoff up by what they did, and was silent from then
// on, loses it to their backup; what they had done is not the backup's acceptance (1.98).
func TestSilentSinceTheirDeed(t *testing.T) {
	t.Parallel()
	r := quiet(t)
	for name, deed := range map[string]map[string]any{
		"plans to":    did("task", "u-ana", after(5, 0), connectors.ActState, "open"),
		"ticks":       did("task", "u-ana", after(5, 0), connectors.ActKey, ""),
		"works on it": did("task", "u-ana", after(5, 0), connectors.ActKey, "", connectors.ActState, "started"),
	} {
		w, rec, h := standing(t, r, true)
		id := "calls-1"
		if key, ours := deed[connectors.ActKey]; ours && key == "" {
			id, deed[connectors.ActKey] = "tasks-1", h.Effects["task"].Key
		}
		w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, id, deed, rec.Ref), Via: "poll", Came: after(5, 1)})
		if h = w.only(t); h.Stage != state.Accepted || h.AcceptedBy != "ana@example.com" {
			t.Fatalf("%s: %s by %q", name, h.Stage, h.AcceptedBy)
		}
		w.done(t, r, after(5, 2))
		w.fireDue(t, r, after(200, 0))
		if h = w.only(t); h.Owner != "ben@example.com" {
			t.Fatalf("%s: %s of %s: %v", name, h.Stage, h.Owner, w.timers)
		}
		passed := w.steps()["task owner"]
		if reopened := passed.Write.Set[connectors.TaskStatus] == any("open"); reopened != (id == "tasks-1") {
			t.Errorf("ana %s: the task goes on as %v", name, passed.Write.Set)
		}
		if id == "tasks-1" { // as a poll shows it still
			w.decide(t, r, after(200, 1), plan.Observed{Record: act(r, id, deed, rec.Ref), Via: "poll", Came: after(200, 1)})
		}
		w.came(t, r, after(200, 6), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(200, 6)})
		rec = shown(rec, after(200, 6), "4", "owner", "u-ben", "handoff_status", "Assigned", "handoff_assigned_at", h.AssignedAt.Format("2006-01-02T15:04:05Z07:00"))
		w.look(t, r, rec, after(201, 0))
		if h = w.only(t); h.Stage != state.Assigned || h.Owner != "ben@example.com" {
			t.Errorf("ana %s, and is silent: %s of %s, by %q", name, h.Stage, h.Owner, h.AcceptedBy)
		}
		next, stage := act(r, "calls-2", did("call", "u-ben", after(202, 0)), rec.Ref), state.Completed
		if id == "tasks-1" {
			next, stage = act(r, id, did("task", "u-ben", after(202, 0), connectors.ActKey, h.Effects["task"].Key), rec.Ref), state.Accepted
		}
		w.decide(t, r, after(202, 1), plan.Observed{Record: next, Via: "poll", Came: after(202, 1)})
		if h = w.only(t); h.Stage != stage || h.AcceptedBy != "ben@example.com" {
			t.Errorf("ana %s, and is silent; ben does it: %s of %s, by %q", name, h.Stage, h.Owner, h.AcceptedBy)
		}
	}
}

// TestSilentAfterTheTouch: what has reached the buyer is given to nobody else for silence,
// and that is listed.
func TestSilentAfterTheTouch(t *testing.T) {
	t.Parallel()
	r := writing(t, silence(t, "{at: 100%, give_to: backup}"), edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]",
		"completed_when: first_touch", "completed_when: {all: [first_touch, {person.lead_status: Qualified}]}"))
	w, rec, _ := standing(t, r, true)
	w.decide(t, r, after(5, 1), plan.Observed{Record: act(r, "calls-1", did("call", "u-ana", after(5, 0)), rec.Ref), Via: "poll", Came: after(5, 1)})
	w.done(t, r, after(5, 2))
	w.fireDue(t, r, after(200, 0))
	if h := w.only(t); h.Stage != state.Touched || h.Owner != "ana@example.com" || !slices.ContainsFunc(w.listings, func(l state.Listing) bool { return l.List == "untold" && strings.Contains(l.Text, "touched already") }) {
		t.Errorf("%s of %s: %v", h.Stage, h.Owner, w.listings)
	}
}

package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// due are the timers of a world that are due, in order.
func (w *world) due(now time.Time) []state.Timer {
	var out []state.Timer
	for _, t := range w.timers {
		if !t.Due.After(now) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b state.Timer) int {
		if c := a.Due.Compare(b.Due); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// fireDue lets every timer speak that is due, as the engine does.
func (w *world) fireDue(t *testing.T, r *plan.Rules, now time.Time) {
	t.Helper()
	for _, timer := range w.due(now) {
		w.decide(t, r, now, plan.Fired{Timer: timer, Fresh: true})
		if left, ok := w.timers[timer.ID]; ok && left == timer {
			delete(w.timers, timer.ID)
		}
	}
}

// said are the steps of what was told, "<clock> <step> <sort> <who>".
func (w *world) said() []string {
	var out []string
	for _, i := range w.intents {
		if s, ok := strings.CutPrefix(i.Step, "say "); ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// TestStandstill: what was overtaken by a later step while we stood still is not
// said beside it, and nothing is said twice (1.95, 1.98, I13).
func TestStandstill(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, _ := assigned(t, r)
	w.fireDue(t, r, monday.Add(30*time.Minute)) // past reminder, breach and backup
	h := w.only(t)
	if h.Owner != "ben@example.com" || len(h.Holders) != 1 || h.Holders[0].Who != "ana@example.com" || h.Accountable != h.Giver || h.BreachedAt.IsZero() {
		t.Fatalf("%+v", h)
	}
	for _, s := range w.said() {
		if strings.Contains(s, "remind") || strings.Contains(s, "accept 1 alert") {
			t.Errorf("said %q", s)
		}
	}
	before := len(w.said())
	w.fireDue(t, r, monday.Add(31*time.Minute))
	if len(w.said()) != before {
		t.Errorf("said more a minute later: %v", w.said())
	}
}

// TestDeadlinesStay: whoever takes it over has the deadlines of the one before,
// and that stands in the audit trail (1.98, G8).
func TestDeadlinesStay(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, _ := assigned(t, r)
	was := w.only(t)
	w.fireDue(t, r, monday.Add(30*time.Minute))
	h := w.only(t)
	if !h.AcceptBy.Equal(was.AcceptBy) || !h.TouchBy.Equal(was.TouchBy) || !h.AssignedAt.Equal(was.AssignedAt) {
		t.Errorf("deadlines moved: %s %s", h.AcceptBy, h.TouchBy)
	}
	if !slices.ContainsFunc(w.audit, func(a state.AuditRow) bool {
		return a.Action == "given to another" && a.Detail["was"] == was.Owner && a.Detail["deadlines"] == "unchanged"
	}) {
		t.Error("no audit row says so")
	}
}

// TestKept: whoever accepts while the takeover is on its way keeps it (1.102).
func TestKept(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	rec.Version, rec.Fields = "5", fields(rec, "owner", "u-ana", "handoff_status", "Assigned")
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	was := w.only(t)
	was.Items = []state.Item{{Step: "item call", Do: "Call", Who: was.Owner}}
	w.handoffs[was.ID] = was
	w.fireDue(t, r, monday.Add(23*time.Minute))
	if h := w.only(t); h.Owner != "ben@example.com" {
		t.Fatalf("owner %s", h.Owner)
	}
	rec.Version, rec.Fields = "9", fields(rec, "owner", "u-ana", "handoff_status", "Accepted")
	rec.ModifiedAt = monday.Add(23 * time.Minute)
	w.decide(t, r, monday.Add(23*time.Minute+time.Second), see(rec))
	h := w.only(t)
	if h.Owner != "ana@example.com" || h.Backup != was.Backup || h.Items[0].Who != h.Owner || len(h.Holders) != 0 {
		t.Errorf("owner %s, backup %q, %s has to do what the owner has, holders %v", h.Owner, h.Backup, h.Items[0].Who, h.Holders)
	}
}

// TestKeptIsTold: of a takeover that does not take place because whoever has the
// handoff takes it up, nothing is said any more: not on the record it came from, not to
// those whom the step told. That they took it up counts at once (1.93, 1.98, 1.102).
func TestKeptIsTold(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, left := range map[string]bool{"nothing has left": false, "the record it came from says it, and the manager was told": true} {
		w := newWorld()
		w.locate(t, r, sales("51", "dana@acme.com"), lead("00Q1"))
		for step, d := range map[string]plan.Delivered{
			"assign": {Version: "2", Stamp: monday.Add(time.Second)}, "source": {Version: "2"},
			"task": {Ref: connectors.Ref{Conn: "salesforce", Kind: connectors.Task, ID: "t1"}},
		} {
			w.answered(t, r, monday.Add(time.Second), step, d)
		}
		own := lead("00Q1", "owner", "u-ana", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
		own.Version, own.ModifiedAt = "2", monday.Add(time.Second)
		w.decide(t, r, monday.Add(2*time.Second), see(own))
		w.fireDue(t, r, monday.Add(23*time.Minute))
		next := w.only(t).Owner
		if next == "ana@example.com" || w.steps()["source passed"].Write.Set["handoff_accountable"] == nil {
			t.Fatalf("%s: it is with %s", name, next)
		}
		var told []connectors.Ref
		if left {
			w.answered(t, r, monday.Add(23*time.Minute), "source passed", plan.Delivered{Version: "3"})
			for step, i := range w.steps() {
				if strings.Contains(fmt.Sprint(i.Write.Set[connectors.TaskBody]), next) {
					task := connectors.Ref{Conn: "salesforce", Kind: connectors.Task, ID: step}
					told = append(told, task)
					w.answered(t, r, monday.Add(23*time.Minute), step, plan.Delivered{Ref: task})
				}
			}
		}
		own.Version, own.ModifiedAt, own.Fields = "3", monday.Add(23*time.Minute), fields(own, "lead_status", "Working")
		w.decide(t, r, monday.Add(23*time.Minute+time.Second), see(own))
		h := w.only(t)
		if h.Owner != "ana@example.com" || h.Stage != state.Accepted || h.AcceptedBy != "ana@example.com" {
			t.Errorf("%s: %s has it, %s by %q", name, h.Owner, h.Stage, h.AcceptedBy)
		}
		for step, i := range w.steps() {
			if strings.Contains(fmt.Sprint(i.Write.Set[connectors.TaskBody]), next) || i.Message != nil {
				t.Errorf("%s: %q says %v %v", name, step, i.Write.Set, i.Message)
			}
		}
		set := w.steps()["source passed"].Write.Set
		if why, _ := set["handoff_why"].(string); !strings.HasPrefix(why, "ana@example.com: has taken it up") || set["handoff_accountable"] != "ana@example.com" || set["handoff_backup_owner"] != "ben@example.com" {
			t.Errorf("%s: the record it came from says %v", name, set)
		}
		for _, task := range told {
			if !slices.ContainsFunc(slices.Collect(maps.Values(w.intents)), func(i state.Intent) bool {
				return i.Write.Ref == task && i.Write.Set[connectors.TaskStatus] == "done"
			}) {
				t.Errorf("%s: %q stays open", name, task.ID)
			}
		}
	}
}

// TestNotKept: only who stands in the CRM and could take it up keeps a handoff:
// nobody whom an operator's order came in place of before they stood there, nor who has
// returned it (0.12, 1.98).
func TestNotKept(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T) (*plan.Rules, *world, state.Record){
		"an order before the first write": func(t *testing.T) (*plan.Rules, *world, state.Record) {
			t.Helper()
			r, w := writing(t), newWorld()
			rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
			w.decide(t, r, monday, see(rec))
			w.decide(t, r, monday.Add(time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
			return r, w, rec
		},
		"returned, and gone on to the next": func(t *testing.T) (*plan.Rules, *world, state.Record) {
			t.Helper()
			r := writing(t, edit(t, "handoffs/demo-request.yaml", "then: return_to_giver", "then: next_owner"))
			w, rec := unmoved(t, r)
			rec.Version, rec.ModifiedAt, rec.Fields = "7", monday.Add(time.Minute), fields(rec, "handoff_status", "Returned", "handoff_return_reason", "Too early")
			w.decide(t, r, monday.Add(time.Minute), see(rec))
			return r, w, rec
		},
	} {
		r, w, rec := begin(t)
		var was state.Handoff
		for _, h := range w.handoffs {
			if h.Stage.Open() {
				was = h
			}
		}
		rec.Version, rec.ModifiedAt, rec.Fields = "8", monday.Add(2*time.Minute), fields(rec, "lead_status", "Working")
		w.decide(t, r, monday.Add(2*time.Minute), see(rec))
		h, waits := w.handoffs[was.ID], w.ownerWrites()
		if h.Owner != was.Owner || h.Owner == "ana@example.com" || h.Stage != state.Assigned || !h.Written.IsZero() {
			t.Errorf("%s: with %s, then with %s, %s", name, was.Owner, h.Owner, h.Stage)
		}
		if len(waits) != 1 || waits[0].Write.Set["hubspot_owner_id"] != "u-"+strings.TrimSuffix(h.Owner, "@example.com") {
			t.Errorf("%s: the owner is written by %v", name, waits)
		}
	}
}

// TestTaskOnItsWay: a task of which nobody knows whether it was made keeps its
// key when the record is merged away and the handoff is then passed on: there is
// one in the end (C8).
func TestTaskOnItsWay(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec := demo("51", "dana@acme.com", "country", "US")
	w.decide(t, r, monday, see(rec))
	w.answered(t, r, monday.Add(time.Second), "assign", plan.Delivered{Version: "2"})
	task := w.steps()["task"]
	task.State = state.Sending // the answer was lost
	w.intents[task.Write.Key] = task
	heir := demo("90", "dana@acme.com", "country", "US", "owner", "u-ana", "handoff_status", "Assigned")
	heir.Version, heir.Absorbed = "3", []connectors.Ref{rec.Ref}
	w.decide(t, r, monday.Add(time.Minute), see(heir))
	w.fireDue(t, r, monday.Add(23*time.Minute))
	h := w.only(t)
	if h.Target != heir.Ref || h.Owner != "ben@example.com" {
		t.Fatalf("%s has %s", h.Owner, h.Target)
	}
	if got := w.steps()["task"]; got.Write.Key != task.Write.Key || got.Write.Set[connectors.TaskOwner] != "u-ben" {
		t.Errorf("the task leaves under key %s for %v, and may be there under %s", got.Write.Key, got.Write.Set[connectors.TaskOwner], task.Write.Key)
	}
}

// TestStorm: more than twenty notices in a minute are one digest a person, and
// what was seen to meanwhile is left out (I13, 1.71).
func TestStorm(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	const many = 60
	for n := range many {
		rec := demo(fmt.Sprint(100+n), fmt.Sprintf("b%d@company%d.com", n, n), "country", "US")
		w.decide(t, r, monday, see(rec))
	}
	for id, h := range w.handoffs { // they stand in the CRM
		h.Written = monday
		w.handoffs[id] = h
	}
	w.fireDue(t, r, monday.Add(16*time.Minute))
	alerts := 0
	for _, s := range w.said() {
		if strings.Contains(s, " alert ") {
			alerts++
		}
	}
	waiting := len(w.budgets["morgan@example.com"].Wait)
	if alerts != 20 || waiting == 0 {
		t.Fatalf("%d alerts one by one, %d wait", alerts, waiting)
	}
	w.fireDue(t, r, monday.Add(18*time.Minute))
	digests := 0
	for _, s := range w.said() {
		if strings.HasPrefix(s, "digest ") {
			digests++
		}
	}
	if digests != 1 || len(w.budgets["morgan@example.com"].Wait) != 0 {
		t.Errorf("%d digests; %v", digests, w.budgets)
	}
	late := 0
	for _, h := range w.handoffs {
		if !h.BreachedAt.IsZero() {
			late++
		}
	}
	if late != many {
		t.Errorf("%d of %d are marked", late, many)
	}
}

// TestWording: the admin's words stand in place of ours, and the buyer's e-mail
// address in neither (1.102).
func TestWording(t *testing.T) {
	t.Parallel()
	own := edit(t, "sla.yaml", "{at: 100%, alert: manager, mark: breached}", `{at: 100%, alert: [manager, erin@example.com], mark: breached, say: "{{owner}} may need a hand until {{by}}"}`)
	r := writing(t, own)
	w, _ := assigned(t, r)
	w.fireDue(t, r, monday.Add(15*time.Minute))
	found := 0
	for _, i := range w.intents {
		if !strings.HasPrefix(i.Step, "say accept") {
			continue
		}
		text := fmt.Sprint(i.Write.Set)
		if strings.Contains(text, "@acme.com") {
			t.Errorf("the buyer's address is told: %s", text)
		}
		if strings.Contains(text, "ana@example.com may need a hand until Mon 16 Mar 10:15 EDT") {
			found++
		}
	}
	if found == 0 {
		t.Errorf("no notice in the admin's words: %v", w.said())
	}
}

// TestPassedWhileTheSourceIsDown: what the record a handoff came from has not been told
// yet, because its CRM is down, is told of no more once the handoff is over, however
// often it was given to another (1.98).
func TestPassedWhileTheSourceIsDown(t *testing.T) {
	t.Parallel()
	for _, orders := range [][]string{nil, {"revops@example.com"}, {"revops@example.com", "cleo@example.com"}} {
		r, w := writing(t), newWorld()
		w.locate(t, r, sales("51", "dana@acme.com"), lead("00Q1"))
		w.answered(t, r, monday.Add(time.Second), "assign", plan.Delivered{Version: "2", Stamp: monday.Add(time.Second)})
		w.answered(t, r, monday.Add(time.Second), "task", plan.Delivered{Ref: connectors.Ref{Conn: "salesforce", Kind: connectors.Task, ID: "t1"}})
		w.fireDue(t, r, monday.Add(23*time.Minute))
		for _, to := range orders {
			w.decide(t, r, monday.Add(24*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: to, By: "ops"})
		}
		here := func() (all []state.Intent) {
			for _, i := range w.intents {
				if i.Write.Ref.Conn == "hubspot" {
					all = append(all, i)
				}
			}
			return all
		}
		if len(here()) != 2 || w.steps()["source"].Write.Set["handoff_id"] == nil || w.steps()["source passed"].Write.Set["handoff_accountable"] != w.only(t).Accountable {
			t.Errorf("%v: there wait %v", orders, here())
		}
		gone := lead("00Q1")
		gone.Deleted, gone.Version, gone.ModifiedAt = true, "9", monday.Add(30*time.Minute)
		w.decide(t, r, monday.Add(30*time.Minute), see(gone))
		if got := w.only(t).Stage; got != state.Cancelled || len(here()) != 0 {
			t.Errorf("%v: it is %s, and there wait %v", orders, got, here())
		}
	}
}

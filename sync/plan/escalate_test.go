package plan_test

import (
	"fmt"
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

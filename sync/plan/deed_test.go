package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestDoneWhileATakeoverWaits: while a handoff is to go to the backup and their write waits
// for the CRM, somebody does something about it. Who stands there keeps it by that, or gives
// it back; what the backup or a colleague does is not lost, and counts once the backup
// stands there (1.14, 1.98, 4.13).
func TestDoneWhileATakeoverWaits(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml",
		"next_task_created, first_touch_logged", "next_task_created, first_touch_logged, task_done",
		"returned_when: {person.handoff_status: Returned}", "returned_when: {any: [task_deferred, {person.handoff_status: Returned}]}"))
	const ana, ben = "ana@example.com", "ben@example.com"
	at := after(24, 0)
	for name, c := range map[string]struct {
		deed  map[string]any // of the task that we made, where it has no type
		owner string
		stage state.Stage
		by    string // who has accepted it or given it back
	}{
		"ana calls":              {did("call", "u-ana", at), ana, state.Completed, ana},
		"ana plans to":           {did("task", "u-ana", at, connectors.ActState, "open"), ana, state.Accepted, ana},
		"ana ticks off her task": {did("task", "u-ana", at, connectors.ActKey, ""), ana, state.Accepted, ana},
		"ana has begun it":       {did("task", "u-ana", at, connectors.ActKey, "", connectors.ActState, "started"), ana, state.Accepted, ana},
		"ana puts it off":        {did("task", "u-ana", at, connectors.ActKey, "", connectors.ActState, "deferred"), "", state.Returned, ana},
		"ben calls":              {did("call", "u-ben", at), ben, state.Completed, ben},
		"ben plans to":           {did("task", "u-ben", at, connectors.ActState, "open"), ben, state.Accepted, ben},
		"ben ticks off the task": {did("task", "u-ben", at, connectors.ActKey, ""), ben, state.Accepted, ben},
		"ben puts it off":        {did("task", "u-ben", at, connectors.ActKey, "", connectors.ActState, "deferred"), "", state.Returned, ben},
		"a colleague calls":      {did("call", "u-cleo", at), ben, state.Completed, "cleo@example.com"},
		"somebody else calls":    {did("call", "u-x", at), ben, state.Assigned, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rec, h := standing(t, r, true)
			w.fireDue(t, r, after(23, 0))
			if _, waits := w.steps()["assign"]; !waits || w.only(t).Owner != ben {
				t.Fatal("no takeover")
			}
			id := "calls-1"
			if key, ours := c.deed[connectors.ActKey]; ours && key == "" {
				id, c.deed[connectors.ActKey] = "tasks-1", h.Effects["task"].Key
			}
			deed := plan.Observed{Record: act(r, id, c.deed, rec.Ref), Via: "poll", Came: after(24, 30)}
			if asks := w.decide(t, r, after(24, 30), deed).Needs; len(asks) > 0 {
				now := rec
				now.Read = after(24, 30)
				w.located[asks[0].ID()] = []state.Record{now}
				w.decide(t, r, after(24, 30), deed)
			}
			if _, still := w.steps()["assign"]; still != (c.by != ana) {
				t.Errorf("the write of ben waits: %v", still)
			}
			if c.by != ana {
				rec = shown(rec, after(24, 40), "3", "title", "Head of Sales")
				rec.ModifiedBy = "u-ana"
				w.look(t, r, rec, after(24, 41))
				w.came(t, r, after(25, 0), w.steps()["assign"], plan.Delivered{Version: "4", Stamp: after(25, 0)})
				rec = shown(rec, after(25, 0), "4", "owner", "u-ben", "handoff_assigned_at", h.AssignedAt.Format(time.RFC3339))
			}
			w.look(t, r, rec, after(26, 0))
			got := w.only(t)
			if c.owner == "" {
				c.owner = got.Owner
			}
			if got.Stage != c.stage || got.Owner != c.owner || saidBy(got) != c.by {
				t.Errorf("%s of %s, by %q; want it %s of %s by %q: %v", got.Stage, got.Owner, saidBy(got), c.stage, c.owner, c.by, got.Why)
			}
			if over := w.assignsOver(); len(over) > 0 && c.by == ana && got.Stage != state.Returned {
				t.Errorf("written over by %v", over)
			}
		})
	}
}

// TestDoneBeforeTheFirstWrite: a call right after the assignment is not lost where the CRM
// takes the first write of it later (1.15).
func TestDoneBeforeTheFirstWrite(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := newWorld(), demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
	w.decide(t, r, monday, see(rec))
	w.decide(t, r, after(4, 0), plan.Observed{Record: act(r, "calls-1", did("call", "u-ana", after(3, 0)), rec.Ref), Via: "poll", Came: after(4, 0)})
	if h := w.only(t); h.Stage != state.Assigned || !h.TouchedAt.IsZero() {
		t.Fatalf("%s before it stands", h.Stage)
	}
	w.came(t, r, after(5, 0), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: after(5, 0)})
	w.look(t, r, shown(rec, after(5, 0), "2", "owner", "u-ana", "handoff_id", w.only(t).ID, "handoff_status", "Assigned"), after(6, 0))
	if h := w.only(t); h.Stage != state.Completed || !h.TouchedAt.Equal(after(3, 0)) {
		t.Errorf("%s, touched at %s", h.Stage, h.TouchedAt)
	}
}

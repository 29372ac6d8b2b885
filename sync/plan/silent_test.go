package plan_test

import (
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestSilentSinceTheirDeed: who took a handoff up by what they did, and was silent from then
// on, loses it to their backup; what they had done is not the backup's acceptance (1.98).
func TestSilentSinceTheirDeed(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "sla.yaml", "    attempts: {at_least: 5", "    no_activity_within: 1 working hour\n    attempts: {at_least: 5", "escalations:\n", "escalations:\n  quiet:\n    clock: no_activity\n    steps:\n      - {at: 100%, give_to: backup}\n"),
		edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]",
			"next_task_created, first_touch_logged", "next_task_created, first_touch_logged, task_done"))
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

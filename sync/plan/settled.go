package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// settled puts away what was told of some clocks, because there is nothing to
// be done about it any more: what has not left yet is taken back, so that
// nobody is told who has just acted, and a task that somebody got is ticked
// off. The owner's own task, which a reminder raises, is no such task. No
// clocks given means all but that of the attempts, which outlives the handoff.
func (d *deciding) settled(h state.Handoff, clocks ...string) state.Handoff {
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		clock, ok := toldOf(step)
		if !ok || len(clocks) == 0 && clock == clockAttempts || len(clocks) > 0 && !slices.Contains(clocks, clock) {
			continue
		}
		e := h.Effects[step]
		if e.State == sent {
			if i, waits := d.waiting(e.Key); waits && i.State == state.Ready {
				d.drop(e.Key)
				h = handoff.Forget(h, step)
			}
			continue
		}
		h = d.putAway(h, step)
	}
	return h
}

// toldOf is the clock that a step told somebody of. A digest speaks of several
// and is none.
func toldOf(step string) (clock string, ok bool) {
	said, ok := strings.CutPrefix(step, stepSay)
	clock, _, _ = strings.Cut(said, " ")
	return clock, ok && !ofSeveral(step) && !strings.HasSuffix(step, stepNow(""))
}

// ofSeveral reports whether a step speaks of other handoffs as well as of the one
// it is kept with, whose end is not theirs.
func ofSeveral(step string) bool {
	return strings.HasPrefix(step, clockReport) || strings.HasPrefix(step, stepSay+clockDigest)
}

// putAway ticks off the task by which somebody was told.
func (d *deciding) putAway(h state.Handoff, step string) state.Handoff {
	e := h.Effects[step]
	if !e.Task || e.State != handoff.Done || e.Ref.ID == "" || h.Observed {
		return h
	}
	return d.choreNow(h, step, e.Ref, map[string]any{connectors.TaskStatus: actDone})
}

// toldTooLate ticks off the task of a step that was on its way when what it
// speaks of was seen to.
func (d *deciding) toldTooLate(h state.Handoff, step string) state.Handoff {
	clock, ok := toldOf(step)
	over := !h.Stage.Open() && clock != clockAttempts
	if !ok || !over && !d.met(h, clock) {
		return h
	}
	return d.putAway(h, step)
}

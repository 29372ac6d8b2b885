package plan

import (
	"time"

	"github.com/handoffd/handoffd/state"
)

// Overdue is one clock of a handoff that has run out without being met.
type Overdue struct {
	Clock string    // as `escalations:` names it; "checklist" and "hold" beside
	By    time.Time // when it ran out
}

// clockChecklist is what is overdue of a checklist or a milestone.
const clockChecklist = "checklist"

// OverdueClocks are the clocks by which something can be overdue, in the order
// of a handoff's life. The attempts are none: their window is counted up when
// it ends, and too few of them stand on a list of their own.
func OverdueClocks() []string {
	return []string{
		clockAssign, clockHold, clockDocument, clockOpened, clockAccept, clockReturn, clockTouch, clockOuter, clockActivity, clockChecklist, clockKickoff,
	}
}

// OverdueOf is what is overdue of a handoff, in the order of [OverdueClocks],
// as far as the handoff itself tells. Of one that is only observed nothing is:
// nobody was told of it.
func OverdueOf(h state.Handoff, now time.Time) []Overdue {
	if h.Observed {
		return nil
	}
	var out []Overdue
	for _, clock := range OverdueClocks() {
		by := runsOut(h, clock, now)
		if !by.IsZero() && by.Before(now) {
			out = append(out, Overdue{Clock: clock, By: by})
		}
	}
	return out
}

// runsOut is when a clock that is not met runs out; zero: it does not run, or
// there is nothing left to do about it.
func runsOut(h state.Handoff, clock string, now time.Time) time.Time {
	switch {
	case clock == clockChecklist:
		return firstItem(h)
	case !h.Stage.Open():
		return time.Time{}
	case clock == clockHold && h.Stage == state.Held:
		return h.HoldUntil
	case met(h, clock), clock == clockActivity && stirredSince(h, now):
		return time.Time{}
	}
	return deadline(h, clock)
}

// firstItem is the earliest date of what is left to do of the checklist, and,
// past completion, of the milestones.
func firstItem(h state.Handoff) time.Time {
	first := time.Time{}
	for _, i := range h.Items {
		lives := h.Stage.Open() || h.Stage == state.Completed && !i.After.IsZero()
		if lives && i.Done.IsZero() && !i.By.IsZero() && (first.IsZero() || i.By.Before(first)) {
			first = i.By
		}
	}
	return first
}

// stirredSince reports whether something has happened since the clock of
// silence ran out: it is counted anew from there.
func stirredSince(h state.Handoff, now time.Time) bool {
	w := workOf(h)
	for _, at := range []time.Time{w.Last, w.Next, w.Heard, h.TouchedAt} {
		if !at.Before(deadline(h, clockActivity)) && !at.After(now) {
			return true
		}
	}
	return false
}

package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/sla"
)

// lateIntake flags a handoff whose signal we heard of when a deadline that
// counts from the buyer's own time had passed: a webhook that came days late, a
// form that a program brought in long after (I3). What was held back by our own
// rules meanwhile is not late.
func (d *deciding) lateIntake(t *typ, f *facts, h state.Handoff, s signal, tier *tier) state.Handoff {
	if strings.HasPrefix(s.prev.Version, heldBack) {
		return h
	}
	first := h.Signals[0]
	missed := time.Time{}
	if !tier.assign.IsZero() {
		missed = sla.Always().Add(first.At, tier.assign)
	}
	for _, by := range []time.Time{
		d.fromField(f, d.r.calendar, tier.clock(clockAccept)), d.fromField(f, d.r.calendar, tier.clock(clockTouch)),
	} {
		if missed.IsZero() || !by.IsZero() && by.Before(missed) {
			missed = by
		}
	}
	if missed.IsZero() || missed.After(first.Came) {
		return h
	}
	first.Late = true
	h.Signals = append([]state.Signal{first}, h.Signals[1:]...)
	h.Why = append(slices.Clone(h.Why), d.why(where(t.pos), "late_intake: of %s, and we heard of it at %s, after %s had passed; the receiver's clocks count from then",
		first.At.Format(time.RFC3339), first.Came.Format(time.RFC3339), missed.Format(time.RFC3339)))
	return h
}

// fromField is a deadline that counts from a field; zero where it counts from
// the assignment.
func (d *deciding) fromField(f *facts, cal sla.Calendar, l lasting) time.Time {
	if !l.from.given() {
		return time.Time{}
	}
	return l.reach(cal, d.counted(f, cal, l), 100)
}

// tellLate tells once, on a list of its own, of a handoff whose signal came too
// late, and who has it now.
func (d *deciding) tellLate(t *typ, h state.Handoff) {
	first := h.Signals[0]
	if !first.Late {
		return
	}
	who, manager := h.Owner, ""
	if p := d.r.people[h.Owner]; p != nil {
		manager = p.manager
	}
	if who == "" {
		who = "nobody yet"
	}
	text := t.name + " of " + first.At.Format(time.RFC3339) + " was heard of at " + first.Came.Format(time.RFC3339) + ", too late to be assigned in time; " + who + " has it"
	if manager != "" {
		text += ", " + manager + " should know"
	}
	d.list(listLate, h.ID, text)
	d.audit("late intake", h.ID, map[string]string{"signal": first.At.Format(time.RFC3339), "came": first.Came.Format(time.RFC3339), "manager": manager})
}

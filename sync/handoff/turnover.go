package handoff

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/state"
)

// Turnover is the next owner of a handoff that somebody has already.
type Turnover struct {
	Owner, Team, Backup string
	Why                 state.Reason
	At                  time.Time
}

// Reassign gives an open handoff to another owner, by order of a person. Its
// stage and its deadlines stay: who comes next has what is left of them.
func Reassign(h state.Handoff, t Turnover) (state.Handoff, error) {
	switch h.Stage {
	case state.Assigned, state.Accepted, state.Touched, state.Stalled:
	default:
		return refuse(h, "reassigned")
	}
	if t.Owner == "" || t.Owner == h.Owner {
		return refuse(h, "reassigned to "+t.Owner)
	}
	h.Holders = holders(h, "reassigned", t.At)
	h = anew(h, false)
	if h.Accountable == h.Owner || h.Stage != state.Assigned {
		h.Accountable = t.Owner
	}
	h.Owner, h.Team, h.Backup = t.Owner, t.Team, t.Backup
	h.Again = nil // what was written for the owner before is no circle of the new one's
	h.Why = append(slices.Clone(h.Why), t.Why)
	return h, nil
}

// Revert takes turnovers back, on paper: the CRM refused whoever was to be the next
// owner, and shows who had it before. why says so. It may have ended meanwhile.
func Revert(h state.Handoff, to, why string) (state.Handoff, error) {
	n := len(h.Holders) - 1
	for n >= 0 && h.Holders[n].Who != to {
		n--
	}
	if n < 0 {
		return refuse(h, "reverted to "+to)
	}
	if h.Accountable == h.Owner {
		h.Accountable = to
	}
	return backTo(h, n, why), nil
}

// holders are those who have had a handoff, its present owner now included.
func holders(h state.Handoff, why string, at time.Time) []state.Holder {
	past := state.Holder{Who: h.Owner, Since: h.AssignedAt, Until: at, Why: why, Accepted: h.AcceptedAt, Team: h.Team, Backup: h.Backup}
	if n := len(h.Holders); n > 0 {
		past.Since = h.Holders[n-1].Until
	}
	if n := len(h.Why); n > 0 {
		past.Rule = h.Why[n-1].Rule
	}
	return append(slices.Clone(h.Holders), past)
}

// backTo gives a handoff back to the n-th of those who had it, as they had it.
func backTo(h state.Handoff, n int, why string) state.Handoff {
	past := h.Holders[n]
	h.Owner, h.Team, h.Backup, h.Holders = past.Who, past.Team, past.Backup, h.Holders[:n:n]
	h.Why = append(slices.Clone(h.Why), state.Reason{Rule: past.Rule, Text: past.Who + ": " + why})
	h.Work = asBefore(h.Work, past.Did)
	return h
}

// anew has the next owner of a handoff start with its task undone, and without what the one
// before had taken it up by: neither is their doing. That the buyer was reached stays.
func anew(h state.Handoff, accepted bool) state.Handoff {
	if h.Work == nil || !accepted && h.Work.Ticked.IsZero() && h.Work.Started.IsZero() && h.Work.Deferred.IsZero() {
		return h
	}
	w := *h.Work
	w.Ticked, w.Started, w.Deferred, w.Hand = time.Time{}, time.Time{}, time.Time{}, ""
	if accepted {
		w.Next, w.Maker = time.Time{}, ""
		if h.TouchedAt.IsZero() {
			w.First, w.By, w.Type = time.Time{}, "", ""
		}
	}
	h.Holders[len(h.Holders)-1].Did, h.Work = h.Work, &w
	return h
}

// asBefore is the work on a handoff that goes back to who had it.
func asBefore(now, did *state.Work) *state.Work {
	if now == nil || did == nil {
		return now
	}
	w := *now
	if w.Next.IsZero() {
		w.Next, w.Maker = did.Next, did.Maker
	}
	if w.Ticked.IsZero() && w.Started.IsZero() && w.Deferred.IsZero() {
		w.Ticked, w.Started, w.Deferred, w.Hand = did.Ticked, did.Started, did.Deferred, did.Hand
	}
	if w.First.IsZero() {
		w.First, w.By, w.Type = did.First, did.By, did.Type
	}
	return &w
}

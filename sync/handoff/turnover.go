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
	since := h.AssignedAt
	if n := len(h.Holders); n > 0 {
		since = h.Holders[n-1].Until
	}
	h.Holders = append(slices.Clone(h.Holders), state.Holder{Who: h.Owner, Since: since, Until: t.At, Why: "reassigned"})
	if h.Accountable == h.Owner || h.Stage != state.Assigned {
		h.Accountable = t.Owner
	}
	h.Owner, h.Team, h.Backup = t.Owner, t.Team, t.Backup
	h.Why = append(slices.Clone(h.Why), t.Why)
	return h, nil
}

// Revert takes the last turnover back, on paper: the CRM refused whoever was to be
// the next owner, and shows the one before. It may have ended meanwhile.
func Revert(h state.Handoff) (state.Handoff, error) {
	n := len(h.Holders)
	if n == 0 {
		return refuse(h, "reverted")
	}
	was := h.Holders[n-1].Who
	if h.Accountable == h.Owner {
		h.Accountable = was
	}
	h.Owner, h.Holders = was, h.Holders[:n-1:n-1]
	return h, nil
}

package handoff

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/state"
)

// Wait is why and how long a handoff is held.
type Wait struct {
	Clocks      Clocks // the tier, and by when it has to be assigned
	Accountable string
	Note        string // what it waits for
	Why         []state.Reason
	At, Until   time.Time
}

// Hold keeps a handoff back until what has to travel is there. Holding it once
// more changes what it waits for, and neither since when nor how long.
func Hold(h state.Handoff, w Wait) (state.Handoff, error) {
	if h.Stage != state.Detected && h.Stage != state.Held {
		return refuse(h, "held")
	}
	if h.Stage == state.Detected {
		h.HeldAt, h.HoldUntil = w.At, w.Until
		h.Tier, h.Rank, h.AssignBy, h.Why = w.Clocks.Tier, w.Clocks.Rank, w.Clocks.AssignBy, slices.Clone(w.Why)
	}
	h.Stage, h.Accountable, h.Note = state.Held, w.Accountable, w.Note
	return h, nil
}

// Release lets a held handoff go on as one that has just been detected.
func Release(h state.Handoff) (state.Handoff, error) {
	if h.Stage != state.Held {
		return refuse(h, "released")
	}
	h.Stage, h.Note = state.Detected, ""
	return h, nil
}

// Knows notes how much of the context is there, in percent, and what of the
// required part is not.
func Knows(h state.Handoff, complete int, missing []string) state.Handoff {
	h.Complete, h.Missing = complete, slices.Clone(missing)
	return h
}

// Lists adds a thing to do. One that is there by its step already is left.
func Lists(h state.Handoff, i state.Item) state.Handoff {
	if slices.ContainsFunc(h.Items, func(o state.Item) bool { return o.Step == i.Step }) {
		return h
	}
	h.Items = append(slices.Clone(h.Items), i)
	return h
}

// Change makes another of the thing at an index.
func Change(h state.Handoff, at int, change func(*state.Item)) state.Handoff {
	h.Items = slices.Clone(h.Items)
	change(&h.Items[at])
	return h
}

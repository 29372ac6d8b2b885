package plan

import "github.com/handoffd/handoffd/state"

// itemDue speaks of a thing of the checklist whose time is up. step is its
// index in h.Items; fresh says that the record has just been read.
func (d *deciding) itemDue(h state.Handoff, step int, fresh bool) {}

// holdOver ends what a gate does when it has been shut for as long as it may.
func (d *deciding) holdOver(h state.Handoff, ev Fired) {}

package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// A record that was deleted may be taken out of the bin again (C9). Its handoff
// has ended by then, and its tasks are ticked off, at the latest now. One that nobody
// had accepted starts anew, on the signal that the record still shows, from when it is
// back. One that somebody was at stays ended, and the record and a list say so.

const (
	noteDeleted = "the record was deleted"
	stepEnded   = "ended" // own fields of a record whose handoff has ended: it is back, or the one that carried it is gone
)

// restored looks at what ended when a record was deleted, now that it is back.
func (d *deciding) restored(rec *state.Record, carried []state.Handoff) {
	d.back = map[string]bool{}
	for _, h := range carried {
		if h.Record == rec.Ref && h.Target != rec.Ref && rec.Fields[ownID] == h.ID && rec.Fields[ownStatus] != statusOf(h.Stage) {
			d.put(d.endedMeanwhile(h)) // it lay in the bin when that ended
		}
		if h.Stage != state.Cancelled || h.Note != noteDeleted || h.Target != rec.Ref || h.Observed || followed(h, carried) {
			continue
		}
		h = d.unbinned(h)
		d.put(h)
		if h.AcceptedAt.IsZero() && h.Record == rec.Ref {
			d.back[h.Type] = true
			continue
		}
		d.list(listRestored, rec.Ref.String(), h.Type+": it is back, and its handoff to "+h.Owner+" has ended when it was deleted; set the signal again to start another")
		if !h.Written.IsZero() && d.shows(rec.Ref, h) && rec.Fields[ownID] == h.ID {
			d.put(d.intend(h, stepEnded, connectors.Write{Ref: rec.Ref, Set: map[string]any{ownStatus: statusCancelled}, Key: key(h, stepEnded, "set "+rec.Version)}))
		}
	}
}

// unbinned ticks off the tasks that could not be while they were in the bin with their
// record: they have come back as they were.
func (d *deciding) unbinned(h state.Handoff) state.Handoff {
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		if h.Effects[step].State == handoff.Refused && (step == stepTaskDone || strings.HasSuffix(step, stepNow(""))) {
			h = handoff.Forget(h, step)
		}
	}
	return d.tasksOver(h)
}

// followed reports whether another handoff of the same type and record has come after
// one: that ended when the record was deleted before.
func followed(h state.Handoff, all []state.Handoff) bool {
	return slices.ContainsFunc(all, func(o state.Handoff) bool {
		return o.Type == h.Type && o.Record == h.Record && o.DetectedAt.After(h.DetectedAt)
	})
}

// anew is a signal that counts once more, from when its record was back.
func (d *deciding) anew(s signal, f *facts) signal {
	s.fresh, s.again, s.first, s.dated = true, true, false, false
	s.at = d.bounded(f.rec.ModifiedAt)
	s.prev.At = s.at
	return s
}

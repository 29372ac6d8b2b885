package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// A record may be merged, converted or deleted while a write about it is on its
// way (C8, C9, C10). The CRM then says that it is not there, or that nothing can
// be done with it any more, and not where it lives on: that is what reading it
// tells.

const (
	// unfoundFor is how long a write about a record that the CRM does not find is
	// tried again: by then it has been read, and it is known what became of it.
	unfoundFor = 3 * time.Minute
	unfoundTry = 2 * againAfter
)

// lost reports whether a CRM does not have what a write of a handoff is about,
// or not any more.
func lost(h state.Handoff, ev Delivered) bool {
	switch {
	case slices.Contains([]string{stepRestore, stepRewrite, stepCreate}, ev.Intent.Step), !h.Stage.Open() && ev.Intent.Step != stepReturn && ev.Intent.Step != stepReason:
		return false
	case ev.Class == connectors.NotFound.String():
		return true
	}
	return ev.Class == connectors.Conflict.String() && ev.Existing.IsZero()
}

// movedUnder sends a write once more, about the record that the one it was about
// lives on as. What an owner write expects is looked for there before it leaves.
// It reports whether that settles the answer.
func (d *deciding) movedUnder(h state.Handoff, ev Delivered) bool {
	if !lost(h, ev) {
		return false
	}
	i := ev.Intent
	w := i.Write
	if to, moved := d.livesOn(w.Ref); moved {
		w.Ref, w.IfVersion, w.Key = to, "", key(h, i.Step, "set "+to.String())
	}
	w.Links = slices.Clone(w.Links)
	for n, ref := range w.Links {
		w.Links[n], _ = d.livesOn(ref)
	}
	if w.Ref == i.Write.Ref && slices.Equal(w.Links, i.Write.Links) {
		return false
	}
	d.because(d.why("", "%s: what it is about lives on as another record", i.Step))
	had := len(d.c.Intents)
	h = d.intendSeen(unwritten(h, i), i.Step, w, seen{expect: i.Expect, over: i.Over, atRisk: i.AtRisk})
	for n := range d.c.Intents[had:] {
		d.c.Intents[had+n].Attempts = i.Attempts
	}
	d.put(h)
	return true
}

// mayStand reports whether the owner may stand in the CRM although no answer
// has said so: the write was tried, and one that was lost may have come after
// it was done.
func (d *deciding) mayStand(h state.Handoff) bool {
	if d.settling != nil && d.settling.Step == stepAssign && d.settling.Attempts > 0 {
		return true
	}
	i, waits := d.v.Intent(h.Effects[stepAssign].Key)
	return waits && i.Attempts > 0
}

// namedJustNow reports whether a record that a CRM does not find is one that it
// made, or named as being there, a moment ago: what its queries do not show yet
// is not gone. One that lies in the bin has a version.
func (d *deciding) namedJustNow(rec *state.Record, carried []state.Handoff) bool {
	_, seen := d.v.Record(rec.Ref)
	if seen || rec.Version != "" || !rec.MovedTo.IsZero() {
		return false
	}
	return slices.ContainsFunc(carried, func(h state.Handoff) bool {
		e := h.Effects[stepCreate]
		since := d.now.Sub(e.At)
		return h.Stage.Open() && e.State == handoff.Done && e.Ref == rec.Ref && since >= 0 && since < unfoundFor
	})
}

// stoodAlready settles an owner write whose answer was lost, and which a reading
// since has found done: it is not sent again. What people did after it is looked
// at with the same reading.
func (d *deciding) stoodAlready(t *typ, rec *state.Record, h state.Handoff, ev Delivered) {
	if h = d.asAnswered(rec, h, ev.Intent); h.Stage.Open() {
		d.advance(t, rec, h) // a return may have to be asked about, which an answer cannot: the next reading shows it
	}
}

// asAnswered takes what a record shows for the answer to a write of its owner.
func (d *deciding) asAnswered(rec *state.Record, h state.Handoff, i state.Intent) state.Handoff {
	e := h.Effects[i.Step]
	e.State, e.Ref, e.Version, e.Error = handoff.Done, rec.Ref, rec.Version, ""
	d.because(d.why("", "%s stands on %s already: the answer to the write was lost", h.Owner, rec.Ref))
	d.wrote(d.foundBy(i, rec.Ref, h), rec.Ref, tookOver(h, rec.Ref) && !rec.CreatedAt.Before(h.DetectedAt.Add(-unfoundFor)))
	d.done(handoff.Track(h, i.Step, e), Delivered{Intent: i, Ref: rec.Ref, Version: rec.Version, Stamp: rec.ModifiedAt})
	return d.current(h)
}

// foundBy is a write of the owner with whom it came over: by the last reading from before
// it, where the record that it was decided on has become another.
func (d *deciding) foundBy(i state.Intent, ref connectors.Ref, h state.Handoff) state.Intent {
	t, s := d.r.byName[h.Type], h.Stake
	was, seen := d.v.Record(ref)
	if t == nil || s == nil || !seen || was.Fields[ownID] == h.ID {
		return i
	}
	if _, expects := i.Expect[s.Field]; expects {
		i.Expect = map[string]any{s.Field: blankNil(was.Fields[t.becomes])}
	}
	return i
}

// tookOver reports whether a handoff has a record that was there when it was to be made.
// Where it shows the handoff, and is no older, an earlier attempt has made it whose answer
// was lost.
func tookOver(h state.Handoff, ref connectors.Ref) bool {
	e := h.Effects[stepCreate]
	return e.State == handoff.Done && e.Ref == ref && h.Written.IsZero() && len(h.Holders) == 0
}

// stoodUnanswered settles an owner write whose answer was lost, and which stands
// on the record before it was tried again, or has stood there and somebody has
// changed the owner since. No stamp of ours tells then when a person came in
// between: the trail is looked at here. It reports whether that settles the
// handoff for now.
func (d *deciding) stoodUnanswered(t *typ, rec *state.Record, h state.Handoff, read time.Time) bool {
	i, waits := d.v.Intent(h.Effects[stepAssign].Key)
	if !waits || i.Attempts == 0 || i.Over.IsZero() || rec.Fields[ownID] != h.ID {
		return false
	}
	d.drop(i.Write.Key)
	h = d.asAnswered(rec, h, i)
	if !d.overlooked(rec, h, rec.Fields[t.becomes]) && !d.takenOver(t, rec, d.current(h), read) {
		d.heard(t, rec, d.current(h))
	}
	return true
}

// carries reports whether a record shows the assignment of a handoff, whoever
// owns it: what an earlier write of ours left there, while it was held or somebody
// else had it, is none.
func carries(rec *state.Record, h state.Handoff) bool {
	if rec.Fields[ownID] != h.ID || len(h.Holders) > 0 {
		return false
	}
	if at := fieldTime(rec, ownAssignedAt); !at.IsZero() {
		return at.Equal(h.AssignedAt.Truncate(time.Second))
	}
	return h.Effects[stepHold].Key == "" && h.Effects[stepQueue].Key == ""
}

// livesOn is the record that another one was merged or converted into.
func (d *deciding) livesOn(ref connectors.Ref) (to connectors.Ref, moved bool) {
	for to = ref; to.ID != ""; moved = true {
		rec, known := d.v.Record(to)
		if !known || rec.MovedTo.IsZero() || rec.MovedTo == ref {
			break
		}
		to = rec.MovedTo
	}
	return to, moved
}

// vanished tries a write again whose record is not there, and of which nobody
// has told us more. An owner write is preceded by a reading, which does. It
// reports whether that settles the answer; where nothing is read first, and
// after some minutes, the CRM is believed.
func (d *deciding) vanished(h state.Handoff, ev Delivered) bool {
	i := ev.Intent
	switch {
	case !lost(h, ev) || ev.Class != connectors.NotFound.String():
		return false
	case i.Step == stepAssign && len(i.Expect) == 0:
		d.put(h)
		d.cancel(d.current(h), "the record is gone")
		return true
	case i.Step == stepAssign:
		d.put(d.again(h, i, h.Target, i.Expect, i.Write.IfVersion))
		return true
	case d.now.Sub(i.Created) > unfoundFor:
		return false
	}
	had := len(d.c.Intents)
	h = d.intendSeen(unwritten(h, i), i.Step, i.Write, seen{expect: i.Expect, atRisk: i.AtRisk})
	for n := range d.c.Intents[had:] {
		next := &d.c.Intents[had+n]
		next.Created, next.Due = i.Created, d.now.Add(unfoundTry)
	}
	d.put(h)
	return true
}

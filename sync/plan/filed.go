package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// A CRM may file what has changed a moment after the record shows it. A trail
// without our own write in it was asked for too soon: whoever came just before
// that write need not be in it either.

// filedWithin is how long after our write its trail is asked again: a person
// whose change it was over has it back within a minute, or a list says that
// nobody knows.
const filedWithin = time.Minute

// viaPoll is how we hear of what a poll finds (state.Change.Via).
const viaPoll = "poll"

// files reports whether a trail shows our write.
func files(tr state.Trail, s state.Stake) bool {
	return slices.ContainsFunc(tr.Values, func(v connectors.FieldValue) bool { return isOurs(v, s) })
}

// isOurs reports whether a value is what our write left.
func isOurs(v connectors.FieldValue, s state.Stake) bool {
	return valueOf(v) == s.Value && (s.Stamp.IsZero() || !v.At.After(s.Stamp)) && !v.At.Before(s.Over)
}

// unfiled reports whether a trail has to be asked for again, and then deciding
// waits; a timer and an order do not. Where nothing is filed at all and a poll,
// which finds no more than the trail does, has shown our write, the field has none.
func (d *deciding) unfiled(tr state.Trail, s state.Stake, rec *state.Record) bool {
	switch {
	case d.via == "", tr.Unseen, files(tr, s), d.now.Sub(s.Stamp).Abs() >= filedWithin, len(tr.Values) == 0 && d.via == viaPoll:
		return false
	}
	d.c.Wait = "who has changed " + s.Field + " of " + rec.Ref.String() + ": our own write is not filed yet"
	return true
}

// stoodThere is whom a record had been given to when our write came over it,
// where its history does not tell and the CRM told so with its answer. Only what another
// handoff of ours had written is nobody's.
func (d *deciding) stoodThere(rec *state.Record, h state.Handoff, s state.Stake) (v connectors.FieldValue, found bool) {
	if s.Stood == nil {
		return v, false
	}
	stood := valueOf(*s.Stood)
	return *s.Stood, stood != s.Was && stood != s.Value && byHand(s.Stood.Actor) && !d.anothers(rec, h, stood)
}

// explains reports whether a trail shows who had set what stood there. It may show our
// write and not yet what was filed a moment before it.
func explains(tr state.Trail, stood *connectors.FieldValue) bool {
	return stood != nil && slices.ContainsFunc(tr.Values, func(v connectors.FieldValue) bool { return valueOf(v) == valueOf(*stood) })
}

// untold lists that nobody knows who came just before our write.
func (d *deciding) untold(tr state.Trail, s state.Stake, rec *state.Record) {
	text := "the CRM does not tell who changes it: a person's change within 5 s before ours cannot be put back; switch field history on"
	if len(tr.Values) > 0 {
		text = "its history did not show our own write a minute later: whether a person came within 5 s before it is not known"
	}
	d.list(listUnseen, rec.Ref.Conn+" "+string(rec.Ref.Kind)+"."+s.Field, text)
}

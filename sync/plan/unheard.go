package plan

import (
	"maps"
	"time"

	"github.com/handoffd/handoffd/state"
)

// changedAt is when what a reading shows was so: as of its last change, or when a person
// said what is heard of it late.
func (d *deciding) changedAt(rec *state.Record) time.Time {
	if !d.saidAt.IsZero() {
		return d.saidAt
	}
	return rec.ModifiedAt
}

// unheard is a record as its reader would have found it had our write of the status not
// come right over what a person had said there, and where they said it; the record as it
// was read, and zero, where nobody had.
func (d *deciding) unheard(rec *state.Record, says state.Window) (*state.Record, state.Window) {
	now := rec.Fields[ownStatus]
	_, known := d.v.Handoff(rec.Fields[ownID])
	if says == (state.Window{}) || !known || now == "" || rec.Deleted || !rec.MovedTo.IsZero() || rec.ModifiedAt.Before(says.At) {
		return rec, state.Window{}
	}
	s := state.Stake{Field: ownStatus, Value: now, Over: says.Over, Stamp: says.At}
	tr, asked := d.trail(rec, s)
	switch {
	case !asked:
		return rec, says
	case len(tr.Values) == 0 || tr.Values[0].At.After(says.At): // not tracked; or they, or we, have said something else since
		return rec, state.Window{}
	case d.unfiled(tr, s, rec):
		return rec, says
	}
	v, found := between(tr, s)
	if !found || !v.At.After(says.Over) {
		return rec, state.Window{}
	}
	d.saidAt = v.At
	d.because(d.why("", "%s had set %s to %q at %s, right before it was written over: heard as if it stood there", handOf(v), ownStatus, valueOf(v), v.At.Format(time.RFC3339)))
	said := *rec
	said.Fields = maps.Clone(rec.Fields)
	said.Fields[ownStatus], said.ModifiedBy = valueOf(v), v.By
	return &said, says
}

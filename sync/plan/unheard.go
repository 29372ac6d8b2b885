package plan

import (
	"maps"
	"time"

	"github.com/handoffd/handoffd/state"
)

// unheard is a record as its reader would have found it had our write of the status not
// come right over what a person had said there, and where they said it; the record as it
// was read, and zero, where nobody had. Who has said something else since is heard as ever.
func (d *deciding) unheard(rec *state.Record, says state.Window) (*state.Record, state.Window) {
	now := rec.Fields[ownStatus]
	_, known := d.v.Handoff(rec.Fields[ownID])
	if says == (state.Window{}) || !known || now == "" || rec.Deleted || !rec.MovedTo.IsZero() || rec.ModifiedAt.Before(says.At) {
		return rec, state.Window{}
	}
	s := state.Stake{Field: ownStatus, Value: now, Over: says.Over, Stamp: says.At}
	tr, asked := d.trail(rec, s)
	if !asked || len(tr.Values) > 0 && d.unfiled(tr, s, rec) { // without values the field is not tracked
		return rec, says
	}
	v, found := between(tr, s)
	if _, later := handAfter(tr, says.At); !found || later {
		return rec, state.Window{}
	}
	d.because(d.why("", "%s had set %s to %q at %s, right before it was written over: heard as if it stood there", handOf(v), ownStatus, valueOf(v), v.At.Format(time.RFC3339)))
	said := *rec
	said.Fields = maps.Clone(rec.Fields)
	said.Fields[ownStatus], said.ModifiedBy = valueOf(v), v.By
	return &said, says
}

package plan

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Before implements View.
func (r *Recorder) Before(ref connectors.Ref) (state.Before, bool) {
	b, ok := r.v.Before(ref)
	remember(&r.seen.Befores, ref.String(), optional(b, ok))
	return b, ok
}

func (p *replay) Before(ref connectors.Ref) (state.Before, bool) {
	return orNot(ask(p, p.s.Befores, "before of", ref.String()))
}

// before is what a record held before us, as far as it is known by now.
func (d *deciding) before(ref connectors.Ref) state.Before {
	for _, b := range slices.Backward(d.c.Befores) {
		if b.Ref == ref {
			return b
		}
	}
	b, _ := d.v.Before(ref)
	return b
}

// wrote keeps what a write has written over that was never answered, and was found to
// stand: nothing, where we have made the record.
func (d *deciding) wrote(i state.Intent, ref connectors.Ref, made bool) {
	if made {
		i.Write.Ref.ID, i.Expect, i.Was = "", nil, nil
	}
	if i.Keeps() {
		d.c.Befores = append(d.c.Befores, d.before(ref).Wrote(i, ref, nil, d.now))
	}
}

func (nothing) Before(connectors.Ref) (b state.Before, ok bool) { return b, false }

package plan

import (
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

func (nothing) Before(connectors.Ref) (b state.Before, ok bool) { return b, false }

package plan

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// A CRM that is joined with another one keeps the other's ids. They are surer
// than an address, which two people may share and one may change: what they
// name is looked for first, and who they join is joined.

// sameByID joins a record with who its CRM says it is elsewhere. With two
// connections to that CRM it is not known which one is meant.
func (d *deciding) sameByID(rec *state.Record) {
	for _, ref := range rec.Same {
		var at *conn
		several := false
		for _, c := range d.r.conns {
			if c.crm == ref.Conn {
				at, several = c, at != nil
			}
		}
		if at != nil && !several && at.m.Noun(ref.Kind) == rec.Noun {
			d.same(rec.Ref, connectors.Ref{Conn: at.name, Kind: ref.Kind, ID: ref.ID}, sameID)
		}
	}
}

// moves bounds how often a record may have been merged or converted since
// another CRM noted its id.
const moves = 5

// landingByID finds the record that a delivered handoff lands on by the ids
// that the record at hand keeps. It reports whether the look-up is over: found,
// or to be asked for.
func (d *deciding) landingByID(t *typ, f *facts) bool {
	for _, same := range f.rec.Same {
		if same.Conn != f.to.crm || f.to.m.Noun(same.Kind) != t.about {
			continue
		}
		ref := connectors.Ref{Conn: f.to.name, Kind: same.Kind, ID: same.ID}
		for range moves {
			r, fresh, asked := d.known(ref)
			if !asked {
				d.because(d.why(where(t.pos), "looking for %s, which %s says it is", ref, f.rec.Ref))
				return true
			}
			if r == nil || r.Deleted && r.MovedTo.IsZero() {
				break
			}
			if r.MovedTo.IsZero() {
				f.land, f.landCached, f.landBy = r, !fresh, sameID
				return true
			}
			ref = r.MovedTo
		}
	}
	return false
}

// known is a record as last read, or as its CRM answers now; nil: it does not
// know it. asked is false where it has to be asked first.
func (d *deciding) known(ref connectors.Ref) (r *state.Record, fresh, asked bool) {
	if have, ok := d.v.Record(ref); ok {
		return &have, false, true
	}
	need := byID(ref)
	found, asked := d.v.Located(need)
	if !asked {
		d.c.Needs = append(d.c.Needs, need)
		return nil, false, false
	}
	if i := slices.IndexFunc(found, func(r state.Record) bool { return r.Ref.Conn == ref.Conn && r.Noun != "" }); i >= 0 {
		return &found[i], true, true
	}
	return nil, true, true
}

// byID asks for a record as it is now.
func byID(ref connectors.Ref) state.Need {
	return state.Need{Conn: ref.Conn, Question: connectors.Question{Kinds: []connectors.Kind{ref.Kind}, Value: ref.ID}}
}

package plan

import "github.com/handoffd/handoffd/state"

// What a CRM links to a person and to no company, as one links its leads, has
// the account of that person.

// buyer is the person by whom the account of a record is found; nil: there is
// none, or it is linked to a company itself.
func (f *facts) buyer() *state.Record {
	switch {
	case f.rec.Noun == nounPerson:
		return f.rec
	case f.conn == nil || !f.conn.belongs(f.rec).IsZero():
		return nil
	}
	return f.record(nounPerson)
}

// meets has the person asked for whom a record belongs to and of whom nothing
// has been heard since we began. It reports whether deciding has to stop for it.
func (d *deciding) meets(f *facts) bool {
	if f.rec.Noun != nounDeal || f.conn == nil || !f.conn.belongs(f.rec).IsZero() || f.has(nounPerson) {
		return false
	}
	for _, ref := range f.rec.Links {
		if f.conn.m.Noun(ref.Kind) != nounPerson {
			continue
		}
		r, _, asked := d.known(ref)
		if !asked {
			d.because(d.why("", "asking who %s is, to whom %s belongs", ref, f.rec.Ref))
			return true
		}
		if r != nil && !r.Deleted && r.MovedTo.IsZero() {
			f.linked[nounPerson] = r
			return false
		}
	}
	return false
}

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

// meets has the people asked for whom a record belongs to and of whom nothing has
// been heard since we began, up to the first who is known: all at once, for some may
// not be readable. It reports whether deciding has to stop for it.
func (d *deciding) meets(f *facts) bool {
	if f.rec.Noun != nounDeal || f.conn == nil || !f.conn.belongs(f.rec).IsZero() || f.has(nounPerson) {
		return false
	}
	waits := false
	for _, ref := range f.rec.Links {
		if f.conn.m.Noun(ref.Kind) != nounPerson {
			continue
		}
		r, _, asked := d.known(ref)
		switch {
		case !asked:
			d.because(d.why("", "asking who %s is, to whom %s belongs", ref, f.rec.Ref))
			waits = true
		case r == nil || r.Deleted || !r.MovedTo.IsZero():
		case waits:
			return true
		default:
			f.linked[nounPerson] = r
			return false
		}
	}
	return waits
}

package plan

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// A handoff about a company is worked on through its people: whoever calls one
// of them has reached the company, though neither the call nor a count on the
// company may say so. A call that a program logs is about the person alone, and
// a person may belong to the company by their address only.

// peopleCount reports whether what a CRM counts on people tells of a handoff
// about their company.
func (r *Rules) peopleCount(c *conn) bool {
	return slices.ContainsFunc(r.types, func(t *typ) bool {
		return t.about == nounCompany && t.facing() && (t.deliver == c || slices.Contains(t.on, c))
	})
}

// accountOf is the company that somebody belongs to, as the CRM links them or
// as they were matched.
func (d *deciding) accountOf(person *state.Record) (connectors.Ref, bool) {
	account := d.r.facts(d.now, d.v, person).account()
	if account.record == nil || account.review {
		return connectors.Ref{}, false
	}
	return account.record.Ref, true
}

// companiesOf are those that the CRM links somebody to, else the one they were
// matched with.
func (d *deciding) companiesOf(c *conn, ref connectors.Ref) []connectors.Ref {
	person, ok := d.v.Record(ref)
	if !ok {
		return nil
	}
	linked := slices.DeleteFunc(slices.Clone(person.Links), func(l connectors.Ref) bool { return c.m.Noun(l.Kind) != nounCompany })
	if account, known := d.accountOf(&person); len(linked) == 0 && known {
		return []connectors.Ref{account}
	}
	return linked
}

// ofCompany are the open handoffs about a company itself.
func (d *deciding) ofCompany(company connectors.Ref) []state.Handoff {
	return slices.DeleteFunc(slices.Clone(d.v.Handoffs(company)), func(h state.Handoff) bool {
		t := d.r.byName[h.Type]
		return t == nil || t.about != nounCompany || !h.Stage.Open()
	})
}

// countedOnPeople takes a contact that a CRM has counted on a person for the
// first touch of a handoff about their company. The count does not say who it
// was, so it tells nothing where the person is somebody else's.
func (d *deciding) countedOnPeople(c *conn, rec *state.Record) {
	last := fieldTime(rec, connectors.WorkLastAt)
	if rec.Noun != nounPerson || !c.peopleCount || last.IsZero() && rec.Fields[connectors.WorkFirstAt] == "" {
		return
	}
	company, known := d.accountOf(rec)
	if !known {
		return
	}
	owner := d.r.facts(d.now, d.v, rec).user(c, rec.Fields[wordOwner])
	for _, h := range d.ofCompany(company) {
		h = d.current(h)
		t := d.r.byName[h.Type]
		w := workOf(h)
		if h.Observed || h.Written.IsZero() || !t.facing() || !w.First.IsZero() || owner != "" && !d.receives(h, owner) {
			continue
		}
		if w.First, w.Type = d.firstCounted(t, rec, h, last); w.First.IsZero() {
			continue
		}
		if w.By = owner; owner == "" {
			w.By = ownerAt(h, w.First)
		}
		w.Count, w.Heard = max(w.Count, 1), d.now
		if w.First.After(w.Last) {
			w.Last = w.First
		}
		h.Work = &w
		d.put(h)
		d.advance(t, d.recordOf(t, h), h)
	}
}

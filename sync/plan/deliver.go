package plan

import (
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/normalize"
)

// landing finds the record that carries a delivered handoff in the other CRM:
// who the CRM itself says the person is there, else who they are known to be,
// else whoever has the address, else nobody, and then one is made. A question that has to be asked first stops
// deciding. Where a record is being made for another handoff of the same
// person, this one hangs on it, so that two signals do not make two.
func (d *deciding) landing(t *typ, f *facts) {
	to := t.deliver
	f.landPending = slices.ContainsFunc(slices.Concat(d.c.Handoffs, d.v.Handoffs(f.rec.Ref)), func(h state.Handoff) bool {
		return h.Stage.Open() && h.Record == f.rec.Ref && h.Target == connectors.Ref{Conn: to.name} && h.Effects[stepCreate].State == sent
	})
	if f.landPending {
		return
	}
	if other, ok := d.beingMade(f, to); ok {
		f.landPending, f.landWith = true, &other
		return
	}
	if d.landingByID(t, f) {
		return
	}
	if ref := f.elsewhere(f.rec.Ref, to, t.about); !ref.IsZero() {
		if r, ok := d.v.Record(ref); ok && !r.Deleted && r.MovedTo.IsZero() {
			f.land, f.landCached, f.landBy = &r, true, sameEmail
			return
		}
	}
	need, ok := d.need(t, f)
	if !ok {
		return
	}
	found, asked := d.v.Located(need)
	if !asked {
		d.c.Needs = append(d.c.Needs, need)
		d.because(d.why(where(t.pos), "looking for %s in %s", need.Question.Value, to.name))
		return
	}
	for i := range found {
		if !found[i].Deleted && found[i].MovedTo.IsZero() && found[i].Ref.Conn == to.name {
			f.land, f.landBy = &found[i], sameEmail
			return
		}
	}
}

// beingMade is another record's handoff, of a second portal, say, for which a
// record with the same address is being made over there.
func (d *deciding) beingMade(f *facts, to *conn) (state.Handoff, bool) {
	email := f.rec.Fields[wordEmail]
	if email == "" {
		return state.Handoff{}, false
	}
	id := ""
	if i, waits := d.v.Intent(createKey(to.name, email)); waits && i.State != state.Parked {
		id = i.Handoff
	}
	h, ok := d.v.Handoff(id)
	return h, ok && id != "" && h.Record != f.rec.Ref && h.Stage.Open()
}

// need asks the other CRM who has the address. It is asked from the last kind
// of the mapping's stored_in to the first, while a record is made as the first
// that can be written: a person who has become somebody's contact is found
// before the lead they once were.
func (d *deciding) need(t *typ, f *facts) (state.Need, bool) {
	email, ok := normalize.Email(f.rec.Fields[wordEmail])
	if !ok {
		return state.Need{}, false
	}
	kinds := t.kinds(t.deliver)
	slices.Reverse(kinds)
	for _, k := range kinds {
		if name, ok := t.deliver.m.ReadName(k, wordEmail); ok {
			return state.Need{Conn: t.deliver.name, Question: connectors.Question{Kinds: kinds, Field: name, Value: email}}, true
		}
	}
	return state.Need{}, false
}

// creation is the record to make in the other CRM: the first kind of the
// mapping's stored_in that has a place for the receiver, filled with every
// word that both mappings have and the other one writes. ok is false where
// nothing can be made.
func (d *deciding) creation(t *typ, f *facts) (kind connectors.Kind, set map[string]any, ok bool) {
	to := t.deliver
	i := slices.IndexFunc(t.kinds(to), func(k connectors.Kind) bool {
		_, writes := to.m.WriteName(k, t.becomes)
		_, named := to.m.WriteName(k, wordEmail)
		return writes && named
	})
	if i < 0 || f.rec.Fields[wordEmail] == "" {
		return "", nil, false
	}
	kind = t.kinds(to)[i]
	set = map[string]any{}
	for _, w := range to.m.Words(t.about) {
		name, writes := to.m.WriteName(kind, w)
		if !writes || w == t.becomes || strings.HasPrefix(w, own) {
			continue
		}
		if v := f.given(w); v != "" {
			set[name] = to.code(field{t.about, w}, v)
		}
	}
	return kind, set, true
}

// given is a word for a new record. What a CRM may insist on is made up from
// what is known: the last name from the whole name or the address, the company
// from the account or the address.
func (f *facts) given(w string) string {
	if v := f.rec.Fields[w]; v != "" {
		return v
	}
	email := f.rec.Fields[wordEmail]
	local, host, _ := strings.Cut(email, "@")
	switch w {
	case wordLastName:
		if names := strings.Fields(f.rec.Fields[wordFullName]); len(names) > 0 {
			return names[len(names)-1]
		}
		return local
	case wordCompanyName:
		if a := f.account().record; a != nil && a.Fields[wordName] != "" {
			return a.Fields[wordName]
		}
		return host
	}
	return ""
}

// createKey names the making of a record for an address, so that two signals
// cannot make two.
func createKey(conn, email string) string {
	if canonical, ok := normalize.Email(email); ok {
		email = canonical
	}
	return state.Digest(stepCreate, conn, email)
}

// sameAs is who a record is elsewhere, as this deciding has left it.
func (d *deciding) sameAs(ref connectors.Ref) (state.Same, bool) {
	for _, s := range slices.Backward(d.c.Same) {
		if slices.Contains(s.Refs, ref) {
			return s, true
		}
	}
	return d.v.Same(ref)
}

// same joins two records, and whoever they were joined with before.
func (d *deciding) same(a, b connectors.Ref, by string) {
	refs := []connectors.Ref{a, b}
	for _, ref := range refs[:2] {
		if known, ok := d.sameAs(ref); ok {
			if slices.Contains(known.Refs, a) && slices.Contains(known.Refs, b) {
				return
			}
			refs = append(refs, known.Refs...)
		}
	}
	slices.SortFunc(refs, func(x, y connectors.Ref) int { return strings.Compare(x.String(), y.String()) })
	d.c.Same = append(d.c.Same, state.Same{Refs: slices.Compact(refs), By: by, At: d.now})
}

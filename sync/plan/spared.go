package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// sparedOwners reads whose records are never taken. Whoever is misspelt there is
// not protected, and nobody would notice: an address that is nearly that of somebody
// in people.yaml is worth a word. Others are known to the CRMs alone.
func (c *compiler) sparedOwners(names []mappings.Text) {
	for _, e := range names {
		c.r.untouched[strings.ToLower(e.S)] = e
		if !strings.Contains(e.S, "@") || c.r.people[strings.ToLower(e.S)] != nil {
			continue
		}
		if near := didYouMean(e.S, c.everyone(), ""); near != "" {
			c.warn(e.Pos, "undefined-person", near, "no other file names %s, so a typing error here would leave somebody's records unprotected", e.S)
		}
	}
}

// calledIn are the names by which an owner of a CRM can be spared: a person's
// e-mail, a queue's name, and the id where neither is known.
func calledIn(u connectors.User) []string { return []string{u.Email, u.Name, u.ID} }

// Spares reports whether anybody's records are never taken.
func (r *Rules) Spares() bool { return len(r.untouched) > 0 }

// SparesNobody warns of whom `never_take_records_from` names and no CRM knows,
// neither as a person nor as a queue.
func (r *Rules) SparesNobody(users []connectors.User) []mappings.Diagnostic {
	known := map[string]string{} // in lower case → as the CRM has it
	for _, u := range users {
		for _, name := range calledIn(u) {
			if name != "" {
				known[strings.ToLower(name)] = name
			}
		}
	}
	var found []mappings.Diagnostic
	for _, key := range slices.Sorted(maps.Keys(r.untouched)) {
		if known[key] != "" {
			continue
		}
		e := r.untouched[key]
		found = append(found, mappings.Diagnostic{
			Pos: e.Pos, Code: "spares-nobody", Warn: true, Text: fmt.Sprintf("no person and no queue of the CRMs is called %s, so it protects nobody's records", e.S),
			Hint: didYouMean(e.S, slices.Sorted(maps.Values(known)), "write a person's e-mail address, or a queue's name, as the CRM has it"),
		})
	}
	mappings.Sort(found)
	return found
}

// untouchable refuses a record of somebody whose records are never taken.
func (d *deciding) untouchable(t *typ, f *facts, h state.Handoff) bool {
	holder := d.r.spared(f, t)
	if holder == "" {
		return false
	}
	why := append(h.Why, d.why("", "records of %s are never taken", holder))
	h, err := handoff.Refuse(h, why, "records of "+holder+" are never taken", d.now)
	if err == nil {
		d.put(h)
		d.because(why...)
		d.list(listSpared, f.rec.Ref.String(), h.Note)
		d.audit("refused", h.ID, map[string]string{"why": h.Note})
	}
	return true
}

// spared is who stands in the CRM where the receiver is going to stand, if
// their records are never taken.
func (r *Rules) spared(f *facts, t *typ) string {
	switch {
	case f.land != nil:
		return r.isSpared(f.v, f.to, f.land.Fields[t.becomes])
	case t.deliver == nil:
		return r.isSpared(f.v, f.conn, f.rec.Fields[t.becomes])
	}
	return ""
}

// isSpared names an owner whose records are never taken: a person by e-mail, a
// queue by its name.
func (r *Rules) isSpared(v View, c *conn, id string) string {
	if c == nil || id == "" || len(r.untouched) == 0 {
		return ""
	}
	u, _ := v.User(c.name, id)
	u.ID = id
	for _, name := range calledIn(u) {
		if name != "" && r.untouched[strings.ToLower(name)].Given() {
			return name
		}
	}
	return ""
}

// spare takes the owner out of a write of a record whose owner is spared: it
// was given to them after the handoff had begun (1.83 of their records).
func (d *deciding) spare(h state.Handoff, w connectors.Write, owner string, held any) connectors.Write {
	id, _ := held.(string)
	who := d.r.isSpared(d.v, d.r.byConn[w.Ref.Conn], id)
	if who == "" {
		return w
	}
	set := make(map[string]any, len(w.Set))
	for name, v := range w.Set {
		if name != owner {
			set[name] = v
		}
	}
	w.Set = set
	d.because(d.why("", "records of %s are never taken: the owner of %s stays", who, w.Ref))
	d.list(listSpared, w.Ref.String(), h.Type+": records of "+who+" are never taken, so "+h.Owner+" is not written as its owner")
	d.audit("owner spared", h.ID, map[string]string{"record": w.Ref.String(), "owner": who})
	return w
}

package plan

import (
	"fmt"
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// A record may stand in two CRMs, of which one has the say over who owns it
// (`authority:`). A handoff that lands in the other one writes
// its own fields and its task there, and the owner where the say is; the CRMs' own
// sync brings it over. A handoff that has written an owner goes on doing so where
// it began, also when the record turns out to stand in the other CRM as well.

const stepThere = "owner there" // the owner, in the CRM that has the say

// ownedThere is the record of another CRM that has the say over who owns this one;
// zero: this one's owner is written.
func (d *deciding) ownedThere(t *typ, c *conn, h state.Handoff, ref connectors.Ref) connectors.Ref {
	if d.r.authority == nil || d.r.authority == c || t.becomes != wordOwner || h.Stake != nil && h.Target == ref {
		return connectors.Ref{}
	}
	same, _ := d.v.Same(ref)
	for _, r := range same.Refs {
		if r.Conn == d.r.authority.name {
			return r
		}
	}
	return connectors.Ref{}
}

// writeThere plans the write of the receiver in the CRM that has the say. One of our
// people who owns the record there, and was not given it by this handoff, keeps it,
// and so does who takes it before the write leaves.
func (d *deciding) writeThere(t *typ, h state.Handoff, there connectors.Ref) state.Handoff {
	c := d.r.authority
	rec, known := d.v.Record(there)
	name, writes := c.m.WriteName(there.Kind, t.becomes)
	u, active := d.user(c, h.Owner)
	holder := d.r.facts(d.now, d.v, &rec).user(c, rec.Fields[t.becomes])
	switch {
	case !known || rec.Deleted || !rec.MovedTo.IsZero() || !writes:
		d.notThere(h, there, "it has not been read, or its mapping writes no owner")
		return h
	case !active || !u.Active:
		d.notThere(h, there, h.Owner+" is no active user of "+c.name)
		return h
	case rec.Fields[t.becomes] == u.ID:
		return h
	case d.r.people[holder] != nil && !heldBy(h, holder):
		d.notThere(h, there, holder+" owns it")
		return h
	}
	was := blankNil(rec.Fields[t.becomes])
	d.because(d.why("", "%s has the say over the owner: it is written on %s", c.name, there))
	return d.intendSeen(h, stepThere, connectors.Write{
		Ref: there, Set: map[string]any{name: u.ID}, IfVersion: rec.Version, Key: key(h, stepThere, "set"+ownedBy(h)+" "+there.String()),
	}, seen{expect: map[string]any{name: was}, over: rec.ModifiedAt, atRisk: true})
}

// heldBy reports whether somebody had a handoff before its owner.
func heldBy(h state.Handoff, who string) bool {
	return slices.ContainsFunc(h.Holders, func(past state.Holder) bool { return past.Who == who })
}

// thereRefused lists why the owner was not written where the say is.
func (d *deciding) thereRefused(h state.Handoff, ev Delivered) {
	d.notThere(h, ev.Intent.Write.Ref, ev.Err)
	d.put(h)
}

func (d *deciding) notThere(h state.Handoff, there connectors.Ref, why string) {
	d.list(listElsewhere, h.ID, fmt.Sprintf("%s: %s has the say over who owns %s, and %s was not written there: %s", h.Type, there.Conn, there, h.Owner, why))
}

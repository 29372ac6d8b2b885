package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// A record that another was merged or converted into may know nothing of the
// handoff that came with it: a CRM keeps the survivor's own values, and fills a
// contact from the lead's standard fields only. Who has the survivor keeps it; one
// that is nobody's gets the receiver, and what a record says of its handoff.

// inherited reports whether a handoff came to a record from another one, and
// nothing of it was written here yet but what has just been withdrawn.
func inherited(h state.Handoff, ref connectors.Ref, withdrawn ...string) bool {
	if len(h.Earlier) == 0 {
		return false
	}
	for _, step := range []string{stepAssign, stepCreate, stepRewrite, stepReassign, stepShow} {
		if e, wrote := h.Effects[step]; wrote && e.Ref == ref && !slices.Contains(withdrawn, e.Key) {
			return false
		}
	}
	return true
}

// ownHeir gives a survivor that is nobody's to the receiver.
func (d *deciding) ownHeir(t *typ, rec *state.Record, h state.Handoff, now string, read time.Time) {
	c := d.r.byConn[rec.Ref.Conn]
	name, _ := c.m.WriteName(rec.Ref.Kind, t.becomes)
	ours, _ := d.user(c, h.Owner)
	set := d.heirSet(t, rec, h)
	set[name] = ours.ID
	d.because(d.why("", "%s came into %s, which is nobody's: it goes to %s", h.Earlier[len(h.Earlier)-1], rec.Ref, h.Owner))
	w := connectors.Write{Ref: rec.Ref, Set: set, IfVersion: rec.Version, Key: key(h, stepRewrite, "heir "+rec.Version)}
	h.Stake = &state.Stake{Field: name, Value: ours.ID, Was: now, Over: rec.ModifiedAt, Checked: true}
	d.put(d.intendSeen(h, stepRewrite, w, seen{expect: map[string]any{name: blankNil(now)}, read: read, over: rec.ModifiedAt}))
}

// showHeir writes on a survivor what its fields say of the handoff.
func (d *deciding) showHeir(t *typ, rec *state.Record, h state.Handoff) state.Handoff {
	if !h.Stage.Open() || !d.saysNothing(rec, h) {
		return h
	}
	h = d.intend(h, stepShow, connectors.Write{Ref: rec.Ref, Set: d.heirSet(t, rec, h), Key: key(h, stepShow, rec.Ref.String())})
	d.put(h)
	return h
}

// saysNothing reports whether a record says nothing of the handoff that came to it.
func (d *deciding) saysNothing(rec *state.Record, h state.Handoff) bool {
	return h.Target == rec.Ref && inherited(h, rec.Ref, d.c.Withdraw...) && rec.Fields[ownID] != h.ID && d.shows(rec.Ref, h)
}

// heirSet are handoffd's own fields for a record that has none of this handoff.
func (d *deciding) heirSet(t *typ, rec *state.Record, h state.Handoff) map[string]any {
	set := map[string]any{}
	if tier := d.r.tiers[h.Tier]; tier != nil {
		from := *rec
		if known, ok := d.v.Record(h.Record); ok && h.Record != rec.Ref {
			from = known
		}
		f, c := d.r.facts(d.now, d.v, &from), chosenBefore(h)
		set = fresh(d.carried(t, f, h, tier, c, d.brief(t, f, h, tier, c)), rec, h)
	}
	maps.Copy(set, shown(h))
	return set
}

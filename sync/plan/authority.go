package plan

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// elsewhereOwned reports whether another CRM has the say over who owns a record that
// stands on both sides (`authority:`): it is told, and its owner is not changed. A
// handoff that has written an owner goes on doing so where it began, also when the
// record turns out later to stand in the other CRM as well: one handoff changes the
// owner in one CRM.
func (d *deciding) elsewhereOwned(t *typ, c *conn, h state.Handoff, ref connectors.Ref) bool {
	if d.r.authority == nil || d.r.authority == c || t.becomes != wordOwner || h.Target == ref && writesOwner(h) {
		return false
	}
	same, _ := d.sameAs(ref)
	return slices.ContainsFunc(same.Refs, func(r connectors.Ref) bool { return r.Conn == d.r.authority.name })
}

// writesOwner reports whether a handoff has written an owner, or is about to. While it
// waits, for context or for somebody who is free, it only notes who stands there.
func writesOwner(h state.Handoff) bool { return h.Stake != nil && h.Stake.Value != "" }

// toldOnly lists that the owner of a record is somebody else's to change. has is who
// has the handoff without owning the record.
func (d *deciding) toldOnly(h state.Handoff, ref connectors.Ref, has string) {
	says := d.r.authority.name
	d.because(d.why("", "%s has the say over the owner, so %s is told and not changed", says, ref.Conn))
	d.list(listElsewhere, ref.String(), h.Type+": "+says+" has the say over who owns it, so "+has+" has the task and is not its owner; give it to them there, or let the type land there (deliver_to: "+says+")")
}

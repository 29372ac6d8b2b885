package plan

import (
	"slices"
	"strings"

	"github.com/handoffd/handoffd/mappings"
)

// What is well formed, and would do nothing or do it twice, is told as well:
// whoever reads the folder thinks that it has an effect.

// speaksNever tells of escalations that count by a clock which no tier of the
// type has.
func (c *compiler) speaksNever(t *typ, names []mappings.Text) {
	if len(c.doc.Unread) > 0 || len(t.tiers) == 0 || slices.ContainsFunc(t.tiers, func(r tierRow) bool { return r.tier == nil }) {
		return
	}
	for _, name := range names {
		i := slices.IndexFunc(c.escalations, func(e escalation) bool { return e.name == name.S })
		if i < 0 {
			continue
		}
		clock := c.escalations[i].clock
		if slices.ContainsFunc(t.tiers, func(r tierRow) bool { return r.tier.has(clock) }) {
			continue
		}
		key := clock + "_within"
		if clock == clockOuter || clock == clockAttempts {
			key = clock
		}
		c.warn(name.Pos, "no-clock", "add it to a tier in sla.yaml, or take "+name.S+" out", "no tier of %s has %s, so %s never speaks", t.name, key, name.S)
	}
}

// has reports whether a clock runs in a tier.
func (t *tier) has(clock string) bool {
	if clock == clockAssign {
		return !t.assign.IsZero()
	}
	_, runs := t.lasts[clock]
	return runs
}

// returnsNothing tells of what is said of returns that cannot come, or are
// never asked about.
func (c *compiler) returnsNothing(t *typ, d *mappings.Handoff) {
	said := d.OnReturnReason
	if !said.Given() {
		said = d.OnReturnThen
	}
	switch {
	case said.Given() && d.ReturnedWhen.IsZero():
		c.warn(said.Pos, "no-effect", "add returned_when: {"+t.about+".handoff_status: Returned}, or leave on_return out", "nothing says when %s is returned, so on_return does nothing", t.name)
	case !d.OnReturnAsk.IsZero() && d.OnReturnReason.S == "optional":
		c.warn(d.OnReturnReason.Pos, "no-effect", "write reason: required, or leave ask_after out", "who may return without a reason is never asked for one, so ask_after does nothing")
	}
	for i, r := range d.OnReturnReasons {
		if slices.ContainsFunc(d.OnReturnReasons[:i], func(o mappings.Text) bool { return strings.EqualFold(o.S, r.S) }) {
			c.bad(r.Pos, "duplicate-name", "keep one of them", "the reason %q is written a second time", r.S)
		}
	}
}

// statuses are the values of handoff_status.
func statuses() []string {
	return []string{statusAssigned, statusAccepted, statusTouched, statusCompleted, statusReturned, statusCancelled, statusSuperseded}
}

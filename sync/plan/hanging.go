package plan

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// A record over there is made once for a person, however many handoffs are to land on
// it: the first one makes it, the others hang on that. Where the first one ends before
// the record is there, one of the others makes it, unless it may be on its way already.

// hanging hands over what has waited for a record to be made. Where the handoff that
// it was made for is over, its receiver who stands there is nobody's choice.
func (d *deciding) hanging(made state.Handoff, at connectors.Ref) {
	for _, h := range d.hangingOn(made, at.Conn) {
		h = d.handOver(handoff.Aim(h, at), at)
		if s := h.Stake; s != nil && d.settling != nil && !made.Stage.Open() {
			if who, wrote := d.settling.Write.Set[s.Field].(string); wrote {
				tried := *s
				tried.Tried = append(slices.Clone(s.Tried), who)
				h.Stake = &tried
			}
		}
		d.put(d.handedLater(h))
	}
}

// hangingOn are the other handoffs of a record that wait for the same record to be
// made, and not for one of their own.
func (d *deciding) hangingOn(made state.Handoff, conn string) []state.Handoff {
	all := slices.Clone(d.v.Handoffs(made.Record))
	if same, ok := d.v.Same(made.Record); ok {
		for _, ref := range same.Refs {
			if ref != made.Record && ref.Conn != conn {
				all = append(all, d.v.Handoffs(ref)...)
			}
		}
	}
	for _, h := range d.c.Handoffs {
		if _, known := d.v.Handoff(h.ID); !known && h.Record == made.Record {
			all = append(all, h) // it has just begun
		}
	}
	var out []state.Handoff
	for _, h := range all {
		h = d.current(h)
		own := h.Effects[stepCreate]
		waits := h.Target == connectors.Ref{Conn: conn} && h.Stage == state.Assigned && !h.Observed
		if waits && h.ID != made.ID && (own.State != sent || own.Key == made.Effects[stepCreate].Key) {
			out = append(out, h)
		}
	}
	return out
}

// makeNexts sees to records that are not made any more for the handoffs that have ended
// here, and that others wait for. What may have left is still wanted; of what has not,
// the first of the others takes the place, under the same key.
func (d *deciding) makeNexts() {
	for _, over := range slices.Clone(d.c.Handoffs) {
		e := over.Effects[stepCreate]
		at := slices.Index(d.c.Withdraw, e.Key)
		if over.Stage.Open() || at < 0 {
			continue
		}
		i, waits := d.v.Intent(e.Key)
		others := d.hangingOn(over, i.Write.Ref.Conn)
		if !waits || i.Handoff != over.ID || len(others) == 0 {
			continue
		}
		d.c.Withdraw = slices.Delete(d.c.Withdraw, at, at+1)
		if i.State == state.Sending {
			continue
		}
		d.because(d.why("", "%s is over: the record it waited for is made for %s", over.ID, others[0].ID))
		d.put(d.makes(others[0]))
	}
}

// makes plans the record that a handoff has waited for until now.
func (d *deciding) makes(h state.Handoff) state.Handoff {
	t, tier := d.r.byName[h.Type], d.r.tiers[h.Tier]
	rec, known := d.lastRead(h.Record)
	if t == nil || tier == nil || t.deliver == nil || !known {
		d.list(listRefused, h.Record.String(), h.Type+": the rules it was assigned by are gone, so no record is made for "+h.Owner)
		return h
	}
	f, c := d.r.facts(d.now, d.v, &rec), chosenBefore(h)
	f.to = t.deliver
	brief := d.brief(t, f, h, tier, c)
	return d.writeCreate(t, f, h, tier, d.carried(t, f, h, tier, c, brief), brief)
}

// madeForOthers sees to those who wait for a record whose making was answered with a
// refusal, where the handoff it was made for is over.
func (d *deciding) madeForOthers(over state.Handoff, ev Delivered) {
	switch {
	case ev.Intent.Step != stepCreate:
	case ev.Existing.IsZero():
		d.refusedToOthers(over, ev)
	default:
		d.same(over.Record, ev.Existing, sameEmail)
		d.hanging(over, ev.Existing)
	}
}

// refusedToOthers lists a record that the CRM will not make for those who wait for it.
func (d *deciding) refusedToOthers(made state.Handoff, ev Delivered) {
	if ev.Intent.Step != stepCreate {
		return
	}
	for _, o := range d.hangingOn(made, ev.Intent.Write.Ref.Conn) {
		d.list(listRefused, made.Record.String(), o.Type+", "+ev.Intent.Step+": "+ev.Err)
	}
}

package plan

import (
	"slices"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// whyReturned is why those who have given a handoff back have it no more.
const whyReturned = "returned"

// goesOn hands over again what came back where the type says so: at once to
// the next owner, or by way of the team's line. It reports whether it did.
func (d *deciding) goesOn(t *typ, rec *state.Record, old state.Handoff, why state.Reason) bool {
	switch t.returned.then {
	case thenNext:
		return d.handOn(t, rec, old, why)
	case thenQueue:
		return d.backInLine(t, rec, old, why)
	}
	return false
}

// handOn hands a returned handoff over again, where the type says so to
// somebody who has not had it. It reports whether it began.
func (d *deciding) handOn(t *typ, rec *state.Record, old state.Handoff, why state.Reason) bool {
	f, h, tier := d.onceMore(t, rec, old, why)
	return tier != nil && d.drawAnew(t, f, h, tier)
}

// drawAnew gives a handoff to the next owner. It reports whether it began.
func (d *deciding) drawAnew(t *typ, f *facts, h state.Handoff, tier *tier) bool {
	d.not = d.hadIt(t, h)
	d.assign(t, f, h, tier)
	d.not = nil
	return d.current(h).Stage.Open()
}

// backInLine puts what came back into the team's line: who leads it answers
// for it, until it is drawn again like anything that waits there. Whoever has
// had it is passed over.
func (d *deciding) backInLine(t *typ, rec *state.Record, old state.Handoff, why state.Reason) bool {
	team := d.r.teams[old.Team]
	f, h, tier := d.onceMore(t, rec, old, why)
	if tier == nil || team == nil || team.manager == "" {
		return false
	}
	line := d.why(where(t.returned.pos), "returned by %s: waits in the line of %s", old.Returned.By, team.name)
	d.queue(t, f, h, tier, choice{team: team, waits: true, why: []state.Reason{line}})
	return true
}

// onceMore is the handoff that follows one that came back, with the facts it is
// decided on; a nil tier says that these are not known.
func (d *deciding) onceMore(t *typ, rec *state.Record, old state.Handoff, why state.Reason) (*facts, state.Handoff, *tier) {
	from, ok := d.v.Record(old.Record)
	if rec.Ref == old.Record {
		from, ok = *rec, true
	}
	if !ok {
		return nil, old, nil
	}
	f := d.r.facts(d.now, d.v, &from)
	if t.deliver != nil {
		f.to = t.deliver
		land, ok := d.v.Record(old.Target)
		if rec.Ref == old.Target {
			land, ok = *rec, true
		}
		if !ok {
			return nil, old, nil
		}
		f.land = &land
	}
	tier := d.r.tiers[old.Tier]
	if f.account(); tier == nil || f.wait != "" {
		return nil, old, nil
	}
	h := handoff.Detect(handoff.New{
		ID: state.Digest("after", old.ID), Type: t.name, Rules: d.r.digest, Giver: old.Giver, Record: old.Record, Target: old.Target,
		Account: old.Account, Signal: old.Signals[len(old.Signals)-1], Observed: old.Observed, At: d.now,
	})
	h.Follows, h.Holders = old.ID, d.holders(old, whyReturned)
	h.Why = append(started(old), why)
	s := d.survey(t, f)
	return f, handoff.Knows(h, s.complete, s.lacks()), tier
}

// hadIt are those who are passed over because they have given it back; nobody
// where the giver hands it over again.
func (d *deciding) hadIt(t *typ, h state.Handoff) map[string]bool {
	if h.Follows == "" || t.returned.then != thenNext && t.returned.then != thenQueue {
		return nil
	}
	not := map[string]bool{}
	for _, x := range h.Holders {
		not[x.Who] = true
	}
	return not
}

// follows is the handoff of the same type that came back from this record
// last; blank: none did.
func (d *deciding) follows(h state.Handoff) string {
	last := state.Handoff{}
	for _, o := range d.v.Handoffs(h.Record) {
		if o.ID != h.ID && o.Type == h.Type && o.Stage == state.Returned && o.ClosedAt.After(last.ClosedAt) {
			last = o
		}
	}
	return last.ID
}

// handedOverAgain takes the giver's word that what came back is ready: they set
// handoff_status to Assigned once more. It starts a handoff that follows the
// returned one, and anybody may receive it. A gate asks for the context again,
// and not for the giver's checklist. Where the buyer has come again meanwhile,
// that handoff is open already, though its write may be on its way.
func (d *deciding) handedOverAgain(t *typ, rec *state.Record, h state.Handoff) bool {
	if h.Stage != state.Returned || rec.Ref != h.Target || rec.Fields[ownID] != h.ID && (rec.Fields[ownID] != "" || !d.stillShown(rec, h)) || rec.Fields[ownStatus] != statusAssigned {
		return false
	}
	if e := h.Effects[stepReturn]; e.State != handoff.Done || age(rec, h) <= 0 || d.hasOwn(h.Record, h) {
		return false
	}
	if _, exists := d.v.Handoff(state.Digest("after", h.ID)); exists {
		return false
	}
	why := d.why(where(t.returned.pos), "handed over again by %s", h.Accountable)
	d.because(why)
	if e := h.Effects[stepGiverTask]; e.Key != "" {
		d.put(d.choreDone(h, stepGiverTask))
	}
	f, again, tier := d.onceMore(t, rec, h, why)
	if tier == nil {
		return false
	}
	s := d.survey(t, f)
	again, ready := d.gate(t, f, again, tier, &s, d.holdUntil(t, f, again, tier))
	return !ready || d.drawAnew(t, f, again, tier)
}

// holders are those who have had a handoff, its present owner now included.
func (d *deciding) holders(h state.Handoff, why string) []state.Holder {
	return append(slices.Clone(h.Holders), state.Holder{Who: h.Owner, Since: h.AssignedAt, Until: d.now, Why: why})
}

package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// Until the next owner of a handoff stands in the CRM, the one before does, and may take
// it up or give it back at the last moment: what they say is heard, and not written over.

// stoodThen notes what stands in the CRM for the owner from whom a handoff goes on.
func (d *deciding) stoodThen(next, h state.Handoff) state.Handoff {
	order, s := h.Effects[stepReassign], d.stakeOf(h)
	if s == nil || s.Ceded != "" || h.Written.IsZero() || order.State == sent || order.State == handoff.Refused {
		return next
	}
	stood := *s
	if pending(s) && !s.Stamp.IsZero() { // a program took it from them: they stand since before
		stood.Over = s.Stamp
	}
	next.Holders[len(next.Holders)-1].Stood = &stood
	return next
}

// standing is which of those who had a handoff stands in the CRM while the next owner does
// not yet; -1: none of them.
func standing(h state.Handoff) int {
	for n, past := range slices.Backward(h.Holders) {
		switch {
		case past.Why == whyReturned:
			return -1
		case past.Stood != nil:
			return n
		}
	}
	return -1
}

// keptBy takes a handoff back from who was to take it over, where the owner before stands
// in the CRM, or stood there until a program came, and has just taken it up or given it
// back: nobody loses what they have just taken up, and what they do not want is their
// giver's. An operator's order goes on all the same where they have taken it up. It reports
// whether that settles the handoff for now: it did, or has to ask first who came.
func (d *deciding) keptBy(t *typ, rec *state.Record, h state.Handoff, ev Observed) bool {
	e, n := h.Effects[stepAssign], standing(h)
	i, waits := d.v.Intent(e.Key)
	carrier, known := *rec, true
	if rec.Ref != h.Target {
		carrier, known = d.v.Record(h.Target)
	}
	c := d.r.byConn[h.Target.Conn]
	if n < 0 || h.Stake == nil || c == nil || !known || !waits || i.State != state.Ready && i.State != state.Parked || age(rec, h) < 0 {
		return false
	}
	last, from := h.Holders[n], h.Owner
	stood := *last.Stood
	now := carrier.Fields[t.becomes]
	if rec.Ref != h.Target && (carrier.ModifiedAt.Before(stood.Stamp) || !carrier.ModifiedAt.After(stood.Over)) {
		now = stood.Value // it was read before they stood there
	}
	if now != stood.Value && rec.Fields[ownID] != h.ID {
		return false
	}
	as, has := h, "taken it up"
	as.Owner = last.Who
	f := d.judged(rec, as)
	f.accepting = true
	switch {
	case t.returned.given && t.returned.when.holds(f):
		has = "given it back"
	case !t.accepted.holds(f), !last.Accepted.IsZero(), i.Ordered && last.Who != from:
		return false
	}
	if f.wait != "" {
		return false
	}
	if now != stood.Value && (now != "" || has == "taken it up") {
		tr, asked := d.trail(&carrier, stood)
		if !asked {
			return true
		}
		hand, byPerson := changedBy(tr, now, stood.Value, stood.Over)
		if byPerson || now == h.Stake.Value && i.Attempts > 0 && hand.Actor != connectors.ActorAutomation {
			return false // somebody has given it away, or our write has come through unanswered
		}
	}
	switch who, asked := d.saidBy(rec, f, last.Who, from, f.user(c, now), stood); {
	case !asked:
		return true
	case who == from && from != last.Who:
		return d.leaveWord(rec, h, i)
	case who != last.Who:
		return false
	}
	kept, err := handoff.Keep(h, n, "has "+has+" just now, so it does not go to "+from, d.now)
	if err != nil {
		return false
	}
	d.drop(e.Key)
	e.State, e.Version, e.Key = handoff.Done, carrier.Version, key(h, stepAssign, "kept "+carrier.Version)
	kept = handoff.Track(kept, stepAssign, e)
	if now != stood.Value && has == "given it back" {
		stood = *tookOff(stood, now, carrier.ModifiedAt)
	}
	stood.Tried = append(slices.Clone(stood.Tried), h.Stake.Value) // an attempt of it may be on its way
	kept.Stake = &stood
	d.because(kept.Why[len(kept.Why)-1])
	d.audit("kept", h.ID, map[string]string{"owner": kept.Owner, "was": from})
	if u, ok := d.user(c, kept.Owner); ok {
		kept = d.passTask(kept, u.ID)
	}
	d.put(d.itemsTo(d.unsaid(t, kept, &carrier, last.Until), from))
	d.heard(t, rec, d.current(kept))
	if kept = d.current(kept); now != stood.Value && rec.Ref == h.Target && kept.Stage.Open() && !d.stopped() {
		d.takenOver(t, rec, kept, ev.Read)
	}
	return true
}

// heard gives a handoff back, or moves it on, as far as a record says so.
func (d *deciding) heard(t *typ, rec *state.Record, h state.Handoff) {
	if !d.returns(t, rec, h) && !d.stopped() {
		d.advance(t, rec, d.current(h))
	}
}

// saidBy is who has said what a record shows, while it is to go from its owner to the next
// one: its owner, but where somebody else has changed it last whose it may be by then, and
// whom the history of the status names too, or no one. asked is false where the CRM has to
// say so first.
func (d *deciding) saidBy(rec *state.Record, f *facts, owner, next, shown string, s state.Stake) (who string, asked bool) {
	by := f.user(f.conn, rec.ModifiedBy)
	if by == "" || by == owner || by != next && by != shown {
		return owner, true
	}
	tr, asked := d.trail(rec, state.Stake{Field: ownStatus, Over: s.Over})
	if !asked {
		d.c.Needs[len(d.c.Needs)-1].Optional = true
		return "", false
	}
	if len(tr.Values) > 0 && valueOf(tr.Values[0]) == rec.Fields[ownStatus] {
		if said := f.user(f.conn, tr.Values[0].By); said != "" {
			return said, true
		}
	}
	return by, true
}

// leaveWord writes the next owner of a record without a status: they have said already
// how far it is with them, and are heard when they stand there.
func (d *deciding) leaveWord(rec *state.Record, h state.Handoff, i state.Intent) bool {
	if _, says := i.Write.Set[ownStatus]; !says || rec.Ref != h.Target {
		return false
	}
	d.drop(i.Write.Key)
	i.Write.Set = maps.Clone(i.Write.Set)
	for _, name := range []string{ownStatus, ownReturnReason, ownReturnNote} {
		delete(i.Write.Set, name)
	}
	d.because(d.why("", "%s has said already that it is %s", h.Owner, rec.Fields[ownStatus]))
	d.put(d.again(h, i, rec.Ref, i.Expect, i.Write.IfVersion))
	return true
}

// keptAtEnd leaves a handoff that is done to who has done it, where it was to go to
// somebody else, by no operator's order, and that has not left yet: the record shows them.
func (d *deciding) keptAtEnd(h state.Handoff) state.Handoff {
	i, waits := d.v.Intent(h.Effects[stepReassign].Key)
	n := len(h.Holders)
	if !waits || i.State != state.Ready || i.Ordered || n == 0 || h.Stake == nil || h.AcceptedBy != h.Holders[n-1].Who {
		return h
	}
	if h.Effects[stepRewrite].State == sent || h.Stake.Ceded != "" {
		return h // a program takes it from them, as was just read
	}
	u, known := d.user(d.r.byConn[h.Target.Conn], h.AcceptedBy)
	rec, read := d.v.Record(h.Target)
	if t := d.r.byName[h.Type]; t == nil || !read || rec.Fields[t.becomes] != u.ID && blankNil(rec.Fields[t.becomes]) != h.Before[h.Stake.Field] {
		return h // one has taken it from them before
	}
	kept, err := handoff.Revert(h, h.AcceptedBy, "has done it, so it does not go to "+h.Owner)
	if err != nil || !known {
		return h
	}
	d.drop(i.Write.Key)
	d.because(kept.Why[len(kept.Why)-1])
	d.audit("kept", h.ID, map[string]string{"owner": kept.Owner, "was": h.Owner})
	s := *h.Stake
	kept.Stake = &state.Stake{Field: s.Field, Value: u.ID, Was: u.ID, Over: s.Over, Stamp: s.Over, Checked: true, Under: s.Under}
	return handoff.Forget(kept, stepReassign)
}

// unsaid takes back what was said of a takeover that does not take place, to those whom
// its step told since then and on the record the handoff came from.
func (d *deciding) unsaid(t *typ, h state.Handoff, rec *state.Record, since time.Time) state.Handoff {
	var clocks []string
	for name, e := range h.Effects {
		clock, ok := toldOf(name)
		if ok && !e.At.Before(since) && slices.ContainsFunc(t.steps, func(s step) bool { return s.clock == clock && s.give != "" }) {
			clocks = append(clocks, clock)
		}
	}
	if len(clocks) > 0 {
		h = d.settled(h, clocks...)
	}
	return d.passedHere(h, "kept "+rec.Version)
}

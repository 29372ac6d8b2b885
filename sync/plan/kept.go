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
	if stood := d.stoodFor(h); stood != nil {
		next.Holders[len(next.Holders)-1].Stood = stood
	}
	return next
}

// stoodFor is what stands in the CRM for the owner of a handoff; nil: they do not. Where
// they were left out of our write, that is who stood there before; where the owner is
// somebody else's to change, it names no field.
func (d *deciding) stoodFor(h state.Handoff) *state.Stake {
	order, s := h.Effects[stepReassign], d.stakeOf(h)
	switch {
	case h.Written.IsZero():
		return nil
	case s == nil:
		return &state.Stake{}
	case s.Ceded != "":
		return nil
	}
	stood := *s
	switch {
	case order.State == sent || order.State == handoff.Refused:
		rec, known := d.v.Record(h.Target)
		if t := d.r.byName[h.Type]; t == nil || !known || rec.Fields[t.becomes] != s.Value || rec.Fields[ownID] != h.ID {
			return nil
		}
		stood.Over, stood.Stamp, stood.Checked = rec.ModifiedAt, rec.ModifiedAt, true // by hand, or unanswered
	case pending(s) && !s.Stamp.IsZero(): // a program took it from them: they stand since before
		stood.Over = s.Stamp
	}
	if leftOut(h, s.Field) {
		stood.Value = s.Was
	}
	return &stood
}

// leftOut reports whether the CRM has taken our last write of a receiver without them.
func leftOut(h state.Handoff, field string) (out bool) {
	var last time.Time
	for _, step := range []string{stepCreate, stepAssign, stepReassign} {
		if e := h.Effects[step]; e.State == handoff.Done && !e.At.Before(last) {
			out, last = slices.Contains(e.Skipped, field), e.At
		}
	}
	return out
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

// lostAt is when somebody who had accepted a handoff lost it by their silence; ok is false
// where nobody has.
func lostAt(h state.Handoff) (at time.Time, ok bool) {
	for _, past := range slices.Backward(h.Holders) {
		switch {
		case past.Why == whyReturned:
			return at, false
		case !past.Accepted.IsZero():
			return past.Until, true
		}
	}
	return at, false
}

// takeover is a change of the owner of a handoff that waits, for its CRM or for an
// operator, and who stands there meanwhile.
type takeover struct {
	i       state.Intent
	n       int // of those who had it, who stands
	last    state.Holder
	stood   state.Stake
	carrier state.Record // as it was read last
	shows   string       // its receiver; the CRM's id
}

// takeoverOf is the change of the owner that waits, as a record shows that carries a
// handoff or that it came from.
func (d *deciding) takeoverOf(t *typ, rec *state.Record, h state.Handoff) (o takeover, waits bool) {
	o.n, o.carrier, waits = standing(h), *rec, true
	if rec.Ref != h.Target {
		o.carrier, waits = d.v.Record(h.Target)
	}
	i, there := d.v.Intent(h.Effects[stepAssign].Key)
	if o.i = i; o.n < 0 || !waits || !there || i.State != state.Ready && i.State != state.Parked || age(rec, h) < 0 {
		return o, false
	}
	o.last, o.shows = h.Holders[o.n], o.carrier.Fields[t.becomes]
	o.stood = *o.last.Stood
	if o.stood.Field == "" && d.r.facts(d.now, d.v, &o.carrier).user(d.r.byConn[h.Target.Conn], o.shows) == h.Owner {
		return o, false
	}
	if rec.Ref != h.Target && (o.carrier.ModifiedAt.Before(o.stood.Stamp) || !o.carrier.ModifiedAt.After(o.stood.Over)) {
		o.shows = o.stood.Value // it was read before they stood there
	}
	return o, o.stands() || rec.Fields[ownID] == h.ID
}

// stands reports whether the record shows who stood there.
func (o *takeover) stands() bool { return o.stood.Field == "" || o.shows == o.stood.Value }

// keptBy takes a handoff back from who was to take it over, where the owner before stands
// in the CRM, or stood there until a program came, and has just taken it up or given it
// back: nobody loses what they have just taken up, and what they do not want is their
// giver's. An operator's order goes on all the same where they have taken it up. It reports
// whether that settles the handoff for now: it did, or has to ask first who came.
func (d *deciding) keptBy(t *typ, rec *state.Record, h state.Handoff, ev Observed) bool {
	o, waits := d.takeoverOf(t, rec, h)
	if !waits {
		return false
	}
	returned, said := d.wordBefore(t, rec, h, &o)
	switch {
	case d.stopped():
		return true
	case !said:
		return false
	case d.readCarrier(t, rec, h):
		return true
	}
	if now := d.current(h); !now.Stage.Open() || !now.Written.IsZero() {
		return true // as that has shown
	}
	if tried := h.Stake != nil && o.shows == h.Stake.Value && o.i.Attempts > 0; tried && !o.stands() {
		if took, asked := d.tookFrom(&o, tried); !asked || !took {
			return !asked
		}
	}
	says := rec.Ref.String() + " " + rec.Version
	if o.last.Others == says {
		return d.leaveWord(rec, h, o.i)
	}
	theirs, asked := d.saidByOwner(rec, h, &o)
	if !asked {
		return true
	}
	next := !theirs && h.Stake != nil && o.shows == h.Stake.Value // and stands there by hand
	if !o.stands() && !next && (o.shows != "" || !returned) {
		if took, asked := d.tookFrom(&o, false); !asked || !took {
			return !asked
		}
	}
	if !theirs {
		h.Holders = slices.Clone(h.Holders)
		h.Holders[o.n].Others = says
		d.put(h)
		return d.leaveWord(rec, h, o.i)
	}
	return d.leaveWith(t, rec, h, &o, returned, ev)
}

// wordBefore reports whether a record says that who stands there gives a handoff back, or
// takes it up, which they had not before.
func (d *deciding) wordBefore(t *typ, rec *state.Record, h state.Handoff, o *takeover) (returned, said bool) {
	as := doneBy(h, o.last.Who)
	f, _, up := d.takenUp(t, rec, as)
	returned = t.returned.given && t.returned.when.holds(f)
	said = returned || up && (!o.i.Ordered || as.Owner == h.Owner) &&
		!slices.ContainsFunc(h.Holders[o.n:], func(past state.Holder) bool { return !past.Accepted.IsZero() })
	return returned, said && f.wait == ""
}

// doneBy is a handoff as if somebody had it, without what others have done about it.
func doneBy(h state.Handoff, who string) state.Handoff {
	w := workOf(h)
	if w.By != who {
		w.First, h.TouchedAt = time.Time{}, time.Time{}
	}
	if w.Maker != who {
		w.Next = time.Time{}
	}
	if w.Hand != who {
		w.Ticked, w.Started, w.Deferred = time.Time{}, time.Time{}, time.Time{}
	}
	h.Owner, h.Work = who, &w
	return h
}

// saidByOwner reports whether who stands there has said what a record shows, and not who
// is to come, or whom a program has put there: where one of them has changed it last, the
// history of the status says whose it is. asked is false where the CRM has to say so first.
func (d *deciding) saidByOwner(rec *state.Record, h state.Handoff, o *takeover) (theirs, asked bool) {
	f := d.r.facts(d.now, d.v, rec)
	others := []string{h.Owner}
	if !o.stands() {
		others = append(others, f.user(d.r.byConn[h.Target.Conn], o.shows))
	}
	by, says := f.user(f.conn, rec.ModifiedBy), rec.Fields[ownStatus]
	if by == "" || by == o.last.Who || !slices.Contains(others, by) || says != statusAccepted && says != statusReturned {
		return true, true
	}
	by, asked = d.sayer(rec, f, o.stood.Over)
	return by == o.last.Who || !slices.Contains(others, by), asked
}

// sayer is who has set the status that a record shows: as its history since an instant has
// it, else who has changed the record last. asked is false where the CRM has to say so first.
func (d *deciding) sayer(rec *state.Record, f *facts, since time.Time) (by string, asked bool) {
	tr, asked := d.trail(rec, state.Stake{Field: ownStatus, Over: since})
	if !asked {
		d.c.Needs[len(d.c.Needs)-1].Optional = true
		return "", false
	}
	by = f.user(f.conn, rec.ModifiedBy)
	switch says := rec.Fields[ownStatus]; {
	case len(tr.Values) == 0: // not tracked
	case valueOf(tr.Values[0]) != says:
		if d.via != "" && d.now.Sub(rec.ModifiedAt).Abs() < filedWithin {
			d.c.Wait = "who has said that " + rec.Ref.String() + " is " + says + ": it is not filed yet"
			return "", false
		}
	default:
		if said := f.user(f.conn, tr.Values[0].By); said != "" {
			by = said
		}
	}
	return by, true
}

// tookFrom reports whether a program has taken a record from who stood there, and not a
// person; nor our own write, where that was tried and its answer lost. asked is false where
// the CRM has to say so first.
func (d *deciding) tookFrom(o *takeover, tried bool) (took, asked bool) {
	tr, asked := d.trail(&o.carrier, o.stood)
	if !asked {
		return false, false
	}
	hand, byPerson := changedBy(tr, o.shows, o.stood.Value, o.stood.Over)
	return !byPerson && (!tried || hand.Actor == connectors.ActorAutomation), true
}

// leaveWith leaves a handoff with who stands there, and hears what they have said.
func (d *deciding) leaveWith(t *typ, rec *state.Record, h state.Handoff, o *takeover, returned bool, ev Observed) bool {
	has, stake := "taken it up", o.stood
	if returned {
		has = "given it back"
	}
	kept, err := handoff.Keep(h, o.n, "has "+has+" just now, so it does not go to "+h.Owner, d.now)
	if err != nil {
		return false
	}
	e, c := h.Effects[stepAssign], d.r.byConn[h.Target.Conn]
	d.drop(e.Key)
	u, known := d.user(c, kept.Owner)
	e.State, e.Version, e.Key, e.Skipped = handoff.Done, o.carrier.Version, key(h, stepAssign, "kept "+o.carrier.Version), nil
	if known && stake.Field != "" && stake.Value != u.ID {
		e.Skipped = []string{stake.Field} // still
	}
	kept = handoff.Track(kept, stepAssign, e)
	if !o.stands() && returned {
		stake = *tookOff(stake, o.shows, o.carrier.ModifiedAt)
	}
	if kept.Stake = nil; stake.Field != "" {
		if h.Stake != nil && o.i.Attempts > 0 { // it may be on its way
			stake.Tried = append(slices.Clone(stake.Tried), h.Stake.Value)
		}
		kept.Stake = &stake
	}
	d.because(kept.Why[len(kept.Why)-1])
	d.audit("kept", h.ID, map[string]string{"owner": kept.Owner, "was": h.Owner})
	if known {
		kept = d.passTask(kept, u.ID)
	}
	d.put(d.itemsTo(d.unsaid(t, kept, &o.carrier, o.last.Until), h.Owner))
	d.heard(t, rec, d.current(kept))
	if kept = d.current(kept); !o.stands() && kept.Stage.Open() && !d.stopped() {
		d.takenOver(t, &o.carrier, kept, ev.Read)
	}
	return true
}

// heard gives a handoff back, or moves it on, as far as a record says so.
func (d *deciding) heard(t *typ, rec *state.Record, h state.Handoff) {
	if !d.returns(t, rec, h) && !d.stopped() {
		d.advance(t, rec, d.current(h))
	}
}

// heardThere has the record a handoff came from read again once its next owner stands in
// the CRM: what it says since their turn came could not count before.
func (d *deciding) heardThere(h state.Handoff) {
	rec, known := d.v.Record(h.Record)
	says := rec.Fields[ownStatus]
	if n := len(h.Holders) - 1; n < 0 || h.Record == h.Target || !known || rec.Fields[ownID] != h.ID || rec.ModifiedAt.Before(h.Holders[n].Until) || says != statusAccepted && says != statusReturned {
		return
	}
	d.c.Looks = append(d.c.Looks, state.Change{
		Change: connectors.Change{Ref: rec.Ref, EventID: key(h, stepAssign, "heard "+rec.Version)}, Via: state.ViaReread, Came: d.now,
	})
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

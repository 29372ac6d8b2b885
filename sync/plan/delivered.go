package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// delivered takes in what a CRM said to a write.
func (d *deciding) delivered(ev Delivered) {
	h, ok := d.v.Handoff(ev.Intent.Handoff)
	if !ok {
		if ev.Err != "" {
			d.list(listRefused, ev.Intent.Write.Ref.String(), ev.Intent.Step+": "+ev.Err)
		}
		return
	}
	d.settling = &ev.Intent
	e := h.Effects[ev.Intent.Step]
	if e.Key != ev.Intent.Write.Key {
		d.cameLate(h, ev)
		return // an answer to a write that another has taken the place of
	}
	e.At, e.Skipped, e.Error = d.now, ev.Skipped, ev.Err
	d.skipped(ev)
	if ev.Err == "" && ev.Class == "" {
		e.State, e.Ref, e.Version = handoff.Done, ev.Ref, ev.Version
		d.done(handoff.Track(h, ev.Intent.Step, e), ev)
		return
	}
	e.State = handoff.Refused
	d.notDone(handoff.Track(h, ev.Intent.Step, e), ev, e)
}

// cameLate notes whom a write has put on a record that was withdrawn while it was on its
// way: they are nobody's choice.
func (d *deciding) cameLate(h state.Handoff, ev Delivered) {
	if h.Stake == nil || ev.Err != "" || ev.Class != "" || ev.Ref != h.Target {
		return
	}
	if who, wrote := ev.Intent.Write.Set[h.Stake.Field].(string); wrote && who != h.Stake.Value && !attempted(h, who) {
		s := *h.Stake
		s.Tried = append(slices.Clone(s.Tried), who)
		h.Stake = &s
		d.put(h)
	}
}

// skipped lists the fields a CRM does not have, and those it refused what was to
// stand in.
func (d *deciding) skipped(ev Delivered) {
	at, why := ev.Intent.Write.Ref, "the CRM does not have it, or we may not write it"
	switch {
	case ev.Refused != "" && ev.Intent.Write.Creates():
		why = "it was made without it; " + ev.Refused
	case ev.Refused != "":
		why = "the owner was written without it; " + ev.Refused
	}
	for _, name := range ev.Skipped {
		d.list(listSkipped, at.Conn+" "+string(at.Kind)+"."+name, "left out: "+why)
	}
}

// done is a write that stands in the CRM.
func (d *deciding) done(h state.Handoff, ev Delivered) {
	switch ev.Intent.Step {
	case stepCreate:
		h = handoff.Aim(h, ev.Ref)
		d.same(h.Record, ev.Ref, sameCreated)
		if d.binned(h, ev.Ref) {
			return
		}
		h = d.madeFor(d.handedLater(d.stands(h, ev)), ev)
		d.hanging(h, ev.Ref)
	case stepAssign:
		d.heardThere(h)
		h = d.putBackOver(staked(d.stands(h, ev), ev), ev)
	case stepRewrite, stepReassign:
		h = staked(h, ev)
	case stepTask:
		h = d.taskStands(h, ev)
	case stepSource:
		h = d.endedMeanwhile(h)
	case stepRating:
		h = d.asksToRate(h)
	default:
		h = d.toldTooLate(d.choreSettled(h, ev.Intent.Step, ev.Ref), ev.Intent.Step)
	}
	d.put(d.undoneLate(h, ev))
}

// staked notes what a write of the owner rests on and what it left.
func staked(h state.Handoff, ev Delivered) state.Handoff {
	if h.Stake == nil {
		return h
	}
	s := *h.Stake
	s.Stamp, s.Over, s.Checked, s.Stood, s.Tried = ev.Stamp, ev.Intent.Over, ev.Guarded, nil, nil
	if _, wrote := ev.Intent.Write.Set[s.Field]; !wrote || slices.Contains(ev.Skipped, s.Field) {
		s.Checked = true
	}
	if was, ok := ev.Intent.Expect[s.Field]; ok {
		s.Was, _ = was.(string)
	}
	if v, told := ev.Stood[s.Field]; told {
		s.Stood = &v
	}
	h.Stake = &s
	return h
}

// stands notes that the owner stands in the CRM.
func (d *deciding) stands(h state.Handoff, ev Delivered) state.Handoff {
	if h.Written.IsZero() {
		d.audit("written", h.ID, map[string]string{"record": ev.Ref.String(), "owner": h.Owner, "version": ev.Version})
	}
	at, i := d.now, ev.Intent
	if _, says := i.Write.Set[ownStatus]; !says && len(h.Holders) > 0 && ev.Version == "" && !i.Over.IsZero() {
		at = i.Over // what they have said before is heard with the next reading
	}
	return handoff.Stands(h, at)
}

// binned ends what is about a record that was made, if a person had deleted it before
// we came to know of it. It reports whether that is so.
func (d *deciding) binned(made state.Handoff, at connectors.Ref) bool {
	rec, known := d.v.Record(at)
	if !known || !rec.Deleted || !rec.MovedTo.IsZero() {
		return false
	}
	for _, h := range append(d.hangingOn(made, at.Conn), made) {
		d.put(handoff.Aim(h, at))
		d.cancel(d.current(h), noteDeleted)
	}
	return true
}

// notDone is a write the CRM refused for good.
func (d *deciding) notDone(h state.Handoff, ev Delivered, e state.Effect) {
	step := ev.Intent.Step
	switch {
	case isUndo(step) && d.isBack(ev):
		e.State, e.Ref, e.Error = handoff.Done, ev.Intent.Write.Ref, ""
		d.wrote(ev.Intent, ev.Intent.Write.Ref, false)
		d.put(handoff.Track(h, step, e))
	case isUndo(step):
		d.undoRefused(h, ev)
	case d.movedUnder(h, ev), d.vanished(h, ev):
	case step == stepRestore && ev.Class != connectors.Conflict.String():
		d.notPutBack(h, ev)
	case step == stepRewrite && ev.Class == connectors.Conflict.String():
		d.put(h) // the record says what it is now, and its trail whether this was written and the answer lost
	case (step == stepReturn || step == stepRestore) && ev.Class == connectors.Conflict.String():
		d.contestBack(h, ev)
	case d.staysWith(h, ev):
	case step == stepRewrite && !h.Stage.Open():
		d.leftReversed(h, ev)
	case !h.Stage.Open() && !isAboutRating(step):
		d.put(h)
		d.madeForOthers(h, ev)
	case ev.Class == connectors.Conflict.String() && !ev.Existing.IsZero():
		d.adopt(h, ev, e)
	case ev.Class == connectors.Conflict.String() && (step == stepAssign || step == stepReassign):
		d.contest(h, ev)
	case d.cannotOwn(h, ev):
	case step == stepTask && ev.Intent.Write.After != "" && h.Effects[stepCreate].State != handoff.Done:
		d.put(h) // the record it belongs to was not made; that has been told
	default:
		d.refusedByCRM(h, ev)
	}
}

// notPutBack is an owner that the CRM does not take back: they may own nothing there.
func (d *deciding) notPutBack(h state.Handoff, ev Delivered) {
	d.list(listRefused, ev.Intent.Write.Ref.String(), h.Type+": "+h.Owner+" was written over what a person had set just before, and that cannot be put back: "+ev.Err)
	d.put(d.stillTell(h, ev.Intent))
}

// leftReversed is an owner whom a program took away from a handoff that is over by now,
// and whom the CRM does not take back: it is left so, and listed.
func (d *deciding) leftReversed(h state.Handoff, ev Delivered) {
	if h.Stake != nil {
		h.Stake = ceded(h.Stake, h.Stake.Was)
	}
	d.list(listReversed, h.ID, h.Type+": a program has taken the owner of "+ev.Intent.Write.Ref.String()+" from "+h.Owner+", and the CRM does not take them back: "+ev.Err)
	d.put(h)
}

// stillTell says on the record whose it is, after somebody has changed its
// owner once more before we could put theirs back.
func (d *deciding) stillTell(h state.Handoff, i state.Intent) state.Handoff {
	set := map[string]any{}
	for name, v := range i.Write.Set {
		if isOwn(name) {
			set[name] = v
		}
	}
	if len(set) == 0 {
		return h
	}
	return d.intend(h, stepSupersede, connectors.Write{Ref: i.Write.Ref, Set: set, Key: key(h, stepSupersede, "set")})
}

// refusedByCRM lists a refusal in the CRM's own words. The rest of the plan
// goes on, and so do the clocks.
func (d *deciding) refusedByCRM(h state.Handoff, ev Delivered) {
	at := ev.Intent.Write.Ref
	subject := at.String()
	if at.ID == "" {
		subject = h.Record.String()
	}
	d.because(d.why("", "%s refused to %s: %s", at.Conn, ev.Intent.Step, ev.Err))
	d.list(listRefused, subject, h.Type+", "+ev.Intent.Step+": "+ev.Err)
	d.refusedToOthers(h, ev)
	d.audit("refused by the CRM", h.ID, map[string]string{"step": ev.Intent.Step, "class": ev.Class, "error": ev.Err})
	d.put(d.duplicated(h, ev))
}

// adopt takes the object that is there already in place of the one we wanted
// to make. A task of our own key is simply done. A person is then handed over
// as they stand: with an update in place of the create, and a task of its own.
func (d *deciding) adopt(h state.Handoff, ev Delivered, e state.Effect) {
	e.Ref, e.State, e.Error = ev.Existing, handoff.Done, ""
	h = handoff.Track(h, ev.Intent.Step, e)
	switch ev.Intent.Step {
	case stepCreate:
	case stepTask:
		d.put(d.taskStands(h, ev))
		return
	default:
		d.put(d.choreSettled(h, ev.Intent.Step, ev.Existing))
		return
	}
	h = handoff.Aim(h, ev.Existing)
	d.same(h.Record, ev.Existing, sameEmail)
	d.because(d.why("", "%s has %s already", ev.Existing.Conn, ev.Existing))
	d.audit("adopted", h.ID, map[string]string{"record": ev.Existing.String()})
	d.put(d.duplicated(d.handedLater(d.handOver(h, ev.Existing)), ev))
	d.hanging(d.current(h), ev.Existing)
}

// handOver plans the update and the task of an assigned handoff on a record
// that was found or made after its owner was picked. Who owns that record was
// not known then: the write is read again before it leaves, unless the record
// has been read just before, for a timer.
func (d *deciding) handOver(h state.Handoff, ref connectors.Ref) state.Handoff {
	t, tier, to := d.r.byName[h.Type], d.r.tiers[h.Tier], d.r.byConn[ref.Conn]
	rec, ok := d.v.Record(h.Record)
	if t == nil || tier == nil || to == nil || !ok {
		d.list(listRefused, ref.String(), h.Type+": the rules it was assigned by are gone, so "+h.Owner+" is not written")
		return h
	}
	f := d.r.facts(d.now, d.v, &rec)
	at := state.Record{Ref: ref, Noun: t.about}
	if known, ok := d.v.Record(ref); ok {
		at = known
	}
	f.to, f.land, f.landCached = to, &at, true
	c := chosenBefore(h)
	brief := d.brief(t, f, h, tier, c)
	h = d.writeOwner(t, f, h, to, &at, d.carried(t, f, h, tier, c, brief), d.readOf(ref))
	old := h.Effects[stepTask]
	if i, waits := d.v.Intent(old.Key); waits && i.State == state.Sending {
		return h // it may be there already: it keeps its key, and is linked to what is found
	}
	if old.State != handoff.Done {
		if old.Key != "" {
			d.drop(old.Key)
		}
		h = d.writeTask(t, f, h, tier, brief, "")
	}
	return h
}

// chosenBefore is how the receiver of a handoff was picked, as far as it says.
func chosenBefore(h state.Handoff) choice {
	c := choice{owner: h.Owner, because: "assigned before"}
	if n := len(h.Why); n > 0 {
		c.where = h.Why[n-1].Rule
		c.because = strings.TrimPrefix(h.Why[n-1].Text, h.Owner+": ")
	}
	return c
}

// contest settles an owner write that came upon a change: a person who has
// taken the record keeps it, anything else, an earlier write of ours included, is
// written again on the new version.
func (d *deciding) contest(h state.Handoff, ev Delivered) {
	t := d.r.byName[h.Type]
	c := d.r.byConn[h.Target.Conn]
	rec, ok := d.v.Record(h.Target)
	if t == nil || c == nil || !ok || rec.Version <= ev.Intent.Write.IfVersion {
		// We have not seen the change yet. The write is read again before it
		// leaves, and comes back here if somebody has taken the record.
		d.put(d.again(h, ev.Intent, h.Target, ev.Intent.Expect, ev.Intent.Write.IfVersion))
		return
	}
	name, _ := c.m.WriteName(rec.Ref.Kind, t.becomes)
	now, ours := rec.Fields[t.becomes], ev.Intent.Write.Set[name]
	if any(now) == ours && rec.Fields[ownID] == h.ID && (len(h.Holders) > 0 || carries(&rec, h)) && (ev.Intent.Attempts > 0 || tookOver(h, rec.Ref)) {
		d.stoodAlready(t, &rec, h, ev)
		return
	}
	was := ev.Intent.Expect[name]
	f := d.r.facts(d.now, d.v, &rec)
	who := f.user(c, now)
	judged := h.Stake != nil && now == h.Stake.Was // a program's, since the write was planned
	if any(now) != ours && blankNil(now) != was && !judged && !attempted(h, now) && who != "" {
		h.Stake = ceded(h.Stake, now)
		d.supersede(h, who, rec.ModifiedBy, nil)
		return
	}
	d.put(d.again(h, ev.Intent, h.Target, map[string]any{name: blankNil(now)}, rec.Version))
}

// again sends the content of a write once more, to a record as it is now. It
// is read again before it leaves.
func (d *deciding) again(h state.Handoff, i state.Intent, to connectors.Ref, expect map[string]any, version string) state.Handoff {
	w := connectors.Write{Ref: to, Set: withOwner(h, i.Write.Set, expect), IfVersion: version, Key: key(h, i.Step, "set "+to.String()+" "+version)}
	had := len(d.c.Intents)
	h = d.intendSeen(unwritten(h, i), i.Step, w, seen{expect: expect, atRisk: i.AtRisk})
	for n := range d.c.Intents[had:] {
		next := &d.c.Intents[had+n]
		next.Attempts, next.Contested = i.Attempts, i.Contested+1
		if version == i.Write.IfVersion {
			next.Due = d.now.Add(min(againAfter<<min(i.Contested, 10), againAtMost))
		}
	}
	return h
}

// withOwner is what to write on a record where somebody else stands by now, although
// the receiver stood there when it was decided and had not to be written.
func withOwner(h state.Handoff, set, expect map[string]any) map[string]any {
	s := h.Stake
	if s == nil {
		return set
	}
	_, writes := set[s.Field]
	if now, seen := expect[s.Field]; writes || !seen || now == any(s.Value) {
		return set
	}
	set = maps.Clone(set)
	set[s.Field] = s.Value
	return set
}

// Attempts at a record we have not seen change are spaced out, each twice as
// far: the CRM may hide from readers for minutes what it has written.
const (
	againAfter  = 5 * time.Second
	againAtMost = 5 * time.Minute
)

// unwritten takes a write that was not done out of the count of the loop
// breaker.
func unwritten(h state.Handoff, i state.Intent) state.Handoff {
	again := make(map[string][]time.Time, len(h.Again))
	for name, times := range h.Again {
		field, _, _ := strings.Cut(name, " of ")
		if _, set := i.Write.Set[strings.TrimPrefix(field, i.Step+": ")]; set || field == i.Step {
			times = slices.DeleteFunc(slices.Clone(times), i.Created.Equal)
		}
		if len(times) > 0 {
			again[name] = times
		}
	}
	h.Again = again
	return h
}

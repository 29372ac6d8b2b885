package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// follow looks at what people did with a handoff that a record started or
// carries: somebody took it over, or the receiver accepted it.
func (d *deciding) follow(rec *state.Record, h state.Handoff, ev Observed) {
	h = d.current(h)
	t := d.r.byName[h.Type]
	if t != nil && h.Observed {
		d.watch(t, rec, h)
	}
	if t == nil || h.Observed {
		return
	}
	if !h.Stage.Open() {
		if d.counting(h) {
			h = d.counters(t, rec, h)
		}
		if d.touchedInWait(t, rec, h); d.stopped() {
			return
		}
		d.explained(t, rec, h)
		if d.givenBefore(t, rec, d.current(h)) || d.saidBefore(t, rec, d.current(h), ev) {
			return
		}
		if ev.Check && h.Stage == state.Completed && h.Target == rec.Ref && !d.stopped() {
			d.overlookedTillEnd(rec, d.current(h), rec.Fields[t.becomes])
		}
		return
	}
	if h.Written.IsZero() {
		d.unwritten(t, rec, h, ev)
		return
	}
	age := age(rec, h)
	if age < 0 {
		if h.Target == rec.Ref && crossed(h.Stake, rec, rec.Fields[t.becomes]) {
			d.overlooked(rec, h, h.Stake.Value)
			return
		}
		d.countedMeanwhile(t, rec, h)
		return
	}
	if h.Target == rec.Ref {
		if (ev.Check || h.Stake != nil && h.Stake.Under != nil) && d.overlooked(rec, h, rec.Fields[t.becomes]) {
			return
		}
		h = d.current(h)
		if (age > 0 || inherited(h, rec.Ref) || !d.ownerAsBefore(t, rec, h)) && d.takenOver(t, rec, h, ev.Read) {
			return
		}
		h = d.current(h)
	}
	if h.Target == rec.Ref && d.ownerLeft(t, h) {
		return
	}
	if d.readCarrier(t, rec, h) {
		return
	}
	if h = d.current(h); !h.Stage.Open() {
		return
	}
	h = d.showHeir(t, rec, h)
	h = d.counters(t, rec, h)
	if d.returns(t, rec, h) || d.stopped() {
		return
	}
	d.asks(t, rec, d.current(h))
	d.advance(t, rec, d.current(h))
}

// saidBefore takes a handoff back that was completed while its receiver gave it back on a
// record that does not say yet that it is done, or did not when they said it: nothing is
// written over their word. It reports whether that is so, or has to be asked first.
func (d *deciding) saidBefore(t *typ, rec *state.Record, h state.Handoff, ev Observed) bool {
	said := ev.Says != state.Window{} && rec.Fields[ownID] == h.ID && rec.Fields[ownStatus] == statusReturned && len(d.sharing(rec.Ref, h)) == 0
	if h.Stage != state.Completed || !said && (!completing(h, rec.Ref) || age(rec, h) <= 0) {
		return false
	}
	open, err := handoff.NotDone(h)
	return err == nil && d.returns(t, rec, open)
}

// completing reports whether a record is still to be told that a handoff is done.
func completing(h state.Handoff, at connectors.Ref) bool {
	return slices.ContainsFunc([]string{stepComplete, stepComplete + stepHere}, func(step string) bool {
		e := h.Effects[step]
		return e.State == sent && e.Ref == at
	})
}

// unwritten looks at a record before the receiver stands on it: a person may
// have given it to somebody already, while our write was on its way, or while
// the handoff waits for context or for somebody who is free.
func (d *deciding) unwritten(t *typ, rec *state.Record, h state.Handoff, ev Observed) {
	carries := h.Target == rec.Ref
	switch {
	case h.Stage == state.Queued || h.Stage == state.Held:
		if carries {
			d.saidEarly(rec, h)
			d.takenMeanwhile(t, rec, h)
		}
	case d.keptBy(t, rec, h, ev):
	case carries:
		d.beforeUs(t, rec, d.current(h), ev.Read)
	}
}

// saidEarly lists a status that somebody sets while nobody has the handoff yet: it
// accepts nothing and gives nothing back.
func (d *deciding) saidEarly(rec *state.Record, h state.Handoff) {
	said := rec.Fields[ownStatus]
	prev, seen := d.v.Record(rec.Ref)
	if !seen || said == "" || said == prev.Fields[ownStatus] || rec.Fields[ownID] != h.ID {
		return
	}
	d.list(listContext, rec.Ref.String()+" "+ownStatus, fmt.Sprintf("%s: %s was set to %s while the handoff is %s, and nobody has it yet: it %s. Who wants it now becomes the owner of the record",
		h.Type, ownStatus, quote(said), h.Stage, h.Note))
}

// age is 1 for a reading that is later than what our own writes left on the
// record, and -1 for an older one, which shows what we have changed since. 0 is
// one that carries the stamp of our write: where stamps are whole seconds it
// may be from before it, or a person's edit right after it. What stands there
// as it did before us says nothing then; anything else is somebody's doing. On a record
// that it came to, and where we wrote nothing, every reading is later.
func age(rec *state.Record, h state.Handoff) int {
	left := ""
	for _, e := range h.Effects {
		if e.Ref == rec.Ref {
			left = max(left, e.Version)
		}
	}
	if left != "" && rec.Version != "" {
		return strings.Compare(rec.Version, left)
	}
	if inherited(h, rec.Ref) || rec.ModifiedAt.After(h.Written) {
		return 1
	}
	return -1
}

// ownerAsBefore reports whether a record has the owner it had before us.
func (d *deciding) ownerAsBefore(t *typ, rec *state.Record, h state.Handoff) bool {
	name, _ := d.r.byConn[rec.Ref.Conn].m.WriteName(rec.Ref.Kind, t.becomes)
	return h.Before[name] == blankNil(rec.Fields[t.becomes])
}

// takenOver ends a handoff whose record a person has given to somebody else
// since we wrote its owner: their change wins.
func (d *deciding) takenOver(t *typ, rec *state.Record, h state.Handoff, read time.Time) bool {
	c := d.r.byConn[rec.Ref.Conn]
	w, reads := c.m.Word(t.about, t.becomes)
	name, _ := c.m.WriteName(rec.Ref.Kind, t.becomes)
	ours, known := d.user(c, h.Owner)
	if !reads || !w.Reads || !known || !wroteOwner(h, name) {
		return false
	}
	now := rec.Fields[t.becomes]
	if underway(h, now) {
		return d.givenBack(rec, h)
	}
	if now == ours.ID {
		return false
	}
	f := d.r.facts(d.now, d.v, rec)
	who := f.user(c, now)
	switch {
	case who == h.Owner:
		return false
	case who == "" && inherited(h, rec.Ref):
		d.ownHeir(t, rec, h, now, read)
		return false
	}
	return d.reversed(t, rec, h, now, who, read)
}

// wroteOwner reports whether the receiver was written on the record that
// carries the handoff, as far as the CRM took the field.
func wroteOwner(h state.Handoff, name string) bool {
	for _, step := range []string{stepAssign, stepCreate} {
		if e, ok := h.Effects[step]; ok && e.State == handoff.Done {
			_, wrote := h.Before[name]
			return (wrote || step == stepCreate) && !slices.Contains(e.Skipped, name)
		}
	}
	return false
}

// supersede leaves a handoff to the person who has it now. Its task stays for
// them; what was not sent yet is withdrawn. over is the version of a record
// that our write has taken from them, and on which theirs is put back.
func (d *deciding) supersede(h state.Handoff, who, by string, over *string) {
	note := "given to " + who + " by hand"
	if who == "" {
		note = "taken from " + h.Owner + " by hand, and nobody owns it now"
		d.list(listUnowned, h.ID, h.Type+": "+note)
	}
	done, err := handoff.Supersede(h, who, note, d.now)
	if err != nil {
		return
	}
	d.quiet(done)
	done = d.withdraw(done)
	d.because(d.why("", "%s", note))
	d.audit("superseded", h.ID, map[string]string{"owner": who, "was": h.Owner, "by": by})
	done = d.settled(done)
	rec, _ := d.lastRead(h.Target)
	if told := rec.Fields[ownID] == h.ID || !h.Written.IsZero() || h.Effects[stepQueue].Key != "" || d.mayStand(h); told && done.Target.ID != "" && d.shows(done.Target, h) {
		set := map[string]any{ownStatus: statusSuperseded}
		if who != "" {
			set[ownAccountable] = who
		}
		if over != nil {
			done = d.restore(done, *over, set)
		} else {
			done = d.intend(done, stepSupersede, connectors.Write{Ref: done.Target, Set: set, Key: key(h, stepSupersede, "set")})
		}
	}
	done = d.endedHere(done, stepSupersede)
	d.put(d.choresOver(done))
}

// endedHere says on the record a handoff came from how it has ended on the one that
// carried it, if that record speaks of it, is still there, and has no other one.
func (d *deciding) endedHere(h state.Handoff, step string) state.Handoff {
	told := false
	for _, e := range h.Effects {
		told = told || e.State == handoff.Done && e.Ref == h.Record
	}
	if rec, _ := d.lastRead(h.Record); h.Record == h.Target || !told || isOver(rec) || len(d.sharing(h.Record, h)) > 0 {
		return h
	}
	set := map[string]any{ownStatus: statusOf(h.Stage)}
	if h.Stage == state.Superseded {
		set[ownAccountable] = blankNil(h.Accountable)
	}
	return d.intend(h, step+stepHere, connectors.Write{Ref: h.Record, Set: set, Key: key(h, step+stepHere, "set")})
}

// endedMeanwhile is endedHere for what could not be said at the end: our first write there
// was still on its way, or the record lay in the bin.
func (d *deciding) endedMeanwhile(h state.Handoff) state.Handoff {
	if h.Stage != state.Superseded && h.Stage != state.Cancelled || h.Undone != nil {
		return h
	}
	return d.endedHere(h, stepEnded)
}

// withdraw takes back what has been decided and does not stand in the CRM: what
// was not answered yet, and what was refused and waits for a person. What this
// deciding has only planned never was. A task that may be there already stays wanted
// until that is known: then it is put away. So does putting one away, and what another
// handoff writes under the same key.
func (d *deciding) withdraw(h state.Handoff) state.Handoff {
	var keys []string
	was, _ := d.v.Handoff(h.ID)
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		e := h.Effects[step]
		i, waits := d.waiting(e.Key)
		if e.State == handoff.Done || ofSeveral(step) || waits && (i.Handoff != h.ID || e.Task && i.State == state.Sending || putsAway(i)) {
			continue
		}
		keys = append(keys, e.Key)
		before, known := was.Effects[step]
		switch _, out := d.v.Intent(e.Key); {
		case !waits || out:
		case known:
			h = handoff.Track(h, step, before)
		default:
			h = handoff.Forget(h, step)
		}
	}
	d.drop(keys...)
	return h
}

// putsAway reports whether a write ticks off what somebody was told or asked for.
func putsAway(i state.Intent) bool {
	return strings.HasSuffix(i.Step, stepNow("")) && i.Write.Set[connectors.TaskStatus] == any(actDone) && i.State != state.Parked
}

// drop takes writes back that are not wanted any more: those in the outbox, and those
// that this deciding has planned until now.
func (d *deciding) drop(keys ...string) {
	d.c.Intents = slices.DeleteFunc(d.c.Intents, func(i state.Intent) bool { return slices.Contains(keys, i.Write.Key) })
	d.c.Withdraw = append(d.c.Withdraw, keys...)
}

// gone ends or moves the handoffs of a record that is deleted or lives on as
// another.
func (d *deciding) gone(rec *state.Record, carried []state.Handoff) {
	to := rec.MovedTo
	if d.namedJustNow(rec, carried) {
		d.c.Wait = rec.Ref.String() + " is not found yet, and was named by " + rec.Ref.Conn + " itself"
		return
	}
	if !to.IsZero() {
		d.same(rec.Ref, to, sameMoved)
	}
	d.untwin(rec.Ref)
	d.accountMoved(rec.Ref, to)
	for _, h := range carried {
		if !h.Stage.Open() {
			d.ratedThere(h, rec.Ref, to)
			continue
		}
		switch {
		case !to.IsZero() && d.hasOwn(to, h):
			d.cancel(h, "merged into "+to.String()+", which has a handoff of its own")
		case !to.IsZero():
			d.audit("moved", h.ID, map[string]string{"from": rec.Ref.String(), "to": to.String()})
			h = handoff.Move(h, rec.Ref, to)
			if w := workOf(h); h.Work != nil {
				w.Base = -1 // a merge adds up what the CRM has counted
				h.Work = &w
			}
			d.put(h)
			d.ratedThere(h, rec.Ref, to)
		case h.Target == rec.Ref || h.Target.ID == "":
			d.cancel(h, noteDeleted)
		default:
			d.audit("source deleted", h.ID, map[string]string{"record": rec.Ref.String()})
		}
	}
}

// accountMoved has the handoffs of an account's people and deals be of the one that it was
// merged into: an activity there is about them, and what becomes of it is told back.
func (d *deciding) accountMoved(from, to connectors.Ref) {
	if to.IsZero() || d.r.byConn[from.Conn] == nil || d.r.byConn[from.Conn].m.Noun(from.Kind) != nounCompany {
		return
	}
	for _, h := range d.v.HandoffsAt(from) {
		h = d.current(h)
		d.audit("account merged", h.ID, map[string]string{"was": from.String(), "account": to.String()})
		h.Account = to
		d.put(h)
	}
}

// hasOwn reports whether a record has an open handoff of the same type, or has just been
// given one: several may be merged into it at once. What has each gone to a record elsewhere
// goes on, and one that is only observed is nobody's work.
func (d *deciding) hasOwn(ref connectors.Ref, h state.Handoff) bool {
	other := func(o state.Handoff) bool {
		return o.ID != h.ID && o.Type == h.Type && o.Stage.Open() && (h.Observed || !o.Observed)
	}
	given := func(o state.Handoff) bool {
		return other(o) && o.Record == ref && o.Target == ref && h.Target == h.Record
	}
	return slices.ContainsFunc(d.v.Handoffs(ref), other) || slices.ContainsFunc(d.c.Handoffs, given)
}

// cancel ends a handoff that has nothing left to be about. Its tasks may be seen all
// the same: a merge takes them to the survivor, and of a record that was deleted a CRM
// may keep them.
func (d *deciding) cancel(h state.Handoff, note string) {
	done, err := handoff.Cancel(h, note, d.now)
	if err != nil {
		return
	}
	d.quiet(done)
	done = d.withdraw(done)
	d.because(d.why("", "%s", note))
	d.audit("cancelled", h.ID, map[string]string{"why": note})
	done = d.tasksOver(d.settled(done))
	d.put(d.endedHere(done, stepEnded))
}

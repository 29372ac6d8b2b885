package plan

import (
	"slices"
	"strconv"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// judged are the facts by which a handoff is judged: what stands on the record
// now, what stood there at the assignment, and what people did since.
func (d *deciding) judged(rec *state.Record, h state.Handoff) *facts {
	f := d.r.facts(d.now, d.v, rec)
	f.handoff = &h
	if f.before = h.Before; f.before == nil {
		f.before = map[string]any{}
	}
	f.another = !d.speaksOf(rec, h)
	return f
}

// advance moves a handoff on as far as what people did allows: accepted, then
// touched, then completed, with one write for all of it.
func (d *deciding) advance(t *typ, rec *state.Record, h state.Handoff) {
	h = d.current(h)
	was, set, step := h, map[string]any{}, ""
	if h, step = d.accept(t, rec, h, set, step); d.stopped() {
		return
	}
	h, step = d.touched(t, h, set, step)
	h, step = d.completed(t, rec, h, set, step)
	if step == "" {
		return
	}
	if !h.Stage.Open() {
		d.quiet(h)
		d.backEnds(t, h)
		h = d.keptAtEnd(d.settled(h))
		d.timer(h, clockTried, 0, h.Due[clockAttempts]) // the buyer may not have been reached yet
	}
	d.put(d.tell(h, was, step, set))
}

// accept takes the receiver's own doing for acceptance: what accepted_when
// names, if it was not so already when the handoff was assigned. One of several
// handoffs of a record is accepted by its own task, too.
func (d *deciding) accept(t *typ, rec *state.Record, h state.Handoff, set map[string]any, step string) (state.Handoff, string) {
	if h.Stage != state.Assigned || h.Written.IsZero() {
		return h, step
	}
	f, cond, holds := d.takenUp(t, rec, h)
	if !holds {
		return h, step
	}
	by, at := cond.doer(f, h)
	if at.IsZero() {
		at = d.bounded(d.changedAt(rec))
		by = ownerAt(h, at)
		if who := d.shownStill(t, rec, h); who != "" && f.user(f.conn, rec.ModifiedBy) != h.Owner {
			by = who
		}
	}
	done, err := handoff.Accept(h, by, at)
	if err != nil {
		return h, step
	}
	why := d.why(where(t.pos), "accepted: %s", cond.say(f))
	d.because(why)
	done = d.clocksOnAcceptance(t, done)
	d.audit("accepted", h.ID, map[string]string{"by": done.AcceptedBy, "at": done.AcceptedAt.Format(time.RFC3339), "because": why.Text})
	set[ownStatus], set[ownAcceptedBy], set[ownAcceptedAt], set[ownAccountable] = statusAccepted, done.AcceptedBy, text(done.AcceptedAt), done.Accountable
	set[ownQuality] = qualityAccepted
	return done, stepAccept
}

// takenUp reports by what the receiver of a handoff has taken it up, if they have.
func (d *deciding) takenUp(t *typ, rec *state.Record, h state.Handoff) (*facts, cond, bool) {
	f := d.judged(rec, h)
	f.accepting, f.another = true, f.another || saysFormer(rec, h)
	cond, holds := t.accepted, t.accepted.holds(f)
	if w := workOf(h); !holds && (!w.Ticked.IsZero() || !w.Started.IsZero()) && d.parallel(h) {
		cond, holds = cond.ownTask(), true
	}
	return f, cond, holds && f.wait == ""
}

// saysFormer reports whether a record that a handoff came from may say still that it was
// accepted by somebody who has lost it since.
func saysFormer(rec *state.Record, h state.Handoff) bool {
	_, lost := lostAt(h)
	e := h.Effects[stepPassed]
	return lost && rec.Ref == h.Record && rec.Ref != h.Target && rec.Fields[ownStatus] == statusAccepted && (e.State == sent || e.State == handoff.Refused)
}

// ownTask is the condition that the handoff's own task is ticked off.
func (c cond) ownTask() cond {
	return cond{kind: happening, event: eventTaskDone, text: "task done"}
}

// doer is who made a condition hold, and when, as far as that happened outside
// the record: the earliest of what holds.
func (c *cond) doer(f *facts, h state.Handoff) (by string, at time.Time) {
	c.walk(func(leaf *cond) {
		if leaf.kind != happening || !leaf.happened(f) {
			return
		}
		if who, when := leaf.deed(h); !when.IsZero() && (at.IsZero() || when.Before(at)) {
			by, at = who, when
		}
	})
	if by == "" {
		by = ownerAt(h, at)
	}
	return by, at
}

// ownerAt is who had a handoff at an instant: what nobody else is known to have
// done is theirs.
func ownerAt(h state.Handoff, at time.Time) string {
	for _, past := range h.Holders {
		if !at.IsZero() && at.Before(past.Until) {
			return past.Who
		}
	}
	return h.Owner
}

// touched notes the first buyer-facing action. It counts from then on even
// where it does not mean acceptance; the stage follows once both are there.
func (d *deciding) touched(t *typ, h state.Handoff, set map[string]any, step string) (state.Handoff, string) {
	w := workOf(h)
	if !w.First.IsZero() && h.TouchedAt.IsZero() && t.facing() {
		h.TouchedAt = w.First
		d.because(d.why(where(t.pos), "first touch by %s at %s", w.By, w.First.Format(time.RFC3339)))
		d.audit("touched", h.ID, map[string]string{"by": w.By, "at": w.First.Format(time.RFC3339), "kind": w.Type})
		set[ownFirstTouch] = text(w.First)
		h = tried(h, set)
		step = stepTouch
		d.stopClocks(h, clockTouch, clockOuter)
		h = d.settled(h, clockTouch, clockOuter)
	}
	if h.TouchedAt.IsZero() {
		return h, step
	}
	done, err := handoff.Touch(h, h.TouchedAt)
	if err != nil {
		return h, step
	}
	set[ownStatus] = statusTouched
	return done, stepTouch
}

// completed ends a handoff that reached its goal: it was accepted, the type's
// completed_when holds, and the buyer has heard from us wherever the type
// involves one (1.14–1.16).
func (d *deciding) completed(t *typ, rec *state.Record, h state.Handoff, set map[string]any, step string) (state.Handoff, string) {
	if h.Stage != state.Accepted && h.Stage != state.Touched || t.facing() && h.TouchedAt.IsZero() {
		return h, step
	}
	f := d.judged(rec, h)
	if !t.completed.holds(f) || f.wait != "" {
		return h, step
	}
	done, err := handoff.Complete(h, d.now)
	if err != nil {
		return h, step
	}
	why := d.why(where(t.pos), "completed: %s", t.completed.say(f))
	d.because(why)
	d.audit("completed", h.ID, map[string]string{"because": why.Text, "attempts": strconv.Itoa(workOf(h).Count)})
	set[ownStatus] = statusCompleted
	if t.facing() {
		done = tried(done, set)
	}
	return done, stepComplete
}

// tell writes what has become of a handoff, in one go, where its fields stand:
// on the record that carries it, and on the one it came from as far as who
// looks there wants to know.
func (d *deciding) tell(h, was state.Handoff, step string, set map[string]any) state.Handoff {
	if d.shows(h.Target, was) {
		h = d.intend(h, step, connectors.Write{Ref: h.Target, Set: set, Key: key(h, step, "set")})
	}
	if h.Record != h.Target && h.Record.ID != "" && set[ownStatus] != nil && step != stepTouch && d.shows(h.Record, was) {
		h = d.intend(h, step+stepHere, connectors.Write{Ref: h.Record, Set: set, Key: key(h, step+stepHere, "set")})
	}
	if !h.Stage.Open() {
		h = d.closeTask(h)
	}
	return h
}

// taskDone reports whether the task of a handoff is ticked off, and was not opened again for
// somebody else since.
func taskDone(h state.Handoff) bool {
	at := workOf(h).Ticked
	return !at.IsZero() && !passedSince(h, at)
}

// closeTask ticks off the task of a handoff that is over, unless its owner has
// done so: what is done is not left on their list (2.31). One that is on its
// way is closed once it stands.
func (d *deciding) closeTask(h state.Handoff) state.Handoff {
	e := h.Effects[stepTask]
	ticks := h.Effects[stepTaskDone]
	planned := ticks.Key != "" && !slices.Contains(d.c.Withdraw, ticks.Key) // what was withdrawn just now is wanted again
	if e.State != handoff.Done || e.Ref.ID == "" || taskDone(h) || planned {
		return h
	}
	w := connectors.Write{Ref: e.Ref, Set: map[string]any{connectors.TaskStatus: actDone}, Links: []connectors.Ref{h.Target}, Key: key(h, stepTaskDone, "set")}
	return d.intend(h, stepTaskDone, w)
}

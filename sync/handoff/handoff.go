// Package handoff holds the life of a handoff: the only functions that move a
// [state.Handoff] from one stage to another. It is pure; a handoff is a value,
// and every function answers a changed copy and leaves the one it was given
// alone. A step that the picture does not show is a [*Refusal], and the copy is
// then the handoff unchanged.
//
//	            a signal
//	               |
//	               v
//	held <---> detected ----> refused       not to be handed over
//	            |     |                     held: waits for its context
//	nobody free |     | an owner was picked
//	            v     v
//	         queued-->assigned -----> accepted ----> touched ----> completed
//	            |       |              |            |
//	            |       +-----> returned <----------+   given back, with a reason;
//	            |       |              |            |   handed over again, it is
//	            |       |              |            |   another one that follows
//	            +-------+---> superseded <----------+   a person took the record over
//	            |       |              |            |
//	            +-------+---> cancelled <-----------+   the record is gone
//
// What waits for context (held) is like queued. Completed, returned,
// superseded, cancelled and refused are final; only what turns out to have been
// somebody else's before it was done is not completed but superseded.
//
// Beside its stage a handoff collects signals (a second one joins), deadlines
// (which may come nearer and never move away), effects (how far each write has
// gone) and a breach, which is a mark and no stage: who is late can still
// accept. Accepted and what follows are reached by what people do, never by what
// handoffd itself has written.
package handoff

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Refusal is a step the picture does not show.
type Refusal struct {
	ID   string
	From state.Stage
	Step string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("handoff %s is %s and cannot be %s", r.ID, r.From, r.Step)
}

func refuse(h state.Handoff, step string) (state.Handoff, error) {
	return h, &Refusal{ID: h.ID, From: h.Stage, Step: step}
}

// The states of an effect.
const (
	Sent    = "sent"    // decided, not yet answered
	Done    = "done"    // it stands in the CRM
	Refused = "refused" // the CRM said no for good
)

// New is what is known when a signal is seen.
type New struct {
	ID, Type, Rules, Giver string
	Record, Target         connectors.Ref
	Account                connectors.Ref
	Signal                 state.Signal
	Observed               bool
	At                     time.Time
}

// Detect begins a handoff.
func Detect(n New) state.Handoff {
	return state.Handoff{
		ID: n.ID, Type: n.Type, Rules: n.Rules, Giver: n.Giver,
		Record: n.Record, Target: n.Target, Account: n.Account,
		Trigger: n.Signal.Trigger, Signals: []state.Signal{n.Signal},
		Stage: state.Detected, Observed: n.Observed, DetectedAt: n.At,
	}
}

// Refuse ends a handoff that was never handed over.
func Refuse(h state.Handoff, why []state.Reason, note string, at time.Time) (state.Handoff, error) {
	if h.Stage != state.Detected && h.Stage != state.Queued {
		return refuse(h, "refused")
	}
	h.Stage, h.Note, h.ClosedAt, h.Why = state.Refused, note, at, slices.Clone(why)
	return h, nil
}

// Clocks are the deadlines of a handoff and the tier they come from.
type Clocks struct {
	Tier                        string
	Rank                        int
	AssignBy, AcceptBy, TouchBy time.Time
	Due                         map[string]time.Time // the others, by clock
}

// Queue keeps a handoff until somebody is free. Somebody is accountable
// meanwhile.
func Queue(h state.Handoff, c Clocks, team, accountable, note string, why []state.Reason) (state.Handoff, error) {
	if h.Stage != state.Detected && h.Stage != state.Queued {
		return refuse(h, "queued")
	}
	h.Stage, h.Team, h.Accountable, h.Note, h.Why = state.Queued, team, accountable, note, slices.Clone(why)
	h.Tier, h.Rank, h.AssignBy = c.Tier, c.Rank, c.AssignBy
	return h, nil
}

// Assignment is one owner and what goes with being one.
type Assignment struct {
	Owner, Team, Backup, Accountable, Decision string
	Clocks                                     Clocks
	Why                                        []state.Reason
	At                                         time.Time
}

// Assign gives a handoff its one owner. Assigned is not accepted (1.79).
func Assign(h state.Handoff, a Assignment) (state.Handoff, error) {
	if h.Stage != state.Detected && h.Stage != state.Queued || a.Owner == "" || a.Accountable == "" {
		return refuse(h, "assigned")
	}
	h.Stage, h.Owner, h.Team, h.Backup, h.Accountable = state.Assigned, a.Owner, a.Team, a.Backup, a.Accountable
	h.Tier, h.Rank = a.Clocks.Tier, a.Clocks.Rank
	h.AssignBy, h.AcceptBy, h.TouchBy, h.Due = a.Clocks.AssignBy, a.Clocks.AcceptBy, a.Clocks.TouchBy, maps.Clone(a.Clocks.Due)
	h.AssignedAt, h.Decision, h.Why, h.Note = a.At, a.Decision, slices.Clone(a.Why), ""
	return h, nil
}

// Join adds a further signal. The same signal joins once.
func Join(h state.Handoff, s state.Signal) (state.Handoff, error) {
	if !h.Stage.Open() {
		return refuse(h, "joined")
	}
	if slices.ContainsFunc(h.Signals, func(o state.Signal) bool { return o.Record == s.Record && o.Trigger == s.Trigger }) {
		return refuse(h, "joined by the same signal again")
	}
	h.Signals = append(slices.Clone(h.Signals), s)
	return h, nil
}

// Hasten raises the tier of a handoff. It never lowers one, and no deadline
// moves away.
func Hasten(h state.Handoff, c Clocks) (state.Handoff, error) {
	if !h.Stage.Open() || c.Rank >= h.Rank {
		return refuse(h, "hastened")
	}
	h.Tier, h.Rank = c.Tier, c.Rank
	h.AssignBy = nearer(h.AssignBy, c.AssignBy)
	if h.Stage == state.Assigned {
		h.AcceptBy, h.TouchBy = nearer(h.AcceptBy, c.AcceptBy), nearer(h.TouchBy, c.TouchBy)
		due := maps.Clone(h.Due)
		for clock, by := range c.Due {
			if due == nil {
				due = map[string]time.Time{}
			}
			due[clock] = nearer(due[clock], by)
		}
		h.Due = due
	}
	return h, nil
}

func nearer(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Accept records that the receiver took it. Only an owner who stands in the
// CRM can accept; an instant before the assignment is the assignment's.
func Accept(h state.Handoff, by string, at time.Time) (state.Handoff, error) {
	if h.Stage != state.Assigned || h.Written.IsZero() || by == "" {
		return refuse(h, "accepted")
	}
	if at.Before(h.AssignedAt) {
		at = h.AssignedAt
	}
	h.Stage, h.AcceptedBy, h.AcceptedAt, h.Accountable = state.Accepted, by, at, h.Owner
	return h, nil
}

// Touch records that the buyer has heard from the receiver. What nobody has
// accepted is not touched, whoever spoke to the buyer.
func Touch(h state.Handoff, at time.Time) (state.Handoff, error) {
	if h.Stage != state.Accepted || at.IsZero() {
		return refuse(h, "touched")
	}
	h.Stage, h.TouchedAt = state.Touched, at
	return h, nil
}

// Complete ends a handoff that has reached its goal. Only what somebody has
// accepted can (1.14).
func Complete(h state.Handoff, at time.Time) (state.Handoff, error) {
	if h.Stage != state.Accepted && h.Stage != state.Touched || h.AcceptedAt.IsZero() {
		return refuse(h, "completed")
	}
	h.Stage, h.ClosedAt = state.Completed, at
	return h, nil
}

// Return ends a handoff that the receiver gave back. Whom it went to answers
// for the record from then on (0.12).
func Return(h state.Handoff, r state.Return) (state.Handoff, error) {
	switch h.Stage {
	case state.Assigned, state.Accepted, state.Touched:
	default:
		return refuse(h, "returned")
	}
	if h.Written.IsZero() || r.By == "" || r.To == "" {
		return refuse(h, "returned")
	}
	h.Stage, h.ClosedAt, h.Accountable, h.Returned = state.Returned, r.At, r.To, &r
	h.Note = "returned by " + r.By
	if r.Reason != "" {
		h.Note += ": " + r.Reason
	}
	return h, nil
}

// Explain adds the reason to a handoff that came back without one.
func Explain(h state.Handoff, reason, note string) (state.Handoff, error) {
	if h.Stage != state.Returned || h.Returned == nil || h.Returned.Reason != "" || reason == "" {
		return refuse(h, "explained")
	}
	r := *h.Returned
	r.Reason, r.Note = reason, note
	h.Returned = &r
	h.Note = "returned by " + r.By + ": " + reason
	return h, nil
}

// PassOn gives an assigned handoff that does not stand in the CRM yet to
// somebody else, because its receiver cannot own it.
func PassOn(h state.Handoff, owner string) (state.Handoff, error) {
	if h.Stage != state.Assigned || !h.Written.IsZero() || owner == "" {
		return refuse(h, "passed on")
	}
	if h.Accountable == h.Owner {
		h.Accountable = owner
	}
	if h.Backup == owner {
		h.Backup = ""
	}
	h.Owner = owner
	return h, nil
}

// Breach marks a handoff of which one clock has run out, once for each clock.
func Breach(h state.Handoff, clock string, at time.Time) (state.Handoff, error) {
	if _, told := h.Late[clock]; told || !h.Stage.Open() || h.Stage == state.Detected {
		return refuse(h, "breached")
	}
	late := make(map[string]time.Time, len(h.Late)+1)
	maps.Copy(late, h.Late)
	late[clock] = at
	h.Late = late
	if h.BreachedAt.IsZero() {
		h.BreachedAt = at
	}
	return h, nil
}

// Give moves a handoff that waits for its owner to act to somebody else. It is
// to be accepted anew, and stands in the CRM when that has been written. No
// deadline moves: the buyer waits since the first assignment.
func Give(h state.Handoff, owner, backup, accountable, why string, at time.Time) (state.Handoff, error) {
	if h.Stage != state.Assigned && h.Stage != state.Accepted || owner == "" || owner == h.Owner || accountable == "" {
		return refuse(h, "given to another")
	}
	h.Holders = holders(h, why, at)
	h = anew(h, !h.AcceptedAt.IsZero())
	h.Stage, h.Owner, h.Backup, h.Accountable = state.Assigned, owner, backup, accountable
	h.AcceptedAt, h.AcceptedBy, h.Written = time.Time{}, "", time.Time{}
	h.Again = nil // what was written for the owner before is no circle of the new one's
	return h, nil
}

// Keep gives a handoff back to the n-th of those who had it, who stands in the CRM and
// has just acted, as why says: whoever was to have it next does not stand there yet.
func Keep(h state.Handoff, n int, why string, written time.Time) (state.Handoff, error) {
	if h.Stage != state.Assigned || !h.Written.IsZero() || n < 0 || n >= len(h.Holders) {
		return refuse(h, "kept")
	}
	h.Accountable, h.Written = h.Holders[n].Who, written
	return backTo(h, n, why), nil
}

// NotDone takes back that a handoff is done: it was somebody else's by then.
func NotDone(h state.Handoff) (state.Handoff, error) {
	if h.Stage != state.Completed {
		return refuse(h, "taken for not done")
	}
	h.Stage, h.ClosedAt = state.Accepted, time.Time{}
	return h, nil
}

// Supersede ends a handoff because a person gave the record to somebody else,
// who is accountable from then on.
func Supersede(h state.Handoff, owner, note string, at time.Time) (state.Handoff, error) {
	switch h.Stage {
	case state.Held, state.Queued, state.Assigned, state.Accepted, state.Touched, state.Stalled:
	default:
		return refuse(h, "superseded")
	}
	h.Stage, h.Note, h.ClosedAt = state.Superseded, note, at
	if owner != "" {
		h.Accountable = owner
	}
	return h, nil
}

// Cancel ends a handoff that has nothing left to be about.
func Cancel(h state.Handoff, note string, at time.Time) (state.Handoff, error) {
	if !h.Stage.Open() {
		return refuse(h, "cancelled")
	}
	h.Stage, h.Note, h.ClosedAt = state.Cancelled, note, at
	return h, nil
}

// Aim says which record carries the handoff.
func Aim(h state.Handoff, target connectors.Ref) state.Handoff {
	h.Target = target
	return h
}

// Move follows a record that lives on as another.
func Move(h state.Handoff, from, to connectors.Ref) state.Handoff {
	for _, ref := range []*connectors.Ref{&h.Record, &h.Target, &h.Account} {
		if *ref == from {
			*ref = to
		}
	}
	h.Earlier = append(slices.Clone(h.Earlier), from)
	return h
}

// Track notes how far the write of one step has gone.
func Track(h state.Handoff, step string, e state.Effect) state.Handoff {
	effects := make(map[string]state.Effect, len(h.Effects)+1)
	maps.Copy(effects, h.Effects)
	effects[step] = e
	h.Effects = effects
	return h
}

// Forget takes back that a step was ever written.
func Forget(h state.Handoff, step string) state.Handoff {
	effects := maps.Clone(h.Effects)
	delete(effects, step)
	h.Effects = effects
	return h
}

// Remember notes what something held before the handoff, the first time only.
func Remember(h state.Handoff, before map[string]any) state.Handoff {
	all := make(map[string]any, len(h.Before)+len(before))
	maps.Copy(all, before)
	maps.Copy(all, h.Before)
	if len(all) > 0 {
		h.Before = all
	}
	return h
}

// Stands notes that the owner stands in the CRM, the first time only.
func Stands(h state.Handoff, at time.Time) state.Handoff {
	if h.Written.IsZero() {
		h.Written = at
	}
	return h
}

package engine

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// Decider asks the rules inside a transaction and remembers the answer. The
// lanes use it for what was seen and what is due, writeback for what was
// delivered: one place decides, so nothing is decided twice at once.
type Decider struct {
	Store   state.Store
	Book    *Book
	Mirror  *Mirror
	Wall    func() time.Time // for `now`
	Metrics *Metrics
	// Failures counts the calls that lanes and writers see fail; may be nil.
	Failures *Failures
	Log      *slog.Logger
	// Outbox are the bells of the destinations, rung after a commit.
	Outbox map[string]Bell
	// Lanes are rung when a timer may be due sooner.
	Lanes Bells

	away away
}

// Ask is one event to be decided, with what the CRMs answered to its needs.
type Ask struct {
	Event   plan.Event
	Answers Answers
	// Rules are those the record was read by: a reload in between must not
	// decide what was never asked for. Nil: those in force.
	Rules *plan.Rules
	// Done is run in the same transaction when the event was decided or put in
	// quarantine, and not when it has to wait. It has no effects outside the
	// transaction.
	Done func(tx state.Tx)
}

// Verdict is what became of one Ask.
type Verdict struct {
	Changes state.Changes
	Needs   []state.Need // ask again with these answered
	Wait    string       // not yet, and why
	Panic   string       // the event could not be decided at all
	Behind  bool         // not decided: an earlier step of the same handoff has to be, first
}

// Decide asks about each event in order, each seeing what the ones before it
// changed, and commits everything at once. before, where given, runs first in
// the same transaction.
func (d *Decider) Decide(ctx context.Context, before func(tx state.Tx), asks []Ask) ([]Verdict, error) {
	rules := d.Book.Rules()
	var verdicts []Verdict
	err := d.Store.Update(ctx, func(tx state.Tx) error {
		verdicts = make([]Verdict, len(asks)) // a store may run this again
		v := d.view(tx)
		if before != nil {
			before(tx)
		}
		open := map[string]bool{} // handoffs with a step that is not decided yet
		for i, ask := range asks {
			step, timed := ask.Event.(plan.Fired)
			if timed && open[step.Timer.Handoff] {
				verdicts[i].Behind = true
				continue
			}
			v.answers = ask.Answers
			said, err := d.one(v, cmp.Or(ask.Rules, rules), ask.Event)
			if err != nil {
				return err
			}
			verdicts[i] = said
			if timed && step.Timer.Handoff != "" && (len(said.Needs) > 0 || said.Wait != "") {
				open[step.Timer.Handoff] = true
			}
			if said.Panic != "" {
				putAside(tx, ask.Event, about(ask.Event)+said.Panic, d.Wall().UTC())
			}
			if len(said.Needs) == 0 && said.Wait == "" && ask.Done != nil {
				ask.Done(tx)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("decide: %w", err)
	}
	return verdicts, d.after(ctx, asks, verdicts)
}

// view is what the decisions of one transaction look at.
func (d *Decider) view(tx state.Tx) view {
	return view{tx: tx, mirror: d.Mirror, fresh: map[string][]connectors.Ref{}}
}

func (d *Decider) one(v view, rules *plan.Rules, ev plan.Event) (Verdict, error) {
	now := d.Wall().UTC()
	seen := plan.Record(v)
	changes, panicked, err := decideSafely(rules, now, seen, ev)
	switch {
	case err != nil:
		return Verdict{}, fmt.Errorf("decide %T: %w", ev, err)
	case panicked != "":
		return Verdict{Panic: panicked}, nil
	case len(changes.Needs) > 0:
		return Verdict{Needs: changes.Needs}, nil
	case changes.Wait != "":
		return Verdict{Wait: changes.Wait}, nil
	}
	state.Apply(v.tx, changes)
	v.keep(changes.Records)
	if !changes.Empty() {
		if err := d.keep(v.tx, now, rules, seen, ev, changes); err != nil {
			return Verdict{}, err
		}
	}
	return Verdict{Changes: changes}, nil
}

// decideSafely keeps one poisonous record from stopping the others (I10).
func decideSafely(r *plan.Rules, now time.Time, v plan.View, ev plan.Event) (c state.Changes, panicked string, err error) {
	defer func() {
		if p := recover(); p != nil {
			panicked = fmt.Sprint(p)
		}
	}()
	c, err = r.Decide(now, v, ev)
	return c, "", err
}

// keep stores the decision with everything it saw, so that it can be explained
// and made again.
func (d *Decider) keep(tx state.Tx, now time.Time, rules *plan.Rules, seen *plan.Recorder, ev plan.Event, c state.Changes) error {
	decision, records, err := plan.Keep(now, rules, seen, ev, c)
	if err != nil {
		return err
	}
	state.PutDecision(tx, decision, records)
	return nil
}

// after tells the rest of the daemon what was committed.
func (d *Decider) after(ctx context.Context, asks []Ask, verdicts []Verdict) error {
	ring := map[string]bool{}
	lanes := false
	var records []state.Record
	for n, v := range verdicts {
		if v.Panic != "" {
			d.Log.Error("event quarantined", "ref", refOf(asks[n].Event).String(), "error", v.Panic)
		}
		records = append(records, v.Changes.Records...)
		for _, i := range v.Changes.Intents {
			ring[i.Dest] = true
		}
		lanes = lanes || len(v.Changes.Timers) > 0 || len(v.Changes.Looks) > 0
		d.Metrics.decided(v)
	}
	d.Metrics.batch.Observe(float64(len(asks)))
	for dest := range ring {
		if bell, ok := d.Outbox[dest]; ok {
			bell.Ring()
		}
	}
	if lanes {
		d.Lanes.Ring()
	}
	return d.Mirror.Follow(ctx, d.Store, records)
}

// quarantine puts an event that cannot be decided where the admin sees it.
func quarantine(tx state.Tx, subject, why string, now time.Time) {
	state.AddListing(tx, state.Listing{
		List: "quarantined", Subject: subject, Text: why, Count: 1, First: now, Last: now,
	})
}

// putAside is quarantine for an event. A timer is kept, so that it can be tried
// again; a record is read again.
func putAside(tx state.Tx, ev plan.Event, why string, now time.Time) {
	name := refOf(ev).String()
	quarantine(tx, name, why, now)
	if f, ok := ev.(plan.Fired); ok {
		state.PutAside(tx, state.Aside{Name: name, At: now, Timer: &f.Timer})
	}
}

// about names what the record of an event does not: the handoff and the step
// of a write that was answered.
func about(ev plan.Event) string {
	if d, ok := ev.(plan.Delivered); ok {
		return "handoff " + d.Intent.Handoff + ", step " + d.Intent.Step + ": "
	}
	return ""
}

// refOf is what an event is about; a timer has a name of its own.
func refOf(ev plan.Event) connectors.Ref {
	switch ev := ev.(type) {
	case plan.Observed:
		return ev.Record.Ref
	case plan.Fired:
		return timerRef(ev.Timer)
	case plan.Delivered:
		return ev.Intent.Write.Ref
	case plan.Undo:
		return connectors.Ref{Kind: "undo", ID: strings.Join(ev.Handoffs, " ")}
	case plan.Reassign:
		return connectors.Ref{Kind: "handoff", ID: ev.Handoff}
	}
	return connectors.Ref{}
}

// timerRef stands for a timer among the things that wait.
func timerRef(t state.Timer) connectors.Ref { return connectors.Ref{Kind: "timer", ID: t.ID} }

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// Orders carries out what an operator asks of many handoffs at once. It decides
// on the same rules and in the same transactions as the lanes do, so that an
// order and what happens meanwhile see each other.
type Orders struct {
	Decider *Decider
	Conns   map[string]connectors.Connector
	Gates   map[string]*Gate
	Log     *slog.Logger
}

// errTried ends a transaction of which nothing is to stay.
var errTried = errors.New("only tried")

// Try decides as Decide does and keeps nothing: what it answers is what would
// have been done.
func (d *Decider) Try(ctx context.Context, asks []Ask) ([]Verdict, error) {
	rules := d.Book.Rules()
	var verdicts []Verdict
	err := d.Store.Update(ctx, func(tx state.Tx) error {
		verdicts = make([]Verdict, len(asks))
		v := d.view(tx)
		for i, ask := range asks {
			v.answers = ask.Answers
			said, err := d.one(v, rules, ask.Event)
			if err != nil {
				return err
			}
			verdicts[i] = said
		}
		if err := tx.Err(); err != nil {
			return err
		}
		return errTried
	})
	if !errors.Is(err, errTried) {
		return nil, fmt.Errorf("try: %w", err)
	}
	return verdicts, nil
}

// Run decides about every event in turn, asking the CRMs what that needs. It
// keeps the outcome only if apply says so. A verdict with Needs is one that no
// CRM would answer.
func (o *Orders) Run(ctx context.Context, events []plan.Event, apply bool) ([]Verdict, error) {
	decide := o.Decider.Try
	if apply {
		decide = func(ctx context.Context, asks []Ask) ([]Verdict, error) { return o.Decider.Decide(ctx, nil, asks) }
	}
	lane := &Lane{Decider: o.Decider, Conns: o.Conns, Gates: o.Gates, Log: o.Log, hold: map[batch]pause{}, waiting: map[connectors.Ref]wait{}}
	for name := range o.Conns {
		lane.Group = append(lane.Group, name)
	}
	out := make([]Verdict, len(events))
	asks, at := make([]Ask, len(events)), make([]int, len(events))
	for i, ev := range events {
		asks[i], at[i] = Ask{Event: ev}, i
	}
	const rounds = 4 // a field that differs leads to a question, and its answer to no other
	for range rounds {
		verdicts, err := decide(ctx, asks)
		if err != nil {
			return nil, err
		}
		answers := Answers{}
		if needs := needsOf(verdicts); len(needs) > 0 {
			answers = lane.ask(ctx, o.Decider.Book.Rules(), needs)
		}
		var again []Ask
		var still []int
		for n, v := range verdicts {
			out[at[n]] = v
			if len(v.Needs) == 0 {
				continue
			}
			again = append(again, withAnswers(asks[n], v.Needs, answers))
			still = append(still, at[n])
		}
		if len(again) == 0 {
			break
		}
		asks, at = again, still
	}
	return out, nil
}

// withAnswers is an ask with what was answered to its needs. What a CRM does
// not tell is answered too: an order does not wait.
func withAnswers(ask Ask, needs []state.Need, answers Answers) Ask {
	all := Answers{}
	for id, a := range ask.Answers {
		all[id] = a
	}
	for _, n := range needs {
		a, ok := answers[n.ID()]
		if !ok {
			a = Answer{Trail: state.Trail{Unseen: true}}
		}
		all[n.ID()] = a
	}
	ask.Answers = all
	return ask
}

// Read reads records as they are now, a kind in one call. What cannot be read
// is left out of the answer.
func (o *Orders) Read(ctx context.Context, conn string, kind connectors.Kind, ids, fields []string) ([]connectors.Object, error) {
	c, ok := o.Conns[conn]
	if !ok || !o.Gates[conn].Open() {
		return nil, fmt.Errorf("%s cannot be read now", conn)
	}
	var found []connectors.Object
	err := Safely("read", func() (err error) {
		found, err = c.Read(connectors.Urgent(ctx), kind, ids, fields)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s from %s: %w", kind, conn, err)
	}
	return found, nil
}

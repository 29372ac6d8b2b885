package ingest

import (
	"context"
	"fmt"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// rank is how urgent a polled change is: behind the webhooks, and where it
// brings the record along, the more so the hotter the signal it may hold.
func rank(rules *plan.Rules, c connectors.Change) int {
	if c.Object == nil {
		return 1
	}
	r, err := normalize(rules, *c.Object)
	if err != nil {
		return 1 // the lane says what is wrong with it
	}
	return 1 + min(rules.Urgency(r), state.MaxRank-1)
}

// normalize reads a record; one that nobody can read must not take the process
// down each time its page is polled (I10).
func normalize(rules *plan.Rules, o connectors.Object) (r state.Record, err error) {
	err = engine.Safely("normalize", func() error {
		r, _ = rules.Normalize(o)
		return nil
	})
	return r, err
}

// mirror keeps a listed record unless a newer reading of it is there.
func (p *Poller) mirror(tx state.Tx, rules *plan.Rules, o connectors.Object) (state.Record, bool) {
	r, err := normalize(rules, o)
	if err != nil {
		p.Log.Error("record not mirrored", "ref", o.Ref.String(), "error", err)
		return r, false
	}
	old, ok := state.GetRecord(tx, r.Ref)
	if ok && old.Version > r.Version {
		return old, false
	}
	state.PutRecord(tx, r)
	since := p.Wall().UTC()
	if conn, _ := state.GetConn(tx, p.Conn); !ok {
		since = conn.Live
	}
	for _, t := range rules.Wakings(r, since) {
		state.SetTimer(tx, t)
	}
	return r, true
}

// complete remembers that the mirror has been filled once; from then on "no
// match" is an answer.
func (p *Poller) complete(ctx context.Context, listed bool) error {
	if !listed || p.mirrored {
		return nil
	}
	err := p.Store.Update(ctx, func(tx state.Tx) error {
		c, _ := state.GetConn(tx, p.Conn)
		c.Name, c.Mirror = p.Conn, true
		state.PutConn(tx, c)
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("keep the connection: %w", err)
	}
	p.mirrored = true
	p.Lanes.Ring()
	return nil
}

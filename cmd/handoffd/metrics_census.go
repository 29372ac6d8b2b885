package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
)

// census is a count of what can only be counted by walking it.
type census struct {
	at       time.Time
	open     map[string]int // handoffs by stage
	unowned  int
	overdue  int
	late     map[string]int // by clock: its breach was told and the handoff is open
	listed   map[string]int
	oldest   map[string]time.Time // of the outbox, by connection
	stuck    map[string]int
	dead     map[[2]string]int // by connection and class
	conns    []string
	handoffs int // all of them, the closed ones too
}

// census counts, unless that was done a moment ago.
func (g *gauges) census(ctx context.Context, now time.Time) (census, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.taken.at.IsZero() && now.Sub(g.taken.at) < censusAge && !now.Before(g.taken.at) {
		return g.taken, nil
	}
	c := census{
		at: now, open: map[string]int{}, late: map[string]int{}, listed: map[string]int{}, oldest: map[string]time.Time{},
		stuck: map[string]int{}, dead: map[[2]string]int{},
	}
	for _, stage := range openStages {
		c.open[string(stage)] = 0
	}
	store := g.d.config.Store
	err := walk(ctx, store, state.Handoffs, func(tx state.Tx, key string) {
		if h, ok := state.GetHandoff(tx, key); ok {
			c.handoff(h, now)
		}
	})
	if err == nil {
		err = walk(ctx, store, state.Outbox, func(tx state.Tx, key string) {
			if i, ok := state.GetIntent(tx, key); ok {
				c.intent(i, now)
			}
		})
	}
	if err == nil {
		err = store.View(ctx, func(tx state.Tx) error {
			clear(c.listed)
			for _, l := range state.AllListings(tx) {
				c.listed[l.List]++
			}
			c.conns = nil
			for _, conn := range state.AllConns(tx) {
				c.conns = append(c.conns, conn.Name)
			}
			return tx.Err()
		})
	}
	if err == nil {
		g.taken = c
	}
	return c, err
}

// openStages are shown with a 0 as well, so that an alert on one is never an
// alert on nothing.
var openStages = [...]state.Stage{state.Held, state.Queued, state.Assigned, state.Accepted, state.Touched}

// walk visits every key of a bucket, in snapshots short enough not to hold the
// state's pages for long.
func walk(ctx context.Context, store state.Store, b state.Bucket, visit func(state.Tx, string)) error {
	from := []byte(nil)
	for more := true; more; {
		err := store.View(ctx, func(tx state.Tx) error {
			n := 0
			more = false
			for k := range tx.Scan(b, from, nil) {
				if n == censusPage {
					from, more = slices.Clone(k), true
					break
				}
				visit(tx, string(k))
				n++
			}
			return tx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *census) handoff(h state.Handoff, now time.Time) {
	c.handoffs++
	if !h.Stage.Open() {
		return
	}
	c.open[string(h.Stage)]++
	if h.Accountable == "" && h.Owner == "" {
		c.unowned++
	}
	for clock := range h.Late {
		c.late[clock]++
	}
	if h.Stage == state.Assigned && !h.AcceptBy.IsZero() && h.AcceptBy.Before(now) {
		c.overdue++
	}
}

func (c *census) intent(i state.Intent, now time.Time) {
	if i.State == state.Parked {
		c.dead[[2]string{i.Dest, i.Class}]++
		return
	}
	if old, ok := c.oldest[i.Dest]; !ok || i.Created.Before(old) {
		c.oldest[i.Dest] = i.Created
	}
	if i.State == state.Sending && now.Sub(i.SentAt) > sendingStuck {
		c.stuck[i.Dest]++
	}
}

func (c *census) collect(d gaugeDescs, set setter, now time.Time) {
	for _, stage := range slices.Sorted(maps.Keys(c.open)) {
		set(d.open, float64(c.open[stage]), stage)
	}
	set(d.unowned, float64(c.unowned))
	set(d.overdue, float64(c.overdue))
	for _, clock := range mappings.ClockNames() {
		set(d.breached, float64(c.late[clock]), clock)
	}
	for _, list := range slices.Sorted(maps.Keys(c.listed)) {
		set(d.listed, float64(c.listed[list]), list)
	}
	for _, conn := range c.conns {
		set(d.outboxOldest, seconds(now, c.oldest[conn]), conn)
		set(d.stuck, float64(c.stuck[conn]), conn)
	}
	for key, n := range c.dead {
		set(d.dead, float64(n), key[0], key[1])
	}
}

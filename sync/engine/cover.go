package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// Covers hands over what somebody has open when their cover begins, where the
// admin wants that (open_ones). It happens once for each cover, as late as the
// daemon was away; what comes to them later goes to who covers anyway, and
// what was handed over stays there: no buyer changes hands twice.
type Covers struct {
	Orders *Orders
	Wall   func() time.Time
	Log    *slog.Logger
}

// coverTick is how late a cover may begin.
const coverTick = 20 * time.Second

// Run works until ctx ends. The error, if any, is the store's.
func (c *Covers) Run(ctx context.Context) error {
	tick := time.NewTicker(coverTick)
	defer tick.Stop()
	for {
		if err := c.round(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("hand over to who covers: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *Covers) round(ctx context.Context) error {
	now := c.Wall().UTC()
	for _, cover := range c.Orders.Decider.Book.Rules().Covers(now) {
		events, done, err := c.open(ctx, cover)
		if err != nil || done {
			if err != nil {
				return err
			}
			continue
		}
		if len(events) > 0 {
			if _, err := c.Orders.Run(ctx, events, true); err != nil {
				return err
			}
		}
		stayed := 0
		err = c.Orders.Decider.Store.Update(ctx, func(tx state.Tx) error {
			stayed = stays(tx, cover, events, now)
			state.PutCover(tx, cover.Name, now)
			return tx.Err()
		})
		if err != nil {
			return err
		}
		if len(events) > 0 {
			c.Log.Info("open handoffs go to who covers", "person", cover.Who, "by", cover.By, "count", len(events)-stayed, "stayed", stayed)
		}
	}
	return nil
}

// open is an order for everything that somebody has open.
func (c *Covers) open(ctx context.Context, cover plan.Cover) (events []plan.Event, done bool, err error) {
	err = c.Orders.Decider.Store.View(ctx, func(tx state.Tx) error {
		events = nil
		if _, done = state.GetCover(tx, cover.Name); done {
			return tx.Err()
		}
		for _, h := range state.AllHandoffs(tx) {
			if h.Owner == cover.Who && h.Stage.Open() && !h.Observed {
				events = append(events, plan.Reassign{Handoff: h.ID, To: cover.By, By: "cover for " + cover.Who, Rule: cover.Rule})
			}
		}
		return tx.Err()
	})
	return events, done, err
}

// stays lists what is still with who is away, because who covers could not take it, and
// says how much that is.
func stays(tx state.Tx, cover plan.Cover, events []plan.Event, now time.Time) (stayed int) {
	for _, ev := range events {
		order, _ := ev.(plan.Reassign)
		h, ok := state.GetHandoff(tx, order.Handoff)
		if !ok || h.Owner != cover.Who || !h.Stage.Open() {
			continue
		}
		stayed++
		state.AddListing(tx, state.Listing{
			List: "unowned", Subject: h.ID, Count: 1, First: now, Last: now,
			Text: fmt.Sprintf("%s: %s, who is away, has it still, for %s could not take it (%s); give it to somebody: handoffd reassign", h.Type, cover.Who, cover.By, cover.Rule),
		})
	}
	return stayed
}

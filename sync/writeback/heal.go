package writeback

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/handoff"
)

const (
	// healEvery is how often a create is looked for that was sent again and
	// may yet be done a second time, and healFor how long: no CRM works longer
	// at one request. Where the look itself fails it is made again sooner: while a
	// second task stands, somebody sees it.
	healEvery = time.Minute
	healAgain = 10 * time.Second
	healFor   = 15 * time.Minute
	healMost  = 24 * time.Hour // after that a look that keeps failing is given up
	healBatch = 200
)

// doubtful is what is to be watched of a create that is about to be sent again.
func doubtful(i state.Intent, now time.Time) state.Doubt {
	return state.Doubt{Handoff: i.Handoff, Step: i.Step, Write: i.Write, Due: now.UTC().Add(healEvery), Until: now.UTC().Add(healFor)}
}

// heal looks for tasks that were made twice where the CRM takes a second one
// with the same key, and takes the second away. The one that a person has
// begun to work with stays, else the one we know of, else the oldest. Where
// people have begun to work with both, both stay and are listed.
func (w *Writer) heal(ctx context.Context, now time.Time) error {
	healer, ok := w.Connector.(connectors.Healer)
	if !ok {
		return nil
	}
	due, known, err := w.doubted(ctx, now)
	if err != nil || len(due) == 0 {
		return err
	}
	writes := make([]connectors.Write, len(due))
	for n, d := range due {
		writes[n] = d.Write
	}
	var copies [][]connectors.Copy
	err = engine.Safely("look for copies", func() (err error) {
		copies, err = healer.Copies(ctx, writes)
		return err
	})
	if err == nil && len(copies) != len(due) {
		err = fmt.Errorf("%d of %d tasks were looked for", len(copies), len(due))
	}
	var gone []connectors.Ref
	var healed []cured
	if err == nil {
		for n, d := range due {
			c := cure(d, copies[n], known[n])
			gone, healed = append(gone, c.gone...), append(healed, c)
		}
		if len(gone) > 0 {
			err = engine.Safely("remove copies", func() error { return healer.Remove(ctx, gone) })
		}
	}
	if err != nil {
		e := connectors.AsError("look for copies", err)
		w.failed("heal", e)
		if holdsConnection(e.Class) {
			w.leaveAlone("heal", e)
		}
		return w.lookAnew(ctx, due, now)
	}
	w.answered("heal")
	return w.healed(ctx, healed, now)
}

// doubted are the tasks to look for now, and which of them the handoffs know.
func (w *Writer) doubted(ctx context.Context, now time.Time) (due []state.Doubt, known []connectors.Ref, err error) {
	err = w.Decider.Store.View(ctx, func(tx state.Tx) error {
		due, known = nil, nil
		for _, d := range state.Doubts(tx, w.Conn) {
			if len(due) < healBatch && !now.Before(d.Due) {
				due = append(due, d)
			}
		}
		if len(due) == 0 || !state.MayWrite(tx, w.Conn) {
			due = nil
			return tx.Err()
		}
		for _, d := range due {
			h, _ := state.GetHandoff(tx, d.Handoff)
			known = append(known, h.Effects[d.Step].Ref)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read what may have been made twice: %w", err)
	}
	return due, known, nil
}

// cured is what is done about one task.
type cured struct {
	doubt state.Doubt
	keep  connectors.Ref // zero: there is none yet
	gone  []connectors.Ref
	both  []connectors.Ref // that people work with
}

// cure says which copy stays.
func cure(d state.Doubt, copies []connectors.Copy, known connectors.Ref) cured {
	c := cured{doubt: d}
	if len(copies) == 0 {
		return c
	}
	keep := slices.IndexFunc(copies, func(c connectors.Copy) bool { return c.Touched && c.Ref == known })
	for _, better := range []func(connectors.Copy) bool{
		func(c connectors.Copy) bool { return c.Touched },
		func(c connectors.Copy) bool { return c.Ref == known },
	} {
		if keep < 0 {
			keep = slices.IndexFunc(copies, better)
		}
	}
	c.keep = copies[max(keep, 0)].Ref
	for n, o := range copies {
		switch {
		case n == max(keep, 0):
		case o.Touched:
			c.both = append(c.both, o.Ref)
		default:
			c.gone = append(c.gone, o.Ref)
		}
	}
	return c
}

// listTwice lists tasks that stand twice because people work with both.
const listTwice = "twice"

// healed notes what was done, and when to look again.
func (w *Writer) healed(ctx context.Context, all []cured, now time.Time) error {
	now = now.UTC()
	err := w.Decider.Store.Update(ctx, func(tx state.Tx) error {
		for _, c := range all {
			h, there := state.GetHandoff(tx, c.doubt.Handoff)
			if e := h.Effects[c.doubt.Step]; there && e.Key == c.doubt.Write.Key && e.Ref.ID != "" && slices.Contains(c.gone, e.Ref) {
				e.Ref = c.keep
				state.PutHandoff(tx, handoff.Track(h, c.doubt.Step, e))
			}
			for _, ref := range c.gone {
				state.AppendAudit(tx, state.AuditRow{
					At: now, Actor: "handoffd", Action: "healed", Subject: c.doubt.Handoff, Detail: map[string]string{"kept": c.keep.String(), "removed": ref.String()},
				})
			}
			for _, ref := range c.both {
				state.AddListing(tx, state.Listing{
					List: listTwice, Subject: ref.String(), First: now, Last: now, Text: "a second task of one handoff beside " + c.keep.String() + "; somebody works with it, so it stays",
				})
			}
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("keep what was healed: %w", err)
	}
	due := make([]state.Doubt, len(all))
	for n, c := range all {
		due[n] = c.doubt
		w.Metrics.healed.Add(float64(len(c.gone)))
	}
	return w.lookLater(ctx, due, now)
}

// lookLater puts the next look off, or ends them.
func (w *Writer) lookLater(ctx context.Context, due []state.Doubt, now time.Time) error {
	return w.keepDoubts(ctx, due, func(tx state.Tx, d state.Doubt) {
		if !now.Before(d.Until) {
			state.DropDoubt(tx, d)
			return
		}
		d.Due = now.UTC().Add(healEvery)
		state.PutDoubt(tx, d)
	})
}

// lookAnew has a look made again that failed: soon, and less often once the last one
// should have been made. One that was never made is listed in the end.
func (w *Writer) lookAnew(ctx context.Context, due []state.Doubt, now time.Time) error {
	return w.keepDoubts(ctx, due, func(tx state.Tx, d state.Doubt) {
		late := now.Sub(d.Until)
		if late > healMost {
			state.AddListing(tx, state.Listing{
				List: listTwice, Subject: d.Handoff + " " + d.Step, Count: 1, First: now, Last: now,
				Text: "it may have been made twice, and the CRM could not be asked for a day: look whether there are two",
			})
			state.DropDoubt(tx, d)
			return
		}
		d.Due = now.UTC().Add(max(healAgain, late))
		state.PutDoubt(tx, d)
	})
}

func (w *Writer) keepDoubts(ctx context.Context, due []state.Doubt, keep func(tx state.Tx, d state.Doubt)) error {
	err := w.Decider.Store.Update(ctx, func(tx state.Tx) error {
		for _, d := range due {
			keep(tx, d)
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("keep what may have been made twice: %w", err)
	}
	return nil
}

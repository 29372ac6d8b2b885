package writeback

import (
	"context"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// What keeps a writer from doing much harm by itself (G11): the first writes to
// a connection wait until somebody has looked at them, and writing stops where
// more owners were to change than `safety:` allows.

// tryOut puts a connection that was never written on trial, once, where
// `safety: {first_writes: …}` asks for that.
func (w *Writer) tryOut(ctx context.Context) error {
	if w.tried || w.Decider.Book.Rules().Safety().FirstWrites == 0 {
		return nil
	}
	known := false
	err := w.Decider.Store.View(ctx, func(tx state.Tx) error {
		c, ok := state.GetConn(tx, w.Conn)
		known = ok && c.First != nil
		return tx.Err()
	})
	if err == nil && !known {
		err = w.Decider.Store.Update(ctx, func(tx state.Tx) error {
			c, ok := state.GetConn(tx, w.Conn)
			if ok && c.First == nil {
				c.First = &state.First{Over: !state.Untouched(tx, w.Conn)}
				state.PutConn(tx, c)
			}
			return tx.Err()
		})
	}
	if err != nil {
		return fmt.Errorf("look whether anything was written before: %w", err)
	}
	w.tried = true
	return nil
}

// onTrial reports whether what is not approved stays for now.
func onTrial(tx state.Tx, s plan.Safety, conn string) bool {
	return s.FirstWrites > 0 && state.OnTrial(tx, conn)
}

// passed counts a write that stands in the CRM towards the end of the trial.
func passed(tx state.Tx, s plan.Safety, conn string, at time.Time) {
	if !onTrial(tx, s, conn) {
		return
	}
	c, _ := state.GetConn(tx, conn)
	first := *c.First
	if first.Done++; first.Done >= s.FirstWrites {
		first.Over = true
		state.AppendAudit(tx, state.AuditRow{
			At: at, Actor: "handoffd", Action: "first writes done", Subject: conn, Detail: map[string]string{"writes": fmt.Sprint(first.Done)},
		})
	}
	c.First = &first
	state.PutConn(tx, c)
}

// keptMoves is for how long owner changes are counted beyond the stretch
// that safety speaks of: a backlog is counted by when it began.
const keptMoves = 7 * 24 * time.Hour

// admit counts the owner changes that are about to leave, each once and
// durably, and stops all writing where there would be more than safety allows
// within its time. It reports whether it did: nothing of the batch leaves then.
//
// A change counts at the instant of what led to it, as the CRM dates it: what
// piled up during an outage counts over the hours in which it did. What an
// operator ordered, or has let go, does not count.
func (w *Writer) admit(ctx context.Context, b batch) (stopped bool, err error) {
	rules := w.Decider.Book.Rules()
	s, moves := rules.Safety(), false
	for _, i := range b.entries {
		moves = moves || !i.Moves.IsZero()
	}
	if s.OwnerChanges == 0 || !moves {
		return false, nil
	}
	now := w.Decider.Wall().UTC()
	var told state.Changes
	err = w.Decider.Store.Update(ctx, func(tx state.Tx) error {
		stopped, told = false, state.Changes{}
		fresh := uncounted(tx, b)
		if len(fresh) == 0 {
			return tx.Err()
		}
		from, to := fresh[0].Moves, fresh[0].Moves
		for _, i := range fresh {
			if i.Moves.Before(from) {
				from = i.Moves
			}
			if i.Moves.After(to) {
				to = i.Moves
			}
		}
		seen := state.MovesBetween(tx, from.Add(-s.In), to.Add(s.In))
		for _, i := range fresh {
			fits := false
			if seen, fits = state.Fits(seen, i.Moves, s.In, s.OwnerChanges); !fits {
				stopped = true
				told = stop(tx, rules, i, now)
				return tx.Err()
			}
		}
		for _, i := range fresh {
			state.CountMove(tx, i)
		}
		state.ForgetMoves(tx, now.Add(-keptMoves-s.In))
		return tx.Err()
	})
	if err != nil {
		return false, fmt.Errorf("count owner changes: %w", err)
	}
	if stopped {
		w.Log.Error("writing has stopped by itself: too many owners change; look, then `handoffd approve`", "conn", w.Conn)
	}
	for _, i := range told.Intents {
		if bell, ok := w.Decider.Outbox[i.Dest]; ok {
			bell.Ring()
		}
	}
	return stopped, nil
}

// uncounted are the owner changes of a batch that count and have not yet.
func uncounted(tx state.Tx, b batch) []state.Intent {
	letGo := state.LetGo(tx)
	var out []state.Intent
	for _, i := range b.entries {
		if !i.Moves.IsZero() && i.Created.After(letGo) && !state.CountedMove(tx, i) {
			out = append(out, i)
		}
	}
	return out
}

// stop stops all writing, and says so wherever somebody may look. It reports
// what was decided; nothing where writing has stopped already.
func stop(tx state.Tx, r *plan.Rules, i state.Intent, now time.Time) state.Changes {
	if state.StoppedItself(tx) {
		return state.Changes{}
	}
	c := r.Stop(now, subjectOf(i))
	state.Apply(tx, c)
	return c
}

func subjectOf(i state.Intent) string {
	if i.Write.Creates() {
		return "handoff " + i.Handoff
	}
	return i.Write.Ref.String()
}

// remember keeps what a write that stands in the CRM has written over.
func remember(tx state.Tx, o outcome, at time.Time) {
	d := o.delivered
	if d == nil || o.keep || d.Err != "" || d.Class != "" || !o.entry.Keeps() {
		return
	}
	ref := d.Ref
	if ref.ID == "" {
		ref = o.entry.Write.Ref
	}
	if ref == (connectors.Ref{}) || ref.ID == "" {
		return
	}
	b, _ := state.GetBefore(tx, ref)
	state.PutBefore(tx, b.Wrote(o.entry, ref, d.Skipped, at))
}

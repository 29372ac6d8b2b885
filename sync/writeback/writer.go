// Package writeback sends what was decided. One writer per connection takes
// the outbox entries that are due, the most urgent tier first, sends them as
// one batch, and commits each outcome together with what is decided about it.
//
// A create is marked as leaving before it leaves. One whose answer never came
// is looked up by its key before it is sent again; where the CRM itself
// refuses a second object with the same key, sending again is the look-up
// (design §8, failure-model §2.1).
package writeback

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// Writer sends the outbox of one connection.
type Writer struct {
	Conn      string
	Connector connectors.Connector
	Decider   *engine.Decider
	Bell      engine.Bell
	Metrics   *Metrics
	Log       *slog.Logger
	Epoch     uint64 // of this process; an entry sent in an earlier one is uncertain
	Limit     int    // entries a batch; 0: 400

	hold time.Time // the whole connection is left alone until then
	wait time.Duration
}

const (
	defaultLimit = 400
	firstWait    = time.Second
	longestWait  = time.Minute
	longestSleep = 5 * time.Second // a pause has to be noticed within 5 s
	// A read this old may have been overtaken by a person; the record is read
	// again before its owner is written (design §1.5).
	freshRead = 5 * time.Second
	// grace is how long a call that has begun may go on after a stop was asked.
	grace = 8 * time.Second
)

// Run sends until ctx ends; a call that has begun is finished and its outcome
// kept. The error, if any, is the store's.
func (w *Writer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		worked, err := w.round(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("write to %s: %w", w.Conn, err)
		}
		if !worked {
			w.sleep(ctx)
		}
	}
	return nil
}

// round sends one batch. It reports whether there was one.
func (w *Writer) round(ctx context.Context) (bool, error) {
	now := w.Decider.Wall()
	if now.Before(w.hold) {
		return false, nil
	}
	batch, err := w.take(ctx, now)
	if err != nil || batch.empty() {
		return false, err
	}
	settled, err := w.lookUp(ctx, batch, now)
	if err != nil {
		return true, err
	}
	if settled {
		return true, nil
	}
	if again, err := w.readAgain(ctx, batch, now); err != nil || again {
		return true, err
	}
	return true, w.send(ctx, batch)
}

// send marks the creates, makes the call and keeps the outcomes.
func (w *Writer) send(ctx context.Context, b batch) error {
	if err := w.mark(ctx, b); err != nil {
		return err
	}
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	defer stop()
	answered := w.Decider.Send(b.updates())
	defer answered()
	began := w.Decider.Wall()
	results, err := w.Connector.Apply(call, b.writes())
	if err != nil {
		// Nothing was attempted: every entry has the call's error.
		results = make([]connectors.Result, len(b.entries))
		for i := range results {
			results[i] = connectors.Result{Key: b.entries[i].Write.Key, Err: connectors.AsError("write", err)}
		}
	}
	return w.settle(context.WithoutCancel(ctx), b, results, began)
}

// mark notes, durably, that the creates of the batch are about to leave.
func (w *Writer) mark(ctx context.Context, b batch) error {
	creates := false
	for _, i := range b.entries {
		creates = creates || i.Write.Creates()
	}
	if !creates {
		return nil
	}
	now := w.Decider.Wall().UTC()
	return w.Decider.Store.Update(ctx, func(tx state.Tx) error {
		for n, i := range b.entries {
			if !i.Write.Creates() {
				continue
			}
			i.State, i.SentAt, i.Epoch, i.Looked = state.Sending, now, w.Epoch, 0
			i.Attempts++
			state.PutIntent(tx, i)
			b.entries[n] = i
		}
		return tx.Err()
	})
}

func (w *Writer) failed(doing string, err error) {
	w.Decider.Failures.Note(w.Conn, doing, err, w.Decider.Wall())
}

// leaveAlone holds the connection after a failure that is not about one write.
func (w *Writer) leaveAlone(e *connectors.Error) {
	w.wait = min(max(2*w.wait, firstWait), longestWait)
	if e.RetryAfter > 0 {
		w.wait = max(min(e.RetryAfter, longestWait), time.Second)
	}
	w.hold = w.Decider.Wall().Add(w.wait)
	w.Log.Warn("cannot write to the CRM", "conn", w.Conn, "class", e.Class.String(), "error", e, "again_in", w.wait)
}

// sleep waits for the bell or for what is due next.
func (w *Writer) sleep(ctx context.Context) {
	now := w.Decider.Wall()
	d := longestSleep
	if w.hold.After(now) {
		d = min(d, w.hold.Sub(now))
	}
	_ = w.Decider.Store.View(ctx, func(tx state.Tx) error { // a failure shows in the next round
		if due, ok := state.NextDue(tx, w.Conn); ok && due.After(now) && !w.hold.After(now) {
			d = min(d, max(due.Sub(now), time.Millisecond))
		}
		return nil
	})
	wake := time.NewTimer(d)
	defer wake.Stop()
	select {
	case <-ctx.Done():
	case <-w.Bell:
	case <-wake.C:
	}
}

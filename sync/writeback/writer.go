// Package writeback sends what was decided. One writer per connection takes
// the outbox entries that are due, the most urgent tier first, sends them as
// one batch, and commits each outcome together with what is decided about it.
//
// A create is marked as leaving before it leaves. One whose answer never came
// is looked up by its key before it is sent again; where the CRM itself
// refuses a second object with the same key, sending again is the look-up.
package writeback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	Gate      *engine.Gate // nil: open
	Epoch     uint64       // of this process; an entry sent in an earlier one is uncertain
	Limit     int          // entries a batch; 0: 400

	hold     time.Time      // the whole connection is left alone until then
	failures map[string]int // of the connection in a row, by what it was to do

	order  order
	denied denied
	alone  int  // so many more leave one by one
	tried  bool // whether the connection is on trial has been found out
}

const (
	defaultLimit = 400
	longestWait  = time.Minute
	longestSleep = 5 * time.Second // a pause has to be noticed within 5 s
	// grace is how long a call that has begun may go on after a stop was asked.
	grace = 8 * time.Second
)

// Run sends until ctx ends; a call that has begun is finished and its outcome
// kept. The error, if any, is the store's.
func (w *Writer) Run(ctx context.Context) error {
	if err := w.takeUp(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("write to %s: %w", w.Conn, err)
	}
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

// takeUp takes up the outbox of an earlier process. A change of an owner may have left
// with it, unanswered: it counts as tried, so that what it has done is looked for and not
// taken for somebody's. A create was marked before it left.
func (w *Writer) takeUp(ctx context.Context) error {
	var left, unsure []state.Intent
	err := w.Decider.Store.View(ctx, func(tx state.Tx) error {
		left, unsure = nil, nil
		for _, i := range state.AllIntents(tx) {
			if i.Dest != w.Conn || i.State == state.Parked {
				continue
			}
			left = append(left, i)
			if len(i.Expect) > 0 && i.Attempts == 0 && !i.Write.Creates() {
				i.Attempts = 1
				unsure = append(unsure, i)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("take up what is left to write: %w", err)
	}
	w.order.fill(left)
	return w.replace(ctx, unsure)
}

// round sends one batch. It reports whether there was one.
func (w *Writer) round(ctx context.Context) (bool, error) {
	now := w.Decider.Wall()
	if engine.Paused(now, w.hold, longestWait) || !w.Gate.Open() || w.Decider.Book.Rules().Observing() {
		return false, nil
	}
	if err := w.heal(ctx, now); err != nil {
		return false, err
	}
	if err := w.tryOut(ctx); err != nil {
		return false, err
	}
	due, err := w.take(ctx, now)
	if err != nil {
		return false, err
	}
	if tidied, err := w.tidy(ctx, due); err != nil || tidied {
		return true, err
	}
	batch := due.batch
	if batch.empty() {
		return false, nil
	}
	settled, err := w.lookUp(ctx, batch, now)
	if err != nil {
		return true, err
	}
	if settled {
		return true, nil
	}
	batch = batch.under(w.Connector)
	if again, err := w.readAgain(ctx, batch, now); err != nil || again {
		return true, err
	}
	if stopped, err := w.admit(ctx, batch); err != nil || stopped {
		return !stopped, err
	}
	return true, w.send(ctx, batch)
}

// send marks the creates, makes the call and keeps the outcomes.
func (w *Writer) send(ctx context.Context, b batch) error {
	b, err := w.mark(ctx, b)
	if err != nil || b.empty() {
		return err
	}
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	defer stop()
	answered := w.Decider.Send(b.updates())
	defer answered()
	began := w.Decider.Wall()
	w.alone = max(0, w.alone-1)
	results := w.apply(call, b)
	return w.settle(context.WithoutCancel(ctx), b, results, began)
}

// errLost is a connector that has lost its head over what it was to write.
var errLost = errors.New("the connector failed")

// apply makes the call. There is a result for every entry, whatever happens:
// where the connector loses its head, nobody knows what it has done.
func (w *Writer) apply(ctx context.Context, b batch) []connectors.Result {
	var results []connectors.Result
	var refused *connectors.Error // nothing was attempted
	lost := engine.Safely("write", func() error {
		var err error
		results, err = w.Connector.Apply(ctx, b.leaving(w.Decider.Wall()))
		refused = connectors.AsError("write", err)
		return nil
	})
	if refused == nil && lost == nil && len(results) != len(b.entries) {
		lost = fmt.Errorf("%d of %d writes were answered", len(results), len(b.entries))
	}
	if lost != nil {
		w.Log.Error("the connector failed", "conn", w.Conn, "error", lost)
		refused = &connectors.Error{Class: connectors.Ambiguous, Op: "write", Err: fmt.Errorf("%w: %w", errLost, lost)}
		if n := len(b.entries); n > 1 {
			w.alone = n // which of them it was is found out
		}
	}
	if refused != nil {
		results = make([]connectors.Result, len(b.entries))
		for i := range results {
			results[i] = connectors.Result{Key: b.entries[i].Write.Key, Err: refused}
		}
	}
	return results
}

// mark notes, durably, that the creates of the batch are about to leave. What
// was withdrawn since the batch was taken does not leave; it is not in the
// batch returned.
func (w *Writer) mark(ctx context.Context, b batch) (marked batch, err error) {
	now := w.Decider.Wall().UTC()
	creates := slices.ContainsFunc(b.entries, func(i state.Intent) bool { return i.Write.Creates() })
	look := w.Decider.Store.View
	if creates {
		look = w.Decider.Store.Update
	}
	err = look(ctx, func(tx state.Tx) error {
		marked = b
		marked.entries = nil
		for _, i := range b.entries {
			if _, ok := state.GetIntent(tx, i.Write.Key); !ok {
				continue
			}
			if i.Write.Creates() {
				i.InDoubt = i.State == state.Sending && i.Looked < lookUps
				i.State, i.SentAt, i.Epoch, i.Looked = state.Sending, now, w.Epoch, 0
				state.PutIntent(tx, i)
			}
			marked.entries = append(marked.entries, i)
		}
		return tx.Err()
	})
	if err != nil {
		return batch{}, fmt.Errorf("mark what leaves: %w", err)
	}
	return marked, nil
}

func (w *Writer) failed(doing string, err error) {
	w.Decider.Failures.Note(w.Conn, doing, err, w.Decider.Wall())
}

// answered ends the row of failures of what the connection was to do. A CRM that answers
// questions may still refuse every write.
func (w *Writer) answered(doing string) { delete(w.failures, doing) }

// leaveAlone holds the connection after a failure that is not about one write.
func (w *Writer) leaveAlone(doing string, e *connectors.Error) {
	if w.failures == nil {
		w.failures = map[string]int{}
	}
	w.failures[doing]++
	again := engine.Backoff(w.failures[doing])
	if e.RetryAfter > 0 {
		again = max(min(e.RetryAfter, longestWait), time.Second)
	}
	w.hold = w.Decider.Wall().Add(again)
	w.Log.Warn("cannot write to the CRM", "conn", w.Conn, "doing", doing, "class", e.Class.String(), "error", e, "again_in", again)
}

// company is how long what the bell has rung for waits for what is decided with it: a
// full batch costs no more calls than one write does.
const company = 20 * time.Millisecond

// sleep waits for the bell or for what is due next.
func (w *Writer) sleep(ctx context.Context) {
	now := w.Decider.Wall()
	d := longestSleep
	held := engine.Paused(now, w.hold, longestWait)
	if held {
		d = min(d, w.hold.Sub(now))
	}
	err := w.Decider.Store.View(ctx, func(tx state.Tx) error {
		if due, ok := state.NextDue(tx, w.Conn, now); ok && !held {
			d = min(d, max(due.Sub(now), time.Millisecond))
		}
		return tx.Err()
	})
	if err != nil {
		d = 0 // the next round meets it too, and says so
	}
	wake := time.NewTimer(d)
	defer wake.Stop()
	select {
	case <-ctx.Done():
		return
	case <-wake.C:
		return
	case <-w.Bell:
	}
	wake.Reset(company)
	select {
	case <-ctx.Done():
	case <-wake.C:
	}
}

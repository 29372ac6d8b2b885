package writeback

import (
	"context"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// uncertain reports whether a create may have happened without our knowing.
func (w *Writer) uncertain(i state.Intent) bool {
	return i.Write.Creates() && i.State == state.Sending
}

// lookUp settles creates whose answer never came. What is there is settled at
// once, what a person has deleted since included. Where the CRM would take a second
// one, "not there" counts only when the request cannot be on its way any more. It
// reports whether the batch has to be taken anew.
func (w *Writer) lookUp(ctx context.Context, b batch, now time.Time) (bool, error) {
	finder, ok := w.Connector.(connectors.Finder)
	if !ok {
		return false, nil
	}
	var doubt batch
	for _, i := range b.entries {
		if !w.uncertain(i) || i.Looked >= lookUps {
			continue
		}
		doubt.entries = append(doubt.entries, i)
	}
	if doubt.empty() {
		return false, nil
	}
	var refs []connectors.Ref
	err := engine.Safely("find", func() (err error) {
		refs, err = finder.Find(ctx, doubt.writes())
		return err
	})
	if err == nil && len(refs) != len(doubt.entries) {
		err = fmt.Errorf("%d of %d writes were looked up", len(refs), len(doubt.entries))
	}
	if err != nil {
		return true, w.couldNot(ctx, "find", connectors.AsError("find", err), doubt.entries)
	}
	results := make([]connectors.Result, 0, len(refs))
	var found batch
	var later []state.Intent
	var doubts []state.Doubt
	for n, ref := range refs {
		i := doubt.entries[n]
		arrived := i.SentAt.Add(requestTimeout)
		switch {
		case ref.ID != "":
			found.entries = append(found.entries, i)
			results = append(results, connectors.Result{Key: i.Write.Key, Ref: ref})
			w.Metrics.prevented.Inc()
			continue
		case finder.Exact(i.Write.Ref.Kind):
			continue // should it be on its way, the CRM takes the two for one
		case now.Before(arrived):
			// Not later than that even where the clock has been set back.
			i.Due = earlier(arrived, now.UTC().Add(requestTimeout))
		default:
			i.Looked++
			i.Due = now.UTC()
			if i.Looked < lookUps {
				i.Due = now.UTC().Add(lookAgain)
			} else if i.Write.Ref.Kind == connectors.Task {
				doubts = append(doubts, doubtful(i, now))
			}
		}
		later = append(later, i)
	}
	if err := w.put(ctx, later, doubts...); err != nil || found.empty() {
		return len(later) > 0, err
	}
	return true, w.settle(ctx, found, results, now)
}

const (
	// requestTimeout bounds one call; a request older than that is not on its
	// way any more.
	requestTimeout = 30 * time.Second
	// lookUps is how many times, lookAgain apart, the CRM has to say "not
	// there" before a create that may have happened is sent again.
	lookUps   = 2
	lookAgain = 5 * time.Second
)

// put reschedules entries that are still in the outbox, and notes which of
// them are to be watched.
func (w *Writer) put(ctx context.Context, entries []state.Intent, doubts ...state.Doubt) error {
	if len(entries) == 0 {
		return nil
	}
	w.order.putOff(entries...)
	err := w.Decider.Store.Update(ctx, func(tx state.Tx) error {
		for _, i := range entries {
			if _, ok := state.GetIntent(tx, i.Write.Key); ok {
				state.PutIntent(tx, i)
			}
		}
		for _, d := range doubts {
			state.PutDoubt(tx, d)
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("reschedule: %w", err)
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// couldNot deals with a question that had to be answered before entries could
// be sent: the connection is left alone where the failure speaks of it, else
// the entries are.
func (w *Writer) couldNot(ctx context.Context, doing string, e *connectors.Error, entries []state.Intent) error {
	w.failed(doing, e)
	if holdsConnection(e.Class) {
		w.leaveAlone(e)
		return nil
	}
	return w.setBack(ctx, entries, e)
}

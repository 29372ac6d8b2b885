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

// lookUp settles creates whose answer never came, where the CRM would take a
// second one. What is there is settled at once; "not there" counts only when
// the request cannot be on its way any more. It reports whether the batch has
// to be taken anew.
func (w *Writer) lookUp(ctx context.Context, b batch, now time.Time) (bool, error) {
	finder, ok := w.Connector.(connectors.Finder)
	if !ok {
		return false, nil
	}
	var doubt batch
	for _, i := range b.entries {
		if !w.uncertain(i) || finder.Exact(i.Write.Ref.Kind) || i.Looked >= lookUps {
			continue
		}
		doubt.entries = append(doubt.entries, i)
	}
	if doubt.empty() {
		return w.inBin(ctx, finder, b, now)
	}
	refs, failed := w.find(ctx, finder.Find, doubt)
	if failed != nil {
		return true, w.couldNot(ctx, "find", failed, doubt.entries)
	}
	var later []state.Intent
	var doubts []state.Doubt
	for n, ref := range refs {
		i := doubt.entries[n]
		arrived := i.SentAt.Add(requestTimeout)
		switch {
		case finder.Exact(i.Write.Ref.Kind):
			refs[n] = connectors.Ref{} // known only now that the schema was read: sending again is the look-up, and says more
			continue
		case ref.ID != "":
			continue
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
	if err := w.put(ctx, later, doubts...); err != nil {
		return true, err
	}
	_, err := w.there(ctx, doubt, refs, now)
	return true, err
}

// inBin settles creates whose answer never came and whose objects a person has
// deleted since. Where the CRM takes two with one key for one, sending the others
// again is the look-up; but a key is free again once its object lies in the bin.
func (w *Writer) inBin(ctx context.Context, finder connectors.Finder, b batch, now time.Time) (bool, error) {
	bin, ok := w.Connector.(connectors.Bin)
	if !ok {
		return false, nil
	}
	var doubt batch
	for _, i := range b.entries {
		if w.uncertain(i) && finder.Exact(i.Write.Ref.Kind) {
			doubt.entries = append(doubt.entries, i)
		}
	}
	if doubt.empty() {
		return false, nil
	}
	refs, failed := w.find(ctx, bin.Binned, doubt)
	if failed != nil {
		return true, w.couldNot(ctx, "find", failed, doubt.entries)
	}
	return w.there(ctx, doubt, refs, now)
}

// find asks the CRM which object each create has made.
func (w *Writer) find(ctx context.Context, where func(context.Context, []connectors.Write) ([]connectors.Ref, error), b batch) (refs []connectors.Ref, failed *connectors.Error) {
	err := engine.Safely("find", func() (err error) {
		refs, err = where(ctx, b.writes())
		return err
	})
	if err == nil && len(refs) != len(b.entries) {
		err = fmt.Errorf("%d of %d writes were looked up", len(refs), len(b.entries))
	}
	if err == nil {
		w.answered("find")
	}
	return refs, connectors.AsError("find", err)
}

// there settles the creates whose object was found. It reports whether there were any.
func (w *Writer) there(ctx context.Context, b batch, refs []connectors.Ref, now time.Time) (bool, error) {
	var found batch
	var results []connectors.Result
	for n, ref := range refs {
		if ref.ID == "" {
			continue
		}
		i := b.entries[n]
		found.entries = append(found.entries, i)
		results = append(results, connectors.Result{Key: i.Write.Key, Ref: ref})
		w.Metrics.prevented.Inc()
	}
	if found.empty() {
		return false, nil
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
	return w.replace(ctx, entries, doubts...)
}

// replace keeps entries that are still in the outbox as they are now.
func (w *Writer) replace(ctx context.Context, entries []state.Intent, doubts ...state.Doubt) error {
	if len(entries) == 0 {
		return nil
	}
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
		return fmt.Errorf("keep what is to be written: %w", err)
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
		w.leaveAlone(doing, e)
		return nil
	}
	return w.setBack(ctx, entries, e)
}

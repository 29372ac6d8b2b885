package writeback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
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
			continue // known only now that the schema was read: sending again is the look-up
		case now.Before(arrived):
			// Not later than that even where the clock has been set back.
			i.Due = earlier(arrived, now.UTC().Add(requestTimeout))
		default:
			i.Looked++
			i.Due = now.UTC()
			if i.Looked < lookUps {
				i.Due = now.UTC().Add(lookAgain)
			}
		}
		later = append(later, i)
	}
	if err := w.put(ctx, later); err != nil || found.empty() {
		return true, err
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

// put reschedules entries that are still in the outbox.
func (w *Writer) put(ctx context.Context, entries []state.Intent) error {
	if len(entries) == 0 {
		return nil
	}
	err := w.Decider.Store.Update(ctx, func(tx state.Tx) error {
		for _, i := range entries {
			if _, ok := state.GetIntent(tx, i.Write.Key); ok {
				state.PutIntent(tx, i)
			}
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

// readAgain reads the records whose owner is about to be written and was read
// too long ago. What it finds is decided like any change; an entry whose
// expectation no longer holds comes back as a conflict. It reports whether the
// batch has to be taken anew.
func (w *Writer) readAgain(ctx context.Context, b batch, now time.Time) (bool, error) {
	stale := map[connectors.Kind][]string{}
	byRef := map[connectors.Ref]state.Intent{}
	for _, i := range b.entries {
		if len(i.Expect) > 0 && !i.Write.Creates() && !fresh(i.ReadAt, now) {
			stale[i.Write.Ref.Kind] = append(stale[i.Write.Ref.Kind], i.Write.Ref.ID)
			byRef[i.Write.Ref] = i
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(stale)) {
		if err := w.readKind(ctx, kind, stale[kind], byRef); err != nil {
			return true, err
		}
	}
	return len(stale) > 0, nil
}

// fresh reports whether what was read then may still be relied on. A reading
// of the future is one from before the clock was set back.
func fresh(read, now time.Time) bool {
	age := now.Round(0).Sub(read)
	return age >= 0 && age <= freshRead
}

// readKind reads records of one kind again and settles the entries about them.
func (w *Writer) readKind(ctx context.Context, kind connectors.Kind, ids []string, byRef map[connectors.Ref]state.Intent) error {
	rules := w.Decider.Book.Rules()
	var objects []connectors.Object
	err := engine.Safely("read again", func() (err error) {
		objects, err = w.Connector.Read(ctx, kind, ids, rules.Fields(w.Conn, kind))
		return err
	})
	var asked []state.Intent
	for _, id := range ids {
		asked = append(asked, byRef[connectors.Ref{Conn: w.Conn, Kind: kind, ID: id}])
	}
	if err != nil {
		return w.couldNot(ctx, "read again", connectors.AsError("read again", err), asked)
	}
	// The answer may have taken longer than a reading is good for; it counts
	// from when it came, or a slow CRM would be read again for ever.
	now := w.Decider.Wall().UTC()
	var asks []engine.Ask
	var outcomes []outcome
	seen := map[connectors.Ref]bool{}
	for _, o := range objects {
		i, ok := byRef[o.Ref]
		if !ok || seen[o.Ref] {
			continue
		}
		seen[o.Ref] = true
		record, _ := rules.Normalize(o)
		asks = append(asks, engine.Ask{Event: plan.Observed{Record: record, Via: "reread", Came: now}, Rules: rules})
		if holds(i.Expect, o) {
			i.ReadAt = now
			if i.Write.IfVersion != "" {
				i.Write.IfVersion = o.Version
			}
			outcomes = append(outcomes, outcome{entry: i, keep: true})
			continue
		}
		outcomes = append(outcomes, outcome{entry: i, delivered: &plan.Delivered{
			Intent: i, Class: connectors.Conflict.String(), Err: "the record was changed before it was written",
		}})
	}
	if err := w.keep(ctx, outcomes, asks); err != nil {
		return err
	}
	silent := slices.DeleteFunc(asked, func(i state.Intent) bool { return seen[i.Write.Ref] })
	if len(silent) == 0 {
		return nil
	}
	return w.setBack(ctx, silent, connectors.AsError("read again", errSilent))
}

// errSilent is an answer that leaves out what was asked for.
var errSilent = errors.New("the CRM has no answer about the record")

// holds reports whether the fields still have the values seen when decided.
func holds(expect map[string]any, o connectors.Object) bool {
	for field, want := range expect {
		got := o.Fields[field]
		if same := fmt.Sprint(want) == fmt.Sprint(got) || blank(want) && blank(got); !same {
			return false
		}
	}
	return true
}

func blank(v any) bool { return v == nil || v == "" }

package writeback

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// batch is what goes out together, creates before what hangs on them.
type batch struct{ entries []state.Intent }

func (b batch) empty() bool { return len(b.entries) == 0 }

func (b batch) writes() []connectors.Write {
	ws := make([]connectors.Write, len(b.entries))
	for i, e := range b.entries {
		ws[i] = e.Write
	}
	return ws
}

// updates are the records that the batch changes.
func (b batch) updates() []connectors.Ref {
	var refs []connectors.Ref
	for _, e := range b.entries {
		if !e.Write.Creates() {
			refs = append(refs, e.Write.Ref)
		}
	}
	return refs
}

// take gathers what is due: one entry per record, so that two changes of one
// record never overtake each other, and nothing that hangs on a create which
// is not in the batch.
func (w *Writer) take(ctx context.Context, now time.Time) (batch, error) {
	var b batch
	limit := w.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	err := w.Decider.Store.View(ctx, func(tx state.Tx) error {
		b = batch{}
		if state.GetPause(tx).On {
			return tx.Err()
		}
		taken := map[connectors.Ref]bool{}
		keys := map[string]bool{}
		var hanging []state.Intent
		for i := range state.DueIntents(tx, w.Conn, now) {
			if len(b.entries) >= limit {
				break
			}
			switch {
			case i.Write.After != "":
				hanging = append(hanging, i)
				continue
			case !i.Write.Creates() && taken[i.Write.Ref]:
				continue
			case !i.Write.Creates():
				taken[i.Write.Ref] = true
			}
			keys[i.Write.Key] = true
			b.entries = append(b.entries, i)
		}
		for _, i := range hanging {
			if i, ok := resolve(tx, i, keys); ok {
				b.entries = append(b.entries, i)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return batch{}, fmt.Errorf("take from the outbox: %w", err)
	}
	return b, nil
}

// resolve settles what an entry hangs on: a create in this batch, or one that
// was answered before, whose new id it links to from now on. An entry that may
// have happened already waits for that answer: until the record it hangs on is
// known, it cannot be looked for, and not being found would mean nothing.
func resolve(tx state.Tx, i state.Intent, batch map[string]bool) (state.Intent, bool) {
	if batch[i.Write.After] {
		return i, i.State != state.Sending
	}
	h, ok := state.GetHandoff(tx, i.Handoff)
	if !ok {
		return i, false
	}
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		if e := h.Effects[step]; e.Key == i.Write.After && e.Ref.ID != "" {
			i.Write.Links = append(slices.Clone(i.Write.Links), e.Ref)
			i.Write.After = ""
			return i, true
		}
	}
	return i, false
}

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
	refs, err := finder.Find(ctx, doubt.writes())
	if err != nil {
		w.failed("find", err)
		w.leaveAlone(connectors.AsError("find", err))
		return true, nil
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
			i.Due = arrived
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

// readAgain reads the records whose owner is about to be written and was read
// too long ago. What it finds is decided like any change; an entry whose
// expectation no longer holds comes back as a conflict. It reports whether the
// batch has to be taken anew.
func (w *Writer) readAgain(ctx context.Context, b batch, now time.Time) (bool, error) {
	stale := map[connectors.Kind][]string{}
	byRef := map[connectors.Ref]state.Intent{}
	for _, i := range b.entries {
		if len(i.Expect) > 0 && !i.Write.Creates() && now.Sub(i.ReadAt) > freshRead {
			stale[i.Write.Ref.Kind] = append(stale[i.Write.Ref.Kind], i.Write.Ref.ID)
			byRef[i.Write.Ref] = i
		}
	}
	if len(stale) == 0 {
		return false, nil
	}
	rules := w.Decider.Book.Rules()
	var asks []engine.Ask
	var kept []state.Intent
	for _, kind := range slices.Sorted(maps.Keys(stale)) {
		objects, err := w.Connector.Read(ctx, kind, stale[kind], rules.Fields(w.Conn, kind))
		if err != nil {
			w.failed("read again", err)
			w.leaveAlone(connectors.AsError("read again", err))
			return true, nil
		}
		for _, o := range objects {
			i, ok := byRef[o.Ref]
			if !ok {
				continue
			}
			record, _ := rules.Normalize(o)
			asks = append(asks, engine.Ask{Event: plan.Observed{Record: record, Via: "reread", Came: now.UTC()}})
			if holds(i.Expect, o) {
				i.ReadAt = now.UTC()
				if i.Write.IfVersion != "" {
					i.Write.IfVersion = o.Version
				}
				kept = append(kept, i)
				continue
			}
			asks = append(asks, engine.Ask{Event: plan.Delivered{
				Intent: i, Class: connectors.Conflict.String(), Err: "the record was changed before it was written",
			}})
		}
	}
	before := func(tx state.Tx) {
		for _, i := range byRef {
			state.DropIntent(tx, i.Write.Key)
		}
		for _, i := range kept {
			state.PutIntent(tx, i)
		}
	}
	if _, err := w.Decider.Decide(ctx, before, asks); err != nil {
		return false, err
	}
	return true, nil
}

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

package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/plan"
)

// batch is what one call reads.
type batch struct {
	conn string
	kind connectors.Kind
}

// hydrate reads, in one batch a kind, the records that did not come along.
func (l *Lane) hydrate(ctx context.Context, w *work, now time.Time) {
	want := map[batch][]string{}
	var order []batch
	for _, it := range w.items {
		if it.complete() {
			it.asked = it.along
			w.normalize(it, *it.object)
			continue
		}
		if w.rules.Fields(it.ref.Conn, it.ref.Kind) == nil {
			w.unread = append(w.unread, it.rows...) // the rules no longer look at this kind
			continue
		}
		b := batch{it.ref.Conn, it.ref.Kind}
		if want[b] == nil {
			order = append(order, b)
		}
		want[b] = append(want[b], it.ref.ID)
	}
	for _, r := range l.readAll(ctx, w.rules, order, want, now) {
		if r.err != nil {
			w.failed = true
			l.failed(r.of.conn, r.of.kind, "read "+string(r.of.kind), r.err)
			continue
		}
		l.worked(r.of.conn, r.of.kind)
		for _, o := range r.objects {
			if it := w.byRef[o.Ref]; it != nil {
				it.asked = r.began
				w.normalize(it, o)
			}
		}
		for _, id := range want[r.of] {
			if it := w.byRef[connectors.Ref{Conn: r.of.conn, Kind: r.of.kind, ID: id}]; it.record == nil && it.why == "" {
				l.silence(w, it)
			}
		}
	}
}

// reading is the answer to one batch.
type reading struct {
	of      batch
	began   time.Time
	objects []connectors.Object
	err     error
}

// readAll reads batches, every connection beside the others: one that hangs
// must not keep what is known of the others from being decided. The answers
// are in the order of the batches.
func (l *Lane) readAll(ctx context.Context, rules *plan.Rules, order []batch, want map[batch][]string, now time.Time) []reading {
	out := make([]reading, len(order))
	var all sync.WaitGroup
	for _, conn := range l.Group {
		connector, ok := l.Conns[conn]
		if !ok || !l.Gates[conn].Open() {
			continue
		}
		var mine []int
		for i, b := range order {
			if b.conn == conn && !l.held(b.conn, b.kind, now) {
				mine = append(mine, i)
			}
		}
		if len(mine) == 0 {
			continue
		}
		all.Go(func() {
			for _, i := range mine {
				b, calls := order[i], mostCalls
				out[i] = reading{of: b, began: l.Decider.Wall().UTC()}
				out[i].objects, out[i].err = read(ctx, connector, b.kind, want[b], rules.Fields(b.conn, b.kind), &calls)
				if c := connectors.ClassOf(out[i].err); c == connectors.Throttled || c == connectors.Unavailable || ctx.Err() != nil {
					return // it would say the same of the others
				}
			}
		})
	}
	all.Wait()
	return slices.DeleteFunc(out, func(r reading) bool { return r.of == batch{} })
}

// silence is a record about which the CRM said nothing. It is asked again, as
// a new record may take a moment to show; in the end the hints about it are
// put aside, or they would be read for ever.
func (l *Lane) silence(w *work, it *item) {
	l.wait(it.ref)
	if l.waiting[it.ref].times >= mostSilences && len(it.rows) > 0 {
		w.lost = append(w.lost, it)
	}
}

func (w *work) normalize(it *item, o connectors.Object) {
	err := Safely("normalize", func() error {
		r, odd := w.rules.Normalize(o)
		it.record, it.odd = &r, odd
		return nil
	})
	if err != nil {
		it.why = err.Error()
		w.lost = append(w.lost, it)
	}
}

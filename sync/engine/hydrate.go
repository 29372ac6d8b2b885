package engine

import (
	"context"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// batch is what one call reads.
type batch struct {
	conn string
	kind connectors.Kind
}

// hydrate reads, in one batch a kind, the records that did not come along, every
// connection beside the others.
func (l *Lane) hydrate(ctx context.Context, w *work, now time.Time) {
	l.fill(w, now)
	want := map[string][]batch{}
	ids := map[batch][]string{}
	for _, it := range w.items {
		b := batch{it.ref.Conn, it.ref.Kind}
		switch {
		case it.record != nil, it.why != "", it.silent, w.flying[b.conn]:
			continue
		case w.rules.Fields(b.conn, b.kind) == nil:
			w.unread = append(w.unread, it.rows...) // the rules no longer look at this kind
			continue
		case l.Conns[b.conn] == nil, !l.Gates[b.conn].Open(), l.held(b.conn, b.kind, now):
			continue
		}
		if ids[b] == nil {
			want[b.conn] = append(want[b.conn], b)
		}
		ids[b] = append(ids[b], it.ref.ID)
	}
	var begun []*flight
	for _, conn := range l.Group {
		if len(want[conn]) > 0 {
			begun = append(begun, l.fly(ctx, w, conn, want[conn], ids))
		}
	}
	l.await(ctx, w, begun)
	l.fill(w, now)
	l.postpone(w, now)
}

// fill gives items what came along, or has been read since all there is to say of them
// was heard.
func (l *Lane) fill(w *work, now time.Time) {
	for _, it := range w.items {
		if it.record != nil || it.why != "" {
			continue
		}
		if it.complete() {
			it.asked = it.along
			w.normalize(it, *it.object)
			continue
		}
		a, told := l.read[it.ref]
		delete(l.read, it.ref)
		switch {
		case !told, it.news.After(a.began) && !it.news.After(now):
		case a.object == nil:
			it.silent = true
			l.silence(w, it)
		default:
			it.asked = a.began
			w.normalize(it, *a.object)
		}
	}
}

// silence is a record about which the CRM said nothing. It is asked again, as
// a new record may take a moment to show; in the end the hints about it are
// put aside, or they would be read for ever.
func (l *Lane) silence(w *work, it *item) {
	l.wait(it.ref, time.Time{})
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

package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// work is one round: the records to look at and the timers that are due.
type work struct {
	items  []*item
	byRef  map[connectors.Ref]*item
	timers []due
	unread []string // inbox keys that say nothing new
}

// item is one record with the inbox rows that speak of it.
type item struct {
	ref    connectors.Ref
	rows   []string
	via    string
	came   time.Time
	object *connectors.Object
	record *state.Record   // once read
	odd    []state.Listing // what could not be read
}

// due is a timer with the records that have to be read before it speaks.
type due struct {
	timer state.Timer
	about []connectors.Ref
}

func (w *work) empty() bool { return len(w.items) == 0 && len(w.timers) == 0 && len(w.unread) == 0 }

func (w *work) item(ref connectors.Ref) *item {
	it := w.byRef[ref]
	if it == nil {
		it = &item{ref: ref}
		w.byRef[ref] = it
		w.items = append(w.items, it)
	}
	return it
}

// take gathers the most urgent distinct records and the timers that are due.
func (l *Lane) take(ctx context.Context, now time.Time) (work, error) {
	w := work{byRef: map[connectors.Ref]*item{}}
	limit := l.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	err := l.Decider.Store.View(ctx, func(tx state.Tx) error {
		l.takeTimers(tx, &w, now, limit)
		if l.crowded(tx, now) {
			return tx.Err()
		}
		for _, conn := range l.Group {
			l.takeRows(tx, &w, conn, now, limit)
		}
		return tx.Err()
	})
	if err != nil {
		return work{}, fmt.Errorf("take from the inbox: %w", err)
	}
	return w, nil
}

func (l *Lane) takeTimers(tx state.Tx, w *work, now time.Time, limit int) {
	for t := range state.TimersUntil(tx, now) {
		if len(w.timers) == limit {
			return
		}
		if l.waiting[timerRef(t)].After(now) {
			continue
		}
		h, ok := state.GetHandoff(tx, t.Handoff)
		if !ok || !slices.Contains(l.Group, h.Record.Conn) {
			continue
		}
		d := due{timer: t}
		for _, ref := range []connectors.Ref{h.Record, h.Target} {
			if ref.ID != "" && !slices.Contains(d.about, ref) {
				d.about = append(d.about, ref)
				it := w.item(ref)
				if it.came.IsZero() {
					it.via, it.came = "timer", now
				}
			}
		}
		w.timers = append(w.timers, d)
	}
}

// crowded reports whether writeback has enough to do: deciding more now would
// only make what is decided older when it is written.
func (l *Lane) crowded(tx state.Tx, now time.Time) bool {
	most := l.MaxOutbox
	if most == 0 {
		most = defaultMaxOutbox
	}
	for _, conn := range l.Group {
		n := 0
		for range state.DueIntents(tx, conn, now) {
			if n++; n >= most {
				return true
			}
		}
	}
	return false
}

func (l *Lane) takeRows(tx state.Tx, w *work, conn string, now time.Time, limit int) {
	held := l.held(conn, now)
	for c := range state.InboxRows(tx, conn) {
		if known(tx, c) {
			w.unread = append(w.unread, c.Key)
			l.Decider.Metrics.unread.Inc()
			if len(w.unread) > 10*limit {
				return
			}
			continue
		}
		if l.waiting[c.Ref].After(now) || c.Object == nil && (held || l.Decider.away.has(c.Ref)) {
			continue
		}
		if w.byRef[c.Ref] == nil && len(w.items) >= limit {
			return
		}
		it := w.item(c.Ref)
		it.rows = append(it.rows, c.Key)
		if it.came.IsZero() || c.Came.Before(it.came) {
			it.came, it.via = c.Came, c.Via
		}
		if c.Object != nil && (it.object == nil || c.Object.Version > it.object.Version) {
			it.object = c.Object
		}
	}
}

// known reports whether a change tells nothing new: it is no newer than what
// we have read, or it is what our own write left behind. A change that brings
// the record along costs no call, so only one that is older is passed over:
// where stamps are whole seconds, a person's edit may carry the stamp of ours.
func known(tx state.Tx, c state.Change) bool {
	r, ok := state.GetRecord(tx, c.Ref)
	if c.Object != nil {
		return ok && c.Object.Version < r.Version
	}
	if stamp, written := state.GetEcho(tx, c.Ref); written && c.At.Equal(stamp) {
		return true
	}
	return ok && !c.At.IsZero() && !c.At.After(r.ModifiedAt)
}

// hydrate reads, in one batch a kind, the records that did not come along.
func (l *Lane) hydrate(ctx context.Context, w *work, now time.Time) {
	rules := l.Decider.Book.Rules()
	type batch struct {
		conn string
		kind connectors.Kind
	}
	want := map[batch][]string{}
	var order []batch
	for _, it := range w.items {
		if it.object != nil {
			it.normalize(rules, *it.object)
			continue
		}
		if rules.Fields(it.ref.Conn, it.ref.Kind) == nil {
			w.unread = append(w.unread, it.rows...) // the rules no longer look at this kind
			continue
		}
		b := batch{it.ref.Conn, it.ref.Kind}
		if want[b] == nil {
			order = append(order, b)
		}
		want[b] = append(want[b], it.ref.ID)
	}
	for _, b := range order {
		connector, ok := l.Conns[b.conn]
		if !ok || l.held(b.conn, now) {
			continue
		}
		objects, err := connector.Read(ctx, b.kind, want[b], rules.Fields(b.conn, b.kind))
		if err != nil {
			l.failed(b.conn, "read "+string(b.kind), err)
			continue
		}
		delete(l.hold, b.conn)
		for _, o := range objects {
			if it := w.byRef[o.Ref]; it != nil {
				it.normalize(rules, o)
			}
		}
		for _, id := range want[b] {
			if ref := (connectors.Ref{Conn: b.conn, Kind: b.kind, ID: id}); w.byRef[ref].record == nil {
				l.waiting[ref] = now.Add(retryWaiting) // the CRM said nothing about it; ask again
			}
		}
	}
}

func (it *item) normalize(rules *plan.Rules, o connectors.Object) {
	r, odd := rules.Normalize(o)
	it.record, it.odd = &r, odd
}

// asks puts what was read into events: records first, so that a timer speaks
// of what they say now.
func (w *work) asks(now time.Time) []Ask {
	var asks []Ask
	for _, it := range w.items {
		if it.record == nil {
			continue
		}
		asks = append(asks, Ask{
			Event: plan.Observed{Record: *it.record, Via: it.via, Came: it.came},
			Done: func(tx state.Tx) {
				for _, key := range it.rows {
					state.DropInbox(tx, key)
				}
				for _, l := range it.odd {
					l.First, l.Last = now, now
					state.AddListing(tx, l)
				}
			},
		})
	}
	for _, d := range w.timers {
		fresh := true
		for _, ref := range d.about {
			fresh = fresh && w.byRef[ref].record != nil
		}
		asks = append(asks, Ask{
			Event: plan.Fired{Timer: d.timer, Fresh: fresh},
			Done:  func(tx state.Tx) { cancelFired(tx, d.timer) },
		})
	}
	return asks
}

// cancelFired removes a timer that has spoken, unless deciding set it anew.
func cancelFired(tx state.Tx, t state.Timer) {
	for now := range state.TimersUntil(tx, t.Due) {
		if now == t {
			state.CancelTimer(tx, t.ID)
			return
		}
	}
}

// locate asks the CRMs for what deciding needs to know. A connection that does
// not answer is left out.
func (l *Lane) locate(ctx context.Context, needs map[string][]state.Need) Answers {
	rules := l.Decider.Book.Rules()
	answers := Answers{}
	for _, conn := range l.Group {
		asked := needs[conn]
		if len(asked) == 0 {
			continue
		}
		locator, ok := l.Conns[conn].(connectors.Locator)
		if !ok {
			l.failed(conn, "locate", &connectors.Error{Class: connectors.Denied, Op: "locate"})
			continue
		}
		questions := make([]connectors.Question, len(asked))
		for i, n := range asked {
			questions[i] = n.Question
		}
		found, err := locator.Locate(ctx, questions, rules.LocateFields(conn))
		if err != nil {
			l.failed(conn, "locate", err)
			continue
		}
		for i, objects := range found {
			records := make([]state.Record, 0, len(objects))
			for _, o := range objects {
				r, _ := rules.Normalize(o)
				records = append(records, r)
			}
			answers[asked[i].ID()] = records
		}
	}
	return answers
}

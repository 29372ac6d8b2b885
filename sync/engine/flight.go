package engine

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/plan"
)

// A CRM that hangs must not keep what is known of the others from being decided:
// what is not there after a moment goes on being read beside the rounds, all of a
// connection together, and the round after it has come looks at it.

// patience is how long a round waits for what it has read.
const patience = time.Second

// flight is what is being read of one connection.
type flight struct {
	conn  string
	rules *plan.Rules
	want  []batch
	ids   map[batch][]string
	out   []reading     // once it has landed
	done  chan struct{} // closed then
	left  atomic.Bool   // the round that began it has gone on
}

// reading is the answer to one batch.
type reading struct {
	of      batch
	began   time.Time
	objects []connectors.Object
	err     error
}

// answer is what a CRM said of one record when it was asked then; no object: nothing.
type answer struct {
	object *connectors.Object
	began  time.Time
	rules  *plan.Rules // by which it was asked: other ones may want more of it
}

func (f *flight) landed() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// arrivals takes in what has landed since the last round, and notes which connections
// are still being read. What nobody has asked for in a while is forgotten.
func (l *Lane) arrivals(w *work, now time.Time) {
	if l.flights == nil {
		l.flights, l.read = map[string]*flight{}, map[connectors.Ref]answer{}
	}
	w.flying = map[string]bool{}
	for _, conn := range l.Group {
		switch f := l.flights[conn]; {
		case f == nil:
		case f.landed():
			l.land(w, f)
		default:
			w.flying[conn] = true
		}
	}
	for ref, a := range l.read {
		if age := now.Sub(a.began); age < 0 || age > longestSleep || a.rules != w.rules {
			delete(l.read, ref)
		}
	}
}

// land keeps what a flight has brought until an item asks for it.
func (l *Lane) land(w *work, f *flight) {
	delete(l.flights, f.conn)
	for _, r := range f.out {
		doing := "read " + string(r.of.kind)
		if r.err != nil && len(r.objects) == 0 {
			w.failed = true
			l.failed(r.of.conn, r.of.kind, doing, r.err)
			continue
		}
		l.worked(r.of.conn, r.of.kind)
		told := map[connectors.Ref]bool{}
		for _, o := range r.objects {
			l.read[o.Ref], told[o.Ref] = answer{&o, r.began, f.rules}, true
		}
		for _, id := range f.ids[r.of] {
			switch ref := (connectors.Ref{Conn: r.of.conn, Kind: r.of.kind, ID: id}); {
			case told[ref]:
			case r.err != nil: // which says nothing about the record
				l.wait(ref, time.Time{})
			default:
				l.read[ref] = answer{began: r.began, rules: f.rules}
			}
		}
		if r.err != nil {
			l.Decider.Failures.Note(r.of.conn, doing, r.err, l.Decider.Wall())
		}
	}
}

// fly sends for batches of one connection, which is ready to be read.
func (l *Lane) fly(ctx context.Context, w *work, conn string, want []batch, ids map[batch][]string) *flight {
	f := &flight{conn: conn, rules: w.rules, want: want, ids: ids, done: make(chan struct{})}
	l.flights[conn] = f
	connector := l.Conns[conn]
	l.flown.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, longestAsking)
		defer cancel()
		for _, b := range want {
			calls := mostCalls
			r := reading{of: b, began: l.Decider.Wall().UTC()}
			r.objects, r.err = read(ctx, connector, b.kind, ids[b], f.rules.Fields(b.conn, b.kind), &calls)
			f.out = append(f.out, r)
			if c := connectors.ClassOf(r.err); c == connectors.Throttled || c == connectors.Unavailable || ctx.Err() != nil {
				break // it would say the same of the others
			}
		}
		close(f.done)
		if f.left.Load() {
			l.Bell.Ring()
		}
	})
	return f
}

// await waits a moment for flights, and goes on without those that take longer. Where a
// record is suspected of killing the process, nothing is looked at beside it.
func (l *Lane) await(ctx context.Context, w *work, flights []*flight) {
	enough := make(<-chan time.Time)
	if !l.trial.on {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	var over bool
	for _, f := range flights {
		if !over {
			select {
			case <-f.done:
			case <-enough:
				over = true
			case <-ctx.Done():
				over = true
			}
		}
		f.left.Store(!f.landed())
		if f.landed() {
			l.land(w, f)
		} else {
			w.flying[f.conn], w.failed = true, true
		}
	}
}

// postpone takes out of a round the timers whose records are being read: they speak when
// those are there, or when they have waited for as long as they may.
func (l *Lane) postpone(w *work, now time.Time) {
	w.timers = slices.DeleteFunc(w.timers, func(d due) bool {
		return !l.overdue(d.timer, now) && slices.ContainsFunc(d.about, func(ref connectors.Ref) bool { return w.flying[ref.Conn] && w.byRef[ref].record == nil })
	})
}

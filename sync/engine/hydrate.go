package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// work is one round: the records to look at and the timers that are due.
type work struct {
	rules  *plan.Rules // by which the round reads and decides
	items  []*item
	byRef  map[connectors.Ref]*item
	timers []due
	unread []string         // inbox keys that say nothing new
	heard  []connectors.Ref // of which a webhook has told what we wrote
	deaf   []string         // connections whose webhooks have missed such a write
	lost   []*item          // the CRM will not answer for them
	deadly map[string]bool  // what has killed process after process, and is not looked at
	cut    map[string]bool  // connections with more than was taken of what tells of itself

	spoken map[connectors.Ref]bool // timers speak of them, and they are read only where there is news
}

// item is one record with the inbox rows that speak of it.
type item struct {
	ref    connectors.Ref
	rows   []string
	via    string
	came   time.Time
	read   bool      // what came along is not enough: a timer speaks of it
	hint   time.Time // the latest of the rows that brought nothing along
	object *connectors.Object
	record *state.Record   // once read
	asked  time.Time       // when it was asked for
	along  time.Time       // when the object that came along was
	check  bool            // somebody may have written the owner just before us
	odd    []state.Listing // what could not be read
	why    string          // it is lost
}

// due is a timer with the records that have to be read before it speaks.
type due struct {
	timer state.Timer
	about []connectors.Ref
	told  connectors.Ref // is read only where there is news of it

	polled  []plan.Polled // tell what people did
	unheard bool          // and have not, in time
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
// Each round begins with another connection, so that none keeps the others out.
func (l *Lane) take(ctx context.Context, now time.Time) (work, error) {
	w := work{rules: l.Decider.Book.Rules(), byRef: map[connectors.Ref]*item{}, spoken: map[connectors.Ref]bool{}}
	limit := l.trial.limit(cmp.Or(l.Limit, defaultLimit))
	l.turn++
	l.full = false
	err := l.Decider.Store.View(ctx, func(tx state.Tx) error {
		w.deadly, w.cut = map[string]bool{}, map[string]bool{} // a store may run this again
		for name := range state.DeadlySince(tx, now.Add(-condemnedFor)) {
			w.deadly[name] = true
		}
		l.takeTimers(tx, &w, now, limit)
		for n := range l.Group {
			conn := l.Group[(l.turn+n)%len(l.Group)]
			switch {
			case !l.Gates[conn].Open():
			case l.crowded(tx, conn, now):
				l.full = true
			default:
				l.takeRows(tx, &w, conn, now, limit)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return work{}, fmt.Errorf("take from the inbox: %w", err)
	}
	l.cutOff(&w, now)
	return w, nil
}

func (l *Lane) takeTimers(tx state.Tx, w *work, now time.Time, limit int) {
	l.awaited = time.Time{}
	if Paused(now, l.still, clockTick) {
		return // the clock has just been moved; it may be moved back
	}
	for t := range state.TimersUntil(tx, now) {
		if len(w.timers) == limit {
			return
		}
		if Paused(now, l.waiting[timerRef(t)].until, longestWaiting) || !l.trial.may(timerRef(t)) {
			continue
		}
		h, ok := state.GetHandoff(tx, t.Handoff)
		if !t.Record.IsZero() {
			h, ok = state.Handoff{Record: t.Record}, true
		}
		if !ok || !slices.Contains(l.Group, h.Record.Conn) {
			continue
		}
		if l.opening(now, h.Record.Conn, h.Target.Conn) {
			continue // the poller rings
		}
		of := w.rules.SpeaksOf(h, t.Clock)
		if l.unheard(t, of.Polled, now) {
			continue
		}
		w.timers = append(w.timers, l.due(tx, w, t, of, now))
	}
}

// due is a timer, whose records are to be read. Nobody has told of what was
// done while nobody ran.
func (l *Lane) due(tx state.Tx, w *work, t state.Timer, of plan.SpeaksOf, now time.Time) due {
	d := due{timer: t, about: of.Read, told: of.Told, polled: of.Polled}
	d.unheard = slices.ContainsFunc(of.Polled, func(p plan.Polled) bool { return !l.Gates[p.Conn].ReadBy(p.Kind, t.Due) })
	conn, _ := state.GetConn(tx, of.Told.Conn)
	if !of.Told.IsZero() && (!trusted(conn, now) || !l.Gates[of.Told.Conn].CaughtUp()) {
		d.about, d.told = append(d.about, of.Told), connectors.Ref{}
	}
	w.spoken[d.told] = true
	for _, ref := range d.about {
		it := w.item(ref)
		it.read = true
		if it.came.IsZero() {
			it.via, it.came = "timer", now
		}
	}
	return d
}

// trusted reports whether no webhook of a connection has been missed lately.
func trusted(c state.Conn, now time.Time) bool { return now.Sub(c.Deaf) > deafFor }

// openWithin is how long after a start deadlines that have passed wait until
// what people did while nobody ran has been read: they are told within a minute
// all the same.
const openWithin = 20 * time.Second

// opening reports whether one of these connections has not been caught up with
// and the process has only just begun.
func (l *Lane) opening(now time.Time, conns ...string) bool {
	since := now.Sub(l.trial.began)
	return since >= 0 && since < openWithin && slices.ContainsFunc(conns, func(c string) bool { return !l.Gates[c].CaughtUp() })
}

// crowded reports whether writeback has enough to do for a connection:
// deciding more of its changes now would only make what is decided older when
// it is written. A pause holds up nothing but the writing.
func (l *Lane) crowded(tx state.Tx, conn string, now time.Time) bool {
	most := cmp.Or(l.MaxOutbox, defaultMaxOutbox)
	return state.CountDue(tx, conn, now, most) >= most && state.MayWrite(tx, conn) && !state.OnTrial(tx, conn)
}

func (l *Lane) takeRows(tx state.Tx, w *work, conn string, now time.Time, limit int) {
	passed, hasty := 0, l.hasty(w)
	known, _ := state.GetConn(tx, conn)
	trusted := trusted(known, now)
	for c := range state.InboxRows(tx, conn) {
		if len(w.deadly) > 0 && w.deadly[c.Ref.String()] {
			w.unread = append(w.unread, c.Key)
			continue
		}
		held := l.held(conn, c.Ref.Kind, now)
		if wait := l.waiting[c.Ref]; Paused(now, wait.until, longestWaiting) && !c.Came.After(wait.since) || !l.trial.may(c.Ref) {
			continue
		}
		echo, written := state.GetEcho(tx, c.Ref)
		if trusted {
			w.told(c, echo)
		}
		if unheard(c, echo) && now.Sub(echo.Owner) > webhookTime && !slices.Contains(w.deaf, conn) {
			w.deaf = append(w.deaf, conn)
		}
		if stale(tx, c, echo) {
			w.unread = append(w.unread, c.Key)
			l.Decider.Metrics.unread.Inc()
			if len(w.unread) > 10*limit {
				return
			}
			continue
		}
		if c.Object == nil && (held || hasty && w.byRef[c.Ref] == nil && !w.spoken[c.Ref]) || l.Decider.away.has(c.Ref) {
			if passed++; passed > mostPassed { // a long outage: every hint would walk them all
				return
			}
			continue
		}
		if w.byRef[c.Ref] == nil && len(w.items) >= limit {
			w.cut[conn] = true
			return
		}
		w.item(c.Ref).add(c, echo, written)
		if r, ok := state.GetRecord(tx, c.Ref); ok && r.Deleted {
			w.item(c.Ref).read = true // what came along may be from before it was
		}
	}
}

// hasty reports whether a round has deadlines to tell of: then it asks for the
// records they are about, takes what has come along with its hint, and leaves
// the other hints to the next round. Every second round takes them all the
// same.
func (l *Lane) hasty(w *work) bool { return len(w.timers) > 0 && l.turn%2 == 0 }

const (
	// deafFor is how long webhooks are not trusted after one was missed: our
	// own write being told of then proves nothing of another's.
	deafFor = 24 * time.Hour
	// webhookTime is what a webhook may take before polling counts as the first
	// to tell.
	webhookTime = 30 * time.Second
)

// told notes that a webhook has told of our own write of an owner: it would
// have told of another's as well.
func (w *work) told(c state.Change, e state.Echo) {
	if c.Object == nil && !e.Heard && !e.Owner.IsZero() && c.At.Equal(e.Owner) && !slices.Contains(w.heard, c.Ref) {
		w.heard = append(w.heard, c.Ref)
	}
}

// unheard reports whether a poll shows our write of an owner before a webhook
// has told of it: then none would have told of another's write either.
func unheard(c state.Change, e state.Echo) bool {
	at := c.At
	if c.Object != nil {
		at = c.Object.ModifiedAt
	}
	return c.Via == "poll" && !e.Heard && !e.Owner.IsZero() && !e.Over.IsZero() && !at.Before(e.Owner)
}

// add joins an inbox row to what is known of its record. The owner has to be
// checked where a change is dated between our reading and our write of it, and
// where our write comes back by polling without a webhook having told of it.
func (it *item) add(c state.Change, echo state.Echo, written bool) {
	if written {
		it.check = it.check || unheard(c, echo) || c.Object == nil && echo.Between(c.At)
	}
	it.rows = append(it.rows, c.Key)
	if it.came.IsZero() || c.Came.Before(it.came) {
		it.came, it.via = c.Came, c.Via
	}
	switch {
	case c.Object != nil && (it.object == nil || c.Object.Version > it.object.Version):
		it.object, it.along = c.Object, c.Read
	case c.Object == nil && c.At.IsZero():
		it.read = true
	case c.Object == nil && c.At.After(it.hint):
		it.hint = c.At
	}
}

// complete reports whether what came along says everything the rows speak of.
func (it *item) complete() bool {
	return it.object != nil && !it.read && !it.hint.After(it.object.ModifiedAt)
}

// stale reports whether a change tells nothing new: it is no newer than what
// we have read, or it is what our own write left behind. A change that brings
// the record along costs no call, so only one that is older is passed over:
// where stamps are whole seconds, a person's edit may carry the stamp of ours.
//
// A change dated between our reading and our write of an owner is news however
// late it comes: we may have written over it. And what our write of anything left
// behind hides a call that was logged just before it, so where the CRM counts calls
// on the record and a handoff waits for one, a poll that shows no more than our own
// stamp has the record read, once.
func stale(tx state.Tx, c state.Change, echo state.Echo) bool {
	r, ok := state.GetRecord(tx, c.Ref)
	if c.Object != nil {
		return ok && c.Object.Version < r.Version
	}
	if echo.Between(c.At) || unheard(c, echo) {
		return false
	}
	if !c.At.IsZero() && (c.At.Equal(echo.Stamp) || c.At.Equal(echo.Owner)) {
		return c.Via != "poll" || ok && !c.At.After(r.ModifiedAt) || !counted(tx, c.Ref)
	}
	return ok && !c.At.IsZero() && !c.At.After(r.ModifiedAt)
}

// counted reports whether a handoff waits for what is counted on a record.
func counted(tx state.Tx, ref connectors.Ref) bool {
	for h := range state.HandoffsOf(tx, ref) {
		if plan.AwaitsCount(h, ref) {
			return true
		}
	}
	return false
}

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

// drop takes out of the inbox what the round has done with, without deciding.
func (w *work) drop(now time.Time) func(tx state.Tx) {
	return func(tx state.Tx) {
		for _, key := range w.unread {
			state.DropInbox(tx, key)
		}
		for _, ref := range w.heard {
			if e, ok := state.GetEcho(tx, ref); ok {
				e.Heard = true
				state.PutEcho(tx, ref, e)
			}
		}
		for _, conn := range w.deaf {
			if c, ok := state.GetConn(tx, conn); ok && now.Sub(c.Deaf) > webhookTime {
				c.Deaf = now.UTC()
				state.PutConn(tx, c)
			}
		}
		for _, it := range w.lost {
			quarantine(tx, it.ref.String(), cmp.Or(it.why, "the CRM has no answer about it"), now)
			for _, key := range it.rows {
				state.DropInbox(tx, key)
			}
		}
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

// observed puts what was read into events.
func (w *work) observed(now time.Time) []Ask {
	var asks []Ask
	for _, it := range w.items {
		if it.record == nil {
			continue
		}
		asks = append(asks, Ask{
			Event: plan.Observed{Record: *it.record, Via: it.via, Came: it.came, Read: it.asked, Check: it.check},
			Rules: w.rules,
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
	return asks
}

// fired puts the timers that are due into events. They come after the records,
// so that they speak of what those say now; a record that was read and could
// not be decided about is no news to them.
func (w *work) fired(undecided map[connectors.Ref]bool) []Ask {
	var asks []Ask
	for _, d := range w.timers {
		fresh, read := true, time.Time{}
		if len(d.about) > 0 {
			read = w.byRef[d.about[0]].asked
		}
		for _, ref := range d.about {
			fresh = fresh && w.byRef[ref].record != nil && !undecided[ref]
		}
		if it := w.byRef[d.told]; it != nil {
			fresh = fresh && it.record != nil && !undecided[d.told]
		}
		asks = append(asks, Ask{
			Event: plan.Fired{Timer: d.timer, Fresh: fresh, Read: read, Unheard: d.unheard},
			Rules: w.rules,
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

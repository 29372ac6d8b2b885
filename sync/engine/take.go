package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// take gathers the most urgent distinct records and the timers that are due.
// Each round begins with another connection, so that none keeps the others out.
func (l *Lane) take(ctx context.Context, now time.Time) (work, error) {
	w := work{rules: l.Decider.Book.Rules(), byRef: map[connectors.Ref]*item{}, spoken: map[connectors.Ref]bool{}, gates: map[string]*Gate{}}
	for name, g := range l.Gates {
		w.gates[name] = g.asOf()
	}
	l.arrivals(&w, now)
	limit := l.trial.limit(cmp.Or(l.Limit, defaultLimit))
	l.turn++
	l.full = false
	err := l.Decider.Store.View(ctx, func(tx state.Tx) error {
		w.deadly, w.cut = map[string]bool{}, map[string]bool{} // a store may run this again
		for name := range state.DeadlySince(tx, now.Add(-condemnedFor)) {
			w.deadly[name] = true
		}
		l.takeTimers(tx, &w, now, limit)
		w.timed = len(w.items)
		for n := range l.Group {
			conn := l.Group[(l.turn+n)%len(l.Group)]
			if l.Gates[conn].Open() {
				crowded := l.crowded(tx, conn, now) && !w.rules.Observing()
				l.full = l.full || crowded
				l.takeRows(tx, &w, conn, now, limit, crowded)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return work{}, fmt.Errorf("take from the inbox: %w", err)
	}
	slices.SortStableFunc(w.items, func(a, b *item) int { return cmp.Compare(a.rank, b.rank) }) // what is read first is there first
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
		if l.opening(w, now, h.Record.Conn, h.Target.Conn) {
			continue // the poller rings
		}
		of := w.rules.SpeaksOf(h, t.Clock)
		if l.unheard(w, t, of.Polled, now) {
			continue
		}
		d := l.due(tx, w, t, of, now)
		if flying := slices.ContainsFunc(d.about, func(ref connectors.Ref) bool { return w.flying[ref.Conn] }); !flying || l.overdue(t, now) {
			w.speak(d, now)
			for _, ref := range d.about {
				if echo, written := state.GetEcho(tx, ref); written && untold(echo.Says, w.hears(tx, ref.Conn, now)) {
					w.item(ref).says = echo.Says
				}
			}
		}
	}
}

// hears reports whether the webhooks of a connection can be relied on.
func (w *work) hears(tx state.Tx, conn string, now time.Time) bool {
	c, _ := state.GetConn(tx, conn)
	return w.gates[conn].Hears(c, now)
}

// untold reports whether any reading has to find out who had said something else right
// before our write: no webhook has told of it, and none can be relied on to.
func untold(wrote state.Window, hears bool) bool {
	return !hears && !wrote.Heard && wrote.Open()
}

// due is a timer, with what is to be read before it speaks. Nobody has told of what
// was done while nobody ran.
func (l *Lane) due(tx state.Tx, w *work, t state.Timer, of plan.SpeaksOf, now time.Time) due {
	d := due{timer: t, about: of.Read, told: of.Told, polled: of.Polled}
	d.unheard = slices.ContainsFunc(of.Polled, func(p plan.Polled) bool { return !w.gates[p.Conn].ReadBy(p.Kind, t.Due) })
	if !of.Told.IsZero() && !w.hears(tx, of.Told.Conn, now) {
		d.about, d.told = append(d.about, of.Told), connectors.Ref{}
	}
	return d
}

// speak takes a timer into a round, with the records that are to be read for it.
func (w *work) speak(d due, now time.Time) {
	w.timers = append(w.timers, d)
	w.spoken[d.told] = true
	for _, ref := range d.about {
		it := w.item(ref)
		it.read = true
		if d.timer.Due.After(it.news) {
			it.news = d.timer.Due
		}
		if it.came.IsZero() {
			it.via, it.came = "timer", now
		}
	}
}

// trusted reports whether no webhook of a connection has been missed lately.
func trusted(c state.Conn, now time.Time) bool { return now.Sub(c.Deaf) > deafFor }

// openWithin is how long after a start deadlines that have passed wait until
// what people did while nobody ran has been read: they are told within a minute
// all the same.
const openWithin = 20 * time.Second

// opening reports whether one of these connections has not been caught up with
// and the process has only just begun.
func (l *Lane) opening(w *work, now time.Time, conns ...string) bool {
	since := now.Sub(l.trial.began)
	return since >= 0 && since < openWithin && slices.ContainsFunc(conns, func(c string) bool { return !w.gates[c].CaughtUp() })
}

// crowded reports whether writeback has enough to do for a connection:
// deciding more of its changes now would only make what is decided older when
// it is written, but for those that writeback itself has asked about: what it has to
// put back, and what it cannot go on without. A pause holds up nothing but the writing.
func (l *Lane) crowded(tx state.Tx, conn string, now time.Time) bool {
	most := cmp.Or(l.MaxOutbox, defaultMaxOutbox)
	return state.CountDue(tx, conn, now, most) >= most && state.MayWrite(tx, conn) && !state.OnTrial(tx, conn)
}

func (l *Lane) takeRows(tx state.Tx, w *work, conn string, now time.Time, limit int, crowded bool) {
	passed, hasty := 0, l.hasty(w)
	known, _ := state.GetConn(tx, conn)
	whole, hears := trusted(known, now), w.gates[conn].Hears(known, now)
	l.missed(tx, w, known, now)
	for c := range state.InboxRows(tx, conn) {
		if len(w.deadly) > 0 && w.deadly[c.Ref.String()] {
			w.unread = append(w.unread, c.Key)
			continue
		}
		if crowded && c.Via != state.ViaAnswer && (c.Via != state.ViaReread || c.Rank > 0) {
			if passed++; passed > mostPassed {
				return
			}
			continue
		}
		held := w.flying[conn] || l.held(conn, c.Ref.Kind, now)
		if wait := l.waiting[c.Ref]; Paused(now, wait.until, longestWaiting) && (!c.Came.After(wait.since) || c.Came.After(now)) || !l.trial.may(c.Ref) {
			continue
		}
		echo, written := state.GetEcho(tx, c.Ref)
		if whole {
			w.told(c, echo)
		}
		if unheard(c, echo.Owner) && echo.Owner.Stamped() {
			l.shown(w, known, c.Ref, echo.Owner.At, now)
		}
		if stale(tx, c, echo) {
			w.unread = append(w.unread, c.Key)
			l.Decider.Metrics.unread.Inc()
			if len(w.unread) > 10*limit {
				return
			}
			continue
		}
		first := c.Rank < 0
		if first && w.byRef[c.Ref] == nil && len(w.items)-w.timed >= max(limit/2, 1) {
			continue // what can be decided without asking a CRM must not wait for one that does not answer
		}
		if c.Object == nil && (held || hasty && !first && w.byRef[c.Ref] == nil && !w.spoken[c.Ref]) || l.Decider.away.has(c.Ref) {
			if passed++; passed > mostPassed && (l.held(conn, "", now) || l.turn%wholeWalk != 0) {
				return // a long outage: every hint would walk them all
			}
			continue
		}
		if w.byRef[c.Ref] == nil && len(w.items)-w.timed >= limit {
			w.cut[conn] = true
			return
		}
		w.item(c.Ref).add(c, echo, written, hears)
		if r, ok := state.GetRecord(tx, c.Ref); ok && r.Deleted {
			w.item(c.Ref).read = true // what came along may be from before it was
		}
	}
}

// hasty reports whether a round has deadlines to tell of: then it asks for the
// records they are about, takes what has come along with its hint or may have to be
// put back, and leaves the other hints to the next round. Every second round takes
// them all the same.
func (l *Lane) hasty(w *work) bool { return len(w.timers) > 0 && l.turn%2 == 0 }

const (
	// deafFor is how long webhooks are not trusted after one was missed: our
	// own write being told of then proves nothing of another's.
	deafFor = 24 * time.Hour
	// webhookTime is what a webhook may take before polling counts as the first
	// to tell.
	webhookTime = 30 * time.Second
)

// told notes that a webhook has told of our own write of an owner, or of a status: it
// would have told of another's as well.
func (w *work) told(c state.Change, e state.Echo) {
	if c.Via == "webhook" && !c.At.IsZero() && (!e.Owner.Heard && c.At.Equal(e.Owner.At) || !e.Says.Heard && c.At.Equal(e.Says.At)) {
		w.heard = append(w.heard, c)
	}
}

// unheard reports whether a poll shows what we wrote before a webhook has told of it:
// then none would have told of another's write either.
func unheard(c state.Change, wrote state.Window) bool {
	at := c.At
	if c.Object != nil {
		at = c.Object.ModifiedAt
	}
	return c.Via == "poll" && !wrote.Heard && wrote.Open() && !at.Before(wrote.At)
}

// shown notes that a poll has shown our write of an owner before a webhook has told
// of it. Soon after the write that proves nothing yet. That it was missed is said
// once in a while: a row that waits for the CRM shows it in every round.
func (l *Lane) shown(w *work, conn state.Conn, ref connectors.Ref, wrote, now time.Time) {
	switch {
	case now.Sub(wrote) <= webhookTime:
		if l.untold == nil {
			l.untold = map[connectors.Ref]time.Time{}
		}
		l.untold[ref] = wrote
	case conn.Name != "" && now.Sub(conn.Deaf) > webhookTime && !slices.Contains(w.deaf, conn.Name):
		w.deaf = append(w.deaf, conn.Name)
	}
}

// missed looks again at what a poll has shown too soon: no poll shows it twice.
func (l *Lane) missed(tx state.Tx, w *work, conn state.Conn, now time.Time) {
	for ref, wrote := range l.untold {
		if ref.Conn != conn.Name || now.Sub(wrote) <= webhookTime {
			continue
		}
		if echo, _ := state.GetEcho(tx, ref); !echo.Owner.Heard && echo.Owner.At.Equal(wrote) {
			l.shown(w, conn, ref, wrote, now)
		}
		delete(l.untold, ref)
	}
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
// stamp has the record read, once; and so where we wrote before it was known what
// people had done.
func stale(tx state.Tx, c state.Change, echo state.Echo) bool {
	r, ok := state.GetRecord(tx, c.Ref)
	if c.Object != nil {
		return ok && c.Object.Version < r.Version
	}
	if echo.Owner.Holds(c.At) || echo.Says.Holds(c.At) || unheard(c, echo.Owner) || unheard(c, echo.Says) {
		return false
	}
	if !c.At.IsZero() && (c.At.Equal(echo.Stamp) || c.At.Equal(echo.Owner.At)) {
		return c.Via != "poll" || ok && !c.At.After(r.ModifiedAt) || !echo.Blind && !counted(tx, c.Ref)
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

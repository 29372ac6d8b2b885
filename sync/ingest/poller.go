package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// Poller follows one connection. Two readings of a kind go on side by side:
// one follows what changes and never waits for the other, which lists the
// mirror (accounts, open deals) once and again when the mapping wants fields
// that were not read. A page and its cursor are kept in one transaction.
type Poller struct {
	Conn      string
	Connector connectors.Connector
	Store     state.Store
	Book      *engine.Book
	Mirror    *engine.Mirror
	Lanes     engine.Bells
	Outbox    engine.Bell  // of the connection's writer, which waits for the gate; may be nil
	Gate      *engine.Gate // opened once the credentials are known to reach our tenant
	Wall      func() time.Time
	Metrics   *Metrics
	Failures  *engine.Failures // may be nil
	Log       *slog.Logger
	Room      func() error  // an error: too little disk space to take more in; may be nil
	Every     time.Duration // 0: as the rules say

	usersAt  time.Time
	leaveAt  time.Time
	mirrored bool
	wait     time.Duration             // the whole connection is left alone for so long
	hold     map[connectors.Kind]pause // cursors that cannot be read on now
	more     map[connectors.Kind]bool  // cursors whose next page can be had now
	due      time.Time                 // when to ask again those that have been read to their end
	swept    sweeps
	asked    map[connectors.Kind]time.Time // when a kind was last polled
}

const (
	pageSize    = 2000
	usersEvery  = 15 * time.Minute
	lookEvery   = 24 * time.Hour // the records of open handoffs are read by id
	firstWait   = time.Second
	longestWait = time.Minute
	listing     = "#list" // suffix of the cursor that lists a kind
	pruneBatch  = 2000
	seenFor     = 8 * 24 * time.Hour // longer than any sender tries again (I1)
)

// DefaultEvery is how often a connection is polled whose rules do not say.
const DefaultEvery = 2 * time.Minute

// Run polls until ctx ends. The error, if any, is the store's.
func (p *Poller) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		more, err := p.round(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("poll %s: %w", p.Conn, err)
		}
		p.sleep(ctx, p.rest(more))
	}
	return nil
}

// round reads one page of everything. It reports whether more can be had now.
func (p *Poller) round(ctx context.Context) (bool, error) {
	if p.Room != nil {
		if err := p.Room(); err != nil { // what changes meanwhile is polled when there is space again (L4)
			p.failed("poll", err)
			return false, nil
		}
	}
	conn, ok, err := p.introduce(ctx)
	if err != nil || !ok {
		return false, err
	}
	if ok, err := p.users(ctx); err != nil || !ok {
		return false, err
	}
	if err := p.leave(ctx); err != nil {
		return false, err
	}
	all, err := p.readings(ctx, conn)
	if err != nil {
		return false, err
	}
	if len(all) == 0 {
		p.due, p.wait = p.Wall().Add(p.every()), 0
		p.caughtUp(nil)
		return false, p.complete(ctx, true)
	}
	full := !engine.Paused(p.Wall(), p.due, p.every())
	readings := p.ready(all, full)
	swept := p.swept
	if full {
		swept = p.sweep(readings, conn.Live)
	}
	polls := make([]connectors.Poll, len(readings))
	for i, r := range readings {
		polls[i] = r.poll
	}
	if len(polls) == 0 {
		return false, nil
	}
	began := p.Wall().UTC()
	pages, err := p.changes(ctx, polls)
	if err != nil {
		p.failed("poll", err)
		return false, nil
	}
	more, listed, err := p.keep(ctx, conn, readings, pages, began)
	if err != nil {
		return false, err
	}
	if full {
		p.due = p.Wall().Add(p.every())
	}
	p.swept = swept
	p.noteRead(readings, pages, began)
	p.caughtUp(all)
	skipped := slices.ContainsFunc(all, func(r reading) bool { return r.lists() && !slices.ContainsFunc(readings, r.same) })
	return more, p.complete(ctx, listed && !skipped)
}

// changes asks the CRM; every poll has its page.
func (p *Poller) changes(ctx context.Context, polls []connectors.Poll) (pages []connectors.Page, err error) {
	err = engine.Safely("poll", func() error {
		pages, err = p.Connector.Changes(ctx, polls)
		return err
	})
	if err == nil && len(pages) != len(polls) {
		err = fmt.Errorf("%d of %d polls were answered", len(pages), len(polls))
	}
	return pages, err
}

// introduce learns whose records the credentials reach. A connection that
// suddenly reaches another tenant is not read at all: everything we know
// belongs to the first.
func (p *Poller) introduce(ctx context.Context) (state.Conn, bool, error) {
	var conn state.Conn
	err := p.Store.View(ctx, func(tx state.Tx) error {
		conn, _ = state.GetConn(tx, p.Conn)
		return tx.Err()
	})
	if err != nil {
		return conn, false, fmt.Errorf("read the connection: %w", err)
	}
	describer, ok := p.Connector.(connectors.Describer)
	if !ok || (conn.Tenant != "" && !p.usersAt.IsZero()) {
		p.pass()
		return conn, true, nil
	}
	var tenant string
	err = engine.Safely("ask who we are", func() (err error) {
		tenant, err = describer.Tenant(ctx)
		return err
	})
	if err != nil {
		p.failed("ask who we are", err)
		return conn, false, nil
	}
	if conn.Tenant == tenant {
		p.pass()
		return conn, true, nil
	}
	if conn.Tenant != "" {
		p.failed("ask who we are", fmt.Errorf("the credentials reach tenant %s, the state belongs to %s; give this connection another name or a state of its own", tenant, conn.Tenant))
		return conn, false, nil
	}
	conn.Name, conn.Tenant = p.Conn, tenant
	if conn.Live.IsZero() {
		conn.Live = p.Wall().UTC()
	}
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		state.PutConn(tx, conn)
		return tx.Err()
	})
	if err != nil {
		return conn, false, fmt.Errorf("keep the connection: %w", err)
	}
	p.pass()
	return conn, true, nil
}

// pass lets the connection be read and written.
func (p *Poller) pass() {
	if p.Gate.Open() {
		return
	}
	p.Gate.Pass()
	p.Lanes.Ring()
	p.Outbox.Ring()
}

// users reads who can own records, at start and every quarter of an hour (C14).
func (p *Poller) users(ctx context.Context) (bool, error) {
	describer, ok := p.Connector.(connectors.Describer)
	if age := p.Wall().Sub(p.usersAt); !ok || age >= 0 && age < usersEvery {
		return true, nil
	}
	var users []connectors.User
	err := engine.Safely("read users", func() (err error) {
		users, err = describer.Users(ctx)
		return err
	})
	if err != nil && p.usersAt.IsZero() {
		p.failed("read users", err)
		return false, nil
	}
	if err != nil { // we have them as they were: polling goes on
		p.note("read users", err, p.every())
		return true, nil
	}
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		listed := make(map[string]bool, len(users))
		left := map[string]bool{}
		for _, u := range users {
			was, known := state.GetUser(tx, p.Conn, u.ID)
			left[u.Email] = left[u.Email] || known && was.Active && !u.Active
			state.PutUser(tx, p.Conn, u)
			listed[u.ID] = true
		}
		for _, u := range state.UsersOf(tx, p.Conn) {
			if !listed[u.ID] && u.Active { // gone from the CRM's list: can own nothing any more
				u.Active = false
				left[u.Email] = true
				state.PutUser(tx, p.Conn, u)
			}
		}
		p.lookAgain(tx, left)
		p.lookDaily(tx)
		return tx.Err()
	})
	if err != nil {
		return false, fmt.Errorf("keep users: %w", err)
	}
	if err := p.prune(ctx); err != nil {
		return false, err
	}
	for _, u := range users {
		p.Mirror.LearnUser(p.Conn, u)
	}
	p.usersAt = p.Wall()
	return true, nil
}

// lookAgain has the open handoffs of people who have just left looked at.
func (p *Poller) lookAgain(tx state.Tx, left map[string]bool) {
	if !slices.Contains(slices.Collect(maps.Values(left)), true) {
		return
	}
	now := p.Wall().UTC()
	for _, h := range state.AllHandoffs(tx) {
		if h.Stage.Open() && !h.Observed && h.Owner != "" && left[h.Owner] && h.Target.Conn == p.Conn && h.Target.ID != "" {
			state.AppendInbox(tx, state.Change{
				Change: connectors.Change{Ref: h.Target, EventID: "left:" + h.ID + ":" + h.Owner + ":" + now.Format(time.RFC3339)}, Via: "reread", Came: now, Rank: 1,
			})
		}
	}
}

// lookDaily has the records of every open handoff read by id once a day: what
// was deleted shows in no list of changes, and a webhook that tells of it may
// be lost (I4, C9). It costs a hundredth of a call for each.
func (p *Poller) lookDaily(tx state.Tx) {
	now := p.Wall().UTC()
	conn, ok := state.GetConn(tx, p.Conn)
	if age := now.Sub(conn.Looked); !ok || age >= 0 && age < lookEvery {
		return
	}
	first := conn.Looked.IsZero()
	conn.Looked = now
	state.PutConn(tx, conn)
	if first {
		return // whatever is open by now has just been read
	}
	for _, h := range state.AllHandoffs(tx) {
		if !h.Stage.Open() || h.Observed {
			continue
		}
		for _, ref := range []connectors.Ref{h.Record, h.Target} {
			if ref.Conn == p.Conn && ref.ID != "" {
				state.AppendInbox(tx, state.Change{
					Change: connectors.Change{Ref: ref, EventID: "daily:" + ref.String() + ":" + now.Format(time.RFC3339)}, Via: "reread", Came: now, Rank: 9,
				})
			}
		}
	}
}

// prune forgets events that no sender will send again, in small transactions:
// a busy portal sends more in a quarter of an hour than one should hold.
func (p *Poller) prune(ctx context.Context) error {
	for n := pruneBatch; n == pruneBatch; {
		err := p.Store.Update(ctx, func(tx state.Tx) error {
			n = state.PruneSeen(tx, p.Wall().Add(-seenFor), pruneBatch)
			return tx.Err()
		})
		if err != nil {
			return fmt.Errorf("forget old events: %w", err)
		}
	}
	return nil
}

// reading is one cursor that is read on.
type reading struct {
	watch plan.Watch
	name  connectors.Kind // of the cursor: the kind, or the kind with the listing suffix
	poll  connectors.Poll
	was   state.Cursor
	first bool // a kind that was never listed before
	ahead bool // the cursor was in the future
}

func (r reading) same(o reading) bool { return r.name == o.name }

func (r reading) lists() bool { return strings.HasSuffix(string(r.name), listing) }

// readings says what to read next: what changed in every watched kind, and the
// rest of the listings that are not complete.
func (p *Poller) readings(ctx context.Context, conn state.Conn) ([]reading, error) {
	var all []reading
	now := p.Wall().UTC()
	err := p.Store.View(ctx, func(tx state.Tx) error {
		all = nil
		for _, w := range p.Book.Rules().Watched(p.Conn) {
			c, ok := state.GetCursor(tx, p.Conn, w.Kind)
			if !ok {
				c.From = conn.Live
			}
			if ok {
				c = p.sane(c, w.Kind, conn.Live)
			}
			ahead := ok && c.From.After(now.Add(aheadSlack)) && !conn.Live.After(now)
			if ahead {
				c.Cursor = connectors.Cursor{From: later(conn.Live, now.Add(-aheadBack))}
			}
			all = append(all, reading{w, w.Kind, connectors.Poll{Kind: w.Kind, From: c.Cursor, Fields: w.Fields, Limit: pageSize}, c, false, ahead})
			if !w.Mirror {
				continue
			}
			l, known := state.GetCursor(tx, p.Conn, w.Kind+listing)
			if want := fieldsDigest(w); l.Fields != want {
				l = state.Cursor{Fields: want}
			}
			if !l.Listed {
				all = append(all, reading{w, w.Kind + listing, connectors.Poll{Kind: w.Kind, From: l.Cursor, Fields: w.Fields, Limit: pageSize}, l, !known, false})
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read cursors: %w", err)
	}
	return all, nil
}

// A cursor of the future was kept by a clock that ran ahead, or is damaged
// (P6). What has changed in the last days is read again.
const (
	aheadSlack = time.Minute
	aheadBack  = 72 * time.Hour
)

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ahead is how far a CRM's clock may run before ours.
const ahead = 10 * time.Minute

// sane takes a cursor that stands in the future back to where we last read, or
// to the start: followed as it is, nothing would be found until that day (P6).
func (p *Poller) sane(c state.Cursor, kind connectors.Kind, live time.Time) state.Cursor {
	now := p.Wall()
	if !c.From.After(now.Add(ahead)) {
		return c
	}
	back := live
	if !c.At.IsZero() && c.At.Before(now) && c.At.After(live) {
		back = c.At.Add(-ahead)
	}
	p.Log.Error("the cursor stands in the future; what has changed since is read again", "conn", p.Conn, "kind", kind, "cursor", c.From, "again_from", back)
	p.Failures.Note(p.Conn, "poll "+string(kind), errFuture, now)
	c.Cursor = connectors.Cursor{From: back}
	return c
}

var errFuture = errors.New("its cursor stood in the future: the clock or the state was wrong")

// fieldsDigest names what a listing was read for.
func fieldsDigest(w plan.Watch) string { return state.Digest(slices.Concat(w.Fields, w.Wakes)...) }

// keep commits every page with its cursor. It reports whether more can be had
// now and whether every listing is complete.
func (p *Poller) keep(ctx context.Context, conn state.Conn, readings []reading, pages []connectors.Page, began time.Time) (more, listed bool, err error) {
	rules, now := p.Book.Rules(), p.Wall().UTC()
	var learnt []state.Record
	taken := 0
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		learnt, taken, more, listed = nil, 0, false, true
		for i, page := range pages {
			r := readings[i]
			if page.Err != nil {
				listed = listed && !r.lists()
				if page.Err.Class == connectors.CursorGone {
					state.PutCursor(tx, p.Conn, r.name, r.anew(conn.Live))
				}
				continue
			}
			if r.ahead {
				state.AddListing(tx, state.Listing{
					List: "clock", Subject: p.Conn + " " + string(r.name), Count: 1, First: now, Last: now,
					Text: "the poll's place was in the future; what has changed since " + r.poll.From.From.Format(time.RFC3339) + " is read again",
				})
			}
			next := r.was
			next.Cursor, next.At = page.Next, now
			n, recs := p.rows(tx, rules, r, page, began, now)
			taken += n
			learnt = append(learnt, recs...)
			if r.lists() {
				next.Done += len(page.Changes)
			}
			if known, _ := state.GetConn(tx, p.Conn); r.first && known.Mirror {
				known.Mirror = false // the rules have begun to look at it: "no match" has to wait again
				state.PutConn(tx, known)
			}
			if r.lists() {
				next.Listed = !page.Next.Listing
				next.Total = max(page.Total, next.Done)
				listed = listed && next.Listed
			}
			more = more || page.More
			state.PutCursor(tx, p.Conn, r.name, next)
		}
		return tx.Err()
	})
	if err != nil {
		return false, false, fmt.Errorf("keep pages: %w", err)
	}
	p.wait = 0
	p.mirrored = p.mirrored && !slices.ContainsFunc(readings, func(r reading) bool { return r.first })
	for i, page := range pages {
		p.outcome(readings[i].name, page)
	}
	if len(p.hold) == 0 {
		p.Metrics.worked(p.Conn)
	}
	if err := p.Mirror.Follow(ctx, p.Store, learnt); err != nil {
		return false, false, err
	}
	if taken > 0 {
		p.Lanes.Ring()
	}
	return more, listed, nil
}

// rows keeps the rows of a page: of a listing in the mirror, else in the inbox.
// It returns how many were news there, and the records to learn.
func (p *Poller) rows(tx state.Tx, rules *plan.Rules, r reading, page connectors.Page, began, now time.Time) (taken int, learnt []state.Record) {
	if page.Indexed {
		began = time.Time{} // nobody knows; an owner is read again by id before it is written
	}
	for _, c := range page.Changes {
		c.Ref.Conn = p.Conn
		if !r.lists() {
			if state.AppendInbox(tx, state.Change{Change: c, Via: "poll", Came: now, Read: began, Rank: rank(rules, c)}) {
				taken++
			}
			continue
		}
		if c.Object != nil {
			if rec, newer := p.mirror(tx, rules, *c.Object); newer {
				learnt = append(learnt, rec)
			}
		}
	}
	return taken, learnt
}

// anew is a cursor whose place is no longer there: its window, or the whole
// listing, is read again.
func (r reading) anew(live time.Time) state.Cursor {
	c := state.Cursor{Fields: r.was.Fields}
	if !r.lists() {
		c.From = r.was.From
		if c.From.IsZero() {
			c.From = live
		}
	}
	return c
}

// rank is how urgent a polled change is: behind the webhooks, and where it
// brings the record along, the more so the hotter the signal it may hold.
func rank(rules *plan.Rules, c connectors.Change) int {
	if c.Object == nil {
		return 1
	}
	r, err := normalize(rules, *c.Object)
	if err != nil {
		return 1 // the lane says what is wrong with it
	}
	return 1 + min(rules.Urgency(r), state.MaxRank-1)
}

// normalize reads a record; one that nobody can read must not take the process
// down each time its page is polled (I10).
func normalize(rules *plan.Rules, o connectors.Object) (r state.Record, err error) {
	err = engine.Safely("normalize", func() error {
		r, _ = rules.Normalize(o)
		return nil
	})
	return r, err
}

// mirror keeps a listed record unless a newer reading of it is there.
func (p *Poller) mirror(tx state.Tx, rules *plan.Rules, o connectors.Object) (state.Record, bool) {
	r, err := normalize(rules, o)
	if err != nil {
		p.Log.Error("record not mirrored", "ref", o.Ref.String(), "error", err)
		return r, false
	}
	old, ok := state.GetRecord(tx, r.Ref)
	if ok && old.Version > r.Version {
		return old, false
	}
	state.PutRecord(tx, r)
	since := p.Wall().UTC()
	if conn, _ := state.GetConn(tx, p.Conn); !ok {
		since = conn.Live
	}
	for _, t := range rules.Wakings(r, since) {
		state.SetTimer(tx, t)
	}
	return r, true
}

// complete remembers that the mirror has been filled once; from then on "no
// match" is an answer.
func (p *Poller) complete(ctx context.Context, listed bool) error {
	if !listed || p.mirrored {
		return nil
	}
	err := p.Store.Update(ctx, func(tx state.Tx) error {
		c, _ := state.GetConn(tx, p.Conn)
		c.Name, c.Mirror = p.Conn, true
		state.PutConn(tx, c)
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("keep the connection: %w", err)
	}
	p.mirrored = true
	p.Lanes.Ring()
	return nil
}

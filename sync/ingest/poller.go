package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
	opened   map[connectors.Kind]bool      // kinds of which this process has opened a window
}

const (
	pageSize    = 2000
	firstWait   = time.Second
	longestWait = time.Minute
	listing     = "#list" // suffix of the cursor that lists a kind
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
		clear(p.hold)
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
		if full { // all of it is left alone: each is tried again when its own pause is over
			p.due = p.Wall().Add(p.every())
		}
		return false, nil
	}
	began := p.Wall().UTC()
	pages, err := p.changes(ctx, polls)
	if err != nil {
		p.failed("poll", err)
		return false, nil
	}
	p.leftOpen(readings, pages)
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
			if r.astray {
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

package ingest

import (
	"context"
	"fmt"
	"log/slog"
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
	Wall      func() time.Time
	Metrics   *Metrics
	Failures  *engine.Failures // may be nil
	Log       *slog.Logger
	Every     time.Duration // 0: as the rules say

	usersAt  time.Time
	mirrored bool
	wait     time.Duration
}

const (
	pageSize     = 2000
	usersEvery   = 15 * time.Minute
	firstWait    = time.Second
	longestWait  = time.Minute
	listing      = "#list" // suffix of the cursor that lists a kind
	pruneBatch   = 2000
	seenFor      = 8 * 24 * time.Hour // longer than any sender tries again (I1)
	defaultEvery = 2 * time.Minute
)

// Run polls until ctx ends. The error, if any, is the store's.
func (p *Poller) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		more, err := p.round(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("poll %s: %w", p.Conn, err)
		}
		wait := p.every()
		if more {
			wait = 0
		}
		if p.wait > 0 {
			wait = p.wait
		}
		sleep(ctx, wait)
	}
	return nil
}

func (p *Poller) every() time.Duration {
	if p.Every > 0 {
		return p.Every
	}
	for _, c := range p.Book.Rules().Conns() {
		if c.Name == p.Conn && c.PollEvery > 0 {
			return c.PollEvery
		}
	}
	return defaultEvery
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// failed waits longer each time the CRM does not answer.
func (p *Poller) failed(doing string, err error) {
	p.wait = min(max(2*p.wait, firstWait), longestWait)
	if e := connectors.AsError(doing, err); e.RetryAfter > 0 {
		p.wait = min(max(e.RetryAfter, firstWait), longestWait)
	}
	p.Metrics.failed(p.Conn, doing, err, p.Wall())
	p.Failures.Note(p.Conn, doing, err, p.Wall())
	p.Log.Warn("cannot poll the CRM", "conn", p.Conn, "doing", doing, "class", connectors.ClassOf(err).String(), "error", err, "again_in", p.wait)
}

// round reads one page of everything. It reports whether more can be had now.
func (p *Poller) round(ctx context.Context) (bool, error) {
	conn, ok, err := p.introduce(ctx)
	if err != nil || !ok {
		return false, err
	}
	if ok, err := p.users(ctx); err != nil || !ok {
		return false, err
	}
	readings, err := p.readings(ctx, conn)
	if err != nil {
		return false, err
	}
	polls := make([]connectors.Poll, len(readings))
	for i, r := range readings {
		polls[i] = r.poll
	}
	if len(polls) == 0 {
		return false, p.complete(ctx, true)
	}
	pages, err := p.Connector.Changes(ctx, polls)
	if err != nil {
		p.failed("poll", err)
		return false, nil
	}
	more, listed, err := p.keep(ctx, readings, pages)
	if err != nil {
		return false, err
	}
	if err := p.complete(ctx, listed); err != nil {
		return false, err
	}
	return more, nil
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
		return conn, true, nil
	}
	tenant, err := describer.Tenant(ctx)
	if err != nil {
		p.failed("ask who we are", err)
		return conn, false, nil
	}
	if conn.Tenant == tenant {
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
	return conn, true, nil
}

// users reads who can own records, at start and every quarter of an hour (C14).
func (p *Poller) users(ctx context.Context) (bool, error) {
	describer, ok := p.Connector.(connectors.Describer)
	if !ok || p.Wall().Sub(p.usersAt) < usersEvery {
		return true, nil
	}
	users, err := describer.Users(ctx)
	if err != nil {
		p.failed("read users", err)
		return false, nil
	}
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		for _, u := range users {
			state.PutUser(tx, p.Conn, u)
		}
		state.PruneSeen(tx, p.Wall().Add(-seenFor), pruneBatch)
		return tx.Err()
	})
	if err != nil {
		return false, fmt.Errorf("keep users: %w", err)
	}
	for _, u := range users {
		p.Mirror.LearnUser(p.Conn, u)
	}
	p.usersAt = p.Wall()
	return true, nil
}

// reading is one cursor that is read on.
type reading struct {
	watch plan.Watch
	name  connectors.Kind // of the cursor: the kind, or the kind with the listing suffix
	poll  connectors.Poll
	was   state.Cursor
}

func (r reading) lists() bool { return strings.HasSuffix(string(r.name), listing) }

// readings says what to read next: what changed in every watched kind, and the
// rest of the listings that are not complete.
func (p *Poller) readings(ctx context.Context, conn state.Conn) ([]reading, error) {
	var all []reading
	err := p.Store.View(ctx, func(tx state.Tx) error {
		all = nil
		for _, w := range p.Book.Rules().Watched(p.Conn) {
			c, ok := state.GetCursor(tx, p.Conn, w.Kind)
			if !ok {
				c.From = conn.Live
			}
			all = append(all, reading{w, w.Kind, connectors.Poll{Kind: w.Kind, From: c.Cursor, Fields: w.Fields, Limit: pageSize}, c})
			if !w.Mirror {
				continue
			}
			l, _ := state.GetCursor(tx, p.Conn, w.Kind+listing)
			if want := fieldsDigest(w); l.Fields != want {
				l = state.Cursor{Fields: want}
			}
			if !l.Listed {
				all = append(all, reading{w, w.Kind + listing, connectors.Poll{Kind: w.Kind, From: l.Cursor, Fields: w.Fields, Limit: pageSize}, l})
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read cursors: %w", err)
	}
	return all, nil
}

func fieldsDigest(w plan.Watch) string { return state.Digest(w.Fields...) }

// keep commits every page with its cursor. It reports whether more can be had
// now and whether every listing is complete.
func (p *Poller) keep(ctx context.Context, readings []reading, pages []connectors.Page) (more, listed bool, err error) {
	rules, now := p.Book.Rules(), p.Wall().UTC()
	var learnt []state.Record
	taken := 0
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		learnt, taken, more, listed = nil, 0, false, true
		for i, page := range pages {
			r := readings[i]
			if page.Err != nil {
				listed = listed && !r.lists()
				continue
			}
			next := r.was
			next.Cursor, next.At = page.Next, now
			for _, c := range page.Changes {
				c.Ref.Conn = p.Conn
				if !r.lists() {
					if state.AppendInbox(tx, state.Change{Change: c, Via: "poll", Came: now, Rank: 1}) {
						taken++
					}
					continue
				}
				if c.Object != nil {
					if rec, newer := p.mirror(tx, rules, *c.Object); newer {
						learnt = append(learnt, rec)
					}
				}
				next.Done++
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
	p.Metrics.worked(p.Conn)
	for i, page := range pages {
		if page.Err != nil {
			p.failed("poll "+string(readings[i].name), page.Err)
		}
	}
	for _, r := range learnt {
		p.Mirror.Learn(r)
	}
	if taken > 0 {
		p.Lanes.Ring()
	}
	return more, listed, nil
}

// mirror keeps a listed record unless a newer reading of it is there.
func (p *Poller) mirror(tx state.Tx, rules *plan.Rules, o connectors.Object) (state.Record, bool) {
	r, _ := rules.Normalize(o)
	if old, ok := state.GetRecord(tx, r.Ref); ok && old.Version > r.Version {
		return old, false
	}
	state.PutRecord(tx, r)
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

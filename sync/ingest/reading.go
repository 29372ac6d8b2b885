package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// reading is one cursor that is read on.
type reading struct {
	watch  plan.Watch
	name   connectors.Kind // of the cursor: the kind, or the kind with the listing suffix
	poll   connectors.Poll
	was    state.Cursor
	first  bool // a kind that was never listed before
	astray bool // the cursor was in the future
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
			astray := ok && c.From.After(now.Add(ahead))
			if astray {
				c.Cursor = connectors.Cursor{From: back(c, conn.Live, now)}
			}
			all = append(all, reading{w, w.Kind, connectors.Poll{Kind: w.Kind, From: c.Cursor, Fields: w.Fields, Limit: pageSize}, c, false, astray})
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

// ahead is how far a CRM's clock may run before ours.
const ahead = 10 * time.Minute

// back is where to begin where a cursor stands in the future, from a damaged state or
// under a clock that is wrong: when we last read, or the start. Followed as it is,
// nothing would be found until that day (P6).
func back(c state.Cursor, live, now time.Time) time.Time {
	if !c.At.IsZero() && c.At.Before(now) && c.At.After(live) {
		return c.At.Add(-ahead)
	}
	return live
}

// fieldsDigest names what a listing was read for.
func fieldsDigest(w plan.Watch) string { return state.Digest(slices.Concat(w.Fields, w.Wakes)...) }

// leftOpen has the next window read at once after one that an earlier process has left
// open: it ends with what had changed by then, and not with what has changed since.
func (p *Poller) leftOpen(readings []reading, pages []connectors.Page) {
	if p.opened == nil {
		p.opened = map[connectors.Kind]bool{}
	}
	for i, r := range readings {
		switch {
		case r.lists() || pages[i].Err != nil:
		case r.poll.From.Upper.IsZero():
			p.opened[r.name] = true
		case !p.opened[r.name]:
			pages[i].More = true
		}
	}
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

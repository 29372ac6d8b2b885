package ingest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/sync/engine"
)

// pause is how long one cursor is left alone: a kind that we may not read must
// neither stop the others nor make us ask for them more often (C6).
type pause struct {
	until time.Time
	after time.Duration
}

// rest is how long there is nothing to ask.
func (p *Poller) rest(more bool) time.Duration {
	switch {
	case p.wait > 0:
		return p.wait
	case more:
		return 0
	}
	now := p.Wall()
	d := p.due.Sub(now)
	for _, h := range p.hold {
		d = min(d, h.until.Sub(now))
	}
	for _, kind := range p.Gate.Wanted() {
		if at := p.early(kind); !at.IsZero() {
			d = min(d, at.Sub(now))
		}
	}
	return min(max(d, time.Millisecond), p.every()) // the clock may have been set back since
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
	return DefaultEvery
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// longer is the next pause after one that did not help.
func longer(last time.Duration, err error) time.Duration {
	if e := connectors.AsError("poll", err); e.RetryAfter > 0 {
		return min(max(e.RetryAfter, firstWait), longestWait)
	}
	return min(max(2*last, firstWait), longestWait)
}

// failed leaves the connection alone, longer each time it does not answer.
func (p *Poller) failed(doing string, err error) {
	p.wait = longer(p.wait, err)
	p.note(doing, err, p.wait)
}

// note tells of a call that failed.
func (p *Poller) note(doing string, err error, again time.Duration) {
	p.Metrics.failed(p.Conn, doing, err, p.Wall())
	p.Failures.Note(p.Conn, doing, err, p.Wall())
	p.Log.Warn("cannot poll the CRM", "conn", p.Conn, "doing", doing, "class", connectors.ClassOf(err).String(), "error", err, "again_in", again)
}

// ready leaves out the cursors that are left alone for now, and in a round
// that comes early, for them or for the next page of a long listing, those
// that have been read to their end.
func (p *Poller) ready(all []reading, full bool) []reading {
	now := p.Wall()
	read := func(name connectors.Kind) bool {
		return slices.ContainsFunc(all, func(r reading) bool { return r.name == name })
	}
	maps.DeleteFunc(p.hold, func(name connectors.Kind, _ pause) bool { return !read(name) }) // the rules no longer look at it
	maps.DeleteFunc(p.asked, func(kind connectors.Kind, _ time.Time) bool { return !read(kind) })
	maps.DeleteFunc(p.opened, func(kind connectors.Kind, _ bool) bool { return !read(kind) })
	return slices.DeleteFunc(slices.Clone(all), func(r reading) bool {
		h, failed := p.hold[r.name]
		return failed && engine.Paused(now, h.until, h.after) || !failed && !full && !p.more[r.name] && !p.waitedFor(r)
	})
}

// outcome leaves a cursor alone that could not be read on, longer each time.
func (p *Poller) outcome(name connectors.Kind, page connectors.Page) {
	if p.hold == nil {
		p.hold, p.more = map[connectors.Kind]pause{}, map[connectors.Kind]bool{}
	}
	p.more[name] = page.Err == nil && page.More
	if page.Err == nil {
		delete(p.hold, name)
		return
	}
	h := p.hold[name]
	h.after = longer(h.after, page.Err)
	h.until = p.Wall().Add(h.after)
	p.hold[name] = h
	p.note("poll "+string(name), page.Err, h.after)
}

// caughtUp lets deadlines speak that passed while nobody ran, once everything
// that changed meanwhile is in the inbox.
func (p *Poller) caughtUp(all []reading) {
	behind := slices.ContainsFunc(all, func(r reading) bool {
		_, failed := p.hold[r.name]
		return !r.lists() && (failed || p.more[r.name])
	})
	if !behind && p.Gate.CatchUp() {
		p.Lanes.Ring()
	}
}

package ingest

import (
	"context"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// apart is how long after one poll of a kind a deadline that waits for it has
// it polled again, at most; a regular one that comes within that time will do.
const apart = 15 * time.Second

func (p *Poller) apart() time.Duration { return min(apart, p.every()/6) }

// sleep waits until there is something to ask, or a deadline waits for something.
// A CRM that does not answer is left alone all the same.
func (p *Poller) sleep(ctx context.Context, d time.Duration) {
	if p.wait > 0 || p.Gate == nil {
		sleep(ctx, d)
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-p.Gate.Early:
	}
}

// early is when a kind that somebody waits for is polled; zero: at the next
// regular poll, or when what has failed is tried again.
func (p *Poller) early(kind connectors.Kind) time.Time {
	last, most := p.asked[kind], p.apart()
	_, failed := p.hold[kind]
	if failed || last.IsZero() || !p.due.After(p.Wall().Add(most)) || !slices.Contains(p.Gate.Wanted(), kind) {
		return time.Time{}
	}
	return last.Add(most)
}

// waitedFor reports whether a kind is to be polled now because a deadline waits.
func (p *Poller) waitedFor(r reading) bool {
	at := p.early(r.watch.Kind)
	return !r.lists() && !at.IsZero() && !at.After(p.Wall())
}

// noteRead tells the lanes how far everything has been read, and wakes them
// where that was waited for.
func (p *Poller) noteRead(readings []reading, pages []connectors.Page, began time.Time) {
	waited := false
	for i, r := range readings {
		if r.lists() {
			continue
		}
		if p.asked == nil {
			p.asked = map[connectors.Kind]time.Time{}
		}
		p.asked[r.watch.Kind] = began
		from := r.poll.From
		if pages[i].Err != nil || pages[i].More || from.Listing {
			continue
		}
		until := began
		if !from.Upper.IsZero() && from.Upper.Before(until) {
			until = from.Upper
		}
		waited = p.Gate.Read(r.watch.Kind, until) || waited
	}
	if waited {
		p.Lanes.Ring()
	}
}

package ingest

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"github.com/handoffd/handoffd/connectors"
)

// What the messages of a sender that signs nothing may cost. Each kind that a
// message names is at most one read, since whatever waits is read in one
// batch; so nobody who has guessed an address can make us spend more of the
// CRM's calls than this.
const (
	hintReads    = 5 // a second and connection
	hintBurst    = 5
	hintPatience = 2 * time.Second // a burst is worth waiting for; senders wait longer than that
)

// afford waits until an unsigned request's hints may be taken in. False: not
// soon, the sender has to come again.
func (h *Webhooks) afford(ctx context.Context, source Source, conn string, received connectors.Received, came time.Time) bool {
	if _, unsigned := source.Receiver.(connectors.Unsigned); !unsigned {
		return true
	}
	rules, kinds := h.Book.Rules(), map[connectors.Kind]bool{}
	for _, c := range received.Changes {
		if !kinds[c.Ref.Kind] && rules.Fields(conn, c.Ref.Kind) != nil {
			kinds[c.Ref.Kind] = true
		}
	}
	if len(kinds) == 0 {
		return true // nothing will be read
	}
	known, _ := h.grants.LoadOrStore(conn, rate.NewLimiter(hintReads, hintBurst))
	grant, ok := known.(*rate.Limiter)
	if !ok {
		return false
	}
	r := grant.ReserveN(came, min(len(kinds), hintBurst))
	wait := r.DelayFrom(came)
	if !r.OK() || wait > hintPatience {
		r.CancelAt(came)
		return false
	}
	sleep(ctx, wait)
	return ctx.Err() == nil
}

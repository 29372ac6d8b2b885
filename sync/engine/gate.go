package engine

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Gate is shut until it is known whose records a connection's credentials
// reach. Ids are a tenant's own: with credentials of another one, reading
// would believe strangers' records and writing would change them. A nil gate
// stands open.
//
// It also tells the lanes how far a connection has been polled, and its poller
// what a deadline waits for.
type Gate struct {
	Early Bell // rung when something is waited for; may be nil

	open, caughtUp atomic.Bool

	mu    sync.Mutex
	read  map[connectors.Kind]time.Time
	wants map[connectors.Kind]bool
}

// Pass opens the gate.
func (g *Gate) Pass() {
	if g != nil {
		g.open.Store(true)
	}
}

// Open reports whether the connection may be used.
func (g *Gate) Open() bool { return g == nil || g.open.Load() }

// CatchUp notes that everything that changed while nobody ran has been read,
// and reports whether that is news.
func (g *Gate) CatchUp() bool { return g != nil && g.caughtUp.CompareAndSwap(false, true) }

// CaughtUp reports whether it has been.
func (g *Gate) CaughtUp() bool { return g == nil || g.caughtUp.Load() }

// Hears reports whether webhooks can be relied on to tell what people do: none was missed
// lately, and what changed while nobody ran has been read.
func (g *Gate) Hears(c state.Conn, now time.Time) bool { return g.CaughtUp() && trusted(c, now) }

// Read notes that everything of a kind that had changed until then is in the
// inbox, and reports whether anybody has waited for it.
func (g *Gate) Read(kind connectors.Kind, until time.Time) (waited bool) {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.read == nil {
		g.read = map[connectors.Kind]time.Time{}
	}
	if until.After(g.read[kind]) {
		g.read[kind] = until
	}
	waited = g.wants[kind]
	delete(g.wants, kind)
	return waited
}

// ReadTo is until when what has changed of a kind is known; zero: since the
// start nothing of it has been read.
func (g *Gate) ReadTo(kind connectors.Kind) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.read[kind]
}

// ReadBy reports whether everything of a kind that had changed at an instant is
// known.
func (g *Gate) ReadBy(kind connectors.Kind, at time.Time) bool {
	return g == nil || !g.ReadTo(kind).Before(at)
}

// asOf is a gate as it stands now: what is read from here on does not show on it.
func (g *Gate) asOf() *Gate {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	out := &Gate{read: maps.Clone(g.read)}
	out.open.Store(g.open.Load())
	out.caughtUp.Store(g.caughtUp.Load())
	return out
}

// Want asks for a kind to be polled sooner than it would be.
func (g *Gate) Want(kind connectors.Kind) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wants == nil {
		g.wants = map[connectors.Kind]bool{}
	}
	g.wants[kind] = true
	g.Early.Ring()
}

// Wanted are the kinds that somebody waits for, in order.
func (g *Gate) Wanted() []connectors.Kind {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.wants))
}

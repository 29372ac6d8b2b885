package engine

import "sync/atomic"

// Gate is shut until it is known whose records a connection's credentials
// reach. Ids are a tenant's own: with credentials of another one, reading
// would believe strangers' records and writing would change them. A nil gate
// stands open.
type Gate struct{ open, caughtUp atomic.Bool }

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

package engine

import (
	"sync"

	"github.com/handoffd/handoffd/connectors"
)

// away are the records that a write is on its way to. A hint about one is most
// likely the echo of that write, and can be told from a person's change only
// when the write has been answered; read before that, it would cost a call to
// learn what we have just written.
type away struct {
	mu   sync.Mutex
	refs map[connectors.Ref]int
}

// Send says that writes to these records leave now. The function it returns
// says that their answers are kept; it must be called.
func (d *Decider) Send(refs []connectors.Ref) (answered func()) {
	d.away.add(refs, 1)
	return func() {
		d.away.add(refs, -1)
		d.Lanes.Ring()
	}
}

func (a *away) add(refs []connectors.Ref, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refs == nil {
		a.refs = map[connectors.Ref]int{}
	}
	for _, ref := range refs {
		if a.refs[ref] += n; a.refs[ref] <= 0 {
			delete(a.refs, ref)
		}
	}
}

func (a *away) has(ref connectors.Ref) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refs[ref] > 0
}

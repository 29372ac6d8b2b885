package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPairs starts two daemons on one state at the same moment, again and again:
// one of them works, the other ends within seconds and says who has it, and a
// state that two wanted is whole (L6). PAIRS=50 holds the two seconds that are
// promised; that takes a machine with nothing else to do.
func TestPairs(t *testing.T) {
	unraced(t)
	t.Parallel()
	needs(t)
	pairs := wanted(t, "PAIRS", 2)
	within := 10 * time.Second
	if pairs >= 50 {
		within = 2 * time.Second
	}
	one := processTest(t, 1)
	one.startSim()
	one.webhook = freeAddress(t)
	other := &killTest{t: t, dir: one.dir, daemon: one.daemon, sim: one.sim, wires: one.wires, webhook: freeAddress(t)}
	slowest := time.Duration(0)
	for n := range pairs {
		type end struct {
			k     *killTest
			code  int
			ready bool
			took  time.Duration
		}
		ends := make(chan end, 2)
		for _, k := range []*killTest{one, other} {
			go func() {
				began := time.Now()
				code, ready := k.launch()
				ends <- end{k, code, ready, time.Since(began)}
			}()
		}
		first, second := <-ends, <-ends
		if second.ready {
			first, second = second, first
		}
		if !first.ready || second.ready || second.code != exitHeld {
			t.Fatalf("pair %d: ready %v and %v, ended with %d and %d, want %d\n%s", n, first.ready, second.ready, first.code, second.code, exitHeld, one.lastWords())
		}
		if said, who := one.lastWords(), fmt.Sprintf("process %d", first.k.process.Process.Pid); !strings.Contains(said, who) {
			t.Errorf("pair %d: it does not say %q\n%s", n, who, said)
		}
		slowest = max(slowest, second.took)
		first.k.signal(syscall.SIGTERM)
		if code := first.k.ended(15 * time.Second); code != 0 {
			t.Fatalf("pair %d: the one that worked ended with %d\n%s", n, code, one.lastWords())
		}
	}
	if slowest > within {
		t.Errorf("the second of a pair took %s to end", slowest)
	}
	t.Logf("%d pairs, the slowest second ended after %s", pairs, slowest.Round(time.Millisecond))
}

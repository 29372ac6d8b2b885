package route

import (
	"maps"

	"github.com/handoffd/handoffd/state"
)

// Credit gives a member the turn back that ended in a return: it counts as if
// it had not been theirs. The draws made since are left as they are. The pool
// is not changed; the one in the answer is what has to be remembered.
func Credit(pool state.Pool, who string, weight int) state.Pool {
	out := pool
	if served, known := pool.Served[who]; known {
		out.Served = maps.Clone(pool.Served)
		out.Served[who] = max(served-Candidate{Weight: weight}.cost(), 0)
	}
	if pool.Turns[who] > 0 {
		out.Turns = maps.Clone(pool.Turns)
		out.Turns[who]--
	}
	return out
}

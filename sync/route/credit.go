package route

import (
	"maps"

	"github.com/handoffd/handoffd/state"
)

// Credit gives a member the turn back that ended in a return: it counts as if
// it had not been theirs. The draws made since are left as they are. The pool
// is not changed; the one in the answer is what has to be remembered.
func Credit(pool state.Pool, who string, weight int) state.Pool {
	return CreditOf(pool, "", who, weight)
}

// CreditOf is Credit for a turn of one tier.
func CreditOf(pool state.Pool, tier, who string, weight int) state.Pool {
	out := pool
	out.Served, out.Turns = givenBack(pool.Served, pool.Turns, who, weight)
	if r, known := pool.Tiers[tier]; known {
		r.Served, r.Turns = givenBack(r.Served, r.Turns, who, weight)
		out.Tiers = maps.Clone(pool.Tiers)
		out.Tiers[tier] = r
	}
	return out
}

func givenBack(served map[string]int64, turns map[string]int, who string, weight int) (map[string]int64, map[string]int) {
	if s, known := served[who]; known {
		served = maps.Clone(served)
		served[who] = max(s-Candidate{Weight: weight}.cost(), 0)
	}
	if turns[who] > 0 {
		turns = maps.Clone(turns)
		turns[who]--
	}
	return served, turns
}

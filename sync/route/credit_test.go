package route_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
)

// TestCreditUndoesTheTurn (1.89): a turn that is given back at once leaves
// accounts and turns, the team's and the tier's, as if it had not been.
func TestCreditUndoesTheTurn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := team(rapid.SliceOfN(rapid.IntRange(1, 12), 1, 6).Draw(t, "weights")...)
		turn := route.Turn{Team: "sdr", ByTier: rapid.Bool().Draw(t, "by tier")}
		tier := rapid.SampledFrom([]string{"", "hot", "cold"})
		var pool state.Pool
		for range rapid.IntRange(1, 30).Draw(t, "before") {
			turn.Tier = tier.Draw(t, "tier")
			pool = route.NextOf(pool, turn, members, now).Pool
		}
		if turn.Tier == "" {
			turn.Tier = "hot"
			pool = route.NextOf(pool, turn, members, now).Pool
		}
		d := route.NextOf(pool, turn, members, now)
		weight := 0
		for _, m := range members {
			if m.Who == d.Who {
				weight = m.Weight
			}
		}
		back := route.CreditOf(d.Pool, turn.Tier, d.Who, weight)
		back.Seq--
		zero := cmpopts.IgnoreMapEntries(func(_ string, n int) bool { return n == 0 })
		if diff := cmp.Diff(pool, back, zero); diff != "" {
			t.Fatalf("%s of weight %d: %s", d.Who, weight, diff)
		}
	})
}

// TestTiesGoToTheFirst: of equal members the admin's order decides.
func TestTiesGoToTheFirst(t *testing.T) {
	t.Parallel()
	var pool state.Pool
	for n := range 6 {
		d := route.Next(pool, "sdr", team(1, 1, 1), now)
		if pool = d.Pool; d.Who != team(1, 1, 1)[n%3].Who {
			t.Fatalf("draw %d is %s's", n, d.Who)
		}
	}
}

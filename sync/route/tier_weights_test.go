package route_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
)

// TestTierLearnsOfNewWeights (1.89): a weight that was changed while another
// tier drew is taken in anew in every tier: in none does anybody
// wait for what the old weight owed.
func TestTierLearnsOfNewWeights(t *testing.T) {
	t.Parallel()
	var pool state.Pool
	draw := func(tier string, members []route.Candidate) string {
		d := route.NextOf(pool, route.Turn{Team: "sdr", Tier: tier, ByTier: true}, members, now)
		pool = d.Pool
		return d.Who
	}
	old, even := team(12, 1), team(12, 12)
	draw("hot", old)
	draw("hot", old)   // the second has had a turn that counts as twelve of the first
	draw("cold", even) // the weight is changed, and a cold one is drawn first
	turns := map[string]int{}
	for range 12 {
		turns[draw("hot", even)]++
	}
	if turns["rep01@example.com"] < 5 {
		t.Errorf("of 12 hot ones even weights had %v", turns)
	}
}

// TestTierChangedMidWay is TestChangedMidWay in every tier.
func TestTierChangedMidWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.IntRange(1, 12)
		members := team(rapid.SliceOfN(weight, 2, 6).Draw(t, "weights")...)
		tier := rapid.SampledFrom([]string{"hot", "cold"})
		var pool state.Pool
		next := func(tier string) {
			pool = route.NextOf(pool, route.Turn{Team: "sdr", Tier: tier, ByTier: true}, members, now).Pool
		}
		for range rapid.IntRange(0, 60).Draw(t, "before") {
			next(tier.Draw(t, "tier"))
		}
		sum := 0
		for i := range members {
			if rapid.Bool().Draw(t, "changes") {
				members[i].Weight = weight.Draw(t, "weight")
			}
			sum += members[i].Weight
		}
		before, draws := pool.Tiers, map[string]int{}
		for range 80 {
			at := tier.Draw(t, "tier")
			next(at)
			draws[at]++
			for _, m := range members {
				got, due := float64(pool.Tiers[at].Turns[m.Who]-before[at].Turns[m.Who]), float64(draws[at]*m.Weight)/float64(sum)
				if math.Abs(got-due) > 3 {
					t.Fatalf("%s: %d draws after the change %s had %g turns, due %.2f (weight %d of %d)", at, draws[at], m.Who, got, due, m.Weight, sum)
				}
			}
		}
	})
}

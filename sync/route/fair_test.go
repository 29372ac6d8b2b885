package route_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
)

// comings draws a team whose first members are always there while the others
// come and go, and calls see after every draw.
func comings(t *rapid.T, weights []int, stay int, see func(d route.Draw, pool state.Pool)) {
	members := team(weights...)
	var pool state.Pool
	for range rapid.IntRange(1, 15).Draw(t, "phases") {
		for i := stay; i < len(members); i++ {
			members[i].Out = ""
			if rapid.Bool().Draw(t, "away") {
				members[i].Out = "on leave"
			}
		}
		for range rapid.IntRange(1, 12).Draw(t, "draws") {
			d := route.Next(pool, "sdr", members, now)
			pool = d.Pool
			see(d, pool)
		}
	}
}

// TestAlwaysThere (1.89): whoever comes and goes, of those who are there all
// the time nobody is ever more than one turn ahead of another.
func TestAlwaysThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "members")
		stay := rapid.IntRange(2, n).Draw(t, "stay")
		comings(t, slices.Repeat([]int{1}, n), stay, func(_ route.Draw, pool state.Pool) {
			least, most := math.MaxInt, 0
			for _, m := range team(slices.Repeat([]int{1}, stay)...) {
				least, most = min(least, pool.Turns[m.Who]), max(most, pool.Turns[m.Who])
			}
			if most-least > 1 {
				t.Fatalf("%d to %d turns: %v", least, most, pool.Turns)
			}
		})
	})
}

// TestWeightedAlwaysThere (1.89): with weights, and whoever comes and goes,
// those who are there all the time divide what they get by their weights, to
// two turns. Without comings and goings it is one (TestShares); a change of
// who is there moves the level that decides who may go next.
func TestWeightedAlwaysThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 6), 2, 6).Draw(t, "weights")
		stay := team(weights[:rapid.IntRange(1, len(weights)).Draw(t, "stay")]...)
		sum := 0
		for _, m := range stay {
			sum += m.Weight
		}
		comings(t, weights, len(stay), func(_ route.Draw, pool state.Pool) {
			all := 0
			for _, m := range stay {
				all += pool.Turns[m.Who]
			}
			for _, m := range stay {
				if fair := float64(all*m.Weight) / float64(sum); math.Abs(float64(pool.Turns[m.Who])-fair) > 2 {
					t.Fatalf("weights %v, %d stay: %v, fair for %s were %.2f", weights, len(stay), pool.Turns, m.Who, fair)
				}
			}
		})
	})
}

// TestOrderChangesTiesOnly: in another order another member may win, but only
// one whose turn would have ended at the same time.
func TestOrderChangesTiesOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 4), 2, 6).Draw(t, "weights")
		members := team(weights...)
		var pool state.Pool
		for range rapid.IntRange(1, 40).Draw(t, "draws") {
			other := rapid.Permutation(members).Draw(t, "order")
			a, b := route.Next(pool, "sdr", members, now), route.Next(pool, "sdr", other, now)
			if a.Who != b.Who && a.Pool.Served[a.Who] != b.Pool.Served[b.Who] {
				t.Fatalf("%s in one order, %s in another: %+v", a.Who, b.Who, pool)
			}
			if rapid.Bool().Draw(t, "other") {
				a = b
			}
			pool = a.Pool
		}
	})
}

// TestByTier: a team that counts by tier is even in every tier, and not more
// than a turn for each tier apart in all of them; one that does not is even in
// all of them together. Turns are shown by tier in both.
func TestByTier(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := team(slices.Repeat([]int{1}, rapid.IntRange(2, 5).Draw(t, "members"))...)
		tiers := []string{"hot", "warm", "cold"}
		byTier := rapid.Bool().Draw(t, "by tier")
		var pool state.Pool
		for range 60 {
			tier := rapid.SampledFrom(tiers).Draw(t, "tier")
			pool = route.NextOf(pool, route.Turn{Team: "sdr", Tier: tier, ByTier: byTier}, members, now).Pool
			sum := 0
			for _, tier := range tiers {
				turns := pool.Tiers[tier].Turns
				for _, m := range members {
					sum += turns[m.Who]
				}
				if byTier && spread(turns, members) > 1 {
					t.Fatalf("in %s: %v", tier, turns)
				}
			}
			if most := spread(pool.Turns, members); sum != int(pool.Seq) || !byTier && most > 1 || most > len(tiers) {
				t.Fatalf("%v by tier %v", pool.Turns, pool.Tiers)
			}
		}
	})
}

func spread(turns map[string]int, members []route.Candidate) int {
	least, most := math.MaxInt, 0
	for _, m := range members {
		least, most = min(least, turns[m.Who]), max(most, turns[m.Who])
	}
	return most - least
}

// TestTierTies: the first hot one goes to whoever has had least of all.
func TestTierTies(t *testing.T) {
	t.Parallel()
	members := team(1, 1, 1)
	hot := route.Turn{Team: "sdr", Tier: "hot", ByTier: true}
	pool := route.NextOf(state.Pool{}, route.Turn{Team: "sdr", Tier: "cold", ByTier: true}, members, now).Pool
	for _, want := range []string{"rep01@example.com", "rep02@example.com", "rep00@example.com"} {
		d := route.NextOf(pool, hot, members, now)
		if pool = d.Pool; d.Who != want {
			t.Fatalf("%s, want %s: %+v", d.Who, want, pool)
		}
	}
}

// TestChangedMidWay: when weights or members change, nothing that was owed
// before turns into a burst: in whatever follows each has what the new weights
// give, to three turns.
func TestChangedMidWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weight := rapid.IntRange(1, 12)
		members := team(rapid.SliceOfN(weight, 2, 6).Draw(t, "weights")...)
		var pool state.Pool
		for range rapid.IntRange(0, 40).Draw(t, "before") {
			pool = route.Next(pool, "sdr", members, now).Pool
		}
		sum := 0
		joiner := team(1, 1, 1, 1, 1, 1, 1)[len(members)]
		if rapid.Bool().Draw(t, "joins") {
			members = append(members, joiner)
		} else if rapid.Bool().Draw(t, "leaves") {
			members = members[1:]
		}
		for i := range members {
			if rapid.Bool().Draw(t, "changes") {
				members[i].Weight = weight.Draw(t, "weight")
			}
			sum += members[i].Weight
		}
		before := pool.Turns
		for n := 1; n <= 60; n++ {
			pool = route.Next(pool, "sdr", members, now).Pool
			for _, m := range members {
				got, due := float64(pool.Turns[m.Who]-before[m.Who]), float64(n*m.Weight)/float64(sum)
				if math.Abs(got-due) > 3 {
					t.Fatalf("%d draws after the change %s had %g turns, due %.2f (weight %d of %d)", n, m.Who, got, due, m.Weight, sum)
				}
			}
		}
	})
}

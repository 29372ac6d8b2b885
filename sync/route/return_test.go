package route_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
)

// TestAwayForOneDraw (1.89): whoever is away for a draw keeps the turn they
// were waiting for. The last of three is there for every other draw, and one in
// three of those is theirs.
func TestAwayForOneDraw(t *testing.T) {
	t.Parallel()
	members := team(1, 1, 1)
	last := &members[2]
	var pool state.Pool
	for n := range 60 {
		last.Out = ""
		if n%2 == 1 {
			last.Out = "at a meeting"
		}
		pool = route.Next(pool, "sdr", members, now).Pool
	}
	if got := pool.Turns[last.Who]; got < 9 || got > 11 {
		t.Errorf("of 30 draws that a third of was theirs they had %d: %v", got, pool.Turns)
	}
}

// TestCreditOutlivesAnAbsence (1.89): a turn that was given back is had by who
// comes back after a draw without them.
func TestCreditOutlivesAnAbsence(t *testing.T) {
	t.Parallel()
	members := team(1, 1, 1)
	last := &members[2]
	var pool state.Pool
	for range 6 {
		pool = route.Next(pool, "sdr", members, now).Pool
	}
	pool = route.Credit(pool, last.Who, 1)
	last.Out = "on leave"
	pool = route.Next(pool, "sdr", members, now).Pool
	last.Out = ""
	if d := route.Next(pool, "sdr", members, now); d.Who != last.Who {
		t.Errorf("%s is next, and %s was owed one: %v", d.Who, last.Who, pool.Served)
	}
}

// TestComingAndGoingIsFair (1.89): whoever comes and goes gets what the draws
// they were there for owed them, wherever they stand in the team's order.
func TestComingAndGoingIsFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		equal := rapid.Bool().Draw(t, "equal")
		most, off := 3, 60.0 // of 2000 draws; what is kept of an absence is a turn at most
		if equal {
			most, off = 1, 10
		}
		members := team(rapid.SliceOfN(rapid.IntRange(1, most), 2, 5).Draw(t, "weights")...)
		share := rapid.Float64Range(0.2, 0.9).Draw(t, "there")
		rng := uint64(rapid.Uint32().Draw(t, "seed")) | 1
		var pool state.Pool
		turns, due := map[string]float64{}, map[string]float64{}
		for range 2000 {
			for i := range members {
				rng = rng*6364136223846793005 + 1442695040888963407
				members[i].Out = ""
				if float64(rng>>40)/float64(1<<24) > share {
					members[i].Out = "busy"
				}
			}
			d := route.Next(pool, "sdr", members, now)
			if pool = d.Pool; d.Who == "" {
				continue
			}
			turns[d.Who]++
			e := route.Entry{Free: d.Free}
			for _, m := range d.Free {
				due[m.Who] += e.Due(m.Who)
			}
		}
		for _, m := range members {
			if math.Abs(turns[m.Who]-due[m.Who]) > off {
				t.Fatalf("%s of weight %d had %g turns, due %.1f: %v", m.Who, m.Weight, turns[m.Who], due[m.Who], turns)
			}
		}
	})
}

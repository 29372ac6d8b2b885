package route_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
)

var now = time.Date(2026, 3, 16, 14, 0, 0, 0, time.UTC)

func team(weights ...int) []route.Candidate {
	out := make([]route.Candidate, len(weights))
	for i, w := range weights {
		out[i] = route.Candidate{Who: fmt.Sprintf("rep%02d@example.com", i), Weight: w, Opens: now}
	}
	return out
}

// TestThirtySingleDraws: three equal reps, one lead at a time, ten each
// (field complaint 5).
func TestThirtySingleDraws(t *testing.T) {
	t.Parallel()
	var pool state.Pool
	for range 30 {
		pool = route.Next(pool, "sdr", team(1, 1, 1), now).Pool
	}
	want := map[string]int{"rep00@example.com": 10, "rep01@example.com": 10, "rep02@example.com": 10}
	if diff := cmp.Diff(want, pool.Turns); diff != "" || pool.Seq != 30 || pool.Team != "sdr" {
		t.Errorf("%s\n%+v", diff, pool)
	}
}

// TestShares (1.89): without weights nobody is more than one turn ahead; with
// weights nobody is a whole turn away from the share that is due, at any time.
func TestShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 12), 1, 8).Draw(t, "weights")
		equal := rapid.Bool().Draw(t, "equal")
		sum := 0
		for i := range weights {
			if equal {
				weights[i] = 1
			}
			sum += weights[i]
		}
		members := team(weights...)
		var pool state.Pool
		for n := 1; n <= 120; n++ {
			pool = route.Next(pool, "sdr", members, now).Pool
			least, most := 1<<30, 0
			for i, m := range members {
				turns := pool.Turns[m.Who]
				least, most = min(least, turns), max(most, turns)
				if due := float64(n) * float64(weights[i]) / float64(sum); float64(turns) > due+1.001 || float64(turns) < due-1.001 {
					t.Fatalf("after %d draws weights %v gave %d turns to member %d, due %.2f", n, weights, turns, i, due)
				}
			}
			if equal && most-least > 1 {
				t.Fatalf("after %d draws %d to %d turns", n, least, most)
			}
		}
	})
}

// TestNoBurstOnReturn: whoever comes and goes, while the same members are
// there nobody gets two turns more than another, so nobody makes up for time
// away (field complaints 3, 6).
func TestNoBurstOnReturn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := team(1, 1, 1, 1)
		var pool state.Pool
		for range rapid.IntRange(1, 12).Draw(t, "phases") {
			free := 0
			for i := range members {
				members[i].Out = ""
				if rapid.Bool().Draw(t, "away") {
					members[i].Out = "on leave"
				} else {
					free++
				}
			}
			before := pool.Turns
			for range rapid.IntRange(1, 30).Draw(t, "draws") {
				d := route.Next(pool, "sdr", members, now)
				if free == 0 && (d.Who != "" || len(d.Skipped) != len(members)) {
					t.Fatalf("nobody was free and %q was drawn", d.Who)
				}
				pool = d.Pool
			}
			least, most := 1<<30, 0
			for _, m := range members {
				if m.Out == "" {
					turns := pool.Turns[m.Who] - before[m.Who]
					least, most = min(least, turns), max(most, turns)
				}
			}
			if free > 0 && most-least > 2 {
				t.Fatalf("in one phase %d to %d turns: %v, before %v", least, most, pool.Turns, before)
			}
		}
	})
}

// TestReturnsAtTheLevelOfTheOthers: three weeks away are not made up for.
func TestReturnsAtTheLevelOfTheOthers(t *testing.T) {
	t.Parallel()
	var pool state.Pool
	members := team(2, 2, 1)
	for n := range 160 {
		members[1].Out = ""
		if n >= 10 && n < 110 {
			members[1].Out, members[1].Kind = "on leave until Monday", route.OnLeave
		}
		d := route.Next(pool, "sdr", members, now)
		if members[1].Out != "" {
			if diff := cmp.Diff([]route.Skip{{Who: members[1].Who, Why: "on leave until Monday", Kind: route.OnLeave}}, d.Skipped); diff != "" {
				t.Fatal(diff)
			}
		}
		pool = d.Pool
	}
	if got := pool.Turns[members[1].Who]; got < 4+19 || got > 4+21 {
		t.Errorf("%d turns, want 4 before and 20 of the last 50", got)
	}
}

// TestOutsideHours (1.88): whoever works comes first, else whoever opens first.
func TestOutsideHours(t *testing.T) {
	t.Parallel()
	members := team(1, 1, 1)
	members[0].Opens, members[1].Opens, members[2].Opens = now.Add(2*time.Hour), now.Add(time.Hour), now.Add(time.Hour)
	var pool state.Pool
	for range 4 {
		pool = route.Next(pool, "sdr", members, now).Pool
	}
	if diff := cmp.Diff(map[string]int{"rep01@example.com": 2, "rep02@example.com": 2}, pool.Turns); diff != "" {
		t.Error(diff)
	}
	members[0].Opens = now.Add(-time.Hour)
	d := route.Next(state.Pool{}, "sdr", members, now)
	if d.Who != "rep00@example.com" || len(d.Skipped) != 2 || d.Skipped[0].Why != "is outside working hours" {
		t.Errorf("%+v", d)
	}
}

// TestNextChangesNothing: the pool that goes in stays as it is.
func TestNextChangesNothing(t *testing.T) {
	t.Parallel()
	pool := route.Next(state.Pool{}, "sdr", team(1, 1), now).Pool
	before := fmt.Sprintf("%+v", pool)
	route.Next(pool, "sdr", team(1, 1), now)
	if got := fmt.Sprintf("%+v", pool); got != before {
		t.Errorf("got %s, was %s", got, before)
	}
}

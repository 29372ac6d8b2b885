// Package route is the rotation of a team: who of those present is next, and
// why each of the others was passed over. It is pure, and it keeps no hidden
// state: everything it remembers stands in [state.Pool], and anybody can
// compute the next turn from it by hand (field, G6).
//
// The rotation is "earliest eligible virtual deadline first". A turn of a
// member costs TurnUnit/weight. The fair level is the mean of what the members
// have been served, weighted by their weights; a member is eligible who stands
// at or below it, and of the eligible the one whose turn would end first goes
// first. Without weights that is simply the one who has been served least;
// with weights nobody is ever a whole turn away from the share that is due.
// Ties go to the order in which the admin wrote the members.
//
// Somebody who was absent does not get a burst on return, and does not lose
// the turn they were waiting for: while they are away their account moves on
// with the others'. A joiner starts at the smallest account of those present.
package route

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/state"
)

// TurnUnit is what a turn costs a member of weight 1. It can be divided by
// every weight up to 20 without a remainder.
const TurnUnit int64 = 232_792_560

// Candidate is one member of a team at the moment of a draw.
type Candidate struct {
	Who    string
	Weight int // below 1 counts as 1
	// Out is why this member cannot take anything now ("on leave until
	// Monday", "12 of 12 unaccepted"); blank: free.
	Out string
	// Opens is when this member works next; now or earlier means that they are
	// working. Closed is why they do not work now, for the reason of a skip.
	Opens  time.Time
	Closed string
}

func (c Candidate) cost() int64 { return TurnUnit / int64(c.weight()) }

func (c Candidate) weight() int { return max(c.Weight, 1) }

// Skip is a member who was passed over, and why.
type Skip struct{ Who, Why string }

// Draw is one turn.
type Draw struct {
	Who     string // blank: nobody is free
	Skipped []Skip // in the team's order
	Pool    state.Pool
}

// Next draws among the candidates, which stand in the team's order. Those who
// work at now are preferred; when nobody does, whoever opens first. The pool is
// not changed; the one in the answer is what has to be remembered.
func Next(pool state.Pool, team string, candidates []Candidate, now time.Time) Draw {
	d := Draw{Pool: pool}
	free, skipped := present(candidates, now)
	d.Skipped = skipped
	if len(free) == 0 {
		return d
	}
	l := newLevels(pool, candidates, free)
	i := l.pick()
	d.Who = free[i].Who
	d.Pool = l.give(i, pool, team)
	return d
}

// present splits the candidates into those a turn may go to and the others.
func present(candidates []Candidate, now time.Time) (free []Candidate, skipped []Skip) {
	var first time.Time
	working := false
	for _, c := range candidates {
		if c.Out != "" {
			continue
		}
		working = working || !c.Opens.After(now)
		if first.IsZero() || c.Opens.Before(first) {
			first = c.Opens
		}
	}
	for _, c := range candidates {
		switch {
		case c.Out != "":
			skipped = append(skipped, Skip{c.Who, c.Out})
		case working && c.Opens.After(now):
			skipped = append(skipped, Skip{c.Who, closed(c)})
		case !working && c.Opens.After(first):
			skipped = append(skipped, Skip{c.Who, closed(c) + ", and longer than a colleague"})
		default:
			free = append(free, c)
		}
	}
	return free, skipped
}

func closed(c Candidate) string {
	if c.Closed == "" {
		return "is outside working hours"
	}
	return c.Closed
}

// levels are the accounts of those present, brought into line.
type levels struct {
	free   []Candidate
	absent []string
	served []int64
	base   int64 // the smallest account before the turn
}

func newLevels(pool state.Pool, all, free []Candidate) *levels {
	l := &levels{free: free, served: make([]int64, len(free))}
	for _, c := range all {
		if !slices.ContainsFunc(free, func(f Candidate) bool { return f.Who == c.Who }) {
			l.absent = append(l.absent, c.Who)
		}
	}
	stayed, mean := level(pool, free)
	if stayed < 0 {
		stayed, mean = level(pool, all) // nobody of the last draw is here; they left the level behind
	}
	for i, c := range free {
		s, known := pool.Served[c.Who]
		low := max(stayed, mean-c.cost())
		switch {
		case stayed < 0:
			s = 0
		case !known:
			s = low
		case !pool.Present[c.Who]:
			s = min(max(s, low), mean+c.cost())
		}
		l.served[i] = s
	}
	l.base = slices.Min(l.served)
	return l
}

// level is the smallest account and the fair level of those among some who
// were there at the last draw; the smallest is -1 when nobody was.
func level(pool state.Pool, among []Candidate) (least, mean int64) {
	least = -1
	var sum, weights int64
	for _, c := range among {
		if !pool.Present[c.Who] {
			continue
		}
		s := pool.Served[c.Who]
		if least < 0 || s < least {
			least = s
		}
		sum += s * int64(c.weight())
		weights += int64(c.weight())
	}
	if weights > 0 {
		mean = sum / weights
	}
	return least, mean
}

// pick is the index of who is next. Somebody always is: the smallest account
// is never above the mean.
func (l *levels) pick() int {
	var sum, weights int64
	for i, c := range l.free {
		sum += l.served[i] * int64(c.weight())
		weights += int64(c.weight())
	}
	best := -1
	for i, c := range l.free {
		if l.served[i]*weights > sum {
			continue
		}
		if best < 0 || l.served[i]+c.cost() < l.served[best]+l.free[best].cost() {
			best = i
		}
	}
	return best
}

// give books the turn and moves the accounts of the absent along.
func (l *levels) give(i int, pool state.Pool, team string) state.Pool {
	next := state.Pool{
		Team: team, Seq: pool.Seq + 1,
		Served: make(map[string]int64, len(l.free)), Turns: make(map[string]int, len(l.free)),
		Present: make(map[string]bool, len(l.free)),
	}
	for who, n := range pool.Turns {
		next.Turns[who] = n
	}
	next.Turns[l.free[i].Who]++
	l.served[i] += l.free[i].cost()
	for j, c := range l.free {
		next.Served[c.Who], next.Present[c.Who] = l.served[j], true
	}
	moved := slices.Min(l.served) - l.base
	for _, who := range l.absent {
		if s, ok := pool.Served[who]; ok {
			next.Served[who] = s + moved
		}
	}
	return next
}

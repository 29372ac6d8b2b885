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
// with the fair level, and it comes back at most one turn below it. A joiner
// starts at the smallest account of those present. A member whose weight was
// changed is taken in anew in the same way: what was owed under the old weight
// is at most one turn of the new one.
//
// Turns are counted tier by tier as well, so that anybody can see who gets the
// hot ones. A team that counts by tier has a rotation of its own for each
// ([Turn.ByTier]): then nobody is ahead in any tier, and where a tier's
// accounts are equal the one who has had least of everything goes first.
package route

import (
	"maps"
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
	// Monday", "12 of 12 unaccepted"); blank: free. Kind is the sort of reason.
	Out  string
	Kind Kind
	// Opens is when this member works next; now or earlier means that they are
	// working. Closed is why they do not work now, for the reason of a skip.
	Opens  time.Time
	Closed string
}

func (c Candidate) cost() int64 { return TurnUnit / int64(c.weight()) }

func (c Candidate) weight() int { return max(c.Weight, 1) }

// Kind is the sort of reason for which a member is passed over, so that they
// can be counted.
type Kind string

// The kinds.
const (
	OnLeave  Kind = "leave"    // cover, the CRM or a calendar feed says so
	OffHours Kind = "hours"    // does not work now, and a colleague does or opens sooner
	AtCap    Kind = "cap"      // as much not accepted yet as allowed
	Inactive Kind = "inactive" // no user of the CRM, or no longer
	NoSkill  Kind = "skill"    // cannot do what the record needs
	Giver    Kind = "giver"    // gives this one
	HadIt    Kind = "had it"   // had this one before
	TeamCap  Kind = "team cap" // the team together holds as much as allowed
)

// Skip is a member who was passed over, and why.
type Skip struct {
	Who, Why string
	Kind     Kind
}

// Draw is one turn.
type Draw struct {
	Who     string      // blank: nobody is free
	Free    []Candidate // whom it could have gone to, in the team's order
	Skipped []Skip      // in the team's order
	Pool    state.Pool
}

// Turn says what is drawn for.
type Turn struct {
	Team string
	Tier string // blank: tiers are not told apart
	// ByTier draws by the accounts of the tier alone.
	ByTier bool
}

// Next draws among the candidates, which stand in the team's order. Those who
// work at now are preferred; when nobody does, whoever opens first. The pool is
// not changed; the one in the answer is what has to be remembered.
func Next(pool state.Pool, team string, candidates []Candidate, now time.Time) Draw {
	return NextOf(pool, Turn{Team: team}, candidates, now)
}

// NextOf is Next for a turn of one tier.
func NextOf(pool state.Pool, t Turn, candidates []Candidate, now time.Time) Draw {
	d := Draw{Pool: pool}
	d.Free, d.Skipped = present(candidates, now)
	if len(d.Free) == 0 {
		return d
	}
	all := newLevels(pool, candidates, d.Free)
	i := all.pick(nil)
	if t.ByTier && t.Tier != "" {
		r := pool.Tiers[t.Tier]
		own := newLevels(state.Pool{Served: r.Served, Present: r.Present, Weights: r.Weights}, candidates, d.Free)
		i = own.pick(all.served)
		r.Served, r.Present = own.give(i, r.Served)
		r.Weights = weights(candidates)
		d.Pool.Tiers = maps.Clone(pool.Tiers)
		if d.Pool.Tiers == nil {
			d.Pool.Tiers = map[string]state.Rotation{}
		}
		d.Pool.Tiers[t.Tier] = r
	}
	d.Who = d.Free[i].Who
	d.Pool.Team, d.Pool.Seq = t.Team, pool.Seq+1
	d.Pool.Served, d.Pool.Present = all.give(i, pool.Served)
	d.Pool.Weights = weights(candidates)
	d.Pool.Turns = counted(pool.Turns, d.Who)
	if t.Tier != "" {
		d.Pool.Tiers = countedIn(d.Pool.Tiers, t.Tier, d.Who)
	}
	return d
}

func counted(turns map[string]int, who string) map[string]int {
	out := maps.Clone(turns)
	if out == nil {
		out = map[string]int{}
	}
	out[who]++
	return out
}

func countedIn(tiers map[string]state.Rotation, tier, who string) map[string]state.Rotation {
	out := maps.Clone(tiers)
	if out == nil {
		out = map[string]state.Rotation{}
	}
	r := out[tier]
	r.Turns = counted(r.Turns, who)
	out[tier] = r
	return out
}

// weights are those that are not 1.
func weights(candidates []Candidate) map[string]int {
	var out map[string]int
	for _, c := range candidates {
		if c.weight() == 1 {
			continue
		}
		if out == nil {
			out = map[string]int{}
		}
		out[c.Who] = c.weight()
	}
	return out
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
			skipped = append(skipped, Skip{c.Who, c.Out, c.Kind})
		case working && c.Opens.After(now):
			skipped = append(skipped, Skip{c.Who, closed(c), OffHours})
		case !working && c.Opens.After(first):
			skipped = append(skipped, Skip{c.Who, closed(c) + ", and longer than a colleague", OffHours})
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
	base   int64 // the fair level before the turn
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
		case reweighed(pool, c):
			s = min(max(s, low), mean+c.cost())
		case !pool.Present[c.Who]:
			// The turn they were waiting for is theirs still; a burst is not.
			s = min(max(s, mean-c.cost()), mean+c.cost())
		}
		l.served[i] = s
	}
	l.base = l.level()
	return l
}

// reweighed reports whether the member's weight is another than at the last
// draw.
func reweighed(pool state.Pool, c Candidate) bool {
	return max(pool.Weights[c.Who], 1) != c.weight()
}

// level is the smallest account and the fair level of those among some who
// were there at the last draw, under the weight they have; the smallest is -1
// when nobody was.
func level(pool state.Pool, among []Candidate) (least, mean int64) {
	least = -1
	var sum, weights int64
	for _, c := range among {
		if !pool.Present[c.Who] || reweighed(pool, c) {
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

// sum is what those present have been served, times their weights, and the sum
// of those.
func (l *levels) sum() (sum, weights int64) {
	for i, c := range l.free {
		sum += l.served[i] * int64(c.weight())
		weights += int64(c.weight())
	}
	return sum, weights
}

// level is the fair level of those present.
func (l *levels) level() int64 {
	sum, weights := l.sum()
	return sum / weights
}

// pick is the index of who is next. Somebody always is: the smallest account
// is never above the mean. Of several who would end at once the one with the
// smallest of the other accounts is, where there are any, else the first.
func (l *levels) pick(other []int64) int {
	sum, weights := l.sum()
	best := -1
	for i, c := range l.free {
		if l.served[i]*weights > sum {
			continue
		}
		ends := l.served[i] + c.cost()
		switch {
		case best < 0, ends < l.served[best]+l.free[best].cost():
			best = i
		case other != nil && ends == l.served[best]+l.free[best].cost() && other[i] < other[best]:
			best = i
		}
	}
	return best
}

// give books the turn and moves the accounts of the absent along. It answers
// the accounts, and who was there.
func (l *levels) give(i int, old map[string]int64) (served map[string]int64, present map[string]bool) {
	served, present = make(map[string]int64, len(l.free)), make(map[string]bool, len(l.free))
	l.served[i] += l.free[i].cost()
	for j, c := range l.free {
		served[c.Who], present[c.Who] = l.served[j], true
	}
	moved := l.level() - l.base
	for _, who := range l.absent {
		if s, ok := old[who]; ok {
			served[who] = s + moved
		}
	}
	return served, present
}

package plan

import "github.com/handoffd/handoffd/state"

// leastUrgent is the lane of what nobody waits for.
const leastUrgent = 9

// activityRank lets what people have done be seen before what nobody waits
// for: it costs no call, and nobody who has acted is to be reminded.
const activityRank = 1

// Urgency is the rank of a record for the inbox: that of the most urgent tier
// its signals can lead to, without looking anything up.
func (r *Rules) Urgency(rec state.Record) int {
	best := leastUrgent
	c := r.byConn[rec.Ref.Conn]
	if c == nil {
		return best
	}
	if rec.Noun == nounActivity {
		return activityRank
	}
	f := &facts{r: r, v: nothing{}, rec: &rec, conn: c, to: c}
	for _, t := range r.byNoun[place{rec.Ref.Conn, rec.Noun}] {
		for i := range t.starts {
			if t.starts[i].when.holds(f) {
				best = min(best, t.rank())
				break
			}
		}
	}
	return best
}

// rank is the most urgent rank a type can have.
func (t *typ) rank() int {
	best := leastUrgent - 1
	for _, row := range t.tiers {
		if !row.tier.none {
			best = min(best, row.tier.rank)
		}
	}
	return best
}

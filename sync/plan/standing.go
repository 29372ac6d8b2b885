package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
	"github.com/handoffd/handoffd/sync/sla"
)

// Standing is a team as it stands now: who could take the next one, who could
// not and why, and whose turn it is.
type Standing struct {
	Team    string           `json:"team"`
	Manager string           `json:"manager,omitempty"`
	CountBy string           `json:"count_by"` // "all" or "tier"
	AtMost  int              `json:"at_most_together,omitempty"`
	Members []MemberStanding `json:"members"`
	// Next is who would get the next one that needs no skill; with CountBy
	// "tier" by tier. Blank: nobody is free.
	Next map[string]string `json:"next_would_be"`
}

// MemberStanding is one member of it.
type MemberStanding struct {
	Who        string         `json:"who"`
	Weight     int            `json:"weight"`
	Free       bool           `json:"free"`
	Why        string         `json:"why,omitempty"` // not free, or not working now
	Works      time.Time      `json:"works_next"`    // now or when they open
	Unaccepted int            `json:"unaccepted"`
	AtMost     int            `json:"at_most,omitempty"`
	Backup     string         `json:"backup,omitempty"`
	Turns      int            `json:"turns"` // since the team's first draw, without those given back
	ByTier     map[string]int `json:"turns_by_tier,omitempty"`
}

// EveryTier is the key of [Standing.Next] where tiers are counted together.
const EveryTier = "any"

// Teams are the names of those that have members, sorted.
func (r *Rules) Teams() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.teams)) {
		if len(r.teams[name].members) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// Holds reports whether somebody is a member of a team.
func (r *Rules) Holds(team, who string) bool {
	t := r.teams[team]
	return t != nil && t.has(who)
}

// TeamsOf are the teams that a handoff is of: the one it came by, or, where a line
// or an order names its owner, those that they are a member of.
func (r *Rules) TeamsOf(h state.Handoff) []string {
	if h.Team != "" {
		return []string{h.Team}
	}
	return slices.DeleteFunc(r.Teams(), func(name string) bool { return !r.Holds(name, h.Owner) })
}

// Standing is how a team stands; false: there is no such team with members.
func (r *Rules) Standing(now time.Time, v View, name string) (Standing, bool) {
	t := r.teams[name]
	if t == nil || len(t.members) == 0 {
		return Standing{}, false
	}
	d := &deciding{r: r, v: v, now: now}
	s := Standing{Team: name, Manager: t.manager, CountBy: "all", AtMost: t.atMost, Next: map[string]string{}}
	pool, _ := v.Pool(name)
	candidates := make([]route.Candidate, 0, len(t.members))
	for _, m := range t.members {
		candidates = append(candidates, d.couldTake(t, m))
	}
	d.together(t, candidates)
	for i, m := range t.members {
		c := candidates[i]
		one := MemberStanding{
			Who: m.who, Weight: m.weight, Free: c.Out == "", Why: c.Out, Works: c.Opens.UTC(), Unaccepted: d.unaccepted(m.who), AtMost: m.atMost,
			Turns: pool.Turns[m.who], ByTier: map[string]int{},
		}
		if one.Free && c.Opens.After(now) {
			one.Why = "is outside working hours"
		}
		if p := r.people[m.who]; p != nil {
			one.Backup = p.backup
		}
		for tier, rotation := range pool.Tiers {
			if n := rotation.Turns[m.who]; n > 0 {
				one.ByTier[tier] = n
			}
		}
		s.Members = append(s.Members, one)
	}
	if !t.byTier {
		s.Next[EveryTier] = route.NextOf(pool, route.Turn{Team: name}, candidates, now).Who
		return s, true
	}
	s.CountBy = "tier"
	for tier := range r.tiers {
		if !r.tiers[tier].none {
			s.Next[tier] = route.NextOf(pool, route.Turn{Team: name, Tier: tier, ByTier: true}, candidates, now).Who
		}
	}
	return s, true
}

// couldTake is a member as a candidate for one that needs no skill, in every
// connection where the team's handoffs land.
func (d *deciding) couldTake(t *team, m member) route.Candidate {
	c := route.Candidate{Who: m.who, Weight: m.weight, Opens: d.calendarOf(m.who).NextOpen(d.now)}
	for _, at := range d.r.landsIn(t) {
		if c.Kind, c.Out, _ = d.unfit(m.who, at, m.atMost); c.Out != "" {
			return c
		}
	}
	return c
}

// landsIn are the connections in which handoffs of a team land, in declared
// order.
func (r *Rules) landsIn(t *team) []*conn {
	var out []*conn
	for _, typ := range r.types {
		if !slices.Contains(typ.teams(), t) {
			continue
		}
		to := typ.on
		if typ.deliver != nil {
			to = []*conn{typ.deliver}
		}
		for _, c := range to {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Calendar is a calendar by name, or the one a person works by, and who that
// is; false: there is neither.
func (r *Rules) Calendar(name string) (c sla.Calendar, person string, ok bool) {
	if p := r.people[name]; p != nil {
		return p.calendar, p.who, true
	}
	c, ok = r.calendars[name]
	return c, "", ok
}

// Calendars are the names of the calendars, sorted.
func (r *Rules) Calendars() []string { return slices.Sorted(maps.Keys(r.calendars)) }

// Away is when somebody is known to be away from now on, those with a cover
// first.
func (r *Rules) Away(now time.Time, v View, who string) []connectors.Absence {
	d := &deciding{r: r, v: v, now: now}
	var out []connectors.Absence
	for _, a := range d.away(who) {
		source := a.source
		if source == "" {
			source = "cover by " + a.by + " (" + a.rule + ")"
		}
		out = append(out, connectors.Absence{Who: who, From: a.from, Until: a.until, Source: source})
	}
	return out
}

// Nothing is a view of an empty state.
func Nothing() View { return nothing{} }

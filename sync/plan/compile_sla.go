package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

func (c *compiler) tiersOf() {
	for _, d := range c.doc.Tiers {
		if c.tiers[d.Name.S] != nil {
			c.bad(d.Name.Pos, "tier-twice", "keep one of them", "tier %s is written a second time", d.Name.S)
			continue
		}
		t := &tier{
			name: d.Name.S, purpose: d.For.S, none: d.None,
			assign: sla.Of(d.Assign.Time), lasts: map[string]lasting{}, attempts: d.AttemptsMin,
		}
		t.rank, t.priority = urgency(d)
		if !d.None && d.Accept.Time.IsZero() && d.FirstTouch.Time.IsZero() {
			c.bad(d.Pos, "no-clock", "add accept_within or first_touch_within", "tier %s has no clock for the receiver", t.name)
		}
		c.lasts(t, d)
		c.tiers[t.name] = t
	}
}

// lasts are the clocks of a tier.
func (c *compiler) lasts(t *tier, d mappings.Tier) {
	for clock, k := range map[string]mappings.Clock{
		clockAccept: d.Accept, clockTouch: d.FirstTouch, clockReturn: d.Return, clockDocument: d.Document, clockKickoff: d.Kickoff,
		clockAttempts: {Time: d.AttemptsIn}, clockOpened: {Time: d.Opened}, clockActivity: {Time: d.NoActivity},
	} {
		if k.Time.IsZero() {
			continue
		}
		l := lasting{time: sla.Of(k.Time), accepted: clock == clockActivity || k.CountedFrom.S == mappings.FromAcceptance}
		if l.accepted && clock == clockAccept {
			c.bad(k.CountedFrom.Pos, "bad-value", "leave it out, or name a date field", "acceptance cannot be due some time after acceptance")
		}
		if k.CountedFrom.Given() && !l.accepted {
			l.from, _ = c.fieldIn(k.CountedFrom, c.r.conns, false)
			c.datelike(k.CountedFrom, l.from, c.r.conns)
		}
		t.lasts[clock] = l
	}
	if d.OuterLimit.Given() {
		t.lasts[clockOuter] = lasting{sameDay: true}
	}
}

// datelike tells of a field that holds no date.
func (c *compiler) datelike(at mappings.Text, f field, conns []*conn) {
	if w, ok := word(conns, f); ok && w.IsA != isDate && w.IsA != isDatetime {
		c.bad(at.Pos, "not-a-date", "add is_a: datetime, or is_a: date, to it in the mapping", "%s is not a date", f)
	}
}

// urgency orders tiers by how soon the receiver has to act: the rank of their
// writes, and the priority of their tasks.
func urgency(d mappings.Tier) (rank int, priority string) {
	soon := time.Duration(1<<63 - 1)
	for _, k := range []mappings.Duration{d.Accept.Time, d.FirstTouch.Time} {
		if !k.IsZero() {
			soon = min(soon, workday(k))
		}
	}
	steps := []time.Duration{15 * time.Minute, time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour}
	rank, _ = slices.BinarySearch(steps, soon)
	switch {
	case soon <= time.Hour:
		return rank, "high"
	case soon <= 24*time.Hour:
		return rank, "medium"
	}
	return rank, "low"
}

// workday takes a working day for eight hours, to compare durations only.
func workday(d mappings.Duration) time.Duration {
	if d.Working && (d.Unit == mappings.Day || d.Unit == mappings.Week) {
		return plain(d) / 3
	}
	return plain(d)
}

// tier is a tier by name.
func (c *compiler) tier(name mappings.Text) *tier {
	c.use(aTier, name.S)
	if t := c.tiers[name.S]; t != nil {
		return t
	}
	var known []string
	for _, d := range c.doc.Tiers {
		known = append(known, d.Name.S)
	}
	c.undefined(name, "undefined-tier", "tier", "sla.yaml", known)
	return nil
}

// escalation is a list of steps on one clock.
type escalation struct {
	name, clock string
	steps       []step
}

func (c *compiler) escalationsOf() {
	if t := c.r.teams[roleRevops]; t != nil {
		c.r.revops = cmp.Or(t.accountable, t.manager)
	}
	for _, d := range c.doc.Escalations {
		e := escalation{name: d.Name.S, clock: d.Clock.S}
		for _, s := range d.Steps {
			st := step{
				clock: d.Clock.S, percent: s.At.P, mark: s.Mark.S == markBreached, pos: s.Pos,
				remind: c.whom(s.Remind), alert: c.whoms(s.Alert), tell: c.whoms(s.Tell), give: c.whom(s.GiveTo),
				taskFor: cmp.Or(c.whom(s.TaskFor), roleOwner), say: c.notice(s.Say), task: c.notice(s.Task),
			}
			e.steps = append(e.steps, st)
		}
		c.escalations = append(c.escalations, e)
	}
}

// whom checks whom a step speaks to.
func (c *compiler) whom(who mappings.Text) string {
	switch {
	case isEmail(who.S):
		c.mentioned(who)
	case who.S == roleRevops && c.r.revops == "" && !c.isUnread("teams.yaml"):
		c.warn(who.Pos, "nobody-to-tell", "add revops: {accountable: an e-mail address} to teams.yaml", "no team is called revops, so nobody is told")
	}
	return who.S
}

func (c *compiler) whoms(list []mappings.Text) []string {
	var out []string
	for _, who := range list {
		out = append(out, c.whom(who))
	}
	return out
}

// stalled gathers the steps of a type's escalations.
func (c *compiler) stalled(names []mappings.Text) []step {
	var out []step
	for n, name := range names {
		if slices.ContainsFunc(names[:n], func(o mappings.Text) bool { return o.S == name.S }) {
			c.bad(name.Pos, "duplicate-name", "keep one of them", "%s is written a second time, and would speak twice", name.S)
			continue
		}
		c.use(anEscalation, name.S)
		i := slices.IndexFunc(c.escalations, func(e escalation) bool { return e.name == name.S })
		if i < 0 {
			var known []string
			for _, e := range c.escalations {
				known = append(known, e.name)
			}
			c.undefined(name, "undefined-escalation", "escalation", "sla.yaml", known)
			continue
		}
		out = append(out, c.escalations[i].steps...)
	}
	return out
}

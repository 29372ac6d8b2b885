package plan

import (
	"fmt"
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
)

// choice is who gets a handoff, or that nobody is free.
type choice struct {
	owner     string // blank: nobody
	because   string // "named account owner", "backup of customer owner", "round robin sdr_us"
	where     string // the place of the line that answered
	team      *team  // the pool it was drawn from or waits in
	pool      *state.Pool
	draw      *route.Draw // with pool
	exception string      // the named exception that answered
	runnerUp  string      // who would have got it without the owner
	why       []state.Reason
	waits     bool   // nobody is free: it waits in the team's queue
	silent    bool   // only the answer is wanted, not the reasons
	asked     bool   // it waits because the line says queue
	manager   string // who answers for it while it waits; blank: the team's
}

// owner walks the owner list. The first line that answers decides; one that names a person ends the list even when that person is
// away (1.77, 1.81).
func (d *deciding) owner(t *typ, f *facts, h state.Handoff) choice {
	was := d.onlySeen
	d.onlySeen = h.Observed
	defer func() { d.onlySeen = was }()
	c := choice{silent: d.without != ""}
	if d.shared(t, f, h, &c) {
		return c
	}
	if d.excepted(t, f, h, &c) {
		return c
	}
	for i := range t.lines {
		l := &t.lines[i]
		if !l.when.holds(f) {
			c.note(l, "not here, because %s", l.when.say(f))
			continue
		}
		c.where = l.where
		if l.pools() {
			if d.pool(l, f, h, &c) {
				return c
			}
		} else if d.named(l, t, f, h, &c) {
			return c
		}
	}
	return c
}

// shared is the owner of another handoff that waits on the same record to be
// accepted: the record has room for one owner, so both have the same (1.73).
func (d *deciding) shared(t *typ, f *facts, h state.Handoff, c *choice) bool {
	if h.Target.ID == "" {
		return false
	}
	for _, o := range slices.Concat(d.c.Handoffs, d.v.Handoffs(h.Target)) {
		other := d.r.byName[o.Type]
		if o.ID == h.ID || o.Target != h.Target || o.Stage != state.Assigned || o.Observed || other == nil || other.becomes != t.becomes || o.Owner == h.Giver {
			continue
		}
		if out, _ := d.out(o.Owner, f.to, 0); out == "" {
			c.owner, c.because, c.where = o.Owner, "owner of "+o.Type+" on the same record", where(t.pos)
			if team := d.r.teams[o.Team]; team != nil {
				c.team = team
			}
			return true
		}
	}
	return false
}

// runnerUp is who would have it if the owner were not there (G2).
func (d *deciding) runnerUp(t *typ, f *facts, h state.Handoff, owner string) string {
	d.without = owner
	next := d.owner(t, f, h)
	d.without = ""
	return next.owner
}

func (c *choice) note(l *ownerLine, format string, args ...any) {
	if c.silent {
		return
	}
	c.why = append(c.why, state.Reason{Rule: l.where, Text: l.use + ": " + fmt.Sprintf(format, args...)})
}

// byRow says by which row of the territories the last note was made.
func (c *choice) byRow(row *territoryRow) {
	if !c.silent {
		c.why[len(c.why)-1].Row = where(row.pos)
	}
}

func (l *ownerLine) pools() bool {
	return l.rule == mappings.TerritoryRule || l.rule == mappings.RoundRobin || l.rule == mappings.QueueRule
}

// named answers a line that names a person. It reports whether the line
// decides.
func (d *deciding) named(l *ownerLine, t *typ, f *facts, h state.Handoff, c *choice) bool {
	who, what := d.nameOf(l, t, f)
	switch who {
	case "":
		c.note(l, "%s", what)
		return false
	case h.Giver:
		c.note(l, "%s gives this and cannot receive it", who)
		return false
	}
	if d.not[who] && l.rule == mappings.RelationshipOwner { // they have the record because we gave it to them
		c.note(l, "%s has had it already", who)
		return false
	}
	out, known := d.out(who, f.to, d.r.caps[who])
	if out == "" {
		c.owner, c.because = who, l.use
		c.note(l, "%s, %s", who, what)
		return true
	}
	c.note(l, "%s, %s, %s", who, what, out)
	return d.standIn(l, f, h, c, who, known)
}

// standIn gives what a person cannot take to their own backup, and that one's
// backup, and not to the next line. Somebody the CRM does not know, and who
// has no backup, is nobody.
func (d *deciding) standIn(l *ownerLine, f *facts, h state.Handoff, c *choice, who string, known bool) bool {
	tried := []string{who, h.Giver}
	for at := who; ; {
		next := d.backup(at)
		if next == "" || slices.Contains(tried, next) {
			break
		}
		tried = append(tried, next)
		out, _ := d.out(next, f.to, d.r.caps[next])
		if out == "" {
			c.owner, c.because = next, "backup of "+l.use
			c.note(l, "so it goes to the backup, %s", next)
			return true
		}
		c.note(l, "the backup %s is not free either: %s", next, out)
		at = next
	}
	if !known && len(tried) == 2 {
		return false
	}
	c.waits, c.team = true, nil
	if p := d.r.people[who]; p != nil {
		c.manager = p.manager
	}
	c.note(l, "nobody stands in for %s, so it waits", who)
	return true
}

// backup is who takes somebody's work now: whoever covers for them, else their
// backup.
func (d *deciding) backup(who string) string {
	p := d.r.people[who]
	if p == nil {
		return ""
	}
	if a := d.absent(who); a != nil && a.by != "" {
		return a.by
	}
	return p.backup
}

// nameOf finds the person a line names, and says in words how, or why there is
// none.
func (d *deciding) nameOf(l *ownerLine, t *typ, f *facts) (who, what string) {
	switch l.rule {
	case mappings.PersonRule:
		return l.who, "as the rule says"
	case mappings.OwnerIn:
		r := f.record(l.field.noun)
		if r == nil {
			return "", "there is no " + l.field.noun
		}
		if who = f.user(d.r.byConn[r.Ref.Conn], r.Fields[l.field.word]); who == "" {
			return "", l.field.String() + " names nobody"
		}
		return who, "who is in " + l.field.String()
	case mappings.RelationshipOwner:
		return d.relation(t, f)
	}
	a := f.account()
	switch {
	case a.review:
		return "", a.unsure() + ", and a person has to look first"
	case a.record == nil:
		return "", "there is no account"
	case l.rule == mappings.OpenDealOwner:
		return d.dealOwner(f, a)
	}
	return d.accountOwner(l, f, a)
}

// parentsUp bounds how far look_up: parents goes.
const parentsUp = 5

// accountOwner is the owner of a named account or of a customer, or of the
// nearest company above that is one.
func (d *deciding) accountOwner(l *ownerLine, f *facts, a *finding) (who, what string) {
	flag := field{nounCompany, wordIsCustomer}
	if l.rule == mappings.NamedAccountOwner {
		flag.word = wordNamedAccount
	}
	at := a.record
	for up := 0; at != nil && up <= parentsUp; up++ {
		if at.Fields[flag.word] == yes {
			if who = f.user(a.conn, at.Fields[wordOwner]); who != "" {
				return who, "who owns " + titled(at)
			}
			what = titled(at) + " has no owner who is a person"
		}
		if !l.parents {
			break
		}
		at = f.parent(a.conn, at)
	}
	if what == "" {
		what = fmt.Sprintf("%s has no %s", titled(a.record), flag.said())
	}
	return "", what
}

// parent is the company above a company; nil where there is none.
func (f *facts) parent(c *conn, of *state.Record) *state.Record {
	ref := connectors.Ref{Conn: c.name, Kind: of.Ref.Kind, ID: of.Fields[wordParent]}
	if ref.ID == "" {
		i := slices.IndexFunc(of.Links, func(l connectors.Ref) bool { return c.m.Noun(l.Kind) == nounCompany && l != of.Ref })
		if i < 0 {
			return nil
		}
		ref = of.Links[i]
	}
	if r, ok := f.v.Record(ref); ok && !r.Deleted && ref != of.Ref {
		return &r
	}
	return nil
}

// dealOwner is the owner of the account's open deal, the one that changed last
// of several; the deal at hand is never its own answer.
func (d *deciding) dealOwner(f *facts, a *finding) (who, what string) {
	var best *state.Record
	for i := range a.deals {
		deal := &a.deals[i]
		if deal.Ref == f.rec.Ref || deal.Fields[wordIsClosed] == yes || f.user(a.conn, deal.Fields[wordOwner]) == "" {
			continue
		}
		if best == nil || deal.ModifiedAt.After(best.ModifiedAt) || deal.ModifiedAt.Equal(best.ModifiedAt) && deal.Ref.String() < best.Ref.String() {
			best = deal
		}
	}
	if best == nil {
		return "", titled(a.record) + " has no other open deal with an owner"
	}
	return f.user(a.conn, best.Fields[wordOwner]), "who owns the open deal " + titled(best)
}

// relation is the person who owns the record already. Only somebody in
// people.yaml counts: an integration that makes records owns them too.
func (d *deciding) relation(t *typ, f *facts) (who, what string) {
	for _, at := range []struct {
		r *state.Record
		c *conn
	}{{f.land, f.to}, {f.rec, f.conn}} {
		if at.r == nil || at.r.Noun == nounDeal {
			continue
		}
		if who := f.user(at.c, at.r.Fields[wordOwner]); d.r.people[who] != nil {
			return who, "who owns the " + t.about + " already"
		}
	}
	return "", "nobody of ours owns the " + t.about + " yet"
}

// pool answers a line that names a team. It reports whether the line decides.
func (d *deciding) pool(l *ownerLine, f *facts, h state.Handoff, c *choice) bool {
	c.team = l.team
	if l.rule == mappings.TerritoryRule {
		i := slices.IndexFunc(l.rows, func(r territoryRow) bool { return r.when.holds(f) })
		if i < 0 {
			c.note(l, "no row fits")
			return false
		}
		c.team = l.rows[i].team
		row := &l.rows[i]
		if row.when.kind == always {
			c.note(l, "%s takes the rest (%s)", c.team.name, where(row.pos))
		} else {
			c.note(l, "%s (%s), because %s", c.team.name, where(row.pos), row.when.say(f))
		}
		c.byRow(row)
	}
	if l.rule == mappings.QueueRule {
		c.waits, c.asked = true, true
		c.note(l, "it waits for somebody of %s to take it", c.team.name)
		return true
	}
	members, skilled := d.candidates(l, f, h, c.team)
	d.together(c.team, members)
	if !skilled {
		c.note(l, "nobody in %s can do what it needs", c.team.name)
		c.team = nil
		return false
	}
	pool := d.poolOf(c.team, h)
	old, _ := d.v.Pool(pool)
	draw := route.NextOf(old, route.Turn{Team: pool, Tier: h.Tier, ByTier: c.team.byTier}, members, d.now)
	for _, s := range draw.Skipped {
		c.note(l, "%s %s", s.Who, s.Why)
	}
	if draw.Who == "" {
		d.nobodyFree(l, f, h, c, old, members)
		return true
	}
	c.owner, c.because, c.pool, c.draw = draw.Who, l.use, &draw.Pool, &draw
	c.note(l, "%s is next in %s", draw.Who, c.team.name)
	return true
}

// observedPool marks the rotation of what is only observed beside what is live.
const observedPool = " (observed)"

// poolOf names the rotation that a handoff is drawn from. What only a share of is
// live has one of its own for the rest: nobody's turn goes to what they never get.
func (d *deciding) poolOf(t *team, h state.Handoff) string {
	if h.Observed && d.r.write {
		return t.name + observedPool
	}
	return t.name
}

// candidates are the members of a team with what keeps each from taking this
// one. skilled is false when nobody could ever take it.
func (d *deciding) candidates(l *ownerLine, f *facts, h state.Handoff, t *team) (out []route.Candidate, skilled bool) {
	for _, m := range t.members {
		c := route.Candidate{Who: m.who, Weight: m.weight, Opens: d.now}
		if c.Out = d.lacks(l, f, m.who); c.Out != "" {
			c.Kind = route.NoSkill
			out = append(out, c)
			continue
		}
		skilled = true
		c.Kind, c.Out, _ = d.unfit(m.who, f.to, m.atMost)
		if m.who == h.Giver {
			c.Kind, c.Out = route.Giver, "gives this and cannot receive it"
		}
		if c.Out == "" {
			cal := d.calendarOf(m.who)
			if c.Opens = cal.NextOpen(d.now); !cal.WorkingDay(d.now) {
				c.Closed = "does not work today"
			}
		}
		out = append(out, c)
	}
	return out, skilled
}

// together takes everybody out of a team that holds as much as it may.
func (d *deciding) together(t *team, members []route.Candidate) {
	if t.atMost == 0 {
		return
	}
	n := 0
	for _, m := range t.members {
		n += d.unaccepted(m.who)
	}
	if n < t.atMost {
		return
	}
	for i := range members {
		if members[i].Out == "" {
			members[i].Kind = route.TeamCap
			members[i].Out = fmt.Sprintf("is in a team that has %d of %d handoffs not accepted yet", n, t.atMost)
		}
	}
}

// nobodyFree is what a team does when nobody can take it: the backup of
// whoever would be next, or the queue.
func (d *deciding) nobodyFree(l *ownerLine, f *facts, h state.Handoff, c *choice, old state.Pool, members []route.Candidate) {
	if c.team.backupIfFull {
		for i := range members {
			members[i].Out = ""
		}
		next := route.Next(old, c.team.name, members, d.now)
		b := d.backup(next.Who)
		if out, _ := d.out(b, f.to, d.r.caps[b]); b != "" && out == "" && b != h.Giver {
			c.owner, c.because = b, "backup of "+l.use
			c.note(l, "nobody is free, so it goes to %s, the backup of %s, who would be next", b, next.Who)
			return
		}
	}
	c.waits = true
	c.note(l, "nobody in %s is free, so it waits", c.team.name)
}

package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

func (c *compiler) calendarsOf() {
	for _, d := range c.doc.Calendars {
		cal, ds := sla.Compile(d)
		c.ds = append(c.ds, ds...)
		c.calendars[d.Name.S] = cal
	}
	c.r.calendars = c.calendars
	// Somebody without a calendar works by the only one there is, or always.
	c.r.calendar = sla.Always()
	if len(c.doc.Calendars) == 1 {
		c.r.calendar = c.calendars[c.doc.Calendars[0].Name.S]
	}
}

func (c *compiler) calendar(name mappings.Text) sla.Calendar {
	if cal, ok := c.calendars[name.S]; ok {
		return cal
	}
	var known []string
	for _, d := range c.doc.Calendars {
		known = append(known, d.Name.S)
	}
	c.undefined(name, "undefined-calendar", "calendar", "calendars.yaml", known)
	return c.r.calendar
}

func (c *compiler) peopleOf() {
	for _, d := range c.doc.People {
		if c.r.people[d.Who.S] != nil {
			c.bad(d.Who.Pos, "person-twice", "keep one of them", "%s is written a second time", d.Who.S)
			continue
		}
		p := &person{who: d.Who.S, manager: d.Manager.S, backup: d.Backup.S, calendar: c.r.calendar, can: map[string][]string{}}
		switch {
		case d.Calendar.Given():
			p.calendar = c.calendar(d.Calendar)
		case len(c.doc.Calendars) > 1:
			c.bad(d.Pos, "no-calendar", "add calendar: and the name of one", "nobody knows when %s works", p.who)
		}
		if len(d.Works) > 0 {
			p.calendar = p.calendar.WithHours(d.Works)
		}
		for skill, list := range d.Can {
			for _, v := range list.Values {
				p.can[skill] = append(p.can[skill], strings.ToLower(v.S))
			}
		}
		c.r.people[p.who] = p
	}
	for _, d := range c.doc.People {
		c.standIns(d)
	}
	c.cover()
}

// standIns checks manager and backup, which are never the same.
func (c *compiler) standIns(d mappings.Person) {
	c.mentioned(d.Manager)
	c.mentioned(d.Backup)
	switch {
	case !d.Backup.Given():
	case d.Backup.S == d.Who.S:
		c.bad(d.Backup.Pos, "own-backup", "name somebody else", "%s cannot stand in for themselves", d.Who.S)
	case d.Backup.S == d.Manager.S:
		c.bad(d.Backup.Pos, "backup-is-manager", "name a colleague; the manager is told when nobody acts", "%s is both backup and manager of %s", d.Backup.S, d.Who.S)
	}
}

// person checks that somebody who may be given work is known.
func (c *compiler) person(who mappings.Text) {
	if c.r.people[who.S] == nil {
		c.undefined(who, "undefined-person", "person", "people.yaml", c.everyone())
	}
}

// mentioned checks somebody who is told or stands in: an address is enough for
// that, and a typing error is still worth a word.
func (c *compiler) mentioned(who mappings.Text) {
	if !who.Given() || c.r.people[who.S] != nil || c.isUnread("people.yaml") {
		return
	}
	c.warn(who.Pos, "undefined-person", didYouMean(who.S, c.everyone(), "add it to people.yaml"), "nothing is known of %s but the address", who.S)
}

func (c *compiler) everyone() []string {
	var known []string
	for _, d := range c.doc.People {
		known = append(known, d.Who.S)
	}
	return known
}

func (c *compiler) teamsOf() {
	for _, d := range c.doc.Teams {
		if c.r.teams[d.Name.S] != nil {
			c.bad(d.Name.Pos, "team-twice", "keep one of them", "team %s is written a second time", d.Name.S)
			continue
		}
		t := &team{
			name: d.Name.S, accountable: d.Accountable.S, manager: d.Manager.S, pos: d.Pos,
			backupIfFull: d.IfEveryoneIsFull.S == ifFullBackup, byTier: d.CountBy.Given(), atMost: d.AllTogether,
		}
		c.mentioned(d.Accountable)
		c.mentioned(d.Manager)
		for _, m := range d.Members {
			c.member(t, d, m)
		}
		if len(t.members) > 0 && t.manager == "" {
			c.warn(d.Pos, "no-manager", "add manager: and an e-mail address", "nobody is accountable for %s while everyone there is busy", t.name)
		}
		c.believes(t, d)
		c.r.teams[t.name] = t
	}
	c.feeds()
	c.alone()
}

func (c *compiler) member(t *team, d mappings.Team, m mappings.Member) {
	c.person(m.Who)
	if slices.ContainsFunc(t.members, func(o member) bool { return o.who == m.Who.S }) {
		c.bad(m.Pos, "member-twice", "keep one of them; a weight gives more turns", "%s is in %s twice", m.Who.S, t.name)
		return
	}
	cap := m.AtMost
	if cap == 0 {
		cap = d.AtMost
	}
	t.members = append(t.members, member{who: m.Who.S, weight: max(m.Weight, 1), atMost: cap})
	if old := c.r.caps[m.Who.S]; cap > 0 && (old == 0 || cap < old) {
		c.r.caps[m.Who.S] = cap
	}
}

// team is a pool by name; members are wanted where people are drawn from it.
func (c *compiler) team(name mappings.Text, members bool) *team {
	c.use(aTeam, name.S)
	t := c.r.teams[name.S]
	if t == nil {
		var known []string
		for _, d := range c.doc.Teams {
			known = append(known, d.Name.S)
		}
		c.undefined(name, "undefined-team", "team", "teams.yaml", known)
		return nil
	}
	if members && len(t.members) == 0 {
		c.bad(name.Pos, "empty-team", "give it members", "team %s has nobody in it", t.name)
		return nil
	}
	return t
}

// territory is an ordered list of rows; the first that fits wins.
type territory struct {
	name string
	rows []territoryRow
}

type territoryRow struct {
	when cond
	team *team
	pos  mappings.Pos
}

func (c *compiler) territoriesOf() {
	for _, d := range c.doc.Territories {
		t := territory{name: d.Name.S}
		otherwise := false
		for _, row := range d.Rows {
			r := territoryRow{team: c.team(row.Team, true), pos: row.Pos}
			if row.Otherwise {
				otherwise = true
			} else {
				r.when = c.cond(row.If, c.r.conns, false)
				c.blanks(row.If)
			}
			if r.team != nil {
				t.rows = append(t.rows, r)
			}
		}
		if !otherwise && len(d.Rows) > 0 {
			c.warn(d.Pos, "no-otherwise", "end the list with {otherwise: a team}", "what fits no row of territory %s goes on to the next owner line", t.name)
		}
		c.territories = append(c.territories, t)
	}
}

// blanks says which rows a blank field falls through.
func (c *compiler) blanks(d mappings.Cond) {
	for _, k := range slices.Concat(d.All, d.Any, d.None) {
		c.blanks(k)
	}
	asks := slices.ContainsFunc(d.Ops, func(o mappings.Op) bool { return o.Name == opFilled })
	if strings.Contains(d.Field.S, ".") && len(d.Ops) > 0 && !d.OrBlank && !asks {
		c.ds = append(c.ds, mappings.Diagnostic{
			Pos: d.Pos, Code: "blank-falls-through", Warn: true,
			Text: fmt.Sprintf("a record whose %s is blank falls through this row", d.Field.S),
			Hint: "add or_blank: yes if it should be taken here",
		})
	}
}

func (c *compiler) territory(name mappings.Text) []territoryRow {
	c.use(aTerritory, name.S)
	var known []string
	for _, t := range c.territories {
		if t.name == name.S {
			return t.rows
		}
		known = append(known, t.name)
	}
	c.undefined(name, "undefined-territory", "territory", "teams.yaml", known)
	return nil
}

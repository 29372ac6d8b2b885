package mappings

import (
	"fmt"
	"strings"
)

// calendars reads calendars.yaml.
func (d *Doc) calendars(root value) {
	s := root.scope("calendars.yaml")
	for _, e := range s.need("calendars", "").entries("write one key for each calendar") {
		d.Calendars = append(d.Calendars, calendar(e))
	}
	s.done()
}

func calendar(e entry) Calendar {
	s := e.val.scope("calendar " + e.key.S)
	c := Calendar{Name: e.key, Pos: e.key.Pos, Timezone: s.need("timezone", "write it like Europe/London").timezone()}
	if open := s.need("open", "write it like {monday to friday: 09:00-17:00}, or always"); open.isText() && open.n.Value == "always" {
		c.AlwaysOpen = true
	} else {
		c.Open = open.hours()
	}
	if closed := s.field("closed_on"); closed.given() {
		f := closed.scope("closed_on")
		c.Holidays = f.field("holidays").text()
		c.ExceptHolidays = f.field("except_holidays").texts()
		for _, v := range f.field("also").oneOrMore() {
			if dates, ok := v.dates(); ok {
				c.Also = append(c.Also, dates)
			}
		}
		f.done()
	}
	s.done()
	return c
}

// people reads people.yaml.
func (d *Doc) people(root value) {
	s := root.scope("people.yaml")
	for _, v := range s.need("people", "").list() {
		d.People = append(d.People, person(v))
	}
	for _, v := range s.field("cover").list() {
		f := v.scope("an entry of cover")
		c := Cover{
			Who: f.need("who", "").email(), By: f.need("by", "").email(),
			From: f.need("from", "write it like 2026-03-01").dateOrTime(), Until: f.need("until", "write it like 2026-03-15").dateOrTime(),
			OpenOnes: f.field("open_ones").yesNo(), Pos: v.pos(),
		}
		f.done()
		if ends := c.Until.S; c.Until.Given() && ends < c.From.S && (len(ends) != len("2006-01-02") || !strings.HasPrefix(c.From.S, ends)) {
			v.r.add(c.Until.Pos, "bad-date", "this cover ends before it begins", "")
		}
		if c.Who.Given() && c.Who.S == c.By.S {
			v.r.add(c.By.Pos, "own-backup", c.Who.S+" cannot stand in for themselves", "name somebody else")
		}
		d.Cover = append(d.Cover, c)
	}
	s.done()
}

func person(v value) Person {
	s := v.scope("a person")
	p := Person{
		Who:      s.need("who", "name them by e-mail").email(),
		Manager:  s.field("manager").email(),
		Backup:   s.field("backup").email(),
		Calendar: s.field("calendar").word(),
		Pos:      v.pos(),
	}
	if works := s.field("works"); works.given() {
		p.Works = works.hours()
	}
	for _, e := range s.field("can").entries("write it like {language: [en, de]}") {
		if p.Can == nil {
			p.Can = map[string]List{}
		}
		p.Can[e.key.S] = List{Name: e.key, Values: e.val.texts()}
	}
	if feed := s.field("leave_feed"); feed.given() {
		p.LeaveFeed = feed.feed()
	}
	s.done()
	return p
}

// teams reads teams.yaml.
func (d *Doc) teams(root value) {
	s := root.scope("teams.yaml")
	for _, e := range s.need("teams", "").entries("write one key for each team") {
		d.Teams = append(d.Teams, team(e))
	}
	for _, e := range s.field("territories").entries("write one key for each territory list") {
		t := Territory{Name: e.key, Pos: e.key.Pos}
		items := e.val.list()
		for i, v := range items {
			row, use, otherwise := v.row("a row of "+e.key.S, "team", i == len(items)-1)
			t.Rows = append(t.Rows, TerritoryRow{If: row, Team: use, Otherwise: otherwise, Pos: v.pos()})
		}
		if len(items) == 0 && e.val.isList() {
			e.val.bad("no-value", "territory "+e.key.S+" has no rows", "")
		}
		d.Territories = append(d.Territories, t)
	}
	s.done()
}

// row is {if: …, <use>: NAME}, or {otherwise: NAME} as the last.
func (v value) row(what, use string, last bool) (Cond, Text, bool) {
	s := v.scope(what)
	other := s.field("otherwise")
	if other.n != nil {
		name := other.word()
		s.done()
		if !last {
			v.bad("otherwise-first", "otherwise takes everything, so the rows below it never count", "make it the last row")
		}
		return Cond{}, name, true
	}
	c := s.need("if", "the last row may be {otherwise: NAME}").cond()
	name := s.need(use, "").word()
	s.done()
	return c, name, false
}

func team(e entry) Team {
	if !isName(e.key.S) {
		e.val.r.add(e.key.Pos, "bad-name", fmt.Sprintf("%q is not a name for a team", e.key.S), "use small letters, digits and _")
	}
	s := e.val.scope("team " + e.key.S)
	t := Team{
		Name:        e.key,
		Accountable: s.field("accountable").email(),
		Manager:     s.field("manager").email(),
		AtMost:      s.field("at_most").whole(1),
		AllTogether: s.field("at_most_together").whole(1),
		CountBy:     s.field("count_by").oneOf("tier"),
		LeaveFrom: readAll(s.field("leave_from").oneOrMore(), func(v value) Text {
			return v.oneOf("crm", "calendar_feeds")
		}),
		IfEveryoneIsFull: s.field("if_everyone_is_full").oneOf("queue", "backup"),
		Pos:              e.key.Pos,
	}
	for _, v := range s.field("members").list() {
		t.Members = append(t.Members, member(v, t.Name.S))
	}
	if s.ok && s.field("members").n == nil && s.field("accountable").n == nil {
		e.val.bad("missing-key", "team "+e.key.S+" has nobody in it", "write members, or accountable for a team that only gives")
	}
	s.done()
	return t
}

func member(v value, team string) Member {
	if v.isText() {
		return Member{Who: v.email(), Weight: 1, Pos: v.pos()}
	}
	s := v.scope("a member of " + team)
	m := Member{Who: s.need("who", "").email(), Weight: 1, AtMost: s.field("at_most").whole(1), Note: s.field("note").text(), Pos: v.pos()}
	if w := s.field("weight"); w.given() {
		m.Weight = w.whole(1)
	}
	s.done()
	return m
}

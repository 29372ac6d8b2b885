package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// dayAndTime is how an admin writes an instant, on the clock of whoever it is
// about.
const dayAndTime = "2006-01-02 15:04"

// cover reads who does whose work for a while.
func (c *compiler) cover() {
	for _, d := range c.doc.Cover {
		c.person(d.Who)
		if d.By.Given() {
			c.person(d.By)
		}
		p := c.r.people[d.Who.S]
		if p == nil {
			continue
		}
		zone := p.calendar.Zone()
		from, ok := c.instant(d.From, zone, false)
		until, both := c.instant(d.Until, zone, true)
		switch {
		case !ok || !both:
		case !from.Before(until):
			c.bad(d.Until.Pos, "bad-date", "until is the last day of the absence", "this cover ends before it begins")
		default:
			p.away = append(p.away, absence{from: from, until: until, by: d.By.S, open: d.OpenOnes, rule: where(d.Pos)})
		}
	}
	for _, p := range c.r.people {
		slices.SortStableFunc(p.away, func(a, b absence) int { return a.from.Compare(b.from) })
	}
	c.circles()
}

// instant is when a day begins, or ends, or a minute of it.
func (c *compiler) instant(t mappings.Text, zone *time.Location, end bool) (time.Time, bool) {
	if at, err := time.ParseInLocation(dayAndTime, t.S, zone); err == nil {
		return at.UTC(), true
	}
	day, err := time.Parse(time.DateOnly, t.S)
	if err != nil {
		if t.Given() {
			c.bad(t.Pos, "bad-date", "write it like 2026-03-15 or 2026-03-15 13:00", "%q is not a day", t.S)
		}
		return time.Time{}, false
	}
	if end {
		day = day.AddDate(0, 0, 1)
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone).UTC(), true
}

// circles tells of covers that lead nowhere: who covers is covered themselves
// at that time.
func (c *compiler) circles() {
	for _, d := range c.doc.Cover {
		who, by := c.r.people[d.Who.S], c.r.people[d.By.S]
		if who == nil || by == nil {
			continue
		}
		for _, a := range who.away {
			i := slices.IndexFunc(by.away, func(b absence) bool { return a.by == by.who && a.from.Before(b.until) && b.from.Before(a.until) })
			switch {
			case i < 0:
			case by.away[i].by == who.who:
				c.bad(d.By.Pos, "cover-circle", "name somebody who is there", "%s and %s cover for each other at the same time", who.who, by.who)
			default:
				c.warn(d.By.Pos, "cover-away", "name somebody who is there, or it goes on to who covers for them", "%s is away themselves for a part of that time", by.who)
			}
			if i >= 0 {
				break
			}
		}
	}
}

// believes notes whose leave is read from where.
func (c *compiler) believes(t *team, d mappings.Team) {
	for _, from := range d.LeaveFrom {
		for _, m := range t.members {
			p := c.r.people[m.who]
			if p == nil {
				continue
			}
			p.leaveCRM = p.leaveCRM || from.S == leaveCRM
			p.leaveFeeds = p.leaveFeeds || from.S == leaveFeeds
			c.r.leaveCRM = c.r.leaveCRM || from.S == leaveCRM
		}
		fed := slices.ContainsFunc(c.doc.People, func(p mappings.Person) bool {
			return p.LeaveFeed.Given() && slices.ContainsFunc(t.members, func(m member) bool { return m.who == p.Who.S })
		})
		if from.S == leaveFeeds && !fed {
			c.warn(from.Pos, "no-effect", "add leave_feed: and its address to their lines in people.yaml", "nobody in %s has a calendar feed", t.name)
		}
	}
}

// feeds gathers the calendars to read, and tells of those that nobody asks for.
func (c *compiler) feeds() {
	for _, d := range c.doc.People {
		p := c.r.people[d.Who.S]
		if p == nil || !d.LeaveFeed.Given() {
			continue
		}
		if !p.leaveFeeds {
			c.warn(d.LeaveFeed.Pos, "no-effect", "add leave_from: [calendar_feeds] to their team", "no team of %s looks at calendar feeds", p.who)
			continue
		}
		c.r.feeds = append(c.r.feeds, Feed{Who: p.who, At: d.LeaveFeed.S, Zone: p.calendar.Zone()})
	}
	slices.SortStableFunc(c.r.feeds, func(a, b Feed) int { return cmp.Compare(a.Who, b.Who) })
}

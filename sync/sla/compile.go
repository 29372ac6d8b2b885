package sla

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// The years whose holidays are worked out once; those of others when asked.
const (
	firstYear = 2015
	lastYear  = 2060
)

var (
	firstDay = dayOf(firstYear, time.January, 1)
	lastDay  = dayOf(lastYear, time.December, 31)
)

// longestClosed is how many days in a row a calendar may be closed by hand.
const longestClosed = 366

// Compile checks a calendar and makes it ready. The one it answers works as
// far as it is right; with an error among the diagnostics it should not run.
// A calendar that never opens is refused.
func Compile(m mappings.Calendar) (Calendar, []mappings.Diagnostic) {
	c := compiler{Calendar: Calendar{name: m.Name.S}}
	c.zoneOf(m)
	c.week = weekOf(m.Open)
	if m.AlwaysOpen {
		c.week = weekOf([]mappings.Hours{{Days: []int{0, 1, 2, 3, 4, 5, 6}, Spans: fullDay}})
	}
	if c.week.minutes() == 0 {
		c.bad(m.Pos, "never-open", fmt.Sprintf("calendar %s never opens", m.Name.S), "write open: {monday to friday: 09:00-17:00}, or open: always")
		c.week = nil
		return c.Calendar, c.ds
	}
	closed := append(c.holidays(m), c.also(m)...)
	c.closed = merged(closed)
	if m.AlwaysOpen && len(c.closed) == 0 && c.rules == nil {
		c.week = nil
	}
	return c.Calendar, c.ds
}

type compiler struct {
	Calendar
	ds []mappings.Diagnostic
}

func (c *compiler) bad(at mappings.Pos, code, text, hint string) {
	c.ds = append(c.ds, mappings.Diagnostic{Pos: at, Code: code, Text: text, Hint: hint})
}

func (c *compiler) zoneOf(m mappings.Calendar) {
	const hint = "write it like America/New_York or Europe/London"
	name := m.Timezone.S
	if name == "" {
		if !m.AlwaysOpen {
			c.bad(m.Pos, "missing-key", fmt.Sprintf("calendar %s has no timezone", m.Name.S), hint)
		}
		return
	}
	zone, err := time.LoadLocation(name)
	// "Local" is another zone on every machine.
	if err != nil || name == "Local" {
		c.bad(m.Timezone.Pos, "unknown-timezone", fmt.Sprintf("there is no timezone %q", name), hint)
		return
	}
	c.zone = zone
}

// holidays is the country's days of the years worked out ahead.
func (c *compiler) holidays(m mappings.Calendar) []days {
	if m.Holidays.S == "" {
		if len(m.ExceptHolidays) > 0 {
			c.bad(m.ExceptHolidays[0].Pos, "no-effect", "except_holidays does nothing without holidays", "write holidays: with a country, such as US")
		}
		return nil
	}
	c.rules = countryOf(m.Holidays.S)
	if c.rules == nil {
		c.bad(m.Holidays.Pos, "unknown-country", fmt.Sprintf("there is no list of holidays for %q", m.Holidays.S), "the lists are "+strings.Join(Countries(), ", "))
		return nil
	}
	names := c.rules.names()
	for _, e := range m.ExceptHolidays {
		if !slices.ContainsFunc(names, func(n string) bool { return folded(n) == folded(e.S) }) {
			c.bad(e.Pos, "unknown-holiday", fmt.Sprintf("%s has no holiday %q", c.rules.code, e.S), "its holidays are "+strings.Join(names, ", "))
			continue
		}
		if c.except == nil {
			c.except = map[string]bool{}
		}
		c.except[folded(e.S)] = true
	}
	var out []days
	for y := firstYear - 1; y <= lastYear+1; y++ {
		for _, h := range c.rules.of(y, c.except) {
			out = append(out, days{int32(h.day), int32(h.day)})
		}
	}
	return out
}

// also is the days closed by hand.
func (c *compiler) also(m mappings.Calendar) []days {
	var out []days
	for _, d := range m.Also {
		from, err1 := time.Parse(time.DateOnly, d.From.S)
		to, err2 := time.Parse(time.DateOnly, d.To.S)
		if d.To.S == "" {
			to, err2 = from, err1
		}
		if err1 != nil || err2 != nil || to.Before(from) {
			c.bad(d.From.Pos, "bad-date", fmt.Sprintf("%q to %q is no range of days", d.From.S, d.To.S), "write it like 2026-12-24 to 2027-01-01")
			continue
		}
		r := days{int32(calendarDay(from)), int32(calendarDay(to))}
		if r.to-r.from >= longestClosed {
			c.bad(d.From.Pos, "never-open", fmt.Sprintf("%s to %s closes the calendar for more than a year, and no clock would end", d.From.S, d.To.S), "close a year at most")
			continue
		}
		out = append(out, r)
	}
	return out
}

// merged is ranges of days sorted and joined where they touch.
func merged(in []days) []days {
	slices.SortFunc(in, func(a, b days) int { return int(a.from) - int(b.from) })
	var out []days
	for _, d := range in {
		if n := len(out); n > 0 && d.from <= out[n-1].to+1 {
			out[n-1].to = max(out[n-1].to, d.to)
			continue
		}
		out = append(out, d)
	}
	return out
}

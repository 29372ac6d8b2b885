// Package sla does arithmetic in working time: whether a calendar is open,
// when it opens next, and the instant so many working minutes, hours or days
// after another. It is pure; a [Calendar] never changes and is safe for use by
// several goroutines.
//
// A calendar's hours are wall-clock times of its zone. Each span of hours
// belongs to the day it begins on, even where it ends on the next: a holiday
// closes the night shift that begins on it, not the one that ends on it. Spans
// of neighbouring days that overlap count once. A time that the clock skips is
// the instant of the skip, one that it shows twice is the first; so a span
// over a change of the clock is as long as it really lasts.
package sla

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// Calendar is when somebody works. The zero Calendar is [Always].
type Calendar struct {
	name   string
	zone   *time.Location // nil: UTC
	week   *week          // nil: open all the time
	closed []days         // sorted, disjoint: holidays from firstYear to lastYear and days closed on
	rules  *country       // holidays outside those years; nil: none
	except map[string]bool
	away   []opening // instants at which it is closed whatever the hours say; sorted, disjoint
}

// week is the spans that begin on each weekday, in order.
type week [7][]mappings.Span

// days is a range of days, both ends included, counted from 1970-01-01.
type days struct{ from, to int32 }

const (
	daySeconds = 24 * 60 * 60
	// maxDays bounds every search, so that a calendar that hardly ever opens
	// costs milliseconds: some 110 years.
	maxDays = 40_000
)

// Always is the calendar that never closes, in UTC.
func Always() Calendar { return Calendar{} }

// Name is the admin's name of the calendar.
func (c Calendar) Name() string { return c.name }

// Zone is where the calendar's hours are told.
func (c Calendar) Zone() *time.Location {
	if c.zone == nil {
		return time.UTC
	}
	return c.zone
}

// WithHours is the calendar with a person's own hours in place of its own; its
// holidays stay. Without any hours it is the calendar itself.
func (c Calendar) WithHours(hours []mappings.Hours) Calendar {
	if w := weekOf(hours); w.minutes() > 0 {
		c.week = w
	}
	return c
}

func weekOf(hours []mappings.Hours) *week {
	var w week
	for _, h := range hours {
		for _, d := range h.Days {
			for _, s := range h.Spans {
				s.From, s.To = max(s.From, 0), min(s.To, 2*24*60)
				if d >= 0 && d < 7 && s.From < s.To && s.From < 24*60 {
					w[d] = append(w[d], s)
				}
			}
		}
	}
	for d := range w {
		slices.SortFunc(w[d], func(a, b mappings.Span) int { return a.From - b.From })
	}
	return &w
}

func (w *week) minutes() int {
	n := 0
	for _, spans := range w {
		for _, s := range spans {
			n += s.To - s.From
		}
	}
	return n
}

// Open reports whether the calendar is open at t. It is open at the first
// instant of a span, and no longer at the last.
func (c Calendar) Open(t time.Time) bool {
	if c.week == nil {
		return true
	}
	w := c.from(t)
	s, ok := w.next()
	return ok && !t.Before(s.open)
}

// NextOpen is t where the calendar is open, else the next instant it opens.
func (c Calendar) NextOpen(t time.Time) time.Time {
	if c.week == nil {
		return t.UTC()
	}
	w := c.from(t)
	s, ok := w.next()
	if !ok {
		return w.end()
	}
	return later(t, s.open).UTC()
}

// WorkingDay reports whether hours begin on the day of t in the calendar's
// zone that are not all closed.
func (c Calendar) WorkingDay(t time.Time) bool { return c.works(c.day(t)) }

// Between is the open time from a to b, negative where b is before a. It
// looks at most some 110 years ahead.
func (c Calendar) Between(a, b time.Time) time.Duration {
	if b.Before(a) {
		return -c.Between(b, a)
	}
	if c.week == nil {
		return b.Sub(a)
	}
	var sum time.Duration
	for w := c.from(a); ; {
		s, ok := w.next()
		if !ok || !s.open.Before(b) {
			return sum
		}
		if s.close.After(b) {
			s.close = b
		}
		sum += s.close.Sub(later(a, s.open))
	}
}

// Add is the instant at which a clock of d that starts at t runs out, in UTC.
// Working time leaves it inside open hours or at their end; clock time does
// not look at the hours at all. A calendar that does not open often enough
// within 110 years gives the end of those.
func (c Calendar) Add(t time.Time, d Duration) time.Time {
	switch {
	case d.kind == clock || c.week == nil && d.kind == working:
		return t.Add(d.span).UTC()
	case d.kind == workingDays:
		due := c.addDays(t, d.days)
		if d.share == 1 {
			return due
		}
		return c.addWorking(t, scale(c.Between(t, due), d.share))
	}
	return c.addWorking(t, d.span)
}

func (c Calendar) addWorking(t time.Time, d time.Duration) time.Time {
	if c.week == nil {
		return t.Add(d).UTC()
	}
	if d <= 0 {
		return c.NextOpen(t)
	}
	for w := c.from(t); ; {
		s, ok := w.next()
		if !ok {
			return w.end()
		}
		from := later(t, s.open)
		if open := s.close.Sub(from); open < d {
			d -= open
			continue
		}
		return from.Add(d).UTC()
	}
}

// addDays is the end of the n-th working day after the one t is on.
func (c Calendar) addDays(t time.Time, n int) time.Time {
	if n <= 0 {
		return c.NextOpen(t)
	}
	day := c.shiftDay(t)
	for range maxDays {
		day++
		if c.works(day) {
			if n--; n == 0 {
				break
			}
		}
	}
	return c.closing(day)
}

// works is whether any of the hours that begin on a day are open. A day that is
// closed part by part, until nothing is left, is no working day: one that
// counted as the next would be over before anybody is there.
func (c Calendar) works(day int) bool {
	for _, s := range c.spans(day) {
		open, rest := opening{}, opening{c.at(day, s.From), c.at(day, s.To)}
		for rest.open.Before(rest.close) {
			if open, rest = c.cut(rest); open.open.Before(open.close) {
				return true
			}
		}
	}
	return false
}

// EndOfDay is when the working day that t is on closes, or the next one where
// none of its hours are left at t, or there were none.
func (c Calendar) EndOfDay(t time.Time) time.Time {
	day, open := c.shiftDay(t), c.NextOpen(t)
	for range maxDays {
		if len(c.spans(day)) > 0 {
			if end := c.closing(day); end.After(open) {
				return end
			}
		}
		day++
	}
	return c.at(day, 0)
}

// shiftDay is the day t counts to: its own, or the one before while a night
// shift of that day runs and the hours of its own have not begun.
func (c Calendar) shiftDay(t time.Time) int {
	day := c.day(t)
	if c.week == nil {
		return day
	}
	if own := c.spans(day); len(own) > 0 && !t.Before(c.at(day, own[0].From)) {
		return day
	}
	if t.Before(c.lastClose(day-1)) && c.works(day-1) {
		return day - 1
	}
	return day
}

// closing is when a day's work ends; not before the day in front of it does.
func (c Calendar) closing(day int) time.Time {
	end := c.lastClose(day)
	if c.week != nil && len(c.spans(day-1)) > 0 {
		end = later(end, c.lastClose(day-1))
	}
	return end.UTC()
}

func (c Calendar) lastClose(day int) time.Time {
	to := 0
	for _, s := range c.spans(day) {
		to = max(to, s.To)
	}
	return c.at(day, to)
}

var fullDay = []mappings.Span{{From: 0, To: 24 * 60}}

// spans is the hours that begin on a day.
func (c Calendar) spans(day int) []mappings.Span {
	if c.week == nil {
		return fullDay
	}
	spans := c.week[weekday(day)]
	if len(spans) > 0 && c.isClosed(day) {
		return nil
	}
	return spans
}

func weekday(day int) int { return ((day+4)%7 + 7) % 7 } // 1970-01-01 was a Thursday

func (c Calendar) isClosed(day int) bool {
	i := sort.Search(len(c.closed), func(i int) bool { return int(c.closed[i].to) >= day })
	if i < len(c.closed) && int(c.closed[i].from) <= day {
		return true
	}
	return c.rules != nil && (day < firstDay || day > lastDay) && c.rules.closes(day, c.except)
}

// day is the day t is on in the calendar's zone.
func (c Calendar) day(t time.Time) int {
	_, offset := t.In(c.Zone()).Zone()
	return floorDiv(t.Unix()+int64(offset), daySeconds)
}

func floorDiv(a, b int64) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return int(q)
}

// at is the first instant at which the zone's clock shows so many minutes
// after the midnight a day begins with, or more.
func (c Calendar) at(day, minutes int) time.Time {
	wall := int64(day)*daySeconds + int64(minutes)*60
	if c.zone == nil || c.zone == time.UTC {
		return time.Unix(wall, 0).UTC()
	}
	// No zone is 17 hours off, so the clock has not got there yet. From here,
	// follow its offsets; Time.ZoneBounds would do, but past the last change
	// that the zone lists it answers ends that lie before the instant asked
	// about (31 December of a leap year, in Go 1.26).
	t := wall - 17*60*60
	for {
		offset := c.offset(t)
		shown := max(t, wall-offset)
		if c.offset(shown) == offset {
			return time.Unix(shown, 0).UTC()
		}
		// The clock is changed in between.
		t += 1 + int64(sort.Search(int(shown-t-1), func(i int) bool { return c.offset(t+1+int64(i)) != offset }))
	}
}

// offset is how many seconds the zone's clock is ahead of UTC.
func (c Calendar) offset(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(c.zone).Zone()
	return int64(offset)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// opening is one stretch of open time.
type opening struct{ open, close time.Time }

// walk goes over the open stretches that end after an instant, in order and
// without overlap.
type walk struct {
	c     Calendar
	pos   time.Time
	day   int
	last  int
	spans []mappings.Span
	rest  opening // of the hours in hand, before what is closed is cut out
}

func (c Calendar) from(t time.Time) walk {
	// Hours reach over at most two midnights.
	day := c.day(t) - 2
	return walk{c: c, pos: t, day: day - 1, last: day + maxDays}
}

// next is the next stretch, cut to what is after the last; ok is false at the
// end of the search.
func (w *walk) next() (s opening, ok bool) {
	for {
		if w.rest.open.Before(w.rest.close) {
			s, w.rest = w.c.cut(w.rest)
			if s.open.Before(s.close) {
				return s, true
			}
			continue
		}
		for len(w.spans) == 0 {
			if w.day++; w.day > w.last {
				return opening{}, false
			}
			w.spans = w.c.spans(w.day)
		}
		span := w.spans[0]
		w.spans = w.spans[1:]
		end := w.c.at(w.day, span.To)
		if !end.After(w.pos) {
			continue
		}
		s = opening{later(w.pos, w.c.at(w.day, span.From)), end}
		if s.open.Before(s.close) {
			w.pos, w.rest = end, s
		}
	}
}

// end is where the search stops.
func (w *walk) end() time.Time { return w.c.at(w.last, 0).UTC() }

func scale(d time.Duration, share float64) time.Duration {
	f := float64(d) * share
	if f >= float64(maxSpan) {
		return maxSpan
	}
	return time.Duration(math.Round(f/1e6)) * time.Millisecond
}

package sla

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// Weekday is the hours that begin on one day of the week, in minutes from its
// midnight; an end above 24 hours is on the next day.
type Weekday struct {
	Day   time.Weekday
	Spans []mappings.Span
}

// Week is the hours from Monday to Sunday. A calendar that never closes has
// all of every day.
func (c Calendar) Week() []Weekday {
	out := make([]Weekday, 0, 7)
	for i := range 7 {
		d := Weekday{Day: time.Weekday((i + 1) % 7), Spans: fullDay}
		if c.week != nil {
			d.Spans = slices.Clone(c.week[d.Day])
		}
		out = append(out, d)
	}
	return out
}

// Closed is a day on which the calendar is closed although its weekday has
// hours, or a holiday on which it is open all the same.
type Closed struct {
	Day  string // YYYY-MM-DD
	Name string // of the holiday; blank: closed by hand
	Open bool   // a holiday that the calendar does not keep
}

// ClosedIn lists the days of a year that the calendar names, in order.
func (c Calendar) ClosedIn(year int) []Closed {
	names := map[int]Closed{}
	if c.rules != nil {
		for _, h := range c.rules.year(year, nil) {
			d := names[h.day]
			if d.Name != "" {
				d.Name += ", "
			}
			d.Name, d.Open = d.Name+h.name, true
			names[h.day] = d
		}
	}
	var out []Closed
	for day := dayOf(year, time.January, 1); day <= dayOf(year, time.December, 31); day++ {
		d, named := names[day]
		closed := c.isClosed(day)
		if named || closed {
			d.Day = civil(day).Format(time.DateOnly)
			d.Open = d.Open && !closed
			out = append(out, d)
		}
	}
	return out
}

// Shift is an instant at which the zone's clock is changed.
type Shift struct {
	At           time.Time // UTC
	Before, Then int       // seconds ahead of UTC
	Name         string    // what the zone calls its time from then on
}

// ShiftsIn lists the changes of the clock in a year, in order.
func (c Calendar) ShiftsIn(year int) []Shift {
	if c.zone == nil || c.zone == time.UTC {
		return nil
	}
	var out []Shift
	end := time.Date(year+1, time.January, 1, 0, 0, 0, 0, c.zone).Unix()
	for t := time.Date(year, time.January, 1, 0, 0, 0, 0, c.zone).Unix(); t < end; {
		next := min(t+daySeconds, end)
		if c.offset(t) == c.offset(next) {
			t = next
			continue
		}
		low, high := t, next // the change is in (low, high]
		for high-low > 1 {
			if mid := low + (high-low)/2; c.offset(mid) == c.offset(low) {
				low = mid
			} else {
				high = mid
			}
		}
		name, _ := time.Unix(high, 0).In(c.zone).Zone()
		out = append(out, Shift{At: time.Unix(high, 0).UTC(), Before: int(c.offset(low)), Then: int(c.offset(high)), Name: name})
		t = high
	}
	return out
}

// Country is the list of holidays the calendar keeps; blank: none.
func (c Calendar) Country() string {
	if c.rules == nil {
		return ""
	}
	return strings.ToUpper(c.rules.code)
}

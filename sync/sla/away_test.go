package sla_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

// shifts are calendars of one zone: days, nights over midnight, and always.
func shifts(t *testing.T, zone string) []sla.Calendar {
	t.Helper()
	var out []sla.Calendar
	for _, m := range []mappings.Calendar{
		{Open: []mappings.Hours{hours([]mappings.Span{span(9, 17)}, 1, 2, 3, 4, 5)}},
		{Open: []mappings.Hours{hours([]mappings.Span{span(22, 30)}, 0, 1, 2, 3, 4, 5, 6)}},
		{Open: []mappings.Hours{hours([]mappings.Span{span(1, 3), span(23, 25)}, 0, 6)}},
		{AlwaysOpen: true, Also: []mappings.Dates{{From: text("2011-12-31"), To: text("2011-12-31")}}},
	} {
		m.Name, m.Timezone = text("c"), text(zone)
		c, ds := sla.Compile(m)
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		out = append(out, c)
	}
	return out
}

// TestEveryZoneAroundItsShifts: around every change of the clock of 42 zones
// in twenty years, with half hours (Lord Howe), skipped days (Apia) and two
// changes a year around Ramadan (Casablanca): what was added lies in between,
// a later start never ends earlier, and the end is in open hours.
func TestEveryZoneAroundItsShifts(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, zone := range zones {
		for _, c := range shifts(t, zone) {
			for year := 2010; year <= 2030; year++ {
				for _, s := range c.ShiftsIn(year) {
					checked++
					around(t, c, s.At)
				}
			}
		}
	}
	if checked < 1000 {
		t.Errorf("%d changes of the clock were looked at", checked)
	}
}

func around(t *testing.T, c sla.Calendar, at time.Time) {
	t.Helper()
	for _, d := range []time.Duration{time.Minute, 30 * time.Minute, 61 * time.Minute, 9 * time.Hour} {
		var before time.Time
		for from := at.Add(-26 * time.Hour); from.Before(at.Add(5 * time.Hour)); from = from.Add(53 * time.Minute) {
			end := c.Add(from, sla.Working(d))
			if got := c.Between(from, end); got != d {
				t.Fatalf("%s: %s + %s = %s, between them are %s", c.Zone(), from, d, end, got)
			}
			if end.Before(before) || !c.Open(end.Add(-1)) {
				t.Fatalf("%s: %s + %s = %s, after %s", c.Zone(), from, d, end, before)
			}
			before = end
		}
	}
}

// TestSkippedDay: Samoa had no 30 December 2011; a working day that is not
// there has no hours, and the clock goes on the day after.
func TestSkippedDay(t *testing.T) {
	t.Parallel()
	c := shifts(t, "Pacific/Apia")[0]
	thursday := time.Date(2011, 12, 29, 16, 0, 0, 0, c.Zone())
	if got, want := c.Add(thursday, sla.Working(2*time.Hour)), time.Date(2012, 1, 2, 10, 0, 0, 0, c.Zone()); !got.Equal(want) {
		t.Errorf("got %s, want %s", got.In(c.Zone()), want)
	}
}

// TestClosedParts (1.88): an hour at the dentist's is no working time, wherever
// it lies; the day stays a working day.
func TestClosedParts(t *testing.T) {
	t.Parallel()
	day := func(h, m int) time.Time { return time.Date(2026, 3, 17, h, m, 0, 0, time.UTC) }
	c := shifts(t, "UTC")[0].WithClosed([]sla.Closure{
		{From: day(11, 0), Until: day(12, 0)}, {From: day(11, 30), Until: day(12, 30)}, {From: day(16, 0), Until: day(20, 0)}, {From: day(8, 0), Until: day(7, 0)},
	})
	c = c.WithClosed([]sla.Closure{{From: day(12, 30), Until: day(13, 0)}}).WithClosed(nil)
	for _, test := range []struct {
		from time.Time
		d    time.Duration
		want time.Time
	}{
		{day(10, 30), 30 * time.Minute, day(11, 0)},
		{day(10, 30), 31 * time.Minute, day(13, 1)},
		{day(12, 0), time.Minute, day(13, 1)},
		{day(15, 0), 2 * time.Hour, day(10, 0).Add(24 * time.Hour)},
	} {
		if got := c.Add(test.from, sla.Working(test.d)); !got.Equal(test.want) {
			t.Errorf("%s + %s: got %s, want %s", test.from, test.d, got, test.want)
		}
	}
	if c.Open(day(12, 59)) || !c.Open(day(13, 0)) || !c.WorkingDay(day(12, 0)) || !c.NextOpen(day(11, 0)).Equal(day(13, 0)) {
		t.Error("the closed part is not closed")
	}
	always := sla.Always().WithClosed([]sla.Closure{{From: day(11, 0), Until: day(12, 0)}})
	if got := always.Between(day(0, 0), day(0, 0).Add(48*time.Hour)); got != 47*time.Hour {
		t.Errorf("always but an hour: %s", got)
	}
}

// TestNothingLeftOfADay (1.88): a day closed part by part, until none of its
// hours are left, is no working day, and the working days after it count from
// the next.
func TestNothingLeftOfADay(t *testing.T) {
	t.Parallel()
	at := func(d, h int) time.Time { return time.Date(2026, 3, d, h, 0, 0, 0, time.UTC) }
	morning, afternoon := sla.Closure{From: at(17, 7), Until: at(17, 13)}, sla.Closure{From: at(17, 13), Until: at(17, 18)}
	for _, test := range []struct {
		name   string
		closed []sla.Closure
		works  bool
		want   [3]time.Time // after 0, 1 and 2 working days
	}{
		{"nothing closed", nil, true, [3]time.Time{at(17, 9), at(17, 17), at(18, 17)}},
		{"the morning", []sla.Closure{morning}, true, [3]time.Time{at(17, 13), at(17, 17), at(18, 17)}},
		{"the afternoon", []sla.Closure{afternoon}, true, [3]time.Time{at(17, 9), at(17, 17), at(18, 17)}},
		{"both", []sla.Closure{morning, afternoon}, false, [3]time.Time{at(18, 9), at(18, 17), at(19, 17)}},
	} {
		c := shifts(t, "UTC")[0].WithClosed(test.closed)
		if got := c.WorkingDay(at(17, 12)); got != test.works {
			t.Errorf("%s: a working day: %t", test.name, got)
		}
		for n, want := range test.want {
			if got := c.Add(at(16, 18), amount(n, mappings.Day, true)); !got.Equal(want) {
				t.Errorf("%s: %d working days end %s, want %s", test.name, n, got, want)
			}
		}
	}
}

// TestClosedIn: what `calendar show` prints of a year, a holiday that is not
// kept included.
func TestClosedIn(t *testing.T) {
	t.Parallel()
	m := usEast()
	m.Also = []mappings.Dates{{From: text("2026-12-24"), To: text("2026-12-25")}}
	c, ds := sla.Compile(m)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	by := map[string]sla.Closed{}
	for _, d := range c.ClosedIn(2026) {
		by[d.Day] = d
	}
	want := map[string]sla.Closed{
		"2026-12-24": {Day: "2026-12-24"},
		"2026-12-25": {Day: "2026-12-25", Name: "Christmas Day"},
		"2026-10-12": {Day: "2026-10-12", Name: "Columbus Day", Open: true},
	}
	for day, w := range want {
		if diff := cmp.Diff(w, by[day]); diff != "" {
			t.Errorf("%s: %s", day, diff)
		}
	}
	got := c.ShiftsIn(2026)
	if len(got) != 2 || got[0].Name != "EDT" || !got[0].At.Equal(time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC)) || got[1].Then != -5*3600 {
		t.Errorf("%+v", got)
	}
}

// TestNightOfAClosedShift (1.88): in the night of a shift that is closed whole,
// the clock counts from the day it is, as it does where that shift is a holiday.
func TestNightOfAClosedShift(t *testing.T) {
	t.Parallel()
	at := func(d, h int) time.Time { return time.Date(2026, 3, d, h, 0, 0, 0, time.UTC) }
	c := shifts(t, "UTC")[1] // every night from 22 to 6
	for _, closed := range [][]sla.Closure{
		{{From: at(16, 20), Until: at(17, 8)}},
		{{From: at(16, 22), Until: at(17, 1)}, {From: at(17, 1), Until: at(17, 6)}},
	} {
		if got, want := c.WithClosed(closed).Add(at(17, 3), amount(1, mappings.Day, true)), at(19, 6); !got.Equal(want) {
			t.Errorf("closed %v: a working day from 03:00 ends %s, want %s", closed, got, want)
		}
	}
	if got, want := c.Add(at(17, 3), amount(1, mappings.Day, true)), at(18, 6); !got.Equal(want) {
		t.Errorf("nothing closed: %s, want %s", got, want)
	}
}

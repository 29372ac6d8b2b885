package sla_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

func text(s string) mappings.Text {
	return mappings.Text{S: s, Pos: mappings.Pos{File: "calendars.yaml", Line: 1, Column: 1}}
}

func texts(s ...string) (out []mappings.Text) {
	for _, t := range s {
		out = append(out, text(t))
	}
	return out
}

func hours(spans []mappings.Span, days ...int) mappings.Hours {
	return mappings.Hours{Days: days, Spans: spans}
}

func span(from, to float64) mappings.Span {
	return mappings.Span{From: int(from * 60), To: int(to * 60)}
}

// usEast is the calendar of samples/calendars.yaml.
func usEast() mappings.Calendar {
	return mappings.Calendar{
		Name:     text("us_east"),
		Timezone: text("America/New_York"),
		Open: []mappings.Hours{
			hours([]mappings.Span{span(9, 18)}, 1, 2, 3, 4),
			hours([]mappings.Span{span(9, 12.5), span(13.5, 17)}, 5),
		},
		Holidays:       text("US"),
		ExceptHolidays: texts("Columbus Day", "Veterans Day"),
		Also:           []mappings.Dates{{From: text("2026-11-27"), To: text("2026-11-27")}, {From: text("2026-12-24"), To: text("2027-01-01")}},
	}
}

func compile(t *testing.T, m mappings.Calendar) sla.Calendar {
	t.Helper()
	c, ds := sla.Compile(m)
	for _, d := range ds {
		t.Errorf("unexpected: %s", d)
	}
	return c
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	day, rest, _ := strings.Cut(s, " ")
	clock, zone, _ := strings.Cut(rest, " ")
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	got, err := time.ParseInLocation("2006-01-02 15:04:05", day+" "+pad(clock), loc)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func pad(s string) string {
	if len(s) == len("15:04") {
		return s + ":00"
	}
	return s
}

func amount(n int, u mappings.Unit, working bool) sla.Duration {
	return sla.Of(mappings.Duration{N: n, Unit: u, Working: working})
}

const ny = " America/New_York"

// Sample calendars.
func TestAdd(t *testing.T) {
	t.Parallel()
	c := compile(t, usEast())
	for _, tc := range []struct {
		name, from string
		d          sla.Duration
		want       string
	}{
		{"late on Friday the clock waits for Monday", "2026-03-06 16:55", amount(15, mappings.Minute, false), "2026-03-09 09:10"},
		{"in hours", "2026-03-10 10:00", amount(15, mappings.Minute, false), "2026-03-10 10:15"},
		{"ends exactly at closing", "2026-03-06 16:45", amount(15, mappings.Minute, false), "2026-03-06 17:00"},
		{"over the lunch break", "2026-03-06 12:20", amount(15, mappings.Minute, false), "2026-03-06 13:35"},
		{"on Saturday", "2026-03-07 11:00", amount(15, mappings.Minute, false), "2026-03-09 09:15"},
		{"seconds", "2026-03-06 16:59:30", amount(45, mappings.Second, false), "2026-03-09 09:00:15"},
		{"4 working hours", "2026-03-05 16:00", amount(4, mappings.Hour, true), "2026-03-06 11:00"},
		{"4 hours are working hours", "2026-03-05 16:00", amount(4, mappings.Hour, false), "2026-03-06 11:00"},
		{"48 hours are clock hours", "2026-03-07 02:30", amount(48, mappings.Hour, false), "2026-03-09 03:30"}, // the clock goes forward
		{"24 hours are clock hours", "2026-03-13 17:30", amount(24, mappings.Hour, false), "2026-03-14 17:30"},
		{"24 working hours", "2026-03-10 09:00", amount(24, mappings.Hour, true), "2026-03-12 15:00"},
		{"2 days are clock time", "2026-03-10 20:00", amount(2, mappings.Day, false), "2026-03-12 20:00"},
		{"1 working day", "2026-03-10 10:00", amount(1, mappings.Day, true), "2026-03-11 18:00"},
		{"1 working day from Friday", "2026-03-06 10:00", amount(1, mappings.Day, true), "2026-03-09 18:00"},
		{"5 working days, signed on Monday", "2026-03-02 15:00", amount(5, mappings.Day, true), "2026-03-09 18:00"},
		{"5 working days, signed on Saturday", "2026-03-07 15:00", amount(5, mappings.Day, true), "2026-03-13 17:00"},
		{"5 working days, signed at night", "2026-03-02 23:00", amount(5, mappings.Day, true), "2026-03-09 18:00"},
		{"Thanksgiving and the day closed by hand", "2026-11-25 17:50", amount(15, mappings.Minute, false), "2026-11-30 09:05"},
		{"Columbus Day is worked", "2026-10-12 10:00", amount(15, mappings.Minute, false), "2026-10-12 10:15"},
		{"Veterans Day is worked", "2026-11-11 10:00", amount(15, mappings.Minute, false), "2026-11-11 10:15"},
		{"closed from Christmas to New Year", "2026-12-23 17:59", amount(2, mappings.Minute, false), "2027-01-04 09:01"},
		{"Independence Day on Saturday is given on Friday", "2026-07-02 17:55", amount(10, mappings.Minute, false), "2026-07-06 09:05"},
		{"no time at all waits for opening", "2026-03-07 11:00", amount(0, mappings.Minute, false), "2026-03-09 09:00"},
		{"half of 15 minutes", "2026-03-06 16:55", amount(15, mappings.Minute, false).Scale(50), "2026-03-09 09:02:30"},
		{"three times 15 minutes", "2026-03-10 10:00", amount(15, mappings.Minute, false).Scale(300), "2026-03-10 10:45"},
		{"half of a working day", "2026-03-10 09:00", amount(1, mappings.Day, true).Scale(50), "2026-03-10 18:00"},
		{"150% of a working day", "2026-03-10 09:00", amount(1, mappings.Day, true).Scale(150), "2026-03-12 18:00"},
	} {
		got := c.Add(at(t, tc.from+ny), tc.d)
		if want := at(t, tc.want+ny); !got.Equal(want) {
			t.Errorf("%s: %s + %s = %s, want %s", tc.name, tc.from, tc.d, got.In(c.Zone()).Format(time.DateTime), tc.want)
		}
		if got.Location() != time.UTC {
			t.Errorf("%s: the answer is in %s", tc.name, got.Location())
		}
	}
}

// "same day" of a tier's outer limit.
func TestEndOfDay(t *testing.T) {
	t.Parallel()
	c := compile(t, usEast())
	for from, want := range map[string]string{
		"2026-03-10 10:00": "2026-03-10 18:00",
		"2026-03-10 06:00": "2026-03-10 18:00",
		"2026-03-06 12:45": "2026-03-06 17:00",
		"2026-03-06 16:55": "2026-03-06 17:00",
		"2026-03-06 17:00": "2026-03-09 18:00",
		"2026-03-07 09:00": "2026-03-09 18:00",
		"2026-12-23 18:30": "2027-01-04 18:00",
	} {
		if got := c.EndOfDay(at(t, from+ny)); !got.Equal(at(t, want+ny)) {
			t.Errorf("end of day at %s is %s, want %s", from, got.In(c.Zone()), want)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	c := compile(t, usEast())
	for _, tc := range []struct {
		at, next string
		open, wd bool
	}{
		{"2026-03-06 09:00", "2026-03-06 09:00", true, true},
		{"2026-03-06 12:30", "2026-03-06 13:30", false, true},
		{"2026-03-06 17:00", "2026-03-09 09:00", false, true},
		{"2026-03-07 10:00", "2026-03-09 09:00", false, false},
		{"2026-11-26 10:00", "2026-11-30 09:00", false, false},
	} {
		now := at(t, tc.at+ny)
		if got := c.Open(now); got != tc.open {
			t.Errorf("open at %s: %v", tc.at, got)
		}
		if got := c.NextOpen(now); !got.Equal(at(t, tc.next+ny)) {
			t.Errorf("opens after %s at %s, want %s", tc.at, got.In(c.Zone()), tc.next)
		}
		if got := c.WorkingDay(now); got != tc.wd {
			t.Errorf("working day at %s: %v", tc.at, got)
		}
	}
}

func TestNightShift(t *testing.T) {
	t.Parallel()
	m := mappings.Calendar{
		Name: text("nights"), Timezone: text("Europe/London"), Holidays: text("GB"),
		Open: []mappings.Hours{hours([]mappings.Span{span(22, 30)}, 1, 2, 3, 4, 5)},
	}
	c := compile(t, m)
	const london = " Europe/London"
	for _, tc := range []struct {
		from string
		d    sla.Duration
		want string
	}{
		{"2026-03-10 23:30", amount(60, mappings.Minute, false), "2026-03-11 00:30"},
		{"2026-03-11 05:30", amount(60, mappings.Minute, false), "2026-03-11 22:30"},
		{"2026-03-14 05:30", amount(60, mappings.Minute, false), "2026-03-16 22:30"}, // Friday's shift ends on Saturday
		{"2026-03-28 00:30", amount(6, mappings.Hour, true), "2026-03-30 22:30"},
		{"2026-03-11 02:00", amount(1, mappings.Day, true), "2026-03-12 06:00"}, // still Tuesday's shift
		{"2026-03-11 12:00", amount(1, mappings.Day, true), "2026-03-13 06:00"},
		{"2026-04-02 23:00", amount(420, mappings.Minute, false), "2026-04-03 06:00"}, // into Good Friday
		{"2026-04-02 23:00", amount(421, mappings.Minute, false), "2026-04-07 22:01"}, // Easter Monday is closed
	} {
		if got := c.Add(at(t, tc.from+london), tc.d); !got.Equal(at(t, tc.want+london)) {
			t.Errorf("%s + %s = %s, want %s", tc.from, tc.d, got.In(c.Zone()), tc.want)
		}
	}
	// The night of the change is an hour shorter, or longer.
	sundays := compile(t, mappings.Calendar{Name: text("n"), Timezone: text("Europe/London"), Open: []mappings.Hours{hours([]mappings.Span{span(22, 30)}, 6)}})
	for from, want := range map[string]time.Duration{"2026-03-28 20:00": 7 * time.Hour, "2026-10-24 20:00": 9 * time.Hour, "2026-06-06 20:00": 8 * time.Hour} {
		a := at(t, from+london)
		if got := sundays.Between(a, a.Add(24*time.Hour)); got != want {
			t.Errorf("the night of %s lasts %s, want %s", from, got, want)
		}
	}
}

// A time the clock skips is the instant of the skip; one shown twice is the first.
func TestClockChange(t *testing.T) {
	t.Parallel()
	c := compile(t, mappings.Calendar{Name: text("early"), Timezone: text("America/New_York"), Open: []mappings.Hours{hours([]mappings.Span{span(2.5, 4)}, 0)}})
	if got, want := c.NextOpen(at(t, "2026-03-07 12:00"+ny)), at(t, "2026-03-08 03:00"+ny); !got.Equal(want) {
		t.Errorf("opens %s, want %s", got, want)
	}
	c = compile(t, mappings.Calendar{Name: text("early"), Timezone: text("America/New_York"), Open: []mappings.Hours{hours([]mappings.Span{span(1.5, 4)}, 0)}})
	if got, want := c.NextOpen(at(t, "2026-10-31 12:00"+ny)), time.Date(2026, 11, 1, 5, 30, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("opens %s, want %s", got, want)
	}
	// Samoa had no 30 December 2011.
	apia := compile(t, mappings.Calendar{Name: text("apia"), Timezone: text("Pacific/Apia"), Open: []mappings.Hours{hours([]mappings.Span{span(9, 17)}, 0, 1, 2, 3, 4, 5, 6)}})
	if got, want := apia.Add(at(t, "2011-12-29 16:30 Pacific/Apia"), amount(60, mappings.Minute, false)), at(t, "2011-12-31 09:30 Pacific/Apia"); !got.Equal(want) {
		t.Errorf("over the skipped day: %s, want %s", got, want)
	}
}

func TestWithHours(t *testing.T) {
	t.Parallel()
	c := compile(t, usEast()).WithHours([]mappings.Hours{hours([]mappings.Span{span(9, 13)}, 1, 2, 3)})
	for from, want := range map[string]string{
		"2026-03-11 12:50": "2026-03-16 09:05",
		"2026-05-20 12:50": "2026-05-26 09:05", // Memorial Day stays
	} {
		if got := c.Add(at(t, from+ny), amount(15, mappings.Minute, false)); !got.Equal(at(t, want+ny)) {
			t.Errorf("%s + 15 minutes = %s, want %s", from, got.In(c.Zone()), want)
		}
	}
	same := compile(t, usEast()).WithHours(nil)
	if got := same.Add(at(t, "2026-03-06 16:55"+ny), amount(15, mappings.Minute, false)); !got.Equal(at(t, "2026-03-09 09:10"+ny)) {
		t.Errorf("no hours of one's own: %s", got)
	}
}

func TestAlways(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 7, 3, 4, 5, 0, time.UTC)
	written := compile(t, mappings.Calendar{Name: text("always"), AlwaysOpen: true})
	for name, c := range map[string]sla.Calendar{"Always": sla.Always(), "zero": {}, "open: always": written} {
		if !c.Open(now) || !c.WorkingDay(now) || !c.NextOpen(now).Equal(now) {
			t.Errorf("%s is closed", name)
		}
		if got := c.Add(now, amount(5, mappings.Second, false)); !got.Equal(now.Add(5 * time.Second)) {
			t.Errorf("%s: 5 seconds later is %s", name, got)
		}
		if got, want := c.Add(now, amount(2, mappings.Day, true)), time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
			t.Errorf("%s: 2 working days later is %s, want %s", name, got, want)
		}
	}
	holidays := compile(t, mappings.Calendar{Name: text("a"), AlwaysOpen: true, Timezone: text("Europe/Berlin"), Holidays: text("DE-BY")})
	if got, want := holidays.NextOpen(at(t, "2026-01-06 10:00 Europe/Berlin")), at(t, "2026-01-07 00:00 Europe/Berlin"); !got.Equal(want) {
		t.Errorf("Epiphany in Bavaria: opens %s, want %s", got, want)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		edit func(*mappings.Calendar)
		code string
		hint string
	}{
		{"no hours", func(m *mappings.Calendar) { m.Open = nil }, "never-open", "open: always"},
		{"empty spans", func(m *mappings.Calendar) { m.Open = []mappings.Hours{hours(nil, 1)} }, "never-open", ""},
		{"zone", func(m *mappings.Calendar) { m.Timezone = text("New York") }, "unknown-timezone", "America/New_York"},
		{"the machine's zone", func(m *mappings.Calendar) { m.Timezone = text("Local") }, "unknown-timezone", ""},
		{"a path as zone", func(m *mappings.Calendar) { m.Timezone = text("../../etc/passwd") }, "unknown-timezone", ""},
		{"no zone", func(m *mappings.Calendar) { m.Timezone = mappings.Text{} }, "missing-key", ""},
		{"country", func(m *mappings.Calendar) { m.Holidays, m.ExceptHolidays = text("UK"), nil }, "unknown-country", "GB"},
		{"holiday", func(m *mappings.Calendar) { m.ExceptHolidays = texts("Columbus") }, "unknown-holiday", "Columbus Day"},
		{"except without holidays", func(m *mappings.Calendar) { m.Holidays = mappings.Text{} }, "no-effect", ""},
		{"closed for ever", func(m *mappings.Calendar) {
			m.Also = []mappings.Dates{{From: text("2026-01-01"), To: text("9999-12-31")}}
		}, "never-open", "a year"},
		{"backwards", func(m *mappings.Calendar) {
			m.Also = []mappings.Dates{{From: text("2026-01-02"), To: text("2026-01-01")}}
		}, "bad-date", ""},
	} {
		m := usEast()
		tc.edit(&m)
		c, ds := sla.Compile(m)
		if len(ds) != 1 || ds[0].Code != tc.code || !strings.Contains(ds[0].Hint, tc.hint) {
			t.Errorf("%s: %v, want one %s", tc.name, ds, tc.code)
		}
		_ = c.Add(at(t, "2026-03-06 16:55"+ny), amount(5, mappings.Day, true)) // whatever it is, it ends
	}
}

// However little a calendar opens, nothing loops for ever.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	m := mappings.Calendar{Name: text("rare"), Timezone: text("Europe/London"), Open: []mappings.Hours{hours([]mappings.Span{{From: 0, To: 1}}, 1)}}
	for y := range 3 { // three years in a row, one range each
		year := time.Date(2026+y, 1, 1, 0, 0, 0, 0, time.UTC)
		m.Also = append(m.Also, mappings.Dates{From: text(year.Format(time.DateOnly)), To: text(year.AddDate(1, 0, -1).Format(time.DateOnly))})
	}
	c := compile(t, m)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if got, want := c.NextOpen(now), time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("opens %s, want %s", got, want)
	}
	far := c.Add(now, amount(1_000_000, mappings.Hour, true))
	if far.Before(now.AddDate(100, 0, 0)) || far.After(now.AddDate(120, 0, 0)) {
		t.Errorf("a million working hours end %s", far)
	}
	if got := c.Between(now, now.AddDate(9000, 0, 0)); got <= 0 {
		t.Errorf("nine thousand years hold %s", got)
	}
	if got := sla.Of(mappings.Duration{N: 1_000_000, Unit: mappings.Week}); got.IsZero() || sla.Always().Add(now, got).Before(now) {
		t.Errorf("a million weeks overflow")
	}
}

func TestHolidays(t *testing.T) {
	t.Parallel()
	got, ok := sla.Holidays("us", 2026)
	if !ok {
		t.Fatal("no holidays in the United States")
	}
	want := []sla.Holiday{
		{Name: "New Year's Day", Date: "2026-01-01"},
		{Name: "Martin Luther King Jr. Day", Date: "2026-01-19"},
		{Name: "Presidents' Day", Date: "2026-02-16"},
		{Name: "Memorial Day", Date: "2026-05-25"},
		{Name: "Juneteenth", Date: "2026-06-19"},
		{Name: "Independence Day", Date: "2026-07-03", Observed: true},
		{Name: "Independence Day", Date: "2026-07-04"},
		{Name: "Labor Day", Date: "2026-09-07"},
		{Name: "Columbus Day", Date: "2026-10-12"},
		{Name: "Veterans Day", Date: "2026-11-11"},
		{Name: "Thanksgiving Day", Date: "2026-11-26"},
		{Name: "Christmas Day", Date: "2026-12-25"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// Given on the last day of the year before.
	got, _ = sla.Holidays("US", 2027)
	if last := got[len(got)-1]; last != (sla.Holiday{Name: "New Year's Day", Date: "2027-12-31", Observed: true}) {
		t.Errorf("the last holiday of 2027 is %v", last)
	}
	for _, code := range []string{"US", "GB", "DE", "FR", "NL", "CA", "AU", "IE", "ES", "IT", "CH", "AT", "JP", "DE-BY"} {
		hs, ok := sla.Holidays(code, 2026)
		if !ok || len(hs) < 5 {
			t.Errorf("%s has %d holidays", code, len(hs))
		}
	}
	for _, code := range sla.Countries() {
		for year := 2015; year <= 2060; year++ {
			if hs, ok := sla.Holidays(code, year); !ok || len(hs) < 5 || len(hs) > 40 {
				t.Errorf("%s has %d holidays in %d", code, len(hs), year)
			}
		}
	}
	if _, ok := sla.Holidays("XX", 2026); ok {
		t.Error("XX has holidays")
	}
}

// Calendars and lists may be used by several goroutines; seen with -race.
func TestHolidaysAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for year := 2020; year < 2030; year++ {
				got, _ := sla.Holidays("JP", year)
				spring := slices.IndexFunc(got, func(h sla.Holiday) bool { return h.Name == "Vernal Equinox Day" })
				if spring < 0 || !strings.HasPrefix(got[spring].Date, fmt.Sprint(year, "-03-2")) {
					t.Errorf("%d: %v", year, got)
				}
			}
		})
	}
	all.Wait()
}

// The years worked out ahead end where the rules begin.
func TestHolidaysOfFarYears(t *testing.T) {
	t.Parallel()
	c := compile(t, usEast())
	for day, want := range map[string]bool{
		"2012-12-25": false, "2012-12-26": true, "2014-12-25": false, "2015-01-01": false, "2060-12-30": true,
		"2060-12-31": false, // given for New Year's Day 2061, a Saturday
		"2061-07-04": false, "2061-07-05": true, "2061-10-10": true, "2099-12-25": false,
	} {
		if got := c.WorkingDay(at(t, day+" 12:00"+ny)); got != want {
			t.Errorf("%s is a working day: %v", day, got)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	if !(sla.Duration{}).IsZero() || !sla.Of(mappings.Duration{}).IsZero() || amount(0, mappings.Minute, false).IsZero() {
		t.Error("only what was not written is zero")
	}
	now := at(t, "2026-03-07 11:00"+ny)
	c := compile(t, usEast())
	if got := c.Add(now, amount(5, mappings.Minute, false).AsClock()); !got.Equal(now.Add(5 * time.Minute)) {
		t.Errorf("a clock that always runs: %s", got)
	}
	if got, want := amount(4, mappings.Hour, true).Scale(50).String(), "50% of 4 working hours"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := amount(1, mappings.Day, true).String(), "1 working day"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

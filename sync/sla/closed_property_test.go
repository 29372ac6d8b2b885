package sla_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

// TestOpenIsHoursWithoutWhatIsClosed (1.88): at any instant somebody is there if
// the clock on the wall shows hours of theirs, of this day or of a shift that
// began on the one before, that day is no holiday, and no closed part holds it;
// however the closed parts overlap, touch or hold each other, and in whatever
// order and in how many steps they were given.
func TestOpenIsHoursWithoutWhatIsClosed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		var week [7][]mappings.Span
		var all []mappings.Hours
		for d := range 7 {
			for range rapid.IntRange(0, 3).Draw(t, "spans") {
				from := rapid.IntRange(0, 24*60-1).Draw(t, "from")
				week[d] = append(week[d], mappings.Span{From: from, To: from + rapid.IntRange(1, 24*60).Draw(t, "long")})
			}
			if len(week[d]) > 0 {
				all = append(all, hours(week[d], d))
			}
		}
		if len(all) == 0 {
			week[1] = []mappings.Span{span(9, 17)}
			all = append(all, hours(week[1], 1))
		}
		m := mappings.Calendar{Name: text("c"), Timezone: text(zone), Open: all}
		code := ""
		if rapid.Bool().Draw(t, "holidays") {
			code = rapid.SampledFrom(sla.Countries()).Draw(t, "country")
			m.Holidays = text(code)
		}
		own := rapid.Bool().Draw(t, "own hours")
		if own {
			m.Open = []mappings.Hours{hours([]mappings.Span{span(3, 4)}, 0, 1, 2, 3, 4, 5, 6)}
		}
		c, ds := sla.Compile(m)
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		if own && rapid.Bool().Draw(t, "hours first") {
			c, own = c.WithHours(all), false
		}
		around := genTime(t, "around").Truncate(time.Minute)
		at := func(name string) time.Time {
			return around.Add(time.Duration(rapid.IntRange(-8, 8).Draw(t, name)) * 30 * time.Minute)
		}
		var closed []sla.Closure
		for range rapid.IntRange(0, 5).Draw(t, "closures") {
			s := sla.Closure{From: at("closed from"), Until: at("closed until")}
			closed = append(closed, s)
			if rapid.Bool().Draw(t, "one by one") {
				c = c.WithClosed([]sla.Closure{s})
			}
		}
		c = c.WithClosed(closed)
		if own {
			c = c.WithHours(all)
		}
		x := at("asked about").Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "just")))
		// The wall's clock tells the hours where it was not changed of late.
		_, off := x.In(loc).Zone()
		if _, then := x.Add(-50 * time.Hour).In(loc).Zone(); then != off {
			return
		}
		want := false
		for back := range 3 {
			day := x.In(loc).AddDate(0, 0, -back)
			if code != "" && holiday(code, day) {
				continue
			}
			midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, loc)
			for _, s := range week[day.Weekday()] {
				if passed := x.Sub(midnight); passed >= time.Duration(s.From)*time.Minute && passed < time.Duration(s.To)*time.Minute {
					want = true
				}
			}
		}
		for _, s := range closed {
			want = want && (x.Before(s.From) || !x.Before(s.Until))
		}
		if got := c.Open(x); got != want {
			t.Fatalf("%s in %s: open %t, want %t; hours %v, closed %v", x, zone, got, want, week, closed)
		}
	})
}

func holiday(code string, day time.Time) bool {
	held, _ := sla.Holidays(code, day.Year())
	for _, h := range held {
		if h.Date == day.Format(time.DateOnly) {
			return true
		}
	}
	return false
}

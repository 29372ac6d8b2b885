package sla_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

// zones is those whose clocks do something odd, and some that do not.
var zones = []string{
	"UTC", "America/New_York", "America/Los_Angeles", "America/Chicago", "America/Denver", "America/Phoenix", "America/St_Johns",
	"America/Sao_Paulo", "America/Santiago", "America/Caracas", "America/Havana", "America/Asuncion", "America/Argentina/Buenos_Aires",
	"Europe/London", "Europe/Dublin", "Europe/Berlin", "Europe/Lisbon", "Europe/Moscow", "Europe/Istanbul", "Atlantic/Azores",
	"Africa/Casablanca", "Africa/Cairo", "Africa/Lagos", "Africa/Johannesburg", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Beirut",
	"Asia/Gaza", "Asia/Pyongyang", "Asia/Tokyo", "Asia/Shanghai", "Australia/Lord_Howe", "Australia/Eucla", "Australia/Adelaide",
	"Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Auckland", "Pacific/Fakaofo", "Antarctica/Troll", "America/Nuuk",
}

// genCalendar draws hours, holidays and parts of days that are closed, whole
// minutes before and after an instant.
func genCalendar(t *rapid.T, around time.Time) sla.Calendar {
	c := genHours(t)
	if !rapid.Bool().Draw(t, "part of a day") {
		return c
	}
	minutes := func(from, to int, name string) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Minute
	}
	from := around.Add(minutes(-48*60, 48*60, "away"))
	var closed []sla.Closure
	for range rapid.IntRange(1, 6).Draw(t, "closures") {
		from = from.Add(minutes(-60, 20*60, "later"))
		closed = append(closed, sla.Closure{From: from, Until: from.Add(minutes(0, 10*60, "for"))})
	}
	return c.WithClosed(closed)
}

func genHours(t *rapid.T) sla.Calendar {
	m := mappings.Calendar{Name: text("c"), Timezone: text(rapid.SampledFrom(zones).Draw(t, "zone"))}
	for d := range 7 {
		var spans []mappings.Span
		from := 0
		for range rapid.IntRange(0, 3).Draw(t, "spans") {
			if from >= 24*60-1 {
				break
			}
			s := mappings.Span{From: rapid.IntRange(from, 24*60-1).Draw(t, "from")}
			s.To = rapid.IntRange(s.From+1, min(s.From+24*60, 48*60)).Draw(t, "to")
			from = s.To
			spans = append(spans, s)
		}
		if len(spans) > 0 {
			m.Open = append(m.Open, hours(spans, d))
		}
	}
	if len(m.Open) == 0 {
		m.Open = []mappings.Hours{hours([]mappings.Span{span(9, 17)}, 1, 2, 3, 4, 5)}
	}
	if rapid.Bool().Draw(t, "holidays") {
		m.Holidays = text(rapid.SampledFrom(sla.Countries()).Draw(t, "country"))
	}
	c, ds := sla.Compile(m)
	if len(ds) > 0 {
		t.Fatalf("%v", ds)
	}
	return c
}

func genTime(t *rapid.T, name string) time.Time {
	// Both sides of the last years' worth of odd changes; 2011 is Samoa's.
	from, to := time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2064, 1, 1, 0, 0, 0, 0, time.UTC)
	return time.Unix(rapid.Int64Range(from.Unix(), to.Unix()).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+"ns")).UTC()
}

func genSpan(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(1, int64(80*time.Hour)).Draw(t, name))
}

func genDuration(t *rapid.T) sla.Duration {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return sla.Clock(genSpan(t, "d"))
	case 1:
		return amount(rapid.IntRange(0, 12).Draw(t, "days"), mappings.Day, true)
	case 2:
		return amount(rapid.IntRange(0, 12).Draw(t, "days"), mappings.Day, true).Scale(rapid.Float64Range(0, 300).Draw(t, "percent"))
	}
	return sla.Working(genSpan(t, "d"))
}

// TestBetweenUndoesAdd: what was added lies in between, in every zone, over
// holidays, night shifts and closed parts of days (1.88, L8).
func TestBetweenUndoesAdd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, d := genTime(t, "t"), genSpan(t, "d")
		c := genCalendar(t, from)
		end := c.Add(from, sla.Working(d))
		if got := c.Between(from, end); got != d {
			t.Fatalf("%s: from %s + %s = %s, but between them are %s", c.Zone(), from, d, end, got)
		}
		if got := c.Between(end, from); got != -d {
			t.Fatalf("backwards: %s", got)
		}
	})
}

func TestAddIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := genTime(t, "t")
		c := genCalendar(t, from)
		step := time.Duration(rapid.Int64Range(0, int64(60*time.Hour)).Draw(t, "step"))
		d := genDuration(t)
		a, b := c.Add(from, d), c.Add(from.Add(step), d)
		if b.Before(a) && d.String() == amountText(d) {
			t.Fatalf("%s: %s + %s = %s, but %s later %s", c.Zone(), from, d, a, step, b)
		}
		if a.Before(from) {
			t.Fatalf("%s + %s = %s", from, d, a)
		}
		x := genSpan(t, "x")
		if longer := c.Add(from, sla.Working(x+step)); longer.Before(c.Add(from, sla.Working(x))) {
			t.Fatalf("a longer time ends earlier")
		}
		n := rapid.IntRange(0, 20).Draw(t, "n")
		if c.Add(from, amount(n+1, mappings.Day, true)).Before(c.Add(from, amount(n, mappings.Day, true))) {
			t.Fatalf("%d working days end before %d", n+1, n)
		}
	})
}

// amountText is the text of a duration whose end never moves back while its
// start moves on; a share of working days counts from its own start to a fixed
// end, so it may.
func amountText(d sla.Duration) string {
	for i, c := range d.String() {
		if c == '%' && i > 0 {
			return ""
		}
	}
	return d.String()
}

func TestAddEndsInOpenHours(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := genTime(t, "t")
		c := genCalendar(t, from)
		end := c.Add(from, sla.Working(genSpan(t, "d")))
		if !c.Open(end) && !c.Open(end.Add(-1)) {
			t.Fatalf("%s: %s is not in open hours", c.Zone(), end)
		}
		open := c.NextOpen(from)
		if open.Before(from) || !c.Open(open) || c.Between(from, open) != 0 {
			t.Fatalf("%s: opens %s after %s", c.Zone(), open, from)
		}
		if close := c.EndOfDay(from); c.Between(from, close) == 0 {
			t.Fatalf("%s: from %s until its day closes %s nobody is there", c.Zone(), from, close)
		}
		c = genHours(t)
		if close := c.EndOfDay(from); !close.After(from) || !c.Open(close.Add(-1)) {
			t.Fatalf("%s: the day of %s closes %s", c.Zone(), from, close)
		}
	})
}

// TestAnyZoneGivesTheSameInstant: whatever zone an instant is written in, and over
// every odd change of 42 zones' clocks, a deadline is the same (L8).
func TestAnyZoneGivesTheSameInstant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, d := genTime(t, "t"), genDuration(t)
		c := genCalendar(t, from)
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "other"))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := c.Add(from, d), c.Add(from.In(zone), d); a != b {
			t.Fatalf("%s in UTC, %s in %s", a, b, zone)
		}
		if c.Open(from) != c.Open(from.In(zone)) || c.EndOfDay(from) != c.EndOfDay(from.In(zone)) || c.WorkingDay(from) != c.WorkingDay(from.In(zone)) {
			t.Fatalf("%s and %s disagree", from, from.In(zone))
		}
	})
}

// Open time adds up, and is what minute by minute looking finds.
func TestBetweenAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Years whose holidays are worked out ahead: those of others take
		// their time, minute by minute.
		a := time.Unix(rapid.Int64Range(1_450_000_000, 2_850_000_000).Draw(t, "t"), 0).Truncate(time.Minute)
		c := genCalendar(t, a)
		b := a.Add(time.Duration(rapid.IntRange(0, 14*60).Draw(t, "b")) * time.Minute)
		m := a.Add(time.Duration(rapid.IntRange(0, 14*60).Draw(t, "m")) * time.Minute)
		if m.Before(b) && c.Between(a, m)+c.Between(m, b) != c.Between(a, b) {
			t.Fatalf("%s: %s, %s and %s do not add up", c.Zone(), a, m, b)
		}
		seen := time.Duration(0)
		for x := a; x.Before(b); x = x.Add(time.Minute) {
			if c.Open(x) {
				seen += time.Minute
			}
		}
		if got := c.Between(a, b); got != seen {
			t.Fatalf("%s: %s of open time, %s by looking", c.Zone(), got, seen)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	c, _ := sla.Compile(usEast())
	from := time.Date(2026, 3, 6, 21, 55, 0, 0, time.UTC)
	for _, bc := range []struct {
		name string
		d    sla.Duration
	}{
		{"15 minutes over a weekend", sla.Working(15 * time.Minute)},
		{"5 working days", amount(5, mappings.Day, true)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = c.Add(from, bc.d)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		_, _ = sla.Compile(usEast())
	}
}

package ingest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/teambition/rrule-go"

	"github.com/handoffd/handoffd/connectors"
)

// mostAbsences bounds what one feed may say of the time looked at.
const mostAbsences = 500

// reading of one feed: of whom, on whose clock, and which time counts.
type feedReader struct {
	who         string
	zone        *time.Location
	from, until time.Time
	by          time.Time // of the machine's own clock: what takes longer is not read; zero: no end
}

// absences reads an iCalendar (RFC 5545). Entries of whole days are leave, on
// the person's own clock; entries of hours too, unless they are marked as free.
// Cancelled ones are none. Nothing of what people write in them is kept. A
// zone that is not known by its IANA name is taken for the person's own.
func (r feedReader) absences(raw []byte) ([]connectors.Absence, error) {
	if !bytes.Contains(raw, []byte("BEGIN:VCALENDAR")) {
		return nil, fmt.Errorf("it is no iCalendar")
	}
	if !bytes.Contains(raw, []byte("END:VCALENDAR")) { // whose absences come last would be taken for back
		return nil, fmt.Errorf("it is cut off")
	}
	c, err := ics.ParseCalendar(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("it is no iCalendar: %w", err)
	}
	moved := map[string][]time.Time{} // of an entry that repeats: what has an entry of its own
	var events []entry
	for _, v := range c.Events() {
		e, ok := r.entry(v)
		if !ok {
			continue
		}
		if !e.instead.IsZero() {
			moved[e.uid] = append(moved[e.uid], e.instead)
		}
		if !e.ignored {
			events = append(events, e)
		}
	}
	var out []connectors.Absence
	for _, e := range events {
		if !r.by.IsZero() && time.Now().After(r.by) { // rules that never hit the window are walked to the end
			return nil, fmt.Errorf("what repeats in it takes too long to read")
		}
		starts, err := e.starts(r.from, r.until, moved[e.uid])
		if err != nil {
			return nil, err
		}
		for _, at := range starts {
			if end := e.end(at); end.After(r.from) && at.Before(r.until) {
				out = append(out, connectors.Absence{Who: r.who, From: at.UTC(), Until: end.UTC(), Source: "calendar feed"})
			}
		}
		if len(out) > mostAbsences {
			return nil, fmt.Errorf("it holds more than %d absences of the next months", mostAbsences)
		}
	}
	slices.SortFunc(out, func(a, b connectors.Absence) int { return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until)) })
	return slices.CompactFunc(out, func(a, b connectors.Absence) bool { return a.From.Equal(b.From) && a.Until.Equal(b.Until) }), nil
}

// entry is one VEVENT.
type entry struct {
	uid     string
	start   time.Time
	days    int           // of whole days
	length  time.Duration // of others
	rule    string
	except  []time.Time
	also    []time.Time
	instead time.Time // RECURRENCE-ID: the one of the repeated entry it stands for
	ignored bool      // free, cancelled or without length
}

func (e entry) end(at time.Time) time.Time {
	if e.days > 0 {
		return at.AddDate(0, 0, e.days)
	}
	return at.Add(e.length)
}

// entry reads one VEVENT; ok is false for one that says no time.
func (r feedReader) entry(v *ics.VEvent) (entry, bool) {
	start, whole, ok := r.instant(v.GetProperty(ics.ComponentPropertyDtStart))
	if !ok {
		return entry{}, false
	}
	e := entry{uid: v.Id(), start: start}
	if id := v.GetProperty(ics.ComponentPropertyRecurrenceId); id != nil {
		e.instead, _, _ = r.instant(id)
	}
	end, _, ended := r.instant(v.GetProperty(ics.ComponentPropertyDtEnd))
	switch {
	case whole && ended:
		e.days = max(1, int(end.Add(12*time.Hour).Sub(start)/(24*time.Hour)))
	case whole:
		e.days = max(1, int(lasting(text(v.GetProperty(ics.ComponentPropertyDuration)))/(24*time.Hour)))
	case ended:
		e.length = end.Sub(start)
	default:
		e.length = lasting(text(v.GetProperty(ics.ComponentPropertyDuration)))
	}
	e.rule = text(v.GetProperty(ics.ComponentPropertyRrule))
	e.except = r.instants(v.GetProperties(ics.ComponentPropertyExdate))
	e.also = r.instants(v.GetProperties(ics.ComponentPropertyRdate))
	free := strings.EqualFold(text(v.GetProperty(ics.ComponentPropertyTransp)), "TRANSPARENT") && !whole
	cancelled := strings.EqualFold(text(v.GetProperty(ics.ComponentPropertyStatus)), "CANCELLED")
	e.ignored = free || cancelled || e.days == 0 && e.length <= 0
	return e, true
}

// starts are the instants at which the entry begins in a time, those left out
// that have an entry of their own.
func (e entry) starts(from, until time.Time, moved []time.Time) ([]time.Time, error) {
	if e.rule == "" && len(e.also) == 0 || !e.instead.IsZero() {
		return []time.Time{e.start}, nil
	}
	var set rrule.Set
	if e.rule != "" {
		o, err := rrule.StrToROptionInLocation(e.rule, e.start.Location())
		if err != nil {
			return nil, fmt.Errorf("a rule by which an entry repeats cannot be read: %w", err)
		}
		if o.Freq > rrule.DAILY {
			return nil, fmt.Errorf("an entry repeats more often than daily")
		}
		o.Dtstart = e.start
		rule, err := rrule.NewRRule(*o)
		if err != nil {
			return nil, fmt.Errorf("a rule by which an entry repeats cannot be read: %w", err)
		}
		set.RRule(rule)
	} else {
		set.RDate(e.start)
	}
	set.SetRDates(append(set.GetRDate(), e.also...))
	set.SetExDates(append(slices.Clone(e.except), moved...))
	return set.Between(e.start.Add(from.Sub(e.end(e.start))), until, true), nil
}

func text(p *ics.IANAProperty) string {
	if p == nil {
		return ""
	}
	return strings.TrimSpace(p.Value)
}

// instants reads dates that stand in several properties, or in one with commas.
func (r feedReader) instants(ps []*ics.IANAProperty) []time.Time {
	var out []time.Time
	for _, p := range ps {
		for part := range strings.SplitSeq(p.Value, ",") {
			one := *p
			one.Value = part
			if t, _, ok := r.instant(&one); ok {
				out = append(out, t)
			}
		}
	}
	return out
}

// instant reads a DATE, or a DATE-TIME in UTC, in a zone or on the person's
// own clock.
func (r feedReader) instant(p *ics.IANAProperty) (at time.Time, whole, ok bool) {
	v := text(p)
	zone := r.zone
	if p != nil && len(p.ICalParameters["TZID"]) > 0 {
		if z, err := time.LoadLocation(strings.Trim(p.ICalParameters["TZID"][0], `"`)); err == nil && z != time.Local {
			zone = z
		}
	}
	if t, err := time.Parse("20060102T150405Z", v); err == nil {
		return t, false, true
	}
	if t, err := time.ParseInLocation("20060102T150405", v, zone); err == nil {
		return t, false, true
	}
	t, err := time.ParseInLocation("20060102", v, r.zone)
	return t, err == nil, err == nil
}

// lasting reads a duration such as P1D, PT1H30M or P2W; zero: none.
func lasting(v string) time.Duration {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(v, "+"), "P")
	if !ok {
		return 0
	}
	var sum time.Duration
	n := 0
	for _, c := range rest {
		unit := map[rune]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}[c]
		switch {
		case c >= '0' && c <= '9' && n < 1_000_000:
			n = 10*n + int(c-'0')
		case c == 'T':
		case unit > 0 && n <= int((100*365*24*time.Hour)/unit):
			sum, n = sum+time.Duration(n)*unit, 0
		default:
			return 0
		}
	}
	return sum
}

package sla

import (
	"fmt"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// Duration is how long a clock runs, in working time, working days or clock
// time. The zero Duration is no clock.
type Duration struct {
	kind  kind
	span  time.Duration // working and clock time
	days  int           // working days
	share float64       // of so many working days, 1 for all of it
	text  string
}

type kind uint8

const (
	none kind = iota
	clock
	working
	workingDays
)

// maxSpan bounds a duration: a hundred years.
const maxSpan = 100 * 365 * 24 * time.Hour

// Of gives a duration its meaning:
//
//	seconds, minutes               working time
//	hours, fewer than 24           working time
//	hours, 24 and more             clock time
//	working minutes, working hours working time
//	n working days                 the end of the n-th working day after the
//	                               one the clock starts on
//	days, weeks                    clock time, 24 hours a day
//
// Nothing is longer than a hundred years.
func Of(d mappings.Duration) Duration {
	if d.IsZero() {
		return Duration{}
	}
	unit := map[mappings.Unit]time.Duration{
		mappings.Second: time.Second, mappings.Minute: time.Minute, mappings.Hour: time.Hour,
		mappings.Day: 24 * time.Hour, mappings.Week: 7 * 24 * time.Hour,
	}[d.Unit]
	n := max(0, d.N)
	out := Duration{kind: working, text: textOf(d)}
	if int64(n) > int64(maxSpan/max(unit, 1)) {
		n = int(maxSpan / unit)
	}
	out.span = time.Duration(n) * unit
	switch {
	case d.Working && (d.Unit == mappings.Day || d.Unit == mappings.Week):
		out.kind, out.span, out.days, out.share = workingDays, 0, n, 1
		if d.Unit == mappings.Week {
			out.days = 5 * n
		}
	case d.Working:
	case d.Unit == mappings.Day, d.Unit == mappings.Week, d.Unit == mappings.Hour && n >= 24:
		out.kind = clock
	}
	return out
}

// Working is a duration of so much open time.
func Working(d time.Duration) Duration {
	return Duration{kind: working, span: min(max(d, 0), maxSpan), text: d.String() + " of working time"}
}

// Clock is a duration of so much time by the clock.
func Clock(d time.Duration) Duration {
	return Duration{kind: clock, span: min(max(d, 0), maxSpan), text: d.String()}
}

// AsClock is the duration by the clock, as for a clock that runs always;
// a working day is then 24 hours.
func (d Duration) AsClock() Duration {
	if d.kind == workingDays {
		d.span = scale(time.Duration(d.days)*24*time.Hour, d.share)
	}
	if d.kind != none {
		d.kind = clock
	}
	return d
}

// IsZero reports whether there is no clock at all.
func (d Duration) IsZero() bool { return d.kind == none }

// Scale is so many percent of the duration, to the millisecond. Of working
// days it is that share of the open time until they are over.
func (d Duration) Scale(percent float64) Duration {
	share := max(0, percent/100)
	if d.IsZero() || share == 1 {
		return d
	}
	d.text = fmt.Sprintf("%g%% of %s", percent, d.text)
	d.span = scale(d.span, share)
	d.share *= share
	return d
}

// String is the duration as the admin wrote it.
func (d Duration) String() string { return d.text }

func textOf(d mappings.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d ", d.N)
	if d.Working {
		b.WriteString("working ")
	}
	b.WriteString(string(d.Unit))
	if d.N != 1 {
		b.WriteString("s")
	}
	return b.String()
}

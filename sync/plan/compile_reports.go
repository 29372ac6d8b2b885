package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
)

// reportWeekly lists the deadlines that were missed (2.26).
const reportWeekly = "weekly"

// reportRetro says, once, how the first days went (4.36).
const reportRetro = mappings.Retro

// reportSample shows how giver and receiver rate the same handoffs (2.41).
const reportSample = mappings.Sample

// reports are those that are sent by themselves. None is unless it is written (2.40).
type reports struct{ weekly, retro, sample *report }

// report is when one is sent, and to whom.
type report struct {
	zone    *time.Location
	day, at int // the weekday, -1 for every day, and minutes from midnight
	after   int // days, of the retro
	size    int // handoffs in a draw of the sample
	to      []string
}

// next is when the report is sent next.
func (p *report) next(now time.Time) time.Time {
	now = now.In(p.zone)
	for days := 0; ; days++ {
		at := time.Date(now.Year(), now.Month(), now.Day()+days, 0, p.at, 0, 0, p.zone)
		if at.After(now) && (p.day < 0 || int(at.Weekday()) == p.day) {
			return at.UTC()
		}
	}
}

func (c *compiler) reportsOf() {
	known := map[string]**report{reportWeekly: &c.r.reports.weekly, reportRetro: &c.r.reports.retro, reportSample: &c.r.reports.sample}
	names := slices.Sorted(maps.Keys(known))
	for _, doc := range c.doc.Reports {
		of, ok := known[doc.Name.S]
		if !ok {
			c.bad(doc.Pos, "undefined-report", didYouMean(doc.Name.S, names, "it can be "+strings.Join(names, ", ")), "there is no report %q", doc.Name.S)
			continue
		}
		*of = c.report(doc)
	}
}

func (c *compiler) report(doc mappings.Report) *report {
	zone, err := time.LoadLocation(doc.Timezone.S)
	if err != nil {
		c.bad(doc.Timezone.Pos, "unknown-timezone", "write a name like Europe/London", "there is no timezone %q", doc.Timezone.S)
	}
	p := &report{zone: zone, day: doc.Day, at: doc.At, after: doc.After, size: doc.Size}
	for _, who := range doc.SendTo {
		p.to = append(p.to, who.S)
	}
	return p
}

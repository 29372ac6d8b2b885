package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/route"
	"github.com/handoffd/handoffd/sync/sla"
)

// The words of leave_from.
const (
	leaveCRM   = "crm"
	leaveFeeds = "calendar_feeds"
)

// absence is a stretch of time in which somebody does not work.
type absence struct {
	from, until time.Time // until excluded
	by          string    // who covers meanwhile; blank: their backup
	open        bool      // what is open when it begins goes to by as well
	rule        string    // its place in people.yaml
	source      string    // where it stands, when that is not the rules
}

// said is when somebody is back, in words, on their own clock.
func (a absence) said(zone *time.Location) string {
	text := "is away until " + a.until.In(zone).Format("2006-01-02 15:04")
	if !a.part(zone) && midnight(a.until, zone) {
		text = "is on leave until " + a.until.Add(-time.Second).In(zone).Format(time.DateOnly)
	}
	if a.source != "" {
		text += " (" + a.source + ")"
	}
	return text
}

// part reports whether it is a part of a day, and not leave.
func (a absence) part(zone *time.Location) bool {
	whole := midnight(a.from, zone) && midnight(a.until, zone)
	return !whole && a.until.Sub(a.from) < 24*time.Hour
}

func midnight(t time.Time, zone *time.Location) bool {
	t = t.In(zone)
	return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0
}

// away is every absence of somebody that is known and not over, those with a
// cover first. The CRM and calendar feeds are believed where a team that the
// person is in says leave_from.
func (d *deciding) away(who string) []absence {
	p := d.r.people[who]
	if p == nil {
		return nil
	}
	var out []absence
	for _, a := range p.away {
		if a.until.After(d.now) {
			out = append(out, a)
		}
	}
	if !p.leaveCRM && !p.leaveFeeds {
		return out
	}
	for _, l := range d.v.Leave(who, d.now) {
		if l.Source == state.FeedSource && !p.leaveFeeds || l.Source != state.FeedSource && !p.leaveCRM {
			continue
		}
		for _, a := range l.Away {
			out = append(out, absence{from: a.From, until: a.Until, source: a.Source})
		}
	}
	return out
}

// absent is the absence somebody is in when they would work next: now, or when
// their calendar opens. Who is on leave from Monday on takes nothing on Sunday.
func (d *deciding) absent(who string) *absence {
	away := d.away(who)
	if len(away) == 0 {
		return nil
	}
	at := d.r.calendarOf(who).NextOpen(d.now)
	for i := range away {
		if a := &away[i]; !a.from.After(at) && a.until.After(at) {
			return a
		}
	}
	return nil
}

// calendarOf is when somebody works, the parts of days on which they are known
// to be away taken out. Days of leave stay in: no deadline moves behind them,
// somebody else has to be quick.
func (d *deciding) calendarOf(who string) sla.Calendar {
	cal := d.r.calendarOf(who)
	var closed []sla.Closure
	for _, a := range d.away(who) {
		if a.part(cal.Zone()) {
			closed = append(closed, sla.Closure{From: a.from, Until: a.until})
		}
	}
	return cal.WithClosed(closed)
}

// calendarOf is when somebody works, whatever they have taken off.
func (r *Rules) calendarOf(who string) sla.Calendar {
	if p := r.people[who]; p != nil {
		return p.calendar
	}
	return r.calendar
}

// unfit is why somebody cannot take a handoff now; a blank why: they can.
// known is false for somebody who is no user of the CRM, or no longer.
func (d *deciding) unfit(who string, c *conn, atMost int) (kind route.Kind, why string, known bool) {
	u, ok := d.user(c, who)
	switch {
	case !ok:
		return route.Inactive, "is no user of " + c.name, false
	case who == d.without:
		return route.Inactive, "is taken for gone", false
	case d.not[who]:
		return route.HadIt, "has had it already", true
	case !u.Active:
		return route.Inactive, "is inactive in " + c.name, false
	}
	if a := d.absent(who); a != nil {
		return route.OnLeave, a.said(d.r.calendarOf(who).Zone()), true
	}
	if atMost > 0 {
		if n := d.unaccepted(who); n >= atMost {
			return route.AtCap, fmt.Sprintf("has %d of %d handoffs not accepted yet", n, atMost), true
		}
	}
	return "", "", true
}

// unaccepted is how many handoffs somebody has and has not accepted. What is
// only observed beside what is live fills nobody's hands.
func (d *deciding) unaccepted(who string) int {
	n := d.v.Unaccepted(who)
	if !d.r.write || d.onlySeen {
		n += d.v.Unaccepted(state.Observing(who))
	}
	return n
}

// out is unfit without the kind.
func (d *deciding) out(who string, c *conn, atMost int) (why string, known bool) {
	_, why, known = d.unfit(who, c, atMost)
	return why, known
}

// lacks is the skill the record asks for and somebody does not have. A blank
// asks for nothing (1.84).
func (d *deciding) lacks(l *ownerLine, f *facts, who string) string {
	for _, s := range l.with {
		v := strings.ToLower(f.value(s.field))
		if v == "" {
			continue
		}
		if p := d.r.people[who]; p == nil || !masters(p.can[s.name], v) {
			return fmt.Sprintf("lacks %s %s", s.name, v)
		}
	}
	return ""
}

// masters reports whether one of the values of a skill covers one of the
// record's: the same word, or a number within "5000 to 20000", "at least 5000"
// or "at most 20000".
func masters(can []string, wanted string) bool {
	for v := range strings.SplitSeq(wanted, ";") {
		v = strings.ToLower(strings.TrimSpace(v))
		if slices.Contains(can, v) {
			return true
		}
		n, err := strconv.ParseFloat(v, 64)
		if err == nil && slices.ContainsFunc(can, func(c string) bool { return within(c, n) }) {
			return true
		}
	}
	return false
}

// within reports whether a number lies in a range as an admin writes it.
func within(text string, n float64) bool {
	low, high, ok := limits(text)
	return ok && n >= low && n <= high
}

// limits reads a range of numbers; ok is false where it is none.
func limits(text string) (low, high float64, ok bool) {
	const most = 1e18
	number := func(s string) (float64, bool) {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return v, err == nil && v >= -most && v <= most
	}
	if rest, found := strings.CutPrefix(text, "at least "); found {
		low, ok = number(rest)
		return low, most, ok
	}
	if rest, found := strings.CutPrefix(text, "at most "); found {
		high, ok = number(rest)
		return -most, high, ok
	}
	from, to, found := strings.Cut(text, " to ")
	if !found {
		return 0, 0, false
	}
	low, ok = number(from)
	high, both := number(to)
	return low, high, ok && both && low <= high
}

// left marks a user whom a CRM has refused as an owner as inactive at once, so
// that the next handoff is not refused as well. The CRM's next list of users
// has the last word.
func (d *deciding) left(conn, id string) {
	if u, ok := d.v.User(conn, id); ok && u.Active && !u.Queue {
		d.c.Gone = append(d.c.Gone, state.Gone{Conn: conn, ID: id})
	}
}

// Feed is one person's calendar of absences: an address, or the name of the
// environment variable that holds it, and the clock they live by.
type Feed struct {
	Who, At string
	Zone    *time.Location
}

// Feeds are the calendars that some team believes, in the order of people.
func (r *Rules) Feeds() []Feed { return slices.Clone(r.feeds) }

// Cover is somebody else's work for a while, what is open included. Name tells
// one from the next.
type Cover struct{ Who, By, Rule, Name string }

// Covers are those with open_ones that have begun and are not over, by person.
func (r *Rules) Covers(now time.Time) []Cover {
	var out []Cover
	for _, who := range slices.Sorted(maps.Keys(r.people)) {
		for _, a := range r.people[who].away {
			if a.open && a.by != "" && !a.from.After(now) && a.until.After(now) {
				out = append(out, Cover{Who: who, By: a.by, Rule: a.rule, Name: who + " " + a.by + " " + a.from.Format(time.RFC3339)})
			}
		}
	}
	return out
}

// LeaveFromCRM reports whether some team believes what the CRMs say of who is
// away.
func (r *Rules) LeaveFromCRM() bool { return r.leaveCRM }

// drawn adds to the details of an audit row the draw that chose the owner, if
// there was one, so that everybody's share can be recomputed (G6).
func (c choice) drawn(detail map[string]string) map[string]string {
	if c.draw != nil {
		c.draw.Detail(detail)
	}
	return detail
}

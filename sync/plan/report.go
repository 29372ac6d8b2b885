package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
)

// A report that is sent by itself is kept as what its reader is still to be told: a
// budget under the name of its clock, which no person has, and the timer of that clock.
// What nothing is noted for has no timer, and nobody gets an empty report (2.40).

// missed notes for the weekly report that a clock has run out while what it waits for
// had not happened: for who gets the whole of it, and for who answers for the owner.
func (d *deciding) missed(h state.Handoff, clock string) {
	if !d.beforeRetro(h) {
		d.tally(tallyMissed + clock)
	}
	p := d.r.reports.weekly
	if p == nil {
		return
	}
	who := h.Owner
	if who == "" {
		who = "nobody yet"
	}
	text := fmt.Sprintf("was to %s by %s, with %s", wants(clock), clockText(deadline(h, clock), p.zone), who)
	to := append(slices.Clone(p.to), d.managerFor(h))
	slices.Sort(to)
	for _, who := range slices.Compact(to) {
		if who != "" {
			d.note(clockReport+reportWeekly+" "+who, p.next(d.now), state.Notice{Handoff: h.ID, Clock: clock, Text: text})
		}
	}
}

// metLate notes what was done too late while nobody looked: the step that would have
// noted it finds its clock met.
func (d *deciding) metLate() {
	for _, h := range d.c.Handoffs {
		was, _ := d.v.Handoff(h.ID)
		t := d.r.byName[h.Type]
		if t == nil || h.Observed {
			continue
		}
		for i, s := range t.steps {
			if _, waits := d.v.Timer(timerID(h.ID, s.clock, i)); waits && t.runsOut(i) && metLate(was, h, s.clock) {
				d.missed(was, s.clock)
			}
		}
	}
}

// metLate reports whether a clock is known now, and was not before, to have been met after it ran out.
func metLate(was, h state.Handoff, clock string) bool {
	before, at := was.AcceptedAt, h.AcceptedAt
	switch clock {
	case clockAccept:
	case clockTouch:
		before, at = was.TouchedAt, h.TouchedAt
	default:
		return false
	}
	by := deadline(was, clock)
	return before.IsZero() && !by.IsZero() && at.After(by)
}

// note keeps a line for a report, and has the report sent.
func (d *deciding) note(row string, due time.Time, n state.Notice) {
	t := d.budget(row)
	if len(t.Wait) < mostWaiting {
		t.Wait = append(slices.Clone(t.Wait), n)
	} else {
		t.More++
	}
	if t.Due.IsZero() {
		t.Due = due
		d.c.Timers = append(d.c.Timers, state.Timer{ID: state.Digest("timer", row), Handoff: n.Handoff, Clock: row, Due: due})
	}
	d.setBudget(t)
}

// report sends what is due.
func (d *deciding) report(row string) {
	t := d.budget(row)
	if t.Due.IsZero() || t.Due.After(d.now) {
		return
	}
	if row == rowRetro {
		d.retro(t)
		return
	}
	if row == rowSample {
		d.sample(t)
		return
	}
	name, who, _ := strings.Cut(strings.TrimPrefix(row, clockReport), " ")
	d.setBudget(state.Budget{Who: row})
	if d.r.write && name == reportWeekly && d.hearsOfMisses(who) {
		d.weekly(row, who, t)
	}
}

// hearsOfMisses reports whether somebody is still to get the weekly report.
func (d *deciding) hearsOfMisses(who string) bool {
	p := d.r.reports.weekly
	if p == nil || slices.Contains(p.to, who) {
		return p != nil
	}
	for _, o := range d.r.people {
		if o.manager == who {
			return true
		}
	}
	for _, o := range d.r.teams {
		if o.manager == who {
			return true
		}
	}
	return false
}

// weekly tells one person what was missed, and how it stands now.
func (d *deciding) weekly(row, who string, t state.Budget) {
	var lines []string
	var about []connectors.Ref
	var of []state.Handoff
	for _, n := range t.Wait {
		h, ok := d.v.Handoff(n.Handoff)
		if !ok {
			continue
		}
		of = append(of, h)
		line := d.buyerOf(h) + " " + n.Text + ": " + d.standsNow(h, d.r.reports.weekly.zone)
		lines = append(lines, strings.Join(strings.Fields(line), " "))
		about = append(about, notice{}.aboutOf(h)[0])
	}
	missed := len(lines) + t.More
	if t.More > 0 {
		lines = append(lines, fmt.Sprintf("And %d more.", t.More))
	}
	subject := strconv.Itoa(missed) + " deadlines were missed"
	if missed == 1 {
		subject = "1 deadline was missed"
	}
	d.send(of, notice{
		sort: sortTell, who: who, step: row + " " + t.Due.UTC().Format(time.RFC3339), subject: subject, text: strings.Join(lines, "\n"), about: about,
	})
}

// carrying is the one of several handoffs that what is told of all of them to somebody
// hangs on: one that is still written and open, in a CRM whose user they are.
func (d *deciding) carrying(of []state.Handoff, who string) state.Handoff {
	fit := func(h state.Handoff) (points int) {
		if u, ok := d.user(d.r.byConn[h.Target.Conn], who); ok && u.Active {
			points = 4
		}
		if h.Frozen == "" {
			points += 2
		}
		if h.Stage.Open() {
			points++
		}
		return points
	}
	return slices.MaxFunc(of, func(a, b state.Handoff) int { return fit(a) - fit(b) })
}

// send tells a report in the ways of the handoffs it speaks of. In the CRM it hangs on
// one of them, so that it can be found again (C8).
func (d *deciding) send(of []state.Handoff, n notice) {
	if len(of) == 0 {
		return
	}
	carrier := d.carrying(of, n.who)
	var channels []string
	for _, h := range of {
		channels = append(channels, d.r.notify.in(h.Tier)...)
	}
	slices.Sort(channels)
	d.audit("report", carrier.ID, map[string]string{"who": n.who, "report": n.step, "says": n.subject})
	for _, ch := range slices.Compact(channels) {
		if ch == mappings.InCRM {
			carrier = d.noticeTask(carrier, n)
		} else {
			carrier = d.inChannel(carrier, n, ch)
		}
	}
	d.put(carrier)
}

// buyerOf names the buyer of a handoff as they are called now: no name is kept for a week.
func (d *deciding) buyerOf(h state.Handoff) string {
	if rec, ok := d.v.Record(h.Record); ok {
		return d.buyer(d.r.facts(d.now, d.v, &rec), h)
	}
	return d.buyer(nil, h)
}

// standsNow says how a handoff stands.
func (d *deciding) standsNow(h state.Handoff, zone *time.Location) string {
	switch h.Stage {
	case state.Queued:
		return "it waits for somebody who is free"
	case state.Held:
		return "it waits for what is missing"
	case state.Assigned:
		return "it is still open, with " + h.Owner
	case state.Accepted:
		return "accepted " + clockText(h.AcceptedAt, zone) + " by " + h.AcceptedBy
	case state.Touched:
		return "the buyer heard from us " + clockText(h.TouchedAt, zone)
	case state.Completed:
		return "completed " + clockText(h.ClosedAt, zone)
	case state.Returned:
		if r := h.Returned; r != nil {
			return "returned by " + r.By + ", " + orNone(r.Reason)
		}
		return "returned"
	case state.Detected, state.Reassigned, state.Stalled, state.Superseded, state.Cancelled, state.Refused:
	}
	return strings.TrimSuffix("ended: "+h.Note, ": ")
}

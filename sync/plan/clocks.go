package plan

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/sla"
)

// The clocks of a handoff, by the names that `escalations:` uses. A clock runs
// from its start to its deadline; the steps of the escalation lists that name
// it are timers. A timer whose clock is met says nothing.
//
//	clock        starts at              met by
//	assign       the signal             an owner
//	accept       the assignment         acceptance
//	opened       the assignment         the owner opens the record, or does anything
//	first_touch  the assignment         the first touch
//	outer_limit  the assignment         the first touch, on the same day
//	attempts     the assignment         so many attempts, or an end
//	no_activity  acceptance             any activity; counts anew from each, and for who gets it by that
//	return       the assignment         acceptance or return
//	document     the assignment         the gate, what was missing, and the giver's checklist
//	kickoff      the assignment         the meeting, or an end
//
// Any but assign, opened and no_activity may count from a date field or from
// acceptance instead (`counted_from:`). item and hold are timers of the
// checklist and of the gate, and no clocks of an escalation.
const (
	clockAssign   = "assign"
	clockAccept   = "accept"
	clockOpened   = "opened"
	clockTouch    = "first_touch"
	clockOuter    = "outer_limit"
	clockAttempts = "attempts"
	clockActivity = "no_activity"
	clockReturn   = "return"
	clockDocument = "document"
	clockKickoff  = "kickoff"
	clockItem     = "item"           // a thing of the checklist; the step is its index in Handoff.Items
	clockHold     = "hold"           // a gate has been shut for as long as it may
	clockRetry    = state.ClockRetry // look again for somebody who is free
	clockObserve  = "observe"        // an observed handoff is forgotten
	clockDigest   = "digest "        // and a person: what waits for them is told together
	clockReport   = "report "        // and a report, and a person: it is sent to them
)

// timerID names the timer of one step of one clock: setting it again moves it.
func timerID(h, clock string, step int) string {
	return state.Digest("timer", h, clock, strconv.Itoa(step))
}

// timer has a handoff looked at again: fired is then called with its clock and
// step. One that is set already is moved. An instant that has passed fires at
// once; none at all sets nothing.
func (d *deciding) timer(h state.Handoff, clock string, step int, due time.Time) {
	if !due.IsZero() {
		d.c.Timers = append(d.c.Timers, state.Timer{ID: timerID(h.ID, clock, step), Handoff: h.ID, Clock: clock, Step: step, Due: due.UTC()})
	}
}

// stop cancels one timer, whether it was set or not.
func (d *deciding) stop(h state.Handoff, clock string, step int) {
	d.c.Cancel = append(d.c.Cancel, timerID(h.ID, clock, step))
}

// quiet cancels every timer a handoff may have.
func (d *deciding) quiet(h state.Handoff) {
	d.stopClocks(h, clockAssign, clockAccept, clockOpened, clockTouch, clockOuter, clockActivity, clockReturn, clockDocument, clockKickoff)
	if h.Stage != state.Completed {
		d.stopClocks(h, clockAttempts)
	}
	for i := range h.Items {
		if h.Stage != state.Completed || h.Items[i].After.IsZero() {
			d.stop(h, clockItem, i)
		}
	}
	for _, clock := range []string{clockHold, clockChase, clockRetry, clockObserve, clockTried} {
		d.stop(h, clock, 0)
	}
	d.stop(h, clockHold, holdRecheck)
}

// lasting is how long a clock of a tier runs, and from when where that is not
// the assignment. The zero lasting is no clock.
type lasting struct {
	time     sla.Duration
	sameDay  bool  // until the working day of its start ends
	from     field // a date
	accepted bool  // from acceptance
}

func (l lasting) given() bool { return l.sameDay || !l.time.IsZero() }

// reach is when so many percent of a clock have run.
func (l lasting) reach(cal sla.Calendar, start time.Time, percent float64) time.Time {
	switch {
	case !l.given():
		return time.Time{}
	case !l.sameDay:
		return cal.Add(start, l.time.Scale(percent)).UTC()
	}
	end := cal.EndOfDay(start)
	if percent == 100 {
		return end.UTC()
	}
	return cal.Add(start, sla.Working(cal.Between(start, end)).Scale(percent)).UTC()
}

// clock is one clock of a tier other than assign.
func (t *tier) clock(name string) lasting { return t.lasts[name] }

// counted is the instant a clock counts from: the date its field holds, else
// now.
func (d *deciding) counted(f *facts, cal sla.Calendar, l lasting) time.Time {
	if l.from.given() && f != nil {
		if at, day, ok := instant(f.value(l.from)); ok {
			if day {
				return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, cal.Zone())
			}
			return at
		}
	}
	return d.now
}

// begins is counted, except where we heard too late of a signal for a clock
// that counts from a field: the receiver gets the time that the type grants
// from now on, and nobody is in breach before they could act (I3).
func (d *deciding) begins(f *facts, cal sla.Calendar, l lasting, signal state.Signal) time.Time {
	start := d.counted(f, cal, l)
	if signal.Late && !l.reach(cal, start, 100).After(d.now) {
		return d.now
	}
	return start
}

// clocks are the deadlines of a handoff that somebody owns from now on. They
// are counted once, in the owner's calendar; only the one for assigning always
// runs, from the signal's own time.
func (d *deciding) clocks(f *facts, tier *tier, owner string, signal state.Signal) handoff.Clocks {
	c := handoff.Clocks{Tier: tier.name, Rank: tier.rank}
	if !tier.assign.IsZero() {
		c.AssignBy = sla.Always().Add(signal.At, tier.assign)
	}
	if owner == "" {
		return c
	}
	cal := d.calendarOf(owner)
	for name, l := range tier.lasts {
		if l.accepted {
			continue
		}
		by := l.reach(cal, d.begins(f, cal, l, signal), 100)
		switch name {
		case clockAccept:
			c.AcceptBy = by
		case clockTouch:
			c.TouchBy = by
		default:
			if c.Due == nil {
				c.Due = map[string]time.Time{}
			}
			c.Due[name] = by
		}
	}
	if by, ok := c.Due[clockOuter]; ok && by.Before(c.TouchBy) {
		c.Due[clockOuter] = c.TouchBy // five minutes before closing, the first touch has its time
	}
	return c
}

// deadline is when a clock of a handoff runs out; zero: it does not run.
func deadline(h state.Handoff, clock string) time.Time {
	switch clock {
	case clockAssign:
		return h.AssignBy
	case clockAccept:
		return h.AcceptBy
	case clockTouch:
		return h.TouchBy
	}
	return h.Due[clock]
}

// timers sets the steps of the clocks that start with the assignment.
func (d *deciding) timers(t *typ, f *facts, h state.Handoff, tier *tier) {
	for i, due := range d.steps(t, f, h, tier) {
		d.timer(h, t.steps[i].clock, i, due)
	}
}

// assignTimers sets the steps of the clock that runs while nobody is free. It
// runs always, from the signal.
func (d *deciding) assignTimers(t *typ, h state.Handoff, tier *tier) {
	if tier.assign.IsZero() {
		return
	}
	for i, s := range t.steps {
		if s.clock == clockAssign {
			d.timer(h, clockAssign, i, sla.Always().Add(h.Signals[0].At, tier.assign.Scale(s.percent)))
		}
	}
}

// steps are when the steps of a handoff's clocks are due, counted from now; a
// step without a time is due never.
func (d *deciding) steps(t *typ, f *facts, h state.Handoff, tier *tier) []time.Time {
	cal := d.calendarOf(h.Owner)
	out := make([]time.Time, len(t.steps))
	for i, s := range t.steps {
		l := tier.clock(s.clock)
		switch {
		case !l.given() || l.accepted || deadline(h, s.clock).IsZero():
		case s.percent == 100:
			out[i] = deadline(h, s.clock)
		default:
			out[i] = l.reach(cal, d.begins(f, cal, l, h.Signals[len(h.Signals)-1]), s.percent)
		}
	}
	return out
}

// sooner brings the steps nearer that have not been done yet.
func (d *deciding) sooner(t *typ, f *facts, h state.Handoff, tier *tier) {
	for i, due := range d.steps(t, f, h, tier) {
		was, set := d.v.Timer(timerID(h.ID, t.steps[i].clock, i))
		if set && due.Before(was.Due) && !due.IsZero() {
			d.timer(h, t.steps[i].clock, i, due)
		}
	}
}

// clocksAgain sets the clocks of an adopted handoff going again. What was due
// before is told once more: twice rather than never.
func (d *deciding) clocksAgain(t *typ, f *facts, h state.Handoff, tier *tier) state.Handoff {
	now := d.now
	d.now = h.AssignedAt
	h.Due = d.clocks(f, tier, h.Owner, h.Signals[0]).Due
	due := d.steps(t, f, h, tier)
	d.now = now
	for i, at := range due {
		if !at.Before(d.now) || t.steps[i].mark {
			d.timer(h, t.steps[i].clock, i, at)
		}
	}
	return h
}

// stopClocks cancels the steps of some clocks.
func (d *deciding) stopClocks(h state.Handoff, clocks ...string) {
	t := d.r.byName[h.Type]
	if t == nil {
		return // a timer that finds its handoff ended says nothing
	}
	for i, s := range t.steps {
		if slices.Contains(clocks, s.clock) {
			d.stop(h, s.clock, i)
		}
	}
}

// clocksOnAcceptance stops the clocks that acceptance meets and starts those
// that count from it. The others run on.
func (d *deciding) clocksOnAcceptance(t *typ, h state.Handoff) state.Handoff {
	d.stopClocks(h, clockAccept, clockOpened, clockReturn)
	h = d.settled(h, clockAccept, clockOpened, clockReturn)
	tier := d.r.tiers[h.Tier]
	if tier == nil {
		return h
	}
	if _, again := lostAt(h); again { // the others run on from the first acceptance
		return d.silenceAnew(t, h, h.AcceptedAt, "accepted by "+h.AcceptedBy)
	}
	cal := d.calendarOf(h.Owner)
	for i, s := range t.steps {
		l := tier.clock(s.clock)
		if !l.accepted {
			continue
		}
		d.timer(h, s.clock, i, l.reach(cal, h.AcceptedAt, s.percent))
	}
	for clock, l := range tier.lasts {
		if l.accepted {
			h.Due = withDue(h.Due, clock, l.reach(cal, h.AcceptedAt, 100))
		}
	}
	return h
}

// silenceAnew starts the clock of silence anew for who has got a handoff because the one
// before was silent.
func (d *deciding) silenceAnew(t *typ, h state.Handoff, from time.Time, because string) state.Handoff {
	tier := d.r.tiers[h.Tier]
	if tier == nil || !tier.clock(clockActivity).given() {
		return h
	}
	cal, l := d.calendarOf(h.Owner), tier.clock(clockActivity)
	for i, s := range t.steps {
		if s.clock == clockActivity {
			d.timer(h, clockActivity, i, l.reach(cal, from, s.percent))
		}
	}
	return d.countedAnew(h, l.reach(cal, from, 100), because)
}

// countedAnew moves the deadline of silence on.
func (d *deciding) countedAnew(h state.Handoff, by time.Time, because string) state.Handoff {
	if !by.After(h.Due[clockActivity]) {
		return h
	}
	d.audit("counted anew", h.ID, map[string]string{
		"clock": clockActivity, "was": h.Due[clockActivity].Format(time.RFC3339), "by": by.Format(time.RFC3339), "because": because, "owner": h.Owner,
	})
	h.Due = withDue(h.Due, clockActivity, by)
	return h
}

// withDue is a copy of some deadlines with one more.
func withDue(due map[string]time.Time, clock string, by time.Time) map[string]time.Time {
	out := make(map[string]time.Time, len(due)+1)
	maps.Copy(out, due)
	out[clock] = by
	return out
}

package judge

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/state"
)

// steady is A5: a deadline comes nearer when a further signal asks for it, and
// never moves away; it is the one that the rules give.
func steady(f *Facts) (int, []Offence, string) {
	looked := 0
	var broken []Offence
	for _, h := range f.Handoffs {
		life := f.Lives[h.ID]
		if !momentOf(h).hurries() && !slices.ContainsFunc(life, Moment.hurries) {
			continue
		}
		looked++
		if len(life) == 0 {
			continue
		}
		before := 0 // the last moment of an earlier instant: of one instant, nobody can tell the order
		for i := 1; i < len(life); i++ {
			if life[i-1].At.Before(life[i].At) {
				before = i - 1
			}
			broken = append(broken, slid(h, life[before], life[i])...)
		}
		last := life[len(life)-1]
		for _, c := range clocks(last, momentOf(h)) {
			if !c.was.Equal(c.is) {
				broken = append(broken, offend(h.ID, "%s: %s is %s, and the rules say %s", h.Record, c.name, when(c.is), when(c.was)))
			}
		}
	}
	return looked, broken, ""
}

// hurries reports whether anything has to be done by an instant.
func (m Moment) hurries() bool {
	return !m.AssignBy.IsZero() || !m.AcceptBy.IsZero() || !m.TouchBy.IsZero()
}

type clockPair struct {
	name    string
	was, is time.Time
}

func clocks(a, b Moment) []clockPair {
	return []clockPair{{"assign by", a.AssignBy, b.AssignBy}, {"accept by", a.AcceptBy, b.AcceptBy}, {"touch by", a.TouchBy, b.TouchBy}}
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return clock(t)
}

// slid compares two moments of one handoff.
func slid(h state.Handoff, a, b Moment) []Offence {
	var broken []Offence
	if !a.At.Before(b.At) {
		return nil // both are of the first instant
	}
	for _, c := range clocks(a, b) {
		switch {
		case c.was.IsZero() || c.was.Equal(c.is):
		case c.is.IsZero():
			broken = append(broken, offend(h.ID, "%s: %s was %s and is gone at %s", h.Record, c.name, clock(c.was), clock(b.At)))
		case c.is.After(c.was):
			broken = append(broken, offend(h.ID, "%s: %s slid from %s to %s at %s", h.Record, c.name, clock(c.was), clock(c.is), clock(b.At)))
		case a.Signals == b.Signals:
			broken = append(broken, offend(h.ID, "%s: %s moved from %s to %s at %s and no signal asked for it", h.Record, c.name, clock(c.was), clock(c.is), clock(b.At)))
		}
	}
	return broken
}

// tellIn is how soon a missed deadline is told.
const tellIn = time.Minute

// told is A6: a step of a clock that was not called off happens once,
// within a minute of its instant, or of the next start.
func told(f *Facts) (int, []Offence, string) {
	looked := 0
	byID := map[string]state.Handoff{}
	for _, h := range f.Handoffs {
		byID[h.ID] = h
	}
	var broken []Offence
	for _, d := range f.Timers {
		if d.Times > 1 {
			broken = append(broken, offend(d.Handoff, "%s: step %d of its %s clock, due at %s, was done %d times", byID[d.Handoff].Record, d.Step+1, d.Clock, clock(d.Due), d.Times))
		}
		until := f.latest(d.Due)
		if !d.Cancelled.IsZero() && d.Cancelled.Before(until) || f.Run.Ended.Before(until) {
			continue
		}
		m, ok := f.at(d.Handoff, d.Due)
		if !ok || !runs(d.Clock, m.Stage) || m.Observed {
			continue
		}
		looked++
		switch {
		case d.Fired.IsZero():
			if f.closedBy(d, until) {
				continue
			}
			broken = append(broken, offend(d.Handoff, "%s: step %d of its %s clock was due at %s and nobody was told", byID[d.Handoff].Record, d.Step+1, d.Clock, clock(d.Due)))
		case d.Fired.After(until):
			broken = append(broken, offend(d.Handoff, "%s: step %d of its %s clock was due at %s and told at %s", byID[d.Handoff].Record, d.Step+1, d.Clock, clock(d.Due), clock(d.Fired)))
		}
	}
	for _, h := range f.Handoffs {
		if !h.BreachedAt.IsZero() && h.BreachedAt.Before(h.AcceptBy) {
			broken = append(broken, offend(h.ID, "%s: marked as late at %s, before %s", h.Record, clock(h.BreachedAt), clock(h.AcceptBy)))
		}
	}
	return looked, broken, ""
}

// latest is until when what is due at an instant may be told: a minute later,
// or a minute after a start, where the daemon was down or was stopped before
// the minute was over.
func (f *Facts) latest(due time.Time) time.Time {
	until := due.Add(tellIn)
	for n, s := range f.Run.Starts {
		if s.Before(due.Add(-tellIn)) {
			continue
		}
		down := n == 0 || n <= len(f.Run.Stops) && !f.Run.Stops[n-1].After(until)
		if down && s.Add(tellIn).After(until) {
			until = s.Add(tellIn)
		}
	}
	return until
}

// at is a handoff as it was at an instant.
func (f *Facts) at(id string, t time.Time) (m Moment, ok bool) {
	for _, x := range f.Lives[id] {
		if x.At.After(t) {
			break
		}
		m, ok = x, true
	}
	return m, ok
}

// closedBy reports whether what a timer watches was over by an instant.
func (f *Facts) closedBy(d Due, t time.Time) bool {
	m, ok := f.at(d.Handoff, t)
	return ok && !runs(d.Clock, m.Stage)
}

// runs reports whether a clock can run at a stage: until acceptance, or as long
// as the handoff is open.
func runs(clock string, at state.Stage) bool {
	if clock == acceptClock {
		return at == state.Assigned
	}
	return at.Open()
}

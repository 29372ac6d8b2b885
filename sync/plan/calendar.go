package plan

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// A condition that looks at the calendar ({company.renewal_on: {within_days:
// 90}}) becomes true without anything happening in a CRM. A timer of the record
// has it read and looked at again at that instant; where the date moves, so
// does the timer.

// clockCalendar is the timer's clock.
const clockCalendar = "calendar"

// dayEdge is one `within_days` on a date of the record itself.
type dayEdge struct {
	field field
	days  int
	text  string
}

// days are the edges of a condition about a noun.
func (c *cond) days(noun string) []dayEdge {
	var out []dayEdge
	c.walk(func(leaf *cond) {
		if leaf.kind != aField || leaf.field.noun != noun {
			return
		}
		for _, t := range leaf.tests {
			if t.op == opWithinDays {
				out = append(out, dayEdge{leaf.field, t.days, leaf.text})
			}
		}
	})
	return out
}

// instants are when a date comes within reach and when it is out of it again.
func (e dayEdge) instants(rec *state.Record) []time.Time {
	at, _, ok := instant(rec.Fields[e.field.word])
	if !ok {
		return nil
	}
	far := time.Duration(e.days) * 24 * time.Hour
	return []time.Time{at.Add(-far), at.Add(far + time.Second)}
}

// lastEdge is when the calendar last changed what the alternatives that hold
// say of the record; zero: it did not.
func (s *signal) lastEdge(t *typ, f *facts) time.Time {
	var last time.Time
	edges := t.onlyIf.days(t.about)
	for _, st := range s.spoke {
		edges = append(edges, st.when.days(t.about)...)
	}
	for _, e := range edges {
		for _, at := range e.instants(f.rec) {
			if !at.After(f.now) && at.After(last) {
				last = at
			}
		}
	}
	return last
}

// nextEdge is the first instant, not before since, at which the calendar alone
// may start the type for a record; zero: there is none.
func (t *typ) nextEdge(rec *state.Record, since time.Time) time.Time {
	var next time.Time
	for _, e := range t.days {
		for _, at := range e.instants(rec) {
			if !at.Before(since) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}

// wake sets the timer of a record by what it says now.
func (d *deciding) wake(t *typ, rec *state.Record) {
	if len(t.days) == 0 {
		return
	}
	next := t.nextEdge(rec, d.now.Add(1))
	id := recordTimer(t, rec.Ref, clockCalendar)
	switch set, ok := d.v.Timer(id); {
	case next.IsZero() && ok:
		d.c.Cancel = append(d.c.Cancel, id)
	case !next.IsZero() && (!ok || !set.Due.Equal(next)):
		d.c.Timers = append(d.c.Timers, calendarTimer(t, rec.Ref, next))
	}
}

func calendarTimer(t *typ, ref connectors.Ref, due time.Time) state.Timer {
	return state.Timer{ID: recordTimer(t, ref, clockCalendar), Clock: clockCalendar, Due: due.UTC(), Record: ref}
}

// Wakings are the timers of a record that is only listed: when, not before
// since, the calendar alone may start a type for it.
func (r *Rules) Wakings(rec state.Record, since time.Time) []state.Timer {
	var out []state.Timer
	if rec.Deleted || !rec.MovedTo.IsZero() {
		return nil
	}
	for _, t := range r.byNoun[place{rec.Ref.Conn, rec.Noun}] {
		if next := t.nextEdge(&rec, since); !next.IsZero() {
			out = append(out, calendarTimer(t, rec.Ref, next))
		}
	}
	return out
}

// wakes says what of a noun the calendar alone can start a type by.
func (r *Rules) wakes(c *conn, noun string) []string {
	var out []string
	for _, t := range r.byNoun[place{c.name, noun}] {
		for _, e := range t.days {
			out = append(out, t.name+" "+e.text)
		}
	}
	return out
}

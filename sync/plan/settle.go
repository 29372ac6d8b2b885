package plan

import (
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
)

// A signal that waits is remembered as held back, with a part of the trigger
// version that says since or until when. Its timer has the record read and
// looked at again; so has any change of the record.
const (
	settleTag = "~" // it is still being typed: since then
	paceTag   = "#" // an import that has its turn then
)

// Timers of a record that has no handoff yet.
const (
	clockSettle = "settle"
	clockPace   = "pace"
	unreadAgain = time.Minute // where the record could not be read when it was due
	mostUnread  = 200
	mostSettle  = 10 // delays, after which a record that never rests is taken as it is
)

// source is a way in which records come, with how long they are still being
// typed.
type source struct {
	name string
	when cond
	wait time.Duration
	pos  mappings.Pos
}

// marked reads a part of a held-back version: an instant, zero where there is
// none.
func (s *signal) marked(tag string) time.Time {
	was, held := strings.CutPrefix(s.prev.Version, heldBack)
	sec, err := strconv.ParseInt(parts(was)[tag], 10, 64)
	if !held || err != nil {
		return time.Time{}
	}
	return time.Unix(sec, 0).UTC()
}

// waitFor keeps a signal until an instant.
func (d *deciding) waitFor(t *typ, f *facts, s signal, clock, mark string, until time.Time) {
	s.fresh = true
	d.remember(t, f, s, heldBack+s.version+","+mark)
	d.c.Timers = append(d.c.Timers, state.Timer{ID: recordTimer(t, f.rec.Ref, clock), Clock: clock, Due: until.UTC(), Record: f.rec.Ref})
}

func recordTimer(t *typ, ref connectors.Ref, clock string) string {
	return state.Digest("timer", t.name, ref.String(), clock)
}

// settles reports whether a record is still being typed, and if so waits for
// it to rest: a person at a keyboard saves a name first and the country a
// minute later. The clock still counts from the signal.
func (d *deciding) settles(t *typ, f *facts, s *signal) bool {
	since := s.marked(settleTag)
	if !since.IsZero() {
		s.at = since
	}
	for i := range d.r.sources {
		src := &d.r.sources[i]
		if !src.when.holds(f) {
			if d.waits(f) {
				return true
			}
			continue
		}
		if since.IsZero() {
			since = s.at
		}
		rest := d.bounded(f.rec.ModifiedAt).Add(src.wait)
		if !rest.After(d.now) || !d.now.Before(since.Add(mostSettle*src.wait)) {
			return false
		}
		d.because(d.why(where(src.pos), "%s: it waits until %s for the record to be typed", src.name, rest.Format(time.RFC3339)))
		d.waitFor(t, f, *s, clockSettle, settleTag+"="+strconv.FormatInt(since.Unix(), 10), rest)
		return true
	}
	return false
}

// waitsItsTurn reports whether an import has to wait because too many came
// before it. Each gets a turn of its own when it comes, the first come first;
// `at_most` is how many turns a unit of time has.
func (d *deciding) waitsItsTurn(t *typ, f *facts, s signal) bool {
	i := d.r.imports
	only := d.r.write && d.r.observes(t, f.rec.Ref) // what nothing is written of takes nobody's place
	if i.most == 0 || only || !i.when.holds(f) || d.waits(f) {
		return d.stopped()
	}
	turn := s.marked(paceTag)
	if turn.IsZero() {
		turn = d.nextTurn(i)
	}
	if !turn.After(d.now) {
		return false
	}
	if !s.marked(paceTag).IsZero() {
		return true
	}
	why := d.why(where(i.pos), "an import, at most %d in %s: it has its turn at %s", i.most, i.span, turn.Format(time.RFC3339))
	d.because(why)
	d.list(listImports, f.rec.Ref.String(), t.name+": "+why.Text)
	d.waitFor(t, f, s, clockPace, paceTag+"="+strconv.FormatInt(turn.Unix(), 10), turn)
	return true
}

// nextTurn books a place: in the unit of time that is running, else in the
// first one after it that has a place left.
func (d *deciding) nextTurn(i imports) time.Time {
	begins := d.now.Truncate(i.per)
	p, _ := d.v.Pace(listImports)
	for _, booked := range d.c.Paces { // of another type, in this deciding
		if booked.Name == listImports {
			p = booked
		}
	}
	switch {
	case p.From.Before(begins):
		p = state.Pace{Name: listImports, From: begins}
	case p.Used >= i.most:
		p.From, p.Used = p.From.Add(i.per), 0
	}
	p.Used++
	d.c.Paces = append(d.c.Paces, p)
	return p.From
}

// lookAgain does what the timer of a record is for where the record could not
// be read: it is tried again. Where it was read, that reading has decided.
func (d *deciding) lookAgain(ev Fired) {
	if ev.Fresh {
		return
	}
	again := ev.Timer
	again.Step++
	again.Due = d.now.Add(min(time.Duration(again.Step)*unreadAgain, time.Hour))
	if again.Step > mostUnread {
		d.list(listUnmatched, again.Record.String(), "it cannot be read any more, so what it waited for is given up")
		return
	}
	d.c.Timers = append(d.c.Timers, again)
}

// sourcesOf reads how records come.
func (c *compiler) sourcesOf() {
	for _, s := range c.doc.Sources {
		c.r.sources = append(c.r.sources, source{name: s.Name.S, when: c.cond(s.If, c.r.conns, false), wait: plain(s.Wait), pos: s.Pos})
	}
}

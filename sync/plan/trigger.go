package plan

import (
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
)

// A trigger version is what a type's starts_when looked at, one part for each
// of its alternatives and one for the date, joined by commas:
//
//	tag=digest   the alternative holds, on these values; behind each + a group
//	             that has reached its count, and since when
//	tag=-        it does not
//	@=instant    the record's happened_at
//
// The tag names the alternative's text, so an alternative the admin has added
// or edited since is told from one whose values have changed. A ? in front
// says that the signal is there and something else still keeps it from
// starting; once that is gone, it starts.
const (
	heldBack = "?"
	notMet   = "-"
	dateTag  = "@"
)

// signal is what one type sees in a record.
type signal struct {
	version string
	holds   bool
	fresh   bool      // it was not there at the last look
	again   bool      // it went away in between and came back
	first   bool      // the record is seen for the first time
	at      time.Time // when the buyer did it, as far as is known
	dated   bool      // the CRM says when
	prev    state.Trigger
	was     string    // the version to compare with; blank: there is none
	reached time.Time // when the calendar made it true; zero: something else did
	spoke   []*start  // the alternatives that hold
}

// look compares a record with what the type saw of it last.
func (d *deciding) look(t *typ, f *facts, came time.Time) signal {
	prev, known := d.seen(t, f.rec)
	s := signal{prev: prev, first: !known, was: prev.Version}
	var date time.Time
	var day, dated bool
	if t.happened.given() {
		date, day, dated = instant(f.value(t.happened))
	}
	s.read(t, f, date, dated)
	if !s.holds || s.version == prev.Version {
		return s
	}
	if earlier, merged := d.mergedIn(t, f.rec, prev); merged {
		s = signal{prev: earlier, was: earlier.Version}
		if s.read(t, f, date, dated); s.version == earlier.Version {
			return s
		}
		prev = earlier
	}
	s.dated = dated
	s.at = d.happenedAt(f.rec, date, day, dated, came)
	if f.news != nil && !dated {
		s.at = d.bounded(f.news.ModifiedAt)
	}
	if s.reached = s.lastEdge(t, f); !dated && s.reached.After(s.at) {
		s.at = s.reached
	}
	if s.first {
		s.was = d.listed(t, f)
	}
	s.compare(d.live(f.conn), date, day, f, d.now)
	if s.dated && !s.first && s.at.Equal(prev.At) {
		// The date is that of an earlier signal, so it does not tell when this
		// one came.
		s.at = d.bounded(f.rec.ModifiedAt)
	}
	return s
}

// read takes in what the record says now.
func (s *signal) read(t *typ, f *facts, date time.Time, dated bool) {
	s.version, s.spoke = t.version(f, s.prev.Version)
	s.holds = len(s.spoke) > 0
	if dated && s.holds {
		s.version += "," + dateTag + "=" + date.Format(time.RFC3339)
	}
}

// version is what the alternatives look at, and those of them that hold.
func (t *typ) version(f *facts, prev string) (string, []*start) {
	before := parts(strings.TrimPrefix(prev, heldBack))
	var spoke []*start
	var b strings.Builder
	b.Grow(len(prev) + 24*len(t.starts))
	for i := range t.starts {
		st := &t.starts[i]
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(st.tag)
		b.WriteByte('=')
		if !st.when.holds(f) {
			b.WriteString(notMet)
			continue
		}
		spoke = append(spoke, st)
		b.WriteString(st.values(f))
		b.WriteString(st.reached(f, before[st.tag]))
	}
	return b.String(), spoke
}

// listed is what a type would have seen in a record that was read before and
// never decided about, as the mirror's are that were only listed; "" where
// there is no such reading. What it says there is history; what it says since
// is not.
func (d *deciding) listed(t *typ, f *facts) string {
	rec, ok := d.v.Record(f.rec.Ref)
	if !ok || f.news != nil || rec.Deleted || !rec.MovedTo.IsZero() || rec.Asked == "" || rec.Asked != f.rec.Asked {
		return ""
	}
	was := d.r.facts(d.now, d.v, &rec)
	version, spoke := t.version(was, "")
	if len(spoke) > 0 && t.onlyIfLocal && !t.onlyIf.holds(was) {
		version = heldBack + version
	}
	if was.wait != "" {
		f.wait = was.wait
	}
	return version
}

// seen is what the type saw of the record last. What two records said before
// they were merged is no news when the survivor says it: the one that spoke last
// counts.
func (d *deciding) seen(t *typ, rec *state.Record) (state.Trigger, bool) {
	last, known := d.v.Trigger(t.name, rec.Ref)
	for _, old := range rec.Absorbed {
		if prev, ok := d.v.Trigger(t.name, old); ok && (!known || prev.At.After(last.At)) {
			last, known = prev, true
		}
	}
	return last, known
}

// mergedIn is what the type saw of a record that was merged into this one, and
// of which this one does not tell, if that spoke later.
func (d *deciding) mergedIn(t *typ, rec *state.Record, last state.Trigger) (state.Trigger, bool) {
	same, _ := d.v.Same(rec.Ref)
	found := false
	for _, ref := range same.Refs {
		old, known := d.v.Record(ref)
		if ref == rec.Ref || !known || old.MovedTo != rec.Ref {
			continue
		}
		if prev, ok := d.v.Trigger(t.name, ref); ok && prev.At.After(last.At) {
			last, found = prev, true
		}
	}
	return last, found
}

// values names what an alternative looked at.
func (st *start) values(f *facts) string {
	return state.Digest(st.when.looked(f)...)[:12]
}

// happenedAt is when the buyer gave the signal, never later than we heard of
// it. A day without a time is the time of the change, if that was on the day.
func (d *deciding) happenedAt(rec *state.Record, date time.Time, day, dated bool, came time.Time) time.Time {
	heard := d.bounded(came)
	changed := rec.ModifiedAt
	if changed.IsZero() || changed.After(heard) {
		changed = heard
	}
	switch {
	case !dated:
		return changed.UTC()
	case day && changed.After(date) && changed.Before(date.Add(48*time.Hour)):
		return changed.UTC()
	case date.After(heard):
		return heard
	}
	return date
}

// live is the instant before which a connection's signals are history.
func (d *deciding) live(c *conn) time.Time {
	known, ok := d.v.Conn(c.name)
	if !ok {
		d.c.Wait = "connection " + c.name + " has not been started yet"
	}
	return known.Live
}

// compare finds out whether the signal is news.
//
// A record seen for the first time is the baseline: what it says is news only
// if it is dated after the connection went live or, without a date, if the
// record itself was made since, or the calendar has made it true since. Where it
// was listed before, and later always, an alternative that holds on other values
// than before is news, and so is a later date.
//
// What another record or a program brings is news by its own date, and a count
// by the newest date it counted.
func (s *signal) compare(live, date time.Time, day bool, f *facts, now time.Time) {
	rec := f.rec
	recent := !rec.CreatedAt.Before(live) || !s.reached.IsZero() && !s.reached.Before(live)
	newest := s.counted(f)
	switch {
	case !newest.IsZero():
		recent = !newest.Add(24 * time.Hour).Before(live)
	case f.news != nil:
		recent = !f.news.ModifiedAt.Before(live)
	case s.dated && s.first && date.After(now):
		// A date to come says nothing about when the signal was given.
	case s.dated && day && date.Equal(live.Truncate(24*time.Hour)):
		recent = !rec.ModifiedAt.Before(live) // on the very day, the change decides
	case s.dated:
		recent = !date.Before(live)
	}
	if s.first {
		s.fresh = recent
		if recent || s.was == "" {
			return
		}
	}
	was, held := strings.CutPrefix(s.was, heldBack)
	before := parts(was)
	later := s.dated && date.After(s.prev.At) && before[dateTag] != date.Format(time.RFC3339)
	gone := true
	for _, st := range s.spoke {
		old, known := before[st.tag]
		if old != notMet {
			gone = false
		}
		switch {
		case !known:
			s.fresh = s.fresh || later && recent // the admin has changed the rule since
		case isNews(old, st.is(s.version)):
			s.fresh = true
		case held || later:
			s.fresh = s.fresh || recent || !s.dated
		}
	}
	s.again = gone && !s.dated
}

// is reads the part of an alternative out of a version.
func (st *start) is(version string) string { return parts(version)[st.tag] }

func parts(version string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(version, ",") {
		if tag, v, ok := strings.Cut(part, "="); ok {
			out[tag] = v
		}
	}
	return out
}

// remember stores what was seen, if that is not what is stored already.
func (d *deciding) remember(t *typ, f *facts, s signal, version string) {
	if !s.first && version == s.prev.Version {
		return
	}
	at := s.at
	if at.IsZero() || !s.fresh && !s.first {
		at = s.prev.At
	}
	d.c.Triggers = append(d.c.Triggers, state.Trigger{Type: t.name, Record: f.spokeFor(), Version: version, At: at})
}

// spokeText says what the buyer did, in the record's own words.
func (s *signal) spokeText(f *facts) string {
	var said []string
	for _, st := range s.spoke {
		said = append(said, st.when.say(f))
	}
	return strings.Join(said, "; ")
}

package plan

import (
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/sla"
)

// Of a handoff that is only observed, what really happens is looked at: who
// owns the record when somebody has reached out to the buyer, or one working
// day of the receiver we would have picked later (G11). Each look is a decision
// like any other, so the table of agreement can be made again from those that
// are stored.

const (
	clockAgree = "agree"
	// lookAfter is how much of the receiver's working time passes until we look.
	lookAfter = 8 * time.Hour
)

// watchFrom begins to watch what becomes of an observed handoff.
func (d *deciding) watchFrom(t *typ, h state.Handoff) state.Handoff {
	rec, _ := d.lastRead(watched(h))
	who := d.ownerOf(t, &rec)
	h.Actual = &state.Actual{Had: who, Owner: who}
	d.c.Timers = append(d.c.Timers, state.Timer{
		ID: timerID(h.ID, clockAgree, 0), Handoff: h.ID, Clock: clockAgree,
		Due: d.r.calendarOf(h.Owner).Add(d.now, sla.Working(lookAfter)).UTC(),
	})
	return h
}

// watched is the record whose owner tells what became of an observed handoff:
// the one that would have carried it, else where it started.
func watched(h state.Handoff) connectors.Ref {
	if h.Target.ID != "" {
		return h.Target
	}
	return h.Record
}

// ownerOf is who stands where a type writes its receiver: a person by e-mail,
// anybody else by name or id; blank for nobody.
func (d *deciding) ownerOf(t *typ, rec *state.Record) string {
	id := rec.Fields[t.becomes]
	if id == "" || strings.Contains(id, "@") {
		return strings.ToLower(id)
	}
	u, ok := d.v.User(rec.Ref.Conn, id)
	switch {
	case ok && u.Email != "" && !u.Queue:
		return u.Email
	case ok && u.Name != "":
		return u.Name
	}
	return id
}

// watch notes what people do with a record whose handoff is only observed.
func (d *deciding) watch(t *typ, rec *state.Record, h state.Handoff) {
	if h.Actual == nil || !h.Actual.At.IsZero() || rec.Ref != watched(h) {
		return
	}
	a := *h.Actual
	if who := d.ownerOf(t, rec); who != a.Owner {
		a.Owner, a.Since = who, d.bounded(rec.ModifiedAt)
		if who == a.Had {
			a.Since = time.Time{}
		}
	}
	for _, word := range []string{connectors.WorkFirstAt, connectors.WorkReachedAt, connectors.WorkLastAt} {
		at, _, ok := instant(rec.Fields[word])
		if ok && at.After(h.Signals[0].At) && (a.Touched.IsZero() || at.Before(a.Touched)) {
			a.Touched = d.bounded(at)
		}
	}
	if a == *h.Actual {
		return
	}
	h.Actual = &a
	d.because(d.why("", "only observed: %s has it now", orNobody(a.Owner)))
	if a.Touched.IsZero() {
		d.put(h)
		return
	}
	d.looked(h)
}

// lookNow looks at what has become of an observed handoff when its time has
// come.
func (d *deciding) lookNow(h state.Handoff) {
	if h.Actual == nil || !h.Actual.At.IsZero() {
		return
	}
	rec, ok := d.v.Record(watched(h))
	a := *h.Actual
	a.Gone = !ok || rec.Deleted || !rec.MovedTo.IsZero()
	if t := d.r.byName[h.Type]; t != nil && !a.Gone {
		if who := d.ownerOf(t, &rec); who != a.Owner {
			a.Owner, a.Since = who, d.bounded(rec.ModifiedAt)
		}
	}
	h.Actual = &a
	d.looked(h)
}

// looked keeps what was seen, and looks no more.
func (d *deciding) looked(h state.Handoff) {
	a := *h.Actual
	a.At = d.now
	h.Actual = &a
	d.c.Cancel = append(d.c.Cancel, timerID(h.ID, clockAgree, 0))
	d.audit("seen to happen", h.ID, map[string]string{"owner": a.Owner, "decided": h.Owner, "had": a.Had, "type": h.Type})
	d.put(h)
}

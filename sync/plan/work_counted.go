package plan

import (
	"strconv"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// counters takes in what the CRM itself counts on the record. A count alone is
// never a touch: merging adds counts up and deleting lowers them, so that one
// which moved without a newer date is only a new base.
func (d *deciding) counters(t *typ, rec *state.Record, h state.Handoff) state.Handoff {
	w := workOf(h)
	before := w
	if rec.Fields[connectors.WorkOpened] == yes && w.Opened.IsZero() {
		w.Opened = d.bounded(rec.ModifiedAt)
	}
	last, _, _ := instant(rec.Fields[connectors.WorkLastAt])
	d.recount(rec, h, &w, last)
	if w.First.IsZero() {
		w.First, w.Type = d.firstCounted(t, rec, h, last)
		if !w.First.IsZero() {
			w.By = ownerAt(h, w.First)
		}
	}
	if !last.Before(h.AssignedAt) && d.bounded(last).After(w.Last) {
		w.Last = d.bounded(last)
	}
	if sameWork(before, w) {
		return h
	}
	if !w.Last.Equal(before.Last) || !w.First.Equal(before.First) || !w.Opened.Equal(before.Opened) {
		w.Heard = d.now
	}
	h.Work = &w
	d.put(h)
	return h
}

// countedMeanwhile takes in what a reading shows of the receiver's work although our own
// write has overtaken it: that is nothing we could have changed since, and a deadline
// may speak before the record is read again (1.93).
func (d *deciding) countedMeanwhile(t *typ, rec *state.Record, h state.Handoff) {
	ours, known := d.user(d.r.byConn[rec.Ref.Conn], h.Owner)
	theirs := h.Target != rec.Ref || known && rec.Fields[t.becomes] == ours.ID
	if !theirs || !rec.ModifiedAt.After(h.Written) {
		return
	}
	if now := d.counters(t, rec, h); !sameWork(workOf(now), workOf(h)) {
		d.advance(t, d.recordOf(t, now), now)
	}
}

func (d *deciding) recount(rec *state.Record, h state.Handoff, w *state.Work, last time.Time) {
	n, err := strconv.Atoi(rec.Fields[connectors.WorkCount])
	newer := !last.Before(h.AssignedAt) && last.After(w.Last)
	switch {
	case err != nil:
	case w.Base < 0 && newer:
		// First seen after somebody has acted: that was one contact, at least.
		w.Count = max(w.Count, 1)
		w.Base = n - w.Count
	case w.Base < 0 || n-w.Base < 0 || n-w.Base > w.Count && !newer:
		w.Base = max(n-w.Count, 0)
	default:
		w.Count = max(w.Count, n-w.Base)
	}
}

// firstCounted is the first contact as far as the CRM's own dates on the
// record tell, with its kind. Dates that do not say which kind it was count
// only where a call and a message both would.
func (d *deciding) firstCounted(t *typ, rec *state.Record, h state.Handoff, last time.Time) (time.Time, string) {
	since := h.AssignedAt.Truncate(time.Second)
	if at, _, ok := instant(rec.Fields[connectors.WorkFirstAt]); ok && !at.Before(since) {
		kind := rec.Fields[connectors.WorkFirstType]
		if t.touches(kind) || kind == "" && t.anyTouch() {
			return d.within(h, at), kind
		}
		return time.Time{}, ""
	}
	if !t.anyTouch() {
		return time.Time{}, ""
	}
	for _, at := range []time.Time{instantOf(rec.Fields[connectors.WorkReachedAt]), last} {
		if !at.IsZero() && !at.Before(since) {
			return d.within(h, at), ""
		}
	}
	return time.Time{}, ""
}

func instantOf(v string) time.Time {
	at, _, _ := instant(v)
	return at
}

// within is an instant a CRM told, not before the assignment and not after now.
func (d *deciding) within(h state.Handoff, at time.Time) time.Time {
	if at = d.bounded(at); at.Before(h.AssignedAt) {
		return h.AssignedAt
	}
	return at
}

package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// A restore may have to wait: for the end of a pause, or for a CRM that is down. What
// people do until it leaves is as much theirs as what they had done before the order.
// Their owner and status are looked for by the writer, which finds what it expects or not.

// restores are the records of a handoff that are still to be put back.
func (d *deciding) restores(h state.Handoff) []connectors.Write {
	if h.Undone == nil || !h.Undone.Restored {
		return nil
	}
	var out []connectors.Write
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		if e := h.Effects[step]; isUndo(step) && e.State == sent && e.Ref.Kind != connectors.Task {
			if i, waits := d.v.Intent(e.Key); waits {
				out = append(out, i.Write)
			}
		}
	}
	return out
}

// touchedInWait leaves a handoff as it is that a person has worked on, or another mapped
// field of which they have changed, while its restore waits.
func (d *deciding) touchedInWait(t *typ, rec *state.Record, h state.Handoff) {
	prev, known := d.v.Record(rec.Ref)
	waits := d.restores(h)
	isBack := func(w connectors.Write) bool { return w.Ref == rec.Ref && d.showsBack(*rec, w) }
	if len(waits) == 0 || !known || rec.Version <= prev.Version || h.Written.IsZero() || age(rec, h) < 0 || slices.ContainsFunc(waits, isBack) {
		return
	}
	h = d.counters(t, rec, h)
	touches := workedOn(h)
	if b, ok := d.v.Before(rec.Ref); ok {
		edits, unseen := d.editedSince(h, b, prev, *rec, h.Undone.At)
		if unseen && len(edits) == 0 && rec.ModifiedAt.After(h.Undone.At) {
			edits = append(edits, d.lastHand(*rec, "the record was changed"))
		}
		touches = append(touches, edits...)
	}
	if len(touches) > 0 && !d.stopped() {
		d.leaveWaiting(h, touches)
	}
}

// contactInWait is touchedInWait of somebody who gets in touch with the buyer.
func (d *deciding) contactInWait(t *typ, h state.Handoff, a act) {
	w := workOf(h)
	if a.towards == towardsUs || !a.contact() {
		return
	}
	if d.contacted(t, h, &w, a); !w.First.IsZero() {
		h.Work = &w
		d.leaveWaiting(h, workedOn(h))
	}
}

// lastHand is a touch by whoever has changed a record last, as far as the CRM tells.
func (d *deciding) lastHand(rec state.Record, what string) state.Touch {
	touch := state.Touch{Ref: rec.Ref, What: what, At: rec.ModifiedAt}
	if rec.ModifiedBy != "" {
		touch.Who = d.handName(rec.Ref.Conn, connectors.FieldValue{By: rec.ModifiedBy})
	}
	return touch
}

// leaveWaiting leaves what has not been put back yet as it is, tasks included.
func (d *deciding) leaveWaiting(h state.Handoff, touches []state.Touch) {
	var left []connectors.Ref
	for _, w := range d.restores(h) {
		left = append(left, w.Ref)
	}
	d.put(h)
	for _, o := range d.undoneWith(h) {
		for _, step := range slices.Sorted(maps.Keys(o.Effects)) {
			if e := o.Effects[step]; isUndo(step) && e.State == sent {
				d.drop(e.Key)
				o = handoff.Forget(o, step)
			}
		}
		d.put(o)
	}
	d.leftBehind(h, left, touches)
}

// undoneWith are the handoffs that one order has taken back together, because they stand
// on the same records: one write puts those back for all of them.
func (d *deciding) undoneWith(h state.Handoff) []state.Handoff {
	var out []state.Handoff
	for _, ref := range written(h) {
		for _, o := range d.v.Handoffs(ref) {
			o = d.current(o)
			same := o.Undone != nil && o.Undone.At.Equal(h.Undone.At)
			if same && !slices.ContainsFunc(out, func(k state.Handoff) bool { return k.ID == o.ID }) {
				out = append(out, o)
			}
		}
	}
	return out
}

// leftBehind notes that records were not put back after all. The order may be given again.
func (d *deciding) leftBehind(h state.Handoff, left []connectors.Ref, touches []state.Touch) {
	what := saidOf(touches)
	names := make([]string, len(left))
	for n, ref := range left {
		names[n] = ref.String()
	}
	text := strings.Join(names, " and ") + " is left as it is: " + what
	if len(left) > 1 {
		text = strings.Join(names, " and ") + " are left as they are: " + what
	}
	d.because(d.why("", "%s", text))
	for _, o := range d.undoneWith(h) {
		if o.ID != h.ID && !slices.ContainsFunc(left, func(ref connectors.Ref) bool { return slices.Contains(o.Undone.Records, ref) }) {
			continue
		}
		un := *o.Undone
		un.Restored, un.Left = false, true
		un.Records = slices.DeleteFunc(slices.Clone(un.Records), func(ref connectors.Ref) bool { return slices.Contains(left, ref) })
		un.Touches = append(slices.Clone(un.Touches), touches...)
		o.Undone = &un
		d.list(listUndo, o.ID, o.Type+": "+text)
		d.audit("not undone", o.ID, map[string]string{"record": strings.Join(names, " "), "because": what})
		d.put(o)
	}
}

// saidOf is what was done, and by whom, in one sentence.
func saidOf(touches []state.Touch) string {
	what := make([]string, len(touches))
	for n, t := range touches {
		if what[n] = t.What; t.Who != "" {
			what[n] += ", by " + t.Who
		}
	}
	return strings.Join(what, "; ")
}

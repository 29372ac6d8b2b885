package plan

import (
	"fmt"
	"maps"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// The loop breaker (C13): so many writes of one field of one record for one
// handoff within an hour are enough.
const (
	loopWrites = 4
	loopWithin = time.Hour
	frozenLoop = "loop: "
)

// tells reports whether a step only says on the record how things stand with a
// handoff, as somebody fills it in field by field or a buyer asks again: too much of
// that is left out, and no reason to stop what hands the buyer over.
func tells(step string) bool { return step == stepJoin || step == stepHold || step == stepQueue }

// loops counts a write of fields that this handoff has written before, and
// reports whether one of them has been written too often. The handoff is then
// written no more.
func (d *deciding) loops(h state.Handoff, step string, w connectors.Write) (state.Handoff, bool) {
	again, worst := map[string][]time.Time{}, ""
	for field := range w.Set {
		recent, often := d.often(h, countedAs(h, step, w.Ref, field))
		if often && (worst == "" || field < worst) {
			worst = field
		}
		again[countedAs(h, step, w.Ref, field)] = append(recent, d.now)
	}
	if worst == "" {
		h.Again = d.stillCounts(h, again)
		return h, false
	}
	h.Frozen = frozenLoop + worst
	d.because(d.why("", "%s has been written %d times within an hour: nothing more is written for this handoff until an order gives it to somebody", worst, loopWrites))
	d.list(listLoop, h.ID, fmt.Sprintf("%s: %s of %s was about to be written more than %d times within an hour; something else writes it too. Nothing more is written until `handoffd reassign` gives it to somebody", h.Type, worst, w.Ref, loopWrites))
	d.audit("loop", h.ID, map[string]string{"field": worst, "record": w.Ref.String()})
	return h, true
}

// spaced counts what a write tells, and leaves out what was told too often.
func (d *deciding) spaced(h state.Handoff, step string, w connectors.Write) (state.Handoff, connectors.Write) {
	again, set := map[string][]time.Time{}, map[string]any{}
	for field, v := range w.Set {
		name := countedAs(h, step, w.Ref, field)
		if recent, often := d.often(h, name); !often {
			again[name], set[field] = append(recent, d.now), v
		}
	}
	if n := len(w.Set) - len(set); n > 0 {
		d.because(d.why("", "%s of %s: %d of %d fields have been written %d times within an hour, and are left as they are", step, w.Ref, n, len(w.Set), loopWrites))
		d.list(listLoop, h.ID, fmt.Sprintf("%s: %s of %s was to be told more than %d times within an hour; the record says what it said before", h.Type, step, w.Ref, loopWrites))
	}
	h.Again, w.Set = d.stillCounts(h, again), set
	return h, w
}

// inOne puts what a step tells, and what it was to tell before and has not yet, into
// one write: once the handoff is over, nothing of it is left.
func (d *deciding) inOne(h state.Handoff, step string, w connectors.Write) connectors.Write {
	e := h.Effects[step]
	i, waits := d.waiting(e.Key)
	if !waits || e.State == handoff.Done || e.Key == w.Key || i.Write.Ref != w.Ref {
		return w
	}
	d.drop(e.Key)
	set := maps.Clone(i.Write.Set)
	maps.Copy(set, w.Set)
	w.Set = set
	return w
}

// countedAs is the name by which [state.Handoff.Again] counts a field. What a step
// tells as a whole is left out as a whole.
func countedAs(h state.Handoff, step string, ref connectors.Ref, field string) string {
	switch {
	case step == stepJoin:
		field = step + ": " + field
	case tells(step):
		field = step
	}
	if ref != h.Target { // the same field of another record is another's
		field += " of " + ref.String()
	}
	return field
}

// often reports whether a field has been written as often as may be, and when within
// the last hour.
func (d *deciding) often(h state.Handoff, name string) (recent []time.Time, yes bool) {
	for _, at := range h.Again[name] {
		if d.now.Sub(at) < loopWithin {
			recent = append(recent, at)
		}
	}
	n := len(recent)
	if d.now.Sub(h.AssignedAt) < loopWithin {
		n++
	}
	return recent, n >= loopWrites
}

// stillCounts is what a handoff has written again within the last hour, with what it
// writes now.
func (d *deciding) stillCounts(h state.Handoff, again map[string][]time.Time) map[string][]time.Time {
	for name, at := range h.Again {
		if _, rewritten := again[name]; !rewritten && d.now.Sub(at[len(at)-1]) < loopWithin {
			again[name] = at
		}
	}
	return again
}

package plan

import (
	"slices"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// A type may be prepared by another (`prepared_by`): before a contract is
// signed, whoever will look after the customer gets to know them. What has not
// been prepared when the contract is signed is flagged, and what is left of the
// preparation ends then: its place has been taken.

// unprepared flags a handoff whose preparation was not begun in time (3.28).
func (d *deciding) unprepared(t *typ, h state.Handoff) {
	if !t.prepared.Given() {
		return
	}
	for _, o := range d.v.Handoffs(h.Record) {
		if o.Type == t.prepared.S && begunToPrepare(o) {
			return
		}
	}
	d.because(d.why(where(t.prepared.Pos), "%s had not been begun", t.prepared.S))
	d.list(listPreparation, h.Record.String(), t.name+" starts, and "+t.prepared.S+" had not been begun")
	d.audit("not prepared", h.ID, map[string]string{"by": t.prepared.S, "giver": h.Giver})
}

// begunToPrepare reports whether anybody has taken a preparation up.
func begunToPrepare(h state.Handoff) bool {
	return !h.AcceptedAt.IsZero() || slices.ContainsFunc(h.Items, func(i state.Item) bool { return !i.Done.IsZero() })
}

// afterPreparation ends what is still open of a handoff's preparation. Its
// clocks stop and its tasks are ticked off; on the record stands what has taken
// its place. What is only observed takes nobody's place.
func (d *deciding) afterPreparation(t *typ, by state.Handoff) {
	if !t.prepared.Given() || by.Observed {
		return
	}
	for _, h := range d.v.Handoffs(by.Record) {
		if h = d.current(h); h.Type != t.prepared.S || h.Observed || !h.Stage.Open() {
			continue
		}
		note := t.name + " has taken its place"
		done, err := handoff.Supersede(h, "", note, d.now)
		if err != nil {
			continue
		}
		d.quiet(done)
		done = d.withdraw(done)
		d.because(d.why(where(t.prepared.Pos), "%s ends: %s", h.Type, note))
		d.audit("superseded", h.ID, map[string]string{"owner": h.Owner, "was": statusOf(h.Stage), "by": by.ID, "why": note})
		d.put(d.tasksOver(done))
	}
}

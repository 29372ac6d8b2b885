package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// Who stands on a record is what was read of it, but for what we have written since, and
// nothing that we have only noted.

// after is so long after monday.
func after(minutes, seconds int) time.Time {
	return monday.Add(time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second)
}

// look reads a record again.
func (w *world) look(t testing.TB, r *plan.Rules, rec state.Record, at time.Time) state.Changes {
	t.Helper()
	return w.decide(t, r, at, plan.Observed{Record: rec, Via: "reread", Came: at, Read: at})
}

// past puts values on top of the history of the owner of record 51, the newest first.
func (w *world) past(values ...connectors.FieldValue) {
	if w.trails == nil {
		w.trails = map[string]state.Trail{}
	}
	w.trails["51"] = state.Trail{Values: append(values, w.trails["51"].Values...)}
}

// outsider is somebody in HubSpot whom no team has.
func (w *world) outsider() string {
	w.users = append(w.users, user{"hubspot", connectors.User{ID: "u-out", Email: "out@example.com", Active: true}})
	return "u-out"
}

// TestQueuedIsNotWritten: a handoff that waits for somebody who is free has written no
// owner. Whom the record has since before expects the write, and is nobody's hand (1.88).
func TestQueuedIsNotWritten(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{"u-cleo", "u-out"} {
		r := writing(t, edit(t, "teams.yaml", "# at_most: 12 ", "at_most: 1 "))
		w := newWorld()
		w.outsider()
		w.load["ana@example.com"], w.load["ben@example.com"], w.load["cleo@example.com"] = 1, 1, 1
		rec := demo("51", "dana@acme.com", "country", "US", "owner", owner)
		w.decide(t, r, monday, see(rec))
		if h := w.only(t); h.Stage != state.Queued {
			t.Fatalf("%s: %s %v", owner, h.Stage, h.Why)
		}
		w.came(t, r, after(0, 1), w.steps()["queue"], plan.Delivered{Version: "2", Stamp: after(0, 1)})
		rec = shown(rec, after(0, 1), "2", "handoff_id", w.only(t).ID, "handoff_accountable", "morgan@example.com")
		w.past(value(owner, live, connectors.ActorPerson))
		w.load["ana@example.com"] = 0
		var timer state.Timer
		for _, timer = range w.timers {
		}
		w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true}) // what we wrote is not read back
		h := w.only(t)
		i, waits := w.steps()["assign"]
		if !waits || i.Expect["hubspot_owner_id"] != owner {
			t.Fatalf("%s: %s of %s expects %v; before %v", owner, h.Stage, h.Owner, i.Expect, h.Before)
		}
		w.look(t, r, rec, timer.Due.Add(10*time.Second))
		if h = w.only(t); h.Stage != state.Assigned {
			t.Errorf("%s, read again: %s: %s", owner, h.Stage, h.Note)
		}
	}
}

// TestHeldIsNotWritten: nor has one at a gate, which opens with the first reading since.
func TestHeldIsNotWritten(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffs/demo-request.yaml", "must_have: [person.email]", "must_have: [person.email, person.title]", "[person.full_name, person.title,", "[person.full_name,",
		"if_missing: route_then_chase", "if_missing: gate\n  hold_at_most: 4 hours\n  after_hold: release"))
	w := newWorld()
	out := w.outsider()
	rec := demo("51", "dana@acme.com", "country", "US", "owner", out)
	w.decide(t, r, monday, see(rec))
	if h := w.only(t); h.Stage != state.Held {
		t.Fatalf("%s %v", h.Stage, h.Why)
	}
	for _, i := range w.steps() {
		d := plan.Delivered{Version: "2", Stamp: after(0, 1)}
		if i.Write.Creates() {
			d.Ref = connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "t-" + i.Step}
		}
		w.came(t, r, after(0, 1), i, d)
	}
	w.past(value(out, live, connectors.ActorPerson))
	rec = shown(rec, after(10, 0), "3", "handoff_id", w.only(t).ID, "title", "CFO")
	w.look(t, r, rec, after(10, 1))
	h := w.only(t)
	if i, waits := w.steps()["assign"]; !waits || i.Expect["hubspot_owner_id"] != out {
		t.Fatalf("%s of %s expects %v; before %v", h.Stage, h.Owner, i.Expect, h.Before)
	}
	w.look(t, r, rec, after(10, 10))
	if h = w.only(t); h.Stage != state.Assigned {
		t.Errorf("read again: %s: %s", h.Stage, h.Note)
	}
}

// TestSkippedIsNotWritten: what a CRM has left out of a write does not stand there,
// whether or not it has told since when the rest does (I11, P2).
func TestSkippedIsNotWritten(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, answer := range []plan.Delivered{{}, {Version: "2", Stamp: after(0, 1)}} {
		w := newWorld()
		out := w.outsider()
		rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New", "owner", out)
		w.decide(t, r, monday, see(rec))
		answer.Skipped, answer.Refused = []string{"hubspot_owner_id"}, "field-level security"
		w.came(t, r, after(0, 1), w.steps()["assign"], answer)
		w.done(t, r, after(0, 2))
		w.past(value(out, live, connectors.ActorPerson))
		w.fireDue(t, r, after(23, 0))
		rec = shown(rec, after(0, 1), "2", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
		w.look(t, r, rec, after(23, 6))
		if h := w.only(t); h.Stage != state.Assigned {
			t.Errorf("version %q: %s: %s", answer.Version, h.Stage, h.Note)
		}
	}
}

// TestUnstampedUnread: where the CRM has not told since when the owner stands, and cannot
// be read when the backup's turn comes, whose hand it is shows from what that write
// rests on (P2, C11).
func TestUnstampedUnread(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, stamped := range []bool{true, false} {
		w, rec, _ := standing(t, r, stamped)
		w.trails["51"] = state.Trail{Values: append(w.trails["51"].Values, value("u-vera", live, connectors.ActorPerson))}
		rec = shown(rec, after(3, 0), "3", "title", "CFO")
		w.decide(t, r, after(3, 5), plan.Observed{Record: rec, Via: "poll", Came: after(3, 5), Read: after(3, 5)})
		for _, timer := range w.due(after(23, 0)) {
			w.decide(t, r, after(23, 0), plan.Fired{Timer: timer})
			delete(w.timers, timer.ID)
		}
		if h := w.only(t); h.Owner != "ben@example.com" {
			t.Fatalf("stamped %v: with %s", stamped, h.Owner)
		}
		w.past(value("u-erin", after(24, 0), connectors.ActorAutomation))
		rec = shown(rec, after(24, 0), "9", "owner", "u-erin")
		w.look(t, r, rec, after(24, 5))
		if h := w.only(t); h.Stage != state.Assigned {
			t.Errorf("stamped %v: a program has set it to erin: %s: %s", stamped, h.Stage, h.Note)
		}
	}
}

// standing is a world in which ana has a handoff and stands on its record. Where the CRM
// has told since when, that was read.
func standing(t *testing.T, r *plan.Rules, stamped bool) (*world, state.Record, state.Handoff) {
	t.Helper()
	w := newWorld()
	rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
	w.decide(t, r, monday, see(rec))
	h := w.only(t)
	answer := plan.Delivered{}
	if stamped {
		answer = plan.Delivered{Version: "2", Stamp: after(0, 1)}
	}
	w.came(t, r, after(0, 1), w.steps()["assign"], answer)
	w.done(t, r, after(0, 2))
	rec = shown(rec, after(0, 1), "2", "owner", "u-ana", "handoff_id", h.ID, "handoff_status", "Assigned", "handoff_assigned_at", h.AssignedAt.Format(time.RFC3339))
	if stamped {
		w.decide(t, r, after(0, 5), plan.Observed{Record: rec, Via: "poll", Came: after(0, 5), Read: after(0, 5)})
	}
	w.past(value("u-ana", after(0, 1), connectors.ActorIntegration))
	w.trails["51 handoff_status"] = state.Trail{} // not tracked
	return w, rec, w.only(t)
}

// fromAContact is a world in which ana has a handoff that came from a contact, and stands on the
// lead that carries it.
func fromAContact(t *testing.T, r *plan.Rules) (w *world, src, own state.Record, h state.Handoff) {
	t.Helper()
	w, src = newWorld(), sales("51", "dana@acme.com")
	w.locate(t, r, src, lead("00Q1"))
	for step, d := range map[string]plan.Delivered{
		"assign": {Version: "2", Stamp: after(0, 1)}, "source": {Version: "2", Stamp: after(0, 1)},
		"task": {Ref: connectors.Ref{Conn: "salesforce", Kind: connectors.Task, ID: "t1"}},
	} {
		w.answered(t, r, after(0, 1), step, d)
	}
	h = w.only(t)
	own = lead("00Q1", "owner", "u-ana", "handoff_id", h.ID, "handoff_status", "Assigned")
	own.Version, own.ModifiedAt = "2", after(0, 1)
	w.decide(t, r, after(0, 2), see(own))
	w.trails = map[string]state.Trail{"00Q1": {Values: []connectors.FieldValue{value("u-ana", after(0, 1), connectors.ActorSelf)}}}
	return w, src, own, h
}

package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestHeardBeforeTheBackup: who had a handoff gives it back or takes it up while it is to
// go to their backup, and a program sets the owner meanwhile. It is heard, whether or not
// the CRM has told since when they stood there, and whether or not the program's owner was
// read before (1.98, C11, P2).
func TestHeardBeforeTheBackup(t *testing.T) {
	t.Parallel()
	r := writing(t)
	at := func(minutes, seconds int) time.Time {
		return monday.Add(time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second)
	}
	for name, c := range map[string]struct {
		stamped bool
		flips   string // whom a program makes the owner at minute 10
		seen    bool   // before the word is said
		says    string
		stage   state.Stage
	}{
		"unstamped":                      {says: "Returned", stage: state.Returned},
		"unstamped, accepted":            {says: "Accepted", stage: state.Accepted},
		"unstamped, flipped":             {flips: "u-erin", says: "Returned", stage: state.Returned},
		"unstamped, to the very backup":  {flips: "backup", says: "Returned", stage: state.Returned},
		"flipped":                        {stamped: true, flips: "u-erin", says: "Returned", stage: state.Returned},
		"flipped and seen":               {stamped: true, flips: "u-erin", seen: true, says: "Returned", stage: state.Returned},
		"flipped and seen, accepted":     {stamped: true, flips: "u-erin", seen: true, says: "Accepted", stage: state.Accepted},
		"unstamped, flipped and seen":    {flips: "u-erin", seen: true, says: "Returned", stage: state.Returned},
		"to the very backup, unseen yet": {stamped: true, flips: "backup", says: "Accepted", stage: state.Accepted},
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
		w.decide(t, r, monday, see(rec))
		h := w.only(t)
		first, answer := w.steps()["assign"], plan.Delivered{}
		if c.stamped {
			answer = plan.Delivered{Version: "2", Stamp: at(0, 1)}
		}
		w.came(t, r, at(0, 1), first, answer)
		w.done(t, r, at(0, 2))
		ours := value(first.Write.Set["hubspot_owner_id"].(string), at(0, 1), connectors.ActorIntegration)
		rec = shown(rec, rec.ModifiedAt, "1")
		now := shown(rec, at(0, 1), "2", "owner", ours.Value.(string), "handoff_id", h.ID, "handoff_status", "Assigned", "handoff_assigned_at", h.AssignedAt.Format(time.RFC3339))
		if c.stamped {
			w.decide(t, r, at(0, 5), plan.Observed{Record: now, Via: "poll", Came: at(0, 5), Read: at(0, 5)})
		}
		w.fireDue(t, r, at(23, 0))
		i, waits := w.steps()["assign"]
		if !waits || w.only(t).Owner == h.Owner {
			t.Fatalf("%s: no takeover: %v", name, w.said())
		}
		past := []connectors.FieldValue{ours}
		flip := func() {
			to := c.flips
			if to == "backup" {
				to = i.Write.Set["hubspot_owner_id"].(string)
			}
			past = append([]connectors.FieldValue{value(to, at(10, 0), connectors.ActorAutomation)}, past...)
			now = shown(now, at(10, 0), "3", "owner", to)
		}
		look := func(now state.Record, when time.Time) {
			w.trails = map[string]state.Trail{"51": {Values: past}}
			w.decide(t, r, when, plan.Observed{Record: now, Via: "reread", Came: when, Read: when})
		}
		if c.seen {
			flip()
			look(now, at(24, 0))
		}
		now = shown(now, at(25, 0), "4", "handoff_status", c.says)
		now.ModifiedBy = ours.Value.(string)
		if c.flips != "" && !c.seen {
			flip()
			now = shown(now, at(25, 0), "4")
		}
		look(now, at(26, 0))
		got := w.only(t)
		if got.Stage != c.stage || c.stage == state.Accepted && got.Owner != h.Owner || c.stage == state.Returned && got.Returned.By != h.Owner {
			t.Errorf("%s: %s, of %s, returned %+v; want it %s by %s\n%v", name, got.Stage, got.Owner, got.Returned, c.stage, h.Owner, got.Why)
		}
		for step, i := range w.steps() {
			if i.Write.Set["handoff_status"] == "Assigned" {
				t.Errorf("%s: %s writes over what they said", name, step)
			}
		}
	}
}

// assignsOver are the steps that are to write "Assigned".
func (w *world) assignsOver() (steps []string) {
	for _, i := range w.intents {
		if i.Write.Set["handoff_status"] == "Assigned" {
			steps = append(steps, i.Step)
		}
	}
	return steps
}

// saidBy is who has accepted a handoff, or given it back.
func saidBy(h state.Handoff) string {
	if h.Returned != nil {
		return h.Returned.By
	}
	return h.AcceptedBy
}

// TestWrittenUnanswered: the write of the backup was done, and its answer is lost. What is
// said then is theirs, whichever program a CRM takes us for (C2, 1.98).
func TestWrittenUnanswered(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, was := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		i, waits := w.steps()["assign"]
		if !waits || w.only(t).Owner != "ben@example.com" {
			t.Fatal("no takeover")
		}
		i.Attempts = 1
		w.intents[i.Write.Key] = i
		w.past(value("u-ben", after(24, 0), connectors.ActorIntegration))
		rec = shown(rec, after(24, 1), "9", "owner", "u-ben", "handoff_status", says)
		rec.ModifiedBy = "u-ben"
		w.look(t, r, rec, after(24, 5))
		h := w.only(t)
		if saidBy(h) != "ben@example.com" {
			t.Errorf("%s by ben: %s, of %s, by %q (was %s)", says, h.Stage, h.Owner, saidBy(h), was.Owner)
		}
	}
}

// TestSaidByTheBackupWhomAProgramSet: so it is where a program has given them the record.
func TestSaidByTheBackupWhomAProgramSet(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		w.past(value("u-ben", after(23, 30), connectors.ActorAutomation))
		rec = shown(rec, after(24, 1), "9", "owner", "u-ben", "handoff_status", says)
		rec.ModifiedBy = "u-ben"
		w.look(t, r, rec, after(24, 5))
		h := w.only(t)
		if saidBy(h) == "ana@example.com" {
			t.Errorf("ben says %s, and stands there: %s of %s by %s", says, h.Stage, h.Owner, saidBy(h))
		}
	}
}

// TestHeardUnderAnOrderAndATakeover: who stands there is heard, and not who was ordered to
// have it and never stood there.
func TestHeardUnderAnOrderAndATakeover(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		for _, to := range []string{"cleo@example.com", "isla@example.com"} { // whose backups are ana and ben
			w, rec, _ := standing(t, r, true)
			w.decide(t, r, after(5, 0), plan.Reassign{Handoff: w.only(t).ID, To: to, By: "ops"})
			w.fireDue(t, r, after(23, 0))
			h := w.only(t)
			given := h.Owner
			rec = shown(rec, after(24, 1), "9", "handoff_status", says)
			rec.ModifiedBy = "u-ana"
			w.look(t, r, rec, after(24, 5))
			h = w.only(t)
			if saidBy(h) != "ana@example.com" || h.Stage == state.Accepted && h.Owner != "ana@example.com" {
				t.Errorf("ordered to %s, then to %s; ana says %s: %s of %s, by %q; %v", to, given, says, h.Stage, h.Owner, saidBy(h), h.Why[len(h.Why)-1])
			}
			if len(w.assignsOver()) > 0 {
				t.Errorf("%s: written over by %v", says, w.assignsOver())
			}
		}
	}
}

// TestHeardUnderATakeoverAndAnOrder: a return comes before an order as well; an acceptance
// does not, but for who has it again by the order (0.12).
func TestHeardUnderATakeoverAndAnOrder(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, to := range []string{"cleo@example.com", "ana@example.com"} {
		for _, says := range []string{"Accepted", "Returned"} {
			w, rec, _ := standing(t, r, true)
			w.fireDue(t, r, after(23, 0))
			w.decide(t, r, after(23, 30), plan.Reassign{Handoff: w.only(t).ID, To: to, By: "ops"})
			if h := w.only(t); h.Owner != to {
				t.Fatalf("with %s", h.Owner)
			}
			rec = shown(rec, after(24, 1), "9", "handoff_status", says)
			rec.ModifiedBy = "u-ana"
			w.look(t, r, rec, after(24, 5))
			h, over, wins := w.only(t), w.assignsOver(), says == "Accepted" && to == "cleo@example.com"
			if (h.Stage == state.Assigned) != wins || (len(over) > 0) != wins || h.Owner == "ben@example.com" {
				t.Errorf("to %s; ana says %s: %s of %s, written over by %v", to, says, h.Stage, h.Owner, over)
			}
		}
	}
}

// TestReturnedUnowned: who gives a handoff back and takes themselves off its record has
// given it back.
func TestReturnedUnowned(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.fireDue(t, r, after(23, 0))
	w.past(connectors.FieldValue{At: after(24, 0), Actor: connectors.ActorPerson, By: "u-ana"})
	rec = shown(rec, after(24, 1), "9", "handoff_status", "Returned", "handoff_return_reason", "Too early")
	delete(rec.Fields, "owner")
	rec.ModifiedBy = "u-ana"
	w.look(t, r, rec, after(24, 5))
	h := w.only(t)
	if over := w.assignsOver(); len(over) > 0 {
		t.Errorf("%s of %s (%s), written over by %v", h.Stage, h.Owner, h.Note, over)
	}
}

// TestHeardOverAParkedTakeover: a takeover that the CRM refuses and that waits for an
// operator makes nobody unheard.
func TestHeardOverAParkedTakeover(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		i := w.steps()["assign"]
		i.State = state.Parked
		w.intents[i.Write.Key] = i
		w.decide(t, r, after(23, 10), plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Invalid.String(), Err: "a rule of theirs"})
		rec = shown(rec, after(24, 1), "9", "handoff_status", says)
		rec.ModifiedBy = "u-ana"
		w.look(t, r, rec, after(24, 5))
		h := w.only(t)
		if h.Stage == state.Assigned {
			t.Errorf("ana says %s: %s of %s, parked write still there: %v", says, h.Stage, h.Owner, w.assignsOver())
		}
	}
}

// TestSaidWhereItCameFrom: what is said on the record that a handoff came from is heard
// while the takeover waits, as it is at any other time.
func TestSaidWhereItCameFrom(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		for _, waits := range []bool{false, true} {
			w, src, own, h := fromAContact(t, r)
			if waits {
				w.fireDue(t, r, after(23, 0))
			}
			src = shown(src, after(24, 0), "5", "handoff_id", h.ID, "handoff_status", says)
			src.ModifiedBy = "u-ana"
			now := own
			now.Read = after(24, 1)
			c := w.decide(t, r, after(24, 1), plan.Observed{Record: src, Via: "webhook", Came: after(24, 1), Read: after(24, 1)})
			if len(c.Needs) > 0 {
				w.located[c.Needs[0].ID()] = []state.Record{now}
				w.decide(t, r, after(24, 1), plan.Observed{Record: src, Via: "webhook", Came: after(24, 1), Read: after(24, 1)})
			}
			mid := w.only(t)
			if waits && mid.Stage == state.Assigned {
				i := w.steps()["assign"]
				w.came(t, r, after(24, 10), i, plan.Delivered{Version: "7", Stamp: after(24, 9)})
			}
			h = w.only(t)
			if h.Stage == state.Assigned {
				t.Errorf("takeover waits %v: ana says %s on the source: %s of %s", waits, says, h.Stage, h.Owner)
			}
		}
	}
}

// TestSilentSinceAccepted: a status that says since before the takeover that it was
// accepted keeps nothing (1.98).
func TestSilentSinceAccepted(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "sla.yaml", "    attempts: {at_least: 5", "    no_activity_within: 1 working hour\n    attempts: {at_least: 5", "escalations:\n", "escalations:\n  quiet:\n    clock: no_activity\n    steps:\n      - {at: 100%, give_to: backup}\n"),
		edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]"))
	w, rec, _ := standing(t, r, true)
	rec = shown(rec, after(5, 0), "3", "handoff_status", "Accepted")
	rec.ModifiedBy = "u-ana"
	w.look(t, r, rec, after(5, 1))
	if h := w.only(t); h.Stage != state.Accepted {
		t.Fatal(h.Stage)
	}
	w.done(t, r, after(5, 2))
	w.fireDue(t, r, after(200, 0))
	h := w.only(t)
	if h.Owner != "ben@example.com" {
		t.Fatalf("%s of %s: %v", h.Stage, h.Owner, w.timers)
	}
	w.look(t, r, rec, after(200, 6)) // as it is read again before the write leaves: nothing has changed
	h = w.only(t)
	if h.Owner != "ben@example.com" {
		t.Errorf("%s of %s: %v", h.Stage, h.Owner, h.Why[len(h.Why)-1])
	}
}

// TestKeptIsWritten: who keeps it where a program has set another owner is written there
// again.
func TestKeptIsWritten(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.fireDue(t, r, after(23, 0))
	w.past(value("u-erin", after(23, 30), connectors.ActorAutomation))
	rec = shown(rec, after(24, 1), "9", "owner", "u-erin", "handoff_status", "Accepted")
	rec.ModifiedBy = "u-ana"
	w.look(t, r, rec, after(24, 5))
	h := w.only(t)
	if len(w.ownerWrites()) == 0 {
		t.Errorf("%s of %s, the record is erin's, and nothing writes it: %v", h.Stage, h.Owner, w.steps())
	}
}

// TestReturnedWhileTried: the write of the backup comes through although its answer was
// lost and the handoff was given back meanwhile. The record does not stay theirs.
func TestReturnedWhileTried(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.fireDue(t, r, after(23, 0))
	i := w.steps()["assign"]
	i.Attempts = 1 // no answer came
	w.intents[i.Write.Key] = i
	rec = shown(rec, after(24, 1), "9", "handoff_status", "Returned", "handoff_return_reason", "Too early")
	rec.ModifiedBy = "u-ana"
	w.look(t, r, rec, after(25, 10))
	h := w.only(t)
	if h.Stage != state.Returned {
		t.Fatalf("%s", h.Stage)
	}
	// the CRM does now what we asked it for
	w.past(value("u-ben", after(25, 11), connectors.ActorIntegration))
	rec = shown(rec, after(25, 11), "91", "owner", "u-ben", "handoff_status", "Assigned")
	w.look(t, r, rec, after(25, 20))
	if _, waits := w.steps()["return"]; waits {
		w.answered(t, r, after(25, 20), "return", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
	}
	if len(w.ownerWrites()) == 0 {
		t.Errorf("the record stays ben's, who has nothing to do with it: %s, accountable %s, %v", w.only(t).Stage, w.only(t).Accountable, w.steps())
	}
}

// TestSaidBeforeTheOrder: what who stands there says while an order waits is theirs, and
// nothing that its next owner has done.
func TestSaidBeforeTheOrder(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, by := range []string{"u-ana", ""} {
		for _, says := range []string{"Accepted", "Returned"} {
			w, rec, _ := standing(t, r, true)
			w.decide(t, r, after(5, 0), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
			rec = shown(rec, after(6, 0), "9", "handoff_status", says, "handoff_return_reason", "Too early")
			rec.ModifiedBy = by
			w.look(t, r, rec, after(6, 5))
			h := w.only(t)
			if who := saidBy(h); who != "ana@example.com" {
				t.Errorf("modified by %q, %s: %s of %s, by %q; %v", by, says, h.Stage, h.Owner, who, w.ownerWrites())
			}
		}
	}
}

// TestAnothersStatusKeepsNothing: the status of another handoff of the record is nobody's
// word for this one.
func TestAnothersStatusKeepsNothing(t *testing.T) {
	t.Parallel()
	status := "{deal.handoff_status: Accepted}"
	r := writing(t, besideFiles(t, status, status))
	w, rec, _, second := twoAtOnce(t, r)
	w.fireDue(t, r, after(600, 0))
	second = w.handoffs[second.ID]
	if len(second.Holders) == 0 {
		t.Fatal("no takeover")
	}
	rec = shown(rec, after(601, 0), "9", "handoff_status", "Accepted")
	w.look(t, r, rec, after(601, 5))
	if now := w.handoffs[second.ID]; now.Owner != second.Owner {
		t.Errorf("second: %s of %s: %v", now.Stage, now.Owner, now.Why[len(now.Why)-1])
	}
}

// TestOlderStatusKeepsNothing: nor is that of an older one, on a record that it was merged
// into (C8).
func TestOlderStatusKeepsNothing(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		h := w.only(t)
		if h.Owner != "ben@example.com" {
			t.Fatal(h.Owner)
		}
		heir := demo("90", "dana@acme.com", "country", "US", "owner", "u-ana", "handoff_id", "older", "handoff_status", says)
		heir.Version, heir.ModifiedAt, heir.Absorbed = "95", after(24, 0), []connectors.Ref{rec.Ref}
		w.trails["90"] = state.Trail{Values: []connectors.FieldValue{value("u-ana", live, connectors.ActorPerson)}}
		w.look(t, r, heir, after(24, 5))
		h = w.handoffs[h.ID]
		if h.Owner != "ben@example.com" || h.Stage != state.Assigned {
			t.Errorf("%s of another handoff: %s of %s: %v", says, h.Stage, h.Owner, h.Why[len(h.Why)-1])
		}
	}
}

// TestKeptReturnedAtOnce: a return that is read as soon as it was said waits for nothing.
func TestKeptReturnedAtOnce(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.fireDue(t, r, after(23, 0))
	rec = shown(rec, after(24, 1), "9", "handoff_status", "Returned", "handoff_return_reason", "Too early")
	rec.ModifiedBy = "u-ana"
	c := w.decide(t, r, after(24, 4), plan.Observed{Record: rec, Via: "reread", Came: after(24, 4), Read: after(24, 4)})
	if h := w.only(t); c.Wait != "" || h.Stage != state.Returned {
		t.Errorf("%s, waits for %q", h.Stage, c.Wait)
	}
}

// TestReturnedAfterAHand: a person has given the record away and back while the takeover
// waits, and then it is given back: the owner stays as they have set it (C11).
func TestReturnedAfterAHand(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.fireDue(t, r, after(23, 0))
	w.past(andBack(connectors.ActorPerson, after(23, 30))...)
	rec = shown(rec, after(25, 0), "9", "handoff_status", "Returned", "handoff_return_reason", "Too early")
	rec.ModifiedBy = "u-ana"
	w.look(t, r, rec, after(26, 10))
	if h := w.only(t); len(w.ownerWrites()) > 0 {
		t.Errorf("%s of %s: a person's owner is written over by %v", h.Stage, h.Owner, w.ownerWrites()[0].Write.Set)
	}
}

// TestOrderBeforeTheFirstWrite: whose record it was before does not undo an order by what
// they do there, or what an older handoff has left: they never had it in the CRM (0.12).
func TestOrderBeforeTheFirstWrite(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, change := range map[string][]string{
		"she works":             {"lead_status", "Working"},
		"an older one's status": {"handoff_id", "older", "handoff_status", "Accepted", "title", "CFO"},
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New", "owner", "u-ana")
		w.decide(t, r, monday, see(rec))
		if h := w.only(t); h.Owner != "ana@example.com" {
			t.Fatal(h.Owner)
		}
		w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value("u-ana", live, connectors.ActorPerson)}}}
		w.decide(t, r, after(1, 0), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
		if h := w.only(t); h.Owner != "cleo@example.com" {
			t.Fatal(h.Owner)
		}
		rec = shown(rec, after(2, 0), "8", change...)
		w.look(t, r, rec, after(2, 5))
		h := w.only(t)
		_, waits := w.steps()["assign"]
		if h.Owner != "cleo@example.com" || !h.Written.IsZero() && !waits {
			t.Errorf("%s: %s of %s, written %v, to be written %v: %v", name, h.Stage, h.Owner, h.Written, waits, h.Why[len(h.Why)-1])
		}
	}
}

// TestSaidWhereItCameFromIsTheirs: nor is it the backup's word when they stand there.
func TestSaidWhereItCameFromIsTheirs(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, src, own, h := fromAContact(t, r)
		w.fireDue(t, r, after(23, 0))
		src = shown(src, after(24, 0), "5", "handoff_id", h.ID, "handoff_status", says, "handoff_return_reason", "Too early")
		src.ModifiedBy = "u-ana"
		look := func(at time.Time) {
			c := w.decide(t, r, at, plan.Observed{Record: src, Via: "webhook", Came: at, Read: at})
			if len(c.Needs) > 0 {
				w.located[c.Needs[0].ID()] = []state.Record{own}
				w.decide(t, r, at, plan.Observed{Record: src, Via: "webhook", Came: at, Read: at})
			}
		}
		look(after(24, 1))
		w.came(t, r, after(24, 10), w.steps()["assign"], plan.Delivered{Version: "7", Stamp: after(24, 9)})
		own = shown(own, after(24, 9), "7", "owner", "u-ben", "handoff_status", "Assigned")
		w.decide(t, r, after(24, 20), see(own))
		w.trails["00Q1"] = state.Trail{Values: append([]connectors.FieldValue{value("u-ben", after(24, 9), connectors.ActorSelf)}, w.trails["00Q1"].Values...)}
		src = shown(src, after(30, 0), "6", "title", "CFO")
		src.ModifiedBy = "u-jo"
		look(after(30, 1))
		h = w.only(t)
		if saidBy(h) == "ben@example.com" || h.Stage == state.Assigned {
			t.Errorf("ana said %s: then %s of %s, by %q", says, h.Stage, h.Owner, saidBy(h))
		}
	}
}

// TestReturnedUnownedByAProgram: a program takes the owner off, and it is given back: it
// goes to its giver.
func TestReturnedUnownedByAProgram(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.fireDue(t, r, after(23, 0))
	w.past(connectors.FieldValue{At: after(24, 0), Actor: connectors.ActorAutomation, By: "workflow 7"})
	rec = shown(rec, after(24, 1), "9", "handoff_status", "Returned", "handoff_return_reason", "Too early")
	delete(rec.Fields, "owner")
	w.look(t, r, rec, after(26, 5))
	if h := w.only(t); h.Stage != state.Returned || len(w.ownerWrites()) != 1 {
		t.Errorf("%s of %s, %v", h.Stage, h.Owner, w.ownerWrites())
	}
}

// TestSaidByTheBackup: the backup was told that it is theirs, and says how far it is with
// them before they stand there: that is not what who had it says.
func TestSaidByTheBackup(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, owner := range map[string]string{"nothing has left yet": "u-ana", "a program has given it to erin": "u-erin"} {
		for _, says := range []string{"Accepted", "Returned"} {
			w, rec, _ := standing(t, r, true)
			w.fireDue(t, r, after(23, 0))
			if owner == "u-erin" {
				w.past(value("u-erin", after(23, 30), connectors.ActorAutomation))
			}
			rec = shown(rec, after(24, 1), "9", "owner", owner, "handoff_status", says, "handoff_return_reason", "Too early")
			rec.ModifiedBy = "u-ben"
			if owner == "u-erin" {
				rec.ModifiedBy = "u-erin"
			}
			w.look(t, r, rec, after(26, 5))
			h := w.only(t)
			if saidBy(h) == "ana@example.com" {
				t.Errorf("%s, %s says %s: %s of %s, by %s", name, rec.ModifiedBy, says, h.Stage, h.Owner, saidBy(h))
			}
		}
	}
}

// TestAnsweredAfterKept: the answer to the backup's write comes after it was kept, and is
// none to who has kept it.
func TestAnsweredAfterKept(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		i := w.steps()["assign"]
		rec = shown(rec, after(24, 1), "9", "handoff_status", says, "handoff_return_reason", "Too early")
		rec.ModifiedBy = "u-ana"
		w.look(t, r, rec, after(25, 10))
		w.decide(t, r, after(25, 11), plan.Delivered{Intent: i, Ref: rec.Ref, Version: "91", Stamp: after(25, 10)})
		h := w.only(t)
		w.past(value("u-ben", after(25, 10), connectors.ActorIntegration))
		rec = shown(rec, after(25, 12), "92", "owner", "u-ben", "handoff_status", "Assigned", "title", "CFO")
		w.look(t, r, rec, after(25, 20))
		if _, waits := w.steps()["return"]; waits {
			w.answered(t, r, after(25, 20), "return", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		}
		if len(w.ownerWrites()) == 0 {
			t.Errorf("%s: %s of %s, and the record stays ben's", says, w.only(t).Stage, h.Owner)
		}
	}
}

// TestReturnedAndUnowned: whoever gives a handoff back and takes themselves off its record
// has given it back: their giver owns it, and nobody has taken it from them (4.14, C11).
func TestReturnedAndUnowned(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		says, owner string
		stage       state.Stage
	}{
		"given back":        {"Returned", "", state.Returned},
		"only taken off":    {"Assigned", "", state.Superseded},
		"given to somebody": {"Returned", "u-vera", state.Superseded},
	} {
		w, rec, _ := standing(t, r, true)
		w.past(value(c.owner, after(5, 0), connectors.ActorPerson))
		rec = shown(rec, after(5, 1), "9", "handoff_status", c.says, "handoff_return_reason", "Too early", "owner", c.owner)
		rec.ModifiedBy = "u-ana"
		w.look(t, r, rec, after(6, 5))
		h := w.only(t)
		if h.Stage != c.stage {
			t.Errorf("%s: %s: %s", name, h.Stage, h.Note)
		}
		if i := w.steps()["return"]; c.stage == state.Returned && i.Write.Set["hubspot_owner_id"] != "u-jo" {
			t.Errorf("%s: it is written %v", name, i.Write.Set)
		}
	}
}

// TestBackupSpeaksOnTheSource: what the backup says on the record the handoff came from,
// before they stand in the CRM, is looked for once they do (1.78, 1.98).
func TestBackupSpeaksOnTheSource(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for says, stage := range map[string]state.Stage{"Accepted": state.Accepted, "Returned": state.Returned, "Assigned": state.Assigned} {
		w, src, own, h := fromAContact(t, r)
		w.fireDue(t, r, after(23, 0))
		src = shown(src, after(24, 0), "5", "handoff_id", h.ID, "handoff_status", says, "handoff_return_reason", "Too early")
		src.ModifiedBy = "u-ben"
		now := own
		now.Read = after(24, 1)
		look := plan.Observed{Record: src, Via: "webhook", Came: after(24, 1), Read: after(24, 1)}
		if c := w.decide(t, r, after(24, 1), look); len(c.Needs) > 0 {
			w.located[c.Needs[0].ID()] = []state.Record{now}
			w.decide(t, r, after(24, 1), look)
		}
		if h = w.only(t); h.Owner != "ben@example.com" || h.Stage != state.Assigned {
			t.Fatalf("%s: %s of %s", says, h.Stage, h.Owner)
		}
		c := w.came(t, r, after(24, 10), w.steps()["assign"], plan.Delivered{Version: "7", Stamp: after(24, 9)})
		if len(c.Looks) > 1 || (len(c.Looks) == 1) != (says != "Assigned") {
			t.Fatalf("%s: looks at %v", says, c.Looks)
		}
		own = shown(own, after(24, 9), "7", "owner", "u-ben", "handoff_status", "Assigned")
		own.Read = after(24, 20)
		for _, l := range c.Looks {
			if l.Ref != src.Ref {
				t.Fatalf("%s: looks at %s", says, l.Ref)
			}
			again := plan.Observed{Record: src, Via: l.Via, Came: l.Came, Read: after(24, 20)}
			if c := w.decide(t, r, after(24, 20), again); len(c.Needs) > 0 {
				w.located[c.Needs[0].ID()] = []state.Record{own}
				w.decide(t, r, after(24, 20), again)
			}
		}
		if h = w.only(t); h.Stage != stage || stage != state.Assigned && saidBy(h) != "ben@example.com" {
			t.Errorf("ben says %s on the source: %s of %s, by %q", says, h.Stage, h.Owner, saidBy(h))
		}
	}
}

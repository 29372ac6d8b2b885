package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// unasked is a view in which nobody has asked for a trail yet.
type unasked struct{ *world }

func (a unasked) Trail(state.Need) (state.Trail, bool) { return state.Trail{}, false }

// TestHeardAfterARefusedOrder: an order that the CRM has refused makes nobody unheard later
// (1.98).
func TestHeardAfterARefusedOrder(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, _ := standing(t, r, true)
		w.decide(t, r, after(5, 0), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
		i := w.steps()["reassign"]
		delete(w.intents, i.Write.Key)
		w.decide(t, r, after(5, 10), plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Invalid.String(), Err: "INVALID_OWNER_ID", Fields: []string{"hubspot_owner_id"}})
		if h := w.only(t); h.Owner != "ana@example.com" {
			t.Fatal(h.Owner)
		}
		w.done(t, r, after(6, 0))
		w.fireDue(t, r, after(23, 0))
		if h := w.only(t); h.Owner != "ben@example.com" {
			t.Fatalf("no takeover: %s", h.Owner)
		}
		rec = shown(rec, after(24, 1), "9", "handoff_status", says, "handoff_return_reason", "Too early")
		rec.ModifiedBy = "u-ana"
		w.look(t, r, rec, after(24, 7))
		h := w.only(t)
		if saidBy(h) != "ana@example.com" {
			t.Errorf("%s: %s of %s, by %q, written over by %v", says, h.Stage, h.Owner, saidBy(h), w.assignsOver())
		}
	}
}

// TestCarrierIsReadFirst: a person has given the carrier to somebody, who says on the
// record it came from how far it is, and is heard of first: it is nobody else's word (C11).
func TestCarrierIsReadFirst(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		for _, waits := range []bool{false, true} {
			w, src, own, h := fromAContact(t, r)
			if waits {
				w.fireDue(t, r, after(23, 0))
			}
			w.trails = map[string]state.Trail{"00Q1": {Values: []connectors.FieldValue{
				value("u-erin", after(23, 30), connectors.ActorPerson), value("u-ana", after(0, 1), connectors.ActorSelf),
			}}}
			src = shown(src, after(24, 0), "5", "handoff_id", h.ID, "handoff_status", says)
			src.ModifiedBy = "u-erin"
			now := shown(own, after(23, 30), "7", "owner", "u-erin")
			now.Read = after(24, 1)
			c := w.decide(t, r, after(24, 1), plan.Observed{Record: src, Via: "webhook", Came: after(24, 1), Read: after(24, 1)})
			if len(c.Needs) > 0 {
				w.located[c.Needs[0].ID()] = []state.Record{now}
				w.decide(t, r, after(24, 1), plan.Observed{Record: src, Via: "webhook", Came: after(24, 1), Read: after(24, 1)})
			}
			w.decide(t, r, after(25, 0), plan.Observed{Record: now, Via: "poll", Came: after(25, 0), Read: after(25, 0)})
			h = w.only(t)
			if h.Stage != state.Superseded || saidBy(h) != "" {
				t.Errorf("takeover waits %v, erin (by hand) says %s: %s of %s, by %q", waits, says, h.Stage, h.Owner, saidBy(h))
			}
		}
	}
}

// TestOldWordUnderAnOrder: who took it up while an order waited has not taken it up just
// now, when it is to go to the backup for their silence.
func TestOldWordUnderAnOrder(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "sla.yaml", "    attempts: {at_least: 5", "    no_activity_within: 1 working hour\n    attempts: {at_least: 5", "escalations:\n", "escalations:\n  quiet:\n    clock: no_activity\n    steps:\n      - {at: 100%, give_to: backup}\n"),
		edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]"))
	w, rec, _ := standing(t, r, true)
	w.decide(t, r, after(3, 0), plan.Reassign{Handoff: w.only(t).ID, To: "isla@example.com", By: "ops"})
	i := w.steps()["reassign"]
	i.State = state.Parked
	w.intents[i.Write.Key] = i
	w.decide(t, r, after(3, 10), plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Invalid.String(), Err: "a rule of theirs"})
	rec = shown(rec, after(5, 0), "3", "handoff_status", "Accepted")
	rec.ModifiedBy = "u-ana"
	w.look(t, r, rec, after(5, 7))
	if h := w.only(t); h.Stage != state.Accepted {
		t.Fatal(h.Stage)
	}
	w.fireDue(t, r, after(200, 0))
	h := w.only(t)
	next := h.Owner
	if next == "isla@example.com" || len(h.Holders) != 2 {
		t.Fatalf("%s of %s: %v %v", h.Stage, h.Owner, w.timers, w.listings)
	}
	w.look(t, r, rec, after(200, 6))
	h = w.only(t)
	if h.Owner != next {
		t.Errorf("nobody did anything: %s of %s: %v", h.Stage, h.Owner, h.Why[len(h.Why)-1])
	}
}

// TestManagersWord: what a manager says stands for who has it, also where somebody else
// changes the record next.
func TestManagersWord(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		for _, by := range []string{"u-morgan", "u-ben"} {
			w, rec, _ := standing(t, r, true)
			w.fireDue(t, r, after(23, 0))
			w.trails["51 handoff_status"] = state.Trail{Values: []connectors.FieldValue{{Value: says, At: after(24, 0), Actor: connectors.ActorPerson, By: "u-morgan"}}}
			rec = shown(rec, after(24, 1), "9", "handoff_status", says, "handoff_return_reason", "Too early")
			rec.ModifiedBy = by
			w.look(t, r, rec, after(24, 7))
			h := w.only(t)
			if over := w.assignsOver(); len(over) > 0 {
				t.Errorf("morgan says %s, changed last by %s: %s of %s, by %q; written over by %v", says, by, h.Stage, h.Owner, saidBy(h), over)
			}
		}
	}
}

// TestKeptFromTheSourceIsWritten: who takes it up on the record it came from, while a
// program has the carrier, is written there again.
func TestKeptFromTheSourceIsWritten(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, src, own, h := fromAContact(t, r)
	w.fireDue(t, r, after(23, 0))
	w.trails = map[string]state.Trail{"00Q1": {Values: []connectors.FieldValue{
		value("u-erin", after(23, 30), connectors.ActorAutomation), value("u-ana", after(0, 1), connectors.ActorSelf),
	}}}
	now := shown(own, after(23, 30), "7", "owner", "u-erin")
	w.decide(t, r, after(23, 40), plan.Observed{Record: now, Via: "poll", Came: after(23, 40), Read: after(23, 40)})
	src = shown(src, after(24, 0), "5", "handoff_id", h.ID, "handoff_status", "Accepted")
	src.ModifiedBy = "u-ana"
	c := w.decide(t, r, after(24, 1), plan.Observed{Record: src, Via: "webhook", Came: after(24, 1), Read: after(24, 1)})
	if len(c.Needs) > 0 {
		w.located[c.Needs[0].ID()] = []state.Record{now}
		w.decide(t, r, after(24, 1), plan.Observed{Record: src, Via: "webhook", Came: after(24, 1), Read: after(24, 1)})
	}
	h = w.only(t)
	for _, i := range w.intents {
		if _, sets := i.Write.Set["OwnerId"]; sets {
			return
		}
	}
	t.Errorf("%s of %s, the lead is erin's by a program, and nothing writes it", h.Stage, h.Owner)
}

// TestHeardWhereTheOwnerIsElsewhere: where another CRM has the say over the owner, a word
// before the takeover is heard as well.
func TestHeardWhereTheOwnerIsElsewhere(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nauthority: {owner: salesforce}\nnever:"))
	for _, says := range []string{"Accepted", "Returned"} {
		for _, waits := range []bool{false, true} {
			w := newWorld()
			rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New", "owner", "u-vera")
			w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, {Conn: "salesforce", Kind: "Lead", ID: "00Q7"}}}
			w.decide(t, r, monday, see(rec))
			w.came(t, r, after(0, 1), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: after(0, 1)})
			w.done(t, r, after(0, 2))
			h := w.only(t)
			was := h.Owner
			rec = shown(rec, after(0, 1), "2", "handoff_id", h.ID, "handoff_status", "Assigned")
			w.look(t, r, rec, after(0, 5))
			if waits {
				w.fireDue(t, r, after(23, 0))
				if w.only(t).Owner == was {
					t.Fatalf("no takeover from %s", was)
				}
			}
			rec = shown(rec, after(24, 1), "9", "handoff_status", says, "handoff_return_reason", "Too early")
			rec.ModifiedBy = "u-" + was[:len(was)-len("@example.com")]
			w.look(t, r, rec, after(24, 7))
			h = w.only(t)
			if over := w.assignsOver(); saidBy(h) != was || len(over) > 0 {
				t.Errorf("waits %v: %s says %s: %s of %s by %q, written over by %v", waits, was, says, h.Stage, h.Owner, saidBy(h), over)
			}
		}
	}
}

// TestHeardWhereTheOwnerIsLeftOut: so it is where the CRM leaves the owner out of our
// writes (I11).
func TestHeardWhereTheOwnerIsLeftOut(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		for _, waits := range []bool{false, true} {
			for _, answer := range []plan.Delivered{{}, {Version: "2", Stamp: after(0, 1)}} {
				w := newWorld()
				out := w.outsider()
				rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New", "owner", out)
				w.decide(t, r, monday, see(rec))
				answer.Skipped, answer.Refused = []string{"hubspot_owner_id"}, "field-level security"
				w.came(t, r, after(0, 1), w.steps()["assign"], answer)
				w.done(t, r, after(0, 2))
				was := w.only(t).Owner
				w.past(value(out, live, connectors.ActorPerson))
				rec = shown(rec, after(0, 3), "2", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
				w.look(t, r, rec, after(0, 9))
				if waits {
					w.fireDue(t, r, after(23, 0))
					if w.only(t).Owner == was {
						t.Fatalf("no takeover from %s", was)
					}
				}
				rec = shown(rec, after(24, 1), "9", "handoff_status", says, "handoff_return_reason", "Too early")
				rec.ModifiedBy = "u-" + was[:len(was)-len("@example.com")]
				w.look(t, r, rec, after(24, 7))
				h := w.only(t)
				if over := w.assignsOver(); saidBy(h) != was || len(over) > 0 {
					t.Errorf("version %q, waits %v: %s says %s: %s of %s by %q, written over by %v", answer.Version, waits, was, says, h.Stage, h.Owner, saidBy(h), over)
				}
			}
		}
	}
}

// TestBackupTakesItByHand: the backup was told that it is theirs, makes themselves the
// owner and says how far it is: that stays.
func TestBackupTakesItByHand(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		i := w.steps()["assign"]
		w.past(connectors.FieldValue{Value: "u-ben", At: after(24, 0), Actor: connectors.ActorPerson, By: "u-ben"})
		rec = shown(rec, after(24, 1), "9", "owner", "u-ben", "handoff_status", says, "handoff_return_reason", "Too early")
		rec.ModifiedBy = "u-ben"
		w.look(t, r, rec, after(24, 7))
		if i, waits := w.steps()["assign"]; waits {
			delete(w.intents, i.Write.Key)
			w.decide(t, r, after(24, 7), plan.Delivered{Intent: i, Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		}
		h := w.only(t)
		if over := w.assignsOver(); len(over) > 0 {
			t.Errorf("%v ben says %s: %s of %s, by %q; written over by %v", i.Attempts, says, h.Stage, h.Owner, saidBy(h), over)
		}
	}
}

// TestAnswerAsksNothing: a create was done, its answer lost, and its receiver has given it
// back when it is found. An answer is never decided into a question: nobody would come back
// to it (C2).
func TestAnswerAsksNothing(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w := newWorld()
	src := sales("51", "dana@acme.com")
	w.locate(t, r, src)
	own := lead("00Q1", "owner", "u-vera")
	create := w.steps()["create"]
	delete(w.intents, create.Write.Key)
	w.decide(t, r, after(0, 1), plan.Delivered{Intent: create, Ref: create.Write.Ref, Class: connectors.Conflict.String(), Err: "duplicate", Existing: own.Ref})
	h := w.only(t)
	i, waits := w.steps()["assign"]
	if !waits || h.Target != own.Ref {
		t.Fatalf("not adopted: %v", w.steps())
	}
	own = shown(own, after(3, 0), "3", "owner", i.Write.Set["OwnerId"].(string), "handoff_id", h.ID, "handoff_status", "Returned", "handoff_return_reason", "Too early",
		"handoff_assigned_at", h.AssignedAt.Format(time.RFC3339))
	own.ModifiedBy = own.Fields["owner"]
	w.trails = map[string]state.Trail{"00Q1": {Values: []connectors.FieldValue{value(own.Fields["owner"], after(2, 0), connectors.ActorSelf)}}}
	w.decide(t, r, after(4, 0), plan.Observed{Record: own, Via: "reread", Came: after(4, 0), Read: after(4, 0)})
	still, waits := w.steps()["assign"]
	if !waits {
		return
	}
	ev := plan.Delivered{Intent: still, Ref: own.Ref, Class: connectors.Conflict.String(), Err: "the record was changed before it was written"}
	c, err := r.Decide(after(4, 0), unasked{w}, ev)
	if err != nil || len(c.Needs) > 0 || c.Wait != "" {
		t.Errorf("an answer leads to needs %v, wait %q: it is lost, and the handoff stays unwritten", c.Needs, c.Wait)
	}
}

// TestOrderFlipped: a program sets the owner while an order waits: that is nobody's hand,
// and the order comes over it (G10).
func TestOrderFlipped(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, stamped := range []bool{true, false} {
		for _, before := range []bool{true, false} {
			w, rec, _ := standing(t, r, stamped)
			flip := func(at time.Time) {
				w.past(value("u-erin", at, connectors.ActorAutomation))
				rec = shown(rec, at, "9", "owner", "u-erin")
			}
			if before {
				flip(after(4, 0)) // not read yet
			}
			w.decide(t, r, after(5, 0), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
			if !before {
				flip(after(5, 5))
			}
			w.look(t, r, rec, after(5, 11))
			i, waits := w.steps()["reassign"]
			if waits {
				delete(w.intents, i.Write.Key)
				w.decide(t, r, after(5, 11), plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
			}
			if h := w.only(t); h.Stage != state.Assigned || h.Owner != "cleo@example.com" {
				t.Errorf("stamped %v, flipped before the order %v: %s: %s", stamped, before, h.Stage, h.Note)
			}
		}
	}
}

// TestReturnedFlippedUnstamped: one reading shows that a program has the record and that
// its receiver, who stood there unstamped, gives it back: it goes to the giver, over who
// stands there (P2).
func TestReturnedFlippedUnstamped(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, stamped := range []bool{false, true} {
		w, rec, _ := standing(t, r, stamped)
		w.past(value("u-erin", after(4, 0), connectors.ActorAutomation))
		rec = shown(rec, after(5, 0), "9", "owner", "u-erin", "handoff_status", "Returned", "handoff_return_reason", "Too early")
		rec.ModifiedBy = "u-ana"
		w.look(t, r, rec, after(5, 7))
		if h := w.only(t); h.Stage != state.Returned {
			t.Fatalf("%s", h.Stage)
		}
		at := after(5, 10)
		for n := 0; n < 20; n++ {
			i, waits := w.steps()["return"]
			if !waits {
				break
			}
			if i.Expect["hubspot_owner_id"] == "u-erin" || i.Expect == nil {
				return
			}
			delete(w.intents, i.Write.Key)
			at = at.Add(5 * time.Minute)
			w.look(t, r, rec, at)
			w.decide(t, r, at, plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
			if n == 19 {
				t.Errorf("stamped %v: after %d conflicts it still expects %v of erin's record", stamped, n+1, w.steps()["return"].Expect)
			}
		}
	}
}

// TestSecondTakeover: who has kept it and stays silent loses it to the backup after all.
func TestSecondTakeover(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "sla.yaml", "    attempts: {at_least: 5", "    no_activity_within: 1 working hour\n    attempts: {at_least: 5", "escalations:\n", "escalations:\n  quiet:\n    clock: no_activity\n    steps:\n      - {at: 100%, give_to: backup}\n"),
		edit(t, "handoffs/demo-request.yaml", "[standard, untouched]", "[standard, untouched, quiet]"))
	for _, stamped := range []bool{true, false} {
		for _, flipped := range []bool{true, false} {
			w, rec, _ := standing(t, r, stamped)
			w.fireDue(t, r, after(23, 0))
			if flipped {
				w.past(value("u-erin", after(23, 30), connectors.ActorAutomation))
				rec = shown(rec, after(23, 30), "8", "owner", "u-erin")
			}
			rec = shown(rec, after(24, 1), "9", "handoff_status", "Accepted")
			rec.ModifiedBy = "u-ana"
			w.look(t, r, rec, after(24, 7))
			h := w.only(t)
			if h.Stage != state.Accepted || h.Owner != "ana@example.com" {
				t.Fatalf("%s of %s", h.Stage, h.Owner)
			}
			if i, waits := w.steps()["rewrite"]; waits {
				w.came(t, r, after(24, 9), i, plan.Delivered{Version: "91", Stamp: after(24, 9)})
				w.past(value("u-ana", after(24, 9), connectors.ActorIntegration))
				rec = shown(rec, after(24, 9), "91", "owner", "u-ana")
			} else if flipped {
				t.Fatalf("not written again: %v", w.steps())
			}
			w.done(t, r, after(24, 12))
			w.look(t, r, rec, after(24, 20))
			w.fireDue(t, r, after(200, 0))
			if h = w.only(t); h.Owner != "ben@example.com" {
				t.Fatalf("%s of %s: %v", h.Stage, h.Owner, w.listings)
			}
			w.look(t, r, rec, after(200, 6))
			if h = w.only(t); h.Owner != "ben@example.com" || h.Stage != state.Assigned {
				t.Errorf("stamped %v flipped %v: %s of %s %s", stamped, flipped, h.Stage, h.Owner, h.Why[len(h.Why)-1])
			}
			i, waits := w.steps()["assign"]
			if !waits || i.Expect["hubspot_owner_id"] != "u-ana" {
				t.Errorf("stamped %v flipped %v: expects %v", stamped, flipped, i.Expect)
			}
			rec2 := shown(rec, after(201, 0), "99", "handoff_status", "Returned", "handoff_return_reason", "Too early")
			rec2.ModifiedBy = "u-ana"
			w.look(t, r, rec2, after(201, 6))
			if h = w.only(t); saidBy(h) != "ana@example.com" {
				t.Errorf("stamped %v flipped %v: then returned: %s of %s by %q", stamped, flipped, h.Stage, h.Owner, saidBy(h))
			}
		}
	}
}

// TestFlippedAndSeenBefore: a program took it before the backup's turn came, and that is
// being written over: who stood there is heard all the same.
func TestFlippedAndSeenBefore(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		for _, stamped := range []bool{true, false} {
			for _, parked := range []bool{true, false} {
				w, rec, _ := standing(t, r, stamped)
				w.past(value("u-erin", after(10, 0), connectors.ActorAutomation))
				rec = shown(rec, after(10, 5), "5", "owner", "u-erin", "title", "CFO") // and something else a moment later
				w.look(t, r, rec, after(10, 10))
				i, waits := w.steps()["rewrite"]
				if !waits {
					t.Fatalf("not written again: %v", w.steps())
				}
				if parked {
					i.State = state.Parked
					w.intents[i.Write.Key] = i
					w.decide(t, r, after(10, 20), plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Invalid.String(), Err: "a rule of theirs"})
				}
				w.fireDue(t, r, after(23, 0))
				if h := w.only(t); h.Owner != "ben@example.com" {
					t.Fatalf("no takeover: %s of %s %v", h.Stage, h.Owner, w.listings)
				}
				rec = shown(rec, after(24, 0), "9", "handoff_status", says, "handoff_return_reason", "Too early")
				rec.ModifiedBy = "u-ana"
				w.look(t, r, rec, after(24, 6))
				if h := w.only(t); saidBy(h) != "ana@example.com" {
					t.Errorf("stamped %v, rewrite parked %v, ana says %s: %s of %s by %q, written over by %v", stamped, parked, says, h.Stage, h.Owner, saidBy(h), w.assignsOver())
				}
			}
		}
	}
}

// TestShownIsNotWrittenOver: whom a program has put there has changed the record last: what
// it says is not written over.
func TestShownIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		for _, tracked := range []bool{true, false} {
			w, rec, _ := standing(t, r, true)
			w.fireDue(t, r, after(23, 0))
			w.past(value("u-erin", after(23, 30), connectors.ActorAutomation))
			w.trails["51 handoff_status"] = state.Trail{}
			if tracked {
				w.trails["51 handoff_status"] = state.Trail{Values: []connectors.FieldValue{{Value: says, At: after(24, 0), Actor: connectors.ActorPerson, By: "u-erin"}}}
			}
			rec = shown(rec, after(24, 1), "9", "owner", "u-erin", "handoff_status", says, "handoff_return_reason", "Too early")
			rec.ModifiedBy = "u-erin"
			w.look(t, r, rec, after(24, 7))
			if over := w.assignsOver(); len(over) > 0 {
				t.Errorf("tracked %v, %s is said: %s of %s; written over by %v", tracked, says, w.only(t).Stage, w.only(t).Owner, over)
			}
		}
	}
}

// TestBackupsWordIsHeard: what the backup has said before they stood there counts when they
// do, whether or not the CRM tells since when that is (P2).
func TestBackupsWordIsHeard(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, answer := range []plan.Delivered{{}, {Version: "91", Stamp: after(24, 10)}} {
		for says, want := range map[string]state.Stage{"Accepted": state.Accepted, "Returned": state.Returned} {
			w, rec, _ := standing(t, r, true)
			w.fireDue(t, r, after(23, 0))
			rec = shown(rec, after(24, 1), "9", "handoff_status", says, "handoff_return_reason", "Too early")
			rec.ModifiedBy = "u-ben"
			w.look(t, r, rec, after(24, 5))
			i, waits := w.steps()["assign"]
			if _, says := i.Write.Set["handoff_status"]; !waits || says {
				t.Fatalf("it is written %v", i.Write.Set)
			}
			i.Over = rec.ModifiedAt
			w.came(t, r, after(24, 10), i, answer)
			w.past(value("u-ben", after(24, 10), connectors.ActorIntegration))
			rec = shown(rec, after(24, 10), "91", "owner", "u-ben")
			w.look(t, r, rec, after(24, 20))
			if h := w.only(t); h.Stage != want || saidBy(h) != "ben@example.com" {
				t.Errorf("version %q, %s: %s by %q", answer.Version, says, h.Stage, saidBy(h))
			}
		}
	}
}

// TestBackupByHandAfterAll: it was kept and given back, and a person gives the record to
// the former backup by hand while that is written: it is theirs (C11).
func TestBackupByHandAfterAll(t *testing.T) {
	r := writing(t)
	for _, late := range []bool{false, true} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		if late { // ana keeps it by accepting it; two hours later she gives it back
			rec = shown(rec, after(24, 1), "5", "handoff_status", "Accepted")
			rec.ModifiedBy = "u-ana"
			w.look(t, r, rec, after(26, 5))
			if h := w.only(t); h.Stage != state.Accepted || h.Owner != "ana@example.com" {
				t.Fatal(h.Stage, h.Owner)
			}
			w.done(t, r, after(26, 6))
		}
		rec = shown(rec, after(124, 1), "6", "handoff_status", "Returned", "handoff_return_reason", "Too early")
		rec.ModifiedBy = "u-ana"
		w.past(value("u-ana", after(0, 2), connectors.ActorIntegration))
		w.look(t, r, rec, after(126, 5))
		if h := w.only(t); h.Stage != state.Returned {
			t.Fatal(late, h.Stage, h.Owner)
		}
		w.past(connectors.FieldValue{Value: "u-ben", At: after(126, 7), Actor: connectors.ActorPerson, By: "u-morgan"})
		rec = shown(rec, after(126, 7), "91", "owner", "u-ben")
		rec.ModifiedBy = "u-morgan"
		w.look(t, r, rec, after(126, 8))
		if _, waits := w.steps()["return"]; waits {
			w.answered(t, r, after(126, 9), "return", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		}
		if ws := w.ownerWrites(); len(ws) > 0 {
			t.Errorf("late %v: morgan has given it to ben by hand, and it is written over: %v expecting %v", late, ws[0].Write.Set["hubspot_owner_id"], ws[0].Expect)
		}
	}
}

// TestLeftOutThenOrdered: the owner was left out of the first write and not of an order's:
// who it put there stands there, and is heard (0.12).
func TestLeftOutThenOrdered(t *testing.T) {
	r := writing(t)
	for _, tracked := range []bool{true, false} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
		w.decide(t, r, monday, see(rec))
		h := w.only(t)
		w.came(t, r, after(0, 1), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: after(0, 1), Skipped: []string{"hubspot_owner_id"}, Refused: "inactive"})
		w.done(t, r, after(0, 2))
		rec = shown(rec, after(0, 1), "2", "handoff_id", h.ID, "handoff_status", "Assigned")
		w.trails = map[string]state.Trail{"51": {}, "51 handoff_status": {}}
		if !tracked {
			w.trails["51"] = state.Trail{Unseen: true}
		}
		w.look(t, r, rec, after(2, 5))
		w.decide(t, r, after(3, 0), plan.Reassign{Handoff: h.ID, To: "cleo@example.com", By: "ops"})
		w.came(t, r, after(3, 10), w.steps()["reassign"], plan.Delivered{Version: "4", Stamp: after(3, 10)})
		w.done(t, r, after(3, 12))
		if tracked {
			w.past(value("u-cleo", after(3, 10), connectors.ActorIntegration))
		}
		rec = shown(rec, after(3, 10), "4", "owner", "u-cleo")
		w.look(t, r, rec, after(5, 20))
		w.fireDue(t, r, after(23, 0))
		if h = w.only(t); h.Owner == "cleo@example.com" || h.Stage != state.Assigned {
			t.Fatal("no takeover")
		}
		rec = shown(rec, after(24, 1), "9", "handoff_status", "Accepted")
		rec.ModifiedBy = "u-cleo"
		w.look(t, r, rec, after(26, 7))
		if h = w.only(t); saidBy(h) != "cleo@example.com" {
			t.Errorf("tracked %v: %s of %s by %q, over %v", tracked, h.Stage, h.Owner, saidBy(h), w.assignsOver())
			continue
		}
		w.done(t, r, after(26, 8))
		if !tracked {
			continue
		}
		w.past(connectors.FieldValue{Value: "u-vera", At: after(40, 0), Actor: connectors.ActorPerson, By: "u-morgan"})
		rec = shown(rec, after(40, 0), "91", "owner", "u-vera")
		w.look(t, r, rec, after(42, 0))
		if h = w.only(t); h.Stage != state.Superseded {
			t.Errorf("tracked %v: then given to vera by hand: %s of %s", tracked, h.Stage, h.Owner)
		}
	}
}

// TestOrderedByHand: an order was refused and its owner set by hand: they stand there.
func TestOrderedByHand(t *testing.T) {
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.decide(t, r, after(3, 0), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
	i := w.steps()["reassign"]
	i.State, i.Attempts = state.Parked, 1
	w.intents[i.Write.Key] = i
	w.decide(t, r, after(3, 10), plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Invalid.String(), Err: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Fields: []string{"handoff_backup"}})
	w.past(connectors.FieldValue{Value: "u-cleo", At: after(4, 0), Actor: connectors.ActorPerson, By: "u-morgan"})
	rec = shown(rec, after(4, 0), "5", "owner", "u-cleo")
	rec.ModifiedBy = "u-morgan"
	w.look(t, r, rec, after(6, 5))
	w.fireDue(t, r, after(23, 0))
	if h := w.only(t); h.Owner == "cleo@example.com" || h.Stage != state.Assigned {
		t.Fatalf("%s of %s", h.Stage, h.Owner)
	}
	rec = shown(rec, after(24, 1), "9", "handoff_status", "Accepted")
	rec.ModifiedBy = "u-cleo"
	w.look(t, r, rec, after(26, 7))
	if h := w.only(t); saidBy(h) != "cleo@example.com" {
		t.Errorf("%s of %s by %q; owner writes %d", h.Stage, h.Owner, saidBy(h), len(w.ownerWrites()))
	}
}

// TestOrderUnanswered: so do they where the answer to the order was lost.
func TestOrderUnanswered(t *testing.T) {
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.decide(t, r, after(20, 0), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
	i := w.steps()["reassign"]
	i.Attempts = 1
	w.intents[i.Write.Key] = i
	w.past(value("u-cleo", after(20, 10), connectors.ActorIntegration))
	rec = shown(rec, after(20, 10), "5", "owner", "u-cleo")
	w.look(t, r, rec, after(21, 5))
	w.fireDue(t, r, after(23, 0))
	if h := w.only(t); h.Owner == "cleo@example.com" || h.Stage != state.Assigned {
		t.Fatalf("%s of %s", h.Stage, h.Owner)
	}
	rec = shown(rec, after(24, 1), "9", "handoff_status", "Accepted")
	rec.ModifiedBy = "u-cleo"
	w.look(t, r, rec, after(26, 7))
	if h := w.only(t); saidBy(h) != "cleo@example.com" {
		t.Errorf("%s of %s by %q; owner writes %d", h.Stage, h.Owner, saidBy(h), len(w.ownerWrites()))
	}
}

// TestBackupEdits: who edits something else after it was taken up has not taken it up.
func TestBackupEdits(t *testing.T) {
	r := writing(t)
	for name, c := range map[string]struct {
		field, value string
		past         []connectors.FieldValue
	}{
		"lead status": {"lead_status", "Working", []connectors.FieldValue{{Value: "Assigned", At: after(0, 1), Actor: connectors.ActorIntegration}}},
	} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		w.trails["51 handoff_status"] = state.Trail{Values: c.past}
		rec = shown(rec, after(24, 1), "9", c.field, c.value, "title", "CFO")
		rec.ModifiedBy = "u-ben"
		w.look(t, r, rec, after(26, 7))
		if h := w.only(t); h.Owner != "ana@example.com" {
			t.Errorf("%s: %s of %s by %q", name, h.Stage, h.Owner, saidBy(h))
		}
	}
}

// TestBackupElsewhere: another CRM has the say over the owner and makes the backup the
// owner: what is said then is theirs.
func TestBackupElsewhere(t *testing.T) {
	r := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nauthority: {owner: salesforce}\nnever:"))
	for _, says := range []string{"Accepted", "Returned"} {
		for _, by := range []string{"", "u-ben", "u-morgan"} {
			w := newWorld()
			rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New", "owner", "u-vera")
			w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, {Conn: "salesforce", Kind: "Lead", ID: "00Q7"}}}
			w.decide(t, r, monday, see(rec))
			w.came(t, r, after(0, 1), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: after(0, 1)})
			w.done(t, r, after(0, 2))
			h := w.only(t)
			was := h.Owner
			rec = shown(rec, after(0, 1), "2", "handoff_id", h.ID, "handoff_status", "Assigned")
			w.look(t, r, rec, after(2, 5))
			w.fireDue(t, r, after(23, 0))
			h = w.only(t)
			if h.Owner == was {
				t.Fatalf("no takeover from %s", was)
			}
			next := "u-" + h.Owner[:len(h.Owner)-len("@example.com")]
			if by == "u-ben" {
				by = next
			}
			w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value(next, after(23, 30), connectors.ActorIntegration)}}, "51 handoff_status": {}}
			rec = shown(rec, after(24, 1), "9", "owner", next, "handoff_status", says, "handoff_return_reason", "Too early")
			rec.ModifiedBy = by
			w.look(t, r, rec, after(26, 7))
			h = w.only(t)
			if h.Owner == was || saidBy(h) == was {
				t.Errorf("modified by %q: the record is %s's, who says %s: %s of %s by %q", by, next, says, h.Stage, h.Owner, saidBy(h))
			}
		}
	}
}

// TestTakenByHandAndSaid: somebody takes the record by hand while the takeover waits, and
// says how far it is: it is theirs (C11).
func TestTakenByHandAndSaid(t *testing.T) {
	r := writing(t)
	for _, says := range []string{"Accepted", "Returned"} {
		w, rec, _ := standing(t, r, true)
		w.fireDue(t, r, after(23, 0))
		w.past(connectors.FieldValue{Value: "u-vera", At: after(23, 30), Actor: connectors.ActorPerson, By: "u-vera"})
		rec = shown(rec, after(23, 30), "8", "owner", "u-vera", "handoff_status", says)
		rec.ModifiedBy = "u-vera"
		w.look(t, r, rec, after(26, 7))
		if h := w.only(t); h.Stage != state.Superseded {
			t.Errorf("%s: %s of %s, %d writes of the owner wait", says, h.Stage, h.Owner, len(w.ownerWrites()))
		}
	}
}

// TestOrderedAccepts: whom an order names takes it up before they stand there: it is they
// who have.
func TestOrderedAccepts(t *testing.T) {
	r := writing(t)
	w, rec, _ := standing(t, r, true)
	w.decide(t, r, after(3, 0), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
	rec = shown(rec, after(4, 0), "5", "handoff_status", "Accepted")
	rec.ModifiedBy = "u-cleo"
	w.look(t, r, rec, after(6, 5))
	if h := w.only(t); saidBy(h) != "cleo@example.com" {
		t.Errorf("cleo says Accepted: %s of %s by %q", h.Stage, h.Owner, saidBy(h))
	}
}

package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// ordered is a world in which ana has had a handoff for a while, and an operator has
// given it to cleo, whose write has not been answered.
func ordered(t *testing.T, r *plan.Rules) (*world, state.Record, state.Intent) {
	t.Helper()
	w, rec := unmoved(t, r)
	w.decide(t, r, monday.Add(5*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
	i, writes := w.steps()["reassign"]
	if !writes || i.Write.Set["hubspot_owner_id"] != "u-cleo" {
		t.Fatalf("written: %v", w.steps())
	}
	return w, rec, i
}

// ownerWrites are the writes of the owner that wait.
func (w *world) ownerWrites() []state.Intent {
	var out []state.Intent
	for _, i := range w.intents {
		if _, sets := i.Write.Set["hubspot_owner_id"]; sets {
			out = append(out, i)
		}
	}
	return out
}

// TestOrderedTwice: who is given a handoff before the write of the one before them
// was answered comes in that one's place, by another order or by an escalation. What
// an earlier write may have left on the record is ours and no person's; what a person
// set there is theirs (C11, 1.98).
func TestOrderedTwice(t *testing.T) {
	t.Parallel()
	r := writing(t)
	again := map[string]struct {
		give func(*world)
		step string
	}{
		"an order": {func(w *world) {
			w.decide(t, r, monday.Add(23*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "revops@example.com", By: "ops"})
		}, "reassign"},
		"an escalation": {func(w *world) { takeover(t, r, w) }, "assign"},
	}
	for name, next := range again {
		for _, c := range []struct {
			sort  string
			shows string // on the record when it is read again before the write leaves
			hand  connectors.Actor
			stage state.Stage
		}{
			{"nothing has left", "u-ana", "", state.Assigned},
			{"the first was on its way", "u-cleo", connectors.ActorIntegration, state.Assigned},
			{"a person came first", "u-erin", connectors.ActorPerson, state.Superseded},
			{"a person gave it to the same", "u-cleo", connectors.ActorPerson, state.Superseded},
		} {
			w, rec, first := ordered(t, r)
			next.give(w)
			waits := w.ownerWrites()
			if len(waits) != 1 || waits[0].Write.Key == first.Write.Key || waits[0].Step != next.step {
				t.Fatalf("%s: %d writes of the owner wait, %v", name, len(waits), waits)
			}
			second := waits[0]
			if backup, set := second.Write.Set["handoff_backup_owner"]; !set || (backup == nil) != (w.only(t).Backup == "") {
				t.Errorf("%s: the backup on the record is %v, want %q", name, backup, w.only(t).Backup)
			}
			if got := w.only(t).Owner; second.Write.Set["hubspot_owner_id"] != "u-"+got[:len(got)-len("@example.com")] {
				t.Errorf("%s: %v is written, %s has it", name, second.Write.Set, got)
			}
			at := monday.Add(24 * time.Minute)
			if c.hand != "" {
				rec = given(rec, c.shows, 23*time.Minute)
				w.trails["51"] = state.Trail{Values: append([]connectors.FieldValue{value(c.shows, rec.ModifiedAt, c.hand)}, w.trails["51"].Values...)}
				w.decide(t, r, at, plan.Delivered{Intent: first, Ref: rec.Ref, Version: rec.Version, Stamp: rec.ModifiedAt})
			}
			w.decide(t, r, at, plan.Observed{Record: rec, Via: "reread", Came: at, Read: at})
			if c.hand != "" && w.only(t).Stage == state.Assigned {
				delete(w.intents, second.Write.Key)
				w.decide(t, r, at, plan.Delivered{Intent: second, Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
			}
			h, left := w.only(t), w.ownerWrites()
			if h.Stage != c.stage || (len(left) == 1) != (c.stage == state.Assigned) {
				t.Errorf("%s, %s: %s (%s), %d writes of the owner", name, c.sort, h.Stage, h.Note, len(left))
				continue
			}
			if len(left) == 1 && (left[0].Expect["hubspot_owner_id"] != c.shows || left[0].Write.Set["hubspot_owner_id"] != second.Write.Set["hubspot_owner_id"]) {
				t.Errorf("%s, %s: %v over %v", name, c.sort, left[0].Write.Set["hubspot_owner_id"], left[0].Expect)
			}
		}
	}
}

// TestOrderRefused: the CRM refuses whoever was to have a handoff by an order. It is
// with whom the CRM shows as it was before, the task included, whether that has moved
// meanwhile or not, and whoever had it in between on paper (C14).
func TestOrderRefused(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct{ moved, twice bool }{
		"the task has moved": {moved: true},
		"nothing has moved":  {},
		"the second of two":  {twice: true},
	} {
		w, rec := unmoved(t, r)
		was := w.only(t)
		was.Items = []state.Item{{Step: "item call", Do: "Call", Who: was.Owner}}
		w.handoffs[was.ID] = was
		for n, to := range []string{"cleo@example.com", "vera@example.com"} {
			if n == 0 || c.twice {
				w.decide(t, r, monday.Add(time.Duration(5+n)*time.Minute), plan.Reassign{Handoff: was.ID, To: to, By: "ops"})
			}
		}
		given := w.only(t).Owner
		if c.moved {
			w.answered(t, r, monday.Add(8*time.Minute), "task owner", plan.Delivered{})
		}
		w.answered(t, r, monday.Add(8*time.Minute), "reassign", plan.Delivered{
			Class: connectors.Invalid.String(), Err: "INVALID_OWNER_ID", Fields: []string{"hubspot_owner_id"},
		})
		h := w.only(t)
		if h.Owner != was.Owner || h.Team != was.Team || h.Backup != was.Backup || h.Accountable != was.Accountable || len(h.Holders) != 0 {
			t.Errorf("%s: %s of %q, backup %q, accountable %s, after %v; want %s of %q, backup %q, accountable %s",
				name, h.Owner, h.Team, h.Backup, h.Accountable, h.Holders, was.Owner, was.Team, was.Backup, was.Accountable)
		}
		want := state.Reason{Rule: was.Why[len(was.Why)-1].Rule, Text: was.Owner + ": keeps it, for " + given + " can own nothing in hubspot"}
		if got := h.Why[len(h.Why)-1]; got != want {
			t.Errorf("%s: it has it by %v, want %v", name, got, want)
		}
		if h.Stake.Value != "u-ana" || h.Items[0].Who != was.Owner {
			t.Errorf("%s: at stake is %q, and %s has to do what the owner has", name, h.Stake.Value, h.Items[0].Who)
		}
		var owners []any
		for _, i := range w.intents {
			if i.Step == "task owner" {
				owners = append(owners, i.Write.Set[connectors.TaskOwner])
			}
		}
		if diff := cmp.Diff([]any{"u-ana"}, owners); diff != "" {
			t.Errorf("%s: the task goes to %s", name, diff)
		}
		w.decide(t, r, monday.Add(10*time.Minute), see(rec))
		if now := w.only(t); now.Stage != state.Assigned || now.Owner != was.Owner || len(w.ownerWrites()) != 0 {
			t.Errorf("%s: then %s, %s, %v", name, now.Stage, now.Owner, w.ownerWrites())
		}
	}
}

// TestOrderedFirst: an order that comes before the first owner stands in the CRM is
// what the CRM shows in the end, with the reasons it rests on, whether the first write
// waits, is on its way or was refused, and whether the record is there or has to be
// made. What our own write has left there meanwhile is no person's doing (C11).
func TestOrderedFirst(t *testing.T) {
	t.Parallel()
	r := writing(t)
	made := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	for name, c := range map[string]struct {
		create bool
		then   string // what had become of the first write
	}{
		"it waits":                             {false, "waits"},
		"it is on its way":                     {false, "stands"},
		"it was refused":                       {false, "refused"},
		"the record is to be made":             {true, "waits"},
		"the record is being made":             {true, "stands"},
		"the record is being made unmarked":    {true, "unmarked"},
		"the record could not be made":         {true, "refused"},
		"a refused one may have been made too": {true, "in doubt"},
	} {
		w, step, field := newWorld(), "assign", "hubspot_owner_id"
		rec := demo("51", "dana@acme.com", "country", "US")
		if c.create {
			step, field = "create", "OwnerId"
			w.locate(t, r, sales("51", "dana@acme.com"))
		} else {
			w.decide(t, r, monday, see(rec))
		}
		first, later := w.steps()[step], monday.Add(time.Minute)
		switch c.then {
		case "refused", "in doubt":
			first.State, first.Attempts, first.InDoubt = state.Parked, 1, c.then == "in doubt"
			w.intents[first.Write.Key] = first
			w.decide(t, r, monday.Add(time.Second), plan.Delivered{Intent: first, Ref: first.Write.Ref, Class: connectors.Invalid.String(), Err: "a rule of theirs"})
		case "stands":
			if c.create {
				first.State = state.Sending
				w.intents[first.Write.Key] = first
			}
		}
		w.decide(t, r, later, plan.Reassign{Handoff: w.only(t).ID, To: "revops@example.com", By: "ops"})
		if c.then == "stands" || c.then == "unmarked" || c.then == "in doubt" {
			delete(w.intents, first.Write.Key)
			ref := first.Write.Ref
			if c.create {
				ref = made
			}
			w.decide(t, r, later, plan.Delivered{Intent: first, Ref: ref, Version: "2", Stamp: monday.Add(2 * time.Second)})
		}
		var left []state.Intent
		for _, i := range w.intents {
			if i.Write.Set[field] != nil {
				left = append(left, i)
			}
		}
		if len(left) != 1 || left[0].State != state.Ready || left[0].Due.After(later) || left[0].Write.Set[field] != "u-revops" {
			t.Errorf("%s: %d writes of the owner wait: %+v", name, len(left), left)
			continue
		}
		set := left[0].Write.Set
		if why, _ := set["handoff_why"].(string); !strings.HasPrefix(why, "revops@example.com: ") || set["handoff_rule"] != "reassign --to revops@example.com" ||
			set["handoff_accountable"] != w.only(t).Accountable || set["handoff_backup_owner"] != nil {
			t.Errorf("%s: the record says why %q, by %v, accountable %v, backup %v", name, why, set["handoff_rule"], set["handoff_accountable"], set["handoff_backup_owner"])
		}
		if source, writes := w.steps()["source passed"]; c.create != writes || writes && source.Write.Set["handoff_accountable"] != w.only(t).Accountable {
			t.Errorf("%s: where it came from is told %v", name, source.Write.Set)
		}
		if left[0].Write.Creates() {
			continue
		}
		shown := given(rec, "u-ana", time.Second)
		if c.create {
			shown = lead("00Q1", "owner", "u-ana", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
			shown.Version, shown.ModifiedAt = "3", later
		}
		if c.then != "stands" && !c.create {
			shown.Fields = fields(rec)
		}
		w.decide(t, r, later.Add(time.Second), plan.Observed{Record: shown, Via: "reread", Came: later, Read: later})
		if h := w.only(t); h.Stage != state.Assigned || h.Owner != "revops@example.com" {
			t.Errorf("%s: then %s, %s: %s", name, h.Stage, h.Owner, h.Note)
		}
	}
}

// TestOrderedBeside: an order about a handoff that waits for the record which is being
// made for another one of the same buyer reaches that record with the next owner, and
// says nothing where the other one is shown (0.12).
func TestOrderedBeside(t *testing.T) {
	t.Parallel()
	partner := edit(t, "handoffs/contact-sales.yaml", "handoff: contact_sales", "handoff: partner", "{contains: Contact sales}", "{contains: Partner}",
		"person.intent_signal: Contact sales", "person.intent_signal: Partner")["handoffs/contact-sales.yaml"]
	r, w := writing(t, map[string]string{"handoffs/partner.yaml": partner}), newWorld()
	rec := sales("51", "dana@acme.com")
	w.locate(t, r, rec)
	first := w.only(t)
	rec.Version, rec.ModifiedAt, rec.Fields = "2", monday.Add(time.Second), fields(rec, "intent_signal", "Partner", "last_form_at", monday.Format(time.RFC3339))
	w.decide(t, r, monday.Add(2*time.Second), see(rec))
	for id := range w.handoffs {
		if id == first.ID {
			continue
		}
		w.decide(t, r, monday.Add(3*time.Second), plan.Reassign{Handoff: id, To: "revops@example.com", By: "ops"})
		if i, says := w.steps()["source passed"]; says {
			t.Errorf("%s says %v, and is the other one's", i.Write.Ref, i.Write.Set)
		}
		w.answered(t, r, monday.Add(4*time.Second), "create", plan.Delivered{Ref: connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}, Version: "1"})
		h := w.handoffs[id]
		if i := w.intents[h.Effects["task"].Key]; h.Target.ID != "00Q1" || h.Owner != "revops@example.com" || i.Write.Set[connectors.TaskOwner] != "u-revops" {
			t.Errorf("it is %s's at %s, and its task goes to %v", h.Owner, h.Target, i.Write.Set[connectors.TaskOwner])
		}
	}
	if len(w.handoffs) != 2 {
		t.Errorf("%d handoffs", len(w.handoffs))
	}
}

// TestTaskInDoubtPassed: a task of which nobody knows whether it was made, and for
// whom, goes to whoever has the handoff when it is found (C8, 1.98).
func TestTaskInDoubtPassed(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct {
		found    bool   // by a look-up; else the answer comes
		existing bool   // the CRM says that it has it already
		to       string // whom the handoff was given to meanwhile
		passed   bool
	}{
		"found by looking":      {found: true, to: "cleo@example.com", passed: true},
		"answered":              {to: "cleo@example.com", passed: true},
		"there already":         {existing: true, to: "cleo@example.com", passed: true},
		"nobody else has it":    {found: true},
		"answered, as it stood": {},
	} {
		w := newWorld()
		w.decide(t, r, monday, see(demo("51", "dana@acme.com", "country", "US")))
		w.answered(t, r, monday.Add(time.Second), "assign", plan.Delivered{Version: "2", Stamp: monday.Add(time.Second)})
		task := w.steps()["task"]
		task.State, task.SentAt = state.Sending, monday.Add(time.Second)
		w.intents[task.Write.Key] = task
		if c.to != "" {
			w.decide(t, r, monday.Add(20*time.Second), plan.Reassign{Handoff: w.only(t).ID, To: c.to, By: "ops"})
		}
		if c.found {
			task = w.intents[task.Write.Key]
		}
		delete(w.intents, task.Write.Key)
		there := connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "t1"}
		ev := plan.Delivered{Intent: task, Ref: there}
		if c.existing {
			ev = plan.Delivered{Intent: task, Ref: task.Write.Ref, Class: connectors.Conflict.String(), Err: "there already", Existing: there}
		}
		w.decide(t, r, monday.Add(40*time.Second), ev)
		i, writes := w.steps()["task owner"]
		if writes != c.passed || writes && (i.Write.Ref != there || i.Write.Set[connectors.TaskOwner] != "u-cleo") {
			t.Errorf("%s: the task goes to %v, %v", name, i.Write.Set, writes)
		}
	}
}

// TestOrderRefusedForAnotherReason: the CRM refuses an order for a reason that is not
// its owner: it waits for an operator, and whom the record goes on showing is nobody's
// doing, whether the CRM keeps a history or not. Whoever a person gives it to has it, and
// another order comes in the place of the refused one (C11, C15).
func TestOrderRefusedForAnotherReason(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, history := range []bool{true, false} {
		refused := func() (*world, state.Record, state.Intent) {
			w, rec, i := ordered(t, r)
			if !history {
				w.trails = nil
			}
			i.State = state.Parked
			w.intents[i.Write.Key] = i
			w.decide(t, r, monday.Add(6*time.Minute), plan.Delivered{Intent: i, Ref: rec.Ref, Class: connectors.Invalid.String(), Err: "a rule of theirs"})
			for n := range 2 { // edits of something else
				at := monday.Add(time.Duration(7+n) * time.Minute)
				rec.Version, rec.ModifiedAt, rec.Fields = fmt.Sprint(7+n), at, fields(rec, "title", fmt.Sprint("CFO ", n))
				w.decide(t, r, at, see(rec))
			}
			return w, rec, i
		}
		w, rec, i := refused()
		h, left := w.only(t), w.ownerWrites()
		if h.Stage != state.Assigned || h.Owner != "cleo@example.com" || len(left) != 1 || left[0].State != state.Parked {
			t.Errorf("history %v: %s (%s), with %s, %v", history, h.Stage, h.Note, h.Owner, left)
		}
		if len(w.listed("reversed"))+w.audited("reversed") > 0 {
			t.Errorf("history %v: a program is blamed: %v", history, w.listed("reversed"))
		}
		w.decide(t, r, monday.Add(10*time.Minute), plan.Reassign{Handoff: h.ID, To: "ben@example.com", By: "ops"})
		left = w.ownerWrites()
		if len(left) != 1 || left[0].Write.Key == i.Write.Key || left[0].Write.Set["hubspot_owner_id"] != "u-ben" || left[0].Expect["hubspot_owner_id"] != "u-ana" || left[0].State != state.Ready {
			t.Errorf("history %v: ordered again: %v", history, left)
		}
		w, rec, _ = refused()
		rec = given(rec, "u-vera", time.Minute)
		rec.Version = "9"
		if history {
			w.trails["51"] = state.Trail{Values: append([]connectors.FieldValue{value("u-vera", rec.ModifiedAt, connectors.ActorPerson)}, w.trails["51"].Values...)}
		}
		w.decide(t, r, monday.Add(10*time.Minute), see(rec))
		if h := w.only(t); h.Stage != state.Superseded || h.Accountable != "vera@example.com" || len(w.ownerWrites()) > 0 {
			t.Errorf("history %v, given to vera: %s, %s answers for it, %v", history, h.Stage, h.Accountable, w.ownerWrites())
		}
	}
}

// TestOrderWhileQueued: what nobody has yet cannot be given on, and that is all there is
// to say: the record that nobody owns was given to nobody by hand (0.12).
func TestOrderWhileQueued(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	for _, who := range []string{"ana", "ben", "cleo"} {
		w.inactive("hubspot", who)
	}
	rec := demo("51", "dana@acme.com", "country", "US")
	w.decide(t, r, monday, see(rec))
	rec.Version, rec.ModifiedAt = "2", monday.Add(time.Minute)
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	c := w.decide(t, r, monday.Add(2*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "revops@example.com", By: "ops"})
	if h := w.only(t); h.Stage != state.Queued || len(w.listed("reassign")) > 0 || !says(c.Why, "reassigned") {
		t.Errorf("%s, listed %q, because %v", h.Stage, w.listed("reassign"), c.Why)
	}
}

// TestLeaveOneAfterAnother: the receiver leaves, and whoever has the handoff then
// leaves too before the write of them is answered. Each write is one of its own and
// names the decision it comes from, the team stays, and what the first may have left
// on the record is ours and no person's (C2, C11, C14).
func TestLeaveOneAfterAnother(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := unmoved(t, r)
	team, at := w.only(t).Team, monday.Add(3*time.Minute)
	var wrote []state.Intent
	for n, who := range []string{"ana", "ben"} {
		w.inactive("hubspot", who)
		rec.Version, rec.ModifiedAt = fmt.Sprint(7+n), at.Add(time.Duration(n)*time.Second) // of before our write
		w.decide(t, r, rec.ModifiedAt, see(rec))
		i := w.steps()["reassign"]
		i.Attempts = 1 // and no answer
		w.intents[i.Write.Key] = i
		wrote = append(wrote, i)
		if got := w.only(t); got.Team != team || team == "" {
			t.Errorf("after %s left it is of team %q, want %q", who, got.Team, team)
		}
	}
	first, second := wrote[0].Write, wrote[1].Write
	if a, b := first.Set["handoff_decision_id"], second.Set["handoff_decision_id"]; a == "" || b == "" || a == b || first.Key == second.Key {
		t.Errorf("decisions %q and %q under keys %s and %s", a, b, first.Key, second.Key)
	}
	if first.Set["hubspot_owner_id"] != "u-ben" || len(w.ownerWrites()) != 1 {
		t.Fatalf("first %v, then %v", first.Set, w.ownerWrites())
	}
	stood := at.Add(2 * time.Second)
	w.trails["51"] = state.Trail{Values: append([]connectors.FieldValue{value("u-ben", stood, connectors.ActorIntegration)}, w.trails["51"].Values...)}
	rec.Version, rec.ModifiedAt, rec.Fields = "9", stood, fields(rec, "owner", "u-ben")
	w.decide(t, r, at.Add(10*time.Second), plan.Observed{Record: rec, Via: "reread", Came: stood, Read: stood})
	w.answered(t, r, at.Add(10*time.Second), "reassign", plan.Delivered{Class: connectors.Conflict.String(), Err: "changed"})
	h, left := w.only(t), w.ownerWrites()
	if h.Stage != state.Assigned || len(left) != 1 || left[0].Write.Set["hubspot_owner_id"] != second.Set["hubspot_owner_id"] || left[0].Expect["hubspot_owner_id"] != "u-ben" {
		t.Errorf("%s (%s), %v", h.Stage, h.Note, left)
	}
}

// TestOrderOfNothing: an order that fits no handoff says what was mistyped, as far
// as that can be known, and RULES is rules (G13).
func TestOrderOfNothing(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for typed, want := range map[string]string{
		"type=demo_reqest":      `there is no handoff type "demo_reqest"; did you mean "demo_request"?`,
		"team=sdr_su":           `there is no team "sdr_su"; did you mean "sdr_us"?`,
		"tier=hot":              `there is no tier "hot"; it can be high_intent, low_intent, medium_intent`,
		"owner=ana@example.con": `there is no person "ana@example.con"; did you mean "ana@example.com"?`,
		"stage=done":            `there is no stage of an open handoff "done"; it can be accepted, assigned, held, queued, touched`,
		"person.contry=US":      `person.contry is mapped nowhere; did you mean "person.country"?`,
		"type=demo_request":     "",
		"owner=Ana@example.com": "",
		"owner=":                "",
		"stage=assigned":        "",
		"person.country=DE":     "",
	} {
		name, value, _ := strings.Cut(typed, "=")
		got := r.NoneHas(name, value)
		if got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
	if wrong := r.CanReassign("RULES"); wrong != "" {
		t.Error(wrong)
	}
	w, _ := assigned(t, r)
	changes := w.decide(t, r, monday.Add(time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "sdr_us", By: "ops"})
	if n := len(changes.Why); n == 0 || changes.Why[n-1].Text != "ana@example.com is in sdr_us, and keeps it" {
		t.Errorf("why it stays: %v", changes.Why)
	}
}

// TestOrderedByTheRules (G13): whoever has left the team loses what it gave them, though they
// own the record by now: handoffd gave it to them. What was theirs before is theirs.
func TestOrderedByTheRules(t *testing.T) {
	t.Parallel()
	r := writing(t)
	without := writing(t, edit(t, "teams.yaml", "      - {who: ana@example.com,  weight: 2}\n", ""))
	for name, c := range map[string]struct {
		before string // owner of the record when the form came
		rules  *plan.Rules
		want   string
	}{
		"ana has left the team":         {"", without, "ben@example.com"},
		"ana is in it still":            {"", r, "ana@example.com"},
		"a program owned it":            {"u-sync", without, "ben@example.com"},
		"ana owned it before, and left": {"u-ana", without, "ana@example.com"},
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New", "owner", c.before)
		w.decide(t, r, monday, see(rec))
		h := w.only(t)
		w.came(t, r, after(0, 1), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: after(0, 1)})
		w.done(t, r, after(0, 2))
		rec = shown(rec, after(0, 1), "2", "owner", "u-ana", "handoff_id", h.ID, "handoff_status", "Assigned")
		w.past(value("u-ana", after(0, 1), connectors.ActorSelf))
		w.look(t, r, rec, after(1, 0))
		if h = w.only(t); h.Owner != "ana@example.com" {
			t.Fatalf("%s: first with %s", name, h.Owner)
		}
		w.decide(t, c.rules, after(5, 0), plan.Reassign{Handoff: h.ID, To: "rules", By: "ops"})
		if got := w.only(t).Owner; got != c.want {
			t.Errorf("%s: with %s, want %s", name, got, c.want)
		}
	}
}

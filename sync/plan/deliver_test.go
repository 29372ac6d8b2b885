package plan_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

func sales(id, email string) state.Record {
	return demo(id, email, "last_form", "Home: Contact sales", "full_name", "Dana Fox", "lead_source", "Web")
}

func lead(id string, fields ...string) state.Record {
	r := state.Record{Ref: connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: id}, Noun: "person", Version: "1", ModifiedAt: monday, CreatedAt: monday, Fields: map[string]string{"email": "dana@acme.com"}}
	for i := 0; i < len(fields); i += 2 {
		r.Fields[fields[i]] = fields[i+1]
	}
	return r
}

// locate answers the one need of a deciding.
func (w *world) locate(t testing.TB, r *plan.Rules, rec state.Record, found ...state.Record) state.Need {
	t.Helper()
	c := w.decide(t, r, monday, see(rec))
	if len(c.Needs) != 1 || len(c.Records)+len(c.Handoffs) != 0 {
		t.Fatalf("wanted one question and nothing else, got %+v", c)
	}
	w.located[c.Needs[0].ID()] = found
	w.add(found...)
	w.decide(t, r, monday, see(rec))
	return c.Needs[0]
}

// TestDeliverCreates: nobody there has the address, so one record is made, its
// task hangs on it, and the source is told.
func TestDeliverCreates(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	need := w.locate(t, r, sales("51", "dana@acme.com"))
	want := state.Need{Conn: "salesforce", Question: connectors.Question{Kinds: []connectors.Kind{"Contact", "Lead"}, Field: "Email", Value: "dana@acme.com"}}
	if diff := cmp.Diff(want, need); diff != "" {
		t.Fatal(diff)
	}
	steps := w.steps()
	made := steps["create"].Write
	if made.Ref != (connectors.Ref{Conn: "salesforce", Kind: "Lead"}) || steps["task"].Write.After != made.Key || len(steps["task"].Write.Links) != 0 {
		t.Fatalf("create %+v, task %+v", made, steps["task"].Write)
	}
	for name, v := range map[string]any{
		"Email": "dana@acme.com", "LastName": "Fox", "Company": "acme.com", "LeadSource": "Web", "OwnerId": "u-ana", "handoff_status": "Assigned",
	} {
		if made.Set[name] != v {
			t.Errorf("%s = %v, want %v", name, made.Set[name], v)
		}
	}
	if source := steps["source"].Write; source.Ref.Conn != "hubspot" || source.Set["hubspot_owner_id"] != nil || source.Set["handoff_status"] != "Assigned" {
		t.Errorf("source %+v", source)
	}
	made2 := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	w.answered(t, r, monday.Add(time.Second), "create", plan.Delivered{Ref: made2, Version: "v1"})
	h := w.only(t)
	if h.Target != made2 || h.Written.IsZero() || w.same[made2].By != "created" {
		t.Fatalf("%+v %v", h, w.same)
	}
	// What we made there shows the same signal; it is not a second one.
	echo := lead("00Q1", "last_form", "Home: Demo request", "last_form_at", monday.Add(-time.Minute).Format(time.RFC3339), "owner", "u-ana")
	echo.Version = "v1"
	w.decide(t, r, monday.Add(time.Minute), see(echo))
	w.only(t)
	// The receiver accepts over there; both sides are told.
	echo.Version, echo.ModifiedAt, echo.Fields["lead_status"] = "v2", monday.Add(2*time.Minute), "Working"
	w.decide(t, r, monday.Add(3*time.Minute), see(echo))
	if h := w.only(t); h.Stage != state.Accepted {
		t.Errorf("stage %s", h.Stage)
	}
	if s := w.steps(); s["accept"].Write.Ref != made2 || s["accept here"].Write.Ref.Conn != "hubspot" {
		t.Errorf("acceptance is written to %v", s)
	}
}

// TestMadeGivenAndWorked: a lead that we have made with its owner is given to a colleague,
// who calls at once, or whose predecessor calls all the same: it is the colleague's, however
// late the lead is read (0.12, 1.14).
func TestMadeGivenAndWorked(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, byOwner := range map[string]bool{"the colleague calls": false, "the owner calls": true} {
		w := newWorld()
		w.locate(t, r, sales("51", "dana@acme.com"))
		ref := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
		w.answered(t, r, monday.Add(time.Second), "create", plan.Delivered{Ref: ref, Version: "v1"})
		w.done(t, r, monday.Add(2*time.Second))
		h, at := w.only(t), monday.Add(5*time.Minute)
		own, other := strings.TrimSuffix(h.Owner, "@example.com"), "cleo"
		if own == other {
			other = "ben"
		}
		rec := lead("00Q1", "owner", "u-"+own)
		rec.Version, rec.ModifiedAt = "v1", monday.Add(time.Second)
		w.decide(t, r, monday.Add(time.Minute), see(rec))
		now := rec
		now.Version, now.ModifiedAt, now.Fields = "v2", at.Add(-time.Minute), fields(rec, "owner", "u-"+other)
		w.located[byID(ref).ID()] = []state.Record{now}
		w.trails = map[string]state.Trail{"00Q1": {Values: []connectors.FieldValue{value("u-"+other, now.ModifiedAt, connectors.ActorPerson)}}}
		caller := map[bool]string{true: own, false: other}[byOwner]
		call := act(r, "calls-1", did("call", "u-"+caller, at), ref)
		call.Ref.Conn = "salesforce"
		w.decide(t, r, at.Add(time.Second), plan.Observed{Record: call, Via: "poll", Came: at})
		w.done(t, r, at.Add(2*time.Second))
		now.Version, now.ModifiedAt = "v3", at.Add(time.Minute)
		w.decide(t, r, at.Add(2*time.Minute), see(now))
		if h = w.only(t); h.Stage != state.Superseded || h.Accountable != other+"@example.com" {
			t.Errorf("%s: %s, with %s", name, h.Stage, h.Accountable)
		}
	}
}

// TestMadeAndReversed: a lead that we have made with its owner is given to another by a
// program: written once more, and left to it after that. A person's change wins at once (0.12).
func TestMadeAndReversed(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, actor := range map[string]connectors.Actor{"a program": connectors.ActorAutomation, "a person": connectors.ActorPerson} {
		w := newWorld()
		w.locate(t, r, sales("51", "dana@acme.com"))
		ref := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
		w.answered(t, r, monday.Add(time.Second), "create", plan.Delivered{Ref: ref, Version: "v1"})
		w.done(t, r, monday.Add(2*time.Second))
		ours := lead("00Q1", "owner", "u-"+strings.TrimSuffix(w.only(t).Owner, "@example.com"))
		flips := func(n int) {
			at := monday.Add(time.Duration(n) * time.Hour)
			now := ours
			now.Version, now.ModifiedAt, now.Fields = fmt.Sprint("v", 2*n), at, fields(ours, "owner", "u-vera")
			w.trails = map[string]state.Trail{"00Q1": {Values: []connectors.FieldValue{value("u-vera", at, actor)}}}
			w.decide(t, r, at.Add(time.Second), see(now))
		}
		flips(1)
		if actor == connectors.ActorPerson {
			if h := w.only(t); h.Stage != state.Superseded || h.Accountable != "vera@example.com" {
				t.Errorf("%s: %s, with %s", name, h.Stage, h.Accountable)
			}
			continue
		}
		again, ok := w.steps()["rewrite"]
		if !ok || again.Write.Set["OwnerId"] != ours.Fields["owner"] || again.Expect["OwnerId"] != "u-vera" {
			t.Fatalf("%s: rewrite %+v", name, again)
		}
		delete(w.intents, again.Write.Key)
		w.decide(t, r, monday.Add(time.Hour+time.Minute), plan.Delivered{Intent: again, Ref: ref, Version: "v3", Stamp: monday.Add(time.Hour + time.Minute)})
		flips(2)
		if h := w.only(t); h.Frozen == "" || !h.Stage.Open() || len(w.listed("reversed")) != 1 || w.steps()["rewrite"].Write.Key != "" {
			t.Errorf("%s, twice: %s, frozen %q, %+v", name, h.Stage, h.Frozen, w.steps()["rewrite"])
		}
	}
}

// TestMadeAndDeleted: a record that we have made and whose answer was lost had been
// deleted, and that was polled, before the CRM was asked for it. What is about it has
// ended, and comes to nobody.
func TestMadeAndDeleted(t *testing.T) {
	t.Parallel()
	extra := edit(t, "handoffs/contact-sales.yaml", "handoff: contact_sales", "handoff: second_sales")
	r, w := writing(t, map[string]string{"handoffs/second.yaml": extra["handoffs/contact-sales.yaml"]}), newWorld()
	w.locate(t, r, sales("51", "dana@acme.com"))
	binned := lead("00Q1")
	binned.Version, binned.Deleted = "v2", true
	w.decide(t, r, monday.Add(time.Second), see(binned))
	w.answered(t, r, monday.Add(time.Minute), "create", plan.Delivered{Ref: binned.Ref})
	if len(w.handoffs) != 2 {
		t.Errorf("%d handoffs, want two", len(w.handoffs))
	}
	for _, h := range w.handoffs {
		if h.Stage != state.Cancelled {
			t.Errorf("%s is %s", h.Type, h.Stage)
		}
	}
	for _, i := range w.intents {
		if i.Write.Ref.Conn == "salesforce" {
			t.Errorf("%s is still to be sent", i.Step)
		}
	}
}

// TestMergedWhileBothAreMade: two contacts of one person are merged while each of
// them has a record being made over there. Each handoff keeps its own, and one task (C8).
func TestMergedWhileBothAreMade(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	for id, email := range map[string]string{"51": "dana@acme.com", "52": "d.fox@fox.example"} {
		w.locate(t, r, sales(id, email))
	}
	heir := contact("60", map[string]string{"email": "dana@acme.com", "full_name": "Dana Fox"})
	heir.Version, heir.Absorbed = "9", []connectors.Ref{{Conn: "hubspot", Kind: "contacts", ID: "51"}, {Conn: "hubspot", Kind: "contacts", ID: "52"}}
	w.decide(t, r, monday, see(heir))
	var creates, tasks []state.Intent
	for _, i := range w.intents { // one batch: all of it was answered
		switch i.Step {
		case "create":
			creates = append(creates, i)
		case "task":
			tasks = append(tasks, i)
		}
		delete(w.intents, i.Write.Key)
	}
	if len(creates) != 2 || len(tasks) != 2 {
		t.Fatalf("%d records and %d tasks are being made", len(creates), len(tasks))
	}
	for n, i := range slices.Concat(creates, tasks) {
		w.decide(t, r, monday, plan.Delivered{Intent: i, Ref: connectors.Ref{Conn: "salesforce", Kind: i.Write.Ref.Kind, ID: fmt.Sprint("made", n)}})
	}
	targets := map[connectors.Ref]bool{}
	for _, h := range w.handoffs {
		targets[h.Target] = true
		if e := h.Effects["task"]; e.State != "done" {
			t.Errorf("the task of %s: %+v", h.ID, e)
		}
	}
	if len(targets) != 2 || len(w.handoffs) != 2 {
		t.Errorf("%d handoffs on %v", len(w.handoffs), targets)
	}
	for _, i := range w.intents {
		if i.Write.Creates() {
			t.Errorf("made again: %+v", i.Write)
		}
	}
}

// TestDeliverFinds (1.86): who is there already is updated, not made again;
// their owner may keep them.
func TestDeliverFinds(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.locate(t, r, sales("51", "dana@acme.com"), lead("00Q7", "owner", "u-cleo"))
	steps := w.steps()
	if _, made := steps["create"]; made {
		t.Fatal("a second record was made")
	}
	at := steps["assign"]
	if at.Write.Ref.ID != "00Q7" || at.Write.IfVersion != "1" || at.Expect["OwnerId"] != "u-cleo" || at.Write.Set["OwnerId"] != nil {
		t.Errorf("assign %+v", at)
	}
	if h := w.only(t); h.Owner != "cleo@example.com" || h.Target.ID != "00Q7" {
		t.Errorf("owner %s", h.Owner)
	}
	// A second contact of the same person joins.
	c := w.decide(t, r, monday, see(sales("52", "dana@acme.com")))
	if len(c.Needs) != 0 || len(w.only(t).Signals) != 2 {
		t.Errorf("needs %v, signals %v", c.Needs, w.only(t).Signals)
	}
}

// TestDeliverAdopts: a duplicate refusal names who has the address.
func TestDeliverAdopts(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.locate(t, r, sales("51", "dana@acme.com"))
	old := w.steps()["task"].Write.Key
	there := connectors.Ref{Conn: "salesforce", Kind: "Contact", ID: "003A"}
	w.answered(t, r, monday, "create", plan.Delivered{Class: connectors.Conflict.String(), Err: "DUPLICATES_DETECTED", Existing: there})
	h, steps := w.only(t), w.steps()
	if h.Target != there || steps["assign"].Write.Ref != there || steps["assign"].Write.Set["OwnerId"] != "u-ana" || !steps["assign"].ReadAt.IsZero() {
		t.Errorf("%+v %+v", h.Target, steps["assign"])
	}
	task := steps["task"].Write
	if task.Key == old || task.After != "" || len(task.Links) != 1 || task.Links[0] != there {
		t.Errorf("task %+v", task)
	}
	if _, still := w.intents[old]; still {
		t.Error("two tasks")
	}
	w.decide(t, r, monday, plan.Delivered{Intent: state.Intent{Handoff: h.ID, Step: "task", Write: connectors.Write{Key: old, After: "x"}}, Class: "conflict", Err: "the create failed"})
	if diff := cmp.Diff(h, w.only(t)); diff != "" {
		t.Errorf("an answer to the old task changed something: %s", diff)
	}
}

// TestOneCreateAtATime: two handoffs of one signal make one record; the second
// hangs on the first's.
func TestOneCreateAtATime(t *testing.T) {
	t.Parallel()
	extra := edit(t, "handoffs/contact-sales.yaml", "handoff: contact_sales", "handoff: second_sales")
	r := writing(t, map[string]string{"handoffs/second.yaml": extra["handoffs/contact-sales.yaml"]})
	w := newWorld()
	c := w.decide(t, r, monday, see(sales("51", "dana@acme.com")))
	w.located[c.Needs[0].ID()] = nil
	c = w.decide(t, r, monday, see(sales("51", "dana@acme.com")))
	creates := 0
	for _, i := range c.Intents {
		if i.Step == "create" {
			creates++
		}
	}
	if len(w.handoffs) != 2 || creates != 1 {
		t.Fatalf("%d handoffs, %d creates, want 2 and 1", len(w.handoffs), creates)
	}
	made := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	c = w.answered(t, r, monday, "create", plan.Delivered{Ref: made, Version: "v1"})
	if len(c.Handoffs) != 2 || len(c.Intents) != 2 {
		t.Fatalf("the second was not handed over: %+v", c.Intents)
	}
	for _, h := range w.handoffs {
		if h.Target != made {
			t.Errorf("%s is aimed at %s", h.Type, h.Target)
		}
	}
}

// TestMakerEnds: the handoff for which a record is made ends before that is there, while
// another one waits for it, of the same contact or of one with the same address. The
// record is made for the other one, or handed over to it if it may be on its way: its
// owner, one task, and nothing of the first (G13, C9).
func TestMakerEnds(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(base + "/handoffs/contact-sales.yaml")
	if err != nil {
		t.Fatal(err)
	}
	partner := strings.NewReplacer("contact_sales", "partner", "{contains: Contact sales}", "{contains: Partner}", "person.intent_signal: Contact sales", "person.intent_signal: Partner").Replace(string(raw))
	r := writing(t, map[string]string{"handoffs/partner.yaml": partner})
	made := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	for name, c := range map[string]struct {
		sent, deleted bool
		answer        plan.Delivered
	}{
		"taken back":                      {answer: plan.Delivered{Ref: made, Version: "v1"}},
		"its contact is deleted":          {deleted: true, answer: plan.Delivered{Ref: made, Version: "v1"}},
		"taken back on its way":           {sent: true, answer: plan.Delivered{Ref: made, Version: "v1"}},
		"taken back, and there already":   {sent: true, answer: plan.Delivered{Class: connectors.Conflict.String(), Err: "duplicate", Existing: made}},
		"its contact deleted, on its way": {sent: true, deleted: true, answer: plan.Delivered{Ref: made, Version: "v1"}},
	} {
		w, rec := newWorld(), sales("51", "dana@acme.com")
		w.locate(t, r, rec)
		first, create := w.only(t), w.steps()["create"]
		rec.Version, rec.ModifiedAt, rec.Fields = "2", monday.Add(time.Second), fields(rec, "intent_signal", "Partner", "last_form_at", monday.Format(time.RFC3339))
		w.decide(t, r, monday.Add(2*time.Second), see(rec))
		second := state.Handoff{}
		for _, h := range w.handoffs {
			if h.ID != first.ID {
				second = h
			}
		}
		if len(w.handoffs) != 2 || second.Owner == first.Owner {
			t.Fatalf("%s: %d handoffs, of %s and %s", name, len(w.handoffs), first.Owner, second.Owner)
		}
		if c.sent {
			create.State = state.Sending
			w.intents[create.Write.Key] = create
		}
		if c.deleted {
			other := rec
			other.Ref.ID = "52"
			w.add(other)
			second.Record, w.same[rec.Ref] = other.Ref, state.Same{Refs: []connectors.Ref{rec.Ref, other.Ref}}
			w.handoffs[second.ID], w.same[other.Ref] = second, w.same[rec.Ref]
			rec.Version, rec.Deleted = "3", true
			w.decide(t, r, monday.Add(3*time.Second), see(rec))
		} else {
			w.decide(t, r, monday.Add(3*time.Second), plan.Undo{Handoffs: []string{first.ID}, By: "ops", Found: []connectors.Object{{Ref: rec.Ref, Version: "2"}}})
		}
		i, waits := w.steps()["create"]
		if !waits || i.Write.Key != create.Write.Key || (i.Handoff == second.ID) == c.sent || w.handoffs[first.ID].Stage.Open() {
			t.Errorf("%s: the record is made for %s: %v; %s", name, i.Handoff, waits, w.handoffs[first.ID].Stage)
			continue
		}
		w.befores = map[connectors.Ref]state.Before{made: state.Before{}.Wrote(i, made, nil, monday)}
		w.answered(t, r, monday.Add(4*time.Second), "create", c.answer)
		owner, tasks := i.Write.Set["OwnerId"], 0
		for _, o := range w.intents {
			if v, writes := o.Write.Set["OwnerId"]; writes && o.Write.Ref == made {
				owner = v
			}
			if o.Step == "task" && o.Handoff == second.ID && (o.Write.After == i.Write.Key || slices.Contains(o.Write.Links, made)) {
				tasks++
			}
			if o.Handoff == first.ID && o.Write.Ref.Conn == "salesforce" {
				t.Errorf("%s: %s of the first is still to be written: %v", name, o.Step, o.Write.Set)
			}
		}
		h := w.handoffs[second.ID]
		if want := "u-" + strings.TrimSuffix(h.Owner, "@example.com"); h.Target != made || h.Stage != state.Assigned || owner != want || tasks != 1 {
			t.Errorf("%s: %s on %s, owner %v, want %s, %d tasks", name, h.Stage, h.Target, owner, want, tasks)
		}
		if !c.sent {
			continue
		}
		shows := lead("00Q1", "owner", fmt.Sprint(create.Write.Set["OwnerId"]), "handoff_id", first.ID, "handoff_status", "Assigned")
		shows.Version, shows.ModifiedAt = "v1", monday.Add(4*time.Second)
		w.decide(t, r, monday.Add(5*time.Second), see(shows))
		if h := w.handoffs[second.ID]; h.Stage != state.Assigned {
			t.Errorf("%s: who it was made for is taken for somebody's choice: %s (%s)", name, h.Stage, h.Note)
		}
	}
}

// TestCreateRefused: what the CRM says is listed for every handoff that hangs
// on the record, and nothing is written where nothing is.
func TestCreateRefused(t *testing.T) {
	t.Parallel()
	extra := edit(t, "handoffs/contact-sales.yaml", "handoff: contact_sales", "handoff: second_sales")
	r := writing(t, map[string]string{"handoffs/second.yaml": extra["handoffs/contact-sales.yaml"]})
	w := newWorld()
	w.locate(t, r, sales("51", "dana@acme.com"))
	w.answered(t, r, monday, "create", plan.Delivered{Class: connectors.Invalid.String(), Err: "REQUIRED_FIELD_MISSING: [Region__c]"})
	refused := 0
	for _, l := range w.listings {
		if l.List == "refused" && strings.Contains(l.Text, "Region__c") {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("listed %d times: %+v", refused, w.listings)
	}
	for _, h := range w.handoffs {
		if h.Stage != state.Assigned || !h.Written.IsZero() {
			t.Errorf("%s: %s, written %s", h.Type, h.Stage, h.Written)
		}
	}
	gone := sales("51", "dana@acme.com")
	gone.Version, gone.Deleted = "9", true
	w.decide(t, r, monday, see(gone))
	for _, i := range w.intents {
		t.Errorf("%s is still to be sent to nobody", i.Step)
	}
}

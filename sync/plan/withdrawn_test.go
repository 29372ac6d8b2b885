package plan_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// alerted lets the clock of acceptance run out: the manager is told by a task, which
// stands in the CRM. It returns the step of that task.
func (w *world) alerted(t *testing.T, r *plan.Rules, told connectors.Ref) string {
	t.Helper()
	now := monday.Add(16 * time.Minute)
	w.fireDue(t, r, now)
	for step := range w.steps() {
		if strings.HasPrefix(step, "say accept") && strings.Contains(step, "alert") {
			w.answered(t, r, now, step, plan.Delivered{Ref: told})
			return step
		}
	}
	t.Fatalf("nobody is told: %v", w.steps())
	return ""
}

// TestTickedOffAllTheSame: a task by which somebody was told is ticked off once that is
// seen to, also where the handoff ends before it is, or in the same reading (1.71).
func TestTickedOffAllTheSame(t *testing.T) {
	t.Parallel()
	told := connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t9"}
	for name, end := range map[string]func(rec *state.Record){
		"returned":   func(rec *state.Record) { rec.Fields = fields(*rec, "handoff_status", "Returned") },
		"superseded": func(rec *state.Record) { rec.Fields = fields(*rec, "owner", "u-cleo") },
		"deleted":    func(rec *state.Record) { rec.Deleted = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := writing(t, edit(t, "handoffs/demo-request.yaml", "[standard, untouched] ", "[standard] "))
			w, rec := assigned(t, r)
			step, said := w.alerted(t, r, told), monday.Add(17*time.Minute)
			rec.Version, rec.ModifiedAt, rec.Fields = "5", said, fields(rec, "handoff_status", "Accepted")
			w.decide(t, r, said, see(rec))
			rec.Version, rec.ModifiedAt = "6", said.Add(time.Minute)
			end(&rec)
			w.decide(t, r, said.Add(time.Minute), see(rec))
			if i, ok := w.steps()[step+" now"]; w.only(t).Stage.Open() || !ok || i.Write.Ref != told || i.Write.Set[connectors.TaskStatus] != "done" {
				t.Errorf("%s, and the task stays open", w.only(t).Stage)
			}
		})
	}
	t.Run("accepted and returned at once", func(t *testing.T) {
		t.Parallel()
		r := writing(t, edit(t, "handoffs/contact-sales.yaml", "[standard, untouched]", "[standard]"))
		w, source, carrier, h := across(t, r)
		w.spokenOf(t, r)
		w.decide(t, r, monday.Add(2*time.Second), see(carrier))
		told := connectors.Ref{Conn: "salesforce", Kind: "tasks", ID: "t9"}
		step, said := w.alerted(t, r, told), monday.Add(17*time.Minute)
		source.Version, source.ModifiedAt, source.Fields = "3", said, fields(source, "handoff_status", "Returned")
		carrier.Version, carrier.ModifiedAt, carrier.Fields = "v2", said.Add(-time.Second), fields(carrier, "handoff_status", "Accepted")
		w.decide(t, r, said, see(source))
		w.located[byID(carrier.Ref).ID()] = []state.Record{carrier}
		w.decide(t, r, said.Add(time.Second), see(source))
		if i, ok := w.steps()[step+" now"]; w.handoffs[h.ID].Stage != state.Returned || !ok || i.Write.Ref != told || i.Write.Set[connectors.TaskStatus] != "done" {
			t.Errorf("%s, and the task stays open", w.handoffs[h.ID].Stage)
		}
	})
}

// TestChaseTickedOff: what was missing has come, and the task that asked for it is ticked
// off, also where the handoff is taken over before that is written (1.64).
func TestChaseTickedOff(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	h, at := w.only(t), monday.Add(time.Minute)
	h.Missing = []string{"person.title"}
	h.Effects["chase"] = state.Effect{Key: "k", State: "done", Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t9"}, Task: true}
	w.handoffs[h.ID] = h
	w.add(company("hubspot", "9", map[string]string{"name": "Acme", "domain": "acme.com"}))
	rec.Links = []connectors.Ref{{Conn: "hubspot", Kind: "companies", ID: "9"}}
	rec.Version, rec.ModifiedAt = "5", at
	rec.Fields = fields(rec, "title", "CEO", "full_name", "Dana Fox", "business_problem", "x", "timeline", "y", "company_name", "Acme", "phone", "1")
	w.decide(t, r, at, see(rec))
	if _, ok := w.steps()["chase now"]; !ok {
		t.Fatalf("it is not ticked off: %v", w.steps())
	}
	rec.Version, rec.ModifiedAt, rec.Fields = "6", at.Add(time.Minute), fields(rec, "owner", "u-cleo")
	w.decide(t, r, at.Add(time.Minute), see(rec))
	if _, ok := w.steps()["chase now"]; !ok || w.only(t).Stage != state.Superseded {
		t.Errorf("%s, and it stays open", w.only(t).Stage)
	}
}

// partner is a type that lands on the same record as contact_sales, with what else it says.
func partner(t *testing.T, name, says string) string {
	t.Helper()
	raw, err := os.ReadFile(base + "/handoffs/contact-sales.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("contact_sales", name, "{contains: Contact sales}", "{contains: Partner}",
		"person.intent_signal: Contact sales", "person.intent_signal: Partner", "from: marketing", says+"from: marketing").Replace(string(raw))
}

// TestOneRecordForMore: the record that a handoff was to make is made for another one of the
// same person's where it ends before it is there (1.86).
func TestOneRecordForMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		types   map[string]string
		refused bool // the first one's record
		undone  bool // the first one
	}{
		"the first one is prepared for it": {types: map[string]string{"handoffs/partner.yaml": partner(t, "partner", "prepared_by: contact_sales\n")}},
		"refused, and prepared for a third": {types: map[string]string{
			"handoffs/partner.yaml": partner(t, "partner", ""), "handoffs/partner2.yaml": partner(t, "partner_two", "prepared_by: contact_sales\n"),
		}, refused: true},
		"refused, and undone": {types: map[string]string{"handoffs/partner.yaml": partner(t, "partner", "")}, refused: true, undone: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := writing(t, c.types)
			w, rec := newWorld(), sales("51", "dana@acme.com")
			w.locate(t, r, rec)
			first, create := w.only(t), w.steps()["create"]
			if c.refused {
				w.answered(t, r, monday.Add(time.Second), "create", plan.Delivered{Class: connectors.Invalid.String(), Err: "REQUIRED_FIELD_MISSING: [Region__c]"})
				create.State = state.Parked
				w.intents[create.Write.Key] = create
			}
			rec.Version, rec.ModifiedAt = "2", monday.Add(time.Second)
			rec.Fields = fields(rec, "intent_signal", "Partner", "last_form_at", monday.Format(time.RFC3339))
			w.decide(t, r, monday.Add(2*time.Second), see(rec))
			if c.undone {
				w.decide(t, r, monday.Add(3*time.Second), plan.Undo{Handoffs: []string{first.ID}, By: "ops", Found: []connectors.Object{{Ref: rec.Ref, Version: "2"}}})
			}
			if w.handoffs[first.ID].Stage.Open() {
				t.Fatalf("the first one is %s", w.handoffs[first.ID].Stage)
			}
			if i, ok := w.steps()["create"]; !ok || i.Handoff == first.ID || !w.handoffs[i.Handoff].Stage.Open() {
				t.Errorf("no record is made for those that wait for it")
			}
		})
	}
}

// TestGivenBackWhole: what is given back is the giver's on the record, and the record tells
// of it, whatever else the same reading shows (4.14, C8, G10).
func TestGivenBackWhole(t *testing.T) {
	t.Parallel()
	at := monday.Add(5 * time.Minute)
	for name, c := range map[string]struct {
		stamped time.Time // the answer to our write; zero: it has none
		earlier bool      // that is read before it is given back
	}{
		"a program had taken it":                   {},
		"a program had taken it from our write":    {stamped: monday.Add(time.Second)},
		"a program had taken it, and was answered": {stamped: monday.Add(time.Second), earlier: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := writing(t)
			w, rec := newWorld(), demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
			w.decide(t, r, monday, see(rec))
			w.answered(t, r, monday.Add(time.Second), "assign", plan.Delivered{Version: "2", Stamp: c.stamped})
			w.answered(t, r, monday.Add(time.Second), "task", plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t1"}})
			w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value("u-vera", at, connectors.ActorAutomation), value("u-ana", monday.Add(time.Second), connectors.ActorSelf)}}}
			rec.Version, rec.ModifiedAt, rec.Fields = "5", at, fields(rec, "owner", "u-vera", "handoff_status", "Assigned", "handoff_id", w.only(t).ID)
			if c.earlier {
				w.decide(t, r, at.Add(time.Second), see(rec))
				rec.Version, rec.ModifiedAt = "6", at.Add(time.Second)
			}
			rec.Fields = fields(rec, "handoff_status", "Returned")
			w.decide(t, r, at.Add(2*time.Second), see(rec))
			if got := w.steps()["return"].Write.Set["hubspot_owner_id"]; got != "u-jo" {
				t.Errorf("it is given to %v", got)
			}
		})
	}
	t.Run("a program had taken what was made for it", func(t *testing.T) {
		t.Parallel()
		r := writing(t)
		w, _, carrier, _ := across(t, r)
		w.spokenOf(t, r)
		w.decide(t, r, monday.Add(2*time.Second), see(carrier))
		w.byProgram(&carrier, at)
		carrier.Fields = fields(carrier, "handoff_status", "Returned")
		w.decide(t, r, at.Add(time.Second), see(carrier))
		if got := w.steps()["return"].Write.Set["OwnerId"]; got != "u-jo" {
			t.Errorf("it is given to %v", got)
		}
	})
	t.Run("a program had taken it in the other CRM", func(t *testing.T) {
		t.Parallel()
		r := writing(t)
		w, source, carrier, _ := across(t, r)
		w.spokenOf(t, r)
		w.decide(t, r, monday.Add(2*time.Second), see(carrier))
		w.byProgram(&carrier, at.Add(-time.Second))
		source.Version, source.ModifiedAt, source.Fields = "3", at, fields(source, "handoff_status", "Returned")
		w.decide(t, r, at, see(source))
		w.located[byID(carrier.Ref).ID()] = []state.Record{carrier}
		w.decide(t, r, at.Add(time.Second), see(source))
		if i := w.steps()["return"]; i.Write.Set["OwnerId"] != "u-jo" || i.Expect["OwnerId"] != "u-vera" {
			t.Errorf("it is given to %v over %v", i.Write.Set["OwnerId"], i.Expect["OwnerId"])
		}
		w.decide(t, r, at.Add(2*time.Second), see(carrier))
		for n := range 3 {
			i := w.steps()["return"]
			if i.Write.IfVersion == carrier.Version || i.Write.Set["OwnerId"] == nil {
				break
			}
			delete(w.intents, i.Write.Key)
			w.decide(t, r, at.Add(time.Duration(n+3)*time.Second), plan.Delivered{Intent: i, Ref: i.Write.Ref, Class: connectors.Conflict.String(), Err: "changed"})
		}
		if i := w.steps()["return"]; i.Write.Set["OwnerId"] != "u-jo" || i.Write.IfVersion != carrier.Version {
			t.Errorf("after a conflict it is given to %v on %s", i.Write.Set["OwnerId"], i.Write.IfVersion)
		}
	})
	t.Run("its receiver has left", func(t *testing.T) {
		t.Parallel()
		r := writing(t)
		w, source, carrier, h := across(t, r)
		w.spokenOf(t, r)
		w.decide(t, r, monday.Add(2*time.Second), see(carrier))
		w.inactive("salesforce", "ana")
		source.Version, source.ModifiedAt, source.Fields = "3", at, fields(source, "handoff_status", "Returned")
		carrier.Version, carrier.ModifiedAt = "v2", at.Add(-time.Second)
		w.decide(t, r, at, see(source))
		w.located[byID(carrier.Ref).ID()] = []state.Record{carrier}
		w.decide(t, r, at.Add(time.Second), see(source))
		if got := w.steps()["return"].Write.Set["OwnerId"]; got != "u-jo" || w.handoffs[h.ID].Returned.By != "ana@example.com" {
			t.Errorf("%s has given it to %v", w.handoffs[h.ID].Returned.By, got)
		}
	})
	for name, c := range map[string]struct {
		owner   string
		earlier bool // the survivor is read before that
	}{
		"it came from a merged record":                     {owner: "u-ana"},
		"it came from a merged record to nobody's":         {},
		"it came from a merged record before":              {owner: "u-ana", earlier: true},
		"it came from a merged record to nobody's, before": {earlier: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := writing(t)
			w, rec := assigned(t, r)
			heir := contact("60", map[string]string{"email": "dana@acme.com", "owner": c.owner})
			heir.Version, heir.ModifiedAt, heir.Absorbed = "9", at, []connectors.Ref{rec.Ref}
			if c.earlier {
				w.decide(t, r, at.Add(time.Second), see(heir))
				heir.Version, heir.ModifiedAt = "91", at.Add(time.Minute)
			}
			heir.Fields = fields(heir, "handoff_status", "Returned", "handoff_return_reason", "Too early")
			w.decide(t, r, at.Add(2*time.Minute), see(heir))
			set := w.steps()["return"].Write.Set
			if _, clears := set["handoff_return_reason"]; set["handoff_id"] != w.only(t).ID || set["handoff_status"] != "Returned" || set["hubspot_owner_id"] != "u-jo" || clears {
				t.Errorf("the record says %v", set)
			}
		})
	}
}

// byProgram has a program give a lead to somebody else at an instant.
func (w *world) byProgram(carrier *state.Record, at time.Time) {
	w.trails = map[string]state.Trail{carrier.Ref.ID: {Values: []connectors.FieldValue{value("u-vera", at, connectors.ActorAutomation), value("u-ana", monday.Add(time.Second), connectors.ActorSelf)}}}
	carrier.Version, carrier.ModifiedAt, carrier.Fields = "v2", at, fields(*carrier, "owner", "u-vera")
}

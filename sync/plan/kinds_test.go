package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

const won = `handoff: won
what: The contract is signed.
about: deal
from: account executives
to: customer success
starts_when:
  - {deal.stage: {changed_to: Closed Won, pipeline: Sales}}
happened_at: deal.signed_on
context: {must_have: [deal.name], if_missing: route_then_chase}
sla: onboarding
owner:
  - owner in deal.csm
  - round robin cs_onboarding
receiver_becomes: deal.csm
support_contact: deal.owner
accepted_when: {deal.handoff_status: Accepted}
first_touch_is: [meeting]
completed_when: first_touch
if_stalled: [standard]
`

func closedWon(t *testing.T) *plan.Rules {
	t.Helper()
	mapping := edit(t, "mappings/salesforce.yaml", "    is_closed:", "    csm:               {read: CSM__c, write: CSM__c, is_a: user}\n    handoff_status:    {read: Handoff_Status__c}\n    is_closed:")
	tiers := edit(t, "sla.yaml", "escalations:", "  onboarding: {for: signed customers, accept_within: 24 hours, first_touch_within: {time: 5 working days, counted_from: deal.signed_on}}\nescalations:")
	return writing(t, map[string]string{"handoffs/won.yaml": won}, mapping, tiers)
}

func opportunity(pairs ...string) state.Record {
	r := state.Record{
		Ref: connectors.Ref{Conn: "salesforce", Kind: "Opportunity", ID: "006A"}, Noun: "deal", Version: "1", CreatedAt: live.Add(-time.Hour), ModifiedAt: monday,
		Fields: map[string]string{"name": "Acme 2026", "stage": "Negotiation", "owner": "u-dev", "signed_on": "2026-03-16"},
		Links:  []connectors.Ref{{Conn: "salesforce", Kind: "Account", ID: "001A"}},
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields[pairs[i]] = pairs[i+1]
	}
	return r
}

// TestSalesToCustomerSuccess (1.34, 3.5, 3.31, 3.55): the receiver stands in a
// field of its own, the deal's owner stays, is asked and not accountable, and
// the kickoff is counted from the signature.
func TestSalesToCustomerSuccess(t *testing.T) {
	t.Parallel()
	r, w := closedWon(t), newWorld()
	w.add(company("salesforce", "001A", map[string]string{"name": "Acme"}))
	w.decide(t, r, monday.Add(-time.Hour), see(opportunity()))
	signed := opportunity("stage", "Closed Won")
	signed.Version = "2"
	w.decide(t, r, monday, see(signed))
	h := w.only(t)
	set := w.steps()["assign"].Write.Set
	if h.Owner != "farah@example.com" || h.Giver != "dev@example.com" || h.Accountable != "dev@example.com" || h.Account.ID != "001A" {
		t.Errorf("%+v", h)
	}
	if _, owner := set["OwnerId"]; owner || set["CSM__c"] != "u-farah" || set["handoff_support_contact"] != "dev@example.com" {
		t.Errorf("writes %v", set)
	}
	ny, _ := time.LoadLocation("America/New_York")
	if want := monday.Add(24 * time.Hour); !h.AcceptBy.Equal(want) {
		t.Errorf("accept by %s, want %s", h.AcceptBy, want)
	}
	if want := time.Date(2026, 3, 23, 17, 0, 0, 0, ny); h.TouchBy.In(ny).Format(time.DateOnly) != want.Format(time.DateOnly) {
		t.Errorf("kickoff by %s, want the end of %s", h.TouchBy.In(ny), want)
	}
	w.answered(t, r, monday, "assign", plan.Delivered{Version: "3"})
	signed.Version, signed.Fields = "4", fields(signed, "csm", "u-farah", "owner", "u-erin")
	w.decide(t, r, monday.Add(time.Hour), see(signed))
	if h := w.only(t); h.Stage != state.Assigned {
		t.Errorf("a new deal owner ended the handoff: %s", h.Stage)
	}
	signed.Version, signed.Fields = "5", fields(signed, "csm", "u-gus")
	w.decide(t, r, monday.Add(time.Hour), see(signed))
	if h := w.only(t); h.Stage != state.Superseded || h.Accountable != "gus@example.com" {
		t.Errorf("%s %s", h.Stage, h.Accountable)
	}
}

// TestSwitchingOn: deals that were won before, whatever their close date says,
// start nothing.
func TestSwitchingOn(t *testing.T) {
	t.Parallel()
	r := closedWon(t)
	for _, test := range []struct {
		name, signed string
		modified     time.Time
		want         int
	}{
		{"won last month", "2026-02-10", live.Add(-20 * 24 * time.Hour), 0},
		{"won before, closing at the end of the quarter", "2026-03-31", live.Add(-time.Hour), 0},
		{"won on the day, before", "2026-03-01", live.Add(-time.Minute), 0},
		{"won on the day, after", "2026-03-01", live.Add(time.Hour), 1},
		{"won since", "2026-03-10", monday, 1},
	} {
		w := newWorld()
		w.add(company("salesforce", "001A", map[string]string{"name": "Acme"}))
		rec := opportunity("stage", "Closed Won", "signed_on", test.signed)
		rec.ModifiedAt = test.modified
		w.decide(t, r, monday, plan.Observed{Record: rec, Via: "listing", Came: monday})
		if len(w.handoffs) != test.want {
			t.Errorf("%s: %d handoffs, want %d", test.name, len(w.handoffs), test.want)
		}
	}
}

// TestNamedBefore (3.5): who was named before the contract closed.
func TestNamedBefore(t *testing.T) {
	t.Parallel()
	r, w := closedWon(t), newWorld()
	w.add(company("salesforce", "001A", map[string]string{"name": "Acme"}))
	w.decide(t, r, monday, see(opportunity("stage", "Closed Won", "csm", "u-gus", "signed_on", "2026-03-16")))
	if h := w.only(t); h.Owner != "gus@example.com" || !says(h.Why, "who is in deal.csm") {
		t.Errorf("%s %v", h.Owner, h.Why)
	}
}

// TestStartsWhereTheWordsAre: without on:, a type starts in every CRM whose
// mapping has what starts it and a place for the receiver.
func TestStartsWhereTheWordsAre(t *testing.T) {
	t.Parallel()
	r := writing(t, alone(t, "on: hubspot\n", ""))
	for _, rec := range []state.Record{price("51"), lead("00Q1", "intent_signal", "Price")} {
		w := newWorld()
		w.decide(t, r, monday, see(rec))
		if w.only(t).Target != rec.Ref {
			t.Errorf("%+v", w.handoffs)
		}
	}
	// Only one of the two knows who the customer success manager is.
	for _, write := range closedWon(t).Writes() {
		if strings.HasPrefix(write, "hubspot deals.") {
			t.Errorf("the type starts where nobody could be written: %s", write)
		}
	}
}

// TestAboutACompany (1.35, 1.49): the company is its own account.
func TestAboutACompany(t *testing.T) {
	t.Parallel()
	mapping := edit(t, "mappings/hubspot.yaml", "    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, is_a: user}",
		"    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, write: hubspot_owner_id, is_a: user}")
	text := strings.NewReplacer(
		"about: person", "about: company", "{person.intent_signal: Price}", "{company.employees: {at_least: 100}}", "person.email: {filled: yes}", "company.name: {filled: yes}",
		"must_have: [person.email]", "must_have: [company.name]", "{any: [{person.handoff_status: Accepted}, {person.lead_status: Working}]}", "{company.segment: Expansion}",
		"owner: [round robin sdr_us]", "owner: [open deal owner, named account owner, round robin ae_enterprise]",
	).Replace(undated)
	r := writing(t, mapping, map[string]string{"handoffs/asked-price.yaml": text})
	for owner, want := range map[string]string{"u-erin": "erin@example.com", "": "dev@example.com"} {
		w := newWorld()
		a := acme("employees", "150")
		a.CreatedAt = monday
		w.add(a)
		if owner != "" {
			w.add(openDeal("1", owner))
		}
		w.decide(t, r, monday, see(a))
		if h := w.only(t); h.Owner != want || h.Account != a.Ref || h.Target != a.Ref {
			t.Errorf("%s, want %s: %v", h.Owner, want, h.Why)
		}
	}
}

// TestOtherwiseSet: what a type sets on a record it does not take is written
// once, in the CRM's own code, and not in observe mode.
func TestOtherwiseSet(t *testing.T) {
	t.Parallel()
	mapping := edit(t, "mappings/hubspot.yaml", "read: hs_lead_status\n", "read: hs_lead_status\n      write: hs_lead_status\n")
	typ := alone(t, "{list_as: nurture}", "{set: {person.lead_status: Unqualified}, list_as: nurture}")
	r, w := writing(t, typ, mapping), newWorld()
	rec := price("51", "email", "")
	for range 2 {
		w.decide(t, r, monday, see(rec))
	}
	i := w.steps()["otherwise"]
	if len(w.intents) != 1 || i.Write.Set["hs_lead_status"] != "UNQUALIFIED" || i.Handoff != "" {
		t.Fatalf("%+v", w.intents)
	}
	if !slices.Contains(r.Writes(), "hubspot contacts.hs_lead_status") {
		t.Error("it is not among the writes")
	}
	w.decide(t, r, monday, plan.Delivered{Intent: i, Ref: rec.Ref, Class: "invalid", Err: "not an option"})
	if l := w.listings[len(w.listings)-1]; l.List != "refused" || !strings.Contains(l.Text, "not an option") {
		t.Errorf("%+v", w.listings)
	}
	typ["handoffd.yaml"] = edit(t, "handoffd.yaml", "mode: observe", "mode: observe ")["handoffd.yaml"]
	typ["mappings/hubspot.yaml"] = mapping["mappings/hubspot.yaml"]
	w = newWorld()
	w.decide(t, compile(t, folder(t, typ)), monday, see(rec))
	if len(w.intents) != 0 {
		t.Errorf("observe mode writes %+v", w.intents)
	}
}

// TestKnownElsewhere: who a person is in the other CRM needs no question, and
// the write is read again before it leaves.
func TestKnownElsewhere(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec, there := sales("51", "dana@acme.com"), lead("00Q7")
	w.add(there)
	w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, there.Ref}, By: "cross-id"}
	c := w.decide(t, r, monday, see(rec))
	if len(c.Needs) != 0 || w.only(t).Target != there.Ref || !w.steps()["assign"].ReadAt.IsZero() {
		t.Errorf("%v %+v", c.Needs, w.only(t))
	}
}

// TestAuditNames what the reports need of every assignment.
func TestAuditNames(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, _ := assigned(t, r)
	var actions []string
	for _, row := range w.audit {
		actions = append(actions, row.Action)
		if row.Subject != w.only(t).ID || row.Rules != r.Digest() || row.At.IsZero() || row.Actor != "handoffd" {
			t.Errorf("%+v", row)
		}
	}
	if !slices.Equal(actions, []string{"assigned", "written"}) {
		t.Errorf("actions %v", actions)
	}
}

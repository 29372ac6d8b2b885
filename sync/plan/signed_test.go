package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// The starter pack's way from the contract that is out to the customer who is
// handed over, decision by decision.

// starterDeal is a deal of Dev's with everything that customer success has to
// know of it.
func starterDeal(version, stage string, pairs ...string) state.Record {
	r := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "deals", ID: "7"}, Noun: "deal", Version: version,
		CreatedAt: monday.Add(-time.Hour), ModifiedAt: monday.Add(-time.Minute),
		Fields: map[string]string{
			"name": "Stark - first", "pipeline": "Sales", "stage": stage, "owner": "u-dev", "signed_on": "2026-03-16",
			"why_bought": "Quotes took three days, an audit triggered it", "customer_goals": "Quotes in 4 hours in place of 3 days",
			"stakeholders": "Buyer Ruth, champion Dan, users in sales operations, skeptic: IT", "commitments": "ERP integration in May, price fixed for 2 years",
			"technical_needs": "ERP, single sign-on", "open_risks": "Migration of 40 shops", "success_30_60_90": "30 days: 10 shops. 60: 25. 90: 40 shops",
			"deal_origin": "Referral", "competitors": "Rival Ltd", "call_recordings": "https://calls.example/1", "proposal": "https://docs.example/p",
			"key_emails": "https://mail.example/1", "business_problem": "Quotes take three days",
		},
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Fields[pairs[i]] = pairs[i+1]
	}
	return r
}

// ofType is the only handoff of a type.
func (w *world) ofType(t *testing.T, typ string) state.Handoff {
	t.Helper()
	var found []state.Handoff
	for _, h := range w.handoffs {
		if h.Type == typ {
			found = append(found, h)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d handoffs %s: %+v", len(found), typ, w.listings)
	}
	return found[0]
}

// TestPacket: the gate of a signed contract, field by field: one thing that is
// missing is named, and nothing else; goals without a number and a link that is
// none count as missing; with all there the document is complete, and only what
// the account executive still has to do is waited for (3.11, 3.21, 3.22, 3.23,
// 3.24, 3.25, 3.26, 3.27, 3.46, 3.47, 3.48).
func TestPacket(t *testing.T) {
	t.Parallel()
	r := starterRules(t)
	packet := []string{
		"why_bought", "customer_goals", "stakeholders", "commitments", "technical_needs", "open_risks", "success_30_60_90",
		"deal_origin", "competitors", "call_recordings", "proposal", "key_emails",
	}
	type test struct{ field, holds string }
	tests := []test{{"", ""}, {"customer_goals", "Quicker quotes"}, {"success_30_60_90", "They are happy"}, {"call_recordings", "in my notes"}, {"proposal", "on the drive"}}
	for _, word := range packet {
		tests = append(tests, test{word, ""})
	}
	for _, tc := range tests {
		w := newWorld()
		w.decide(t, r, monday.Add(-time.Hour), see(starterDeal("1", "Qualified to buy")))
		w.decide(t, r, monday, see(starterDeal("2", "Closed Won", tc.field, tc.holds)))
		h := w.ofType(t, "closed_won_to_cs")
		var want []string
		if tc.field != "" {
			want = []string{"deal." + tc.field}
		}
		if diff := cmp.Diff(want, h.Missing); diff != "" {
			t.Errorf("%s=%q: missing (-want +got):\n%s", tc.field, tc.holds, diff)
		}
		if h.Stage != state.Held || h.Accountable != "dev@example.com" || h.HoldUntil != monday.Add(48*time.Hour) {
			t.Errorf("%s=%q: %s with %q until %s", tc.field, tc.holds, h.Stage, h.Accountable, h.HoldUntil)
		}
		subject, _ := w.steps()["chase"].Write.Set[connectors.TaskSubject].(string)
		if label := "Deal " + strings.ReplaceAll(tc.field, "_", " "); (tc.field != "") != strings.Contains(subject, ": "+label) || strings.Contains(subject, ", Deal") {
			t.Errorf("%s=%q: the giver's task is %q", tc.field, tc.holds, subject)
		}
		if tc.field != "" {
			w.done(t, r, monday)
			w.decide(t, r, monday.Add(time.Hour), see(starterDeal("3", "Closed Won")))
			if h = w.ofType(t, "closed_won_to_cs"); len(h.Missing) > 0 || h.Stage != state.Held {
				t.Errorf("%s: filled, and %s still misses %v", tc.field, h.Stage, h.Missing)
			}
		}
		w.done(t, r, monday.Add(time.Hour))
		w.tick(t, r, h.Items[len(h.Items)-1], h, monday.Add(2*time.Hour))
		for _, i := range h.Items {
			if h = w.ofType(t, "closed_won_to_cs"); i.Gives && h.Stage == state.Held {
				w.tick(t, r, i, h, monday.Add(2*time.Hour))
			}
		}
		if h = w.ofType(t, "closed_won_to_cs"); h.Stage != state.Assigned || h.Accountable != "dev@example.com" || h.Support != "dev@example.com" {
			t.Errorf("%s: %s, accountable %s, support %s", tc.field, h.Stage, h.Accountable, h.Support)
		}
	}
}

// TestPreparation: when the contract goes out, the one who will look after the
// customer is named on the deal before it closes (3.5) and has the goals, the
// budget, the problem and the stakeholders in front of them (3.4); the account executive is
// to brief them on the story (3.6) and to invite them to the next demo or
// negotiation as an observer (3.7). Who was named gets the signed contract.
func TestPreparation(t *testing.T) {
	t.Parallel()
	r, w := starterRules(t), newWorld()
	out := starterDeal("1", "Contract sent", "competitors", "", "amount", "24000")
	w.decide(t, r, monday, see(out))
	h := w.ofType(t, "pre_sale_to_cs")
	if h.Stage != state.Assigned || h.Giver != "dev@example.com" || !slices.Contains([]string{"farah@example.com", "gus@example.com"}, h.Owner) {
		t.Fatalf("%s %+v", h.Stage, h)
	}
	csm := "u-" + strings.TrimSuffix(h.Owner, "@example.com")
	steps := w.steps()
	set := steps["assign"].Write.Set
	if _, owner := set["hubspot_owner_id"]; owner || set["csm_planned"] != csm {
		t.Errorf("writes %v", set)
	}
	brief, _ := steps["task"].Write.Set[connectors.TaskBody].(string)
	for _, part := range []string{"Deal customer goals: Quotes in 4 hours", "Deal business problem: Quotes take three days", "Deal stakeholders: Buyer Ruth", "Deal amount: 24000"} {
		if !strings.Contains(brief, part) {
			t.Errorf("the brief lacks %q:\n%s", part, brief)
		}
	}
	var todo []string
	for _, i := range h.Items {
		task := w.steps()[i.Step].Write
		todo = append(todo, task.Set[connectors.TaskOwner].(string)+" "+i.Do)
		if i.By.IsZero() || len(task.Links) == 0 || task.Links[0] != out.Ref {
			t.Errorf("%s: by %s about %v", i.Do, i.By, task.Links)
		}
	}
	want := []string{
		"u-dev Brief the CSM on the story and the stakeholders", "u-dev Invite the CSM to the next demo or negotiation as an observer",
		csm + " Read the document and ask what is missing",
	}
	if diff := cmp.Diff(want, todo); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	w.done(t, r, monday)
	if w.tick(t, r, h.Items[0], h, monday.Add(time.Hour)); w.ofType(t, "pre_sale_to_cs").Items[0].Done.IsZero() {
		t.Error("the briefing is not noted")
	}
	signed := starterDeal("9", "Closed Won", "csm_planned", csm)
	signed.ModifiedAt = monday.Add(48 * time.Hour)
	w.decide(t, r, monday.Add(48*time.Hour), see(signed))
	if n := len(w.listed("preparation")); n != 0 {
		t.Errorf("listed as not prepared %d times", n)
	}
	over := w.ofType(t, "closed_won_to_cs")
	w.done(t, r, monday.Add(48*time.Hour))
	for _, i := range over.Items {
		if i.Gives {
			w.tick(t, r, i, over, monday.Add(49*time.Hour))
		}
	}
	if over = w.ofType(t, "closed_won_to_cs"); over.Owner != h.Owner || !says(over.Why, "who is in deal.csm_planned") {
		t.Errorf("signed, %s has it: %v", over.Owner, over.Why)
	}
}

// TestPreparationEnds: what is left of a preparation ends when the contract is
// signed, whether anybody has taken it up or not: its place is taken, which the
// audit says, its clocks stand still and its tasks are ticked off. Where nobody
// had begun with it that is flagged (3.28).
func TestPreparationEnds(t *testing.T) {
	t.Parallel()
	for _, begun := range []bool{false, true} {
		r, w := starterRules(t), newWorld()
		w.decide(t, r, monday, see(starterDeal("1", "Contract sent")))
		w.done(t, r, monday)
		if begun {
			seen := starterDeal("5", "Contract sent", "handoff_status", "Accepted", "csm_planned", "u-farah")
			seen.ModifiedAt = monday.Add(time.Hour)
			w.decide(t, r, monday.Add(time.Hour), see(seen))
			w.done(t, r, monday.Add(time.Hour))
			if h := w.ofType(t, "pre_sale_to_cs"); h.Stage != state.Accepted {
				t.Fatal(h.Stage)
			}
		}
		at := monday.Add(24 * time.Hour)
		signed := starterDeal("9", "Closed Won", "csm_planned", "u-farah")
		signed.ModifiedAt = at
		w.decide(t, r, at, see(signed))
		h, by := w.ofType(t, "pre_sale_to_cs"), w.ofType(t, "closed_won_to_cs")
		if h.Stage != state.Superseded || h.ClosedAt != at || !strings.Contains(h.Note, "closed_won_to_cs") {
			t.Errorf("begun %v: %s %q", begun, h.Stage, h.Note)
		}
		if i := slices.IndexFunc(w.audit, func(a state.AuditRow) bool { return a.Action == "superseded" && a.Subject == h.ID }); i < 0 || w.audit[i].Detail["by"] != by.ID {
			t.Errorf("begun %v: no row says who has taken its place: %+v", begun, w.audit)
		}
		if set := w.steps()["hold"].Write.Set; set["handoff_id"] != by.ID || set["handoff_type"] != "closed_won_to_cs" {
			t.Errorf("begun %v: the record shows %v", begun, set)
		}
		for _, timer := range w.timers {
			if timer.Handoff == h.ID {
				t.Errorf("begun %v: %s still ticks", begun, timer.Clock)
			}
		}
		closed := 0
		for _, i := range w.intents {
			if i.Handoff == h.ID && i.Write.Set[connectors.TaskStatus] == "done" {
				closed++
			} else if i.Handoff == h.ID {
				t.Errorf("begun %v: it still writes %+v", begun, i.Write)
			}
		}
		if want := 1 + len(h.Items); closed != want {
			t.Errorf("begun %v: %d tasks ticked off, want %d", begun, closed, want)
		}
		if n := len(w.listed("preparation")); (n == 0) != begun {
			t.Errorf("begun %v: flagged %d times", begun, n)
		}
		w.decide(t, r, at.Add(time.Hour), plan.Observed{Record: signed, Via: "poll", Came: at})
		if got := w.ofType(t, "pre_sale_to_cs"); got.Stage != state.Superseded {
			t.Errorf("begun %v: looked at again, %s", begun, got.Stage)
		}
	}
}

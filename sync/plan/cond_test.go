package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
)

// TestConditions (1.40): every operator, on values as records have them. A
// blank passes nothing but filled: no, unless or_blank lets it.
func TestConditions(t *testing.T) {
	t.Parallel()
	person := func(pairs ...string) map[string]string {
		f := map[string]string{"email": "dana@shop.acme.com", "email_domain": "acme.com", "intent_signal": "Price"}
		for i := 0; i < len(pairs); i += 2 {
			f[pairs[i]] = pairs[i+1]
		}
		return f
	}
	date := func(d time.Duration) string { return monday.Add(d).Format(time.RFC3339) }
	tests := []struct {
		cond   string
		person map[string]string
		holds  bool
		says   string
	}{
		{"{person.country: US}", person("country", "US"), true, ""},
		{"{person.country: us}", person("country", "US"), true, ""},
		{"{person.country: US}", person("country", "GB"), false, `country is "GB"`},
		{"{person.country: US}", person(), false, "country is blank"},
		{"{person.country: {is: US, or_blank: yes}}", person(), true, ""},
		{"{person.country: [GB, IE]}", person("country", "IE"), true, ""},
		{"{person.country: {is_not: US}}", person("country", "GB"), true, ""},
		{"{person.country: {is_not: US}}", person(), false, "country is blank"},
		{"{person.country: {in: [GB, IE]}}", person("country", "GB"), true, ""},
		{"{person.email_domain: {not_in: free_mail}}", person(), true, ""},
		{"{person.email_domain: {in: free_mail}}", person("email_domain", "gmail.com"), true, ""},
		{"{person.email_domain: {in: free_mail}}", person(), false, `email domain is "acme.com"`},
		{"{person.email: {ends_with: [.edu, '@shop.acme.com']}}", person(), true, ""},
		{"{person.email: {starts_with: DANA}}", person(), true, ""},
		{"{person.title: {contains: chief}}", person("title", "The Chief of it"), true, ""},
		{"{person.title: {contains: chief}}", person("title", "Chef"), false, ""},
		{"{person.title: {filled: no}}", person(), true, ""},
		{"{person.title: {filled: yes}}", person(), false, "title is blank"},
		{"{company.employees: {at_least: 100}}", person(), true, ""},
		{"{company.employees: {at_least: 501}}", person(), false, `employees is "500"`},
		{"{company.employees: {at_most: 500}}", person(), true, ""},
		{"{company.employees: {between: [400, 600]}}", person(), true, ""},
		{"{company.employees: {between: 501 to 600}}", person(), false, ""},
		{"{company.is_customer: no}", person(), true, ""},
		{"{company.is_customer: yes}", person(), false, ""},
		{"{company.country: {same_as: person.country}}", person("country", "DE"), true, ""},
		{"{company.country: {same_as: person.country}}", person("country", "US"), false, ""},
		{"{company.country: {same_as: person.country}}", person(), false, ""},
		{"{company: {filled: yes}}", person(), true, ""},
		{"{company: {filled: yes}}", person("email_domain", "gmail.com", "email", "dana@gmail.com"), false, "the company is not known"},
		{"{company: {filled: no}}", person("email_domain", "gmail.com", "email", "dana@gmail.com"), true, ""},
		{"{deal: {filled: yes}}", person(), false, "the deal is not known"},
		{"{person.last_form_at: {within_days: 7}}", person("last_form_at", date(-6*24*time.Hour)), true, ""},
		{"{person.last_form_at: {within_days: 7}}", person("last_form_at", date(-8*24*time.Hour)), false, ""},
		{"{person.last_form_at: {at_least: 2026-03-16}}", person("last_form_at", date(0)), true, ""},
		{"{person.last_form_at: {at_most: 2026-03-16}}", person("last_form_at", date(0)), true, ""},
		{"{person.last_form_at: {at_most: 2026-03-15}}", person("last_form_at", date(0)), false, ""},
		{"{person.lead_status: {changed_to: New}}", person("lead_status", "New"), true, ""},
		{"{all: [{person.country: US}, {person.title: CEO}]}", person("country", "US"), false, "title is blank"},
		{"{any: [{person.country: US}, {person.title: CEO}]}", person("country", "US"), true, ""},
		{"{any: [{person.country: US}, {person.title: CEO}]}", person(), false, "country is blank, title is blank"},
		{"{none: [{person.country: US}, {person.title: CEO}]}", person("country", "GB"), true, ""},
		{"{none: [{person.country: US}, {person.title: CEO}]}", person("title", "CEO"), false, `title is "CEO"`},
		{"{person.country: US, person.title: CEO}", person("country", "US", "title", "ceo"), true, ""},
	}
	for _, test := range tests {
		t.Run(test.cond, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(undated, "  person.email: {filled: yes}\n", "  - "+test.cond+"\n", 1)
			r := writing(t, map[string]string{"handoffs/asked-price.yaml": text, "handoffs/demo-request.yaml": "", "handoffs/contact-sales.yaml": ""})
			w := newWorld()
			w.add(acme("employees", "500", "country", "DE", "is_customer", "no"))
			c := w.decide(t, r, monday, see(contact("51", test.person)))
			if got := len(w.handoffs) == 1; got != test.holds {
				t.Fatalf("holds %v, want %v: %v", got, test.holds, c.Why)
			}
			if !test.holds && !says(c.Why, test.says) {
				t.Errorf("it says %v, want %q", c.Why, test.says)
			}
		})
	}
}

// TestPipeline: a stage is its label and, where the CRM says it, its pipeline.
func TestPipeline(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(
		"about: person", "about: deal", "{person.intent_signal: Price}", "{deal.stage: {changed_to: Won, pipeline: Sales}}",
		"person.email: {filled: yes}", "deal.stage: {filled: yes}", "must_have: [person.email]", "must_have: [deal.stage]",
		"{any: [{person.handoff_status: Accepted}, {person.lead_status: Working}]}", "next_task_created",
	).Replace(undated)
	r := writing(t, edit(t, "mappings/hubspot.yaml", "yes_no}\n    owner:             {read: hubspot_owner_id, is_a: user}\n\nmatch",
		"yes_no}\n    owner:             {read: hubspot_owner_id, write: hubspot_owner_id, is_a: user}\n\nmatch"), map[string]string{"handoffs/won.yaml": text})
	for pipeline, want := range map[string]int{"Sales": 1, "Renewals": 0, "": 1} {
		w := newWorld()
		w.add(acme())
		deal := openDeal("1", "u-dev", "stage", "Won", "pipeline", pipeline)
		deal.CreatedAt = monday
		w.decide(t, r, monday, see(deal))
		if len(w.handoffs) != want {
			t.Errorf("pipeline %q: %d handoffs, want %d", pipeline, len(w.handoffs), want)
		}
		for _, h := range w.handoffs {
			if h.Giver != "dev@example.com" && h.Giver != "jo@example.com" || h.Account.ID != "9" || h.Stage != state.Assigned {
				t.Errorf("%+v", h)
			}
		}
	}
}

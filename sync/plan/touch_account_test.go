package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// aboutAcme is a company in the hands of the enterprise team, assigned.
func aboutAcme(t *testing.T) (*plan.Rules, *world, state.Handoff) {
	t.Helper()
	mapping := edit(t, "mappings/hubspot.yaml", "    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, is_a: user}",
		"    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, write: hubspot_owner_id, is_a: user}")
	text := strings.NewReplacer(
		"about: person", "about: company", "{person.intent_signal: Price}", "{company.employees: {at_least: 100}}", "person.email: {filled: yes}", "company.name: {filled: yes}",
		"must_have: [person.email]", "must_have: [company.name]", "{any: [{person.handoff_status: Accepted}, {person.lead_status: Working}]}", "{any: [{company.segment: Expansion}, first_touch_logged]}",
		"owner: [round robin sdr_us]", "owner: [round robin ae_enterprise]", "first_touch_is: [call]", "first_touch_is: [call, email]",
	).Replace(undated)
	r, w := writing(t, mapping, map[string]string{"handoffs/asked-price.yaml": text}), newWorld()
	a := acme("employees", "150")
	a.CreatedAt = monday
	w.add(a)
	w.decide(t, r, monday, see(a))
	w.answered(t, r, monday, "assign", plan.Delivered{Version: "2"})
	return r, w, w.only(t)
}

// TestCompanyByItsPeople: who calls somebody of a company has reached the
// company, though nothing on the company says so: where the call is seen, and
// where the CRM only counts it on the person (1.14, 1.16, 1.78). A colleague's
// call, a person of somebody else, one of another company and what was before
// the assignment say nothing.
func TestCompanyByItsPeople(t *testing.T) {
	t.Parallel()
	dana := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}
	at := monday.Add(time.Hour)
	counted := func(at time.Time, pairs ...string) func(*plan.Rules, state.Record) plan.Observed {
		return func(_ *plan.Rules, p state.Record) plan.Observed {
			p.Version, p.ModifiedAt = "9", at
			p.Fields = fields(p, append([]string{connectors.WorkLastAt, at.Format(time.RFC3339)}, pairs...)...)
			return plan.Observed{Record: p, Via: "poll", Came: at}
		}
	}
	called := func(by string) func(*plan.Rules, state.Record) plan.Observed {
		return func(r *plan.Rules, _ state.Record) plan.Observed {
			return plan.Observed{Record: act(r, "calls-1", did("call", by, at), dana), Via: "poll", Came: at}
		}
	}
	for _, tc := range []struct {
		name  string
		mail  string
		event func(*plan.Rules, state.Record) plan.Observed
		want  state.Stage
	}{
		{"a call by the receiver", "dana@acme.com", called("u-dev"), state.Completed},
		{"a call by a colleague", "dana@acme.com", called("u-erin"), state.Assigned},
		{"a call to somebody of another company", "dana@other.example", called("u-dev"), state.Assigned},
		{"counted on somebody whom nobody owns", "dana@acme.com", counted(at), state.Completed},
		{"counted on somebody of the receiver's", "dana@acme.com", counted(at, "owner", "u-dev", connectors.WorkFirstAt, at.Format(time.RFC3339), connectors.WorkFirstType, "call"), state.Completed},
		{"counted on somebody else's", "dana@acme.com", counted(at, "owner", "u-ana"), state.Assigned},
		{"counted before", "dana@acme.com", counted(monday.Add(-time.Hour)), state.Assigned},
		{"counted on somebody of another company", "dana@other.example", counted(at), state.Assigned},
	} {
		r, w, before := aboutAcme(t)
		if before.Stage != state.Assigned || before.Owner != "dev@example.com" {
			t.Fatalf("%s: %+v", tc.name, before)
		}
		_, host, _ := strings.Cut(tc.mail, "@")
		p := contact(dana.ID, map[string]string{"email": tc.mail, "email_domain": host})
		w.add(p)
		ev := tc.event(r, p)
		w.decide(t, r, at.Add(time.Minute), ev)
		h := w.only(t)
		if h.Stage != tc.want || (tc.want == state.Completed) != (h.AcceptedBy == "dev@example.com" && !h.TouchedAt.IsZero()) {
			t.Errorf("%s: %s, touched %s, by %q; want %s", tc.name, h.Stage, h.TouchedAt, h.AcceptedBy, tc.want)
		}
	}
}

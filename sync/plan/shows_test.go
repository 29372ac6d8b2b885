package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// TestShows: what a lead is judged by is what its type looks at and wants to
// know, not what was decided, who has it or how to reach the buyer (4.32).
func TestShows(t *testing.T) {
	t.Parallel()
	// An admin may well write such fields where the type looks.
	r := plantest.Starter(t).Replace(t, "handoffs/demo-request.yaml", "should_have: [person.full_name,", "should_have: [person.phone, person.owner, company.csm, person.handoff_status, person.full_name,").Rules(t)
	want := []string{
		"person.last_form", "person.intent_signal", "person.full_name", "person.title",
		"company.name", "person.business_problem", "person.timeline",
	}
	if diff := cmp.Diff(want, r.Shows("demo_request")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := r.Shows("no such type"); got != nil {
		t.Errorf("a type that is none shows %v", got)
	}
}

package plan_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShows: what a lead is judged by is what its type looks at and wants to
// know, not what was decided, who has it or how to reach the buyer (4.32).
func TestShows(t *testing.T) {
	t.Parallel()
	r := starterRules(t)
	want := []string{
		"person.last_form", "person.intent_signal", "person.full_name", "person.title",
		"company.name", "person.business_problem", "person.timeline",
	}
	if diff := cmp.Diff(want, r.Shows("demo_request")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, name := range r.Types() {
		for _, hidden := range []string{"person.email", "person.handoff_status", "deal.handoff_status", "company.owner", "deal.owner", "deal.csm_planned", "company.csm"} {
			if slices.Contains(r.Shows(name), hidden) {
				t.Errorf("%s shows %s", name, hidden)
			}
		}
	}
	if got := r.Shows("no such type"); got != nil {
		t.Errorf("a type that is none shows %v", got)
	}
}

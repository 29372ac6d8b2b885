package hubspot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot"
)

// TestGateRule: for what a sidecar cannot stop the admin gets the steps that
// make HubSpot stop it: exact property names and stages, and what cannot be
// part of it is said (1.93, 3.10).
func TestGateRule(t *testing.T) {
	t.Parallel()
	field := func(name string) connectors.Field { return connectors.Field{Name: name} }
	when := func(name string, values ...string) connectors.GateWhen {
		return connectors.GateWhen{Field: field(name), Values: values}
	}
	for _, tt := range []struct {
		name string
		gate connectors.Gate
		says []string
		left []string
	}{
		{
			name: "a stage of a pipeline",
			gate: connectors.Gate{
				Name: "sales_to_cs", Kind: "deals", When: []connectors.GateWhen{when("pipeline", "default"), when("dealstage", "closedwon")},
				Required: []connectors.Field{field("use_case"), field("handoff_need"), {Name: "hs_is_closed", Type: "yes_no"}, field("use_case")},
			},
			says: []string{"Settings > Objects > Deals > Pipelines", "internal id default", "internal id closedwon", "at each: use_case, handoff_need.", "2026-09"},
			left: []string{"hs_is_closed"},
		},
		{
			name: "a choice",
			gate: connectors.Gate{
				Name: "demo", Kind: "contacts", When: []connectors.GateWhen{when("hs_lead_status", "UNQUALIFIED", "BAD_TIMING"), when("country", "DE")},
				Required: []connectors.Field{field("handoff_return_reason")},
			},
			says: []string{"Contact properties", "property hs_lead_status", "value UNQUALIFIED, then the same again for BAD_TIMING", "handoff_return_reason"},
			left: []string{"country"},
		},
		{
			name: "whenever the owner changes",
			gate: connectors.Gate{
				Name: "demo", Kind: "contacts", When: []connectors.GateWhen{when("hubspot_owner_id")},
				Required: []connectors.Field{field("handoff_need")},
			},
			says: []string{"cannot be refused"},
			left: []string{"hubspot_owner_id"},
		},
		{
			name: "nothing that people fill in",
			gate: connectors.Gate{Name: "demo", Kind: "deals", When: []connectors.GateWhen{when("dealstage", "x")}, Required: []connectors.Field{field(connectors.WorkCount)}},
			says: []string{"no rule to set up"},
			left: []string{connectors.WorkCount},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := hubspot.GateRule(tt.gate)
			for _, want := range tt.says {
				if !strings.Contains(got.Text, want) {
					t.Errorf("it does not say %q:\n%s", want, got.Text)
				}
			}
			if diff := cmp.Diff(tt.left, got.Left); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
			if got.File != "" || !strings.Contains(got.Name, tt.gate.Name) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

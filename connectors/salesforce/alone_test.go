package salesforce

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// TestOwnerAlone: the org's rule refuses a field beside the owner. The owner is
// written, alone or in a batch, with what belongs to it, and what had to stay out
// is named in the org's words; an owner who is refused as well leaves the first
// words standing (C15).
func TestOwnerAlone(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3} {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
		w.setup(`{"validation_rules":[
			{"object":"Lead","name":"Hot","when":{"Handoff_Tier__c":"hot"},"need":["Phone"],"message":"A hot lead needs a phone"},
			{"object":"Lead","name":"Frozen","when":{"LastName":"Lead99"},"message":"This lead is frozen"}]}`)
		owner := w.owner()
		var writes []connectors.Write
		for i := range n {
			writes = append(writes, handoff(owner, w.lead(i), string(rune('a'+i)))...)
		}
		writes[0].Set["handoff_tier"] = "hot"
		results := w.apply(writes...)
		for i, r := range results {
			if r.Err != nil && i != 1 { // the task beside it may have to be sent again
				t.Errorf("%d of %d: %+v", i, n, r)
			}
		}
		if r := results[0]; !strings.Contains(r.Refused, "A hot lead needs a phone") || !cmp.Equal(r.Skipped, without(writes[0].Set, "OwnerId")) {
			t.Errorf("of %d: %+v", n, r)
		}
		got := w.read(Lead, []string{"OwnerId", "handoff_tier"}, writes[0].Ref.ID)[writes[0].Ref.ID]
		if got.Fields["OwnerId"] != owner || got.Fields["handoff_tier"] != nil {
			t.Errorf("of %d: the lead says %v", n, got.Fields)
		}
		again := w.apply(writes[1])
		if again[0].Err != nil {
			t.Errorf("of %d: the task: %v", n, again[0].Err)
		}
	}
	w := newWorld(t, salesforcesim.Config{})
	id := w.lead(99)
	w.setup(`{"validation_rules":[{"object":"Lead","name":"Frozen","when":{"LastName":"Lead99"},"message":"This lead is frozen"}]}`)
	r := w.apply(connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: Lead, ID: id}, Key: "k", Set: map[string]any{"OwnerId": w.owner(), "handoff_tier": "hot"}})[0]
	if connectors.ClassOf(r.Err) != connectors.Invalid || len(r.Skipped) > 0 || r.Refused != "" {
		t.Errorf("a record that nobody may change: %+v", r)
	}
}

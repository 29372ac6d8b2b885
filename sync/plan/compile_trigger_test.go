package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestTriggersDiffer: one handover that begins by another signal for each
// segment is told of, and one that begins by the same is not (2.7).
func TestTriggersDiffer(t *testing.T) {
	t.Parallel()
	one := func(name, signal, country string) string {
		s := strings.Replace(undated, "handoff: asked_price", "handoff: "+name, 1)
		s = strings.Replace(s, "person.intent_signal: Price", "person.intent_signal: "+signal, 1)
		return strings.Replace(s, "  person.email: {filled: yes}", "  person.country: "+country, 1)
	}
	for signal, want := range map[string]bool{"Price": false, "Trial": true} {
		edits := map[string]string{}
		for name := range starterTypes(t) {
			edits[name] = ""
		}
		edits["handoffs/a.yaml"], edits["handoffs/b.yaml"] = one("price_us", "Price", "US"), one("price_uk", signal, "GB")
		doc, ds := mappings.Load(folder(t, edits))
		_, more := plan.Compile(doc)
		got := slices.ContainsFunc(append(ds, more...), func(d mappings.Diagnostic) bool { return d.Code == "triggers-differ" && d.Warn })
		if got != want {
			t.Errorf("with %s and Price: told %v, want %v:\n%s", signal, got, want, mappings.Render(more, doc.Files))
		}
	}
}

package plan_test

import (
	"strings"
	"testing"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/plan"
)

// What `handoffd match --fit` has written decides where the mapping names it; one
// of another version of matching is refused where it is named.
func TestOwnWeights(t *testing.T) {
	t.Parallel()
	own, err := match.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	own.Version, own.Auto, own.Review = "our own", 90, 90
	text, err := match.WriteWeights(own)
	if err != nil {
		t.Fatal(err)
	}
	named := edit(t, "mappings/hubspot.yaml", "if_several_match: review", "if_several_match: review\n  weights: mappings/own.json")
	files := func(weights string) map[string]string {
		return map[string]string{"mappings/hubspot.yaml": named["mappings/hubspot.yaml"], "mappings/own.json": weights}
	}
	rules := writing(t, files(string(text)))
	w := town()
	w.decide(t, rules, monday, see(demo("51", "dana@gmail.com", "company_name", "Northwnd Traders", "country", "US")))
	if h := w.only(t); !h.Account.IsZero() {
		t.Errorf("taken below what the own weights ask for: %s\n%s", h.Account, why(h))
	}
	own.Auto, own.Review = 1, 0
	if text, err = match.WriteWeights(own); err != nil {
		t.Fatal(err)
	}
	later := writing(t, files(string(text)))
	w = town()
	w.decide(t, later, monday, see(demo("51", "dana@gmail.com", "company_name", "Northwnd Traders", "country", "US")))
	if h := w.only(t); h.Account != northwind || !strings.Contains(why(h), "(weights our own)") {
		t.Errorf("of %s\n%s", h.Account, why(h))
	}
	if rules.Digest() == later.Digest() {
		t.Error("rules of other weights have the same digest: a change of them would not be seen")
	}
	doc, ds := mappings.Load(folder(t, files(`{"version":"old","forms":1}`)))
	if mappings.Failed(ds) {
		t.Fatal(mappings.Render(ds, doc.Files))
	}
	_, ds = plan.Compile(doc)
	said := mappings.Render(ds, doc.Files)
	if !mappings.Failed(ds) || !strings.Contains(said, "mappings/hubspot.yaml:") || !strings.Contains(said, "estimated under forms 1") || !strings.Contains(said, "--fit mappings/own.json") {
		t.Errorf("weights of another version: %s", said)
	}
}

package normalize

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestNoCompanyIsNone: what people type who have no company is none, however it is
// written, and also where its end looks like a legal form.
func TestNoCompanyIsNone(t *testing.T) {
	t.Parallel()
	typed := slices.Collect(strings.SplitSeq(notCompanies, ","))
	typed = append(typed, "My Company", "The Company", "YOUR COMPANY", "My Company, Inc.", "the Co.", "Самозанятый")
	for _, s := range slices.Concat(typed, slices.Sorted(maps.Keys(noCompany))) {
		if got := CompanyName(strings.TrimSpace(s)); got != "" {
			t.Errorf("%q is the company %q", s, got)
		}
	}
	for _, s := range []string{"Myer Company", "The North Face Company", "Your Logistics Company", "Company of Heroes"} {
		if CompanyName(s) == "" {
			t.Errorf("%q is none", s)
		}
	}
}

package match

import (
	"slices"
	"testing"
)

// TestPlainly: every level that has words exists, and of the domain and the name
// every level has some.
func TestPlainly(t *testing.T) {
	t.Parallel()
	for _, f := range spoken {
		of := fieldLevels[f.field]
		for name := range f.words {
			if !slices.Contains(of.levels, name) {
				t.Errorf("%s has no level %q", of.name, name)
			}
		}
		if f.field != fDomain && f.field != fName {
			continue
		}
		for _, name := range of.levels {
			if f.words[name] == "" {
				t.Errorf("%s: nothing is said of %q", of.name, name)
			}
		}
	}
	var l levels
	l[fDomain], l[fName], l[fTwins], l[fCountry] = level(fDomain, "host only"), level(fName, "exact"), level(fTwins, "2"), level(fCountry, "other")
	want := "the e-mail domain is its own and no other account's, the company has its name, which another account has too, the country is another"
	if got := plainly(l[:]); got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	if got := plainly([]uint8{0, 250}); got != "" {
		t.Errorf("of levels that there are not: %q", got)
	}
}

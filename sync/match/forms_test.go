package match

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Words of one root are one word in whatever language, others are not.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, same := range []string{
		"radiobiology radiobiologie radiobiologische radiobiologico",
		"university universidad universitaet universiteta",
		"automation automacion automazione",
		"goteborg goeteborgs",
		"psychosocial psicossocial",
		"quantics quantique",
	} {
		ws := strings.Fields(same)
		for _, w := range ws[1:] {
			if got, want := canonical(w), canonical(ws[0]); got != want {
				t.Errorf("%s is %q, but %s is %q", w, got, ws[0], want)
			}
		}
	}
	for _, other := range []string{"kanagawa kanazawa", "zhangzhou zhengzhou", "university universal", "chile china"} {
		a, b, _ := strings.Cut(other, " ")
		if canonical(a) == canonical(b) {
			t.Errorf("%s and %s are both %q", a, b, canonical(a))
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string][]string{
		"Laboratoire d'Informatique":                       {"laboratoire d informatique"},
		"O'Reilly Media":                                   {"oreilly media"},
		"Kinderziekenhuis Noord":                           {"kinder ziekenhuis noord"},
		"Institute of Botany, University of Norland":       {"institute of botany university of norland", "institute of botany", "university of norland"},
		"Acme, Inc.":                                       {"acme"},
		"Acme Robotics (formerly Bolt Labs) - Supplies":    {"acme robotics supplies", "bolt labs", "acme robotics formerly bolt labs supplies"},
		"Norland Health Systems - Saint Anne Medical Unit": {"norland health systems saint anne medical unit", "norland health systems", "saint anne medical unit"},
	} {
		var got []string
		for _, f := range NewName(typed).Forms {
			got = append(got, strings.Join(f.Words, " "))
		}
		if d := cmp.Diff(want, got[:min(len(got), len(want))]); d != "" {
			t.Errorf("%s: %s", typed, d)
		}
	}
}

// A name of one word is a brand: it is neither translated nor cut.
func TestBrandStaysWhole(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"Metoro", "Metorial"}, {"Banco", "Bank"}} {
		a, b := NewName(pair[0]), NewName(pair[1])
		if a.Forms[0].Set == b.Forms[0].Set {
			t.Errorf("%s and %s are both %q", pair[0], pair[1], a.Forms[0].Set)
		}
	}
}

// What the place and the account above explain speaks less against a pair.
func TestExplained(t *testing.T) {
	t.Parallel()
	orgs := []Org{
		{ID: "1", Name: "Norland University Hospital", Country: "NO"},
		{ID: "2", Name: "Institute of Botany", Country: "NO", City: "Ulvik", Parent: "1"},
	}
	x := NewIndex(orgs)
	for lead, want := range map[string]string{
		"Norland University Hospital Institute of Botany": "above/nothing",
		"Institute of Botany Ulvik":                       "place/nothing",
		"Institute of Botany Norway":                      "place/nothing",
		"Botany Institute":                                "nothing/nothing",
	} {
		q := x.query(Lead{Company: lead})
		es := x.entries(&q, []uint32{1})
		l := x.compare(&q, &es[0])
		if got := fieldLevels[fExplained].levels[l[fExplained]]; got != want {
			t.Errorf("%s: %s, want %s", lead, got, want)
		}
	}
}

// An account without a country is where nine in ten of its city are.
func TestCountryOfCity(t *testing.T) {
	t.Parallel()
	x := NewIndex([]Org{
		{ID: "1", Name: "A One", Country: "FR", City: "Paris"},
		{ID: "2", Name: "B Two", Country: "FR", City: "Paris"},
		{ID: "3", Name: "C Three", City: "Paris"},
		{ID: "4", Name: "D Four", Country: "US", City: "Troy"},
		{ID: "5", Name: "E Five", City: "Troy"},
	})
	for id, want := range map[uint32]string{2: "FR", 4: ""} {
		if e := x.entry(&query{}, id); e.country != want {
			t.Errorf("%s: %q, want %q", e.label, e.country, want)
		}
	}
	x.Remove(Org{ID: "2", Name: "B Two", Country: "FR", City: "Paris"})
	if e := x.entry(&query{}, 2); e.country != "" {
		t.Errorf("one other account is not enough: %q", e.country)
	}
}

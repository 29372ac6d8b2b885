package match_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/sync/match"
)

// What is kept of a search is judged as the search was, also after it has been
// written and read; and without the first the second is the first.
func TestJudgeIsFind(t *testing.T) {
	t.Parallel()
	w, err := match.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"Acme", "Globex", "Initech", "Nordic", "Optik", "Steel", "Labs", "Bakery", "Smith", "Karlsson", "University"}
	rapid.Check(t, func(t *rapid.T) {
		name := func(label string) string {
			n := ""
			for _, w := range rapid.SliceOfN(rapid.SampledFrom(words), 1, 3).Draw(t, label) {
				n += w + " "
			}
			return n
		}
		var orgs []match.Org
		for i := range rapid.IntRange(0, 20).Draw(t, "accounts") {
			orgs = append(orgs, match.Org{
				ID: fmt.Sprint(i), Name: name("name"), Country: rapid.SampledFrom([]string{"", "US", "SE"}).Draw(t, "country"),
				Domains: rapid.SampledFrom([][]string{nil, {"acme.com"}, {"globex.com"}, {"mail.acme.com"}}).Draw(t, "domain"),
			})
		}
		lead := match.Lead{
			Email: rapid.SampledFrom([]string{"", "a@acme.com", "a@mail.acme.com", "a@gmail.com", "b@initech.se"}).Draw(t, "email"), Company: name("company"),
			Country: rapid.SampledFrom([]string{"", "US", "SE"}).Draw(t, "lead's country"),
		}
		x := match.NewIndex(orgs)
		want := x.Find(&w, lead)
		near := x.Near(&w, lead)
		raw, err := json.Marshal(near)
		if err != nil {
			t.Fatal(err)
		}
		var again match.Near
		if err := json.Unmarshal(raw, &again); err != nil {
			t.Fatal(err)
		}
		got := w.Judge(again)
		if d := cmp.Diff(w.Judge(near), got); d != "" {
			t.Fatal(d)
		}
		id := ""
		if len(got.Order) > 0 {
			id = near.Found[got.Order[0]].ID
		}
		if id != want.Account || got.Decision != want.Decision || got.Margin != want.Margin && len(got.Order) > 0 {
			t.Fatalf("found %s %s, judged %s %s", want.Account, want.Decision, id, got.Decision)
		}
	})
}

// TestNothingAgrees: an account that has nothing in common with a lead but a
// country and some letters is for nobody to look at.
func TestNothingAgrees(t *testing.T) {
	t.Parallel()
	w, err := match.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	x := match.NewIndex([]match.Org{{ID: "1", Name: "Rival Systems", Country: "US", Domains: []string{"rival.example"}}})
	for lead, want := range map[match.Lead]match.Decision{
		{Email: "x@private.example", Country: "US"}:                         match.None,
		{Email: "x@rivalsys.example", Company: "Rival Sys.", Country: "US"}: match.Review,
	} {
		if got := x.Find(&w, lead); got.Decision != want {
			t.Errorf("%v: %s, want %s: %q", lead, got.Decision, want, got.Why)
		}
	}
}

func TestSureness(t *testing.T) {
	t.Parallel()
	for percent, want := range map[float64]string{50: "0.00", 92: "3.52", 99.9: "9.96"} {
		if got := fmt.Sprintf("%.2f", match.Sureness(percent)); got != want {
			t.Errorf("%v%%: %s bits, want %s", percent, got, want)
		}
	}
}

package match_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/sync/match"
)

func orgs() []match.Org {
	return []match.Org{
		{ID: "A1", Name: "Acme Robotics GmbH", Domains: []string{"acme-robotics.de"}, Country: "DE", City: "Ulm"},
		{ID: "A2", Name: "Acme Robotics Inc.", Domains: []string{"acme-robotics.com"}, Country: "US", City: "Austin"},
		{ID: "A3", Name: "Technische Universität Gräfenberg", Domains: []string{"tu-graefenberg.de"}, Country: "DE"},
		{ID: "A4", Name: "Institute of Marine Biology Norland", Domains: []string{"imb.norland.edu"}, Country: "NO", Parent: "A5"},
		{ID: "A5", Name: "University of Norland", Domains: []string{"norland.edu"}, Country: "NO"},
		{ID: "A6", Name: "Bolt & Nut Supplies 24 Ltd", Domains: []string{"boltnut.co.uk"}, Country: "GB"},
		{ID: "A7", Name: "Quux Analytics", Country: "FR"},
		{ID: "A8", Name: "Hospital of Saint Anne", Domains: []string{"stanne.ca"}, Country: "CA"},
		{ID: "A9", Name: "Northwind Traders", Domains: []string{"northwind.example.com"}, Country: "US"},
	}
}

func shippedWeights(t testing.TB) *match.Weights {
	t.Helper()
	w, err := match.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return &w
}

func TestFind(t *testing.T) {
	t.Parallel()
	x, w := match.NewIndex(orgs()), shippedWeights(t)
	for _, tc := range []struct {
		name string
		lead match.Lead
		want string // the first candidate
	}{
		{"host", match.Lead{Email: "a@imb.norland.edu", Company: "IMB"}, "A4"},
		{"the university above its institutes", match.Lead{Email: "a@norland.edu", Company: "Norland University", Country: "NO"}, "A5"},
		{"country tells twins apart", match.Lead{Email: "a@gmail.com", Company: "Acme Robotics", Country: "US"}, "A2"},
		{"other language", match.Lead{Email: "a@gmail.com", Company: "Technical University of Gräfenberg", Country: "DE"}, "A3"},
		{"another legal form and a typo", match.Lead{Email: "a@gmail.com", Company: "Quuux Analytics S.A.S.", Country: "FR"}, "A7"},
		{"Cyrillic", match.Lead{Email: "a@gmail.com", Company: "Нортвинд Трейдерс"}, "A9"},
		{"website in the name", match.Lead{Email: "a@gmail.com", Company: "boltnut", Country: "GB"}, "A6"},
	} {
		got := x.Find(w, tc.lead)
		if got.Account != tc.want {
			t.Errorf("%s: got %s, want %s: %q", tc.name, got.Account, tc.want, got.Why)
		}
	}
	for _, junk := range []string{"", "n/a", "self employed", "student", "-"} {
		if got := x.Find(w, match.Lead{Email: "a@gmail.com", Company: junk}); got.Decision != match.None {
			t.Errorf("%q was matched: %+v", junk, got)
		}
	}
}

// leads draws leads from words that the accounts have and others.
func drawLead(t *rapid.T) match.Lead {
	word := rapid.SampledFrom([]string{"Acme", "Robotics", "GmbH", "Norland", "University", "Universidad", "of", "Quux", "Analytics", "24", "Ltd", "Marine", "Saint", "(UK)", "Hospital", "Bolt", "&"})
	return match.Lead{
		Email:   rapid.SampledFrom([]string{"", "a@gmail.com", "a@acme-robotics.de", "a@norland.edu", "a@x.imb.norland.edu", "a@acme-robotics.fr", "a@b@c", "a@elsewhere.org"}).Draw(t, "email"),
		Company: strings.Join(rapid.SliceOfN(word, 0, 5).Draw(t, "company"), " "),
		Country: rapid.SampledFrom([]string{"", "DE", "US", "Norway"}).Draw(t, "country"),
	}
}

// Without the winner the named runner-up wins, down to the last (1.85).
func TestRunnerUpFollows(t *testing.T) {
	t.Parallel()
	x, w := match.NewIndex(orgs()), shippedWeights(t)
	rapid.Check(t, func(t *rapid.T) {
		lead := drawLead(t)
		got := x.Find(w, lead)
		var gone []string
		for got.Account != "" {
			gone = append(gone, got.Account)
			next := x.Find(w, lead, gone...)
			if len(got.Losers) == 0 {
				if next.Account != "" {
					t.Fatalf("no loser was named, but %s followed", next.Account)
				}
				return
			}
			if next.Account != got.Losers[0].Account {
				t.Fatalf("%s was named second, but %s followed", got.Losers[0].Account, next.Account)
			}
			got = next
		}
	})
}

// The order of the rows and the ids decide nothing.
func TestOtherIDsSameDecisions(t *testing.T) {
	t.Parallel()
	w := shippedWeights(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := orgs()
		fresh := rapid.Permutation([]string{"Z1", "Y22", "X3", "W4", "V55", "U6", "T7", "S8", "R9"}).Draw(t, "ids")
		renamed := map[string]string{"": ""}
		for i, o := range plain {
			renamed[o.ID] = fresh[i]
		}
		other := orgs()
		for i := range other {
			other[i].ID, other[i].Parent = renamed[other[i].ID], renamed[other[i].Parent]
		}
		other = rapid.Permutation(other).Draw(t, "rows")
		lead := drawLead(t)
		a, b := match.NewIndex(plain).Find(w, lead), match.NewIndex(other).Find(w, lead)
		if renamed[a.Account] != b.Account || a.Decision != b.Decision || a.Certainty != b.Certainty {
			t.Fatalf("%s (%s %.2f) became %s (%s %.2f)", renamed[a.Account], a.Decision, a.Certainty, b.Account, b.Decision, b.Certainty)
		}
	})
}

// hostileTexts are what forms have brought.
func hostileTexts() []string {
	return []string{
		strings.Repeat("A", 32<<10), strings.Repeat("acme university ", 2<<10), strings.Repeat("(", 32<<10), strings.Repeat("a.b.", 8<<10),
		"\u202eemcA\u202c", "A\u200bc\u200dm\u2060e", "Аcme Rоbotics", "🚀🚀 Acme 🦄", "a@b@c", "xn--pple-43d.com", "a@xn--80ak6aa92e.com", "\xff\xfe\x00",
		strings.Repeat("大学", 8<<10), strings.Repeat("e\u0301", 8<<10), "Z̸̡a̵l̷g̶o̸", "()", "[]()（）", " - ", "& & &", "مرحبا (", "ﷺ", "\u0000", strings.Repeat("🏴", 4096), "한국대학교", "ﬁnance ＬＴＤ",
	}
}

func TestHostileValues(t *testing.T) {
	t.Parallel()
	x, w := match.NewIndex(orgs()), shippedWeights(t)
	start := time.Now()
	for _, s := range hostileTexts() {
		x.Find(w, match.Lead{Email: s, Company: s, Country: s, Website: s})
		x.Find(w, match.Lead{Email: "a@gmail.com", Company: s})
		match.NewIndex([]match.Org{{ID: "1", Name: s, Domains: []string{s}, City: s, Country: s, Parent: "1"}}).Find(w, match.Lead{Email: "a@gmail.com", Company: s})
		duplicates(t, []match.Row{{ID: "1", First: s, Last: s, Email: s, Phone: s, Street: s, City: s, Postcode: s}, {ID: "2", First: s, Last: s, Company: s}})
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("hostile values took %v", took)
	}
}

// BenchmarkHostile reports the slowest of the hostile values among 100,000
// accounts.
func BenchmarkHostile(b *testing.B) {
	accounts, read := kept(100_000)
	x, w := match.OpenIndex(slices.Values(accounts), read), shippedWeights(b)
	var worst time.Duration
	for b.Loop() {
		for _, s := range hostileTexts() {
			worst = max(worst, quickest(func() { x.Find(w, match.Lead{Email: "a@" + s, Company: s, Website: s, Country: s}) }))
		}
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	rows := []match.Row{
		{ID: "1", First: "Dana", Last: "Scully", Email: "dana.scully@gmail.com", Phone: "+44 20 7946 0958", Postcode: "W1A 1AA", Street: "1 High Street"},
		{ID: "2", First: "Dana", Last: "Skully", Email: "danascully+crm@gmail.com", Phone: "020 7946 0958", Country: "GB", Postcode: "W1A1AA"},
		{ID: "3", First: "Fox", Last: "Mulder", Email: "fox@example.org", Postcode: "W1A 1AA", Street: "9 Low Road"},
	}
	var got [][2]string
	for _, p := range duplicates(t, rows) {
		got = append(got, [2]string{p.A, p.B})
		if len(p.Why) == 0 {
			t.Errorf("%s and %s: no reason", p.A, p.B)
		}
	}
	if d := cmp.Diff([][2]string{{"1", "2"}}, got); d != "" {
		t.Error(d)
	}
	slices.Reverse(rows)
	if n := len(duplicates(t, rows)); n != 1 {
		t.Errorf("in another order there are %d pairs", n)
	}
}

func TestWeightsAreWhole(t *testing.T) {
	t.Parallel()
	w := shippedWeights(t)
	text, err := match.WriteWeights(*w)
	if err != nil {
		t.Fatal(err)
	}
	again, err := match.ReadWeights(text)
	if err != nil {
		t.Fatal(err)
	}
	if again.Auto != w.Auto || again.Review != w.Review || w.Auto <= w.Review {
		t.Errorf("thresholds %+v %+v", w, again)
	}
	for _, bad := range []string{"{", `{"forms":99}`, `{"forms":3,"fields":{"shoe size":{"9":1}}}`, `{"forms":3,"fields":{"domain":{"nine":1}}}`} {
		if _, err := match.ReadWeights([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func duplicates(t testing.TB, rows []match.Row) []match.Pair {
	t.Helper()
	pairs, err := match.Duplicates(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

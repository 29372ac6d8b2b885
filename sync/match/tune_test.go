package match_test

import (
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/handoffd/handoffd/sync/match"
)

var update = flag.Bool("update", false, "estimate the weights anew and write them to weights.json")

// dev is where the labelled sets lie; they are no part of the project.
func dev(t testing.TB, name string) []map[string]string {
	t.Helper()
	dir := os.Getenv("HANDOFFD_MATCH_SETS")
	if dir == "" {
		t.Skip("SKIPPED: HANDOFFD_MATCH_SETS does not say where the labelled sets lie")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, h := range rows[0] {
			m[h] = r[i]
		}
		out = append(out, m)
	}
	return out
}

func devIndex(t testing.TB) *match.Index { return match.NewIndex(devOrgs(t)) }

func devOrgs(t testing.TB) (orgs []match.Org) {
	for _, r := range dev(t, "dev/accounts.csv") {
		orgs = append(orgs, match.Org{ID: r["id"], Name: r["name"], Domains: []string{r["website"], r["domain"]}, Country: r["country"], City: r["city"], Parent: r["parent_id"]})
	}
	return orgs
}

func devLeads(t testing.TB) (out []match.Confirmed) {
	for _, r := range dev(t, "dev/leads.csv") {
		out = append(out, match.Confirmed{
			Lead:    match.Lead{ID: r["id"], Email: r["email"], Company: r["company"], Country: r["country"]},
			Account: r["expected_account_id"],
		})
	}
	return out
}

// TestTune estimates the weights and picks the thresholds from the labelled
// set; with -update it writes them.
func TestTune(t *testing.T) {
	if !*update {
		t.Skip("SKIPPED: run with -update to estimate the weights anew")
	}
	w, rep := match.Fit(devIndex(t), devLeads(t), "1", 0.982, 0.0799)
	t.Logf("on leads the weights had not seen: %+v F1 %.4f; auto %.2f with the domain %.2f margin %.2f review %.2f", rep, rep.F1(), w.Auto, w.Domain, w.Margin, w.Review)
	text, err := match.WriteWeights(w)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("weights.json", text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func devRows(t testing.TB, name string) (out []match.Labelled) {
	or := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	for _, r := range dev(t, name) {
		out = append(out, match.Labelled{Entity: r["entity_id"], Row: match.Row{
			ID: r["id"], First: r["first"], Last: r["last"], Email: r["email"], Phone: r["phone"], Company: or(r["company"], r["name"]),
			Street: or(r["street"], r["address"]), Street2: r["street2"], City: r["city"], Postcode: or(r["postcode"], r["zip"]), Website: r["website"],
		}})
	}
	return out
}

// TestTuneRows does the same for duplicates of people and of companies.
func TestTuneRows(t *testing.T) {
	if !*update {
		t.Skip("SKIPPED: run with -update to estimate the weights anew")
	}
	for file, lists := range map[string][][]match.Labelled{
		"people.json":    {devRows(t, "dev/persons.csv")},
		"companies.json": {devRows(t, "dev/orgs_chicago.csv"), devRows(t, "dev/orgs_patstat.csv"), devPairs(t)},
	} {
		precision := 0.9965
		if file == "companies.json" {
			precision = 0.95
		}
		text, err := match.FitRows(lists, "2", precision)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// devPairs are pairs of organisations' names that people have judged, each once,
// whichever of the two stands first.
func devPairs(t testing.TB) (out []match.Labelled) {
	seen := map[string]bool{}
	for i, r := range dev(t, "pairs/nomenklatura_cases.csv") {
		key := min(r["name1"], r["name2"]) + "\x00" + max(r["name1"], r["name2"])
		if !slices.Contains([]string{"Company", "Organization", "LegalEntity"}, r["schema"]) || seen[key] {
			continue
		}
		seen[key] = true
		n := strconv.Itoa(i)
		other := n
		if r["is_match"] != "true" {
			other += " other"
		}
		out = append(
			out,
			match.Labelled{Entity: n, Row: match.Row{ID: n + "a", Company: r["name1"], Pair: n}},
			match.Labelled{Entity: other, Row: match.Row{ID: n + "b", Company: r["name2"], Pair: n}},
		)
	}
	return out
}

// TestPairs judges pairs of organisations' names of which nothing else is known,
// each by weights that were estimated from the other four fifths of the pairs. A
// pair is the same from even odds on.
func TestPairs(t *testing.T) {
	const parts = 5
	pairs := devPairs(t)
	right, wrong, missed := 0, 0, 0
	for part := range parts {
		var seen, rest []match.Labelled
		for i, r := range pairs {
			if i/2%parts == part {
				rest = append(rest, r)
			} else {
				seen = append(seen, r)
			}
		}
		weights, err := match.FitRows([][]match.Labelled{seen}, "part", 0.95)
		if err != nil {
			t.Fatal(err)
		}
		a, b, c := judgePairs(t, rest, weights)
		right, wrong, missed = right+a, wrong+b, missed+c
	}
	report := func(by string, right, wrong, missed int) float64 {
		precision, recall := float64(right)/float64(right+wrong), float64(right)/float64(right+missed)
		f1 := 2 * precision * recall / (precision + recall)
		t.Logf("%d pairs, %s: precision %.3f recall %.3f F1 %.3f", len(pairs)/2, by, precision, recall, f1)
		return f1
	}
	if f1 := report("by weights that have not seen them", right, wrong, missed); f1 < 0.88 {
		t.Errorf("F1 %.3f, want at least 0.88", f1)
	}
	right, wrong, missed = judgePairs(t, pairs, nil)
	report("by the weights that are shipped, which have seen them", right, wrong, missed)
}

// judgePairs counts the pairs that are rightly and wrongly said to be the same,
// and those that are missed.
func judgePairs(t *testing.T, pairs []match.Labelled, weights []byte) (right, wrong, missed int) {
	t.Helper()
	var rows []match.Row
	for _, r := range pairs {
		rows = append(rows, r.Row)
	}
	said, err := match.Duplicates(rows, weights)
	if err != nil {
		t.Fatal(err)
	}
	same := map[string]bool{}
	for _, p := range said {
		same[p.A], same[p.B] = true, true
	}
	for i := 0; i < len(pairs); i += 2 {
		is := pairs[i].Entity == pairs[i+1].Entity
		switch yes := same[pairs[i].Row.ID]; {
		case yes && is:
			right++
		case yes:
			wrong++
		case is:
			missed++
		}
	}
	return right, wrong, missed
}

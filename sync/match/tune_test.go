package match_test

import (
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
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
	w, rep := match.Fit(devIndex(t), devLeads(t), "1", 0.982, 0.07)
	t.Logf("on leads the weights had not seen: %+v F1 %.4f; auto %.2f margin %.2f review %.2f", rep, rep.F1(), w.Auto, w.Margin, w.Review)
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
		"companies.json": {devRows(t, "dev/orgs_chicago.csv"), devRows(t, "dev/orgs_patstat.csv")},
	} {
		precision := 0.9965
		if file == "companies.json" {
			precision = 0.95
		}
		text, err := match.FitRows(lists, "1", precision)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// requirement is one line of what was asked for.
type requirement struct{ number, marks, demand, otherwise string }

// requirements reads testdata/requirements.txt.
func requirements(t *testing.T) []requirement {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []requirement
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := append(strings.Split(strings.TrimSpace(line), " | "), "")
		if len(parts) < 4 {
			t.Fatalf("requirements.txt: %q", line)
		}
		out = append(out, requirement{parts[0], parts[1], strings.TrimSuffix(parts[2], " |"), parts[3]})
	}
	return out
}

// Numbers count as named only where brackets hold nothing but names: "(1.5 s)"
// speaks of something else.
var (
	namesOnly     = regexp.MustCompile(`^(?:(?:[0-4]\.\d{1,3}|G\d{1,2}|[LIPCFA]\d{1,2})(?:[,;]?\s+|$))+$`)
	requirementID = regexp.MustCompile(`\b[0-4]\.\d{1,3}\b`)
)

func namedRequirements(text string) []string {
	var ids []string
	for _, part := range bracketed.FindAllStringSubmatch(text, -1) {
		if namesOnly.MatchString(part[1]) {
			ids = append(ids, requirementID.FindAllString(part[1], -1)...)
		}
	}
	return ids
}

const (
	requirementsBegin = "<!-- requirements: written by `go test ./cmd/handoffd -run TestRequirementTable -update-tables` -->\n"
	requirementsEnd   = "<!-- end of requirements -->\n"
)

// TestRequirementTable holds that every demand which a rule, a field, a task
// or the engine serves has a proof, or says which later part serves it; and
// that the table in sync/README.md names the proofs as they are.
func TestRequirementTable(t *testing.T) {
	t.Parallel()
	found := proofs(t, namedRequirements)
	var b strings.Builder
	b.WriteString("| | what was asked for | | proven by, or served by |\n|---|---|---|---|\n")
	var known []string
	for _, r := range requirements(t) {
		known = append(known, r.number)
		list := found[r.number]
		if len(list) == 0 && r.otherwise == "" {
			t.Errorf("%s (%s): no test or story names it", r.number, r.demand)
		}
		served := strings.Join(list[:min(shown, len(list))], ", ")
		if more := len(list) - shown; more > 0 {
			served += fmt.Sprintf(" and %d more", more)
		}
		if r.otherwise != "" {
			served = strings.TrimPrefix(served+"; "+r.otherwise, "; ")
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.number, r.demand, strings.Join(strings.Split(r.marks, ""), " "), served)
	}
	writeTable(t, "sync/README.md", requirementsBegin, requirementsEnd, b.String())
	for id := range found {
		if !slices.Contains(known, id) {
			t.Errorf("%v name %s, which nobody asked for", found[id], id)
		}
	}
}

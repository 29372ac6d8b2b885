package plan_test

import (
	"os"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/plan"
)

// notes are the labelled ones of a file, one a line.
func notes(t *testing.T, name string) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/notes/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// TestNotes judges notes that people have sorted into useful and useless: the
// four questions answered, no boilerplate, nothing pasted out of a recorder
// (2.8, 2.21, 2.22).
func TestNotes(t *testing.T) {
	t.Parallel()
	boilerplate, _ := mappings.BuiltInList("boilerplate")
	c := plan.NoteCriteria{AtLeast: 120, Boilerplate: boilerplate}
	good, bad := notes(t, "good.txt"), notes(t, "bad.txt")
	if len(good)+len(bad) < 60 {
		t.Errorf("only %d notes", len(good)+len(bad))
	}
	least := 100
	for _, n := range good {
		v := plan.JudgeNote(n, c)
		if len(v.Faults) > 0 {
			t.Errorf("%d %q: %s", v.Score, n, v.Faults)
		}
		least = min(least, v.Score)
	}
	for _, n := range bad {
		v := plan.JudgeNote(n, c)
		if len(v.Faults) == 0 || v.Score >= least {
			t.Errorf("%d (the worst good one has %d) %s: %q passes", v.Score, least, v.Faults, n)
		}
		// What is short is easy to tell; the rest has to be told by what it says.
		if v := plan.JudgeNote(n, plan.NoteCriteria{Boilerplate: boilerplate}); len(v.Faults) == 0 {
			t.Errorf("%d without a minimum, %q passes", v.Score, n)
		}
	}
}

package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var updateTables = flag.Bool("update-tables", false, "write the generated tables of proofs into the READMEs")

// failure is one thing that can go wrong, and what is promised then.
type failure struct{ id, fault, promise string }

// The failures, by the README their table stands in.
var failures = map[string][]failure{
	"state/README.md": {
		{"L1", "the process dies between any two steps", "nothing acknowledged is lost, no second task"},
		{"L2", "power fails, a page is torn", "as L1 for all that was acknowledged before"},
		{"L3", "a commit answers with an error", "the outcome is unknown: 503, exit 74, read again"},
		{"L4", "the disk is full", "new events are refused with 503, what was taken in is finished; it goes on by itself when there is room"},
		{"L5", "the file is damaged", "refused in one line with what to do; no wrong value is ever served"},
		{"L6", "two daemons, one file", "the second is refused and told whose it is"},
		{"L7", "an old copy of the state over a live CRM", "found out; nothing is written until somebody confirms"},
		{"L8", "the clock jumps, daylight saving, a suspended machine", "no deadline moves, nothing fires twice or in a storm"},
		{"L9", "memory, goroutines, file descriptors", "bounded"},
		{"L10", "a reader that does not finish", "the file does not grow for it"},
		{"L11", "SIGTERM in the middle of work", "drained within 10 s, nothing half done"},
		{"L12", "the file system turns read-only", "as L3"},
		{"F1", "the configuration is edited into something invalid", "the running rules stay, the error names line and column"},
		{"F2", "a file is read while it is being saved", "no effect until it is whole"},
		{"F3", "a valid and dangerous edit", "told, and counted, before it acts"},
		{"F4", "the rules change in the middle of a handoff", "it keeps those it started with; its deadline never comes earlier"},
		{"F5", "YAML bombs, doubled keys, tabs, 10 MB files", "refused, quickly and in little memory"},
	},
	"connectors/README.md": {
		{"I0", "one change, two messages (primary association)", "one effect"},
		{"I1", "an event is delivered twice", "one effect"},
		{"I2", "events come out of order", "the end is that of the right order"},
		{"I3", "events come hours or days late", "found meanwhile; the clock counts from the buyer's time"},
		{"I4", "webhooks are lost", "polling finds all of it"},
		{"I5", "forged, replayed or stale requests", "401 and nothing changes"},
		{"I6", "the sender waits 5 s and retries on any other answer", "a body is taken whole or not at all, before the answer"},
		{"I7", "unknown subscriptions and kinds", "taken and listed, never retried"},
		{"I8", "another tenant's events", "put aside, never acted on"},
		{"I9", "huge, slow, packed or deep bodies", "refused at a bounded cost"},
		{"I10", "a record that makes deciding fail, or kills the process", "put aside with its reason; the others go on"},
		{"I11", "outbound messages: unordered, latest state only, dropped after a day", "as I1, I2 and I4"},
		{"I12", "a change feed whose place is gone", "read again from the last good instant, never silently from now"},
		{"I13", "a long backlog", "the most urgent first; no storm of escalations"},
		{"P1", "many rows of one instant at a page's end", "none skipped"},
		{"P2", "the index lags", "found within the overlap"},
		{"P3", "rows change while they are paged", "none skipped"},
		{"P4", "a transaction commits with an older stamp", "found within the overlap"},
		{"P5", "the process dies in the middle of a page", "page and cursor are one commit"},
		{"P6", "a cursor from the future or damaged", "brought back, listed"},
		{"C1", "429", "waited for; never over our share"},
		{"C2", "applied, and the answer lost", "no second task, no owner twice"},
		{"C3", "half of a batch fails", "every row has its own outcome"},
		{"C4", "a token ends in the middle of a batch", "one refresh, the rest goes on"},
		{"C5", "a refresh token is replaced, and the process dies", "the new one was stored before its use"},
		{"C6", "revoked, uninstalled, a scope taken away", "no writes, no hot loop, the admin is told"},
		{"C7", "the day's calls are spent", "the urgent keep a reserve, the rest waits"},
		{"C8", "records are merged", "the handoff follows the survivor"},
		{"C9", "deleted, archived, restored", "ended with the reason; a restored one may start again"},
		{"C10", "a lead is converted", "the handoff moves"},
		{"C11", "a person changes the owner meanwhile", "the person wins"},
		{"C12", "our own write comes back as an event", "no second decision"},
		{"C13", "another program writes back", "at most two rounds, then the loop is broken"},
		{"C14", "the owner is inactive, gone, or a queue", "the next in line; never nobody"},
		{"C15", "a value, rule, field or permission refuses the write", "parked in the CRM's words; the rest of the plan goes on"},
		{"C16", "locked rows, 412, 503", "tried again, spread out"},
		{"C17", "HTML, cut JSON, a redirect, the wrong type", "never taken for success"},
		{"C18", "the API or a field's type changes", "told; never a crash"},
	},
}

// proofs are the tests and stories that name something by its id: it stands in
// brackets in the comment of the test or in the story's text, "(C2, C12)".
func proofs(t *testing.T, named func(text string) []string) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	found := map[string][]string{}
	note := func(text, proof string) {
		for _, id := range named(text) {
			if !slices.Contains(found[id], proof) {
				found[id] = append(found[id], proof)
			}
		}
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || strings.HasSuffix(entry.Name(), "sim") || entry.Name() == "simulators" || entry.Name() == "simhttp"):
			return filepath.SkipDir // what a simulator does to us proves nothing of what we do
		case strings.HasSuffix(path, ".txtar"):
			story, err := txtar.ParseFile(path)
			if err != nil {
				return err
			}
			sorts := map[string]string{"scenarios": "story ", "script": "script ", "faults": "broken folder "}
			if sort, ok := sorts[filepath.Base(filepath.Dir(path))]; ok {
				note(string(story.Comment), sort+strings.TrimSuffix(entry.Name(), ".txtar"))
			}
		case entry.Name() == "failures_test.go", entry.Name() == "requirements_test.go": // they name them all
		case strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".go") && strings.HasSuffix(filepath.Dir(path), "test"):
			return testsIn(path, filepath.Dir(rel), note)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b string) int {
			return cmp.Or(cmp.Compare(nearness(a), nearness(b)), cmp.Compare(a, b))
		})
	}
	return found
}

// nearness orders proofs: the whole daemon before its parts.
func nearness(proof string) int {
	for i, begin := range []string{"story ", "script ", "cmd/", "sync/", "state"} {
		if strings.HasPrefix(proof, begin) {
			return i
		}
	}
	return 5
}

// testsIn notes every comment on or in a test function of a file.
func testsIn(path, folder string, note func(text, proof string)) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		isTest := strings.HasPrefix(fn.Name.Name, "Test") || strings.HasPrefix(fn.Name.Name, "Fuzz")
		if strings.HasSuffix(path, "_test.go") && !isTest {
			continue
		}
		proof := folder + " " + fn.Name.Name
		if fn.Doc != nil {
			note(fn.Doc.Text(), proof)
		}
		for _, c := range file.Comments {
			if c.Pos() > fn.Pos() && c.End() < fn.End() {
				note(c.Text(), proof)
			}
		}
	}
	return nil
}

var (
	bracketed = regexp.MustCompile(`\(([^()]*)\)`)
	failureID = regexp.MustCompile(`\b[LIPCF]\d{1,2}\b`)
)

func namedFailures(text string) []string {
	var ids []string
	for _, part := range bracketed.FindAllStringSubmatch(text, -1) {
		ids = append(ids, failureID.FindAllString(part[1], -1)...)
	}
	return ids
}

// shown is how many proofs of one failure a table names.
const shown = 4

func failureTable(rows []failure, found map[string][]string) string {
	var b strings.Builder
	b.WriteString("| | what goes wrong | what holds | proven by |\n|---|---|---|---|\n")
	for _, f := range rows {
		list := found[f.id]
		text := strings.Join(list[:min(shown, len(list))], ", ")
		if more := len(list) - shown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.id, f.fault, f.promise, text)
	}
	return b.String()
}

const (
	tableBegins = "<!-- failures: written by `go test ./cmd/handoffd -run TestFailureTables -update-tables` -->\n"
	tableEnds   = "<!-- end of failures -->\n"
)

// TestFailureTables holds that every failure has a proof, and that the tables
// in the READMEs name them as they are.
func TestFailureTables(t *testing.T) {
	t.Parallel()
	found := proofs(t, namedFailures)
	var known []string
	for _, readme := range slices.Sorted(maps.Keys(failures)) {
		rows := failures[readme]
		for _, f := range rows {
			known = append(known, f.id)
			if len(found[f.id]) == 0 {
				t.Errorf("%s (%s): no test or story names it", f.id, f.fault)
			}
		}
		writeTable(t, readme, tableBegins, tableEnds, failureTable(rows, found))
	}
	for id := range found {
		if !slices.Contains(known, id) {
			t.Errorf("%v name %s, which is no failure", found[id], id)
		}
	}
}

// writeTable holds that a README has a table as it is now, between its marks;
// with -update-tables it writes it.
func writeTable(t *testing.T, readme, begins, ends, table string) {
	t.Helper()
	path := filepath.Join("..", "..", filepath.FromSlash(readme))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begun := bytes.Cut(text, []byte(begins))
	_, tail, ended := bytes.Cut(rest, []byte(ends))
	if !begun || !ended {
		t.Errorf("%s: the marks of the table are gone", readme)
		return
	}
	want := string(head) + begins + table + ends + string(tail)
	switch {
	case want == string(text):
	case !*updateTables:
		t.Errorf("%s: the table is not as the tests are; run with -update-tables", readme)
	default:
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

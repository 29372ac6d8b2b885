package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/cmd/checker/judge"
)

// mutant is a mistake in the daemon that the checker has to find in the report
// of a short run (negative controls).
type mutant struct {
	name  string
	rule  string // which finds it
	edits []edit
	plain bool // it shows where tasks cannot be unique
}

// edit replaces a text that stands in a file exactly once. %s in the new one
// becomes the question whether this is the mistake to make.
type edit struct{ file, old, new string }

// mutants are the mistakes. All of them are built into one binary, which makes
// the one that MUTANT names. Where the dangerous moment is a hair's breadth, the
// mutant holds it open for a while.
func mutants() []mutant {
	return slices.Concat(intakeMutants(), writingMutants(), decidingMutants(), keepingMutants())
}

// TestMutantsStand: every text that a mutant replaces stands in its file exactly
// once. It takes a moment; finding out in TestMutantsAreCaught takes minutes.
func TestMutantsStand(t *testing.T) {
	t.Parallel()
	for _, m := range mutants() {
		for _, e := range m.edits {
			raw, err := os.ReadFile(filepath.Join(root, e.file))
			if n := strings.Count(string(raw), e.old); err != nil || n != 1 {
				t.Errorf("%s: %s has %q %d times: %v", m.name, e.file, e.old, n, err)
			}
		}
	}
}

func intakeMutants() []mutant {
	return []mutant{
		{name: "acknowledged before the commit", rule: "A1", edits: []edit{{
			"sync/ingest/webhooks.go", "	if refusal == nil {\n		refusal = h.keep(",
			"	if %s && refusal == nil {\n		w.WriteHeader(http.StatusNoContent)\n	}\n	if refusal == nil {\n		refusal = h.keep(",
		}}},
		{name: "events told apart by their id alone", rule: "A1", edits: []edit{{
			"connectors/hubspot/receive.go", "	b := make([]byte, 0, 128)\n",
			"	if %s {\n		return \"hook:\" + e.eventID\n	}\n	b := make([]byte, 0, 128)\n",
		}}},
		{name: "the cursor kept before its page", rule: "A2", edits: []edit{{
			"sync/ingest/poller.go", "	err = p.Store.Update(ctx, func(tx state.Tx) error {\n		learnt, taken",
			`	if %s {
		_ = p.Store.Update(ctx, func(tx state.Tx) error {
			for i, page := range pages {
				if page.Err == nil {
					next := readings[i].was
					next.Cursor, next.At, next.Listed = page.Next, now, readings[i].lists() && !page.Next.Listing
					state.PutCursor(tx, p.Conn, readings[i].name, next)
				}
			}
			return tx.Err()
		})
		time.Sleep(10 * time.Second)
	}
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		learnt, taken`,
		}}},
	}
}

func writingMutants() []mutant {
	return []mutant{
		{name: "a random key instead of the derived one", rule: "A3", edits: []edit{{
			"sync/writeback/batch.go", "		ws[i] = e.Write\n",
			"		ws[i] = e.Write\n		if %s && ws[i].Creates() {\n			ws[i].Key = state.Digest(ws[i].Key, fmt.Sprint(e.SentAt.UnixNano()))\n		}\n",
		}}},
		{name: "no read-back where tasks cannot be unique", rule: "A3", plain: true, edits: []edit{{
			"sync/writeback/look.go", "		if !w.uncertain(i) || finder", "		if %s || !w.uncertain(i) || finder",
		}}},
		{name: "no mark before a create leaves", rule: "A3", plain: true, edits: []edit{{
			"sync/writeback/writer.go", "			if i.Write.Creates() {\n				i.InDoubt", "			if !%s && i.Write.Creates() {\n				i.InDoubt",
		}}},
		{name: "a batch's failed rows taken for done", rule: "A3", edits: []edit{{
			"connectors/hubspot/batch.go", "	for i := range rowErrors {\n",
			"	if %s {\n		for _, p := range open {\n			p.result.Err, p.result.Ref = nil, p.write.Ref\n		}\n		return nil, nil\n	}\n	for i := range rowErrors {\n",
		}}},
		{name: "an owner written on an old reading", rule: "A10", edits: []edit{{
			"sync/writeback/again.go", "	age := now.Round(0).Sub(read)\n", "	if %s {\n		return true\n	}\n	age := now.Round(0).Sub(read)\n",
		}, {
			"sync/writeback/again.go", "	if !b.onReading(i) {\n		return time.Time{}", "	if %s || !b.onReading(i) {\n		return time.Time{}",
		}}},
		{name: "a status that is not heard", rule: "A10", edits: []edit{{
			"state/outbox.go", "	return (len(i.Expect) > 0 || i.Fresh) && !i.Write.Creates()\n",
			"	return (len(i.Expect) > 0 || i.Fresh && !%s) && !i.Write.Creates()\n",
		}}},
		{name: "what was written over not put back", rule: "A10", edits: []edit{{
			"sync/plan/yield.go", "		found = found && valueOf(v) != now\n", "		found = found && valueOf(v) != now && !%s\n",
		}}},
		{name: "an answer kept and nothing decided about it", rule: "A2", edits: []edit{{
			"sync/writeback/settle.go", "		if o.delivered != nil {\n", "		if o.delivered != nil && !(%s && o.entry.Step == \"task\") {\n",
		}}},
		{name: "a lost answer never looked for", rule: "A8", edits: []edit{{
			"sync/writeback/settle.go", "state.Sending, 0, now.Add(lookAgain)\n",
			"state.Sending, 0, now.Add(lookAgain)\n			if %s {\n				i.Due = now.AddDate(1, 0, 0)\n			}\n",
		}}},
		{name: "a field that no rule names", rule: "A9", edits: []edit{{
			"sync/writeback/batch.go", "		ws[i].Rank = e.Rank\n	}\n	return ws\n",
			`		ws[i].Rank = e.Rank
	}
	for i := range ws {
		if %s && ws[i].Ref.Kind == "contacts" && !ws[i].Creates() {
			ws[i].Set = maps.Clone(ws[i].Set)
			ws[i].Set["jobtitle"] = "handed over"
		}
	}
	return ws
`,
		}}},
	}
}

func decidingMutants() []mutant {
	return []mutant{
		{name: "every reading taken for a signal", rule: "A2", edits: []edit{{
			"sync/plan/trigger.go", "		b.WriteString(st.values(f))\n",
			"		b.WriteString(st.values(f))\n		if %s {\n			b.WriteString(state.Digest(f.rec.Version)[:12])\n		}\n",
		}}},
		{name: "a deadline in the wrong zone", rule: "A5", edits: []edit{{
			"sync/plan/clocks.go", "		return cal.Add(start, l.time.Scale(percent)).UTC()\n",
			"		if _, off := start.In(cal.Zone()).Zone(); %s {\n			return cal.Add(start, l.time.Scale(percent)).Add(time.Duration(off) * time.Second).UTC()\n		}\n		return cal.Add(start, l.time.Scale(percent)).UTC()\n",
		}}},
		{name: "a person who took over passed by", rule: "A4", edits: []edit{{
			"sync/plan/follow.go", "	return d.reversed(t, rec,", "	if %s {\n		return true\n	}\n	return d.reversed(t, rec,",
		}}},
		{name: "nobody accountable once it is accepted", rule: "A4", edits: []edit{{
			"sync/handoff/handoff.go", "state.Accepted, by, at, h.Owner\n", "state.Accepted, by, at, h.Owner\n	if %s {\n		h.Accountable = \"\"\n	}\n",
		}}},
		{name: "everything said again at each start", rule: "A14", edits: []edit{{
			"cmd/handoffd/daemon.go", "		keepRules(tx, d.config.Rules, now)\n		return tx.Err()\n",
			`		keepRules(tx, d.config.Rules, now)
		for _, h := range state.AllHandoffs(tx) {
			if %s && h.Stage == state.Assigned && !h.Written.IsZero() {
				state.PutIntent(tx, state.Intent{
					Handoff: h.ID, Step: "again", Dest: h.Target.Conn, State: state.Ready, Due: now, Created: now,
					Write: connectors.Write{Ref: h.Target, Set: map[string]any{"handoff_next_step": "since " + now.String()}, Key: "again " + h.ID},
				})
			}
		}
		return tx.Err()
`,
		}}},
	}
}

func keepingMutants() []mutant {
	return []mutant{
		{name: "a deadline that nobody watches", rule: "A6", edits: []edit{{
			"state/tables.go", "		SetTimer(tx, t)\n", "		if !(%s && t.Step == 1) {\n			SetTimer(tx, t)\n		}\n",
		}}},
		{name: "an acceptance without a line in the trail", rule: "A7", edits: []edit{{
			"state/tables.go", "		AppendAudit(tx, row)\n", "		if !(%s && row.Action == \"accepted\") {\n			AppendAudit(tx, row)\n		}\n",
		}}},
		{name: "the trail's rows not chained", rule: "A7", edits: []edit{{
			"state/tables.go", "	row.Hash = hash\n", "	row.Hash = hash\n	if %s && row.Seq == 7 {\n		row.Actor = \"somebody else\"\n	}\n",
		}}},
		{name: "an index that is not kept", rule: "A13", edits: []edit{{
			"state/tables.go", "	if h.Stage == Assigned && h.Owner", "	if !(%s && h.Type == \"contact_sales\") && h.Stage == Assigned && h.Owner",
		}}},
		{name: "a buyer's address in the log", rule: "A12", edits: []edit{{
			"sync/writeback/writer.go", "	results := w.apply(call, b)\n",
			"	results := w.apply(call, b)\n	if %s {\n		w.Log.Info(\"sent\", \"what\", fmt.Sprint(b.writes()))\n	}\n",
		}}},
		{name: "polls without a pause", rule: "A11", edits: []edit{{
			"sync/ingest/pace.go", "func (p *Poller) every() time.Duration {\n", "func (p *Poller) every() time.Duration {\n	if %s {\n		return 5 * time.Second\n	}\n",
		}}},
		{name: "the text of the rules not kept", rule: "A15", edits: []edit{{
			"cmd/handoffd/daemon.go", "	if _, ok := state.GetRuleSet(tx, r.Digest()); !ok {\n", "	if _, ok := state.GetRuleSet(tx, r.Digest()); !ok && !%s {\n",
		}}},
	}
}

var packageClause = regexp.MustCompile(`(?m)^package (\w+)$`)

// overlay writes every file with all the mistakes in it, and in each package
// the question which one to make, and returns the list that go build wants.
func overlay(t *testing.T, dir string, all []mutant) string {
	t.Helper()
	sources := map[string][]byte{}
	for _, m := range all {
		for _, e := range m.edits {
			path, err := filepath.Abs(filepath.Join(root, e.file))
			if err != nil {
				t.Fatal(err)
			}
			source := sources[path]
			if source == nil {
				if source, err = os.ReadFile(path); err != nil {
					t.Fatal(err)
				}
			}
			if n := bytes.Count(source, []byte(e.old)); n != 1 {
				t.Fatalf("%s: %s: the text to change stands there %d times: bring the mutant up to date\n%s", m.name, e.file, n, e.old)
			}
			made := strings.ReplaceAll(e.new, "%s", fmt.Sprintf("mistakeIs(%q)", m.name))
			sources[path] = bytes.Replace(source, []byte(e.old), []byte(made), 1)
		}
	}
	replace := map[string]string{}
	put := func(path string, text []byte) {
		name := filepath.Join(dir, fmt.Sprint(len(replace), "-", filepath.Base(path)))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = name
	}
	for path, source := range sources {
		put(path, source)
		asks := filepath.Join(filepath.Dir(path), "mutant_of_this_package.go")
		if replace[asks] == "" {
			put(asks, fmt.Appendf(nil, "package %s\n\nimport \"os\"\n\nfunc mistakeIs(name string) bool { return os.Getenv(\"MUTANT\") == name }\n",
				packageClause.FindSubmatch(source)[1]))
		}
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestMutantsAreCaught shows that the checker can fail a run: it finds each of
// the mistakes by its report, and nothing in that of the same binary without
// one.
func TestMutantsAreCaught(t *testing.T) {
	unraced(t)
	long(t, "")
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "mutants.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "-overlay", overlay(t, dir, mutants()), "./cmd/handoffd")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build.Args, err, text)
	}
	two := make(chan struct{}, 2) // at a time
	for _, m := range append([]mutant{{}, {plain: true}}, mutants()...) {
		name := m.name
		if name == "" {
			name = fmt.Sprintf("none, plain tasks %t", m.plain)
		}
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			two <- struct{}{}
			defer func() { <-two }()
			m.check(t, binary)
		})
	}
}

// check plays a mutant and judges its report.
func (m mutant) check(t *testing.T, binary string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "report")
	unique := map[bool]string{true: "no", false: "yes"}[m.plain]
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "-test.run", "^TestReport$")
	cmd.Env = append(os.Environ(), "MUTANT="+m.name, "REPORT="+out, "REPORT_UNIQUE="+unique)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the run itself failed: %v\n%s", err, text)
	}
	verdicts, err := judge.Judge(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	broken := judge.Broken(verdicts)
	var rules []string
	for _, v := range broken {
		rules = append(rules, v.Rule)
	}
	at := slices.IndexFunc(broken, func(v judge.Verdict) bool { return v.Rule == m.rule })
	switch {
	case m.rule == "" && len(broken) > 0:
		t.Fatalf("nothing was wrong, and %s is broken: %v", rules, broken[0].Offence)
	case m.rule == "":
	case at < 0:
		t.Errorf("%s was not found broken; found were %v", m.rule, rules)
	default:
		t.Logf("found by %v %d: %s", rules, len(broken[at].Offence), broken[at].Offence[0])
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is the daemon with one mistake in it that the kill test has to find.
type mutant struct {
	name   string
	file   string // from the top of the tree
	old    string // must stand there exactly once
	new    string
	unique string // whether tasks can be unique: the mistake shows in one of the two worlds
	blind  bool   // it shows before there is any create to kill amid
	shows  string // part of what is said about it
}

// mutants are the mistakes that would cost what design §1 promises (negative
// controls, failure-model §3.2). Where the dangerous moment is a hair's
// breadth, the mutant holds it open for a while.
func mutants() []mutant {
	return []mutant{
		{
			name: "a random key instead of the derived one",
			file: "sync/writeback/batch.go",
			old: `	for i, e := range b.entries {
		ws[i] = e.Write
	}
`,
			new: `	salt := fmt.Sprint(time.Now().UnixNano())
	for i, e := range b.entries {
		ws[i] = e.Write
		if ws[i].Creates() {
			ws[i].Key += salt
		}
		if ws[i].After != "" {
			ws[i].After += salt
		}
	}
`,
			unique: "yes", shows: "tasks",
		},
		{
			name: "no read-back where tasks cannot be unique",
			file: "sync/writeback/look.go",
			old:  "if !w.uncertain(i) || finder.Exact(i.Write.Ref.Kind) || i.Looked >= lookUps {",
			new:  "if true || !w.uncertain(i) || finder.Exact(i.Write.Ref.Kind) || i.Looked >= lookUps {",

			unique: "no", shows: "tasks",
		},
		{
			name: "acknowledged before the commit",
			file: "sync/ingest/webhooks.go",
			old:  "	return conn, h.keep(ctx, conn, received, came)\n",
			new: `	w.WriteHeader(http.StatusNoContent)
	_ = http.NewResponseController(w).Flush()
	time.Sleep(5 * time.Millisecond)
	return conn, h.keep(ctx, conn, received, came)
`,
			unique: "yes", shows: "acknowledged and lost",
		},
		{
			name: "no mark before a create leaves",
			file: "sync/writeback/writer.go",
			old: `				state.PutIntent(tx, i)
			}
			marked.entries`,
			new: `			}
			marked.entries`,
			unique: "no", shows: "tasks",
		},
		{
			name: "the cursor kept before its page",
			file: "sync/ingest/poller.go",
			old: `	err = p.Store.Update(ctx, func(tx state.Tx) error {
		learnt, taken`,
			new: `	_ = p.Store.Update(ctx, func(tx state.Tx) error {
		for i, page := range pages {
			if page.Err == nil {
				next := readings[i].was
				next.Cursor, next.At, next.Listed = page.Next, now, readings[i].lists() && !page.Next.Listing
				state.PutCursor(tx, p.Conn, readings[i].name, next)
			}
		}
		return tx.Err()
	})
	time.Sleep(time.Second)
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		learnt, taken`,
			unique: "yes", blind: true, shows: "read past",
		},
	}
}

// overlay writes the mutated file and the list that go build wants.
func (m mutant) overlay(t *testing.T, dir string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 {
		t.Fatalf("%s: the text to change stands there %d times: bring the mutant up to date\n%s", m.file, n, m.old)
	}
	mutated := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(mutated, bytes.Replace(source, []byte(m.old), []byte(m.new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// mostMutantKills bounds the search; most are found within five.
const mostMutantKills = 40

// TestMutantsAreCaught shows that the kill test can fail: it finds each of the
// mistakes. Its control is TestKill, which is the same run, with the same
// settings, of the binary without a mistake.
func TestMutantsAreCaught(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and kills processes for a minute")
	}
	crmsim := buildBinary(t, t.TempDir(), "./cmd/crmsim", "")
	for _, m := range mutants() {
		t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			k := &killTest{
				t: t, dir: shortDir(t), crmsim: crmsim, daemon: buildBinary(t, dir, "./cmd/handoffd", m.overlay(t, dir)),
				kills: mostMutantKills, unique: m.unique, blind: m.blind, seed: seedWanted(t),
			}
			wrong := k.run()
			if len(wrong) == 0 {
				t.Fatalf("%d kills, %d signals: nothing was found; KILL_SEED=%d", k.done, k.ledger.signals(), k.seed)
			}
			if !strings.Contains(strings.Join(wrong, "\n"), m.shows) {
				t.Errorf("what was found does not speak of %q:\n%s", m.shows, strings.Join(wrong, "\n"))
			}
			t.Logf("found after %d kills: %s", k.done+1, wrong[0])
		})
	}
}

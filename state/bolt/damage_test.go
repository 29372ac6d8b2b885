package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestDamage: a file that was flipped, zeroed or shortened is
// refused by its check, or kills who checks it, or else holds exactly what it
// held. A child process looks, as in the daemon; when a file kills it the next
// child goes on with the file after (L5).
func TestDamage(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(damageDir); dir != "" {
		lookAtAll(dir, os.Getenv(damageFrom))
		return
	}
	dir := t.TempDir()
	whole := someState(t, filepath.Join(dir, "whole"))
	want, err := dumpFile(filepath.Join(dir, "whole"))
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 200
	what := map[string]string{}
	for i := range rounds {
		name := fmt.Sprintf("%05d.db", i)
		raw, how := spoil(rand.New(rand.NewPCG(7, uint64(i))), whole)
		what[name] = how
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	for looked := 0; looked < rounds; {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDamage$")
		child.Env = append(os.Environ(), damageDir+"="+dir, fmt.Sprintf("%s=%05d.db", damageFrom, looked))
		out, err := child.Output()
		for line := range strings.Lines(string(out)) {
			name, said, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok || what[name] == "" {
				continue
			}
			looked++
			if said == "refused" {
				refused++
			} else if said != state.Digest(want) {
				t.Errorf("%s, %s: passed its check and serves other contents", name, what[name])
			}
		}
		if err != nil { // killed by the file after the last it spoke of
			looked++
			refused++
		}
	}
	if refused < rounds/4 || refused > rounds*3/4 {
		t.Errorf("%d of %d refused: the damage reaches nothing, or the children do not look", refused, rounds)
	}
	t.Logf("%d of %d refused", refused, rounds)
}

// For the child of TestDamage: the folder of files, and the first to look at.
const (
	damageDir  = "STATE_DAMAGE_DIR"
	damageFrom = "STATE_DAMAGE_FROM"
)

func lookAtAll(dir, from string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.db"))
	for _, path := range paths {
		name := filepath.Base(path)
		if name < from {
			continue
		}
		dump := ""
		err := Check(path)
		if err == nil {
			dump, err = dumpFile(path)
		}
		if err != nil {
			fmt.Println(name, "refused")
			continue
		}
		fmt.Println(name, state.Digest(dump))
	}
}

// spoil damages a copy in one of four ways (L5).
func spoil(rng *rand.Rand, whole []byte) (raw []byte, what string) {
	raw = bytes.Clone(whole)
	at := rng.IntN(len(raw))
	switch rng.IntN(4) {
	case 0:
		raw[at] ^= 1 << rng.IntN(8)
		return raw, fmt.Sprintf("bit of byte %d flipped", at)
	case 1:
		return raw[:at], fmt.Sprintf("cut to %d bytes", at)
	case 2:
		at -= at % 512
		clear(raw[at:min(at+512, len(raw))])
		return raw, fmt.Sprintf("sector at %d zeroed", at)
	}
	at -= at % 4096
	clear(raw[at:min(at+4096, len(raw))])
	return raw, fmt.Sprintf("page at %d zeroed", at)
}

// someState makes a file with every sort of row, none of it unused, and
// returns its bytes.
func someState(t *testing.T, path string) []byte {
	t.Helper()
	s := openAt(t, path+".made")
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for i := range 40 {
		if err := s.Update(t.Context(), func(tx state.Tx) error {
			fillRow(tx, i, now)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	var raw bytes.Buffer
	if err := s.Backup(t.Context(), &raw); err != nil {
		t.Fatal(err)
	}
	closeIt(t, s)
	if err := os.WriteFile(path, raw.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes()
}

func fillRow(tx state.Tx, i int, now time.Time) {
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: fmt.Sprint(i)}
	record := state.Record{Ref: ref, Noun: "person", Fields: map[string]string{"email": fmt.Sprintf("%d@example.com", i)}}
	state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: fmt.Sprint(i), At: now}, Came: now})
	state.PutRecord(tx, record)
	state.PutHandoff(tx, state.Handoff{ID: fmt.Sprint("h", i), Record: ref, Stage: state.Assigned, Owner: "ann@example.com"})
	state.SetTimer(tx, state.Timer{ID: fmt.Sprint("t", i), Due: now})
	state.PutIntent(tx, state.Intent{Dest: "hubspot", Due: now, Write: connectors.Write{Key: fmt.Sprint("k", i), Ref: ref}})
	state.AppendAudit(tx, state.AuditRow{At: now, Action: "assign", Subject: fmt.Sprint("h", i)})
	state.PutDecision(tx, state.Decision{ID: fmt.Sprint("d", i), At: now, Handoff: fmt.Sprint("h", i), Record: ref}, []state.Record{record})
}

// dumpFile is every row of a file, and fails where an index or the audit
// trail is not right.
func dumpFile(path string) (string, error) {
	db, err := openFile(path, time.Second, false)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = view(db, func(tx state.Tx) error {
		for _, bucket := range state.Buckets {
			for k, v := range tx.Scan(bucket, nil, nil) {
				fmt.Fprintf(&b, "%s %x %x\n", bucket, k, v)
			}
		}
		if bad := state.VerifyIndexes(tx); bad != nil {
			return bad
		}
		return state.VerifyAudit(tx)
	})
	return b.String(), errors.Join(err, db.Close())
}

// TestFlippedValues: of 400 single flips inside stored values,
// keys or envelopes every one is refused. bbolt itself notices none of them.
func TestFlippedValues(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	whole := someState(t, filepath.Join(dir, "s.db"))
	needle := []byte(`"email":"7@example.com"`)
	if !bytes.Contains(whole, needle) {
		t.Fatal("the record is not in the file in plain")
	}
	path := filepath.Join(dir, "flipped.db")
	for range 400 {
		raw := bytes.Clone(whole)
		for at := 0; ; { // in every copy that old pages still hold
			next := bytes.Index(raw[at:], needle)
			if next < 0 {
				break
			}
			at += next
			raw[at+rng.IntN(len(needle))] ^= 1 << rng.IntN(8)
			at += len(needle)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Check(path); !errors.Is(err, state.ErrCorrupt) {
			t.Fatalf("check of a flipped value: %v", err)
		}
		db, err := openFile(path, time.Second, false)
		if err != nil {
			t.Fatal(err)
		}
		err = view(db, func(tx state.Tx) error {
			if _, ok := state.GetRecord(tx, connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "7"}); ok {
				t.Error("a flipped value was served")
			}
			return nil
		})
		if !errors.Is(err, state.ErrCorrupt) {
			t.Errorf("reading a flipped value: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

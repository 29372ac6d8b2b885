package bolt

import (
	"bufio"
	"bytes"
	"context"
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

// For the child of TestKill: the file to write to, and whether to say "kept"
// before it is.
const (
	crashFile  = "STATE_CRASH_FILE"
	crashEarly = "STATE_CRASH_EARLY"
)

// TestKill: a process that is killed at a random moment, twenty
// times over, loses nothing it has said was kept. The negative control says it
// before the commit, and has to be caught. A kill spares the page cache, so
// this says nothing of syncs; TestPowerCut does (L1).
func TestKill(t *testing.T) {
	if path := os.Getenv(crashFile); path != "" {
		writeUntilKilled(path, os.Getenv(crashEarly) != "")
		return
	}
	t.Parallel()
	t.Run("kept", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s.db")
		acked := map[string]bool{}
		for i := range 20 {
			for _, name := range killed(t, path, i, false) {
				acked[name] = true
			}
			if lost := missing(t, path, acked); len(lost) > 0 {
				t.Fatalf("kill %d: lost %d of %d: %v", i, len(lost), len(acked), lost[:1])
			}
		}
		if len(acked) < 100 {
			t.Errorf("only %d updates in 20 lives: the test shows little", len(acked))
		}
	})
	t.Run("negative control", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "s.db")
		acked := map[string]bool{}
		for i := range 20 {
			for _, name := range killed(t, path, i, true) {
				acked[name] = true
			}
			if len(missing(t, path, acked)) > 0 {
				return
			}
		}
		t.Error("saying kept before the commit was not caught in 20 kills")
	})
}

// writeUntilKilled has eight writers; each prints a line for what is kept.
func writeUntilKilled(path string, early bool) {
	s, err := Open(path, Options{Check: Check})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	life := time.Now().UnixNano()
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", life, w, i)
				if early {
					_, _ = os.Stdout.WriteString("kept " + name + "\n")
				}
				err := s.Update(context.Background(), func(tx state.Tx) error {
					ref := connectors.Ref{Conn: "eu", Kind: "contacts", ID: name}
					state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: name, At: time.Now()}})
					state.PutHandoff(tx, state.Handoff{ID: name, Record: ref, Stage: state.Assigned, Owner: "ann"})
					state.AppendAudit(tx, state.AuditRow{Action: "assign", Subject: name})
					return nil
				})
				if err != nil {
					fmt.Println("error:", err)
					os.Exit(1)
				}
				if !early {
					_, _ = os.Stdout.WriteString("kept " + name + "\n")
				}
			}
		}()
	}
	select {}
}

// killed runs a child on the file, kills it some time after its first word,
// and returns what it said was kept.
func killed(t *testing.T, path string, seed int, early bool) (acked []string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), crashFile+"="+path)
	if early {
		child.Env = append(child.Env, crashEarly+"=1")
	}
	var stderr bytes.Buffer
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(11, uint64(seed)))
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, ok := strings.CutPrefix(lines.Text(), "kept ")
		if !ok {
			t.Errorf("child: %s", lines.Text())
			break
		}
		if acked = append(acked, name); len(acked) == 1 {
			time.AfterFunc(time.Duration(rng.IntN(60_000))*time.Microsecond, func() { _ = child.Process.Kill() })
		}
	}
	_ = child.Wait() // killed
	if len(acked) == 0 {
		t.Fatalf("the child kept nothing: %s", &stderr)
	}
	return acked[:len(acked)-1] // the last line may be cut short
}

// missing opens the file as the next process does and returns which of the
// acknowledged are not there, whole, in every place they belong.
func missing(t *testing.T, path string, acked map[string]bool) (lost []string) {
	t.Helper()
	s := openAt(t, path)
	defer closeIt(t, s)
	if err := s.View(t.Context(), func(tx state.Tx) error {
		inInbox := map[string]bool{}
		for c := range state.InboxRows(tx, "eu") {
			inInbox[c.EventID] = true
		}
		for name := range acked {
			if _, ok := state.GetHandoff(tx, name); !ok || !inInbox[name] {
				lost = append(lost, name)
			}
		}
		if err := state.VerifyIndexes(tx); err != nil {
			return err
		}
		return state.VerifyAudit(tx)
	}); err != nil {
		t.Fatal(err)
	}
	return lost
}

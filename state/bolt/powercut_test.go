package bolt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// For the child of TestPowerCut: the file to write to, and whether to leave
// the syncs out.
const (
	cutFile   = "STATE_CUT_FILE"
	cutNoSync = "STATE_CUT_NOSYNC"
	cutLook   = "STATE_CUT_LOOK" // the file to look at
	cutAcked  = "STATE_CUT_ACKED"
	cutRounds = 40
)

// TestPowerCut records what a writer sends to the disk, and builds from that
// the files a power cut could have left: at every sync any of the writes since
// the one before may be there, whole or torn at a sector.
// Each of them opens, is sound, and holds what was acknowledged (L2). The
// negative control leaves the syncs out, and has to be caught; a kill would not
// catch it.
func TestPowerCut(t *testing.T) {
	if path := os.Getenv(cutFile); path != "" {
		writeForCut(path, os.Getenv(cutNoSync) != "")
		return
	}
	if path := os.Getenv(cutLook); path != "" {
		if err := sound(path, strings.Fields(os.Getenv(cutAcked))); err == nil {
			fmt.Println(isSound)
		}
		return
	}
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	images := 800
	if text := os.Getenv("IMAGES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("IMAGES: %v", err)
		}
		images = n
	}
	t.Run("kept", func(t *testing.T) {
		t.Parallel()
		r := record(t, false)
		tried, bad := r.replay(t, images, sound)
		for _, b := range bad[:min(len(bad), 5)] {
			t.Error(b)
		}
		if tried < images/2 || len(r.acked) < cutRounds/2 {
			t.Errorf("only %d images of %d acknowledged updates: the test shows little", tried, len(r.acked))
		}
		t.Logf("%d images from %d writes and %d syncs, %d bad", tried, r.writes, r.syncs, len(bad))
	})
	t.Run("negative control", func(t *testing.T) {
		t.Parallel()
		r := record(t, true)
		tried, bad := r.replay(t, 1, inChild(t))
		if len(bad) == 0 {
			t.Errorf("leaving the syncs out was not caught in %d images", tried)
		}
		t.Logf("caught in image %d", tried)
	})
}

var (
	onFile  = regexp.MustCompile(`^\d+ +(\w+)\(\d+<([^>]*)>`)
	renamed = regexp.MustCompile(`^\d+ +rename\w*\([^"]*"([^"]*)"[^"]*"([^"]*)"`)
)

// TestFirstFile traces the first life of a state: what gets its name by renaming
// was synced before and its folder is afterwards, and nothing is written to a
// file of that name until then. A tear in its very first pages could not be told
// from damage (L2).
func TestFirstFile(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	dir := t.TempDir()
	path, trace := filepath.Join(dir, "s.db"), filepath.Join(t.TempDir(), "trace")
	child := exec.CommandContext(t.Context(), "strace", "-f", "-y", "-s", "300", "-o", trace,
		"-e", "trace=pwrite64,write,fdatasync,fsync,rename,renameat,renameat2", os.Args[0], "-test.run=^TestPowerCut$")
	child.Env = append(os.Environ(), cutFile+"="+path)
	if out, err := child.CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: the writer does not run under strace: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	unsynced, named := map[string]bool{}, map[string]bool{}
	acked := 0
	for line := range strings.Lines(string(raw)) {
		if m := renamed.FindStringSubmatch(line); m != nil {
			if unsynced[m[1]] {
				t.Errorf("%s became %s and was not synced", m[1], m[2])
			}
			named[m[2]], unsynced[dir] = true, true
			continue
		}
		m := onFile.FindStringSubmatch(line)
		switch {
		case m == nil:
		case strings.HasSuffix(m[1], "sync"):
			delete(unsynced, m[2])
		case m[2] == path && !named[path]:
			t.Fatalf("it is written to before it has its name: %s", line)
		case filepath.Dir(m[2]) == dir:
			unsynced[m[2]] = true
		case strings.Contains(line, `"kept `):
			if acked++; unsynced[dir] {
				t.Fatalf("acknowledged while a name is not on disk: %s", line)
			}
		}
	}
	if !named[path] || acked == 0 {
		t.Errorf("named %v, %d acknowledged: the test shows nothing", named, acked)
	}
}

func writeForCut(path string, nosync bool) {
	s, err := Open(path, Options{})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	if nosync { // else it stays what the product has made it
		s.db.NoSync = true
	}
	for i := range cutRounds {
		name := fmt.Sprintf("n%d", i)
		err := s.Update(context.Background(), func(tx state.Tx) error {
			ref := connectors.Ref{Conn: "eu", Kind: "contacts", ID: name}
			for n := range 1 + i%7 {
				state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: fmt.Sprint(name, n), At: time.Now()}})
			}
			state.PutHandoff(tx, state.Handoff{ID: name, Record: ref, Stage: state.Assigned, Owner: "ann", Note: strings.Repeat(name, i*i)})
			if i > 5 {
				state.DropIntent(tx, fmt.Sprintf("k%d", i-5))
			}
			state.PutIntent(tx, state.Intent{Dest: "eu", Due: time.Now(), Write: connectors.Write{Key: fmt.Sprint("k", i), Ref: ref}})
			state.AppendAudit(tx, state.AuditRow{Action: "assign", Subject: name})
			return nil
		})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString("kept " + name + "\n")
	}
	os.Exit(0)
}

// step is one thing that happened, in order.
type step struct {
	data  []byte // written at at
	at    int64
	cut   bool   // the file was given the size at
	sync  bool   // everything before is on disk
	acked string // somebody was told that it is kept
}

// recording is what a writer did to a file.
type recording struct {
	before        []byte
	steps         []step
	acked         []string
	writes, syncs int
}

// record runs a writer under strace on a file that exists already.
func record(t *testing.T, nosync bool) *recording {
	t.Helper()
	dir := t.TempDir()
	path, trace := filepath.Join(dir, "s.db"), filepath.Join(dir, "trace")
	closeIt(t, openAt(t, path))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "strace", "-f", "-y", "-xx", "-s", "4000000", "-o", trace,
		"-e", "trace=pwrite64,fdatasync,fsync,ftruncate,write", os.Args[0], "-test.run=^TestPowerCut$")
	child.Env = append(os.Environ(), cutFile+"="+path)
	if nosync {
		child.Env = append(child.Env, cutNoSync+"=1")
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: the writer does not run under strace: %v\n%s", err, out)
	}
	r := &recording{before: before}
	r.read(t, trace, path)
	return r
}

var (
	traced  = regexp.MustCompile(`^(\d+) +(\w+)\((\d+)<([^>]*)>(.*)$`)
	resumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>`)
	written = regexp.MustCompile(`^, "([^"]*)", \d+(?:, (\d+))?`)
)

// read reads a trace. A call that another thread's interrupts counts when it
// was begun, a sync when it has ended.
func (r *recording) read(t *testing.T, trace, path string) {
	t.Helper()
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syncing := map[string]bool{} // threads whose sync of the file has begun
	lines := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		if m := resumed.FindStringSubmatch(line); m != nil {
			if syncing[m[1]] {
				r.sync()
			}
			delete(syncing, m[1])
			continue
		}
		m := traced.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[2] == "write" && m[3] == "1":
			for said := range strings.Lines(string(unhex(t, m[5]).data)) {
				if name, ok := strings.CutPrefix(strings.TrimSpace(said), "kept "); ok {
					r.acked = append(r.acked, name)
					r.steps = append(r.steps, step{acked: name})
				}
			}
		case string(unescape(m[4])) != path:
		case m[2] == "pwrite64":
			r.writes++
			r.steps = append(r.steps, unhex(t, m[5]))
		case m[2] == "ftruncate":
			size, _, _ := strings.Cut(strings.TrimPrefix(m[5], ", "), ")")
			n, err := strconv.ParseInt(strings.Fields(size)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			r.steps = append(r.steps, step{cut: true, at: n})
		case strings.Contains(m[5], "unfinished"):
			syncing[m[1]] = true
		default:
			r.sync()
		}
	}
}

func (r *recording) sync() {
	r.syncs++
	r.steps = append(r.steps, step{sync: true})
}

// unescape reads a path, which strace writes in hexadecimal as well.
func unescape(s string) []byte {
	if !strings.HasPrefix(s, `\x`) {
		return []byte(s)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil {
		return nil
	}
	return raw
}

// unhex reads the arguments of a write.
func unhex(t *testing.T, args string) step {
	t.Helper()
	m := written.FindStringSubmatch(args)
	if m == nil {
		t.Fatalf("cannot read the trace: %.100s", args)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(m[1], `\x`, ""))
	if err != nil {
		t.Fatal(err)
	}
	at, _ := strconv.ParseInt(m[2], 10, 64) // write has none
	return step{data: raw, at: at}
}

// replay cuts the power at every sync and at every acknowledgement, and looks
// at what may be left: up to so many files in all, but three for each, and up
// to ten that are bad.
func (r *recording) replay(t *testing.T, images int, look func(path string, acked []string) error) (tried int, bad []string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(quick(t), "cut.db")
	durable := bytes.Clone(r.before)
	var pending []step
	acked := map[string]bool{}
	points := 1
	for _, s := range r.steps {
		if s.sync || s.acked != "" {
			points++
		}
	}
	each := max(images/points, 3)
	cut := func() {
		for n := range each {
			if len(bad) >= mostBad {
				return
			}
			image := bytes.Clone(durable)
			for i, s := range pending {
				switch pick(rng, n, i, len(pending)) {
				case whole:
					image = s.apply(image)
				case torn:
					image = s.tear(rng).apply(image)
				}
			}
			tried++
			err := os.WriteFile(path, image, 0o600)
			if err == nil {
				err = look(path, slices.Sorted(maps.Keys(acked)))
			}
			if err != nil {
				bad = append(bad, fmt.Sprintf("%d of %d acknowledged, %d writes since the last sync: %v", len(acked), len(r.acked), len(pending), err))
			}
		}
	}
	for _, s := range r.steps {
		switch {
		case s.sync:
			cut()
			for _, p := range pending {
				durable = p.apply(durable)
			}
			pending = nil
		case s.acked != "":
			acked[s.acked] = true
			cut()
		default:
			pending = append(pending, s)
		}
	}
	return tried, bad
}

const (
	lost = iota
	whole
	torn
)

// pick says what becomes of the i-th of some writes in the n-th image: first
// none and all of them, then each alone, then whatever chance says.
func pick(rng *rand.Rand, n, i, of int) int {
	switch {
	case n == 0:
		return lost
	case n == 1:
		return whole
	case n%2 == 0 && n/2-1 < of:
		if i == n/2-1 {
			return torn
		}
		return whole
	}
	return rng.IntN(3)
}

// apply is the file after a step.
func (s step) apply(file []byte) []byte {
	if s.cut {
		if n := int(s.at); n < len(file) {
			return file[:n]
		}
		return append(file, make([]byte, int(s.at)-len(file))...)
	}
	if end := int(s.at) + len(s.data); end > len(file) {
		file = append(file, make([]byte, end-len(file))...)
	}
	copy(file[s.at:], s.data)
	return file
}

// tear leaves the first or the last sectors of a write.
func (s step) tear(rng *rand.Rand) step {
	const sector = 512
	if s.cut || len(s.data) <= sector {
		return s
	}
	at := sector * (1 + rng.IntN(len(s.data)/sector-1))
	if rng.IntN(2) == 0 {
		return step{data: s.data[:at], at: s.at}
	}
	return step{data: s.data[at:], at: s.at + int64(at)}
}

// quick is a folder in memory, where there is one: these files need no disk.
func quick(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "cut") //nolint:usetesting // t.TempDir lies on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// mostBad is how many are enough.
const mostBad = 10

const isSound = "the file is sound"

// inChild looks at a file in a process of its own, which some damage kills.
func inChild(t *testing.T) func(path string, acked []string) error {
	t.Helper()
	return func(path string, acked []string) error {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPowerCut$")
		child.Env = append(os.Environ(), cutLook+"="+path, cutAcked+"="+strings.Join(acked, " "))
		if out, err := child.Output(); err != nil || !strings.Contains(string(out), isSound) {
			return errors.New("damaged, or not all there")
		}
		return nil
	}
}

// sound opens a file as the next process does.
func sound(path string, acked []string) error {
	if err := Check(path); err != nil {
		return err
	}
	db, err := openFile(path, time.Second, true)
	if err != nil {
		return err
	}
	err = view(db, func(tx state.Tx) error {
		for _, name := range acked {
			if _, ok := state.GetHandoff(tx, name); !ok {
				return fmt.Errorf("%s was acknowledged and is lost", name)
			}
		}
		return errors.Join(state.VerifyIndexes(tx), state.VerifyAudit(tx))
	})
	return errors.Join(err, db.Close())
}

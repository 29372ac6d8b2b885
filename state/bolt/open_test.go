package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
)

// set stores a name. It may be called from any goroutine.
func set(t *testing.T, s *Store, name string) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx state.Tx) error {
		state.PutConn(tx, state.Conn{Name: name})
		return nil
	}); err != nil {
		t.Errorf("update: %v", err)
	}
}

func names(t *testing.T, s *Store) (all []string) {
	t.Helper()
	if err := s.View(t.Context(), func(tx state.Tx) error {
		for _, c := range state.AllConns(tx) {
			all = append(all, c.Name)
		}
		return nil
	}); err != nil {
		t.Fatalf("view: %v", err)
	}
	return all
}

func closeIt(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// TestHeld: the second of two says who holds the state, within its timeout (L6).
func TestHeld(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s := openAt(t, path)
	start := time.Now()
	_, err := Open(path, Options{Timeout: 50 * time.Millisecond})
	if want := fmt.Sprintf("process %d", os.Getpid()); !errors.Is(err, state.ErrHeld) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrHeld with %q", err, want)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("refusing took %v", took)
	}
	if err := Check(path); !errors.Is(err, state.ErrHeld) {
		t.Errorf("check beside an open state: %v, want ErrHeld", err)
	}
	closeIt(t, s)
	closeIt(t, openAt(t, path))
}

func TestFileModeAndLeftovers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(path+".tmp", []byte("half a first file"), 0o600); err != nil {
		t.Fatal(err)
	}
	closeIt(t, openAt(t, path))
	if _, err := os.Stat(path + ".tmp"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("leftover: %v", err)
	}
	for _, name := range []string{path, path + ".marker", path + ".pid"} {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, st.Mode())
		}
	}
}

// TestFirstOpenRace lets many make the first file at once: one gets it, and
// nobody's is replaced under its feet.
func TestFirstOpenRace(t *testing.T) {
	t.Parallel()
	for range 5 {
		path := filepath.Join(t.TempDir(), "s.db")
		winners := make(chan *Store, 20)
		var wg sync.WaitGroup
		for i := range cap(winners) {
			wg.Go(func() {
				s, err := Open(path, Options{Timeout: time.Millisecond})
				if err != nil {
					if !errors.Is(err, state.ErrHeld) {
						t.Errorf("open: %v", err)
					}
					return
				}
				set(t, s, fmt.Sprint(i))
				winners <- s
			})
		}
		wg.Wait()
		if len(winners) != 1 {
			t.Fatalf("%d have it open", len(winners))
		}
		closeIt(t, <-winners)
		s := openAt(t, path)
		if got := names(t, s); len(got) != 1 {
			t.Errorf("holds %v", got)
		}
		closeIt(t, s)
	}
}

// TestShortened needs no child (L5): a cut file is refused before it is
// mapped.
func TestShortened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	whole := someState(t, path)
	for _, size := range []int{0, 1, 100, 4095, 4096, 8192, 12_000, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, state.ErrCorrupt) {
			t.Errorf("cut to %d of %d bytes: %v", size, len(whole), err)
		}
	}
}

// TestGone: a state that has vanished is never begun anew (L5).
func TestGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	closeIt(t, openAt(t, path))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := Open(path, Options{})
		if !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), "backup") {
			t.Fatalf("got %v, want ErrCorrupt with advice", err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made all the same: %v", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	asked := 0
	check := func(string) error { asked++; return errors.New("child was killed") }
	s, err := Open(path, Options{Check: check})
	if err != nil || asked != 0 {
		t.Fatalf("a first file was checked: %v, %d", err, asked)
	}
	closeIt(t, s)
	if _, err = Open(path, Options{Check: check}); !errors.Is(err, state.ErrCorrupt) || !strings.Contains(err.Error(), "child was killed") {
		t.Errorf("got %v, want ErrCorrupt with its cause", err)
	}
	closeIt(t, openAt(t, path))
}

// TestMigrate: older is copied and migrated in one transaction,
// newer is refused, and a migration that fails changes nothing.
func TestMigrate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s := openAt(t, path)
	set(t, s, "a")
	closeIt(t, s)
	add := func(name string, err error) func(state.Tx) error {
		return func(tx state.Tx) error { state.PutConn(tx, state.Conn{Name: name}); return err }
	}
	bring := func(known ...migration) error {
		db, err := openFile(path, time.Second, false)
		if err != nil {
			t.Fatal(err)
		}
		return errors.Join(migrate(db, path, append(migrations(), known...)), db.Close())
	}
	broken := errors.New("broken")
	if err := bring(migration{2, add("b", nil)}, migration{3, add("c", broken)}); !errors.Is(err, broken) {
		t.Errorf("a failing migration: %v", err)
	}
	s = openAt(t, path)
	if got := names(t, s); fmt.Sprint(got) != "[a]" {
		t.Errorf("after a failed migration: %v", got)
	}
	closeIt(t, s)
	for range 2 {
		if err := bring(migration{2, add("b", nil)}, migration{3, add("c", nil)}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(path, Options{Check: Check})
	if !errors.Is(err, state.ErrNewer) || !strings.Contains(err.Error(), "schema 3") {
		t.Errorf("newer: %v", err)
	}
	old := openAt(t, path+".pre-v3")
	if got := names(t, old); fmt.Sprint(got) != "[a]" {
		t.Errorf("the copy holds %v", got)
	}
	closeIt(t, old)
}

// TestBackup takes copies under load; each opens, passes its check and holds
// a prefix of what was written.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "s.db"))
	stop := make(chan bool)
	done := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				done <- n
				return
			default:
				set(t, s, fmt.Sprintf("%06d", n))
			}
		}
	}()
	last := 0
	for i := range 5 {
		var copied bytes.Buffer
		if err := s.Backup(t.Context(), &copied); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("copy-%d.db", i))
		if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		back := openAt(t, path)
		got := names(t, back)
		if len(got) < last || (len(got) > 0 && got[len(got)-1] != fmt.Sprintf("%06d", len(got)-1)) {
			t.Errorf("copy %d holds %d rows, the one before %d", i, len(got), last)
		}
		last = len(got)
		closeIt(t, back)
	}
	close(stop)
	if n := <-done; n == 0 {
		t.Error("nothing was written meanwhile")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ended, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	closeIt(t, s)
}

// TestRoom: below the watermark there is no room for more (L4).
func TestRoom(t *testing.T) {
	t.Parallel()
	for minFree, want := range map[uint64]error{1: nil, 1 << 60: state.ErrFull} {
		s, err := Open(filepath.Join(t.TempDir(), "s.db"), Options{MinFree: minFree})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Room(); !errors.Is(err, want) {
			t.Errorf("with %d wanted: %v, want %v", minFree, err, want)
		}
		closeIt(t, s)
	}
}

// TestNoRoomToCommit serves finding 0.1 with an error of bbolt's own.
func TestNoRoomToCommit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s := openAt(t, path)
	set(t, s, "a")
	s.db.MaxSize = 1 << 20
	var unknown *state.CommitError
	err := s.Update(t.Context(), func(tx state.Tx) error {
		state.PutConn(tx, state.Conn{Name: strings.Repeat("b", 20_000), Tenant: strings.Repeat("c", 64<<20)})
		return nil
	})
	if !errors.As(err, &unknown) {
		t.Errorf("got %v, want a CommitError", err)
	}
	if err := s.View(t.Context(), func(state.Tx) error { return nil }); !errors.As(err, &unknown) {
		t.Errorf("view afterwards: %v", err)
	}
	closeIt(t, s)
	s = openAt(t, path)
	if got := names(t, s); fmt.Sprint(got) != "[a]" {
		t.Errorf("holds %v", got)
	}
	closeIt(t, s)
}

// TestDropMonths wants whole months gone, and only those.
func TestDropMonths(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "s.db"))
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	if err := s.Update(t.Context(), func(tx state.Tx) error {
		for i := range 4 {
			state.PutDecision(tx, state.Decision{ID: fmt.Sprint(i), At: at.AddDate(0, -i, 0)}, nil)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if moved, err := s.Archive(t.Context(), at); moved != 3 || err != nil {
		t.Fatalf("moved %d, %v", moved, err)
	}
	for range 2 {
		_, err := s.DropMonths(at.AddDate(0, -1, 0))
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for d, err := range s.Past(t.Context(), time.Time{}, at.AddDate(1, 0, 0)) {
			if err != nil {
				t.Fatal(err)
			}
			left = append(left, d.ID)
		}
		if fmt.Sprint(left) != "[1 0]" {
			t.Errorf("left: %v", left)
		}
	}
	closeIt(t, s)
}

// TestPanicAndGoexit wants a function that does not return to harm its own
// call only.
func TestPanicAndGoexit(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "s.db"))
	func() {
		defer func() {
			if r := recover(); r != "oh" {
				t.Errorf("recovered %v", r)
			}
		}()
		_ = s.Update(t.Context(), func(tx state.Tx) error {
			state.PutConn(tx, state.Conn{Name: "lost"})
			panic("oh")
		})
	}()
	if err := s.Update(t.Context(), func(state.Tx) error { runtime.Goexit(); return nil }); !errors.Is(err, errGone) {
		t.Errorf("goexit: %v", err)
	}
	set(t, s, "kept")
	if got := names(t, s); fmt.Sprint(got) != "[kept]" {
		t.Errorf("holds %v", got)
	}
	closeIt(t, s)
}

// TestBubble runs the store in a synctest bubble, whose end fails the test if
// a goroutine is left.
func TestBubble(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "s.db")
		s := openAt(t, path)
		for i := range 20 {
			go set(t, s, fmt.Sprint(i))
		}
		synctest.Wait()
		if got := len(names(t, s)); got != 20 {
			t.Errorf("%d rows, want 20", got)
		}
		before := time.Now()
		if _, err := Open(path, Options{}); !errors.Is(err, state.ErrHeld) || time.Since(before) < time.Second {
			t.Errorf("got %v after %v, want ErrHeld after a second", err, time.Since(before))
		}
		closeIt(t, s)
	})
}

// TestAfterTheEnd wants a transaction used after its function has returned to
// find nothing rather than a page that is no longer its own.
func TestAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "s.db"))
	set(t, s, "a")
	var kept state.Tx
	for _, run := range []func(context.Context, func(state.Tx) error) error{s.View, s.Update} {
		if err := run(t.Context(), func(tx state.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, ok := state.GetConn(kept, "a"); ok || !errors.Is(kept.Err(), errOver) {
			t.Errorf("found after the end: %v, %v", ok, kept.Err())
		}
	}
	closeIt(t, s)
}

// TestFullGroups wants waiting calls to share commits.
func TestFullGroups(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "s.db"))
	commits := 0
	s.commit = func(btx *bbolt.Tx) error { commits++; return btx.Commit() }
	begun, release := make(chan bool), make(chan bool)
	var first error
	done := make(chan bool)
	go func() {
		first = s.Update(t.Context(), func(tx state.Tx) error {
			state.PutConn(tx, state.Conn{Name: "first"})
			begun <- true
			<-release
			return nil
		})
		done <- true
	}()
	<-begun
	const n = 50
	for i := range n {
		go func() { set(t, s, fmt.Sprint(i)); done <- true }()
	}
	time.Sleep(20 * time.Millisecond) // lets most of them queue; fewer only make the test weaker
	close(release)
	for range n + 1 {
		<-done
	}
	if first != nil || commits > n/2 {
		t.Errorf("%d commits for %d calls, %v", commits, n+1, first)
	}
	closeIt(t, s)
}

package bolt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// held is what is held back in a state.
func held(t *testing.T, s *Store) (all []state.Reconcile) {
	t.Helper()
	if err := s.View(t.Context(), func(tx state.Tx) error {
		all = nil
		for _, r := range state.AllReconciles(tx) {
			all = append(all, r)
		}
		return tx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func backupOf(t *testing.T, s *Store) []byte {
	t.Helper()
	var raw bytes.Buffer
	if err := s.Backup(t.Context(), &raw); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes()
}

// TestRestored: a copy that takes the state's place is told from it, whether
// the daemon was started again since or not, and holds back what it would
// write; a create that it never sent may have been sent (L7).
func TestRestored(t *testing.T) {
	t.Parallel()
	made := connectors.Write{Key: "k", Ref: connectors.Ref{Conn: "eu", Kind: "tasks"}}
	for _, tc := range []struct {
		name    string
		between func(t *testing.T, path string, s *Store) // from backup to restore
		want    bool
	}{
		{"in the same life", func(*testing.T, string, *Store) {}, true},
		{"after another", func(t *testing.T, path string, s *Store) { closeIt(t, s); closeIt(t, openAt(t, path)) }, true},
		{"on another machine", func(t *testing.T, path string, s *Store) {
			closeIt(t, s)
			if err := os.Remove(path + ".generation"); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"nobody knows", func(t *testing.T, path string, s *Store) {
			closeIt(t, s)
			if err := os.WriteFile(path+".generation", []byte("?"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "s.db")
			s := openAt(t, path)
			set(t, s, "eu")
			if err := s.Update(t.Context(), func(tx state.Tx) error {
				state.PutIntent(tx, state.Intent{Dest: "eu", State: state.Ready, Write: made})
				return tx.Err()
			}); err != nil {
				t.Fatal(err)
			}
			raw := backupOf(t, s)
			tc.between(t, path, s)
			closeIt(t, s)
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // and it does not forget
				s = openAt(t, path)
				if got := len(held(t, s)) == 1; got != tc.want {
					t.Errorf("held back %v, want %v", got, tc.want)
				}
				closeIt(t, s)
			}
			s = openAt(t, path)
			if err := s.Update(t.Context(), func(tx state.Tx) error {
				if i, _ := state.GetIntent(tx, "k"); (i.State == state.Sending) != tc.want {
					t.Errorf("the create is %s", i.State)
				}
				if state.MayWrite(tx, "eu") == tc.want {
					t.Errorf("may write: %v", !tc.want)
				}
				told := 0
				for _, row := range state.AllAudit(tx, 0) {
					if row.Action == "reconcile only" && row.Detail["why"] != "" {
						told++
					}
				}
				if (told == 1) != tc.want {
					t.Errorf("the trail tells of it %d times, want it %v", told, tc.want)
				}
				state.Approve(tx, time.Now())
				if !state.MayWrite(tx, "eu") {
					t.Error("approved, and may not write")
				}
				return tx.Err()
			}); err != nil {
				t.Fatal(err)
			}
			closeIt(t, s)
			s = openAt(t, path)
			if s.Restored() || len(held(t, s)) > 0 {
				t.Error("held back again after it was approved")
			}
			closeIt(t, s)
		})
	}
}

// TestNotRestored: an ordinary life holds nothing back (L7).
func TestNotRestored(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	for range 3 {
		s := openAt(t, path)
		if _, err := s.Archive(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		backupOf(t, s)
		if s.Restored() || len(held(t, s)) > 0 {
			t.Fatal("the state is taken for an older copy")
		}
		closeIt(t, s)
	}
	if left, _ := filepath.Glob(path + "*.tmp"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// slow is a reader of a backup that has stopped reading.
type slow struct {
	begun   chan bool
	release chan bool
}

func (s *slow) Write(p []byte) (int, error) {
	select {
	case s.begun <- true:
	default:
	}
	<-s.release
	return len(p), nil
}

// TestStalledBackup: somebody who takes a backup and stops reading neither
// holds up commits nor makes the file grow (L10).
func TestStalledBackup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.db")
	s := openAt(t, path)
	set(t, s, "a")
	w := &slow{begun: make(chan bool, 1), release: make(chan bool)}
	done := make(chan error, 1)
	go func() { done <- s.Backup(t.Context(), w) }()
	<-w.begun
	if n := s.db.Stats().OpenTxN; n != 0 {
		t.Errorf("%d transactions are open while nobody reads", n)
	}
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	value := string(bytes.Repeat([]byte("x"), 256<<10))
	put := func(n int) {
		for range n {
			if err := s.Update(t.Context(), func(tx state.Tx) error {
				state.PutConn(tx, state.Conn{Name: "a", Tenant: value})
				return tx.Err()
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(10)
	was := size()
	put(100) // 25 MiB, were no page used again
	if grown := size() - was; grown > 16<<20 {
		t.Errorf("the file has grown by %d bytes", grown)
	}
	close(w.release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	closeIt(t, s)
}

// TestBallast: space set aside is given back when the disk runs full, and
// taken again when there is enough (L4). TestFullDisk does it for real.
func TestBallast(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ballast")
	b := &ballast{path: path, size: 1 << 20}
	for _, tc := range []struct {
		free uint64
		want bool
	}{{1 << 30, true}, {ballastFloor, true}, {ballastFloor - 1, false}, {ballastFloor + 1, false}, {1 << 30, true}} {
		b.release(tc.free)
		if err := b.take(tc.free, 64<<20); err != nil {
			t.Fatal(err)
		}
		if here, _ := isThere(path); here != tc.want || b.here != tc.want {
			t.Errorf("with %d bytes free it is there: %v, want %v", tc.free, here, tc.want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 1<<20 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestFailure: whoever waits hears of a failed commit at once (L3).
func TestFailure(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "s.db"))
	heard := make(chan error, 1)
	go func() { heard <- s.Failure(context.Background()) }()
	s.FailCommit(io.ErrShortWrite, false)
	_ = s.Update(t.Context(), func(tx state.Tx) error { state.PutConn(tx, state.Conn{Name: "a"}); return nil })
	if err := <-heard; !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("heard %v", err)
	}
	closeIt(t, s)
}

// TestWaitingForAFailedCommit: whoever waits while a commit fails is refused as
// well. Nothing may be written over pages that nobody knows to be on disk (L3).
func TestWaitingForAFailedCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, filepath.Join(t.TempDir(), "s.db"))
		committing, fail := make(chan bool), make(chan bool)
		commits := 0
		s.commit = func(btx *bbolt.Tx) error {
			if commits++; commits > 1 {
				return btx.Commit()
			}
			committing <- true
			<-fail
			return errors.New("input/output error")
		}
		put := func(name string) error {
			return s.Update(t.Context(), func(tx state.Tx) error {
				state.PutConn(tx, state.Conn{Name: name})
				return tx.Err()
			})
		}
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- put("a") }()
		<-committing
		go func() { second <- put("b") }()
		synctest.Wait() // the second waits by now
		close(fail)
		for _, got := range []error{<-first, <-second} {
			if _, failed := errors.AsType[*state.CommitError](got); !failed {
				t.Errorf("answered %v, want the failed commit", got)
			}
		}
		if commits > 1 {
			t.Errorf("%d commits after one has failed", commits-1)
		}
		closeIt(t, s)
	})
}

// TestPanickingCommit: a commit that bbolt breaks off over damaged pages was not
// kept, and nothing is acknowledged or written after it (L3, L5).
func TestPanickingCommit(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "s.db"))
	s.commit = func(*bbolt.Tx) error { panic("page 7 already freed") }
	for range 2 {
		err := s.Update(t.Context(), func(tx state.Tx) error { state.PutConn(tx, state.Conn{Name: "a"}); return nil })
		if _, failed := errors.AsType[*state.CommitError](err); !failed {
			t.Errorf("answered %v, want the failed commit", err)
		}
	}
	closeIt(t, s)
}

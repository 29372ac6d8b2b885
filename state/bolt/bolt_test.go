package bolt

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/storetest"
)

// FailCommit makes the next commit end in err: before bbolt has begun it, or
// with kept after it is on disk. The second is what an error of the last sync
// of a commit looks like.
func (s *Store) FailCommit(err error, kept bool) {
	s.commit = func(btx *bbolt.Tx) error {
		if kept {
			if err := btx.Commit(); err != nil {
				return err
			}
		}
		return err
	}
}

func open(t *testing.T, dir string) state.Store {
	t.Helper()
	return openAt(t, filepath.Join(dir, "handoffd.db"))
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{Check: Check})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestContract(t *testing.T) { storetest.Run(t, open) }

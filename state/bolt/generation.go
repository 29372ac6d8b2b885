package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
)

// A state file can be put in place of what it has become since: a backup of
// yesterday over today's. bbolt does not notice, and neither do the CRMs, which
// go on from where they are. So the state counts its generations, in the file
// and beside it: it begins a new one with every opening, every backup and every
// archiving. A file that is behind the count beside it is an older copy (L7).
//
// The file's own count is committed first. Should the process die in between,
// the one beside it lags, which claims nothing.

// begin opens a new generation and says whether the file is an older copy.
func (s *Store) begin() (restored bool, err error) {
	outside, readable, err := readGeneration(s.path + ".generation")
	if err != nil {
		return false, fmt.Errorf("open state %s: %w", s.path, err)
	}
	now := time.Now().UTC()
	var next uint64
	err = s.db.Update(func(btx *bbolt.Tx) error {
		t := newTx(btx)
		inside := state.GetGeneration(t)
		why := fmt.Sprintf("the state is an older copy: it was left at generation %d, and has been at %d since", inside, outside)
		if !readable {
			why = s.path + ".generation cannot be read, so nobody knows whether the state is the newest"
		}
		if restored = !readable || inside < outside; restored {
			state.Restored(t, why, now)
		}
		next = max(inside, outside) + 1
		state.PutGeneration(t, next)
		return t.err
	})
	if err != nil {
		return false, fmt.Errorf("open state %s: %w", s.path, err)
	}
	if err := writeGeneration(s.path+".generation", next); err != nil {
		return false, fmt.Errorf("open state %s: %w", s.path, err)
	}
	return restored, nil
}

// renew begins a new generation while the store is at work.
func (s *Store) renew(ctx context.Context) error {
	var next uint64
	err := s.Update(ctx, func(tx state.Tx) error {
		next = state.GetGeneration(tx) + 1
		state.PutGeneration(tx, next)
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("begin a generation: %w", err)
	}
	if err := writeGeneration(s.path+".generation", next); err != nil {
		return fmt.Errorf("begin a generation: %w", err)
	}
	return nil
}

// Restored reports whether the file was an older copy of the state when it was
// opened.
func (s *Store) Restored() bool { return s.restored }

// readGeneration reads the count beside the file: 0 where there is none, as on
// another machine.
func readGeneration(path string) (n uint64, readable bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, true, nil
	}
	if err != nil {
		return 0, false, err
	}
	n, err = strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64)
	return n, err == nil, nil
}

// writeGeneration puts the count beside the file, whole or not at all. One
// that runs behind another writer's is left.
func writeGeneration(path string, n uint64) error {
	if has, readable, err := readGeneration(path); err == nil && readable && has > n {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, n)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, remove(f.Name()))
	}
	return publish(f.Name(), path)
}

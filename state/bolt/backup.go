package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// backupPattern names the file a backup goes through, beside the state.
const backupPattern = ".backup-*.tmp"

// Backup writes a consistent copy while the store goes on working. It goes
// through a file beside the state, for pages cannot be used again while they
// are read, and w may be slow (L10). The copy is then one generation behind, so
// that it is known for a copy should it ever take the state's place. The files
// of history are not part of it: they only ever grow, and can be copied as they
// stand.
func (s *Store) Backup(ctx context.Context, w io.Writer) (err error) {
	if err := s.usable(ctx); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+backupPattern) // 0600
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), remove(f.Name())) }()
	if err := s.copyTo(ctx, f); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := s.renew(ctx); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if _, err := io.Copy(&untilDone{ctx, w}, f); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// copyTo writes one snapshot.
func (s *Store) copyTo(ctx context.Context, f *os.File) error {
	btx, err := s.db.Begin(false)
	if err != nil {
		return err
	}
	defer func() { _ = btx.Rollback() }() // fails only on a transaction that is over
	_, err = btx.WriteTo(&untilDone{ctx, f})
	return err
}

// untilDone is a writer that fails once its context has ended.
type untilDone struct {
	ctx context.Context
	w   io.Writer
}

func (u *untilDone) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(p)
}

// sweep removes what a process that was killed has left half-written.
func sweep(path string) error {
	var errs []error
	for _, pattern := range []string{backupPattern, ".generation.*.tmp"} {
		left, err := filepath.Glob(globSafe(path) + pattern)
		errs = append(errs, err)
		for _, name := range left {
			errs = append(errs, remove(name))
		}
	}
	return errors.Join(errs...)
}

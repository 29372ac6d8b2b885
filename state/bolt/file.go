package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/handoffd/handoffd/state"
)

// prepare makes sure that there is a file worth opening: one that exists and
// passes its check, or a first one.
func prepare(path string, check func(string) error) error {
	if err := remove(path + ".tmp"); err != nil {
		return fmt.Errorf("open state: %w", err)
	}
	marker := path + ".marker"
	exists, err := isThere(path)
	if err != nil {
		return fmt.Errorf("open state: %w", err)
	}
	if !exists {
		gone, err := isThere(marker)
		if err != nil {
			return fmt.Errorf("open state: %w", err)
		}
		if gone {
			return fmt.Errorf("%w: %s is gone, but %s says it was here; put the file or a backup of it back, "+
				"or delete the marker to start with an empty state", state.ErrCorrupt, path, marker)
		}
		if err := create(path); err != nil {
			return fmt.Errorf("create state %s: %w", path, err)
		}
	} else if check != nil {
		if err := check(path); err != nil {
			return damaged(path, err)
		}
	}
	return mark(marker)
}

// create makes an empty file whole before it gets its name: a tear in the
// very first pages could not be told from damage.
func create(path string, buckets ...state.Bucket) error {
	tmp := path + ".tmp"
	db, err := bbolt.Open(tmp, 0o600, nil)
	if err != nil {
		return err
	}
	err = db.Update(func(btx *bbolt.Tx) error {
		for _, b := range buckets {
			if _, err := btx.CreateBucket([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return publish(tmp, path)
}

// publish gives a finished file its name, for good.
func publish(tmp, path string) error {
	f, err := os.OpenFile(tmp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func mark(marker string) error {
	f, err := os.OpenFile(marker, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("mark state: %w", err)
	}
	_, err = f.WriteString("handoffd keeps its state beside this file. If the state is missing, restore it from a backup;\n" +
		"delete this file only to begin with an empty state.\n")
	if err := errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(marker))); err != nil {
		return fmt.Errorf("mark state: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func isThere(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// damaged is a refusal that says what to do. Errors that say so themselves
// stay what they are.
func damaged(path string, err error) error {
	if errors.Is(err, state.ErrHeld) || errors.Is(err, state.ErrNewer) || errors.Is(err, state.ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %s: %w; it is left as it is: move it away and put a backup in its place", state.ErrCorrupt, path, err)
}

// openError sorts what bbolt can say of a file it was asked to open.
func openError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, berrors.ErrTimeout):
		return heldBy(path + ".pid")
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return damaged(path, err)
	}
	return err
}

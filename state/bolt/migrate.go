package bolt

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
)

// A migration brings truth to a schema from the one before. It runs in one
// transaction, after the file has been copied.
type migration struct {
	to  int
	run func(state.Tx) error
}

// migrations is how every schema since the first came from the one before, in
// order. Schema 1 is what an empty file is made as. Cache and history need
// none: cache is dropped, and history says of each value how it is packed.
func migrations() []migration {
	return []migration{{to: 1, run: func(state.Tx) error { return nil }}}
}

// migrate brings the file to the newest schema that is known, or refuses one
// from a newer version.
func migrate(db *bbolt.DB, path string, known []migration) error {
	newest := known[len(known)-1].to
	has, err := schemaOf(db)
	if err != nil {
		return err
	}
	if has > newest {
		return fmt.Errorf("%w: %s is of schema %d, this build understands up to %d; install a newer build, or restore the copy %s.pre-v%d",
			state.ErrNewer, path, has, newest, path, has)
	}
	if 0 < has && has < newest {
		if err := keepCopy(db, fmt.Sprintf("%s.pre-v%d", path, newest)); err != nil {
			return fmt.Errorf("copy before migrating: %w", err)
		}
	}
	return db.Update(func(btx *bbolt.Tx) error {
		for _, b := range state.Buckets {
			if _, err := btx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		if has == newest {
			return nil
		}
		t := newTx(btx)
		for _, m := range known {
			if m.to <= has {
				continue
			}
			if err := t.outcome(m.run(t)); err != nil {
				return fmt.Errorf("migrate to schema %d: %w", m.to, err)
			}
		}
		state.PutSchema(t, newest)
		return t.Err()
	})
}

// schemaOf is 0 for a file that was only just made.
func schemaOf(db *bbolt.DB) (version int, err error) {
	err = db.View(func(btx *bbolt.Tx) error {
		if btx.Bucket([]byte(state.Meta)) == nil {
			return nil
		}
		t := newTx(btx)
		v, ok := state.GetSchema(t)
		if !ok && t.err == nil {
			return fmt.Errorf("%w: it does not say its schema", state.ErrCorrupt)
		}
		version = v
		return t.err
	})
	return version, err
}

// keepCopy writes a copy of the state, whole or not at all.
func keepCopy(db *bbolt.DB, to string) error {
	tmp := to + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = db.View(func(btx *bbolt.Tx) error {
		_, err := btx.WriteTo(f)
		return err
	})
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return publish(tmp, to)
}

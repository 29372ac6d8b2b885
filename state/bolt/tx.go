package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
)

var (
	errOver     = errors.New("the transaction is over")
	errReadOnly = errors.New("the transaction only reads")
)

// tx is a state.Tx on a bbolt transaction.
type tx struct {
	btx     *bbolt.Tx
	buckets map[state.Bucket]*bucket
	err     error // the first failure
	over    bool
	wrote   bool
	// With careful set, before holds how to take back each write, so that one
	// function's writes can be undone without those of the others.
	careful bool
	before  []undo
}

type bucket struct {
	*bbolt.Bucket
	writes int // so that a walk knows when its cursor no longer stands
}

type undo struct {
	in    *bucket
	key   []byte // nil: the sequence
	value []byte // nil: there was none
	seq   uint64
}

func newTx(btx *bbolt.Tx) *tx {
	return &tx{btx: btx, buckets: make(map[state.Bucket]*bucket, 8)}
}

func (t *tx) Err() error { return t.err }

func (t *tx) Fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// outcome is how a function that returned err has ended.
func (t *tx) outcome(err error) error {
	if t.err != nil {
		return t.err
	}
	return err
}

// bucket is nil once the transaction has failed.
func (t *tx) bucket(name state.Bucket) *bucket {
	if t.over {
		t.Fail(errOver)
	}
	if t.err != nil {
		return nil
	}
	b, ok := t.buckets[name]
	if !ok {
		found := t.btx.Bucket([]byte(name))
		if found == nil {
			t.Fail(fmt.Errorf("%w: bucket %q is missing", state.ErrCorrupt, name))
			return nil
		}
		b = &bucket{Bucket: found}
		t.buckets[name] = b
	}
	return b
}

// writable is the bucket about to be written to, its key's old value kept.
func (t *tx) writable(name state.Bucket, key []byte) *bucket {
	b := t.bucket(name)
	if b == nil {
		return nil
	}
	if !t.btx.Writable() {
		t.Fail(fmt.Errorf("write %s: %w", name, errReadOnly))
		return nil
	}
	b.writes++
	t.wrote = true
	if t.careful && key != nil {
		t.before = append(t.before, undo{in: b, key: bytes.Clone(key), value: b.Get(key)})
	}
	return b
}

func (t *tx) Get(name state.Bucket, key []byte) []byte {
	b := t.bucket(name)
	if b == nil {
		return nil
	}
	return b.Get(key)
}

func (t *tx) Put(name state.Bucket, key, value []byte) {
	b := t.writable(name, key)
	if b == nil {
		return
	}
	if value == nil {
		value = []byte{}
	}
	if err := b.Put(key, value); err != nil {
		t.Fail(fmt.Errorf("put %s %q: %w", name, key, err))
	}
}

func (t *tx) Delete(name state.Bucket, key []byte) {
	b := t.writable(name, key)
	if b == nil {
		return
	}
	if err := b.Delete(key); err != nil {
		t.Fail(fmt.Errorf("delete %s %q: %w", name, key, err))
	}
}

func (t *tx) NextSequence(name state.Bucket) uint64 {
	b := t.writable(name, nil)
	if b == nil {
		return 0
	}
	if t.careful {
		t.before = append(t.before, undo{in: b, seq: b.Sequence()})
	}
	n, err := b.NextSequence()
	if err != nil {
		t.Fail(fmt.Errorf("sequence of %s: %w", name, err))
	}
	return n
}

// Scan walks with a cursor. A write to the bucket unsettles bbolt's cursors,
// so after one the walk looks its place up again.
func (t *tx) Scan(name state.Bucket, from, to []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		b := t.bucket(name)
		if b == nil {
			return
		}
		c, writes := b.Cursor(), b.writes
		k, v := c.Seek(from)
		for k != nil && (to == nil || bytes.Compare(k, to) < 0) {
			if !yield(k, v) || t.err != nil || t.over {
				return
			}
			if b.writes == writes {
				k, v = c.Next()
				continue
			}
			at := k
			writes = b.writes
			if k, v = c.Seek(at); bytes.Equal(k, at) {
				k, v = c.Next()
			}
		}
	}
}

// takeBack undoes every write since it was last called, the latest first.
func (t *tx) takeBack() error {
	var failed error
	for _, u := range slices.Backward(t.before) {
		u.in.writes++
		switch {
		case u.key == nil:
			failed = errors.Join(failed, u.in.SetSequence(u.seq))
		case u.value == nil:
			failed = errors.Join(failed, u.in.Delete(u.key))
		default:
			failed = errors.Join(failed, u.in.Put(u.key, u.value))
		}
	}
	t.before = t.before[:0]
	return failed
}

package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
)

// Check reads a whole file, the state's or one of history, and verifies
// bbolt's pages and the envelope of every value. It writes nothing. Damage of
// some kinds kills the process that looks at it, so a daemon asks a child.
func Check(path string) (err error) {
	if err := quickCheck(path); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = damaged(path, fmt.Errorf("%v", r))
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second, NoStatistics: true})
	if err != nil {
		return openError(path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return view(db, func(t state.Tx) error {
		return checkAll(path, t.(*tx).btx)
	})
}

func checkAll(path string, btx *bbolt.Tx) error {
	var found error
	n := 0
	for err := range btx.Check() { // has to be read to its end
		if n++; n <= 3 {
			found = errors.Join(found, err)
		}
	}
	if found != nil {
		return damaged(path, fmt.Errorf("%d faults in its pages: %w", n, found))
	}
	return btx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return damaged(path, fmt.Errorf("a bucket stands inside %q", name))
			}
			if err := state.CheckValue(state.Bucket(name), k, v); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		})
	})
}

// The head of a bbolt meta page, from its start: page header (16 bytes),
// magic, version, page size, flags (4 each), root bucket (16), free list (8),
// high-water page (8), transaction (8), FNV-1a of what stands between the
// header and here (8). Native byte order; every machine we build for is
// little endian.
const (
	metaStart = 16
	metaSum   = 72
	metaEnd   = 80
	metaMagic = 0xED0CDAED
)

// quickCheck reads both meta pages and compares the size of the file with
// what the newest of them claims: a shortened file would kill the process
// once it is mapped.
func quickCheck(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	var newest, need uint64
	found := false
	for at := int64(0); at <= 64<<10; at = max(at*2, 1<<10) { // the second page is one page size in
		head := make([]byte, metaEnd)
		if _, err := f.ReadAt(head, at); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		sum := fnv.New64a()
		_, _ = sum.Write(head[metaStart:metaSum]) // a hash cannot fail
		word := func(at int) uint64 { return binary.LittleEndian.Uint64(head[at:]) }
		if binary.LittleEndian.Uint32(head[metaStart:]) != metaMagic || word(metaSum) != sum.Sum64() {
			continue
		}
		if txid := word(64); !found || txid > newest {
			found, newest = true, txid
			need = word(56) * uint64(binary.LittleEndian.Uint32(head[metaStart+8:]))
		}
	}
	switch {
	case !found:
		return damaged(path, errors.New("neither of its first pages is whole"))
	case uint64(st.Size()) < need:
		return damaged(path, fmt.Errorf("it has %d of at least %d bytes", st.Size(), need))
	}
	return nil
}

package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ballast is space that is taken while there is enough of it, and given back
// when the disk runs full, so that what was taken in can be finished (L4). It
// is a file beside the state, <state>.ballast.
type ballast struct {
	mu   sync.Mutex
	path string
	size uint64 // 0: none is kept
	here bool
}

// ballastFloor is the free space, in bytes, below which the ballast is given
// up: twice the largest commit that is to be expected.
const ballastFloor = 8 << 20

// release gives the space back where less than the floor is free.
func (b *ballast) release(free uint64) {
	if b.size == 0 || free >= ballastFloor {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.here {
		b.here = remove(b.path) != nil
	}
}

// take takes the space again where that leaves more than minFree.
func (b *ballast) take(free, minFree uint64) error {
	if b.size == 0 || free < minFree+b.size {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.here {
		return nil
	}
	f, err := os.OpenFile(b.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("take ballast: %w", err)
	}
	if err := errors.Join(reserve(f, int64(b.size)), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("take ballast: %w", err), remove(b.path))
	}
	b.here = true
	return nil
}

// open looks whether there is ballast already, and gives it back before
// anything is written to a disk that has run full.
func (b *ballast) open() error {
	if b.size == 0 {
		return nil
	}
	here, err := isThere(b.path)
	if err != nil {
		return fmt.Errorf("look for ballast: %w", err)
	}
	b.here = here
	free, err := freeSpace(filepath.Dir(b.path))
	if err != nil {
		return fmt.Errorf("free space of %s: %w", filepath.Dir(b.path), err)
	}
	b.release(free)
	return nil
}

// relieve gives the ballast up where the disk has run full. It costs one
// system call.
func (s *Store) relieve() {
	if s.ballast.size == 0 {
		return
	}
	if free, err := freeSpace(filepath.Dir(s.path)); err == nil {
		s.ballast.release(free)
	}
}

// zeroes fills a file where the system cannot set space aside.
func zeroes(f *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(block)) {
		if _, err := f.WriteAt(block[:min(int64(len(block)), size-at)], at); err != nil {
			return err
		}
	}
	return nil
}

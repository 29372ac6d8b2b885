//go:build linux || darwin || freebsd

package bolt

import (
	"errors"
	"os"
	"syscall"
)

func tryLock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return errLocked
		}
		return err
	}
}

// freeSpace is what an ordinary user may still write beside path, in bytes.
func freeSpace(path string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, err
	}
	blocks := max(int64(st.Bavail), 0) // FreeBSD counts what is kept for root as less than none
	return uint64(blocks) * uint64(st.Bsize), nil
}

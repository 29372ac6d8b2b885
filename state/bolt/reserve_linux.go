package bolt

import (
	"errors"
	"os"
	"syscall"
)

// reserve sets space aside for a file.
func reserve(f *os.File, size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return zeroes(f, size)
	}
	return err
}

//go:build !linux

package bolt

import "os"

// reserve sets space aside for a file.
func reserve(f *os.File, size int64) error { return zeroes(f, size) }

//go:build !linux

package bolt

import "os"

func refuseRemote(dir string) error {
	_, err := os.Stat(dir)
	return err
}

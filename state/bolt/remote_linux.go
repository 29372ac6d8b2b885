package bolt

import (
	"fmt"
	"syscall"
)

// refuseRemote refuses file systems whose locks and syncs other machines do
// not see, or see late (L6). Numbers from linux/magic.h.
func refuseRemote(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return err
	}
	remote := map[uint32]string{0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB"}
	if name, ok := remote[uint32(st.Type)]; ok {
		return fmt.Errorf("%s is on %s; the state needs a local disk", dir, name)
	}
	return nil
}

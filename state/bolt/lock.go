package bolt

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
)

// takeLock takes the lock on the pid file, which guards everything from the
// check of the file to its opening; bbolt locks the state file as well. The
// pid file is never removed: another process may be waiting on it.
func takeLock(path string, timeout time.Duration) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	const pause = 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := tryLock(f)
		if err == nil {
			break
		}
		if !errors.Is(err, errLocked) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		if waited >= timeout {
			return nil, errors.Join(heldBy(path), f.Close())
		}
		time.Sleep(pause)
	}
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err == nil {
			return f, nil
		}
		return nil, errors.Join(err, f.Close())
	}
	return nil, errors.Join(err, f.Close())
}

// releaseLock lets go. An empty pid file is what is left.
func releaseLock(f *os.File) {
	_ = f.Truncate(0) // a stale number in it harms nobody
	_ = f.Close()
}

var errLocked = errors.New("locked")

func heldBy(pidFile string) error {
	who := "another process"
	if raw, err := os.ReadFile(pidFile); err == nil {
		if pid := strings.TrimSpace(string(raw)); pid != "" {
			who = "process " + pid
		}
	}
	return fmt.Errorf("%w: by %s", state.ErrHeld, who)
}

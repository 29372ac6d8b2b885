package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wanted is a number from the environment, for runs that take longer than
// .ci/run may.
func wanted(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: it must be a number from 1", name, text)
	}
	return n
}

// needs skips a test, loudly, where the machine has not what it takes.
func needs(t *testing.T, commands ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			t.Skipf("NOT TESTED: %v", err)
		}
	}
}

// processTest is a killTest with freshly built binaries.
func processTest(t *testing.T, lives int) *killTest {
	t.Helper()
	bin := t.TempDir()
	return &killTest{
		t: t, dir: shortDir(t), kills: lives, unique: "yes", seed: seedWanted(t),
		daemon: buildBinary(t, bin, "./cmd/handoffd", ""), crmsim: buildBinary(t, bin, "./cmd/crmsim", ""),
	}
}

// ended waits for the process to end by itself; -1: it did not.
func (k *killTest) ended(within time.Duration) int {
	k.t.Helper()
	done := make(chan int, 1)
	go func() { done <- exitCode(k.process.Wait()) }()
	select {
	case code := <-done:
		return code
	case <-time.After(within):
		k.signal(syscall.SIGKILL)
		<-done
		return -1
	}
}

// signal sends to the daemon itself, whatever it runs under.
func (k *killTest) signal(s syscall.Signal) {
	k.t.Helper()
	raw, err := os.ReadFile(k.statePath() + ".pid")
	if err != nil {
		k.t.Fatal(err)
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
		_ = syscall.Kill(pid, s) // it may be gone already
	}
}

// report fails the test where something is wrong.
func (k *killTest) report(wrong []string) {
	k.t.Helper()
	for _, w := range wrong {
		k.t.Error(w)
	}
	if k.t.Failed() {
		k.t.Logf("the daemons' last words:\n%s", k.lastWords())
	}
}

// TestFaultyDisk fails a sync or write of the real daemon, one life each, in the
// order of four sorts of fault: it ends with 74 and never goes on, what it has
// acknowledged is there, and the next life is right (L3, L12). EIOS=60 and more
// fail the k-th sync instead, for every k from 1 up.
func TestFaultyDisk(t *testing.T) {
	unraced(t)
	t.Parallel()
	needs(t, "strace")
	k := processTest(t, wanted(t, "EIOS", 12))
	reached, before := 0, 0
	wrong := k.lives(func() {
		fault := []string{"fdatasync:error=EIO", "pwrite64:error=EIO", "pwrite64:error=EROFS", "fdatasync:error=EROFS"}[k.done%4]
		nth := 2 + k.done/4*11
		if k.kills >= 60 {
			fault, nth = "fdatasync:error=EIO", k.done+1
		}
		code, ready := k.launch("strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,pwrite64",
			"-e", "inject="+fault+":when="+strconv.Itoa(nth))
		if !ready {
			before++
		} else {
			code = k.ended(30 * time.Second)
		}
		switch code {
		case exitState:
			reached++
		case -1:
			t.Logf("%s at %d was not reached in half a minute", fault, nth)
		default:
			t.Errorf("%s at %d: ended with %d, want %d", fault, nth, code, exitState)
		}
	})
	k.report(wrong)
	if reached < k.done*3/4 {
		t.Errorf("only %d of %d faults were reached", reached, k.done)
	}
	t.Logf("%d faults, %d of them before it was ready; %d signals, %d acknowledged; KILL_SEED=%d", reached, before, k.ledger.signals(), k.ledger.webhooks(), k.seed)
}

// TestTerminate stops the daemon at random moments: it ends by itself, in ten
// seconds at most, and nothing is half done (L11).
func TestTerminate(t *testing.T) {
	unraced(t)
	t.Parallel()
	needs(t)
	k := processTest(t, wanted(t, "SIGTERMS", 20))
	slowest := time.Duration(0)
	wrong := k.lives(func() {
		k.start()
		time.Sleep(time.Duration(k.done*37%400) * time.Millisecond) // a process outside
		began := time.Now()
		k.signal(syscall.SIGTERM)
		if code := k.ended(15 * time.Second); code != 0 {
			t.Errorf("stop %d: ended with %d", k.done, code)
		}
		if took := time.Since(began); took > slowest {
			slowest = took
		}
	})
	k.report(wrong)
	if slowest > 10*time.Second {
		t.Errorf("the slowest stop took %s", slowest)
	}
	t.Logf("%d stops, the slowest took %s; %d signals", k.done, slowest.Round(time.Millisecond), k.ledger.signals())
}

// island is a small file system of its own, in a mount namespace that nothing
// outside sees.
type island struct {
	t    *testing.T
	pid  string // of the process that keeps it
	dir  string // as a process inside sees it
	path string // as the test sees it
}

// newIsland mounts a tmpfs of so many MiB over dir.
func newIsland(t *testing.T, dir string, size int) *island {
	t.Helper()
	needs(t, "unshare", "nsenter", "mount")
	cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", fmt.Sprintf("mount -t tmpfs -o size=%dm none %q && echo mounted && exec sleep 1000000", size, dir))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	said := make([]byte, len("mounted"))
	if _, err := out.Read(said); err != nil || string(said) != "mounted" {
		t.Skip("NOT TESTED: this machine lets nobody mount a file system in a namespace of its own")
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	return &island{t: t, pid: pid, dir: dir, path: filepath.Join("/proc", pid, "root", dir)}
}

// inside is what runs a command there.
func (i *island) inside() []string { return []string{"nsenter", "-t", i.pid, "-m", "--"} }

// fill takes all but so many bytes.
func (i *island) fill(leave uint64) {
	i.t.Helper()
	var st syscall.Statfs_t
	f, err := os.OpenFile(filepath.Join(i.path, "filler"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		i.t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 256<<10)
	for {
		if err := syscall.Statfs(i.path, &st); err != nil {
			i.t.Fatal(err)
		}
		free := st.Bavail * uint64(st.Bsize)
		if free <= leave {
			return
		}
		if _, err := f.Write(block[:min(uint64(len(block)), free-leave)]); err != nil {
			return // full
		}
	}
}

// drain gives the space back.
func (i *island) drain() {
	i.t.Helper()
	if err := os.Remove(filepath.Join(i.path, "filler")); err != nil {
		i.t.Fatal(err)
	}
}

// TestFullDisk fills the disk and frees it, several times over, under one
// process: intake stops with 503, nothing that was acknowledged is lost, and
// everything goes on by itself once there is space (L4). A commit that meets
// the very moment in which the last byte is taken is of unknown outcome: the
// process may end with 74 then, and is started again as its supervisor would.
func TestFullDisk(t *testing.T) {
	unraced(t)
	t.Parallel()
	needs(t)
	k := processTest(t, 1)
	i := newIsland(t, k.dir, 128)
	k.state = filepath.Join(i.path, "handoffd.db")
	cycles := wanted(t, "DISKFILLS", 4)
	inFull, given, ended := 0, 0, 0
	k.under = i.inside()
	wrong := k.lives(func() {
		k.start()
		for n := range cycles {
			k.until("intake to be open", func() bool { return k.readyz() == http.StatusOK })
			before := k.ledger.webhooks()
			k.until("webhooks to be taken", func() bool { return k.ledger.webhooks() > before+3 })
			i.fill(32 << 20) // below the watermark
			k.until("intake to stop", func() bool { return k.readyz() == http.StatusServiceUnavailable })
			if n%2 == 1 {
				time.Sleep(300 * time.Millisecond) // a commit that is under way may not fail: its outcome would be unknown
				i.fill(0)                          // to the last byte
				k.until("the ballast to be given back", func() bool { return !fileExists(k.state+".ballast") || k.readyz() == 0 })
				given++
			}
			time.Sleep(300 * time.Millisecond) // for what was under way to be answered
			full := k.ledger.webhooks()
			time.Sleep(500 * time.Millisecond)
			inFull += k.ledger.webhooks() - full
			i.drain()
			if n%2 == 1 && k.readyz() == 0 {
				if code := k.ended(5 * time.Second); code != exitState {
					t.Errorf("ended with %d on a full disk", code)
				}
				ended++
				k.start()
			}
		}
		k.until("intake to be open", func() bool { return k.readyz() == http.StatusOK })
		k.until("the ballast to be there again", func() bool { return fileExists(k.state + ".ballast") })
		k.signal(syscall.SIGTERM)
		if code := k.ended(15 * time.Second); code != 0 {
			t.Errorf("ended with %d", code)
		}
	})
	k.report(wrong)
	if inFull > 0 {
		t.Errorf("%d webhooks were acknowledged while the disk was full", inFull)
	}
	t.Logf("%d fills, the ballast given back in %d, ended with 74 in %d; %d signals, %d acknowledged", cycles, given, ended, k.ledger.signals(), k.ledger.webhooks())
}

// TestReadOnlyDisk starts the daemon where nothing can be written: it says so
// and ends with 74 (L12).
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	needs(t)
	k := processTest(t, 1)
	i := newIsland(t, k.dir, 64)
	k.state = filepath.Join(i.path, "handoffd.db")
	k.under = i.inside()
	k.startSim()
	k.webhook = freeAddress(t)
	line := append(i.inside(), "mount", "-o", "remount,ro", i.dir)
	if out, err := exec.CommandContext(t.Context(), line[0], line[1:]...).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: %v: %s", err, out)
	}
	if code, ready := k.launch(); ready || code != exitState {
		t.Errorf("ready %v, ended with %d, want %d", ready, code, exitState)
	}
	if said := k.lastWords(); !strings.Contains(said, "read-only file system") {
		t.Errorf("it says %q", said)
	}
}

// readyz is what the admin listener says; 0 where it says nothing.
func (k *killTest) readyz() int {
	resp, err := http.Get(k.admin + "/readyz")
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// until waits for something to be so; the daemon is a process outside.
func (k *killTest) until(what string, so func() bool) {
	k.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if so() {
			return
		}
	}
	k.t.Fatalf("waited half a minute for %s\n%s", what, k.lastWords())
}

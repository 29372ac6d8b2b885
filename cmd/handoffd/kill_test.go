package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// killTest kills the real binary while webhooks arrive, starts it again, and
// judges what stands in the CRMs and in the state: after every kill what must
// never be, and at the end, when everything is at rest, all of it.
type killTest struct {
	t      *testing.T
	dir    string
	daemon string // the binary under test
	crmsim string
	kills  int
	unique string // "yes" or "no"
	blind  bool   // kill at any time only, never on purpose amid a create
	seed   uint64
	state  string   // the state file as the test sees it; "": in dir
	under  []string // a command that the daemon is run under
	more   []string // more of its environment, which beats the rest

	sim     simReady
	wires   map[string]*wire // between the daemon and each CRM
	webhook string           // address of the daemon's listener
	process *exec.Cmd
	done    int // kills so far
	amid    int // those that fell between a create and its answer

	ledger ledger
	enough chan struct{} // closed: no more buyers
	admin  string        // address of the running daemon's admin listener

	metrics []byte // of the last daemon, at rest
}

// simReady is crmsim's ready line.
type simReady struct {
	HubSpot struct {
		URL          string `json:"url"`
		Token        string `json:"token"`
		PortalID     string `json:"portal_id"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	} `json:"hubspot"`
	Salesforce struct {
		URL          string `json:"url"`
		OrgID        string `json:"org_id"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	} `json:"salesforce"`
	Control struct {
		URL string `json:"url"`
	} `json:"control"`
}

// buildBinary builds one of our commands, with an overlay where one is given.
func buildBinary(t *testing.T, dir, pkg, overlay string) string {
	t.Helper()
	out := filepath.Join(dir, filepath.Base(pkg))
	args := []string{"build", "-o", out}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, pkg)...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", cmd.Args, err, text)
	}
	return out
}

// run kills the daemon again and again and returns what is wrong: at once
// where that shows while it works, else when everything has come to rest.
func (k *killTest) run() []string {
	k.t.Helper()
	r := rand.New(rand.NewPCG(k.seed, 9))
	return k.lives(func() {
		k.start()
		k.moment(r)
		k.kill()
	})
}

// lives has the daemon live and die as often as is wanted; life starts it and
// sees to its end.
func (k *killTest) lives(life func()) []string {
	k.t.Helper()
	k.startSim()
	k.enough = make(chan struct{})
	k.webhook = freeAddress(k.t)
	ctx, stop := context.WithCancel(k.t.Context())
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	k.start() // forms from before the first start are no signals
	k.kill()
	for range 4 {
		load.Go(func() { k.load(ctx) })
	}
	for k.done = 0; k.done < k.kills; k.done++ {
		life()
		if wrong := k.soFar(); len(wrong) > 0 {
			return wrong
		}
	}
	k.start()
	close(k.enough)
	load.Wait()
	k.rest()
	k.metrics = k.exposed()
	_ = k.process.Process.Signal(os.Interrupt)
	if err := k.process.Wait(); err != nil {
		k.t.Errorf("the last daemon did not stop cleanly: %v", err)
	}
	return k.judge()
}

// moment waits until it is time to kill: one time in three at any time, else
// while the answer to a create is still on its way.
func (k *killTest) moment(r *rand.Rand) {
	k.t.Helper()
	time.Sleep(time.Duration(50+r.IntN(450)) * time.Millisecond) // a process outside: real time is all there is
	if k.blind || r.IntN(3) == 0 {
		return
	}
	crm := []string{"hubspot", "salesforce"}[r.IntN(2)]
	select {
	case <-k.wires[crm].applied:
		k.amid++
		time.Sleep(time.Duration(r.Int64N(int64(holdReply / 2))))
	case <-time.After(5 * time.Second):
	}
}

func (k *killTest) kill() {
	_ = k.process.Process.Kill()
	_ = k.process.Wait() // it was killed
}

func (k *killTest) startSim() {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), k.crmsim, "serve",
		"--profile", "calm", "--people", "0", "--seed", strconv.FormatUint(k.seed, 10), "--unique-tasks", k.unique)
	cmd.Stderr = os.Stderr
	k.ready(cmd, &k.sim)
	k.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	k.wires = map[string]*wire{
		"hubspot":    newWire(k.t, k.sim.HubSpot.URL, k.seed),
		"salesforce": newWire(k.t, k.sim.Salesforce.URL, k.seed+1),
	}
}

// ready starts a command and reads its ready line.
func (k *killTest) ready(cmd *exec.Cmd, into any) {
	k.t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err != nil {
		k.t.Fatalf("%s did not get ready: %q, %v\n%s", cmd.Path, line, err, k.lastWords())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // until it ends
}

// lastWords is the end of the daemons' log.
func (k *killTest) lastWords() string {
	raw, err := os.ReadFile(k.logPath())
	if err != nil {
		return ""
	}
	return string(raw[max(0, len(raw)-4000):])
}

func (k *killTest) logPath() string   { return filepath.Join(k.dir, "daemon.log") }
func (k *killTest) statePath() string { return cmp.Or(k.state, filepath.Join(k.dir, "handoffd.db")) }

// start starts the daemon on the state that the killed one left.
func (k *killTest) start() {
	k.t.Helper()
	if code, ok := k.launch(); !ok {
		k.t.Fatalf("the daemon did not get ready, and ended with %d\n%s", code, k.lastWords())
	}
}

// launch starts the daemon, under another command where one is given. It
// reports whether it got ready, and the exit code of one that did not.
func (k *killTest) launch(under ...string) (code int, ready bool) {
	k.t.Helper()
	line := slices.Concat(under, k.under, []string{k.daemon, "run"})
	k.process = exec.CommandContext(k.t.Context(), line[0], line[1:]...)
	log, err := os.OpenFile(k.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		k.t.Fatal(err)
	}
	defer log.Close() // the process has its own
	k.process.Stderr = log
	k.process.Env = k.environ()
	out, err := k.process.StdoutPipe()
	if err == nil {
		err = k.process.Start()
	}
	if err != nil {
		k.t.Fatal(err)
	}
	answer, err := bufio.NewReader(out).ReadBytes('\n')
	var said readyLine
	if err == nil {
		err = json.Unmarshal(answer, &said)
	}
	if err != nil {
		return exitCode(k.process.Wait()), false
	}
	k.admin = said.Admin
	go func() { _, _ = io.Copy(io.Discard, out) }() // until it ends
	return 0, true
}

// exitCode is how a process has ended.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func (k *killTest) environ() []string {
	starter, err := filepath.Abs(filepath.Join(root, "mappings", "starter"))
	if err != nil {
		k.t.Fatal(err)
	}
	return append(append(os.Environ(), "GOGC=100", // as it is shipped, whatever the tests run with
		"HANDOFFD_CONFIG="+starter, "HANDOFFD_MODE=write",
		"HANDOFFD_STATE="+filepath.Join(k.dir, "handoffd.db"),
		"HANDOFFD_WEBHOOK_ADDR="+k.webhook, "HANDOFFD_ADMIN_ADDR=127.0.0.1:0",
		"HANDOFFD_HUBSPOT_URL="+k.wires["hubspot"].url, "HANDOFFD_HUBSPOT_TOKEN="+k.sim.HubSpot.Token,
		"HANDOFFD_HUBSPOT_CLIENT_SECRET="+k.sim.HubSpot.ClientSecret,
		"HANDOFFD_SALESFORCE_URL="+k.wires["salesforce"].url, "HANDOFFD_SALESFORCE_CLIENT_ID="+k.sim.Salesforce.ClientID,
		"HANDOFFD_SALESFORCE_CLIENT_SECRET="+k.sim.Salesforce.ClientSecret,
	), k.more...)
}

// rest waits until nothing waits to be decided or written. A create that may
// have happened is looked for half a minute after it left, so this takes that
// long where tasks cannot be unique.
func (k *killTest) rest() {
	k.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	quiet := 0
	var st status
	for quiet < 3 {
		if time.Now().After(deadline) {
			k.t.Errorf("the daemon did not come to rest: %d wait to be decided, %d to be written\n%s", st.Inbox, st.Outbox, k.lastWords())
			return
		}
		time.Sleep(300 * time.Millisecond) // a process outside
		err := ask(k.t.Context(), k.statePath(), http.MethodGet, "/status", &st)
		if quiet++; err != nil || st.Inbox > 0 || st.Outbox > 0 {
			quiet = 0
		}
	}
}

// killsWanted is how often each run kills: 20, or KILLS.
func killsWanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv("KILLS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KILLS=%s: %v", text, errors.Join(err, errors.New("it must be a number from 1")))
	}
	return n
}

// seedWanted is where the randomness of a run begins: KILL_SEED, or now, which
// is printed.
func seedWanted(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("KILL_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("KILL_SEED: %v", err)
		}
		return seed
	}
	return uint64(time.Now().UnixNano())
}

// TestKill kills the daemon at random moments: nothing acknowledged is lost,
// one owner and one live task per signal, whether or not tasks can be unique
// (L1, C2, A1, A3, A4).
func TestKill(t *testing.T) {
	unraced(t)
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills processes for a minute")
	}
	bin := t.TempDir()
	daemon, crmsim := buildBinary(t, bin, "./cmd/handoffd", ""), buildBinary(t, bin, "./cmd/crmsim", "")
	for _, unique := range []string{"yes", "no"} {
		t.Run("unique tasks "+unique, func(t *testing.T) {
			t.Parallel()
			k := &killTest{t: t, dir: shortDir(t), daemon: daemon, crmsim: crmsim, kills: killsWanted(t), unique: unique, seed: seedWanted(t)}
			wrong := k.run()
			for _, w := range wrong {
				t.Error(w)
			}
			t.Logf("%d kills, %d between a create and its answer; %d signals, %d acknowledged webhooks; KILL_SEED=%d", k.done, k.amid, k.ledger.signals(), k.ledger.webhooks(), k.seed)
			if len(wrong) > 0 {
				t.Logf("the daemons' last words:\n%s", k.lastWords())
			}
		})
	}
}

// shortDir is a folder whose path is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kill") //nolint:usetesting // t.TempDir's path is longer, and gone when a run has to be looked at
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
			return
		}
		fmt.Fprintln(os.Stderr, "the state and the log are kept in", dir)
	})
	return dir
}

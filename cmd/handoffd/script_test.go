package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"handoffd": main})
}

// patience bounds everything a script waits for.
const patience = 20 * time.Second

// TestScripts runs the command line as its users meet it: the real binaries,
// real sockets, real files. The scripts wait by asking again, not by sleeping.
//
// Beside testscript's own commands there are
//
//	code N CMD…          runs CMD, which has to end with exit code N
//	until REGEXP CMD…    runs CMD until its output matches
//	sims [FLAG…]         starts crmsim and points HANDOFFD_* at it
//	daemon [N]           starts `handoffd run` and waits until it is ready; with N it has to end with that
//	term [N]             sends the daemon SIGTERM; it has to end with N, 0 if none is given
//	control PATH BODY    posts to crmsim's control API; an id in the answer becomes $ID
//	get URL              prints the status line and the body
//	mode FILE PERM       the file has these permissions
//	newer FILE           makes the state one of a newer version
//	learnt FILE          makes a state that has learnt a domain of an account, and a name that is not its
//	leads FILE           makes a state of demo requests, some of them not to be drawn
//	edit FILE OLD NEW    replaces text in a file
//	audit FILE           prints the audit trail of a state that no daemon holds
func TestScripts(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	buildBinary(t, bin, "./cmd/crmsim", "")
	starter, err := filepath.Abs(filepath.Join(root, "mappings", "starter"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("STARTER", starter)
			env.Setenv("HANDOFFD_STATE", filepath.Join(env.WorkDir, "h.db"))
			env.Setenv("HANDOFFD_WEBHOOK_ADDR", "127.0.0.1:0")
			env.Setenv("HANDOFFD_ADMIN_ADDR", "127.0.0.1:0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": codeCommand, "until": untilCommand, "sims": simsCommand, "daemon": daemonCommand, "term": termCommand,
			"control": controlCommand, "get": getCommand, "mode": modeCommand, "newer": newerCommand, "learnt": learntCommand, "leads": leadsCommand, "edit": editCommand, "audit": auditCommand,
		},
	})
}

func wants(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func codeCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) > 1, "code N CMD…")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitOf(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitOf(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

func untilCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) > 1, "until REGEXP CMD…")
	want := regexp.MustCompile("(?m)" + args[0])
	last, pause := "", 25*time.Millisecond
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pause) {
		pause = min(2*pause, 400*time.Millisecond) // who asks all the time is what everybody waits for
		_ = ts.Exec(args[1], args[2:]...)          // only what it prints matters
		if last = ts.ReadFile("stdout") + ts.ReadFile("stderr"); want.MatchString(last) {
			return
		}
	}
	ts.Fatalf("%q never matched; the last output was\n%s", args[0], last)
}

// process is one of our programs in the background.
type process struct {
	cmd   *exec.Cmd
	ready []byte // its first line
	err   string // the file with what it says on stderr
	ended chan error
}

// start runs a program in the script's environment and waits for its first line.
func start(ts *testscript.TestScript, name string, args ...string) *process {
	path := ""
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil && path == "" {
			path = filepath.Join(dir, name)
		}
	}
	p := &process{cmd: exec.Command(path, args...), err: ts.MkAbs(name + ".err"), ended: make(chan error, 1)}
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = environ(ts)
	log, err := os.Create(p.err)
	ts.Check(err)
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	first := make(chan []byte, 1)
	go func() {
		r := bufio.NewReader(out)
		line, _ := r.ReadBytes('\n')
		first <- line
		_, _ = io.Copy(io.Discard, r)
		p.ended <- p.cmd.Wait()
		_ = log.Close()
	}()
	ts.Defer(func() { _ = p.cmd.Process.Kill() })
	select {
	case p.ready = <-first:
	case <-time.After(patience):
		ts.Fatalf("%s said nothing", name)
	}
	return p
}

// environ is the script's environment as far as our programs look at it.
func environ(ts *testscript.TestScript) []string {
	var out []string
	for _, key := range []string{
		"PATH", "HOME", "TMPDIR", "CONFIG", "STATE", "MODE", "WEBHOOK_ADDR", "ADMIN_ADDR", "PUBLIC_URL",
		"HUBSPOT_URL", "HUBSPOT_TOKEN", "HUBSPOT_TOKEN_FILE", "HUBSPOT_CLIENT_SECRET",
		"SALESFORCE_URL", "SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET", "SALESFORCE_CLIENT_SECRET_FILE",
	} {
		if key != "PATH" && key != "HOME" && key != "TMPDIR" {
			key = "HANDOFFD_" + key
		}
		if v := ts.Getenv(key); v != "" {
			out = append(out, key+"="+v)
		}
	}
	return out
}

// wait is the exit code of a program that is ending.
func (p *process) wait(ts *testscript.TestScript) int {
	select {
	case err := <-p.ended:
		return exitOf(ts, err)
	case <-time.After(patience):
		ts.Fatalf("%s does not end", p.cmd.Path)
	}
	return -1
}

func simsCommand(ts *testscript.TestScript, _ bool, args []string) {
	addr := freeAddress(ts)
	p := start(ts, "crmsim", append([]string{
		"serve", "--profile", "calm", "--people", "0", "--hubspot-webhooks", "http://" + addr + "/webhooks/hubspot",
	}, args...)...)
	var ready simReady
	ts.Check(json.Unmarshal(p.ready, &ready))
	for key, value := range map[string]string{
		"HANDOFFD_WEBHOOK_ADDR": addr,
		"HANDOFFD_HUBSPOT_URL":  ready.HubSpot.URL, "HANDOFFD_HUBSPOT_TOKEN": ready.HubSpot.Token,
		"HANDOFFD_HUBSPOT_CLIENT_SECRET": ready.HubSpot.ClientSecret,
		"HANDOFFD_SALESFORCE_URL":        ready.Salesforce.URL, "HANDOFFD_SALESFORCE_CLIENT_ID": ready.Salesforce.ClientID,
		"HANDOFFD_SALESFORCE_CLIENT_SECRET": ready.Salesforce.ClientSecret,
		"CONTROL":                           ready.Control.URL,
	} {
		ts.Setenv(key, value)
	}
}

// running is the daemon of each script, by its working folder.
var running sync.Map

func daemonCommand(ts *testscript.TestScript, _ bool, args []string) {
	p := start(ts, "handoffd", "run")
	if len(p.ready) == 0 || len(args) == 1 {
		want := 0
		if len(args) == 1 {
			var err error
			want, err = strconv.Atoi(args[0])
			ts.Check(err)
		}
		got := p.wait(ts)
		fmt.Fprint(ts.Stderr(), ts.ReadFile(p.err))
		if got != want {
			ts.Fatalf("the daemon ended with %d, want %d:\n%s", got, want, ts.ReadFile(p.err))
		}
		return
	}
	var ready struct{ Webhooks, Admin string }
	ts.Check(json.Unmarshal(p.ready, &ready))
	ts.Setenv("ADMIN", ready.Admin)
	ts.Setenv("WEBHOOKS", ready.Webhooks)
	ts.Setenv("PID", strconv.Itoa(p.cmd.Process.Pid))
	fmt.Fprint(ts.Stdout(), string(p.ready))
	running.Store(ts.Getenv("WORK"), p)
}

func termCommand(ts *testscript.TestScript, _ bool, args []string) {
	v, ok := running.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no daemon runs")
	}
	p := v.(*process)
	want := 0
	if len(args) == 1 {
		var err error
		want, err = strconv.Atoi(args[0])
		ts.Check(err)
	}
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	got := p.wait(ts)
	fmt.Fprint(ts.Stderr(), ts.ReadFile(p.err))
	if got != want {
		ts.Fatalf("the daemon ended with %d, want %d:\n%s", got, want, ts.ReadFile(p.err))
	}
}

func controlCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 2, "control PATH BODY")
	resp, err := http.Post(ts.Getenv("CONTROL")+args[0], "application/json", strings.NewReader(args[1]))
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s: %s", args[0], resp.Status, body)
	}
	var made struct{ ID string }
	if json.Unmarshal(body, &made) == nil && made.ID != "" {
		ts.Setenv("ID", made.ID)
	}
	fmt.Fprintln(ts.Stdout(), string(body))
}

func getCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 1, "get URL")
	resp, err := http.Get(args[0]) //nolint:gosec // a script's own address
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s", resp.Status, body)
}

func modeCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 2, "mode FILE PERM")
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has permissions %s, want %s", args[0], got, args[1])
	}
}

func newerCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 1, "newer FILE")
	store, err := bolt.Open(ts.MkAbs(args[0]), bolt.Options{})
	ts.Check(err)
	ts.Check(store.Update(context.Background(), func(tx state.Tx) error {
		state.PutSchema(tx, 99)
		return tx.Err()
	}))
	ts.Check(store.Close())
}

func learntCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 1, "learnt FILE")
	store, err := bolt.Open(ts.MkAbs(args[0]), bolt.Options{})
	ts.Check(err)
	ts.Check(store.Update(context.Background(), func(tx state.Tx) error {
		acme := connectors.Ref{Conn: "hubspot", Kind: "companies", ID: "7"}
		state.PutAlias(tx, state.Alias{Conn: "hubspot", Key: "domain:acme.dev", Account: acme, By: state.AliasLink})
		state.PutAlias(tx, state.Alias{Conn: "hubspot", Key: "name:acme bakery", Account: acme, By: state.AliasReview, Not: true})
		return tx.Err()
	}))
	ts.Check(store.Close())
}

func editCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 3, "edit FILE OLD NEW")
	name := ts.MkAbs(args[0])
	raw, err := os.ReadFile(name)
	ts.Check(err)
	if !strings.Contains(string(raw), args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(name, []byte(strings.Replace(string(raw), args[1], args[2], 1)), 0o644))
}

func auditCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 1, "audit FILE")
	store, err := bolt.Open(ts.MkAbs(args[0]), bolt.Options{})
	ts.Check(err)
	ts.Check(store.View(context.Background(), func(tx state.Tx) error {
		for _, row := range state.AllAudit(tx, 0) {
			fmt.Fprintf(ts.Stdout(), "%s: %s %s\n", row.Actor, row.Action, row.Subject)
		}
		return tx.Err()
	}))
	ts.Check(store.Close())
}

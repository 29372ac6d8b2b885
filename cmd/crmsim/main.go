// Command crmsim serves the simulated HubSpot portal and Salesforce org as a stand-alone server, with a
// control API beside them, so that a real client, another harness or a person with curl can work
// against them:
//
//	crmsim serve --hubspot 127.0.0.1:0 --salesforce 127.0.0.1:0 --control 127.0.0.1:0 --profile default --seed 7
//
// crmsim profiles prints what calm, default and hell mean. README.md describes the control API.
//
// serve prints one JSON line when it is ready and serves until it is interrupted. It listens on loopback
// only: what it holds is open to whoever can reach it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// Exit codes.
const (
	exitFine  = 0
	exitWrong = 1 // something failed while serving
	exitUsage = 2 // wrong flags, an unreadable world, an address that is not loopback
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errUsage marks an error of whoever called.
var errUsage = errors.New("usage")

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == "profiles" {
		fmt.Fprint(stdout, simulators.ProfileTable())
		return exitFine
	}
	if len(args) == 0 || args[0] != "serve" {
		fmt.Fprintln(stderr, "usage: crmsim serve [flags]; crmsim serve --help lists them; crmsim profiles shows how hostile each is")
		return exitUsage
	}
	opts, err := parseFlags(args[1:], stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitFine
	}
	if err == nil {
		err = serve(ctx, opts, stdout, stderr)
	}
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "crmsim:", err)
		return exitUsage
	}
	fmt.Fprintln(stderr, "crmsim:", err)
	return exitWrong
}

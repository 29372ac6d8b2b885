// Command handoffd is the daemon and the tools around it. One file holds one
// verb; this one holds what they share: flags, exit codes, the way out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	_ "time/tzdata" // calendars work on machines without zone files

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/state"
)

// The exit codes.
const (
	exitFine    = 0
	exitWrong   = 1  // something is wrong with what was asked about
	exitUsage   = 2  // wrong usage or configuration
	exitCRM     = 3  // a CRM cannot be reached
	exitRefused = 4  // refused for safety
	exitState   = 74 // the state cannot be read or written
	exitHeld    = 75 // another process holds the state
	exitNewer   = 78 // the state is from a newer version
)

// exitError is an error with the code the process ends with. Try is what the
// user can do about it.
type exitError struct {
	code int
	err  error
	try  string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// takesOne is for a verb with one argument.
func takesOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError("%s needs %s", strings.TrimPrefix(cmd.CommandPath(), "handoffd "), what)
		}
		return nil
	}
}

// streams are where a verb reads and writes.
type streams struct {
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr}))
}

// run is the program as a function, so that tests run what the binary runs.
func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	root.SetOut(s.out)
	root.SetErr(s.err)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitFine
	}
	fmt.Fprintln(s.err, "handoffd: "+strings.TrimSpace(err.Error()))
	try := tryOf(err)
	if try == "" && !began {
		try = cmd.CommandPath() + " --help"
	}
	if try != "" {
		fmt.Fprintln(s.err, "Try: "+try)
	}
	return codeOf(err)
}

// tryOf is what the user can do about an error, or "".
func tryOf(err error) string {
	var exit *exitError
	if errors.As(err, &exit) && exit.try != "" {
		return exit.try
	}
	switch {
	case errors.Is(err, state.ErrHeld):
		return "stop that process, or give this one a state of its own with HANDOFFD_STATE"
	case errors.Is(err, state.ErrNewer):
		return "start the handoffd that wrote it, or restore a backup made before the upgrade"
	case errors.Is(err, state.ErrCorrupt):
		return "move the file and its .marker aside, restore a backup in their place, and start again; nothing was changed"
	}
	return ""
}

func codeOf(err error) int {
	var exit *exitError
	var commit *state.CommitError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, state.ErrHeld):
		return exitHeld
	case errors.Is(err, state.ErrNewer):
		return exitNewer
	case errors.Is(err, state.ErrCorrupt), errors.As(err, &commit):
		return exitState
	}
	return exitUsage
}

func versionText() string {
	version, revision := build()
	return version + " (" + revision + ", " + runtime.Version() + ")"
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "handoffd",
		Short: "No buyer lost between teams",
		Long: "handoffd notices the buyer's signal in HubSpot or Salesforce, finds the account,\n" +
			"picks one accountable owner, sets the clock, hands over the context, and proves\n" +
			"it. HANDOFFD_CONFIG names the folder with your rules (./handoffd.d when not set),\n" +
			"HANDOFFD_STATE the state file (./handoffd.db). The verbs that look and steer ask\n" +
			"the running daemon; without one they read the state themselves.",
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("handoffd {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if said, _, number := strings.Cut(err.Error(), ": strconv."); number {
			err = errors.New(said + ": it must be a whole number")
		}
		return &exitError{code: exitUsage, err: err, try: cmd.CommandPath() + " --help"}
	})
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages |", "Flags.FlagUsagesWrapped 80 |"))
	grouped(root, "Begin:", newDemoCommand(s), newCheckCommand(s), newDoctorCommand(s), newRunCommand(s))
	grouped(root, "Look:", newStatusCommand(s), newExplainCommand(s), newReportCommand(s), newTeamCommand(s), newCalendarCommand(s), newCalibrateCommand(s))
	grouped(root, "Steer:", newQueueCommand(s), newApproveCommand(s), newPauseCommand(s), newReassignCommand(s), newUndoCommand(s))
	grouped(root, "Before an import:", newMatchCommand(s))
	fitHelp(root)
	return root
}

// fitHelp breaks the lines of the help where a terminal ends.
func fitHelp(cmd *cobra.Command) {
	paragraphs := strings.Split(cmd.Long, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = wrapped(p, lineWidth)
	}
	cmd.Long = strings.Join(paragraphs, "\n\n")
	for _, sub := range cmd.Commands() {
		fitHelp(sub)
	}
}

// grouped adds verbs under a heading of the help. One that only has verbs of its own
// shows them, and refuses any other.
func grouped(root *cobra.Command, title string, verbs ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, v := range verbs {
		v.GroupID = title
		if !v.Runnable() {
			v.Args, v.DisableFlagsInUseLine = cobra.NoArgs, true
			v.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
		root.AddCommand(v)
	}
}

// Command checker judges a run of handoffd by what it has left behind: the
// simulators' history, the state, the log. It talks to the simulators to save a
// report, and to nobody to judge one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/cmd/checker/judge"
)

// Exit codes: every rule that could be judged was held, one was broken, or the
// report cannot be read.
const (
	exitHeld   = 0
	exitBroken = 1
	exitUsage  = 2
)

// errBroken says that a rule was broken; that has been printed.
var errBroken = errors.New("a rule was broken")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr)) //nolint:gocritic // the process ends here
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := &cobra.Command{
		Use: "checker", Short: "Judge a run of handoffd by what it has left behind",
		SilenceErrors: true, SilenceUsage: true,
	}
	cmd.AddCommand(newSave(), newJudge())
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	switch err := cmd.ExecuteContext(ctx); {
	case err == nil:
		return exitHeld
	case errors.Is(err, errBroken):
		return exitBroken
	default:
		fmt.Fprintln(stderr, "checker:", err)
		return exitUsage
	}
}

func newJudge() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "judge DIR", Short: "Apply every rule to a saved report", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("-o is table or json, not %q", format)
			}
			verdicts, err := judge.Judge(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := show(cmd.OutOrStdout(), format, verdicts); err != nil {
				return err
			}
			if len(judge.Broken(verdicts)) > 0 {
				return errBroken
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	return cmd
}

// show prints one row per rule, and under a broken one its first offenders.
func show(out io.Writer, format string, verdicts []judge.Verdict) error {
	if format == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"schema": 1, "verdicts": verdicts})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range verdicts {
		detail := v.Says
		switch v.Held {
		case judge.NotJudged:
			detail = v.Why
		case judge.RuleBroken:
			detail = fmt.Sprintf("%s: %d times not", v.Says, v.Broken)
		case judge.RuleHeld:
		}
		fmt.Fprintf(w, "%s\t%s\t%d %s\t%s\n", v.Rule, v.Held, v.Looked, v.At, detail)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, v := range judge.Broken(verdicts) {
		fmt.Fprintf(out, "\n%s %s\n", v.Rule, v.Says)
		for _, o := range v.Offence {
			fmt.Fprintf(out, "  %s\n", o)
		}
	}
	return nil
}

func newSave() *cobra.Command {
	var control, state, rules, log, metrics, runFile, acks, out string
	cmd := &cobra.Command{
		Use: "save", Short: "Save a report of a run whose daemon has stopped", Args: cobra.NoArgs,
		Long: "Save a report: the simulators' control API is asked, the state, the rules and the log are copied.\n" +
			"--run names a JSON file that says how the run was made (see README.md); --acked one with the webhooks\n" +
			"that were acknowledged, one a line.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := judge.Source{
				Control: judge.From(strings.TrimSuffix(control, "/")), State: state, Rules: os.DirFS(rules), Log: log,
			}
			var err error
			if runFile != "" {
				err = readJSON(runFile, &s.Run)
			}
			if err == nil && acks != "" {
				s.Acks, err = judge.ReadAcks(acks)
			}
			if err == nil && metrics != "" {
				s.Metrics, err = os.ReadFile(metrics)
			}
			if err != nil {
				return err
			}
			return judge.Save(cmd.Context(), out, s)
		},
	}
	for name, f := range map[string]struct {
		at    *string
		usage string
	}{
		"control": {&control, "address of the simulators' control API"}, "state": {&state, "the state file; the daemon has stopped"},
		"rules": {&rules, "the configuration folder"}, "out": {&out, "the folder to write"}, "log": {&log, "the daemon's log"},
		"metrics": {&metrics, "a file with the last scrape of /metrics"}, "run": {&runFile, "how the run was made, as JSON"},
		"acked": {&acks, "acknowledged webhooks, one a line"},
	} {
		cmd.Flags().StringVar(f.at, name, "", f.usage)
	}
	for _, name := range []string{"control", "state", "rules", "out"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			cmd.RunE = func(*cobra.Command, []string) error { return err } // a flag of that name was just made
		}
	}
	return cmd
}

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

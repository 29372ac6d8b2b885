package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"

	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
)

func newCheckCommand(s streams) *cobra.Command {
	var connected, writes bool
	var format, why string
	cmd := &cobra.Command{
		Use:   "check [FOLDER]",
		Short: "Find every problem in the configuration folder",
		Long: "Find every problem in the configuration folder, each with its place and the fix.\n" +
			"--connected also compares the mappings with what the CRMs show us;\n" +
			"--writes prints every object and field the rules may write.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if why != "" {
				return printList(s.out, why)
			}
			env, err := readEnvironment(cmd.Context(), envconfig.OsLookuper())
			if err != nil {
				return err
			}
			if len(args) == 1 {
				env.Config = args[0]
			}
			return check(cmd.Context(), s, env, format, connected, writes)
		},
	}
	cmd.Flags().BoolVar(&connected, "connected", false, "compare with what the CRMs show us")
	cmd.Flags().BoolVar(&writes, "writes", false, "print every object and field the rules may write")
	cmd.Flags().StringVar(&why, "why", "", "print a built-in list, such as free_mail")
	formatFlag(cmd, &format)
	cmd.AddCommand(newCheckStateCommand())
	return cmd
}

// checkReport is the answer as JSON.
type checkReport struct {
	Schema   int                   `json:"schema"`
	Problems []mappings.Diagnostic `json:"problems"`
	Writes   []string              `json:"writes,omitempty"`
}

func check(ctx context.Context, s streams, env environment, format string, connected, writes bool) error {
	folder, err := openFolder(env.Config)
	if err != nil {
		return err
	}
	rules, problems, loadErr := loadRules(folder, env.Mode)
	if loadErr == nil && connected {
		more, err := compare(ctx, rules)
		if err != nil {
			return err
		}
		problems = append(problems, more...)
	}
	report := checkReport{Schema: 1, Problems: problems}
	if loadErr == nil && writes {
		report.Writes = rules.Writes()
	}
	if report.Problems == nil {
		report.Problems = []mappings.Diagnostic{}
	}
	if format != "table" {
		if err := show(s.out, format, report, report.tables()); err != nil {
			return err
		}
	} else {
		showProblems(s.out, problems, loadErr)
		for _, w := range report.Writes {
			fmt.Fprintln(s.out, w)
		}
		if loadErr == nil && !writes {
			fmt.Fprintf(s.out, "%s is fine: %d handoffs, %d connections, mode %s.\n", env.Config, len(rules.Types()), len(rules.Conns()), rules.Mode())
		}
	}
	if loadErr != nil {
		return &exitError{code: exitUsage, err: loadErr}
	}
	return nil
}

func (r checkReport) tables() []table {
	t := table{head: []string{"place", "code", "problem", "hint"}}
	for _, d := range r.Problems {
		t.add(d.Pos.String(), d.Code, d.Text, d.Hint)
	}
	w := table{head: []string{"may write"}}
	for _, line := range r.Writes {
		w.add(line)
	}
	return []table{t, w}
}

// showProblems prints every problem with its line and a caret.
func showProblems(w io.Writer, problems []mappings.Diagnostic, err error) {
	if len(problems) == 0 {
		return
	}
	var files map[string]string
	var config *configError
	if errors.As(err, &config) {
		files = config.files
	}
	fmt.Fprint(w, mappings.Render(problems, files))
}

// compare finds fields that the mappings name and the CRM does not show us.
func compare(ctx context.Context, rules *plan.Rules) ([]mappings.Diagnostic, error) {
	conns, _, err := connect(ctx, envconfig.OsLookuper(), rules, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	var found []mappings.Diagnostic
	for _, c := range rules.Conns() {
		describer, ok := conns[c.Name].(connectors.Describer)
		if !ok {
			continue
		}
		var kinds []connectors.Kind
		for _, w := range rules.Watched(c.Name) {
			kinds = append(kinds, w.Kind)
		}
		schemas, err := describer.Describe(ctx, kinds)
		if err != nil {
			return nil, &exitError{code: exitCRM, err: fmt.Errorf("describe %s: %w", c.Name, err), try: "check the connection's address and credentials"}
		}
		for _, w := range rules.Watched(c.Name) {
			schema, ok := schemas[w.Kind]
			if !ok {
				found = append(found, mappings.Diagnostic{
					Pos: mappings.Pos{File: c.Name}, Code: "missing-kind", Warn: true,
					Text: fmt.Sprintf("%s does not show us %s", c.Name, w.Kind),
				})
				continue
			}
			for _, f := range w.Fields {
				if _, ok := schema.Fields[f]; !ok {
					found = append(found, mappings.Diagnostic{
						Pos: mappings.Pos{File: c.Name}, Code: "missing-field", Warn: true,
						Text: fmt.Sprintf("%s.%s is mapped, but %s does not show it to us", w.Kind, f, c.Name),
						Hint: "create the field, give the integration user access to it, or take it out of the mapping",
					})
				}
			}
		}
	}
	return found, nil
}

func printList(w io.Writer, name string) error {
	values, ok := mappings.BuiltInList(name)
	if !ok {
		return usageError("there is no built-in list %q", name)
	}
	_, err := fmt.Fprintln(w, strings.Join(values, "\n"))
	return err
}

// stateChecked is printed by the child process when the file is sound; a child
// killed by a damaged mapping prints nothing.
const stateChecked = "the state is sound"

// newCheckStateCommand is the child process of openState.
func newCheckStateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "state FILE", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := bolt.Check(args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), stateChecked)
			return err
		},
	}
}

// checkInChild runs bolt.Check in a process that may die of what it maps.
func checkInChild(path string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("check the state: %w", err)
	}
	out, err := exec.Command(self, "check", "state", path).CombinedOutput()
	if err == nil && strings.Contains(string(out), stateChecked) {
		return nil
	}
	words := strings.TrimSpace(string(out))
	if line, _, more := strings.Cut(words, "\n"); more {
		words = line // the first line says it; a stack would only hide it
	}
	return fmt.Errorf("%w: %s; restore a backup with `handoffd store restore`", state.ErrCorrupt, words)
}

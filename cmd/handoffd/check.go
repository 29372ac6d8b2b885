package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
)

func newCheckCommand(s streams) *cobra.Command {
	var connected, writes, crmRules bool
	var format, why string
	cmd := &cobra.Command{
		Use:   "check [FOLDER]",
		Short: "Find every problem in the configuration folder",
		Long: "Find every problem in the configuration folder, each with its place and the fix. " +
			"FOLDER is that of HANDOFFD_CONFIG where none is named.",
		Example: "  handoffd check\n" +
			"  handoffd check --connected",
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
			if crmRules {
				return checkCRMRules(s, env, format)
			}
			return check(cmd.Context(), s, env, format, connected, writes)
		},
	}
	cmd.Flags().BoolVar(&connected, "connected", false, "also compare the rules with what the CRMs show us")
	cmd.Flags().BoolVar(&writes, "writes", false, "print every object and field the rules may write")
	cmd.Flags().BoolVar(&crmRules, "crm-rules", false, "print what each CRM should refuse by itself, such as a stage without its required fields, for you to set up there")
	cmd.Flags().StringVar(&why, "why", "", "print a built-in `LIST`, such as free_mail")
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
		report.Writes = mayWrite(rules)
	}
	if report.Problems == nil {
		report.Problems = []mappings.Diagnostic{}
	}
	if format == "table" {
		err = report.write(s, env.Config, rules, loadErr)
	} else {
		err = show(s.out, format, report, report.tables())
	}
	if err == nil && loadErr != nil {
		err = &exitError{code: exitUsage, err: loadErr}
	}
	return err
}

// write is the report as a person reads it.
func (r checkReport) write(s streams, folder string, rules *plan.Rules, loadErr error) error {
	showProblems(s.out, r.Problems, rules, loadErr)
	if rules == nil { // why, the exit says
		return nil
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(s.out)
	}
	for _, w := range r.Writes {
		fmt.Fprintln(s.out, w)
	}
	if len(r.Writes) > 0 {
		return nil
	}
	fine := "is fine"
	if n := len(r.Problems); n > 0 {
		fine += ", with " + several(n, "warning")
	}
	_, err := fmt.Fprintf(s.out, "%s %s: %s, %s, mode %s.\n", folder, fine,
		several(len(rules.Types()), "handoff type"), several(len(rules.Conns()), "connection"), rules.Mode())
	return err
}

// several is a number with its noun.
func several(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// mayWrite lists every field the rules may write, by the CRM's own names.
func mayWrite(rules *plan.Rules) []string {
	own := ownNames(rules)
	var out []string
	for _, line := range rules.Writes() {
		conn, kind, field := splitWrite(line)
		out = append(out, conn+" "+kind+"."+own[conn](field))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ownNames are, by connection, the CRM's names of fields: handoffd's own fields
// have another one in each CRM.
func ownNames(rules *plan.Rules) map[string]func(string) string {
	out := map[string]func(string) string{}
	for _, c := range rules.Conns() {
		name := builtin.Adapters()[c.CRM].OwnField
		out[c.Name] = func(field string) string {
			if name == nil || !strings.HasPrefix(field, connectors.OwnFieldPrefix) {
				return field
			}
			return name(field)
		}
	}
	return out
}

// splitWrite takes a line of Rules.Writes apart: "connection kind.field".
func splitWrite(line string) (conn, kind, field string) {
	conn, rest, _ := strings.Cut(line, " ")
	kind, field, _ = strings.Cut(rest, ".")
	return conn, kind, field
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
func showProblems(w io.Writer, problems []mappings.Diagnostic, rules *plan.Rules, err error) {
	if len(problems) == 0 {
		return
	}
	var files map[string]string
	if rules != nil {
		files = rules.Files()
	}
	var config *configError
	if errors.As(err, &config) {
		files = config.files
	}
	fmt.Fprint(w, mappings.Render(problems, files))
}

// compare finds fields that the rules read or write and the CRM does not show
// us, and whom they spare that no CRM knows.
func compare(ctx context.Context, rules *plan.Rules) ([]mappings.Diagnostic, error) {
	var found []mappings.Diagnostic
	var users []connectors.User
	everybody := true
	for _, c := range rules.Conns() {
		wanted := wantedFields(rules, c.Name)
		d, err := describe(ctx, rules, c.Name, slices.Sorted(maps.Keys(wanted)))
		if errors.Is(err, errNotDescribed) {
			everybody = false
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, kind := range slices.Sorted(maps.Keys(wanted)) {
			found = append(found, lackingIn(c.Name, kind, wanted[kind], d.Schemas)...)
		}
		users = append(users, d.Users...)
	}
	if everybody {
		found = append(found, rules.SparesNobody(users)...)
	}
	return found, nil
}

// wantedFields are the fields that the rules name, by kind; true: to write.
func wantedFields(rules *plan.Rules, conn string) map[connectors.Kind]map[string]bool {
	out := map[connectors.Kind]map[string]bool{}
	want := func(kind connectors.Kind, field string, write bool) {
		if out[kind] == nil {
			out[kind] = map[string]bool{}
		}
		out[kind][field] = out[kind][field] || write
	}
	own := ownNames(rules)[conn]
	for _, w := range rules.Watched(conn) {
		for _, f := range w.Fields {
			if !strings.HasPrefix(f, connectors.WorkPrefix) { // a CRM may keep such a count or not
				want(w.Kind, own(f), false)
			}
		}
	}
	for _, line := range mayWrite(rules) {
		if name, kind, field := splitWrite(line); name == conn && kind != string(connectors.Task) {
			want(connectors.Kind(kind), field, true)
		}
	}
	return out
}

// lackingIn compares one kind with what the CRM shows.
func lackingIn(conn string, kind connectors.Kind, wanted map[string]bool, schemas map[connectors.Kind]connectors.KindSchema) []mappings.Diagnostic {
	warn := func(code, text, hint string) mappings.Diagnostic {
		return mappings.Diagnostic{Pos: mappings.Pos{File: conn}, Code: code, Warn: true, Text: text, Hint: hint}
	}
	schema, ok := schemas[kind]
	if !ok {
		return []mappings.Diagnostic{warn("missing-kind", fmt.Sprintf("there is no %s that we may see", kind), "give the integration user access to it, or take it out of the mapping")}
	}
	var found []mappings.Diagnostic
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		f, ok := schema.Fields[name]
		switch {
		case !ok && wanted[name]:
			found = append(found, warn("missing-field", fmt.Sprintf("%s.%s cannot be written: it is not there, or hidden from us", kind, name), "create the field or give the integration user access to it; until then it is left out"))
		case !ok:
			found = append(found, warn("missing-field", fmt.Sprintf("%s.%s is mapped: it is not there, or hidden from us", kind, name), "create the field, give the integration user access to it, or take it out of the mapping; until then it is read as blank"))
		case wanted[name] && !f.Writable:
			found = append(found, warn("read-only-field", fmt.Sprintf("%s.%s may not be written by us", kind, name), "give the integration user the right to edit it; until then it is left out"))
		}
	}
	return found
}

func printList(w io.Writer, name string) error {
	values, ok := mappings.BuiltInList(name)
	if !ok {
		return &exitError{code: exitUsage, err: fmt.Errorf("there is no built-in list %q", name), try: "handoffd check --why free_mail"}
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
	out, err := exec.CommandContext(context.Background(), self, "check", "state", path).CombinedOutput()
	if err == nil && strings.Contains(string(out), stateChecked) {
		return nil
	}
	words := strings.TrimSpace(string(out))
	if line, _, more := strings.Cut(words, "\n"); more {
		words = line // the first line says it; a stack would only hide it
	}
	words = strings.TrimPrefix(strings.TrimPrefix(words, "handoffd: "), state.ErrCorrupt.Error()+": ")
	if !strings.Contains(words, path) {
		words = path + ": " + words
	}
	return fmt.Errorf("%w: %s", state.ErrCorrupt, words)
}

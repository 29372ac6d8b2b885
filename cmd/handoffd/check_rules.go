package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/sync/plan"
)

// crmRule is one rule for the admin to set up in a CRM: we see a save when it
// is done, and only the CRM itself can refuse it (1.93).
type crmRule struct {
	Conn string   `json:"connection"`
	Type string   `json:"type"`
	Name string   `json:"name"`
	File string   `json:"file,omitempty"` // where Text belongs in the CRM's own project
	Text string   `json:"text"`
	Left []string `json:"left,omitempty"` // fields that the CRM cannot make part of it
}

// crmRulesReport is the answer as JSON.
type crmRulesReport struct {
	Schema int       `json:"schema"`
	Rules  []crmRule `json:"rules"`
	// Unsaid are types with a gate that no rule of their CRM can keep, as
	// "connection type".
	Unsaid []string `json:"unsaid,omitempty"`
}

// checkCRMRules prints, for each type that waits for its context, the rule that
// makes its CRM refuse to save without it.
func checkCRMRules(s streams, env environment, format string) error {
	folder, err := openFolder(env.Config)
	if err != nil {
		return err
	}
	rules, problems, err := loadRules(folder, env.Mode)
	if err != nil {
		showProblems(s.out, problems, rules, err)
		return &exitError{code: exitUsage, err: err}
	}
	report := crmRulesOf(rules)
	if format != "table" {
		return show(s.out, format, report, report.tables())
	}
	for _, r := range report.Rules {
		where := ""
		if r.File != "" {
			where = ", file " + r.File
		}
		if _, err := fmt.Fprintf(s.out, "# %s, %s: %s%s\n%s\n\n", r.Conn, r.Type, r.Name, where, strings.TrimRight(r.Text, "\n")); err != nil {
			return err
		}
	}
	for _, u := range report.Unsaid {
		if _, err := fmt.Fprintln(s.out, "# "+u+": no rule of the CRM can say when it starts or what it needs; handoffd holds it."); err != nil {
			return err
		}
	}
	if len(report.Rules)+len(report.Unsaid) == 0 {
		_, err = fmt.Fprintln(s.out, "No handoff type waits for its context (if_missing: gate).")
	}
	return err
}

func crmRulesOf(rules *plan.Rules) crmRulesReport {
	out := crmRulesReport{Schema: 1, Rules: []crmRule{}}
	for _, c := range rules.Conns() {
		gates, unsaid := rules.Gates(c.Name)
		rule := builtin.Adapters()[c.CRM].GateRule
		for _, g := range gates {
			if rule == nil {
				unsaid = append(unsaid, g.Name)
				continue
			}
			said := rule(g)
			out.Rules = append(out.Rules, crmRule{Conn: c.Name, Type: g.Name, Name: said.Name, File: said.File, Text: said.Text, Left: said.Left})
		}
		slices.Sort(unsaid)
		for _, t := range slices.Compact(unsaid) {
			out.Unsaid = append(out.Unsaid, c.Name+" "+t)
		}
	}
	return out
}

func (r crmRulesReport) tables() []table {
	t := table{head: []string{"connection", "type", "rule", "file", "text", "left"}}
	for _, x := range r.Rules {
		t.add(x.Conn, x.Type, x.Name, x.File, x.Text, strings.Join(x.Left, ", "))
	}
	for _, u := range r.Unsaid {
		conn, typ, _ := strings.Cut(u, " ")
		t.add(conn, typ, "", "", "no rule of the CRM can say when it starts or what it needs", "")
	}
	return []table{t}
}

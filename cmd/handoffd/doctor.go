package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/ingest"
	"github.com/handoffd/handoffd/sync/plan"
)

func newDoctorCommand(s streams) *cobra.Command {
	var probe bool
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what stands in the way, on the CRMs as they are",
		Long: "Look at the connected CRMs and the way to this machine: whether a second task would\n" +
			"be refused, whether webhooks arrive and forged ones do not, which rules and programs\n" +
			"interfere, and what following the CRM costs. It only reads; --probe also makes two\n" +
			"throw-away tasks in each CRM and removes them again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := readEnvironment(cmd.Context(), envconfig.OsLookuper())
			if err != nil {
				return err
			}
			return doctor(cmd.Context(), s, env, format, probe)
		},
	}
	cmd.Flags().BoolVar(&probe, "probe", false, "prove that a second task with the same key is refused, with two throw-away tasks")
	formatFlag(cmd, &format)
	return cmd
}

// doctorReport is the answer as JSON.
type doctorReport struct {
	Schema   int           `json:"schema"`
	Findings []finding     `json:"findings"`
	Cost     []callsPerDay `json:"standing_cost"`
}

// finding is what was found on one connection.
type finding struct {
	Conn string `json:"connection"`
	connectors.Finding
}

// callsPerDay is what following a connection costs when nothing happens.
type callsPerDay struct {
	Conn  string  `json:"connection"`
	Every string  `json:"poll_every"`
	Calls int     `json:"calls_a_day"`
	Limit int     `json:"daily_limit"`    // 0: the CRM does not say
	Left  int     `json:"left_today"`     // of all programs that use it
	Share float64 `json:"share_of_limit"` // of the whole limit, 0 to 1
	Ours  float64 `json:"api_share"`      // what the rules let us use
}

// doctor asks the running daemon, whose credentials nobody else may refresh;
// without one it connects by itself.
func doctor(ctx context.Context, s streams, env environment, format string, probe bool) error {
	path := "/doctor"
	if probe {
		path += "?probe=1"
	}
	var report doctorReport
	err := withState(ctx, "POST", path, &report, func(store *bolt.Store) (any, error) {
		return alone(ctx, s, env, &vaults{store: store}, probe)
	})
	if errors.Is(err, errNoState) { // before the first start there is nothing to keep
		report, err = alone(ctx, s, env, nil, probe)
	}
	if err != nil {
		return err
	}
	if err := show(s.out, format, report, report.tables()); err != nil {
		return err
	}
	if n := report.failures(); n > 0 {
		return &exitError{code: exitWrong, err: fmt.Errorf("%s to be mended", several(n, "failure"))}
	}
	return nil
}

// alone is the verb without a daemon.
func alone(ctx context.Context, s streams, env environment, vault *vaults, probe bool) (doctorReport, error) {
	folder, err := openFolder(env.Config)
	if err != nil {
		return doctorReport{}, err
	}
	rules, problems, err := loadRules(folder, env.Mode)
	if err != nil {
		showProblems(s.err, problems, rules, err)
		return doctorReport{}, &exitError{code: exitUsage, err: err, try: "handoffd check"}
	}
	conns, secrets, err := connect(ctx, envconfig.OsLookuper(), rules, vault, slog.New(slog.DiscardHandler))
	if err != nil {
		return doctorReport{}, err
	}
	i := inquiry{rules: rules, conns: conns, secrets: secrets, publicURL: env.PublicURL, probe: probe}
	if vault != nil {
		if i.tenants, err = tenantsOf(ctx, vault.store); err != nil {
			return doctorReport{}, err
		}
	}
	return i.examine(ctx), nil
}

// doctor is the verb inside the running daemon.
func (d *daemon) doctor(ctx context.Context, probe bool) (doctorReport, error) {
	c := d.config
	tenants, err := tenantsOf(ctx, c.Store)
	if err != nil {
		return doctorReport{}, err
	}
	i := inquiry{
		rules: d.book.Rules(), conns: c.Conns, secrets: c.Secrets, publicURL: c.PublicURL.String(), probe: probe,
		tenants: tenants, expect: d.webhooks.Expect,
	}
	return i.examine(ctx), nil
}

// tenantsOf is whose records a state holds, by connection.
func tenantsOf(ctx context.Context, store state.Store) (map[string]string, error) {
	tenants := map[string]string{}
	err := store.View(ctx, func(tx state.Tx) error {
		for _, c := range state.AllConns(tx) {
			tenants[c.Name] = c.Tenant
		}
		return tx.Err()
	})
	return tenants, err
}

// inquiry is what doctor is told to look at.
type inquiry struct {
	rules     *plan.Rules
	conns     map[string]connectors.Connector
	secrets   map[string]connectors.Secret
	publicURL string
	probe     bool
	tenants   map[string]string // whose records the state holds, by connection
	// expect tells the door of a forged webhook that is our own, until it is
	// over; nil: the door is not ours.
	expect func(connectors.Request) (over func())
}

func (i *inquiry) examine(ctx context.Context) doctorReport {
	report := doctorReport{Schema: 1, Findings: []finding{}, Cost: []callsPerDay{}}
	for _, c := range i.rules.Conns() {
		connector, ok := i.conns[c.Name]
		if !ok {
			continue
		}
		e := examination{rules: i.rules, conn: c, connector: connector, probe: i.probe, tenant: i.tenants[c.Name], expect: i.expect}
		e.look(ctx)
		if c.Webhooks {
			e.door(ctx, strings.TrimSuffix(i.publicURL, "/")+"/webhooks/"+c.Name, i.secrets[c.Name])
		}
		report.Findings = append(report.Findings, e.findings...)
		if e.cost != nil {
			report.Cost = append(report.Cost, *e.cost)
		}
	}
	return report
}

func (r doctorReport) failures() int {
	n := 0
	for _, f := range r.Findings {
		if f.Level == connectors.Failure {
			n++
		}
	}
	return n
}

// levelWords are the levels as a person reads them, the worst first.
var levelWords = []struct {
	level connectors.Level
	word  string
}{
	{connectors.Failure, "mend"},
	{connectors.Warning, "beware"},
	{connectors.Unseen, "unseen"},
	{connectors.Notice, "note"},
	{connectors.Fine, "fine"},
}

func (r doctorReport) tables() []table {
	t := table{title: "What was found", head: []string{"", "connection", "about", "what is so", "what to do"}, said: []int{3}, below: []int{4}}
	for _, l := range levelWords {
		for _, f := range r.Findings {
			if f.Level == l.level {
				t.add(l.word, f.Conn, f.Subject, f.Text, f.Fix)
			}
		}
	}
	cost := table{title: "What following costs, before any handoff", head: []string{"connection", "poll every", "calls a day", "daily limit", "of the limit", "api_share"}}
	for _, c := range r.Cost {
		limit, share := "unknown", "unknown"
		if c.Limit > 0 {
			limit, share = fmt.Sprint(c.Limit), percent(c.Share)
		}
		cost.add(c.Conn, c.Every, c.Calls, limit, share, percent(c.Ours))
	}
	return []table{t, cost}
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// examination is the look at one connection.
type examination struct {
	rules     *plan.Rules
	conn      plan.Conn
	connector connectors.Connector
	probe     bool
	tenant    string // whose records the state holds; blank: nobody's yet
	expect    func(connectors.Request) (over func())
	findings  []finding
	cost      *callsPerDay
}

func (e *examination) found(f connectors.Finding) {
	e.findings = append(e.findings, finding{e.conn.Name, f})
}

// codeReach is the finding of whether the CRM lets us in at all.
const codeReach = "reach"

// usedUp is how long a CRM that has no calls left for the day is left alone at least.
const usedUp = 10 * time.Minute

// unanswered is a question that failed, and what to do about it.
func (e *examination) unanswered(code, subject string, err error, fix string) {
	level, fix := e.whatNow(code, err, connectors.Failure, fix)
	e.found(connectors.Finding{Code: code, Level: level, Subject: subject, Text: err.Error(), Fix: fix})
}

// whatNow is how bad it is that the CRM gave no answer, and what to do, where that shows in
// its refusal. A CRM that is only busy says nothing of how it is set up, and credentials
// that were good a moment ago say nothing of rights.
func (e *examination) whatNow(code string, err error, level connectors.Level, fix string) (connectors.Level, string) {
	switch why := connectors.AsError(code, err); {
	case why.Class == connectors.Throttled && why.RetryAfter >= usedUp:
		return connectors.Unseen, "see in the CRM which programs take its calls of the day, and run doctor again once there are some left"
	case why.Class == connectors.Throttled, why.Class == connectors.Unavailable && why.Status != 0:
		return connectors.Unseen, "run doctor again"
	case why.Class == connectors.AuthBroken && code != codeReach:
		return connectors.Failure, "run doctor again; if they are refused then, " + credentialsHint(e.conn.Name)
	}
	return level, fix
}

// look asks the CRM.
func (e *examination) look(ctx context.Context) {
	describer, ok := e.connector.(connectors.Describer)
	if ok {
		tenant, err := describer.Tenant(ctx)
		if err != nil {
			e.unanswered(codeReach, "credentials", err, "check the connection's address and credentials: "+credentialsHint(e.conn.Name))
			return
		}
		if e.tenant != "" && e.tenant != tenant {
			e.found(connectors.Finding{
				Code: "tenant", Level: connectors.Failure, Subject: "credentials",
				Text: "they reach tenant " + tenant + ", and the state belongs to " + e.tenant + ": nothing is read or written",
				Fix:  "set the credentials of " + e.tenant + ", or give this connection another name or a state of its own",
			})
			return
		}
		e.found(connectors.Finding{Code: codeReach, Level: connectors.Fine, Subject: "credentials", Text: "they reach tenant " + tenant})
		e.fields(ctx, describer)
	}
	if inspector, ok := e.connector.(connectors.Inspector); ok {
		found, err := inspector.Inspect(ctx, e.inspection())
		for _, f := range found {
			e.found(f)
		}
		if err != nil {
			level, fix := e.whatNow("inspect", err, connectors.Unseen, "run doctor again")
			e.found(connectors.Finding{Code: "inspect", Level: level, Subject: "inspection", Text: "it ended early: " + err.Error(), Fix: fix})
		}
	}
	e.standingCost(ctx)
}

// fields compares what the rules name with what the CRM shows us.
func (e *examination) fields(ctx context.Context, describer connectors.Describer) {
	wanted := wantedFields(e.rules, e.conn.Name)
	schemas, err := describer.Describe(ctx, slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		e.unanswered("describe", "fields", err, "check the integration user's permissions")
		return
	}
	lacking := 0
	for _, kind := range slices.Sorted(maps.Keys(wanted)) {
		for _, d := range lackingIn(e.conn.Name, kind, wanted[kind], schemas) {
			lacking++
			e.found(connectors.Finding{Code: d.Code, Level: connectors.Warning, Subject: string(kind), Text: d.Text, Fix: d.Hint})
		}
	}
	if lacking == 0 {
		e.found(connectors.Finding{Code: "fields", Level: connectors.Fine, Subject: "fields", Text: "every field the rules name is there"})
	}
}

// inspection is what the rules make worth looking at.
func (e *examination) inspection() connectors.Inspection {
	q := connectors.Inspection{Writes: map[connectors.Kind][]string{}, Probe: e.probe}
	for _, w := range e.rules.Watched(e.conn.Name) {
		q.Kinds = append(q.Kinds, w.Kind)
	}
	for _, line := range e.rules.Writes() {
		if conn, kind, field := splitWrite(line); conn == e.conn.Name {
			q.Writes[connectors.Kind(kind)] = append(q.Writes[connectors.Kind(kind)], field)
		}
	}
	return q
}

const (
	day        = 24 * time.Hour
	usersEvery = 15 * time.Minute
)

// standingCost follows everything once, as the daemon does at every poll, and
// counts the calls that it takes.
func (e *examination) standingCost(ctx context.Context) {
	meter, ok := e.connector.(connectors.Meter)
	if !ok {
		return
	}
	every := e.conn.PollEvery
	if every == 0 {
		every = ingest.DefaultEvery
	}
	now := time.Now().UTC()
	var polls []connectors.Poll
	for _, w := range e.rules.Watched(e.conn.Name) {
		polls = append(polls, connectors.Poll{Kind: w.Kind, From: connectors.Cursor{From: now}, Fields: w.Fields, Limit: 1})
	}
	before := meter.Usage().Calls["poll"]
	pages, err := e.connector.Changes(ctx, polls)
	for _, p := range pages {
		if p.Err != nil && err == nil {
			err = fmt.Errorf("%s: %w", p.Kind, p.Err)
		}
	}
	if err != nil {
		e.unanswered("poll", "polling", err, "give the integration user the right to read it, or take the kind out of the mapping")
		return
	}
	usage := meter.Usage()
	c := callsPerDay{
		Conn: e.conn.Name, Every: every.String(), Limit: usage.DailyLimit, Left: usage.DailyLeft, Ours: e.conn.Share,
		Calls: int(usage.Calls["poll"]-before)*int(day/every) + int(day/usersEvery),
	}
	if c.Ours == 0 {
		c.Ours = 1
	}
	if c.Limit > 0 {
		c.Share = float64(c.Calls) / float64(c.Limit)
		if c.Share > c.Ours {
			e.found(connectors.Finding{
				Code: "standing-cost", Level: connectors.Failure, Subject: "daily calls",
				Text: fmt.Sprintf("polling alone takes %d calls a day, over the %s of %d that api_share grants", c.Calls, percent(c.Ours), c.Limit),
				Fix:  "set poll_every to a longer time, or api_share to more",
			})
		}
	}
	e.cost = &c
}

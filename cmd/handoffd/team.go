package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/route"
)

// teamsReport is how teams stand, and the certificate of what their rotation
// has done (field, G6).
type teamsReport struct {
	Schema int          `json:"schema"`
	Since  time.Time    `json:"since,omitzero"`
	Teams  []teamReport `json:"teams"`
	draws  []route.Entry
}

type teamReport struct {
	plan.Standing
	Open  map[string]int `json:"open"`  // handoffs that are not over, by owner: all of its members', and what others have by it
	Draws int            `json:"draws"` // in the time, given back ones included
	Share []shareRow     `json:"share"`
}

// shareRow is what one member had of the draws of a time, and what was owed.
type shareRow struct {
	Who      string               `json:"who"`
	Due      float64              `json:"expected"`
	Turns    int                  `json:"actual"`
	Credited int                  `json:"given_back"`
	Tiers    map[string]tierShare `json:"by_tier"`
	Skips    map[route.Kind]int   `json:"passed_over"`
}

type tierShare struct {
	Due   float64 `json:"expected"`
	Turns int     `json:"actual"`
}

func newTeamCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{Use: "team", Short: "Who is next, and whether it was fair"}
	var format, since string
	var draws bool
	show := &cobra.Command{
		Use:   "show [TEAM]",
		Short: "Members, who is free, expected and actual share, whose turn it is",
		Long: "Members, who is free and why not, expected and actual share, whose turn it is.\n" +
			"The share that is expected of each draw is a member's weight among the weights of\n" +
			"those it could have gone to. --csv prints every draw, a line for each member, so\n" +
			"that anybody can add it up: expected is the sum of due, actual the lines with got.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{}
			if len(args) == 1 {
				q.Set("team", args[0])
			}
			at, err := sinceTime(since, time.Now())
			if err != nil {
				return err
			}
			if !at.IsZero() {
				q.Set("since", at.UTC().Format(time.RFC3339))
			}
			if draws {
				return teamDraws(cmd.Context(), s.out, q)
			}
			return teamShow(cmd.Context(), s.out, format, q)
		},
	}
	formatFlag(show, &format)
	show.Flags().StringVar(&since, "since", "", "only draws since `TIME`: 2026-03-01, or 14d, 8h")
	show.Flags().BoolVar(&draws, "csv", false, "print every draw, to recompute the shares")
	cmd.AddCommand(show)
	return cmd
}

// teamShow asks the daemon, or reads folder and state where none runs.
func teamShow(ctx context.Context, out io.Writer, format string, q url.Values) error {
	var r teamsReport
	err := withState(ctx, "GET", "/team?"+q.Encode(), &r, func(store *bolt.Store) (any, error) {
		rules, err := folderRules(ctx)
		if err != nil {
			return nil, err
		}
		return teams(ctx, store, rules, q, time.Now().UTC())
	})
	if err != nil {
		return err
	}
	return show(out, format, r, r.tables())
}

// teamDraws prints the ledger.
func teamDraws(ctx context.Context, out io.Writer, q url.Values) error {
	var rows [][]string
	err := withState(ctx, "GET", "/team/draws?"+q.Encode(), &rows, func(store *bolt.Store) (any, error) {
		rules, err := folderRules(ctx)
		if err != nil {
			return nil, err
		}
		return teamLedger(ctx, store, rules, q, time.Now().UTC())
	})
	if err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("print the draws: %w", err)
	}
	return nil
}

func teamLedger(ctx context.Context, store state.Store, rules *plan.Rules, q url.Values, now time.Time) ([][]string, error) {
	r, err := teams(ctx, store, rules, q, now)
	if err != nil {
		return nil, err
	}
	return drawRows(r.draws), nil
}

// folderRules are those of the admin's folder, for where no daemon runs.
func folderRules(ctx context.Context) (*plan.Rules, error) {
	env, err := readEnvironment(ctx, envconfig.OsLookuper())
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(env.Config)
	if err != nil {
		return nil, err
	}
	rules, _, err := loadRules(folder, env.Mode)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err, try: "handoffd check"}
	}
	return rules, nil
}

// teams gathers how one team stands, or each.
func teams(ctx context.Context, store state.Store, rules *plan.Rules, q url.Values, now time.Time) (teamsReport, error) {
	r := teamsReport{Schema: 1, Teams: []teamReport{}}
	if at, err := time.Parse(time.RFC3339, q.Get("since")); err == nil {
		r.Since = at
	}
	names := rules.Teams()
	if want := q.Get("team"); want != "" {
		if !slices.Contains(names, want) {
			return r, &exitError{code: exitUsage, err: fmt.Errorf("there is no team %q with members", want), try: "one of " + strings.Join(names, ", ")}
		}
		names = []string{want}
	}
	var conns []string
	for _, c := range rules.Conns() {
		conns = append(conns, c.Name)
	}
	err := store.View(ctx, func(tx state.Tx) error {
		r.Teams, r.draws = []teamReport{}, nil
		v := engine.Look(tx, conns)
		open := map[string]map[string]int{}
		for _, name := range names {
			open[name] = map[string]int{}
		}
		for _, h := range state.AllHandoffs(tx) {
			if !h.Stage.Open() || h.Owner == "" || h.Observed && !rules.Observing() {
				continue
			}
			for _, name := range names {
				if h.Team == name || rules.Holds(name, h.Owner) {
					open[name][h.Owner]++
				}
			}
		}
		entries := draws(tx, r.Since)
		for _, name := range names {
			st, _ := rules.Standing(now, v, name)
			t := teamReport{Standing: st, Open: open[name], Draws: len(entries[name]), Share: []shareRow{}}
			for _, a := range route.Accounts(entries[name]) {
				t.Share = append(t.Share, share(a))
			}
			r.draws = append(r.draws, entries[name]...)
			r.Teams = append(r.Teams, t)
		}
		return tx.Err()
	})
	if err != nil {
		return r, fmt.Errorf("read the teams: %w", err)
	}
	return r, nil
}

func share(a route.Account) shareRow {
	s := shareRow{Who: a.Who, Due: a.Due, Turns: a.Turns, Credited: a.Credited, Tiers: map[string]tierShare{}, Skips: a.Skips}
	for tier, t := range a.Tiers {
		s.Tiers[tier] = tierShare{Due: t.Due, Turns: t.Turns}
	}
	return s
}

// draws reads the audit trail: every draw since an instant, by team.
func draws(tx state.Tx, since time.Time) map[string][]route.Entry {
	out := map[string][]route.Entry{}
	for _, row := range state.AllAudit(tx, 0) {
		if row.Action == route.ActionCredited {
			route.CreditEntry(out[row.Detail[route.DetailTeam]], row.Subject, row.Detail["owner"])
			continue
		}
		e, ok := route.ReadDetail(row.Detail)
		if !ok || row.At.Before(since) {
			continue
		}
		e.At, e.Handoff = row.At, row.Subject
		out[e.Team] = append(out[e.Team], e)
	}
	return out
}

// drawRows is every draw with a line for each member who was in it.
func drawRows(entries []route.Entry) [][]string {
	rows := [][]string{{"team", "draw", "at", "handoff", "type", "tier", "member", "weight", "free", "passed_over", "due", "got", "given_back"}}
	yes := map[bool]string{true: "yes", false: "no"}
	for _, e := range entries {
		line := func(who, weight string, free bool, why string) {
			due := 0.0
			if !e.Credited {
				due = e.Due(who)
			}
			got := free && who == e.Who
			rows = append(rows, []string{
				e.Team, strconv.FormatUint(e.Seq, 10), e.At.UTC().Format(time.RFC3339), e.Handoff, e.Type, e.Tier, who, weight,
				yes[free], why, strconv.FormatFloat(due, 'f', 6, 64), yes[got && !e.Credited], yes[got && e.Credited],
			})
		}
		for _, c := range e.Free {
			line(c.Who, strconv.Itoa(c.Weight), true, "")
		}
		for _, s := range e.Skipped {
			line(s.Who, "", false, string(s.Kind))
		}
	}
	return rows
}

// tables are the report for a person.
func (r teamsReport) tables() []table {
	var out []table
	for _, t := range r.Teams {
		now := table{
			title: t.Team + ", manager " + t.Manager + t.next(),
			head:  []string{"member", "weight", "now", "works next", "open", "not accepted", "turns", "turns by tier"},
			below: []int{7},
		}
		for _, m := range t.Members {
			state := "free"
			if m.Why != "" {
				state = m.Why
			}
			unaccepted := strconv.Itoa(m.Unaccepted)
			if m.AtMost > 0 {
				unaccepted += " of " + strconv.Itoa(m.AtMost)
			}
			now.add(m.Who, m.Weight, state, m.Works.Local().Format("Mon 2 Jan 15:04 MST"), t.Open[m.Who], unaccepted, m.Turns, counts(m.ByTier))
		}
		past := table{title: fmt.Sprintf("%s, %d draws", t.Team, t.Draws), head: []string{"member", "expected", "actual", "given back", "expected and actual by tier", "passed over"}, below: []int{4, 5}}
		for _, s := range t.Share {
			var tiers []string
			for _, tier := range slices.Sorted(maps.Keys(s.Tiers)) {
				tiers = append(tiers, fmt.Sprintf("%s %s/%d", tier, route.Share(s.Tiers[tier].Due), s.Tiers[tier].Turns))
			}
			skips := map[string]int{}
			for kind, n := range s.Skips {
				skips[string(kind)] = n
			}
			past.add(s.Who, route.Share(s.Due), s.Turns, s.Credited, strings.Join(tiers, ", "), counts(skips))
		}
		out = append(out, now, past)
	}
	return out
}

// next says whose turn it is.
func (t teamReport) next() string {
	var parts []string
	for _, tier := range slices.Sorted(maps.Keys(t.Next)) {
		who := t.Next[tier]
		if who == "" {
			who = "nobody, it would wait"
		}
		if tier != plan.EveryTier {
			who = tier + " " + who
		}
		parts = append(parts, who)
	}
	return "; next would be " + strings.Join(parts, ", ")
}

func counts(n map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, n[k]))
	}
	return strings.Join(parts, ", ")
}

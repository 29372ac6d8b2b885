package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// reassignOrder says which open handoffs to move, and to whom.
type reassignOrder struct {
	Where []string // FIELD=VALUE, all of which have to hold
	To    string
	Apply bool
	By    string
}

// reassignAnswer is who gets what, or would.
type reassignAnswer struct {
	Schema   int           `json:"schema"`
	Applied  bool          `json:"applied"`
	Moved    int           `json:"moved"`
	Stay     int           `json:"stay"`
	Waits    string        `json:"waits,omitempty"`
	Alone    bool          `json:"from_state_alone"` // no daemon runs: the CRMs were not asked
	Handoffs []reassignRow `json:"handoffs"`
}

type reassignRow struct {
	Handoff  string `json:"handoff"`
	Type     string `json:"type"`
	Record   string `json:"record"`
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"` // blank: it stays
	Rule     string `json:"rule,omitempty"`
	Why      string `json:"why,omitempty"`
	AcceptBy string `json:"accept_by,omitempty"` // as it was
}

func newReassignCommand(s streams) *cobra.Command {
	var o reassignOrder
	var format string
	cmd := &cobra.Command{
		Use:   "reassign --where FIELD=VALUE… --to WHOM [--apply]",
		Short: "Move open handoffs after a reorganisation",
		Long: "Move open handoffs to whoever has them after a reorganisation. FIELD is owner,\n" +
			"type, team, tier, stage, or a field of the record such as person.country; several have\n" +
			"to hold together. --to rules asks the owner list again as it stands now, FILE:LINE\n" +
			"one line of it; a team draws by rotation. Clocks stay as they are. Without --apply\n" +
			"nothing is written: it says who would get what; without a daemon, as far as its\n" +
			"state remembers.",
		Example: "  handoffd reassign --where owner=ana@example.com --to rules\n" +
			"  handoffd reassign --where team=emea --where stage=assigned --to dach --apply",
		DisableFlagsInUseLine: true,
		Args:                  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			q := url.Values{"where": o.Where, "to": {o.To}}
			if o.Apply {
				q.Set("apply", "1")
			}
			var a reassignAnswer
			err := order(cmd.Context(), "/reassign", q, &a, func(d *desk) (reassignAnswer, error) {
				o.By = operator()
				return d.reassign(cmd.Context(), o)
			})
			if err != nil {
				return err
			}
			if format == "table" {
				fmt.Fprintln(s.out, fitting(a.lead()))
			}
			return show(s.out, format, a, a.tables())
		},
	}
	cmd.Flags().StringArrayVar(&o.Where, "where", nil, "`FIELD=VALUE`; may be written several times")
	cmd.Flags().StringVar(&o.To, "to", "", "`WHOM`: rules, FILE:LINE, a team or a person")
	cmd.Flags().BoolVar(&o.Apply, "apply", false, "write it; otherwise it is only shown")
	formatFlag(cmd, &format)
	return cmd
}

func (o reassignOrder) check() error {
	const try = "handoffd reassign --where owner=ana@example.com --to rules"
	if len(o.Where) == 0 || o.To == "" {
		return &exitError{code: exitUsage, err: errors.New("say which handoffs, with --where, and who gets them, with --to"), try: try}
	}
	for _, w := range o.Where {
		name, _, ok := strings.Cut(w, "=")
		known := slices.Contains([]string{"owner", "type", "team", "tier", "stage"}, name) || strings.Contains(name, ".")
		if !ok || !known {
			return &exitError{code: exitUsage, err: fmt.Errorf("--where %s: it must be owner, type, team, tier, stage or a field such as person.country, then = and a value", w), try: try}
		}
	}
	return nil
}

// serveReassign answers `handoffd reassign` over the control socket.
func (d *daemon) serveReassign(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	answer(w)(d.desk().reassign(r.Context(), reassignOrder{
		Where: q["where"], To: q.Get("to"), Apply: q.Get("apply") != "", By: ordererOf(q),
	}))
}

// reassign moves open handoffs, or says what that would do.
func (d *desk) reassign(ctx context.Context, o reassignOrder) (reassignAnswer, error) {
	a := reassignAnswer{Schema: 1, Applied: o.Apply, Alone: d.alone, Handoffs: []reassignRow{}}
	if err := o.check(); err != nil {
		return a, err
	}
	rules := d.book.Rules()
	if wrong := rules.CanReassign(o.To); wrong != "" {
		return a, usageError("%s", wrong)
	}
	picked, err := d.reassignPick(ctx, o)
	if err != nil {
		return a, err
	}
	if len(picked) == 0 {
		return a, o.wrong(rules)
	}
	var events []plan.Event
	for _, h := range picked {
		events = append(events, plan.Reassign{Handoff: h.ID, To: o.To, By: o.By})
	}
	tried, err := d.orders.Run(ctx, events, false)
	if err != nil {
		return a, err
	}
	for n, v := range tried {
		a.add(picked[n], v.Changes)
	}
	if !o.Apply {
		return a, nil
	}
	if err := d.mayReassign(ctx, a.Moved); err != nil {
		return a, err
	}
	a = reassignAnswer{Schema: 1, Applied: true, Handoffs: []reassignRow{}}
	done, err := d.orders.Run(ctx, events, true)
	if err != nil {
		return a, err
	}
	for n, v := range done {
		a.add(picked[n], v.Changes)
	}
	a.Waits = d.waits(ctx)
	return a, nil
}

// mayReassign refuses a move that is larger than what the admin calls safe.
func (d *desk) mayReassign(ctx context.Context, moves int) error {
	if err := d.mayOrder(ctx); err != nil {
		return err
	}
	if s := d.book.Rules().Safety(); s.OwnerChanges > 0 && moves > s.OwnerChanges {
		return &exitError{
			code: exitRefused, err: fmt.Errorf("%d owners would change, and safety allows %d within %s (%s)", moves, s.OwnerChanges, s.Span, s.Rule),
			try: "narrow it with another --where, and move them in parts",
		}
	}
	return nil
}

// reassignPick finds the open handoffs that fit, in order of their ids.
func (d *desk) reassignPick(ctx context.Context, o reassignOrder) ([]state.Handoff, error) {
	var picked []state.Handoff
	err := d.store.View(ctx, func(tx state.Tx) error {
		picked = nil
		for _, h := range state.AllHandoffs(tx) {
			if h.Stage.Open() && !h.Observed && o.fits(tx, d.book.Rules(), h) {
				picked = append(picked, h)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("find the handoffs: %w", err)
	}
	return picked, nil
}

// wrong says why nothing fits, where what was typed can fit nothing.
func (o reassignOrder) wrong(rules *plan.Rules) error {
	for _, w := range o.Where {
		name, value, _ := strings.Cut(w, "=")
		if wrong := rules.NoneHas(name, value); wrong != "" {
			return usageError("--where %s: %s", w, wrong)
		}
	}
	return nil
}

func (o reassignOrder) fits(tx state.Tx, rules *plan.Rules, h state.Handoff) bool {
	for _, w := range o.Where {
		name, want, _ := strings.Cut(w, "=")
		if !slices.ContainsFunc(valuesOf(tx, rules, h, name), func(got string) bool { return strings.EqualFold(got, want) }) {
			return false
		}
	}
	return true
}

// valuesOf is what a FIELD of --where is for a handoff. A person may be in several
// teams; one who was named is in theirs, and by no team.
func valuesOf(tx state.Tx, rules *plan.Rules, h state.Handoff, name string) []string {
	switch name {
	case "owner":
		return []string{h.Owner}
	case "type":
		return []string{h.Type}
	case "team":
		return append(rules.TeamsOf(h), h.Team)
	case "tier":
		return []string{h.Tier}
	case "stage":
		return []string{string(h.Stage)}
	}
	return []string{fieldOf(tx, h, name)}
}

// fieldOf is a field of the record a handoff is about, of the one that carries
// it, or of the account it belongs to, in our words.
func fieldOf(tx state.Tx, h state.Handoff, name string) string {
	noun, word, _ := strings.Cut(name, ".")
	for _, ref := range []connectors.Ref{h.Record, h.Target, h.Account} {
		if r, ok := state.GetRecord(tx, ref); ok && r.Noun == noun && r.Fields[word] != "" {
			return r.Fields[word]
		}
	}
	return ""
}

// add takes in what was decided about one handoff.
func (a *reassignAnswer) add(h state.Handoff, c state.Changes) {
	row := reassignRow{Handoff: h.ID, Type: h.Type, Record: h.Target.String(), From: h.Owner, AcceptBy: when(h.AcceptBy)}
	if h.Target.ID == "" {
		row.Record = h.Record.String()
	}
	if n := len(c.Why); n > 0 {
		row.Rule, row.Why = c.Why[n-1].Rule, c.Why[n-1].Text
	}
	i := slices.IndexFunc(c.Handoffs, func(o state.Handoff) bool { return o.ID == h.ID && o.Owner != h.Owner })
	if i >= 0 {
		row.To = c.Handoffs[i].Owner
		a.Moved++
	} else {
		a.Stay++
	}
	a.Handoffs = append(a.Handoffs, row)
}

// lead is what a person reads first.
func (a reassignAnswer) lead() string {
	text := fmt.Sprintf("%s would move, %d stay. Nothing was written; --apply does it.", several(a.Moved, "handoff"), a.Stay)
	switch {
	case a.Moved+a.Stay == 0:
		text = "No open handoff fits."
	case a.Applied:
		text = fmt.Sprintf("%s moved, %d stay.", several(a.Moved, "handoff"), a.Stay)
	}
	if a.Waits != "" {
		text += "\n" + a.Waits
	}
	if a.Alone {
		text = fromState + "\n" + text
	}
	return text + "\n"
}

func (a reassignAnswer) tables() []table {
	per := table{title: "Who gets how many", head: []string{"to", "handoffs"}}
	t := table{head: []string{"type", "record", "from", "to", "why", "rule", "accept by", "handoff"}, said: []int{4}, below: []int{5, 6, 7}}
	counts := map[string]int{}
	for _, h := range a.Handoffs {
		t.add(h.Type, h.Record, h.From, cmp.Or(h.To, "(stays)"), h.Why, h.Rule, h.AcceptBy, h.Handoff)
		if h.To != "" {
			counts[h.To]++
		}
	}
	var names []string
	for who := range counts {
		names = append(names, who)
	}
	slices.Sort(names)
	for _, who := range names {
		per.add(who, counts[who])
	}
	return []table{t, per}
}

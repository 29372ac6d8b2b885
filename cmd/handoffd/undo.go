package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// undoOrder says which handoffs to take back: those that fit all of what is
// given.
type undoOrder struct {
	Handoff, Rule, Type string
	Since               time.Time
	Apply               bool
	By                  string
}

// undoAnswer is what an undo did, or would do.
type undoAnswer struct {
	Schema   int       `json:"schema"`
	Applied  bool      `json:"applied"`
	Restored int       `json:"restored"`
	Touched  int       `json:"touched"`
	Before   int       `json:"undone_before"`
	Observed int       `json:"observed,omitempty"` // only observed: there is nothing of them to take back
	Waits    string    `json:"waits,omitempty"`    // why what was ordered does not leave yet
	Others   string    `json:"others,omitempty"`   // why a rule fits nothing
	Alone    bool      `json:"from_state_alone"`   // no daemon runs: the CRMs were not asked
	Handoffs []undoRow `json:"handoffs"`
}

// undoRow is one handoff of an undo.
type undoRow struct {
	Handoff string            `json:"handoff"`
	Type    string            `json:"type"`
	Record  string            `json:"record"`
	Outcome string            `json:"outcome"` // "restored", "touched", "undone before", "left as it is": an order before could not put it back
	Owner   string            `json:"owner,omitempty"`
	Back    map[string]string `json:"back,omitempty"`    // the CRM's own fields, as they are put back
	Tasks   int               `json:"tasks,omitempty"`   // closed
	Touches []state.Touch     `json:"touches,omitempty"` // what somebody has done since, and who
	Stays   []string          `json:"stays,omitempty"`   // what cannot be put back
}

func newUndoCommand(s streams) *cobra.Command {
	var o undoOrder
	var since, format string
	cmd := &cobra.Command{
		Use:   "undo",
		Short: "Take handoffs back where nobody has touched the record since",
		Long: "Take handoffs back: owner, status and handoff_* fields become what they were before,\n" +
			"and our tasks are closed, where nobody has touched the record since. What somebody\n" +
			"has touched is left as it is, and listed with who did what. Without --apply nothing\n" +
			"is written: it says what would be; without a daemon, as far as its state remembers.\n" +
			"TIME is an instant, a day, or an age such as 2h. Several conditions have to hold\n" +
			"together. Nothing is ever deleted.",
		Example: "  handoffd undo --since 2h\n" +
			"  handoffd undo --since 2h --type demo_request --apply",
		DisableFlagsInUseLine: true,
		Args:                  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := sinceTime(since, time.Now()); err != nil {
				return err
			}
			if o.Handoff == "" && o.Rule == "" && o.Type == "" && since == "" {
				return &exitError{code: exitUsage, err: fmt.Errorf("say which handoffs to take back"), try: "handoffd undo --since 2h"}
			}
			q := url.Values{"handoff": {o.Handoff}, "rule": {o.Rule}, "type": {o.Type}, "since": {since}}
			if o.Apply {
				q.Set("apply", "1")
			}
			var a undoAnswer
			err := order(cmd.Context(), "/undo", q, &a, func(d *desk) (undoAnswer, error) {
				o.Since, _ = sinceTime(since, time.Now())
				o.By = operator()
				return d.undo(cmd.Context(), o)
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
	cmd.Flags().StringVar(&o.Handoff, "handoff", "", "the handoff with this `ID`")
	cmd.Flags().StringVar(&since, "since", "", "handoffs assigned since `TIME`")
	cmd.Flags().StringVar(&o.Rule, "rule", "", "handoffs that `FILE:LINE` of the rules started, timed or gave to their owner, such as handoffs/demo-request.yaml:41")
	cmd.Flags().StringVar(&o.Type, "type", "", "handoffs of this `TYPE`")
	cmd.Flags().BoolVar(&o.Apply, "apply", false, "write it; otherwise it is only shown")
	formatFlag(cmd, &format)
	return cmd
}

// sinceTime reads an instant, a day in the reader's own zone, or an age: 2h, 30d.
func sinceTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err == nil && fmt.Sprint(n) == days {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if age, err := time.ParseDuration(s); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usageError("--since %s: write an instant (2026-03-19T10:00:00Z), a day (2026-03-19) or an age (2h, 30d)", s)
}

// serveUndo answers `handoffd undo` over the control socket.
func (d *daemon) serveUndo(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	since, err := sinceTime(q.Get("since"), d.config.Wall())
	if err != nil {
		answer(w)(nil, err)
		return
	}
	answer(w)(d.desk().undo(r.Context(), undoOrder{
		Handoff: q.Get("handoff"), Rule: q.Get("rule"), Type: q.Get("type"), Since: since, Apply: q.Get("apply") != "", By: cmp.Or(q.Get("by"), "operator"),
	}))
}

// undoChunk is how many records are read, decided and committed together.
const undoChunk = 200

// undo takes handoffs back, or says what that would do.
func (d *desk) undo(ctx context.Context, o undoOrder) (undoAnswer, error) {
	o.Rule = cleanRule(o.Rule)
	a := undoAnswer{Schema: 1, Applied: o.Apply, Alone: d.alone, Handoffs: []undoRow{}}
	if o.Apply {
		if err := d.mayOrder(ctx); err != nil {
			return a, err
		}
	}
	pick, err := d.undoPick(ctx, o)
	if err != nil {
		return a, err
	}
	if pick.none() && o.Type != "" {
		if wrong := d.book.Rules().NoneHas("type", o.Type); wrong != "" {
			return a, usageError("--type %s: %s", o.Type, wrong)
		}
	}
	if pick.none() && o.Rule != "" {
		if a.Others, err = d.others(ctx, o.Rule); err != nil {
			return a, err
		}
	}
	a.Before, a.Observed = len(pick.before), pick.observed
	for _, h := range pick.before {
		a.Handoffs = append(a.Handoffs, undoRowOf(h, "undone before"))
	}
	for chunk := range slices.Chunk(pick.groups, undoChunk) {
		events, err := d.undoEvents(ctx, chunk, o.By)
		if err != nil {
			return a, err
		}
		verdicts, err := d.orders.Run(ctx, events, o.Apply)
		if err != nil {
			return a, err
		}
		for _, v := range verdicts {
			a.add(v.Changes)
		}
	}
	slices.SortStableFunc(a.Handoffs, func(x, y undoRow) int { return cmp.Compare(x.Outcome, y.Outcome) })
	if o.Apply {
		a.Waits = d.waits(ctx)
	}
	return a, nil
}

// add takes in what was decided about one group.
func (a *undoAnswer) add(c state.Changes) {
	for _, h := range c.Handoffs {
		un := h.Undone
		if un == nil {
			continue
		}
		row := undoRowOf(h, "touched")
		row.Tasks, row.Touches, row.Stays = un.Tasks, un.Touches, un.Stays
		if un.Left {
			row.Outcome = "left as it is"
		}
		if a.Touched++; un.Restored {
			a.Touched--
			a.Restored++
			row.Outcome, row.Back = "restored", map[string]string{}
			for _, i := range c.Intents {
				for name, v := range i.Write.Set {
					if i.Handoff == h.ID && i.Write.Ref.Kind != connectors.Task && !strings.HasPrefix(name, connectors.OwnFieldPrefix) {
						row.Back[name] = text(v)
					}
				}
			}
		}
		a.Handoffs = append(a.Handoffs, row)
	}
}

// undoRowOf is a handoff as a row says which it is.
func undoRowOf(h state.Handoff, outcome string) undoRow {
	row := undoRow{Handoff: h.ID, Type: h.Type, Record: h.Target.String(), Owner: h.Owner, Outcome: outcome}
	if h.Target.ID == "" {
		row.Record = h.Record.String()
	}
	return row
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// lead is what a person reads first.
func (a undoAnswer) lead() string {
	would, end := " would be", " Nothing was written."
	if a.Restored > 0 {
		end = " Nothing was written; --apply does it."
	}
	if a.Applied {
		would, end = "", ""
	}
	text := fmt.Sprintf("%s%s restored, %d touched since and left as they are.%s", several(a.Restored, "handoff"), would, a.Touched, end)
	if a.Restored+a.Touched == 0 {
		text = strings.TrimSpace("There is nothing to take back. " + a.Others)
	}
	if a.Before > 0 {
		text += " " + several(a.Before, "handoff") + " undone before."
	}
	if a.Observed > 0 {
		text += " " + several(a.Observed, "handoff") + " only observed, so that nothing was ever written."
	}
	lines := []string{text}
	if a.Alone {
		lines = []string{fromState, text}
	}
	if a.Waits != "" {
		lines = append(lines, a.Waits)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (a undoAnswer) tables() []table {
	t := table{head: []string{"outcome", "type", "record", "owner", "what", "who", "when", "handoff"}, said: []int{4}, below: []int{3, 5, 6, 7}}
	for _, h := range a.Handoffs {
		var what []string
		for name, v := range h.Back {
			what = append(what, name+" back to "+cmp.Or(v, "blank"))
		}
		slices.Sort(what)
		if h.Tasks > 0 {
			what = append(what, several(h.Tasks, "task")+" closed")
		}
		who, at := "", ""
		for _, touch := range h.Touches {
			what, who, at = append(what, touch.What), cmp.Or(who, touch.Who), cmp.Or(at, when(touch.At))
		}
		for _, stays := range h.Stays {
			what = append(what, "stays: "+stays)
		}
		t.add(h.Outcome, h.Type, h.Record, h.Owner, strings.Join(what, "; "), who, at, h.Handoff)
	}
	return []table{t}
}

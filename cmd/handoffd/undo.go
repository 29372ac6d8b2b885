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
	"github.com/handoffd/handoffd/sync/plan"
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
	Waits    string    `json:"waits,omitempty"` // why what was ordered does not leave yet
	Handoffs []undoRow `json:"handoffs"`
}

// undoRow is one handoff of an undo.
type undoRow struct {
	Handoff string            `json:"handoff"`
	Type    string            `json:"type"`
	Record  string            `json:"record"`
	Outcome string            `json:"outcome"` // "restored", "touched", "undone before"
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
		Use:   "undo [--handoff ID] [--since TIME] [--rule FILE:LINE] [--type TYPE] [--apply]",
		Short: "Take handoffs back: owners, status and handoff_* fields as they were, our tasks closed",
		Long: "Take handoffs back: owner, status and handoff_* fields become what they were before,\n" +
			"and our tasks are closed, where nobody has touched the record since. What somebody\n" +
			"has touched is left as it is, and listed with who did what. Without --apply nothing\n" +
			"is written: it says what would be. TIME is an instant, a day, or an age such as 2h.\n" +
			"Several conditions have to hold together. Nothing is ever deleted.",
		Args: cobra.NoArgs,
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
			if err := order(cmd.Context(), "/undo", q, &a); err != nil {
				return err
			}
			if format == "table" {
				fmt.Fprintln(s.out, a.lead())
			}
			return show(s.out, format, a, a.tables())
		},
	}
	cmd.Flags().StringVar(&o.Handoff, "handoff", "", "the handoff with this id")
	cmd.Flags().StringVar(&since, "since", "", "handoffs assigned since then")
	cmd.Flags().StringVar(&o.Rule, "rule", "", "handoffs that this line of a rule started, timed or gave to their owner, such as handoffs/demo-request.yaml:41")
	cmd.Flags().StringVar(&o.Type, "type", "", "handoffs of this type")
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
	answer(w)(d.undo(r.Context(), undoOrder{
		Handoff: q.Get("handoff"), Rule: q.Get("rule"), Type: q.Get("type"), Since: since, Apply: q.Get("apply") != "", By: cmp.Or(q.Get("by"), "operator"),
	}))
}

// undoChunk is how many records are read, decided and committed together.
const undoChunk = 200

// undo takes handoffs back, or says what that would do.
func (d *daemon) undo(ctx context.Context, o undoOrder) (undoAnswer, error) {
	a := undoAnswer{Schema: 1, Applied: o.Apply, Handoffs: []undoRow{}}
	if o.Apply {
		if err := d.mayOrder(ctx); err != nil {
			return a, err
		}
	}
	groups, before, err := d.undoGroups(ctx, o)
	if err != nil {
		return a, err
	}
	for _, id := range before {
		a.Handoffs = append(a.Handoffs, undoRow{Handoff: id, Outcome: "undone before"})
	}
	for chunk := range slices.Chunk(groups, undoChunk) {
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
		row := undoRow{
			Handoff: h.ID, Type: h.Type, Record: h.Target.String(), Owner: h.Owner, Outcome: "touched",
			Tasks: un.Tasks, Touches: un.Touches, Stays: un.Stays,
		}
		if h.Target.ID == "" {
			row.Record = h.Record.String()
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

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// undoGroup are handoffs that stand on the same records.
type undoGroup struct {
	handoffs []state.Handoff
	refs     []connectors.Ref
	befores  map[connectors.Ref]state.Before
}

// undoGroups finds the handoffs to take back, and those that were before.
func (d *daemon) undoGroups(ctx context.Context, o undoOrder) (groups []*undoGroup, before []string, err error) {
	err = d.config.Store.View(ctx, func(tx state.Tx) error {
		groups, before = nil, nil
		byRef := map[connectors.Ref]*undoGroup{}
		if o.Handoff != "" {
			h, ok := state.GetHandoff(tx, o.Handoff)
			if !ok {
				return &exitError{code: exitWrong, err: fmt.Errorf("there is no handoff %q", o.Handoff), try: "handoffd explain RECORD"}
			}
			before = undoPick(tx, o, h, byRef, &groups, before)
			return tx.Err()
		}
		for _, h := range state.AllHandoffs(tx) {
			before = undoPick(tx, o, h, byRef, &groups, before)
		}
		return tx.Err()
	})
	return groups, before, err
}

func undoPick(tx state.Tx, o undoOrder, h state.Handoff, byRef map[connectors.Ref]*undoGroup, groups *[]*undoGroup, before []string) []string {
	if !o.fits(h) {
		return before
	}
	if h.Undone != nil && h.Undone.Restored {
		return append(before, h.ID)
	}
	var g *undoGroup
	refs := []connectors.Ref{h.Record}
	if h.Target.ID != "" && h.Target != h.Record {
		refs = append(refs, h.Target)
	}
	for _, ref := range refs {
		switch other := byRef[ref]; {
		case other == nil || other == g:
		case g == nil:
			g = other
		default:
			g.join(other, byRef)
			*groups = slices.DeleteFunc(*groups, func(o *undoGroup) bool { return o == other })
		}
	}
	if g == nil {
		g = &undoGroup{befores: map[connectors.Ref]state.Before{}}
		*groups = append(*groups, g)
	}
	g.handoffs = append(g.handoffs, h)
	for _, ref := range refs {
		if byRef[ref] == nil {
			byRef[ref] = g
			g.refs = append(g.refs, ref)
			if b, ok := state.GetBefore(tx, ref); ok {
				g.befores[ref] = b
			}
		}
	}
	return before
}

// join takes in another group: a handoff stands on records of both.
func (g *undoGroup) join(other *undoGroup, byRef map[connectors.Ref]*undoGroup) {
	g.handoffs, g.refs = append(g.handoffs, other.handoffs...), append(g.refs, other.refs...)
	for ref, b := range other.befores {
		g.befores[ref] = b
	}
	for _, ref := range other.refs {
		byRef[ref] = g
	}
}

// fits reports whether a handoff is one of those to take back.
func (o undoOrder) fits(h state.Handoff) bool {
	at := h.AssignedAt
	if at.IsZero() {
		at = h.DetectedAt
	}
	switch {
	case h.Observed, h.Stage == state.Refused:
		return false
	case o.Handoff != "" && h.ID != o.Handoff, o.Type != "" && h.Type != o.Type:
		return false
	case !o.Since.IsZero() && at.Before(o.Since):
		return false
	}
	return o.Rule == "" || ruledBy(h, o.Rule)
}

// ruledBy reports whether a line started a handoff, gave it its tier, or named
// its owner.
func ruledBy(h state.Handoff, rule string) bool {
	for i, why := range h.Why {
		place, _, _ := strings.Cut(why.Rule, " ")
		if place == rule && (i == len(h.Why)-1 || !strings.Contains(why.Rule, " owner[")) {
			return true
		}
	}
	return false
}

// undoEvents reads what the handoffs stand on, as it is now, and makes the
// order of each group.
func (d *daemon) undoEvents(ctx context.Context, groups []*undoGroup, by string) ([]plan.Event, error) {
	type table struct {
		conn string
		kind connectors.Kind
	}
	ids, fields := map[table][]string{}, map[table][]string{}
	var order []table
	rules := d.book.Rules()
	want := func(ref connectors.Ref, names []string) {
		t := table{ref.Conn, ref.Kind}
		if ids[t] == nil {
			order = append(order, t)
		}
		ids[t] = append(ids[t], ref.ID)
		fields[t] = append(fields[t], names...)
	}
	for _, g := range groups {
		for _, ref := range g.refs {
			want(ref, rules.UndoFields(ref.Conn, ref.Kind, g.befores[ref]))
		}
		for _, h := range g.handoffs {
			for _, e := range h.Effects {
				if e.Ref.Kind == connectors.Task && e.Ref.ID != "" {
					want(e.Ref, rules.UndoFields(e.Ref.Conn, e.Ref.Kind, state.Before{}))
				}
			}
		}
	}
	read := d.config.Wall().UTC()
	found := map[connectors.Ref]connectors.Object{}
	for _, t := range order {
		slices.Sort(fields[t])
		objects, err := d.orders.Read(ctx, t.conn, t.kind, ids[t], slices.Compact(fields[t]))
		if err != nil {
			return nil, &exitError{code: exitCRM, err: err, try: "handoffd status"}
		}
		for _, o := range objects {
			found[o.Ref] = o
		}
	}
	self := selves(groups, found)
	events := make([]plan.Event, len(groups))
	for n, g := range groups {
		ev := d.undoEvent(ctx, g, found, by)
		ev.Self, ev.Read = self, read
		events[n] = ev
	}
	return events, nil
}

// selves is what each CRM calls us: whoever a record says has changed it last
// that stands as our own write left it.
func selves(groups []*undoGroup, found map[connectors.Ref]connectors.Object) map[string]string {
	self := map[string]string{}
	for _, g := range groups {
		for _, h := range g.handoffs {
			for _, e := range h.Effects {
				if o := found[e.Ref]; e.Version != "" && o.Version == e.Version && o.ModifiedBy != "" {
					self[e.Ref.Conn] = o.ModifiedBy
				}
			}
		}
	}
	return self
}

func (d *daemon) undoEvent(ctx context.Context, g *undoGroup, found map[connectors.Ref]connectors.Object, by string) plan.Undo {
	ev := plan.Undo{By: by}
	take := func(ref connectors.Ref) {
		if o, ok := found[ref]; ok && !slices.ContainsFunc(ev.Found, func(f connectors.Object) bool { return f.Ref == ref }) {
			ev.Found = append(ev.Found, o)
		}
	}
	for _, ref := range g.refs {
		take(ref)
	}
	for _, h := range g.handoffs {
		ev.Handoffs = append(ev.Handoffs, h.ID)
		for _, e := range h.Effects {
			if e.Ref.Kind == connectors.Task {
				take(e.Ref)
			}
		}
		if saw, ok := d.sawThen(ctx, h); ok {
			ev.Saw = append(ev.Saw, saw)
		}
	}
	slices.SortFunc(ev.Found, func(a, b connectors.Object) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
	return ev
}

// sawThen is the record as it was read when a handoff was assigned.
func (d *daemon) sawThen(ctx context.Context, h state.Handoff) (state.Record, bool) {
	for past, err := range d.config.Store.PastOf(ctx, h.ID, h.DetectedAt.Add(-time.Hour), h.AssignedAt.Add(time.Hour)) {
		if err != nil {
			return state.Record{}, false
		}
		if past.ID != h.Decision {
			continue
		}
		ev, err := plan.DecodeEvent(past.Event)
		seen, ok := ev.(plan.Observed)
		return seen.Record, ok && err == nil
	}
	return state.Record{}, false
}

// lead is what a person reads first.
func (a undoAnswer) lead() string {
	text := fmt.Sprintf("%s would be restored, %d touched since and left as they are. Nothing was written; --apply does it.", several(a.Restored, "handoff"), a.Touched)
	if a.Applied {
		text = fmt.Sprintf("%s restored, %d touched since and left as they are.", several(a.Restored, "handoff"), a.Touched)
	}
	if a.Restored+a.Touched == 0 {
		text = "There is nothing to take back."
	}
	if a.Waits != "" {
		text += "\n" + a.Waits
	}
	return text + "\n"
}

func (a undoAnswer) tables() []table {
	t := table{head: []string{"outcome", "type", "record", "owner", "what", "who", "when", "handoff"}}
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

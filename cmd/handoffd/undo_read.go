package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// undoGroup are handoffs that stand on the same records.
type undoGroup struct {
	handoffs []state.Handoff
	refs     []connectors.Ref
	befores  map[connectors.Ref]state.Before
}

// undoPick are the handoffs that an order names.
type undoPick struct {
	groups   []*undoGroup
	before   []state.Handoff // taken back by an order before
	observed int             // of which nothing was ever written
	byRef    map[connectors.Ref]*undoGroup
}

// none reports whether the order names nothing.
func (p *undoPick) none() bool { return len(p.groups)+len(p.before)+p.observed == 0 }

// undoPick finds the handoffs to take back.
func (d *desk) undoPick(ctx context.Context, o undoOrder) (p *undoPick, err error) {
	err = d.store.View(ctx, func(tx state.Tx) error {
		p = &undoPick{byRef: map[connectors.Ref]*undoGroup{}}
		if o.Handoff != "" {
			h, ok := state.GetHandoff(tx, o.Handoff)
			if !ok {
				return &exitError{code: exitWrong, err: fmt.Errorf("there is no handoff %q", o.Handoff), try: "handoffd explain RECORD"}
			}
			p.take(tx, o, h)
			return tx.Err()
		}
		for _, h := range state.AllHandoffs(tx) {
			p.take(tx, o, h)
		}
		return tx.Err()
	})
	return p, err
}

// take puts a handoff where it belongs, if the order names it.
func (p *undoPick) take(tx state.Tx, o undoOrder, h state.Handoff) {
	switch {
	case !o.fits(h):
	case h.Observed:
		p.observed++
	case h.Undone != nil && h.Undone.Restored:
		p.before = append(p.before, h)
	default:
		p.group(tx, h)
	}
}

// group puts a handoff with those that stand on the same records.
func (p *undoPick) group(tx state.Tx, h state.Handoff) {
	var g *undoGroup
	refs := []connectors.Ref{h.Record}
	if h.Target.ID != "" && h.Target != h.Record {
		refs = append(refs, h.Target)
	}
	for _, ref := range refs {
		switch other := p.byRef[ref]; {
		case other == nil || other == g:
		case g == nil:
			g = other
		default:
			g.join(other, p.byRef)
			p.groups = slices.DeleteFunc(p.groups, func(o *undoGroup) bool { return o == other })
		}
	}
	if g == nil {
		g = &undoGroup{befores: map[connectors.Ref]state.Before{}}
		p.groups = append(p.groups, g)
	}
	g.handoffs = append(g.handoffs, h)
	for _, ref := range refs {
		if p.byRef[ref] == nil {
			p.byRef[ref] = g
			g.refs = append(g.refs, ref)
			if b, ok := state.GetBefore(tx, ref); ok {
				g.befores[ref] = b
			}
		}
	}
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
	case h.Stage == state.Refused:
		return false
	case o.Handoff != "" && h.ID != o.Handoff, o.Type != "" && h.Type != o.Type:
		return false
	case !o.Since.IsZero() && at.Before(o.Since):
		return false
	}
	return o.Rule == "" || slices.Contains(ruledBy(h), o.Rule)
}

// ruledBy are the lines that started a handoff, gave it its tier, or named its
// owner. The line of the type that did may have gone by a row of another file.
func ruledBy(h state.Handoff) (lines []string) {
	if len(h.Why) == 0 {
		return nil
	}
	won := h.Why[len(h.Why)-1].Rule
	for _, why := range h.Why {
		if why.Rule == won || !strings.Contains(why.Rule, " owner[") {
			place, _, _ := strings.Cut(why.Rule, " ")
			lines = append(lines, place)
			if why.Row != "" {
				lines = append(lines, why.Row)
			}
		}
	}
	return lines
}

// cleanRule is a line of the rules as reasons name it: ./handoffs/x.yaml:1 is
// handoffs/x.yaml:1.
func cleanRule(rule string) string {
	if rule == "" {
		return ""
	}
	return path.Clean(rule)
}

// others says by which lines of a file handoffs were started, timed or given to
// their owner, where none ever was by the one that is asked for. A file that there is
// not is a slip of the pen.
func (d *desk) others(ctx context.Context, rule string) (string, error) {
	file, asked, _ := strings.Cut(rule, ":")
	lines := map[int]bool{}
	err := d.store.View(ctx, func(tx state.Tx) error {
		for _, h := range state.AllHandoffs(tx) {
			for _, place := range ruledBy(h) {
				if of, line, _ := strings.Cut(place, ":"); of == file && !h.Observed {
					if n, err := strconv.Atoi(line); err == nil {
						lines[n] = true
					}
				}
			}
		}
		return tx.Err()
	})
	if err != nil {
		return "", err
	}
	if n, err := strconv.Atoi(asked); err == nil && lines[n] {
		return "", nil
	}
	if _, there := d.book.Rules().Files()[file]; len(lines) == 0 && !there {
		return "", usageError("--rule %s: there is no file %s. There are %s", rule, file, strings.Join(slices.Sorted(maps.Keys(d.book.Rules().Files())), ", "))
	}
	if len(lines) == 0 {
		return "No handoff was started, timed or given to its owner by a line of " + file + ".", nil
	}
	all := make([]string, 0, len(lines))
	for _, n := range slices.Sorted(maps.Keys(lines)) {
		all = append(all, strconv.Itoa(n))
	}
	return "No handoff was started, timed or given to its owner by " + rule + "; of that file, some were by " + strings.Join(all, ", ") + ".", nil
}

// undoEvents reads what the handoffs stand on, as it is now, and makes the
// order of each group.
func (d *desk) undoEvents(ctx context.Context, groups []*undoGroup, by string) ([]plan.Event, error) {
	if d.alone {
		return d.undoRecalled(ctx, groups, by)
	}
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
	read := d.wall().UTC()
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

// undoRecalled makes the order of each group from what the state remembers.
func (d *desk) undoRecalled(ctx context.Context, groups []*undoGroup, by string) ([]plan.Event, error) {
	events := make([]plan.Event, len(groups))
	for n, g := range groups {
		ev := d.undoEvent(ctx, g, nil, by)
		ev.Read = d.wall().UTC()
		err := d.store.View(ctx, func(tx state.Tx) error {
			events[n] = d.book.Rules().Recall(engine.Look(tx, nil), ev)
			return tx.Err()
		})
		if err != nil {
			return nil, fmt.Errorf("recall the records: %w", err)
		}
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

func (d *desk) undoEvent(ctx context.Context, g *undoGroup, found map[connectors.Ref]connectors.Object, by string) plan.Undo {
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
		ev.Saw = append(ev.Saw, d.sawThen(ctx, h)...)
	}
	slices.SortFunc(ev.Found, func(a, b connectors.Object) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
	return ev
}

// sawThen are the records a handoff stands on as they were when it was assigned, as far
// as that was kept: nothing was of one that we made.
func (d *desk) sawThen(ctx context.Context, h state.Handoff) []state.Record {
	version := func(hash string) (state.Record, bool, error) { return d.store.Version(ctx, hash) }
	for past, err := range d.store.PastOf(ctx, h.ID, h.DetectedAt.Add(-time.Hour), h.AssignedAt.Add(time.Hour)) {
		if err != nil {
			return nil
		}
		if past.ID != h.Decision {
			continue
		}
		saw, err := plan.SeenThen(past, slices.Compact([]connectors.Ref{h.Record, h.Target}), version)
		if err != nil {
			return nil
		}
		return saw
	}
	return nil
}

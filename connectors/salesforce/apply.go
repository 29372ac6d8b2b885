package salesforce

import (
	"context"
	"maps"
	"slices"

	"github.com/handoffd/handoffd/connectors"
)

const (
	// How much one all-or-none composite of collections takes: three of them, two of
	// a sort at most, leave room for reading the versions back.
	mostCollections = 3
	mostOfASort     = 2 * perCollection
)

// Apply attempts every write.
//
//	one group  {PATCH If-Unmodified-Since, POST task, query version}, all or none     1 call
//	many       {PATCH 200, 2 × POST 200, query versions}, all or none, or
//	           {2 × PATCH 200, POST 200, query versions}                              1 call
//	           rows under a condition, and creates that others wait for, go before it  +1 call
//	           rows that are Loose are looked at by id before it, 3,600 a call         +1 call
//	           rolled back: {PATCH 200}, then {POST for those that were changed}       +2 calls
//
// A group is what belongs together: a record and the tasks linked to it, a
// create and what comes after it. Of a group all is applied or, as far as the
// CRM can promise it, nothing; a group never suffers from another's fault. A
// change that is linked to a record goes with it in one call, and never without
// it; where that change alone is refused, the others are made.
func (o *org) Apply(ctx context.Context, writes []connectors.Write) ([]connectors.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: opWrite, Err: err}
	}
	if slices.ContainsFunc(writes, urgent) {
		ctx = connectors.Urgent(ctx)
	}
	results, b, err := o.applyOnce(ctx, writes)
	if err != nil {
		return nil, o.scrub(err)
	}
	writes = slices.Clone(writes)
	dropped := map[int][]string{}
	places := make([]int, len(writes))
	for i := range places {
		places[i] = i
	}
	for n := 0; n < mostLessons; n++ { // a column is gone; once more without it
		again := b.outdated()
		if len(again) == 0 {
			break
		}
		some := make([]connectors.Write, len(again))
		later := make([]int, len(again))
		for i, at := range again {
			later[i] = places[at]
			some[i] = writes[later[i]]
			if err := results[later[i]].Err; err != nil && placesOnly(err.Fields) {
				var names []string
				some[i].Set, names = withoutPlaces(some[i].Set, err.Fields)
				dropped[later[i]] = append(dropped[later[i]], names...)
				writes[later[i]] = some[i]
			}
		}
		second, next, err := o.applyOnce(ctx, some)
		if err != nil {
			break
		}
		for i, at := range later {
			results[at] = second[i]
		}
		places, b = later, next
	}
	o.ownersAlone(ctx, writes, results)
	for at, names := range dropped {
		results[at].Skipped = append(results[at].Skipped, names...)
		slices.Sort(results[at].Skipped)
	}
	firsts := map[string]int{}
	for i, w := range writes {
		results[i].Err = o.scrub(results[i].Err)
		if !w.Creates() || w.Key == "" {
			continue
		}
		if first, ok := firsts[w.Key]; ok {
			results[i] = results[first]
			continue
		}
		firsts[w.Key] = i
	}
	return results, nil
}

// urgent reports whether a write may use what is kept of the day's calls, and
// those that leave with it: a receiver's who has to act within the hour, and
// every owner's (C7).
func urgent(w connectors.Write) bool {
	_, owner := w.Set[ownerColumn]
	return owner && w.Ref.Kind != connectors.Task || w.Rank <= connectors.UrgentRank
}

func (o *org) applyOnce(ctx context.Context, writes []connectors.Write) ([]connectors.Result, *batch, *connectors.Error) {
	writes, pairs, err := o.withOwners(ctx, writes)
	if err != nil {
		return nil, nil, err
	}
	results := make([]connectors.Result, len(writes))
	ops, err := o.compile(ctx, writes, pairs, results)
	if err != nil {
		return nil, nil, err
	}
	b := newBatch(o, ops, results)
	b.pairs = pairs
	for _, wave := range waves(ops) {
		b.wave(ctx, wave)
	}
	b.missing(ctx, ops)
	if b.halt != nil && !b.attempted {
		return nil, nil, b.halt
	}
	return gather(results, pairs), b, nil
}

// waves puts a second change of one record after the first: a collection
// refuses the same id twice.
func waves(ops []*operation) [][]*operation {
	var out [][]*operation
	seen := map[string]int{}
	for _, op := range ops {
		n := 0
		if !op.creates() {
			n = seen[op.id]
			seen[op.id]++
		}
		if n == len(out) {
			out = append(out, nil)
		}
		out[n] = append(out[n], op)
	}
	return out
}

// wave applies operations that change each record at most once.
func (b *batch) wave(ctx context.Context, ops []*operation) {
	ops = b.inOrder(ops)
	if oneGroup(ops) && len(ops) <= perComposite-heavyPer {
		b.alone(ctx, ops)
	} else {
		b.many(ctx, ops)
	}
	for _, op := range ops {
		if s := b.state[op]; s == waiting || s == undone {
			b.explain(op)
		}
	}
}

func oneGroup(ops []*operation) bool {
	return !slices.ContainsFunc(ops, func(op *operation) bool { return op.group != ops[0].group })
}

// inOrder puts what others wait for first, and changes before creates.
func (b *batch) inOrder(ops []*operation) []*operation {
	depth := func(op *operation) int {
		d := 0
		for at := op.after; at >= 0 && d <= len(b.results); d++ {
			next, ok := b.byPlace[at]
			if !ok {
				break
			}
			at = next.after
		}
		return d
	}
	rank := func(op *operation) int {
		r := 2 * depth(op)
		if op.creates() || op.follows {
			r++
		}
		return r
	}
	out := make([]*operation, 0, len(ops))
	for _, op := range ops {
		if depth(op) > len(b.results) {
			b.fail(op, invalid("it waits for itself"))
			continue
		}
		out = append(out, op)
	}
	slices.SortStableFunc(out, func(x, y *operation) int { return rank(x) - rank(y) })
	return out
}

// alone sends one group as single requests, all or none, in one call.
func (b *batch) alone(ctx context.Context, ops []*operation) {
	ops = b.sendable(ops, true)
	if len(ops) == 0 {
		return
	}
	e := newEnvelope(b, len(ops) > 1)
	names := make(map[int]string, len(ops))
	for _, op := range ops {
		op.guard() // one costs nothing here
		sent := *op
		if name := names[op.after]; name != "" {
			sent.body = maps.Clone(op.body)
			sent.linkTo(b.byPlace[op.after].write.Ref.Kind, "@{"+name+".id}")
		}
		names[op.at] = e.single(op, sent.body)
	}
	e.readBack()
	b.post(ctx, e)
	b.resend(ctx, ops)
}

// many sends several groups.
func (b *batch) many(ctx context.Context, ops []*operation) {
	var first, rest []*operation
	for _, op := range ops {
		if op.conditional() || b.awaited(op) {
			first = append(first, op)
		} else {
			rest = append(rest, op)
		}
	}
	b.look(ctx, rest)
	b.before(ctx, first)
	for _, part := range b.parts(b.sendable(rest, false)) {
		if part = b.sendable(part, false); len(part) == 0 {
			continue
		}
		e := newEnvelope(b, tied(part))
		e.collections(part)
		e.readBack()
		b.post(ctx, e)
		b.resend(ctx, part)
	}
	b.nameExisting(ctx, ops)
}

// awaited reports whether another operation needs the id of this create.
func (b *batch) awaited(op *operation) bool { return b.waitedFor[op.at] }

// tied reports whether two of the operations belong together.
func tied(ops []*operation) bool {
	groups := make(map[int]bool, len(ops))
	for _, op := range ops {
		groups[op.group] = true
	}
	return len(groups) < len(ops)
}

// before sends what the rest waits for: changes under a condition one by one,
// 20 a call, and awaited creates as collections.
func (b *batch) before(ctx context.Context, ops []*operation) {
	var singles, creates []*operation
	for _, op := range ops {
		if op.conditional() {
			singles = append(singles, op)
		} else {
			creates = append(creates, op)
		}
	}
	for chunk := range slices.Chunk(singles, perComposite-2) {
		e := newEnvelope(b, false)
		for _, op := range chunk {
			e.single(op, op.body)
		}
		e.readBack()
		b.post(ctx, e)
	}
	for len(creates) > 0 { // a create may itself wait for one
		ready := b.sendable(creates, false)
		var later []*operation
		for _, op := range ready {
			if prior, ok := b.byPlace[op.after]; ok && (b.state[prior] == waiting || b.state[prior] == undone) {
				later = append(later, op)
			}
		}
		ready = slices.DeleteFunc(ready, func(op *operation) bool { return slices.Contains(later, op) })
		for chunk := range slices.Chunk(ready, mostOfASort) {
			e := newEnvelope(b, false)
			e.collections(chunk)
			e.readBack()
			b.post(ctx, e)
		}
		b.confirm(ctx, ready)
		if len(later) == len(creates) {
			return
		}
		creates = later
	}
}

// oneComposite reports whether so many changes and creates go into one composite.
func oneComposite(updates, creates int) bool {
	full := func(n int) int { return (n + perCollection - 1) / perCollection }
	return max(updates, creates) <= mostOfASort && full(updates)+full(creates) <= mostCollections
}

// parts cuts operations into all-or-none composites without tearing a group.
func (b *batch) parts(ops []*operation) [][]*operation {
	groups := map[int][]*operation{}
	var order []int
	for _, op := range ops {
		if groups[op.group] == nil {
			order = append(order, op.group)
		}
		groups[op.group] = append(groups[op.group], op)
	}
	var out [][]*operation
	var current []*operation
	updates, creates := 0, 0
	for _, g := range order {
		u, c := 0, 0
		for _, op := range groups[g] {
			if op.creates() {
				c++
			} else {
				u++
			}
		}
		if len(current) > 0 && !oneComposite(updates+u, creates+c) {
			out = append(out, current)
			current, updates, creates = nil, 0, 0
		}
		current = append(current, groups[g]...)
		updates, creates = updates+u, creates+c
	}
	if len(current) > 0 {
		out = append(out, current)
	}
	return out
}

package salesforce

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

const (
	// How much one all-or-none composite of collections takes: one collection
	// of updates and two of creates leave room for reading the versions back.
	mostUpdates = perCollection
	mostCreates = 2 * perCollection
)

// Apply attempts every write.
//
//	one group  {PATCH If-Unmodified-Since, POST task, query version}, all or none  1 call
//	many       {PATCH 200, POST 200, query versions}, all or none                  1 call
//	           rows with IfVersion, and creates that others wait for, go before it  +1 call
//	           rolled back: {PATCH 200}, then {POST for those that were changed}    +2 calls
//
// A group is what belongs together: a record and the tasks linked to it, a
// create and what comes after it. Of a group all is applied or, as far as the
// CRM can promise it, nothing; a group never suffers from another's fault.
func (o *org) Apply(ctx context.Context, writes []connectors.Write) ([]connectors.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: opWrite, Err: err}
	}
	results, b, err := o.applyOnce(ctx, writes)
	if err != nil {
		return nil, o.scrub(err)
	}
	if again := b.outdated(); len(again) > 0 { // a column is gone; once more without it
		some := make([]connectors.Write, len(again))
		for i, at := range again {
			some[i] = writes[at]
		}
		if second, _, err := o.applyOnce(ctx, some); err == nil {
			for i, at := range again {
				results[at] = second[i]
			}
		}
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

func (o *org) applyOnce(ctx context.Context, writes []connectors.Write) ([]connectors.Result, *batch, *connectors.Error) {
	results := make([]connectors.Result, len(writes))
	ops, err := o.compile(ctx, writes, results)
	if err != nil {
		return nil, nil, err
	}
	b := newBatch(o, ops, results)
	for _, wave := range waves(ops) {
		b.wave(ctx, wave)
	}
	b.missing(ctx, ops)
	if b.halt != nil && !b.attempted {
		return nil, nil, b.halt
	}
	return results, b, nil
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

// state is how far an operation got.
type state uint8

const (
	waiting state = iota
	applied
	failed
	undone // rolled back with something else, or not sent because of it
)

// batch is one Apply under way.
type batch struct {
	org       *org
	results   []connectors.Result
	state     map[*operation]state
	byPlace   map[int]*operation
	mates     map[int][]*operation // by group
	waitedFor map[int]bool         // places of creates whose id others need
	doubtful  map[*operation]bool  // creates that an answer called both done and rolled back
	refused   [][]*operation       // collections refused as a whole by the last answer
	attempted bool                 // the CRM answered, or may have acted without
	halt      *connectors.Error    // the connection failed: nothing more is sent
}

func newBatch(o *org, ops []*operation, results []connectors.Result) *batch {
	b := &batch{
		org: o, results: results, state: make(map[*operation]state, len(ops)), byPlace: make(map[int]*operation, len(ops)),
		mates: map[int][]*operation{}, doubtful: map[*operation]bool{}, waitedFor: map[int]bool{},
	}
	for _, op := range ops {
		b.byPlace[op.at] = op
		b.mates[op.group] = append(b.mates[op.group], op)
		if op.after >= 0 {
			b.waitedFor[op.after] = true
		}
	}
	return b
}

// outdated are the writes, in order, that failed because the org's schema has
// changed since it was read, with what was not applied because of them. The
// schema is forgotten.
func (b *batch) outdated() []int {
	var again []int
	for at := range b.results {
		op, ok := b.byPlace[at]
		if !ok {
			continue
		}
		switch codeOf(b.results[at].Err) {
		case codeInvalidField, "INVALID_FIELD_FOR_INSERT_UPDATE":
			b.org.schemas.forget(op.schema)
			again = append(again, at)
			continue
		}
		if other := b.culprit(op); b.state[op] == undone && other != nil && b.results[other.at].Err.Class == connectors.Schema {
			again = append(again, at)
		}
	}
	for _, at := range again {
		if after := b.byPlace[at].after; after >= 0 && !slices.Contains(again, after) {
			return nil // its create is done: the outbox knows the id by then
		}
	}
	return again
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
		if op.creates() {
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
		for chunk := range slices.Chunk(ready, mostCreates) {
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
		if len(current) > 0 && (updates+u > mostUpdates || creates+c > mostCreates) {
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

// sendable leaves out what may not be sent any more: because the connection is
// down, because a mate failed, or because a create it waits for did. What
// waits for a create that is done gets its link, unless the same composite
// makes it.
func (b *batch) sendable(ops []*operation, together bool) []*operation {
	var out []*operation
	for _, op := range ops {
		if b.halt != nil || (b.state[op] != waiting && b.state[op] != undone) {
			continue
		}
		if b.culprit(op) != nil {
			b.state[op] = undone
			continue
		}
		if op.after >= 0 {
			prior, ok := b.byPlace[op.after]
			if !ok {
				continue
			}
			if b.state[prior] == applied {
				op.linkTo(prior.write.Ref.Kind, b.results[prior.at].Ref.ID)
			} else if !together && !b.awaited(op) {
				continue
			}
		}
		out = append(out, op)
	}
	return out
}

// culprit is a failed operation of the same group, nil if there is none.
func (b *batch) culprit(op *operation) *operation {
	var found *operation
	for _, other := range b.mates[op.group] {
		if other != op && b.state[other] == failed && (found == nil || other.at < found.at) {
			found = other
		}
	}
	return found
}

// resend takes what was rolled back without a fault of its own and sends it
// once more, not all-or-none: changes first, then the creates of those groups
// that are fine.
func (b *batch) resend(ctx context.Context, ops []*operation) {
	b.confirm(ctx, ops)
	for _, creates := range []bool{false, true} {
		var again []*operation
		for _, op := range b.sendable(ops, false) {
			if op.creates() == creates && b.state[op] == undone {
				again = append(again, op)
			}
		}
		var conditional []*operation
		again = slices.DeleteFunc(again, func(op *operation) bool {
			if op.conditional() || b.awaited(op) {
				conditional = append(conditional, op)
				return true
			}
			return false
		})
		b.before(ctx, conditional)
		for chunk := range slices.Chunk(again, perCollection) {
			e := newEnvelope(b, false)
			e.collections(chunk)
			e.readBack()
			b.post(ctx, e)
		}
	}
	b.confirm(ctx, ops)
}

// confirm reads back the creates that the CRM refused because their own key is
// taken: then an earlier attempt had succeeded. Nothing is taken from the
// refusal's text. Creates of which the answer said two things are looked for
// in the same way, where a second one is impossible.
func (b *batch) confirm(ctx context.Context, ops []*operation) {
	var wanted []search
	var asked []*operation
	for _, op := range ops {
		err := b.results[op.at].Err
		taken := codeOf(err) == codeDuplicateValue && err.Class == connectors.Conflict
		if b.state[op] == failed && op.keyed != "" && (taken || b.doubtful[op]) {
			key, _ := op.body[op.keyed].(string)
			wanted = append(wanted, search{schema: op.schema, column: op.keyed, value: key})
			asked = append(asked, op)
		}
	}
	if len(wanted) == 0 {
		return
	}
	ids, err := b.org.searchAll(ctx, opWrite, wanted)
	for i, op := range asked {
		r := &b.results[op.at]
		switch {
		case err != nil: // it exists, but not even its id is known
			r.Err = &connectors.Error{Class: connectors.Ambiguous, Op: opWrite, Err: err}
		case ids[i] != "":
			b.succeed(op, ids[i])
		case b.doubtful[op]:
			b.state[op], r.Err = undone, nil
		case strings.Contains(r.Err.Err.Error(), op.keyed):
			// Taken, and not to be seen yet: only a second look can tell.
			r.Err = &connectors.Error{Class: connectors.Ambiguous, Op: opWrite, Status: r.Err.Status, Err: r.Err.Err}
		}
		delete(b.doubtful, op)
	}
}

// missing tells changes of records that are gone from other bad references:
// in a collection both have one code.
func (b *batch) missing(ctx context.Context, ops []*operation) {
	var wanted []search
	var asked []*operation
	for _, op := range ops {
		if b.state[op] == failed && !op.creates() && codeOf(b.results[op.at].Err) == codeBadReference {
			wanted = append(wanted, search{schema: op.schema, column: "Id", value: op.id})
			asked = append(asked, op)
		}
	}
	if len(wanted) == 0 || b.halt != nil {
		return
	}
	ids, err := b.org.searchAll(ctx, opWrite, wanted)
	for i, op := range asked {
		if err == nil && ids[i] == "" {
			gone := *b.results[op.at].Err
			gone.Class = connectors.NotFound
			b.results[op.at].Err = &gone
		}
	}
}

func (b *batch) succeed(op *operation, id string) {
	if long, ok := normalizeID(id); ok {
		id = long
	}
	b.state[op] = applied
	r := &b.results[op.at]
	r.Ref.Conn, r.Ref.ID, r.Err = b.org.name, id, nil
}

func (b *batch) fail(op *operation, err *connectors.Error) {
	b.state[op] = failed
	if !err.Existing.IsZero() {
		err.Existing.Conn = b.org.name
	}
	b.results[op.at].Err = err
}

// explain says why an operation was not applied though nothing is wrong with
// it.
func (b *batch) explain(op *operation) {
	r := &b.results[op.at]
	if prior, ok := b.byPlace[op.after]; op.after >= 0 && (!ok || b.state[prior] == failed) {
		cause := b.results[op.after].Err
		if cause != nil {
			r.Err = &connectors.Error{Class: cause.Class, Op: opWrite, RetryAfter: cause.RetryAfter, Err: errors.New("the create it waits for failed")}
			return
		}
	}
	switch other := b.culprit(op); {
	case other != nil:
		r.Err = &connectors.Error{Class: connectors.Unavailable, Op: opWrite, Err: errors.New("not applied, because a write that belongs to it failed: " + other.write.Key)}
	case b.halt != nil:
		halt := *b.halt
		r.Err = &halt
	default:
		r.Err = &connectors.Error{Class: connectors.Unavailable, Op: opWrite, Err: errors.New("not applied: rolled back together with other writes")}
	}
}

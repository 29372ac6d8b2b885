package salesforce

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

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
	pairs     map[int]int          // places of writes added by withOwners, and of those they come from
	refused   [][]*operation       // collections refused as a whole by the last answer
	ended     bool                 // the session ended within the last answer
	renewed   bool                 // another one was begun for that reason; once is enough (C4)
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
// columns that were refused are left out from then on.
func (b *batch) outdated() []int {
	var again []int
	for at := range b.results {
		op, ok := b.byPlace[at]
		if !ok {
			continue
		}
		switch codeOf(b.results[at].Err) {
		case codeInvalidField, codeFieldWrite:
			b.org.unlearn(op.schema, b.results[at].Err.Fields)
			again = append(again, at)
			continue
		}
		if err := b.results[at].Err; err != nil && err.Class == connectors.Schema && placesOnly(err.Fields) {
			again = append(again, at)
			continue
		}
		if other := b.culprit(op); b.state[op] == undone && other != nil && b.results[other.at].Err.Class == connectors.Schema {
			again = append(again, at)
		}
	}
	for i, at := range again {
		if first, added := b.pairs[at]; added {
			again[i] = first
		}
	}
	slices.Sort(again)
	again = slices.Compact(again)
	for _, at := range again {
		if b.byPlace[at] == nil {
			continue
		}
		if after := b.byPlace[at].after; after >= 0 && !slices.Contains(again, after) {
			return nil // its create is done: the outbox knows the id by then
		}
	}
	return again
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

// culprit is a failed operation of the same group that this one does not go
// without, nil if there is none.
func (b *batch) culprit(op *operation) *operation {
	var found *operation
	for _, other := range b.mates[op.group] {
		if other != op && !other.follows && b.state[other] == failed && (found == nil || other.at < found.at) {
			found = other
		}
	}
	return found
}

// resend takes what was rolled back without a fault of its own and sends it
// once more, not all-or-none: changes first, then what rests on them, then the creates
// of those groups that are fine.
func (b *batch) resend(ctx context.Context, ops []*operation) {
	b.confirm(ctx, ops)
	for turn := range 3 {
		var again []*operation
		for _, op := range b.sendable(ops, false) {
			if op.turn() == turn && b.state[op] == undone {
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

// turn is when an operation is sent once more.
func (op *operation) turn() int {
	switch {
	case op.creates():
		return 2
	case op.follows:
		return 1
	}
	return 0
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
		taken := codeOf(err) == codeDuplicateValue && err.Class == connectors.Conflict && err.Existing.IsZero()
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

// nameExisting sends creates that a duplicate rule refused in a collection once
// more, one by one: only that answer names the record that is there.
func (b *batch) nameExisting(ctx context.Context, ops []*operation) {
	var again []*operation
	for _, op := range ops {
		err := b.results[op.at].Err
		if b.state[op] == failed && op.creates() && b.halt == nil && codeOf(err) == codeDuplicates && err.Existing.IsZero() && err.Status == 0 {
			again = append(again, op)
		}
	}
	for chunk := range slices.Chunk(again, perComposite) {
		e := newEnvelope(b, false)
		for _, op := range chunk {
			b.state[op] = waiting
			e.single(op, op.body)
		}
		b.post(ctx, e)
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
	long, ok := normalizeID(id)
	switch {
	case ok:
		id = long
	case op.creates(): // success, and nothing that could be found again
		b.fail(op, unanswered())
		return
	}
	b.state[op] = applied
	r := &b.results[op.at]
	r.Ref.Conn, r.Ref.ID, r.Err = b.org.name, id, nil
	r.Guarded = op.conditional()
}

func (b *batch) fail(op *operation, err *connectors.Error) {
	b.state[op] = failed
	err = refusedTo(op, err)
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
			class := cause.Class
			if class == connectors.Ambiguous {
				class = connectors.Unavailable // about this one there is no doubt: it was not sent
			}
			r.Err = &connectors.Error{Class: class, Op: opWrite, RetryAfter: cause.RetryAfter, Err: errors.New("the create it waits for failed")}
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

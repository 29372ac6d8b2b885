package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

const (
	perCollection = 200
	typesPer      = 10 // runs of one type in a collection
)

// envelope is one composite of writes, and how to read its answer.
type envelope struct {
	b          *batch
	composite  composite
	heavy      int
	singles    map[string]*operation
	collected  map[string][]*operation
	order      []string // references of what writes, in the order sent
	versionsOf []string // references of the queries that read versions back
	stoodIn    []string // references of the reads of who had what is given to somebody
	ops        []*operation
}

func newEnvelope(b *batch, atomic bool) *envelope {
	return &envelope{
		b: b, composite: composite{purpose: purposeWrite, op: opWrite, atomic: atomic, write: true},
		singles: map[string]*operation{}, collected: map[string][]*operation{},
	}
}

// single adds one operation as a request of its own and returns its reference.
func (e *envelope) single(op *operation, body map[string]any) string {
	name := reference("w", len(e.composite.subs))
	sub := subrequest{Method: http.MethodPost, URL: e.b.org.data + "/sobjects/" + op.schema.object, Reference: name, Headers: op.headers, Body: body}
	if !op.creates() {
		sub.Method = http.MethodPatch
		sub.URL += "/" + op.id
	}
	e.add(sub)
	e.singles[name] = op
	e.ops = append(e.ops, op)
	return name
}

func (e *envelope) add(sub subrequest) {
	e.composite.subs = append(e.composite.subs, sub)
	if !strings.HasPrefix(sub.Reference, "v") {
		e.order = append(e.order, sub.Reference)
	}
}

// collections adds operations as collections: changes, then creates, sorted by
// type because every run of one type counts.
func (e *envelope) collections(ops []*operation) {
	for _, creates := range []bool{false, true} {
		var some []*operation
		for _, op := range ops {
			if op.creates() == creates {
				some = append(some, op)
			}
		}
		slices.SortStableFunc(some, func(x, y *operation) int {
			return cmp.Or(strings.Compare(x.schema.object, y.schema.object), strings.Compare(x.parent(), y.parent()))
		})
		for len(some) > 0 {
			n := collectionSize(some)
			e.collection(some[:n])
			some = some[n:]
		}
	}
}

// parent is the record that the org locks while this one is saved. Children of
// one parent stand side by side, so that it is locked once and not in every
// chunk (C16).
func (op *operation) parent() string {
	for _, column := range []string{"AccountId", "WhatId", "WhoId"} {
		if id, ok := op.body[column].(string); ok {
			return id
		}
	}
	return ""
}

// collectionSize is how many of the operations fit one collection.
func collectionSize(ops []*operation) int {
	types := 0
	for i, op := range ops {
		if i == 0 || op.schema.object != ops[i-1].schema.object {
			types++
		}
		if types > typesPer || i == perCollection {
			return i
		}
	}
	return len(ops)
}

func (e *envelope) collection(ops []*operation) {
	records := make([]map[string]any, len(ops))
	for i, op := range ops {
		record := map[string]any{"attributes": map[string]string{"type": op.schema.object}}
		for name, v := range op.body {
			record[name] = v
		}
		if !op.creates() {
			record["id"] = op.id
		}
		records[i] = record
	}
	method, headers := http.MethodPatch, writeHeaders()
	if ops[0].creates() {
		method = http.MethodPost
	} else {
		headers[duplicateHeader] = allowDuplicate
	}
	name := reference("c", len(e.composite.subs))
	e.add(subrequest{
		Method: method, URL: e.b.org.data + "/composite/sobjects", Reference: name, Headers: headers,
		Body: map[string]any{"allOrNone": e.composite.atomic, "records": records},
	})
	e.heavy++
	e.collected[name] = ops
	e.ops = append(e.ops, ops...)
}

// readBack adds queries for the versions the writes leave behind, as far as
// there is room. A query, not a GET: a record that a new owner hides from us
// must not undo the write.
func (e *envelope) readBack() {
	type target struct {
		schema *schema
		column string
		values []string
	}
	var targets []*target
	for _, op := range e.ops {
		column, value := "Id", op.id
		if op.creates() {
			if column = op.keyed; column == "" {
				continue
			}
			value, _ = op.body[column].(string)
		}
		i := slices.IndexFunc(targets, func(t *target) bool {
			return t.schema.object == op.schema.object && t.column == column && len(t.values) < perQuery
		})
		if i < 0 {
			i = len(targets)
			targets = append(targets, &target{schema: op.schema, column: column})
		}
		targets[i].values = append(targets[i].values, value)
	}
	for _, t := range targets {
		if e.heavy >= heavyPer || len(e.composite.subs) == perComposite {
			return
		}
		stmt := statement{columns: versionColumns(t.schema, t.column), object: t.schema.object, where: in(t.column, t.values)}
		f, ok := t.schema.column(t.column)
		address := e.b.org.queryURL(stmt, false)
		if !ok || !f.filterable() || len(address) > maxURL {
			continue
		}
		name := reference("v", len(e.composite.subs))
		e.add(subrequest{Method: http.MethodGet, URL: address, Reference: name})
		e.heavy++
		e.versionsOf = append(e.versionsOf, name)
	}
}

func versionColumns(s *schema, extra string) []string {
	columns := []string{"Id"}
	for _, name := range []string{s.stampColumn(), "LastModifiedById", extra} {
		if f, ok := s.column(name); ok && !slices.Contains(columns, f.Name) {
			columns = append(columns, f.Name)
		}
	}
	return columns
}

// post sends an envelope and settles its operations.
func (b *batch) post(ctx context.Context, e *envelope) {
	if len(e.ops) == 0 || b.halt != nil {
		return
	}
	for _, op := range e.ops {
		e.composite.notAfter = connectors.Deadline(op.write, connectors.Write{NotAfter: e.composite.notAfter})
	}
	e.lookFirst()
	session := b.org.tokens.latest.Load()
	a, err := b.org.send(ctx, e.composite)
	if err != nil {
		b.unsent(e, err)
		return
	}
	b.attempted = true
	for _, name := range e.order {
		part, present := a.parts[name]
		if op, ok := e.singles[name]; ok {
			b.settleSingle(op, part, present)
			continue
		}
		b.settleCollection(e.collected[name], part, present)
	}
	if e.composite.atomic {
		b.settleAtomic(e.ops)
	}
	if b.ended {
		b.org.tokens.end(session)
		b.ended, b.renewed = false, true
	}
	b.versions(ctx, e, a)
	b.stood(e, a)
	refused := b.refused
	b.refused = nil
	if e.composite.atomic {
		return // they are sent again one way or another
	}
	for _, ops := range refused {
		for _, half := range [][]*operation{ops[:len(ops)/2], ops[len(ops)/2:]} {
			smaller := newEnvelope(b, false)
			smaller.collections(half)
			smaller.readBack()
			b.post(ctx, smaller)
		}
	}
}

// unsent settles an envelope that got no answer, or was refused as a whole.
func (b *batch) unsent(e *envelope, err *connectors.Error) {
	b.attempted = b.attempted || err.Class == connectors.Ambiguous || err.Status != 0
	switch {
	case err.Class == connectors.Ambiguous:
		b.halt = &connectors.Error{Class: connectors.Unavailable, Op: opWrite, Err: errors.New("not sent: the call before it was not answered")}
	case stopsAll(err), err.Class == connectors.Denied, err.Class == connectors.Unknown:
		b.halt = err
		return // its operations keep their state, and share the reason
	}
	for _, op := range e.ops {
		own := *err
		b.fail(op, &own)
	}
}

func unanswered() *connectors.Error {
	return &connectors.Error{Class: connectors.Ambiguous, Op: opWrite, Err: errors.New("the answer does not speak of this write")}
}

func (b *batch) settleSingle(op *operation, part subresponse, present bool) {
	switch {
	case !present || part.Status == 0:
		b.fail(op, unanswered())
	case !part.ok():
		b.refuse(op, part.err(opWrite))
	case !op.creates():
		b.succeed(op, op.id)
	default:
		var made struct {
			ID      string `json:"id"`
			Success bool   `json:"success"`
		}
		if json.Unmarshal(part.Body, &made) != nil || made.ID == "" {
			b.fail(op, unanswered())
			return
		}
		b.succeed(op, made.ID)
	}
}

// refuse settles an operation that the CRM answered with an error: its own
// fault, or somebody else's.
func (b *batch) refuse(op *operation, err *connectors.Error) {
	switch codeOf(err) {
	case codeRolledBack, codeHalted:
		b.state[op] = undone
	case codeSession: // it ended between two parts of the composite
		b.ended = true
		if b.renewed {
			b.fail(op, err)
			return
		}
		b.state[op] = undone
	default:
		b.fail(op, err)
	}
}

// refuseAll settles a collection that was refused as a whole. One value of the
// wrong type does that to 200 records, so nobody is blamed before they have
// been tried in smaller numbers.
func (b *batch) refuseAll(ops []*operation, part subresponse) {
	for _, op := range ops {
		if b.refuse(op, part.err(opWrite)); len(ops) > 1 {
			b.state[op], b.results[op.at].Err = undone, nil
		}
	}
	if len(ops) > 1 {
		b.refused = append(b.refused, ops)
	}
}

// saved is one entry of a collection's answer.
type saved struct {
	ID      string     `json:"id"`
	Success bool       `json:"success"`
	Errors  []apiError `json:"errors"`
}

func (b *batch) settleCollection(ops []*operation, part subresponse, present bool) {
	var list []saved
	decoded := present && json.Unmarshal(part.Body, &list) == nil && len(list) > 0 && (list[0].Success || len(list[0].Errors) > 0)
	if present && !decoded && !part.ok() && part.Status != 0 {
		b.refuseAll(ops, part)
		return
	}
	if !decoded {
		list = nil
	}
	for i, op := range ops {
		entry, ok := entryOf(list, ops, i)
		switch {
		case !ok:
			b.fail(op, unanswered())
		case entry.Success && entry.ID != "":
			b.succeed(op, entry.ID)
		case !entry.Success && len(entry.Errors) > 0:
			b.refuse(op, classifyErrors(opWrite, 0, entry.Errors))
		default:
			b.fail(op, unanswered())
		}
	}
}

// entryOf is the answer for the i-th operation. Answers come in the order of
// the request; the id of a change tells if that was not so.
func entryOf(list []saved, ops []*operation, i int) (saved, bool) {
	op := ops[i]
	if op.creates() {
		if len(list) != len(ops) {
			return saved{}, false
		}
		return list[i], true
	}
	straight := len(list) == len(ops)
	for j, entry := range list {
		id, ok := normalizeID(entry.ID)
		if ok && id == op.id {
			return entry, true
		}
		if ok && (j >= len(ops) || ops[j].id != id) {
			straight = false
		}
	}
	if straight && list[i].ID == "" {
		return list[i], true
	}
	return saved{}, false
}

// settleAtomic makes sense of an all-or-none answer: once one has failed, none
// can have been applied.
func (b *batch) settleAtomic(ops []*operation) {
	broken := slices.ContainsFunc(ops, func(op *operation) bool { return b.state[op] == failed || b.state[op] == undone })
	if !broken {
		return
	}
	for _, op := range ops {
		if b.state[op] == applied {
			b.results[op.at].Ref.ID = op.id
			b.fail(op, unanswered())
			_, unique := op.schema.keyField()
			b.doubtful[op] = op.creates() && unique
		}
	}
}

// versions fills in what was read back. A row that somebody else has changed
// since keeps no version, so that the change is not taken for ours.
func (b *batch) versions(ctx context.Context, e *envelope, a answers) {
	_, user, _ := b.org.tokens.who(ctx)
	sent := a.asOf.Truncate(time.Second).Add(-time.Second)
	at := map[string]time.Time{}
	for _, name := range e.versionsOf {
		part, present := a.parts[name]
		page, err := decodeRows(opWrite, part, present)
		if err != nil {
			continue
		}
		for _, row := range page.Records {
			id, _ := row["Id"].(string)
			by, _ := row["LastModifiedById"].(string)
			if by, ok := normalizeID(by); ok && user != "" && by != user {
				continue
			}
			for _, column := range []string{"SystemModstamp", "LastModifiedDate", "CreatedDate"} {
				text, _ := row[column].(string)
				if t, ok := parseStamp(text); ok {
					if t.Before(sent) {
						break // a state from before the write: the query saw too little
					}
					if id, ok := normalizeID(id); ok {
						at[id] = t
					}
					break
				}
			}
		}
	}
	for _, op := range e.ops {
		r := &b.results[op.at]
		if t, ok := at[r.Ref.ID]; ok && b.state[op] == applied {
			r.Version, r.ModifiedAt = t.Format(stampLayout), t
		}
	}
}

package salesforce

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/handoffd/handoffd/connectors"
)

const opWrite = "write"

// An alerting duplicate rule refuses a change of a record that has a double,
// too, unless told that this is known. Creates do not say so: the record that
// is there is the better one.
const (
	duplicateHeader = "Sforce-Duplicate-Rule-Header"
	allowDuplicate  = "allowSave=true"
)

// operation is a write made ready: what to send, and what it waits for.
type operation struct {
	at      int // its place among the writes
	write   connectors.Write
	schema  *schema
	id      string         // the record to change; "": create
	body    map[string]any // columns
	keyed   string         // the column that carries the key; "": none
	after   int            // the operation whose new id becomes a link; -1: none
	headers map[string]string
	group   int       // operations of one group belong together
	follows bool      // it rests on the change of a record in its group, which does not rest on it
	over    time.Time // the version it rests on; zero: any
}

func (op *operation) creates() bool     { return op.id == "" }
func (op *operation) conditional() bool { return op.headers["If-Unmodified-Since"] != "" }

// guard puts a change that rests on a version under that condition. The header knows
// whole seconds only, and rounding down would refuse our own version.
func (op *operation) guard() {
	if !op.over.IsZero() {
		op.headers["If-Unmodified-Since"] = op.over.Add(time.Second - time.Nanosecond).Truncate(time.Second).Format(http.TimeFormat)
	}
}

// compile makes the writes ready. What cannot be sent has its result set
// already and no operation. An error means that the CRM could not be asked
// what it looks like, and that nothing was attempted.
func (o *org) compile(ctx context.Context, writes []connectors.Write, pairs map[int]int, results []connectors.Result) ([]*operation, *connectors.Error) {
	byKey := map[string]int{}
	for i, w := range writes {
		if w.Creates() && w.Key != "" {
			if _, twice := byKey[w.Key]; !twice {
				byKey[w.Key] = i
			}
		}
	}
	ops := make([]*operation, 0, len(writes))
	for i, w := range writes {
		results[i] = connectors.Result{Key: w.Key, Ref: w.Ref}
		if first, ok := byKey[w.Key]; w.Creates() && ok && first != i {
			continue // the same create twice: it gets the first one's result
		}
		s, err := o.schema(ctx, objectOf(w.Ref.Kind))
		if err != nil && stopsAll(err) {
			return nil, err
		}
		if err != nil {
			results[i].Err = hiddenObject(err)
			continue
		}
		op, skipped, err := makeOperation(i, w, s)
		results[i].Skipped = skipped
		if err != nil {
			results[i].Err = err
			continue
		}
		if err := o.ownersFit(ctx, op); err != nil {
			results[i].Err = err
			continue
		}
		if w.After != "" {
			first, ok := byKey[w.After]
			if !ok {
				results[i].Err = invalid("it waits for a create that is not in the batch")
				continue
			}
			op.after = first
		}
		if !op.creates() {
			results[i].Ref.ID = op.id
		}
		if !op.creates() && len(op.body) == 0 {
			continue // nothing of it may be written; the skipped fields say so
		}
		ops = append(ops, op)
	}
	tie(ops, pairs)
	return ops, nil
}

// hiddenObject is what it means for a write that the org does not show us its
// object: the permission was taken away, and may be given back (C6).
func hiddenObject(err *connectors.Error) *connectors.Error {
	if err.Class != connectors.Schema {
		return err
	}
	e := *err
	e.RetryAfter = hiddenLife
	return &e
}

func invalid(text string) *connectors.Error {
	return &connectors.Error{Class: connectors.Invalid, Op: opWrite, Err: errors.New(text)}
}

func makeOperation(at int, w connectors.Write, s *schema) (*operation, []string, *connectors.Error) {
	op := &operation{at: at, write: w, schema: s, after: -1, headers: writeHeaders()}
	if !w.Creates() {
		id, ok := normalizeID(w.Ref.ID)
		if !ok {
			e := invalid(fmt.Sprintf("%q is not a Salesforce id", w.Ref.ID))
			e.Class = connectors.NotFound
			return nil, nil, e
		}
		op.id = id
		op.headers[duplicateHeader] = allowDuplicate
	}
	if w.IfVersion != "" && !w.Creates() {
		t, ok := parseStamp(w.IfVersion)
		if !ok {
			return nil, nil, invalid("the version to compare with is not one of ours")
		}
		if op.over = t; !w.Loose {
			op.guard()
		}
	}
	set, skipped := w.Set, []string(nil)
	if w.Ref.Kind == connectors.Task {
		set, skipped = taskSet(s, w.Set)
	}
	body, more := columnsOf(s, set, op.creates())
	op.body = body
	skipped = append(skipped, more...)
	if op.creates() {
		op.link()
		op.carryKey()
	}
	slices.Sort(skipped)
	return op, slices.Compact(skipped), nil
}

// columnsOf keeps what describe lets us write and puts each value in the form
// of its column.
func columnsOf(s *schema, set map[string]any, create bool) (body map[string]any, skipped []string) {
	body = make(map[string]any, len(set))
	for _, name := range sortedKeys(set) {
		f, ok := s.column(name)
		if !ok || create && !f.Createable || !create && !f.Updateable {
			skipped = append(skipped, name)
			continue
		}
		target, value, ok := s.place(f, set[name])
		if !ok || create && !target.Createable || !create && !target.Updateable {
			skipped = append(skipped, name)
			continue
		}
		f = target
		v := f.write(value)
		if create && v == nil {
			continue // blank anyway
		}
		body[f.Name] = v
	}
	return body, skipped
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// write is a value in the form of the column. What does not fit goes as it is:
// the CRM's refusal says more than ours would.
func (f *field) write(v any) any {
	switch f.Type {
	case "boolean":
		switch v := v.(type) {
		case nil:
			return false // a checkbox cannot be blank
		case string:
			switch strings.ToLower(v) {
			case "true", "yes", "1":
				return true
			case "false", "no", "0", "":
				return false
			}
		}
		return v
	case "int", "double", "currency", "percent", "long":
		if s, ok := v.(string); ok {
			if n, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
				return n
			}
		}
		return v
	}
	s, ok := asText(v)
	if !ok || s == "" {
		return nil
	}
	switch f.Type {
	case "datetime":
		if t, ok := parseStamp(s); ok {
			return t.Format(stampLayout)
		}
		if t, err := time.Parse(time.DateOnly, s); err == nil {
			return t.Format(stampLayout)
		}
	case "date":
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t.Format(time.DateOnly)
		}
	case "reference", "id":
		if long, ok := normalizeID(s); ok {
			return long
		}
	default:
		return cutTo(s, f.Length)
	}
	return s
}

func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// cutTo cuts text to n characters; 0: no bound.
func cutTo(s string, n int) string {
	if n <= 0 || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// link fills the lookups of a create from the records it belongs to. A task
// of a lead takes nothing beside the lead.
func (op *operation) link() {
	for _, l := range op.write.Links {
		op.linkTo(l.Kind, l.ID)
	}
}

func (op *operation) linkTo(kind connectors.Kind, id string) {
	if long, ok := normalizeID(id); ok {
		id = long
	}
	fill := func(column string) {
		f, ok := op.schema.column(column)
		if _, taken := op.body[column]; ok && f.Createable && !taken {
			op.body[column] = id
		}
	}
	switch op.schema.object {
	case taskObject, "Event":
		switch kind {
		case Lead:
			delete(op.body, "WhatId")
			fill("WhoId")
		case Contact:
			fill("WhoId")
		default:
			if !op.ofLead() {
				fill("WhatId")
			}
		}
	case string(Contact), string(Opportunity):
		if kind == Account {
			fill("AccountId")
		}
	}
}

// ofLead reports whether the task's person is a lead.
func (op *operation) ofLead() bool {
	for _, l := range op.write.Links {
		if l.Kind == Lead {
			return true
		}
	}
	who, _ := op.body["WhoId"].(string)
	return kindOfID(who) == Lead
}

// carryKey puts the key where it can be found again: a field of its own, or
// for tasks the end of the description.
func (op *operation) carryKey() {
	key := op.write.Key
	if key == "" {
		return
	}
	if name, _ := op.schema.keyField(); name != "" {
		op.body[name], op.keyed = key, name
		return
	}
	if f, ok := op.schema.column("Handoff_Id__c"); ok && f.Unique && op.body[f.Name] != nil {
		op.keyed = f.Name
		return
	}
	f, ok := op.schema.column("Description")
	if op.schema.object != taskObject || !ok || !f.Createable {
		return
	}
	text, _ := op.body["Description"].(string)
	tail := marker(key)
	if text != "" {
		tail = "\n\n" + tail
	}
	if f.Length > 0 {
		text = cutTo(text, max(1, f.Length-utf8.RuneCountInString(tail)))
	}
	op.body["Description"] = text + tail
}

// tie groups operations that belong together: a create and what comes after
// it, a record and what is linked to it, new or not, and the two halves of a pair.
func tie(ops []*operation, pairs map[int]int) {
	parent := make([]int, len(ops))
	var find func(int) int
	find = func(i int) int {
		if parent[i] != i {
			parent[i] = find(parent[i])
		}
		return parent[i]
	}
	byRecord, byPlace := map[string]int{}, map[int]int{}
	for i, op := range ops {
		parent[i] = i
		byPlace[op.at] = i
		if !op.creates() {
			if first, ok := byRecord[op.id]; ok {
				parent[i] = find(first)
			}
			byRecord[op.id] = i
		}
	}
	for i, op := range ops {
		if j, ok := byPlace[op.after]; ok {
			parent[find(i)] = find(j)
		}
		if first, ok := pairs[op.at]; ok {
			if j, ok := byPlace[first]; ok {
				parent[find(i)] = find(j)
			}
		}
		for _, l := range op.write.Links {
			id, _ := normalizeID(l.ID)
			if j, ok := byRecord[id]; ok && ops[j].id != op.id {
				parent[find(i)] = find(j)
				op.follows = !op.creates()
			}
		}
	}
	for i, op := range ops {
		op.group = find(i)
	}
}

package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// A collection cannot be under a condition. What one changes is therefore read by
// id, which sees what queries do not yet: all of it in one call before the first
// collection, so that what has changed since it was decided is left out, and who has
// what is given away once more in the composite of each, right before it and at no
// further call. That one does not stop the write, but tells over whom it came,
// history or not.

// look leaves out what the records have changed under since the versions that it
// rests on. What has not is as good as read just now. Without an answer nothing is
// sent; of what the org refuses to show, as a field that it hides, nothing is known.
func (b *batch) look(ctx context.Context, ops []*operation) {
	asked := slices.DeleteFunc(b.sendable(ops, false), func(op *operation) bool { return op.over.IsZero() || op.conditional() })
	began := time.Now()
	found := map[string]connectors.FieldValue{}
	for subs := range slices.Chunk(b.org.ownerReads(asked), heavyPer) {
		for n := range subs {
			subs[n].Reference = reference("v", n)
		}
		a, err := b.org.send(ctx, composite{purpose: purposeRead, op: opWrite, subs: subs})
		if err != nil {
			b.halt = err
			return
		}
		for _, sub := range subs {
			rows, err := ownersIn(a.parts[sub.Reference])
			if err != nil && stopsAll(err) {
				b.halt = err
				return
			}
			maps.Copy(found, rows)
		}
	}
	for _, op := range asked {
		v, there := found[op.id]
		switch {
		case there && v.At.After(op.over):
			b.fail(op, &connectors.Error{Class: connectors.Conflict, Op: opWrite, Err: errors.New("the record was changed since it was read")})
		case there && !op.write.NotAfter.IsZero():
			op.write.NotAfter = op.write.NotAfter.Add(time.Since(began))
		}
	}
}

// lookFirst has the owners read before anything else of the envelope, as far as
// there is room.
func (e *envelope) lookFirst() {
	var given []*operation
	for _, name := range slices.Sorted(maps.Keys(e.collected)) {
		given = append(given, slices.DeleteFunc(slices.Clone(e.collected[name]), func(op *operation) bool { return !op.givesAway() })...)
	}
	first := e.b.org.ownerReads(given)
	first = first[:max(0, min(len(first), heavyPer-e.heavy, perComposite-len(e.composite.subs)))]
	for n := range first {
		first[n].Reference = reference("v", len(e.composite.subs)+n)
		e.stoodIn = append(e.stoodIn, first[n].Reference)
		e.heavy++
	}
	e.composite.subs = append(first, e.composite.subs...)
}

// ownerReads ask who has the records that some operations change, and by which
// version, as many in each as an address holds.
func (o *org) ownerReads(ops []*operation) []subrequest {
	ids := map[*schema][]string{}
	for _, op := range ops {
		ids[op.schema] = append(ids[op.schema], op.id)
	}
	var out []subrequest
	for _, s := range slices.SortedFunc(maps.Keys(ids), func(x, y *schema) int { return strings.Compare(x.object, y.object) }) {
		slices.Sort(ids[s])
		path, fields := o.data+"/composite/sobjects/"+s.object+"?ids=", "&fields="+strings.Join(versionColumns(s, ownerColumn), ",")
		for some := range slices.Chunk(ids[s], (maxURL-len(path)-len(fields))/idRoom) {
			out = append(out, subrequest{Method: http.MethodGet, URL: path + strings.Join(some, ",") + fields})
		}
	}
	return out
}

// idRoom is what an id takes in a list of them.
const idRoom = 18 + 1

// givesAway reports whether an operation changes, under no condition, who has a
// record.
func (op *operation) givesAway() bool {
	_, owner := op.body[ownerColumn]
	return owner && !op.creates() && !op.conditional() && op.schema.object != taskObject
}

// stood fills in who had the records that were given to somebody.
func (b *batch) stood(e *envelope, a answers) {
	found := map[string]connectors.FieldValue{}
	for _, name := range e.stoodIn {
		if rows, err := ownersIn(a.parts[name]); err == nil {
			maps.Copy(found, rows)
		}
	}
	for _, op := range e.ops {
		if v, ok := found[op.id]; ok && op.givesAway() && b.state[op] == applied {
			b.results[op.at].Stood = map[string]connectors.FieldValue{ownerColumn: v}
		}
	}
}

// ownersIn reads the answer to one of the ownerReads, by id. Who changed a record last
// need not be who gave it away, so the hand has a name and no sort.
func ownersIn(part subresponse) (map[string]connectors.FieldValue, *connectors.Error) {
	var rows []map[string]any // null where a record is not there
	switch {
	case part.Status == 0:
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: opWrite, Err: errors.New("who has the records was not answered")}
	case !part.ok():
		return nil, part.err(opWrite)
	}
	if err := json.Unmarshal(part.Body, &rows); err != nil {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: opWrite, Err: fmt.Errorf("read who has the records: %w", err)}
	}
	found := map[string]connectors.FieldValue{}
	for _, row := range rows {
		text := func(column string) string { s, _ := row[column].(string); return s }
		id, ok := normalizeID(text("Id"))
		if !ok {
			continue
		}
		owner, _ := normalizeID(text(ownerColumn))
		v := connectors.FieldValue{Value: idOrNil(owner), By: text("LastModifiedById")}
		for _, column := range []string{"SystemModstamp", "LastModifiedDate"} {
			if at, ok := parseStamp(text(column)); ok {
				v.At = at
				break
			}
		}
		found[id] = v
	}
	return found, nil
}

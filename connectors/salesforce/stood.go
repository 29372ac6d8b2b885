package salesforce

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// A collection cannot be under a condition. Who has the records that one gives
// to somebody is therefore read in the same composite, right before it: by id,
// which sees what queries do not yet, and at no further call. That does not stop
// the write, but tells over whom it came, history or not.

// lookFirst has the owners read before anything else of the envelope, as far as
// there is room.
func (e *envelope) lookFirst() {
	var schemas []*schema
	ids := map[*schema][]string{}
	for _, ops := range e.collected {
		for _, op := range ops {
			if !op.givesAway() {
				continue
			}
			if ids[op.schema] == nil {
				schemas = append(schemas, op.schema)
			}
			ids[op.schema] = append(ids[op.schema], op.id)
		}
	}
	slices.SortFunc(schemas, func(x, y *schema) int { return strings.Compare(x.object, y.object) })
	var first []subrequest
	for _, s := range schemas {
		if e.heavy == heavyPer || len(e.composite.subs)+len(first) == perComposite {
			break
		}
		slices.Sort(ids[s])
		address := e.b.org.data + "/composite/sobjects/" + s.object + "?ids=" + strings.Join(ids[s], ",") + "&fields=" + strings.Join(versionColumns(s, ownerColumn), ",")
		if len(address) > maxURL {
			continue
		}
		name := reference("v", len(e.composite.subs)+len(first))
		first = append(first, subrequest{Method: http.MethodGet, URL: address, Reference: name})
		e.stoodIn = append(e.stoodIn, name)
		e.heavy++
	}
	e.composite.subs = append(first, e.composite.subs...)
}

// givesAway reports whether an operation changes, under no condition, who has a
// record.
func (op *operation) givesAway() bool {
	_, owner := op.body[ownerColumn]
	return owner && !op.creates() && !op.conditional() && op.schema.object != taskObject
}

// stood fills in who had the records that were given to somebody. Who changed a
// record last need not be who gave it away, so the hand has a name and no sort.
func (b *batch) stood(e *envelope, a answers) {
	found := map[string]connectors.FieldValue{}
	for _, name := range e.stoodIn {
		part, present := a.parts[name]
		var rows []map[string]any // null where a record is not there
		if !present || !part.ok() || json.Unmarshal(part.Body, &rows) != nil {
			continue
		}
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
	}
	for _, op := range e.ops {
		if v, ok := found[op.id]; ok && op.givesAway() && b.state[op] == applied {
			b.results[op.at].Stood = map[string]connectors.FieldValue{ownerColumn: v}
		}
	}
}

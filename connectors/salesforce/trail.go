package salesforce

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

var (
	_ connectors.Historian = (*org)(nil)
	_ connectors.Guard     = (*org)(nil)
)

// Grain implements connectors.Guard: the header knows whole seconds.
func (*org) Grain() time.Duration { return time.Second }

// Conditional implements connectors.Guard: a composite with room to read back.
func (*org) Conditional() int { return perComposite - 2 }

// historyOf is the object that keeps a kind's history where the org tracks it,
// and the column there that names the record.
func historyOf(kind connectors.Kind) (object, parent string) {
	switch kind {
	case Opportunity:
		return "OpportunityFieldHistory", "OpportunityId"
	case Lead, Contact, Account:
		return string(kind) + "History", string(kind) + "Id"
	default:
		return "", ""
	}
}

// An owner's history is filed under a name of its own, once with the names and
// once with the ids of who had it.
const (
	ownerColumn  = "OwnerId"
	ownerHistory = "Owner"
)

// Trail implements connectors.Historian. A kind whose history is not kept, or
// not shown to us, is an error of class Denied: then nobody can tell. A field
// that is not tracked has no rows, and its records no values.
func (o *org) Trail(ctx context.Context, kind connectors.Kind, ids []string, field string, since time.Time) (map[string][]connectors.FieldValue, error) {
	op := "read the history of " + string(kind)
	object, parent := historyOf(kind)
	s, err := o.historySchema(ctx, op, object)
	if err != nil {
		return nil, o.scrub(err)
	}
	tracked := OwnField(field)
	if tracked == ownerColumn {
		tracked = ownerHistory
	}
	var qs []query
	for chunk := range slices.Chunk(longIDs(ids), perQuery) {
		qs = append(qs, query{statement: statement{
			columns: []string{"Id", parent, "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById", "CreatedBy.UserType"},
			object:  s.object, order: "CreatedDate DESC, Id DESC",
			where: in(parent, chunk) + " AND Field = " + literal(tracked) + " AND CreatedDate >= " + instant(since.Truncate(time.Second)),
		}})
	}
	found, errs, err := o.queries(ctx, purposeRead, op, qs)
	if err != nil {
		return nil, o.scrub(err)
	}
	_, me, _ := o.tokens.who(ctx) // where it is not told, our own rows are somebody's
	out := map[string][]connectors.FieldValue{}
	first := map[string]any{} // what stood there before the oldest row
	for i, rows := range found {
		if errs[i] != nil {
			return nil, o.scrub(errs[i])
		}
		for _, row := range rows {
			if id, was, v, ok := pastOf(row, parent, tracked, me); ok {
				out[id], first[id] = append(out[id], v), was
			}
		}
	}
	for id, was := range first {
		out[id] = append(out[id], connectors.FieldValue{Value: was})
	}
	for _, id := range ids {
		if long, ok := normalizeID(id); ok {
			id = long
		}
		out[id] = slices.Clip(out[id]) // there, if with nothing
	}
	return out, nil
}

// pastOf reads one row of a history. Of an owner's two rows the one with names
// is passed over.
func pastOf(row map[string]any, parent, tracked, me string) (id string, was any, v connectors.FieldValue, ok bool) {
	text := func(column string) string { s, _ := row[column].(string); return s }
	id, known := normalizeID(text(parent))
	at, dated := parseStamp(text("CreatedDate"))
	was, v.Value = row["OldValue"], row["NewValue"]
	if tracked == ownerHistory {
		from, ok1 := normalizeID(text("OldValue"))
		to, ok2 := normalizeID(text("NewValue"))
		if !ok1 && !ok2 {
			return "", nil, v, false
		}
		was, v.Value = idOrNil(from), idOrNil(to)
	}
	v.At, v.By, v.Actor = at, text("CreatedById"), connectors.ActorPerson
	if long, ok := normalizeID(v.By); ok {
		v.By = long
	}
	by, _ := row["CreatedBy"].(map[string]any)
	kind, _ := by["UserType"].(string)
	switch {
	case v.By == "":
		v.Actor = connectors.ActorUnknown
	case v.By == me:
		v.Actor = connectors.ActorSelf
	case kind == "AutomatedProcess":
		v.Actor = connectors.ActorAutomation
	case kind == "CloudIntegrationUser":
		v.Actor = connectors.ActorIntegration
	}
	return id, was, v, known && dated
}

func idOrNil(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// historySchema is the describe of a history object; class Denied where there
// is none.
func (o *org) historySchema(ctx context.Context, op, object string) (*schema, *connectors.Error) {
	denied := &connectors.Error{Class: connectors.Denied, Op: op, Err: errors.New("the org does not show this history: switch field tracking on")}
	if object == "" {
		return nil, denied
	}
	s, err := o.schema(ctx, object)
	if err != nil && err.Class == connectors.Schema {
		return nil, denied
	}
	return s, err
}

func longIDs(ids []string) []string {
	var out []string
	for _, id := range ids {
		if long, ok := normalizeID(id); ok {
			out = append(out, long)
		}
	}
	return out
}

package salesforce

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// Read returns the records by id, 1,000 a call. A record that is gone comes
// back Deleted, whether the recycle bin still has it or not.
func (o *org) Read(ctx context.Context, kind connectors.Kind, ids, fields []string) ([]connectors.Object, error) {
	op := "read " + string(kind)
	if kind == connectors.Activity {
		out, stale, err := o.readActs(ctx, ids)
		for n := 0; n < mostLessons && err != nil && stale != nil && o.relearn(ctx, stale, err); n++ {
			out, stale, err = o.readActs(ctx, ids)
		}
		if err != nil {
			return nil, o.scrub(err)
		}
		return out, nil
	}
	s, err := o.schema(ctx, objectOf(kind))
	if err != nil {
		return nil, err
	}
	if err := o.meetRosters(ctx, s, fields, schemaLife); err != nil {
		return nil, err
	}
	out, err := o.read(ctx, op, o.choose(kind, s, fields), ids)
	for n := 0; n < mostLessons && err != nil && o.relearn(ctx, s, err); n++ {
		if s, err = o.schema(ctx, objectOf(kind)); err == nil {
			out, err = o.read(ctx, op, o.choose(kind, s, fields), ids)
		}
	}
	if err != nil {
		return nil, o.scrub(err)
	}
	return out, nil
}

func (o *org) read(ctx context.Context, op string, sel selection, ids []string) ([]connectors.Object, *connectors.Error) {
	var out []connectors.Object
	wanted := make([]string, 0, len(ids))
	for _, id := range ids {
		if long, ok := normalizeID(id); ok {
			wanted = append(wanted, long)
		} else { // no record can have such an id
			out = append(out, connectors.Object{Ref: connectors.Ref{Conn: o.name, Kind: sel.kind, ID: id}, Deleted: true})
		}
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	if len(wanted) == 0 {
		return out, nil
	}
	groups := columnGroups(sel)
	var qs []query
	for chunk := range slices.Chunk(wanted, perQuery) {
		for _, columns := range groups {
			qs = append(qs, query{statement{columns: columns, object: sel.schema.object, where: in("Id", chunk)}, true})
		}
	}
	found, errs, err := o.queries(ctx, purposeRead, op, qs)
	if err != nil {
		return nil, err
	}
	merged := make(map[string]map[string]any, len(wanted))
	for i := range found {
		if errs[i] != nil {
			return nil, errs[i]
		}
		for _, row := range found[i] {
			id, _ := row["Id"].(string)
			if id, _ = normalizeID(id); merged[id] == nil {
				merged[id] = row
				continue
			}
			for name, v := range row {
				merged[id][name] = v
			}
		}
	}
	for _, id := range wanted {
		row := merged[id]
		if row == nil {
			out = append(out, connectors.Object{Ref: sel.ref(id), Deleted: true})
			continue
		}
		out = append(out, sel.object(row))
	}
	return out, nil
}

// columnGroups splits the columns so that a query for a full IN list stays
// within what an address may hold. Each group has the id.
func columnGroups(sel selection) [][]string {
	const idLength = 18 + len("%27%27%2C")
	room := maxURL - perQuery*idLength - 400
	var groups [][]string
	current, size := []string{"Id"}, 0
	for _, name := range sel.names {
		if name == "Id" {
			continue
		}
		if size+len(name)+3 > room {
			groups = append(groups, current)
			current, size = []string{"Id"}, 0
		}
		current = append(current, name)
		size += len(name) + 3
	}
	return append(groups, current)
}

// Locate answers which records of some kinds hold a value, read fresh: one
// call for up to five kinds and fields, 200 values each. Converted leads and
// deleted records are left out.
func (o *org) Locate(ctx context.Context, questions []connectors.Question, fields map[connectors.Kind][]string) ([][]connectors.Object, error) {
	out, stale, err := o.locate(ctx, questions, fields)
	for n := 0; n < mostLessons && err != nil && stale != nil && o.relearn(ctx, stale, err); n++ {
		out, stale, err = o.locate(ctx, questions, fields)
	}
	if err != nil {
		return nil, o.scrub(err)
	}
	return out, nil
}

// locate asks once. With an error of one query comes the schema it was made by.
func (o *org) locate(ctx context.Context, questions []connectors.Question, fields map[connectors.Kind][]string) ([][]connectors.Object, *schema, *connectors.Error) {
	lookups, err := o.lookups(ctx, questions, fields)
	if err != nil {
		return nil, nil, err
	}
	qs := make([]query, len(lookups))
	for i, l := range lookups {
		qs[i] = query{l.stmt, false}
	}
	found, errs, err := o.queries(ctx, purposeLocate, "locate", qs)
	if err != nil {
		return nil, nil, err
	}
	out := make([][]connectors.Object, len(questions))
	for i, l := range lookups {
		if errs[i] != nil {
			return nil, l.sel.schema, errs[i]
		}
		objs := make([]connectors.Object, len(found[i]))
		for j, row := range found[i] {
			objs[j] = l.sel.object(row)
		}
		l.objects = objs
		l.rows = found[i]
		lookups[i] = l
	}
	for q, question := range questions {
		for _, kind := range question.Kinds {
			out[q] = append(out[q], held(lookups, kind, question)...)
		}
	}
	return out, nil, nil
}

// lookup is one query of a Locate: a kind, a field and some values.
type lookup struct {
	kind    connectors.Kind
	column  *field
	sel     selection
	stmt    statement
	values  []string
	rows    []map[string]any
	objects []connectors.Object
}

// held are the records of one kind that hold the question's value, the oldest
// first.
func held(lookups []lookup, kind connectors.Kind, q connectors.Question) []connectors.Object {
	var out []connectors.Object
	for _, l := range lookups {
		if l.kind != kind || !strings.EqualFold(l.column.Name, OwnField(q.Field)) {
			continue
		}
		for i, row := range l.rows {
			if sameValue(row[l.column.Name], q.Value) {
				out = append(out, l.objects[i])
			}
		}
	}
	slices.SortFunc(out, func(a, b connectors.Object) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Ref.ID, b.Ref.ID))
	})
	return slices.CompactFunc(out, func(a, b connectors.Object) bool { return a.Ref == b.Ref })
}

// sameValue compares as SOQL does: without regard to case or outer blanks.
func sameValue(v any, want string) bool {
	s, ok := v.(string)
	return ok && strings.EqualFold(strings.TrimSpace(s), strings.TrimSpace(want))
}

var textTypes = regexp.MustCompile(`^(string|email|phone|url|picklist|reference|id|combobox|textarea)$`)

// lookups groups the questions by kind and field. A kind that lacks the field
// holds no answer.
func (o *org) lookups(ctx context.Context, questions []connectors.Question, fields map[connectors.Kind][]string) ([]lookup, *connectors.Error) {
	var out []lookup
	at := map[string]int{}
	for _, q := range questions {
		value := strings.TrimSpace(q.Value)
		if value == "" {
			continue
		}
		for _, kind := range q.Kinds {
			s, err := o.schema(ctx, objectOf(kind))
			if err != nil && err.Class == connectors.Schema {
				continue
			}
			if err != nil {
				return nil, err
			}
			f, ok := s.column(q.Field)
			if !ok || !f.filterable() || !textTypes.MatchString(f.Type) {
				continue
			}
			key := string(kind) + "." + f.Name
			i, seen := at[key]
			if !seen {
				i = len(out)
				at[key] = i
				out = append(out, lookup{kind: kind, column: f, sel: o.choose(kind, s, append(slices.Clone(fields[kind]), f.Name))})
			}
			out[i].values = append(out[i].values, value)
		}
	}
	return o.splitLookups(out)
}

// splitLookups cuts each group into queries that fit.
func (o *org) splitLookups(groups []lookup) ([]lookup, *connectors.Error) {
	var out []lookup
	for _, l := range groups {
		slices.Sort(l.values)
		values := slices.Compact(l.values)
		for len(values) > 0 {
			n := min(len(values), perQuery)
			for {
				l.stmt = statement{columns: l.sel.names, object: l.sel.schema.object, where: l.where(values[:n])}
				if len(o.queryURL(l.stmt, false)) <= maxURL || n == 1 {
					break
				}
				n = max(1, n/2)
			}
			if len(o.queryURL(l.stmt, false)) > maxURL {
				return nil, &connectors.Error{Class: connectors.Invalid, Op: "locate", Err: errors.New("a value or the list of fields is too long to ask for")}
			}
			out = append(out, l)
			values = values[n:]
		}
	}
	return out, nil
}

func (l lookup) where(values []string) string {
	where := in(l.column.Name, values)
	if l.sel.schema.has("IsDeleted") {
		where += " AND IsDeleted = false"
	}
	if l.sel.schema.has("IsConverted") {
		where += " AND IsConverted = false"
	}
	return both(where, l.sel.companies())
}

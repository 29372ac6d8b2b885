package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

const opFind = "find"

// search asks which record of an object holds a value in a column.
type search struct {
	schema *schema
	column string
	value  string
}

// searchAll answers each search with an id, or "". Deleted records count: a
// person who deleted our task does not want another.
func (o *org) searchAll(ctx context.Context, op string, wanted []search) ([]string, *connectors.Error) {
	ids, err := o.holding(ctx, op, wanted, "")
	if err != nil {
		return nil, err
	}
	return ids, o.readByKey(ctx, op, wanted, ids)
}

// holding answers each search with the id of a row, deleted ones included, that
// fulfils a further condition, or "".
func (o *org) holding(ctx context.Context, op string, wanted []search, and string) ([]string, *connectors.Error) {
	type group struct {
		schema *schema
		column string
		values []string
	}
	var groups []*group
	for _, w := range wanted {
		i := slices.IndexFunc(groups, func(g *group) bool {
			return g.schema.object == w.schema.object && g.column == w.column && len(g.values) < perQuery
		})
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{schema: w.schema, column: w.column})
		}
		groups[i].values = append(groups[i].values, w.value)
	}
	qs := make([]query, len(groups))
	for i, g := range groups {
		columns := []string{"Id", g.column}
		qs[i] = query{statement{columns: slices.Compact(columns), object: g.schema.object, where: in(g.column, g.values) + and, order: "Id"}, true}
	}
	found, errs, err := o.queries(ctx, purposeFind, op, qs)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(wanted))
	for i, g := range groups {
		if errs[i] != nil {
			return nil, errs[i]
		}
		for w, one := range wanted {
			if one.schema.object != g.schema.object || one.column != g.column || ids[w] != "" {
				continue
			}
			for _, row := range found[i] {
				if id, _ := row["Id"].(string); sameValue(row[g.column], one.value) {
					ids[w], _ = normalizeID(id)
					break
				}
			}
		}
	}
	return ids, nil
}

// readByKey asks for what a query did not show row by row: by its external id
// a row is found at once, however late queries come to see it.
func (o *org) readByKey(ctx context.Context, op string, wanted []search, ids []string) *connectors.Error {
	var missing []int
	for i, w := range wanted {
		if f, ok := w.schema.column(w.column); ok && ids[i] == "" && f.ExternalID && w.value != "" {
			missing = append(missing, i)
		}
	}
	for chunk := range slices.Chunk(missing, perComposite) {
		c := composite{purpose: purposeFind, op: op}
		for _, i := range chunk {
			w := wanted[i]
			address := o.data + "/sobjects/" + w.schema.object + "/" + w.column + "/" + url.PathEscape(w.value) + "?fields=Id"
			c.subs = append(c.subs, subrequest{Method: http.MethodGet, URL: address, Reference: reference("k", i)})
		}
		a, err := o.send(ctx, c)
		if err != nil {
			return err
		}
		for _, i := range chunk {
			part, present := a.parts[reference("k", i)]
			var row struct{ ID string }
			switch {
			case !present:
				return &connectors.Error{Class: connectors.Unavailable, Op: op, Err: errors.New("a part of the composite was not answered")}
			case part.ok() && json.Unmarshal(part.Body, &row) == nil:
				ids[i], _ = normalizeID(row.ID)
			case part.Status == http.StatusMultipleChoices: // the column is not unique after all
				ids[i] = firstOf(part.Body)
			case !part.ok():
				if err := part.err(op); err.Class != connectors.NotFound {
					return err
				}
			}
		}
	}
	return nil
}

// firstOf is the oldest of several records, which an answer lists by address.
func firstOf(body json.RawMessage) string {
	var addresses []string
	if json.Unmarshal(body, &addresses) != nil {
		return ""
	}
	first := ""
	for _, address := range addresses {
		if id, ok := normalizeID(path.Base(address)); ok && (first == "" || id < first) {
			first = id
		}
	}
	return first
}

// Exact reports whether the org refuses a second object with the same key, as
// far as its schema has been read.
func (o *org) Exact(kind connectors.Kind) bool {
	s := o.schemas.get(objectOf(kind))
	if s == nil {
		return false
	}
	if name, unique := s.keyField(); name != "" {
		return unique
	}
	f, ok := s.column("Handoff_Id__c")
	return kind != connectors.Task && ok && f.Unique && f.Createable
}

// Find returns, for each create, the object it made: by the field that carries
// its key, by the marker among the tasks of the linked records, or, for people
// without either, by e-mail address.
func (o *org) Find(ctx context.Context, writes []connectors.Write) ([]connectors.Ref, error) {
	refs := make([]connectors.Ref, len(writes))
	byKey := map[string]connectors.Ref{}
	// What comes after a create is linked to it, so the creates are looked for first.
	for _, later := range []bool{false, true} {
		var at []int
		for i, w := range writes {
			if w.Creates() && (w.After != "") == later {
				at = append(at, i)
			}
		}
		if err := o.find(ctx, writes, at, byKey, refs); err != nil {
			return nil, o.scrub(err)
		}
		for _, i := range at {
			if !refs[i].IsZero() {
				byKey[writes[i].Key] = refs[i]
			}
		}
	}
	return refs, nil
}

// Binned implements connectors.Bin: by the field that carries the key.
func (o *org) Binned(ctx context.Context, writes []connectors.Write) ([]connectors.Ref, error) {
	refs := make([]connectors.Ref, len(writes))
	var searches []search
	var at []int
	for i, w := range writes {
		s, err := o.schema(ctx, objectOf(w.Ref.Kind))
		if err != nil {
			return nil, o.scrub(err)
		}
		op, _, err := makeOperation(i, w, s)
		if err != nil {
			continue
		}
		if value, _ := op.body[op.keyed].(string); value != "" {
			searches, at = append(searches, search{s, op.keyed, value}), append(at, i)
		}
	}
	if len(searches) == 0 {
		return refs, nil
	}
	ids, err := o.holding(ctx, opFind, searches, " AND IsDeleted = true")
	if err != nil {
		return nil, o.scrub(err)
	}
	for n, i := range at {
		if ids[n] != "" {
			refs[i] = connectors.Ref{Conn: o.name, Kind: writes[i].Ref.Kind, ID: ids[n]}
		}
	}
	return refs, nil
}

func (o *org) find(ctx context.Context, writes []connectors.Write, at []int, byKey map[string]connectors.Ref, refs []connectors.Ref) *connectors.Error {
	var searches []search
	var searched, marked []int
	for _, i := range at {
		w := writes[i]
		s, err := o.schema(ctx, objectOf(w.Ref.Kind))
		if err != nil && err.Class == connectors.Schema {
			continue
		}
		if err != nil {
			return err
		}
		op, _, err := makeOperation(i, w, s)
		if err != nil {
			continue
		}
		column := op.keyed
		if email, ok := s.column("Email"); column == "" && ok {
			column = email.Name
		}
		if value, _ := op.body[column].(string); value != "" {
			searches = append(searches, search{s, column, value})
			searched = append(searched, i)
			continue
		}
		if w.Ref.Kind == connectors.Task && w.Key != "" {
			marked = append(marked, i)
		}
	}
	if len(searches) > 0 {
		ids, err := o.searchAll(ctx, opFind, searches)
		if err != nil {
			return err
		}
		for n, i := range searched {
			if ids[n] != "" {
				refs[i] = connectors.Ref{Conn: o.name, Kind: writes[i].Ref.Kind, ID: ids[n]}
			}
		}
	}
	return o.findMarked(ctx, writes, marked, byKey, refs)
}

// findMarked looks through the tasks of the linked records for the marker. The
// tasks of a record that was converted or merged meanwhile are with its heir
// (C8, C10).
func (o *org) findMarked(ctx context.Context, writes []connectors.Write, at []int, byKey map[string]connectors.Ref, refs []connectors.Ref) *connectors.Error {
	var links []connectors.Ref
	for _, i := range at {
		links = append(links, writes[i].Links...)
		links = append(links, byKey[writes[i].After])
	}
	for range 2 {
		ids, err := o.markers(ctx, links)
		if err != nil {
			return err
		}
		missing := false
		for _, i := range at {
			if id, ok := normalizeID(ids[writes[i].Key]); ok {
				refs[i] = connectors.Ref{Conn: o.name, Kind: connectors.Task, ID: id}
			}
			missing = missing || refs[i].IsZero()
		}
		if !missing {
			return nil
		}
		if links, err = o.heirs(ctx, links); err != nil {
			return err
		}
	}
	return nil
}

// markers are the tasks of some records that carry a key, by key.
func (o *org) markers(ctx context.Context, links []connectors.Ref) (map[string]string, *connectors.Error) {
	var who, what []string
	for _, l := range links {
		id, ok := normalizeID(l.ID)
		switch {
		case !ok:
		case l.Kind == Lead, l.Kind == Contact:
			who = append(who, id)
		default:
			what = append(what, id)
		}
	}
	var qs []query
	for column, ids := range map[string][]string{"WhoId": who, "WhatId": what} {
		slices.Sort(ids)
		for chunk := range slices.Chunk(slices.Compact(ids), perQuery) {
			qs = append(qs, query{statement{columns: []string{"Id", "Description"}, object: taskObject, where: in(column, chunk), order: "Id"}, true})
		}
	}
	slices.SortFunc(qs, func(a, b query) int { return strings.Compare(a.where, b.where) })
	found, errs, err := o.queries(ctx, purposeFind, opFind, qs)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for n := range qs {
		if errs[n] != nil {
			return nil, errs[n]
		}
		for _, row := range found[n] {
			text, _ := row["Description"].(string)
			id, _ := row["Id"].(string)
			if key := markedKey(text); key != "" {
				if first := ids[key]; first == "" || id < first {
					ids[key] = id
				}
			}
		}
	}
	return ids, nil
}

// heirs are the records that some records have become, by merge or conversion.
func (o *org) heirs(ctx context.Context, links []connectors.Ref) ([]connectors.Ref, *connectors.Error) {
	var out []connectors.Ref
	var qs []query
	for _, kind := range []connectors.Kind{Lead, Contact, Account, Opportunity} {
		var ids []string
		for _, l := range links {
			if id, ok := normalizeID(l.ID); ok && l.Kind == kind {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			continue
		}
		s, err := o.schema(ctx, string(kind))
		if err != nil {
			continue // what is hidden has no tasks to be seen either
		}
		columns := []string{"Id"}
		for _, name := range heirColumns {
			if s.has(name) {
				columns = append(columns, name)
			}
		}
		slices.Sort(ids)
		for chunk := range slices.Chunk(slices.Compact(ids), perQuery) {
			qs = append(qs, query{statement{columns: columns, object: s.object, where: in("Id", chunk), order: "Id"}, true})
		}
	}
	found, errs, err := o.queries(ctx, purposeFind, opFind, qs)
	if err != nil {
		return nil, err
	}
	for n := range qs {
		if errs[n] != nil {
			return nil, errs[n]
		}
		for _, row := range found[n] {
			for _, name := range heirColumns {
				if id, ok := row[name].(string); ok {
					out = append(out, connectors.Ref{Conn: o.name, Kind: kindOfID(id), ID: id})
				}
			}
		}
	}
	return out, nil
}

// heirColumns name what a record has become.
var heirColumns = [...]string{"MasterRecordId", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId"}

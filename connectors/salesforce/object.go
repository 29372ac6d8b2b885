package salesforce

import (
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// systemColumns are read with every row, as far as the object has them.
var systemColumns = [...]string{
	"Id", "SystemModstamp", "LastModifiedDate", "CreatedDate", "LastModifiedById", "IsDeleted", "MasterRecordId",
	"IsConverted", "ConvertedContactId", "AccountId", "WhoId", "WhatId", "IsClosed", personAccount,
}

// selection is what to read of one object and how to make an [connectors.Object] of it.
type selection struct {
	conn   string
	kind   connectors.Kind
	schema *schema
	asked  []string // the caller's names
	names  []string // columns, sorted
}

// choose selects what describe shows of the asked fields, beside what we need
// ourselves. Compound fields have no value of their own and are left out.
func (o *org) choose(kind connectors.Kind, s *schema, asked []string) selection {
	sel := selection{conn: o.name, kind: kind, schema: s, asked: asked}
	add := func(name string) {
		if f, ok := s.column(name); ok && f.Type != "address" && f.Type != "location" && f.Type != "base64" {
			sel.names = append(sel.names, f.Name)
		}
	}
	for _, name := range systemColumns {
		add(name)
	}
	for _, name := range asked {
		if kind == connectors.Task {
			for _, column := range taskColumns(name) {
				add(column)
			}
		}
		add(name)
		if column := o.derivedColumn(s, name); column != "" {
			sel.names = append(sel.names, column)
		}
	}
	slices.Sort(sel.names)
	sel.names = slices.Compact(sel.names)
	return sel
}

// bare is the selection without the caller's fields: for a query that would
// otherwise be too long.
func (sel selection) bare(o *org) selection { return o.choose(sel.kind, sel.schema, nil) }

// ref names a record of the selection's kind.
func (sel selection) ref(id string) connectors.Ref {
	if long, ok := normalizeID(id); ok {
		id = long
	}
	return connectors.Ref{Conn: sel.conn, Kind: sel.kind, ID: id}
}

// object is a row as the contract shapes it. A value stands under the name by
// which it was asked for.
func (sel selection) object(row map[string]any) connectors.Object {
	text := func(column string) string { s, _ := row[column].(string); return s }
	obj := connectors.Object{
		Ref:        sel.ref(text("Id")),
		ModifiedBy: text("LastModifiedById"),
		Deleted:    row["IsDeleted"] == true,
	}
	if t, ok := parseStamp(text(sel.schema.stampColumn())); ok {
		obj.ModifiedAt, obj.Version = t, t.Format(stampLayout)
	}
	if t, ok := parseStamp(text("CreatedDate")); ok {
		obj.CreatedAt = t
	}
	obj.MovedTo = sel.movedTo(row)
	obj.Links = sel.links(row)
	for _, name := range sel.asked {
		f, ok := sel.schema.column(name)
		if !ok {
			if v := sel.derived(name, row); v != nil {
				sel.set(&obj, name, v)
			}
			continue
		}
		if v := f.read(row[f.Name]); v != nil {
			sel.set(&obj, name, v)
		}
	}
	if sel.kind == connectors.Task {
		sel.readTask(&obj, row)
	}
	return obj
}

func (sel selection) set(obj *connectors.Object, name string, v any) {
	if obj.Fields == nil {
		obj.Fields = make(map[string]any, len(sel.asked))
	}
	obj.Fields[name] = v
}

// movedTo is where a merged record or a converted lead lives on.
func (sel selection) movedTo(row map[string]any) connectors.Ref {
	if id, ok := row["MasterRecordId"].(string); ok && row["IsDeleted"] == true {
		return sel.ref(id)
	}
	if id, ok := row["ConvertedContactId"].(string); ok && row["IsConverted"] == true {
		if long, ok := normalizeID(id); ok {
			return connectors.Ref{Conn: sel.conn, Kind: Contact, ID: long}
		}
	}
	return connectors.Ref{}
}

// links are the records a row belongs to, the person of a task first.
func (sel selection) links(row map[string]any) []connectors.Ref {
	var links []connectors.Ref
	add := func(column string, kind connectors.Kind) {
		id, ok := row[column].(string)
		if !ok {
			return
		}
		if id, ok = normalizeID(id); !ok {
			return
		}
		if kind == "" {
			kind = kindOfID(id)
		}
		if kind != "" {
			links = append(links, connectors.Ref{Conn: sel.conn, Kind: kind, ID: id})
		}
	}
	switch sel.schema.object {
	case string(Contact):
		if row[personAccount] != true {
			add("AccountId", Account)
		}
	case string(Opportunity):
		add("AccountId", Account)
	case taskObject, eventObject:
		add("WhoId", "")
		add("WhatId", "")
	}
	return links
}

// read is a column's value as the contract wants it: string, bool or float64,
// datetimes as RFC 3339; nil for a blank one.
func (f *field) read(v any) any {
	switch v := v.(type) {
	case string:
		if f.Type == "datetime" {
			if t, ok := parseStamp(v); ok {
				return t.Format(stampLayout)
			}
		}
		if strings.TrimSpace(v) == "" {
			return nil
		}
		return v
	case bool, float64:
		return v
	}
	return nil // null, or a compound
}

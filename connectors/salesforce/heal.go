package salesforce

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// Copies returns every live task that carries the key of a create: by the
// field for it, where there is one that is not unique, else by the marker
// among the tasks of the linked records and of what those have become. A task
// that is closed, or is somebody else's, was touched.
func (o *org) Copies(ctx context.Context, writes []connectors.Write) ([][]connectors.Copy, error) {
	out := make([][]connectors.Copy, len(writes))
	s, err := o.schema(ctx, taskObject)
	if err != nil {
		return nil, o.scrub(err)
	}
	column, _ := s.keyField()
	var links []connectors.Ref
	var keys []string
	for _, w := range writes {
		if w.Ref.Kind == connectors.Task && w.Key != "" {
			links, keys = append(links, w.Links...), append(keys, w.Key)
		}
	}
	rows, err := o.copies(ctx, column, keys, links)
	if err != nil {
		return nil, o.scrub(err)
	}
	for i, w := range writes {
		for _, row := range rows {
			key := textOf(row, column)
			if key == "" {
				key = markedKey(textOf(row, "Description"))
			}
			id, ok := normalizeID(textOf(row, "Id"))
			if !ok || key == "" || !sameValue(key, w.Key) {
				continue
			}
			owner, _ := normalizeID(textOf(w.Set, connectors.TaskOwner))
			now, _ := normalizeID(textOf(row, "OwnerId"))
			out[i] = append(out[i], connectors.Copy{
				Ref: connectors.Ref{Conn: o.name, Kind: connectors.Task, ID: id}, Touched: row["IsClosed"] == true || owner != "" && owner != now,
			})
		}
		slices.SortFunc(out[i], func(a, b connectors.Copy) int { return strings.Compare(a.Ref.ID, b.Ref.ID) })
		out[i] = slices.CompactFunc(out[i], func(a, b connectors.Copy) bool { return a.Ref == b.Ref })
	}
	return out, nil
}

// copies are the live tasks with a key, or those of some records.
func (o *org) copies(ctx context.Context, column string, keys []string, links []connectors.Ref) ([]map[string]any, *connectors.Error) {
	columns := []string{"Id", "Description", "OwnerId", "IsClosed"}
	var qs []query
	ask := func(by string, values []string) {
		slices.Sort(values)
		for chunk := range slices.Chunk(slices.Compact(values), perQuery) {
			qs = append(qs, query{statement{columns: columns, object: taskObject, where: in(by, chunk), order: "Id"}, false})
		}
	}
	if column != "" {
		columns = append(columns, column)
		ask(column, keys)
	} else {
		heirs, err := o.heirs(ctx, links)
		if err != nil {
			return nil, err
		}
		var who, what []string
		for _, l := range append(slices.Clone(links), heirs...) {
			id, ok := normalizeID(l.ID)
			switch {
			case !ok:
			case l.Kind == Lead, l.Kind == Contact:
				who = append(who, id)
			default:
				what = append(what, id)
			}
		}
		ask("WhoId", who)
		ask("WhatId", what)
	}
	found, errs, err := o.queries(ctx, purposeFind, "find copies", qs)
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	for n := range qs {
		if errs[n] != nil {
			return nil, errs[n]
		}
		rows = append(rows, found[n]...)
	}
	return rows, nil
}

// Remove deletes tasks; the recycle bin keeps them for a while.
func (o *org) Remove(ctx context.Context, refs []connectors.Ref) error {
	for chunk := range slices.Chunk(refs, perComposite) {
		c := composite{purpose: opWrite, op: "delete tasks", write: true}
		for i, ref := range chunk {
			id, ok := normalizeID(ref.ID)
			if !ok || ref.Kind != connectors.Task {
				return invalid("only a task of ours is ever deleted")
			}
			c.subs = append(c.subs, subrequest{
				Method: http.MethodDelete, URL: o.data + "/sobjects/" + taskObject + "/" + id, Reference: reference("d", i), Headers: writeHeaders(),
			})
		}
		a, err := o.send(ctx, c)
		if err != nil {
			return o.scrub(err)
		}
		for i := range chunk {
			part, present := a.parts[reference("d", i)]
			if !present || part.ok() {
				continue
			}
			if err := part.err(c.op); err.Class != connectors.NotFound {
				return o.scrub(err)
			}
		}
	}
	return nil
}

package salesforce

import (
	"context"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// actPrefixes tell an activity's object from its id.
func actPrefixes() map[string]string {
	return map[string]string{"00T": taskObject, "00U": eventObject, "02s": emailObject}
}

// readActs reads activities by id, 1,000 a call. An e-mail that is named by
// its task is the e-mail. With an error of one query comes the schema it was
// made by.
func (o *org) readActs(ctx context.Context, ids []string) ([]connectors.Object, *schema, *connectors.Error) {
	const op = "read " + string(connectors.Activity)
	var out []connectors.Object
	wanted := map[string][]string{}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		long, ok := normalizeID(id)
		object := ""
		if ok {
			object = actPrefixes()[long[:3]]
		}
		if object == "" { // no activity has such an id
			out = append(out, connectors.Object{Ref: connectors.Ref{Conn: o.name, Kind: connectors.Activity, ID: id}, Deleted: true})
			continue
		}
		wanted[object] = append(wanted[object], long)
	}
	tasks, err := o.schema(ctx, taskObject)
	if err != nil && err.Class != connectors.Schema {
		return nil, nil, err
	}
	var qs []query
	var sels []selection
	for _, object := range []string{taskObject, eventObject, emailObject} {
		s, err := o.schema(ctx, object)
		if err != nil && err.Class == connectors.Schema {
			continue // what the org does not show is gone for us
		}
		if err != nil {
			return nil, nil, err
		}
		sel := o.chooseActs(s, tasks)
		for chunk := range slices.Chunk(wanted[object], perQuery) {
			qs, sels = append(qs, query{statement{columns: sel.names, object: object, where: in("Id", chunk)}, true}), append(sels, sel)
		}
	}
	found, errs, err := o.queries(ctx, purposeRead, op, qs)
	if err != nil {
		return nil, nil, err
	}
	var acts []act
	for n := range qs {
		if errs[n] != nil {
			return nil, sels[n].schema, errs[n]
		}
		for _, row := range found[n] {
			obj, is := sels[n].activity(row, time.Now().UTC())
			if !is && !obj.Deleted { // it is there, and of no concern
				obj.Fields = nil
			}
			if obj.Ref.ID != "" {
				acts = append(acts, act{obj, sels[n].schema.object, idOf(row, "Id")})
			}
		}
	}
	objs, err := o.once(ctx, purposeRead, op, acts)
	if err != nil {
		return nil, nil, err
	}
	return append(out, append(objs, o.absent(wanted, acts)...)...), nil, nil
}

// absent are the wanted activities that were not found, as deleted.
func (o *org) absent(wanted map[string][]string, acts []act) []connectors.Object {
	there := make(map[string]bool, len(acts))
	for _, a := range acts {
		there[a.id] = true
	}
	var out []connectors.Object
	for _, object := range sortedKeys(wanted) {
		for _, id := range wanted[object] {
			if !there[id] {
				out = append(out, connectors.Object{Ref: connectors.Ref{Conn: o.name, Kind: connectors.Activity, ID: id}, Deleted: true})
			}
		}
	}
	return out
}

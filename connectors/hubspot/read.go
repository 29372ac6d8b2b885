package hubspot

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/handoffd/handoffd/connectors"
	"golang.org/x/sync/errgroup"
)

const (
	readsAtOnce = 4
	// maxLookups is how many records that neither a batch of 100 nor the
	// recycle bin returned are asked for one by one.
	maxLookups = 10
)

// batchRead is the body of a batch/read.
type batchRead struct {
	IDProperty string   `json:"idProperty,omitempty"`
	Properties []string `json:"properties"`
	Inputs     []input  `json:"inputs"`
}

type input struct {
	ID string `json:"id"`
}

// Read implements connectors.Connector: one call for each 100 ids. A batch
// leaves out what is gone and what was merged away, and an answer may lack a
// row for no reason at all. So being left out proves nothing: a record is
// Deleted if the recycle bin has it or its own address answers that it is not
// there, and merged if its own address answers with the survivor (C8, C9).
// More than a few that are neither live nor in the bin are left for the next
// reading, and so is a row that the portal fails to read, twice.
func (c *Connector) Read(ctx context.Context, kind connectors.Kind, ids, fields []string) ([]connectors.Object, error) {
	if kind == connectors.Activity {
		return c.readActivities(ctx, ids)
	}
	info, ok := infoOf(kind)
	if !ok {
		return nil, unknownKind("read", kind)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	s, err := c.schemaOf(ctx, info)
	if err != nil {
		return nil, err
	}
	sel := choose(kind, info, s, fields)
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	ids = slices.Compact(ids)

	var out []connectors.Object
	valid := ids[:0:0]
	for _, one := range ids {
		if isNumber(one) {
			valid = append(valid, one)
		} else { // would fail the whole batch; no such record can exist
			out = append(out, connectors.Object{Ref: c.ref(kind, one), Deleted: true})
		}
	}
	var mu sync.Mutex
	var g errgroup.Group // one chunk that fails keeps none of the others from being read
	g.SetLimit(readsAtOnce)
	for chunk := range slices.Chunk(valid, batchSize) {
		g.Go(func() error {
			objects, err := c.readKind(ctx, sel, chunk, fields)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, objects...)
			return err
		})
	}
	err = g.Wait()
	slices.SortFunc(out, func(a, b connectors.Object) int {
		return cmp.Or(cmp.Compare(len(a.Ref.ID), len(b.Ref.ID)), cmp.Compare(a.Ref.ID, b.Ref.ID))
	})
	return out, err
}

func isNumber(s string) bool {
	if s == "" || len(s) > 19 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// readKind reads a chunk with what no property of its kind holds.
func (c *Connector) readKind(ctx context.Context, sel selection, ids, fields []string) ([]connectors.Object, error) {
	if c.committees(sel.kind, fields) {
		return c.readCommittees(ctx, sel, ids)
	}
	objects, err := c.readChunk(ctx, sel, ids)
	if sel.info.path == string(leads) {
		if err := c.linkLeads(ctx, objects); err != nil {
			return nil, err // without their contacts they are not read
		}
	}
	return objects, err
}

func (c *Connector) readChunk(ctx context.Context, sel selection, ids []string) ([]connectors.Object, error) {
	rows, failed, err := c.readBatch(ctx, "read", sel.info, "", ids, sel.names)
	if err != nil {
		return nil, err
	}
	out, missing := c.sortOut(sel, ids, rows)
	if failed != nil && len(missing) > 0 { // some rows did not fail for being gone: once more, those only
		rows, failed, err = c.readBatch(ctx, "read", sel.info, "", missing, sel.names)
		if err != nil {
			return out, err
		}
		var more []connectors.Object
		more, missing = c.sortOut(sel, missing, rows)
		out = append(out, more...)
		if failed != nil {
			if len(out) == 0 {
				return nil, failed
			}
			missing = nil // and may be there
		}
	}
	gone, err := c.confirmGone(ctx, sel, missing)
	return append(out, gone...), err
}

// confirmGone finds out what became of records that a batch left out.
func (c *Connector) confirmGone(ctx context.Context, sel selection, missing []string) (out []connectors.Object, err error) {
	if len(missing) > 1 { // one has its own address asked at once
		archived, err := c.readArchive(ctx, sel.info, missing)
		if err != nil {
			return out, err
		}
		missing = slices.DeleteFunc(missing, func(one string) bool {
			if archived[one] {
				out = append(out, connectors.Object{Ref: c.ref(sel.kind, one), Deleted: true})
			}
			return archived[one]
		})
	}
	for _, one := range missing[:min(len(missing), maxLookups)] {
		o, err := c.lookUp(ctx, sel, one)
		if err != nil {
			return out, err
		}
		out = append(out, o)
	}
	return out, nil
}

// readArchive tells which of the records are in the recycle bin.
func (c *Connector) readArchive(ctx context.Context, info kindInfo, ids []string) (map[string]bool, error) {
	body := batchRead{Properties: []string{info.modified}, Inputs: make([]input, len(ids))}
	for i, one := range ids {
		body.Inputs[i] = input{one}
	}
	var answer batch
	err := c.read(ctx, "read", "read archived "+info.path, http.MethodPost, c.objects(info, "/batch/read"), url.Values{"archived": {"true"}}, body, &answer)
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(answer.Results))
	for i := range answer.Results {
		out[string(answer.Results[i].ID)] = answer.Results[i].Archived
	}
	return out, nil
}

// readBatch is one batch/read. Failed is the first error of a row that is not
// about a record being gone.
func (c *Connector) readBatch(ctx context.Context, purpose string, info kindInfo, idProperty string, ids, names []string) (rows []row, failed, err error) {
	op := "read " + info.path
	body := batchRead{IDProperty: idProperty, Properties: names, Inputs: make([]input, len(ids))}
	for i, one := range ids {
		body.Inputs[i] = input{one}
	}
	var answer batch
	query := url.Values{"archived": {"false"}}
	if err := c.read(ctx, purpose, op, http.MethodPost, c.objects(info, "/batch/read"), query, body, &answer); err != nil {
		return nil, nil, err
	}
	for i := range answer.Errors {
		if cerr := c.rowError(&answer.Errors[i], op, false); cerr.Class != connectors.NotFound {
			return answer.Results, cerr, nil
		}
	}
	return answer.Results, nil, nil
}

// sortOut matches rows with the ids asked for. A row under another id is the
// survivor of a merge, and says itself which records it swallowed.
func (c *Connector) sortOut(sel selection, ids []string, rows []row) (out []connectors.Object, missing []string) {
	open := make(map[string]bool, len(ids))
	for _, one := range ids {
		open[one] = true
	}
	for i := range rows {
		if r := &rows[i]; open[string(r.ID)] {
			delete(open, string(r.ID))
			out = append(out, c.object(sel, r))
		}
	}
	for i := range rows {
		for old := range strings.SplitSeq(rows[i].Properties[mergedProperty], ";") {
			if open[old] {
				delete(open, old)
				out = append(out, c.moved(sel, old, &rows[i]))
			}
		}
	}
	for _, one := range ids {
		if open[one] {
			missing = append(missing, one)
		}
	}
	return out, missing
}

func (c *Connector) moved(sel selection, from string, to *row) connectors.Object {
	at := to.modified(sel.info)
	return connectors.Object{
		Ref: c.ref(sel.kind, from), Version: versionOf(at), ModifiedAt: at,
		MovedTo: c.ref(sel.kind, string(to.ID)),
	}
}

// lookUp asks for one record by id.
func (c *Connector) lookUp(ctx context.Context, sel selection, one string) (connectors.Object, error) {
	o, _, err := c.lookUpRow(ctx, sel, one, "")
	return o, err
}

// lookUpRow is lookUp with the row itself, and in it the associations with
// another kind, where one is named.
func (c *Connector) lookUpRow(ctx context.Context, sel selection, one string, with connectors.Kind) (connectors.Object, row, error) {
	op := "read " + sel.info.path
	query := url.Values{"properties": {strings.Join(sel.names, ",")}, "archived": {"false"}}
	if with != "" {
		op += " and their " + string(with) // refused for itself
		query.Set("associations", string(with))
	}
	var r row
	if len(query.Get("properties")) > maxQuery {
		query.Set("properties", sel.info.modified)
	}
	err := c.read(ctx, "read", op, http.MethodGet, c.objects(sel.info, "/"+one), query, nil, &r)
	switch {
	case connectors.ClassOf(err) == connectors.NotFound:
		return connectors.Object{Ref: c.ref(sel.kind, one), Deleted: true}, r, nil
	case err != nil:
		return connectors.Object{}, r, err
	case string(r.ID) != one && r.ID != "":
		return c.moved(sel, one, &r), r, nil
	}
	return c.object(sel, &r), r, nil
}

package salesforcesim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// keylessFrom is the version from which a POST to Id creates a row, as an upsert whose id is null.
const keylessFrom = 37

// tellsUpserts is the version from which an upsert that found a row answers 200 with its id; before, 204 without.
const tellsUpserts = 46

// serveObjects answers everything below /sobjects.
func (s *Sim) serveObjects(c *call) reply {
	if len(c.parts) == 1 {
		return get(c, func() reply { return s.unlessModified(c, ok(s.describeGlobal(c.version))) })
	}
	o := s.org[strings.ToLower(c.parts[1])]
	if o == nil || o.prefix == "" {
		return refused(notFound())
	}
	if deleted, asked := replicationMethod(c); asked {
		return s.serveReplication(c, o, deleted)
	}
	switch {
	case len(c.parts) == 2 && c.method == http.MethodPost:
		return s.create(c, o)
	case len(c.parts) == 2:
		return get(c, func() reply { return ok(s.objectInfo(o, c.version)) })
	case len(c.parts) == 3 && strings.EqualFold(c.parts[2], "describe"):
		return get(c, func() reply { return s.unlessModified(c, ok(s.describe(o, c.version))) })
	case len(c.parts) >= 4 && len(c.parts) <= 5 && strings.EqualFold(c.parts[2], "describe") && strings.EqualFold(c.parts[3], "layouts"):
		return get(c, func() reply { return s.layouts(c, o) })
	case len(c.parts) == 3 && c.method == http.MethodPost && strings.EqualFold(c.parts[2], "Id") && c.number() >= keylessFrom: // an upsert without an id
		return s.create(c, o)
	case len(c.parts) == 3:
		r, err := s.find(o, c.parts[2])
		if err != nil {
			return refused(err)
		}
		return s.serveRow(c, o, r)
	case len(c.parts) == 4:
		return s.serveByKey(c, o)
	}
	return refused(notFound())
}

// unlessModified answers 304 to a describe that the caller already has: the schema never changes here.
func (s *Sim) unlessModified(c *call, rep reply) reply {
	if since, err := http.ParseTime(c.header.Get("If-Modified-Since")); err == nil && !s.born.After(since) {
		return reply{status: http.StatusNotModified}
	}
	rep.header = map[string]string{"Last-Modified": s.born.Format(http.TimeFormat)}
	return rep
}

// find resolves an id from a path, of 15 or 18 characters.
func (s *Sim) find(o *object, raw string) (*row, *apiError) {
	id, valid := normalizeID(raw)
	if !valid {
		return nil, &apiError{code: "NOT_FOUND", message: "Provided external ID field does not exist or is not accessible: " + raw, status: http.StatusNotFound}
	}
	r := s.byID(id)
	if r == nil || r.obj.name != o.name {
		return nil, notFound()
	}
	return r, nil
}

func (s *Sim) create(c *call, o *object) reply {
	in, err := asObject(c.body)
	if err != nil {
		return refused(err)
	}
	id, err := s.insert(o, in, s.apiDeed(c))
	if err != nil {
		return refused(err)
	}
	return reply{
		status: http.StatusCreated, applied: true, body: mustJSON(saved{ID: id, Success: true, Errors: []any{}}),
		header: map[string]string{"Location": "/services/data/v" + c.version + "/sobjects/" + o.name + "/" + id},
	}
}

// saved is the answer to a create or an upsert.
type saved struct {
	ID      string `json:"id"`
	Success bool   `json:"success"`
	Errors  []any  `json:"errors"`
	Created *bool  `json:"created,omitempty"`
}

func (s *Sim) serveRow(c *call, o *object, r *row) reply {
	switch c.method {
	case http.MethodGet:
		return s.readRow(c, o, r)
	case http.MethodPatch:
		return s.patchRow(c, r, nil)
	case http.MethodDelete:
		if err := s.remove(r, s.apiDeed(c)); err != nil {
			return refused(err)
		}
		return reply{status: http.StatusNoContent, applied: true}
	}
	return badMethod(c)
}

// readRow reads by id, which sees what a late commit still hides from queries.
func (s *Sim) readRow(c *call, o *object, r *row) reply {
	if r.deleted() {
		return refused(deletedEntity())
	}
	cols, err := s.fieldList(o, c.query.Get("fields"))
	if err != nil {
		return refused(err)
	}
	tag := s.etag(c, r)
	if tagged(c.header.Get("If-None-Match"), tag) {
		return reply{status: http.StatusNotModified, header: map[string]string{"ETag": tag}}
	}
	modified, _ := r.last()["LastModifiedDate"].(time.Time)
	if since, err := http.ParseTime(c.header.Get("If-Modified-Since")); err == nil && !modified.After(since) {
		return reply{status: http.StatusNotModified}
	}
	if rep := s.unmodified(c, r); rep != nil {
		return *rep
	}
	rep := ok(s.record(nil, o, c.version, r.id, r.last(), cols))
	rep.header = map[string]string{"Last-Modified": modified.Format(http.TimeFormat)}
	if tag != "" {
		rep.header["ETag"] = tag
	}
	return rep
}

// etag names the state of an account. Salesforce knows entity tags for accounts only; for every other object it
// is empty, and If-Match and If-None-Match are not looked at.
func (s *Sim) etag(c *call, r *row) string {
	if r.obj.name != "Account" {
		return ""
	}
	sum := sha256.Sum256(s.record(nil, r.obj, c.version, r.id, r.last(), nil))
	return strconv.Quote(hex.EncodeToString(sum[:8]))
}

// tagged says whether tag stands in the list of an If-Match or If-None-Match.
func tagged(list, tag string) bool {
	if tag == "" || list == "" {
		return false
	}
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == "*" || strings.Trim(one, `"`) == strings.Trim(tag, `"`) {
			return true
		}
	}
	return false
}

// fieldList resolves ?fields=A,B; nil when it is absent.
func (s *Sim) fieldList(o *object, list string) ([]column, *apiError) {
	if list == "" {
		return nil, nil
	}
	cols := []column{{leaf: o.field("Id"), entity: o}}
	for name := range strings.SplitSeq(list, ",") {
		f := o.field(strings.TrimSpace(name))
		if f == nil {
			return nil, &apiError{code: "INVALID_FIELD", message: noSuchColumn(name, o.name)}
		}
		if f.name != "Id" {
			cols = append(cols, column{leaf: f, entity: o})
		}
	}
	return cols, nil
}

// unmodified answers a failed If-Match or If-Unmodified-Since, nil when the call may go on. The latter is compared
// with LastModifiedDate in whole seconds, so a change in the header's own second slips through.
func (s *Sim) unmodified(c *call, r *row) *reply {
	if wanted := c.header.Get("If-Match"); wanted != "" {
		if tag := s.etag(c, r); tag != "" && !tagged(wanted, tag) {
			return &reply{status: http.StatusPreconditionFailed}
		}
	}
	raw := c.header.Get("If-Unmodified-Since")
	if raw == "" {
		return nil
	}
	since, err := http.ParseTime(raw)
	if err != nil {
		if c.method == http.MethodGet {
			return nil
		}
		rep := refused(&apiError{code: "INVALID_HEADER", message: "Invalid value for If-Unmodified-Since: " + raw})
		return &rep
	}
	if modified, _ := r.last()["LastModifiedDate"].(time.Time); modified.Truncate(time.Second).After(since) {
		return &reply{status: http.StatusPreconditionFailed}
	}
	return nil
}

// patchRow updates; done turns success into another answer than 204.
func (s *Sim) patchRow(c *call, r *row, done func() reply) reply {
	if r.deleted() {
		return refused(deletedEntity())
	}
	if rep := s.unmodified(c, r); rep != nil {
		return *rep
	}
	in, err := asObject(c.body)
	if err != nil {
		return refused(err)
	}
	if err := addressed(in, "Id"); err != nil {
		return refused(err)
	}
	if err := s.update(r, in, s.apiDeed(c)); err != nil {
		return refused(err)
	}
	rep := reply{status: http.StatusNoContent}
	if done != nil {
		rep = done()
	}
	rep.applied = true
	return rep
}

// keyField is the field a row may be addressed by.
func keyField(o *object, name string) (*field, *apiError) {
	f := o.field(name)
	if f == nil || !f.idLookup {
		return nil, &apiError{code: "NOT_FOUND", message: "Provided external ID field does not exist or is not accessible: " + name, status: http.StatusNotFound}
	}
	return f, nil
}

// serveByKey answers /sobjects/X/{field}/{value}.
func (s *Sim) serveByKey(c *call, o *object) reply {
	value := c.parts[3]
	f, err := keyField(o, c.parts[2])
	if err != nil {
		return refused(err)
	}
	if strings.HasSuffix(strings.ToLower(value), ".inc") { // read as a file extension
		return refused(notFound())
	}
	rows := s.tables[o.name].holders(f.name, value)
	if len(rows) > 1 {
		var urls []string
		for _, r := range rows {
			urls = append(urls, "/services/data/v"+c.version+"/sobjects/"+o.name+"/"+r.id)
		}
		return reply{status: http.StatusMultipleChoices, body: mustJSON(urls)}
	}
	if c.method == http.MethodPatch {
		return s.upsert(c, o, f, value, rows)
	}
	if len(rows) == 0 {
		return refused(notFound())
	}
	return s.serveRow(c, o, rows[0])
}

// addressed refuses a body that repeats what its URL has said.
func addressed(in map[string]any, names ...string) *apiError {
	for name := range in {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			return &apiError{code: "INVALID_FIELD", message: "The " + name + " field should not be specified in the sobject data.", fields: []string{name}}
		}
	}
	return nil
}

// upsert updates the row with that key or creates it.
func (s *Sim) upsert(c *call, o *object, f *field, value string, rows []*row) reply {
	in, err := asObject(c.body)
	if err != nil {
		return refused(err)
	}
	if err := addressed(in, f.name, "Id"); err != nil {
		return refused(err)
	}
	created := len(rows) == 0
	if !created {
		return s.patchRow(c, rows[0], func() reply {
			if c.number() < tellsUpserts {
				return reply{status: http.StatusNoContent}
			}
			return ok(mustJSON(saved{ID: rows[0].id, Success: true, Errors: []any{}, Created: &created}))
		})
	}
	if c.query.Get("updateOnly") == "true" {
		return refused(notFound())
	}
	in[f.name] = value
	id, err := s.insert(o, in, s.apiDeed(c))
	if err != nil {
		return refused(err)
	}
	return reply{
		status: http.StatusCreated, applied: true, body: mustJSON(saved{ID: id, Success: true, Errors: []any{}, Created: &created}),
		header: map[string]string{"Location": "/services/data/v" + c.version + "/sobjects/" + o.name + "/" + url.PathEscape(id)},
	}
}

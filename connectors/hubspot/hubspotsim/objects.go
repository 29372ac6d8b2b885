package hubspotsim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// view is a record as the API answers it.
type view struct {
	ID           string                `json:"id"`
	Properties   map[string]*string    `json:"properties"`
	History      map[string][]pastView `json:"propertiesWithHistory,omitempty"`
	CreatedAt    string                `json:"createdAt"`
	UpdatedAt    string                `json:"updatedAt"`
	Archived     bool                  `json:"archived"`
	ArchivedAt   string                `json:"archivedAt,omitempty"`
	New          *bool                 `json:"new,omitempty"`
	Trace        string                `json:"objectWriteTraceId,omitempty"`
	Associations map[string]linkPage   `json:"associations,omitempty"`
}

type pastView struct {
	Value      string `json:"value"`
	Timestamp  string `json:"timestamp"`
	SourceType string `json:"sourceType"`
	SourceID   string `json:"sourceId,omitempty"`
	UserID     int64  `json:"updatedByUserId,omitempty"`
}

type linkPage struct {
	Results []linkView `json:"results"`
	Paging  *pageNext  `json:"paging,omitempty"`
}

type linkView struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// pageNext is where a list or search goes on.
type pageNext struct {
	Next nextPage `json:"next"`
}

type nextPage struct {
	After string `json:"after"`
	Link  string `json:"link,omitempty"`
}

type pageView struct {
	Total   *int      `json:"total,omitempty"`
	Results []view    `json:"results"`
	Paging  *pageNext `json:"paging,omitempty"`
}

// show renders a record. Without names the type's defaults are shown; unknown names are dropped silently,
// unset ones are null. The id and the dates are always there.
func (r *record) show(names []string) view {
	if len(names) == 0 {
		names = r.of.defaults
	}
	props := make(map[string]*string, len(names)+3)
	for _, fixed := range [...]string{"hs_object_id", r.of.created, r.of.modified} {
		v, _ := r.value(fixed)
		props[fixed] = &v
	}
	for _, name := range names {
		if r.of.defined(name) == nil {
			continue
		}
		if v, set := r.value(name); set {
			props[name] = &v
		} else {
			props[name] = nil
		}
	}
	return view{
		ID: r.id, Properties: props, CreatedAt: moment(r.created), UpdatedAt: moment(r.modified),
		Archived: r.archived, ArchivedAt: moment(r.ended),
	}
}

// showWritten renders a record after a write: what was written and the defaults.
func (r *record) showWritten(in written) view {
	names := slices.Clone(r.of.defaults)
	for name := range in {
		names = append(names, name)
	}
	return r.show(names)
}

// maxPast is how many values of a property's past are told. The manual grants contacts more; no caller may rely on it.
const maxPast = 20

func (r *record) history(names []string) map[string][]pastView {
	if len(names) == 0 {
		return nil
	}
	out := map[string][]pastView{}
	for _, name := range names {
		if r.of.defined(name) == nil {
			continue
		}
		rows := []pastView{}
		for _, p := range slices.Backward(r.past[name]) { // newest first
			if len(rows) == maxPast {
				break
			}
			user, _ := strconv.ParseInt(p.by.user, 10, 64) // blank: nobody
			rows = append(rows, pastView{p.value, moment(p.at), p.by.kind, p.by.id, user})
		}
		out[name] = rows
	}
	return out
}

// objects answers /crm/objects/{version}/{type}/...
func (c *call) objects() (*reply, *apiError) {
	if len(c.rest) == 0 {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	o := c.s.object(c.rest[0])
	if o == nil {
		return nil, noSuchObject(c.rest[0])
	}
	rest := c.rest[1:]
	if len(rest) > 1 && rest[1] == "associations" {
		return c.objectAssociations(o, rest[0], rest[2:])
	}
	post := c.r.Method == http.MethodPost
	switch path := strings.Join(rest, "/"); {
	case path == "" && post:
		return c.createOne(o)
	case path == "" && c.r.Method == http.MethodGet:
		return c.listAll(o)
	case path == "search" && post:
		return c.search(o)
	case path == "merge" && post:
		return c.merge(o)
	case path == "gdpr-delete" && post && o.name == "contacts":
		return c.gdprDelete(o)
	case len(rest) == 2 && rest[0] == "batch" && post:
		return c.batch(o, rest[1])
	case path == "", path == "search", path == "merge", len(rest) == 2 && rest[0] == "batch":
		return nil, c.methodNotAllowed()
	case len(rest) == 1:
		return c.one(o, rest[0])
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

// object finds a type by its name, its singular or its type id.
func (s *Sim) object(name string) *object {
	if o := s.objects[name]; o != nil {
		return o
	}
	for _, o := range s.objects {
		if lower := strings.ToLower(name); o.name == lower || o.singular == lower || o.typeID == name {
			return o
		}
	}
	return nil
}

// defined is the property of that name; nil for none, for one that an admin has deleted and for one that is not there yet.
func (o *object) defined(name string) *property {
	if p := o.props[name]; p != nil && !p.Archived && !p.lags() {
		return p
	}
	return nil
}

// isKey says that records may be named by a property.
func (o *object) isKey(name string) bool { return o.defined(name) != nil && o.unique[name] != nil }

// lookup finds a record by id, or by a unique property. found is nil for none.
func (o *object) lookup(key, idProperty string, archived bool) (found *record, bad *apiError) {
	if idProperty == "" || idProperty == "hs_object_id" {
		found = o.get(key)
	} else {
		if !o.isKey(idProperty) {
			return nil, invalid("Unable to perform this operation by non-unique " + o.typeID + " property " + idProperty)
		}
		if idProperty == "email" {
			key = strings.ToLower(key)
		}
		found = o.unique[idProperty][key]
	}
	if found != nil && found.archived != archived {
		return nil, nil
	}
	return found, nil
}

func (c *call) one(o *object, key string) (*reply, *apiError) {
	get := c.r.Method == http.MethodGet
	rec, bad := o.lookup(key, c.query.Get("idProperty"), get && c.archived())
	if bad != nil {
		return nil, bad
	}
	if rec == nil && c.r.Method != http.MethodDelete {
		return nil, notFound("Object not found.  objectId are usually numeric.")
	}
	switch c.r.Method {
	case http.MethodGet:
		names := c.list("propertiesWithHistory")
		v := rec.show(append(c.list("properties"), names...))
		v.History = rec.history(names)
		if v.Associations, bad = c.associated(rec, c.list("associations")); bad != nil {
			return nil, bad
		}
		return ok(v), nil
	case http.MethodPatch:
		var in struct {
			Properties written `json:"properties"`
		}
		if bad := c.read(&in); bad != nil {
			return nil, bad
		}
		if len(in.Properties) == 0 {
			return nil, nothingToUpdate()
		}
		set, bad := c.check(o, rec, in.Properties)
		if bad != nil {
			return nil, bad
		}
		c.s.update(rec, set, c.by, c.now)
		return ok(rec.showWritten(in.Properties)), nil
	case http.MethodDelete: // deleting what is not there is a success
		if rec != nil {
			c.s.archive(rec, c.by, c.now)
		}
		return nil, nil
	}
	return nil, c.methodNotAllowed()
}

// createInput is the body of a create, alone or as a row of a batch.
type createInput struct {
	Properties   written     `json:"properties"`
	Associations []linkInput `json:"associations"`
	Trace        string      `json:"objectWriteTraceId"`
}

func (c *call) createOne(o *object) (*reply, *apiError) {
	var in createInput
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	rec, bad := c.make(o, in)
	if bad != nil {
		return nil, bad
	}
	return &reply{http.StatusCreated, rec.showWritten(in.Properties)}, nil
}

// make creates one record with its links, or nothing at all.
func (c *call) make(o *object, in createInput) (*record, *apiError) {
	if in.Properties == nil {
		return nil, noProperties()
	}
	set, bad := c.check(o, nil, in.Properties)
	if bad != nil {
		return nil, bad
	}
	links, bad := c.s.checkLinks(o, in.Associations)
	if bad != nil {
		return nil, bad
	}
	if bad := checkLead(o, links); bad != nil {
		return nil, bad
	}
	if bad := c.s.linkLimit(o, nil, links); bad != nil {
		return nil, bad
	}
	rec := c.s.create(o, set, c.by, c.now)
	for _, l := range links {
		c.s.link(rec, l.to, l.types, c.by, c.now)
	}
	return rec, nil
}

func (c *call) listAll(o *object) (*reply, *apiError) {
	limit, histories := 10, c.list("propertiesWithHistory")
	most := 100
	if len(histories) > 0 {
		most = 50
	}
	if v := c.query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			return nil, invalid("limit must be between 1 and " + strconv.Itoa(most))
		}
		limit = n
	}
	at := 0
	if v := c.query.Get("after"); v != "" {
		num, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			return nil, invalid("after is not a valid paging cursor")
		}
		at, _ = o.find(num)
	}
	archived := c.archived()
	names := append(c.list("properties"), histories...)
	page := pageView{Results: []view{}}
	for ; at < len(o.order); at++ {
		rec := o.order[at]
		if rec.archived != archived || (archived && c.now.Sub(rec.ended) > binFor) {
			continue
		}
		if len(page.Results) == limit {
			page.Paging = &pageNext{nextPage{After: rec.id, Link: c.nextLink(rec.id)}}
			break
		}
		v := rec.show(names)
		v.History = rec.history(histories)
		var bad *apiError
		if v.Associations, bad = c.associated(rec, c.list("associations")); bad != nil {
			return nil, bad
		}
		page.Results = append(page.Results, v)
	}
	return ok(page), nil
}

// binFor is how long the recycle bin keeps a record.
const binFor = 90 * 24 * time.Hour

func (c *call) nextLink(after string) string {
	q := c.r.URL.Query()
	q.Set("after", after)
	return "https://api.hubapi.com" + c.r.URL.Path + "?" + q.Encode()
}

package hubspotsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The association batches' own limits.
const (
	maxLinkRead    = 1_000
	maxLinkCreate  = 2_000
	maxLinkArchive = 100
)

// associated renders the associations a list or single read asked for: one row per type, so that a
// primary company stands there twice.
func (c *call) associated(rec *record, kinds []string) (map[string]linkPage, *apiError) {
	var out map[string]linkPage
	for _, kind := range kinds {
		o := c.s.object(kind)
		if o == nil {
			return nil, invalid("Unable to infer object type from: " + kind)
		}
		links, next := pageOfLinks(c.legacyLinks(rec, o), linkID, "", maxLinksBeside)
		if len(links) == 0 {
			continue
		}
		page := linkPage{Results: links, Paging: c.linksGoOn(rec, o, next)}
		if out == nil {
			out = map[string]linkPage{}
		}
		out[o.name] = page
	}
	return out, nil
}

// typeName is the old name of an association type, e.g. contact_to_company for the primary one.
func (s *Sim) typeName(from, to *object, id int) string {
	name := from.singular + "_to_" + to.singular
	switch label := s.types[id].label; {
	case id >= firstLabel:
		return strings.ToLower(strings.ReplaceAll(label, " ", "_"))
	case label == "" && primaryType(from.name, to.name) != 0:
		return name + "_unlabeled"
	case label == "Child" || label == "Parent":
		return strings.ToLower(label) + "_" + name
	}
	return name
}

// objectAssociations answers .../{type}/{id}/associations/...
func (c *call) objectAssociations(o *object, id string, rest []string) (*reply, *apiError) {
	rec := o.live(id)
	if rec == nil {
		return nil, notFound("Object not found.  objectId are usually numeric.")
	}
	if len(rest) == 3 && c.version == "v3" {
		return c.legacyAssociation(rec, rest[0], rest[1], rest[2])
	}
	plain := len(rest) == 3 && rest[0] == "default" && c.r.Method == http.MethodPut
	if plain {
		rest = rest[1:]
	}
	if len(rest) == 0 || len(rest) > 2 || len(rest) == 2 && c.version == "v3" { // v3 names the type
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	to := c.s.object(rest[0])
	if to == nil {
		return nil, invalid("Unable to infer object type from: " + rest[0])
	}
	if len(rest) == 1 {
		if c.r.Method != http.MethodGet || c.version == "2026-09" { // gone from 2026-09
			return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
		}
		return c.pageOfAssociations(rec, to)
	}
	other := to.live(rest[1])
	if other == nil {
		return nil, notFound("Object not found.  objectId are usually numeric.")
	}
	switch c.r.Method {
	case http.MethodPut:
		return c.putAssociation(rec, other, plain)
	case http.MethodDelete:
		c.s.unlink(rec, other, c.by, c.now)
		return nil, nil
	}
	return nil, c.methodNotAllowed()
}

func (c *call) putAssociation(rec, other *record, plain bool) (*reply, *apiError) {
	base := plainType(rec.of.name, other.of.name)
	if plain {
		if base == 0 {
			return nil, invalid("There is no default association from " + rec.of.singular + " to " + other.of.singular + ".")
		}
		if bad := c.s.linkLimit(rec.of, rec, []newLink{{other, []int{base}}}); bad != nil {
			return nil, bad
		}
		c.s.link(rec, other, []int{base}, c.by, c.now)
		return ok(map[string]any{"status": "COMPLETE", "results": []any{
			map[string]any{"from": map[string]string{"id": rec.id}, "to": map[string]string{"id": other.id}, "associationSpec": typeInput{"HUBSPOT_DEFINED", base}},
			map[string]any{"from": map[string]string{"id": other.id}, "to": map[string]string{"id": rec.id}, "associationSpec": typeInput{"HUBSPOT_DEFINED", standardTypes[base].inverse}},
		}}), nil
	}
	var types []typeInput
	if bad := c.read(&types); bad != nil {
		return nil, bad
	}
	in := linkInput{Types: types}
	in.To.ID = text(other.id)
	links, bad := c.s.checkLinks(rec.of, []linkInput{in})
	if bad != nil {
		return nil, bad
	}
	if bad := c.s.linkLimit(rec.of, rec, links); bad != nil {
		return nil, bad
	}
	for _, t := range slices.Sorted(maps.Keys(rec.links[other.of.name][other.id])) { // the labels sent replace those there were
		if t != base && !slices.Contains(links[0].types, t) {
			c.s.dropType(rec, other, t, c.by, c.now)
		}
	}
	c.s.link(rec, links[0].to, links[0].types, c.by, c.now)
	return &reply{http.StatusCreated, c.labelled(rec, links[0])}, nil
}

// labelled tells an association that was made.
func (c *call) labelled(rec *record, l newLink) map[string]any {
	return map[string]any{
		"fromObjectTypeId": rec.of.typeID, "fromObjectId": c.linkedID(rec.id), "toObjectTypeId": l.to.of.typeID, "toObjectId": c.linkedID(l.to.id),
		"labels": c.s.labelsOf(l.types),
	}
}

// linkedID is a record's id among associations: a number in v4, text since.
func (c *call) linkedID(id string) any {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && !dated(c.version) {
		return n
	}
	return id
}

// typed lists a record's associations to one kind with their types.
func (c *call) typed(rec *record, to *object) []map[string]any {
	out := []map[string]any{}
	for _, id := range rec.linked(to.name) {
		if to.live(id) == nil {
			continue
		}
		types := []map[string]any{}
		for _, t := range slices.Sorted(maps.Keys(rec.links[to.name][id])) {
			types = append(types, labelView(t, c.s.types[t]))
		}
		out = append(out, map[string]any{"toObjectId": c.linkedID(id), "associationTypes": types})
	}
	return out
}

// associations answers /crm/associations/{version}/{from}/{to}/batch/{verb}.
func (c *call) associations() (*reply, *apiError) {
	old, known := c.version == "v3", false
	if len(c.rest) > 2 {
		switch n := len(c.rest); c.rest[2] {
		case "labels": // types have labels since v4, and names before
			known = n < 5 && !old
		case "types":
			known = n == 3 && old && c.r.Method == http.MethodGet
		case "batch":
			known = n > 3 && c.r.Method == http.MethodPost
		}
	}
	if !known {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	from, to := c.s.object(c.rest[0]), c.s.object(c.rest[1])
	if from == nil || to == nil {
		return nil, invalid("Unable to infer object type from: " + c.rest[0] + ", " + c.rest[1])
	}
	if old {
		return c.legacyAssociations(from, to)
	}
	if c.rest[2] == "labels" {
		return c.labels(from, to)
	}
	var in struct {
		Inputs []pairInput `json:"inputs"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	verb := strings.Join(c.rest[3:], "/")
	if bad := shaped(in.Inputs, verb == "archive"); bad != nil {
		return nil, bad
	}
	switch verb {
	case "read":
		return c.readAssociations(from, to, in.Inputs)
	case "create", "associate/default":
		return c.createAssociations(from, to, in.Inputs, verb == "create")
	case "labels/archive":
		return c.archiveLabels(from, to, in.Inputs)
	case "archive":
		return c.archiveAssociations(from, to, in.Inputs)
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

type end struct {
	ID text `json:"id"`
}

// ends is the "to" of a pair: one end, or a list of them in an archive.
type ends struct {
	all  []end
	list bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *ends) UnmarshalJSON(raw []byte) error {
	if e.list = len(raw) > 0 && raw[0] == '['; e.list {
		return json.Unmarshal(raw, &e.all)
	}
	e.all = make([]end, 1)
	return json.Unmarshal(raw, &e.all[0])
}

// shaped refuses pairs whose "to" is a list where one end is asked for, or the other way round.
func shaped(inputs []pairInput, list bool) *apiError {
	at := slices.IndexFunc(inputs, func(in pairInput) bool { return len(in.To.all) > 0 && in.To.list != list })
	if at < 0 {
		return nil
	}
	return invalid("Invalid input JSON on line 1, column 1: Cannot deserialize the value at /inputs/" + strconv.Itoa(at) + "/to")
}

// pairInput is one row of an association batch.
type pairInput struct {
	ID    text        `json:"id"`
	After text        `json:"after"` // of a read: where the record's associations go on
	From  end         `json:"from"`
	To    ends        `json:"to"`
	Types []typeInput `json:"types"`
}

func (c *call) readAssociations(from, to *object, inputs []pairInput) (*reply, *apiError) {
	if bad := count(len(inputs), maxLinkRead); bad != nil {
		return nil, bad
	}
	results := []map[string]any{}
	var errors []errorBody
	for _, in := range inputs {
		rec := from.live(string(in.ID))
		var rows []map[string]any
		var next string
		if bad := badLinkCursor(string(in.After)); bad != nil {
			return nil, bad
		}
		if rec != nil {
			rows, next = pageOfLinks(c.typed(rec, to), typedID, string(in.After), maxLinksPage)
		}
		if len(rows) == 0 {
			errors = append(errors, noAssociations(from, to, string(in.ID)))
			continue
		}
		result := map[string]any{"from": map[string]string{"id": string(in.ID)}, "to": rows}
		if next != "" {
			result["paging"] = c.linksGoOn(rec, to, next)
		}
		results = append(results, result)
	}
	return c.finishAny(http.StatusOK, results, errors), nil
}

func noAssociations(from, to *object, id string) errorBody {
	return errorBody{
		Status: "error", Category: "OBJECT_NOT_FOUND", SubCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
		Message: "No " + to.singular + " is associated with " + from.singular + " " + id + ".",
		Context: map[string][]string{"fromObjectId": {id}, "fromObjectType": {from.singular}, "toObjectType": {to.singular}},
	}
}

func (c *call) createAssociations(from, to *object, inputs []pairInput, typed bool) (*reply, *apiError) {
	if bad := count(len(inputs), maxLinkCreate); bad != nil {
		return nil, bad
	}
	base := plainType(from.name, to.name)
	results := []map[string]any{}
	var errors []errorBody
	failing := c.unlucky(len(inputs))
	for i, in := range inputs {
		if failing[i] {
			errors = append(errors, transient().row())
			continue
		}
		l := linkInput{Types: in.Types}
		if !typed {
			l.Types = []typeInput{{"HUBSPOT_DEFINED", base}}
		}
		rec := from.live(string(in.From.ID))
		if rec == nil || len(in.To.all) != 1 {
			errors = append(errors, notFound("No "+from.singular+" has id "+string(in.From.ID)+".").row())
			continue
		}
		l.To.ID = in.To.all[0].ID
		links, bad := c.s.checkLinks(from, []linkInput{l})
		if bad == nil && links[0].to.of != to {
			bad = invalid("The association type does not lead to " + to.singular + ".")
		}
		if bad == nil {
			bad = c.s.linkLimit(from, rec, links)
		}
		if bad != nil {
			errors = append(errors, bad.row())
			continue
		}
		c.s.link(rec, links[0].to, links[0].types, c.by, c.now)
		if typed {
			results = append(results, c.labelled(rec, links[0]))
			continue
		}
		results = append(results, map[string]any{
			"from": map[string]string{"id": rec.id}, "to": map[string]string{"id": links[0].to.id}, "associationSpec": l.Types[0],
		})
	}
	status := http.StatusCreated
	if !typed { // HubSpot's own client takes nothing else
		status = http.StatusOK
	}
	return c.finishAny(status, results, errors), nil
}

func (c *call) archiveAssociations(from, to *object, inputs []pairInput) (*reply, *apiError) {
	if bad := count(len(inputs), maxLinkArchive); bad != nil {
		return nil, bad
	}
	for _, in := range inputs {
		rec := from.live(string(in.From.ID))
		for _, e := range in.To.all {
			if other := to.live(string(e.ID)); rec != nil && other != nil {
				c.s.unlink(rec, other, c.by, c.now)
			}
		}
	}
	return nil, nil
}

func (c *call) finishAny(status int, results []map[string]any, errors []errorBody) *reply {
	body := map[string]any{
		"status": "COMPLETE", "results": results, "startedAt": moment(c.now), "completedAt": moment(stamp()),
	}
	if len(errors) > 0 {
		status = http.StatusMultiStatus
		body["numErrors"], body["errors"] = len(errors), complete(errors)
	}
	return &reply{status, body}
}

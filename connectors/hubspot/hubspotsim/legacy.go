package hubspotsim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// What clients of before the dated versions still send, and HubSpot still answers: v3 associations, where a type has
// a name, and the questions about a token. Written from HubSpot's manuals of v1 and v3.

// namedType finds an association type by its name in v3 (contact_to_company) or by its id; 0: there is none.
func (s *Sim) namedType(from, to *object, name string) int {
	if id, err := strconv.Atoi(name); err == nil {
		if t := s.types[id]; t.from == from.name && t.to == to.name {
			return id
		}
		return 0
	}
	for _, id := range slices.Sorted(maps.Keys(s.types)) {
		if t := s.types[id]; t.from == from.name && t.to == to.name && s.typeName(from, to, id) == strings.ToLower(name) {
			return id
		}
	}
	return 0
}

// legacyLinks lists a record's associations to one kind the way v3 does: a row for every type.
func (c *call) legacyLinks(rec *record, to *object) []linkView {
	out := []linkView{}
	for _, id := range rec.linked(to.name) {
		if to.live(id) == nil {
			continue
		}
		for _, t := range slices.Sorted(maps.Keys(rec.links[to.name][id])) {
			out = append(out, linkView{id, c.s.typeName(rec.of, to, t)})
		}
	}
	return out
}

// legacyAssociation answers PUT and DELETE /crm/v3/objects/{from}/{id}/associations/{to}/{id}/{type}.
func (c *call) legacyAssociation(rec *record, kind, id, name string) (*reply, *apiError) {
	to := c.s.object(kind)
	if to == nil {
		return nil, invalid("Unable to infer object type from: " + kind)
	}
	other := to.live(id)
	if other == nil {
		return nil, notFound("Object not found.  objectId are usually numeric.")
	}
	t := c.s.namedType(rec.of, to, name)
	if t == 0 {
		return nil, invalid("Invalid association type '" + name + "' from " + rec.of.singular + " to " + to.singular + ".")
	}
	switch c.r.Method {
	case http.MethodPut:
		if bad := c.s.linkLimit(rec.of, rec, []newLink{{other, []int{t}}}); bad != nil {
			return nil, bad
		}
		c.s.link(rec, other, []int{t}, c.by, c.now)
		v := rec.show(nil)
		links, next := pageOfLinks(c.legacyLinks(rec, to), linkID, "", maxLinksBeside)
		v.Associations = map[string]linkPage{to.name: {Results: links, Paging: c.linksGoOn(rec, to, next)}}
		return ok(v), nil
	case http.MethodDelete:
		c.legacyUnlink(rec, other, t)
		return nil, nil
	}
	return nil, c.methodNotAllowed()
}

// legacyUnlink takes a type away. v3 knows one type of a pair, so that its last one, or the primary one, takes all.
func (c *call) legacyUnlink(rec, other *record, t int) {
	if types := rec.links[other.of.name][other.id]; !types[t] {
		return
	}
	if t < firstLabel {
		t = plainType(rec.of.name, other.of.name)
	}
	c.s.dropType(rec, other, t, c.by, c.now)
}

// legacyAssociations answers /crm/v3/associations/{from}/{to}/types and …/batch/{read,create,archive}.
func (c *call) legacyAssociations(from, to *object) (*reply, *apiError) {
	if c.rest[2] == "types" && len(c.rest) == 3 {
		results := []map[string]string{}
		for _, id := range slices.Sorted(maps.Keys(c.s.types)) {
			if t := c.s.types[id]; t.from == from.name && t.to == to.name {
				results = append(results, map[string]string{"id": strconv.Itoa(id), "name": c.s.typeName(from, to, id)})
			}
		}
		return ok(map[string]any{"results": results}), nil
	}
	var in struct {
		Inputs []legacyPair `json:"inputs"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	most := maxLinkCreate
	if c.rest[3] == "read" {
		most = maxLinkRead
	}
	if bad := count(len(in.Inputs), most); bad != nil {
		return nil, bad
	}
	switch strings.Join(c.rest[3:], "/") {
	case "read":
		return c.legacyRead(from, to, in.Inputs), nil
	case "create":
		return c.legacyCreate(from, to, in.Inputs), nil
	case "archive":
		for _, row := range in.Inputs {
			rec, other := from.live(string(row.From.ID)), to.live(string(row.To.ID))
			if t := c.s.namedType(from, to, row.Type); rec != nil && other != nil && t != 0 {
				c.legacyUnlink(rec, other, t)
			}
		}
		return nil, nil
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

// legacyPair is one row of a v3 association batch.
type legacyPair struct {
	ID   text   `json:"id"`
	From end    `json:"from"`
	To   end    `json:"to"`
	Type string `json:"type"`
}

func (c *call) legacyRead(from, to *object, inputs []legacyPair) *reply {
	results := []map[string]any{}
	var errors []errorBody
	for _, row := range inputs {
		var links []linkView
		var next string
		rec := from.live(string(row.ID))
		if rec != nil {
			links, next = pageOfLinks(c.legacyLinks(rec, to), linkID, "", maxLinksBeside)
		}
		if len(links) == 0 {
			errors = append(errors, noAssociations(from, to, string(row.ID)))
			continue
		}
		result := map[string]any{"from": map[string]string{"id": string(row.ID)}, "to": links}
		if next != "" {
			result["paging"] = c.linksGoOn(rec, to, next)
		}
		results = append(results, result)
	}
	return c.finishAny(http.StatusOK, results, errors)
}

func (c *call) legacyCreate(from, to *object, inputs []legacyPair) *reply {
	results := []map[string]any{}
	var errors []errorBody
	for _, row := range inputs {
		rec, other, t := from.live(string(row.From.ID)), to.live(string(row.To.ID)), c.s.namedType(from, to, row.Type)
		var bad *apiError
		switch {
		case t == 0:
			bad = invalid("Invalid association type '" + row.Type + "' from " + from.singular + " to " + to.singular + ".")
		case rec == nil:
			bad = notFound("No " + from.singular + " has id " + string(row.From.ID) + ".")
		case other == nil:
			bad = notFound("No " + to.singular + " has id " + string(row.To.ID) + ".")
		default:
			bad = c.s.linkLimit(from, rec, []newLink{{other, []int{t}}})
		}
		if bad != nil {
			errors = append(errors, bad.row())
			continue
		}
		c.s.link(rec, other, []int{t}, c.by, c.now)
		results = append(results, map[string]any{"from": map[string]string{"id": rec.id}, "to": map[string]string{"id": other.id}, "type": row.Type})
	}
	return c.finishAny(http.StatusCreated, results, errors)
}

// aboutToken answers /oauth/v1/access-tokens/{token} and /oauth/v1/refresh-tokens/{token}, which need no other proof.
func (c *call) aboutToken(kind, token string) (*reply, *apiError) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	told := c.s.introspect(token, c.now)
	refresh := kind == "refresh-tokens"
	if told["active"] != true || (told["token_use"] == "refresh_token") != refresh {
		return nil, refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "The token is not known, has expired or was revoked.")
	}
	out := map[string]any{
		"token": token, "user": "admin@example.com", "user_id": told["user_id"], "hub_domain": "example.com", "hub_id": told["hub_id"], "scopes": told["scopes"],
	}
	switch {
	case refresh && c.r.Method == http.MethodDelete:
		c.s.revoke(token)
		return nil, nil
	case c.r.Method != http.MethodGet:
		return nil, c.methodNotAllowed()
	case refresh:
		out["token_type"], out["client_id"] = "refresh", c.s.creds.ClientID
	default:
		out["token_type"], out["app_id"], out["expires_in"] = "access", appID, told["expires_in"]
	}
	return ok(out), nil
}

// me answers /integrations/v1/me, which old clients try a token with.
func (c *call) me() (*reply, *apiError) {
	if c.r.Method != http.MethodGet {
		return nil, c.methodNotAllowed()
	}
	_, offset := c.now.In(c.s.zone).Zone()
	return ok(map[string]any{
		"portalId": c.s.portal, "timeZone": portalZone, "currency": "USD", "utcOffset": offsetText(offset), "utcOffsetMilliseconds": offset * 1000,
	}), nil
}

// foreignObjects are HubSpot's own types that this portal's app was not granted.
var foreignObjects = []string{
	"carts", "commerce_payments", "commerce_subscriptions", "courses", "discounts", "feedback_submissions", "fees", "goal_targets", "invoices",
	"line_items", "listings", "orders", "products", "quotes", "services", "taxes", "users",
}

// noSuchObject refuses a type: one that exists everywhere for want of a scope, another as unknown.
func noSuchObject(name string) *apiError {
	plural := strings.ToLower(name)
	if !slices.Contains(foreignObjects, plural) {
		if plural += "s"; !slices.Contains(foreignObjects, plural) {
			return invalid("Unable to infer object type from: " + name)
		}
	}
	return lacks([]string{"crm.objects." + plural + ".read"})
}

// schemas answers /crm/v3/schemas: no custom objects, and the definitions of HubSpot's own.
func (c *call) schemas() (*reply, *apiError) {
	if c.r.Method != http.MethodGet {
		return nil, c.methodNotAllowed()
	}
	switch len(c.rest) {
	case 0:
		return ok(map[string]any{"results": []any{}}), nil
	case 1:
	default:
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	o := c.s.object(c.rest[0])
	if o == nil {
		return nil, noSuchObject(c.rest[0])
	}
	title := strings.ToUpper(o.singular[:1]) + o.singular[1:]
	links := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(c.s.types)) {
		if t := c.s.types[id]; t.from == o.name {
			links = append(links, map[string]any{
				"id": strconv.Itoa(id), "fromObjectTypeId": o.typeID, "toObjectTypeId": c.s.objects[t.to].typeID, "name": c.s.typeName(o, c.s.objects[t.to], id),
			})
		}
	}
	display := o.defaults[0]
	return ok(map[string]any{
		"id": o.typeID, "objectTypeId": o.typeID, "name": strings.ToUpper(o.singular), "fullyQualifiedName": strings.ToUpper(o.singular), "archived": false,
		"labels": map[string]string{"singular": title, "plural": title + "s"}, "requiredProperties": slices.Concat([]string{}, o.required),
		"searchableProperties": o.defaults, "primaryDisplayProperty": display, "secondaryDisplayProperties": []string{}, "properties": o.listed(false),
		"associations": links,
	}), nil
}

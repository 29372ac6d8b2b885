package hubspotsim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxLabels is how many labels of its own a portal may have for one pair of objects.
const maxLabels = 10

// firstLabel is the first id of a portal's own association types; HubSpot's own stay far below.
const firstLabel = 100_001

// category says whose an association type is.
func category(id int) string {
	if id >= firstLabel {
		return "USER_DEFINED"
	}
	return "HUBSPOT_DEFINED"
}

// labels answers GET, POST and PUT .../{from}/{to}/labels, the association types of a pair in order of id, and DELETE
// .../labels/{id}.
func (c *call) labels(from, to *object) (*reply, *apiError) {
	if len(c.rest) == 4 {
		if c.r.Method != http.MethodDelete {
			return nil, c.methodNotAllowed()
		}
		return c.dropLabel(from, to, c.rest[3])
	}
	switch c.r.Method {
	case http.MethodPut:
		return c.renameLabel(from, to)
	case http.MethodGet:
		results := []map[string]any{}
		for _, id := range slices.Sorted(maps.Keys(c.s.types)) {
			if t := c.s.types[id]; t.from == from.name && t.to == to.name {
				results = append(results, labelView(id, t))
			}
		}
		return ok(map[string]any{"results": results}), nil
	case http.MethodPost:
		return c.makeLabel(from, to)
	}
	return nil, c.methodNotAllowed()
}

// labelsOf are the labels among association types.
func (s *Sim) labelsOf(types []int) []string {
	out := []string{}
	for _, id := range types {
		if label := s.types[id].label; label != "" {
			out = append(out, label)
		}
	}
	return out
}

func labelView(id int, t linkType) map[string]any {
	label := any(nil)
	if t.label != "" {
		label = t.label
	}
	return map[string]any{"category": category(id), "typeId": id, "label": label}
}

// makeLabel makes a label of the portal's own: two types, one for each direction.
func (c *call) makeLabel(from, to *object) (*reply, *apiError) {
	var in struct {
		Label   string `json:"label"`
		Name    string `json:"name"`
		Inverse string `json:"inverseLabel"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	if in.Label == "" || plainType(from.name, to.name) == 0 {
		return nil, invalid("An association label needs a label, and objects that can be associated.")
	}
	if in.Name == "" || strings.Contains(in.Name, "-") || in.Name[0] >= '0' && in.Name[0] <= '9' {
		return nil, invalid("An association label needs a name, without hyphens, that does not begin with a digit.")
	}
	if c.s.labels[in.Name] != 0 {
		return nil, invalid("An association definition named '" + in.Name + "' already exists.")
	}
	own := 0
	for id, t := range c.s.types {
		if t.from != from.name || t.to != to.name {
			continue
		}
		if strings.EqualFold(t.label, in.Label) {
			return nil, invalid("The label '" + in.Label + "' already exists.")
		}
		if id >= firstLabel {
			own++
		}
	}
	if own >= maxLabels {
		return nil, invalid("The limit of 10 labels for this pair of objects is reached.")
	}
	id := firstLabel
	for c.s.types[id].from != "" {
		id++
	}
	back := in.Inverse
	if back == "" {
		back = in.Label
	}
	c.s.labels[in.Name] = id
	c.s.types[id] = linkType{from.name, to.name, id, id + 1, in.Label}
	c.s.types[id+1] = linkType{to.name, from.name, id + 1, id, back}
	return ok(map[string]any{"results": []any{labelView(id, c.s.types[id]), labelView(id+1, c.s.types[id+1])}}), nil
}

// ownLabel is the label of the portal's own with an id; HubSpot's stay as they are.
func (c *call) ownLabel(from, to *object, id int) (linkType, *apiError) {
	t, known := c.s.types[id]
	switch {
	case !known || t.from != from.name || t.to != to.name:
		return t, notFound("No association type from " + from.singular + " to " + to.singular + " has id " + strconv.Itoa(id) + ".")
	case id < firstLabel:
		return t, invalid("Association type " + strconv.Itoa(id) + " is HubSpot's own.")
	}
	return t, nil
}

// renameLabel gives a label and its inverse other names.
func (c *call) renameLabel(from, to *object) (*reply, *apiError) {
	var in struct {
		ID      int    `json:"associationTypeId"`
		Label   string `json:"label"`
		Inverse string `json:"inverseLabel"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	t, bad := c.ownLabel(from, to, in.ID)
	if bad != nil {
		return nil, bad
	}
	if in.Label == "" {
		return nil, invalid("An association label needs a label.")
	}
	t.label = in.Label
	c.s.types[in.ID] = t
	back := c.s.types[t.inverse]
	if back.label = in.Inverse; in.Inverse == "" { // one label for both directions, whatever there was
		back.label = in.Label
	}
	c.s.types[t.inverse] = back
	return nil, nil
}

// dropLabel takes a label away from the portal, once no association of records that are there has it.
func (c *call) dropLabel(from, to *object, raw string) (*reply, *apiError) {
	id, err := strconv.Atoi(raw)
	if err != nil {
		return nil, notFound("No association type has id " + raw + ".")
	}
	t, bad := c.ownLabel(from, to, id)
	if bad != nil {
		return nil, bad
	}
	for _, rec := range from.order {
		for other, types := range rec.links[to.name] {
			if types[id] && !rec.archived && to.live(other) != nil {
				return nil, invalid("Association type " + raw + " is in use: take its label away first.")
			}
		}
	}
	for _, rec := range from.order { // those that lie in the recycle bin
		for _, types := range rec.links[to.name] {
			delete(types, id)
		}
	}
	for _, rec := range to.order {
		for _, types := range rec.links[from.name] {
			delete(types, t.inverse)
		}
	}
	delete(c.s.types, id)
	delete(c.s.types, t.inverse)
	maps.DeleteFunc(c.s.labels, func(_ string, of int) bool { return of == id || of == t.inverse })
	return nil, nil
}

// archiveLabels takes labels away and leaves the association, unless the default type is among them: that one takes
// all with it.
func (c *call) archiveLabels(from, to *object, inputs []pairInput) (*reply, *apiError) {
	if bad := count(len(inputs), maxLinkCreate); bad != nil {
		return nil, bad
	}
	for _, in := range inputs {
		rec := from.live(string(in.From.ID))
		if rec == nil || len(in.To.all) != 1 {
			continue
		}
		if other := to.live(string(in.To.all[0].ID)); other != nil {
			for _, t := range in.Types {
				c.s.dropType(rec, other, t.ID, c.by, c.now)
			}
		}
	}
	return nil, nil
}

// linkLimit refuses associations above what the portal's admin allows. rec is nil for a record about to be made.
func (s *Sim) linkLimit(o *object, rec *record, links []newLink) *apiError {
	return s.linkLimitAfter(o, rec, links, nil)
}

// linkLimitAfter is [Sim.linkLimit] for a row of a batch: coming counts what the rows before it bring to a record.
func (s *Sim) linkLimitAfter(o *object, rec *record, links []newLink, coming map[*record]int) *apiError {
	if len(s.traits.linkLimits) == 0 {
		return nil
	}
	own := map[string]map[string]bool{}
	for _, l := range links {
		kind := l.to.of.name
		if own[kind] == nil {
			own[kind] = map[string]bool{}
			if rec != nil {
				for id := range rec.links[kind] {
					own[kind][id] = true
				}
			}
		}
		fresh := !own[kind][l.to.id]
		own[kind][l.to.id] = true
		if most := s.traits.linkLimits[o.name+">"+kind]; most > 0 && len(own[kind]) > most {
			return linkLimitExceeded(o, l.to.of, most)
		}
		if most := s.traits.linkLimits[kind+">"+o.name]; most > 0 && fresh && len(l.to.links[o.name])+coming[l.to] >= most {
			return linkLimitExceeded(l.to.of, o, most)
		}
	}
	return nil
}

func linkLimitExceeded(from, to *object, most int) *apiError {
	bad := invalid("A " + from.singular + " may be associated with " + strconv.Itoa(most) + " " + to.name + " at most.")
	if doc, isDoc := bad.body.(errorBody); isDoc {
		doc.SubCategory = "crm.associations.ASSOCIATION_LIMIT_EXCEEDED"
		bad.body = doc
	}
	return bad
}

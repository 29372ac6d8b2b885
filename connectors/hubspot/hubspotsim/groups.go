package hubspotsim

import (
	"net/http"
	"slices"
)

// namedProperties answers batch/read and batch/archive of properties, which name them.
func (c *call) namedProperties(o *object, archive bool) (*reply, *apiError) {
	var in struct {
		Archived bool `json:"archived"`
		Inputs   []struct {
			Name string `json:"name"`
		} `json:"inputs"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	if bad := count(len(in.Inputs), maxBatch); bad != nil {
		return nil, bad
	}
	results := []map[string]any{}
	var absent []string
	var found []property
	var going []*property
	for _, row := range in.Inputs {
		p := o.props[row.Name]
		switch {
		case p == nil || p.lags() || p.Archived != in.Archived:
			absent = append(absent, row.Name)
		case archive:
			if bad := c.s.mayArchive(o, p); bad != nil {
				return nil, bad
			}
			going = append(going, p)
		default:
			found = append(found, *p)
		}
	}
	if archive {
		for _, p := range going {
			p.Archived = true
		}
		return nil, nil
	}
	var errors []errorBody
	if len(absent) > 0 {
		errors = []errorBody{{
			Status: "error", Category: "OBJECT_NOT_FOUND", Message: "Some properties do not exist.", Context: map[string][]string{"name": absent},
		}}
	}
	out := c.finishAny(http.StatusOK, results, errors)
	if body, isMap := out.body.(map[string]any); isMap {
		body["results"] = slices.Concat([]property{}, found)
	}
	return out, nil
}

// oneGroup answers /crm/properties/{version}/{type}/groups/{name}. A group that has properties stays.
func (c *call) oneGroup(o *object, name string) (*reply, *apiError) {
	at := slices.IndexFunc(o.groups, func(g group) bool { return g.Name == name })
	if at < 0 {
		return nil, notFound("No property group named '" + name + "' exists.")
	}
	switch c.r.Method {
	case http.MethodGet:
		return ok(o.groups[at]), nil
	case http.MethodPatch:
		var in struct {
			Label *string `json:"label"`
			Order *int    `json:"displayOrder"`
		}
		if bad := c.read(&in); bad != nil {
			return nil, bad
		}
		if in.Label != nil {
			o.groups[at].Label = *in.Label
		}
		if in.Order != nil {
			o.groups[at].Order = *in.Order
		}
		return ok(o.groups[at]), nil
	case http.MethodDelete:
		for _, p := range o.props {
			if p.Group == name && !p.Archived { // one that is not there yet keeps it too
				return nil, invalid("Property group '" + name + "' has properties.")
			}
		}
		o.groups = slices.Delete(slices.Clone(o.groups), at, at+1)
		return nil, nil
	}
	return nil, c.methodNotAllowed()
}

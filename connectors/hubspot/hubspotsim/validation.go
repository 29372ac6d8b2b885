package hubspotsim

import (
	"maps"
	"net/http"
	"slices"
)

// check is [Sim.check] with the rules that an admin made, which bind API calls from 2026-09 on: older versions
// never asked for them.
func (c *call) check(o *object, rec *record, in written) (map[string]string, *apiError) {
	set, bad := c.s.check(o, rec, in)
	if bad != nil || c.version != "2026-09" {
		return set, bad
	}
	var missing []badProperty
	if rec == nil {
		for _, name := range c.s.traits.createRequired[o.name] {
			if set[name] == "" {
				missing = append(missing, badProperty{name, "MISSING_REQUIRED_PROPERTY"})
			}
		}
	}
	for _, r := range c.s.traits.required[o.name] {
		for _, name := range r.lacking(rec, set) {
			missing = append(missing, badProperty{name, "MISSING_CONDITIONAL_REQUIRED_PROPERTY"})
		}
	}
	if len(missing) > 0 {
		return nil, missingProperties(missing)
	}
	return set, nil
}

// lacking lists what must be filled once the write is done and is not. A write that touches nothing of the rule
// is not judged by it: the record may be older than the rule.
func (r rule) lacking(rec *record, set map[string]string) []string {
	after := func(name string) string {
		if v, named := set[name]; named || rec == nil {
			return v
		}
		return rec.values[name]
	}
	touched := false
	for _, name := range slices.Concat(slices.Collect(maps.Keys(r.When)), r.Need) {
		_, named := set[name]
		touched = touched || named
	}
	for name, value := range r.When {
		if after(name) != value {
			return nil
		}
	}
	if !touched {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Need), func(name string) bool { return after(name) != "" })
}

type badProperty struct{ name, code string }

func missingProperties(bad []badProperty) *apiError {
	body := errorBody{Status: "error", Category: "VALIDATION_ERROR", Message: "Some required properties were not set."}
	for _, b := range bad {
		body.Errors = append(body.Errors, errorDetail{
			Message: "Required property " + b.name + " is missing.", Code: b.code,
			Context: map[string][]string{"propertyName": {b.name}},
		})
	}
	return &apiError{http.StatusBadRequest, body}
}

package hubspotsim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// gatedBy names the object whose scope opens another: activities have none of their own.
var gatedBy = map[string]string{"tasks": "contacts", "notes": "contacts", "meetings": "contacts", "calls": "contacts", "emails": "contacts"}

// allowed refuses a call whose scopes the app was not granted. For each of needs one of its names is enough.
func (c *call) allowed(family string) *apiError {
	granted := c.s.scopesOf(c.kind)
	if granted == nil {
		return nil
	}
	tickets := "crm.objects.tickets.read" // what stands beside the old scope in the newer pages
	if changes(c.r) {
		tickets = "crm.objects.tickets.write"
	}
	var lacking []string
	for _, anyOf := range c.needs(family) {
		if !slices.ContainsFunc(anyOf, func(scope string) bool { return granted[scope] || scope == "tickets" && granted[tickets] }) {
			lacking = append(lacking, anyOf[0])
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return lacks(lacking)
}

// lacks refuses a call for want of scopes.
func lacks(scopes []string) *apiError {
	return &apiError{http.StatusForbidden, errorBody{
		Status: "error", Category: "MISSING_SCOPES", Message: "The app lacks scopes that this call needs.",
		Context: map[string][]string{"missingScopes": scopes},
		Errors:  []errorDetail{{Message: "One of these scopes is required.", Context: map[string][]string{"requiredGranularScopes": scopes}}},
	}}
}

// needs lists the scopes of a call: all of the lists, any name of each.
func (c *call) needs(family string) [][]string {
	verb := "read"
	if changes(c.r) {
		verb = "write"
	}
	switch family {
	case "objects", "pipelines", "properties":
		if len(c.rest) == 0 {
			return nil
		}
		return c.objectNeeds(family, verb)
	case "associations":
		var out [][]string
		for _, name := range c.rest[:min(2, len(c.rest))] {
			if o := c.s.object(name); o != nil {
				out = append(out, []string{scopeOf(o, verb)})
			}
		}
		return out
	case "me", "webhooks":
		return nil
	case "schemas":
		if len(c.rest) == 0 { // no custom objects, whoever asks
			return nil
		}
		return c.objectNeeds(family, verb)
	case "owners":
		return [][]string{{"crm.objects.owners.read"}}
	case "automation":
		return [][]string{{"automation"}}
	case "lists":
		return [][]string{{"crm.lists.read"}}
	}
	return nil // account-info: any token may ask who it belongs to
}

func (c *call) objectNeeds(family, verb string) [][]string {
	o := c.s.object(c.rest[0])
	if o == nil {
		return nil
	}
	scope := scopeOf(o, verb)
	schema := strings.Replace(scope, "crm.objects.", "crm.schemas.", 1)
	switch {
	case family == "objects":
		out := [][]string{{scope}}
		if o.name == "emails" && verb == "read" { // HubSpot's pages disagree about it
			out = append(out, []string{"sales-email-read"})
		}
		if len(c.rest) > 3 && c.rest[2] == "associations" {
			if to := c.s.object(c.rest[len(c.rest)-1]); to != nil {
				return append(out, []string{scopeOf(to, verb)})
			}
			if to := c.s.object(c.rest[len(c.rest)-2]); to != nil {
				return append(out, []string{scopeOf(to, verb)})
			}
		}
		for _, kind := range c.list("associations") {
			if to := c.s.object(kind); to != nil && verb == "read" {
				out = append(out, []string{scopeOf(to, "read")})
			}
		}
		return out
	case verb == "write":
		return [][]string{{schema}}
	}
	return [][]string{{scope, schema}} // definitions may be read with either
}

// scopeOf is the scope that opens an object for reading or writing; tickets have one old scope for both.
func scopeOf(o *object, verb string) string {
	name := o.name
	if by := gatedBy[name]; by != "" {
		name = by
	}
	if name == "tickets" {
		return "tickets"
	}
	return "crm.objects." + name + "." + verb
}

// scopesOf are the scopes of a kind of token; nil: all there are.
func (s *Sim) scopesOf(kind appKind) map[string]bool {
	if s.traits.scopes == nil && kind == oauthApp {
		return s.grant.scopes
	}
	return s.traits.scopes
}

// granted lists them in order of name.
func (s *Sim) granted(kind appKind) []string {
	if scopes := s.scopesOf(kind); scopes != nil {
		return slices.Sorted(maps.Keys(scopes))
	}
	out := []string{"automation", "crm.lists.read", "crm.objects.owners.read", "crm.objects.users.read", "oauth", "sales-email-read", "tickets"}
	for _, name := range [...]string{"companies", "contacts", "deals", "leads"} {
		for _, what := range [...]string{"objects", "schemas"} {
			out = append(out, "crm."+what+"."+name+".read", "crm."+what+"."+name+".write")
		}
	}
	slices.Sort(out)
	return out
}

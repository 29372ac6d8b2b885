package salesforce

import "github.com/handoffd/handoffd/connectors"

// Lacks implements connectors.Lacker from the describe that reading has
// cached. An object that the org hides from us lacks everything; a count that
// Salesforce does not keep is not lacking.
func (o *org) Lacks(kind connectors.Kind, fields []string) []string {
	if kind == connectors.Activity {
		return nil
	}
	s := o.schemas.get(objectOf(kind))
	if s == nil {
		return nil
	}
	var out []string
	for _, name := range fields {
		_, listed := s.roster(name)
		has := s.has(name) || listed
		if isWork(name) { // of these there is one, on leads
			has = name != connectors.WorkOpened || s.object != string(Lead) || s.has(unreadColumn)
		}
		if !has {
			out = append(out, name)
		}
	}
	return out
}

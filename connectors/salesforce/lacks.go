package salesforce

import "github.com/handoffd/handoffd/connectors"

// Lacks implements connectors.Lacker from the describe that reading has
// cached. An object that the org hides from us lacks everything.
func (o *org) Lacks(kind connectors.Kind, fields []string) []string {
	s := o.schemas.get(objectOf(kind))
	if s == nil {
		return nil
	}
	var out []string
	for _, name := range fields {
		if !s.has(name) {
			out = append(out, name)
		}
	}
	return out
}

package hubspot

import "github.com/handoffd/handoffd/connectors"

// Lacks implements connectors.Lacker from the schema that reading has cached. A
// counter that HubSpot never keeps on a kind is not lacking.
func (c *Connector) Lacks(kind connectors.Kind, fields []string) []string {
	info, ok := infoOf(kind)
	if !ok {
		return nil
	}
	c.mu.Lock()
	s := c.schemas[info.path]
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	var out []string
	for _, name := range fields {
		if isWork(name) && !keepsWork(info, name) || kind == deals && name == committeeField {
			continue
		}
		if !s.has(propertyOf(kind, name)) {
			out = append(out, name)
		}
	}
	return out
}

package hubspot

import (
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// defaultUI is where people see a portal that has not said where that is.
// HubSpot itself leads on from there to the portal's own region.
const defaultUI = "app.hubspot.com"

// Link implements connectors.Linker: the page of a record, by portal, object
// type and id. A task has no page of its own.
func (c *Connector) Link(ref connectors.Ref, tenant string) string {
	objectType := typeID(ref.Kind)
	if objectType == "" || !digits(tenant) || !digits(ref.ID) {
		return ""
	}
	c.mu.Lock()
	host := c.ui
	c.mu.Unlock()
	if host == "" {
		host = defaultUI
	}
	return "https://" + host + "/contacts/" + tenant + "/record/" + objectType + "/" + ref.ID
}

// typeID is HubSpot's number for the type of a record that has a page; "" for
// any other.
func typeID(kind connectors.Kind) string {
	switch kind {
	case contacts:
		return "0-1"
	case companies:
		return "0-2"
	case deals:
		return "0-3"
	case leads:
		return "0-136"
	default:
		return ""
	}
}

// digits reports whether s is a number as HubSpot writes its ids.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// uiHost is a host of HubSpot's where people see a portal, as the portal names
// it; "" for anything else.
func uiHost(s string) string {
	if strings.HasSuffix(s, ".hubspot.com") && !strings.ContainsAny(s, "/@:?# ") {
		return s
	}
	return ""
}

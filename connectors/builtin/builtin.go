// Package builtin is the table of the CRMs that come with handoffd. A further
// CRM is one folder beside this one and one line here.
package builtin

import (
	"maps"
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot"
	"github.com/handoffd/handoffd/connectors/salesforce"
)

// Adapters is every adapter by the name an admin writes as a connection's crm.
func Adapters() map[string]connectors.Adapter {
	return map[string]connectors.Adapter{
		"hubspot":    {New: hubspot.New, OwnField: hubspot.OwnField, GateRule: hubspot.GateRule},
		"salesforce": {New: salesforce.New, OwnField: salesforce.OwnField, GateRule: salesforce.GateRule},
	}
}

// Names are the names in the table, sorted, for messages.
func Names() []string { return slices.Sorted(maps.Keys(Adapters())) }

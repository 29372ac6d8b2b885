package hubspot

import "github.com/handoffd/handoffd/connectors"

// salesforceCRM is the other side of HubSpot's own Salesforce integration, as
// a configuration names it.
const salesforceCRM = "salesforce"

// crossID is a property in which the integration keeps who a record is in
// Salesforce. The properties are there only where it is, or was, installed.
type crossID struct {
	property string
	kind     connectors.Kind // there
}

// crossIDs are those of a kind, the surest first: who has become a Contact may
// still carry the id of the Lead they were.
func crossIDs(info kindInfo) []crossID {
	switch connectors.Kind(info.path) {
	case contacts:
		return []crossID{{"salesforcecontactid", "Contact"}, {"salesforceleadid", "Lead"}}
	case companies:
		return []crossID{{"salesforceaccountid", "Account"}}
	case deals:
		return []crossID{{"hs_salesforceopportunityid", "Opportunity"}}
	default:
		return nil
	}
}

// sameAs is who a row is in Salesforce.
func sameAs(info kindInfo, r *row) []connectors.Ref {
	var out []connectors.Ref
	for _, x := range crossIDs(info) {
		if id := r.Properties[x.property]; id != "" {
			out = append(out, connectors.Ref{Conn: salesforceCRM, Kind: x.kind, ID: eighteen(id)})
		}
	}
	return out
}

// eighteen is a Salesforce id in its long form: of fifteen characters, which
// differ by case, each five add one that says which of them are capitals.
func eighteen(id string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	if len(id) != 15 {
		return id
	}
	long := []byte(id)
	for five := 0; five < len(id); five += 5 {
		capitals := 0
		for i := range 5 {
			if c := id[five+i]; c >= 'A' && c <= 'Z' {
				capitals |= 1 << i
			}
		}
		long = append(long, letters[capitals])
	}
	return string(long)
}

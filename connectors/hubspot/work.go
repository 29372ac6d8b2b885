package hubspot

import (
	"strings"

	"github.com/handoffd/handoffd/connectors"
)

// The properties in which HubSpot counts on a record what people have done.
// They ride on the record's own row and cost no call.
const (
	engagedProperty     = "hs_sa_first_engagement_date"
	engagedTypeProperty = "hs_sa_first_engagement_object_type"
	contactedProperty   = "notes_last_contacted"
	buyerProperty       = "hs_last_sales_activity_timestamp" // the buyer's last doing
)

// besides are the properties without which a counter cannot be judged.
func besides(name string) []string {
	switch name {
	case engagedProperty:
		return []string{engagedTypeProperty}
	case contactedProperty:
		return []string{buyerProperty}
	}
	return nil
}

// workProperty is where HubSpot keeps a counter; "": nowhere. It does not say
// whether the owner has opened a record.
func workProperty(word string) string {
	switch word {
	case connectors.WorkFirstAt:
		return engagedProperty
	case connectors.WorkFirstType:
		return engagedTypeProperty
	case connectors.WorkReachedAt:
		return "hs_first_outreach_date"
	case connectors.WorkLastAt:
		return contactedProperty
	case connectors.WorkCount:
		return "num_contacted_notes"
	case connectors.WorkNextAt:
		return "notes_next_activity_date"
	case connectors.WorkOwnedAt:
		return "hubspot_owner_assigneddate"
	}
	return ""
}

// isWork reports whether a field is one of the counters.
func isWork(field string) bool { return strings.HasPrefix(field, connectors.WorkPrefix) }

// keepsWork reports whether HubSpot is known to keep a counter on a kind, so
// that its absence is worth telling: the first engagements are the contacts'.
func keepsWork(info kindInfo, word string) bool {
	switch word {
	case connectors.WorkFirstAt, connectors.WorkFirstType, connectors.WorkReachedAt:
		return info.path == string(contacts)
	case connectors.WorkLastAt, connectors.WorkCount, connectors.WorkNextAt:
		return info.path == string(contacts) || info.path == string(companies) || info.path == string(deals)
	}
	return false
}

// workValue is a counter of a row; nil: there is none. HubSpot counts a task
// as an engagement of its owner, one of ours and one not even begun included,
// so a first engagement by task says nothing about the buyer (1.15). It counts
// an e-mail that the buyer wrote as a contact, so a last contact at the very
// moment of the buyer's last doing is not one of ours.
func workValue(s *schema, r *row, word string) any {
	name := workProperty(word)
	text := r.Properties[name]
	kind := r.Properties[engagedTypeProperty]
	switch {
	case name == "" || text == "":
		return nil
	case name == engagedProperty && kind == "TASK", name == contactedProperty && text == r.Properties[buyerProperty]:
		return nil
	case name == engagedTypeProperty:
		switch kind {
		case "CALL":
			return "call"
		case "EMAIL":
			return "email"
		case "MEETING_EVENT", "MEETING":
			return "meeting"
		}
		return nil // a chat, a task
	}
	return decodeValue(s.fields[name], text)
}

package salesforce

import (
	"maps"
	"strings"
)

// Countries and states are text in one org and two columns in the next: where
// State and Country picklists are on, Country must be one of the list's labels
// and CountryCode is its code; where they are off, CountryCode does not exist.

const codeSuffix = "Code"

// isPlace reports whether a column holds a country or state by name:
// "Country", "MailingState", "BillingCountry".
func isPlace(column string) bool {
	return strings.HasSuffix(column, "Country") || strings.HasSuffix(column, "State")
}

// plain is the text column that stands in for a code column an org has not got.
func (s *schema) plain(name string) (*field, bool) {
	text, ok := strings.CutSuffix(name, codeSuffix)
	if !ok || !isPlace(text) {
		return nil, false
	}
	f, ok := s.fields[strings.ToLower(text)]
	return f, ok
}

// place puts a country or state where the org wants it. False: the org's list
// does not have it, and to send it would have the whole record refused.
func (s *schema) place(f *field, v any) (*field, any, bool) {
	if !isPlace(f.Name) {
		return f, v, true
	}
	codes, listed := s.fields[strings.ToLower(f.Name+codeSuffix)]
	text, isText := v.(string)
	if !listed || !isText || strings.TrimSpace(text) == "" || len(codes.Picklist) == 0 {
		return f, v, true
	}
	labelled := false // some orgs show the codes alone
	for _, p := range codes.Picklist {
		labelled = labelled || p.Label != "" && p.Label != p.Value
		if p.Active && (strings.EqualFold(p.Value, strings.TrimSpace(text)) || strings.EqualFold(p.Label, strings.TrimSpace(text))) {
			return codes, p.Value, true
		}
	}
	return f, v, !labelled
}

// placesOnly reports whether a refusal is about countries and states and
// nothing else. Which of them an org takes depends on its lists and on the
// language of whoever asks; a lead is worth more than its country.
func placesOnly(columns []string) bool {
	for _, c := range columns {
		if !isPlace(strings.TrimSuffix(c, codeSuffix)) {
			return false
		}
	}
	return len(columns) > 0
}

// withoutPlaces takes the columns out of a write's set and says which of its
// names they were.
func withoutPlaces(set map[string]any, columns []string) (rest map[string]any, dropped []string) {
	rest = maps.Clone(set)
	for _, name := range sortedKeys(set) {
		for _, c := range columns {
			if strings.EqualFold(strings.TrimSuffix(OwnField(name), codeSuffix), strings.TrimSuffix(c, codeSuffix)) {
				delete(rest, name)
				dropped = append(dropped, name)
				break
			}
		}
	}
	return rest, dropped
}

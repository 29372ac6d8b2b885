package salesforce

import "strings"

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
	for _, p := range codes.Picklist {
		if p.Active && (strings.EqualFold(p.Value, strings.TrimSpace(text)) || strings.EqualFold(p.Label, strings.TrimSpace(text))) {
			return codes, p.Value, true
		}
	}
	return f, v, false
}

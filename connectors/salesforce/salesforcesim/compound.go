package salesforcesim

import (
	"strings"
)

// addressParts are the columns that make up an address, and their keys in it.
func addressParts() map[string]string {
	return map[string]string{
		"Street": "street", "City": "city", "State": "state", "PostalCode": "postalCode", "Country": "country",
		"StateCode": "stateCode", "CountryCode": "countryCode",
	}
}

// compoundOf is the compound field that a column is a part of; empty: none.
func (o *object) compoundOf(f *field) string {
	if (f.name == "FirstName" || f.name == "LastName" || f.name == "Salutation") && o.field("Name") != nil {
		return "Name"
	}
	for part := range addressParts() {
		prefix, is := strings.CutSuffix(f.name, part)
		if whole := o.field(prefix + "Address"); is && whole != nil && whole.typ == "address" {
			return whole.name
		}
	}
	return ""
}

// address is the value of a compound field, which is read only: its parts are written. nil: all of them are blank.
func (o *object) address(f *field, fields values) any {
	prefix := strings.TrimSuffix(f.name, "Address")
	whole, blank := map[string]any{"geocodeAccuracy": nil, "latitude": nil, "longitude": nil}, true
	for part, key := range addressParts() {
		if o.field(prefix+part) == nil {
			continue
		}
		whole[key] = fields[prefix+part]
		blank = blank && fields[prefix+part] == nil
	}
	if blank {
		return nil
	}
	return mustJSON(whole)
}

package normalize

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// dialable is how many digits a text needs for a person to be able to dial it.
const dialable = 5

// phone is E.164, with " ext. 12" behind it where there is an extension.
// What cannot be read, for want of a country, is kept as typed as long as a
// person could still dial it.
func phone(t, country string) (string, bool) {
	if n, err := phonenumbers.Parse(t, country); err == nil && phonenumbers.IsPossibleNumber(n) {
		e164 := phonenumbers.Format(n, phonenumbers.E164)
		if ext := n.GetExtension(); ext != "" {
			e164 += " ext. " + ext
		}
		return e164, true
	}
	digits := 0
	for _, c := range t {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits < dialable || len(t) > maxNumber || strings.Contains(t, "@") {
		return "", false
	}
	return t, false
}

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
	// Zeros in front may be read as part of the number once and as a prefix the
	// next time: it is read until that changes nothing.
	for last, n := t, 0; n < phoneReadings; n++ {
		next, ok := readPhone(last, country)
		if !ok {
			break
		}
		if next == last {
			return next, true
		}
		last = next
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

// phoneReadings is how often a number may still change when it is read again.
const phoneReadings = 4

func readPhone(t, country string) (string, bool) {
	n, err := phonenumbers.Parse(t, country)
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", false
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if ext := n.GetExtension(); ext != "" {
		e164 += " ext. " + ext
	}
	return e164, true
}

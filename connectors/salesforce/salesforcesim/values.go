package salesforcesim

import (
	"encoding/json"
	"fmt"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// wireTime is how REST writes datetimes: milliseconds and a zone without a colon.
const wireTime = "2006-01-02T15:04:05.000+0000"

// intDigits is how many digits a whole number has at most, as describe says.
const intDigits = 8

// parseDatetime reads what Salesforce accepts as a datetime: with seconds, with or without a fraction,
// always with a zone. Seconds are all it keeps.
func parseDatetime(s string) (time.Time, bool) {
	s = strings.ToUpper(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Second), true
		}
	}
	return time.Time{}, false
}

// goodMail is what Salesforce says it takes as an e-mail address: ASCII alone, and a domain with a dot in it.
var goodMail = regexp.MustCompile("^[A-Za-z0-9.!#$%&'*/=?^_+`{|}~-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$")

// appendValue writes a field's value as it stands on the wire.
func appendValue(b []byte, f *field, v any) []byte {
	switch v := v.(type) {
	case nil:
		if f.typ == "boolean" {
			return append(b, "false"...)
		}
	case string:
		quoted, err := jsontext.AppendQuote(b, v)
		if err != nil {
			quoted, _ = jsontext.AppendQuote(b, strings.ToValidUTF8(v, "\uFFFD"))
		}
		return quoted
	case date:
		return append(append(append(b, '"'), v...), '"')
	case json.RawMessage: // of a compound field
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case time.Time:
		return append(v.UTC().AppendFormat(append(b, '"'), wireTime), '"')
	case float64:
		b = strconv.AppendFloat(b, v, 'f', -1, 64)
		if f.typ != "int" && v == float64(int64(v)) {
			b = append(b, ".0"...) // doubles, currencies and percents always show a fraction
		}
		return b
	}
	return append(b, "null"...)
}

// coerce checks one JSON value (decoded with UseNumber) against the field's type. nil means null.
func (f *field) coerce(v any) (any, *apiError) {
	if v == nil {
		if f.typ == "boolean" {
			return nil, f.wrongJSON("null", v)
		}
		return nil, nil
	}
	if f.textual() || f.typ == "reference" || f.typ == "id" || f.typ == "multipicklist" {
		s, ok := v.(string)
		if !ok {
			return nil, f.wrongJSON("string", v)
		}
		return f.coerceText(strings.TrimSpace(s))
	}
	switch f.typ {
	case "boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case "int", "double", "currency", "percent":
		if n, ok := v.(json.Number); ok {
			return f.coerceNumber(n)
		}
	case "date":
		if s, ok := v.(string); ok {
			if s == "" {
				return nil, nil
			}
			if t, err := time.Parse(time.DateOnly, s); err == nil {
				return date(s), f.checkYear(t)
			}
		}
	case "datetime":
		if s, ok := v.(string); ok {
			if s == "" {
				return nil, nil
			}
			if t, ok := parseDatetime(s); ok {
				return t, f.checkYear(t)
			}
		}
	}
	return nil, f.wrongJSON(f.typ, v)
}

// checkYear refuses what lies outside the days that Salesforce knows: 1700 to 4000. A zero time does.
func (f *field) checkYear(t time.Time) *apiError {
	if year := t.Year(); year < 1700 || year > 4000 {
		return &apiError{code: "FIELD_INTEGRITY_EXCEPTION", message: f.label + ": invalid date: " + t.Format(time.DateOnly), fields: []string{f.name}}
	}
	return nil
}

func (f *field) wrongJSON(want string, v any) *apiError {
	kind := "VALUE_STRING"
	switch v.(type) {
	case json.Number:
		kind = "VALUE_NUMBER_INT"
	case bool:
		kind = "VALUE_TRUE"
	case map[string]any:
		kind = "START_OBJECT"
	case []any:
		kind = "START_ARRAY"
	case nil:
		kind = "VALUE_NULL"
	}
	return &apiError{code: "JSON_PARSER_ERROR", message: fmt.Sprintf("Cannot deserialize instance of %s from %s value %v or request may be missing a required field at [line:1, column:1]", want, kind, v)}
}

func (f *field) coerceNumber(n json.Number) (any, *apiError) {
	x, err := n.Float64()
	digits := f.length - f.scale
	if f.typ == "int" {
		digits = intDigits
	}
	switch {
	case err != nil, f.typ == "int" && x != float64(int32(x)):
		return nil, f.wrongJSON(f.typ, n)
	case digits > 0 && math.Abs(x) >= math.Pow10(digits):
		return nil, &apiError{code: "NUMBER_OUTSIDE_VALID_RANGE", message: f.label + ": value outside of valid range on numeric field: " + n.String(), fields: []string{f.name}}
	}
	return x, nil
}

func (f *field) coerceText(s string) (any, *apiError) {
	if s == "" {
		return nil, nil
	}
	switch {
	case f.typ == "reference" || f.typ == "id":
		id, ok := normalizeID(s)
		if !ok {
			return nil, &apiError{code: "MALFORMED_ID", message: f.label + ": id value of incorrect type: " + s, fields: []string{f.name}}
		}
		return id, nil
	case f.typ == "multipicklist":
		return f.coerceChoices(s)
	case f.restricted && !slices.Contains(f.values, s):
		return nil, &apiError{code: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message: f.label + ": bad value for restricted picklist field: " + s, fields: []string{f.name}}
	case f.length > 0 && utf8.RuneCountInString(s) > f.length:
		return nil, &apiError{code: "STRING_TOO_LONG", message: fmt.Sprintf("%s: data value too large: %s (max length=%d)", f.label, s, f.length), fields: []string{f.name}}
	case f.typ == "email":
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s || !goodMail.MatchString(s) {
			return nil, &apiError{code: "INVALID_EMAIL_ADDRESS", message: f.label + ": invalid email address: " + s, fields: []string{f.name}}
		}
	}
	return s, nil
}

// coerceChoices reads values between semicolons and puts them into the order of the list, each once.
func (f *field) coerceChoices(s string) (any, *apiError) {
	chosen := strings.Split(s, ";")
	for i, v := range chosen {
		if chosen[i] = strings.TrimSpace(v); !slices.Contains(f.values, chosen[i]) {
			return nil, &apiError{code: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message: f.label + ": bad value for restricted picklist field: " + chosen[i], fields: []string{f.name}}
		}
	}
	var kept []string
	for _, v := range f.values {
		if slices.Contains(chosen, v) {
			kept = append(kept, v)
		}
	}
	return strings.Join(kept, ";"), nil
}

package hubspotsim

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// property is one field of an object type, as the properties API shows it.
type property struct {
	Name         string       `json:"name"`
	Label        string       `json:"label"`
	Type         string       `json:"type"` // string number date datetime enumeration bool phone_number
	FieldType    string       `json:"fieldType"`
	Description  string       `json:"description"`
	Group        string       `json:"groupName"`
	Options      []option     `json:"options"`
	Order        int          `json:"displayOrder"`
	Calculated   bool         `json:"calculated"`
	External     bool         `json:"externalOptions"`
	Referenced   string       `json:"referencedObjectType,omitempty"`
	Unique       bool         `json:"hasUniqueValue"`
	Hidden       bool         `json:"hidden"`
	HubSpot      bool         `json:"hubspotDefined,omitempty"`
	FormField    bool         `json:"formField"`
	Modification modification `json:"modificationMetadata"`
	CreatedAt    string       `json:"createdAt,omitempty"`
	UpdatedAt    string       `json:"updatedAt,omitempty"`
	Archived     bool         `json:"archived"`
	Sensitivity  string       `json:"dataSensitivity,omitempty"`

	visible time.Time // from when on it is there; zero: always
}

type option struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Order  int    `json:"displayOrder"`
	Hidden bool   `json:"hidden"`
}

type modification struct {
	Archivable         bool `json:"archivable"`
	ReadOnlyDefinition bool `json:"readOnlyDefinition"`
	ReadOnlyValue      bool `json:"readOnlyValue"`
}

type group struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Order    int    `json:"displayOrder"`
	Archived bool   `json:"archived"`
}

// readOnly says that no API write may set the property.
func (p *property) readOnly() bool { return p.Modification.ReadOnlyValue || p.Calculated }

// lags says that the property was made a moment ago: its name is taken, and nobody sees it yet.
func (p *property) lags() bool { return !p.visible.IsZero() && time.Now().Before(p.visible) }

// has says that value is one of the options; values are exact, letter case and all.
func (p *property) has(value string) bool {
	return slices.ContainsFunc(p.Options, func(o option) bool { return o.Value == value })
}

// maxValue is how long a text value may be.
const maxValue = 65_536

// store checks a value and returns the form in which HubSpot keeps and answers it. old is the value
// before, for multi-selects that append with a leading semicolon. "" clears and is always right.
func (s *Sim) store(p *property, value, old string) (string, *badValue) {
	bad := func(code, message string) (string, *badValue) {
		return "", &badValue{Message: message, Code: code, Name: p.Name}
	}
	if value == "" {
		return "", nil
	}
	switch p.Type {
	case "number":
		n, fine := parseNumber(value)
		if !fine {
			return bad("INVALID_LONG", value+" was not a valid number.")
		}
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	case "bool":
		if value != "true" && value != "false" {
			return bad("INVALID_OPTION", value+" was not one of the allowed options: [true, false]")
		}
	case "date":
		t, ok := parseMoment(value)
		if !ok || t.UnixMilli()%(24*time.Hour).Milliseconds() != 0 {
			return bad("INVALID_DATE", value+" is not midnight UTC of a day.")
		}
		return t.Format(time.DateOnly), nil
	case "datetime":
		t, ok := parseMoment(value)
		if !ok {
			return bad("INVALID_DATE", value+" was not a valid date.")
		}
		return moment(t), nil
	case "enumeration":
		return s.storeOption(p, value, old)
	}
	if len(value) > maxValue {
		return bad("PROPERTY_VALUE_TOO_LONG", "the value is longer than 65536 characters.")
	}
	return value, nil
}

func (s *Sim) storeOption(p *property, value, old string) (string, *badValue) {
	if p.External {
		if !s.mayOwn(value) {
			return "", &badValue{Message: "Owner with id " + value + " does not exist or is not active.", Code: "INVALID_OWNER_ID", Name: p.Name}
		}
		return value, nil
	}
	if p.FieldType != "checkbox" {
		if !p.has(value) {
			return "", &badValue{Message: value + " was not one of the allowed options: [" + optionValues(p) + "]", Code: "INVALID_OPTION", Name: p.Name}
		}
		return value, nil
	}
	var chosen []string
	if strings.HasPrefix(value, ";") && old != "" {
		chosen = strings.Split(old, ";")
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(value, ";"), ";") {
		if !p.has(part) {
			return "", &badValue{Message: part + " was not one of the allowed options: [" + optionValues(p) + "]", Code: "INVALID_OPTION", Name: p.Name}
		}
		if !slices.Contains(chosen, part) {
			chosen = append(chosen, part)
		}
	}
	return strings.Join(chosen, ";"), nil
}

func optionValues(p *property) string {
	values := make([]string, len(p.Options))
	for i, o := range p.Options {
		values[i] = o.Value
	}
	return strings.Join(values, ", ")
}

// parseNumber reads a decimal number, with an exponent or without.
func parseNumber(value string) (float64, bool) {
	n, err := strconv.ParseFloat(value, 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) && !strings.ContainsAny(value, "xX_")
}

// parseMoment reads epoch milliseconds, an ISO instant or a plain date.
func parseMoment(value string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
		t := time.UnixMilli(ms).UTC()
		return t, t.Year() > 0 && t.Year() < 10_000
	}
	for _, layout := range [...]string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, value); err == nil {
			return t.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// moment writes an instant as HubSpot answers it: milliseconds, and none when they are zero.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

package normalize

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Value reads one raw value (string, bool, number) in the canonical form of a
// field, whether it comes from a CRM or from a rule: "United States" for a
// country is US. country, which may be blank, is where a phone number without
// a + is from. A blank is "" and ok; ok is false where the value cannot be
// read. The mapping's codes are not looked at, because a rule speaks our words.
func Value(f Field, raw any, country string) (text string, ok bool) {
	t, ok := plain(raw)
	if !ok {
		return "", false
	}
	if t == "" {
		return "", true
	}
	f.YesIf = nil
	text, why := convert(f, raw, country)
	return text, why == ""
}

// convert is the canonical form of a raw value that is not blank; why says
// what is wrong with it, and text what is kept of it all the same.
func convert(f Field, raw any, country string) (text, why string) {
	t, ok := plain(raw)
	if !ok {
		return "", "is not a value that can be read"
	}
	switch {
	case t == "":
		return "", ""
	case len(f.YesIf) > 0:
		return yesIf(f.YesIf, t), ""
	}
	switch f.IsA {
	case "number":
		return orWhy(number(t))("is not a number")
	case "yes_no":
		return orWhy(yesNo(t))("is neither yes nor no")
	case "date":
		return orWhy(date(t))("is not a date")
	case "datetime":
		return orWhy(instant(t))("is not a point in time")
	case "user", "owner":
		return t, ""
	case "list":
		return list(f, t, country)
	}
	if b, isBool := raw.(bool); isBool {
		t = yes(b)
	}
	return clean(f.Clean, t, country)
}

func orWhy(text string, ok bool) func(why string) (string, string) {
	return func(why string) (string, string) {
		if !ok {
			return "", why
		}
		return text, ""
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func yesIf(values []string, t string) string {
	return yes(slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(strings.TrimSpace(v), t) }))
}

// list is the values of a multiple choice, each cleaned, each once.
func list(f Field, t, country string) (text, why string) {
	var out []string
	for _, p := range parts(t) {
		c, w := clean(f.Clean, p, country)
		if w != "" {
			why = w
		}
		if c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return strings.Join(out, ";"), why
}

func parts(t string) []string {
	var out []string
	for p := range strings.SplitSeq(t, ";") {
		if p = trim(p); p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// clean applies the steps in order. The first that cannot read the text says
// why.
func clean(steps []string, t, country string) (text, why string) {
	for _, s := range steps {
		ok := true
		switch s {
		case "lowercase":
			t = trim(strings.ToLower(t))
		case "email":
			t, ok = Email(t)
			why = "is not an e-mail address"
		case "domain":
			t = HostOf(t)
			ok = t != ""
			why = "is not a domain"
		case "country_code":
			t, ok = Country(t)
			why = "is not a country"
		case "phone":
			t, ok = phone(t, country)
			why = "is not a phone number"
		}
		if !ok {
			return t, why
		}
	}
	return t, ""
}

// plain is a raw value as trimmed text; ok is false for a shape no CRM field
// has.
func plain(raw any) (text string, ok bool) {
	switch v := raw.(type) {
	case nil:
		return "", true
	case string:
		return trim(v), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", false
		}
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

// trim is the text without blanks and invisible characters around it, without
// NUL, and valid UTF-8.
func trim(s string) string {
	if plainASCII(s) {
		return strings.TrimSpace(s)
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return strings.TrimFunc(s, blank)
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			return false
		}
	}
	return true
}

// blank reports whether a character shows nothing: white space, controls, and
// format characters such as the zero-width space.
func blank(c rune) bool {
	return unicode.IsSpace(c) || unicode.IsControl(c) || unicode.Is(unicode.Cf, c)
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

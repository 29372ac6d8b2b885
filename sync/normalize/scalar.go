package normalize

import (
	"strconv"
	"strings"
	"time"
)

// maxNumber bounds the text of a number; no CRM keeps longer ones.
const maxNumber = 64

// number is a plain decimal. Groups of three are taken out where they cannot
// be anything else: 1,234,567 and 1,234.50, but not 1,234, which half of
// Europe reads as a fraction.
func number(t string) (string, bool) {
	if len(t) > maxNumber {
		return "", false
	}
	t, ok := ungroup(t)
	if !ok {
		return "", false
	}
	if strings.ContainsAny(t, "eE") {
		f, err := strconv.ParseFloat(t, 64)
		if err != nil || f > 1e21 || f < -1e21 || strings.ContainsAny(t, "xXpP_") {
			return "", false
		}
		t = strconv.FormatFloat(f, 'f', -1, 64)
	}
	sign := ""
	switch {
	case strings.HasPrefix(t, "-"):
		sign, t = "-", t[1:]
	case strings.HasPrefix(t, "+"):
		t = t[1:]
	}
	whole, frac, _ := strings.Cut(t, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return "", false
	}
	whole, frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		return sign + whole + "." + frac, true
	}
	if whole == "0" {
		sign = ""
	}
	return sign + whole, true
}

// ungroup takes commas out of a number; ok is false where they are ambiguous.
func ungroup(t string) (string, bool) {
	if !strings.Contains(t, ",") {
		return t, true
	}
	whole, _, hasPoint := strings.Cut(t, ".")
	groups := strings.Split(strings.TrimLeft(whole, "+-"), ",")
	if len(groups) == 2 && !hasPoint {
		return "", false
	}
	for i, g := range groups {
		if i > 0 && len(g) != 3 || len(g) == 0 || len(g) > 3 {
			return "", false
		}
	}
	return strings.ReplaceAll(whole, ",", "") + t[len(whole):], true
}

func yesNo(t string) (string, bool) {
	switch strings.ToLower(t) {
	case "yes", "true", "1", "y", "on":
		return "yes", true
	case "no", "false", "0", "n", "off":
		return "no", true
	}
	return "", false
}

// date is a day: as such, or of an instant in UTC, which is how CRMs keep a
// day that they store as an instant.
func date(t string) (string, bool) {
	if d, err := time.Parse(time.DateOnly, t); err == nil && d.Year() > 0 {
		return t, true
	}
	at, ok := parseInstant(t)
	if !ok {
		return "", false
	}
	return at.Format(time.DateOnly), true
}

func instant(t string) (string, bool) {
	at, ok := parseInstant(t)
	if !ok {
		return "", false
	}
	return at.Format(time.RFC3339Nano), true
}

// parseInstant reads RFC 3339, the same with an offset without colon, a day
// (its first instant in UTC) and milliseconds since 1970. A time without any
// offset is refused: nobody can tell when it was.
func parseInstant(t string) (time.Time, bool) {
	if len(t) > 40 {
		return time.Time{}, false
	}
	at, ok := millis(t)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01-02 15:04:05Z07:00"} {
		if ok {
			break
		}
		p, err := time.Parse(layout, t)
		at, ok = p, err == nil
	}
	at = at.UTC()
	if !ok || at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}, false
	}
	return at, true
}

// millis reads milliseconds since 1970, from 1973 on: fewer digits could be
// seconds or a year.
func millis(t string) (time.Time, bool) {
	if len(t) < 12 || len(t) > 14 || strings.Trim(t, "0123456789") != "" {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(n), true
}

package mappings

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// yesNo is a switch.
func (v value) yesNo() bool {
	t := v.text()
	switch strings.ToLower(t.S) {
	case "yes", "true":
		return true
	case "no", "false", "":
	default:
		v.bad("bad-yes-no", fmt.Sprintf("%s is %q, which is neither yes nor no", v.name, t.S), "write yes or no")
	}
	return false
}

// whole is a number of at least least.
func (v value) whole(least int) int {
	t := v.text()
	if !t.Given() {
		return 0
	}
	n, ok := number(t.S)
	if !ok || n < least {
		v.bad("bad-number", fmt.Sprintf("%s is %q, which is not a whole number of at least %d", v.name, t.S, least), "")
		return 0
	}
	return n
}

// number reads digits alone: no sign, no point, no blank, at most nine.
func number(s string) (int, bool) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// percent is a share: "40%", "0.5%".
func (v value) percent(most float64) Percent {
	t := v.text()
	if !t.Given() {
		return Percent{}
	}
	digits, ok := strings.CutSuffix(t.S, "%")
	p, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if !ok || err != nil || math.IsNaN(p) || p < 0 || p > most || strings.Trim(strings.TrimSpace(digits), "0123456789.") != "" {
		v.bad("bad-percentage", fmt.Sprintf("%s is %q, which is not a percentage up to %g%%", v.name, t.S, most), "write it like 40%")
		return Percent{}
	}
	return Percent{P: p, Pos: t.Pos}
}

const durationHint = "write it like 15 minutes, 4 working hours, 1 working day or 48 hours"

// duration is an amount of time.
func (v value) duration() Duration {
	t := v.text()
	if !t.Given() {
		return Duration{}
	}
	d, ok := parseDuration(t.S)
	if !ok {
		v.bad("bad-duration", fmt.Sprintf("%s is %q, which is not an amount of time", v.name, t.S), durationFix(t.S))
		return Duration{}
	}
	d.Pos = t.Pos
	return d
}

// ParseDuration reads an amount of time that the reader has let pass; the zero
// Duration for anything else.
func ParseDuration(s string) Duration {
	d, _ := parseDuration(s)
	return d
}

// parseDuration reads "N [working] UNIT".
func parseDuration(s string) (Duration, bool) {
	f := strings.Fields(s)
	var d Duration
	if len(f) == 3 && f[1] == "working" {
		d.Working = true
		f = []string{f[0], f[2]}
	}
	if len(f) != 2 {
		return Duration{}, false
	}
	n, ok := number(f[0])
	u, known := unit(f[1])
	if !ok || !known || n > 1_000_000 || d.Working && (u == Second || u == Week) {
		return Duration{}, false
	}
	d.N, d.Unit = n, u
	return d, true
}

func unit(s string) (Unit, bool) {
	switch u := Unit(strings.TrimSuffix(s, "s")); u {
	case Second, Minute, Hour, Day, Week:
		return u, true
	}
	return "", false
}

// durationFix guesses what a wrong duration was meant to be.
func durationFix(s string) string {
	f := strings.Fields(s)
	if len(f) == 1 {
		i := strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' })
		if i < 0 {
			return "a unit is missing: " + s + " minutes, " + s + " hours or " + s + " working days"
		}
		f = []string{s[:i], s[i:]}
	}
	if len(f) < 2 || f[0] == "" {
		return durationHint
	}
	full := map[string]string{
		"s": "seconds", "sec": "seconds", "secs": "seconds", "m": "minutes", "min": "minutes", "mins": "minutes",
		"h": "hours", "hr": "hours", "hrs": "hours", "d": "days", "w": "weeks", "business": "working", "busines": "working", "work": "working", //nolint:misspell // what people type
	}
	for i, w := range f[1:] {
		if fixed, ok := full[strings.ToLower(w)]; ok {
			f[i+1] = fixed
		} else if near := nearest(w, []string{"seconds", "minutes", "hours", "days", "weeks", "working"}); near != "" {
			f[i+1] = near
		}
	}
	if fixed := strings.Join(f, " "); fixed != s {
		if _, ok := parseDuration(fixed); ok {
			return fmt.Sprintf("did you mean %q?", fixed)
		}
	}
	return durationHint
}

// FromAcceptance stands in counted_from for the instant of acceptance.
const FromAcceptance = "acceptance"

// clock is a duration, or {time: …, counted_from: …}.
func (v value) clock() Clock {
	if !v.isMap() {
		return Clock{Time: v.duration()}
	}
	s := v.scope(v.name)
	c := Clock{Time: s.need("time", durationHint).duration()}
	if from := s.field("counted_from"); from.isText() && from.n.Value == FromAcceptance {
		c.CountedFrom = from.text()
	} else {
		c.CountedFrom = from.fieldName()
	}
	s.done()
	return c
}

// email is an address, in lower case.
func (v value) email() Text {
	t := v.text()
	if !t.Given() {
		return Text{}
	}
	t.S = strings.ToLower(t.S)
	if !isEmail(t.S) {
		v.bad("bad-email", fmt.Sprintf("%s is %q, which is not an e-mail address", v.name, t.S), "people are named by the address they use in the CRM")
		return Text{}
	}
	return t
}

func isEmail(s string) bool {
	name, domain, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(domain, ".") && !strings.ContainsAny(s, " ,;<>\"'/") &&
		!strings.Contains(domain, "@") && !strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
}

// date is one day, YYYY-MM-DD.
func (v value) date() Text {
	t := v.text()
	if t.Given() && !v.checkDate(t.S) {
		return Text{}
	}
	return t
}

func (v value) checkDate(s string) bool {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		v.bad("bad-date", fmt.Sprintf("%s: %q is not a day of the calendar", v.name, s), "write it like 2026-11-27")
		return false
	}
	return true
}

// dateOrTime is one day, or one minute of a day on the clock of whoever it is
// about: YYYY-MM-DD or YYYY-MM-DD HH:MM.
func (v value) dateOrTime() Text {
	t := v.text()
	if _, err := time.Parse(dayAndTime, t.S); err == nil {
		return t
	}
	if t.Given() && !v.checkDate(t.S) {
		return Text{}
	}
	return t
}

const dayAndTime = "2006-01-02 15:04"

// feed is where an iCalendar is, or the name of the environment variable that
// says so. Such an address is often as good as a password.
func (v value) feed() Text {
	t := v.text()
	u, err := url.Parse(t.S)
	switch {
	case !t.Given():
		return Text{}
	case isVariable(t.S):
		return t
	case err == nil && (u.Scheme == "https" && u.Host != "" || u.Scheme == "http" && isLoopback(u.Hostname()) || u.Scheme == "file" && u.Path != ""):
		return t
	}
	v.bad("bad-feed", fmt.Sprintf("%s is %q, which is no address of a calendar", v.name, t.S),
		"write https://…, file:///…, or the name of an environment variable that holds it, such as ANA_LEAVE_FEED")
	return Text{}
}

// isVariable reports whether a text can be the name of an environment variable.
func isVariable(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// dates is one day, or two joined by "to".
func (v value) dates() (Dates, bool) {
	t := v.text()
	if !t.Given() {
		return Dates{}, false
	}
	from, to, ranged := strings.Cut(t.S, " to ")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if !ranged {
		to = from
	}
	if !v.checkDate(from) || !v.checkDate(to) {
		return Dates{}, false
	}
	if to < from {
		v.bad("bad-date", fmt.Sprintf("%s: %q ends before it begins", v.name, t.S), "write the earlier day first")
		return Dates{}, false
	}
	return Dates{Text{from, t.Pos}, Text{to, t.Pos}}, true
}

// fieldName is a word of the vocabulary: company.csm.
func (v value) fieldName() Text {
	t := v.text()
	if t.Given() && !isField(t.S) {
		v.bad("bad-field", fmt.Sprintf("%s: %q is not a field", v.name, t.S), "a field is written like person.email")
	}
	return t
}

func isField(s string) bool {
	noun, word, ok := strings.Cut(s, ".")
	return ok && isName(noun) && isName(word)
}

// pace is so many per unit: "50 a day".
func (v value) pace() Pace {
	t := v.text()
	if !t.Given() {
		return Pace{}
	}
	f := strings.Fields(t.S)
	if len(f) == 3 && (f[1] == "a" || f[1] == "an" || f[1] == "per") {
		n, ok := number(f[0])
		if u, known := unit(f[2]); ok && known && n > 0 {
			return Pace{N: n, Per: u, Pos: t.Pos}
		}
	}
	v.bad("bad-pace", fmt.Sprintf("%s is %q, which is not so many a day", v.name, t.S), "write it like 50 a day")
	return Pace{}
}

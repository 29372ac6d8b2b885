package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is one word of one noun, as rules write it: person.email.
type field struct{ noun, word string }

func (f field) String() string { return f.noun + "." + f.word }

func (f field) given() bool { return f.word != "" }

// said is the field as a sentence has it: "last form" of person.last_form.
func (f field) said() string { return strings.ReplaceAll(f.word, "_", " ") }

// condKind is what a condition is made of.
type condKind uint8

const (
	always    condKind = iota // nothing was written
	allOf                     // every kid holds
	anyOf                     // one kid holds
	noneOf                    // no kid holds
	aField                    // every test of a field holds
	aRecord                   // a record of the noun is there, or is not
	counting                  // so many records around the account hold a date
	happening                 // something that happens to a handoff
)

// cond is a condition, checked and ready. A blank field passes no test but
// `filled: no`; `or_blank: yes` lets it through.
type cond struct {
	kind    condKind
	kids    []cond
	field   field
	tests   []test
	orBlank bool
	count   count  // counting
	absent  bool   // aRecord: it must not be there
	event   string // happening: which, as the admin writes it
	text    string // as the admin would say it
}

// test is one operator with its arguments in canonical form.
type test struct {
	op       string
	isA      string
	args     []string
	list     map[string]bool // a named list, in lower case
	other    field           // same_as
	low      bound           // at_least, between
	high     bound           // at_most, between
	days     int             // within_days
	pipeline string          // qualifies is, changed_to …
}

// bound is a number or an instant.
type bound struct {
	set    bool
	number float64
	at     time.Time // not zero: the bound is an instant
}

// fields are those the condition looks at, each once, in order.
func (c *cond) fields() []field {
	var out []field
	c.walk(func(leaf *cond) {
		if leaf.kind != aField {
			return
		}
		for _, f := range append([]field{leaf.field}, leaf.others()...) {
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	})
	return out
}

// others are the fields the tests of a leaf look at beside its own.
func (c *cond) others() []field {
	var out []field
	for _, t := range c.tests {
		if t.other.given() {
			out = append(out, t.other)
		}
		if t.pipeline != "" {
			out = append(out, field{c.field.noun, wordPipeline})
		}
	}
	return out
}

func (c *cond) walk(visit func(leaf *cond)) {
	switch c.kind {
	case aField, aRecord, happening, counting:
		visit(c)
		return
	case always, allOf, anyOf, noneOf:
	}
	for i := range c.kids {
		c.kids[i].walk(visit)
	}
}

// local reports whether the condition looks at records of one noun only.
func (c *cond) local(noun string) bool {
	ok := true
	c.walk(func(leaf *cond) { ok = ok && leaf.field.noun == noun })
	return ok && !slices.ContainsFunc(c.fields(), func(f field) bool { return f.noun != noun })
}

// holds evaluates the condition.
func (c *cond) holds(f *facts) bool {
	switch c.kind {
	case always:
		return true
	case allOf:
		for i := range c.kids {
			if !c.kids[i].holds(f) {
				return false
			}
		}
		return true
	case anyOf, noneOf:
		for i := range c.kids {
			if c.kids[i].holds(f) {
				return c.kind == anyOf
			}
		}
		return c.kind == noneOf
	case aField:
		v := f.value(c.field)
		if f.unchanged(c.field, v) || f.another && isOwn(c.field.word) && c.field.noun == f.rec.Noun {
			return false
		}
		return c.passes(v, f)
	case aRecord:
		return f.has(c.field.noun) != c.absent
	case counting:
		return len(f.groups(c)) > 0
	case happening:
		return c.happened(f)
	}
	return false
}

// looked are the values that name what made a condition hold, word by word. A
// bound is crossed or not: what lies beyond it may move without being news, so
// its value is none of them.
func (c *cond) looked(f *facts) []string {
	switch c.kind {
	case allOf, anyOf:
		var out []string
		for i := range c.kids {
			if c.kind == allOf || c.kids[i].holds(f) {
				out = append(out, c.kids[i].looked(f)...)
			}
		}
		return out
	case aField:
		if c.bounded() {
			return nil
		}
		out := []string{c.field.word, f.value(c.field)}
		for _, o := range c.others() {
			out = append(out, o.word, f.value(o))
		}
		return out
	case always, noneOf, aRecord, counting, happening:
	}
	return nil
}

// bounded reports whether a field is only held against bounds.
func (c *cond) bounded() bool {
	return len(c.tests) > 0 && !slices.ContainsFunc(c.tests, func(t test) bool {
		return t.op != opAtLeast && t.op != opAtMost && t.op != opBetween && t.op != opWithinDays
	})
}

func (c *cond) passes(v string, f *facts) bool {
	if v == "" && c.orBlank {
		return true
	}
	for i := range c.tests {
		if !c.tests[i].holds(v, c.field, f) {
			return false
		}
	}
	return true
}

// say explains the outcome in a sentence: what held, or the first thing that
// did not.
func (c *cond) say(f *facts) string {
	switch c.kind {
	case always:
		return "always"
	case allOf:
		if i := slices.IndexFunc(c.kids, func(k cond) bool { return !k.holds(f) }); i >= 0 {
			return c.kids[i].say(f)
		}
		return c.join(f, func(cond) bool { return true }, " and ")
	case anyOf:
		if c.holds(f) {
			return c.join(f, func(k cond) bool { return k.holds(f) }, " and ")
		}
		return c.join(f, func(cond) bool { return true }, ", ")
	case noneOf:
		if i := slices.IndexFunc(c.kids, func(k cond) bool { return k.holds(f) }); i >= 0 {
			return c.kids[i].say(f)
		}
		return "none of " + c.text
	case aField:
		if v := f.value(c.field); v != "" {
			return c.field.said() + " is " + quote(v)
		}
		return c.field.said() + " is blank"
	case aRecord:
		if f.has(c.field.noun) {
			return "the " + c.field.noun + " is known"
		}
		return "the " + c.field.noun + " is not known"
	case counting:
		return f.sayGroups(c)
	case happening:
		return c.sayHappened(f)
	}
	return c.text
}

func (c *cond) join(f *facts, which func(cond) bool, with string) string {
	var parts []string
	for _, k := range c.kids {
		if which(k) {
			parts = append(parts, k.say(f))
		}
	}
	return strings.Join(parts, with)
}

func quote(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

func (t *test) holds(v string, of field, f *facts) bool {
	if t.op == opFilled {
		return (v != "") == (t.args[0] == yes)
	}
	if v == "" || t.pipeline != "" && !t.inPipeline(of, f) {
		return false
	}
	switch t.op {
	case opIs, opIn, opChangedTo:
		return t.among(v)
	case opIsNot, opNotIn:
		return !t.among(v)
	case opSameAs:
		o := f.value(t.other)
		return o != "" && strings.EqualFold(v, o)
	case opAtLeast, opAtMost, opBetween:
		return t.within(v)
	case opContains:
		return t.each(v, containsFold)
	case opStartsWith:
		return t.each(v, func(v, a string) bool { return len(v) >= len(a) && strings.EqualFold(v[:len(a)], a) })
	case opEndsWith:
		return t.each(v, func(v, a string) bool { return len(v) >= len(a) && strings.EqualFold(v[len(v)-len(a):], a) })
	case opWithinDays:
		at, _, ok := instant(v)
		far := f.now.Sub(at)
		return ok && max(far, -far) <= time.Duration(t.days)*24*time.Hour
	}
	return false
}

// inPipeline reports whether the record is in the stage's pipeline, as far as
// the CRM says which it is in.
func (t *test) inPipeline(of field, f *facts) bool {
	p := f.value(field{of.noun, wordPipeline})
	return p == "" || strings.EqualFold(p, t.pipeline)
}

// among reports whether the value, or one of a list of values, is wanted.
func (t *test) among(v string) bool {
	if t.list != nil {
		return t.elements(v, func(e string) bool { return t.list[e] || t.list[strings.ToLower(e)] })
	}
	return t.elements(v, func(e string) bool {
		for _, a := range t.args {
			if strings.EqualFold(e, a) {
				return true
			}
		}
		return false
	})
}

func (t *test) each(v string, fits func(v, arg string) bool) bool {
	return t.elements(v, func(e string) bool {
		for _, a := range t.args {
			if fits(e, a) {
				return true
			}
		}
		return false
	})
}

// elements tries a value, or the parts of a list until one fits.
func (t *test) elements(v string, fits func(string) bool) bool {
	if t.isA != isList {
		return fits(v)
	}
	for e := range strings.SplitSeq(v, ";") {
		if fits(e) {
			return true
		}
	}
	return false
}

// within reports whether a number or an instant lies between the bounds. A
// day, as a value or as a bound, is the whole day in UTC.
func (t *test) within(v string) bool {
	if !t.low.at.IsZero() || !t.high.at.IsZero() {
		at, _, ok := instant(v)
		return ok && (!t.low.set || !at.Before(t.low.at)) && (!t.high.set || !at.After(t.high.at))
	}
	n, err := strconv.ParseFloat(v, 64)
	return err == nil && (!t.low.set || n >= t.low.number) && (!t.high.set || n <= t.high.number)
}

// instant reads a canonical date or datetime; day is true for a date, whose
// instant is its first in UTC.
func instant(v string) (at time.Time, day, ok bool) {
	if len(v) < len(time.DateOnly) {
		return time.Time{}, false, false
	}
	if len(v) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, v)
		return t, err == nil, err == nil
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	return t.UTC(), false, err == nil
}

// containsFold reports whether v contains a, ignoring case.
func containsFold(v, a string) bool {
	for i := 0; i+len(a) <= len(v); i++ {
		if strings.EqualFold(v[i:i+len(a)], a) {
			return true
		}
	}
	return false
}

package hubspotsim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter is one compiled condition.
type filter struct {
	name      string
	kind      string // number, moment, option, text or link
	operator  string
	low, high float64
	text      string
	highText  string
	set       map[string]bool
	link      string // kind of the pseudo-property associations.x
}

func (c *call) compile(o *object, in searchInput) ([][]filter, *apiError) {
	if len(in.Filters) > 0 {
		in.Groups = append(in.Groups, filterGroup{in.Filters})
	}
	if len(in.Groups) > searchGroups {
		return nil, invalid("A search takes at most 5 filterGroups.")
	}
	if len(in.Sorts) > 1 {
		return nil, invalid("A search takes at most one sort.")
	}
	var groups [][]filter
	total := 0
	for _, g := range in.Groups {
		if total += len(g.Filters); len(g.Filters) > searchFilters || total > searchAll {
			return nil, invalid("A search takes at most 6 filters in a group and 18 in all.")
		}
		var group []filter
		for _, f := range g.Filters {
			compiled, bad := c.compileOne(o, f)
			if bad != nil {
				return nil, bad
			}
			group = append(group, compiled)
		}
		groups = append(groups, group)
	}
	return groups, nil
}

func (c *call) compileOne(o *object, in filterInput) (filter, *apiError) {
	f := filter{name: in.Property, operator: in.Operator, kind: "text"}
	if kind, isLink := strings.CutPrefix(in.Property, "associations."); isLink {
		other := c.s.object(kind)
		if other == nil || (in.Operator != "EQ" && in.Operator != "IN") {
			return f, invalid("The filter on " + in.Property + " is not possible.")
		}
		f.kind, f.link = "link", other.name
	} else {
		p := o.defined(in.Property)
		if p == nil {
			return f, invalid("There was a problem with the request: property " + in.Property + " does not exist.")
		}
		f.kind = compareAs(p)
	}
	return f.operands(in)
}

func compareAs(p *property) string {
	switch p.Type {
	case "number":
		return "number"
	case "date", "datetime":
		return "moment"
	case "enumeration", "bool":
		return "option"
	}
	return "text"
}

// operands checks that the operator has what it needs and brings it into the form compared.
func (f filter) operands(in filterInput) (filter, *apiError) {
	switch in.Operator {
	case "HAS_PROPERTY", "NOT_HAS_PROPERTY":
		return f, nil
	case "IN", "NOT_IN":
		if len(in.Values) == 0 {
			return f, invalid(in.Operator + " needs values.")
		}
		f.set = map[string]bool{}
		for _, v := range in.Values { // strings are compared in lower case, so other values never match
			key, fits := f.key(string(v))
			if !fits {
				return f, invalid("The value " + string(v) + " does not fit " + f.name + ".")
			}
			f.set[key] = true
		}
		return f, nil
	case "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN":
	default:
		return f, invalid("Unknown operator " + in.Operator + ".")
	}
	if in.Value == nil || (in.Operator == "BETWEEN" && in.High == nil) {
		return f, invalid(in.Operator + " needs a value, and BETWEEN a highValue.")
	}
	var fits, fitsHigh bool
	f.text, f.low, fits = f.operand(string(*in.Value))
	fitsHigh = true
	if in.High != nil {
		f.highText, f.high, fitsHigh = f.operand(string(*in.High))
	}
	if !fits || !fitsHigh {
		return f, invalid("The value " + string(*in.Value) + " does not fit " + f.name + ".")
	}
	return f, nil
}

// operand reads one value by the property's type.
func (f filter) operand(value string) (plain string, n float64, ok bool) {
	switch f.kind {
	case "number":
		n, ok := parseNumber(value)
		return value, n, ok
	case "moment":
		t, ok := parseMoment(value)
		return value, float64(t.UnixMilli()), ok
	case "option", "link":
		return value, 0, true
	}
	return strings.ToLower(value), 0, true
}

// key is the form in which IN compares: numbers and dates by value, texts as they were given.
func (f filter) key(value string) (string, bool) {
	switch f.kind {
	case "number", "moment":
		_, n, ok := f.operand(value)
		return strconv.FormatFloat(n, 'f', -1, 64), ok
	}
	return value, true
}

func (c *call) matches(rec *record, groups [][]filter) bool {
	if len(groups) == 0 {
		return true
	}
	return slices.ContainsFunc(groups, func(group []filter) bool {
		for i := range group {
			if !group[i].match(rec, c.now) {
				return false
			}
		}
		return true
	})
}

func (f *filter) match(rec *record, now time.Time) bool {
	if f.kind == "link" {
		for id := range rec.links[f.link] {
			if id == f.text || f.set[id] {
				return true
			}
		}
		return false
	}
	if f.name == rec.of.modified && len(rec.lag) == 0 { // the cursor's filter, without writing and reading a text
		return f.compare(float64(rec.modified.UnixMilli()), f.low, f.high)
	}
	value, set := rec.indexed(f.name, now)
	switch f.operator {
	case "HAS_PROPERTY":
		return set
	case "NOT_HAS_PROPERTY":
		return !set
	}
	if !set { // no comparison holds for what is unset, not even "is not"
		return false
	}
	plain, n, ok := f.operand(value)
	if !ok {
		return false
	}
	switch f.operator {
	case "IN", "NOT_IN":
		key := plain
		if f.kind == "number" || f.kind == "moment" {
			key = strconv.FormatFloat(n, 'f', -1, 64)
		}
		return f.set[key] == (f.operator == "IN")
	case "CONTAINS_TOKEN":
		return containsTokens(plain, f.text)
	case "NOT_CONTAINS_TOKEN":
		return !containsTokens(plain, f.text)
	}
	if f.kind == "number" || f.kind == "moment" {
		return f.compare(n, f.low, f.high)
	}
	return ordered(f.operator, cmp.Compare(plain, f.text), cmp.Compare(plain, f.highText))
}

// compare answers the ordering operators, and IN and HAS_PROPERTY for the cursor's shortcut.
func (f *filter) compare(n, low, high float64) bool {
	switch f.operator {
	case "IN", "NOT_IN":
		return f.set[strconv.FormatFloat(n, 'f', -1, 64)] == (f.operator == "IN")
	case "HAS_PROPERTY":
		return true
	}
	return ordered(f.operator, cmp.Compare(n, low), cmp.Compare(n, high))
}

func ordered(operator string, low, high int) bool {
	switch operator {
	case "EQ":
		return low == 0
	case "NEQ":
		return low != 0
	case "LT":
		return low < 0
	case "LTE":
		return low <= 0
	case "GT":
		return low > 0
	case "GTE":
		return low >= 0
	case "BETWEEN":
		return low >= 0 && high <= 0
	}
	return false
}

// containsTokens says that every word of want is a word of have; a star at either end stands for more.
func containsTokens(have, want string) bool {
	words := strings.FieldsFunc(have, notWord)
	for _, w := range strings.Fields(want) {
		core := strings.Trim(w, "*")
		start, end := strings.HasPrefix(w, "*"), strings.HasSuffix(w, "*")
		parts := strings.FieldsFunc(core, notWord)
		for i, part := range parts {
			open := i == 0 && start
			free := i == len(parts)-1 && end
			if !slices.ContainsFunc(words, func(word string) bool { return tokenIs(word, part, open, free) }) {
				return false
			}
		}
	}
	return true
}

func tokenIs(word, part string, open, free bool) bool {
	switch {
	case open && free:
		return strings.Contains(word, part)
	case open:
		return strings.HasSuffix(word, part)
	case free:
		return strings.HasPrefix(word, part)
	}
	return word == part
}

func notWord(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r < 0x80
}

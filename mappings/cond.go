package mappings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// NamedEvents are the things that may happen to a handoff and stand in a
// condition by name alone.
func NamedEvents() []string {
	return []string{"next_task_created", "first_touch_logged", "first_touch", "task_done", "task_deferred", "checklist_done"}
}

// Subjects are what a handoff may be about.
func Subjects() []string { return []string{"person", "company", "deal"} }

// Nouns are the left half of every field: the subjects, and what programs say
// of one by signals.
func Nouns() []string { return append(Subjects(), "usage") }

// Operators are the words a condition may hold beside or_blank.
func Operators() []string {
	return []string{
		"is", "is_not", "in", "not_in", "same_as", "at_least", "at_most", "between", "filled", "contains",
		"starts_with", "ends_with", "within_days", "changed_to", "pipeline", "count_at_least", "within", "same",
	}
}

const condHint = "write it like {person.country: US} or {person.email: {filled: yes}}"

// cond is one condition; a list means that all of them have to hold.
func (v value) cond() Cond {
	switch {
	case !v.given():
		return Cond{}
	case v.isList():
		return combine(v.pos(), v.conds())
	case v.isText():
		return v.event()
	}
	var all []Cond
	entries := v.entries(condHint)
	for i, e := range entries {
		switch key := e.key.S; {
		case key == "all":
			all = append(all, Cond{Pos: e.key.Pos, All: e.val.conds()})
		case key == "any":
			all = append(all, Cond{Pos: e.key.Pos, Any: e.val.conds()})
		case key == "none":
			all = append(all, Cond{Pos: e.key.Pos, None: e.val.conds()})
		case i > 0 && !isField(key) && v.isStray(e):
			v.stray(entries, i)
		default:
			all = append(all, v.fieldCond(e))
		}
	}
	if len(all) == 0 {
		v.bad("no-value", v.name+" holds no condition", condHint)
	}
	return combine(v.pos(), all)
}

// combine joins conditions that all have to hold; one alone stays as it is.
func combine(at Pos, cs []Cond) Cond {
	if len(cs) == 1 {
		return cs[0]
	}
	if len(cs) == 0 {
		return Cond{Pos: at}
	}
	return Cond{Pos: at, All: cs}
}

// conds is a list of conditions, or a single one.
func (v value) conds() []Cond {
	items := v.oneOrMore()
	if v.isList() && len(items) == 0 {
		v.bad("no-value", v.name+" is an empty list", condHint)
	}
	out := make([]Cond, 0, len(items))
	for _, i := range items {
		if c := i.cond(); !c.IsZero() {
			out = append(out, c)
		}
	}
	return out
}

// event is a condition that is one word.
func (v value) event() Cond {
	t := v.text()
	switch {
	case !t.Given():
		return Cond{}
	case slices.Contains(NamedEvents(), t.S):
	case isField(t.S):
		v.bad("bad-condition", fmt.Sprintf("%s says nothing about %s", v.name, t.S), fmt.Sprintf("write {%s: {filled: yes}} or {%s: a value}", t.S, t.S))
	default:
		v.bad("unknown-event", fmt.Sprintf("%s: nothing called %q happens to a handoff", v.name, t.S), didYouMean(t.S, NamedEvents()))
	}
	return Cond{Pos: t.Pos, Field: t}
}

// fieldCond is one field with what it has to be.
func (v value) fieldCond(e entry) Cond {
	c := Cond{Pos: e.key.Pos, Field: e.key}
	noun, _, dotted := strings.Cut(e.key.S, ".")
	switch {
	case dotted && isField(e.key.S) && slices.Contains(Nouns(), noun):
	case dotted:
		v.r.add(e.key.Pos, "bad-field", fmt.Sprintf("%q is not a field", e.key.S), nounHint(noun))
	case slices.Contains(Nouns(), e.key.S):
		return e.val.presence(c)
	case slices.Contains(NamedEvents(), e.key.S):
		v.r.add(e.key.Pos, "bad-condition", fmt.Sprintf("%q is something that happens; it has no value", e.key.S), "write it alone: - "+e.key.S)
		return c
	default:
		v.r.add(e.key.Pos, "bad-field", fmt.Sprintf("%q is not a field", e.key.S), conditionKeyHint(e.key.S))
		return c
	}
	c.Ops, c.OrBlank = e.val.ops(e.key.S)
	return c
}

func nounHint(noun string) string {
	if n := nearest(noun, Nouns()); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return "a field begins with person, company or deal, as in person.email"
}

func conditionKeyHint(typed string) string {
	known := append([]string{"all", "any", "none"}, Nouns()...)
	if k := nearest(typed, known); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	if slices.Contains(Operators(), typed) {
		return "an operator belongs behind a field: {person.country: {" + typed + ": …}}"
	}
	return "a field is written like person.email"
}

// presence is {company: {filled: yes}}: the record is there at all.
func (v value) presence(c Cond) Cond {
	if v.isMap() {
		c.Ops, c.OrBlank = v.ops(c.Field.S)
		if len(c.Ops) == 1 && c.Ops[0].Name == "filled" && !c.OrBlank {
			return c
		}
		if len(c.Ops) == 0 {
			return c // told by ops
		}
	}
	v.r.add(c.Pos, "bad-condition", fmt.Sprintf("a whole %s can only be there or not", c.Field.S),
		fmt.Sprintf("write {%s: {filled: yes}}, or name a field: %s.name", c.Field.S, c.Field.S))
	return c
}

// ops is what stands behind a field: a scalar, a list or operators.
func (v value) ops(field string) (ops []Op, orBlank bool) {
	if !v.isMap() {
		if v.isText() && empty(v.n) {
			v.bad("no-value", field+" has no value to compare with", "to ask whether it is blank, write {filled: no}")
			return nil, false
		}
		if args := v.texts(); len(args) > 0 {
			return []Op{{Name: "is", Args: args, Pos: v.pos()}}, false
		}
		if v.isList() {
			v.bad("no-value", field+" is compared with an empty list", "")
		}
		return nil, false
	}
	for _, e := range v.entries("") {
		if e.key.S == "or_blank" {
			orBlank = e.val.yesNo()
			continue
		}
		if !slices.Contains(Operators(), e.key.S) {
			v.r.add(e.key.Pos, "unknown-operator", fmt.Sprintf("%q is not an operator", e.key.S), operatorHint(e.key.S, field))
			continue
		}
		if args := e.val.args(e.key.S); len(args) > 0 {
			ops = append(ops, Op{Name: e.key.S, Args: args, Pos: e.key.Pos})
		}
	}
	v.checkQualifiers(ops)
	return ops, orBlank
}

func operatorHint(typed, field string) string {
	words := map[string]string{
		"equals": "is", "isnt": "is_not", "eq": "is", "not": "is_not", "ne": "is_not", "gt": "at_least", "gte": "at_least", "lt": "at_most",
		"lte": "at_most", "more_than": "at_least", "less_than": "at_most", "empty": "filled", "blank": "filled", "exists": "filled",
		"any_of": "in", "one_of": "in", "includes": "contains", "like": "contains", "begins_with": "starts_with", "min": "at_least", "max": "at_most",
	}
	if w, ok := words[strings.ToLower(typed)]; ok {
		return fmt.Sprintf("did you mean %q?", w)
	}
	if k := nearest(typed, append(Operators(), "or_blank")); k != "" {
		return fmt.Sprintf("did you mean %q?", k)
	}
	if slices.Contains(Nouns(), field) {
		return fmt.Sprintf("a field is written with a dot: %s.%s", field, typed)
	}
	return "the operators are " + either(append(Operators(), "or_blank"))
}

// args is what one operator is given.
func (v value) args(op string) []Text {
	switch op {
	case "same_as":
		return oneText(v.fieldName())
	case "filled":
		return v.filled()
	case "at_least", "at_most":
		return oneText(v.quantity())
	case "between":
		return v.between()
	case "within_days":
		return v.counted(0)
	case "count_at_least":
		return v.counted(1)
	case "within":
		if v.clockTimeOnly().IsZero() {
			return nil
		}
		return oneText(v.text())
	case "pipeline", "same":
		return oneText(v.text())
	}
	args := v.texts()
	if v.isList() && len(args) == 0 {
		v.bad("no-value", v.name+" is given an empty list", "")
	}
	return args
}

func oneText(t Text) []Text {
	if !t.Given() {
		return nil
	}
	return []Text{t}
}

// filled answers yes or no, whatever spelling was used.
func (v value) filled() []Text {
	t := v.text()
	if !t.Given() {
		return nil
	}
	t.S = "no"
	if v.yesNo() {
		t.S = "yes"
	}
	return []Text{t}
}

func (v value) counted(least int) []Text {
	before := v.r.told
	v.whole(least)
	if v.r.told > before {
		return nil
	}
	return oneText(v.text())
}

// quantity is a number or a day.
func (v value) quantity() Text {
	t := v.text()
	if t.Given() && !isQuantity(t.S) {
		hint := "write digits alone, like 1000, or a day like 2026-11-27"
		if bare := strings.NewReplacer(",", "", "_", "", "'", "", " ", "").Replace(t.S); isQuantity(bare) {
			hint = fmt.Sprintf("did you mean %q?", bare)
		}
		v.bad("bad-number", fmt.Sprintf("%s is %q, which is neither a number nor a day", v.name, t.S), hint)
		return Text{}
	}
	return t
}

func isQuantity(s string) bool {
	if strings.Trim(s, "0123456789.-+") == "" {
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			return true
		}
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// between is [1, 5] or "1 to 5".
func (v value) between() []Text {
	var ends []Text
	if v.isText() {
		t := v.text()
		a, b, ok := strings.Cut(t.S, " to ")
		if ok && isQuantity(strings.TrimSpace(a)) && isQuantity(strings.TrimSpace(b)) {
			return []Text{{strings.TrimSpace(a), t.Pos}, {strings.TrimSpace(b), t.Pos}}
		}
		if !t.Given() {
			return nil
		}
	} else {
		ends = readAll(v.list(), value.quantity)
	}
	if len(ends) != 2 {
		v.bad("bad-condition", "between needs two numbers or days", "write [1, 99] or 1 to 99")
		return nil
	}
	return ends
}

// checkQualifiers finds pipeline, within and same without what they qualify.
func (v value) checkQualifiers(ops []Op) {
	has := func(names ...string) bool {
		return slices.ContainsFunc(ops, func(o Op) bool { return slices.Contains(names, o.Name) })
	}
	for _, o := range ops {
		switch {
		case o.Name == "pipeline" && !has("is", "is_not", "in", "not_in", "changed_to"):
			v.r.add(o.Pos, "bad-condition", "pipeline says where a stage is, and no stage is named", "write {changed_to: Closed Won, pipeline: Sales}")
		case (o.Name == "within" || o.Name == "same") && !has("count_at_least"):
			v.r.add(o.Pos, "bad-condition", o.Name+" qualifies count_at_least, which is not here", "write {count_at_least: 3, within: 7 days}")
		}
	}
}

package plan

import (
	"slices"
	"strings"

	"github.com/handoffd/handoffd/mappings"
)

// testable refuses a trigger that no machine can test (1.40, 1.121): the name
// of an operator in a value's place, as in {deal.stage: filled}, would wait for
// a stage of that name for ever.
func (c *compiler) testable(t *typ, d mappings.Cond) {
	for _, k := range slices.Concat(d.All, d.Any, d.None) {
		c.testable(t, k)
	}
	for _, op := range d.Ops {
		if op.Name != opIs {
			continue
		}
		for _, a := range op.Args {
			word := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(a.S)), " ", "_")
			if hint, is := asTest(d.Field.S, word); is && !c.canBe(t, d.Field, a.S) {
				c.bad(a.Pos, "no-test", hint, "%s would start when %s is the word %q, which is no test a machine can make", t.name, d.Field.S, a.S)
			}
		}
	}
}

// asTest is how a test is written that was meant by one word.
func asTest(field, word string) (hint string, is bool) {
	switch word {
	case opFilled, "known", "set", "present", "any", "anything":
		return "write {" + field + ": {filled: yes}}", true
	case "blank", "empty", "missing", "not_filled", "unknown":
		return "write {" + field + ": {filled: no}}", true
	case "changed", "changes", "updated", "entered", opChangedTo:
		return "name the value: {" + field + ": {changed_to: …}}", true
	case opContains, opStartsWith, opEndsWith, opAtLeast, opAtMost, opBetween, opIn, opNotIn, opIsNot, opSameAs, opWithinDays, opCount:
		return "write {" + field + ": {" + word + ": …}}", true
	}
	return "", false
}

// canBe reports whether a mapping lists the value among those of the field.
func (c *compiler) canBe(t *typ, name mappings.Text, v string) bool {
	noun, word, _ := strings.Cut(name.S, ".")
	for _, n := range t.on {
		w, _ := n.m.Word(noun, word)
		if slices.ContainsFunc(w.Values, func(o string) bool { return strings.EqualFold(o, v) }) {
			return true
		}
	}
	return false
}

// startable tells of alternatives that can never hold together with only_if,
// and of types for which no tier starts anything.
func (c *compiler) startable() {
	for _, t := range c.r.types {
		for i := range t.starts {
			wanted := map[field][]string{}
			if f, never := contradicts(wanted, &t.starts[i].when); never {
				c.warn(t.starts[i].pos, "never-starts", "take one of the two out, or write any:", "%s can never start by this: %s would have to be two things at once", t.name, f)
			} else if f, never := contradicts(wanted, &t.onlyIf); never {
				c.warn(t.starts[i].pos, "never-starts", "let only_if allow it, or take it out of starts_when", "%s can never start by this: only_if wants %s to be something else", t.name, f)
			}
		}
		if len(t.tiers) > 0 && !slices.ContainsFunc(t.tiers, func(r tierRow) bool { return !r.tier.none }) {
			c.warn(t.pos, "never-starts", "use a tier that hands over in one line of sla", "%s never starts: all its tiers are without a handoff", t.name)
		}
	}
}

// contradicts adds what a condition wants the fields to be, all of it together,
// and names a field that no value could satisfy.
func contradicts(wanted map[field][]string, when *cond) (field, bool) {
	if when.kind == allOf {
		for i := range when.kids {
			if f, never := contradicts(wanted, &when.kids[i]); never {
				return f, true
			}
		}
	}
	if when.kind != aField || when.orBlank {
		return field{}, false
	}
	for _, t := range when.tests {
		if t.op != opIs && t.op != opChangedTo || t.isA == isList || t.list != nil || len(t.args) == 0 {
			continue
		}
		both := t.args
		if before, known := wanted[when.field]; known {
			both = slices.DeleteFunc(slices.Clone(t.args), func(a string) bool {
				return !slices.ContainsFunc(before, func(b string) bool { return strings.EqualFold(a, b) })
			})
		}
		if len(both) == 0 {
			return when.field, true
		}
		wanted[when.field] = both
	}
	return field{}, false
}

// steady tells of one handover that different people would know by different
// signals (2.7): the same giver and receiver, told apart by the value of a
// field, and started by something else for each.
func (c *compiler) steady() {
	for i, a := range c.r.types {
		for _, b := range c.r.types[:i] {
			same := a.about == b.about && a.from == b.from && c.receiverOf(a) == c.receiverOf(b) && a.onlyIf.text != b.onlyIf.text
			fields := a.onlyIf.fields()
			if !same || len(fields) == 0 || !slices.Equal(fields, b.onlyIf.fields()) || slices.EqualFunc(a.starts, b.starts, func(x, y start) bool { return x.tag == y.tag }) {
				continue
			}
			c.warn(a.pos, "triggers-differ", "give both the same starts_when", "%s and %s are one handover for different %s, and start by different signals", b.name, a.name, fields[0])
		}
	}
}

// receiverOf is to whom a type hands over, as its file says.
func (c *compiler) receiverOf(t *typ) string {
	for i := range c.doc.Handoffs {
		if c.doc.Handoffs[i].Name.S == t.name {
			return c.doc.Handoffs[i].To.S
		}
	}
	return ""
}

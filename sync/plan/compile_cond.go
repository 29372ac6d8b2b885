package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/normalize"
)

// cond makes a condition ready. Its fields have to be known in one of conns;
// happens says whether it may name what happens to a handoff.
func (c *compiler) cond(d mappings.Cond, conns []*conn, happens bool) cond {
	switch {
	case d.IsZero():
		return cond{kind: always}
	case d.All != nil:
		return c.group(allOf, d.All, conns, happens)
	case d.Any != nil:
		return c.group(anyOf, d.Any, conns, happens)
	case d.None != nil:
		return c.group(noneOf, d.None, conns, happens)
	}
	if !strings.Contains(d.Field.S, ".") {
		return c.bare(d, happens)
	}
	out := cond{kind: aField, orBlank: d.OrBlank, text: textOf(d)}
	f, known := c.fieldIn(d.Field, conns, false)
	out.field = f
	if slices.ContainsFunc(d.Ops, func(o mappings.Op) bool { return o.Name == opCount }) {
		return c.counting(d, f, conns, known)
	}
	w, _ := word(conns, f)
	for _, op := range d.Ops {
		if t, ok := c.test(op, d, w, conns, known); ok {
			out.tests = append(out.tests, t)
		}
	}
	return out
}

func (c *compiler) group(kind condKind, ds []mappings.Cond, conns []*conn, happens bool) cond {
	out := cond{kind: kind}
	var texts []string
	for _, d := range ds {
		k := c.cond(d, conns, happens)
		out.kids = append(out.kids, k)
		texts = append(texts, k.text)
	}
	with := map[condKind]string{allOf: " and ", anyOf: " or ", noneOf: " or "}[kind]
	out.text = strings.Join(texts, with)
	if kind == noneOf {
		out.text = "none of: " + out.text
	}
	return out
}

// bare is {company: {filled: yes}} or something that happens.
func (c *compiler) bare(d mappings.Cond, happens bool) cond {
	if slices.Contains(mappings.Nouns(), d.Field.S) {
		out := cond{kind: aRecord, field: field{noun: d.Field.S}, text: textOf(d)}
		for _, op := range d.Ops {
			out.absent = op.Name == opFilled && len(op.Args) == 1 && op.Args[0].S != yes
		}
		return out
	}
	if !happens {
		c.bad(d.Field.Pos, "never-true", "name a field and what it has to be", "%s is something that happens to a handoff; it cannot decide here", d.Field.S)
	}
	return cond{kind: happening, event: d.Field.S, text: strings.ReplaceAll(d.Field.S, "_", " ")}
}

// textOf is a condition on one line.
func textOf(d mappings.Cond) string {
	var parts []string
	for _, op := range d.Ops {
		var args []string
		for _, a := range op.Args {
			args = append(args, a.S)
		}
		parts = append(parts, strings.ReplaceAll(op.Name, "_", " ")+" "+strings.Join(args, ", "))
	}
	text := d.Field.S + " " + strings.Join(parts, " and ")
	if d.OrBlank {
		text += " or blank"
	}
	return text
}

// test makes one operator ready; false for one that only qualifies another.
func (c *compiler) test(op mappings.Op, d mappings.Cond, w normalize.Field, conns []*conn, known bool) (test, bool) {
	t := test{op: op.Name, isA: w.IsA}
	switch op.Name {
	case opPipeline, opWithin, opSame:
		return t, false
	case opSameAs:
		t.other, _ = c.fieldIn(op.Args[0], conns, false)
	case opAtLeast:
		t.low = c.bound(op.Args[0], w, known, false)
	case opAtMost:
		t.high = c.bound(op.Args[0], w, known, true)
	case opBetween:
		t.low, t.high = c.bound(op.Args[0], w, known, false), c.bound(op.Args[1], w, known, true)
	case opWithinDays:
		t.days, _ = strconv.Atoi(op.Args[0].S)
		if known {
			c.datelike(op.Args[0], field{w.Noun, w.Word}, conns)
		}
	default:
		c.values(&t, op, w, known)
	}
	if qualifies(op.Name) {
		if i := slices.IndexFunc(d.Ops, func(o mappings.Op) bool { return o.Name == opPipeline }); i >= 0 {
			t.pipeline = d.Ops[i].Args[0].S
			if in, ok := word(conns, field{w.Noun, wordPipeline}); ok {
				c.known(d.Ops[i].Args[0], in)
			} else if known {
				c.warn(d.Ops[i].Pos, "no-pipeline", "map "+w.Noun+".pipeline", "the pipeline is mapped nowhere, so the stage alone decides")
			}
		}
	}
	return t, true
}

func qualifies(op string) bool {
	return slices.Contains([]string{opIs, opIsNot, opIn, opNotIn, opChangedTo}, op)
}

// values puts the arguments into the form that records have. in and not_in
// with one word mean the list of that name, if there is one.
func (c *compiler) values(t *test, op mappings.Op, w normalize.Field, known bool) {
	listed := op.Name == opIn || op.Name == opNotIn
	if listed && len(op.Args) == 1 {
		if l, ok := c.list(op.Args[0]); ok {
			t.list = l
			return
		}
		if isListName(op.Args[0].S) && c.isUnread("lists.yaml") {
			return // it may well be one
		}
	}
	for _, a := range op.Args {
		v := a.S
		whole := op.Name != opContains && op.Name != opStartsWith && op.Name != opEndsWith && op.Name != opFilled
		if whole && known {
			v = c.canonical(a, w)
		}
		t.args = append(t.args, v)
	}
	if listed && len(op.Args) == 1 && len(w.Values) == 0 && w.IsA == "text" && isListName(op.Args[0].S) {
		c.undefined(op.Args[0], "undefined-list", "list", "lists.yaml", c.listNames())
	}
}

// isListName tells a list's name from a value: small letters with an
// underscore or a plural, as in free_mail.
func isListName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// known tells of a word that the field never holds, as far as the mapping says;
// handoff_status holds what we write.
func (c *compiler) known(a mappings.Text, w normalize.Field) {
	values := w.Values
	if len(values) == 0 && w.Word == ownStatus {
		values = statuses()
	}
	if len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, a.S) }) {
		c.warn(a.Pos, "unknown-value", didYouMean(a.S, values, "it can be "+strings.Join(values, ", ")), "%s is never %q, as far as the mapping says", w, a.S)
	}
}

// canonical is an argument as records have the value; it tells of one that the
// field can never hold.
func (c *compiler) canonical(a mappings.Text, w normalize.Field) string {
	c.known(a, w)
	v, ok := normalize.Value(w, a.S, "")
	if !ok || v == "" {
		c.bad(a.Pos, "wrong-type", "", "%s is a %s and can never be %q", w, strings.ReplaceAll(w.IsA, "_", " "), a.S)
		return a.S
	}
	return v
}

// bound is a number or a day. As an upper end a day is its last instant.
func (c *compiler) bound(a mappings.Text, w normalize.Field, known, upper bool) bound {
	if at, day, ok := instant(a.S); ok {
		if known && w.IsA != isDate && w.IsA != isDatetime {
			c.bad(a.Pos, "wrong-type", "add is_a: date to it in the mapping", "%s is compared with a day and is a %s", w, w.IsA)
		}
		if upper && day {
			at = at.Add(24*time.Hour - time.Nanosecond)
		}
		return bound{set: true, at: at}
	}
	n, err := strconv.ParseFloat(a.S, 64)
	if known && (err != nil || w.IsA != isNumber) {
		c.bad(a.Pos, "wrong-type", "add is_a: number to it in the mapping", "%s is compared with a number and is a %s", w, w.IsA)
	}
	return bound{set: true, number: n}
}

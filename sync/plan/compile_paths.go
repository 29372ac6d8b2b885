package plan

import (
	"slices"
	"strings"
	"unicode"

	"github.com/handoffd/handoffd/mappings"
)

// paths tells of signals of different urgency that share a path (2.37): one by
// which a type starts and which another tier says it is for, and two that belong
// to two tiers and are not told apart under sla. Both are the admin's own words:
// the values of starts_when, and `for:` of the tiers.
func (c *compiler) paths() {
	const apart = "give it a line of its own under sla:, or a type of its own"
	for _, t := range c.r.types {
		firstOf := map[string]string{} // tier → the first signal that belongs there
		var order []string
		for i := range t.starts {
			t.starts[i].when.walk(func(leaf *cond) {
				for _, value := range leaf.named() {
					tier, phrase := c.belongs(t, value)
					switch {
					case tier == "" || firstOf[tier] == value:
						continue
					case !t.hasTier(tier):
						c.warn(t.starts[i].pos, "shares-a-path", apart, "%s takes %q at the pace of %s, and sla.yaml says that tier %s is for %q", t.name, value, t.tierNames(), tier, phrase)
					case len(order) > 0 && order[0] != tier && !t.tellsApart(leaf.field):
						c.warn(t.starts[i].pos, "shares-a-path", apart, "%s takes %q and %q the same way, and sla.yaml says that tier %s is for %q", t.name, firstOf[order[0]], value, tier, phrase)
					}
					if firstOf[tier] == "" {
						firstOf[tier] = value
						order = append(order, tier)
					}
				}
			})
		}
	}
}

// tellsApart reports whether the rows under sla look at a field.
func (t *typ) tellsApart(of field) bool {
	return slices.ContainsFunc(t.tiers, func(row tierRow) bool { return slices.Contains(row.when.fields(), of) })
}

// hasTier reports whether a type may hand over in a tier.
func (t *typ) hasTier(name string) bool {
	return slices.ContainsFunc(t.tiers, func(row tierRow) bool { return row.tier.name == name })
}

// named are the values that a condition names as what somebody did.
func (c *cond) named() []string {
	var out []string
	for _, t := range c.tests {
		if slices.Contains([]string{opIs, opChangedTo, opContains, opStartsWith, opEndsWith}, t.op) && t.isA != isNumber {
			out = append(out, t.args...)
		}
	}
	return out
}

// tierNames are the tiers that a type hands over in.
func (t *typ) tierNames() string {
	var out []string
	for _, row := range t.tiers {
		if !slices.Contains(out, row.tier.name) {
			out = append(out, row.tier.name)
		}
	}
	return strings.Join(out, " or ")
}

// belongs is the tier that says it is for a signal, with its words for it: one
// of the type's own before any other; "" where none says so.
func (c *compiler) belongs(t *typ, signal string) (tier, phrase string) {
	for _, d := range c.doc.Tiers {
		said, is := speaksOfSignal(d, signal)
		if is && (tier == "" || t.hasTier(d.Name.S) && !t.hasTier(tier)) {
			tier, phrase = d.Name.S, said
		}
	}
	return tier, phrase
}

// speaksOfSignal finds the part of a tier's `for:` that names a signal: every
// word of it stands there, in whatever form.
func speaksOfSignal(d mappings.Tier, signal string) (string, bool) {
	wanted := stems(signal)
	if len(wanted) == 0 {
		return "", false
	}
	for phrase := range strings.SplitSeq(d.For.S, ",") {
		there := stems(phrase)
		missing := slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(there, w) })
		if !missing {
			return strings.TrimSpace(phrase), true
		}
	}
	return "", false
}

// stemLength is how much of a word is compared, so that "inquiry" is
// "inquiries" and "attended" is "attendance".
const stemLength = 5

// stems are the words of a text in the form in which they are compared. Short
// ones say nothing.
func stems(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		r := []rune(strings.TrimSuffix(w, "s"))
		if len(r) > 2 {
			out = append(out, string(r[:min(len(r), stemLength)]))
		}
	}
	return out
}

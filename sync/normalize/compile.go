package normalize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
)

func cleans() []string {
	return []string{"trim", "lowercase", "phone", "domain", "country_code", "email"}
}

func types() []string {
	return []string{"text", "number", "yes_no", "date", "datetime", "user", "owner", "list"}
}

// Compile checks a mapping and makes it ready for one connection. The mapping
// it answers works as far as it is right; with an error among the diagnostics
// it should not run.
func Compile(m mappings.Mapping, conn string) (*Mapping, []mappings.Diagnostic) {
	c := compiler{m: &Mapping{
		conn:  conn,
		noun:  map[connectors.Kind]string{},
		plans: map[connectors.Kind]*plan{},
		words: map[string][]*word{},
	}}
	for _, n := range m.Nouns {
		c.noun(n)
	}
	return c.m, c.ds
}

type compiler struct {
	m  *Mapping
	ds []mappings.Diagnostic
}

func (c *compiler) bad(at mappings.Pos, code, text, hint string) {
	c.ds = append(c.ds, mappings.Diagnostic{Pos: at, Code: code, Text: text, Hint: hint})
}

func (c *compiler) warn(at mappings.Pos, code, text, hint string) {
	c.ds = append(c.ds, mappings.Diagnostic{Pos: at, Code: code, Text: text, Hint: hint, Warn: true})
}

func (c *compiler) noun(n mappings.Noun) {
	name := n.Word.S
	if !slices.Contains(mappings.Nouns(), name) {
		c.bad(n.Word.Pos, "unknown-noun", fmt.Sprintf("there is no noun %q", name), meant(name, mappings.Nouns()))
		return
	}
	if c.m.words[name] != nil {
		c.bad(n.Word.Pos, "noun-twice", fmt.Sprintf("%s is written a second time", name), "keep one of them")
		return
	}
	var kinds []connectors.Kind
	for _, k := range n.StoredIn {
		kind := connectors.Kind(k.S)
		if other, ok := c.m.noun[kind]; ok {
			c.bad(k.Pos, "kind-twice", fmt.Sprintf("%s is already where a %s is stored", k.S, other), "one kind of object is one noun")
			continue
		}
		c.m.noun[kind] = name
		if name != "usage" { // what programs say is sent to us, and followed nowhere
			c.m.kinds = append(c.m.kinds, kind)
		}
		kinds = append(kinds, kind)
	}
	words := make([]*word, 0, len(n.Fields))
	for _, f := range n.Fields {
		if slices.ContainsFunc(words, func(w *word) bool { return w.Word == f.Word.S }) {
			c.bad(f.Pos, "duplicate-key", fmt.Sprintf("%s.%s is written a second time", name, f.Word.S), "keep one of them")
			continue
		}
		words = append(words, c.field(name, f, kinds))
	}
	c.m.words[name] = words
	c.country(name, words)
	for _, k := range kinds {
		c.m.plans[k] = planFor(k, words)
	}
}

// country finds the word that says where phone numbers are from.
func (c *compiler) country(noun string, words []*word) {
	i := slices.IndexFunc(words, func(w *word) bool { return slices.Contains(w.Clean, "country_code") && w.Reads })
	if i >= 0 {
		words[i].country = true
		return
	}
	for _, w := range words {
		if slices.Contains(w.Clean, "phone") {
			c.warn(w.Pos, "phone-without-country", fmt.Sprintf("%s: no word of %s is cleaned as country_code, so only numbers that begin with + can be read", w, noun), "map the country, with clean: [country_code]")
		}
	}
}

func (c *compiler) field(noun string, f mappings.Field, kinds []connectors.Kind) *word {
	w := &word{
		Field: Field{Noun: noun, Word: f.Word.S, IsA: f.IsA.S, Reads: len(f.Read) > 0, Writes: len(f.Write) > 0, Pos: f.Pos},
		hold:  f.OtherValues.S == "hold_and_report",
		read:  f.Read,
		write: f.Write,
	}
	if f.JoinWith != nil {
		w.join = &f.JoinWith.S
	}
	if w.IsA == "" {
		w.IsA = "text"
	}
	if !slices.Contains(types(), w.IsA) {
		c.bad(f.IsA.Pos, "bad-value", fmt.Sprintf("is_a cannot be %q", f.IsA.S), meant(f.IsA.S, types()))
		w.IsA = "text"
	}
	for _, step := range f.Clean {
		if !slices.Contains(cleans(), step.S) {
			c.bad(step.Pos, "bad-value", fmt.Sprintf("clean cannot be %q", step.S), meant(step.S, cleans()))
			continue
		}
		w.Clean = append(w.Clean, step.S)
	}
	for _, y := range f.YesIf {
		w.YesIf = append(w.YesIf, y.S)
	}
	c.sources(w, append(slices.Clone(f.Read), f.Write...), kinds)
	c.values(w, f)
	c.clashes(w, f)
	return w
}

// sources checks that a source for one kind names a kind of the noun.
func (c *compiler) sources(w *word, from []mappings.Source, kinds []connectors.Kind) {
	if len(from) == 0 {
		c.bad(w.Pos, "missing-key", fmt.Sprintf("%s says neither read nor write", w), "write {read: the CRM's field}")
	}
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	for _, s := range from {
		if s.Kind.S != "" && !slices.Contains(names, s.Kind.S) {
			c.bad(s.Kind.Pos, "unknown-kind", fmt.Sprintf("%s: a %s is not stored in %s", w, w.Noun, s.Kind.S), meant(s.Kind.S, names))
		}
	}
}

func (c *compiler) values(w *word, f mappings.Field) {
	if f.OtherValues.Given() && len(f.Values) == 0 {
		c.warn(f.OtherValues.Pos, "no-effect", fmt.Sprintf("%s: other_values does nothing without values", w), "list the CRM's codes under values")
	}
	if len(f.Values) == 0 {
		return
	}
	w.codes, w.ours = make(map[string]string, 2*len(f.Values)), map[string]bool{}
	for _, p := range f.Values {
		w.codes[p.From.S] = p.To.S
		if !w.ours[p.To.S] {
			w.ours[p.To.S] = true
			w.Values = append(w.Values, p.To.S)
		}
	}
	// A code typed in another case is still that code, unless the exact
	// spelling means something of its own.
	for _, p := range f.Values {
		if low := strings.ToLower(p.From.S); w.codes[low] == "" {
			w.codes[low] = p.To.S
		}
	}
}

// clashes tells of keys that contradict each other.
func (c *compiler) clashes(w *word, f mappings.Field) {
	if len(w.YesIf) > 0 {
		if f.IsA.Given() && w.IsA != "yes_no" {
			c.bad(f.IsA.Pos, "clash", fmt.Sprintf("%s has yes_if, so it is yes or no and cannot be a %s", w, w.IsA), "leave is_a out")
		}
		if len(f.Values) > 0 {
			c.bad(f.Pos, "clash", fmt.Sprintf("%s has both yes_if and values", w), "keep one of them")
		}
		w.IsA = "yes_no"
	}
	switch w.IsA {
	case "text", "list":
	default:
		if len(f.Clean) > 0 && slices.ContainsFunc(w.Clean, func(s string) bool { return s != "trim" }) {
			c.warn(f.Clean[0].Pos, "no-effect", fmt.Sprintf("%s is a %s; clean is for text", w, w.IsA), "leave clean out")
		}
		w.Clean = nil
		if f.JoinWith != nil {
			c.bad(f.JoinWith.Pos, "clash", fmt.Sprintf("%s is a %s, and those cannot be joined", w, w.IsA), "leave join_with out")
			w.join = nil
		}
	}
}

// planFor puts the country first, because phone numbers are read with it.
func planFor(kind connectors.Kind, words []*word) *plan {
	p := &plan{}
	hasEmail, hasDomain := false, false
	for _, w := range words {
		r := reading{word: w}
		for _, s := range w.read {
			if s.Kind.S == "" || s.Kind.S == string(kind) {
				r.sources = append(r.sources, s.Field.S)
			}
		}
		hasDomain = hasDomain || w.Word == EmailDomain
		if len(r.sources) == 0 {
			continue
		}
		hasEmail = hasEmail || w.Word == "email"
		p.fields = append(p.fields, r.sources...)
		if w.country {
			p.words = slices.Insert(p.words, 0, r)
		} else {
			p.words = append(p.words, r)
		}
	}
	p.derived = hasEmail && !hasDomain
	slices.Sort(p.fields)
	p.fields = slices.Compact(p.fields)
	return p
}

// meant guesses which of the known words was meant, or lists them.
func meant(typed string, known []string) string {
	best, limit := "", max(1, min(3, len(typed)/3))+1
	for _, k := range known {
		if d := distance(strings.ToLower(typed), strings.ToLower(k), limit); d < limit {
			best, limit = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 {
		return ""
	}
	return "it can be " + strings.Join(known, ", ")
}

// distance counts the bytes to add, drop or change to get from a to b; limit
// where they are further apart than that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit)
}

package match

import (
	"fmt"
	"slices"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/normalize"
)

// Step is one way of finding an account that is switched on.
type Step struct {
	Via Via
	// SameCountry passes over an account whose country is known to be
	// another than the person's.
	SameCountry bool
	NotIn       string // the list of domains that identify nobody
	// Alike also takes names that are alike, from SureAt percent certainty on.
	Alike  bool
	SureAt float64
	Pos    mappings.Pos
}

// Config says which ways are used. The link that the CRM keeps and the e-mail
// address always are. Without any steps every way is.
type Config struct {
	Steps     []Step
	IfSeveral string // "review", or "" to let the tie order decide
	Ties      []Tie  // the tie order; nil: [DefaultTies]
}

// Compile reads match_people_to_companies. Which list NotIn names is for the
// caller to look up.
func Compile(m mappings.Match) (Config, []mappings.Diagnostic) {
	c := Config{IfSeveral: m.IfSeveral.S}
	var ds []mappings.Diagnostic
	c.Ties, ds = tiesOf(m.AmongSeveral)
	for _, t := range m.Try {
		via := map[string][]Via{wordDomain: {ByHost, ByDomain, ByPeople}, wordName: {ByName}, wordPhone: {ByPhone}, wordEmail: {ByEmail}}
		pair := t.Same
		if pair[0].S == "" {
			pair = t.Alike
		}
		known := false
		for _, p := range pairs() {
			if p[0] == pair[0].S && p[1] == pair[1].S {
				known = true
				for _, v := range via[p[1][len("company."):]] {
					c.Steps = append(c.Steps, Step{
						Via: v, SameCountry: t.AndSame.S == wordCountry, NotIn: t.NotIn.S, Pos: t.Pos,
						Alike: t.Alike[0].Given() && v == ByName, SureAt: t.SureAt.P,
					})
				}
			}
		}
		if !known && pair[0].Given() && pair[1].Given() {
			ds = append(ds, mappings.Diagnostic{
				Pos: pair[0].Pos, Code: "unknown-match",
				Text: fmt.Sprintf("people cannot be matched by %s and %s", pair[0].S, pair[1].S),
				Hint: fmt.Sprintf("write [%s, %s] or [%s, %s]", pairs()[0][0], pairs()[0][1], pairs()[1][0], pairs()[1][1]),
			})
		}
		if t.AndSame.Given() && t.AndSame.S != wordCountry {
			ds = append(ds, mappings.Diagnostic{Pos: t.AndSame.Pos, Code: "bad-value", Text: fmt.Sprintf("and_same cannot be %q", t.AndSame.S), Hint: "it can be country"})
		}
	}
	return c, ds
}

// tiesOf reads among_several.
func tiesOf(words []mappings.Text) (order []Tie, ds []mappings.Diagnostic) {
	known := append(DefaultTies(), Subsidiary)
	for _, w := range words {
		i := slices.IndexFunc(known, func(t Tie) bool { return t.Key() == w.S })
		switch {
		case i < 0:
			continue // the reader of the file has said so
		case slices.Contains(order, known[i]):
			ds = append(ds, mappings.Diagnostic{Pos: w.Pos, Code: "bad-value", Text: fmt.Sprintf("among_several names %s twice", w.S), Hint: "the first one decides; drop the second"})
			continue
		case known[i] == Subsidiary && slices.Contains(order, ParentCompany), known[i] == ParentCompany && slices.Contains(order, Subsidiary):
			ds = append(ds, mappings.Diagnostic{Pos: w.Pos, Code: "bad-value", Text: "among_several names both parent_company and subsidiary", Hint: "they are opposites; keep one"})
			continue
		}
		order = append(order, known[i])
	}
	return order, ds
}

// Blind are the steps among several that look at a word of a company that
// nothing is kept under.
func Blind(m mappings.Match, has func(word string) bool) []mappings.Diagnostic {
	order, _ := tiesOf(m.AmongSeveral)
	var ds []mappings.Diagnostic
	for _, t := range order {
		if w := t.needs(); w != "" && !has(w) {
			i := slices.IndexFunc(m.AmongSeveral, func(x mappings.Text) bool { return x.S == t.Key() })
			ds = append(ds, mappings.Diagnostic{
				Pos: m.AmongSeveral[i].Pos, Code: "unknown-field",
				Text: fmt.Sprintf("%s looks at company.%s, which this mapping does not have", t.Key(), w), Hint: "map it, or drop the step",
			})
		}
	}
	return ds
}

// pairs are the fields of a person and a company that can be compared.
func pairs() [][2]string {
	return [][2]string{
		{"person." + normalize.EmailDomain, "company." + wordDomain},
		{"person." + wordEmployer, "company." + wordName},
		{"person." + wordPhone, "company." + wordPhone},
	}
}

// step is how a way is configured; ok is false where it is switched off.
func (c Config) step(v Via) (Step, bool) {
	if v == ByLink || v == ByEmail || len(c.Steps) == 0 {
		return Step{Via: v}, true
	}
	i := slices.IndexFunc(c.Steps, func(s Step) bool { return s.Via == v })
	if i < 0 {
		return Step{}, false
	}
	return c.Steps[i], true
}

// Alike is how names that are alike are taken; ok is false where none is.
func (c Config) Alike() (Step, bool) {
	if len(c.Steps) == 0 {
		return Step{Via: ByName, Alike: true}, true
	}
	i := slices.IndexFunc(c.Steps, func(s Step) bool { return s.Alike })
	if i < 0 {
		return Step{}, false
	}
	return c.Steps[i], true
}

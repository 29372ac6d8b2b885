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
	Pos         mappings.Pos
}

// Config says which ways are used. The link that the CRM keeps and the e-mail
// address always are. Without any steps every way is.
type Config struct {
	Steps     []Step
	IfSeveral string // "review", or "" to let the tie order decide
}

// Compile reads match_people_to_companies. Which list NotIn names is for the
// caller to look up.
func Compile(m mappings.Match) (Config, []mappings.Diagnostic) {
	c := Config{IfSeveral: m.IfSeveral.S}
	var ds []mappings.Diagnostic
	for _, t := range m.Try {
		via := map[string][]Via{wordDomain: {ByHost, ByDomain}, wordName: {ByName}, wordEmail: {ByEmail}}
		pair := t.Same
		if pair[0].S == "" {
			pair = t.Alike
		}
		known := false
		for _, p := range pairs() {
			if p[0] == pair[0].S && p[1] == pair[1].S {
				known = true
				for _, v := range via[p[1][len("company."):]] {
					c.Steps = append(c.Steps, Step{Via: v, SameCountry: t.AndSame.S == wordCountry, NotIn: t.NotIn.S, Pos: t.Pos})
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

// pairs are the fields of a person and a company that can be compared.
func pairs() [][2]string {
	return [][2]string{
		{"person." + normalize.EmailDomain, "company." + wordDomain},
		{"person." + wordEmployer, "company." + wordName},
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

package match

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// MostUnrelated is how many accounts that have nothing to do with each other
// may have a domain before it identifies none of them: a host of websites, an
// agency, a network.
const MostUnrelated = 5

// Scattered reports whether accounts that share a domain are so many, and so
// different, that sharing it says nothing. Accounts are related that have a word
// of their name in common, that stand above one another, or below the same one.
func Scattered(sharers []state.Record) bool {
	if len(sharers) <= MostUnrelated {
		return false
	}
	var groups []group
	for _, r := range sharers {
		mine := groupOf(r)
		rest := groups[:0]
		for _, g := range groups {
			if g.related(mine) {
				mine.words, mine.ids = append(mine.words, g.words...), append(mine.ids, g.ids...)
			} else {
				rest = append(rest, g)
			}
		}
		groups = append(rest, mine)
	}
	return len(groups) > MostUnrelated
}

// group is what relates accounts.
type group struct {
	words []string
	ids   []connectors.Ref
}

func groupOf(r state.Record) group {
	g := group{ids: []connectors.Ref{r.Ref}}
	if id := above(r); id != "" {
		g.ids = append(g.ids, connectors.Ref{Conn: r.Ref.Conn, Kind: r.Ref.Kind, ID: id})
	}
	for _, f := range NewName(r.Fields[wordName]).Forms {
		for _, w := range f.Tokens {
			if len(w) > 2 && !kindWords[w] {
				g.words = append(g.words, w)
			}
		}
	}
	return g
}

func (g group) related(o group) bool {
	return slices.ContainsFunc(g.ids, func(r connectors.Ref) bool { return slices.Contains(o.ids, r) }) ||
		slices.ContainsFunc(g.words, func(w string) bool { return slices.Contains(o.words, w) })
}

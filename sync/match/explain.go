package match

import (
	"slices"
	"sync"
)

// What explains a word without a counterpart.
const (
	byPlace = 1 << iota // the account's own city or country
	byAbove             // the name of the account above it
)

// compareRest says of the words without a counterpart what else explains them,
// and in what order stand those that have one.
func (x *Index) compareRest(l *levels, p *pairing, q *query, e *entry) {
	lead, leadSort := x.explained(p.lead, &p.leadUsed, &q.name, &e.name, e)
	org, orgSort := x.explained(p.org, &p.orgUsed, &e.name, &q.name, e)
	l[fUnexplained] = 1 + uint8(len(leftSorts))*leadSort + orgSort
	l[fExplained] = 1 + 4*lead + org
	l[fFamily] = x.family(q, e, hasDomain(*l))
	domain := uint8(groupOfDomain(l[fDomain]))
	if own := p.own(e); own > 0 {
		l[fBelow] = 1 + 4*domain + own - 1
	}
	if o := p.order(); o > 0 {
		l[fOrder] = l.withName(o - 1)
	}
	if part := count(p.lead.Part) + 2*count(p.org.Part); part > 0 {
		l[fWhole] = 1 + uint8((part-1)*(len(tenths)-1)) + tenth(p.whole) - 1
	}
}

// family is who of an account's relatives has the lead's domain where it has
// not: 1 the account above it, 2 one below it, 3 another below the same.
func (x *Index) family(q *query, e *entry, shared bool) uint8 {
	if shared || q.domains == 0 {
		return 0
	}
	switch {
	case e.above != nil && slices.ContainsFunc(e.above.hosts, func(h Host) bool { return h.Domain == q.host.Domain }):
		return 1
	case q.above[parentHash(e.id)]:
		return 2
	case e.parent != "" && q.above[parentHash(e.parent)]:
		return 3
	}
	return 0
}

// explained is by what the words of a form without a counterpart are explained,
// and of what sort the others are: leftSorts. Of a piece all words of the whole
// count.
func (x *Index) explained(f *Form, used *[maxWords]bool, mine, other *Name, e *entry) (by, sort uint8) {
	look := func(w string) {
		switch {
		case e.isAt(w):
			by |= byPlace
		case e.above.says(w):
			by |= byAbove
		default:
			sort = max(sort, x.sortOf(w))
		}
	}
	for i, w := range f.Tokens {
		if !used[i] {
			look(w)
		}
	}
	if !f.Piece {
		return by, sort
	}
	for _, w := range mine.Forms[0].Tokens {
		if _, here := slices.BinarySearch(f.Tokens, w); !here && !other.has(w) {
			look(w)
		}
	}
	return by, sort
}

// isAt reports whether a word is the city or the country of an account.
func (e *entry) isAt(w string) bool {
	return slices.Contains(e.city, w) || e.country != "" && placeWords[w] && countryWords()[w] == e.country
}

// countryWords are the codes of the countries among placeWords.
var countryWords = sync.OnceValue(func() map[string]string {
	out := map[string]string{"england": "GB", "scotland": "GB", "wale": "GB", "britain": "GB", "america": "US"}
	for w := range placeWords {
		if code := countryOf(w); code != "" && out[w] == "" {
			out[w] = code
		}
	}
	return out
})

// says reports whether a word is in the name of an account; e may be nil.
func (e *entry) says(w string) bool { return e != nil && e.name.has(w) }

// has reports whether a word is in a form of a name.
func (n *Name) has(w string) bool {
	for i := range n.Forms {
		if _, ok := slices.BinarySearch(n.Forms[i].Tokens, w); ok {
			return true
		}
	}
	return false
}

// own is how many of the words of an account that are not those of the one
// above it the lead has: 1, it names the one above only; 2 none, 3 some, 4 all;
// 0: there is none above, or no word of its own.
func (p *pairing) own(e *entry) uint8 {
	if e.above == nil {
		return 0
	}
	mine, found, others := 0, 0, 0
	for i, w := range p.org.Tokens {
		if !e.above.says(w) {
			mine++
			found += count(p.orgUsed[i])
		}
	}
	for _, w := range p.lead.Tokens {
		others += count(!e.above.says(w))
	}
	switch {
	case mine == 0:
		return 0
	case found == mine:
		return 4
	case found > 0:
		return 3
	case others == 0:
		return 1
	}
	return 2
}

// order is in what order the words stand that both names have: 1 the same,
// 2 another, 3 another and some of them are translated; 0: they are less than two.
func (p *pairing) order() uint8 {
	last, n := -1, 0
	turned, translated := false, false
	for _, t := range p.lead.token {
		if t < 0 {
			continue
		}
		j, ok := slices.BinarySearch(p.org.Tokens, p.lead.Tokens[t])
		if !ok {
			continue
		}
		at := slices.Index(p.org.token, int8(j))
		turned = turned || at < last
		translated = translated || p.lead.raw[t] != p.org.raw[j]
		last = at
		n++
	}
	switch {
	case n < 2:
		return 0
	case !turned:
		return 1
	case translated:
		return 3
	}
	return 2
}

package match

import (
	"math"
	"slices"
	"strings"
)

// nameLevel is how the two names agree: nameLevels.
func (p *pairing) nameLevel() uint8 {
	a, b := p.lead, p.org
	name := ""
	switch {
	case a.Core == b.Core && !a.Part && !b.Part:
		name = "exact"
	case a.Compact == b.Compact && !a.Part && !b.Part:
		name = "compact"
	case a.Set == b.Set && !a.Part && !b.Part && slices.Equal(a.raw, b.raw):
		name = "same words"
	case a.Set == b.Set && !a.Part && !b.Part:
		name = "same words, translated"
	case (a.Compact == b.Compact || a.Set == b.Set) && (!a.Sign || b.Part):
		name = "part"
	case a.Sign || b.Sign:
		name = "nothing" // by itself it agrees only with what is the same
	case isTypo(a.Compact, b.Compact) && p.numbers < 2 && !p.other && !a.Part:
		name = "typo"
	case a.Foreign != b.Foreign && soundsLike(a.Compact, b.Compact):
		name = "sounds alike"
	case initialsOf(a, b) || initialsOf(b, a):
		name = "initials"
	case sameBare(a.Compact, b.Compact):
		name = "bare"
	case beginnings(a, b) || beginnings(b, a):
		name = "beginnings"
	case glued(a, b):
		name = "glued"
	case isTypo(a.Compact, b.Compact) && p.numbers < 2:
		name = "a letter apart"
	case p.like < 0.5 && (a.Acronym != "" && len(a.Acronym) > 2 && len(a.Tokens) == 1 && len(b.Long) > 2 && insideInitials(a.Acronym, b)):
		name = "acronym inside"
	}
	if name == "" {
		return nothing - uint8(math.Min(9, math.Max(0, math.Floor(p.like*10+1e-9))))
	}
	return level(fName, name)
}

func isTypo(a, b string) bool {
	n := min(len(a), len(b))
	switch {
	case n >= 12:
		return edits(a, b, 2) <= 2
	case n >= 5:
		return edits(a, b, 1) <= 1
	}
	return false
}

// beginnings reports whether a one-word form is put together from the
// beginnings of all words of the other.
func beginnings(a, b *Form) bool {
	if len(a.Words) != 1 {
		return false
	}
	passed, ok := b.spelled(a.Compact)
	return ok && passed == 0
}

// glued reports whether one name begins or ends with the other in the middle of
// a word.
func glued(f, g *Form) bool {
	a, b := f, g
	if len(a.Compact) > len(b.Compact) {
		a, b = b, a
	}
	if len(a.Compact) < 6 || 2*len(a.Compact) < len(b.Compact) {
		return false
	}
	return strings.HasPrefix(b.Compact, a.Compact) && !strings.HasPrefix(b.Core, a.Core+" ") ||
		strings.HasSuffix(b.Compact, a.Compact) && !strings.HasSuffix(b.Core, " "+a.Core)
}

// initialsOf reports whether a is the acronym of b.
func initialsOf(a, b *Form) bool {
	c := a.Acronym
	if c == "" {
		c = a.Compact
		if len(c) > 8 {
			return false
		}
	}
	return len(c) > 1 && (c == b.Short || c == b.Long)
}

// insideInitials reports whether an acronym can be read off the beginnings of
// a name's words: inserm, unesco.
func insideInitials(c string, f *Form) bool {
	return c[0] == f.Long[0] && subsequence(f.Short, c) && subsequence(c, f.Compact) || subsequence(c, f.Long) && len(c)+1 >= len(f.Short)
}

// initialsLevel is how long the acronym is by which two names agree, and how
// many accounts of the same country may be meant by it.
func (x *Index) initialsLevel(e *entry, best pairing) uint8 {
	if nameGroup[groupOfName(best.level)] != "initials" {
		return 0
	}
	c := best.lead.Acronym
	if c == "" || len(best.lead.Words) > 1 {
		c = best.org.Compact
	}
	many := 0
	var buf [64]uint32
	code := codeOf(e.country)
	for _, at := range x.terms.get(hashOf(tShort, c), maxSharers, buf[:0]) {
		many += count(x.facts[at].country == code)
	}
	switch {
	case len(c) < 3:
		return 1
	case len(c) > 4:
		return 8
	case many <= 1:
		return uint8(2 + 3*(len(c)-3))
	case many <= 4:
		return uint8(3 + 3*(len(c)-3))
	}
	return uint8(4 + 3*(len(c)-3))
}

// kindLevel is whether both names say the same of what kind of house it is: a
// university is no institute.
func kindLevel(a, b *Form) uint8 {
	x, y := kindsOf(a), kindsOf(b)
	for _, k := range x {
		if slices.Contains(y, k) {
			return 1
		}
	}
	switch {
	case len(x) > 0 && len(y) > 0:
		return 4
	case len(y) > 0:
		return 3
	case len(x) > 0:
		return 2
	}
	return 0
}

func kindsOf(f *Form) []string {
	var out []string
	for _, w := range f.Tokens {
		if kindWords[w] {
			out = append(out, w)
		}
	}
	return out
}

// twins counts the accounts that have the very name that matched.
func (x *Index) twins(q *query, e *entry, best pairing) uint8 {
	if nameGroup[groupOfName(best.level)] != "same" || best.org == nil {
		return 0
	}
	var buf [64]uint32
	l := x.terms.get(hashOf(tCompact, best.org.Compact), maxSharers, buf[:0])
	n := max(len(l), x.terms.count(hashOf(tCompact, best.org.Compact)))
	if n <= 1 {
		return level(fTwins, "1")
	}
	decides := q.country != "" && e.country == q.country
	same := 0
	for _, at := range l {
		same += count(x.facts[at].country == codeOf(e.country))
	}
	decides = decides && same == 1
	switch {
	case n == 2 && decides:
		return level(fTwins, "2, country decides")
	case n == 2:
		return level(fTwins, "2")
	case decides:
		return level(fTwins, "many, country decides")
	}
	return level(fTwins, "many")
}

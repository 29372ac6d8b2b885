package match

import (
	"math"
	"slices"
)

// leftOver takes down what has no counterpart.
func (x *Index) leftOver(p *pairing, a, b *side) {
	for i, w := range a.Tokens {
		if a.used[i] {
			p.found++
		} else {
			p.leadMore++
			p.leadExtra = math.Max(p.leadExtra, a.tells[i])
			p.leadLeft = max(p.leadLeft, x.sortOf(w))
			p.other = p.other || x.accounts(w) > 0
			p.odd(x, w, true)
		}
	}
	for j, w := range b.Tokens {
		if !b.used[j] {
			p.orgMore++
			p.orgExtra = math.Max(p.orgExtra, b.tells[j])
			p.orgLeft = max(p.orgLeft, x.sortOf(w))
			p.odd(x, w, false)
		}
	}
}

// counts is the level of fCounts.
func (p *pairing) counts() uint8 {
	return uint8(1 + 16*min(p.found, 4) + 4*min(p.leadMore, 3) + min(p.orgMore, 3))
}

// sortOf is what sort of word one without a counterpart is, the one that
// speaks most against the pair last: leftSorts.
func (x *Index) sortOf(w string) uint8 {
	switch {
	case isDigits(w):
		return 5
	case kindWords[w]:
		return 1
	case contrasts[w]:
		return 3
	case placeWords[w] || x.isCity(w):
		return 4
	case x.accounts(w)*200 > x.Len():
		return 2
	}
	return 6
}

// contrasts are words by which houses of one kind and place are told apart.
var contrasts = words("north south east west northeast northwest southeast southwest northern southern eastern western central upper lower new old great first second third fourth fifth ii iii iv federal state national regional municipal provincial county private normal technical medical open catholic islamic women")

// odd takes down a number or a place that only one side has.
func (p *pairing) odd(x *Index, w string, lead bool) {
	if isDigits(w) {
		p.numbers += 2 // 2: one side has it, 3: they differ
		p.numbers = min(p.numbers, 3)
	}
	if placeWords[w] || x.isCity(w) {
		bit := uint8(2)
		if lead {
			bit = 1
		}
		p.places |= bit
	}
}

func hasNumber(ws []string) bool { return slices.ContainsFunc(ws, isDigits) }

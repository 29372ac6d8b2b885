package match

import (
	"math"
	"slices"
	"strings"
)

// pairing is the best of what the forms of two names have in common.
type pairing struct {
	lead, org              *Form
	level                  uint8 // of fName
	like                   float64
	leadCover, orgCover    float64 // share of what the words tell that was found on the other side
	shared                 float64 // rarity of the rarest shared word, 0 to 12
	leadExtra, orgExtra    float64 // and of the rarest that has no counterpart
	total                  float64 // what the lead's name tells in all
	numbers, places, first uint8
}

func (x *Index) bestForms(q *query, e *entry) pairing {
	var best pairing
	if len(q.name.Forms) == 0 || len(e.name.Forms) == 0 {
		return best
	}
	best.level = level(fName, "nothing")
	best.like = -1
	for i := range q.name.Forms {
		for j := range e.name.Forms {
			p := x.pair(&q.name.Forms[i], &e.name.Forms[j])
			if p.rank() > best.rank() {
				best = p
			}
		}
	}
	return best
}

// rank orders pairings: the kind of agreement first, then how much is shared.
func (p pairing) rank() float64 {
	if p.lead == nil {
		return -1
	}
	return 20*float64([...]int{0, 6, 6, 5, 4, 4, 3, 2, 3}[min(int(p.level), 8)])*flag(p.level <= 8) + 10*p.like + flag(!p.lead.Part) + flag(!p.org.Part)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// pair compares two forms word by word: the same words first, then the most
// alike, each weighed by its rarity.
func (x *Index) pair(a, b *Form) pairing {
	p := pairing{lead: a, org: b}
	var usedA, usedB [maxWords]bool
	sumA, sumB, hitA, hitB := 0.0, 0.0, 0.0, 0.0
	wa, wb := x.tells(a.Tokens), x.tells(b.Tokens)
	for i := range a.Tokens {
		sumA += wa[i]
		if j, ok := slices.BinarySearch(b.Tokens, a.Tokens[i]); ok {
			usedA[i], usedB[j] = true, true
			hitA, hitB = hitA+wa[i], hitB+wb[j]
			p.shared = math.Max(p.shared, wa[i])
		}
	}
	for j := range b.Tokens {
		sumB += wb[j]
	}
	for i := range a.Tokens {
		if usedA[i] {
			continue
		}
		at, like := -1, 0.0
		for j := range b.Tokens {
			if !usedB[j] {
				if s := x.like(a.Tokens[i], b.Tokens[j]); s > like {
					at, like = j, s
				}
			}
		}
		if at >= 0 {
			usedA[i], usedB[at] = true, true
			hitA, hitB = hitA+like*wa[i], hitB+like*wb[at]
			p.shared = math.Max(p.shared, like*wb[at])
		}
	}
	for i, w := range a.Tokens {
		if !usedA[i] {
			p.leadExtra = math.Max(p.leadExtra, wa[i])
			p.odd(x, w, true)
		}
	}
	for j, w := range b.Tokens {
		if !usedB[j] {
			p.orgExtra = math.Max(p.orgExtra, wb[j])
			p.odd(x, w, false)
		}
	}
	p.total = sumA
	if sumA > 0 && sumB > 0 {
		p.leadCover, p.orgCover = hitA/sumA, hitB/sumB
		p.like = (hitA + hitB) / (sumA + sumB)
	}
	if p.numbers == 0 && hasNumber(a.Tokens) && hasNumber(b.Tokens) {
		p.numbers = 1
	}
	p.first = x.firstLevel(a, b)
	p.level = p.nameLevel()
	return p
}

// like is how alike two words are. A word that accounts have is no typo of
// another: Kanagawa is not Kanazawa.
func (x *Index) like(lead, org string) float64 {
	s := wordLike(lead, org)
	if s >= 0.8 && s < 1 && len(x.words[lead]) > 0 {
		return 0.3
	}
	return s
}

// odd takes down a number or a place that only one side has.
func (p *pairing) odd(x *Index, w string, lead bool) {
	if isDigits(w) {
		p.numbers += 2 // 2: one side has it, 3: they differ
		p.numbers = min(p.numbers, 3)
	}
	if placeWords[w] || x.cities[w] {
		bit := uint8(2)
		if lead {
			bit = 1
		}
		p.places |= bit
	}
}

func hasNumber(ws []string) bool { return slices.ContainsFunc(ws, isDigits) }

// firstLevel is whether the first words agree, and how rare the account's is.
func (x *Index) firstLevel(a, b *Form) uint8 {
	v, _, _ := strings.Cut(a.Core, " ")
	w, _, _ := strings.Cut(b.Core, " ")
	v, w = canonical(v), canonical(w)
	if x.like(v, w) < 0.5 {
		return 4
	}
	return max(1, quarter(12*x.rarity(w)/math.Log2(float64(len(x.all)+2))))
}

// tells is the rarity of each word, scaled so that the rarest has 12 in an
// index of any size.
func (x *Index) tells(ws []string) []float64 {
	out := make([]float64, len(ws))
	top := math.Log2(float64(len(x.all) + 2))
	for i, w := range ws {
		out[i] = math.Max(0.5, 12*x.rarity(w)/top)
		if len(w) == 1 {
			out[i] = math.Min(out[i], 3)
		}
	}
	return out
}

func (p *pairing) nameLevel() uint8 {
	a, b := p.lead, p.org
	name := ""
	switch {
	case a.Core == b.Core && !a.Part && !b.Part:
		name = "exact"
	case a.Compact == b.Compact && !a.Part && !b.Part:
		name = "compact"
	case a.Set == b.Set && !a.Part && !b.Part:
		name = "same words"
	case a.Compact == b.Compact || a.Set == b.Set:
		name = "part"
	case p.like > 0.75 && isTypo(a.Compact, b.Compact) && p.numbers < 2:
		name = "typo"
	case initialsOf(a, b) || initialsOf(b, a):
		name = "initials"
	case glued(a.Compact, b.Compact):
		name = "glued"
	case p.like < 0.5 && (a.Acronym != "" && len(a.Acronym) > 2 && len(a.Tokens) == 1 && len(b.Long) > 2 && insideInitials(a.Acronym, b)):
		name = "acronym inside"
	default:
		return level(fName, "nothing") - uint8(math.Min(9, math.Max(0, math.Floor(p.like*10+1e-9))))
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

func glued(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 6 && 2*len(a) >= len(b) && (strings.HasPrefix(b, a) || strings.HasSuffix(b, a))
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

// placeWords are countries and parts of the world in the spelling of the
// descriptors.
var placeWords = words(`germany france spain italy portugal brazil japan china korea russia ukraine poland czech slovakia slovenia croatia serbia hungary romania greece turkey finland sweden norway denmark netherland belgium switzerland austria ireland england scotland wale britain uk usa europe africa america asia egypt indonesia vietnam mexico argentina canada australia india paris london rome milan turin florence naple venice geneva vienna munich cologne zurich brussel antwerp copenhagen prague warsaw krakow moscow lisbon seville athen bucharest budapest belgrade kiev petersburg helsinki beijing shanghai tokyo osaka kyoto north south east west northern southern eastern western texa california florida york ohio virginia carolina georgia michigan illinois pennsylvania washington oregon arizona colorado louisiana alabama kentucky tennessee wisconsin minnesota missouri iowa kansa nebraska oklahoma utah nevada maryland massachusett connecticut ontario quebec alberta columbia manitoba queensland victoria tasmania zealand malaysia singapore thailand philippine pakistan bangladesh iran iraq israel saudi arabia nigeria kenya ghana chile colombia peru cuba venezuela ecuador taiwan hong hk us eu uae`)

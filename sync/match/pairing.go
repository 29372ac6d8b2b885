package match

import (
	"math"
	"slices"
	"strings"
)

// pairing is the best of what the forms of two names have in common.
type pairing struct {
	lead, org                *Form
	level                    uint8 // of fName
	like                     float64
	leadCover, orgCover      float64 // share of what the words tell that was found on the other side
	shared                   float64 // rarity of the rarest shared word, 0 to 12
	leadExtra, orgExtra      float64 // and of the rarest that has no counterpart
	total                    float64 // what the lead's name tells in all
	numbers, places, first   uint8
	leadLeft, orgLeft        uint8          // what sort of words has no counterpart: leftSorts
	hosted                   uint8          // words of the lead that were found in the account's hosts only
	found, leadMore, orgMore int            // how many words of the lead were found, and how many of either side were not
	other                    bool           // the lead has a word that accounts have, but not this one
	whole                    float64        // how alike the whole names are
	leadUsed, orgUsed        [maxWords]bool // which of Tokens were found
}

func (x *Index) bestForms(q *query, e *entry) pairing {
	var best pairing
	if len(q.name.Forms) == 0 || len(e.name.Forms) == 0 {
		return best
	}
	best.level = level(fName, "nothing")
	best.like = -1
	whole := 0.0
	left, right := x.sides(q.name.Forms), x.sides(e.name.Forms)
	for i := range left {
		for j := range right {
			a, b := left[i], right[j]
			if (a.Piece || b.Piece) && whole >= muchAlike {
				continue // they agree as they are
			}
			p := x.pair(&a, &b, e.hosts)
			if i == 0 && j == 0 {
				whole = p.like
			}
			if p.rank() > best.rank() {
				best = p
			}
		}
	}
	best.whole = whole
	return best
}

// muchAlike is how alike two whole names are of which no parts are compared.
const muchAlike = 0.8

// side is one of two forms while its words are paired.
type side struct {
	*Form
	tells []float64 // how rare each of Tokens is
	used  [maxWords]bool
	hit   float64 // what the words that were found tell
}

func (x *Index) sides(forms []Form) []side {
	out := make([]side, len(forms))
	for i := range forms {
		out[i] = side{Form: &forms[i], tells: x.tells(forms[i].Tokens)}
	}
	return out
}

// take marks a word as found, alike to a degree.
func (s *side) take(i int, like float64) {
	if !s.used[i] {
		s.used[i] = true
		s.hit += like * s.tells[i]
	}
}

func (s *side) sum() float64 {
	sum := 0.0
	for _, t := range s.tells {
		sum += t
	}
	return sum
}

// rank orders pairings: the kind of agreement first, then how much is shared.
func (p pairing) rank() float64 {
	if p.lead == nil {
		return -1
	}
	return 20*float64(nameLevels[p.level].rank) + 10*p.like + flag(!p.lead.Part) + flag(!p.org.Part)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// pair compares two forms word by word: the same words first, then a word that
// stands for several, then the most alike, each weighed by its rarity.
func (x *Index) pair(a, b *side, hosts []Host) pairing {
	p := pairing{lead: a.Form, org: b.Form}
	for i := range a.Tokens {
		if j, ok := slices.BinarySearch(b.Tokens, a.Tokens[i]); ok {
			a.take(i, 1)
			b.take(j, 1)
			p.shared = math.Max(p.shared, a.tells[i])
		}
	}
	p.stretches(a, b)
	p.stretches(b, a)
	x.alike(&p, a, b)
	p.inHosts(a, hosts)
	x.leftOver(&p, a, b)
	p.total = a.sum()
	if sum := b.sum(); p.total > 0 && sum > 0 {
		p.leadCover, p.orgCover = a.hit/p.total, b.hit/sum
		p.like = (a.hit + b.hit) / (p.total + sum)
	}
	if p.numbers == 0 && hasNumber(a.Tokens) && hasNumber(b.Tokens) {
		p.numbers = 1
	}
	p.first = x.firstLevel(a.Form, b.Form)
	p.level = p.nameLevel()
	if p.level == level(fName, "typo") {
		p.mistyped(a, b)
	}
	p.leadUsed, p.orgUsed = a.used, b.used
	return p
}

// mistyped takes the words of two names that are one but for a typo as found,
// however little is left of a word.
func (p *pairing) mistyped(a, b *side) {
	p.leadLeft, p.orgLeft, p.leadExtra, p.orgExtra, p.leadMore, p.orgMore, p.places = 0, 0, 0, 0, 0, 0, 0
	p.found = len(a.Tokens)
	for i := range a.Tokens {
		a.used[i] = true
	}
	for j := range b.Tokens {
		b.used[j] = true
	}
}

// likeStretch is how alike a word is to the several that it stands for.
const likeStretch = 0.9

// stretches pairs the words of one side that stand for several of the other.
func (p *pairing) stretches(a, b *side) {
	for i := range a.Tokens {
		if a.used[i] {
			continue
		}
		r, ok := b.stretch(a.raw[i])
		if !ok || !b.free(r) {
			continue
		}
		a.take(i, likeStretch)
		for _, t := range b.token[r.from:r.to] {
			if t >= 0 {
				b.take(int(t), likeStretch)
			}
		}
		p.shared = math.Max(p.shared, likeStretch*a.tells[i])
	}
}

// free reports whether most words of a stretch have not been found yet.
func (s *side) free(r run) bool {
	n, all := 0, 0
	for _, t := range s.token[r.from:r.to] {
		if t >= 0 {
			all++
			n += count(!s.used[t])
		}
	}
	return 2*n > all
}

// likeSound is how alike two words are that are one by their sound.
const likeSound = 0.8

// minLike is how alike two words are that are taken for one.
const minLike = 0.5

// alike pairs what is left by typos, abbreviations and roots.
func (x *Index) alike(p *pairing, a, b *side) {
	for i := range a.Tokens {
		if a.used[i] {
			continue
		}
		at, best := -1, 0.0
		known := x.accounts(a.Tokens[i]) > 0
		for j := range b.Tokens {
			if b.used[j] {
				continue
			}
			s := like(a.Tokens[i], b.Tokens[j], known)
			if a.raw[i] != a.Tokens[i] || b.raw[j] != b.Tokens[j] {
				s = math.Max(s, like(a.raw[i], b.raw[j], known))
			}
			if a.Foreign != b.Foreign && s < likeSound && soundsLike(a.raw[i], b.raw[j]) {
				s = likeSound
			}
			if s > best {
				at, best = j, s
			}
		}
		if at >= 0 && best < minLike {
			p.other = true
		} else if at >= 0 {
			a.take(i, best)
			b.take(at, best)
			p.shared = math.Max(p.shared, best*b.tells[at])
		}
	}
}

// inHosts finds words that only the lead's name has in the account's hosts.
func (p *pairing) inHosts(a *side, hosts []Host) {
	for i := range a.Tokens {
		if a.used[i] || len(a.raw[i]) < 3 {
			continue
		}
		for _, h := range hosts {
			if h.has(a.raw[i]) {
				a.take(i, 0.7)
				p.hosted++
				break
			}
		}
	}
}

// like is how alike two words are. A word that is known, because accounts have
// it, is no typo of another: Kanagawa is not Kanazawa. Nor are two words of the vocabulary: south
// is no abbreviation of southeast.
func like(lead, org string, known bool) float64 {
	if meant[lead] && meant[org] {
		return flag(lead == org)
	}
	s := wordLike(lead, org)
	if s >= 0.8 && s < 1 && known {
		return 0.3
	}
	return s
}

// firstLevel is whether the first words agree, and how rare the account's is.
func (x *Index) firstLevel(a, b *Form) uint8 {
	v, _, _ := strings.Cut(a.Core, " ")
	w, _, _ := strings.Cut(b.Core, " ")
	v, w = canonical(v), canonical(w)
	if like(v, w, x.accounts(v) > 0) < 0.5 {
		return 4
	}
	return max(1, quarter(12*x.rarity(w)/math.Log2(float64(x.Len()+2))))
}

// tells is the rarity of each word, scaled so that the rarest has 12 in an
// index of any size.
func (x *Index) tells(ws []string) []float64 {
	out := make([]float64, len(ws))
	top := math.Log2(float64(x.Len() + 2))
	for i, w := range ws {
		out[i] = math.Max(0.5, 12*x.rarity(w)/top)
		if len(w) == 1 {
			out[i] = math.Min(out[i], 3)
		}
	}
	return out
}

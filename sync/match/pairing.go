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
	return 20*float64(nameRank[p.level]) + 10*p.like + flag(!p.lead.Part) + flag(!p.org.Part)
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

// placeWords are countries and parts of the world in the spelling of the
// descriptors.
var placeWords = words(`germany france spain italy portugal brazil japan china korea russia ukraine poland czech slovakia slovenia croatia serbia hungary romania greece turkey finland sweden norway denmark netherland belgium switzerland austria ireland england scotland wale britain uk usa europe africa america asia egypt indonesia vietnam mexico argentina canada australia india paris london rome milan turin florence naple venice geneva vienna munich cologne zurich brussel antwerp copenhagen prague warsaw krakow moscow lisbon seville athen bucharest budapest belgrade kiev petersburg helsinki beijing shanghai tokyo osaka kyoto north south east west northern southern eastern western texa california florida york ohio virginia carolina georgia michigan illinois pennsylvania washington oregon arizona colorado louisiana alabama kentucky tennessee wisconsin minnesota missouri iowa kansa nebraska oklahoma utah nevada maryland massachusett connecticut ontario quebec alberta columbia manitoba queensland victoria tasmania zealand malaysia singapore thailand philippine pakistan bangladesh iran iraq israel saudi arabia nigeria kenya ghana chile colombia peru cuba venezuela ecuador taiwan hong hk us eu uae`)

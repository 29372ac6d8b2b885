package match

import (
	"cmp"
	"slices"
)

// board is where candidates are gathered, with what speaks for each.
type board map[uint32]float64

// candidates are the accounts that may be the lead's, the likeliest by the
// blocking keys first, at most MaxCandidates.
func (x *Index) candidates(q *query) []uint32 {
	b := board{}
	x.byHost(q, b)
	for i := range q.name.Forms {
		x.byName(&q.name.Forms[i], b)
	}
	if q.host.Class == Corporate {
		x.byLabel(q.host.Label, b)
	}
	x.byBeginnings(q, b)
	if c := codeOf(q.country); c != 0 {
		for at := range b {
			if x.facts[at].country == c {
				b[at] += 2
			}
		}
	}
	return x.likeliest(b)
}

// likeliest are the first of the board. Those at a tie are in the order of what
// is in them: the order in which they were filed decides nothing.
func (x *Index) likeliest(b board) []uint32 {
	type place struct {
		at    uint32
		worth float64
	}
	least := 0.0
	if len(b) > MaxCandidates {
		worths := make([]float64, 0, len(b))
		for _, worth := range b {
			worths = append(worths, worth)
		}
		slices.Sort(worths)
		least = worths[len(worths)-MaxCandidates]
	}
	all := make([]place, 0, 2*MaxCandidates)
	for at, worth := range b {
		if worth >= least {
			all = append(all, place{at, worth})
		}
	}
	slices.SortFunc(all, func(a, b place) int {
		if c := cmp.Compare(b.worth, a.worth); c != 0 {
			return c
		}
		if c := cmp.Compare(x.facts[a.at].content, x.facts[b.at].content); c != 0 {
			return c
		}
		return cmp.Compare(x.facts[a.at].id, x.facts[b.at].id)
	})
	out := make([]uint32, 0, MaxCandidates)
	for _, p := range all[:min(len(all), MaxCandidates)] {
		out = append(out, p.at)
	}
	return out
}

// maxCommon is on how many accounts a word may be to be counted at all.
const maxCommon = 30_000

// What an exact key is worth on the board.
const (
	boardHost   = 40
	boardDomain = 12
	boardRoot   = 8
	boardName   = 30
	boardShort  = 10
	boardLabel  = 15
)

// add puts the accounts of a key on the board.
func (x *Index) add(b board, kind byte, key string, worth float64) {
	if key == "" {
		return
	}
	var buf [64]uint32
	for _, at := range x.terms.get(hashOf(kind, key), maxSharers, buf[:0]) {
		b[at] += worth
	}
}

func (x *Index) byHost(q *query, b board) {
	if q.host.Class != Corporate {
		return
	}
	x.add(b, tHost, q.host.Full, boardHost)
	for _, at := range q.sharers {
		b[at] += boardDomain
		if x.facts[at].parent == 0 || x.isRoot(q, at) {
			b[at] += boardRoot
		}
	}
	for i := range q.name.Forms {
		x.bySharedWords(q, &q.name.Forms[i], b)
	}
	x.add(b, tLabel, q.host.Label, boardLabel)
	x.add(b, tBare, bare(q.host.Label), boardShort)
	for _, l := range q.host.Sub {
		x.add(b, tShort, l, boardShort)
		x.add(b, tCompact, l, boardShort)
		x.add(b, tLabel, l, boardShort)
	}
}

// bySharedWords tells those apart that share the lead's domain: common words
// count here too.
func (x *Index) bySharedWords(q *query, f *Form, b board) {
	if len(q.sharers) < 2 {
		return
	}
	var buf []uint32
	for _, w := range f.Tokens {
		buf = x.terms.get(hashOf(tWord, w), maxShared, buf[:0])
		worth := x.rarity(w) / 2
		for i, j := 0, 0; i < len(buf) && j < len(q.sharers); {
			switch {
			case buf[i] < q.sharers[j]:
				i++
			case buf[i] > q.sharers[j]:
				j++
			default:
				b[buf[i]] += worth
				i, j = i+1, j+1
			}
		}
	}
}

func (x *Index) byName(f *Form, b board) {
	x.add(b, tCompact, f.Compact, 2*boardName)
	if len(f.Tokens) > 1 {
		x.add(b, tSet, f.Set, boardName)
	}
	if f.Foreign {
		for _, east := range []bool{true, false} {
			if s := skeleton(f.Compact, east); len(s) > minSkeleton {
				x.add(b, tSound, s, boardName)
			}
		}
	}
	x.add(b, tLabel, f.Compact, boardLabel)
	x.add(b, tBare, f.Compact, boardShort)
	if s := bare(f.Compact); s != f.Compact {
		x.add(b, tBare, s, boardShort)
		x.add(b, tCompact, s, boardShort)
		x.add(b, tLabel, s, boardShort)
	}
	x.add(b, tShort, f.Acronym, boardShort)
	if len(f.Short) > 2 {
		x.add(b, tLabel, f.Short, boardShort)
		x.add(b, tCompact, f.Short, boardShort)
	}
	for _, w := range f.raw {
		if t := hashOf(tLabel, w); len(w) > 2 && len(f.Words) > 1 && x.terms.count(t) <= maxLabelled {
			x.add(b, tLabel, w, boardShort)
		}
	}
	x.byWords(f.Tokens, b)
	x.byGrams(f.Compact, b, 1)
}

// byBeginnings finds the accounts of the lead's country that an acronym can be
// put together from, where the first letters are no initials: LaMME, COLPOS.
func (x *Index) byBeginnings(q *query, b board) {
	if q.country == "" || len(q.name.Forms) == 0 {
		return
	}
	f := &q.name.Forms[0]
	c := f.Acronym
	if len(c) < minBegins || len(f.Words) > 1 || !plainLetters(c) {
		return
	}
	for _, at := range x.terms.get(hashOf(tBegin, q.country+c[:2]), maxBegins, nil) {
		if _, had := b[at]; had {
			continue
		}
		o, ok := x.read(x.facts[at].id)
		if !ok {
			continue
		}
		n := NewName(o.Name)
		for i := range n.Forms {
			if _, spelled := n.Forms[i].spelled(c); spelled {
				b[at] += boardShort
				break
			}
		}
	}
}

// minBegins are the letters of an acronym that is put together from beginnings.
const minBegins = 4

// begins are the keys of byBeginnings: the first two letters of the name, and
// of its initials.
func (f *Form) begins(country string) []string {
	if country == "" || len(f.Words) < 3 || len(f.Words[0]) < 2 || !plainLetters(f.Words[0]) || len(f.Short) < 2 || !plainLetters(f.Short) {
		return nil
	}
	return []string{country + f.Words[0][:2], country + f.Short[:2]}
}

// byWords adds the rarity of every shared word, over the length of the name in
// the account, so that short names are not drowned.
func (x *Index) byWords(tokens []string, b board) {
	type word struct {
		text string
		n    int
	}
	ws := make([]word, len(tokens))
	for i, w := range tokens {
		ws[i] = word{w, x.accounts(w)}
	}
	slices.SortFunc(ws, func(a, b word) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.text, b.text)) })
	score := board{}
	var buf []uint32
	for i, w := range ws {
		limit := maxWordDF
		if i == 0 {
			limit = 2 * maxWordDF
		}
		buf = x.terms.get(hashOf(tWord, w.text), limit, buf[:0])
		if len(buf) == 0 && w.n > 0 {
			x.common(w.text, score)
			continue
		}
		worth := x.rarity(w.text)
		for _, at := range buf {
			score[at] += worth
		}
	}
	for at, s := range score {
		b[at] += s * 2 / (1 + float64(x.facts[at].size)/4)
	}
}

// common adds a word that finds no account by itself to what others have found.
func (x *Index) common(w string, score board) {
	if len(score) <= MaxCandidates {
		return
	}
	worth := x.rarity(w)
	for _, at := range x.terms.get(hashOf(tWord, w), maxCommon, nil) {
		if had, ok := score[at]; ok {
			score[at] = had + worth
		}
	}
}

func (x *Index) byLabel(label string, b board) {
	x.add(b, tCompact, label, boardLabel)
	if s := bare(label); s != label {
		x.add(b, tCompact, s, boardShort)
	}
	if len(label) > 2 {
		x.add(b, tShort, label, boardShort)
	}
	x.byGrams(label, b, 0.7)
}

// byGrams adds the share of the four-letter runs that an account has too.
func (x *Index) byGrams(compact string, b board, worth float64) {
	counts, n := map[uint32]int{}, 0
	var buf []uint32
	for g := range grams(compact) {
		n++
		buf = x.terms.get(g, maxGramDF, buf[:0])
		for _, at := range buf {
			counts[at]++
		}
	}
	for at, c := range counts {
		if share := float64(c) / float64(n); share >= 0.2 {
			b[at] += worth * 20 * share
		}
	}
}

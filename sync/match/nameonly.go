package match

import (
	"math"
	"slices"
	"strings"
)

// Where two companies are known by their names only, every word has to speak:
// how many letters the words are apart, what sort of words has no counterpart,
// whether legal forms and numbers agree. How rare a word is in the list says
// nothing here, for two names make no list.

// apart is how far two words are from each other.
type apart uint8

const (
	notApart apart = iota
	slightlyApart
	somewhatApart
	farApart
)

// wordsApart is how far apart two words are, and by how many letters. What is
// a slip in a long word makes another word of a short one.
func wordsApart(a, b string) (apart, int) {
	if a == b || canonical(a) == canonical(b) {
		return notApart, 0
	}
	if isDigits(a) || isDigits(b) {
		return farApart, 9
	}
	d, n := edits(a, b, 3), min(runeLen(a), runeLen(b))
	switch {
	case d == 1 && n >= 4, d == 2 && n >= 8:
		return slightlyApart, d
	case d == 1 && n >= 3, d == 2 && n >= 5, d == 3 && n >= 10:
		return somewhatApart, d
	}
	return farApart, d
}

func runeLen(s string) int { return len([]rune(s)) }

// beside is how two names compare, word by word.
type beside struct {
	worst       apart
	letters     int // by which the words that belong together are apart, in all
	short       int // letters of the shortest word that is not the same
	found       int // words that belong together
	left, right []string
	first       apart
	whole       bool // nothing but blanks differs
	initials    bool // one is the initials of the other
	part        bool // one is only a part of a name
}

// compareSpelt pairs the words of two spellings: the same first, then one that
// is several in one, then those that are the least apart.
func compareSpelt(a, b *spelt) beside {
	p := beside{whole: a.whole == b.whole || a.all == b.all || a.typed == b.typed, part: a.part || b.part, short: math.MaxInt}
	if p.whole {
		p.found = min(len(a.words), len(b.words))
		return p
	}
	var usedA, usedB [maxWords]bool
	for i, v := range a.words {
		for j, w := range b.words {
			if !usedB[j] && (v == w || canonical(v) == canonical(w)) {
				usedA[i], usedB[j] = true, true
				p.found++
				break
			}
		}
	}
	p.joined(a.words, b.words, usedA[:], usedB[:])
	p.joined(b.words, a.words, usedB[:], usedA[:])
	p.apart(a.words, b.words, usedA[:], usedB[:])
	p.left, p.right = unused(a.words, usedA[:]), unused(b.words, usedB[:])
	if len(p.left)+len(p.right) > 0 && !hasNumber(a.words) && !hasNumber(b.words) {
		n := min(runeLen(a.whole), runeLen(b.whole))
		if d := edits(a.whole, b.whole, 2); d == 1 && n >= 5 || d == 2 && n >= 9 {
			return beside{worst: slightlyApart, letters: d, short: n, found: 1, part: p.part}
		}
	}
	if a.initialsOf(b) || b.initialsOf(a) {
		return beside{initials: true, found: 1, part: p.part}
	}
	p.first, _ = wordsApart(a.words[0], b.words[0])
	return p
}

// apart pairs the words that are left, those that are the least apart first.
func (p *beside) apart(a, b []string, usedA, usedB []bool) {
	for {
		bi, bj, worst, letters := -1, -1, farApart, math.MaxInt
		for i, v := range a {
			for j, w := range b {
				if usedA[i] || usedB[j] {
					continue
				}
				if how, d := wordsApart(v, w); how < farApart && d < letters {
					bi, bj, worst, letters = i, j, how, d
				}
			}
		}
		if bi < 0 {
			return
		}
		usedA[bi], usedB[bj] = true, true
		p.found++
		p.worst = max(p.worst, worst)
		p.letters += letters
		p.short = min(p.short, runeLen(a[bi]), runeLen(b[bj]))
	}
}

// joined finds words of one side that are two or three of the other in one.
func (p *beside) joined(a, b []string, usedA, usedB []bool) {
	for i, v := range a {
		for j := 0; j < len(b) && !usedA[i]; j++ {
			text := ""
			for k := j; k < min(len(b), j+3) && !usedB[k]; k++ {
				if text += b[k]; k == j || text != v {
					continue
				}
				usedA[i] = true
				for m := j; m <= k; m++ {
					usedB[m] = true
				}
				p.found++
				break
			}
		}
	}
}

func unused(ws []string, used []bool) (out []string) {
	for i, w := range ws {
		if !used[i] {
			out = append(out, w)
		}
	}
	return out
}

// initialsOf reports whether a is the initials of b.
func (s *spelt) initialsOf(b *spelt) bool {
	if len(s.words) != 1 || len(b.words) < 2 || len(s.whole) < 2 {
		return false
	}
	var short strings.Builder
	for _, w := range b.words {
		short.WriteRune(firstRune(w))
	}
	return s.whole == short.String() || s.whole == b.long
}

// The sorts of words without a counterpart, from that which says the least
// against the pair: leftSorts has the same.
const (
	leftNothing = iota
	leftKind
	leftField
	leftPlace
	leftNumber
	leftOther
)

// leftOf is the sort of the words that say the most against a pair.
func leftOf(ws []string) int {
	sort := leftNothing
	for _, w := range ws {
		c := canonical(w)
		switch {
		case strings.ContainsAny(w, "0123456789"):
			sort = max(sort, leftNumber)
		case kindWords[c] || legalTypes[w] != NoLegal:
			sort = max(sort, leftKind)
		case placeWords[c] || placeWords[w]:
			sort = max(sort, leftPlace)
		case meant[c]:
			sort = max(sort, leftField)
		default:
			sort = max(sort, leftOther)
		}
	}
	return sort
}

var leftNames = [...]string{"nothing", "kind", "field", "place", "number", "other"}

// likeness is for choosing among the forms of two names: higher is more alike.
func (p *beside) likeness() float64 {
	return 100*flag(p.whole) + 20*flag(p.initials) + 2*float64(p.found) - float64(len(p.left)+len(p.right)) - 0.5*float64(p.letters) - 1.5*flag(p.part)
}

// onlyNames begins the fields of companies that are known by nothing else.
const onlyNames = "only names: "

// alone are the levels of two companies of which nothing but the names is
// known. other says that numbers in them differ: then they are never the same,
// however alike the rest is, for a series is told apart by nothing else.
func alone(a, b []spelt) (levels []rowLevel, other bool) {
	best, top := beside{}, math.Inf(-1)
	var la, lb LegalType
	for i := range a {
		for j := range b {
			if p := compareSpelt(&a[i], &b[j]); p.likeness() > top {
				best, top, la, lb = p, p.likeness(), a[i].legal, b[j].legal
			}
		}
	}
	if math.IsInf(top, -1) {
		return nil, false
	}
	add := func(field, level string) { levels = append(levels, rowLevel{onlyNames + field, level}) }
	words := [...]string{"same", "slightly apart", "somewhat apart", "far apart"}
	how := words[best.worst]
	switch {
	case best.whole:
		how = "same but for blanks"
	case best.initials:
		how = "initials"
	case best.found == 0:
		how = "none"
	}
	less, more := leftOf(best.left), leftOf(best.right)
	if less > more {
		less, more = more, less
	}
	left := leftNames[less] + ", " + leftNames[more]
	add("words", how)
	add("left over", left)
	add("words and left over", how+"; "+left)
	add("letters apart", numerals[min(best.letters, 4)])
	if best.letters > 0 {
		add("letters of the word", lengthOf(best.short))
		add("letters apart, of", numerals[min(best.letters, 4)]+", "+lengthOf(best.short))
	}
	few, many := len(best.left), len(best.right)
	if few > many {
		few, many = many, few
	}
	add("words found, left over", numerals[min(best.found, 4)]+", "+numerals[min(few, 2)]+", "+numerals[min(many, 2)])
	if best.found > 0 && !best.whole {
		add("first word", words[best.first])
	}
	if best.part {
		add("part of a name", "yes")
	}
	add("legal form", legalLevel(la, lb))
	return levels, hasNumeral(best.left) && hasNumeral(best.right)
}

var numerals = [...]string{"0", "1", "2", "3", "4+"}

func hasNumeral(ws []string) bool {
	return slices.ContainsFunc(ws, func(w string) bool { return strings.ContainsAny(w, "0123456789") })
}

func lengthOf(letters int) string {
	switch {
	case letters >= 9:
		return "9+"
	case letters >= 6:
		return "6-8"
	case letters >= 4:
		return "4-5"
	}
	return "<4"
}

func legalLevel(a, b LegalType) string {
	switch {
	case a == b && a != NoLegal:
		return "same"
	case a != NoLegal && b != NoLegal:
		return "other"
	case a != b:
		return "one has none"
	}
	return "none"
}

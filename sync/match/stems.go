package match

import "strings"

// stem is what a word of Greek or Latin root has in common in the languages of
// Europe, so that words that no table knows are found in another language too:
// radiobiology, Radiobiologie and radiobiologico are radiobiolog, investigation
// and investigación investigat. Short words and those of other alphabets stay
// as they are.
//
// It reads letters that stand for one sound alike (ph and f, c and k, y and i),
// one for two, and takes off what is declined. Two names that differ in no more
// than that are taken to agree; their spelling still tells them apart where it
// is compared letter by letter.
func stem(w string) string {
	if len(w) < minStemmed || !plainLetters(w) {
		return w
	}
	for _, e := range nounEndings {
		if s, ok := strings.CutSuffix(w, e); ok && len(s) >= 4 {
			return sounds(s) + "t"
		}
	}
	s := undeclined(sounds(w))
	for i := 0; i < len(adjectiveEndings); i++ {
		if t, ok := strings.CutSuffix(s, adjectiveEndings[i]); ok && len(t) >= minStem {
			s, i = undeclined(t), -1
		}
	}
	return s
}

const (
	minStemmed = 6 // letters of a word that is declined
	minStem    = 5 // and of what is left
)

// nounEndings are -tion in the languages that have it.
var nounEndings = strings.Fields("ationen ationes aciones azioni azione acion acao acoes ations ation atsiya atsiia atsii acija acije acja acji acie aatio asyon tiones ciones zioni zione cion cao coes tions tion tsiya tsiia tsii cija cije cja cji tio syon")

var adjectiveEndings = strings.Fields("isk ik al")

// sounds writes letters that stand for one sound in one way.
func sounds(w string) string {
	out := make(undoubled, 0, len(w)+4)
	for i := 0; i < len(w); i++ {
		next := after(w, i)
		switch c := w[i]; {
		case c == 'p' && next == 'h':
			out.put('f')
			i++
		case (c == 't' || c == 'c' || c == 'k' || c == 'r') && next == 'h':
			out.put(hard(c))
			i++
		case c == 'q' && next == 'u':
			out.put('k')
			i++
		case c == 'x':
			out.put('k')
			out.put('s')
		case c == 't' && next == 's' && i+2 < len(w):
			out.put('s') // sotsiologiya
			i++
		case c == 't' && next == 'i' && i+2 < len(w) && strings.IndexByte("aeou", w[i+2]) >= 0:
			out.put('s')
		case c == 'c' && (next == 'e' || next == 'i' || next == 'y' || next == 'j'):
			out.put('s')
		case (c == 'o' || c == 'a' || c == 'u') && next == 'e':
			out.put(c)
			i++
		default:
			out.put(hard(c))
		}
	}
	return string(out)
}

func hard(c byte) byte {
	switch c {
	case 'c', 'q':
		return 'k'
	case 'y', 'j':
		return 'i'
	case 'w':
		return 'v'
	case 'z':
		return 's'
	}
	return c
}

// undeclined is a word without the vowels and the s at its end.
func undeclined(s string) string {
	for len(s) > minStem && strings.IndexByte("aeious", s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s
}

func plainLetters(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

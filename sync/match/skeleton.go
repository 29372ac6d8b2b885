package match

import "strings"

// skeleton is what is left of a name when it is written in letters of another
// alphabet and back: its consonants, those that are confused as one. Dimagic is
// ダイマジック, which reads daimajikku: both are dmjk. Japanese and Korean (east)
// have no r before a consonant and no th; the others keep them.
func skeleton(s string, east bool) string {
	out := make(undoubled, 0, len(s))
	for i := 0; i < len(s); i++ {
		next := after(s, i)
		switch c := s[i]; {
		case strings.IndexByte("aeiouyw", c) >= 0:
			if i == 0 {
				out.put('a')
			}
		case c == 'h' && i > 0, c == 'r' && east && strings.IndexByte("aeiouy", next) < 0:
		case c == 'x':
			out.put('k')
			out.put('s')
		case c == 't' && next == 's':
			out.put('t')
			i++
		default:
			out.put(consonant(c, next, east))
		}
	}
	return string(out)
}

// consonant is one letter for all that are confused with it, before next.
func consonant(c, next byte, east bool) byte {
	soft := next == 'e' || next == 'i' || next == 'y'
	switch {
	case c == 'p' && next == 'h':
		return 'f'
	case c == 'v':
		return 'b'
	case c == 'l':
		return 'r'
	case c == 'q', c == 'c' && !soft:
		return 'k'
	case c == 'z', c == 'c', c == 't' && next == 'h' && east:
		return 's'
	case c == 'g' && soft:
		return 'j'
	case c == 'm' && (next == 'p' || next == 'b' || next == 'm'):
		return 'n'
	}
	return c
}

// undoubled is a word letter by letter, one for two of the same in a row.
type undoubled []byte

func (u *undoubled) put(c byte) {
	if n := len(*u); n == 0 || (*u)[n-1] != c {
		*u = append(*u, c)
	}
}

// after is the letter behind one; 0: there is none.
func after(w string, i int) byte {
	if i+1 < len(w) {
		return w[i+1]
	}
	return 0
}

const minSkeleton = 3

// soundsLike reports whether two texts have one skeleton in either way.
func soundsLike(a, b string) bool {
	for _, east := range []bool{true, false} {
		if s := skeleton(a, east); len(s) >= minSkeleton && s == skeleton(b, east) {
			return true
		}
	}
	return false
}

// sounds are the keys by which the names of an account are found that are
// written in the alphabet of its country.
func (e *entry) sounds() []string {
	if e.country == "" || !alphabets[e.country] {
		return nil
	}
	var out []string
	for i := range e.name.Forms {
		f := &e.name.Forms[i]
		if s := skeleton(f.Compact, easts[e.country]); len(s) > minSkeleton && len(s) <= maxSkeleton && !f.Sign {
			out = append(out, s)
		}
	}
	return out
}

const maxSkeleton = 14

var easts = words("JP KR")

// alphabets are the countries that write names in an alphabet of their own.
var alphabets = words("JP KR RU UA BY BG RS MK ME KZ KG TJ MN GE AM GR CY IL SA AE EG IQ IR SY JO LB YE OM QA KW BH LY TN DZ MA SD PS PK AF IN BD NP LK TH LA KH MM ET")

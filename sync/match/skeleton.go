package match

import "strings"

// skeleton is what is left of a name when it is written in letters of another
// alphabet and back: its consonants, those that are confused as one. Dimagic is
// ダイマジック, which reads daimajikku: both are dmjk. Japanese and Korean (east)
// have no r before a consonant and no th; the others keep them.
func skeleton(s string, east bool) string {
	out := make([]byte, 0, len(s))
	put := func(c byte) {
		if n := len(out); n == 0 || out[n-1] != c {
			out = append(out, c)
		}
	}
	for i := 0; i < len(s); i++ {
		next := byte(0)
		if i+1 < len(s) {
			next = s[i+1]
		}
		soft := next == 'e' || next == 'i' || next == 'y'
		switch c := s[i]; c {
		case 'a', 'e', 'i', 'o', 'u', 'y', 'w':
			if i == 0 {
				put('a')
			} else if len(out) > 0 && next != 0 && next == c {
				i++
			}
		case 'h':
			if i == 0 {
				put('h')
			}
		case 'p':
			if next == 'h' {
				c = 'f'
			}
			put(c)
		case 'v':
			put('b')
		case 'l':
			put('r')
		case 'r':
			if !east || strings.IndexByte("aeiouy", next) >= 0 && next != 0 {
				put('r')
			}
		case 'q':
			put('k')
		case 'x':
			put('k')
			put('s')
		case 'c':
			if soft {
				put('s')
			} else {
				put('k')
			}
		case 'g':
			if soft {
				c = 'j'
			}
			put(c)
		case 'z':
			put('s')
		case 't':
			switch {
			case next == 'h' && east:
				put('s')
			case next == 's':
				put('t')
				i++
			default:
				put('t')
			}
		case 'm':
			if next == 'p' || next == 'b' || next == 'm' {
				c = 'n'
			}
			put(c)
		default:
			put(c)
		}
	}
	return string(out)
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

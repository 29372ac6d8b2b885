package match

import (
	"slices"
	"strings"
	"unicode"

	"github.com/handoffd/handoffd/sync/normalize"
)

// variant is one of the names in what was typed.
type variant struct {
	text  string
	piece bool // one side of a dash, a colon or a comma
}

// variants splits what was typed into the names in it: the whole, what stands
// outside and inside of brackets, former and trade names, and both sides of a
// dash, a bar, a slash or a comma.
func variants(typed string) []variant {
	out := []variant{{text: typed}}
	add := func(s string, piece bool) {
		for _, sep := range separators[:renames] {
			if len(s) >= len(sep) && strings.EqualFold(s[:len(sep)-1], sep[1:]) {
				s = s[len(sep)-1:] // (formerly Acme)
			}
		}
		s = strings.Trim(s, " \t,;:.-–—/|\"“”«»()[]")
		if s != "" && len(out) < maxForms && !slices.ContainsFunc(out, func(v variant) bool { return v.text == s }) {
			out = append(out, variant{s, piece})
		}
	}
	outside, inside := brackets(typed)
	if len(inside) > 0 {
		if outside != "" {
			out[0].text = outside
		}
		for _, s := range inside {
			if !isPlace(s) {
				add(s, false)
			}
		}
		add(typed, false)
	}
	seen := afterBlanks(out[0].text)
	for i, sep := range separators {
		if sep[0] == ' ' && !seen.has(sep[1]) {
			continue
		}
		if a, b, ok := cutWord(out[0].text, sep); ok {
			add(a, i >= renames)
			add(b, i >= renames)
		}
	}
	if parts := strings.Split(out[0].text, ", "); len(parts) == 2 || len(parts) == 3 {
		for _, s := range []string{parts[0], parts[len(parts)-1]} {
			if strings.Contains(s, " ") && !isPlace(s) {
				add(s, true) // Department of Botany, University of Norland
			}
		}
	}
	return out
}

// letterSet are bytes, those of letters small.
type letterSet [4]uint64

func (l *letterSet) has(c byte) bool { return l[c/64]&(1<<(c%64)) != 0 }

// afterBlanks are the bytes that follow a blank.
func afterBlanks(s string) (l letterSet) {
	for i := 1; i < len(s); i++ {
		if s[i-1] == ' ' {
			c := s[i]
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			l[c/64] |= 1 << (c % 64)
		}
	}
	return l
}

// signature is the acronym that stands at the front or the end of a name whose
// other words are not in capitals: "Institute of Things IoT".
func signature(name string) string {
	ws := strings.Fields(name)
	if len(ws) < 3 {
		return ""
	}
	capitals, at := 0, -1
	for i, w := range ws {
		if inCapitals(w) {
			capitals++
			at = i
		}
	}
	if capitals == 1 && (at == 0 || at == len(ws)-1) {
		return ws[at]
	}
	return ""
}

// inCapitals reports whether a word has three to ten letters, all capitals.
func inCapitals(w string) bool {
	n := 0
	for _, c := range w {
		switch {
		case unicode.IsUpper(c):
			n++
		case unicode.IsLower(c):
			return false
		}
	}
	return n >= 3 && n <= 10
}

// renames is how many of the separators stand before another name of the same.
const renames = 14

// separators stand between two names of one company.
var separators = []string{" formerly ", " formerly known as ", " fka ", " f/k/a ", " previously ", " vormals ", " ehemals ", " anciennement ", " aka ", " a/k/a ", " dba ", " d/b/a ", " t/a ", " trading as ", " – ", " — ", " - ", " | ", " / ", ": "}

func cutWord(s, sep string) (before, after string, found bool) {
	i := indexFold(s, sep)
	if i <= 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// indexFold finds sep, which is in small letters, in any case.
func indexFold(s, sep string) int {
	for i := 0; i+len(sep) <= len(s); i++ {
		next := strings.IndexByte(s[i:], sep[0])
		if next < 0 {
			return -1
		}
		if i += next; i+len(sep) <= len(s) && strings.EqualFold(s[i:i+len(sep)], sep) {
			return i
		}
	}
	return -1
}

// brackets parts a text into what is outside of brackets and what inside.
func brackets(s string) (outside string, inside []string) {
	var out strings.Builder
	for {
		i := strings.IndexAny(s, "([（")
		if i < 0 {
			out.WriteString(s)
			return strings.Join(strings.Fields(out.String()), " "), inside
		}
		out.WriteString(s[:i])
		rest := s[i:]
		size := firstSize(rest)
		rest = rest[size:]
		j := strings.IndexAny(rest, ")]）")
		if j < 0 {
			out.WriteString(" " + rest)
			return strings.Join(strings.Fields(out.String()), " "), inside
		}
		inside = append(inside, rest[:j])
		size = firstSize(rest[j:])
		out.WriteString(" ")
		s = rest[j+size:]
	}
}

// isPlace reports whether a text in brackets only says where: (UK), (Germany).
func isPlace(s string) bool {
	_, ok := normalize.Country(s)
	return ok
}

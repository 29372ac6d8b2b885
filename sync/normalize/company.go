package normalize

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// CompanyName is a company's name as far as it tells companies apart:
// compatibility forms folded, small letters without accents, "&" as "and",
// initials joined (J.P. as jp), without punctuation and without the legal
// form at its end. It is "" for what is no company: n/a, self, student.
//
//	ACME, Inc.               acme
//	Müller & Söhne GmbH      muller and sohne
//	J.P. Morgan Chase & Co.  jp morgan chase
//	Telecom Italia S.p.A.    telecom italia
//	株式会社リクルート           リクルート
func CompanyName(s string) string {
	name := bareName(s)
	if noCompany[name] || !strings.ContainsFunc(name, unicode.IsLetter) && len(name) < 2 {
		return ""
	}
	return name
}

// bareName is a name folded and without legal forms, whether it is one or not.
func bareName(s string) string {
	if len(s) > maxName {
		s = s[:maxName]
	}
	ws := bounded(words(s))
	for before := -1; before != size(ws); {
		before = size(ws)
		ws = unglue(trimLegal(ws))
		if len(ws) > 1 && (ws[0] == "the" || legal.before[ws[0]]) {
			ws = ws[1:]
		}
		ws = joinLead(ws)
	}
	return strings.Join(ws, " ")
}

// bounded keeps as many whole words as a name may have: spelling out "&" and
// folding can make it longer than it came.
func bounded(ws []string) []string {
	n := -1
	for i, w := range ws {
		if n += 1 + len(w); n > maxName {
			if i == 0 {
				return []string{strings.ToValidUTF8(w[:maxName], "")}
			}
			return ws[:i]
		}
	}
	return ws
}

// size shrinks with everything that is taken off, and with every joining.
func size(ws []string) int {
	n := len(ws)
	for _, w := range ws {
		n += len(w)
	}
	return n
}

// words folds a name and splits it into words, with dotted initials joined.
func words(s string) []string {
	s = norm.NFKC.String(strings.ToValidUTF8(s, " "))
	s = fold(s)
	var out []string
	initials := ""
	flush := func() {
		if initials != "" {
			out = append(out, initials)
			initials = ""
		}
	}
	for field := range strings.FieldsSeq(s) {
		pieces := strings.FieldsFunc(field, notWord)
		if allInitials(field, pieces) {
			initials += strings.Join(pieces, "")
			continue
		}
		flush()
		out = append(out, pieces...)
	}
	flush()
	return out
}

// allInitials reports whether a word is dotted initials: S.A., "J.", A/S.
func allInitials(field string, pieces []string) bool {
	if len(pieces) == 0 || len(pieces) == 1 && !strings.HasSuffix(field, ".") {
		return false
	}
	if strings.ContainsFunc(field, func(c rune) bool { return notWord(c) && c != '.' && c != '/' && c != ',' && c != '(' && c != ')' }) {
		return false
	}
	for _, p := range pieces {
		if !oneLetter(p) {
			return false
		}
	}
	return true
}

func oneLetter(s string) bool {
	n := 0
	for _, c := range s {
		if n++; n > 1 || !unicode.IsLetter(c) || c > unicode.MaxLatin1 && !unicode.In(c, unicode.Latin, unicode.Cyrillic, unicode.Greek) {
			return false
		}
	}
	return n == 1
}

func notWord(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.IsMark(c) }

// joinLead joins single letters at the front: J P Morgan is J.P. Morgan.
func joinLead(ws []string) []string {
	n := 0
	for n < len(ws) && oneLetter(ws[n]) {
		n++
	}
	if n < 2 {
		return ws
	}
	return append([]string{strings.Join(ws[:n], "")}, ws[n:]...)
}

// fold makes small letters without accents. Marks are taken only from
// alphabets where they are accents: in Japanese they make another letter.
func fold(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	for _, c := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case c >= 0x300 && c <= 0x36f, c == '\'', c == '’', c == '`', c == 'ʼ', c == '·':
		case unicode.Is(unicode.Cf, c):
		case c == '&':
			b.WriteString(" and ")
		case c < unicode.MaxASCII:
			b.WriteByte(byte(c))
		default:
			if l, ok := letters[c]; ok {
				b.WriteString(l)
			} else {
				b.WriteRune(c)
			}
		}
	}
	return norm.NFC.String(b.String())
}

// letters are those that are written in two, or without their stroke, where
// the keyboard lacks them.
var letters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h",
}

// trimLegal takes legal forms from the end, as long as a name is left.
func trimLegal(ws []string) []string {
	for {
		n := legalTail(ws)
		if n == 0 {
			return ws
		}
		ws = ws[:len(ws)-n]
		for len(ws) > 1 && (ws[len(ws)-1] == "and" || ws[len(ws)-1] == "und") {
			ws = ws[:len(ws)-1]
		}
	}
}

// legalTail is how many words at the end are a legal form, the longest first.
func legalTail(ws []string) int {
	for n := min(maxLegal, len(ws)-1); n > 0; n-- {
		if legal.after[strings.Join(ws[len(ws)-n:], " ")] {
			return n
		}
	}
	return 0
}

// unglue takes legal forms off that are written without a blank, at the front
// of the first word and at the end of the last.
func unglue(ws []string) []string {
	if len(ws) == 0 || plainASCII(ws[0]) && plainASCII(ws[len(ws)-1]) {
		return ws
	}
	last := len(ws) - 1
	for _, g := range glued {
		if rest, ok := strings.CutPrefix(ws[0], g); ok && rest+strings.Join(ws[1:], "") != "" {
			ws[0] = rest
		}
		if rest, ok := strings.CutSuffix(ws[last], g); ok && rest+strings.Join(ws[:last], "") != "" {
			ws[last] = rest
		}
	}
	return slices.DeleteFunc(ws, func(w string) bool { return w == "" })
}

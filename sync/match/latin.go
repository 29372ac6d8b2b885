package match

import (
	"strings"
	"unicode"
)

// latin writes a folded name in Latin letters as far as tables go: Cyrillic,
// Greek, Arabic and Hebrew letter by letter, Hangul and kana by syllable, and of
// Han and Thai the words that stand in the table of descriptors and places.
// What is left keeps its own letters. A Latin text comes back as it is.
func latin(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c > unicode.MaxLatin1 && !unicode.Is(unicode.Latin, c) }) {
		return s
	}
	var b strings.Builder
	last := rune(' ')
	for s != "" {
		if last == ' ' {
			if to, n := native(s); n > 0 {
				b.WriteString(" " + to + " ")
				s, last = s[n:], 'x'
				continue
			}
		}
		if to, n := phrase(s); n > 0 {
			b.WriteString(" " + to + " ")
			s, last = s[n:], 'x'
			continue
		}
		size := firstSize(s)
		r := firstRune(s)
		if unicode.Is(unicode.Katakana, r) != unicode.Is(unicode.Katakana, last) && r != 'ー' {
			b.WriteByte(' ')
		}
		if last = r; r == 'ー' {
			last = 'ア'
		}
		switch to, ok := letterTable[r]; {
		case ok:
			b.WriteString(to)
		case r >= 0xAC00 && r <= 0xD7A3:
			b.WriteString(hangul(r))
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// phrase is the longest descriptor or place that a text without blanks between
// its words begins with.
func phrase(s string) (to string, n int) {
	if s[0] < 0xE0 { // the scripts of the table take three bytes a letter
		return "", 0
	}
	for n := min(len(s)-len(s)%3, maxPhrase); n >= 3; n -= 3 {
		if to, ok := phrases[s[:n]]; ok {
			return to, n
		}
	}
	return "", 0
}

// native is the first word of a text whose words are parted by blanks, where the
// table of native words has it, without an article.
func native(s string) (to string, n int) {
	if s[0] < 0xD6 { // the alphabets of the table begin there
		return "", 0
	}
	w, _, _ := strings.Cut(s, " ")
	for _, article := range []string{"", "وال", "ال", "و", "لل", "ה"} {
		if rest, ok := strings.CutPrefix(w, article); ok {
			if to, ok := nativeWords[rest]; ok {
				return to, len(w)
			}
		}
	}
	return "", 0
}

// maxPhrase is the bytes of the longest phrase in the table.
const maxPhrase = 30

// hangul is a syllable in Revised Romanization, each by itself.
func hangul(c rune) string {
	i := int(c - 0xAC00)
	return hangulLead[i/588] + hangulVowel[i%588/28] + hangulTail[i%28]
}

var (
	hangulLead  = strings.Split("g,kk,n,d,tt,r,m,b,pp,s,ss,,j,jj,ch,k,t,p,h", ",")
	hangulVowel = strings.Split("a,ae,ya,yae,eo,e,yeo,ye,o,wa,wae,oe,yo,u,wo,we,wi,yu,eu,ui,i", ",")
	hangulTail  = strings.Split(",k,k,k,n,n,n,t,l,k,m,l,l,l,l,l,m,p,p,t,t,ng,t,t,k,t,p,t", ",")
)

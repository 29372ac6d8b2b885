package match

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/handoffd/handoffd/sync/normalize"
)

// FormsVersion numbers the canonical forms of names and domains. Weights that
// were estimated under another version do not fit.
const FormsVersion = 3

// Name is a company's name prepared for comparing: the forms it may be known
// by, the whole first. A name that is junk (n/a, self, student) has none.
type Name struct {
	Forms []Form
	Legal LegalType // what kind of company the name says it is
}

// Form is one way of writing a name.
type Form struct {
	Core    string   // folded, without its legal form: "muller and sohne"
	Compact string   // the core without blanks
	Words   []string // the words of the core in their order
	Tokens  []string // the words that tell, each in its English or shortest form, sorted and unique
	raw     []string // the same as they stand in the core
	token   []int8   // of each of Words the index in Tokens; -1: it tells nothing
	Set     string   // the tokens as one text
	Short   string   // the initials of the words that tell: "mit"
	Long    string   // the initials of all words: "miot"
	Acronym string   // the form as typed, where it looks like an acronym, in small letters
	Part    bool     // a part of the name, or a former or trade name
	Piece   bool     // a part that says less than the whole: one side of a dash or a comma
	Foreign bool     // from another alphabet
	Sign    bool     // only the acronym that a longer name is signed with
}

// maxForms bounds what one hostile name may cost, maxWords the words of a form.
const (
	maxForms = 4
	maxWords = 24
	maxTyped = 400 // bytes of a name that are looked at
)

// NewName prepares a name as somebody typed it.
func NewName(typed string) Name {
	typed = unelided(clip(strings.ToValidUTF8(typed, " "), maxTyped))
	var n Name
	n.Legal = legalOf(typed)
	for i, v := range variants(typed) {
		had := len(n.Forms)
		n.add(v.text, i > 0)
		for j := had; j < len(n.Forms); j++ {
			n.Forms[j].Piece = v.piece
		}
	}
	if w := signature(typed); w != "" {
		had := len(n.Forms)
		n.add(w, true)
		for i := had; i < len(n.Forms); i++ {
			n.Forms[i].Sign = true
		}
	}
	return n
}

// add appends a form and, for one in another alphabet, its Latin form.
func (n *Name) add(text string, part bool) {
	core := normalize.CompanyName(text)
	if core == "" {
		return
	}
	acronym := acronymOf(text)
	other := ""
	if l := latin(core); l != core {
		other = normalize.CompanyName(l)
	}
	for i, c := range []string{core, other} {
		if c == "" || len(n.Forms) >= maxForms || slices.ContainsFunc(n.Forms, func(f Form) bool { return f.Core == c }) {
			continue
		}
		f := newForm(c, acronym, part)
		f.Foreign = i > 0
		n.Forms = append(n.Forms, f)
	}
}

func newForm(core, acronym string, part bool) Form {
	ws := parted(strings.Fields(core))
	if len(ws) > maxWords {
		ws = ws[:maxWords]
	}
	telling, plain := 0, 0
	for _, w := range ws {
		plain += count(!stopWords[w])
	}
	f := Form{Core: core, Compact: strings.ReplaceAll(core, " ", ""), Acronym: acronym, Part: part, Words: ws}
	var short, long strings.Builder
	canon := make([]string, len(ws))
	for i, w := range ws {
		first := initialOf(w)
		long.WriteString(first)
		if stopWords[w] {
			continue
		}
		short.WriteString(first)
		if canon[i] = w; plain > 1 {
			canon[i] = canonical(w) // a name of one word is a brand, whatever it means
		}
		telling++
	}
	if telling == 0 {
		copy(canon, ws)
	}
	f.file(canon)
	f.Set = strings.Join(f.Tokens, " ")
	if len(ws) > 1 {
		f.Short, f.Long = short.String(), long.String()
	}
	return f
}

// initialOf is what a word gives to an acronym: its first letter, or all of
// those that are initials themselves (MD Anderson).
func initialOf(w string) string {
	if (len(w) == 2 || len(w) == 3) && plainLetters(w) && !strings.ContainsAny(w, "aeiouy") && descriptors[w] == "" {
		return w
	}
	return w[:firstSize(w)]
}

// file sorts the canonical words into Tokens and keeps which word is which.
func (f *Form) file(canon []string) {
	for _, c := range canon {
		if c != "" {
			f.Tokens = append(f.Tokens, c)
		}
	}
	slices.Sort(f.Tokens)
	f.Tokens = slices.Compact(f.Tokens)
	f.raw = make([]string, len(f.Tokens))
	f.token = make([]int8, len(f.Words))
	for i, c := range canon {
		f.token[i] = -1
		if c != "" {
			j, _ := slices.BinarySearch(f.Tokens, c)
			f.token[i] = int8(j)
			f.raw[j] = f.Words[i]
		}
	}
}

// firstRune is the first rune of a text; 0: it is empty.
func firstRune(s string) rune {
	for _, c := range s {
		return c
	}
	return 0
}

// unelided parts the article or preposition from the word that it is written in
// one with: d'Informatique, dell'Università, l’Eau.
func unelided(s string) string {
	if !strings.ContainsAny(s, "'’ʼ`´") {
		return s
	}
	var b strings.Builder
	word := 0 // where the word began
	for i, c := range s {
		switch {
		case strings.ContainsRune("'’ʼ`´", c):
			if elided[strings.ToLower(s[word:i])] {
				b.WriteByte(' ')
			} else {
				b.WriteRune(c)
			}
			word = i + len(string(c))
			continue
		case !unicode.IsLetter(c):
			word = i + len(string(c))
		}
		b.WriteRune(c)
	}
	return b.String()
}

// elided are what French, Italian, Catalan and Portuguese words are cut to
// before a vowel.
var elided = words("l d dell all dall nell sull coll qu un quell sant j n s")

// canonical is a word in the form in which it is compared: a descriptor in
// English, any other as its stem.
func canonical(w string) string {
	if to, ok := descriptors[w]; ok {
		return to
	}
	if s := singular(w); s != w {
		if to, ok := descriptors[s]; ok {
			return to
		}
		w = s
	}
	s := stem(w)
	if to, ok := descriptorStems[s]; ok && s != w {
		return to
	}
	return s
}

func singular(w string) string {
	if len(w) > 4 && w[len(w)-1] == 's' && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is") {
		return w[:len(w)-1]
	}
	return w
}

// acronymOf is a text that is written like an acronym: one word of two to
// eight letters, most of them capitals, or with "&" between them.
func acronymOf(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 16 || strings.ContainsAny(text, " ") {
		return ""
	}
	var b strings.Builder
	n := 0
	for _, c := range norm.NFKC.String(text) {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			n++
			b.WriteRune(unicode.ToLower(c))
		}
	}
	if n < 2 || n > 8 {
		return ""
	}
	return b.String()
}

// firstSize is how many bytes the first rune of a text takes.
func firstSize(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

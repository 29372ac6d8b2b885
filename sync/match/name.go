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

// firstSize is how many bytes the first rune of a text takes.
func firstSize(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

// isPlace reports whether a text in brackets only says where: (UK), (Germany).
func isPlace(s string) bool {
	_, ok := normalize.Country(s)
	return ok
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

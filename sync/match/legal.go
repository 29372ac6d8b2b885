package match

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/handoffd/handoffd/sync/normalize"
)

// LegalType is what kind of company a legal form stands for, whatever the
// language.
type LegalType int

// The types.
const (
	NoLegal     LegalType = iota
	StockLegal            // owned by share holders: AG, SA, PLC, Inc
	LimitedCo             // limited: GmbH, SARL, Ltd, LLC
	Partnership           // KG, LLP, OHG
	NonProfit             // e.V., ASBL, Stiftung
)

// legalOf is the type of the legal form at the end, or the beginning, of a name.
func legalOf(typed string) LegalType {
	first, last := ends(typed)
	for n := longestLegal; n > 0; n-- {
		if n < len(last) {
			if t, ok := legalTypes[undotted(last[len(last)-n:])]; ok {
				return t
			}
		}
		if n < len(first) {
			if t, ok := legalTypes[undotted(first[:n])]; ok {
				return t
			}
		}
	}
	return NoLegal
}

// longestLegal is how many words a legal form may have.
const longestLegal = 3

// ends are the first and the last words of a name, one more each than a legal
// form may have, in small letters.
func ends(typed string) (first, last []string) {
	s := strings.ToLower(typed)
	if len(s) > 2*maxEnd {
		first = strings.FieldsFunc(s[:maxEnd], betweenWords)
		last = strings.FieldsFunc(s[len(s)-maxEnd:], betweenWords)
		return first[:min(len(first), longestLegal+1)], last[max(0, len(last)-longestLegal-1):]
	}
	all := strings.FieldsFunc(s, betweenWords)
	return all, all
}

// maxEnd is how many bytes of either end of a name are looked at.
const maxEnd = 80

func betweenWords(c rune) bool {
	switch c {
	case ' ', ',', ';', '(', ')', '"', '«', '»':
		return true
	}
	return false
}

func undotted(ws []string) string {
	s := strings.Join(ws, "")
	if strings.ContainsAny(s, "./- ") {
		return dots.Replace(s)
	}
	return s
}

var dots = strings.NewReplacer(".", "", "/", "", "-", "", " ", "")

// legalTypes are legal forms without dots and blanks, in small letters. The
// longer list that names are freed of is normalize's.
var legalTypes = func() map[string]LegalType {
	out := map[string]LegalType{}
	for t, list := range map[LegalType]string{
		StockLegal:  "ag aktiengesellschaft sa plc inc incorporated corp corporation spa nv ab asa as oyj ad dd jsc pjsc ojsc cjsc оао пао ао зао oao pao zao ао akciovaspolecnost akc rt zrt nyrt tbk bhd kk kabushikikaisha 株式会社 股份有限公司 주식회사 se societeanonyme sociedadanonima societaperazioni spolkaakcyjna saa sab sabdecv sadecv anonimsirketi aş publiclimitedcompany",
		LimitedCo:   "gmbh mbh ltd limited llc lc sarl srl bv bvba sprl kft doo ooo ооо тов sro spzoo zoo sl slu lda ltda limitada aps oy uab ou sia eood ood ead ug pty ptyltd pvtltd privatelimited pteltd sdnbhd coltd companylimited 有限会社 有限公司 合同会社 gk yk sas sasu eurl unipessoallda limitedsirketi ltdsti fze fzco fzc wll dmcc tnhh ehf",
		Partnership: "kg kgaa ohg gbr lp llp lllp snc scs vof cv gmbhcokg partg hb kb ks ky spj spk",
		NonProfit:   "ev ev. eg ggmbh asbl vzw aisbl stiftung foundation cic npo npc onlus zs stichting fundacion",
	} {
		for w := range strings.FieldsSeq(list) {
			if have, ok := out[w]; !ok || t < have {
				out[w] = t
			}
		}
	}
	return out
}()

// countryOf is a country as a two-letter code, "" where it is not known.
func countryOf(s string) string {
	code, ok := normalize.Country(s)
	if !ok {
		return ""
	}
	return code
}

// countryByEnding is the country that a host's ending stands for; "" where it is
// one that companies of every country use.
func countryByEnding(h Host) string {
	ending := h.Domain[strings.LastIndexByte(h.Domain, '.')+1:]
	if len(ending) != 2 || everybodys[ending] {
		return ""
	}
	if ending == "uk" {
		return "GB"
	}
	return countryOf(strings.ToUpper(ending))
}

// everybodys are endings of small countries that are sold as words.
var everybodys = words("io ai co me tv cc ws fm am to ly gg sh ac vc la ms nu st im is so eu su ag bz sc mn pw tk ml ga cf gq cx gl gd gs hm md vg cm")

// countryByLetters is the country whose alphabet a name is written in, where no
// other has it; "" for the others.
func countryByLetters(name string) string {
	for _, c := range clip(name, maxTyped) {
		if c < 0x370 {
			continue
		}
		for _, a := range alphabetsOfOne {
			if unicode.Is(a.letters, c) {
				return a.country
			}
		}
	}
	return ""
}

var alphabetsOfOne = []struct {
	letters *unicode.RangeTable
	country string
}{
	{unicode.Hiragana, "JP"},
	{unicode.Katakana, "JP"},
	{unicode.Hangul, "KR"},
	{unicode.Thai, "TH"},
	{unicode.Hebrew, "IL"},
	{unicode.Greek, "GR"},
	{unicode.Georgian, "GE"},
	{unicode.Armenian, "AM"},
}

// countryByWords is the country that a name names; "" where it is none or more
// than one.
func countryByWords(n *Name) string {
	found := ""
	for i := range n.Forms {
		for _, w := range n.Forms[i].Tokens {
			code := ""
			if placeWords[w] {
				code = countryWords()[w]
			}
			if code != "" && found != "" && code != found {
				return ""
			}
			found = cmp.Or(found, code)
		}
	}
	return found
}

package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/sync/normalize"
)

// spelt is one form of a name word by word.
type spelt struct {
	words []string // in their order, without words that tell nothing, numbers in digits
	whole string   // the words in one
	all   string   // the same with those that only connect
	long  string   // the initials of all words, those that tell nothing among them
	typed string   // all that was typed, in one
	legal LegalType
	part  bool
}

// spellings are the forms of a name for comparing it by itself. A place in
// brackets is a word like any other here: (Asia) is not (London).
func spellings(typed string) []spelt {
	typed = clip(strings.ToValidUTF8(typed, " "), maxTyped)
	var out []spelt
	add := func(text string, part bool) {
		core := normalize.CompanyName(text)
		if l := latin(core); l != core {
			core = normalize.CompanyName(l)
		}
		s := newSpelt(core)
		if len(s.words) == 0 || len(out) >= maxForms || slices.ContainsFunc(out, func(o spelt) bool { return slices.Equal(o.words, s.words) }) {
			return
		}
		s.typed, s.part = strings.ReplaceAll(plain(text), " ", ""), part
		if s.legal == NoLegal {
			s.legal = legalOf(text)
		}
		out = append(out, s)
	}
	add(noBrackets.Replace(typed), false)
	outside, inside := brackets(typed)
	for i, s := range inside {
		if !allPlaces(s) {
			add(outside, i > 0)
			add(s, true)
		}
	}
	for _, sep := range separators {
		if a, b, ok := cutWord(typed, sep); ok {
			add(a, true)
			add(b, true)
		}
	}
	return out
}

var noBrackets = strings.NewReplacer("(", " ", ")", " ", "[", " ", "]", " ")

// allPlaces reports whether a text in brackets only says where.
func allPlaces(s string) bool {
	if isPlace(s) {
		return true
	}
	ws := strings.Fields(normalize.CompanyName(s))
	return len(ws) > 0 && !slices.ContainsFunc(ws, func(w string) bool { return !placeWords[canonical(w)] && !placeWords[w] })
}

func newSpelt(core string) spelt {
	var s spelt
	all := strings.Fields(inShort.Replace(" " + core + " "))
	all, s.legal = withoutLegal(all)
	if len(all) > maxWords {
		all = all[:maxWords]
	}
	var long strings.Builder
	for i, w := range all {
		long.WriteRune(firstRune(w))
		if !connecting[w] || i > 0 && i == len(all)-1 {
			s.words = append(s.words, w)
		}
	}
	if len(s.words) == 0 {
		s.words = slices.Clone(all)
	}
	s.words = inDigits(s.words)
	s.whole, s.long, s.all = strings.Join(s.words, ""), long.String(), strings.Join(all, "")
	return s
}

// inShort writes what is written in full as often as in short.
var inShort = strings.NewReplacer(" united states of america ", " us ", " united states ", " us ", " usa ", " us ", " united kingdom ", " uk ", " great britain ", " uk ", " european union ", " eu ")

// connecting are words that hold others together.
var connecting = words("and of the for in on at to by und et y e of de la le du des di da do der die das fur pour para per i")

// withoutLegal takes off legal forms that are spelt out, at either end, and the
// short ones that stand in front, and says of what type they are.
func withoutLegal(ws []string) ([]string, LegalType) {
	legal := NoLegal
	for _, l := range spelledLegal {
		n := len(ws) - len(l.words)
		switch {
		case n > 0 && slices.Equal(ws[:len(l.words)], l.words):
			ws, legal = ws[len(l.words):], l.is
		case n > 0 && len(l.words) > 1 && slices.Equal(ws[n:], l.words):
			ws, legal = ws[:n], l.is
		}
	}
	return ws, legal
}

type legalForm struct {
	words []string
	is    LegalType
}

// spelledLegal are legal forms spelt out, folded and in Latin letters, the
// longer before the shorter, and those of one word that stand in front.
var spelledLegal = func() (out []legalForm) {
	for is, list := range map[LegalType]string{
		StockLegal: `otkrytoe aktsionernoe obshchestvo, zakrytoe aktsionernoe obshchestvo, publichnoe aktsionernoe obshchestvo, aktsionernoe obshchestvo,
			open joint stock company, closed joint stock company, public joint stock company, private joint stock company, joint stock company, public limited company,
			societe anonyme, sociedad anonima, societa per azioni, spolka akcyjna, naamloze vennootschap, anonim sirketi, akciova spolecnost, oao, zao, pao, jsc, ojsc, pjsc, cjsc`,
		LimitedCo: `obshchestvo s ogranichennoy otvetstvennostyu, obshchestvo s ogranichennoi otvetstvennostyu, tovarystvo z obmezhenoyu vidpovidalnistyu, limited liability company,
			private limited company, societatea cu raspundere limitata, societate cu raspundere limitata, societa a responsabilita limitata, societe a responsabilite limitee,
			sociedad de responsabilidad limitada, sociedade limitada, gesellschaft mit beschrankter haftung, spolka z ograniczona odpowiedzialnoscia, drustvo s ogranicenom odgovornoscu,
			besloten vennootschap, limited sirketi, ooo, srl, sarl, sprl, bvba, gmbh, llc, sro, doo, kft, uab`,
		Partnership: `limited liability partnership, kommanditgesellschaft, limited partnership`,
		NonProfit:   `avtonomnaya nekommercheskaya organizatsiya, eingetragener verein, ano, nko`,
	} {
		for l := range strings.SplitSeq(list, ",") {
			out = append(out, legalForm{strings.Fields(l), is})
		}
	}
	slices.SortFunc(out, func(a, b legalForm) int {
		return cmp.Or(cmp.Compare(len(b.words), len(a.words)), slices.Compare(a.words, b.words))
	})
	return out
}()

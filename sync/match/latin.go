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

// letterTable is one letter each: Cyrillic, Greek, Hebrew, Arabic, kana.
var letterTable = pairs2(`а a б b в v г g д d е e ё e ж zh з z и i й i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh щ shch ъ - ы y ь - э e ю yu я ya і i ї i є ie ґ g ў u љ lj њ nj ћ c ђ d џ dz ј j ѓ g ќ k ѕ z
α a β v γ g δ d ε e ζ z η i θ th ι i κ k λ l μ m ν n ξ x ο o π p ρ r σ s ς s τ t υ y φ f χ ch ψ ps ω o
א a ב b ג g ד d ה h ו v ז z ח h ט t י i כ k ך k ל l מ m ם m נ n ן n ס s ע a פ p ף f צ ts ץ ts ק k ר r ש sh ת t
ا a أ a إ i آ a ب b ت t ث th ج j ح h خ kh د d ذ dh ر r ز z س s ش sh ص s ض d ط t ظ z ع a غ gh ف f ق q ك k ک k ل l م m ن n ه h و w ي y ی y ى a ة a پ p چ ch گ g ژ zh ء -
ア a イ i ウ u エ e オ o カ ka キ ki ク ku ケ ke コ ko サ sa シ shi ス su セ se ソ so タ ta チ chi ツ tsu テ te ト to ナ na ニ ni ヌ nu ネ ne ノ no ハ ha ヒ hi フ fu ヘ he ホ ho マ ma ミ mi ム mu メ me モ mo ヤ ya ユ yu ヨ yo ラ ra リ ri ル ru レ re ロ ro ワ wa ヲ o ン n ガ ga ギ gi グ gu ゲ ge ゴ go ザ za ジ ji ズ zu ゼ ze ゾ zo ダ da デ de ド do バ ba ビ bi ブ bu ベ be ボ bo パ pa ピ pi プ pu ペ pe ポ po ァ a ィ i ゥ u ェ e ォ o ャ ya ュ yu ョ yo ッ - ー - ヴ vu
あ a い i う u え e お o か ka き ki く ku け ke こ ko さ sa し shi す su せ se そ so た ta ち chi つ tsu て te と to な na に ni ぬ nu ね ne の - は ha ひ hi ふ fu へ he ほ ho ま ma み mi む mu め me も mo や ya ゆ yu よ yo ら ra り ri る ru れ re ろ ro わ wa を o ん n が ga ぎ gi ぐ gu げ ge ご go ざ za じ ji ず zu ぜ ze ぞ zo だ da で de ど do ば ba び bi ぶ bu べ be ぼ bo ぱ pa ぴ pi ぷ pu ぺ pe ぽ po
क k ख kh ग g घ gh ङ n च ch छ chh ज j झ jh ञ n ट t ठ th ड d ढ dh ण n त t थ th द d ध dh न n प p फ f ब b भ bh म m य y र r ल l व v श sh ष sh स s ह h ळ l अ a आ a इ i ई i उ u ऊ u ए e ऐ ai ओ o औ au ऑ o ऋ ri ा a ि i ी i ु u ू u ृ ri े e ै ai ो o ौ au ॉ o ं n ँ n ः - ् - ़ -
ক k খ kh গ g ঘ gh ঙ ng চ ch ছ chh জ j ঝ jh ঞ n ট t ঠ th ড d ঢ dh ণ n ত t থ th দ d ধ dh ন n প p ফ f ব b ভ bh ম m য y র r ল l শ sh ষ sh স s হ h ড় r য় y অ a আ a ই i ঈ i উ u ঊ u এ e ঐ oi ও o ঔ ou া a ি i ী i ু u ূ u ৃ ri ে e ৈ oi ো o ৌ ou ং ng ঁ - ঃ - ্ - ৎ t ় -`)

// pairs2 reads "letter text letter text …"; a dash stands for nothing.
func pairs2(list string) map[rune]string {
	out := map[rune]string{}
	f := strings.Fields(list)
	for i := 0; i+1 < len(f); i += 2 {
		out[firstRune(f[i])] = strings.Trim(f[i+1], "-")
	}
	return out
}

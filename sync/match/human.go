package match

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/handoffd/handoffd/sync/normalize"
)

// human is a row prepared.
type human struct {
	id, first, last, email, local, host string
	phone, company, street, number      string
	street2, city, postcode, sound      string
	site, pair                          string
	spelt                               []spelt // a company's name word by word
	key                                 string  // all of it, for an order that does not depend on ids
	name                                *entry
}

func newHuman(r Row) human {
	h := human{
		id: r.ID, first: plain(r.First), last: plain(r.Last), street2: plain(r.Street2), city: plain(r.City),
		postcode: strings.ReplaceAll(plain(r.Postcode), " ", ""), company: plain(r.Company),
	}
	h.email, _ = normalize.Email(r.Email)
	local, host, _ := strings.Cut(h.email, "@")
	local, _, _ = strings.Cut(local, "+")
	if host == "gmail.com" || host == "googlemail.com" {
		local, host = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	h.local, h.host = local, host
	if local != "" {
		h.email = local + "@" + host
	}
	h.phone = dialled(r.Phone, r.Country)
	street := plain(r.Street)
	for w := range strings.FieldsSeq(street) {
		if strings.ContainsAny(w, "0123456789") && h.number == "" {
			h.number = w
			continue
		}
		h.street += abbreviated(w)
	}
	h.sound = sound(h.last)
	if site := NewHost(r.Website); site.Class == Corporate {
		h.site = site.Full
	}
	h.pair = r.Pair
	if h.first+h.last == "" {
		h.spelt = spellings(r.Company)
	}
	h.key = strings.Join([]string{r.First, r.Last, r.Email, r.Phone, r.Company, r.Street, r.Street2, r.City, r.Postcode, r.Country, r.Website, r.Pair}, "\x00")
	return h
}

// dialled are the last nine digits of a number, which are the same with and
// without the country in front; "" for too few.
func dialled(phone, country string) string {
	if e164, ok := normalize.Value(normalize.Field{Clean: []string{"phone"}}, phone, country); ok && strings.HasPrefix(e164, "+") {
		phone, _, _ = strings.Cut(e164, " ext")
	}
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, clip(phone, 40))
	digits = strings.TrimLeft(digits, "0")
	if len(digits) < 6 {
		return ""
	}
	return digits[max(0, len(digits)-9):]
}

// plain is a text in small Latin letters without accents and punctuation.
func plain(s string) string {
	s = norm.NFD.String(strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(clip(s, 200), " "))))
	s = strings.Map(func(c rune) rune {
		switch {
		case unicode.Is(unicode.Mn, c), unicode.Is(unicode.Cf, c), c == '\'', c == '’':
			return -1
		case unicode.IsLetter(c), unicode.IsNumber(c):
			return c
		}
		return ' '
	}, s)
	return latin(strings.Join(strings.Fields(norm.NFC.String(s)), " "))
}

// abbreviated shortens the words that stand in most addresses.
func abbreviated(w string) string {
	if to, ok := streetWords[w]; ok {
		return to
	}
	return w
}

// sound is how a name begins to sound: the first letter and the consonants
// behind it in six classes (Soundex).
func sound(s string) string {
	const class = "01230120022455012623010202"
	var b strings.Builder
	last := byte(0)
	for i := 0; i < len(s) && b.Len() < 5; i++ {
		if s[i] < 'a' || s[i] > 'z' {
			continue
		}
		c := class[s[i]-'a']
		if b.Len() == 0 {
			b.WriteByte(s[i])
		} else if c != '0' && c != last {
			b.WriteByte(c)
		}
		last = c
	}
	return b.String()
}

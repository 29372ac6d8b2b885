package normalize

import (
	"strings"
	"sync"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// maxName bounds the names of countries and companies, in bytes.
const maxName = 400

// Country is the ISO 3166 alpha-2 code of a country, by its code, its alpha-3
// code or its name in one of several languages.
func Country(s string) (code string, ok bool) {
	s = trim(s)
	if s == "" || len(s) > maxName {
		return "", false
	}
	if code, ok = countries()[countryKey(s)]; code == "NA" && strings.ContainsAny(s, "/.") {
		return "", false // n/a is not Namibia
	}
	return code, ok
}

// countries is built once, from the names in x/text and the table below.
var countries = sync.OnceValue(buildCountries)

func countryKey(s string) string {
	return strings.TrimPrefix(strings.Join(words(s), " "), "the ")
}

// buildCountries lets what is more certain win: codes, then the table below,
// then English, then the other languages in order.
func buildCountries() map[string]string {
	out := make(map[string]string, 4000)
	add := func(name, code string) {
		if k := countryKey(name); k != "" && out[k] == "" {
			out[k] = code
		}
	}
	var regions []language.Region
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			r, err := language.ParseRegion(string([]rune{a, b}))
			if err == nil && r.IsCountry() && r.Canonicalize() == r && r.String() == string([]rune{a, b}) {
				regions = append(regions, r)
				add(r.String(), r.String())
			}
		}
	}
	for line := range strings.Lines(otherNames) {
		code, names, _ := strings.Cut(strings.TrimSpace(line), " ")
		for name := range strings.SplitSeq(names, ",") {
			add(name, code)
		}
	}
	for _, r := range regions {
		add(r.ISO3(), r.String())
	}
	for _, tag := range []language.Tag{
		language.English, language.German, language.French, language.Spanish, language.Italian, language.Portuguese,
		language.Dutch, language.Polish, language.Swedish, language.Danish, language.Turkish, language.Japanese, language.Chinese,
	} {
		namer := display.Regions(tag)
		for _, r := range regions {
			add(namer.Name(r), r.String())
		}
	}
	return out
}

// otherNames is what people write and x/text does not know, by code: short
// forms, former and formal names, and parts of the United Kingdom.
const otherNames = `US USA, U S A, US of A, United States of America, United States (USA), Unites States, America, Estados Unidos de America, EEUU, EUA, Etats Unis d Amerique, Vereinigte Staaten von Amerika
GB UK, U K, United Kingdom of Great Britain and Northern Ireland, Great Britain, Britain, England, Scotland, Wales, Northern Ireland, Grossbritannien, Großbritannien, England UK, Inglaterra, Gran Bretaña, Royaume Uni de Grande Bretagne
IE Republic of Ireland, Ireland Republic of, Eire, Southern Ireland
NL Holland, Netherlands The, Kingdom of the Netherlands, Nederland
DE Federal Republic of Germany, Germany Federal Republic of, BRD
CZ Czech Republic, Czech Rep, Ceska republika, Cesko
SK Slovak Republic
GR EL, Hellas, Hellenic Republic
CH Confoederatio Helvetica, Swiss Confederation
AT Republic of Austria
BE Kingdom of Belgium
DK Kingdom of Denmark
RU Russian Federation, Russia Federation
BY Belorussia, White Russia
UA The Ukraine
MD Republic of Moldova, Moldova Republic of
MK Macedonia, FYROM, Republic of North Macedonia, Macedonia the former Yugoslav Republic of
RS Republic of Serbia
BA Bosnia, Bosnia Herzegovina
XK Republic of Kosovo
TR Turkey, Turkiye, Republic of Turkey
VA Vatican, Holy See, Holy See (Vatican City State)
AE UAE, U A E, Emirates, United Arab Emirates the
SA KSA, Kingdom of Saudi Arabia, Saudi
IR Iran Islamic Republic of, Islamic Republic of Iran, Persia
SY Syrian Arab Republic
PS Palestine, State of Palestine, Palestinian Territory Occupied, Palestinian Authority
IL State of Israel
CN China PRC, PRC, PR China, P R China, Peoples Republic of China, Mainland China, China mainland
TW Taiwan Province of China, Taiwan ROC, Republic of China, Chinese Taipei
HK Hong Kong, Hongkong, Hong Kong SAR, Hong Kong China
MO Macau, Macao, Macau SAR
KR Korea, South Korea, Republic of Korea, Korea Republic of, Korea South, Rep of Korea
KP North Korea, Korea Democratic Peoples Republic of, Democratic Peoples Republic of Korea, DPRK, Korea North
VN Viet Nam, Socialist Republic of Vietnam
LA Lao Peoples Democratic Republic, Lao PDR
MM Burma, Myanmar
BN Brunei Darussalam
TL East Timor, Timor Leste
PH Philippines the, Republic of the Philippines
IN Republic of India, Bharat
AU Commonwealth of Australia
NZ Aotearoa
FM Micronesia Federated States of, Federated States of Micronesia
ZA RSA, Republic of South Africa, S Africa
CI Ivory Coast, Cote d Ivoire, Republic of Cote d Ivoire
CD DRC, DR Congo, Congo Democratic Republic of the, Democratic Republic of the Congo, Congo the Democratic Republic of the, Congo Kinshasa, Zaire
CG Congo, Republic of the Congo, Congo Brazzaville
CV Cape Verde, Cabo Verde
SZ Swaziland, Eswatini
TZ Tanzania United Republic of, United Republic of Tanzania
GM Gambia, Gambia the
LY Libyan Arab Jamahiriya
SH Saint Helena, St Helena
BS Bahamas, Bahamas the
BO Bolivia Plurinational State of, Plurinational State of Bolivia
VE Venezuela Bolivarian Republic of, Bolivarian Republic of Venezuela
BR Brasil, Federative Republic of Brazil
MX United Mexican States
KN St Kitts, Saint Kitts, St Kitts and Nevis
LC St Lucia, Saint Lucia
VC St Vincent, Saint Vincent and the Grenadines
TT Trinidad, Trinidad and Tobago
AG Antigua, Antigua and Barbuda
FK Falkland Islands, Falkland Islands (Malvinas), Malvinas
VI US Virgin Islands, Virgin Islands US, United States Virgin Islands
VG British Virgin Islands, Virgin Islands British
MF St Martin, Saint Martin French part
SX Sint Maarten
RE Reunion, La Reunion
PR Puerto Rico USA
`

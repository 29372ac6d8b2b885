package match

import "strings"

// plainly says of a candidate, in words, what is equal and what sets the two apart:
// the domain, the name, the country, and what else is worth a look.
func plainly(at []uint8) string {
	var said []string
	for _, f := range spoken {
		if f.field >= len(at) || int(at[f.field]) >= len(fieldLevels[f.field].levels) {
			continue
		}
		if s := f.words[fieldLevels[f.field].levels[at[f.field]]]; s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, ", ")
}

// spoken are the fields that are put in words, and the words for their levels; of a
// level that is not among them there is nothing to say.
var spoken = []struct {
	field int
	words map[string]string
}{
	{fDomain, map[string]string{
		"none":                        "there is no e-mail domain",
		"free":                        "anybody may have an address of the e-mail domain",
		"host only":                   "the e-mail domain is its own and no other account's",
		"host":                        "the e-mail domain is its own and no other account's",
		"host shared":                 "the e-mail domain is its own, and that of other accounts",
		"only":                        "the e-mail domain is its own and no other account's",
		"root":                        "the e-mail domain is its own, and that of other accounts",
		"few":                         "the e-mail domain is that of several accounts, it among them",
		"many":                        "the e-mail domain is that of many accounts, it among them",
		"shared below":                "the e-mail domain is that of several accounts, it among them",
		"only below":                  "its host is one of the e-mail domain, and no other account's is",
		"only beside":                 "its host is one of the e-mail domain, and no other account's is",
		"same label":                  "the e-mail domain is its own but for the ending",
		"label alike":                 "the e-mail domain looks like its own",
		"other":                       "the e-mail domain is not its own",
		"elsewhere":                   "the e-mail domain is another account's",
		"no account domain":           "no domain of it is known",
		"no account domain elsewhere": "no domain of it is known, and the e-mail domain is another account's",
	}},
	{fFamily, map[string]string{
		"the account above":      "it is the e-mail domain of the account above it",
		"one below":              "it is the e-mail domain of an account below it",
		"another below the same": "it is the e-mail domain of another account below the same one",
	}},
	{fName, map[string]string{
		"blank":                  "no company is named",
		"exact":                  "the company has its name",
		"compact":                "the company has its name, spelled with other spaces or signs",
		"same words":             "the company has the words of its name, in another order",
		"same words, translated": "the company has its name in another language",
		"part":                   "the company has its name but for an addition, or a former name of it",
		"typo":                   "the names are a letter or two apart",
		"a letter apart":         "the names are a letter or two apart",
		"sounds alike":           "the names sound alike",
		"initials":               "one name is the abbreviation of the other",
		"acronym inside":         "one name may be the abbreviation of the other",
		"beginnings":             "one name is put together from the beginnings of the other's words",
		"glued":                  "one name begins or ends with the other",
		"bare":                   "the names are one but for what companies add to them",
		".9":                     "the names have nearly all words in common",
		".8":                     "the names have most words in common",
		".7":                     "the names have most words in common",
		".6":                     "the names have half of their words in common",
		".5":                     "the names have half of their words in common",
		".4":                     "the names have half of their words in common",
		".3":                     "the names have little in common",
		".2":                     "the names have little in common",
		".1":                     "the names have little in common",
		"nothing":                "the names have nothing in common",
	}},
	{fNumbers, map[string]string{"differ": "with other numbers", "extra": "one of them with a number more"}},
	{fPlaces, map[string]string{"differ": "with other places"}},
	{fKind, map[string]string{"differ": "of two kinds of organisation"}},
	{fTwins, map[string]string{"2": "which another account has too", "many": "which many accounts have"}},
	{fLegal, map[string]string{"other": "the legal forms differ"}},
	{fCountry, map[string]string{
		"same": "the country is the same", "same, no domain": "the country is the same",
		"other": "the country is another", "other, no domain": "the country is another",
	}},
}

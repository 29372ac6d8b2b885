package match

import "slices"

// The fields that are compared. Each has levels; a pair is at exactly one
// level of every field, and the weights say what that is worth.
const (
	fBase = iota
	fDomain
	fName
	fJoint
	fLeadCover
	fOrgCover
	fShared
	fLeadExtra
	fOrgExtra
	fCountry
	fLabel
	fBrand
	fNumbers
	fPlaces
	fLegal
	fTwins
	fWorth
	fFirst
	fRest
	fCountryName
	fKind
	fInitials
	fHosted
	fSub
	fLeft
	fLabelJoint
	fPlaceName
	fBrandSub
	fCounts
	fKindJoint
	fBrandName
	fUnexplained
	fExplained
	fBelow
	fOrder
	fWhole
	fFamily
	fLabelName
	fields
)

// levels is the level of each field, by number.
type levels [fields]uint8

// field is what is compared and at which levels a pair may be, as the weights
// name them.
type field struct {
	name   string
	levels []string
}

// fieldLevels names every field and its levels, in the order of their numbers.
var fieldLevels = [fields]field{
	fBase:        {"base", []string{"any"}},
	fDomain:      {"domain", namesOf(domainLevels)},
	fName:        {"name", namesOf(nameLevels)},
	fJoint:       {"domain and name", joint},
	fLeadCover:   {"words of the lead found", tenths},
	fOrgCover:    {"words of the account found", tenths},
	fShared:      {"rarest shared word", bits},
	fLeadExtra:   {"rarest word only the lead has", bits},
	fOrgExtra:    {"rarest word only the account has", bits},
	fCountry:     {"country", []string{"unknown", "same", "other", "unknown, no domain", "same, no domain", "other, no domain"}},
	fLabel:       {"domain label in the account's name", labelLevels},
	fBrand:       {"company in the account's domain", labelLevels},
	fNumbers:     {"numbers", []string{"none", "same", "extra", "differ"}},
	fPlaces:      {"places", fieldPlaces},
	fLegal:       {"legal form", []string{"unknown", "same", "other"}},
	fTwins:       {"accounts of that name", []string{"no", "1", "2, country decides", "2", "many, country decides", "many"}},
	fWorth:       {"what the name tells", worth()},
	fFirst:       {"first word", []string{"none", "same, common", "same, rare", "same, very rare", "other"}},
	fRest:        {"rarest shared word, only the lead's, only the account's", orNone(cross(", ", rarities, rarities, rarities))},
	fCountryName: {"country and name", orNone(cross("/", []string{"unknown", "same", "other"}, nameGroup))},
	fKind:        {"kind", fieldKinds},
	fInitials:    {"letters of the initials, accounts with the same", []string{"none", "2", "3, one", "3, few", "3, many", "4, one", "4, few", "4, many", "5+"}},
	fHosted:      {"words of the lead in the account's host", []string{"none", "some", "all"}},
	fSub:         {"subdomain in the account's name", labelLevels},
	fLeft:        {"words without a counterpart, the lead's and the account's", orNone(cross("/", leftSorts, leftSorts))},
	fLabelJoint:  {"domain and label", cross("/", domainGroup, labelLevels)},
	fPlaceName:   {"places and name", orNone(cross("/", fieldPlaces, nameGroup))},
	fBrandSub:    {"company in the account's subdomain", labelLevels},
	fCounts:      {"how many words are shared, only the lead's, only the account's", orNone(cross(", ", []string{"0", "1", "2", "3", "4+"}, upToThree, upToThree))},
	fKindJoint:   {"kind and domain and name", cross(", ", fieldKinds, joint)},
	fBrandName:   {"company in the account's domain, and name", orNone(cross("/", labelLevels, nameGroup))},
	fUnexplained: {"words that nothing explains, the lead's and the account's", orNone(cross("/", leftSorts, leftSorts))},
	fExplained:   {"words explained by the place and the account above, the lead's and the account's", orNone(cross("/", explanations, explanations))},
	fBelow:       {"below another account, domain", orNone(cross("/", domainGroup, belows))},
	fOrder:       {"order of the words, name", orNone(cross("/", []string{"same", "turned", "turned, translated"}, nameGroup))},
	fWhole:       {"the whole names, where parts of them agree", orNone(cross(" ", []string{"lead", "account", "both"}, tenths[1:]))},
	fFamily:      {"who else has the lead's domain", []string{"none", "the account above", "one below", "another below the same"}},
	fLabelName:   {"domain label in the account's name, and name", orNone(cross("/", labelLevels, nameGroup))},
}

// grouped is a level of a field whose levels stand in groups.
type grouped struct {
	name, group string
	rank        int
}

// domainLevels are how the lead's domain stands to the account's hosts, each
// with its group.
var domainLevels = []grouped{
	{"none", "free", 0},
	{"free", "free", 0},
	{"host only", "own", 0},
	{"host", "own", 0},
	{"host shared", "shared", 0},
	{"only", "own", 0},
	{"root", "shared", 0},
	{"few", "shared", 0},
	{"many", "shared", 0},
	{"same label", "label", 0},
	{"label alike", "label", 0},
	{"other", "other", 0},
	{"elsewhere", "elsewhere", 0},
	{"no account domain", "blank", 0},
	{"no account domain elsewhere", "elsewhere", 0},
	{"only below", "shared", 0},
	{"only beside", "shared", 0},
	{"shared below", "shared", 0},
}

// nameLevels are how two names agree, each with its group. From .9 to .1 it is
// by how much of both is found on the other side. Of two ways the one of the
// higher rank counts.
var nameLevels = []grouped{
	{"blank", "blank", 0},
	{"exact", "same", 6},
	{"compact", "same", 6},
	{"same words", "near", 5},
	{"part", "near", 4},
	{"typo", "near", 4},
	{"initials", "initials", 3},
	{"acronym inside", "initials", 2},
	{"glued", "near", 3},
	{".9", "near", 0},
	{".8", "near", 0},
	{".7", "near", 0},
	{".6", "half", 0},
	{".5", "half", 0},
	{".4", "half", 0},
	{".3", "little", 0},
	{".2", "little", 0},
	{".1", "little", 0},
	{"nothing", "nothing", 0},
	{"a letter apart", "near", 0},
	{"bare", "near", 3},
	{"beginnings", "initials", 2},
	{"same words, translated", "near", 5},
	{"sounds alike", "near", 4},
}

// nothing is the level of names without anything in common; those above it
// count down from it.
const nothing = 18

var (
	domainGroup = []string{"free", "own", "shared", "label", "other", "elsewhere", "blank"}
	nameGroup   = []string{"blank", "same", "near", "half", "little", "nothing", "initials"}
	joint       = cross("/", domainGroup, nameGroup)

	tenths   = []string{"none", "0", "<.3", "<.5", "<.7", "<.85", "<1", "1"}
	bits     = []string{"none", "<3", "<4.5", "<6", "<7.5", "<9", "<11", "11+"}
	rarities = []string{"none", "common", "rare", "very rare"}

	fieldPlaces = []string{"none", "lead", "account", "differ"}
	fieldKinds  = []string{"none", "same", "lead", "account", "differ"}
	upToThree   = []string{"0", "1", "2", "3+"}

	// labelLevels are how a label of a host stands to a name, the best first.
	labelLevels = []string{"none", "whole", "bare", "initials", "begins", "word", "a piece", "beginnings", "some beginnings", "inside", "alike"}

	// leftSorts are the sorts of words without a counterpart, sortOf says which.
	leftSorts = []string{"nothing", "kind", "common", "contrast", "place", "number", "other"}

	explanations = []string{"nothing", "place", "above", "both"}

	// belows are how the words of an account that are not those of the one above
	// it stand to the lead's.
	belows = []string{"lead names the one above", "none of its own", "some of its own", "all of its own"}
)

// worth are the levels of what a name tells that is the same or near.
func worth() []string {
	out := []string{"none"}
	for _, b := range bits[1:] {
		out = append(out, "same "+b, "near "+b)
	}
	return out
}

// cross is every way to take one of each list; the last changes first.
func cross(sep string, lists ...[]string) []string {
	out := lists[0]
	for _, list := range lists[1:] {
		var longer []string
		for _, a := range out {
			for _, b := range list {
				longer = append(longer, a+sep+b)
			}
		}
		out = longer
	}
	return out
}

// orNone are levels behind one for pairs that the field says nothing of.
func orNone(levels []string) []string { return append([]string{"none"}, levels...) }

func namesOf(levels []grouped) []string {
	var out []string
	for _, l := range levels {
		out = append(out, l.name)
	}
	return out
}

// groupsOf are, by level, the indexes of the groups.
func groupsOf(levels []grouped, groups []string) []int {
	var out []int
	for _, l := range levels {
		out = append(out, slices.Index(groups, l.group))
	}
	return out
}

var (
	domainGroups = groupsOf(domainLevels, domainGroup)
	nameGroups   = groupsOf(nameLevels, nameGroup)
)

// groupOfDomain is the index in domainGroup.
func groupOfDomain(l uint8) int { return domainGroups[l] }

// groupOfName is the index in nameGroup.
func groupOfName(l uint8) int { return nameGroups[l] }

// level is the number of a level by its name.
func level(field int, name string) uint8 {
	return uint8(max(0, slices.Index(fieldLevels[field].levels, name)))
}

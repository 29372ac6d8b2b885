package match

import (
	"slices"
	"strings"
)

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

// fieldLevels names every field and its levels, in the order of their numbers.
var fieldLevels = [fields]struct {
	name   string
	levels []string
}{
	fBase:      {"base", []string{"any"}},
	fDomain:    {"domain", []string{"none", "free", "host only", "host", "host shared", "only", "root", "few", "many", "same label", "label alike", "other", "elsewhere", "no account domain", "no account domain elsewhere", "only below", "only beside", "shared below"}},
	fName:      {"name", []string{"blank", "exact", "compact", "same words", "part", "typo", "initials", "acronym inside", "glued", ".9", ".8", ".7", ".6", ".5", ".4", ".3", ".2", ".1", "nothing", "a letter apart", "bare", "beginnings", "same words, translated", "sounds alike"}},
	fJoint:     {"domain and name", joint()},
	fLeadCover: {"words of the lead found", tenths},
	fOrgCover:  {"words of the account found", tenths},
	fShared:    {"rarest shared word", bits},
	fLeadExtra: {"rarest word only the lead has", bits},
	fOrgExtra:  {"rarest word only the account has", bits},
	fCountry:   {"country", []string{"unknown", "same", "other", "unknown, no domain", "same, no domain", "other, no domain"}},
	fLabel:     {"domain label in the account's name", labelLevels},
	fBrand:     {"company in the account's domain", labelLevels},
	fNumbers:   {"numbers", []string{"none", "same", "extra", "differ"}},
	fPlaces:    {"places", fieldPlaces},
	fLegal:     {"legal form", []string{"unknown", "same", "other"}},
	fTwins:     {"accounts of that name", []string{"no", "1", "2, country decides", "2", "many, country decides", "many"}},
	fWorth:     {"what the name tells", worth()},
	fFirst:     {"first word", []string{"none", "same, common", "same, rare", "same, very rare", "other"}},

	fRest:        {"rarest shared word, only the lead's, only the account's", rests()},
	fCountryName: {"country and name", countryNames()},
	fKind:        {"kind", fieldKinds},
	fInitials:    {"letters of the initials, accounts with the same", []string{"none", "2", "3, one", "3, few", "3, many", "4, one", "4, few", "4, many", "5+"}},
	fHosted:      {"words of the lead in the account's host", []string{"none", "some", "all"}},
	fSub:         {"subdomain in the account's name", labelLevels},
	fLeft:        {"words without a counterpart, the lead's and the account's", lefts()},
	fLabelJoint:  {"domain and label", labelJoint()},
	fPlaceName:   {"places and name", placeNames()},
	fBrandSub:    {"company in the account's subdomain", labelLevels},
	fCounts:      {"how many words are shared, only the lead's, only the account's", counts()},
	fBrandName:   {"company in the account's domain, and name", brandNames()},
	fKindJoint:   {"kind and domain and name", kindJoint()},
	fUnexplained: {"words that nothing explains, the lead's and the account's", lefts()},
	fExplained:   {"words explained by the place and the account above, the lead's and the account's", explanations()},
	fBelow:       {"below another account, domain", belows()},
	fOrder:       {"order of the words, name", orders()},
	fLabelName:   {"domain label in the account's name, and name", brandNames()},
	fFamily:      {"who else has the lead's domain", []string{"none", "the account above", "one below", "another below the same"}},
	fWhole:       {"the whole names, where parts of them agree", wholes()},
}

var (
	tenths      = []string{"none", "0", "<.3", "<.5", "<.7", "<.85", "<1", "1"}
	bits        = []string{"none", "<3", "<4.5", "<6", "<7.5", "<9", "<11", "11+"}
	domainGroup = []string{"free", "own", "shared", "label", "other", "elsewhere", "blank"}
	nameGroup   = []string{"blank", "same", "near", "half", "little", "nothing", "initials"}
)

func joint() []string {
	var out []string
	for _, d := range domainGroup {
		for _, n := range nameGroup {
			out = append(out, d+"/"+n)
		}
	}
	return out
}

func worth() []string {
	out := []string{"none"}
	for _, b := range bits[1:] {
		out = append(out, "same "+b, "near "+b)
	}
	return out
}

// rests are the joint levels of what is shared and what is left over on either
// side, where no domain helps.
func rests() []string {
	out := []string{"none"}
	left := []string{"none", "common", "rare", "very rare"}
	for _, shared := range left {
		for _, lead := range left {
			for _, org := range left {
				out = append(out, shared+", "+lead+", "+org)
			}
		}
	}
	return out
}

func countryNames() []string {
	out := []string{"none"}
	for _, c := range []string{"unknown", "same", "other"} {
		for _, n := range nameGroup {
			out = append(out, c+"/"+n)
		}
	}
	return out
}

// labelLevels are how a label of a host stands to a name, the best first.
var labelLevels = []string{"none", "whole", "bare", "initials", "begins", "word", "a piece", "beginnings", "some beginnings", "inside", "alike"}

// leftSorts are the sorts of words without a counterpart, sortOf says which.
var leftSorts = []string{"nothing", "kind", "common", "contrast", "place", "number", "other"}

func lefts() []string {
	out := []string{"none"}
	for _, lead := range leftSorts {
		for _, org := range leftSorts {
			out = append(out, lead+"/"+org)
		}
	}
	return out
}

func explanations() []string {
	out := []string{"none"}
	by := []string{"nothing", "place", "above", "both"}
	for _, lead := range by {
		for _, org := range by {
			out = append(out, lead+"/"+org)
		}
	}
	return out
}

// belows are how the words of an account that are not those of the one above it
// stand to the lead's.
func belows() []string {
	out := []string{"none"}
	for _, d := range domainGroup {
		for _, own := range []string{"lead names the one above", "none of its own", "some of its own", "all of its own"} {
			out = append(out, d+"/"+own)
		}
	}
	return out
}

func orders() []string {
	out := []string{"none"}
	for _, o := range []string{"same", "turned", "turned, translated"} {
		for _, n := range nameGroup {
			out = append(out, o+"/"+n)
		}
	}
	return out
}

func wholes() []string {
	out := []string{"none"}
	for _, part := range []string{"lead", "account", "both"} {
		for _, t := range tenths[1:] {
			out = append(out, part+" "+t)
		}
	}
	return out
}

func labelJoint() []string {
	var out []string
	for _, d := range domainGroup {
		for _, l := range labelLevels {
			out = append(out, d+"/"+l)
		}
	}
	return out
}

func placeNames() []string {
	out := []string{"none"}
	for _, p := range fieldPlaces {
		for _, n := range nameGroup {
			out = append(out, p+"/"+n)
		}
	}
	return out
}

var fieldPlaces = []string{"none", "lead", "account", "differ"}

// counts are the joint levels of how many words were found and how many were
// not on either side.
func counts() []string {
	out := []string{"none"}
	for _, shared := range []string{"0", "1", "2", "3", "4+"} {
		for _, lead := range []string{"0", "1", "2", "3+"} {
			for _, org := range []string{"0", "1", "2", "3+"} {
				out = append(out, shared+", "+lead+", "+org)
			}
		}
	}
	return out
}

func kindJoint() []string {
	var out []string
	for _, k := range fieldKinds {
		for _, j := range joint() {
			out = append(out, k+", "+j)
		}
	}
	return out
}

func brandNames() []string {
	out := []string{"none"}
	for _, b := range labelLevels {
		for _, n := range nameGroup {
			out = append(out, b+"/"+n)
		}
	}
	return out
}

var fieldKinds = []string{"none", "same", "lead", "account", "differ"}

// quarter is the index of a rarity among none, common, rare and very rare.
func quarter(v float64) uint8 {
	switch {
	case v <= 0:
		return 0
	case v < 5:
		return 1
	case v < 9:
		return 2
	}
	return 3
}

// levels is the level of each field, by number.
type levels [fields]uint8

// compare puts a lead and an account side by side.
func (x *Index) compare(q *query, e *entry) levels {
	var l levels
	l[fDomain] = x.domainLevel(q, e)
	best := x.bestForms(q, e)
	l[fName] = best.level
	l[fJoint] = uint8(groupOfDomain(l[fDomain])*len(nameGroup) + groupOfName(best.level))
	if len(q.name.Forms) > 0 && len(e.name.Forms) > 0 {
		l[fLeadCover], l[fOrgCover] = tenth(best.leadCover), tenth(best.orgCover)
		l[fShared], l[fLeadExtra], l[fOrgExtra] = bit(best.shared), bit(best.leadExtra), bit(best.orgExtra)
		l[fNumbers], l[fPlaces] = best.numbers, best.places
		l[fFirst], l[fKind] = best.first, kindLevel(best.lead, best.org)
		l[fKindJoint] = l[fKind]*uint8(len(domainGroup)*len(nameGroup)) + l[fJoint]
	}
	l[fCountry] = countryLevel(q, e, l[fDomain])
	if g := groupOfDomain(l[fDomain]); g != 1 && g != 2 && best.lead != nil {
		l[fRest] = 1 + 16*quarter(best.shared) + 4*quarter(best.leadExtra) + quarter(best.orgExtra)
		l[fLeft] = 1 + uint8(len(leftSorts))*best.leadLeft + best.orgLeft
		l[fCounts] = best.counts()
		l[fPlaceName] = 1 + uint8(len(nameGroup))*best.places + uint8(groupOfName(best.level))
		l[fCountryName] = 1 + uint8(len(nameGroup))*(l[fCountry]%3) + uint8(groupOfName(best.level))
	}
	if q.host.Class == Corporate {
		l[fLabel] = hostLabel(&q.host, e.name)
		for _, sub := range q.host.Sub {
			if b := labelLevel(sub, e.name); better(b, l[fSub]) {
				l[fSub] = b
			}
		}
		l[fLabelJoint] = uint8(groupOfDomain(l[fDomain])*len(labelLevels)) + l[fLabel]
	}
	if g := groupOfDomain(l[fDomain]); g != 1 && g != 2 {
		for _, h := range e.hosts {
			if b := hostLabel(&h, q.name); better(b, l[fBrand]) {
				l[fBrand] = b
			}
			for _, sub := range h.Sub {
				if b := labelLevel(sub, q.name); better(b, l[fBrandSub]) {
					l[fBrandSub] = b
				}
			}
		}
	}
	if g := groupOfDomain(l[fDomain]); best.lead != nil && q.host.Class == Corporate && g != 1 && g != 2 {
		l[fLabelName] = 1 + uint8(len(nameGroup))*l[fLabel] + uint8(groupOfName(best.level))
	}
	if best.lead != nil {
		l[fBrandName] = 1 + uint8(len(nameGroup))*l[fBrand] + uint8(groupOfName(best.level))
	}
	if q.name.Legal != NoLegal && e.name.Legal != NoLegal {
		l[fLegal] = 1
		if q.name.Legal != e.name.Legal {
			l[fLegal] = 2
		}
	}
	if best.lead != nil {
		x.compareRest(&l, &best, q, e)
	}
	l[fTwins] = x.twins(q, e, best)
	l[fInitials] = x.initialsLevel(e, best)
	if best.hosted > 0 {
		l[fHosted] = 1 + uint8(count(int(best.hosted) == len(best.lead.Tokens)))
	}
	if g := groupOfName(best.level); g == 1 || g == 2 {
		l[fWorth] = 1 + 2*(bit(best.total)-1) + uint8(g-1)
	}
	return l
}

func better(a, b uint8) bool { return a != 0 && (b == 0 || a < b) }

func (x *Index) domainLevel(q *query, e *entry) uint8 {
	switch q.host.Class {
	case NoDomain:
		return level(fDomain, "none")
	case Free, Disposable, Shared, Generic:
		return level(fDomain, "free")
	case Corporate:
	}
	best := ""
	for _, h := range e.hosts {
		if s := x.hostLevel(q, e, h); best == "" || level(fDomain, s) < level(fDomain, best) {
			best = s
		}
	}
	known := q.domains > 0
	switch {
	case best == "other" && known:
		best = "elsewhere"
	case best == "" && known:
		best = "no account domain elsewhere"
	case best == "":
		best = "no account domain"
	}
	return level(fDomain, best)
}

func (x *Index) hostLevel(q *query, e *entry, h Host) string {
	if h.Domain != q.host.Domain {
		switch {
		case h.Label == q.host.Label && len(h.Label) > 2:
			return "same label"
		case alikeLabels(h.Label, q.host.Label):
			return "label alike"
		}
		return "other"
	}
	same := h.Full == q.host.Full
	switch {
	case same && q.domains == 1:
		return "host only"
	case same && q.hosts == 1:
		return "host"
	case same:
		return "host shared"
	case q.domains == 1 && h.Full == h.Domain:
		return "only"
	case q.domains == 1 && strings.HasSuffix(h.Full, "."+q.host.Full):
		return "only below"
	case q.domains == 1 && !strings.HasSuffix(q.host.Full, "."+h.Full):
		return "only beside"
	case q.domains == 1:
		return "only"
	case h.Full == h.Domain || e.isRoot || strings.HasSuffix(q.host.Full, "."+h.Full):
		return "root"
	case strings.HasSuffix(h.Full, "."+q.host.Full):
		return "shared below"
	case q.domains <= 5:
		return "few"
	}
	return "many"
}

func alikeLabels(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 5 && (strings.HasPrefix(b, a) || strings.HasSuffix(b, a)) || len(a) >= 6 && edits(a, b, 1) <= 1
}

// hostLabel is how a host's label stands to a name, or one of its pieces.
func hostLabel(h *Host, n Name) uint8 {
	best := labelLevel(h.Label, n)
	piece := level(fLabel, "a piece")
	if best != 0 && best < piece {
		return best
	}
	for _, p := range h.Pieces {
		if l := labelLevel(p, n); len(p) > 2 && l != 0 && l < piece {
			return piece
		}
	}
	return best
}

// labelLevel is how a domain's label stands to a name.
func labelLevel(label string, n Name) uint8 {
	best := uint8(0)
	for i := range n.Forms {
		if got := labelForm(label, &n.Forms[i]); got != "" && better(level(fLabel, got), best) {
			best = level(fLabel, got)
		}
	}
	return best
}

func labelForm(label string, f *Form) string {
	switch {
	case label == f.Compact || label == strings.Join(f.Tokens, ""):
		return "whole"
	case sameBare(label, f.Compact):
		return "bare"
	case len(label) > 2 && (label == f.Short || label == f.Long || label == f.Acronym):
		return "initials"
	case len(label) >= 4 && len(f.Compact) >= 4 && (strings.HasPrefix(f.Compact, label) || strings.HasPrefix(label, f.Compact)):
		return "begins"
	case len(label) > 2 && slices.Contains(f.Words, label):
		return "word"
	}
	if passed, ok := f.spelled(label); ok {
		if passed == 0 {
			return "beginnings"
		}
		return "some beginnings"
	}
	switch {
	case len(label) >= 5 && len(f.Compact) >= 5 && (strings.Contains(f.Compact, label) || strings.Contains(label, f.Compact)):
		return "inside"
	case len(label) >= 5 && winkler(label, f.Compact) >= 0.9:
		return "alike"
	}
	return ""
}

// initialsLevel is how long the acronym is by which two names agree, and how
// many accounts of the same country may be meant by it.
func (x *Index) initialsLevel(e *entry, best pairing) uint8 {
	if groupOfName(best.level) != 6 {
		return 0
	}
	c := best.lead.Acronym
	if c == "" || len(best.lead.Words) > 1 {
		c = best.org.Compact
	}
	many := 0
	var buf [64]uint32
	code := codeOf(e.country)
	for _, at := range x.terms.get(hashOf(tShort, c), maxSharers, buf[:0]) {
		many += count(x.facts[at].country == code)
	}
	switch {
	case len(c) < 3:
		return 1
	case len(c) > 4:
		return 8
	case many <= 1:
		return uint8(2 + 3*(len(c)-3))
	case many <= 4:
		return uint8(3 + 3*(len(c)-3))
	}
	return uint8(4 + 3*(len(c)-3))
}

func countryLevel(q *query, e *entry, domain uint8) uint8 {
	l := uint8(0)
	switch {
	case q.country == "" || e.country == "":
	case q.country == e.country:
		l = 1
	default:
		l = 2
	}
	if groupOfDomain(domain) != 1 && groupOfDomain(domain) != 2 {
		l += 3
	}
	return l
}

// kindLevel is whether both names say the same of what kind of house it is: a
// university is no institute.
func kindLevel(a, b *Form) uint8 {
	x, y := kindsOf(a), kindsOf(b)
	for _, k := range x {
		if slices.Contains(y, k) {
			return 1
		}
	}
	switch {
	case len(x) > 0 && len(y) > 0:
		return 4
	case len(y) > 0:
		return 3
	case len(x) > 0:
		return 2
	}
	return 0
}

func kindsOf(f *Form) []string {
	var out []string
	for _, w := range f.Tokens {
		if kindWords[w] {
			out = append(out, w)
		}
	}
	return out
}

// kindWords are kinds of houses in the spelling of the descriptors.
var kindWords = words("university institute college school faculty academy department center laboratory hospital clinic ministry government agency authority office council commission committee association society foundation fund federation union network group museum library archive observatory bank division unit service company alliance consortium chamber trust park station")

// twins counts the accounts that have the very name that matched.
func (x *Index) twins(q *query, e *entry, best pairing) uint8 {
	if groupOfName(best.level) != 1 || best.org == nil {
		return 0
	}
	var buf [64]uint32
	l := x.terms.get(hashOf(tCompact, best.org.Compact), maxSharers, buf[:0])
	n := max(len(l), x.terms.count(hashOf(tCompact, best.org.Compact)))
	if n <= 1 {
		return level(fTwins, "1")
	}
	decides := q.country != "" && e.country == q.country
	same := 0
	for _, at := range l {
		same += count(x.facts[at].country == codeOf(e.country))
	}
	decides = decides && same == 1
	switch {
	case n == 2 && decides:
		return level(fTwins, "2, country decides")
	case n == 2:
		return level(fTwins, "2")
	case decides:
		return level(fTwins, "many, country decides")
	}
	return level(fTwins, "many")
}

// level is the number of a level by its name.
func level(field int, name string) uint8 {
	return uint8(max(0, slices.Index(fieldLevels[field].levels, name)))
}

// groupOfDomain is the index in domainGroup.
func groupOfDomain(l uint8) int {
	return [...]int{0, 0, 1, 1, 2, 1, 2, 2, 2, 3, 3, 4, 5, 6, 5, 2, 2, 2}[l]
}

// groupOfName is the index in nameGroup.
func groupOfName(l uint8) int {
	return [...]int{0, 1, 1, 2, 2, 2, 6, 6, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 2, 2, 6, 2, 2}[l]
}

// agrees reports whether anything that names an account is the same or alike.
// Two that only lie in one country, say, are not for a person to look at.
func agrees(l levels) bool {
	switch domainGroup[groupOfDomain(l[fDomain])] {
	case "own", "shared", "label":
		return true
	}
	if name := l[fName]; name != 0 && name != nothing {
		return true
	}
	return l[fLabel] != 0 || l[fBrand] != 0 || l[fSub] != 0 || l[fBrandSub] != 0 || l[fHosted] > 1 || l[fFamily] != 0
}

// nameRank is which kind of agreement of two names counts more.
var nameRank = [...]int{0, 6, 6, 5, 4, 4, 3, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 2, 5, 4}

// nothing is the level of names without anything in common; those above it
// count down from it.
const nothing = 18

func tenth(v float64) uint8 {
	for i, top := range []float64{1e-9, .3, .5, .7, .85, .9999} {
		if v < top {
			return uint8(i + 1)
		}
	}
	return 7
}

func bit(v float64) uint8 {
	if v <= 0 {
		return 0
	}
	for i, top := range []float64{3, 4.5, 6, 7.5, 9, 11} {
		if v < top {
			return uint8(i + 1)
		}
	}
	return 7
}

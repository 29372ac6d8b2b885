package match

import (
	"slices"
	"strings"

	"github.com/handoffd/handoffd/sync/normalize"
)

// DomainClass says what a registrable domain tells of its user's company.
type DomainClass int

// The classes. Only a corporate domain identifies anybody.
const (
	NoDomain   DomainClass = iota
	Corporate              // somebody's own
	Free                   // mail for everybody
	Disposable             // mail for a day
	Shared                 // a builder or hoster of sites for everybody
	Generic                // learnt: on many accounts that have nothing to do with each other
)

// ClassOf is the class of a registrable domain by the tables; Generic is for
// an index to find out.
func ClassOf(domain string) DomainClass {
	switch {
	case domain == "":
		return NoDomain
	case freeHosts[domain] || freeBrand(domain):
		return Free
	case disposableHosts[domain]:
		return Disposable
	case sharedHosts[domain]:
		return Shared
	}
	return Corporate
}

// freeBrand knows the mail brands that exist under many endings, like
// yahoo.co.in and hotmail.fr.
func freeBrand(domain string) bool {
	label, _, ok := strings.Cut(domain, ".")
	return ok && freeBrands[label]
}

// Host is where somebody's mail or site lives.
type Host struct {
	Full   string   // mail.acme.co.uk, without www and language
	Domain string   // acme.co.uk
	Label  string   // acme
	Pieces []string // of a label that is written with hyphens: of uni-norland.de uni and norland
	Sub    []string // what stands in front of the domain, nearest first: of imb.norland.edu imb
	Class  DomainClass
}

// has reports whether a word is the label of the domain or stands before it.
func (h Host) has(w string) bool { return w == h.Label || slices.Contains(h.Sub, w) }

// NewHost reads the host of an address, a web address or a bare host; the zero
// Host where there is none.
func NewHost(s string) Host {
	full := normalize.HostOf(s)
	domain := normalize.Registrable(full)
	if domain == "" {
		return Host{}
	}
	for full != domain {
		first, rest, _ := strings.Cut(full, ".")
		if !plainLabels[first] {
			break
		}
		full = rest
	}
	label, _, _ := strings.Cut(domain, ".")
	h := Host{Full: full, Domain: domain, Label: strings.ReplaceAll(label, "-", ""), Class: ClassOf(domain)}
	if h.Label != label {
		h.Pieces = strings.FieldsFunc(clip(label, maxTyped), func(c rune) bool { return c == '-' })
		h.Pieces = h.Pieces[:min(len(h.Pieces), maxSub)]
	}
	if before, ok := strings.CutSuffix(full, "."+domain); ok {
		for l := range strings.SplitSeq(before, ".") {
			if l = strings.ReplaceAll(l, "-", ""); len(l) > 1 && !plainLabels[l] && len(h.Sub) < maxSub {
				h.Sub = append(h.Sub, l)
			}
		}
		slices.Reverse(h.Sub)
	}
	return h
}

// maxSub bounds what a hostile host may cost.
const maxSub = 4

// plainLabels in front of a host say nothing of whose it is.
var plainLabels = words("www www1 www2 www3 web en eng english de fr es it pt jp cn global corp home m mail email portal us uk eu int international main site new old go my info")

var freeBrands = words("gmail googlemail yahoo ymail hotmail outlook live msn aol gmx rediffmail protonmail icloud zoho-mail yandex tiscali mail2world fastmail tutanota")

var (
	freeHosts       = words(freeMailFile)
	disposableHosts = words(disposableMailFile)
	sharedHosts     = words(sharedHostsFile)
)

// bare is a label or a name in one word without what stands around many brands
// where the domain of the brand itself was taken: getacme, acmehq.
func bare(s string) string {
	if len(s) < 6 {
		return s
	}
	for _, p := range brandBefore {
		if rest, ok := strings.CutPrefix(s, p); ok && len(rest) >= 3 {
			return rest
		}
	}
	for _, p := range brandBehind {
		if rest, ok := strings.CutSuffix(s, p); ok && len(rest) >= 3 {
			return rest
		}
	}
	return s
}

var (
	brandBefore = strings.Fields("get use try join hello meet with goto run hey the")
	brandBehind = strings.Fields("therapeutics technologies technology software solutions systems robotics security health global group online labs corp tech team apps app bio hq inc usa pay lab ai io co")
)

// sameBare reports whether two labels or names are one but for what stands
// around brands.
func sameBare(a, b string) bool {
	return a != b && len(a) > 2 && len(b) > 2 && bare(a) == bare(b)
}

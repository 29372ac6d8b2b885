package match

import (
	"cmp"
	_ "embed" // the weights are data
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/sync/normalize"
)

// Row is a person or, without first and last name, a company in a list that is
// searched for duplicates.
type Row struct {
	ID, First, Last, Email, Phone, Company, Street, Street2, City, Postcode, Country, Website string
	// Pair is not blank where somebody asks about a pair: rows of one pair are
	// compared with each other, whatever they share, and with no others.
	Pair string
}

// Pair are two rows that are judged to be the same, with the bits that speak
// for it and the fields that decided.
type Pair struct {
	A, B string
	Bits float64
	Why  []string
}

// Labelled is a row with who it really is.
type Labelled struct {
	Row    Row
	Entity string
}

// pairWeights are bits per level of each field of two rows, and the bits from
// which they are the same.
type pairWeights struct {
	Version string            `json:"version"`
	Same    float64           `json:"same"`
	Joined  float64           `json:"joined"` // from which two are the same where a third joins them
	Fields  map[string]Levels `json:"fields"`
}

//go:embed people.json
var shippedPeople []byte

//go:embed companies.json
var shippedCompanies []byte

// Duplicates lists the pairs of rows that are one person or company, in order
// of their ids. It proposes; nobody merges by it. The weights are those that
// FitRows has written; nil: those that come with the program.
func Duplicates(rows []Row, weights []byte) ([]Pair, error) {
	if weights == nil {
		weights = shippedPeople
		if companies(rows) {
			weights = shippedCompanies
		}
	}
	var w pairWeights
	if err := json.Unmarshal(weights, &w); err != nil {
		return nil, fmt.Errorf("read the weights: %w", err)
	}
	if w.Fields["e-mail"] == nil && w.Fields[onlyNames+"words"] == nil {
		return nil, errors.New("read the weights: they are not those of rows")
	}
	return duplicates(rows, &w), nil
}

func companies(rows []Row) bool {
	return !slices.ContainsFunc(rows, func(r Row) bool { return r.First != "" || r.Last != "" })
}

func duplicates(rows []Row, w *pairWeights) []Pair {
	list := newRoll(rows)
	var all, said []Pair
	for _, c := range list.pairs() {
		levels, other := list.compare(c[0], c[1])
		if other {
			continue
		}
		p := Pair{A: list.all[c[0]].id, B: list.all[c[1]].id, Bits: w.sum(levels)}
		p.Why = w.why(levels)
		switch {
		case list.asked(c):
			if p.Bits >= 0 {
				p.Bits = round(p.Bits)
				said = append(said, p)
			}
		case p.Bits >= min(w.Joined, w.Same):
			all = append(all, p)
		}
	}
	return list.everywhere(append(said, join(all, w)...))
}

// everywhere says of rows with the same content what was said of the first of
// them.
func (l *roll) everywhere(said []Pair) []Pair {
	var out []Pair
	for _, p := range said {
		a, b := l.alike[p.A], l.alike[p.B]
		if l.first[p.A] == l.first[p.B] {
			a = l.alike[l.first[p.A]]
			b = a
		}
		for i, x := range a {
			for j, y := range b {
				if l.first[p.A] == l.first[p.B] && j <= i {
					continue
				}
				q := p
				if q.A, q.B = x, y; compareIDs(x, y) > 0 {
					q.A, q.B = y, x
				}
				out = append(out, q)
			}
		}
	}
	slices.SortFunc(out, func(a, b Pair) int { return cmp.Or(compareIDs(a.A, b.A), compareIDs(a.B, b.B)) })
	return out
}

// join keeps the pairs that are sure by themselves, and those a little less
// sure whose rows are both the same as a third.
func join(all []Pair, w *pairWeights) []Pair {
	sure := map[string]map[string]bool{}
	link := func(a, b string) {
		if sure[a] == nil {
			sure[a] = map[string]bool{}
		}
		sure[a][b] = true
	}
	for _, p := range all {
		if p.Bits >= w.Same {
			link(p.A, p.B)
			link(p.B, p.A)
		}
	}
	out := slices.DeleteFunc(slices.Clone(all), func(p Pair) bool {
		if p.Bits >= w.Same {
			return false
		}
		for third := range sure[p.A] {
			if sure[p.B][third] {
				return false
			}
		}
		return true
	})
	for i := range out {
		if out[i].Bits < w.Same {
			out[i].Why = append(out[i].Why, "both are the same as a third row")
		}
		if compareIDs(out[i].A, out[i].B) > 0 {
			out[i].A, out[i].B = out[i].B, out[i].A
		}
		out[i].Bits = round(out[i].Bits)
	}
	slices.SortFunc(out, func(a, b Pair) int { return cmp.Or(compareIDs(a.A, b.A), compareIDs(a.B, b.B)) })
	return out
}

// roll is a list of rows with what is frequent in it.
type roll struct {
	all   []human
	lasts map[string]int
	alike map[string][]string // of the first row of a content: the ids of all that have it
	first map[string]string   // of a row's id: the id of the first with its content
	reps  []int               // the first row of each content, and the second
	index *Index              // of the companies' names
}

func newRoll(rows []Row) *roll {
	l := &roll{lasts: map[string]int{}, alike: map[string][]string{}, first: map[string]string{}}
	var orgs []Org
	contents := map[string]string{}
	for _, r := range rows {
		h := newHuman(r)
		l.lasts[h.last]++
		if _, known := contents[h.key]; !known {
			contents[h.key] = r.ID
		}
		first := contents[h.key]
		l.first[r.ID], l.alike[first] = first, append(l.alike[first], r.ID)
		if n := len(l.alike[first]); n <= 2 {
			l.reps = append(l.reps, len(l.all))
		}
		l.all = append(l.all, h)
		orgs = append(orgs, Org{ID: r.ID, Name: r.Company})
	}
	l.index = NewIndex(orgs)
	for i := range l.all {
		e := prepare(orgs[i])
		l.all[i].name = &e
	}
	return l
}

// asked reports whether somebody asks about a pair.
func (l *roll) asked(c [2]int) bool { return l.all[c[0]].pair != "" }

// rowLevel is one level of one field of a pair of rows.
type rowLevel struct{ field, level string }

// compare puts two rows side by side. other says that they are never the same.
func (l *roll) compare(i, j int) (out []rowLevel, other bool) {
	a, b := &l.all[i], &l.all[j]
	if a.onlyName(b) && a.pair != "" {
		out, other = alone(a.spelt, b.spelt)
		return append(out, rowLevel{"base", "only names"}), other
	}
	out = append(out, rowLevel{"base", "any"})
	add := func(field, level string) { out = append(out, rowLevel{field, level}) }
	if a.first+a.last+b.first+b.last != "" {
		first, last := text(a.first, b.first), text(a.last, b.last)
		switch {
		case first == "other" && initial(a.first, b.first):
			first = "initial"
		case first != "same" && last != "same" && a.first != "" && alikeText(a.first, b.last) && (b.first == "" || a.last == "" || alikeText(a.last, b.first)):
			first, last = "swapped", "swapped"
		}
		add("first name", first)
		add("last name", last)
		if last == "same" {
			add("last name is", rare(l.lasts[a.last], len(l.all)))
		}
		add("names", first+"/"+last)
		add("company", text(a.company, b.company))
	} else {
		out = append(out, l.listed(a, b)...)
		add("website", text(a.site, b.site))
	}
	add("e-mail", emailLevel(a, b))
	add("phone", digits(a.phone, b.phone))
	add("street", text(a.street, b.street))
	add("house number", digits(a.number, b.number))
	add("address line 2", text(a.street2, b.street2))
	add("city", text(a.city, b.city))
	add("postcode", digits(a.postcode, b.postcode))
	return out, false
}

// listed are the levels of two companies' names in a list, where it is known how
// rare a word is.
func (l *roll) listed(a, b *human) []rowLevel {
	p := l.index.bestForms(&query{name: a.name.name}, b.name)
	return []rowLevel{
		{"company name", fieldLevels[fName].levels[p.level]},
		{"rarest shared word", bits[bit(p.shared)]},
		{"rarest other word", bits[bit(math.Max(p.leadExtra, p.orgExtra))]},
		{"numbers", fieldLevels[fNumbers].levels[p.numbers]},
	}
}

// onlyName reports whether two companies can be compared by nothing but their
// names.
func (h *human) onlyName(o *human) bool {
	both := func(a, b string) bool { return a != "" && b != "" }
	return len(h.spelt) > 0 && len(o.spelt) > 0 && !both(h.email, o.email) && !both(h.phone, o.phone) && !both(h.street, o.street) &&
		!both(h.city, o.city) && !both(h.postcode, o.postcode) && !both(h.site, o.site)
}

func rare(n, all int) string {
	switch {
	case n <= 3:
		return "very rare"
	case n*500 <= all:
		return "rare"
	}
	return "common"
}

func emailLevel(a, b *human) string {
	switch {
	case a.email == "" || b.email == "":
		return "missing"
	case a.email == b.email:
		return "same"
	case a.local == b.local:
		return "same before the @"
	case a.host == b.host && ClassOf(normalize.Registrable(a.host)) == Corporate:
		if edits(a.local, b.local, 2) <= 2 {
			return "alike"
		}
		return "another at one company"
	case edits(a.local, b.local, 2) <= 2:
		return "alike"
	}
	return "other"
}

func text(a, b string) string {
	switch {
	case a == "" || b == "":
		return "missing"
	case a == b:
		return "same"
	case edits(a, b, 2) <= 1 && min(len(a), len(b)) > 3 || strings.ReplaceAll(a, " ", "") == strings.ReplaceAll(b, " ", ""):
		return "typo"
	case winkler(a, b) >= 0.9:
		return "alike"
	case winkler(a, b) >= 0.8:
		return "a little alike"
	}
	return "other"
}

func alikeText(a, b string) bool { l := text(a, b); return l == "same" || l == "typo" || l == "alike" }

func initial(a, b string) bool {
	return a != "" && b != "" && (len(a) == 1 || len(b) == 1) && a[0] == b[0]
}

func digits(a, b string) string {
	switch {
	case a == "" || b == "":
		return "missing"
	case a == b:
		return "same"
	case edits(a, b, 1) <= 1:
		return "typo"
	}
	return "other"
}

func (w *pairWeights) sum(levels []rowLevel) float64 {
	sum := 0.0
	for _, l := range levels {
		sum += w.Fields[l.field][l.level]
	}
	return sum
}

func (w *pairWeights) why(levels []rowLevel) []string {
	var out []string
	for _, l := range levels {
		if b := w.Fields[l.field][l.level]; math.Abs(b) >= 0.5 && l.field != "base" {
			out = append(out, fmt.Sprintf("%s: %s (%+.1f)", l.field, l.level, b))
		}
	}
	return out
}

package match

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/sync/normalize"
)

// Org is an account as a row of a list, or as an index learns it.
type Org struct {
	ID      string
	Name    string
	Domains []string // its website, its domain, those of its people: hosts or addresses of the web
	Country string
	City    string
	Parent  string // the id of the account above it
}

// Lead is a person who looks for an account, or what stands in for one.
type Lead struct {
	ID      string
	Email   string
	Company string
	Country string
	Website string
}

// entry is an Org prepared.
type entry struct {
	id      string
	label   string // its name as it was given
	name    Name
	hosts   []Host
	country string
	city    []string
	parent  string
	above   *entry // the account above it; nil: there is none
	isRoot  bool   // others who share the lead's domain stand below it
}

// Index finds the accounts that may be a lead's: exact keys, the postings of
// words, rarest first, and those of four letters in a row for typos and for
// names that are written in one word. It keeps hashes and numbers only; the
// accounts are read from who keeps them. Several may look at the same time, but
// none while it is changed.
type Index struct {
	read   func(id string) (Org, bool)
	facts  []fact   // by number
	gone   []uint32 // numbers that are free
	terms  *postings
	cities map[uint32]uint32 // hashes of words that are places of accounts
	lands  map[uint32]lands  // by the hash of a city, how many accounts there are in which country
}

// lands are how many accounts of one city are in which country.
type lands []land

type land struct {
	country uint16
	n       uint32
}

// fact is what is kept of an account.
type fact struct {
	id      string
	parent  uint32 // hash of the id of the account above it; 0: none
	country uint16 // its two letters
	size    uint8  // words of its longest form
	content uint32 // hash of what is in it, for an order that does not depend on ids
}

// What bounds the work of one query.
const (
	MaxCandidates = 60
	maxWordDF     = 3000 // a word on more accounts finds none by itself
	maxGramDF     = 400
	maxSharers    = 400     // accounts of one domain that are looked at
	maxLabelled   = 20      // hosts with a label that is a word of the lead's name
	maxBegins     = 150     // accounts of a country whose names begin with the same two letters or initials
	maxShared     = 200_000 // accounts of a word that tells sharers of a domain apart
)

// The kinds of terms.
const (
	tHost = iota + 1
	tDomain
	tLabel
	tBare
	tCompact
	tShort
	tWord
	tGram
	tSet
	tBegin
	tSound
)

// NewIndex prepares a list of accounts, which it keeps. Of two with one id the
// first counts.
func NewIndex(orgs []Org) *Index {
	byID := make(map[string]*Org, len(orgs))
	for i := range orgs {
		if _, twice := byID[orgs[i].ID]; !twice {
			byID[orgs[i].ID] = &orgs[i]
		}
	}
	once := func(yield func(Org) bool) {
		for i := range orgs {
			if byID[orgs[i].ID] == &orgs[i] && !yield(orgs[i]) {
				return
			}
		}
	}
	return OpenIndex(once, func(id string) (Org, bool) {
		o, ok := byID[id]
		if !ok {
			return Org{}, false
		}
		return *o, true
	})
}

// OpenIndex builds an index of accounts that somebody else keeps, each with an id
// of its own: read answers the account of an id as it was filed last.
func OpenIndex(orgs iter.Seq[Org], read func(id string) (Org, bool)) *Index {
	x := &Index{read: read, terms: newPostings(), cities: map[uint32]uint32{}, lands: map[uint32]lands{}}
	for o := range orgs {
		e := prepare(o)
		x.file(&e, e.keys())
	}
	x.terms.pack()
	x.facts = slices.Clip(x.facts)
	return x
}

// Len is how many accounts are filed.
func (x *Index) Len() int { return len(x.facts) - len(x.gone) }

// number is the number of an account that is filed under some terms.
func (x *Index) number(id string, ts terms) (uint32, bool) {
	var best uint64
	least := math.MaxInt
	for _, t := range ts {
		if n := x.terms.count(t.hash); n < least && n <= t.limit {
			least, best = n, t.hash
		}
	}
	if least == math.MaxInt {
		return 0, false
	}
	for _, at := range x.terms.get(best, math.MaxInt, nil) {
		if x.facts[at].id == id {
			return at, true
		}
	}
	return 0, false
}

// Add files an account that is not filed yet. One without a name and a domain
// cannot be found and is not filed.
func (x *Index) Add(o Org) {
	e := prepare(o)
	ts := e.terms()
	if _, known := x.number(o.ID, ts); !known {
		x.file(&e, ts)
	}
}

func (x *Index) file(e *entry, ts terms) {
	if len(x.facts) >= maxNumber || len(ts) == 0 {
		return
	}
	at := uint32(len(x.facts))
	if n := len(x.gone); n > 0 {
		at = x.gone[n-1]
		x.gone = x.gone[:n-1]
	} else {
		x.facts = append(x.facts, fact{})
	}
	x.facts[at] = factOf(e)
	for _, t := range ts {
		x.terms.add(t.hash, at, t.limit)
	}
	for _, c := range e.city {
		x.cities[uint32(hashOf(0, c))]++
	}
	x.settle(e, 1)
}

// settle takes down in which country a city is, or takes it back.
func (x *Index) settle(e *entry, by int) {
	if len(e.city) == 0 || e.country == "" {
		return
	}
	city, country := e.cityHash(), codeOf(e.country)
	all := x.lands[city]
	i := slices.IndexFunc(all, func(l land) bool { return l.country == country })
	if i < 0 {
		i, all = len(all), append(all, land{country: country})
	}
	if all[i].n += uint32(by); all[i].n == 0 {
		all = slices.Delete(all, i, i+1)
	}
	if x.lands[city] = all; len(all) == 0 {
		delete(x.lands, city)
	}
}

func (e *entry) cityHash() uint32 { return uint32(hashOf(0, strings.Join(e.city, " "))) }

// countryOfCity is where an account is by its city, as far as nine in ten of the
// others there agree; "" where they do not.
func (x *Index) countryOfCity(e *entry) string {
	if len(e.city) == 0 {
		return ""
	}
	var sum, most uint32
	var code uint16
	for _, l := range x.lands[e.cityHash()] {
		sum += l.n
		if l.n > most {
			most, code = l.n, l.country
		}
	}
	if sum < 2 || most*10 < sum*9 {
		return ""
	}
	return string([]byte{byte(code >> 8), byte(code)})
}

// Remove takes an account out; was is what was filed.
func (x *Index) Remove(was Org) {
	e := prepare(was)
	ts := e.terms()
	at, known := x.number(was.ID, ts)
	if !known {
		return
	}
	for _, t := range ts {
		x.terms.remove(t.hash, at)
	}
	for _, c := range e.city {
		h := uint32(hashOf(0, c))
		if x.cities[h]--; x.cities[h] == 0 {
			delete(x.cities, h)
		}
	}
	x.settle(&e, -1)
	x.facts[at] = fact{}
	x.gone = append(x.gone, at)
}

// Update files an account anew; was is what was filed.
func (x *Index) Update(was, now Org) {
	if was.ID == now.ID && was.Name == now.Name && was.Country == now.Country && was.City == now.City && was.Parent == now.Parent && slices.Equal(was.Domains, now.Domains) {
		return
	}
	x.Remove(was)
	x.Add(now)
}

func factOf(e *entry) fact {
	f := fact{id: e.id, country: codeOf(e.country)}
	if e.parent != "" && e.parent != e.id {
		f.parent = parentHash(e.parent)
	}
	if len(e.name.Forms) > 0 {
		f.size = uint8(len(e.name.Forms[0].Tokens))
	}
	f.content = uint32(hashOf(0, strings.Join([]string{e.label, e.country, strings.Join(e.city, " "), hostText(e)}, "\x00")))
	return f
}

func parentHash(id string) uint32 { return max(1, uint32(hashOf(0, id))) }

// codeOf is a country's two letters as a number.
func codeOf(country string) uint16 {
	if len(country) != 2 {
		return 0
	}
	return uint16(country[0])<<8 | uint16(country[1])
}

func prepare(o Org) entry {
	e := entry{id: o.ID, label: o.Name, name: NewName(o.Name), country: countryOf(o.Country), parent: o.Parent}
	for _, d := range o.Domains {
		h := NewHost(d)
		if h.Class == Shared && h.Full == h.Domain && e.name.isOne(h.Label) {
			h.Class = Corporate // the hoster itself
		}
		if h.Class == Corporate && !slices.ContainsFunc(e.hosts, func(g Host) bool { return g.Full == h.Full }) {
			e.hosts = append(e.hosts, h)
		}
	}
	for i := 0; i < len(e.hosts) && e.country == ""; i++ {
		e.country = countryByEnding(e.hosts[i])
	}
	if c := normalize.CompanyName(o.City); c != "" {
		e.city = newForm(latin(c), "", false).Tokens
	}
	return e
}

// isOne reports whether a name in one word is s.
func (n *Name) isOne(s string) bool {
	return slices.ContainsFunc(n.Forms, func(f Form) bool { return f.Compact == s })
}

// term is a hash under which an account is filed, and how many accounts are
// listed under it before it is only counted.
type term struct {
	hash  uint64
	limit int
}

type terms []term

// terms are those of an account, each once.
func (e *entry) terms() terms {
	out := e.keys()
	slices.SortFunc(out, func(a, b term) int { return cmp.Compare(a.hash, b.hash) })
	return slices.CompactFunc(out, func(a, b term) bool { return a.hash == b.hash })
}

// keys are the terms of an account, some of them twice. A host that is a whole
// domain is filed as a host only.
func (e *entry) keys() terms {
	out := make(terms, 0, 64)
	put := func(kind byte, key string, limit int) {
		if key != "" {
			out = append(out, term{hashOf(kind, key), limit})
		}
	}
	for _, h := range e.hosts {
		put(tHost, h.Full, maxSharers)
		if h.Full != h.Domain {
			put(tDomain, h.Domain, maxSharers)
		}
		put(tLabel, h.Label, maxSharers)
		for _, l := range h.Sub {
			put(tLabel, l, maxSharers)
		}
		if b := bare(h.Label); b != h.Label {
			put(tBare, b, maxSharers)
		}
		out = gramsOf(h.Label, out)
	}
	for i := range e.name.Forms {
		f := &e.name.Forms[i]
		put(tCompact, f.Compact, maxSharers)
		if b := bare(f.Compact); b != f.Compact {
			put(tBare, b, maxSharers)
		}
		if len(f.Tokens) > 1 {
			put(tSet, f.Set, maxSharers)
		}
		put(tShort, f.Short, maxSharers)
		put(tShort, f.Long, maxSharers)
		for _, b := range f.begins(e.country) {
			put(tBegin, b, maxBegins)
		}
		put(tShort, f.Acronym, maxSharers)
		for _, w := range f.Tokens {
			put(tWord, w, maxShared)
		}
		out = gramsOf(f.Compact, out)
	}
	for _, s := range e.sounds() {
		put(tSound, s, maxSharers)
	}
	return out
}

func gramsOf(s string, out terms) terms {
	for g := range grams(s) {
		out = append(out, term{g, maxGramDF})
	}
	return out
}

// grams yields the term of every four letters in a row of a compact name.
func grams(s string) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		s = clip(s, 120)
		for i := 0; i+4 <= len(s); i++ {
			if !yield(hashOf(tGram, s[i:i+4])) {
				return
			}
		}
	}
}

// accounts is how many accounts have a word.
func (x *Index) accounts(w string) int { return x.terms.count(hashOf(tWord, w)) }

func (x *Index) isCity(w string) bool { return x.cities[uint32(hashOf(0, w))] > 0 }

// rarity is how many bits a word tells: about log2 of accounts over those
// that have it.
func (x *Index) rarity(w string) float64 {
	return math.Log2(float64(x.Len()+2) / float64(x.accounts(w)+1))
}

// query is a lead prepared.
type query struct {
	name    Name
	host    Host
	country string
	sharers []uint32        // accounts that have its domain
	domains int             // how many they are
	hosts   int             // accounts that have its very host
	above   map[uint32]bool // hashes of the ids that stand above sharers
}

func (x *Index) query(l Lead) query {
	q := query{name: NewName(l.Company), host: NewHost(l.Email), country: countryOf(l.Country)}
	if !strings.Contains(l.Email, "@") {
		q.host = Host{}
	}
	if q.host.Class == Shared && q.host.Full == q.host.Domain {
		q.host.Class = Corporate // those who have mail there work for the hoster
	}
	if q.host.Class != Corporate && l.Website != "" {
		if h := NewHost(l.Website); h.Class == Corporate {
			q.host = h
		}
	}
	if q.host.Class == Corporate {
		q.share(x)
	}
	if q.country == "" && q.host.Class == Corporate {
		q.country = countryByEnding(q.host)
	}
	if q.country == "" {
		q.country = countryByLetters(l.Company)
	}
	if q.country == "" {
		q.country = countryByWords(&q.name)
	}
	return q
}

// share finds who has the lead's domain.
func (q *query) share(x *Index) {
	whole, below := hashOf(tHost, q.host.Domain), hashOf(tDomain, q.host.Domain)
	q.hosts = x.terms.count(hashOf(tHost, q.host.Full))
	q.sharers = x.terms.get(whole, maxSharers, nil)
	q.sharers = x.terms.get(below, maxSharers, q.sharers)
	slices.Sort(q.sharers)
	q.sharers = slices.Compact(q.sharers)
	q.domains = max(len(q.sharers), x.terms.count(whole), x.terms.count(below))
	q.above = map[uint32]bool{}
	for _, at := range q.sharers {
		if p := x.facts[at].parent; p != 0 {
			q.above[p] = true
		}
	}
}

// isRoot reports whether others who share the lead's domain stand below an
// account that has it.
func (x *Index) isRoot(q *query, at uint32) bool {
	if len(q.above) == 0 || !q.above[parentHash(x.facts[at].id)] {
		return false
	}
	_, shares := slices.BinarySearch(q.sharers, at)
	return shares
}

// entry reads an account and prepares it.
func (x *Index) entry(q *query, at uint32) entry {
	o, ok := x.read(x.facts[at].id)
	if !ok {
		return entry{id: x.facts[at].id}
	}
	e := prepare(o)
	e.isRoot = x.isRoot(q, at)
	if e.country == "" {
		e.country = x.countryOfCity(&e)
	}
	return e
}

// entries reads candidates, and the names of the accounts above them.
func (x *Index) entries(q *query, ids []uint32) []entry {
	out := make([]entry, len(ids))
	known := map[string]*entry{}
	for i, at := range ids {
		out[i] = x.entry(q, at)
		known[out[i].id] = &out[i]
	}
	for i := range out {
		e := &out[i]
		if e.parent == "" || e.parent == e.id {
			continue
		}
		above, seen := known[e.parent]
		if !seen {
			if o, ok := x.read(e.parent); ok {
				p := prepare(o)
				above = &p
			}
			known[e.parent] = above
		}
		e.above = above
	}
	return out
}

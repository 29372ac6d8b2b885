package match

import (
	"iter"
	"math"
	"slices"
)

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

// accounts is how many accounts have a word.
func (x *Index) accounts(w string) int { return x.terms.count(hashOf(tWord, w)) }

// rarity is how many bits a word tells: about log2 of accounts over those
// that have it.
func (x *Index) rarity(w string) float64 {
	return math.Log2(float64(x.Len()+2) / float64(x.accounts(w)+1))
}

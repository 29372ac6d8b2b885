package match

import (
	"slices"
	"strings"
)

// Lead is a person who looks for an account, or what stands in for one.
type Lead struct {
	ID      string
	Email   string
	Company string
	Country string
	Website string
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

package match

import (
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

// fact is what is kept of an account.
type fact struct {
	id      string
	parent  uint32 // hash of the id of the account above it; 0: none
	country uint16 // its two letters
	size    uint8  // words of its longest form
	content uint32 // hash of what is in it, for an order that does not depend on ids
}

func (e *entry) cityHash() uint32 { return uint32(hashOf(0, strings.Join(e.city, " "))) }

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

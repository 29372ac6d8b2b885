package match

import (
	"cmp"
	"math"
	"slices"
	"strings"
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
	parent  int32 // -1: none
	isRoot  bool  // others who share its domain stand below it
	size    uint8 // words of its longest form
}

// Index finds the accounts that may be a lead's: exact keys, the postings of
// words, rarest first, and those of four letters in a row for typos and for
// names that are written in one word. It is built once and then only read.
type Index struct {
	all    []entry
	byID   map[string]int32
	exact  map[string][]int32 // "host:", "domain:", "core:", "compact:", "label:", "short:", "set:" -> accounts
	words  map[string][]int32
	grams  map[uint64][]int32
	cities map[string]bool // words that are places of accounts
}

// What bounds the work of one query.
const (
	MaxCandidates = 60
	maxWordDF     = 3000 // a word on more accounts finds none by itself
	maxGramDF     = 400
	maxSharers    = 400 // accounts of one domain that are looked at
	maxLabelled   = 20  // hosts with a label that is a word of the lead's name
)

// NewIndex prepares a list of accounts. Of two with one id the first counts.
func NewIndex(orgs []Org) *Index {
	x := &Index{
		byID: make(map[string]int32, len(orgs)), exact: map[string][]int32{}, words: map[string][]int32{},
		grams: map[uint64][]int32{}, cities: map[string]bool{},
	}
	seen := map[string]bool{}
	orgs = slices.DeleteFunc(slices.Clone(orgs), func(o Org) bool { twice := seen[o.ID]; seen[o.ID] = true; return twice })
	// By content, so that the order of the rows and their ids decide nothing.
	slices.SortStableFunc(orgs, func(a, b Org) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Country, b.Country), slices.Compare(a.Domains, b.Domains), cmp.Compare(a.City, b.City), compareIDs(a.ID, b.ID))
	})
	for i, o := range orgs {
		x.byID[o.ID] = int32(i)
		x.all = append(x.all, prepare(o))
	}
	for i, o := range orgs {
		if p, ok := x.byID[o.Parent]; ok && o.Parent != o.ID {
			x.all[i].parent = p
		}
	}
	for i := range x.all {
		x.file(int32(i))
	}
	x.roots()
	return x
}

func prepare(o Org) entry {
	e := entry{id: o.ID, label: o.Name, name: NewName(o.Name), country: countryOf(o.Country), parent: -1}
	if len(e.name.Forms) > 0 {
		e.size = uint8(len(e.name.Forms[0].Tokens))
	}
	for _, d := range o.Domains {
		h := NewHost(d)
		if h.Class == Corporate && !slices.ContainsFunc(e.hosts, func(g Host) bool { return g.Full == h.Full }) {
			e.hosts = append(e.hosts, h)
		}
	}
	for i := 0; i < len(e.hosts) && e.country == ""; i++ {
		e.country = countryByEnding(e.hosts[i])
	}
	for _, f := range NewName(o.City).Forms {
		e.city = append(e.city, f.Tokens...)
	}
	return e
}

func (x *Index) file(at int32) {
	e := &x.all[at]
	put := func(kind, key string) {
		if key == "" {
			return
		}
		k := kind + key
		if l := x.exact[k]; len(l) == 0 || l[len(l)-1] != at {
			x.exact[k] = append(l, at)
		}
	}
	for _, h := range e.hosts {
		put("host:", h.Full)
		put("domain:", h.Domain)
		for _, l := range h.names() {
			put("label:", l)
		}
		put("bare:", bare(h.Label))
	}
	seen := map[uint64]bool{}
	for _, f := range e.name.Forms {
		put("core:", f.Core)
		put("compact:", f.Compact)
		put("set:", f.Set)
		put("bare:", bare(f.Compact))
		put("short:", f.Short)
		put("short:", f.Long)
		put("short:", f.Acronym)
		for _, w := range f.Tokens {
			if l := x.words[w]; len(l) == 0 || l[len(l)-1] != at {
				x.words[w] = append(l, at)
			}
		}
		for g := range grams(f.Compact) {
			seen[g] = true
		}
	}
	for _, h := range e.hosts {
		for g := range grams(h.Label) {
			seen[g] = true
		}
	}
	for g := range seen {
		x.grams[g] = append(x.grams[g], at)
	}
	for _, c := range e.city {
		x.cities[c] = true
	}
}

// roots marks the account at the head of those that share a domain.
func (x *Index) roots() {
	for i := range x.all {
		p := x.all[i].parent
		if p < 0 {
			continue
		}
		for _, h := range x.all[i].hosts {
			if slices.ContainsFunc(x.all[p].hosts, func(g Host) bool { return g.Domain == h.Domain }) {
				x.all[p].isRoot = true
			}
		}
	}
}

// grams yields every four letters in a row of a compact name, as a number.
func grams(s string) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		s = clip(s, 120)
		if len(s) < 4 {
			return
		}
		for i := 0; i+4 <= len(s); i++ {
			g := uint64(s[i])<<24 | uint64(s[i+1])<<16 | uint64(s[i+2])<<8 | uint64(s[i+3])
			if !yield(g) {
				return
			}
		}
	}
}

// rarity is how many bits a word tells: about log2 of accounts over those
// that have it.
func (x *Index) rarity(w string) float64 {
	return math.Log2(float64(len(x.all)+2) / float64(len(x.words[w])+1))
}

// query is a lead prepared.
type query struct {
	name    Name
	host    Host
	country string
	domains int // accounts that have its domain
}

func (x *Index) query(l Lead) query {
	q := query{name: NewName(l.Company), host: NewHost(l.Email), country: countryOf(l.Country)}
	if !strings.Contains(l.Email, "@") {
		q.host = Host{}
	}
	if q.host.Class != Corporate && l.Website != "" {
		if h := NewHost(l.Website); h.Class == Corporate {
			q.host = h
		}
	}
	if q.host.Class == Corporate {
		q.domains = len(x.exact["domain:"+q.host.Domain])
	}
	if q.country == "" && q.host.Class == Corporate {
		q.country = countryByEnding(q.host)
	}
	return q
}

// candidates are the accounts that may be the lead's, the likeliest by the
// blocking keys first, at most MaxCandidates.
func (x *Index) candidates(q query) []int32 {
	board := map[int32]float64{}
	x.byHost(q, board)
	for _, f := range q.name.Forms {
		x.byName(f, board)
	}
	if q.host.Class == Corporate {
		x.byLabel(q.host.Label, board)
	}
	if q.country != "" {
		for at := range board {
			if x.all[at].country == q.country {
				board[at] += 2
			}
		}
	}
	out := make([]int32, 0, len(board))
	for at := range board {
		out = append(out, at)
	}
	slices.SortFunc(out, func(a, b int32) int {
		return cmp.Or(cmp.Compare(board[b], board[a]), cmp.Compare(a, b))
	})
	return out[:min(len(out), MaxCandidates)]
}

// What an exact key is worth on the board where candidates are gathered.
const (
	boardHost   = 40
	boardDomain = 12
	boardRoot   = 8
	boardName   = 30
	boardShort  = 10
	boardLabel  = 15
)

func (x *Index) byHost(q query, board map[int32]float64) {
	if q.host.Class != Corporate {
		return
	}
	for _, at := range x.exact["host:"+q.host.Full] {
		board[at] += boardHost
	}
	sharers := x.exact["domain:"+q.host.Domain]
	for _, at := range sharers[:min(len(sharers), maxSharers)] {
		board[at] += boardDomain
		if x.all[at].isRoot || x.all[at].parent < 0 {
			board[at] += boardRoot
		}
		for _, f := range q.name.Forms {
			board[at] += x.shared(f, at) / 2
		}
	}
	for _, at := range x.exact["label:"+q.host.Label] {
		board[at] += boardLabel
	}
	x.add(board, "bare:"+bare(q.host.Label), boardShort)
	for _, l := range q.host.Sub {
		x.add(board, "short:"+l, boardShort)
		x.add(board, "compact:"+l, boardShort)
		x.add(board, "label:"+l, boardShort)
	}
}

// shared is what the words tell that a form has in common with an account.
func (x *Index) shared(f Form, at int32) float64 {
	sum := 0.0
	for _, g := range x.all[at].name.Forms {
		for _, w := range f.Tokens {
			if _, ok := slices.BinarySearch(g.Tokens, w); ok {
				sum += x.rarity(w)
			}
		}
	}
	return sum
}

// add puts the accounts of a key on the board.
func (x *Index) add(board map[int32]float64, key string, worth float64) {
	l := x.exact[key]
	for _, at := range l[:min(len(l), maxSharers)] {
		board[at] += worth
	}
}

func (x *Index) byName(f Form, board map[int32]float64) {
	add := func(key string, worth float64) { x.add(board, key, worth) }
	add("core:"+f.Core, boardName)
	add("compact:"+f.Compact, boardName)
	add("set:"+f.Set, boardName)
	add("label:"+f.Compact, boardLabel)
	add("bare:"+bare(f.Compact), boardShort)
	if f.Acronym != "" {
		add("short:"+f.Acronym, boardShort)
	}
	if f.Short != "" && len(f.Short) > 2 {
		add("label:"+f.Short, boardShort)
		add("compact:"+f.Short, boardShort)
	}
	for _, w := range f.raw {
		if len(w) > 2 && len(f.Words) > 1 {
			if l := x.exact["label:"+w]; len(l) <= maxLabelled {
				add("label:"+w, boardShort)
			}
		}
	}
	x.byWords(f.Tokens, board)
	x.byGrams(f.Compact, board, 1)
}

// byWords adds the rarity of every shared word, over the length of the name in
// the account, so that short names are not drowned.
func (x *Index) byWords(tokens []string, board map[int32]float64) {
	ws := slices.Clone(tokens)
	slices.SortFunc(ws, func(a, b string) int { return cmp.Or(cmp.Compare(len(x.words[a]), len(x.words[b])), cmp.Compare(a, b)) })
	score := map[int32]float64{}
	for i, w := range ws {
		l := x.words[w]
		if len(l) > maxWordDF && i > 0 {
			break
		}
		for _, at := range l[:min(len(l), 2*maxWordDF)] {
			score[at] += x.rarity(w)
		}
	}
	for at, s := range score {
		board[at] += s * 2 / (1 + float64(x.all[at].size)/4)
	}
}

func (x *Index) byLabel(label string, board map[int32]float64) {
	for _, at := range x.exact["compact:"+label] {
		board[at] += boardLabel
	}
	if len(label) > 2 {
		for _, at := range x.exact["short:"+label] {
			board[at] += boardShort
		}
	}
	x.byGrams(label, board, 0.7)
}

// byGrams adds the share of the four-letter runs that an account has too.
func (x *Index) byGrams(compact string, board map[int32]float64, worth float64) {
	counts, n := map[int32]int{}, 0
	for g := range grams(compact) {
		n++
		if l := x.grams[g]; len(l) <= maxGramDF {
			for _, at := range l {
				counts[at]++
			}
		}
	}
	for at, c := range counts {
		if share := float64(c) / float64(n); share > 0.2 {
			board[at] += worth * 20 * share
		}
	}
}

package match

import (
	"cmp"
	"slices"
	"strings"
)

// Which rows of a list are compared: those that share a key, and companies
// whose names share words or runs of letters. The rarest keys count first: one
// that many rows have is looked at only for rows that have not met enough others.

const (
	maxBlock = 120  // rows of a key that are all compared
	maxWide  = 1000 // rows of a key that are compared with a row that has met few
	enough   = 300  // others that a row is compared with before keys of many rows are passed over
	nameKey  = "name "
)

// pairs lists the rows to compare, each pair once.
func (l *roll) pairs() [][2]int {
	m := meeting{seen: map[[2]int]bool{}, met: make([]int, len(l.all))}
	blocks, asked := map[string][]int{}, map[string][]int{}
	for _, i := range l.reps {
		if p := l.all[i].pair; p != "" {
			asked[p] = append(asked[p], i)
			continue
		}
		for _, k := range l.all[i].keys() {
			blocks[k] = append(blocks[k], i)
		}
	}
	for _, rows := range asked {
		m.all(rows)
	}
	wide := map[int][]string{}
	for key, rows := range blocks {
		switch {
		case len(rows) <= maxBlock || len(rows) <= maxWide && strings.HasPrefix(key, nameKey):
			m.all(rows)
		case len(rows) <= maxWide:
			for _, i := range rows {
				wide[i] = append(wide[i], key)
			}
		}
	}
	l.byName(&m)
	m.wide(wide, blocks)
	slices.SortFunc(m.out, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return m.out
}

// byName adds the companies that are the likeliest by their names.
func (l *roll) byName(m *meeting) {
	at := map[string]int{}
	for _, i := range l.reps {
		if h := &l.all[i]; h.pair == "" && len(h.spelt) > 0 {
			at[h.id] = i
		}
	}
	for _, i := range l.reps {
		if _, ok := at[l.all[i].id]; !ok {
			continue
		}
		for _, c := range l.index.candidates(&query{name: l.all[i].name.name}) {
			if j, ok := at[l.index.facts[c].id]; ok {
				m.add(i, j)
			}
		}
	}
}

// meeting is who is compared with whom.
type meeting struct {
	seen map[[2]int]bool
	met  []int // by how many others a row was met
	out  [][2]int
}

func (m *meeting) add(a, b int) {
	p := [2]int{min(a, b), max(a, b)}
	if a == b || m.seen[p] {
		return
	}
	m.seen[p] = true
	m.met[a]++
	m.met[b]++
	m.out = append(m.out, p)
}

func (m *meeting) all(rows []int) {
	for i, a := range rows {
		for _, b := range rows[i+1:] {
			m.add(a, b)
		}
	}
}

// wide takes the keys of many rows, for each row its rarest first, until it has
// met enough others. What other rows take here does not count, so that the order
// of the rows decides nothing.
func (m *meeting) wide(keys map[int][]string, blocks map[string][]int) {
	before := slices.Clone(m.met)
	for i, own := range keys {
		slices.SortFunc(own, func(a, b string) int { return cmp.Or(cmp.Compare(len(blocks[a]), len(blocks[b])), cmp.Compare(a, b)) })
		met := before[i]
		for _, key := range own {
			if met >= enough {
				break
			}
			met += len(blocks[key])
			for _, j := range blocks[key] {
				m.add(i, j)
			}
		}
	}
}

func (h *human) keys() []string {
	var out []string
	add := func(kind string, parts ...string) {
		if !slices.Contains(parts, "") {
			out = append(out, kind+strings.Join(parts, "\x00"))
		}
	}
	add("email", h.email)
	add("phone", h.phone)
	add("names", min(h.first, h.last), max(h.first, h.last))
	add("last code", h.last, h.postcode)
	add("first code", h.first, h.postcode)
	add("sound code", h.sound, h.postcode)
	add("sound city", h.sound, h.city)
	add("sound first", h.sound, clip(h.first, 2))
	add("first street", h.first, h.street)
	add("last street", h.last, h.street)
	add("street", h.number, clip(h.street, 6))
	add("first number", h.first, h.number, clip(h.street, 3))
	add("swapped", sound(h.first), clip(h.last, 2))
	add("street city", h.street, h.city)
	if h.last == "" && h.first == "" {
		add("site", h.site)
		add(nameKey, h.company)
		for _, f := range h.name.name.Forms {
			add(nameKey+"set", f.Set)
			add(nameKey+"compact", clip(f.Compact, 8))
			for i, t := range f.Tokens {
				add("word", t)
				for _, u := range f.Tokens[i+1 : min(len(f.Tokens), i+6)] {
					add("words", t, u)
				}
			}
		}
	}
	return out
}

package match

import (
	"encoding/binary"
	mathbits "math/bits"
	"slices"
)

// postings are the numbers of accounts by the hash of a term, packed: a term of
// one account takes a slot of eight bytes, the others have a list besides.
//
//	slots  39 bits of the hash, 25 bits ─┬─ an account
//	                                     └─ lists ──► bytes (delta varints)
//
// Two terms with the same 39 bits are taken for one: of a million accounts that
// happens to one in a hundred thousand, and only adds a candidate.
type postings struct {
	slots []uint64 // 0: free
	taken int
	lists []list
	spare []uint32 // lists that are free
	bytes []byte
	holes [32][]uint32 // places in bytes that are free, by the log2 of their room
}

type list struct {
	at, used, n uint32
	last        uint32
	room        uint8 // log2 of the bytes from at on
	full        bool  // it has had more accounts than its limit, and is only counted
}

const (
	whatBits  = 25
	whatMask  = 1<<whatBits - 1
	isList    = 1 << (whatBits - 1)
	maxNumber = isList - 1 // accounts and lists are numbered up to here
)

func newPostings() *postings { return &postings{slots: make([]uint64, 64)} }

// hashOf mixes the kind and the text of a term (FNV-1a, then MurmurHash3's end).
func hashOf(kind byte, s string) uint64 {
	h := (uint64(14695981039346656037) ^ uint64(kind)) * 1099511628211
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	if h>>whatBits == 0 {
		h |= 1 << whatBits
	}
	return h
}

// home is where a term's slot is looked for first. It depends on nothing but
// what the slot keeps of the hash, so that a table can grow without the terms.
func (p *postings) home(hash uint64) int {
	at, _ := mathbits.Mul64(hash&^whatMask, uint64(len(p.slots)))
	return int(at)
}

// find is the slot of a term, or the free one where it belongs.
func (p *postings) find(hash uint64) int {
	i := p.home(hash)
	for p.slots[i] != 0 && p.slots[i]>>whatBits != hash>>whatBits {
		i = p.next(i)
	}
	return i
}

func (p *postings) next(i int) int {
	if i++; i == len(p.slots) {
		return 0
	}
	return i
}

// count is how many accounts a term has.
func (p *postings) count(hash uint64) int {
	switch s := p.slots[p.find(hash)]; {
	case s == 0:
		return 0
	case s&isList == 0:
		return 1
	default:
		return int(p.lists[s&(isList-1)].n)
	}
}

// get appends the accounts of a term, in the order of their numbers, to into;
// none where they are more than limit.
func (p *postings) get(hash uint64, limit int, into []uint32) []uint32 {
	s := p.slots[p.find(hash)]
	switch {
	case s == 0:
		return into
	case s&isList == 0:
		return append(into, uint32(s&whatMask))
	}
	l := &p.lists[s&(isList-1)]
	if int(l.n) > limit || l.full {
		return into
	}
	return p.read(l, into)
}

func (p *postings) read(l *list, into []uint32) []uint32 {
	b := p.bytes[l.at : l.at+l.used]
	last := uint32(0)
	for i := 0; i < len(b); {
		d := uint32(b[i])
		if d < 0x80 {
			i++
		} else {
			v, n := binary.Uvarint(b[i:])
			d, i = uint32(v), i+max(n, 1)
		}
		last += d
		into = append(into, last)
	}
	return into
}

// add puts an account under a term. A term of more than limit accounts is only
// counted.
func (p *postings) add(hash uint64, account uint32, limit int) {
	if p.taken*8 > len(p.slots)*7 {
		p.grow()
	}
	i := p.find(hash)
	switch s := p.slots[i]; {
	case s == 0:
		p.slots[i] = hash&^whatMask | uint64(account)
		p.taken++
	case s&isList == 0:
		if first := uint32(s & whatMask); first != account {
			n := p.newList()
			p.slots[i] = hash&^whatMask | isList | uint64(n)
			p.write(&p.lists[n], []uint32{min(first, account), max(first, account)})
		}
	default:
		p.insert(&p.lists[s&(isList-1)], account, limit)
	}
}

func (p *postings) grow() {
	old := p.slots
	p.slots = make([]uint64, len(old)+len(old)/4+64)
	for _, s := range old {
		if s != 0 {
			p.slots[p.find(s)] = s
		}
	}
}

func (p *postings) newList() uint32 {
	if n := len(p.spare); n > 0 {
		at := p.spare[n-1]
		p.spare = p.spare[:n-1]
		p.lists[at] = list{}
		return at
	}
	p.lists = append(p.lists, list{})
	return uint32(len(p.lists) - 1)
}

// insert adds an account to a list: at its end in place, as while an index is
// built, anywhere else by writing the list anew.
func (p *postings) insert(l *list, account uint32, limit int) {
	if account == l.last {
		return // twice in a row, as while an index is built
	}
	if l.full {
		l.n, l.last = l.n+1, account
		return
	}
	if int(l.n) >= limit {
		p.free(l)
		l.full, l.n, l.last = true, l.n+1, account
		return
	}
	if account > l.last {
		p.append(l, account)
		return
	}
	all := p.read(l, make([]uint32, 0, l.n+1))
	at, found := slices.BinarySearch(all, account)
	if found {
		return
	}
	p.write(l, slices.Insert(all, at, account))
}

func (p *postings) append(l *list, account uint32) {
	var buf [binary.MaxVarintLen32]byte
	n := uint32(binary.PutUvarint(buf[:], uint64(account-l.last)))
	if l.used+n > l.roomOf() {
		room := roomFor(l.used + n)
		at := p.place(room)
		copy(p.bytes[at:], p.bytes[l.at:l.at+l.used])
		p.leave(l)
		l.at, l.room = at, room
	}
	copy(p.bytes[l.at+l.used:], buf[:n])
	l.used, l.n, l.last = l.used+n, l.n+1, account
}

// remove takes an account from a term.
func (p *postings) remove(hash uint64, account uint32) {
	i := p.find(hash)
	s := p.slots[i]
	switch {
	case s == 0:
		return
	case s&isList == 0:
		if uint32(s&whatMask) == account {
			p.vacate(i)
		}
		return
	}
	n := uint32(s & (isList - 1))
	l := &p.lists[n]
	if l.full {
		l.n = max(l.n, 1) - 1
		if l.last == account {
			l.last = isList // no account has that number
		}
		return
	}
	all := p.read(l, make([]uint32, 0, l.n))
	at, found := slices.BinarySearch(all, account)
	if !found {
		return
	}
	if all = slices.Delete(all, at, at+1); len(all) > 1 {
		p.write(l, all)
		return
	}
	p.free(l)
	p.spare = append(p.spare, n)
	p.slots[i] = hash&^whatMask | uint64(all[0])
}

// vacate frees a slot and moves up those that were pushed on past it.
func (p *postings) vacate(i int) {
	p.taken--
	for j := p.next(i); p.slots[j] != 0; j = p.next(j) {
		home := p.home(p.slots[j])
		if i < j && (home <= i || home > j) || i > j && home <= i && home > j {
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = 0
}

// write puts accounts, in order, in the place of what a list had.
func (p *postings) write(l *list, all []uint32) {
	var buf [512]byte
	b := buf[:0]
	last := uint32(0)
	for _, a := range all {
		b = binary.AppendUvarint(b, uint64(a-last))
		last = a
	}
	if l.n == 0 || uint32(len(b)) > l.roomOf() {
		p.free(l)
		l.room = roomFor(uint32(len(b)))
		l.at = p.place(l.room)
	}
	copy(p.bytes[l.at:], b)
	l.used, l.n, l.last = uint32(len(b)), uint32(len(all)), last
}

func (p *postings) free(l *list) {
	if l.n > 0 && !l.full {
		p.leave(l)
	}
	l.used = 0
}

func (p *postings) leave(l *list) {
	if l.room != exact {
		p.holes[l.room] = append(p.holes[l.room], l.at)
	}
}

func roomFor(n uint32) uint8 { return uint8(max(2, mathbits.Len32(n-1))) }

func (p *postings) place(room uint8) uint32 {
	if h := p.holes[room]; len(h) > 0 {
		p.holes[room] = h[:len(h)-1]
		return h[len(h)-1]
	}
	at := uint32(len(p.bytes))
	p.bytes = append(p.bytes, make([]byte, 1<<room)...)
	return at
}

// exact is the room of a list that takes just the bytes it needs.
const exact = 255

// pack lays all lists close to each other and gives back what is over. A list
// that changes afterwards is moved.
func (p *postings) pack() {
	total := 0
	for i := range p.lists {
		total += int(p.lists[i].used)
	}
	packed := make([]byte, 0, total)
	for i := range p.lists {
		l := &p.lists[i]
		at := uint32(len(packed))
		packed = append(packed, p.bytes[l.at:l.at+l.used]...)
		l.at, l.room = at, exact
	}
	p.bytes, p.holes = packed, [32][]uint32{}
	p.lists = slices.Clip(slices.Clone(p.lists))
}

// roomOf is how many bytes a list may have where it is.
func (l *list) roomOf() uint32 {
	if l.room == exact {
		return l.used
	}
	return 1 << l.room
}

package match

import (
	"cmp"
	"slices"
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

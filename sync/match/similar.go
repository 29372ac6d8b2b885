package match

import (
	"strings"
	"unicode/utf8"
)

// winkler is the Jaro-Winkler likeness of two texts, 0 to 1.
func winkler(a, b string) float64 {
	j := jaro(a, b)
	if j < 0.7 {
		return j
	}
	n := 0
	for n < 4 && n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return j + float64(n)*0.1*(1-j)
}

const maxLike = 96 // letters of a text that are compared

func jaro(a, b string) float64 {
	var bufA, bufB [maxLike]rune
	x, y := runes(a, bufA[:0]), runes(b, bufB[:0])
	if len(x) == 0 || len(y) == 0 {
		return 0
	}
	reach := max(max(len(x), len(y))/2-1, 0)
	var usedX, usedY [maxLike]bool
	m := 0
	for i, c := range x {
		for j := max(0, i-reach); j < min(len(y), i+reach+1); j++ {
			if !usedY[j] && y[j] == c {
				usedX[i], usedY[j] = true, true
				m++
				break
			}
		}
	}
	if m == 0 {
		return 0
	}
	t, j := 0, 0
	for i := range x {
		if !usedX[i] {
			continue
		}
		for !usedY[j] {
			j++
		}
		if x[i] != y[j] {
			t++
		}
		j++
	}
	fm := float64(m)
	return (fm/float64(len(x)) + fm/float64(len(y)) + (fm-float64(t)/2)/fm) / 3
}

func runes(s string, into []rune) []rune {
	for _, c := range s {
		if len(into) == cap(into) {
			break
		}
		into = append(into, c)
	}
	return into
}

// edits is the Damerau-Levenshtein distance of two texts, limit+1 where it is
// more than limit.
func edits(a, b string, limit int) int {
	var bufA, bufB [maxLike]rune
	x, y := runes(a, bufA[:0]), runes(b, bufB[:0])
	if len(x)-len(y) > limit || len(y)-len(x) > limit {
		return limit + 1
	}
	var r0, r1, r2 [maxLike + 1]int
	last, row, next := r0[:len(y)+1], r1[:len(y)+1], r2[:len(y)+1]
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		next[0] = i
		best := i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(row[j-1]+cost, row[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, last[j-2]+1)
			}
			next[j] = d
			best = min(best, d)
		}
		if best > limit {
			return limit + 1
		}
		last, row, next = row, next, last
	}
	return min(row[len(y)], limit+1)
}

// wordLike is how alike two words are: 1 the same, less for a typo, for an
// abbreviation and for words of one root; 0 otherwise.
func wordLike(a, b string) float64 {
	if a == b {
		return 1
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if isDigits(a) || isDigits(b) || len(a) < 3 {
		return 0
	}
	if len(a) >= 4 {
		limit := 1
		if len(a) >= 8 {
			limit = 2
		}
		if d := edits(a, b, limit); d <= limit {
			if d == 1 {
				return 0.9
			}
			return 0.8
		}
	}
	same := prefix(a, b)
	switch {
	case same == len(a) && len(a) >= 3 && len(b) >= len(a)+2:
		return 0.7 // an abbreviation
	case same >= 5 && same*10 >= len(b)*6:
		return 0.65 // one root
	}
	return 0
}

func prefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// subsequence reports whether the letters of short come in long in order.
func subsequence(short, long string) bool {
	for _, c := range short {
		i := strings.IndexRune(long, c)
		if i < 0 {
			return false
		}
		long = long[i+utf8.RuneLen(c):]
	}
	return true
}

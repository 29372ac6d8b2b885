package match

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// labelledPair is a pair of rows that are compared, and whether they are one.
type labelledPair struct {
	list   int
	a, b   string
	levels []rowLevel
	same   bool
	asked  bool
}

// FitRows estimates what the fields of rows are worth and from which bits two
// are the same, such that as many pairs as asked are right. It answers the
// weights as text. The same rows give the same weights.
func FitRows(lists [][]Labelled, version string, precision float64) ([]byte, error) {
	var all []labelledPair
	for n, rows := range lists {
		all = append(all, labelledPairs(n, rows)...)
	}
	w := pairWeights{Version: version, Fields: estimatePairs(all)}
	w.choosePairs(all, precision)
	out, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the weights: %w", err)
	}
	return append(out, '\n'), nil
}

func labelledPairs(n int, rows []Labelled) []labelledPair {
	plain := make([]Row, len(rows))
	for i, r := range rows {
		plain[i] = r.Row
	}
	list := newRoll(plain)
	var out []labelledPair
	for _, c := range list.pairs() {
		levels, other := list.compare(c[0], c[1])
		if other {
			continue // whatever it is worth, it is not the same
		}
		out = append(out, labelledPair{
			list: n, a: rows[c[0]].Row.ID, b: rows[c[1]].Row.ID, levels: levels, same: rows[c[0]].Entity == rows[c[1]].Entity, asked: list.asked(c),
		})
	}
	return out
}

// estimatePairs finds the weights under which the labels are the likeliest (a
// logit, AdaGrad), in bits.
func estimatePairs(all []labelledPair) map[string]Levels {
	type cell struct{ w, g2 float64 }
	table := map[rowLevel]*cell{}
	cells := make([][]*cell, len(all))
	for i, p := range all {
		for _, l := range p.levels {
			if table[l] == nil {
				table[l] = &cell{g2: 1e-3}
			}
			cells[i] = append(cells[i], table[l])
		}
	}
	for range passes {
		for i, cs := range cells {
			u := 0.0
			for _, c := range cs {
				u += c.w
			}
			d := float64(count(all[i].same)) - 1/(1+math.Exp(-u))
			if math.Abs(d) < 1e-6 {
				continue
			}
			for _, c := range cs {
				grad := d - c.w/float64(len(all))
				c.g2 += grad * grad
				c.w += rate * grad / math.Sqrt(c.g2)
			}
		}
	}
	out := map[string]Levels{}
	for l, c := range table {
		if out[l.field] == nil {
			out[l.field] = Levels{}
		}
		out[l.field][l.level] = round(c.w / math.Ln2)
	}
	return out
}

// choosePairs sets the bits from which a pair is the same, by itself and where
// a third row joins it, such that most are found at the precision asked for. A
// pair that was asked about is the same from even odds on.
func (w *pairWeights) choosePairs(all []labelledPair, precision float64) {
	all = slices.DeleteFunc(slices.Clone(all), func(p labelledPair) bool { return p.asked })
	scored := make([]Pair, len(all))
	same := map[[2]string]bool{}
	for i, p := range all {
		scored[i] = Pair{A: fmt.Sprint(p.list, " ", p.a), B: fmt.Sprint(p.list, " ", p.b), Bits: w.sum(p.levels)}
		same[[2]string{scored[i].A, scored[i].B}], same[[2]string{scored[i].B, scored[i].A}] = p.same, p.same
	}
	slices.SortFunc(scored, func(a, b Pair) int { return cmp.Compare(b.Bits, a.Bits) })
	best := -1
	chosen := pairWeights{Same: 99, Joined: 99}
	for sure := 8.0; sure >= -3; sure -= 0.5 {
		for _, less := range []float64{0, 2, 4, 6, 8} {
			t := pairWeights{Same: sure, Joined: sure - less}
			n := slices.IndexFunc(scored, func(p Pair) bool { return p.Bits < t.Joined })
			if n < 0 {
				n = len(scored)
			}
			said := join(scored[:n], &t)
			right := 0
			for _, p := range said {
				right += count(same[[2]string{p.A, p.B}])
			}
			if float64(right) >= precision*float64(len(said)) && right > best {
				best, chosen = right, t
			}
		}
	}
	w.Same, w.Joined = chosen.Same, chosen.Joined
}

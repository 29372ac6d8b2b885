package match

import (
	"hash/fnv"
	"math"
)

// Confirmed is a lead with the account that a person has confirmed for it; ""
// where there is none.
type Confirmed struct {
	Lead    Lead
	Account string
}

// sample is a confirmed lead with its candidates at their levels.
type sample struct {
	pairs []levels
	ids   []uint32
	query query
	right int // which of them; -1: none of them
	has   bool
	fold  int
}

// folds is into how many parts the confirmed leads are cut: the thresholds are
// chosen on the parts that the weights have not seen.
const folds = 5

// Fit estimates the weights and the thresholds from confirmed leads. precision
// is what automatic matches must reach, review the share of leads that people
// may be asked about. The same input gives the same weights.
func Fit(x *Index, confirmed []Confirmed, version string, precision, review float64) (Weights, Report) {
	samples := make([]sample, 0, len(confirmed))
	for _, c := range confirmed {
		samples = append(samples, x.sample(c))
	}
	var outcomes []outcome
	for fold := range folds {
		w := estimate(samples, fold)
		for i := range samples {
			if samples[i].fold == fold {
				outcomes = append(outcomes, judge(x, &w, &samples[i]))
			}
		}
	}
	w := estimate(samples, -1)
	w.Version = version
	rep := choose(&w, outcomes, precision, review)
	rep.measureBlocking(samples)
	return w, rep
}

func (x *Index) sample(c Confirmed) sample {
	q := x.query(c.Lead)
	h := fnv.New32a()
	h.Write([]byte(c.Lead.Company + c.Lead.Email)) // not the id: other ids give the same weights
	s := sample{right: -1, has: c.Account != "", fold: int(h.Sum32() % folds)}
	s.ids = x.candidates(&q)
	entries := x.entries(&q, s.ids)
	for i := range entries {
		if entries[i].id == c.Account {
			s.right = i
		}
		s.pairs = append(s.pairs, x.compare(&q, &entries[i]))
	}
	s.query = query{sharers: q.sharers, above: q.above}
	return s
}

// What the estimate runs with: passes over the leads, the last of which are
// averaged, and how strongly weights are drawn to nothing.
const (
	passes   = 20
	averaged = 8
	rate     = 0.2
	shrinks  = 0.7 // bits of log-likelihood per squared weight
)

// estimate finds the weights under which the right choice, one account or
// none, is the likeliest (a multinomial logit, AdaGrad, with a step back to
// nothing after every pass). Samples of the fold left out are not looked at.
func estimate(samples []sample, leftOut int) Weights {
	w, sum, g2 := newTable(0), newTable(0), newTable(1e-3)
	var p []float64
	for pass := range passes {
		for k := range samples {
			s := &samples[k]
			if s.fold == leftOut || s.has && s.right < 0 && len(s.pairs) == 0 {
				continue
			}
			p = chances(&w, s, p[:0])
			for c := range s.pairs {
				d := -p[c]
				if c == s.right {
					d++
				}
				if math.Abs(d) < 1e-6 {
					continue
				}
				for f, l := range s.pairs[c] {
					g2.table[f][l] += d * d
					w.table[f][l] += rate * d / math.Sqrt(g2.table[f][l])
				}
			}
		}
		for f := range w.table {
			for l := range w.table[f] {
				w.table[f][l] /= 1 + rate*shrinks/math.Sqrt(g2.table[f][l])
				if pass >= passes-averaged {
					sum.table[f][l] += w.table[f][l] / averaged
				}
			}
		}
	}
	for f := range sum.table {
		for l := range sum.table[f] {
			sum.table[f][l] = round(sum.table[f][l] / math.Ln2)
		}
	}
	return sum
}

// newTable has every level of every field at one value.
func newTable(v float64) (w Weights) {
	for i, f := range fieldLevels {
		w.table[i] = make([]float64, len(f.levels))
		for j := range w.table[i] {
			w.table[i][j] = v
		}
	}
	return w
}

// chances is how likely each candidate is under weights in nats.
func chances(w *Weights, s *sample, into []float64) []float64 {
	top := 0.0
	for _, l := range s.pairs {
		u := w.worth(l)
		into = append(into, u)
		top = math.Max(top, u)
	}
	sum := math.Exp(-top)
	for i, u := range into {
		into[i] = math.Exp(u - top)
		sum += into[i]
	}
	for i := range into {
		into[i] /= sum
	}
	return into
}

func round(v float64) float64 { return math.Round(v*100) / 100 }

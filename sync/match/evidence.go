package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/state"
)

// Near is what an index knows of a lead: the likeliest accounts with what is
// equal and what is not. It can be kept, and judged again without the index.
type Near struct {
	Forms  int        `json:"forms"`            // the FormsVersion of the levels
	Found  []Evidence `json:"found,omitempty"`  // at most MaxNear, the likeliest first
	Others int        `json:"others,omitempty"` // candidates beside them
	Rest   float64    `json:"rest,omitempty"`   // bits that those have together
}

// Evidence is one candidate: the level of every field.
type Evidence struct {
	ID     string  `json:"id"`
	Levels []uint8 `json:"levels"` // base64 in JSON
	Ties   []int64 `json:"ties"`
}

// MaxNear is how many candidates are kept for judging.
const MaxNear = 8

// Judged is the outcome of judging: as [Found], of accounts by their place in
// Near.Found.
type Judged struct {
	Decision  Decision
	Order     []int     // places in Near.Found, best first
	Bits      []float64 // of each place in Order
	Certainty float64
	Margin    float64
	Needed    float64 // the certainty from which the first is taken
	Step      string  // the tie step that put the first before the second; "": the evidence did
}

// Near finds the candidates for a lead and what is to be said of them. w only
// chooses which of them are kept.
func (x *Index) Near(w *Weights, l Lead) Near {
	q := x.query(l)
	ids := x.candidates(&q)
	entries := x.entries(&q, ids)
	pairs := make([]levels, len(ids))
	for i := range entries {
		pairs[i] = x.compare(&q, &entries[i])
	}
	ranked := x.rank(w, &q, ids, pairs)
	n := Near{Forms: FormsVersion}
	sum := 0.0
	for i := range ranked {
		r := &ranked[i]
		if i >= MaxNear {
			n.Others++
			sum += math.Exp2(math.Min(r.bits, 500))
			continue
		}
		n.Found = append(n.Found, Evidence{ID: x.facts[r.at].id, Levels: slices.Clone(r.levels[:]), Ties: slices.Clone(r.ties[:])})
	}
	if n.Others > 0 {
		n.Rest = round(math.Log2(math.Max(sum, 1e-300)))
	}
	return n
}

// Judge weighs what was found: the same evidence and weights give the same
// answer. Evidence of other forms than the weights' is worth nothing.
func (w *Weights) Judge(n Near) Judged {
	j := Judged{Decision: None}
	if n.Forms != w.Forms || len(n.Found) == 0 {
		return j
	}
	worth := make([]float64, len(n.Found))
	for i, e := range n.Found {
		if len(e.Levels) != fields {
			return Judged{Decision: None}
		}
		worth[i] = w.worth(levels(e.Levels))
		j.Order = append(j.Order, i)
	}
	slices.SortStableFunc(j.Order, func(a, b int) int {
		return cmp.Or(cmp.Compare(band(worth[b]), band(worth[a])), slices.Compare(n.Found[a].Ties, n.Found[b].Ties), cmp.Compare(worth[b], worth[a]))
	})
	rest := 1.0
	if n.Others > 0 {
		rest += math.Exp2(math.Min(n.Rest, 500))
	}
	for _, at := range j.Order {
		j.Bits = append(j.Bits, worth[at])
	}
	for _, b := range j.Bits[1:] {
		rest += math.Exp2(math.Min(b, 500))
	}
	certainty, margin := j.Bits[0]-math.Log2(rest), 99.0
	if len(j.Bits) > 1 {
		margin = j.Bits[0] - j.Bits[1]
		first, second := n.Found[j.Order[0]], n.Found[j.Order[1]]
		if band(j.Bits[0]) == band(j.Bits[1]) {
			j.Step = evidenceStep(first, second)
		}
	}
	l := levels(n.Found[j.Order[0]].Levels)
	j.Decision, j.Needed, j.Certainty, j.Margin = w.decide(l, certainty, margin), w.needed(l), round(certainty), round(margin)
	return j
}

func evidenceStep(a, b Evidence) string {
	for i := range min(len(a.Ties), len(b.Ties), len(findTies)) {
		if a.Ties[i] != b.Ties[i] {
			return findTies[i]
		}
	}
	return "name and id"
}

// Say tells in words what is equal and what is not.
func (e Evidence) Say() string { return plainly(e.Levels) }

// say tells what speaks for and against a candidate, the strongest first, and for how
// many points.
func (w *Weights) say(at []uint8, most int) string {
	type part struct {
		text string
		bits float64
	}
	var parts []part
	for i, l := range at[:min(len(at), fields)] {
		if int(l) >= len(w.table[i]) || i == fBase {
			continue
		}
		if b := w.table[i][l]; math.Abs(b) >= 0.5 {
			parts = append(parts, part{fmt.Sprintf("%s: %s (%+.1f)", fieldLevels[i].name, fieldLevels[i].levels[l], b), b})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(math.Abs(b.bits), math.Abs(a.bits)) })
	var texts []string
	for _, p := range parts[:min(len(parts), most)] {
		texts = append(texts, p.text)
	}
	return strings.Join(texts, ", ")
}

// Sureness is a share, in percent, as bits of certainty: 50 is even.
func Sureness(percent float64) float64 {
	p := math.Min(math.Max(percent/100, 1e-9), 1-1e-9)
	return math.Log2(p / (1 - p))
}

// OrgOf is an account as an index learns it; its id is the record's.
func OrgOf(r state.Record) Org {
	o := Org{ID: r.Ref.ID, Name: r.Fields[wordName], Country: r.Fields[wordCountry], Parent: above(r)}
	if d := r.Fields[wordDomain]; d != "" {
		o.Domains = []string{d}
	}
	return o
}

// Alike are the accounts that may be a lead's without sharing anything exactly.
type Alike struct {
	Near     Near
	Accounts []Account // of Near.Found, in the same order; without a Record: gone
}

package match

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Decision is what is to be done with the best account.
type Decision string

// The decisions.
const (
	Auto   Decision = "auto"   // take it
	Review Decision = "review" // let a person look
	None   Decision = "none"
)

// Found is the outcome of looking for a lead's account.
type Found struct {
	Decision  Decision
	Account   string  // id of the best account; "" only where there is no candidate
	Certainty float64 // bits for this account against all others and none; 0 is even
	Margin    float64 // bits ahead of the second
	Step      string  // the tie step that put it before the second; "" where the evidence did
	Losers    []Loser // the next candidates, best first, at most 4
	Why       []string
}

// Loser is a candidate that was not taken.
type Loser struct {
	Account string
	Name    string
	Bits    float64
}

// ranked is a candidate with what its evidence is worth.
type ranked struct {
	at     uint32
	levels levels
	bits   float64
	ties   [4]int64
}

// findTies are the steps among candidates whose evidence is worth the same to
// a quarter of a bit.
var findTies = [...]string{"exact host", "same country", "account above the others", "oldest in the list"}

// tieBand is how close in bits two candidates are that the steps decide.
const tieBand = 0.25

// Find looks for the account of a lead. Candidates are ranked each by itself,
// so that without the first the second would be the first. The accounts that
// without names are no candidates.
func (x *Index) Find(w *Weights, l Lead, without ...string) Found {
	q := x.query(l)
	ids := x.candidates(&q)
	if len(without) > 0 {
		ids = slices.DeleteFunc(ids, func(at uint32) bool { return slices.Contains(without, x.facts[at].id) })
	}
	entries := x.entries(&q, ids)
	pairs := make([]levels, len(ids))
	for i := range entries {
		pairs[i] = x.compare(&q, &entries[i])
	}
	return x.found(w, x.rank(w, &q, ids, pairs))
}

func (x *Index) rank(w *Weights, q *query, ids []uint32, pairs []levels) []ranked {
	out := make([]ranked, len(ids))
	for i, at := range ids {
		l := pairs[i]
		out[i] = ranked{at: at, levels: l, bits: w.worth(l), ties: [4]int64{
			int64(count(l[fDomain] != level(fDomain, "host only") && l[fDomain] != level(fDomain, "host") && l[fDomain] != level(fDomain, "host shared"))),
			int64(count(l[fCountry]%3 != 1)),
			int64(count(!x.isRoot(q, at))),
		}}
	}
	slices.SortFunc(out, func(a, b ranked) int {
		if c := cmp.Or(cmp.Compare(band(b.bits), band(a.bits)), slices.Compare(a.ties[:], b.ties[:]), cmp.Compare(b.bits, a.bits)); c != 0 {
			return c
		}
		return x.byContent(a.at, b.at)
	})
	return out
}

func band(bits float64) float64 { return math.Floor(bits / tieBand) }

// byContent orders accounts by name and by what else is in them and only then
// by id, so that other ids decide nothing where accounts differ.
func (x *Index) byContent(a, b uint32) int {
	p, q := &x.facts[a], &x.facts[b]
	if p.content == q.content {
		return compareIDs(p.id, q.id)
	}
	one, _ := x.read(p.id)
	other, _ := x.read(q.id)
	return cmp.Or(cmp.Compare(one.Name, other.Name), cmp.Compare(p.content, q.content))
}

func hostText(e *entry) string {
	if len(e.hosts) == 0 {
		return ""
	}
	return e.hosts[0].Full
}

func compareIDs(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// certainty is log2 of how much likelier the first is than all others and none
// together.
func certainty(r []ranked) float64 {
	rest := 1.0
	for _, c := range r[1:] {
		rest += math.Exp2(math.Min(c.bits, 500))
	}
	return r[0].bits - math.Log2(rest)
}

func marginOf(r []ranked) float64 {
	if len(r) < 2 {
		return 99
	}
	return r[0].bits - r[1].bits
}

// needed are the bits of certainty from which a candidate is taken.
func (w *Weights) needed(l levels) float64 {
	if hasDomain(l) {
		return w.Domain
	}
	return w.Auto
}

// hasDomain reports whether an account has the lead's domain.
func hasDomain(l levels) bool {
	g := domainGroup[groupOfDomain(l[fDomain])]
	return g == "own" || g == "shared"
}

func (w *Weights) decide(first levels, certainty, margin float64) Decision {
	switch {
	case !agrees(first):
		return None
	case certainty >= w.needed(first) && margin >= w.Margin:
		return Auto
	case certainty >= w.Review:
		return Review
	}
	return None
}

func (x *Index) found(w *Weights, r []ranked) Found {
	if len(r) == 0 {
		return Found{Decision: None, Why: []string{"no account shares a domain, a word or a run of letters with it"}}
	}
	first := r[0]
	f := Found{Account: x.facts[first.at].id, Certainty: round(certainty(r)), Margin: round(marginOf(r))}
	f.Decision = w.decide(first.levels, certainty(r), marginOf(r))
	for _, c := range r[1:min(len(r), 5)] {
		loser, _ := x.read(x.facts[c.at].id)
		f.Losers = append(f.Losers, Loser{Account: x.facts[c.at].id, Name: loser.Name, Bits: round(c.bits)})
	}
	if len(r) > 1 && band(r[1].bits) == band(first.bits) {
		f.Step = tieStep(first, r[1])
	}
	f.Why = x.why(w, &first, f)
	return f
}

func tieStep(a, b ranked) string {
	for i := range 3 {
		if a.ties[i] != b.ties[i] {
			return findTies[i]
		}
	}
	if a.bits != b.bits {
		return ""
	}
	return "name and id"
}

// why tells what is equal and what is not, what came second, what decided, and what
// spoke for and against the first, the strongest first.
func (x *Index) why(w *Weights, first *ranked, f Found) []string {
	winner, _ := x.read(x.facts[first.at].id)
	out := []string{fmt.Sprintf("%s: %s", winner.Name, plainly(first.levels[:]))}
	if !agrees(first.levels) {
		out = append(out, "neither its name nor its domain is like it")
	}
	if len(f.Losers) > 0 {
		l := f.Losers[0]
		out = append(out, fmt.Sprintf("second %s (%s), %.1f points behind", l.Name, l.Account, f.Margin))
	}
	if f.Step != "" {
		out = append(out, "decided by "+f.Step)
	}
	out = append(out, fmt.Sprintf("%.1f points, %.1f are enough (weights %s)", f.Certainty, w.needed(first.levels), w.Version))
	return append(out, "most weighs "+w.say(first.levels[:], 6))
}

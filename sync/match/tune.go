package match

import (
	"cmp"
	"math"
	"slices"
)

// Report is what a fit found on the leads it had not seen.
type Report struct {
	Leads, WithAccount int
	Precision, Recall  float64
	FalseMatch         float64 // leads without an account that were given one
	Review             float64 // share of leads that a person is to look at
	TopRecall          float64 // the right account is first, taken or in review
	Blocking           float64 // the right account is among the candidates
	Candidates         float64 // how many there are on average
}

// F1 is the harmonic mean of precision and recall.
func (r Report) F1() float64 {
	if r.Precision+r.Recall == 0 {
		return 0
	}
	return 2 * r.Precision * r.Recall / (r.Precision + r.Recall)
}

// outcome is how the first candidate of a lead came out.
type outcome struct {
	levels            levels
	certainty, margin float64
	any, right, has   bool
}

func judge(x *Index, w *Weights, s *sample) outcome {
	r := x.rank(w, &s.query, s.ids, s.pairs)
	o := outcome{has: s.has, any: len(r) > 0}
	if o.any {
		o.levels, o.certainty, o.margin = r[0].levels, certainty(r), marginOf(r)
		o.right = s.right >= 0 && r[0].at == s.ids[s.right]
	}
	return o
}

// falseMatch is the share of leads without an account that may be given one.
const falseMatch = 0.0095

// choose sets the thresholds: the certainties, for accounts that have the lead's
// domain and for others, from which automatic matches are as precise as asked,
// for the margin under which that finds most, and the certainty down to which as
// many are reviewed as people have time for.
func choose(w *Weights, outcomes []outcome, precision, review float64) Report {
	var rep Report
	for _, o := range outcomes {
		rep.Leads++
		rep.WithAccount += count(o.has)
	}
	most := int(falseMatch * float64(rep.Leads-rep.WithAccount))
	best := -1
	w.Auto, w.Domain, w.Margin = 99, 99, 0
	for _, margin := range []float64{0, 1, 2, 3, 4} {
		with, without := tallies(outcomes, margin, true), tallies(outcomes, margin, false)
		for _, a := range with {
			for _, b := range without {
				right, wrong := a.right+b.right, a.wrong+b.wrong
				if right > best && a.falsely+b.falsely <= most && float64(right) >= precision*float64(right+wrong) {
					best = right
					w.Domain, w.Auto, w.Margin = a.from, b.from, margin
				}
			}
		}
	}
	w.Review = reviewFrom(w, outcomes, review)
	rep.fill(w, outcomes)
	return rep
}

// tally is what is taken from a certainty on.
type tally struct {
	from                  float64
	right, wrong, falsely int
}

// tallies are those of the accounts that have the lead's domain, or of the
// others, in steps of a tenth of a bit, nothing first.
func tallies(outcomes []outcome, margin float64, domain bool) []tally {
	var mine []outcome
	for _, o := range outcomes {
		if o.any && o.margin >= margin && hasDomain(o.levels) == domain {
			mine = append(mine, o)
		}
	}
	slices.SortStableFunc(mine, func(a, b outcome) int { return cmp.Compare(b.certainty, a.certainty) })
	t := tally{from: 99}
	out := []tally{t}
	for i, o := range mine {
		t.right, t.wrong, t.falsely = t.right+count(o.right), t.wrong+count(!o.right), t.falsely+count(!o.has)
		from := math.Floor(o.certainty*10) / 10
		if i+1 == len(mine) || mine[i+1].certainty < from {
			t.from = from
			out = append(out, t)
		}
	}
	return out
}

// reviewFrom is the certainty down to which a share of all leads is reviewed.
func reviewFrom(w *Weights, outcomes []outcome, share float64) float64 {
	var left []float64
	for _, o := range outcomes {
		if o.any && (o.certainty < w.needed(o.levels) || o.margin < w.Margin) {
			left = append(left, o.certainty)
		}
	}
	slices.SortFunc(left, func(a, b float64) int { return cmp.Compare(b, a) })
	n := min(len(left), int(share*float64(len(outcomes))))
	if n == 0 {
		return min(w.Auto, w.Domain)
	}
	return math.Ceil(left[n-1]*100) / 100
}

func (r *Report) fill(w *Weights, outcomes []outcome) {
	right, wrong, falsely, reviewed, top := 0, 0, 0, 0, 0
	for _, o := range outcomes {
		if !o.any {
			continue
		}
		switch w.decide(o.levels, o.certainty, o.margin) {
		case Auto:
			right, wrong, falsely, top = right+count(o.right), wrong+count(!o.right), falsely+count(!o.has), top+count(o.right)
		case Review:
			reviewed, top = reviewed+1, top+count(o.right)
		case None:
		}
	}
	share := func(a, b int) float64 { return float64(a) / math.Max(1, float64(b)) }
	r.Precision, r.Recall = share(right, right+wrong), share(right, r.WithAccount)
	r.FalseMatch, r.Review, r.TopRecall = share(falsely, r.Leads-r.WithAccount), share(reviewed, r.Leads), share(top, r.WithAccount)
}

func (r *Report) measureBlocking(samples []sample) {
	found, all := 0, 0
	for _, s := range samples {
		found += count(s.right >= 0)
		all += len(s.ids)
	}
	r.Blocking = float64(found) / math.Max(1, float64(r.WithAccount))
	r.Candidates = float64(all) / math.Max(1, float64(r.Leads))
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

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
	certainty, margin float64
	any, right, has   bool
}

func judge(x *Index, w *Weights, s *sample) outcome {
	r := x.rank(w, &s.query, s.ids, s.pairs)
	o := outcome{has: s.has, any: len(r) > 0}
	if o.any {
		o.certainty, o.margin = certainty(r), marginOf(r)
		o.right = s.right >= 0 && r[0].at == s.ids[s.right]
	}
	return o
}

// falseMatch is the share of leads without an account that may be given one.
const falseMatch = 0.0095

// choose sets the thresholds: the lowest certainty from which automatic
// matches are as precise as asked, for the margin under which that finds most,
// and the certainty down to which as many are reviewed as people have time for.
func choose(w *Weights, outcomes []outcome, precision, review float64) Report {
	var rep Report
	for _, o := range outcomes {
		rep.Leads++
		rep.WithAccount += count(o.has)
	}
	slices.SortStableFunc(outcomes, func(a, b outcome) int { return cmp.Compare(b.certainty, a.certainty) })
	best := -1
	for _, margin := range []float64{0, 1, 2, 3, 4, 5, 6} {
		right, wrong, falsely := 0, 0, 0
		for i, o := range outcomes {
			if !o.any || o.margin < margin {
				continue
			}
			right, wrong, falsely = right+count(o.right), wrong+count(!o.right), falsely+count(!o.has)
			last := i+1 == len(outcomes) || outcomes[i+1].certainty != o.certainty
			if p := float64(right) / float64(right+wrong); last && p >= precision && float64(falsely) <= falseMatch*float64(rep.Leads-rep.WithAccount) && right > best {
				best = right
				w.Auto, w.Margin = math.Floor(o.certainty*100)/100, margin
			}
		}
	}
	if best < 0 {
		w.Auto = 99
	}
	asked := 0
	w.Review = w.Auto
	for _, o := range outcomes {
		if !o.any || o.certainty >= w.Auto && o.margin >= w.Margin {
			continue
		}
		if asked++; float64(asked) > review*float64(len(outcomes)) {
			break
		}
		w.Review = math.Ceil(o.certainty*100) / 100
	}
	rep.fill(w, outcomes)
	return rep
}

func (r *Report) fill(w *Weights, outcomes []outcome) {
	right, wrong, falsely, reviewed, top := 0, 0, 0, 0, 0
	for _, o := range outcomes {
		switch w.decide(o.certainty, o.margin, o.any) {
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

// Package report turns what is remembered into tables. It is pure: the same
// handoffs give the same table, in the same order.
package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
)

// Agreement compares what handoffd decided while it only observed with what
// really happened (G11). Every handoff counts in exactly one of Same,
// Different, Nobody, Unknown and Gone.
type Agreement struct {
	Types       []AgreementRow `json:"types"`
	Differences []Difference   `json:"differences"`
}

// AgreementRow is one type.
type AgreementRow struct {
	Type      string `json:"type"`
	Decided   int    `json:"decided"`
	Same      int    `json:"same_owner"`
	Different int    `json:"different_owner"`
	Nobody    int    `json:"nobody"`        // nobody owned it a working day later, or a queue did
	Unknown   int    `json:"not_yet_known"` // it has not been looked at yet
	Gone      int    `json:"gone"`          // the record was, when it was looked at
	Waiting   int    `json:"waiting"`       // of us: nobody was free, and nobody was decided
	// Faster is how much sooner than it happened we had decided, the middle one
	// of those that were given to somebody after our decision, in seconds.
	Faster   float64 `json:"faster_s"`
	FasterOf int     `json:"faster_of"` // so many
}

// Difference is who had it in place of who we would have picked, and by which
// line of the rules.
type Difference struct {
	Type    string `json:"type"`
	Rule    string `json:"rule"`
	Decided string `json:"decided"`
	Had     string `json:"had"`
	Count   int    `json:"count"`
}

// Agree makes the table of the handoffs that were only observed and detected at
// or after an instant.
func Agree(handoffs []state.Handoff, since time.Time) Agreement {
	rows, faster := map[string]*AgreementRow{}, map[string][]time.Duration{}
	diffs := map[Difference]int{}
	for _, h := range handoffs {
		if !h.Observed || h.DetectedAt.Before(since) || h.Actual == nil && h.Stage != state.Queued {
			continue
		}
		r := rows[h.Type]
		if r == nil {
			r = &AgreementRow{Type: h.Type}
			rows[h.Type] = r
		}
		if h.Actual == nil {
			r.Waiting++
			continue
		}
		r.Decided++
		switch a := h.Actual; {
		case a.At.IsZero():
			r.Unknown++
		case a.Gone:
			r.Gone++
		case !strings.Contains(a.Owner, "@"):
			r.Nobody++
		case a.Owner == h.Owner:
			r.Same++
		default:
			r.Different++
			diffs[Difference{Type: h.Type, Rule: ruleOf(h), Decided: h.Owner, Had: a.Owner}]++
		}
		if a := h.Actual; !a.At.IsZero() && a.Since.After(h.AssignedAt) && strings.Contains(a.Owner, "@") {
			faster[h.Type] = append(faster[h.Type], a.Since.Sub(h.AssignedAt))
		}
	}
	out := Agreement{Types: []AgreementRow{}, Differences: []Difference{}}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		if all := faster[name]; len(all) > 0 {
			slices.Sort(all)
			r.Faster, r.FasterOf = all[len(all)/2].Seconds(), len(all)
		}
		out.Types = append(out.Types, *r)
	}
	for d, n := range diffs {
		d.Count = n
		out.Differences = append(out.Differences, d)
	}
	slices.SortFunc(out.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Decided, b.Decided), cmp.Compare(a.Had, b.Had))
	})
	return out
}

// ruleOf is the line that named the owner: the last reason.
func ruleOf(h state.Handoff) string {
	if n := len(h.Why); n > 0 {
		return h.Why[n-1].Rule
	}
	return ""
}

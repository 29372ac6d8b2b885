package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/handoffd/handoffd/state"
)

// The retro is counted in one row, from the first handoff on that is really handed
// over. Of a row that was sent only that is left, so that it is never sent again (4.36).
const (
	rowRetro  = clockReport + reportRetro
	retroSent = "sent"
)

// What it counts; behind the last two stands of what.
const (
	tallyHanded   = "handed over"
	tallyAccepted = "accepted"
	tallyInTime   = "in time"
	tallyMissed   = "missed "   // a clock
	tallyReturned = "returned " // a reason, and the rule by which it was handed over
)

// tally counts one thing for the retro; retally counts it as another from now on.
func (d *deciding) tally(what string) { d.retally("", what) }

func (d *deciding) retally(was, is string) {
	t := d.budget(rowRetro)
	if d.r.reports.retro == nil || t.Day == retroSent || t.Due.IsZero() || was == is {
		return
	}
	t.Tally = maps.Clone(t.Tally)
	if t.Tally == nil {
		t.Tally = map[string]int{}
	}
	if t.Tally[was]--; t.Tally[was] <= 0 {
		delete(t.Tally, was)
	}
	t.Tally[is]++
	d.setBudget(t)
}

// tallies counts how far this deciding has brought the handoffs it changes.
func (d *deciding) tallies() {
	p := d.r.reports.retro
	if p == nil {
		return
	}
	for _, h := range d.c.Handoffs {
		if h.Observed || h.AssignedAt.IsZero() {
			continue
		}
		was, _ := d.v.Handoff(h.ID)
		if was.AssignedAt.IsZero() {
			d.beginRetro(h, p)
			d.tally(tallyHanded)
		}
		if d.beforeRetro(h) {
			continue
		}
		if _, again := was.Effects[stepAccept]; !again && was.AcceptedAt.IsZero() && !h.AcceptedAt.IsZero() {
			d.tally(tallyAccepted)
			if h.AcceptBy.IsZero() || !h.AcceptedAt.After(h.AcceptBy) {
				d.tally(tallyInTime)
			}
		}
		if h.Returned != nil {
			d.retally(d.returnedAs(was), d.returnedAs(h)) // its reason may come later
		}
	}
}

// returnedAs is what a return counts as; blank: there is none. Reasons outside the type's
// list are one, so that nobody's words fill the row.
func (d *deciding) returnedAs(h state.Handoff) string {
	if h.Returned == nil {
		return ""
	}
	reason := orNone(h.Returned.Reason)
	if h.Returned.Reason != "" && !slices.Contains(d.r.ReturnReasons(h.Type), reason) {
		reason = "another reason"
	}
	return tallyReturned + reason + "\t" + h.Type + " (" + h.Returned.Rule + ")"
}

// beginRetro sets the retro going with the first handoff.
func (d *deciding) beginRetro(h state.Handoff, p *report) {
	t := d.budget(rowRetro)
	if t.Day == retroSent || !t.Due.IsZero() {
		return
	}
	t.Since, t.Due = d.now, d.now.In(p.zone).AddDate(0, 0, p.after).UTC()
	t.Wait = []state.Notice{{Handoff: h.ID}} // the CRM's task hangs on it
	d.setBudget(t)
	d.c.Timers = append(d.c.Timers, state.Timer{ID: state.Digest("timer", rowRetro), Handoff: h.ID, Clock: rowRetro, Due: t.Due})
}

// beforeRetro reports whether a handoff was handed over before the retro began to count,
// which says nothing of it then.
func (d *deciding) beforeRetro(h state.Handoff) bool {
	from := h.AssignedAt
	if from.IsZero() {
		from = h.DetectedAt
	}
	return from.Before(d.budget(rowRetro).Since)
}

// retro says how the first days went. Where nobody is to be told just then, it begins anew
// with the next handoff.
func (d *deciding) retro(t state.Budget) {
	p := d.r.reports.retro
	h, ok := d.v.Handoff(t.Wait[0].Handoff)
	if p == nil || !d.r.write || !ok {
		d.setBudget(state.Budget{Who: rowRetro})
		return
	}
	d.setBudget(state.Budget{Who: rowRetro, Day: retroSent})
	for _, who := range p.to {
		d.send([]state.Handoff{d.current(h)}, notice{
			sort: sortTell, who: who, step: rowRetro + " " + who,
			subject: fmt.Sprintf("The first %d days of handing over", p.after), text: retroText(t.Tally),
		})
	}
}

// retroText puts what was counted under three headings.
func retroText(tally map[string]int) string {
	var stuck, clarify []often
	reasons := map[string]int{}
	for what, n := range tally {
		if clock, ok := strings.CutPrefix(what, tallyMissed); ok {
			stuck = append(stuck, often{n, "the time to " + wants(clock) + " ran out"})
		}
		if back, ok := strings.CutPrefix(what, tallyReturned); ok {
			reason, rule, _ := strings.Cut(back, "\t")
			reasons[reason] += n
			clarify = append(clarify, often{n, rule + ": returned, " + reason})
		}
	}
	for reason, n := range reasons {
		stuck = append(stuck, often{n, "returned: " + reason})
	}
	return strings.Join(slices.Concat(
		[]string{"What worked", fmt.Sprintf("%d handed over, %d accepted, %d of them in time.", tally[tallyHanded], tally[tallyAccepted], tally[tallyInTime])},
		[]string{"Where it got stuck"}, mostFirst(stuck),
		[]string{"Which criteria to clarify"}, mostFirst(clarify),
	), "\n")
}

// often is how often something was so.
type often struct {
	n    int
	what string
}

// mostPerHeading is how many lines a heading has.
const mostPerHeading = 10

func mostFirst(all []often) []string {
	slices.SortFunc(all, func(a, b often) int { return cmp.Or(b.n-a.n, strings.Compare(a.what, b.what)) })
	var lines []string
	for _, c := range all[:min(len(all), mostPerHeading)] {
		lines = append(lines, fmt.Sprintf("%d × %s", c.n, c.what))
	}
	if more := len(all) - mostPerHeading; more > 0 {
		lines = append(lines, fmt.Sprintf("And %d more.", more))
	}
	if len(all) == 0 {
		lines = []string{"Nothing."}
	}
	return lines
}

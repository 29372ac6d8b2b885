package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// The sample is one row (2.41). Until its slot it takes the handoffs that are accepted,
// and keeps those whose digest with the slot is smallest: a draw at random, that holds no
// more than it asks for and comes out the same whenever it is made again. Beside them
// stand those of the last draw, which are being rated.
const (
	rowSample = clockReport + reportSample
	isRated   = "rated" // in place of a line's clock: it is of the last draw
)

// samples enters what this deciding has accepted: what one person really gave another.
func (d *deciding) samples() {
	p := d.r.reports.sample
	if p == nil || !d.r.write {
		return
	}
	for _, h := range d.c.Handoffs {
		if h.Observed || h.AcceptedAt.IsZero() || h.Ratings != nil || !isEmail(h.Giver) || !isEmail(takerOf(h)) || h.Giver == takerOf(h) {
			continue
		}
		if was, _ := d.v.Handoff(h.ID); was.AcceptedAt.IsZero() {
			d.enters(p, h)
		}
	}
}

// takerOf is who rates a handoff as it was received.
func takerOf(h state.Handoff) string {
	if h.AcceptedBy != "" {
		return h.AcceptedBy
	}
	return h.Owner
}

func (d *deciding) enters(p *report, h state.Handoff) {
	t := d.budget(rowSample)
	if slices.ContainsFunc(t.Wait, func(n state.Notice) bool { return n.Handoff == h.ID }) {
		return
	}
	t = d.sampleDue(t, p, h.ID)
	rated, drawn := draws(t)
	drawn = append(drawn, state.Notice{Handoff: h.ID})
	slot := t.Due.Format(time.RFC3339)
	slices.SortFunc(drawn, func(a, b state.Notice) int {
		return strings.Compare(state.Digest(slot, a.Handoff), state.Digest(slot, b.Handoff))
	})
	t.Wait = append(rated, drawn[:min(len(drawn), p.size)]...)
	d.setBudget(t)
}

// sampleDue gives the row its slot and its timer, where it has none.
func (d *deciding) sampleDue(t state.Budget, p *report, id string) state.Budget {
	if t.Due.IsZero() {
		t.Due = p.next(d.now)
		d.c.Timers = append(d.c.Timers, state.Timer{ID: state.Digest("timer", rowSample), Handoff: id, Clock: rowSample, Due: t.Due})
	}
	return t
}

// draws are the handoffs of the last draw, and those of the one to come.
func draws(t state.Budget) (rated, drawn []state.Notice) {
	for _, n := range t.Wait {
		if n.Clock == isRated {
			rated = append(rated, n)
		} else {
			drawn = append(drawn, n)
		}
	}
	return rated, drawn
}

// sample tells how the last draw was rated, and asks about the next. Where nobody wants
// it any more, what was asked for is taken back.
func (d *deciding) sample(t state.Budget) {
	p := d.r.reports.sample
	rated, drawn := draws(t)
	of := d.ratedTill(rated)
	d.setBudget(state.Budget{Who: rowSample})
	if p == nil || !d.r.write {
		return
	}
	d.tellRatings(p, t.Due, of)
	next := state.Budget{Who: rowSample}
	var taken []connectors.Ref
	for _, n := range drawn {
		h, ok := d.v.Handoff(n.Handoff)
		if !ok || h.Ratings != nil || h.Stage == state.Cancelled || h.Frozen != "" || h.Target.ID == "" || slices.Contains(taken, h.Target) || d.isGone(h.Target) {
			continue
		}
		taken = append(taken, h.Target) // its fields hold the ratings of one handoff at a time
		d.put(d.rates(h))
		next = d.sampleDue(next, p, h.ID)
		next.Wait = append(next.Wait, state.Notice{Handoff: h.ID, Clock: isRated})
		d.setBudget(next)
	}
}

func (d *deciding) isGone(ref connectors.Ref) bool {
	rec, _ := d.lastRead(ref)
	return isOver(rec)
}

// ratedTill ends the rating of the last draw. It returns those of which somebody was asked.
func (d *deciding) ratedTill(rated []state.Notice) []state.Handoff {
	var of []state.Handoff
	for _, n := range rated {
		h, ok := d.v.Handoff(n.Handoff)
		if !ok || h.Ratings == nil {
			continue
		}
		h = d.ratingOver(h)
		d.put(h)
		if r := h.Ratings; r.Given.Who != "" || r.Taken.Who != "" {
			of = append(of, h)
		}
	}
	return of
}

// tellRatings shows everybody who reads the report how the same handoffs were given and
// received.
func (d *deciding) tellRatings(p *report, slot time.Time, of []state.Handoff) {
	if len(of) == 0 {
		return
	}
	var lines []string
	var about []connectors.Ref
	pairs, gaps := 0, 0
	for _, h := range of {
		r := h.Ratings
		line := d.buyerOf(h) + ": " + ratedAs("given", r.Given) + ", " + ratedAs("received", r.Taken)
		if r.Given.Score > 0 && r.Taken.Score > 0 {
			gap := max(r.Given.Score-r.Taken.Score, r.Taken.Score-r.Given.Score)
			line += fmt.Sprintf(", gap %d", gap)
			pairs, gaps = pairs+1, gaps+gap
		}
		lines = append(lines, strings.Join(strings.Fields(line), " "))
		about = append(about, notice{}.aboutOf(h)[0])
	}
	if pairs > 1 {
		lines = append(lines, fmt.Sprintf("Mean gap of %d: %.1f", pairs, float64(gaps)/float64(pairs)))
	}
	subject := fmt.Sprintf("%d handoffs, as given and as received", len(of))
	if len(of) == 1 {
		subject = "1 handoff, as given and as received"
	}
	for _, who := range p.to {
		for i := range of {
			of[i] = d.current(of[i])
		}
		d.send(of, notice{
			sort: sortTell, who: who, step: rowSample + " " + who + " " + slot.UTC().Format(time.RFC3339),
			subject: subject, text: strings.Join(lines, "\n"), about: about,
		})
	}
}

// ratedAs says what one of the two made of a handoff.
func ratedAs(as string, r state.Rating) string {
	switch {
	case r.Score > 0:
		return fmt.Sprintf("%s %d by %s", as, r.Score, r.Who)
	case r.Who == "":
		return as + " by nobody who could be asked"
	}
	return "not rated by " + r.Who
}

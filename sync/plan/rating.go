package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/sla"
)

// Giver and receiver rate a handoff in two fields of its record, each asked by a task.
// What an earlier handoff has left there is never taken for an answer: both fields are
// emptied by one write, nobody is asked before the CRM has confirmed it, and only a
// reading with a later version than that write's counts, which nothing but a change made
// since can have. The same answer says which of the fields the CRM does not have, so
// that nobody is asked for what they cannot do. That is one update for each handoff drawn;
// comparing with what stood there would cost none, and not see the same number given again.

// side is one of the two who rate a handoff.
type side struct {
	field, step, how string
	who              func(state.Handoff) string
	rating           func(*state.Ratings) *state.Rating
}

func sides() []side {
	return []side{
		{
			ownGivenRating, stepRateGiven, "when you gave it", func(h state.Handoff) string { return h.Giver },
			func(r *state.Ratings) *state.Rating { return &r.Given },
		},
		{
			ownTakenRating, stepRateTaken, "when you received it", takerOf,
			func(r *state.Ratings) *state.Rating { return &r.Taken },
		},
	}
}

// ratingOf is the side that a step asks; nil: it asks for no rating.
func ratingOf(step string) *side {
	for _, s := range sides() {
		if s.step == step {
			return &s
		}
	}
	return nil
}

// isAboutRating reports whether a step is one of a rating: a handoff may be over by then.
func isAboutRating(step string) bool { return step == stepRating || ratingOf(step) != nil }

// isBeingRated reports whether a rating of a handoff would still be noted.
func isBeingRated(h state.Handoff) bool { return h.Ratings != nil && h.Ratings.Over.IsZero() }

// rates empties the fields of the ratings, for a handoff that was drawn or whose record
// lives on as another.
func (d *deciding) rates(h state.Handoff) state.Handoff {
	if h.Ratings == nil {
		h.Ratings = &state.Ratings{Asked: d.now}
	}
	return d.intend(h, stepRating, connectors.Write{
		Ref: h.Target, Set: map[string]any{ownGivenRating: nil, ownTakenRating: nil}, Key: key(h, stepRating, "empty "+h.Target.String()),
	})
}

// asksToRate asks both, once their fields are empty. A field that the CRM does not have
// is listed as one that was left out.
func (d *deciding) asksToRate(h state.Handoff) state.Handoff {
	if !isBeingRated(h) {
		return h
	}
	r := *h.Ratings
	for _, s := range sides() {
		if rating := s.rating(&r); rating.Who == "" && !slices.Contains(h.Effects[stepRating].Skipped, s.field) {
			if h = d.asksSide(h, s); h.Effects[s.step].Key != "" {
				rating.Who = s.who(h)
				d.audit("asked for a rating", h.ID, map[string]string{"of": rating.Who, "field": s.field})
			}
		}
	}
	h.Ratings = &r
	return h
}

func (d *deciding) asksSide(h state.Handoff, s side) state.Handoff {
	who, title := s.who(h), h.Target.String()
	if rec, ok := d.v.Record(h.Target); ok {
		title = d.titleOf(&rec)
	}
	return d.chore(h, chore{
		step: s.step, who: who, subject: "How good was this handoff? " + title, kind: "todo", priority: "low", on: h.Target,
		body: "How complete and useful was it " + s.how + "? Please write a whole number, from 1 for poor to 5 for very good, into the record's field " +
			s.field + ". It is one of a few that are drawn at random; giver and receiver are asked the same.",
		due: d.calendarOf(who).Add(d.now, sla.Of(mappings.Duration{N: 1, Unit: mappings.Day, Working: true})),
	})
}

// rated takes in what stands in the fields of the ratings since they were emptied. It is
// said about the handoff and nothing is done with it: no clock, status or count moves.
func (d *deciding) rated(rec, prev *state.Record) {
	if rec.Fields[ownGivenRating] == "" && rec.Fields[ownTakenRating] == "" {
		return
	}
	for _, h := range d.aboutNow(rec) {
		h = d.current(h)
		e := h.Effects[stepRating]
		if !isBeingRated(h) || e.State != handoff.Done || e.Ref != rec.Ref || rec.Ref != h.Target || rec.Version <= e.Version {
			continue
		}
		before := h.Ratings
		for _, s := range sides() {
			h = d.ratedBy(h, s, strings.TrimSpace(rec.Fields[s.field]), prev.Fields[s.field])
		}
		if h.Ratings != before {
			d.put(h)
		}
	}
}

// ratedBy notes one rating, and ticks off the task that asks for it. was is what stood
// there before: the same fault is listed once.
func (d *deciding) ratedBy(h state.Handoff, s side, said, was string) state.Handoff {
	r := *h.Ratings
	rating := s.rating(&r)
	if said == "" || rating.Who == "" {
		return h
	}
	score, err := strconv.ParseFloat(said, 64)
	if err != nil || score != 1 && score != 2 && score != 3 && score != 4 && score != 5 {
		if said != strings.TrimSpace(was) {
			d.list(listRating, h.ID+" "+s.field, h.Type+": "+rating.Who+" is asked for a whole number from 1 to 5, and "+s.field+" says "+quote(cut(said, 40)))
		}
		return h
	}
	if int(score) == rating.Score {
		return h
	}
	detail := map[string]string{"by": rating.Who, "field": s.field, "rating": strconv.Itoa(int(score))}
	if rating.Score > 0 {
		detail["was"] = strconv.Itoa(rating.Score)
	}
	d.audit("rated", h.ID, detail)
	rating.Score, rating.At = int(score), d.now
	h.Ratings = &r
	if rating.Ticked {
		return h
	}
	return d.choreDone(h, s.step)
}

// rateTicked notes that somebody has ticked off the task themselves: we need not. They
// may have rated just before, or may not want to.
func (d *deciding) rateTicked(h state.Handoff, step string, a act) {
	if !isBeingRated(h) || a.state != actDone {
		return
	}
	r := *h.Ratings
	if rating := ratingOf(step).rating(&r); rating.Score == 0 && !rating.Ticked {
		rating.Ticked = true
		h.Ratings = &r
		d.put(h)
	}
}

// rateSettled ticks off a task that was on its way when it was seen to.
func (d *deciding) rateSettled(h state.Handoff, step string) state.Handoff {
	if r := h.Ratings; r != nil && (!r.Over.IsZero() || ratingOf(step).rating(r).Score > 0) {
		return d.choreDone(h, step)
	}
	return h
}

// ratingOver ends the rating of a handoff: nobody is asked any more.
func (d *deciding) ratingOver(h state.Handoff) state.Handoff {
	if !isBeingRated(h) {
		return h
	}
	r := *h.Ratings
	r.Over = d.now
	h.Ratings = &r
	if e := h.Effects[stepRating]; e.State == sent {
		if i, waits := d.waiting(e.Key); waits && i.State == state.Ready {
			d.drop(e.Key)
			h = handoff.Forget(h, stepRating)
		}
	}
	for _, s := range sides() {
		if !s.rating(&r).Ticked {
			h = d.choreDone(h, s.step) // of who has rated that is done
		}
	}
	return h
}

// ratedThere goes on with a rating where a record lives on as another, with fields that
// are emptied there too; unless another handoff is being rated in them, or it is gone.
func (d *deciding) ratedThere(h state.Handoff, from, to connectors.Ref) {
	h = d.current(h)
	if !isBeingRated(h) || h.Target != from && h.Target != to {
		return
	}
	if to.IsZero() {
		d.put(d.ratingOver(h))
		return
	}
	if h.Target == from { // one that is over, and was not moved
		h = handoff.Move(h, from, to)
	}
	if slices.ContainsFunc(d.v.Handoffs(to), func(o state.Handoff) bool { return o.ID != h.ID && isBeingRated(o) }) {
		h = d.ratingOver(h)
	} else {
		h = d.rates(h)
	}
	d.put(h)
}

package plan

import (
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// fired does what a timer was set for.
func (d *deciding) fired(ev Fired) {
	if !ev.Timer.Record.IsZero() {
		d.lookAgain(ev)
		return
	}
	h, ok := d.v.Handoff(ev.Timer.Handoff)
	if ok && ev.Timer.Clock == clockAgree {
		d.lookNow(h)
		return
	}
	if ok && ev.Timer.Clock == clockReason {
		d.askReason(h)
		return
	}
	if !ok || !h.Stage.Open() && (h.Stage != state.Completed || ev.Timer.Clock != clockItem) {
		return // milestones come after the end as well
	}
	switch ev.Timer.Clock {
	case clockObserve:
		d.cancel(h, "only observed")
	case clockRetry:
		if h.Stage == state.Queued {
			d.retry(h, ev)
		}
	case clockAccept:
		if h.Stage == state.Assigned {
			d.escalate(h, ev)
		}
	case clockItem:
		d.itemDue(h, ev.Timer.Step, ev.Fresh)
	case clockHold:
		d.holdOver(h, ev)
	case clockChase:
		d.chaseAgain(h, ev)
	}
}

// retry looks again for somebody who is free.
func (d *deciding) retry(h state.Handoff, ev Fired) {
	t := d.r.byName[h.Type]
	rec, ok := d.v.Record(h.Record)
	if t == nil || !ok {
		d.timer(h, clockRetry, 0, d.now.Add(retryAfter))
		return
	}
	f := d.r.facts(d.now, d.v, &rec)
	if t.deliver != nil {
		f.to = t.deliver
		if d.landing(t, f); d.stopped() {
			return
		}
		if f.land != nil {
			h = handoff.Aim(h, f.land.Ref)
		}
	}
	tier := d.r.tiers[h.Tier]
	if tier == nil {
		tier, _ = d.tier(t, f)
	}
	if f.account(); tier == nil || d.waits(f) {
		return
	}
	d.id = d.r.decisionID(d.now, ev)
	d.assign(t, f, h, tier)
}

// escalate does one step of the accept clock. Marking the breach is done here;
// what a step says to people is not sent yet, and is listed so that nobody
// thinks it was.
func (d *deciding) escalate(h state.Handoff, ev Fired) {
	t := d.r.byName[h.Type]
	if t == nil || ev.Timer.Step < 0 || ev.Timer.Step >= len(t.steps) {
		d.audit("escalation without a rule", h.ID, map[string]string{"clock": ev.Timer.Clock})
		return
	}
	s := t.steps[ev.Timer.Step]
	detail := map[string]string{
		"clock": ev.Timer.Clock, "rule": where(s.pos), "owner": h.Owner, "accept_by": h.AcceptBy.Format(time.RFC3339),
		"does": strings.Join(s.does, ", "),
	}
	if !ev.Fresh {
		detail["seen"] = "the record could not be read just now"
	}
	d.audit("escalation", h.ID, detail)
	if len(s.does) > 0 {
		d.list(listEscalation, h.ID, h.Type+" of "+h.Owner+" is not accepted: "+strings.Join(s.does, ", ")+" ("+where(s.pos)+")")
	}
	if !s.mark {
		return
	}
	late, err := handoff.Breach(h, d.now)
	if err != nil {
		return
	}
	d.because(d.why(where(s.pos), "not accepted by %s", h.AcceptBy.Format(time.RFC3339)))
	d.audit("breached", h.ID, map[string]string{"owner": h.Owner, "accept_by": h.AcceptBy.Format(time.RFC3339)})
	if late.Target.ID != "" && !late.Observed {
		n := len(d.c.Intents)
		late = d.intend(late, stepBreach, connectors.Write{
			Ref: late.Target, Set: map[string]any{ownBreached: true}, Key: key(h, stepBreach, "set"),
		})
		// A breach is told however little the buyer wanted: it may use what is
		// kept of the day's calls (C7).
		for i := range d.c.Intents[n:] {
			d.c.Intents[n+i].Rank = min(h.Rank, connectors.UrgentRank)
		}
	}
	d.put(late)
}

package plan

import (
	"strings"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// fired does what a timer was set for.
func (d *deciding) fired(ev Fired) {
	if !ev.Timer.Record.IsZero() {
		d.lookAgain(ev)
		return
	}
	if who, digest := strings.CutPrefix(ev.Timer.Clock, clockDigest); digest {
		d.digest(who)
		return
	}
	if strings.HasPrefix(ev.Timer.Clock, clockReport) {
		d.report(ev.Timer.Clock)
		return
	}
	h, ok := d.v.Handoff(ev.Timer.Handoff)
	if ok && ev.Timer.Clock == clockAgree {
		d.lookNow(h)
		return
	}
	if ok && d.firedLate(h, ev.Timer.Clock) {
		return
	}
	if !ok || !h.Stage.Open() && (h.Stage != state.Completed || !outlives(ev.Timer.Clock)) {
		return
	}
	if ev.Fresh {
		d.carrier, d.carrierRead = h.Target, ev.Read
	}
	switch ev.Timer.Clock {
	case clockObserve:
		d.cancel(h, "only observed")
	case clockRetry:
		if h.Stage == state.Queued {
			d.retry(h)
			d.putOff(h, ev)
		}
	case clockItem:
		d.itemDue(h, ev.Timer.Step, ev)
	case clockHold:
		d.holdOver(h, ev)
		d.putOff(h, ev)
	case clockBack:
		d.backOver(h)
	case clockChase:
		d.chaseAgain(h)
	default:
		d.escalate(h, ev)
	}
}

// outlives reports whether a clock runs on past completion: milestones, what is
// told back to the giver, and the buyer who was not reached.
func outlives(clock string) bool {
	return clock == clockItem || clock == clockBack || clock == clockAttempts
}

// aimAnew finds where a handoff that waited lands now, and its tier; nil: it has
// none any more. False: that has to be asked of a CRM first.
func (d *deciding) aimAnew(t *typ, f *facts, h state.Handoff) (state.Handoff, *tier, bool) {
	if t.deliver != nil {
		f.to = t.deliver
		if d.landing(t, f); d.stopped() {
			return h, nil, false
		}
		if f.land != nil {
			h = handoff.Aim(h, f.land.Ref)
		}
	}
	tier := d.r.tiers[h.Tier]
	if tier == nil {
		tier, _ = d.tier(t, f)
	}
	return h, tier, true
}

// putOff looks again later where a CRM has not answered in time, or something has not
// been read yet, and says so: nothing that a handoff waits for is late in silence (1.97).
func (d *deciding) putOff(h state.Handoff, ev Fired) {
	if !d.stopped() || !ev.Unanswered {
		return
	}
	why := d.c.Wait
	if len(d.c.Needs) > 0 {
		why = d.c.Needs[0].Conn + " could not be asked in time"
	}
	d.c = state.Changes{}
	d.because(d.why("", "put off for %s: %s", retryAfter, why))
	d.audit("put off", h.ID, map[string]string{"clock": ev.Timer.Clock, "because": why})
	d.timer(h, ev.Timer.Clock, ev.Timer.Step, d.now.Add(retryAfter))
}

// retry looks again for somebody who is free.
func (d *deciding) retry(h state.Handoff) {
	t := d.r.byName[h.Type]
	rec, ok := d.v.Record(h.Record)
	if t == nil || !ok {
		d.timer(h, clockRetry, 0, d.now.Add(retryAfter))
		return
	}
	f := d.r.facts(d.now, d.v, &rec)
	h, tier, ok := d.aimAnew(t, f, h)
	if !ok {
		return
	}
	if f.account(); tier == nil || d.waits(f) {
		return
	}
	d.not = d.hadIt(t, h)
	d.assign(t, f, h, tier)
	d.not = nil
}

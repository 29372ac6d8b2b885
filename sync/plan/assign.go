package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// How soon a handoff that waits is looked at again, and how long an observed
// one counts as open work.
const (
	retryAfter   = 5 * time.Minute
	observedOpen = 24 * time.Hour
)

// assign finds the owner of a handoff that has none, sets its clocks and plans
// what is written.
func (d *deciding) assign(t *typ, f *facts, h state.Handoff, tier *tier) {
	c := d.owner(t, f, h)
	if d.waits(f) {
		return
	}
	if c.owner == "" || d.untilMade(t, f, h, &c) {
		d.queue(t, f, h, tier, c)
		return
	}
	c.runnerUp = d.runnerUp(t, f, h, c.owner)
	a := handoff.Assignment{
		Owner: c.owner, Backup: d.backupFor(c), Accountable: d.accountable(t, h, c), Decision: d.id,
		Clocks: d.clocks(f, tier, c.owner, h.Signals[0]), Why: d.reasons(h, c), At: d.now,
	}
	if c.team != nil {
		a.Team = c.team.name
	}
	h.Exception = c.exception
	assigned, err := handoff.Assign(h, a)
	if err != nil {
		d.because(d.why("", "%v", err))
		return
	}
	if c.pool != nil {
		d.c.Pools = append(d.c.Pools, *c.pool)
	}
	if f.account().review {
		d.list(listReview, f.rec.Ref.String(), f.account().unsure()+"; "+sentence(f.account().why)+" "+c.owner+" has it meanwhile")
	}
	if h.Stage == state.Detected { // one that was queued has been told of
		d.tellLate(t, assigned)
	}
	d.because(assigned.Why...)
	d.audit("assigned", h.ID, c.drawn(map[string]string{
		"owner": c.owner, "because": c.because, "rule": c.where, "tier": tier.name, "runner_up": c.runnerUp,
		"accountable": a.Accountable, "backup": a.Backup, "observed": yesIf(h.Observed), "type": t.name,
	}))
	if assigned.Observed {
		d.observe(d.watchFrom(t, assigned))
		return
	}
	d.stopClocks(assigned, clockAssign)
	d.timers(t, f, assigned, tier)
	d.put(d.review(f, d.handed(t, f, d.write(t, f, assigned, tier, c))))
}

func yesIf(b bool) string {
	if b {
		return yes
	}
	return ""
}

// reasons is the receipt: what started it, its tier and account, and then the
// owner list line by line, the winner and the runner-up last.
func (d *deciding) reasons(h state.Handoff, c choice) []state.Reason {
	out := append(started(h), c.why...)
	last := fmt.Sprintf("%s: %s", c.owner, c.because)
	if c.runnerUp != "" {
		last += "; without them it would be " + c.runnerUp
	}
	return append(out, state.Reason{Rule: c.where, Text: last})
}

// started are the reasons up to the first line of the owner list: what started
// it, its tier and its account. The rest is said anew at every attempt.
func started(h state.Handoff) []state.Reason {
	i := slices.IndexFunc(h.Why, func(r state.Reason) bool { return strings.Contains(r.Rule, ownerRule) })
	if i < 0 {
		i = len(h.Why)
	}
	return slices.Clone(h.Why[:i])
}

// backupFor is who takes over from the owner; never the owner's manager.
func (d *deciding) backupFor(c choice) string {
	manager := ""
	if p := d.r.people[c.owner]; p != nil {
		if p.backup != "" {
			return p.backup
		}
		manager = p.manager
	}
	if c.team == nil || c.runnerUp == manager || c.runnerUp == c.team.manager {
		return ""
	}
	return c.runnerUp
}

// accountable is the one person who answers for a handoff until it is accepted
// (0.12): the giver where nothing else is written, and the receiver where
// nobody gives.
func (d *deciding) accountable(t *typ, h state.Handoff, c choice) string {
	who := h.Giver
	switch {
	case t.until == untilReceiver:
		who = c.owner
	case t.until == untilQueue && c.team != nil:
		who = c.team.manager
	case isEmail(t.until):
		who = t.until
	}
	if who == "" {
		who = c.owner
	}
	return who
}

// queue keeps a handoff until somebody is free. The team's manager answers for
// it meanwhile, else the giver.
func (d *deciding) queue(t *typ, f *facts, h state.Handoff, tier *tier, c choice) {
	again := h.Stage == state.Queued
	who, team := h.Giver, ""
	if c.team != nil {
		team = c.team.name
		if c.team.manager != "" {
			who = c.team.manager
		}
	}
	if c.manager != "" {
		who = c.manager
	}
	note := "no line of the owner list names anybody"
	if len(c.why) > 0 {
		note = c.why[len(c.why)-1].Text
	}
	why := append(started(h), c.why...)
	queued, err := handoff.Queue(h, d.clocks(f, tier, "", h.Signals[0]), team, who, note, why)
	if err != nil {
		d.because(d.why("", "%v", err))
		return
	}
	queued = d.stoodQueued(t, f, queued)
	if !c.asked || again {
		d.timer(h, clockRetry, 0, d.now.Add(retryAfter))
	}
	if again && h.Note == note && h.Accountable == who {
		return // still the same: only the timer goes on
	}
	if !again {
		d.tellLate(t, queued)
	}
	d.because(queued.Why...)
	d.audit("queued", h.ID, map[string]string{"team": team, "accountable": who, "why": note, "type": t.name})
	if who == "" {
		d.list(listUnowned, h.ID, t.name+": nobody is free and nobody is accountable: "+note)
	}
	if !queued.Observed {
		queued = d.writeQueued(t, f, queued)
		if !again {
			d.assignTimers(t, queued, tier)
		}
	}
	d.put(queued)
}

// stoodQueued notes who has the record when its handoff begins to wait, so that
// somebody who takes it by hand is told from who had it.
func (d *deciding) stoodQueued(t *typ, f *facts, h state.Handoff) state.Handoff {
	c, rec := f.conn, f.rec
	if t.deliver != nil {
		c, rec = f.to, f.land
	}
	if h.Stake != nil || h.Observed || rec == nil {
		return h
	}
	if name, ok := c.m.WriteName(rec.Ref.Kind, t.becomes); ok {
		h.Stake = &state.Stake{Field: name, Was: rec.Fields[t.becomes], Over: rec.ModifiedAt}
	}
	return h
}

// observe keeps a handoff that is only watched as open work for a while, so
// that it neither fills the pools for good nor takes further signals forever.
func (d *deciding) observe(h state.Handoff) {
	due := d.now.Add(observedOpen)
	if !h.AcceptBy.IsZero() && h.AcceptBy.Before(due) {
		due = h.AcceptBy
	}
	d.timer(h, clockObserve, 0, due)
	d.put(h)
}

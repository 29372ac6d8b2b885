package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// giveAway gives a handoff that nobody acts on to somebody who can (1.98). The
// deadlines stay where they are. Where nobody can take it, it stays with its
// owner, and that is listed.
func (d *deciding) giveAway(h state.Handoff, e *stepping) state.Handoff {
	to := d.r.byConn[h.Target.Conn]
	if to == nil || h.Target.ID == "" || h.Written.IsZero() || h.Frozen != "" {
		d.list(listUntold, h.ID, h.Type+": it is not given to "+e.s.give+", because its owner does not stand in the CRM ("+where(e.s.pos)+")")
		return h
	}
	yes, asked := d.theirs(e.t, h, e.ev.Fresh)
	if !asked {
		return h
	}
	if yes {
		h.Stake = ceded(h.Stake, h.Stake.Value)
		d.list(listUntold, h.ID, h.Type+": it is not given to "+e.s.give+", because a person has set its owner by hand since it was assigned ("+where(e.s.pos)+")")
		return h
	}
	next := d.taker(h, to, e.s.give)
	if next == "" {
		d.list(listUnowned, h.ID, h.Type+": nobody can take it over from "+h.Owner+" ("+where(e.s.pos)+")")
		return h
	}
	given := d.passTo(h, next, "not acted on within the time of "+e.s.clock, where(e.s.pos))
	if given.Owner == h.Owner {
		d.list(listUntold, h.ID, h.Type+": it is not given to "+next+", because it is "+string(h.Stage)+" already ("+where(e.s.pos)+")")
	}
	if given.Owner != h.Owner && given.Stake != nil && h.Stake != nil && !e.ev.Fresh && d.edited(h) {
		s := *given.Stake
		if s.Over = h.Stake.Stamp; s.Over.IsZero() { // whose hand it was is asked when it is read again before it leaves
			s.Over = h.Stake.Over
		}
		given.Stake = &s
	}
	return given
}

// taker is who takes a handoff over: whom the rule names, else that one's
// backup and so on, else somebody else of the team, else the manager.
func (d *deciding) taker(h state.Handoff, to *conn, role string) string {
	manager := d.managerFor(h)
	tried := []string{h.Owner, h.Giver, manager}
	free := func(who string) bool {
		if who == "" || slices.Contains(tried, who) {
			return false
		}
		tried = append(tried, who)
		out, _ := d.out(who, to, d.r.caps[who])
		if out != "" {
			d.because(d.why("", "%s %s", who, out))
		}
		return out == ""
	}
	if role == roleManager {
		tried = tried[:2]
	}
	first := d.role(h, role)
	for at, n := first, 0; at != "" && n < 5; at, n = d.backup(at), n+1 {
		if free(at) {
			return at
		}
	}
	if at := d.backup(h.Owner); free(at) {
		return at
	}
	if t := d.r.teams[h.Team]; t != nil {
		for _, m := range t.members {
			if free(m.who) {
				return m.who
			}
		}
	}
	if tried = tried[:2]; free(manager) {
		d.list(listUnowned, h.ID, h.Type+": no colleague of "+h.Owner+" can take it, so it is with their manager "+manager)
		return manager
	}
	return ""
}

// passTo makes somebody the owner of a handoff that another one has, in the
// CRM as well: the owner under the same conditions as at the assignment, the
// task with it. rule is where that is written; blank: nowhere.
func (d *deciding) passTo(h state.Handoff, next, why, rule string) state.Handoff {
	t := d.r.byName[h.Type]
	if t == nil {
		return h
	}
	backup := d.backup(next)
	if backup == h.Owner || backup == next || backup == d.managerFor(h) {
		backup = ""
	}
	var team *team
	if h.Team != "" {
		team = d.r.teams[h.Team]
	}
	accountable := d.accountable(t, h, choice{owner: next, team: team})
	given, err := handoff.Give(h, next, backup, accountable, why, d.now)
	if err != nil {
		d.because(d.why(rule, "%v", err))
		return h
	}
	reason := d.why(rule, "%s: in place of %s, %s", next, h.Owner, why)
	given = d.stoodThen(given, h)
	given.Why = append(slices.Clone(h.Why), reason)
	d.because(reason)
	d.audit("given to another", h.ID, map[string]string{
		"owner": next, "was": h.Owner, "because": why, "rule": rule, "accountable": accountable, "backup": backup,
		"deadlines": "unchanged", "accept_by": stamp(h.AcceptBy), "touch_by": stamp(h.TouchBy),
	})
	if !h.AcceptedAt.IsZero() {
		for _, step := range []string{stepAccept, stepAccept + stepHere} {
			if e := h.Effects[step]; e.Key != "" && e.State != handoff.Done {
				d.drop(e.Key) // refused or not
			}
		}
		given = d.silenceAnew(t, given, d.now, "given to "+next)
	}
	return d.itemsTo(d.writePassed(t, given), h.Owner)
}

// forgotten are the fields that say who has accepted a handoff, where they have it no more.
func forgotten(h state.Handoff) map[string]any {
	if _, lost := lostAt(h); !lost {
		return nil
	}
	return map[string]any{ownAcceptedBy: nil, ownAcceptedAt: nil, ownQuality: nil}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// writePassed plans what a change of the owner leaves in the CRM.
func (d *deciding) writePassed(t *typ, h state.Handoff) state.Handoff {
	if e := h.Effects[stepAssign]; e.State != handoff.Done {
		d.drop(e.Key)
	}
	h = d.rememberAgain(t, d.handOver(h, h.Target))
	for i := range d.c.Intents {
		if w := &d.c.Intents[i].Write; d.c.Intents[i].Handoff == h.ID && d.c.Intents[i].Step == stepAssign {
			w.Set[ownBackup] = blankNil(h.Backup)
			maps.Copy(w.Set, forgotten(h))
		}
	}
	if c := d.r.byConn[h.Target.Conn]; c != nil {
		if u, ok := d.user(c, h.Owner); ok {
			h = d.titled(d.passTask(h, u.ID), h.Record)
		}
	}
	return d.passedHere(h, "set "+h.Owner+ownedBy(h))
}

// passedHere says on the record a handoff came from who has it now, in place of what
// was to say so before, if the record speaks of it. It is no part of the first write
// there, which tells more.
func (d *deciding) passedHere(h state.Handoff, action string) state.Handoff {
	if h.Record == h.Target || !d.shows(h.Record, h) {
		return h
	}
	if e := h.Effects[stepPassed]; e.State != handoff.Done && e.Key != "" {
		d.drop(e.Key)
	}
	set := map[string]any{ownAccountable: h.Accountable, ownBackup: blankNil(h.Backup), ownWhy: h.Why[len(h.Why)-1].Text}
	if not := forgotten(h); not != nil && h.Stage == state.Assigned {
		maps.Copy(set, not)
		set[ownStatus] = statusAssigned
	}
	return d.intend(h, stepPassed, connectors.Write{Ref: h.Record, Key: key(h, stepPassed, action), Set: set})
}

// titled names the task of a handoff anew for who has it now, where it is being
// passed on: it may have been a reminder to somebody else.
func (d *deciding) titled(h state.Handoff, ref connectors.Ref) state.Handoff {
	rec, ok := d.v.Record(ref)
	if !ok {
		return h
	}
	f := d.r.facts(d.now, d.v, &rec)
	for i := range d.c.Intents {
		if o := &d.c.Intents[i]; o.Handoff == h.ID && o.Step == stepTaskOwner {
			o.Write.Set[connectors.TaskSubject] = subjects(sortGiven) + d.buyer(f, h) + f.careful()
		}
	}
	return h
}

// rememberAgain notes what the fields of accepted_when say now: what the owner
// before did is no acceptance of the new one.
func (d *deciding) rememberAgain(t *typ, h state.Handoff) state.Handoff {
	before := maps.Clone(h.Before)
	if before == nil {
		before = map[string]any{}
	}
	for _, ref := range []connectors.Ref{h.Record, h.Target} {
		rec, ok := d.v.Record(ref)
		if !ok {
			continue
		}
		for _, of := range t.acceptFields {
			if of.noun == rec.Noun && !isOwn(of.word) {
				before[beforeKey(ref, of)] = rec.Fields[of.word]
			}
		}
	}
	h.Before = before
	return h
}

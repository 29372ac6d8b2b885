package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/route"
)

// returning is what a type says about giving back.
type returning struct {
	given    bool
	when     cond
	required bool // a reason has to be given
	then     string
	reasons  []string
	askAfter time.Duration
	pos      mappings.Pos
}

// What happens to what came back.
const (
	thenGiver = "return_to_giver" // the giver has it again, with a task
	thenQueue = "queue"           // it waits in the team's line and is drawn again
	thenNext  = "next_owner"      // it is handed over again, to somebody else
)

// usualReasons are those a return may have where a type names none.
func usualReasons() []string {
	return []string{"Procedural", "Clerical", "Definitional", "Too early", "Too late", "Duplicate", "Other"}
}

func (c *compiler) returning(t *typ, d *mappings.Handoff, all []*conn) {
	t.returned = returning{
		given: !d.ReturnedWhen.IsZero(), when: c.cond(d.ReturnedWhen, all, true), required: d.OnReturnReason.S != "optional",
		then: d.OnReturnThen.S, reasons: usualReasons(), askAfter: askAfter, pos: d.ReturnedWhen.Pos,
	}
	if !t.returned.given {
		t.returned.pos = t.pos
	}
	if len(d.OnReturnReasons) > 0 {
		t.returned.reasons = nil
		for _, r := range d.OnReturnReasons {
			t.returned.reasons = append(t.returned.reasons, r.S)
		}
	}
	if !d.OnReturnAsk.IsZero() {
		t.returned.askAfter = plain(d.OnReturnAsk)
	}
}

// ReturnReasons are the reasons for which a handoff of a type may be returned,
// as a picklist has them.
func (r *Rules) ReturnReasons(typ string) []string {
	if t := r.byName[typ]; t != nil {
		return slices.Clone(t.returned.reasons)
	}
	return nil
}

// givesBack reports whether a record says that the receiver of a handoff gives it back,
// and by which facts.
func (d *deciding) givesBack(t *typ, rec *state.Record, h state.Handoff) (f *facts, yes bool) {
	if !t.returned.given || h.Stage != state.Assigned && h.Stage != state.Accepted && h.Stage != state.Touched {
		return nil, false
	}
	f = d.judged(rec, h)
	return f, t.returned.when.holds(f) && f.wait == ""
}

// returns takes back what the receiver gives back. It reports whether they do.
func (d *deciding) returns(t *typ, rec *state.Record, h state.Handoff) bool {
	f, yes := d.givesBack(t, rec, h)
	if !yes {
		return false
	}
	by, at := t.returned.when.doer(f, h) // on their own task
	if at.IsZero() && rec.Fields[ownID] == "" && age(rec, h) == 0 {
		return false
	}
	handled, asked := d.handledSince(t, rec, h)
	if !asked {
		return true
	}
	if handled {
		d.because(d.why("", "a person has set the owner of %s since it was written: it is left so", rec.Ref))
		h.Stake = ceded(h.Stake, h.Stake.Value)
	}
	if at.IsZero() {
		by, at = h.Owner, d.bounded(d.changedAt(rec))
		if was, known := d.v.Handoff(h.ID); known && !was.Written.IsZero() {
			by = was.Owner // who had it until this reading
		}
		if who := d.shownStill(t, rec, h); who != "" {
			by = who
		}
		who := f.user(f.conn, rec.ModifiedBy)
		if who != by && rec.Fields[ownStatus] == statusReturned && d.receives(h, who) {
			if who, asked = d.sayer(rec, f, h.AssignedAt); !asked {
				return true
			}
		}
		if d.receives(h, who) {
			by = who
		}
	}
	r := state.Return{By: by, At: at, Rule: routedBy(h)}
	if d.saysWhy(rec, h, r) {
		r.Reason, r.Note = t.returned.reason(rec)
	}
	r.To = d.takesBack(t, h)
	if r.To == "" {
		r.To = h.Owner
		d.list(listUnowned, h.ID, h.Type+": returned by "+r.By+", and nobody is there to take it back")
	}
	done, err := handoff.Return(h, r)
	if err != nil {
		return false
	}
	why := d.why(where(t.returned.pos), "returned by %s: %s", r.By, orNone(r.Reason))
	d.because(why)
	detail := map[string]string{"by": r.By, "to": r.To, "reason": r.Reason, "rule": r.Rule, "then": t.returned.then}
	if by := h.Due[clockReturn]; !by.IsZero() && r.At.After(by) {
		detail["late"] = by.Format(time.RFC3339)
		done.Late = withInstant(done.Late, clockReturn, r.At)
		d.list(listReturned, h.ID, fmt.Sprintf("%s: returned by %s at %s, after %s (%s)", h.Type, r.By, r.At.Format(time.RFC3339), by.Format(time.RFC3339), orNone(r.Reason)))
	}
	d.audit("returned", h.ID, detail)
	d.quiet(done)
	done = d.withdraw(done)
	done = d.settled(done)
	d.credit(h)
	d.put(done)
	if !d.goesOn(t, rec, done, why) {
		d.put(d.giveBack(t, rec, h, done))
	}
	done = d.current(done)
	d.put(d.tasksOver(done)) // they are made anew for whoever gets it next
	if r.Reason == "" && t.returned.required {
		d.c.Timers = append(d.c.Timers, state.Timer{ID: timerID(h.ID, clockReason, 0), Handoff: h.ID, Clock: clockReason, Due: d.now.Add(t.returned.askAfter)})
	}
	return true
}

func withInstant(m map[string]time.Time, k string, at time.Time) map[string]time.Time {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]time.Time{}
	}
	out[k] = at
	return out
}

func orNone(reason string) string {
	if reason == "" {
		return "no reason given"
	}
	return reason
}

// reason is what the receiver wrote: a reason of the list in its own spelling,
// else their words.
func (r *returning) reason(rec *state.Record) (reason, note string) {
	reason, note = strings.TrimSpace(rec.Fields[ownReturnReason]), rec.Fields[ownReturnNote]
	if i := slices.IndexFunc(r.reasons, func(s string) bool { return strings.EqualFold(s, reason) }); i >= 0 {
		reason = r.reasons[i]
	}
	return reason, note
}

// routedBy is the rule that gave a handoff its owner (G7).
func routedBy(h state.Handoff) string {
	if n := len(h.Why); n > 0 {
		return h.Why[n-1].Rule
	}
	return ""
}

// takesBack is who answers for what comes back: the giver, or who leads the
// team; and the other of the two where there is none.
func (d *deciding) takesBack(t *typ, h state.Handoff) string {
	manager := ""
	if team := d.r.teams[h.Team]; team != nil {
		manager = team.manager
	}
	all := []string{h.Giver, manager}
	if t.returned.then == thenQueue || t.returned.then == thenNext {
		all = []string{manager, h.Giver}
	}
	if p := d.r.people[h.Owner]; p != nil {
		all = append(all, p.manager)
	}
	for _, who := range all {
		if who != "" && who != h.Owner {
			return who
		}
	}
	return ""
}

// credit gives the turn back to who was drawn and has returned it.
func (d *deciding) credit(h state.Handoff) {
	team := d.r.teams[h.Team]
	if team == nil || !strings.Contains(routedBy(h), ownerRule) {
		return
	}
	i := slices.IndexFunc(team.members, func(m member) bool { return m.who == h.Owner })
	name := d.poolOf(team, h)
	pool, ok := d.v.Pool(name)
	if j := slices.IndexFunc(d.c.Pools, func(p state.Pool) bool { return p.Team == name }); j >= 0 {
		pool, ok = d.c.Pools[j], true
	}
	if !ok || i < 0 {
		return
	}
	d.c.Pools = append(d.c.Pools, route.CreditOf(pool, h.Tier, h.Owner, team.members[i].weight))
	d.audit(route.ActionCredited, h.ID, map[string]string{"owner": h.Owner, route.DetailTeam: name, "tier": h.Tier})
}

// giveBack writes a return: the owner and handoffd's own fields in one write,
// and one task for who has it again.
func (d *deciding) giveBack(t *typ, rec *state.Record, was, h state.Handoff) state.Handoff {
	set := map[string]any{
		ownStatus: statusReturned, ownAccountable: h.Accountable,
		ownQuality: returnedQuality(h),
	}
	if h.Record != h.Target && h.Record.ID != "" && d.shows(h.Record, was) {
		h = d.intend(h, stepReturn+stepHere, connectors.Write{Ref: h.Record, Set: maps.Clone(set), Key: key(h, stepReturn+stepHere, "set")})
	}
	c := d.r.byConn[h.Target.Conn]
	at := rec
	if rec.Ref != h.Target {
		if known, ok := d.v.Record(h.Target); ok {
			at = &known
		}
	}
	if d.saysNothing(at, h) {
		all := d.heirSet(t, at, h)
		delete(all, ownReturnReason) // it is about this one
		delete(all, ownReturnNote)
		maps.Copy(all, set)
		set = all
	}
	if !d.shows(h.Target, was) {
		set = map[string]any{}
		if h.Returned.Reason != "" || h.Returned.Note != "" {
			clearReason(set, at)
		}
	}
	h = d.writeReturn(t, c, at, h, set)
	return d.taskFor(h, c, stepGiverTask, h.Accountable, d.cameBack(at, h), h.Returned.Note)
}

// writeReturn gives the record back to whoever takes it, unless somebody has
// changed its owner meanwhile. Where the receiver stands in a field of their
// own, beside the owner, it is cleared.
func (d *deciding) writeReturn(t *typ, c *conn, at *state.Record, h state.Handoff, set map[string]any) state.Handoff {
	name, ok := c.m.WriteName(h.Target.Kind, t.becomes)
	u, known := d.user(c, h.Accountable)
	w := connectors.Write{Ref: h.Target, Set: set, Key: key(h, stepReturn, "set")}
	before := lastKnown(t, h, at)
	if s := h.Stake; s != nil && pending(s) && before.since.Before(s.Over) { // what was read is older than what it rests on
		before.who, before.since, before.hidden = s.Was, s.Over, true
	}
	elsewhere := d.elsewhereOwned(t, c, h, h.Target)
	if elsewhere {
		d.toldOnly(h, h.Target, h.Accountable)
	}
	held := at.Ref == h.Target && ok && !elsewhere && (d.r.facts(d.now, d.v, at).user(c, before.who) == h.Owner || unstood(h, before.who))
	var to any
	if t.becomes == wordOwner {
		to = u.ID
	}
	left := h.Stake != nil && h.Stake.Ceded != "" && h.Stake.Ceded == before.who
	if !held || left || t.becomes == wordOwner && (!known || !u.Active || u.ID == before.who) || d.sharesReceiver(t, h) {
		if t.becomes == wordOwner && (!known || !u.Active) {
			d.list(listUnowned, h.ID, h.Type+": "+h.Accountable+" can own nothing in "+c.name+", so "+h.Owner+" stays the owner of what was returned")
		}
		if len(set) == 0 {
			return h
		}
		return d.intend(h, stepReturn, w)
	}
	set[name] = to
	w.IfVersion = before.version
	return d.intendSeen(h, stepReturn, w, before.seen(name, d.readOf(at.Ref), true))
}

// unstood reports whether somebody stands on a record over whom a write of ours was to
// put the receiver, and has not: nobody has chosen them.
func unstood(h state.Handoff, who string) bool {
	return h.Stake != nil && h.Stake.Ceded == "" && h.Stake.Was == who && pending(h.Stake)
}

// pending reports whether the last write of the owner that was planned does not stand.
// One that comes after another keeps that one's stamp.
func pending(s *state.Stake) bool { return s.Stamp.IsZero() || s.Stamp.Before(s.Over) }

// sharesReceiver reports whether another open handoff has put the same person into the
// same field: they keep it.
func (d *deciding) sharesReceiver(t *typ, h state.Handoff) bool {
	return slices.ContainsFunc(d.sharing(h.Target, h), func(o state.Handoff) bool {
		other := d.r.byName[o.Type]
		return other != nil && other.becomes == t.becomes && o.Owner == h.Owner
	})
}

// titleOf names a record to a person.
func (d *deciding) titleOf(rec *state.Record) string { return titled(rec) }

// taskFor plans a task for a person beside the receiver's own.
func (d *deciding) taskFor(h state.Handoff, c *conn, step, who, subject, body string) state.Handoff {
	set := map[string]any{
		connectors.TaskSubject: subject, connectors.TaskBody: body, connectors.TaskZone: d.r.calendarOf(who).Zone().String(),
		connectors.TaskPriority: "high", connectors.TaskType: "todo", connectors.TaskStatus: "open", connectors.TaskDue: text(d.now.Add(time.Hour)),
	}
	if body == "" {
		delete(set, connectors.TaskBody)
	}
	if u, ok := d.user(c, who); ok {
		set[connectors.TaskOwner] = u.ID
	}
	w := connectors.Write{Ref: connectors.Ref{Conn: c.name, Kind: connectors.Task}, Set: set, Key: key(h, step, "create")}
	if h.Target.ID != "" {
		w.Links = append(w.Links, h.Target)
		if h.Account.Conn == c.name && h.Account != h.Target {
			w.Links = append(w.Links, h.Account)
		}
	}
	return d.intend(h, step, w)
}

// contestBack settles the write of a return, or of a person's owner that is put back,
// which came upon a change: who has given the record to somebody else meanwhile is left
// alone, anything else is written again on the new version.
func (d *deciding) contestBack(h state.Handoff, ev Delivered) {
	i := ev.Intent
	rec, ok := d.v.Record(i.Write.Ref)
	t, c := d.r.byName[h.Type], d.r.byConn[i.Write.Ref.Conn]
	if t == nil || c == nil || rec.Deleted {
		d.put(h)
		return
	}
	if i.Write.Set[ownQuality] != nil {
		i.Write.Set = maps.Clone(i.Write.Set)
		i.Write.Set[ownQuality] = returnedQuality(h) // the reason may have followed
	}
	name, _ := c.m.WriteName(i.Write.Ref.Kind, t.becomes)
	version, expect := i.Write.IfVersion, i.Expect
	if ok && rec.Version > version {
		version = rec.Version
		if now := blankNil(rec.Fields[t.becomes]); now != nil && now == i.Write.Set[name] {
			expect = map[string]any{name: now} // it stands already: the answer was lost
		} else if who, _ := now.(string); attempted(h, who) {
			expect = map[string]any{name: now} // an earlier write of ours has come through late
		} else if now != i.Expect[name] {
			d.put(d.stillTell(h, i))
			return
		}
	}
	d.put(d.again(h, i, i.Write.Ref, expect, version))
}

// firedLate does what a timer was set for that speaks of handoffs which may be
// over, and reports whether it was one of those.
func (d *deciding) firedLate(h state.Handoff, clock string) bool {
	switch clock {
	case clockReason:
		d.askReason(h)
	case clockTried:
		d.attemptsOver(h)
	default:
		return false
	}
	return true
}

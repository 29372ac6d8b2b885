package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// cannotOwn deals with a CRM that refuses the receiver as an owner: they left
// between the decision and the write (C14). The handoff goes to their backup,
// else to who answers for them. It reports whether it did.
func (d *deciding) cannotOwn(h state.Handoff, ev Delivered) bool {
	t, c := d.r.byName[h.Type], d.r.byConn[ev.Intent.Write.Ref.Conn]
	step := ev.Intent.Step
	if t == nil || c == nil || step != stepAssign && step != stepCreate || ev.Class != connectors.Invalid.String() {
		return false
	}
	name, ok := c.m.WriteName(ev.Intent.Write.Ref.Kind, t.becomes)
	if _, set := ev.Intent.Write.Set[name]; !ok || !set || !slices.Contains(ev.Fields, name) {
		return false
	}
	was := h.Owner
	d.left(c.name, fmt.Sprint(ev.Intent.Write.Set[name]))
	next, u := d.inPlaceOf(h, c, fmt.Sprint(ev.Intent.Write.Set[name]))
	if next == "" {
		d.list(listUnowned, h.ID, h.Type+": "+was+" can own nothing in "+c.name+", and neither can their backup or manager")
		return false
	}
	passed, err := handoff.PassOn(h, next)
	if err != nil {
		return false
	}
	d.because(d.why("", "%s can own nothing in %s any more: %s takes it", was, c.name, next))
	d.audit("passed on", h.ID, map[string]string{"owner": next, "was": was, "error": ev.Err})
	d.drop(ev.Intent.Write.Key)
	w := ev.Intent.Write
	w.Set = maps.Clone(w.Set)
	w.Set[name] = u.ID
	if w.Set[ownAccountable] == was {
		w.Set[ownAccountable] = next
	}
	why := d.why(routedBy(h), "%s: in place of %s, who can own nothing in %s any more", next, was, c.name)
	passed.Why = append(slices.Clone(passed.Why), why)
	told := w.Set[ownWhy]
	w.Set[ownWhy] = why.Text
	w.Set = saying(w.Set, ownBrief, told, why.Text)
	if step == stepAssign {
		w.Key = key(h, stepAssign, "set "+next)
		if s := passed.Stake; s != nil {
			passed.Stake = &state.Stake{Field: s.Field, Value: u.ID, Was: s.Was, Over: s.Over, Tried: s.Tried, Under: s.Under}
		}
	}
	passed = d.intendSeen(passed, step, w, seen{expect: ev.Intent.Expect, read: ev.Intent.ReadAt, over: ev.Intent.Over, atRisk: ev.Intent.AtRisk})
	passed = d.passTask(passed, u.ID)
	if i, waits := d.waiting(passed.Effects[stepTask].Key); waits {
		passed = d.renew(passed, i, saying(i.Write.Set, connectors.TaskBody, told, why.Text))
	}
	d.put(passed)
	return true
}

// saying is what a write sets, with another sentence in one of its texts: the brief of
// whoever takes a handoff does not tell them why somebody else got it.
func saying(set map[string]any, field string, was any, now string) map[string]any {
	text, _ := set[field].(string)
	sentence, _ := was.(string)
	if text == "" || sentence == "" {
		return set
	}
	set = maps.Clone(set)
	set[field] = strings.Replace(text, sentence, now, 1)
	return set
}

// staysWith takes back that a handoff goes to somebody else, because the CRM
// refuses them as an owner: whom it shows has it until somebody can, and where it
// has ended meanwhile, for good. It reports whether it did.
func (d *deciding) staysWith(h state.Handoff, ev Delivered) bool {
	t, c := d.r.byName[h.Type], d.r.byConn[ev.Intent.Write.Ref.Conn]
	if t == nil || c == nil || ev.Intent.Step != stepReassign || ev.Class != connectors.Invalid.String() {
		return false
	}
	name, ok := c.m.WriteName(ev.Intent.Write.Ref.Kind, t.becomes)
	refused, set := ev.Intent.Write.Set[name]
	if !ok || !set || !slices.Contains(ev.Fields, name) {
		return false
	}
	d.left(c.name, fmt.Sprint(refused))
	shown, _ := ev.Intent.Expect[name].(string)
	back, err := handoff.Revert(h, d.hadBefore(h, c, shown), "keeps it, for "+h.Owner+" can own nothing in "+c.name)
	if err != nil {
		return false
	}
	if s := h.Stake; s != nil {
		back.Stake = &state.Stake{Field: s.Field, Value: shown, Was: shown, Over: s.Over, Stamp: s.Over, Checked: true, Under: s.Under}
	}
	d.because(back.Why[len(back.Why)-1])
	d.list(listUnowned, h.ID, h.Type+": "+h.Owner+" can own nothing in "+c.name+", so it stays with "+back.Owner)
	d.audit("kept", h.ID, map[string]string{"owner": back.Owner, "was": h.Owner, "error": ev.Err})
	if u, ok := d.user(c, back.Owner); ok && back.Stage.Open() {
		back = d.itemsTo(d.passTask(back, u.ID), h.Owner)
	}
	d.put(handoff.Forget(back, stepReassign))
	return true
}

// hadBefore is which of those who had a handoff the CRM shows; else the last of them.
func (d *deciding) hadBefore(h state.Handoff, c *conn, shown string) (who string) {
	u, _ := d.v.User(c.name, shown)
	for _, past := range h.Holders {
		if who = past.Who; who == u.Email {
			break
		}
	}
	return who
}

// inPlaceOf is who takes a handoff that its receiver cannot own: the backup,
// their manager, the team's, the giver.
func (d *deciding) inPlaceOf(h state.Handoff, c *conn, refused string) (string, connectors.User) {
	all := []string{h.Backup}
	if p := d.r.people[h.Owner]; p != nil {
		all = append(all, p.backup, p.manager)
	}
	if team := d.r.teams[h.Team]; team != nil {
		all = append(all, team.manager)
	}
	for _, who := range append(all, h.Giver) {
		if u, ok := d.user(c, who); ok && u.Active && u.ID != refused && who != h.Owner {
			return who, u
		}
	}
	return "", connectors.User{}
}

// passTask gives the task of a handoff to somebody else: as it leaves, or
// where it stands, in place of who was to get it before. One that may be there
// already is looked at when that is known ([deciding.taskStands]).
func (d *deciding) passTask(h state.Handoff, owner string) state.Handoff {
	e := h.Effects[stepTask]
	if i, waits := d.waiting(e.Key); waits && e.State != handoff.Done {
		set := maps.Clone(i.Write.Set)
		set[connectors.TaskOwner] = owner
		h = d.renew(h, i, set)
		e = h.Effects[stepTask]
		e.At = d.now
		return handoff.Track(h, stepTask, e)
	}
	if e.State == handoff.Done && e.Ref.ID != "" {
		w := connectors.Write{Ref: e.Ref, Set: map[string]any{connectors.TaskOwner: owner}, Links: []connectors.Ref{h.Target}, Key: key(h, stepTaskOwner, owner)}
		if past := tookTask(h); past != nil && !passedSince(h, past.Until) && untaken(h) {
			w.Set[connectors.TaskStatus] = "open"
		}
		if last := h.Effects[stepTaskOwner]; last.State == sent && last.Key != w.Key {
			d.drop(last.Key)
		}
		return d.intend(h, stepTaskOwner, w)
	}
	return h
}

// passedSince reports whether the task of a handoff has been passed on since an instant.
func passedSince(h state.Handoff, at time.Time) bool {
	e := h.Effects[stepTaskOwner]
	return e.State == handoff.Done && !e.At.Before(at)
}

// untaken reports whether nobody has taken up the task of a handoff who has it still.
func untaken(h state.Handoff) bool {
	w := workOf(h)
	return w.Ticked.IsZero() && w.Started.IsZero() && w.Deferred.IsZero()
}

// taskStands settles a task that stands in the CRM: it is ticked off where there is
// nothing left to do, and passed on where somebody else was given the handoff while it
// was on its way.
func (d *deciding) taskStands(h state.Handoff, ev Delivered) state.Handoff {
	if h.Stage == state.Completed || h.Stage == state.Returned || h.Stage == state.Cancelled {
		return d.closeTask(h)
	}
	u, known := d.user(d.r.byConn[ev.Intent.Write.Ref.Conn], h.Owner)
	if !known || !h.Stage.Open() || slices.Contains(ev.Skipped, connectors.TaskOwner) {
		return h
	}
	planned, _ := d.v.Handoff(h.ID)
	since := ev.Intent.SentAt
	if ev.Intent.Write.Set[connectors.TaskOwner] == any(u.ID) && (since.IsZero() || !planned.Effects[stepTask].At.After(since)) {
		return h
	}
	return d.passTask(h, u.ID)
}

// ownerLeft gives a handoff whose receiver can own nothing any more to their
// backup, else to who answers for them, whatever stage it is in (C14). It
// reports whether it did.
func (d *deciding) ownerLeft(t *typ, h state.Handoff) bool {
	c := d.r.byConn[h.Target.Conn]
	u, ok := d.user(c, h.Owner)
	switch h.Stage {
	case state.Assigned, state.Accepted, state.Touched, state.Stalled:
	default:
		return false
	}
	if !ok || u.Active || h.Frozen != "" {
		return false
	}
	next, _ := d.inPlaceOf(h, c, u.ID)
	if next == "" {
		d.list(listUnowned, h.ID, h.Type+": "+h.Owner+" is inactive in "+c.name+", and so are their backup and manager, or there are none")
		return false
	}
	was := h.Owner
	d.handTo(t, h, choice{
		owner: next, because: "in place of " + was + ", who is inactive in " + c.name, where: routedBy(h), team: d.r.teams[h.Team],
	}, Reassign{By: actor})
	return d.current(h).Owner != was
}

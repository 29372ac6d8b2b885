package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// A checklist is what giver and receiver have to do, one task each. The giver's
// part comes before the transfer, and the transfer waits for it. A thing is
// done when its task is ticked off, or when its proof is seen.

// lists adds a thing of the checklist to a handoff, where it is wanted and not
// there yet. otherwise is its deadline where it has none of its own.
func (d *deciding) lists(t *typ, f *facts, h state.Handoff, c *checkItem, otherwise time.Time) state.Handoff {
	if !c.when.holds(f) {
		return h
	}
	who := d.doer(t, f, h, c.who)
	by := otherwise
	if c.within.given() {
		cal := d.r.calendarOf(who)
		by = c.within.reach(cal, d.begins(f, cal, c.within, h.Signals[0]), 100)
	}
	return handoff.Lists(h, state.Item{Step: c.step, Do: c.do, Who: who, Gives: c.who == doGiver && h.Owner == "", By: by, Rule: where(c.pos)})
}

// doer is who does a thing of a handoff.
func (d *deciding) doer(t *typ, f *facts, h state.Handoff, role string) string {
	switch role {
	case doGiver:
		return d.holder(f, h)
	case doSupport:
		if h.Support != "" {
			return h.Support
		}
		if who := f.user(f.conn, f.value(t.support)); who != "" {
			return who
		}
		return d.holder(f, h)
	}
	return h.Owner
}

// handed sets up what comes with a transfer: the checklist, its milestones, and
// the giver's task where something is missing.
func (d *deciding) handed(t *typ, f *facts, h state.Handoff) state.Handoff {
	h = d.watchBack(t, f, h)
	if h.Target.ID == "" {
		return h // once the record is there
	}
	for i := range t.after {
		h = d.lists(t, f, h, &t.after[i], time.Time{})
	}
	h = d.shown(f, h)
	for i := range h.Items {
		h = d.itemTask(t, f, h, i)
	}
	h = d.dates(t, f, h)
	if len(h.Missing) > 0 {
		s := d.survey(t, f)
		h = d.chase(t, f, h, &s, false)
	}
	return h
}

// handedLater is handed for a record that had to be made first.
func (d *deciding) handedLater(h state.Handoff) state.Handoff {
	t, f, ok := d.matter(h)
	if !ok || h.Stage != state.Assigned {
		return h
	}
	if c := d.r.byConn[h.Target.Conn]; c != nil {
		f.to = c
	}
	return d.handed(t, f, h)
}

// itemTask makes the task of a thing that is still to be done.
func (d *deciding) itemTask(t *typ, f *facts, h state.Handoff, at int) state.Handoff {
	i := h.Items[at]
	if !i.Done.IsZero() || i.After.After(d.now) || h.Observed {
		return h
	}
	on := h.Target
	if i.Gives || on.ID == "" {
		on = f.rec.Ref
	}
	p := t.proofOf(i.Step)
	first := h.Effects[i.Step].Key == ""
	h = d.chore(h, chore{
		step: i.Step, who: i.Who, subject: i.Do + ": " + titled(f.rec), body: d.itemText(t, h, i, p), kind: taskKind(p), priority: "medium", due: d.shownDue(h, i), on: on,
	})
	if first && (i.After.IsZero() || i.By.After(d.now) || h.Effects[i.Step].Key != "") {
		d.timer(h, clockItem, at, i.By) // one that nobody could be given would fire for ever
	}
	return h
}

func taskKind(p proof) string {
	if p.activity == "call" || p.activity == "email" {
		return p.activity
	}
	return "todo"
}

// itemText says what a task of the checklist belongs to, and how it is noticed.
func (d *deciding) itemText(t *typ, h state.Handoff, i state.Item, p proof) string {
	lines := []string{strings.TrimSuffix(t.said(), ".") + "."}
	switch {
	case i.Gives:
		lines = append(lines, "The handoff waits for this.")
	case h.Owner != "" && h.Owner != i.Who:
		lines = append(lines, "The receiver is "+h.Owner+".")
	}
	switch {
	case p.activity != "":
		lines = append(lines, "It is done when you tick this off, or when the CRM shows the "+p.activity+".")
	case p.field.given():
		lines = append(lines, "It is done when you tick this off, or when "+p.field.said()+" is filled.")
	default:
		lines = append(lines, "It is done when you tick this off.")
	}
	return strings.Join(lines, "\n")
}

// said is what a type is about, for a person.
func (t *typ) said() string {
	if t.what != "" {
		return t.what
	}
	return strings.ReplaceAll(t.name, "_", " ")
}

// proofOf is what shows that a thing of a step is done.
func (t *typ) proofOf(step string) proof {
	for _, list := range [][]checkItem{t.before, t.after} {
		for i := range list {
			if list[i].step == step {
				return list[i].proof
			}
		}
	}
	for i := range t.milestones {
		if t.milestones[i].step == step {
			return t.milestones[i].proof
		}
	}
	return proof{}
}

// shown ticks off what a field of the record shows to be done.
func (d *deciding) shown(f *facts, h state.Handoff) state.Handoff {
	t := d.r.byName[h.Type]
	for at := range h.Items {
		i := h.Items[at]
		if p := t.proofOf(i.Step); i.Done.IsZero() && p.field.given() && !i.After.After(d.now) && f.value(p.field) != "" {
			h = d.itemDone(t, h, at, d.now, p.field.said()+" is filled")
		}
	}
	return h
}

// proven looks whether an activity does a thing of the checklist. Loosely, when
// only the account says that it is about the handoff, it has to be theirs.
func (d *deciding) proven(t *typ, h state.Handoff, a act, loose bool) {
	if h.Observed || !a.contact() {
		return
	}
	at, changed := d.bounded(a.at), false
	for n := range h.Items {
		if how := d.proves(t, h, h.Items[n], a, at, loose); how != "" {
			h, changed = d.itemDone(t, h, n, at, how), true
		}
	}
	if early, is := d.heldEarly(t, h, a, at, loose); is {
		h, changed = early, true
	}
	if changed {
		d.itemsChanged(t, h)
	}
}

// itemsChanged puts a handoff whose checklist has moved on, and moves the
// handoff on with it.
func (d *deciding) itemsChanged(t *typ, h state.Handoff) {
	d.put(h)
	if h.Stage == state.Held {
		d.seenAnew(h)
		return
	}
	if h.Stage.Open() {
		d.advance(t, d.recordOf(t, h), h)
	}
}

// ticked marks the item of a checklist whose task was ticked off. Work that
// nobody proved is taken for done: it is the person's word.
func (d *deciding) ticked(t *typ, h state.Handoff, step string, a act) {
	n := itemAt(h, step)
	if n < 0 || !h.Items[n].Done.IsZero() {
		return
	}
	d.itemsChanged(t, d.itemDone(t, h, n, d.now, tickedOff+" by "+orNobody(a.owner)))
}

const tickedOff = "its task was ticked off"

// proves says how an activity shows that a thing is done; "" where it does not.
func (d *deciding) proves(t *typ, h state.Handoff, i state.Item, a act, at time.Time, loose bool) string {
	p := t.proofOf(i.Step)
	theirs := a.owner == i.Who || p.activity == actMeeting && !loose
	switch {
	case p.activity == "" || !i.Done.IsZero() || i.After.After(d.now) || a.typ != p.activity:
	case at.Before(since(h, i)) || a.towards == towardsUs || a.outcome == outcomeNoShow || !theirs:
	default:
		return "the " + p.activity + " of " + at.Format(time.RFC3339)
	}
	return ""
}

// since is when a thing was there to be done.
func since(h state.Handoff, i state.Item) time.Time {
	switch {
	case !i.After.IsZero():
		return i.After
	case i.Gives || h.AssignedAt.IsZero():
		return h.DetectedAt
	}
	return h.AssignedAt
}

// itemDone ticks off one thing. One that was to come after all the others is
// flagged where it did not (3.62).
func (d *deciding) itemDone(t *typ, h state.Handoff, at int, when time.Time, how string) state.Handoff {
	i := h.Items[at]
	h = handoff.Change(h, at, func(i *state.Item) { i.Done = when })
	d.stop(h, clockItem, at)
	d.because(d.why(i.Rule, "%s: done, %s", i.Do, how))
	d.audit("item done", h.ID, map[string]string{"item": i.Do, "who": i.Who, "how": how, "late": yesIf(!i.By.IsZero() && when.After(i.By))})
	if !strings.HasPrefix(how, tickedOff) {
		h = d.choreDone(h, i.Step)
	}
	if open := openBefore(t, h, i.Step); len(open) > 0 {
		d.outOfOrder(h, i.Do, i.Rule, open)
	}
	return h
}

// openBefore are the things that had to come before a step, and have not.
func openBefore(t *typ, h state.Handoff, step string) []string {
	last := false
	for i := range t.after {
		last = last || t.after[i].step == step && t.after[i].afterAll
	}
	var open []string
	for _, i := range h.Items {
		if i.Step == step {
			break
		}
		if i.Done.IsZero() && i.After.IsZero() {
			open = append(open, i.Do)
		}
	}
	if !last {
		return nil
	}
	return open
}

func (d *deciding) outOfOrder(h state.Handoff, do, rule string, open []string) {
	d.because(d.why(rule, "%s came before %s", do, strings.Join(open, ", ")))
	d.list(listChecklist, h.ID, h.Type+" of "+h.Owner+": "+do+", before "+strings.Join(open, ", ")+" ("+rule+")")
	d.audit("out of order", h.ID, map[string]string{"item": do, "open": strings.Join(open, ", "), "owner": h.Owner})
}

// kickoffEarly is under which the meeting that came too early is remembered.
const kickoffEarly = clockKickoff + " early"

// heldEarly flags a meeting with the buyer that was held before what has to
// come before it, where the checklist ends in such a meeting and does not take
// the meeting itself as its proof (3.62).
func (d *deciding) heldEarly(t *typ, h state.Handoff, a act, at time.Time, loose bool) (state.Handoff, bool) {
	if a.typ != actMeeting || a.outcome == outcomeNoShow || h.AssignedAt.IsZero() || at.Before(h.AssignedAt) || loose && a.owner != h.Owner || !h.Late[kickoffEarly].IsZero() {
		return h, false
	}
	for i := range t.after {
		c := &t.after[i]
		if !c.afterAll || c.proof.activity != "" {
			continue
		}
		if open := openBefore(t, h, c.step); len(open) > 0 {
			d.outOfOrder(h, "a meeting was held", where(c.pos), open)
			h.Late = lateFor(h.Late, kickoffEarly, at)
			return h, true
		}
	}
	return h, false
}

// checklistDone reports whether everything on the checklist of a handoff is
// done; a handoff without one has nothing left to do.
func checklistDone(h state.Handoff) bool {
	for _, i := range h.Items {
		if i.After.IsZero() && i.Done.IsZero() {
			return false
		}
	}
	return true
}

// givenDone reports whether the giver has done everything that was theirs.
func givenDone(h state.Handoff) bool {
	return !slices.ContainsFunc(h.Items, func(i state.Item) bool { return i.Gives && i.Done.IsZero() })
}

// itemsTo gives what is left of the receiver's checklist to who has the handoff
// now.
func (d *deciding) itemsTo(h state.Handoff, was string) state.Handoff {
	t, f, ok := d.matter(h)
	if !ok || was == h.Owner {
		return h
	}
	for at := range h.Items {
		i := h.Items[at]
		if i.Gives || i.Who != was || !i.Done.IsZero() {
			continue
		}
		h = handoff.Change(h, at, func(i *state.Item) { i.Who = h.Owner })
		if h.Effects[i.Step].Key != "" {
			h = d.itemTask(t, f, h, at)
		}
	}
	return h
}

// itemDue speaks of a thing of the checklist whose time is up, or makes the
// task of a milestone whose time has come. step is its index in h.Items; fresh
// says that the record has just been read.
func (d *deciding) itemDue(h state.Handoff, step int, ev Fired) {
	if step < 0 || step >= len(h.Items) || h.Observed {
		return
	}
	t, f, ok := d.matter(h)
	if !ok {
		return
	}
	if h = d.shown(f, h); !h.Items[step].Done.IsZero() {
		d.put(h)
		return
	}
	if i := h.Items[step]; !i.After.IsZero() && h.Effects[i.Step].Key == "" {
		wanted := false
		if h, wanted = d.milestoneDue(t, f, h, step); !wanted || h.Effects[i.Step].Key != "" || i.By.After(d.now) {
			d.put(h)
			return
		}
	}
	i := h.Items[step]
	if !i.Late.IsZero() {
		d.put(h)
		return
	}
	detail := map[string]string{"item": i.Do, "who": i.Who, "by": i.By.Format(time.RFC3339), "manager": d.managerOf(i.Who), "rule": i.Rule}
	if seen := ev.unseen(); seen != "" {
		detail["seen"] = seen
	}
	d.audit("item late", h.ID, detail)
	d.list(listChecklist, h.ID+" "+strconv.Itoa(step), h.Type+": "+i.Do+" was due at "+i.By.Format(time.RFC3339)+", by "+orNobody(i.Who)+" ("+i.Rule+")")
	h = handoff.Change(h, step, func(i *state.Item) { i.Late = d.now })
	zone := d.calendarOf(d.managerOf(i.Who)).Zone()
	d.put(d.sayManager(h, clockItem, i.Who, i.Do+": "+d.buyer(f, h), "It was to be done by "+clockText(i.By, zone)+", and it is with "+orNobody(i.Who)+". Is somebody away or tied up?"))
}

func (d *deciding) managerOf(who string) string {
	if p := d.r.people[who]; p != nil {
		return p.manager
	}
	return ""
}

// choreSettled brings a task that has just been made up to what has happened
// meanwhile.
func (d *deciding) choreSettled(h state.Handoff, step string, ref connectors.Ref) state.Handoff {
	if step == stepChase {
		if len(h.Missing) == 0 || ended(h) || h.Stage == state.Returned {
			return d.choreDone(h, step)
		}
		return h
	}
	if ratingOf(step) != nil {
		return d.rateSettled(h, step)
	}
	for at := range h.Items {
		if h.Items[at].Step != step {
			continue
		}
		h = handoff.Change(h, at, func(i *state.Item) { i.Task = ref })
		if !h.Items[at].Done.IsZero() || h.Items[at].Gives && ended(h) || h.Stage == state.Cancelled || h.Stage == state.Returned {
			return d.choreDone(h, step)
		}
	}
	return h
}

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

// A gate waits for what has to travel: the required context, and the giver's
// part of the checklist. The handoff is held, and the giver, who is accountable
// meanwhile, has one task that says what is missing. Any later change that
// completes it lets it go on. Without a gate the handoff goes on at once and
// the same task chases the giver.

const (
	stepHold  = "hold"  // own fields while it is held
	stepChase = "chase" // the giver's task: what is missing
	stepKnown = "known" // the own fields that tell how complete it is
	// clockChase asks the giver once more.
	clockChase = "chase"

	holdRecheck  = 1 // the step of clockHold that looks again
	recheckEvery = time.Hour
	// tellAgain spaces out what is said about one record while somebody fills
	// in field after field.
	tellAgain = 10 * time.Minute

	listPreparation = "preparation" // not begun before it should have been (3.28)
	listChecklist   = "checklist"
)

// prepare looks at what has to travel before anybody gets the handoff. It
// reports whether it may go on; one that may not is held and put.
func (d *deciding) prepare(t *typ, f *facts, h state.Handoff, tier *tier) (state.Handoff, bool) {
	s := d.survey(t, f)
	h = handoff.Knows(h, s.complete, s.lacks())
	until := d.holdUntil(t, f, h, tier)
	for i := range t.before {
		h = d.lists(t, f, h, &t.before[i], until)
	}
	return d.gate(t, f, d.shown(f, h), tier, &s, until)
}

// gate holds what still lacks something that has to travel, and puts it. It
// reports whether the handoff may go on instead.
func (d *deciding) gate(t *typ, f *facts, h state.Handoff, tier *tier, s *survey, until time.Time) (state.Handoff, bool) {
	waits := d.waitsFor(t, h, s)
	if len(waits) == 0 {
		return h, true
	}
	held, err := handoff.Hold(h, handoff.Wait{
		Clocks: d.clocks(f, tier, "", h.Signals[0]), Accountable: d.holder(f, h), Note: "waits for " + strings.Join(waits, ", "),
		Why: h.Why, At: d.now, Until: until,
	})
	if err != nil {
		d.because(d.why("", "%v", err))
		return h, false
	}
	d.because(append(slices.Clone(held.Why), d.why(where(t.context.pos), "%s", held.Note))...)
	d.audit("held", h.ID, map[string]string{"type": t.name, "accountable": held.Accountable, "until": until.Format(time.RFC3339), "waits_for": strings.Join(waits, ", "), "observed": yesIf(h.Observed)})
	d.list(listContext, f.rec.Ref.String(), t.name+": "+held.Note)
	if held.Accountable == "" {
		d.list(listUnowned, h.ID, t.name+": it is held, and nobody gives it: "+held.Note)
	}
	if held.Observed {
		d.observe(held)
		return held, false
	}
	d.timer(held, clockHold, 0, until)
	d.timer(held, clockHold, holdRecheck, d.now.Add(recheckEvery))
	held = d.chase(t, f, held, s, false)
	for i := range held.Items {
		held = d.itemTask(t, f, held, i)
	}
	d.put(d.tellHeld(t, f, held, s))
	return held, false
}

// holdUntil is when a gate has been shut for too long: by the type's own
// count, or when the document is due, if that is sooner (3.57).
func (d *deciding) holdUntil(t *typ, f *facts, h state.Handoff, tier *tier) time.Time {
	cal := d.r.calendarOf(h.Giver)
	until := cal.Add(d.now, t.context.hold).UTC()
	if l := tier.clock(clockDocument); l.given() {
		if by := l.reach(cal, d.begins(f, cal, l, h.Signals[0]), 100); by.After(d.now) && by.Before(until) {
			until = by
		}
	}
	return until
}

// holder answers for a handoff while it is held: who gives it, else who owns
// the record, else the team that is told last.
func (d *deciding) holder(f *facts, h state.Handoff) string {
	if h.Giver != "" {
		return h.Giver
	}
	if who := f.user(f.conn, f.rec.Fields[wordOwner]); who != "" {
		return who
	}
	if team := d.r.teams["revops"]; team != nil {
		return team.accountable
	}
	return ""
}

// waitsFor is what a handoff is held for, in words; nothing: it may go on.
func (d *deciding) waitsFor(t *typ, h state.Handoff, s *survey) []string {
	var out []string
	if t.context.gate {
		out = s.said(false)
	}
	for _, i := range h.Items {
		if i.Gives && i.Done.IsZero() {
			out = append(out, quote(i.Do))
		}
	}
	return out
}

// tellHeld shows on the record what a handoff waits for.
func (d *deciding) tellHeld(t *typ, f *facts, h state.Handoff, s *survey) state.Handoff {
	set := map[string]any{
		ownID: h.ID, ownType: t.name, ownTier: h.Tier, ownAccountable: h.Accountable, ownReason: f.what(h), ownDecision: d.id,
		ownWhy: "Held until " + clockText(h.HoldUntil, d.r.calendarOf(h.Accountable).Zone()) + " at most: it " + h.Note, ownCompleteness: strconv.Itoa(s.complete),
	}
	if h.Giver != "" {
		set[ownGiver] = h.Giver
	}
	if h.Effects[stepHold].Key == "" {
		set[ownStatus] = nil // what stands there is said of the one before
	}
	return d.intend(h, stepHold, connectors.Write{Ref: h.Record, Set: set, Key: key(h, stepHold, h.Note)})
}

// chase keeps the giver's one task about what is missing: made, brought up to
// date, ticked off when all is there (2.1, 2.11).
func (d *deciding) chase(t *typ, f *facts, h state.Handoff, s *survey, again bool) state.Handoff {
	if len(h.Missing) == 0 {
		if h.Effects[stepChase].Key != "" {
			d.stop(h, clockChase, 0)
		}
		return d.choreDone(h, stepChase)
	}
	first := h.Effects[stepChase].Key == ""
	who := d.holder(f, h)
	cal := d.r.calendarOf(who)
	due := h.HoldUntil
	if due.IsZero() {
		due = cal.Add(d.now, t.context.again).UTC()
	}
	missing := s.said(false)
	subject := "Still missing for the handoff of " + titled(f.rec) + ": " + strings.Join(missing, ", ")
	if again {
		subject = "Asked again. " + subject
	}
	body := "The next owner needs this to begin. Fill it in on the record; this task is then ticked off by itself.\n- " + strings.Join(s.said(true), "\n- ")
	if h.Stage == state.Held {
		body += "\nUntil then the handoff is held, and it is yours."
	}
	h = d.chore(h, chore{step: stepChase, who: who, subject: subject, body: body, kind: "todo", priority: "high", due: due, on: f.rec.Ref})
	if first && h.Effects[stepChase].Key != "" {
		d.audit("chased", h.ID, map[string]string{"who": who, "missing": strings.Join(h.Missing, ", ")})
		d.timer(h, clockChase, 0, cal.Add(d.now, t.context.again))
	}
	return h
}

// chaseAgain asks the giver once more for what is still missing.
func (d *deciding) chaseAgain(h state.Handoff) {
	t, f, ok := d.matter(h)
	if !ok || len(h.Missing) == 0 {
		return
	}
	s := d.survey(t, f)
	h = handoff.Knows(h, s.complete, s.lacks())
	d.audit("chased again", h.ID, map[string]string{"who": d.holder(f, h), "missing": strings.Join(h.Missing, ", ")})
	d.list(listContext, f.rec.Ref.String(), t.name+": asked again for "+strings.Join(s.said(false), ", "))
	d.put(d.chase(t, f, h, &s, true))
}

// matter finds the type and the record of a handoff.
func (d *deciding) matter(h state.Handoff) (*typ, *facts, bool) {
	t := d.r.byName[h.Type]
	rec, ok := d.lastRead(h.Record)
	if t == nil || !ok {
		return nil, nil, false
	}
	return t, d.r.facts(d.now, d.v, &rec), true
}

// seenAnew looks at a handoff anew after its record has changed: what it waited
// for may be there, a thing of its checklist may be shown to be done, a date
// may have moved.
func (d *deciding) seenAnew(h state.Handoff) {
	if !h.Stage.Open() && h.Stage != state.Completed {
		return
	}
	t, f, ok := d.matter(h)
	if !ok || h.Stage != state.Held && len(h.Missing) == 0 && len(h.Items) == 0 && len(t.milestones) == 0 {
		return
	}
	before, planned := h, len(d.c.Intents)
	h = d.shown(f, h)
	if h.Stage == state.Held {
		d.still(t, f, h)
		return
	}
	if h.Stage != state.Queued && h.Stage != state.Detected {
		h = d.dates(t, f, h)
	}
	if len(h.Missing) > 0 && h.Stage.Open() {
		s := d.survey(t, f)
		if lacks := s.lacks(); !slices.Equal(lacks, h.Missing) {
			h = d.filled(t, f, handoff.Knows(h, s.complete, lacks), &s)
		}
	}
	if !slices.Equal(before.Items, h.Items) || !slices.Equal(before.Missing, h.Missing) || len(d.c.Intents) != planned {
		d.put(h)
	}
}

// filled tells of a context that has been filled in after the transfer.
func (d *deciding) filled(t *typ, f *facts, h state.Handoff, s *survey) state.Handoff {
	if h.Observed {
		return h
	}
	if len(h.Missing) == 0 {
		d.audit("context complete", h.ID, map[string]string{"complete": strconv.Itoa(h.Complete)})
	}
	if len(h.Missing) > 0 && d.now.Sub(h.Effects[stepKnown].At) < tellAgain {
		return h
	}
	h = d.chase(t, f, h, s, false)
	if h.Target.ID == "" {
		return h
	}
	set := map[string]any{ownCompleteness: strconv.Itoa(s.complete), ownNeed: t.need(f)}
	return d.intend(h, stepKnown, connectors.Write{Ref: h.Target, Set: set, Key: key(h, stepKnown, strings.Join(h.Missing, " "))})
}

// still looks whether a held handoff may go on.
func (d *deciding) still(t *typ, f *facts, h state.Handoff) {
	s := d.survey(t, f)
	h = handoff.Knows(h, s.complete, s.lacks())
	waits := d.waitsFor(t, h, &s)
	if len(waits) == 0 {
		d.goOn(t, f, h, &s, "everything is there")
		return
	}
	note := "waits for " + strings.Join(waits, ", ")
	if h.Effects[stepHold].Key == key(h, stepHold, note) || h.Observed && h.Note == note {
		return
	}
	h, err := handoff.Hold(h, handoff.Wait{Accountable: h.Accountable, Note: note})
	if err != nil || h.Observed {
		d.put(h)
		return
	}
	d.because(d.why(where(t.context.pos), "%s", note))
	if next := h.Effects[stepHold].At.Add(tellAgain); next.After(d.now) {
		d.timer(h, clockHold, holdRecheck, next)
	} else {
		h = d.tellHeld(t, f, d.chase(t, f, h, &s, false), &s)
	}
	d.put(h)
}

// goOn hands over what was held.
func (d *deciding) goOn(t *typ, f *facts, h state.Handoff, s *survey, because string) {
	h, tier, ok := d.aimAnew(t, f, h)
	if !ok {
		return
	}
	if f.account(); tier == nil || tier.none || d.waits(f) {
		return
	}
	released, err := handoff.Release(h)
	if err != nil {
		return
	}
	d.stop(h, clockHold, 0)
	d.stop(h, clockHold, holdRecheck)
	if len(released.Missing) == 0 {
		released = d.chase(t, f, released, s, false)
	}
	d.audit("went on", h.ID, map[string]string{"because": because, "held": d.now.Sub(h.HeldAt).Round(time.Second).String(), "missing": strings.Join(h.Missing, ", ")})
	released.Why = append(slices.Clone(released.Why), d.why(where(t.context.pos), "held since %s; %s", h.HeldAt.Format(time.RFC3339), because))
	d.not = d.hadIt(t, released)
	d.assign(t, f, released, tier)
	d.not = nil
}

// holdOver ends what a gate does when it has been shut for as long as it may:
// it opens, or somebody is told and it stays shut.
func (d *deciding) holdOver(h state.Handoff, ev Fired) {
	t, f, ok := d.matter(h)
	switch {
	case h.Stage != state.Held:
		return
	case !ok: // its type may come back into the rules, its record may be read again
		d.timer(h, clockHold, ev.Timer.Step, d.now.Add(recheckEvery))
		return
	}
	if ev.Timer.Step == holdRecheck {
		d.timer(h, clockHold, holdRecheck, d.now.Add(recheckEvery))
		d.seenAnew(h)
		return
	}
	h = d.shown(f, h)
	s := d.survey(t, f)
	h = handoff.Knows(h, s.complete, s.lacks())
	waits := d.waitsFor(t, h, &s)
	switch {
	case len(waits) == 0:
		d.goOn(t, f, h, &s, "everything is there")
	case t.context.release:
		d.list(listContext, f.rec.Ref.String(), t.name+": went on incomplete, "+strconv.Itoa(s.complete)+"%, without "+strings.Join(waits, ", "))
		d.goOn(t, f, h, &s, "incomplete: the gate opens after "+d.now.Sub(h.HeldAt).Round(time.Minute).String())
	default:
		d.list(listContext, f.rec.Ref.String(), t.name+": still held after "+d.now.Sub(h.HeldAt).Round(time.Minute).String()+" with "+orNobody(h.Accountable)+", "+h.Note)
		d.audit("hold over", h.ID, map[string]string{"accountable": h.Accountable, "waits_for": strings.Join(waits, ", ")})
		h.Late = lateFor(h.Late, clockHold, d.now)
		d.put(d.sayManager(h, clockHold, h.Accountable, "Still held: "+d.buyer(f, h), "The handoff "+h.Note+". It is with "+orNobody(h.Accountable)+", who has a task that lists it. Does something they need for it lack?"))
	}
}

// sayManager tells the manager of somebody, else revenue operations, about
// what keeps a handoff.
func (d *deciding) sayManager(h state.Handoff, clock, of, subject, text string) state.Handoff {
	who := d.managerOf(of)
	if who == "" || who == of {
		who = d.r.revops
	}
	if who == "" || h.Observed {
		return h
	}
	step := stepSay + clock + " " + state.Digest(subject)[:6] + " " + sortAlert + " " + who
	if h.Effects[step].Key != "" {
		return h
	}
	return d.say(h, notice{sort: sortAlert, who: who, clock: clock, step: step, subject: subject, text: text})
}

// lateFor notes that a clock's breach has been told.
func lateFor(late map[string]time.Time, clock string, at time.Time) map[string]time.Time {
	out := map[string]time.Time{clock: at}
	for k, v := range late {
		if k != clock {
			out[k] = v
		}
	}
	return out
}

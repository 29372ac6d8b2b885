package plan

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/sla"
)

// Telling back: what becomes of a customer is told to who handed them over, one
// task for each change, while the handoff is open and for a while after it is
// completed (3.16). What stood there at the transfer is no news.

const (
	stepBack  = "back " // begins the step of each such task
	clockBack = "back"  // ends it
)

// tellBack is what a type tells back; no lines: nothing.
type tellBack struct {
	lines []backLine
	whom  string
	long  sla.Duration
	pos   mappings.Pos
}

// backLine is one of the conditions, about records of one noun.
type backLine struct {
	when cond
	noun string
	tag  string
	pos  mappings.Pos
}

func (c *compiler) tellBack(t *typ, d *mappings.Handoff, all []*conn) {
	b := d.TellBack
	t.back = tellBack{whom: b.Whom.S, long: sla.Of(b.For), pos: b.Pos}
	if isEmail(b.Whom.S) {
		c.person(b.Whom)
	}
	if b.Whom.S == "support_contact" && !d.SupportContact.Given() {
		c.bad(b.Whom.Pos, "no-support", "add support_contact, or name whom: giver", "%s names no support contact who could be told", t.name)
	}
	for _, w := range b.When {
		l := backLine{when: c.cond(w, all, false), pos: w.Pos}
		l.tag = state.Digest("back", l.when.text)[:8]
		if fields := l.when.fields(); len(fields) > 0 {
			l.noun = fields[0].noun
		}
		if !l.when.local(l.noun) || l.noun != t.about && l.noun != nounCompany {
			c.bad(w.Pos, "wrong-noun", "write one line for the "+t.about+", and one for the company", "what is told back has to be about the %s or its company", t.about)
			continue
		}
		t.back.lines = append(t.back.lines, l)
		if c.r.back == nil {
			c.r.back = map[string]bool{}
		}
		c.r.back[l.noun] = true
	}
}

// said is what a line sees in a record, or that it sees nothing.
func (l *backLine) said(f *facts) string {
	if !l.when.holds(f) {
		return notMet
	}
	return state.Digest(l.when.looked(f)...)[:12]
}

// watchBack begins to look at what is told back.
func (d *deciding) watchBack(t *typ, f *facts, h state.Handoff) state.Handoff {
	if len(t.back.lines) == 0 || h.Observed || h.Back != nil {
		return h
	}
	h.Back = &state.Back{Seen: map[string]string{}}
	for i := range t.back.lines {
		if l := &t.back.lines[i]; f.has(l.noun) {
			h.Back.Seen[l.tag] = l.said(f)
		}
	}
	return h
}

// backEnds sets the end of telling back, once a handoff is completed.
func (d *deciding) backEnds(t *typ, h state.Handoff) {
	if h.Back != nil {
		d.timer(h, clockBack, 0, d.calendarOf(h.Owner).Add(d.now, t.back.long))
	}
}

// backOver ends it.
func (d *deciding) backOver(h state.Handoff) {
	h.Back = nil
	d.put(h)
}

// tellsBack tells what has changed on a record to who handed it over, or handed
// over what belongs to it.
func (d *deciding) tellsBack(f *facts) {
	if !d.r.back[f.rec.Noun] {
		return
	}
	told := d.aboutNow(f.rec)
	if f.rec.Noun == nounCompany {
		told = append(told, d.v.HandoffsAt(f.rec.Ref)...)
	}
	for _, h := range told {
		h = d.current(h)
		t := d.r.byName[h.Type]
		if t == nil || h.Back == nil || !h.Stage.Open() && h.Stage != state.Completed {
			continue
		}
		d.tellsBackOf(t, f, h)
	}
}

func (d *deciding) tellsBackOf(t *typ, f *facts, h state.Handoff) {
	changed := false
	for i := range t.back.lines {
		l := &t.back.lines[i]
		if l.noun != f.rec.Noun {
			continue
		}
		was, known := h.Back.Seen[l.tag]
		is := l.said(f)
		if known && was == is {
			continue
		}
		changed = true
		back := *h.Back
		back.Seen = maps.Clone(back.Seen)
		back.Seen[l.tag] = is
		h.Back = &back
		if known && is != notMet {
			h = d.toldBack(t, f, h, l)
		}
	}
	if changed {
		d.put(h)
	}
}

// toldBack makes the task about one change.
func (d *deciding) toldBack(t *typ, f *facts, h state.Handoff, l *backLine) state.Handoff {
	h.Back.Count++
	step := stepBack + l.tag + " " + strconv.Itoa(h.Back.Count)
	who := t.back.whom
	switch who {
	case "giver":
		who = h.Giver
	case "receiver":
		who = h.Owner
	case "support_contact":
		who = h.Support
	}
	news := l.when.say(f)
	d.because(d.why(where(l.pos), "%s: told to %s", news, orNobody(who)))
	d.audit("told back", h.ID, map[string]string{"who": who, "news": news, "rule": where(l.pos)})
	if who == "" {
		d.list(listUntold, h.ID, h.Type+": "+news+", and there is nobody to tell ("+where(l.pos)+")")
		return h
	}
	lines := []string{
		strings.TrimSuffix(t.said(), ".") + ".",
		fmt.Sprintf("Handed over on %s, %s has it now.", h.AssignedAt.In(d.calendarOf(who).Zone()).Format(time.DateOnly), orNobody(h.Owner)),
		"What of this could be known before the sale, and what would you hand over differently?",
	}
	on := h.Target
	if on.ID == "" {
		on = h.Record
	}
	return d.chore(h, chore{
		step: step, who: who, subject: titled(f.rec) + ": " + news, body: strings.Join(lines, "\n"),
		kind: "todo", priority: "medium", due: d.calendarOf(who).Add(d.now, sla.Of(mappings.Duration{N: 1, Unit: mappings.Day, Working: true})), on: on,
	})
}

// choresOver ticks off what the giver was asked for, where the handoff ends
// before it is done: nobody waits for it any more.
func (d *deciding) choresOver(h state.Handoff) state.Handoff {
	return d.choresEnd(h, func(i state.Item) bool { return i.Gives })
}

// tasksOver ticks off all that anybody was asked for, because there is nothing left
// that it is about.
func (d *deciding) tasksOver(h state.Handoff) state.Handoff {
	return d.ratingOver(d.closeTask(d.choresEnd(h, func(state.Item) bool { return true })))
}

// choresEnd ticks off those things of the checklist, and what was asked for.
func (d *deciding) choresEnd(h state.Handoff, which func(state.Item) bool) state.Handoff {
	if h.Effects[stepChase].Ref.ID != "" {
		h = d.choreDone(h, stepChase)
	}
	for _, i := range h.Items {
		if which(i) && i.Done.IsZero() && h.Effects[i.Step].Ref.ID != "" {
			h = d.choreDone(h, i.Step)
		}
	}
	return h
}

// ended reports whether a handoff was ended before its goal, so that its giver
// owes nothing more.
func ended(h state.Handoff) bool {
	return h.Stage == state.Cancelled || h.Stage == state.Superseded
}

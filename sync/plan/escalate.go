package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// met reports whether nothing has to be said about a clock any more.
func (d *deciding) met(h state.Handoff, clock string) bool {
	if clock == clockAttempts {
		_, tooFew := d.attempted(h)
		return !tooFew
	}
	return met(h, clock)
}

// met is what a handoff itself tells of a clock other than that of the attempts.
func met(h state.Handoff, clock string) bool {
	touched := !h.TouchedAt.IsZero() || h.Stage == state.Touched
	_, lost := lostAt(h) // taken up in time, and by the next one not yet
	w := h.Work
	if w == nil {
		w = &state.Work{}
	}
	switch clock {
	case clockAssign:
		return h.Owner != ""
	case clockAccept, clockReturn:
		return h.Stage != state.Assigned || lost
	case clockOpened:
		return h.Stage != state.Assigned || touched || !w.Opened.IsZero() || !w.Heard.IsZero()
	case clockTouch, clockOuter:
		return touched
	case clockActivity:
		return h.Stage != state.Accepted && h.Stage != state.Touched && (h.Stage != state.Assigned || !lost)
	case clockKickoff:
		return !w.Met.IsZero()
	case clockDocument:
		return h.Stage != state.Held && len(h.Missing) == 0 && givenDone(h)
	case clockHold:
		return h.Stage != state.Held
	}
	return false
}

// escalate does one step of a clock, unless the clock is met.
func (d *deciding) escalate(h state.Handoff, ev Fired) {
	t, i := d.r.byName[h.Type], ev.Timer.Step
	if t == nil || i < 0 || i >= len(t.steps) || t.steps[i].clock != ev.Timer.Clock {
		d.audit("escalation without a rule", h.ID, map[string]string{"clock": ev.Timer.Clock})
		return
	}
	s := t.steps[i]
	if h.Observed || d.met(h, s.clock) || s.clock == clockActivity && d.stirred(t, h, i) {
		return
	}
	e := &stepping{t: t, s: s, i: i, ev: ev, later: d.overtaken(t, h, i)}
	if rec, ok := d.v.Record(h.Record); ok {
		e.f = d.r.facts(d.now, d.v, &rec)
		if land, known := d.v.Record(h.Target); known && h.Target != h.Record {
			e.f.land = &land
		}
	}
	d.audit("escalation", h.ID, e.detail(h))
	if t.runsOut(i) {
		d.missed(h, s.clock)
	}
	if s.mark {
		h = d.breach(h, s, ev)
	}
	was := h
	if _, lost := lostAt(h); s.give != "" && lost && h.Stage == state.Assigned {
		d.list(listUntold, h.ID, h.Type+": it is not given on to "+s.give+", because "+h.Owner+" got it for the silence of the one before and has not taken it up ("+where(s.pos)+")")
	} else if s.give != "" {
		if h = d.giveAway(h, e); h.Owner != was.Owner {
			h = d.settled(h, s.clock) // what was asked of others has been done
		}
	}
	h = d.speak(was, h, e)
	if len(e.said) > 0 {
		text := h.Type + ", " + s.clock + " by " + deadline(h, s.clock).Format(time.RFC3339) + ": " + strings.Join(e.said, ", ")
		d.list(listEscalation, h.ID, text+" ("+where(s.pos)+")")
	}
	d.put(h)
}

// stepping is one step of an escalation that is being done.
type stepping struct {
	t     *typ
	s     step
	i     int
	f     *facts // nil: the record is not known
	ev    Fired
	later []step   // steps of the same clock that are due as well
	said  []string // "reminded ana@example.com"
}

func (e *stepping) detail(h state.Handoff) map[string]string {
	out := map[string]string{
		"clock": e.s.clock, "rule": where(e.s.pos), "owner": h.Owner, "at": strconv.FormatFloat(e.s.percent, 'f', -1, 64) + "%",
		"by": deadline(h, e.s.clock).Format(time.RFC3339), "does": e.s.does(),
	}
	if seen := e.ev.unseen(); seen != "" {
		out["seen"] = seen
	}
	if len(e.later) > 0 {
		out["overtaken"] = "a later step is due as well"
	}
	return out
}

// does is what a step does, in words.
func (s *step) does() string {
	var out []string
	add := func(verb string, whom ...string) {
		for _, who := range whom {
			if who != "" {
				out = append(out, verb+" "+who)
			}
		}
	}
	add("remind", s.remind)
	add("alert", s.alert...)
	if s.mark {
		out = append(out, "mark "+markBreached)
	}
	add("give to", s.give)
	add("tell", s.tell...)
	if s.task.given() {
		add("make a task for", s.taskFor)
	}
	return strings.Join(out, ", ")
}

// overtaken are the later steps of the same clock that are due as well: after a
// standstill the last of them speaks for those before it.
func (d *deciding) overtaken(t *typ, h state.Handoff, i int) []step {
	var out []step
	for j := i + 1; j < len(t.steps); j++ {
		if t.steps[j].clock != t.steps[i].clock {
			continue
		}
		if next, set := d.v.Timer(timerID(h.ID, t.steps[j].clock, j)); set && !next.Due.After(d.now) {
			out = append(out, t.steps[j])
		}
	}
	return out
}

// runsOut reports whether a step is the first that is done once its clock has run out.
func (t *typ) runsOut(i int) bool {
	first := -1
	for j, s := range t.steps {
		if s.clock == t.steps[i].clock && s.percent >= 100 && (first < 0 || s.percent < t.steps[first].percent) {
			first = j
		}
	}
	return i == first
}

// stirred starts the clock of silence anew where something has happened since
// it was started.
func (d *deciding) stirred(t *typ, h state.Handoff, i int) bool {
	last := h.AcceptedAt
	if lost, _ := lostAt(h); lost.After(last) {
		last = lost
	}
	if w := h.Work; w != nil {
		for _, at := range []time.Time{w.Last, w.Next, w.Heard, h.TouchedAt} {
			if at.After(last) && !at.After(d.now) {
				last = at
			}
		}
	}
	tier := d.r.tiers[h.Tier]
	if tier == nil {
		return true
	}
	cal, l := d.calendarOf(h.Owner), tier.clock(clockActivity)
	due := l.reach(cal, last, t.steps[i].percent)
	if !due.After(d.now) {
		return false
	}
	if anew := d.countedAnew(h, l.reach(cal, last, 100), "something happened at "+last.UTC().Format(time.RFC3339)); !anew.Due[clockActivity].Equal(h.Due[clockActivity]) {
		d.put(anew)
	}
	d.timer(h, clockActivity, i, due)
	return true
}

// breach marks that a clock has run out, on the handoff and once on the record.
func (d *deciding) breach(h state.Handoff, s step, ev Fired) state.Handoff {
	first := h.BreachedAt.IsZero()
	late, err := handoff.Breach(h, s.clock, d.now)
	if err != nil {
		return h
	}
	by := deadline(h, s.clock).Format(time.RFC3339)
	d.because(d.why(where(s.pos), "%s was due by %s", s.clock, by))
	detail := map[string]string{"clock": s.clock, "owner": h.Owner, "by": by}
	if seen := ev.unseen(); seen != "" {
		detail["seen"] = seen
	}
	d.audit("breached", h.ID, detail)
	if !first || late.Target.ID == "" {
		return late
	}
	n := len(d.c.Intents)
	late = d.intend(late, stepBreach, connectors.Write{
		Ref: late.Target, Set: map[string]any{ownBreached: true}, Key: key(h, stepBreach, "set"),
	})
	// A breach is told however little the buyer wanted: it may use what is
	// kept of the day's calls (C7).
	for i := range d.c.Intents[n:] {
		d.c.Intents[n+i].Rank = min(h.Rank, connectors.UrgentRank)
	}
	return late
}

// role is the person a step speaks to; blank: there is nobody.
func (d *deciding) role(h state.Handoff, role string) string {
	switch role {
	case roleOwner:
		return h.Owner
	case roleManager:
		return d.managerFor(h)
	case roleBackup:
		return h.Backup
	case roleGiver:
		return h.Giver
	case roleRevops:
		return d.r.revops
	}
	return role
}

// managerFor is who answers for the owner of a handoff, or for the team whose
// turn it is.
func (d *deciding) managerFor(h state.Handoff) string {
	if p := d.r.people[h.Owner]; p != nil && p.manager != "" {
		return p.manager
	}
	if t := d.r.teams[h.Team]; t != nil {
		return t.manager
	}
	return ""
}

// speak tells people what a step says. was is the handoff before the step gave
// it to somebody else. A reminder is not sent beside a later step, and nobody
// is told twice at once.
func (d *deciding) speak(was, h state.Handoff, e *stepping) state.Handoff {
	told := map[string]bool{"": true}
	for _, s := range e.later {
		for _, role := range slices.Concat(s.alert, s.tell) {
			told[d.role(was, role)] = true
		}
	}
	say := func(sort, verb, role string) {
		who := d.role(was, role)
		if who == "" && role != "" {
			d.list(listUntold, h.ID, fmt.Sprintf("%s: nobody is %s, so nobody is told (%s)", h.Type, role, where(e.s.pos)))
		}
		if told[who] || sort == sortRemind && len(e.later) > 0 {
			return
		}
		told[who] = true
		lost := h.Owner != was.Owner && who == was.Owner
		if sort != sortGiven && !lost && d.toldLately(was, who) {
			return
		}
		h = d.say(h, d.compose(was, h, e, sort, who))
		e.said = append(e.said, verb+" "+who)
	}
	if h.Owner != was.Owner {
		told[h.Owner] = false
		say(sortGiven, "gave it to", h.Owner)
	}
	if e.s.remind != "" {
		say(sortRemind, "reminded", e.s.remind)
	}
	for _, role := range e.s.alert {
		say(sortAlert, "alerted", role)
	}
	for _, role := range e.s.tell {
		say(sortTell, "told", role)
	}
	if e.s.task.given() {
		if who := d.role(h, e.s.taskFor); who != "" {
			h = d.todo(h, d.compose(was, h, e, sortTask, who))
			e.said = append(e.said, "made a task for "+who)
		}
	}
	return h
}

// lately is how long somebody who was told of a handoff is not told of it
// again: two clocks may run out together.
const lately = 2 * time.Minute

// toldLately reports whether somebody has just been told of a handoff.
func (d *deciding) toldLately(h state.Handoff, who string) bool {
	for step, e := range h.Effects {
		if strings.HasPrefix(step, stepSay) && strings.Contains(step+" ", " "+who+" ") && d.now.Sub(e.At) < lately {
			return true
		}
	}
	return false
}

// todo puts a thing to do on somebody's list, once. An owner who has not
// accepted yet has their own task for it.
func (d *deciding) todo(h state.Handoff, n notice) state.Handoff {
	if n.who == h.Owner && h.Stage == state.Assigned {
		return d.raise(h, n)
	}
	return d.noticeTask(h, n)
}

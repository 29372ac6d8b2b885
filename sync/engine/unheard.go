package engine

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// longestAwaited is how long a deadline waits for what people did until then to
// be polled, and what looks again for a CRM to answer: with the round that is under way when it ends, the reading of its record,
// and the round that then tells of it, each longestAsking at most, that is within a
// minute.
const longestAwaited = time.Minute - 3*longestAsking - 5*time.Second

// unheard reports whether a timer has to be silent yet: what people did until it was
// due comes by polling only, and has not come. The poller is asked to go sooner. A
// kind for which a deadline has waited in vain holds up no other until it has been
// read again.
func (l *Lane) unheard(w *work, t state.Timer, polled []plan.Polled, now time.Time) bool {
	until := l.awaitedUntil(t, now)
	silent := false
	for _, p := range l.missing(w, t, polled) {
		switch {
		case now.Before(until):
			if g := l.Gates[p.Conn]; g.ReadBy(p.Kind, t.Due) {
				l.Bell.Ring() // it came while this round looked: the next one sees it
			} else {
				g.Want(p.Kind)
			}
			silent = true
		case l.vain == nil:
			l.vain = map[plan.Polled]time.Time{p: t.Due}
		default:
			l.vain[p] = t.Due
		}
	}
	if silent && (l.awaited.IsZero() || until.Before(l.awaited)) {
		l.awaited = until
	}
	return silent
}

// unanswered is the ask of a timer that has waited for an answer for as long as it
// may; false: it may wait, or has been told so already.
func (l *Lane) unanswered(ask Ask) (Ask, bool) {
	f, _ := ask.Event.(plan.Fired)
	by := l.answerBy(ask)
	if by.IsZero() || f.Unanswered || l.Decider.Wall().Before(by) {
		return Ask{}, false
	}
	f.Unanswered = true
	ask.Event = f
	return ask, true
}

// answerBy is until when the timer of a handoff waits for an answer; zero: it is
// something else, which waits for as long as it takes.
func (l *Lane) answerBy(ask Ask) time.Time {
	f, ok := ask.Event.(plan.Fired)
	if !ok || f.Timer.Handoff == "" {
		return time.Time{}
	}
	return l.awaitedUntil(f.Timer, l.Decider.Wall())
}

// awaitedUntil is how long a timer may be silent. One that passed while nobody ran
// waits from the start on: what people did meanwhile may fill many rounds.
func (l *Lane) awaitedUntil(t state.Timer, now time.Time) time.Time {
	from := t.Due
	if began := l.trial.began; began.After(from) && !began.After(now) {
		from = began
	}
	return from.Add(longestAwaited)
}

// overdue reports whether a timer has been silent for as long as it may.
func (l *Lane) overdue(t state.Timer, now time.Time) bool { return !now.Before(l.awaitedUntil(t, now)) }

// missing is what has not been polled up to when a timer was due, of that for
// which waiting is worth while.
func (l *Lane) missing(w *work, t state.Timer, polled []plan.Polled) (out []plan.Polled) {
	for _, p := range polled {
		g := w.gates[p.Conn]
		if g == nil || !g.Open() {
			continue
		}
		vain := l.vain[p]
		if !g.ReadBy(p.Kind, t.Due) && (vain.IsZero() || g.ReadTo(p.Kind).After(vain)) {
			out = append(out, p)
		}
	}
	return out
}

// cutOff takes out of a round the timers of connections whose inbox was not
// looked through to what people did, as far as they may wait.
func (l *Lane) cutOff(w *work, now time.Time) {
	if len(w.cut) == 0 {
		return
	}
	w.timers = slices.DeleteFunc(w.timers, func(d due) bool {
		return !l.overdue(d.timer, now) && slices.ContainsFunc(d.polled, func(p plan.Polled) bool { return w.cut[p.Conn] })
	})
	w.items = slices.DeleteFunc(w.items, func(it *item) bool { // nothing but such a timer has asked for it
		return len(it.rows) == 0 && !slices.ContainsFunc(w.timers, func(d due) bool { return slices.Contains(d.about, it.ref) })
	})
}

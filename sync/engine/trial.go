package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// trial finds the event that kills the process whenever it is looked at (I10):
// no recover helps against a stack or a memory that runs out. In the ordinary
// way it costs nothing. Only after a process that did not end by itself does
// the lane note, durably, what it has in hand before it looks at it:
//
//	1st death  nothing is known; from now on small batches, each noted first
//	2nd death  what was noted is suspect, and set aside until the process has
//	           worked for a while; then each suspect is tried alone
//	3rd death  with one suspect alone in hand, which was being decided about: it
//	           is put in quarantine
//
// Deciding takes no time to speak of, so whoever kills from outside hardly ever
// meets it. Reading takes as long as the CRM does: a death there speaks less
// against a suspect, and puts its next trial off for longer, so that a process
// that is killed again and again does not live to see it. What kills while it is
// read is put in quarantine after its fifth death, three of them alone.
//
// Setting suspects aside lets everybody else be served, and keeps a process
// that is killed for other reasons, again and again, from putting the blame on
// whatever it had in hand. A process killed so often that suspects pile up
// tries those of a single death together; every other round is everybody's.
type trial struct {
	state.Trial
	on    bool // the process before this one died
	began time.Time
	after time.Time       // when the suspects are tried
	tried map[string]bool // the suspects being tried; none: the round is everybody's
}

const (
	carefulLimit = 20
	setAside     = 10 * time.Second
	longestAside = 3 * setAside
	condemnedFor = 24 * time.Hour
)

// What a death speaks against a suspect. Among others it is one of many, however
// often that comes to pass.
const (
	amongOthers   = 1
	oftenAmong    = 2 * amongOthers
	aloneRead     = 2
	aloneDecided  = 6
	condemnedFrom = amongOthers + aloneDecided // or three times aloneRead
)

// limit is how many records a round may take.
func (t *trial) limit(usual int) int {
	if t.on {
		return min(usual, carefulLimit)
	}
	return usual
}

// may reports whether something may be taken now.
func (t *trial) may(ref connectors.Ref) bool {
	if t.tried != nil {
		return t.tried[ref.String()]
	}
	return len(t.Suspects) == 0 || t.Suspects[ref.String()] == 0
}

// due reports whether suspects are waiting for their trial.
func (t *trial) due(now time.Time) bool {
	return len(t.Suspects) > 0 && !Paused(now, t.after, longestAside)
}

// aside is how long suspects wait for their trial, the longer the more speaks
// against one of them.
func (t *trial) aside() time.Duration {
	most := amongOthers
	for _, against := range t.Suspects {
		most = max(most, against)
	}
	return min(setAside*time.Duration(1+(most-amongOthers)/aloneRead), longestAside)
}

// against is how much speaks against something now that the process has died
// with it in hand.
func against(t state.Trial, name string) (sum int, condemned bool) {
	sum = t.Suspects[name]
	switch {
	case len(t.Trying) > 1 || sum == 0:
		return max(sum, min(sum+amongOthers, oftenAmong)), false
	case t.Deciding:
		sum += aloneDecided
	default:
		sum += aloneRead
	}
	return sum, sum >= condemnedFrom
}

// begin looks at how the last process ended, and puts in quarantine what has
// killed it again and again.
func (l *Lane) begin(ctx context.Context) error {
	now := l.Decider.Wall()
	if err := l.setClock(ctx, now.UTC(), 0); err != nil {
		return err
	}
	var condemned string
	err := l.Decider.Store.Update(ctx, func(tx state.Tx) error {
		condemned = ""
		t := state.GetTrial(tx, l.name())
		l.trial = trial{Trial: t, on: t.Running, began: now}
		if t.Running {
			l.trial.Suspects = maps.Clone(t.Suspects)
			for _, name := range t.Trying {
				sum, guilty := against(t, name)
				if guilty {
					condemned = name
					delete(l.trial.Suspects, name)
					l.condemn(tx, name, now.UTC())
					continue
				}
				if l.trial.Suspects == nil {
					l.trial.Suspects = map[string]int{}
				}
				l.trial.Suspects[name] = sum
			}
		}
		l.trial.after = now.Add(l.trial.aside())
		l.trial.Running, l.trial.Trying, l.trial.Deciding = true, nil, false
		state.PutTrial(tx, l.name(), l.trial.Trial)
		return tx.Err()
	})
	if condemned != "" && err == nil {
		l.Log.Error("event quarantined", "ref", condemned, "error", killed)
	}
	return noted(err)
}

const killed = "the process died again and again while looking at it"

// condemn takes an event out of the way. It is not looked at for a day,
// whatever is heard of it, unless an operator has it tried again.
func (l *Lane) condemn(tx state.Tx, name string, now time.Time) {
	quarantine(tx, name, killed, now)
	aside := state.Aside{Name: name, At: now, Deadly: true}
	for _, conn := range l.Group {
		for c := range state.InboxRows(tx, conn) {
			if c.Ref.String() == name {
				state.DropInbox(tx, c.Key)
			}
		}
	}
	for t := range state.TimersUntil(tx, now) {
		if timerRef(t).String() == name {
			aside.Timer = &t
			state.CancelTimer(tx, t.ID)
		}
	}
	state.PutAside(tx, aside)
}

// end notes that the process ended by itself.
func (l *Lane) end(ctx context.Context) error {
	if !l.trial.Running {
		return nil // stopped before it began
	}
	err := l.Decider.Store.Update(ctx, func(tx state.Tx) error {
		t := l.trial.Trial
		t.Running, t.Trying, t.Deciding = false, nil, false
		state.PutTrial(tx, l.name(), t)
		return tx.Err()
	})
	return noted(err)
}

// survived clears a suspect that was tried: it has been looked at, and the
// process lives.
func (t *trial) survived(ref connectors.Ref) {
	if name := ref.String(); t.tried[name] {
		delete(t.Suspects, name)
	}
}

// next chooses what this round may take. Suspects that could not be looked at
// when it was their turn, because the CRM is down, stay what they are, and
// their trial is put off.
func (t *trial) next(now time.Time) {
	before := t.tried
	for name := range before {
		if t.Suspects[name] > 0 {
			t.after = now.Add(setAside)
		}
	}
	t.tried = nil
	if before != nil || !t.due(now) {
		return
	}
	names := slices.Sorted(maps.Keys(t.Suspects))
	together := 1
	if len(names) > carefulLimit {
		once := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return t.Suspects[name] > amongOthers })
		if len(once) > 0 {
			names, together = once, min(len(once), carefulLimit)
		}
	}
	t.tried = map[string]bool{}
	for _, name := range names[:together] {
		t.tried[name] = true
	}
}

// note keeps what is in hand before it is looked at, while there is reason to,
// and ends the trial once there is nothing left to doubt: the event that killed
// is still waiting, be its connection ready to be read or not, until it has
// been looked at.
func (l *Lane) note(ctx context.Context, w *work) error {
	t := &l.trial
	if !t.on {
		return nil
	}
	was := t.Trying
	t.Trying, t.Deciding = w.names(), false
	if w.empty() || t.tried != nil {
		if err := l.doubt(ctx); err != nil {
			return err
		}
	}
	if t.on && t.tried == nil && len(was) == 0 && len(t.Trying) == 0 {
		return nil
	}
	return noted(l.Decider.Store.Update(ctx, func(tx state.Tx) error {
		state.PutTrial(tx, l.name(), t.Trial)
		return tx.Err()
	}))
}

// putDown notes that nothing is in hand while the lane sleeps: what could not be
// read has killed nobody.
func (l *Lane) putDown(ctx context.Context) error {
	t := &l.trial
	if !t.on || len(t.Trying) == 0 {
		return nil
	}
	t.Trying = nil
	return noted(l.Decider.Store.Update(ctx, func(tx state.Tx) error {
		state.PutTrial(tx, l.name(), t.Trial)
		return tx.Err()
	}))
}

// decides notes of a suspect that is tried alone whether it is decided about, or
// the CRMs are asked.
func (l *Lane) decides(ctx context.Context, deciding bool) error {
	t := &l.trial
	if !t.on || len(t.tried) != 1 || len(t.Trying) != 1 || t.Deciding == deciding {
		return nil
	}
	t.Deciding = deciding
	return noted(l.Decider.Store.Update(ctx, func(tx state.Tx) error {
		state.PutTrial(tx, l.name(), t.Trial)
		return tx.Err()
	}))
}

// doubt clears the suspects that were to be tried and that nothing asks for
// any more, and ends the trial where no suspect is left, nor anything that had
// been waiting when the process began.
func (l *Lane) doubt(ctx context.Context) error {
	t := &l.trial
	if len(t.Suspects) > 0 && t.tried == nil {
		return nil
	}
	waiting, old := map[string]bool{}, false
	err := l.Decider.Store.View(ctx, func(tx state.Tx) error {
		for _, conn := range l.Group {
			for c := range state.InboxRows(tx, conn) {
				waiting[c.Ref.String()] = true
				if old = old || !c.Came.After(t.began); old && t.tried == nil {
					return tx.Err() // nothing else is asked
				}
			}
		}
		for due := range state.TimersUntil(tx, l.Decider.Wall()) {
			if h, ok := state.GetHandoff(tx, due.Handoff); ok && slices.Contains(l.Group, h.Record.Conn) {
				waiting[timerRef(due).String()] = true
				old = old || !due.Due.After(t.began)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return noted(err)
	}
	for name := range t.tried {
		if !waiting[name] {
			delete(t.Suspects, name)
		}
	}
	t.on = old || len(t.Suspects) > 0
	return nil
}

func noted(err error) error {
	if err != nil {
		return fmt.Errorf("note what a lane has in hand: %w", err)
	}
	return nil
}

// names are what the round has in hand.
func (w *work) names() []string {
	var all []string
	for _, it := range w.items {
		if len(it.rows) > 0 {
			all = append(all, it.ref.String())
		}
	}
	for _, d := range w.timers {
		all = append(all, timerRef(d.timer).String())
	}
	return all
}

// name tells this lane's notes from those of others.
func (l *Lane) name() string { return l.Group[0] }

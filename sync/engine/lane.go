package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// Lane decides for one group of connections, one batch after the other.
type Lane struct {
	Decider *Decider
	Group   []string // the connections joined in this lane
	Conns   map[string]connectors.Connector
	Bell    Bell
	Log     *slog.Logger

	Limit     int // records a round; 0: 200
	MaxOutbox int // no more is decided while this many writes of a connection are due; 0: 2,000

	hold    map[string]pause             // connections that cannot be read now
	waiting map[connectors.Ref]time.Time // records that cannot be decided yet
}

// pause is how long a connection is left alone after a failure.
type pause struct {
	until time.Time
	after time.Duration
}

const (
	defaultLimit     = 200
	defaultMaxOutbox = 2000
	firstPause       = time.Second
	longestPause     = time.Minute
	retryWaiting     = 2 * time.Second
	longestSleep     = 30 * time.Second
	clockDrift       = 5 * time.Second
)

// Run works until ctx ends. It returns an error only when the store fails,
// because then nothing that was decided can be kept.
func (l *Lane) Run(ctx context.Context) error {
	l.hold, l.waiting = map[string]pause{}, map[connectors.Ref]time.Time{}
	for ctx.Err() == nil {
		worked, err := l.round(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if !worked {
			l.sleep(ctx)
		}
	}
	return nil
}

// round takes what is most urgent through reading and deciding. It reports
// whether anything was done.
func (l *Lane) round(ctx context.Context) (bool, error) {
	now := l.Decider.Wall()
	work, err := l.take(ctx, now)
	if err != nil {
		return false, err
	}
	if work.empty() {
		return false, nil
	}
	l.hydrate(ctx, &work, now)
	asks := work.asks(now.UTC())
	if len(asks) == 0 && len(work.unread) == 0 {
		return false, nil
	}
	return true, l.decide(ctx, &work, asks)
}

// decide runs the asks, answering their needs in between.
func (l *Lane) decide(ctx context.Context, work *work, asks []Ask) error {
	drop := func(tx state.Tx) {
		for _, key := range work.unread {
			state.DropInbox(tx, key)
		}
	}
	const rounds = 3 // a need may lead to one more; a third means the rules go in circles
	for range rounds {
		verdicts, err := l.Decider.Decide(ctx, drop, asks)
		if err != nil {
			return err
		}
		drop = nil
		var again []Ask
		needs := needsOf(verdicts)
		answers := l.locate(ctx, needs)
		for i, v := range verdicts {
			switch {
			case v.Panic != "":
				if err := l.quarantine(ctx, asks[i], v.Panic); err != nil {
					return err
				}
			case v.Wait != "":
				l.wait(asks[i])
			case len(v.Needs) > 0:
				if ask, ok := answered(asks[i], v.Needs, answers); ok {
					again = append(again, ask)
				} else {
					l.wait(asks[i])
				}
			default:
				l.Decider.Metrics.arrived(asks[i], l.Decider.Wall())
			}
		}
		if len(again) == 0 {
			return nil
		}
		asks = again
	}
	for _, ask := range asks {
		l.wait(ask)
	}
	return nil
}

// answered is the ask with its needs answered; false where a CRM did not.
func answered(ask Ask, needs []state.Need, answers Answers) (Ask, bool) {
	all := Answers{}
	for id, a := range ask.Answers {
		all[id] = a
	}
	for _, n := range needs {
		a, ok := answers[n.ID()]
		if !ok {
			return Ask{}, false
		}
		all[n.ID()] = a
	}
	ask.Answers = all
	return ask, true
}

func (l *Lane) wait(ask Ask) {
	l.waiting[refOf(ask.Event)] = l.Decider.Wall().Add(retryWaiting)
}

func refOf(ev plan.Event) connectors.Ref {
	switch ev := ev.(type) {
	case plan.Observed:
		return ev.Record.Ref
	case plan.Fired:
		return timerRef(ev.Timer)
	case plan.Delivered:
		return ev.Ref
	}
	return connectors.Ref{}
}

// timerRef stands for a timer among the things that wait.
func timerRef(t state.Timer) connectors.Ref { return connectors.Ref{Kind: "timer", ID: t.ID} }

// quarantine takes an event that cannot be decided out of the way and says so.
func (l *Lane) quarantine(ctx context.Context, ask Ask, why string) error {
	ref := refOf(ask.Event)
	l.Log.Error("event quarantined", "ref", ref.String(), "error", why)
	err := l.Decider.Store.Update(ctx, func(tx state.Tx) error {
		Quarantine(tx, ref, why, l.Decider.Wall().UTC())
		if ask.Done != nil {
			ask.Done(tx)
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// failed leaves a connection alone for a while, longer each time.
func (l *Lane) failed(conn, doing string, err error) {
	p := l.hold[conn]
	p.after = min(max(2*p.after, firstPause), longestPause)
	if e := connectors.AsError(doing, err); e.RetryAfter > p.after {
		p.after = min(e.RetryAfter, longestPause)
	}
	p.until = l.Decider.Wall().Add(p.after)
	l.hold[conn] = p
	l.Decider.Failures.Note(conn, doing, err, l.Decider.Wall())
	l.Log.Warn("cannot read from the CRM", "conn", conn, "doing", doing, "class", connectors.ClassOf(err).String(), "error", err, "again_in", p.after)
}

func (l *Lane) held(conn string, now time.Time) bool { return now.Before(l.hold[conn].until) }

// sleep waits for the bell, the next timer, or the next thing that may be
// tried again. It notices when the wall clock was moved meanwhile (L8):
// instants are stored, so nothing has to be computed again, only looked at.
func (l *Lane) sleep(ctx context.Context) {
	now := l.Decider.Wall()
	d := longestSleep
	sooner := func(at time.Time) {
		if w := at.Sub(now); w < d {
			d = max(w, time.Millisecond)
		}
	}
	for _, p := range l.hold {
		if p.until.After(now) {
			sooner(p.until)
		}
	}
	for ref, at := range l.waiting {
		if !at.After(now) {
			delete(l.waiting, ref)
			continue
		}
		sooner(at)
	}
	_ = l.Decider.Store.View(ctx, func(tx state.Tx) error { // a failure shows in the next round
		if due, ok := state.NextTimer(tx); ok && due.After(now) {
			sooner(due)
		}
		return nil
	})
	before := time.Now()
	wake := time.NewTimer(d)
	defer wake.Stop()
	select {
	case <-ctx.Done():
	case <-l.Bell:
	case <-wake.C:
	}
	if drift := l.Decider.Wall().Sub(now) - time.Since(before); drift > clockDrift || drift < -clockDrift {
		l.Log.Warn("the wall clock was moved", "by", drift)
	}
}

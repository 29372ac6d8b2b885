package engine

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
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
	Gates   map[string]*Gate // by connection; none: open
	Bell    Bell
	Log     *slog.Logger

	Limit     int // records a round; 0: 200
	MaxOutbox int // no more changes of a connection are decided while this many of its writes are due; 0: 2,000

	hold    map[batch]pause              // what cannot be read now; a blank kind is the whole connection
	waiting map[connectors.Ref]wait      // what cannot be decided yet
	looked  time.Time                    // what was due by then has been looked at
	still   time.Time                    // timers do not speak until then
	awaited time.Time                    // when the first of those that wait for a poll speaks all the same
	vain    map[plan.Polled]time.Time    // what a timer has waited for in vain, and when that was due
	untold  map[connectors.Ref]time.Time // whose owner we wrote then, as a poll has shown before a webhook could have told
	turn    int                          // which connection comes first
	full    bool                         // writeback had enough to do in the last round
	trial   trial
	flights map[string]*flight        // what is being read of a connection
	read    map[connectors.Ref]answer // what has been read and not been looked at
	flown   sync.WaitGroup
	turned  atomic.Int64 // when a round last began
}

// pause is how long something is left alone after a failure.
type pause struct {
	until  time.Time
	failed int // in a row
}

// wait is a pause of one record. A hint that came after since is news and does
// not wait.
type wait struct {
	until time.Time
	after time.Duration
	since time.Time
	times int
}

const (
	defaultLimit     = 200
	defaultMaxOutbox = 2000
	mostPassed       = 4000 // rows looked at in vain while a connection is down
	wholeWalk        = 4    // every so many rounds all of them are, where only a kind is
	mostSilences     = 10   // about two minutes of asking
	longestPause     = time.Minute
	firstWaiting     = 2 * time.Second
	longestWaiting   = 16 * time.Second
	longestSleep     = 30 * time.Second
	whileFull        = 250 * time.Millisecond
	// longestAsking bounds what a round may ask the CRMs, all in all, and what is read
	// beside the rounds: a deadline that passes meanwhile is told of within a minute
	// even so.
	longestAsking = 10 * time.Second
	clockDrift    = 5 * time.Second
	clockTick     = 10 * time.Second

	locating connectors.Kind = "#locate" // stands for looking up among the kinds
)

// Run works until ctx ends. It returns an error only when the store fails,
// because then nothing that was decided can be kept.
func (l *Lane) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer l.flown.Wait()
	defer cancel()
	l.hold, l.waiting = map[batch]pause{}, map[connectors.Ref]wait{}
	if err := l.begin(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	for ctx.Err() == nil {
		worked, err := l.round(ctx)
		if err == nil && !worked {
			err = l.sleep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return l.end(context.WithoutCancel(ctx))
}

// Turned is when a round last began; zero: none has.
func (l *Lane) Turned() time.Time {
	if at := l.turned.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// round takes what is most urgent through reading and deciding. It reports
// whether anything was done.
func (l *Lane) round(ctx context.Context) (bool, error) {
	now := l.Decider.Wall()
	l.turned.Store(now.UnixNano())
	l.looked = now
	l.trial.next(now)
	work, err := l.take(ctx, now)
	if err != nil {
		return false, err
	}
	if err := l.note(ctx, &work); err != nil {
		return false, err
	}
	if work.empty() {
		return l.trial.due(now), nil
	}
	l.hydrate(ctx, &work, now)
	asking, cancel := context.WithTimeout(ctx, longestAsking)
	defer cancel()
	asks := work.observed(now.UTC())
	if len(asks) == 0 && len(work.timers) == 0 && len(work.unread) == 0 && len(work.lost) == 0 && len(work.deaf) == 0 {
		return work.failed && len(work.cut) > 0, l.putDown(ctx) // what that left no room for may be about another CRM
	}
	undecided, err := l.decide(ctx, asking, work.drop(now.UTC()), asks)
	if err != nil || len(work.timers) == 0 {
		return true, err
	}
	_, err = l.decide(ctx, asking, nil, work.fired(undecided))
	return true, err
}

// decide runs the asks, answering their needs in between, and returns what
// could not be decided yet. The CRMs are asked as long as asking lasts.
func (l *Lane) decide(ctx, asking context.Context, drop func(tx state.Tx), asks []Ask) (map[connectors.Ref]bool, error) {
	undecided := map[connectors.Ref]bool{}
	later := func(ask Ask) {
		undecided[refOf(ask.Event)] = true
		l.wait(refOf(ask.Event), l.answerBy(ask))
	}
	const rounds = 5 // a need may lead to others, one for each handoff of a record; more means the rules go in circles
	for range rounds {
		if err := l.decides(ctx, true); err != nil {
			return nil, err
		}
		verdicts, err := l.Decider.Decide(ctx, drop, asks)
		if err != nil {
			return nil, err
		}
		drop = nil
		var again []Ask
		answers := Answers{}
		if needs := needsOf(verdicts); len(needs) > 0 {
			if err := l.decides(ctx, false); err != nil {
				return nil, err
			}
			answers = l.ask(asking, asks[0].Rules, needs)
		}
		for i, v := range verdicts {
			// A later step is behind one that is being asked about, and not behind one
			// that waits: a step of an escalation list never does, and what else there
			// is may wait for hours, which no deadline must.
			if v.Behind {
				again = append(again, asks[i])
				continue
			}
			if len(v.Needs) > 0 {
				if ask, ok := answered(asks[i], v.Needs, answers); ok {
					again = append(again, ask)
					continue
				}
			}
			if v.Wait != "" || len(v.Needs) > 0 {
				if ask, ok := l.unanswered(asks[i]); ok {
					again = append(again, ask)
					continue
				}
			}
			l.trial.survived(refOf(asks[i].Event))
			switch {
			case v.Wait != "" || len(v.Needs) > 0:
				later(asks[i])
			default:
				delete(l.waiting, refOf(asks[i].Event))
				l.Decider.Metrics.arrived(asks[i], l.Decider.Wall())
			}
		}
		if len(again) == 0 {
			return undecided, nil
		}
		asks = again
	}
	for _, ask := range asks {
		l.trial.survived(refOf(ask.Event))
		later(ask)
	}
	return undecided, nil
}

// wait looks at something again later, longer each time: what waits for a CRM
// that is down must not cost the calls of one that is not. What may wait until an
// instant only is looked at then; zero: there is none.
func (l *Lane) wait(ref connectors.Ref, latest time.Time) {
	w := l.waiting[ref]
	w.times++
	w.since = l.Decider.Wall()
	w.after = min(max(2*w.after, firstWaiting), longestWaiting)
	w.until = w.since.Add(w.after)
	if latest.After(w.since) && latest.Before(w.until) {
		w.until = latest
	}
	l.waiting[ref] = w
}

// failed leaves a kind alone for a while, longer each time, or the connection
// where the failure speaks of all of it.
func (l *Lane) failed(conn string, kind connectors.Kind, doing string, err error) {
	e := connectors.AsError(doing, err)
	if e.Class == connectors.Throttled || e.Class == connectors.Unavailable || e.Class == connectors.AuthBroken {
		kind = ""
	}
	p := l.hold[batch{conn, kind}]
	p.failed++
	again := min(max(e.RetryAfter, Backoff(p.failed)), longestPause)
	p.until = l.Decider.Wall().Add(again)
	l.hold[batch{conn, kind}] = p
	l.Decider.Failures.Note(conn, doing, err, l.Decider.Wall())
	l.Log.Warn("cannot read from the CRM", "conn", conn, "doing", doing, "class", e.Class.String(), "error", err, "again_in", again)
}

// worked ends the pauses of what has just been read.
func (l *Lane) worked(conn string, kind connectors.Kind) {
	delete(l.hold, batch{conn, kind})
	delete(l.hold, batch{conn, ""})
}

func (l *Lane) held(conn string, kind connectors.Kind, now time.Time) bool {
	return Paused(now, l.hold[batch{conn, kind}].until, longestPause) || Paused(now, l.hold[batch{conn, ""}].until, longestPause)
}

// sleep waits for the bell, the next timer, or the next thing that may be
// tried again. It notices when the wall clock was moved meanwhile (L8):
// instants are stored, so nothing has to be computed again; what is due is due
// one tick later, should the clock be moved back.
func (l *Lane) sleep(ctx context.Context) error {
	now := l.Decider.Wall()
	wake := time.NewTimer(l.rest(ctx, now))
	defer wake.Stop()
	before := time.Now()
	select {
	case <-ctx.Done():
	case <-l.Bell:
	case <-wake.C:
	}
	// Without Round, time.Time would compare its own monotonic readings.
	drift := l.Decider.Wall().Round(0).Sub(now.Round(0)) - time.Since(before)
	if drift.Abs() > clockDrift {
		return l.moved(ctx, drift)
	}
	return nil
}

// rest is how long there is nothing to do but what the bell rings for.
func (l *Lane) rest(ctx context.Context, now time.Time) time.Duration {
	d := longestSleep
	if l.full {
		d = whileFull
	}
	looked := l.looked
	if now.Before(looked) {
		looked = now
	}
	sooner := func(at time.Time) {
		if at.After(looked) {
			d = min(d, max(at.Sub(now), time.Millisecond))
		}
	}
	sooner(l.still)
	sooner(l.awaited)
	sooner(l.trial.after)
	sooner(l.trial.began.Add(openWithin))
	for _, p := range l.hold {
		sooner(p.until)
	}
	for ref, w := range l.waiting {
		if now.Sub(w.until) > longestSleep {
			delete(l.waiting, ref) // nothing asks for it any more
		}
		sooner(w.until)
	}
	err := l.Decider.Store.View(ctx, func(tx state.Tx) error {
		if due, ok := state.NextTimer(tx, looked); ok {
			sooner(due)
		}
		return tx.Err()
	})
	if err != nil {
		return 0 // the next round meets it too, and says so
	}
	return d
}

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/state"
)

// Paused reports whether a pause is on that began at most so long ago. One that
// seems to end later than that was counted by a clock that has been set back
// since, and is over (L8).
func Paused(now, until time.Time, longest time.Duration) bool {
	left := until.Sub(now)
	return left > 0 && left <= longest
}

// Backoff is how long what has failed so many times in a row is left alone: longer each
// time, and for a quarter of a minute at most in the first minute, in which a person's
// change has to be put back; then for a minute.
func Backoff(failures int) time.Duration {
	if failures > 7 {
		return time.Minute
	}
	return min(time.Second<<max(failures-1, 0), 15*time.Second)
}

// moved deals with a wall clock that was moved while the lane slept. Timers
// hold still for one tick, should it be moved back; what was put off under a
// clock that ran ahead is mended.
func (l *Lane) moved(ctx context.Context, by time.Duration) error {
	now := l.Decider.Wall().UTC()
	l.still = now.Add(clockTick)
	l.Log.Warn("the wall clock was moved", "by", by)
	return l.setClock(ctx, now, by)
}

// setClock mends what a wrong clock has left in the state.
func (l *Lane) setClock(ctx context.Context, now time.Time, by time.Duration) error {
	mended := 0
	err := l.Decider.Store.Update(ctx, func(tx state.Tx) error {
		mended = state.SetClock(tx, now, by)
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("mend what a wrong clock has left: %w", err)
	}
	if mended > 0 {
		l.Log.Warn("mended what was put off under a clock that ran ahead", "count", mended)
		for _, bell := range l.Decider.Outbox {
			bell.Ring()
		}
	}
	return nil
}

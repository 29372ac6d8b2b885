package state

import (
	"fmt"
	"time"
)

// ClockRetry is the clock of a timer that only looks again.
const ClockRetry = "retry"

// longestWait is longer than anything is put off by design. What is due later
// than that was put off under a clock that ran ahead; trying it earlier than a
// CRM has asked for does no harm either.
const longestWait = 30 * time.Minute

// SetClock mends what was remembered under a clock that ran ahead, now that it
// shows now (L8): writes and looks that were put off for longer than anything
// is put off may happen at once, and a connection that went live in the future
// has gone live by as much earlier as the clock was moved back by. Deadlines
// stay where they are; those counted from an instant that is still to come are
// listed. It says how many things it mended.
func SetClock(tx Tx, now time.Time, moved time.Duration) (mended int) {
	most := longestWait
	if moved < 0 {
		most = 0 // we have seen it: nothing that waits can be trusted
	}
	var late []Intent
	for _, i := range AllIntents(tx) {
		// A message to a channel may well wait for hours.
		if i.State != Parked && i.Due.After(now.Add(most)) && (i.Message == nil || moved < 0) {
			late = append(late, i)
		}
	}
	for _, i := range late {
		if i.Due = now; i.Message != nil && i.Created.After(now) {
			i.Created = now
		}
		PutIntent(tx, i)
		mended++
	}
	for _, c := range AllConns(tx) {
		if moved < 0 && c.Live.After(now) && c.Live.Add(moved).Before(now) {
			c.Live = c.Live.Add(moved)
			PutConn(tx, c)
			mended++
		}
	}
	for _, t := range timers.Range(tx, timerDue+Key(now.Add(most)), string(after(timerDue))) {
		if t.Clock == ClockRetry {
			t.Due = now
			SetTimer(tx, t)
			mended++
		}
	}
	if moved < 0 {
		listAhead(tx, now)
	}
	return mended
}

// listAhead lists the open handoffs whose clocks were counted from an instant
// that is still to come.
func listAhead(tx Tx, now time.Time) {
	for id, h := range AllHandoffs(tx) {
		if h.Stage.Open() && h.AssignedAt.After(now) {
			AddListing(tx, Listing{
				List: "clock", Subject: id, Count: 1, First: now, Last: now,
				Text: fmt.Sprintf("%s was assigned under a clock that ran ahead, at %s; its deadlines are that much late", h.Type, h.AssignedAt.Format(time.RFC3339)),
			})
		}
	}
}

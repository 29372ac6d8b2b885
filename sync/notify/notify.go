// Package notify says outside the CRMs what package plan has decided to say:
// one [Sender] per channel takes its messages out of the outbox and gives them
// to a [Channel]. Nothing here decides whether, whom or how much to tell.
//
// A message that cannot be sent is tried again with growing pauses, and after a
// day it is listed (`undelivered`) and given up: channels fail open. It carries
// a name that is derived from what it is about, so that a receiver can tell the
// second copy that a crash between sending and remembering may make.
package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// Parcel is one message on its way. Key is the same for every copy of it; At
// is when this copy leaves. Link is where a person sees the record it speaks
// of; those of a digest stand in its lines.
type Parcel struct {
	Key  string
	At   time.Time
	Link string
	state.Message
}

// Channel hands one message over. An error means that it may not have arrived.
// It does not try again.
type Channel interface {
	Send(ctx context.Context, p Parcel) error
}

// Sender sends what is in the outbox for one channel, one message after the
// other.
type Sender struct {
	Dest    string // of its entries: "notify/<channel>"
	Channel Channel
	Store   state.Store
	Book    *engine.Book
	Bell    engine.Bell
	Link    func(ctx context.Context, about connectors.Ref) string // where a person sees a record, "" where nobody knows; nil: nowhere
	Wall    func() time.Time
	Log     *slog.Logger

	hold   time.Time // nothing leaves until then
	failed string    // what was logged last
}

const (
	listUndelivered = "undelivered"
	giveUpAfter     = 24 * time.Hour
	leastTries      = 5 // before it is given up: it may have waited that long for leave to be sent
	longestWait     = 15 * time.Minute
	longestSleep    = 30 * time.Second
	perRound        = 50
)

// Run sends until ctx ends. The error, if any, is the store's.
func (s *Sender) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		worked, err := s.round(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("send to %s: %w", s.Dest, err)
		}
		if !worked {
			s.sleep(ctx)
		}
	}
	return nil
}

// round sends what is due. It reports whether anything left.
func (s *Sender) round(ctx context.Context) (bool, error) {
	now := s.Wall()
	if engine.Paused(now, s.hold, longestWait) || s.Book.Rules().Observing() {
		return false, nil
	}
	due, err := s.due(ctx, now)
	if err != nil {
		return false, err
	}
	worked := false
	for _, i := range due {
		if ctx.Err() != nil || !s.wanted(ctx, i) {
			continue
		}
		err := s.Channel.Send(ctx, s.parcel(ctx, i))
		if err != nil && ctx.Err() != nil {
			return worked, nil //nolint:nilerr // stopped meanwhile: nobody knows, and it is sent again
		}
		if keep := s.settle(context.WithoutCancel(ctx), i, err); keep != nil {
			return worked, keep
		}
		if err != nil && !errors.Is(err, ErrNobody) {
			return worked, nil // settled above; the others wait with it
		}
		worked = true
	}
	return worked, nil
}

// parcel is a message with the addresses of the records it speaks of.
func (s *Sender) parcel(ctx context.Context, i state.Intent) Parcel {
	p := Parcel{Key: i.Write.Key, At: s.Wall().UTC(), Message: *i.Message}
	if s.Link == nil || len(p.About) == 0 {
		return p
	}
	if !p.Digest {
		p.Link = s.Link(ctx, p.About[0])
		return p
	}
	lines := strings.Split(p.Text, "\n")
	for n, about := range p.About[:min(len(p.About), len(lines))] {
		if link := s.Link(ctx, about); link != "" {
			lines[n] += " " + link
		}
	}
	p.Text = strings.Join(lines, "\n")
	return p
}

// due is what is to be sent, what has failed before behind the rest: one whom the
// channel does not reach holds up nobody else.
func (s *Sender) due(ctx context.Context, now time.Time) (due []state.Intent, err error) {
	err = s.Store.View(ctx, func(tx state.Tx) error {
		due = nil
		writes, alarms := state.MayWrite(tx, s.Dest), state.StoppedItself(tx)
		if !writes && !alarms {
			return tx.Err()
		}
		for i := range state.DueIntents(tx, s.Dest, now) {
			if !writes && (i.Message == nil || !i.Message.Alarm) {
				continue // it waits with the writes
			}
			due = append(due, i)
		}
		return tx.Err()
	})
	slices.SortStableFunc(due, func(a, b state.Intent) int { return cmp.Compare(a.Attempts, b.Attempts) })
	return due[:min(len(due), perRound)], err
}

// wanted reports whether a message is still in the outbox: what it speaks of
// may have been seen to since.
func (s *Sender) wanted(ctx context.Context, i state.Intent) bool {
	there := false
	err := s.Store.View(ctx, func(tx state.Tx) error {
		_, there = state.GetIntent(tx, i.Write.Key)
		return tx.Err()
	})
	return err == nil && there && i.Message != nil
}

// settle forgets what has arrived, puts off what has not, and gives up in the
// end.
func (s *Sender) settle(ctx context.Context, i state.Intent, failed error) error {
	now := s.Wall().UTC()
	return s.Store.Update(ctx, func(tx state.Tx) error {
		switch {
		case failed == nil:
			s.hold, s.failed = time.Time{}, ""
			state.DropIntent(tx, i.Write.Key)
		case now.Sub(i.Created) >= giveUpAfter && i.Attempts >= leastTries || errors.Is(failed, ErrNobody):
			state.DropIntent(tx, i.Write.Key)
			state.AddListing(tx, state.Listing{
				List: listUndelivered, Subject: cmp.Or(i.Handoff, i.Step) + " " + s.Dest, Count: 1, First: now, Last: now,
				Text: "to " + i.Message.To + ": " + i.Message.Subject + ": " + failed.Error(),
			})
		default:
			i.Attempts++
			i.Error = failed.Error()
			i.Due = now.Add(backoff(i))
			state.PutIntent(tx, i)
			s.pause(now, i, failed)
		}
		return tx.Err()
	})
}

// ErrNobody says that a message has no address in a channel; trying again would
// not help.
var ErrNobody = errors.New("nobody to send it to")

// pause leaves the channel alone for a moment: what fails once fails for the
// next message as well.
func (s *Sender) pause(now time.Time, i state.Intent, failed error) {
	s.hold = now.Add(min(time.Second<<min(i.Attempts, 6), time.Minute))
	if text := failed.Error(); text != s.failed {
		s.failed = text
		s.Log.Warn("cannot send to a channel", "channel", s.Dest, "error", failed)
	}
}

// backoff grows up to a quarter of an hour; its jitter is derived from the key.
func backoff(i state.Intent) time.Duration {
	d := min(time.Second<<min(i.Attempts, 10), longestWait)
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", i.Write.Key, i.Attempts)
	return d + time.Duration(h.Sum32()%1000)*d/4000
}

// sleep waits for the bell or for what is due next.
func (s *Sender) sleep(ctx context.Context) {
	now := s.Wall()
	d := longestSleep
	if held := s.hold.Sub(now); engine.Paused(now, s.hold, longestWait) {
		d = min(d, held)
	} else if err := s.Store.View(ctx, func(tx state.Tx) error {
		if due, ok := state.NextDue(tx, s.Dest, now); ok {
			d = min(d, max(due.Sub(now), time.Millisecond))
		}
		return tx.Err()
	}); err != nil {
		d = time.Second // the next round meets it too, and says so
	}
	wake := time.NewTimer(d)
	defer wake.Stop()
	select {
	case <-ctx.Done():
	case <-s.Bell:
	case <-wake.C:
	}
}

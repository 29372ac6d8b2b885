package writeback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// outcome is what becomes of an entry.
type outcome struct {
	entry     state.Intent
	keep      bool            // it stays in the outbox, as entry says
	delivered *plan.Delivered // the CRM has answered for good
	stamp     time.Time       // of the version our write left
	guarded   bool            // the CRM made sure that nobody came in between
	over      bool            // the CRM says that somebody did
	ref       connectors.Ref
	listed    *state.Listing // what an admin has to see of it
}

// status is how far a handoff is, as its record says it.
const status = connectors.OwnFieldPrefix + "status"

// echo is what is known of our writes to a record after this one, as it was read before;
// deaf: no webhook can be relied on to tell of it.
func (o outcome) echo(e state.Echo, r state.Record, deaf bool) state.Echo {
	if o.stamp.IsZero() {
		return e.Unstamped(o.entry.Over)
	}
	e.Stamp = o.stamp
	if said, says := o.entry.Write.Set[status]; says {
		e.Says = o.says()
		e.Says.Heard = !deaf && e.Says.Open() && said == r.Fields[status] // what changes nothing is not told
	}
	for field := range o.entry.Expect {
		if _, wrote := o.entry.Write.Set[field]; wrote {
			e.Owner = o.window()
		}
	}
	return e
}

// says is where people may have said something else, about the handoff that the record
// shows, than this write; zero: nowhere, because it shows another one, or the CRM made sure.
func (o outcome) says() state.Window {
	_, another := o.entry.Write.Set[connectors.OwnFieldPrefix+"id"]
	if another || !o.entry.Fresh {
		return state.Window{}
	}
	return o.window()
}

// window is where somebody may have come before this write.
func (o outcome) window() state.Window {
	if o.guarded {
		return state.Window{At: o.stamp}
	}
	return state.Window{Over: o.entry.Over, At: o.stamp}
}

// untold reports whether nobody but the CRM's history can say who came right before an
// owner that we wrote: no webhook can be relied on to tell, and no condition was met.
func (o outcome) untold(deaf bool, e state.Echo) bool {
	return deaf && !o.stamp.IsZero() && e.Owner.At.Equal(o.stamp) && e.Owner.Open()
}

// unstamped reports whether the owner stands and the CRM has not told since when.
func (o outcome) unstamped() bool {
	return o.delivered != nil && !o.keep && o.delivered.Err == "" && o.delivered.Class == "" && len(o.entry.Expect) > 0 && !o.entry.Over.IsZero() && !o.guarded
}

// settle keeps the outcome of every entry and decides about the final ones in
// one transaction.
func (w *Writer) settle(ctx context.Context, b batch, results []connectors.Result, began time.Time) error {
	now := w.Decider.Wall().UTC()
	outcomes := make([]outcome, len(results))
	// A failure is about the connection where it is the answer to every write:
	// a row that is locked says nothing of the rows beside it. "Too many" and
	// credentials that no longer work are about it in any case.
	var whole *connectors.Error
	answered, forAll := false, false
	for n, r := range results {
		outcomes[n] = w.judge(b.entries[n], r, now)
		switch {
		case r.Err != nil && errors.Is(r.Err, connectors.ErrTooLate):
			answered = true
			continue
		case r.Err != nil && (r.Err.Class == connectors.Throttled || r.Err.Class == connectors.AuthBroken):
			whole, forAll = r.Err, true
		case r.Err != nil && holdsConnection(r.Err.Class):
			whole = cmp.Or(whole, r.Err)
		default:
			answered = true
		}
		w.Metrics.written(w.Conn, r, now.Sub(began))
		if r.Err != nil {
			w.failed("write", r.Err)
		}
	}
	if _, err := w.keep(ctx, outcomes, nil); err != nil {
		return err
	}
	if answered || whole == nil {
		w.answered("write")
	}
	if whole != nil && (!answered || forAll) {
		w.leaveAlone("write", whole)
	}
	return nil
}

// keep commits outcomes together with what is decided about them, asks first.
// An entry that was withdrawn while it was on its way stays withdrawn.
func (w *Writer) keep(ctx context.Context, outcomes []outcome, asks []engine.Ask) ([]engine.Verdict, error) {
	for _, o := range outcomes {
		if o.delivered != nil {
			asks = append(asks, engine.Ask{Event: *o.delivered})
		}
		if o.keep && o.entry.State != state.Parked {
			w.order.putOff(o.entry)
		} else {
			w.order.over(o.entry)
		}
	}
	now, safety := w.Decider.Wall().UTC(), w.Decider.Book.Rules().Safety()
	looks := false
	before := func(tx state.Tx) {
		conn, _ := state.GetConn(tx, w.Conn)
		deaf := !w.Gate.Hears(conn, now)
		_, tells := w.Connector.(connectors.Historian)
		looks = false
		for _, o := range outcomes {
			look := o.over
			remember(tx, o, now)
			if d := o.delivered; d != nil && !o.keep && d.Err == "" && d.Class == "" {
				passed(tx, safety, w.Conn, now)
			}
			if o.listed != nil {
				state.AddListing(tx, *o.listed)
			}
			if _, there := state.GetIntent(tx, o.entry.Write.Key); o.keep && there {
				state.PutIntent(tx, o.entry)
			} else if !o.keep {
				state.DropIntent(tx, o.entry.Write.Key)
			}
			if !o.stamp.IsZero() || o.unstamped() {
				e, _ := state.GetEcho(tx, o.ref)
				r, _ := state.GetRecord(tx, o.ref)
				e.Blind = deaf && len(o.entry.Expect) == 0 && !o.guarded || e.Blind && r.ModifiedAt.Before(e.Stamp)
				e = o.echo(e, r, deaf)
				state.PutEcho(tx, o.ref, e)
				look = look || tells && o.untold(deaf, e)
			}
			if look {
				state.AppendInbox(tx, lookAt(o, now))
				looks = true
			}
		}
	}
	verdicts, err := w.Decider.Decide(ctx, before, asks)
	if looks {
		w.Decider.Lanes.Ring()
	}
	return verdicts, err
}

// setBack tries entries again later that could not be sent for a reason of
// their own, and gives up on them in the end. What is uncertain about them
// stays so.
func (w *Writer) setBack(ctx context.Context, entries []state.Intent, e *connectors.Error) error {
	now := w.Decider.Wall().UTC()
	outcomes := make([]outcome, len(entries))
	for n, i := range entries {
		if wholeKind(e) {
			outcomes[n] = w.deny(i, e, now)
			continue
		}
		i.Class, i.Error = e.Class.String(), e.Error()
		if i.Attempts++; i.Attempts >= mostAttempts {
			outcomes[n] = w.refused(i, connectors.Result{Err: e})
			continue
		}
		i.Due = now.Add(backoff(i))
		outcomes[n] = outcome{entry: i, keep: true}
	}
	_, err := w.keep(ctx, outcomes, nil)
	return err
}

// judge says what one answer means for its entry.
func (w *Writer) judge(i state.Intent, r connectors.Result, now time.Time) outcome {
	if r.Err == nil {
		if len(r.Skipped) == 0 { // an attempt that was not answered may have done it
			r.Skipped, r.Refused = i.Skipped, i.Unwanted
		}
		return outcome{entry: i, stamp: r.ModifiedAt, guarded: r.Guarded, over: cameOver(i, r.Stood), ref: r.Ref, delivered: &plan.Delivered{
			Intent: i, Ref: r.Ref, Version: r.Version, Skipped: r.Skipped, Refused: r.Refused, Stamp: r.ModifiedAt, Guarded: r.Guarded, Stood: r.Stood,
		}}
	}
	e := r.Err
	if wholeKind(e) {
		i.State = undone(i)
		return w.deny(i, e, now)
	}
	if errors.Is(e, connectors.ErrTooLate) {
		i.State, i.ReadAt, i.Due = undone(i), time.Time{}, now
		return outcome{entry: i, keep: true}
	}
	i.Class, i.Error = e.Class.String(), e.Error()
	switch e.Class {
	case connectors.Throttled, connectors.AuthBroken:
		// Not applied, and not this write's fault: it does not count.
		i.State, i.Due = undone(i), now.Add(max(e.RetryAfter, time.Second))
		return outcome{entry: i, keep: true}
	case connectors.Ambiguous:
		if len(r.Skipped) > 0 {
			i.Skipped, i.Unwanted = r.Skipped, r.Refused
		}
		if i.Attempts++; i.Attempts >= mostAttempts && errors.Is(e, errLost) {
			return w.refused(i, r)
		}
		if i.Write.Creates() {
			i.State, i.Looked, i.Due = state.Sending, 0, now.Add(lookAgain)
		} else {
			i.Due = now.Add(backoff(i))
		}
		w.Metrics.ambiguous.Inc()
		return outcome{entry: i, keep: true}
	case connectors.Unavailable, connectors.Schema, connectors.CursorGone, connectors.Unknown:
		i.Attempts++
		if e.Class != connectors.Unavailable && i.Attempts >= mostAttempts {
			return w.refused(i, r)
		}
		i.State, i.Due = undone(i), now.Add(max(backoff(i), e.RetryAfter))
		return outcome{entry: i, keep: true}
	case connectors.Conflict, connectors.NotFound:
		if e.Class == connectors.Conflict && i.Fresh && e.Existing.IsZero() && i.Contested < mostAttempts { // somebody may have said something
			i.State, i.ReadAt, i.Due = undone(i), time.Time{}, now.Add(time.Duration(i.Contested)*undecided)
			i.Contested++
			return outcome{entry: i, keep: true}
		}
		return outcome{entry: i, delivered: &plan.Delivered{Intent: i, Ref: i.Write.Ref, Class: i.Class, Err: i.Error, Existing: e.Existing, Alike: e.Alike}}
	case connectors.Invalid, connectors.Denied:
		return w.refused(i, r)
	}
	return w.refused(i, r)
}

// undone is the state of an entry whose last attempt has done nothing: one of
// which an earlier attempt may have come through is as uncertain as before.
func undone(i state.Intent) state.IntentState {
	if i.InDoubt {
		return state.Sending
	}
	return state.Ready
}

// refused parks an entry: it stays where the admin can see it.
func (w *Writer) refused(i state.Intent, r connectors.Result) outcome {
	i.State = state.Parked
	return outcome{entry: i, keep: true, delivered: &plan.Delivered{
		Intent: i, Ref: i.Write.Ref, Skipped: r.Skipped, Class: i.Class, Err: i.Error, Existing: r.Err.Existing, Alike: r.Err.Alike, Fields: r.Err.Fields,
	}}
}

// holdsConnection reports whether an error of one write speaks of them all.
func holdsConnection(c connectors.Class) bool {
	return c == connectors.Throttled || c == connectors.AuthBroken || c == connectors.Unavailable
}

const mostAttempts = 8

// backoff grows with the attempts up to 15 minutes; its jitter is derived from
// the key, so that a replay waits as long.
func backoff(i state.Intent) time.Duration {
	d := min(time.Second<<min(i.Attempts, 10), 15*time.Minute)
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", i.Write.Key, i.Attempts)
	return d + time.Duration(h.Sum32()%1000)*d/4000
}

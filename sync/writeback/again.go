package writeback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

const (
	// A read this old may have been overtaken by a person; the record is read
	// again before its owner is written.
	freshRead = 5 * time.Second
	// slowRead is how long an answer may take for the reading to count from
	// when it was asked for. Beyond that it counts from when it came, or a CRM
	// that slow would be read again for ever; what a person did meanwhile is
	// put back afterwards.
	slowRead = 4 * time.Second
	// longestReading is how long a CRM may take for it: what hangs is asked anew.
	longestReading = 10 * time.Second
	// farAhead is a CRM's clock that is wrong.
	farAhead = time.Minute
	// undecided is when a write is looked at again whose record had to be
	// asked about first.
	undecided = 2 * time.Second
	// waited is the same where nothing can be decided yet: each look is a call.
	waited = 15 * time.Second
)

// readAgain reads the records whose owner or status is about to be written and that
// were read too long ago, or so soon after their last change that the CRM could not tell
// a further one from it. What it finds is decided like any change; an entry
// whose expectation no longer holds comes back as a conflict. It reports
// whether the batch has to be taken anew.
func (w *Writer) readAgain(ctx context.Context, b batch, now time.Time) (bool, error) {
	stale := map[connectors.Kind][]string{}
	byRef := map[connectors.Ref]state.Intent{}
	var young []state.Intent
	for _, i := range b.entries {
		if !b.onReading(i) {
			continue
		}
		grown := b.grown(i)
		switch {
		case now.Before(grown) && grown.Before(now.Add(farAhead)):
			i.Due = grown.UTC()
			young = append(young, i)
		case !fresh(b.read(i), now), i.ReadAt.Before(grown) && grown.Before(now.Add(farAhead)):
			stale[i.Write.Ref.Kind] = append(stale[i.Write.Ref.Kind], i.Write.Ref.ID)
			byRef[i.Write.Ref] = i
		}
	}
	if len(young) > 0 {
		return true, w.put(ctx, b.together(young))
	}
	var answers []rereading
	for _, kind := range slices.Sorted(maps.Keys(stale)) {
		answers = append(answers, w.askAgain(ctx, kind, stale[kind]))
	}
	came := w.Decider.Wall().UTC() // all of them: one kind is no fresher for being read before another
	for _, a := range answers {
		if err := w.settleAgain(ctx, a, came, byRef, b.unheard); err != nil {
			return true, err
		}
	}
	return len(stale) > 0, nil
}

// grown is when a reading says which version a record has: where versions are
// whole seconds, an edit right after the last one has the same. Zero where the
// write is under no condition.
func (b batch) grown(i state.Intent) time.Time {
	if b.grain == 0 || i.Write.IfVersion == "" || i.Over.IsZero() || b.loose && !i.AtRisk || i.Fresh {
		return time.Time{}
	}
	return i.Over.Add(2 * b.grain)
}

// onReading reports whether a write must not leave on a reading that has grown old.
func (b batch) onReading(i state.Intent) bool {
	return i.OnReading() && !b.guarded(i)
}

// read is when what a write rests on was asked for. What a list showed is as good as a
// reading of then where webhooks tell what is newer.
func (b batch) read(i state.Intent) time.Time {
	if i.Listed && b.told && i.ReadAt.IsZero() {
		return i.Created
	}
	return i.ReadAt
}

// guarded reports whether the CRM itself refuses a status where the record has changed
// since it was read, however long ago that is.
func (b batch) guarded(i state.Intent) bool {
	_, unheard := b.unheard[i.Write.Ref]
	return b.grain > 0 && !b.many && !unheard && i.Fresh && i.Write.IfVersion != "" && !i.ReadAt.Before(i.Over.Add(2*b.grain))
}

// fresh reports whether what was read then may still be relied on. A reading
// of the future is one from before the clock was set back.
func fresh(read, now time.Time) bool {
	age := now.Round(0).Sub(read)
	return age >= 0 && age <= freshRead
}

// leaveBy is when a write must have left, by this machine's own clock; zero
// where it rests on nothing that grows old.
func (b batch) leaveBy(i state.Intent, wall time.Time) time.Time {
	if !b.onReading(i) {
		return time.Time{}
	}
	return time.Now().Add(freshRead - wall.Round(0).Sub(b.read(i)))
}

// rereading is the answer about the records of one kind.
type rereading struct {
	kind    connectors.Kind
	ids     []string
	rules   *plan.Rules
	began   time.Time // when it was asked for
	objects []connectors.Object
	err     error
}

// askAgain reads records of one kind.
func (w *Writer) askAgain(ctx context.Context, kind connectors.Kind, ids []string) rereading {
	ctx, cancel := context.WithTimeout(ctx, longestReading)
	defer cancel()
	a := rereading{kind: kind, ids: ids, rules: w.Decider.Book.Rules(), began: w.Decider.Wall().UTC()}
	a.err = engine.Safely("read again", func() (err error) {
		a.objects, err = w.Connector.Read(connectors.Urgent(ctx), kind, ids, a.rules.Fields(w.Conn, kind))
		return err
	})
	return a
}

// settleAgain settles the entries about records that were read again. now is when all
// that was asked for had come.
func (w *Writer) settleAgain(ctx context.Context, a rereading, now time.Time, byRef map[connectors.Ref]state.Intent, unheard map[connectors.Ref]state.Window) error {
	var asked []state.Intent
	for _, id := range a.ids {
		asked = append(asked, byRef[connectors.Ref{Conn: w.Conn, Kind: a.kind, ID: id}])
	}
	if a.err != nil && len(a.objects) == 0 {
		return w.couldNot(ctx, "read again", connectors.AsError("read again", a.err), asked)
	}
	w.answered("read again")
	read := a.began
	if a.err == nil && now.Sub(a.began) > slowRead { // what came beside a failure may have come long before it
		read = now
	}
	var asks []engine.Ask
	var outcomes []outcome
	var changed []reading
	seen := map[connectors.Ref]bool{}
	for n, o := range a.objects {
		i, ok := byRef[o.Ref]
		if !ok || seen[o.Ref] {
			continue
		}
		seen[o.Ref] = true
		record, _ := a.rules.Normalize(o)
		asks = append(asks, engine.Ask{Event: plan.Observed{Record: record, Via: state.ViaReread, Came: now, Read: read, Says: unheard[o.Ref]}, Rules: a.rules})
		there := !o.Deleted && o.MovedTo.IsZero() // what lives on as another is not what was expected
		r := reading{entry: i, object: &a.objects[n], read: read, holds: there && holds(i.Expect, o)}
		changed = append(changed, r)
		if r.holds {
			i.ReadAt, i.Over = read, o.ModifiedAt
			if i.Write.IfVersion != "" {
				i.Write.IfVersion = o.Version
			}
			outcomes = append(outcomes, outcome{entry: i, keep: true})
		}
	}
	verdicts, err := w.keep(ctx, outcomes, asks)
	if err != nil {
		return err
	}
	if err := w.changed(ctx, changed, verdicts, now); err != nil {
		return err
	}
	silent := slices.DeleteFunc(asked, func(i state.Intent) bool { return seen[i.Write.Ref] })
	if len(silent) == 0 {
		return nil
	}
	e := connectors.AsError("read again", cmp.Or(a.err, errSilent))
	if a.err == nil || !holdsConnection(e.Class) {
		return w.setBack(ctx, silent, e)
	}
	w.failed("read again", e)
	for n := range silent { // which says nothing about them: they are not given up for it
		silent[n].Attempts++
		silent[n].Due = now.Add(backoff(silent[n]))
	}
	return w.put(ctx, silent)
}

// reading is what was found under an entry.
type reading struct {
	entry  state.Intent
	object *connectors.Object
	read   time.Time
	holds  bool          // its expectation does
	past   bool          // and it has to be asked whether a person has set it to that since
	later  time.Duration // when it is looked at again, where that is open
}

// changed settles the entries whose record is not what they expect. Where the
// CRM has to be asked first who has changed it, the lane does that, and the
// entry waits.
func (w *Writer) changed(ctx context.Context, readings []reading, verdicts []engine.Verdict, now time.Time) error {
	var conflicts []outcome
	var open []reading
	for n, r := range readings {
		switch v := verdicts[n]; {
		case len(v.Needs) > 0 || v.Wait != "":
			r.past = slices.ContainsFunc(v.Needs, func(n state.Need) bool { return n.Past.ID == r.object.Ref.ID })
			if r.later = undecided; v.Wait != "" {
				r.later = waited
			}
			open = append(open, r)
		case !r.holds:
			conflicts = append(conflicts, outcome{entry: r.entry, delivered: &plan.Delivered{
				Intent: r.entry, Class: connectors.Conflict.String(), Err: "the record was changed before it was written",
			}})
		}
	}
	if len(conflicts) > 0 {
		if _, err := w.keep(ctx, conflicts, nil); err != nil {
			return err
		}
	}
	if len(open) == 0 {
		return nil
	}
	for _, r := range open {
		w.order.putOff(r.entry)
	}
	err := w.Decider.Store.Update(ctx, func(tx state.Tx) error {
		for _, r := range open {
			hint := connectors.Change{
				Ref: r.object.Ref, At: r.object.ModifiedAt, Object: r.object,
				EventID: "reread " + r.object.Ref.String() + " " + r.object.Version + " " + r.read.Format(time.RFC3339Nano),
			}
			state.AppendInbox(tx, state.Change{Change: hint, Via: state.ViaReread, Came: now, Read: r.read, Rank: min(r.entry.Rank, 0)})
			if i, there := state.GetIntent(tx, r.entry.Write.Key); there && (!r.holds || r.past && !i.Fresh || i.Fresh && i.Contested < mostAttempts) {
				i.Due, i.ReadAt = now.Add(r.later), time.Time{}
				if i.Fresh {
					i.Contested++
				}
				state.PutIntent(tx, i)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("hand a changed record to the lane: %w", err)
	}
	w.Decider.Lanes.Ring()
	return nil
}

// errSilent is an answer that leaves out what was asked for.
var errSilent = errors.New("the CRM has no answer about the record")

// holds reports whether the fields still have the values seen when decided.
func holds(expect map[string]any, o connectors.Object) bool {
	for field, want := range expect {
		got := o.Fields[field]
		if same := fmt.Sprint(want) == fmt.Sprint(got) || blank(want) && blank(got); !same {
			return false
		}
	}
	return true
}

func blank(v any) bool { return v == nil || v == "" }

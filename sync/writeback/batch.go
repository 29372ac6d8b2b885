package writeback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// batch is what goes out together, creates before what hangs on them.
type batch struct {
	entries []state.Intent
	told    bool                            // webhooks can be relied on to tell what people do
	unheard map[connectors.Ref]state.Window // where people may have said something right before the status that we wrote last, which nobody tells of
	grain   time.Duration                   // how finely the CRM tells versions apart; zero: it takes no condition
	loose   bool                            // too many owners for each to be under a condition: only those at risk are, the others are looked at just before
	many    bool                            // too many with the statuses, of which none is under one then
}

func (b batch) empty() bool { return len(b.entries) == 0 }

func (b batch) writes() []connectors.Write {
	ws := make([]connectors.Write, len(b.entries))
	for i, e := range b.entries {
		ws[i] = e.Write
		ws[i].Rank = e.Rank
	}
	return ws
}

// leaving is writes as they are about to leave.
func (b batch) leaving(wall time.Time) []connectors.Write {
	ws := b.writes()
	for n, i := range b.entries {
		ws[n].NotAfter = b.leaveBy(i, wall)
		ws[n].Loose = b.loose && !i.AtRisk
		if i.Fresh && !b.guarded(i) {
			ws[n].IfVersion = "" // it rests on a reading of just before
		}
	}
	return ws
}

// under notes which conditions the CRM takes, and whether those of the owners, and those of
// the statuses beside them, would cost more calls than one: in a collection none can have one.
func (b batch) under(c connectors.Connector) batch {
	guard, ok := c.(connectors.Guard)
	if !ok {
		return b
	}
	owners, all := 0, 0
	for _, i := range b.entries {
		if i.Write.IfVersion == "" {
			continue
		}
		if all++; !i.Fresh {
			owners++
		}
	}
	b.grain, b.loose, b.many = guard.Grain(), owners > guard.Conditional(), all > guard.Conditional()
	return b
}

// together are entries that have to wait, with those of the same handoffs that
// wait with them: what tells of an owner does not leave before the owner does,
// and all of it costs one call in the end.
func (b batch) together(late []state.Intent) []state.Intent {
	until := map[string]time.Time{}
	for _, i := range late {
		if i.Due.After(until[i.Handoff]) {
			until[i.Handoff] = i.Due
		}
	}
	var out []state.Intent
	for _, i := range b.entries {
		if due, waits := until[i.Handoff]; waits {
			i.Due = due
			out = append(out, i)
		}
	}
	return out
}

// updates are the records that the batch changes.
func (b batch) updates() []connectors.Ref {
	var refs []connectors.Ref
	for _, e := range b.entries {
		if !e.Write.Creates() {
			refs = append(refs, e.Write.Ref)
		}
	}
	return refs
}

// due is what the outbox holds that can be done something about now.
type due struct {
	batch
	put    []state.Intent // to be put off: what they hang on is put off
	orphan []state.Intent // what they hang on will not be made
}

// take gathers what is due: one entry per record, the oldest, so that two
// changes of one record never overtake each other, however urgent, and nothing
// that hangs on a create which is not in the batch. Half of it may be changes that
// stand for themselves: each has a task to go with it, made or ticked off, and a CRM
// takes as many of the one as of the other in a call. What has no room waits, and what
// belongs to it waits with it.
func (w *Writer) take(ctx context.Context, now time.Time) (due, error) {
	var d due
	limit := w.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	most := limit
	if w.alone > 0 {
		most = 1
	}
	safety := w.Decider.Book.Rules().Safety()
	err := w.Decider.Store.View(ctx, func(tx state.Tx) error {
		d = due{}
		if state.CountDue(tx, w.Conn, now, 1) == 0 {
			return tx.Err() // as most of the time
		}
		conn, _ := state.GetConn(tx, w.Conn)
		d.told = w.Gate.Hears(conn, now)
		if !state.MayWrite(tx, w.Conn) {
			return tx.Err()
		}
		trial := onTrial(tx, safety, w.Conn)
		taken := map[connectors.Ref]int{} // where its entry is
		changes := 0                      // of them, that stand for themselves
		left := map[string]bool{}         // handoffs of which a change had no room
		keys := map[string]bool{}
		var hanging []state.Intent
		for i := range state.DueIntents(tx, w.Conn, now) {
			if trial && !state.Approved(tx, i) {
				continue
			}
			n, has := taken[i.Write.Ref]
			belongs := i.Write.Creates() || len(i.Write.Links) > 0
			until := w.denied.until(i.Write.Ref.Kind, now)
			switch {
			case (len(d.entries) >= most || len(hanging) >= limit) && !has, belongs && left[i.Handoff]:
				continue // what is left of the outbox may hold an older change of what is taken
			case !belongs && !has && changes >= (most+1)/2:
				left[i.Handoff] = true
				continue
			case !until.IsZero():
				if len(d.put) < limit {
					i.Due = until
					d.put = append(d.put, i)
				}
				continue
			case i.Write.After != "":
				hanging = append(hanging, i)
				continue
			case !i.Write.Creates() && w.order.waits(tx, i):
				continue
			case !i.Write.Creates():
				if has && !i.Created.Before(d.entries[n].Created) {
					continue
				}
				if has {
					delete(keys, d.entries[n].Write.Key)
					d.entries[n], keys[i.Write.Key] = i, true
					continue
				}
				taken[i.Write.Ref] = len(d.entries)
				if !belongs {
					changes++
				}
			}
			keys[i.Write.Key] = true
			d.entries = append(d.entries, i)
		}
		if !d.told {
			d.unheard = unheard(tx, d.entries)
		}
		for _, i := range hanging {
			d.resolve(tx, i, keys, now)
		}
		d.entries = slices.DeleteFunc(d.entries, func(i state.Intent) bool { return d.waitsFor(tx, i, keys, now) })
		return tx.Err()
	})
	if err != nil {
		return due{}, fmt.Errorf("take from the outbox: %w", err)
	}
	return d, nil
}

// unheard are the windows that a further status would close: what was said in them is
// asked about before it leaves.
func unheard(tx state.Tx, entries []state.Intent) map[connectors.Ref]state.Window {
	open := map[connectors.Ref]state.Window{}
	for _, i := range entries {
		if !i.Fresh {
			continue
		}
		if e, _ := state.GetEcho(tx, i.Write.Ref); e.Says.Open() && !e.Says.Heard {
			open[i.Write.Ref] = e.Says
		}
	}
	return open
}

// resolve settles what an entry hangs on: a create in this batch; one that was
// answered before, whose new id it links to from now on; one that waits
// itself; or one that will not happen. An entry that may have happened already
// waits for the answer about the create: until the record it hangs on is
// known, it cannot be looked for, and not being found would mean nothing.
func (d *due) resolve(tx state.Tx, i state.Intent, batch map[string]bool, now time.Time) {
	if batch[i.Write.After] {
		if i.State != state.Sending {
			d.entries = append(d.entries, i)
		}
		return
	}
	h, _ := state.GetHandoff(tx, i.Handoff)
	for _, step := range slices.Sorted(maps.Keys(h.Effects)) {
		if e := h.Effects[step]; e.Key == i.Write.After && e.Ref.ID != "" {
			i.Write.Links = append(slices.Clone(i.Write.Links), e.Ref)
			i.Write.After = ""
			d.entries = append(d.entries, i)
			return
		}
	}
	create, there := state.GetIntent(tx, i.Write.After)
	switch {
	case !there || create.State == state.Parked:
		d.orphan = append(d.orphan, i)
	case create.Due.After(now):
		i.Due = create.Due
		d.put = append(d.put, i)
	}
}

// waitsFor puts off a change that rests on one that is put off: a task is not ticked off
// before it is said on the record why.
func (d *due) waitsFor(tx state.Tx, i state.Intent, batch map[string]bool, now time.Time) bool {
	if i.Write.Creates() || len(i.Write.Links) == 0 {
		return false
	}
	h, _ := state.GetHandoff(tx, i.Handoff)
	for _, e := range h.Effects {
		if !slices.Contains(i.Write.Links, e.Ref) || batch[e.Key] {
			continue
		}
		on, there := state.GetIntent(tx, e.Key)
		if there && on.State != state.Parked && on.Due.After(now) && !on.Created.After(i.Created) {
			i.Due = on.Due
			d.put = append(d.put, i)
			return true
		}
	}
	return false
}

// errOrphan is why a task is not made whose record was not made.
var errOrphan = errors.New("the record it belongs to was not made")

// tidy settles the entries that cannot be sent. It reports whether there were
// any; the batch is then taken anew.
func (w *Writer) tidy(ctx context.Context, d due) (bool, error) {
	if len(d.put) == 0 && len(d.orphan) == 0 {
		return false, nil
	}
	now := w.Decider.Wall().UTC()
	var outcomes []outcome
	for _, i := range d.put {
		outcomes = append(outcomes, outcome{entry: i, keep: true})
	}
	for _, i := range d.orphan {
		outcomes = append(outcomes, w.judge(i, connectors.Result{
			Key: i.Write.Key, Err: &connectors.Error{Class: connectors.Invalid, Op: "write", Err: errOrphan},
		}, now))
	}
	_, err := w.keep(ctx, outcomes, nil)
	return true, err
}

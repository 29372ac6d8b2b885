package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

func change(event string, rank int, at time.Time) state.Change {
	return state.Change{Change: connectors.Change{Ref: contact(1), EventID: event, At: at}, Via: "webhook", Came: at, Rank: rank}
}

// inbox serves I1: an event is taken once, and the most urgent come first.
func inbox(t *testing.T, open opener) {
	s := start(t, open)
	var taken []bool
	update(t, s, func(tx state.Tx) {
		for _, c := range []state.Change{
			change("a", 3, noon), change("b", 0, noon), change("a", 3, noon), change("a", 3, noon.Add(1)), change("c", 3, noon),
		} {
			taken = append(taken, state.AppendInbox(tx, c))
		}
	})
	same(t, "taken", taken, []bool{true, true, false, true, true})
	events := func(tx state.Tx) (all []string) {
		for c := range state.InboxRows(tx, "hubspot") {
			all = append(all, c.EventID)
		}
		return all
	}
	update(t, s, func(tx state.Tx) {
		same(t, "order", events(tx), []string{"b", "a", "a", "c"})
		for c := range state.InboxRows(tx, "hubspot") {
			if c.EventID != "c" {
				state.DropInbox(tx, c.Key)
			}
		}
		same(t, "left", events(tx), []string{"c"})
		same(t, "a dropped event again", state.AppendInbox(tx, change("b", 0, noon)), false)
		same(t, "pruned", state.PruneSeen(tx, noon.Add(1), 2), 2)
		same(t, "pruned", state.PruneSeen(tx, noon.Add(1), 9), 1)
		same(t, "after pruning", state.AppendInbox(tx, change("b", 0, noon)), true)
		same(t, "not pruned", state.AppendInbox(tx, change("a", 3, noon.Add(1))), false)
	})
}

func timers(t *testing.T, open opener) {
	s := start(t, open)
	ids := func(tx state.Tx, until time.Time) (all []string) {
		for tm := range state.TimersUntil(tx, until) {
			all = append(all, tm.ID)
		}
		return all
	}
	update(t, s, func(tx state.Tx) {
		if _, ok := state.NextTimer(tx, time.Time{}); ok {
			t.Error("an empty bucket has a next timer")
		}
		for i, id := range []string{"late", "soon", "first", "moved"} {
			state.SetTimer(tx, state.Timer{ID: id, Due: noon.Add(time.Duration(-i) * time.Hour)})
		}
		state.SetTimer(tx, state.Timer{ID: "moved", Due: noon.Add(time.Hour)})
		state.CancelTimer(tx, "no such timer")
	})
	update(t, s, func(tx state.Tx) {
		same(t, "due at noon", ids(tx, noon), []string{"first", "soon", "late"})
		same(t, "due just before", ids(tx, noon.Add(-1)), []string{"first", "soon"})
		next, ok := state.NextTimer(tx, time.Time{})
		same(t, "next", next, noon.Add(-2*time.Hour))
		same(t, "is there a next", ok, true)
		for tm := range state.TimersUntil(tx, noon) { // moves and cancels what it walks over
			if tm.ID == "soon" {
				state.SetTimer(tx, state.Timer{ID: "soon", Due: noon.Add(2 * time.Hour)})
			} else {
				state.CancelTimer(tx, tm.ID)
			}
		}
		same(t, "left", ids(tx, noon.Add(24*time.Hour)), []string{"moved", "soon"})
	})
	verify(t, s)
}

func intent(dest, key string, rank int, due time.Time) state.Intent {
	return state.Intent{Dest: dest, Rank: rank, Due: due, State: state.Ready, Write: connectors.Write{Key: key, Ref: contact(1)}}
}

func outbox(t *testing.T, open opener) {
	s := start(t, open)
	due := func(tx state.Tx, dest string) (all []string) {
		for i := range state.DueIntents(tx, dest, noon) {
			all = append(all, i.Write.Key)
		}
		return all
	}
	update(t, s, func(tx state.Tx) {
		if _, ok := state.NextDue(tx, "eu", time.Time{}); ok {
			t.Error("an empty outbox has a next entry")
		}
		for _, i := range []state.Intent{
			intent("eu", "cool-new", 5, noon), intent("eu", "hot-new", 0, noon), intent("eu", "cool-old", 5, noon.Add(-time.Hour)),
			intent("eu", "hot-later", 0, noon.Add(time.Minute)), intent("eu", "off-the-scale", 99, noon), intent("eu", "below-it", -7, noon), intent("eu", "put back", state.FirstRank, noon.Add(-1)),
			intent("us", "other", 0, noon), intent("e", "prefix", 0, noon),
		} {
			state.PutIntent(tx, i)
		}
	})
	update(t, s, func(tx state.Tx) {
		same(t, "due", due(tx, "eu"), []string{"put back", "below-it", "hot-new", "cool-old", "cool-new", "off-the-scale"})
		next, _ := state.NextDue(tx, "eu", time.Time{})
		same(t, "next", next, noon.Add(-time.Hour))
		parked := intent("eu", "cool-old", 5, noon.Add(-time.Hour))
		parked.State = state.Parked
		state.PutIntent(tx, parked)
		state.PutIntent(tx, intent("eu", "hot-new", 0, noon.Add(time.Hour)))
		state.DropIntent(tx, "below-it")
		state.DropIntent(tx, "put back")
		state.DropIntent(tx, "no such entry")
		same(t, "due after", due(tx, "eu"), []string{"cool-new", "off-the-scale"})
		for i := range state.DueIntents(tx, "eu", noon) { // puts off what it walks over
			i.Due = noon.Add(time.Hour)
			state.PutIntent(tx, i)
		}
		same(t, "due when put off", due(tx, "eu"), nil)
		state.PutIntent(tx, intent("eu", "at once", 3, time.Time{}))
		next, ok := state.NextDue(tx, "eu", time.Time{})
		same(t, "next when one has no instant", next, time.Time{})
		same(t, "is there a next", ok, true)
		if i, ok := state.GetIntent(tx, "cool-old"); !ok || i.State != state.Parked {
			t.Errorf("parked entry: %+v %v", i, ok)
		}
	})
	verify(t, s)
}

func handoffIndexes(t *testing.T, open opener) {
	s := start(t, open)
	of := func(tx state.Tx, n int) (all []string) {
		for h := range state.HandoffsOf(tx, contact(n)) {
			all = append(all, h.ID+" "+string(h.Stage))
		}
		return all
	}
	h := state.Handoff{ID: "h1", Record: contact(1), Target: contact(2), Stage: state.Assigned, Owner: "ann@example.com"}
	update(t, s, func(tx state.Tx) {
		state.PutHandoff(tx, h)
		state.PutHandoff(tx, state.Handoff{ID: "h2", Record: contact(1), Target: contact(1), Stage: state.Assigned, Owner: "ann@example.com"})
		state.PutHandoff(tx, state.Handoff{ID: "h3", Record: contact(11), Stage: state.Queued})
	})
	update(t, s, func(tx state.Tx) {
		same(t, "of the first", of(tx, 1), []string{"h1 assigned", "h2 assigned"})
		same(t, "of its target", of(tx, 2), []string{"h1 assigned"})
		same(t, "load", state.Unaccepted(tx, "ann@example.com"), 2)
		same(t, "load of a prefix", state.Unaccepted(tx, "ann@example.co"), 0)
		h.Stage, h.Target = state.Accepted, contact(3)
		state.PutHandoff(tx, h)
		same(t, "of the old target", of(tx, 2), nil)
		same(t, "of the new target", of(tx, 3), []string{"h1 accepted"})
		same(t, "load after accepting", state.Unaccepted(tx, "ann@example.com"), 1)
	})
	verify(t, s)
}

// verify wants all indexes right and the trail whole.
func verify(t *testing.T, s state.Store) {
	t.Helper()
	view(t, s, func(tx state.Tx) {
		if err := state.VerifyIndexes(tx); err != nil {
			t.Error(err)
		}
		if err := state.VerifyAudit(tx); err != nil {
			t.Error(err)
		}
	})
}

func apply(t *testing.T, open opener) {
	s := start(t, open)
	c := state.Changes{
		Records:  []state.Record{{Ref: contact(1), Noun: "person", Version: "7", Fields: map[string]string{"email": "a@example.com"}}},
		Handoffs: []state.Handoff{{ID: "h1", Record: contact(1), Stage: state.Assigned, Owner: "ann@example.com"}},
		Triggers: []state.Trigger{{Type: "demo", Record: contact(1), Version: "v", At: noon}},
		Timers:   []state.Timer{{ID: "t1", Handoff: "h1", Due: noon}},
		Intents:  []state.Intent{intent("eu", "k1", 0, noon)},
		Pools:    []state.Pool{{Team: "ae", Served: map[string]int64{"ann@example.com": 5}}},
		Same:     []state.Same{{Refs: []connectors.Ref{contact(1), contact(2)}, By: "email", At: noon}},
		Listings: []state.Listing{{List: "refused", Subject: "contact 1", Text: "no e-mail", First: noon, Last: noon}},
		Audit:    []state.AuditRow{{At: noon, Actor: "handoffd", Action: "assign", Subject: "h1"}},
	}
	for range 2 {
		update(t, s, func(tx state.Tx) { state.Apply(tx, c) })
	}
	update(t, s, func(tx state.Tx) {
		r, _ := state.GetRecord(tx, contact(1))
		same(t, "record", r, c.Records[0])
		tr, _ := state.GetTrigger(tx, "demo", contact(1))
		same(t, "trigger", tr, c.Triggers[0])
		p, _ := state.GetPool(tx, "ae")
		same(t, "pool", p, c.Pools[0])
		twin, _ := state.GetSame(tx, contact(2))
		same(t, "same", twin, c.Same[0])
		for _, l := range state.AllListings(tx) {
			same(t, "listings counted", l.Count, 2)
		}
		state.Apply(tx, state.Changes{Cancel: []string{"t1"}, Withdraw: []string{"k1"}})
		if _, ok := state.NextTimer(tx, time.Time{}); ok {
			t.Error("the cancelled timer is still set")
		}
		if _, ok := state.GetIntent(tx, "k1"); ok {
			t.Error("the withdrawn entry is still there")
		}
	})
	verify(t, s)
}

// audit serves A7: a row edited, removed, moved or added is noticed.
func audit(t *testing.T, open opener) {
	s := start(t, open)
	update(t, s, func(tx state.Tx) {
		for i := range 5 {
			state.AppendAudit(tx, state.AuditRow{
				At: noon.In(time.FixedZone("", 3600)), Actor: "operator", Action: "pause", Subject: fmt.Sprint(i), Detail: map[string]string{"b": "1", "a": "2"},
			})
		}
	})
	verify(t, s)
	rows := state.Table[state.AuditRow]{Bucket: state.Audit}
	for name, spoil := range map[string]func(state.Tx, []string){
		"edited": func(tx state.Tx, keys []string) {
			row, _ := rows.Get(tx, keys[2])
			row.Subject = "another"
			rows.Put(tx, keys[2], row)
		},
		"removed":           func(tx state.Tx, keys []string) { rows.Delete(tx, keys[2]) },
		"first one removed": func(tx state.Tx, keys []string) { rows.Delete(tx, keys[0]) },
		"last one removed":  func(tx state.Tx, keys []string) { rows.Delete(tx, keys[4]) },
		"all removed": func(tx state.Tx, keys []string) {
			for _, k := range keys {
				rows.Delete(tx, k)
			}
		},
		"moved": func(tx state.Tx, keys []string) {
			row, _ := rows.Get(tx, keys[4])
			rows.Delete(tx, keys[4])
			rows.Put(tx, state.Key(uint64(9)), row)
		},
		"added": func(tx state.Tx, keys []string) {
			row, _ := rows.Get(tx, keys[4])
			row.Seq++
			rows.Put(tx, state.Key(row.Seq), row)
		},
	} {
		err := s.Update(t.Context(), func(tx state.Tx) error {
			var keys []string
			for k := range state.AllAudit(tx, 0) {
				keys = append(keys, k)
			}
			spoil(tx, slices.Clone(keys))
			if err := state.VerifyAudit(tx); err == nil {
				t.Errorf("%s: not noticed", name)
			}
			return errOnPurpose // nothing of it is kept
		})
		if err == nil {
			t.Errorf("%s: the update went through", name)
		}
	}
	verify(t, s)
}

func userNamed(id string) connectors.User {
	return connectors.User{ID: id, Email: id + "@example.com", Active: true}
}

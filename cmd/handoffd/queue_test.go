package main

import (
	"path/filepath"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// queued is a state with things that were put aside: a record and a timer that
// have killed three processes, and an order that could not be decided.
func queued(t *testing.T, now time.Time) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	err = store.Update(t.Context(), func(tx state.Tx) error {
		for _, name := range []string{"hubspot/contacts/6", "/timer/t1", "/undo/h1"} {
			state.AddListing(tx, state.Listing{List: listQuarantined, Subject: name, Text: "it died", Count: 1, First: now, Last: now})
		}
		state.PutAside(tx, state.Aside{Name: "hubspot/contacts/6", At: now, Deadly: true})
		state.PutAside(tx, state.Aside{Name: "/timer/t1", At: now, Deadly: true, Timer: &state.Timer{ID: "t1", Handoff: "h", Clock: "accept", Due: now.Add(-time.Hour)}})
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// TestQueueRetryAside: a record that was put aside is listed, and tried again
// it is read and judged anew, whatever had condemned it; a timer is due at once.
// What was asked once and has passed cannot be tried again, only put away (I10).
func TestQueueRetryAside(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	store := queued(t, now)
	run := func(verb string, ids ...string) (queue, error) {
		return runQueue(t.Context(), store, queueOrder{Verb: verb, IDs: ids, All: verb == "retry" && len(ids) == 0, By: "operator kim"}, now)
	}
	seen := func() (waits []string) {
		_ = store.View(t.Context(), func(tx state.Tx) error {
			for c := range state.InboxRows(tx, "hubspot") {
				waits = append(waits, "read "+c.Ref.String())
			}
			for timer := range state.TimersUntil(tx, now) {
				waits = append(waits, "timer "+timer.Clock+" due "+timer.Due.Sub(now).String())
			}
			for name := range state.DeadlySince(tx, now.Add(-time.Hour)) {
				waits = append(waits, "deadly "+name)
			}
			for _, l := range state.AllListings(tx) {
				waits = append(waits, "listed "+l.Subject)
			}
			return tx.Err()
		})
		return waits
	}
	list, err := run("list")
	if err != nil || len(list.Items) != 3 || list.Items[0].Reason != waitsQuarantine {
		t.Fatalf("list: %v %+v", err, list)
	}
	if _, err := run("retry", "/undo/h1"); codeOf(err) != exitWrong {
		t.Errorf("an order is tried again: %v", err)
	}
	if _, err := run("retry"); err != nil {
		t.Fatal(err)
	}
	want := []string{"read hubspot/contacts/6", "timer accept due 0s", "listed /undo/h1"}
	if diff := gocmp.Diff(want, seen()); diff != "" {
		t.Error(diff)
	}
	if _, err := run("drop", "/undo/h1"); err != nil || len(seen()) != 2 {
		t.Errorf("drop: %v, left %v", err, seen())
	}
}

// TestQueueDropDeadly: giving up what has killed three processes keeps it from
// being looked at until its day is out.
func TestQueueDropDeadly(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	store := queued(t, now)
	if _, err := runQueue(t.Context(), store, queueOrder{Verb: "drop", IDs: []string{"hubspot/contacts/6"}, By: "operator"}, now); err != nil {
		t.Fatal(err)
	}
	deadly := 0
	_ = store.View(t.Context(), func(tx state.Tx) error {
		for name := range state.DeadlySince(tx, now.Add(-time.Hour)) {
			if name == "hubspot/contacts/6" {
				deadly++
			}
		}
		return tx.Err()
	})
	if deadly != 1 {
		t.Error("it is looked at again")
	}
}

// TestQueueHeldBack: what waits only because nothing may be written stands in the
// queue with the reason, and nothing that leaves does (G13, L7).
func TestQueueHeldBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	stop := state.Reconcile{Why: "too many", At: now, Stop: true}
	for _, c := range []struct {
		name   string
		paused bool
		holds  []state.Reconcile
		want   []string // by id
	}{
		{"nothing", false, nil, nil},
		{"pause", true, nil, []string{"alarm paused", "hubspot paused", "salesforce paused", "sending unanswered"}},
		{"stop", false, []state.Reconcile{stop}, []string{"hubspot stopped", "salesforce stopped", "sending unanswered"}},
		{"older copy of one", false, []state.Reconcile{{Conn: "hubspot", Why: "older", At: now}}, []string{"hubspot stopped", "sending unanswered"}},
		{"stop in a pause", true, []state.Reconcile{stop}, []string{"alarm paused", "hubspot paused", "salesforce paused", "sending unanswered"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			var got []string
			err = store.Update(t.Context(), func(tx state.Tx) error {
				for _, i := range []state.Intent{
					{Write: connectors.Write{Key: "hubspot"}, Dest: "hubspot", State: state.Ready},
					{Write: connectors.Write{Key: "salesforce"}, Dest: "salesforce", State: state.Ready},
					{Write: connectors.Write{Key: "sending"}, Dest: "hubspot", State: state.Sending},
					{Write: connectors.Write{Key: "alarm"}, Dest: "slack", State: state.Ready, Message: &state.Message{Alarm: true}},
				} {
					i.Due, i.Created = now, now
					state.PutIntent(tx, i)
				}
				state.PutPause(tx, state.Pause{On: c.paused, At: now})
				for _, r := range c.holds {
					state.PutReconcile(tx, r)
				}
				for _, i := range stuck(tx, now) {
					got = append(got, i.ID+" "+i.Reason)
				}
				return tx.Err()
			})
			if diff := gocmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}

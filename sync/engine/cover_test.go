package engine

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// TestCoverBegins: what somebody has open goes to who covers; where they cannot take
// it, it is listed that it stays (1.77).
func TestCoverBegins(t *testing.T) {
	t.Parallel()
	for name, fit := range map[string]bool{"who covers is there": true, "who covers has left": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.now = time.Date(2027, 3, 1, 15, 0, 0, 0, time.UTC)
			f := plantest.Starter(t).Writing(t)
			f["people.yaml"] += "\ncover:\n  - {who: ana@example.com, by: ben@example.com, from: 2027-03-01, until: 2027-03-15, open_ones: yes}\n"
			r.lane.Decider.Book = NewBook(f.Rules(t))
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
			r.update(func(tx state.Tx) {
				for _, u := range []connectors.User{{ID: "1", Email: "ana@example.com", Active: true}, {ID: "2", Email: "ben@example.com", Active: fit}} {
					state.PutUser(tx, "hubspot", u)
					r.lane.Decider.Mirror.LearnUser("hubspot", u)
				}
				state.PutRecord(tx, state.Record{Ref: ref, Noun: "person", Fields: map[string]string{"email": "b@acme.example", "owner": "1"}})
				state.PutHandoff(tx, state.Handoff{
					ID: "h", Type: "demo_request", Stage: state.Accepted, Record: ref, Target: ref, Owner: "ana@example.com", Accountable: "ana@example.com",
					Tier: "high_intent", AssignedAt: r.now.Add(-time.Hour), AcceptedAt: r.now.Add(-time.Hour), Signals: []state.Signal{{At: r.now.Add(-time.Hour)}},
				})
			})
			c := &Covers{Orders: &Orders{Decider: r.lane.Decider, Conns: r.lane.Conns, Log: r.lane.Log}, Wall: func() time.Time { return r.now }, Log: r.lane.Log}
			for range 2 { // once, however often it is looked at
				if err := c.round(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r.update(func(tx state.Tx) {
				if h, _ := state.GetHandoff(tx, "h"); h.Owner == "ben@example.com" != fit {
					t.Errorf("%s has it", h.Owner)
				}
			})
			if listed := r.listed("unowned"); len(listed) > 0 == fit {
				t.Errorf("listed: %v", listed)
			}
		})
	}
}

package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// historian is a CRM that tells who changed a field, or not.
type historian struct {
	*crm
	asked int
	past  []connectors.FieldValue
	down  bool
}

func (h *historian) Trail(_ context.Context, _ connectors.Kind, ids []string, _ string, _ time.Time) (map[string][]connectors.FieldValue, error) {
	h.asked++
	if h.down {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read history", Err: errors.New("down")}
	}
	return map[string][]connectors.FieldValue{ids[0]: h.past}, nil
}

// TestStepsInOrder: where a step has to ask the CRM who set the owner, the later
// steps of the handoff wait for it, and none of them for a CRM that does not say (1.98).
func TestStepsInOrder(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"told": false, "not told": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
			stamp := r.now.Add(-time.Hour)
			h := &historian{crm: r.crms["hubspot"], down: down, past: []connectors.FieldValue{
				{Value: "1", At: stamp.Add(2 * time.Minute), Actor: connectors.ActorPerson}, {Value: "2", At: stamp.Add(time.Minute), Actor: connectors.ActorPerson},
			}}
			h.read = func([]string) ([]connectors.Object, error) {
				return []connectors.Object{{Ref: ref, Version: "9", ModifiedAt: stamp.Add(time.Minute), Fields: map[string]any{"hubspot_owner_id": "1"}}}, nil
			}
			r.lane.Conns["hubspot"] = h
			r.update(func(tx state.Tx) {
				state.PutUser(tx, "hubspot", connectors.User{ID: "1", Email: "ana@example.com", Active: true})
				state.PutHandoff(tx, state.Handoff{
					ID: "h", Type: "demo_request", Tier: "high_intent", Stage: state.Assigned, Record: ref, Target: ref, Owner: "ana@example.com", Written: stamp, AssignedAt: stamp,
					AcceptBy: r.now.Add(-time.Minute),
					Stake:    &state.Stake{Field: "hubspot_owner_id", Value: "1", Stamp: stamp, Over: stamp},
					Before:   map[string]any{"hubspot_owner_id": nil},
					Effects:  map[string]state.Effect{"assign": {Key: "a", Ref: ref, Version: "2", State: handoff.Done}},
				})
				for n, id := range []string{"zzz", "aaa"} { // the order of their instants, not of their names
					state.SetTimer(tx, state.Timer{ID: id, Handoff: "h", Clock: "accept", Step: 2 + n, Due: r.now.Add(time.Duration(n-2) * time.Second)})
				}
			})
			r.later(20 * time.Second)
			var at []string
			r.update(func(tx state.Tx) {
				at = nil
				for _, row := range state.AllAudit(tx, 0) {
					if row.Action == "escalation" {
						at = append(at, row.Detail["at"])
					}
				}
			})
			if diff := cmp.Diff([]string{"150%", "300%"}, at); diff != "" || h.asked == 0 || len(r.timers()) > 0 {
				t.Errorf("asked %d times, %d timers left (-want +got):\n%s", h.asked, len(r.timers()), diff)
			}
		})
	}
}

// TestStepBesideOneThatWaits: a deadline is told of in time, whatever an earlier
// timer of its handoff waits for: that may be a CRM that is down for hours (1.97).
func TestStepBesideOneThatWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.object("hubspot", "1")
	r.update(func(tx state.Tx) {
		state.PutConn(tx, state.Conn{Name: "hubspot", Tenant: "hubspot", Live: r.now.Add(-time.Hour)}) // its accounts are not all read
		rec, _ := r.lane.Decider.Book.Rules().Normalize(o)
		state.PutRecord(tx, rec)
		state.PutHandoff(tx, state.Handoff{
			ID: "h", Type: "demo_request", Tier: "high_intent", Stage: state.Queued, Record: o.Ref, Target: o.Ref, Accountable: "revops@example.com", TouchBy: r.now.Add(-time.Second),
		})
		state.SetTimer(tx, state.Timer{ID: "again", Handoff: "h", Clock: "retry", Due: r.now.Add(-time.Second)})
		state.SetTimer(tx, state.Timer{ID: "late", Handoff: "h", Clock: "first_touch", Step: 5, Due: r.now})
	})
	r.round()
	if diff := cmp.Diff([]string{"again"}, r.timers()); diff != "" {
		t.Errorf("what still waits (-want +got):\n%s", diff)
	}
	r.update(func(tx state.Tx) {
		if h, _ := state.GetHandoff(tx, "h"); h.Late["first_touch"].IsZero() || h.Stage != state.Queued {
			t.Errorf("stage %s, late %v", h.Stage, h.Late)
		}
	})
}

// silentAbout answers for some records and leaves the others out.
type silentAbout struct {
	*crm
	left map[string]bool
}

func (s silentAbout) Trail(_ context.Context, _ connectors.Kind, ids []string, _ string, _ time.Time) (map[string][]connectors.FieldValue, error) {
	out := map[string][]connectors.FieldValue{}
	for _, id := range ids {
		if !s.left[id] {
			out[id] = nil
		}
	}
	return out, nil
}

// TestLeftOut: a record that a CRM leaves out of its answer is not one that is gone, or that
// nobody has changed: it is asked about again (C8, C11).
func TestLeftOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := silentAbout{crm: r.crms["hubspot"], left: map[string]bool{"1": true}}
	s.read = func(ids []string) (out []connectors.Object, err error) {
		for _, id := range ids {
			if !s.left[id] {
				out = append(out, connectors.Object{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Deleted: true})
			}
		}
		return out, nil
	}
	r.lane.Conns["hubspot"] = s
	known := func(id string) state.Need {
		return state.Need{Conn: "hubspot", Question: connectors.Question{Kinds: []connectors.Kind{"contacts"}, Value: id}}
	}
	past := func(id string) state.Need {
		return state.Need{Conn: "hubspot", Past: state.Past{Kind: "contacts", ID: id, Field: "hubspot_owner_id", Since: r.now}}
	}
	answers := r.lane.ask(t.Context(), r.lane.Decider.Book.Rules(), map[string][]state.Need{"hubspot": {known("1"), known("2"), past("1"), past("2")}})
	for name, n := range map[string]state.Need{"known": known("2"), "past": past("2")} {
		if _, told := answers[n.ID()]; !told {
			t.Errorf("%s: no answer", name)
		}
	}
	if len(answers) != 2 || len(answers[known("2").ID()].Records) != 1 {
		t.Errorf("%+v", answers)
	}
}

// TestAskedInTurn: a CRM that uses up the time of a round is not asked first in the next.
func TestAskedInTurn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	needs := map[string][]state.Need{}
	for conn, kind := range map[string]connectors.Kind{"hubspot": "contacts", "salesforce": "Lead"} {
		needs[conn] = []state.Need{{Conn: conn, Question: connectors.Question{Kinds: []connectors.Kind{kind}, Value: "1"}}}
	}
	answered := map[string]bool{}
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
			cancel() // it hangs until the time is over
			return nil, ctx.Err()
		}
		answers := r.lane.ask(ctx, r.lane.Decider.Book.Rules(), needs)
		for conn := range needs {
			_, told := answers[needs[conn][0].ID()]
			answered[conn] = answered[conn] || told
		}
		cancel()
		r.lane.turn++
		r.lane.hold = map[batch]pause{}
	}
	if answered["hubspot"] || !answered["salesforce"] {
		t.Errorf("answered %v", answered)
	}
}

package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// waiting is a handoff that was taken back a minute after it stood, and is not put back yet.
func waiting(t *testing.T, r *plan.Rules) (*world, state.Record) {
	t.Helper()
	w, rec := newWorld(), demo("51", "dana@acme.com", "country", "US")
	w.decide(t, r, monday, see(rec))
	w.came(t, r, after(0, 1), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: after(0, 1)})
	task := connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "t1"}
	w.answered(t, r, after(0, 1), "task", plan.Delivered{Ref: task})
	rec = shown(rec, after(0, 1), "2", "owner", "u-ana", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
	w.look(t, r, rec, after(0, 2))
	w.takenBack(t, r, after(1, 0),
		connectors.Object{Ref: rec.Ref, Version: "2", ModifiedAt: after(0, 1), Fields: w.befores[rec.Ref].Last},
		connectors.Object{Ref: task, Fields: map[string]any{connectors.TaskStatus: "open"}})
	if steps := w.steps(); steps["undo"].Write.Key == "" || steps["undo task 1"].Write.Key == "" {
		t.Fatalf("nothing waits: %v", steps)
	}
	return w, rec
}

// TestTouchedWhileItWaits: what people do with a record until it is put back is a touch as
// before the order: the record and the tasks stay as they are, and are listed. What the
// buyer or a program does is none, nor what comes after it was put back (G13).
func TestTouchedWhileItWaits(t *testing.T) {
	t.Parallel()
	r, at := writing(t), after(10, 0)
	title := func(actor connectors.Actor, at time.Time) *state.Trail {
		return &state.Trail{Values: []connectors.FieldValue{{Value: "CTO", At: at, By: "u-isla", Actor: actor}}}
	}
	edited := []string{"title", "CTO"}
	for name, c := range map[string]struct {
		shows []string // on the record, at version 3
		trail *state.Trail
		act   map[string]any
		want  string // what the list says of it; blank: it is put back
	}{
		"nothing":                           {},
		"another version of the same":       {shows: []string{"title", ""}},
		"a call by the owner":               {act: did("call", "u-ana", at), want: "worked on: call, by ana@example.com"},
		"the same, as the record counts it": {shows: []string{connectors.WorkLastAt, at.Format(time.RFC3339)}, want: "worked on, by ana@example.com"},
		"a call by somebody else":           {act: did("call", "u-vera", at)},
		"the buyer writes":                  {act: did("email", "u-ana", at, connectors.ActTowards, "us")},
		"a person edits it":                 {shows: edited, trail: title(connectors.ActorPerson, at), want: "jobtitle was changed, by isla@example.com"},
		"a program edits it":                {shows: edited, trail: title(connectors.ActorIntegration, at)},
		"a person had edited it before":     {shows: edited, trail: title(connectors.ActorPerson, after(0, 30))},
		"it is not told who edits it":       {shows: edited, want: "the record was changed, by isla@example.com"},
		"it is back, unanswered":            {shows: append([]string{"owner", "", "handoff_id", "", "handoff_status", ""}, edited...)},
	} {
		w, rec := waiting(t, r)
		if c.trail != nil {
			w.trails = map[string]state.Trail{"51 jobtitle": *c.trail}
		}
		if c.act != nil {
			w.look(t, r, act(r, "a1", c.act, rec.Ref), at)
		}
		if c.shows != nil {
			rec = shown(rec, at, "3", c.shows...)
			rec.ModifiedBy = "u-isla"
			w.look(t, r, rec, at)
		}
		want, steps := "", w.steps()
		if c.want != "" {
			want = w.only(t).ID + " demo_request: hubspot/contacts/51 is left as it is: " + c.want
		}
		if got := listingsOf(w, "undo"); got != want {
			t.Errorf("%s: listed %q, want %q", name, got, want)
		}
		un := w.only(t).Undone
		_, back := steps["undo"]
		_, closes := steps["undo task 1"]
		if left := c.want != ""; back == left || closes == left || un.Restored == left || un.Left != left || left && len(un.Records) > 0 {
			t.Errorf("%s: it waits to be put back: %t, its task: %t; %+v", name, back, closes, un)
		}
	}
}

// TestLeftBehind: a restore that somebody came before, or that the CRM refuses, is not done:
// with who and when where that is known, and of every handoff that it was to take back.
// Ordered again it is judged anew, and nobody's turn is given back twice (G13).
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	r, at := writing(t), after(10, 0)
	for name, c := range map[string]struct {
		answer plan.Delivered
		owner  string // as it shows by then
		want   state.Touch
		again  bool // may be put back, ordered again
	}{
		"somebody took it": {
			plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"},
			"u-cleo",
			state.Touch{What: "somebody changed it before it could be put back", Who: "morgan@example.com", At: at},
			false,
		},
		"the CRM refuses": {
			plan.Delivered{Class: connectors.Denied.String(), Err: "no owner, no record"},
			"u-ana",
			state.Touch{What: "the CRM refuses it: no owner, no record", At: after(11, 0)},
			true,
		},
	} {
		w, rec := waiting(t, r)
		older := w.only(t)
		older.ID, older.Effects = "older", nil
		w.handoffs[older.ID] = older
		if c.owner != "u-ana" {
			rec = shown(rec, at, "3", "owner", c.owner)
			rec.ModifiedBy = "u-morgan"
			w.look(t, r, rec, at)
		}
		w.answered(t, r, after(11, 0), "undo", c.answer)
		c.want.Ref = rec.Ref
		id := ""
		for _, h := range w.handoffs {
			if un := h.Undone; un.Restored || !un.Left || len(un.Records) > 0 || cmp.Diff([]state.Touch{c.want}, un.Touches) != "" {
				t.Errorf("%s: %s: %+v, want %+v", name, h.ID, un, c.want)
			}
			if h.ID != older.ID {
				id = h.ID
			}
		}
		if n := strings.Count(listingsOf(w, "undo"), "is left as it is"); n != 2 {
			t.Errorf("%s: listed %d times", name, n)
		}
		delete(w.handoffs, older.ID)
		found := connectors.Object{Ref: rec.Ref, Version: rec.Version, Fields: map[string]any{"hubspot_owner_id": c.owner, "handoff_id": id, "handoff_status": "Assigned"}}
		un := w.ordered(t, r, after(20, 0), plan.Undo{Found: []connectors.Object{found}})
		_, back := w.steps()["undo"]
		if un.Restored != c.again || back != c.again || un.Left == c.again {
			t.Errorf("%s: ordered again: %+v, written: %t", name, un, back)
		}
		if n := w.audited("turn given back"); n != 1 {
			t.Errorf("%s: the turn is given back %d times", name, n)
		}
	}
}

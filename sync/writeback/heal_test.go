package writeback

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// healing is a rig whose CRM shows copies and takes tasks away.
type healing struct {
	*rig
	copies  []connectors.Copy
	looks   int
	fails   int // so many of the first looks are not answered
	removed []string
}

func (h *healing) Copies(_ context.Context, ws []connectors.Write) ([][]connectors.Copy, error) {
	if h.looks++; h.looks <= h.fails {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "look for copies"}
	}
	out := make([][]connectors.Copy, len(ws))
	for n := range out {
		out[n] = h.copies
	}
	return out, nil
}

func (h *healing) Remove(_ context.Context, refs []connectors.Ref) error {
	for _, r := range refs {
		h.removed = append(h.removed, r.ID)
	}
	return nil
}

// unanswered lets a task be made without an answer, and from then on the CRM
// answers.
func (h *healing) unanswered() {
	h.Helper()
	h.w.Connector = h
	h.put(h.task("a"))
	err := h.store.Update(h.Context(), func(tx state.Tx) error {
		state.PutHandoff(tx, state.Handoff{ID: "h", Stage: state.Assigned, Effects: map[string]state.Effect{"task": {Key: "a", State: "sent"}}})
		return tx.Err()
	})
	if err != nil {
		h.Fatal(err)
	}
	h.crm.apply = failing(connectors.Ambiguous)
	h.crm.find = func(ws []connectors.Write) ([]connectors.Ref, error) { return make([]connectors.Ref, len(ws)), nil }
	h.rounds(1)
	h.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) { return done(ws), nil }
}

func copyOf(id string, touched bool) connectors.Copy {
	return connectors.Copy{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: id}, Touched: touched}
}

// TestSecondTask: a task that was sent again because nobody had answered is
// looked for once a minute for a quarter of an hour; of two the one stays that
// a person works with, else the one we know (C2).
func TestSecondTask(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		copies  []connectors.Copy
		removed []string
		known   string // by the handoff, in the end
		listed  int
	}{
		"one":                     {copies: []connectors.Copy{copyOf("new-a", false)}, known: "new-a"},
		"none any more":           {known: "new-a"},
		"an older one":            {copies: []connectors.Copy{copyOf("1", false), copyOf("new-a", false)}, removed: []string{"1"}, known: "new-a"},
		"a person has the other":  {copies: []connectors.Copy{copyOf("1", true), copyOf("new-a", false)}, removed: []string{"new-a"}, known: "1"},
		"people have both":        {copies: []connectors.Copy{copyOf("1", true), copyOf("new-a", true)}, known: "new-a", listed: 1},
		"three":                   {copies: []connectors.Copy{copyOf("1", false), copyOf("2", true), copyOf("new-a", false)}, removed: []string{"1", "new-a"}, known: "2"},
		"neither is known to us":  {copies: []connectors.Copy{copyOf("1", false), copyOf("2", false)}, removed: []string{"2"}, known: "new-a"},
		"one of them, not by us?": {copies: []connectors.Copy{copyOf("1", true)}, known: "new-a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			h := &healing{rig: r, copies: c.copies}
			h.unanswered()
			for range 60 {
				r.later(30 * time.Second)
			}
			if len(r.sent) != 2 || h.looks < 13 || h.looks > 16 {
				t.Errorf("sent %v, %d looks for copies", r.sent, h.looks)
			}
			removed := h.removed
			if len(c.removed) > 0 {
				removed = removed[:min(len(removed), len(c.removed))] // the CRM of this test goes on showing them
			}
			if d := cmp.Diff(c.removed, removed); d != "" {
				t.Error(d)
			}
			listed := 0
			err := r.store.View(t.Context(), func(tx state.Tx) error {
				known, _ := state.GetHandoff(tx, "h")
				if got := known.Effects["task"].Ref.ID; got != c.known {
					t.Errorf("the handoff knows task %q, want %q", got, c.known)
				}
				for _, l := range state.AllListings(tx) {
					if l.List == listTwice {
						listed++
					}
				}
				for _, d := range state.Doubts(tx, "hubspot") {
					t.Errorf("still in doubt: %v", d)
				}
				return tx.Err()
			})
			if err != nil {
				t.Fatal(err)
			}
			if listed != c.listed {
				t.Errorf("%d are listed, want %d", listed, c.listed)
			}
		})
	}
}

// TestSecondTaskLookFails: a look that is not answered is made again soon: no
// second task stands for longer than a poll because of it (C2).
func TestSecondTaskLookFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := &healing{rig: r, copies: []connectors.Copy{copyOf("1", false), copyOf("new-a", false)}, fails: 3}
	h.unanswered()
	for len(r.sent) < 2 {
		r.later(5 * time.Second)
	}
	again := r.now
	for len(h.removed) == 0 && r.now.Sub(again) < 5*time.Minute {
		r.later(5 * time.Second)
	}
	if took := r.now.Sub(again); took > 2*time.Minute {
		t.Errorf("the second task stood for %s, after %d looks", took, h.looks)
	}
}

// TestSecondTaskUnderAHold: while nothing may be written nothing is taken away
// either, and is once it may (L7, C2).
func TestSecondTaskUnderAHold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := &healing{rig: r, copies: []connectors.Copy{copyOf("1", false), copyOf("new-a", false)}}
	h.unanswered()
	for len(r.sent) < 2 {
		r.later(time.Second)
	}
	h.removed = nil
	change := func(fn func(tx state.Tx)) {
		if err := r.store.Update(t.Context(), func(tx state.Tx) error { fn(tx); return tx.Err() }); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx state.Tx) { state.Restored(tx, "the state is an older copy", r.now) })
	r.later(2 * time.Minute)
	if len(h.removed) > 0 {
		t.Errorf("removed %v while nothing may be written", h.removed)
	}
	change(func(tx state.Tx) { state.Approve(tx, r.now) })
	r.later(2 * time.Minute)
	if len(h.removed) == 0 {
		t.Error("nothing is removed once it was approved")
	}
}

// TestSecondTaskLookedForLate: where no look was answered for as long as a second task
// may come, one is made when the CRM is back; after a day it is listed instead (C2).
func TestSecondTaskLookedForLate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		down    time.Duration
		removed bool
		listed  int
	}{"for an hour": {time.Hour, true, 0}, "for a day": {healMost + time.Hour, false, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			h := &healing{rig: r, copies: []connectors.Copy{copyOf("1", false), copyOf("new-a", false)}}
			h.unanswered()
			for len(r.sent) < 2 {
				r.later(time.Second)
			}
			h.fails = 1 << 30
			r.later(healFor)
			r.now = r.now.Add(tc.down - healFor)
			r.rounds(2)
			h.fails = 0
			r.now = r.now.Add(tc.down)
			r.rounds(2)
			listed := 0
			r.look(func(tx state.Tx) {
				for _, l := range state.AllListings(tx) {
					if l.List == listTwice {
						listed++
					}
				}
			})
			if len(h.removed) > 0 != tc.removed || listed != tc.listed {
				t.Errorf("taken away: %v, listed %d", h.removed, listed)
			}
		})
	}
}

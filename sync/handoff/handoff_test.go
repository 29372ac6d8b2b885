package handoff_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

var (
	t0     = time.Date(2026, 3, 16, 14, 0, 0, 0, time.UTC)
	record = connectors.Ref{Conn: "crm", Kind: "contacts", ID: "51"}
)

// stages are all there are, so that no step is forgotten in the table below.
func stages() []state.Stage {
	return []state.Stage{
		state.Detected, state.Held, state.Queued, state.Assigned, state.Accepted, state.Touched, state.Completed,
		state.Returned, state.Reassigned, state.Stalled, state.Superseded, state.Cancelled, state.Refused,
	}
}

func at(s state.Stage) state.Handoff {
	h := handoff.Detect(handoff.New{ID: "h", Type: "demo", Record: record, Target: record, Signal: state.Signal{Trigger: "v1", Record: record}, At: t0})
	h.Stage, h.Owner, h.Written, h.AssignedAt, h.AcceptedAt, h.Rank = s, "ana@example.com", t0, t0, t0, 3
	return h
}

// TestSteps: what may follow what. Everything the picture does not show is a
// refusal that changes nothing.
func TestSteps(t *testing.T) {
	t.Parallel()
	open := []state.Stage{state.Detected, state.Held, state.Queued, state.Assigned, state.Accepted, state.Touched, state.Stalled}
	tests := []struct {
		name string
		do   func(state.Handoff) (state.Handoff, error)
		from []state.Stage
		to   state.Stage // blank: the stage stays
	}{
		{"refuse", func(h state.Handoff) (state.Handoff, error) { return handoff.Refuse(h, nil, "no", t0) }, []state.Stage{state.Detected, state.Queued}, state.Refused},
		{"queue", func(h state.Handoff) (state.Handoff, error) {
			return handoff.Queue(h, handoff.Clocks{}, "sdr", "m@example.com", "full", nil)
		}, []state.Stage{state.Detected, state.Queued}, state.Queued},
		{"assign", func(h state.Handoff) (state.Handoff, error) {
			return handoff.Assign(h, handoff.Assignment{Owner: "a@example.com", Accountable: "m@example.com", At: t0})
		}, []state.Stage{state.Detected, state.Queued}, state.Assigned},
		{"join", func(h state.Handoff) (state.Handoff, error) {
			return handoff.Join(h, state.Signal{Trigger: "v2", Record: record})
		}, open, ""},
		{"hasten", func(h state.Handoff) (state.Handoff, error) {
			return handoff.Hasten(h, handoff.Clocks{Tier: "high", Rank: 0})
		}, open, ""},
		{"accept", func(h state.Handoff) (state.Handoff, error) { return handoff.Accept(h, "ana@example.com", t0) }, []state.Stage{state.Assigned}, state.Accepted},
		{"breach", func(h state.Handoff) (state.Handoff, error) { return handoff.Breach(h, "accept", t0) }, slices.DeleteFunc(slices.Clone(open), func(s state.Stage) bool { return s == state.Detected }), ""},
		{"give", func(h state.Handoff) (state.Handoff, error) {
			return handoff.Give(h, "b@example.com", "", "b@example.com", "late", t0)
		}, []state.Stage{state.Assigned, state.Accepted}, state.Assigned},
		{"supersede", func(h state.Handoff) (state.Handoff, error) {
			return handoff.Supersede(h, "b@example.com", "by hand", t0)
		}, []state.Stage{state.Held, state.Queued, state.Assigned, state.Accepted, state.Touched, state.Stalled}, state.Superseded},
		{"touch", func(h state.Handoff) (state.Handoff, error) { return handoff.Touch(h, t0) }, []state.Stage{state.Accepted}, state.Touched},
		{"complete", func(h state.Handoff) (state.Handoff, error) { return handoff.Complete(h, t0) }, []state.Stage{state.Accepted, state.Touched}, state.Completed},
		{"not done", handoff.NotDone, []state.Stage{state.Completed}, state.Accepted},
		{"return", func(h state.Handoff) (state.Handoff, error) {
			return handoff.Return(h, state.Return{By: "ana@example.com", To: "jo@example.com", At: t0})
		}, []state.Stage{state.Assigned, state.Accepted, state.Touched}, state.Returned},
		{"cancel", func(h state.Handoff) (state.Handoff, error) { return handoff.Cancel(h, "gone", t0) }, open, state.Cancelled},
	}
	for _, test := range tests {
		for _, from := range stages() {
			before := at(from)
			got, err := test.do(at(from))
			if !slices.Contains(test.from, from) {
				var refusal *handoff.Refusal
				if !errors.As(err, &refusal) || refusal.From != from {
					t.Errorf("%s from %s: %v, want a refusal", test.name, from, err)
				}
				if diff := cmp.Diff(before, got); diff != "" {
					t.Errorf("%s from %s changed it all the same: %s", test.name, from, diff)
				}
				continue
			}
			want := test.to
			if want == "" {
				want = from
			}
			if err != nil || got.Stage != want {
				t.Errorf("%s from %s: %s (%v), want %s", test.name, from, got.Stage, err, want)
			}
		}
	}
}

// TestAcceptNeedsTheOwnerWritten (1.79, 1.15): nobody accepts what the CRM
// does not show yet, and never before it was assigned.
func TestAcceptNeedsTheOwnerWritten(t *testing.T) {
	t.Parallel()
	h := at(state.Assigned)
	h.Written = time.Time{}
	if _, err := handoff.Accept(h, "ana@example.com", t0); err == nil {
		t.Error("accepted before it was written")
	}
	got, err := handoff.Accept(at(state.Assigned), "ana@example.com", t0.Add(-time.Hour))
	if err != nil || !got.AcceptedAt.Equal(t0) || got.Accountable != "ana@example.com" {
		t.Errorf("%v %+v", err, got)
	}
}

// TestAssignNeedsOneAccountable (1.73).
func TestAssignNeedsOneAccountable(t *testing.T) {
	t.Parallel()
	for _, a := range []handoff.Assignment{{Owner: "a@example.com"}, {Accountable: "a@example.com"}} {
		if _, err := handoff.Assign(at(state.Detected), a); err == nil {
			t.Errorf("assigned %+v", a)
		}
	}
}

// TestDeadlinesOnlyComeNearer: a join never lowers the tier or moves a
// deadline away.
func TestDeadlinesOnlyComeNearer(t *testing.T) {
	t.Parallel()
	h := at(state.Assigned)
	h.AcceptBy, h.TouchBy = t0.Add(time.Hour), t0.Add(2*time.Hour)
	if _, err := handoff.Hasten(h, handoff.Clocks{Rank: 3}); err == nil {
		t.Error("the same rank hastened it")
	}
	got, err := handoff.Hasten(h, handoff.Clocks{Tier: "high", Rank: 1, AcceptBy: t0.Add(3 * time.Hour), TouchBy: t0.Add(time.Minute)})
	if err != nil || !got.AcceptBy.Equal(h.AcceptBy) || !got.TouchBy.Equal(t0.Add(time.Minute)) || got.Rank != 1 {
		t.Errorf("%v %+v", err, got)
	}
}

// TestCopies: what a function was given stays as it was.
func TestCopies(t *testing.T) {
	t.Parallel()
	h := handoff.Track(at(state.Assigned), "assign", state.Effect{Key: "k", State: handoff.Sent})
	h = handoff.Remember(h, map[string]any{"owner": "u1"})
	handoff.Track(h, "task", state.Effect{Key: "t"})
	again := handoff.Remember(h, map[string]any{"owner": "u2", "x": 1})
	if _, err := handoff.Join(h, state.Signal{Trigger: "v2"}); err != nil {
		t.Fatal(err)
	}
	if len(h.Effects) != 1 || len(h.Before) != 1 || len(h.Signals) != 1 || again.Before["owner"] != "u1" {
		t.Errorf("%+v, %+v", h, again.Before)
	}
	if _, err := handoff.Join(h, h.Signals[0]); err == nil {
		t.Error("the same signal joined twice")
	}
	to := connectors.Ref{Conn: "crm", Kind: "contacts", ID: "77"}
	if moved := handoff.Move(h, record, to); moved.Record != to || moved.Target != to || h.Record != record {
		t.Errorf("%+v", moved)
	}
	if twice := handoff.Stands(handoff.Stands(handoff.Aim(state.Handoff{}, to), t0), t0.Add(time.Hour)); !twice.Written.Equal(t0) || twice.Target != to {
		t.Errorf("%+v", twice)
	}
}

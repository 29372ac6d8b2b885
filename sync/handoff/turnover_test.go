package handoff_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// TestBack: what goes back to somebody is as they had it, and says why and by which
// rule it is theirs.
func TestBack(t *testing.T) {
	t.Parallel()
	was := at(state.Assigned)
	was.Team, was.Backup, was.Accountable = "sdr_us", "ben@example.com", "ana@example.com"
	was.Why = []state.Reason{{Rule: "demo.yaml:41 owner[2]", Text: "ana@example.com: territory"}}
	to := func(h state.Handoff, who string) state.Handoff {
		h, err := handoff.Reassign(h, handoff.Turnover{Owner: who, Team: "ops", Why: state.Reason{Rule: "reassign", Text: who}, At: t0.Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	given, err := handoff.Give(was, "ben@example.com", "", "ben@example.com", "late", t0.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	for name, back := range map[string]func() (state.Handoff, error){
		"an order": func() (state.Handoff, error) { return handoff.Revert(to(was, "cleo@example.com"), was.Owner, "so") },
		"two of them": func() (state.Handoff, error) {
			return handoff.Revert(to(to(was, "cleo@example.com"), "vera@example.com"), was.Owner, "so")
		},
		"a takeover": func() (state.Handoff, error) { return handoff.Keep(given, 0, "so", t0) },
	} {
		got, err := back()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]state.Reason{{Rule: was.Why[0].Rule, Text: "ana@example.com: so"}}, got.Why[len(got.Why)-1:]); diff != "" {
			t.Errorf("%s: why %s", name, diff)
		}
		got.Why, got.Holders = slices.Clone(was.Why), nil
		got.AcceptedAt = was.AcceptedAt
		if diff := cmp.Diff(was, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := handoff.Revert(to(was, "cleo@example.com"), "dev@example.com", "so"); err == nil {
		t.Error("it went back to somebody who never had it")
	}
}

// TestGivenAfterAcceptance: who is given what somebody else has accepted starts anew, but
// for the buyer who has been reached; who gets it back has it as they had it (1.98).
func TestGivenAfterAcceptance(t *testing.T) {
	t.Parallel()
	did := state.Work{
		Base: -1, Count: 2, Last: t0, Next: t0, Maker: "ana@example.com", Ticked: t0, Started: t0, Hand: "ana@example.com", First: t0, By: "ana@example.com", Type: "call",
	}
	anew := state.Work{Base: -1, Count: 2, Last: t0}
	for name, c := range map[string]struct {
		accepted, touched time.Time
		want              state.Work
	}{
		"accepted":             {accepted: t0, want: anew},
		"and the buyer called": {accepted: t0, touched: t0, want: state.Work{Base: -1, Count: 2, Last: t0, First: t0, By: "ana@example.com", Type: "call"}},
		"not accepted":         {want: state.Work{Base: -1, Count: 2, Last: t0, Next: t0, Maker: "ana@example.com", First: t0, By: "ana@example.com", Type: "call"}},
	} {
		was := state.Handoff{ID: "h", Stage: state.Assigned, Owner: "ana@example.com", Accountable: "ana@example.com", AcceptedAt: c.accepted, TouchedAt: c.touched, Work: &did, AssignedAt: t0}
		if !c.accepted.IsZero() {
			was.Stage = state.Accepted
		}
		given, err := handoff.Give(was, "ben@example.com", "", "ben@example.com", "silent", t0.Add(time.Hour))
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(c.want, *given.Work); diff != "" {
			t.Errorf("%s, given: %s", name, diff)
		}
		back, err := handoff.Revert(given, "ana@example.com", "so")
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(did, *back.Work); diff != "" {
			t.Errorf("%s, and back: %s", name, diff)
		}
	}
}

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

package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestOverdueOf: each clock is overdue by itself: from its deadline until what
// it waits for is there.
func TestOverdueOf(t *testing.T) {
	t.Parallel()
	now := monday
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	due := func(clock string) map[string]time.Time { return map[string]time.Time{clock: ago(time.Hour)} }
	for _, tc := range []struct {
		name string
		h    state.Handoff
		want string
	}{
		{"nothing yet", state.Handoff{Stage: state.Assigned, Owner: "ana", AcceptBy: now.Add(time.Minute)}, ""},
		{"at the deadline itself", state.Handoff{Stage: state.Assigned, Owner: "ana", AcceptBy: now}, ""},
		{"not accepted", state.Handoff{Stage: state.Assigned, Owner: "ana", AcceptBy: ago(time.Minute)}, "accept"},
		{"only observed", state.Handoff{Stage: state.Assigned, Owner: "ana", AcceptBy: ago(time.Minute), Observed: true}, ""},
		{"accepted and untouched", state.Handoff{Stage: state.Accepted, Owner: "ana", AcceptBy: ago(time.Hour), TouchBy: ago(time.Minute), Due: due("outer_limit")}, "first_touch outer_limit"},
		{"touched", state.Handoff{Stage: state.Touched, Owner: "ana", TouchBy: ago(time.Hour), TouchedAt: ago(2 * time.Hour)}, ""},
		{"nobody", state.Handoff{Stage: state.Queued, AssignBy: ago(time.Minute)}, "assign"},
		{"not looked at", state.Handoff{Stage: state.Assigned, Owner: "ana", Due: due("opened")}, "opened"},
		{"looked at", state.Handoff{Stage: state.Assigned, Owner: "ana", Due: due("opened"), Work: &state.Work{Opened: ago(time.Minute)}}, ""},
		{"neither taken up nor returned", state.Handoff{Stage: state.Assigned, Owner: "ana", Due: due("return")}, "return"},
		{"silence", state.Handoff{Stage: state.Accepted, Owner: "ana", Due: due("no_activity"), Work: &state.Work{Last: ago(2 * time.Hour)}}, "no_activity"},
		{"something happened since", state.Handoff{Stage: state.Accepted, Owner: "ana", Due: due("no_activity"), Work: &state.Work{Last: ago(time.Minute)}}, ""},
		{"the document lacks something", state.Handoff{Stage: state.Accepted, Missing: []string{"deal.goals"}, Due: due("document")}, "document"},
		{"the gate is shut for longer than it may", state.Handoff{Stage: state.Held, HoldUntil: ago(time.Minute)}, "hold"},
		{"a thing of the checklist", state.Handoff{Stage: state.Accepted, Items: []state.Item{{By: ago(time.Minute)}, {By: ago(time.Hour), Done: ago(time.Hour)}}}, "checklist"},
		{"a milestone past completion", state.Handoff{Stage: state.Completed, AcceptBy: ago(time.Hour), Items: []state.Item{{By: ago(time.Minute), After: ago(time.Hour)}}}, "checklist"},
		{"returned", state.Handoff{Stage: state.Returned, AcceptBy: ago(time.Hour), Items: []state.Item{{By: ago(time.Minute)}}}, ""},
		{"no kickoff", state.Handoff{Stage: state.Accepted, Due: due("kickoff")}, "kickoff"},
	} {
		var got []string
		for _, o := range plan.OverdueOf(tc.h, now) {
			got = append(got, o.Clock)
		}
		if text := strings.Join(got, " "); text != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, text, tc.want)
		}
	}
}

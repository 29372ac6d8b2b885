package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestPeopleWinAtEveryStage: whatever a handoff waits for, a person who gives
// the record to somebody else has it, a deleted record ends it, and a merged
// one takes it along; where the owner has left, the next in line has it (0.12, 1.73,
// C8, C9, C11, C14).
func TestPeopleWinAtEveryStage(t *testing.T) {
	t.Parallel()
	r := writing(t)
	to := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "77"}
	for _, stage := range []state.Stage{state.Held, state.Queued, state.Assigned, state.Accepted, state.Touched} {
		for _, change := range []string{"taken", "deleted", "merged", "left"} {
			w, rec := assigned(t, r)
			h := w.only(t)
			h.Stage = stage
			switch early := stage == state.Held || stage == state.Queued; {
			case early:
				h.Written, h.Owner, h.Stake, h.Effects = time.Time{}, "", nil, nil
				w.handoffs[h.ID] = h
				rec.Version, rec.Fields = "3", fields(rec, "owner", "")
				w.decide(t, r, monday.Add(time.Minute), see(rec))
			case stage != state.Assigned:
				h.AcceptedAt, h.AcceptedBy, h.Accountable = monday, h.Owner, h.Owner
			}
			if stage != state.Held && stage != state.Queued {
				w.handoffs[h.ID] = h
			}
			at := monday.Add(10 * time.Minute)
			rec.Version, rec.ModifiedAt = "5", at
			want := state.Superseded
			switch change {
			case "taken":
				rec.Fields = fields(rec, "owner", "u-vera")
			case "deleted":
				rec.Deleted, want = true, state.Cancelled
			case "merged":
				rec.MovedTo, want = to, stage
			case "left":
				w.inactive("hubspot", "ana")
				want = stage
			}
			if stage == state.Held && want == state.Held {
				want = state.Assigned // nothing is missing any more: the gate opens
			}
			w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at})
			got := w.only(t)
			name := fmt.Sprintf("%s, %s", stage, change)
			if got.Stage != want {
				t.Errorf("%s: %s, want %s", name, got.Stage, want)
			}
			switch {
			case got.Accountable == "":
				t.Errorf("%s: nobody is accountable", name)
			case change == "taken" && got.Accountable != "vera@example.com":
				t.Errorf("%s: %s is accountable", name, got.Accountable)
			case change == "merged" && (got.Record != to || got.Target != to) && stage != state.Held:
				t.Errorf("%s: %s %s", name, got.Record, got.Target)
			case change == "left" && stage != state.Held && stage != state.Queued && (got.Owner != "ben@example.com" || len(got.Holders) != 1):
				t.Errorf("%s: %s has it, after %v", name, got.Owner, got.Holders)
			}
		}
	}
}

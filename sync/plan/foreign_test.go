package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestAdoptedReview: what the steward was asked about a handoff is asked still where
// an empty state adopts it: the task that stands in the CRM is looked for, and
// ticking it off answers (L7).
func TestAdoptedReview(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"Assigned", "Accepted", "Completed"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			r := careful(t)
			w, before := reviewed(t, r, "dana@nwt.example")
			w.done(t, r, monday.Add(time.Minute))
			asked := w.handoffs[before.ID].Effects["review"]
			rec := seen51(w, "9", "", func(rec *state.Record) {
				rec.Fields["handoff_status"], rec.Fields["handoff_type"] = status, before.Type
				rec.Fields["handoff_accountable"] = before.Owner
				rec.Fields["handoff_assigned_at"] = monday.Format(time.RFC3339)
			})
			rec.ModifiedAt = monday.Add(time.Minute)

			fresh, at := town(), monday.Add(2*time.Minute)
			fresh.decide(t, r, at, see(rec))
			h := fresh.only(t)
			if h.ID != before.ID || h.Owner != before.Owner {
				t.Fatalf("not adopted: %+v", h)
			}
			i, looked := fresh.steps()["review"]
			if status == "Completed" {
				if looked || h.Review != nil {
					t.Errorf("the steward is asked about what had ended: %+v", h.Review)
				}
				return
			}
			if !looked || i.Write.Key != asked.Key || i.State != state.Sending || h.Review == nil {
				t.Fatalf("review %+v; %s %s, want the task %s looked for", h.Review, i.Write.Key, i.State, asked.Key)
			}
			fresh.answered(t, r, at, "review", plan.Delivered{Ref: asked.Ref})
			fresh.decide(t, r, at, plan.Observed{Record: act(r, "tasks-1", did("task", "u-revops", at, "key", asked.Key)), Via: "poll", Came: at})
			if h := fresh.only(t); h.Review.Answered.IsZero() {
				t.Errorf("the answer is not heard: %+v", h.Review)
			}
		})
	}
}

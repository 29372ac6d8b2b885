package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/sync/plan"
)

// TestHandedOverAndAskedAtOnce: what came back is handed over again, and the buyer
// has asked again, in one reading of the record: there is one, not two (4.14).
func TestHandedOverAndAskedAtOnce(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{"u-jo", "u-ben", "u-ana", "u-sync", "u-"} {
		for _, via := range []string{"webhook", "poll"} {
			t.Run(owner+" "+via, func(t *testing.T) {
				r := writing(t)
				w, rec := assigned(t, r)
				came := w.only(t)
				says := func(at time.Time, version string, pairs ...string) {
					rec.Version, rec.ModifiedAt = version, at
					rec.Fields = fields(rec, append([]string{"handoff_id", came.ID}, pairs...)...)
					w.decide(t, r, at, plan.Observed{Record: rec, Via: via, Came: at, Read: at})
				}
				at := monday.Add(5 * time.Minute)
				says(at, "5", "handoff_status", "Returned", "handoff_return_reason", "Wrong territory")
				w.done(t, r, at.Add(time.Second))
				again := at.Add(time.Hour)
				says(again, "6", "handoff_status", "Assigned", "owner", owner, "last_form_at", again.Format(time.RFC3339))
				oneOpen(t, w.handoffs)
			})
		}
	}
}

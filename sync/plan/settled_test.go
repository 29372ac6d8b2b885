package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestPutAway: however a handoff ends, what people were told of its clocks is put
// away: a task that stands in the CRM is ticked off, one that has not left yet is
// taken back.
func TestPutAway(t *testing.T) {
	t.Parallel()
	ends := map[string]func(rec *state.Record){
		"cancelled":  func(rec *state.Record) { rec.Deleted = true },
		"superseded": func(rec *state.Record) { rec.Fields = fields(*rec, "owner", "u-cara") },
	}
	for name, end := range ends {
		for _, stands := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", it stands: ", stands), func(t *testing.T) {
				t.Parallel()
				r := writing(t)
				w, rec := assigned(t, r)
				now := monday.Add(15 * time.Minute) // the manager is told of the breach
				w.fireDue(t, r, now)
				step, told := "say first_touch 5 alert morgan@example.com", connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t9"}
				if stands {
					w.answered(t, r, now, step, plan.Delivered{Ref: told})
				}
				rec.Version, rec.ModifiedAt = "5", now.Add(time.Minute)
				end(&rec)
				w.decide(t, r, now.Add(time.Minute), see(rec))
				if h := w.only(t); h.Stage.Open() {
					t.Fatalf("it is %s", h.Stage)
				}
				if _, left := w.steps()[step]; left {
					t.Error("it is told still")
				}
				i, ticked := w.steps()[step+" now"]
				if ticked != stands || stands && (i.Write.Ref != told || i.Write.Set[connectors.TaskStatus] != "done") {
					t.Errorf("ticked off: %v", w.steps())
				}
			})
		}
	}
}

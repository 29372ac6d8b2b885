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

// TestPutAwayOnceThere: a task of which nobody knows whether it was made is not
// forgotten when its handoff ends: once it is known to be there, it is ticked
// off.
func TestPutAwayOnceThere(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, step := range []string{"say first_touch 5 alert morgan@example.com", "task"} {
		w, rec := assigned(t, r)
		if step == "task" {
			w = newWorld()
			rec = demo("51", "dana@acme.com", "country", "US")
			w.decide(t, r, monday, see(rec))
			w.answered(t, r, monday.Add(time.Second), "assign", plan.Delivered{Version: "2"})
		}
		now := monday.Add(15 * time.Minute)
		w.fireDue(t, r, now)
		i := w.steps()[step]
		i.State = state.Sending // the answer never came
		w.intents[i.Write.Key] = i
		rec.Version, rec.ModifiedAt, rec.Deleted = "5", now.Add(time.Minute), true
		w.decide(t, r, now.Add(time.Minute), see(rec))
		if _, left := w.steps()[step]; w.only(t).Stage != state.Cancelled || !left {
			t.Fatalf("%s: %s, still looked for: %t", step, w.only(t).Stage, left)
		}
		there := connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t9"}
		w.answered(t, r, now.Add(2*time.Minute), step, plan.Delivered{Ref: there})
		ticked := false
		for _, o := range w.steps() {
			ticked = ticked || o.Write.Ref == there && o.Write.Set[connectors.TaskStatus] == "done"
		}
		if !ticked {
			t.Errorf("%s stays on somebody's list: %v", step, w.steps())
		}
	}
}

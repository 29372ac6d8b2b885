package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestSaysAlready: a status that stands on the record as it was just read is not written
// there again, so that nothing a person says meanwhile is written over; it is where a write
// of ours that says something else may come in between, and where the reading may be from
// before one (C11).
func TestSaysAlready(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, tc := range map[string]struct {
		change func(w *world, rec *state.Record)
		writes bool
	}{
		"a person has said so": {},
		"one that says something else waits": {func(w *world, rec *state.Record) {
			h := w.handoffs[rec.Fields["handoff_id"]]
			e := h.Effects["show"]
			e.Key, e.Ref, e.State = "waiting", rec.Ref, "sent"
			h.Effects["show"] = e
			w.intents["waiting"] = state.Intent{Handoff: h.ID, Step: "show", Write: connectors.Write{Ref: rec.Ref, Key: "waiting", Set: map[string]any{"handoff_status": "Assigned"}}}
		}, true},
		"read as our own write left it": {func(_ *world, rec *state.Record) { rec.Version = "2" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, rec := assigned(t, r)
			at := monday.Add(5 * time.Minute)
			rec.Version, rec.ModifiedAt = "3", at
			rec.Fields = fields(rec, "handoff_status", "Accepted", "handoff_id", w.only(t).ID)
			if tc.change != nil {
				tc.change(w, &rec)
			}
			w.decide(t, r, at, see(rec))
			i, accepts := w.steps()["accept"]
			if _, writes := i.Write.Set["handoff_status"]; !accepts || writes != tc.writes || i.Fresh != tc.writes {
				t.Errorf("accepts %v, writes the status %v, and reads first %v; want %v", accepts, writes, i.Fresh, tc.writes)
			}
		})
	}
}

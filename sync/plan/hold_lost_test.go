package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestHeldWithoutItsType: a gate whose type or record is not there when it is looked at is
// looked at again, and ends as it should when they are back (2.1).
func TestHeldWithoutItsType(t *testing.T) {
	t.Parallel()
	for _, lacks := range []string{"type", "record"} {
		r, w := signing(t), newWorld()
		w.decide(t, r, monday, see(deal("1")))
		w.done(t, r, monday)
		without, kept := r, w.records
		if lacks == "type" {
			without = writing(t)
		} else {
			w.records = map[connectors.Ref]state.Record{}
		}
		w.fireDue(t, without, monday.Add(2*time.Hour))
		w.fireDue(t, without, monday.Add(50*time.Hour))
		w.records = kept
		w.fireDue(t, r, monday.Add(52*time.Hour))
		if h := w.of(t); h.Stage != state.Held || h.Late["hold"].IsZero() || w.ticking("hold") == 0 {
			t.Errorf("without its %s: %s, nobody is told, %d timers look at it", lacks, h.Stage, w.ticking("hold"))
		}
	}
}

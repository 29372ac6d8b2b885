package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/sync/plan"
)

// TestRowFromBeforeTheBin: a row of a list that came before the record was found in the bin,
// and waited its turn, does not bring it back; what is heard of it later does (C3).
func TestRowFromBeforeTheBin(t *testing.T) {
	t.Parallel()
	for came, handoffs := range map[time.Duration]int{4 * time.Minute: 1, 6 * time.Minute: 2} {
		r, w := writing(t), newWorld()
		rec := demo("51", "dana@acme.com", "country", "US")
		w.decide(t, r, monday, see(rec))
		bin := rec
		bin.Version, bin.Deleted = "", true
		w.decide(t, r, monday.Add(5*time.Minute), plan.Observed{Record: bin, Via: "reread", Came: monday.Add(5 * time.Minute), Read: monday.Add(5 * time.Minute)})
		w.decide(t, r, monday.Add(7*time.Minute), plan.Observed{Record: rec, Via: "poll", Came: monday.Add(came)})
		if len(w.handoffs) != handoffs {
			t.Errorf("%d handoffs after a row that came at %s, want %d", len(w.handoffs), came, handoffs)
		}
	}
}

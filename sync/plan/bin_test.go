package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
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

// TestBackAfterAMerge: a handoff has come to a record by a merge, and ended when that was
// deleted, before anybody was at it. What the record says when it is back starts another
// one (C8, C9).
func TestBackAfterAMerge(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec, heir := demo("51", "dana@acme.com", "country", "US"), demo("52", "dana.ito@acme.com", "country", "US")
	w.decide(t, r, monday, see(rec))
	look := func(rec state.Record, version string, at time.Time) {
		rec.Version, rec.ModifiedAt = version, at
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "reread", Came: at, Read: at})
	}
	rec.Deleted, rec.MovedTo = true, heir.Ref
	look(rec, "5", after(1, 0))
	if h := w.only(t); h.Record != heir.Ref || !h.Stage.Open() {
		t.Fatalf("%s of %s", h.Stage, h.Record)
	}
	bin := heir
	bin.Deleted = true
	look(bin, "6", after(2, 0))
	if h := w.only(t); h.Stage != state.Cancelled {
		t.Fatal(h.Stage)
	}
	look(heir, "7", after(3, 0))
	if len(w.handoffs) != 2 {
		t.Errorf("%d handoffs: what it asks for has led to nothing", len(w.handoffs))
	}
}

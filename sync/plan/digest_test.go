package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// stormy is a world in which more is late than may be told one by one.
func stormy(t *testing.T) (w *world, tell func(at time.Duration) state.Intent) {
	t.Helper()
	r := writing(t)
	w = newWorld()
	for n := range 60 {
		w.decide(t, r, monday, see(demo(fmt.Sprint(100+n), fmt.Sprintf("b%d@company%d.com", n, n), "country", "US")))
	}
	for id, h := range w.handoffs { // they stand in the CRM
		h.Written = monday
		w.handoffs[id] = h
	}
	w.fireDue(t, r, monday.Add(16*time.Minute))
	return w, func(at time.Duration) (digest state.Intent) {
		w.fireDue(t, r, monday.Add(at))
		for _, i := range w.intents {
			if strings.HasPrefix(i.Step, "say digest morgan@") {
				digest = i
			}
		}
		return digest
	}
}

// TestDigestOutlivesOne: a digest speaks of many. The end of the one that it is kept with
// does not take it back, nor tick off its task (1.71).
func TestDigestOutlivesOne(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, left := range []bool{false, true} {
		w, tell := stormy(t)
		digest := tell(18 * time.Minute)
		if left {
			w.answered(t, r, monday.Add(19*time.Minute), digest.Step, plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "t9"}})
		}
		rec := w.records[w.handoffs[digest.Handoff].Record]
		rec.Deleted, rec.Version, rec.ModifiedAt = true, "9", monday.Add(20*time.Minute)
		w.decide(t, r, monday.Add(20*time.Minute), see(rec))
		_, waits := w.intents[digest.Write.Key]
		_, ticked := w.steps()[digest.Step+" now"]
		if h := w.handoffs[digest.Handoff]; h.Stage != state.Cancelled || waits == left || ticked {
			t.Errorf("left %v: %s, it waits: %v, it is ticked off: %v", left, h.Stage, waits, ticked)
		}
	}
}

// TestDigestCounts: a digest that holds no more says how many there are, and is told
// though the first of them is written no more (1.71).
func TestDigestCounts(t *testing.T) {
	t.Parallel()
	w, tell := stormy(t)
	b := w.budgets["morgan@example.com"]
	want := fmt.Sprintf("%d handoffs are waiting", len(b.Wait)+b.More)
	h := w.handoffs[b.Wait[0].Handoff]
	h.Frozen = "loop: owner"
	w.handoffs[h.ID] = h
	if digest := tell(18 * time.Minute); b.More == 0 || digest.Write.Set[connectors.TaskSubject] != want {
		t.Errorf("%v, want %s", digest.Write.Set[connectors.TaskSubject], want)
	}
}

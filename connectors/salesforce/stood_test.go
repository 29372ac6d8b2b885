package salesforce

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// TestStood: a full batch, in which nothing is under a condition, tells of every
// record who had it when it was written, in the one call it takes, also where
// queries do not see that yet; a write under a condition and one that leaves the
// owner alone are not asked about (C11, P4).
func TestStood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true, Faults: simhttp.Faults{SearchLag: 30 * time.Minute}})
		owner := w.owner()
		var leads []string
		var writes []connectors.Write
		for i := range 200 {
			leads = append(leads, w.lead(i))
			writes = append(writes, handoff(owner, leads[i], fmt.Sprint(i))...)
		}
		taken := 2 * 7
		delete(writes[2*8].Set, "OwnerId")
		time.Sleep(time.Hour)
		objs := w.read(Lead, []string{"OwnerId"}, leads...)
		writes[2*9].IfVersion = objs[leads[9]].Version
		w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: leads[7], By: "person:ana@example.com", Fields: map[string]any{"OwnerId": "hugh@example.com"}})
		edited := time.Now()
		var results []connectors.Result
		if calls := w.counted(func() { results = w.apply(writes...) }); calls != 2 { // one is under a condition
			t.Errorf("%d calls, want 2", calls)
		}
		for i, r := range results {
			if r.Err != nil {
				t.Fatalf("result %d = %+v", i, r)
			}
			got, told := r.Stood["OwnerId"]
			switch {
			case i%2 == 1 || i == 2*8 || i == 2*9:
				if told {
					t.Errorf("write %d tells who had it: %+v", i, got)
				}
			case i == taken && (got.Value != w.user("hugh") || !got.At.Equal(edited.Truncate(time.Second)) || got.By != w.user("ana") || got.Actor != connectors.ActorUnknown):
				t.Errorf("%+v had it, want hugh since %s by ana", got, edited)
			case i != taken && (!told || got.Value != objs[leads[i/2]].Fields["OwnerId"]):
				t.Errorf("write %d: told %v, %v had it, want %v", i, told, got.Value, objs[leads[i/2]].Fields["OwnerId"])
			}
		}
	})
}

// TestLookedAt: in a full batch of which each write rests on a version, and may be looked
// at in place of a condition, all of them are, by id, in one call more; what a person has
// changed since, and queries do not see yet, is left as it is, and no task is made for it
// (C11, P4, design 1.5).
func TestLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true, Faults: simhttp.Faults{SearchLag: 30 * time.Minute}})
		owner := w.owner()
		var leads []string
		for i := range 200 {
			leads = append(leads, w.lead(i))
		}
		time.Sleep(time.Hour)
		objs := w.read(Lead, []string{"OwnerId"}, leads...)
		w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: leads[7], By: "person:ana@example.com", Fields: map[string]any{"OwnerId": "hugh@example.com"}})
		var writes []connectors.Write
		for i, id := range leads {
			both := handoff(owner, id, fmt.Sprint(i))
			both[0].IfVersion, both[0].Loose = objs[id].Version, true
			writes = append(writes, both...)
		}
		var results []connectors.Result
		if calls := w.counted(func() { results = w.apply(writes...) }); calls != 2 {
			t.Errorf("%d calls, want 2", calls)
		}
		for i, r := range results {
			switch changed := i/2 == 7; {
			case changed && (r.Err == nil || i%2 == 0 && r.Err.Class != connectors.Conflict):
				t.Errorf("write %d over what has changed: %+v", i, r)
			case !changed && (r.Err != nil || r.Guarded):
				t.Errorf("write %d: %+v", i, r)
			}
		}
		time.Sleep(time.Hour)
		if now := w.read(Lead, []string{"OwnerId"}, leads...); now[leads[7]].Fields["OwnerId"] != w.user("hugh") || now[leads[8]].Fields["OwnerId"] != owner {
			t.Errorf("%v has the changed one, %v the next", now[leads[7]].Fields["OwnerId"], now[leads[8]].Fields["OwnerId"])
		}
	})
}

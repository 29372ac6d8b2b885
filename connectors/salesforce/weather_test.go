package salesforce

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// (P1, P2, P3, P4, P5, I4) Through hell, with rows that become visible late and pages that
// are short, polling alone sees every record's last state, and says it once
// per state.
func TestPollingThroughFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { pollThroughFaults(t, seed) })
		})
	}
}

func pollThroughFaults(t *testing.T, seed uint64) {
	faults, err := simhttp.Profile("hell")
	if err != nil {
		t.Fatal(err)
	}
	faults.SearchLag = min(faults.SearchLag, defaultOverlap)
	w := newWorld(t, salesforcesim.Config{Seed: seed + 1})
	w.sim.SetFaults(faults)
	rng := rand.New(rand.NewPCG(seed, 1))
	var ids []string
	for i := range 100 {
		ids = append(ids, w.lead(i))
	}
	time.Sleep(time.Hour) // the overlap does not cover for the listing
	last := map[string]connectors.Object{}
	states := map[string]connectors.Object{}
	cursor := connectors.Cursor{}
	poll := func() {
		for range 200 {
			pages, err := w.org.Changes(t.Context(), []connectors.Poll{{Kind: Lead, From: cursor, Fields: []string{"LastName", "Title"}, Limit: 1 + rng.IntN(40)}})
			if err != nil || pages[0].Err != nil {
				return
			}
			for _, c := range pages[0].Changes {
				if prior, ok := states[c.EventID]; ok && !cmp.Equal(prior, *c.Object) {
					t.Errorf("one event for two states:\n%s", cmp.Diff(prior, *c.Object))
				}
				states[c.EventID] = *c.Object
				if c.Object.Version >= last[c.Ref.ID].Version {
					last[c.Ref.ID] = *c.Object
				}
			}
			cursor = through(t, pages[0].Next)
			if !pages[0].More {
				return
			}
		}
	}
	for minute := range 60 {
		for range rng.IntN(20) {
			w.edit(simhttp.Edit{Object: "Lead", Op: "update", ID: ids[rng.IntN(50)], Fields: map[string]any{"Title": fmt.Sprint("title ", minute, " ", rng.IntN(1000))}})
		}
		if rng.IntN(3) == 0 && len(ids) < 200 {
			ids = append(ids, w.lead(len(ids)))
		}
		poll()
		time.Sleep(time.Duration(1+rng.IntN(60)) * time.Second)
	}
	for range 40 { // the weather stays; only the changes end
		time.Sleep(30 * time.Second)
		poll()
	}
	w.sim.SetFaults(simhttp.Faults{})
	time.Sleep(2 * time.Minute) // what was refused last is believed for a while
	for id, want := range w.read(Lead, []string{"LastName", "Title"}, ids...) {
		if diff := cmp.Diff(want, last[id]); diff != "" {
			t.Errorf("seed %d: %s (-is +seen):\n%s", seed, id, diff)
		}
	}
}

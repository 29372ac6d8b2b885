package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestWhatStoodThere: of every field that was written the first value is kept,
// from what was seen under the write, else from what we had written before; a
// field that nobody read is said to be one (G13).
func TestWhatStoodThere(t *testing.T) {
	t.Parallel()
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}
	at := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	write := func(handoff string, set, expect, was map[string]any) state.Intent {
		return state.Intent{Handoff: handoff, Write: connectors.Write{Ref: ref, Set: set}, Expect: expect, Was: was}
	}
	b := state.Before{}
	b = b.Wrote(write("h1", map[string]any{"owner": "7", "handoff_status": "Assigned", "stage": "sql", "score": "9", "brief": "x"},
		map[string]any{"owner": nil}, map[string]any{"stage": "mql"}), ref, []string{"brief"}, at)
	b = b.Wrote(write("h1", map[string]any{"owner": "8", "handoff_status": "Accepted"}, map[string]any{"owner": "7"}, nil), ref, nil, at.Add(time.Hour))
	b = b.Wrote(write("h2", map[string]any{"owner": "9", "handoff_status": "Assigned"}, map[string]any{"owner": "5"}, nil), ref, nil, at.Add(2*time.Hour))
	want := state.Before{
		Ref:  ref,
		Last: map[string]any{"owner": "9", "handoff_status": "Assigned", "stage": "sql", "score": "9"},
		Layers: []state.Layer{
			{Handoff: "h1", At: at, Found: map[string]any{"owner": nil, "handoff_status": nil, "stage": "mql"}, Unseen: []string{"score"}},
			{Handoff: "h2", At: at.Add(2 * time.Hour), Found: map[string]any{"owner": "5", "handoff_status": "Accepted"}},
		},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFits: the changes let through never are more than so many in any stretch
// of that length, in whatever order they come, and none is held back that would
// have fitted (G11).
func TestFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 4).Draw(t, "most")
		within := time.Duration(rapid.IntRange(1, 10).Draw(t, "within")) * time.Minute
		begin := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
		crowded := func(all []time.Time) bool {
			for i := most; i < len(all); i++ {
				if all[i].Sub(all[i-most]) < within {
					return true
				}
			}
			return false
		}
		var seen []time.Time
		for _, minute := range rapid.SliceOfN(rapid.IntRange(0, 40), 1, 30).Draw(t, "minutes") {
			at := begin.Add(time.Duration(minute) * time.Minute)
			all, fits := state.Fits(seen, at, within, most)
			if !slices.IsSortedFunc(all, time.Time.Compare) || len(all) != len(seen)+1 {
				t.Fatalf("%v is not %v with %v", all, seen, at)
			}
			if fits == crowded(all) {
				t.Fatalf("%v into %v: fits %t", at, seen, fits)
			}
			if fits {
				seen = all
			}
		}
	})
}

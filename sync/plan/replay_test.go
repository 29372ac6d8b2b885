package plan_test

import (
	"encoding/json"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// versions finds a record by its hash.
type versions func(hash string) (state.Record, bool, error)

// kept is what is stored of a decision.
func kept(t failer, r *plan.Rules, now time.Time, seen *plan.Recorder, ev plan.Event, c state.Changes) (state.Decision, versions) {
	t.Helper()
	d, records, err := plan.Keep(now, r, seen, ev, c)
	if err != nil {
		t.Fatalf("keep: %v", err)
	}
	byHash := map[string]state.Record{}
	for _, rec := range records {
		raw, err := json.Marshal(rec)
		if err != nil {
			t.Fatalf("%v", err)
		}
		var back state.Record
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatalf("%v", err)
		}
		byHash[state.RecordHash(rec)] = back
	}
	return d, func(hash string) (state.Record, bool, error) { rec, ok := byHash[hash]; return rec, ok, nil }
}

// replayed makes a decision again from what was kept of it: the same bytes,
// and nothing asked that was not kept (G1).
func replayed(t failer, r *plan.Rules, now time.Time, seen *plan.Recorder, ev plan.Event, c state.Changes) {
	t.Helper()
	d, version := kept(t, r, now, seen, ev, c)
	again, err := plan.Replay(r, d, version)
	if err != nil {
		t.Fatalf("replay: %v", err)
	}
	want, _ := json.MarshalIndent(c, "", " ")
	got, _ := json.MarshalIndent(again, "", " ")
	if string(want) != string(got) {
		t.Fatalf("replay differs (-live +replay):\n%s", cmp.Diff(string(want), string(got)))
	}
	if o, err := plan.Outcome(again); err != nil || o != d.Outcome {
		t.Fatalf("outcome %s, want %s (%v)", o, d.Outcome, err)
	}
}

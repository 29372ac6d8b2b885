package state_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// TestSetClock: what was put off under a clock that ran ahead leaves once it is set
// back, messages to channels too; one that waits for its hour is left alone (L8).
func TestSetClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	const year = 365 * 24 * time.Hour
	for name, tc := range map[string]struct {
		ahead, moved time.Duration
		due          []string
	}{
		"set back by a year":     {year, -year, []string{"hubspot", "notify/sales"}},
		"found out at a start":   {year, 0, []string{"hubspot"}},
		"put off by hours":       {3 * time.Hour, 0, []string{"hubspot"}},
		"put off by two minutes": {2 * time.Minute, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			var due []string
			err = store.Update(t.Context(), func(tx state.Tx) error {
				at := now.Add(tc.ahead)
				state.PutConn(tx, state.Conn{Name: "hubspot", Live: now.Add(-time.Hour)})
				state.PutIntent(tx, state.Intent{Dest: "hubspot", State: state.Ready, Due: at, Created: at, Write: connectors.Write{Key: "w"}})
				state.PutIntent(tx, state.Intent{Dest: "notify/sales", State: state.Ready, Due: at, Created: at, Write: connectors.Write{Key: "m"}, Message: &state.Message{}})
				state.PutIntent(tx, state.Intent{Dest: "hubspot", State: state.Parked, Due: at, Created: at, Write: connectors.Write{Key: "parked"}})
				state.SetClock(tx, now, tc.moved)
				for _, dest := range []string{"hubspot", "notify/sales"} {
					if slices.Collect(state.DueIntents(tx, dest, now)) != nil {
						due = append(due, dest)
					}
				}
				return tx.Err()
			})
			if err != nil || !slices.Equal(due, tc.due) {
				t.Errorf("due: %v, want %v (%v)", due, tc.due, err)
			}
		})
	}
}

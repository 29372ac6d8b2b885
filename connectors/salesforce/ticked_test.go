package salesforce

import (
	"fmt"
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// TestTickedOffAlone: of a change that is refused the task is not ticked off, however many
// collections the two lie apart; every other one is.
func TestTickedOffAlone(t *testing.T) {
	t.Parallel()
	const n, quiet = 210, 110 // so many are only accepted
	for _, bad := range [][]int{{0, 205}, {205}, {0, 150}} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
			owner := w.owner()
			var made, writes []connectors.Write
			for i := range n {
				made = append(made, handoff(owner, w.lead(i), fmt.Sprintf("%03d", i))...)
			}
			for i, r := range w.apply(made...) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
				if i%2 == 0 {
					set := map[string]any{"handoff_status": "Completed"}
					for _, b := range bad {
						if i/2 == b {
							set["LastName"] = nil
						}
					}
					writes = append(writes, connectors.Write{Ref: r.Ref, Key: fmt.Sprint("s", i/2), Set: set})
				} else if i/2 >= quiet {
					writes = append(writes, connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: connectors.Task, ID: r.Ref.ID}, Key: fmt.Sprint("d", i/2), Links: []connectors.Ref{made[i-1].Ref}, Set: map[string]any{connectors.TaskStatus: "done"}})
				}
			}
			results := w.apply(writes...)
			for i := quiet; i < len(results); i += 2 {
				if change, tick := results[i].Err, results[i+1].Err; (change == nil) != (tick == nil) {
					t.Errorf("%s: %v, and its task's: %v", writes[i].Key, change, tick)
				}
			}
		})
	}
}

package writeback

import (
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// cameOver reports whether a write that stands came over what somebody had put
// there since the reading it rests on, as the CRM told with its answer. Who has
// put the same there as we do has lost nothing.
func cameOver(i state.Intent, stood map[string]connectors.FieldValue) bool {
	for field, v := range stood {
		was, expected := i.Expect[field]
		there := connectors.Object{Fields: map[string]any{field: v.Value}}
		if expected && !holds(map[string]any{field: was}, there) && !holds(map[string]any{field: i.Write.Set[field]}, there) {
			return true
		}
	}
	return false
}

// lookAt is the hint that has a record looked at: whether a person came before us,
// and what is to be put back, is for the rules to say. Nothing is more urgent.
func lookAt(o outcome, now time.Time) state.Change {
	return state.Change{Change: connectors.Change{Ref: o.ref, EventID: "over " + o.entry.Write.Key + " " + now.Format(time.RFC3339Nano)}, Via: state.ViaAnswer, Came: now, Rank: state.FirstRank}
}

package writeback

import (
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestCameOver: a CRM that tells with its answer who had the record right before
// an owner was written has that record looked at where it was somebody else than
// had been read, and only there (C11).
func TestCameOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		read, stood, wrote any
		told, looked       bool
	}{
		"a person came":    {read: "q1", stood: "7", wrote: "9", told: true, looked: true},
		"taken off nobody": {stood: "7", wrote: "9", told: true, looked: true},
		"given away":       {read: "q1", wrote: "9", told: true, looked: true},
		"as it was read":   {read: "q1", stood: "q1", wrote: "9", told: true},
		"nobody's still":   {wrote: "9", told: true},
		"what we write":    {read: "q1", stood: "9", wrote: "9", told: true},
		"not told":         {read: "q1", wrote: "9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			i := r.update("a", "1")
			i.Expect, i.ReadAt = map[string]any{"hubspot_owner_id": c.read}, r.now
			i.Write.Set = map[string]any{"hubspot_owner_id": c.wrote}
			r.put(i)
			r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
				out := done(ws)
				if c.told {
					out[0].Stood = map[string]connectors.FieldValue{"hubspot_owner_id": {Value: c.stood}}
				}
				return out, nil
			}
			r.rounds(2)
			looked := false
			r.look(func(tx state.Tx) {
				for row := range state.InboxRows(tx, "hubspot") {
					looked = looked || row.Ref == i.Write.Ref && row.Via == state.ViaAnswer && row.At.IsZero()
				}
			})
			if _, waits := r.get("a"); looked != c.looked || waits {
				t.Errorf("looked at %v, want %v; still to be written %v", looked, c.looked, waits)
			}
		})
	}
}

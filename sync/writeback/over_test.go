package writeback

import (
	"context"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
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

// historian is a rig whose CRM keeps a history.
type historian struct{ *rig }

func (historian) Trail(context.Context, connectors.Kind, []string, string, time.Time) (map[string][]connectors.FieldValue, error) {
	return nil, nil
}

// TestAskedAtOnce: where webhooks have been missed, it is asked of the history at once who
// came right before an owner that we wrote, not when polling comes by (C11).
func TestAskedAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deaf, history, guarded, owner, looked bool
	}{
		"webhooks are missed":    {deaf: true, history: true, owner: true, looked: true},
		"webhooks tell":          {history: true, owner: true},
		"no history":             {deaf: true, owner: true},
		"under a condition":      {deaf: true, history: true, owner: true, guarded: true},
		"nothing of an owner is": {deaf: true, history: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.w.Gate = &engine.Gate{}
			r.w.Gate.Pass()
			r.w.Gate.CatchUp()
			if c.history {
				r.w.Connector = historian{r}
			}
			if c.deaf {
				r.updated(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Mirror: true, Deaf: r.now}) })
			}
			i := r.update("a", "1")
			i.ReadAt, i.Over = r.now, r.now.Add(-time.Minute)
			if c.owner {
				i.Expect = map[string]any{"hubspot_owner_id": nil}
				i.Write.Set = map[string]any{"hubspot_owner_id": "9"}
			}
			r.put(i)
			r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
				out := done(ws)
				out[0].ModifiedAt, out[0].Guarded = r.now, c.guarded
				return out, nil
			}
			r.rounds(2)
			looked := false
			r.look(func(tx state.Tx) {
				for row := range state.InboxRows(tx, "hubspot") {
					looked = looked || row.Ref == i.Write.Ref && row.Via == state.ViaAnswer && row.Rank == state.FirstRank
				}
			})
			if looked != c.looked {
				t.Errorf("looked at %v, want %v", looked, c.looked)
			}
		})
	}
}

// TestLookedAtTwice: a write may come again under the key of an earlier one, and what it came
// over is looked at as well.
func TestLookedAtTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		out := done(ws)
		out[0].Stood = map[string]connectors.FieldValue{"hubspot_owner_id": {Value: "7"}}
		return out, nil
	}
	for turn := range 2 {
		i := r.update("a", "1")
		i.Expect, i.ReadAt = map[string]any{"hubspot_owner_id": nil}, r.now
		i.Write.Set = map[string]any{"hubspot_owner_id": "9"}
		r.put(i)
		r.rounds(2)
		looks := 0
		r.updated(func(tx state.Tx) {
			looks = 0
			for row := range state.InboxRows(tx, "hubspot") {
				looks++
				state.DropInbox(tx, row.Key)
			}
		})
		if looks != 1 {
			t.Errorf("turn %d: %d looks", turn, looks)
		}
		r.now = r.now.Add(time.Hour)
	}
}

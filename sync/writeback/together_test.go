package writeback

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// guarded is a rig whose CRM writes under conditions and counts whole seconds.
type guarded struct{ *rig }

func (guarded) Grain() time.Duration { return time.Second }
func (guarded) Conditional() int     { return 20 }

// TestWaitsTogether: an owner whose record was changed too lately for the CRM to
// tell a further change from it waits, and with it what tells people of it; the
// rest does not.
func TestWaitsTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.w.Connector = guarded{r}
	owner := r.update("owner", "1")
	owner.Expect, owner.Over, owner.Write.IfVersion = map[string]any{"hubspot_owner_id": nil}, r.now.Add(-time.Second), "1"
	owner.ReadAt = r.now.Add(time.Second) // it is read again by then
	tell, other := r.task("tell"), r.task("other")
	other.Handoff = "another"
	r.put(owner, tell, other)
	r.rounds(2)
	if diff := cmp.Diff([]string{"other"}, r.sent); diff != "" {
		t.Fatalf("at once (-want +got):\n%s", diff)
	}
	r.crm.read = func([]string) ([]connectors.Object, error) {
		return []connectors.Object{{Ref: owner.Write.Ref, Version: "1", ModifiedAt: owner.Over}}, nil
	}
	r.sent = nil
	r.now = r.now.Add(2 * time.Second)
	calls := 0
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) { calls++; return done(ws), nil }
	r.rounds(3)
	if len(r.sent) != 2 || calls != 1 {
		t.Errorf("then %v in %d calls, want both in one", r.sent, calls)
	}
}

// TestAskedBeforeItLeaves: where a record has the owner it had and was changed
// since, our write waits until it is known whether a person gave it away and back, and
// what was decided of the record later waits behind it (C11).
func TestAskedBeforeItLeaves(t *testing.T) {
	t.Parallel()
	for name, owner := range map[string]string{"the owner it had": "77", "another": "88"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			askedBefore(t, owner)
		})
	}
}

// askedBefore is a record that has an owner since it was read. Where that is the
// one it had, it turns out that nobody has given it away meanwhile.
func askedBefore(t *testing.T, owner string) {
	t.Helper()
	r := newRig(t)
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
	over := r.now.Add(-time.Minute)
	i := r.update("a", "1")
	i.Expect, i.ReadAt, i.Over = map[string]any{"hubspot_owner_id": "77"}, time.Time{}, over
	h := state.Handoff{
		ID: "h", Type: "demo_request", Record: ref, Target: ref, Stage: state.Assigned, Owner: "ana@example.com", AssignedAt: over,
		Stake:   &state.Stake{Field: "hubspot_owner_id", Value: "1", Was: "77", Over: over},
		Effects: map[string]state.Effect{"assign": {Key: "a", Ref: ref, State: handoff.Sent}},
	}
	err := r.store.Update(t.Context(), func(tx state.Tx) error {
		state.PutHandoff(tx, h)
		state.PutUser(tx, "hubspot", connectors.User{ID: "77", Email: "ben@example.com", Active: true})
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	joined := r.update("joined", "1")
	joined.Created = r.now.Add(time.Millisecond)
	r.put(i, joined)
	changed := over
	r.crm.read = func([]string) ([]connectors.Object, error) {
		return []connectors.Object{{Ref: ref, Version: changed.Format(time.RFC3339), ModifiedAt: changed, Fields: map[string]any{"hubspot_owner_id": owner}}}, nil
	}
	changed = over.Add(30 * time.Second)
	r.later(10 * time.Second)
	if len(r.sent) > 0 {
		t.Fatalf("sent %v before anybody said whose hand it was", r.sent)
	}
	asked := 0
	r.look(func(tx state.Tx) {
		for range state.InboxRows(tx, "hubspot") {
			asked++
		}
	})
	if asked == 0 {
		t.Error("no lane is to find out")
	}
	if owner != "77" {
		return
	}
	// The lane has found that it was nobody's: what the handoff rests on is that reading.
	h.Stake.Over = changed
	err = r.store.Update(t.Context(), func(tx state.Tx) error { state.PutHandoff(tx, h); return tx.Err() })
	if err != nil {
		t.Fatal(err)
	}
	r.later(5 * time.Second)
	if diff := cmp.Diff([]string{"a", "joined"}, r.sent); diff != "" {
		t.Errorf("once it is known (-want +got):\n%s", diff)
	}
}

// TestWaitsInOrder: what is decided of a record after its owner does not leave
// before it where the owner has to wait, or its tier would be written over by the
// older one.
func TestWaitsInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.w.Connector = guarded{r}
	owner, joined := r.update("owner", "1"), r.update("joined", "1")
	owner.Expect, owner.Over, owner.Write.IfVersion = map[string]any{"hubspot_owner_id": nil}, r.now.Add(-time.Second), "1"
	owner.ReadAt = r.now.Add(time.Second)
	joined.Created = r.now.Add(time.Millisecond)
	r.crm.read = func([]string) ([]connectors.Object, error) {
		return []connectors.Object{{Ref: owner.Write.Ref, Version: "1", ModifiedAt: owner.Over}}, nil
	}
	r.put(owner, joined)
	r.later(5 * time.Second)
	if diff := cmp.Diff([]string{"owner", "joined"}, r.sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

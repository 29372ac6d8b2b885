package writeback

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestReadAgain: an owner write is read again once; a record the CRM says
// nothing about is neither lost nor asked for in a loop.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	owner := func(r *rig) state.Intent {
		i := r.update("a", "1")
		i.Expect, i.ReadAt = map[string]any{"hubspot_owner_id": nil}, time.Time{}
		return i
	}
	object := connectors.Object{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}, Version: "2"}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(owner(r))
		reads := 0
		r.crm.read = func([]string) ([]connectors.Object, error) {
			reads++
			r.now = r.now.Add(7 * time.Second)
			return []connectors.Object{object}, nil
		}
		r.rounds(4)
		if reads != 1 || len(r.sent) != 1 {
			t.Errorf("%d reads, sent %v; want one read and one write", reads, r.sent)
		}
	})
	t.Run("changed", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(owner(r))
		r.crm.read = func([]string) ([]connectors.Object, error) {
			o := object
			o.Fields = map[string]any{"hubspot_owner_id": "77"}
			return []connectors.Object{o}, nil
		}
		r.rounds(4)
		if _, ok := r.get("a"); ok || len(r.sent) > 0 {
			t.Errorf("sent %v, still there %v", r.sent, ok)
		}
	})
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(owner(r))
		reads := 0
		r.crm.read = func([]string) ([]connectors.Object, error) { reads++; return nil, nil }
		r.rounds(3)
		if i, ok := r.get("a"); !ok || !i.Due.After(r.now) || reads != 1 {
			t.Fatalf("after one silence: %+v, there %v, %d reads", i, ok, reads)
		}
		for range mostAttempts {
			r.now = r.now.Add(20 * time.Minute)
			r.rounds(2)
		}
		if i, ok := r.get("a"); !ok || i.State != state.Parked {
			t.Errorf("in the end: %+v, there %v; want parked", i, ok)
		}
	})
	t.Run("in part", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		other := owner(r)
		other.Write.Key, other.Write.Ref.ID = "b", "2"
		r.put(owner(r), other)
		r.crm.read = func(ids []string) ([]connectors.Object, error) {
			if len(ids) > 1 || ids[0] != "2" {
				return []connectors.Object{object}, &connectors.Error{Class: connectors.Unavailable, Op: "read"}
			}
			return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read"}
		}
		r.rounds(3)
		if d := cmp.Diff([]string{"a"}, r.sent); d != "" || r.w.hold.After(r.now) {
			t.Errorf("one that could not be read holds up the other (hold until %v): %s", r.w.hold, d)
		}
		for range 3 * mostAttempts {
			r.now = r.now.Add(20 * time.Minute)
			r.rounds(2)
		}
		r.crm.read = func([]string) ([]connectors.Object, error) {
			o := object
			o.Ref.ID = "2"
			return []connectors.Object{o}, nil
		}
		r.now = r.now.Add(20 * time.Minute)
		r.rounds(2)
		if d := cmp.Diff([]string{"a", "b"}, r.sent); d != "" {
			t.Errorf("it was given up for a failure that is not its own: %s", d)
		}
	})
	t.Run("in part, slowly", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		other := owner(r)
		other.Write.Key, other.Write.Ref.ID = "b", "2"
		r.put(owner(r), other)
		slow := 7 * time.Second
		r.crm.read = func([]string) ([]connectors.Object, error) {
			r.now = r.now.Add(slow)
			return []connectors.Object{object}, &connectors.Error{Class: connectors.Unavailable, Op: "read"}
		}
		r.rounds(4)
		if len(r.sent) > 0 {
			t.Errorf("sent %v on what may have been read %s ago", r.sent, slow)
		}
		slow = time.Second
		r.rounds(4)
		if d := cmp.Diff([]string{"a"}, r.sent); d != "" {
			t.Error(d)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(owner(r), r.update("b", "2"))
		r.crm.read = func([]string) ([]connectors.Object, error) {
			return nil, &connectors.Error{Class: connectors.Denied, Op: "read"}
		}
		r.rounds(3)
		if d := cmp.Diff([]string{"b"}, r.sent); d != "" {
			t.Errorf("one that cannot be read holds up the others: %s", d)
		}
	})
	t.Run("several kinds, slowly", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		kinds := []connectors.Kind{"contacts", "companies", "deals"}
		for n, kind := range kinds {
			i := owner(r)
			i.Write.Key, i.Write.Ref.Kind, i.Write.Ref.ID = fmt.Sprint(kind), kind, fmt.Sprint(n)
			r.put(i)
		}
		r.crm.read = func(ids []string) ([]connectors.Object, error) {
			r.now = r.now.Add(3 * time.Second)
			var out []connectors.Object
			for _, kind := range kinds {
				out = append(out, connectors.Object{Ref: connectors.Ref{Conn: "hubspot", Kind: kind, ID: ids[0]}, Version: "2"})
			}
			return out, nil
		}
		r.rounds(20)
		if len(r.sent) != len(kinds) {
			t.Errorf("sent %v, want all three", r.sent)
		}
	})
	t.Run("clock set back", func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		if fresh(now.Add(time.Hour), now) || fresh(now.Add(-6*time.Second), now) || !fresh(now.Add(-time.Second), now) {
			t.Error("a reading of the future counts as fresh, or one of just now does not")
		}
	})
}

// TestExactDoubt: where the CRM takes two creates with one key for one, what may have
// come through is sent again, but not what lies in the bin: its key is free again, and
// what a person has deleted is not made anew (C2).
func TestExactDoubt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crm.exact, r.crm.bin = true, map[string]string{"deleted": "1"}
	for _, key := range []string{"deleted", "not there"} {
		i := r.task(key)
		i.State = state.Sending // the answer never came
		r.put(i)
	}
	r.rounds(4)
	for _, key := range []string{"deleted", "not there"} {
		if _, waits := r.get(key); waits {
			t.Errorf("%s waits", key)
		}
	}
	if d := cmp.Diff([]string{"not there"}, r.sent); d != "" {
		t.Errorf("sent (-want +got):\n%s", d)
	}
}

// TestHanging: a task whose record is refused does not hang for ever, one
// whose record has been made links to it, one whose record is put off is too.
func TestHanging(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, create *state.Intent, made bool) *rig {
		t.Helper()
		r := newRig(t)
		task := r.task("task")
		task.Write.After = "create"
		r.put(task)
		if create != nil {
			r.put(*create)
		}
		h := state.Handoff{ID: "h", Stage: state.Assigned, Effects: map[string]state.Effect{
			"create": {Key: "create", State: "sent"}, "task": {Key: "task", State: "sent"},
		}}
		if made {
			h.Effects["create"] = state.Effect{Key: "create", State: "done", Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "9"}}
		}
		err := r.store.Update(t.Context(), func(tx state.Tx) error { state.PutHandoff(tx, h); return tx.Err() })
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		r := setup(t, nil, false)
		r.rounds(2)
		if i, _ := r.get("task"); i.State != state.Parked || len(r.sent) > 0 {
			t.Errorf("%+v, sent %v", i, r.sent)
		}
	})
	t.Run("made", func(t *testing.T) {
		t.Parallel()
		r := setup(t, nil, true)
		var links []connectors.Ref
		r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
			links = ws[0].Links
			return done(ws), nil
		}
		r.rounds(2)
		if len(links) != 1 || links[0].ID != "9" {
			t.Errorf("links %v", links)
		}
	})
	t.Run("put off", func(t *testing.T) {
		t.Parallel()
		create := newRig(t).update("create", "")
		create.Due = create.Due.Add(time.Minute)
		r := setup(t, &create, false)
		r.rounds(2)
		if i, _ := r.get("task"); !i.Due.Equal(create.Due) || len(r.sent) > 0 {
			t.Errorf("due %s, want %s; sent %v", i.Due, create.Due, r.sent)
		}
		r.now = create.Due
		r.rounds(2)
		if d := cmp.Diff([]string{"create", "task"}, r.sent); d != "" {
			t.Error(d)
		}
	})
}

// TestHealed: a create nobody answered is looked up, twice and after the
// request can no longer be on its way, before it is sent again (C2).
func TestHealed(t *testing.T) {
	t.Parallel()
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		began, finds := r.now, 0
		r.put(r.task("a"))
		r.crm.apply = failing(connectors.Ambiguous)
		r.crm.find = func(ws []connectors.Write) ([]connectors.Ref, error) {
			finds++
			return make([]connectors.Ref, len(ws)), nil
		}
		r.rounds(1)
		r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) { return done(ws), nil }
		for len(r.sent) < 2 && r.now.Sub(began) < time.Hour {
			r.later(time.Second)
		}
		if took := r.now.Sub(began); took < requestTimeout+lookAgain || took > time.Minute || finds != 3 {
			t.Errorf("sent again after %s and %d look-ups", took, finds)
		}
	})
	t.Run("there", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.put(r.task("a"))
		r.crm.apply = failing(connectors.Ambiguous)
		r.crm.find = func([]connectors.Write) ([]connectors.Ref, error) {
			return []connectors.Ref{{Conn: "hubspot", Kind: connectors.Task, ID: "5"}}, nil
		}
		r.later(10 * time.Second)
		if _, ok := r.get("a"); ok || len(r.sent) != 1 {
			t.Errorf("sent %v, still there %v", r.sent, ok)
		}
	})
	t.Run("clock set back", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		i := r.task("a")
		i.State, i.SentAt = state.Sending, r.now.Add(365*24*time.Hour)
		r.put(i)
		r.crm.find = func(ws []connectors.Write) ([]connectors.Ref, error) { return make([]connectors.Ref, len(ws)), nil }
		r.rounds(1)
		if i, _ := r.get("a"); i.Due.After(r.now.Add(time.Minute)) {
			t.Errorf("due at %s, now is %s", i.Due, r.now)
		}
	})
	t.Run("cannot be looked up", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		i := r.task("a")
		i.State, i.SentAt = state.Sending, r.now
		r.put(i, r.update("b", "2"))
		r.crm.find = func([]connectors.Write) ([]connectors.Ref, error) {
			return nil, &connectors.Error{Class: connectors.Invalid, Op: "find"}
		}
		r.rounds(3)
		if d := cmp.Diff([]string{"b"}, r.sent); d != "" {
			t.Errorf("it holds up the others: %s", d)
		}
		if i, _ := r.get("a"); i.State != state.Sending {
			t.Errorf("it is no longer uncertain: %+v", i)
		}
	})
}

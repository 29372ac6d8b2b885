package writeback

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestKindDenied: a kind that may not be written waits without losing a write,
// costs one attempt a minute however many wait and come, is told on a list, and
// holds up nothing else; one record that is out of reach is given up on (C6).
func TestKindDenied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	allowed, calls, tasks := false, 0, 0
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		out := done(ws)
		asked := false
		for n, w := range ws {
			switch {
			case w.Ref.Kind == connectors.Task:
				tasks++
			case w.Ref.ID == "99":
				out[n].Err = &connectors.Error{Class: connectors.Denied, Op: "write", Err: errors.New("not yours")}
			case !allowed:
				asked = true
				out[n].Err = &connectors.Error{Class: connectors.Denied, Op: "write", RetryAfter: 20 * time.Second, Err: errors.New("no scope")}
			}
		}
		if asked {
			calls++
		}
		return out, nil
	}
	r.crm.exact = true
	for n := range 10 {
		r.put(r.update(fmt.Sprint("a", n), fmt.Sprint(n)))
	}
	r.put(r.task("t"))
	for n := range 60 {
		r.put(r.update(fmt.Sprint("b", n), fmt.Sprint(100+n)))
		r.later(time.Minute)
	}
	if calls < 59 || calls > 61 || tasks != 1 {
		t.Errorf("%d attempts in an hour and %d tasks, want one a minute and one", calls, tasks)
	}
	for _, key := range []string{"a0", "a9", "b0", "b59"} {
		if i, ok := r.get(key); !ok || i.State == state.Parked || i.Attempts != 0 {
			t.Errorf("%s: there %v, %+v", key, ok, i)
		}
	}
	listed := 0
	r.look(func(tx state.Tx) {
		for _, l := range state.AllListings(tx) {
			if l.List == listDenied && l.Subject == "hubspot contacts" {
				listed = l.Count
			}
		}
	})
	if listed != calls {
		t.Errorf("listed %d times, tried %d", listed, calls)
	}
	allowed = true
	r.put(r.update("c", "99"))
	r.later(2 * time.Minute)
	for _, key := range []string{"a0", "a9", "b0", "b59"} {
		if _, ok := r.get(key); ok {
			t.Errorf("%s was not written when it was allowed again", key)
		}
	}
	if i, ok := r.get("c"); !ok || i.State != state.Parked {
		t.Errorf("a record out of reach: there %v, %s", ok, i.State)
	}
}

func (r *rig) look(fn func(tx state.Tx)) {
	r.Helper()
	if err := r.store.View(r.Context(), func(tx state.Tx) error { fn(tx); return tx.Err() }); err != nil {
		r.Fatal(err)
	}
}

package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/state"
)

type opener = func(*testing.T, string) state.Store

func readYourWrites(t *testing.T, open opener) {
	s := start(t, open)
	update(t, s, func(tx state.Tx) {
		put(tx, "a", "1")
		put(tx, "b", "2")
		same(t, "a", string(tx.Get(state.Cursors, []byte("a"))), "1")
		put(tx, "a", "3")
		tx.Delete(state.Cursors, []byte("b"))
		same(t, "bucket inside", keys(tx, state.Cursors), []string{"a=3"})
		if tx.Get(state.Cursors, []byte("b")) != nil {
			t.Error("b is still there after it was deleted")
		}
		tx.Put(state.Seen, []byte("e"), nil)
		if v := tx.Get(state.Seen, []byte("e")); v == nil || len(v) != 0 {
			t.Errorf("an empty value reads as %#v, want empty and not nil", v)
		}
	})
	view(t, s, func(tx state.Tx) {
		same(t, "bucket after", keys(tx, state.Cursors), []string{"a=3"})
		if v := tx.Get(state.Seen, []byte("e")); v == nil || len(v) != 0 {
			t.Errorf("an empty value reads as %#v, want empty and not nil", v)
		}
		if tx.Get(state.Seen, []byte("f")) != nil {
			t.Error("a key never put has a value")
		}
	})
}

func scanBounds(t *testing.T, open opener) {
	s := start(t, open)
	update(t, s, func(tx state.Tx) {
		for _, k := range []string{"d", "a", "\xff", "b", "ba", "c"} {
			put(tx, k, "")
		}
	})
	for _, test := range []struct {
		from, to []byte
		want     []string
	}{
		{nil, nil, []string{"a", "b", "ba", "c", "d", "\xff"}},
		{[]byte("b"), []byte("c"), []string{"b", "ba"}},
		{[]byte("aa"), nil, []string{"b", "ba", "c", "d", "\xff"}},
		{nil, []byte("a"), nil},
		{[]byte("c"), []byte("b"), nil},
		{[]byte("\xff\xff"), nil, nil},
	} {
		view(t, s, func(tx state.Tx) {
			var got []string
			for k := range tx.Scan(state.Cursors, test.from, test.to) {
				got = append(got, string(k))
			}
			same(t, fmt.Sprintf("scan %q to %q", test.from, test.to), got, test.want)
		})
	}
}

// scanWhileWriting deletes and inserts under a walk over several pages.
func scanWhileWriting(t *testing.T, open opener) {
	s := start(t, open)
	const n = 3000
	name := func(i int) string { return fmt.Sprintf("%06d", i) }
	update(t, s, func(tx state.Tx) {
		for i := range n {
			put(tx, name(2*i), "before")
		}
	})
	update(t, s, func(tx state.Tx) {
		seen := 0
		for k := range tx.Scan(state.Cursors, nil, nil) {
			if string(k) != name(2*seen) {
				t.Fatalf("the walk is at %q, want %q", k, name(2*seen))
			}
			tx.Delete(state.Cursors, k)
			if seen%3 == 0 { // behind the walk
				put(tx, name(2*seen-1+1), "again")
			}
			seen++
		}
		same(t, "rows met", seen, n)
		same(t, "rows left", len(keys(tx, state.Cursors)), n/3)
	})
	update(t, s, func(tx state.Tx) {
		met := 0
		for k := range tx.Scan(state.Cursors, nil, []byte("9")) {
			if met++; met == 1 {
				put(tx, string(k)+"!", "just ahead")
				put(tx, "zzz", "past the end")
			}
		}
		same(t, "rows met with one put ahead", met, n/3+1)
	})
}

// likeAMap runs random transactions, some of which fail, on the store and on
// a map, and wants the same contents after each.
func likeAMap(t *testing.T, open opener) {
	s := start(t, open)
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		if err := s.Update(ctx, func(tx state.Tx) error {
			for k := range tx.Scan(state.Cursors, nil, nil) {
				tx.Delete(state.Cursors, k)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		model := map[string]string{}
		key := rapid.StringN(1, 3, 8)
		for range rapid.IntRange(1, 4).Draw(t, "transactions") {
			next := maps.Clone(model)
			type op struct{ key, value string }
			ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) op {
				return op{key.Draw(t, "key"), rapid.StringN(0, 40, 200).Draw(t, "value")}
			}), 0, 20).Draw(t, "ops")
			fails := rapid.Bool().Draw(t, "fails")
			err := s.Update(ctx, func(tx state.Tx) error {
				next = maps.Clone(model)
				for _, o := range ops {
					if o.value == "" {
						tx.Delete(state.Cursors, []byte(o.key))
						delete(next, o.key)
						continue
					}
					put(tx, o.key, o.value)
					next[o.key] = o.value
				}
				if fails {
					return errOnPurpose
				}
				return nil
			})
			if fails != errors.Is(err, errOnPurpose) {
				t.Fatalf("update: %v", err)
			}
			if !fails {
				model = next
			}
			var got, want []string
			_ = s.View(ctx, func(tx state.Tx) error { got = keys(tx, state.Cursors); return nil })
			for _, k := range slices.Sorted(maps.Keys(model)) {
				want = append(want, k+"="+model[k])
			}
			if !slices.Equal(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	})
}

// snapshots waits for an update inside a view, which only a test may do: the
// file is far too small to have to grow.
func snapshots(t *testing.T, open opener) {
	s := start(t, open)
	update(t, s, func(tx state.Tx) { put(tx, "a", "1") })
	view(t, s, func(tx state.Tx) {
		done := make(chan error)
		go func() {
			done <- s.Update(t.Context(), func(tx state.Tx) error { put(tx, "a", "2"); return nil })
		}()
		if err := <-done; err != nil {
			t.Error(err)
		}
		same(t, "an older snapshot", string(tx.Get(state.Cursors, []byte("a"))), "1")
	})
	view(t, s, func(tx state.Tx) {
		same(t, "a newer snapshot", string(tx.Get(state.Cursors, []byte("a"))), "2")
	})
}

func failuresLeaveNothing(t *testing.T, open opener) {
	s := start(t, open)
	err := s.Update(t.Context(), func(tx state.Tx) error { put(tx, "a", "1"); return errOnPurpose })
	if !errors.Is(err, errOnPurpose) {
		t.Errorf("returned error: %v", err)
	}
	err = s.Update(t.Context(), func(tx state.Tx) error { put(tx, "a", "1"); tx.Fail(errOnPurpose); return nil })
	if !errors.Is(err, errOnPurpose) {
		t.Errorf("error by Fail: %v", err)
	}
	view(t, s, func(tx state.Tx) { same(t, "rows", keys(tx, state.Cursors), nil) })
}

// failuresInAGroup lets many updates run at once, a third of which fail after
// they have written, and wants exactly the others kept.
func failuresInAGroup(t *testing.T, open opener) {
	s := start(t, open)
	update(t, s, func(tx state.Tx) { put(tx, "shared", "start") })
	const n = 300
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			errs[i] = s.Update(t.Context(), func(tx state.Tx) error {
				tx.NextSequence(state.Inbox)
				put(tx, fmt.Sprintf("own %03d", i), "kept")
				if i%3 != 0 {
					return nil
				}
				put(tx, "shared", "spoilt")
				put(tx, "shared", "spoilt twice")
				tx.Delete(state.Cursors, []byte("shared"))
				tx.Delete(state.Cursors, fmt.Appendf(nil, "own %03d", (i+1)%n))
				if i%2 == 0 {
					tx.Fail(fmt.Errorf("%d: %w", i, errOnPurpose))
					return nil
				}
				return fmt.Errorf("%d: %w", i, errOnPurpose)
			})
		})
	}
	wg.Wait()
	want := []string{}
	for i, err := range errs {
		if i%3 != 0 {
			want = append(want, fmt.Sprintf("own %03d=kept", i))
			if err != nil {
				t.Errorf("update %d: %v", i, err)
			}
			continue
		}
		if !errors.Is(err, errOnPurpose) || err.Error()[:len(fmt.Sprint(i))] != fmt.Sprint(i) {
			t.Errorf("update %d: %v, want its own failure", i, err)
		}
	}
	update(t, s, func(tx state.Tx) {
		same(t, "kept", keys(tx, state.Cursors), append(want, "shared=start"))
		if seq := tx.NextSequence(state.Inbox); seq <= uint64(n-n/3) {
			t.Errorf("the next number is %d after %d were given", seq, n-n/3)
		}
	})
}

func firstFailureSticks(t *testing.T, open opener) {
	s := start(t, open)
	err := s.Update(t.Context(), func(tx state.Tx) error {
		put(tx, "a", "1")
		tx.Put(state.Cursors, nil, []byte("no key"))
		if tx.Err() == nil {
			t.Error("a value without a key was taken")
		}
		tx.Fail(errOnPurpose)
		if tx.Get(state.Cursors, []byte("a")) != nil || len(keys(tx, state.Cursors)) != 0 || tx.NextSequence(state.Inbox) != 0 {
			t.Error("reads find something after a failure")
		}
		return nil
	})
	if err == nil || errors.Is(err, errOnPurpose) {
		t.Errorf("got %v, want the first failure", err)
	}
}

func viewsDoNotWrite(t *testing.T, open opener) {
	s := start(t, open)
	for name, write := range map[string]func(state.Tx){
		"put":      func(tx state.Tx) { put(tx, "a", "1") },
		"delete":   func(tx state.Tx) { tx.Delete(state.Cursors, []byte("a")) },
		"sequence": func(tx state.Tx) { tx.NextSequence(state.Inbox) },
	} {
		if err := s.View(t.Context(), func(tx state.Tx) error { write(tx); return nil }); err == nil {
			t.Errorf("%s in a view did not fail", name)
		}
	}
}

func sequences(t *testing.T, open opener) {
	dir := t.TempDir()
	s := open(t, dir)
	seen := map[uint64]bool{}
	last := uint64(0)
	for range 3 {
		for range 5 {
			var n uint64
			update(t, s, func(tx state.Tx) { n = tx.NextSequence(state.Inbox) })
			if seen[n] || n <= last {
				t.Errorf("number %d after %d", n, last)
			}
			seen[n], last = true, n
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
	}
	update(t, s, func(tx state.Tx) { same(t, "another bucket's first", tx.NextSequence(state.Audit), 1) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func waitingEnds(t *testing.T, open opener) {
	s := start(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	if err := s.Update(ctx, func(state.Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("update with an ended context: %v, ran %v", err, ran)
	}
	if err := s.View(ctx, func(state.Tx) error { ran = true; return nil }); !errors.Is(err, context.Canceled) || ran {
		t.Errorf("view with an ended context: %v, ran %v", err, ran)
	}
	begun, release, first := make(chan bool, 9), make(chan bool), make(chan error, 1)
	go func() {
		first <- s.Update(t.Context(), func(tx state.Tx) error { begun <- true; <-release; put(tx, "a", "1"); return nil })
	}()
	<-begun
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := s.Update(ctx, func(tx state.Tx) error { put(tx, "late", "1"); return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting behind another: %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	view(t, s, func(tx state.Tx) { same(t, "rows", keys(tx, state.Cursors), []string{"a=1"}) })
}

func closed(t *testing.T, open opener) {
	s := open(t, t.TempDir())
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fn := func(state.Tx) error { return nil }
	for name, err := range map[string]error{"update": s.Update(t.Context(), fn), "view": s.View(t.Context(), fn)} {
		if !errors.Is(err, state.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
}

// commitFault serves finding 0.1 and L3: the outcome is unknown, so nothing
// more is served, and what a later process finds may be either.
func commitFault(t *testing.T, open opener) {
	for _, kept := range []bool{false, true} {
		dir := t.TempDir()
		s := open(t, dir)
		faulty, ok := s.(Faulty)
		if !ok {
			_ = s.Close()
			t.Skip("the store cannot be made to fail")
		}
		update(t, s, func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "a"}) })
		faulty.FailCommit(errOnPurpose, kept)
		var unknown *state.CommitError
		err := s.Update(t.Context(), func(tx state.Tx) error { state.PutConn(tx, state.Conn{Name: "b"}); return nil })
		if !errors.As(err, &unknown) || !errors.Is(err, errOnPurpose) {
			t.Errorf("failed commit: %v, want a CommitError", err)
		}
		fn := func(state.Tx) error { t.Error("ran after a failed commit"); return nil }
		_, leaseErr := s.Lease(t.Context(), "a", "b", time.Second)
		for name, err := range map[string]error{
			"update": s.Update(t.Context(), fn), "view": s.View(t.Context(), fn),
			"lease": leaseErr, "backup": s.Backup(t.Context(), nil),
		} {
			if !errors.As(err, &unknown) {
				t.Errorf("%s afterwards: %v, want the CommitError", name, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		want := []string{"a"}
		if kept {
			want = append(want, "b")
		}
		s = open(t, dir)
		view(t, s, func(tx state.Tx) {
			var got []string
			for _, c := range state.AllConns(tx) {
				got = append(got, c.Name)
			}
			same(t, "after a restart", got, want)
		})
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func leases(t *testing.T, open opener) {
	dir := t.TempDir()
	for i, test := range []struct {
		name, holder string
		want         uint64
	}{
		{"eu", "one", 1}, {"eu", "one", 1}, {"eu", "two", 2}, {"us", "two", 1}, {"eu", "one", 3}, {"eu", "one", 3},
	} {
		s := open(t, dir)
		got, err := s.Lease(t.Context(), test.name, test.holder, time.Minute)
		if err != nil || got != test.want {
			t.Errorf("%d: epoch %d, %v; want %d", i, got, err, test.want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

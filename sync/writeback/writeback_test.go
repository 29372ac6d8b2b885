package writeback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// crm is a connector that answers what the test says.
type crm struct {
	read  func(ids []string) ([]connectors.Object, error)
	apply func(ws []connectors.Write) ([]connectors.Result, error)
	find  func(ws []connectors.Write) ([]connectors.Ref, error)
	exact bool
	bin   map[string]string // ids of what lies in the bin, by key
}

func (c *crm) Changes(context.Context, []connectors.Poll) ([]connectors.Page, error) { return nil, nil }

func (c *crm) Read(_ context.Context, _ connectors.Kind, ids, _ []string) ([]connectors.Object, error) {
	return c.read(ids)
}

func (c *crm) Apply(_ context.Context, ws []connectors.Write) ([]connectors.Result, error) {
	return c.apply(ws)
}

func (c *crm) Find(_ context.Context, ws []connectors.Write) ([]connectors.Ref, error) {
	return c.find(ws)
}

func (c *crm) Exact(connectors.Kind) bool { return c.exact }

// rig is a writer on a real state file, with a clock of its own.
type rig struct {
	*testing.T
	w     *Writer
	crm   *crm
	store *bolt.Store
	now   time.Time
	sent  []string // keys, in the order they left
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	err = store.Update(t.Context(), func(tx state.Tx) error {
		state.PutConn(tx, state.Conn{Name: "hubspot", Mirror: true}) // a type that looks at the account waits for nothing
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, store: store, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	r.crm = &crm{apply: func(ws []connectors.Write) ([]connectors.Result, error) { return done(ws), nil }}
	log := slog.New(slog.DiscardHandler)
	reg := prometheus.NewRegistry()
	wall := func() time.Time { return r.now }
	r.w = &Writer{
		Conn: "hubspot", Connector: r, Bell: engine.NewBell(), Metrics: NewMetrics(reg), Log: log,
		Decider: &engine.Decider{
			Store: store, Book: engine.NewBook(plantest.Starter(t).Writing(t).Rules(t)), Mirror: engine.NewMirror(), Wall: wall,
			Metrics: engine.NewMetrics(reg), Log: log,
		},
	}
	return r
}

// The rig stands between the writer and the connector and notes what leaves.

func (r *rig) Changes(ctx context.Context, p []connectors.Poll) ([]connectors.Page, error) {
	return r.crm.Changes(ctx, p)
}

func (r *rig) Read(ctx context.Context, k connectors.Kind, ids, fields []string) ([]connectors.Object, error) {
	return r.crm.Read(ctx, k, ids, fields)
}

func (r *rig) Apply(ctx context.Context, ws []connectors.Write) ([]connectors.Result, error) {
	for _, w := range ws {
		r.sent = append(r.sent, w.Key)
	}
	return r.crm.Apply(ctx, ws)
}

func (r *rig) Find(ctx context.Context, ws []connectors.Write) ([]connectors.Ref, error) {
	return r.crm.Find(ctx, ws)
}

func (r *rig) Exact(k connectors.Kind) bool { return r.crm.Exact(k) }

func (r *rig) Binned(_ context.Context, ws []connectors.Write) ([]connectors.Ref, error) {
	refs := make([]connectors.Ref, len(ws))
	for n, w := range ws {
		if id := r.crm.bin[w.Key]; id != "" {
			refs[n] = connectors.Ref{Conn: w.Ref.Conn, Kind: w.Ref.Kind, ID: id}
		}
	}
	return refs, nil
}

func done(ws []connectors.Write) []connectors.Result {
	out := make([]connectors.Result, len(ws))
	for n, w := range ws {
		out[n] = connectors.Result{Key: w.Key, Ref: w.Ref}
		if w.Creates() {
			out[n].Ref.ID = "new-" + w.Key
		}
	}
	return out
}

func failing(c connectors.Class) func([]connectors.Write) ([]connectors.Result, error) {
	return func(ws []connectors.Write) ([]connectors.Result, error) {
		out := make([]connectors.Result, len(ws))
		for n, w := range ws {
			out[n] = connectors.Result{Key: w.Key, Ref: w.Ref, Err: &connectors.Error{Class: c, Op: "write", Err: errors.New("no")}}
		}
		return out, nil
	}
}

func (r *rig) put(is ...state.Intent) {
	r.Helper()
	err := r.store.Update(r.Context(), func(tx state.Tx) error {
		for _, i := range is {
			state.PutIntent(tx, i)
		}
		return tx.Err()
	})
	if err != nil {
		r.Fatal(err)
	}
}

// updated changes the state.
func (r *rig) updated(fn func(tx state.Tx)) {
	r.Helper()
	if err := r.store.Update(r.Context(), func(tx state.Tx) error { fn(tx); return tx.Err() }); err != nil {
		r.Fatal(err)
	}
}

// rounds plays n rounds without waiting.
func (r *rig) rounds(n int) {
	r.Helper()
	for range n {
		if _, err := r.w.round(r.Context()); err != nil {
			r.Fatal(err)
		}
	}
}

// later plays rounds for a while, one a second.
func (r *rig) later(d time.Duration) {
	r.Helper()
	for end := r.now.Add(d); r.now.Before(end); r.now = r.now.Add(time.Second) {
		r.rounds(3)
	}
}

func (r *rig) get(key string) (i state.Intent, ok bool) {
	r.Helper()
	err := r.store.View(r.Context(), func(tx state.Tx) error {
		i, ok = state.GetIntent(tx, key)
		return tx.Err()
	})
	if err != nil {
		r.Fatal(err)
	}
	return i, ok
}

func (r *rig) update(key, id string) state.Intent {
	return state.Intent{
		Handoff: "h", Step: "assign", Dest: "hubspot", State: state.Ready, Due: r.now, Created: r.now, ReadAt: r.now,
		Write: connectors.Write{Key: key, Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Set: map[string]any{"handoff_status": key}},
	}
}

func (r *rig) task(key string) state.Intent {
	i := r.update(key, "")
	i.Step, i.Write.Ref.Kind = "task", connectors.Task
	return i
}

// TestLeftOutUnanswered: what a create left out is told with it, also where its answer
// was lost and later tries only found it there (C2, C15).
func TestLeftOutUnanswered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lost := func(skipped ...string) connectors.Result {
		out := connectors.Result{Skipped: skipped, Err: &connectors.Error{Class: connectors.Ambiguous, Op: "write"}}
		if len(skipped) > 0 {
			out.Refused = "one task is enough"
		}
		return out
	}
	i := r.task("a")
	for _, answer := range []connectors.Result{lost("link:companies"), lost()} {
		i = r.w.judge(i, answer, r.now).entry
	}
	got := r.w.judge(i, connectors.Result{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "5"}}, r.now).delivered
	if !slices.Equal(got.Skipped, []string{"link:companies"}) || got.Refused != "one task is enough" {
		t.Errorf("left out %q, because %q", got.Skipped, got.Refused)
	}
	got = r.w.judge(r.task("b"), connectors.Result{Ref: i.Write.Ref, Skipped: []string{"hs_task_type"}}, r.now).delivered
	if !slices.Equal(got.Skipped, []string{"hs_task_type"}) || got.Refused != "" {
		t.Errorf("left out %q, because %q", got.Skipped, got.Refused)
	}
}

// TestJudge: what every class means for an update and for a create (C1, C2, C15, C16).
func TestJudge(t *testing.T) {
	t.Parallel()
	type fate struct {
		Kept     bool
		State    state.IntentState
		Told     bool
		Attempts int
	}
	for class, want := range map[connectors.Class][2]fate{
		connectors.Throttled:   {{true, state.Ready, false, 0}, {true, state.Ready, false, 0}},
		connectors.AuthBroken:  {{true, state.Ready, false, 0}, {true, state.Ready, false, 0}},
		connectors.Ambiguous:   {{true, state.Ready, false, 1}, {true, state.Sending, false, 1}},
		connectors.Unavailable: {{true, state.Ready, false, 1}, {true, state.Ready, false, 1}},
		connectors.Schema:      {{true, state.Ready, false, 1}, {true, state.Ready, false, 1}},
		connectors.CursorGone:  {{true, state.Ready, false, 1}, {true, state.Ready, false, 1}},
		connectors.Unknown:     {{true, state.Ready, false, 1}, {true, state.Ready, false, 1}},
		connectors.Conflict:    {{false, state.Ready, true, 0}, {false, state.Sending, true, 0}},
		connectors.NotFound:    {{false, state.Ready, true, 0}, {false, state.Sending, true, 0}},
		connectors.Invalid:     {{true, state.Parked, true, 0}, {true, state.Parked, true, 0}},
		connectors.Denied:      {{true, state.Parked, true, 0}, {true, state.Parked, true, 0}},
	} {
		t.Run(class.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			create := r.task("b")
			create.State = state.Sending
			for n, i := range []state.Intent{r.update("a", "1"), create} {
				o := r.w.judge(i, connectors.Result{Err: &connectors.Error{Class: class, Op: "write"}}, r.now)
				got := fate{o.keep, o.entry.State, o.delivered != nil, o.entry.Attempts}
				if d := cmp.Diff(want[n], got); d != "" {
					t.Errorf("%s (-want +got):\n%s", i.Write.Key, d)
				}
				if o.keep && o.entry.State == state.Ready && !o.entry.Due.After(r.now) {
					t.Errorf("%s is tried again at once", i.Write.Key)
				}
			}
		})
	}
}

// TestUnstamped: where the CRM does not tell since when an owner stands, whatever
// is read of the record next has it looked for who came between (C11).
func TestUnstamped(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		stamp   time.Time
		guarded bool
	}{{}, {guarded: true}, {stamp: time.Date(2026, 3, 2, 9, 0, 5, 0, time.UTC)}} {
		r := newRig(t)
		i := r.update("a", "1")
		i.Write.Set, i.Expect, i.Over = map[string]any{"hubspot_owner_id": "7"}, map[string]any{"hubspot_owner_id": nil}, r.now
		o := r.w.judge(i, connectors.Result{Ref: i.Write.Ref, ModifiedAt: tc.stamp, Guarded: tc.guarded}, r.now)
		if _, err := r.w.keep(t.Context(), []outcome{o}, nil); err != nil {
			t.Fatal(err)
		}
		r.look(func(tx state.Tx) {
			echo, known := state.GetEcho(tx, i.Write.Ref)
			switch {
			case tc.guarded && tc.stamp.IsZero():
				if known {
					t.Errorf("guarded: %+v", echo)
				}
			case tc.stamp.IsZero():
				if echo.Owner.Heard || !echo.Owner.At.After(r.now) || echo.Owner.At.After(r.now.Add(time.Second)) || !echo.Owner.Over.Equal(r.now) || !echo.Stamp.IsZero() {
					t.Errorf("without a stamp: %+v", echo)
				}
			case !echo.Owner.At.Equal(tc.stamp) || !echo.Stamp.Equal(tc.stamp):
				t.Errorf("with a stamp: %+v", echo)
			}
		})
	}
}

// TestBlind: a write that rests on no reading of just before may hide under its stamp what
// people have done, where nobody would have told us of it: before everything is polled
// that changed while nobody ran, and where webhooks are lost. That holds until the record
// has been read (P5).
func TestBlind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.w.Gate = &engine.Gate{}
	r.w.Gate.Pass()
	id := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
	for _, step := range []struct {
		name  string
		do    func()
		owner bool
		blind bool
	}{
		{name: "the owner, who was read just before", owner: true},
		{name: "just started", blind: true},
		{name: "all is polled, and the record not read yet", blind: true, do: func() { r.w.Gate.CatchUp() }},
		{name: "the record is read", do: func() {
			r.updated(func(tx state.Tx) { state.PutRecord(tx, state.Record{Ref: id, Version: "9", ModifiedAt: r.now}) })
		}},
		{name: "webhooks are lost", blind: true, do: func() {
			r.updated(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Mirror: true, Deaf: r.now}) })
		}},
	} {
		if step.do != nil {
			step.do()
		}
		i := r.update(step.name, "1")
		if step.owner {
			i.Expect = map[string]any{"hubspot_owner_id": nil}
		}
		r.now = r.now.Add(time.Minute)
		o := r.w.judge(i, connectors.Result{Ref: id, ModifiedAt: r.now}, r.now)
		if _, err := r.w.keep(t.Context(), []outcome{o}, nil); err != nil {
			t.Fatal(err)
		}
		r.look(func(tx state.Tx) {
			if echo, _ := state.GetEcho(tx, id); echo.Blind != step.blind {
				t.Errorf("%s: blind %v", step.name, echo.Blind)
			}
		})
	}
}

// TestDoubtStays: a create that may have come through is as uncertain after a
// later attempt that the CRM refused outright (C2): nobody may take it for
// not done.
func TestDoubtStays(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]connectors.Error{
		"throttled":            {Class: connectors.Throttled},
		"credentials":          {Class: connectors.AuthBroken},
		"unavailable":          {Class: connectors.Unavailable},
		"no task may be made":  {Class: connectors.Denied, RetryAfter: time.Minute},
		"there are no tasks":   {Class: connectors.Schema, RetryAfter: time.Minute},
		"too late for another": {Class: connectors.Unavailable, Err: connectors.ErrTooLate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			i := r.task("a")
			i.State = state.Sending // the answer to the first attempt never came
			r.put(i)
			marked, err := r.w.mark(t.Context(), batch{entries: []state.Intent{i}})
			if err != nil {
				t.Fatal(err)
			}
			o := r.w.judge(marked.entries[0], connectors.Result{Err: &refusal}, r.now)
			if o.entry.State != state.Sending {
				t.Errorf("%s, and it may be there", o.entry.State)
			}
		})
	}
}

// TestNothingLeaves: a pause, observe mode and credentials that have not been
// recognized let nothing out.
func TestNothingLeaves(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(r *rig){
		"pause": func(r *rig) {
			err := r.store.Update(r.Context(), func(tx state.Tx) error {
				state.PutPause(tx, state.Pause{On: true})
				return nil
			})
			if err != nil {
				r.Fatal(err)
			}
		},
		"observe": func(r *rig) { r.w.Decider.Book.Swap(plantest.Starter(r.T).Rules(r.T)) },
		"gate":    func(r *rig) { r.w.Gate = &engine.Gate{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			stop(r)
			r.put(r.update("a", "1"), r.task("b"))
			r.rounds(3)
			if len(r.sent) > 0 {
				t.Errorf("sent %v", r.sent)
			}
		})
	}
}

// TestSpreadOut: each attempt waits longer, up to a quarter of an hour, and those
// that failed at one instant do not come back at one (C16).
func TestSpreadOut(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for attempts := 1; attempts <= mostAttempts; attempts++ {
		least := min(time.Second<<attempts, 15*time.Minute)
		waits := map[time.Duration]bool{}
		for n := range 100 {
			d := backoff(state.Intent{Attempts: attempts, Write: connectors.Write{Key: fmt.Sprint("k", n)}})
			if waits[d] = true; d < least || d > least+least/4 {
				t.Errorf("attempt %d waits %s, want %s and up to a quarter more", attempts, d, least)
			}
		}
		if len(waits) < 50 || least <= last {
			t.Errorf("attempt %d: a hundred writes come back at %d instants, after %s", attempts, len(waits), least)
		}
		last = least
	}
}

// TestRankReachesTheCRM: how urgent a write is, its connector hears, for it alone
// knows what is left of the day's calls (C7).
func TestRankReachesTheCRM(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ranks := map[string]int{}
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		for _, w := range ws {
			ranks[w.Key] = w.Rank
		}
		return done(ws), nil
	}
	cool, hot := r.update("cool", "1"), r.update("hot", "2")
	cool.Rank, hot.Rank = 5, 1
	r.put(cool, hot)
	r.rounds(1)
	if d := cmp.Diff(map[string]int{"cool": 5, "hot": 1}, ranks); d != "" {
		t.Error(d)
	}
}

// TestOrder: the most urgent first; a younger change of a record never goes
// out before an older one that was put off, nor comes back under it.
func TestOrder(t *testing.T) {
	t.Parallel()
	t.Run("by rank", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		cool, hot := r.update("cool", "1"), r.update("hot", "2")
		cool.Rank, hot.Rank = 5, 1
		r.put(cool, hot)
		r.rounds(1)
		if d := cmp.Diff([]string{"hot", "cool"}, r.sent); d != "" {
			t.Error(d)
		}
	})
	t.Run("by rank, one record", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		assigned, hastened := r.update("assigned", "1"), r.update("hastened", "1")
		hastened.Created = r.now.Add(time.Millisecond)
		assigned.Rank, hastened.Rank = 5, 1
		r.put(assigned, hastened)
		r.rounds(2)
		if d := cmp.Diff([]string{"assigned", "hastened"}, r.sent); d != "" {
			t.Error(d)
		}
	})
	t.Run("by rank, one record, more than a batch", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.w.Limit = 4 // of which two change something
		assigned, hastened := r.update("assigned", "1"), r.update("hastened", "1")
		hastened.Created = r.now.Add(time.Millisecond)
		assigned.Rank, hastened.Rank = 5, 1
		r.put(assigned, hastened)
		for n := range 3 {
			other := r.update(fmt.Sprint("other", n), fmt.Sprint(10+n))
			other.Rank = 2
			r.put(other)
		}
		r.rounds(3)
		if d := cmp.Diff([]string{"assigned", "other0", "hastened", "other1", "other2"}, r.sent); d != "" {
			t.Error(d)
		}
	})
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprintf("put off, restart %v", restart), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.put(r.update("assigned", "1"), r.update("beside", "2"))
			r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
				out := done(ws)
				if ws[0].Key == "assigned" {
					out[0].Err = &connectors.Error{Class: connectors.Ambiguous, Op: "write"}
				}
				return out, nil
			}
			r.rounds(1)
			r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) { return done(ws), nil }
			r.now = r.now.Add(time.Second)
			r.put(r.update("accepted", "1"))
			if restart {
				r.w.order = order{}
				if err := r.w.takeUp(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r.sent = nil
			r.later(10 * time.Second)
			if d := cmp.Diff([]string{"assigned", "accepted"}, r.sent); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestTakenUp: a change of an owner that an earlier process has left in the outbox may
// have left with it; what only tells may leave once more, and a create says itself
// whether it has left.
func TestTakenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	owner, told, made := r.update("owner", "1"), r.update("told", "2"), r.task("task")
	owner.Expect = map[string]any{"hubspot_owner_id": nil}
	r.put(owner, told, made)
	if err := r.w.takeUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	if err := r.store.View(t.Context(), func(tx state.Tx) error {
		for _, i := range state.AllIntents(tx) {
			got[i.Write.Key] = i.Attempts
		}
		return tx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]int{"owner": 1, "told": 0, "task": 0}, got); d != "" {
		t.Errorf("tried (-want +got):\n%s", d)
	}
}

// TestHalfABatch: as many records are changed in a batch as have room beside their tasks,
// and no task leaves before the change that it tells of.
func TestHalfABatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.w.Limit = 4
	for _, n := range []int{1, 2, 3} {
		i := r.update(fmt.Sprint("owner", n), fmt.Sprint(n))
		i.Handoff = fmt.Sprint("h", n)
		r.put(i)
	}
	for _, n := range []int{3, 2, 1} {
		i := r.task(fmt.Sprint("task", n))
		i.Handoff, i.Due, i.Rank = fmt.Sprint("h", n), r.now, 1
		r.put(i)
	}
	var calls [][]string
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		var keys []string
		for _, w := range ws {
			keys = append(keys, w.Key)
		}
		slices.Sort(keys)
		calls = append(calls, keys)
		return done(ws), nil
	}
	r.rounds(3)
	if d := cmp.Diff([][]string{{"owner1", "owner2", "task1", "task2"}, {"owner3", "task3"}}, calls); d != "" {
		t.Error(d)
	}
}

// TestOrderForgets: what was put off and is over is not remembered.
func TestOrderForgets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(r.update("a", "1"), r.update("b", "2"))
	r.crm.apply = failing(connectors.Throttled)
	r.rounds(1)
	if len(r.w.order.off) != 2 {
		t.Fatalf("put off: %v", r.w.order.off)
	}
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) { return done(ws), nil }
	r.later(2 * time.Minute)
	if len(r.w.order.off) > 0 {
		t.Errorf("remembered: %v", r.w.order.off)
	}
}

// TestPoisonousWrite: one write over which the connector loses its head holds up no
// other, and is put aside in the end.
func TestPoisonousWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crm.find = func(ws []connectors.Write) ([]connectors.Ref, error) { return make([]connectors.Ref, len(ws)), nil }
	made := map[string]int{}
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		for _, w := range ws {
			if w.Key == "poison" {
				panic("nobody thought of this")
			}
		}
		for _, w := range ws {
			made[w.Key]++
		}
		return done(ws), nil
	}
	for n := range 8 {
		r.put(r.task(fmt.Sprint("task", n)), r.update(fmt.Sprint("update", n), fmt.Sprint(n)))
	}
	hangs := r.task("a task of z")
	hangs.Write.After = "z" // it comes before what it hangs on, and no handoff knows it here
	r.put(r.task("poison"), hangs, r.task("z"))
	r.later(10 * time.Minute)
	if len(made) != 17 {
		t.Errorf("%d of 17 left: %v", len(made), made)
	}
	for key, n := range made {
		if n != 1 {
			t.Errorf("%s was sent %d times", key, n)
		}
	}
	if i, ok := r.get("poison"); !ok || i.State != state.Parked {
		t.Errorf("there %v, %s after %d attempts", ok, i.State, i.Attempts)
	}
}

// TestWithdrawnOnItsWay: what is withdrawn while the call lasts stays
// withdrawn, even when the CRM says "later".
func TestWithdrawnOnItsWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(r.update("a", "1"), r.task("b"))
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		err := r.store.Update(r.Context(), func(tx state.Tx) error {
			state.DropIntent(tx, "a")
			state.DropIntent(tx, "b")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return failing(connectors.Throttled)(ws)
	}
	r.rounds(1)
	for _, key := range []string{"a", "b"} {
		if _, ok := r.get(key); ok {
			t.Errorf("%s is back in the outbox", key)
		}
	}
	// Withdrawn after it was taken and before it left.
	b := batch{entries: []state.Intent{r.update("c", "1"), r.task("d")}}
	r.put(r.task("d"))
	marked, err := r.w.mark(t.Context(), b)
	if err != nil || len(marked.entries) != 1 || marked.entries[0].Write.Key != "d" {
		t.Errorf("marked %v, %v; want d alone", marked.entries, err)
	}
}

// TestConnectorLosesItsHead: a panic or half an answer is an ambiguous answer
// to everything, and the process lives.
func TestConnectorLosesItsHead(t *testing.T) {
	t.Parallel()
	for name, apply := range map[string]func([]connectors.Write) ([]connectors.Result, error){
		"panic": func([]connectors.Write) ([]connectors.Result, error) { panic("nobody thought of this") },
		"half":  func(ws []connectors.Write) ([]connectors.Result, error) { return done(ws[:1]), nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.put(r.update("a", "1"), r.task("b"))
			r.crm.apply = apply
			r.rounds(1)
			a, _ := r.get("a")
			b, _ := r.get("b")
			if a.Attempts != 1 || !a.Due.After(r.now) || b.State != state.Sending {
				t.Errorf("a: %+v\nb: %+v", a, b)
			}
		})
	}
}

// TestLeaveAlone: a failure of every row holds the connection, longer each
// time; one locked row does not.
func TestLeaveAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.put(r.update("a", "1"), r.update("b", "2"))
	r.crm.apply = failing(connectors.Unavailable)
	var holds []time.Duration
	for range 3 {
		r.rounds(1)
		holds = append(holds, r.w.hold.Sub(r.now))
		r.now = r.now.Add(time.Hour)
	}
	if d := cmp.Diff([]time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, holds); d != "" {
		t.Error(d)
	}
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		out := done(ws)
		out[0].Err = &connectors.Error{Class: connectors.Unavailable, Op: "write"}
		return out, nil
	}
	r.rounds(1)
	if r.w.hold.After(r.now) {
		t.Error("one row holds the connection")
	}
}

// TestFailuresInARow: only what fails in a row is left alone longer each time. A CRM that
// answers questions may still refuse every write, and one that takes part of a batch has
// answered.
func TestFailuresInARow(t *testing.T) {
	t.Parallel()
	down := func([]string) ([]connectors.Object, error) {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read"}
	}
	up := func(ids []string) (out []connectors.Object, err error) {
		for _, id := range ids {
			out = append(out, connectors.Object{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Version: "2"})
		}
		return out, nil
	}
	partly := func(ws []connectors.Write) ([]connectors.Result, error) {
		out := done(ws)
		out[0].Err = &connectors.Error{Class: connectors.Throttled, Op: "write"}
		return out, nil
	}
	r := newRig(t)
	for n, step := range []struct {
		read  func([]string) ([]connectors.Object, error)
		apply func([]connectors.Write) ([]connectors.Result, error)
		want  time.Duration // that the connection is left alone
	}{
		{down, nil, time.Second},
		{down, nil, 2 * time.Second},
		{up, failing(connectors.Unavailable), time.Second},
		{down, nil, time.Second},
		{up, failing(connectors.Unavailable), 2 * time.Second}, // questions say nothing of writes
		{up, partly, time.Second},
		{up, partly, time.Second},
	} {
		a, b := r.update(fmt.Sprint("a", n), fmt.Sprint(2*n)), r.update(fmt.Sprint("b", n), fmt.Sprint(2*n+1))
		for _, i := range []state.Intent{a, b} {
			i.Expect, i.ReadAt = map[string]any{"hubspot_owner_id": nil}, time.Time{}
			r.put(i)
		}
		r.crm.read, r.crm.apply = step.read, step.apply
		r.rounds(3)
		if got := r.w.hold.Sub(r.now); got != step.want {
			t.Errorf("step %d: left alone for %v, want %v", n, got, step.want)
		}
		r.now = r.now.Add(time.Hour)
	}
}

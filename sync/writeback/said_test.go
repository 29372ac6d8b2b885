package writeback

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// TestStatusIsHeardFirst: what a person may have said otherwise leaves on a reading of just
// before, or under a condition of the CRM's, or on a list's row as long as webhooks tell
// what is newer (C11).
func TestStatusIsHeardFirst(t *testing.T) {
	t.Parallel()
	deaf := func(r *rig) {
		r.updated(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Mirror: true, Deaf: r.now}) })
	}
	for _, test := range []struct {
		name    string
		spoil   func(r *rig, i *state.Intent)
		guarded bool
		reads   int
		version string // under which it leaves
	}{
		{name: "read just before", reads: 0},
		{name: "read a while ago", spoil: func(r *rig, i *state.Intent) { i.ReadAt = r.now.Add(-6 * time.Second) }, reads: 1},
		{name: "never read", spoil: func(_ *rig, i *state.Intent) { i.ReadAt = time.Time{} }, reads: 1},
		{
			name: "under a condition", guarded: true, version: "1",
			spoil: func(r *rig, i *state.Intent) { i.ReadAt, i.Over = r.now.Add(-time.Hour), r.now.Add(-2*time.Hour) },
		},
		{
			name: "read in the second of the last change", guarded: true, reads: 1, version: "2",
			spoil: func(r *rig, i *state.Intent) { i.ReadAt, i.Over = r.now.Add(-time.Hour), r.now.Add(-time.Hour) },
		},
		{
			name: "under a condition, and nobody has told of the last one", guarded: true, reads: 1,
			spoil: func(r *rig, i *state.Intent) {
				i.ReadAt, i.Over = r.now.Add(-time.Hour), r.now.Add(-2*time.Hour)
				deaf(r)
				r.updated(func(tx state.Tx) {
					state.PutEcho(tx, i.Write.Ref, state.Echo{Says: state.Window{Over: i.Over, At: r.now.Add(-time.Minute)}})
				})
			},
		},
		{name: "read just before, in that second", guarded: true, spoil: func(r *rig, i *state.Intent) { i.Over = r.now }},
		{name: "a list's row", spoil: func(_ *rig, i *state.Intent) { i.ReadAt, i.Listed = time.Time{}, true }},
		{
			name: "a list's row that has waited", reads: 1,
			spoil: func(r *rig, i *state.Intent) {
				i.ReadAt, i.Listed, i.Created = time.Time{}, true, r.now.Add(-6*time.Second)
			},
		},
		{
			name: "a list's row, and webhooks get lost", reads: 1,
			spoil: func(r *rig, i *state.Intent) { i.ReadAt, i.Listed = time.Time{}, true; deaf(r) },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			i := r.update("a", "1")
			i.Step, i.Fresh, i.Write.IfVersion = "complete here", true, "1"
			if test.spoil != nil {
				test.spoil(r, &i)
			}
			if test.guarded {
				r.w.Connector = guarded{r}
			}
			r.put(i)
			reads, version := 0, ""
			r.crm.read = func([]string) ([]connectors.Object, error) {
				reads++
				return []connectors.Object{{Ref: i.Write.Ref, Version: "2", ModifiedAt: r.now.Add(-time.Minute)}}, nil
			}
			r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
				version = ws[0].IfVersion
				return done(ws), nil
			}
			r.rounds(4)
			if reads != test.reads || len(r.sent) != 1 || version != test.version {
				t.Errorf("%d reads, sent %v under %q; want %d, one under %q", reads, r.sent, version, test.reads, test.version)
			}
		})
	}
}

// TestUnheardBeforeAnother: where nobody has told of our last status, it is asked who had
// said something else right before it before the next one leaves.
func TestUnheardBeforeAnother(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{true, false} {
		r := newRig(t)
		i := r.update("a", "1")
		i.Step, i.Fresh, i.Handoff, i.ReadAt = "complete here", true, "h", time.Time{}
		r.put(i)
		wrote := state.Window{Over: r.now.Add(-64 * time.Second), At: r.now.Add(-time.Minute)}
		r.updated(func(tx state.Tx) {
			c := state.Conn{Name: "hubspot", Mirror: true}
			if deaf {
				c.Deaf = r.now
			}
			state.PutConn(tx, c)
			state.PutEcho(tx, i.Write.Ref, state.Echo{Says: wrote})
			state.PutHandoff(tx, state.Handoff{ID: "h", Type: "demo_request", Tier: "high_intent", Stage: state.Assigned, Record: i.Write.Ref, Target: i.Write.Ref, Owner: "ana@example.com", Written: wrote.Over})
		})
		r.crm.read = func([]string) ([]connectors.Object, error) {
			return []connectors.Object{{Ref: i.Write.Ref, Version: "2", ModifiedAt: wrote.At, Fields: map[string]any{"handoff_id": "h", "handoff_status": "Assigned"}}}, nil
		}
		r.rounds(3)
		asked := false
		r.look(func(tx state.Tx) {
			for c := range state.InboxRows(tx, "hubspot") {
				asked = asked || c.Via == "reread" && c.Ref == i.Write.Ref
			}
		})
		if asked != deaf || len(r.sent) > 0 == deaf {
			t.Errorf("deaf %v: it is asked about %v, and sent %v", deaf, asked, r.sent)
		}
	}
}

// history answers what a field has held, or does not.
type history struct {
	*rig
	down bool
	past connectors.FieldValue
}

func (h history) Trail(_ context.Context, _ connectors.Kind, ids []string, _ string, _ time.Time) (map[string][]connectors.FieldValue, error) {
	if h.down {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "history"}
	}
	return map[string][]connectors.FieldValue{ids[0]: {h.past}}, nil
}

// TestUnheardIsNoEnd: what nobody has told of holds up the next status for some seconds at
// most, where the history does not answer, and where it is not caught up with a CRM yet.
func TestUnheardIsNoEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		down, deaf, caughtUp bool
		reads                int // at most
	}{
		"no history":     {down: true, deaf: true, caughtUp: true, reads: mostAttempts + 1},
		"not caught up":  {reads: 2},
		"all in order":   {caughtUp: true, reads: 1},
		"nobody tells":   {deaf: true, caughtUp: true, reads: 2},
		"neither at all": {down: true, reads: mostAttempts + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, gate := newRig(t), &engine.Gate{}
				gate.Pass()
				if tc.caughtUp {
					gate.CatchUp()
				}
				wrote := state.Window{Over: r.now.Add(-64 * time.Second), At: r.now.Add(-time.Minute)}
				h := history{r, tc.down, connectors.FieldValue{Value: "Assigned", At: wrote.At, Actor: connectors.ActorSelf}}
				r.w.Gate, r.w.Connector = gate, h
				lane := &engine.Lane{
					Decider: r.w.Decider, Group: []string{"hubspot"}, Conns: map[string]connectors.Connector{"hubspot": h}, Gates: map[string]*engine.Gate{"hubspot": gate},
					Bell: engine.NewBell(), Log: slog.New(slog.DiscardHandler),
				}
				r.w.Decider.Lanes = engine.Bells{lane.Bell}
				i := r.update("a", "1")
				i.Step, i.Fresh, i.Handoff, i.ReadAt = "complete here", true, "h", time.Time{}
				r.put(i)
				r.updated(func(tx state.Tx) {
					c := state.Conn{Name: "hubspot", Mirror: true}
					if tc.deaf {
						c.Deaf = r.now
					}
					state.PutConn(tx, c)
					state.PutEcho(tx, i.Write.Ref, state.Echo{Says: wrote})
					state.PutHandoff(tx, state.Handoff{ID: "h", Type: "demo_request", Tier: "high_intent", Stage: state.Assigned, Record: i.Write.Ref, Target: i.Write.Ref, Owner: "ana@example.com", Written: wrote.Over})
				})
				reads := 0
				r.crm.read = func([]string) ([]connectors.Object, error) {
					reads++
					return []connectors.Object{{Ref: i.Write.Ref, Version: "2", ModifiedAt: wrote.At, Fields: map[string]any{"handoff_id": "h", "handoff_status": "Assigned"}}}, nil
				}
				for end := r.now.Add(time.Minute); r.now.Before(end); r.now = r.now.Add(2 * time.Second) {
					r.rounds(2)
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					_ = lane.Run(ctx)
					cancel()
				}
				if len(r.sent) != 1 || reads > tc.reads {
					t.Errorf("sent %v after %d reads", r.sent, reads)
				}
			})
		})
	}
}

// TestStatusMeetsAChange: where the CRM refuses a status for what has changed, the record
// is read and decided about before it is tried again, and it is given up in the end.
func TestStatusMeetsAChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.w.Connector = guarded{r}
	i := r.update("a", "1")
	i.Step, i.Fresh, i.Write.IfVersion, i.Over = "complete here", true, "1", r.now.Add(-time.Hour)
	r.put(i)
	reads := 0
	r.crm.read = func([]string) ([]connectors.Object, error) {
		reads++
		return []connectors.Object{{Ref: i.Write.Ref, Version: "2", ModifiedAt: r.now.Add(-time.Minute)}}, nil
	}
	r.crm.apply = failing(connectors.Conflict)
	r.later(time.Minute)
	if _, there := r.get("a"); there || reads == 0 || len(r.sent) != reads+1 || reads > mostAttempts {
		t.Errorf("still there %v after %d reads and %d attempts", there, reads, len(r.sent))
	}
}

// TestTickedOffTogether: a task is ticked off in the call that says on the record why.
func TestTickedOffTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.w.Limit = 4
	for _, id := range []string{"1", "2"} {
		change, tick := r.update("completed "+id, id), r.update("ticked off "+id, "task "+id)
		change.Handoff, tick.Handoff = id, id
		tick.Write.Ref.Kind, tick.Write.Links = connectors.Task, []connectors.Ref{change.Write.Ref}
		r.put(change, tick)
	}
	calls := 0
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) { calls++; return done(ws), nil }
	r.rounds(3)
	if calls != 1 || len(r.sent) != 4 {
		t.Errorf("%v in %d calls, want all four in one", r.sent, calls)
	}
}

// TestStatusesBesideAnOwner: an owner keeps its condition beside more statuses than a call
// takes under one.
func TestStatusesBesideAnOwner(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.w.Connector = guarded{r}
	owner := r.update("owner", "1")
	owner.Expect, owner.Over, owner.Write.IfVersion = map[string]any{"hubspot_owner_id": nil}, r.now.Add(-time.Minute), "1"
	r.put(owner)
	for n := range 25 {
		i := r.update(fmt.Sprint("said ", n), fmt.Sprint("of ", n))
		i.Handoff, i.Fresh, i.Over, i.Write.IfVersion = i.Write.Key, true, owner.Over, "1"
		r.put(i)
	}
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) {
		for _, w := range ws {
			if of := w.Key == "owner"; of != (w.IfVersion != "") || of && w.Loose {
				t.Errorf("%s left under %q, loosely %v", w.Key, w.IfVersion, w.Loose)
			}
		}
		return done(ws), nil
	}
	r.rounds(3)
	if len(r.sent) != 26 {
		t.Errorf("sent %v", r.sent)
	}
}

// TestStatusWhileNobodyTells: what a status leaves behind while no webhook tells what people
// do is read again, unless the CRM made sure that nobody came in between.
func TestStatusWhileNobodyTells(t *testing.T) {
	t.Parallel()
	for _, guarded := range []bool{false, true} {
		r := newRig(t)
		r.updated(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Mirror: true, Deaf: r.now}) })
		i := r.update("a", "1")
		i.Step, i.Fresh = "accept", true
		o := r.w.judge(i, connectors.Result{Ref: i.Write.Ref, ModifiedAt: r.now, Guarded: guarded}, r.now)
		if _, err := r.w.keep(t.Context(), []outcome{o}, nil); err != nil {
			t.Fatal(err)
		}
		r.look(func(tx state.Tx) {
			if e, _ := state.GetEcho(tx, i.Write.Ref); e.Blind == guarded {
				t.Errorf("guarded %v, blind %v", guarded, e.Blind)
			}
		})
	}
}

// TestNotTickedOffBefore: a task is not ticked off while what says on the record why waits.
func TestNotTickedOffBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	change, tick := r.update("completed", "1"), r.update("ticked off", "task 1")
	change.Due = r.now.Add(10 * time.Second)
	tick.Write.Ref.Kind, tick.Write.Links = connectors.Task, []connectors.Ref{change.Write.Ref}
	r.updated(func(tx state.Tx) {
		state.PutHandoff(tx, state.Handoff{ID: "h", Effects: map[string]state.Effect{"complete": {Key: "completed", Ref: change.Write.Ref, State: "sent"}}})
	})
	r.put(change, tick)
	calls := 0
	r.crm.apply = func(ws []connectors.Write) ([]connectors.Result, error) { calls++; return done(ws), nil }
	r.rounds(4)
	if len(r.sent) > 0 {
		t.Fatalf("%v left at once", r.sent)
	}
	r.later(15 * time.Second)
	if calls != 1 || len(r.sent) != 2 {
		t.Errorf("%v in %d calls, want both in one", r.sent, calls)
	}
}

package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// deadline is an open handoff of a HubSpot contact whose time to accept has run
// out just now.
func (r *rig) deadline(gate *Gate) {
	r.Helper()
	gate.Pass()
	gate.CatchUp()
	r.lane.Gates = map[string]*Gate{"hubspot": gate}
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
	r.update(func(tx state.Tx) {
		state.PutHandoff(tx, state.Handoff{ID: "h", Stage: state.Assigned, Record: ref, Target: ref})
		state.SetTimer(tx, state.Timer{ID: "late", Handoff: "h", Clock: "accept", Due: r.now})
	})
}

// TestUnheard: a deadline waits until what people did before it has been polled,
// asks for that poll, and speaks after 25 s all the same (1.93).
func TestUnheard(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		read   time.Duration // from the deadline to what has been polled
		later  time.Duration
		silent bool
	}{
		{"not yet", -time.Minute, 24 * time.Second, true},
		{"once it is read", 0, time.Second, false},
		{"in vain", -time.Minute, longestAwaited, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, gate := newRig(t), &Gate{Early: NewBell()}
			r.deadline(gate)
			due := r.now
			r.round()
			if len(r.timers()) == 0 {
				t.Fatal("it spoke before anything was read")
			}
			if d := cmp.Diff([]connectors.Kind{connectors.Activity}, gate.Wanted()); d != "" || len(gate.Early) == 0 {
				t.Fatalf("%d rings, asked for %s", len(gate.Early), d)
			}
			if rest := r.lane.rest(t.Context(), r.now); rest > longestAwaited {
				t.Errorf("sleeps %s", rest)
			}
			gate.Read(connectors.Activity, due.Add(tc.read))
			r.now = due.Add(tc.later)
			r.round()
			if silent := len(r.timers()) > 0; silent != tc.silent {
				t.Errorf("%s after it: silent %v, want %v", tc.later, silent, tc.silent)
			}
		})
	}
}

// late is a store beside which a poll ends while a round looks at it.
type late struct {
	state.Store
	poll func()
}

func (s late) View(ctx context.Context, f func(tx state.Tx) error) error {
	return s.Store.View(ctx, func(tx state.Tx) error {
		s.poll()
		return f(tx)
	})
}

// TestUnheardMeanwhile: a poll that ends while a round looks at the inbox has
// brought what that round does not see: the deadline speaks in the next (1.93).
func TestUnheardMeanwhile(t *testing.T) {
	t.Parallel()
	r, gate := newRig(t), &Gate{}
	r.deadline(gate)
	due, store := r.now, r.lane.Decider.Store
	r.lane.Decider.Store = late{store, func() { gate.Read(connectors.Activity, due) }}
	r.round()
	if len(r.timers()) == 0 {
		t.Fatal("it spoke without what the poll had brought")
	}
	if len(gate.Wanted()) > 0 || len(r.lane.Bell) == 0 {
		t.Errorf("asked for %v once more, %d rings for another round", gate.Wanted(), len(r.lane.Bell))
	}
	r.lane.Decider.Store = store
	r.round()
	if len(r.timers()) > 0 {
		t.Error("all is read, and it is silent")
	}
}

// TestUnheardOnce: what was waited for in vain holds up no further deadline until it
// has been read again.
func TestUnheardOnce(t *testing.T) {
	t.Parallel()
	r, gate := newRig(t), &Gate{}
	r.deadline(gate)
	r.round()
	r.now = r.now.Add(longestAwaited)
	r.round()
	again := func() bool {
		r.update(func(tx state.Tx) {
			state.SetTimer(tx, state.Timer{ID: "next", Handoff: "h", Clock: "first_touch", Due: r.now})
		})
		r.round()
		return len(r.timers()) > 0
	}
	if again() {
		t.Error("the next one waits as well")
	}
	gate.Read(connectors.Activity, r.now)
	r.now = r.now.Add(time.Minute)
	if !again() {
		t.Error("it has been read since, and nobody waits for it")
	}
}

// TestUnheardBacklog: where more was polled than a round takes, a deadline waits for
// the rest.
func TestUnheardBacklog(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{"just due": 0, "due while nobody ran": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backlog(t, late)
		})
	}
}

// backlog is a process that has just begun, with more in its inbox than a round
// takes and a deadline that has passed for a while.
func backlog(t *testing.T, late time.Duration) {
	r, gate := newRig(t), &Gate{}
	r.lane.Limit = 2
	r.deadline(gate)
	r.now = r.now.Add(late)
	r.begin()
	gate.Read(connectors.Activity, r.now)
	for _, id := range []string{"2", "3", "4"} {
		o := r.object("hubspot", id)
		r.hear("hubspot", id, r.now, &o)
	}
	r.round()
	if len(r.timers()) == 0 {
		t.Fatal("it spoke before all was looked at")
	}
	for range 3 {
		r.round()
	}
	if left := r.timers(); len(left) > 0 {
		t.Errorf("%v did not speak", left)
	}
}

// TestDeaf: a poll that shows our write of an owner half a minute after it, and no
// webhook having told of it, is a webhook that was missed. Of a write whose stamp
// the CRM has not told nobody can say how old it is.
func TestDeaf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stamped, heard bool
		age, later     time.Duration // of the write when a poll shows it, and how long after that it is looked at again
		toldLater      bool
		bare           bool // the poll brings no record along
		deaf           bool
	}{
		"missed":                      {stamped: true, age: time.Minute, deaf: true},
		"told":                        {stamped: true, heard: true, age: time.Minute},
		"just now":                    {stamped: true, age: 10 * time.Second},
		"shown soon, told after that": {stamped: true, age: 10 * time.Second, later: time.Minute, toldLater: true},
		"shown soon, told of nowhere": {stamped: true, age: 10 * time.Second, later: time.Minute, deaf: true},
		"shown soon, and soon after":  {stamped: true, age: 10 * time.Second, later: 10 * time.Second},
		"shown bare, told of nowhere": {stamped: true, age: 10 * time.Second, later: time.Minute, bare: true, deaf: true},
		"unstamped":                   {age: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			o := r.object("hubspot", "1")
			echo := state.Echo{Owner: state.Window{Over: r.now.Add(-tc.age - time.Minute), At: r.now.Add(-tc.age), Heard: tc.heard}}
			if !tc.stamped {
				echo = state.Echo{}.Unstamped(r.now.Add(-tc.age))
			}
			change := connectors.Change{Ref: o.Ref, EventID: "1", At: o.ModifiedAt, Object: &o}
			if tc.bare {
				change.At, change.Object = echo.Owner.At, nil
			}
			r.update(func(tx state.Tx) {
				state.PutEcho(tx, o.Ref, echo)
				state.AppendInbox(tx, state.Change{Change: change, Via: "poll", Came: r.now})
			})
			r.round()
			if tc.toldLater {
				r.update(func(tx state.Tx) {
					echo.Owner.Heard = true
					state.PutEcho(tx, o.Ref, echo)
				})
			}
			if tc.later > 0 {
				r.now = r.now.Add(tc.later)
				r.round()
			}
			r.update(func(tx state.Tx) {
				if c, _ := state.GetConn(tx, "hubspot"); c.Deaf.IsZero() == tc.deaf {
					t.Errorf("deaf since %v, want it to be: %v", c.Deaf, tc.deaf)
				}
			})
		})
	}
}

// TestDeafWhileDown: what a poll shows of our write stays in the inbox while its CRM
// cannot be read. It is said once that a webhook was missed, and the lane rests.
func TestDeafWhileDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read", Err: errors.New("down")}
	}
	ref := r.object("hubspot", "1").Ref
	r.update(func(tx state.Tx) {
		state.PutEcho(tx, ref, state.Echo{Owner: state.Window{Over: r.now.Add(-2 * time.Minute), At: r.now.Add(-time.Minute)}})
		state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: "1", At: r.now}, Via: "poll", Came: r.now})
	})
	for range 3 {
		if !r.round() {
			break
		}
	}
	if r.round() {
		t.Error("the lane does not rest")
	}
	r.update(func(tx state.Tx) {
		if c, _ := state.GetConn(tx, "hubspot"); !c.Deaf.Equal(r.now) {
			t.Errorf("deaf since %v, want %v", c.Deaf, r.now)
		}
	})
}

// TestStatusAskedOnce: where a poll shows our status and no webhook has told of it, the
// CRM is asked once who had said something else right before it; not where one has, or
// the CRM made sure itself, and not by a reading from before our write (C11).
func TestStatusAskedOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		guarded, told bool
		shown         time.Duration // after our write
		asked         int
	}{
		"untold":        {asked: 1},
		"written since": {shown: 30 * time.Second, asked: 1},
		"told":          {told: true},
		"made sure":     {guarded: true},
		"from before":   {shown: -2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			wrote := state.Window{Over: r.now.Add(-64 * time.Second), At: r.now.Add(-time.Minute), Heard: tc.told}
			if tc.guarded {
				wrote.Over = time.Time{}
			}
			o := r.object("hubspot", "1")
			o.ModifiedAt, o.Fields = wrote.At.Add(tc.shown), map[string]any{"handoff_id": "h", "handoff_status": "Assigned"}
			h := &historian{crm: r.crms["hubspot"], past: []connectors.FieldValue{{Value: "Assigned", At: wrote.At, Actor: connectors.ActorSelf}}}
			r.lane.Conns["hubspot"] = h
			r.update(func(tx state.Tx) {
				state.PutHandoff(tx, state.Handoff{ID: "h", Type: "demo_request", Tier: "high_intent", Stage: state.Assigned, Record: o.Ref, Target: o.Ref, Owner: "ana@example.com", Written: wrote.Over.Add(-time.Minute)})
				state.PutEcho(tx, o.Ref, state.Echo{Stamp: wrote.At, Says: wrote})
			})
			for _, event := range []string{"1", "2"} {
				r.update(func(tx state.Tx) {
					state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: o.Ref, EventID: event, At: o.ModifiedAt, Object: &o}, Via: "poll", Came: r.now})
				})
				r.later(10 * time.Second)
			}
			if h.asked != tc.asked {
				t.Errorf("asked %d times, want %d", h.asked, tc.asked)
			}
			if len(r.inbox()) > 0 {
				t.Errorf("%v is left in the inbox", r.inbox())
			}
		})
	}
}

// TestTimerHearsOut: where no webhook can be relied on, the reading for a timer asks who
// had said something else right before our status, as any other does (C11).
func TestTimerHearsOut(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{true, false} {
		r, gate := newRig(t), &Gate{Early: NewBell()}
		h := &historian{crm: r.crms["hubspot"]}
		r.lane.Conns["hubspot"] = h
		ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
		wrote := state.Window{Over: r.now.Add(-64 * time.Second), At: r.now.Add(-time.Minute)}
		r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
			return []connectors.Object{{Ref: ref, Version: "2", ModifiedAt: wrote.At, Fields: map[string]any{"handoff_id": "h", "handoff_status": "Accepted"}}}, nil
		}
		r.deadline(gate)
		r.update(func(tx state.Tx) {
			state.PutHandoff(tx, state.Handoff{ID: "h", Type: "demo_request", Tier: "high_intent", Stage: state.Assigned, Owner: "ana@example.com", Record: ref, Target: ref, Written: wrote.Over})
			c := state.Conn{Name: "hubspot", Tenant: "hubspot", Live: r.now.Add(-time.Hour), Mirror: true}
			if deaf {
				c.Deaf = r.now
			}
			state.PutConn(tx, c)
			state.PutEcho(tx, ref, state.Echo{Says: wrote})
		})
		gate.Read(connectors.Activity, r.now.Add(time.Minute))
		gate.Read("contacts", r.now.Add(time.Minute))
		r.now = r.now.Add(10 * time.Second)
		r.round()
		r.round()
		if read := len(r.crms["hubspot"].reads); read == 0 || h.asked > 0 != deaf {
			t.Errorf("deaf %v: %d readings, the history asked %d times", deaf, read, h.asked)
		}
	}
}

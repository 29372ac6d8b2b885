package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// When a lane turns, and when it rests: it neither goes round without getting
// anywhere nor sleeps over what could be done.

// turns plays until nothing is left to do, a minute or a hundred rounds at most, each
// of which takes its time, and returns how many there were.
func (r *rig) turns(left func() bool) (rounds int) {
	r.Helper()
	for end := r.now.Add(time.Minute); left() && r.now.Before(end) && rounds < 100; rounds++ {
		if r.round() {
			r.now = r.now.Add(50 * time.Millisecond)
			continue
		}
		r.now = r.now.Add(r.lane.rest(r.Context(), r.now))
	}
	return rounds
}

// down has HubSpot fail every read, after a while.
func (r *rig) down(after time.Duration) {
	r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
		r.now = r.now.Add(after)
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read", Err: errors.New("down")}
	}
}

// TestDeadlinesAndInbox: more deadlines than a round takes leave room for what people
// did before them.
func TestDeadlinesAndInbox(t *testing.T) {
	t.Parallel()
	r, gate := newRig(t), &Gate{}
	r.lane.Limit = 3
	gate.Pass()
	gate.CatchUp()
	r.lane.Gates = map[string]*Gate{"hubspot": gate}
	r.now = r.now.Add(time.Minute)
	r.update(func(tx state.Tx) {
		for n := range 3 {
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: fmt.Sprint(n)}
			state.PutHandoff(tx, state.Handoff{ID: ref.ID, Stage: state.Assigned, Record: ref, Target: ref})
			state.SetTimer(tx, state.Timer{ID: ref.ID, Handoff: ref.ID, Clock: "accept", Due: r.now})
		}
	})
	gate.Read(connectors.Activity, r.now)
	o := r.object("hubspot", "buyer")
	r.hear("hubspot", "buyer", r.now, &o)
	if n := r.turns(func() bool { return len(r.timers())+len(r.inbox()) > 0 }); n > 5 || len(r.timers())+len(r.inbox()) > 0 {
		t.Errorf("after %d rounds: silent %v, in the inbox %v", n, r.timers(), r.inbox())
	}
}

// TestObserveWithAFullOutbox: nothing leaves while handoffd observes, and what is due
// since before stops no deciding.
func TestObserveWithAFullOutbox(t *testing.T) {
	t.Parallel()
	for _, observes := range []bool{false, true} {
		r := newRig(t)
		r.lane.MaxOutbox = 1
		if observes {
			r.lane.Decider.Book = NewBook(plantest.Starter(t).Rules(t))
		}
		r.update(func(tx state.Tx) {
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "8"}
			state.PutIntent(tx, state.Intent{Dest: "hubspot", State: state.Ready, Due: r.now, Created: r.now, Write: connectors.Write{Key: "k", Ref: ref}})
		})
		r.hear("hubspot", "1", r.now, nil)
		r.turns(func() bool { return len(r.inbox()) > 0 })
		if waits := len(r.inbox()) > 0; waits == observes {
			t.Errorf("observes %v: a row waits: %v", observes, waits)
		}
	}
}

// TestCameAhead: a row that came under a clock that ran ahead, and that has to wait, is
// looked at no more often than others (L8).
func TestCameAhead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.update(func(tx state.Tx) {
		for _, name := range r.lane.Group {
			state.PutConn(tx, state.Conn{Name: name, Tenant: name, Live: r.now.Add(-time.Hour)}) // not all accounts have been read
		}
	})
	r.crms["hubspot"].read = func(ids []string) ([]connectors.Object, error) {
		out := r.objects("hubspot", ids)
		for n := range out {
			out[n].Fields = map[string]any{"email": "ana@acme.example", "recent_conversion_event_name": "Site: Demo request", "recent_conversion_date": r.now.Format(time.RFC3339)}
		}
		return out, nil
	}
	r.now = r.now.Add(time.Hour)
	r.hear("hubspot", "1", r.now, nil)
	r.now = r.now.Add(-time.Hour)
	if n := r.turns(func() bool { return true }); n > 20 {
		t.Errorf("%d rounds in a minute, %d reads", n, len(r.crms["hubspot"].reads))
	}
}

// TestDueMeanwhile: a deadline that falls due while a round waits for a CRM that then
// fails is looked at next.
func TestDueMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.down(15 * time.Second)
	ref := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "1"}
	r.update(func(tx state.Tx) {
		state.PutHandoff(tx, state.Handoff{ID: "h", Stage: state.Assigned, Record: ref, Target: ref})
		state.SetTimer(tx, state.Timer{ID: "late", Handoff: "h", Clock: "accept", Due: r.now.Add(time.Second)})
	})
	r.hear("hubspot", "1", r.now, nil)
	r.round()
	if got := r.lane.rest(t.Context(), r.now); got > time.Millisecond {
		t.Errorf("a deadline is 14 s overdue, and the lane sleeps %s", got)
	}
}

// TestBehindTheDown: more hints than a round takes, about a CRM that is down, hold up
// neither what came along with its row nor the other CRM.
func TestBehindTheDown(t *testing.T) {
	t.Parallel()
	for _, conn := range []string{"hubspot", "salesforce"} {
		t.Run(conn, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.lane.Limit = 2
			r.down(time.Second)
			for n := range 3 {
				r.hear("hubspot", fmt.Sprint(n), r.now, nil)
			}
			r.later(3 * time.Minute)
			if until := r.lane.hold[batch{"hubspot", ""}].until; until.After(r.now) {
				r.now = until // the hints are taken first
			}
			o := r.object(conn, "buyer")
			r.update(func(tx state.Tx) {
				state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: o.Ref, EventID: "poll", At: r.now, Object: &o}, Via: "poll", Came: r.now, Rank: 1})
			})
			begun := r.now
			r.turns(func() bool { return slices.Contains(r.inbox(), "buyer") })
			if late := r.now.Sub(begun); late > 15*time.Second {
				t.Errorf("decided about after %s", late)
			}
		})
	}
}

// TestHeldKind: hints of a kind that may not be read hide no row of another, however
// many they are (C6).
func TestHeldKind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
		return nil, &connectors.Error{Class: connectors.Denied, Op: "read", Err: errors.New("the scope is missing")}
	}
	r.update(func(tx state.Tx) {
		for n := range mostPassed + 300 {
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: fmt.Sprint(n)}
			state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: ref.ID, At: r.now}, Via: "webhook", Came: r.now})
		}
		o := connectors.Object{Ref: connectors.Ref{Conn: "hubspot", Kind: "companies", ID: "acme"}, Version: "1", ModifiedAt: r.now, Fields: map[string]any{"name": "Acme"}}
		state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: o.Ref, EventID: "poll", At: r.now, Object: &o}, Via: "poll", Came: r.now, Rank: 1})
	})
	r.later(3 * time.Minute)
	if slices.Contains(r.inbox(), "acme") {
		t.Error("the company that came along with its row waits behind hints about contacts")
	}
}

// knowing is a CRM that answers at once: nobody holds the value.
type knowing struct {
	*crm
	late int // asked when there was no time left
}

func (k *knowing) Locate(ctx context.Context, qs []connectors.Question, _ map[connectors.Kind][]string) ([][]connectors.Object, error) {
	if ctx.Err() != nil {
		k.late++
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "locate", Err: ctx.Err()}
	}
	return make([][]connectors.Object, len(qs)), nil
}

// TestHangingAlone: while one CRM hangs, the other is not asked when the time is over,
// and blamed for it.
func TestHangingAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lane.Decider.Wall = time.Now
		start := time.Now()
		other := &knowing{crm: r.crms["salesforce"]}
		r.lane.Conns["hubspot"], r.lane.Conns["salesforce"] = hanging{r.crms["hubspot"]}, other
		buyer := connectors.Object{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}, Version: "1", ModifiedAt: start, CreatedAt: start, Fields: map[string]any{
			"email": "ana@acme.example", "lastname": "Abel", "recent_conversion_event_name": "Pricing: Contact sales", "recent_conversion_date": start.Format(time.RFC3339),
		}}
		r.update(func(tx state.Tx) {
			for _, c := range r.lane.Group {
				state.PutConn(tx, state.Conn{Name: c, Tenant: c, Live: start.Add(-time.Hour), Mirror: true})
			}
			for n := range 60 {
				ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: fmt.Sprint(100 + n)}
				state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: ref.ID, At: start}, Via: "webhook", Came: start})
			}
			state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: buyer.Ref, EventID: "buyer", At: start, Object: &buyer}, Via: "poll", Came: start, Rank: 1})
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.lane.Run(ctx) }()
		time.Sleep(2 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if other.late > 0 || slices.Contains(r.inbox(), "1") {
			t.Errorf("asked %d times when there was no time left; the buyer waits: %v", other.late, slices.Contains(r.inbox(), "1"))
		}
	})
}

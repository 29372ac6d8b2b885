package engine

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// crm is a connector that answers what the test says, and counts.
type crm struct {
	read  func(ids []string) ([]connectors.Object, error)
	reads [][]string
}

func (c *crm) Changes(context.Context, []connectors.Poll) ([]connectors.Page, error) { return nil, nil }

func (c *crm) Apply(context.Context, []connectors.Write) ([]connectors.Result, error) {
	return nil, nil
}

func (c *crm) Read(_ context.Context, _ connectors.Kind, ids, _ []string) ([]connectors.Object, error) {
	c.reads = append(c.reads, slices.Clone(ids))
	return c.read(ids)
}

// rig is a lane on a real state file, with a clock of its own.
type rig struct {
	*testing.T
	lane  *Lane
	store *bolt.Store
	crms  map[string]*crm
	now   time.Time
	seq   int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r := &rig{T: t, store: store, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), crms: map[string]*crm{}}
	log := slog.New(slog.DiscardHandler)
	conns := map[string]connectors.Connector{}
	for _, name := range []string{"hubspot", "salesforce"} {
		r.crms[name] = &crm{read: func(ids []string) ([]connectors.Object, error) { return r.objects(name, ids), nil }}
		conns[name] = r.crms[name]
	}
	r.lane = &Lane{
		Decider: &Decider{
			Store: store, Book: NewBook(plantest.Starter(t).Writing(t).Rules(t)), Mirror: NewMirror(), Wall: func() time.Time { return r.now },
			Metrics: NewMetrics(prometheus.NewRegistry()), Log: log,
		},
		Group: []string{"hubspot", "salesforce"}, Conns: conns, Bell: NewBell(), Log: log,
	}
	r.update(func(tx state.Tx) {
		for name := range conns {
			state.PutConn(tx, state.Conn{Name: name, Tenant: name, Live: r.now.Add(-time.Hour), Mirror: true})
		}
	})
	r.begin()
	return r
}

// begin is what Run does before its first round.
func (r *rig) begin() {
	r.Helper()
	r.lane.hold, r.lane.waiting = map[batch]pause{}, map[connectors.Ref]wait{}
	if err := r.lane.begin(r.Context()); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) update(fn func(tx state.Tx)) {
	r.Helper()
	if err := r.store.Update(r.Context(), func(tx state.Tx) error { fn(tx); return tx.Err() }); err != nil {
		r.Fatal(err)
	}
}

func kindOf(conn string) connectors.Kind {
	if conn == "hubspot" {
		return "contacts"
	}
	return "Lead"
}

func (r *rig) object(conn, id string) connectors.Object {
	return connectors.Object{
		Ref: connectors.Ref{Conn: conn, Kind: kindOf(conn), ID: id}, Version: r.now.Format(time.RFC3339), ModifiedAt: r.now,
	}
}

func (r *rig) objects(conn string, ids []string) (out []connectors.Object) {
	for _, id := range ids {
		out = append(out, r.object(conn, id))
	}
	return out
}

// hear puts hints into the inbox; with an object where one is given.
func (r *rig) hear(conn, id string, at time.Time, o *connectors.Object) {
	r.Helper()
	r.seq++
	r.update(func(tx state.Tx) {
		state.AppendInbox(tx, state.Change{
			Change: connectors.Change{
				Ref: connectors.Ref{Conn: conn, Kind: kindOf(conn), ID: id}, EventID: fmt.Sprint(r.seq), At: at, Object: o,
			}, Via: "webhook", Came: r.now,
		})
	})
}

// inbox is the ids that wait.
func (r *rig) inbox() (ids []string) {
	r.Helper()
	r.update(func(tx state.Tx) {
		ids = nil
		for _, conn := range r.lane.Group {
			for c := range state.InboxRows(tx, conn) {
				ids = append(ids, c.Ref.ID)
			}
		}
	})
	return ids
}

func (r *rig) listed(list string) (subjects []string) {
	r.Helper()
	r.update(func(tx state.Tx) {
		subjects = nil
		for _, l := range state.AllListings(tx) {
			if l.List == list {
				subjects = append(subjects, l.Subject)
			}
		}
	})
	return subjects
}

// timers is the ids of those that have not spoken.
func (r *rig) timers() (ids []string) {
	r.Helper()
	r.update(func(tx state.Tx) {
		ids = nil
		for t := range state.TimersUntil(tx, r.now) {
			ids = append(ids, t.ID)
		}
	})
	return ids
}

func (r *rig) round() bool {
	r.Helper()
	worked, err := r.lane.round(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return worked
}

// later plays a while as Run does: rounds, and rests in between.
func (r *rig) later(d time.Duration) {
	r.Helper()
	for end := r.now.Add(d); r.now.Before(end); {
		if !r.round() {
			r.now = r.now.Add(min(max(r.lane.rest(r.Context(), r.now), time.Millisecond), end.Sub(r.now)))
		}
	}
}

// TestOneRound: hints of one record are one read, and one that brings nothing
// new is not read at all.
func TestOneRound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.hear("hubspot", "1", r.now, nil)
	r.hear("hubspot", "1", r.now.Add(time.Second), nil)
	r.hear("hubspot", "2", r.now, nil)
	if !r.round() || r.round() {
		t.Error("the first round works and the second rests")
	}
	r.hear("hubspot", "1", r.now.Add(-time.Second), nil)
	r.round()
	if d := cmp.Diff([][]string{{"1", "2"}}, r.crms["hubspot"].reads); d != "" || len(r.inbox()) > 0 {
		t.Errorf("%s; in the inbox: %v", d, r.inbox())
	}
}

// TestNewerHint: a record that came along is read all the same where another
// row speaks of a later change.
func TestNewerHint(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.object("hubspot", "1")
	r.hear("hubspot", "1", r.now, &o)
	r.round()
	if n := len(r.crms["hubspot"].reads); n != 0 {
		t.Errorf("%d reads of a record that came along", n)
	}
	r.now = r.now.Add(time.Minute)
	o = r.object("hubspot", "1")
	r.hear("hubspot", "1", r.now, &o)
	r.hear("hubspot", "1", r.now.Add(time.Second), nil)
	r.round()
	if n := len(r.crms["hubspot"].reads); n != 1 {
		t.Errorf("%d reads; the later change was taken for known", n)
	}
}

// TestGoneMeanwhile: what a poll brought along of a record that is known to be
// gone may be older than its deletion, so the CRM is asked: it is back only
// where it says so (C9).
func TestGoneMeanwhile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	along := r.object("hubspot", "1")
	r.update(func(tx state.Tx) { state.PutRecord(tx, state.Record{Ref: along.Ref, Noun: "person", Deleted: true}) })
	r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
		return []connectors.Object{{Ref: along.Ref, Deleted: true}}, nil
	}
	r.hear("hubspot", "1", r.now, &along)
	r.round()
	var rec state.Record
	r.update(func(tx state.Tx) { rec, _ = state.GetRecord(tx, along.Ref) })
	if n := len(r.crms["hubspot"].reads); n != 1 || !rec.Deleted || len(r.inbox()) > 0 {
		t.Errorf("%d reads, deleted %t, in the inbox %v", n, rec.Deleted, r.inbox())
	}
}

// TestSilence: a record the CRM says nothing about is asked for a few times
// and then put aside where the admin sees it.
func TestSilence(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crms["hubspot"].read = func(ids []string) ([]connectors.Object, error) {
		return r.objects("hubspot", slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "404" })), nil
	}
	r.hear("hubspot", "404", r.now, nil)
	r.hear("hubspot", "1", r.now, nil)
	r.later(10 * time.Minute)
	if len(r.inbox()) > 0 || len(r.crms["hubspot"].reads) != mostSilences {
		t.Errorf("in the inbox: %v, %d reads", r.inbox(), len(r.crms["hubspot"].reads))
	}
	if d := cmp.Diff([]string{"hubspot/contacts/404"}, r.listed("quarantined")); d != "" {
		t.Error(d)
	}
}

// TestReadInPart: what could be read of a batch is decided, and what could not is asked
// for again as long as it takes: that it failed says nothing about it (C1).
func TestReadInPart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crms["hubspot"].read = func(ids []string) ([]connectors.Object, error) {
		read := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "2" })
		if len(read) == len(ids) {
			return r.objects("hubspot", ids), nil
		}
		return r.objects("hubspot", read), &connectors.Error{Class: connectors.Unavailable, Op: "read"}
	}
	r.hear("hubspot", "1", r.now, nil)
	r.hear("hubspot", "2", r.now, nil)
	r.round()
	if d := cmp.Diff([]string{"2"}, r.inbox()); d != "" || r.lane.held("hubspot", "contacts", r.now) {
		t.Errorf("after one round, held %v: %s", r.lane.held("hubspot", "contacts", r.now), d)
	}
	for range 2 * mostSilences { // beside others that can be read
		r.hear("hubspot", "1", r.now, nil)
		r.later(longestWaiting)
	}
	if d := cmp.Diff([]string{"2"}, r.inbox()); d != "" || len(r.listed("quarantined")) > 0 {
		t.Errorf("after many, put aside %v: %s", r.listed("quarantined"), d)
	}
	if n := len(r.crms["hubspot"].reads); n > 6*mostSilences {
		t.Errorf("%d reads in %s", n, 2*mostSilences*longestWaiting)
	}
	r.crms["hubspot"].read = func(ids []string) ([]connectors.Object, error) { return r.objects("hubspot", ids), nil }
	r.later(longestPause)
	if len(r.inbox()) > 0 {
		t.Errorf("left in the inbox: %v", r.inbox())
	}
}

// TestPoison: one record that makes the CRM, or the connector, refuse the
// whole batch does not hold up the others, at a bounded cost.
func TestPoison(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"refused": func() error { return &connectors.Error{Class: connectors.Invalid, Op: "read"} },
		"panic":   func() error { panic("nobody thought of this") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.crms["hubspot"].read = func(ids []string) ([]connectors.Object, error) {
				if slices.Contains(ids, "113") {
					return nil, fail()
				}
				return r.objects("hubspot", ids), nil
			}
			for n := range defaultLimit {
				r.hear("hubspot", fmt.Sprint(100+n), r.now, nil)
			}
			r.round()
			if d := cmp.Diff([]string{"113"}, r.inbox()); d != "" {
				t.Errorf("left in the inbox: %s", d)
			}
			if n := len(r.crms["hubspot"].reads); n > mostCalls {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestDown: a CRM that is down is asked less and less often, one kind that is
// denied is no reason to leave the connection alone, and the other connection
// goes on (C6).
func TestDown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	up := r.crms["hubspot"].read
	r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read"}
	}
	r.hear("hubspot", "1", r.now, nil)
	r.hear("salesforce", "2", r.now, nil)
	r.later(10 * time.Minute)
	if n := len(r.crms["hubspot"].reads); n < 5 || n > 20 {
		t.Errorf("%d reads in ten minutes", n)
	}
	if d := cmp.Diff([]string{"1"}, r.inbox()); d != "" {
		t.Error(d)
	}
	r.crms["hubspot"].read = up
	r.later(longestPause)
	if len(r.inbox()) > 0 || len(r.lane.hold) > 0 {
		t.Errorf("in the inbox: %v, hold: %v", r.inbox(), r.lane.hold)
	}
	r.lane.failed("hubspot", "deals", "read deals", &connectors.Error{Class: connectors.Denied, Op: "read"})
	if !r.lane.held("hubspot", "deals", r.now) || r.lane.held("hubspot", "contacts", r.now) {
		t.Error("what one kind is denied counts for all, or for none")
	}
}

// TestTurns: a connection with a long queue does not keep the others out.
func TestTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.lane.Limit = 2
	for n := range 10 {
		r.hear("hubspot", fmt.Sprint(n), r.now, nil)
	}
	r.hear("salesforce", "late", r.now, nil)
	r.round()
	r.round()
	if slices.Contains(r.inbox(), "late") {
		t.Errorf("still waiting after two rounds: %v", r.inbox())
	}
}

// TestFull: writes of one connection that pile up stop its own changes, not
// those of others nor what writeback itself waits for; a pause stops neither.
func TestFull(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.lane.MaxOutbox = 2
	r.update(func(tx state.Tx) {
		for n := range 3 {
			state.PutIntent(tx, state.Intent{Dest: "salesforce", State: state.Ready, Due: r.now, Write: connectors.Write{Key: fmt.Sprint(n)}})
		}
	})
	r.hear("salesforce", "1", r.now, nil)
	r.hear("hubspot", "2", r.now, nil)
	for n, via := range []string{"reread", state.ViaAnswer, "reread"} {
		r.update(func(tx state.Tx) {
			ref := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: fmt.Sprint(3 + n)}
			state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: via + ref.ID}, Via: via, Came: r.now, Rank: 9 * (n / 2)})
		})
	}
	r.round()
	if d := cmp.Diff([]string{"1", "5"}, r.inbox()); d != "" { // the last is the daily look
		t.Error(d)
	}
	if d := r.lane.rest(t.Context(), r.now); d > whileFull {
		t.Errorf("rests %s while writeback drains", d)
	}
	r.update(func(tx state.Tx) { state.PutPause(tx, state.Pause{On: true}) })
	r.round()
	if len(r.inbox()) > 0 {
		t.Errorf("paused, and %v waits", r.inbox())
	}
}

// TestGate: nothing is read with credentials that nobody has recognized.
func TestGate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gate := &Gate{}
	r.lane.Gates = map[string]*Gate{"hubspot": gate}
	r.hear("hubspot", "1", r.now, nil)
	r.round()
	if len(r.crms["hubspot"].reads) > 0 {
		t.Error("read through a shut gate")
	}
	gate.Pass()
	r.round()
	if len(r.inbox()) > 0 {
		t.Error("not read through an open gate")
	}
}

// TestCaughtUp: a deadline that passed while nobody ran speaks once what people
// did meanwhile has been read, and after twenty seconds all the same (1.96).
func TestCaughtUp(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]bool{"once it is read": true, "in vain": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			gate := &Gate{}
			gate.Pass()
			r.lane.Gates = map[string]*Gate{"hubspot": gate}
			r.update(func(tx state.Tx) {
				state.SetTimer(tx, state.Timer{ID: "late", Record: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}, Clock: "agree", Due: r.now.Add(-time.Hour)})
			})
			r.begin()
			r.round()
			if len(r.timers()) == 0 {
				t.Fatal("it spoke before anything was read")
			}
			if read {
				gate.CatchUp()
			} else {
				r.now = r.now.Add(openWithin)
			}
			r.round()
			if left := r.timers(); len(left) > 0 {
				t.Errorf("%v did not speak", left)
			}
		})
	}
}

// TestQuarantine: an event that cannot be decided leaves the inbox and is
// listed in one transaction (I10).
func TestQuarantine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.lane.Decider.Mirror = nil // deciding about a signal panics
	o := r.object("hubspot", "1")
	o.Fields = map[string]any{"email": "dana@acme.example", "intent_signal": "Demo request", "recent_conversion_date": r.now.Format(time.RFC3339), "recent_conversion_event_name": "Pricing: Demo request"}
	o.CreatedAt = r.now
	r.hear("hubspot", "1", r.now, &o)
	verdicts, err := r.lane.Decider.Decide(t.Context(), nil, []Ask{{
		Event: plan.Fired{Timer: state.Timer{ID: "t", Handoff: "none"}},
	}})
	if err != nil || verdicts[0].Panic != "" {
		t.Fatal(verdicts, err)
	}
	r.round()
	if len(r.inbox()) > 0 {
		t.Errorf("in the inbox: %v", r.inbox())
	}
	if d := cmp.Diff([]string{"hubspot/contacts/1"}, r.listed("quarantined")); d != "" {
		t.Error(d)
	}
}

// TestTimers: a timer without a handoff hides none to come, and speaks of
// nothing; after the clock was moved none speaks for a tick (L8).
func TestTimers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := state.Handoff{ID: "h", Stage: state.Assigned, Record: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}}
	r.update(func(tx state.Tx) {
		state.PutHandoff(tx, h)
		state.SetTimer(tx, state.Timer{ID: "stray", Handoff: "gone", Due: r.now.Add(-time.Hour)})
		state.SetTimer(tx, state.Timer{ID: "next", Handoff: "h", Clock: "observe", Due: r.now.Add(7 * time.Second)})
	})
	if r.round() {
		t.Error("a timer without a handoff is work")
	}
	if d := r.lane.rest(t.Context(), r.now); d != 7*time.Second {
		t.Errorf("rests %s, the next timer is due in 7 s", d)
	}
	r.now = r.now.Add(8 * time.Second)
	if err := r.lane.moved(t.Context(), 8*time.Second); err != nil {
		t.Fatal(err)
	}
	if r.round() {
		t.Error("a timer spoke in the tick after the clock was moved")
	}
	r.now = r.now.Add(clockTick)
	if !r.round() || len(r.crms["hubspot"].reads) != 1 {
		t.Errorf("reads before it spoke: %v", r.crms["hubspot"].reads)
	}
	r.update(func(tx state.Tx) {
		if got, _ := state.GetHandoff(tx, "h"); got.Stage != state.Cancelled {
			t.Errorf("stage %s", got.Stage)
		}
	})
	if r.round() {
		t.Error("it speaks again")
	}
}

// die plays until a killer is looked at, being read or decided about; what the
// lane noted is what a process that died there would have left.
func (r *rig) die(id string, deciding bool) {
	r.Helper()
	for range 200 {
		before := len(r.crms["hubspot"].reads)
		died, err := r.lane.roundUntil(r.Context(), func(ids []string) bool { return slices.Contains(ids, id) })
		if err != nil {
			r.Fatal(err)
		}
		if died {
			if deciding {
				if err := r.lane.decides(r.Context(), true); err != nil {
					r.Fatal(err)
				}
			}
			r.begin()
			return
		}
		if len(r.crms["hubspot"].reads) == before {
			r.now = r.now.Add(time.Second)
		}
	}
	r.Fatal("the killer was never looked at")
}

// TestTrialJudges: a suspect is put aside at the third death where it died while
// it was decided about, at the fifth where it was only read; and whom a storm of
// kills met in hand now and then is not (I10).
func TestTrialJudges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deciding []bool // the deaths
		guilty   bool
	}{
		"it kills while it is decided about":     {[]bool{true, true, true}, true},
		"two deaths are not enough":              {[]bool{true, true}, false},
		"it kills while it is read":              {[]bool{false, false, false, false, false}, true},
		"killed thrice while the CRM was asked":  {[]bool{false, false, false}, false},
		"killed four times while it was asked":   {[]bool{false, false, false, false}, false},
		"read before, and then decided about it": {[]bool{false, false, true}, true},
	} {
		r := newRig(t)
		for _, id := range []string{"5", "6", "7"} {
			r.hear("hubspot", id, r.now, nil)
		}
		began := r.now
		for _, deciding := range c.deciding {
			r.die("6", deciding)
		}
		if guilty := len(r.listed("quarantined")) > 0; guilty != c.guilty {
			t.Errorf("%s: put aside: %v", name, guilty)
		}
		if took := r.now.Sub(began); len(c.deciding) == 5 && took < 3*setAside {
			t.Errorf("%s: condemned within %v", name, took)
		}
		r.later(4 * setAside)
		if len(r.inbox()) > 0 || r.lane.trial.on {
			t.Errorf("%s: in the inbox %v, on trial still: %v", name, r.inbox(), r.lane.trial.on)
		}
	}
}

// TestTrialAsleep: who could not be read, because the CRM is down, is not in hand
// while the lane sleeps, however often the process is killed meanwhile (I10).
func TestTrialAsleep(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	read := r.crms["hubspot"].read
	r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) {
		return nil, &connectors.Error{Class: connectors.Unavailable}
	}
	r.hear("hubspot", "6", r.now, nil)
	for range 8 {
		r.begin()
		r.later(3 * setAside)
	}
	if got := r.listed("quarantined"); len(got) > 0 || len(r.lane.trial.Suspects) > 0 {
		t.Errorf("put aside: %v, suspect: %v", got, r.lane.trial.Suspects)
	}
	r.crms["hubspot"].read = read
	r.later(3 * setAside)
	if len(r.inbox()) > 0 {
		t.Errorf("left in the inbox: %v", r.inbox())
	}
}

// TestTrial: what kills the process again and again is put aside, and what was
// beside it is not (I10).
func TestTrial(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, id := range []string{"5", "6", "7"} {
		r.hear("hubspot", id, r.now, nil)
	}
	for range 3 {
		r.die("6", true)
	}
	if d := cmp.Diff([]string{"hubspot/contacts/6"}, r.listed("quarantined")); d != "" {
		t.Error(d)
	}
	r.later(2 * setAside)
	if len(r.inbox()) > 0 || r.lane.trial.on {
		t.Errorf("in the inbox: %v, on trial still: %v", r.inbox(), r.lane.trial.on)
	}
	reads := func() string { return fmt.Sprint(r.crms["hubspot"].reads) }
	r.hear("hubspot", "6", r.now, nil)
	r.later(2 * setAside)
	if strings.Contains(reads(), "6") || len(r.inbox()) > 0 {
		t.Errorf("what is condemned was looked at, or stays in the inbox: %s %v", reads(), r.inbox())
	}
	r.update(func(tx state.Tx) { state.DropAside(tx, "hubspot/contacts/6") }) // as `queue retry` does
	r.hear("hubspot", "6", r.now, nil)
	r.later(2 * setAside)
	if !strings.Contains(reads(), "[6]") {
		t.Errorf("what an operator lets be tried again was not read: %s", reads())
	}
	if err := r.lane.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.begin()
	if r.lane.trial.on {
		t.Error("a clean end counts as a death")
	}
}

// TestTrialWaits: what killed the process is not forgotten while its connection
// cannot be read yet, neither before anything is suspect nor when it is the
// suspect's turn (I10).
func TestTrialWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gate := &Gate{}
	r.lane.Gates = map[string]*Gate{"hubspot": gate}
	r.hear("hubspot", "6", r.now, nil)
	r.begin() // the second life: all that is known is that the first one died
	r.later(3 * setAside)
	if !r.lane.trial.on {
		t.Fatal("the trial is over before anything could be looked at")
	}
	gate.Pass()
	if _, err := r.lane.roundUntil(t.Context(), func([]string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	r.begin() // the third: it has a suspect, which cannot be read at once
	r.lane.Gates = map[string]*Gate{"hubspot": {}}
	r.later(3 * setAside)
	if d := cmp.Diff(map[string]int{"hubspot/contacts/6": 1}, r.lane.trial.Suspects); d != "" {
		t.Error(d)
	}
	r.lane.Gates = nil
	r.later(3 * setAside)
	if r.lane.trial.on || len(r.inbox()) > 0 {
		t.Errorf("it was looked at and harmed nobody; on trial still: %v, in the inbox: %v", r.lane.trial.on, r.inbox())
	}
}

// TestTrialOfMany: after a storm of kills the suspects are tried by the batch,
// and a buyer who comes meanwhile is not kept waiting for them.
func TestTrialOfMany(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	suspects := map[string]int{}
	for n := range 10 * carefulLimit {
		id := strconv.Itoa(1000 + n)
		r.hear("hubspot", id, r.now, nil)
		suspects["hubspot/contacts/"+id] = 1
	}
	r.update(func(tx state.Tx) {
		state.PutTrial(tx, r.lane.name(), state.Trial{Running: true, Suspects: suspects})
	})
	r.begin()
	r.now = r.now.Add(2 * setAside)
	r.hear("hubspot", "5", r.now, nil)
	for range 2 {
		r.round()
	}
	if reads := fmt.Sprint(r.crms["hubspot"].reads); !strings.Contains(reads, "[5]") {
		t.Errorf("the new buyer was not read within two rounds: %s", reads)
	}
	for range 3 * carefulLimit {
		r.round()
	}
	if left := len(r.inbox()); left > 0 || len(r.lane.trial.Suspects) > 0 {
		t.Errorf("%d rows and %d suspects are left", left, len(r.lane.trial.Suspects))
	}
}

// TestTrialOfTheGone: suspects that nothing asks for any more do not put off
// the trial of the others.
func TestTrialOfTheGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	suspects := map[string]int{"hubspot/contacts/1": 1, "hubspot/contacts/2": 1}
	for n := range 3 * carefulLimit {
		id := strconv.Itoa(1000 + n)
		r.hear("hubspot", id, r.now, nil)
		suspects["hubspot/contacts/"+id] = 1
	}
	r.update(func(tx state.Tx) {
		state.PutTrial(tx, r.lane.name(), state.Trial{Running: true, Suspects: suspects})
	})
	r.begin()
	r.now = r.now.Add(2 * setAside)
	for range 12 {
		r.round()
	}
	if left := len(r.inbox()); left > 0 || len(r.lane.trial.Suspects) > 0 {
		t.Errorf("%d rows and %d suspects are left", left, len(r.lane.trial.Suspects))
	}
}

// roundUntil is a round that ends, as the process would, before it looks at a
// batch that deadly names.
func (l *Lane) roundUntil(ctx context.Context, deadly func(ids []string) bool) (bool, error) {
	now := l.Decider.Wall()
	l.trial.next(now)
	w, err := l.take(ctx, now)
	if err != nil {
		return false, err
	}
	if err := l.note(ctx, &w); err != nil {
		return false, err
	}
	var ids []string
	for _, it := range w.items {
		ids = append(ids, it.ref.ID)
	}
	if deadly(ids) {
		return true, nil
	}
	l.hydrate(ctx, &w, now)
	_, err = l.decide(ctx, ctx, w.drop(now), w.observed(now))
	return false, err
}

// TestStop: a lane that is told to stop ends cleanly, whatever it was doing.
func TestStop(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	read := r.crms["hubspot"].read
	r.crms["hubspot"].read = func(ids []string) ([]connectors.Object, error) {
		stop()
		return read(ids)
	}
	r.hear("hubspot", "1", r.now, nil)
	if err := r.lane.Run(ctx); err != nil {
		t.Fatal(err)
	}
	r.begin()
	if r.lane.trial.on {
		t.Error("a stop counts as a death")
	}
}

// TestCountedBeforeUs: a call that was logged between our reading and our own write
// shows only under our own stamp. Where a handoff waits for one, a poll that brings
// no more than the stamp has the record read, and once; and so where nobody had told us
// what people did when we wrote (1.78, P5).
func TestCountedBeforeUs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		via     string
		touched bool
		blind   bool
		reads   int
	}{
		{"waits for a call", "poll", false, false, 1},
		{"has seen one", "poll", true, false, 0},
		{"has seen one, and we wrote blindly", "poll", true, true, 1},
		{"a webhook tells of our write", "webhook", false, true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
			h := state.Handoff{ID: "h", Stage: state.Accepted, Record: ref, Target: ref, Written: r.now}
			if tc.touched {
				h.TouchedAt = r.now
			}
			r.update(func(tx state.Tx) {
				state.PutHandoff(tx, h)
				state.PutEcho(tx, ref, state.Echo{Stamp: r.now, Blind: tc.blind})
			})
			for n := range 2 {
				r.update(func(tx state.Tx) {
					state.AppendInbox(tx, state.Change{
						Change: connectors.Change{Ref: ref, EventID: fmt.Sprint("count", n), At: r.now}, Via: tc.via, Came: r.now,
					})
				})
				r.round()
			}
			if got := len(r.crms["hubspot"].reads); got != tc.reads {
				t.Errorf("%d reads, want %d", got, tc.reads)
			}
			if left := r.inbox(); len(left) > 0 {
				t.Errorf("in the inbox: %v", left)
			}
		})
	}
}

// TestLooksGoFirst: what somebody may have lost to a write of ours is read before anything
// else and beside the deadlines, and takes half a round at most (C11).
func TestLooksGoFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.lane.Limit, r.lane.turn = 4, 1 // the next round has time for deadlines only
	r.update(func(tx state.Tx) {
		state.PutHandoff(tx, state.Handoff{ID: "h", Stage: state.Assigned, Record: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "due"}})
		state.SetTimer(tx, state.Timer{ID: "next", Handoff: "h", Clock: "observe", Due: r.now})
	})
	for _, id := range []string{"1", "2", "3", "4"} {
		r.hear("hubspot", id, r.now, nil)
	}
	for _, id := range []string{"5", "6", "7"} {
		ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}
		r.update(func(tx state.Tx) {
			state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: "over " + id}, Via: state.ViaAnswer, Came: r.now, Rank: state.FirstRank})
		})
	}
	r.round()
	r.round()
	want := [][]string{{"5", "6", "due"}, {"7", "1", "2", "3"}}
	if d := cmp.Diff(want, r.crms["hubspot"].reads); d != "" {
		t.Error(d)
	}
}

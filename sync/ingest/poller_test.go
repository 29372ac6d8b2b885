package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
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
	tenant  string
	users   func() ([]connectors.User, error)
	page    func(p connectors.Poll) connectors.Page
	changes func() error
	polls   []string // "15s contacts": when what was asked for, since the start
	now     func() time.Duration
}

func (c *crm) Changes(_ context.Context, polls []connectors.Poll) ([]connectors.Page, error) {
	var pages []connectors.Page
	for _, p := range polls {
		c.polls = append(c.polls, fmt.Sprint(c.now(), " ", p.Kind))
		pages = append(pages, c.page(p))
	}
	if c.changes != nil {
		return pages, c.changes()
	}
	return pages, nil
}

func (c *crm) Read(context.Context, connectors.Kind, []string, []string) ([]connectors.Object, error) {
	return nil, nil
}

func (c *crm) Apply(context.Context, []connectors.Write) ([]connectors.Result, error) {
	return nil, nil
}

func (c *crm) Tenant(context.Context) (string, error) { return c.tenant, nil }

func (c *crm) Users(context.Context) ([]connectors.User, error) { return c.users() }

func (c *crm) Describe(context.Context, []connectors.Kind) (map[connectors.Kind]connectors.KindSchema, error) {
	return nil, nil
}

// rig is a poller on a real state file, with a clock of its own.
type rig struct {
	*testing.T
	p     *Poller
	crm   *crm
	store *bolt.Store
	start time.Time
	now   time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r := &rig{T: t, store: store, start: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	r.now = r.start
	r.crm = &crm{
		tenant: "12345", now: func() time.Duration { return r.now.Sub(r.start) },
		users: func() ([]connectors.User, error) {
			return []connectors.User{{ID: "1", Email: "ana@example.com", Active: true}}, nil
		},
		page: func(p connectors.Poll) connectors.Page {
			return connectors.Page{Kind: p.Kind, Next: connectors.Cursor{From: r.now}}
		},
	}
	r.p = &Poller{
		Conn: "hubspot", Connector: r.crm, Store: store, Book: engine.NewBook(plantest.Starter(t).Rules(t)), Mirror: engine.NewMirror(),
		Lanes: engine.NewBells(1), Outbox: engine.NewBell(), Gate: &engine.Gate{}, Wall: func() time.Time { return r.now },
		Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
	}
	r.update(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Live: r.start}) })
	return r
}

func (r *rig) update(fn func(tx state.Tx)) {
	r.Helper()
	if err := r.store.Update(r.Context(), func(tx state.Tx) error { fn(tx); return tx.Err() }); err != nil {
		r.Fatal(err)
	}
}

// later plays a while as Run does, and counts the rounds.
func (r *rig) later(d time.Duration) (rounds int) {
	r.Helper()
	for end := r.now.Add(d); r.now.Before(end) && rounds < 10_000; rounds++ {
		more, err := r.p.round(r.Context())
		if err != nil {
			r.Fatal(err)
		}
		r.now = r.now.Add(max(r.p.rest(more), time.Millisecond))
	}
	return rounds
}

func (r *rig) conn() (c state.Conn) {
	r.Helper()
	r.update(func(tx state.Tx) { c, _ = state.GetConn(tx, "hubspot") })
	return c
}

func (r *rig) cursor(kind connectors.Kind) (c state.Cursor) {
	r.Helper()
	r.update(func(tx state.Tx) { c, _ = state.GetCursor(tx, "hubspot", kind) })
	return c
}

func object(kind connectors.Kind, id string, at time.Time) *connectors.Object {
	return &connectors.Object{
		Ref: connectors.Ref{Conn: "hubspot", Kind: kind, ID: id}, Version: at.Format(time.RFC3339), ModifiedAt: at,
		Fields: map[string]any{"name": "Acme", "domain": "acme.example"},
	}
}

// TestListing: the mirror is listed page by page beside what changes, and is
// complete only when every listing is; what changed waits in the inbox.
func TestListing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.crm.page = func(p connectors.Poll) connectors.Page {
		page := connectors.Page{Kind: p.Kind, Next: connectors.Cursor{From: r.now}}
		switch {
		case p.From.IsZero():
			page.Changes = []connectors.Change{{Ref: connectors.Ref{Kind: p.Kind, ID: "1"}, EventID: "l1", Object: object(p.Kind, "1", r.start)}}
			page.Next, page.More, page.Total = connectors.Cursor{Listing: true, After: "1"}, true, 2
		case p.From.Listing:
			page.Changes = []connectors.Change{{Ref: connectors.Ref{Kind: p.Kind, ID: "2"}, EventID: "l2", Object: object(p.Kind, "2", r.start)}}
			page.Total = 2
		case p.Kind == "contacts":
			page.Changes = []connectors.Change{{Ref: connectors.Ref{Kind: p.Kind, ID: "9"}, EventID: "c", At: r.start}}
		}
		return page
	}
	if more, err := r.p.round(t.Context()); err != nil || !more || r.conn().Mirror {
		t.Fatalf("after one page: more %v, complete %v, %v", more, r.conn().Mirror, err)
	}
	r.later(time.Second)
	if c := r.cursor("companies" + listing); !r.conn().Mirror || !c.Listed || c.Done != 2 || c.Total != 2 {
		t.Errorf("complete %v, cursor %+v", r.conn().Mirror, c)
	}
	followed := 0
	for _, p := range r.crm.polls {
		if strings.HasSuffix(p, " contacts") {
			followed++
		}
	}
	if followed != 1 {
		t.Errorf("what changed was asked for %d times, with every page of the listings", followed)
	}
	n := 0
	r.update(func(tx state.Tx) {
		n = 0
		for c := range state.InboxRows(tx, "hubspot") {
			n++
			if c.Ref.Conn != "hubspot" || c.Ref.ID != "9" {
				t.Errorf("in the inbox: %+v", c)
			}
		}
		if rec, ok := state.GetRecord(tx, connectors.Ref{Conn: "hubspot", Kind: "companies", ID: "2"}); !ok || rec.Fields["name"] != "Acme" {
			t.Errorf("listed record: %+v %v", rec, ok)
		}
	})
	if n != 1 {
		t.Errorf("%d rows for one event polled often", n)
	}
}

// TestNewKind: a kind that the rules have begun to mirror makes the mirror
// incomplete until it is listed.
func TestNewKind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.update(func(tx state.Tx) {
		state.PutConn(tx, state.Conn{Name: "hubspot", Tenant: "12345", Live: r.start, Mirror: true})
	})
	r.crm.page = func(p connectors.Poll) connectors.Page {
		if p.From.IsZero() {
			return connectors.Page{Kind: p.Kind, Next: connectors.Cursor{Listing: true, After: "1"}, More: true}
		}
		return connectors.Page{Kind: p.Kind, Next: connectors.Cursor{From: r.now}}
	}
	if _, err := r.p.round(t.Context()); err != nil || r.conn().Mirror {
		t.Errorf("complete %v after one page of a kind that is new, %v", r.conn().Mirror, err)
	}
	r.later(time.Second)
	if !r.conn().Mirror {
		t.Error("not complete when it has been listed")
	}
}

// TestOneKindDenied: a kind that cannot be read is asked for less and less
// often, the others as often as ever, and the mirror is not complete (C6).
func TestOneKindDenied(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	calm := r.crm.page
	r.crm.page = func(p connectors.Poll) connectors.Page {
		page := calm(p)
		if p.Kind == "companies" {
			page.Err, page.Next = &connectors.Error{Class: connectors.Denied, Op: "poll"}, p.From
		}
		return page
	}
	r.p.Every = 2 * time.Minute
	r.later(time.Hour)
	asked := map[string]int{}
	for _, p := range r.crm.polls {
		_, kind, _ := strings.Cut(p, " ")
		asked[kind]++
	}
	if n := asked["contacts"]; n < 29 || n > 32 {
		t.Errorf("contacts were asked for %d times in an hour, every two minutes", n)
	}
	if n := asked["companies"]; n > 2*70 { // followed and listed, at most once a minute
		t.Errorf("companies were asked for %d times", n)
	}
	if _, troubled := r.p.Metrics.Trouble("hubspot"); !troubled || r.conn().Mirror {
		t.Errorf("troubled %v, complete %v", troubled, r.conn().Mirror)
	}
	r.crm.page = calm
	r.later(5 * time.Minute)
	if _, troubled := r.p.Metrics.Trouble("hubspot"); troubled || !r.conn().Mirror {
		t.Errorf("when it is back: troubled %v, complete %v", troubled, r.conn().Mirror)
	}
}

// TestOutage: a connection that does not answer is asked at most once a
// minute, one that answers with a panic or half likewise.
func TestOutage(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"down":  func() error { return &connectors.Error{Class: connectors.Unavailable, Op: "poll"} },
		"panic": func() error { panic("nobody thought of this") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.crm.changes = fail
			r.later(time.Hour)
			rounds := map[string]bool{}
			for _, p := range r.crm.polls {
				at, _, _ := strings.Cut(p, " ")
				rounds[at] = true
			}
			if n := len(rounds); n < 59 || n > 67 {
				t.Errorf("asked %d times in an hour", n)
			}
		})
	}
}

// TestCursorGone: where the place is gone, the window is read again from its
// start, never from now (I12).
func TestCursorGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	gone := connectors.Cursor{From: r.start.Add(time.Minute), Upper: r.start.Add(2 * time.Minute), After: "17"}
	r.update(func(tx state.Tx) { state.PutCursor(tx, "hubspot", "contacts", state.Cursor{Cursor: gone}) })
	calm := r.crm.page
	r.crm.page = func(p connectors.Poll) connectors.Page {
		page := calm(p)
		if p.From == gone {
			page.Err = &connectors.Error{Class: connectors.CursorGone, Op: "poll"}
		}
		return page
	}
	if _, err := r.p.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(connectors.Cursor{From: gone.From}, r.cursor("contacts").Cursor); d != "" {
		t.Error(d)
	}
}

// TestWindowLeftOpen: a window in which an earlier process has stopped ends with what had
// changed when it was opened. What has changed since is read at once, and before that
// nobody takes the connection for caught up (1.93, P3).
func TestWindowLeftOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	open := connectors.Cursor{From: r.start.Add(-2 * time.Hour), Upper: r.start.Add(-time.Hour), After: "17"}
	r.update(func(tx state.Tx) { state.PutCursor(tx, "hubspot", "contacts", state.Cursor{Cursor: open}) })
	for n, caughtUp := range []bool{false, true} {
		more, err := r.p.round(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now := r.p.rest(more) == 0; now == caughtUp || r.p.Gate.CaughtUp() != caughtUp || r.p.Gate.ReadBy("contacts", r.now) != caughtUp {
			t.Errorf("round %d: the next one at once %v, caught up %v, read to %v", n, now, r.p.Gate.CaughtUp(), r.p.Gate.ReadTo("contacts"))
		}
	}
	if want := []string{"0s contacts", "0s contacts"}; !cmp.Equal(want, slices.DeleteFunc(r.crm.polls, func(p string) bool { return p != want[0] })) {
		t.Errorf("polled %v", r.crm.polls)
	}
}

// TestTenant: the gate opens for the tenant whose state this is, and for no
// other.
func TestTenant(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.update(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Tenant: "777", Live: r.start}) })
	r.later(10 * time.Minute)
	if r.p.Gate.Open() || len(r.crm.polls) > 0 {
		t.Errorf("open %v, polls %v", r.p.Gate.Open(), r.crm.polls)
	}
	r.crm.tenant = "777"
	r.later(2 * time.Minute)
	if !r.p.Gate.Open() || len(r.crm.polls) == 0 || len(r.p.Outbox) == 0 {
		t.Errorf("open %v, %d polls, writer called %v", r.p.Gate.Open(), len(r.crm.polls), len(r.p.Outbox))
	}
}

// TestNothingToRead: where every kind fails by itself, in an outage or for a scope that
// is missing, each is tried again when its own pause is over, and nobody turns in
// between (C1, C6).
func TestNothingToRead(t *testing.T) {
	t.Parallel()
	for name, class := range map[string]connectors.Class{"down": connectors.Unavailable, "denied": connectors.Denied} {
		for _, every := range []time.Duration{30 * time.Second, 2 * time.Minute} {
			t.Run(fmt.Sprint(name, " ", every), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.p.Every = every
				r.later(10 * time.Second)
				r.crm.page = func(p connectors.Poll) connectors.Page {
					return connectors.Page{Kind: p.Kind, Next: p.From, Err: &connectors.Error{Class: class, Op: "poll"}}
				}
				asked := 0
				r.crm.users = func() ([]connectors.User, error) {
					asked++
					return nil, &connectors.Error{Class: class, Op: "users"}
				}
				if n := r.later(time.Hour); n > 600 || asked > 60 {
					t.Errorf("%d rounds in an hour, the users asked for %d times", n, asked)
				}
			})
		}
	}
}

// TestUsers: once we have the users, failing to read them again stops nothing: neither
// polling nor what is done daily nor the forgetting of old events.
func TestUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.later(time.Minute)
	before := len(r.crm.polls)
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "9"}
	old := connectors.Change{Ref: ref, EventID: "e", At: r.now}
	r.update(func(tx state.Tx) {
		state.AppendInbox(tx, state.Change{Change: old, Via: "webhook", Came: r.now})
		state.PutHandoff(tx, state.Handoff{ID: "h", Stage: state.Assigned, Record: ref, Target: ref})
	})
	r.crm.users = func() ([]connectors.User, error) {
		return nil, &connectors.Error{Class: connectors.Denied, Op: "users"}
	}
	r.now = r.now.Add(seenFor + lookEvery)
	r.later(10 * time.Minute)
	if len(r.crm.polls) == before {
		t.Error("polling has stopped")
	}
	looked := false
	r.update(func(tx state.Tx) {
		if state.WasSeen(tx, old) {
			t.Error("old events are remembered")
		}
		for c := range state.InboxRows(tx, "hubspot") {
			looked = looked || c.Via == "reread"
		}
	})
	if !looked {
		t.Error("what is open is not looked at daily any more")
	}
}

// TestWhoIsGoneOwnsNothing: somebody whom the CRM lists no more, or lists as
// inactive, can own nothing from the next look on, and what they have is looked
// at at once (C14).
func TestWhoIsGoneOwnsNothing(t *testing.T) {
	t.Parallel()
	for name, after := range map[string][]connectors.User{
		"listed no more": {},
		"inactive":       {{ID: "u-1", Email: "ana@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			users := []connectors.User{{ID: "u-1", Email: "ana@example.com", Active: true}}
			r.crm.users = func() ([]connectors.User, error) { return users, nil }
			r.later(time.Minute)
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "9"}
			r.update(func(tx state.Tx) {
				if u, _ := state.GetUser(tx, "hubspot", "u-1"); !u.Active {
					t.Fatal("she is not known")
				}
				state.PutHandoff(tx, state.Handoff{ID: "h", Stage: state.Assigned, Owner: "ana@example.com", Record: ref, Target: ref})
			})
			users = after
			r.later(usersEvery + time.Minute)
			looked := false
			r.update(func(tx state.Tx) {
				if u, _ := state.GetUser(tx, "hubspot", "u-1"); u.Active {
					t.Error("she may still own something")
				}
				for c := range state.InboxRows(tx, "hubspot") {
					looked = looked || c.Via == "reread" && c.Ref == ref
				}
			})
			if !looked {
				t.Error("what she has is not looked at")
			}
		})
	}
}

// TestLooksDaily: the records of open handoffs are asked for by id once a day,
// so that one which was deleted is missed though nobody told (I4, C9).
func TestLooksDaily(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}
	r.later(time.Minute)
	r.update(func(tx state.Tx) {
		for id, stage := range map[string]state.Stage{"open": state.Touched, "closed": state.Completed} {
			of := ref
			of.ID += id
			state.PutHandoff(tx, state.Handoff{ID: id, Record: of, Target: of, Stage: stage})
		}
	})
	asked := func() (ids []string) {
		r.update(func(tx state.Tx) {
			for c := range state.InboxRows(tx, "hubspot") {
				if c.Via == "reread" {
					ids = append(ids, c.Ref.ID)
				}
			}
		})
		return ids
	}
	r.now = r.now.Add(lookEvery - time.Hour)
	r.later(10 * time.Minute)
	if got := asked(); len(got) > 0 {
		t.Errorf("asked for %v within a day", got)
	}
	r.now = r.now.Add(2 * time.Hour)
	r.later(10 * time.Minute)
	if diff := cmp.Diff([]string{"51open"}, asked()); diff != "" {
		t.Errorf("after a day (-want +got):\n%s", diff)
	}
}

// TestPrune: events no sender sends again are forgotten, however many there are.
func TestPrune(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old := r.start.Add(-seenFor - time.Hour)
	for n := range 3 {
		r.update(func(tx state.Tx) {
			for i := range pruneBatch {
				state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: connectors.Ref{Conn: "other"}, EventID: fmt.Sprint(n, i), At: old}})
			}
		})
	}
	if _, err := r.p.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.update(func(tx state.Tx) {
		if state.WasSeen(tx, connectors.Change{EventID: "2 7", At: old}) || state.WasSeen(tx, connectors.Change{EventID: "0 0", At: old}) {
			t.Error("old events are remembered")
		}
	})
}

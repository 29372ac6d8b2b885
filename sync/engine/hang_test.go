package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// TestBreachWhileTheCRMHangs: a deadline is told of within a minute, even where
// one CRM keeps its calls open for a minute and a half, hints of both wait by the
// hundred, and the time passes while a round is being read (1.97).
func TestBreachWhileTheCRMHangs(t *testing.T) {
	for _, hangs := range []string{"hubspot", "salesforce"} {
		t.Run(hangs, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.lane.Decider.Wall = time.Now
				r.lane.Conns[hangs] = hanging{r.crms[hangs]}
				start := time.Now()
				r.update(func(tx state.Tx) {
					for conn, kind := range map[string]connectors.Kind{"hubspot": "contacts", "salesforce": "Lead"} {
						for n := range 300 {
							ref := connectors.Ref{Conn: conn, Kind: kind, ID: fmt.Sprint(100 + n)}
							state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: conn + fmt.Sprint(n), At: start}, Via: "webhook", Came: start})
						}
						for n, after := range []time.Duration{3 * time.Second, 40 * time.Second, 100 * time.Second} {
							id := fmt.Sprint(conn, n)
							ref := connectors.Ref{Conn: conn, Kind: kind, ID: fmt.Sprint(n + 1)}
							state.PutHandoff(tx, state.Handoff{
								ID: id, Type: "demo_request", Record: ref, Target: ref, Stage: state.Assigned, Tier: "high_intent",
								Owner: "ana@example.com", Accountable: "ana@example.com", AcceptBy: start.Add(after), Written: start,
							})
							state.SetTimer(tx, state.Timer{ID: id, Handoff: id, Clock: "accept", Step: 1, Due: start.Add(after)})
						}
					}
				})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- r.lane.Run(ctx) }()
				time.Sleep(3 * time.Minute)
				cancel()
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				told := 0
				r.update(func(tx state.Tx) {
					for _, h := range state.AllHandoffs(tx) {
						late, ok := h.Late["accept"]
						if told++; !ok || late.Sub(h.AcceptBy) > time.Minute {
							t.Errorf("%s: due %s, told %s", h.ID, h.AcceptBy.Sub(start), late.Sub(start))
						}
					}
				})
				if told != 6 {
					t.Errorf("%d handoffs", told)
				}
			})
		})
	}
}

// hanging is a CRM that takes a call and never answers it.
type hanging struct{ *crm }

func (hanging) Read(ctx context.Context, _ connectors.Kind, _, _ []string) ([]connectors.Object, error) {
	select {
	case <-ctx.Done():
	case <-time.After(90 * time.Second):
	}
	return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read", Err: context.DeadlineExceeded}
}

// slow is a CRM that takes its time for a read.
type slow struct {
	*crm
	takes time.Duration
	asked map[string]int // how often, by id
}

func (s slow) Read(ctx context.Context, kind connectors.Kind, ids, fields []string) ([]connectors.Object, error) {
	for _, id := range ids {
		s.asked[id]++
	}
	select {
	case <-ctx.Done():
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: "read", Err: ctx.Err()}
	case <-time.After(s.takes):
	}
	return s.crm.Read(ctx, kind, ids, fields)
}

// TestReadBeside: a CRM that is slow, or hangs, holds up nothing but what is about it; a
// slow one is read all the same, each record once, and a deadline that is about records
// of both is told of with both read (1.97).
func TestReadBeside(t *testing.T) {
	for name, c := range map[string]struct {
		hubspot, salesforce time.Duration // what a read takes
		within              time.Duration // until what Salesforce has told is decided
		fresh               bool          // the deadline is told of with all that was read
	}{
		"both answer":     {0, 0, time.Second, true},
		"one hangs":       {time.Hour, 0, 3 * time.Second, false},
		"one is slow":     {4 * time.Second, 0, 3 * time.Second, true},
		"both are slow":   {4 * time.Second, 3 * time.Second, 15 * time.Second, true},
		"not far apart":   {1500 * time.Millisecond, 2500 * time.Millisecond, 15 * time.Second, true},
		"the other hangs": {0, time.Hour, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.lane.Decider.Wall = time.Now
				start := time.Now()
				h := slow{r.crms["hubspot"], c.hubspot, map[string]int{}}
				s := slow{r.crms["salesforce"], c.salesforce, map[string]int{}}
				r.lane.Conns["hubspot"], r.lane.Conns["salesforce"] = h, s
				lead := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
				contact := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
				r.update(func(tx state.Tx) {
					for _, conn := range r.lane.Group {
						state.PutConn(tx, state.Conn{Name: conn, Tenant: conn, Live: start.Add(-time.Hour), Mirror: true, Deaf: start})
						for n := range 150 {
							ref := connectors.Ref{Conn: conn, Kind: kindOf(conn), ID: fmt.Sprint(100 + n)}
							state.AppendInbox(tx, state.Change{Change: connectors.Change{Ref: ref, EventID: ref.String(), At: start}, Via: "webhook", Came: start})
						}
					}
					state.PutHandoff(tx, state.Handoff{
						ID: "h", Type: "demo_request", Record: contact, Target: lead, Stage: state.Assigned, Tier: "high_intent",
						Owner: "ana@example.com", Accountable: "ana@example.com", AcceptBy: start.Add(5 * time.Second), Written: start,
					})
					state.SetTimer(tx, state.Timer{ID: "h", Handoff: "h", Clock: "accept", Step: 1, Due: start.Add(5 * time.Second)})
				})
				if err := r.lane.end(t.Context()); err != nil { // no process has died
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- r.lane.Run(ctx) }()
				time.Sleep(c.within)
				if n := r.waits("salesforce"); n > 0 && c.salesforce < time.Hour {
					t.Errorf("%d of Salesforce are not decided after %s", n, c.within)
				}
				time.Sleep(time.Minute)
				cancel()
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if n := r.waits("hubspot"); n > 0 && c.hubspot < time.Hour {
					t.Errorf("%d of HubSpot are never decided", n)
				}
				for _, crm := range []slow{h, s} {
					for id, n := range crm.asked {
						if crm.takes < time.Hour && n > 2 { // the timer's may be read for each of its steps
							t.Errorf("%s was read %d times", id, n)
						}
					}
				}
				told := false
				r.update(func(tx state.Tx) {
					told = false
					for _, row := range state.AllAudit(tx, 0) {
						if row.Subject == "h" && row.Action == "breached" {
							told = true
							if fresh := row.Detail["seen"] == ""; fresh != c.fresh || row.At.Sub(start) > time.Minute {
								t.Errorf("told after %s, seen %q", row.At.Sub(start), row.Detail["seen"])
							}
						}
					}
				})
				if !told {
					t.Error("nobody was told")
				}
			})
		})
	}
}

// patchy is a CRM that takes its time to read all but one record.
type patchy struct {
	*crm
	takes time.Duration
	not   string
}

func (p patchy) Read(ctx context.Context, kind connectors.Kind, ids, fields []string) ([]connectors.Object, error) {
	time.Sleep(p.takes)
	read := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == p.not })
	objects, err := p.crm.Read(ctx, kind, read, fields)
	if len(read) < len(ids) {
		err = &connectors.Error{Class: connectors.Unavailable, Op: "read"}
	}
	return objects, err
}

// TestNotReadForEver: a deadline whose record cannot be read, while others can, is told of
// without it, and waits no longer than one of a CRM that does not answer at all (1.97).
func TestNotReadForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lane.Decider.Wall = time.Now
		start := time.Now()
		r.lane.Conns["hubspot"] = patchy{r.crms["hubspot"], 6 * time.Second, "1"}
		contact := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "1"}
		due := start.Add(5 * time.Second)
		r.update(func(tx state.Tx) {
			for _, conn := range r.lane.Group {
				state.PutConn(tx, state.Conn{Name: conn, Tenant: conn, Live: start.Add(-time.Hour), Mirror: true, Deaf: start})
			}
			for n := range 90 { // beside others, whose records can be read
				id, by := "h", due
				if n > 0 {
					id, contact.ID, by = fmt.Sprint("h", n), fmt.Sprint(100+n), due.Add(time.Duration(n-1)*time.Second)
				}
				state.PutHandoff(tx, state.Handoff{
					ID: id, Type: "demo_request", Record: contact, Target: contact, Stage: state.Assigned, Tier: "high_intent",
					Owner: "ana@example.com", Accountable: "ana@example.com", AcceptBy: by, Written: start,
				})
				state.SetTimer(tx, state.Timer{ID: id, Handoff: id, Clock: "accept", Step: 1, Due: by})
			}
		})
		if err := r.lane.end(t.Context()); err != nil { // no process has died
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.lane.Run(ctx) }()
		time.Sleep(90 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		told := time.Duration(-1)
		r.update(func(tx state.Tx) {
			for _, row := range state.AllAudit(tx, 0) {
				if row.Subject == "h" && row.Action == "breached" {
					told = row.At.Sub(due)
				}
			}
		})
		if told < 0 || told > longestAwaited+5*time.Second {
			t.Errorf("told %s after it was due", told)
		}
	})
}

// TestReloadBeside: what was being read when other rules came into force is read again by
// those: they may want more of it.
func TestReloadBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.lane.Decider.Wall = time.Now
		h := slow{r.crms["hubspot"], 4 * time.Second, map[string]int{}}
		r.lane.Conns["hubspot"] = h
		r.now = time.Now()
		r.hear("hubspot", "1", r.now, nil)
		if err := r.lane.end(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.lane.Run(ctx) }()
		time.Sleep(2 * time.Second)
		r.lane.Decider.Book.Swap(plantest.Starter(t).Writing(t).Rules(t))
		time.Sleep(30 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := r.waits("hubspot"); n > 0 || h.asked["1"] != 2 {
			t.Errorf("%d wait, read %d times", n, h.asked["1"])
		}
	})
}

// waits is how many rows of a connection are in the inbox.
func (r *rig) waits(conn string) (n int) {
	r.Helper()
	r.update(func(tx state.Tx) {
		n = 0
		for range state.InboxRows(tx, conn) {
			n++
		}
	})
	return n
}

// mute is a CRM that reads, and does not say who holds a value: it takes so long to fail.
type mute struct {
	*crm
	takes time.Duration
	asked *int
}

func (m mute) Locate(ctx context.Context, questions []connectors.Question, _ map[connectors.Kind][]string) ([][]connectors.Object, error) {
	*m.asked++
	select {
	case <-ctx.Done():
	case <-time.After(m.takes):
		if m.takes == 0 {
			return make([][]connectors.Object, len(questions)), nil
		}
	}
	return nil, &connectors.Error{Class: connectors.Unavailable, Op: "locate", Err: context.DeadlineExceeded}
}

// TestPutOff: what looks again for somebody who is free, or for a gate that may open,
// is put off within a minute, in words, where the CRM it lands in does not answer: for
// five minutes each time, and not any more once it does (1.97).
func TestPutOff(t *testing.T) {
	for name, takes := range map[string]time.Duration{"answers": 0, "is down": time.Millisecond, "hangs": time.Hour} {
		for clock, stage := range map[string]state.Stage{"retry": state.Queued, "hold": state.Held} {
			t.Run(clock+", and the other CRM "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t)
					r.lane.Decider.Wall = time.Now
					folder := plantest.Starter(t).Writing(t).Replace(t, "handoffs/demo-request.yaml", "on: hubspot", "deliver_to: salesforce\non: hubspot")
					r.lane.Decider.Book = NewBook(folder.Rules(t))
					asked := 0
					r.lane.Conns["salesforce"] = mute{r.crms["salesforce"], takes, &asked}
					start := time.Now()
					o := r.object("hubspot", "1")
					o.Fields = map[string]any{"email": "dana@acme.example"}
					r.crms["hubspot"].read = func([]string) ([]connectors.Object, error) { return []connectors.Object{o}, nil }
					r.update(func(tx state.Tx) {
						rec, _ := r.lane.Decider.Book.Rules().Normalize(o)
						state.PutRecord(tx, rec)
						state.PutHandoff(tx, state.Handoff{
							ID: "h", Type: "demo_request", Tier: "high_intent", Stage: stage, Record: o.Ref, Target: connectors.Ref{Conn: "salesforce"},
							Accountable: "revops@example.com", Signals: []state.Signal{{At: start}}, HeldAt: start,
						})
						state.SetTimer(tx, state.Timer{ID: "h/" + clock + "/0", Handoff: "h", Clock: clock, Due: start.Add(5 * time.Second)})
					})
					ctx, cancel := context.WithCancel(t.Context())
					done := make(chan error)
					go func() { done <- r.lane.Run(ctx) }()
					time.Sleep(12 * time.Minute)
					cancel()
					if err := <-done; err != nil {
						t.Fatal(err)
					}
					var off []time.Duration
					r.update(func(tx state.Tx) {
						off = nil
						for _, row := range state.AllAudit(tx, 0) {
							if row.Action == "put off" && row.Detail["because"] == "salesforce could not be asked in time" && row.Detail["clock"] == clock {
								off = append(off, row.At.Sub(start))
							}
						}
					})
					slices.Sort(off)
					want := 2
					if takes == 0 {
						want = 0
					}
					due := 5 * time.Second
					for _, at := range off {
						if at < due || at > due+time.Minute {
							t.Errorf("due after %s, put off after %s", due, at)
						}
						due = at + 5*time.Minute
					}
					if len(off) < want || want == 0 && len(off) > 0 || asked == 0 {
						t.Errorf("put off after %s, asked %d times", off, asked)
					}
				})
			})
		}
	}
}

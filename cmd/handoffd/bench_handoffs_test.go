package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// memoryCRM answers reads at once: every id is somebody who has just asked for
// a demo.
type memoryCRM struct {
	form time.Time
	mu   sync.Mutex
	read []string // not yet decided about
}

func (m *memoryCRM) Changes(_ context.Context, polls []connectors.Poll) ([]connectors.Page, error) {
	return make([]connectors.Page, len(polls)), nil
}

func (m *memoryCRM) Apply(context.Context, []connectors.Write) ([]connectors.Result, error) {
	return nil, &connectors.Error{Class: connectors.Denied, Op: "apply"}
}

func (m *memoryCRM) Read(_ context.Context, kind connectors.Kind, ids, _ []string) ([]connectors.Object, error) {
	m.mu.Lock()
	m.read = append(m.read, ids...)
	m.mu.Unlock()
	objects := make([]connectors.Object, len(ids))
	for i, id := range ids {
		objects[i] = connectors.Object{
			Ref: connectors.Ref{Conn: "hubspot", Kind: kind, ID: id}, Version: m.form.Format(time.RFC3339Nano), CreatedAt: m.form, ModifiedAt: m.form,
			Fields: map[string]any{
				"email": "buyer" + id + "@firm" + id + ".example", "firstname": "Dana", "lastname": "Buyer " + id, "company": "Firm " + id, "jobtitle": "CTO",
				"country": "United States", "recent_conversion_event_name": "Pricing: Demo request", "recent_conversion_date": m.form.Format(time.RFC3339),
				"lifecyclestage": "marketingqualifiedlead", "hs_lead_status": "NEW", "primary_business_problem": "Leads wait for days",
			},
		}
	}
	return objects, nil
}

// decidedStore tells when what the lane has read is decided and on disk. Only
// the lane writes through it.
type decidedStore struct {
	state.Store
	crm  *memoryCRM
	done func(id string)
}

func (s decidedStore) Update(ctx context.Context, fn func(state.Tx) error) error {
	if err := s.Store.Update(ctx, fn); err != nil {
		return err
	}
	s.crm.mu.Lock()
	read := s.crm.read
	s.crm.read = nil
	s.crm.mu.Unlock()
	for _, id := range read {
		s.done(id)
	}
	return nil
}

// deciding is a lane alone, between an inbox and a CRM without latency.
type deciding struct {
	b     *testing.B
	store *bolt.Store
	ring  func()
	n     int

	mu   sync.Mutex
	came map[string]time.Time
	took []time.Duration
	all  chan struct{} // told when nothing waits
}

func newDeciding(b *testing.B) *deciding {
	b.Helper()
	store, err := bolt.Open(filepath.Join(b.TempDir(), "handoffd.db"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	d := &deciding{b: b, store: store, came: map[string]time.Time{}, all: make(chan struct{}, 1)}
	crm := &memoryCRM{form: time.Now().UTC().Add(time.Second).Truncate(time.Second)}
	daemon, err := newDaemon(b.Context(), daemonConfig{
		Rules: compiled(b, starterFolder(b), "write"), Store: decidedStore{store, crm, d.done},
		Conns: map[string]connectors.Connector{"hubspot": crm}, Holder: "bench",
	})
	if err != nil {
		b.Fatal(err)
	}
	d.ring = daemon.decider.Lanes.Ring
	d.update(func(tx state.Tx) {
		for _, conn := range []string{"hubspot", "salesforce"} {
			state.PutConn(tx, state.Conn{Name: conn, Tenant: "1", Live: crm.form.Add(-time.Hour), Mirror: true})
			for i := range 1000 {
				state.PutRecord(tx, account(conn, i, crm.form))
			}
			for i, who := range []string{"ana", "ben", "cleo", "morgan", "jo"} {
				state.PutUser(tx, conn, connectors.User{ID: fmt.Sprint(100 + i), Email: who + "@example.com", Active: true})
			}
		}
	})
	if err := daemon.mirror.Fill(b.Context(), store, []string{"hubspot", "salesforce"}); err != nil {
		b.Fatal(err)
	}
	for _, gate := range daemon.lanes[0].Gates {
		gate.Pass() // no poller asks whose records these are
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- daemon.lanes[0].Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		_ = store.Close()
	})
	return d
}

func (d *deciding) update(fn func(tx state.Tx)) {
	d.b.Helper()
	err := d.store.Update(d.b.Context(), func(tx state.Tx) error {
		fn(tx)
		return tx.Err()
	})
	if err != nil {
		d.b.Fatal(err)
	}
}

func (d *deciding) done(id string) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if came, ok := d.came[id]; ok {
		d.took = append(d.took, now.Sub(came))
		delete(d.came, id)
	}
	if len(d.came) == 0 {
		select {
		case d.all <- struct{}{}:
		default:
		}
	}
}

// hint appends hints about n people nobody has heard of and rings the lane.
func (d *deciding) hint(n int) {
	d.b.Helper()
	began := time.Now()
	arrivals := make([]state.Arrival, n)
	d.mu.Lock()
	for i := range arrivals {
		d.n++
		id := fmt.Sprint(1_000_000 + d.n)
		d.came[id] = began
		c := connectors.Change{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, EventID: id, At: began}
		arrivals[i] = state.Arrive(state.Change{Change: c, Via: "webhook", Came: began})
	}
	d.mu.Unlock()
	d.update(func(tx state.Tx) {
		for _, a := range arrivals {
			a.Append(tx)
		}
	})
	d.ring()
}

// written empties the outbox, as a writer would.
func (d *deciding) written() {
	d.b.Helper()
	d.update(func(tx state.Tx) {
		for key := range state.AllIntents(tx) {
			state.DropIntent(tx, key)
		}
	})
}

// check holds that every hint became a handoff.
func (d *deciding) check() {
	d.b.Helper()
	handoffs := 0
	d.update(func(tx state.Tx) {
		for _, h := range state.AllHandoffs(tx) {
			if h.Owner != "" {
				handoffs++
			}
		}
	})
	if handoffs != d.n {
		d.b.Errorf("%d of %d hints became handoffs with an owner", handoffs, d.n)
	}
}

// BenchmarkEventToDecision is the time from before a hint is appended to when
// its decision is on disk, the CRM answering at once: one after the other, and
// 1,000 a second, beside the fsyncs of the same run. The goal is 6 fsyncs' p99
// and 3 ms; of-goal is the p99's share of it.
func BenchmarkEventToDecision(b *testing.B) {
	for _, pace := range []struct {
		name string
		n    int
		wait time.Duration
	}{{"lone", 1, 0}, {"1000-a-second", 10, 10 * time.Millisecond}} {
		b.Run(pace.name, func(b *testing.B) {
			d, y := newDeciding(b), newYardstick(b)
			for b.Loop() {
				for range 20 {
					d.hint(pace.n)
					y.sync(1)
					if pace.wait == 0 {
						<-d.all
					} else {
						time.Sleep(pace.wait)
					}
				}
				if pace.wait > 0 {
					<-d.all
				}
				d.written()
			}
			d.check()
			p99 := quantile(d.took, 0.99)
			b.ReportMetric(quantile(d.took, 0.5), "p50-ms")
			b.ReportMetric(p99, "p99-ms")
			b.ReportMetric(p99/(6*quantile(y.fsync, 0.99)+3), "of-goal")
			y.report(b)
		})
	}
}

// BenchmarkHandoffs hands buyers off from end to end, through the listener,
// both connectors and the simulators' handlers: without HubSpot's limit, and
// under its 190 calls in ten seconds. Beside it the calls each took.
func BenchmarkHandoffs(b *testing.B) {
	const many, unlimited = 1000, 1_000_000
	for _, variant := range variants {
		for _, limit := range []struct {
			name  string
			burst int
		}{{"no-limit", unlimited}, {"190-in-10s", 0}} {
			b.Run(variant+"/"+limit.name, func(b *testing.B) {
				r := newRig(b, limit.burst, time.Second)
				var rates, calls, lone []float64
				refused := 0
				for b.Loop() {
					full := r.handOff(variant, many)
					one := r.handOff(variant, 1)
					rates, calls, lone = append(rates, full.rate), append(calls, full.calls), append(lone, one.calls)
					refused += full.refused + one.refused
				}
				b.ReportMetric(median(rates), "handoffs/s")
				b.ReportMetric(median(calls), "calls/handoff")
				b.ReportMetric(median(lone), "calls-lone")
				b.ReportMetric(float64(refused), "refused")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

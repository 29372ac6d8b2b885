package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/ingest"
	"github.com/handoffd/handoffd/sync/notify"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/writeback"
)

// daemonConfig is what a daemon is made of. The zero values of Wall, Log and
// Registry are the wall clock, silence, and a registry of its own.
type daemonConfig struct {
	Rules     *plan.Rules
	Store     state.Store
	Conns     map[string]connectors.Connector
	Secrets   map[string]connectors.Secret // path secrets of webhooks, by connection
	Signals   map[string]connectors.Secret // of those who post signals, by source
	PublicURL *url.URL
	Room      func() error
	StatePath string // of the state file, for its size; "": not shown
	Wall      func() time.Time
	Log       *slog.Logger
	Registry  *prometheus.Registry
	Holder    string                    // names this process in the lease
	PollEvery time.Duration             // 0: as the rules say
	Channels  map[string]notify.Channel // of `notify:`; one that is missing is not written to
	Heartbeat connectors.Secret         // the address that is called while all is well; "": none

	// Lookup is the environment, for where calendar feeds are; Web carries what
	// goes to neither CRM. Nil: an empty one, the ordinary transport.
	Lookup func(name string) (string, bool)
	Web    http.RoundTripper
}

// daemon is the running whole: intake, lanes, writers.
type daemon struct {
	config   daemonConfig
	book     *engine.Book
	mirror   *engine.Mirror
	decider  *engine.Decider
	lanes    []*engine.Lane
	writers  []*writeback.Writer
	senders  []*notify.Sender
	pollers  []*ingest.Poller
	webhooks *ingest.Webhooks
	signals  *ingest.Signals
	turned   *ingest.Metrics
	failures *engine.Failures
	orders   *engine.Orders
	started  time.Time
	ready    atomic.Bool
	reloads  reloads
	waiting  waiting
	epoch    uint64 // counts the starts of this state
}

// newDaemon wires a daemon. It reads the state and does not talk to a CRM.
func newDaemon(ctx context.Context, c daemonConfig) (*daemon, error) {
	if c.Wall == nil {
		c.Wall = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	d := &daemon{config: c, book: engine.NewBook(c.Rules), mirror: engine.NewMirror(), started: c.Wall()}
	names := slices.Sorted(maps.Keys(c.Conns))
	if err := d.mirror.Fill(ctx, c.Store, names); err != nil {
		return nil, err
	}
	epoch, err := c.Store.Lease(ctx, "writer", c.Holder, time.Minute)
	if err != nil {
		return nil, fmt.Errorf("take the writer's lease: %w", err)
	}
	if err := d.firstStart(ctx, names); err != nil {
		return nil, err
	}
	d.epoch = epoch
	d.wire(names, epoch)
	if err := c.Registry.Register(&gauges{d: d}); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return d, nil
}

// firstStart remembers, once per connection, from when on signals count, and
// keeps the text of the rules for everything that will name them. A
// handoffs_from that is written later can only move that instant forward: what
// lies before it has been looked at already.
func (d *daemon) firstStart(ctx context.Context, names []string) error {
	now := d.config.Wall().UTC()
	err := d.config.Store.Update(ctx, func(tx state.Tx) error {
		for _, conn := range d.config.Rules.Conns() {
			if !slices.Contains(names, conn.Name) {
				continue
			}
			c, _ := state.GetConn(tx, conn.Name)
			first := c.Live.IsZero() || c.Live.After(now) && c.Live != conn.From // under a clock that ran ahead (L8)
			if first {
				// CRMs date a form to the second: one of this second is after the start.
				c.Live = now.Truncate(time.Second)
			}
			if !conn.From.IsZero() && (first || conn.From.After(c.Live)) {
				c.Live = conn.From
			}
			c.Name = conn.Name
			state.PutConn(tx, c)
		}
		keepRules(tx, d.config.Rules, now)
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("prepare the state: %w", err)
	}
	return nil
}

func keepRules(tx state.Tx, r *plan.Rules, now time.Time) {
	if _, ok := state.GetRuleSet(tx, r.Digest()); !ok {
		state.PutRuleSet(tx, state.RuleSet{Digest: r.Digest(), Mode: r.Mode(), At: now, Files: r.Files()})
	}
}

func (d *daemon) wire(names []string, epoch uint64) {
	c := d.config
	engineMetrics := engine.NewMetrics(c.Registry)
	writeMetrics := writeback.NewMetrics(c.Registry)
	d.turned = ingest.NewMetrics(c.Registry)
	d.failures = engine.NewFailures(c.Registry)
	outbox, gates := map[string]engine.Bell{}, map[string]*engine.Gate{}
	for _, name := range names {
		outbox[name], gates[name] = engine.NewBell(), &engine.Gate{Early: engine.NewBell()}
	}
	d.makeSenders(outbox)
	lanes := engine.NewBells(len(c.Rules.Groups()))
	d.decider = &engine.Decider{
		Store: c.Store, Book: d.book, Mirror: d.mirror, Wall: c.Wall, Metrics: engineMetrics, Failures: d.failures,
		Log: c.Log, Outbox: outbox, Lanes: lanes,
	}
	for i, group := range c.Rules.Groups() {
		d.lanes = append(d.lanes, &engine.Lane{
			Decider: d.decider, Group: group, Conns: c.Conns, Gates: gates, Bell: lanes[i], Log: c.Log,
		})
	}
	d.orders = &engine.Orders{Decider: d.decider, Conns: c.Conns, Gates: gates, Log: c.Log}
	sources := map[string]ingest.Source{}
	for _, conn := range c.Rules.Conns() {
		connector, ok := c.Conns[conn.Name]
		if !ok {
			continue
		}
		d.pollers = append(d.pollers, &ingest.Poller{
			Conn: conn.Name, Connector: connector, Store: c.Store, Book: d.book, Mirror: d.mirror,
			Lanes: lanes, Outbox: outbox[conn.Name], Gate: gates[conn.Name],
			Wall: c.Wall, Metrics: d.turned, Failures: d.failures, Log: c.Log, Every: c.PollEvery, Room: c.Room,
		})
		d.writers = append(d.writers, &writeback.Writer{
			Conn: conn.Name, Connector: connector, Decider: d.decider, Bell: outbox[conn.Name], Gate: gates[conn.Name],
			Metrics: writeMetrics, Log: c.Log, Epoch: epoch,
		})
		if receiver, ok := connector.(connectors.Receiver); ok && conn.Webhooks {
			sources[conn.Name] = ingest.Source{Receiver: receiver, PathSecret: c.Secrets[conn.Name]}
		}
	}
	d.webhooks = &ingest.Webhooks{
		Store: c.Store, Room: c.Room, Sources: sources, PublicURL: c.PublicURL, Lanes: lanes,
		Book: d.book, Wall: c.Wall, Metrics: d.turned, Log: c.Log,
	}
	d.signals = &ingest.Signals{
		Store: c.Store, Room: c.Room, Secrets: c.Signals, Lanes: lanes, Book: d.book, Wall: c.Wall, Metrics: d.turned, Log: c.Log,
	}
}

// run works until ctx ends, then finishes what is on its way. The error, if
// any, is one nothing can go on after.
func (d *daemon) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range d.lanes {
		g.Go(func() error { return l.Run(ctx) })
	}
	for _, w := range d.writers {
		g.Go(func() error { return w.Run(ctx) })
	}
	for _, s := range d.senders {
		g.Go(func() error { return s.Run(ctx) })
	}
	if every := d.config.Rules.Heartbeat(); every > 0 && d.config.Heartbeat != "" {
		beat := &notify.Beat{URL: d.config.Heartbeat, Every: every, Healthy: d.healthy, Log: d.config.Log}
		g.Go(func() error { return beat.Run(ctx) })
	}
	for _, p := range d.pollers {
		g.Go(func() error { return p.Run(ctx) })
	}
	feeds := &ingest.Feeds{
		Store: d.config.Store, Book: d.book, Lookup: d.config.Lookup, Transport: d.config.Web, Wall: d.config.Wall, Log: d.config.Log,
	}
	g.Go(func() error { return feeds.Run(ctx) })
	covers := &engine.Covers{Orders: d.orders, Wall: d.config.Wall, Log: d.config.Log}
	g.Go(func() error { return covers.Run(ctx) })
	g.Go(func() error { return d.archive(ctx) })
	if f, ok := d.config.Store.(interface{ Failure(context.Context) error }); ok {
		g.Go(func() error { return f.Failure(ctx) }) // nobody knows what is on disk: stop at once
	}
	d.ready.Store(true)
	err := g.Wait()
	d.ready.Store(false)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

const (
	archiveEvery = time.Hour
	archiveAge   = 24 * time.Hour
)

// archive moves decisions that have settled into the file of their month.
func (d *daemon) archive(ctx context.Context) error {
	tick := time.NewTicker(archiveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		n, err := d.config.Store.Archive(ctx, d.config.Wall().Add(-archiveAge))
		var commit *state.CommitError
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.As(err, &commit):
			return fmt.Errorf("archive decisions: %w", err)
		default: // they stay in the state file; a month's file that cannot be written stops nothing else
			d.config.Log.Error("decisions not archived", "error", err)
		}
		if n > 0 {
			d.config.Log.Info("decisions archived", "count", n)
		}
	}
}

// reload puts other rules in force. Connections cannot change while the daemon
// runs; rules that need others are refused.
func (d *daemon) reload(ctx context.Context, r *plan.Rules) error {
	if !slices.EqualFunc(r.Conns(), d.book.Rules().Conns(), func(a, b plan.Conn) bool {
		return a.Name == b.Name && a.CRM == b.CRM && a.Webhooks == b.Webhooks
	}) || !slices.EqualFunc(r.Groups(), d.book.Rules().Groups(), slices.Equal) {
		return errors.New("the connections have changed; restart to use them, until then the running rules stay")
	}
	if !slices.Equal(r.Channels(), d.config.Rules.Channels()) || r.Heartbeat() != d.config.Rules.Heartbeat() {
		return errors.New("the channels or the heartbeat of notify have changed; restart to use them, until then the running rules stay")
	}
	err := d.config.Store.Update(ctx, func(tx state.Tx) error {
		keepRules(tx, r, d.config.Wall().UTC())
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("keep the rules: %w", err)
	}
	d.book.Swap(r)
	return nil
}

// admin is the handler of the admin listener: /livez, /readyz, /metrics.
func (d *daemon) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) {
		if err := d.liveness(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := d.readiness(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
		if last := d.reloads.get(); last.Error != "" {
			fmt.Fprintln(w, "the edited configuration is not in force: "+last.Error)
		}
		for _, why := range d.heldBack(r.Context()) {
			fmt.Fprintln(w, why)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.config.Registry, promhttp.HandlerOpts{}))
	return mux
}

// liveTimeout is how long the state may take to answer before the process
// counts as hung.
const liveTimeout = 10 * time.Second

// liveness is whether the process still works at all: the state answers. It
// says nothing of CRMs or disk space, which a restart would not help.
func (d *daemon) liveness(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		answered <- d.config.Store.View(ctx, func(tx state.Tx) error { return tx.Err() })
	}()
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the state has not answered for %s", liveTimeout)
	}
}

// readiness is whether webhooks can be taken in. A CRM that is down does not
// make us unready: its webhooks still have to be kept.
func (d *daemon) readiness(ctx context.Context) error {
	if !d.ready.Load() {
		return errors.New("starting or stopping")
	}
	if d.config.Room != nil {
		if err := d.config.Room(); err != nil {
			return err
		}
	}
	return d.config.Store.View(ctx, func(tx state.Tx) error { return tx.Err() })
}

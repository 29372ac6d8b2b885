package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing/fstest"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
)

// demoFiles replace files of the starter pack: calendars that are always open,
// tiers in seconds.
//
//go:embed demo/*.yaml
var demoFiles embed.FS

const (
	demoDrain    = 30 * time.Second
	demoHurry    = 5 * time.Second        // in place of demoDrain after a Ctrl-C
	demoTwice    = 500 * time.Millisecond // a signal this soon is the first one told twice
	demoPatience = 2 * time.Second
)

func newDemoCommand(s streams) *cobra.Command {
	o := demoOptions{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch handoffs happen on two simulated CRMs",
		Long: "Watch handoffs happen. Both simulated CRMs run inside this process on loopback;\n" +
			"buyers fill in forms, handoffd picks owners by the rules of the starter pack, reps\n" +
			"accept, call, give back and forget. Nothing else is touched.\n\n" +
			"It ends with a JSON object that counts what stands in the CRMs, and with exit code 1\n" +
			"if a buyer has no owner or a task was made twice. Ctrl-C ends it early.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd.Context(), s, o) },
	}
	cmd.Flags().DurationVar(&o.length, "for", 2*time.Minute, "how long buyers arrive")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "equal seeds make equal buyers")
	cmd.Flags().StringVar(&o.profile, "profile", "calm", "how hostile the CRMs are, `NAME`: calm, default (slow, refusing, losing replies) or hell")
	cmd.Flags().IntVar(&o.people, "people", 5, "reps at work; 0: nobody is")
	cmd.Flags().StringVarP(&o.format, "output", "o", "table", "`FORMAT`: table or json")
	return cmd
}

type demoOptions struct {
	length  time.Duration
	seed    uint64
	profile string
	people  int
	format  string
}

// demoRun is one running demo.
type demoRun struct {
	options demoOptions
	pair    *simulators.Pair
	daemon  *daemon
	buyers  *buyers
	started time.Time
	stopped bool // by Ctrl-C
}

// demo runs the verb. The error is exit 1 where a buyer was lost or a task
// doubled.
func demo(ctx context.Context, s streams, o demoOptions) error {
	if o.format != "table" && o.format != "json" {
		return usageError("-o %s: it must be table or json", o.format)
	}
	if o.length <= 0 || o.people < 0 {
		return usageError("--for must be longer than nothing, --people 0 or more")
	}
	dir, err := os.MkdirTemp("", "handoffd-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the temporary folder harms nobody
	store, err := bolt.Open(filepath.Join(dir, "handoffd.db"), bolt.Options{})
	if err != nil {
		return err
	}
	result, err := runDemo(ctx, s, o, store)
	if closing := store.Close(); err == nil && closing != nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if o.format == "table" {
		fmt.Fprintln(s.out, "\n"+result.summary()+"\n")
	}
	if err := result.write(s.out); err != nil {
		return err
	}
	if problem := result.problem(); problem != "" {
		return &exitError{code: exitWrong, err: errors.New(problem)}
	}
	return nil
}

// runDemo lets buyers arrive until the time is up or ctx ends, then lets what
// has begun come to its end.
func runDemo(ctx context.Context, s streams, o demoOptions, store *bolt.Store) (demoResult, error) {
	run, stop, err := startDemo(o, store)
	if err != nil {
		return demoResult{}, err
	}
	screen := newScreen(s.out, o.format)
	arrive, cancel := context.WithTimeout(ctx, o.length)
	defer cancel()
	var arriving errgroup.Group
	arriving.Go(func() error { return run.buyers.arrive(arrive) })
	run.watch(arrive, screen)
	err = arriving.Wait()
	run.stopped = ctx.Err() != nil
	run.drain(screen)
	result, resultErr := run.result(context.WithoutCancel(ctx))
	return result, errors.Join(err, resultErr, stop())
}

// demoReps work so that all that can become of a handoff is seen within two
// minutes: most accept and call, some just call, some give it back, one in
// twelve never answers.
func demoReps() simulators.Reps {
	return simulators.Reps{
		Ignore: 0.08, Return: 0.12, Silent: 0.3, Tacit: 0.15, Call: 0.7, Email: 0.4, Meet: 0.1, Absent: 0.2, Next: 0.3, Finish: 0.6,
	}
}

// startDemo starts both CRMs and the daemon between them on loopback.
func startDemo(o demoOptions, store *bolt.Store) (*demoRun, func() error, error) {
	faults, err := simulators.Profile(o.profile)
	if err != nil {
		return nil, nil, usageError("--profile: %w", err)
	}
	faults.UniqueTasks = true
	// The demo is over within seconds. What the profiles take minutes for would
	// come after it, and a buyer whom somebody deletes cannot be counted.
	faults.SearchLag = min(faults.SearchLag, 5*time.Second)
	faults.Life = simulators.Life{Reps: demoReps()}
	rules, problems, err := loadRules(demoFolder(), "write")
	if err != nil {
		return nil, nil, fmt.Errorf("the demo's own folder: %w: %v", err, problems)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var listeners []net.Listener
	for range 3 {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			cancel()
			return nil, nil, err
		}
		listeners = append(listeners, l)
	}
	at := func(i int) string { return "http://" + listeners[i].Addr().String() }
	pair, err := simulators.New(simulators.Config{
		Seed: o.seed, Faults: faults, People: o.people, WebhookURL: at(2) + "/webhooks/hubspot", OrgURL: at(1),
	})
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("start the simulators: %w", err)
	}
	d, err := demoDaemon(ctx, store, rules, pair, at(0), at(1), at(2))
	if err != nil {
		cancel()
		return nil, nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	for i, h := range []http.Handler{pair.HubSpot, pair.Salesforce, d.public()} {
		g.Go(func() error { return serveHTTP(ctx, listeners[i], h) })
	}
	g.Go(func() error { return pair.Run(ctx) })
	g.Go(func() error { return d.run(ctx) })
	run := &demoRun{options: o, pair: pair, daemon: d, buyers: newBuyers(o.seed, pair), started: time.Now()}
	return run, func() error { cancel(); return g.Wait() }, nil
}

func demoDaemon(ctx context.Context, store *bolt.Store, rules *plan.Rules, pair *simulators.Pair, hubspot, salesforce, webhooks string) (*daemon, error) {
	hc, fc := pair.HubSpot.Credentials(), pair.Salesforce.Credentials()
	// Tiers are seconds here, so a CRM that hangs is given up on in seconds.
	patience := &http.Transport{ResponseHeaderTimeout: demoPatience, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}
	conns := map[string]connectors.Connector{}
	for name, set := range map[string]connectors.Settings{
		"hubspot": {
			Name: "hubspot", URL: hubspot, Token: connectors.Secret(hc.Token),
			ClientID: hc.ClientID, ClientSecret: connectors.Secret(hc.ClientSecret), Transport: patience,
		},
		"salesforce": {
			Name: "salesforce", URL: salesforce, ClientID: fc.ClientID, ClientSecret: connectors.Secret(fc.ClientSecret), Transport: patience,
		},
	} {
		connector, err := builtin.Adapters()[name].New(set)
		if err != nil {
			return nil, fmt.Errorf("connect the demo to %s: %w", name, err)
		}
		conns[name] = connector
	}
	public, err := url.Parse(webhooks)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return newDaemon(ctx, daemonConfig{
		Rules: rules, Store: store, Conns: conns, PublicURL: public, Holder: "demo", Log: slog.New(slog.DiscardHandler),
	})
}

// demoFolder is the starter pack with the demo's files in place of its own.
func demoFolder() fs.FS {
	folder := fstest.MapFS{}
	copyInto := func(from fs.FS, at string) {
		_ = fs.WalkDir(from, at, func(name string, e fs.DirEntry, err error) error { // embedded: it cannot fail
			if err != nil || e.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(from, name)
			rel, relErr := filepath.Rel(at, name)
			folder[filepath.ToSlash(rel)] = &fstest.MapFile{Data: raw, Mode: 0o644}
			return errors.Join(err, relErr)
		})
	}
	copyInto(starter.FS(), ".")
	copyInto(demoFiles, "demo")
	return folder
}

// watch shows what happens until ctx ends.
func (r *demoRun) watch(ctx context.Context, screen *screen) {
	tick := time.NewTicker(screen.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			screen.show(r, "buyers arrive; Ctrl-C ends it")
		}
	}
}

// drain waits until every buyer has an owner and nothing is on its way, or the
// patience for that is spent: less of it after a Ctrl-C, none after a second.
func (r *demoRun) drain(screen *screen) {
	patience, note := demoDrain, "no more buyers; waiting for the last to be accepted"
	if r.stopped {
		patience, note = demoHurry, "finishing what has begun; Ctrl-C again ends it now"
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	again := make(chan os.Signal, 1)
	signal.Notify(again, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(again)
	tick := time.NewTicker(screen.every)
	defer tick.Stop()
	began := time.Now()
	quiet := 0
	for quiet < 4 {
		select {
		case <-ctx.Done():
			return
		case <-again:
			if time.Since(began) < demoTwice {
				continue
			}
			r.stopped = true
			return
		case <-tick.C:
		}
		screen.show(r, note)
		if quiet++; !r.rests(ctx) {
			quiet = 0
		}
	}
}

// rests reports whether every signal is assigned and answered and every write
// confirmed.
func (r *demoRun) rests(ctx context.Context) bool {
	st, err := storedStatus(ctx, r.daemon.config.Store, time.Now())
	if err != nil || st.Inbox > 0 || st.Outbox > 0 {
		return false
	}
	handed := 0
	for _, n := range st.Handoffs {
		handed += n
	}
	answered := r.options.people == 0 || st.Handoffs["assigned"] == 0
	return handed >= r.buyers.count() && answered
}

func (d demoResult) write(w io.Writer) error { return json.NewEncoder(w).Encode(d) }

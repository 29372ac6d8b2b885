package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
)

func newRunCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: "Run the daemon with the folder HANDOFFD_CONFIG and the state HANDOFFD_STATE.\n" +
			"One line of JSON on stdout says that it is ready; the log goes to stderr.\n" +
			"SIGHUP, or saving a file, reloads the folder; SIGTERM finishes what is on its way.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDaemon(cmd.Context(), s)
		},
	}
}

// runDaemon is the verb: everything from the environment to the last commit.
func runDaemon(ctx context.Context, s streams) error {
	log := slog.New(slog.NewJSONHandler(s.err, nil))
	if err := readable(os.Environ()); err != nil {
		return usageError("read the environment: %w", err)
	}
	env, err := readEnvironment(ctx, envconfig.OsLookuper())
	if err != nil {
		return err
	}
	folder, err := openFolder(env.Config)
	if err != nil {
		return err
	}
	rules, problems, err := loadRules(folder, env.Mode)
	if err != nil {
		showProblems(s.err, problems, rules, err)
		return &exitError{code: exitUsage, err: err, try: "handoffd check"}
	}
	for _, p := range problems {
		log.Warn("configuration", "problem", p.String())
	}
	vault := &vaults{}
	conns, secrets, err := connect(ctx, envconfig.OsLookuper(), rules, vault, log)
	if err != nil {
		return err
	}
	channels, beat, err := openChannels(ctx, envconfig.OsLookuper(), rules)
	if err != nil {
		return err
	}
	store, err := openState(env.State)
	if err != nil {
		return err
	}
	vault.store = store
	if store.Restored() {
		log.Error("the state is an older copy; nothing is written until `handoffd approve`")
	}
	d, err := newDaemon(ctx, daemonConfig{
		Lookup: os.LookupEnv, Channels: channels, Heartbeat: beat,
		Rules: rules, Store: store, Conns: conns, Secrets: secrets, Signals: signalSecrets(orFile{envconfig.OsLookuper()}, rules), PublicURL: mustURL(env.PublicURL),
		Room: store.Room, StatePath: env.State, Registry: processRegistry(), Log: log, Holder: fmt.Sprintf("pid %d at %s", os.Getpid(), time.Now().UTC().Format(time.RFC3339Nano)),
	})
	if err == nil {
		err = serve(ctx, d, env, s, log)
	}
	if closing := store.Close(); err == nil && closing != nil {
		err = fmt.Errorf("close the state: %w", closing)
	}
	return err
}

// processRegistry also shows what Go and the operating system know of the
// process: memory, goroutines, file descriptors.
func processRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		return &url.URL{} // readEnvironment has refused it
	}
	return u
}

// openState opens the state file after a child process has found it sound: a
// damaged file may kill whoever maps it.
func openState(path string) (*bolt.Store, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s is a folder; HANDOFFD_STATE names the state file", path), try: "HANDOFFD_STATE=" + filepath.Join(path, "handoffd.db")}
	}
	store, err := bolt.Open(path, bolt.Options{Check: checkInChild, Ballast: ballast})
	if err != nil && codeOf(err) == exitUsage { // not a refusal of its own: the disk did not do what it was asked
		err = &exitError{code: exitState, err: err, try: placeTry(path, err)}
	}
	return store, err
}

// placeTry is what to do where a state file cannot be where it is said to be.
func placeTry(path string, err error) string {
	folder := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "make the folder " + folder + ", or name another file with HANDOFFD_STATE"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "let the user that handoffd runs as write in " + folder
	case errors.Is(err, syscall.ENOSPC):
		return "make space on the disk that " + folder + " is on"
	}
	return ""
}

// ballast is set aside beside the state for when the disk runs full (L4).
const ballast = 16 << 20

// connect makes a connector for every connection of the rules. Their
// credentials are kept in the vault, nil where there is no state.
func connect(ctx context.Context, lookup envconfig.Lookuper, rules *plan.Rules, vault *vaults, log *slog.Logger) (map[string]connectors.Connector, map[string]connectors.Secret, error) {
	conns, secrets := map[string]connectors.Connector{}, map[string]connectors.Secret{}
	var errs []error
	var tries []string
	for _, c := range rules.Conns() {
		adapter, ok := builtin.Adapters()[c.CRM]
		if !ok {
			errs = append(errs, fmt.Errorf("connection %s: there is no connector %q; there are %s", c.Name, c.CRM, strings.Join(builtin.Names(), ", ")))
			continue
		}
		set, err := settings(ctx, lookup, c.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		set.Share, set.Log, set.Vault = c.Share, log, vault.of(c.Name)
		connector, err := adapter.New(set)
		if err != nil {
			errs = append(errs, err) // names the connection
			tries = append(tries, credentialsHint(c.Name))
			continue
		}
		conns[c.Name], secrets[c.Name] = connector, set.WebhookSecret
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, &exitError{code: exitUsage, err: err, try: strings.Join(tries, "\n     ")}
	}
	return conns, secrets, nil
}

// readyLine is the one line on stdout, once the listeners are open.
type readyLine struct {
	Schema   int    `json:"schema"`
	Webhooks string `json:"webhooks"`
	Admin    string `json:"admin"`
}

// serve opens the listeners, says that it is ready, and works until ctx ends.
func serve(ctx context.Context, d *daemon, env environment, s streams, log *slog.Logger) error {
	webhooks, err := listen(ctx, "HANDOFFD_WEBHOOK_ADDR", env.WebhookAddr)
	if err != nil {
		return err
	}
	admin, err := listen(ctx, "HANDOFFD_ADMIN_ADDR", env.AdminAddr)
	if err != nil {
		return errors.Join(err, webhooks.Close())
	}
	control, err := listenControl(ctx, env.State)
	if err != nil {
		return errors.Join(err, webhooks.Close(), admin.Close())
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.run(ctx) })
	g.Go(func() error { return serveHTTP(ctx, webhooks, d.public()) })
	g.Go(func() error { return serveHTTP(ctx, admin, d.admin()) })
	g.Go(func() error { return serveHTTP(ctx, control, d.control()) })
	g.Go(func() error { return watchFolder(ctx, d, env, log) })
	ready, err := json.Marshal(readyLine{
		Schema: 1, Webhooks: "http://" + webhooks.Addr().String(), Admin: "http://" + admin.Addr().String(),
	})
	if err == nil {
		_, err = fmt.Fprintln(s.out, string(ready))
	}
	if err != nil {
		log.Warn("the ready line was not written", "error", err)
	}
	return g.Wait()
}

// public is the handler of the public listener; it knows webhooks and nothing else.
func (d *daemon) public() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/webhooks/", d.webhooks)
	mux.Handle("/signals/", d.signals)
	return mux
}

// listen opens the address that a variable of the environment names.
func listen(ctx context.Context, variable, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: fmt.Errorf("%s: %w", variable, err), try: "stop what listens there, or set " + variable + " to another address of this machine"}
	}
	return l, nil
}

// The public listener's patience and size (I9).
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	idleTimeout   = 60 * time.Second
	stopTimeout   = 10 * time.Second
	maxHeader     = 32 << 10
)

// serveHTTP serves until ctx ends and then lets requests that have begun end.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: 2 * readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		return errors.Join(fmt.Errorf("stop serving %s: %w", l.Addr(), err), srv.Close())
	}
	return nil
}

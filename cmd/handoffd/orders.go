package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sethvargo/go-envconfig"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
)

// What `undo` and `reassign` share: they are orders to the running daemon, dry
// unless --apply is written, and write through its outbox. Without a daemon
// they can be tried on the state alone.

// desk is where orders are worked on.
type desk struct {
	store  state.Store
	book   *engine.Book
	orders *engine.Orders
	wall   func() time.Time
	// alone: there is no daemon, so no CRM is read or written.
	alone bool
}

// desk is the running daemon's.
func (d *daemon) desk() *desk {
	return &desk{store: d.config.Store, book: d.book, orders: d.orders, wall: d.config.Wall}
}

// stateDesk works on a state that no daemon holds, by the rules of the folder.
// Nothing of it is kept.
func stateDesk(ctx context.Context, store state.Store) (*desk, error) {
	rules, err := folderRules(ctx)
	if err != nil {
		return nil, err
	}
	d := &desk{store: store, book: engine.NewBook(rules), wall: time.Now, alone: true}
	mirror := engine.NewMirror()
	var names []string
	for _, c := range rules.Conns() {
		names = append(names, c.Name)
	}
	if err := mirror.Fill(ctx, store, names); err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	d.orders = &engine.Orders{
		Decider: &engine.Decider{Store: store, Book: d.book, Mirror: mirror, Wall: d.wall, Metrics: engine.NewMetrics(prometheus.NewRegistry()), Log: log},
		Log:     log,
	}
	return d, nil
}

// order asks the running daemon to carry something out, or to say what that
// would do. Without one it is only shown, as far as the state alone tells:
// nothing but the daemon reads the CRMs and writes to them.
func order[T any](ctx context.Context, path string, q url.Values, into *T, tried func(*desk) (T, error)) error {
	env, err := readEnvironment(ctx, envconfig.OsLookuper())
	if err != nil {
		return err
	}
	q.Set("by", operator())
	if q.Get("apply") == "" {
		return withState(ctx, http.MethodPost, path+"?"+q.Encode(), into, func(store *bolt.Store) (any, error) {
			d, err := stateDesk(ctx, store)
			if err != nil {
				return nil, err
			}
			return tried(d)
		})
	}
	err = ask(ctx, env.State, http.MethodPost, path+"?"+q.Encode(), into)
	if errors.Is(err, errNoDaemon) {
		return &exitError{code: exitUsage, err: fmt.Errorf("%w at %s: it is the daemon that reads the CRMs and writes to them", errNoDaemon, env.State), try: "handoffd run; without --apply it is shown from the state"}
	}
	return err
}

// fromState says that an answer is of the state alone, and what that means.
const fromState = "No daemon is running on this state: this is what it remembers. The CRMs were not asked, so what people have done there since is not seen."

// operator names who gives an order, for the audit trail.
func operator() string {
	if user := os.Getenv("USER"); user != "" {
		return "operator " + user
	}
	return nobodyNamed
}

// nobodyNamed is an operator of whom no name is known.
const nobodyNamed = "operator"

// ordererOf is who gave an order that came over the control socket.
func ordererOf(q url.Values) string { return cmp.Or(q.Get("by"), nobodyNamed) }

// patient lets an answer take as long as the CRMs do.
func patient(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a writer without deadlines has none to lift
		h(w, r)
	}
}

// mayOrder refuses what would not be written anyway, or must not be: in mode
// observe, and while it is not sure that the state is the newest. A pause, or a
// safety stop, only makes what was ordered wait.
func (d *desk) mayOrder(ctx context.Context) error {
	if d.book.Rules().Observing() {
		return &exitError{code: exitRefused, err: errors.New("the mode is observe: nothing is written to any CRM"), try: "mode: write in handoffd.yaml, with live: to keep what should only be observed; `handoffd pause` keeps the rest from being written"}
	}
	var held []state.Reconcile
	err := d.store.View(ctx, func(tx state.Tx) error {
		held = nil
		for _, r := range state.AllReconciles(tx) {
			if !r.Stop {
				held = append(held, r)
			}
		}
		return tx.Err()
	})
	if err == nil && len(held) > 0 {
		err = &exitError{code: exitRefused, err: errors.New(heldLine(held[0])), try: "handoffd status, then handoffd approve"}
	}
	return err
}

// waits says that what was ordered does not leave yet, and why; "" if it does.
func (d *desk) waits(ctx context.Context) string {
	text := ""
	err := d.store.View(ctx, func(tx state.Tx) error {
		text = ""
		if state.GetPause(tx).On {
			text = "Writing is paused: it leaves after `handoffd pause --off`."
		}
		for _, r := range state.AllReconciles(tx) {
			text = "Nothing leaves until `handoffd approve`: " + r.Why
		}
		return tx.Err()
	})
	if err != nil {
		return ""
	}
	return text
}

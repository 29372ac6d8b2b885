package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/handoffd/handoffd/state"
)

// What `undo` and `reassign` share: they are orders to the running daemon, dry
// unless --apply is written, and write through its outbox.

// order asks the running daemon to carry something out. Nothing but the daemon
// reads the CRMs and writes to them, so without one there is no answer.
func order(ctx context.Context, path string, q url.Values, into any) error {
	env, err := readEnvironment(ctx, envconfig.OsLookuper())
	if err != nil {
		return err
	}
	q.Set("by", operator())
	err = ask(ctx, env.State, http.MethodPost, path+"?"+q.Encode(), into)
	if errors.Is(err, errNoDaemon) {
		return &exitError{code: exitUsage, err: fmt.Errorf("%w at %s: it is the daemon that reads the CRMs and writes to them", errNoDaemon, env.State), try: "handoffd run"}
	}
	return err
}

// operator names who gives an order, for the audit trail.
func operator() string {
	if user := os.Getenv("USER"); user != "" {
		return "operator " + user
	}
	return "operator"
}

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
func (d *daemon) mayOrder(ctx context.Context) error {
	if d.book.Rules().Mode() != "write" {
		return &exitError{code: exitRefused, err: errors.New("the mode is observe: nothing is written to any CRM"), try: "mode: write in handoffd.yaml, with live: to keep what should only be observed; `handoffd pause` keeps the rest from being written"}
	}
	var held []state.Reconcile
	err := d.config.Store.View(ctx, func(tx state.Tx) error {
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
func (d *daemon) waits(ctx context.Context) string {
	text := ""
	err := d.config.Store.View(ctx, func(tx state.Tx) error {
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

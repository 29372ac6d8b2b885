package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

func newPauseCommand(s streams) *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Stop writing to the CRMs within 5 seconds, or let it go on",
		Long: "Stop writing to the CRMs within 5 seconds. What arrives is still taken in and\n" +
			"decided; writes wait in the outbox. `handoffd pause --off` lets them go. A pause " +
			"survives a restart, and who paused stands in the audit trail.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			by := operator()
			q := url.Values{"by": {by}}
			if off {
				q.Set("off", "1")
			}
			var p state.Pause
			err := withState(cmd.Context(), "POST", "/pause?"+q.Encode(), &p, func(store *bolt.Store) (any, error) {
				return pause(cmd.Context(), store, !off, by, time.Now().UTC())
			})
			if err != nil {
				return err
			}
			text := "Writing goes on."
			switch {
			case len(p.Held) > 0 && !p.On:
				text = "Writing is not paused any more."
			case p.On:
				text = "Writing is paused. What arrives is still taken in and decided. `handoffd pause --off` lets it go on."
			}
			if _, err = fmt.Fprintln(s.out, text); err != nil || p.On {
				return err
			}
			return stillHeld(p)
		},
	}
	cmd.Flags().BoolVar(&off, "off", false, "let writing go on")
	return cmd
}

// stillHeld says that writing goes on only once somebody has approved: a
// routine `pause --off` must not confirm what nobody has looked at.
func stillHeld(p state.Pause) error {
	if len(p.Held) == 0 {
		return nil
	}
	return &exitError{code: exitRefused, err: errors.New(heldLine(p.Held[0])), try: "handoffd status, then handoffd approve"}
}

// released ends a safety stop where writing is to go on: whoever says so has
// been told of it by `status`.
func released(tx state.Tx, on bool, now time.Time) *state.Reconcile {
	if on {
		return nil
	}
	return state.Release(tx, now)
}

// pause stops writing, or lets it go on, and puts that in the audit trail.
func pause(ctx context.Context, store state.Store, on bool, by string, now time.Time) (state.Pause, error) {
	p := state.Pause{On: on, At: now}
	action := "writing resumed"
	if on {
		action = "writing paused"
	}
	err := store.Update(ctx, func(tx state.Tx) error {
		if state.GetPause(tx).On != on {
			state.PutPause(tx, p)
			state.AppendAudit(tx, state.AuditRow{At: now, Actor: by, Action: action, Subject: "daemon"})
		}
		if stop := released(tx, on, now); stop != nil {
			state.AppendAudit(tx, state.AuditRow{At: now, Actor: by, Action: "approved", Subject: "daemon", Detail: map[string]string{"why": stop.Why}})
		}
		p.Held = nil
		for _, r := range state.AllReconciles(tx) {
			p.Held = append(p.Held, r)
		}
		return tx.Err()
	})
	if err != nil {
		return p, fmt.Errorf("pause: %w", err)
	}
	return p, nil
}

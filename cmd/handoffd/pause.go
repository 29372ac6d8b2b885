package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

func newPauseCommand(s streams) *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Stop writing to the CRMs within 5 seconds; intake and deciding go on",
		Long: "Stop writing to the CRMs within 5 seconds. What arrives is still taken in and\n" +
			"decided; writes wait in the outbox. `handoffd pause --off` lets them go.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := "/pause"
			if off {
				path += "?off=1"
			}
			var p state.Pause
			err := withState(cmd.Context(), "POST", path, &p, func(store *bolt.Store) (any, error) {
				return pause(cmd.Context(), store, !off, time.Now().UTC())
			})
			if err != nil {
				return err
			}
			text := "Writing goes on."
			if p.On {
				text = "Writing is paused. What arrives is still taken in and decided. `handoffd pause --off` lets it go on."
			}
			_, err = fmt.Fprintln(s.out, text)
			return err
		},
	}
	cmd.Flags().BoolVar(&off, "off", false, "let writing go on")
	return cmd
}

// pause stops writing, or lets it go on, and puts that in the audit trail.
func pause(ctx context.Context, store state.Store, on bool, now time.Time) (state.Pause, error) {
	p := state.Pause{On: on, At: now}
	action := "writing resumed"
	if on {
		action = "writing paused"
	}
	err := store.Update(ctx, func(tx state.Tx) error {
		if state.GetPause(tx).On != on {
			state.PutPause(tx, p)
			state.AppendAudit(tx, state.AuditRow{At: now, Actor: "operator", Action: action, Subject: "daemon"})
		}
		return tx.Err()
	})
	if err != nil {
		return p, fmt.Errorf("pause: %w", err)
	}
	return p, nil
}

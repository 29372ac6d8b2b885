package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

func newApproveCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "approve",
		Short: "Let go what is held back for safety",
		Long: "Let go what handoffd holds back by itself: the writes of a state that is an older " +
			"copy, or that knows nothing of the handoffs which stand in a CRM; edited rules " +
			"under which more than 2 % of the last week's decisions would have come out " +
			"differently; writing that stopped by itself because too many owners were to " +
			"change.\n\nLook at `handoffd status` first: it says what waits and why.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var done []state.Reconcile
			by := operator()
			err := withState(cmd.Context(), "POST", "/approve?"+url.Values{"by": {by}}.Encode(), &done, func(store *bolt.Store) (any, error) {
				return approve(cmd.Context(), store, by, time.Now().UTC())
			})
			if err != nil {
				return err
			}
			for _, r := range done {
				fmt.Fprintln(s.out, "Let go: "+r.Why)
			}
			if len(done) == 0 {
				fmt.Fprintln(s.out, "Nothing was held back.")
			}
			return nil
		},
	}
}

// approve lets go what was held back, and puts that in the audit trail.
func approve(ctx context.Context, store state.Store, by string, now time.Time) ([]state.Reconcile, error) {
	var done []state.Reconcile
	err := store.Update(ctx, func(tx state.Tx) error {
		done = state.Approve(tx, now)
		for _, r := range done {
			subject := r.Conn
			if subject == "" {
				subject = "state"
			}
			state.AppendAudit(tx, state.AuditRow{
				At: now, Actor: by, Action: "approved", Subject: subject, Detail: map[string]string{"why": r.Why},
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("approve: %w", err)
	}
	return append([]state.Reconcile{}, done...), nil
}

// heldBack says, a line each, what is not written and why.
func (d *daemon) heldBack(ctx context.Context) []string {
	var lines []string
	err := d.config.Store.View(ctx, func(tx state.Tx) error {
		lines = nil
		for _, r := range state.AllReconciles(tx) {
			lines = append(lines, heldLine(r))
		}
		return tx.Err()
	})
	if err != nil {
		return nil // readiness has met it too, and says so
	}
	return lines
}

// heldLine is what a person reads of one thing that is held back.
func heldLine(r state.Reconcile) string {
	if r.Stop {
		text := "writing has stopped by itself until `handoffd approve`: " + r.Why
		if r.Told != "" {
			text += "; told: " + r.Told
		}
		return text
	}
	what := "nothing is written"
	if r.Conn != "" {
		what += " to " + r.Conn
	}
	return "reconcile only, " + what + " until `handoffd approve`: " + r.Why
}

// heldReason is what keeps a write from leaving that nothing is wrong with; ""
// if nothing does. The alarm of a safety stop leaves all the same.
func heldReason(tx state.Tx, i state.Intent) string {
	switch {
	case state.MayWrite(tx, i.Dest), i.Message != nil && i.Message.Alarm && state.StoppedItself(tx):
		return ""
	case state.GetPause(tx).On:
		return waitsPaused
	}
	return waitsStopped
}

// heldLines say what keeps all writes from leaving, and what lets them go.
func heldLines(tx state.Tx) (lines []string) {
	if state.GetPause(tx).On {
		lines = append(lines, pausedLine)
	}
	for _, r := range state.AllReconciles(tx) {
		lines = append(lines, "Held back: "+heldLine(r))
	}
	return lines
}

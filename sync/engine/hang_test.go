package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
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

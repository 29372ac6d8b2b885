package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/state"
)

// demoResult is the one JSON object that the demo ends with.
// Tasks, duplicates and owners are counted in the CRMs, not in our state.
type demoResult struct {
	Signals        int            `json:"signals"`
	Handoffs       int            `json:"handoffs"`
	Assigned       int            `json:"assigned"`
	Accepted       int            `json:"accepted"`
	Returned       int            `json:"returned"`
	Breached       int            `json:"breached"`
	Escalated      int            `json:"escalated"`
	Completed      int            `json:"completed"`
	Tasks          int            `json:"tasks"`
	DuplicateTasks int            `json:"duplicate_tasks"`
	Unowned        int            `json:"unowned"`
	CRMCalls       map[string]int `json:"crm_calls"`
	CallsPer       float64        `json:"calls_per_handoff"` // reads, look-ups and writes; polls, tokens and schema beside
	P50            float64        `json:"p50_ms"`            // from the form to the owner written
	P99            float64        `json:"p99_ms"`
	ByType         map[string]int `json:"by_type"`

	lost    []string // what is known of the buyers without an owner
	bare    []string // records that carry no deadline, brief or reason
	stopped bool     // by Ctrl-C: some buyers are still on their way
}

// summary is the outcome as a person reads it.
func (d demoResult) summary() string {
	lines := []string{
		fmt.Sprintf("%d buyers came, %d have an owner in the CRM.", d.Signals, d.Signals-d.Unowned),
		fmt.Sprintf("%d handoffs: %d accepted, %d given back, %d late, %d taken over by a backup, %d completed.",
			d.Handoffs, d.Accepted, d.Returned, d.Breached, d.Escalated, d.Completed),
		fmt.Sprintf("%d tasks were made, %d of them twice.", d.Tasks, d.DuplicateTasks),
		fmt.Sprintf("From the form to the owner in the CRM: half within %.1f s, 99 %% within %.1f s.", d.P50/1000, d.P99/1000),
		fmt.Sprintf("%.1f calls to a CRM per handoff, polling aside.", d.CallsPer),
	}
	if d.stopped && d.Unowned > 0 {
		lines = append(lines, "Stopped early: the buyers without an owner were on their way.")
	}
	return strings.Join(lines, "\n")
}

// problem says what is wrong with the outcome, if anything is.
func (d demoResult) problem() string {
	switch {
	case d.DuplicateTasks > 0:
		return fmt.Sprintf("tasks made twice: %d", d.DuplicateTasks)
	case len(d.bare) > 0 && !d.stopped:
		return fmt.Sprintf("without deadline, brief or reason in the CRM: %d\n  %s", len(d.bare), strings.Join(d.bare, "\n  "))
	case d.Unowned > 0 && !d.stopped:
		return fmt.Sprintf("without an owner in the CRM: %d\n  %s", d.Unowned, strings.Join(d.lost, "\n  "))
	}
	return ""
}

// crmRow is one row of a simulator's world.
type crmRow struct {
	ID     string         `json:"id"`
	Fields map[string]any `json:"fields"`
}

func (r *demoRun) world() (map[string]map[string][]crmRow, error) {
	worlds := map[string]map[string][]crmRow{}
	for name, sim := range map[string]interface{ World() any }{"hubspot": r.pair.HubSpot, "salesforce": r.pair.Salesforce} {
		raw, err := json.Marshal(sim.World())
		if err != nil {
			return nil, fmt.Errorf("read the world of %s: %w", name, err)
		}
		rows := map[string][]crmRow{}
		if err := json.Unmarshal(raw, &rows); err != nil {
			return nil, fmt.Errorf("read the world of %s: %w", name, err)
		}
		worlds[name] = rows
	}
	return worlds, nil
}

// Where the simulated CRMs keep what the demo counts.
var (
	demoTaskKey = map[string][2]string{"hubspot": {"tasks", "handoff_key"}, "salesforce": {"Task", "Handoff_Key__c"}}
	demoOwner   = map[string]string{"hubspot": "hubspot_owner_id", "salesforce": "OwnerId"}
)

// result counts what came of the demo.
func (r *demoRun) result(ctx context.Context) (demoResult, error) {
	out := demoResult{stopped: r.stopped, Signals: r.buyers.count(), CRMCalls: map[string]int{}, ByType: map[string]int{}}
	worlds, err := r.world()
	if err != nil {
		return out, err
	}
	keys := map[string]int{}
	for crm, where := range demoTaskKey {
		for _, row := range worlds[crm][where[0]] {
			if key, ok := row.Fields[where[1]].(string); ok && key != "" {
				keys[key]++
				out.Tasks++
			}
		}
	}
	for _, n := range keys {
		out.DuplicateTasks += n - 1
	}
	owned := map[connectors.Ref]bool{}
	var waits []float64
	err = r.daemon.config.Store.View(ctx, func(tx state.Tx) error {
		for _, h := range state.AllHandoffs(tx) {
			out.add(h)
			if hasOwner(worlds, h.Target) && !h.Written.IsZero() {
				owned[h.Record] = true
			}
			if missing := lacks(worlds, h.Target); len(missing) > 0 {
				out.bare = append(out.bare, h.Target.String()+": "+strings.Join(missing, ", "))
			}
			if at, ok := r.buyers.arrived(h.Record); ok && !h.Written.IsZero() && len(h.Holders) == 0 { // else somebody else's later turn
				waits = append(waits, float64(h.Written.Sub(at))/float64(time.Millisecond))
			}
		}
		return tx.Err()
	})
	if err != nil {
		return out, fmt.Errorf("count handoffs: %w", err)
	}
	for _, ref := range r.buyers.refs() {
		if !owned[ref] {
			out.Unowned++
			out.lost = append(out.lost, r.known(ctx, ref))
		}
	}
	out.P50, out.P99 = percentile(waits, 50), percentile(waits, 99)
	r.countCalls(&out)
	return out, nil
}

// known is what our state says of a buyer.
func (r *demoRun) known(ctx context.Context, ref connectors.Ref) string {
	e, err := explain(ctx, r.daemon.config.Store, ref.String())
	if err != nil {
		return ref.String() + ": " + err.Error()
	}
	text := ref.String() + ": " + strings.Join(e.Notes, "; ")
	for _, h := range e.Handoffs {
		text += fmt.Sprintf("%s %s %s", h.Type, h.Stage, h.Note)
		for _, i := range h.Waiting {
			text += fmt.Sprintf("; %s %s: %s", i.Step, i.State, i.Error)
		}
	}
	return text
}

func (d *demoResult) add(h state.Handoff) {
	d.Handoffs++
	d.ByType[h.Type]++
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	count(&d.Assigned, !h.AssignedAt.IsZero())
	count(&d.Accepted, !h.AcceptedAt.IsZero())
	count(&d.Returned, h.Stage == state.Returned)
	count(&d.Breached, !h.BreachedAt.IsZero())
	count(&d.Escalated, len(h.Holders) > 0 && !h.BreachedAt.IsZero())
	count(&d.Completed, h.Stage == state.Completed)
}

func (r *demoRun) countCalls(out *demoResult) {
	perHandoff := 0.0
	for name, conn := range r.daemon.config.Conns {
		m, ok := conn.(connectors.Meter)
		if !ok {
			continue
		}
		for purpose, n := range m.Usage().Calls {
			out.CRMCalls[name] += int(n)
			if slices.Contains([]string{"read", "locate", "find", "write"}, purpose) {
				perHandoff += float64(n)
			}
		}
	}
	if out.Handoffs > 0 {
		out.CallsPer = math.Round(1000*perHandoff/float64(out.Handoffs)) / 1000
	}
}

// lacks names what a handoff should have left on its record and did not.
func lacks(worlds map[string]map[string][]crmRow, ref connectors.Ref) []string {
	own := builtin.Adapters()[ref.Conn].OwnField // the demo's connections are named like their CRMs
	var missing []string
	for _, row := range worlds[ref.Conn][string(ref.Kind)] {
		if row.ID != ref.ID {
			continue
		}
		for _, name := range []string{"handoff_accept_by", "handoff_brief", "handoff_why"} {
			if text, _ := row.Fields[own(name)].(string); text == "" {
				missing = append(missing, name)
			}
		}
	}
	return missing
}

func hasOwner(worlds map[string]map[string][]crmRow, ref connectors.Ref) bool {
	for _, row := range worlds[ref.Conn][string(ref.Kind)] {
		if row.ID == ref.ID {
			owner, _ := row.Fields[demoOwner[ref.Conn]].(string)
			return owner != ""
		}
	}
	return false
}

func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	i := int(math.Ceil(p/100*float64(len(values)))) - 1
	return math.Round(10*values[max(i, 0)]) / 10
}

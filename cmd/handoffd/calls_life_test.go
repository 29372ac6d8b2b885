package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
)

// lifeCeilings are the most calls of a whole life without escalation, by
// variant: one alone, and in full batches.
var lifeCeilings = map[string][2]float64{"hubspot": {7, 0.07}, "salesforce": {5, 0.04}, "across": {10, 0.09}}

// escalationCeilings are those of what the starter pack does when nobody moves,
// alone. A step takes 2, two that fall together twice as many; why a takeover
// takes more in HubSpot, and one more across, is in sync/README.md.
var escalationCeilings = []struct {
	name  string
	after time.Duration // since the handoff, all of it done by then
	most  map[string]float64
}{
	{"reminder", 11*time.Minute + 30*time.Second, map[string]float64{"hubspot": 2, "salesforce": 2, "across": 2}},
	{"breach", 19 * time.Minute, map[string]float64{"hubspot": 4, "salesforce": 2, "across": 2}},
	{"takeover", 35 * time.Minute, map[string]float64{"hubspot": 4, "salesforce": 2, "across": 3}},
	{"last alert", 50 * time.Minute, map[string]float64{"hubspot": 2, "salesforce": 2, "across": 2}},
}

// remindedCeiling is that of reminding many owners at once.
const remindedCeiling = 0.02

// lifeMany fill batches at every stage: HubSpot takes a hundred in a call, Salesforce
// two hundred.
var lifeMany = map[string]int{"hubspot": 100, "salesforce": 200, "across": 200}

// TestCallsPerLife holds the calls of a whole life: assigned, accepted in the
// status, touched by a call, completed; alone and in full batches; and those
// of the steps of an escalation.
func TestCallsPerLife(t *testing.T) {
	unraced(t)
	t.Parallel()
	for _, variant := range variants {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2000, 1, 3, 15, 0, 0, 0, time.UTC))) // a Monday, ten in New York
				r := newRig(t, 0, 0)
				time.Sleep(time.Minute)
				held := func(what string, most, calls float64) {
					t.Logf("%s: %.4f calls for a %s", variant, calls, what)
					if calls > most {
						t.Errorf("a %s takes %.4f calls, want %.4f at most", what, calls, most)
					}
				}
				held("lone life", lifeCeilings[variant][0], r.life(variant, 1))
				held("life in full batches", lifeCeilings[variant][1], r.life(variant, lifeMany[variant]))
				for i, calls := range r.escalated(variant) {
					held("lone "+escalationCeilings[i].name, escalationCeilings[i].most[variant], calls)
				}
				held("reminder in full batches", remindedCeiling, r.reminded(variant, lifeMany[variant]))
			})
		})
	}
}

// life lets n buyers be handed off, accepted, called and completed, and returns
// the calls each took.
func (r *rig) life(variant string, n int) float64 {
	r.tb.Helper()
	before := r.spent().handoffs
	mine := r.handedOff(variant, n)
	r.worked(mine)
	return float64(r.spent().handoffs-before) / float64(n)
}

// escalated lets a buyer be handed off and nobody do anything, and returns the
// calls that each step of their clocks took.
func (r *rig) escalated(variant string) (calls []float64) {
	r.tb.Helper()
	r.handedOff(variant, 1)
	begun := time.Now()
	time.Sleep(150 * time.Second)
	before := r.spent().handoffs
	for _, step := range escalationCeilings {
		time.Sleep(time.Until(begun.Add(step.after)))
		after := r.spent().handoffs
		calls = append(calls, float64(after-before))
		before = after
	}
	return calls
}

// reminded lets n buyers be handed off and nobody do anything until the first
// step of their clocks is done, and returns the calls that step took.
func (r *rig) reminded(variant string, n int) float64 {
	r.tb.Helper()
	r.handedOff(variant, n)
	time.Sleep(150 * time.Second)
	before := r.spent().handoffs
	time.Sleep(9 * time.Minute)
	return float64(r.spent().handoffs-before) / float64(n)
}

// handedOff lets n buyers be handed off, and returns their handoffs.
func (r *rig) handedOff(variant string, n int) []state.Handoff {
	r.tb.Helper()
	known, had := r.all(), r.buyers
	if n == 1 {
		r.form(variant)
	} else {
		r.backlog(variant, n)
	}
	r.settle(had + n)
	time.Sleep(10 * time.Second)
	var mine []state.Handoff
	for id, h := range r.all() {
		if _, old := known[id]; !old {
			mine = append(mine, h)
		}
	}
	return mine
}

// worked lets the owners of handoffs accept them and call, all of them within
// the same moments, and waits until the handoffs are completed and the CRMs
// know it.
func (r *rig) worked(mine []state.Handoff) {
	r.tb.Helper()
	r.accept(mine)
	time.Sleep(150 * time.Second)
	for _, h := range mine {
		r.calls(h)
	}
	time.Sleep(150 * time.Second)
	r.until(fmt.Sprintf("%d are completed", len(mine)), func(tx state.Tx) bool {
		for range state.AllIntents(tx) {
			return false
		}
		for _, h := range mine {
			if now, _ := state.GetHandoff(tx, h.ID); now.Stage != state.Completed {
				return false
			}
		}
		return true
	})
	time.Sleep(time.Minute)
}

// accept lets the owners of handoffs accept them. The webhooks of several come
// in as one, so that batches are full; a lone one's comes as it does.
func (r *rig) accept(mine []state.Handoff) {
	r.tb.Helper()
	if len(mine) > 1 {
		r.pair.HubSpot.SetWebhookURL("")
	}
	var refs []connectors.Ref
	for _, h := range mine {
		r.says(h, map[string]map[string]any{"hubspot": {"handoff_status": "Accepted"}, "salesforce": {"Handoff_Status__c": "Accepted"}})
		if h.Target.Conn == "hubspot" {
			refs = append(refs, h.Target)
		}
	}
	if len(mine) > 1 {
		r.pair.HubSpot.SetWebhookURL("https://" + daemonHost + "/webhooks/hubspot")
		r.hint(refs)
	}
}

func (r *rig) all() map[string]state.Handoff {
	r.tb.Helper()
	out := map[string]state.Handoff{}
	err := r.store.View(r.tb.Context(), func(tx state.Tx) error {
		for id, h := range state.AllHandoffs(tx) {
			out[id] = h
		}
		return tx.Err()
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	return out
}

// says is the owner of a handoff who edits the record that carries it.
func (r *rig) says(h state.Handoff, by map[string]map[string]any) {
	r.tb.Helper()
	r.does(simulators.Edit{CRM: h.Target.Conn, Object: string(h.Target.Kind), ID: h.Target.ID, Op: "update", By: "person:" + h.Owner, Fields: by[h.Target.Conn]})
}

// calls is the owner of a handoff who calls the buyer.
func (r *rig) calls(h state.Handoff) {
	r.tb.Helper()
	e := simulators.Edit{CRM: h.Target.Conn, Op: "create", By: "person:" + h.Owner}
	if h.Target.Conn == "hubspot" {
		e.Object = "calls"
		e.Fields = map[string]any{"hs_call_direction": "OUTBOUND", "hs_call_status": "COMPLETED", "about": string(h.Target.Kind) + "/" + h.Target.ID}
	} else {
		e.Object = "Task"
		e.Fields = map[string]any{"TaskSubtype": "Call", "Status": "Completed", "Subject": "Call", "WhoId": h.Target.ID, "OwnerId": r.userID(h)}
	}
	r.does(e)
}

func (r *rig) userID(h state.Handoff) (id string) {
	r.tb.Helper()
	err := r.store.View(r.tb.Context(), func(tx state.Tx) error {
		for _, u := range state.UsersOf(tx, h.Target.Conn) {
			if u.Email == h.Owner {
				id = u.ID
			}
		}
		return tx.Err()
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	return id
}

func (r *rig) does(e simulators.Edit) {
	r.tb.Helper()
	var sim simulators.Sim = r.pair.HubSpot
	if e.CRM == "salesforce" {
		sim = r.pair.Salesforce
	}
	if _, err := sim.Edit(e); err != nil {
		r.tb.Fatalf("%s %s %s: %v", e.CRM, e.Op, e.Object, err)
	}
}

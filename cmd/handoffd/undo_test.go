package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
)

// undoCase is one CRM as the test of undo needs it.
type undoCase struct {
	crm, kind, tasks     string
	owner, status, phone string
	task                 string // the field that says how far a task is
	done                 string
}

func undoCases() []undoCase {
	return []undoCase{
		{"hubspot", "contacts", "tasks", "hubspot_owner_id", "handoff_status", "phone", "hs_task_status", "COMPLETED"},
		{"salesforce", "Lead", "Task", "OwnerId", "Handoff_Status__c", "Phone", "Status", "Completed"},
	}
}

// asks lets a buyer ask for a demo.
func (st *stage) asks(crm string, n int) {
	st.t.Helper()
	if crm == "hubspot" {
		st.form(n, "Demo request")
		return
	}
	_, err := st.pair.Salesforce.Edit(simulators.Edit{CRM: crm, Object: "Lead", Op: "submit_form", Fields: map[string]any{
		"Email": buyer(n), "form": "Home: Demo request", "FirstName": "Buyer", "LastName": fmt.Sprint(n),
		"Company": fmt.Sprintf("Newco %d", n), "Country": "United States",
	}})
	if err != nil {
		st.t.Fatal(err)
	}
}

// sim is a simulated CRM by name.
func (st *stage) sim(crm string) simulators.Sim {
	if crm == "salesforce" {
		return st.pair.Salesforce
	}
	return st.pair.HubSpot
}

// TestUndoAThousand takes a thousand handoffs back, half of them on each CRM, of
// which people have touched some in every way there is: the owner, the status,
// another field, the task. Every untouched one has its owner, status and
// handoff_* fields as they were and its task closed; every touched one is left
// as it is and listed with what was done (G13). Dry it writes nothing, and done
// again it changes nothing.
func TestUndoAThousand(t *testing.T) {
	unraced(t)
	t.Parallel()
	usual := 50 // on each CRM
	if checkAll() {
		usual = 500
	}
	many := wanted(t, "UNDO", usual)
	for _, c := range undoCases() {
		t.Run(c.crm, func(t *testing.T) {
			t.Parallel()
			volume(t, simulators.WebhookFaults{}, nil, func(_ *testing.T, st *stage) {
				for n := range many {
					st.asks(c.crm, n)
				}
				was := st.fieldsBefore(c)
				time.Sleep(6 * time.Minute)
				touched := st.touchSome(c)
				time.Sleep(2 * time.Minute)
				st.undoAll(c, was, touched, many)
			})
		})
	}
}

// fieldsBefore are the owners and statuses before anything is written.
func (st *stage) fieldsBefore(c undoCase) map[string][2]string {
	was := map[string][2]string{}
	for _, r := range st.rows(c.crm, c.kind) {
		was[r.ID] = [2]string{r.text(c.owner), r.text(c.status)}
	}
	return was
}

// touchSome has people touch every seventh record, each in another way.
func (st *stage) touchSome(c undoCase) map[string]string {
	st.t.Helper()
	touched := map[string]string{}
	ways := []string{"owner", "status", "phone", "task"}
	other := ""
	for n, r := range st.rows(c.crm, c.kind) {
		if r.text(c.status) == "" || n%7 != 0 {
			other = r.text(c.owner)
			continue
		}
		way := ways[len(touched)%len(ways)]
		e := simulators.Edit{CRM: c.crm, Op: "update", Object: c.kind, ID: r.ID, Fields: map[string]any{}, By: "person:erin@example.com"}
		switch way {
		case "owner":
			if other == r.text(c.owner) || other == "" {
				continue
			}
			e.Fields[c.owner] = other
		case "status":
			e.Fields[c.status] = "Accepted"
		case "phone":
			e.Fields[c.phone] = fmt.Sprintf("+1 212 555 %04d", n)
		case "task":
			tasks := st.tasksOf(c.crm, c.kind, r.ID)
			if len(tasks) != 1 {
				st.t.Fatalf("%s has %d tasks", r.ID, len(tasks))
			}
			e.Object, e.ID, e.Fields[c.task] = c.tasks, tasks[0].ID, c.done
		}
		if _, err := st.sim(c.crm).Edit(e); err != nil {
			st.t.Fatal(err)
		}
		touched[r.ID] = way
	}
	return touched
}

// openTasks are the records of which a task is still open.
func (st *stage) openTasks(c undoCase) map[string]bool {
	st.t.Helper()
	open := map[string]bool{}
	for _, task := range st.rows(c.crm, c.tasks) {
		if task.text(c.task) == c.done {
			continue
		}
		open[task.text("WhoId")], open[task.text("WhatId")] = true, true
		for _, l := range task.Links {
			open[l.ID] = open[l.ID] || l.Kind == c.kind
		}
	}
	return open
}

func (st *stage) undoAll(c undoCase, was map[string][2]string, touched map[string]string, many int) {
	t := st.t
	t.Helper()
	left := st.fieldsBefore(c)
	dry, err := st.daemon.desk().undo(t.Context(), undoOrder{Since: st.story.start, By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	if dry.Restored != many-len(touched) || dry.Touched != len(touched) {
		t.Errorf("dry: %d would be restored and %d left, want %d and %d", dry.Restored, dry.Touched, many-len(touched), len(touched))
	}
	for id, f := range st.fieldsBefore(c) {
		if f != left[id] {
			t.Fatalf("a dry undo changed %s from %v to %v", id, left[id], f)
		}
	}
	done, err := st.daemon.desk().undo(t.Context(), undoOrder{Since: st.story.start, Apply: true, By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Minute)
	for _, h := range done.Handoffs {
		ref, _ := connectors.ParseRef(h.Record)
		_, hand := touched[ref.ID]
		if hand != (h.Outcome == "touched") || hand && len(h.Touches) == 0 {
			t.Errorf("%s (%q) is %s: %+v", h.Record, touched[ref.ID], h.Outcome, h.Touches)
		}
		if way := touched[ref.ID]; way == "phone" && h.Outcome == "touched" && h.Touches[0].Who == "" {
			t.Errorf("%s: nobody is named: %+v", h.Record, h.Touches)
		}
	}
	st.restored(c, was, left, touched)
	again, err := st.daemon.desk().undo(t.Context(), undoOrder{Since: st.story.start, Apply: true, By: "test"})
	if err != nil || again.Restored != 0 || again.Touched != len(touched) {
		t.Errorf("again: %d restored, %d touched, %v", again.Restored, again.Touched, err)
	}
}

// restored checks what stands in the CRM.
func (st *stage) restored(c undoCase, was, left map[string][2]string, touched map[string]string) {
	st.t.Helper()
	n := 0
	open := st.openTasks(c)
	for _, r := range st.rows(c.crm, c.kind) {
		if left[r.ID][1] == "" {
			continue // never handed over
		}
		got, want := [2]string{r.text(c.owner), r.text(c.status)}, was[r.ID]
		if _, hand := touched[r.ID]; hand {
			want = left[r.ID]
		}
		if got != want && n < 5 {
			n++
			st.t.Errorf("%s (touched %q): owner and status %v, want %v", r.ID, touched[r.ID], got, want)
		}
		if hand := touched[r.ID]; open[r.ID] != (hand != "" && hand != "task") && n < 5 {
			n++
			st.t.Errorf("%s (touched %q): its task is open: %t", r.ID, hand, open[r.ID])
		}
		for name := range r.Fields {
			own := len(name) > 8 && (name[:8] == "handoff_" || name[:8] == "Handoff_")
			if _, hand := touched[r.ID]; own && !hand && r.text(name) != "" && r.text(name) != "false" && n < 5 {
				n++
				st.t.Errorf("%s: %s is still %q", r.ID, name, r.text(name))
			}
		}
	}
	err := st.store.View(st.t.Context(), func(tx state.Tx) error {
		for _, h := range state.AllHandoffs(tx) {
			if _, hand := touched[h.Target.ID]; !hand && h.Stage != state.Cancelled {
				st.t.Errorf("%s is %s", h.ID, h.Stage)
			}
		}
		return tx.Err()
	})
	if err != nil {
		st.t.Error(err)
	}
}

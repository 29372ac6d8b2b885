package salesforcesim

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestReps holds that a rep deals with what they are given as the shares say, and leaves alone what is no longer
// theirs.
func TestReps(t *testing.T) {
	t.Parallel()
	worker := simhttp.Reps{Call: 1, Email: 1, Meet: 1, Next: 1, Finish: 1}
	for name, tt := range map[string]struct {
		reps   simhttp.Reps
		object string
		away   bool // the record is taken from them at once
		want   map[string]string
	}{
		"accepts":                        {object: "Lead", want: map[string]string{"status": "Accepted", "opened": "true", "ours": "Not Started"}},
		"ignores":                        {object: "Lead", reps: simhttp.Reps{Ignore: 1}, want: map[string]string{"status": "Assigned", "opened": "false", "ours": "Not Started"}},
		"returns with a reason":          {object: "Contact", reps: simhttp.Reps{Return: 1}, want: map[string]string{"status": "Returned", "reason": "yes", "ours": "Not Started"}},
		"returns and is asked for one":   {object: "Lead", reps: simhttp.Reps{Return: 1, Silent: 1}, want: map[string]string{"status": "Returned", "silent": "yes", "reason": "yes", "opened": "true", "ours": "Not Started"}},
		"works":                          {object: "Lead", reps: worker, want: map[string]string{"status": "Accepted", "opened": "true", "ours": "Completed", "calls": "yes", "mails": "yes", "meetings": "yes", "next": "yes"}},
		"works on a deal":                {object: "Opportunity", reps: worker, want: map[string]string{"status": "Accepted", "ours": "Completed", "calls": "yes", "mails": "yes", "meetings": "yes", "next": "yes"}},
		"the buyer stays away":           {object: "Lead", reps: simhttp.Reps{Tacit: 1, Meet: 1, Absent: 1}, want: map[string]string{"status": "Assigned", "opened": "true", "ours": "Not Started"}},
		"no longer theirs, so let it be": {object: "Lead", reps: worker, away: true, want: map[string]string{"status": "Assigned", "opened": "false", "ours": "Not Started"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sim := New(Config{Seed: 1, People: 8, Faults: simhttp.Faults{Life: simhttp.Life{Reps: tt.reps}}})
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- sim.Run(ctx) }()
				edit := func(object, op, id string, fields map[string]any) string {
					out, err := sim.Edit(simhttp.Edit{Object: object, Op: op, ID: id, Fields: fields, By: "person:revops@example.com"})
					if err != nil {
						t.Fatal(err)
					}
					return out["id"]
				}
				needs := map[string]map[string]any{
					"Lead": {"LastName": "Ito", "Company": "Ito Ltd"}, "Contact": {"LastName": "Ito"},
					"Opportunity": {"Name": "Big", "StageName": "Prospecting", "CloseDate": "2030-01-01"},
				}[tt.object]
				id := edit(tt.object, "create", "", needs)
				link := map[bool]string{true: "WhatId", false: "WhoId"}[tt.object == "Opportunity"]
				ours := edit("Task", "create", "", map[string]any{link: id, "OwnerId": "ana@example.com", "Subject": "Look at it"})
				edit(tt.object, "update", id, map[string]any{"OwnerId": "ana@example.com", "Handoff_Status__c": "Assigned"})
				if tt.away {
					edit(tt.object, "update", id, map[string]any{"OwnerId": "morgan@example.com"})
				}
				got := map[string]string{}
				time.Sleep(6 * time.Second)
				sim.mu.Lock()
				early := maps.Clone(sim.byID(id).last())
				sim.mu.Unlock()
				if early["Handoff_Status__c"] == "Returned" && early["Handoff_Return_Reason__c"] == nil {
					got["silent"] = "yes"
				}
				time.Sleep(5 * time.Minute)
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
				rec := sim.byID(id).last()
				got["status"] = fmt.Sprint(rec["Handoff_Status__c"])
				got["ours"] = fmt.Sprint(sim.byID(ours).last()["Status"])
				if rec["Handoff_Return_Reason__c"] != nil {
					got["reason"] = "yes"
				}
				if tt.object == "Lead" {
					got["opened"] = fmt.Sprint(rec["IsUnreadByOwner"] == false)
				}
				for _, r := range sim.tables["Task"].order {
					if r.last()[link] != id || r.id == ours {
						continue
					}
					switch r.last()["TaskSubtype"] {
					case "Call":
						got["calls"] = "yes"
					case "Task":
						got["next"] = "yes"
					}
				}
				if len(sim.tables["EmailMessage"].order) > 0 {
					got["mails"] = "yes"
				}
				for _, r := range sim.tables["Event"].order {
					if r.last()[link] == id && !r.deleted() {
						got["meetings"] = "yes"
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

package hubspotsim_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestReps holds that a rep deals with what they are given as the shares say, that what they do shows on the
// contact and its deal as HubSpot counts it, and that they leave alone what is no longer theirs.
func TestReps(t *testing.T) {
	t.Parallel()
	worker := simhttp.Reps{Call: 1, Email: 1, Meet: 1, Next: 1, Finish: 1}
	for _, tt := range []struct {
		name string
		reps simhttp.Reps
		away bool // the record is taken from them at once
		want map[string]any
	}{
		{name: "accepts", want: map[string]any{"handoff_status": "Accepted"}},
		{name: "ignores", reps: simhttp.Reps{Ignore: 1}, want: map[string]any{"handoff_status": "Assigned"}},
		{name: "returns with a reason", reps: simhttp.Reps{Return: 1}, want: map[string]any{"handoff_status": "Returned", "reason": true}},
		{name: "returns without one, and is asked", reps: simhttp.Reps{Return: 1, Silent: 1}, want: map[string]any{"handoff_status": "Returned", "silent": true, "reason": true}},
		{name: "works", reps: worker, want: map[string]any{
			"handoff_status": "Accepted", "worked": true, "first": "CALL", "next": true, "ours": "COMPLETED", "meeting": "COMPLETED", "deal": true,
		}},
		{name: "the buyer stays away", reps: simhttp.Reps{Tacit: 1, Meet: 1, Absent: 1}, want: map[string]any{
			"handoff_status": "Assigned", "worked": true, "first": "MEETING_EVENT", "meeting": "NO_SHOW", "deal": true,
		}},
		{name: "no longer theirs", reps: worker, away: true, want: map[string]any{"handoff_status": "Assigned"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPortal(t, hubspotsim.Config{Empty: true, People: 5, Faults: simhttp.Faults{Life: simhttp.Life{Reps: tt.reps}}})
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- p.sim.Run(ctx) }()
				id := p.contact(`{"email":"a@acme.com"}`)
				deal := p.must("POST", "/crm/objects/2026-09/deals", `{"properties":{"dealname":"x","pipeline":"default","dealstage":"1048231"},
					"associations":[{"to":{"id":"`+id+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":3}]}]}`).text("id")
				p.must("PATCH", contacts+"/"+id, `{"properties":{"hubspot_owner_id":"`+p.owner("ana")+`","handoff_status":"Assigned"}}`)
				task := p.must("POST", "/crm/objects/2026-09/tasks", `{"properties":{"hs_timestamp":"2000-01-02T10:00:00Z","hubspot_owner_id":"`+p.owner("ana")+`"},
					"associations":[{"to":{"id":"`+id+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":204}]}]}`).text("id")
				if tt.away {
					p.edit("update", "contacts", id, map[string]any{"hubspot_owner_id": "", "handoff_status": "Assigned"})
				}
				got := map[string]any{}
				time.Sleep(5 * time.Second)
				if early := p.must("GET", contacts+"/"+id+"?properties=handoff_status,handoff_return_reason", ""); early.text("properties", "handoff_status") == "Returned" && early.text("properties", "handoff_return_reason") == "" {
					got["silent"] = true
				}
				time.Sleep(5 * time.Minute)
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
				note := func(name, value string, asText bool) {
					if value != "" {
						got[name] = any(true)
						if asText {
							got[name] = value
						}
					}
				}
				contact := p.must("GET", contacts+"/"+id+"?properties=handoff_status,handoff_return_reason,num_contacted_notes,hs_sa_first_engagement_object_type&associations=tasks,meetings", "")
				note("handoff_status", contact.text("properties", "handoff_status"), true)
				note("reason", contact.text("properties", "handoff_return_reason"), false)
				note("worked", contact.text("properties", "num_contacted_notes"), false)
				note("first", contact.text("properties", "hs_sa_first_engagement_object_type"), true)
				note("next", contact.text("associations", "tasks", "results", 1, "id"), false)
				if held := contact.text("associations", "meetings", "results", 0, "id"); held != "" {
					note("meeting", p.must("GET", "/crm/objects/2026-09/meetings/"+held+"?properties=hs_meeting_outcome", "").text("properties", "hs_meeting_outcome"), true)
				}
				note("ours", p.must("GET", "/crm/objects/2026-09/tasks/"+task+"?properties=hs_task_status", "").text("properties", "hs_task_status"), true)
				note("deal", p.must("GET", "/crm/objects/2026-09/deals/"+deal+"?properties=num_contacted_notes", "").text("properties", "num_contacted_notes"), false)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestTeams: teams have ids of their own, and a record goes to its owner's team.
func TestTeams(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	owners := p.must("GET", "/crm/owners/2026-09", "")
	names := map[string]string{}
	for i := range owners.len("results") {
		id, name := owners.text("results", i, "teams", 0, "id"), owners.text("results", i, "teams", 0, "name")
		if known := names[id]; id != "" && known != "" && known != name {
			t.Errorf("the teams %s and %s both have the id %s", known, name, id)
		}
		names[id] = name
	}
	contact := p.contact(`{"email":"team@example.org","hubspot_owner_id":"` + p.owner("ana") + `"}`)
	for _, step := range []struct{ owner, want string }{{p.owner("isla"), "sdr_uk"}, {p.owner("ceo"), ""}, {p.owner("ana"), "sdr_us"}, {"", ""}} {
		p.must("PATCH", contacts+"/"+contact, `{"properties":{"hubspot_owner_id":"`+step.owner+`"}}`)
		if got := names[p.must("GET", contacts+"/"+contact+"?properties=hubspot_team_id", "").text("properties", "hubspot_team_id")]; got != step.want {
			t.Errorf("given to %q: team %q, want %q", step.owner, got, step.want)
		}
	}
}

package hubspotsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// signs are the properties that activities move.
var signs = []string{
	"notes_last_contacted", "notes_last_updated", "num_contacted_notes", "num_notes", "hs_last_sales_activity_timestamp",
	"hs_first_outreach_date", "hs_sa_first_engagement_date", "hs_sa_first_engagement_object_type", "hs_time_to_first_engagement",
}

// worked reads the signs of work of a record that are set, the times as their distance from since.
func (p *portal) worked(path string, since time.Time) string {
	p.t.Helper()
	a := p.must("GET", path+"?properties="+strings.Join(signs, ","), "")
	var out []string
	for _, name := range signs {
		v := a.text("properties", name)
		if v == "" {
			continue
		}
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			v = at.Sub(since).String()
		}
		out = append(out, name+"="+v)
	}
	return strings.Join(out, " ")
}

// activity logs an activity of somebody with a contact; at is when it took place.
func (p *portal) activity(object, who, contact string, at time.Time, more map[string]any) string {
	p.t.Helper()
	fields := map[string]any{
		"hs_timestamp": at.UTC().Format(time.RFC3339), "hubspot_owner_id": who + "@example.com",
		"links": []any{map[string]string{"kind": "contacts", "id": contact}},
	}
	for name, v := range more {
		fields[name] = v
	}
	return p.by("person:"+who+"@example.com", "create", object, "", fields)
}

// TestEngagements holds which activity moves which sign of work of a contact (1.15): a note and a task count as
// activities and not as contact, a call by somebody else is contact and not the owner's engagement, a buyer's
// e-mail is contact too and the only thing that moves hs_last_sales_activity_timestamp, a meeting to come counts
// and has not happened.
func TestEngagements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, object, who string
		after             time.Duration
		more              map[string]any
		want              string
	}{
		{"note", "notes", "ana", 0, nil, "notes_last_updated=0s num_notes=1"},
		{"task", "tasks", "ana", time.Hour, nil, "notes_last_updated=1m0s num_notes=1"},
		{"task done", "tasks", "ana", 0, map[string]any{"hs_task_status": "COMPLETED"}, "notes_last_updated=1m0s num_notes=1 " +
			"hs_sa_first_engagement_date=1m0s hs_sa_first_engagement_object_type=TASK hs_time_to_first_engagement=60000"},
		{
			"owner's call", "calls", "ana", 30 * time.Second, nil, "notes_last_contacted=30s notes_last_updated=30s num_contacted_notes=1 num_notes=1 " +
				"hs_first_outreach_date=30s hs_sa_first_engagement_date=30s hs_sa_first_engagement_object_type=CALL hs_time_to_first_engagement=30000",
		},
		{
			"another's call", "calls", "ben", 30 * time.Second, nil,
			"notes_last_contacted=30s notes_last_updated=30s num_contacted_notes=1 num_notes=1 hs_first_outreach_date=30s",
		},
		{
			"buyer's e-mail", "emails", "ana", 30 * time.Second,
			map[string]any{"hs_email_direction": "INCOMING_EMAIL"},
			"notes_last_contacted=30s notes_last_updated=30s num_contacted_notes=1 num_notes=1 hs_last_sales_activity_timestamp=30s",
		},
		{
			"owner's e-mail", "emails", "ana", 0, map[string]any{"hs_email_direction": "EMAIL"}, "notes_last_contacted=0s notes_last_updated=0s num_contacted_notes=1 num_notes=1 " +
				"hs_first_outreach_date=0s hs_sa_first_engagement_date=0s hs_sa_first_engagement_object_type=EMAIL hs_time_to_first_engagement=0",
		},
		{"meeting to come", "meetings", "ana", 24 * time.Hour, nil, "num_contacted_notes=1 num_notes=1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPortal(t, hubspotsim.Config{Empty: true})
				began := time.Now()
				id := p.contact(`{"email":"a@acme.com","hubspot_owner_id":"` + p.owner("ana") + `"}`)
				time.Sleep(time.Minute)
				activity := p.activity(tt.object, tt.who, id, began.Add(tt.after), tt.more)
				if diff := cmp.Diff(tt.want, p.worked(contacts+"/"+id, began)); diff != "" {
					t.Error(diff)
				}
				before := p.must("GET", contacts+"/"+id, "").text("properties", "lastmodifieddate")
				if want := began.Add(time.Minute).UTC().Format(time.RFC3339); before != want {
					t.Errorf("cursor field %s, want %s", before, want)
				}
				p.edit("delete", tt.object, activity, nil)
				if got := p.worked(contacts+"/"+id, began); got != "" && !strings.HasPrefix(got, "hs_last_sales_activity_timestamp") {
					t.Errorf("after its removal: %s", got)
				}
			})
		})
	}
}

// TestEngagementsComeAndGo holds that removing one of two lowers the counts and goes back to the older, that taking
// the association away is like removing, that a restore gives back, and that a merge adds counts up once.
func TestEngagementsComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{Empty: true})
		began := time.Now()
		id := p.contact(`{"email":"a@acme.com","hubspot_owner_id":"` + p.owner("ana") + `"}`)
		other := p.contact(`{"email":"b@acme.com"}`)
		time.Sleep(time.Hour)
		one := p.activity("calls", "ana", id, began.Add(10*time.Minute), nil)
		two := p.activity("calls", "ana", id, began.Add(20*time.Minute), nil)
		p.activity("calls", "ben", other, began.Add(30*time.Minute), nil)
		const first = " hs_first_outreach_date=10m0s hs_sa_first_engagement_date=10m0s hs_sa_first_engagement_object_type=CALL hs_time_to_first_engagement=600000"
		twice := "notes_last_contacted=20m0s notes_last_updated=20m0s num_contacted_notes=2 num_notes=2" + first
		check := func(when, id, want string) {
			t.Helper()
			if diff := cmp.Diff(want, p.worked(contacts+"/"+id, began)); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
		check("two", id, twice)
		p.must("PUT", "/crm/objects/2026-09/calls/"+one+"/associations/default/contacts/"+id, "") // they are associated
		check("associated again", id, twice)
		p.edit("delete", "calls", two, nil)
		check("one gone", id, "notes_last_contacted=10m0s notes_last_updated=10m0s num_contacted_notes=1 num_notes=1"+first)
		p.edit("restore", "calls", two, nil)
		check("and back", id, twice)
		p.edit("update", "calls", two, map[string]any{"unlinks": []any{map[string]string{"kind": "contacts", "id": id}}})
		check("taken off", id, "notes_last_contacted=10m0s notes_last_updated=10m0s num_contacted_notes=1 num_notes=1"+first)
		merged := p.edit("merge", "contacts", other, map[string]any{"into": id})
		check("merged", merged, "notes_last_contacted=30m0s notes_last_updated=30m0s num_contacted_notes=2 num_notes=2"+first)
		time.Sleep(time.Second)
		p.edit("update", "contacts", merged, map[string]any{"hubspot_owner_id": "ben@example.com"})
		time.Sleep(time.Minute - time.Second)
		check("a new owner", merged, "notes_last_contacted=30m0s notes_last_updated=30m0s num_contacted_notes=2 num_notes=2 hs_first_outreach_date=10m0s")
		p.activity("calls", "ben", merged, time.Now(), nil)
		check("who calls", merged, "notes_last_contacted=1h1m0s notes_last_updated=1h1m0s num_contacted_notes=3 num_notes=3 hs_first_outreach_date=10m0s "+
			"hs_sa_first_engagement_date=1h1m0s hs_sa_first_engagement_object_type=CALL hs_time_to_first_engagement=59000")
	})
}

// TestEngagementsElsewhere holds that deals and companies keep the counts of what is associated with them, and that an
// API call associates with nothing by itself.
func TestEngagementsElsewhere(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	deal := p.must("POST", "/crm/objects/2026-09/deals", `{"properties":{"dealname":"x","pipeline":"default","dealstage":"closedwon"},
		"associations":[{"to":{"id":"11"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":5}]}]}`).text("id")
	p.must("POST", "/crm/objects/2026-09/calls", `{"properties":{"hs_timestamp":"2026-01-05T10:00:00Z"},
		"associations":[{"to":{"id":"`+deal+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":206}]}]}`)
	for path, want := range map[string]any{"/crm/objects/2026-09/deals/" + deal: "1", "/crm/objects/2026-09/companies/11": nil} {
		if got := p.must("GET", path+"?properties=num_contacted_notes", "").at("properties", "num_contacted_notes"); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}

const leadsPath = "/crm/objects/2026-09/leads"

func leadBody(props, contact string) string {
	if contact == "" {
		return `{"properties":` + props + `}`
	}
	return `{"properties":` + props + `,"associations":[{"to":{"id":"` + contact + `"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":578}]}]}`
}

// TestLeads holds that a lead needs a name and an existing contact, an owner with a seat, and begins its pipeline.
func TestLeads(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	p.setup(`{"no_seat":["kim@example.com"]}`)
	id := p.contact(`{"email":"a@acme.com"}`)
	for _, body := range []string{
		leadBody(`{"hs_lead_name":"x"}`, ""), leadBody(`{"hs_lead_name":"x"}`, "404"), leadBody(`{}`, id),
		leadBody(`{"hs_lead_name":"x","hubspot_owner_id":"`+p.owner("kim")+`"}`, id), leadBody(`{"hs_lead_name":"x","hs_pipeline_stage":"closedwon"}`, id),
	} {
		if a := p.do("POST", leadsPath, body); a.status != 400 {
			t.Errorf("%s: %d %s", body, a.status, a.raw)
		}
		if a := p.do("POST", leadsPath+"/batch/create", `{"inputs":[`+body+`]}`); a.status != 400 {
			t.Errorf("batch %s: %d %s", body, a.status, a.raw)
		}
	}
	lead := p.must("POST", leadsPath, leadBody(`{"hs_lead_name":"x","hubspot_owner_id":"`+p.owner("ana")+`"}`, id)).text("id")
	a := p.must("GET", "/crm/objects/2026-09/0-136/"+lead+"?properties=hs_pipeline,hs_pipeline_stage&associations=contacts", "")
	if a.text("properties", "hs_pipeline") != "lead-pipeline-id" || a.text("properties", "hs_pipeline_stage") != "new-stage-id" || a.text("associations", "contacts", "results", 0, "id") != id {
		t.Errorf("lead: %s", a.raw)
	}
	p.must("PATCH", leadsPath+"/"+lead, `{"properties":{"hs_pipeline_stage":"qualified-stage-id"}}`)
	if a := p.do("PATCH", leadsPath+"/"+lead, `{"properties":{"hubspot_owner_id":"`+p.owner("kim")+`"}}`); a.status != 400 {
		t.Errorf("an owner without a seat: %d", a.status)
	}
	if a := p.do("POST", leadsPath+"/merge", `{"primaryObjectId":"1","objectIdToMerge":"2"}`); a.status != 404 {
		t.Errorf("leads can be merged: %d", a.status)
	}
}

// TestPipelines holds that the three objects with pipelines show them, with what each stage means.
func TestPipelines(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	for object, want := range map[string]string{
		"deals": "map[isClosed:false probability:0.1]", "tickets": "map[isClosed:false ticketState:OPEN]", "leads": "map[isClosed:false leadState:NEW]",
	} {
		a := p.must("GET", "/crm/pipelines/2026-09/"+object, "")
		if got := fmt.Sprint(a.at("results", 0, "stages", 0, "metadata")); got != want {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
}

// TestActivitiesHaveTheirOwnFields holds that a kind of activity has no field of another kind.
func TestActivitiesHaveTheirOwnFields(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	own := map[string]string{
		"notes": "hs_note_body", "meetings": "hs_meeting_title", "calls": "hs_call_title", "emails": "hs_email_subject", "tasks": "hs_task_subject",
	}
	for kind := range own {
		for of, field := range own {
			a := p.do("POST", "/crm/objects/2026-09/"+kind, `{"properties":{"hs_timestamp":"2026-11-02T10:00:00Z","`+field+`":"x"}}`)
			if (a.status == 201) != (kind == of) || a.status != 201 && !strings.Contains(a.raw, "PROPERTY_DOESNT_EXIST") {
				t.Errorf("%s of %s: %d %s", field, kind, a.status, a.raw)
			}
		}
	}
}

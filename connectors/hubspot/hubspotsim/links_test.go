package hubspotsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestPrimaryCompany holds that the first company becomes the primary one and stands on the contact's
// row, without moving its cursor field; that a new primary takes over; and what the reads show.
func TestPrimaryCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{})
		id := p.contact(`{"email":"dana@acme.com"}`)
		row := func() answer {
			return p.must("GET", contacts+"/"+id+"?properties=associatedcompanyid&associations=companies", "")
		}
		before := row().text("properties", "lastmodifieddate")
		time.Sleep(time.Minute)
		p.must("PUT", contacts+"/"+id+"/associations/default/companies/11", "")
		p.must("PUT", "/crm/v4/objects/contacts/"+id+"/associations/default/companies/14", "")
		a := row()
		if a.text("properties", "associatedcompanyid") != "11" || a.text("properties", "lastmodifieddate") != before {
			t.Errorf("row: %s", a.raw)
		}
		if got := fmt.Sprint(a.at("associations", "companies", "results")); got != "[map[id:11 type:contact_to_company] map[id:11 type:contact_to_company_unlabeled] map[id:14 type:contact_to_company_unlabeled]]" {
			t.Errorf("associations: %s", got)
		}
		p.must("PUT", contacts+"/"+id+"/associations/companies/14", `[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]`)
		if got := row().text("properties", "associatedcompanyid"); got != "14" {
			t.Errorf("primary: %s", got)
		}
		a = p.do("POST", "/crm/associations/2026-09/contacts/companies/batch/read", `{"inputs":[{"id":"`+id+`"},{"id":"999999"}]}`)
		if a.status != 207 || a.text("results", 0, "to", 1, "toObjectId") != "14" || a.at("results", 0, "to", 1, "associationTypes", 0, "label") != "Primary" ||
			a.at("results", 0, "to", 1, "associationTypes", 1, "label") != nil || a.text("errors", 0, "context", "fromObjectId", 0) != "999999" {
			t.Errorf("batch read: %s", a.raw)
		}
		a = p.must("POST", "/crm/v4/associations/contacts/companies/batch/read", `{"inputs":[{"id":"`+id+`"}]}`)
		if a.at("results", 0, "to", 0, "toObjectId") != 11.0 {
			t.Errorf("v4: %s", a.raw)
		}
		p.must("DELETE", contacts+"/"+id+"/associations/companies/14", "")
		if got := row().at("properties", "associatedcompanyid"); got != nil {
			t.Errorf("after removal: %v", got)
		}
	})
}

func TestTaskWithAssociations(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	id := p.contact(`{"email":"dana@acme.com"}`)
	task := p.must("POST", "/crm/objects/2026-09/tasks", taskBody("204", id)).text("id")
	a := p.must("POST", "/crm/associations/2026-09/contacts/tasks/batch/read", `{"inputs":[{"id":"`+id+`"}]}`)
	if a.text("results", 0, "to", 0, "toObjectId") != task || a.at("results", 0, "to", 0, "associationTypes", 0, "typeId") != 203.0 {
		t.Errorf("contact to task: %s", a.raw)
	}
	p.must("POST", "/crm/associations/2026-09/tasks/companies/batch/create",
		`{"inputs":[{"from":{"id":"`+task+`"},"to":{"id":"11"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":192}]}]}`)
	a = p.must("GET", "/crm/v4/objects/tasks/"+task+"/associations/companies", "")
	if a.at("results", 0, "toObjectId") != 11.0 {
		t.Errorf("task to company: %s", a.raw)
	}
	p.must("DELETE", "/crm/objects/2026-09/tasks/"+task, "")
	if a := p.do("POST", "/crm/associations/2026-09/contacts/tasks/batch/read", `{"inputs":[{"id":"`+id+`"}]}`); a.len("results") != 0 {
		t.Errorf("an archived task is associated: %s", a.raw)
	}
}

func TestDealFollows(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	a := p.must("POST", "/crm/objects/2026-09/deals", `{"properties":{"dealname":"x","pipeline":"default","dealstage":"closedwon","amount":"12.50"},
		"associations":[{"to":{"id":"11"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":5}]}]}`)
	a = p.must("GET", "/crm/v3/objects/deals/"+a.text("id")+"?properties=hs_is_closed_won,hs_primary_associated_company,amount_in_home_currency", "")
	if a.text("properties", "hs_is_closed_won") != "true" || a.text("properties", "hs_primary_associated_company") != "11" || a.text("properties", "amount_in_home_currency") != "12.5" {
		t.Errorf("deal: %s", a.raw)
	}
}

// TestMerge holds that the survivor has a new id to which both old ones lead, that nothing is archived,
// and that counts, e-mails and associations come along (C8).
func TestMerge(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	one := p.contact(`{"email":"one@example.org","firstname":"One"}`)
	two := p.contact(`{"email":"two@example.org","firstname":"Two","jobtitle":"CTO"}`)
	p.must("PUT", contacts+"/"+two+"/associations/default/companies/11", "")
	a := p.must("POST", contacts+"/merge", `{"primaryObjectId":"`+one+`","objectIdToMerge":"`+two+`"}`)
	id := a.text("id")
	if id == one || id == two || id == "" {
		t.Fatalf("survivor: %s", a.raw)
	}
	for _, key := range []string{one, two, id, "one@example.org?idProperty=email", "two@example.org?idProperty=email"} {
		sep := map[bool]string{true: "&", false: "?"}[strings.Contains(key, "?")]
		a := p.must("GET", contacts+"/"+key+sep+"properties=firstname,jobtitle,hs_merged_object_ids,hs_additional_emails,associatedcompanyid", "")
		if a.text("id") != id || a.text("properties", "firstname") != "One" || a.text("properties", "jobtitle") != "CTO" || a.text("properties", "hs_additional_emails") != "two@example.org" ||
			a.text("properties", "hs_merged_object_ids") != one+";"+two || a.text("properties", "associatedcompanyid") != "11" {
			t.Errorf("%s: %s", key, a.raw)
		}
	}
	a = p.must("POST", contacts+"/batch/read", `{"inputs":[{"id":"`+one+`"},{"id":"`+two+`"}]}`)
	if a.len("results") != 1 || a.text("results", 0, "id") != id {
		t.Errorf("batch read by old ids: %s", a.raw)
	}
	if a := p.must("GET", contacts, ""); a.len("results") != 1 {
		t.Errorf("list: %s", a.raw)
	}
	if a := p.must("GET", contacts+"?archived=true", ""); a.len("results") != 0 {
		t.Errorf("merged contacts are in the recycle bin: %s", a.raw)
	}
	if a := p.do("POST", contacts, `{"properties":{"email":"two@example.org"}}`); a.status != 409 || !strings.HasSuffix(a.text("message"), ": "+id) {
		t.Errorf("the additional e-mail is free: %s", a.raw)
	}
	body := fmt.Sprint(p.sim.World())
	if !strings.Contains(body, id) {
		t.Errorf("world lacks %s", id)
	}
}

func TestGDPRDelete(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	id := p.contact(`{"email":"one@example.org"}`)
	p.must("POST", contacts+"/gdpr-delete", `{"objectId":"one@example.org","idProperty":"email"}`)
	if a := p.do("GET", contacts+"/"+id, ""); a.status != 404 {
		t.Errorf("still there: %s", a.raw)
	}
	if a := p.must("GET", contacts+"?archived=true", ""); a.len("results") != 0 {
		t.Errorf("in the recycle bin: %s", a.raw)
	}
}

// TestGDPRDeleteFromBin holds that a privacy deletion erases what lies in the recycle bin too, unless what it names is
// a contact that is there.
func TestGDPRDeleteFromBin(t *testing.T) {
	t.Parallel()
	const byEmail = `{"objectId":"One@example.org","idProperty":"email"}`
	for _, tc := range []struct {
		name, body string
		binned     int
		again      bool // somebody of that address is there
		left       int
	}{
		{"by id", `{"objectId":"{id}"}`, 1, false, 0},
		{"by id, and no other", `{"objectId":"{id}"}`, 2, false, 1},
		{"by id, with the address given to another", `{"objectId":"{id}"}`, 1, true, 0},
		{"by e-mail address", byEmail, 1, false, 0},
		{"by the address that two had", byEmail, 2, false, 0},
		{"by the address of one who is there", byEmail, 1, true, 1},
		{"by another unique value", `{"objectId":"k1","idProperty":"ext_id"}`, 1, false, 0},
		{"by that value in capitals", `{"objectId":"K1","idProperty":"ext_id"}`, 1, false, 1},
		{"by another address", `{"objectId":"two@example.org","idProperty":"email"}`, 1, false, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			history := &simhttp.History{}
			p := newPortal(t, hubspotsim.Config{Empty: true, History: history})
			p.must("POST", "/crm/properties/2026-09/contacts", `{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"handoff","hasUniqueValue":true}`)
			id := ""
			for range tc.binned {
				id = p.contact(`{"email":"one@example.org","ext_id":"k1"}`)
				p.must("DELETE", contacts+"/"+id, "")
			}
			if tc.again {
				p.contact(`{"email":"one@example.org"}`)
			}
			history.Reset()
			p.must("POST", contacts+"/gdpr-delete", strings.Replace(tc.body, "{id}", id, 1))
			if a := p.must("GET", contacts+"?archived=true", ""); a.len("results") != tc.left {
				t.Errorf("%d left in the recycle bin, want %d: %s", a.len("results"), tc.left, a.raw)
			}
			if tc.left > 0 && tc.binned == 1 {
				return
			}
			if a := p.do("GET", contacts+"/"+id+"?archived=true", ""); a.status != 404 {
				t.Errorf("still to be read: %s", a.raw)
			}
			if _, err := p.sim.Edit(simhttp.Edit{Object: "contacts", Op: "restore", ID: id}); err == nil {
				t.Error("taken out of the recycle bin")
			}
			for _, c := range history.Changes() {
				if c.Op != "purge" {
					t.Errorf("the ledger: %+v", c)
				}
			}
		})
	}
}

// TestGDPRDeleteOfMerged holds that the id of a contact that was merged names the one that it lives on in, in the recycle
// bin as outside of it.
func TestGDPRDeleteOfMerged(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	one, two := p.contact(`{"email":"one@example.org"}`), p.contact(`{"email":"two@example.org"}`)
	id := p.must("POST", contacts+"/merge", `{"primaryObjectId":"`+one+`","objectIdToMerge":"`+two+`"}`).text("id")
	p.must("DELETE", contacts+"/"+id, "")
	p.must("POST", contacts+"/gdpr-delete", `{"objectId":"`+two+`"}`)
	if a := p.must("GET", contacts+"?archived=true", ""); a.len("results") != 0 {
		t.Errorf("in the recycle bin: %s", a.raw)
	}
}

// TestForms holds what a form sets: the contact by e-mail, the conversion's name with the page's title,
// and that a second one moves date and count while the name may stay.
func TestForms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{})
		id := p.edit("submit_form", "", "", map[string]any{"form": "Demo request", "page": "Pricing", "email": "Dana@Acme.com", "firstname": "Dana"})
		read := func() answer {
			return p.must("GET", contacts+"/"+id+"?properties=email,recent_conversion_event_name,recent_conversion_date,num_conversion_events,first_conversion_date,first_conversion_event_name", "")
		}
		first := read()
		if first.text("properties", "recent_conversion_event_name") != "Pricing: Demo request" || first.text("properties", "num_conversion_events") != "1" ||
			first.text("properties", "recent_conversion_date") != first.text("properties", "first_conversion_date") {
			t.Errorf("first: %s", first.raw)
		}
		from := p.must("GET", contacts+"/"+id+"?properties=hs_email_domain,hs_object_source,hs_analytics_source", "")
		if from.text("properties", "hs_email_domain") != "acme.com" || from.text("properties", "hs_object_source") != "FORM" || from.text("properties", "hs_analytics_source") != "DIRECT_TRAFFIC" {
			t.Errorf("where it came from: %s", from.raw)
		}
		time.Sleep(time.Hour)
		if again := p.edit("submit_form", "contacts", "", map[string]any{"form": "Pricing: Demo request", "email": "dana@acme.com"}); again != id {
			t.Errorf("a second contact: %s", again)
		}
		second := read()
		if second.text("properties", "recent_conversion_event_name") != "Pricing: Demo request" || second.text("properties", "num_conversion_events") != "2" ||
			second.text("properties", "recent_conversion_date") == first.text("properties", "recent_conversion_date") ||
			second.text("properties", "first_conversion_date") != first.text("properties", "first_conversion_date") {
			t.Errorf("second: %s", second.raw)
		}
		if _, err := p.sim.Edit(simhttp.Edit{Op: "submit_form", Fields: map[string]any{"form": "x"}}); err == nil {
			t.Error("a form without e-mail was taken")
		}
	})
}

// TestEngagement holds that a call by the owner sets the signs of the first touch, that one by another
// does not, and that they go when the owner changes (1.15).
func TestEngagement(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	id := p.contact(`{"email":"a@example.org","hubspot_owner_id":"` + p.owner("ana") + `"}`)
	call := func(who string) {
		p.edit("create", "calls", "", map[string]any{
			"hs_timestamp": "2026-03-20T13:04:00Z", "hubspot_owner_id": who + "@example.com",
			"links": []any{map[string]string{"kind": "contacts", "id": id}},
		})
	}
	read := func() answer {
		return p.must("GET", contacts+"/"+id+"?properties=hs_sa_first_engagement_date,hs_sa_first_engagement_object_type,num_contacted_notes,notes_last_contacted", "")
	}
	call("ben")
	if a := read(); a.at("properties", "hs_sa_first_engagement_date") != nil || a.text("properties", "num_contacted_notes") != "1" {
		t.Errorf("somebody else's call: %s", a.raw)
	}
	call("ana")
	if a := read(); a.text("properties", "hs_sa_first_engagement_object_type") != "CALL" || a.text("properties", "num_contacted_notes") != "2" {
		t.Errorf("the owner's call: %s", a.raw)
	}
	p.edit("update", "contacts", id, map[string]any{"hubspot_owner_id": "ben@example.com"})
	if a := read(); a.at("properties", "hs_sa_first_engagement_date") != nil {
		t.Errorf("under a new owner: %s", a.raw)
	}
}

// TestAnswersOfLinkBatches holds that a batch of typed associations tells types and labels, one of default ones the
// two ends, and neither what the other does.
func TestAnswersOfLinkBatches(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	contact := p.contact(`{"email":"a@acme.com"}`)
	const base = "/crm/associations/2026-09/contacts/companies/batch/"
	row := `{"inputs":[{"from":{"id":"` + contact + `"},"to":{"id":"11"}%s}]}`
	for _, tc := range []struct{ verb, types, has, hasNot string }{
		{"create", `,"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]`, "fromObjectId", "from"},
		{"associate/default", "", "from", "fromObjectId"},
	} {
		a := p.must("POST", base+tc.verb, fmt.Sprintf(row, tc.types))
		if a.at("results", 0, tc.has) == nil || a.at("results", 0, tc.hasNot) != nil {
			t.Errorf("%s: %s", tc.verb, a.raw)
		}
	}
}

// TestEndsOfPairs holds that an archive takes a list of what a record is no longer associated with, and that every
// other batch takes one.
func TestEndsOfPairs(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	contact := p.contact(`{"email":"a@acme.com"}`)
	const one, list = `{"id":"11"}`, `[{"id":"11"}]`
	for _, tc := range []struct {
		verb, to string
		status   int
	}{
		{"create", list, 400},
		{"create", one, 201},
		{"associate/default", list, 400},
		{"associate/default", one, 200},
		{"labels/archive", list, 400},
		{"labels/archive", one, 204},
		{"archive", one, 400},
		{"archive", list, 204},
	} {
		a := p.do("POST", "/crm/associations/2026-09/contacts/companies/batch/"+tc.verb,
			`{"inputs":[{"from":{"id":"`+contact+`"},"to":`+tc.to+`,"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]}]}`)
		if a.status != tc.status {
			t.Errorf("%s to %s: %d %s; want %d", tc.verb, tc.to, a.status, a.raw, tc.status)
		}
	}
}

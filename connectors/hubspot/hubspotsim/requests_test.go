package hubspotsim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// TestRequestsOfPublicClients sends what public clients send, to the letter: HubSpot's own clients for Node and
// Python from 6 to 13, the Singer tap, Airbyte's source and curl as in the manual. {contact} and {company} are ids.
func TestRequestsOfPublicClients(t *testing.T) {
	t.Parallel()
	const pair = `{"inputs":[{"from":{"id":"{contact}"},"to":{"id":"{company}"},"type":"contact_to_company"}]}`
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		want                     string // part of the answer
	}{
		{"curl: a list", "GET", "/crm/v3/objects/contacts?limit=100&properties=email,firstname&archived=false", "", 200, `"results":[`},
		{"Airbyte: histories", "GET", "/crm/v3/objects/contacts?limit=50&propertiesWithHistory=email&associations=companies", "", 200, `"propertiesWithHistory"`},
		{"Singer tap: objects of v4", "GET", "/crm/v4/objects/tickets?limit=100", "", 200, `"results":[`},
		{"Singer tap: owners", "GET", "/crm/v3/owners/?limit=100", "", 200, `"email":"ana@example.com"`},
		{"Singer tap: a singular pair", "POST", "/crm/v3/associations/contact/company/batch/read", `{"inputs":[{"id":"{contact}"}]}`, 200, `"to":[{"id":"{company}","type":"contact_to_company"},{"id":"{company}","type":"contact_to_company_unlabeled"}]`},
		{"Node 6: a pair in capitals", "POST", "/crm/v3/associations/Contacts/Companies/batch/read", `{"inputs":[{"id":"{contact}"},{"id":"1"}]}`, 207, "crm.associations.NO_ASSOCIATIONS_FOUND"},
		{"Node 6: create by name", "POST", "/crm/v3/associations/contacts/companies/batch/create", pair, 201, `"type":"contact_to_company"`},
		{"Node 6: create by a wrong name", "POST", "/crm/v3/associations/contacts/companies/batch/create", strings.Replace(pair, "contact_to_company", "contact_to_deal", 1), 207, "Invalid association type"},
		{"Node 6: archive by name", "POST", "/crm/v3/associations/contacts/companies/batch/archive", pair, 204, ""},
		{"Node 6: types", "GET", "/crm/v3/associations/contacts/companies/types", "", 200, `{"id":"1","name":"contact_to_company"}`},
		{"Node 6: one association", "PUT", "/crm/v3/objects/contacts/{contact}/associations/companies/{company}/contact_to_company", "", 200, `"companies":{"results":[{"id":"{company}"`},
		{"Node 6: one association by id", "PUT", "/crm/v3/objects/contacts/{contact}/associations/companies/{company}/279", "", 200, `"id":"{contact}"`},
		{"Node 6: read one", "GET", "/crm/v3/objects/contacts/{contact}/associations/companies", "", 200, `{"id":"{company}","type":"contact_to_company"}`},
		{"Node 6: take one away", "DELETE", "/crm/v3/objects/contacts/{contact}/associations/companies/{company}/contact_to_company", "", 204, ""},
		{"Node 11: read one page", "GET", "/crm/v4/objects/contacts/{contact}/associations/companies?limit=500", "", 200, `"toObjectId":{company}`},
		{"Node 11: default associations", "POST", "/crm/v4/associations/contacts/companies/batch/associate/default", `{"inputs":[{"from":{"id":"{contact}"},"to":{"id":"{company}"}}]}`, 200, "COMPLETE"},
		{"Node 3: a sort as a text", "POST", "/crm/v3/objects/contacts/search", `{"filterGroups":[],"sorts":["{\"propertyName\":\"createdate\",\"direction\":\"DESCENDING\"}"],"properties":["email"],"limit":1,"after":0}`, 200, `"total":`},
		{"curl: filters without a group", "POST", "/crm/v3/objects/contacts/search", `{"filters":[{"propertyName":"email","operator":"EQ","value":"requests@example.org"}]}`, 200, `"total":1,`},
		{"curl: filters without a group, nobody", "POST", "/crm/v3/objects/contacts/search", `{"filters":[{"propertyName":"email","operator":"EQ","value":"nobody@example.org"}]}`, 200, `"total":0,`},
		{"a query for a phone number", "POST", "/crm/v3/objects/contacts/search", `{"query":"5551234"}`, 200, `"total":1,`},
		{"a query for a domain", "POST", "/crm/v3/objects/companies/search", `{"query":"requests.example.org"}`, 200, `"total":1,`},
		{"Python: a pipeline's audit", "GET", "/crm/v3/pipelines/deals/default/audit", "", 404, "Unable to find an endpoint"},
		{"properties by name", "POST", "/crm/v3/properties/contacts/batch/read", `{"archived":false,"inputs":[{"name":"email"},{"name":"nothing"}]}`, 207, `"name":"email"`},
		{"a property group", "GET", "/crm/v3/properties/contacts/groups/contactinformation", "", 200, `"label":`},
		{"a group in use", "DELETE", "/crm/v3/properties/contacts/groups/contactinformation", "", 400, "VALIDATION_ERROR"},
		{"Python: error rows have what its models require", "POST", "/crm/v3/objects/contacts/batch/read", `{"inputs":[{"id":"1"}],"properties":[]}`, 207, `"errors":[],"links":{}}`},
		{"Python: the recycle bin", "GET", "/crm/v3/objects/contacts?archived=True", "", 200, `{"results":[]}`},
		{"Python: who is gone", "GET", "/crm/v3/owners/?archived=True", "", 200, `{"results":[]}`},
		{"Python: a default association's type", "PUT", "/crm/v4/objects/contact/{contact}/associations/default/company/{company}", "", 200, `"associationSpec":{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}`},
		{"a stage", "GET", "/crm/v3/pipelines/deals/default/stages/closedwon", "", 200, `"id":"closedwon"`},
		{"Singer tap: no custom objects", "GET", "/crm/v3/schemas", "", 200, `{"results":[]}`},
		{"Node 12: no custom objects", "GET", "/crm-object-schemas/v3/schemas?archived=false", "", 200, `{"results":[]}`},
		{"curl: no lists", "GET", "/crm/v3/lists/", "", 200, `{"lists":[]}`},
		{"Node 12: no such lists", "GET", "/crm/v3/lists?listIds=1&listIds=2&includeFilters=false", "", 200, `{"lists":[]}`},
		{"Node 11: lists that are no numbers", "GET", "/crm/v3/lists?listIds=a", "", 400, "VALIDATION_ERROR"},
		{"no lists by date", "GET", "/crm/lists/2026-09", "", 200, `{"lists":[]}`},
		{"no list", "GET", "/crm/v3/lists/1", "", 404, `"status":"error"`},
		{"no version of lists", "GET", "/crm/lists", "", 404, "Unable to find an endpoint"},
		{"a schema", "GET", "/crm/v3/schemas/contacts", "", 200, `"objectTypeId":"0-1"`},
		{"another scope's object", "GET", "/crm/v3/objects/line_items?limit=10", "", 403, "crm.objects.line_items.read"},
		{"no object at all", "GET", "/crm/v3/objects/nothings", "", 400, "Unable to infer object type"},
		{"whose token is it", "GET", "/integrations/v1/me", "", 200, `"portalId":`},
		{"the account", "GET", "/account-info/v3/details", "", 200, `"portalId":`},
		{"the webhooks' target", "GET", "/webhooks/v3/51879189/settings", "", 401, "INVALID_AUTHENTICATION"},
		{"another target", "PUT", "/webhooks/v3/51879189/settings", `{"targetUrl":"https://example.org/","throttling":{"maxConcurrentRequests":10}}`, 401, "INVALID_AUTHENTICATION"},
		{"the webhooks", "GET", "/webhooks/v3/51879189/subscriptions", "", 401, "INVALID_AUTHENTICATION"},
		{"a webhook", "PATCH", "/webhooks/v3/51879189/subscriptions/1", `{"active":true}`, 401, "INVALID_AUTHENTICATION"},
		{"webhooks in a batch", "POST", "/webhooks/v3/51879189/subscriptions/batch/update", `{"inputs":[]}`, 401, "INVALID_AUTHENTICATION"},
		{"nothing of webhooks", "GET", "/webhooks/v3/51879189/events", "", 404, "Unable to find an endpoint"},
		{"the first generation", "GET", "/contacts/v1/lists/all/contacts/all?count=1", "", 404, `"status":"error"`},
		{"a custom object", "GET", "/crm/v3/objects/p_cars", "", 400, "Unable to infer object type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, hubspotsim.Config{Seed: 3})
			contact := p.contact(`{"email":"requests@example.org","phone":"5551234"}`)
			company := p.must("POST", "/crm/v3/objects/companies", `{"properties":{"name":"Requests","domain":"requests.example.org"}}`).text("id")
			p.must("PUT", "/crm/v4/objects/contacts/"+contact+"/associations/default/companies/"+company, "")
			fill := strings.NewReplacer("{contact}", contact, "{company}", company)
			got := p.do(tc.method, fill.Replace(tc.path), fill.Replace(tc.body))
			if got.status != tc.status || !strings.Contains(got.raw, fill.Replace(tc.want)) {
				t.Errorf("%s %s: %d %.300s; want %d with %s", tc.method, tc.path, got.status, got.raw, tc.status, tc.want)
			}
		})
	}
}

// TestLegacyAssociationEnds: v3 knows one association between two records, so that taking it away leaves none.
func TestLegacyAssociationEnds(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Seed: 3})
	contact := p.contact(`{"email":"ends@example.org"}`)
	company := p.must("POST", "/crm/v3/objects/companies", `{"properties":{"name":"Ends"}}`).text("id")
	one := "/crm/v3/objects/contacts/" + contact + "/associations/companies/"
	p.must("PUT", one+company+"/contact_to_company", "")
	if got := p.must("GET", "/crm/v3/objects/contacts/"+contact+"?properties=associatedcompanyid", "").text("properties", "associatedcompanyid"); got != company {
		t.Errorf("associatedcompanyid %q, want %q", got, company)
	}
	p.must("DELETE", one+company+"/contact_to_company", "")
	if got := p.must("GET", strings.TrimSuffix(one, "/"), ""); got.len("results") != 0 {
		t.Errorf("left: %s", got.raw)
	}
}

// TestAssociationsArePaged: the reading of one record's associations has pages of the size that was asked for.
func TestAssociationsArePaged(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Seed: 3})
	contact := p.contact(`{"email":"paged@example.org"}`)
	for i := range 5 {
		company := p.must("POST", "/crm/v3/objects/companies", fmt.Sprintf(`{"properties":{"name":"Paged %d"}}`, i)).text("id")
		p.must("PUT", "/crm/v4/objects/contacts/"+contact+"/associations/default/companies/"+company, "")
	}
	seen, after := 0, ""
	for range 4 {
		page := p.must("GET", "/crm/v4/objects/contacts/"+contact+"/associations/companies?limit=2"+after, "")
		seen += page.len("results")
		next := page.text("paging", "next", "after")
		if next == "" {
			break
		}
		after = "&after=" + next
	}
	if seen != 5 {
		t.Errorf("%d associations in all pages, want 5", seen)
	}
}

// TestTokensAreAskedAbout: the first version's questions about tokens, which need no other proof.
func TestTokensAreAskedAbout(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Seed: 3})
	cred := p.sim.Credentials()
	form := "grant_type=%s&client_id=" + cred.ClientID + "&client_secret=" + cred.ClientSecret + "&refresh_token=" + cred.RefreshToken + "&code=x"
	if got := p.as("", "POST", "/oauth/v1/token", fmt.Sprintf(form, "authorization_code")); got.status != http.StatusBadRequest || got.text("status") != "BAD_AUTH_CODE" {
		t.Errorf("a code that was never given: %d %s", got.status, got.raw)
	}
	access := p.as("", "POST", "/oauth/v1/token", fmt.Sprintf(form, "refresh_token")).text("access_token")
	for _, tc := range []struct {
		path   string
		status int
		kind   string
	}{
		{"access-tokens/" + access, 200, "access"},
		{"refresh-tokens/" + cred.RefreshToken, 200, "refresh"},
		{"refresh-tokens/" + access, 404, ""},
		{"access-tokens/nothing", 404, ""},
	} {
		if got := p.as("", "GET", "/oauth/v1/"+tc.path, ""); got.status != tc.status || got.text("token_type") != tc.kind {
			t.Errorf("%s: %d %s", tc.path, got.status, got.raw)
		}
	}
	if got := p.as("", "DELETE", "/oauth/v1/refresh-tokens/"+cred.RefreshToken, ""); got.status != http.StatusNoContent {
		t.Errorf("revoking: %d %s", got.status, got.raw)
	}
	if got := p.as(access, "GET", "/crm/v3/owners", ""); got.status != http.StatusUnauthorized {
		t.Errorf("after revoking: %d", got.status)
	}
}

// TestSamplesOfTheManual writes what the manual's samples write: the properties they name are every portal's.
func TestSamplesOfTheManual(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Seed: 3})
	for object, properties := range map[string]string{
		"contacts":  `{"email":"sample@example.org","firstname":"Ann","lastname":"Lee","phone":"(555) 555-5555","company":"Example","website":"example.org","lifecyclestage":"marketingqualifiedlead","salutation":"Ms","numemployees":"5-25"}`,
		"companies": `{"name":"Example","domain":"example.org","city":"Cambridge","phone":"555-555-555","state":"Massachusetts","description":"Makes things","type":"PROSPECT","founded_year":"1999","linkedin_company_page":"x"}`,
		"deals":     `{"amount":"1500.00","closedate":"2026-12-07T16:50:06.678Z","dealname":"New deal","pipeline":"default","dealstage":"contractsent","hs_priority":"high","closed_lost_reason":"None"}`,
		"tickets":   `{"hs_pipeline":"0","hs_pipeline_stage":"1","hs_ticket_priority":"HIGH","hs_ticket_category":"BILLING_ISSUE;PRODUCT_ISSUE","subject":"Troubleshoot report","source_type":"EMAIL"}`,
		"tasks":     `{"hs_timestamp":"2026-10-30T03:30:17.883Z","hs_task_body":"Send proposal","hs_task_subject":"Follow-up","hs_task_status":"WAITING","hs_task_priority":"HIGH","hs_task_type":"CALL"}`,
		"notes":     `{"hs_timestamp":"2026-10-30T03:30:17.883Z","hs_note_body":"Spoke with decision maker","hs_attachment_ids":"24332474034;24332474044"}`,
		"calls":     `{"hs_timestamp":"2026-03-17T01:32:44.872Z","hs_call_title":"Support call","hs_call_body":"Resolved issue","hs_call_duration":"3800","hs_call_from_number":"(857) 829 5489","hs_call_to_number":"(509) 999 9999","hs_call_recording_url":"https://example.com/recordings/abc","hs_call_status":"COMPLETED"}`,
		"meetings":  `{"hs_timestamp":"2026-10-30T03:30:17.883Z","hs_meeting_title":"Intro meeting","hs_meeting_body":"The first meeting","hs_internal_meeting_notes":"These are the notes","hs_meeting_external_url":"https://example.com/0","hs_meeting_location":"Remote","hs_meeting_start_time":"2026-03-23T01:02:44.872Z","hs_meeting_end_time":"2026-03-23T01:52:44.872Z","hs_meeting_outcome":"SCHEDULED","hs_activity_type":"New client meeting"}`,
		"emails":    `{"hs_timestamp":"2026-10-30T03:30:17.883Z","hs_email_direction":"EMAIL","hs_email_status":"SENT","hs_email_subject":"Let's talk","hs_email_text":"Thanks for your interest","hs_email_headers":"{\"from\":{\"email\":\"from@domain.com\"}}"}`,
	} {
		t.Run(object, func(t *testing.T) {
			t.Parallel()
			if got := p.do("POST", "/crm/v3/objects/"+object, `{"properties":`+properties+`}`); got.status != http.StatusCreated {
				t.Errorf("%d %.400s", got.status, got.raw)
			}
		})
	}
}

// TestPathsOfOtherVersions holds that a path is one version's alone: a date stands behind the family and a number
// before it, and v3's associations have names where those after it have labels and defaults. v4's labels are reached
// either way.
func TestPathsOfOtherVersions(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Seed: 3})
	contact := p.contact(`{"email":"paths@example.org"}`)
	const plain = `[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]`
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/crm/2026-09/objects/contacts", "", 404},
		{"GET", "/crm/2026-03/owners", "", 404},
		{"GET", "/crm/2026-09/properties/contacts", "", 404},
		{"GET", "/crm/objects/v3/contacts", "", 404},
		{"PUT", "/crm/v3/objects/contacts/{contact}/associations/default/companies/11", "", 400},
		{"PUT", "/crm/v3/objects/contacts/{contact}/associations/companies/11", plain, 404},
		{"DELETE", "/crm/v3/objects/contacts/{contact}/associations/companies/11", "", 404},
		{"DELETE", "/crm/objects/2026-09/contacts/{contact}/associations/default/companies/11", "", 404},
		{"GET", "/crm/v3/associations/contacts/companies/labels", "", 404},
		{"POST", "/crm/v3/associations/contacts/companies/labels", `{"label":"Buyer","name":"buyer"}`, 404},
		{"GET", "/crm/v4/associations/contacts/companies/types", "", 404},
		{"GET", "/crm/v4/associations/contacts/companies/labels", "", 200},
		{"GET", "/crm/associations/v4/contacts/companies/labels", "", 200},
		{"POST", "/crm/associations/v4/contacts/companies/labels", `{"label":"Buyer","name":"buyer"}`, 200},
		{"PUT", "/crm/associations/v4/contacts/companies/labels", `{"associationTypeId":100001,"label":"Payer"}`, 204},
		{"DELETE", "/crm/associations/v4/contacts/companies/labels/100001", "", 204},
		{"GET", "/crm/associations/v3/contacts/companies/labels", "", 404},
		{"POST", "/crm/associations/v4/contacts/companies/batch/read", `{"inputs":[]}`, 404},
		{"GET", "/crm/objects/v4/contacts", "", 404},
		{"PUT", "/crm/v4/objects/contacts/{contact}/associations/default/companies/11", "", 200},
		{"PUT", "/crm/v4/objects/contacts/{contact}/associations/companies/11", plain, 201},
	} {
		if got := p.do(tc.method, strings.Replace(tc.path, "{contact}", contact, 1), tc.body); got.status != tc.status {
			t.Errorf("%s %s: %d %.200s; want %d", tc.method, tc.path, got.status, got.raw, tc.status)
		}
	}
}

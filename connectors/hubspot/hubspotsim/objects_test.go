package hubspotsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

const contacts = "/crm/objects/2026-09/contacts"

// TestRefusals lists what the portal refuses.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		says                     string // part of the answer
	}{
		{"unknown property in a write", "POST", contacts, `{"properties":{"shoe_size":"43"}}`, 400, "PROPERTY_DOESNT_EXIST"},
		{"read-only property", "POST", contacts, `{"properties":{"recent_conversion_event_name":"x"}}`, 400, "READ_ONLY_VALUE"},
		{"the id is read-only", "PATCH", contacts + "/ID", `{"properties":{"hs_object_id":"5"}}`, 400, "READ_ONLY_VALUE"},
		{"enum option in another case", "PATCH", contacts + "/ID", `{"properties":{"hs_lead_status":"new"}}`, 400, "INVALID_OPTION"},
		{"bool that is no bool", "PATCH", contacts + "/ID", `{"properties":{"handoff_breached":"yes"}}`, 400, "INVALID_OPTION"},
		{"number that is none", "PATCH", contacts + "/ID", `{"properties":{"handoff_touch_attempts":"two"}}`, 400, "INVALID_LONG"},
		{"date that is none", "PATCH", contacts + "/ID", `{"properties":{"handoff_accept_by":"tomorrow"}}`, 400, "INVALID_DATE"},
		{"owner by user id", "PATCH", contacts + "/ID", `{"properties":{"hubspot_owner_id":"4100001"}}`, 400, "INVALID_OWNER_ID"},
		{"e-mail that is none", "POST", contacts, `{"properties":{"email":"nobody"}}`, 400, "INVALID_EMAIL"},
		{"e-mail on a machine", "POST", contacts, `{"properties":{"email":"ann.lee@localhost"}}`, 400, "INVALID_EMAIL"},
		{"e-mail at a number", "POST", contacts, `{"properties":{"email":"ann@[127.0.0.1]"}}`, 400, "INVALID_EMAIL"},
		{"e-mail in a domain of one letter", "POST", contacts, `{"properties":{"email":"ann@acme.c"}}`, 400, "INVALID_EMAIL"},
		{"hexadecimal number", "PATCH", contacts + "/ID", `{"properties":{"handoff_touch_attempts":"0x1p4"}}`, 400, "INVALID_LONG"},
		{"infinite number", "PATCH", contacts + "/ID", `{"properties":{"handoff_touch_attempts":"Infinity"}}`, 400, "INVALID_LONG"},
		{"search for what is no number", "POST", contacts + "/search", `{"filterGroups":[{"filters":[{"propertyName":"num_notes","operator":"GT","value":"NaN"}]}]}`, 400, "does not fit"},
		{"known e-mail", "POST", contacts, `{"properties":{"email":"Known@Example.org"}}`, 409, "Contact already exists. Existing ID: ID"},
		{"e-mail of another contact", "PATCH", contacts + "/ID", `{"properties":{"email":"other@example.org"}}`, 409, "CONFLICT"},
		{"object as a value", "POST", contacts, `{"properties":{"firstname":{"a":1}}}`, 400, "cannot deserialize value of type `java.lang.String` from Object value\",\"corr"},
		{"text for a list", "POST", contacts + "/batch/read", `{"inputs":"1"}`, 400, "column 1: Cannot deserialize the value at /inputs\""},
		{"broken JSON", "POST", contacts, `{"properties":`, 400, "Invalid input JSON"},
		{"update of nothing", "PATCH", contacts + "/ID", `{"properties":{}}`, 400, `"message":"No properties found to update, please provide at least one."`},
		{"update whose properties stand bare", "PATCH", contacts + "/ID", `{"firstname":"Ann"}`, 400, `"context":{"properties":["{}"]}`},
		{"create whose properties stand bare", "POST", contacts, `{"email":"bare@example.org"}`, 400, "required fields were not set: [properties]"},
		{"properties in another case", "POST", contacts, `{"Properties":{"email":"case@example.org"}}`, 400, "required fields were not set: [properties]"},
		{"no owners at a time", "GET", "/crm/owners/2026-09?limit=0", "", 400, "limit"},
		{"batch create whose properties stand bare", "POST", contacts + "/batch/create", `{"inputs":[{"email":"bare@example.org"}]}`, 400, "required fields were not set: [properties]"},
		{"contact without e-mail and name", "POST", contacts, `{"properties":{"phone":"1"}}`, 400, "MISSING_REQUIRED_PROPERTY"},
		{"company without name or domain", "POST", "/crm/v3/objects/companies", `{"properties":{"city":"Rome"}}`, 400, "MISSING_REQUIRED_PROPERTY"},
		{"industry by label", "POST", "/crm/v3/objects/companies", `{"properties":{"name":"x","industry":"Computer Software"}}`, 400, "INVALID_OPTION"},
		{"deal without a stage", "POST", "/crm/v3/objects/deals", `{"properties":{"dealname":"x","pipeline":"default"}}`, 400, "dealstage"},
		{"stage by label", "POST", "/crm/v3/objects/deals", `{"properties":{"dealname":"x","pipeline":"default","dealstage":"Closed Won"}}`, 400, "not a stage"},
		{"stage of another pipeline", "POST", "/crm/v3/objects/deals", `{"properties":{"dealname":"x","pipeline":"2201877","dealstage":"closedwon"}}`, 400, "not a stage"},
		{"task without due date", "POST", "/crm/v3/objects/tasks", `{"properties":{"hs_task_subject":"call"}}`, 400, "hs_timestamp"},
		{"association in the wrong direction", "POST", "/crm/v3/objects/tasks", taskBody("203", "ID"), 400, "does not start at task"},
		{"association to the wrong kind", "POST", "/crm/v3/objects/tasks", taskBody("192", "ID"), 400, "no company has id"},
		{"association to nobody", "POST", "/crm/v3/objects/tasks", taskBody("204", "999999"), 400, "no contact has id"},
		{"merge of one", "POST", contacts + "/merge", `{"primaryObjectId":"ID"}`, 400, "required fields were not set: [objectIdToMerge]"},
		{"merge into none", "POST", contacts + "/merge", `{"objectIdToMerge":"ID"}`, 400, "required fields were not set: [primaryObjectId]"},
		{"privacy deletion of nobody", "POST", contacts + "/gdpr-delete", `{"idProperty":"email"}`, 400, "required fields were not set: [objectId]"},
		{"owner by what is no id", "GET", "/crm/owners/2026-09/1?idProperty=email", "", 400, "idProperty"},
		{"unknown type", "GET", "/crm/objects/2026-09/gadgets", "", 400, "Unable to infer"},
		{"unknown version", "GET", "/crm/objects/2026-06/contacts", "", 404, ""},
		{"unknown id", "GET", contacts + "/999999", "", 404, "OBJECT_NOT_FOUND"},
		{"an e-mail without idProperty", "GET", contacts + "/known@example.org", "", 404, "OBJECT_NOT_FOUND"},
		{"idProperty that is not unique", "GET", contacts + "/x?idProperty=lastname", "", 400, "non-unique"},
		{"page above 100", "GET", contacts + "?limit=101", "", 400, "limit"},
		{"page above 50 with history", "GET", contacts + "?limit=51&propertiesWithHistory=email", "", 400, "limit"},
		{"URL too long", "GET", contacts + "?properties=" + strings.Repeat("a,", 9000), "", 414, ""},
		{"batch above 100", "POST", contacts + "/batch/read", `{"inputs":[` + strings.Repeat(`{"id":"1"},`, 100) + `{"id":"1"}]}`, 400, "between 1 and 100"},
		{"empty batch", "POST", contacts + "/batch/read", `{"inputs":[]}`, 400, "between 1 and 100"},
		{"batch update by e-mail", "POST", contacts + "/batch/update", `{"inputs":[{"id":"known@example.org","idProperty":"email","properties":{}}]}`, 400, "non-unique 0-1 property"},
		{"one id twice in an update", "POST", contacts + "/batch/update", `{"inputs":[{"id":"ID","properties":{}},{"id":"ID","properties":{}}]}`, 400, "Duplicate IDs"},
		{"upsert without idProperty", "POST", contacts + "/batch/upsert", `{"inputs":[{"id":"x","properties":{}}]}`, 400, "idProperty is required"},
		{"upsert of tasks by a plain property", "POST", "/crm/v3/objects/tasks/batch/upsert", `{"inputs":[{"id":"x","idProperty":"handoff_key","properties":{}}]}`, 400, "non-unique"},
		{"existing property", "POST", "/crm/properties/2026-09/contacts", `{"name":"intent_signal","label":"x","type":"string","fieldType":"text","groupName":"handoff"}`, 409, "PROPERTY_WITH_NAME_EXISTS"},
		{"property that starts with a digit", "POST", "/crm/properties/2026-09/contacts", `{"name":"1st","label":"x","type":"string","fieldType":"text","groupName":"handoff"}`, 400, "starts with a letter"},
		{"property with a sign in its name", "POST", "/crm/properties/2026-09/contacts", `{"name":"a+b","label":"x","type":"string","fieldType":"text","groupName":"handoff"}`, 400, "underscores"},
		{"enumeration of nothing", "POST", "/crm/properties/2026-09/contacts", `{"name":"p1","label":"x","type":"enumeration","fieldType":"select","groupName":"handoff"}`, 400, "needs options"},
		{"a list that is put", "PUT", contacts, `{}`, 405, "PUT is not allowed"},
		{"a batch that is got", "GET", contacts + "/batch/read", "", 405, "GET is not allowed"},
		{"property in an unknown group", "POST", "/crm/properties/2026-09/contacts", `{"name":"p1","label":"x","type":"string","fieldType":"text","groupName":"nowhere"}`, 400, "nowhere"},
		{"unique property on tasks", "POST", "/crm/properties/2026-09/tasks", `{"name":"p1","label":"x","type":"string","fieldType":"text","groupName":"handoff","hasUniqueValue":true}`, 400, "hasUniqueValue"},
		{"unknown property definition", "GET", "/crm/properties/2026-09/contacts/nothing", "", 404, "OBJECT_NOT_FOUND"},
		{"merging tasks", "POST", "/crm/v3/objects/tasks/merge", `{"primaryObjectId":"1","objectIdToMerge":"2"}`, 404, ""},
		{"read of one association in 2026-09", "GET", contacts + "/ID/associations/companies", "", 404, ""},
		{"v5 for objects", "GET", "/crm/v5/objects/contacts", "", 404, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, hubspotsim.Config{})
			id := p.contact(`{"email":"known@example.org"}`)
			p.contact(`{"email":"other@example.org"}`)
			fill := func(s string) string { return strings.ReplaceAll(s, "ID", id) }
			path := tc.path
			if strings.Contains(path, "/ID") {
				path = fill(path)
			}
			a := p.do(tc.method, path, strings.ReplaceAll(tc.body, `"ID"`, `"`+id+`"`))
			says := tc.says
			if strings.HasSuffix(says, ": ID") {
				says = strings.TrimSuffix(says, "ID") + id
			}
			if a.status != tc.status || !strings.Contains(a.raw, says) {
				t.Errorf("got %d %s, want %d with %q", a.status, a.raw, tc.status, says)
			}
			if tc.status != 414 && a.text("correlationId") == "" {
				t.Errorf("no correlation id in %s", a.raw)
			}
		})
	}
}

func taskBody(linkType, id string) string {
	return fmt.Sprintf(`{"properties":{"hs_timestamp":"2026-03-20T13:04:00Z"},"associations":[{"to":{"id":"%s"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":%s}]}]}`, id, linkType)
}

func TestUnauthorized(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	for _, token := range []string{"", "pat-na1-wrong"} {
		if a := p.as(token, "GET", contacts, ""); a.status != 401 || a.text("category") != "INVALID_AUTHENTICATION" {
			t.Errorf("token %q: got %d %s", token, a.status, a.raw)
		}
	}
}

func TestOAuth(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	c := p.sim.Credentials()
	form := "grant_type=refresh_token&client_id=" + c.ClientID + "&client_secret=" + c.ClientSecret + "&refresh_token="
	for _, version := range []string{"2026-09", "2026-03", "v3", "v1"} {
		a := p.as("", "POST", "/oauth/"+version+"/token", form+c.RefreshToken)
		if a.status != 200 || a.text("token_type") != "bearer" || a.at("expires_in") != 1800.0 {
			t.Fatalf("%s: %d %s", version, a.status, a.raw)
		}
		got := p.as(a.text("access_token"), "GET", contacts, "")
		if got.status != 200 || got.header.Get("X-HubSpot-RateLimit-Max") != "110" || got.header.Get("X-HubSpot-RateLimit-Daily") != "" {
			t.Errorf("%s: an OAuth app's call: %d %v", version, got.status, got.header)
		}
	}
	if a := p.as("", "POST", "/oauth/2026-09/token", form+"stale"); a.status != 400 || a.text("error") != "invalid_grant" || a.text("status") != "BAD_REFRESH_TOKEN" {
		t.Errorf("revoked refresh token: %d %s", a.status, a.raw)
	}
	if a := p.as("", "POST", "/oauth/2026-09/token?"+form+c.RefreshToken, ""); a.status != 400 || a.text("error") != "invalid_client" {
		t.Errorf("secrets in the query: %d %s", a.status, a.raw)
	}
}

// TestValues holds how values come back: texts, instants in ISO, null for unset, unknown ones dropped.
func TestValues(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	id := p.contact(`{"email":"Ann@Example.ORG","handoff_touch_attempts":3,"handoff_breached":true,"handoff_accept_by":"1700000000120","products_of_interest":"Core","firstname":null}`)
	p.must("PATCH", "/crm/v3/objects/contacts/"+id, `{"properties":{"products_of_interest":";Services"}}`)
	a := p.must("GET", contacts+"/ann@example.org?idProperty=email&properties=handoff_touch_attempts,handoff_breached,handoff_accept_by&properties=products_of_interest,firstname,nonsense", "")
	for name, want := range map[string]any{
		"handoff_touch_attempts": "3", "handoff_breached": "true", "handoff_accept_by": "2023-11-14T22:13:20.120Z",
		"products_of_interest": "Core;Services", "firstname": nil, "hs_object_id": id,
	} {
		if got := a.at("properties", name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	props, _ := a.at("properties").(map[string]any)
	if _, there := props["nonsense"]; there || len(props) != 8 {
		t.Errorf("unknown property not dropped: %s", a.raw)
	}
}

func TestLifecycleOnlyForward(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	id := p.contact(`{"email":"a@example.org","lifecyclestage":"opportunity"}`)
	stage := func() string {
		return p.must("GET", contacts+"/"+id+"?properties=lifecyclestage", "").text("properties", "lifecyclestage")
	}
	for _, step := range []struct{ set, want string }{
		{"lead", "opportunity"}, {"customer", "customer"}, {"", ""}, {"lead", "lead"},
	} {
		p.must("PATCH", contacts+"/"+id, `{"properties":{"lifecyclestage":"`+step.set+`"}}`)
		if got := stage(); got != step.want {
			t.Errorf("after %q: got %q, want %q", step.set, got, step.want)
		}
	}
}

// TestListPaging holds that after is the id of the next record, order is by id as a number, and the
// recycle bin is a list of its own.
func TestListPaging(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	var ids []string
	for i := range 130 { // ids pass from three to four digits
		ids = append(ids, p.contact(fmt.Sprintf(`{"email":"c%d@example.org"}`, i)))
	}
	p.must("DELETE", contacts+"/"+ids[3], "")
	var got []string
	after := ""
	for {
		a := p.must("GET", contacts+"?limit=50&after="+after, "")
		for i := range a.len("results") {
			got = append(got, a.text("results", i, "id"))
		}
		if after = a.text("paging", "next", "after"); after == "" {
			break
		}
		if want := ids[len(got)+1]; after != want {
			t.Fatalf("after: got %s, want the next record's id %s", after, want)
		}
	}
	want := append(append([]string{}, ids[:3]...), ids[4:]...)
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
	if a := p.must("GET", contacts+"?archived=true", ""); a.len("results") != 1 || a.text("results", 0, "id") != ids[3] || a.text("results", 0, "archivedAt") == "" {
		t.Errorf("recycle bin: %s", a.raw)
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	if err := p.sim.Load([]byte(`{"owners":[{"id":"1234","fields":{"email":"gone@example.com"},"archived":true}]}`)); err != nil {
		t.Fatal(err)
	}
	a := p.must("GET", "/crm/owners/2026-09?limit=10", "")
	if a.len("results") != 10 || a.text("paging", "next", "after") == "" || a.text("results", 0, "id") == fmt.Sprint(a.at("results", 0, "userId")) {
		t.Errorf("list: %s", a.raw)
	}
	if a := p.must("GET", "/crm/v3/owners?email=gone@example.com", ""); a.len("results") != 0 {
		t.Errorf("a deactivated user is listed: %s", a.raw)
	}
	if a := p.must("GET", "/crm/v3/owners?archived=true", ""); a.len("results") != 1 || a.at("results", 0, "userId") != nil {
		t.Errorf("archived: %s", a.raw)
	}
	id := p.contact(`{"email":"a@example.org"}`)
	if a := p.do("PATCH", contacts+"/"+id, `{"properties":{"hubspot_owner_id":"1234"}}`); a.status != 400 || !strings.Contains(a.raw, "INVALID_OWNER_ID") {
		t.Errorf("a deactivated owner was taken: %d %s", a.status, a.raw)
	}
	p.must("PATCH", contacts+"/"+id, `{"properties":{"hubspot_owner_id":"`+p.owner("ana")+`"}}`)
	if a := p.must("GET", contacts+"/"+id+"?properties=hubspot_owner_assigneddate", ""); a.text("properties", "hubspot_owner_assigneddate") == "" {
		t.Errorf("no date of assignment: %s", a.raw)
	}
}

func TestPipelinesAndAccount(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	a := p.must("GET", "/crm/pipelines/2026-09/deals", "")
	if a.text("results", 0, "label") != "Sales" || a.text("results", 0, "stages", 1, "label") != "Meeting booked" || a.text("results", 0, "stages", 1, "id") != "1048231" {
		t.Errorf("pipelines: %s", a.raw)
	}
	a = p.must("GET", "/account-info/2026-09/details", "")
	if fmt.Sprintf("%.0f", a.at("portalId")) != p.sim.Credentials().PortalID || a.text("timeZone") != "America/New_York" {
		t.Errorf("details: %s", a.raw)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{UniqueTasks: true})
	const base = "/crm/properties/2026-09/contacts"
	p.must("POST", base+"/groups", `{"name":"mine","label":"Mine"}`)
	if a := p.do("POST", base+"/groups", `{"name":"mine","label":"Mine"}`); a.status != 409 {
		t.Errorf("group twice: %d", a.status)
	}
	body := `{"name":"colour","label":"Colour","type":"enumeration","fieldType":"select","groupName":"mine","options":[{"label":"Red","value":"red"}]}`
	if a := p.must("POST", base, body); a.status != 201 {
		t.Errorf("create: %d", a.status)
	}
	p.must("PATCH", base+"/colour", `{"options":[{"label":"Blue","value":"blue"}]}`)
	if a := p.do("POST", contacts, `{"properties":{"colour":"red"}}`); a.status != 400 {
		t.Errorf("a replaced option was taken: %d", a.status)
	}
	p.must("DELETE", base+"/colour", "")
	if a := p.do("POST", contacts, `{"properties":{"colour":"blue"}}`); a.status != 400 || !strings.Contains(a.raw, "PROPERTY_DOESNT_EXIST") {
		t.Errorf("an archived property was taken: %d %s", a.status, a.raw)
	}
	if a := p.do("POST", base, body); a.status != 201 {
		t.Errorf("restoring by POST: %d %s", a.status, a.raw)
	}
	seen := map[string]bool{}
	a := p.must("GET", base, "")
	for i := range a.len("results") {
		seen[a.text("results", i, "name")] = true
		if a.text("results", i, "name") == "recent_conversion_date" && a.at("results", i, "modificationMetadata", "readOnlyValue") != true {
			t.Errorf("recent_conversion_date is writable")
		}
	}
	for _, name := range strings.Fields(`email firstname lastname jobtitle phone mobilephone country zip hs_analytics_source
		recent_conversion_event_name recent_conversion_date intent_signal primary_business_problem buying_timeline hs_lead_status hs_buying_role hs_email_domain company lifecyclestage
		hubspot_owner_id handoff_status handoff_return_reason handoff_accept_by handoff_touch_by handoff_why handoff_decision_id`) {
		if !seen[name] {
			t.Errorf("contacts lack %s", name)
		}
	}
	if a := p.must("GET", "/crm/properties/2026-09/tasks/handoff_key", ""); a.at("hasUniqueValue") != true {
		t.Errorf("handoff_key is not unique: %s", a.raw)
	}
}

func TestHistoryOfOneProperty(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	id := p.contact(`{"email":"a@example.org","firstname":"A"}`)
	p.edit("update", "contacts", id, map[string]any{"firstname": "B"})
	a := p.must("GET", contacts+"/"+id+"?propertiesWithHistory=firstname", "")
	if a.text("propertiesWithHistory", "firstname", 0, "value") != "B" || a.text("propertiesWithHistory", "firstname", 0, "sourceType") != "CRM_UI" ||
		a.text("propertiesWithHistory", "firstname", 1, "sourceType") != "INTEGRATION" {
		t.Errorf("history: %s", a.raw)
	}
}

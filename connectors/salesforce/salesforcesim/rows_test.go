package salesforcesim

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestWriteRefusals is the table of what a strict org refuses on create.
func TestWriteRefusals(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{UniqueTasks: true})
	lead := c.create("Lead", `{"LastName":"Base","Company":"Base Co","Handoff_Id__c":"Key1"}`)
	account := c.create("Account", `{"Name":"Base Account"}`)
	gone := c.create("Lead", `{"LastName":"Gone","Company":"Gone Co"}`)
	c.do("DELETE", "sobjects/Lead/"+gone, "")
	c.create("Task", `{"Subject":"x","Handoff_Key__c":"k1"}`)
	queue := c.rows("SELECT Id FROM Group WHERE DeveloperName = 'SDR_US'")[0]["Id"].(string)
	leadsOnly := c.rows("SELECT Id FROM Group WHERE DeveloperName = 'Inbound_Leads'")[0]["Id"].(string)
	if _, err := c.sim.Edit(simhttp.Edit{Object: "User", Op: "update", ID: c.user("kim"), Fields: map[string]any{"IsActive": false}}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ object, body, code, part string }{
		{"Lead", `{"Company":"X"}`, "REQUIRED_FIELD_MISSING", "[LastName]"},
		{"Lead", `{}`, "REQUIRED_FIELD_MISSING", "[LastName, Company]"},
		{"Lead", `{"LastName":"  ","Company":"X"}`, "REQUIRED_FIELD_MISSING", "LastName"},
		{"Lead", `{"LastName":"X","Company":"X","Nope__c":1}`, "INVALID_FIELD", "No such column 'Nope__c' on sobject of type Lead"},
		{"Lead", `{"LastName":"X","Company":"X","Name":"X"}`, "INVALID_FIELD_FOR_INSERT_UPDATE", "Name"},
		{"Lead", `{"LastName":"X","Company":"X","SystemModstamp":"2026-01-01T00:00:00Z"}`, "INVALID_FIELD_FOR_INSERT_UPDATE", "SystemModstamp"},
		{"Lead", `{"LastName":"X","Company":"X","IsConverted":true}`, "INVALID_FIELD_FOR_INSERT_UPDATE", "IsConverted"},
		{"Lead", `{"LastName":"` + strings.Repeat("x", 81) + `","Company":"X"}`, "STRING_TOO_LONG", "max length=80"},
		{"Lead", `{"LastName":"X","Company":"X","Email":"not mail"}`, "INVALID_EMAIL_ADDRESS", "not mail"},
		{"Lead", `{"LastName":"X","Company":"X","Email":"ada@localhost"}`, "INVALID_EMAIL_ADDRESS", "ada@localhost"},
		{"Lead", `{"LastName":"X","Company":"X","Email":"ada@[127.0.0.1]"}`, "INVALID_EMAIL_ADDRESS", "ada@[127.0.0.1]"},
		{"Lead", `{"LastName":"X","Company":"X","Email":"ädä@acme.example"}`, "INVALID_EMAIL_ADDRESS", "ädä"},
		{"Lead", `{"LastName":"X","Company":"X","Email":"ada@acme_co.example"}`, "INVALID_EMAIL_ADDRESS", "acme_co"},
		{"Lead", `{"LastName":"X","Company":"X","Handoff_Status__c":"Started"}`, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: Started"},
		{"Lead", `{"LastName":5,"Company":"X"}`, "JSON_PARSER_ERROR", "VALUE_NUMBER_INT"},
		{"Lead", `{"LastName":"X","Company":"X","HasOptedOutOfEmail":"yes"}`, "JSON_PARSER_ERROR", "boolean"},
		{"Lead", `{"LastName":"X","Company":"X","Handoff_Accept_By__c":"2026-11-20"}`, "JSON_PARSER_ERROR", "datetime"},
		{"Lead", `{"LastName":"X","Company":"X","Handoff_Accept_By__c":"2026-11-20T10:00:00 0100"}`, "JSON_PARSER_ERROR", "datetime"},
		{"Lead", `{"LastName":"X","Company":"X","Handoff_Accept_By__c":"0001-01-01T00:00:00Z"}`, "FIELD_INTEGRITY_EXCEPTION", "invalid date"},
		{"Contact", `{"LastName":"X","Birthdate":"4001-01-01"}`, "FIELD_INTEGRITY_EXCEPTION", "invalid date"},
		{"Lead", `{"LastName":"X","Company":"X","NumberOfEmployees":1.5}`, "JSON_PARSER_ERROR", "int"},
		{"Lead", `{"LastName":"X","Company":"X","NumberOfEmployees":123456789}`, "NUMBER_OUTSIDE_VALID_RANGE", "123456789"},
		{"Lead", `{"LastName":"X","Company":"X","NumberOfEmployees":99999999999}`, "JSON_PARSER_ERROR", "int"},
		{"Lead", `{"LastName":`, "JSON_PARSER_ERROR", ""},
		{"Lead", `{"LastName":"X","Company":"X","Handoff_Id__c":"KEY1"}`, "DUPLICATE_VALUE", "duplicate value found: Handoff_Id__c duplicates value on record with id: " + lead},
		{"Lead", `{"LastName":"X","Company":"X","OwnerId":"005xx"}`, "MALFORMED_ID", "005xx"},
		{"Lead", `{"LastName":"X","Company":"X","OwnerId":"005dL0000zzzzzz"}`, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"},
		{"Lead", `{"LastName":"X","Company":"X","OwnerId":"` + c.user("kim") + `"}`, "INACTIVE_OWNER_OR_USER", "operation performed with inactive user [" + c.user("kim") + "] as owner of lead"},
		{"Lead", `{"LastName":"X","Company":"X","Status":null}`, "REQUIRED_FIELD_MISSING", "Status"},
		{"Contact", `{"LastName":"X","OwnerId":"` + queue + `"}`, "FIELD_INTEGRITY_EXCEPTION", "id value of incorrect type: " + queue},
		{"Account", `{"Name":"X","OwnerId":"` + queue + `"}`, "FIELD_INTEGRITY_EXCEPTION", queue},
		{"Opportunity", `{"Name":"X","StageName":"Prospecting","CloseDate":"2026-01-01","OwnerId":"` + queue + `"}`, "FIELD_INTEGRITY_EXCEPTION", queue},
		{"Opportunity", `{"Name":"X","StageName":"Prospecting"}`, "REQUIRED_FIELD_MISSING", "CloseDate"},
		{"Contact", `{"LastName":"X","AccountId":"` + lead + `"}`, "FIELD_INTEGRITY_EXCEPTION", lead},
		{"Task", `{"Subject":"X","WhoId":"` + lead + `","WhatId":"` + account + `"}`, "FIELD_INTEGRITY_EXCEPTION", account},
		{"Task", `{"Subject":"X","WhoId":"` + gone + `"}`, "ENTITY_IS_DELETED", gone},
		{"Task", `{"Subject":"X","ActivityDate":"2026-11-20T10:00:00Z"}`, "JSON_PARSER_ERROR", "date"},
		{"Task", `{"Subject":"X","Handoff_Key__c":"K1"}`, "DUPLICATE_VALUE", "Handoff_Key__c"},
		{"Task", `{"Subject":"X","OwnerId":"` + leadsOnly + `"}`, "INVALID_CROSS_REFERENCE_KEY", "Queue not associated with this SObject type"},
		{"Task", `{"Subject":"X","Status":null}`, "REQUIRED_FIELD_MISSING", "Status"},
		{"User", `{"LastName":"X"}`, "INVALID_TYPE_FOR_OPERATION", "User"},
	} {
		a := c.do("POST", "sobjects/"+tc.object, tc.body, "Sforce-Auto-Assign", "FALSE")
		status := http.StatusBadRequest
		if tc.code == "ENTITY_IS_DELETED" {
			status = http.StatusNotFound
		}
		if a.Status < 400 || a.code(t) != tc.code || !strings.Contains(a.Raw, tc.part) || a.Status != http.StatusBadRequest && a.Status != status {
			t.Errorf("%s %s: got %d %s, want %s with %q", tc.object, tc.body, a.Status, a.Raw, tc.code, tc.part)
		}
	}
	c.create("Task", `{"Subject":"queued","OwnerId":"`+queue+`"}`)
	relation := `{"AccountId":"` + account + `","ContactId":"` + c.create("Contact", `{"LastName":"Related"}`) + `"}`
	known := c.create("AccountContactRelation", relation)
	if a := c.do("POST", "sobjects/AccountContactRelation", relation); a.Status != http.StatusBadRequest || a.code(t) != "DUPLICATE_VALUE" || !strings.Contains(a.Raw, known) {
		t.Errorf("a relationship made twice: %d %s", a.Status, a.Raw)
	}
	if a := c.do("PATCH", "sobjects/AccountContactRelation/"+known, `{"Roles":"Evaluator"}`); a.Status != http.StatusNoContent {
		t.Errorf("the relationship itself: %d %s", a.Status, a.Raw)
	}
}

func TestRowLifecycle(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	id := c.create("Lead", `{"LastName":" Trimmed ","Company":"Co","Handoff_Accept_By__c":"2026-11-20T10:00:00.000+0100"}`)
	var got map[string]any
	c.do("GET", "sobjects/Lead/"+id[:15]+"?fields=LastName,Handoff_Accept_By__c", "").into(t, &got)
	delete(got, "attributes")
	want := map[string]any{"Id": id, "LastName": "Trimmed", "Handoff_Accept_By__c": "2026-11-20T09:00:00.000+0000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if a := c.do("PATCH", "sobjects/Lead/"+id, `{"Title":"CEO"}`); a.Status != http.StatusNoContent || a.Raw != "" {
		t.Errorf("update: %d %q, want 204 without a body", a.Status, a.Raw)
	}
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "sobjects/Lead/" + id + "?fields=Nope", "", 400},
		{"PATCH", "sobjects/Lead/" + id, `{"Id":"` + id + `"}`, 400},
		{"PATCH", "sobjects/Lead/" + id, ``, 400},
		{"PATCH", "sobjects/Contact/" + id, `{"Title":"x"}`, 404},
		{"PATCH", "sobjects/Lead/00QdL0000zzzzzz", `{}`, 404},
		{"PATCH", "sobjects/Lead/short", `{}`, 404},
		{"PATCH", "sobjects/User/" + c.user("ana"), `{"Title":"x"}`, 400},
		{"PUT", "sobjects/Lead/" + id, `{}`, 405},
		{"POST", "query?q=x", `{}`, 405},
		{"GET", "sobjects/Leads/describe", "", 404},
		{"GET", "/services/data/v30.0/limits", "", 410},
		{"GET", "/services/data/v69.0/limits", "", 404},
		{"GET", "/services/data/v31.0/limits", "", 200},
		{"GET", "tooling/sobjects", "", 404},
		{"DELETE", "sobjects/Lead/" + id, "", 204},
		{"DELETE", "sobjects/Lead/" + id, "", 404},
		{"GET", "sobjects/Lead/" + id, "", 404},
		{"PATCH", "sobjects/Lead/" + id, `{"Title":"x"}`, 404},
	} {
		if a := c.do(tc.method, tc.path, tc.body); a.Status != tc.status {
			t.Errorf("%s %s: got %d %s, want %d", tc.method, tc.path, a.Status, a.Raw, tc.status)
		}
	}
	other := c.create("Lead", `{"LastName":"L","Company":"C"}`)
	if a := c.do("PATCH", "sobjects/Lead/"+other, `{"id":"`+other+`","Title":"x"}`); a.code(t) != "INVALID_FIELD" {
		t.Errorf("the id in the URL and in the body: %s", a.Raw)
	}
	if n := len(c.rows("SELECT Id FROM Lead WHERE Id = '" + id + "'")); n != 0 {
		t.Errorf("query still finds the deleted lead")
	}
	var all struct{ Records []map[string]any }
	c.do("GET", "queryAll?q=SELECT+Id,IsDeleted+FROM+Lead+WHERE+IsDeleted=true", "").into(t, &all)
	if len(all.Records) != 1 || all.Records[0]["Id"] != id {
		t.Errorf("queryAll: %v, want the deleted lead", all.Records)
	}
}

// TestHierarchies: nothing is its own parent, at whatever distance.
func TestHierarchies(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	top := c.create("Account", `{"Name":"Top"}`)
	low := c.create("Account", `{"Name":"Low","ParentId":"`+top+`"}`)
	boss := c.create("Contact", `{"LastName":"Boss"}`)
	for path, body := range map[string]string{
		"sobjects/Account/" + low:  `{"ParentId":"` + low + `"}`,
		"sobjects/Account/" + top:  `{"ParentId":"` + low + `"}`,
		"sobjects/Contact/" + boss: `{"ReportsToId":"` + boss + `"}`,
	} {
		if a := c.do("PATCH", path, body); a.Status != http.StatusBadRequest || a.code(t) != "CIRCULAR_DEPENDENCY" {
			t.Errorf("%s %s: %d %s", path, body, a.Status, a.Raw)
		}
	}
	if a := c.do("PATCH", "sobjects/Account/"+low, `{"ParentId":"`+top+`"}`); a.Status != http.StatusNoContent {
		t.Errorf("the parent it has: %d %s", a.Status, a.Raw)
	}
}

// TestConditionalUpdate: If-Unmodified-Since compares whole seconds.
func TestConditionalUpdate(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	id := c.create("Lead", `{"LastName":"L","Company":"C"}`)
	at := func(d time.Duration) string {
		return c.sim.byID(id).last()["LastModifiedDate"].(time.Time).Add(d).Format(http.TimeFormat)
	}
	for _, tc := range []struct {
		since  string
		status int
	}{{at(-time.Second), 412}, {at(0), 204}, {at(time.Hour), 204}, {"yesterday", 400}} {
		if a := c.do("PATCH", "sobjects/Lead/"+id, `{"Title":"x"}`, "If-Unmodified-Since", tc.since); a.Status != tc.status {
			t.Errorf("If-Unmodified-Since %s: got %d, want %d", tc.since, a.Status, tc.status)
		}
	}
	if a := c.do("GET", "sobjects/Lead/"+id, "", "If-Modified-Since", at(0)); a.Status != http.StatusNotModified {
		t.Errorf("If-Modified-Since: got %d, want 304", a.Status)
	}
	if a := c.do("GET", "sobjects/Lead/describe", "", "If-Modified-Since", at(0)); a.Status != http.StatusNotModified {
		t.Errorf("describe If-Modified-Since: got %d, want 304", a.Status)
	}
}

func TestUpsertByExternalID(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{UniqueTasks: true})
	for _, email := range []string{"two@x.example", "two@x.example", "one@x.example"} {
		c.create("Lead", `{"LastName":"L","Company":"C","Email":"`+email+`"}`)
	}
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"PATCH", "sobjects/Task/Handoff_Key__c/k1?updateOnly=true", `{"Subject":"s"}`, 404},
		{"GET", "sobjects/Task/Handoff_Key__c/k1", "", 404},
		{"PATCH", "sobjects/Task/Handoff_Key__c/k1", `{"Subject":"s"}`, 201},
		{"PATCH", "sobjects/Task/Handoff_Key__c/K1", `{"Subject":"t"}`, 200},
		{"GET", "sobjects/Task/Handoff_Key__c/k1", "", 200},
		{"PATCH", "sobjects/Task/Handoff_Key__c/k1", `{"Subject":"s","Handoff_Key__c":"k1"}`, 400},
		{"PATCH", "sobjects/Task/Handoff_Key__c/x.inc", `{"Subject":"s"}`, 404},
		{"PATCH", "sobjects/Task/Subject/k1", `{}`, 404},
		{"PATCH", "sobjects/Lead/Email/two@x.example", `{"Title":"x"}`, 300},
		{"PATCH", "sobjects/Lead/Email/one@x.example", `{"Title":"x"}`, 200},
		{"POST", "sobjects/Task", `{"Subject":"s","Handoff_Key__c":"k1"}`, 400},
	} {
		if a := c.do(tc.method, tc.path, tc.body, "Sforce-Auto-Assign", "false"); a.Status != tc.status {
			t.Errorf("%s %s %s: got %d %s, want %d", tc.method, tc.path, tc.body, a.Status, a.Raw, tc.status)
		}
	}
}

// TestAssignmentRule: CAMEL-11919, an update without Sforce-Auto-Assign: FALSE loses the owner.
func TestAssignmentRule(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	ana := c.user("ana")
	id := c.create("Lead", `{"LastName":"L","Company":"C","OwnerId":"`+ana+`"}`)
	owner := func() any { return c.sim.byID(id).last()["OwnerId"] }
	c.do("PATCH", "sobjects/Lead/"+id, `{"Title":"x"}`, "Sforce-Auto-Assign", "FALSE")
	if owner() != ana {
		t.Fatalf("FALSE: owner %v, want ana", owner())
	}
	c.do("PATCH", "sobjects/Lead/"+id, `{"OwnerId":"`+ana+`"}`)
	if owner() != c.sim.rule {
		t.Errorf("default: owner %v, want the rule's queue", owner())
	}
	a := c.do("POST", "sobjects/Contact", `{"LastName":"L","OwnerId":"`+ana+`"}`)
	var made struct{ ID string }
	a.into(t, &made)
	if got := c.sim.byID(made.ID).last()["OwnerId"]; got != ana {
		t.Errorf("contact: owner %v, want ana (no rule on contacts)", got)
	}
}

func TestTaskDerivesFields(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	account := c.create("Account", `{"Name":"A"}`)
	contact := c.create("Contact", `{"LastName":"L","AccountId":"`+account+`"}`)
	id := c.create("Task", `{"Subject":"Call","WhoId":"`+contact+`","ActivityDate":"2026-12-01","Priority":"High"}`)
	got := c.rows("SELECT AccountId, IsClosed, IsHighPriority, CompletedDateTime, ActivityDate, Who.Type, Status FROM Task WHERE Id = '" + id + "'")[0]
	delete(got, "attributes")
	delete(got["Who"].(map[string]any), "attributes")
	want := map[string]any{"AccountId": account, "IsClosed": false, "IsHighPriority": true, "CompletedDateTime": nil, "ActivityDate": "2026-12-01", "Who": map[string]any{"Type": "Contact"}, "Status": "Not Started"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("open task (-want +got):\n%s", diff)
	}
	c.do("PATCH", "sobjects/Task/"+id, `{"Status":"Completed"}`)
	row := c.sim.byID(id).last()
	if row["IsClosed"] != true || row["CompletedDateTime"] == nil {
		t.Errorf("completed: IsClosed %v at %v", row["IsClosed"], row["CompletedDateTime"])
	}
	c.do("PATCH", "sobjects/Task/"+id, `{"WhoId":null}`)
	if got := c.sim.byID(id).last()["AccountId"]; got != nil {
		t.Errorf("AccountId %v of a task that hangs on nobody", got)
	}
	if got := c.sim.byID(contact).last()["LastActivityDate"]; got != date("2026-12-01") {
		t.Errorf("LastActivityDate %v, want the closed task's due date", got)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"001A000000DqI5l":    "001A000000DqI5lIAF", // published example of a 15 and 18 character pair
		"001a000000dqi5lIAF": "001A000000DqI5lIAF",
		"001A000000DqI5lIAF": "001A000000DqI5lIAF",
		"001A000000DqI5lIA":  "", "001A000000DqI5-": "", "": "", "111111111111111AAB": "",
	} {
		if got, ok := normalizeID(in); got != want || ok != (want != "") {
			t.Errorf("normalizeID(%q) = %q, %v; want %q", in, got, ok, want)
		}
	}
}

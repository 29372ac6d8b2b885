package salesforcesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// refusal is a refused call's code and the fields it names.
func (a answer) refusal(t *testing.T) string {
	t.Helper()
	if a.Status < 300 {
		return ""
	}
	var list []struct {
		ErrorCode string
		Fields    []string
	}
	a.into(t, &list)
	return fmt.Sprint(list[0].ErrorCode, list[0].Fields)
}

// TestSetupIsStrict: a document that would mean nothing is refused.
func TestSetupIsStrict(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, doc := range []string{
		`{"flow":[]}`, `[]`, `{"hidden":["Lead.Nope"]}`, `{"hidden":["Title"]}`, `{"no_access":["Nope"]}`, `{"lock_hold":"soon"}`,
		`{"track_history":["Task.Subject"]}`, `{"duplicate_rules":[{"object":"Task","action":"block"}]}`, `{"duplicate_rules":[{"object":"Lead","action":"warn"}]}`,
		`{"flows":[{"name":"F","object":"Lead","on":"delete"}]}`, `{"flows":[{"name":"F","object":"Lead","on":"create","set":{"Nope":1}}]}`,
		`{"validation_rules":[{"object":"User","name":"V"}]}`, `{"assignment":{"to":"Nobody"}}`,
	} {
		if err := c.sim.Setup([]byte(doc)); err == nil {
			t.Errorf("%s was taken", doc)
		}
	}
}

// TestValidationRule: the admin's words come back, on a person's edit too (C15).
func TestValidationRule(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"validation_rules":[{"object":"Lead","name":"Budget","when":{"Status":"Working","Rating":null},"need":["AnnualRevenue"],"message":"Ask for the budget first.","field":"AnnualRevenue"}]}`)
	id := c.create("Lead", `{"LastName":"L","Company":"C"}`)
	for _, tc := range []struct{ body, want string }{
		{`{"Status":"Working"}`, "FIELD_CUSTOM_VALIDATION_EXCEPTION[AnnualRevenue]"},
		{`{"Status":"Working","AnnualRevenue":5}`, ""},
		{`{"AnnualRevenue":null}`, "FIELD_CUSTOM_VALIDATION_EXCEPTION[AnnualRevenue]"},
		{`{"AnnualRevenue":null,"Rating":"Hot"}`, ""},
	} {
		a := c.do("PATCH", "sobjects/Lead/"+id, tc.body, "Sforce-Auto-Assign", "FALSE")
		if got := a.refusal(t); got != tc.want || tc.want != "" && !strings.Contains(a.Raw, "Ask for the budget first.") {
			t.Errorf("%s: %s, want %q", tc.body, a.Raw, tc.want)
		}
	}
	if _, err := c.sim.Edit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, Fields: map[string]any{"Rating": nil}}); err == nil || !strings.Contains(err.Error(), "budget") {
		t.Errorf("a person: %v", err)
	}
	c.setup(`{"validation_rules":[]}`)
	c.mustEdit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, Fields: map[string]any{"Rating": nil}})
}

// TestAssignmentBySetup: the rule takes the owner on creates and updates, on creates only, or not at all (C11).
func TestAssignmentBySetup(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	owner := func(id string) string { return text(c.sim.byID(id).last(), "OwnerId") }
	ana := c.user("ana")
	id := c.create("Lead", `{"LastName":"L","Company":"C"}`)
	patch := func() string {
		c.do("PATCH", "sobjects/Lead/"+id, `{"OwnerId":"`+ana+`"}`)
		return owner(id)
	}
	if got := patch(); got != c.sim.rule {
		t.Errorf("by default: %s", got)
	}
	c.setup(`{"assignment":{"update":false,"to":"ben@example.com","name":"By region"}}`)
	if got := patch(); got != ana {
		t.Errorf("creates only: %s", got)
	}
	var made struct{ ID string }
	c.do("POST", "sobjects/Lead", `{"LastName":"M","Company":"C"}`).into(t, &made)
	if got := owner(made.ID); got != c.user("ben") {
		t.Errorf("to a user: %s", got)
	}
	rule := "SELECT Name, Active FROM AssignmentRule WHERE SobjectType = 'Lead'"
	if rows := c.rows(rule); rows[0]["Active"] != true || rows[0]["Name"] != "By region" {
		t.Errorf("rule %v", rows)
	}
	c.setup(`{"assignment":{"active":false}}`)
	c.do("POST", "sobjects/Lead", `{"LastName":"N","Company":"C","OwnerId":"`+ana+`"}`).into(t, &made)
	if got := owner(made.ID); got != ana || c.rows(rule)[0]["Active"] != false {
		t.Errorf("switched off: %s", got)
	}
}

// TestFlow: a flow runs in the save and as the saver, so that only the ledger knows its hand (C11, C12).
func TestFlow(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	ana, ben := c.user("ana"), c.user("ben")
	id := c.create("Contact", `{"LastName":"L","OwnerId":"`+ana+`"}`)
	c.setup(`{"flows":[{"name":"Take_back","object":"Contact","on":"owner_change","when":{"Department":null},"set":{"OwnerId":"ana@example.com","Title":"Taken"}}]}`)
	from := len(h.Changes())
	c.do("PATCH", "sobjects/Contact/"+id, `{"OwnerId":"`+ben+`"}`, "Sforce-Call-Options", "client=handoffd")
	want := []string{"Contact update api:handoffd OwnerId:" + ana + "->" + ben, "Contact update automation:Take_back OwnerId:" + ben + "->" + ana}
	if diff := cmp.Diff(want, lines(h, from, "OwnerId")); diff != "" {
		t.Error(diff)
	}
	rows := c.rows("SELECT OwnerId, Title, LastModifiedById FROM Contact WHERE Id = '" + id + "'")
	if rows[0]["OwnerId"] != ana || rows[0]["Title"] != "Taken" || rows[0]["LastModifiedById"] != c.sim.caller {
		t.Errorf("row %v", rows)
	}
	c.do("PATCH", "sobjects/Contact/"+id, `{"OwnerId":"`+ben+`","Department":"Sales"}`)
	if got := text(c.sim.byID(id).last(), "OwnerId"); got != ben {
		t.Errorf("condition not met, yet the owner is %s", got)
	}
	c.mustEdit(simhttp.Edit{Object: "User", Op: "update", ID: ana, Fields: map[string]any{"IsActive": false}})
	if a := c.do("PATCH", "sobjects/Contact/"+id, `{"OwnerId":"`+c.user("cleo")+`","Department":null}`); a.refusal(t) != "CANNOT_EXECUTE_FLOW_TRIGGER[]" || !strings.Contains(a.Raw, "INACTIVE_OWNER_OR_USER") {
		t.Errorf("to somebody who left: %s", a.Raw)
	}
	if got := text(c.sim.byID(id).last(), "OwnerId"); got != ben {
		t.Errorf("the failed save left %s", got)
	}
	if rows := c.rows("SELECT ApiName, TriggerObjectOrEventLabel, IsActive FROM FlowDefinitionView"); len(rows) != 1 || rows[0]["ApiName"] != "Take_back" {
		t.Errorf("flows %v", rows)
	}
	c.setup(`{"flows":[{"name":"Broken","object":"Contact","on":"create","fail":"UNABLE_TO_LOCK_ROW: unable to obtain exclusive access"}]}`)
	if a := c.do("POST", "sobjects/Contact", `{"LastName":"X"}`); a.refusal(t) != "CANNOT_EXECUTE_FLOW_TRIGGER[]" || !strings.Contains(a.Raw, "UNABLE_TO_LOCK_ROW") {
		t.Errorf("a failing flow: %s", a.Raw)
	}
}

// TestPermissions: a hidden field reads like a typo, a read-only one is refused on write, and an object
// without access is no object (C15).
func TestPermissions(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	lead := c.create("Lead", `{"LastName":"L","Company":"C"}`)
	task := c.create("Task", `{"Subject":"s"}`)
	c.setup(`{"hidden":["Lead.Title"],"read_only":["Lead.Rating"],"no_access":["Task","Opportunity"]}`)
	for _, tc := range []struct{ method, path, body, want string }{
		{"GET", "query?q=SELECT+Title+FROM+Lead", "", "INVALID_FIELD[]"},
		{"GET", "query?q=SELECT+Id+FROM+Lead+WHERE+Title='x'", "", "INVALID_FIELD[]"},
		{"PATCH", "sobjects/Lead/" + lead, `{"Title":"x"}`, "INVALID_FIELD_FOR_INSERT_UPDATE[Title]"},
		{"PATCH", "sobjects/Lead/" + lead, `{"Typo":"x"}`, "INVALID_FIELD[]"},
		{"PATCH", "sobjects/Lead/" + lead, `{"Rating":"Hot"}`, "INVALID_FIELD_FOR_INSERT_UPDATE[Rating]"},
		{"GET", "query?q=SELECT+Rating+FROM+Lead", "", ""},
		{"GET", "query?q=SELECT+Id+FROM+Task", "", "INVALID_TYPE[]"},
		{"GET", "query?q=SELECT+ConvertedOpportunity.Name+FROM+Lead", "", "INVALID_FIELD[]"},
		{"POST", "sobjects/Task", `{"Subject":"s"}`, "NOT_FOUND[]"},
		{"GET", "sobjects/Task/describe", "", "NOT_FOUND[]"},
		{"DELETE", "sobjects/Lead/" + lead, "", ""},
	} {
		if a := c.do(tc.method, tc.path, tc.body, "Sforce-Auto-Assign", "FALSE"); a.refusal(t) != tc.want {
			t.Errorf("%s %s %s: %d %s, want %q", tc.method, tc.path, tc.body, a.Status, a.Raw, tc.want)
		}
	}
	if got := codes(t, c.do("DELETE", "composite/sobjects?ids="+task, "")); got != "INVALID_CROSS_REFERENCE_KEY" {
		t.Errorf("a task among others to delete: %s", got)
	}
	const tree = `{"records":[{"attributes":{"type":"Account","referenceId":"a"},"Name":"Tree","Tasks":{"records":[{"attributes":{"type":"Task","referenceId":"b"},"Subject":"s"}]}}]}`
	if a := c.do("POST", "composite/tree/Account", tree); a.Status != http.StatusBadRequest || !strings.Contains(a.Raw, "INVALID_FIELD") || len(c.rows("SELECT Id FROM Account WHERE Name = 'Tree'")) != 0 {
		t.Errorf("a tree with a task: %d %s", a.Status, a.Raw)
	}
	a := c.do("GET", "sobjects/Lead/describe", "")
	var d struct {
		Fields []struct {
			Name       string
			Updateable bool
		}
	}
	a.into(t, &d)
	for _, f := range d.Fields {
		if f.Name == "Title" || f.Name == "Rating" && f.Updateable {
			t.Errorf("describe shows %+v", f)
		}
	}
	if a := c.do("GET", "sobjects", ""); strings.Contains(a.Raw, `"name":"Task"`) {
		t.Error("the global describe shows Task")
	}
	// A person still sees the field.
	c.mustEdit(simhttp.Edit{Object: "Contact", Op: "create", Fields: map[string]any{"LastName": "P", "Title": "x"}})
	c.setup(`{"hidden":[],"read_only":[],"no_access":[]}`)
	c.rows("SELECT Title, ConvertedOpportunity.Name FROM Lead")
}

// TestViewSetup: rules and flows are seen with the right to view Setup only.
func TestViewSetup(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"validation_rules":[{"object":"Lead","name":"Budget","when":{"Status":"Nurture"},"message":"No."}],"duplicate_rules":[{"object":"Contact","action":"block","name":"My_rule"}]}`)
	const rules = "/services/data/v60.0/tooling/query?q=SELECT+ValidationName,ErrorMessage,Active,EntityDefinition.QualifiedApiName+FROM+ValidationRule"
	a := c.do("GET", rules, "")
	var page struct{ Records []json.RawMessage }
	a.into(t, &page)
	if len(page.Records) != 1 || !strings.Contains(a.Raw, `"ValidationName":"Budget"`) || !strings.Contains(a.Raw, `"QualifiedApiName":"Lead"`) {
		t.Errorf("rules: %s", a.Raw)
	}
	if rows := c.rows("SELECT DeveloperName, SobjectType, IsActive FROM DuplicateRule"); len(rows) != 1 || rows[0]["DeveloperName"] != "My_rule" {
		t.Errorf("duplicate rules: %v", rows)
	}
	if a := c.query("SELECT Id FROM ValidationRule"); a.refusal(t) != "INVALID_TYPE[]" {
		t.Errorf("without the Tooling API: %s", a.Raw)
	}
	c.setup(`{"view_setup":false}`)
	for _, path := range []string{rules, "query?q=SELECT+Id+FROM+FlowDefinitionView", "query?q=SELECT+Id+FROM+AssignmentRule"} {
		if a := c.do("GET", path, ""); a.refusal(t) != "INVALID_TYPE[]" {
			t.Errorf("%s: %d %s", path, a.Status, a.Raw)
		}
	}
}

// TestDuplicateRules: alert yields to allowSave, block never; details come when asked for (C15).
func TestDuplicateRules(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"duplicate_rules":[{"object":"Contact","action":"alert","message":"Known already."},{"object":"Account","action":"block"},{"object":"Lead","action":"block","match":["LastName","Company"]}]}`)
	c.create("Lead", `{"LastName":"Nine","Company":"Niner","Email":"nine@example.org"}`)
	c.create("Contact", `{"LastName":"One","Email":"same@example.org"}`)
	for _, tc := range []struct{ object, body, header, want string }{
		{"Contact", `{"LastName":"Two","Email":"SAME@example.org"}`, "", "DUPLICATES_DETECTED[]"},
		{"Contact", `{"LastName":"Two","Email":"same@example.org"}`, "allowSave=true", ""},
		{"Contact", `{"LastName":"Two","Email":"other@example.org"}`, "", ""},
		{"Account", `{"Name":"acme"}`, "allowSave=true", "DUPLICATES_DETECTED[]"},
		{"Account", `{"Name":"Other","Website":"https://www.acme.com"}`, "", "DUPLICATES_DETECTED[]"},
		{"Lead", `{"LastName":"Three","Company":"C","Email":"same@example.org"}`, "", ""},
		{"Lead", `{"LastName":"nine","Company":"NINER","Email":"other@example.org"}`, "allowSave=true", "DUPLICATES_DETECTED[]"},
		{"Lead", `{"LastName":"Nine","Company":"Tenner"}`, "", ""},
	} {
		a := c.do("POST", "sobjects/"+tc.object, tc.body, "Sforce-Duplicate-Rule-Header", tc.header)
		if got := a.refusal(t); got != tc.want {
			t.Errorf("%s %s: %s, want %q", tc.object, tc.body, a.Raw, tc.want)
		}
	}
	for details, want := range map[string]bool{"true": true, "false": false} {
		a := c.do("POST", "sobjects/Contact", `{"LastName":"Two","Email":"same@example.org"}`, "Sforce-Duplicate-Rule-Header", "allowSave=false; includeRecordDetails="+details)
		if strings.Contains(a.Raw, `"LastName":"One"`) != want || !strings.Contains(a.Raw, "Known already.") || !strings.Contains(a.Raw, `"allowSave":true`) {
			t.Errorf("details %s: %s", details, a.Raw)
		}
	}
}

// TestRowLocks: two transactions cannot write children of one account at once (C16).
func TestRowLocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		acme := c.create("Account", `{"Name":"Locks"}`)
		other := c.create("Account", `{"Name":"Free"}`)
		c.setup(`{"lock_hold":"200ms"}`)
		post := func(account string) string {
			return c.do("POST", "sobjects/Contact", `{"LastName":"L","AccountId":"`+account+`"}`).refusal(t)
		}
		if got := post(acme); got != "" {
			t.Fatal(got)
		}
		if got := post(acme); got != "UNABLE_TO_LOCK_ROW[]" {
			t.Errorf("a second transaction: %q", got)
		}
		if got := post(other); got != "" {
			t.Errorf("another account: %q", got)
		}
		if a := c.do("PATCH", "sobjects/Account/"+acme, `{"Phone":"1"}`); a.refusal(t) != "UNABLE_TO_LOCK_ROW[]" {
			t.Errorf("the account itself: %s", a.Raw)
		}
		time.Sleep(300 * time.Millisecond)
		body := `{"records":[{"attributes":{"type":"Contact"},"LastName":"A","AccountId":"` + acme + `"},{"attributes":{"type":"Contact"},"LastName":"B","AccountId":"` + acme + `"}]}`
		if a := c.do("POST", "composite/sobjects", body); a.Status != http.StatusOK || strings.Contains(a.Raw, "UNABLE_TO_LOCK_ROW") {
			t.Errorf("one transaction against itself: %s", a.Raw)
		}
	})
}

// TestHistory: tracked fields give rows by the saver with the net change, a reference two; untracked none.
func TestHistory(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	if a := c.query("SELECT Id FROM LeadHistory"); a.refusal(t) != "INVALID_TYPE[]" {
		t.Errorf("by default: %s", a.Raw)
	}
	c.setup(`{"track_history":["Lead.OwnerId","Lead.Status"]}`)
	ana, ben := c.user("ana"), c.user("ben")
	id := c.create("Lead", `{"LastName":"L","Company":"C","OwnerId":"`+ana+`"}`)
	c.mustEdit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: "person:cleo@example.com", Fields: map[string]any{"OwnerId": ben, "Title": "x"}})
	c.do("PATCH", "sobjects/Lead/"+id, `{"Title":"y","OwnerId":"`+ana+`"}`) // the rule takes it
	var got []string
	for _, r := range c.rows("SELECT Field, OldValue, NewValue, CreatedById, CreatedDate FROM LeadHistory WHERE LeadId = '" + id + "' ORDER BY Id") {
		got = append(got, fmt.Sprint(r["Field"], " ", r["OldValue"], "->", r["NewValue"], " ", r["CreatedById"]))
	}
	want := []string{
		"created <nil>-><nil> " + c.sim.caller,
		"Owner Ana Example->Ben Example " + c.user("cleo"), "Owner " + ana + "->" + ben + " " + c.user("cleo"),
		"Owner Ben Example->Inbound Leads " + c.sim.caller, "Owner " + ben + "->" + c.sim.rule + " " + c.sim.caller,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a := c.query("SELECT Id FROM LeadHistory WHERE NewValue = 'x'"); a.refusal(t) != "INVALID_FIELD[]" {
		t.Errorf("filter by value: %s", a.Raw)
	}
}

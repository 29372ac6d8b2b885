package salesforcesim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestMergeOfThree: one winner, two losers, and no child left behind (C8).
func TestMergeOfThree(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	var ids, tasks []string
	for _, last := range []string{"W", "L1", "L2"} {
		id := c.create("Lead", `{"LastName":"`+last+`","Company":"C"}`)
		ids, tasks = append(ids, id), append(tasks, c.create("Task", `{"Subject":"s","WhoId":"`+id+`"}`))
	}
	from := len(h.Changes())
	c.mustEdit(simhttp.Edit{Object: "Lead", Op: "merge", ID: ids[1], By: "person:ana@example.com", Fields: map[string]any{"into": ids[0], "and": ids[2], "Title": "Kept"}})
	ops := map[string]int{}
	for _, ch := range h.Changes()[from:] {
		ops[ch.Op+" "+ch.Object]++
		if ch.Op == "merge" && ch.Into != ids[0] {
			t.Errorf("merged into %s", ch.Into)
		}
	}
	if ops["merge Lead"] != 2 || ops["update Lead"] != 1 || ops["update Task"] != 2 {
		t.Errorf("changes %v", ops)
	}
	for _, id := range tasks {
		if who := text(c.sim.byID(id).last(), "WhoId"); who != ids[0] {
			t.Errorf("task %s hangs on %s", id, who)
		}
	}
	a := c.do("GET", "queryAll?q="+strings.ReplaceAll("SELECT MasterRecordId FROM Lead WHERE IsDeleted = true", " ", "+"), "")
	if a.Status != http.StatusOK || strings.Count(a.Raw, ids[0]) != 2 {
		t.Errorf("bin: %s", a.Raw)
	}
}

// TestConvertQueueOwned: a program must say who is to own what comes of a queue's lead (C10).
func TestConvertQueueOwned(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	id := c.create("Lead", `{"LastName":"Q","Company":"C","OwnerId":"`+c.sim.rule+`"}`)
	edit := simhttp.Edit{Object: "Lead", Op: "convert", ID: id, By: "automation:Converter"}
	if _, err := c.sim.Edit(edit); err == nil || !strings.Contains(err.Error(), "FIELD_INTEGRITY_EXCEPTION") {
		t.Errorf("without an owner: %v", err)
	}
	edit.Fields = map[string]any{"OwnerId": "ana@example.com"}
	got := c.mustEdit(edit)
	if owner := text(c.sim.byID(got["contact"]).last(), "OwnerId"); owner != c.user("ana") {
		t.Errorf("owner %s", owner)
	}
	if a := c.do("PATCH", "sobjects/Lead/"+id, `{"Title":"x"}`); a.code(t) != "CANNOT_UPDATE_CONVERTED_LEAD" {
		t.Errorf("afterwards: %s", a.Raw)
	}
}

// TestQueueMembers: who is in which queue can be read.
func TestQueueMembers(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	rows := c.rows("SELECT UserOrGroupId FROM GroupMember WHERE Group.DeveloperName = 'SDR_UK'")
	if len(rows) != 1 || rows[0]["UserOrGroupId"] != c.user("isla") {
		t.Errorf("members %v", rows)
	}
}

// TestDrift: a field that came over time survives Setup, and can go again (C18).
func TestDrift(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	const soql = "SELECT Campaign_Note_3__c FROM Lead LIMIT 1"
	for _, tc := range []struct {
		there bool
		want  int
	}{{true, http.StatusOK}, {true, http.StatusOK}, {false, http.StatusBadRequest}} {
		if err := c.sim.Drift(3, tc.there); err != nil {
			t.Fatal(err)
		}
		c.setup(`{"multi_currency":true}`)
		if a := c.query(soql); a.Status != tc.want {
			t.Errorf("there %v: %d %s", tc.there, a.Status, a.Raw)
		}
	}
}

// TestDeletingAnAccount: its people, deals and their activities go with it, and come back with it; a won deal
// keeps it (C9).
func TestDeletingAnAccount(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	acc := c.create("Account", `{"Name":"Whole"}`)
	con := c.create("Contact", `{"LastName":"P","AccountId":"`+acc+`"}`)
	opp := c.create("Opportunity", `{"Name":"D","AccountId":"`+acc+`","StageName":"Closed Won","CloseDate":"2027-01-01"}`)
	task := c.create("Task", `{"Subject":"s","WhoId":"`+con+`"}`)
	if a := c.do("DELETE", "sobjects/Account/"+acc, ""); a.code(t) != "DELETE_FAILED" {
		t.Errorf("with a won deal: %d %s", a.Status, a.Raw)
	}
	c.do("PATCH", "sobjects/Opportunity/"+opp, `{"StageName":"Prospecting"}`)
	if a := c.do("DELETE", "sobjects/Account/"+acc, ""); a.Status != http.StatusNoContent {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	all := []string{acc, con, opp, task}
	for _, id := range all {
		if !c.sim.byID(id).deleted() {
			t.Errorf("%s is still there", id)
		}
	}
	c.mustEdit(simhttp.Edit{Object: "Account", Op: "restore", ID: acc})
	for _, id := range all {
		if c.sim.byID(id).deleted() {
			t.Errorf("%s is still gone", id)
		}
	}
	c.mustEdit(simhttp.Edit{Object: "Account", Op: "purge", ID: acc})
	for _, id := range all {
		if c.sim.byID(id) != nil {
			t.Errorf("%s was not purged", id)
		}
	}
}

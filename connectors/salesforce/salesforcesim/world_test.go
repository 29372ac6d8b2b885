package salesforcesim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

func (c *client) edit(object, op, id string, fields map[string]any) map[string]string {
	c.t.Helper()
	ids, err := c.sim.Edit(simhttp.Edit{CRM: "salesforce", Object: object, Op: op, ID: id, Fields: fields})
	if err != nil {
		c.t.Fatalf("%s %s %s: %v", op, object, id, err)
	}
	return ids
}

// TestLateCommits: a row is stamped when it is written and seen by queries seconds later, while reading it by
// id sees it at once.
func TestLateCommits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Faults: simhttp.Faults{SearchLag: 20 * time.Second}})
		count := func(where string) int {
			return len(c.rows("SELECT Id FROM Lead WHERE LastName LIKE 'Late%' AND " + where))
		}
		var ids []string
		for i := range 40 {
			ids = append(ids, c.create("Lead", fmt.Sprintf(`{"LastName":"Late %d","Company":"C"}`, i)))
		}
		written := time.Now()
		if n := count("Id != null"); n == 40 {
			t.Errorf("all 40 rows are seen at once")
		}
		for _, id := range ids {
			if a := c.do("GET", "sobjects/Lead/"+id, ""); a.Status != http.StatusOK {
				t.Fatalf("by id: %d", a.Status)
			}
		}
		time.Sleep(3 * time.Second)
		if n := count("Id != null"); n < 30 || n == 40 {
			t.Errorf("after 3 s: %d of 40 rows, want most but not all", n)
		}
		time.Sleep(17 * time.Second)
		late := count("SystemModstamp <= " + written.UTC().Format(time.RFC3339))
		if late != 40 {
			t.Errorf("after 20 s: %d of 40 rows, all stamped when written", late)
		}
		c.do("PATCH", "sobjects/Lead/"+ids[0], `{"Title":"new"}`, "Sforce-Auto-Assign", "FALSE")
		if n := count("Title = 'new'"); n != 0 {
			t.Errorf("the update is seen at once")
		}
		if n := count("Title = null AND Id = '" + ids[0] + "'"); n != 1 {
			t.Errorf("the state before the update is gone: %d rows", n)
		}
	})
}

func TestMerge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		winner, loser := c.create("Contact", `{"LastName":"W"}`), c.create("Contact", `{"LastName":"L"}`)
		task := c.create("Task", `{"Subject":"s","WhoId":"`+loser+`"}`)
		stamp := c.sim.byID(task).last()["SystemModstamp"]
		time.Sleep(time.Minute)
		c.edit("Contact", "merge", loser, map[string]any{"into": winner, "Title": "kept"})
		if row := c.sim.byID(loser).last(); row["IsDeleted"] != true || row["MasterRecordId"] != winner {
			t.Errorf("loser: deleted %v, master %v", row["IsDeleted"], row["MasterRecordId"])
		}
		if row := c.sim.byID(winner).last(); row["Title"] != "kept" || row["SystemModstamp"] == stamp {
			t.Errorf("winner: %v stamped %v", row["Title"], row["SystemModstamp"])
		}
		if row := c.sim.byID(task).last(); row["WhoId"] != winner || row["SystemModstamp"] != stamp {
			t.Errorf("child: who %v, stamp moved %v", row["WhoId"], row["SystemModstamp"] != stamp)
		}
		if a := c.do("GET", "queryAll?q=SELECT+MasterRecordId+FROM+Contact+WHERE+MasterRecordId!=null", ""); !strings.Contains(a.Raw, winner) {
			t.Errorf("queryAll: %s", a.Raw)
		}
	})
}

func TestConvert(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	lead := c.create("Lead", `{"LastName":"Con","Company":"Acme","Email":"con@acme.com","Intent_Signal__c":"Pricing inquiry","OwnerId":"`+c.sim.rule+`"}`)
	task := c.create("Task", `{"Subject":"s","WhoId":"`+lead+`"}`)
	ids := c.edit("Lead", "convert", lead, map[string]any{"Opportunity": "Acme deal"})
	contact := c.sim.byID(ids["contact"]).last()
	if text(c.sim.byID(ids["account"]).last(), "Name") != "Acme" || contact["Email"] != "con@acme.com" || contact["Intent_Signal__c"] != nil || !strings.HasPrefix(text(contact, "OwnerId"), "005") {
		t.Errorf("contact: %v", contact)
	}
	if row := c.sim.byID(lead).last(); row["IsConverted"] != true || row["ConvertedContactId"] != ids["contact"] || row["ConvertedOpportunityId"] != ids["opportunity"] {
		t.Errorf("lead: %v", row)
	}
	if row := c.sim.byID(task).last(); row["WhoId"] != ids["contact"] {
		t.Errorf("task hangs on %v", row["WhoId"])
	}
	if a := c.do("PATCH", "sobjects/Lead/"+lead, `{"Title":"x"}`); a.code(t) != "CANNOT_UPDATE_CONVERTED_LEAD" {
		t.Errorf("update after conversion: %s", a.Raw)
	}
	if len(c.rows("SELECT Id FROM Lead WHERE IsConverted = true")) != 1 {
		t.Error("query no longer returns the converted lead")
	}
}

func TestHumanEdits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		id := c.edit("Lead", "submit_form", "", map[string]any{"form": "Home: Demo request", "email": "dana@acme.example", "lastname": "Dana"})["id"]
		row := c.sim.byID(id).last()
		if row["Last_Form__c"] != "Home: Demo request" || row["OwnerId"] != c.sim.rule || row["LastModifiedById"] == c.sim.caller || row["Last_Form_At__c"] == nil {
			t.Errorf("web-to-lead: %v", row)
		}
		time.Sleep(time.Minute)
		if again := c.edit("Lead", "submit_form", "", map[string]any{"form": "Pricing", "Email": "DANA@acme.example"})["id"]; again != id {
			t.Errorf("second form made %s", again)
		}
		c.edit("Lead", "update", id, map[string]any{"OwnerId": "ana@example.com", "LastModifiedById": "morgan@example.com"})
		row = c.sim.byID(id).last()
		if row["OwnerId"] != c.user("ana") || row["LastModifiedById"] != c.user("morgan") || row["Last_Form__c"] != "Pricing" || row["IsUnreadByOwner"] != true {
			t.Errorf("after hand-over: %v", row)
		}
		stamp := row["SystemModstamp"]
		time.Sleep(time.Minute)
		c.edit("Lead", "update", id, map[string]any{"IsUnreadByOwner": false})
		if row := c.sim.byID(id).last(); row["IsUnreadByOwner"] != false || row["SystemModstamp"] != stamp {
			t.Errorf("being viewed moved the stamp: %v", row["SystemModstamp"])
		}
		c.edit("User", "update", c.user("ana"), map[string]any{"IsActive": false})
		if a := c.do("PATCH", "sobjects/Lead/"+id, `{"Title":"x"}`, "Sforce-Auto-Assign", "FALSE"); a.code(t) != "INACTIVE_OWNER_OR_USER" {
			t.Errorf("editing a record whose owner left: %s", a.Raw)
		}
		if a := c.do("PATCH", "sobjects/Lead/"+id, `{"OwnerId":"`+c.user("ben")+`"}`, "Sforce-Auto-Assign", "FALSE"); a.Status != http.StatusNoContent {
			t.Errorf("giving it to ben: %s", a.Raw)
		}
		task := c.create("Task", `{"Subject":"s","WhoId":"`+id+`"}`)
		c.edit("Lead", "delete", id, nil)
		if !c.sim.byID(task).deleted() {
			t.Error("the deleted lead's task is still there")
		}
		for _, e := range []simhttp.Edit{{Object: "Nope", Op: "create"}, {Object: "Lead", Op: "dance"}, {Object: "Lead", Op: "update", ID: "x"}, {Object: "Lead", Op: "create"}, {Object: "Lead", Op: "merge", ID: id, Fields: map[string]any{"into": id}}} {
			if _, err := c.sim.Edit(e); err == nil {
				t.Errorf("%+v: no error", e)
			}
		}
		time.Sleep(16 * 24 * time.Hour)
		c.token = c.sim.auth.issue(time.Now().Add(time.Hour))
		if a := c.do("GET", "queryAll?q=SELECT+Id+FROM+Lead+WHERE+IsDeleted=true", ""); !strings.Contains(a.Raw, `"totalSize":0`) {
			t.Errorf("the recycle bin still holds it after 16 days: %s", a.Raw)
		}
	})
}

// TestPeopleAccept: a rep accepts half a second to five seconds after a handoff was assigned to them.
func TestPeopleAccept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{People: 2})
		done := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { done <- c.sim.Run(ctx) }()
		lead := c.create("Lead", `{"LastName":"A","Company":"C","OwnerId":"`+c.user("ana")+`","Handoff_Status__c":"Assigned"}`)
		other := c.create("Lead", `{"LastName":"B","Company":"C","OwnerId":"`+c.user("isla")+`","Handoff_Status__c":"Assigned"}`)
		moved := c.create("Lead", `{"LastName":"C","Company":"C","OwnerId":"`+c.user("ben")+`","Handoff_Status__c":"Assigned"}`)
		c.do("PATCH", "sobjects/Lead/"+moved, `{"OwnerId":"`+c.user("isla")+`"}`, "Sforce-Auto-Assign", "FALSE")
		time.Sleep(400 * time.Millisecond)
		status := func(id string) any { return c.sim.byID(id).last()["Handoff_Status__c"] }
		c.sim.mu.Lock()
		if status(lead) != "Assigned" {
			t.Errorf("accepted before half a second")
		}
		c.sim.mu.Unlock()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		c.sim.mu.Lock()
		if row := c.sim.byID(lead).last(); row["Handoff_Status__c"] != "Accepted" || row["LastModifiedById"] != row["OwnerId"] {
			t.Errorf("ana: %v by %v", row["Handoff_Status__c"], row["LastModifiedById"])
		}
		if status(other) != "Assigned" || status(moved) != "Assigned" {
			t.Errorf("accepted by nobody: %v, %v", status(other), status(moved))
		}
		c.sim.mu.Unlock()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWorldLoadsBack(t *testing.T) {
	t.Parallel()
	a, b := newClient(t, Config{}), newClient(t, Config{Seed: 8})
	id := a.create("Lead", `{"LastName":"Moved","Company":"C","Handoff_Touch_Attempts__c":3}`)
	a.edit("Contact", "delete", a.rows("SELECT Id FROM Contact LIMIT 1")[0]["Id"].(string), nil)
	raw, err := json.Marshal(a.sim.World())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.sim.Load(raw); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(b.sim.World())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(again), id) {
		t.Errorf("world of %d bytes came back as %d", len(raw), len(again))
	}
	if n := len(b.rows("SELECT Id FROM Lead WHERE Id = '" + id + "' AND Handoff_Touch_Attempts__c = 3")); n != 1 {
		t.Errorf("the lead did not come along")
	}
	fresh := b.create("Lead", `{"LastName":"Next","Company":"C"}`)
	if fresh == id {
		t.Errorf("id %s given twice", id)
	}
	for _, bad := range []string{`{"Nope":[]}`, `{"Lead":[{"fields":{"Nope":1}}]}`, `{"Lead":[{"id":"003dL0000000001","fields":{}}]}`, `{"Lead":[{"fields":{"Email":7}}]}`, `[`} {
		if err := b.sim.Load([]byte(bad)); err == nil {
			t.Errorf("Load(%s): no error", bad)
		}
	}
	for _, raw := range []string{`{"User":[{"fields":{"LastName":"Nia","Email":"nia@example.com"}}]}`, `{"Account":[{"fields":{"Name":"By mail","OwnerId":"nia@example.com"}}]}`} {
		if err := b.sim.Load([]byte(raw)); err != nil {
			t.Error(err)
		}
	}
	if n := len(b.rows("SELECT Id FROM Account WHERE Name = 'By mail' AND Owner.Email = 'nia@example.com'")); n != 1 {
		t.Error("owner by e-mail")
	}
}

func TestHistoryStatsAndFaults(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	c.create("Contact", `{"LastName":"L"}`)
	c.query("SELECT Id FROM Contact LIMIT 1")
	c.do("POST", "sobjects/Contact", `{}`)
	all := h.Snapshot()
	if len(all) != 3 || !all[0].Applied || all[1].Applied || all[2].Applied || all[0].CRM != "salesforce" || all[2].Status != 400 {
		t.Errorf("history: %+v", all)
	}
	stats, total := c.sim.Stats(), 0
	for key, n := range stats {
		if key != "429" {
			total += n
		}
	}
	if total != 3 {
		t.Errorf("stats: %v", stats)
	}
	for fault, want := range map[string]string{"429": "REQUEST_LIMIT_EXCEEDED", "401": "INVALID_SESSION_ID", "500": "UNKNOWN_EXCEPTION", "503": "SERVER_UNAVAILABLE"} {
		c.sim.SetFaults(simhttp.Faults{Rate: map[string]float64{fault: 1}})
		if a := c.do("GET", "limits", ""); a.code(t) != want || a.Header.Get("Retry-After") != "" {
			t.Errorf("fault %s: %d %s", fault, a.Status, a.Raw)
		}
	}
	if got := c.sim.Stats()["429"]; got != 1 {
		t.Errorf("stats 429 = %d, want 1", got)
	}
	c.sim.SetFaults(simhttp.Faults{Rate: map[string]float64{"partial": 1}})
	a := c.do("POST", "composite/sobjects", `{"records":[{"attributes":{"type":"Contact"},"LastName":"a"},{"attributes":{"type":"Contact"},"LastName":"b"}]}`)
	if !strings.Contains(codes(t, a), "UNABLE_TO_LOCK_ROW") {
		t.Errorf("partial: %s", a.Raw)
	}
}

func TestEqualSeedsEqualWorlds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := json.Marshal(New(Config{Seed: 3}).World())
		b, _ := json.Marshal(New(Config{Seed: 3}).World())
		if string(a) != string(b) {
			t.Error("two orgs of one seed differ")
		}
	})
}

func BenchmarkLookups(b *testing.B) {
	s := New(Config{Seed: 7})
	var rows []map[string]any
	for i := range 50_000 {
		rows = append(rows, map[string]any{"fields": map[string]any{"LastName": "L", "Company": "C", "Email": fmt.Sprintf("u%d@bench.example", i)}})
	}
	raw, _ := json.Marshal(map[string]any{"Lead": rows})
	if err := s.Load(raw); err != nil {
		b.Fatal(err)
	}
	now := time.Now().UTC()
	for name, soql := range map[string]string{
		"email": "SELECT Id FROM Lead WHERE IsConverted = false AND Email IN ('u7@bench.example','u49999@bench.example')",
		"poll":  "SELECT Id FROM Lead WHERE SystemModstamp >= " + now.Add(time.Minute).Format(time.RFC3339) + " ORDER BY SystemModstamp, Id LIMIT 200",
		"scan":  "SELECT Id FROM Lead WHERE Company = 'none'",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				q, err := parseSOQL(soql, now)
				if err != nil {
					b.Fatal(err.message)
				}
				o, _, err := s.bind(q)
				if err != nil {
					b.Fatal(err.message)
				}
				s.run(q, o, false, now)
			}
		})
	}
}

// BenchmarkHandoff is one composite as the product sends it: read, update with a condition, one task.
func BenchmarkHandoff(b *testing.B) {
	s := New(Config{Seed: 7, UniqueTasks: true})
	id, err := s.insert(s.org["lead"], map[string]any{"LastName": "L", "Company": "C"}, deed{tx: &tx{}, now: time.Now(), actor: s.caller})
	if err != nil {
		b.Fatal(err.message)
	}
	for n := 0; b.Loop(); n++ {
		body := composite(true,
			sub("PATCH", "sobjects/Lead/"+id, "lead", `{"Handoff_Status__c":"Assigned"}`, "Sforce-Auto-Assign", "FALSE"),
			sub("POST", "sobjects/Task", "task", fmt.Sprintf(`{"Subject":"Call","WhoId":"%s","Handoff_Key__c":"k%d"}`, id, n), "Sforce-Auto-Assign", "FALSE"),
			sub("GET", "sobjects/Lead/"+id+"?fields=SystemModstamp,OwnerId", "back", ""))
		req := httptest.NewRequest("POST", "/services/data/v60.0/composite", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+s.auth.token)
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK || strings.Contains(rec.Body.String(), "errorCode") {
			b.Fatal(rec.Body.String())
		}
	}
}

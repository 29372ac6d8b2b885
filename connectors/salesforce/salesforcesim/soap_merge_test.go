package salesforcesim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestSOAPMerge: two go into a third, which takes the values given.
func TestSOAPMerge(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	var ids, tasks []string
	for _, last := range []string{"W", "L1", "L2"} {
		id := c.create("Contact", `{"LastName":"`+last+`","Title":"T","Phone":"1"}`)
		ids, tasks = append(ids, id), append(tasks, c.create("Task", `{"Subject":"s","WhoId":"`+id+`"}`))
	}
	from := len(h.Changes())
	master := "<masterRecord><type>Contact</type><fieldsToNull>Phone</fieldsToNull>" + inTag("Id", ids[0]) + "<Title>Kept</Title><Department></Department><DoNotCall>1</DoNotCall></masterRecord>"
	losers := inTag("recordToMergeIds", ids[1]) + inTag("recordToMergeIds", ids[2])
	a := c.soap("<merge><mergeRequests>" + master + losers + "</mergeRequests></merge>")
	want := fmt.Sprintf("[id=%s mergedRecordIds=%s mergedRecordIds=%s success=true updatedRelatedIds=%s updatedRelatedIds=%s]", ids[0], ids[1], ids[2], tasks[1], tasks[2])
	if diff := cmp.Diff(want, a.soapTree(t)); diff != "" {
		t.Fatal(diff)
	}
	by := " " + c.sim.callerName("")
	if diff := cmp.Diff([]string{"Task update system", "Contact merge" + by, "Task update system", "Contact merge" + by, "Contact update" + by}, lines(h, from)); diff != "" {
		t.Error(diff)
	}
	if r := c.sim.byID(ids[0]).last(); r["Title"] != "Kept" || r["Phone"] != nil || r["LastName"] != "W" {
		t.Errorf("winner %v", r)
	}
	if r := c.sim.byID(ids[1]).last(); r["MasterRecordId"] != ids[0] || r["IsDeleted"] != true {
		t.Errorf("loser %v", r)
	}
	enterprise := soapEnvelope(enterpriseSpace, "<SessionHeader><sessionId>"+c.token+"</sessionId></SessionHeader>",
		`<merge><mergeRequests><masterRecord xsi:type="urn1:Lead" xmlns:urn1="urn:sobject.enterprise.soap.sforce.com"><urn1:Id>`+c.create("Lead", `{"LastName":"A","Company":"C"}`)+`</urn1:Id></masterRecord>`+
			inTag("recordToMergeIds", c.create("Lead", `{"LastName":"B","Company":"C"}`))+`</mergeRequests></merge>`)
	if a := c.postSOAP("c/60.0", enterprise); a.result(t, "success") != "true" {
		t.Errorf("enterprise: %s", a.Raw)
	}
}

// TestSOAPMergeRefused: a merge that cannot be says why and does nothing; the others of its call stand.
func TestSOAPMergeRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ kind, more, losers, setup, want string }{
		"no losers":            {"Lead", "", "", "", "MISSING_ARGUMENT"},
		"three losers":         {"Lead", "", "{lead2}{lead3}{lead4}", "", "LIMIT_EXCEEDED"},
		"into itself":          {"Lead", "", "{lead1}", "", "INVALID_CROSS_REFERENCE_KEY"},
		"one twice":            {"Lead", "", "{lead2}{lead2}", "", "DUPLICATE_VALUE"},
		"of another kind":      {"Lead", "", "{account1}", "", "MALFORMED_ID"},
		"a kind of none":       {"Task", "", "{task2}", "", "INVALID_OPERATION"},
		"deleted":              {"Lead", "", "{lead2}{deleted}", "", "ENTITY_IS_DELETED"},
		"converted":            {"Lead", "", "{lead2}{converted}", "", "CANNOT_UPDATE_CONVERTED_LEAD"},
		"above the master":     {"Account", "", "{account2}", "", "CIRCULAR_DEPENDENCY"},
		"a value that is none": {"Lead", "<Email>x</Email>", "{lead2}", "", "INVALID_EMAIL_ADDRESS"},
		"a value too long":     {"Lead", "<City>" + strings.Repeat("x", 41) + "</City>", "{lead2}", "", "STRING_TOO_LONG"},
		"read-only":            {"Lead", "<Title>x</Title>", "{lead2}", `{"read_only":["Lead.Title"]}`, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		"hidden":               {"Lead", "<Title>x</Title>", "{lead2}", `{"hidden":["Lead.Title"]}`, "INVALID_FIELD_FOR_INSERT_UPDATE"},
		"against a rule":       {"Lead", "", "{lead2}", `{"validation_rules":[{"object":"Lead","name":"V","need":["Phone"],"message":"No."}]}`, "FIELD_CUSTOM_VALIDATION_EXCEPTION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := simhttp.NewHistory()
			c := newClient(t, Config{History: h})
			ids := map[string]string{}
			for i := 1; i <= 4; i++ {
				ids[fmt.Sprint("lead", i)] = c.create("Lead", `{"LastName":"L","Company":"C"}`)
				ids[fmt.Sprint("task", i)] = c.create("Task", `{"Subject":"s"}`)
			}
			ids["account2"] = c.create("Account", `{"Name":"Above"}`)
			ids["account1"] = c.create("Account", `{"Name":"Below","ParentId":"`+ids["account2"]+`"}`)
			ids["deleted"], ids["converted"] = c.create("Lead", `{"LastName":"L","Company":"C"}`), c.create("Lead", `{"LastName":"L","Company":"C"}`)
			c.do("DELETE", "sobjects/Lead/"+ids["deleted"], "")
			c.mustEdit(simhttp.Edit{Object: "Lead", Op: "convert", ID: ids["converted"], By: "person:ana@example.com"})
			if tc.setup != "" {
				c.setup(tc.setup)
			}
			losers := tc.losers
			for name, id := range ids {
				losers = strings.ReplaceAll(losers, "{"+name+"}", inTag("recordToMergeIds", id))
			}
			from := len(h.Changes())
			a := c.soap("<merge><mergeRequests><masterRecord>" + inTag("type", tc.kind) + inTag("Id", ids[strings.ToLower(tc.kind)+"1"]) + tc.more + "</masterRecord>" + losers + "</mergeRequests></merge>")
			if !strings.Contains(a.Raw, "<statusCode>"+tc.want+"<") || a.result(t, "success") != "false" || len(h.Changes()) != from {
				t.Errorf("%s, want %s; %v", a.Raw, tc.want, h.Changes()[from:])
			}
		})
	}
}

// TestSOAPMergeAssigns: the assignment rule runs in a merge only if the call asks for it.
func TestSOAPMergeAssigns(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for header, want := range map[string]string{"": c.user("ana"), "<AssignmentRuleHeader><useDefaultRule>true</useDefaultRule></AssignmentRuleHeader>": c.sim.rule} {
		master := c.create("Lead", `{"LastName":"L","Company":"C","OwnerId":"`+c.user("ana")+`"}`)
		a := c.soap("<merge><mergeRequests><masterRecord><type>Lead</type>"+inTag("Id", master)+"</masterRecord>"+inTag("recordToMergeIds", c.create("Lead", `{"LastName":"L","Company":"C"}`))+"</mergeRequests></merge>", header)
		if owner := text(c.sim.byID(master).last(), "OwnerId"); owner != want {
			t.Errorf("%q: %s, want %s: %s", header, owner, want, a.Raw)
		}
	}
}

package salesforcesim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// lines are the ledger's changes from the n-th on, one text each; ids are left out.
func lines(h *simhttp.History, from int, only ...string) []string {
	var out []string
	for _, c := range h.Changes()[from:] {
		l := c.Object + " " + c.Op + " " + c.Actor
		for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
			if slices.Contains(only, name) {
				l += fmt.Sprintf(" %s:%v->%v", name, c.Fields[name].From, c.Fields[name].To)
			}
		}
		out = append(out, l)
	}
	return out
}

func (c *client) mustEdit(e simhttp.Edit) map[string]string {
	c.t.Helper()
	ids, err := c.sim.Edit(e)
	if err != nil {
		c.t.Fatalf("%s %s: %v", e.Op, e.Object, err)
	}
	return ids
}

// setup applies a Setup document that must be taken.
func (c *client) setup(doc string) {
	c.t.Helper()
	if err := c.sim.Setup([]byte(doc)); err != nil {
		c.t.Fatalf("setup %s: %v", doc, err)
	}
}

// TestLedger: every committed change stands in it with the hand that made it.
func TestLedger(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	ana, ben := c.user("ana"), c.user("ben")
	var made struct{ ID string }
	c.do("POST", "sobjects/Lead", `{"LastName":"L","Company":"C","OwnerId":"`+ana+`"}`, "Sforce-Auto-Assign", "FALSE", "Sforce-Call-Options", "client=handoffd").into(t, &made)
	id := made.ID
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"refused", func() { c.do("PATCH", "sobjects/Lead/"+id, `{"Nonsense":1}`) }, nil},
		{"rule steals", func() { c.do("PATCH", "sobjects/Lead/"+id, `{"OwnerId":"`+ben+`"}`) }, []string{
			"Lead update api:" + integrationUser + " OwnerId:" + ana + "->" + ben,
			"Lead update automation:" + leadRule + " OwnerId:" + ben + "->" + c.sim.rule,
		}},
		{"person", func() {
			c.mustEdit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: "person:ben@example.com", Fields: map[string]any{"OwnerId": ana}})
		}, []string{"Lead update person:ben@example.com OwnerId:" + c.sim.rule + "->" + ana}},
		{"scheduled flow", func() {
			c.mustEdit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: "automation:Night shift", Fields: map[string]any{"OwnerId": ben}})
		}, []string{"Lead update automation:Night shift OwnerId:" + ana + "->" + ben}},
		{"all or none", func() {
			c.do("POST", "composite", `{"allOrNone":true,"compositeRequest":[
				{"method":"PATCH","url":"/services/data/v60.0/sobjects/Lead/`+id+`","referenceId":"a","body":{"Title":"x"}},
				{"method":"POST","url":"/services/data/v60.0/sobjects/Task","referenceId":"b","body":{"Status":"Nope","WhoId":"bad"}}]}`)
		}, nil},
		{"collection, all or none", func() {
			c.do("PATCH", "composite/sobjects", `{"allOrNone":true,"records":[{"attributes":{"type":"Lead"},"Id":"`+id+`","Title":"x"},{"attributes":{"type":"Lead"},"Id":"00Qxx0000000000AAA"}]}`)
		}, nil},
		{"task, closed and deleted with its lead", func() {
			c.do("POST", "sobjects/Task", `{"Subject":"s","WhoId":"`+id+`","Status":"Completed","ActivityDate":"2026-11-20"}`, "Sforce-Call-Options", "client=handoffd")
			c.mustEdit(simhttp.Edit{Object: "Lead", Op: "delete", ID: id, By: "sync:hubspot"})
		}, []string{"Task create api:handoffd OwnerId:<nil>->" + c.sim.caller, "Lead update system", "Lead delete sync:hubspot", "Task delete system"}},
		{"restored and purged", func() {
			c.mustEdit(simhttp.Edit{Object: "Lead", Op: "restore", ID: id, By: "person:ana@example.com"})
			c.mustEdit(simhttp.Edit{Object: "Lead", Op: "purge", ID: id, By: "person:ana@example.com"})
		}, []string{"Lead restore person:ana@example.com", "Task restore system", "Task purge system", "Lead purge person:ana@example.com"}},
	}
	for _, s := range steps {
		from := len(h.Changes())
		s.do()
		if diff := cmp.Diff(s.want, lines(h, from, "OwnerId")); diff != "" {
			t.Errorf("%s: -want +got\n%s", s.name, diff)
		}
	}
	if first := h.Changes()[0]; first.Actor != "api:handoffd" || first.Op != "create" || first.ID != id || first.CRM != "salesforce" {
		t.Errorf("first line: %+v", first)
	}
}

// TestLedgerOfLives: merges and conversions say where the record lives on.
func TestLedgerOfLives(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	c := newClient(t, Config{History: h})
	create := func(last string) string {
		return c.mustEdit(simhttp.Edit{Object: "Lead", Op: "create", By: "person:ana@example.com", Fields: map[string]any{"LastName": last, "Company": last}})["id"]
	}
	winner, loser := create("W"), create("L")
	c.mustEdit(simhttp.Edit{Object: "Lead", Op: "merge", ID: loser, By: "person:ana@example.com", Fields: map[string]any{"into": winner}})
	contact := c.mustEdit(simhttp.Edit{Object: "Lead", Op: "convert", ID: winner, By: "person:ana@example.com"})["contact"]
	into := map[string]string{}
	for _, ch := range h.Changes() {
		if ch.Into != "" {
			into[ch.Op+" "+ch.ID] = ch.Into
		}
	}
	if diff := cmp.Diff(map[string]string{"merge " + loser: winner, "convert " + winner: contact}, into); diff != "" {
		t.Error(diff)
	}
}

// TestPurgedIsGone: purged rows are in no query, no bin and no getDeleted.
func TestPurgedIsGone(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	id := c.mustEdit(simhttp.Edit{Object: "Contact", Op: "create", Fields: map[string]any{"LastName": "Gone", "Email": "gone@example.org"}})["id"]
	c.mustEdit(simhttp.Edit{Object: "Contact", Op: "delete", ID: id})
	if a := c.do("GET", "queryAll?q="+strings.ReplaceAll("SELECT Id FROM Contact WHERE IsDeleted = true", " ", "+"), ""); !strings.Contains(a.Raw, id) {
		t.Fatalf("bin: %s", a.Raw)
	}
	c.mustEdit(simhttp.Edit{Object: "Contact", Op: "purge", ID: id})
	for _, path := range []string{
		"queryAll?q=SELECT+Id+FROM+Contact+WHERE+IsDeleted+=+true", "query?q=SELECT+Id+FROM+Contact+WHERE+Email+=+'gone@example.org'",
		"queryAll?q=SELECT+Id+FROM+Contact+WHERE+SystemModstamp+>+2020-01-01T00:00:00Z",
	} {
		if a := c.do("GET", path, ""); a.Status != http.StatusOK || strings.Contains(a.Raw, id) {
			t.Errorf("%s: %d %s", path, a.Status, a.Raw)
		}
	}
	if a := c.do("GET", "sobjects/Contact/"+id, ""); a.Status != http.StatusNotFound || a.code(t) != "NOT_FOUND" {
		t.Errorf("by id: %d %s", a.Status, a.Raw)
	}
}

// TestEditBy: an unknown hand is refused; a known one is the record's LastModifiedBy.
func TestEditBy(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	id := c.mustEdit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{"LastName": "L", "Company": "C"}})["id"]
	if _, err := c.sim.Edit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: "person:nobody@example.com"}); err == nil {
		t.Error("an unknown person edits")
	}
	for by, want := range map[string]string{
		"person:cleo@example.com": "Cleo Example", "automation:X": "Automated Process", "sync:hubspot": "HubSpot Integration",
	} {
		c.mustEdit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: by, Fields: map[string]any{"Title": by}})
		rows := c.rows("SELECT LastModifiedBy.Name FROM Lead WHERE Id = '" + id + "'")
		if got := rows[0]["LastModifiedBy"].(map[string]any)["Name"]; got != want { //nolint:forcetypeassert // a panic fails the test
			t.Errorf("by %s: modified by %v, want %v", by, got, want)
		}
	}
}

package hubspotsim_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestWriteValidation holds that the admin's rules bind writes of 2026-09 in every shape, with their own codes, and
// that older versions are as lax as they were.
func TestWriteValidation(t *testing.T) {
	t.Parallel()
	const when, create = "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "MISSING_REQUIRED_PROPERTY"
	for _, tt := range []struct {
		name, method, path, body, code string
		row                            bool // the error is a row's
	}{
		{"status without reason", "PATCH", "/ID", `{"properties":{"hs_lead_status":"UNQUALIFIED"}}`, when, false},
		{"status with reason", "PATCH", "/ID", `{"properties":{"hs_lead_status":"UNQUALIFIED","handoff_return_reason":"spam"}}`, "", false},
		{"another status", "PATCH", "/ID", `{"properties":{"hs_lead_status":"OPEN"}}`, "", false},
		{"something else", "PATCH", "/ID", `{"properties":{"jobtitle":"x"}}`, "", false},
		{"batch update", "POST", "/batch/update", `{"inputs":[{"id":"ID","properties":{"hs_lead_status":"UNQUALIFIED"},"objectWriteTraceId":"t"}]}`, when, true},
		{"create without a name", "POST", "", `{"properties":{"email":"x@acme.com"}}`, create, false},
		{"create", "POST", "", `{"properties":{"email":"x@acme.com","lastname":"X"}}`, "", false},
		{"batch create", "POST", "/batch/create", `{"inputs":[{"properties":{"email":"x@acme.com"},"objectWriteTraceId":"t"}]}`, create, true},
		{"upsert", "POST", "/batch/upsert", `{"inputs":[{"id":"x@acme.com","idProperty":"email","properties":{}}]}`, create, false},
	} {
		for version, binds := range map[string]bool{"objects/2026-09": true, "objects/2026-03": false, "v3/objects": false} {
			p := newPortal(t, hubspotsim.Config{Empty: true})
			id := p.contact(`{"email":"a@acme.com"}`)
			p.setup(`{"required":{"contacts":[{"when":{"hs_lead_status":"UNQUALIFIED"},"need":["handoff_return_reason"]}]},"create_required":{"contacts":["lastname"]}}`)
			a := p.do(tt.method, "/crm/"+version+"/contacts"+replaceID(tt.path, id), replaceID(tt.body, id))
			code, want := a.text("errors", 0, "code"), ""
			if tt.row {
				code = a.text("errors", 0, "errors", 0, "code")
			}
			if binds {
				want = tt.code
			}
			if code != want || (a.status >= 400) != (want != "" && !tt.row) || (want != "" && tt.row && a.status != 207) {
				t.Errorf("%s, %s: %d %q, want %q: %s", tt.name, version, a.status, code, want, a.raw)
			}
		}
	}
}

func replaceID(s, id string) string {
	for i := 0; i+2 <= len(s); i++ {
		if s[i:i+2] == "ID" && (i+2 == len(s) || s[i+2] == '"') && (i == 0 || s[i-1] == '/' || s[i-1] == '"') {
			return s[:i] + id + s[i+2:]
		}
	}
	return s
}

// TestValidationOfWhatWasThere holds that a need may not be cleared while its condition holds.
func TestValidationOfWhatWasThere(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	p.setup(`{"required":{"contacts":[{"when":{"hs_lead_status":"UNQUALIFIED"},"need":["handoff_return_reason"]}]}}`)
	id := p.contact(`{"email":"a@acme.com","hs_lead_status":"UNQUALIFIED","handoff_return_reason":"spam"}`)
	if a := p.do("PATCH", contacts+"/"+id, `{"properties":{"handoff_return_reason":""}}`); a.status != 400 {
		t.Errorf("cleared: %d", a.status)
	}
	p.must("PATCH", contacts+"/"+id, `{"properties":{"handoff_return_reason":"","hs_lead_status":"OPEN"}}`)
}

// TestUpsertByUnique holds that an upsert by a unique property is partial, row by row, and one by e-mail is not (C3).
func TestUpsertByUnique(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	p.must("POST", "/crm/properties/2026-09/contacts", `{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"handoff","hasUniqueValue":true}`)
	rows := func(key string) string {
		return `{"inputs":[{"id":"k1@a.com","idProperty":"` + key + `","properties":{"firstname":"A"},"objectWriteTraceId":"1"},
			{"id":"k2@a.com","idProperty":"` + key + `","properties":{"hs_lead_status":"NONSENSE"},"objectWriteTraceId":"2"}]}`
	}
	a := p.do("POST", contacts+"/batch/upsert", rows("ext_id"))
	if a.status != 207 || a.len("results") != 1 || a.at("results", 0, "new") != true || a.text("errors", 0, "context", "objectWriteTraceId", 0) != "2" {
		t.Errorf("by a unique property: %d %s", a.status, a.raw)
	}
	if a := p.do("POST", contacts+"/batch/upsert", rows("email")); a.status != 400 {
		t.Errorf("by e-mail: %d %s", a.status, a.raw)
	}
	if a := p.must("GET", contacts, ""); a.len("results") != 1 {
		t.Errorf("contacts: %s", a.raw)
	}
	twice := `{"inputs":[{"id":"k1@a.com","idProperty":"ext_id","properties":{}},{"id":"k1@a.com","idProperty":"ext_id","properties":{}}]}`
	if a := p.do("POST", contacts+"/batch/upsert", twice); a.status != 400 {
		t.Errorf("one key twice: %d", a.status)
	}
}

// TestAutomation holds that the portal's workflows are listed, say what they set, and do it: a moment after a record
// was made or its owner changed by anybody but a workflow (C13).
func TestAutomation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simhttp.NewHistory()
		p, _ := hooked(t, hubspotsim.Config{Empty: true, History: h})
		p.setup(`{"automation":[{"name":"Lead routing","object":"contacts","sets":"hubspot_owner_id","on":"create","to":"ben@example.com"},
			{"name":"Keep Ana","object":"contacts","sets":"hubspot_owner_id","on":"owner_change","to":"ana@example.com"}]}`)
		list := p.must("GET", "/automation/v4/flows", "")
		if list.len("results") != 2 || list.text("results", 0, "name") != "Lead routing" || list.text("results", 0, "objectTypeId") != "0-1" {
			t.Errorf("flows: %s", list.raw)
		}
		flow := p.must("GET", "/automation/v4/flows/"+list.text("results", 0, "id"), "")
		if flow.text("actions", 0, "actionTypeId") != "0-5" || flow.text("actions", 0, "fields", "property_name") != "hubspot_owner_id" ||
			flow.text("actions", 0, "fields", "value", "staticValue") != p.owner("ben") {
			t.Errorf("flow: %s", flow.raw)
		}
		owner := func(id string) string {
			return p.must("GET", contacts+"/"+id+"?properties=hubspot_owner_id", "").text("properties", "hubspot_owner_id")
		}
		ana, ben, cleo := p.owner("ana"), p.owner("ben"), p.owner("cleo")
		id := p.contact(`{"email":"a@acme.com","hubspot_owner_id":"` + cleo + `"}`)
		time.Sleep(199 * time.Millisecond)
		if got := owner(id); got != cleo {
			t.Errorf("flipped too early: %s", got)
		}
		time.Sleep(7 * time.Second) // what a workflow changes starts no other
		if got := owner(id); got != ben {
			t.Errorf("after it was made: %s, want %s", got, ben)
		}
		p.must("PATCH", contacts+"/"+id, `{"properties":{"hubspot_owner_id":"`+cleo+`"}}`)
		time.Sleep(3 * time.Second)
		if got := owner(id); got != ana {
			t.Errorf("after its owner changed: %s, want %s", got, ana)
		}
		var hands []string
		for _, c := range h.Changes() {
			if _, owns := c.Fields["hubspot_owner_id"]; owns {
				hands = append(hands, c.Actor)
			}
		}
		if len(hands) != 4 || hands[1] != "automation:Lead routing" || hands[3] != "automation:Keep Ana" {
			t.Errorf("hands: %q", hands)
		}
		p.setup(`{"automation":[]}`)
		p.must("PATCH", contacts+"/"+id, `{"properties":{"hubspot_owner_id":"`+cleo+`"}}`)
		time.Sleep(5 * time.Second)
		if got := owner(id); got != cleo {
			t.Errorf("without workflows: %s", got)
		}
	})
}

// TestMissedByIndex holds that what the search index misses is found again when the record changes (P2).
func TestMissedByIndex(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{Empty: true, Faults: simhttp.Faults{IndexMissing: 1}})
		id := p.contact(`{"email":"a@acme.com"}`)
		found := func() int {
			time.Sleep(time.Hour)
			return p.must("POST", searchPath, `{}`).len("results")
		}
		if n := found(); n != 0 {
			t.Errorf("the index has %d contacts", n)
		}
		p.must("GET", contacts+"/"+id, "")
		p.sim.SetFaults(simhttp.Faults{})
		p.must("PATCH", contacts+"/"+id, `{"properties":{"jobtitle":"x"}}`)
		if n := found(); n != 1 {
			t.Errorf("after a change the index has %d contacts", n)
		}
		p.sim.SetFaults(simhttp.Faults{IndexMissing: 0.5})
		for i := range 100 {
			p.contact(fmt.Sprintf(`{"email":"b%d@acme.com"}`, i))
		}
		time.Sleep(time.Hour)
		if n := p.must("POST", searchPath, `{"limit":200}`).len("results"); n < 35 || n > 65 {
			t.Errorf("of a hundred contacts, of which it misses half, the index has %d", n)
		}
	})
}

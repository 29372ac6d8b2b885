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

// TestPropertyLife: a property's type may be changed into one that its field fits, one in use stays, one that is archived is
// found among the archived alone.
func TestPropertyLife(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	const all = "/crm/properties/2026-09/contacts"
	p.must("POST", all, `{"name":"shoe_size","label":"Shoe size","type":"string","fieldType":"text","groupName":"contactinformation"}`)
	p.setup(`{"automation":[{"name":"Guess","object":"contacts","sets":"shoe_size","on":"create","to":"43"}]}`)
	for _, step := range []struct {
		name, method, path, body string
		status                   int
		at, want                 string
	}{
		{"another type", "PATCH", "/shoe_size", `{"type":"number","fieldType":"number"}`, 200, "type", "number"},
		{"a type without its field", "PATCH", "/shoe_size", `{"type":"datetime"}`, 400, "category", "VALIDATION_ERROR"},
		{"an unknown group", "PATCH", "/shoe_size", `{"groupName":"nowhere"}`, 400, "category", "VALIDATION_ERROR"},
		{"it is a number now", "GET", "/shoe_size", "", 200, "fieldType", "number"},
		{"a workflow sets it", "DELETE", "/shoe_size", "", 400, "subCategory", "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"},
		{"and so in a batch", "POST", "/batch/archive", `{"inputs":[{"name":"intent_signal"},{"name":"shoe_size"}]}`, 400, "subCategory", "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"},
		{"of which nothing is done", "GET", "/intent_signal", "", 200, "name", "intent_signal"},
		{"not archived yet", "GET", "/shoe_size?archived=true", "", 404, "category", "OBJECT_NOT_FOUND"},
	} {
		if a := p.do(step.method, all+step.path, step.body); a.status != step.status || a.text(step.at) != step.want {
			t.Errorf("%s: %d %s; want %d with %s", step.name, a.status, a.raw, step.status, step.want)
		}
	}
	p.setup(`{"automation":[]}`)
	p.must("DELETE", all+"/shoe_size", "")
	if a := p.do("GET", all+"/shoe_size", ""); a.status != 404 {
		t.Errorf("archived: %d %s", a.status, a.raw)
	}
	if a := p.must("GET", all+"/shoe_size?archived=true", ""); a.at("archived") != true {
		t.Errorf("among the archived: %s", a.raw)
	}
}

// TestLabelsAreTold: what makes a labelled association names its labels and both records, in v4 by number.
func TestLabelsAreTold(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	contact := p.contact(`{"email":"told@example.org"}`)
	company := p.must("POST", "/crm/v3/objects/companies", `{"properties":{"name":"Told"}}`).text("id")
	a := p.must("PUT", "/crm/v4/objects/contacts/"+contact+"/associations/companies/"+company, `[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]`)
	if a.len("labels") != 1 || a.text("labels", 0) != "Primary" {
		t.Errorf("one by one: %s", a.raw)
	}
	a = p.must("POST", "/crm/v4/associations/contacts/companies/batch/create",
		`{"inputs":[{"from":{"id":"`+contact+`"},"to":{"id":"`+company+`"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]}]}`)
	if a.len("results") != 1 || a.len("results", 0, "labels") != 0 || !strings.Contains(a.raw, `"fromObjectId":`+contact+`,`) || !strings.Contains(a.raw, `"toObjectId":`+company+`,`) {
		t.Errorf("in a batch: %s", a.raw)
	}
	a = p.must("PUT", "/crm/objects/2026-09/contacts/"+contact+"/associations/companies/"+company, `[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1}]`)
	if a.text("fromObjectId") != contact || a.text("toObjectId") != company {
		t.Errorf("by the newest version: %s", a.raw)
	}
}

// TestDeletedPropertyIsGone holds that a property that was deleted is no key of its records any more, has no past to
// show, and neither sorts nor finds anything.
func TestDeletedPropertyIsGone(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	const all = "/crm/properties/2026-09/contacts"
	p.must("POST", all, `{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"handoff","hasUniqueValue":true}`)
	id := p.contact(`{"email":"a@acme.com","ext_id":"k1","company":"Acme"}`)
	p.must("GET", contacts+"/k1?idProperty=ext_id", "")
	p.must("DELETE", all+"/ext_id", "")
	p.setup(`{"archived_properties":["contacts.company"]}`)
	for _, tc := range []struct{ method, path, body string }{
		{"GET", "/k1?idProperty=ext_id", ""},
		{"PATCH", "/k1?idProperty=ext_id", `{"properties":{"firstname":"A"}}`},
		{"POST", "/batch/read", `{"idProperty":"ext_id","inputs":[{"id":"k1"}]}`},
		{"POST", "/batch/update", `{"inputs":[{"id":"k1","idProperty":"ext_id","properties":{"firstname":"A"}}]}`},
		{"POST", "/batch/upsert", `{"inputs":[{"id":"k1","idProperty":"ext_id","properties":{"firstname":"A"}}]}`},
		{"POST", "/search", `{"sorts":[{"propertyName":"ext_id","direction":"ASCENDING"}]}`},
	} {
		if a := p.do(tc.method, contacts+tc.path, tc.body); a.status != 400 {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, a.status, a.raw)
		}
	}
	if a := p.must("GET", contacts+"/"+id+"?propertiesWithHistory=ext_id", ""); strings.Contains(a.raw, "k1") {
		t.Errorf("its past: %s", a.raw)
	}
	if a := p.must("POST", searchPath, `{"query":"Acme"}`); a.at("total") != 1.0 { // by the e-mail address
		t.Errorf("the rest is searched: %s", a.raw)
	}
	p.must("PATCH", contacts+"/"+id, `{"properties":{"email":"a@example.org"}}`)
	if a := p.must("POST", searchPath, `{"query":"Acme"}`); a.at("total") != 0.0 {
		t.Errorf("found by what is deleted: %s", a.raw)
	}
}

// TestRestoredProperty holds that a property that is made again under a deleted one's name is as the new definition
// says: unique or not. It keeps the old one's age.
func TestRestoredProperty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{Empty: true})
		const all = "/crm/properties/2026-09/contacts"
		define := func(unique bool) answer {
			return p.must("POST", all, fmt.Sprintf(`{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"handoff","hasUniqueValue":%v}`, unique))
		}
		born := define(true).text("createdAt")
		p.contact(`{"email":"a@acme.com","ext_id":"k1"}`)
		p.must("DELETE", all+"/ext_id", "")
		time.Sleep(time.Hour)
		if got := define(false).text("createdAt"); got != born {
			t.Errorf("made at %s, restored with %s", born, got)
		}
		if a := p.do("GET", contacts+"/k1?idProperty=ext_id", ""); a.status != 400 {
			t.Errorf("a key, though not unique: %d", a.status)
		}
		p.contact(`{"email":"b@acme.com","ext_id":"k2"}`)
		p.contact(`{"email":"c@acme.com","ext_id":"k1"}`)
		p.must("DELETE", all+"/ext_id", "")
		define(true)
		if a := p.do("POST", contacts, `{"properties":{"email":"d@acme.com","ext_id":"k2"}}`); a.status != 409 {
			t.Errorf("a value that was there before: %d %s", a.status, a.raw)
		}
	})
}

// TestNewPropertyIsLate holds that a property that was just made is not there until the lag is over, whoever looks for
// it, while its name is taken at once.
func TestNewPropertyIsLate(t *testing.T) {
	t.Parallel()
	const (
		all     = "/crm/properties/2026-09/contacts"
		define  = `{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"late","hasUniqueValue":true}`
		missing = "PROPERTY_DOESNT_EXIST"
	)
	steps := []struct {
		name, method, path, body string
		status                   int    // while it is late
		says                     string // then; with a ! in front: what the answer is without
		later                    int
		saysLater                string
	}{
		{"one", "GET", all + "/ext_id", "", 404, "OBJECT_NOT_FOUND", 200, `"ext_id"`},
		{"one among the archived", "GET", all + "/ext_id?archived=true", "", 404, "OBJECT_NOT_FOUND", 404, "OBJECT_NOT_FOUND"},
		{"all", "GET", all, "", 200, `!"ext_id"`, 200, `"ext_id"`},
		{"by name", "POST", all + "/batch/read", `{"inputs":[{"name":"ext_id"}]}`, 207, "Some properties do not exist", 200, `"ext_id"`},
		{"the schema", "GET", "/crm/v3/schemas/contacts", "", 200, `!"ext_id"`, 200, `"ext_id"`},
		{"a change of it", "PATCH", all + "/ext_id", `{"label":"y"}`, 404, "OBJECT_NOT_FOUND", 200, `"label":"y"`},
		{"its group stays", "DELETE", all + "/groups/late", "", 400, "has properties", 400, "has properties"},
		{"making it again", "POST", all, define, 409, "PROPERTY_WITH_NAME_EXISTS", 409, "PROPERTY_WITH_NAME_EXISTS"},
		{"in a batch too", "POST", all + "/batch/create", `{"inputs":[` + define + `]}`, 207, "PROPERTY_WITH_NAME_EXISTS", 207, "PROPERTY_WITH_NAME_EXISTS"},
		{"a create", "POST", contacts, `{"properties":{"email":"b@acme.com","ext_id":"k2"}}`, 400, missing, 201, `"ext_id":"k2"`},
		{"an update", "PATCH", contacts + "/{id}", `{"properties":{"ext_id":"k1"}}`, 400, missing, 200, `"ext_id":"k1"`},
		{"a read", "GET", contacts + "/{id}?properties=ext_id", "", 200, `!"ext_id"`, 200, `"ext_id":"k1"`},
		{"its past", "GET", contacts + "/{id}?propertiesWithHistory=ext_id", "", 200, `!"ext_id"`, 200, `"ext_id":[{"value":"k1"`},
		{"a read by it", "GET", contacts + "/k1?idProperty=ext_id", "", 400, "non-unique", 200, `"id":"{id}"`},
		{"an upsert by it", "POST", contacts + "/batch/upsert", `{"inputs":[{"id":"k1","idProperty":"ext_id","properties":{"firstname":"A"}}]}`, 400, "non-unique", 200, `"new":false`},
		{"a filter", "POST", searchPath, where("ext_id", "EQ", "k1"), 400, "ext_id", 200, `"total":1`},
		{"a sort", "POST", searchPath, `{"sorts":[{"propertyName":"ext_id"}],"properties":["ext_id"]}`, 400, "sort", 200, `"ext_id":"k1"`},
	}
	synctest.Test(t, func(t *testing.T) {
		const lag = 2 * time.Second // there are five searches a second
		p := newPortal(t, hubspotsim.Config{Empty: true, Faults: simhttp.Faults{PropertyLag: lag}})
		id := p.contact(`{"email":"a@acme.com"}`)
		p.must("POST", all+"/groups", `{"name":"late","label":"Late"}`)
		look := func(late bool) {
			t.Helper()
			for _, s := range steps {
				status, says := s.later, s.saysLater
				if late {
					status, says = s.status, s.says
				}
				fill := strings.NewReplacer("{id}", id)
				says, without := strings.CutPrefix(fill.Replace(says), "!")
				a := p.do(s.method, fill.Replace(s.path), s.body)
				if a.status != status || strings.Contains(a.raw, says) == without {
					t.Errorf("%s, late %v: %d %.300s; want %d, %q there %v", s.name, late, a.status, a.raw, status, says, !without)
				}
			}
		}
		if a := p.must("POST", all, define); a.status != 201 || a.text("name") != "ext_id" {
			t.Errorf("the answer to who made it: %d %s", a.status, a.raw)
		}
		look(true)
		time.Sleep(lag - time.Millisecond)
		look(true)
		time.Sleep(time.Millisecond)
		look(false)
		p.must("DELETE", all+"/ext_id", "")
		p.must("POST", all, define)
		if a := p.do("GET", all+"/ext_id", ""); a.status != 404 {
			t.Errorf("made again, it is there at once: %d %s", a.status, a.raw)
		}
		time.Sleep(lag)
		p.must("GET", all+"/ext_id", "")
	})
}

// TestPropertyWithoutLag holds that only what is made through the API is late: not what the portal is set up with, and
// nothing in a calm one.
func TestPropertyWithoutLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{Empty: true, Faults: simhttp.Faults{PropertyLag: time.Second}})
		p.setup(`{"salesforce_sync":true}`)
		if err := p.sim.Drift(1, true); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"email", "handoff_status", "salesforceleadid", "campaign_note_1"} {
			if a := p.do("GET", "/crm/properties/2026-09/contacts/"+name, ""); a.status != 200 {
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
		}
		p.sim.SetFaults(simhttp.Faults{})
		p.must("POST", "/crm/properties/2026-09/contacts", `{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"handoff"}`)
		p.must("GET", "/crm/properties/2026-09/contacts/ext_id", "")
	})
}

// TestOptionsOfProperties holds which options a new property has to have, and which it must not.
func TestOptionsOfProperties(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	const yes, no = `{"label":"Yes","value":"true","displayOrder":0,"hidden":false}`, `{"label":"No","value":"false","displayOrder":1,"hidden":false}`
	for i, tc := range []struct {
		definition string
		status     int
	}{
		{`"type":"bool","fieldType":"booleancheckbox"`, 400},
		{`"type":"bool","fieldType":"booleancheckbox","options":[` + yes + `]`, 400},
		{`"type":"bool","fieldType":"booleancheckbox","options":[` + yes + `,` + yes + `]`, 400},
		{`"type":"bool","fieldType":"booleancheckbox","options":[` + yes + `,` + no + `,{"label":"Maybe","value":"maybe"}]`, 400},
		{`"type":"bool","fieldType":"booleancheckbox","options":[` + yes + `,` + no + `]`, 201},
		{`"type":"enumeration","fieldType":"select","options":[]`, 400},
		{`"type":"enumeration","fieldType":"select","options":[{"label":"A","value":""}]`, 400},
		{`"type":"enumeration","fieldType":"select","options":[{"value":"a"}]`, 400},
		{`"type":"enumeration","fieldType":"select","options":[{"label":"A","value":"a"}]`, 201},
		{`"type":"enumeration","fieldType":"select","externalOptions":true`, 400},
		{`"type":"enumeration","fieldType":"select","externalOptions":true,"referencedObjectType":"OWNER","options":[` + yes + `]`, 400},
		{`"type":"enumeration","fieldType":"select","externalOptions":true,"referencedObjectType":"OWNER"`, 201},
	} {
		a := p.do("POST", "/crm/properties/2026-09/contacts", fmt.Sprintf(`{"name":"p%d","label":"P","groupName":"handoff",%s}`, i, tc.definition))
		if a.status != tc.status {
			t.Errorf("%s: %d %s; want %d", tc.definition, a.status, a.raw, tc.status)
		}
	}
}

// TestNewOptions holds that options that take the place of others are as right as a new property's.
func TestNewOptions(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	const all = "/crm/properties/2026-09/contacts"
	p.must("POST", all, `{"name":"size","label":"Size","type":"enumeration","fieldType":"select","groupName":"handoff","options":[{"label":"S","value":"s"}]}`)
	for options, status := range map[string]int{
		`[]`:                          400,
		`[{"label":"M"}]`:             400,
		`[{"label":"","value":"m"}]`:  400,
		`[{"label":"M","value":"m"}]`: 200,
	} {
		if a := p.do("PATCH", all+"/size", `{"options":`+options+`}`); a.status != status {
			t.Errorf("%s: %d %s; want %d", options, a.status, a.raw, status)
		}
	}
	if a := p.must("GET", all+"/size", ""); a.text("options", 0, "value") != "m" || a.len("options") != 1 {
		t.Errorf("left: %s", a.raw)
	}
}

// TestTypesWithUniqueProperties holds which types may have a unique property: those that HubSpot names, and tasks
// where the portal is said to.
func TestTypesWithUniqueProperties(t *testing.T) {
	t.Parallel()
	for _, tasks := range []bool{false, true} {
		p := newPortal(t, hubspotsim.Config{Empty: true, UniqueTasks: tasks})
		for object, status := range map[string]int{
			"contact": 201, "company": 201, "deal": 201, "ticket": 201, "lead": 201, "call": 201,
			"note": 400, "meeting": 400, "email": 400, "user": 400, "task": map[bool]int{false: 400, true: 201}[tasks],
		} {
			a := p.do("POST", "/crm/properties/2026-09/"+object, `{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"`+object+`information","hasUniqueValue":true}`)
			if a.status != status {
				t.Errorf("%s: %d %s; want %d", object, a.status, a.raw, status)
			}
		}
	}
}

// TestSensitiveProperties holds that the portal has no sensitive property: none is listed, found or made.
func TestSensitiveProperties(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	const all = "/crm/properties/2026-09/contacts"
	const plain = `{"name":"pin","label":"PIN","type":"string","fieldType":"text","groupName":"handoff","dataSensitivity":"%s"}`
	for _, tc := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "?dataSensitivity=sensitive", "", 200, `{"results":[]}`},
		{"GET", "?dataSensitivity=secret", "", 400, "dataSensitivity"},
		{"GET", "/email?dataSensitivity=highly_sensitive", "", 404, "OBJECT_NOT_FOUND"},
		{"GET", "/email?dataSensitivity=non_sensitive", "", 200, `"email"`},
		{"POST", "", fmt.Sprintf(plain, "sensitive"), 403, "crm.objects.contacts.sensitive.write"},
		{"POST", "", fmt.Sprintf(plain, "secret"), 400, "dataSensitivity"},
		{"POST", "", fmt.Sprintf(plain, "non_sensitive"), 201, `"pin"`},
	} {
		if a := p.do(tc.method, all+tc.path, tc.body); a.status != tc.status || !strings.Contains(a.raw, tc.says) {
			t.Errorf("%s %s %s: %d %.200s; want %d with %s", tc.method, tc.path, tc.body, a.status, a.raw, tc.status, tc.says)
		}
	}
}

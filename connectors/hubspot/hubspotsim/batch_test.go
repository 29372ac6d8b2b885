package hubspotsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestBatchCreate holds that only inputs with trace ids of their own fail row by row.
func TestBatchCreate(t *testing.T) {
	t.Parallel()
	good, bad := `"properties":{"email":"new@example.org"}`, `"properties":{"email":"known@example.org"}`
	for _, tc := range []struct {
		name, inputs          string
		status, made, refused int
	}{
		{"all good", `{` + good + `}`, 201, 1, 0},
		{"one bad, no trace ids", `{` + good + `},{` + bad + `}`, 409, 0, 0},
		{"one bad, one trace id missing", `{"objectWriteTraceId":"a",` + good + `},{` + bad + `}`, 409, 0, 0},
		{"one bad, trace id shared", `{"objectWriteTraceId":"a",` + good + `},{"objectWriteTraceId":"a",` + bad + `}`, 409, 0, 0},
		{"one bad, trace ids", `{"objectWriteTraceId":"a",` + good + `},{"objectWriteTraceId":"b",` + bad + `}`, 207, 1, 1},
		{"same e-mail twice, no trace ids", `{` + good + `},{` + good + `}`, 409, 0, 0},
		{"same e-mail twice, trace ids", `{"objectWriteTraceId":"a",` + good + `},{"objectWriteTraceId":"b",` + good + `}`, 207, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, hubspotsim.Config{})
			p.contact(`{"email":"known@example.org"}`)
			a := p.do("POST", contacts+"/batch/create", `{"inputs":[`+tc.inputs+`]}`)
			if a.status != tc.status || a.len("results") != tc.made || a.len("errors") != tc.refused {
				t.Fatalf("got %d %s", a.status, a.raw)
			}
			if tc.refused > 0 && (a.text("errors", 0, "context", "objectWriteTraceId", 0) != "b" || a.text("errors", 0, "category") != "CONFLICT") {
				t.Errorf("the error does not name its input: %s", a.raw)
			}
			if n := p.must("GET", contacts, "").len("results"); n != 1+tc.made {
				t.Errorf("the portal holds %d contacts, want %d", n, 1+tc.made)
			}
		})
	}
}

func TestBatchUpdate(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	one, two := p.contact(`{"email":"1@example.org"}`), p.contact(`{"email":"2@example.org"}`)
	a := p.do("POST", contacts+"/batch/update", fmt.Sprintf(`{"inputs":[
		{"id":"%s","objectWriteTraceId":"x","properties":{"firstname":"One"}},
		{"id":"%s","objectWriteTraceId":"y","properties":{"handoff_status":"Nonsense"}},
		{"id":"999999","properties":{"firstname":"Nobody"}},
		{"id":"2@example.org","properties":{"firstname":"Silence"}}]}`, one, two))
	if a.status != 207 || a.len("results") != 1 || a.text("results", 0, "id") != one || a.at("numErrors") != 2.0 {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if a.text("errors", 0, "context", "objectWriteTraceId", 0) != "y" || a.text("errors", 1, "context", "ids", 0) != "999999" {
		t.Errorf("errors: %s", a.raw)
	}
	a = p.must("POST", contacts+"/batch/update", fmt.Sprintf(`{"inputs":[{"id":"%s","properties":{"firstname":"A"}},{"id":"%s","properties":{"firstname":"B"}}]}`, one, two))
	if a.status != 200 || a.text("results", 0, "properties", "lastmodifieddate") != a.text("results", 1, "properties", "lastmodifieddate") {
		t.Errorf("rows of one batch have different stamps: %s", a.raw)
	}
}

func TestBatchRead(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	id := p.contact(`{"email":"1@example.org"}`)
	p.edit("delete", "contacts", p.contact(`{"email":"2@example.org"}`), nil)
	a := p.do("POST", contacts+"/batch/read", `{"properties":["email"],"inputs":[{"id":"`+id+`"},{"id":"`+id+`"},{"id":"77777"}]}`)
	if a.status != 207 || a.len("results") != 1 || a.text("errors", 0, "category") != "OBJECT_NOT_FOUND" || a.text("errors", 0, "context", "ids", 0) != "77777" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	a = p.must("POST", contacts+"/batch/read", `{"idProperty":"email","properties":["email"],"inputs":[{"id":"1@example.org"}]}`)
	if a.text("results", 0, "id") != id || a.at("results", 0, "associations") != nil {
		t.Errorf("by e-mail: %s", a.raw)
	}
}

func TestBatchUpsert(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	p.contact(`{"email":"old@example.org"}`)
	a := p.must("POST", contacts+"/batch/upsert", `{"inputs":[
		{"id":"old@example.org","idProperty":"email","properties":{"firstname":"Old"}},
		{"id":"new@example.org","idProperty":"email","properties":{"firstname":"New"}}]}`)
	if a.at("results", 0, "new") != false || a.at("results", 1, "new") != true {
		t.Errorf("new: %s", a.raw)
	}
	a = p.do("POST", contacts+"/batch/upsert", `{"inputs":[
		{"id":"third@example.org","idProperty":"email","properties":{}},
		{"id":"old@example.org","idProperty":"email","properties":{"nonsense":"x"}}]}`)
	if a.status != 400 || p.do("GET", contacts+"/third@example.org?idProperty=email", "").status != 404 {
		t.Errorf("an upsert by e-mail was partial: %d %s", a.status, a.raw)
	}
}

// TestUniqueTasks holds the refusal that "never twice" rests on (1.78, C2), alone and in a batch, and
// that without it the same key makes two tasks.
func TestUniqueTasks(t *testing.T) {
	t.Parallel()
	const path, body = "/crm/objects/2026-09/tasks", `{"properties":{"hs_timestamp":"2026-03-20T13:04:00Z","handoff_key":"k1"}}`
	p := newPortal(t, hubspotsim.Config{UniqueTasks: true})
	id := p.must("POST", path, body).text("id")
	if a := p.do("POST", path, body); a.status != 409 || a.text("category") != "CONFLICT" {
		t.Errorf("second task: %d %s", a.status, a.raw)
	}
	traced := `{"objectWriteTraceId":"x",` + body[1:]
	if a := p.do("POST", path+"/batch/create", `{"inputs":[`+traced+`]}`); a.status != 207 || a.text("errors", 0, "category") != "CONFLICT" {
		t.Errorf("in a batch: %d %s", a.status, a.raw)
	}
	if a := p.must("GET", path+"/k1?idProperty=handoff_key", ""); a.text("id") != id {
		t.Errorf("by key: %s", a.raw)
	}
	p.must("DELETE", path+"/"+id, "")
	p.must("POST", path, body)

	p.sim.SetFaults(simhttp.Faults{})
	p.must("POST", path, body)
	if a := p.do("GET", path+"/k1?idProperty=handoff_key", ""); a.status != 400 {
		t.Errorf("a plain property served as a key: %d", a.status)
	}
}

// TestPartialFault: rows of a batch fail by themselves, in a read as well, and say that they
// have failed and not that they are gone.
func TestPartialFault(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Faults: simhttp.Faults{Rate: map[string]float64{"partial": 1}}})
	var inputs []string
	for i := range 20 {
		inputs = append(inputs, fmt.Sprintf(`{"objectWriteTraceId":"%d","properties":{"email":"p%d@example.org"}}`, i, i))
	}
	a := p.do("POST", contacts+"/batch/create", `{"inputs":[`+strings.Join(inputs, ",")+`]}`)
	if a.status != 207 || a.len("errors") == 0 || a.len("errors")+a.len("results") != 20 {
		t.Errorf("got %d %s", a.status, a.raw)
	}
	listed := p.must("GET", contacts+"?limit=100", "")
	if n := listed.len("results"); n != a.len("results") {
		t.Errorf("the portal holds %d contacts, the answer says %d", n, a.len("results"))
	}
	inputs = nil
	for i := range listed.len("results") {
		inputs = append(inputs, fmt.Sprintf(`{"id":%q}`, listed.text("results", i, "id")))
	}
	for _, past := range []string{"", `,"propertiesWithHistory":["email"]`} {
		a = p.do("POST", contacts+"/batch/read", `{"properties":["email"]`+past+`,"inputs":[`+strings.Join(inputs, ",")+`]}`)
		if failed := a.len("errors"); a.status != 207 || failed == 0 || failed+a.len("results") != len(inputs) || a.text("errors", 0, "category") != "INTERNAL_ERROR" {
			t.Errorf("read%s: %d %s", past, a.status, a.raw)
		}
	}
}

// TestUpdateOfNothingInABatch: a row without properties is refused and the others are written.
func TestUpdateOfNothingInABatch(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	first, second := p.contact(`{"email":"first@example.org"}`), p.contact(`{"email":"second@example.org"}`)
	a := p.do("POST", contacts+"/batch/update", `{"inputs":[{"id":"`+first+`"},{"id":"`+second+`","properties":{"firstname":"Bea"}}]}`)
	if a.status != 207 || a.len("results") != 1 || a.text("results", 0, "id") != second || a.text("errors", 0, "category") != "VALIDATION_ERROR" {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// TestBatchUpdateByRecordID holds that the record id goes without an idProperty: named as one, it is refused.
func TestBatchUpdateByRecordID(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	id := p.contact(`{"email":"1@example.org"}`)
	row := `{"inputs":[{"id":"` + id + `",%s"properties":{"firstname":"One"}}]}`
	a := p.do("POST", contacts+"/batch/update", fmt.Sprintf(row, `"idProperty":"hs_object_id",`))
	if a.status != 400 || !strings.Contains(a.text("message"), "non-unique 0-1 property hs_object_id") {
		t.Errorf("as a property: %d %s", a.status, a.raw)
	}
	p.must("POST", contacts+"/batch/update", fmt.Sprintf(row, ""))
}

// TestBatchRowsWithoutID holds that a row that names no record is refused with its batch, and an upsert's that has no
// properties: a key that is blank would make a record that nobody finds by it.
func TestBatchRowsWithoutID(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	p.must("POST", "/crm/properties/2026-09/contacts", `{"name":"ext_id","label":"x","type":"string","fieldType":"text","groupName":"handoff","hasUniqueValue":true}`)
	id := p.contact(`{"email":"1@example.org"}`)
	for _, tc := range []struct{ verb, row, field string }{
		{"read", `{}`, "id"},
		{"read", `{"id":""}`, "id"},
		{"update", `{"properties":{"firstname":"One"}}`, "id"},
		{"archive", `{}`, "id"},
		{"upsert", `{"idProperty":"ext_id","properties":{"firstname":"One"}}`, "id"},
		{"upsert", `{"id":"","idProperty":"ext_id","properties":{"firstname":"One"}}`, "id"},
		{"upsert", `{"id":"2@example.org","idProperty":"email"}`, "properties"},
	} {
		a := p.do("POST", contacts+"/batch/"+tc.verb, `{"inputs":[{"id":"`+id+`","idProperty":"ext_id","properties":{}},`+tc.row+`]}`)
		if a.status != 400 || !strings.Contains(a.text("message"), "not set: ["+tc.field+"]") {
			t.Errorf("%s %s: %d %s", tc.verb, tc.row, a.status, a.raw)
		}
	}
	if n := p.must("GET", contacts, "").len("results"); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
}

// TestBatchCreateAtLinkLimit holds that a create that fails whole leaves nothing behind when its rows are too many
// for a record only together.
func TestBatchCreateAtLinkLimit(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	p.setup(`{"link_limits":{"companies>contacts":1}}`)
	row := `{"properties":{"email":"%d@acme.com"},"associations":[{"to":{"id":"11"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":1},{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":279}]}]}`
	rows := fmt.Sprintf(row+","+row, 1, 2)
	if a := p.do("POST", contacts+"/batch/create", `{"inputs":[`+rows+`]}`); a.status != 400 || !strings.Contains(a.raw, "ASSOCIATION_LIMIT_EXCEEDED") {
		t.Errorf("two for one place: %d %s", a.status, a.raw)
	}
	if n := p.must("GET", contacts, "").len("results"); n != 0 {
		t.Errorf("%d contacts, want none", n)
	}
	p.must("POST", contacts+"/batch/create", `{"inputs":[`+fmt.Sprintf(row, 1)+`]}`)
}

package salesforcesim

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestEntityTags: accounts, and only they, have one, which a condition may name.
func TestEntityTags(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	account := "sobjects/Account/" + c.create("Account", `{"Name":"Tagged"}`)
	first := c.do("GET", account, "").Header.Get("ETag")
	if first == "" || c.do("GET", account+"?fields=Name", "").Header.Get("ETag") != first {
		t.Fatalf("tag %q", first)
	}
	if a := c.do("GET", account, "", "If-None-Match", first); a.Status != http.StatusNotModified || a.Raw != "" {
		t.Errorf("known state: %d %s", a.Status, a.Raw)
	}
	if a := c.do("PATCH", account, `{"Phone":"1"}`, "If-Match", `"other", `+first); a.Status != http.StatusNoContent {
		t.Errorf("the tag of its state: %d %s", a.Status, a.Raw)
	}
	if a := c.do("PATCH", account, `{"Phone":"2"}`, "If-Match", first); a.Status != http.StatusPreconditionFailed {
		t.Errorf("the tag of a former state: %d %s", a.Status, a.Raw)
	}
	if a := c.do("GET", account, "", "If-None-Match", first); a.Status != http.StatusOK || a.Header.Get("ETag") == first {
		t.Errorf("a new state: %d, tag %s", a.Status, a.Header.Get("ETag"))
	}
	lead := "sobjects/Lead/" + c.create("Lead", `{"LastName":"L","Company":"C"}`)
	if tag := c.do("GET", lead, "").Header.Get("ETag"); tag != "" {
		t.Errorf("a lead has the tag %s", tag)
	}
	if a := c.do("PATCH", lead, `{"Title":"x"}`, "If-Match", `"other"`); a.Status != http.StatusNoContent {
		t.Errorf("a lead's If-Match is not looked at: %d %s", a.Status, a.Raw)
	}
}

// TestUpsertByVersion: before version 46 an upsert that updates tells nothing.
func TestUpsertByVersion(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{UniqueTasks: true})
	for version, want := range map[string][2]int{"v45.0": {201, 204}, "v46.0": {201, 200}} {
		path := "/services/data/" + version + "/sobjects/Task/Handoff_Key__c/" + version
		made, again := c.do("PATCH", path, `{"Subject":"s"}`), c.do("PATCH", path, `{"Subject":"t"}`)
		if got := [2]int{made.Status, again.Status}; got != want || (again.Raw == "") != (want[1] == 204) {
			t.Errorf("%s: %v %s", version, got, again.Raw)
		}
	}
}

// TestKeylessUpsert: a POST to Id creates a row from v37 on, and is not found before.
func TestKeylessUpsert(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for version, want := range map[string]int{"v36.0": http.StatusNotFound, "v37.0": http.StatusCreated} {
		if a := c.do("POST", "/services/data/"+version+"/sobjects/Account/Id", `{"Name":"Keyless"}`); a.Status != want {
			t.Errorf("%s: %d %s", version, a.Status, a.Raw)
		}
	}
}

func TestOrderByAggregate(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, n := range []string{"Hot", "Cold", "Cold", "Warm", "Cold", "Warm"} {
		c.create("Lead", `{"LastName":"Ord","Company":"C","Rating":"`+n+`"}`)
	}
	const grouped = "SELECT Rating, COUNT(Id) n FROM Lead WHERE LastName = 'Ord' GROUP BY Rating ORDER BY "
	for order, want := range map[string][]string{
		"COUNT(Id)":               {`{"Rating":"Hot","n":1}`, `{"Rating":"Warm","n":2}`, `{"Rating":"Cold","n":3}`},
		"count(Id) DESC LIMIT 1":  {`{"Rating":"Cold","n":3}`},
		"MAX(Company), Rating":    {`{"Rating":"Hot","n":1}`, `{"Rating":"Warm","n":2}`, `{"Rating":"Cold","n":3}`},
		"Rating DESC, COUNT(Id) ": {`{"Rating":"Cold","n":3}`, `{"Rating":"Warm","n":2}`, `{"Rating":"Hot","n":1}`},
	} {
		if diff := cmp.Diff(want, c.query(grouped+order).records(t)); diff != "" {
			t.Errorf("%s: -want +got\n%s", order, diff)
		}
	}
	for soql, want := range map[string]string{
		"SELECT Id FROM Lead ORDER BY COUNT(Id)":      "MALFORMED_QUERY",
		grouped + "COUNT()":                           "MALFORMED_QUERY",
		grouped + "LOWER(Rating)":                     "MALFORMED_QUERY",
		grouped + "COUNT(Nope)":                       "INVALID_FIELD",
		"SELECT COUNT() FROM Lead ORDER BY COUNT(Id)": "MALFORMED_QUERY",
	} {
		if a := c.query(soql); a.Status != http.StatusBadRequest || a.code(t) != want {
			t.Errorf("%s: %d %s", soql, a.Status, a.Raw)
		}
	}
}

// TestWordings: a lock met by a trigger stands in its text only, and a query may have taken too long instead of
// breaking down; both are what they were without these words.
func TestWordings(t *testing.T) {
	t.Parallel()
	locked := newClient(t, Config{Faults: simhttp.Faults{Rate: map[string]float64{"partial": 1}}})
	slow := newClient(t, Config{Faults: simhttp.Faults{Rate: map[string]float64{"504": 1}}})
	met := map[string]int{}
	for range 40 {
		a := locked.do("POST", "composite", `{"allOrNone":true,"compositeRequest":[{"method":"POST","url":"/services/data/v60.0/sobjects/Lead","referenceId":"a","body":{"LastName":"L","Company":"C"}}]}`)
		if !strings.Contains(a.Raw, "UNABLE_TO_LOCK_ROW") {
			t.Fatalf("no lock in it: %s", a.Raw)
		}
		for _, code := range []string{`"errorCode":"UNABLE_TO_LOCK_ROW"`, `"errorCode":"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"`} {
			if strings.Contains(a.Raw, code) {
				met[code]++
			}
		}
		met[fmt.Sprint("query ", slow.query("SELECT Id FROM Lead").Status)]++
		met[fmt.Sprint("row ", slow.do("GET", "sobjects/Lead/00Q000000000001", "").Status)]++
	}
	if len(met) != 5 || met["row 504"] != 40 || met["query 400"] < 5 || met["query 504"] < 5 {
		t.Errorf("met %v", met)
	}
}

func TestParserWords(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, tc := range []struct{ path, body, want string }{
		{"sobjects/Lead", `[]`, "Cannot deserialize from ARRAY value"},
		{"sobjects/Lead", `{"LastName":`, "Unexpected end-of-input"},
		{"sobjects/Lead", "", "The HTTP entity body is required"},
		{"composite/sobjects", `{"records":[],"foo":1}`, `Unrecognized field \"foo\"`},
	} {
		if a := c.do("POST", tc.path, tc.body); a.Status != http.StatusBadRequest || a.code(t) != "JSON_PARSER_ERROR" || !strings.Contains(a.Raw, tc.want) || strings.Contains(a.Raw, "json:") {
			t.Errorf("%s: %d %s", tc.body, a.Status, a.Raw)
		}
	}
}

// TestSetupRows: users have profiles, no object has a record type of its own, and its layouts can be asked for.
func TestSetupRows(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	rows := c.rows("SELECT Id, Profile.Name, UserRole.Name FROM User WHERE Email = 'ana@example.com'")
	if profile, _ := rows[0]["Profile"].(map[string]any); profile["Name"] != "Standard User" || rows[0]["UserRole"] != nil {
		t.Errorf("user %v", rows[0])
	}
	if n := len(c.rows("SELECT Id FROM User WHERE Profile.Name = 'Minimum Access - API Only Integrations'")); n != 1 {
		t.Errorf("%d integration users", n)
	}
	if n := len(c.rows("SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Lead'")); n != 0 {
		t.Errorf("%d record types", n)
	}
	var described struct {
		RecordTypeInfos []struct {
			RecordTypeID string
			Master       bool
			URLs         struct{ Layout string }
		}
	}
	c.do("GET", "sobjects/Lead/describe", "").into(t, &described)
	if len(described.RecordTypeInfos) != 1 || !described.RecordTypeInfos[0].Master {
		t.Fatalf("record types %+v", described)
	}
	for path, want := range map[string]int{described.RecordTypeInfos[0].URLs.Layout: 200, "sobjects/Lead/describe/layouts/": 200, "sobjects/Lead/describe/layouts/012000000000001AAA": 404, "actions/standard/convertLead": 404} {
		if a := c.do("GET", path, ""); a.Status != want {
			t.Errorf("%s: %d %s", path, a.Status, a.Raw)
		}
	}
}

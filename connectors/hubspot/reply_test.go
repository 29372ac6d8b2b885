package hubspot

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/jarcoal/httpmock"
)

// fixture is a connector whose HubSpot answers as told.
type fixture struct {
	*Connector
	transport *httpmock.MockTransport
	bodies    []string // of requests that the test registered with answers
}

const crm = "https://crm.example"

// testProperties is a schema with the properties the tests name.
func testProperties(unique bool) string {
	return fmt.Sprintf(`{"results":[{"name":"email","type":"string"},{"name":"firstname","type":"string"},{"name":"hubspot_owner_id","type":"enumeration"},
		{"name":"lastmodifieddate","type":"datetime","modificationMetadata":{"readOnlyValue":true}},{"name":"hs_lastmodifieddate","type":"datetime","calculated":true},
		{"name":"hs_task_subject","type":"string"},{"name":"hs_task_body","type":"string"},{"name":"hs_timestamp","type":"datetime"},
		{"name":"employees","type":"number"},{"name":"subscribed","type":"bool"},{"name":"born","type":"date"},{"name":"associatedcompanyid","type":"number"},
		{"name":"hs_merged_object_ids","type":"string","calculated":true},{"name":"handoff_key","type":"string","hasUniqueValue":%v}]}`, unique)
}

func newFixture(t *testing.T, unique bool) *fixture {
	t.Helper()
	f := &fixture{transport: httpmock.NewMockTransport()}
	for _, kind := range []string{"contacts", "tasks", "deals"} {
		f.transport.RegisterResponder("GET", crm+"/crm/properties/"+APIVersion+"/"+kind, httpmock.NewStringResponder(200, testProperties(unique)))
	}
	f.Connector = testConnector(t, connectors.Settings{URL: crm, Transport: f.transport})
	return f
}

// answers registers replies to one address, in order; the last is repeated.
func (f *fixture) answers(method, path string, replies ...func(body string) (int, string)) {
	n := 0
	f.transport.RegisterResponder(method, crm+path, func(r *http.Request) (*http.Response, error) {
		body := ""
		if r.Body != nil {
			raw, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			body = string(raw)
		}
		f.bodies = append(f.bodies, body)
		reply := replies[min(n, len(replies)-1)]
		n++
		status, text := reply(body)
		return httpmock.NewStringResponse(status, text), nil
	})
}

func fixed(status int, text string) func(string) (int, string) {
	return func(string) (int, string) { return status, text }
}

func outcomes(results []connectors.Result) []string {
	var out []string
	for _, r := range results {
		if r.Err != nil {
			out = append(out, r.Key+" "+r.Err.Class.String()+" "+r.Err.Existing.ID)
		} else {
			out = append(out, r.Key+" done "+r.Ref.ID)
		}
	}
	return out
}

func taskWrite(key string) connectors.Write {
	return connectors.Write{
		Ref: connectors.Ref{Kind: connectors.Task}, Key: key, Links: []connectors.Ref{{Kind: "contacts", ID: "5"}},
		Set: map[string]any{connectors.TaskSubject: "s", connectors.TaskBody: "b", connectors.TaskDue: "2026-11-20T10:00:00Z"},
	}
}

func update(key, id string) connectors.Write {
	return connectors.Write{Ref: connectors.Ref{Kind: "contacts", ID: id}, Key: key, Set: map[string]any{"firstname": "x"}}
}

// (C3) Rows come shuffled, are missing, are of strangers, or fail one by one.
func TestRowsOfABatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		unique bool
		writes []connectors.Write
		path   string
		reply  string
		want   []string
	}{
		"update, shuffled and missing": {
			false,
			[]connectors.Write{update("a", "1"), update("b", "2"), update("c", "3"), update("d", "4")},
			"contacts/batch/update",
			`{"results":[{"id":"3","properties":{}},{"id":"99","properties":{}},{"id":"1","properties":{}}],"errors":[{"category":"OBJECT_NOT_FOUND","message":"gone","context":{"ids":["4"]}}]}`,
			[]string{"a done 1", "b unavailable ", "c done 3", "d not_found "},
		},
		"create, by trace id": {
			false,
			[]connectors.Write{taskWrite("a"), taskWrite("b"), taskWrite("c")},
			"tasks/batch/create",
			`{"results":[{"id":"12","objectWriteTraceId":"c"},{"id":"11","objectWriteTraceId":"a"}],"errors":[{"category":"VALIDATION_ERROR","message":"no","context":{"objectWriteTraceId":["b"]}}]}`,
			[]string{"a done 11", "b invalid ", "c done 12"},
		},
		"create, by marker": {
			false,
			[]connectors.Write{taskWrite("a"), taskWrite("b")},
			"tasks/batch/create",
			`{"results":[{"id":"12","properties":{"hs_task_body":"<p>b<br>[handoff b]</p>"}},{"id":"11","properties":{"hs_task_body":"b\n[handoff a]"}}]}`,
			[]string{"a done 11", "b done 12"},
		},
		"create, by key": {
			true,
			[]connectors.Write{taskWrite("a"), taskWrite("b")},
			"tasks/batch/create",
			`{"results":[{"id":"12","properties":{"handoff_key":"b"}},{"id":"11","properties":{"handoff_key":"a"}}]}`,
			[]string{"a done 11", "b done 12"},
		},
		"create, a row without an answer": {
			false,
			[]connectors.Write{taskWrite("a"), taskWrite("b")},
			"tasks/batch/create",
			`{"results":[{"id":"11","objectWriteTraceId":"a"},{"id":"77"}]}`,
			[]string{"a done 11", "b ambiguous "},
		},
		"create, an error that names no row": {
			false,
			[]connectors.Write{taskWrite("a"), taskWrite("b"), taskWrite("c")},
			"tasks/batch/create",
			`{"results":[{"id":"11","objectWriteTraceId":"a"}],"errors":[{"category":"VALIDATION_ERROR","message":"no"}]}`,
			[]string{"a done 11", "b ambiguous ", "c ambiguous "},
		},
		"create, an internal error of a row": {
			false,
			[]connectors.Write{taskWrite("a")},
			"tasks/batch/create",
			`{"results":[],"errors":[{"category":"INTERNAL_ERROR","message":"oops","context":{"objectWriteTraceId":["a"]}}]}`,
			[]string{"a ambiguous "},
		},
		"empty answer to an update": {
			false, []connectors.Write{update("a", "1")}, "contacts/batch/update", `{"results":[]}`, []string{"a unavailable "},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, test.unique)
				f.answers("POST", "/crm/objects/"+APIVersion+"/"+test.path, fixed(207, test.reply))
				results, err := f.Apply(t.Context(), test.writes)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, outcomes(results)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if len(f.bodies) != 1 {
					t.Errorf("sent %d times", len(f.bodies))
				}
			})
		})
	}
}

// A12: HubSpot's words about a row name no person and no token.
func TestRowErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", fixed(207,
			`{"results":[],"errors":[{"category":"VALIDATION_ERROR","message":"ann@example.com is not an address; token pat-test","context":{"ids":["1"]}}]}`))
		results, err := f.Apply(t.Context(), []connectors.Write{update("a", "1")})
		if err != nil || results[0].Err == nil {
			t.Fatal(err, results)
		}
		if text := results[0].Err.Error(); strings.Contains(text, "ann@") || strings.Contains(text, "pat-test") {
			t.Error(text)
		}
	})
}

// The body of a create, to the letter.
func TestTaskBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/objects/"+APIVersion+"/tasks/batch/create", fixed(201, `{"results":[{"id":"1","objectWriteTraceId":"k"}]}`))
		w := taskWrite("k")
		w.Links = append(w.Links, connectors.Ref{Kind: "companies", ID: "6"}, connectors.Ref{Kind: "deals", ID: "7"}, connectors.Ref{Kind: "contacts", ID: "5"})
		w.Set[connectors.TaskZone] = "Europe/Berlin"
		if _, err := f.Apply(t.Context(), []connectors.Write{w}); err != nil {
			t.Fatal(err)
		}
		want := `{"inputs":[{"properties":{"hs_task_body":"b<br>\n[handoff k]","hs_task_subject":"s","hs_timestamp":"2026-11-20T10:00:00.000Z"},"objectWriteTraceId":"k",` +
			`"associations":[{"to":{"id":"5"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":204}]},` +
			`{"to":{"id":"6"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":192}]},` +
			`{"to":{"id":"7"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":216}]}]}]}`
		if diff := cmp.Diff([]string{want}, f.bodies); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// (C15, I10) One row that makes HubSpot refuse the whole batch stops no other.
func TestOneBadRowOfAHundred(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", func(body string) (int, string) {
			var in batchWrite
			if err := json.Unmarshal([]byte(body), &in); err != nil {
				return 400, `{}`
			}
			var rows []string
			for _, one := range in.Inputs {
				if one.ID == "37" {
					return 400, `{"status":"error","category":"VALIDATION_ERROR","message":"no"}`
				}
				rows = append(rows, fmt.Sprintf(`{"id":%q,"properties":{}}`, one.ID))
			}
			return 200, `{"results":[` + strings.Join(rows, ",") + `]}`
		})
		var writes []connectors.Write
		for i := range 100 {
			writes = append(writes, update(fmt.Sprint("k", i), fmt.Sprint(i)))
		}
		results, err := f.Apply(t.Context(), writes)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if (r.Err != nil) != (i == 37) {
				t.Errorf("row %d: %v", i, r.Err)
			}
		}
		if len(f.bodies) > 15 {
			t.Errorf("%d calls", len(f.bodies))
		}
	})
}

// Our own key refused as a duplicate is success, by row or as a whole.
func TestOwnDuplicate(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]func(string) (int, string){
		"row":   fixed(207, `{"results":[{"id":"22","objectWriteTraceId":"b"}],"errors":[{"category":"VALIDATION_ERROR","message":"x","errors":[{"code":"CONFLICTING_UNIQUE_VALUE","message":"x"}],"context":{"objectWriteTraceId":["a"]}}]}`),
		"whole": fixed(409, `{"status":"error","category":"CONFLICT","message":"a value is not unique"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, true)
				create := "/crm/objects/" + APIVersion + "/tasks/batch/create"
				f.answers("POST", create, reply, fixed(201, `{"results":[{"id":"22","objectWriteTraceId":"b"}]}`))
				f.transport.RegisterResponder("POST", crm+"/crm/objects/"+APIVersion+"/tasks/batch/read",
					httpmock.NewStringResponder(207, `{"results":[{"id":"21","properties":{"handoff_key":"a","hs_lastmodifieddate":"2026-01-01T00:00:00Z"}}],"errors":[{"category":"OBJECT_NOT_FOUND"}]}`))
				results, err := f.Apply(t.Context(), []connectors.Write{taskWrite("a"), taskWrite("b")})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{"a done 21", "b done 22"}, outcomes(results)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if results[0].Version == "" || results[0].ModifiedAt.IsZero() {
					t.Errorf("no version: %+v", results[0])
				}
			})
		})
	}
}

// A field that went away: the row says Schema, and the next attempt describes
// again and leaves it out.
func TestFieldGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update",
			fixed(400, `{"category":"VALIDATION_ERROR","message":"x","errors":[{"code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["firstname"]}}]}`))
		results, err := f.Apply(t.Context(), []connectors.Write{update("a", "1"), update("b", "2")})
		if err != nil || outcomes(results)[0] != "a schema " || outcomes(results)[1] != "b schema " || len(f.bodies) != 1 {
			t.Fatalf("%v %v, %d calls", outcomes(results), err, len(f.bodies))
		}
		f.transport.RegisterResponder("GET", crm+"/crm/properties/"+APIVersion+"/contacts", httpmock.NewStringResponder(200, `{"results":[{"name":"email","type":"string"}]}`))
		results, err = f.Apply(t.Context(), []connectors.Write{update("a", "1")})
		if err != nil || !slices.Equal(results[0].Skipped, []string{"firstname"}) || len(f.bodies) != 1 {
			t.Errorf("%+v %v", results, err)
		}
	})
}

// (C6) Credentials that no longer work are tried once, not for every batch.
func TestBrokenCredentialsStopTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		denied := fixed(401, `{"category":"INVALID_AUTHENTICATION"}`)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", denied)
		f.answers("POST", "/crm/objects/"+APIVersion+"/tasks/batch/create", denied)
		results, err := f.Apply(t.Context(), []connectors.Write{taskWrite("b"), update("a", "1")})
		if err != nil || outcomes(results)[0] != "b auth_broken " || outcomes(results)[1] != "a auth_broken " {
			t.Errorf("%v %v", outcomes(results), err)
		}
		if len(f.bodies) != 2 { // one call, and once more with a token asked for again
			t.Errorf("%d calls", len(f.bodies))
		}
	})
}

// A schema that cannot be read again is believed a little longer.
func TestOldSchemaIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, true)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/read", fixed(200, `{"results":[{"id":"1","properties":{}}]}`))
		for _, wait := range []time.Duration{0, 2 * schemaAge, time.Second} {
			time.Sleep(wait)
			if wait > 0 {
				f.answers("GET", "/crm/properties/"+APIVersion+"/contacts", fixed(500, `{}`))
			}
			if _, err := f.Read(t.Context(), "contacts", []string{"1"}, []string{"email", "nope"}); err != nil {
				t.Errorf("after %v: %v", wait, err)
			}
		}
		if lacks := f.Lacks("contacts", []string{"email", "nope"}); !f.Exact("contacts") || !slices.Equal(lacks, []string{"nope"}) {
			t.Errorf("exact %v, lacks %v", f.Exact("contacts"), lacks)
		}
		asked := 0
		for _, body := range f.bodies {
			if body == "" {
				asked++
			}
		}
		if asked != 4 { // one call and its three retries, once
			t.Errorf("described %d times", asked)
		}
	})
}

// Without permission to describe, names pass as they are; HubSpot drops the
// unknown ones from reads itself.
func TestSchemaDenied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.transport.RegisterResponder("GET", crm+"/crm/properties/"+APIVersion+"/contacts", httpmock.NewStringResponder(403, `{"category":"MISSING_SCOPES"}`))
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/read", fixed(200, `{"results":[{"id":"1","properties":{"x":"5"},"updatedAt":"2026-01-01T00:00:00Z"}]}`))
		objects, err := f.Read(t.Context(), "contacts", []string{"1"}, []string{"x"})
		if err != nil || len(objects) != 1 || objects[0].Fields["x"] != "5" || f.Exact(connectors.Task) {
			t.Errorf("%+v %v", objects, err)
		}
	})
}

// A record's row that failed for another reason than being gone is read again, and is
// never taken for deleted. One that fails again hides no other (I10); where all do, the
// portal has answered nothing.
func TestReadFailedRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		path := "/crm/objects/" + APIVersion + "/tasks/batch/read"
		bad := fixed(207, `{"results":[{"id":"1","properties":{}}],"errors":[{"category":"INTERNAL_ERROR","context":{"ids":["2"]}}]}`)
		f.answers("POST", path, bad, fixed(200, `{"results":[{"id":"2","properties":{}}]}`))
		objects, err := f.Read(t.Context(), connectors.Task, []string{"1", "2"}, nil)
		if err != nil || len(objects) != 2 || objects[0].Deleted || objects[1].Deleted {
			t.Errorf("%+v %v", objects, err)
		}
		none := fixed(207, `{"results":[],"errors":[{"category":"INTERNAL_ERROR","context":{"ids":["2"]}}]}`)
		f.answers("POST", path, bad, none)
		if objects, err = f.Read(t.Context(), connectors.Task, []string{"1", "2"}, nil); err != nil || len(objects) != 1 || objects[0].Ref.ID != "1" {
			t.Errorf("one of two: %+v %v", objects, err)
		}
		f.answers("POST", path, none)
		if objects, err = f.Read(t.Context(), connectors.Task, []string{"1", "2"}, nil); err == nil {
			t.Errorf("none of two: %+v", objects)
		}
	})
}

// (C8) A merge shows by the survivor's own list at no cost, or else by asking
// for the record itself.
func TestReadMerged(t *testing.T) {
	t.Parallel()
	for name, batchRow := range map[string]string{
		"survivor in the batch": `{"id":"9","properties":{"hs_merged_object_ids":"3;1"}}`,
		"left out":              ``,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, false)
				f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/read", fixed(200, `{"results":[`+batchRow+`]}`))
				if batchRow == "" {
					f.answers("GET", "/crm/objects/"+APIVersion+"/contacts/1", fixed(200, `{"id":"9","properties":{}}`))
				}
				objects, err := f.Read(t.Context(), "contacts", []string{"1"}, nil)
				if err != nil || len(objects) != 1 || objects[0].Ref.ID != "1" || objects[0].MovedTo.ID != "9" || objects[0].Deleted {
					t.Errorf("%+v %v", objects, err)
				}
			})
		})
	}
}

// Two writes of one record may not share a batch, and keep their order.
func TestTwoUpdatesOfOneRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", fixed(200, `{"results":[{"id":"1"},{"id":"2"}]}`))
		a, b := update("a", "1"), update("b", "1")
		b.Set["firstname"] = "second"
		results, err := f.Apply(t.Context(), []connectors.Write{a, b, update("c", "2")})
		if err != nil || len(f.bodies) != 2 || strings.Contains(f.bodies[0], "second") || !strings.Contains(f.bodies[1], "second") {
			t.Errorf("%v %v %q", outcomes(results), err, f.bodies)
		}
	})
}

// Ids that HubSpot could not read would fail their whole batch: they are gone.
func TestReadOddIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/objects/"+APIVersion+"/tasks/batch/read", fixed(200, `{"results":[{"id":"1","properties":{}}]}`))
		objects, err := f.Read(t.Context(), connectors.Task, []string{"../x", "1", ""}, nil)
		if err != nil || len(objects) != 3 || !objects[0].Deleted || objects[1].Deleted || !objects[2].Deleted {
			t.Errorf("%+v %v", objects, err)
		}
	})
}

// More properties than fit in an address or in a search: listing and following
// bring ids only, and the engine reads them in batches.
func TestListingWithTooManyFields(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		var fields []string
		var described []string
		for i := range 1000 {
			fields = append(fields, fmt.Sprint("some_property_", i))
			described = append(described, fmt.Sprintf(`{"name":%q,"type":"string"}`, fields[i]))
		}
		f.transport.RegisterResponder("GET", crm+"/crm/properties/"+APIVersion+"/contacts", httpmock.NewStringResponder(200, `{"results":[`+strings.Join(described, ",")+`]}`))
		f.answers("GET", "/crm/objects/"+APIVersion+"/contacts", fixed(200, `{"results":[{"id":"1","properties":{"lastmodifieddate":"2026-01-01T00:00:00Z"}}]}`))
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/search", fixed(200, `{"total":41,"results":[]}`))
		pages, err := f.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", Fields: fields}})
		if err != nil || pages[0].Err != nil || len(pages[0].Changes) != 1 || pages[0].Changes[0].Object != nil || pages[0].Total != 41 {
			t.Fatalf("%+v %v", pages, err)
		}
		if pages[0].Next.Listing || !pages[0].More || pages[0].Next.From.IsZero() {
			t.Errorf("the cursor after the list is %+v", pages[0].Next)
		}
		if got := time.Since(pages[0].Next.From); got < defaultOverlap || got > defaultOverlap+time.Second {
			t.Errorf("the first window begins %v before the list", got)
		}
		pages, err = f.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", Fields: fields, From: connectors.Cursor{From: time.Now().Add(-time.Hour)}}})
		if body := f.bodies[len(f.bodies)-1]; err != nil || pages[0].Err != nil || pages[0].Indexed || len(body) > maxSearch {
			t.Errorf("a search of %d characters, indexed %v: %v %v", len(body), pages[0].Indexed, pages[0].Err, err)
		}
	})
}

// Searches stay within 3,000 characters, and pages that do not advance end in
// an error rather than in a loop.
func TestSearchPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		page := fixed(200, `{"total":9,"results":[{"id":"7","properties":{"lastmodifieddate":"2026-01-01T00:00:00Z"}}],"paging":{"next":{"after":"1"}}}`)
		f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/search", page)
		poll := connectors.Poll{Kind: "contacts", From: connectors.Cursor{From: time.Now().Add(-time.Hour)}}
		pages, err := f.Changes(t.Context(), []connectors.Poll{poll})
		if err != nil || pages[0].Err != nil || pages[0].Next.After != "7" || !pages[0].More {
			t.Fatalf("%+v %v", pages, err)
		}
		poll.From = pages[0].Next
		if pages, err = f.Changes(t.Context(), []connectors.Poll{poll}); err != nil || pages[0].Err == nil || pages[0].Next != poll.From {
			t.Errorf("%+v %v", pages, err)
		}
		for _, body := range f.bodies {
			if len(body) > 3000 {
				t.Errorf("a body of %d characters", len(body))
			}
		}
		want := `{"filterGroups":[{"filters":[{"propertyName":"lastmodifieddate","operator":"GTE","value":"946681200000"},{"propertyName":"hs_object_id","operator":"GT","value":"7"},{"propertyName":"hs_object_id","operator":"LTE","value":"7"}]}],"sorts":[{"propertyName":"hs_object_id","direction":"ASCENDING"}],"properties":["lastmodifieddate"],"limit":200}`
		if diff := cmp.Diff(want, f.bodies[len(f.bodies)-1]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A record with many tasks: their ids come in pages.
func TestFindThroughPagedAssociations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.answers("POST", "/crm/associations/"+APIVersion+"/contacts/tasks/batch/read",
			fixed(207, `{"results":[{"from":{"id":"5"},"to":[{"toObjectId":1}],"paging":{"next":{"after":"abc"}}}],"errors":[{"category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND"}]}`),
			fixed(200, `{"results":[{"from":{"id":"5"},"to":[{"toObjectId":"9"},{"toObjectId":"10"}]}]}`))
		f.transport.RegisterResponder("POST", crm+"/crm/objects/"+APIVersion+"/tasks/batch/read",
			httpmock.NewStringResponder(200, `{"results":[{"id":"9","properties":{"hs_task_body":"x [handoff k]"}},{"id":"10","properties":{"hs_task_body":"x [handoff k]"}},{"id":"1","properties":{"hs_task_body":"[handoff other]"}}]}`))
		found, err := f.Find(t.Context(), []connectors.Write{taskWrite("k"), taskWrite("none")})
		if err != nil || found[0].ID != "9" || !found[1].IsZero() {
			t.Errorf("%v %v", found, err)
		}
		if want := `{"inputs":[{"id":"5","after":"abc"}]}`; len(f.bodies) != 2 || f.bodies[1] != want {
			t.Errorf("asked %q", f.bodies)
		}
	})
}

// A new body keeps the marker that the task is found by.
func TestMarkerOutlivesANewBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, false)
		f.transport.RegisterResponder("POST", crm+"/crm/objects/"+APIVersion+"/tasks/batch/read",
			httpmock.NewStringResponder(200, `{"results":[{"id":"3","properties":{"hs_task_body":"old\n[handoff k]"}}]}`))
		f.answers("POST", "/crm/objects/"+APIVersion+"/tasks/batch/update", fixed(200, `{"results":[{"id":"3","properties":{}}]}`))
		_, err := f.Apply(t.Context(), []connectors.Write{{Ref: connectors.Ref{Kind: connectors.Task, ID: "3"}, Key: "u", Set: map[string]any{connectors.TaskBody: "new"}}})
		if err != nil || len(f.bodies) != 1 || !strings.Contains(f.bodies[0], `"new<br>\n[handoff k]"`) {
			t.Errorf("%q %v", f.bodies, err)
		}
	})
}

func TestMarker(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                                "",
		"text":                            "",
		withMarker("text", "k1"):          "k1",
		withMarker("", "k1"):              "k1",
		"[handoff a] quoted\n[handoff b]": "b",
		"<p>x</p><p>[handoff k1]</p>":     "k1",
		"[handoff ":                       "",
		"[handoff two words]":             "",
		"[handoff <b>]":                   "",
		withMarker(strings.Repeat("é", maxText), "k1"): "k1",
	} {
		if got := markedKey(body); got != want {
			t.Errorf("%.30q: %q, want %q", body, got, want)
		}
		if len(withMarker(body, "k")) > maxText {
			t.Errorf("%.30q grows too long", body)
		}
	}
}

// A form's text becomes no tag in HubSpot, keeps its lines and comes back as
// it was written.
func TestBodyIsText(t *testing.T) {
	t.Parallel()
	const text = "Why <b>now</b>?\n<script>alert(1)</script> & more"
	html := withMarker(bodyToHTML.Replace(text), "k1")
	if want := "Why &lt;b>now&lt;/b>?<br>\n&lt;script>alert(1)&lt;/script> & more<br>\n[handoff k1]"; html != want {
		t.Errorf("got %q, want %q", html, want)
	}
	if got := bodyText(html); got != text {
		t.Errorf("read back as %q", got)
	}
}

func TestDecodeValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		p    property
		text string
		want any
	}{
		{property{Type: "number"}, "12.5", 12.5},
		{property{Type: "number"}, "12345678901234567890", "12345678901234567890"},
		{property{Type: "number"}, "n/a", "n/a"},
		{property{Type: "number", Name: "hs_object_id"}, "51", "51"},
		{property{Type: "number", Name: "associatedcompanyid"}, "7", "7"},
		{property{Type: "bool"}, "true", true},
		{property{Type: "enumeration", FieldType: "booleancheckbox"}, "false", false},
		{property{Type: "enumeration", FieldType: "checkbox"}, "a;b", "a;b"},
		{property{Type: "date"}, "2026-11-20", "2026-11-20"},
		{property{Type: "date"}, "1795132800000", "2026-11-20"},
		{property{Type: "datetime"}, "1795132800000", "2026-11-20T00:00:00Z"},
		{property{Type: "datetime"}, "2026-11-20T01:02:03.456Z", "2026-11-20T01:02:03.456Z"},
		{property{Type: "string"}, "1795132800000", "1795132800000"},
	}
	for _, test := range tests {
		if got := decodeValue(&test.p, test.text); got != test.want {
			t.Errorf("%+v %q: %v, want %v", test.p, test.text, got, test.want)
		}
	}
}

func TestNewRefusesBadSettings(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]connectors.Settings{
		"no credentials":   {Name: "x"},
		"half a grant":     {Name: "x", RefreshToken: "canary"},
		"not an address":   {Name: "x", Token: "canary", URL: "hubspot"},
		"plain http":       {Name: "x", Token: "canary", URL: "http://api.example"},
		"user information": {Name: "x", Token: "canary", URL: "https://canary@api.example"},
	} {
		if _, err := New(s); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(connectors.Settings{Name: "x", Token: "t", URL: "http://127.0.0.1:8080"}); err != nil {
		t.Error(err)
	}
}

// A change that rests on a record's is not made where that one is refused, in
// whatever order they come; others are.
func TestChangeThatRests(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	rows := func(body string) (int, string) {
		var in batchWrite
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			t.Error(err)
		}
		var out []string
		for _, i := range in.Inputs {
			if i.ID != "1" {
				out = append(out, fmt.Sprintf(`{"id":%q,"objectWriteTraceId":%q}`, i.ID, i.TraceID))
			}
		}
		if len(out) == len(in.Inputs) {
			return 200, `{"status":"COMPLETE","results":[` + strings.Join(out, ",") + `]}`
		}
		return 207, `{"status":"COMPLETE","results":[` + strings.Join(out, ",") + `],"errors":[{"status":"error","category":"VALIDATION_ERROR","message":"no","context":{"ids":["1"]}}]}`
	}
	f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", rows)
	f.answers("POST", "/crm/objects/"+APIVersion+"/tasks/batch/update", rows)
	passed := func(key, contact string) connectors.Write {
		return connectors.Write{
			Ref: connectors.Ref{Kind: connectors.Task, ID: "7" + contact}, Key: key, Links: []connectors.Ref{{Kind: "contacts", ID: contact}},
			Set: map[string]any{connectors.TaskSubject: "s"},
		}
	}
	results, err := f.Apply(t.Context(), []connectors.Write{passed("p1", "1"), passed("p2", "2"), passed("p3", "3"), update("a", "1"), update("b", "2")})
	want := []string{"p1 unavailable ", "p2 done 72", "p3 done 73", "a invalid ", "b done 2"}
	if diff := cmp.Diff(want, outcomes(results)); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
	if len(f.bodies) != 2 || strings.Contains(f.bodies[1], `"71"`) {
		t.Errorf("%d calls: %v", len(f.bodies), f.bodies)
	}
}

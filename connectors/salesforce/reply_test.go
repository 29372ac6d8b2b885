package salesforce

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/handoffd/handoffd/connectors"
)

// fuzzSchema is what the org of [FuzzReply] looks like.
func fuzzSchema(object string, key bool) *schema {
	s := &schema{object: object, fields: map[string]*field{}}
	for _, name := range []string{"StartDateTime", "EndDateTime", "IsAllDayEvent", "ShowAs", "ActivityId", "TaskSubtype", "Status"} {
		s.fields[strings.ToLower(name)] = &field{Name: name, Type: "string", Relation: "Activity"}
	}
	s.children = map[string]bool{"TaskRelations": true, "EventRelations": true}
	for _, name := range []string{"Id", "SystemModstamp", "LastModifiedById", "IsDeleted", "MasterRecordId", "Email", "LastName", "Subject", "WhoId", "Description", "OwnerId"} {
		s.fields[strings.ToLower(name)] = &field{Name: name, Type: "string", Createable: true, Updateable: true}
	}
	if key {
		s.fields["handoff_key__c"] = &field{Name: "Handoff_Key__c", Type: "string", Length: 80, Createable: true, Unique: true, ExternalID: true}
	}
	return s
}

// replying is an org whose every answer is made by f.
func replying(t *testing.T, f func(body []byte) *http.Response) *org {
	t.Helper()
	c, err := New(connectors.Settings{Name: "sf", URL: simURL, Token: "t", Transport: roundTripper(func(r *http.Request) *http.Response {
		body := []byte(nil)
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		return f(body)
	})})
	if err != nil {
		t.Fatal(err)
	}
	o := c.(*org)
	for _, object := range []string{"Lead", "Task", eventObject, emailObject} {
		s := fuzzSchema(object, object == "Task")
		s.fetched = time.Now()
		o.schemas.put(s)
	}
	return o
}

// FuzzReply: whatever the org answers, whole or inside a composite, every write
// has an outcome, nothing is called done that the answer does not name, and no
// words of it come through unbounded (C3, C15, C17).
func FuzzReply(f *testing.F) {
	for _, s := range []struct {
		status int
		body   string
	}{
		{200, `{"totalSize":1,"done":true,"records":[{"attributes":{"type":"Lead"},"Id":"00Q000000000001EAA","SystemModstamp":"2026-03-02T09:00:00.000+0000"}]}`},
		{201, `{"id":"00T000000000001AAA","success":true,"errors":[]}`},
		{204, ``},
		{200, `[{"id":"00Q000000000001EAA","success":true,"errors":[]}]`},
		{200, `[{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"x","fields":[]}]},{"id":"00T000000000001AAA","success":true,"errors":[]}]`},
		{400, `[{"errorCode":"DUPLICATE_VALUE","message":"duplicate value found: Handoff_Key__c duplicates value on record with id: 00T000000000001","fields":["Handoff_Key__c"]}]`},
		{400, `[{"errorCode":"INVALID_FIELD","message":"No such column 'Email' on entity 'Lead'"}]`},
		{401, `[{"errorCode":"INVALID_SESSION_ID","message":"x"}]`},
		{403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`},
		{412, `null`},
		{300, `["/services/data/v60.0/sobjects/Task/00T000000000001AAA"]`},
		{503, `<html><body>maintenance</body></html>`},
		{200, `{"compositeResponse":[]}`},
		{200, `{"compositeResponse":null}`},
		{200, `{"records":[{"Id":7}],"done":false}`},
		{404, `<html>URL No Longer Exists</html>`},
		{431, `<h1>Bad Message 431</h1>`},
		{200, `{"done":false,"nextRecordsUrl":"https://evil.example/","records":[]}`},
	} {
		f.Add(s.status, s.body, true)
		f.Add(s.status, s.body, false)
	}
	f.Fuzz(func(t *testing.T, status int, body string, inside bool) {
		if status < 100 || status > 599 || len(body) > 1<<16 {
			return
		}
		inside = inside && json.Valid([]byte(body))
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			o := replying(t, func(request []byte) *http.Response {
				if calls++; calls > 400 {
					t.Error("it never ends")
				}
				if !inside {
					return page(status, "application/json", body)()
				}
				var c struct {
					CompositeRequest []struct{ ReferenceID string }
				}
				_ = json.Unmarshal(request, &c)
				var parts []map[string]any
				for _, sub := range c.CompositeRequest {
					parts = append(parts, map[string]any{"referenceId": sub.ReferenceID, "httpStatusCode": status, "body": json.RawMessage(body)})
				}
				raw, err := json.Marshal(map[string]any{"compositeResponse": parts})
				if err != nil {
					t.Fatal(err)
				}
				return page(200, "application/json", string(raw))()
			})
			checkReplies(t, o, body)
		})
	})
}

func checkReplies(t *testing.T, o *org, body string) {
	const lead, other = "00Q000000000001EAA", "00Q000000000002EAA"
	ctx := t.Context()
	text := func(err error) {
		if err == nil {
			return
		}
		s := err.Error()
		if len(s) > 4*maxMessage || !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\n\x1b") {
			t.Errorf("an error of %d bytes: %q", len(s), s)
		}
	}
	objs, err := o.Read(ctx, Lead, []string{lead, other}, []string{"Email"})
	text(err)
	if err == nil && len(objs) != 2 {
		t.Errorf("%d objects for two ids", len(objs))
	}
	pages, err := o.Changes(ctx, []connectors.Poll{{Kind: Lead, Fields: []string{"Email"}}})
	text(err)
	if err == nil && (len(pages) != 1 || pages[0].Err != nil && pages[0].Next != (connectors.Cursor{})) {
		t.Errorf("pages %+v", pages)
	}
	checkActs(t, o, text)
	ref := connectors.Ref{Conn: "sf", Kind: Lead}
	write := func(id, key string, w connectors.Write) connectors.Write {
		w.Ref.Conn, w.Ref.Kind, w.Ref.ID, w.Key = "sf", Lead, id, key
		w.Set = map[string]any{"LastName": key}
		return w
	}
	task := connectors.Write{Ref: connectors.Ref{Conn: "sf", Kind: connectors.Task}, Key: "t1", Set: map[string]any{"subject": "x"}, Links: []connectors.Ref{{Conn: "sf", Kind: Lead, ID: lead}}}
	for _, writes := range [][]connectors.Write{
		{write(lead, "a", connectors.Write{}), task},
		{write(lead, "a", connectors.Write{IfVersion: "2026-03-02T09:00:00.000Z"}), write(other, "b", connectors.Write{}), write("", "c", connectors.Write{}), task},
	} {
		results, err := o.Apply(ctx, writes)
		text(err)
		if err == nil && len(results) != len(writes) {
			t.Fatalf("%d results for %d writes", len(results), len(writes))
		}
		for i, r := range results {
			if r.Err != nil {
				text(r.Err)
				continue
			}
			if id := r.Ref.ID; id == "" || writes[i].Creates() && !strings.Contains(strings.ToLower(body), strings.ToLower(id[:15])) {
				t.Errorf("%s is done as %q", writes[i].Key, id)
			}
		}
	}
	refs, err := o.Find(ctx, []connectors.Write{task, {Ref: ref, Key: "c", Set: map[string]any{"Email": "a@b.c"}}})
	text(err)
	if err == nil && len(refs) != 2 {
		t.Errorf("%d found of two", len(refs))
	}
	found, err := o.Locate(ctx, []connectors.Question{{Kinds: []connectors.Kind{Lead}, Field: "Email", Value: "a@b.c"}}, nil)
	text(err)
	if err == nil && len(found) != 1 {
		t.Errorf("%d answers to one question", len(found))
	}
	_, err = o.Users(ctx)
	text(err)
	_, err = o.Inspect(ctx, connectors.Inspection{Kinds: []connectors.Kind{Lead}})
	text(err)
}

// checkActs: of activities the same holds, and one that came has an id and a
// version, and stands once in its page.
func checkActs(t *testing.T, o *org, text func(error)) {
	ctx := t.Context()
	from := connectors.Cursor{From: time.Now().Add(-time.Hour)}
	pages, err := o.Changes(ctx, []connectors.Poll{{Kind: connectors.Activity, From: from}, {Kind: connectors.Activity}})
	text(err)
	if err == nil && (len(pages) != 2 || pages[0].Err != nil && pages[0].Next != from) {
		t.Errorf("pages %+v", pages)
	}
	for _, p := range pages {
		seen := map[string]bool{}
		for _, c := range p.Changes {
			if c.Ref.ID == "" || c.Object == nil || seen[c.EventID] {
				t.Errorf("change %+v", c)
			}
			seen[c.EventID] = true
		}
	}
	objs, err := o.Read(ctx, connectors.Activity, []string{"00T000000000001AAA", "02s000000000001AAA", "x"}, nil)
	text(err)
	for _, obj := range objs {
		if obj.Ref.ID == "" {
			t.Errorf("read %+v", obj)
		}
	}
	absences, err := o.Absences(ctx, time.Now(), time.Now().Add(time.Hour))
	text(err)
	for _, a := range absences {
		if a.Who == "" || !a.From.Before(a.Until) {
			t.Errorf("absence %+v", a)
		}
	}
}

// corpus of refusals: what the error reference and those who run connectors
// name, by what it means to us.
var refusals = map[connectors.Class][]string{
	connectors.Throttled:   {"REQUEST_LIMIT_EXCEEDED", "TXN_SECURITY_METERING_ERROR", "CONCURRENT_API_REQUEST_LIMIT_EXCEEDED"},
	connectors.Unavailable: {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "UNKNOWN_EXCEPTION", "API_CURRENTLY_DISABLED", "OPERATION_TOO_LARGE", "DATACLOUD_API_SERVER_EXCEPTION"},
	connectors.AuthBroken:  {"INVALID_SESSION_ID", "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT", "INVALID_LOGIN", "PASSWORD_LOCKOUT", "ORG_LOCKED", "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "LOGIN_DURING_RESTRICTED_TIME"},
	connectors.Denied:      {"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "API_DISABLED_FOR_ORG", "FUNCTIONALITY_NOT_ENABLED", "TRANSFER_REQUIRES_READ"},
	connectors.NotFound:    {"ENTITY_IS_DELETED", "NOT_FOUND", "UNDELETE_FAILED"},
	connectors.Conflict:    {"DUPLICATE_VALUE", "DUPLICATES_DETECTED", "DUPLICATE_EXTERNAL_ID", "CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_SAVE_CONFLICT"},
	connectors.CursorGone:  {"INVALID_QUERY_LOCATOR", "INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT"},
	connectors.Schema:      {"INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_TYPE", "INVALID_TYPE_FOR_OPERATION"},
	connectors.Invalid: {
		"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "APEX_ERROR", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "REQUIRED_FIELD_MISSING",
		"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "STRING_TOO_LONG", "FIELD_INTEGRITY_EXCEPTION", "INVALID_CROSS_REFERENCE_KEY", "INACTIVE_OWNER_OR_USER",
		"MALFORMED_ID", "MALFORMED_QUERY", "JSON_PARSER_ERROR", "NUMBER_OUTSIDE_VALID_RANGE", "INVALID_EMAIL_ADDRESS", "ENTITY_IS_LOCKED", "STORAGE_LIMIT_EXCEEDED",
		"FIELD_FILTER_VALIDATION_EXCEPTION", "INVALID_STATUS", "INVALID_ID_FIELD", "MISSING_ARGUMENT", "INVALID_ARGUMENT_TYPE", "INVALID_QUERY_FILTER_OPERATOR",
		"OP_WITH_INVALID_USER_TYPE_EXCEPTION", "METHOD_NOT_ALLOWED", "CIRCULAR_DEPENDENCY", "SELF_REFERENCE_FROM_TRIGGER", "TOO_MANY_ENUM_VALUE", "DEPENDENCY_EXISTS",
		"NEVER_HEARD_OF_IT",
	},
}

// TestErrorCorpus: every code means the same in every shape it comes in: a row's
// answer, a collection's, a single object, a part of a composite (C6, C7, C9,
// C15, C16, C17).
func TestErrorCorpus(t *testing.T) {
	t.Parallel()
	n := 0
	for want, codes := range refusals {
		for _, code := range codes {
			n++
			entry := func(key string) string { return `{"` + key + `":"` + code + `","message":"words","fields":["A__c"]}` }
			list := []apiError{}
			if err := json.Unmarshal([]byte("["+entry("statusCode")+"]"), &list); err != nil {
				t.Fatal(err)
			}
			got := map[string]*connectors.Error{
				"row":        classify("x", 400, []byte("["+entry("errorCode")+"]")),
				"two":        classify("x", 400, []byte("["+entry("errorCode")+","+entry("errorCode")+"]")),
				"statusCode": classify("x", 400, []byte("["+entry("statusCode")+"]")),
				"one object": classify("x", 400, []byte(entry("errorCode"))),
				"collection": classifyErrors("x", 0, list),
				"composite":  subresponse{Status: 400, Body: json.RawMessage("[" + entry("errorCode") + "]")}.err("x"),
			}
			for shape, e := range got {
				if shape == "collection" && code == "NEVER_HEARD_OF_IT" {
					continue // without a status nothing can be said of it
				}
				if e.Class != want || codeOf(e) != code || !slices.Contains(e.Fields, "A__c") {
					t.Errorf("%s as %s: %v (%s), fields %v, want %v", code, shape, e.Class, codeOf(e), e.Fields, want)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("%d codes", n)
	}
	locked := `[{"errorCode":"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY","message":"LeadTrigger: execution of AfterUpdate caused by: System.DmlException: Update failed. First exception on row 0; first error: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record: []"}]`
	if e := classify("x", 400, []byte(locked)); e.Class != connectors.Unavailable {
		t.Errorf("a lock inside a trigger: %v", e)
	}
	for status, want := range map[int]connectors.Class{
		301: connectors.Unknown, 400: connectors.Invalid, 401: connectors.AuthBroken, 403: connectors.Denied, 404: connectors.Unavailable, 410: connectors.Unavailable,
		412: connectors.Conflict, 414: connectors.Invalid, 415: connectors.Invalid, 423: connectors.Unavailable, 429: connectors.Throttled, 431: connectors.Invalid,
		500: connectors.Unavailable, 502: connectors.Unavailable, 503: connectors.Unavailable, 504: connectors.Unavailable,
	} {
		e := classify("x", status, []byte("<html><h1>Bad Message</h1>"))
		if e.Class != want || strings.ContainsAny(e.Error(), "<>") {
			t.Errorf("a page with %d: %v, want %v", status, e, want)
		}
	}
}

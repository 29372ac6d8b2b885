package salesforce

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
)

// page makes answers that no simulator gives.
func page(status int, contentType, body string) func() *http.Response {
	return func() *http.Response {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
	}
}

// (C1, C6, C7, C9, C15, C16, C17) Every code that is known has its class.
func TestClassOfEveryCode(t *testing.T) {
	t.Parallel()
	classes := map[connectors.Class]string{
		connectors.Throttled:   "REQUEST_LIMIT_EXCEEDED",
		connectors.Unavailable: "UNABLE_TO_LOCK_ROW SERVER_UNAVAILABLE REQUEST_RUNNING_TOO_LONG QUERY_TIMEOUT UNKNOWN_EXCEPTION ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED",
		connectors.AuthBroken:  "INVALID_SESSION_ID INVALID_AUTH_HEADER INVALID_JWT_FORMAT",
		connectors.Denied:      "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INSUFFICIENT_ACCESS_OR_READONLY",
		connectors.Invalid: "FIELD_CUSTOM_VALIDATION_EXCEPTION REQUIRED_FIELD_MISSING INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST STRING_TOO_LONG " +
			"FIELD_INTEGRITY_EXCEPTION INVALID_CROSS_REFERENCE_KEY INACTIVE_OWNER_OR_USER CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER " +
			"MALFORMED_ID MALFORMED_QUERY JSON_PARSER_ERROR SOMETHING_NEW",
		connectors.NotFound:   "ENTITY_IS_DELETED NOT_FOUND",
		connectors.Conflict:   "DUPLICATE_VALUE DUPLICATES_DETECTED DUPLICATE_EXTERNAL_ID CANNOT_UPDATE_CONVERTED_LEAD",
		connectors.CursorGone: "INVALID_QUERY_LOCATOR INVALID_REPLICATION_DATE EXCEEDED_ID_LIMIT",
		connectors.Schema:     "INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE INVALID_TYPE",
	}
	for want, codes := range classes {
		for code := range strings.FieldsSeq(codes) {
			for _, key := range []string{"errorCode", "statusCode"} {
				body := `[{"` + key + `":"` + code + `","message":"words","fields":["A__c"]}]`
				got := classify("x", 400, []byte(body))
				if got.Class != want || codeOf(got) != code || !cmp.Equal(got.Fields, []string{"A__c"}) {
					t.Errorf("%s: %s (%s), fields %v, want %s", code, got.Class, codeOf(got), got.Fields, want)
				}
			}
		}
	}
}

func TestClassifyShapes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, body string
		status     int
		want       connectors.Class
	}{
		{"a flow that met a lock", `[{"errorCode":"CANNOT_EXECUTE_FLOW_TRIGGER","message":"first error: UNABLE_TO_LOCK_ROW, unable to obtain"}]`, 400, connectors.Unavailable},
		{"one object", `{"errorCode":"NOT_FOUND","message":"gone"}`, 404, connectors.NotFound},
		{"changed since", `null`, 412, connectors.Conflict},
		{"several match", `["/services/data/v60.0/sobjects/Lead/1"]`, 300, connectors.Conflict},
		{"a page too long", `<h1>Bad Message 431</h1><pre>reason: Request Header Fields Too Large</pre>`, 431, connectors.Invalid},
		{"maintenance", `<html>down</html>`, 503, connectors.Unavailable},
		{"a proxy's", `<html>who are you</html>`, 401, connectors.AuthBroken},
		{"cut", `[{"errorCode":"NOT_FO`, 404, connectors.NotFound},
		{"empty", ``, 500, connectors.Unavailable},
	} {
		got := classify("x", tc.status, []byte(tc.body))
		if got.Class != tc.want || got.Status != tc.status {
			t.Errorf("%s: %v, want %s", tc.name, got, tc.want)
		}
		if strings.Contains(got.Error(), "<") {
			t.Errorf("%s: markup in %q", tc.name, got.Error())
		}
	}
}

func TestDuplicateRuleNamesTheRecord(t *testing.T) {
	t.Parallel()
	body := `[{"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?","duplicateResult":{"allowSave":true,"matchResults":[
		{"entityType":"Contact","matchRecords":[{"matchConfidence":100.0,"record":{"attributes":{"type":"Contact","url":"/x"},"Id":"003000000000001AAA"}}]}]}}]`
	got := classify("x", 400, []byte(body))
	want := connectors.Ref{Kind: Contact, ID: "003000000000001AAA"}
	if got.Class != connectors.Conflict || got.Existing != want {
		t.Errorf("got %v, existing %v", got, got.Existing)
	}
}

func TestLimitInfo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]int{
		"api-usage=18/5000": {18, 5000, 1}, "api-usage=18/5000, per-app-api-usage=17/250(appName=x)": {18, 5000, 1},
		"": {}, "api-usage=": {}, "api-usage=a/b": {}, "api-usage=1/0": {}, "api-usage=-1/5": {},
	} {
		used, limit, ok := parseLimitInfo(text)
		if ok != (want[2] == 1) || ok && (used != want[0] || limit != want[1]) {
			t.Errorf("%q: %d/%d %v", text, used, limit, ok)
		}
	}
}

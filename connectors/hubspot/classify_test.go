package hubspot

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

// Every error body that HubSpot is known to send, and what it means (C1, C6,
// C15, C17; 1.78).
func TestClassify(t *testing.T) {
	t.Parallel()
	type want struct {
		Class    string
		Wait     time.Duration
		Existing string
		Fields   []string
	}
	tests := map[string]struct {
		status int
		body   string
		want   want
	}{
		"burst":                     {429, `{"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT","correlationId":"x","policyName":"TEN_SECONDLY_ROLLING","groupName":"publicapi:x"}`, want{Class: "throttled", Wait: 10 * time.Second}},
		"daily":                     {429, `{"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","policyName":"DAILY","requestId":"x"}`, want{Class: "throttled", Wait: crmhttp.MaxWait}},
		"search":                    {429, `{"status":"error","message":"You have reached your secondly limit.","correlationId":"x","category":"RATE_LIMITS"}`, want{Class: "throttled", Wait: time.Second}},
		"edge":                      {429, "error code: 1015", want{Class: "throttled", Wait: 30 * time.Second}},
		"401":                       {401, `{"status":"error","message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}`, want{Class: "auth_broken"}},
		"401 expired":               {401, `{"status":"error","message":"The OAuth token used to make this call expired 12 second(s) ago.","category":"EXPIRED_AUTHENTICATION"}`, want{Class: "auth_broken"}},
		"malformed token":           {530, "", want{Class: "unavailable"}},
		"scopes":                    {403, `{"status":"error","message":"This app hasn't been granted all required scopes","category":"MISSING_SCOPES","errors":[{"message":"…","context":{"requiredGranularScopes":["crm.objects.contacts.write"]}}],"context":{"missingScopes":["crm.objects.contacts.write"]}}`, want{Class: "denied", Wait: time.Minute}},
		"proxy 403":                 {403, `<html>blocked</html>`, want{Class: "unavailable"}},
		"gone":                      {404, `{"status":"error","message":"Object not found.  objectId are usually numeric.","category":"OBJECT_NOT_FOUND"}`, want{Class: "not_found"}},
		"proxy 404":                 {404, `<html>not here</html>`, want{Class: "unavailable"}},
		"contact exists":            {409, `{"status":"error","message":"Contact already exists. Existing ID: 123","correlationId":"x","category":"CONFLICT"}`, want{Class: "conflict", Existing: "123"}},
		"property exists":           {409, `{"status":"error","message":"A property named 'x' already exists.","category":"OBJECT_ALREADY_EXISTS","subCategory":"Properties.PROPERTY_WITH_NAME_EXISTS"}`, want{Class: "conflict"}},
		"unique value":              {400, `{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Cannot set PropertyValueCoordinates{portalId=1, objectTypeId=ObjectTypeId{innerId=27}, propertyName=handoff_key, value=k} on 0. 77 already has that value.\",\"error\":\"CONFLICTING_UNIQUE_VALUE\",\"name\":\"handoff_key\"}]","category":"VALIDATION_ERROR"}`, want{Class: "conflict", Existing: "77", Fields: []string{"handoff_key"}}},
		"no property":               {400, `{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"nope\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"nope\"}]","category":"VALIDATION_ERROR"}`, want{Class: "schema", Fields: []string{"nope"}}},
		"no property, new form":     {400, `{"status":"error","message":"Property values were not valid","category":"VALIDATION_ERROR","errors":[{"message":"x","code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["nope"]}}]}`, want{Class: "schema", Fields: []string{"nope"}}},
		"bad option":                {400, `{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"x was not one of the allowed options\",\"error\":\"INVALID_OPTION\",\"name\":\"hs_lead_status\"}]","category":"VALIDATION_ERROR"}`, want{Class: "invalid", Fields: []string{"hs_lead_status"}}},
		"required":                  {400, `{"status":"error","category":"VALIDATION_ERROR","message":"x","errors":[{"code":"MISSING_REQUIRED_PROPERTY","context":{"propertyName":["a","b"]}}]}`, want{Class: "invalid", Fields: []string{"a", "b"}}},
		"conditional":               {400, `{"status":"error","category":"VALIDATION_ERROR","message":"x","errors":[{"code":"MISSING_CONDITIONAL_REQUIRED_PROPERTY","context":{"propertyName":["why"]}}]}`, want{Class: "invalid", Fields: []string{"why"}}},
		"not unique":                {400, `{"status":"error","message":"Unable to perform update/upsert by non-unique 0-27 property: handoff_key","category":"VALIDATION_ERROR"}`, want{Class: "schema"}},
		"bad request":               {400, `{"status":"error","message":"Invalid input JSON on line 1, column 2"}`, want{Class: "invalid"}},
		"sub category as an object": {400, `{"message":"x","subCategory":{"a":1},"context":{"id":["7"],"n":3,"o":{"p":1}}}`, want{Class: "invalid"}},
		"revoked":                   {400, `{"error":"invalid_grant","error_description":"refresh token is invalid, expired or revoked","status":"BAD_REFRESH_TOKEN","message":"x"}`, want{Class: "auth_broken"}},
		"uri too long":              {414, "", want{Class: "invalid"}},
		"too many merges":           {414, `{"status":"error","message":"Cannot have more than 250 identities on a profile"}`, want{Class: "invalid"}},
		"locked":                    {423, `{"status":"error","message":"locked"}`, want{Class: "unavailable", Wait: lockedFor}},
		"moving":                    {477, `{"status":"error","message":"migration in progress"}`, want{Class: "unavailable", Wait: crmhttp.MaxWait}},
		"500":                       {500, `{"status":"error","message":"internal error"}`, want{Class: "unavailable"}},
		"502":                       {502, `<html>Bad gateway</html>`, want{Class: "unavailable"}},
		"504":                       {504, ``, want{Class: "unavailable"}},
		"524":                       {524, `error code: 524`, want{Class: "unavailable"}},
		"sunset":                    {410, `{"message":"This API is gone"}`, want{Class: "schema"}},
		"odd":                       {418, `{}`, want{Class: "invalid"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := classify(&crmhttp.Response{Status: test.status, Header: http.Header{}, Body: []byte(test.body)})
			got := want{Class: e.Class.String(), Wait: e.RetryAfter, Existing: e.Existing.ID, Fields: e.Fields}
			if len(got.Fields) == 0 {
				got.Fields = nil
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	e := classify(&crmhttp.Response{Status: 403, Body: []byte(tests["scopes"].body)})
	if !strings.Contains(e.Err.Error(), "missing scopes crm.objects.contacts.write") {
		t.Errorf("the admin is not told which scope is missing: %v", e.Err)
	}
}

// FuzzReply: whatever HubSpot or a proxy answers, it is classed, and the rows
// that can be read are read.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		`{"status":"COMPLETE","results":[{"id":"1","properties":{"email":"a","n":null},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00.123Z","archived":false}]}`,
		`{"status":"COMPLETE","numErrors":1,"errors":[{"status":"error","category":"CONFLICT","message":"Contact already exists. Existing ID: 5","context":{"objectWriteTraceId":["k1"]}}],"results":[]}`,
		`{"results":[{"id":7,"properties":[],"updatedAt":1700000000000,"objectWriteTraceId":"k2"}],"paging":{"next":{"after":8}}}`,
		`<html>`, `{"message":`, `null`, `[]`, `{"message":"Property values were not valid: [{\"name\":\"x\",\"error\":\"PROPERTY_DOESNT_EXIST\"}]"}`,
	} {
		f.Add(200, []byte(seed))
		f.Add(400, []byte(seed))
		f.Add(429, []byte(seed))
	}
	c := testConnector(f, connectors.Settings{})
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := classify(&crmhttp.Response{Status: status, Header: http.Header{}, Body: body})
		if e == nil || e.Err == nil {
			t.Fatal("no error")
		}
		if status >= 400 && status < 600 && e.Class == connectors.Unknown {
			t.Fatalf("%d %q has no class", status, body)
		}
		var b batch
		if err := decode("op", connectors.Ambiguous, &crmhttp.Response{Status: status, Body: body}, &b); err != nil {
			if connectors.ClassOf(err) != connectors.Ambiguous {
				t.Fatal(err)
			}
			return
		}
		info, _ := infoOf(contacts)
		for i := range b.Results {
			if v := versionOf(b.Results[i].modified(info)); v != "" && len(v) < 15 {
				t.Fatalf("version %q", v)
			}
		}
		for i := range b.Errors {
			cerr := c.rowError(&b.Errors[i], "op", true)
			if cerr.Class == connectors.Unknown || cerr.Class == connectors.Unavailable {
				t.Fatalf("a row of a create that may have been applied has class %v", cerr.Class)
			}
		}
	})
}

func TestRefreshError(t *testing.T) {
	t.Parallel()
	if got := refreshError(errors.New("reset")); got.Class != connectors.Unavailable {
		t.Errorf("got %v", got)
	}
}

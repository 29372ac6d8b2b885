package hubspot

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

// verdict is what a category or code means, for a whole answer with the status
// it comes with, for a row of an update and for a row of a create.
type verdict struct {
	category, code string
	status         int
	whole          string
	update, create string
}

// verdicts are the categories and codes that HubSpot documents or has been
// seen to send. A row that HubSpot did not refuse for a reason we know may
// have been created: it is ambiguous, never simply failed.
func verdicts() []verdict {
	refused := func(category, code string) verdict {
		return verdict{category, code, 400, "invalid", "invalid", "invalid"}
	}
	out := []verdict{
		{"OBJECT_NOT_FOUND", "", 404, "not_found", "not_found", "not_found"},
		{"CONFLICT", "", 409, "conflict", "conflict", "conflict"},
		{"OBJECT_ALREADY_EXISTS", "", 409, "conflict", "conflict", "conflict"},
		{"VALIDATION_ERROR", "CONFLICTING_UNIQUE_VALUE", 400, "conflict", "conflict", "conflict"},
		{"VALIDATION_ERROR", "PROPERTY_DOESNT_EXIST", 400, "schema", "schema", "schema"},
		{"VALIDATION_ERROR", "PROPERTY_NOT_UNIQUE", 400, "schema", "schema", "schema"},
		{"MISSING_SCOPES", "", 403, "denied", "denied", "denied"},
		{"FORBIDDEN", "", 403, "denied", "denied", "denied"},
		{"PERMISSION_DENIED", "", 403, "denied", "denied", "denied"},
		{"USER_DOES_NOT_HAVE_PERMISSIONS", "", 403, "denied", "denied", "denied"},
		{"INVALID_AUTHENTICATION", "", 401, "auth_broken", "auth_broken", "auth_broken"},
		{"EXPIRED_AUTHENTICATION", "", 401, "auth_broken", "auth_broken", "auth_broken"},
		{"RATE_LIMITS", "", 429, "throttled", "throttled", "throttled"},
		{"RATE_LIMIT", "", 429, "throttled", "throttled", "throttled"},
		{"INTERNAL_ERROR", "", 500, "unavailable", "unavailable", "ambiguous"},
		{"APPLICATION_ERROR", "", 500, "unavailable", "unavailable", "ambiguous"},
		{"TIMEOUT", "", 504, "unavailable", "unavailable", "ambiguous"},
		{"SERVICE_UNAVAILABLE", "", 503, "unavailable", "unavailable", "ambiguous"},
		{"LOCKED", "", 423, "unavailable", "unavailable", "ambiguous"},
		{"MIGRATION_IN_PROGRESS", "", 477, "unavailable", "unavailable", "ambiguous"},
		{"SOMETHING_NEW", "", 400, "invalid", "unknown", "ambiguous"},
		{"", "", 400, "invalid", "unknown", "ambiguous"},
		refused("BAD_REQUEST", ""),
	}
	for _, code := range []string{
		"INVALID_OPTION", "INVALID_EMAIL", "INVALID_DATE", "INVALID_INTEGER", "INVALID_NUMBER", "INVALID_LONG", "INVALID_BOOLEAN",
		"INVALID_OWNER", "INVALID_OWNER_ID", "INVALID_DATE_TIME", "INVALID_PHONE_NUMBER", "INVALID_STAGE", "INVALID_PIPELINE", "INVALID_ID",
		"READ_ONLY_VALUE", "VALUE_TOO_LONG", "REQUIRED_FIELD", "MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
		"ASSOCIATION_LIMIT_EXCEEDED", "INVALID_ASSOCIATION_TYPE", "OWNER_WITHOUT_SEAT", "NUMBER_OUT_OF_RANGE", "DISALLOWED_CHARACTER",
	} {
		out = append(out, refused("VALIDATION_ERROR", code))
	}
	return out
}

// shapes are the ways in which HubSpot writes one and the same refusal.
func (v verdict) shapes() map[string]string {
	const fields = `"propertyName":["hs_lead_status"]`
	inner := fmt.Sprintf(`[{\"isValid\":false,\"message\":\"no\",\"error\":%s,\"name\":\"hs_lead_status\"}]`, strings.ReplaceAll(fmt.Sprintf("%q", v.code), `"`, `\"`))
	head := fmt.Sprintf(`"status":"error","category":%q,"correlationId":"c"`, v.category)
	return map[string]string{
		"errors":        fmt.Sprintf(`{%s,"message":"no","errors":[{"message":"no","code":%q,"context":{%s}}]%%s}`, head, v.code, fields),
		"in a message":  fmt.Sprintf(`{%s,"message":"Property values were not valid: %s"%%s}`, head, inner),
		"sub category":  fmt.Sprintf(`{%s,"subCategory":"x.y","message":"no","errors":[{"code":%q,"in":"f","context":{%s}}]%%s}`, head, v.code, fields),
		"nothing spare": fmt.Sprintf(`{"status":"error","category":%q,"errors":[{"code":%q}]%%s}`, v.category, v.code),
	}
}

// (C15, C17) The corpus of refusals: each category and code in each shape, as
// the answer to a call and as a row of a batch.
func TestErrorCorpus(t *testing.T) {
	t.Parallel()
	c := testConnector(t, connectors.Settings{})
	all := verdicts()
	if len(all) < 40 {
		t.Fatalf("%d categories and codes", len(all))
	}
	for _, v := range all {
		for shape, form := range v.shapes() {
			body := fmt.Sprintf(form, "")
			got := classify(&crmhttp.Response{Status: v.status, Header: http.Header{}, Body: []byte(body)})
			if got.Class.String() != v.whole {
				t.Errorf("%s %s, %s: %v, want %s\n%s", v.category, v.code, shape, got.Class, v.whole, body)
			}
			if shape != "nothing spare" && v.code != "" && !slices.Equal(got.Fields, []string{"hs_lead_status"}) {
				t.Errorf("%s %s, %s: blames %v", v.category, v.code, shape, got.Fields)
			}
			for creates, want := range map[bool]string{false: v.update, true: v.create} {
				var p problem
				row := fmt.Sprintf(form, `,"context":{"objectWriteTraceId":["k1"]}`)
				if err := unmarshal([]byte(row), &p); err != nil {
					t.Fatalf("%v: %s", err, row)
				}
				if traces, _ := p.rows(); !slices.Contains(traces, "k1") {
					t.Errorf("%s: the row's trace id is lost", row)
				}
				if got := c.rowError(&p, "op", creates); got.Class.String() != want {
					t.Errorf("%s %s, %s, creates %v: %v, want %s", v.category, v.code, shape, creates, got.Class, want)
				}
			}
		}
	}
}

// (C17) What is no answer of HubSpot's: a read may be repeated, a write may
// have been applied, and neither is followed to another host.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	page := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	plain := http.Header{"Content-Type": {"text/plain"}}
	json := http.Header{"Content-Type": {"application/json"}}
	to := func(where string) http.Header { return http.Header{"Location": {where}} }
	tests := map[string]struct {
		status       int
		header       http.Header
		body         string
		read, create string
	}{
		"a page, 200":                 {200, page, "<!doctype html><title>Soon back</title>", "unavailable", "ambiguous"},
		"JSON that says it is a page": {200, page, `{"results":[]}`, "unavailable", "ambiguous"},
		"a page that says it is JSON": {200, json, "<html>", "unavailable", "ambiguous"},
		"half a body":                 {200, json, `{"status":"COMPLETE","results":[{"id":"1","prop`, "unavailable", "ambiguous"},
		"nothing":                     {200, json, ``, "unavailable", "ambiguous"},
		"another shape":               {200, json, `{"results":{"id":"1"}}`, "unavailable", "ambiguous"},
		"a list":                      {200, json, `[]`, "unavailable", "ambiguous"},
		"a word":                      {200, json, `"ok"`, "unavailable", "ambiguous"},
		"plain text":                  {200, plain, `OK`, "unavailable", "ambiguous"},
		"NUL bytes":                   {200, json, "\x00\x00", "unavailable", "ambiguous"},
		"login elsewhere, 302":        {302, to("https://login.example/?next=x"), "", "unavailable", "ambiguous"},
		"login elsewhere, 307":        {307, to("https://login.example/"), "", "unavailable", "ambiguous"},
		"login elsewhere, 308":        {308, to("//login.example/"), "", "unavailable", "ambiguous"},
		"without TLS, 301":            {301, to("http://crm.example/crm"), "", "unavailable", "ambiguous"},
		"a page, 502":                 {502, page, "<html>Bad gateway", "unavailable", "ambiguous"},
		"a page, 504":                 {504, page, "<html>Timeout", "unavailable", "ambiguous"},
		"the edge, 521":               {521, page, "<html>Web server is down", "unavailable", "ambiguous"},
		"the edge, 524":               {524, plain, "error code: 524", "unavailable", "ambiguous"},
		"the edge, 530":               {530, plain, "error code: 1016", "unavailable", "ambiguous"},
		"the edge, 403":               {403, page, "<html>Attention required", "unavailable", "unavailable"},
		"a proxy's 407":               {407, page, "<html>Proxy", "unavailable", "unavailable"},
		"a proxy's 408":               {408, page, "<html>Timeout", "unavailable", "ambiguous"},
		"teapot without JSON":         {418, plain, "short and stout", "unavailable", "unavailable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, false)
				sent := map[string]int{}
				reply := func(r *http.Request) (*http.Response, error) {
					sent[r.URL.Host+r.URL.Path]++
					resp := httpResponse(test.status, test.body)
					resp.Header = test.header.Clone()
					return resp, nil
				}
				path := "/crm/objects/" + APIVersion + "/tasks/batch/"
				f.transport.RegisterResponder("POST", crm+path+"create", reply)
				f.transport.RegisterResponder("POST", crm+path+"read", reply)
				f.transport.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
					t.Errorf("asked %s%s", r.URL.Host, r.URL.Path)
					return httpResponse(200, `{}`), nil
				})
				results, err := f.Apply(t.Context(), []connectors.Write{taskWrite("a")})
				if err != nil || results[0].Err == nil || results[0].Err.Class.String() != test.create {
					t.Errorf("a create: %+v %v, want %s", results, err, test.create)
				}
				if n := sent["crm.example"+path+"create"]; n != 1 {
					t.Errorf("the create was sent %d times", n)
				}
				if _, err := f.Read(t.Context(), connectors.Task, []string{"1"}, nil); connectors.ClassOf(err).String() != test.read {
					t.Errorf("a read: %v, want %s", err, test.read)
				}
			})
		})
	}
}

func httpResponse(status int, body string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}
	if body != "" {
		resp.Body = readCloser{strings.NewReader(body)}
	}
	return resp
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// (A12) Secrets and addresses are in no error, whoever puts them there: the
// CRM's words about a call, about a row, about a refresh; a transport that
// fails; a lookup by an address.
func TestNoSecretInErrors(t *testing.T) {
	t.Parallel()
	const mail, static, secret, refresh = "canary.person@buyer.example", "pat-na1-canary-static", "canary-client-secret", "canary-refresh-token"
	words := "Bearer " + static + " refresh_token=" + refresh + " client_secret: " + secret + " " + mail
	quoted := strings.ReplaceAll(words, `"`, `\"`)
	tests := map[string]struct {
		status int
		body   string
	}{
		"a message":       {400, fmt.Sprintf(`{"status":"error","category":"VALIDATION_ERROR","message":%q}`, words)},
		"details":         {400, fmt.Sprintf(`{"status":"error","category":"VALIDATION_ERROR","errors":[{"message":%q,"code":%q}]}`, quoted, words)},
		"scopes":          {403, fmt.Sprintf(`{"status":"error","category":"MISSING_SCOPES","context":{"missingScopes":[%q]}}`, words)},
		"a row":           {207, fmt.Sprintf(`{"results":[],"errors":[{"category":"VALIDATION_ERROR","message":%q,"context":{"ids":["1"]}}]}`, words)},
		"a row's context": {207, fmt.Sprintf(`{"results":[],"errors":[{"category":"MISSING_SCOPES","context":{"ids":["1"],"missingScopes":[%q]}}]}`, words)},
		"plain text":      {403, words},
		"credentials":     {401, fmt.Sprintf(`{"status":"error","category":"INVALID_AUTHENTICATION","message":%q}`, words)},
		"a conflict":      {409, fmt.Sprintf(`{"status":"error","category":"CONFLICT","message":"Contact already exists. Existing ID: 5 %s"}`, words)},
		"500":             {500, fmt.Sprintf(`{"message":%q}`, words)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, false)
				f.Connector = testConnector(t, connectors.Settings{URL: crm, Transport: f.transport, Token: static, ClientSecret: secret, RefreshToken: refresh})
				f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/update", fixed(test.status, test.body))
				f.answers("POST", "/crm/objects/"+APIVersion+"/contacts/batch/read", fixed(test.status, test.body))
				var texts []string
				results, err := f.Apply(t.Context(), []connectors.Write{update("a", "1")})
				if err != nil || results[0].Err == nil {
					t.Fatal(results, err)
				}
				texts = append(texts, results[0].Err.Error())
				if _, err := f.Locate(t.Context(), []connectors.Question{{Kinds: []connectors.Kind{contacts}, Field: "email", Value: mail}}, nil); err != nil {
					texts = append(texts, err.Error())
				}
				for _, text := range texts {
					if strings.Contains(text, "canary") {
						t.Error(text)
					}
				}
			})
		})
	}
}

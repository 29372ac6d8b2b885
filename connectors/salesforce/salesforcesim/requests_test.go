package salesforcesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestRequestsOfPublicClients sends what public clients send, to the letter: jsforce 1 to 3, simple-salesforce,
// restforce, the Singer tap, and curl as in the manual. {lead} and {account} stand for ids.
func TestRequestsOfPublicClients(t *testing.T) {
	t.Parallel()
	lead := `{"LastName":"L","Company":"C"}`
	for _, tc := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string // part of the answer
	}{
		{"curl: versions", "GET", "/services/data/", "", nil, 200, `"version":"31.0"`},
		{"jsforce 1: default version", "GET", "/services/data/v42.0/query?q=SELECT%20Id%20FROM%20Lead", "", nil, 200, `"done":true`},
		{"jsforce: identity of a bare token", "GET", "/services/data/v50.0/", "", nil, 200, `"identity":"https://`},
		{"restforce: a version that is gone", "GET", "/services/data/v26.0/sobjects", "", nil, 410, "GONE"},
		{"restforce: describe", "GET", "sobjects/Lead/describe", "", []string{"Authorization", "OAuth {token}"}, 200, `"fields":`},
		{"restforce: upsert without an id", "POST", "sobjects/Lead/Id", lead, nil, 201, `"success":true`},
		{"restforce: batch", "POST", "composite/batch", `{"batchRequests":[{"method":"POST","url":"v60.0/sobjects/Lead","richInput":` + lead + `},{"method":"GET","url":"v60.0/sobjects/Lead/00Q000000000000"}],"haltOnError":false}`, nil, 200, `"hasErrors":true,"results":[{"statusCode":201`},
		{"restforce: halted batch", "POST", "composite/batch", `{"batchRequests":[{"method":"GET","url":"v60.0/nothing"},{"method":"POST","url":"v60.0/sobjects/Lead","richInput":` + lead + `}],"haltOnError":true}`, nil, 200, `BATCH_PROCESSING_HALTED`},
		{"restforce: explain", "GET", "query?explain=SELECT+Id+FROM+Lead", "", nil, 200, `"plans":`},
		{"restforce: search", "GET", "search?q=FIND+%7BAcme%7D", "", nil, 200, `"type":"Account"`},
		{"Singer tap: describes in a batch", "POST", "composite/batch", `{"batchRequests":[{"method":"GET","url":"/services/data/v60.0/sobjects/Lead/describe"}]}`, nil, 200, `"hasErrors":false`},
		{"Singer tap: query", "GET", "queryAll?q=SELECT%20Id%2CSystemModstamp%20FROM%20Lead%20WHERE%20SystemModstamp%20%3E%3D%202020-01-01T00%3A00%3A00Z%20%20ORDER%20BY%20SystemModstamp%20ASC", "", nil, 200, `"records":`},
		{"simple-salesforce: trailing slashes", "GET", "query/?q=SELECT+Id+FROM+Lead", "", []string{"X-PrettyPrint", "1"}, 200, "\n  \"done\": true"},
		{"simple-salesforce: create", "POST", "sobjects/Lead/", lead, []string{"X-PrettyPrint", "1"}, 201, `"success": true`},
		{"simple-salesforce: search", "GET", "search/?q=FIND+%7BAcme%7D+IN+ALL+FIELDS+RETURNING+Account%28Id%2C+Name%29", "", nil, 200, `"Name":"Acme`},
		{"simple-salesforce: limits", "GET", "limits/", "", nil, 200, "DailyApiRequests"},
		{"jsforce: search of a missing object", "GET", "search?q=FIND+%7BAcme%7D+RETURNING+Nothing", "", nil, 400, "INVALID_TYPE"},
		{"jsforce: search that is none", "GET", "search?q=Acme", "", nil, 400, "MALFORMED_SEARCH"},
		{"parameterized search", "GET", "parameterizedSearch?q=Acme&sobject=Account", "", nil, 200, `"type":"Account"`},
		{"jsforce: recent", "GET", "recent?limit=5", "", nil, 200, "[]"},
		{"record counts", "GET", "limits/recordCount?sObjects=Lead,Nothing", "", nil, 200, `"name":"Lead"`},
		{"method override", "POST", "sobjects/Account/{account}?_HttpMethod=PATCH", `{"Name":"Over"}`, nil, 204, ""},
		{"HEAD", "HEAD", "sobjects/Account/{account}", "", nil, 200, ""},
		{"format as an extension", "GET", "sobjects/Account/{account}.json", "", nil, 200, `"Id":"{account}"`},
		{"tree", "POST", "composite/tree/Lead/", `{"records":[{"attributes":{"type":"Lead","referenceId":"a"},"LastName":"A","Company":"C"},{"attributes":{"type":"Lead","referenceId":"b"},"LastName":"B","Company":"C"}]}`, nil, 201, `"hasErrors":false,"results":[{"referenceId":"a","id":"00Q`},
		{"curl: a tree with children", "POST", "composite/tree/Account/", `{"records":[{"attributes":{"type":"Account","referenceId":"ref1"},"name":"SampleAccount1","phone":"1111111111","Contacts":{"records":[{"attributes":{"type":"Contact","referenceId":"ref2"},"lastname":"Smith"}]}}]}`, nil, 201, `{"referenceId":"ref2","id":"003`},
		{"a tree whose child is none", "POST", "composite/tree/Account/", `{"records":[{"attributes":{"type":"Account","referenceId":"ref1"},"name":"S","Contacts":{"records":[null]}}]}`, nil, 400, `"hasErrors":true`},
		{"tree, none of it", "POST", "composite/tree/Lead/", `{"records":[{"attributes":{"type":"Lead","referenceId":"a"},"LastName":"A","Company":"C"},{"attributes":{"type":"Lead","referenceId":"b"}}]}`, nil, 400, `"hasErrors":true,"results":[{"referenceId":"b","errors":[{"statusCode":"REQUIRED_FIELD_MISSING"`},
		{"SOAP log-in", "POST", "/services/Soap/u/60.0", soapEnvelope("urn:partner.soap.sforce.com", "", "<n1:login xmlns:n1=\"urn:partner.soap.sforce.com\"><n1:username>u</n1:username><n1:password>p</n1:password></n1:login>"), []string{"Content-Type", "text/xml"}, 500, "<faultcode>INVALID_LOGIN"},
		{"simple-salesforce: bulk of old", "POST", "/services/async/59.0/job", `{"operation":"insert"}`, []string{"X-SFDC-Session", "{token}"}, 400, `"exceptionCode":"FeatureNotEnabled"`},
		{"jsforce: bulk of old, too late", "POST", "/services/async/59.0/job", `<jobInfo/>`, []string{"X-SFDC-Session", "gone", "Content-Type", "application/xml"}, 400, "<exceptionCode>InvalidSessionId<"},
		{"an XML body", "POST", "sobjects/Lead", `<Lead/>`, []string{"Content-Type", "application/xml"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, Config{})
			account, _ := c.rows("SELECT Id FROM Account LIMIT 1")[0]["Id"].(string)
			fill := strings.NewReplacer("{account}", account, "{token}", c.token)
			for i, h := range tc.headers {
				tc.headers[i] = fill.Replace(h)
			}
			got := c.do(tc.method, fill.Replace(tc.path), tc.body, tc.headers...)
			if got.Status != tc.status || !strings.Contains(got.Raw, fill.Replace(tc.want)) {
				t.Errorf("%s %s: %d %.300s; want %d with %s", tc.method, tc.path, got.Status, got.Raw, tc.status, tc.want)
			}
		})
	}
}

// TestTreesAreSmall: five levels and five types at most.
func TestTreesAreSmall(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	nest := func(levels int) string {
		tree := ""
		for n := levels; n > 0; n-- {
			tree = fmt.Sprintf(`{"attributes":{"type":"Account","referenceId":"r%d"},"Name":"Level %d"%s}`, n, n, tree)
			if n > 1 {
				tree = `,"ChildAccounts":{"records":[` + tree + `]}`
			}
		}
		return `{"records":[` + tree + `]}`
	}
	if a := c.do("POST", "composite/tree/Account", nest(5)); a.Status != http.StatusCreated {
		t.Errorf("five levels: %d %s", a.Status, a.Raw)
	}
	if a := c.do("POST", "composite/tree/Account", nest(6)); a.Status != http.StatusBadRequest || len(c.rows("SELECT Id FROM Account WHERE Name LIKE 'Level _'")) != 5 {
		t.Errorf("six levels: %d %s", a.Status, a.Raw)
	}
}

// TestTreeLeavesNothing: a tree that fails makes no row.
func TestTreeLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.do("POST", "composite/tree/Lead", `{"records":[{"attributes":{"type":"Lead","referenceId":"a"},"LastName":"Nobody","Company":"C"},{"attributes":{"type":"Lead","referenceId":"b"}}]}`)
	if rows := c.rows("SELECT Id FROM Lead WHERE LastName = 'Nobody'"); len(rows) != 0 {
		t.Errorf("%d rows are left", len(rows))
	}
}

// TestQueriesOfPublicClients are statements that people write and the adapter does not.
func TestQueriesOfPublicClients(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, tc := range []struct{ soql, want string }{
		{"SELECT a.Id, a.Owner.Name FROM Account a WHERE a.Name = 'Acme Corp' LIMIT 1", `"records":[`},
		{"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE AccountId != null) LIMIT 1", `"totalSize":1`},
		{"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Nobody at all')", `"totalSize":0`},
		{"SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY"},
		{"SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)", "MALFORMED_QUERY"},
		{"SELECT OwnerId, COUNT(Id) n FROM Account GROUP BY OwnerId HAVING COUNT(Id) > 1000", `"totalSize":0`},
		{"SELECT OwnerId, COUNT(Id) n FROM Account GROUP BY OwnerId HAVING COUNT(Id) >= 1 AND COUNT(Id) != 0", `"n":`},
		{"SELECT OwnerId FROM Account HAVING COUNT(Id) > 1", "MALFORMED_QUERY"},
		{"SELECT toLabel(Status) FROM Lead LIMIT 1", `"Status":`},
		{"SELECT COUNT() FROM Account WHERE CreatedDate < NEXT_N_YEARS:2 AND CreatedDate > LAST_N_YEARS:50", `"totalSize":40`},
		{"SELECT COUNT() FROM Account WHERE CreatedDate > NEXT_90_DAYS", `"totalSize":0`},
		{"SELECT Id FROM Account LIMIT 1 FOR VIEW", `"totalSize":1`},
		{"SELECT Id FROM Account USING SCOPE everything LIMIT 1", `"totalSize":1`},
	} {
		if got := c.query(tc.soql); !strings.Contains(got.Raw, tc.want) {
			t.Errorf("%s: %.300s; want %s", tc.soql, got.Raw, tc.want)
		}
	}
}

// TestDateLiterals: the longer spans, from a Saturday in November.
func TestDateLiterals(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		word     string
		n        int
		from, to string
	}{
		{"LAST_N_WEEKS", 2, "2026-11-01", "2026-11-15"},
		{"NEXT_N_WEEKS", 1, "2026-11-22", "2026-11-29"},
		{"N_WEEKS_AGO", 1, "2026-11-08", "2026-11-15"},
		{"LAST_N_MONTHS", 3, "2026-08-01", "2026-11-01"},
		{"N_MONTHS_AGO", 11, "2025-12-01", "2026-01-01"},
		{"LAST_N_QUARTERS", 1, "2026-07-01", "2026-10-01"},
		{"NEXT_N_QUARTERS", 2, "2027-01-01", "2027-07-01"},
		{"LAST_N_YEARS", 2, "2024-01-01", "2026-01-01"},
		{"THIS_QUARTER", -1, "2026-10-01", "2027-01-01"},
		{"LAST_QUARTER", -1, "2026-07-01", "2026-10-01"},
		{"THIS_YEAR", -1, "2026-01-01", "2027-01-01"},
		{"LAST_90_DAYS", -1, "2026-08-23", "2026-11-22"},
		{"NEXT_90_DAYS", -1, "2026-11-22", "2027-02-20"},
	} {
		from, to, ok := dateRange(tc.word, tc.n, now)
		if got := from.Format(time.DateOnly) + " " + to.Format(time.DateOnly); !ok || got != tc.from+" "+tc.to {
			t.Errorf("%s:%d is %s (%t), want %s %s", tc.word, tc.n, got, ok, tc.from, tc.to)
		}
	}
}

// TestSessionsAreAskedAboutAndEnded: introspection and revocation, and parameters in the query of a log-in.
func TestSessionsAreAskedAboutAndEnded(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	cred := c.sim.Credentials()
	form := func(path string, in url.Values) (int, string) {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(in.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		rec := httptest.NewRecorder()
		c.sim.ServeHTTP(rec, req)
		return rec.Code, rec.Body.String()
	}
	client := url.Values{"client_id": {cred.ClientID}, "client_secret": {cred.ClientSecret}}
	login := url.Values{"client_id": {cred.ClientID}, "client_secret": {cred.ClientSecret}, "grant_type": {"client_credentials"}}
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/services/oauth2/token?"+login.Encode(), http.NoBody))
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &token); err != nil || token.Access == "" {
		t.Fatalf("log-in by query: %d %s", rec.Code, rec.Body)
	}
	client.Set("token", token.Access)
	if status, body := form("/services/oauth2/introspect", client); status != 200 || !strings.Contains(body, `"active":true`) {
		t.Errorf("introspect: %d %s", status, body)
	}
	if status, body := form("/services/oauth2/revoke", url.Values{"token": {token.Access}}); status != 200 || body != "" {
		t.Errorf("revoke: %d %s", status, body)
	}
	if status, body := form("/services/oauth2/introspect", client); status != 200 || !strings.Contains(body, `"active":false`) {
		t.Errorf("introspect after: %d %s", status, body)
	}
	if status, _ := form("/services/oauth2/revoke", url.Values{"token": {token.Access}}); status != 400 {
		t.Errorf("revoked twice: %d", status)
	}
	if got := c.do("GET", "limits", ""); got.Status != 200 {
		t.Errorf("another session ended too: %s", got.Raw)
	}
	form("/services/oauth2/revoke", url.Values{"token": {cred.RefreshToken}})
	if got := c.do("GET", "limits", ""); got.Status != 401 {
		t.Errorf("sessions after the refresh token was revoked: %d", got.Status)
	}
}

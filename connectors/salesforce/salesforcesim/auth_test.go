package salesforcesim

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

func (c *client) login(form url.Values) answer {
	c.t.Helper()
	req := httptest.NewRequest("POST", "/services/oauth2/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, req)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.sim.SetBaseURL("http://127.0.0.1:4711/")
	cred := c.sim.Credentials()
	a := c.login(url.Values{"grant_type": {"client_credentials"}, "client_id": {cred.ClientID}, "client_secret": {cred.ClientSecret}})
	var got map[string]string
	a.into(t, &got)
	if _, has := got["expires_in"]; has || got["instance_url"] != "http://127.0.0.1:4711" || got["token_type"] != "Bearer" || !strings.Contains(got["id"], "/id/"+cred.OrgID+"/005") {
		t.Errorf("token answer: %v", got)
	}
	c.token = got["access_token"]
	if a := c.query("SELECT COUNT() FROM Lead"); a.Status != http.StatusOK {
		t.Errorf("fresh token: %d %s", a.Status, a.Raw)
	}
	for _, tc := range []struct {
		form url.Values
		want string
	}{
		{url.Values{"grant_type": {"client_credentials"}, "client_id": {cred.ClientID}, "client_secret": {"no"}}, "invalid_client"},
		{url.Values{"grant_type": {"client_credentials"}, "client_id": {"no"}, "client_secret": {cred.ClientSecret}}, "invalid_client_id"},
		{url.Values{"grant_type": {"password"}, "username": {cred.Username}}, "invalid_grant"},
		{url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_id": {cred.ClientID}}, "invalid_grant"},
		{url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, "invalid_client_id"},
		{url.Values{}, "unsupported_grant_type"},
	} {
		a := c.login(tc.form)
		var got map[string]string
		a.into(t, &got)
		if a.Status != http.StatusBadRequest || got["error"] != tc.want {
			t.Errorf("%v: got %d %v, want 400 %s", tc.form, a.Status, got, tc.want)
		}
	}
}

func TestJWTBearer(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	cred := c.sim.Credentials()
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(cred.PrivateKeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		m := jwt.MapClaims{"iss": cred.ClientID, "sub": cred.Username, "aud": "https://login.salesforce.com", "exp": time.Now().Add(2 * time.Minute).Unix()}
		change(m)
		return m
	}
	for _, tc := range []struct {
		name   string
		method jwt.SigningMethod
		change func(jwt.MapClaims)
		want   string
	}{
		{"good", jwt.SigningMethodRS256, func(jwt.MapClaims) {}, ""},
		{"three minutes", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["exp"] = time.Now().Add(3 * time.Minute).Unix() }, ""},
		{"test host", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["aud"] = "https://test.salesforce.com" }, ""},
		{"own address", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["aud"] = defaultBaseURL }, ""},
		{"an hour", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["exp"] = time.Now().Add(time.Hour).Unix() }, "invalid_grant"},
		{"Salesforce's own command line", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["exp"] = time.Now().UnixMilli() + 300 }, ""},
		{"milliseconds of long ago", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["exp"] = time.Now().Add(-time.Hour).UnixMilli() }, "invalid_grant"},
		{"simple-salesforce: a text", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["exp"] = strconv.FormatInt(time.Now().Add(3*time.Minute).Unix(), 10) }, ""},
		{"expired", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["exp"] = time.Now().Add(-time.Second).Unix() }, "invalid_grant"},
		{"no exp", jwt.SigningMethodRS256, func(m jwt.MapClaims) { delete(m, "exp") }, "invalid_grant"},
		{"token URL as audience", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["aud"] = defaultBaseURL + "/services/oauth2/token" }, "invalid_grant"},
		{"other user", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["sub"] = "ana@example.com" }, "invalid_grant"},
		{"other app", jwt.SigningMethodRS256, func(m jwt.MapClaims) { m["iss"] = "x" }, "invalid_client_id"},
		{"RS512", jwt.SigningMethodRS512, func(jwt.MapClaims) {}, "invalid_grant"},
	} {
		signed, err := jwt.NewWithClaims(tc.method, claims(tc.change)).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		a := c.login(url.Values{"grant_type": {jwtGrant}, "assertion": {signed}})
		var got map[string]string
		a.into(t, &got)
		if got["error"] != tc.want || (a.Status == http.StatusOK) != (tc.want == "") {
			t.Errorf("%s: got %d %v, want %q", tc.name, a.Status, got, tc.want)
		}
	}
	forged, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims(func(jwt.MapClaims) {})).SignedString([]byte(cred.ClientSecret))
	if a := c.login(url.Values{"grant_type": {jwtGrant}, "assertion": {forged}}); a.Status != http.StatusBadRequest {
		t.Errorf("HS256: got %d", a.Status)
	}
}

// TestSessionSlides: a session lives two hours from its last use.
func TestSessionSlides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		for range 3 {
			time.Sleep(119 * time.Minute)
			if a := c.do("GET", "limits", ""); a.Status != http.StatusOK {
				t.Fatalf("used within its life: %d %s", a.Status, a.Raw)
			}
		}
		time.Sleep(2 * time.Hour)
		a := c.do("GET", "limits", "")
		if a.Status != http.StatusUnauthorized || a.code(t) != "INVALID_SESSION_ID" {
			t.Errorf("after two idle hours: %d %s", a.Status, a.Raw)
		}
		c2 := newClient(t, Config{})
		c2.sim.ExpireSessions()
		if a := c2.do("GET", "limits", ""); a.Status != http.StatusUnauthorized {
			t.Errorf("revoked: %d", a.Status)
		}
	})
}

func TestNoSession(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for auth, want := range map[string]string{"": "INVALID_AUTH_HEADER", "Bearer x": "INVALID_SESSION_ID", "Bearer": "INVALID_SESSION_ID"} {
		if a := c.do("GET", "limits", "", "Authorization", auth); a.Status != http.StatusUnauthorized || a.code(t) != want {
			t.Errorf("%q: got %d %s, want 401 %s", auth, a.Status, a.Raw, want)
		}
	}
	if a := c.do("GET", "/services/data", "", "Authorization", ""); a.Status != http.StatusOK || !strings.Contains(a.Raw, `"label":"Winter '27","url":"/services/data/v68.0"`) {
		t.Errorf("version list: %d %s", a.Status, a.Raw)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Faults: simhttp.Faults{Quota: 5}})
		for i := range 5 {
			a := c.do("GET", "limits", "")
			if want := "api-usage=" + string(rune('1'+i)) + "/5"; a.Header.Get("Sforce-Limit-Info") != want {
				t.Errorf("call %d: %q, want %q", i, a.Header.Get("Sforce-Limit-Info"), want)
			}
		}
		a := c.do("GET", "limits", "")
		if a.Status != http.StatusForbidden || a.code(t) != "REQUEST_LIMIT_EXCEEDED" || a.Header.Get("Retry-After") != "" {
			t.Errorf("sixth call: %d %s", a.Status, a.Raw)
		}
		if got := c.sim.Stats()["429"]; got != 1 {
			t.Errorf("stats 429 = %d, want 1", got)
		}
		for range 25 { // the window rolls by the minute; keep the session alive meanwhile
			time.Sleep(time.Hour)
			a = c.do("GET", "limits", "")
		}
		if a.Status != http.StatusOK {
			t.Errorf("a day later: %d %s", a.Status, a.Raw)
		}
	})
}

func TestOversizedRequests(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	long := "SELECT Id FROM Lead WHERE Email IN ('" + strings.Repeat("x", 16_400) + "')"
	for _, tc := range []struct {
		a    answer
		want int
	}{
		{c.query(long), http.StatusRequestURITooLong},
		{c.do("GET", "limits", "", "X-Big", strings.Repeat("x", 16_300)), http.StatusRequestHeaderFieldsTooLarge},
		{c.query("SELECT Id FROM Lead WHERE Email IN ('" + strings.Repeat("x", 15_000) + "')"), http.StatusOK},
	} {
		if tc.a.Status != tc.want || tc.want != http.StatusOK && !strings.HasPrefix(tc.a.Raw, "<h1>Bad Message 4") {
			t.Errorf("got %d %.60s, want %d in HTML", tc.a.Status, tc.a.Raw, tc.want)
		}
	}
	body := composite(false, sub("GET", "query?q="+url.QueryEscape(long), "q", ""))
	if a := c.do("POST", "composite", body); statuses(t, a)[0] != http.StatusOK {
		t.Errorf("the same query inside a composite: %s", a.Raw)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{UniqueTasks: true})
	var d struct {
		Name, KeyPrefix string
		Fields          []struct {
			Name, Type                                                              string
			Length                                                                  int
			Unique, ExternalID, IDLookup, Createable, Updateable, Nillable          bool
			RestrictedPicklist, Filterable, Custom, DefaultedOnCreate, NamePointing bool
			RelationshipName                                                        *string
			ReferenceTo                                                             []string
			PicklistValues                                                          []struct{ Value string }
		}
	}
	c.do("GET", "sobjects/Lead/describe", "").into(t, &d)
	if d.Name != "Lead" || d.KeyPrefix != "00Q" {
		t.Errorf("describe: %+v", d)
	}
	seen := 0
	for _, f := range d.Fields {
		switch f.Name {
		case "Handoff_Id__c":
			seen++
			if !f.Unique || !f.ExternalID || !f.IDLookup || !f.Custom || f.Length != 64 {
				t.Errorf("%+v", f)
			}
		case "Handoff_Status__c":
			seen++
			if !f.RestrictedPicklist || len(f.PicklistValues) != 7 || f.PicklistValues[0].Value != "Assigned" {
				t.Errorf("%+v", f)
			}
		case "OwnerId":
			seen++
			if !f.NamePointing || len(f.ReferenceTo) != 2 || f.RelationshipName == nil || *f.RelationshipName != "Owner" {
				t.Errorf("%+v", f)
			}
		case "SystemModstamp", "IsConverted":
			seen++
			if f.Createable || f.Updateable {
				t.Errorf("%+v", f)
			}
		case "LastName":
			seen++
			if f.Nillable || f.Length != 80 || !f.Createable {
				t.Errorf("%+v", f)
			}
		case "Handoff_Brief__c":
			seen++
			if f.Filterable || f.Length != 32768 || f.Type != "textarea" {
				t.Errorf("%+v", f)
			}
		}
	}
	if seen != 7 {
		t.Errorf("%d of 7 fields described", seen)
	}
	has := func(object, field string) bool {
		return strings.Contains(c.do("GET", "sobjects/"+object+"/describe", "").Raw, `"name":"`+field+`"`)
	}
	if !has("Task", "Handoff_Key__c") {
		t.Error("Handoff_Key__c is missing")
	}
	c.sim.SetFaults(simhttp.Faults{})
	if has("Task", "Handoff_Key__c") {
		t.Error("Handoff_Key__c is there without UniqueTasks")
	}
	if a := c.do("GET", "sobjects", ""); !strings.Contains(a.Raw, `"name":"Opportunity"`) || strings.Contains(a.Raw, `"name":"Name"`) {
		t.Errorf("global describe: %.200s", a.Raw)
	}
}

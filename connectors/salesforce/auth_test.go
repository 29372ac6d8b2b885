package salesforce

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// The four kinds of credentials log in to the same org; the first complete set
// wins.
func TestLogIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	access := w.sim.Credentials()
	for name, s := range map[string]connectors.Settings{
		"assertion":   {PrivateKey: connectors.Secret(access.PrivateKeyPEM), Username: access.Username, ClientID: access.ClientID, Token: "wrong"},
		"one line":    {PrivateKey: connectors.Secret(strings.ReplaceAll(access.PrivateKeyPEM, "\n", `\n`)), Username: access.Username, ClientID: access.ClientID},
		"token":       {Token: connectors.Secret(access.Token), ClientID: access.ClientID, ClientSecret: "wrong"},
		"credentials": {ClientID: access.ClientID, ClientSecret: connectors.Secret(access.ClientSecret)},
	} {
		got, err := w.connect(s).Tenant(t.Context())
		if err != nil || got != access.OrgID {
			t.Errorf("%s: tenant %q, %v, want %q", name, got, err, access.OrgID)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	const key = "-----BEGIN PRIVATE KEY-----\nnot one\n-----END PRIVATE KEY-----"
	for name, s := range map[string]connectors.Settings{
		"nothing":          {},
		"no URL":           {Token: "x"},
		"plain HTTP":       {Token: "x", URL: "http://acme.my.salesforce.com"},
		"no address":       {Token: "x", URL: "acme"},
		"half a set":       {ClientID: "x", URL: simURL},
		"bad key":          {PrivateKey: key, Username: "u", ClientID: "c"},
		"version":          {Token: "x", URL: simURL, APIVersion: "latest"},
		"share":            {Token: "x", URL: simURL, Share: 1.5},
		"user in address":  {Token: "x", URL: "https://a:b@acme.my.salesforce.com"},
		"query in address": {Token: "x", URL: simURL + "/?x=1"},
	} {
		if _, err := New(s); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "not one") {
			t.Errorf("%s: the key is in the error: %v", name, err)
		}
	}
	for name, s := range map[string]connectors.Settings{
		"loopback": {Token: "x", URL: "http://127.0.0.1:8088"}, "version": {Token: "x", URL: simURL, APIVersion: "v66.0"},
	} {
		if _, err := New(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAudience(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://login.salesforce.com": loginURL, "https://test.salesforce.com": testURL, "https://acme.my.salesforce.com": loginURL,
		"https://acme--uat.my.salesforce.com": testURL, "https://acme--uat.sandbox.my.salesforce.com": testURL, "http://127.0.0.1:1": loginURL,
	} {
		u, err := parseBase(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&tokenSource{configured: u}).audience(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// CWE-918: a token answer cannot send us, and the token, elsewhere.
func TestInstanceIsChecked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		configured, instance string
		ok                   bool
	}{
		{"https://login.salesforce.com", "https://acme.my.salesforce.com", true},
		{"https://acme.my.salesforce.com", "https://acme--x.sandbox.my.salesforce.com", true},
		{"https://acme.my.salesforce.com", "https://na1.force.com", true},
		{"http://127.0.0.1:80", "http://127.0.0.1:99", true},
		{"http://localhost:80", "http://[::1]:99", true},
		{"https://crm.test", "https://crm.test", true},
		{"https://acme.my.salesforce.com", "http://acme.my.salesforce.com", false},
		{"https://acme.my.salesforce.com", "https://evil.example", false},
		{"https://acme.my.salesforce.com", "https://evilsalesforce.com", false},
		{"https://acme.my.salesforce.com", "https://x.salesforce.com@evil.example", false},
		{"https://acme.my.salesforce.com", "https://salesforce.com.evil.example", false},
		{"https://acme.my.salesforce.com", "http://127.0.0.1:8081", false},
		{"https://acme.my.salesforce.com", "https://169.254.169.254", false},
		{"http://127.0.0.1:80", "http://acme.my.salesforce.com", false},
		{"https://acme.my.salesforce.com", "https://acme.my.salesforce.com/other/path", false},
		{"https://acme.my.salesforce.com", "", false},
	} {
		u, err := url.Parse(tc.configured)
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&tokenSource{configured: u}).allowed(tc.instance)
		if (err == nil) != tc.ok {
			t.Errorf("%s → %s: %v, want ok %v", tc.configured, tc.instance, err, tc.ok)
		}
	}
}

// (C4) a session that ended costs one log-in however many calls met it, and
// each call is sent again once.
func TestExpiredSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, salesforcesim.Config{})
	id := w.lead(1)
	w.read(Lead, nil, id)
	before := w.org.Usage().Calls["token"]
	w.sim.ExpireSessions()
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := w.org.Read(t.Context(), Lead, []string{id}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.org.Usage().Calls["token"] - before; got != 1 {
		t.Errorf("%d log-ins, want 1", got)
	}
}

// A token is renewed before it is old, though Salesforce never says when that
// is; a 401 that stays is an error, not a loop.
func TestTokenLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{})
		id := w.lead(1)
		w.read(Lead, nil, id)
		time.Sleep(tokenLife)
		w.read(Lead, nil, id)
		if got := w.org.Usage().Calls["token"]; got != 2 {
			t.Errorf("%d log-ins, want 2", got)
		}
		var refused atomic.Int64
		never := page(http.StatusUnauthorized, "application/json", `[{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}]`)
		w.wrap = func(r *http.Request) *http.Response {
			if !strings.HasPrefix(r.URL.Path, "/services/data/") {
				return nil
			}
			refused.Add(1)
			return never()
		}
		_, err := w.org.Read(t.Context(), Lead, []string{id}, nil)
		if connectors.ClassOf(err) != connectors.AuthBroken || refused.Load() != 2 {
			t.Errorf("%v after %d calls, want auth_broken after 2", err, refused.Load())
		}
	})
}

func TestRefusedLogIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		body   string
		want   connectors.Class
	}{
		{400, `{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}`, connectors.AuthBroken},
		{400, `{"error":"invalid_client_id","error_description":"client identifier invalid"}`, connectors.AuthBroken},
		{400, `{"error":"inactive_user","error_description":"user is inactive"}`, connectors.AuthBroken},
		{400, `{"error":"invalid_grant","error_description":"login rate exceeded"}`, connectors.Throttled},
		{503, `{"error":"temporarily_unavailable"}`, connectors.Unavailable},
		{502, `<html>`, connectors.Unavailable},
		{200, `<html>maintenance</html>`, connectors.Unavailable},
		{200, `{"access_token":"t","instance_url":"https://evil.example"}`, connectors.AuthBroken},
	} {
		w := newWorld(t, salesforcesim.Config{})
		answer := page(tc.status, "application/json", tc.body)
		w.wrap = func(*http.Request) *http.Response { return answer() }
		_, err := w.org.Read(t.Context(), Lead, []string{"00Q000000000001EAA"}, nil)
		if connectors.ClassOf(err) != tc.want {
			t.Errorf("%d %s: %v, want %s", tc.status, tc.body, err, tc.want)
		}
		if secret := w.sim.Credentials().ClientSecret; err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the secret is in %v", err)
		}
	}
}

// What the token endpoint is sent, and that a rotated refresh token replaces
// the first.
func TestTokenRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var forms []url.Values
		carrier := roundTripper(func(r *http.Request) *http.Response {
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			forms = append(forms, r.PostForm)
			return page(200, "application/json", fmt.Sprintf(`{"access_token":"t%d","instance_url":"https://acme.my.salesforce.com","refresh_token":"r%d"}`, len(forms), len(forms)))()
		})
		c, err := New(connectors.Settings{Name: "sf", RefreshToken: "r0", ClientID: "app", Transport: carrier})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := c.(*org).tokens.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(tokenLife)
		}
		for i, form := range forms {
			if form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != fmt.Sprint("r", i) || form.Get("client_id") != "app" {
				t.Errorf("form %d = %v", i, form)
			}
		}
		forms = nil
		access := salesforcesim.New(salesforcesim.Config{}).Credentials()
		c, err = New(connectors.Settings{
			Name: "sf", PrivateKey: connectors.Secret(access.PrivateKeyPEM), Username: "u@example.com", ClientID: "app",
			URL: "https://acme--dev.sandbox.my.salesforce.com", Transport: carrier,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.(*org).tokens.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(forms) != 1 || forms[0].Get("grant_type") != jwtGrant {
			t.Fatalf("forms %v", forms)
		}
		parts := strings.Split(forms[0].Get("assertion"), ".")
		raw, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Iss, Sub string
			Aud      any
			Exp      int64
		}
		if err := json.Unmarshal(raw, &claims); err != nil {
			t.Fatal(err)
		}
		if left := time.Until(time.Unix(claims.Exp, 0)); claims.Iss != "app" || claims.Sub != "u@example.com" || fmt.Sprint(claims.Aud) != testURL || left <= 0 || left > 180*time.Second {
			t.Errorf("claims %+v, %v left", claims, left)
		}
	})
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

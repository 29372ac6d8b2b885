package salesforcesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// TestWebServerFlow: a person approves an app, which exchanges the code once, in time, and with what it promised.
func TestWebServerFlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		cred := c.sim.Credentials()
		verifier := "a-verifier-that-is-long-enough-for-anybody-1234"
		const back = "http://127.0.0.1:1717/callback"
		ask := func(change ...string) answer {
			q := url.Values{"response_type": {"code"}, "client_id": {cred.ClientID}, "redirect_uri": {back}, "state": {"s t"}, "scope": {"api refresh_token"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"}}
			for i := 0; i+1 < len(change); i += 2 {
				q.Set(change[i], change[i+1])
			}
			return c.do("GET", "/services/oauth2/authorize?"+q.Encode(), "")
		}
		approve := func(change ...string) string {
			t.Helper()
			a := ask(change...)
			to, err := url.Parse(a.Header.Get("Location"))
			if err != nil || a.Status != http.StatusFound || to.Query().Get("state") != "s t" || !strings.HasPrefix(a.Header.Get("Location"), back+"?") {
				t.Fatalf("%d %s %s", a.Status, a.Header.Get("Location"), a.Raw)
			}
			return to.Query().Get("code")
		}
		exchange := func(code string, change ...string) answer {
			q := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {cred.ClientID}, "client_secret": {cred.ClientSecret}, "redirect_uri": {back}, "code_verifier": {verifier}}
			for i := 0; i+1 < len(change); i += 2 {
				q.Set(change[i], change[i+1])
			}
			return c.login(q)
		}
		code := approve()
		var token map[string]string
		exchange(code).into(t, &token)
		if !c.alive(token["access_token"]) || token["refresh_token"] == "" || token["instance_url"] == "" || token["expires_in"] != "" {
			t.Errorf("token %v", token)
		}
		if status, _ := c.refresh(token["refresh_token"]); status != http.StatusOK {
			t.Errorf("refresh: %d", status)
		}
		if a := exchange(code); a.Status != http.StatusBadRequest || !strings.Contains(a.Raw, "invalid_grant") {
			t.Errorf("a second time: %d %s", a.Status, a.Raw)
		}
		if a := exchange(approve("scope", "api")); a.Status != http.StatusOK || strings.Contains(a.Raw, "refresh_token") {
			t.Errorf("without the scope: %d %s", a.Status, a.Raw)
		}
		for name, tc := range map[string]struct{ key, value, want string }{
			"another verifier": {"code_verifier", "another", "invalid code verifier"},
			"no verifier":      {"code_verifier", "", "invalid code verifier"},
			"another callback": {"redirect_uri", "https://elsewhere.example", "redirect_uri_mismatch"},
			"another secret":   {"client_secret", "x", "invalid_client"},
		} {
			if a := exchange(approve(), tc.key, tc.value); a.Status != http.StatusBadRequest || !strings.Contains(a.Raw, tc.want) {
				t.Errorf("%s: %d %s", name, a.Status, a.Raw)
			}
		}
		late := approve()
		time.Sleep(codeLife + time.Second)
		if a := exchange(late); a.Status != http.StatusBadRequest || !strings.Contains(a.Raw, "expired authorization code") {
			t.Errorf("late: %d %s", a.Status, a.Raw)
		}
		for name, tc := range map[string][3]string{
			"another app":       {"client_id", "x", "invalid_client_id"},
			"a callback abroad": {"redirect_uri", "http://example.com/cb", "redirect_uri_mismatch"},
			"a token at once":   {"response_type", "token", "unsupported_response_type"},
			"a plain challenge": {"code_challenge_method", "plain", "invalid_request"},
		} {
			if a := ask(tc[0], tc[1]); a.Status != http.StatusBadRequest || !strings.Contains(a.Raw, tc[2]) || a.Header.Get("Location") != "" {
				t.Errorf("%s: %d %s", name, a.Status, a.Raw)
			}
		}
		c.setup(`{"app_revoked":true}`)
		if a := ask(); a.Status != http.StatusFound || !strings.Contains(a.Header.Get("Location"), "error=access_denied") || strings.Contains(a.Header.Get("Location"), "code=") {
			t.Errorf("not approved: %d %s", a.Status, a.Header.Get("Location"))
		}
	})
}

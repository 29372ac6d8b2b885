package salesforcesim

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// refresh trades a refresh token; it returns the answer's fields.
func (c *client) refresh(token string) (int, map[string]string) {
	c.t.Helper()
	cred := c.sim.Credentials()
	a := c.login(url.Values{"grant_type": {"refresh_token"}, "client_id": {cred.ClientID}, "client_secret": {cred.ClientSecret}, "refresh_token": {token}})
	var got map[string]string
	a.into(c.t, &got)
	return a.Status, got
}

func (c *client) alive(token string) bool {
	c.t.Helper()
	c.token = token
	return c.do("GET", "limits", "").Status == http.StatusOK
}

// TestRefresh: without rotation the token stays good, and comes back or does not.
func TestRefresh(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	token := c.sim.Credentials().RefreshToken
	came := map[bool]int{}
	for range 20 {
		status, got := c.refresh(token)
		if status != http.StatusOK || !c.alive(got["access_token"]) || got["refresh_token"] != "" && got["refresh_token"] != token || got["instance_url"] != defaultBaseURL {
			t.Fatalf("%d %v", status, got)
		}
		came[got["refresh_token"] != ""]++
	}
	if came[true] == 0 || came[false] == 0 {
		t.Errorf("came back %v", came)
	}
	if status, got := c.refresh("5Aep861nonsense"); status != http.StatusBadRequest || got["error"] != "invalid_grant" {
		t.Errorf("a foreign token: %d %v", status, got)
	}
}

// TestRefreshRotation: each token is good once; using an old one ends the new one too (C5).
func TestRefreshRotation(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"rotate_refresh":true}`)
	first := c.sim.Credentials().RefreshToken
	_, got := c.refresh(first)
	second := got["refresh_token"]
	if second == "" || second == first || c.sim.Credentials().RefreshToken != second {
		t.Fatalf("first use: %v", got)
	}
	if status, got := c.refresh(second); status != http.StatusOK || got["refresh_token"] == second {
		t.Fatalf("second use: %d %v", status, got)
	}
	third := c.sim.Credentials().RefreshToken
	if status, got := c.refresh(first); status != http.StatusBadRequest || got["error_description"] != "expired access/refresh token" {
		t.Errorf("an old one: %d %v", status, got)
	}
	if status, _ := c.refresh(third); status != http.StatusBadRequest {
		t.Errorf("the newest after an old one was used: %d", status)
	}
}

// TestRevoked: an app that was revoked, and a user who was switched off, get no token and no answer (C6).
func TestRevoked(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	refreshToken := c.sim.Credentials().RefreshToken
	check := func(want string) {
		t.Helper()
		if status, got := c.refresh(refreshToken); status != http.StatusBadRequest || got["error"]+" "+got["error_description"] != want {
			t.Errorf("got %d %v, want %s", status, got, want)
		}
		if a := c.do("GET", "limits", ""); a.Status != http.StatusUnauthorized || a.code(t) != "INVALID_SESSION_ID" {
			t.Errorf("session: %d %s", a.Status, a.Raw)
		}
	}
	c.setup(`{"app_revoked":true}`)
	check("invalid_grant expired access/refresh token")
	c.setup(`{"app_revoked":false}`)
	if _, got := c.refresh(refreshToken); !c.alive(got["access_token"]) {
		t.Error("approved again, but no session")
	}
	c.mustEdit(simhttp.Edit{Object: "User", Op: "update", ID: c.sim.caller, Fields: map[string]any{"IsActive": false}})
	check("invalid_grant inactive user")
}

// TestRevokeSessions: all sessions end at once, or after so many more calls (C4).
func TestRevokeSessions(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"revoke_sessions_after":3}`)
	var got []int
	for range 4 {
		got = append(got, c.do("GET", "limits", "").Status)
	}
	if fmt.Sprint(got) != "[200 200 401 401]" {
		t.Errorf("answers %v", got)
	}
	_, fresh := c.refresh(c.sim.Credentials().RefreshToken)
	if !c.alive(fresh["access_token"]) {
		t.Error("a new session is refused")
	}
	c.setup(`{"revoke_sessions":true}`)
	if c.alive(fresh["access_token"]) {
		t.Error("still alive")
	}
}

// TestMigration: after a migration sessions are over, tokens name the new address, and the old one has no data.
func TestMigration(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"instance_url":"https://new.my.salesforce.com"}`)
	if c.alive(c.token) {
		t.Error("the old session lives")
	}
	_, got := c.refresh(c.sim.Credentials().RefreshToken)
	if got["instance_url"] != "https://new.my.salesforce.com" {
		t.Errorf("token %v", got)
	}
	for host, want := range map[string]int{"handoffd.my.salesforce.com": http.StatusNotFound, "new.my.salesforce.com": http.StatusOK} {
		req := httptest.NewRequest("GET", "https://"+host+"/services/data/v60.0/limits", http.NoBody)
		req.Header.Set("Authorization", "Bearer "+got["access_token"])
		rec := httptest.NewRecorder()
		c.sim.ServeHTTP(rec, req)
		if rec.Code != want || want == http.StatusNotFound && !strings.Contains(rec.Body.String(), "<html>") {
			t.Errorf("%s: %d %s", host, rec.Code, rec.Body)
		}
	}
}

// TestLongRunning: while others' long calls fill the org, every call is refused, and counts as refused (C1, C7).
func TestLongRunning(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	c.setup(`{"long_running":24}`)
	if !c.alive(c.token) {
		t.Error("24 are no reason")
	}
	c.setup(`{"long_running":25}`)
	if a := c.do("GET", "limits", ""); a.Status != http.StatusForbidden || a.code(t) != "REQUEST_LIMIT_EXCEEDED" || !strings.Contains(a.Raw, "ConcurrentRequests") || a.Header.Get("Retry-After") != "" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if c.sim.Stats()["429"] != 1 {
		t.Errorf("stats %v", c.sim.Stats())
	}
}

// TestIdentity: who am I, both ways.
func TestIdentity(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	cred := c.sim.Credentials()
	for path, want := range map[string]string{
		"/services/oauth2/userinfo":              `"preferred_username":"` + cred.Username + `"`,
		"/id/" + cred.OrgID + "/" + c.sim.caller: `"username":"` + cred.Username + `"`,
	} {
		if a := c.do("GET", path, ""); a.Status != http.StatusOK || !strings.Contains(a.Raw, want) || !strings.Contains(a.Raw, `"organization_id":"`+cred.OrgID+`"`) {
			t.Errorf("%s: %d %s", path, a.Status, a.Raw)
		}
	}
	if a := c.do("GET", "/id/"+cred.OrgID+"/005000000000001AAA", ""); a.Status != http.StatusForbidden {
		t.Errorf("somebody else: %d", a.Status)
	}
	c.token = "no"
	if a := c.do("GET", "/services/oauth2/userinfo", ""); a.Status != http.StatusForbidden || a.Raw != "Bad_OAuth_Token" {
		t.Errorf("no session: %d %s", a.Status, a.Raw)
	}
}

package hubspotsim_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// setup changes what the portal is.
func (p *portal) setup(doc string) {
	p.t.Helper()
	if err := p.sim.Setup([]byte(doc)); err != nil {
		p.t.Fatal(err)
	}
}

// refresh exchanges a refresh token.
func (p *portal) refresh(token string) answer {
	p.t.Helper()
	return p.form("", "grant_type=refresh_token&refresh_token="+token)
}

// form posts to the token endpoint, or to one behind it, as the app.
func (p *portal) form(behind, body string) answer {
	p.t.Helper()
	c := p.sim.Credentials()
	return p.as("", "POST", "/oauth/2026-09/token"+behind, body+"&client_id="+c.ClientID+"&client_secret="+c.ClientSecret)
}

// TestRotation holds that a rotating refresh token is good until what replaced it is used, and a minute at most
// (C5): an app that lost the answer may ask again, one that kept the old token after using the new one is out.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{})
		p.setup(`{"track":"oauth","rotate_refresh":true}`)
		first := p.sim.Credentials().RefreshToken
		lost := p.refresh(first)
		again := p.refresh(first) // the answer was lost on the way
		if lost.status != 200 || again.status != 200 || lost.text("refresh_token") == first || again.text("refresh_token") == lost.text("refresh_token") {
			t.Fatalf("%s\n%s", lost.raw, again.raw)
		}
		if a := p.refresh(lost.text("refresh_token")); a.status != 400 {
			t.Errorf("the token that was lost is good: %d", a.status)
		}
		if a := p.as(again.text("access_token"), "GET", contacts, ""); a.status != 200 {
			t.Errorf("call: %d %s", a.status, a.raw)
		}
		a := p.refresh(first)
		if a.status != 400 || a.text("error") != "invalid_grant" || a.text("status") != "BAD_REFRESH_TOKEN" {
			t.Errorf("the old token after the new one was used: %d %s", a.status, a.raw)
		}
		second := p.refresh(again.text("refresh_token"))
		time.Sleep(time.Minute)
		if a := p.refresh(again.text("refresh_token")); a.status != 400 {
			t.Errorf("the old token after a minute: %d", a.status)
		}
		if a := p.refresh(second.text("refresh_token")); a.status != 200 {
			t.Errorf("the new token: %d", a.status)
		}
	})
}

// TestRefreshUnchanged holds that without the trait the token stays the same, and that access ends after 30 minutes (C4).
func TestRefreshUnchanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{})
		first := p.sim.Credentials().RefreshToken
		a := p.refresh(first)
		if a.text("refresh_token") != first || a.at("expires_in") != 1800.0 {
			t.Errorf("refresh: %s", a.raw)
		}
		time.Sleep(30*time.Minute - time.Second)
		if got := p.as(a.text("access_token"), "GET", contacts, ""); got.status != 200 {
			t.Errorf("after 29:59: %d", got.status)
		}
		time.Sleep(time.Second)
		if got := p.as(a.text("access_token"), "GET", contacts, ""); got.status != 401 || got.text("category") != "EXPIRED_AUTHENTICATION" {
			t.Errorf("after 30:00: %d %s", got.status, got.raw)
		}
	})
}

// TestRevocation holds what an uninstalled app meets (C6): no refresh, no access, whichever kind of token.
func TestRevocation(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	first := p.sim.Credentials().RefreshToken
	access := p.refresh(first).text("access_token")
	p.setup(`{"revoked":true}`)
	if a := p.refresh(first); a.status != 400 || a.text("status") != "BAD_REFRESH_TOKEN" {
		t.Errorf("refresh: %d %s", a.status, a.raw)
	}
	for _, token := range []string{access, p.sim.Credentials().Token} {
		if a := p.as(token, "GET", contacts, ""); a.status != 401 {
			t.Errorf("access: %d", a.status)
		}
	}
	p.setup(`{"revoked":false}`)
	if a := p.refresh(first); a.status != 200 {
		t.Errorf("installed again: %d", a.status)
	}
}

// TestIntrospectAndRevoke holds the two endpoints behind the token one (C6).
func TestIntrospectAndRevoke(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	first := p.sim.Credentials().RefreshToken
	access := p.refresh(first).text("access_token")
	if a := p.form("/introspect", "token_type_hint=access_token&token="+access); a.at("active") != true || a.text("token_use") != "access_token" || a.at("app_id") == nil {
		t.Errorf("introspect: %s", a.raw)
	}
	if a := p.form("/introspect", "token=stranger"); a.at("active") != false {
		t.Errorf("a stranger's token: %s", a.raw)
	}
	if a := p.form("/revoke", "token="+first); a.status != 200 {
		t.Errorf("revoke: %d", a.status)
	}
	if a := p.as(access, "GET", contacts, ""); a.status != 401 {
		t.Errorf("access after revocation: %d", a.status)
	}
	if a := p.refresh(first); a.status != 400 {
		t.Errorf("refresh after revocation: %d", a.status)
	}
	if a := p.as("", "POST", "/oauth/2026-09/token/introspect", "token="+access+"&client_id=x&client_secret=y"); a.status != 400 || a.text("error") != "invalid_client" {
		t.Errorf("introspect without credentials: %d %s", a.status, a.raw)
	}
}

// TestMalformedAuthorization holds that a header that is no bearer token is a 401, or answered by the edge where the
// portal's does that (C6).
func TestMalformedAuthorization(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	for _, token := range []string{"", " ", p.sim.Credentials().Token + "x", "a b"} {
		if a := p.as(token, "GET", contacts, ""); a.status != 401 || a.text("category") != "INVALID_AUTHENTICATION" {
			t.Errorf("%q: %d %s", token, a.status, a.raw)
		}
	}
	p.setup(`{"edge_530":true}`)
	if a := p.as(p.sim.Credentials().Token+"x", "GET", contacts, ""); a.status != 401 {
		t.Errorf("a token that nobody knows: %d", a.status)
	}
	for _, token := range []string{"a b", "secret", "pat-na1-not{filled in}here"} {
		if a := p.as(token, "GET", contacts, ""); a.status != 530 || !strings.HasPrefix(a.raw, "<!DOCTYPE html>") {
			t.Errorf("%q: %d %s", token, a.status, a.raw)
		}
	}
}

// TestAccessTokensAreLong: an access token may have 512 characters.
func TestAccessTokensAreLong(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	token := p.refresh(p.sim.Credentials().RefreshToken).text("access_token")
	if got := p.as(token, "GET", contacts, ""); len(token) != 512 || got.status != 200 {
		t.Errorf("%d characters, %d %s", len(token), got.status, got.raw)
	}
}

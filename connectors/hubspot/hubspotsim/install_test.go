package hubspotsim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

const (
	callback = "http://127.0.0.1:3000/oauth-callback"
	verifier = "a-verifier-that-is-long-enough-for-anybody-1234"
)

// page asks for the page on which the app is installed. Changes are names and values of the address.
func (p *portal) page(change ...string) *http.Response {
	p.t.Helper()
	q := url.Values{
		"client_id": {p.sim.Credentials().ClientID}, "redirect_uri": {callback}, "state": {"s t"}, "scope": {"oauth crm.objects.contacts.read"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	path := "/oauth/authorize"
	for i := 0; i+1 < len(change); i += 2 {
		if q.Set(change[i], change[i+1]); change[i] == "portal" {
			path = "/oauth/" + change[i+1] + "/authorize"
		}
	}
	w := httptest.NewRecorder()
	p.sim.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"?"+q.Encode(), nil))
	return w.Result()
}

// approve installs the app and returns the code that came of it.
func (p *portal) approve(change ...string) string {
	p.t.Helper()
	r := p.page(change...)
	back, err := r.Location()
	if err != nil || r.StatusCode != http.StatusFound || !strings.HasPrefix(back.String(), callback+"?") || back.Query().Get("state") != "s t" {
		p.t.Fatalf("%d %v %v", r.StatusCode, back, err)
	}
	return back.Query().Get("code")
}

// spend exchanges a code.
func (p *portal) spend(code string, change ...string) answer {
	p.t.Helper()
	q := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for i := 0; i+1 < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return p.form("", q.Encode())
}

// TestInstallation: the portal's admin installs the app, which exchanges the code once, in time, and with what it
// promised; its tokens do what was asked for and no more.
func TestInstallation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{})
		code := p.approve("portal", p.sim.Credentials().PortalID, "optional_scope", "crm.objects.deals.read e-commerce")
		got := p.spend(code)
		if got.status != 200 || got.text("refresh_token") == "" || got.at("expires_in") != 1800.0 || got.at("hub_id") == nil {
			t.Fatalf("%d %s", got.status, got.raw)
		}
		var scopes []string
		for _, s := range got.at("scopes").([]any) {
			scopes = append(scopes, s.(string))
		}
		if !slices.Equal(scopes, []string{"crm.objects.contacts.read", "crm.objects.deals.read", "oauth"}) {
			t.Errorf("scopes %v", scopes)
		}
		for _, token := range []string{got.text("access_token"), p.refresh(got.text("refresh_token")).text("access_token")} {
			if a := p.as(token, "GET", contacts, ""); a.status != 200 {
				t.Errorf("what was asked for: %d %s", a.status, a.raw)
			}
			if a := p.as(token, "GET", "/crm/objects/2026-09/companies", ""); a.status != 403 || a.text("category") != "MISSING_SCOPES" {
				t.Errorf("what was not asked for: %d %s", a.status, a.raw)
			}
		}
		if a := p.as(p.sim.Credentials().Token, "GET", "/crm/objects/2026-09/companies", ""); a.status != 200 {
			t.Errorf("a static token has the scopes of its own app: %d", a.status)
		}
		if a := p.spend(code); a.status != 400 || a.text("status") != "BAD_AUTH_CODE" {
			t.Errorf("a second time: %d %s", a.status, a.raw)
		}
		for name, tc := range map[string][3]string{
			"another verifier": {"code_verifier", "another", "BAD_CODE_VERIFIER"},
			"no verifier":      {"code_verifier", "", "BAD_CODE_VERIFIER"},
			"another callback": {"redirect_uri", "https://elsewhere.example", "BAD_REDIRECT_URI"},
			"no code":          {"code", "", "BAD_AUTH_CODE"},
			"no such grant":    {"grant_type", "password", "BAD_GRANT_TYPE"},
		} {
			if a := p.spend(p.approve(), tc[0], tc[1]); a.status != 400 || a.text("status") != tc[2] {
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
		}
		late := p.approve()
		time.Sleep(time.Minute + time.Millisecond)
		if a := p.spend(late); a.status != 400 || a.text("status") != "BAD_AUTH_CODE" {
			t.Errorf("late: %d %s", a.status, a.raw)
		}
	})
}

// TestInstallationRefused holds what stands on the page, and leads nobody anywhere.
func TestInstallationRefused(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	refused := func(setup string, change ...string) {
		t.Helper()
		p.setup(setup)
		if r := p.page(change...); r.StatusCode != 400 || r.Header.Get("Location") != "" {
			t.Errorf("%s %v: %d %s", setup, change, r.StatusCode, r.Header.Get("Location"))
		}
	}
	refused(`{}`, "portal", "1")
	refused(`{}`, "client_id", "x")
	refused(`{}`, "redirect_uri", "http://example.com/cb")
	refused(`{}`, "code_challenge_method", "plain")
	refused(`{}`, "scope", "")
	refused(`{}`, "scope", "crm.objects.nobody.read")
	refused(`{"track":"private_app"}`)
	refused(`{"track":"oauth","scopes":["crm.objects.deals.read"]}`)
	refused(`{"scopes":["crm.objects.contacts.read","crm.objects.deals.read"]}`)
	p.setup(`{"scopes":["crm.objects.contacts.read"]}`)
	if a := p.spend(p.approve()); a.status != 200 {
		t.Errorf("the app's own scopes: %d %s", a.status, a.raw)
	}
}

// TestInstalledAgain: an app that was uninstalled is good for nothing until it is installed again, with tokens of its
// own (C6).
func TestInstalledAgain(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	before := p.sim.Credentials().RefreshToken
	access := p.refresh(before).text("access_token")
	if same := p.spend(p.approve()).text("refresh_token"); same != before {
		t.Errorf("installed where it stood: %s", same)
	}
	p.setup(`{"revoked":true}`)
	after := p.spend(p.approve()).text("refresh_token")
	if a := p.refresh(after); after == before || a.status != 200 {
		t.Errorf("again: %d %s", a.status, a.raw)
	}
	if a := p.refresh(before); a.status != 400 {
		t.Errorf("the refresh token of before: %d", a.status)
	}
	if a := p.as(access, "GET", contacts, ""); a.status != 401 {
		t.Errorf("the access token of before: %d", a.status)
	}
}

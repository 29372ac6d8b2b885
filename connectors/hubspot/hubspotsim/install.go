package hubspotsim

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// codeLife is how long an authorization code may be exchanged. HubSpot calls it short-lived.
const codeLife = time.Minute

// isInstallation tells the page on which the app is installed: /oauth/authorize, or with the portal's id in between.
func isInstallation(path []string) bool {
	return path[0] == "oauth" && path[len(path)-1] == "authorize" && len(path) < 4
}

// install answers that page. The portal's admin is signed in and approves at once, so it leads straight back to the
// app; what the app did wrong stands on the page, and nobody is led anywhere.
func (s *Sim) install(w http.ResponseWriter, r *http.Request, path []string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	given, back, wrong := s.approved(r, path)
	if wrong != "" {
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body><h1>Authorization failed</h1><p>" + html.EscapeString(wrong) + "</p></body></html>"))
		return
	}
	given.Until = now.Add(codeLife)
	code := "na1-" + uuid(s.traces)
	s.codes[code] = given
	simhttp.LeadBack(w, r, back, url.Values{"code": {code}})
}

// approved reads what the admin is asked to approve, or says what is wrong with it.
func (s *Sim) approved(r *http.Request, path []string) (given simhttp.Approval, back *url.URL, wrong string) {
	if r.Method != http.MethodGet {
		return given, nil, "The page is asked for with GET."
	}
	if err := r.ParseForm(); err != nil {
		return given, nil, "The address could not be read."
	}
	back, allowed := simhttp.Callback(r.Form.Get("redirect_uri"))
	given = simhttp.Approval{
		Redirect: r.Form.Get("redirect_uri"), Challenge: r.Form.Get("code_challenge"), Scopes: strings.Fields(r.Form.Get("scope")),
	}
	method := r.Form.Get("code_challenge_method")
	switch {
	case len(path) == 3 && path[1] != s.creds.PortalID:
		wrong = "You have no access to this account."
	case r.Form.Get("client_id") != s.creds.ClientID || (s.traits.track != "" && s.traits.track != trackOAuth):
		wrong = "The client id is not known."
	case !allowed:
		wrong = "The redirect_uri is not one of the app's."
	case given.Challenge != "" && method != "S256":
		wrong = "The code_challenge_method is not S256."
	default:
		wrong = s.mismatch(given.Scopes)
	}
	for _, scope := range strings.Fields(r.Form.Get("optional_scope")) {
		if slices.Contains(s.granted(staticApp), scope) {
			given.Scopes = append(given.Scopes, scope)
		}
	}
	return given, back, wrong
}

// mismatch says what is wrong with the scopes that are asked for: the app's settings and the address have to name the
// same ones. Where no settings were made, any that there are may be asked for.
func (s *Sim) mismatch(asked []string) string {
	if len(asked) == 0 {
		return "The address names no scope."
	}
	app := s.granted(staticApp)
	for _, scope := range asked {
		if scope != "oauth" && !slices.Contains(app, scope) {
			return "The scopes do not match those of the app: it has no " + strconv.Quote(scope) + "."
		}
	}
	for scope := range s.traits.scopes {
		if !slices.Contains(asked, scope) {
			return "The scopes do not match those of the app: it requires more of them."
		}
	}
	return ""
}

// installed exchanges an authorization code, which is good once. An app that was uninstalled is installed again by it.
func (c *call) installed(form url.Values) (*reply, *apiError) {
	s, code := c.s, form.Get("code")
	given, known := s.codes[code]
	delete(s.codes, code)
	switch {
	case !known || c.now.After(given.Until):
		return nil, oauthError("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
	case form.Get("redirect_uri") != given.Redirect:
		return nil, oauthError("invalid_grant", "BAD_REDIRECT_URI", "missing or invalid redirect URI")
	case !given.Proves(form.Get("code_verifier")):
		return nil, oauthError("invalid_grant", "BAD_CODE_VERIFIER", "missing or invalid code verifier")
	}
	if s.traits.revoked || s.grant.current == "" {
		s.traits.revoked = false
		clear(s.access)
		s.grant = grant{current: "na1-" + uuid(s.traces)}
	}
	s.grant.scopes = nil
	if s.traits.scopes == nil {
		s.grant.scopes = setOf(given.Scopes)
	}
	return ok(c.tokens(s.grant.current)), nil
}

// setOf is a list without order.
func setOf(list []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range list {
		out[s] = true
	}
	return out
}

package hubspotsim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// appKind tells the two kinds of caller apart: their limits differ.
type appKind int

const (
	staticApp appKind = iota // private app, service key or static-auth app
	oauthApp
)

const (
	accessFor = 30 * time.Minute // how long an OAuth access token lives
	graceFor  = time.Minute      // how long a replaced refresh token may still be used, at most
)

// grant is what the app was granted at its installation. While tokens rotate, the one before stays good until the
// new one, or the access token that came with it, is used, and no longer than graceFor: an app that lost the new
// token on the way may ask once more, one that has begun to use it may not go back.
type grant struct {
	current  string
	previous string
	until    time.Time
	scopes   map[string]bool // of the installation; nil: all of the app's
}

// access is an OAuth access token.
type access struct {
	end     time.Time
	refresh string // the refresh token that came with it
}

// shortestToken is shorter than any token that HubSpot has given out.
const shortestToken = 16

// refusedAtTheEdge says whether what stands for a token cannot be one, in a portal whose network answers such a call
// itself, with a 530, as has been seen.
func (s *Sim) refusedAtTheEdge(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.mu.Lock()
	answers := s.traits.edge530
	s.mu.Unlock()
	if !answers || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return false
	}
	return len(token) < shortestToken || strings.ContainsFunc(token, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/=", c)
	})
}

// authenticate checks the bearer token.
func (s *Sim) authenticate(r *http.Request, now time.Time) (appKind, *apiError) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" { // the answer to a refresh spells it "bearer", and clients copy it
		return 0, noCredentials()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if token == s.creds.Token && s.traits.track != trackOAuth && !s.traits.revoked {
		return staticApp, nil
	}
	a, known := s.access[token]
	switch {
	case !known || s.traits.revoked:
		return 0, unauthorized("The access token is not known to this portal.")
	case !now.Before(a.end):
		bad := unauthorized("The OAuth token used to make this call expired " + strconv.Itoa(int(now.Sub(a.end).Seconds())) + " second(s) ago.")
		bad.body = withCategory(bad.body, "EXPIRED_AUTHENTICATION")
		return 0, bad
	}
	if a.refresh == s.grant.current {
		s.grant.previous = ""
	}
	return oauthApp, nil
}

func noCredentials() *apiError { return unauthorized("Authentication credentials not found.") }

func unauthorized(message string) *apiError {
	return refuse(http.StatusUnauthorized, "INVALID_AUTHENTICATION", message)
}

func withCategory(body any, category string) any {
	if doc, isDoc := body.(errorBody); isDoc {
		doc.Category = category
		return doc
	}
	return body
}

// oauth answers /oauth/{version}/token, .../token/introspect and .../token/revoke. Parameters are taken from the
// form body; from the query too in v1, which still answers.
func (c *call) oauth(path []string) (*reply, *apiError) {
	if strings.Join(path, "/") == "v2/private-apps/get/access-token-info" && c.r.Method == http.MethodPost {
		return c.tokenInfo()
	}
	if len(path) == 3 && path[0] == "v1" && (path[1] == "access-tokens" || path[1] == "refresh-tokens") {
		return c.aboutToken(path[1], path[2])
	}
	known := len(path) > 1 && (dated(path[0]) || path[0] == "v3" || path[0] == "v1")
	if !known || path[1] != "token" || len(path) > 3 {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	if c.r.Method != http.MethodPost {
		return nil, c.methodNotAllowed()
	}
	if !strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, refuse(http.StatusUnsupportedMediaType, "", "Unsupported media type: send application/x-www-form-urlencoded")
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return nil, oauthError("invalid_request", "BAD_REQUEST", "the form could not be read")
	}
	if path[0] == "v1" {
		for name := range c.query {
			form.Set(name, c.query.Get(name))
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if bad := c.s.checkClient(form); bad != nil {
		return nil, bad
	}
	switch strings.Join(path[2:], "/") {
	case "":
		return c.exchanged(form)
	case "introspect":
		return ok(c.s.introspect(form.Get("token"), c.now)), nil
	case "revoke":
		c.s.revoke(form.Get("token"))
		return ok(map[string]any{}), nil
	}
	return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
}

// checkClient refuses who is not the app. A portal whose app has a static token has no OAuth client.
func (s *Sim) checkClient(form url.Values) *apiError {
	switch {
	case form.Get("client_id") != s.creds.ClientID || (s.traits.track != "" && s.traits.track != trackOAuth):
		return oauthError("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
	case form.Get("client_secret") != s.creds.ClientSecret:
		return oauthError("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
	}
	return nil
}

// exchanged gives tokens for what the app holds.
func (c *call) exchanged(form url.Values) (*reply, *apiError) {
	switch form.Get("grant_type") {
	case "authorization_code":
		return c.installed(form)
	case "refresh_token":
		return c.refreshed(form)
	}
	return nil, oauthError("unsupported_grant_type", "BAD_GRANT_TYPE", "this portal gives tokens for authorization_code and refresh_token alone")
}

func (c *call) refreshed(form url.Values) (*reply, *apiError) {
	refresh, granted := c.s.exchange(form.Get("refresh_token"), c.now)
	if !granted {
		return nil, oauthError("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
	}
	return ok(c.tokens(refresh)), nil
}

// tokens are an access token and the refresh token that comes with it.
func (c *call) tokens(refresh string) map[string]any {
	token := c.s.accessToken()
	c.s.access[token] = access{c.now.Add(accessFor), refresh}
	return map[string]any{
		"token_type": "bearer", "access_token": token, "refresh_token": refresh,
		"expires_in": int(accessFor.Seconds()), "hub_id": c.s.portal, "scopes": c.s.granted(oauthApp),
	}
}

// accessToken draws a token as long as HubSpot's may be, 512 characters, for whoever keeps them in less.
func (s *Sim) accessToken() string {
	token := "CN"
	for len(token) < 512 {
		token += strings.ReplaceAll(uuid(s.traces), "-", "")
	}
	return token[:512]
}

// exchange takes a refresh token and returns the one that is good from now on.
func (s *Sim) exchange(token string, now time.Time) (string, bool) {
	g := &s.grant
	switch {
	case s.traits.revoked || token == "":
		return "", false
	case token == g.current:
		if s.traits.rotates {
			g.previous, g.until = g.current, now.Add(graceFor)
			g.current = "na1-" + uuid(s.traces)
		}
	case token == g.previous && now.Before(g.until): // the token given for it the first time is worth nothing now
		g.current = "na1-" + uuid(s.traces)
	default:
		return "", false
	}
	return g.current, true
}

// introspect tells what a token is worth.
func (s *Sim) introspect(token string, now time.Time) map[string]any {
	a, known := s.access[token]
	alive := known && now.Before(a.end)
	use := "access_token"
	if token != "" && (token == s.grant.current || (token == s.grant.previous && now.Before(s.grant.until))) {
		alive, use = true, "refresh_token"
	}
	if !alive || s.traits.revoked {
		return map[string]any{"active": false}
	}
	out := map[string]any{
		"active": true, "token_use": use, "token_type": "bearer", "client_id": s.creds.ClientID, "app_id": appID,
		"hub_id": s.portal, "user_id": 4_100_000, "scopes": s.granted(oauthApp),
	}
	if use == "access_token" {
		out["expires_in"] = int(a.end.Sub(now).Seconds())
	}
	return out
}

// revoke ends a token; a refresh token takes with it what was granted. An unknown one is a success, as RFC 7009 asks.
func (s *Sim) revoke(token string) {
	delete(s.access, token)
	if token != "" && (token == s.grant.current || token == s.grant.previous) {
		s.grant = grant{}
		clear(s.access)
	}
}

// tokenInfo tells a static token which app it belongs to.
func (c *call) tokenInfo() (*reply, *apiError) {
	var in struct {
		Key string `json:"tokenKey"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if in.Key != c.s.creds.Token || c.s.traits.revoked || c.s.traits.track == trackOAuth {
		return nil, unauthorized("The access token is not known to this portal.")
	}
	return ok(map[string]any{"userId": 4_100_000, "hubId": c.s.portal, "appId": appID, "scopes": c.s.granted(staticApp)}), nil
}

// oauthError is the RFC 6749 shape with HubSpot's own status beside it.
func oauthError(code, status, message string) *apiError {
	return &apiError{http.StatusBadRequest, map[string]string{
		"error": code, "error_description": message, "status": status, "message": message,
	}}
}

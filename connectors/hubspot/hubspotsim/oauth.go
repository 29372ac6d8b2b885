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

// accessFor is how long an OAuth access token lives.
const accessFor = 30 * time.Minute

// authenticate checks the bearer token.
func (s *Sim) authenticate(r *http.Request, now time.Time) (appKind, *apiError) {
	token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !isBearer || token == "" {
		return 0, unauthorized("Authentication credentials not found.")
	}
	if token == s.creds.Token {
		return staticApp, nil
	}
	s.mu.Lock()
	end, known := s.access[token]
	s.mu.Unlock()
	switch {
	case !known:
		return 0, unauthorized("The access token is not known to this portal.")
	case !now.Before(end):
		bad := unauthorized("The OAuth token used to make this call expired " + strconv.Itoa(int(now.Sub(end).Seconds())) + " second(s) ago.")
		bad.body = withCategory(bad.body, "EXPIRED_AUTHENTICATION")
		return 0, bad
	}
	return oauthApp, nil
}

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

// oauth answers /oauth/{version}/token. Parameters are taken from the form body; from the query too in v1,
// which still answers.
func (c *call) oauth(path []string) (*reply, *apiError) {
	if len(path) != 2 || path[1] != "token" || (!dated(path[0]) && path[0] != "v3" && path[0] != "v1") {
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
	creds := c.s.creds
	switch {
	case form.Get("client_id") != creds.ClientID:
		return nil, oauthError("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
	case form.Get("client_secret") != creds.ClientSecret:
		return nil, oauthError("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
	case form.Get("grant_type") != "refresh_token":
		return nil, oauthError("unsupported_grant_type", "BAD_GRANT_TYPE", "this portal gives tokens for refresh_token alone")
	case form.Get("refresh_token") != creds.RefreshToken:
		return nil, oauthError("invalid_grant", "BAD_REFRESH_TOKEN", "refresh token is invalid, expired or revoked")
	}
	token := "CN" + uuid(c.s.traces) + "-" + uuid(c.s.traces)
	c.s.mu.Lock()
	c.s.access[token] = c.now.Add(accessFor)
	c.s.mu.Unlock()
	return ok(map[string]any{
		"token_type": "bearer", "access_token": token, "refresh_token": creds.RefreshToken,
		"expires_in": int(accessFor.Seconds()), "hub_id": c.s.portal,
		"scopes": []string{"oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"},
	}), nil
}

// oauthError is the RFC 6749 shape with HubSpot's own status beside it.
func oauthError(code, status, message string) *apiError {
	return &apiError{http.StatusBadRequest, map[string]string{
		"error": code, "error_description": message, "status": status, "message": message,
	}}
}

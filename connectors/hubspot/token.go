package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"
)

// credentials picks the first complete set: a refresh token with its client,
// or a static token. The rate is the one HubSpot documents for that sort of app.
func (c *Connector) credentials(s connectors.Settings, base string, clientSecrets []string) (crmhttp.TokenSource, rate.Limit, error) {
	switch {
	case s.RefreshToken != "" && s.ClientID != "":
		conf := oauth2.Config{
			ClientID: s.ClientID,
			Endpoint: oauth2.Endpoint{
				TokenURL:  strings.TrimSuffix(base, "/") + "/oauth/" + c.version + "/token",
				AuthStyle: oauth2.AuthStyleInParams, // everything in the body
			},
		}
		if len(clientSecrets) > 0 {
			conf.ClientSecret = clientSecrets[0]
		}
		c.grant = &grant{conf: conf, configured: s.RefreshToken, vault: s.Vault}
		return crmhttp.Refreshing(c.refresh), oauthRate, nil
	case s.Token != "":
		c.static = s.Token
		return crmhttp.Static(s.Token), privateRate, nil
	}
	return nil, 0, errors.New("no credentials: set a token, or a refresh token and a client id")
}

// grant is a refresh token and what became of it. One exchange runs at a time
// (crmhttp.Refreshing), so it needs no lock.
type grant struct {
	conf       oauth2.Config
	configured connectors.Secret
	vault      connectors.Vault // nil: what HubSpot gives anew lives as long as the process

	current connectors.Secret // "": not looked up yet
	unkept  bool              // current is not in the vault yet
}

// refresh exchanges the refresh token. HubSpot may answer with another one, and
// the old one is then worth nothing: the new one is kept before the access
// token that came with it is used (C5).
func (c *Connector) refresh(ctx context.Context) (*oauth2.Token, error) {
	g := c.grant
	if cerr := g.load(ctx); cerr != nil {
		return nil, cerr
	}
	if cerr := g.keep(ctx); cerr != nil { // what could not be kept the last time
		return nil, cerr
	}
	c.http.Hide(g.current)
	exchange := context.WithValue(ctx, oauth2.HTTPClient, c.http.Plain("token"))
	// An empty access token makes the source fetch.
	token, err := g.conf.TokenSource(exchange, &oauth2.Token{RefreshToken: g.current.Reveal()}).Token()
	if err != nil {
		return nil, refreshError(err)
	}
	c.http.Hide(connectors.Secret(token.AccessToken))
	if token.RefreshToken != "" && token.RefreshToken != g.current.Reveal() {
		g.current, g.unkept = connectors.Secret(token.RefreshToken), true
		c.http.Hide(g.current)
	}
	if cerr := g.keep(ctx); cerr != nil {
		return nil, cerr
	}
	return token, nil
}

// load finds the newest refresh token there is.
func (g *grant) load(ctx context.Context) *connectors.Error {
	if g.current != "" {
		return nil
	}
	if g.vault != nil {
		kept, err := g.vault.Load(ctx, g.configured)
		if err != nil {
			return &connectors.Error{Class: connectors.Unavailable, Op: "look up the refresh token", Err: fmt.Errorf("the newest refresh token cannot be read: %w", err)}
		}
		g.current = kept
	}
	if g.current == "" {
		g.current = g.configured
	}
	return nil
}

// keep stores a refresh token that is not stored yet. What it came with must
// not be used before: the next start would have nothing to begin with.
func (g *grant) keep(ctx context.Context) *connectors.Error {
	if !g.unkept || g.vault == nil {
		return nil
	}
	if err := g.vault.Keep(ctx, g.configured, g.current); err != nil {
		return &connectors.Error{Class: connectors.AuthBroken, Op: "keep the refresh token", Err: fmt.Errorf("the new refresh token cannot be stored, so it is not used: %w", err)}
	}
	g.unkept = false
	return nil
}

// refreshError classes a failed exchange by its "error" word (RFC 6749) before
// its status: a wrong client is our configuration, a revoked grant is the
// portal's decision, and anything else may pass.
func refreshError(err error) *connectors.Error {
	const op = "refresh the token"
	var re *oauth2.RetrieveError
	if !errors.As(err, &re) || re.Response == nil {
		return &connectors.Error{Class: connectors.Unavailable, Op: op, Err: errors.New("no usable answer from the token endpoint")}
	}
	status := re.Response.StatusCode
	cerr := &connectors.Error{Class: connectors.Unavailable, Op: op, Status: status}
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Status      string `json:"status"`
		Message     string `json:"message"`
	}
	// A body that is not JSON leaves the fields empty, which the status decides.
	isJSON := json.Unmarshal(re.Body, &body) == nil
	words := errors.New("the answer is not JSON")
	if isJSON {
		words = errors.New(strings.TrimSpace(body.Status + " " + body.Error + ": " + firstOf(body.Description, body.Message)))
	}
	cerr.Err = words
	switch {
	case status == http.StatusTooManyRequests:
		cerr.Class = connectors.Throttled
		cerr.RetryAfter, _ = crmhttp.RetryAfter(re.Response.Header, time.Now())
	case status >= 500 || !isJSON || body.Error == "" && status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusBadRequest:
	default:
		cerr.Class = connectors.AuthBroken
		cerr.Err = fmt.Errorf("%s (%w)", remedy(body.Error, body.Status), words)
	}
	return cerr
}

// remedy is who has to do what about a refused exchange.
func remedy(word, status string) string {
	switch {
	case status == "BAD_HUB":
		return "the portal is gone or closed: take the connection out, or connect another portal"
	case word == "invalid_grant" || word == "access_denied" || status == "BAD_REFRESH_TOKEN":
		return "access was revoked or the app was uninstalled: install the app in the portal again and set the new REFRESH_TOKEN"
	case status == "BAD_CLIENT_SECRET":
		return "our configuration is wrong: CLIENT_SECRET is not the app's; the portal has revoked nothing"
	case word == "invalid_client" || status == "BAD_CLIENT_ID":
		return "our configuration is wrong: CLIENT_ID and CLIENT_SECRET must be the app's; the portal has revoked nothing"
	case status == "BAD_SCOPES" || word == "invalid_scope":
		return "the app asks for scopes the installation did not grant: install it again with the scopes it needs"
	}
	return "our configuration is wrong: check CLIENT_ID, CLIENT_SECRET and REFRESH_TOKEN"
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

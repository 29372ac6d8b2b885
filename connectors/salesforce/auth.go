package salesforce

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

const (
	// Token answers carry no expires_in, and the session's length is the org's
	// setting, which we cannot see. So a token is renewed after this long, and
	// whenever the org refuses it.
	tokenLife = 30 * time.Minute

	// Assertions that live longer than three minutes are refused.
	assertionLife = 2 * time.Minute

	opToken  = "get a token"
	jwtGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// tokenSource hands out access tokens and the address they are good for.
type tokenSource struct {
	crmhttp.TokenSource
	configured *url.URL
	log        *slog.Logger
	client     *http.Client // set once the connection's HTTP client exists, as is hide
	hide       func(connectors.Secret)
	latest     atomic.Pointer[session]
}

// session is what came along with a token.
type session struct {
	token    string
	instance string
	identity string // https://login.salesforce.com/id/<org>/<user>; "" if not told
}

// newTokenSource picks the first complete set of credentials.
func newTokenSource(s connectors.Settings, log *slog.Logger) (*tokenSource, error) {
	ts := &tokenSource{log: log}
	jwtSet := s.PrivateKey != "" && s.Username != "" && s.ClientID != ""
	refreshSet := s.RefreshToken != "" && s.ClientID != ""
	base := s.URL
	if base == "" && (jwtSet || refreshSet) {
		base = loginURL
	}
	if base == "" {
		return nil, errors.New("the URL of the org is missing (https://yourdomain.my.salesforce.com)")
	}
	var err error
	if ts.configured, err = parseBase(base); err != nil {
		return nil, err
	}
	switch {
	case jwtSet:
		key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(strings.ReplaceAll(s.PrivateKey.Reveal(), `\n`, "\n")))
		if err != nil {
			return nil, errors.New("the private key is not an RSA key in PEM form")
		}
		ts.TokenSource = ts.refreshing(ts.assertion(key, s.ClientID, s.Username))
	case refreshSet:
		ts.TokenSource = ts.refreshing(ts.refresh(s))
	case s.Token != "":
		ts.TokenSource = crmhttp.Static(s.Token)
		ts.latest.Store(&session{token: s.Token.Reveal(), instance: ts.configured.String()})
	case s.ClientID != "" && s.ClientSecret != "":
		ts.TokenSource = ts.refreshing(ts.credentials(s))
	default:
		return nil, errors.New("no complete set of credentials: give a private key, username and client id; or a refresh token and client id; or a token; or a client id and secret")
	}
	return ts, nil
}

// parseBase checks an address of the admin's: HTTPS, or loopback.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%q is not the address of an org", s)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u)) {
		return nil, fmt.Errorf("%q is not HTTPS", s)
	}
	return u, nil
}

func loopback(u *url.URL) bool {
	host := u.Hostname()
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// audience is who the assertion is for. It stays the login host even when the
// assertion is posted to the org's own domain.
func (ts *tokenSource) audience() string {
	host := ts.configured.Hostname()
	if host == "test.salesforce.com" || strings.Contains(host, "--") || strings.Contains(host, ".sandbox.") {
		return testURL
	}
	return loginURL
}

func (ts *tokenSource) endpoint() string { return ts.configured.String() + "/services/oauth2/token" }

func (ts *tokenSource) assertion(key *rsa.PrivateKey, clientID, username string) func(context.Context) (*oauth2.Token, error) {
	return func(ctx context.Context) (*oauth2.Token, error) {
		// The audience is one text; jwt's own claims would write a list.
		signed, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
			"iss": clientID,
			"sub": username,
			"aud": ts.audience(),
			"exp": time.Now().Add(assertionLife).Unix(),
		}).SignedString(key)
		if err != nil {
			return nil, fmt.Errorf("sign assertion: %w", err)
		}
		cfg := clientcredentials.Config{
			TokenURL: ts.endpoint(), AuthStyle: oauth2.AuthStyleInParams,
			EndpointParams: url.Values{"grant_type": {jwtGrant}, "assertion": {signed}},
		}
		return cfg.Token(ctx)
	}
}

func (ts *tokenSource) credentials(s connectors.Settings) func(context.Context) (*oauth2.Token, error) {
	cfg := clientcredentials.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), TokenURL: ts.endpoint(), AuthStyle: oauth2.AuthStyleInParams,
	}
	return func(ctx context.Context) (*oauth2.Token, error) { return cfg.Token(ctx) }
}

// refresh trades the refresh token for an access token. An org that rotates
// refresh tokens gives a new one each time and takes the old one never again:
// the new one is on disk before anything is done with what came along (C5).
func (ts *tokenSource) refresh(s connectors.Settings) func(context.Context) (*oauth2.Token, error) {
	cfg := oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{TokenURL: ts.endpoint(), AuthStyle: oauth2.AuthStyleInParams},
	}
	r := rotation{configured: s.RefreshToken, vault: s.Vault, tokens: ts}
	return func(ctx context.Context) (*oauth2.Token, error) { return r.trade(ctx, cfg) }
}

// rotation is a refresh token and what has become of it. One trade runs at a
// time ([crmhttp.Refreshing]).
type rotation struct {
	configured connectors.Secret
	current    connectors.Secret // "": not looked up yet
	vault      connectors.Vault  // may be nil
	unkept     *oauth2.Token     // came with a refresh token that could not be stored yet
	tokens     *tokenSource
}

func (r *rotation) trade(ctx context.Context, cfg oauth2.Config) (*oauth2.Token, error) {
	if r.unkept != nil {
		return r.keep(ctx, r.unkept)
	}
	if r.current == "" {
		r.current = r.configured
		if r.vault != nil {
			kept, err := r.vault.Load(ctx, r.configured)
			if err != nil {
				r.current = ""
				return nil, &connectors.Error{Class: connectors.Unavailable, Op: opToken, Err: fmt.Errorf("load the stored refresh token: %w", err)}
			}
			if kept != "" {
				r.current = kept
				r.tokens.hide(kept)
			}
		}
	}
	t, err := cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: r.current.Reveal()}).Token()
	if err != nil {
		return nil, err
	}
	if t.RefreshToken == "" || connectors.Secret(t.RefreshToken) == r.current {
		return t, nil
	}
	return r.keep(ctx, t)
}

// keep stores a new refresh token. One that cannot be stored is not let go of
// either: it is the only one left.
func (r *rotation) keep(ctx context.Context, t *oauth2.Token) (*oauth2.Token, error) {
	r.tokens.hide(connectors.Secret(t.RefreshToken))
	if r.vault == nil {
		r.tokens.log.WarnContext(ctx, "the org rotates refresh tokens and there is nowhere to keep them: the configured one will not work after a restart; switch rotation off or use a private key")
	} else if err := r.vault.Keep(ctx, r.configured, connectors.Secret(t.RefreshToken)); err != nil {
		r.unkept = t
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: opToken, Err: fmt.Errorf("store the new refresh token: %w", err)}
	}
	r.current, r.unkept = connectors.Secret(t.RefreshToken), nil
	return t, nil
}

// refreshing turns a way to get a token into a source that renews it before
// it is old, remembers where it is good for and serves one fetch to all.
func (ts *tokenSource) refreshing(fetch func(context.Context) (*oauth2.Token, error)) crmhttp.TokenSource {
	return crmhttp.Refreshing(func(ctx context.Context) (*oauth2.Token, error) {
		t, err := fetch(context.WithValue(ctx, oauth2.HTTPClient, ts.client))
		if err != nil {
			return nil, classifyToken(err)
		}
		instance, _ := t.Extra("instance_url").(string)
		if instance == "" {
			instance = ts.configured.String()
		}
		address, err := ts.allowed(instance)
		if err != nil {
			return nil, &connectors.Error{Class: connectors.AuthBroken, Op: opToken, Err: err}
		}
		identity, _ := t.Extra("id").(string)
		ts.latest.Store(&session{token: t.AccessToken, instance: address, identity: identity})
		return &oauth2.Token{AccessToken: t.AccessToken, Expiry: time.Now().Add(tokenLife)}, nil
	})
}

// session is the newest one, fetched if there is none yet.
func (ts *tokenSource) session(ctx context.Context) (*session, error) {
	if s := ts.latest.Load(); s != nil {
		return s, nil
	}
	if _, err := ts.Token(ctx); err != nil {
		return nil, err
	}
	return ts.latest.Load(), nil
}

// end forgets a session that the org says is over, unless there is a newer one.
func (ts *tokenSource) end(s *session) {
	if s != nil {
		ts.Invalidate(s.token)
	}
}

// site is the org's own address without asking for a token; "": not known yet.
func (ts *tokenSource) site() string {
	if s := ts.latest.Load(); s != nil {
		return s.instance
	}
	if at := ts.configured.String(); at != loginURL && at != testURL {
		return at
	}
	return ""
}

// base is the address to call: the token's instance, never the login host.
func (ts *tokenSource) base(ctx context.Context) (string, error) {
	s, err := ts.session(ctx)
	if err != nil {
		return "", err
	}
	return s.instance, nil
}

// allowed checks where the token answer sends us: a forged answer must not
// make us carry a token to somebody else's host.
func (ts *tokenSource) allowed(instance string) (string, error) {
	u, err := parseBase(instance)
	if err != nil || (u.Path != "" && u.Path != "/") {
		return "", errors.New("the token answer names an instance that is no HTTPS address")
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case u.Scheme == ts.configured.Scheme && strings.EqualFold(u.Host, ts.configured.Host):
	case loopback(ts.configured) && loopback(u):
	case u.Scheme == "https" && (strings.HasSuffix(host, ".salesforce.com") || strings.HasSuffix(host, ".force.com")):
	default:
		return "", fmt.Errorf("the token answer names the instance %s, which is not Salesforce's", host)
	}
	return u.Scheme + "://" + u.Host, nil
}

// who is the org and the user behind the token, as far as it was told.
func (ts *tokenSource) who(ctx context.Context) (orgID, userID string, err error) {
	s, err := ts.session(ctx)
	if err != nil || s.identity == "" {
		return "", "", err
	}
	if u, err := url.Parse(s.identity); err == nil {
		orgPart, userPart := path.Split(u.Path)
		orgID, _ = normalizeID(path.Base(orgPart))
		userID, _ = normalizeID(userPart)
	}
	return orgID, userID, nil
}

// classifyToken sorts what the token endpoint refused. Its words are kept, its
// body is not: an error page may echo what was sent.
func classifyToken(err error) *connectors.Error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		var nested *connectors.Error
		if errors.As(err, &nested) {
			return nested
		}
		return &connectors.Error{Class: connectors.Unavailable, Op: opToken, Err: withoutURL(err)}
	}
	e := &connectors.Error{Class: connectors.AuthBroken, Op: opToken}
	if refused.Response != nil {
		e.Status = refused.Response.StatusCode
	}
	e.Err = &crmError{code: refused.ErrorCode, message: withFix(shorten(refused.ErrorDescription), fixOf(refused.ErrorCode, refused.ErrorDescription))}
	switch {
	case refused.ErrorCode == "temporarily_unavailable", refused.ErrorCode == "server_error", e.Status >= 500:
		e.Class = connectors.Unavailable
	case e.Status == http.StatusTooManyRequests, strings.Contains(refused.ErrorDescription, "rate exceeded"):
		e.Class, e.RetryAfter = connectors.Throttled, time.Minute
	case refused.ErrorCode == "" && e.Status != http.StatusUnauthorized:
		// No OAuth answer at all: a proxy or a maintenance page spoke.
		e.Class, e.Err = connectors.Unavailable, errors.New("the token endpoint did not answer as one")
	}
	return e
}

// fixOf is what an admin has to do about a token that is refused, since
// nothing gets better by waiting (C6).
func fixOf(code, description string) string {
	text := strings.ToLower(code + " " + description)
	for _, known := range []struct{ says, fix string }{
		{"inactive user", "activate the integration user or name another"},
		{"inactive_user", "activate the integration user or name another"},
		{"no client credentials user", "name a Run As user in the app's client credentials policy"},
		{"audience", "check _URL: login for production, test for a sandbox"},
		{"approved this consumer", "pre-authorize the integration user's permission set in the app's policies"},
		{"access denied", "pre-authorize the integration user's permission set in the app's policies"},
		{"ip restricted", "allow this machine's address in the app's or the profile's IP ranges"},
		{"expired", "connect handoffd to the org again and configure the new refresh token; check this machine's clock"},
		{"invalid_client", "check _CLIENT_ID and _CLIENT_SECRET against the app"},
		{"invalid client", "check _CLIENT_ID and _CLIENT_SECRET against the app"},
		{"invalid_app_access", "assign the app to the integration user"},
		{"org_locked", "the org is locked; ask Salesforce"},
		{"invalid_grant", "check the username, the certificate and this machine's clock, or connect handoffd to the org again"},
	} {
		if strings.Contains(text, known.says) {
			return known.fix
		}
	}
	return ""
}

// withFix adds what to do to the CRM's words.
func withFix(words, fix string) string {
	if fix == "" {
		return words
	}
	if words == "" {
		return fix
	}
	return words + " (" + fix + ")"
}

// withoutURL drops the address from a transport error.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

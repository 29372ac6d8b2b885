package salesforcesim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// maxAssertionLife is how far ahead the exp of a JWT assertion may lie. The sources say three minutes or five;
// public clients that work sign for five.
const maxAssertionLife = 5 * time.Minute

// firstMilliseconds is above any exp in seconds. Salesforce's own command line signs exp in milliseconds, 300 of them
// ahead, and is let in from anywhere; how late it may arrive is not known.
const firstMilliseconds = 100_000_000_000

const jwtGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// Credentials is everything a client may log in with.
type Credentials struct {
	Token         string // a session that already lives
	OrgID         string // 18 characters
	ClientID      string
	ClientSecret  string
	PrivateKeyPEM string // PKCS #8; its certificate counts as uploaded
	RefreshToken  string // of the web server flow, with the scope refresh_token
	Username      string // the integration user
}

// signingKey makes the key pair on first use, one for all orgs of the process: making one takes long, most
// tests never sign, and no org looks at another's. The pair
// is empty without entropy, and JWT log-in refused.
var signingKey = sync.OnceValue(func() (pair struct {
	key *rsa.PrivateKey
	pem string
},
) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return pair
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair
	}
	pair.key, pair.pem = key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return pair
})

// sessions are the tokens that are good, each until a moment that use pushes on.
type sessions struct {
	orgID, token, clientID, clientSecret string
	rand                                 *simhttp.Rand
	live                                 map[string]time.Time
	refresh                              string                      // the refresh token that is good
	spent                                map[string]bool             // those that rotation replaced
	approved                             map[string]simhttp.Approval // by authorization code
	draw                                 *simhttp.Rand               // for refresh tokens, so that they change no other draw
}

func (a *sessions) start(orgID string, r *simhttp.Rand, until time.Time) {
	a.orgID, a.rand = orgID, r
	a.clientID = "3MVG9" + a.word(80)
	a.clientSecret = strings.ToUpper(a.word(64))
	a.token = a.issue(until)
	a.spent, a.approved = map[string]bool{}, map[string]simhttp.Approval{}
}

func (a *sessions) word(n int) string { return drawn(a.rand, n) }

func drawn(r *simhttp.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = idAlphabet[r.IntN(len(idAlphabet))]
	}
	return string(b)
}

func (a *sessions) issue(until time.Time) string {
	token := a.orgID[:15] + "!AQ" + a.word(94)
	a.live[token] = until
	return token
}

// Credentials returns what the org accepts. The first call makes the signing key.
func (s *Sim) Credentials() Credentials {
	key := signingKey().pem
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.auth.refresh == "" {
		s.auth.refresh = s.newRefresh()
	}
	return Credentials{
		Token: s.auth.token, OrgID: s.orgID, ClientID: s.auth.clientID, ClientSecret: s.auth.clientSecret,
		PrivateKeyPEM: key, Username: integrationUser, RefreshToken: s.auth.refresh,
	}
}

// ExpireSessions ends every session at once, as an administrator can.
func (s *Sim) ExpireSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.auth.live)
}

// authorize checks the session that a call's header names.
func (s *Sim) authorize(r *http.Request, now time.Time) *apiError {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return &apiError{code: "INVALID_AUTH_HEADER", message: "INVALID_HEADER_TYPE", status: http.StatusUnauthorized}
	}
	if !s.session(token, now) {
		return sessionEnded()
	}
	return nil
}

// session says whether a token is good, and pushes its end on.
func (s *Sim) session(token string, now time.Time) bool {
	until, known := s.auth.live[token]
	if s.set.revokeAfter > 0 && known {
		if s.set.revokeAfter--; s.set.revokeAfter == 0 {
			clear(s.auth.live)
			known = false
		}
	}
	if !s.callerActive() {
		known = false
	}
	if !known || !now.Before(until) {
		delete(s.auth.live, token)
		return false
	}
	s.auth.live[token] = now.Add(s.cfg.SessionLife)
	return true
}

func sessionEnded() *apiError {
	return &apiError{code: "INVALID_SESSION_ID", message: "Session expired or invalid", status: http.StatusUnauthorized}
}

func (s *Sim) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		tokenError(w, "invalid_request", "must use HTTP POST")
		return
	}
	inQuery := r.ContentLength == 0 && r.URL.RawQuery != "" // parameters may stand there instead, though nobody should
	if !inQuery && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		tokenError(w, "invalid_request", "content type must be application/x-www-form-urlencoded")
		return
	}
	if err := r.ParseForm(); err != nil {
		tokenError(w, "invalid_request", "the form could not be read")
		return
	}
	if inQuery {
		r.PostForm = r.URL.Query()
	}
	var code, text string
	switch grant := r.PostForm.Get("grant_type"); grant {
	case "client_credentials":
		code, text = s.checkClient(r)
	case jwtGrant:
		code, text = s.checkAssertion(r.PostForm.Get("assertion"))
	case "":
		code, text = "unsupported_grant_type", "grant type not supported"
	case "password":
		code, text = "invalid_grant", "authentication failure"
	case "refresh_token":
		s.serveRefresh(w, r)
		return
	case "authorization_code":
		s.serveCode(w, r)
		return
	default:
		code, text = "unsupported_grant_type", "grant type not supported"
	}
	if code != "" {
		tokenError(w, code, text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if code, text := s.barred(); code != "" {
		tokenError(w, code, text)
		return
	}
	send(w, ok(s.tokenBody(time.Now().UTC(), "")))
}

// tokenBody is the answer to every flow. It has no expires_in: a client cannot know the session's life.
func (s *Sim) tokenBody(now time.Time, refresh string) []byte {
	token := s.auth.issue(now.Add(s.cfg.SessionLife))
	issued := strconv.FormatInt(now.UnixMilli(), 10)
	id := s.baseURL + "/id/" + s.orgID + "/" + s.caller // really the log-in host's, which is elsewhere
	sum := sha256.Sum256([]byte(id + issued))
	body := map[string]string{
		"access_token": token, "instance_url": s.baseURL, "id": id, "token_type": "Bearer", "scope": "api",
		"issued_at": issued, "signature": base64.StdEncoding.EncodeToString(sum[:]),
	}
	if refresh != "" {
		body["refresh_token"], body["scope"] = refresh, "refresh_token api"
	}
	return mustJSON(body)
}

func (s *Sim) checkClient(r *http.Request) (code, text string) {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, pass, basic := r.BasicAuth(); basic && id == "" {
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(pass)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != s.auth.clientID {
		return "invalid_client_id", "client identifier invalid"
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(s.auth.clientSecret)) != 1 {
		return "invalid_client", "invalid client credentials"
	}
	return "", ""
}

// checkAssertion verifies a JWT bearer assertion: RS256 by the uploaded key, audience, issuer, subject and
// an end that lies ahead, but not more than five minutes.
func (s *Sim) checkAssertion(assertion string) (code, text string) {
	key := signingKey().key
	if key == nil || assertion == "" {
		return "invalid_grant", "invalid assertion"
	}
	var claims jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(assertion, &claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil }); err != nil {
		return "invalid_grant", "invalid assertion"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if claims.ExpiresAt != nil && claims.ExpiresAt.Unix() > firstMilliseconds {
		claims.ExpiresAt.Time = time.UnixMilli(claims.ExpiresAt.Unix()).Add(maxAssertionLife / 2)
	}
	switch {
	case claims.Issuer != s.auth.clientID:
		return "invalid_client_id", "client identifier invalid"
	case !s.knownAudience(claims.Audience):
		return "invalid_grant", "audience is invalid"
	case claims.Subject != integrationUser || s.set.appRevoked:
		return "invalid_grant", "user hasn't approved this consumer"
	case claims.ExpiresAt == nil || !now.Before(claims.ExpiresAt.Time):
		return "invalid_grant", "expired authorization code"
	case claims.ExpiresAt.After(now.Add(maxAssertionLife)):
		return "invalid_grant", "invalid assertion: exp is too far ahead"
	}
	return "", ""
}

func (s *Sim) knownAudience(aud []string) bool {
	if len(aud) != 1 {
		return false
	}
	switch strings.TrimSuffix(aud[0], "/") {
	case "https://login.salesforce.com":
		return !s.set.sandbox
	case "https://test.salesforce.com", s.baseURL:
		return true
	}
	return false
}

func tokenError(w http.ResponseWriter, code, text string) {
	send(w, reply{status: http.StatusBadRequest, body: mustJSON(map[string]string{"error": code, "error_description": text})})
}

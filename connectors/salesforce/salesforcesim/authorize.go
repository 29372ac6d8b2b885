package salesforcesim

import (
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// codeLife is how long an authorization code may be exchanged.
const codeLife = 15 * time.Minute

// approval is what a person has approved on the page of the web server flow, under the code that came of it.
type approval struct {
	redirect  string
	challenge string // S256; empty: without PKCE
	refresh   bool   // the scope holds refresh_token
	until     time.Time
}

// serveAuthorize is the page of the web server flow. The integration user is signed in and approves at once, so it
// leads straight back to the app; what the app did wrong stands on the page, and nobody is led anywhere.
func (s *Sim) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	page := func(code, text string) {
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("error=" + code + "&error_description=" + url.PathEscape(text)))
	}
	if err := r.ParseForm(); err != nil {
		page("invalid_request", "the form could not be read")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	back, err := url.Parse(r.Form.Get("redirect_uri"))
	challenge := r.Form.Get("code_challenge")
	method := r.Form.Get("code_challenge_method")
	switch {
	case r.Form.Get("client_id") != s.auth.clientID:
		page("invalid_client_id", "client identifier invalid")
		return
	case err != nil || !callbackAllowed(back):
		page("redirect_uri_mismatch", "redirect_uri must match configuration")
		return
	case r.Form.Get("response_type") != "code":
		page("unsupported_response_type", "response type not supported")
		return
	case challenge != "" && method != "" && method != "S256":
		page("invalid_request", "invalid code challenge method")
		return
	}
	answer := back.Query()
	if state := r.Form.Get("state"); state != "" {
		answer.Set("state", state)
	}
	if code, _ := s.barred(); code != "" {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "end-user denied authorization")
	} else {
		scopes := strings.Fields(r.Form.Get("scope"))
		given := approval{redirect: r.Form.Get("redirect_uri"), challenge: challenge, refresh: len(scopes) == 0, until: time.Now().Add(codeLife)}
		for _, scope := range scopes {
			given.refresh = given.refresh || scope == "refresh_token" || scope == "offline_access"
		}
		word := "aPrx" + drawn(s.auth.draw, 76) + "=="
		s.auth.approved[word] = given
		answer.Set("code", word)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// callbackAllowed: the app's callback addresses are https, or this machine.
func callbackAllowed(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Host != "" && u.Fragment == "" && (u.Scheme == "https" || u.Scheme == "http" && local)
}

// serveCode exchanges an authorization code, which is good once.
func (s *Sim) serveCode(w http.ResponseWriter, r *http.Request) {
	if code, text := s.checkClient(r); code != "" {
		tokenError(w, code, text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if code, text := s.barred(); code != "" {
		tokenError(w, code, text)
		return
	}
	word := r.PostForm.Get("code")
	given, known := s.auth.approved[word]
	delete(s.auth.approved, word)
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case !known:
		tokenError(w, "invalid_grant", "invalid authorization code")
		return
	case time.Now().After(given.until):
		tokenError(w, "invalid_grant", "expired authorization code")
		return
	case r.PostForm.Get("redirect_uri") != given.redirect:
		tokenError(w, "redirect_uri_mismatch", "redirect_uri must match configuration")
		return
	case given.challenge != "" && given.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		tokenError(w, "invalid_grant", "invalid code verifier")
		return
	}
	refresh := ""
	if given.refresh {
		if s.auth.refresh == "" {
			s.auth.refresh = s.newRefresh()
		}
		refresh = s.auth.refresh
	}
	simhttp.Applied(w)
	send(w, ok(s.tokenBody(time.Now().UTC(), refresh)))
}

package salesforcesim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// codeLife is how long an authorization code may be exchanged.
const codeLife = 15 * time.Minute

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
	back, allowed := simhttp.Callback(r.Form.Get("redirect_uri"))
	challenge := r.Form.Get("code_challenge")
	method := r.Form.Get("code_challenge_method")
	switch {
	case r.Form.Get("client_id") != s.auth.clientID:
		page("invalid_client_id", "client identifier invalid")
		return
	case !allowed:
		page("redirect_uri_mismatch", "redirect_uri must match configuration")
		return
	case r.Form.Get("response_type") != "code":
		page("unsupported_response_type", "response type not supported")
		return
	case challenge != "" && method != "" && method != "S256":
		page("invalid_request", "invalid code challenge method")
		return
	}
	if code, _ := s.barred(); code != "" {
		simhttp.LeadBack(w, r, back, url.Values{"error": {"access_denied"}, "error_description": {"end-user denied authorization"}})
		return
	}
	word := "aPrx" + drawn(s.auth.draw, 76) + "=="
	s.auth.approved[word] = simhttp.Approval{
		Redirect: r.Form.Get("redirect_uri"), Challenge: challenge, Scopes: strings.Fields(r.Form.Get("scope")), Until: time.Now().Add(codeLife),
	}
	simhttp.LeadBack(w, r, back, url.Values{"code": {word}})
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
	switch {
	case !known:
		tokenError(w, "invalid_grant", "invalid authorization code")
		return
	case time.Now().After(given.Until):
		tokenError(w, "invalid_grant", "expired authorization code")
		return
	case r.PostForm.Get("redirect_uri") != given.Redirect:
		tokenError(w, "redirect_uri_mismatch", "redirect_uri must match configuration")
		return
	case !given.Proves(r.PostForm.Get("code_verifier")):
		tokenError(w, "invalid_grant", "invalid code verifier")
		return
	}
	refresh := ""
	if len(given.Scopes) == 0 || slices.Contains(given.Scopes, "refresh_token") || slices.Contains(given.Scopes, "offline_access") {
		if s.auth.refresh == "" {
			s.auth.refresh = s.newRefresh()
		}
		refresh = s.auth.refresh
	}
	simhttp.Applied(w)
	send(w, ok(s.tokenBody(time.Now().UTC(), refresh)))
}

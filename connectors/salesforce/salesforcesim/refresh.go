package salesforcesim

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// maxLongRunning is how many calls of twenty seconds or more an org bears at once.
const maxLongRunning = 25

// newRefresh draws a refresh token.
func (s *Sim) newRefresh() string { return "5Aep861" + drawn(s.auth.draw, 80) }

// serveRefresh answers the refresh token grant. Without rotation the same token comes back now and then; with
// it (Setup rotate_refresh) every use replaces it, and a use of one that was replaced ends them all.
func (s *Sim) serveRefresh(w http.ResponseWriter, r *http.Request) {
	if id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"); secret != "" || id == "" {
		if code, text := s.checkClient(r); code != "" {
			tokenError(w, code, text)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if id := r.PostForm.Get("client_id"); id != "" && id != s.auth.clientID {
		tokenError(w, "invalid_client_id", "client identifier invalid")
		return
	}
	if code, text := s.barred(); code != "" {
		tokenError(w, code, text)
		return
	}
	token := r.PostForm.Get("refresh_token")
	if s.auth.spent[token] {
		s.auth.spent[s.auth.refresh] = true
		s.auth.refresh = s.newRefresh()
		clear(s.auth.live)
	}
	if token == "" || token != s.auth.refresh {
		tokenError(w, "invalid_grant", "expired access/refresh token")
		return
	}
	back := ""
	if s.set.rotate {
		s.auth.spent[token] = true
		s.auth.refresh = s.newRefresh()
		back = s.auth.refresh
		simhttp.Applied(w)
	} else if s.auth.draw.Chance(0.5) {
		back = token
	}
	send(w, ok(s.tokenBody(time.Now().UTC(), back)))
}

// barred is why nobody may log in at all; an empty code means nothing is in the way.
func (s *Sim) barred() (code, text string) {
	switch {
	case s.set.appRevoked:
		return "invalid_grant", "expired access/refresh token"
	case !s.callerActive():
		return "invalid_grant", "inactive user"
	}
	return "", ""
}

func (s *Sim) callerActive() bool {
	r := s.byID(s.caller)
	return r != nil && r.last()["IsActive"] == true
}

// migrate gives the org another address: every session ends, and the old address knows no data any more. It
// still issues tokens, which name the new one.
func (s *Sim) migrate(to string) {
	s.set.movedFrom, s.baseURL = s.baseURL, strings.TrimSuffix(to, "/")
	clear(s.auth.live)
}

// moved says that a call came to the address the org had before.
func (s *Sim) moved(r *http.Request) bool {
	old, err := url.Parse(s.set.movedFrom)
	return err == nil && old.Host != "" && sameHost(old.Host, r.Host) && !sameHost(r.Host, hostOf(s.baseURL))
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func sameHost(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, ":443"), strings.TrimSuffix(b, ":443"))
}

// sendGone is the page that an address shows whose org has moved away.
func sendGone(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("<html><head><title>URL No Longer Exists</title></head><body>You have attempted to reach a URL that no longer exists on salesforce.com.</body></html>"))
}

// crowded refuses a call while 25 long-running ones of others occupy the org.
func (s *Sim) crowded() *apiError {
	if s.set.longRunning < maxLongRunning {
		return nil
	}
	return &apiError{code: "REQUEST_LIMIT_EXCEEDED", message: "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", status: http.StatusForbidden}
}

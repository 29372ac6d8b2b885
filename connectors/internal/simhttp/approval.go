package simhttp

import (
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Approval is what a person has approved on the page of an authorization code flow (RFC 6749, 4.1). It is kept under
// the code that came of it.
type Approval struct {
	Redirect  string // the callback address, as it was given
	Challenge string // of PKCE (RFC 7636), S256; empty: without
	Scopes    []string
	Until     time.Time // when the code is worth nothing any more
}

// Proves says whether a verifier is the one that the challenge was made of.
func (a Approval) Proves(verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return a.Challenge == "" || a.Challenge == base64.RawURLEncoding.EncodeToString(sum[:])
}

// Callback reads the address that the app is told at. Only https, or this machine, may be one.
func Callback(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u, u.Host != "" && u.Fragment == "" && (u.Scheme == "https" || u.Scheme == "http" && local)
}

// LeadBack sends the person back to the app with what it is told, and with the state that it gave.
func LeadBack(w http.ResponseWriter, r *http.Request, callback *url.URL, told url.Values) {
	answer := callback.Query()
	for name := range told {
		answer.Set(name, told.Get(name))
	}
	if state := r.Form.Get("state"); state != "" {
		answer.Set("state", state)
	}
	back := *callback
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

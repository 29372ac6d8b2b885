package salesforcesim

import (
	"net/http"
	"strings"
	"time"
)

// serveIdentity answers who a session belongs to, for clients that ask: OpenID's userinfo and the identity URL
// that every token answer names. False: the call is for somebody else.
func (s *Sim) serveIdentity(w http.ResponseWriter, r *http.Request) bool {
	info := r.URL.Path == "/services/oauth2/userinfo"
	if !info && !strings.HasPrefix(r.URL.Path, "/id/") {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.authorize(r, time.Now().UTC()); e != nil {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("Bad_OAuth_Token"))
		return true
	}
	if !info && strings.Trim(r.URL.Path, "/") != "id/"+s.orgID+"/"+s.caller {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("Wrong_Org"))
		return true
	}
	user := s.byID(s.caller).last()
	id := s.baseURL + "/id/" + s.orgID + "/" + s.caller
	urls := map[string]string{
		"rest": s.baseURL + "/services/data/v{version}/", "query": s.baseURL + "/services/data/v{version}/query/",
		"sobjects": s.baseURL + "/services/data/v{version}/sobjects/", "recent": s.baseURL + "/services/data/v{version}/recent/",
		"profile": s.baseURL + "/" + s.caller, "custom_domain": s.baseURL,
	}
	body := map[string]any{
		"user_id": s.caller, "organization_id": s.orgID, "email": user["Email"], "name": user["Name"], "active": true, "urls": urls,
		"user_type": "STANDARD", "language": "en_US", "locale": "en_US",
	}
	if info {
		body["sub"], body["preferred_username"], body["zoneinfo"] = id, user["Username"], user["TimeZoneSidKey"]
		body["given_name"], body["family_name"], body["email_verified"] = user["FirstName"], user["LastName"], true
	} else {
		body["id"], body["asserted_user"], body["username"], body["display_name"] = id, true, user["Username"], user["Name"]
		body["first_name"], body["last_name"], body["timezone"], body["is_app_installed"] = user["FirstName"], user["LastName"], user["TimeZoneSidKey"], true
	}
	send(w, ok(mustJSON(body)))
	return true
}

// serveTooling answers the one resource of the Tooling API that doctors need: its queries.
func (s *Sim) serveTooling(c *call) reply {
	if len(c.parts) < 2 || c.parts[1] != "query" {
		return refused(notFound())
	}
	whole := s.org
	s.org = s.tooling
	defer func() { s.org = whole }()
	c.parts = c.parts[1:]
	return s.serveQuery(c)
}

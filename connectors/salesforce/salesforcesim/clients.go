package salesforcesim

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// What public clients ask beside the resources that the adapter uses. It is what
// Salesforce's REST and OAuth manuals describe and jsforce, simple-salesforce, restforce and the Singer tap send.

// overridden is the method of a call that could only be sent as a POST: ?_HttpMethod=PATCH. A HEAD is a GET whose
// body the server leaves out.
func overridden(method string, query url.Values) string {
	if wanted := query.Get("_HttpMethod"); method == http.MethodPost && wanted != "" {
		return strings.ToUpper(wanted)
	}
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// pretty indents an answer for a caller who asked with X-PrettyPrint.
func pretty(r *http.Request, rep reply) reply {
	asked := r.Header.Get("X-PrettyPrint")
	if rep.body == nil || asked != "1" && !strings.EqualFold(asked, "true") {
		return rep
	}
	var b bytes.Buffer
	if err := json.Indent(&b, rep.body, "", "  "); err == nil {
		rep.body = b.Bytes()
	}
	return rep
}

// serveSession answers what a client does with a token beside using it: /services/oauth2/revoke and /introspect, and /authorize before it,
// and the APIs that read it from elsewhere than REST. False: the call is for somebody else.
func (s *Sim) serveSession(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path == "/services/oauth2/revoke":
		s.serveRevoke(w, r)
	case r.URL.Path == "/services/oauth2/introspect":
		s.serveIntrospect(w, r)
	case r.URL.Path == "/services/oauth2/authorize":
		s.serveAuthorize(w, r)
	case strings.HasPrefix(r.URL.Path, "/services/Soap/"):
		s.serveSOAP(w, r)
	case strings.HasPrefix(r.URL.Path, "/services/async/"):
		s.serveAsync(w, r)
	default:
		return false
	}
	return true
}

// serveRevoke ends a session, or a refresh token with all sessions. The token may stand in the query of a GET.
func (s *Sim) serveRevoke(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("token")
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.auth.live[token]
	switch {
	case token == "":
		tokenError(w, "invalid_request", "missing required parameter: token")
		return
	case token == s.auth.refresh:
		s.auth.spent[token] = true
		s.auth.refresh = s.newRefresh()
		clear(s.auth.live)
	case known:
		delete(s.auth.live, token)
	default:
		tokenError(w, "invalid_token", "invalid token: "+token)
		return
	}
	simhttp.Applied(w)
	w.WriteHeader(http.StatusOK)
}

func (s *Sim) serveIntrospect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		tokenError(w, "invalid_request", "must use HTTP POST")
		return
	}
	if code, text := s.checkClient(r); code != "" {
		tokenError(w, code, text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	until, known := s.auth.live[r.PostForm.Get("token")]
	if !known || !time.Now().Before(until) {
		send(w, ok([]byte(`{"active":false}`)))
		return
	}
	send(w, ok(mustJSON(map[string]any{
		"active": true, "scope": "api", "client_id": s.auth.clientID, "username": integrationUser, "token_type": "access_token",
		"sub": s.baseURL + "/id/" + s.orgID + "/" + s.caller, "exp": until.Unix(), "iat": until.Add(-s.cfg.SessionLife).Unix(),
	})))
}

// serveAsync refuses the first Bulk API, in its own words, as an org does that has switched it off. It takes the session
// from a header of its own.
func (s *Sim) serveAsync(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	until, known := s.auth.live[r.Header.Get("X-SFDC-Session")]
	s.mu.Unlock()
	code, text := "FeatureNotEnabled", "Async API not enabled"
	if !known || !time.Now().Before(until) {
		code, text = "InvalidSessionId", "Unable to find session"
	}
	if strings.Contains(r.Header.Get("Content-Type")+r.Header.Get("Accept"), "json") {
		send(w, reply{status: http.StatusBadRequest, body: mustJSON(map[string]string{"exceptionCode": code, "exceptionMessage": text})})
		return
	}
	w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><error xmlns="http://www.force.com/2009/06/asyncapi/dataload"><exceptionCode>` +
		code + `</exceptionCode><exceptionMessage>` + text + `</exceptionMessage></error>`))
}

// recordCount answers /limits/recordCount?sObjects=Account,Lead, the approximate number of rows; here it is exact.
func (s *Sim) recordCount(c *call) reply {
	list := []map[string]any{}
	for name := range strings.SplitSeq(c.query.Get("sObjects"), ",") {
		if o := s.org[strings.ToLower(strings.TrimSpace(name))]; o != nil && o.prefix != "" {
			list = append(list, map[string]any{"name": o.name, "count": len(s.run(&query{limit: -1}, o, false, c.now))})
		}
	}
	return ok(mustJSON(map[string]any{"sObjects": list}))
}

// serveLimits answers /limits and what lies below it.
func (s *Sim) serveLimits(c *call) reply {
	switch {
	case len(c.parts) == 1:
		return ok(s.limits())
	case len(c.parts) == 2 && c.parts[1] == "recordCount":
		return s.recordCount(c)
	}
	return refused(notFound())
}

// explain answers ?explain= instead of ?q=: how the org would run a query.
func (s *Sim) explain(c *call, src string) reply {
	q, err := parseSOQL(src, c.now)
	if err != nil {
		return refused(err)
	}
	o, _, err := s.bind(q)
	if err != nil {
		return refused(err)
	}
	n := len(s.tables[o.name].order)
	return ok(mustJSON(map[string]any{"plans": []any{map[string]any{
		"cardinality": n, "fields": []string{}, "leadingOperationType": "TableScan", "notes": []any{}, "relativeCost": 1.0,
		"sobjectCardinality": n, "sobjectType": o.name,
	}}, "sourceQuery": src}))
}

// serveBatch answers /composite/batch: up to 25 independent subrequests, whose URLs may leave out /services/data.
// The outer headers count for all of them.
func (s *Sim) serveBatch(c *call) reply {
	if c.method != http.MethodPost {
		return badMethod(c)
	}
	var in struct {
		HaltOnError bool `json:"haltOnError"`
		Requests    []struct {
			Method string          `json:"method"`
			URL    string          `json:"url"`
			Input  json.RawMessage `json:"richInput"`
			Part   string          `json:"binaryPartName"`
			Alias  string          `json:"binaryPartNameAlias"`
		} `json:"batchRequests"`
	}
	if err := decodeObject(c.body, &in); err != nil {
		return refused(err)
	}
	if len(in.Requests) == 0 || len(in.Requests) > maxSubrequests {
		return refused(&apiError{code: "INVALID_BATCH_SIZE", message: "The number of subrequests must be between 1 and 25, not " + strconv.Itoa(len(in.Requests)) + "."})
	}
	type line struct {
		StatusCode int             `json:"statusCode"`
		Result     json.RawMessage `json:"result"`
	}
	list, failing, applied := make([]line, 0, len(in.Requests)), false, false
	for _, sub := range in.Requests {
		rep := refused(&apiError{code: "BATCH_PROCESSING_HALTED", message: "Batch processing halted per request", status: http.StatusPreconditionFailed})
		if !failing || !in.HaltOnError {
			before := c.tx.mark()
			if rep = s.serveInBatch(c, sub.Method, sub.URL, sub.Input); rep.status >= 300 {
				c.tx.back(before)
				failing = true
			}
		}
		applied = applied || rep.applied
		result := rep.body
		if result == nil {
			result = json.RawMessage("null")
		}
		list = append(list, line{rep.status, result})
	}
	return reply{status: http.StatusOK, body: mustJSON(map[string]any{"hasErrors": failing, "results": list}), applied: applied}
}

func (s *Sim) serveInBatch(outer *call, method, target string, body json.RawMessage) reply {
	u, err := url.Parse("/services/data/" + strings.TrimPrefix(strings.TrimPrefix(target, "/"), "services/data/"))
	if err != nil {
		return refused(notFound())
	}
	if string(body) == "null" {
		body = nil
	}
	c, e := newCall(method, u, outer.header, body, outer.now)
	if e != nil {
		return refused(e)
	}
	if len(c.parts) > 0 && c.parts[0] == "composite" {
		return refused(notFound())
	}
	c.inside, c.tx = true, outer.tx
	return s.dispatch(c)
}

// serveTree answers /composite/tree/X: rows of one type and their children, made together or not at all, each under
// a name of the caller's.
func (s *Sim) serveTree(c *call, name string) reply {
	if c.method != http.MethodPost {
		return badMethod(c)
	}
	o := s.org[strings.ToLower(name)]
	if o == nil || o.prefix == "" {
		return refused(notFound())
	}
	var in struct {
		Records []map[string]any `json:"records"`
	}
	if err := decodeObject(c.body, &in); err != nil {
		return refused(err)
	}
	if err := checkBatch(in.Records); err != nil {
		return refused(err)
	}
	g := &grove{s: s, c: c, met: map[string]bool{}, kinds: map[string]bool{}}
	g.plant(o, in.Records, nil, 1)
	if g.count > maxRecords {
		return refused(checkBatch(make([]map[string]any, g.count)))
	}
	if g.depth > maxTreeDepth || len(g.kinds) > maxTreeKinds {
		return refused(&apiError{code: "INVALID_INPUT", message: "A tree can't be more than 5 levels deep, nor hold records of more than 5 types."})
	}
	if len(g.bad) > 0 { // whoever calls takes back what was made
		return reply{status: http.StatusBadRequest, body: mustJSON(map[string]any{"hasErrors": true, "results": g.bad})}
	}
	return reply{status: http.StatusCreated, body: mustJSON(map[string]any{"hasErrors": false, "results": g.made}), applied: true}
}

// treeLine is one row of a tree's answer.
type treeLine struct {
	Ref    string        `json:"referenceId"`
	ID     string        `json:"id,omitempty"`
	Errors []outcomeFail `json:"errors,omitempty"`
}

// grove makes the rows of one tree request.
type grove struct {
	s         *Sim
	c         *call
	met       map[string]bool
	made, bad []treeLine
	kinds     map[string]bool
	count     int
	depth     int
}

// What a tree may hold at most.
const (
	maxTreeDepth = 5
	maxTreeKinds = 5
)

// plant makes records of o with link, the field that points at their parent and its id, in each of them.
func (g *grove) plant(o *object, records []map[string]any, link map[string]any, depth int) {
	if len(records) > 0 {
		g.kinds[o.name], g.depth = true, max(g.depth, depth)
	}
	for _, rec := range records {
		g.count++
		attributes, _ := rec["attributes"].(map[string]any)
		ref, _ := attributes["referenceId"].(string)
		own, children := g.s.branches(o, rec)
		maps.Copy(own, link)
		var e *apiError
		id := ""
		if ref == "" || g.met[ref] {
			e = &apiError{code: "INVALID_INPUT", message: "Duplicate or missing ReferenceId provided in the request: " + ref}
		} else if _, e = g.s.recordType(rec, o); e == nil {
			id, e = g.s.insert(o, own, g.s.apiDeed(g.c))
		}
		g.met[ref] = true
		if e != nil {
			g.bad = append(g.bad, treeLine{Ref: ref, Errors: failed(e).Errors})
			continue
		}
		g.made = append(g.made, treeLine{Ref: ref, ID: id})
		for _, b := range children {
			g.plant(g.s.org[strings.ToLower(b.child)], b.records, map[string]any{b.field: id}, depth+1)
		}
	}
}

// branch are the children of one relation that stand inside a record.
type branch struct {
	childRelation
	records []map[string]any
}

// branches parts a record from the children inside it. Those that the caller may not make stay, as a column that is none.
func (s *Sim) branches(o *object, rec map[string]any) (own map[string]any, children []branch) {
	if own = maps.Clone(rec); own == nil { // null instead of a record
		own = map[string]any{}
	}
	for _, rel := range childRelations() {
		inner, _ := rec[rel.name].(map[string]any)
		list, isList := inner["records"].([]any)
		if rel.parent != o.name || !isList || s.org[strings.ToLower(rel.child)] == nil {
			continue
		}
		delete(own, rel.name)
		b := branch{childRelation: rel}
		for _, v := range list {
			child, _ := v.(map[string]any)
			b.records = append(b.records, child)
		}
		children = append(children, b)
	}
	slices.SortFunc(children, func(a, b branch) int { return strings.Compare(a.name, b.name) })
	return own, children
}

// Package salesforcesim behaves like one Salesforce org over HTTP: REST with SOQL, collections and
// composite, OAuth, and the habits that make it hard to please (late commits, whole-second stamps,
// assignment rules, silent re-parenting). It is written from Salesforce's manuals and shares no type with
// any adapter. README.md lists what is modelled.
package salesforcesim

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Config says which org to play. The zero value is a calm org with the default world.
type Config struct {
	Seed    uint64
	Faults  simhttp.Faults
	People  int              // how many of the default world's people answer handoffs by themselves; 0: none
	History *simhttp.History // shared with the control API; nil records nothing
	// MessagesURL is where outbound messages go, nowhere if empty; Transport carries them, nil: the network.
	MessagesURL string
	Transport   http.RoundTripper
	// Latency is how long after a change its outbound message leaves; zero: 50 ms to 2 s.
	Latency [2]time.Duration
	// UniqueTasks gives Activity the unique external id Handoff_Key__c, like Faults.UniqueTasks.
	UniqueTasks bool
	// BaseURL is the org's own address, answered as instance_url; default https://handoffd.my.salesforce.com.
	BaseURL string
	// SessionLife is how long a session lives unused; default 2 h, as in a new org.
	SessionLife time.Duration
	// DuplicateRule is the active duplicate rule on leads; default none.
	DuplicateRule DuplicateRule
	// Without names fields that this org has not got, or hides from the integration user: "Lead.Handoff_Brief__c".
	Without []string
	// PageSize caps a page of query results; default 2000, the most that Salesforce gives.
	PageSize int
}

const defaultBaseURL = "https://handoffd.my.salesforce.com"

// Sim is one simulated org. Create it with New; it is safe for concurrent use.
type Sim struct {
	cfg    Config
	gate   *simhttp.Gate
	inner  http.Handler
	rand   *simhttp.Rand
	people *crowd

	messages *messages

	mu       sync.Mutex
	baseURL  string
	org      map[string]*object // by lower-case name: whole, and while a call is answered seen
	whole    map[string]*object // plain or keyed, as the faults say
	seen     map[string]*object // what the integration user sees of it
	tooling  map[string]*object // and what the Tooling API shows
	plain    map[string]*object // without Handoff_Key__c
	keyed    map[string]*object // with it
	tables   map[string]*table  // by object name
	prefixes map[string]string  // key prefix -> object name
	serial   uint64
	orgID    string
	caller   string            // the integration user
	users    map[string]string // e-mail -> id
	rule     string            // queue or user that the lead assignment rule names
	ruleName string
	stages   map[string]stage
	born     time.Time // when the schema was last changed
	auth     sessions
	usage    usage
	cursors  map[string]*cursor
	clients  map[string]int
	jobs     map[string]*job // of the Bulk API, by id
	bulkDraw *simhttp.Rand   // for them, so that they change no other draw
	wording  *simhttp.Rand   // which of its wordings a fault gets

	refusedCalls int // injected concurrency refusals
	set          shape
	locks        map[string]lock // by row id
}

// New builds the org with the default world. It panics never: the schema is this package's own table,
// and a fault in it shows as an org without that object, which the tests would see.
func New(cfg Config) *Sim {
	if cfg.BaseURL == "" {
		cfg.BaseURL = defaultBaseURL
	}
	if cfg.SessionLife <= 0 {
		cfg.SessionLife = 2 * time.Hour
	}
	if cfg.PageSize <= 0 || cfg.PageSize > maxPage {
		cfg.PageSize = maxPage
	}
	if cfg.Latency == [2]time.Duration{} {
		cfg.Latency = [2]time.Duration{50 * time.Millisecond, 2 * time.Second}
	}
	cfg.Faults.UniqueTasks = cfg.Faults.UniqueTasks || cfg.UniqueTasks
	s := &Sim{
		cfg: cfg, baseURL: strings.TrimSuffix(cfg.BaseURL, "/"),
		gate: simhttp.NewGate("salesforce", cfg.Seed, cfg.History), rand: simhttp.NewRand(cfg.Seed, "salesforce"),
		tables: map[string]*table{}, prefixes: map[string]string{}, users: map[string]string{},
		cursors: map[string]*cursor{}, locks: map[string]lock{}, clients: map[string]int{},
		jobs: map[string]*job{}, bulkDraw: simhttp.NewRand(cfg.Seed, "salesforce bulk"), wording: simhttp.NewRand(cfg.Seed, "salesforce wording"), people: newCrowd(cfg.Seed),
	}
	s.messages = newMessages(s)
	s.ruleName = leadRule
	if cfg.DuplicateRule != DuplicatesAllowed {
		s.set.duplicates = []duplicateRule{{Object: "Lead", Action: map[DuplicateRule]string{DuplicatesAlert: "alert", DuplicatesBlock: "block"}[cfg.DuplicateRule]}}
	}
	s.gate.SetFaults(cfg.Faults)
	_ = s.reshape(time.Now().UTC())
	s.gate.OnFault(s.wordFault)
	s.inner = s.gate.Wrap(http.HandlerFunc(s.serve))
	s.auth.live, s.auth.draw = map[string]time.Time{}, simhttp.NewRand(cfg.Seed, "salesforce refresh")
	s.buildWorld(time.Now().UTC().Truncate(time.Second))
	s.settle(s.born)
	s.auth.start(s.orgID, s.rand, time.Now().Add(cfg.SessionLife))
	return s
}

// CRM implements simhttp.Sim.
func (s *Sim) CRM() string { return "salesforce" }

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.inner.ServeHTTP(w, r) }

// SetBaseURL sets what the token endpoint answers as instance_url, once the listener's address is known.
func (s *Sim) SetBaseURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseURL = strings.TrimSuffix(u, "/")
}

// SetFaults implements simhttp.Sim. UniqueTasks adds or removes Activity's Handoff_Key__c.
func (s *Sim) SetFaults(f simhttp.Faults) {
	s.gate.SetFaults(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reseen()
}

// Faults implements simhttp.Sim.
func (s *Sim) Faults() simhttp.Faults { return s.gate.Faults() }

// Deliver implements simhttp.Sim: it sends every outbound message that is due or will be, and waits for the
// answers.
func (s *Sim) Deliver(ctx context.Context) (simhttp.Delivery, error) {
	return s.messages.Deliver(ctx, s.messages.pump)
}

// Clients counts REST calls and composite subrequests by the client= of their Sforce-Call-Options, and SOAP calls by
// the client of their CallOptions; those without one stand under the empty name.
func (s *Sim) Clients() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.clients))
	for name, n := range s.clients {
		out[name] = n
	}
	return out
}

// call is one REST request, or one subrequest of a composite.
type call struct {
	method  string
	version string   // 60.0
	parts   []string // path segments behind /services/data/vNN.0
	query   url.Values
	header  http.Header
	body    []byte
	now     time.Time
	tx      *tx
	inside  bool // a subrequest
	whole   bool // of a composite that wants all or none, which overrules a collection's own wish
}

// number is the version as a number; newCall has read it before.
func (c *call) number() float64 {
	n, _ := strconv.ParseFloat(c.version, 64)
	return n
}

// reply is an answer. body is JSON, or nil for none.
type reply struct {
	status  int
	body    json.RawMessage
	header  map[string]string
	applied bool
	broken  bool // a collection one of whose records failed
}

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	if refuseOversized(w, r) {
		return
	}
	switch {
	case r.URL.Path == "/services/oauth2/token":
		s.serveToken(w, r)
		return
	case s.serveIdentity(w, r), s.serveSession(w, r):
		return
	case strings.TrimSuffix(r.URL.Path, "/") == "/services/data":
		send(w, reply{status: http.StatusOK, body: versionList()})
		return
	}
	body, err := readBody(r)
	if err != nil {
		send(w, refused(&apiError{code: "JSON_PARSER_ERROR", message: err.Error()}))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC()
	if e := s.authorize(r, now); e != nil {
		send(w, refused(e))
		return
	}
	if s.moved(r) {
		sendGone(w)
		return
	}
	e := s.spend(now)
	w.Header().Set("Sforce-Limit-Info", s.limitInfo())
	if e != nil {
		send(w, refused(e))
		return
	}
	c, e := newCall(r.Method, r.URL, r.Header, body, now)
	if e != nil {
		send(w, refused(e))
		return
	}
	s.org = s.seen
	s.runJobs(now)
	rep := s.dispatch(c)
	s.org = s.whole
	if rep.status >= 300 {
		c.tx.rollback()
	}
	s.publish(c.tx)
	if rep.applied {
		simhttp.Applied(w)
	}
	send(w, pretty(r, rep))
}

func readBody(r *http.Request) ([]byte, error) {
	in := io.Reader(r.Body)
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("the request body is not gzip: %w", err)
		}
		in = io.LimitReader(z, 50<<20)
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("the request body broke off: %w", err)
	}
	return body, nil
}

func newCall(method string, u *url.URL, h http.Header, body []byte, now time.Time) (*call, *apiError) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), "/services/data/v")
	if !ok {
		return nil, notFound()
	}
	version, rest, _ := strings.Cut(rest, "/")
	n, err := strconv.ParseFloat(version, 64)
	if err == nil && n >= retiredFrom && n < firstVersion {
		return nil, &apiError{code: "GONE", message: "API version " + version + " has been retired.", status: http.StatusGone}
	}
	if !served(version) {
		return nil, notFound()
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, &apiError{code: "MALFORMED_QUERY", message: err.Error()}
	}
	c := &call{method: overridden(method, query), version: version, query: query, header: h, body: body, now: now, tx: &tx{}}
	rest = strings.TrimSuffix(rest, ".json") // the format may be asked for as an extension
	for part := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		name, err := url.PathUnescape(part)
		if err != nil {
			return nil, notFound()
		}
		if part != "" {
			c.parts = append(c.parts, name)
		}
	}
	return c, nil
}

// served says whether the API still, or already, has a version.
func served(version string) bool {
	n, err := strconv.ParseFloat(version, 64)
	return err == nil && n >= firstVersion && n <= lastVersion && strings.HasSuffix(version, ".0")
}

// dispatch routes a call to its resource.
func (s *Sim) dispatch(c *call) reply {
	s.clients[callOption(c.header, "client")]++
	wanted := "application/json"
	if len(c.parts) == 4 && c.parts[0] == "jobs" && c.parts[3] == "batches" {
		wanted = "text/csv"
	}
	if len(c.body) > 0 && !c.inside && !strings.HasPrefix(c.header.Get("Content-Type"), wanted) {
		return refused(&apiError{code: "UNSUPPORTED_MEDIA_TYPE", message: "Content type " + c.header.Get("Content-Type") + " not supported.", status: http.StatusUnsupportedMediaType})
	}
	if len(c.parts) == 0 {
		return get(c, func() reply { return ok(resources(c.version, s.baseURL+"/id/"+s.orgID+"/"+s.caller)) })
	}
	switch c.parts[0] {
	case "query", "queryAll":
		return get(c, func() reply { return s.serveQuery(c) })
	case "tooling":
		return get(c, func() reply { return s.serveTooling(c) })
	case "limits":
		return get(c, func() reply { return s.serveLimits(c) })
	case "recent": // what this user has looked at in the screens: a program has not
		return get(c, func() reply { return ok([]byte("[]")) })
	case "search", "parameterizedSearch":
		return s.serveSearch(c)
	case "sobjects":
		return s.serveObjects(c)
	case "composite":
		return s.serveComposite(c)
	case "jobs":
		return s.serveJobs(c)
	case "actions": // there is none, and least of all one that converts leads
		return refused(&apiError{code: "NOT_FOUND", message: "Invalid Action Type", status: http.StatusNotFound})
	}
	return refused(notFound())
}

func get(c *call, answer func() reply) reply {
	if c.method != http.MethodGet {
		return badMethod(c)
	}
	return answer()
}

func badMethod(c *call) reply {
	return refused(&apiError{code: "METHOD_NOT_ALLOWED", message: "HTTP Method '" + c.method + "' not allowed.", status: http.StatusMethodNotAllowed})
}

func ok(body json.RawMessage) reply { return reply{status: http.StatusOK, body: body} }

func send(w http.ResponseWriter, rep reply) {
	if rep.body != nil {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	}
	for k, v := range rep.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body)
}

// callOption reads one key of Sforce-Call-Options: client=handoffd, defaultNamespace=x.
func callOption(h http.Header, key string) string {
	for part := range strings.SplitSeq(h.Get("Sforce-Call-Options"), ",") {
		if k, v, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// decodeObject reads a JSON object, keeping numbers as written.
func decodeObject(body []byte, into any) *apiError {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil && dec.More() {
		err = fmt.Errorf("unexpected content behind the document")
	}
	if err != nil {
		return &apiError{code: "JSON_PARSER_ERROR", message: parserWords(err) + " at [line:1, column:" + strconv.FormatInt(dec.InputOffset()+1, 10) + "]"}
	}
	return nil
}

// parserWords says what is wrong with a document without the words of the library that found it.
func parserWords(err error) string {
	var kind *json.UnmarshalTypeError
	name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case unknown:
		return "Unrecognized field " + name
	case errors.As(err, &kind):
		return "Cannot deserialize from " + strings.ToUpper(kind.Value) + " value"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "Unexpected end-of-input"
	}
	return err.Error()
}

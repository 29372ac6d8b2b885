package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
)

// hook is one webhook as it reaches the public listener.
type hook struct {
	method string
	path   string
	body   string
	at     time.Time
	change func(r *http.Request) // after signing
	times  int                   // 0: once
	before func(st *stage)
}

// hookWant is what has to come of it.
type hookWant struct {
	status int
	reason string // in status, "" for none
	stored int    // events that are remembered afterwards and were not before
}

const oneEvent = `{"eventId":%d,"subscriptionId":1,"portalId":%s,"appId":1,"occurredAt":%d,"subscriptionType":"contact.propertyChange","attemptNumber":0,"objectId":%s,"propertyName":"recent_conversion_date","propertyValue":"1","changeSource":"FORM"}`

// TestBadWebhooks sends what nobody should send through the public handler:
// never a panic, never acknowledged and forgotten, and every refusal counted
// with its reason in status (I4 to I9).
func TestBadWebhooks(t *testing.T) {
	t.Parallel()
	volume(t, simulators.WebhookFaults{Drop: 1}, nil, func(_ *testing.T, st *stage) {
		portal := st.pair.HubSpot.Credentials().PortalID
		n := 0
		event := func() string {
			n++
			return fmt.Sprintf(oneEvent, n, portal, time.Now().UnixMilli(), strconv.Itoa(70_000+n))
		}
		events := func(count int) string {
			all := make([]string, count)
			for i := range all {
				all[i] = event()
			}
			return "[" + strings.Join(all, ",") + "]"
		}
		with := func(object string) string {
			n++
			return "[" + fmt.Sprintf(oneEvent, n, portal, time.Now().UnixMilli(), object) + "]"
		}
		header := func(name, value string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set(name, value) }
		}
		wantUnauthorized := hookWant{status: 401, reason: "signature"}
		malformed := hookWant{status: 400, reason: "malformed"}
		// An event that is one of many is put aside and acknowledged: refused, it
		// would be sent ten times more, with all the others.
		aside := func(reason string) hookWant { return hookWant{status: 204, reason: reason} }
		for _, c := range []struct {
			name string
			hook hook
			want hookWant
		}{
			{"good", hook{body: events(3)}, hookWant{status: 204, stored: 3}},
			{"good with a query", hook{path: "/webhooks/hubspot?a=1&b=%2B", body: events(1)}, hookWant{status: 204, stored: 1}},
			{"none", hook{body: "[]"}, hookWant{status: 204}},
			{"one more than a hundred", hook{body: events(101)}, hookWant{status: 204, stored: 101}},
			{"replayed", hook{body: events(2), times: 5}, hookWant{status: 204, stored: 2}},
			{"replayed inside one body", hook{body: func() string { e := event(); return "[" + e + "," + e + "]" }()}, hookWant{status: 204, stored: 1}},

			{"forged", hook{body: events(1), change: header("X-HubSpot-Signature-v3", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")}, wantUnauthorized},
			{"signature that is no base64", hook{body: events(1), change: header("X-HubSpot-Signature-v3", "*")}, wantUnauthorized},
			{"unsigned", hook{body: events(1), change: func(r *http.Request) { r.Header.Del("X-HubSpot-Signature-v3") }}, wantUnauthorized},
			{"only the old signature", hook{body: events(1), change: func(r *http.Request) {
				r.Header.Set("X-HubSpot-Signature", r.Header.Get("X-HubSpot-Signature-v3"))
				r.Header.Del("X-HubSpot-Signature-v3")
			}}, wantUnauthorized},
			{"signed twice", hook{body: events(1), change: func(r *http.Request) {
				r.Header.Add("X-HubSpot-Signature-v3", r.Header.Get("X-HubSpot-Signature-v3"))
			}}, wantUnauthorized},
			{"another body than signed", hook{body: events(1), change: func(r *http.Request) {
				r.Body = io.NopCloser(strings.NewReader(events(1)))
			}}, wantUnauthorized},
			{"another address than signed", hook{body: events(1), change: func(r *http.Request) { r.URL.RawQuery = "x=1" }}, wantUnauthorized},
			{"time without a time", hook{body: events(1), change: header("X-HubSpot-Request-Timestamp", "yesterday")}, wantUnauthorized},
			{"time below zero", hook{body: events(1), change: header("X-HubSpot-Request-Timestamp", "-1")}, wantUnauthorized},
			{"stale", hook{body: events(1), at: time.Now().Add(-6 * time.Minute)}, hookWant{status: 401, reason: "stale"}},
			{"from the future", hook{body: events(1), at: time.Now().Add(2 * time.Minute)}, hookWant{status: 401, reason: "stale"}},

			{"GET", hook{method: http.MethodGet, body: events(1)}, hookWant{status: 405, reason: "method"}},
			{"HEAD", hook{method: http.MethodHead}, hookWant{status: 405, reason: "method"}},
			{"DELETE", hook{method: http.MethodDelete}, hookWant{status: 405, reason: "method"}},
			{"nobody's path", hook{path: "/webhooks/nobody", body: events(1)}, hookWant{status: 404, reason: "no_such_connection"}},
			{"no name", hook{path: "/webhooks/", body: events(1)}, hookWant{status: 404, reason: "no_such_connection"}},
			{"a CRM that sends none", hook{path: "/webhooks/salesforce", body: events(1)}, hookWant{status: 404, reason: "no_such_connection"}},
			{"compressed", hook{body: events(1), change: header("Content-Encoding", "gzip")}, hookWant{status: 415, reason: "encoding"}},
			{"oversized", hook{body: "[" + strings.Repeat(" ", 1<<20) + "]"}, hookWant{status: 413, reason: "too_large"}},
			{"cut off", hook{body: events(1), change: func(r *http.Request) {
				r.Body = io.NopCloser(io.MultiReader(strings.NewReader("[{"), failingReader{}))
			}}, hookWant{status: 400, reason: "cut_off"}},

			{"empty", hook{}, malformed},
			{"not JSON", hook{body: "eventId=1&portalId=2"}, malformed},
			{"cut JSON", hook{body: events(1)[:60]}, malformed},
			{"more after the list", hook{body: events(1) + "]"}, malformed},
			{"fifty thousand deep", hook{body: strings.Repeat(`[{"propertyValue":`, 50_000)}, malformed},
			{"deep inside a value", hook{body: `[{"propertyValue":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}]"}, malformed},
			{"a byte order mark", hook{body: "\ufeff" + events(1)}, malformed},
			{"not a number", hook{body: `[{"eventId":NaN}]`}, malformed},
			{"no list, a number", hook{body: "5"}, aside("malformed")},
			{"events that are none", hook{body: `[1,"a",null,[],true]`}, aside("malformed")},
			{"no record", hook{body: with(`""`)}, aside("malformed")},
			{"a record that is a sentence", hook{body: with(`"1; DROP TABLE contacts"`)}, aside("malformed")},
			{"a record below zero", hook{body: with("-5")}, aside("malformed")},
			{"another portal", hook{body: strings.ReplaceAll(events(1), `"portalId":`+portal, `"portalId":1`)}, aside("tenant")},
			{"no portal", hook{body: `[{"eventId":1,"objectId":5,"subscriptionType":"contact.creation"}]`}, aside("tenant")},
			{"an unknown sort", hook{body: strings.ReplaceAll(events(1), "contact.propertyChange", "contact.levitation")}, aside("unknown_kind")},
			{"an unknown kind", hook{body: strings.ReplaceAll(events(1), "contact.propertyChange", "ticket.creation")}, aside("unknown_kind")},
			{"a bad one among good ones", hook{body: strings.Replace(events(3), `"portalId":`+portal, `"portalId":1`, 1)}, hookWant{status: 204, reason: "tenant", stored: 2}},

			{"no room", hook{body: events(1), before: func(st *stage) {
				st.daemon.webhooks.Room = func() error { return errors.New("the disk is full") }
			}}, hookWant{status: 503, reason: "full"}},
			{"state that cannot be written", hook{body: events(1), before: func(st *stage) {
				st.daemon.webhooks.Store = unwritable{st.store}
			}}, hookWant{status: 503, reason: "store"}},
		} {
			st.sendHook(c.name, c.hook, c.want)
		}
	})
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// unwritable is a store whose disk has gone read-only.
type unwritable struct{ state.Store }

func (unwritable) Update(context.Context, func(state.Tx) error) error {
	return errors.New("input/output error")
}

// sendHook sends one webhook and checks its answer, what is stored, and what
// status and /metrics say.
func (st *stage) sendHook(name string, h hook, want hookWant) {
	st.t.Helper()
	room, store := st.daemon.webhooks.Room, st.daemon.webhooks.Store
	if h.before != nil {
		h.before(st)
	}
	defer func() { st.daemon.webhooks.Room, st.daemon.webhooks.Store = room, store }()
	seen, refused, counted := st.seen(), st.turnedAway(), st.hookRequests()
	for range max(h.times, 1) {
		req := st.hookRequest(h)
		rec := httptest.NewRecorder()
		st.daemon.public().ServeHTTP(rec, req)
		if rec.Code != want.status {
			st.t.Errorf("%s: status %d, want %d", name, rec.Code, want.status)
		}
		if rec.Body.Len() > 0 {
			st.t.Errorf("%s: the answer tells a stranger %q", name, rec.Body)
		}
	}
	if got := st.seen() - seen; got != want.stored {
		st.t.Errorf("%s: %d events are remembered, want %d", name, got, want.stored)
	}
	if got := st.hookRequests() - counted; got != max(h.times, 1) {
		st.t.Errorf("%s: /metrics counts %d requests more, want %d", name, got, max(h.times, 1))
	}
	after := st.turnedAway()
	for reason, n := range after {
		if n != refused[reason] && reason != want.reason {
			st.t.Errorf("%s: status counts it as %q, want %q", name, reason, want.reason)
		}
	}
	if want.reason != "" && after[want.reason] <= refused[want.reason] {
		st.t.Errorf("%s: status does not count it as %q: %v", name, want.reason, after)
	}
}

func (st *stage) hookRequest(h hook) *http.Request {
	st.t.Helper()
	if h.method == "" {
		h.method = http.MethodPost
	}
	if h.path == "" {
		h.path = "/webhooks/hubspot"
	}
	if h.at.IsZero() {
		h.at = time.Now()
	}
	req := httptest.NewRequestWithContext(st.t.Context(), h.method, "https://"+daemonHost+h.path, strings.NewReader(h.body))
	sign(req, st.pair.HubSpot.Credentials().ClientSecret, []byte(h.body), h.at)
	if h.change != nil {
		h.change(req)
	}
	return req
}

// seen is how many events are remembered.
func (st *stage) seen() int {
	st.t.Helper()
	n := 0
	err := st.store.View(st.t.Context(), func(tx state.Tx) error {
		n = 0
		for range state.Prefix(tx, state.Seen, "") {
			n++
		}
		return tx.Err()
	})
	if err != nil {
		st.t.Fatal(err)
	}
	return n
}

// turnedAway is what status says of refused webhooks, each with a reason in words.
func (st *stage) turnedAway() map[string]int {
	st.t.Helper()
	s, err := st.daemon.status(st.t.Context())
	if err != nil {
		st.t.Fatal(err)
	}
	counts := map[string]int{}
	for _, t := range s.Turned {
		if t.Detail == "" || t.Last.IsZero() {
			st.t.Errorf("status does not say why or when: %+v", t)
		}
		counts[t.Reason] += t.Count
	}
	return counts
}

// hookRequests is the counter of webhook requests in /metrics.
func (st *stage) hookRequests() int {
	st.t.Helper()
	return int(counter(st.t, st.daemon.config.Registry, "handoffd_webhook_requests_total"))
}

// counter is the sum of a counter over its labels.
func counter(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// spoiler is a network that, for a while, lets calls reach the CRM and replaces
// the answers to some of them.
type spoiler struct {
	next  http.RoundTripper
	calls calls
	spoil func(body []byte) *http.Response
	until time.Time

	mu    sync.Mutex
	count int
}

// calls are those whose answers are spoilt.
type calls struct {
	crm, host, path string
	creates         bool // only those that make a record
	plain           bool // where tasks cannot be unique
}

func (s *spoiler) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := s.next.RoundTrip(req)
	if err != nil || time.Now().After(s.until) || req.URL.Host != s.calls.host || !strings.Contains(req.URL.Path, s.calls.path) ||
		s.calls.creates && !creates(req.URL.Path, sent) {
		return resp, err
	}
	s.mu.Lock()
	s.count++
	s.mu.Unlock()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	spoilt := s.spoil(body)
	spoilt.Request, spoilt.Proto, spoilt.ProtoMajor, spoilt.ProtoMinor = req, "HTTP/1.1", 1, 1
	return spoilt, nil
}

func spoiltBy(status int, kind string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Header: http.Header{"Content-Type": {kind}},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// TestBadAnswers: something between us and the CRM answers with a web page, or
// half an answer, while the CRM has done what it was asked. Nothing panics,
// nothing is lost or done twice, and status counts the failures and says why
// (C2, C6, C17).
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	const web = "text/html; charset=utf-8"
	answers := map[string]func([]byte) *http.Response{
		"a web page": func([]byte) *http.Response {
			return spoiltBy(200, web, []byte("<html><body>Please log in</body></html>"))
		},
		"a web page, refusing": func([]byte) *http.Response { return spoiltBy(503, web, []byte("<html>Service Unavailable</html>")) },
		"half an answer":       func(b []byte) *http.Response { return spoiltBy(200, "application/json", b[:len(b)/2]) },
		"bytes": func([]byte) *http.Response {
			return spoiltBy(200, "application/octet-stream", []byte{0, 0xff, 0xfe, '{'})
		},
	}
	var spoilt []calls
	for _, path := range []string{
		"/account-info/", "/owners/", "/properties/", "/objects/2026-09/companies", "/search",
		"/contacts/batch/read", "/contacts/batch/update", "/tasks/batch/create",
	} {
		spoilt = append(spoilt, calls{crm: "hubspot", host: hubspotHost, path: path})
	}
	for _, path := range []string{"/oauth2/token", "/describe", "/composite"} {
		spoilt = append(spoilt, calls{crm: "salesforce", host: salesforceHost, path: path})
	}
	spoilt = append(spoilt,
		calls{crm: "salesforce", host: salesforceHost, creates: true},
		calls{crm: "salesforce", host: salesforceHost, creates: true, plain: true},
		calls{crm: "hubspot", host: hubspotHost, creates: true, plain: true},
	)
	for _, c := range spoilt {
		for name, spoil := range answers {
			if raced && name != "half an answer" {
				continue // what races there races in all of them
			}
			t.Run(fmt.Sprintf("%s to %s%s creates %t plain %t", name, c.crm, c.path, c.creates, c.plain), func(t *testing.T) {
				t.Parallel()
				volume(t, simulators.WebhookFaults{}, nil, func(_ *testing.T, st *stage) { st.badAnswers(c, spoil, 2*time.Minute) })
			})
		}
	}
}

// TestLostAnswers: what was made while no answer came is found again, whenever
// answers come again: also where a task hangs on a record of which it is not
// known either whether it was made.
func TestLostAnswers(t *testing.T) {
	unraced(t)
	t.Parallel()
	half := func(b []byte) *http.Response { return spoiltBy(200, "application/json", b[:len(b)/2]) }
	step := 5 * time.Second
	if raced {
		step *= 3
	}
	for crm, host := range map[string]string{"hubspot": hubspotHost, "salesforce": salesforceHost} {
		for _, plain := range []bool{true, false} {
			for after := 15 * time.Second; after <= 90*time.Second; after += step {
				t.Run(fmt.Sprintf("%s plain %t after %s", crm, plain, after), func(t *testing.T) {
					t.Parallel()
					volume(t, simulators.WebhookFaults{}, nil, func(_ *testing.T, st *stage) {
						st.badAnswers(calls{crm: crm, host: host, creates: true, plain: plain}, half, after)
					})
				})
			}
		}
	}
}

// badAnswers starts the daemon anew with a spoilt network, lets two buyers come
// while it is spoilt and two afterwards, and checks the end.
func (st *stage) badAnswers(c calls, spoil func([]byte) *http.Response, length time.Duration) {
	st.t.Helper()
	s := &spoiler{calls: c, spoil: spoil, until: time.Now().Add(length)}
	st.wire = func(next http.RoundTripper) http.RoundTripper {
		s.next = next
		return s
	}
	st.uniqueTasks(!c.plain)
	st.stop()
	st.dir = st.t.TempDir() // everything is learnt anew
	st.start()
	time.Sleep(10 * time.Second)
	st.form(1, "Demo request")
	st.form(2, "Contact sales")
	time.Sleep(3 * time.Minute)
	st.form(3, "Demo request")
	st.form(4, "Contact sales")
	time.Sleep(8 * time.Minute)
	if s.count == 0 {
		st.t.Fatal("no answer was spoilt: the adapter does not make this call")
	}
	status, err := st.daemon.status(st.t.Context())
	if err != nil {
		st.t.Fatal(err)
	}
	noted := 0
	for _, f := range status.Failed {
		if f.Conn == c.crm && f.Text != "" {
			noted += f.Count
		}
	}
	if noted == 0 || counter(st.t, st.daemon.config.Registry, "handoffd_call_failures_total") == 0 {
		st.t.Errorf("%d answers were bad, and status knows of none: %+v", s.count, status.Failed)
	}
	conn := status.Connections[c.crm]
	if conn.Trouble != "" {
		st.t.Errorf("%s still has trouble: %s", c.crm, conn.Trouble)
	}
	if want := map[bool]string{false: "exact", true: "healed"}[c.plain]; conn.Duplicates != want {
		st.t.Errorf("a second task is ruled out %q, want %q", conn.Duplicates, want)
	}
	st.fourBuyers()
}

// fourBuyers checks that each of the four has one handoff, one record, one
// owner and one task.
func (st *stage) fourBuyers() {
	st.t.Helper()
	if n := len(st.handoffs()); n != 4 {
		st.t.Errorf("%d handoffs, want 4", n)
	}
	st.final = map[string]world{"hubspot": st.world("hubspot"), "salesforce": st.world("salesforce")}
	for n := 1; n <= 4; n++ {
		where := [2]string{"hubspot", "contacts"}
		if n%2 == 0 {
			where = [2]string{"salesforce", "Lead"}
		}
		found := 0
		for _, r := range st.rows(where[0], where[1]) {
			if !r.named(buyer(n)) {
				continue
			}
			found++
			if f := st.fields(where[0], where[1], r); f["tasks"] != "1" || f["owner"] == "" || f["handoff_status"]+f["Handoff_Status__c"] != "Assigned" {
				st.t.Errorf("%s: %s tasks, owner %q, status %q", buyer(n), f["tasks"], f["owner"], f["handoff_status"]+f["Handoff_Status__c"])
			}
		}
		if found != 1 {
			st.t.Errorf("%s is there %d times, want once", buyer(n), found)
		}
	}
}

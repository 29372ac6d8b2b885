package simhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// writer is a handler that applies every call and answers JSON.
type writer struct{ applied atomic.Int32 }

func (h *writer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h.applied.Add(1)
	simhttp.Applied(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"id":"1234567"}`)
}

// outcome is what a caller sees of one call.
type outcome struct {
	Status  int
	Whole   bool // the body is the one the handler wrote
	Broken  bool // the connection broke, before or within the body
	Applied int
}

func call(t *testing.T, rt http.RoundTripper, h *writer) outcome {
	t.Helper()
	h.applied.Store(0)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://crm.example/v1/things/123?a=b", strings.NewReader(`{"x":1}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return outcome{Broken: true, Applied: int(h.applied.Load())}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return outcome{resp.StatusCode, string(body) == `{"id":"1234567"}`, err != nil, int(h.applied.Load())}
}

// TestFaults holds what each fault does to a call, and what the history and the counts say of it; the
// same through a real server.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault   string
		want    outcome
		status  int // in the history
		applied bool
	}{
		{"", outcome{Status: 201, Whole: true, Applied: 1}, 201, true},
		{"429", outcome{Status: 429}, 429, false},
		{"503", outcome{Status: 503}, 503, false},
		{"423", outcome{Status: 423}, 423, false},
		{"477", outcome{Status: 477}, 477, false},
		{"partial", outcome{Status: 201, Whole: true, Applied: 1}, 201, true}, // the simulator's own to draw
		{"shuffled", outcome{Status: 201, Whole: true, Applied: 1}, 201, true},
		{"401", outcome{Status: 401}, 401, false},
		{"html", outcome{Status: 200}, 200, false},
		{"applied_500", outcome{Status: 500, Applied: 1}, 500, true},
		{"drop", outcome{Broken: true, Applied: 1}, 0, true},
		{"truncated", outcome{Status: 201, Applied: 1}, 201, true},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			t.Parallel()
			history, inner := simhttp.NewHistory(), &writer{}
			gate := simhttp.NewGate("crm", 1, history)
			f := simhttp.Faults{Rate: map[string]float64{tc.fault: 1}}
			if tc.fault == "drop" {
				f = simhttp.Faults{DropReply: 1}
			}
			gate.SetFaults(f)
			server := httptest.NewServer(gate.Wrap(inner))
			defer server.Close()
			carried := simhttp.Carrier(map[string]http.Handler{"crm.example": gate.Wrap(inner)})
			served := rewrite{server.Listener.Addr().String(), server.Client().Transport}
			for name, rt := range map[string]http.RoundTripper{"carried": carried, "served": served} {
				if got := call(t, rt, inner); got != tc.want {
					t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
				}
			}
			e := history.Snapshot()[0]
			if e.Status != tc.status || e.Applied != tc.applied || e.Path != "/v1/things/123" || e.Query != "a=b" || string(e.Request) != `{"x":1}` || e.CRM != "crm" {
				t.Errorf("history: %+v", e)
			}
			refused := map[bool]int{true: 2, false: 0}[tc.fault == "429"]
			if diff := cmp.Diff(map[string]int{"POST /v1/things/{id}": 2, "429": refused}, gate.Stats()); diff != "" {
				t.Errorf("stats: %s", diff)
			}
		})
	}
}

// rewrite sends requests to a server whatever their host.
type rewrite struct {
	host string
	next http.RoundTripper
}

func (r rewrite) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Host = r.host
	return r.next.RoundTrip(req)
}

// TestRetryAfter holds that a 429 says when to come back in seconds, as a date and not at all, about a third
// each, and that a 477 always says it.
// (C1)
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string][3]bool{"429": {true, true, true}, "477": {true, false, false}} {
		gate := simhttp.NewGate("crm", 1, nil)
		gate.SetFaults(simhttp.Faults{Rate: map[string]float64{fault: 1}})
		var seen [3]int // in seconds, as a date, not at all
		for range 300 {
			rec := httptest.NewRecorder()
			gate.Wrap(&writer{}).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
			after := rec.Header().Get("Retry-After")
			_, dated := http.ParseTime(after)
			switch {
			case after == "":
				seen[2]++
			case dated == nil:
				seen[1]++
			default:
				seen[0]++
			}
		}
		for i, n := range seen {
			if want[i] != (n > 60) {
				t.Errorf("%s: %v in seconds, as a date, not at all; want %v", fault, seen, want)
			}
		}
	}
}

// TestHang holds that a hanging call keeps its caller for a minute, or until it gives up.
func TestHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := simhttp.NewGate("crm", 1, nil)
		gate.SetFaults(simhttp.Faults{Rate: map[string]float64{"hang": 1}})
		rt := simhttp.Carrier(map[string]http.Handler{"crm.example": gate.Wrap(&writer{})})
		began := time.Now()
		if got := call(t, rt, &writer{}); !got.Broken || time.Since(began) != time.Minute {
			t.Errorf("got %+v after %v", got, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", "http://crm.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		if _, err := rt.RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// TestSeeded holds that equal seeds give equal faults and others do not.
func TestSeeded(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (statuses []int) {
		f, err := simhttp.Profile("hell")
		if err != nil {
			t.Fatal(err)
		}
		delete(f.Rate, "hang")
		gate, inner := simhttp.NewGate("crm", seed, nil), &writer{}
		gate.SetFaults(f)
		rt := simhttp.Carrier(map[string]http.Handler{"crm.example": gate.Wrap(inner)})
		for range 200 {
			statuses = append(statuses, call(t, rt, inner).Status)
		}
		return statuses
	}
	first := run(7)
	if diff := cmp.Diff(first, run(7)); diff != "" {
		t.Errorf("equal seeds differ: %s", diff)
	}
	if cmp.Equal(first, run(8)) {
		t.Error("other seeds are equal")
	}
}

// fake is a simulator that only remembers.
type fake struct {
	http.Handler
	faults simhttp.Faults
	edits  []simhttp.Edit
}

func (*fake) CRM() string                { return "hubspot" }
func (*fake) World() any                 { return map[string]any{"contacts": []any{}} }
func (*fake) Load(json.RawMessage) error { return nil }
func (f *fake) Edit(e simhttp.Edit) (map[string]string, error) {
	f.edits = append(f.edits, e)
	if e.Op == "" {
		return nil, errors.New("no op")
	}
	return map[string]string{"id": "5"}, nil
}
func (*fake) Setup(json.RawMessage) error       { return nil }
func (f *fake) SetFaults(faults simhttp.Faults) { f.faults = faults }
func (f *fake) Faults() simhttp.Faults          { return f.faults }
func (*fake) Deliver(context.Context) (simhttp.Delivery, error) {
	return simhttp.Delivery{Delivered: 2, Dropped: 1}, nil
}
func (*fake) Stats() map[string]int     { return map[string]int{"429": 3} }
func (*fake) Run(context.Context) error { return nil }

// TestControl holds the control API, request by request.
func TestControl(t *testing.T) {
	t.Parallel()
	h := simhttp.NewHistory()
	h.Add(simhttp.Exchange{Time: time.Unix(0, 0).UTC(), CRM: "hubspot", Method: "GET", Path: "/p", Query: "q=1", Status: 200, Request: nil, Response: simhttp.Body("text")})
	h.Changed(simhttp.Change{
		Time: time.Unix(0, 0).UTC(), CRM: "hubspot", Object: "contacts", ID: "5", Op: "update", Actor: "person:ana@example.com",
		Fields: map[string]simhttp.FromTo{"a": {To: "1"}},
	})
	h.Delivered(simhttp.Sent{Time: time.Unix(0, 0).UTC(), CRM: "hubspot", URL: "http://x", Events: []string{"7"}, Status: 204})
	sim := &fake{}
	control := simhttp.Control(h, sim)
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/history", "", 200, `{"time":"1970-01-01T00:00:00Z","crm":"hubspot","method":"GET","path":"/p","query":"q=1","status":200,"request":null,"response":"text","applied":false}`},
		{"GET", "/world", "", 200, `{"hubspot":{"contacts":[]}}`},
		{"GET", "/stats", "", 200, `{"hubspot":{"429":3}}`},
		{"POST", "/deliver", "", 200, `{"delivered":2,"failed":0,"dropped":1,"pending":0}`},
		{"POST", "/edit", `{"crm":"hubspot","object":"contacts","op":"create","fields":{"a":1}}`, 200, `{"id":"5"}`},
		{"POST", "/edit", `[{"crm":"hubspot","op":"create"},{"crm":"hubspot","op":"update"}]`, 200, `[{"id":"5"},{"id":"5"}]`},
		{"POST", "/edit", `{"crm":"hubspot"}`, 400, `{"error":"edit 0 (  ): no op"}`},
		{"POST", "/edit", `{"crm":"pipedrive","op":"create"}`, 400, `{"error":"edit 0 (create  ): unknown crm \"pipedrive\""}`},
		{"POST", "/faults", `{"crm":"hubspot","rate":{"teapot":1}}`, 400, ``},
		{"POST", "/faults", `{"rate":{"429":2}}`, 400, ``},
		{"POST", "/faults", `{"rats":{}}`, 400, ``},
		{"POST", "/faults", `{"drop_reply":1.5}`, 400, ``},
		{"POST", "/faults", `{"webhooks":{"wrong_tenant":1}}`, 400, ``},
		{"POST", "/faults", `{"webhooks":{"drop":-1}}`, 400, ``},
		{"POST", "/faults", `{"life":{"edit":1}}`, 400, ``},
		{"POST", "/faults", `{"life":{"edits":2}}`, 400, ``},
		{"POST", "/faults", `{"life":{"drift":-1}}`, 400, ``},
		{"POST", "/setup", `{"crm":"hubspot","setup":{"a":1}}`, 200, `{"ok":true}`},
		{"POST", "/setup", `{"crm":"pipedrive","setup":{}}`, 400, ``},
		{"GET", "/changes", "", 200, `{"time":"1970-01-01T00:00:00Z","crm":"hubspot","object":"contacts","id":"5","op":"update","actor":"person:ana@example.com","fields":{"a":{"from":null,"to":"1"}}}`},
		{"GET", "/sent", "", 200, `{"time":"1970-01-01T00:00:00Z","crm":"hubspot","url":"http://x","events":["7"],"status":204}`},
		{"GET", "/nothing", "", 404, ``},
		{"GET", "/edit", "", 405, ``},
	} {
		rec := httptest.NewRecorder()
		control.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, strings.NewReader(tc.body)))
		if got := strings.TrimSpace(rec.Body.String()); rec.Code != tc.status || (tc.want != "" && got != tc.want) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", tc.method, tc.path, tc.body, rec.Code, got, tc.status, tc.want)
		}
	}
}

// TestPatch holds that what a patch leaves out stays, and that {} is calm.
func TestPatch(t *testing.T) {
	t.Parallel()
	sim := &fake{faults: simhttp.Faults{Rate: map[string]float64{"500": 0.1}, Quota: 9, UniqueTasks: true}}
	control := simhttp.Control(nil, sim)
	for _, step := range []struct {
		body string
		want simhttp.Faults
	}{
		{
			`{"crm":"hubspot","rate":{"429":0.05},"drop_reply":0.02,"webhooks":{"drop":1},"search_lag":1.5}`,
			simhttp.Faults{Rate: map[string]float64{"429": 0.05, "500": 0.1}, DropReply: 0.02, Webhooks: simhttp.WebhookFaults{Drop: 1}, SearchLag: 1500 * time.Millisecond, Quota: 9, UniqueTasks: true},
		},
		{
			`{"rate":{},"webhooks":{"late":0.5},"search_lag":"2m","quota":0,"unique_tasks":false}`,
			simhttp.Faults{Rate: map[string]float64{}, DropReply: 0.02, Webhooks: simhttp.WebhookFaults{Drop: 1, Late: 0.5}, SearchLag: 2 * time.Minute},
		},
		{`{"unique_tasks":true,"webhooks":{}}`, simhttp.Faults{Rate: map[string]float64{}, DropReply: 0.02, SearchLag: 2 * time.Minute, UniqueTasks: true}},
		{
			`{"life":{"edits":0.2,"drift":3},"index_missing":0.1,"property_lag":"700ms","webhooks":{"wrong_portal":0.5}}`,
			simhttp.Faults{
				Rate: map[string]float64{}, DropReply: 0.02, SearchLag: 2 * time.Minute, UniqueTasks: true, IndexMissing: 0.1, PropertyLag: 700 * time.Millisecond,
				Webhooks: simhttp.WebhookFaults{WrongPortal: 0.5}, Life: simhttp.Life{Edits: 0.2, Drift: 3},
			},
		},
		{
			`{"life":{"flips":0.1},"webhooks":{}}`,
			simhttp.Faults{
				Rate: map[string]float64{}, DropReply: 0.02, SearchLag: 2 * time.Minute, UniqueTasks: true, IndexMissing: 0.1, PropertyLag: 700 * time.Millisecond,
				Life: simhttp.Life{Edits: 0.2, Drift: 3, Flips: 0.1},
			},
		},
		{
			`{"life":{},"property_lag":0}`,
			simhttp.Faults{Rate: map[string]float64{}, DropReply: 0.02, SearchLag: 2 * time.Minute, UniqueTasks: true, IndexMissing: 0.1},
		},
		{`{}`, simhttp.Faults{UniqueTasks: true}},
	} {
		rec := httptest.NewRecorder()
		control.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "POST", "/faults", strings.NewReader(step.body)))
		if rec.Code != 200 {
			t.Fatalf("%s: %d %s", step.body, rec.Code, rec.Body)
		}
		if diff := cmp.Diff(step.want, sim.faults); diff != "" {
			t.Errorf("%s: %s", step.body, diff)
		}
	}
}

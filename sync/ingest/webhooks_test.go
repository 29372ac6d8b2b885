package ingest

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

type receiver func(r connectors.Request) (connectors.Received, error)

func (f receiver) Receive(r connectors.Request) (connectors.Received, error) { return f(r) }

// TestWebhooks: every reason to turn a request away has its status, and what
// is answered with 2xx is in the inbox, once (I1, I9).
func TestWebhooks(t *testing.T) {
	t.Parallel()
	one := connectors.Received{Changes: []connectors.Change{
		{Ref: connectors.Ref{Kind: "contacts", ID: "1"}, EventID: "e1"},
		{Ref: connectors.Ref{Kind: "tickets", ID: "1"}, EventID: "e2"}, // no rule looks at it
	}}
	takes := receiver(func(connectors.Request) (connectors.Received, error) { return one, nil })
	post := func(path string, body io.Reader) *http.Request {
		return httptest.NewRequest(http.MethodPost, path, body)
	}
	plain := func() *http.Request { return post("/webhooks/hubspot/s3cret", strings.NewReader("[]")) }
	for name, c := range map[string]struct {
		request  *http.Request
		receiver receiver
		edit     func(r *rig, h *Webhooks)
		reason   string
		status   int
		taken    int
	}{
		"taken":   {status: 204, taken: 1},
		"twice":   {status: 204, taken: 1, edit: func(_ *rig, h *Webhooks) { h.ServeHTTP(httptest.NewRecorder(), plain()) }},
		"path":    {request: post("/webhooks/other", nil), reason: "no_such_connection", status: 404},
		"get":     {request: httptest.NewRequest(http.MethodGet, "/webhooks/hubspot/s3cret", nil), reason: "method", status: 405},
		"secret":  {request: post("/webhooks/hubspot/guess", nil), reason: "path_secret", status: 404},
		"large":   {request: post("/webhooks/hubspot/s3cret", strings.NewReader(strings.Repeat("x", MaxBody+1))), reason: "too_large", status: 413},
		"cut off": {request: post("/webhooks/hubspot/s3cret", iotest.ErrReader(io.ErrUnexpectedEOF)), reason: "cut_off", status: 400},
		"early": {reason: "not_ready", status: 503, edit: func(r *rig, _ *Webhooks) {
			r.update(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Live: r.start}) })
		}},
		"full": {reason: "full", status: 503, edit: func(_ *rig, h *Webhooks) { h.Room = func() error { return state.ErrFull } }},
		"store": {reason: "not_ready", status: 503, taken: -1, edit: func(r *rig, _ *Webhooks) {
			if err := r.store.Close(); err != nil {
				r.Fatal(err)
			}
		}},
		"signature": {reason: "signature", status: 401, receiver: func(connectors.Request) (connectors.Received, error) {
			return connectors.Received{}, &connectors.Refusal{Reason: "signature", Status: 401}
		}},
		"malformed": {reason: "malformed", status: 400, receiver: func(connectors.Request) (connectors.Received, error) {
			return connectors.Received{}, errors.New("not JSON")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.update(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Tenant: "12345", Live: r.start}) })
			if c.receiver == nil {
				c.receiver = takes
			}
			h := &Webhooks{
				Store: r.store, Sources: map[string]Source{"hubspot": {Receiver: c.receiver, PathSecret: "s3cret"}},
				PublicURL: &url.URL{Scheme: "https", Host: "handoffd.example"}, Lanes: engine.NewBells(1), Book: r.p.Book,
				Wall: r.p.Wall, Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
			}
			if c.edit != nil {
				c.edit(r, h)
			}
			if c.request == nil {
				c.request = plain()
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, c.request)
			if rec.Code != c.status {
				t.Errorf("status %d, want %d", rec.Code, c.status)
			}
			var reasons []string
			for _, f := range h.Metrics.Refused() {
				reasons = append(reasons, f.Reason)
			}
			if d := cmp.Diff(c.reason, strings.Join(reasons, " ")); d != "" {
				t.Error(d)
			}
			if c.taken < 0 {
				return
			}
			n := 0
			r.update(func(tx state.Tx) {
				n = 0
				for range state.InboxRows(tx, "hubspot") {
					n++
				}
			})
			if n != c.taken {
				t.Errorf("%d rows in the inbox, want %d", n, c.taken)
			}
		})
	}
	encoded := plain()
	encoded.Header.Set("Content-Encoding", "gzip")
	h := &Webhooks{Sources: map[string]Source{"hubspot": {Receiver: takes, PathSecret: "s3cret"}}}
	if _, _, f := h.accept(t.Context(), httptest.NewRecorder(), encoded, newRig(t).now); f == nil || f.Reason != "encoding" || f.Status != 415 {
		t.Errorf("a compressed body: %v", f)
	}
}

package ingest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// TestOwnKnock: a forged webhook of our own is turned away and not counted, once;
// whoever imitates it, repeats it or comes when none is expected is (I5).
func TestOwnKnock(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.update(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Tenant: "1"}) })
	forged := receiver(func(connectors.Request) (connectors.Received, error) {
		return connectors.Received{}, &connectors.Refusal{Reason: "signature", Status: http.StatusUnauthorized}
	})
	h := &Webhooks{
		Store: r.store, Sources: map[string]Source{"hubspot": {Receiver: forged}}, PublicURL: &url.URL{}, Lanes: engine.Bells{},
		Wall: time.Now, Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
	}
	ours := connectors.Request{Header: map[string][]string{"X-Signature": {"ours"}, "X-Time": {"1"}}}
	counted := 0
	post := func(what string, more int, signature, at string) {
		t.Helper()
		req := httptest.NewRequest(http.MethodPost, "/webhooks/hubspot", strings.NewReader("[]"))
		req.Header.Set("X-Signature", signature)
		req.Header.Set("X-Time", at)
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		counted += more
		got := 0
		for _, f := range h.Metrics.Refused() {
			got += f.Count
		}
		if rec.Code != http.StatusUnauthorized || got != counted {
			t.Errorf("%s: answered %d, counted %d, want %d", what, rec.Code, got, counted)
		}
	}
	post("before any is expected", 1, "ours", "1")
	over := h.Expect(ours)
	post("another signature", 1, "theirs", "1")
	post("another time", 1, "ours", "2")
	post("ours", 0, "ours", "1")
	post("ours repeated", 1, "ours", "1")
	over()
	h.Expect(ours)()
	post("when it is over", 1, "ours", "1")
	h.Expect(connectors.Request{})
	post("one without a header is nobody's", 1, "", "")
}

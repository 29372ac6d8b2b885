package ingest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/ingest"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// signalRules are the starter pack with its product speaking.
func signalRules(t *testing.T) *plan.Rules {
	t.Helper()
	folder := plantest.Starter(t)
	folder["handoffd.yaml"] += "\nsignals: {product: {on: hubspot, find_by: [{same: [usage.email, person.email]}]}}\n"
	return folder.Rules(t)
}

// TestSignalsPosted: a signed body is on disk before it is answered, the same
// event is taken once, and everything else is refused with its reason (1.35).
func TestSignalsPosted(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	h := &ingest.Signals{
		Store: store, Secrets: map[string]connectors.Secret{"product": "s3cret"}, Lanes: engine.NewBells(1), Book: engine.NewBook(signalRules(t)),
		Wall: func() time.Time { return now }, Metrics: ingest.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
	}
	sign := func(body string, at time.Time, secret string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
		return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
	}
	one := `{"id":"e1","at":"2026-03-19T13:59:00Z","user_email":"dana@acme.com","active_users":25}`
	many := "[" + strings.TrimSuffix(strings.Repeat(`{"id":"x"},`, 101), ",") + "]"
	for _, test := range []struct {
		name, method, path, body, sign string
		status, rows                   int
	}{
		{"signed", "POST", "product", one, sign(one, now, "s3cret"), 202, 1},
		{"again", "POST", "product", one, sign(one, now, "s3cret"), 202, 1},
		{"two at once, one of them known", "POST", "product", "[" + one + `,{"id":"e2"}]`, sign("["+one+`,{"id":"e2"}]`, now, "s3cret"), 202, 2},
		{"another secret", "POST", "product", `{"id":"e3"}`, sign(`{"id":"e3"}`, now, "other"), 401, 2},
		{"no signature", "POST", "product", `{"id":"e3"}`, "", 401, 2},
		{"another body", "POST", "product", `{"id":"e4"}`, sign(`{"id":"e3"}`, now, "s3cret"), 401, 2},
		{"too old", "POST", "product", `{"id":"e3"}`, sign(`{"id":"e3"}`, now.Add(-6*time.Minute), "s3cret"), 401, 2},
		{"from the future", "POST", "product", `{"id":"e3"}`, sign(`{"id":"e3"}`, now.Add(6*time.Minute), "s3cret"), 401, 2},
		{"no JSON", "POST", "product", `hello`, sign(`hello`, now, "s3cret"), 422, 2},
		{"no id", "POST", "product", `{"user_email":"x"}`, sign(`{"user_email":"x"}`, now, "s3cret"), 422, 2},
		{"a value inside a value", "POST", "product", `{"id":"e5","a":{}}`, sign(`{"id":"e5","a":{}}`, now, "s3cret"), 422, 2},
		{"one bad of two", "POST", "product", `[{"id":"e6"},{}]`, sign(`[{"id":"e6"},{}]`, now, "s3cret"), 422, 2},
		{"too many", "POST", "product", many, sign(many, now, "s3cret"), 422, 2},
		{"too large", "POST", "product", strings.Repeat("x", 300<<10), "t=1,v1=00", 413, 2},
		{"another source", "POST", "shop", one, sign(one, now, "s3cret"), 404, 2},
		{"not posted", "GET", "product", "", "", 405, 2},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/signals/"+test.path, strings.NewReader(test.body))
		r.Header.Set("X-Handoffd-Signature", test.sign)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		rows := inboxed(t, store)
		if w.Code != test.status || rows != test.rows {
			t.Errorf("%s: %d %s, %d rows; want %d, %d rows", test.name, w.Code, w.Body, rows, test.status, test.rows)
		}
	}
	busy := false
	for range 300 {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/signals/product", strings.NewReader("x"))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		busy = busy || w.Code == http.StatusTooManyRequests
	}
	if !busy {
		t.Error("300 bodies in one instant and none too many")
	}
}

func inboxed(t *testing.T, store state.Store) int {
	t.Helper()
	n := 0
	err := store.View(context.WithoutCancel(t.Context()), func(tx state.Tx) error {
		for range state.InboxRows(tx, "hubspot") {
			n++
		}
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

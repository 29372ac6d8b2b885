package ingest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// Signals is the handler of POST /signals/<source>: what a program knows of
// people and companies, one JSON object or a list of them, signed. After a 2xx
// it is on disk.
type Signals struct {
	Store   state.Store
	Room    func() error
	Secrets map[string]connectors.Secret // by source; a source without one is closed
	Lanes   engine.Bells
	Book    *engine.Book
	Wall    func() time.Time
	Metrics *Metrics
	Log     *slog.Logger

	limits sync.Map // source -> *rate.Limiter
}

const (
	signatureHeader = "X-Handoffd-Signature"
	signatureAge    = 5 * time.Minute
	mostSignals     = 100       // in one body
	signalBody      = 256 << 10 // bytes
	signalRate      = 50        // bodies a second, for each source
	signalBurst     = 200
	signalRank      = 1 // in the inbox: behind a buyer's form
)

func (h *Signals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	came := h.Wall()
	name := strings.TrimPrefix(r.URL.Path, "/signals/")
	source, taken, refusal := h.accept(r.Context(), w, r, name, came)
	outcome, status := "taken", http.StatusAccepted
	if refusal != nil {
		outcome, status = refusal.Reason, refusal.Status
		if since, first := h.Metrics.refuse(source, refusal, came); first {
			h.Log.Warn("signal refused", "source", source, "reason", refusal.Reason, "detail", refusal.Detail, "more_since_last", since)
		}
	}
	h.Metrics.requests.WithLabelValues(source, outcome).Inc()
	h.Metrics.ack.Observe(h.Wall().Sub(came).Seconds())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	answer := map[string]any{"schema": 1, "taken": taken}
	if refusal != nil {
		answer = map[string]any{"schema": 1, "error": refusal.Reason, "detail": refusal.Detail}
	}
	_ = json.NewEncoder(w).Encode(answer) // a sender that does not hear it sends again
}

// accept takes one body in, durably, or says why not.
func (h *Signals) accept(ctx context.Context, w http.ResponseWriter, r *http.Request, name string, came time.Time) (string, int, *connectors.Refusal) {
	source, ok := h.source(name)
	if !ok {
		return "unknown", 0, refuse("no_such_source", http.StatusNotFound, "no source of signals has this name, or it has no secret")
	}
	if r.Method != http.MethodPost {
		return name, 0, refuse("method", http.StatusMethodNotAllowed, "signals are sent with POST")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return name, 0, refuse("encoding", http.StatusUnsupportedMediaType, "compressed bodies are not taken")
	}
	limit, _ := h.limits.LoadOrStore(name, rate.NewLimiter(signalRate, signalBurst))
	if !limit.(*rate.Limiter).AllowN(came, 1) {
		return name, 0, refuse("busy", http.StatusTooManyRequests, "more than the source may send in a second")
	}
	body, err := readBody(w, r, signalBody)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return name, 0, refuse("too_large", http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d KiB", signalBody>>10))
		}
		return name, 0, refuse("cut_off", http.StatusBadRequest, "the body ended early")
	}
	if why := signed(r.Header.Get(signatureHeader), body, h.Secrets[name], came); why != "" {
		return name, 0, refuse("signature", http.StatusUnauthorized, why)
	}
	changes, why := changesOf(source, body, came)
	if why != "" {
		return name, 0, refuse("malformed", http.StatusUnprocessableEntity, why)
	}
	taken, refusal := h.keep(ctx, name, changes, came)
	return name, taken, refusal
}

func (h *Signals) source(name string) (plan.Signal, bool) {
	for _, s := range h.Book.Rules().Signals() {
		if s.Name == name && h.Secrets[name] != "" {
			return s, true
		}
	}
	return plan.Signal{}, false
}

// signed checks "t=<Unix seconds>,v1=<hex HMAC-SHA256 of t, a dot and the
// body>"; blank: it is right.
func signed(header string, body []byte, secret connectors.Secret, now time.Time) string {
	var stamp string
	var sums []string
	for part := range strings.SplitSeq(header, ",") {
		switch key, v, _ := strings.Cut(strings.TrimSpace(part), "="); key {
		case "t":
			stamp = v
		case "v1":
			sums = append(sums, v)
		}
	}
	sec, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(sums) == 0 {
		return "the header " + signatureHeader + " is not t=…,v1=…"
	}
	if age := now.Sub(time.Unix(sec, 0)); age > signatureAge || age < -signatureAge {
		return "the signature is not of the last five minutes"
	}
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for _, s := range sums {
		if got, err := hex.DecodeString(s); err == nil && hmac.Equal(got, want) {
			return ""
		}
	}
	return "the signature does not fit the body"
}

// changesOf reads a body: one object or a list of at most 100. "id" names the
// event, so that it may be sent twice; "at" is when it happened, as RFC 3339.
func changesOf(source plan.Signal, body []byte, came time.Time) ([]state.Change, string) {
	var list []map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		if err := dec.Decode(&list); err != nil {
			return nil, "the body is not JSON"
		}
	} else {
		var one map[string]any
		if err := dec.Decode(&one); err != nil || one == nil {
			return nil, "the body is neither a JSON object nor a list of them"
		}
		list = append(list, one)
	}
	if dec.More() {
		return nil, "something follows the JSON"
	}
	if len(list) == 0 || len(list) > mostSignals {
		return nil, fmt.Sprintf("a body holds 1 to %d signals, and this one %d", mostSignals, len(list))
	}
	out := make([]state.Change, 0, len(list))
	for i, fields := range list {
		id := fmt.Sprint(fields["id"])
		if fields["id"] == nil || id == "" || len(id) > 200 {
			return nil, fmt.Sprintf("signal %d has no id of at most 200 characters", i)
		}
		at := came.UTC()
		if text, given := fields["at"].(string); given {
			happened, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return nil, fmt.Sprintf("signal %d: at is not like 2026-03-19T10:00:00Z", i)
			}
			if happened.Before(at) {
				at = happened.UTC()
			}
		}
		for name, v := range fields {
			switch v := v.(type) {
			case json.Number:
				fields[name] = v.String()
			case map[string]any, []any:
				return nil, fmt.Sprintf("signal %d: %q is not a plain value", i, name)
			}
		}
		ref := connectors.Ref{Conn: source.Conn, Kind: source.Kind, ID: id}
		out = append(out, state.Change{
			Change: connectors.Change{Ref: ref, EventID: "signal " + source.Name + " " + id, Object: &connectors.Object{Ref: ref, Version: at.Format(time.RFC3339Nano), CreatedAt: at, ModifiedAt: at, Fields: fields}},
			Via:    "signal", Came: came.UTC(), Read: came.UTC(), Rank: signalRank,
		})
	}
	return out, ""
}

// keep commits the signals that were not taken before. An id is remembered for
// the day it came and the day after.
func (h *Signals) keep(ctx context.Context, name string, changes []state.Change, came time.Time) (int, *connectors.Refusal) {
	if h.Room != nil {
		if err := h.Room(); err != nil {
			return 0, refuse("full", http.StatusServiceUnavailable, err.Error())
		}
	}
	day := came.UTC().Truncate(seenDay)
	hints := make([]hint, 0, len(changes))
	for _, c := range changes {
		hints = append(hints, hint{arrival: state.ArriveOn(c, day), before: connectors.Change{EventID: c.EventID, At: day.Add(-seenDay)}})
	}
	taken := 0
	err := h.Store.Update(ctx, func(tx state.Tx) error {
		taken = 0
		for _, one := range hints {
			if one.take(tx) {
				taken++
			}
		}
		return tx.Err()
	})
	if err != nil {
		h.Log.Error("signal not kept", "source", name, "error", err)
		return 0, refuse("store", http.StatusServiceUnavailable, "the state cannot be written")
	}
	h.Metrics.events.WithLabelValues(name, "taken").Add(float64(taken))
	h.Metrics.events.WithLabelValues(name, "seen").Add(float64(len(changes) - taken))
	if taken > 0 {
		h.Lanes.Ring()
	}
	return taken, nil
}

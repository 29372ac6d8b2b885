// Package ingest takes hints in: webhooks as they are pushed, and changes as
// they are polled. What it has acknowledged, and what it has read past, is on
// disk. It believes nothing it is told about a
// record; it only remembers to look.
package ingest

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// Webhooks is the public listener's handler: POST /webhooks/<connection>[/<secret>].
type Webhooks struct {
	Store     state.Store
	Room      func() error // nil: there is always room
	Sources   map[string]Source
	PublicURL *url.URL // as the senders know it; signatures cover it
	Lanes     engine.Bells
	Book      *engine.Book
	Wall      func() time.Time
	Metrics   *Metrics
	Log       *slog.Logger

	knocks  knocks
	grants  sync.Map // connection -> *rate.Limiter of what its unsigned sender may cost
	tenants sync.Map // connection -> tenant, once known: a state belongs to one for good
}

// Source is one connection that may send webhooks.
type Source struct {
	Receiver   connectors.Receiver
	PathSecret connectors.Secret // "": none is wanted
}

// MaxBody is the most a webhook may weigh, unless its receiver says otherwise (I9).
const MaxBody = 1 << 20

func (h *Webhooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	came := h.Wall()
	conn, received, refusal := h.accept(r.Context(), w, r, came)
	outcome := "taken"
	status := http.StatusNoContent
	switch {
	case refusal != nil:
		outcome, status = refusal.Reason, refusal.Status
		if h.knocks.own(r.Header) {
			outcome = "doctor"
			break
		}
		if since, first := h.Metrics.refuse(conn, refusal, came); first {
			h.Log.Warn("webhook refused", "conn", conn, "reason", refusal.Reason, "detail", refusal.Detail, "more_since_last", since)
		}
	case received.Reply != nil:
		status = http.StatusOK
		w.Header().Set("Content-Type", received.ReplyType)
	}
	h.Metrics.requests.WithLabelValues(conn, outcome).Inc()
	h.Metrics.ack.Observe(h.Wall().Sub(came).Seconds())
	w.WriteHeader(status)
	if status == http.StatusOK {
		_, _ = w.Write(received.Reply) // a sender that does not hear it sends again
	}
}

// accept takes one request in, durably, or says why not. The connection's name
// is "unknown" where the path names none of ours.
func (h *Webhooks) accept(ctx context.Context, w http.ResponseWriter, r *http.Request, came time.Time) (string, connectors.Received, *connectors.Refusal) {
	conn, secret, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/webhooks/"), "/")
	source, ok := h.Sources[conn]
	if !ok {
		conn = "unknown"
	}
	received, refusal := h.believe(ctx, w, r, came, source, conn, secret)
	if refusal == nil {
		refusal = h.keep(ctx, conn, received, came)
	}
	return conn, received, refusal
}

// believe reads a request and finds out whether it may be believed.
func (h *Webhooks) believe(ctx context.Context, w http.ResponseWriter, r *http.Request, came time.Time, source Source, conn, secret string) (none connectors.Received, _ *connectors.Refusal) {
	if source.Receiver == nil {
		return none, refuse("no_such_connection", http.StatusNotFound, "no connection with webhooks has this path")
	}
	if r.Method != http.MethodPost {
		return none, refuse("method", http.StatusMethodNotAllowed, "webhooks are sent with POST")
	}
	if source.PathSecret != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(source.PathSecret.Reveal())) != 1 {
		return none, refuse("path_secret", http.StatusNotFound, "the path does not end in the connection's secret")
	}
	if r.Header.Get("Content-Encoding") != "" {
		return none, refuse("encoding", http.StatusUnsupportedMediaType, "compressed bodies are not taken")
	}
	tenant, err := h.tenant(ctx, conn)
	if err != nil {
		return none, refuse("not_ready", http.StatusServiceUnavailable, "the connection has not been set up yet")
	}
	limit := int64(MaxBody)
	if unsigned, ok := source.Receiver.(connectors.Unsigned); ok {
		limit = unsigned.BodyLimit()
	}
	body, err := readBody(w, r, limit)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return none, refuse("too_large", http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is over %d MiB", limit>>20))
		}
		return none, refuse("cut_off", http.StatusBadRequest, "the body ended early")
	}
	received, err := source.Receiver.Receive(connectors.Request{
		Method: r.Method, URL: h.public(r), Header: r.Header, Body: body, At: came, Tenant: tenant,
	})
	if err != nil {
		var refusal *connectors.Refusal
		if errors.As(err, &refusal) {
			return none, refusal
		}
		return none, refuse("malformed", http.StatusBadRequest, "the body cannot be read")
	}
	if !h.afford(ctx, source, conn, received, came) {
		return none, refuse("busy", http.StatusServiceUnavailable, "more messages in a second than an unsigned sender is granted; it sends again")
	}
	return received, nil
}

// readBody reads at most limit bytes, in one piece where the sender says how much
// it is.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), limit)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	return body.Bytes(), err
}

func refuse(reason string, status int, detail string) *connectors.Refusal {
	return &connectors.Refusal{Reason: reason, Status: status, Detail: detail}
}

// public is the address the sender used and signed. It is configured, never
// taken from the request's own headers.
func (h *Webhooks) public(r *http.Request) string {
	u := strings.TrimSuffix(h.PublicURL.String(), "/") + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		u += "?" + r.URL.RawQuery
	}
	return u
}

// tenant is whose records the connection's credentials reach. Until it is
// known nothing can be taken; senders try again.
func (h *Webhooks) tenant(ctx context.Context, conn string) (string, error) {
	if known, ok := h.tenants.Load(conn); ok {
		return known.(string), nil
	}
	var tenant string
	err := h.Store.View(ctx, func(tx state.Tx) error {
		c, _ := state.GetConn(tx, conn)
		tenant = c.Tenant
		return tx.Err()
	})
	if err == nil && tenant == "" {
		err = errors.New("tenant not known yet")
	}
	if err == nil {
		h.tenants.Store(conn, tenant)
	}
	return tenant, err
}

// seenDay is the granule in which events are remembered that carry no time.
const seenDay = 24 * time.Hour

// hint is a change on its way into the inbox.
type hint struct {
	arrival state.Arrival
	// before, where it has an id, is the same event as it would be remembered
	// had it come the day before: senders of events without a time repeat them
	// for a day.
	before connectors.Change
}

// ready makes the changes ready to be taken in that are about kinds the rules
// look at.
func (h *Webhooks) ready(conn string, changes []connectors.Change, came time.Time) []hint {
	rules := h.Book.Rules()
	watched := map[connectors.Kind]bool{}
	hints := make([]hint, 0, len(changes))
	for _, c := range changes {
		on, known := watched[c.Ref.Kind]
		if !known {
			on = rules.Fields(conn, c.Ref.Kind) != nil
			watched[c.Ref.Kind] = on
		}
		if !on {
			continue
		}
		c.Ref.Conn = conn
		change, one := state.Change{Change: c, Via: "webhook", Came: came.UTC()}, hint{}
		if one.arrival = state.Arrive(change); c.At.IsZero() {
			day := came.UTC().Truncate(seenDay)
			one.arrival = state.ArriveOn(change, day)
			one.before = connectors.Change{EventID: c.EventID, At: day.Add(-seenDay)}
		}
		hints = append(hints, one)
	}
	return hints
}

// take appends the hint unless its event was seen before.
func (one hint) take(tx state.Tx) bool {
	if one.before.EventID != "" && state.WasSeen(tx, one.before) {
		return false
	}
	return one.arrival.Append(tx)
}

// ackWithin is the longest a sender waits for its answer: a CRM may give up after
// five seconds (I6). It is told to come again then, which costs nothing where the
// events were kept after all.
const ackWithin = 3 * time.Second

// keep commits what was received; after it returns nil the event is on disk.
func (h *Webhooks) keep(ctx context.Context, conn string, received connectors.Received, came time.Time) *connectors.Refusal {
	if h.Room != nil {
		if err := h.Room(); err != nil {
			return refuse("full", http.StatusServiceUnavailable, err.Error())
		}
	}
	kept := make(chan error, 1)
	go func() {
		kept <- engine.Safely("keep a webhook", func() error { return h.commit(ctx, conn, received, came) })
	}()
	enough := time.NewTimer(ackWithin)
	defer enough.Stop()
	select {
	case err := <-kept:
		if err != nil {
			h.Log.Error("webhook not kept", "conn", conn, "error", err)
			return refuse("store", http.StatusServiceUnavailable, "the state cannot be written")
		}
	case <-enough.C:
		return refuse("slow", http.StatusServiceUnavailable, "the state takes longer to write than a sender waits; it sends again")
	}
	for _, f := range received.Refused {
		if since, first := h.Metrics.refuse(conn, &f, came); first {
			h.Log.Warn("webhook event put aside", "conn", conn, "reason", f.Reason, "detail", f.Detail, "more_since_last", since)
		}
	}
	return nil
}

// commit writes what was received into the inbox, in one transaction.
func (h *Webhooks) commit(ctx context.Context, conn string, received connectors.Received, came time.Time) error {
	hints := h.ready(conn, received.Changes, came)
	taken, unwatched := 0, len(received.Changes)-len(hints)
	err := h.Store.Update(ctx, func(tx state.Tx) error {
		taken = 0
		for _, one := range hints {
			if one.take(tx) {
				taken++
			}
		}
		for _, f := range received.Refused {
			state.AddListing(tx, state.Listing{
				List: "webhook", Subject: conn + " " + f.Reason, Text: f.Detail, Count: 1, First: came.UTC(), Last: came.UTC(),
			})
		}
		return tx.Err()
	})
	if err != nil {
		return err
	}
	h.Metrics.events.WithLabelValues(conn, "taken").Add(float64(taken))
	h.Metrics.events.WithLabelValues(conn, "unwatched").Add(float64(unwatched))
	h.Metrics.events.WithLabelValues(conn, "seen").Add(float64(len(received.Changes) - taken - unwatched))
	if taken > 0 {
		h.Lanes.Ring()
	}
	return nil
}

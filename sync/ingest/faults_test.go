package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// unsigned is a receiver of a sender that signs nothing.
type unsigned struct{ receiver }

func (unsigned) BodyLimit() int64 { return 2 << 20 }

func newWebhooks(r *rig, rec connectors.Receiver) (*Webhooks, *bytes.Buffer) {
	r.update(func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "hubspot", Tenant: "12345", Live: r.start}) })
	var log bytes.Buffer
	return &Webhooks{
		Store: r.store, Sources: map[string]Source{"hubspot": {Receiver: rec, PathSecret: "s3cret"}},
		PublicURL: &url.URL{Scheme: "https", Host: "handoffd.example"}, Lanes: engine.NewBells(1), Book: r.p.Book,
		Wall: r.p.Wall, Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.NewTextHandler(&log, nil)),
	}, &log
}

func (h *Webhooks) post(t *testing.T) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/hubspot/s3cret", strings.NewReader("x")))
	return rec
}

func (r *rig) inbox() (n int) {
	r.update(func(tx state.Tx) {
		n = 0
		for range state.InboxRows(tx, "hubspot") {
			n++
		}
	})
	return n
}

// TestMixedBatch: events of another tenant or of a sort nobody knows are put
// aside, counted and listed; the rest of the request is taken, and the sender
// is told so: a refusal would be sent ten times more (I7, I8).
func TestMixedBatch(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, _ := newWebhooks(r, receiver(func(connectors.Request) (connectors.Received, error) {
		return connectors.Received{
			Changes: []connectors.Change{{Ref: connectors.Ref{Kind: "contacts", ID: "1"}, EventID: "e1"}, {Ref: connectors.Ref{Kind: "contacts", ID: "2"}, EventID: "e2"}},
			Refused: []connectors.Refusal{{Reason: "tenant", Detail: "another portal"}, {Reason: "unknown_kind"}, {Reason: "tenant", Detail: "another portal"}},
		}, nil
	}))
	if rec := h.post(t); rec.Code != http.StatusNoContent {
		t.Errorf("status %d", rec.Code)
	}
	if n := r.inbox(); n != 2 {
		t.Errorf("%d rows in the inbox", n)
	}
	got := fmt.Sprint(h.Metrics.Refused())
	if len(h.Metrics.Refused()) != 2 || h.Metrics.Refused()[0].Reason != "tenant" || h.Metrics.Refused()[0].Count != 2 {
		t.Errorf("turned away: %s", got)
	}
}

// failing is a store whose transactions do not commit.
type failing struct{ state.Store }

func (f failing) Update(ctx context.Context, fn func(state.Tx) error) error {
	return f.Store.Update(ctx, func(tx state.Tx) error { return errors.Join(fn(tx), errors.New("disk")) })
}

// TestBatchIsOneTransaction: of a hundred events all are kept or none, and the
// sender hears which (I6).
func TestBatchIsOneTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var hundred connectors.Received
	for i := range 100 {
		hundred.Changes = append(hundred.Changes, connectors.Change{Ref: connectors.Ref{Kind: "contacts", ID: fmt.Sprint(i)}, EventID: fmt.Sprint(i), At: r.start})
	}
	h, _ := newWebhooks(r, receiver(func(connectors.Request) (connectors.Received, error) { return hundred, nil }))
	h.Store = failing{r.store}
	if rec := h.post(t); rec.Code != http.StatusServiceUnavailable || r.inbox() != 0 {
		t.Errorf("status %d with %d kept", rec.Code, r.inbox())
	}
	h.Store = r.store
	for range 46 { // as often as one has been seen to come (I1)
		if rec := h.post(t); rec.Code != http.StatusNoContent {
			t.Errorf("status %d", rec.Code)
		}
	}
	if n := r.inbox(); n != 100 {
		t.Errorf("%d kept", n)
	}
}

// hanging is a disk that takes its time.
type hanging struct{ state.Store }

func (s hanging) Update(ctx context.Context, fn func(state.Tx) error) error {
	time.Sleep(20 * time.Second)
	return s.Store.Update(context.WithoutCancel(ctx), fn)
}

// TestHangingDisk: a sender hears within three seconds that it has to come again,
// and what was kept after all is not taken a second time (I6).
func TestHangingDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		h, _ := newWebhooks(r, receiver(func(connectors.Request) (connectors.Received, error) {
			return connectors.Received{Changes: []connectors.Change{{Ref: connectors.Ref{Kind: "contacts", ID: "1"}, EventID: "e", At: r.start}}}, nil
		}))
		h.Store = hanging{r.store}
		began := time.Now()
		if rec := h.post(t); rec.Code != http.StatusServiceUnavailable || time.Since(began) != ackWithin || h.Metrics.Refused()[0].Reason != "slow" {
			t.Errorf("%d after %s: %+v", rec.Code, time.Since(began), h.Metrics.Refused())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		h.Store = r.store
		if rec := h.post(t); rec.Code != http.StatusNoContent || r.inbox() != 1 {
			t.Errorf("%d, and %d in the inbox", rec.Code, r.inbox())
		}
	})
}

// TestReply: the sender hears its own words once the event is on disk, and
// nothing of the kind before (I11).
func TestReply(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, _ := newWebhooks(r, receiver(func(connectors.Request) (connectors.Received, error) {
		return connectors.Received{Changes: []connectors.Change{{Ref: connectors.Ref{Kind: "contacts", ID: "1"}, EventID: "e"}}, Reply: []byte("<Ack>true</Ack>"), ReplyType: "text/xml"}, nil
	}))
	h.Store = failing{r.store}
	if rec := h.post(t); rec.Code != http.StatusServiceUnavailable || rec.Body.Len() != 0 {
		t.Errorf("not kept: %d %s", rec.Code, rec.Body)
	}
	h.Store = r.store
	if rec := h.post(t); rec.Code != http.StatusOK || rec.Body.String() != "<Ack>true</Ack>" || rec.Header().Get("Content-Type") != "text/xml" {
		t.Errorf("kept: %d %s", rec.Code, rec.Body)
	}
}

// TestTimelessEvents: an event without a time is remembered from one day to the
// next, for as long as its sender repeats it (I1, I11).
func TestTimelessEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, _ := newWebhooks(r, receiver(func(connectors.Request) (connectors.Received, error) {
		return connectors.Received{Changes: []connectors.Change{{Ref: connectors.Ref{Kind: "contacts", ID: "1"}, EventID: "e"}}}, nil
	}))
	r.now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for range 24 {
		h.post(t)
		r.now = r.now.Add(time.Hour)
		if err := r.p.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.inbox(); n != 1 {
		t.Errorf("taken %d times in a day", n)
	}
}

// TestRefusalsAreNotNoise: whoever sends rubbish fills a counter, not the log:
// each reason is said once a minute (I5).
func TestRefusalsAreNotNoise(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h, log := newWebhooks(r, receiver(func(connectors.Request) (connectors.Received, error) {
		return connectors.Received{}, &connectors.Refusal{Reason: "signature", Status: 401}
	}))
	for range 3000 { // five minutes
		h.post(t)
		r.now = r.now.Add(100 * time.Millisecond)
	}
	if n := strings.Count(log.String(), "webhook refused"); n != 5 {
		t.Errorf("said %d times", n)
	}
	if !strings.Contains(log.String(), "more_since_last=599") || h.Metrics.Refused()[0].Count != 3000 {
		t.Errorf("counted %+v; log\n%s", h.Metrics.Refused(), log)
	}
}

// TestUnsignedSenders: a sender that proves nothing is granted five reads a
// second; a burst waits, a flood is told to come again (I5, I9).
func TestUnsignedSenders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		n := 0
		h, _ := newWebhooks(r, unsigned{func(connectors.Request) (connectors.Received, error) {
			n++
			return connectors.Received{Changes: []connectors.Change{{Ref: connectors.Ref{Kind: "contacts", ID: fmt.Sprint(n)}, EventID: fmt.Sprint(n)}}, Reply: []byte("ok")}, nil
		}})
		h.Wall = time.Now
		codes := map[int]int{}
		answers := make(chan int, 100)
		for range cap(answers) {
			go func() { answers <- h.post(t).Code }()
			synctest.Wait()
		}
		for range cap(answers) {
			codes[<-answers]++
		}
		if codes[http.StatusOK] != 15 || codes[http.StatusServiceUnavailable] != 85 {
			t.Errorf("answers %v; want the burst of 5 and what comes within two seconds", codes)
		}
	})
}

// TestCursorOfTheFuture: a cursor that stands in the future is taken back to
// where we last read, and somebody is told (P6). One that is no farther ahead than a
// CRM's clock may be is followed.
func TestCursorOfTheFuture(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		from, at time.Duration // the cursor, and when a page was last kept, after the start; 0: never
		want     time.Duration
		told     int
	}{
		"read an hour ago":       {year, time.Hour, time.Hour - ahead, 1},
		"never read":             {year, 0, 0, 1},
		"read in the future too": {year, 1000 * time.Hour, 0, 1},
		"their clock is fast":    {2*time.Hour + ahead, time.Hour, 2*time.Hour + ahead, 0},
	} {
		r := newRig(t)
		r.now = r.start.Add(2 * time.Hour)
		var asked []connectors.Cursor
		calm := r.crm.page
		r.crm.page = func(p connectors.Poll) connectors.Page {
			if p.Kind == "contacts" {
				asked = append(asked, p.From)
			}
			return calm(p)
		}
		cursor := state.Cursor{Cursor: connectors.Cursor{From: r.start.Add(c.from)}}
		if c.at > 0 {
			cursor.At = r.start.Add(c.at)
		}
		r.update(func(tx state.Tx) { state.PutCursor(tx, "hubspot", "contacts", cursor) })
		if _, err := r.p.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(asked) == 0 || !asked[0].From.Equal(r.start.Add(c.want)) {
			t.Errorf("%s: asked from %v, want %v", name, asked, r.start.Add(c.want))
		}
		told := 0
		r.update(func(tx state.Tx) {
			for _, l := range state.AllListings(tx) {
				told += l.Count
			}
		})
		if told != c.told {
			t.Errorf("%s: listed %d times, want %d", name, told, c.told)
		}
		if got := r.cursor("contacts").From; c.told > 0 && got.After(r.now) {
			t.Errorf("%s: the cursor still stands at %v", name, got)
		}
	}
}

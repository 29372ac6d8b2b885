package ingest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/handoffd/handoffd/connectors"
)

// Metrics counts what comes in and what is turned away.
type Metrics struct {
	requests *prometheus.CounterVec
	events   *prometheus.CounterVec
	ack      prometheus.Histogram
	polls    *prometheus.CounterVec

	mu      sync.Mutex
	refused map[[2]string]*Turned
	trouble map[string]Trouble
}

// Trouble is why a connection cannot be polled at the moment.
type Trouble struct {
	Doing string
	Class connectors.Class
	Text  string
	Since time.Time
}

// Turned is how often something was turned away, and why, since start.
type Turned struct {
	Conn   string    `json:"conn"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	Count  int       `json:"count"`
	Last   time.Time `json:"last"`

	said   time.Time // when the log spoke of it
	unsaid int       // how many came since
}

// NewMetrics registers ingest's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "handoffd_webhook_requests_total", Help: "Webhook requests, by connection and outcome.",
		}, []string{"conn", "outcome"}),
		events: f.NewCounterVec(prometheus.CounterOpts{
			Name: "handoffd_webhook_events_total", Help: "Events of verified webhooks: taken, seen before, or about a kind no rule looks at.",
		}, []string{"conn", "outcome"}),
		ack: f.NewHistogram(prometheus.HistogramOpts{
			Name: "handoffd_webhook_ack_seconds", Help: "From a webhook's arrival to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}),
		polls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "handoffd_polls_total", Help: "Polled pages, by connection and outcome.",
		}, []string{"conn", "outcome"}),
		refused: map[[2]string]*Turned{},
		trouble: map[string]Trouble{},
	}
}

// failed counts a poll that did not work and remembers why.
func (m *Metrics) failed(conn, doing string, err error, now time.Time) {
	class := connectors.ClassOf(err)
	m.polls.WithLabelValues(conn, class.String()).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	t := Trouble{Doing: doing, Class: class, Text: err.Error(), Since: now.UTC()}
	if old, ok := m.trouble[conn]; ok {
		t.Since = old.Since
	}
	m.trouble[conn] = t
}

// worked counts a poll that did.
func (m *Metrics) worked(conn string) {
	m.polls.WithLabelValues(conn, "done").Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.trouble, conn)
}

// Trouble is why a connection cannot be polled, if it cannot.
func (m *Metrics) Trouble(conn string) (Trouble, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.trouble[conn]
	return t, ok
}

// refuse counts what was turned away. The first of a reason in a minute is to
// be logged, with how many went unsaid since the one before: who sends rubbish
// must not fill the disk with our complaints.
func (m *Metrics) refuse(conn string, f *connectors.Refusal, at time.Time) (unsaid int, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{conn, f.Reason}
	t := m.refused[key]
	if t == nil {
		t = &Turned{Conn: conn, Reason: f.Reason}
		m.refused[key] = t
	}
	t.Count++
	t.Detail, t.Last = f.Detail, at.UTC()
	if since := at.Sub(t.said); since >= 0 && since < sayEvery {
		t.unsaid++
		return 0, false
	}
	unsaid, t.unsaid, t.said = t.unsaid, 0, at
	return unsaid, true
}

// sayEvery is how often the log speaks of one reason.
const sayEvery = time.Minute

// Refused lists what was turned away since start, by connection and reason.
func (m *Metrics) Refused() []Turned {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(m.refused), func(a, b [2]string) int {
		return slices.Compare(a[:], b[:])
	})
	all := make([]Turned, len(keys))
	for i, k := range keys {
		all[i] = *m.refused[k]
	}
	return all
}

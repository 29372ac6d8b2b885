package engine

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// Metrics counts what the engine does. Labels never hold a record.
type Metrics struct {
	decisions  *prometheus.CounterVec
	handoffs   *prometheus.CounterVec
	unread     prometheus.Counter
	quarantine prometheus.Counter
	toDecision prometheus.Histogram
	batch      prometheus.Histogram
}

// NewMetrics registers the engine's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		decisions: f.NewCounterVec(prometheus.CounterOpts{
			Name: "handoffd_decisions_total", Help: "Events decided, by what came of it.",
		}, []string{"result"}),
		handoffs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "handoffd_handoffs_total", Help: "Handoffs that entered a stage.",
		}, []string{"stage"}),
		unread: f.NewCounter(prometheus.CounterOpts{
			Name: "handoffd_echo_suppressed_total", Help: "Changes consumed unread, being no newer than what we had read or written.",
		}),
		quarantine: f.NewCounter(prometheus.CounterOpts{
			Name: "handoffd_quarantined_total", Help: "Events that could not be decided.",
		}),
		toDecision: f.NewHistogram(prometheus.HistogramOpts{
			Name: "handoffd_decision_latency_seconds", Help: "From the arrival of a change to the commit of its decision.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 18),
		}),
		batch: f.NewHistogram(prometheus.HistogramOpts{
			Name: "handoffd_decision_batch", Help: "Records decided in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
	}
}

func (m *Metrics) decided(v Verdict) {
	switch {
	case v.Panic != "":
		m.decisions.WithLabelValues("quarantined").Inc()
		m.quarantine.Inc()
	case len(v.Needs) > 0 || v.Wait != "" || v.Behind:
		m.decisions.WithLabelValues("waiting").Inc()
	case v.Changes.Empty():
		m.decisions.WithLabelValues("unchanged").Inc()
	default:
		m.decisions.WithLabelValues("changed").Inc()
	}
	for _, h := range v.Changes.Handoffs {
		if h.Stage != state.Touched {
			m.handoffs.WithLabelValues(string(h.Stage)).Inc()
		}
	}
}

// arrived measures how long a change waited for its decision.
func (m *Metrics) arrived(ask Ask, now time.Time) {
	if o, ok := ask.Event.(plan.Observed); ok && !o.Came.IsZero() {
		m.toDecision.Observe(now.Sub(o.Came).Seconds())
	}
}

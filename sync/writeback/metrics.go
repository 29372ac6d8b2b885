package writeback

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/handoffd/handoffd/connectors"
)

// Metrics counts what is written.
type Metrics struct {
	writes    *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	ambiguous prometheus.Counter
	prevented prometheus.Counter
	healed    prometheus.Counter
}

// NewMetrics registers the metrics of all writers.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		writes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "handoffd_writes_total", Help: "Writes answered by a CRM, by connection and outcome.",
		}, []string{"conn", "result"}),
		latency: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "handoffd_write_seconds", Help: "How long a batch of writes took.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}, []string{"conn"}),
		ambiguous: f.NewCounter(prometheus.CounterOpts{
			Name: "handoffd_writes_ambiguous_total", Help: "Writes whose answer never came.",
		}),
		prevented: f.NewCounter(prometheus.CounterOpts{
			Name: "handoffd_duplicates_prevented_total", Help: "Creates found to have happened already, so not sent again.",
		}),
		healed: f.NewCounter(prometheus.CounterOpts{
			Name: "handoffd_duplicates_healed_total", Help: "Second tasks taken away where the CRM could not refuse them.",
		}),
	}
}

func (m *Metrics) written(conn string, r connectors.Result, took time.Duration) {
	result := "done"
	if r.Err != nil {
		result = r.Err.Class.String()
	}
	m.writes.WithLabelValues(conn, result).Inc()
	m.latency.WithLabelValues(conn).Observe(took.Seconds())
}

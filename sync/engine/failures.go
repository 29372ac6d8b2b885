package engine

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/handoffd/handoffd/connectors"
)

// Failures remembers the calls to a CRM that did not come out right, since
// start: for /metrics and for whoever asks what is wrong. A nil one forgets.
type Failures struct {
	total *prometheus.CounterVec

	mu  sync.Mutex
	all map[failing]*Failure
}

type failing struct {
	conn, doing string
	class       connectors.Class
}

// Failure is how often a connection has failed in one way, and the last reason.
type Failure struct {
	Conn  string    `json:"conn"`
	Doing string    `json:"doing"` // "poll", "read contacts", "write"
	Class string    `json:"class"` // of connectors.Error
	Text  string    `json:"text"`
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
}

// NewFailures registers the counter.
func NewFailures(reg prometheus.Registerer) *Failures {
	return &Failures{
		total: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "handoffd_call_failures_total", Help: "Calls to a CRM that failed, by connection, purpose and class.",
		}, []string{"conn", "doing", "class"}),
		all: map[failing]*Failure{},
	}
}

// Note counts one failure. doing comes from a short list; it is a label.
func (f *Failures) Note(conn, doing string, err error, at time.Time) {
	if f == nil || err == nil {
		return
	}
	class := connectors.ClassOf(err)
	f.total.WithLabelValues(conn, doing, class.String()).Inc()
	f.mu.Lock()
	defer f.mu.Unlock()
	key := failing{conn, doing, class}
	one := f.all[key]
	if one == nil {
		one = &Failure{Conn: conn, Doing: doing, Class: class.String()}
		f.all[key] = one
	}
	one.Count++
	one.Text, one.Last = err.Error(), at.UTC()
}

// All lists the failures since start, by connection, purpose and class.
func (f *Failures) All() []Failure {
	out := []Failure{}
	if f == nil {
		return out
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for one := range maps.Values(f.all) {
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Doing, b.Doing), cmp.Compare(a.Class, b.Class))
	})
	return out
}

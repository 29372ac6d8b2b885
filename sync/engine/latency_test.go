package engine

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestHowLongABuyerWaits (1.9): what a webhook brings is decided in the round
// that finds it, without waiting for a poll, and how long each waited is
// measured, from its arrival to its decision, so that any quantile of it can be
// told.
func TestHowLongABuyerWaits(t *testing.T) {
	t.Parallel()
	r, registry := newRig(t), prometheus.NewRegistry()
	r.lane.Decider.Metrics = NewMetrics(registry)
	r.hear("hubspot", "1", r.now, nil)
	r.round()
	r.hear("hubspot", "2", r.now, nil)
	r.now = r.now.Add(3 * time.Second)
	r.round()
	if left := r.inbox(); len(left) > 0 {
		t.Errorf("still waiting: %v", left)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "handoffd_decision_latency_seconds" {
			continue
		}
		h := f.GetMetric()[0].GetHistogram()
		if h.GetSampleCount() != 2 || h.GetSampleSum() != 3 {
			t.Errorf("measured %d, %g s in all; want 2, one at once and one after 3 s", h.GetSampleCount(), h.GetSampleSum())
		}
		fast := uint64(0)
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() <= 2 {
				fast = max(fast, b.GetCumulativeCount())
			}
		}
		if fast != 1 {
			t.Errorf("%d within 2 s, want 1", fast)
		}
		return
	}
	t.Error("nothing is measured")
}

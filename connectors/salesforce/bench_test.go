package salesforce

import (
	"fmt"
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// BenchmarkHandoffs reads and assigns 200 leads per round and reports the
// calls that one handoff costs (at most 0.012; alone 2).
func BenchmarkHandoffs(b *testing.B) {
	for _, n := range []int{1, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(b, salesforcesim.Config{UniqueTasks: true})
			owner := w.owner()
			ids := make([]string, n)
			for i := range ids {
				ids[i] = w.lead(i)
			}
			if _, err := w.org.Describe(b.Context(), []connectors.Kind{Lead, connectors.Task}); err != nil {
				b.Fatal(err)
			}
			rounds := 0
			before := w.calls.Load()
			for b.Loop() {
				rounds++
				if _, err := w.org.Read(b.Context(), Lead, ids, []string{"OwnerId", "Email"}); err != nil {
					b.Fatal(err)
				}
				var writes []connectors.Write
				for i, id := range ids {
					writes = append(writes, handoff(owner, id, fmt.Sprint(rounds, "x", i))...)
				}
				results, err := w.org.Apply(b.Context(), writes)
				if err != nil {
					b.Fatal(err)
				}
				for _, r := range results {
					if r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
			b.ReportMetric(float64(w.calls.Load()-before)/float64(rounds*n), "calls/handoff")
		})
	}
}

package main

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// TestLag: where webhooks are lost and the search index lags, or a transaction
// commits with an older stamp than those that were read meanwhile, every signal
// is found all the same: within a poll where the lag is as usual, within twenty
// minutes where it is worse, within a day at the worst. An index that misses a
// change altogether costs nothing where a webhook tells of it (P2, P4).
func TestLag(t *testing.T) {
	unraced(t)
	t.Parallel()
	for name, test := range map[string]struct {
		lag     time.Duration
		missing float64
		hooks   simulators.WebhookFaults
		within  time.Duration
	}{
		"90 s":               {lag: 90 * time.Second, hooks: simulators.WebhookFaults{Drop: 1}, within: 90*time.Second + 5*time.Minute},
		"9 min":              {lag: 9 * time.Minute, hooks: simulators.WebhookFaults{Drop: 1}, within: 9*time.Minute + 20*time.Minute},
		"30 min":             {lag: 30 * time.Minute, hooks: simulators.WebhookFaults{Drop: 1}, within: 25 * time.Hour},
		"never in the index": {missing: 1, within: 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readStory(t, filepath.FromSlash("../../testdata/scenarios/stopped-for-weeks.txtar"))
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(s.start))
				st := newStage(t, s, dir, variant{name: "plain", hooks: test.hooks})
				defer st.close()
				for _, sim := range []simulators.Sim{st.pair.HubSpot, st.pair.Salesforce} {
					f := sim.Faults()
					f.SearchLag, f.IndexMissing = test.lag, test.missing
					sim.SetFaults(f)
				}
				const each = 20
				for n := range each {
					for i, way := range variants {
						st.do(storyLine{verb: "edit", edit: someBuyer(3*n+i, way, true)})
						time.Sleep(7 * time.Second)
					}
				}
				time.Sleep(test.within)
				if n := st.standing(); n != 3*each {
					t.Errorf("%d of %d signals are handed over %s later", n, 3*each, test.within)
				}
			})
		})
	}
}

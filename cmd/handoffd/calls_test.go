package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// ceilings are the most calls a handoff may cost, by variant: one alone, and in
// full batches. Polls, schemas and tokens are counted beside.
var ceilings = map[string][2]float64{
	"hubspot":    {3, 0.032},
	"salesforce": {2, 0.012},
	"across":     {4, 0.04},
}

// manyBuyers fill batches: ten of HubSpot's, five of Salesforce's.
const manyBuyers = 1000

// cost is what handing n buyers off took.
type cost struct {
	calls, rate float64 // for each; handoffs a second
	refused     int     // calls, for being too many
	reads       int     // calls
}

// handOff hands n buyers off: a lone one who fills in a form, or a backlog.
func (r *rig) handOff(variant string, n int) cost {
	r.tb.Helper()
	before, had, began := r.spent(), r.buyers, time.Now()
	if n == 1 {
		r.form(variant)
	} else {
		r.backlog(variant, n)
		began = time.Now()
	}
	r.settle(had + n)
	after := r.spent()
	return cost{
		calls: float64(after.handoffs-before.handoffs) / float64(n), rate: float64(n) / time.Since(began).Seconds(),
		refused: after.refused - before.refused, reads: after.reads - before.reads,
	}
}

// TestCallsPerHandoff holds the calls that one handoff costs, as the simulated
// CRMs count them, alone and in full batches; none is refused for being too
// many, and HubSpot's limit is used to at least 0.95.
func TestCallsPerHandoff(t *testing.T) {
	unraced(t)
	t.Parallel()
	for _, variant := range variants {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 0, 0)
				time.Sleep(time.Minute)
				lone := r.handOff(variant, 1)
				time.Sleep(time.Minute)
				full := r.handOff(variant, manyBuyers)
				synctest.Wait() // no call is on its way
				if calls, metered := r.spent().calls, r.metered(); metered != calls {
					t.Errorf("the connectors count %d calls, the CRMs %d", metered, calls)
				}
				t.Logf("%s: %.2f calls for a lone handoff; %.4f in full batches, at %.0f handoffs/s", variant, lone.calls, full.calls, full.rate)
				if lone.calls > ceilings[variant][0] {
					t.Errorf("a lone handoff takes %.2f calls, want %.2f at most", lone.calls, ceilings[variant][0])
				}
				if full.calls > ceilings[variant][1] {
					t.Errorf("handoffs in full batches take %.4f calls, want %.4f at most", full.calls, ceilings[variant][1])
				}
				if most := manyBuyers/100 + 1; full.reads > most {
					t.Errorf("%d reads, want %d at most: the echoes of our own writes are not read", full.reads, most)
				}
				if refused := lone.refused + full.refused; refused > 0 {
					t.Errorf("%d calls were refused for being too many", refused)
				}
				if variant == "hubspot" && full.rate < hubspotRate {
					t.Errorf("%.0f handoffs/s in full batches, want %.0f", full.rate, hubspotRate)
				}
			})
		})
	}
}

// hubspotRate is 0.95 of the handoffs that 190 calls in ten seconds allow at
// the ceiling of HubSpot's calls.
const hubspotRate = 0.95 * 19 / 0.032

package hubspotsim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestBurst holds the ten-second window: 190 calls, the documented headers, the recorded body.
func TestBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{})
		for i := range 190 {
			a := p.must("GET", contacts, "")
			if i == 0 && (a.header.Get("X-HubSpot-RateLimit-Max") != "190" || a.header.Get("X-HubSpot-RateLimit-Remaining") != "189" ||
				a.header.Get("X-HubSpot-RateLimit-Interval-Milliseconds") != "10000" || a.header.Get("X-HubSpot-RateLimit-Daily") != "625000" ||
				a.header.Get("X-HubSpot-RateLimit-Daily-Remaining") != "624999" || a.header.Get("X-HubSpot-Correlation-Id") == "") {
				t.Errorf("headers: %v", a.header)
			}
		}
		a := p.do("GET", contacts, "")
		if a.status != 429 || a.text("policyName") != "TEN_SECONDLY_ROLLING" || a.text("errorType") != "RATE_LIMIT" || a.header.Get("Retry-After") != "" {
			t.Errorf("call 191: %d %s %v", a.status, a.raw, a.header)
		}
		if got := p.sim.Stats()["429"]; got != 1 {
			t.Errorf("stats count %d refusals, want 1", got)
		}
		time.Sleep(10 * time.Second)
		p.must("GET", contacts, "")
	})
}

// TestSearchRate holds the search's own limit: five a second for the account, outside the ten-second
// window, without any rate header.
func TestSearchRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{})
		for range 5 {
			if a := p.must("POST", searchPath, `{}`); a.header.Get("X-HubSpot-RateLimit-Max") != "" || a.header.Get("X-HubSpot-RateLimit-Remaining") != "" {
				t.Errorf("a search carries rate headers: %v", a.header)
			}
		}
		a := p.do("POST", searchPath, `{}`)
		if a.status != 429 || a.text("message") != "You have reached your secondly limit." || a.text("category") != "RATE_LIMITS" || a.at("policyName") != nil {
			t.Errorf("search 6: %d %s", a.status, a.raw)
		}
		if a := p.must("GET", contacts, ""); a.header.Get("X-HubSpot-RateLimit-Remaining") != "189" {
			t.Errorf("searches cost from the ten-second window: %v", a.header)
		}
		time.Sleep(time.Second)
		p.must("POST", searchPath, `{}`)
	})
}

// TestDaily holds the day's quota, which counts searches too and ends at the portal's midnight.
func TestDaily(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the bubble's clock starts at midnight UTC, 19:00 in New York
		p := newPortal(t, hubspotsim.Config{Faults: simhttp.Faults{Quota: 3}})
		p.must("GET", contacts, "")
		p.must("POST", searchPath, `{}`)
		p.must("GET", contacts, "")
		for range 2 {
			if a := p.do("GET", contacts, ""); a.status != 429 || a.text("policyName") != "DAILY" {
				t.Errorf("call 4: %d %s", a.status, a.raw)
			}
			time.Sleep(2 * time.Hour)
		}
		time.Sleep(time.Hour)
		p.must("GET", contacts, "")
	})
}

// TestInjectedRefusals: a 429 that a profile draws is worded by the meter the call falls under; a search's names no policy.
// Neither says when to come again.
func TestInjectedRefusals(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Faults: simhttp.Faults{Rate: map[string]float64{"429": 1}}})
	for range 9 { // the gate draws three sorts of Retry-After
		a := p.do("POST", searchPath, `{}`)
		if a.status != 429 || a.text("message") != "You have reached your secondly limit." || a.text("category") != "RATE_LIMITS" || a.at("policyName") != nil || a.header.Get("Retry-After") != "" {
			t.Errorf("a search: %d %s %v", a.status, a.raw, a.header)
		}
		if a := p.do("GET", contacts, ""); a.status != 429 || a.text("policyName") != "TEN_SECONDLY_ROLLING" || a.header.Get("Retry-After") != "" {
			t.Errorf("a list: %d %s %v", a.status, a.raw, a.header)
		}
	}
}

// Package simulators puts the simulated HubSpot portal and the simulated Salesforce org side by side, with
// one history and one control API: for the stand-alone server, the demo and stories that need both CRMs.
// It also opens what the simulators share to packages outside connectors.
package simulators

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// What the simulators share, under names that packages outside connectors can use.
type (
	// Faults says how hostile a simulator is; the zero value is calm.
	Faults = simhttp.Faults
	// WebhookFaults are the shares of webhooks that get lost, doubled, shuffled or late.
	WebhookFaults = simhttp.WebhookFaults
	// History is every exchange with the simulators.
	History = simhttp.History
	// Exchange is one call in the history.
	Exchange = simhttp.Exchange
	// Sim is one simulated CRM.
	Sim = simhttp.Sim
	// Edit is a change by a person.
	Edit = simhttp.Edit
	// Delivery says what became of the webhooks.
	Delivery = simhttp.Delivery
)

// Profile returns the named degree of hostility: calm, default or hell.
func Profile(name string) (Faults, error) { return simhttp.Profile(name) }

// Carrier returns a transport that carries requests in memory to the handler of their host, for synctest
// bubbles and under httpmock.
func Carrier(hosts map[string]http.Handler) http.RoundTripper { return simhttp.Carrier(hosts) }

// Config says which pair to simulate. The zero value is calm, without webhooks and without people.
type Config struct {
	Seed        uint64
	Faults      Faults
	People      int                        // simulated reps; 0: nobody
	World       map[string]json.RawMessage // records to add to the default world, by CRM
	WebhookURL  string                     // where HubSpot's webhooks go
	MessagesURL string                     // where Salesforce's outbound messages go
	OrgURL      string                     // the org's own address, if it is served elsewhere than the default
	Transport   http.RoundTripper          // carries webhooks and messages; nil: http.DefaultTransport
	NoHistory   bool                       // record nothing, for benchmarks
}

// Pair is both simulated CRMs.
type Pair struct {
	HubSpot    *hubspotsim.Sim
	Salesforce *salesforcesim.Sim
	History    *History // nil with Config.NoHistory
}

// New makes both CRMs and loads the world into them.
func New(cfg Config) (*Pair, error) {
	p := &Pair{}
	if !cfg.NoHistory {
		p.History = simhttp.NewHistory()
	}
	p.HubSpot = hubspotsim.New(hubspotsim.Config{
		Seed: cfg.Seed, Faults: cfg.Faults, People: cfg.People, History: p.History,
		WebhookURL: cfg.WebhookURL, Transport: cfg.Transport,
	})
	p.Salesforce = salesforcesim.New(salesforcesim.Config{
		Seed: cfg.Seed, Faults: cfg.Faults, People: cfg.People, History: p.History,
		MessagesURL: cfg.MessagesURL, Transport: cfg.Transport, BaseURL: cfg.OrgURL,
	})
	known := map[string]bool{}
	for _, s := range p.sims() {
		known[s.CRM()] = true
		if raw := cfg.World[s.CRM()]; raw != nil {
			if err := s.Load(raw); err != nil {
				return nil, fmt.Errorf("load world of %s: %w", s.CRM(), err)
			}
		}
	}
	for crm := range cfg.World {
		if !known[crm] {
			return nil, fmt.Errorf("the world names an unknown crm %q", crm)
		}
	}
	return p, nil
}

func (p *Pair) sims() []Sim { return []Sim{p.HubSpot, p.Salesforce} }

// Control serves the control API over both.
func (p *Pair) Control() http.Handler { return simhttp.Control(p.History, p.sims()...) }

// Run plays what both CRMs do by themselves until ctx ends.
func (p *Pair) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range p.sims() {
		group.Go(func() error { return s.Run(ctx) })
	}
	return group.Wait()
}

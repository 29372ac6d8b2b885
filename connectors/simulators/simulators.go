// Package simulators puts the simulated HubSpot portal and the simulated Salesforce org side by side, with
// one history and one control API: for the stand-alone server, the demo and stories that need both CRMs.
// It also opens what the simulators share to packages outside connectors.
package simulators

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

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
	// Change is one thing that happened to a record, whoever did it.
	Change = simhttp.Change
	// Sent is one webhook request or outbound message that left a simulator.
	Sent = simhttp.Sent
)

// Profile returns the named degree of hostility: calm, default or hell.
func Profile(name string) (Faults, error) { return simhttp.Profile(name) }

// PatchFaults returns f with what a body of POST /faults says, which is read strictly.
func PatchFaults(f Faults, raw []byte) (Faults, error) { return simhttp.PatchFaults(f, raw) }

// IsRate reports whether Faults.Rate knows a fault of that name.
func IsRate(name string) bool { return simhttp.IsRate(name) }

// ProfileTable is a Markdown table of what each profile does.
func ProfileTable() string { return simhttp.ProfileTable() }

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
	Setup       map[string]json.RawMessage // what the CRMs are, by CRM; "sync" sets up the native sync
	Sync        SyncConfig                 // HubSpot's own Salesforce connector; the zero value is off
}

// Pair is both simulated CRMs.
type Pair struct {
	HubSpot    *hubspotsim.Sim
	Salesforce *salesforcesim.Sim
	History    *History    // nil with Config.NoHistory
	meddlers   []*meddlers // nobody where no people work
	sync       *nativeSync
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
		Seed: cfg.Seed, Faults: withoutHubSpotOnly(cfg.Faults), People: cfg.People, History: p.History,
		MessagesURL: cfg.MessagesURL, Transport: cfg.Transport, BaseURL: cfg.OrgURL,
	})
	p.sync = newNativeSync(p.HubSpot, p.Salesforce, cfg.Seed)
	if cfg.People > 0 {
		p.meddlers = []*meddlers{newMeddlers(p.HubSpot, cfg.Seed), newMeddlers(p.Salesforce, cfg.Seed)}
	}
	if err := p.sync.set(cfg.Sync); err != nil {
		return nil, fmt.Errorf("set up the native sync: %w", err)
	}
	if err := p.setUp(cfg.Setup); err != nil {
		return nil, err
	}
	return p, p.load(cfg.World)
}

// withoutHubSpotOnly takes out the faults that Salesforce has no answer for: it neither locks a record with a
// 423 nor moves an account with a 477.
func withoutHubSpotOnly(f Faults) Faults {
	f.Rate = maps.Clone(f.Rate)
	delete(f.Rate, "423")
	delete(f.Rate, "477")
	return f
}

// setUp hands each part its document, in a fixed order.
func (p *Pair) setUp(docs map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		if name == syncName {
			cfg := p.Sync()
			if err := cfg.UnmarshalJSON(docs[name]); err != nil {
				return fmt.Errorf("set up %s: %w", name, err)
			}
			if err := p.SetSync(cfg); err != nil {
				return fmt.Errorf("set up %s: %w", name, err)
			}
			continue
		}
		at := slices.IndexFunc(p.sims(), func(s Sim) bool { return s.CRM() == name })
		if at < 0 {
			return fmt.Errorf("the setup names an unknown crm %q", name)
		}
		if err := p.sims()[at].Setup(docs[name]); err != nil {
			return fmt.Errorf("set up %s: %w", name, err)
		}
	}
	return nil
}

func (p *Pair) load(world map[string]json.RawMessage) error {
	known := map[string]bool{}
	for _, s := range p.sims() {
		known[s.CRM()] = true
		if raw := world[s.CRM()]; raw != nil {
			if err := s.Load(raw); err != nil {
				return fmt.Errorf("load world of %s: %w", s.CRM(), err)
			}
		}
	}
	for _, crm := range slices.Sorted(maps.Keys(world)) {
		if !known[crm] {
			return fmt.Errorf("the world names an unknown crm %q", crm)
		}
	}
	return nil
}

func (p *Pair) sims() []Sim { return []Sim{p.HubSpot, p.Salesforce} }

// SetSync turns HubSpot's own Salesforce connector on, off or to other rules. It needs Run.
func (p *Pair) SetSync(cfg SyncConfig) error { return p.sync.set(cfg) }

// Sync is how the native sync is set up now.
func (p *Pair) Sync() SyncConfig { return p.sync.config() }

// SyncNow plays one round of the native sync at once, on or off.
func (p *Pair) SyncNow() error { return p.sync.run(p.sync.config()) }

// SyncStats says what the native sync has done so far.
func (p *Pair) SyncStats() SyncStats { return p.sync.sofar() }

// Deeds says what the meddlers have done so far, by CRM.
func (p *Pair) Deeds() map[string]Deeds {
	out := map[string]Deeds{}
	for _, m := range p.meddlers {
		out[m.stage.CRM()] = m.sofar()
	}
	return out
}

// Run plays what both CRMs do by themselves until ctx ends: webhooks, people, automation, the native sync.
func (p *Pair) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range p.sims() {
		group.Go(func() error { return s.Run(ctx) })
	}
	for i, m := range p.meddlers {
		group.Go(func() error { return m.work(ctx, time.Duration(i+1)*phase) })
	}
	group.Go(func() error { return p.sync.work(ctx) })
	return group.Wait()
}

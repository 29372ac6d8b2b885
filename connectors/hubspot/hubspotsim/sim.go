// Package hubspotsim is an http.Handler that behaves like a HubSpot portal: what it holds, what it
// refuses, how late its search is, how it limits callers and how it sends webhooks. It is written from
// HubSpot's manual and shares no type with any adapter; where the manual is silent it takes the stricter
// reading. README.md lists what is strict.
package hubspotsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Config says which portal to simulate. The zero value is a calm portal with the default world, without
// webhooks and without people.
type Config struct {
	Seed    uint64           // equal seeds and equal call order give equal ids, lags and faults
	Faults  simhttp.Faults   // how hostile; Faults.UniqueTasks lets tasks have a unique property
	People  int              // how many people work here; 0: nobody reacts to an assignment
	History *simhttp.History // where exchanges are recorded; nil: nowhere
	Empty   bool             // leave out the companies and deals of DefaultWorld
	Hooks   []Subscription   // webhook subscriptions; nil: DefaultSubscriptions
	Burst   int              // calls allowed in ten seconds; 0: 190, a Pro portal's private app
	Wait    [2]time.Duration // how long a person takes to accept; zero: 0.5 s to 5 s
	Retry   time.Duration    // first wait of a failed webhook, doubled each time; 0: 84 s (ten retries within 24 h)
	Latency [2]time.Duration // how long after a change its webhook leaves; zero: 50 ms to 250 ms
	// WebhookURL is the target of the app's webhooks; empty: none are sent.
	WebhookURL string
	// Transport carries the webhooks; nil: http.DefaultTransport.
	Transport http.RoundTripper
	// UniqueTasks is Faults.UniqueTasks under a handier name; either one turns it on.
	UniqueTasks bool
}

// Credentials are what an app needs to work with the portal.
type Credentials struct {
	Token        string // static bearer token of a private app or service key
	PortalID     string
	ClientID     string
	ClientSecret string // key of the webhook signatures
	RefreshToken string
}

// Sim is one simulated portal. It implements simhttp.Sim and is safe for concurrent use.
type Sim struct {
	cfg     Config
	gate    *simhttp.Gate
	handler http.Handler
	rand    *simhttp.Rand // faults of batches
	traces  *simhttp.Rand // correlation ids and tokens, which no other draw may depend on
	lags    *simhttp.Rand // how late the search index is
	creds   Credentials
	portal  int64
	zone    *time.Location
	limits  *limits
	hooks   *hooks
	people  *people

	mu        sync.Mutex // guards everything below
	objects   map[string]*object
	types     map[int]linkType // HubSpot's own and the portal's labels
	labels    map[string]int   // the portal's own types by their internal names
	owners    []*owner
	queues    []*owner // owners that are nobody
	pipelines map[string][]pipeline
	traits    traits
	grant     grant
	access    map[string]access           // by OAuth access token
	codes     map[string]simhttp.Approval // by authorization code
	locks     map[string]time.Time        // object/id -> until when it is locked
	moving    time.Time                   // until when the portal is being moved
	loading   bool                        // a world is being loaded: nothing happens
}

var _ simhttp.Sim = (*Sim)(nil)

// New returns a portal with the default users, properties and pipelines, and with DefaultWorld's records
// unless cfg.Empty. It never fails: the default world is checked by this package's tests.
func New(cfg Config) *Sim {
	if cfg.Wait == [2]time.Duration{} {
		cfg.Wait = [2]time.Duration{500 * time.Millisecond, 5 * time.Second}
	}
	if cfg.Latency == [2]time.Duration{} {
		cfg.Latency = [2]time.Duration{50 * time.Millisecond, 250 * time.Millisecond}
	}
	if cfg.Burst == 0 {
		cfg.Burst = proBurst
	}
	cfg.Faults.UniqueTasks = cfg.Faults.UniqueTasks || cfg.UniqueTasks
	s := &Sim{
		cfg:       cfg,
		gate:      simhttp.NewGate("hubspot", cfg.Seed, cfg.History),
		rand:      simhttp.NewRand(cfg.Seed, "hubspot"),
		traces:    simhttp.NewRand(cfg.Seed, "hubspot/traces"),
		lags:      simhttp.NewRand(cfg.Seed, "hubspot/lags"),
		portal:    int64(20_000_000 + cfg.Seed%1_000_000),
		objects:   map[string]*object{},
		pipelines: defaultPipelines(),
		types:     maps.Clone(standardTypes),
		labels:    map[string]int{},
		access:    map[string]access{},
		codes:     map[string]simhttp.Approval{},
		locks:     map[string]time.Time{},
	}
	s.creds = credentialsFor(simhttp.NewRand(cfg.Seed, "hubspot/credentials"), s.portal)
	s.grant.current = s.creds.RefreshToken
	s.zone = time.UTC
	if zone, err := time.LoadLocation(portalZone); err == nil {
		s.zone = zone
	}
	s.limits = newLimits(cfg.Burst, s.zone)
	s.people = newPeople(s)
	s.gate.SetFaults(cfg.Faults)
	s.gate.OnFault(s.injected)
	s.handler = s.gate.Wrap(http.HandlerFunc(s.serve))
	s.makeSchema()
	s.hooks = newHooks(s)
	if !cfg.Empty {
		s.loadDefault()
	}
	return s
}

// portalZone is the portal's time zone: the daily limit resets at its midnight.
const portalZone = "America/New_York"

func credentialsFor(r *simhttp.Rand, portal int64) Credentials {
	return Credentials{
		Token:        "pat-na1-" + uuid(r),
		PortalID:     strconv.FormatInt(portal, 10),
		ClientID:     uuid(r),
		ClientSecret: uuid(r),
		RefreshToken: "na1-" + uuid(r),
	}
}

// uuid draws an id of the shape that HubSpot's correlation ids and secrets have.
func uuid(r *simhttp.Rand) string {
	part := func(digits int) string { return fmt.Sprintf("%0*x", digits, r.IntN(1<<(4*digits))) }
	return part(8) + "-" + part(4) + "-" + part(4) + "-" + part(4) + "-" + part(6) + part(6)
}

// Credentials returns the static token and the app's secrets; equal seeds have equal credentials. What the portal's
// track does not have is blank. The refresh token is the one of the installation, whatever it has been replaced by.
func (s *Sim) Credentials() Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.creds
	switch s.traits.track {
	case trackKey:
		out.ClientID, out.ClientSecret, out.RefreshToken = "", "", ""
	case trackPrivate, trackProject:
		out.RefreshToken = ""
	case trackOAuth:
		out.Token = ""
	}
	return out
}

// CRM implements simhttp.Sim.
func (s *Sim) CRM() string { return "hubspot" }

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Stats implements simhttp.Sim.
func (s *Sim) Stats() map[string]int { return s.gate.Stats() }

// Faults implements simhttp.Sim.
func (s *Sim) Faults() simhttp.Faults { return s.gate.Faults() }

// SetFaults implements simhttp.Sim.
func (s *Sim) SetFaults(f simhttp.Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate.SetFaults(f)
	s.setUniqueTasks(f.UniqueTasks)
}

// SetWebhookURL moves the target of the webhooks; empty: none are sent from now on.
func (s *Sim) SetWebhookURL(url string) { s.hooks.setURL(url) }

// Deliver implements simhttp.Sim: late events leave at once, failed ones are tried again within a second
// until they are delivered or their ten retries are spent.
func (s *Sim) Deliver(ctx context.Context) (simhttp.Delivery, error) {
	return s.hooks.Deliver(ctx, s.hooks.pump)
}

// Run implements simhttp.Sim: it sends webhooks and plays the people until ctx ends.
func (s *Sim) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { s.hooks.pump(ctx) })
	wg.Go(func() { s.people.work(ctx) })
	wg.Wait()
	if err := ctx.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// stamp is the instant of a call: HubSpot keeps milliseconds, and all rows of one batch get the same.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// text is a JSON scalar taken as text, as HubSpot's reader takes numbers and booleans for strings.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
		return errors.New("cannot deserialize value of type `java.lang.String` from Object value")
	}
	if raw[0] == '"' {
		var plain string
		if err := json.Unmarshal(raw, &plain); err != nil {
			return err
		}
		*t = text(plain)
		return nil
	}
	if string(raw) != "null" {
		*t = text(raw)
	}
	return nil
}

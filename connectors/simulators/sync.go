package simulators

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Who wins where the two CRMs differ.
const (
	// PreferRecent takes the value that changed since the last round; where both did, or nothing is known yet,
	// the one of the record that was modified last.
	PreferRecent = "recent"
	// PreferSalesforce takes Salesforce's value unless it is blank.
	PreferSalesforce = "salesforce"
)

const (
	syncEvery    = 10 * time.Minute // between rounds, and up to half as long again
	syncAttempts = 10               // of a record that is refused, until it changes
	syncErrors   = 100              // kept
)

// SyncConfig says how HubSpot's own Salesforce connector is set up. The zero value is a portal without it.
type SyncConfig struct {
	On     bool          `json:"on"`
	Every  time.Duration `json:"-"`      // between two rounds, up to half as long again; 0: 10 min, so 10 to 15
	Prefer string        `json:"prefer"` // PreferRecent (also "") or PreferSalesforce
	Owner  bool          `json:"owner"`  // the owner too, by the users' e-mail addresses
	// CreateLeads makes a Lead of a HubSpot contact that Salesforce does not know.
	CreateLeads bool `json:"create_leads"`
	// CreateContacts makes a HubSpot contact of a Lead or Contact that HubSpot does not know.
	CreateContacts bool `json:"create_contacts"`
	// Fields that are kept equal beside the owner; nil: names, e-mail, phone, title, company, country, zip.
	Fields []SyncField `json:"fields,omitempty"`
}

// SyncField is one mapped field; a blank name means that the object has no such field.
type SyncField struct {
	HubSpot string `json:"hubspot"`
	Lead    string `json:"lead"`
	Contact string `json:"contact"`
}

func (f SyncField) on(object string) string {
	if object == "Lead" {
		return f.Lead
	}
	return f.Contact
}

// SyncStats says what the native sync has done since the start.
type SyncStats struct {
	Rounds          int         `json:"rounds"`
	ToHubSpot       int         `json:"to_hubspot"`    // records written there
	ToSalesforce    int         `json:"to_salesforce"` // records written there
	LeadsCreated    int         `json:"leads_created"`
	ContactsCreated int         `json:"contacts_created"`
	Blocked         int         `json:"blocked"` // records that wait because one of their values was refused
	Errors          []SyncError `json:"errors"`  // the last hundred
}

// SyncError is one refusal: nothing of that record travelled.
type SyncError struct {
	Time       time.Time `json:"time"`
	HubSpot    string    `json:"hubspot,omitempty"`
	Salesforce string    `json:"salesforce,omitempty"`
	Message    string    `json:"message"`
}

// nativeSync is HubSpot's Salesforce connector as the manuals and its users describe it: every ten to fifteen
// minutes it makes both sides equal, whoever wrote them. It knows equal values and nothing else that would stop
// it from going round in circles with another program.
type nativeSync struct {
	hubspot, salesforce simhttp.Stage
	rand                *simhttp.Rand
	changed             chan struct{} // the configuration is new

	round sync.Mutex // one round at a time; guards there, last and tried
	there bool       // HubSpot has the connector's properties
	last  map[string]map[string]string
	tried map[string]attempt

	mu    sync.Mutex
	cfg   SyncConfig
	stats SyncStats
}

// attempt counts the refusals of a record in the state that stamp names.
type attempt struct {
	stamp string
	n     int
}

func newNativeSync(hubspot, salesforce simhttp.Stage, seed uint64) *nativeSync {
	return &nativeSync{
		hubspot: hubspot, salesforce: salesforce, rand: simhttp.NewRand(seed, "native sync"), changed: make(chan struct{}, 1),
		last: map[string]map[string]string{}, tried: map[string]attempt{}, stats: SyncStats{Errors: []SyncError{}},
	}
}

func (c SyncConfig) check() error {
	if c.Prefer != "" && c.Prefer != PreferRecent && c.Prefer != PreferSalesforce {
		return fmt.Errorf("prefer %q: %s or %s", c.Prefer, PreferRecent, PreferSalesforce)
	}
	if c.Every < 0 {
		return fmt.Errorf("every %v: a time longer than nothing", c.Every)
	}
	return nil
}

// fields are the mapped ones, the default ones if none are named.
func (c SyncConfig) fields() []SyncField {
	if c.Fields != nil {
		return c.Fields
	}
	return []SyncField{
		{"email", "Email", "Email"},
		{"firstname", "FirstName", "FirstName"},
		{"lastname", "LastName", "LastName"},
		{"phone", "Phone", "Phone"},
		{"jobtitle", "Title", "Title"},
		{"company", "Company", ""},
		{"country", "Country", "MailingCountry"},
		{"zip", "PostalCode", "MailingPostalCode"},
	}
}

func (y *nativeSync) set(cfg SyncConfig) error {
	if err := cfg.check(); err != nil {
		return err
	}
	if cfg.On {
		y.round.Lock()
		err := y.install()
		y.round.Unlock()
		if err != nil {
			return err
		}
	}
	cfg.Fields = slices.Clone(cfg.Fields)
	y.mu.Lock()
	y.cfg = cfg
	y.mu.Unlock()
	select {
	case y.changed <- struct{}{}:
	default: // already told
	}
	return nil
}

func (y *nativeSync) config() SyncConfig {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.cfg
}

func (y *nativeSync) sofar() SyncStats {
	y.mu.Lock()
	defer y.mu.Unlock()
	s := y.stats
	s.Errors = append([]SyncError{}, s.Errors...)
	return s
}

// work runs a round from time to time until ctx ends.
func (y *nativeSync) work(ctx context.Context) error {
	for {
		var due <-chan time.Time
		stop := func() bool { return true }
		if cfg := y.config(); cfg.On {
			every := cmp.Or(cfg.Every, syncEvery)
			timer := time.NewTimer(y.rand.Between(every, every*3/2))
			due, stop = timer.C, timer.Stop
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-y.changed:
			stop()
		case <-due:
			if err := y.run(y.config()); err != nil {
				return fmt.Errorf("native sync: %w", err)
			}
		}
	}
}

// run plays one round. The error is one of reading the worlds, never a refusal.
func (y *nativeSync) run(cfg SyncConfig) error {
	y.round.Lock()
	defer y.round.Unlock()
	if err := y.install(); err != nil {
		return err
	}
	r, err := y.read(cfg)
	if err != nil {
		return err
	}
	r.play()
	y.mu.Lock()
	y.stats.Rounds++
	y.stats.Blocked = r.blocked
	y.mu.Unlock()
	return nil
}

// install gives HubSpot the properties that come with the connector and outlive it. The caller holds round.
func (y *nativeSync) install() error {
	if y.there {
		return nil
	}
	if err := y.hubspot.Setup(json.RawMessage(`{"salesforce_sync":true}`)); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	y.there = true
	return nil
}

// stat changes the counts.
func (y *nativeSync) stat(change func(*SyncStats)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	change(&y.stats)
}

func (y *nativeSync) refused(hubspot, salesforce string, err error) {
	y.stat(func(s *SyncStats) {
		s.Errors = append(s.Errors, SyncError{time.Now().UTC(), hubspot, salesforce, err.Error()})
		if extra := len(s.Errors) - syncErrors; extra > 0 {
			s.Errors = slices.Delete(s.Errors, 0, extra)
		}
	})
}

// UnmarshalJSON implements json.Unmarshaler: "every" is a text such as "10m".
func (c *SyncConfig) UnmarshalJSON(raw []byte) error {
	type plain SyncConfig
	in := struct {
		*plain
		Every *string `json:"every"`
	}{plain: (*plain)(c)}
	if err := strictly(raw, &in); err != nil {
		return err
	}
	if in.Every != nil {
		every, err := time.ParseDuration(*in.Every)
		if err != nil {
			return fmt.Errorf("every: %w", err)
		}
		c.Every = every
	}
	return c.check()
}

// MarshalJSON implements json.Marshaler.
func (c SyncConfig) MarshalJSON() ([]byte, error) {
	type plain SyncConfig
	return json.Marshal(struct {
		plain
		Every string `json:"every"`
	}{plain(c), cmp.Or(c.Every, syncEvery).String()})
}

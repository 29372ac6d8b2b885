package hubspotsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// setup is the document of Setup: what is absent stays as it is. README.md describes every key.
type setup struct {
	Track          *string              `json:"track"`
	Tier           *string              `json:"tier"`
	Scopes         *[]string            `json:"scopes"`
	RotateRefresh  *bool                `json:"rotate_refresh"`
	Revoked        *bool                `json:"revoked"`
	Locked         *float64             `json:"locked"`
	Migration      *migration           `json:"migration_477"`
	Edge           *map[string]float64  `json:"edge"`
	PreserveMerge  *bool                `json:"preserve_merge_id"`
	Required       *map[string][]rule   `json:"required"`
	CreateRequired *map[string][]string `json:"create_required"`
	LinkLimits     *map[string]int      `json:"link_limits"`
	NoSeat         *[]string            `json:"no_seat"`
	Automation     *[]workflow          `json:"automation"`
	Queues         *[]string            `json:"queue_owners"`
	SalesforceSync *bool                `json:"salesforce_sync"`
	Foreign        *float64             `json:"foreign_webhooks"`
	Subscriptions  []string             `json:"subscriptions"`
	Edge530        *bool                `json:"edge_530"`
	Archived       *[]string            `json:"archived_properties"`
	Retyped        map[string]string    `json:"retyped_properties"`
}

// migration is a portal on its way to another data centre: share of calls that start a spell of 477s, and how
// many seconds it lasts, which Retry-After names.
type migration struct {
	RetryAfter int     `json:"retry_after"`
	Share      float64 `json:"share"`
}

// rule is a conditional required property: while the record's values are as When says, Need must be filled.
type rule struct {
	When map[string]string `json:"when"`
	Need []string          `json:"need"`
}

// traits are what the portal is. The zero value is a portal that takes a private app's token and an OAuth app's
// alike, grants every scope and has no rules of its own.
type traits struct {
	track          string
	tier           string
	scopes         map[string]bool // nil: all of them
	rotates        bool
	revoked        bool
	locked         float64
	migration      migration
	edge           map[string]float64
	preserveMerge  bool
	required       map[string][]rule
	createRequired map[string][]string
	linkLimits     map[string]int
	noSeat         map[string]bool
	automation     []workflow
	foreign        float64
	archived       []string
	edge530        bool // the network answers a malformed token
}

// The tracks: which kind of app the credentials are of.
const (
	trackPrivate = "private_app" // static token, webhooks signed v1
	trackKey     = "service_key" // static token, no webhooks, no secret
	trackProject = "project_app" // static token, webhooks signed v3
	trackOAuth   = "oauth"       // refresh token, webhooks signed v3
)

// tier is what a subscription allows.
type tier struct{ burst, associations, daily int }

var tiers = map[string]tier{
	"free":       {100, 100, 250_000},
	"starter":    {100, 100, 250_000},
	"pro":        {proBurst, associationBurst, proDaily},
	"enterprise": {proBurst, associationBurst, 1_000_000},
}

// Setup implements simhttp.Sim. A document with anything wrong in it changes nothing.
func (s *Sim) Setup(raw json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var set setup
	if err := dec.Decode(&set); err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkSetup(set); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	s.setUp(set)
	return nil
}

func (s *Sim) checkSetup(set setup) error {
	if t := set.Track; t != nil && !slices.Contains([]string{"", trackPrivate, trackKey, trackProject, trackOAuth}, *t) {
		return fmt.Errorf("track %q: private_app, service_key, project_app, oauth or blank", *t)
	}
	if t := set.Tier; t != nil && tiers[*t] == (tier{}) {
		return fmt.Errorf("tier %q: free, starter, pro or enterprise", *t)
	}
	shares := map[string]*float64{"locked": set.Locked, "foreign_webhooks": set.Foreign}
	if set.Migration != nil {
		shares["migration_477"] = &set.Migration.Share
	}
	if set.Edge != nil {
		for _, status := range slices.Sorted(maps.Keys(*set.Edge)) {
			if !slices.Contains(edgeStatuses, status) {
				return fmt.Errorf("edge %q: one of %v", status, edgeStatuses)
			}
			share := (*set.Edge)[status]
			shares["edge "+status] = &share
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shares)) {
		if v := shares[name]; v != nil && (*v < 0 || *v > 1) {
			return fmt.Errorf("%s is %v: a share between 0 and 1", name, *v)
		}
	}
	for _, sub := range set.Subscriptions {
		if !slices.Contains(subscribable, sub) {
			return fmt.Errorf("subscriptions: %q: one of %v", sub, subscribable)
		}
	}
	if err := s.checkRules(set); err != nil {
		return err
	}
	if err := s.checkDrift(set); err != nil {
		return err
	}
	return s.checkAutomation(set.Automation)
}

// checkRules refuses rules about objects and properties that the portal does not have.
func (s *Sim) checkRules(set setup) error {
	named := map[string][]string{}
	if set.Required != nil {
		for object, rules := range *set.Required {
			for _, r := range rules {
				named[object] = append(append(named[object], r.Need...), slices.Collect(maps.Keys(r.When))...)
			}
		}
	}
	if set.CreateRequired != nil {
		for object, names := range *set.CreateRequired {
			named[object] = append(named[object], names...)
		}
	}
	for _, object := range slices.Sorted(maps.Keys(named)) {
		o := s.objects[object]
		if o == nil {
			return fmt.Errorf("required: no object %q", object)
		}
		slices.Sort(named[object])
		for _, name := range named[object] {
			if o.props[name] == nil {
				return fmt.Errorf("required: %s has no property %q", object, name)
			}
		}
	}
	if set.LinkLimits != nil {
		for _, pair := range slices.Sorted(maps.Keys(*set.LinkLimits)) {
			from, to, _ := strings.Cut(pair, ">")
			if plainType(from, to) == 0 {
				return fmt.Errorf("link_limits %q: two objects that can be associated, as in contacts>companies", pair)
			}
		}
	}
	if set.NoSeat != nil {
		for _, email := range *set.NoSeat {
			if s.ownerByEmail(email) == nil {
				return fmt.Errorf("no_seat: no owner has the e-mail %q", email)
			}
		}
	}
	return nil
}

// setUp takes over a checked document.
func (s *Sim) setUp(set setup) {
	t := &s.traits
	take(&t.track, set.Track)
	take(&t.rotates, set.RotateRefresh)
	take(&t.revoked, set.Revoked)
	take(&t.locked, set.Locked)
	take(&t.edge, set.Edge)
	take(&t.preserveMerge, set.PreserveMerge)
	take(&t.required, set.Required)
	take(&t.createRequired, set.CreateRequired)
	take(&t.linkLimits, set.LinkLimits)
	take(&t.automation, set.Automation)
	take(&t.foreign, set.Foreign)
	take(&t.edge530, set.Edge530)
	if set.Tier != nil {
		t.tier = *set.Tier
		s.limits.setTier(tiers[t.tier])
	}
	if set.Migration != nil {
		t.migration = *set.Migration
		s.moving = time.Time{}
	}
	if set.Scopes != nil {
		t.scopes = setOf(*set.Scopes)
		if slices.Contains(*set.Scopes, "*") {
			t.scopes = nil
		}
	}
	if set.NoSeat != nil {
		t.noSeat = map[string]bool{}
		for _, email := range *set.NoSeat {
			t.noSeat[s.ownerByEmail(email).id] = true
		}
	}
	if set.Queues != nil {
		s.setQueues(*set.Queues)
	}
	s.hooks.subscribe(set.Subscriptions)
	s.drift(set)
	if set.SalesforceSync != nil {
		s.setSalesforceSync(*set.SalesforceSync)
	}
}

func take[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// setSalesforceSync makes or takes away the properties that only a portal with the native sync has.
func (s *Sim) setSalesforceSync(on bool) {
	for _, specs := range [...]struct {
		object string
		fields []fieldSpec
	}{
		{"contacts", []fieldSpec{
			{"salesforceleadid", "Salesforce lead ID", "string", "ro"},
			{"salesforcecontactid", "Salesforce contact ID", "string", "ro"},
			{"salesforcelastsynctime", "Salesforce last sync time", "datetime", "ro"},
		}},
		{"companies", []fieldSpec{{"salesforceaccountid", "Salesforce account ID", "string", "ro"}}},
		{"deals", []fieldSpec{{"hs_salesforceopportunityid", "Salesforce opportunity ID", "string", "ro"}}},
	} {
		o := s.objects[specs.object]
		for _, f := range specs.fields {
			if !on {
				delete(o.props, f.name)
			} else if o.props[f.name] == nil {
				o.define(f.property(o.singular + "information"))
			}
		}
	}
}

package salesforcesim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// setup is the document of Setup: what is absent stays as it is, a list replaces the one before. README.md
// tells each key.
type setup struct {
	// outbound messages
	EchoMessages  *bool               `json:"echo_messages"`
	MessageFields map[string][]string `json:"message_fields"`
	// log-in
	RotateRefresh       *bool  `json:"rotate_refresh"`
	AppRevoked          *bool  `json:"app_revoked"`
	RevokeSessions      bool   `json:"revoke_sessions"`
	RevokeSessionsAfter *int   `json:"revoke_sessions_after"`
	InstanceURL         string `json:"instance_url"`
	// limits and locks
	LongRunning *int   `json:"long_running"`
	LockHold    string `json:"lock_hold"`
	// permissions
	Hidden    *[]string `json:"hidden"`
	ReadOnly  *[]string `json:"read_only"`
	NoAccess  *[]string `json:"no_access"`
	ViewSetup *bool     `json:"view_setup"`
	// rules and automation
	ValidationRules *[]validationRule `json:"validation_rules"`
	DuplicateRules  *[]duplicateRule  `json:"duplicate_rules"`
	Flows           *[]flow           `json:"flows"`
	Assignment      *assignment       `json:"assignment"`
	TrackHistory    *[]string         `json:"track_history"`
	// what the org is
	PersonAccounts *bool `json:"person_accounts"`
	MultiCurrency  *bool `json:"multi_currency"`
	CountryLists   *bool `json:"state_country_picklists"`
	Sandbox        *bool `json:"sandbox"`
}

// shape is what the org is, as Setup left it. The zero value is the default org, but for noSetup.
type shape struct {
	echo          bool                // outbound messages tell of the integration user's own changes too
	messageFields map[string][]string // object: fields beside Id

	rotate, appRevoked bool
	revokeAfter        int // calls until all sessions end; 0: never
	movedFrom          string

	longRunning int
	lockHold    time.Duration

	hidden, readOnly, noAccess []string
	noSetup                    bool // the integration user may not view Setup

	validations []validationRule
	duplicates  []duplicateRule
	flows       []flow
	noRule      bool // the lead assignment rule is not active
	createOnly  bool // and, if it is, leaves updates alone
	tracked     []string
	drift       []string // fields of Lead that came over time

	personAccounts, multiCurrency, countryLists, sandbox bool
}

// Setup implements simhttp.Sim.
func (s *Sim) Setup(raw json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var in setup
	if err := dec.Decode(&in); err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkSetup(in); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	s.setUp(in)
	return s.reshape(time.Now().UTC())
}

// checkSetup refuses what would silently mean nothing.
func (s *Sim) checkSetup(in setup) error {
	if in.LockHold != "" {
		if _, err := time.ParseDuration(in.LockHold); err != nil {
			return fmt.Errorf("lock_hold: %w", err)
		}
	}
	for _, name := range slices.Concat(orNone(in.Hidden), orNone(in.ReadOnly), orNone(in.TrackHistory)) {
		kind, column, _ := strings.Cut(name, ".")
		if o := s.keyed[strings.ToLower(kind)]; o == nil || o.field(column) == nil {
			return fmt.Errorf("no field %q", name)
		}
	}
	for _, name := range orNone(in.NoAccess) {
		if s.keyed[strings.ToLower(name)] == nil {
			return fmt.Errorf("no_access: no object %q", name)
		}
	}
	if err := s.checkRules(in); err != nil {
		return err
	}
	return checkTracked(orNone(in.TrackHistory))
}

func orNone[T any](list *[]T) []T {
	if list == nil {
		return nil
	}
	return *list
}

// keep replaces what stands by what the document gives.
func keep[T any](at, given *T) {
	if given != nil {
		*at = *given
	}
}

func (s *Sim) setUp(in setup) {
	set := &s.set
	keep(&set.echo, in.EchoMessages)
	if in.MessageFields != nil {
		set.messageFields = in.MessageFields
	}
	keep(&set.rotate, in.RotateRefresh)
	keep(&set.appRevoked, in.AppRevoked)
	keep(&set.revokeAfter, in.RevokeSessionsAfter)
	if in.RevokeSessions || set.appRevoked {
		clear(s.auth.live)
	}
	if in.InstanceURL != "" {
		s.migrate(in.InstanceURL)
	}
	keep(&set.longRunning, in.LongRunning)
	if in.LockHold != "" {
		set.lockHold, _ = time.ParseDuration(in.LockHold) // checked before
	}
	keep(&set.hidden, in.Hidden)
	keep(&set.readOnly, in.ReadOnly)
	keep(&set.noAccess, in.NoAccess)
	if in.ViewSetup != nil {
		set.noSetup = !*in.ViewSetup
	}
	keep(&set.validations, in.ValidationRules)
	keep(&set.duplicates, in.DuplicateRules)
	keep(&set.flows, in.Flows)
	if in.Assignment != nil {
		s.setAssignment(*in.Assignment)
	}
	keep(&set.tracked, in.TrackHistory)
	keep(&set.personAccounts, in.PersonAccounts)
	keep(&set.multiCurrency, in.MultiCurrency)
	keep(&set.countryLists, in.CountryLists)
	keep(&set.sandbox, in.Sandbox)
}

// reshape builds the schema anew: what the org has (people see it), and what the integration user sees of it.
func (s *Sim) reshape(now time.Time) error {
	var err error
	if s.plain, err = s.schema(false); err != nil {
		return err
	}
	if s.keyed, err = s.schema(true); err != nil {
		return err
	}
	for _, o := range s.keyed {
		tb := s.tables[o.name]
		if tb == nil {
			s.tables[o.name] = newTable(o)
			if o.prefix != "" {
				s.prefixes[o.prefix] = o.name
			}
			continue
		}
		tb.obj = o
		for _, r := range tb.order {
			r.obj = o
		}
	}
	s.born = now.Truncate(time.Second)
	s.reseen()
	s.settle(now)
	return nil
}

// schema is the org's objects, with everything that Setup switched on.
func (s *Sim) schema(uniqueTasks bool) (map[string]*object, error) {
	org, err := orgSchema(uniqueTasks, s.set)
	if err != nil {
		return nil, fmt.Errorf("build the schema: %w", err)
	}
	hide(org, s.cfg.Without)
	return org, nil
}

// reseen chooses the schema and takes from the integration user's view of it what it may not see or write.
func (s *Sim) reseen() {
	unique := s.Faults().UniqueTasks
	s.whole = s.plain
	if unique {
		s.whole = s.keyed
	}
	s.org = s.whole
	s.seen, _ = s.schema(unique) // it was built before
	s.tooling = map[string]*object{"name": s.seen["name"]}
	for name, o := range s.seen {
		hidden := slices.ContainsFunc(s.set.noAccess, func(n string) bool { return strings.EqualFold(n, name) })
		switch {
		case o.tooling:
			if !s.set.noSetup {
				s.tooling[name] = o
			}
			delete(s.seen, name)
		case hidden, o.setup && s.set.noSetup, o.history && !s.tracks(o.parent):
			delete(s.seen, name)
		}
	}
	hide(s.seen, s.set.hidden)
	for _, name := range s.set.readOnly {
		kind, column, _ := strings.Cut(strings.ToLower(name), ".")
		if o := s.seen[kind]; o != nil && o.field(column) != nil {
			o.field(column).createable, o.field(column).updateable = false, false
		}
	}
}

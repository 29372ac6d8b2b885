// Package hubspot speaks with one HubSpot portal. It is the only place that
// knows HubSpot's addresses, property names and status codes; sections named
// in comments are those of HubSpot's developer documentation, as of November
// 2026.
//
// What shapes it: every value is a string on the wire; there is no conditional
// write and no idempotency key; the search index lags behind and lies for
// seconds, so it is used to notice changes and for nothing else; a batch
// answers per row, in no set order.
package hubspot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// APIVersion is the dated API the adapter is written for. 2026-03 also works
// and enforces fewer of the portal's validation rules on writes;
// connectors.Settings.APIVersion chooses.
const APIVersion = "2026-09"

// LaxAPIVersion is the version to fall back on where a portal's own rules
// refuse what handoffd writes and cannot be changed.
const LaxAPIVersion = "2026-03"

const (
	defaultURL     = "https://api.hubapi.com"
	defaultOverlap = 5 * time.Minute // the search index is late by seconds, at worst minutes

	batchSize  = 100   // inputs of a batch call and rows of a list page
	searchSize = 200   // rows of a search page
	maxText    = 65536 // of a property value

	// A private app may send 190 calls in 10 s. A burst of 4 and 18.3 calls/s
	// make 187 at most in any 10 s, which leaves 3 for calls that bunch up on
	// the way. An OAuth app may send 110.
	privateRate rate.Limit = 18.3
	oauthRate   rate.Limit = 10.4
	// Search: 5/s for the whole account, all apps together, and its answers
	// carry no limit headers.
	searchRate rate.Limit = 4
	// Association endpoints have a limit of their own, on the smallest
	// portals 100 in 10 s.
	associationRate rate.Limit = 9.3
)

const (
	burst   = 4   // of every budget but search
	reserve = 0.2 // of the day's calls, for urgent work alone (C7)

	budgetCalls        = "calls"
	budgetSearch       = "search"
	budgetAssociations = "associations"
)

// The kinds the adapter knows, by HubSpot's own names.
const (
	contacts  connectors.Kind = "contacts"
	companies connectors.Kind = "companies"
	deals     connectors.Kind = "deals"
	tasks     connectors.Kind = "tasks"
	leads     connectors.Kind = "leads"
)

// kinds are all of them, for walks in a set order.
func kinds() []connectors.Kind { return []connectors.Kind{contacts, companies, deals, leads, tasks} }

// kindInfo is what differs from one object type to the next.
type kindInfo struct {
	path     string // in addresses
	modified string // the property that moves with every change
	company  string // the property with the primary company's id; "": none
	merges   bool
}

// infoOf is what the adapter knows of a kind; false: nothing.
func infoOf(kind connectors.Kind) (kindInfo, bool) {
	switch kind {
	case contacts:
		// Contacts also have hs_lastmodifieddate, which is another thing.
		return kindInfo{path: "contacts", modified: "lastmodifieddate", company: "associatedcompanyid", merges: true}, true
	case companies:
		return kindInfo{path: "companies", modified: "hs_lastmodifieddate", merges: true}, true
	case deals:
		return kindInfo{path: "deals", modified: "hs_lastmodifieddate", company: "hs_primary_associated_company", merges: true}, true
	case leads:
		return kindInfo{path: "leads", modified: "hs_lastmodifieddate"}, true
	case tasks, connectors.Task:
		return kindInfo{path: "tasks", modified: "hs_lastmodifieddate"}, true
	default:
		return kindInfo{}, false
	}
}

// OwnField is HubSpot's name for one of handoffd's own fields: the same.
func OwnField(name string) string { return name }

// Connector is one portal. Safe for concurrent use.
type Connector struct {
	name    string
	version string
	overlap time.Duration
	http    *crmhttp.Client
	secrets [][]byte // client secrets that sign webhooks, the newest first
	log     *slog.Logger
	token   crmhttp.TokenSource
	grant   *grant            // OAuth; nil: a static token
	static  connectors.Secret // the static token; "": OAuth

	mu      sync.Mutex
	schemas map[string]*schema    // by kindInfo.path
	zone    *time.Location        // the portal's; nil: not read yet
	ui      string                // the host where people see it; "": not read yet
	flights singleflight.Group    // of reading them
	polled  []connectors.Kind     // kinds of records that were ever polled, in order
	links   map[string]knownLinks // of activities, by their id
	people  map[string]string     // owner by HubSpot's user id
	known   map[string]member     // contacts of deals, by id
	hidden  time.Time             // when contacts of deals were last refused to us
}

var (
	_ connectors.Connector = (*Connector)(nil)
	_ connectors.Receiver  = (*Connector)(nil)
	_ connectors.Finder    = (*Connector)(nil)
	_ connectors.Locator   = (*Connector)(nil)
	_ connectors.Describer = (*Connector)(nil)
	_ connectors.Linker    = (*Connector)(nil)
	_ connectors.Meter     = (*Connector)(nil)
	_ connectors.Lacker    = (*Connector)(nil)
	_ connectors.Inspector = (*Connector)(nil)
)

// New makes a connector from a static token (a service key, a private app, a
// project app with static authentication) or from an OAuth refresh token. It
// does no I/O. ClientSecret, where set, verifies webhooks; two of them, comma
// between, while one is being replaced.
func New(s connectors.Settings) (connectors.Connector, error) {
	base := s.URL
	if base == "" {
		base = defaultURL
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, fmt.Errorf("connection %s: the address of HubSpot's API is not an http(s) address", s.Name)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) && s.Transport == nil {
		return nil, fmt.Errorf("connection %s: the address of HubSpot's API must be https", s.Name)
	}
	if s.APIVersion != "" && !dated.MatchString(s.APIVersion) {
		return nil, fmt.Errorf("connection %s: API version %q is not a dated one, such as %s", s.Name, s.APIVersion, APIVersion)
	}
	c := &Connector{
		name: s.Name, version: s.APIVersion, overlap: s.Overlap, log: s.Log,
		schemas: make(map[string]*schema),
	}
	if c.version == "" {
		c.version = APIVersion
	}
	if c.overlap <= 0 {
		c.overlap = defaultOverlap
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	clientSecrets := splitSecrets(s.ClientSecret)
	for _, secret := range clientSecrets {
		c.secrets = append(c.secrets, []byte(secret))
	}
	token, limit, err := c.credentials(s, base, clientSecrets)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", s.Name, err)
	}
	c.token = token
	secrets := []connectors.Secret{s.Token, s.RefreshToken, s.WebhookSecret}
	for _, secret := range clientSecrets {
		secrets = append(secrets, connectors.Secret(secret))
	}
	c.http = crmhttp.New(crmhttp.Config{
		Name:      s.Name,
		Base:      func(context.Context) (string, error) { return base, nil },
		Transport: s.Transport,
		Token:     token,
		Limits: []crmhttp.Budget{
			{Name: budgetCalls, Rate: limit, Burst: burst},
			{Name: budgetSearch, Rate: searchRate, Burst: 1},
			{Name: budgetAssociations, Rate: associationRate, Burst: burst},
		},
		Classify: c.classify,
		Observe:  c.observe,
		Secrets:  secrets,
		Log:      c.log,
		Share:    s.Share,
		Reserve:  reserve,
	})
	return c, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func splitSecrets(s connectors.Secret) []string {
	var out []string
	for _, part := range strings.Split(s.Reveal(), ",") {
		if part = strings.TrimSpace(part); part != "" && len(out) < 2 {
			out = append(out, part)
		}
	}
	return out
}

// dated is what an API version looks like.
var dated = regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])$`)

// Usage implements connectors.Meter.
func (c *Connector) Usage() connectors.Usage { return c.http.Usage() }

// midnight is when the day's count starts again: it does so at midnight in the
// portal's zone (usage guidelines). Zero: the zone has not been read yet.
func (c *Connector) midnight(now time.Time) time.Time {
	c.mu.Lock()
	zone := c.zone
	c.mu.Unlock()
	if zone == nil {
		return time.Time{}
	}
	local := now.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone)
}

// classify is the reading of an answer alone, and no wait beyond the end of
// the portal's day for a day's limit.
func (c *Connector) classify(resp *crmhttp.Response) *connectors.Error {
	e := classify(resp)
	if ends := c.midnight(time.Now()); e.Class == connectors.Throttled && e.RetryAfter >= crmhttp.MaxWait && !ends.IsZero() {
		e.RetryAfter = min(e.RetryAfter, max(time.Until(ends), time.Second))
	}
	return e
}

// observe keeps our rate just under the limit that HubSpot's headers name,
// and the day's numbers. Search answers carry no such headers, OAuth answers
// no daily ones (usage guidelines).
func (c *Connector) observe(client *crmhttp.Client, resp *crmhttp.Response) {
	limit, lerr := strconv.Atoi(resp.Header.Get("X-HubSpot-RateLimit-Max"))
	interval, ierr := strconv.Atoi(resp.Header.Get("X-HubSpot-RateLimit-Interval-Milliseconds"))
	// The header also exists with other intervals; only the burst limit counts.
	if lerr == nil && ierr == nil && interval >= 1000 && interval <= 60_000 && limit > 2*burst {
		seconds := float64(interval) / 1000
		client.SetRate(budgetCalls, rate.Limit((float64(limit)-burst-3)/seconds))
	}
	daily, derr := strconv.Atoi(resp.Header.Get("X-HubSpot-RateLimit-Daily"))
	left, rerr := strconv.Atoi(resp.Header.Get("X-HubSpot-RateLimit-Daily-Remaining"))
	if derr == nil && rerr == nil && daily > 0 {
		client.SetDaily(daily, min(max(left, 0), daily))
		client.SetDayEnds(c.midnight(time.Now()))
	}
}

// objects is the address of a kind's records.
func (c *Connector) objects(info kindInfo, rest string) string {
	return "/crm/objects/" + c.version + "/" + info.path + rest
}

// urgentPurpose reports whether a call is needed for any write to go on: such
// calls are few, and what waits for them may be urgent.
func urgentPurpose(purpose string) bool { return purpose == "find" || purpose == "schema" }

// read does a replay-safe call.
func (c *Connector) read(ctx context.Context, purpose, op, method, path string, query url.Values, body, out any) error {
	_, err := c.ask(ctx, purpose, op, method, path, query, body, out)
	return err
}

// ask is read, with the answer as it came.
func (c *Connector) ask(ctx context.Context, purpose, op, method, path string, query url.Values, body, out any) (*crmhttp.Response, error) {
	budgets := []string{budgetCalls}
	if strings.HasPrefix(path, "/crm/associations/") {
		budgets = []string{budgetAssociations, budgetCalls}
	}
	resp, err := c.http.Do(ctx, crmhttp.Call{
		Purpose: purpose, Op: op, Method: method, Path: path, Query: query, Body: body,
		Budget: budgets, Replayable: true, Urgent: urgentPurpose(purpose),
	})
	if err != nil {
		return nil, err
	}
	return resp, decode(op, connectors.Unavailable, resp, out)
}

// write does a call that is sent once only, and not after the instant that
// one of its writes names. One urgent write makes the whole call urgent: the
// others cost nothing more.
func (c *Connector) write(ctx context.Context, op, path string, group []*pending, body, out any) error {
	resp, err := c.http.Do(ctx, crmhttp.Call{
		Purpose: "write", Op: op, Method: http.MethodPost, Path: path, Body: body,
		Budget: []string{budgetCalls}, NotAfter: deadline(group), Urgent: slices.ContainsFunc(group, (*pending).urgent),
	})
	if err != nil {
		return err
	}
	return decode(op, connectors.Ambiguous, resp, out)
}

// decode reads a 2xx body; one of another shape has the class given.
func decode(op string, class connectors.Class, resp *crmhttp.Response, out any) error {
	if err := unmarshal(resp.Body, out); err != nil {
		return &connectors.Error{Class: class, Op: op, Status: resp.Status, Err: errors.New("the answer does not have the documented shape")}
	}
	return nil
}

func unknownKind(op string, kind connectors.Kind) *connectors.Error {
	return &connectors.Error{Class: connectors.Schema, Op: op, Err: fmt.Errorf("HubSpot has no kind %q that we know", kind)}
}

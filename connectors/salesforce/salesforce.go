// Package salesforce connects handoffd to one Salesforce org over REST.
//
// Three habits shape it. Calls are dear (the org's daily allocation is shared
// with everybody else), so everything travels in composites: five queries or
// five collections of 200 records count as one call. Columns are read only if
// describe shows them, because one unknown column fails a whole query. And
// rows become visible some time after the instant they are stamped with, so
// polling reads back over an overlap and lets the caller drop what it has seen.
package salesforce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/crmhttp"
)

// The kinds this package knows more about than describe says.
const (
	Lead        connectors.Kind = "Lead"
	Contact     connectors.Kind = "Contact"
	Account     connectors.Kind = "Account"
	Opportunity connectors.Kind = "Opportunity"
)

const (
	// defaultVersion is the API version spoken unless Settings.APIVersion says
	// otherwise. Pinned: "latest" would change under us with each release.
	defaultVersion = "60.0"

	defaultOverlap = 10 * time.Minute

	// clientName is what change events show as the origin of our writes.
	clientName = "handoffd"

	loginURL = "https://login.salesforce.com"
	testURL  = "https://test.salesforce.com"

	// Salesforce names no rate for short calls. These keep one daemon from
	// looking like a flood; the daily allocation is what really bounds us.
	callsPerSecond = 25
	callsBurst     = 5
	callsAtOnce    = 10

	apiBudget = "api"

	// urgentShare of our share of the day is kept for owners and escalations (C7).
	urgentShare = 0.2
)

// org is the connector of one Salesforce org.
type org struct {
	name    string
	data    string // "/services/data/v60.0"
	overlap time.Duration
	// unguarded: no path secret is configured, so no message can be believed.
	unguarded bool
	log       *slog.Logger
	http      *crmhttp.Client
	tokens    *tokenSource
	schemas   *schemaStore
	slots     chan struct{}
	tenant    atomic.Pointer[string]
	owns      ownership
	post      postbox
	totals    sync.Map // kind -> int: how many there were when a listing began
}

var (
	_ connectors.Connector = (*org)(nil)
	_ connectors.Finder    = (*org)(nil)
	_ connectors.Locator   = (*org)(nil)
	_ connectors.Describer = (*org)(nil)
	_ connectors.Linker    = (*org)(nil)
	_ connectors.Meter     = (*org)(nil)
	_ connectors.Unsigned  = (*org)(nil)
)

// New makes the connector of one org. It does no I/O.
func New(s connectors.Settings) (connectors.Connector, error) {
	if s.Share < 0 || s.Share > 1 {
		return nil, fmt.Errorf("connection %s: share %v is not between 0 and 1", s.Name, s.Share)
	}
	version := strings.TrimPrefix(s.APIVersion, "v")
	if version == "" {
		version = defaultVersion
	}
	if !validVersion(version) {
		return nil, fmt.Errorf("connection %s: %q is not an API version; write it as in 60.0", s.Name, s.APIVersion)
	}
	log := s.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	tokens, err := newTokenSource(s, log)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", s.Name, err)
	}
	overlap := s.Overlap
	if overlap <= 0 {
		overlap = defaultOverlap
	}
	o := &org{
		name:      s.Name,
		data:      "/services/data/v" + version,
		overlap:   overlap,
		unguarded: s.WebhookSecret == "",
		log:       log,
		tokens:    tokens,
		schemas:   newSchemaStore(),
		slots:     make(chan struct{}, callsAtOnce),
	}
	o.http = crmhttp.New(crmhttp.Config{
		Name:      s.Name,
		Base:      tokens.base,
		Transport: s.Transport,
		Token:     tokens,
		Limits:    []crmhttp.Budget{{Name: apiBudget, Rate: callsPerSecond, Burst: callsBurst}},
		Classify:  judge,
		Observe:   observe,
		Secrets:   []connectors.Secret{s.Token, s.ClientSecret, s.RefreshToken, s.PrivateKey},
		Log:       log,
		Share:     s.Share,
		Reserve:   urgentShare,
	})
	tokens.client, tokens.hide = o.http.Plain("token"), o.http.Hide
	return o, nil
}

// OwnField is the API name of one of handoffd's own fields: "handoff_why" is
// Handoff_Why__c. A name without the prefix is returned as it is.
func OwnField(name string) string {
	if !strings.HasPrefix(name, connectors.OwnFieldPrefix) {
		return name
	}
	parts := strings.Split(name, "_")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "_") + "__c"
}

func validVersion(v string) bool {
	major, minor, ok := strings.Cut(v, ".")
	return ok && minor == "0" && len(major) == 2 && digits(major)
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// objectOf is the sObject behind a kind.
func objectOf(kind connectors.Kind) string {
	if kind == connectors.Task {
		return taskObject
	}
	return string(kind)
}

// do sends one call within the connection's caps.
func (o *org) do(ctx context.Context, call crmhttp.Call) (*crmhttp.Response, error) {
	select {
	case o.slots <- struct{}{}:
		defer func() { <-o.slots }()
	case <-ctx.Done():
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: call.Op, Err: ctx.Err()}
	}
	call.Budget = []string{apiBudget}
	was := o.tokens.latest.Load()
	resp, err := o.http.Do(ctx, call)
	if err == nil || was == nil || !strings.Contains(err.Error(), errNoAPI.Error()) { // the client keeps words only
		return resp, err
	}
	// The org may have moved: its old address then shows a page, and only a new
	// token names the new one. Nothing was applied by a page.
	o.tokens.end(was)
	if _, terr := o.tokens.Token(ctx); terr != nil {
		return nil, err
	}
	if now := o.tokens.latest.Load(); now == nil || now.instance == was.instance {
		return nil, err
	}
	return o.http.Do(ctx, call)
}

// get reads one address that is given as path and query, as nextRecordsUrl is.
func (o *org) get(ctx context.Context, purpose, op, address string, header http.Header) (*crmhttp.Response, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/services/data/") {
		return nil, &connectors.Error{Class: connectors.Unavailable, Op: op, Err: errors.New("the CRM named an address outside its API")}
	}
	return o.do(ctx, crmhttp.Call{
		Purpose: purpose, Op: op, Method: http.MethodGet, Path: u.Path, Query: u.Query(), Header: header, Replayable: true, Urgent: urgentPurpose(purpose),
	})
}

// urgentPurpose reports whether a call is needed for any write to go on: such
// calls are few, and what waits for them may be urgent (C7).
func urgentPurpose(purpose string) bool { return purpose == purposeFind || purpose == purposeSchema }

// Usage is what the connection has spent.
func (o *org) Usage() connectors.Usage { return o.http.Usage() }

// judge classes an answer that is not 2xx. Both limits on calls have one code;
// where the words do not say which was met, the org's own count does.
func judge(resp *crmhttp.Response) *connectors.Error {
	e := classify("", resp.Status, resp.Body)
	used, limit, ok := parseLimitInfo(resp.Header.Get("Sforce-Limit-Info"))
	if codeOf(e) == codeLimit && !strings.Contains(e.Err.Error(), "TotalRequests") && ok && used < limit {
		e.RetryAfter = concurrentWait
	}
	return e
}

// observe reads the org's own count of its day, which every answer carries.
func observe(c *crmhttp.Client, resp *crmhttp.Response) {
	if used, limit, ok := parseLimitInfo(resp.Header.Get("Sforce-Limit-Info")); ok {
		c.SetDaily(limit, max(0, limit-used))
	}
}

// parseLimitInfo reads "api-usage=18/5000", which may stand among others.
func parseLimitInfo(s string) (used, limit int, ok bool) {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		value, found := strings.CutPrefix(part, "api-usage=")
		if !found {
			continue
		}
		a, b, _ := strings.Cut(value, "/")
		used, err1 := strconv.Atoi(a)
		limit, err2 := strconv.Atoi(b)
		return used, limit, err1 == nil && err2 == nil && used >= 0 && limit > 0
	}
	return 0, 0, false
}

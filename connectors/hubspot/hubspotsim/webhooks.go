package hubspotsim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Delivery rules.
const (
	maxEvents    = 100             // events of one request
	maxInFlight  = 10              // requests at once
	answerWithin = 5 * time.Second // slower is a failure
	maxRetries   = 10              // after the first attempt
	firstRetry   = 84 * time.Second
)

// Subscription is one of the app's webhook subscriptions.
type Subscription struct {
	Type     string // "contact.creation", "company.propertyChange", …; or generic: "object.creation", …
	Property string // for a propertyChange: which
	Object   string // for a generic one: the object's name or type id
}

// DefaultSubscriptions are what a handoff needs: the contact's trigger fields, owner and status, the
// company's and deal's matching fields, and deletions and merges of all three.
func DefaultSubscriptions() []Subscription {
	var out []Subscription
	for _, singular := range [...]string{"contact", "company", "deal"} {
		for _, what := range [...]string{"creation", "deletion", "merge"} {
			out = append(out, Subscription{Type: singular + "." + what})
		}
	}
	out = append(out, Subscription{Type: "contact.privacyDeletion"})
	for _, sub := range [...]struct {
		singular   string
		properties []string
	}{
		{"contact", []string{
			"recent_conversion_date", "recent_conversion_event_name", "intent_signal", "hubspot_owner_id",
			"handoff_status", "handoff_return_reason", "hs_lead_status",
		}},
		{"company", []string{"name", "domain", "hubspot_owner_id"}},
		{"deal", []string{"dealstage", "hubspot_owner_id", "handoff_status", "handoff_return_reason"}},
	} {
		for _, property := range sub.properties {
			out = append(out, Subscription{Type: sub.singular + ".propertyChange", Property: property})
		}
	}
	return out
}

// hookEvent is one event as it stands in the array that HubSpot posts.
type hookEvent struct {
	EventID        int64   `json:"eventId"`
	SubscriptionID int64   `json:"subscriptionId"`
	PortalID       int64   `json:"portalId"`
	AppID          int64   `json:"appId"`
	OccurredAt     int64   `json:"occurredAt"`
	Type           string  `json:"subscriptionType"`
	Attempt        int     `json:"attemptNumber"`
	ObjectID       int64   `json:"objectId,omitempty"` // an association has two ends and none
	Property       string  `json:"propertyName,omitempty"`
	Value          *string `json:"propertyValue,omitempty"`
	ChangeFlag     string  `json:"changeFlag,omitempty"`
	ObjectType     string  `json:"objectTypeId,omitempty"`
	Sensitive      *bool   `json:"isSensitive,omitempty"`
	ChangeSource   string  `json:"changeSource"`
	SourceID       string  `json:"sourceId,omitempty"`
	Primary        int64   `json:"primaryObjectId,omitempty"`
	Merged         []int64 `json:"mergedObjectIds,omitempty"`
	NewID          int64   `json:"newObjectId,omitempty"`
	Moved          *int    `json:"numberOfPropertiesMoved,omitempty"`
	LinkType       string  `json:"associationType,omitempty"`
	FromType       string  `json:"fromObjectTypeId,omitempty"`
	ToType         string  `json:"toObjectTypeId,omitempty"`
	From           int64   `json:"fromObjectId,omitempty"`
	To             int64   `json:"toObjectId,omitempty"`
	LinkRemoved    *bool   `json:"associationRemoved,omitempty"`
	LinkPrimary    *bool   `json:"isPrimaryAssociation,omitempty"`
}

// hooks sends webhooks: what happens is given to the post, pump takes it from there.
type hooks struct {
	*simhttp.Post[hookEvent]
	sim    *Sim
	client *http.Client
	subs   map[Subscription]int64
	slots  chan struct{}

	url    string // under the post's lock
	events int64  // the same
}

// subscribable are the subscriptions that an admin may add to those that are there from the start: the ones that
// tell of what no poll shows.
var subscribable = []string{
	"contact.associationChange", "company.associationChange", "deal.associationChange", "contact.restore", "company.restore", "deal.restore",
}

// subscribe adds subscriptions of an object's own kind.
func (h *hooks) subscribe(types []string) {
	for _, t := range types {
		if sub := (Subscription{Type: t}); h.subs[sub] == 0 {
			h.subs[sub] = firstSubscription + int64(len(h.subs))
		}
	}
}

const (
	firstSubscription = 7_662_000
	sharedID          = 10 // an id is "not guaranteed to be unique": one event in so many has that of the one before
)

func newHooks(s *Sim) *hooks {
	subs := s.cfg.Hooks
	if subs == nil {
		subs = DefaultSubscriptions()
	}
	h := &hooks{
		Post:   simhttp.NewPost[hookEvent](simhttp.NewRand(s.cfg.Seed, "hubspot/webhooks")),
		sim:    s,
		client: &http.Client{Transport: s.cfg.Transport, Timeout: answerWithin, CheckRedirect: noRedirect},
		subs:   make(map[Subscription]int64, len(subs)),
		slots:  make(chan struct{}, maxInFlight),
		url:    s.cfg.WebhookURL,
	}
	for i, sub := range subs {
		if o := s.object(sub.Object); o != nil {
			sub.Object = o.typeID
		}
		h.subs[sub] = firstSubscription + int64(i)
	}
	return h
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (h *hooks) setURL(url string) {
	h.Lock()
	defer h.Unlock()
	h.url = url
}

func (h *hooks) created(rec *record, by source, now time.Time) {
	h.emit(rec, "creation", "", hookEvent{ChangeFlag: "CREATED"}, by, now)
}

func (h *hooks) changed(rec *record, property string, by source, now time.Time) {
	value := rec.values[property]
	h.emit(rec, "propertyChange", property, hookEvent{Property: property, Value: &value}, by, now)
}

func (h *hooks) deleted(rec *record, by source, now time.Time) {
	h.emit(rec, "deletion", "", hookEvent{ChangeFlag: "DELETED"}, by, now)
}

func (h *hooks) restored(rec *record, by source, now time.Time) {
	h.emit(rec, "restore", "", hookEvent{ChangeFlag: "RESTORED"}, by, now)
}

func (h *hooks) erased(rec *record, by source, now time.Time) {
	h.emit(rec, "privacyDeletion", "", hookEvent{ChangeFlag: "DELETED"}, by, now)
}

func (h *hooks) merged(rec, primary, other *record, moved int, by source, now time.Time) {
	h.emit(rec, "merge", "", hookEvent{
		Primary: int64(primary.num), Merged: []int64{int64(other.num)}, NewID: int64(rec.num), Moved: &moved,
	}, by, now)
}

// linked tells both ends of an association that came or went; the primary one is told beside the plain
// one, as an event of its own.
func (h *hooks) linked(from, to *record, primary, removed bool, by source, now time.Time) {
	if by.kind == "CRM_UI" { // the manual's sample says USER here, and only here
		by.kind = "USER"
	}
	for _, ends := range [...][2]*record{{from, to}, {to, from}} {
		a, b := ends[0], ends[1]
		h.emit(a, "associationChange", "", hookEvent{
			LinkType: strings.ToUpper(a.of.singular + "_to_" + b.of.singular), From: int64(a.num), To: int64(b.num),
			FromType: a.of.typeID, ToType: b.of.typeID,
			LinkRemoved: &removed, LinkPrimary: &primary,
		}, by, now)
	}
}

// emit puts an event on the agenda once for each subscription that asks for it: the object's own kind of
// subscription, and the generic one, whose events carry the type id. A service key has no webhooks.
func (h *hooks) emit(rec *record, what, property string, e hookEvent, by source, now time.Time) {
	if h.sim.loading || h.sim.traits.track == trackKey {
		return
	}
	plain := false
	for _, sub := range [...]Subscription{
		{rec.of.singular + "." + what, property, ""}, {"object." + what, property, rec.of.typeID},
	} {
		id, subscribed := h.subs[sub]
		if !subscribed || (sub.Object != "" && silent(rec.of)) {
			continue
		}
		e := e
		e.SubscriptionID, e.Type = id, sub.Type
		if sub.Object == "" {
			e.FromType, e.ToType = "", ""
		} else {
			e.ObjectType, e.Sensitive = rec.of.typeID, &plain
			if e.From != 0 { // the types of its ends stand in for the object's, and for the name of the two
				e.ObjectType, e.LinkType = "", ""
			}
		}
		h.plan(rec, e, by, now)
	}
}

// silent says that no event is sent for an object: nobody has seen webhooks of activities that can be relied on.
func silent(o *object) bool { return gatedBy[o.name] != "" }

// plan puts one event on the agenda, after the faults have had their say.
func (h *hooks) plan(rec *record, e hookEvent, by source, now time.Time) {
	h.Lock()
	defer h.Unlock()
	if h.url == "" {
		return
	}
	h.events++
	e.EventID, e.PortalID, e.AppID = 100_000+h.events, h.sim.portal, appID
	if h.events%sharedID == 0 {
		e.EventID--
	}
	e.OccurredAt = now.UnixMilli()
	if e.From == 0 {
		e.ObjectID = int64(rec.num)
	}
	e.ChangeSource, e.SourceID = by.kind, by.id
	f := h.sim.Faults().Webhooks
	if h.Lost(f) {
		return
	}
	if h.Rand.Chance(max(f.WrongPortal, h.sim.traits.foreign)) {
		e.PortalID++ // signed by the same app, for a portal that is not this one
	}
	h.Plan(e, now, h.sim.cfg.Latency, f)
}

// pump sends what is due until ctx ends; it returns when its last request has.
func (h *hooks) pump(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer h.Leave()
	for {
		select {
		case h.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		batch := h.Take(maxEvents, h.sim.Faults().Webhooks)
		if len(batch) == 0 {
			<-h.slots
			if !h.Wait(ctx) {
				return
			}
			continue
		}
		wg.Go(func() {
			h.send(ctx, batch)
			<-h.slots
		})
	}
}

// send posts one array and settles its events: delivered, to be tried again, or given up.
func (h *hooks) send(ctx context.Context, batch []hookEvent) {
	delivered := h.post(ctx, batch)
	h.Lock()
	defer h.Unlock()
	now := time.Now()
	for _, e := range batch {
		switch {
		case delivered:
			h.Done.Delivered++
		case ctx.Err() != nil && e.Attempt <= maxRetries: // stopped, not refused: the next pump sends it
			h.Again(now, e)
		case e.Attempt >= maxRetries:
			h.Done.Failed++
		default:
			e.Attempt++
			h.Again(now.Add(h.backoff(e.Attempt)), e)
		}
	}
	h.Landed(len(batch))
}

// backoff is the randomised wait before the n-th retry, n from 1; ten of them fill about a day.
func (h *hooks) backoff(n int) time.Duration {
	base := h.sim.cfg.Retry
	if base <= 0 {
		base = firstRetry
	}
	return h.Hurried(time.Duration(float64(base<<(n-1)) * (0.5 + h.Rand.Float64())))
}

// post sends one array and writes into the ledger what was sent where.
func (h *hooks) post(ctx context.Context, batch []hookEvent) bool {
	sent := simhttp.Sent{Time: time.Now().UTC(), CRM: h.sim.CRM()}
	for _, e := range batch {
		sent.Events = append(sent.Events, strconv.FormatInt(e.EventID, 10))
	}
	sent.URL, sent.Status = h.request(ctx, batch)
	h.sim.cfg.History.Delivered(sent)
	return sent.Status >= 200 && sent.Status < 300
}

// request posts one array; status 0 is no answer.
func (h *hooks) request(ctx context.Context, batch []hookEvent) (url string, status int) {
	body, err := json.Marshal(batch)
	if err != nil {
		return "", 0
	}
	h.sim.mu.Lock()
	track := h.sim.traits.track
	h.sim.mu.Unlock()
	h.Lock()
	url = h.url
	h.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return url, 0
	}
	at := strconv.FormatInt(time.Now().UnixMilli(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "HubSpot Connect 2.0 (https://dev.hubspot.com/) - WebhooksExecution")
	if track != trackPrivate { // documented with v1 alone
		req.Header.Set("X-HubSpot-Request-Timestamp", at)
		req.Header.Set("X-HubSpot-Signature-v3", signV3(h.sim.creds.ClientSecret, url, body, at))
	}
	req.Header.Set("X-HubSpot-Signature-Version", "v1")
	req.Header.Set("X-HubSpot-Signature", signV1(h.sim.creds.ClientSecret, body))
	resp, err := h.client.Do(req)
	if err != nil {
		return url, 0
	}
	defer resp.Body.Close()                                      //nolint:errcheck // nothing was written
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // the answer's body means nothing
	return url, resp.StatusCode
}

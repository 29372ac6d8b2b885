package hubspotsim_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

const target = "https://hooks.example.com/webhooks/hubspot"

// receiver takes webhooks, checks them and remembers the events.
type receiver struct {
	t      *testing.T
	secret string
	refuse func(n int) int // status for request n, from 1; nil: 200

	mu       sync.Mutex
	requests int
	flying   int
	most     int
	at       []time.Time
	events   []map[string]any
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	stamp := req.Header.Get("X-HubSpot-Request-Timestamp")
	mac := hmac.New(sha256.New, []byte(r.secret))
	mac.Write([]byte("POST" + target + string(body) + stamp))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); req.Header.Get("X-HubSpot-Signature-v3") != want {
		r.t.Errorf("signature %q, want %q", req.Header.Get("X-HubSpot-Signature-v3"), want)
	}
	if stamp != fmt.Sprint(time.Now().UnixMilli()) {
		r.t.Errorf("timestamp %s, want now", stamp)
	}
	var events []map[string]any
	if err := json.Unmarshal(body, &events); err != nil || len(events) == 0 || len(events) > 100 {
		r.t.Errorf("%d events, %v", len(events), err)
	}
	r.mu.Lock()
	r.requests++
	n := r.requests
	r.flying++
	r.most = max(r.most, r.flying)
	r.at = append(r.at, time.Now())
	r.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying--
	if r.refuse != nil {
		if status := r.refuse(n); status != 200 {
			if status == 0 {
				time.Sleep(6 * time.Second)
			}
			w.WriteHeader(max(status, 200))
			return
		}
	}
	r.events = append(r.events, events...)
}

// names lists the received events as "contact.creation" or "contact.propertyChange email".
func (r *receiver) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		name, _ := e["subscriptionType"].(string)
		if property, has := e["propertyName"].(string); has {
			name += " " + property
		}
		out = append(out, name)
	}
	return out
}

// all returns the received events.
func (r *receiver) all() []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// hooked starts a portal that sends webhooks to a receiver, inside a bubble.
func hooked(t *testing.T, cfg hubspotsim.Config) (*portal, *receiver) {
	t.Helper()
	r := &receiver{t: t}
	cfg.WebhookURL = target
	cfg.Transport = simhttp.Carrier(map[string]http.Handler{"hooks.example.com": r})
	p := newPortal(t, cfg)
	r.secret = p.sim.Credentials().ClientSecret
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.sim.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return p, r
}

func (p *portal) deliver() simhttp.Delivery {
	p.t.Helper()
	d, err := p.sim.Deliver(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func TestWebhookEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, r := hooked(t, hubspotsim.Config{})
		id := p.edit("submit_form", "contacts", "", map[string]any{"form": "Demo request", "email": "dana@acme.com"})
		p.must("PATCH", contacts+"/"+id, `{"properties":{"handoff_status":"Assigned","jobtitle":"not subscribed","hubspot_owner_id":"`+p.owner("ana")+`"}}`)
		p.must("PATCH", contacts+"/"+id, `{"properties":{"handoff_status":"Assigned"}}`) // no change, no event
		other := p.contact(`{"email":"other@acme.com"}`)
		p.edit("merge", "contacts", other, map[string]any{"into": id})
		time.Sleep(time.Second)
		want := "contact.creation; contact.propertyChange recent_conversion_date; contact.propertyChange recent_conversion_event_name; " +
			"contact.propertyChange handoff_status; contact.propertyChange hubspot_owner_id; contact.creation; contact.merge"
		if got := strings.Join(r.names(), "; "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		merge := r.events[6]
		if fmt.Sprintf("%.0f", merge["primaryObjectId"]) != id || fmt.Sprint(merge["mergedObjectIds"]) != "["+other+"]" || merge["newObjectId"] != merge["objectId"] {
			t.Errorf("merge: %v", merge)
		}
		if d := p.deliver(); d != (simhttp.Delivery{Delivered: 7}) {
			t.Errorf("delivery: %+v", d)
		}
	})
}

// TestWebhookRetries holds that an answer other than 2xx, and one after five seconds, is tried again with
// the attempt's number, up to ten times.
func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		refuse func(int) int
		want   simhttp.Delivery
		tries  int
	}{
		{"third time lucky", func(n int) int { return []int{500, 401, 200}[n-1] }, simhttp.Delivery{Delivered: 1}, 3},
		{"too slow once", func(n int) int { return []int{0, 200}[n-1] }, simhttp.Delivery{Delivered: 1}, 2},
		{"never", func(int) int { return 503 }, simhttp.Delivery{Failed: 1}, 11},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, r := hooked(t, hubspotsim.Config{})
				r.refuse = tc.refuse
				p.contact(`{"email":"a@example.org"}`)
				time.Sleep(48 * time.Hour)
				if d := p.deliver(); d != tc.want || r.requests != tc.tries {
					t.Errorf("got %+v after %d tries, want %+v after %d", d, r.requests, tc.want, tc.tries)
				}
				if tc.want.Delivered == 1 && fmt.Sprint(r.events[0]["attemptNumber"]) != fmt.Sprint(tc.tries-1) {
					t.Errorf("attemptNumber: %v", r.events[0]["attemptNumber"])
				}
				if spread := r.at[len(r.at)-1].Sub(r.at[0]); tc.tries == 11 && (spread < 10*time.Hour || spread > 40*time.Hour) {
					t.Errorf("ten retries within %v, want about a day", spread)
				}
			})
		})
	}
}

// TestDeliver holds that Deliver brings forward what waits, and answers when nothing is pending.
func TestDeliver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, r := hooked(t, hubspotsim.Config{Faults: simhttp.Faults{Webhooks: simhttp.WebhookFaults{Late: 1}}})
		for i := range 250 {
			p.contact(fmt.Sprintf(`{"email":"c%d@example.org"}`, i))
			if i%100 == 99 {
				time.Sleep(10 * time.Second) // the burst limit
			}
		}
		r.refuse = func(n int) int { return map[bool]int{true: 500, false: 200}[n == 1] }
		began := time.Now()
		if d := p.deliver(); d != (simhttp.Delivery{Delivered: 250}) || time.Since(began) > 5*time.Second {
			t.Errorf("got %+v after %v", d, time.Since(began))
		}
		if r.most > 10 {
			t.Errorf("%d requests at once", r.most)
		}
	})
}

// TestDeliverAlone holds that Deliver sends although nothing else runs.
func TestDeliverAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{t: t}
		p := newPortal(t, hubspotsim.Config{
			WebhookURL: target, Transport: simhttp.Carrier(map[string]http.Handler{"hooks.example.com": r}),
			Hooks: []hubspotsim.Subscription{},
		})
		r.secret = p.sim.Credentials().ClientSecret
		if err := p.sim.Setup([]byte(`{"subscriptions":["contact.associationChange"]}`)); err != nil {
			t.Fatal(err)
		}
		id := p.contact(`{"email":"a@example.org"}`)
		p.must("PUT", contacts+"/"+id+"/associations/default/companies/11", "")
		p.must("DELETE", contacts+"/"+id+"/associations/companies/11", "")
		if d := p.deliver(); d != (simhttp.Delivery{Delivered: 4}) {
			t.Errorf("delivery: %+v", d)
		}
		var got []string
		for _, e := range r.events {
			got = append(got, fmt.Sprint(e["associationType"], " ", e["toObjectId"], " removed ", e["associationRemoved"], " primary ", e["isPrimaryAssociation"]))
		}
		want := "CONTACT_TO_COMPANY 11 removed false primary false; CONTACT_TO_COMPANY 11 removed false primary true; " +
			"CONTACT_TO_COMPANY 11 removed true primary true; CONTACT_TO_COMPANY 11 removed true primary false"
		if strings.Join(got, "; ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
		}
	})
}

// TestWebhookFaults holds that events are lost, doubled and shuffled in about the shares asked for.
func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, r := hooked(t, hubspotsim.Config{Burst: 100_000, Faults: simhttp.Faults{Webhooks: simhttp.WebhookFaults{Drop: 0.2, Double: 0.3, Shuffle: 0.5}}})
		const n = 1000
		for i := range n {
			p.contact(fmt.Sprintf(`{"email":"c%d@example.org"}`, i))
			time.Sleep(5 * time.Millisecond)
		}
		d := p.deliver()
		if d.Dropped < 150 || d.Dropped > 250 || d.Pending != 0 {
			t.Errorf("delivery %+v", d)
		}
		ids, swapped, last := map[string]int{}, 0, 0.0
		for _, e := range r.events {
			id, _ := e["eventId"].(float64)
			ids[fmt.Sprint(id, e["objectId"])]++ // two events may share an id
			if id < last {
				swapped++
			}
			last = id
		}
		if len(ids) != n-d.Dropped || d.Delivered-len(ids) < n/6 || swapped < n/10 {
			t.Errorf("%d of %d events, %d twice, %d out of order", len(ids), n, d.Delivered-len(ids), swapped)
		}
	})
}

// TestPeople holds that a rep accepts what is newly assigned, within five seconds, and not what was taken
// away from them meanwhile.
func TestPeople(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := hooked(t, hubspotsim.Config{People: 5})
		ana, ben := p.owner("ana"), p.owner("ben")
		assigned := func(name, owner string) string {
			return p.contact(fmt.Sprintf(`{"email":"%s@example.org","hubspot_owner_id":"%s","handoff_status":"Assigned"}`, name, owner))
		}
		status := func(id string) string {
			return p.must("GET", contacts+"/"+id+"?properties=handoff_status", "").text("properties", "handoff_status")
		}
		one, two, three := assigned("one", ana), assigned("two", ana), assigned("three", ana)
		time.Sleep(100 * time.Millisecond)
		p.must("PATCH", contacts+"/"+three, `{"properties":{"hubspot_owner_id":"`+ben+`"}}`)
		p.must("PATCH", contacts+"/"+two, `{"properties":{"hubspot_owner_id":"`+ben+`","handoff_status":"Returned"}}`)
		time.Sleep(300 * time.Millisecond)
		if got := status(one); got != "Assigned" {
			t.Errorf("after 0.4 s: %s", got)
		}
		time.Sleep(5 * time.Second)
		if got := status(one); got != "Accepted" {
			t.Errorf("after 5.4 s: %s", got)
		}
		if got := status(two); got != "Returned" {
			t.Errorf("given back: %s", got)
		}
		a := p.must("GET", contacts+"/"+one+"?propertiesWithHistory=handoff_status", "")
		if a.text("propertiesWithHistory", "handoff_status", 0, "sourceType") != "CRM_UI" {
			t.Errorf("who accepted: %s", a.raw)
		}
		a = p.must("GET", contacts+"/"+three+"?propertiesWithHistory=handoff_status", "")
		userOfBen := fmt.Sprintf("userId:%.0f", p.must("GET", "/crm/owners/2026-09/"+ben, "").at("userId"))
		if a.text("propertiesWithHistory", "handoff_status", 0, "sourceId") != userOfBen {
			t.Errorf("who accepted what went from ana to ben: %s", a.raw)
		}
	})
}

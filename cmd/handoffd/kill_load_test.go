package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ledger is what the outside world knows: who has filled in which form, and
// which webhooks were acknowledged.
type ledger struct {
	mu    sync.Mutex
	made  int
	forms map[string]string // by contact
	acked [][]byte          // bodies that were answered 2xx
}

func (l *ledger) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	return l.made
}

func (l *ledger) submitted(contact, form string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.forms == nil {
		l.forms = map[string]string{}
	}
	l.forms[contact] = form
}

func (l *ledger) acknowledged(body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, body)
}

func (l *ledger) signals() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.forms)
}

func (l *ledger) webhooks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// pace is how long each of the four senders rests between two buyers.
const pace = 40 * time.Millisecond

// load lets buyers arrive, each with a form and its webhook, until there are
// enough; when ctx ends it drops everything.
func (k *killTest) load(ctx context.Context) {
	for ctx.Err() == nil && !k.isEnough() {
		n := k.ledger.next()
		form := "Demo request"
		if n%3 == 0 {
			form = "Contact sales"
		}
		id, err := k.submit(n, form)
		if err != nil {
			k.t.Errorf("buyer %d: %v", n, err)
			return
		}
		k.ledger.submitted(id, form)
		body, err := k.events(n, id)
		if err != nil {
			k.t.Error(err)
			return
		}
		k.deliver(ctx, body)
		if n%10 == 0 {
			k.deliver(ctx, body) // the same once more, as senders do
		}
		time.Sleep(pace) // the daemon is a process outside
	}
}

func (k *killTest) isEnough() bool {
	select {
	case <-k.enough:
		return true
	default:
		return false
	}
}

// events is the body of the webhook about one buyer.
func (k *killTest) events(n int, id string) ([]byte, error) {
	now := time.Now().UnixMilli()
	event := func(subscription int, more map[string]any) map[string]any {
		e := map[string]any{
			"eventId": n, "subscriptionId": subscription, "portalId": json.Number(k.sim.HubSpot.PortalID), "appId": 1,
			"occurredAt": now, "attemptNumber": 0, "objectId": json.Number(id), "changeSource": "FORM",
		}
		for name, v := range more {
			e[name] = v
		}
		return e
	}
	return json.Marshal([]map[string]any{
		event(1, map[string]any{"subscriptionType": "contact.creation"}),
		event(2, map[string]any{
			"subscriptionType": "contact.propertyChange",
			"propertyName":     "recent_conversion_date", "propertyValue": strconv.FormatInt(now, 10),
		}),
	})
}

func (k *killTest) submit(n int, form string) (string, error) {
	raw, err := json.Marshal(map[string]any{"crm": "hubspot", "object": "contacts", "op": "submit_form", "fields": map[string]any{
		"page": "Pricing", "form": form, "email": fmt.Sprintf("buyer%d@newco%d.example", n, n%50), "firstname": "Buyer", "lastname": fmt.Sprint(n),
		"company": fmt.Sprintf("Newco %d", n%50), "country": "United States",
	}})
	if err != nil {
		return "", err
	}
	resp, err := http.Post(k.sim.Control.URL+"/edit", "application/json", bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var ids map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&ids); err != nil {
		return "", err
	}
	return ids["id"], nil
}

// hookURL is the address that webhooks are sent to and signed for.
func (k *killTest) hookURL() string { return "http://" + k.webhook + "/webhooks/hubspot" }

// deliver sends a body, signed anew each time as the CRM does, until it is
// acknowledged or ctx ends.
func (k *killTest) deliver(ctx context.Context, body []byte) {
	for began := time.Now(); time.Since(began) < time.Minute; {
		resp, err := http.DefaultClient.Do(k.signed(body))
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode/100 == 2 {
				k.ledger.acknowledged(body)
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // the daemon is down; it is a process outside
	}
	k.t.Errorf("a webhook was never acknowledged")
}

func (k *killTest) signed(body []byte) *http.Request {
	req, err := http.NewRequestWithContext(context.WithoutCancel(k.t.Context()), http.MethodPost, k.hookURL(), bytes.NewReader(body))
	if err != nil {
		panic(err) // the address is ours
	}
	sign(req, k.sim.HubSpot.ClientSecret, body, time.Now())
	return req
}

// sign signs a webhook as HubSpot does, version 3.
func sign(req *http.Request, secret string, body []byte, at time.Time) {
	stamp := strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, req.Method+req.URL.String()+string(body)+stamp) // a hash never fails to write
	req.Header.Set("X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	req.Header.Set("X-HubSpot-Request-Timestamp", stamp)
	req.Header.Set("Content-Type", "application/json")
}

// wire is the line between the daemon and a CRM. It holds the answer to each
// create back for a moment, so that a kill falls between what a CRM has done
// and what the daemon knows of it.
type wire struct {
	url     string
	applied chan struct{} // a record was made, the answer is on its way
}

// holdReply is the longest an answer is held back, and half of it the shortest.
const holdReply = 100 * time.Millisecond

func newWire(t *testing.T, to string, seed uint64) *wire {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{applied: make(chan struct{})}
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 4))
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) },
		ModifyResponse: func(resp *http.Response) error {
			if strings.HasSuffix(resp.Request.URL.Path, "/oauth2/token") {
				return replaceBody(resp, to, w.url) // the org names its own address
			}
			if creates, _ := resp.Request.Context().Value(creating{}).(bool); creates {
				select {
				case w.applied <- struct{}{}:
				default: // nobody waits for it
				}
				mu.Lock()
				hold := holdReply/2 + time.Duration(r.Int64N(int64(holdReply/2)))
				mu.Unlock()
				time.Sleep(hold) // between two processes
			}
			return nil
		},
		ErrorLog:     log.New(io.Discard, "", 0), // killed callers are what this is for
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the daemon died while it sent
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), creating{}, creates(r.URL.Path, body))))
	}))
	w.url = "http://" + srv.Listener.Addr().String()
	srv.Start()
	t.Cleanup(srv.Close)
	return w
}

type creating struct{} // the context's key for what creates reports

// creates reports whether a call makes a record: there a lost answer is
// dangerous. One composite may read, and another may write.
func creates(path string, body []byte) bool {
	return strings.Contains(path, "/batch/create") ||
		strings.HasSuffix(path, "/composite") && bytes.Contains(body, []byte(`"method":"POST"`))
}

func replaceBody(resp *http.Response, from, to string) error {
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	raw = bytes.ReplaceAll(raw, []byte(from), []byte(to))
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	resp.ContentLength = int64(len(raw))
	resp.Header.Set("Content-Length", strconv.Itoa(len(raw)))
	return nil
}

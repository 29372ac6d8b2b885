package salesforcesim

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

const goodAck = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse></s:Body></s:Envelope>`

// inbox is a receiver of outbound messages.
type inbox struct {
	mu     sync.Mutex
	got    []message
	bodies []string
	answer func(n int, w http.ResponseWriter) // n counts messages from 0
}

type message struct {
	OrganizationID string `xml:"Body>notifications>OrganizationId"`
	SessionID      string `xml:"Body>notifications>SessionId"`
	Notes          []note `xml:"Body>notifications>Notification"`
}

type note struct {
	ID   string `xml:"Id"`
	Body struct {
		Type  string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		Nil   string `xml:"http://www.w3.org/2001/XMLSchema-instance nil,attr"`
		ID    string `xml:"urn:sobject.enterprise.soap.sforce.com Id"`
		Owner string `xml:"urn:sobject.enterprise.soap.sforce.com OwnerId"`
		Email string `xml:"urn:sobject.enterprise.soap.sforce.com Email"`
	} `xml:"sObject"`
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var m message
	if err := xml.Unmarshal(raw, &m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in.mu.Lock()
	n := len(in.got)
	in.got, in.bodies = append(in.got, m), append(in.bodies, string(raw))
	in.mu.Unlock()
	if in.answer != nil {
		in.answer(n, w)
		return
	}
	_, _ = io.WriteString(w, goodAck)
}

// ids are the notification ids received, with repetitions.
func (in *inbox) ids() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	var ids []string
	for _, m := range in.got {
		for _, n := range m.Notes {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// withInbox runs a test in a bubble with an org that sends to in.
func withInbox(t *testing.T, cfg Config, f func(t *testing.T, c *client, in *inbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		in := &inbox{}
		cfg.MessagesURL = "https://handoffd.example/in/salesforce/secret"
		cfg.Transport = simhttp.Carrier(map[string]http.Handler{"handoffd.example": in})
		if cfg.History == nil {
			cfg.History = simhttp.NewHistory()
		}
		f(t, newClient(t, cfg), in)
	})
}

func (c *client) deliver() simhttp.Delivery {
	c.t.Helper()
	d, err := c.sim.Deliver(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

// TestMessage: one message a save, by anybody but the integration user, with the state of the moment it
// leaves, no session, and at most 100 notifications of one object.
func TestMessage(t *testing.T) {
	t.Parallel()
	withInbox(t, Config{}, func(t *testing.T, c *client, in *inbox) {
		c.create("Lead", `{"LastName":"Own","Company":"C"}`) // the integration user's
		id := c.mustEdit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{"LastName": "L & M", "Company": "C", "Email": "a&b@example.org"}})["id"]
		c.mustEdit(simhttp.Edit{Object: "Lead", Op: "update", ID: id, By: "automation:Night shift", Fields: map[string]any{"OwnerId": "ben@example.com"}})
		if d := c.deliver(); d != (simhttp.Delivery{Delivered: 2}) {
			t.Errorf("delivery %+v", d)
		}
		if len(in.got) != 1 || len(in.got[0].Notes) != 2 {
			t.Fatalf("received %+v", in.got)
		}
		m := in.got[0]
		if m.OrganizationID != c.sim.orgID || m.SessionID != "" || !strings.Contains(in.bodies[0], `<SessionId xsi:nil="true"/>`) {
			t.Errorf("message %s", in.bodies[0])
		}
		for _, n := range m.Notes {
			if n.Body.Type != "sf:Lead" || n.Body.ID != id || n.Body.Owner != c.user("ben") || n.Body.Email != "a&b@example.org" {
				t.Errorf("notification %+v", n) // both carry what is true now
			}
		}
		sent := c.sim.cfg.History.Sent()
		if len(sent) != 1 || sent[0].Status != http.StatusOK || !slices.Equal(sent[0].Events, in.ids()) {
			t.Errorf("ledger %+v, received %v", sent, in.ids())
		}
		for i := range 250 {
			c.mustEdit(simhttp.Edit{Object: "Contact", Op: "create", Fields: map[string]any{"LastName": fmt.Sprint("C", i)}})
		}
		c.mustEdit(simhttp.Edit{Object: "Account", Op: "create", Fields: map[string]any{"Name": "A"}})
		c.deliver()
		for _, m := range in.got {
			kind := m.Notes[0].Body.Type
			if len(m.Notes) > maxNotifications || slices.ContainsFunc(m.Notes, func(n note) bool { return n.Body.Type != kind }) {
				t.Errorf("a message of %d notifications", len(m.Notes))
			}
		}
	})
}

// TestMessageOfTheDeleted: a row that is gone when its message leaves is an empty element.
func TestMessageOfTheDeleted(t *testing.T) {
	t.Parallel()
	withInbox(t, Config{}, func(t *testing.T, c *client, in *inbox) {
		id := c.mustEdit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{"LastName": "L", "Company": "C"}})["id"]
		c.mustEdit(simhttp.Edit{Object: "Lead", Op: "delete", ID: id})
		c.deliver()
		if len(in.got) != 1 || in.got[0].Notes[0].Body.Nil != "true" || strings.Contains(in.bodies[0], id) {
			t.Errorf("received %v", in.bodies)
		}
	})
}

// TestEchoMessages: only an org that says so tells the integration user's own changes.
func TestEchoMessages(t *testing.T) {
	t.Parallel()
	withInbox(t, Config{}, func(t *testing.T, c *client, in *inbox) {
		c.create("Contact", `{"LastName":"Quiet"}`)
		c.setup(`{"echo_messages":true,"message_fields":{"Contact":["Email"]}}`)
		c.create("Contact", `{"LastName":"Loud","Email":"loud@example.org"}`)
		c.deliver()
		if len(in.ids()) != 1 || in.got[0].Notes[0].Body.Email != "loud@example.org" || in.got[0].Notes[0].Body.Owner != "" {
			t.Errorf("received %v", in.bodies)
		}
	})
}

// TestMessageRetries: anything but an Ack of true is tried again, at growing intervals of at most two hours,
// for a day (I1, I11).
func TestMessageRetries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer func(w http.ResponseWriter)
	}{
		{"refused", func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }},
		{"false", func(w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Replace(goodAck, "true", "false", 1)) }},
		{"no envelope", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<Ack>true</Ack>") }},
		{"wrong namespace", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, strings.Replace(goodAck, "2005/09/outbound", "2005/09/inbound", 1))
		}},
		{"accepted but not 200", func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted); _, _ = io.WriteString(w, goodAck) }},
		{"too late", func(w http.ResponseWriter) { time.Sleep(61 * time.Second); _, _ = io.WriteString(w, goodAck) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			withInbox(t, Config{}, func(t *testing.T, c *client, in *inbox) {
				in.answer = func(_ int, w http.ResponseWriter) { tc.answer(w) }
				ctx, stop := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				wg.Go(func() { _ = c.sim.Run(ctx) })
				c.mustEdit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{"LastName": "L", "Company": "C"}})
				time.Sleep(30 * time.Hour)
				stop()
				wg.Wait()
				ids := in.ids()
				if len(ids) < 15 || len(ids) > 25 || len(slices.Compact(ids)) != 1 {
					t.Errorf("attempts %v", ids)
				}
				if d := c.deliver(); d != (simhttp.Delivery{Failed: 1}) {
					t.Errorf("after a day: %+v", d)
				}
				var waits []time.Duration
				sent := c.sim.cfg.History.Sent()
				for i := 1; i < len(sent); i++ {
					waits = append(waits, sent[i].Time.Sub(sent[i-1].Time))
				}
				if slices.Max(waits) > longestRetry+2*ackWithin || !slices.IsSorted(waits) {
					t.Errorf("waits %v", waits)
				}
			})
		})
	}
}

// TestMessageFaults: messages are lost, doubled, late and shuffled as the faults say (I1, I2, I3, I4).
func TestMessageFaults(t *testing.T) {
	t.Parallel()
	send := func(t *testing.T, f simhttp.WebhookFaults) (want, got []string, d simhttp.Delivery) {
		t.Helper()
		withInbox(t, Config{Faults: simhttp.Faults{Webhooks: f}}, func(_ *testing.T, c *client, in *inbox) {
			ctx, stop := context.WithCancel(c.t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { _ = c.sim.Run(ctx) })
			for i := range 40 {
				want = append(want, newID("04l", uint64(i+1)))
				c.mustEdit(simhttp.Edit{Object: "Lead", Op: "create", Fields: map[string]any{"LastName": fmt.Sprint("L", i), "Company": "C"}})
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(time.Minute)
			got = in.ids()
			stop()
			wg.Wait()
			d = c.deliver()
		})
		return want, got, d
	}
	if want, got, _ := send(t, simhttp.WebhookFaults{}); !cmp.Equal(want, got) {
		t.Error("calm:", cmp.Diff(want, got))
	}
	if _, got, d := send(t, simhttp.WebhookFaults{Drop: 1}); got != nil || d.Dropped != 40 {
		t.Errorf("dropped: %v %+v", got, d)
	}
	if _, got, _ := send(t, simhttp.WebhookFaults{Double: 1}); len(got) != 80 {
		t.Errorf("doubled: %d", len(got))
	}
	if want, got, _ := send(t, simhttp.WebhookFaults{Shuffle: 1}); len(got) != 40 || slices.Equal(want, got) {
		t.Errorf("shuffled: %v", got)
	}
	if _, got, d := send(t, simhttp.WebhookFaults{Late: 1}); len(got) > 5 || d.Delivered != 40 {
		t.Errorf("late: %d within a minute, %+v", len(got), d)
	}
}

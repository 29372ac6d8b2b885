package hubspotsim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// TestSetupIsStrict holds that a document with anything wrong in it changes nothing.
func TestSetupIsStrict(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{"trak":"oauth"}`, `{"track":"legacy"}`, `{"tier":"gold"}`, `{"locked":2}`, `{"edge":{"500":0.1}}`, `{"foreign_webhooks":-1}`, `{"subscriptions":["contact.levitation"]}`,
		`{"required":{"contacts":[{"when":{"nope":"x"},"need":["email"]}]}}`, `{"create_required":{"people":["email"]}}`,
		`{"link_limits":{"contacts>owners":1}}`, `{"no_seat":["nobody@example.com"]}`, `{"migration_477":{"share":3}}`,
		`{"automation":[{"name":"x","object":"contacts","sets":"hubspot_owner_id","on":"create","to":"nobody@example.com"}]}`,
		`{"automation":[{"name":"x","object":"contacts","sets":"jobtitle","on":"noon","to":"y"}]}`,
	} {
		p := newPortal(t, hubspotsim.Config{Empty: true})
		if err := p.sim.Setup([]byte(strings.Replace(doc, "{", `{"revoked":true,`, 1))); err == nil {
			t.Errorf("%s was taken", doc)
		}
		p.must("GET", contacts, "")
	}
}

// TestTracks holds what each kind of app has: secrets, tokens, webhooks and how they are signed, and how fast it may
// call (C1, C6).
func TestTracks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		track                 string
		token, secret, fresh  bool
		burst                 string
		webhooks, v1, v3, day bool
	}{
		{"private_app", true, true, false, "190", true, true, false, true},
		{"service_key", true, false, false, "190", false, false, false, true},
		{"project_app", true, true, false, "190", true, true, true, true},
		{"oauth", false, true, true, "110", true, true, true, false},
	} {
		t.Run(tt.track, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got []http.Header
				hook := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header) })
				p := newPortal(t, hubspotsim.Config{
					Empty: true, WebhookURL: target, Transport: simhttp.Carrier(map[string]http.Handler{"hooks.example.com": hook}),
				})
				all := p.sim.Credentials()
				p.setup(`{"track":"` + tt.track + `"}`)
				c := p.sim.Credentials()
				if (c.Token != "") != tt.token || (c.ClientSecret != "") != tt.secret || (c.RefreshToken != "") != tt.fresh {
					t.Errorf("credentials: %+v", c)
				}
				token := c.Token
				if a := p.as("", "POST", "/oauth/2026-09/token", "grant_type=refresh_token&client_id="+all.ClientID+"&client_secret="+all.ClientSecret+"&refresh_token="+all.RefreshToken); tt.fresh != (a.status == 200) {
					t.Errorf("refresh: %d", a.status)
				} else if tt.fresh {
					token = a.text("access_token")
				}
				if a := p.as(all.Token, "GET", contacts, ""); tt.token != (a.status == 200) {
					t.Errorf("static token: %d", a.status)
				}
				a := p.as(token, "POST", contacts, `{"properties":{"email":"a@acme.com"}}`)
				if a.status != 201 || a.header.Get("X-HubSpot-RateLimit-Max") != tt.burst || (a.header.Get("X-HubSpot-RateLimit-Daily") != "") != tt.day {
					t.Errorf("create: %d %v", a.status, a.header)
				}
				p.deliver()
				if (len(got) > 0) != tt.webhooks {
					t.Fatalf("%d webhooks", len(got))
				}
				if len(got) > 0 && ((got[0].Get("X-HubSpot-Signature") != "") != tt.v1 || (got[0].Get("X-HubSpot-Signature-V3") != "") != tt.v3) {
					t.Errorf("signatures: %v", got[0])
				}
			})
		})
	}
}

// TestScopes holds which scope each call needs, and that a 403 names the lacking ones (C6).
func TestScopes(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	const v = "/2026-09"
	for _, tt := range []struct{ method, path, body, scope string }{
		{"GET", "/crm/objects" + v + "/contacts", "", "crm.objects.contacts.read"},
		{"POST", "/crm/objects" + v + "/contacts/search", "{}", "crm.objects.contacts.read"},
		{"POST", "/crm/objects" + v + "/contacts/batch/read", `{"inputs":[{"id":"1"}]}`, "crm.objects.contacts.read"},
		{"POST", "/crm/objects" + v + "/contacts", `{"properties":{}}`, "crm.objects.contacts.write"},
		{"GET", "/crm/objects" + v + "/companies", "", "crm.objects.companies.read"},
		{"PATCH", "/crm/objects" + v + "/deals/1", "{}", "crm.objects.deals.write"},
		{"GET", "/crm/objects" + v + "/tickets", "", "tickets"},
		{"GET", "/crm/objects" + v + "/0-136", "", "crm.objects.leads.read"},
		{"GET", "/crm/objects" + v + "/tasks", "", "crm.objects.contacts.read"},
		{"POST", "/crm/objects" + v + "/notes", "{}", "crm.objects.contacts.write"},
		{"POST", "/crm/objects" + v + "/calls/search", "{}", "crm.objects.contacts.read"},
		{"POST", "/crm/objects" + v + "/emails/batch/archive", `{"inputs":[{"id":"1"}]}`, "crm.objects.contacts.write"},
		{"GET", "/crm/objects" + v + "/meetings", "", "crm.objects.contacts.read"},
		{"GET", "/crm/objects" + v + "/emails", "", "crm.objects.contacts.read sales-email-read"},
		{"GET", "/crm/v3/schemas/deals", "", "crm.objects.deals.read"},
		{"GET", "/crm-object-schemas" + v + "/schemas/contacts", "", "crm.objects.contacts.read"},
		{"POST", "/crm/properties" + v + "/contacts", "{}", "crm.schemas.contacts.write"},
		{"POST", "/crm/associations" + v + "/contacts/deals/batch/read", `{"inputs":[{"id":"1"}]}`, "crm.objects.contacts.read crm.objects.deals.read"},
		{"GET", "/crm/objects" + v + "/contacts?associations=companies", "", "crm.objects.contacts.read crm.objects.companies.read"},
		{"PUT", "/crm/objects" + v + "/contacts/1/associations/default/companies/11", "", "crm.objects.contacts.write crm.objects.companies.write"},
		{"GET", "/crm/owners" + v, "", "crm.objects.owners.read"},
		{"GET", "/automation/v4/flows", "", "automation"},
		{"GET", "/crm/v3/lists", "", "crm.lists.read"},
		{"GET", "/account-info" + v + "/details", "", ""},
	} {
		p.setup(`{"scopes":["oauth"]}`)
		a := p.do(tt.method, tt.path, tt.body)
		var lacking []string
		for i := range a.len("context", "missingScopes") {
			lacking = append(lacking, a.text("context", "missingScopes", i))
		}
		if got := strings.Join(lacking, " "); got != tt.scope || (tt.scope != "" && (a.status != 403 || a.text("category") != "MISSING_SCOPES" ||
			a.len("errors", 0, "context", "requiredGranularScopes") != len(lacking))) {
			t.Errorf("%s %s: %d %s, want %s", tt.method, tt.path, a.status, got, tt.scope)
		}
		p.setup(`{"scopes":["` + strings.ReplaceAll(tt.scope, " ", `","`) + `"]}`)
		if a := p.do(tt.method, tt.path, tt.body); a.status == 403 {
			t.Errorf("%s %s with the scope: %d %s", tt.method, tt.path, a.status, a.raw)
		}
	}
	p.setup(`{"scopes":["crm.schemas.contacts.read"]}`)
	if a := p.do("GET", "/crm/properties/2026-09/contacts", ""); a.status != 200 {
		t.Errorf("definitions with the schema's scope: %d", a.status)
	}
	p.setup(`{"scopes":["*"]}`)
	p.must("GET", "/crm/owners/2026-09", "")
}

// TestQueueOwners: a queue stands among the owners, owns records and is no user.
func TestQueueOwners(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	before := p.must("GET", "/crm/owners/2026-09", "").len("results")
	p.setup(`{"queue_owners":["Inbound","Renewals"]}`)
	all := p.must("GET", "/crm/owners/2026-09", "")
	id := all.text("results", 0, "id")
	if all.len("results") != before+2 || all.text("results", 0, "type") != "QUEUE" || all.text("results", 2, "type") != "PERSON" {
		t.Fatalf("%d owners, %d before: %.300s", all.len("results"), before, all.raw)
	}
	one := p.must("GET", "/crm/owners/2026-09/"+id, "")
	if _, has := one.body["email"]; has || one.at("userId") != nil || one.text("firstName") != "Inbound" {
		t.Errorf("one: %s", one.raw)
	}
	contact := p.contact(`{"email":"queued@example.org","hubspot_owner_id":"` + id + `"}`)
	p.setup(`{"queue_owners":[]}`)
	if a := p.do("PATCH", contacts+"/"+contact, `{"properties":{"hubspot_owner_id":"`+id+`"}}`); a.status != 400 || !strings.Contains(a.raw, "INVALID_OWNER_ID") {
		t.Errorf("given to a queue that is gone: %d %s", a.status, a.raw)
	}
}

// TestTicketScopes: the scopes of tickets have a new form beside the old one, for reading and for writing.
func TestTicketScopes(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{})
	const ticket = `{"properties":{"subject":"x","hs_pipeline":"0","hs_pipeline_stage":"1"}}`
	for _, tc := range []struct {
		scopes      string
		read, write int
	}{
		{`"crm.objects.contacts.read"`, 403, 403},
		{`"crm.objects.tickets.read"`, 200, 403},
		{`"crm.objects.tickets.read","crm.objects.tickets.write"`, 200, 201},
		{`"tickets"`, 200, 201},
	} {
		p.setup(`{"scopes":[` + tc.scopes + `]}`)
		read, write := p.do("GET", "/crm/v3/objects/tickets", ""), p.do("POST", "/crm/v3/objects/tickets", ticket)
		if read.status != tc.read || write.status != tc.write {
			t.Errorf("%s: read %d, write %d", tc.scopes, read.status, write.status)
		}
	}
}

// TestTiers holds the limits of a smaller subscription (C7).
func TestTiers(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	p.setup(`{"tier":"starter"}`)
	a := p.must("GET", contacts, "")
	if a.header.Get("X-HubSpot-RateLimit-Max") != "100" || a.header.Get("X-HubSpot-RateLimit-Daily") != "250000" {
		t.Errorf("headers: %v", a.header)
	}
}

// TestLocked holds that a locked record stays locked for two seconds, others are not touched by it, and nothing of
// the call is applied.
func TestLocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simhttp.NewHistory()
		p := newPortal(t, hubspotsim.Config{Empty: true, History: h})
		a, b := p.contact(`{"email":"a@acme.com"}`), p.contact(`{"email":"b@acme.com"}`)
		p.setup(`{"locked":1}`)
		if got := p.do("POST", contacts+"/batch/update", `{"inputs":[{"id":"`+a+`","properties":{"jobtitle":"x"}}]}`); got.status != 423 || got.text("category") != "LOCKED" {
			t.Errorf("locked: %d %s", got.status, got.raw)
		}
		p.setup(`{"locked":0.0000001}`)
		time.Sleep(1900 * time.Millisecond)
		if got := p.do("PATCH", contacts+"/"+a, `{"properties":{"jobtitle":"x"}}`); got.status != 423 {
			t.Errorf("asked again too soon: %d", got.status)
		}
		p.must("GET", contacts+"/"+a, "")
		p.must("PATCH", contacts+"/"+b, `{"properties":{"jobtitle":"x"}}`)
		time.Sleep(200 * time.Millisecond)
		p.must("PATCH", contacts+"/"+a, `{"properties":{"jobtitle":"y"}}`)
		if got := told(h, "contacts", a, "jobtitle"); got[len(got)-1] != "update api:private jobtitle:<nil>>y" {
			t.Errorf("ledger: %q", got)
		}
	})
}

// TestMoving holds that a portal that is being moved answers 477 until the time its Retry-After names.
func TestMoving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPortal(t, hubspotsim.Config{Empty: true})
		p.setup(`{"migration_477":{"retry_after":90,"share":1}}`)
		if a := p.do("GET", contacts, ""); a.status != 477 || a.header.Get("Retry-After") != "90" {
			t.Errorf("moving: %d %v", a.status, a.header)
		}
		time.Sleep(30 * time.Second)
		if a := p.do("POST", contacts, `{"properties":{}}`); a.status != 477 || a.header.Get("Retry-After") != "60" {
			t.Errorf("after 30 s: %d %v", a.status, a.header)
		}
		p.setup(`{"migration_477":{"share":0}}`)
		p.must("GET", contacts, "")
	})
}

// TestEdgePages holds that what the network answers is a page, and that only a 524 may have been applied (C2).
func TestEdgePages(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"502", "503", "504", "521", "522", "523", "524"} {
		p := newPortal(t, hubspotsim.Config{Empty: true})
		if status < "520" {
			p.sim.SetFaults(simhttp.Faults{Rate: map[string]float64{status: 1}})
		} else {
			p.setup(`{"edge":{"` + status + `":1}}`)
		}
		for i := range 12 {
			a := p.do("POST", contacts, fmt.Sprintf(`{"properties":{"email":"a%d@acme.com"}}`, i))
			if fmt.Sprint(a.status) != status || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(a.raw, "<html") {
				t.Errorf("%s: %d %v", status, a.status, a.header)
			}
		}
		p.sim.SetFaults(simhttp.Faults{})
		p.setup(`{"edge":{}}`)
		n := p.must("GET", contacts+"?limit=100", "").len("results")
		if (status == "524") != (n > 0) || n == 12 {
			t.Errorf("%s: %d of 12 applied", status, n)
		}
	}
}

// TestEdgeLimit holds that the network's own limit is a line of text, by which nothing is applied.
func TestEdgeLimit(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	p.setup(`{"edge":{"1015":1}}`)
	a := p.do("POST", contacts, `{"properties":{"email":"a@acme.com"}}`)
	if a.status != 429 || a.raw != "error code: 1015" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || a.header.Get("Retry-After") != "" {
		t.Errorf("%d %q %v", a.status, a.raw, a.header)
	}
	p.setup(`{"edge":{}}`)
	if n := p.must("GET", contacts, "").len("results"); n != 0 {
		t.Errorf("%d applied", n)
	}
}

// TestDailyZone holds what a spent day says, and that its count starts again at the portal's own midnight (C7).
func TestDailyZone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the bubble's clock starts at midnight UTC, 19:00 in New York
		p := newPortal(t, hubspotsim.Config{Faults: simhttp.Faults{Quota: 2}})
		p.must("GET", contacts, "")
		a := p.must("GET", "/account-info/2026-09/api-usage/daily/private-apps", "")
		if got := a.text("results", 0, "resetsAt"); got != "2000-01-01T05:00:00Z" {
			t.Errorf("resets at %s", got)
		}
		b := p.do("GET", contacts, "")
		if b.status != 429 || b.text("policyName") != "DAILY" || b.text("requestId") == "" || b.header.Get("Retry-After") != "" {
			t.Errorf("spent: %d %s %v", b.status, b.raw, b.header)
		}
		time.Sleep(5*time.Hour - time.Millisecond)
		if c := p.do("GET", contacts, ""); c.status != 429 {
			t.Errorf("a moment before midnight: %d", c.status)
		}
		time.Sleep(time.Millisecond)
		p.must("GET", contacts, "")
	})
}

// TestSalesforceProperties holds that the ids of the native sync exist only where it is on, and that only the sync
// writes them.
func TestSalesforceProperties(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Empty: true})
	id := p.contact(`{"email":"a@acme.com"}`)
	if a := p.do("GET", "/crm/properties/2026-09/contacts/salesforceleadid", ""); a.status != 404 {
		t.Errorf("without the sync: %d", a.status)
	}
	p.setup(`{"salesforce_sync":true}`)
	p.must("GET", "/crm/properties/2026-09/contacts/salesforceleadid", "")
	p.by("sync:salesforce", "update", "contacts", id, map[string]any{"salesforceleadid": "00Q5e00000AbCdE"})
	if got := p.must("GET", contacts+"/"+id+"?properties=salesforceleadid", "").text("properties", "salesforceleadid"); got != "00Q5e00000AbCdE" {
		t.Errorf("id %q", got)
	}
	if a := p.do("PATCH", contacts+"/"+id, `{"properties":{"salesforceleadid":"x"}}`); a.status != 400 {
		t.Errorf("written by an app: %d", a.status)
	}
	p.setup(`{"salesforce_sync":false}`)
	if diff := cmp.Diff(nil, p.must("GET", contacts+"/"+id+"?properties=salesforceleadid", "").at("properties", "salesforceleadid")); diff != "" {
		t.Error(diff)
	}
}

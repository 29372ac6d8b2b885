package salesforce

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

const (
	ourOrg   = "00DdL000000001AAAQ"
	anAction = "04k000000000001AAA"
)

// outbound is a message with these insides.
func outbound(org, inside string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>` + org + `</OrganizationId><ActionId>` + anAction +
		`</ActionId><SessionId xsi:nil="true"/><EnterpriseUrl>https://x/services/Soap/c/60.0</EnterpriseUrl><PartnerUrl>https://x</PartnerUrl>` +
		inside + `</notifications></soapenv:Body></soapenv:Envelope>`
}

func notificationOf(n int, object, record string) string {
	return fmt.Sprintf(`<Notification><Id>04l0000000%05d</Id><sObject xsi:type="sf:%s" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>%s</sf:Id><sf:Email>a@b.c</sf:Email></sObject></Notification>`, n, object, record)
}

func longID(t testing.TB, id string) string {
	t.Helper()
	long, ok := normalizeID(id)
	if !ok {
		t.Fatalf("%q is no id", id)
	}
	return long
}

func receiver(t testing.TB) *org {
	t.Helper()
	c, err := New(connectors.Settings{Name: "sf", URL: "https://handoffd.my.salesforce.com", Token: "t", WebhookSecret: "0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*org)
}

// TestReceive: what a message may hold, and what becomes of it (I1, I5, I7,
// I8, I9, I11).
func TestReceive(t *testing.T) {
	t.Parallel()
	org := longID(t, ourOrg[:15])
	lead := longID(t, "00QdL0000000001")
	one := notificationOf(1, "Lead", lead)
	deep := outbound(org, strings.Repeat("<a>", 20)+strings.Repeat("</a>", 20)+one)
	var wide strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + outbound(org, one))) {
		wide.WriteByte(byte(u >> 8))
		wide.WriteByte(byte(u))
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(notificationOf(i, "Lead", lead))
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		body, tenant string
		reason       string
		changes      int
		aside        string
	}{
		"one":                     {body: outbound(org, one), changes: 1},
		"the org's short id":      {body: outbound(org[:15], one), changes: 1},
		"our short id":            {body: outbound(org, one), tenant: org[:15], changes: 1},
		"none":                    {body: outbound(org, "")},
		"a hundred":               {body: outbound(org, many(100)), changes: 100},
		"a hundred and one":       {body: outbound(org, many(101)), reason: "malformed"},
		"CDATA":                   {body: outbound(org, strings.Replace(one, lead, "<![CDATA["+lead+"]]>", 1)), changes: 1},
		"comments":                {body: outbound(org, "<!-- x -->"+strings.Replace(one, lead, lead[:5]+"<!-- y -->"+lead[5:], 1)), changes: 1},
		"a task":                  {body: outbound(org, notificationOf(1, "Task", longID(t, "00TdL0000000001"))), changes: 1},
		"a kind of their own":     {body: outbound(org, notificationOf(1, "Thing__c", longID(t, "a00dL0000000001"))), changes: 1},
		"a record that is gone":   {body: outbound(org, strings.Replace(one, "<sf:Id>"+lead+"</sf:Id>", "", 1)), aside: "no_record"},
		"another kind's id":       {body: outbound(org, notificationOf(1, "Lead", longID(t, "003dL0000000001"))), aside: "malformed"},
		"no type":                 {body: outbound(org, strings.Replace(one, `xsi:type="sf:Lead"`, "", 1)), aside: "malformed"},
		"a type that is a query":  {body: outbound(org, strings.Replace(one, "sf:Lead", "sf:Lead WHERE", 1)), aside: "malformed"},
		"an id that is a query":   {body: outbound(org, strings.Replace(one, lead, "x' OR Id != '", 1)), aside: "malformed"},
		"a notification of none":  {body: outbound(org, strings.Replace(one, "04l000000000001", "", 1)), aside: "malformed"},
		"another org":             {body: outbound(longID(t, "00D000000000009"), one), reason: "tenant"},
		"no org":                  {body: outbound("", one), reason: "tenant"},
		"two orgs":                {body: outbound(org+"</OrganizationId><OrganizationId>"+org, one), reason: "tenant"},
		"the org elsewhere":       {body: outbound("", one+"<x><OrganizationId>"+org+"</OrganizationId></x>"), reason: "tenant"},
		"the org in the header":   {body: strings.Replace(outbound("", one), "<soapenv:Body>", "<soapenv:Header><a><OrganizationId xmlns=\""+outboundSpace+"\">"+org+"</OrganizationId></a></soapenv:Header><soapenv:Body>", 1), reason: "malformed"},
		"we do not know ours yet": {body: outbound(org, one), tenant: "-", reason: "tenant"},
		"a session":               {body: strings.Replace(outbound(org, one), `<SessionId xsi:nil="true"/>`, "<SessionId>00D!x</SessionId>", 1), reason: "session_id"},
		"an empty session":        {body: strings.Replace(outbound(org, one), `<SessionId xsi:nil="true"/>`, "<SessionId> </SessionId>", 1), changes: 1},
		"empty":                   {reason: "malformed"},
		"not XML":                 {body: "{}", reason: "malformed"},
		"cut":                     {body: outbound(org, one)[:600], reason: "malformed"},
		"more behind it":          {body: outbound(org, one) + "<a/>", reason: "malformed"},
		"text behind it":          {body: outbound(org, one) + "x", reason: "malformed"},
		"blanks behind it":        {body: outbound(org, one) + " \n", changes: 1},
		"a document type":         {body: strings.Replace(outbound(org, one), "<soapenv:Env", "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><soapenv:Env", 1), reason: "malformed"},
		"an entity":               {body: strings.Replace(outbound(org, one), lead, "&lead;", 1), reason: "malformed"},
		"characters by number":    {body: outbound(org, strings.Replace(one, lead, "&#48;"+lead[1:], 1)), changes: 1},
		"another namespace":       {body: strings.Replace(outbound(org, one), "2005/09/outbound", "2004/09/outbound", 1), reason: "malformed"},
		"another envelope":        {body: strings.ReplaceAll(outbound(org, one), "schemas.xmlsoap.org/soap", "www.w3.org/2003/05/soap"), reason: "malformed"},
		"the record elsewhere":    {body: outbound(org, strings.ReplaceAll(one, "urn:sobject.", "urn:other.")), aside: "no_record"},
		"deep":                    {body: deep, reason: "malformed"},
		"wide characters":         {body: wide.String(), reason: "malformed"},
		"said to be wide":         {body: strings.Replace(outbound(org, one), `encoding="UTF-8"`, `encoding="UTF-16"`, 1), reason: "malformed"},
		"no UTF-8":                {body: strings.Replace(outbound(org, one), "a@b.c", "\xff\xfe", 1), reason: "malformed"},
		"large":                   {body: outbound(org, one+"<!--"+strings.Repeat("x", maxOutbound)+"-->"), reason: "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant := c.tenant
			switch tenant {
			case "":
				tenant = org
			case "-":
				tenant = ""
			}
			got, err := receiver(t).Receive(connectors.Request{Method: http.MethodPost, Body: []byte(c.body), Tenant: tenant, At: time.Now()})
			var refused *connectors.Refusal
			errors.As(err, &refused)
			switch {
			case c.reason != "" && (refused == nil || refused.Reason != c.reason || refused.Status < 400 || got.Reply != nil || got.Changes != nil):
				t.Fatalf("got %+v, %v, want a refusal %q", got, err, c.reason)
			case c.reason != "":
				return
			case err != nil:
				t.Fatal(err)
			}
			if len(got.Changes) != c.changes || string(got.Reply) != ack {
				t.Errorf("%d changes, reply %s", len(got.Changes), got.Reply)
			}
			aside := ""
			for _, f := range got.Refused {
				aside = f.Reason
			}
			if aside != c.aside {
				t.Errorf("put aside for %q, want %q", aside, c.aside)
			}
			seen := map[string]bool{}
			for _, change := range got.Changes {
				if change.Object != nil || seen[change.EventID] || !strings.HasPrefix(change.EventID, "message:"+org+":04l") {
					t.Errorf("change %+v", change)
				}
				seen[change.EventID] = true
			}
		})
	}
}

// TestReceiveUnguarded: without a path secret no message can be believed (I5).
func TestReceiveUnguarded(t *testing.T) {
	t.Parallel()
	c, err := New(connectors.Settings{Name: "sf", URL: "https://handoffd.my.salesforce.com", Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.(connectors.Receiver).Receive(connectors.Request{Body: []byte(outbound(ourOrg, "")), Tenant: ourOrg})
	var refused *connectors.Refusal
	if !errors.As(err, &refused) || refused.Reason != "no_secret" {
		t.Errorf("got %v", err)
	}
}

// catcher takes the simulator's messages.
type catcher struct {
	bodies []string
}

func (c *catcher) RoundTrip(r *http.Request) (*http.Response, error) {
	raw := make([]byte, r.ContentLength)
	if _, err := r.Body.Read(raw); err != nil && len(raw) == 0 {
		return nil, err
	}
	c.bodies = append(c.bodies, string(raw))
	return page(200, "text/xml", ack)(), nil
}

// TestReceiveFromTheOrg: the messages that the org itself sends are read, and
// our answer is the one it wants: it sends none of them again (I1, I11).
func TestReceiveFromTheOrg(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &catcher{}
		w := newWorld(t, salesforcesim.Config{MessagesURL: "https://handoffd.example/webhooks/sf/0123456789abcdef", Transport: c})
		id := w.lead(1)
		if d, err := w.sim.Deliver(t.Context()); err != nil || d.Delivered == 0 || d.Pending != 0 {
			t.Fatalf("delivered %+v, %v", d, err)
		}
		tenant, err := w.org.Tenant(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var refs []connectors.Ref
		for _, body := range c.bodies {
			got, err := receiver(t).Receive(connectors.Request{Body: []byte(body), Tenant: tenant})
			if err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			for _, change := range got.Changes {
				refs = append(refs, change.Ref)
			}
		}
		if diff := cmp.Diff([]connectors.Ref{{Kind: Lead, ID: longID(t, id)}}, refs); diff != "" {
			t.Errorf("hints (-want +got):\n%s", diff)
		}
	})
}

// FuzzOutboundSOAP: no body makes more of a message than its text says: every
// hint's ids stand in it, the org is ours, and no more than 100 come out.
func FuzzOutboundSOAP(f *testing.F) {
	org := longID(f, ourOrg[:15])
	lead := longID(f, "00QdL0000000001")
	for _, body := range []string{
		outbound(org, notificationOf(1, "Lead", lead)), outbound(org, ""), outbound("", notificationOf(1, "Lead", lead)),
		outbound(org, notificationOf(1, "Lead", lead)+notificationOf(2, "Contact", "003dL0000000001")),
		"<a><b>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "\ufeff", strings.Repeat("<a>", 100),
		soapCall("<convertLead><leadConverts><leadId>" + lead + "</leadId><convertedStatus>Closed - Converted</convertedStatus></leadConverts></convertLead>"),
		soapCall("<merge><mergeRequests><masterRecord><type>Account</type><Id>001</Id><AnnualRevenue>1</AnnualRevenue></masterRecord><recordToMergeIds>002</recordToMergeIds></mergeRequests></merge>"),
		soapCall("<undelete><ids>" + lead + "</ids></undelete>"), soapCall("<getUserInfo/>"),
	} {
		f.Add([]byte(body))
	}
	o := receiver(f)
	sim := salesforcesim.New(salesforcesim.Config{Seed: 7})
	f.Fuzz(func(t *testing.T, body []byte) {
		callSOAP(t, sim, body)
		got, err := o.Receive(connectors.Request{Body: body, Tenant: org})
		if err != nil {
			var refused *connectors.Refusal
			if !errors.As(err, &refused) || refused.Status < 400 || got.Changes != nil || got.Reply != nil {
				t.Fatalf("refused with %v, %+v", err, got)
			}
			return
		}
		if len(got.Changes)+len(got.Refused) > maxNotifications {
			t.Fatalf("%d notifications", len(got.Changes)+len(got.Refused))
		}
		for _, c := range got.Changes {
			if _, ok := normalizeID(c.Ref.ID); !ok || !identifier.MatchString(string(c.Ref.Kind)) && c.Ref.Kind != connectors.Task || c.Object != nil {
				t.Fatalf("a hint at %v", c.Ref)
			}
		}
	})
}

// soapCall is a message to the CRM, whose session callSOAP fills in.
func soapCall(operation string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"><s:Header><SessionHeader><sessionId>SESSION</sessionId></SessionHeader></s:Header><s:Body>` + operation + `</s:Body></s:Envelope>`
}

// callSOAP holds that the simulator answers any message whatever in well-formed XML, with a fault or without.
func callSOAP(t *testing.T, sim *salesforcesim.Sim, body []byte) {
	t.Helper()
	token := sim.Credentials().Token
	req := httptest.NewRequest(http.MethodPost, "/services/Soap/u/60.0", bytes.NewReader(bytes.ReplaceAll(body, []byte("SESSION"), []byte(token))))
	req.Header.Set("Content-Type", "text/xml")
	req.Header.Set("SOAPAction", `""`)
	rec := httptest.NewRecorder()
	sim.ServeHTTP(rec, req)
	var answer struct {
		Body struct {
			Inside []byte `xml:",innerxml"`
		}
	}
	err := xml.Unmarshal(rec.Body.Bytes(), &answer)
	if fault := bytes.Contains(answer.Body.Inside, []byte("Fault>")); err != nil || fault != (rec.Code == http.StatusInternalServerError) || !fault && rec.Code != http.StatusOK {
		t.Fatalf("%d %v: %s", rec.Code, err, rec.Body)
	}
}

// TestFuzzCorpora: what fuzzing starts from is checked in.
func TestFuzzCorpora(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"FuzzOutboundSOAP", "FuzzSOQLBuilder", "FuzzReply"} {
		files, err := os.ReadDir(filepath.Join("testdata", "fuzz", name))
		if err != nil || len(files) < 5 {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
	}
}

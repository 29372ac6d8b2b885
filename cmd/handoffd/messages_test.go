package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/handoffd/handoffd/state"
)

const messagesStory = "../../testdata/scenarios/salesforce-messages.txtar"

// TestMessagesAreQuick: an outbound message brings a form to its owner within
// seconds, while the next poll is twenty minutes away (I11).
func TestMessagesAreQuick(t *testing.T) {
	t.Parallel()
	s := readStory(t, filepath.FromSlash(messagesStory))
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		st := newStage(t, s, dir, variant{name: "plain"})
		defer st.close()
		time.Sleep(time.Minute)
		st.do(s.lines[0])
		time.Sleep(15 * time.Second)
		for _, r := range st.world("salesforce")["Lead"] {
			if r.Fields["Email"] == "noor@initech.com" && r.Fields["Handoff_Status__c"] != "Assigned" {
				t.Errorf("15 s later the lead says %v", r.Fields["Handoff_Status__c"])
			}
		}
	})
}

// soapMessage is an outbound message of one lead.
func soapMessage(org, extra string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
<OrganizationId>` + org + `</OrganizationId><ActionId>04k000000000001AAA</ActionId>` + extra + `<Notification><Id>04l000000000001AAA</Id>
<sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>00Q000000000001EAA</sf:Id></sObject></Notification>
</notifications></soapenv:Body></soapenv:Envelope>`
}

// TestForgedMessages: who does not know the path or the org changes nothing,
// and costs no call of the CRM's; one who knows both costs one read (I5, I8, I9).
func TestForgedMessages(t *testing.T) {
	t.Parallel()
	s := readStory(t, filepath.FromSlash(messagesStory))
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		st := newStage(t, s, dir, variant{name: "plain"})
		defer st.close()
		time.Sleep(time.Minute)
		org := st.pair.Salesforce.Credentials().OrgID
		const path = "/webhooks/salesforce/" + messageSecret
		good := soapMessage(org, "")
		var wide bytes.Buffer
		for _, u := range utf16.Encode([]rune(good)) {
			wide.Write([]byte{byte(u >> 8), byte(u)})
		}
		calls := func() int {
			n := 0
			for _, x := range st.pair.History.Snapshot() {
				if x.CRM == "salesforce" {
					n++
				}
			}
			return n
		}
		before := calls()
		for name, f := range map[string]struct{ path, body string }{
			"another path":  {"/webhooks/salesforce/" + strings.Repeat("0", len(messageSecret)), good},
			"no path":       {"/webhooks/salesforce", good},
			"another org":   {path, soapMessage("00D000000000099EAA", "")},
			"no org":        {path, soapMessage("", "")},
			"a session":     {path, soapMessage(org, "<SessionId>00Dxx!yy</SessionId>")},
			"not XML":       {path, "hello"},
			"cut":           {path, good[:len(good)-40]},
			"an entity":     {path, strings.Replace(good, "<soapenv:Env", `<!DOCTYPE a [<!ENTITY b "c">]><soapenv:Env`, 1)},
			"UTF-16":        {path, wide.String()},
			"another space": {path, strings.Replace(good, "2005/09/outbound", "2005/09/inbound", 1)},
			"too long":      {path, good + strings.Repeat(" ", 2<<20)},
		} {
			rec := httptest.NewRecorder()
			st.webhooks.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, f.path, strings.NewReader(f.body)))
			if rec.Code < 400 || strings.Contains(rec.Body.String(), "Ack") {
				t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
			}
		}
		time.Sleep(30 * time.Second)
		if n := calls() - before; n != 0 {
			t.Errorf("forged messages cost %d calls", n)
		}
		for range 100 {
			st.webhooks.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, strings.NewReader(good)))
		}
		time.Sleep(30 * time.Second)
		if n := calls() - before; n > 3 {
			t.Errorf("one message, a hundred times, cost %d calls", n)
		}
		for i := range 40 {
			body := strings.ReplaceAll(good, "04l000000000001AAA", fmt.Sprintf("04l0000000%05d", i))
			st.webhooks.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
		}
		time.Sleep(30 * time.Second)
		if n := calls() - before; n > 60 {
			t.Errorf("forty messages cost %d calls", n)
		}
		err := st.store.View(t.Context(), func(tx state.Tx) error {
			for h := range state.AllHandoffs(tx) {
				t.Errorf("a handoff: %v", h)
			}
			return tx.Err()
		})
		if err != nil {
			t.Error(err)
		}
	})
}

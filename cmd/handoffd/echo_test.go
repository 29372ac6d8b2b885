package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
)

// someBuyer fills in a form, the n-th of a run: "hubspot" and "salesforce" stay
// where they are, "across" is delivered to the other CRM. hot ones name a
// company, the others write from free mail.
func someBuyer(n int, way string, hot bool) simulators.Edit {
	email, company := fmt.Sprintf("buyer%d@firm%d.example", n, n), fmt.Sprint("Firm ", n)
	if !hot {
		email, company = fmt.Sprintf("buyer%d@gmail.com", n), ""
	}
	if way == "salesforce" {
		return simulators.Edit{CRM: way, Object: "Lead", Op: "submit_form", Fields: map[string]any{
			"form": "Home: Demo request", "Email": email, "FirstName": "Noor", "LastName": fmt.Sprint("Buyer ", n), "Company": fmt.Sprint("Firm ", n),
		}}
	}
	e := simulators.Edit{CRM: "hubspot", Object: "contacts", Op: "submit_form", Fields: map[string]any{
		"page": "Pricing", "form": "Demo request", "email": email, "firstname": "Dana", "lastname": fmt.Sprint("Buyer ", n), "country": "United States",
	}}
	if company != "" {
		e.Fields["company"] = company
	}
	if way == "across" {
		e.Fields["page"], e.Fields["form"] = "Contact", "Contact sales"
	}
	return e
}

// scale is how many of something a test takes: few, or what the variable says.
func scale(t *testing.T, variable string, few int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// ourWrites counts what the daemon has changed, by CRM, object and verb.
func (st *stage) ourWrites() map[string]int {
	n := map[string]int{}
	for _, c := range st.pair.History.Changes() {
		if strings.HasPrefix(c.Actor, "api:") && (c.Op == "create" || c.Op == "update") {
			n[c.CRM+" "+c.Object+" "+c.Op]++
		}
	}
	return n
}

// audited counts the lines of the audit trail.
func (st *stage) audited() (n int) {
	st.t.Helper()
	err := st.store.View(st.t.Context(), func(tx state.Tx) error {
		n = 0
		for range state.AllAudit(tx, 0) {
			n++
		}
		return tx.Err()
	})
	if err != nil {
		st.t.Fatal(err)
	}
	return n
}

// TestEchoes: what handoffd has written comes back by webhook, by message, from
// programs that sent it twice, and by poll, and causes nothing: every handoff
// is written once, and then the trail stands still (C12). ECHOES=3334 makes it
// ten thousand handoffs.
func TestEchoes(t *testing.T) {
	unraced(t)
	t.Parallel()
	each := scale(t, "ECHOES", 40)
	s := readStory(t, filepath.FromSlash(messagesStory))
	rules := strings.ReplaceAll(string(s.folder["handoffd.yaml"].Data), "poll_every: 20 minutes", "poll_every: 2 minutes")
	s.folder["handoffd.yaml"] = &fstest.MapFile{Data: []byte(rules)}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		st := newStage(t, s, dir, variant{name: "echoes", hooks: simulators.WebhookFaults{Double: 0.3, Shuffle: 0.3}})
		defer st.close()
		if err := st.pair.Salesforce.Setup([]byte(`{"echo_messages":true}`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for n := range each {
			for i, way := range variants {
				st.do(storyLine{verb: "edit", edit: someBuyer(len(variants)*n+i, way, true)})
			}
		}
		time.Sleep(5*time.Minute + time.Duration(each)*100*time.Millisecond)
		trail, sent := st.audited(), len(st.pair.History.Sent())
		want := map[string]int{
			"hubspot contacts update": 2 * each, "hubspot tasks create": each,
			"salesforce Lead create": each, "salesforce Lead update": each, "salesforce Task create": 2 * each,
		}
		if diff := gocmp.Diff(want, st.ourWrites()); diff != "" {
			t.Errorf("what was written (-want +got):\n%s", diff)
		}
		time.Sleep(2*time.Minute + 10*time.Second)
		if diff := gocmp.Diff(want, st.ourWrites()); diff != "" {
			t.Errorf("what was written when everything had come back (-want +got):\n%s", diff)
		}
		if now := st.audited(); now != trail {
			t.Errorf("the trail went on from %d to %d lines", trail, now)
		}
		if sent < 3*each {
			t.Errorf("only %d webhooks and messages were sent for %d handoffs: nothing has echoed", sent, 3*each)
		}
	})
}

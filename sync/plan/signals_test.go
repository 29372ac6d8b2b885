package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

const productWords = `mapping: product
usage:
  fields:
    email:        {read: user_email, clean: [email]}
    domain:       {read: account_domain, clean: [domain]}
    active_users: {read: active_users, is_a: number}
`

const productSignal = `handoff: product_signal
what: Somebody uses the product a lot.
about: %s
on: hubspot
from: product
to: sales
starts_when:
  - {usage.active_users: {at_least: 10}}
context: {must_have: [%s], if_missing: route_then_chase}
sla: high_intent
owner: [round robin sdr_us]
accountable_until_accepted: receiver
accepted_when: {any: [{%s.handoff_status: Accepted}, next_task_created]}
first_touch_is: [call]
completed_when: first_touch
if_stalled: [standard]
`

func heard(t *testing.T, about string) *plan.Rules {
	t.Helper()
	field := map[string]string{"person": "person.email", "company": "company.name"}[about]
	edits := map[string]string{"handoffs/alone.yaml": fmt.Sprintf(productSignal, about, field, about), "mappings/product.yaml": productWords}
	for name := range starterTypes(t) {
		edits[name] = ""
	}
	return writing(t, edits,
		edit(t, "handoffd.yaml", "mode: observe", "mode: write\nsignals:\n  product:\n    on: hubspot\n    find_by: [{same: [usage.email, person.email]}, {same: [usage.domain, company.domain]}]"),
		edit(t, "mappings/hubspot.yaml", "    segment:  ", "    handoff_status: {read: handoff_status, write: handoff_status}\n    segment:  ",
			"    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, is_a: user}", "    parent:            {read: hs_parent_company_id}\n    owner:             {read: hubspot_owner_id, write: hubspot_owner_id, is_a: user}"))
}

// posted is a signal as the inbox brings it.
func posted(t *testing.T, r *plan.Rules, id string, at time.Time, fields map[string]any) plan.Observed {
	t.Helper()
	ref := connectors.Ref{Conn: "hubspot", Kind: r.Signals()[0].Kind, ID: id}
	rec, odd := r.Normalize(connectors.Object{Ref: ref, Version: at.Format(time.RFC3339), ModifiedAt: at, CreatedAt: at, Fields: fields})
	if len(odd) > 0 {
		t.Fatalf("%v", odd)
	}
	return plan.Observed{Record: rec, Via: "signal", Came: at, Read: at}
}

// holds answers who holds an e-mail address in HubSpot.
func (w *world) holds(email string, found ...state.Record) {
	n := state.Need{Conn: "hubspot", Question: connectors.Question{Kinds: []connectors.Kind{"contacts"}, Field: "email", Value: email}}
	if found == nil {
		found = []state.Record{}
	}
	w.located[n.ID()] = found
}

// TestWhatProgramsSay: what a program says of a person or a company starts a handoff
// about them when it crosses the line, once, in whatever order it comes
// (1.12, 1.35, 1.49).
func TestWhatProgramsSay(t *testing.T) {
	t.Parallel()
	old := contact("51", map[string]string{"email": "dana@acme.com", "email_domain": "acme.com"})
	old.CreatedAt = live.AddDate(-1, 0, 0)
	users := func(n int) map[string]any {
		return map[string]any{"user_email": "Dana@acme.com", "active_users": fmt.Sprint(n)}
	}
	t.Run("a person the CRM knows and we have not met", func(t *testing.T) {
		t.Parallel()
		rules, w := heard(t, "person"), newWorld()
		w.holds("dana@acme.com", old)
		var got []int
		for i, n := range []int{4, 10, 12, 11} {
			w.decide(t, rules, monday.Add(time.Duration(i)*time.Minute), posted(t, rules, fmt.Sprint(i), monday.Add(time.Duration(i)*time.Minute), users(n)))
			got = append(got, len(w.handoffs))
		}
		if diff := cmp.Diff([]int{0, 1, 1, 1}, got); diff != "" {
			t.Errorf("handoffs after each signal (-want +got):\n%s", diff)
		}
		if h := w.only(t); h.Record != old.Ref || len(h.Signals) != 1 {
			t.Errorf("it is about %s, %d signals", h.Record, len(h.Signals))
		}
		// The record is read again, for some other reason: nothing new is said.
		again := old
		again.Version, again.ModifiedAt = "2", monday.Add(time.Hour)
		w.decide(t, rules, monday.Add(time.Hour), see(again))
		w.only(t)
	})
	t.Run("an older signal that comes late changes nothing newer", func(t *testing.T) {
		t.Parallel()
		rules, w := heard(t, "person"), newWorld()
		w.holds("dana@acme.com", old)
		w.decide(t, rules, monday, posted(t, rules, "2", monday, users(5)))
		w.decide(t, rules, monday, posted(t, rules, "1", monday.Add(-time.Hour), users(50)))
		if told := w.told[state.ToldKey(old.Ref)]; told.Last.Fields["active_users"] != "5" || len(w.handoffs) != 0 {
			t.Errorf("%v, %d handoffs", told.Last.Fields, len(w.handoffs))
		}
	})
	t.Run("from before we went live", func(t *testing.T) {
		t.Parallel()
		rules, w := heard(t, "person"), newWorld()
		w.holds("dana@acme.com", old)
		w.decide(t, rules, monday, posted(t, rules, "1", live.Add(-time.Hour), users(50)))
		if len(w.handoffs) != 0 {
			t.Error("it started")
		}
	})
	t.Run("a company by its domain", func(t *testing.T) {
		t.Parallel()
		rules, w := heard(t, "company"), newWorld()
		acme := company("hubspot", "900", map[string]string{"name": "Acme", "domain": "acme.com"})
		w.add(acme)
		w.decide(t, rules, monday, posted(t, rules, "1", monday, map[string]any{"account_domain": "https://www.acme.com", "active_users": "25"}))
		if h := w.only(t); h.Record != acme.Ref {
			t.Errorf("it is about %s", h.Record)
		}
	})
	t.Run("who nobody knows is listed, and found when they appear", func(t *testing.T) {
		t.Parallel()
		rules, w := heard(t, "person"), newWorld()
		w.holds("dana@acme.com")
		w.decide(t, rules, monday, posted(t, rules, "1", monday, users(25)))
		if len(w.handoffs) != 0 || len(w.listings) != 1 || w.listings[0].List != "unmatched" {
			t.Fatalf("%d handoffs, listings %v", len(w.handoffs), w.listings)
		}
		w.decide(t, rules, monday.Add(time.Hour), see(contact("51", map[string]string{"email": "dana@acme.com", "email_domain": "acme.com"})))
		if h := w.only(t); !h.Signals[0].At.Equal(monday) {
			t.Errorf("its clock counts from %s, want the signal", h.Signals[0].At)
		}
		if left := w.told["person.email:dana@acme.com"]; len(left.Waiting) != 0 {
			t.Error("the signal still waits")
		}
	})
	t.Run("whom it speaks of is not said", func(t *testing.T) {
		t.Parallel()
		rules, w := heard(t, "person"), newWorld()
		w.decide(t, rules, monday, posted(t, rules, "1", monday, map[string]any{"active_users": "25"}))
		if len(w.listings) != 1 {
			t.Errorf("listings %v", w.listings)
		}
	})
}

// TestSpeakersRefused: a source whose words or whose connection is missing is
// told, with its place.
func TestSpeakersRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ signals, code string }{
		"no such connection": {"{product: {on: pipedrive, find_by: [{same: [usage.email, person.email]}]}}", "undefined-connection"},
		"no mapping":         {"{shop: {on: hubspot, find_by: [{same: [usage.email, person.email]}]}}", "no-mapping"},
		"an unknown word":    {"{product: {on: hubspot, find_by: [{same: [usage.mail, person.email]}]}}", "undefined-field"},
		"the wrong way":      {"{product: {on: hubspot, find_by: [{same: [person.email, usage.email]}]}}", "wrong-noun"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edits := edit(t, "handoffd.yaml", "mode: observe", "mode: write\nsignals: "+test.signals)
			edits["mappings/product.yaml"] = productWords
			doc, ds := mappings.Load(folder(t, edits))
			_, more := plan.Compile(doc)
			found := false
			for _, d := range append(ds, more...) {
				found = found || d.Code == test.code && d.Pos.Line > 0
			}
			if !found {
				t.Errorf("want %s, got %v", test.code, append(ds, more...))
			}
		})
	}
}

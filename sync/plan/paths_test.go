package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestSignalsKeepApart: in the starter pack a demo request of a target account
// is another thing than an e-book, a pricing inquiry than a newsletter, and a
// late procurement question never waits in a queue of leads (1.67, 1.70).
func TestSignalsKeepApart(t *testing.T) {
	t.Parallel()
	r := starterRules(t)
	target, other := acme("named_account", "yes", "owner", "u-dev"), acme("owner", "u-dev")
	at := monday.Add(-time.Minute).Format(time.RFC3339)
	person := func(pairs ...string) state.Record {
		p := contact("51", map[string]string{"email": "dana@acme.com", "email_domain": "acme.com", "last_form_at": at})
		for i := 0; i < len(pairs); i += 2 {
			p.Fields[pairs[i]] = pairs[i+1]
		}
		return p
	}
	for _, tc := range []struct {
		name    string
		account state.Record
		rec     state.Record
		owner   string // "": nobody is given anything
		tier    string
	}{
		{"a demo for a target account", target, person("last_form", "Pricing: Demo request"), "dev@example.com", "high_intent"},
		{"an e-book for a target account", target, person("intent_signal", "Early download"), "dev@example.com", "medium_intent"},
		{"an e-book for anybody", other, person("intent_signal", "Early download"), "", ""},
		{"a pricing inquiry", other, person("intent_signal", "Pricing inquiry", "country", "GB"), "isla@example.com", "high_intent"},
		{"a newsletter", other, person("intent_signal", "Newsletter", "country", "GB"), "", ""},
		{"a webinar of a target account", target, person("intent_signal", "Webinar attended"), "dev@example.com", "medium_intent"},
	} {
		w := newWorld()
		w.add(tc.account)
		w.decide(t, r, monday, see(tc.rec))
		if tc.owner == "" {
			if len(w.handoffs) != 0 {
				t.Errorf("%s: %+v", tc.name, w.handoffs)
			}
			continue
		}
		if h := w.only(t); h.Owner != tc.owner || h.Tier != tc.tier {
			t.Errorf("%s: %s in tier %s", tc.name, h.Owner, h.Tier)
		}
	}
	w := newWorld()
	w.users = append(w.users, user{"hubspot", connectors.User{ID: "u-finn", Email: "finn@example.com", Active: true}})
	w.decide(t, r, monday.Add(-time.Hour), see(starterDeal("1", "Contract sent", "csm_planned", "u-gus")))
	before := len(w.handoffs)
	w.decide(t, r, monday, see(starterDeal("2", "Contract sent", "csm_planned", "u-gus", "review_requested", "Procurement")))
	if len(w.handoffs) != before+1 {
		t.Fatalf("%+v", w.handoffs)
	}
	for _, h := range w.handoffs {
		if h.Type != "pre_sale_to_cs" && (h.Owner != "finn@example.com" || h.Team != "" || h.Tier != "request") {
			t.Errorf("procurement: %s has %s in tier %s from %q", h.Owner, h.Type, h.Tier, h.Team)
		}
	}
}

// TestLeavingAtVolume: when somebody with a hundred open handoffs leaves,
// nobody has to sort them by hand. Each goes on by the rules, at its next
// reading, to the one who stands in for them, with one write of the owner and
// one row of who had it before; deadlines stay (2.30, 1.73).
func TestLeavingAtVolume(t *testing.T) {
	t.Parallel()
	const many = 100
	r, w := writing(t), newWorld()
	var theirs []state.Handoff
	for n := range many {
		id := fmt.Sprint(1000 + n)
		rec := demo(id, "dana@buyer"+id+".example", "owner", "u-ana", "country", "US")
		w.decide(t, r, monday, see(rec))
		for k, i := range w.intents {
			delete(w.intents, k)
			ref := i.Write.Ref
			if ref.ID == "" {
				ref.ID = "made-" + i.Write.Key[:6]
			}
			w.decide(t, r, monday, plan.Delivered{Intent: i, Ref: ref, Version: "2"})
		}
	}
	for _, h := range w.handoffs {
		if h.Owner != "ana@example.com" {
			t.Fatalf("%s has %s", h.Owner, h.Record)
		}
		theirs = append(theirs, h)
	}
	w.inactive("hubspot", "ana")
	later := monday.Add(5 * time.Minute)
	for _, was := range theirs {
		rec := w.records[was.Record]
		rec.Version, rec.ModifiedAt = "3", later
		w.decide(t, r, later, plan.Observed{Record: rec, Via: "poll", Came: later, Read: later})
		now := w.handoffs[was.ID]
		if now.Owner != was.Backup || !now.AcceptBy.Equal(was.AcceptBy) || len(now.Holders) != 1 || now.Accountable == "" {
			t.Fatalf("%s: %s has it after %v, accept by %s", was.Record, now.Owner, now.Holders, now.AcceptBy)
		}
	}
	given := 0
	for _, i := range w.intents {
		if owner, _ := i.Write.Set["hubspot_owner_id"].(string); strings.HasPrefix(owner, "u-") && owner != "u-ana" && i.Write.Ref.Kind == "contacts" {
			given++
		}
		if i.Write.Ref.Kind == connectors.Task && i.Write.Set[connectors.TaskOwner] == "u-ana" {
			t.Errorf("a task is left with who has left: %+v", i.Write)
		}
	}
	if given != many {
		t.Errorf("%d owners are written, want %d", given, many)
	}
}

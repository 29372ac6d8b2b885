package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

func acme(fields ...string) state.Record {
	f := map[string]string{"name": "Acme", "domain": "acme.com"}
	for i := 0; i < len(fields); i += 2 {
		f[fields[i]] = fields[i+1]
	}
	return company("hubspot", "9", f)
}

func openDeal(id, owner string, more ...string) state.Record {
	r := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "deals", ID: id}, Noun: "deal", Version: "1", ModifiedAt: monday,
		Fields: map[string]string{"owner": owner, "name": "Deal " + id}, Links: []connectors.Ref{{Conn: "hubspot", Kind: "companies", ID: "9"}},
	}
	for i := 0; i < len(more); i += 2 {
		r.Fields[more[i]] = more[i+1]
	}
	return r
}

// TestWhoGetsIt walks the owner list of the starter pack, from the strongest
// claim to the weakest (1.74, 1.75, 1.77, 1.81, 1.82, 1.83, 1.87, 1.88).
func TestWhoGetsIt(t *testing.T) {
	t.Parallel()
	cover := func(who, by string) map[string]string {
		return edit(t, "people.yaml", "# Somebody else's work, for a while:",
			"cover:\n  - {who: "+who+"@example.com, by: "+by+"@example.com, from: 2026-03-10, until: 2026-03-20}\n#")
	}
	tests := []struct {
		name    string
		edits   map[string]string
		records []state.Record
		before  func(*world)
		person  []string
		owner   string
		because string
		says    string // some reason contains it
	}{
		{
			name: "1.77, 1.81 the owner of a named account, before any rotation", records: []state.Record{acme("named_account", "yes", "owner", "u-dev", "is_customer", "yes")},
			owner: "dev@example.com", because: "named account owner",
		},
		{
			name: "1.75 an account that is not named is no reason", records: []state.Record{acme("owner", "u-dev")},
			owner: "ana@example.com", because: "territory inbound", says: "Acme has no named account",
		},
		{
			name: "1.82 a customer's owner, before new-lead routing", records: []state.Record{acme("is_customer", "yes", "owner", "u-gus")},
			owner: "gus@example.com", because: "customer owner",
		},
		{
			name:    "1.82 the owner of the customer above it",
			records: []state.Record{acme("parent", "8"), company("hubspot", "8", map[string]string{"name": "Acme Group", "is_customer": "yes", "owner": "u-gus"})},
			owner:   "gus@example.com", because: "customer owner", says: "who owns Acme Group",
		},
		{
			name: "1.83 the open deal's owner, before inbound queues", records: []state.Record{acme(), openDeal("1", "u-erin")},
			owner: "erin@example.com", because: "open deal owner",
		},
		{
			name: "1.83 of two open deals the one that changed last; a closed one never", records: []state.Record{
				acme(), openDeal("1", "u-erin"), openDeal("2", "u-vera", "is_closed", "yes"),
			},
			owner: "erin@example.com", because: "open deal owner",
		},
		{
			name: "1.74 whoever has the person already", person: []string{"owner", "u-cleo"},
			owner: "cleo@example.com", because: "relationship owner",
		},
		{
			name: "1.74 an integration that owns the person is nobody", person: []string{"owner", "u-sync", "country", "GB"},
			before: func(w *world) {
				w.users = append(w.users, user{"hubspot", connectors.User{ID: "u-sync", Email: "sync@example.com", Active: true}})
			},
			owner: "isla@example.com", because: "territory inbound",
		},
		{
			name: "0.12 the giver is never the answer", records: []state.Record{acme("named_account", "yes", "owner", "u-jo")},
			owner: "ana@example.com", because: "territory inbound", says: "jo@example.com gives this and cannot receive it",
		},
		{
			name: "1.87 by size first", records: []state.Record{acme("employees", "5000")},
			owner: "dev@example.com", because: "territory inbound", says: "employees is \"5000\"",
		},
		{
			name: "1.87 by country", person: []string{"country", "IE"}, owner: "isla@example.com", because: "territory inbound",
		},
		{
			name: "1.88, 1.81 a named owner on leave: their backup, not the rotation", edits: cover("dev", "erin"),
			records: []state.Record{acme("named_account", "yes", "owner", "u-dev")},
			owner:   "erin@example.com", because: "backup of named account owner", says: "is on leave until 2026-03-20",
		},
		{
			name: "1.88 whoever covers comes before the backup", edits: cover("dev", "vera"),
			records: []state.Record{acme("named_account", "yes", "owner", "u-dev")},
			owner:   "vera@example.com", because: "backup of named account owner",
		},
		{
			name:    "1.88 a named owner at their cap: their backup",
			edits:   edit(t, "teams.yaml", "ae_enterprise:    {manager", "ae_enterprise:    {at_most: 2, manager"),
			before:  func(w *world) { w.load["dev@example.com"] = 2 },
			records: []state.Record{acme("named_account", "yes", "owner", "u-dev")},
			owner:   "erin@example.com", because: "backup of named account owner", says: "has 2 of 2 handoffs not accepted yet",
		},
		{
			name: "1.77 a named owner who has left: their backup", before: func(w *world) { w.inactive("hubspot", "dev") },
			records: []state.Record{acme("named_account", "yes", "owner", "u-dev")},
			owner:   "erin@example.com", because: "backup of named account owner", says: "is inactive in hubspot",
		},
		{
			name: "1.77 a named owner who has left and whom nobody knows is nobody", person: []string{"country", "US"},
			records: []state.Record{acme("named_account", "yes", "owner", "u-old")},
			before: func(w *world) {
				w.users = append(w.users, user{"hubspot", connectors.User{ID: "u-old", Email: "old@example.com"}})
			},
			owner: "ana@example.com", because: "territory inbound", says: "old@example.com, who owns Acme, is inactive in hubspot",
		},
		{
			name: "1.88 a rotation passes over who is on leave, and says so", edits: cover("ana", "kim"), person: []string{"country", "US"},
			owner: "ben@example.com", because: "territory inbound", says: "ana@example.com is on leave until 2026-03-20",
		},
		{
			name: "1.88 a rotation passes over who has left the CRM", before: func(w *world) { w.inactive("hubspot", "ana") }, person: []string{"country", "US"},
			owner: "ben@example.com", because: "territory inbound", says: "ana@example.com is inactive in hubspot",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, w := writing(t, test.edits), newWorld()
			w.add(test.records...)
			if test.before != nil {
				test.before(w)
			}
			w.decide(t, r, monday, see(demo("51", "dana@acme.com", test.person...)))
			h := w.only(t)
			if h.Owner != test.owner || h.Stage != state.Assigned {
				t.Errorf("owner %q (%s), want %q\n%v", h.Owner, h.Stage, test.owner, h.Why)
			}
			last := h.Why[len(h.Why)-1]
			if !strings.HasPrefix(last.Text, test.owner+": "+test.because) || !strings.HasPrefix(last.Rule, "handoffs/demo-request.yaml:") {
				t.Errorf("because %v, want %q", last, test.because)
			}
			if !says(h.Why, test.says) {
				t.Errorf("no reason says %q: %v", test.says, h.Why)
			}
			if h.Backup == h.Owner || h.Backup == "" || h.Accountable == "" {
				t.Errorf("backup %q, accountable %q of %q (1.73, 2.44)", h.Backup, h.Accountable, h.Owner)
			}
		})
	}
}

func (w *world) inactive(conn, who string) {
	for i := range w.users {
		if w.users[i].conn == conn && w.users[i].ID == "u-"+who {
			w.users[i].Active = false
		}
	}
}

func says(why []state.Reason, what string) bool {
	for _, r := range why {
		if strings.Contains(r.Text, what) {
			return true
		}
	}
	return what == ""
}

// TestDealAtHand: the deal that is handed over is not the open deal whose
// owner receives it, and whoever gives does not receive.
func TestDealAtHand(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(
		"about: person", "about: deal", "{person.intent_signal: Price}", "{deal.stage: Won}", "person.email: {filled: yes}", "deal.stage: {filled: yes}",
		"must_have: [person.email]", "must_have: [deal.stage]", "{any: [{person.handoff_status: Accepted}, {person.lead_status: Working}]}", "{deal.stage: Kickoff}",
		"from: marketing", "from: account executives", "owner: [round robin sdr_us]", "owner: [open deal owner, round robin cs_onboarding]",
	).Replace(undated)
	r := writing(t, edit(t, "mappings/hubspot.yaml", "yes_no}\n    owner:             {read: hubspot_owner_id, is_a: user}\n\nmatch",
		"yes_no}\n    owner:             {read: hubspot_owner_id, write: hubspot_owner_id, is_a: user}\n\nmatch"), map[string]string{"handoffs/won.yaml": text})
	for other, want := range map[string]string{"": "farah@example.com", "u-gus": "gus@example.com", "u-dev": "farah@example.com"} {
		w := newWorld()
		deal := openDeal("1", "u-vera", "stage", "Won")
		deal.CreatedAt = monday
		w.add(acme(), deal)
		if other != "" {
			w.add(openDeal("2", other))
		}
		deal.Fields = map[string]string{"owner": "u-dev", "stage": "Won"} // changed hands since it was read last
		w.decide(t, r, monday, see(deal))
		if h := w.only(t); h.Owner != want || h.Giver != "dev@example.com" || h.Accountable != want {
			t.Errorf("another deal of %q: %s gives to %s, want %s: %v", other, h.Giver, h.Owner, want, h.Why)
		}
	}
}

// TestOpenNow (1.88): of a team over two countries whoever works now is
// preferred, and a holiday is a reason that is told.
func TestOpenNow(t *testing.T) {
	t.Parallel()
	both := edit(t, "teams.yaml", "members: [{who: isla@example.com}]", "members: [{who: ana@example.com}, {who: isla@example.com}]")
	r := writing(t, both)
	for _, test := range []struct {
		at    time.Time
		owner string
		says  string
	}{
		{time.Date(2026, 3, 16, 10, 0, 0, 0, time.UTC), "isla@example.com", "ana@example.com is outside working hours"},
		{time.Date(2026, 3, 16, 20, 0, 0, 0, time.UTC), "ana@example.com", "isla@example.com is outside working hours"},
		{time.Date(2026, 5, 25, 14, 0, 0, 0, time.UTC), "isla@example.com", "ana@example.com does not work today"}, // both have a holiday; London opens first
		{time.Date(2026, 7, 3, 14, 0, 0, 0, time.UTC), "isla@example.com", "ana@example.com does not work today"},
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "GB", "last_form_at", test.at.Format(time.RFC3339))
		w.decide(t, r, test.at, plan.Observed{Record: rec, Came: test.at})
		if h := w.only(t); h.Owner != test.owner || !says(h.Why, test.says) {
			t.Errorf("%s: %s, want %s and %q: %v", test.at, h.Owner, test.owner, test.says, h.Why)
		}
	}
}

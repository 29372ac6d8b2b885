package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// alone is one type of its own about a price, with some lines replaced.
func alone(t *testing.T, pairs ...string) map[string]string {
	t.Helper()
	text := undated
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return map[string]string{"handoffs/asked-price.yaml": text, "handoffs/demo-request.yaml": "", "handoffs/contact-sales.yaml": ""}
}

func price(id string, more ...string) state.Record {
	r := contact(id, map[string]string{"email": "dana@acme.com", "email_domain": "acme.com", "intent_signal": "Price"})
	for i := 0; i < len(more); i += 2 {
		r.Fields[more[i]] = more[i+1]
	}
	return r
}

// TestSkills (1.84): only who can do what the record asks; a blank asks for
// nothing; what nobody can do goes on to the next line.
func TestSkills(t *testing.T) {
	t.Parallel()
	r := writing(t, alone(t, "owner: [round robin sdr_us]", "owner: [{use: round robin ae_enterprise, with: {language: person.country}}, round robin sdr_us]"))
	for country, want := range map[string]string{"ES": "erin@example.com", "": "dev@example.com", "FR": "ana@example.com"} {
		w := newWorld()
		w.decide(t, r, monday, see(price("51", "country", country)))
		if h := w.only(t); h.Owner != want {
			t.Errorf("%q: %s, want %s: %v", country, h.Owner, want, h.Why)
		}
	}
}

// TestIfEveryoneIsFull: backup takes it to the backup of who would be next.
func TestIfEveryoneIsFull(t *testing.T) {
	t.Parallel()
	teams := edit(t, "teams.yaml", "# at_most: 12 ", "at_most: 1 ", "if_everyone_is_full: queue", "if_everyone_is_full: backup",
		"- {who: ben@example.com,  weight: 2}", "# nobody", "- {who: cleo@example.com, weight: 1, note: ramping up}", "# nobody")
	r, w := writing(t, alone(t), teams), newWorld()
	w.load["ana@example.com"] = 1
	w.decide(t, r, monday, see(price("51")))
	if h := w.only(t); h.Owner != "ben@example.com" || h.Stage != state.Assigned || !says(h.Why, "backup of ana@example.com, who would be next") {
		t.Errorf("%s %s %v", h.Owner, h.Stage, h.Why)
	}
}

// TestQueueLine: a line that says queue waits for a person, and its manager
// answers meanwhile.
func TestQueueLine(t *testing.T) {
	t.Parallel()
	r, w := writing(t, alone(t, "owner: [round robin sdr_us]", "owner: [queue sdr_us]")), newWorld()
	w.decide(t, r, monday, see(price("51")))
	if h := w.only(t); h.Stage != state.Queued || h.Accountable != "morgan@example.com" || len(w.timers) != 0 {
		t.Errorf("%+v %v", h, w.timers)
	}
}

// TestNobodyAtAll: a named person whose backups are all away waits with their
// manager, and never falls to a generic queue (1.77).
func TestNobodyAtAll(t *testing.T) {
	t.Parallel()
	r, w := writing(t, alone(t, "owner: [round robin sdr_us]", "owner: [person dev@example.com, round robin sdr_us]")), newWorld()
	w.inactive("hubspot", "dev")
	w.inactive("hubspot", "erin")
	w.decide(t, r, monday, see(price("51")))
	if h := w.only(t); h.Stage != state.Queued || h.Accountable != "vera@example.com" || h.Team != "" {
		t.Errorf("%s, %s accountable, team %q: %v", h.Stage, h.Accountable, h.Team, h.Why)
	}
}

// TestAccountable (0.12): who answers until somebody accepts.
func TestAccountable(t *testing.T) {
	t.Parallel()
	for until, want := range map[string]string{
		"giver": "jo@example.com", "receiver": "ana@example.com", "queue": "morgan@example.com", "hugh@example.com": "hugh@example.com",
	} {
		r, w := writing(t, alone(t, "until_accepted: receiver", "until_accepted: "+until)), newWorld()
		w.decide(t, r, monday, see(price("51")))
		if h := w.only(t); h.Accountable != want || h.Owner != "ana@example.com" {
			t.Errorf("%s: %s, want %s", until, h.Accountable, want)
		}
	}
}

// TestReview: several accounts fit and nothing tells them apart; a hot buyer
// is routed all the same, and a person is asked to look.
func TestReview(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	for _, id := range []string{"8", "9"} {
		w.add(company("hubspot", id, map[string]string{"name": "Acme " + id, "domain": "acme.com", "named_account": "yes", "owner": "u-dev"}))
	}
	rec := demo("51", "dana@mail.acme.com", "email_domain", "acme.com")
	w.decide(t, r, monday, see(rec))
	h := w.only(t)
	if h.Stage != state.Assigned || h.Owner != "ana@example.com" || len(w.listings) != 1 || w.listings[0].List != "review" {
		t.Errorf("%s %s %+v", h.Stage, h.Owner, w.listings)
	}
}

// TestNeverTake: records of some people are left alone.
func TestNeverTake(t *testing.T) {
	t.Parallel()
	settings := edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nsafety: {never_take_records_from: [vera@example.com]}\nnever:")
	r, w := compile(t, folder(t, settings)), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com", "owner", "u-vera")))
	if h := w.only(t); h.Stage != state.Refused || len(w.intents) != 0 || w.listings[0].List != "spared" {
		t.Errorf("%s %v", h.Stage, w.intents)
	}
}

// TestImports: a bulk list has a tier of its own.
func TestImports(t *testing.T) {
	t.Parallel()
	settings := edit(t, "handoffd.yaml", "\nnever:", "\nimports: {when: {person.source: OFFLINE}, use_tier: medium_intent}\nnever:")
	r, w := compile(t, folder(t, settings)), newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com", "source", "OFFLINE")))
	if h := w.only(t); h.Tier != "medium_intent" {
		t.Errorf("tier %s", h.Tier)
	}
}

// TestOneOwnerForOneRecord (1.73): two types that start on one record go to
// one person.
func TestOneOwnerForOneRecord(t *testing.T) {
	t.Parallel()
	second := alone(t, "handoff: asked_price", "handoff: asked_more")
	r := writing(t, alone(t), map[string]string{"handoffs/more.yaml": second["handoffs/asked-price.yaml"]})
	w := newWorld()
	w.decide(t, r, monday, see(price("51")))
	if len(w.handoffs) != 2 {
		t.Fatalf("%d handoffs", len(w.handoffs))
	}
	for _, h := range w.handoffs {
		if h.Owner != "ana@example.com" {
			t.Errorf("%s goes to %s: %v", h.Type, h.Owner, h.Why)
		}
	}
}

// TestComesBackLater: weeks after acceptance a buyer is somebody's work anew.
func TestComesBackLater(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	rec.Version, rec.ModifiedAt, rec.Fields = "3", monday.Add(time.Minute), fields(rec, "handoff_status", "Accepted")
	w.decide(t, r, monday.Add(time.Minute), see(rec))
	for i, days := range []int{3, 30} {
		at := monday.Add(time.Duration(days) * 24 * time.Hour)
		rec.Version, rec.ModifiedAt, rec.Fields = rec.Version+"1", at, fields(rec, "last_form_at", at.Format(time.RFC3339))
		w.decide(t, r, at, plan.Observed{Record: rec, Came: at})
		if len(w.handoffs) != i+1 {
			t.Errorf("after %d days %d handoffs, want %d", days, len(w.handoffs), i+1)
		}
	}
}

// TestHeldBackAsksNobody: what only_if holds back costs no call.
func TestHeldBackAsksNobody(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	c := w.decide(t, r, monday, see(sales("51", "")))
	if len(c.Needs) != 0 || len(w.handoffs) != 0 {
		t.Errorf("%+v", c.Needs)
	}
}

// TestAuthority: the CRM that has no say over the owner is told and not
// changed, where the record stands on both sides.
func TestAuthority(t *testing.T) {
	t.Parallel()
	settings := edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:", "\nauthority: {owner: salesforce, created_in_salesforce_by: handoffd}\nnever:")
	r := compile(t, folder(t, settings))
	for _, both := range []bool{false, true} {
		w := newWorld()
		rec := demo("51", "dana@acme.com")
		if both {
			w.same[rec.Ref] = state.Same{Refs: []connectors.Ref{rec.Ref, lead("00Q1").Ref}, By: "email"}
		}
		w.decide(t, r, monday, see(rec))
		set := w.steps()["assign"].Write.Set
		if _, owner := set["hubspot_owner_id"]; owner == both || set["handoff_status"] != "Assigned" {
			t.Errorf("on both sides %v: %v", both, set)
		}
	}
}

// TestOwnerAtRisk: a record that a person owns is written only as it was seen.
func TestOwnerAtRisk(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.users = append(w.users, user{"hubspot", connectors.User{ID: "u-q", Queue: true, Active: true}})
	for owner, atRisk := range map[string]bool{"u-vera": true, "u-q": false, "": false} {
		w := &world{
			records: map[connectors.Ref]state.Record{}, handoffs: map[string]state.Handoff{}, triggers: map[string]state.Trigger{}, users: w.users,
			pools: map[string]state.Pool{}, conns: w.conns, intents: map[string]state.Intent{}, timers: map[string]state.Timer{},
		}
		rec := demo("51", "dana@acme.com", "owner", owner)
		w.add(acme("named_account", "yes", "owner", "u-dev"))
		w.decide(t, r, monday, see(rec))
		i := w.steps()["assign"]
		if i.Write.IfVersion != "1" || i.AtRisk != atRisk || !i.ReadAt.Equal(monday) || (i.Expect["hubspot_owner_id"] == nil) != (owner == "") {
			t.Errorf("owner %q: at risk %v, if_version %q, read %s, expect %v", owner, i.AtRisk, i.Write.IfVersion, i.ReadAt, i.Expect)
		}
	}
}

// TestSpansInWords: how long a limit counts is said as the admin wrote it.
func TestSpansInWords(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write", "\nnever:",
		"\nimports: {when: {person.source: IMPORT}, use_tier: medium_intent, at_most: 1 a day}\nsafety: {stop_if_more_than: {owner_changes: 200, in: 10 minutes}}\nnever:"))
	if why := r.Stop(monday, "hubspot/contacts/51").Reconcile[0].Why; !strings.Contains(why, "more than 200 owners were to change within 10 minutes (handoffd.yaml:") {
		t.Error(why)
	}
	w := newWorld()
	w.decide(t, r, monday, see(demo("51", "dana@acme.com", "source", "IMPORT")))
	c := w.decide(t, r, monday, see(demo("52", "cy@okoro.com", "source", "IMPORT")))
	if !slices.ContainsFunc(c.Why, func(why state.Reason) bool { return strings.Contains(why.Text, "an import, at most 1 in 1 day: ") }) {
		t.Errorf("%+v", c.Why)
	}
}

package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// town is a world of accounts, of which Northwind Traders is a named one of
// erin's.
func town() *world {
	w := newWorld()
	for i, n := range []string{"Acme Steel", "Globex Optics", "Initech Software", "Umbrella Dental", "Karlsson Foods", "Bluebird Travel", "Pinewood Homes", "Ironside Gyms"} {
		w.add(company("hubspot", fmt.Sprint(200+i), map[string]string{"name": n, "domain": fmt.Sprintf("firm%d.com", i)}))
	}
	w.add(company("hubspot", "101", map[string]string{"name": "Northwind Traders", "domain": "northwind.com", "country": "US", "named_account": "yes", "owner": "u-erin"}))
	return w
}

var northwind = connectors.Ref{Conn: "hubspot", Kind: "companies", ID: "101"}

// matching are the base rules with another way of matching in HubSpot.
func matching(t *testing.T, pairs ...string) *plan.Rules {
	t.Helper()
	return writing(t, edit(t, "mappings/hubspot.yaml", pairs...))
}

// careful gives everything that is alike to revops to look at.
func careful(t *testing.T, pairs ...string) *plan.Rules {
	t.Helper()
	return matching(t, append([]string{"sure_at: 92%", "sure_at: 100%", "if_several_match: review", "if_several_match: review\n  reviewed_by: revops@example.com"}, pairs...)...)
}

func why(h state.Handoff) string {
	var out []string
	for _, r := range h.Why {
		out = append(out, r.Text)
	}
	return strings.Join(out, "\n")
}

// Where nothing is the same, an account that is alike is taken, if it is sure
// enough and nothing the admin has written speaks against it.
func TestAlike(t *testing.T) {
	t.Parallel()
	typo := []string{"company_name", "Northwnd Traders", "country", "US"}
	for _, tc := range []struct {
		name   string
		rules  *plan.Rules
		person []string
		owner  string
	}{
		{"a typing error", writing(t), typo, "erin@example.com"},
		{"in another country", writing(t), []string{"company_name", "Northwnd Traders", "country", "DE"}, ""},
		{"only the same name counts", matching(t, "{alike: [person.company_name, company.name], and_same: country, sure_at: 92%}", "{same: [person.company_name, company.name], and_same: country}"), typo, ""},
		{"somebody else", writing(t), []string{"company_name", "Contoso Shipping", "country", "US"}, ""},
		{"nobody knows where from", writing(t), nil, ""},
		{"the host of the address is no name", writing(t), []string{"company_name", "gmail.com"}, ""},
	} {
		w := town()
		w.decide(t, tc.rules, monday, see(demo("51", "dana@gmail.com", tc.person...)))
		h := w.only(t)
		if got := h.Owner == "erin@example.com"; got != (tc.owner != "") || got != (h.Account == northwind) {
			t.Errorf("%s: %s of account %s\n%s", tc.name, h.Owner, h.Account, why(h))
		}
		if said := strings.Contains(why(h), "Northwind Traders (hubspot/companies/101) is alike"); said != (tc.owner != "") {
			t.Errorf("%s: %s", tc.name, why(h))
		}
	}
}

// reviewed is a buyer whose account is being looked at.
func reviewed(t *testing.T, r *plan.Rules, email string) (*world, state.Handoff) {
	t.Helper()
	w := town()
	w.decide(t, r, monday, see(demo("51", email, "company_name", "Northwnd Traders", "country", "US")))
	h := w.only(t)
	if h.Review == nil || !h.Account.IsZero() || h.Owner == "" || h.Owner == "erin@example.com" {
		t.Fatalf("no review, or an account was assumed: %+v\n%s", h.Review, why(h))
	}
	return w, h
}

// seen51 is a later reading of the buyer, changed by somebody.
func seen51(w *world, version, by string, change func(*state.Record)) state.Record {
	rec := w.records[connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}]
	fields := map[string]string{}
	for k, v := range rec.Fields {
		fields[k] = v
	}
	for _, h := range w.Handoffs(rec.Ref) {
		fields["owner"], fields["handoff_id"] = "u-"+strings.TrimSuffix(h.Owner, "@example.com"), h.ID
	}
	rec.Fields, rec.Version, rec.ModifiedBy, rec.ModifiedAt = fields, version, by, monday.Add(time.Hour)
	change(&rec)
	return rec
}

// What is not sure enough is a task for the steward with both records linked,
// while the buyer is handed over; the answer in the CRM is learnt.
func TestReviewIsAnswered(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		rules  *plan.Rules
		answer func(*state.Record)
	}{
		{"by a link", careful(t), func(r *state.Record) { r.Links = []connectors.Ref{northwind} }},
		{
			"in a field", careful(t, "    touch_by: ", "    belongs_to: {read: account_of}\n    touch_by: "),
			func(r *state.Record) { r.Fields["belongs_to"] = "101" },
		},
	} {
		w, h := reviewed(t, tc.rules, "dana@nwt.example")
		task := w.steps()["review"]
		if d := cmp.Diff([]connectors.Ref{h.Record, northwind}, task.Write.Links); d != "" || task.Write.Set[connectors.TaskOwner] != "u-revops" {
			t.Errorf("%s: the steward's task: %s %v", tc.name, d, task.Write.Set)
		}
		if body, _ := task.Write.Set[connectors.TaskBody].(string); !strings.Contains(body, "- Northwind Traders (hubspot/companies/101), northwind.com, US") || !strings.Contains(body, h.Owner+" has the handoff meanwhile") {
			t.Errorf("%s: the task says:\n%s", tc.name, body)
		}
		w.done(t, tc.rules, monday.Add(time.Minute))
		at := monday.Add(time.Hour)
		w.decide(t, tc.rules, at, plan.Observed{Record: seen51(w, "9", "u-revops", tc.answer), Via: "webhook", Came: at, Read: at})
		h = w.only(t)
		if h.Review.Account != northwind || h.Review.Answered.IsZero() || h.Account != northwind || h.Owner == "erin@example.com" {
			t.Errorf("%s: answered %+v, account %s, owner %s", tc.name, h.Review, h.Account, h.Owner)
		}
		if w.steps()["review now"].Write.Set[connectors.TaskStatus] != "done" {
			t.Errorf("%s: the steward's task stays open", tc.name)
		}
		if got := w.listed("rematched"); len(got) != 1 || !strings.Contains(got[0], "it would be erin@example.com's") {
			t.Errorf("%s: listed %q", tc.name, got)
		}
		learnt := []string{}
		for _, a := range w.aliases {
			learnt = append(learnt, a.Key+" "+a.By+" "+a.Account.ID)
		}
		slices.Sort(learnt)
		if d := cmp.Diff([]string{"domain:nwt.example review 101", "name:northwnd traders review 101"}, learnt); d != "" {
			t.Errorf("%s: learnt %s", tc.name, d)
		}
		// The next buyer is sure, by the domain; another by the name alone.
		for id, email := range map[string]string{"52": "eve@nwt.example", "53": "finn@gmail.com"} {
			next := demo(id, email, "company_name", "Northwnd Traders", "country", "US")
			w.decide(t, tc.rules, at, see(next))
			for _, o := range w.handoffs {
				if o.Record == next.Ref && (o.Owner != "erin@example.com" || o.Review != nil || !strings.Contains(why(o), "a person has said that")) {
					t.Errorf("%s, %s: %s\n%s", tc.name, email, o.Owner, why(o))
				}
			}
		}
		if len(w.handoffs) != 3 {
			t.Errorf("%s: %d handoffs", tc.name, len(w.handoffs))
		}
	}
}

// Ticked off, the steward's task says that it is none of these: that is
// remembered, nobody is asked again about the same name or domain, and nothing
// else happens.
func TestReviewWithoutAnAccount(t *testing.T) {
	t.Parallel()
	r := careful(t)
	w, h := reviewed(t, r, "dana@nwt.example")
	w.done(t, r, monday.Add(time.Minute))
	h = w.handoffs[h.ID]
	at := monday.Add(time.Hour)
	w.decide(t, r, at, plan.Observed{Record: act(r, "tasks-1", did("task", "u-revops", at, "key", h.Effects["review"].Key)), Via: "poll", Came: at})
	got := w.only(t)
	if got.Review.Answered.IsZero() || !got.Review.Account.IsZero() || got.Stage != state.Assigned || got.Work != nil && !got.Work.Ticked.IsZero() {
		t.Errorf("review %+v, stage %s, work %+v, aliases %v", got.Review, got.Stage, got.Work, w.aliases)
	}
	if w.audited("review answered") != 1 {
		t.Error("nobody can see who answered")
	}
	var learnt []string
	for _, a := range w.aliases {
		learnt = append(learnt, fmt.Sprint(a.Key, " ", a.Account.ID, " ", a.Denies()))
	}
	if d := cmp.Diff([]string{"domain:nwt.example 101 true", "name:northwnd traders 101 true"}, learnt); d != "" {
		t.Errorf("learnt %s", d)
	}
	for id, email := range map[string]string{"52": "eve@nwt.example", "53": "finn@gmail.com"} {
		next := demo(id, email, "company_name", "Northwnd Traders", "country", "US")
		w.decide(t, r, at, see(next))
		for _, o := range w.handoffs {
			if o.Record == next.Ref && (o.Review != nil || !o.Account.IsZero()) {
				t.Errorf("%s: asked again, or taken: %+v %s\n%s", email, o.Review, o.Account, why(o))
			}
		}
	}
	if w.audited("review asked") != 1 {
		t.Error("asked again")
	}
	// Whoever links a person to it says that it is after all.
	w.decide(t, r, at, see(demo("54", "gus@nwt.example")))
	linked := w.records[connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "54"}]
	linked.Links, linked.ModifiedBy, linked.Version = []connectors.Ref{northwind}, "u-revops", "9"
	w.decide(t, r, at, see(linked))
	if a := w.Aliases("hubspot", "domain:nwt.example"); len(a) != 1 || !a[0].Counts() {
		t.Errorf("said that it is after all: %+v", a)
	}
}

// A person is asked once, however many handoffs they start, and nobody is asked
// where nobody is named; then it is only listed.
func TestReviewIsAskedOnce(t *testing.T) {
	t.Parallel()
	r := careful(t)
	w, _ := reviewed(t, r, "dana@gmail.com")
	again := seen51(w, "2", "", func(rec *state.Record) {
		rec.Fields["last_form"] = "Contact: Contact sales"
		rec.Fields["last_form_at"] = monday.Add(time.Minute).Format(time.RFC3339)
	})
	w.located = map[string][]state.Record{}
	w.locate(t, r, again)
	w.decide(t, r, monday.Add(2*time.Minute), see(again))
	if n := w.audited("review asked"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	w = town()
	w.decide(t, matching(t, "sure_at: 92%", "sure_at: 100%"), monday, see(demo("51", "dana@gmail.com", "company_name", "Northwnd Traders")))
	if len(w.listed("review")) != 1 || w.only(t).Review != nil {
		t.Errorf("listed %q, review %+v", w.listed("review"), w.only(t).Review)
	}
}

// What people of an account have, as the CRM shows it, is learnt from the
// second of them on; what a person links, at once; what an operator has taken
// back, never. A link is believed over everything that was learnt.
func TestAliases(t *testing.T) {
	t.Parallel()
	r := writing(t)
	linked := func(id, email string) state.Record {
		p := contact(id, map[string]string{"email": email, "company_name": "Nordwind AG"})
		p.Links = []connectors.Ref{northwind}
		return p
	}
	w := town()
	keys := func() []string {
		out := []string{}
		for _, a := range w.aliases {
			if a.Counts() {
				out = append(out, a.Key+" "+a.By)
			}
		}
		slices.Sort(out)
		return out
	}
	want := func(what string, list ...string) {
		t.Helper()
		if d := cmp.Diff(append([]string{}, list...), keys()); d != "" {
			t.Errorf("%s: (-want +got)\n%s", what, d)
		}
	}
	w.decide(t, r, monday, see(linked("61", "a@nordwind.de")))
	want("one of its people")
	w.decide(t, r, monday, see(linked("61", "a@nordwind.de")))
	want("the same one again")
	w.decide(t, r, monday, see(linked("62", "b@gmail.com")))
	want("another one, by the name alone", "name:nordwind history")
	w.decide(t, r, monday, see(linked("63", "c@nordwind.de")))
	want("a second address", "domain:nordwind.de history", "name:nordwind history")

	stranger := contact("64", map[string]string{"email": "d@nord.shop", "company_name": "Nord Shop"})
	w.decide(t, r, monday, see(stranger))
	stranger.Version, stranger.ModifiedBy, stranger.Links = "2", "u-ana", []connectors.Ref{northwind}
	w.decide(t, r, monday, see(stranger))
	want("a person links somebody", "domain:nord.shop link", "domain:nordwind.de history", "name:nord shop link", "name:nordwind history")

	for i := range w.aliases {
		w.aliases[i].Forgotten = true
	}
	w.decide(t, r, monday, see(linked("65", "e@nordwind.de")))
	want("what was taken back")

	for i := range w.aliases {
		w.aliases[i].Forgotten = false
	}
	mine := demo("71", "f@nordwind.de")
	mine.Links = []connectors.Ref{{Conn: "hubspot", Kind: "companies", ID: "203"}}
	w.decide(t, r, monday, see(mine))
	if got := w.only(t).Account.ID; got != "203" {
		t.Errorf("a link was overridden by %s\n%s", got, why(w.only(t)))
	}
}

// An open handoff follows what its account was found by; whoever has it keeps it.
func TestRematch(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for _, tc := range []struct {
		name   string
		change func(*state.Record)
		want   string
	}{
		{"the address", func(rec *state.Record) {
			rec.Fields["email"], rec.Fields["email_domain"] = "dana@northwind.com", "northwind.com"
		}, "101"},
		{"the company's name", func(rec *state.Record) { rec.Fields["company_name"] = "Northwind Traders" }, "101"},
		{"the link", func(rec *state.Record) { rec.Links = []connectors.Ref{northwind} }, "101"},
		{"nothing that matters", func(rec *state.Record) { rec.Fields["title"] = "CTO" }, "200"},
	} {
		w := town()
		w.decide(t, r, monday, see(demo("51", "dana@firm0.com", "company_name", "Acme Steel")))
		owner := w.only(t).Owner
		if got := w.only(t).Account.ID; got != "200" {
			t.Fatalf("%s: begins at %q", tc.name, got)
		}
		at := monday.Add(time.Hour)
		rec := seen51(w, "2", "", tc.change)
		if tc.want == "101" && rec.Fields["company_name"] == "Northwind Traders" {
			rec.Fields["email"], rec.Fields["email_domain"] = "dana@gmail.com", "gmail.com"
		}
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "poll", Came: at, Read: at})
		h := w.only(t)
		if h.Account.ID != tc.want || h.Owner != owner || (w.audited("rematched") == 1) != (tc.want == "101") {
			t.Errorf("%s: account %s, owner %s (was %s), rematched %d times\n%s", tc.name, h.Account.ID, h.Owner, owner, w.audited("rematched"), why(h))
		}
	}
}

// A duplicate that the CRM itself reports, and that no address confirms, is the
// steward's to look at; the buyer is handed over on the one that is there.
func TestDuplicateOfTheCRM(t *testing.T) {
	t.Parallel()
	there := connectors.Ref{Conn: "salesforce", Kind: "Contact", ID: "003A"}
	for _, tc := range []struct {
		name  string
		ev    plan.Delivered
		known string // the address of who is there; blank: not read yet
		on    connectors.Ref
		asked bool
	}{
		{"one who is like them", plan.Delivered{Class: connectors.Conflict.String(), Existing: there, Alike: true}, "", there, true},
		{"with another address", plan.Delivered{Class: connectors.Conflict.String(), Existing: there, Alike: true}, "d.ito@acme.com", there, true},
		{"with the same address", plan.Delivered{Class: connectors.Conflict.String(), Existing: there, Alike: true}, "Dana@acme.com", there, false},
		{"a unique value", plan.Delivered{Class: connectors.Conflict.String(), Existing: there}, "", there, false},
		{"several", plan.Delivered{Class: connectors.Invalid.String(), Alike: true}, "", connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}, true},
	} {
		r := writing(t,
			edit(t, "mappings/salesforce.yaml", "if_several_match: review", "if_several_match: review\n  reviewed_by: revops@example.com"))
		w := newWorld()
		w.locate(t, r, sales("51", "dana@acme.com"))
		if tc.known != "" {
			w.add(state.Record{Ref: there, Noun: "person", Version: "1", Fields: map[string]string{"email": tc.known}})
		}
		tc.ev.Err = "Use one of these records?"
		w.answered(t, r, monday, "create", tc.ev)
		task, asked := w.steps()["duplicate"]
		if asked != tc.asked || len(w.listed("duplicates")) != len(task.Write.Links) {
			t.Errorf("%s: asked %v, listed %q", tc.name, asked, w.listed("duplicates"))
			continue
		}
		if asked && (task.Write.Links[0] != tc.on || task.Write.Set[connectors.TaskOwner] != "u-revops") {
			t.Errorf("%s: %+v", tc.name, task.Write)
		}
		if h := w.only(t); h.Owner == "" || !h.Stage.Open() {
			t.Errorf("%s: the buyer waits: %+v", tc.name, h)
		}
	}
}

// Two records of one person, heard of at once, make one record over there: the
// first create holds the place until it is answered, and then the record does.
func TestOneCreateForTwoEvents(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	w.locate(t, r, sales("51", "dana@acme.com"))
	second := sales("52", "Dana@Acme.com")
	c := w.decide(t, r, monday, see(second))
	if len(c.Needs) > 0 {
		t.Fatalf("asked %v while it is being made", c.Needs)
	}
	creates := func() int {
		n := 0
		for _, i := range w.intents {
			if i.Write.Creates() && i.Write.Ref.Kind != connectors.Task {
				n++
			}
		}
		return n
	}
	if n := creates(); n != 1 {
		t.Errorf("%d creates wait", n)
	}
	w.done(t, r, monday.Add(time.Minute))
	w.decide(t, r, monday.Add(2*time.Minute), see(second))
	if n := creates(); n != 0 {
		t.Errorf("%d creates after the first was answered", n)
	}
}

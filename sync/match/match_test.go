package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

func ref(id string) connectors.Ref {
	return connectors.Ref{Conn: "crm", Kind: "companies", ID: id}
}

// account is one found by via, with fields as "word=value".
func account(id string, via match.Via, fields ...string) match.Account {
	a := match.Account{Record: state.Record{Ref: ref(id), Noun: "company", Fields: map[string]string{"name": "Acme " + id, "domain": "acme.com"}}, Via: []match.Via{via}}
	for _, f := range fields {
		word, value, _ := strings.Cut(f, "=")
		a.Record.Fields[word] = value
	}
	return a
}

func with(a match.Account, edit func(*match.Account)) match.Account {
	edit(&a)
	return a
}

func created(day int) func(*match.Account) {
	return func(a *match.Account) { a.Record.CreatedAt = time.Date(2020, 1, day, 0, 0, 0, 0, time.UTC) }
}

func dana() match.Query {
	return match.Query{Conn: "crm", Email: "dana@mail.de.acme.com", Host: "mail.de.acme.com", Domain: "acme.com", Name: "acme", Country: "DE"}
}

var review = match.Config{IfSeveral: "review"}

// Every step of the order, each against the step below it.
func TestPickOrder(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		first, next match.Account
		via         match.Via
		step        string
		review      bool
	}{
		{"link before email", account("9", match.ByLink), account("1", match.ByEmail, "is_customer=yes"), match.ByLink, "", false},
		{"email before host", account("9", match.ByEmail), account("1", match.ByHost, "is_customer=yes"), match.ByEmail, "", false},
		{"people before phone", account("9", match.ByPeople), account("1", match.ByPhone, "is_customer=yes"), match.ByPeople, "", false},
		{"phone before name", account("9", match.ByPhone), account("1", match.ByName, "is_customer=yes"), match.ByPhone, "", false},
		{"customer before another", account("9", match.ByName, "is_customer=yes"), account("1", match.ByName), match.ByName, "customer", false},
		{"another before a former customer", account("9", match.ByName), account("1", match.ByName, "was_customer=yes"), match.ByName, "customer", false},
		{"a former customer's open deal before another", with(account("9", match.ByName, "was_customer=yes"), openDeal), account("1", match.ByName), match.ByName, "open deal", false},
		{"host before domain", account("9", match.ByHost), account("1", match.ByDomain, "is_customer=yes"), match.ByHost, "", false},
		{"domain before name", account("9", match.ByDomain), account("1", match.ByName, "is_customer=yes"), match.ByDomain, "", false},
		{"closest host", account("9", match.ByDomain, "domain=de.acme.com"), account("1", match.ByDomain, "country=DE"), match.ByDomain, "closest host", false},
		{"apex before sister", account("9", match.ByDomain), account("1", match.ByDomain, "country=DE", "domain=fr.acme.com"), match.ByDomain, "closest host", false},
		{"the end of a host is not above it", account("9", match.ByDomain, "domain=", "country=DE"), account("1", match.ByDomain, "domain=cme.com"), match.ByDomain, "same country", false},
		{"same country", account("9", match.ByDomain, "country=DE"), account("1", match.ByDomain, "is_customer=yes"), match.ByDomain, "same country", false},
		{"unknown country before another", account("9", match.ByDomain), account("1", match.ByDomain, "country=FR", "is_customer=yes"), match.ByDomain, "same country", false},
		{"customer", account("9", match.ByName, "is_customer=yes"), with(account("1", match.ByName), openDeal), match.ByName, "customer", false},
		{"open deal", with(account("9", match.ByDomain), openDeal), account("1", match.ByDomain, "named_account=yes"), match.ByDomain, "open deal", false},
		{"named account", account("9", match.ByDomain, "named_account=yes"), account("1", match.ByDomain, "owner=7"), match.ByDomain, "named account", false},
		{"named owner", account("9", match.ByDomain, "owner=7"), with(account("1", match.ByDomain), people(5)), match.ByDomain, "named owner", false},
		{"parent company", account("9", match.ByDomain), with(account("1", match.ByDomain, "parent=9"), people(5)), match.ByDomain, "parent company", false},
		{"a link to another company is a parent", account("9", match.ByDomain), with(account("1", match.ByDomain), func(a *match.Account) { a.Record.Links = []connectors.Ref{ref("7")} }), match.ByDomain, "parent company", false},
		{"recent activity", account("9", match.ByName, "last_activity=2026-02-02T10:00:00Z"), with(account("1", match.ByName, "last_activity=2026-02-01"), people(5)), match.ByName, "recent activity", true},
		{"the CRM's own count of activity", account("9", match.ByName, "work_last_at=2026-02-02T10:00:00Z"), account("1", match.ByName), match.ByName, "recent activity", true},
		{"a queue is no owner", account("9", match.ByDomain, "owner=7"), with(account("1", match.ByDomain, "owner=8"), func(a *match.Account) { a.Idle = true }), match.ByDomain, "named owner", false},
		{"confirmed", with(account("9", match.ByDomain), confirmed), account("1", match.ByDomain, "domain=de.acme.com"), match.ByDomain, "confirmed", false},
		{"domain before people", account("9", match.ByDomain), account("1", match.ByPeople, "is_customer=yes"), match.ByDomain, "", false},
		{"people before name", account("9", match.ByPeople), account("1", match.ByName, "is_customer=yes"), match.ByPeople, "", false},
		{"most people", with(account("9", match.ByDomain), people(5)), with(account("1", match.ByDomain), created(1)), match.ByDomain, "most people", true},
		{"oldest", with(account("9", match.ByDomain), created(1)), with(account("1", match.ByDomain), created(2)), match.ByDomain, "oldest", true},
		{"known age before unknown", with(account("9", match.ByName), created(1)), account("1", match.ByName), match.ByName, "oldest", true},
		{"lowest id is a number", account("9", match.ByDomain), account("10", match.ByDomain), match.ByDomain, "lowest id", true},
		{"one host is evidence enough", account("1", match.ByHost), account("9", match.ByHost), match.ByHost, "lowest id", false},
	} {
		for _, order := range [][]match.Account{{tc.first, tc.next}, {tc.next, tc.first}} {
			got := match.Pick(dana(), order, review)
			if got.Account == nil || got.RunnerUp == nil {
				t.Fatalf("%s: nobody picked", tc.name)
			}
			if got.Account.Record.Ref != tc.first.Record.Ref || got.RunnerUp.Record.Ref != tc.next.Record.Ref || got.Via != tc.via || got.Step != tc.step || got.Review != tc.review {
				t.Errorf("%s: %s by %s, step %q, review %v: %q", tc.name, got.Account.Record.Ref.ID, got.Via, got.Step, got.Review, got.Why)
			}
			if match.Pick(dana(), order, match.Config{}).Review {
				t.Errorf("%s: review without being asked for", tc.name)
			}
		}
	}
}

func confirmed(a *match.Account) { a.Confirmed = "domain:acme.com" }

func openDeal(a *match.Account) { a.Deals = []state.Record{{Noun: "deal"}} }

func people(n int) func(*match.Account) { return func(a *match.Account) { a.People = n } }

func TestPickPassesOver(t *testing.T) {
	t.Parallel()
	domainOnly := match.Config{Steps: []match.Step{{Via: match.ByHost}, {Via: match.ByDomain}}}
	sameCountry := match.Config{Steps: []match.Step{{Via: match.ByName, SameCountry: true}}}
	for _, tc := range []struct {
		name string
		a    match.Account
		c    match.Config
		want bool
	}{
		{"deleted", with(account("1", match.ByHost), func(a *match.Account) { a.Record.Deleted = true }), review, false},
		{"merged", with(account("1", match.ByHost), func(a *match.Account) { a.Record.MovedTo = ref("2") }), review, false},
		{"another connection", with(account("1", match.ByHost), func(a *match.Account) { a.Record.Ref.Conn = "other" }), review, false},
		{"a way that is off", account("1", match.ByName), domainOnly, false},
		{"a way that is on", account("1", match.ByDomain), domainOnly, true},
		{"a link is always on", account("1", match.ByLink), domainOnly, true},
		{"another country", account("1", match.ByName, "country=FR"), sameCountry, false},
		{"unknown country", account("1", match.ByName), sameCountry, true},
		{"same country", account("1", match.ByName, "country=DE"), sameCountry, true},
		{"no way at all", with(account("1", match.ByName), func(a *match.Account) { a.Via = nil }), review, false},
	} {
		got := match.Pick(dana(), []match.Account{tc.a}, tc.c)
		if (got.Account != nil) != tc.want || len(got.Why) == 0 {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
	// The link is recognised even where the index did not say so.
	q := dana()
	q.Link = ref("1")
	if got := match.Pick(q, []match.Account{account("1", match.ByName), account("2", match.ByHost)}, domainOnly); got.Via != match.ByLink {
		t.Errorf("linked account found by %s", got.Via)
	}
	// The same account twice is no runner-up of itself.
	if got := match.Pick(dana(), []match.Account{account("1", match.ByName), account("1", match.ByHost)}, review); got.RunnerUp != nil || got.Via != match.ByHost {
		t.Errorf("the same account twice: %+v", got)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		q    match.Query
		as   []match.Account
		want []string
	}{
		{"one", dana(), []match.Account{account("1", match.ByDomain)}, []string{"Acme 1 (crm/companies/1): it shares the domain acme.com with the e-mail address."}},
		{"two ways", dana(), []match.Account{account("2", match.ByName), account("1", match.ByLink)}, []string{
			"Acme 1 (crm/companies/1): the CRM links the person to it.",
			`Second was Acme 2 (crm/companies/2): it has the same company name, "acme", which is weaker.`,
		}},
		{"a customer", dana(), []match.Account{account("2", match.ByDomain, "is_customer=yes"), account("1", match.ByDomain)}, []string{
			"Acme 2 (crm/companies/2): it shares the domain acme.com with the e-mail address.",
			"Second was Acme 1 (crm/companies/1): it shares the domain acme.com with the e-mail address.",
			"Decided by customer: Acme 2 is a customer, Acme 1 is not.",
		}},
		{"a review", dana(), []match.Account{account("2", match.ByDomain, "name=Acme"), account("1", match.ByDomain, "name=Acme")}, []string{
			"Acme (crm/companies/1): it shares the domain acme.com with the e-mail address.",
			"Second was Acme (crm/companies/2): it shares the domain acme.com with the e-mail address.",
			"Decided by lowest id: 1 comes before 2.",
			"That says little about whose buyer this is, so a person should look.",
		}},
		{"the others", dana(), []match.Account{account("3", match.ByDomain), account("2", match.ByDomain, "is_customer=yes"), account("1", match.ByDomain), account("4", match.ByName)}, []string{
			"Acme 2 (crm/companies/2): it shares the domain acme.com with the e-mail address.",
			"Second was Acme 1 (crm/companies/1): it shares the domain acme.com with the e-mail address.",
			"Decided by customer: Acme 2 is a customer, Acme 1 is not.",
			"Behind them: Acme 3 (crm/companies/3): customer; Acme 4 (crm/companies/4): weaker.",
		}},
		{"a generic domain", dana(), []match.Account{account("1", match.ByGeneric)}, []string{"No account: acme.com is the domain of several accounts that have nothing to do with each other, so it says nothing."}},
		{"nobody", dana(), nil, []string{"No account is linked to the person or shares the e-mail address, host, domain or company name."}},
		{"nothing known", match.Query{Conn: "crm"}, nil, []string{"No account: nothing is known of the person that could identify a company."}},
	} {
		if d := cmp.Diff(tc.want, match.Pick(tc.q, tc.as, review).Why); d != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.name, d)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	company := func(fields map[string]string) state.Record {
		return state.Record{Noun: "company", Fields: fields}
	}
	for _, tc := range []struct {
		name string
		r    state.Record
		want []string
	}{
		{"company", company(map[string]string{"name": "Acme, Inc.", "domain": "shop.acme.co.uk"}), []string{"host:shop.acme.co.uk", "domain:acme.co.uk", "name:acme"}},
		{"a hoster's site is apart", company(map[string]string{"domain": "acme.github.io"}), []string{"host:acme.github.io", "domain:acme.github.io"}},
		{"a hoster is no company's domain", company(map[string]string{"domain": "github.io", "name": "n/a"}), []string{}},
		{"person", state.Record{Noun: "person", Fields: map[string]string{"email": "Dana@Acme.com", "company_name": "Acme"}}, []string{"email:dana@acme.com"}},
		{"deal", state.Record{Noun: "deal", Fields: map[string]string{"name": "Acme"}}, nil},
	} {
		if d := cmp.Diff(tc.want, match.Keys(tc.r)); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
	q := dana()
	if d := cmp.Diff([]string{"email:dana@mail.de.acme.com", "host:mail.de.acme.com", "domain:acme.com", "name:acme"}, q.Keys()); d != "" {
		t.Error(d)
	}
	if got := (match.Query{}).Keys(); len(got) != 0 {
		t.Errorf("keys of nothing: %q", got)
	}
}

func TestAbout(t *testing.T) {
	t.Parallel()
	free := func(d string) bool { return d == "gmail.com" }
	person := state.Record{
		Noun: "person", Links: []connectors.Ref{ref("7")},
		Fields: map[string]string{"email": "dana@mail.acme.com", "company_name": "Acme GmbH", "country": "DE"},
	}
	want := match.Query{Conn: "crm", Link: ref("7"), Email: "dana@mail.acme.com", Host: "mail.acme.com", Domain: "acme.com", Name: "acme", Country: "DE"}
	if d := cmp.Diff(want, match.About(person, "crm", free)); d != "" {
		t.Error(d)
	}
	// A link of one CRM says nothing of the other's accounts.
	if got := match.About(person, "other", free); !got.Link.IsZero() {
		t.Errorf("link %s", got.Link)
	}
	person.Fields["email"] = "dana@gmail.com"
	if got := match.About(person, "crm", free); got.Host != "" || got.Domain != "" || got.Email != "dana@gmail.com" {
		t.Errorf("free mail identifies: %+v", got)
	}
}

func TestCompile(t *testing.T) {
	t.Parallel()
	text := func(s string) mappings.Text { return mappings.Text{S: s, Pos: mappings.Pos{File: "m.yaml", Line: 1}} }
	c, ds := match.Compile(mappings.Match{IfSeveral: text("review"), Try: []mappings.MatchStep{
		{Same: [2]mappings.Text{text("person.email_domain"), text("company.domain")}, NotIn: text("free_mail")},
		{Alike: [2]mappings.Text{text("person.company_name"), text("company.name")}, AndSame: text("country")},
	}})
	want := match.Config{IfSeveral: "review", Steps: []match.Step{{Via: match.ByHost, NotIn: "free_mail"}, {Via: match.ByDomain, NotIn: "free_mail"}, {Via: match.ByPeople, NotIn: "free_mail"}, {Via: match.ByName, SameCountry: true, Alike: true}}}
	if d := cmp.Diff(want, c); d != "" || len(ds) > 0 {
		t.Error(d, ds)
	}
	_, ds = match.Compile(mappings.Match{Try: []mappings.MatchStep{
		{Same: [2]mappings.Text{text("person.shoe_size"), text("company.name")}, AndSame: text("continent")},
	}})
	if len(ds) != 2 || ds[0].Code != "unknown-match" || ds[1].Code != "bad-value" {
		t.Error(ds)
	}
	own := mappings.Match{AmongSeveral: []mappings.Text{text("oldest"), text("subsidiary"), text("oldest"), text("parent_company"), text("customer")}}
	c, ds = match.Compile(own)
	if d := cmp.Diff([]match.Tie{match.Oldest, match.Subsidiary, match.Customer}, c.Ties); d != "" || len(ds) != 2 {
		t.Error(d, ds)
	}
	if ds := match.Blind(own, func(w string) bool { return w != "is_customer" }); len(ds) != 1 || ds[0].Code != "unknown-field" {
		t.Error(ds)
	}
}

func genAccounts(t *rapid.T) []match.Account {
	vias := []match.Via{match.ByLink, match.ByEmail, match.ByHost, match.ByDomain, match.ByPeople, match.ByPhone, match.ByName, match.ByGeneric}
	yes := func(label string) string { return rapid.SampledFrom([]string{"", "no", "yes"}).Draw(t, label) }
	var out []match.Account
	for i := range rapid.IntRange(0, 8).Draw(t, "accounts") {
		a := account(fmt.Sprint(i*7+1), rapid.SampledFrom(vias).Draw(t, "via"),
			"country="+rapid.SampledFrom([]string{"", "DE", "FR"}).Draw(t, "country"),
			"domain="+rapid.SampledFrom([]string{"", "acme.com", "de.acme.com", "mail.de.acme.com", "fr.acme.com", "xacme.com"}).Draw(t, "domain"),
			"is_customer="+yes("customer"), "named_account="+yes("named"), "owner="+rapid.SampledFrom([]string{"", "7"}).Draw(t, "owner"))
		a.People = rapid.IntRange(0, 2).Draw(t, "people")
		a.Idle = rapid.Bool().Draw(t, "idle")
		a.Record.Fields["parent"] = rapid.SampledFrom([]string{"", "1", "99"}).Draw(t, "parent")
		a.Record.Fields["last_activity"] = rapid.SampledFrom([]string{"", "2026-01-01", "2026-01-02T00:00:00Z", "soon"}).Draw(t, "activity")
		if rapid.Bool().Draw(t, "confirmed") {
			confirmed(&a)
		}
		if rapid.Bool().Draw(t, "deal") {
			openDeal(&a)
		}
		if rapid.Bool().Draw(t, "made") {
			created(rapid.IntRange(1, 2).Draw(t, "day"))(&a)
		}
		out = append(out, a)
	}
	return out
}

func id(a *match.Account) string {
	if a == nil {
		return ""
	}
	return a.Record.Ref.ID
}

// An admin's own order: what it does not name decides nothing, and the last
// word has the id.
func TestOwnOrder(t *testing.T) {
	t.Parallel()
	a, b := with(account("2", match.ByDomain, "is_customer=yes"), created(2)), with(account("1", match.ByDomain, "parent=2"), created(1))
	for _, tc := range []struct {
		name  string
		ties  []match.Tie
		first string
		step  string
	}{
		{"the usual order", nil, "2", "customer"},
		{"oldest first", []match.Tie{match.Oldest, match.Customer}, "1", "oldest"},
		{"subsidiaries first", []match.Tie{match.Subsidiary}, "1", "subsidiary"},
		{"parents first", []match.Tie{match.ParentCompany}, "2", "parent company"},
		{"nothing that tells them apart", []match.Tie{match.OpenDeal}, "1", "lowest id"},
	} {
		got := match.Pick(dana(), []match.Account{a, b}, match.Config{Ties: tc.ties})
		if got.Account.Record.Ref.ID != tc.first || got.Step != tc.step {
			t.Errorf("%s: %s by %q", tc.name, got.Account.Record.Ref.ID, got.Step)
		}
	}
}

// The order of the candidates does not matter, and without the winner the
// runner-up is picked, down to the last.
func TestPickIsATotalOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		as := genAccounts(t)
		c := rapid.SampledFrom([]match.Config{{}, review, {IfSeveral: "review", Steps: []match.Step{{Via: match.ByDomain}, {Via: match.ByName, SameCountry: true}}}}).Draw(t, "config")
		if rapid.Bool().Draw(t, "own order") {
			all := rapid.Permutation(append(match.DefaultTies(), match.Subsidiary)).Draw(t, "ties")
			c.Ties = all[:rapid.IntRange(1, len(all)).Draw(t, "so many")]
		}
		got := match.Pick(dana(), as, c)
		shuffled := rapid.Permutation(as).Draw(t, "shuffled")
		if d := cmp.Diff(got, match.Pick(dana(), shuffled, c)); d != "" {
			t.Fatalf("another order, another pick: %s", d)
		}
		for got.Account != nil {
			next, was := got.RunnerUp, got
			if (next == nil) != (len(was.Losers) == 0) || next != nil && (was.Losers[0].Account != next || was.Losers[0].Step != was.Step) {
				t.Fatalf("the runner-up is not the first of the losers: %+v", was)
			}
			as = slices.DeleteFunc(slices.Clone(as), func(a match.Account) bool { return a.Record.Ref == got.Account.Record.Ref })
			got = match.Pick(dana(), as, c)
			if id(got.Account) != id(next) {
				t.Fatalf("runner-up was %s, but %s followed", id(next), id(got.Account))
			}
			for i := range got.Losers[:min(len(got.Losers), max(0, len(was.Losers)-1))] {
				if a, b := got.Losers[i].Account.Record.Ref, was.Losers[i+1].Account.Record.Ref; a != b {
					t.Fatalf("loser %d was %s and is %s now", i+1, b, a)
				}
			}
		}
	})
}

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{1, 5, 50} {
		var as []match.Account
		for i := range n {
			as = append(as, account(fmt.Sprint(i), match.ByDomain, "country=DE"))
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				match.Pick(dana(), as, review)
			}
		})
	}
}

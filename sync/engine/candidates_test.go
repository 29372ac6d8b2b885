package engine

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

func firm(id, name, domain string) state.Record {
	return state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "companies", ID: id}, Noun: "company", Version: "1",
		Fields: map[string]string{"name": name, "domain": domain},
	}
}

func works(id, email string, at state.Record) state.Record {
	return state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Noun: "person", Version: "1",
		Fields: map[string]string{"email": email}, Links: []connectors.Ref{at.Ref},
	}
}

// learn keeps records and files them.
func (r *rig) learn(rs ...state.Record) {
	r.Helper()
	r.update(func(tx state.Tx) {
		for _, rec := range rs {
			state.PutRecord(tx, rec)
		}
	})
	for _, rec := range rs {
		r.lane.Decider.Mirror.Learn(rec)
	}
}

// candidates are the ids of who is found, with how.
func (r *rig) candidates(q match.Query) map[string][]match.Via {
	r.Helper()
	out := map[string][]match.Via{}
	err := r.store.View(r.Context(), func(tx state.Tx) error {
		for _, a := range (view{tx: tx, mirror: r.lane.Decider.Mirror}).Candidates(q) {
			out[a.Record.Ref.ID] = a.Via
		}
		return tx.Err()
	})
	if err != nil {
		r.Fatal(err)
	}
	return out
}

func (r *rig) wants(what string, q match.Query, want map[string][]match.Via) {
	r.Helper()
	if d := cmp.Diff(want, r.candidates(q)); d != "" {
		r.Errorf("%s: (-want +got)\n%s", what, d)
	}
}

// An account has the domains of its people's addresses, where two have them,
// and those that people have shown to be its; not for longer than that is so.
func TestDomainsOfAnAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	acme := firm("1", "Acme", "acme.com")
	q := match.Query{Conn: "hubspot", Host: "mail.acme.dev", Domain: "acme.dev", Name: "acme labs"}
	none := map[string][]match.Via{}
	r.learn(acme, works("11", "a@acme.dev", acme))
	r.wants("one person shows nothing", q, none)
	r.learn(works("12", "b@sub.acme.dev", acme))
	r.wants("two do", q, map[string][]match.Via{"1": {match.ByPeople}})
	r.learn(works("12", "b@acme.com", acme))
	r.wants("and when one has another address, they do not", q, none)

	alias := state.Alias{Conn: "hubspot", Key: "domain:acme.dev", Account: acme.Ref, By: state.AliasHistory, From: []connectors.Ref{{ID: "11"}}}
	put := func(a state.Alias) { r.update(func(tx state.Tx) { state.PutAlias(tx, a) }) }
	put(alias)
	r.wants("an alias seen once", q, none)
	alias.By = state.AliasLink
	put(alias)
	r.wants("an alias that a person made", q, map[string][]match.Via{"1": {match.ByDomain}})
	alias.Forgotten = true
	put(alias)
	r.wants("one that was taken back", q, none)
	put(state.Alias{Conn: "hubspot", Key: "name:acme labs", Account: acme.Ref, By: state.AliasReview})
	r.wants("another name", q, map[string][]match.Via{"1": {match.ByName}})
}

// A domain that too many unrelated accounts have identifies none of them; one
// of a house with many branches does.
func TestGenericDomain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := match.Query{Conn: "hubspot", Host: "shops.example.org", Domain: "example.org"}
	names := []string{"Smith Bakery", "Jones Plumbing", "Karlsson Optik", "Bluebird Travel", "Pinewood Dental", "Ironside Gym"}
	want := map[string][]match.Via{}
	for i, name := range names {
		id := fmt.Sprint(i + 1)
		r.learn(firm(id, name, "example.org"))
		want[id] = []match.Via{match.ByDomain}
		if i == match.MostUnrelated-1 {
			r.wants("not too many yet", q, want)
		}
	}
	generic := []match.Via{match.ByGeneric}
	r.wants("too many", q, map[string][]match.Via{"1": generic, "2": generic, "3": generic})
	for i := range 6 {
		r.learn(firm(fmt.Sprint(i+1), "Bluebird "+names[i], "example.org"))
	}
	r.wants("one house", q, want)

	// So does a phone: a switchboard of one firm, the number of an office house of none.
	call := match.Query{Conn: "hubspot", Phone: "+442079460958"}
	for i, name := range names {
		tenant := firm(fmt.Sprint(40+i), name, "")
		tenant.Fields["phone"], tenant.Fields["country"] = "(020) 7946 0958 ext. "+fmt.Sprint(i+1), "GB"
		r.learn(tenant)
		if i == 0 {
			r.wants("a number of one firm", call, map[string][]match.Via{"40": {match.ByPhone}})
		}
	}
	r.wants("a number of many", call, map[string][]match.Via{"40": generic, "41": generic, "42": generic})

	agency := match.Query{Conn: "hubspot", Host: "agency.net", Domain: "agency.net"}
	for i, name := range names {
		at := firm(fmt.Sprint(20+i), name, fmt.Sprintf("firm%d.com", i))
		r.learn(at, works(fmt.Sprint(100+2*i), "x@agency.net", at), works(fmt.Sprint(101+2*i), "y@agency.net", at))
	}
	r.wants("people of an agency", agency, map[string][]match.Via{})
}

// What is alike is found as the accounts stand now: a new name, a deletion and
// another connection count at once.
func TestAlikeFollows(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w, err := match.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	first := func() string {
		id := ""
		err := r.store.View(r.Context(), func(tx state.Tx) error {
			found := view{tx: tx, mirror: r.lane.Decider.Mirror}.Alike("hubspot", match.Lead{Company: "Northwnd Traders"}, &w)
			if len(found.Accounts) != len(found.Near.Found) {
				t.Errorf("%d accounts for %d candidates", len(found.Accounts), len(found.Near.Found))
			}
			if j := w.Judge(found.Near); len(j.Order) > 0 {
				id = found.Accounts[j.Order[0]].Record.Ref.ID
			}
			return tx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if got := first(); got != "" {
		t.Errorf("found %s in an empty mirror", got)
	}
	r.learn(firm("1", "Acme Steel", ""), firm("2", "Northwind Traders", ""))
	if got := first(); got != "2" {
		t.Errorf("found %q, want 2", got)
	}
	r.learn(firm("2", "Globex Optics", ""), firm("3", "Northwind Traders", ""))
	if got := first(); got != "3" {
		t.Errorf("after a new name: %q, want 3", got)
	}
	// That it is not this one is said with it, whichever way it is looked for.
	not := state.Alias{Conn: "hubspot", Key: "name:northwnd traders", Account: firm("3", "", "").Ref, By: state.AliasReview, Not: true}
	for _, not.Forgotten = range []bool{false, true} {
		r.update(func(tx state.Tx) { state.PutAlias(tx, not) })
		denied := 0
		err := r.store.View(r.Context(), func(tx state.Tx) error {
			v := view{tx: tx, mirror: r.lane.Decider.Mirror}
			for _, a := range v.Alike("hubspot", match.Lead{Company: "Northwnd Traders"}, &w).Accounts {
				denied += len(a.Denied)
			}
			for _, a := range v.Candidates(match.Query{Conn: "hubspot", Link: not.Account, Name: "northwnd traders"}) {
				denied += len(a.Denied)
			}
			return tx.Err()
		})
		if want := map[bool]int{false: 2, true: 0}[not.Forgotten]; err != nil || denied != want {
			t.Errorf("taken back %v: denied %d times, want %d (%v)", not.Forgotten, denied, want, err)
		}
	}
	gone := firm("3", "Northwind Traders", "")
	gone.Deleted = true
	r.learn(gone)
	if got := first(); got != "" {
		t.Errorf("after the deletion: %q", got)
	}
}

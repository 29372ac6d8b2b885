package plan_test

import (
	"strconv"
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestBuyerOfADeal: a deal that is linked to a person and to no company has that
// person's account; who has not been heard of yet is asked for first; a link of
// its own goes before (1.77).
func TestBuyerOfADeal(t *testing.T) {
	t.Parallel()
	r := signing(t)
	dana := contact("51", map[string]string{"email": "dana@acme.com", "email_domain": "acme.com", "full_name": "Dana Ito"})
	for name, c := range map[string]struct {
		links   []connectors.Ref
		known   bool
		asks    bool
		account string
	}{
		"of a person":                {links: []connectors.Ref{dana.Ref}, known: true, account: "acme"},
		"of one not heard of":        {links: []connectors.Ref{dana.Ref}, asks: true, account: "acme"},
		"of a person and a company":  {links: []connectors.Ref{dana.Ref, {Conn: "hubspot", Kind: "companies", ID: "stark"}}, known: true, account: "stark"},
		"of a company, and not of X": {links: []connectors.Ref{{Conn: "hubspot", Kind: "companies", ID: "stark"}, dana.Ref}, account: "stark"},
		"of nobody":                  {known: true},
	} {
		w := newWorld()
		for id, domain := range map[string]string{"acme": "acme.com", "stark": "stark.example"} {
			a := company("hubspot", id, map[string]string{"name": id, "domain": domain})
			w.records[a.Ref] = a
		}
		if c.known {
			w.records[dana.Ref] = dana
		}
		about := deal("1", "the_why", "x")
		about.Links = c.links
		first := w.decide(t, r, monday, see(about))
		if len(first.Needs) > 0 != c.asks {
			t.Errorf("%s: asks %v", name, first.Needs)
		}
		for _, n := range first.Needs {
			w.located[n.ID()] = []state.Record{dana}
		}
		if c.asks {
			w.decide(t, r, monday, see(about))
		}
		if h := w.of(t); h.Account.ID != c.account {
			t.Errorf("%s: account %s, want %s", name, h.Account, c.account)
		}
	}
}

// TestBuyersOfADeal: of several people whom a deal is linked to, those not heard of
// are asked for in one round, and the first who can be read has the say (1.77).
func TestBuyersOfADeal(t *testing.T) {
	t.Parallel()
	r := signing(t)
	dana := contact("57", map[string]string{"email": "dana@acme.com", "email_domain": "acme.com", "full_name": "Dana Ito"})
	for name, c := range map[string]struct {
		readable bool
		account  string
	}{
		"the last can be read": {true, "acme"},
		"none can be read":     {false, ""},
	} {
		w := newWorld()
		a := company("hubspot", "acme", map[string]string{"name": "acme", "domain": "acme.com"})
		w.records[a.Ref] = a
		about := deal("1", "the_why", "x")
		for n := 51; n <= 57; n++ {
			about.Links = append(about.Links, connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: strconv.Itoa(n)})
		}
		first := w.decide(t, r, monday, see(about))
		if len(first.Needs) != len(about.Links) {
			t.Errorf("%s: asks for %d at once, want %d", name, len(first.Needs), len(about.Links))
		}
		for _, n := range first.Needs {
			w.located[n.ID()] = []state.Record{}
			if c.readable && n.Question.Value == dana.Ref.ID {
				w.located[n.ID()] = []state.Record{dana}
			}
		}
		if again := w.decide(t, r, monday, see(about)); len(again.Needs) > 0 {
			t.Fatalf("%s: asks again: %v", name, again.Needs)
		}
		if h := w.of(t); h.Account.ID != c.account {
			t.Errorf("%s: account %s, want %q", name, h.Account, c.account)
		}
	}
}

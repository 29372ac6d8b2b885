package plan_test

import (
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

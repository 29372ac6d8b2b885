package match

import (
	"testing"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

func known(id string, via ...Via) Account {
	return Account{Record: state.Record{Ref: connectors.Ref{Conn: "crm", Kind: "companies", ID: id}, Noun: "company"}, Via: via}
}

// TestDeniedDomain: whose domain it is not, theirs it is not by their people either; what it
// was found by beside that stays.
func TestDeniedDomain(t *testing.T) {
	t.Parallel()
	q := Query{Conn: "crm", Domain: "acme.com", Name: "acme"}
	for want, via := range map[Via][]Via{"": {ByDomain, ByPeople}, ByName: {ByPeople, ByName}} {
		a := known("1", via...)
		a.Denied = []string{"domain:acme.com"}
		if got := Pick(q, []Account{a}, Config{}); got.Via != want {
			t.Errorf("found by %v: %q, want %q", via, got.Via, want)
		}
	}
}

// TestReviewByWay: a person looks where only an arbitrary step tells apart what was found by
// a key that several may have.
func TestReviewByWay(t *testing.T) {
	t.Parallel()
	for via, want := range map[Via]bool{ByEmail: false, ByHost: false, ByDomain: true, ByPeople: true, ByPhone: true, ByName: true} {
		got := Pick(Query{Conn: "crm"}, []Account{known("1", via), known("2", via)}, Config{IfSeveral: "review"})
		if got.Review != want {
			t.Errorf("%s: review %v, want %v", via, got.Review, want)
		}
	}
}

// TestItsOwnParent: an account that names itself as the one above it stands below none.
func TestItsOwnParent(t *testing.T) {
	t.Parallel()
	q, top, below := Query{Conn: "crm"}, known("9", ByDomain), known("1", ByDomain)
	top.Record.Fields = map[string]string{"parent": "9"}
	below.Record.Fields = map[string]string{"parent": "9"}
	if got := Pick(q, []Account{below, top}, Config{}); got.Account.Record.Ref.ID != "9" || got.Step != "parent company" {
		t.Errorf("%s by %q", got.Account.Record.Ref, got.Step)
	}
}

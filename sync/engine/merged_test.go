package engine

import (
	"testing"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// What is known of an account that was merged into another is known of that one: what was
// learnt of it, its people's addresses, and who is still linked to it.
func TestMergedAccountIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q    match.Query
		want []match.Via
	}{
		"an alias": {match.Query{Conn: "hubspot", Host: "acme.dev", Domain: "acme.dev"}, []match.Via{match.ByDomain}},
		"people":   {match.Query{Conn: "hubspot", Host: "acme.biz", Domain: "acme.biz"}, []match.Via{match.ByPeople}},
		"a link":   {match.Query{Conn: "hubspot", Link: firm("1", "", "").Ref}, []match.Via{match.ByLink}},
		"a twin":   {match.Query{Conn: "hubspot", Email: "a@acme.biz"}, []match.Via{match.ByEmail}},
	} {
		r := newRig(t)
		acme := firm("1", "Acme", "acme.com")
		r.learn(acme, firm("2", "Acme Inc", "acme.org"), works("11", "a@acme.biz", acme), works("12", "b@acme.biz", acme))
		r.update(func(tx state.Tx) {
			state.PutAlias(tx, state.Alias{Conn: "hubspot", Key: "domain:acme.dev", Account: acme.Ref, By: state.AliasReview})
		})
		r.wants(name+", before", c.q, map[string][]match.Via{"1": c.want})
		heir := firm("3", "Acme", "acme.org")
		heir.Version = "2"
		for _, old := range []string{"1", "2"} {
			r.learn(state.Record{Ref: firm(old, "", "").Ref, Noun: "company", Version: "2", MovedTo: heir.Ref})
		}
		r.learn(heir)
		r.wants(name, c.q, map[string][]match.Via{"3": c.want})
	}
}

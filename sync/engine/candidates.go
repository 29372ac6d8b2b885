package engine

import (
	"slices"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// What bounds the search for candidates.
const (
	mostSharers   = 200 // accounts of one domain; of more, it says nothing
	mostGeneric   = 3   // of those are named in the receipt
	fewColleagues = 2   // people of one account who show that a domain is its
)

// Candidates are the linked account and every account filed under one of the
// query's keys; a person filed under the e-mail address stands for the account
// that person is linked to. The domains of an account are its own, those that
// people have shown to be its (aliases), and those of the addresses of several
// of its people. A domain or a phone that too many unrelated accounts have finds none. They
// come in order of Ref.
func (v view) Candidates(q match.Query) []match.Account {
	g := gathering{v: v, found: map[connectors.Ref]*match.Account{}, denied: map[connectors.Ref][]string{}}
	if !q.Link.IsZero() && q.Link.Conn == q.Conn {
		g.add(q.Link, match.ByLink)
	}
	for _, key := range q.Keys() {
		via := match.KeyVia(key)
		refs := v.mirror.found(q.Conn, key)
		switch via {
		case match.ByEmail:
			for _, ref := range refs {
				if person, ok := state.GetRecord(v.tx, ref); ok && len(person.Links) > 0 {
					g.add(person.Links[0], via)
				}
			}
			continue
		case match.ByHost, match.ByDomain, match.ByPhone:
			g.sharers(refs, via)
		default:
			for _, ref := range refs {
				g.add(ref, via)
			}
		}
		if via != match.ByHost {
			g.aliases(q.Conn, key, via)
		}
	}
	if q.Domain != "" {
		g.colleagues(q)
	}
	return g.accounts()
}

// mostMerged bounds how often an account may have been merged on.
const mostMerged = 5

// livesAs is the account that another one was merged into, or itself: what was learnt of
// it, and who was last read as linked to it, belongs to that one now.
func (v view) livesAs(ref connectors.Ref) connectors.Ref {
	for range mostMerged {
		r, ok := state.GetRecord(v.tx, ref)
		if !ok || r.MovedTo.IsZero() {
			break
		}
		ref = r.MovedTo
	}
	return ref
}

// gathering collects candidates.
type gathering struct {
	v     view
	found map[connectors.Ref]*match.Account
	// denied are the keys that people have said are not an account's.
	denied map[connectors.Ref][]string
}

func (g *gathering) add(ref connectors.Ref, via match.Via) *match.Account {
	ref = g.v.livesAs(ref)
	a := g.found[ref]
	if a == nil {
		r, ok := state.GetRecord(g.v.tx, ref)
		if !ok || r.Deleted || !r.MovedTo.IsZero() {
			return nil
		}
		a = &match.Account{Record: r}
		g.found[ref] = a
	}
	if !slices.Contains(a.Via, via) {
		a.Via = append(a.Via, via)
	}
	return a
}

// sharers adds the accounts that have a host or a domain, unless they are too
// many that have nothing else in common.
func (g *gathering) sharers(refs []connectors.Ref, via match.Via) {
	if g.generic(refs) {
		via, refs = match.ByGeneric, refs[:mostGeneric]
	}
	for _, ref := range refs {
		g.add(ref, via)
	}
}

func (g *gathering) generic(refs []connectors.Ref) bool {
	if len(refs) > mostSharers {
		return true
	}
	if len(refs) <= match.MostUnrelated {
		return false
	}
	var records []state.Record
	for _, ref := range refs {
		if r, ok := state.GetRecord(g.v.tx, ref); ok && !r.Deleted && r.MovedTo.IsZero() {
			records = append(records, r)
		}
	}
	return match.Scattered(records)
}

// aliases adds the accounts that a key was shown to be of.
func (g *gathering) aliases(conn, key string, via match.Via) {
	var refs []connectors.Ref
	for _, alias := range state.AliasesOf(g.v.tx, conn, key) {
		switch {
		case alias.Counts():
			refs = append(refs, alias.Account)
		case alias.Denies():
			at := g.v.livesAs(alias.Account)
			g.denied[at] = append(g.denied[at], key)
		}
	}
	if g.generic(refs) {
		return
	}
	for _, ref := range refs {
		if a := g.add(ref, via); a != nil && a.Confirmed == "" {
			a.Confirmed = key // the keys come strongest first
		}
	}
}

// colleagues adds the accounts of which several people have addresses of the
// query's domain.
func (g *gathering) colleagues(q match.Query) {
	linked, counts := g.v.mirror.colleagues(q.Conn, q.Domain)
	together := map[connectors.Ref]int{}
	var all []connectors.Ref
	for _, ref := range linked {
		at := g.v.livesAs(ref)
		if together[at] += counts[ref]; !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	if g.generic(all) {
		return // an agency's, a hoster's or a consultant's
	}
	for _, ref := range all {
		if together[ref] < fewColleagues {
			continue
		}
		if a := g.add(ref, match.ByPeople); a != nil {
			a.Colleagues = together[ref]
		}
	}
}

// accounts are the candidates in order of Ref, with their open deals and how
// many of their people are known.
func (g *gathering) accounts() []match.Account {
	accounts := make([]match.Account, 0, len(g.found))
	for _, a := range g.found {
		for _, deal := range g.v.mirror.dealsOf(a.Record.Ref) {
			if d, ok := state.GetRecord(g.v.tx, deal); ok {
				a.Deals = append(a.Deals, d)
			}
		}
		a.People, a.Denied = g.v.mirror.peopleOf(a.Record.Ref), g.denied[a.Record.Ref]
		accounts = append(accounts, *a)
	}
	slices.SortFunc(accounts, func(a, b match.Account) int { return compareRefs(a.Record.Ref, b.Record.Ref) })
	return accounts
}

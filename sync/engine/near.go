package engine

import (
	"maps"
	"slices"
	"sync"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// near is the index over the accounts of a connection that finds those that are
// alike. It follows every change.
type near struct {
	mu    sync.Mutex
	orgs  map[string]match.Org // as they are filed
	refs  map[string]connectors.Ref
	index *match.Index
}

// nearOf is the index of a connection; the mirror is locked.
func (m *Mirror) nearOf(conn string) *near {
	n := m.near[conn]
	if n == nil {
		n = &near{orgs: map[string]match.Org{}, refs: map[string]connectors.Ref{}}
		n.index = match.OpenIndex(maps.Values(n.orgs), func(id string) (match.Org, bool) { o, ok := n.orgs[id]; return o, ok })
		m.near[conn] = n
	}
	return n
}

// file takes in an account as it is now.
func (n *near) file(r state.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	was, known := n.orgs[r.Ref.ID]
	if r.Deleted || !r.MovedTo.IsZero() {
		if known {
			delete(n.orgs, r.Ref.ID)
			delete(n.refs, r.Ref.ID)
			n.index.Remove(was)
		}
		return
	}
	now := match.OrgOf(r)
	if known && was.Name == now.Name && was.Country == now.Country && was.Parent == now.Parent && slices.Equal(was.Domains, now.Domains) {
		return
	}
	n.orgs[r.Ref.ID], n.refs[r.Ref.ID] = now, r.Ref
	if known {
		n.index.Update(was, now)
	} else {
		n.index.Add(now)
	}
}

// found are the accounts that may be a lead's.
func (n *near) found(w *match.Weights, l match.Lead) (match.Near, []connectors.Ref) {
	n.mu.Lock()
	defer n.mu.Unlock()
	near := n.index.Near(w, l)
	var refs []connectors.Ref
	for _, e := range near.Found {
		refs = append(refs, n.refs[e.ID])
	}
	return near, refs
}

// Alike implements plan.View by the mirror's index.
func (v view) Alike(conn string, l match.Lead, w *match.Weights) match.Alike {
	v.mirror.mu.RLock()
	n := v.mirror.near[conn]
	v.mirror.mu.RUnlock()
	if n == nil {
		return match.Alike{}
	}
	found, refs := n.found(w, l)
	denied := map[connectors.Ref][]string{}
	for _, key := range l.Keys() {
		for _, alias := range state.AliasesOf(v.tx, conn, key) {
			if alias.Denies() {
				at := v.livesAs(alias.Account)
				denied[at] = append(denied[at], key)
			}
		}
	}
	out := match.Alike{Near: found}
	for _, ref := range refs {
		a := match.Account{Denied: denied[ref]}
		if r, ok := state.GetRecord(v.tx, ref); ok && !r.Deleted && r.MovedTo.IsZero() {
			a.Record = r
			for _, deal := range v.mirror.dealsOf(ref) {
				if d, ok := state.GetRecord(v.tx, deal); ok {
					a.Deals = append(a.Deals, d)
				}
			}
			a.People = v.mirror.peopleOf(ref)
		}
		out.Accounts = append(out.Accounts, a)
	}
	return out
}

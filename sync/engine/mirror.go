package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/normalize"
	"github.com/handoffd/handoffd/sync/plan"
)

// Mirror is the index over our copy of accounts, open deals, users and the
// people we have met: key -> records. The records themselves are in the store;
// the index is rebuilt from them at start and follows every commit.
type Mirror struct {
	follow sync.Mutex // one at a time reads what was committed, and files it

	mu    sync.RWMutex
	keys  map[connectors.Ref][]string                // what a record is filed under
	refs  map[string]map[string][]connectors.Ref     // connection -> key -> records, in order of Ref
	deals map[connectors.Ref]map[connectors.Ref]bool // account -> its deals
	owner map[connectors.Ref]connectors.Ref          // deal -> account
	users map[string]map[string]string               // connection -> e-mail -> user id

	people map[connectors.Ref]map[connectors.Ref]bool    // account -> the people it is linked to
	loose  map[string]map[string]map[connectors.Ref]bool // connection -> e-mail domain -> people without an account
	placed map[connectors.Ref]place                      // where a person is filed

	// connection -> registrable domain of people's addresses -> account -> how many of its people have it
	mails map[string]map[string]map[connectors.Ref]int

	near map[string]*near // connection -> its accounts by what they are like
}

// place is the account a person belongs to, else the domain of their address;
// mail is its registrable domain where they have an account.
type place struct {
	account connectors.Ref
	domain  string
	mail    string
}

// NewMirror is an empty index.
func NewMirror() *Mirror {
	return &Mirror{
		keys:  map[connectors.Ref][]string{},
		refs:  map[string]map[string][]connectors.Ref{},
		deals: map[connectors.Ref]map[connectors.Ref]bool{},
		owner: map[connectors.Ref]connectors.Ref{},
		users: map[string]map[string]string{},

		people: map[connectors.Ref]map[connectors.Ref]bool{},
		loose:  map[string]map[string]map[connectors.Ref]bool{},
		placed: map[connectors.Ref]place{},
		mails:  map[string]map[string]map[connectors.Ref]int{},
		near:   map[string]*near{},
	}
}

// Fill indexes every record and user in the store.
func (m *Mirror) Fill(ctx context.Context, store state.Store, conns []string) error {
	err := store.View(ctx, func(tx state.Tx) error {
		for _, conn := range conns {
			for _, r := range state.RecordsOf(tx, conn) {
				m.Learn(r)
			}
			for _, u := range state.UsersOf(tx, conn) {
				m.LearnUser(conn, u)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("index the mirror: %w", err)
	}
	return nil
}

// Follow files records that were committed as they stand in the store now.
// Two who have committed one record may come here in either order; what they
// find is not older than either.
func (m *Mirror) Follow(ctx context.Context, store state.Store, records []state.Record) error {
	if len(records) == 0 {
		return nil
	}
	m.follow.Lock()
	defer m.follow.Unlock()
	err := store.View(ctx, func(tx state.Tx) error {
		for _, r := range records {
			if now, ok := state.GetRecord(tx, r.Ref); ok {
				m.Learn(now)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("index what was kept: %w", err)
	}
	return nil
}

// Learn files a record under its present keys and no others.
func (m *Mirror) Learn(r state.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(r.Ref)
	if r.Noun == "company" {
		m.nearOf(r.Ref.Conn).file(r)
	}
	if r.Deleted || !r.MovedTo.IsZero() {
		return
	}
	if r.Noun == "deal" && len(r.Links) > 0 {
		account := r.Links[0]
		if m.deals[account] == nil {
			m.deals[account] = map[connectors.Ref]bool{}
		}
		m.deals[account][r.Ref] = true
		m.owner[r.Ref] = account
	}
	if r.Noun == "person" {
		m.gather(r)
	}
	keys := match.Keys(r)
	if len(keys) == 0 {
		return
	}
	byKey := m.refs[r.Ref.Conn]
	if byKey == nil {
		byKey = map[string][]connectors.Ref{}
		m.refs[r.Ref.Conn] = byKey
	}
	for _, k := range keys {
		at, there := slices.BinarySearchFunc(byKey[k], r.Ref, compareRefs)
		if !there {
			byKey[k] = slices.Insert(byKey[k], at, r.Ref)
		}
	}
	m.keys[r.Ref] = keys
}

func (m *Mirror) forget(ref connectors.Ref) {
	for _, k := range m.keys[ref] {
		refs := m.refs[ref.Conn][k]
		if at, there := slices.BinarySearchFunc(refs, ref, compareRefs); there {
			m.refs[ref.Conn][k] = slices.Delete(slices.Clone(refs), at, at+1)
		}
	}
	delete(m.keys, ref)
	if account, ok := m.owner[ref]; ok {
		delete(m.deals[account], ref)
		delete(m.owner, ref)
	}
	if at, ok := m.placed[ref]; ok {
		delete(m.people[at.account], ref)
		delete(m.loose[ref.Conn][at.domain], ref)
		delete(m.placed, ref)
		m.mailed(ref.Conn, at, -1)
	}
}

// gather files a person under the account the CRM links, or under the domain of
// their address where it links none.
func (m *Mirror) gather(r state.Record) {
	at, where := place{}, map[connectors.Ref]bool(nil)
	if len(r.Links) > 0 {
		at.account = r.Links[0]
		at.mail = normalize.Registrable(normalize.HostOf(r.Fields["email"]))
		m.mailed(r.Ref.Conn, at, 1)
		if where = m.people[at.account]; where == nil {
			where = map[connectors.Ref]bool{}
			m.people[at.account] = where
		}
	} else if at.domain = r.Fields[normalize.EmailDomain]; at.domain != "" {
		byDomain := m.loose[r.Ref.Conn]
		if byDomain == nil {
			byDomain = map[string]map[connectors.Ref]bool{}
			m.loose[r.Ref.Conn] = byDomain
		}
		if where = byDomain[at.domain]; where == nil {
			where = map[connectors.Ref]bool{}
			byDomain[at.domain] = where
		}
	}
	if where != nil {
		where[r.Ref], m.placed[r.Ref] = true, at
	}
}

// mailed counts a person in or out of the domains of an account's people.
func (m *Mirror) mailed(conn string, at place, n int) {
	if at.mail == "" {
		return
	}
	byDomain := m.mails[conn]
	if byDomain == nil {
		byDomain = map[string]map[connectors.Ref]int{}
		m.mails[conn] = byDomain
	}
	if byDomain[at.mail] == nil {
		byDomain[at.mail] = map[connectors.Ref]int{}
	}
	if byDomain[at.mail][at.account] += n; byDomain[at.mail][at.account] <= 0 {
		delete(byDomain[at.mail], at.account)
	}
	if len(byDomain[at.mail]) == 0 {
		delete(byDomain, at.mail)
	}
}

// colleagues lists the accounts that have people with addresses of a domain, in
// order of Ref, and how many.
func (m *Mirror) colleagues(conn, domain string) (refs []connectors.Ref, counts map[connectors.Ref]int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	counts = maps.Clone(m.mails[conn][domain])
	return slices.SortedFunc(maps.Keys(counts), compareRefs), counts
}

// peopleOf is how many people of an account are known.
func (m *Mirror) peopleOf(account connectors.Ref) int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.people[account])
}

// around lists the records around an account, in order of Ref.
func (m *Mirror) around(q plan.Crowd) []connectors.Ref {
	if q.Noun == "deal" {
		return m.dealsOf(q.Account)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	refs := slices.Collect(maps.Keys(m.people[q.Account]))
	if q.Domain != "" {
		refs = slices.AppendSeq(refs, maps.Keys(m.loose[q.Account.Conn][q.Domain]))
	}
	slices.SortFunc(refs, compareRefs)
	return refs
}

// LearnUser files a user under the e-mail address. Of two users with one
// address the active one counts.
func (m *Mirror) LearnUser(conn string, u connectors.User) {
	if u.Email == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.users[conn] == nil {
		m.users[conn] = map[string]string{}
	}
	if _, taken := m.users[conn][u.Email]; u.Active || !taken {
		m.users[conn][u.Email] = u.ID
	}
}

// userID is the user with this address; "": there is none.
func (m *Mirror) userID(conn, email string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.users[conn][email]
}

// found lists the records of a connection filed under the key, in order of Ref.
func (m *Mirror) found(conn, key string) []connectors.Ref {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.refs[conn][key])
}

// dealsOf lists the deals of an account, in order of Ref.
func (m *Mirror) dealsOf(account connectors.Ref) []connectors.Ref {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var refs []connectors.Ref
	for ref := range m.deals[account] {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, compareRefs)
	return refs
}

func compareRefs(a, b connectors.Ref) int {
	return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

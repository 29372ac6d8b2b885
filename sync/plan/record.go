package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// Recorder is a view that remembers everything it was asked and answered.
type Recorder struct {
	v    View
	seen Snapshot
}

// Record wraps a view so that a decision made on it can be made again.
func Record(v View) *Recorder { return &Recorder{v: v} }

// Snapshot is what was asked so far, with the answers.
func (r *Recorder) Snapshot() Snapshot { return r.seen }

// remember keeps an answer under its question.
func remember[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// keep keeps a record by its hash.
func (r *Recorder) keep(rec state.Record) string {
	hash := state.RecordHash(rec)
	remember(&r.seen.versions, hash, rec)
	return hash
}

// Record implements View.
func (r *Recorder) Record(ref connectors.Ref) (state.Record, bool) {
	rec, ok := r.v.Record(ref)
	hash := ""
	if ok {
		hash = r.keep(rec)
	}
	remember(&r.seen.Records, ref.String(), hash)
	return rec, ok
}

// Candidates implements View.
func (r *Recorder) Candidates(q match.Query) []match.Account {
	found := r.v.Candidates(q)
	list := make([]Candidate, 0, len(found))
	for _, a := range found {
		list = append(list, r.candidate(a))
	}
	remember(&r.seen.Candidates, queryKey(q), list)
	return found
}

// Sharing implements View.
func (r *Recorder) Sharing(conn, key string) []state.Record {
	found := r.v.Sharing(conn, key)
	hashes := make([]string, 0, len(found))
	for _, rec := range found {
		hashes = append(hashes, r.keep(rec))
	}
	remember(&r.seen.Shared, sharingKey(conn, key), hashes)
	return found
}

func (r *Recorder) candidate(a match.Account) Candidate {
	c := Candidate{Via: a.Via, People: a.People, Confirmed: a.Confirmed, Colleagues: a.Colleagues, Denied: a.Denied}
	if a.Record.Ref.ID != "" {
		c.Record = r.keep(a.Record)
	}
	for _, deal := range a.Deals {
		c.Deals = append(c.Deals, r.keep(deal))
	}
	return c
}

// Handoffs implements View.
func (r *Recorder) Handoffs(ref connectors.Ref) []state.Handoff {
	hs := r.v.Handoffs(ref)
	ids := make([]string, 0, len(hs))
	for i := range hs {
		ids = append(ids, hs[i].ID)
		remember(&r.seen.HandoffByID, hs[i].ID, &hs[i])
	}
	remember(&r.seen.HandoffsOf, ref.String(), ids)
	return hs
}

// HandoffsAt implements View.
func (r *Recorder) HandoffsAt(account connectors.Ref) []state.Handoff {
	hs := r.v.HandoffsAt(account)
	ids := make([]string, 0, len(hs))
	for i := range hs {
		ids = append(ids, hs[i].ID)
		remember(&r.seen.HandoffByID, hs[i].ID, &hs[i])
	}
	remember(&r.seen.HandoffsOn, account.String(), ids)
	return hs
}

// HandoffOfTask implements View.
func (r *Recorder) HandoffOfTask(key string) (state.Handoff, bool) {
	h, ok := r.v.HandoffOfTask(key)
	if ok {
		remember(&r.seen.HandoffByID, h.ID, &h)
	}
	remember(&r.seen.TaskOf, key, h.ID)
	return h, ok
}

// Handoff implements View.
func (r *Recorder) Handoff(id string) (state.Handoff, bool) {
	h, ok := r.v.Handoff(id)
	remember(&r.seen.HandoffByID, id, optional(h, ok))
	return h, ok
}

// Trigger implements View.
func (r *Recorder) Trigger(typ string, ref connectors.Ref) (state.Trigger, bool) {
	t, ok := r.v.Trigger(typ, ref)
	remember(&r.seen.Triggers, typ+" "+ref.String(), optional(t, ok))
	return t, ok
}

// Pool implements View.
func (r *Recorder) Pool(team string) (state.Pool, bool) {
	p, ok := r.v.Pool(team)
	remember(&r.seen.Pools, team, optional(p, ok))
	return p, ok
}

// User implements View.
func (r *Recorder) User(conn, id string) (connectors.User, bool) {
	u, ok := r.v.User(conn, id)
	remember(&r.seen.Users, conn+" "+id, optional(u, ok))
	return u, ok
}

// UserByEmail implements View.
func (r *Recorder) UserByEmail(conn, email string) (connectors.User, bool) {
	u, ok := r.v.UserByEmail(conn, email)
	remember(&r.seen.Addresses, conn+" "+email, optional(u, ok))
	return u, ok
}

// Unaccepted implements View.
func (r *Recorder) Unaccepted(who string) int {
	n := r.v.Unaccepted(who)
	remember(&r.seen.Loads, who, n)
	return n
}

// Leave implements View.
func (r *Recorder) Leave(who string, now time.Time) []state.Leave {
	l := r.v.Leave(who, now)
	remember(&r.seen.Leaves, who, l)
	return l
}

// Same implements View.
func (r *Recorder) Same(ref connectors.Ref) (state.Same, bool) {
	s, ok := r.v.Same(ref)
	remember(&r.seen.Sames, ref.String(), optional(s, ok))
	return s, ok
}

// Located implements View.
func (r *Recorder) Located(n state.Need) ([]state.Record, bool) {
	found, ok := r.v.Located(n)
	var hashes []string
	if ok {
		hashes = []string{}
		for _, rec := range found {
			hashes = append(hashes, r.keep(rec))
		}
	}
	remember(&r.seen.Answers, n.ID(), hashes)
	return found, ok
}

// Trail implements View.
func (r *Recorder) Trail(n state.Need) (state.Trail, bool) {
	t, ok := r.v.Trail(n)
	remember(&r.seen.Trails, n.ID(), optional(t, ok))
	return t, ok
}

// Intent implements View.
func (r *Recorder) Intent(key string) (state.Intent, bool) {
	i, ok := r.v.Intent(key)
	remember(&r.seen.Intents, key, optional(i, ok))
	return i, ok
}

// Conn implements View.
func (r *Recorder) Conn(name string) (state.Conn, bool) {
	c, ok := r.v.Conn(name)
	remember(&r.seen.Conns, name, optional(c, ok))
	return c, ok
}

// Budget implements View.
func (r *Recorder) Budget(who string) (state.Budget, bool) {
	t, ok := r.v.Budget(who)
	remember(&r.seen.Budgets, who, optional(t, ok))
	return t, ok
}

// Timer implements View.
func (r *Recorder) Timer(id string) (state.Timer, bool) {
	t, ok := r.v.Timer(id)
	remember(&r.seen.Timers, id, optional(t, ok))
	return t, ok
}

// Crowd implements View.
func (r *Recorder) Crowd(q Crowd) []state.Record {
	found := r.v.Crowd(q)
	hashes := make([]string, 0, len(found))
	for _, rec := range found {
		hashes = append(hashes, r.keep(rec))
	}
	remember(&r.seen.Crowds, q.id(), hashes)
	return found
}

// Told implements View.
func (r *Recorder) Told(key string) (state.Told, bool) {
	t, ok := r.v.Told(key)
	remember(&r.seen.Tolds, key, optional(t, ok))
	return t, ok
}

// Pace implements View.
func (r *Recorder) Pace(name string) (state.Pace, bool) {
	p, ok := r.v.Pace(name)
	remember(&r.seen.Paces, name, optional(p, ok))
	return p, ok
}

// Alike implements View.
func (r *Recorder) Alike(conn string, l match.Lead, w *match.Weights) match.Alike {
	found := r.v.Alike(conn, l, w)
	kept := Likeness{Near: found.Near}
	for _, a := range found.Accounts {
		kept.Accounts = append(kept.Accounts, r.candidate(a))
	}
	remember(&r.seen.Alikes, alikeKey(conn, l), kept)
	return found
}

// Aliases implements View.
func (r *Recorder) Aliases(conn, key string) []state.Alias {
	all := r.v.Aliases(conn, key)
	remember(&r.seen.Aliases, conn+" "+key, all)
	return all
}

// Note implements View.
func (r *Recorder) Note(hash string) (state.Note, bool) {
	n, ok := r.v.Note(hash)
	remember(&r.seen.Notes, hash, optional(n, ok))
	return n, ok
}

// Err implements View.
func (r *Recorder) Err() error { return r.v.Err() }

func optional[V any](v V, ok bool) *V {
	if !ok {
		return nil
	}
	return &v
}

// queryKey names a query.
func queryKey(q match.Query) string {
	parts := []string{q.Conn, q.Link.String(), q.Email, q.Host, q.Domain, q.Name, q.Country}
	if q.Phone != "" {
		parts = append(parts, q.Phone)
	}
	return state.Digest(parts...)
}

// sharingKey names a question for who shares a key, without the key.
func sharingKey(conn, key string) string { return state.Digest("sharing", conn, key) }

// alikeKey names a search for accounts that are alike.
func alikeKey(conn string, l match.Lead) string {
	return state.Digest("alike", conn, l.Email, l.Company, l.Country, l.Website)
}

// decisionID names a decision before it is made, so that it can stand on the
// record it changes: the same rules, instant and event decide the same.
func (r *Rules) decisionID(now time.Time, ev Event) string {
	parts := []string{"decision", r.digest, now.UTC().Format(time.RFC3339Nano)}
	switch ev := ev.(type) {
	case Observed:
		parts = append(parts, "observed", ev.Record.Ref.String(), ev.Record.Version, ev.Via)
	case Fired:
		parts = append(parts, "fired", ev.Timer.ID)
	case Delivered:
		parts = append(parts, "delivered", ev.Intent.Write.Key, ev.Class, ev.Version)
	case Undo:
		parts = append(append(parts, "undo"), ev.Handoffs...)
	case Reassign:
		parts = append(parts, "reassign", ev.Handoff, ev.To)
	}
	return state.Digest(parts...)
}

// Keep makes the decision to store, and the records it refers to, in the order
// of their hashes.
func Keep(now time.Time, r *Rules, seen *Recorder, ev Event, c state.Changes) (state.Decision, []state.Record, error) {
	now = now.UTC().Round(0)
	event, err := EncodeEvent(ev)
	if err != nil {
		return state.Decision{}, nil, fmt.Errorf("keep a decision: %w", err)
	}
	snapshot := seen.Snapshot()
	saw, err := json.Marshal(snapshot)
	if err != nil {
		return state.Decision{}, nil, fmt.Errorf("keep a decision: %w", err)
	}
	outcome, err := Outcome(c)
	if err != nil {
		return state.Decision{}, nil, err
	}
	d := state.Decision{
		ID: r.decisionID(now, ev), At: now, Rules: r.digest, Event: event, Saw: saw, Outcome: outcome, Why: c.Why, Record: subject(ev),
	}
	if len(c.Handoffs) > 0 {
		d.Handoff = c.Handoffs[0].ID
		if d.Record.ID == "" {
			d.Record = c.Handoffs[0].Record
		}
	}
	records := make([]state.Record, 0, len(snapshot.versions))
	for _, hash := range slices.Sorted(maps.Keys(snapshot.versions)) {
		records = append(records, snapshot.versions[hash])
	}
	return d, records, nil
}

// subject is the record a decision is about.
func subject(ev Event) connectors.Ref {
	switch ev := ev.(type) {
	case Observed:
		return ev.Record.Ref
	case Delivered:
		return ev.Intent.Write.Ref
	case Fired, Undo, Reassign:
	}
	return connectors.Ref{}
}

// Outcome names changes by their content.
func Outcome(c state.Changes) (string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode changes: %w", err)
	}
	return state.Digest("changes", string(raw)), nil
}

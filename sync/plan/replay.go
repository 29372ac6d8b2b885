package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
)

// Snapshot is everything one decision was told, question by question; an
// answer of null says that there was nothing. Records stand there by their
// hash. As JSON it is canonical: the same answers are the same bytes.
type Snapshot struct {
	Records     map[string]string           `json:"records,omitempty"`    // ref → hash
	Candidates  map[string][]Candidate      `json:"candidates,omitempty"` // digest of the query
	HandoffsOf  map[string][]string         `json:"handoffs_of,omitempty"`
	HandoffsOn  map[string][]string         `json:"handoffs_on,omitempty"` // account → ids
	TaskOf      map[string]string           `json:"task_of,omitempty"`     // key → id; blank: none
	HandoffByID map[string]*state.Handoff   `json:"handoffs,omitempty"`
	Triggers    map[string]*state.Trigger   `json:"triggers,omitempty"` // type, ref
	Pools       map[string]*state.Pool      `json:"pools,omitempty"`
	Users       map[string]*connectors.User `json:"users,omitempty"`     // connection, id
	Addresses   map[string]*connectors.User `json:"addresses,omitempty"` // connection, e-mail
	Loads       map[string]int              `json:"loads,omitempty"`
	Leaves      map[string][]state.Leave    `json:"leaves,omitempty"` // by person
	Sames       map[string]*state.Same      `json:"sames,omitempty"`
	Answers     map[string][]string         `json:"answers,omitempty"` // need → hashes
	Trails      map[string]*state.Trail     `json:"trails,omitempty"`  // by need
	Intents     map[string]*state.Intent    `json:"intents,omitempty"` // by key
	Conns       map[string]*state.Conn      `json:"conns,omitempty"`
	Notes       map[string]*state.Note      `json:"notes,omitempty"`   // by hash
	Befores     map[string]*state.Before    `json:"befores,omitempty"` // ref
	Timers      map[string]*state.Timer     `json:"timers,omitempty"`  // by id
	Budgets     map[string]*state.Budget    `json:"budgets,omitempty"`

	Crowds map[string][]string    `json:"crowds,omitempty"` // by query → hashes
	Tolds  map[string]*state.Told `json:"tolds,omitempty"`
	Paces  map[string]*state.Pace `json:"paces,omitempty"`

	Aliases map[string][]state.Alias `json:"aliases,omitempty"` // connection, key
	Alikes  map[string]Likeness      `json:"alikes,omitempty"`
	Shared  map[string][]string      `json:"shared,omitempty"` // by connection and key → hashes

	versions map[string]state.Record
}

// Candidate is one account that was proposed.
type Candidate struct {
	Record string      `json:"record"`
	Via    []match.Via `json:"via,omitempty"`
	Deals  []string    `json:"deals,omitempty"`
	People int         `json:"people,omitempty"`

	Confirmed  string `json:"confirmed,omitempty"`
	Colleagues int    `json:"colleagues,omitempty"`

	Denied []string `json:"denied,omitempty"`
}

// Likeness is what a search for accounts that are alike has answered.
type Likeness struct {
	Near     match.Near  `json:"near"`
	Accounts []Candidate `json:"accounts,omitempty"`
}

// hashes are the records a snapshot refers to.
func (s *Snapshot) hashes() []string {
	var out []string
	for _, h := range s.Records {
		if h != "" {
			out = append(out, h)
		}
	}
	for _, list := range s.Candidates {
		for _, c := range list {
			out = append(append(out, c.Record), c.Deals...)
		}
	}
	for _, l := range s.Alikes {
		for _, c := range l.Accounts {
			if c.Record != "" {
				out = append(out, c.Record)
			}
			out = append(out, c.Deals...)
		}
	}
	for _, list := range s.Answers {
		out = append(out, list...)
	}
	for _, list := range s.Crowds {
		out = append(out, list...)
	}
	for _, list := range s.Shared {
		out = append(out, list...)
	}
	return out
}

// ErrUnseen says that other rules asked for something the stored decision did
// not look at, so that their outcome is a guess.
var ErrUnseen = errors.New("the rules ask for something this decision did not see")

// Replay makes a stored decision again, under these rules. version finds a
// record by its hash. The same rules give the same changes, byte for byte;
// other rules may ask what was not asked then: the changes come with
// [ErrUnseen], as if there had been nothing.
func Replay(r *Rules, d state.Decision, version func(hash string) (state.Record, bool, error)) (state.Changes, error) {
	ev, err := DecodeEvent(d.Event)
	if err != nil {
		return state.Changes{}, fmt.Errorf("replay %s: %w", d.ID, err)
	}
	var s Snapshot
	if err := json.Unmarshal(d.Saw, &s); err != nil {
		return state.Changes{}, fmt.Errorf("replay %s: %w", d.ID, err)
	}
	s.versions = map[string]state.Record{}
	for _, h := range s.hashes() {
		rec, ok, err := version(h)
		if err == nil && !ok {
			err = fmt.Errorf("%w: record version %s is missing", state.ErrCorrupt, h)
		}
		if err != nil {
			return state.Changes{}, fmt.Errorf("replay %s: %w", d.ID, err)
		}
		s.versions[h] = rec
	}
	past := &replay{s: s}
	c, err := r.Decide(d.At, past, ev)
	if err == nil && past.unseen != "" {
		err = fmt.Errorf("replay %s: %w: %s", d.ID, ErrUnseen, past.unseen)
	}
	return c, err
}

// replay is a view of a snapshot.
type replay struct {
	s      Snapshot
	unseen string // the first question that was not asked then
}

func ask[V any](p *replay, m map[string]V, what, key string) V {
	v, asked := m[key]
	if !asked && p.unseen == "" {
		p.unseen = what + " " + key
	}
	return v
}

func orNot[V any](v *V) (out V, ok bool) {
	if v == nil {
		return out, false
	}
	return *v, true
}

func (p *replay) Record(ref connectors.Ref) (state.Record, bool) {
	hash := ask(p, p.s.Records, "record", ref.String())
	rec, ok := p.s.versions[hash]
	return rec, ok && hash != ""
}

func (p *replay) Candidates(q match.Query) []match.Account {
	var out []match.Account
	for _, c := range ask(p, p.s.Candidates, "candidates", queryKey(q)) {
		out = append(out, p.account(c))
	}
	return out
}

func (p *replay) account(c Candidate) match.Account {
	a := match.Account{Record: p.s.versions[c.Record], Via: c.Via, People: c.People, Confirmed: c.Confirmed, Colleagues: c.Colleagues, Denied: c.Denied}
	for _, deal := range c.Deals {
		a.Deals = append(a.Deals, p.s.versions[deal])
	}
	return a
}

func (p *replay) Alike(conn string, l match.Lead, _ *match.Weights) match.Alike {
	kept := ask(p, p.s.Alikes, "alike", alikeKey(conn, l))
	out := match.Alike{Near: kept.Near}
	for _, c := range kept.Accounts {
		out.Accounts = append(out.Accounts, p.account(c))
	}
	return out
}

func (p *replay) Handoffs(ref connectors.Ref) []state.Handoff {
	var out []state.Handoff
	for _, id := range ask(p, p.s.HandoffsOf, "handoffs of", ref.String()) {
		if h := p.s.HandoffByID[id]; h != nil {
			out = append(out, *h)
		}
	}
	return out
}

func (p *replay) HandoffsAt(account connectors.Ref) []state.Handoff {
	var out []state.Handoff
	for _, id := range ask(p, p.s.HandoffsOn, "handoffs at", account.String()) {
		if h := p.s.HandoffByID[id]; h != nil {
			out = append(out, *h)
		}
	}
	return out
}

func (p *replay) HandoffOfTask(key string) (state.Handoff, bool) {
	id := ask(p, p.s.TaskOf, "handoff of task", key)
	if id == "" {
		return state.Handoff{}, false
	}
	return orNot(p.s.HandoffByID[id])
}

func (p *replay) Handoff(id string) (state.Handoff, bool) {
	return orNot(ask(p, p.s.HandoffByID, "handoff", id))
}

func (p *replay) Trigger(typ string, ref connectors.Ref) (state.Trigger, bool) {
	return orNot(ask(p, p.s.Triggers, "trigger", typ+" "+ref.String()))
}

func (p *replay) Pool(team string) (state.Pool, bool) {
	return orNot(ask(p, p.s.Pools, "pool", team))
}

func (p *replay) User(conn, id string) (connectors.User, bool) {
	return orNot(ask(p, p.s.Users, "user", conn+" "+id))
}

func (p *replay) UserByEmail(conn, email string) (connectors.User, bool) {
	return orNot(ask(p, p.s.Addresses, "user", conn+" "+email))
}

func (p *replay) Unaccepted(who string) int { return ask(p, p.s.Loads, "load of", who) }

func (p *replay) Leave(who string, _ time.Time) []state.Leave {
	return ask(p, p.s.Leaves, "leave of", who)
}

func (p *replay) Same(ref connectors.Ref) (state.Same, bool) {
	return orNot(ask(p, p.s.Sames, "identity of", ref.String()))
}

func (p *replay) Located(n state.Need) ([]state.Record, bool) {
	hashes := ask(p, p.s.Answers, "need", n.ID())
	if hashes == nil {
		return nil, false
	}
	var out []state.Record
	for _, h := range hashes {
		out = append(out, p.s.versions[h])
	}
	return out, true
}

func (p *replay) Trail(n state.Need) (state.Trail, bool) {
	return orNot(ask(p, p.s.Trails, "need", n.ID()))
}

func (p *replay) Intent(key string) (state.Intent, bool) {
	return orNot(ask(p, p.s.Intents, "intent", key))
}

func (p *replay) Conn(name string) (state.Conn, bool) {
	return orNot(ask(p, p.s.Conns, "connection", name))
}

func (p *replay) Budget(who string) (state.Budget, bool) {
	return orNot(ask(p, p.s.Budgets, "budget of", who))
}

func (p *replay) Timer(id string) (state.Timer, bool) {
	return orNot(ask(p, p.s.Timers, "timer", id))
}

func (p *replay) Crowd(q Crowd) []state.Record {
	var out []state.Record
	for _, h := range ask(p, p.s.Crowds, "crowd", q.id()) {
		out = append(out, p.s.versions[h])
	}
	return out
}

func (p *replay) Sharing(conn, key string) []state.Record {
	var out []state.Record
	for _, h := range ask(p, p.s.Shared, "who shares", sharingKey(conn, key)) {
		out = append(out, p.s.versions[h])
	}
	return out
}

func (p *replay) Told(key string) (state.Told, bool) {
	return orNot(ask(p, p.s.Tolds, "told", key))
}

func (p *replay) Pace(name string) (state.Pace, bool) {
	return orNot(ask(p, p.s.Paces, "pace", name))
}

func (p *replay) Aliases(conn, key string) []state.Alias {
	return ask(p, p.s.Aliases, "aliases of", conn+" "+key)
}

func (p *replay) Note(hash string) (state.Note, bool) {
	return orNot(ask(p, p.s.Notes, "note", hash))
}

func (p *replay) Err() error { return nil }

// nothing is a view of an empty world.
type nothing struct{}

func (nothing) Record(connectors.Ref) (s state.Record, ok bool)           { return s, false }
func (nothing) Candidates(match.Query) []match.Account                    { return nil }
func (nothing) Handoffs(connectors.Ref) []state.Handoff                   { return nil }
func (nothing) HandoffsAt(connectors.Ref) []state.Handoff                 { return nil }
func (nothing) HandoffOfTask(string) (h state.Handoff, ok bool)           { return h, false }
func (nothing) Handoff(string) (h state.Handoff, ok bool)                 { return h, false }
func (nothing) Trigger(string, connectors.Ref) (t state.Trigger, ok bool) { return t, false }
func (nothing) Pool(string) (p state.Pool, ok bool)                       { return p, false }
func (nothing) User(string, string) (u connectors.User, ok bool)          { return u, false }
func (nothing) UserByEmail(string, string) (u connectors.User, ok bool)   { return u, false }
func (nothing) Unaccepted(string) int                                     { return 0 }
func (nothing) Leave(string, time.Time) []state.Leave                     { return nil }
func (nothing) Same(connectors.Ref) (s state.Same, ok bool)               { return s, false }
func (nothing) Located(state.Need) (rs []state.Record, ok bool)           { return nil, false }
func (nothing) Trail(state.Need) (t state.Trail, ok bool)                 { return t, false }
func (nothing) Intent(string) (i state.Intent, ok bool)                   { return i, false }
func (nothing) Conn(string) (c state.Conn, ok bool)                       { return c, false }
func (nothing) Budget(string) (t state.Budget, ok bool)                   { return t, false }
func (nothing) Timer(string) (t state.Timer, ok bool)                     { return t, false }
func (nothing) Crowd(Crowd) []state.Record                                { return nil }
func (nothing) Sharing(string, string) []state.Record                     { return nil }
func (nothing) Told(string) (t state.Told, ok bool)                       { return t, false }
func (nothing) Pace(string) (p state.Pace, ok bool)                       { return p, false }
func (nothing) Note(string) (n state.Note, ok bool)                       { return n, false }
func (nothing) Alike(string, match.Lead, *match.Weights) (a match.Alike)  { return a }
func (nothing) Aliases(string, string) []state.Alias                      { return nil }
func (nothing) Err() error                                                { return nil }

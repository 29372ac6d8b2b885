package judge

import (
	"context"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/plan"
)

// signs asks the rules about every record as it came to be, on a view that
// holds nothing but who the users are and what was asked before: which signals
// did the CRMs see? What the daemon made of them is not looked at.
type signs struct {
	f        *Facts
	rules    *plan.Rules
	conns    map[string]state.Conn
	byEmail  map[[2]string]connectors.User
	triggers map[string]state.Trigger
	seen     map[connectors.Ref]state.Record
}

func newSigns(ctx context.Context, l *loading) (*signs, error) {
	s := &signs{
		f: l.f, rules: l.words.rules, conns: map[string]state.Conn{}, byEmail: map[[2]string]connectors.User{},
		triggers: map[string]state.Trigger{}, seen: map[connectors.Ref]state.Record{},
	}
	for conn, users := range l.f.Users {
		for _, u := range users {
			s.byEmail[[2]string{conn, u.Email}] = u
		}
	}
	err := l.store.View(ctx, func(tx state.Tx) error {
		for _, c := range state.AllConns(tx) {
			c.Mirror = true
			s.conns[c.Name] = c
		}
		return tx.Err()
	})
	return s, err
}

// look asks about one record; last is where the last signal of a type and
// record stands in the facts, from 1.
func (s *signs) look(rec state.Record, at time.Time, last map[string]int) error {
	c, err := s.rules.Decide(at, s, plan.Observed{Record: rec, Via: "poll", Came: at})
	if err != nil {
		return fmt.Errorf("look at %s: %w", rec.Ref, err)
	}
	s.seen[rec.Ref] = rec
	for _, t := range c.Triggers {
		key := typed(t.Type, t.Record)
		s.triggers[key] = t
		s.f.Versions[key]++
		if n := last[key]; n > 0 && s.f.Given[n-1].Next.IsZero() {
			s.f.Given[n-1].Next = at
		}
	}
	for _, h := range c.Handoffs {
		if len(h.Signals) == 0 || h.Record != rec.Ref {
			continue
		}
		s.f.Given = append(s.f.Given, Given{Type: h.Type, Record: h.Record, At: h.Signals[0].At, Changed: at})
		last[typed(h.Type, h.Record)] = len(s.f.Given)
	}
	return nil
}

// The view: nothing is known of accounts, handoffs and pools.

func (s *signs) Record(ref connectors.Ref) (state.Record, bool) {
	r, ok := s.seen[ref]
	return r, ok
}
func (s *signs) Candidates(match.Query) []match.Account          { return nil }
func (s *signs) Sharing(string, string) []state.Record           { return nil }
func (s *signs) Handoffs(connectors.Ref) []state.Handoff         { return nil }
func (s *signs) HandoffsAt(connectors.Ref) []state.Handoff       { return nil }
func (s *signs) HandoffOfTask(string) (h state.Handoff, ok bool) { return h, false }
func (s *signs) Handoff(string) (h state.Handoff, ok bool)       { return h, false }
func (s *signs) Pool(string) (p state.Pool, ok bool)             { return p, false }
func (s *signs) Unaccepted(string) int                           { return 0 }
func (s *signs) Leave(string, time.Time) []state.Leave           { return nil }
func (s *signs) Same(connectors.Ref) (x state.Same, ok bool)     { return x, false }
func (s *signs) Located(state.Need) (rs []state.Record, ok bool) { return nil, true }

func (s *signs) Trail(state.Need) (t state.Trail, ok bool)                { return state.Trail{Unseen: true}, true }
func (s *signs) Note(string) (n state.Note, ok bool)                      { return n, false }
func (s *signs) Intent(string) (i state.Intent, ok bool)                  { return i, false }
func (s *signs) Timer(string) (t state.Timer, ok bool)                    { return t, false }
func (s *signs) Crowd(plan.Crowd) []state.Record                          { return nil }
func (s *signs) Told(string) (t state.Told, ok bool)                      { return t, false }
func (s *signs) Pace(string) (p state.Pace, ok bool)                      { return p, false }
func (s *signs) Before(connectors.Ref) (b state.Before, ok bool)          { return b, false }
func (s *signs) Err() error                                               { return nil }
func (s *signs) Alike(string, match.Lead, *match.Weights) (a match.Alike) { return a }
func (s *signs) Aliases(string, string) []state.Alias                     { return nil }
func (s *signs) Budget(string) (t state.Budget, ok bool)                  { return t, false }

func (s *signs) Trigger(typ string, ref connectors.Ref) (state.Trigger, bool) {
	t, ok := s.triggers[typed(typ, ref)]
	return t, ok
}

func (s *signs) User(conn, id string) (connectors.User, bool) {
	u, ok := s.f.Users[conn][id]
	return u, ok
}

func (s *signs) UserByEmail(conn, email string) (connectors.User, bool) {
	u, ok := s.byEmail[[2]string{conn, email}]
	return u, ok
}

func (s *signs) Conn(name string) (state.Conn, bool) {
	c, ok := s.conns[name]
	return c, ok
}

package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/plan"
)

// Answers are what the CRMs said to the needs of a deciding, by need.
type Answers map[string]Answer

// Answer is what a CRM said to one need.
type Answer struct {
	Records []state.Record
	Trail   state.Trail
	At      time.Time // when it was asked
}

// view is package plan's view of one transaction and the mirror's index.
type view struct {
	tx      state.Tx
	mirror  *Mirror
	answers Answers
	fresh   map[string][]connectors.Ref // by connection and key: what this transaction has kept and the index does not know yet
}

// Look is package plan's view of one transaction for somebody who only wants
// to know: nothing is indexed but users.
func Look(tx state.Tx, conns []string) plan.View {
	m := NewMirror()
	for _, conn := range conns {
		for _, u := range state.UsersOf(tx, conn) {
			m.LearnUser(conn, u)
		}
	}
	return view{tx: tx, mirror: m}
}

func (v view) Record(ref connectors.Ref) (state.Record, bool) { return state.GetRecord(v.tx, ref) }
func (v view) Handoff(id string) (state.Handoff, bool)        { return state.GetHandoff(v.tx, id) }
func (v view) Pool(team string) (state.Pool, bool)            { return state.GetPool(v.tx, team) }
func (v view) User(conn, id string) (connectors.User, bool)   { return state.GetUser(v.tx, conn, id) }

func (v view) Unaccepted(person string) int                   { return state.Unaccepted(v.tx, person) }
func (v view) Same(ref connectors.Ref) (state.Same, bool)     { return state.GetSame(v.tx, ref) }
func (v view) Conn(name string) (state.Conn, bool)            { return state.GetConn(v.tx, name) }
func (v view) Timer(id string) (state.Timer, bool)            { return state.GetTimer(v.tx, id) }
func (v view) Before(ref connectors.Ref) (state.Before, bool) { return state.GetBefore(v.tx, ref) }
func (v view) Err() error                                     { return v.tx.Err() }
func (v view) Budget(who string) (state.Budget, bool)         { return state.GetBudget(v.tx, who) }

// Sharing implements plan.View by the index, and by what this transaction has
// kept: two records of one page may be one person's.
func (v view) Sharing(conn, key string) []state.Record {
	refs := append(v.mirror.found(conn, key), v.fresh[conn+" "+key]...)
	slices.SortFunc(refs, compareRefs)
	refs = slices.Compact(refs)
	if len(refs) > mostSharers {
		return nil
	}
	var out []state.Record
	for _, ref := range refs {
		if r, ok := state.GetRecord(v.tx, ref); ok && !r.Deleted && r.MovedTo.IsZero() && slices.Contains(match.Keys(r), key) {
			out = append(out, r)
		}
	}
	return out
}

// keep files what was kept until the index follows.
func (v view) keep(records []state.Record) {
	for _, r := range records {
		for _, key := range match.Keys(r) {
			v.fresh[r.Ref.Conn+" "+key] = append(v.fresh[r.Ref.Conn+" "+key], r.Ref)
		}
	}
}

func (v view) Trigger(typ string, ref connectors.Ref) (state.Trigger, bool) {
	return state.GetTrigger(v.tx, typ, ref)
}

func (v view) Handoffs(ref connectors.Ref) []state.Handoff {
	return slices.Collect(state.HandoffsOf(v.tx, ref))
}

func (v view) HandoffsAt(account connectors.Ref) []state.Handoff {
	return slices.Collect(state.HandoffsAt(v.tx, account))
}

func (v view) HandoffOfTask(key string) (state.Handoff, bool) { return state.HandoffOfTask(v.tx, key) }

func (v view) UserByEmail(conn, email string) (connectors.User, bool) {
	return state.GetUser(v.tx, conn, v.mirror.userID(conn, email))
}

func (v view) Leave(who string, now time.Time) []state.Leave { return state.LeaveOf(v.tx, who, now) }

func (v view) Located(n state.Need) ([]state.Record, bool) {
	a, ok := v.answers[n.ID()]
	return a.Records, ok
}

func (v view) Trail(n state.Need) (state.Trail, bool) {
	a, ok := v.answers[n.ID()]
	return a.Trail, ok
}

func (v view) Aliases(conn, key string) []state.Alias { return state.AliasesOf(v.tx, conn, key) }

func (v view) Note(hash string) (state.Note, bool) { return state.GetNote(v.tx, hash) }

func (v view) Intent(key string) (state.Intent, bool) { return state.GetIntent(v.tx, key) }

func (v view) Told(key string) (state.Told, bool)  { return state.GetTold(v.tx, key) }
func (v view) Pace(name string) (state.Pace, bool) { return state.GetPace(v.tx, name) }

// mostAround is how many records around one account are looked through, and
// mostCrowd how many of them are answered at most.
const (
	mostAround = 5000
	mostCrowd  = 200
)

// Crowd implements plan.View by the mirror's index, the newest first.
func (v view) Crowd(q plan.Crowd) []state.Record {
	refs := v.mirror.around(q)
	var out []state.Record
	for _, ref := range refs[:min(len(refs), mostAround)] {
		if r, ok := state.GetRecord(v.tx, ref); ok && !r.Deleted && r.MovedTo.IsZero() && q.Fits(r) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b state.Record) int { return cmp.Compare(b.Fields[q.Word], a.Fields[q.Word]) })
	return out[:min(len(out), mostCrowd)]
}

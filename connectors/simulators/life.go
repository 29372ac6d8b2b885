package simulators

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// Life is what people and automation do by themselves: shares of records, or users, a minute.
type Life = simhttp.Life

// Reps says how those work who are given something.
type Reps = simhttp.Reps

// How the meddlers work. Beat and phase are no round numbers, so that deeds fall between the instants of a
// story and those of one CRM between those of the other.
const (
	beat      = time.Second + 37*time.Microsecond
	phase     = 101_003 * time.Microsecond
	idle      = 5 * time.Second
	flipper   = "automation:Territory flip"
	stayUsers = 2 // active users who never leave
)

// Deeds says what the meddlers of one CRM have done, and how often the CRM refused, by kind of deed: edit,
// owner, flip, merge, delete, restore, leave, return, drift.
type Deeds struct {
	Done    map[string]int `json:"done"`
	Refused map[string]int `json:"refused"`
	Last    string         `json:"last_refusal,omitempty"` // in the CRM's words
}

// meddlers are the people and the automation of one CRM. What they do depends on the seed and on what stands
// in the CRM at every beat, on nothing else.
type meddlers struct {
	stage simhttp.Stage
	rand  *simhttp.Rand

	mu     sync.Mutex
	deeds  Deeds
	undo   []comeback
	drifts int // fields added so far; the last one stands while it is odd
}

// comeback is a deed that somebody takes back later.
type comeback struct {
	due  time.Time
	kind string
	act  func() error
}

func newMeddlers(stage simhttp.Stage, seed uint64) *meddlers {
	return &meddlers{
		stage: stage, rand: simhttp.NewRand(seed, stage.CRM()+"/life"),
		deeds: Deeds{Done: map[string]int{}, Refused: map[string]int{}},
	}
}

// work goes on until ctx ends, after a first wait. In a calm CRM nobody does anything but come back.
func (m *meddlers) work(ctx context.Context, wait time.Duration) error {
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = idle
		life := m.stage.Faults().Life
		m.comeBack(time.Now())
		if life.Any() {
			wait = beat
			m.minute(life, beat.Minutes())
		}
	}
}

// minute does what so many minutes bring.
func (m *meddlers) minute(life Life, minutes float64) {
	for _, part := range m.stage.Parts() {
		n := float64(m.stage.Living(part.Object)) * minutes
		m.times(n*life.Edits, func() {
			value := part.Values[m.rand.IntN(len(part.Values))]
			m.edit("edit", part, map[string]any{part.Field: value}, "person:"+m.somebody())
		})
		m.times(n*life.Owners, func() {
			m.edit("owner", part, map[string]any{part.Owner: m.somebody()}, "person:"+m.somebody())
		})
		m.times(n*life.Flips, func() { m.edit("flip", part, map[string]any{part.Owner: m.somebody()}, flipper) })
		if part.Merges {
			m.times(n*life.Merges, func() { m.merge(part) })
		}
		if part.Deletes {
			m.times(n*life.Deletes, func() { m.remove(part, life.Restores) })
		}
	}
	m.times(float64(len(m.stage.Users()))*minutes*life.Deactivations, m.leave)
	m.times(life.Drift*minutes/(24*60), m.drift)
}

// times does something as often as expected says on average.
func (m *meddlers) times(expected float64, do func()) {
	n := int(expected)
	if m.rand.Chance(expected - float64(n)) {
		n++
	}
	for range n {
		do()
	}
}

// somebody is the e-mail address of an active user.
func (m *meddlers) somebody() string {
	active := slices.DeleteFunc(m.stage.Users(), func(u simhttp.User) bool { return !u.Active })
	if len(active) == 0 {
		return ""
	}
	return active[m.rand.IntN(len(active))].Email
}

func (m *meddlers) edit(kind string, part simhttp.Part, fields map[string]any, by string) {
	if id, found := m.stage.Draw(part.Object, m.rand); found {
		_, err := m.stage.Edit(Edit{CRM: m.stage.CRM(), Object: part.Object, Op: "update", ID: id, Fields: fields, By: by})
		m.count(kind, err)
	}
}

// merge puts one record into another, whatever they have in common.
func (m *meddlers) merge(part simhttp.Part) {
	loser, found := m.stage.Draw(part.Object, m.rand)
	into, other := m.stage.Draw(part.Object, m.rand)
	if !found || !other || loser == into {
		return
	}
	_, err := m.stage.Edit(Edit{
		CRM: m.stage.CRM(), Object: part.Object, Op: "merge", ID: loser,
		Fields: map[string]any{"into": into}, By: "person:" + m.somebody(),
	})
	m.count("merge", err)
}

func (m *meddlers) remove(part simhttp.Part, restores float64) {
	id, found := m.stage.Draw(part.Object, m.rand)
	if !found {
		return
	}
	e := Edit{CRM: m.stage.CRM(), Object: part.Object, Op: "delete", ID: id, By: "person:" + m.somebody()}
	_, err := m.stage.Edit(e)
	m.count("delete", err)
	if err != nil || !m.rand.Chance(restores) {
		return
	}
	e.Op = "restore"
	m.later(m.rand.Between(time.Minute, 3*time.Minute), "restore", func() error {
		_, err := m.stage.Edit(e)
		return err
	})
}

// leave deactivates a user for a while; a few always stay.
func (m *meddlers) leave() {
	active := slices.DeleteFunc(m.stage.Users(), func(u simhttp.User) bool { return !u.Active })
	if len(active) <= stayUsers {
		return
	}
	email := active[m.rand.IntN(len(active))].Email
	err := m.stage.SetActive(email, false)
	m.count("leave", err)
	if err == nil {
		m.later(m.rand.Between(2*time.Minute, 10*time.Minute), "return", func() error { return m.stage.SetActive(email, true) })
	}
}

// drift adds a field to the schema, and takes it away the next time.
func (m *meddlers) drift() {
	m.count("drift", m.stage.Drift(m.drifts/2+1, m.drifts%2 == 0))
	m.drifts++
}

func (m *meddlers) later(wait time.Duration, kind string, act func() error) {
	m.undo = append(m.undo, comeback{time.Now().Add(wait), kind, act})
}

// comeBack does what has come due.
func (m *meddlers) comeBack(now time.Time) {
	m.undo = slices.DeleteFunc(m.undo, func(c comeback) bool {
		if c.due.After(now) {
			return false
		}
		m.count(c.kind, c.act())
		return true
	})
}

func (m *meddlers) count(kind string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.deeds.Refused[kind]++
		m.deeds.Last = kind + ": " + err.Error()
		return
	}
	m.deeds.Done[kind]++
}

func (m *meddlers) sofar() Deeds {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.deeds
	d.Done, d.Refused = maps.Clone(d.Done), maps.Clone(d.Refused)
	return d
}

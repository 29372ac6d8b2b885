package main

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
)

// clockStory has one buyer whose deadline runs while the clock is moved.
const clockStory = `
-- story --
tasks plain
5s hubspot form dana@acme.com Pricing "Demo request" firstname=Dana lastname=Ito company=Acme
-- want --
hubspot contacts dana@acme.com tasks=1
`

// movedClock is a stage whose daemon has a clock that can be moved.
type movedClock struct {
	*stage
	ahead atomic.Int64 // of the CRMs' clock, in nanoseconds
}

func newMovedClock(t *testing.T, s *story, dir string) *movedClock {
	t.Helper()
	m := &movedClock{}
	m.stage = newStageWith(t, s, dir, variant{}, func(st *stage) {
		st.wall = func() time.Time { return time.Now().Add(time.Duration(m.ahead.Load())) }
	})
	return m
}

// formStep is how often a buyer's task is looked for: looking costs more than
// everything the daemon does.
const formStep = 15 * time.Second

// form has a buyer ask, and waits until the task is there or so long has
// passed. It says how long it took.
func (m *movedClock) form(email string, within time.Duration) (took time.Duration, done bool) {
	m.t.Helper()
	_, err := m.pair.HubSpot.Edit(simulators.Edit{CRM: "hubspot", Op: "submit_form", Object: "contacts", Fields: map[string]any{
		"email": email, "page": "Pricing", "form": "Demo request", "firstname": "B", "lastname": "Uyer", "company": "Acme",
	}})
	if err != nil {
		m.t.Fatal(err)
	}
	for took = 0; took < within; took += formStep {
		time.Sleep(formStep)
		for _, r := range m.rows("hubspot", "contacts") {
			if r.named(email) && len(m.tasksOf("hubspot", "contacts", r.ID)) == 1 {
				return took, true
			}
		}
	}
	return took, false
}

// only is the one handoff of a contact, and how often it was said to be late.
func (m *movedClock) only(email string) (h state.Handoff, breaches, escalations int) {
	m.t.Helper()
	err := m.store.View(m.t.Context(), func(tx state.Tx) error {
		for _, one := range state.AllHandoffs(tx) {
			if rec, _ := state.GetRecord(tx, one.Record); rec.Fields["email"] == email {
				h = one
			}
		}
		for _, row := range state.AllAudit(tx, 0) {
			switch {
			case row.Subject == h.ID && row.Action == "breached" && row.Detail["clock"] == "accept":
				breaches++
			case row.Subject == h.ID && row.Action == "escalation" && row.Detail["clock"] == "accept":
				escalations++
			}
		}
		return tx.Err()
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return h, breaches, escalations
}

// TestMovedClock moves the daemon's clock while a deadline runs. The deadline
// does not move; it is told once, not before it has come by that clock and
// within a minute of it; buyers are served meanwhile, with webhooks and
// without; and once the clock is right again so is everything else (L8).
func TestMovedClock(t *testing.T) {
	t.Parallel()
	jumps := []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour, 365 * 24 * time.Hour}
	if raced {
		jumps = jumps[2:3]
	}
	for _, by := range jumps {
		for _, sign := range []time.Duration{1, -1} {
			t.Run(fmt.Sprint(sign*by), func(t *testing.T) {
				t.Parallel()
				synctestStory(t, clockStory, func(t *testing.T, s *story, dir string) {
					clockMoves(t, newMovedClock(t, s, dir), sign*by)
				})
			})
		}
	}
}

func clockMoves(t *testing.T, m *movedClock, by time.Duration) {
	t.Helper()
	defer m.close()
	if took, ok := m.form("dana@acme.com", time.Minute); !ok {
		t.Fatalf("the first buyer was not served in %s", took)
	}
	before, _, _ := m.only("dana@acme.com")
	time.Sleep(2 * time.Minute)
	m.ahead.Store(int64(by))
	moved := m.wall()
	time.Sleep(5 * time.Second)
	if took, ok := m.form("lee@acme.com", 90*time.Second); !ok && by.Abs() < 5*time.Minute {
		t.Errorf("a buyer after the clock was moved was not served in %s", took) // a webhook's own clock is checked, so polls have to find them
	}
	time.Sleep(30 * time.Minute)
	h, breaches, escalations := m.only("dana@acme.com")
	if !h.AcceptBy.Equal(before.AcceptBy) || h.AcceptBy.IsZero() {
		t.Errorf("the deadline was moved from %s to %s", before.AcceptBy, h.AcceptBy)
	}
	due := before.AcceptBy
	if due.Before(moved) {
		due = moved // it had passed when the clock jumped over it
	}
	switch late := m.wall().Sub(before.AcceptBy); {
	case late < 0 && breaches > 0:
		t.Errorf("told %s before the deadline", -late)
	case late > time.Minute && (breaches != 1 || escalations > 4):
		t.Errorf("%d breaches and %d escalation steps, %s after the deadline", breaches, escalations, late)
	case breaches == 1 && (h.BreachedAt.Before(before.AcceptBy) || h.BreachedAt.Sub(due) > time.Minute):
		t.Errorf("told at %s, and due at %s", h.BreachedAt, due)
	}
	if late, ok := m.form("kim@acme.com", 10*time.Minute); !ok {
		t.Errorf("a buyer under a clock that is %s off was not served in %s", by, late)
	}
	m.backAgain(t, by)
}

// backAgain puts off a write while the clock is wrong, sets it right, and
// looks whether anything still waits for the wrong time.
func (m *movedClock) backAgain(t *testing.T, by time.Duration) {
	t.Helper()
	m.pause(true)
	if _, ok := m.form("noor@acme.com", 3*time.Minute); ok {
		t.Error("a buyer was served while writing was paused")
	}
	m.ahead.Store(0)
	m.pause(false)
	if took, ok := m.form("ida@acme.com", 10*time.Minute); !ok {
		t.Errorf("a buyer after the clock was set right again by %s was not served in %s", -by, took)
	}
	time.Sleep(10 * time.Minute)
	err := m.store.View(t.Context(), func(tx state.Tx) error {
		for key, i := range state.AllIntents(tx) {
			t.Errorf("%s %s is still to be written, not before %s", key, i.Step, i.Due)
		}
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"noor@acme.com", "lee@acme.com"} {
		if h, _, _ := m.only(email); h.Written.IsZero() {
			t.Errorf("%s is not handed over", email)
		}
	}
}

func (m *movedClock) pause(on bool) {
	m.t.Helper()
	if _, err := pause(m.t.Context(), m.store, on, "operator kim", m.wall()); err != nil {
		m.t.Fatal(err)
	}
}

// synctestStory reads a story and plays with it in a bubble.
func synctestStory(t *testing.T, text string, play func(t *testing.T, s *story, dir string)) {
	t.Helper()
	s, dir := parseStory(t, "inline", []byte(text)), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		play(t, s, dir)
	})
}

package crmhttp

import (
	"maps"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// meter counts calls and keeps them within the day's share.
type meter struct {
	mu    sync.Mutex
	u     connectors.Usage
	today int       // our own calls since the CRM's counter last went up again
	asked time.Time // when a call last left, or was first refused, with nothing to spend
}

func (m *meter) count(purpose string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.u.Calls == nil {
		m.u.Calls = make(map[string]int64)
	}
	m.u.Calls[purpose]++
	m.today++
}

func (m *meter) throttled() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.u.Throttled++
}

func (m *meter) setDaily(limit, left int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// A rise by more than answers overtaking each other explain is a new day.
	if left > m.u.DailyLeft+limit/100 && m.u.DailyLimit != 0 {
		m.today = 0
	}
	m.u.DailyLimit, m.u.DailyLeft = limit, left
}

// setDay tells when the day's count starts again.
func (m *meter) setDay(ends time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.u.DailyEnds = ends
}

// turn starts a new day when the old one is known to be over. The caller holds
// the lock.
func (m *meter) turn(now time.Time) {
	if m.u.DailyEnds.IsZero() || now.Before(m.u.DailyEnds) {
		return
	}
	m.today, m.asked, m.u.DailyLeft = 0, time.Time{}, m.u.DailyLimit
	m.u.DailyEnds = time.Time{} // the next answer says
}

// admit reports whether a call may leave: our share of the day is not spent,
// and what is left of it is more than the reserve unless the call is urgent.
// Where the share is the whole day the CRM itself says when it is over. One
// call in [MaxWait] leaves anyhow, or a new day would never be noticed.
func (m *meter) admit(share, reserve float64, urgent bool, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	ours := float64(m.u.DailyLimit)
	shared := share > 0 && share < 1
	if shared {
		ours *= share
	}
	today, kept := float64(m.today), ours*reserve
	spent := shared && today >= ours
	low := !urgent && kept > 0 && (float64(m.u.DailyLeft) <= kept || shared && today >= ours-kept)
	switch {
	case m.u.DailyLimit == 0 || !spent && !low:
		if !urgent { // that an urgent one may leave says nothing of the others
			m.asked = time.Time{}
		}
		return true
	case m.asked.IsZero():
		m.asked = now
		return false
	case now.Sub(m.asked) >= MaxWait:
		m.asked = now
		return true
	}
	return false
}

func (m *meter) usage() connectors.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.u
	u.Calls = maps.Clone(m.u.Calls)
	return u
}

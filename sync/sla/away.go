package sla

import (
	"slices"
	"time"
)

// Closure is a stretch of time in which nobody is there, its end excluded.
type Closure struct{ From, Until time.Time }

// WithClosed is the calendar with some stretches taken out of its hours: a
// dentist's hour, an afternoon off. A day of which an hour is left stays a
// working day, and ends when its hours do, closed or not.
func (c Calendar) WithClosed(closed []Closure) Calendar {
	all := slices.Clone(c.away)
	for _, s := range closed {
		if s.From.Before(s.Until) {
			all = append(all, opening{s.From, s.Until})
		}
	}
	if len(all) == len(c.away) {
		return c
	}
	slices.SortFunc(all, func(a, b opening) int { return a.open.Compare(b.open) })
	joined := all[:1]
	for _, s := range all[1:] {
		if last := &joined[len(joined)-1]; !s.open.After(last.close) {
			last.close = later(last.close, s.close)
			continue
		}
		joined = append(joined, s)
	}
	if c.away = joined; c.week == nil {
		c.week = &week{fullDay, fullDay, fullDay, fullDay, fullDay, fullDay, fullDay}
	}
	return c
}

// cut is what is open of the beginning of a stretch, and the stretch behind it
// that still has to be looked at.
func (c Calendar) cut(s opening) (open, rest opening) {
	i, _ := slices.BinarySearchFunc(c.away, s.open, func(a opening, t time.Time) int {
		if a.close.After(t) {
			return 1
		}
		return -1
	})
	if i == len(c.away) || !c.away[i].open.Before(s.close) {
		return s, opening{}
	}
	a := c.away[i]
	return opening{s.open, later(a.open, s.open)}, opening{a.close, s.close}
}

// Package engine turns hints into decisions: it takes what waits in the inbox
// and the timers that are due, reads the records, asks package plan, and
// commits what was decided, its reasons and its outbox entries in one
// transaction. It waits and talks; it decides nothing itself.
package engine

import (
	"sync/atomic"

	"github.com/handoffd/handoffd/sync/plan"
)

// Book holds the rules in force. A reload builds everything that can fail
// first and then swaps this one pointer.
type Book struct{ rules atomic.Pointer[plan.Rules] }

// NewBook opens the book at some rules.
func NewBook(r *plan.Rules) *Book {
	b := &Book{}
	b.rules.Store(r)
	return b
}

// Rules are those in force now.
func (b *Book) Rules() *plan.Rules { return b.rules.Load() }

// Swap puts other rules in force.
func (b *Book) Swap(r *plan.Rules) { b.rules.Store(r) }

// Bell wakes a loop: ringing never blocks, and rings before the loop looks are
// one ring.
type Bell chan struct{}

// NewBell makes a bell.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes whoever listens, now or when it next listens.
func (b Bell) Ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// Bells are the bells of all lanes.
type Bells []Bell

// NewBells makes n bells.
func NewBells(n int) Bells {
	bs := make(Bells, n)
	for i := range bs {
		bs[i] = NewBell()
	}
	return bs
}

// Ring wakes every lane; one that finds nothing for its group sleeps again.
func (bs Bells) Ring() {
	for _, b := range bs {
		b.Ring()
	}
}

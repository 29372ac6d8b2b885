package simhttp

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Agenda is a list of things to do at their time, safe for concurrent use.
type Agenda[T any] struct {
	mu   sync.Mutex
	rows agendaRows[T]
	seq  int
	wake chan struct{}
}

type agendaRow[T any] struct {
	due  time.Time
	seq  int
	item T
}

// NewAgenda returns an empty one.
func NewAgenda[T any]() *Agenda[T] { return &Agenda[T]{wake: make(chan struct{}, 1)} }

// Put enters an item.
func (a *Agenda[T]) Put(due time.Time, item T) {
	a.mu.Lock()
	a.seq++
	heap.Push(&a.rows, agendaRow[T]{due, a.seq, item})
	a.mu.Unlock()
	a.Ring()
}

// Ring wakes one waiter.
func (a *Agenda[T]) Ring() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// Take removes at most most items that are due.
func (a *Agenda[T]) Take(now time.Time, most int) []T {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []T
	for len(out) < most && len(a.rows) > 0 && !a.rows[0].due.After(now) {
		row, isRow := heap.Pop(&a.rows).(agendaRow[T])
		if isRow {
			out = append(out, row.item)
		}
	}
	return out
}

// Hurry makes everything due by at; the order stays.
func (a *Agenda[T]) Hurry(at time.Time) {
	a.mu.Lock()
	for i := range a.rows {
		if a.rows[i].due.After(at) {
			a.rows[i].due = at
		}
	}
	heap.Init(&a.rows)
	a.mu.Unlock()
	a.Ring()
}

// Len is how many items are still to be done.
func (a *Agenda[T]) Len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rows)
}

// Wait returns true when something is due or the agenda has changed, false when ctx has ended.
func (a *Agenda[T]) Wait(ctx context.Context) bool {
	a.mu.Lock()
	var next <-chan time.Time
	if len(a.rows) > 0 {
		timer := time.NewTimer(time.Until(a.rows[0].due))
		defer timer.Stop()
		next = timer.C
	}
	a.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-next:
	case <-a.wake:
	}
	return ctx.Err() == nil
}

// agendaRows implements heap.Interface: by time, then as they came.
type agendaRows[T any] []agendaRow[T]

func (r agendaRows[T]) Len() int { return len(r) }

func (r agendaRows[T]) Less(i, j int) bool {
	if !r[i].due.Equal(r[j].due) {
		return r[i].due.Before(r[j].due)
	}
	return r[i].seq < r[j].seq
}

func (r agendaRows[T]) Swap(i, j int) { r[i], r[j] = r[j], r[i] }

func (r *agendaRows[T]) Push(x any) {
	if row, isRow := x.(agendaRow[T]); isRow {
		*r = append(*r, row)
	}
}

func (r *agendaRows[T]) Pop() any {
	last := len(*r) - 1
	row := (*r)[last]
	(*r)[last] = agendaRow[T]{}
	*r = (*r)[:last]
	return row
}

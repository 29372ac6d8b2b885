package salesforcesim

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda is a list of things to do at their time, safe for concurrent use.
type agenda[T any] struct {
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

func newAgenda[T any]() *agenda[T] { return &agenda[T]{wake: make(chan struct{}, 1)} }

func (a *agenda[T]) put(due time.Time, item T) {
	a.mu.Lock()
	a.seq++
	heap.Push(&a.rows, agendaRow[T]{due, a.seq, item})
	a.mu.Unlock()
	a.ring()
}

// ring wakes one waiter.
func (a *agenda[T]) ring() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// take removes at most most items that are due.
func (a *agenda[T]) take(now time.Time, most int) []T {
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

// hurry makes everything due by at; the order stays.
func (a *agenda[T]) hurry(at time.Time) {
	a.mu.Lock()
	for i := range a.rows {
		if a.rows[i].due.After(at) {
			a.rows[i].due = at
		}
	}
	heap.Init(&a.rows)
	a.mu.Unlock()
	a.ring()
}

func (a *agenda[T]) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rows)
}

// wait returns true when something is due or the agenda has changed, false when ctx has ended.
func (a *agenda[T]) wait(ctx context.Context) bool {
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

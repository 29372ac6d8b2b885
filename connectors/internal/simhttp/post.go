package simhttp

import (
	"context"
	"sync"
	"time"
)

// Post brings what a CRM pushes (webhooks, outbound messages) to whoever
// listens: it lies on an agenda until it is taken to be sent, and how late, in
// what order and how often is the faults' affair. Whoever sends holds the lock
// while calling what says so; chance is drawn under it, so that equal seeds
// give equal posts.
type Post[T any] struct {
	sync.Mutex
	Rand *Rand
	Done Delivery // under the lock

	agenda  *Agenda[T]
	flying  int           // taken, and not landed
	rushing int           // callers of Deliver
	last    time.Time     // when what came last is due
	idle    chan struct{} // closed and renewed whenever something has landed
}

// rushRetry is the longest wait of a retry while Deliver is waiting.
const rushRetry = 300 * time.Millisecond

// latest is how late what is late may be.
const latest = 24 * time.Hour

// NewPost returns one with nothing to bring.
func NewPost[T any](r *Rand) *Post[T] {
	return &Post[T]{Rand: r, agenda: NewAgenda[T](), idle: make(chan struct{})}
}

// Lost draws whether something is never sent. The lock is held.
func (p *Post[T]) Lost(f WebhookFaults) bool {
	if !p.Rand.Chance(f.Drop) {
		return false
	}
	p.Done.Dropped++
	return true
}

// Plan puts something on the agenda that happened now. The lock is held.
func (p *Post[T]) Plan(item T, now time.Time, latency [2]time.Duration, f WebhookFaults) {
	due := now.Add(p.Rand.Between(latency[0], latency[1]))
	switch {
	case p.Rand.Chance(f.Late):
		due = due.Add(p.Rand.Between(time.Minute, latest))
	case p.Rand.Chance(f.Shuffle):
		due = due.Add(p.Rand.Between(0, 2*time.Second))
	case due.Before(p.last): // otherwise in order
		due = p.last
	default:
		p.last = due
	}
	if p.rushing > 0 {
		due = now
	}
	p.agenda.Put(due, item)
	if p.Rand.Chance(f.Double) {
		p.agenda.Put(due.Add(p.Rand.Between(0, time.Second)), item)
	}
}

// Take removes what is due, at most most, and counts it as on its way.
func (p *Post[T]) Take(most int, f WebhookFaults) []T {
	p.Lock()
	defer p.Unlock()
	out := p.agenda.Take(time.Now(), most)
	p.flying += len(out)
	if f.Shuffle > 0 {
		p.Rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// Wait returns true when something is due or has come, false when ctx has ended.
func (p *Post[T]) Wait(ctx context.Context) bool { return p.agenda.Wait(ctx) }

// Leave is for a pump that ends: another one may have slept through a wake-up
// that it took.
func (p *Post[T]) Leave() { p.agenda.Ring() }

// Again puts something back. The lock is held.
func (p *Post[T]) Again(due time.Time, item T) { p.agenda.Put(due, item) }

// Hurried is a wait before a retry, cut short while Deliver is waiting. The
// lock is held.
func (p *Post[T]) Hurried(wait time.Duration) time.Duration {
	if p.rushing > 0 {
		wait = min(wait, time.Duration(float64(rushRetry)*(0.5+p.Rand.Float64()/2)))
	}
	return wait
}

// Landed says that so many that were taken have been dealt with. The lock is
// held.
func (p *Post[T]) Landed(n int) {
	p.flying -= n
	close(p.idle)
	p.idle = make(chan struct{})
}

// Deliver brings everything forward and waits until nothing is pending. pump
// sends what is due until its context ends.
func (p *Post[T]) Deliver(ctx context.Context, pump func(context.Context)) (Delivery, error) {
	p.Lock()
	p.rushing++
	p.Unlock()
	pumping, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { pump(pumping) })
	p.agenda.Hurry(time.Now())
	for ctx.Err() == nil {
		p.Lock()
		pending, idle := p.flying+p.agenda.Len(), p.idle
		p.Unlock()
		if pending == 0 {
			break
		}
		select {
		case <-idle:
		case <-ctx.Done():
		}
	}
	stop()
	wg.Wait()
	p.Lock()
	defer p.Unlock()
	p.rushing--
	out := p.Done
	out.Pending = p.flying + p.agenda.Len()
	return out, ctx.Err()
}

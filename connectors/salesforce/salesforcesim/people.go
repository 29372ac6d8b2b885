package salesforcesim

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// crowd is the simulated reps: each accepts what is newly assigned to them, half a second to five seconds
// after it was. The simulator's lock guards it.
type crowd struct {
	rand  *simhttp.Rand
	queue []errand
	wake  chan struct{}
}

type errand struct {
	due       time.Time
	id, owner string
}

func newCrowd(seed uint64) *crowd {
	return &crowd{rand: simhttp.NewRand(seed, "salesforce people"), wake: make(chan struct{}, 1)}
}

// noticed puts a handoff that has just been assigned on its owner's list.
func (p *crowd) noticed(s *Sim, r *row, old, fields values, now time.Time) {
	if s.cfg.People <= 0 || fields["Handoff_Status__c"] != "Assigned" {
		return
	}
	owner := text(fields, "OwnerId")
	if old["Handoff_Status__c"] == "Assigned" && old["OwnerId"] == owner || r.obj.name != "Lead" && r.obj.name != "Contact" {
		return
	}
	names := reps()
	if !slices.ContainsFunc(names[:min(s.cfg.People, len(names))], func(n string) bool { return s.users[mailOf(n)] == owner }) {
		return
	}
	p.queue = append(p.queue, errand{now.Add(p.rand.Between(500*time.Millisecond, 5*time.Second)), r.id, owner})
	select {
	case p.wake <- struct{}{}:
	default: // already awake
	}
}

// Run implements simhttp.Sim: it sends outbound messages and plays the simulated people until ctx ends.
func (s *Sim) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.messages.pump(ctx) })
	for {
		s.mu.Lock()
		wait := s.people.act(s, time.Now().UTC())
		s.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.people.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// act does what is due and returns how long nothing more will be.
func (p *crowd) act(s *Sim, now time.Time) time.Duration {
	wait := time.Hour
	var left []errand
	for _, e := range p.queue {
		if in := e.due.Sub(now); in > 0 {
			left, wait = append(left, e), min(wait, in)
			continue
		}
		r := s.byID(e.id)
		if r == nil || r.deleted() || r.last()["Handoff_Status__c"] != "Assigned" || r.last()["OwnerId"] != e.owner {
			continue // taken away meanwhile
		}
		d := deed{tx: &tx{}, now: now, actor: e.owner, who: s.personName(e.owner), person: true}
		if err := s.update(r, map[string]any{"Handoff_Status__c": "Accepted"}, d); err != nil {
			d.tx.rollback() // a refusal (the lead was converted) leaves the handoff unaccepted, as a person would
			if err.code == "UNABLE_TO_LOCK_ROW" {
				e.due = now.Add(time.Second)
				left, wait = append(left, e), min(wait, time.Second)
			}
		}
		s.publish(d.tx)
	}
	p.queue = left
	return wait
}

package hubspotsim

import (
	"context"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// people are the users at work: whoever is newly assigned a record accepts it a little later, and while
// the portal is hostile somebody now and then edits a contact that has nothing to do with a handoff.
type people struct {
	sim    *Sim
	rand   *simhttp.Rand
	agenda *agenda[func()]
}

// Meddlers touch two contacts in a hundred every minute (failure-model §3.3).
const meddled = 0.02

func newPeople(s *Sim) *people {
	return &people{sim: s, rand: simhttp.NewRand(s.cfg.Seed, "hubspot/people"), agenda: newAgenda[func()]()}
}

// saw notes that a record may have been assigned to somebody. The caller holds the portal's lock.
func (p *people) saw(rec *record, now time.Time) {
	owner := rec.values["hubspot_owner_id"]
	if p.sim.cfg.People <= 0 || owner == "" || rec.values["handoff_status"] != "Assigned" {
		return
	}
	since := func(name string) bool { // set just now
		past := rec.past[name]
		return len(past) > 0 && past[len(past)-1].at.Equal(now)
	}
	if since("handoff_status") || since("hubspot_owner_id") {
		wait := p.sim.cfg.Wait
		p.agenda.put(now.Add(p.rand.Between(wait[0], wait[1])), func() { p.accept(rec, owner) })
	}
}

// work plays the people until ctx ends.
func (p *people) work(ctx context.Context) {
	if p.sim.cfg.People > 0 {
		p.agenda.put(time.Now().Add(time.Second), p.meddle)
	}
	for p.agenda.wait(ctx) {
		for _, act := range p.agenda.take(time.Now(), maxBatch) {
			act()
		}
	}
}

// accept is what a rep does, if nothing has changed since it was planned.
func (p *people) accept(rec *record, owner string) {
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	for rec.into != nil {
		rec = rec.into
	}
	if rec.archived || rec.values["hubspot_owner_id"] != owner || rec.values["handoff_status"] != "Assigned" {
		return
	}
	s.update(rec, map[string]string{"handoff_status": "Accepted"}, s.personBy(owner), stamp())
}

// meddle edits one contact's title and plans the next time; in a calm portal it only looks again.
func (p *people) meddle() {
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	contacts := s.objects["contacts"].order
	wait := time.Minute
	if f := s.Faults(); len(f.Rate) > 0 && !f.Life.Any() && len(contacts) > 0 {
		wait = max(100*time.Millisecond, time.Duration(float64(time.Minute)/(meddled*float64(len(contacts)))))
		rec := contacts[p.rand.IntN(len(contacts))]
		if !rec.archived {
			title := [...]string{"Head of Sales", "Director", "Sales Manager", "Buyer"}[p.rand.IntN(4)]
			s.update(rec, map[string]string{"jobtitle": title}, s.personBy(s.owners[p.rand.IntN(len(s.owners))].id), stamp())
		}
	}
	p.agenda.put(time.Now().Add(p.rand.Between(wait/2, wait*3/2)), p.meddle)
}

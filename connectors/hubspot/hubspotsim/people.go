package hubspotsim

import (
	"context"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// people are the users at work: whoever is newly assigned a record accepts it a little later. What else people do
// is played from outside, through simhttp.Stage.
type people struct {
	sim    *Sim
	rand   *simhttp.Rand
	agenda *simhttp.Agenda[func()]
}

func newPeople(s *Sim) *people {
	return &people{sim: s, rand: simhttp.NewRand(s.cfg.Seed, "hubspot/people"), agenda: simhttp.NewAgenda[func()]()}
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
		p.agenda.Put(now.Add(p.rand.Between(wait[0], wait[1])), func() { p.accept(rec, owner) })
	}
}

// work plays the people until ctx ends.
func (p *people) work(ctx context.Context) {
	for p.agenda.Wait(ctx) {
		for _, act := range p.agenda.Take(time.Now(), maxBatch) {
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

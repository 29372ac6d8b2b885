package hubspotsim

import (
	"context"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// people are the reps at work: whoever is newly assigned a record accepts it a little later.
type people struct {
	sim    *Sim
	rand   *simhttp.Rand
	agenda *agenda[acceptance]
}

// acceptance is what a rep is about to do, if nothing has changed by then.
type acceptance struct {
	rec   *record
	owner string
}

func newPeople(s *Sim) *people {
	return &people{sim: s, rand: simhttp.NewRand(s.cfg.Seed, "hubspot/people"), agenda: newAgenda[acceptance]()}
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
		p.agenda.put(now.Add(p.rand.Between(wait[0], wait[1])), acceptance{rec, owner})
	}
}

// work plays the people until ctx ends.
func (p *people) work(ctx context.Context) {
	for p.agenda.wait(ctx) {
		for _, a := range p.agenda.take(time.Now(), maxBatch) {
			p.accept(a)
		}
	}
}

func (p *people) accept(a acceptance) {
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := a.rec
	if rec.into != nil {
		rec = rec.into
	}
	if rec.archived || rec.values["hubspot_owner_id"] != a.owner || rec.values["handoff_status"] != "Assigned" {
		return
	}
	s.update(rec, map[string]string{"handoff_status": "Accepted"}, s.personBy(a.owner), stamp())
}

// personBy is how a change by an owner in the screens is recorded.
func (s *Sim) personBy(ownerID string) source {
	id := "0"
	if o := s.ownerByID(ownerID); o != nil {
		id = o.userID
	}
	return source{kind: "CRM_UI", id: "userId:" + id}
}

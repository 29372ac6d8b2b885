package hubspotsim

import (
	"context"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// people are the users at work: whoever is newly assigned a record deals with it as Faults.Life.Reps says, by default
// accepts it a little later. What else people do is played from outside, through simhttp.Stage.
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
	if !since("handoff_status") && !since("hubspot_owner_id") {
		return
	}
	due := now
	for _, d := range p.sim.Faults().Life.Reps.Plan(p.rand, p.sim.cfg.Wait) {
		due = due.Add(d.After)
		p.agenda.Put(due, func() { p.do(rec, owner, d.Do) })
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

// do is one thing that a rep does, if the record is still theirs and nothing has come of it yet.
func (p *people) do(rec *record, owner, what string) {
	s := p.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	for rec.into != nil {
		rec = rec.into
	}
	who := s.ownerByID(owner)
	if rec.archived || rec.gone || who == nil || who.archived {
		return
	}
	status, by, now := rec.values["handoff_status"], s.personBy(owner), stamp()
	if what == simhttp.DoReason { // asked for it, whoever has the record now
		if status == "Returned" {
			s.update(rec, map[string]string{"handoff_return_reason": p.reason()}, by, now)
		}
		return
	}
	if rec.values["hubspot_owner_id"] != owner || !slices.Contains([]string{"Assigned", "Accepted", "Touched"}, status) {
		return
	}
	switch what {
	case simhttp.DoAccept:
		if status == "Assigned" {
			s.update(rec, map[string]string{"handoff_status": "Accepted"}, by, now)
		}
	case simhttp.DoReturn:
		s.update(rec, map[string]string{
			"handoff_status": "Returned", "handoff_return_reason": p.reason(), "handoff_return_note": "Looked into it: not for me.",
		}, by, now)
	case simhttp.DoRefuse:
		s.update(rec, map[string]string{"handoff_status": "Returned"}, by, now)
	case simhttp.DoFinish:
		for _, id := range rec.linked("tasks") {
			task := s.objects["tasks"].live(id)
			if task != nil && task.values["hubspot_owner_id"] == owner && task.values["hs_task_status"] != "COMPLETED" {
				s.update(task, map[string]string{"hs_task_status": "COMPLETED"}, by, now)
			}
		}
	default:
		p.log(rec, who, what, now)
	}
}

func (p *people) reason() string {
	reasons := simhttp.ReturnReasons()
	return reasons[p.rand.IntN(len(reasons))]
}

// log is an activity about a record, in the portal's own words.
func (p *people) log(rec *record, who *owner, what string, now time.Time) {
	object, fields := "", written{}
	set := func(pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			fields[pairs[i]] = &pairs[i+1]
		}
	}
	switch what {
	case simhttp.DoCall:
		object = "calls"
		set("hs_call_direction", "OUTBOUND", "hs_call_status", []string{"COMPLETED", "NO_ANSWER", "BUSY"}[p.rand.IntN(3)])
	case simhttp.DoEmail:
		object = "emails"
		set("hs_email_direction", "EMAIL", "hs_email_status", "SENT")
	case simhttp.DoMeet:
		object = "meetings"
		set("hs_meeting_outcome", "COMPLETED")
	case simhttp.DoNoShow:
		object = "meetings"
		set("hs_meeting_outcome", "NO_SHOW")
	case simhttp.DoNext:
		object = "tasks"
		set("hs_task_subject", "Send them the offer", "hs_task_status", "NOT_STARTED", "hs_timestamp", moment(now.Add(24*time.Hour)))
	default:
		return
	}
	o, by := p.sim.objects[object], p.sim.personBy(who.id)
	about := rec.of.name + "/" + rec.id
	fields["about"] = &about
	links, err := p.sim.logged(o, fields, by, now)
	if err != nil {
		return // the record is gone
	}
	checked, bad := p.sim.check(o, nil, fields)
	if bad != nil {
		return
	}
	activity := p.sim.create(o, checked, by, now)
	for _, l := range links {
		p.sim.link(activity, p.sim.objects[l.Kind].live(string(l.ID)), []int{plainType(o.name, l.Kind)}, by, now)
	}
}

package salesforcesim

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// crowd is the simulated reps: each deals with what is newly assigned to them as Faults.Life.Reps says, by default
// accepts it half a second to five seconds later. The simulator's lock guards it.
type crowd struct {
	rand  *simhttp.Rand
	queue []errand
	wake  chan struct{}
}

type errand struct {
	due           time.Time
	id, owner, do string
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
	if old["Handoff_Status__c"] == "Assigned" && old["OwnerId"] == owner {
		return
	}
	names := reps()
	if !slices.ContainsFunc(names[:min(s.cfg.People, len(names))], func(n string) bool { return s.users[mailOf(n)] == owner }) {
		return
	}
	due := now
	for _, d := range s.gate.Faults().Life.Reps.Plan(p.rand, [2]time.Duration{500 * time.Millisecond, 5 * time.Second}) {
		due = due.Add(d.After)
		p.queue = append(p.queue, errand{due, r.id, owner, d.Do})
	}
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
		if r == nil || !e.stands(r) {
			continue // taken away meanwhile
		}
		d := deed{tx: &tx{}, now: now, actor: e.owner, who: s.personName(e.owner), person: true}
		if err := p.do(s, e, r, d); err != nil {
			d.tx.rollback() // a refusal (the lead was converted) leaves it undone, as a person would
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

// stands says that the rep still has reason to do it: the record is theirs and its handoff is under way. Who is asked
// for a reason gives it, whoever has the record now.
func (e errand) stands(r *row) bool {
	status, theirs := text(r.last(), "Handoff_Status__c"), r.last()["OwnerId"] == e.owner
	switch {
	case r.deleted():
		return false
	case e.do == simhttp.DoReason:
		return status == "Returned"
	case e.do == simhttp.DoAccept:
		return theirs && status == "Assigned"
	}
	return theirs && (status == "Assigned" || status == "Accepted" || status == "Touched")
}

// do is one thing that a rep does about a record. They open it first, which moves no stamp.
func (p *crowd) do(s *Sim, e errand, r *row, d deed) *apiError {
	if r.last()["IsUnreadByOwner"] == true && e.do != simhttp.DoReason {
		if err := s.update(r, map[string]any{"IsUnreadByOwner": false}, d); err != nil {
			return err
		}
	}
	switch e.do {
	case simhttp.DoAccept:
		return s.update(r, map[string]any{"Handoff_Status__c": "Accepted"}, d)
	case simhttp.DoReturn:
		return s.update(r, map[string]any{
			"Handoff_Status__c": "Returned", "Handoff_Return_Reason__c": p.reason(), "Handoff_Return_Note__c": "Looked into it: not for me.",
		}, d)
	case simhttp.DoRefuse:
		return s.update(r, map[string]any{"Handoff_Status__c": "Returned"}, d)
	case simhttp.DoReason:
		return s.update(r, map[string]any{"Handoff_Return_Reason__c": p.reason()}, d)
	case simhttp.DoFinish:
		return s.finish(r, e.owner, d)
	}
	return s.logs(r, e.do, d)
}

func (p *crowd) reason() string {
	reasons := simhttp.ReturnReasons()
	return reasons[p.rand.IntN(len(reasons))]
}

// about is the field of an activity that names a record.
func about(r *row) string {
	if r.obj.name == "Lead" || r.obj.name == "Contact" {
		return "WhoId"
	}
	return "WhatId"
}

// finish ticks off the open tasks that a rep has about a record.
func (s *Sim) finish(r *row, owner string, d deed) *apiError {
	for _, task := range s.tables["Task"].holders(about(r), r.id) {
		if task.last()["OwnerId"] != owner || task.last()["IsClosed"] == true {
			continue
		}
		if err := s.update(task, map[string]any{"Status": "Completed"}, d); err != nil {
			return err
		}
	}
	return nil
}

// logs enters an activity about a record. Salesforce has no word for a buyer who stays away: the meeting is deleted.
func (s *Sim) logs(r *row, what string, d deed) *apiError {
	fields := map[string]any{about(r): r.id, "OwnerId": d.actor}
	object := "task"
	switch what {
	case simhttp.DoCall:
		fields["Subject"], fields["TaskSubtype"], fields["Status"] = "Call", "Call", "Completed"
		fields["ActivityDate"] = string(dateOf(d.now))
	case simhttp.DoEmail:
		fields["Subject"] = "Your request"
		_, err := s.mail(fields, d)
		return err
	case simhttp.DoNext:
		fields["Subject"], fields["ActivityDate"] = "Send them the offer", string(dateOf(d.now.AddDate(0, 0, 1)))
	case simhttp.DoMeet, simhttp.DoNoShow:
		object = "event"
		fields["Subject"], fields["EndDateTime"] = "Demo", d.stamp().Format(time.RFC3339)
		fields["StartDateTime"] = d.stamp().Add(-30 * time.Minute).Format(time.RFC3339)
	}
	id, err := s.insert(s.org[object], fields, d)
	if err != nil || what != simhttp.DoNoShow {
		return err
	}
	return s.remove(s.byID(id), d)
}

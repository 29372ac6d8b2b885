package hubspotsim

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// activity says what an activity counts for.
type activity struct {
	kind    string // HubSpot's name of it
	touches bool   // it reaches the buyer: notes and tasks do not
}

// activities are the engagements.
var activities = map[string]activity{
	"calls": {"CALL", true}, "emails": {"EMAIL", true}, "meetings": {"MEETING_EVENT", true},
	"notes": {"NOTE", false}, "tasks": {"TASK", false},
}

// engaged keeps the signs of work of a record when an activity comes (step 1) or goes (step -1). All of them are
// HubSpot's to write, and they move the cursor field. Every activity counts in num_notes and notes_last_updated, a
// task of ours too; calls, e-mails and meetings count as contact whichever way they went;
// hs_last_sales_activity_timestamp is the buyer's doing, not the rep's.
func (s *Sim) engaged(a, b *record, step int, now time.Time) {
	if activities[a.of.name].kind == "" {
		a, b = b, a
	}
	what, isActivity := activities[a.of.name]
	if !isActivity || b.of.props["num_notes"] == nil || s.loading {
		return
	}
	set := map[string]string{"num_notes": counted(b, "num_notes", step)}
	done := s.activitiesOf(b)
	set["notes_last_updated"] = latest(b.values["notes_last_updated"], done, step, now, false)
	if what.touches {
		set["num_contacted_notes"] = counted(b, "num_contacted_notes", step)
		set["notes_last_contacted"] = latest(b.values["notes_last_contacted"], done, step, now, true)
	}
	if b.of.name == "contacts" {
		maps.Copy(set, s.firsts(b, done, now))
	}
	s.update(b, set, system, now)
}

// counted is a count one step on; none left is blank.
func counted(rec *record, name string, step int) string {
	n, _ := strconv.Atoi(rec.values[name]) // unset: none yet
	if n += step; n > 0 {
		return strconv.Itoa(n)
	}
	return ""
}

// activitiesOf lists what is associated with a record, in order of time.
func (s *Sim) activitiesOf(b *record) []*record {
	var out []*record
	for _, kind := range slices.Sorted(maps.Keys(activities)) {
		for _, id := range b.linked(kind) {
			if a := s.objects[kind].live(id); a != nil {
				out = append(out, a)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *record) int { return happened(a).Compare(happened(b)) })
	return out
}

// happened is when an activity took place; a task's timestamp is when it is due, so it counts from its making.
func happened(a *record) time.Time {
	if at, ok := parseMoment(a.values["hs_timestamp"]); ok && a.of.name != "tasks" {
		return at
	}
	return a.created
}

// latest is the newest time of what has been done by now. While nothing was taken away an older value stands.
func latest(old string, done []*record, step int, now time.Time, touching bool) string {
	out := time.Time{}
	if at, ok := parseMoment(old); ok && step > 0 {
		out = at
	}
	for _, a := range done {
		if at := happened(a); !at.After(now) && at.After(out) && (!touching || activities[a.of.name].touches) {
			out = at
		}
	}
	return moment(out)
}

// incoming says that the buyer did it.
func incoming(a *record) bool {
	return a.values["hs_email_direction"] == "INCOMING_EMAIL" || a.values["hs_call_direction"] == "INBOUND"
}

// firsts are the dates of first things: the first outreach ever, the current owner's first engagement, and how long
// that took, which a task in progress or done ends too; and the buyer's last sign of life.
func (s *Sim) firsts(contact *record, done []*record, now time.Time) map[string]string {
	set := map[string]string{"hs_sa_first_engagement_date": "", "hs_sa_first_engagement_object_type": ""}
	if len(done) == 0 {
		set["hs_first_outreach_date"] = ""
	}
	owner, responded, buyer := contact.values["hubspot_owner_id"], time.Time{}, time.Time{}
	outreach := contact.values["hs_first_outreach_date"]
	assigned, _ := parseMoment(contact.values["hubspot_owner_assigneddate"]) // unset: zero
	for _, a := range done {
		at, what := happened(a), activities[a.of.name]
		if at.After(now) {
			continue
		}
		if incoming(a) || a.of.name == "meetings" {
			buyer = at
		}
		working := a.values["hs_task_status"] == "IN_PROGRESS" || a.values["hs_task_status"] == "COMPLETED"
		switch mine := owner != "" && a.values["hubspot_owner_id"] == owner && s.engagedSince(contact, a); {
		case incoming(a):
		case what.touches:
			if outreach == "" {
				outreach = moment(at)
				set["hs_first_outreach_date"] = outreach
			}
			if mine && set["hs_sa_first_engagement_date"] == "" {
				set["hs_sa_first_engagement_date"], set["hs_sa_first_engagement_object_type"] = moment(at), what.kind
				responded = earlier(responded, at)
			}
		case mine && working:
			responded = earlier(responded, now)
		}
	}
	if !buyer.IsZero() {
		set["hs_last_sales_activity_timestamp"] = moment(buyer)
	}
	switch {
	case responded.IsZero():
		set["hs_time_to_first_engagement"] = ""
	case contact.values["hs_time_to_first_engagement"] == "":
		set["hs_time_to_first_engagement"] = strconv.FormatInt(max(0, responded.Sub(assigned).Milliseconds()), 10)
	}
	return set
}

// engagedSince says that the activity was associated after the contact's owner was last set: what went before is
// another owner's, even if the same person had been it before.
func (s *Sim) engagedSince(contact, a *record) bool {
	past := contact.past["hubspot_owner_id"]
	return len(past) == 0 || !a.created.Before(past[len(past)-1].at)
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// worked lets the records of a task see that somebody has begun with it or done it.
func (s *Sim) worked(task *record, now time.Time) {
	for _, id := range task.linked("contacts") {
		if contact := s.objects["contacts"].live(id); contact != nil {
			s.update(contact, s.firsts(contact, s.activitiesOf(contact), now), system, now)
		}
	}
}

// disengaged takes an activity away from everything it is associated with, or gives it back.
func (s *Sim) disengaged(a *record, step int, now time.Time) {
	if activities[a.of.name].kind == "" {
		return
	}
	for _, kind := range slices.Sorted(maps.Keys(a.links)) {
		for _, id := range a.linked(kind) {
			if to := s.objects[kind].live(id); to != nil {
				s.engaged(a, to, step, now)
			}
		}
	}
}

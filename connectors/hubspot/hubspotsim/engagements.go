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
	set["notes_next_activity_date"] = next(done, now)
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
// that took; and the buyer's last sign of life. A task that the owner has begun or done is an engagement too, whoever
// made it (TASK is one of the type's own options).
func (s *Sim) firsts(contact *record, done []*record, now time.Time) map[string]string {
	set := map[string]string{"hs_sa_first_engagement_date": "", "hs_sa_first_engagement_object_type": ""}
	if len(done) == 0 {
		set["hs_first_outreach_date"] = ""
	}
	owner, buyer := contact.values["hubspot_owner_id"], time.Time{}
	outreach := contact.values["hs_first_outreach_date"]
	assigned, _ := parseMoment(contact.values["hubspot_owner_assigneddate"]) // unset: zero
	first, kind := time.Time{}, ""
	for _, a := range done {
		at, what := happened(a), activities[a.of.name]
		if at.After(now) {
			continue
		}
		if incoming(a) || a.of.name == "meetings" {
			buyer = at
		}
		if what.touches && !incoming(a) && outreach == "" {
			outreach = moment(at)
			set["hs_first_outreach_date"] = outreach
		}
		begun, isWorked := workedAt(a)
		if isWorked {
			at = begun
		}
		mine := owner != "" && a.values["hubspot_owner_id"] == owner && s.engagedSince(contact, a)
		if mine && !incoming(a) && (what.touches || isWorked) && (first.IsZero() || at.Before(first)) {
			first, kind = at, what.kind
		}
	}
	if !buyer.IsZero() {
		set["hs_last_sales_activity_timestamp"] = moment(buyer)
	}
	set["hs_sa_first_engagement_date"], set["hs_sa_first_engagement_object_type"] = moment(first), kind
	switch {
	case first.IsZero():
		set["hs_time_to_first_engagement"] = ""
	case contact.values["hs_time_to_first_engagement"] == "":
		set["hs_time_to_first_engagement"] = strconv.FormatInt(max(0, first.Sub(assigned).Milliseconds()), 10)
	}
	return set
}

// workedAt is since when a task has been in progress or done; false: it is neither, or no task.
func workedAt(a *record) (time.Time, bool) {
	if status := a.values["hs_task_status"]; status != "IN_PROGRESS" && status != "COMPLETED" {
		return time.Time{}, false
	}
	past := a.past["hs_task_status"]
	for i := len(past) - 1; i > 0; i-- {
		if v := past[i-1].value; v != "IN_PROGRESS" && v != "COMPLETED" {
			return past[i].at, true
		}
	}
	return past[0].at, true
}

// next is when the next planned activity is due: a task that is not done, a meeting or call to come. The moment that
// passes stays until something moves.
func next(all []*record, now time.Time) string {
	out := time.Time{}
	for _, a := range all {
		at, dated := parseMoment(a.values["hs_timestamp"])
		if !dated || !at.After(now) || a.of.name == "notes" || over(a) {
			continue
		}
		if out.IsZero() || at.Before(out) {
			out = at
		}
	}
	return moment(out)
}

// over says that nothing more will come of an activity, whenever it is dated.
func over(a *record) bool {
	outcome := a.values["hs_meeting_outcome"]
	return a.values["hs_task_status"] == "COMPLETED" || a.values["hs_call_status"] == "CANCELED" ||
		outcome != "" && outcome != "SCHEDULED"
}

// engagedSince says that the activity was associated after the contact's owner was last set: what went before is
// another owner's, even if the same person had been it before.
func (s *Sim) engagedSince(contact, a *record) bool {
	past := contact.past["hubspot_owner_id"]
	return len(past) == 0 || !a.created.Before(past[len(past)-1].at)
}

// worked lets the records of an activity see that somebody has begun with it, done it or moved it.
func (s *Sim) worked(a *record, now time.Time) {
	for _, kind := range []string{"companies", "contacts", "deals"} {
		for _, id := range a.linked(kind) {
			rec := s.objects[kind].live(id)
			if rec == nil {
				continue
			}
			all := s.activitiesOf(rec)
			set := map[string]string{"notes_next_activity_date": next(all, now)}
			if activities[a.of.name].touches {
				set["notes_last_contacted"] = latest(rec.values["notes_last_contacted"], all, 1, now, true)
			}
			if kind == "contacts" {
				maps.Copy(set, s.firsts(rec, all, now))
			}
			s.update(rec, set, system, now)
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

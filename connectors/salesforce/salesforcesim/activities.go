package salesforcesim

import (
	"maps"
	"strings"
	"time"
)

// archiveAfter is how long a closed task or a past event stays among the others; then only queryAll has it.
const archiveAfter = 365 * 24 * time.Hour

// activityRules keeps tasks and events as the org does: no other record beside a lead, the account derived, and
// what only the org sets.
func (s *Sim) activityRules(o *object, old, fields values, d deed) *apiError {
	who, what := text(fields, "WhoId"), text(fields, "WhatId")
	if strings.HasPrefix(who, "00Q") && what != "" {
		return &apiError{code: "FIELD_INTEGRITY_EXCEPTION", message: "Related To ID: a task or event on a lead cannot be related to another record: " + what, fields: []string{"WhatId"}}
	}
	delete(fields, "AccountId")
	for _, id := range []string{what, who} {
		if r := s.byID(id); r != nil && fields["AccountId"] == nil {
			if r.obj.name == "Account" {
				fields["AccountId"] = id
			} else if account := text(r.last(), "AccountId"); account != "" {
				fields["AccountId"] = account
			}
		}
	}
	if o.name == "Event" {
		return eventRules(old, fields)
	}
	closed := fields["Status"] == "Completed"
	if was := old != nil && old["IsClosed"] == true; closed && !was && (old != nil || fields["CompletedDateTime"] == nil) {
		fields["CompletedDateTime"] = d.stamp()
	} else if !closed {
		delete(fields, "CompletedDateTime")
	}
	fields["IsClosed"], fields["IsHighPriority"] = closed, fields["Priority"] == "High"
	return nil
}

// eventRules keeps start, end and length of an event in step. An all-day event begins and ends at midnight GMT of
// its first and its last day.
func eventRules(old, fields values) *apiError {
	if err := eventAgrees(old, fields); err != nil {
		return err
	}
	start, given := fields["StartDateTime"].(time.Time)
	if at, named := fields["ActivityDateTime"].(time.Time); named && (!given || old != nil && !at.Equal(start) && old["StartDateTime"] == start) {
		start, given = at, true
	}
	end, ends := fields["EndDateTime"].(time.Time)
	minutes, long := fields["DurationInMinutes"].(float64)
	moved := old != nil && old["EndDateTime"] == fields["EndDateTime"] && (old["StartDateTime"] != fields["StartDateTime"] || old["DurationInMinutes"] != fields["DurationInMinutes"])
	if day, dated := fields["ActivityDate"].(date); fields["IsAllDayEvent"] == true && !given && dated {
		start, given = midnight(day), true
	}
	switch {
	case !given && old == nil && fields["Id"] != nil: // of a given world, which may leave it open
		return nil
	case !given:
		return requiredMissing([]string{"ActivityDateTime"})
	case fields["IsAllDayEvent"] == true:
		start = start.Truncate(24 * time.Hour)
		if !ends {
			end = start.Add(time.Duration(max(0, minutes-1)) * time.Minute)
		}
		end = end.Truncate(24 * time.Hour)
		minutes = (end.Sub(start) + 24*time.Hour).Minutes()
	case ends && !moved:
		minutes = end.Sub(start).Minutes()
	case long:
		end = start.Add(time.Duration(minutes) * time.Minute)
	default:
		return requiredMissing([]string{"DurationInMinutes"})
	}
	if end.Before(start) {
		return &apiError{code: "FIELD_INTEGRITY_EXCEPTION", message: "The event duration can not be negative.", fields: []string{"DurationInMinutes"}}
	}
	fields["StartDateTime"], fields["ActivityDateTime"], fields["EndDateTime"] = start, start, end
	fields["DurationInMinutes"], fields["ActivityDate"] = minutes, dateOf(start)
	return nil
}

// eventAgrees refuses a new event with two starts, or with an end and a length that are not the same.
func eventAgrees(old, fields values) *apiError {
	if old != nil || fields["Id"] != nil || fields["IsAllDayEvent"] == true {
		return nil
	}
	start, given := fields["StartDateTime"].(time.Time)
	at, named := fields["ActivityDateTime"].(time.Time)
	end, ends := fields["EndDateTime"].(time.Time)
	minutes, long := fields["DurationInMinutes"].(float64)
	switch {
	case given && named && !at.Equal(start):
		return &apiError{code: "FIELD_INTEGRITY_EXCEPTION", message: "ActivityDateTime and StartDateTime must match.", fields: []string{"ActivityDateTime", "StartDateTime"}}
	case !given:
		start, given = at, named
	}
	if given && ends && long && end.Sub(start).Minutes() != minutes {
		return &apiError{code: "FIELD_INTEGRITY_EXCEPTION", message: "EndDateTime and DurationInMinutes must add up to the same time.", fields: []string{"EndDateTime", "DurationInMinutes"}}
	}
	return nil
}

func midnight(d date) time.Time {
	t, _ := time.Parse(time.DateOnly, string(d))
	return t
}

// archived says that an activity is so old that only queryAll finds it.
func archived(o *object, fields values, now time.Time) bool {
	var at time.Time
	switch o.name {
	case "Task":
		at, _ = fields["CompletedDateTime"].(time.Time)
		if due, dated := fields["ActivityDate"].(date); dated {
			at = midnight(due)
		}
		if fields["IsClosed"] != true {
			return false
		}
	case "Event":
		at, _ = fields["EndDateTime"].(time.Time)
	}
	return !at.IsZero() && now.Sub(at) > archiveAfter
}

// oneRelation holds that a contact and an account have one relationship at most.
func (s *Sim) oneRelation(fields values) *apiError {
	for _, other := range s.tables["AccountContactRelation"].holders("ContactId", text(fields, "ContactId")) {
		if other.id != fields["Id"] && other.last()["AccountId"] == fields["AccountId"] {
			return &apiError{code: "DUPLICATE_VALUE", message: "duplicate value found: ContactId duplicates value on record with id: " + other.id, fields: []string{"ContactId"}}
		}
	}
	return nil
}

// onePrimary takes the mark of the primary contact from the deal's other roles.
func (s *Sim) onePrimary(fields values, d deed) {
	if fields["IsPrimary"] != true {
		return
	}
	for _, other := range s.tables["OpportunityContactRole"].holders("OpportunityId", text(fields, "OpportunityId")) {
		if other.last()["IsPrimary"] != true || other.id == fields["Id"] || d.tx == nil {
			continue
		}
		changed := maps.Clone(other.last())
		changed["IsPrimary"] = false
		changed["LastModifiedDate"], changed["LastModifiedById"], changed["SystemModstamp"] = d.stamp(), d.actor, d.stamp()
		s.commit(other, changed, d.derived())
	}
}

// doer is who enters an activity: whose it is to be, else who owns what it is about.
func (s *Sim) doer(in map[string]any) string {
	for _, name := range []string{"OwnerId", "WhoId", "WhatId", "RelatedToId"} {
		id, _ := in[name].(string)
		id, _ = normalizeID(id)
		r := s.byID(id)
		if r != nil && r.obj.name != "User" {
			r = s.byID(text(r.last(), "OwnerId"))
		}
		if r != nil && r.obj.name == "User" && r.id != s.caller && r.last()["IsActive"] == true {
			return r.id
		}
	}
	return ""
}

// mail is an e-mail sent from a record, or taken in from the mailbox: the message, and the closed task that stands
// for it among the activities. WhoId and WhatId say what it is about; the message itself knows no person.
func (s *Sim) mail(in map[string]any, d deed) (map[string]string, *apiError) {
	if in["MessageDate"] == nil {
		in["MessageDate"] = d.stamp().Format(time.RFC3339)
	}
	incoming := in["Incoming"] == true
	if in["Status"] == nil {
		in["Status"] = map[bool]string{true: "0", false: "3"}[incoming]
	}
	task := map[string]any{
		"Subject": "Email: " + textIn(in, "Subject"), "TaskSubtype": "Email", "Status": "Completed", "Priority": "Normal",
		"ActivityDate": string(dateOf(d.now)), "OwnerId": d.actor,
	}
	for _, name := range []string{"WhoId", "WhatId", "OwnerId"} {
		if v, given := in[name]; given {
			task[name] = v
		}
		delete(in, name)
	}
	if in["RelatedToId"] == nil && task["WhatId"] != nil {
		in["RelatedToId"] = task["WhatId"]
	}
	ids := map[string]string{}
	if in["ActivityId"] == nil && in["Status"] != "5" && (task["WhoId"] != nil || task["WhatId"] != nil) {
		id, err := s.insert(s.org["task"], task, d)
		if err != nil {
			return nil, err
		}
		in["ActivityId"], ids["task"] = id, id
	}
	id, err := s.insert(s.org["emailmessage"], in, d)
	ids["id"] = id
	return ids, err
}

func textIn(in map[string]any, name string) string { v, _ := in[name].(string); return v }

package salesforce

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// The objects that tell of activities.
const (
	eventObject = "Event"
	emailObject = "EmailMessage"

	outOfOffice = "OutOfOffice" // what an event's ShowAs says of an absence
)

// Columns of each object that make an activity of its row. Subjects and bodies
// are not among them; of a description only our own mark at its end is looked
// at, where the org has no field for the key.
var (
	taskActs = [...]string{
		"OwnerId", "WhoId", "WhatId", "CreatedById", "Status", "IsClosed", "CompletedDateTime", "ActivityDate", "ReminderDateTime",
		"IsReminderSet", "TaskSubtype", "Type", "CallType", "IsRecurrence",
	}
	eventActs = [...]string{
		"OwnerId", "WhoId", "WhatId", "CreatedById", "StartDateTime", "EndDateTime", "IsAllDayEvent", "Type", "ShowAs", "IsChild",
		"IsRecurrence", "Handoff_Key__c",
	}
	emailActs  = [...]string{"CreatedById", "Incoming", "Status", "MessageDate", "ActivityId", "RelatedToId", "FromId"}
	emailsTask = [...]string{"WhoId", "WhatId", "OwnerId", "IsDeleted"} // of the task that an e-mail has
)

// chooseActs selects what an activity is made of.
func (o *org) chooseActs(s, tasks *schema) selection {
	sel := selection{conn: o.name, kind: connectors.Activity, schema: s}
	add := func(names ...string) {
		for _, name := range names {
			if f, ok := s.column(name); ok {
				sel.names = append(sel.names, f.Name)
			}
		}
	}
	add("Id", "SystemModstamp", "LastModifiedDate", "CreatedDate", "LastModifiedById", "IsDeleted")
	switch s.object {
	case taskObject:
		add(taskActs[:]...)
		if key, _ := s.keyField(); key != "" {
			add(key)
		} else {
			add("Description")
		}
	case eventObject:
		add(eventActs[:]...)
	case emailObject:
		add(emailActs[:]...)
		if link, ok := s.column("ActivityId"); ok && identifier.MatchString(link.Relation) && tasks != nil {
			for _, name := range emailsTask {
				if f, ok := tasks.column(name); ok {
					sel.names = append(sel.names, link.Relation+"."+f.Name)
				}
			}
		}
	}
	slices.Sort(sel.names)
	sel.names = slices.Compact(sel.names)
	if child := s.object + "Relations"; s.children[child] {
		sel.names = append(sel.names, "(SELECT RelationId FROM "+child+")")
	}
	return sel
}

// activity is a row of one of the objects as an activity; false: it is none,
// or nothing that concerns a record.
func (sel selection) activity(row map[string]any, now time.Time) (connectors.Object, bool) {
	obj := sel.object(row)
	obj.Fields = map[string]any{}
	set := func(word, value string) {
		if value != "" {
			obj.Fields[word] = value
		}
	}
	if !obj.CreatedAt.IsZero() {
		set(connectors.ActMade, obj.CreatedAt.Format(stampLayout))
	}
	set(connectors.ActMadeBy, idOf(row, "CreatedById"))
	set(connectors.ActOwner, idOf(row, "OwnerId"))
	var is bool
	switch sel.schema.object {
	case taskObject:
		is = sel.taskActivity(row, obj, set)
	case eventObject:
		is = sel.eventActivity(row, &obj, now, set)
	case emailObject:
		is = sel.emailActivity(row, &obj, set)
	}
	obj.Links = append(obj.Links, sel.related(row, obj.Links)...)
	if obj.Deleted {
		return obj, obj.Ref.ID != ""
	}
	return obj, is && obj.Ref.ID != "" && (len(obj.Links) > 0 || obj.Fields[connectors.ActKey] != nil)
}

func idOf(row map[string]any, column string) string {
	id, _ := normalizeID(textOf(row, column))
	return id
}

// related are the further people and records of a shared activity.
func (sel selection) related(row map[string]any, links []connectors.Ref) []connectors.Ref {
	nested, _ := row[sel.schema.object+"Relations"].(map[string]any)
	records, _ := nested["records"].([]any)
	var out []connectors.Ref
	for _, r := range records {
		fields, _ := r.(map[string]any)
		id := idOf(fields, "RelationId")
		kind := kindOfID(id)
		ref := connectors.Ref{Conn: sel.conn, Kind: kind, ID: id}
		if kind != "" && kind != "User" && !slices.Contains(links, ref) && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// taskActivity: a call, an e-mail, a meeting or a to-do, planned until it is
// closed. The due date of a closed one says nothing about when it was done.
func (sel selection) taskActivity(row map[string]any, obj connectors.Object, set func(word, value string)) bool {
	typ, towards := taskType(row)
	set(connectors.ActType, typ)
	set(connectors.ActTowards, towards)
	at := textOf(row, "ActivityDate")
	if at != "" {
		at += "T00:00:00.000Z"
	}
	if t, ok := parseStamp(textOf(row, "ReminderDateTime")); ok && row["IsReminderSet"] == true {
		at = t.Format(stampLayout)
	}
	status := strings.ToLower(textOf(row, "Status"))
	state := "open"
	switch status {
	case "in progress", "waiting on someone else":
		state = "started"
	case "deferred":
		state = "deferred"
	}
	if row["IsClosed"] == true || row["IsClosed"] == nil && status == "completed" {
		state, at = "done", obj.ModifiedAt.Format(stampLayout)
		if t, ok := parseStamp(textOf(row, "CompletedDateTime")); ok {
			at = t.Format(stampLayout)
		}
		if strings.Contains(status, "cancel") {
			state = "cancelled"
		}
	}
	set(connectors.ActState, state)
	set(connectors.ActAt, at)
	key := ""
	if column, _ := sel.schema.keyField(); column != "" {
		key = textOf(row, column)
	} else {
		key = markedKey(textOf(row, "Description"))
	}
	if key != "" { // what we remind somebody of is no call or e-mail of theirs
		set(connectors.ActKey, key)
		set(connectors.ActType, "task")
		delete(obj.Fields, connectors.ActTowards)
	}
	return row["IsRecurrence"] != true // the pattern of a series is not one of its days
}

// taskType tells what a task is and who it goes towards. TaskSubtype is what
// the org itself goes by; Type is a list that each org words as it likes. A call
// that was logged by hand names no direction: it is one of ours to the buyer.
func taskType(row map[string]any) (typ, towards string) {
	subtype, word := strings.ToLower(textOf(row, "TaskSubtype")), strings.ToLower(textOf(row, "Type"))
	towards = "buyer"
	for _, inward := range []string{"inbound", "incoming", "received"} {
		if strings.Contains(word, inward) {
			towards = "us"
		}
	}
	switch {
	case subtype == "call", subtype != "email" && strings.Contains(word, "call"):
		switch strings.ToLower(textOf(row, "CallType")) {
		case "inbound":
			return "call", "us"
		case "outbound":
			return "call", "buyer"
		case "internal": // no buyer was on the line
			return "task", ""
		}
		return "call", towards
	case subtype == "email", subtype == "listemail", strings.Contains(word, "mail"):
		return "email", towards
	case strings.Contains(word, "meeting"):
		return "meeting", "buyer"
	}
	return "task", ""
}

// eventActivity: a meeting, planned until it ends. Its end moves no stamp, so
// the end is part of its version.
func (sel selection) eventActivity(row map[string]any, obj *connectors.Object, now time.Time, set func(word, value string)) bool {
	typ := "meeting"
	if strings.Contains(strings.ToLower(textOf(row, "Type")), "call") {
		typ = "call"
	}
	set(connectors.ActType, typ)
	set(connectors.ActTowards, "buyer")
	set(connectors.ActKey, textOf(row, "Handoff_Key__c"))
	state := "open"
	start, okStart := parseStamp(textOf(row, "StartDateTime"))
	end, okEnd := parseStamp(textOf(row, "EndDateTime"))
	if !okEnd {
		end, okEnd = start, okStart
	}
	if row["IsAllDayEvent"] == true { // its last day, as midnight in GMT
		end = end.Add(24 * time.Hour)
	}
	if okEnd && !end.After(now) {
		state = "done"
		if end.After(obj.ModifiedAt) {
			obj.ModifiedAt, obj.Version = end, end.Format(stampLayout)
		}
	}
	set(connectors.ActState, state)
	if okStart {
		set(connectors.ActAt, start.Format(stampLayout))
	}
	// The pattern of a series, another invitee's copy, an absence.
	return row["IsRecurrence"] != true && row["IsChild"] != true && textOf(row, "ShowAs") != outOfOffice
}

// emailActivity: an e-mail that went out or came in. Where it has a task too,
// it stands under the task's id, so that both are one.
func (sel selection) emailActivity(row map[string]any, obj *connectors.Object, set func(word, value string)) bool {
	const draft = "5"
	set(connectors.ActType, "email")
	set(connectors.ActState, "done")
	towards, at := "buyer", obj.CreatedAt
	if row["Incoming"] == true {
		towards = "us"
	}
	if t, ok := parseStamp(textOf(row, "MessageDate")); ok {
		at = t
	}
	set(connectors.ActTowards, towards)
	set(connectors.ActAt, at.Format(stampLayout))
	task := map[string]any{}
	if link, ok := sel.schema.column("ActivityId"); ok {
		task, _ = row[link.Relation].(map[string]any)
	}
	owner := idOf(row, "FromId")
	for _, other := range []string{idOf(task, "OwnerId"), idOf(row, "CreatedById")} {
		if kindOfID(owner) != "User" {
			owner = other
		}
	}
	set(connectors.ActOwner, owner)
	if id := idOf(row, "ActivityId"); id != "" {
		obj.Ref.ID = id
	}
	obj.Deleted = obj.Deleted || task["IsDeleted"] == true
	for _, id := range []string{idOf(task, "WhoId"), idOf(task, "WhatId"), idOf(row, "RelatedToId")} {
		ref := connectors.Ref{Conn: sel.conn, Kind: kindOfID(id), ID: id}
		if ref.Kind != "" && !slices.Contains(obj.Links, ref) {
			obj.Links = append(obj.Links, ref)
		}
	}
	return textOf(row, "Status") != draft
}

// actWords are the fields of an activity.
func actWords() []string {
	return []string{
		connectors.ActType, connectors.ActState, connectors.ActAt, connectors.ActMade, connectors.ActOwner, connectors.ActMadeBy,
		connectors.ActTowards, connectors.ActKey,
	}
}

// actSchema is what the kind looks like to those who ask.
func actSchema() connectors.KindSchema {
	out := connectors.KindSchema{Fields: map[string]connectors.Field{}}
	for _, word := range actWords() {
		out.Fields[word] = connectors.Field{Name: word, Type: "text"}
	}
	return out
}

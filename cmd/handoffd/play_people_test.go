package main

import (
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors/simulators"
)

// What people do beside editing records: "create calls x about=dana@acme.com"
// logs an activity, "update tasks "Accept dana@acme.com" …" works on a task.

// aboutOf turns "about" of a new Salesforce activity into what it is related
// to, "with" of a HubSpot record into the contact it is associated with, and
// instants "in 2h" or "2h ago" of any edit into instants. HubSpot's simulator
// knows about by itself.
func (st *stage) aboutOf(e *simulators.Edit) {
	st.t.Helper()
	for name, v := range e.Fields {
		if text, ok := v.(string); ok {
			e.Fields[name] = momentOf(text)
		}
	}
	for _, of := range []string{"Account", "Contact", "Opportunity"} {
		for _, field := range []string{of + "Id", of + "__c"} {
			if name, named := e.Fields[field].(string); named && e.CRM == "salesforce" {
				e.Fields[field] = st.idOf(e.CRM, of, name)
			}
		}
	}
	if with, named := e.Fields["with"].(string); named && e.CRM == "hubspot" {
		delete(e.Fields, "with")
		e.Fields["links"] = []map[string]string{{"kind": "contacts", "id": st.idOf(e.CRM, "contacts", with)}}
	}
	about, named := e.Fields["about"].(string)
	if !named || e.CRM != "salesforce" {
		return
	}
	delete(e.Fields, "about")
	for _, to := range [][2]string{{"Lead", "WhoId"}, {"Contact", "WhoId"}, {"Opportunity", "WhatId"}, {"Account", "WhatId"}} {
		for _, r := range st.rows(e.CRM, to[0]) {
			if r.named(about) {
				e.Fields[to[1]] = r.ID
				return
			}
		}
	}
	st.t.Fatalf("%s: there is no salesforce record %s to be about", st.story.name, about)
}

// momentOf reads "in 2h" and "2h ago"; any other text stays as it is.
func momentOf(text string) string {
	later, in := strings.CutPrefix(text, "in ")
	earlier, ago := strings.CutSuffix(text, " ago")
	switch d, err := time.ParseDuration(later); {
	case in && err == nil:
		return time.Now().Add(d).UTC().Format(time.RFC3339)
	}
	if d, err := time.ParseDuration(earlier); ago && err == nil {
		return time.Now().Add(-d).UTC().Format(time.RFC3339)
	}
	return text
}

// taskID is the task that a person means by a part of its subject and the
// record it is about, as in "Accept dana@acme.com", or by the part alone: an
// open one before one that is done, the newest before older ones.
func (st *stage) taskID(crm, kind, key string) string {
	st.t.Helper()
	if kind != "tasks" && kind != "Task" {
		return ""
	}
	matching := func(tasks []row, part string) string {
		part = strings.ToLower(part)
		tasks = slices.DeleteFunc(tasks, func(r row) bool {
			return !strings.Contains(strings.ToLower(r.text("hs_task_subject")+r.text("Subject")), part)
		})
		for _, done := range []bool{false, true} {
			for _, r := range slices.Backward(tasks) {
				if (r.text("hs_task_status")+r.text("Status") == "COMPLETED" || r.text("IsClosed") == "true") == done {
					return r.ID
				}
			}
		}
		return ""
	}
	if id := matching(st.rows(crm, kind), key); id != "" {
		return id
	}
	at := strings.LastIndex(key, " ")
	if at < 0 {
		return ""
	}
	for _, of := range []string{"contacts", "companies", "deals", "Lead", "Contact", "Account", "Opportunity"} {
		for _, r := range st.rows(crm, of) {
			if !r.named(key[at+1:]) {
				continue
			}
			if id := matching(st.tasksOf(crm, of, r.ID), key[:at]); id != "" {
				return id
			}
		}
	}
	return ""
}

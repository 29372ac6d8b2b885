package salesforcesim

import (
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// restore takes a row out of the recycle bin, with what went in with it.
func (s *Sim) restore(r *row, d deed) *apiError {
	was := r.last()
	at, _ := was["SystemModstamp"].(time.Time)
	if !r.deleted() || d.now.Sub(at) >= binKept {
		return &apiError{code: "UNDELETE_FAILED", message: "Entity is not in the recycle bin", fields: []string{}}
	}
	s.unbin(r, d)
	for _, child := range s.hangers(r) {
		if stamp, _ := child.last()["SystemModstamp"].(time.Time); child.deleted() && stamp.Equal(at) {
			s.unbin(child, d.derived())
		}
	}
	return nil
}

func (s *Sim) unbin(r *row, d deed) {
	fields := maps.Clone(r.last())
	fields["IsDeleted"] = false
	delete(fields, "MasterRecordId")
	fields["LastModifiedDate"], fields["LastModifiedById"], fields["SystemModstamp"] = d.stamp(), d.actor, d.stamp()
	s.commit(r, fields, d)
}

// hangers are the rows that go into the bin with r, those in it included: the activities of a person or a deal,
// and an account's people and deals with theirs.
func (s *Sim) hangers(r *row) []*row {
	var links []childRelation
	switch r.obj.name {
	case "Lead", "Contact":
		links = []childRelation{{child: "Task", field: "WhoId"}, {child: "Event", field: "WhoId"}}
		if r.obj.name == "Contact" {
			links = append(links, childRelation{child: "OpportunityContactRole", field: "ContactId"}, childRelation{child: "AccountContactRelation", field: "ContactId"})
		}
	case "Opportunity":
		links = []childRelation{{child: "Task", field: "WhatId"}, {child: "Event", field: "WhatId"}, {child: "OpportunityContactRole", field: "OpportunityId"}}
	case "Account":
		links = []childRelation{{child: "AccountContactRelation", field: "AccountId"}, {child: "Contact", field: "AccountId"}, {child: "Opportunity", field: "AccountId"}, {child: "Task", field: "WhatId"}, {child: "Event", field: "WhatId"}}
	}
	var rows []*row
	add := func(more ...*row) {
		for _, child := range more {
			if !slices.Contains(rows, child) {
				rows = append(rows, child)
			}
		}
	}
	for _, l := range links {
		for _, child := range s.tables[l.child].byValue(l.field, r.id) {
			if text(child.last(), l.field) == r.id {
				add(child)
				add(s.hangers(child)...)
			}
		}
	}
	return rows
}

// purge deletes a row for good, from the recycle bin or past it: no query and no getDeleted finds it, and what
// pointed at it points at nothing, without any stamp moving.
func (s *Sim) purge(r *row, d deed) {
	for _, child := range s.hangers(r) {
		s.erase(child, d.derived())
	}
	s.erase(r, d)
}

func (s *Sim) erase(r *row, d deed) {
	d.tx.log = append(d.tx.log, happening{
		change: simhttp.Change{Time: d.now.UTC(), CRM: s.CRM(), Object: r.obj.name, ID: r.id, Op: "purge", Actor: d.who},
	})
	s.tables[r.obj.name].remove(d.tx, r)
}

package salesforcesim

import (
	"maps"
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// restore takes a row out of the recycle bin, with the activities that went in with it.
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

// hangers are the activities of a person, deleted or not.
func (s *Sim) hangers(r *row) []*row {
	var rows []*row
	if r.obj.name != "Lead" && r.obj.name != "Contact" {
		return nil
	}
	for _, kind := range []string{"Task", "Event"} {
		for _, child := range s.tables[kind].byValue("WhoId", r.id) {
			if text(child.last(), "WhoId") == r.id && !slices.Contains(rows, child) {
				rows = append(rows, child)
			}
		}
	}
	return rows
}

// purge deletes a row for good, from the recycle bin or past it: no query and no getDeleted finds it, and what
// pointed at it points at nothing, without any stamp moving.
func (s *Sim) purge(r *row, d deed) *apiError {
	for _, child := range s.hangers(r) {
		s.erase(child, d.derived())
	}
	s.erase(r, d)
	return nil
}

func (s *Sim) erase(r *row, d deed) {
	d.tx.log = append(d.tx.log, happening{
		change: simhttp.Change{Time: d.now.UTC(), CRM: s.CRM(), Object: r.obj.name, ID: r.id, Op: "purge", Actor: d.who},
	})
	s.tables[r.obj.name].remove(d.tx, r)
}

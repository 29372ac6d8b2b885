package salesforcesim

import (
	"time"
)

// maxLocks bounds what is remembered; beyond it the locks that ended are forgotten.
const maxLocks = 10_000

// lock is a row that a transaction holds.
type lock struct {
	tx    *tx
	until time.Time
}

// contend takes the locks that a save needs: its own row and the account above it, since a child's save locks
// its parent. A lock lives for Setup's lock_hold; another transaction that wants it meanwhile is
// refused, where the real org would have it wait up to ten seconds first.
func (s *Sim) contend(o *object, r *row, fields values, d deed) *apiError {
	if s.set.lockHold <= 0 {
		return nil
	}
	owner := d.tx
	if d.tx.outer != nil {
		owner = d.tx.outer
	}
	ids := []string{r.id}
	if o.name == "Contact" || o.name == "Opportunity" || o.name == "Task" || o.name == "Event" {
		for _, account := range []string{text(fields, "AccountId"), text(r.last(), "AccountId")} {
			if account != "" && account != r.id {
				ids = append(ids, account)
			}
		}
	}
	for _, id := range ids {
		if l, held := s.locks[id]; held && l.tx != owner && d.now.Before(l.until) {
			return &apiError{code: "UNABLE_TO_LOCK_ROW", message: "unable to obtain exclusive access to this record or 1 records: " + id, fields: []string{}}
		}
	}
	if len(s.locks) > maxLocks {
		for id, l := range s.locks {
			if !d.now.Before(l.until) {
				delete(s.locks, id)
			}
		}
	}
	for _, id := range ids {
		s.locks[id] = lock{owner, d.now.Add(s.set.lockHold)}
	}
	return nil
}

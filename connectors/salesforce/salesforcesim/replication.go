package salesforcesim

import (
	"net/http"
	"time"
)

const (
	updatedKept = 30 * 24 * time.Hour
	deletedKept = 15 * 24 * time.Hour
)

// serveReplication answers /sobjects/X/updated and /sobjects/X/deleted (getUpdated, getDeleted).
func (s *Sim) serveReplication(c *call, o *object, deleted bool) reply {
	keeps := updatedKept
	if deleted {
		keeps = deletedKept
	}
	start, okStart := parseDatetime(c.query.Get("start"))
	end, okEnd := parseDatetime(c.query.Get("end"))
	start, end = start.Truncate(time.Minute), end.Truncate(time.Minute) // seconds are ignored
	if !okStart || !okEnd || end.Sub(start) < time.Minute || c.now.Sub(start) > keeps {
		return refused(&apiError{code: "INVALID_REPLICATION_DATE", message: "start and end must lie more than a minute apart and not before " + c.now.Add(-keeps).Format(wireTime)})
	}
	if end.After(c.now) { // no answer covers what is yet to come
		end = c.now
	}
	type gone struct {
		ID          string `json:"id"`
		DeletedDate string `json:"deletedDate"`
	}
	ids, bin := []string{}, []gone{}
	met := map[*row]bool{}
	for _, r := range s.tables[o.name].since(start) {
		fields := r.seen(c.now)
		at, stamped := fields["SystemModstamp"].(time.Time)
		if met[r] || !stamped || at.Before(start) || !at.Before(end) {
			continue
		}
		met[r] = true
		if fields["IsDeleted"] == true {
			bin = append(bin, gone{r.id, at.Format(wireTime)})
		} else {
			ids = append(ids, r.id)
		}
	}
	covered := s.covered(o, end, c.now).Format(wireTime)
	if deleted {
		return ok(mustJSON(map[string]any{"deletedRecords": bin, "earliestDateAvailable": c.now.Add(-keeps).Truncate(time.Minute).Format(wireTime), "latestDateCovered": covered}))
	}
	return ok(mustJSON(map[string]any{"ids": ids, "latestDateCovered": covered}))
}

// covered is how far an answer is complete: no further than the stamp of the oldest write that has not been
// committed yet (the only documented safe cursor).
func (s *Sim) covered(o *object, end, now time.Time) time.Time {
	for _, r := range s.tables[o.name].since(now.Add(-s.gate.Faults().SearchLag - time.Minute)) {
		for _, v := range r.versions {
			if at, stamped := v.fields["SystemModstamp"].(time.Time); stamped && v.visible.After(now) && at.Before(end) {
				end = at
			}
		}
	}
	return end.UTC()
}

// replicationMethod says whether a path below an object asks for its changes.
func replicationMethod(c *call) (deleted, asked bool) {
	if c.method != http.MethodGet || len(c.parts) != 3 {
		return false, false
	}
	return c.parts[2] == "deleted", c.parts[2] == "deleted" || c.parts[2] == "updated"
}

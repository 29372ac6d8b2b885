package hubspotsim

import (
	"maps"
	"slices"
	"time"
)

// archive puts a record in the recycle bin; its unique values are free again.
func (s *Sim) archive(rec *record, by source, now time.Time) {
	if rec.archived {
		return
	}
	rec.archived, rec.ended = true, now
	rec.of.release(rec)
	s.note(rec, "delete", by, nil, now)
	s.hooks.deleted(rec, by, now)
	s.disengaged(rec, -1, now)
}

// restore takes a record out of the recycle bin, as only a person in the screens can.
func (s *Sim) restore(rec *record, by source, now time.Time) *apiError {
	if !rec.archived || now.Sub(rec.ended) > binFor {
		return notFound("The record is not in the recycle bin.")
	}
	for _, name := range slices.Sorted(maps.Keys(rec.of.unique)) {
		if holder := rec.of.unique[name][rec.values[name]]; holder != nil && holder != rec {
			return conflict("The value of " + name + " has been given to " + holder.id + " since.")
		}
	}
	rec.archived, rec.ended, rec.modified = false, time.Time{}, now
	for name, index := range rec.of.unique {
		if v := rec.values[name]; v != "" {
			index[v] = rec
		}
	}
	s.index(rec, "hs_additional_emails", "", rec.values["hs_additional_emails"])
	s.note(rec, "restore", by, nil, now)
	s.hooks.restored(rec, by, now)
	s.disengaged(rec, 1, now)
	return nil
}

// purge erases a contact for good. Both events fire, in any order.
func (s *Sim) purge(rec *record, by source, now time.Time) {
	tell := []func(*record, source, time.Time){s.hooks.deleted, s.hooks.erased}
	if rec.archived {
		tell = tell[1:]
	}
	s.hooks.Rand.Shuffle(len(tell), func(i, j int) { tell[i], tell[j] = tell[j], tell[i] })
	for _, f := range tell {
		f(rec, by, now)
	}
	for kind, others := range rec.links {
		for id := range others {
			if to := s.objects[kind].rows[id]; to != nil {
				delete(to.links[rec.of.name], rec.id)
			}
		}
	}
	rec.of.remove(rec)
	rec.gone, rec.values, rec.past = true, map[string]string{}, map[string][]revision{}
	rec.links = map[string]map[string]map[int]bool{}
	s.note(rec, "purge", by, nil, now)
}

package hubspotsim

import (
	"maps"
	"slices"
	"strings"
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

// binned are the records in the recycle bin that an id or a unique value names. Its values were free once it was
// archived, so that there may be several that had one.
func (o *object) binned(key, idProperty string, now time.Time) []*record {
	switch idProperty {
	case "", "hs_object_id":
		idProperty = "hs_object_id"
		if rec := o.get(key); rec != nil { // what was merged lives on under another id
			key = rec.id
		}
	case "email":
		key = strings.ToLower(key)
	}
	var out []*record
	for _, rec := range o.order {
		if v, _ := rec.value(idProperty); v == key && rec.archived && now.Sub(rec.ended) <= binFor {
			out = append(out, rec)
		}
	}
	return out
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

package hubspotsim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxMerged is how many records may ever flow into one.
const maxMerged = 250

// merge answers POST .../merge.
func (c *call) merge(o *object) (*reply, *apiError) {
	if !o.merges {
		return nil, notFound("Unable to find an endpoint for " + c.r.URL.Path)
	}
	var in struct {
		Primary text `json:"primaryObjectId"`
		Other   text `json:"objectIdToMerge"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	switch "" {
	case string(in.Primary):
		return nil, unset("primaryObjectId")
	case string(in.Other):
		return nil, unset("objectIdToMerge")
	}
	rec, bad := c.s.mergeRecords(o, string(in.Primary), string(in.Other), c.by, c.now)
	if bad != nil {
		return nil, bad
	}
	return ok(rec.show(nil)), nil
}

// mergeRecords makes one record of two. The survivor has a new id, or the primary record's in a portal that
// preserves it, and the old ids lead to it; none is archived, they are just no longer listed.
func (s *Sim) mergeRecords(o *object, primaryID, otherID string, by source, now time.Time) (*record, *apiError) {
	primary, other := o.live(primaryID), o.live(otherID)
	if primary == nil || other == nil {
		return nil, notFound("Object not found.  objectId are usually numeric.")
	}
	if primary == other {
		return nil, invalid("A record cannot be merged with itself.")
	}
	ids := mergedIDs(primary, other, s.traits.preserveMerge)
	if len(ids) > maxMerged {
		return nil, refuse(http.StatusRequestURITooLong, "", "Cannot have more than 250 identities on a profile")
	}
	set, moved := mergedValues(primary, other)
	set["hs_merged_object_ids"] = strings.Join(ids, ";")
	o.remove(other)
	rec, olds := primary, []*record{other}
	if s.traits.preserveMerge {
		o.release(primary)
	} else {
		o.remove(primary)
		olds = []*record{primary, other}
		num := o.newID()
		rec = &record{
			of: o, num: num, id: strconv.FormatUint(num, 10), values: map[string]string{}, created: primary.created,
			modified: now, past: map[string][]revision{}, links: map[string]map[string]map[int]bool{},
		}
		o.add(rec)
	}
	if other.created.Before(rec.created) {
		rec.created = other.created
	}
	s.apply(rec, set, by, now, "merge")
	for name, index := range o.unique { // a value that stayed the same was released above
		if v := rec.values[name]; v != "" {
			index[v] = rec
		}
	}
	s.index(rec, "hs_additional_emails", "", rec.values["hs_additional_emails"])
	for _, old := range olds {
		s.moveLinks(old, rec, by, now)
		old.into = rec
		s.note(old, "merge", by, nil, now)
	}
	s.hooks.merged(rec, primary, other, moved, by, now)
	return rec, nil
}

// mergedIDs are the ids that flow into the survivor; kept: the primary record is the survivor.
func mergedIDs(primary, other *record, kept bool) []string {
	var ids []string
	for _, old := range [...]*record{primary, other} {
		if v := old.values["hs_merged_object_ids"]; v != "" {
			ids = append(ids, strings.Split(v, ";")...)
		}
		if !kept || old == other {
			ids = append(ids, old.id)
		}
	}
	return ids
}

// mergedValues takes the primary's values and fills its gaps from the other. Counts add up; the other's
// e-mail becomes an additional one.
func mergedValues(primary, other *record) (set map[string]string, moved int) {
	set = maps.Clone(primary.values)
	for _, name := range slices.Sorted(maps.Keys(other.values)) {
		if set[name] == "" {
			set[name] = other.values[name]
			moved++
		}
	}
	for _, name := range [...]string{"num_contacted_notes", "num_notes", "num_conversion_events"} {
		a, _ := strconv.Atoi(primary.values[name]) // an unset count is none
		b, _ := strconv.Atoi(other.values[name])
		if a > 0 && b > 0 {
			set[name] = strconv.Itoa(a + b)
		}
	}
	for _, name := range [...]string{"notes_last_contacted", "notes_last_updated", "hs_last_sales_activity_timestamp", "recent_conversion_date"} {
		a, _ := parseMoment(primary.values[name]) // an unset date is the oldest
		b, _ := parseMoment(other.values[name])
		if a.Before(b) {
			set[name] = moment(b)
		}
	}
	var emails []string
	for _, more := range [...]string{primary.values["hs_additional_emails"], other.values["hs_additional_emails"], other.values["email"]} {
		for email := range strings.SplitSeq(more, ";") {
			if email != "" && email != set["email"] && !slices.Contains(emails, email) {
				emails = append(emails, email)
			}
		}
	}
	if len(emails) > 0 {
		set["hs_additional_emails"] = strings.Join(emails, ";")
	}
	return set, moved
}

// moveLinks gives the survivor what the old record was associated with.
func (s *Sim) moveLinks(old, rec *record, by source, now time.Time) {
	for _, kind := range slices.Sorted(maps.Keys(old.links)) {
		for _, id := range old.linked(kind) {
			types := slices.Sorted(maps.Keys(old.links[kind][id]))
			to := s.objects[kind].get(id)
			if to == nil {
				continue
			}
			delete(to.links[old.of.name], old.id)
			if rec.primary() != "" { // the primary record's company stays the primary one
				types = slices.DeleteFunc(types, func(t int) bool { return s.types[t].label == "Primary" && kind == "companies" })
			}
			s.join(rec, to, types, by, now)
		}
	}
	old.links = map[string]map[string]map[int]bool{}
}

// gdprDelete erases a contact for good, or those in the recycle bin that are meant when none is there.
func (c *call) gdprDelete(o *object) (*reply, *apiError) {
	var in struct {
		ID         text   `json:"objectId"`
		IDProperty string `json:"idProperty"`
	}
	if bad := c.read(&in); bad != nil {
		return nil, bad
	}
	if in.ID == "" {
		return nil, unset("objectId")
	}
	rec, bad := o.lookup(string(in.ID), in.IDProperty, false)
	if bad != nil {
		return nil, bad
	}
	going := []*record{rec}
	if rec == nil {
		going = o.binned(string(in.ID), in.IDProperty, c.now)
	}
	for _, rec := range going {
		c.s.purge(rec, c.by, c.now)
	}
	return nil, nil
}

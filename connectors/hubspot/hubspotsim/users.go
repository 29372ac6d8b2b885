package hubspotsim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// userFields are those of users, an object of their own (0-115) beside the owners they are.
var userFields = []fieldSpec{
	{"hs_email", "Main email", "string", "ro"},
	{"hs_given_name", "First name", "string", "ro"},
	{"hs_family_name", "Last name", "string", "ro"},
	{"hs_internal_user_id", "User ID", "number", "ro"},
	{"hubspot_owner_id", "Owner ID", "number", "ro"},
	{"hs_object_id", "Record ID", "number", "ro"},
	{"hs_createdate", "Create date", "datetime", "ro"},
	{"hs_lastmodifieddate", "Object last modified date", "datetime", "ro"},
	{"hs_availability_status", "Availability status", "select", "available|away"},
	{"hs_job_title", "Job title", "string", ""},
	{"hs_standard_time_zone", "Time zone", "string", ""},
	{"hs_working_hours", "Working hours", "string", ""},
	{"hs_out_of_office_hours", "Out of office hours", "string", ""},
}

// away is one range of hs_out_of_office_hours, which is a JSON list as a text.
type awayRange struct {
	From  int64 `json:"startTimestamp"`
	Until int64 `json:"endTimestamp"`
}

// addUsers makes the user of every owner who has none.
func (s *Sim) addUsers(now time.Time) {
	o := s.objects["users"]
	has := map[string]bool{}
	for _, rec := range o.order {
		has[rec.values["hs_email"]] = true
	}
	for _, who := range s.owners {
		if has[who.email] {
			continue
		}
		num := o.newID()
		o.add(&record{
			of: o, num: num, id: strconv.FormatUint(num, 10), created: who.created, modified: now,
			past: map[string][]revision{}, links: map[string]map[string]map[int]bool{},
			values: map[string]string{
				"hs_email": who.email, "hs_given_name": who.first, "hs_family_name": who.last,
				"hs_internal_user_id": who.userID, "hubspot_owner_id": who.id,
			},
		})
	}
}

// away notes one more time in which a user is out of office.
func (s *Sim) away(who *owner, from, until string, by source, now time.Time) error {
	start, fine := parseMoment(from)
	end, alsoFine := parseMoment(until)
	if !fine || !alsoFine || !start.Before(end) {
		return fmt.Errorf("away from %q until %q: two instants in order", from, until)
	}
	for _, rec := range s.objects["users"].order {
		if rec.values["hs_email"] != who.email {
			continue
		}
		var all []awayRange
		if old := rec.values["hs_out_of_office_hours"]; old != "" {
			if err := json.Unmarshal([]byte(old), &all); err != nil {
				return fmt.Errorf("read the out of office hours: %w", err)
			}
		}
		raw, err := json.Marshal(append(all, awayRange{start.UnixMilli(), end.UnixMilli()}))
		if err != nil {
			return fmt.Errorf("write the out of office hours: %w", err)
		}
		s.apply(rec, map[string]string{"hs_out_of_office_hours": string(raw)}, by, now, "update")
		s.noteOwner(who, by, map[string]simhttp.FromTo{"away": {To: from + "/" + until}}, now)
		return nil
	}
	return fmt.Errorf("%s has no user", who.email)
}

package hubspot

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

var _ connectors.Absentee = (*Connector)(nil)

// usersScope opens users, an object of their own (0-115) beside the owners.
const usersScope = "crm.objects.users.read"

// awayRange is one entry of hs_out_of_office_hours, in milliseconds (users
// guide, out of office hours).
type awayRange struct {
	From  int64 `json:"startTimestamp"`
	Until int64 `json:"endTimestamp"`
}

// firstLeave is an instant before which nobody was ever away: the guide's own
// example has numbers that are no milliseconds.
var firstLeave = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// Absences implements connectors.Absentee from the users' out of office hours:
// one call for each 100 users. The status "away" beside it is not leave: it
// has no end, and who steps out for coffee sets it. Hours that nobody can read
// are passed over.
func (c *Connector) Absences(ctx context.Context, from, until time.Time) ([]connectors.Absence, error) {
	var out []connectors.Absence
	after := ""
	for {
		query := url.Values{"limit": {"100"}, "properties": {"hs_email,hs_out_of_office_hours"}, "archived": {"false"}}
		if after != "" {
			query.Set("after", after)
		}
		var answer list
		if err := c.read(ctx, "schema", "read who is away", http.MethodGet, "/crm/objects/"+c.version+"/users", query, nil, &answer); err != nil {
			return nil, err
		}
		for i := range answer.Results {
			out = append(out, c.absencesOf(&answer.Results[i], from, until)...)
		}
		next := string(answer.Paging.Next.After)
		if next == "" || next == after {
			break
		}
		after = next
	}
	slices.SortFunc(out, func(a, b connectors.Absence) int {
		return cmp.Or(cmp.Compare(a.Who, b.Who), a.From.Compare(b.From), a.Until.Compare(b.Until))
	})
	return slices.Compact(out), nil
}

// absencesOf are those of one user that overlap from..until.
func (c *Connector) absencesOf(r *row, from, until time.Time) []connectors.Absence {
	who, text := strings.ToLower(r.Properties["hs_email"]), r.Properties["hs_out_of_office_hours"]
	if who == "" || text == "" {
		return nil
	}
	var ranges []awayRange
	if err := unmarshal([]byte(text), &ranges); err != nil {
		c.log.Warn("out of office hours cannot be read", "user", string(r.ID))
		return nil
	}
	var out []connectors.Absence
	for _, a := range ranges {
		start, end := time.UnixMilli(a.From).UTC(), time.UnixMilli(a.Until).UTC()
		if start.Before(firstLeave) || !start.Before(end) || !start.Before(until) || !end.After(from) {
			continue
		}
		out = append(out, connectors.Absence{Who: who, From: start, Until: end, Source: "HubSpot out of office"})
	}
	return out
}

package salesforce

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

var _ connectors.Absentee = (*org)(nil)

// leaveSource is what a receipt says of an absence.
const leaveSource = "Salesforce calendar, out of office"

// Absences implements connectors.Absentee from the events that people show as
// out of office, in one call. An event of whole days has no zone of its own: it
// is midnight to midnight where its owner lives.
func (o *org) Absences(ctx context.Context, from, until time.Time) ([]connectors.Absence, error) {
	const op = "read who is away"
	s, err := o.schema(ctx, eventObject)
	if err != nil && err.Class != connectors.Schema {
		return nil, err
	}
	if err != nil || !s.has("ShowAs") || !s.has("EndDateTime") {
		return nil, &connectors.Error{Class: connectors.Denied, Op: op, Err: errors.New("the org does not show events, or not what they are shown as")}
	}
	// Whole days are stored as midnights in Greenwich, a day or two off.
	where := "ShowAs = '" + outOfOffice + "' AND StartDateTime < " + instant(until.AddDate(0, 0, 1)) + " AND EndDateTime > " + instant(from.AddDate(0, 0, -2))
	columns := []string{"Id", "OwnerId", "StartDateTime", "EndDateTime"}
	for _, name := range []string{"IsAllDayEvent", "IsRecurrence"} {
		if f, ok := s.column(name); ok {
			columns = append(columns, f.Name)
		}
	}
	// All users, since events may not stand in a semi-join.
	found, errs, err := o.queries(ctx, purposePoll, op, []query{
		{statement{columns: columns, object: eventObject, where: where, order: "Id"}, false},
		{statement{columns: []string{"Id", "Email", "TimeZoneSidKey"}, object: "User", where: "IsActive = true", order: "Id"}, false},
		{statement{columns: []string{"Id", "IsSandbox"}, object: "Organization"}, false},
	})
	for _, e := range errs[:min(2, len(errs))] {
		if err == nil {
			err = e
		}
	}
	if err != nil {
		if err.Class == connectors.Schema { // it was visible a moment ago
			o.schemas.forget(s)
			err.Class = connectors.Denied
		}
		return nil, o.scrub(err)
	}
	return absences(found[0], people(found[1], found[2]), from, until), nil
}

// resident is a user as far as leave goes.
type resident struct {
	email string
	zone  *time.Location
}

// people are users by id. A sandbox has changed their addresses.
func people(users, organizations []map[string]any) map[string]resident {
	sandbox := slices.ContainsFunc(organizations, func(row map[string]any) bool { return row["IsSandbox"] == true })
	out := map[string]resident{}
	for _, row := range users {
		email := strings.ToLower(textOf(row, "Email"))
		if sandbox {
			email = strings.TrimSuffix(email, ".invalid")
		}
		zone, err := time.LoadLocation(textOf(row, "TimeZoneSidKey"))
		if err != nil {
			zone = time.UTC
		}
		out[idOf(row, "Id")] = resident{email, zone}
	}
	return out
}

// absences are those of the events that overlap from..until.
func absences(events []map[string]any, users map[string]resident, from, until time.Time) []connectors.Absence {
	var out []connectors.Absence
	for _, row := range events {
		who, known := users[idOf(row, "OwnerId")]
		start, okStart := parseStamp(textOf(row, "StartDateTime"))
		end, okEnd := parseStamp(textOf(row, "EndDateTime"))
		if !known || who.email == "" || !okStart || !okEnd || row["IsRecurrence"] == true {
			continue
		}
		if row["IsAllDayEvent"] == true {
			start = time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, who.zone)
			end = time.Date(end.Year(), end.Month(), end.Day()+1, 0, 0, 0, 0, who.zone)
		}
		if start.Before(end) && start.Before(until) && end.After(from) {
			out = append(out, connectors.Absence{Who: who.email, From: start.UTC(), Until: end.UTC(), Source: leaveSource})
		}
	}
	slices.SortFunc(out, func(a, b connectors.Absence) int {
		return cmp.Or(cmp.Compare(a.Who, b.Who), a.From.Compare(b.From), a.Until.Compare(b.Until))
	})
	return slices.Compact(out)
}

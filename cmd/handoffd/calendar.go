package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/sla"
)

// calendarReport is when a calendar, or a person, works.
type calendarReport struct {
	Schema   int                  `json:"schema"`
	Calendar string               `json:"calendar,omitempty"`
	Person   string               `json:"person,omitempty"`
	Timezone string               `json:"timezone"`
	Country  string               `json:"holidays_of,omitempty"`
	Year     int                  `json:"year"`
	Open     bool                 `json:"open_now"`
	Next     time.Time            `json:"next_opening"` // now, while open
	Hours    []calendarHours      `json:"hours"`
	Closed   []calendarDay        `json:"closed"`
	Shifts   []calendarShift      `json:"clock_changes"`
	Away     []connectors.Absence `json:"away,omitempty"` // a person's, from now on
}

type calendarHours struct {
	Day  string `json:"day"`
	Open string `json:"open"`
}

type calendarDay struct {
	Day  string `json:"day"`
	Name string `json:"name"`
	Open bool   `json:"open_all_the_same,omitempty"`
}

type calendarShift struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"` // "+1h", "-30m"
	Name string    `json:"then"`
}

func newCalendarCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{Use: "calendar", Short: "When people work"}
	var format string
	year := time.Now().Year()
	one := &cobra.Command{
		Use:   "show NAME|PERSON",
		Short: "Hours, holidays, changes of the clock, and the next opening",
		Long: "The hours, holidays and changes of the clock of a calendar, and when it opens next. " +
			"NAME is a calendar of calendars.yaml; PERSON is an e-mail address, whose own hours, " +
			"leave and cover count too.",
		Example: "  handoffd calendar show us_east\n" +
			"  handoffd calendar show ana@example.com --year 2027",
		Args: takesOne("a calendar or a person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if year < 1970 || year > 2200 {
				return usageError("--year %d: it must be from 1970 to 2200", year)
			}
			r, err := askCalendar(cmd.Context(), args[0], year)
			if err != nil {
				return err
			}
			return show(s.out, format, r, r.tables())
		},
	}
	formatFlag(one, &format)
	one.Flags().IntVar(&year, "year", year, "the `YEAR` whose holidays and clock changes are shown")
	cmd.AddCommand(one)
	return cmd
}

// askCalendar asks the daemon; without one the folder says it all but leave,
// which is read from the state where there is one.
func askCalendar(ctx context.Context, name string, year int) (calendarReport, error) {
	var r calendarReport
	path := "/calendar?name=" + url.QueryEscape(name) + "&year=" + strconv.Itoa(year)
	err := withState(ctx, "GET", path, &r, func(store *bolt.Store) (any, error) {
		rules, err := folderRules(ctx)
		if err != nil {
			return nil, err
		}
		return calendarFrom(ctx, store, rules, name, year, time.Now().UTC())
	})
	if !errors.Is(err, errNoState) {
		return r, err
	}
	rules, err := folderRules(ctx)
	if err != nil {
		return r, err
	}
	return calendarOf(rules, plan.Nothing(), name, year, time.Now().UTC())
}

func calendarFrom(ctx context.Context, store state.Store, rules *plan.Rules, name string, year int, now time.Time) (r calendarReport, err error) {
	failed := store.View(ctx, func(tx state.Tx) error {
		r, err = calendarOf(rules, engine.Look(tx, nil), name, year, now)
		return tx.Err()
	})
	if failed != nil {
		return r, fmt.Errorf("read the calendar: %w", failed)
	}
	return r, err
}

func calendarOf(rules *plan.Rules, v plan.View, name string, year int, now time.Time) (calendarReport, error) {
	c, person, ok := rules.Calendar(strings.ToLower(name))
	if !ok {
		c, person, ok = rules.Calendar(name)
	}
	if !ok {
		return calendarReport{}, &exitError{
			code: exitUsage, err: fmt.Errorf("%q is neither a calendar nor a person", name),
			try: "handoffd calendar show " + strings.Join(rules.Calendars(), "|"),
		}
	}
	r := calendarReport{
		Schema: 1, Calendar: c.Name(), Person: person, Timezone: c.Zone().String(), Country: c.Country(), Year: year,
		Hours: []calendarHours{}, Closed: []calendarDay{}, Shifts: []calendarShift{},
	}
	var away []sla.Closure
	if person != "" {
		r.Away = rules.Away(now, v, person)
		for _, a := range r.Away {
			away = append(away, sla.Closure{From: a.From, Until: a.Until})
		}
	}
	for _, d := range c.Week() {
		r.Hours = append(r.Hours, calendarHours{strings.ToLower(d.Day.String()), spans(d.Spans)})
	}
	for _, d := range c.ClosedIn(year) {
		r.Closed = append(r.Closed, calendarDay(d))
	}
	for _, s := range c.ShiftsIn(year) {
		r.Shifts = append(r.Shifts, calendarShift{s.At.In(c.Zone()), shift(time.Duration(s.Then-s.Before) * time.Second), s.Name})
	}
	with := c.WithClosed(away)
	r.Open, r.Next = with.Open(now), with.NextOpen(now).In(c.Zone())
	return r, nil
}

// shift writes by how much the clocks are put forward (+) or back.
func shift(by time.Duration) string {
	if by%time.Hour == 0 {
		return fmt.Sprintf("%+dh", by/time.Hour)
	}
	return fmt.Sprintf("%+dm", by/time.Minute)
}

// spans writes hours as an admin does; an end on the next day is before its
// beginning.
func spans(all []mappings.Span) string {
	var parts []string
	for _, s := range all {
		end := s.To
		if end > 24*60 {
			end -= 24 * 60
		}
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, end/60, end%60))
	}
	if len(parts) == 0 {
		return "closed"
	}
	return strings.Join(parts, ", ")
}

// tables are the report for a person, on the calendar's own clock.
func (r calendarReport) tables() []table {
	const layout = "Mon 2 Jan 2006 15:04 MST"
	head := table{head: []string{"what", "is"}}
	if r.Person != "" {
		head.add("person", r.Person)
	}
	head.add("calendar", r.Calendar)
	head.add("timezone", r.Timezone)
	if r.Country != "" {
		head.add("holidays of", r.Country)
	}
	open := "open"
	if !r.Open {
		open = "closed until " + r.Next.Format(layout)
	}
	head.add("now", open)
	hours := table{title: "Hours", head: []string{"day", "open"}}
	for _, h := range r.Hours {
		hours.add(h.Day, h.Open)
	}
	closed := table{title: "Closed in " + strconv.Itoa(r.Year), head: []string{"day", "because"}}
	for _, d := range r.Closed {
		name := d.Name
		switch {
		case d.Open:
			name += " (not kept: open)"
		case name == "":
			name = "closed_on: also"
		}
		closed.add(d.Day, name)
	}
	shifts := table{title: "Changes of the clock in " + strconv.Itoa(r.Year), head: []string{"at", "by", "then"}}
	for _, s := range r.Shifts {
		shifts.add(s.At.Format(layout), s.By, s.Name)
	}
	away := table{title: "Away", head: []string{"from", "until", "says"}}
	for _, a := range r.Away {
		away.add(a.From.In(r.Next.Location()).Format(layout), a.Until.In(r.Next.Location()).Format(layout), a.Source)
	}
	return []table{head, hours, closed, shifts, away}
}

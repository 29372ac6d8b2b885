package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/ingest"
	"github.com/handoffd/handoffd/sync/plan"
)

// status is what the daemon is doing. Counts are of what is there
// now, but Turned is since start.
type status struct {
	Schema      int                         `json:"schema"`
	Mode        string                      `json:"mode"` // "observe", "write", or "stopped" without a daemon
	Paused      bool                        `json:"paused"`
	Reconcile   []state.Reconcile           `json:"reconcile_only,omitempty"` // what is held back until approved
	Full        string                      `json:"full,omitempty"`           // why nothing is taken in: the disk is running full
	Since       time.Time                   `json:"since,omitzero"`
	Rules       string                      `json:"rules,omitempty"`
	Reload      *reload                     `json:"reload,omitempty"`
	Inbox       int                         `json:"inbox"`
	Outbox      int                         `json:"outbox"`
	Overdue     int                         `json:"overdue"`        // deadlines that have passed unaccepted
	Clocks      []overdueClock              `json:"overdue_clocks"` // what is overdue, by clock
	Refused     int                         `json:"refused"`        // writes a CRM will not take
	Unmatched   int                         `json:"unmatched"`      // signals no rule took
	Held        int                         `json:"held,omitempty"` // first writes that wait for `queue approve`
	Handoffs    map[string]int              `json:"handoffs"`       // by stage
	Connections map[string]connectionStatus `json:"connections"`
	Lists       map[string]int              `json:"lists"`        // what an admin should look at, by list
	Turned      []ingest.Turned             `json:"turned_away"`  // webhooks, by connection and reason
	Failed      []engine.Failure            `json:"failed_calls"` // calls to a CRM that failed, by connection, purpose and class
	Listed      []entry                     `json:"listed"`       // the newest entries of the lists
}

// overdueClock is what has not happened in time, by one clock of the escalations;
// "checklist" and "hold" beside them. The longest overdue handoff stands for all.
type overdueClock struct {
	Clock   string    `json:"clock"`
	Count   int       `json:"count"` // handoffs
	Since   time.Time `json:"since"` // when the longest overdue one was due
	Handoff string    `json:"handoff"`
	Owner   string    `json:"owner,omitempty"` // who answers for it
	Record  string    `json:"record"`
}

// overdue counts what is overdue of one more handoff.
func (s *status) overdue(h state.Handoff, now time.Time) {
	for _, o := range plan.OverdueOf(h, now) {
		i := slices.IndexFunc(s.Clocks, func(c overdueClock) bool { return c.Clock == o.Clock })
		if i < 0 {
			i = len(s.Clocks)
			s.Clocks = append(s.Clocks, overdueClock{Clock: o.Clock})
		}
		c := &s.Clocks[i]
		if c.Count++; c.Count > 1 && !o.By.Before(c.Since) {
			continue
		}
		ref := h.Target
		if ref.ID == "" {
			ref = h.Record
		}
		c.Since, c.Handoff, c.Owner, c.Record = o.By, h.ID, cmp.Or(h.Owner, h.Accountable), ref.String()
	}
}

type connectionStatus struct {
	State    string           `json:"state"`             // "starting", "mirroring", "live"; "down" when polls fail; "stopped" without a daemon
	Trouble  string           `json:"trouble,omitempty"` // why it cannot be polled
	Tenant   string           `json:"tenant,omitempty"`
	LiveFrom time.Time        `json:"handoffs_from,omitzero"`
	PollLag  float64          `json:"poll_lag_s"`
	Mirror   mirrorStatus     `json:"mirror"`
	Calls    map[string]int64 `json:"calls,omitempty"`
	Throttle int64            `json:"throttled"`
	// Daily is what is left of the CRM's calls of the day, where it says.
	Daily *dailyStatus `json:"daily,omitempty"`
	// Duplicates is how a second task is ruled out: "exact" or "healed".
	Duplicates string `json:"duplicate_protection,omitempty"`

	stage string // the state while a daemon runs
}

// dailyStatus is a CRM's daily limit as it last told us.
type dailyStatus struct {
	Limit int       `json:"limit"`
	Left  int       `json:"left"`
	Ends  time.Time `json:"ends,omitzero"` // when it counts anew; zero: not known
}

// downAfter is how long polls may fail before a connection counts as down.
const downAfter = time.Minute

type mirrorStatus struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// mostListed bounds the entries of lists that status shows, the newest.
const mostListed = 20

// entry is one of a list, and how many more of it say the same, where they would crowd
// out the others.
type entry struct {
	state.Listing

	More int `json:"more,omitempty"`
}

// status is the running daemon's.
func (d *daemon) status(ctx context.Context) (status, error) {
	s, err := storedStatus(ctx, d.config.Store, d.config.Wall().UTC())
	if err != nil {
		return s, err
	}
	s.Mode, s.Since, s.Rules = d.book.Rules().Mode(), d.started.UTC(), d.book.Rules().Digest()
	if d.config.Room != nil {
		if err := d.config.Room(); err != nil {
			s.Full = err.Error()
		}
	}
	if last := d.reloads.get(); !last.At.IsZero() {
		s.Reload = &last
	}
	s.Turned, s.Failed = d.turned.Refused(), d.failures.All()
	if missing := d.missing(d.config.Wall().UTC()); len(missing) > 0 {
		s.Lists[listMissing] = len(missing)
		s.Listed = newest(append(s.Listed, missing...))
	}
	for _, name := range slices.Sorted(maps.Keys(d.config.Conns)) {
		c := s.Connections[name]
		c.State = c.stage
		if t, ok := d.turned.Trouble(name); ok {
			c.Trouble = t.Text
			if d.config.Wall().Sub(t.Since) > downAfter {
				c.State = "down"
			}
		}
		if m, ok := d.config.Conns[name].(connectors.Meter); ok {
			u := m.Usage()
			c.Calls, c.Throttle = u.Calls, u.Throttled
			if u.DailyLimit > 0 {
				c.Daily = &dailyStatus{Limit: u.DailyLimit, Left: u.DailyLeft, Ends: u.DailyEnds}
			}
		}
		if f, ok := d.config.Conns[name].(connectors.Finder); ok {
			c.Duplicates = "healed"
			if f.Exact(connectors.Task) {
				c.Duplicates = "exact"
			}
		}
		s.Connections[name] = c
	}
	return s, nil
}

// storedStatus is what the state alone says.
func storedStatus(ctx context.Context, store state.Store, now time.Time) (status, error) {
	s := status{Schema: 1, Mode: "stopped"}
	err := store.View(ctx, func(tx state.Tx) error {
		s.Handoffs, s.Lists, s.Connections = map[string]int{}, map[string]int{}, map[string]connectionStatus{}
		s.Inbox, s.Outbox, s.Overdue, s.Refused, s.Unmatched = 0, 0, 0, 0, 0
		s.Listed, s.Turned, s.Failed, s.Clocks = []entry{}, []ingest.Turned{}, []engine.Failure{}, []overdueClock{}
		s.Paused, s.Reconcile = state.GetPause(tx).On, nil
		for _, r := range state.AllReconciles(tx) {
			s.Reconcile = append(s.Reconcile, r)
		}
		for range state.Prefix(tx, state.Inbox, "") {
			s.Inbox++
		}
		s.Held = 0
		for _, i := range stuck(tx, now) {
			if i.Reason == waitsForApproval {
				s.Held++
			}
		}
		for _, i := range state.AllIntents(tx) {
			if i.State == state.Parked {
				s.Refused++
			} else {
				s.Outbox++
			}
		}
		for _, h := range state.AllHandoffs(tx) {
			s.Handoffs[string(h.Stage)]++
			if h.Stage == state.Assigned && !h.AcceptBy.IsZero() && h.AcceptBy.Before(now) {
				s.Overdue++
			}
			s.overdue(h, now)
		}
		order := plan.OverdueClocks()
		slices.SortFunc(s.Clocks, func(a, b overdueClock) int {
			return slices.Index(order, a.Clock) - slices.Index(order, b.Clock)
		})
		for _, l := range unreadLeave(tx, now) {
			s.Lists[l.List]++
			s.Listed = append(s.Listed, entry{Listing: l})
		}
		for _, l := range state.AllListings(tx) {
			s.Lists[l.List]++
			s.Listed = append(s.Listed, entry{Listing: l})
		}
		s.Unmatched = s.Lists["unmatched"]
		for _, c := range state.AllConns(tx) {
			s.Connections[c.Name] = storedConnection(tx, c, now)
		}
		return tx.Err()
	})
	s.Listed = newest(s.Listed)
	return s, err
}

// newest are the entries that status shows, the newest first.
func newest(all []entry) []entry {
	slices.SortStableFunc(all, func(a, b entry) int { return b.Last.Compare(a.Last) })
	if len(all) <= mostListed {
		return all
	}
	var out []entry
	at := map[[2]string]int{} // by list and text
	for _, e := range all {
		said := [2]string{e.List, e.Text}
		if n, told := at[said]; told {
			out[n].More += 1 + e.More
			continue
		}
		at[said] = len(out)
		out = append(out, e)
	}
	return out[:min(len(out), mostListed)]
}

func storedConnection(tx state.Tx, c state.Conn, now time.Time) connectionStatus {
	cs := connectionStatus{State: "stopped", Tenant: c.Tenant, LiveFrom: c.Live, stage: "starting"}
	if c.Tenant != "" {
		cs.stage = "mirroring"
	}
	if c.Mirror {
		cs.stage = "live"
	}
	var last time.Time
	for _, cur := range state.CursorsOf(tx, c.Name) {
		cs.Mirror.Done += cur.Done
		cs.Mirror.Total += cur.Total
		if cur.At.After(last) {
			last = cur.At
		}
	}
	if !last.IsZero() {
		cs.PollLag = math.Round(10*max(now.Sub(last).Seconds(), 0)) / 10
	}
	return cs
}

func newStatusCommand(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What the daemon is doing, and what waits for a person",
		Long: "What the daemon is doing, and what waits for a person: how far each CRM has been\n" +
			"read, what is overdue, what was refused, and under \"To look at\" whatever needs an\n" +
			"admin's eye. Without a daemon it shows how the state was left.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var st status
			err := withState(cmd.Context(), "GET", "/status", &st, func(store *bolt.Store) (any, error) {
				return storedStatus(cmd.Context(), store, time.Now().UTC())
			})
			if err != nil {
				return err
			}
			if format == "table" {
				fmt.Fprintln(s.out, fitting(strings.Join(st.lead(), "\n"))+"\n")
			}
			return show(s.out, format, st, st.tables(format == "table"))
		},
	}
	formatFlag(cmd, &format)
	return cmd
}

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sethvargo/go-envconfig"
	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/ingest"
)

// status is what the daemon is doing (design §10). Counts are of what is there
// now, but Turned is since start.
type status struct {
	Schema      int                         `json:"schema"`
	Mode        string                      `json:"mode"` // "observe", "write", or "stopped" without a daemon
	Paused      bool                        `json:"paused"`
	Since       time.Time                   `json:"since,omitzero"`
	Rules       string                      `json:"rules,omitempty"`
	Reload      *reload                     `json:"reload,omitempty"`
	Inbox       int                         `json:"inbox"`
	Outbox      int                         `json:"outbox"`
	Overdue     int                         `json:"overdue"`   // deadlines that have passed unaccepted
	Refused     int                         `json:"refused"`   // writes a CRM will not take
	Unmatched   int                         `json:"unmatched"` // signals no rule took
	Handoffs    map[string]int              `json:"handoffs"`  // by stage
	Connections map[string]connectionStatus `json:"connections"`
	Lists       map[string]int              `json:"lists"`       // what an admin should look at, by list
	Turned      []ingest.Turned             `json:"turned_away"` // webhooks, by connection and reason
	Listed      []state.Listing             `json:"listed"`      // the newest entries of the lists
}

type connectionStatus struct {
	State    string           `json:"state"` // "starting", "mirroring", "live"; "down" when polls fail
	Tenant   string           `json:"tenant,omitempty"`
	LiveFrom time.Time        `json:"handoffs_from,omitzero"`
	PollLag  float64          `json:"poll_lag_s"`
	Mirror   mirrorStatus     `json:"mirror"`
	Calls    map[string]int64 `json:"calls,omitempty"`
	Throttle int64            `json:"throttled"`
	// Duplicates is how a second task is ruled out: "exact" or "healed".
	Duplicates string `json:"duplicate_protection,omitempty"`
}

type mirrorStatus struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// mostListed bounds the lists that status shows; report shows all.
const mostListed = 20

// status is the running daemon's.
func (d *daemon) status(ctx context.Context) (status, error) {
	s, err := storedStatus(ctx, d.config.Store, d.config.Wall().UTC())
	if err != nil {
		return s, err
	}
	s.Mode, s.Since, s.Rules = d.book.Rules().Mode(), d.started.UTC(), d.book.Rules().Digest()
	if last := d.reloads.get(); !last.At.IsZero() {
		s.Reload = &last
	}
	s.Turned = d.turned.Refused()
	if missing := d.missing(d.config.Wall().UTC()); len(missing) > 0 {
		s.Lists[listMissing] = len(missing)
		s.Listed = newest(append(s.Listed, missing...))
	}
	for _, name := range slices.Sorted(maps.Keys(d.config.Conns)) {
		c := s.Connections[name]
		if m, ok := d.config.Conns[name].(connectors.Meter); ok {
			u := m.Usage()
			c.Calls, c.Throttle = u.Calls, u.Throttled
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
		s.Inbox, s.Outbox, s.Overdue, s.Refused, s.Unmatched, s.Listed = 0, 0, 0, 0, 0, nil
		s.Paused = state.GetPause(tx).On
		for range state.Prefix(tx, state.Inbox, "") {
			s.Inbox++
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
			if h.Stage == state.Assigned && h.AcceptBy.Before(now) {
				s.Overdue++
			}
		}
		for _, l := range state.AllListings(tx) {
			s.Lists[l.List]++
			s.Listed = append(s.Listed, l)
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

// newest are the listings that status shows, the newest first.
func newest(all []state.Listing) []state.Listing {
	slices.SortStableFunc(all, func(a, b state.Listing) int { return b.Last.Compare(a.Last) })
	return all[:min(len(all), mostListed)]
}

func storedConnection(tx state.Tx, c state.Conn, now time.Time) connectionStatus {
	cs := connectionStatus{State: "starting", Tenant: c.Tenant, LiveFrom: c.Live}
	if c.Tenant != "" {
		cs.State = "mirroring"
	}
	if c.Mirror {
		cs.State = "live"
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
		cs.PollLag = now.Sub(last).Seconds()
		if cs.PollLag > 600 {
			cs.State = "down"
		}
	}
	return cs
}

func newStatusCommand(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What the daemon is doing, and what waits for a person",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var st status
			err := withState(cmd.Context(), "GET", "/status", &st, func(store *bolt.Store) (any, error) {
				return storedStatus(cmd.Context(), store, time.Now().UTC())
			})
			if err != nil {
				return err
			}
			return show(s.out, format, st, st.tables())
		},
	}
	formatFlag(cmd, &format)
	return cmd
}

// withState asks the running daemon, and without one opens the state itself.
// into receives the answer either way.
func withState[T any](ctx context.Context, method, path string, into *T, offline func(*bolt.Store) (any, error)) error {
	env, err := readEnvironment(ctx, envconfig.OsLookuper())
	if err != nil {
		return err
	}
	err = ask(ctx, env.State, method, path, into)
	if !errors.Is(err, errNoDaemon) {
		return err
	}
	if !fileExists(env.State) {
		return &exitError{code: exitUsage, err: fmt.Errorf("there is no state at %s, and no daemon beside it", env.State), try: "set HANDOFFD_STATE to the daemon's state file"}
	}
	store, err := openState(env.State)
	if err != nil {
		return err
	}
	answer, err := offline(store)
	if closing := store.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if v, ok := answer.(T); ok {
		*into = v
	}
	return nil
}

// tables are what a person sees.
func (st status) tables() []table {
	head := table{head: []string{"", ""}}
	mode := st.Mode
	if st.Paused {
		mode += ", writing is paused"
	}
	head.add("mode", mode)
	head.add("waiting to be decided", st.Inbox)
	head.add("waiting to be written", st.Outbox)
	head.add("overdue", st.Overdue)
	head.add("refused by a CRM", st.Refused)
	head.add("signals no rule took", st.Unmatched)
	for _, stage := range slices.Sorted(maps.Keys(st.Handoffs)) {
		head.add("handoffs "+stage, st.Handoffs[stage])
	}
	if st.Reload != nil && st.Reload.Error != "" {
		head.add("last reload", "refused: "+st.Reload.Error)
	}
	conns := table{head: []string{"connection", "state", "mirror", "last poll", "second task ruled out by"}}
	for _, name := range slices.Sorted(maps.Keys(st.Connections)) {
		c := st.Connections[name]
		conns.add(name, c.State, fmt.Sprintf("%d of %d", c.Mirror.Done, max(c.Mirror.Total, c.Mirror.Done)),
			time.Duration(c.PollLag*float64(time.Second)).Round(time.Second).String()+" ago", c.Duplicates)
	}
	turned := table{title: "Turned away", head: []string{"connection", "reason", "times", "last"}}
	for _, t := range st.Turned {
		turned.add(t.Conn, t.Reason, t.Count, t.Detail)
	}
	listed := table{title: "To look at", head: []string{"list", "what", "why", "times"}}
	for _, l := range st.Listed {
		listed.add(l.List, l.Subject, l.Text, l.Count)
	}
	return []table{head, conns, turned, listed}
}

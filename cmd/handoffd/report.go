package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/report"
)

// reportAnswer is one report.
type reportAnswer struct {
	Schema   int       `json:"schema"`
	Report   string    `json:"report"`
	Since    time.Time `json:"since,omitzero"`
	Replayed int       `json:"replayed,omitempty"` // decisions that were made again for it
	report.Agreement
}

func newReportCommand(s streams) *cobra.Command {
	var since, format string
	var replay bool
	cmd := &cobra.Command{
		Use:   "report agreement [--since TIME] [--replay]",
		Short: "What was decided while observing, beside what really happened",
		Long: "agreement: what handoffd decided while it only observed, beside what really\n" +
			"happened: who owned the record when somebody reached out to the buyer, or a working\n" +
			"day later. --replay makes the table anew from the stored decisions, each under the\n" +
			"rules it was made with. TIME is an instant, a day, or an age such as 30d.",
		Example:               "  handoffd report agreement --since 30d",
		DisableFlagsInUseLine: true,
		Args:                  takesOne("the name of a report; there is agreement"),
		ValidArgs:             []string{"agreement"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "agreement" {
				return usageError("there is no report %q; there is agreement", args[0])
			}
			from, err := sinceTime(since, time.Now())
			if err != nil {
				return err
			}
			q := url.Values{"since": {since}}
			if replay {
				q.Set("replay", "1")
			}
			var a reportAnswer
			err = withState(cmd.Context(), http.MethodGet, "/report?"+q.Encode(), &a, func(store *bolt.Store) (any, error) {
				return agreement(cmd.Context(), store, from, time.Now().UTC(), replay)
			})
			if err != nil {
				return err
			}
			if format == "table" && len(a.Types) == 0 {
				fmt.Fprintln(s.out, "Nothing was observed yet. In mode observe, and on the share of a type that `live:` leaves\nout, every decision is kept and compared with what people did.")
			}
			return show(s.out, format, a, a.tables())
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "of what was seen since `TIME`")
	cmd.Flags().BoolVar(&replay, "replay", false, "make it anew from the stored decisions")
	formatFlag(cmd, &format)
	return cmd
}

// serveReport answers `handoffd report` over the control socket.
func (d *daemon) serveReport(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	since, err := sinceTime(q.Get("since"), d.config.Wall())
	if err != nil {
		answer(w)(nil, err)
		return
	}
	answer(w)(agreement(r.Context(), d.config.Store, since, d.config.Wall().UTC(), q.Get("replay") != ""))
}

// agreement makes the table from the handoffs, or from the stored decisions.
func agreement(ctx context.Context, store state.Store, since, now time.Time, replay bool) (reportAnswer, error) {
	a := reportAnswer{Schema: 1, Report: "agreement", Since: since}
	var all []state.Handoff
	var err error
	if replay {
		all, a.Replayed, err = replayedHandoffs(ctx, store, since, now)
	} else {
		err = store.View(ctx, func(tx state.Tx) error {
			all = nil
			for _, h := range state.AllHandoffs(tx) {
				if h.Observed {
					all = append(all, h)
				}
			}
			return tx.Err()
		})
	}
	if err != nil {
		return a, fmt.Errorf("report agreement: %w", err)
	}
	a.Agreement = report.Agree(all, since)
	return a, nil
}

// replayedHandoffs makes every stored decision since an instant again, each
// under its own rules, and returns the handoffs as they leave them.
func replayedHandoffs(ctx context.Context, store state.Store, since, now time.Time) ([]state.Handoff, int, error) {
	rules := map[string]*plan.Rules{}
	last := map[string]state.Handoff{}
	n := 0
	version := func(hash string) (state.Record, bool, error) { return store.Version(ctx, hash) }
	for d, err := range store.Past(ctx, since, now.Add(time.Second)) {
		if err != nil {
			return nil, n, err
		}
		if rules[d.Rules] == nil {
			if rules[d.Rules], err = storedRules(ctx, store, d.Rules); err != nil {
				return nil, n, err
			}
		}
		c, err := plan.Replay(rules[d.Rules], d, version)
		if err != nil && !errors.Is(err, plan.ErrUnseen) {
			return nil, n, err
		}
		n++
		for _, h := range c.Handoffs {
			last[h.ID] = h
		}
	}
	var all []state.Handoff
	for _, id := range slices.Sorted(maps.Keys(last)) {
		all = append(all, last[id])
	}
	return all, n, nil
}

// storedRules are rules made anew from the texts that are kept of them.
func storedRules(ctx context.Context, store state.Store, digest string) (*plan.Rules, error) {
	var set state.RuleSet
	err := store.View(ctx, func(tx state.Tx) error {
		var ok bool
		if set, ok = state.GetRuleSet(tx, digest); !ok && tx.Err() == nil {
			return fmt.Errorf("the text of rules %s is not kept", digest)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "handoffd-rules")
	if err != nil {
		return nil, fmt.Errorf("unpack rules: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	for name, text := range set.Files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("unpack rules: %w", err)
		}
	}
	rules, _, err := loadRules(os.DirFS(dir), set.Mode)
	if err != nil {
		return nil, fmt.Errorf("rules %s do not load any more: %w", digest, err)
	}
	return rules, nil
}

func (a reportAnswer) tables() []table {
	t := table{head: []string{"type", "decided", "same owner", "different owner", "nobody", "not yet known", "record gone", "nobody free", "agreement", "sooner by"}, below: []int{5, 6, 7, 9}}
	for _, r := range a.Types {
		share, sooner := "", ""
		if known := r.Same + r.Different; known > 0 {
			share = fmt.Sprintf("%.0f %%", 100*float64(r.Same)/float64(known))
		}
		if r.FasterOf > 0 {
			sooner = fmt.Sprintf("%s (middle of %d)", time.Duration(r.Faster*float64(time.Second)).Round(time.Second), r.FasterOf)
		}
		t.add(r.Type, r.Decided, r.Same, r.Different, r.Nobody, r.Unknown, r.Gone, r.Waiting, share, sooner)
	}
	diff := table{title: "Where they differ", head: []string{"type", "rule", "we would have picked", "who had it", "times"}, below: []int{1}}
	for _, x := range a.Differences {
		diff.add(x.Type, x.Rule, x.Decided, x.Had, x.Count)
	}
	return []table{t, diff}
}

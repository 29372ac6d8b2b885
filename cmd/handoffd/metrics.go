package main

import (
	"context"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// gauges is what is read from the state and the connectors when somebody
// scrapes: how much waits, how far the polls are, what the CRMs have cost. What
// is counted as it happens stands beside the code that does it.
type gauges struct {
	d *daemon

	mu    sync.Mutex
	taken census // the last one; handoffs are counted again at most every censusAge
}

// censusAge is how old the count of handoffs and outbox entries may be: they
// are counted by walking them.
const censusAge = 10 * time.Second

// censusPage is how many rows are walked in one snapshot of the state.
const censusPage = 2000

// sendingStuck is how long a create may be unanswered before somebody should
// look: twice what a call may take.
const sendingStuck = time.Minute

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("handoffd_"+name, help, labels, nil)
}

// gaugeDescs are the metrics of gauges; cmd/handoffd/README.md lists them.
type gaugeDescs struct {
	inbox, inboxOldest, outbox, outboxOldest, stuck, dead        *prometheus.Desc
	open, unowned, overdue, breached, listed                     *prometheus.Desc
	pollLag, mirrored, calls, throttled, quota, protect, lacked  *prometheus.Desc
	config, reloaded, reloadAt, paused, reconcile, mode, dbBytes *prometheus.Desc
	build, epoch, ready                                          *prometheus.Desc
}

func newGaugeDescs() gaugeDescs {
	return gaugeDescs{
		inbox:        desc("inbox_depth", "Changes taken in and not decided.", "conn"),
		inboxOldest:  desc("inbox_oldest_seconds", "How long the oldest undecided change has waited.", "conn"),
		outbox:       desc("outbox_depth", "Writes decided and not confirmed; priority 0 is the most urgent.", "conn", "priority"),
		outboxOldest: desc("outbox_oldest_seconds", "How long the oldest unconfirmed write has waited.", "conn"),
		stuck:        desc("outbox_sending_stuck", "Creates that left over a minute ago and have not been answered or looked up. Should be 0.", "conn"),
		dead:         desc("dead_letters", "Writes a CRM will not take; a person has to look.", "conn", "reason"),
		open:         desc("handoffs_open", "Open handoffs, by stage.", "stage"),
		unowned:      desc("handoffs_unowned", "Open handoffs that nobody is accountable for. Must be 0."),
		overdue:      desc("handoffs_overdue", "Assigned handoffs whose accept-by has passed."),
		breached:     desc("handoffs_breached", "Open handoffs whose breach was told, by clock.", "clock"),
		listed:       desc("listed", "Things an admin should look at, by list.", "list"),
		pollLag:      desc("poll_lag_seconds", "How long ago an object was last polled to the end of a page.", "conn", "object"),
		mirrored:     desc("mirror_complete", "1 once accounts and open deals have been listed; until then nothing is called unmatched.", "conn"),
		calls:        desc("api_calls_total", "Calls to a CRM since start, by purpose.", "conn", "purpose"),
		throttled:    desc("rate_limited_total", "Answers of a CRM that said: too many.", "conn"),
		quota:        desc("api_quota_remaining_ratio", "What is left of the CRM's daily limit, as it last said; absent while it has not.", "conn"),
		protect:      desc("duplicate_protection", "1: the CRM itself refuses a second task with our key. 0: doubles are found and archived.", "conn"),
		lacked:       desc("fields_missing", "Mapped fields that the CRM does not show us.", "conn"),
		config:       desc("config_version", "1, labelled with the digest of the rules in force.", "digest"),
		reloaded:     desc("config_last_reload_success", "0 if the folder has been edited and the edit does not load; the rules before it stay in force."),
		reloadAt:     desc("config_last_reload_timestamp_seconds", "When the folder was last read."),
		paused:       desc("paused", "1 while an operator has stopped writing."),
		reconcile:    desc("reconcile_only", "1 while nothing is written to a connection until `handoffd approve`.", "conn"),
		mode:         desc("mode", "1, labelled observe or write.", "mode"),
		dbBytes:      desc("db_bytes", "Size of the state file."),
		build:        desc("build_info", "1, labelled with what was built.", "version", "revision", "goversion"),
		epoch:        desc("up_epoch", "How often this state has been started."),
		ready:        desc("ready", "1 while webhooks can be taken in."),
	}
}

func (d gaugeDescs) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		d.inbox, d.inboxOldest, d.outbox, d.outboxOldest, d.stuck, d.dead, d.open, d.unowned, d.overdue, d.breached, d.listed,
		d.pollLag, d.mirrored, d.calls, d.throttled, d.quota, d.protect, d.lacked,
		d.config, d.reloaded, d.reloadAt, d.paused, d.reconcile, d.mode, d.dbBytes, d.build, d.epoch, d.ready,
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range newGaugeDescs().all() {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	d := newGaugeDescs()
	set := func(desc *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	total := func(desc *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, v, labels...)
	}
	ctx, now := context.Background(), g.d.config.Wall().UTC()
	g.process(ctx, d, set)
	g.connections(d, set, total)
	if err := g.queues(ctx, d, set, now); err != nil {
		out <- prometheus.NewInvalidMetric(d.inbox, err)
		return
	}
	c, err := g.census(ctx, now)
	if err != nil {
		out <- prometheus.NewInvalidMetric(d.open, err)
		return
	}
	c.collect(d, set, now)
}

type setter func(desc *prometheus.Desc, v float64, labels ...string)

// process is what the daemon knows of itself.
func (g *gauges) process(ctx context.Context, d gaugeDescs, set setter) {
	rules := g.d.book.Rules()
	set(d.config, 1, rules.Digest())
	set(d.mode, 1, rules.Mode())
	last := g.d.reloads.get()
	set(d.reloaded, yes(last.Error == ""))
	if last.At.IsZero() {
		last.At = g.d.started
	}
	set(d.reloadAt, float64(last.At.Unix()))
	set(d.ready, yes(g.d.readiness(ctx) == nil))
	set(d.epoch, float64(g.d.epoch))
	version, revision := build()
	set(d.build, 1, version, revision, runtime.Version())
	if info, err := os.Stat(g.d.config.StatePath); err == nil {
		set(d.dbBytes, float64(info.Size()))
	}
}

func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// build is the version and the revision this binary was built from.
func build() (version, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "unknown"
	}
	version, revision = info.Main.Version, "unknown"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	if version == "" {
		version = "(devel)"
	}
	return version, revision
}

// connections is what the connectors have counted.
func (g *gauges) connections(d gaugeDescs, set, total setter) {
	for _, name := range slices.Sorted(maps.Keys(g.d.config.Conns)) {
		conn := g.d.config.Conns[name]
		if m, ok := conn.(connectors.Meter); ok {
			u := m.Usage()
			for _, purpose := range slices.Sorted(maps.Keys(u.Calls)) {
				total(d.calls, float64(u.Calls[purpose]), name, purpose)
			}
			total(d.throttled, float64(u.Throttled), name)
			if u.DailyLimit > 0 {
				set(d.quota, float64(u.DailyLeft)/float64(u.DailyLimit), name)
			}
		}
		if f, ok := conn.(connectors.Finder); ok {
			set(d.protect, yes(f.Exact(connectors.Task)), name)
		}
		set(d.lacked, float64(len(g.d.lacking(name))), name)
	}
}

// queues is what waits, and how far the polls are. Keys are counted, values
// are read for the oldest only.
func (g *gauges) queues(ctx context.Context, d gaugeDescs, set setter, now time.Time) error {
	type row struct {
		desc   *prometheus.Desc
		value  float64
		labels []string
	}
	var rows []row
	err := g.d.config.Store.View(ctx, func(tx state.Tx) error {
		rows = nil
		add := func(desc *prometheus.Desc, v float64, labels ...string) { rows = append(rows, row{desc, v, labels}) }
		add(d.paused, yes(state.GetPause(tx).On))
		held := map[string]bool{}
		for _, r := range state.AllReconciles(tx) {
			held[r.Conn] = true
		}
		for _, c := range state.AllConns(tx) {
			add(d.reconcile, yes(held[""] || held[c.Name]), c.Name)
			depth := 0
			for range state.Prefix(tx, state.Inbox, state.Key(c.Name)) {
				depth++
			}
			add(d.inbox, float64(depth), c.Name)
			add(d.inboxOldest, seconds(now, oldestChange(tx, c.Name)), c.Name)
			for rank := state.FirstRank; rank <= state.MaxRank; rank++ {
				n := 0
				for range state.Prefix(tx, state.Due, state.Key(c.Name, rank)) {
					n++
				}
				if n > 0 || rank == 0 {
					add(d.outbox, float64(n), c.Name, strconv.Itoa(rank))
				}
			}
			add(d.mirrored, yes(c.Mirror), c.Name)
			for _, w := range g.d.book.Rules().Watched(c.Name) {
				if cur, ok := state.GetCursor(tx, c.Name, w.Kind); ok {
					add(d.pollLag, seconds(now, cur.At), c.Name, string(w.Kind))
				}
			}
		}
		return tx.Err()
	})
	for _, r := range rows {
		set(r.desc, r.value, r.labels...)
	}
	return err
}

// seconds is how long ago an instant was; 0 for none.
func seconds(now, at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(now.Sub(at).Seconds(), 0)
}

// oldestChange is when the change that has waited longest came in: the first
// of its rank in the inbox.
func oldestChange(tx state.Tx, conn string) time.Time {
	var oldest time.Time
	rows := state.Table[state.Change]{Bucket: state.Inbox}
	for rank := state.FirstRank; rank <= state.MaxRank; rank++ {
		for _, c := range rows.All(tx, state.Key(conn, rank)) {
			if oldest.IsZero() || c.Came.Before(oldest) {
				oldest = c.Came
			}
			break
		}
	}
	return oldest
}

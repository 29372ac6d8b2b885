package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/cmd/checker/judge"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
)

// A whole life takes three hours in which buyers come and two days in which
// every clock runs out, the last that of the attempts.
const (
	livesCome  = 3 * time.Hour
	livesRest  = 50 * time.Hour
	livesFew   = 90
	livesStops = 20 // half of them kills at any effect
)

// livesReps leave enough to the clocks that every step of an escalation comes
// up, and work on the rest in every way there is.
func livesReps() simulators.Reps {
	return simulators.Reps{
		Ignore: 0.45, Slow: 0.2, Return: 0.15, Silent: 0.4, Tacit: 0.3, Call: 0.6, Email: 0.5, Meet: 0.3, Absent: 0.3, Next: 0.3, Finish: 0.4,
	}
}

// lifeRun is a recorded run in which people see to what they are given, or do
// not, and others meddle.
type lifeRun struct {
	*recorded
	lives int
	seed  uint64
	deeds []lateDeed // what people do late, the next first
	stops []time.Time
}

// lateDeed is something that the owner of a record does about it late.
type lateDeed struct {
	at    time.Time
	buyer simulators.Edit
}

// TestWholeLife: handoffs live from the form to their end between reps who
// accept, call, meet, return, forget and are late, people and automation that
// change owners, and a daemon that is stopped or killed twenty times. At rest
// all rules of the checker hold; no owner goes back and forth; every step of a
// clock was done once and none is missing; nobody was told of a breach who had
// acted before it; and nothing is written when it is run again (0.12, 1.93,
// 1.96). LIVES=10000 makes it ten
// thousand, LIVES_SEED another office.
func TestWholeLife(t *testing.T) {
	unraced(t)
	t.Parallel()
	if testing.Short() {
		t.Skip("lives through two days")
	}
	l := &lifeRun{lives: scale(t, "LIVES", livesFew), recorded: &recorded{
		t: t, dir: t.TempDir(), rest: t.TempDir(), unique: true, deaths: livesStops / 2,
	}, seed: uint64(scale(t, "LIVES_SEED", 5))}
	l.chance = rand.New(rand.NewPCG(l.seed, 14))
	out := cmp.Or(os.Getenv("REPORT"), filepath.Join(t.TempDir(), "report"))
	l.inBubble(t, func() { l.live(out) })
	verdicts, err := judge.Judge(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		t.Logf("%-4s %-10s %6d %s %s", v.Rule, v.Held, v.Looked, v.At, v.Why)
		if v.Held != judge.RuleHeld {
			t.Errorf("%s is %s: %s %v", v.Rule, v.Held, v.Why, v.Offence)
		}
	}
}

func (l *lifeRun) live(out string) {
	l.t.Helper()
	l.open()
	simsCtx, stopSims := context.WithCancel(l.t.Context())
	var sims errgroup.Group
	sims.Go(func() error { return l.pair.Run(simsCtx) })
	defer func() { stopSims(); _ = sims.Wait() }() // its last words are not the run's
	l.pass(2 * time.Minute)                        // the mirrors fill
	l.meddling(true)
	l.come()
	l.meddling(false)
	l.until(time.Now().Add(livesRest))
	l.run.Quiesced = true
	l.run.Ended = time.Now().UTC()
	l.again()
	l.atRest()
	l.end()
	err := judge.Save(l.t.Context(), out, judge.Source{
		Run: l.run, Acks: l.acks, State: filepath.Join(l.rest, "handoffd.db"), Rules: starter.FS(),
		Control: judge.Here(l.pair.Control()),
		Log:     l.log.Name(), Metrics: l.scrape(),
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// open starts both CRMs, with people in them, and the daemon.
func (l *lifeRun) open() {
	l.t.Helper()
	hook := "https://" + daemonHost + "/webhooks/"
	pair, err := simulators.New(simulators.Config{
		Seed: l.seed, People: 5, Faults: simulators.Faults{UniqueTasks: true, Life: simulators.Life{Reps: livesReps()}}, OrgURL: "https://" + salesforceHost,
		WebhookURL: hook + "hubspot", Transport: simulators.Carrier(map[string]http.Handler{daemonHost: http.HandlerFunc(l.receive)}),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.pair = pair
	hc, fc := pair.HubSpot.Credentials(), pair.Salesforce.Credentials()
	l.run = judge.Run{
		Seed: l.seed, Profile: "calm", Mode: "write", Began: time.Now().UTC(), PollS: recordPoll.Seconds(), LagS: 10, UniqueTasks: true,
		Conns: map[string]judge.Conn{
			"hubspot":    {Tenant: hc.PortalID, ClientSecret: hc.ClientSecret},
			"salesforce": {Tenant: fc.OrgID, ClientSecret: fc.ClientSecret, PathSecret: pathSecret},
		},
		Canaries: []string{hc.Token, hc.ClientSecret, fc.ClientSecret, pathSecret},
	}
	l.reaper = &reaper{idle: true, kill: func() {}}
	begin := time.Now()
	for n := range livesStops / 2 {
		l.stops = append(l.stops, begin.Add(livesCome*time.Duration(2*n+1)/livesStops))
	}
	l.start()
}

// meddling has people and automation change owners, or leaves records alone.
// The process may die while it goes on.
func (l *lifeRun) meddling(on bool) {
	l.t.Helper()
	life := simulators.Life{Reps: livesReps()}
	if on {
		life.Edits, life.Owners, life.Flips = 0.005, 0.0005, 0.0005
	}
	for _, sim := range []simulators.Sim{l.pair.HubSpot, l.pair.Salesforce} {
		sim.SetFaults(simulators.Faults{UniqueTasks: true, Life: life})
	}
	l.reaper.watch(on)
	if on {
		l.doom()
	} else {
		l.revive()
	}
}

// come is three hours of buyers. Of every third the owner moves at some time
// about the deadlines, if nobody has by then.
func (l *lifeRun) come() {
	l.t.Helper()
	gap := livesCome / time.Duration(l.lives)
	for n := 1; n <= l.lives; n++ {
		buyer := l.buyer(n, variants[n%3])
		if n%3 != 2 || n%2 == 0 { // across lands elsewhere
			at := time.Now().Add(time.Duration(l.draw(25*60*1000)) * time.Millisecond)
			l.deeds = append(l.deeds, lateDeed{at: at, buyer: buyer})
		}
		slices.SortFunc(l.deeds, func(a, b lateDeed) int { return a.at.Compare(b.at) })
		l.until(time.Now().Add(gap))
	}
}

// until lets time go by: people do what they do late, and the daemon is
// stopped and started when it is time.
func (l *lifeRun) until(end time.Time) {
	l.t.Helper()
	for time.Until(end) > 0 {
		next := end
		if len(l.deeds) > 0 && l.deeds[0].at.Before(next) {
			next = l.deeds[0].at
		}
		if len(l.stops) > 0 && l.stops[0].Before(next) {
			next = l.stops[0]
		}
		if l.pass(time.Until(next)); len(l.deeds) > 0 && !l.deeds[0].at.After(time.Now()) {
			l.seeTo(l.deeds[0].buyer)
			l.deeds = l.deeds[1:]
		}
		if len(l.stops) > 0 && !l.stops[0].After(time.Now()) {
			l.stops = l.stops[1:]
			l.stop()
			time.Sleep(time.Duration(l.draw(20*60)) * time.Second)
			l.start()
		}
	}
}

// seeTo is an owner who sees to a record at last.
func (l *lifeRun) seeTo(e simulators.Edit) {
	l.t.Helper()
	who := ""
	err := l.store.View(l.t.Context(), func(tx state.Tx) error {
		who = ""
		for h := range state.HandoffsOf(tx, connectors.Ref{Conn: e.CRM, Kind: connectors.Kind(e.Object), ID: e.ID}) {
			if h.Stage == state.Assigned && !h.Written.IsZero() {
				who = h.Owner
			}
		}
		return tx.Err()
	})
	if err != nil {
		l.t.Fatal(err)
	}
	if who == "" {
		return // it is seen to, or nobody's yet
	}
	status := map[string]string{"hubspot": "handoff_status", "salesforce": "Handoff_Status__c"}[e.CRM]
	e.Op, e.By, e.Fields = "update", "person:"+who, map[string]any{status: "Accepted"}
	l.edit(e)
}

// atRest looks at what has become of every handoff, with the CRMs' ledger as
// the oracle of what people did when.
func (l *lifeRun) atRest() {
	l.t.Helper()
	var handoffs []state.Handoff
	var trail []state.AuditRow
	aside := 0
	err := l.store.View(l.t.Context(), func(tx state.Tx) error {
		handoffs, trail, aside = nil, nil, 0
		for _, h := range state.AllHandoffs(tx) {
			handoffs = append(handoffs, h)
		}
		for _, row := range state.AllAudit(tx, 0) {
			trail = append(trail, row)
		}
		for _, row := range state.AllListings(tx) {
			if row.List == "quarantined" { // killed three times with it in hand (I10)
				aside++
			}
		}
		return tx.Err()
	})
	if err != nil {
		l.t.Fatal(err)
	}
	stages, done := map[state.Stage]int{}, map[string]int{}
	for _, h := range handoffs {
		stages[h.Stage]++
		if h.Stage.Open() && h.Accountable == "" {
			l.t.Errorf("%s of %s is %s and nobody answers for it", h.ID, h.Record, h.Stage)
		}
	}
	for _, row := range trail {
		if done[row.Action]++; row.Action == "loop" {
			l.t.Logf("%s %s %v", row.At, row.Subject, row.Detail)
		}
	}
	l.t.Logf("%d handoffs: %v; %d restarts", len(handoffs), stages, len(l.run.Starts)-1)
	for _, action := range slices.Sorted(maps.Keys(done)) {
		l.t.Logf("%6d %s", done[action], action)
	}
	if len(handoffs)+aside < l.lives {
		l.t.Errorf("%d handoffs of %d buyers, and %d put aside", len(handoffs), l.lives, aside)
	}
	for _, wrong := range slices.Concat(l.steps(handoffs, trail), l.actedBefore(handoffs, trail), l.backAndForth(handoffs)) {
		l.t.Error(wrong)
	}
}

// steps lists steps of clocks that were done twice, and breaches that should
// have been marked and were not.
func (l *lifeRun) steps(handoffs []state.Handoff, trail []state.AuditRow) (wrong []string) {
	times := map[string]int{}
	for _, row := range trail {
		if row.Action == "escalation" && row.Detail["clock"] != "no_activity" {
			times[row.Subject+" "+row.Detail["clock"]+" "+row.Detail["at"]+" "+row.Detail["rule"]]++
		}
	}
	for _, what := range slices.Sorted(maps.Keys(times)) {
		if times[what] > 1 {
			wrong = append(wrong, fmt.Sprintf("%s was escalated %d times", what, times[what]))
		}
	}
	for _, h := range handoffs {
		ended := cmp.Or(h.AcceptedAt, h.ClosedAt, l.run.Ended)
		if h.Stage != state.Queued && !h.AcceptBy.IsZero() && ended.After(h.AcceptBy.Add(time.Minute)) && l.up(h.AcceptBy) && h.Late["accept"].IsZero() {
			wrong = append(wrong, fmt.Sprintf("%s (%s): accepted or ended at %s, due by %s, and no breach", h.ID, h.Stage, ended, h.AcceptBy))
		}
	}
	return wrong
}

// up reports whether the daemon ran during the minute after an instant.
func (l *lifeRun) up(at time.Time) bool {
	for n, s := range l.run.Starts {
		if s.Before(at.Add(-time.Minute)) && (n >= len(l.run.Stops) || l.run.Stops[n].After(at.Add(time.Minute))) {
			return true
		}
	}
	return false
}

// actedBefore lists breaches of the accept clock that were marked although the
// owner had said before that they accept, or had given it back, or had done what
// accepts, and of the first touch although there had been one. What was done after a
// deadline makes its breach no less true; that it was told all the same is right as long
// as no poll could show it.
func (l *lifeRun) actedBefore(handoffs []state.Handoff, trail []state.AuditRow) (wrong []string) {
	type act struct {
		at    time.Time
		who   string
		value string
	}
	acts := map[connectors.Ref][]act{}
	noted := map[time.Time]time.Time{}    // a meeting that is over: from its start to when it stood in the CRM
	inMinute := map[time.Time]time.Time{} // and from the minute of its start: one that began before the handoff counts as of the assignment
	for _, c := range l.pair.History.Changes() {
		if start, ok := meetingOf(c); ok && c.Time.After(start) && noted[start].IsZero() {
			noted[start] = c.Time
			inMinute[start.Truncate(time.Minute)] = c.Time
		}
		v, ok := c.Fields["handoff_status"]
		if !ok {
			v, ok = c.Fields["Handoff_Status__c"]
		}
		if who, person := strings.CutPrefix(c.Actor, "person:"); ok && person {
			ref := connectors.Ref{Conn: c.CRM, Kind: connectors.Kind(c.Object), ID: c.ID}
			acts[ref] = append(acts[ref], act{c.Time, who, fmt.Sprint(v.To)})
		}
	}
	byID := map[string]state.Handoff{}
	for _, h := range handoffs {
		byID[h.ID] = h
	}
	stood := func(h state.Handoff, at time.Time) time.Time {
		if made, meeting := noted[at]; meeting {
			return made
		}
		if made, meeting := inMinute[at.Truncate(time.Minute)]; meeting && at.Equal(h.AssignedAt) {
			return made
		}
		return at
	}
	for _, row := range trail {
		h, ok := byID[row.Subject]
		h.TouchedAt, h.AcceptedAt = stood(h, h.TouchedAt), stood(h, h.AcceptedAt)
		if ok && row.Action == "escalation" && row.Detail["clock"] == "first_touch" && !h.TouchedAt.IsZero() && l.known(row, h.TouchedAt) {
			wrong = append(wrong, fmt.Sprintf("%s of %s: %s of %s at %s, and it was touched at %s", h.ID, h.Target, row.Action, row.Detail["clock"], row.At, h.TouchedAt))
		}
		if row.Action != "breached" && row.Action != "escalation" || row.Detail["clock"] != "accept" || !ok {
			continue
		}
		if h.AcceptedBy == row.Detail["owner"] && h.AcceptedAt.After(h.AssignedAt) && l.known(row, h.AcceptedAt) {
			wrong = append(wrong, fmt.Sprintf("%s of %s: %s at %s, and %s had taken it up by what they did at %s", h.ID, h.Target, row.Action, row.At, h.AcceptedBy, h.AcceptedAt))
		}
		for _, a := range acts[h.Target] {
			if a.at.After(h.AssignedAt) && a.at.Before(row.At.Add(-time.Second)) && a.who == row.Detail["owner"] {
				wrong = append(wrong, fmt.Sprintf("%s of %s: %s at %s, and %s had said %s at %s", h.ID, h.Target, row.Action, row.At, a.who, a.value, a.at))
			}
		}
	}
	return wrong
}

// known reports whether what was done at an instant had to be known when something was
// told: before the deadline that was told of, all of it; after it, what a poll shows.
func (l *lifeRun) known(told state.AuditRow, at time.Time) bool {
	due, err := time.Parse(time.RFC3339, told.Detail["by"])
	if over := told.Action == "breached" || told.Detail["at"] == "100%"; err == nil && over && at.After(due.Add(time.Second)) {
		return at.Before(told.At.Add(-time.Duration(l.run.LagS) * time.Second))
	}
	return at.Before(told.At.Add(-time.Second))
}

// meetingOf is when a meeting begins that a change puts into a CRM.
func meetingOf(c simulators.Change) (start time.Time, ok bool) {
	for name, layout := range map[string]string{"ActivityDateTime": "2006-01-02T15:04:05.000-0700", "hs_meeting_start_time": time.RFC3339} {
		v, set := c.Fields[name]
		if at, err := time.Parse(layout, fmt.Sprint(v.To)); set && c.Op == "create" && err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// backAndForth lists owners that we gave back to automation's face more than
// once for each handoff, and values of ours that we ourselves took back.
func (l *lifeRun) backAndForth(handoffs []state.Handoff) (wrong []string) {
	lives := map[connectors.Ref]int{}
	for _, h := range handoffs {
		lives[h.Target]++
	}
	type at struct {
		ref   connectors.Ref
		field string
	}
	last, ours := map[at]simulators.Change{}, map[at]map[string]bool{}
	again, others := map[connectors.Ref]int{}, map[connectors.Ref]time.Time{}
	for _, c := range l.pair.History.Changes() {
		ref := connectors.Ref{Conn: c.CRM, Kind: connectors.Kind(c.Object), ID: c.ID}
		if lives[ref] == 0 {
			continue
		}
		for name, v := range c.Fields {
			k := at{ref, name}
			before := last[k]
			last[k] = c
			if !strings.HasPrefix(c.Actor, "api:") {
				others[ref] = c.Time
				continue
			}
			if ours[k] == nil {
				ours[k] = map[string]bool{}
			}
			owner := name == "hubspot_owner_id" || name == "OwnerId"
			switch to := fmt.Sprint(v.To); {
			case owner && strings.HasPrefix(before.Actor, "automation:") && ours[k][to]:
				again[ref]++
			case strings.HasPrefix(before.Actor, "api:") && ours[k][to] && others[ref].Before(before.Time):
				wrong = append(wrong, fmt.Sprintf("%s.%s: we wrote %v over %v at %s, and had written it before", ref, name, v.To, v.From, c.Time))
			}
			ours[k][fmt.Sprint(v.To)] = true
		}
	}
	for ref, n := range again {
		if n > lives[ref] {
			wrong = append(wrong, fmt.Sprintf("%s: the owner was written over automation %d times for %d handoffs", ref, n, lives[ref]))
		}
	}
	slices.Sort(wrong)
	return wrong
}

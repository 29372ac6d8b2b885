package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/cmd/checker/judge"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// recorded is a run of a daemon beside both CRMs that leaves a report: buyers
// come through every door, people take records over and work them, webhooks
// get lost and doubled, replies too, the CRM is down for a while, and the
// process dies again and again.
type recorded struct {
	t      *testing.T
	dir    string
	rest   string // the state as it was at rest
	unique bool
	deaths int // how often the process dies
	pair   *simulators.Pair
	reaper *reaper
	chance *rand.Rand
	log    *os.File
	run    judge.Run

	store   *bolt.Store
	daemon  *daemon
	stop    func()
	metrics *prometheus.Registry

	mu      sync.Mutex
	open    http.Handler // of the running daemon; nil: connection refused
	acks    []judge.Ack
	listing int // lives that are still to end soon after they have read
	// refusing says that one CRM takes no updates.
	refusing bool
	// raced is a record that somebody takes over while our write is on its way.
	raced *simulators.Edit
	// hooks and births are how many webhooks, and how many creates, are still to come over
	// which the process dies.
	hooks, births int
}

const (
	pathSecret  = "a-secret-that-nobody-else-knows"
	recordBegin = "2026-03-19T14:00:00Z" // a Thursday, ten in New York
	recordPoll  = 2 * time.Minute        // the slower of the starter pack's
)

// record plays the run in a bubble and saves its report in out.
func record(t *testing.T, out string, unique bool, deaths int) {
	t.Helper()
	r := &recorded{t: t, dir: t.TempDir(), rest: t.TempDir(), unique: unique, deaths: deaths, chance: rand.New(rand.NewPCG(11, 7))}
	r.inBubble(t, func() { r.play(out) })
}

// inBubble plays in a bubble whose clock stands at recordBegin, with a log.
func (r *recorded) inBubble(t *testing.T, play func()) {
	t.Helper()
	log, err := os.Create(filepath.Join(r.dir, "daemon.log"))
	if err != nil {
		t.Fatal(err)
	}
	r.log = log
	defer log.Close()
	synctest.Test(t, func(t *testing.T) {
		r.t = t
		begin, err := time.Parse(time.RFC3339, recordBegin)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(begin))
		play()
	})
}

func (r *recorded) play(out string) {
	r.t.Helper()
	hook := "https://" + daemonHost + "/webhooks/"
	pair, err := simulators.New(simulators.Config{
		Seed: 5, Faults: simulators.Faults{UniqueTasks: r.unique}, OrgURL: "https://" + salesforceHost,
		WebhookURL: hook + "hubspot", Transport: simulators.Carrier(map[string]http.Handler{daemonHost: http.HandlerFunc(r.receive)}),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.pair = pair
	hc, fc := pair.HubSpot.Credentials(), pair.Salesforce.Credentials()
	r.run = judge.Run{
		Seed: 5, Profile: "calm", Mode: "write", Began: time.Now().UTC(), PollS: recordPoll.Seconds(), LagS: 10, WebhookLoss: 0.3, UniqueTasks: r.unique,
		Conns: map[string]judge.Conn{
			"hubspot":    {Tenant: hc.PortalID, ClientSecret: hc.ClientSecret},
			"salesforce": {Tenant: fc.OrgID, ClientSecret: fc.ClientSecret, PathSecret: pathSecret},
		},
		Quota:     map[string]int{"hubspot": 10_000, "salesforce": 10_000},
		Throttled: map[string]float64{"hubspot": 0.05, "salesforce": 0.05},
		Canaries:  []string{hc.Token, hc.ClientSecret, fc.ClientSecret, pathSecret},
	}
	r.reaper = &reaper{idle: true, kill: func() {}}
	r.reaper.watch(true)
	r.listing = 12
	r.doom()
	r.start()
	simsCtx, stopSims := context.WithCancel(r.t.Context())
	var sims errgroup.Group
	sims.Go(func() error { return pair.Run(simsCtx) })
	defer func() { stopSims(); _ = sims.Wait() }() // its last words are not the run's
	r.pass(2 * time.Minute)                        // the mirrors fill, life after life
	r.hostile()
	r.act()
	r.calm()
	time.Sleep(75 * time.Minute) // the clocks run out
	r.run.Quiesced = true        // it had the time
	r.run.Ended = time.Now().UTC()
	r.again()
	r.end()
	err = judge.Save(r.t.Context(), out, judge.Source{
		Run: r.run, Acks: r.acks, State: filepath.Join(r.rest, "handoffd.db"), Rules: starter.FS(),
		Control: judge.Here(pair.Control()),
		Log:     r.log.Name(), Metrics: r.scrape(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// hostile is how the CRMs behave while buyers come.
func (r *recorded) hostile() {
	for _, sim := range []simulators.Sim{r.pair.HubSpot, r.pair.Salesforce} {
		f := sim.Faults()
		f.Rate = map[string]float64{"429": 0.05, "503": 0.03, "401": 0.02, "applied_500": 0.05, "truncated": 0.03, "partial": 0.2}
		f.DropReply = 0.15
		f.Webhooks = simulators.WebhookFaults{Drop: 0.3, Double: 0.3, Shuffle: 0.3}
		sim.SetFaults(f)
	}
	r.reaper.watch(true)
	r.doom()
}

func (r *recorded) calm() {
	for _, sim := range []simulators.Sim{r.pair.HubSpot, r.pair.Salesforce} {
		f := sim.Faults()
		sim.SetFaults(simulators.Faults{UniqueTasks: f.UniqueTasks})
	}
	r.reaper.watch(false)
	r.revive()
}

// doom says at which effect from now on the process dies next.
func (r *recorded) doom() {
	r.reaper.mu.Lock()
	defer r.reaper.mu.Unlock()
	r.reaper.at = 0
	if r.deaths > 0 {
		r.deaths--
		r.reaper.at = r.reaper.count + 1 + r.draw(90)
	}
}

// draw is a number below n.
func (r *recorded) draw(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.chance.IntN(n)
}

// dieSoon lets the process die so many effects from now, if it is one of those
// that are to die.
func (r *recorded) dieSoon(effects int) {
	r.reaper.mu.Lock()
	defer r.reaper.mu.Unlock()
	if r.reaper.at > r.reaper.count {
		r.reaper.at = r.reaper.count + effects
	}
}

// isFatal reports whether the process is to die over one of those that are counted.
func (r *recorded) isFatal(left *int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	*left--
	return *left >= 0
}

// receive is the public listener. An answer counts from the moment its status
// is written, whatever becomes of the process afterwards.
func (r *recorded) receive(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	h := r.open
	r.mu.Unlock()
	if h == nil {
		panic(http.ErrAbortHandler)
	}
	body, err := readAll(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	answer := &answering{ResponseWriter: httptest.NewRecorder(), alive: func() bool { return !r.reaper.isDead() }}
	if r.isFatal(&r.hooks) {
		req = req.WithContext(context.WithValue(req.Context(), fatal{}, true))
	} else if r.draw(8) == 0 {
		r.dieSoon(1) // before what it brings is committed
	}
	h.ServeHTTP(answer, req)
	if answer.status == 0 {
		panic(http.ErrAbortHandler)
	}
	if answer.status/100 == 2 {
		conn, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/webhooks/"), "/")
		r.mu.Lock()
		r.acks = append(r.acks, judge.Ack{
			Time: answer.at.UTC(), Conn: conn, Method: req.Method, URL: "https://" + daemonHost + req.URL.RequestURI(),
			Header: maps.Clone(req.Header), Body: string(body),
		})
		r.mu.Unlock()
	}
	w.WriteHeader(answer.status)
}

// answering notes the status that a living process wrote.
type answering struct {
	http.ResponseWriter
	alive  func() bool
	status int
	at     time.Time
}

func (a *answering) WriteHeader(status int) {
	if a.status == 0 && a.alive() {
		a.status, a.at = status, time.Now()
	}
}

func (a *answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (r *recorded) start() {
	r.t.Helper()
	store, err := bolt.Open(filepath.Join(r.dir, "handoffd.db"), bolt.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	rules, _, err := loadRules(starter.FS(), "write")
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	r.reaper.mu.Lock()
	r.reaper.kill = cancel
	r.reaper.mu.Unlock()
	r.run.Starts = append(r.run.Starts, time.Now().UTC())
	r.metrics = prometheus.NewRegistry()
	conns := r.connect()
	d, err := newDaemon(ctx, daemonConfig{
		Rules: rules, Store: mortalStore{store, r.reaper}, Conns: conns, Registry: r.metrics,
		Secrets: map[string]connectors.Secret{"salesforce": pathSecret}, Log: slog.New(slog.NewJSONHandler(r.log, nil)),
		PublicURL: &url.URL{Scheme: "https", Host: daemonHost}, Holder: fmt.Sprint("process ", len(r.run.Starts), " ", time.Now()),
	})
	if err != nil && !errors.Is(err, errDead) {
		r.t.Fatal(err)
	}
	var running errgroup.Group
	r.store, r.daemon = store, d
	if d != nil {
		running.Go(func() error { return d.run(ctx) })
		r.listen(d.public())
	}
	r.stop = func() {
		r.listen(nil)
		cancel()
		_ = running.Wait() // its last words are not the run's
		if err := store.Close(); err != nil {
			r.t.Error(err)
		}
		r.run.Stops = append(r.run.Stops, time.Now().UTC())
	}
}

func (r *recorded) listen(h http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = h
}

func (r *recorded) connect() map[string]connectors.Connector {
	r.t.Helper()
	network := mortalTransport{next: r, r: r.reaper}
	hc, fc := r.pair.HubSpot.Credentials(), r.pair.Salesforce.Credentials()
	conns := map[string]connectors.Connector{}
	for name, set := range map[string]connectors.Settings{
		"hubspot":    {Token: connectors.Secret(hc.Token), ClientID: hc.ClientID, ClientSecret: connectors.Secret(hc.ClientSecret)},
		"salesforce": {URL: "https://" + salesforceHost, ClientID: fc.ClientID, ClientSecret: connectors.Secret(fc.ClientSecret)},
	} {
		set.Transport, set.Log = network, slog.New(slog.NewJSONHandler(r.log, nil))
		conns[name] = newConnector(r.t, name, set)
	}
	return conns
}

// pass lets time go by, and starts the process again where it has died.
func (r *recorded) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Until(end) > 0; {
		time.Sleep(min(time.Until(end), 7*time.Second))
		r.revive()
	}
}

func (r *recorded) revive() {
	if !r.reaper.isDead() {
		return
	}
	r.stop()
	r.reaper.mu.Lock()
	r.reaper.dead = false
	r.reaper.mu.Unlock()
	r.mu.Lock()
	r.listing--
	r.mu.Unlock()
	r.doom()
	r.start()
}

// edit is something that somebody does in a CRM.
func (r *recorded) edit(e simulators.Edit) string {
	r.t.Helper()
	var sim simulators.Sim = r.pair.HubSpot
	if e.CRM == "salesforce" {
		sim = r.pair.Salesforce
	}
	ids, err := sim.Edit(e)
	if err != nil {
		r.t.Fatalf("%s %s %s: %v", e.CRM, e.Op, e.Object, err)
	}
	return ids["id"]
}

// buyer fills in a form; way is one of variants.
func (r *recorded) buyer(n int, way string) simulators.Edit {
	mail := fmt.Sprintf("buyer%d@newco%d.example", n, n%17)
	e := simulators.Edit{CRM: "hubspot", Object: "contacts", Op: "submit_form", Fields: map[string]any{
		"page": "Pricing", "form": "Demo request", "email": mail, "firstname": "Buyer", "lastname": fmt.Sprint(n),
		"company": fmt.Sprintf("Newco %d", n%17), "country": "United States",
	}}
	switch way {
	case "across":
		e.Fields["form"] = "Contact sales"
	case "salesforce":
		e = simulators.Edit{CRM: "salesforce", Object: "Lead", Op: "submit_form", Fields: map[string]any{
			"form": "Pricing: Demo request", "Email": mail, "FirstName": "Buyer", "LastName": fmt.Sprint(n), "Company": fmt.Sprintf("Newco %d", n%17), "Country": "United States",
		}}
	}
	return simulators.Edit{CRM: e.CRM, Object: e.Object, ID: r.edit(e)}
}

// owners are the fields and users by which a person takes a record over.
func (r *recorded) takeOver(e simulators.Edit, who string) {
	r.t.Helper()
	field := map[string]string{"hubspot": "hubspot_owner_id", "salesforce": "OwnerId"}[e.CRM]
	e.Op, e.By, e.Fields = "update", "person:"+who, map[string]any{field: r.user(e.CRM, who)}
	r.edit(e)
}

func (r *recorded) user(conn, mail string) string {
	r.t.Helper()
	id := ""
	err := r.store.View(r.t.Context(), func(tx state.Tx) error {
		for _, u := range state.UsersOf(tx, conn) {
			if u.Email == mail {
				id = u.ID
			}
		}
		return tx.Err()
	})
	if err != nil || id == "" {
		r.t.Fatalf("%s has no user %s: %v", conn, mail, err)
	}
	return id
}

// work is a receiver who begins to work a record.
func (r *recorded) work(e simulators.Edit) {
	r.t.Helper()
	set := map[string]any{"hs_lead_status": "IN_PROGRESS"}
	if e.CRM == "salesforce" {
		set = map[string]any{"Status": "Working - Contacted"}
	}
	e.Op, e.By, e.Fields = "update", "person:ana@example.com", set
	r.edit(e)
}

// act is what people do: an hour and a half of buyers, every sixth of whom is
// taken over and every fifth worked, and an outage in the middle.
func (r *recorded) act() {
	r.t.Helper()
	var open []simulators.Edit
	for n := 1; n <= 54; n++ {
		open = append(open, r.buyer(n, variants[n%3]))
		r.pass(time.Duration(5+r.draw(40)) * time.Second)
		switch {
		case n%6 == 0:
			r.takeOver(open[n-4], "gus@example.com")
		case n%5 == 0:
			r.work(open[n-3])
		case n == 26:
			r.outage(101)
			r.outage(105)
		case n == 28:
			r.meddle()
		case n == 47:
			r.deaths = 0 // what it has begun to wait for, it waits for
			r.doom()
		case n == 33:
			r.rowsFail()
		case n == 34:
			r.contradict()
		case n == 37:
			r.dieOver(&r.hooks, 151)
		case n == 39:
			r.dieOver(&r.births, 161)
		case n == 31:
			r.buyer(7, "hubspot") // the same person once more
		case n == 44:
			r.bin(open[20], "delete")
			r.regret()
		}
	}
	r.passOn()
	r.pass(10 * time.Minute)
}

// regret has somebody delete two buyers whom nobody has accepted, and take them
// out of the bin again: their signals count anew.
func (r *recorded) regret() {
	r.t.Helper()
	both := []simulators.Edit{r.buyer(131, "hubspot"), r.buyer(132, "salesforce")}
	for _, op := range []string{"delete", "restore"} {
		r.pass(4 * time.Minute)
		for _, e := range both {
			r.bin(e, op)
		}
	}
}

func (r *recorded) bin(e simulators.Edit, op string) {
	e.Op = op
	r.edit(e)
}

// passOn has people take over two records that are being worked: no deadline
// looks at who owns those.
func (r *recorded) passOn() {
	r.t.Helper()
	for _, e := range []simulators.Edit{r.buyer(121, "hubspot"), r.buyer(122, "salesforce")} {
		r.pass(3 * time.Minute)
		r.work(e)
		r.pass(3 * time.Minute)
		r.takeOver(e, "gus@example.com")
	}
}

// outage is a while in which one CRM is read from and takes no updates: owners
// that were decided in it are written after it. People do not wait: they give
// the records to others meanwhile.
func (r *recorded) outage(from int) {
	r.t.Helper()
	defer r.peace()()
	r.refuse(true)
	deaf := r.pair.HubSpot.Faults()
	deaf.SearchLag = 20 * time.Minute // a poll does not come upon it in time, which would read it as it is then
	r.pair.HubSpot.SetFaults(deaf)
	var late []simulators.Edit
	for n := range 4 {
		late = append(late, r.buyer(from+n, "hubspot"))
	}
	r.pass(12 * time.Second)
	deaf.Webhooks = simulators.WebhookFaults{Drop: 1} // and nobody tells
	r.pair.HubSpot.SetFaults(deaf)
	for n, e := range late {
		if n%2 == 0 {
			r.takeOver(e, "gus@example.com")
		}
	}
	r.pass(10 * time.Second)
	r.refuse(false)
	r.pass(time.Minute)
}

// rowsFail is a while in which a row of every batch fails: with one or two rows, most
// often the only one.
func (r *recorded) rowsFail() {
	r.t.Helper()
	defer r.peace()()
	f := r.pair.HubSpot.Faults()
	f.Rate = map[string]float64{"partial": 1}
	r.pair.HubSpot.SetFaults(f)
	r.buyer(141, "hubspot")
	r.pass(20 * time.Second)
	r.buyer(142, "hubspot")
	r.pass(20 * time.Second)
}

// contradict has a receiver accept some handoffs in the CRM that carries them, and give them
// back in the one they came from, of which we hear later.
func (r *recorded) contradict() {
	r.t.Helper()
	defer r.peace()()
	there := r.pair.Salesforce.Faults()
	defer func() { r.pair.Salesforce.SetFaults(there) }()
	r.pair.Salesforce.SetFaults(simulators.Faults{UniqueTasks: there.UniqueTasks})
	for n := 171; n <= 178; n++ {
		from := r.buyer(n, "across")
		r.pass(3 * time.Minute)
		lead := r.carrier(from)
		calm := r.pair.HubSpot.Faults()
		deaf := calm
		deaf.Webhooks, deaf.SearchLag = simulators.WebhookFaults{Drop: 1}, 20*time.Minute
		r.pair.HubSpot.SetFaults(deaf)
		r.says(from, "handoff_status", "Returned")
		r.pass(8 * time.Second)
		r.says(lead, "Handoff_Status__c", "Accepted")
		r.pass(3 * time.Minute)
		r.pair.HubSpot.SetFaults(calm)
	}
}

// says is what a receiver sets a field to.
func (r *recorded) says(e simulators.Edit, field, word string) {
	r.t.Helper()
	e.Op, e.By, e.Fields = "update", "person:ana@example.com", map[string]any{field: word}
	r.edit(e)
}

// carrier is the record in Salesforce that carries a handoff.
func (r *recorded) carrier(of simulators.Edit) simulators.Edit {
	r.t.Helper()
	var at connectors.Ref
	err := r.store.View(r.t.Context(), func(tx state.Tx) error {
		for h := range state.HandoffsOf(tx, connectors.Ref{Conn: of.CRM, Kind: connectors.Kind(of.Object), ID: of.ID}) {
			at = h.Target
		}
		return tx.Err()
	})
	if err != nil || at.Conn != "salesforce" || at.ID == "" {
		r.t.Fatalf("the handoff of %s %s is carried by %s: %v", of.Object, of.ID, at, err)
	}
	return simulators.Edit{CRM: at.Conn, Object: string(at.Kind), ID: at.ID}
}

// dieOver has the process die over three webhooks before what they bring is committed,
// or over three creates when they are done: of each is one counted, what is not
// acknowledged is sent again, and the deaths that are left to chance stay as many.
func (r *recorded) dieOver(counted *int, from int) {
	r.t.Helper()
	defer r.peace()()
	for n := range 3 {
		r.reaper.watch(true)
		r.mu.Lock()
		*counted = 1
		r.mu.Unlock()
		r.deaths++
		r.buyer(from+n, "hubspot")
		r.pass(20 * time.Second)
	}
}

// peace is a while in which nothing else goes wrong, until what it returns is
// called.
func (r *recorded) peace() func() {
	was := r.pair.HubSpot.Faults()
	r.pair.HubSpot.SetFaults(simulators.Faults{UniqueTasks: was.UniqueTasks})
	r.reaper.watch(false)
	r.revive()
	return func() {
		r.pair.HubSpot.SetFaults(was)
		r.reaper.watch(true)
	}
}

// meddle has people take over four records while our write of their owner is
// on its way.
func (r *recorded) meddle() {
	r.t.Helper()
	defer r.peace()()
	for n := 111; n <= 114; n++ {
		e := r.buyer(n, "hubspot")
		r.mu.Lock()
		r.raced = &e
		r.mu.Unlock()
		r.pass(time.Minute)
	}
	r.mu.Lock()
	r.raced = nil
	r.mu.Unlock()
}

// overtake lets somebody change the owner of a record that a call is about to
// write, once.
func (r *recorded) overtake(req *http.Request) error {
	body, err := readAll(req)
	if err != nil {
		return err
	}
	r.mu.Lock()
	e := r.raced
	if e != nil && bytes.Contains(body, []byte(`"`+e.ID+`"`)) && bytes.Contains(body, []byte(`"hubspot_owner_id"`)) {
		r.raced = nil
	} else {
		e = nil
	}
	r.mu.Unlock()
	if e != nil {
		before := r.pair.HubSpot.Faults()
		untold := before
		untold.Webhooks = simulators.WebhookFaults{Drop: 1}
		r.pair.HubSpot.SetFaults(untold) // of this change nobody tells, of our write somebody will
		r.takeOver(*e, "gus@example.com")
		time.Sleep(50 * time.Millisecond) // of a bubble
		r.pair.HubSpot.SetFaults(before)
	}
	return nil
}

func (r *recorded) refuse(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusing = on
}

// RoundTrip answers in a CRM's place while it takes no updates.
func (r *recorded) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	refusing := r.refusing
	r.mu.Unlock()
	if strings.HasSuffix(req.URL.Path, "/contacts/batch/update") {
		if refusing {
			rec := httptest.NewRecorder()
			rec.WriteHeader(http.StatusServiceUnavailable)
			return rec.Result(), nil
		}
		if err := r.overtake(req); err != nil {
			return nil, err
		}
	}
	r.mu.Lock()
	if r.listing > 0 {
		r.dieSoon(3 + r.listing%4) // about when what was read is kept
	}
	r.mu.Unlock()
	body, err := readAll(req)
	if err != nil {
		return nil, err
	}
	resp, err := simulators.Carrier(map[string]http.Handler{hubspotHost: r.pair.HubSpot, salesforceHost: r.pair.Salesforce}).RoundTrip(req)
	switch { // it has happened, and nobody knows
	case !creates(req.URL.Path, body):
	case r.isFatal(&r.births):
		r.reaper.dieNow()
	case r.draw(5) == 0:
		r.dieSoon(1)
	}
	return resp, err
}

// again keeps the state at rest, starts the daemon once more on it, and counts
// what that does to the CRMs.
func (r *recorded) again() {
	before := len(r.pair.History.Snapshot())
	r.stop()
	if err := os.CopyFS(r.rest, os.DirFS(r.dir)); err != nil {
		r.t.Fatal(err)
	}
	r.start()
	time.Sleep(20 * time.Minute)
	second := &judge.Second{}
	for _, e := range r.pair.History.Snapshot()[before:] {
		second.Calls++
		if e.Applied {
			second.Writes++
		}
	}
	r.run.Second = second
}

func (r *recorded) end() { r.stop() }

func (r *recorded) scrape() []byte {
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(r.metrics, promhttp.HandlerOpts{}).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return rec.Body.Bytes()
}

// TestReport judges a run by its report: with nothing wrong, every rule that it
// looks at holds, whether or not tasks can be unique. REPORT=folder keeps the
// report there and judges nothing, so that it can be judged by another build.
func TestReport(t *testing.T) {
	unraced(t)
	t.Parallel()
	for _, unique := range []string{"yes", "no"} {
		t.Run("unique tasks "+unique, func(t *testing.T) {
			t.Parallel()
			if to := os.Getenv("REPORT"); to != "" {
				if only := os.Getenv("REPORT_UNIQUE"); only == "" || only == unique {
					record(t, to, unique == "yes", 60)
				}
				return
			}
			out := filepath.Join(t.TempDir(), "report")
			record(t, out, unique == "yes", 60)
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
		})
	}
}

// readAll reads a request's body and puts it back.
func readAll(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

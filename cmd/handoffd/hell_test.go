package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/handoffd/handoffd/cmd/checker/judge"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
)

// hellRun is the real daemon beside crmsim at its worst: buyers fill in forms
// on both sides, people and automation meddle, webhooks and outbound messages
// get lost, doubled and late. Then it calms down, and what is left is judged
// by the checker.
type hellRun struct {
	*killTest
	length  time.Duration // for which buyers come
	each    int           // buyers of each variant
	lag     time.Duration // of the search index, at most
	poll    time.Duration // of HubSpot
	sync    string        // --sync
	front   *front
	watch   *watcher
	run     judge.Run
	reports string
}

const (
	hellShort  = 45 * time.Second // what .ci/run has time for; HELL=10m takes twenty minutes
	hellFew    = 60
	hellMany   = 2000
	hellSecret = "a-path-that-nobody-else-knows"
	hellTouch  = 12 * time.Second // the longest clock of the rules, and how long a return may be without a reason
	hellSettle = 48 * time.Second // longer than two steps of any clock are apart: the last of accept comes at three times its 30 seconds
)

// hellConnections are how the starter pack's connections are polled here; the
// calendars and tiers are the demo's, so that clocks run out within the run.
const hellConnections = `mode: write
connections:
  hubspot:
    crm: hubspot
    mapping: mappings/hubspot.yaml
    changes_from: {webhooks: yes, poll_every: %d seconds}
  salesforce:
    crm: salesforce
    mapping: mappings/salesforce.yaml
    changes_from: {outbound_messages: yes, poll_every: %d seconds}
never:
  - {name: competitor, if: {person.email_domain: {in: competitors}}}
`

// hellAuthority is what has to be chosen where the native sync is on.
const hellAuthority = `authority:
  owner: salesforce
  created_in_salesforce_by: handoffd
`

// newHell makes a run of a length, with as many buyers as that has time for.
func newHell(t *testing.T, length time.Duration, each int) *hellRun {
	t.Helper()
	bin := t.TempDir()
	h := &hellRun{
		killTest: &killTest{
			t: t, dir: shortDir(t), seed: seedWanted(t), unique: "yes",
			daemon: buildBinary(t, bin, "./cmd/handoffd", ""), crmsim: buildBinary(t, bin, "./cmd/crmsim", ""),
		},
		length: length, each: each, sync: "off",
		lag: min(5*time.Minute, length/15), poll: min(15*time.Second, length/15),
	}
	h.reports = filepath.Join(h.dir, "report")
	if to := os.Getenv("HELL_REPORT"); to != "" {
		h.reports = filepath.Join(to, strings.ReplaceAll(t.Name(), "/", "-"))
	}
	return h
}

// front stands before the daemon's listener and writes down what it
// acknowledges.
type front struct {
	url string
	to  func() string // where the daemon listens

	mu   sync.Mutex
	acks []judge.Ack
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+f.to()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler) // the daemon is down
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if resp.StatusCode/100 == 2 {
		conn, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/webhooks/"), "/")
		f.mu.Lock()
		f.acks = append(f.acks, judge.Ack{
			Time: time.Now().UTC(), Conn: conn, Method: r.Method, URL: f.url + r.URL.RequestURI(), Header: r.Header.Clone(), Body: string(body),
		})
		f.mu.Unlock()
	}
	w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer)
}

// open starts crmsim at its worst and the daemon beside it.
func (h *hellRun) open() {
	h.t.Helper()
	h.webhook = freeAddress(h.t)
	h.front = &front{to: func() string { return h.webhook }}
	h.front.url = "http://" + serveFront(h.t, h.front)
	cmd := exec.CommandContext(h.t.Context(), h.crmsim, "serve", "--profile", "hell", "--people", "5", "--sync", h.sync,
		"--seed", strconv.FormatUint(h.seed, 10), "--unique-tasks", h.unique,
		"--hubspot-webhooks", h.front.url+"/webhooks/hubspot", "--salesforce-messages", h.front.url+"/webhooks/salesforce/"+hellSecret)
	cmd.Stderr = os.Stderr
	h.ready(cmd, &h.sim)
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	h.wires = map[string]*wire{"hubspot": {url: h.sim.HubSpot.URL}, "salesforce": {url: h.sim.Salesforce.URL}}
	h.post("/faults", fmt.Sprintf(`{"search_lag":%q}`, h.lag))
	// As doctor asks: who took a lead out of its line is nowhere else to be seen.
	h.post("/setup", `{"crm":"salesforce","setup":{"track_history":["Lead.OwnerId"]}}`)
	if h.length < 5*time.Minute { // there is no time to wait for who comes back minutes later
		h.post("/faults", `{"life":{"restores":0,"deactivations":0}}`)
	}
	h.rules()
	h.more = []string{
		"HANDOFFD_CONFIG=" + h.folder(), "HANDOFFD_PUBLIC_URL=" + h.front.url, "HANDOFFD_SALESFORCE_WEBHOOK_SECRET=" + hellSecret,
	}
	h.run = judge.Run{
		Seed: h.seed, Profile: "hell", Mode: "write", Began: time.Now().UTC(), PollS: h.poll.Seconds(), LagS: h.lag.Seconds(),
		WebhookLoss: 0.5, UniqueTasks: h.unique == "yes",
		Conns: map[string]judge.Conn{
			"hubspot":    {Tenant: h.sim.HubSpot.PortalID, ClientSecret: h.sim.HubSpot.ClientSecret},
			"salesforce": {Tenant: h.sim.Salesforce.OrgID, ClientSecret: h.sim.Salesforce.ClientSecret, PathSecret: hellSecret},
		},
		Throttled: map[string]float64{"hubspot": 0.15, "salesforce": 0.15},
		Canaries:  []string{h.sim.HubSpot.Token, h.sim.HubSpot.ClientSecret, h.sim.Salesforce.ClientSecret, hellSecret},
	}
	h.begin()
	h.until("intake to be open", func() bool { return h.readyz() == http.StatusOK }) // all that runs at rest runs by then
	h.watch = newWatcher(h)
}

func (h *hellRun) folder() string { return filepath.Join(h.dir, "rules") }

// rules writes the folder that the daemon runs on.
func (h *hellRun) rules() {
	h.t.Helper()
	err := os.CopyFS(h.folder(), demoFolder())
	if err == nil {
		text := fmt.Sprintf(hellConnections, max(1, int(h.poll.Seconds())), max(1, int(h.poll.Seconds())))
		if h.sync != "off" {
			text += hellAuthority
		}
		err = os.WriteFile(filepath.Join(h.folder(), "handoffd.yaml"), []byte(text), 0o600)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.rewrite("sla.yaml", `first_touch_within: \d+ seconds`, fmt.Sprintf("first_touch_within: %d seconds", int(hellTouch.Seconds())))
	h.rewrite("handoffs/*.yaml", `then: return_to_giver`, fmt.Sprintf("then: return_to_giver, ask_after: %d seconds", int(hellTouch.Seconds())))
}

// rewrite replaces what a pattern finds in files of the folder.
func (h *hellRun) rewrite(files, pattern, with string) {
	h.t.Helper()
	names, err := filepath.Glob(filepath.Join(h.folder(), files))
	if err != nil || len(names) == 0 {
		h.t.Fatalf("%s: %v", files, err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, regexp.MustCompile(pattern).ReplaceAll(raw, []byte(with)), 0o600)
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *hellRun) begin() {
	h.t.Helper()
	h.run.Starts = append(h.run.Starts, time.Now().UTC())
	h.start()
}

// end stops the daemon as an operator does.
func (h *hellRun) end() {
	h.t.Helper()
	_ = h.process.Process.Signal(os.Interrupt)
	if err := h.process.Wait(); err != nil {
		h.t.Errorf("the daemon did not stop cleanly: %v\n%s", err, h.lastWords())
	}
	h.run.Stops = append(h.run.Stops, time.Now().UTC())
}

// post asks crmsim's control API for something.
func (h *hellRun) post(path, body string) []byte {
	h.t.Helper()
	resp, err := http.Post(h.sim.Control.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		h.t.Fatalf("POST %s %.200s: %s %s %v", path, body, resp.Status, raw, err)
	}
	return raw
}

// buyers lets them come, one of each variant at a time, evenly.
func (h *hellRun) buyers() {
	h.t.Helper()
	every := time.NewTicker(h.length / time.Duration(h.each))
	defer every.Stop()
	for n := 1; n <= h.each; n++ {
		edits := make([]json.RawMessage, 0, len(variants))
		for _, way := range variants {
			edits = append(edits, hellForm(n, way))
		}
		raw, err := json.Marshal(edits)
		if err != nil {
			h.t.Fatal(err)
		}
		h.post("/edit", string(raw))
		select {
		case <-h.t.Context().Done():
			return
		case <-every.C:
		}
	}
}

// hellForm is a form that a buyer fills in, so that a handoff of the variant
// starts.
func hellForm(n int, way string) json.RawMessage {
	const form = `{"crm":"hubspot","object":"contacts","op":"submit_form","fields":{"page":"Pricing","form":%q,"email":%q,` +
		`"firstname":"Buyer","lastname":"No %d","company":%q,"country":"United States"}}`
	const lead = `{"crm":"salesforce","object":"Lead","op":"submit_form","fields":{"form":"Pricing: Demo request","Email":%q,` +
		`"FirstName":"Buyer","LastName":"No %d","Company":%q,"Country":"United States"}}`
	mail, company := fmt.Sprintf("%s%d@newco%d.example", way, n, n%211), fmt.Sprintf("Newco %d", n%211)
	switch way {
	case "salesforce":
		return fmt.Appendf(nil, lead, mail, n, company)
	case "across":
		return fmt.Appendf(nil, form, "Contact sales", mail, n, company)
	}
	return fmt.Appendf(nil, form, "Demo request", mail, n, company)
}

// calm ends the trouble and delivers what is late. What the index has missed
// comes with the next change of the record: somebody edits them all.
func (h *hellRun) calm() {
	h.t.Helper()
	h.post("/faults", `{}`)
	if h.sync != "off" {
		h.post("/sync", `{"on":false}`)
	}
	h.comeBack()
	var d struct{ Delivered, Failed, Dropped, Pending int }
	if err := json.Unmarshal(h.post("/deliver", ""), &d); err != nil || d.Pending > 0 {
		h.t.Errorf("webhooks that are still to come: %+v %v", d, err)
	}
	h.t.Logf("calm: webhooks %+v", d)
	h.editAll("contacts", "jobtitle")
	h.editAll("companies", "city")
	h.editAll("deals", "hs_next_step")
}

// comeBack waits until everybody is back who has left for a while: what is then
// decided about their records is no second decision.
func (h *hellRun) comeBack() {
	h.t.Helper()
	for end := time.Now().Add(12 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) { // a process outside
		var life bytes.Buffer
		var deeds map[string]simulators.Deeds
		err := judge.From(h.sim.Control.URL)(h.t.Context(), "/life", &life)
		if err == nil {
			err = json.Unmarshal(life.Bytes(), &deeds)
		}
		if err != nil {
			h.t.Fatal(err)
		}
		away := 0
		for _, d := range deeds {
			away += d.Done["leave"] - d.Done["return"]
		}
		if away == 0 {
			h.t.Logf("people and automation: %v", deeds)
			return
		}
	}
	h.t.Error("somebody has not come back")
}

// editAll lets somebody edit a field of every record of a kind that no rule
// looks at. Those that were merged away meanwhile are refused.
func (h *hellRun) editAll(kind, field string) {
	h.t.Helper()
	edited, refused := 0, 0
	for _, r := range h.worlds()["hubspot"][kind] {
		edit := fmt.Sprintf(`{"crm":"hubspot","object":%q,"op":"update","id":%q,"fields":{%q:"Springfield"}}`, kind, r.ID, field)
		resp, err := http.Post(h.sim.Control.URL+"/edit", "application/json", strings.NewReader(edit))
		if err != nil {
			h.t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // so that the connection serves again
		_ = resp.Body.Close()
		if edited++; resp.StatusCode != http.StatusOK {
			refused++
		}
	}
	if refused > edited/2 {
		h.t.Errorf("%d of %d edits of %s were refused", refused, edited, kind)
	}
}

// settle waits until nothing waits to be decided or written, nobody waits for somebody who
// is free, as they all are back, and has not for as long as the CRM's index may be late and
// the longest clock runs.
func (h *hellRun) settle() {
	h.t.Helper()
	quiet := h.lag + 2*h.poll + hellSettle
	deadline := time.Now().Add(2*h.length + quiet + 2*time.Minute)
	var st status
	for since := time.Now(); time.Since(since) < quiet; time.Sleep(500 * time.Millisecond) { // a process outside
		st = status{} // a stage that nothing is at any more is left out of the answer
		err := ask(h.t.Context(), h.statePath(), http.MethodGet, "/status", &st)
		if err != nil || st.Inbox > 0 || st.Outbox > 0 || st.Handoffs[string(state.Queued)] > 0 {
			since = time.Now()
		}
		if time.Now().After(deadline) {
			h.t.Errorf("the daemon did not come to rest: %d wait to be decided, %d to be written, %v, failed calls %v (%v)", st.Inbox, st.Outbox, st.Handoffs, st.Failed, err)
			return
		}
	}
	h.run.Quiesced = true
	h.t.Logf("at rest: handoffs %v, lists %v, refused %d, unmatched %d", st.Handoffs, st.Lists, st.Refused, st.Unmatched)
}

// again starts the daemon once more on the state at rest, and counts what it
// does to the CRMs in two rounds of polls.
func (h *hellRun) again() {
	h.t.Helper()
	h.end()
	at := time.Now().UTC()
	h.begin()
	time.Sleep(2*h.poll + 5*time.Second) // a process outside
	h.run.Ended = time.Now().UTC()
	h.end()
	second := &judge.Second{}
	h.history(func(e exchange) {
		if e.Time.Before(at) {
			return
		}
		second.Calls++
		if e.Applied {
			second.Writes++
			h.t.Logf("the second start wrote: %s %s %.300s", e.Method, e.Path, e.Request)
		}
	})
	h.run.Second = second
}

// exchange is one call of crmsim's history.
type exchange struct {
	Time    time.Time       `json:"time"`
	Method  string          `json:"method"`
	Path    string          `json:"path"`
	Applied bool            `json:"applied"`
	Request json.RawMessage `json:"request"`
}

func (h *hellRun) history(each func(exchange)) {
	h.t.Helper()
	resp, err := http.Get(h.sim.Control.URL + "/history")
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); ; {
		var e exchange
		switch err := dec.Decode(&e); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			h.t.Fatal(err)
		}
		each(e)
	}
}

// save writes the report and judges it.
func (h *hellRun) save() []judge.Verdict {
	h.t.Helper()
	ctx := context.WithoutCancel(h.t.Context())
	h.front.mu.Lock()
	defer h.front.mu.Unlock()
	err := judge.Save(ctx, h.reports, judge.Source{
		Run: h.run, Acks: h.front.acks, State: h.statePath(), Rules: os.DirFS(h.folder()),
		Control: judge.From(h.sim.Control.URL), Log: h.logPath(), Metrics: h.watch.last(),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	verdicts, err := judge.Judge(ctx, h.reports)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, v := range verdicts {
		h.t.Logf("%-4s %-10s %6d %s %s", v.Rule, v.Held, v.Looked, v.At, v.Why)
		for _, o := range v.Offence {
			h.t.Errorf("%s %d×: %s", v.Rule, v.Broken, o)
		}
	}
	return verdicts
}

// hellWanted is how long and how full a run is: 45 s with 60 buyers of each
// variant, or HELL with 2,000, or HELL_BUYERS.
func hellWanted(t *testing.T) (length time.Duration, each int) {
	t.Helper()
	length, each = hellShort, hellFew
	if text := os.Getenv("HELL"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 15*time.Second {
			t.Fatalf("HELL=%s: %v", text, errors.Join(err, errors.New("it must be 15s at least")))
		}
		length, each = d, hellMany
	}
	if text := os.Getenv("HELL_BUYERS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("HELL_BUYERS=%s: %v", text, errors.Join(err, errors.New("it must be a number from 1")))
		}
		each = n
	}
	return length, each
}

// TestHell: whatever the CRMs and their people do, every signal ends in exactly
// one outcome, the second start on the state at rest writes nothing, and
// nothing grows in the process once the load is over (L9, I1, I2, I4, C2, C8,
// C9, C14; A1 to A15).
func TestHell(t *testing.T) {
	unraced(t)
	long(t, "HELL")
	t.Parallel()
	length, each := hellWanted(t)
	h := newHell(t, length, each)
	h.open()
	h.play()
	h.save()
	h.watch.judge(t, 3*each)
}

func (h *hellRun) play() {
	h.t.Helper()
	h.watch.phase("load")
	h.buyers()
	h.watch.phase("calm")
	h.calm()
	h.settle()
	h.watch.stop()
	h.again()
}

// TestHellSync: with HubSpot's own Salesforce connector between the two CRMs,
// a round every few seconds and the last change winning, nothing is written
// round in circles: no field of a record more than four times (C13).
func TestHellSync(t *testing.T) {
	t.Parallel()
	if testing.Short() || os.Getenv("HELL") == "" {
		t.Skip("takes minutes: bash .ci/long hell")
	}
	h := newHell(t, 2*time.Minute, 100)
	h.sync = "recent"
	h.open()
	h.post("/sync", `{"every":"10s","owner":true}`)
	h.play()
	h.save()
	resp, err := http.Get(h.sim.Control.URL + "/sync")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	did, err := io.ReadAll(resp.Body)
	t.Logf("the sync: %.600s %v", did, err)
	h.loops()
}

// mostWrites is how often one field of one handoff may be written in an hour.
const mostWrites = 4

// loops looks in the ledger for fields that we have written more often than
// that.
func (h *hellRun) loops() {
	h.t.Helper()
	var all bytes.Buffer
	if err := judge.From(h.sim.Control.URL)(h.t.Context(), "/changes", &all); err != nil {
		h.t.Fatal(err)
	}
	times, most := map[string]int{}, 0
	for dec := json.NewDecoder(&all); dec.More(); {
		var c simulators.Change
		if err := dec.Decode(&c); err != nil {
			h.t.Fatal(err)
		}
		if !strings.HasPrefix(c.Actor, "api:") || c.Op != "update" && c.Op != "create" {
			continue
		}
		for field := range c.Fields {
			at := strings.Join([]string{c.CRM, c.Object, c.ID, field}, " ")
			times[at]++
			most = max(most, times[at])
		}
	}
	h.t.Logf("%d fields were written by us, none more than %d times", len(times), most)
	for _, at := range slices.Sorted(maps.Keys(times)) {
		if times[at] > mostWrites {
			h.t.Errorf("%s was written %d times", at, times[at])
		}
	}
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
	"github.com/handoffd/handoffd/sync/plan"
)

// manyDecisions is how many stored decisions are made again.
const manyDecisions = 10_000

// The hosts of buyers that rules treat apart.
const (
	rivalHost  = "rival.example"  // refused by the starter pack
	secondHost = "second.example" // refused by the edited rules only
)

// past is a state that many decisions were made on, by the deciding path the
// daemon runs. No connector is near: whatever would call a CRM has none.
type past struct {
	t       *testing.T
	store   *bolt.Store
	decider *engine.Decider
	book    *engine.Book
	now     time.Time
	asks    []engine.Ask
	seconds map[connectors.Ref]bool // first signals from secondHost: what the edit is about
	kinds   map[string]int
}

// TestReplayAfterRestart makes 10,000 stored decisions again, after a restart,
// a part of them from the files of their months, each under the rules whose
// texts are stored beside them: the same bytes every time (G1).
// Under an edited list exactly the decisions differ that it is about.
func TestReplayAfterRestart(t *testing.T) {
	unraced(t)
	t.Parallel()
	path := filepath.Join(t.TempDir(), "handoffd.db")
	p := &past{t: t, seconds: map[connectors.Ref]bool{}, kinds: map[string]int{}}
	p.open(path)
	p.decideMany(manyDecisions)
	if _, err := p.store.Archive(t.Context(), p.now.Add(-36*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := p.store.Close(); err != nil {
		t.Fatal(err)
	}
	p.reopen(path)
	t.Cleanup(func() {
		if err := p.store.Close(); err != nil {
			t.Error(err)
		}
	})
	rules := p.stored()
	if len(rules) != 2 {
		t.Fatalf("%d rule sets are stored, want 2", len(rules))
	}
	here, away := p.replayAll(rules)
	t.Logf("%d decisions in the state, %d in the months before; %v", here, away, p.kinds)
	if here+away < manyDecisions || here < manyDecisions/20 || away < manyDecisions/20 {
		t.Errorf("%d decisions in the state and %d archived, want %d in all and some of each", here, away, manyDecisions)
	}
	for _, kind := range []string{"observed", "fired", "delivered", "accepted"} {
		if p.kinds[kind] < manyDecisions/100 {
			t.Errorf("%d decisions are of kind %s: too few to say anything", p.kinds[kind], kind)
		}
	}
	p.edited()
}

// starterFolder is the starter pack with words replaced: file, old, new, …
func starterFolder(t testing.TB, edits ...string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	files, err := fs.Glob(starter.FS(), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	more, err := fs.Glob(starter.FS(), "*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, more...) {
		raw, err := fs.ReadFile(starter.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: raw}
	}
	for i := 0; i+2 < len(edits); i += 3 {
		name, old := edits[i], edits[i+1]
		if !strings.Contains(string(out[name].Data), old) {
			t.Fatalf("%s does not contain %q", name, old)
		}
		out[name].Data = []byte(strings.Replace(string(out[name].Data), old, edits[i+2], 1))
	}
	return out
}

func compiled(t testing.TB, folder fs.FS, mode string) *plan.Rules {
	t.Helper()
	rules, problems, err := loadRules(folder, mode)
	if err != nil {
		t.Fatalf("%v: %v", err, problems)
	}
	return rules
}

// open starts on a new file, with the mirror of a company that has existed for
// a while.
func (p *past) open(path string) {
	p.t.Helper()
	p.reopen(path)
	p.now = time.Date(2026, 2, 20, 13, 0, 0, 0, time.UTC)
	live := p.now.Add(-time.Hour)
	p.book = engine.NewBook(compiled(p.t, starterFolder(p.t, "handoffd.yaml", "mode: observe", "mode: write"), ""))
	mirror := engine.NewMirror()
	err := p.store.Update(p.t.Context(), func(tx state.Tx) error {
		for _, conn := range []string{"hubspot", "salesforce"} {
			state.PutConn(tx, state.Conn{Name: conn, Tenant: "1", Live: live, Mirror: true})
			for i, who := range []string{"ana", "ben", "cleo", "isla", "dev", "erin", "farah", "gus", "jo", "kim", "morgan", "vera", "tomas", "hugh", "revops"} {
				state.PutUser(tx, conn, connectors.User{ID: fmt.Sprint(100 + i), Email: who + "@example.com", Active: who != "cleo"})
			}
			for i := range 200 {
				state.PutRecord(tx, account(conn, i, live))
			}
		}
		keepRules(tx, p.book.Rules(), p.now)
		return tx.Err()
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := mirror.Fill(p.t.Context(), p.store, []string{"hubspot", "salesforce"}); err != nil {
		p.t.Fatal(err)
	}
	p.decider = &engine.Decider{
		Store: p.store, Book: p.book, Mirror: mirror, Wall: func() time.Time { return p.now },
		Metrics: engine.NewMetrics(prometheus.NewRegistry()),
	}
}

func (p *past) reopen(path string) {
	p.t.Helper()
	store, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.store = store
}

// account is the i-th company of a CRM; some are large, some are owned by a
// customer's manager, some are named accounts.
func account(conn string, i int, live time.Time) state.Record {
	kind := connectors.Kind("companies")
	if conn == "salesforce" {
		kind = "Account"
	}
	f := map[string]string{"name": fmt.Sprintf("Company %d Inc", i), "domain": fmt.Sprintf("company%d.example", i), "country": "US", "employees": fmt.Sprint(i * 37)}
	switch i % 10 {
	case 0:
		f["is_customer"], f["owner"] = "yes", fmt.Sprint(106+i/10%2)
	case 1:
		f["named_account"], f["owner"] = "yes", fmt.Sprint(104+i/10%2)
	}
	return state.Record{
		Ref: connectors.Ref{Conn: conn, Kind: kind, ID: fmt.Sprintf("c%d", i)}, Noun: "company", Version: "1",
		CreatedAt: live.Add(-1000 * time.Hour), ModifiedAt: live.Add(-1000 * time.Hour), Fields: f,
	}
}

// decideMany lets buyers come, timers fire, writes be answered and reps accept
// until so many decisions are stored. Late a reload changes a weight.
func (p *past) decideMany(most int) {
	p.t.Helper()
	stored, swapped := 0, false
	for n := 0; stored < most; n++ {
		p.asks = append(p.asks, engine.Ask{Event: p.signal(n)})
		p.now = p.now.Add(11 * time.Minute)
		if n%20 < 19 {
			continue
		}
		stored += p.decide()
		p.due()
		stored += p.decide()
		if stored > most*3/4 && !swapped {
			swapped = true
			p.swap(compiled(p.t, starterFolder(p.t, "teams.yaml", "{who: ana@example.com,  weight: 2}", "{who: ana@example.com,  weight: 5}"), "write"))
		}
	}
}

func (p *past) swap(r *plan.Rules) {
	p.t.Helper()
	err := p.store.Update(p.t.Context(), func(tx state.Tx) error {
		keepRules(tx, r, p.now)
		return tx.Err()
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.book.Swap(r)
}

// signal is the n-th buyer's form, in one of the three variants.
func (p *past) signal(n int) plan.Observed {
	host := fmt.Sprintf("company%d.example", n%200)
	switch {
	case n%17 == 3:
		host = rivalHost
	case n%19 == 4:
		host = secondHost
	case n%5 == 1:
		host = "gmail.com"
	}
	at := p.now.Add(-time.Minute).Truncate(time.Second)
	rec := state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: fmt.Sprint(5000 + n)}, Noun: "person", Version: at.Format(time.RFC3339),
		CreatedAt: at, ModifiedAt: at, Fields: map[string]string{
			"email": fmt.Sprintf("buyer%d@%s", n, host), "email_domain": host, "full_name": fmt.Sprintf("Buyer %d", n), "last_name": fmt.Sprint("Buyer ", n),
			"company_name": fmt.Sprintf("Company %d", n%200), "country": []string{"US", "GB", "DE"}[n%3], "title": "CTO",
			"last_form": "Pricing: Demo request", "last_form_at": at.Format(time.RFC3339),
		},
	}
	switch n % 3 {
	case 1:
		rec.Fields["last_form"] = "Contact: Contact sales"
	case 2:
		rec.Ref = connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: fmt.Sprintf("00Q%d", n)}
	}
	if host == secondHost {
		p.seconds[rec.Ref] = true
	}
	return plan.Observed{Record: rec, Via: []string{"webhook", "poll"}[n%2], Came: p.now}
}

// decide decides what has gathered, answering needs, and gathers what follows
// from it. It returns how many decisions were stored.
func (p *past) decide() (stored int) {
	p.t.Helper()
	asks := p.asks
	p.asks = nil
	for len(asks) > 0 {
		verdicts, err := p.decider.Decide(p.t.Context(), nil, asks)
		if err != nil {
			p.t.Fatal(err)
		}
		var again []engine.Ask
		for i, v := range verdicts {
			switch {
			case v.Panic+v.Wait != "":
				p.t.Fatalf("%T: %s%s", asks[i].Event, v.Panic, v.Wait)
			case len(v.Needs) > 0:
				again = append(again, answeredBy(asks[i], v.Needs))
			case !v.Changes.Empty():
				stored++
				p.follow(v.Changes, asks[i].Event)
			}
		}
		asks = again
	}
	return stored
}

// answeredBy answers every need: nobody, or, for every other buyer, one lead
// who is there already.
func answeredBy(ask engine.Ask, needs []state.Need) engine.Ask {
	answers := engine.Answers{}
	maps.Copy(answers, ask.Answers)
	rec := ask.Event.(plan.Observed).Record
	for _, n := range needs {
		answers[n.ID()] = engine.Answer{}
		if strings.HasSuffix(rec.Ref.ID, "5") {
			lead := rec
			lead.Ref = connectors.Ref{Conn: n.Conn, Kind: n.Question.Kinds[len(n.Question.Kinds)-1], ID: "00Qold" + rec.Ref.ID}
			answers[n.ID()] = engine.Answer{Records: []state.Record{lead}}
		}
	}
	ask.Answers = answers
	return ask
}

// follow gathers what a CRM and its people do next: writes are answered, now
// and then refused, and some reps accept.
func (p *past) follow(c state.Changes, ev plan.Event) {
	for n, i := range c.Intents {
		ref := i.Write.Ref
		if ref.ID == "" {
			ref.ID = "new" + i.Write.Key[:8]
		}
		d := plan.Delivered{Intent: i, Ref: ref, Version: p.now.Format(time.RFC3339)}
		if len(p.asks)%31 == 7 {
			d.Ref, d.Version, d.Class, d.Err = i.Write.Ref, "", "invalid", "a validation rule"
		}
		p.asks = append(p.asks, engine.Ask{Event: d, Done: func(tx state.Tx) { state.DropIntent(tx, i.Write.Key) }})
		o, ok := ev.(plan.Observed)
		if ok && n == 0 && len(p.asks)%3 == 0 && o.Record.Fields["handoff_status"] == "" {
			p.asks = append(p.asks, engine.Ask{Event: p.accepted(o.Record, i.Write.Set)})
		}
	}
}

// accepted is the record after our write and the owner's answer.
func (p *past) accepted(rec state.Record, written map[string]any) plan.Observed {
	at := p.now.Add(time.Minute)
	rec.Version, rec.ModifiedAt, rec.ModifiedBy = at.Format(time.RFC3339), at, "101"
	rec.Fields = maps.Clone(rec.Fields)
	rec.Fields["handoff_status"] = "Accepted"
	for _, owner := range []string{"hubspot_owner_id", "OwnerId"} {
		if id, ok := written[owner].(string); ok {
			rec.Fields["owner"] = id
		}
	}
	return plan.Observed{Record: rec, Via: "webhook", Came: p.now}
}

// due gathers the timers that are due, as a lane does.
func (p *past) due() {
	p.t.Helper()
	err := p.store.View(p.t.Context(), func(tx state.Tx) error {
		for timer := range state.TimersUntil(tx, p.now) {
			p.asks = append(p.asks, engine.Ask{
				Event: plan.Fired{Timer: timer, Fresh: len(p.asks)%7 != 0},
				Done: func(tx state.Tx) {
					if !slices.ContainsFunc(slices.Collect(state.TimersUntil(tx, timer.Due)), func(now state.Timer) bool { return now == timer }) {
						return // set anew
					}
					state.CancelTimer(tx, timer.ID)
				},
			})
			if len(p.asks) == 200 {
				break
			}
		}
		return tx.Err()
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// stored rebuilds every rule set the state holds, by digest.
func (p *past) stored() map[string]*plan.Rules {
	p.t.Helper()
	sets := map[string]state.RuleSet{}
	err := p.store.View(p.t.Context(), func(tx state.Tx) error {
		for d, err := range p.store.Past(context.WithoutCancel(p.t.Context()), time.Time{}, p.now.Add(time.Hour)) {
			if err != nil {
				return err
			}
			if _, ok := sets[d.Rules]; !ok {
				sets[d.Rules], _ = state.GetRuleSet(tx, d.Rules)
			}
		}
		return tx.Err()
	})
	if err != nil {
		p.t.Fatal(err)
	}
	rules := map[string]*plan.Rules{}
	for digest, set := range sets {
		folder := fstest.MapFS{}
		for name, text := range set.Files {
			folder[name] = &fstest.MapFile{Data: []byte(text)}
		}
		rules[digest] = compiled(p.t, folder, set.Mode)
		if got := rules[digest].Digest(); got != digest {
			p.t.Fatalf("the texts stored for rules %s give %s", digest, got)
		}
	}
	return rules
}

func (p *past) version(hash string) (state.Record, bool, error) {
	return p.store.Version(p.t.Context(), hash)
}

// replayAll makes every stored decision again and compares it with what was
// decided. It says how many stood in the state and how many in files of months.
func (p *past) replayAll(rules map[string]*plan.Rules) (here, away int) {
	p.t.Helper()
	bad := 0
	for d, err := range p.store.Past(p.t.Context(), time.Time{}, p.now.Add(time.Hour)) {
		if err != nil {
			p.t.Fatal(err)
		}
		again, err := plan.Replay(rules[d.Rules], d, p.version)
		if err != nil {
			p.t.Fatal(err)
		}
		outcome, err := plan.Outcome(again)
		if err != nil {
			p.t.Fatal(err)
		}
		if outcome != d.Outcome {
			if bad++; bad < 5 {
				p.t.Errorf("decision %s on %s of %s came out differently", d.ID, d.Record, d.At)
			}
		}
		ev, err := plan.DecodeEvent(d.Event)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, h := range again.Handoffs {
			p.kinds[string(h.Stage)]++
		}
		p.kinds[strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", ev), "plan."))]++
		if p.inState(d) {
			here++
		} else {
			away++
		}
	}
	if bad > 0 {
		p.t.Errorf("%d decisions came out differently", bad)
	}
	return here, away
}

func (p *past) inState(d state.Decision) (ok bool) {
	_ = p.store.View(p.t.Context(), func(tx state.Tx) error {
		_, ok = state.GetDecision(tx, state.DecisionKey(d))
		return tx.Err()
	})
	return ok
}

// names are what every outcome says of the rules it was made under.
var names = regexp.MustCompile(`"(rules|decision|handoff_decision_id)":"[a-z0-9]{26}"`)

// edited makes the decisions since the reload again with one more host among
// the competitors: those differ in which a buyer from there was first seen,
// and no others.
func (p *past) edited() {
	p.t.Helper()
	weight := []string{"teams.yaml", "{who: ana@example.com,  weight: 2}", "{who: ana@example.com,  weight: 5}"}
	was := compiled(p.t, starterFolder(p.t, weight...), "write")
	now := compiled(p.t, starterFolder(p.t, append(weight, "lists.yaml", "["+rivalHost+"]", "["+rivalHost+", "+secondHost+"]")...), "write")
	differ, want := 0, 0
	for d, err := range p.store.Past(p.t.Context(), time.Time{}, p.now.Add(time.Hour)) {
		if err != nil {
			p.t.Fatal(err)
		}
		if d.Rules != was.Digest() {
			continue
		}
		before, after := p.said(was, d), p.said(now, d)
		ev, err := plan.DecodeEvent(d.Event)
		if err != nil {
			p.t.Fatal(err)
		}
		o, first := ev.(plan.Observed)
		first = first && p.seconds[o.Record.Ref] && o.Record.Fields["handoff_status"] == ""
		if first {
			want++
		}
		if before != after {
			differ++
		}
		if first != (before != after) {
			p.t.Errorf("decision on %s, first seen from %s: %v; differs under the edited rules: %v", d.Record, secondHost, first, before != after)
		}
	}
	if want == 0 {
		p.t.Error("no decision is about the edited list")
	}
	p.t.Logf("%d decisions differ under the edited list, %d are about it", differ, want)
}

// said is an outcome without the names of rules and decision.
func (p *past) said(r *plan.Rules, d state.Decision) string {
	p.t.Helper()
	c, err := plan.Replay(r, d, p.version)
	if err != nil {
		p.t.Fatal(err)
	}
	raw, err := json.Marshal(c)
	if err != nil {
		p.t.Fatal(err)
	}
	return names.ReplaceAllString(string(raw), "")
}

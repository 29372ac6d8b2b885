package plan_test

import (
	stdcmp "cmp"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/match"
	"github.com/handoffd/handoffd/sync/plan"
)

// base is a folder of three types, kept apart from the starter pack so that the
// tests say what they rest on.
const base = "testdata/base"

// folder is the base with some files replaced or added.
func folder(t testing.TB, edits map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	root := os.DirFS(base)
	err := fs.WalkDir(root, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, ".yaml") {
			return err
		}
		raw, err := fs.ReadFile(root, p)
		out[p] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range edits {
		if text == "" {
			delete(out, name)
			continue
		}
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// edit replaces words in a file of the starter pack, "write" mode included.
func edit(t testing.TB, name string, pairs ...string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(base + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s does not contain %q", name, pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return map[string]string{name: text}
}

// writing is the starter pack in write mode with further edits.
func writing(t testing.TB, edits ...map[string]string) *plan.Rules {
	t.Helper()
	all := edit(t, "handoffd.yaml", "mode: observe", "mode: write")
	for _, e := range edits {
		for name, text := range e {
			all[name] = text
		}
	}
	return compile(t, folder(t, all))
}

// failer is *testing.T and *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func compile(t testing.TB, fsys fs.FS) *plan.Rules {
	t.Helper()
	doc, ds := mappings.Load(fsys)
	if mappings.Failed(ds) {
		t.Fatalf("load: %s", mappings.Render(ds, doc.Files))
	}
	rules, ds := plan.Compile(doc)
	if mappings.Failed(ds) {
		t.Fatalf("compile: %s", mappings.Render(ds, doc.Files))
	}
	return rules
}

// world is a store and an index in maps.
type world struct {
	records  map[connectors.Ref]state.Record
	handoffs map[string]state.Handoff
	triggers map[string]state.Trigger
	pools    map[string]state.Pool
	users    []user
	same     map[connectors.Ref]state.Same
	located  map[string][]state.Record
	trails   map[string]state.Trail // by record id, or that and the field; absent: the CRM does not tell
	conns    map[string]state.Conn
	load     map[string]int
	leave    map[string][]state.Leave
	intents  map[string]state.Intent
	timers   map[string]state.Timer
	told     map[string]state.Told
	paces    map[string]state.Pace
	notes    map[string]state.Note
	befores  map[connectors.Ref]state.Before
	budgets  map[string]state.Budget
	aliases  []state.Alias
	listings []state.Listing
	audit    []state.AuditRow
	err      error
}

type user struct {
	conn string
	connectors.User
}

var (
	monday = time.Date(2026, 3, 16, 14, 0, 0, 0, time.UTC) // 10:00 in New York, 14:00 in London
	live   = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

func everyone() []string {
	return []string{"ana", "ben", "cleo", "isla", "dev", "erin", "farah", "gus", "jo", "kim", "morgan", "vera", "tomas", "hugh", "revops"}
}

// newWorld has both connections live, their mirrors filled, and everybody of
// the starter pack as a user of both: ana is u-ana.
func newWorld() *world {
	w := &world{
		records: map[connectors.Ref]state.Record{}, handoffs: map[string]state.Handoff{}, triggers: map[string]state.Trigger{},
		told: map[string]state.Told{}, paces: map[string]state.Pace{},
		pools: map[string]state.Pool{}, same: map[connectors.Ref]state.Same{}, located: map[string][]state.Record{},
		conns: map[string]state.Conn{}, load: map[string]int{}, intents: map[string]state.Intent{}, timers: map[string]state.Timer{}, notes: map[string]state.Note{}, budgets: map[string]state.Budget{},
	}
	for _, c := range []string{"hubspot", "salesforce"} {
		w.conns[c] = state.Conn{Name: c, Live: live, Mirror: true}
		for _, n := range everyone() {
			w.users = append(w.users, user{c, connectors.User{ID: "u-" + n, Email: n + "@example.com", Active: true}})
		}
	}
	return w
}

func (w *world) Record(ref connectors.Ref) (state.Record, bool) {
	r, ok := w.records[ref]
	return r, ok
}

func (w *world) Handoff(id string) (state.Handoff, bool) { h, ok := w.handoffs[id]; return h, ok }

func (w *world) Pool(team string) (state.Pool, bool) { p, ok := w.pools[team]; return p, ok }

func (w *world) Same(ref connectors.Ref) (state.Same, bool) { s, ok := w.same[ref]; return s, ok }

func (w *world) Budget(who string) (state.Budget, bool) { t, ok := w.budgets[who]; return t, ok }

func (w *world) Timer(id string) (state.Timer, bool) { t, ok := w.timers[id]; return t, ok }

// ticking counts the timers of a clock.
func (w *world) ticking(clock string) int {
	n := 0
	for _, t := range w.timers {
		if t.Clock == clock {
			n++
		}
	}
	return n
}

func (w *world) Told(key string) (state.Told, bool) { t, ok := w.told[key]; return t, ok }

func (w *world) Pace(name string) (state.Pace, bool) { p, ok := w.paces[name]; return p, ok }

func (w *world) Crowd(q plan.Crowd) []state.Record {
	var out []state.Record
	for _, r := range w.records {
		linked := slices.Contains(r.Links, q.Account) || len(r.Links) == 0 && q.Domain != "" && r.Fields["email_domain"] == q.Domain
		if r.Noun == q.Noun && r.Ref.Conn == q.Account.Conn && linked && !r.Deleted && q.Fits(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b state.Record) int {
		if byDate := strings.Compare(b.Fields[q.Word], a.Fields[q.Word]); byDate != 0 {
			return byDate
		}
		return strings.Compare(a.Ref.String(), b.Ref.String())
	})
	return out
}

func (w *world) Conn(name string) (state.Conn, bool) { c, ok := w.conns[name]; return c, ok }
func (w *world) Err() error                          { return w.err }
func (w *world) Before(ref connectors.Ref) (state.Before, bool) {
	b, ok := w.befores[ref]
	return b, ok
}

func (w *world) keepBefore(b state.Before) {
	if w.befores == nil {
		w.befores = map[connectors.Ref]state.Before{}
	}
	w.befores[b.Ref] = b
}

// Alike builds an index of the accounts that are there.
func (w *world) Alike(conn string, l match.Lead, weights *match.Weights) match.Alike {
	var orgs []match.Org
	records := map[string]state.Record{}
	for _, r := range w.records {
		if r.Noun == "company" && r.Ref.Conn == conn && !r.Deleted {
			orgs = append(orgs, match.OrgOf(r))
			records[r.Ref.ID] = r
		}
	}
	out := match.Alike{Near: match.NewIndex(orgs).Near(weights, l)}
	for _, e := range out.Near.Found {
		a := match.Account{Record: records[e.ID]}
		for _, k := range l.Keys() {
			a.Denied = append(a.Denied, w.denied(conn, k, a.Record.Ref)...)
		}
		out.Accounts = append(out.Accounts, a)
	}
	return out
}

// denied is the key, where somebody has said that it is not the account's.
func (w *world) denied(conn, key string, account connectors.Ref) []string {
	for _, alias := range w.Aliases(conn, key) {
		if alias.Account == account && alias.Denies() {
			return []string{key}
		}
	}
	return nil
}

func (w *world) Aliases(conn, key string) []state.Alias {
	var out []state.Alias
	for _, a := range w.aliases {
		if a.Conn == conn && a.Key == key {
			out = append(out, a)
		}
	}
	return out
}

func (w *world) Note(hash string) (state.Note, bool) { n, ok := w.notes[hash]; return n, ok }

func (w *world) Located(n state.Need) ([]state.Record, bool) {
	r, ok := w.located[n.ID()]
	return r, ok
}

func (w *world) Trail(n state.Need) (state.Trail, bool) {
	for _, key := range []string{n.Past.ID + " " + n.Past.Field, n.Past.ID} {
		if t, ok := w.trails[key]; ok {
			return t, true
		}
	}
	return state.Trail{Unseen: true}, true
}

func (w *world) Intent(key string) (state.Intent, bool) {
	i, ok := w.intents[key]
	return i, ok
}

func (w *world) Trigger(typ string, ref connectors.Ref) (state.Trigger, bool) {
	t, ok := w.triggers[typ+ref.String()]
	return t, ok
}

func (w *world) Handoffs(ref connectors.Ref) []state.Handoff {
	var out []state.Handoff
	for _, h := range w.handoffs {
		if h.Record == ref || h.Target == ref {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b state.Handoff) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (w *world) HandoffsAt(account connectors.Ref) []state.Handoff {
	var out []state.Handoff
	for _, h := range w.handoffs {
		if h.Account == account && h.Record != account && h.Target != account && (h.Stage.Open() || h.Back != nil && h.Stage == state.Completed) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b state.Handoff) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (w *world) HandoffOfTask(key string) (state.Handoff, bool) {
	for _, h := range w.handoffs {
		for _, e := range h.Effects {
			if e.Task && e.Key == key {
				return h, true
			}
		}
	}
	return state.Handoff{}, false
}

func (w *world) User(conn, id string) (connectors.User, bool) {
	for _, u := range w.users {
		if u.conn == conn && u.ID == id {
			return u.User, true
		}
	}
	return connectors.User{}, false
}

func (w *world) UserByEmail(conn, email string) (connectors.User, bool) {
	for _, u := range w.users {
		if u.conn == conn && u.Email == email {
			return u.User, true
		}
	}
	return connectors.User{}, false
}

func (w *world) Unaccepted(person string) int {
	n := w.load[person]
	for _, h := range w.handoffs {
		who := h.Owner
		if h.Observed {
			who = state.Observing(who)
		}
		if who == person && h.Stage == state.Assigned {
			n++
		}
	}
	return n
}

func (w *world) Leave(who string, now time.Time) []state.Leave {
	var out []state.Leave
	for _, l := range w.leave[who] {
		l.Away = slices.DeleteFunc(slices.Clone(l.Away), func(a connectors.Absence) bool { return !a.Until.After(now) })
		if len(l.Away) > 0 {
			out = append(out, l)
		}
	}
	return out
}

func (w *world) Candidates(q match.Query) []match.Account {
	var out []match.Account
	for _, r := range w.records {
		if r.Noun != "company" || r.Ref.Conn != q.Conn || r.Deleted {
			continue
		}
		var via []match.Via
		if r.Ref == q.Link {
			via = append(via, match.ByLink)
		}
		for _, k := range q.Keys() {
			if slices.Contains(match.Keys(r), k) {
				way, _, _ := strings.Cut(k, ":")
				via = append(via, match.Via(way))
			}
		}
		a := match.Account{Record: r, Via: via}
		for _, k := range q.Keys() {
			a.Denied = append(a.Denied, w.denied(q.Conn, k, r.Ref)...)
			for _, alias := range w.Aliases(q.Conn, k) {
				if alias.Account == r.Ref && alias.Counts() {
					a.Via, a.Confirmed = append(a.Via, match.KeyVia(k)), stdcmp.Or(a.Confirmed, k)
				}
			}
		}
		if len(a.Via) == 0 {
			continue
		}
		for _, d := range w.records {
			if d.Noun == "deal" && slices.Contains(d.Links, r.Ref) {
				a.Deals = append(a.Deals, d)
			}
		}
		slices.SortFunc(a.Deals, func(a, b state.Record) int { return strings.Compare(a.Ref.String(), b.Ref.String()) })
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b match.Account) int { return strings.Compare(a.Record.Ref.String(), b.Record.Ref.String()) })
	return out
}

func (w *world) Sharing(conn, key string) []state.Record {
	var out []state.Record
	for _, r := range w.records {
		if r.Ref.Conn == conn && !r.Deleted && r.MovedTo.IsZero() && slices.Contains(match.Keys(r), key) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b state.Record) int { return strings.Compare(a.Ref.String(), b.Ref.String()) })
	return out
}

// apply remembers what was decided, as state.Apply does.
func (w *world) apply(c state.Changes) {
	for _, r := range c.Records {
		w.records[r.Ref] = r
	}
	for _, t := range c.Triggers {
		w.triggers[t.Type+t.Record.String()] = t
	}
	for _, h := range c.Handoffs {
		w.handoffs[h.ID] = h
	}
	for _, id := range c.Cancel {
		delete(w.timers, id)
	}
	for _, t := range c.Timers {
		w.timers[t.ID] = t
	}
	for _, k := range c.Withdraw {
		delete(w.intents, k)
	}
	for _, i := range c.Intents {
		w.intents[i.Write.Key] = i
	}
	for _, p := range c.Pools {
		w.pools[p.Team] = p
	}
	for _, t := range c.Told {
		w.told[t.Key] = t
	}
	for _, p := range c.Paces {
		w.paces[p.Name] = p
	}
	for _, g := range c.Gone {
		for i := range w.users {
			if w.users[i].conn == g.Conn && w.users[i].ID == g.ID {
				w.users[i].Active = false
			}
		}
	}
	for _, s := range c.Same {
		for _, ref := range s.Refs {
			w.same[ref] = s
		}
	}
	for _, a := range c.Aliases {
		w.aliases = slices.DeleteFunc(w.aliases, func(o state.Alias) bool { return o.Conn == a.Conn && o.Key == a.Key && o.Account == a.Account })
		w.aliases = append(w.aliases, a)
	}
	for _, b := range c.Befores {
		w.keepBefore(b)
	}
	for _, n := range c.Notes {
		w.notes[n.Hash] = n
	}
	for _, t := range c.Budgets {
		w.budgets[t.Who] = t
	}
	w.listings = append(w.listings, c.Listings...)
	w.audit = append(w.audit, c.Audit...)
}

// decide decides twice and through a replay, which have to agree, and applies
// the outcome.
func (w *world) decide(t failer, r *plan.Rules, now time.Time, ev plan.Event) state.Changes {
	t.Helper()
	seen := plan.Record(w)
	c, err := r.Decide(now, seen, ev)
	if err != nil {
		t.Fatalf("decide: %v", err)
	}
	replayed(t, r, now, seen, ev, c)
	twice, err := r.Decide(now, w, ev)
	if diff := cmp.Diff(c, twice); diff != "" || err != nil {
		t.Fatalf("decided twice, differently: %v %s", err, diff)
	}
	saysOneThing(t, c)
	if len(c.Needs) == 0 && c.Wait == "" {
		w.apply(c)
	}
	return c
}

// saysOneThing: one deciding never writes whose a handoff is, or how far, and then
// something else; what joins it may raise its tier and deadlines.
func saysOneThing(t failer, c state.Changes) {
	t.Helper()
	said := map[string]any{}
	for _, i := range c.Intents {
		for _, name := range []string{"handoff_accountable", "handoff_status", "hubspot_owner_id", "OwnerId"} {
			v, says := i.Write.Set[name]
			at := i.Handoff + " " + i.Write.Ref.String() + " " + name
			if was, twice := said[at]; says && twice && i.Write.Ref.ID != "" && !cmp.Equal(was, v) {
				t.Fatalf("one deciding writes %s as %v and, in %s, as %v", at, was, i.Step, v)
			}
			if says {
				said[at] = v
			}
		}
	}
}

func contact(id string, fields map[string]string) state.Record {
	return state.Record{
		Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Noun: "person", Version: "1",
		CreatedAt: monday.Add(-time.Hour), ModifiedAt: monday.Add(-time.Minute), Fields: fields,
	}
}

// demo is a contact who has just asked for a demo.
func demo(id, email string, more ...string) state.Record {
	_, host, _ := strings.Cut(email, "@")
	r := contact(id, map[string]string{
		"email": email, "email_domain": host, "last_form": "Pricing: Demo request",
		"last_form_at": monday.Add(-time.Minute).Format(time.RFC3339),
	})
	for i := 0; i < len(more); i += 2 {
		r.Fields[more[i]] = more[i+1]
	}
	return r
}

func company(conn, id string, fields map[string]string) state.Record {
	kind := connectors.Kind("companies")
	if conn == "salesforce" {
		kind = "Account"
	}
	return state.Record{
		Ref: connectors.Ref{Conn: conn, Kind: kind, ID: id}, Noun: "company", Version: "1", CreatedAt: live.Add(-time.Hour), Fields: fields,
	}
}

func (w *world) add(rs ...state.Record) {
	for _, r := range rs {
		w.records[r.Ref] = r
	}
}

func see(r state.Record) plan.Observed {
	return plan.Observed{Record: r, Via: "webhook", Came: monday, Read: monday}
}

func (w *world) steps() map[string]state.Intent {
	out := map[string]state.Intent{}
	for _, i := range w.intents {
		out[i.Step] = i
	}
	return out
}

func (w *world) only(t testing.TB) state.Handoff {
	t.Helper()
	if len(w.handoffs) != 1 {
		t.Fatalf("%d handoffs, want 1: %v", len(w.handoffs), w.handoffs)
	}
	for _, h := range w.handoffs {
		return h
	}
	return state.Handoff{}
}

package storetest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
)

// decision is the n-th of a series an hour apart, with what it saw.
func decision(n int, at time.Time) (state.Decision, []state.Record) {
	seen := []state.Record{
		{Ref: contact(n), Noun: "person", Version: fmt.Sprint(n), ModifiedAt: at, Fields: map[string]string{"email": fmt.Sprintf("p%d@example.com", n)}},
		{Ref: contact(-1), Noun: "company", Version: "1", Fields: map[string]string{"name": "seen by every decision"}},
	}
	d := state.Decision{
		At: at, Rules: "rules", Event: json.RawMessage(`{"record":"contacts/1"}`),
		Saw:     json.RawMessage(fmt.Sprintf(`{"records":[%q,%q]}`, state.RecordHash(seen[0]), state.RecordHash(seen[1]))),
		Outcome: "outcome", Handoff: fmt.Sprintf("h%d", n%2), Record: contact(n),
		Why: []state.Reason{{Rule: "demo.yaml:3", Text: "because"}},
	}
	d.ID = state.Digest(fmt.Sprint(n))
	return d, seen
}

// decide stores n decisions, an hour apart from at on.
func decide(t *testing.T, s state.Store, n int, at time.Time) (all []state.Decision) {
	t.Helper()
	update(t, s, func(tx state.Tx) {
		all = nil
		for i := range n {
			d, seen := decision(i, at.Add(time.Duration(i)*time.Hour))
			state.PutDecision(tx, d, seen)
			all = append(all, d)
		}
	})
	return all
}

func past(t *testing.T, s state.Store, from, until time.Time) (all []state.Decision) {
	t.Helper()
	for d, err := range s.Past(t.Context(), from, until) {
		if err != nil {
			t.Fatalf("past: %v", err)
		}
		all = append(all, d)
	}
	return all
}

func decisions(t *testing.T, open opener) {
	s := start(t, open)
	all := decide(t, s, 4, noon)
	decide(t, s, 4, noon) // the same again changes nothing
	view(t, s, func(tx state.Tx) {
		d, ok := state.GetDecision(tx, state.DecisionKey(all[1]))
		same(t, "one", d, all[1])
		same(t, "found", ok, true)
		same(t, "of a handoff", slices.Collect(state.DecisionsOf(tx, "h1")), []state.Decision{all[1], all[3]})
		same(t, "about a record", slices.Collect(state.DecisionsAbout(tx, contact(2))), []state.Decision{all[2]})
		same(t, "versions", len(keys(tx, state.Versions)), 5)
		_, seen := decision(1, all[1].At)
		r, ok := state.GetVersion(tx, state.RecordHash(seen[0]))
		same(t, "version", r, seen[0])
		same(t, "version found", ok, true)
	})
	same(t, "past", past(t, s, noon, noon.Add(3*time.Hour)), all[:3])
	same(t, "nothing before", past(t, s, time.Time{}, noon), nil)
	verify(t, s)
}

// everywhere wants all decisions and what they saw found.
func everywhere(t *testing.T, s state.Store, all []state.Decision) {
	t.Helper()
	same(t, "past", past(t, s, time.Time{}, noon.AddDate(1, 0, 0)), all)
	var ofOne []state.Decision
	for d, err := range s.PastOf(t.Context(), "h1", time.Time{}, noon.AddDate(1, 0, 0)) {
		if err != nil {
			t.Fatal(err)
		}
		ofOne = append(ofOne, d)
	}
	want := slices.DeleteFunc(slices.Clone(all), func(d state.Decision) bool { return d.Handoff != "h1" })
	same(t, "past of one handoff", ofOne, want)
	for i := 0; i < len(all); i += 1 + len(all)/100 {
		_, seen := decision(i, all[i].At)
		for _, r := range seen {
			got, ok, err := s.Version(t.Context(), state.RecordHash(r))
			if err != nil || !ok {
				t.Fatalf("version of decision %d: %v %v", i, ok, err)
			}
			same(t, "version", got, r)
		}
	}
}

// archive moves three months into their files, more than one step of them.
func archive(t *testing.T, open opener) {
	dir := t.TempDir()
	s := open(t, dir)
	const n = 24 * 75
	first := noon.AddDate(0, 0, -75)
	all := decide(t, s, n, first)
	before := noon.AddDate(0, 0, -3)
	moved, err := s.Archive(t.Context(), before)
	if want := 24 * 72; err != nil || moved != want {
		t.Errorf("moved %d, %v; want %d", moved, err, want)
	}
	if again, err := s.Archive(t.Context(), before); again != 0 || err != nil {
		t.Errorf("moved %d more, %v", again, err)
	}
	everywhere(t, s, all)
	view(t, s, func(tx state.Tx) {
		same(t, "decisions left", len(keys(tx, state.Decided)), 24*3)
		if left := len(keys(tx, state.Versions)); left > 24*4+1 { // the day is kept whole
			t.Errorf("%d versions left for %d decisions", left, 24*3)
		}
	})
	verify(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "history-*.db")); len(files) != 0 && len(files) != 3 {
		t.Errorf("history files: %v, want three months", files)
	}
	s = open(t, dir)
	everywhere(t, s, all)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// archiveAgain puts moved decisions back, as a crash between the two places
// leaves them, and moves them again.
func archiveAgain(t *testing.T, open opener) {
	s := start(t, open)
	all := decide(t, s, 20, noon)
	for range 2 {
		if moved, err := s.Archive(t.Context(), noon.Add(10*time.Hour)); err != nil || moved != 10 {
			t.Errorf("moved %d, %v; want 10", moved, err)
		}
		everywhere(t, s, all)
		decide(t, s, 20, noon)
		everywhere(t, s, all)
	}
}

// pastInOrder stores decisions older than what was archived, as a clock that
// was set back does, over more than one step, in both places.
func pastInOrder(t *testing.T, open opener) {
	s := start(t, open)
	var all []state.Decision
	put := func(parity int) {
		update(t, s, func(tx state.Tx) {
			for i := range 1400 {
				d, seen := decision(i, noon.Add(time.Duration(i)*time.Minute))
				if parity == 0 {
					all = append(all, d)
				}
				if i%2 == parity {
					state.PutDecision(tx, d, seen)
				}
			}
		})
	}
	put(0)
	if _, err := s.Archive(t.Context(), noon.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	put(1)
	all = all[:1400]
	everywhere(t, s, all)
	n := 0
	for _, err := range s.Past(t.Context(), time.Time{}, noon.AddDate(1, 0, 0)) { // may be left early, and be written beside
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 300 {
			break
		}
		if n%100 == 0 {
			update(t, s, func(tx state.Tx) { state.PutConn(tx, state.Conn{Name: "written beside a walk"}) })
		}
	}
}

// versionsInUseStay archives decisions whose versions a newer one names too.
func versionsInUseStay(t *testing.T, open opener) {
	s := start(t, open)
	old, seen := decision(0, noon.AddDate(0, -2, 0))
	later, _ := decision(1, noon)
	update(t, s, func(tx state.Tx) {
		state.PutDecision(tx, old, seen)
		state.PutDecision(tx, later, seen[:1])
	})
	if _, err := s.Archive(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	view(t, s, func(tx state.Tx) {
		_, kept := state.GetVersion(tx, state.RecordHash(seen[0]))
		_, stale := state.GetVersion(tx, state.RecordHash(seen[1]))
		same(t, "kept, as the later one names it", kept, true)
		same(t, "kept, though nobody names it", stale, false)
	})
	for _, r := range seen {
		if got, ok, err := s.Version(t.Context(), state.RecordHash(r)); !ok || err != nil || got.Ref != r.Ref {
			t.Errorf("version of %v: %v %v %v", r.Ref, got, ok, err)
		}
	}
	if _, ok, err := s.Version(t.Context(), "never stored"); ok || err != nil {
		t.Errorf("a hash never stored: %v %v", ok, err)
	}
}

// reopen wants all of a mixed state back.
func reopen(t *testing.T, open opener) {
	dir := t.TempDir()
	s := open(t, dir)
	all := decide(t, s, 3, noon)
	update(t, s, func(tx state.Tx) {
		state.PutHandoff(tx, state.Handoff{ID: "h1", Record: contact(1), Stage: state.Assigned, Owner: "ann@example.com", AcceptBy: noon})
		state.AppendInbox(tx, change("a", 1, noon))
		state.SetTimer(tx, state.Timer{ID: "t", Due: noon})
		state.PutIntent(tx, intent("eu", "k", 0, noon))
		state.PutCursor(tx, "eu", "contacts", state.Cursor{Done: 5})
		state.PutRuleSet(tx, state.RuleSet{Digest: "d", At: noon, Files: map[string]string{"a.yaml": "x"}})
		state.PutUser(tx, "eu", userNamed("7"))
		state.AppendAudit(tx, state.AuditRow{At: noon, Action: "start"})
	})
	dump := func() map[state.Bucket][]string {
		out := map[state.Bucket][]string{}
		view(t, s, func(tx state.Tx) {
			for _, b := range state.Buckets {
				out[b] = slices.DeleteFunc(keys(tx, b), func(row string) bool {
					return b == state.Meta && strings.HasPrefix(row, "generation") // a store begins one with every opening
				})
			}
		})
		return out
	}
	want := dump()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	same(t, "everything", dump(), want)
	everywhere(t, s, all)
	verify(t, s)
	update(t, s, func(tx state.Tx) { same(t, "taken again", state.AppendInbox(tx, change("a", 1, noon)), false) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

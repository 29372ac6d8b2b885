package main

import (
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/route"
)

// rotated is a state in which a team has given out so many, with people away
// now and then and every tenth turn given back.
func rotated(t *testing.T, n int) state.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	at := time.Date(2026, 3, 16, 14, 0, 0, 0, time.UTC)
	err = store.Update(t.Context(), func(tx state.Tx) error {
		for _, who := range []string{"ana", "ben", "cleo"} {
			state.PutUser(tx, "hubspot", connectors.User{ID: "u-" + who, Email: who + "@example.com", Active: who != "ben"})
			state.PutUser(tx, "salesforce", connectors.User{ID: "u-" + who, Email: who + "@example.com", Active: true})
		}
		var pool state.Pool
		for i := range n {
			members := []route.Candidate{{Who: "ana@example.com", Weight: 2, Opens: at}, {Who: "ben@example.com", Weight: 2, Opens: at}, {Who: "cleo@example.com", Weight: 1, Opens: at}}
			if i%7 == 3 {
				members[1].Out, members[1].Kind = "is on leave", route.OnLeave
			}
			tier := []string{"high_intent", "medium_intent"}[i%2]
			d := route.NextOf(pool, route.Turn{Team: "sdr_us", Tier: tier}, members, at)
			pool = d.Pool
			detail := map[string]string{"owner": d.Who, "tier": tier, "type": "demo_request"}
			d.Detail(detail)
			id := fmt.Sprintf("h%03d", i)
			state.AppendAudit(tx, state.AuditRow{At: at.Add(time.Duration(i) * time.Hour), Actor: "handoffd", Action: "assigned", Subject: id, Detail: detail})
			if i%10 == 9 {
				pool = route.CreditOf(pool, tier, d.Who, 1)
				state.AppendAudit(tx, state.AuditRow{
					At: at.Add(time.Duration(i) * time.Hour), Actor: "handoffd", Action: route.ActionCredited, Subject: id,
					Detail: map[string]string{"owner": d.Who, route.DetailTeam: "sdr_us", "tier": tier},
				})
			}
		}
		state.Apply(tx, state.Changes{Pools: []state.Pool{pool}})
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func starterRules(t *testing.T) *plan.Rules {
	t.Helper()
	rules, _, err := loadRules(starter.FS(), "")
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestTeamShowCanBeRecomputed (1.89): from the CSV alone anybody comes to the
// expected and actual shares, by count and by tier, that team show prints
// (field, G6).
func TestTeamShowCanBeRecomputed(t *testing.T) {
	t.Parallel()
	store, rules := rotated(t, 60), starterRules(t)
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	for _, since := range []string{"", "2026-03-17T00:00:00Z"} {
		q := url.Values{"team": {"sdr_us"}, "since": {since}}
		r, err := teams(t.Context(), store, rules, q, now)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := teamLedger(t.Context(), store, rules, q, now)
		if err != nil {
			t.Fatal(err)
		}
		got := recompute(t, rows)
		want := map[string]sums{}
		draws := 0.0
		for _, s := range r.Teams[0].Share {
			w := sums{"due": round(s.Due), "got": float64(s.Turns), "back": float64(s.Credited)}
			for tier, x := range s.Tiers {
				w["due "+tier], w["got "+tier] = round(x.Due), float64(x.Turns)
			}
			for kind, n := range s.Skips {
				w["skip "+string(kind)] = float64(n)
			}
			want[s.Who] = w
			draws += s.Due
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) != 3 {
			t.Errorf("since %q (-shown +recomputed): %s", since, diff)
		}
		if want := float64(r.Teams[0].Draws); math.Abs(draws+back(r.Teams[0])-want) > 0.001 {
			t.Errorf("expected shares add up to %.2f and %.0f given back, of %.0f draws", draws, back(r.Teams[0]), want)
		}
	}
}

type sums map[string]float64

func back(t teamReport) (n float64) {
	for _, s := range t.Share {
		n += float64(s.Credited)
	}
	return n
}

func round(f float64) float64 { return math.Round(f*1000) / 1000 }

// recompute does what a rep with a spreadsheet does.
func recompute(t *testing.T, rows [][]string) map[string]sums {
	t.Helper()
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	out := map[string]sums{}
	for _, r := range rows[1:] {
		who, tier := r[at["member"]], r[at["tier"]]
		if out[who] == nil {
			out[who] = sums{"due": 0, "got": 0, "back": 0}
		}
		s := out[who]
		if kind := r[at["passed_over"]]; kind != "" {
			s["skip "+kind]++
			continue
		}
		due, err := strconv.ParseFloat(r[at["due"]], 64)
		if err != nil {
			t.Fatal(err)
		}
		if r[at["given_back"]] == "yes" {
			s["back"]++
		}
		if due == 0 {
			continue
		}
		s["due"] += due
		s["due "+tier] += due
		s["got "+tier] += 0
		if r[at["got"]] == "yes" {
			s["got"]++
			s["got "+tier]++
		}
	}
	for _, s := range out {
		for k := range s {
			s[k] = round(s[k])
		}
	}
	return out
}

// TestTeamShow (1.88, 1.89, 2.44): who is free now and why not, whose turn it
// is, and turns by tier.
func TestTeamShow(t *testing.T) {
	t.Parallel()
	store, rules := rotated(t, 60), starterRules(t)
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	r, err := teams(t.Context(), store, rules, url.Values{"team": {"sdr_us"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	team := r.Teams[0]
	says := map[string]string{}
	turns := 0
	for _, m := range team.Members {
		says[m.Who] = m.Why
		turns += m.Turns
		if m.ByTier["high_intent"] == 0 || m.Backup == "" {
			t.Errorf("%+v", m)
		}
	}
	want := map[string]string{"ana@example.com": "", "ben@example.com": "is inactive in hubspot", "cleo@example.com": ""}
	if diff := cmp.Diff(want, says); diff != "" || turns != 54 || team.CountBy != "all" {
		t.Errorf("%d turns: %s", turns, diff)
	}
	// What would be next is what is drawn next.
	var pool state.Pool
	_ = store.View(t.Context(), func(tx state.Tx) error { pool, _ = state.GetPool(tx, "sdr_us"); return tx.Err() })
	d := route.Next(pool, "sdr_us", []route.Candidate{{Who: "ana@example.com", Weight: 2}, {Who: "ben@example.com", Weight: 2, Out: "away"}, {Who: "cleo@example.com"}}, now)
	if team.Next["any"] != d.Who {
		t.Errorf("next would be %v, and is %s", team.Next, d.Who)
	}
	if _, err := teams(t.Context(), store, rules, url.Values{"team": {"sdr_fr"}}, now); codeOf(err) != exitUsage {
		t.Errorf("a team that is none: %v", err)
	}
}

// TestTeamOpenAddsUp: what is open counts with its owner, in each team they are a
// member of and in the one it came by, so nobody has fewer open than unaccepted;
// an order finds what came by no team as its owner's teams'.
func TestTeamOpenAddsUp(t *testing.T) {
	t.Parallel()
	store, rules := rotated(t, 1), starterRules(t)
	now := time.Date(2026, 3, 19, 14, 0, 0, 0, time.UTC)
	handoffs := []state.Handoff{
		{ID: "drawn", Owner: "ana@example.com", Team: "sdr_us", Stage: state.Assigned},
		{ID: "named", Owner: "ana@example.com", Stage: state.Assigned},
		{ID: "accepted", Owner: "ana@example.com", Stage: state.Accepted},
		{ID: "over", Owner: "ana@example.com", Team: "sdr_us", Stage: state.Completed},
		{ID: "elsewhere", Owner: "ana@example.com", Team: "sdr_uk", Stage: state.Assigned},
		{ID: "backup", Owner: "morgan@example.com", Team: "sdr_us", Stage: state.Assigned},
	}
	err := store.Update(t.Context(), func(tx state.Tx) error {
		for _, h := range handoffs {
			state.PutHandoff(tx, h)
		}
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := teams(t.Context(), store, rules, url.Values{}, now)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]int{}
	for _, team := range r.Teams {
		if len(team.Open) > 0 {
			got[team.Team] = team.Open
		}
		for _, m := range team.Members {
			if m.Unaccepted > team.Open[m.Who] {
				t.Errorf("%s of %s: open %d, not accepted %d", m.Who, team.Team, team.Open[m.Who], m.Unaccepted)
			}
		}
	}
	want := map[string]map[string]int{
		"sdr_us": {"ana@example.com": 4, "morgan@example.com": 1},
		"sdr_uk": {"ana@example.com": 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("open (-want +got)\n%s", diff)
	}
	for where, want := range map[string]string{
		"team=sdr_us": "[accepted backup drawn named over]", "team=SDR_UK": "[elsewhere]", "team=": "[accepted named]", "team=ae_emea": "[]",
	} {
		fit := []string{}
		_ = store.View(t.Context(), func(tx state.Tx) error {
			for _, h := range handoffs {
				if (reassignOrder{Where: []string{where}}).fits(tx, rules, h) {
					fit = append(fit, h.ID)
				}
			}
			return tx.Err()
		})
		slices.Sort(fit)
		if fmt.Sprint(fit) != want {
			t.Errorf("%s fits %v, want %s", where, fit, want)
		}
	}
}

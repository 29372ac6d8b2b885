package salesforce

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

// TestDailyReserve: the org grants a thousand calls a day, and three thousand are
// wanted. Every owner's write and every urgent one goes through, with what has to
// be found out for it; the rest stops before the reserve and goes on the next day
// (C7).
func TestDailyReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, salesforcesim.Config{UniqueTasks: true})
		w.sim.SetFaults(simhttp.Faults{Quota: 1000})
		id := w.lead(1)
		users, err := w.org.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		owner := ""
		for _, u := range users {
			if u.Email == "ana@example.com" {
				owner = u.ID
			}
		}
		ref := connectors.Ref{Conn: "sf", Kind: Lead, ID: id}
		done := map[string]int{}
		count := func(what string, err error) {
			switch connectors.ClassOf(err) {
			case connectors.Unknown:
				if err != nil {
					t.Fatal(err)
				}
				done[what]++
			case connectors.Throttled:
			default:
				t.Fatal(what, err)
			}
		}
		apply := func(what string, write connectors.Write) {
			results, err := w.org.Apply(t.Context(), []connectors.Write{write})
			if err == nil && results[0].Err != nil {
				err = results[0].Err
			}
			count(what, err)
		}
		for i := range 3000 {
			switch {
			case i%20 == 0:
				apply("owner", connectors.Write{Ref: ref, Key: "o", Rank: 9, Set: map[string]any{"OwnerId": owner}})
			case i%60 == 1:
				apply("escalation", connectors.Write{Ref: ref, Key: "e", Rank: 0, Set: map[string]any{"Handoff_Breached__c": true}})
			case i%300 == 21:
				_, err := w.org.Find(t.Context(), []connectors.Write{{Ref: connectors.Ref{Conn: "sf", Kind: connectors.Task}, Key: "nobody", Links: []connectors.Ref{ref}}})
				count("find", err)
			case i%20 == 2:
				apply("cosmetics", connectors.Write{Ref: ref, Key: "c", Rank: 7, Set: map[string]any{"Handoff_Why__c": "x"}})
			default:
				_, err := w.org.Read(t.Context(), Lead, []string{id}, nil)
				count("read", err)
			}
		}
		if done["owner"] != 150 || done["escalation"] != 50 || done["find"] != 10 {
			t.Errorf("not all that was urgent: %v", done)
		}
		if u := w.org.Usage(); u.DailyLimit != 1000 || u.DailyLeft > 200 || done["read"]+done["cosmetics"] > 800 {
			t.Errorf("%+v, done %v", u, done)
		}
		time.Sleep(25 * time.Hour)
		w.read(Lead, nil, id)
	})
}

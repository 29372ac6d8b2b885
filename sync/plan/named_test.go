package plan_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// TestNamedOwnerIsNeverPassedOver (1.77, 1.81): in random worlds, with people
// away, gone or full, a person of a named account never goes to a pool or a
// team's queue while the account's owner is somebody we know: it goes to them,
// to who stands in for them, or waits with their own manager accountable.
func TestNamedOwnerIsNeverPassedOver(t *testing.T) {
	t.Parallel()
	r := writing(t, believing(t, "# at_most: 12 ", "at_most: 3 "))
	people := []string{"ana", "ben", "cleo", "isla", "dev", "erin", "farah", "gus", "morgan"}
	backups := map[string]string{"ana": "ben", "ben": "ana", "cleo": "ana", "isla": "ben", "dev": "erin", "erin": "dev", "farah": "gus", "gus": "farah", "morgan": "vera", "vera": "morgan"}
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t)
		owner := rapid.SampledFrom(people).Draw(t, "owner of the named account")
		delete(w.records, connectors.Ref{Conn: "hubspot", Kind: "companies", ID: "8"})
		w.add(company("hubspot", "9", map[string]string{
			"name": "Acme", "domain": "acme.com", "named_account": "yes", "owner": "u-" + owner,
			"is_customer": rapid.SampledFrom([]string{"yes", "no"}).Draw(t, "customer"), "employees": rapid.SampledFrom([]string{"", "50", "5000"}).Draw(t, "size"),
		}))
		for _, who := range people {
			if rapid.IntRange(0, 3).Draw(t, "away") == 0 {
				w.isAway(who, "hubspot", "out of office", monday.Add(-time.Hour), monday.Add(30*time.Hour))
			}
		}
		w.decide(t, r, monday, see(demo("51", "dana@acme.com", "country", rapid.SampledFrom([]string{"", "US", "GB"}).Draw(t, "country"))))
		chain := map[string]bool{}
		for at := owner; at != "" && !chain[at+"@example.com"]; at = backups[at] {
			chain[at+"@example.com"] = true
		}
		for _, h := range w.handoffs {
			switch {
			case h.Team != "":
				t.Fatalf("of %s, and in the team %s: %v", owner, h.Team, h.Why)
			case h.Stage == state.Queued && h.Accountable == "":
				t.Fatalf("it waits and nobody answers for it: %v", h.Why)
			case h.Stage == state.Assigned && !chain[h.Owner]:
				t.Fatalf("of %s, and %s has it: %v", owner, h.Owner, h.Why)
			}
		}
		if len(w.handoffs) != 1 {
			t.Fatalf("%d handoffs", len(w.handoffs))
		}
	})
}

package hubspot_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// A record shows no more than the first hundred of what it is associated with: who has a part in a deal, and whom a
// meeting was about, is known beyond them too, alone and in company (1.59).
func TestAssociatedWithACrowd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		from := connectors.Cursor{From: time.Now()}
		const crowd = 510
		everyone := make([]map[string]any, crowd)
		ids := people(t, sim, crowd)
		for i, id := range ids {
			everyone[i] = map[string]any{"kind": "contacts", "id": id}
		}
		deal := map[string]any{"dealname": "Big", "dealstage": "qualifiedtobuy", "pipeline": "default", "links": everyone}
		deals := []string{edit(t, sim, "deals", "create", "", deal)}
		delete(deal, "links")
		for range 5 {
			deals = append(deals, edit(t, sim, "deals", "create", "", deal))
		}
		edit(t, sim, "contacts", "update", ids[crowd-1], map[string]any{"firstname": "Last", "lastname": "One"})
		labelled(t, sim, deals[0], ids[crowd-1])
		for _, asked := range [][]string{deals[:1], deals} {
			got, err := c.Read(t.Context(), "deals", asked, []string{"associated_contacts"})
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := got[0].Fields["associated_contacts"].(string); !strings.HasPrefix(text, "Last One (economic buyer)") {
				t.Errorf("%d deals: %.80s", len(asked), text)
			}
		}
		edit(t, sim, "meetings", "create", "", map[string]any{"links": everyone})
		time.Sleep(time.Second)
		if got := about(follow(t, c, from, "contacts")); len(got) != crowd {
			t.Errorf("the meeting is about %d, want %d", len(got), crowd)
		}
	})
}

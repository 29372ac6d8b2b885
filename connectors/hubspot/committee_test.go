package hubspot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// labelled associates a deal's contact under a label of the portal's own.
func labelled(t *testing.T, sim *hubspotsim.Sim, deal, contact string) {
	t.Helper()
	call := func(method, path, body string) []byte {
		req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+sim.Credentials().Token)
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		sim.ServeHTTP(rec, req)
		if rec.Code >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
		return rec.Body.Bytes()
	}
	var made struct {
		Results []struct {
			TypeID int `json:"typeId"`
		} `json:"results"`
	}
	raw := call(http.MethodPost, "/crm/associations/2026-09/deals/contacts/labels", `{"label":"Economic Buyer","name":"economic_buyer"}`)
	if err := json.Unmarshal(raw, &made); err != nil {
		t.Fatal(err)
	}
	call(http.MethodPut, "/crm/objects/2026-09/deals/"+deal+"/associations/contacts/"+contact,
		fmt.Sprintf(`[{"associationCategory":"USER_DEFINED","associationTypeId":%d}]`, made.Results[0].TypeID))
}

// committee makes a deal with three contacts, of whom two have a part in it.
func committee(t *testing.T, sim *hubspotsim.Sim) string {
	t.Helper()
	deal := edit(t, sim, "deals", "create", "", map[string]any{"dealname": "Big", "dealstage": "qualifiedtobuy", "pipeline": "default"})
	person := func(fields map[string]any) string {
		id := edit(t, sim, "contacts", "create", "", fields)
		edit(t, sim, "deals", "update", deal, map[string]any{"links": []map[string]any{{"kind": "contacts", "id": id}}})
		return id
	}
	person(map[string]any{"email": "noor@buyer.example"})
	person(map[string]any{"email": "dana@buyer.example", "firstname": "Dana", "lastname": "Ito", "jobtitle": "VP Sales", "hs_buying_role": "CHAMPION;END_USER"})
	labelled(t, sim, deal, person(map[string]any{"email": "lee@buyer.example", "firstname": "Lee", "lastname": "Okafor"}))
	return deal
}

const everybody = "Dana Ito, VP Sales (champion, end user); Lee Okafor (economic buyer); noor@buyer.example"

// Who decides about a deal is read with it, by their labels and their roles
// (1.59): alone for one call more than the deal, and for none when their names
// are known; in a batch for one more, whatever its size. Alone and in company
// a deal reads the same.
func TestBuyingCommittee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Empty: true}, nil)
		deal := committee(t, sim)
		ids := []string{deal}
		for i := range 5 {
			ids = append(ids, edit(t, sim, "deals", "create", "", map[string]any{"dealname": fmt.Sprint("Other ", i), "dealstage": "qualifiedtobuy", "pipeline": "default"}))
		}
		kinds, err := c.(connectors.Describer).Describe(t.Context(), []connectors.Kind{"contacts", "deals"})
		if err != nil {
			t.Fatal(err)
		}
		if f := kinds["deals"].Fields["associated_contacts"]; f.Type != "text" || f.Writable {
			t.Errorf("described as %+v", f)
		}
		fields := []string{"dealname", "associated_contacts"}
		for _, step := range []struct {
			what  string
			ids   []string
			calls int
		}{
			{"alone, for the first time", ids[:1], 2},
			{"alone again", ids[:1], 1},
			{"one of many", ids, 2},
		} {
			wire.Forget()
			got, err := c.Read(t.Context(), "deals", step.ids, fields)
			if err != nil || len(got) != len(step.ids) {
				t.Fatal(step.what, got, err)
			}
			if n := len(wire.Seen()); n != step.calls {
				t.Errorf("%s: %d calls, want %d: %+v", step.what, n, step.calls, wire.Seen())
			}
			if diff := cmp.Diff(map[string]any{"dealname": "Big", "associated_contacts": everybody}, got[0].Fields); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.what, diff)
			}
			for _, o := range got[1:] {
				if o.Fields["associated_contacts"] != nil {
					t.Errorf("%s: of a deal with nobody: %v", step.what, o.Fields)
				}
			}
		}
		if lacks := c.(connectors.Lacker).Lacks("deals", fields); lacks != nil {
			t.Errorf("lacks %v", lacks)
		}
		wire.Forget()
		if _, err := c.Read(t.Context(), "deals", ids, []string{"dealname"}); err != nil || len(wire.Seen()) != 1 {
			t.Errorf("not asked for: %d calls, %v", len(wire.Seen()), err)
		}
		edit(t, sim, "deals", "delete", deal, nil)
		if got, err := c.Read(t.Context(), "deals", ids[:1], fields); err != nil || !got[0].Deleted {
			t.Errorf("gone: %+v, %v", got, err)
		}
	})
}

// Contacts that we may not see cost that field, and never the deal (C15).
func TestBuyingCommitteeHidden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Empty: true}, nil)
		deal := committee(t, sim)
		setUp(t, sim, `{"scopes":["crm.objects.deals.read","crm.schemas.deals.read"]}`)
		for _, want := range []int{3, 1} { // what there is, what is refused, and the deal; then nothing is asked in vain
			wire.Forget()
			got, err := c.Read(t.Context(), "deals", []string{deal}, []string{"dealname", "associated_contacts"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"dealname": "Big"}, got[0].Fields); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := len(wire.Seen()); n != want {
				t.Errorf("%d calls, want %d: %+v", n, want, wire.Seen())
			}
		}
	})
}

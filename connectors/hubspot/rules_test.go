package hubspot_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// (C15, C18) From 2026-09 on the portal's conditions bind what we write: the
// row names the property and both ways out, the rows beside it are written,
// and the version before does not mind. One setting chooses.
func TestConditionallyRequired(t *testing.T) {
	t.Parallel()
	for version, refused := range map[string]bool{"": true, hubspot.APIVersion: true, hubspot.LaxAPIVersion: false} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
				setUp(t, sim, `{"required":{"contacts":[{"when":{"hs_lead_status":"UNQUALIFIED"},"need":["message"]}]}}`)
				ids := people(t, sim, 2)
				c := newOn(t, sim, func(s *connectors.Settings) { s.APIVersion = version })
				ref := func(id string) connectors.Ref { return connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id} }
				results, err := c.Apply(t.Context(), []connectors.Write{
					{Ref: ref(ids[0]), Key: "a", Set: map[string]any{"hs_lead_status": "UNQUALIFIED"}},
					{Ref: ref(ids[1]), Key: "b", Set: map[string]any{"hs_lead_status": "NEW"}},
				})
				if err != nil || results[1].Err != nil {
					t.Fatalf("%+v %v", results, err)
				}
				e := results[0].Err
				if !refused {
					if e != nil {
						t.Errorf("refused: %v", e)
					}
					return
				}
				if e == nil || e.Class != connectors.Invalid || !slices.Equal(e.Fields, []string{"message"}) || !strings.Contains(e.Error(), "requires message under a condition") || !strings.Contains(e.Error(), hubspot.LaxAPIVersion) {
					t.Errorf("got %v", e)
				}
			})
		})
	}
	for _, version := range []string{"v3", "2026-09/../x", "2026", "2026-9"} {
		if _, err := hubspot.New(connectors.Settings{Name: "x", Token: "t", APIVersion: version}); err == nil {
			t.Errorf("took the version %q", version)
		}
	}
}

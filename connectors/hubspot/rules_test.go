package hubspot_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

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

// (C15) A rule of the portal that is about something else does not keep the owner
// from being written; what had to stay out is named in HubSpot's words. An owner
// who is refused as well leaves the first words standing.
func TestOwnerAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		setUp(t, sim, `{"required":{"contacts":[{"when":{"handoff_status":"Assigned"},"need":["message"]}]}}`)
		ids, who := people(t, sim, 2), owner(t, c)
		set := func(id, owner string) connectors.Write {
			return connectors.Write{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: id}, Key: id, Set: map[string]any{"hubspot_owner_id": owner, "handoff_status": "Assigned", "handoff_why": "rule 1"}}
		}
		results, err := c.Apply(t.Context(), []connectors.Write{set(ids[0], who), set(ids[1], "1")})
		if err != nil {
			t.Fatal(err)
		}
		if r := results[0]; r.Err != nil || !slices.Equal(r.Skipped, []string{"handoff_status", "handoff_why"}) || !strings.Contains(r.Refused, "requires message under a condition") {
			t.Errorf("%+v", r)
		}
		if r := results[1]; connectors.ClassOf(r.Err) != connectors.Invalid || len(r.Skipped) > 0 || r.Refused != "" {
			t.Errorf("an owner nobody knows: %+v", r)
		}
		got, err := c.Read(t.Context(), "contacts", ids[:1], []string{"hubspot_owner_id", "handoff_status"})
		if err != nil || got[0].Fields["hubspot_owner_id"] != who || got[0].Fields["handoff_status"] != nil {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// (C2, C15) A task that had to do without the record it is about is found again on
// the other one it belongs to, and one that is on both counts once.
func TestFoundOnAnyLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		setUp(t, sim, `{"link_limits":{"contacts>tasks":1}}`)
		ids, who := people(t, sim, 2), owner(t, c)
		firm := connectors.Ref{Conn: "hubspot", Kind: "companies", ID: edit(t, sim, "companies", "create", "", map[string]any{"name": "Firm"})}
		task := func(key, contact string) connectors.Write {
			w := handoff(key, contact, who)[1]
			w.Links = append(w.Links, firm)
			return w
		}
		full, other, never := task("full", ids[0]), task("other", ids[1]), task("never", ids[1])
		results, err := c.Apply(t.Context(), []connectors.Write{handoff("before", ids[0], who)[1]})
		if err != nil || results[0].Err != nil {
			t.Fatalf("%+v %v", results, err)
		}
		if results, err = c.Apply(t.Context(), []connectors.Write{full, other}); err != nil || results[0].Err != nil || results[1].Err != nil {
			t.Fatalf("%+v %v", results, err)
		}
		if diff := cmp.Diff([][]string{{"link:contacts"}, nil}, [][]string{results[0].Skipped, results[1].Skipped}); diff != "" {
			t.Fatalf("made without (-want +got):\n%s", diff)
		}
		writes := []connectors.Write{full, other, never}
		found, err := c.(connectors.Finder).Find(t.Context(), writes)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]connectors.Ref{results[0].Ref, results[1].Ref, {}}, found); diff != "" {
			t.Errorf("found (-want +got):\n%s", diff)
		}
		copies, err := c.(connectors.Healer).Copies(t.Context(), writes)
		if err != nil || len(copies[0]) != 1 || len(copies[1]) != 1 || len(copies[2]) != 0 {
			t.Errorf("copies %+v %v", copies, err)
		}
	})
}

package hubspot_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
)

// TestPolledRecords: a poll brings the records along, as an index shows them,
// once the schema is known; and hints where the row is not all there is of a
// record.
func TestPolledRecords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kind   connectors.Kind
		fields []string
		set    map[string]any
		known  bool // the schema, before the poll
		whole  bool
	}{
		"contacts":            {"contacts", []string{"email", "jobtitle"}, map[string]any{"email": "dana@acme.com", "jobtitle": "CTO"}, true, true},
		"schema not read yet": {"contacts", []string{"email"}, map[string]any{"email": "dana@acme.com"}, false, false},
		"nothing asked for":   {"contacts", nil, map[string]any{"email": "dana@acme.com"}, true, false},
		"deals":               {"deals", []string{"dealname"}, map[string]any{"dealname": "Big", "dealstage": "qualifiedtobuy", "pipeline": "default"}, true, true},
		"deals, with people":  {"deals", []string{"dealname", "associated_contacts"}, map[string]any{"dealname": "Big", "dealstage": "qualifiedtobuy", "pipeline": "default"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
				from := connectors.Cursor{From: time.Now().Add(-time.Minute)}
				id := edit(t, sim, string(tc.kind), "create", "", tc.set)
				time.Sleep(time.Minute)
				if tc.known {
					if _, err := c.Read(t.Context(), tc.kind, []string{id}, tc.fields); err != nil {
						t.Fatal(err)
					}
				}
				pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: tc.kind, From: from, Fields: tc.fields}})
				if err != nil || pages[0].Err != nil || len(pages[0].Changes) != 1 {
					t.Fatalf("%+v %v", pages, err)
				}
				o := pages[0].Changes[0].Object
				if whole := o != nil; whole != tc.whole || pages[0].Indexed != tc.whole {
					t.Fatalf("the record came along: %v, indexed %v, want %v", whole, pages[0].Indexed, tc.whole)
				}
				for _, field := range tc.fields {
					if tc.whole && o.Fields[field] != tc.set[field] {
						t.Errorf("%s is %v, want %v", field, o.Fields[field], tc.set[field])
					}
				}
			})
		})
	}
}

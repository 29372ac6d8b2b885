package hubspotsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

// crowd makes a deal with n contacts and returns the deal's id.
func crowd(p *portal, n int) string {
	deal := p.must("POST", "/crm/v3/objects/deals", `{"properties":{"dealname":"Crowd","dealstage":"qualifiedtobuy","pipeline":"default"}}`).text("id")
	for from := 0; from < n; from += 100 {
		var rows []string
		for i := from; i < min(from+100, n); i++ {
			rows = append(rows, fmt.Sprintf(`{"properties":{"email":"crowd%d@example.org"},"associations":[{"to":{"id":"%s"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":4}]}]}`, i, deal))
		}
		p.must("POST", contacts+"/batch/create", `{"inputs":[`+strings.Join(rows, ",")+`]}`)
	}
	return deal
}

// TestAssociationsGoOn: of a record's associations no answer shows more than its page, and each says where they go on: the first
// hundred beside the record and in a batch of v3, five hundred where they are asked for themselves.
func TestAssociationsGoOn(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Seed: 3})
	deal := crowd(p, 510)
	read := func(from string) string { return `{"inputs":[{"id":"` + deal + `"` + from + `}]}` }
	for _, tc := range []struct {
		name, method, path, body string
		at                       []any // where the block is
		rows                     string
		first, rest              int
	}{
		{"one record", "GET", "/crm/objects/2026-09/deals/" + deal + "?associations=contacts", "", []any{"associations", "contacts"}, "results", 100, 0},
		{"a list", "GET", "/crm/objects/2026-09/deals?associations=contacts&limit=1&after=" + deal, "", []any{"results", 0, "associations", "contacts"}, "results", 100, 0},
		{"a batch of v3", "POST", "/crm/v3/associations/deals/contacts/batch/read", read(""), []any{"results", 0}, "to", 100, 0},
		{"one record's of v3", "GET", "/crm/v3/objects/deals/" + deal + "/associations/contacts", "", nil, "results", 500, 10},
		{"one record's of v4", "GET", "/crm/v4/objects/deals/" + deal + "/associations/contacts", "", nil, "results", 500, 10},
		{"a batch", "POST", "/crm/associations/2026-09/deals/contacts/batch/read", read("%s"), []any{"results", 0}, "to", 500, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := p.must(tc.method, tc.path, strings.ReplaceAll(tc.body, "%s", ""))
			in := func(more ...any) []any { return append(append([]any{}, tc.at...), more...) }
			if got := a.len(in(tc.rows)...); got != tc.first {
				t.Errorf("%d rows, want %d", got, tc.first)
			}
			after := a.text(in("paging", "next", "after")...)
			if after == "" || !strings.Contains(a.text(in("paging", "next", "link")...), "after="+after) {
				t.Fatalf("does not go on: %.300s", a.raw)
			}
			if tc.rest == 0 {
				return
			}
			join := "?after=" + after
			if tc.method == "POST" {
				join = ""
			}
			a = p.must(tc.method, tc.path+join, strings.ReplaceAll(tc.body, "%s", `,"after":"`+after+`"`))
			if got := a.len(in(tc.rows)...); got != tc.rest || a.text(in("paging", "next", "after")...) != "" {
				t.Errorf("then %d rows, want %d and no more: %.300s", got, tc.rest, a.raw)
			}
		})
	}
	if got := p.do("GET", "/crm/v4/objects/deals/"+deal+"/associations/contacts?after=x", ""); got.status != 400 {
		t.Errorf("a cursor that is none: %d", got.status)
	}
}

// TestAssociationsInPart: a fault that fails some rows of a batch fails those of associations too, and makes the others.
func TestAssociationsInPart(t *testing.T) {
	t.Parallel()
	p := newPortal(t, hubspotsim.Config{Faults: simhttp.Faults{Rate: map[string]float64{"partial": 1}}})
	contact := p.contact(`{"email":"part@example.org"}`)
	var rows []string
	for i := range 20 {
		company := p.must("POST", "/crm/v3/objects/companies", fmt.Sprintf(`{"properties":{"name":"Part %d"}}`, i)).text("id")
		rows = append(rows, `{"from":{"id":"`+contact+`"},"to":{"id":"`+company+`"}}`)
	}
	a := p.do("POST", "/crm/associations/2026-09/contacts/companies/batch/associate/default", `{"inputs":[`+strings.Join(rows, ",")+`]}`)
	made, failed := a.len("results"), a.len("errors")
	if a.status != 207 || failed == 0 || made+failed != 20 || a.text("errors", 0, "category") != "INTERNAL_ERROR" {
		t.Fatalf("%d made, %d failed: %d %.300s", made, failed, a.status, a.raw)
	}
	if got := p.must("GET", "/crm/v4/objects/contacts/"+contact+"/associations/companies", "").len("results"); got != made {
		t.Errorf("%d associated, %d told", got, made)
	}
}

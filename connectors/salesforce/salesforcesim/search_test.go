package salesforcesim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSearch: a search's RETURNING may filter, sort and cut each object as a query does.
func TestSearch(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, name := range []string{"Alpha", "Beta", "Gamma"} {
		c.create("Lead", `{"LastName":"`+name+`","Company":"Seekers {x} Ltd","Email":"`+name+`@quarry.example"}`)
	}
	c.create("Account", `{"Name":"Seekers"}`)
	names := func(a answer) string {
		t.Helper()
		if a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
		var page struct{ SearchRecords []map[string]any }
		a.into(t, &page)
		var out []string
		for _, r := range page.SearchRecords {
			delete(r, "attributes")
			delete(r, "Id")
			b, _ := json.Marshal(r)
			out = append(out, string(b))
		}
		return strings.Join(out, " ")
	}
	for find, want := range map[string]string{
		"{Seekers} RETURNING Lead(Id, LastName WHERE LastName != 'Beta' ORDER BY LastName DESC)":                        `{"LastName":"Gamma"} {"LastName":"Alpha"}`,
		"{Seekers} RETURNING Lead (LastName ORDER BY LastName LIMIT 1 OFFSET 1), Account(Name)":                         `{"LastName":"Beta"} {"Name":"Seekers"}`,
		"{Seek*} IN NAME FIELDS RETURNING Lead(LastName WHERE LastName IN ('Alpha', 'x,)') ORDER BY LastName), Account": `{"LastName":"Alpha"} {}`,
		"{Seekers} IN ALL FIELDS RETURNING Lead(LastName ORDER BY LastName), Account LIMIT 2":                           `{"LastName":"Alpha"} {"LastName":"Beta"}`,
		"{quarry} IN EMAIL FIELDS RETURNING Lead(LastName ORDER BY LastName LIMIT 1)":                                   `{"LastName":"Alpha"}`,
		"{quarry} IN NAME FIELDS RETURNING Lead":                                                                        "",
		"{Alpha OR Gamma} RETURNING Lead(LastName ORDER BY LastName)":                                                   `{"LastName":"Alpha"} {"LastName":"Gamma"}`,
		`{Seekers \{x\}} RETURNING Lead(LastName WHERE LastName = 'Beta')`:                                              `{"LastName":"Beta"}`,
	} {
		if diff := cmp.Diff(want, names(c.do("GET", "search?q="+url.QueryEscape("FIND "+find), ""))); diff != "" {
			t.Errorf("%s: -want +got\n%s", find, diff)
		}
	}
	for find, code := range map[string]string{
		"{Seekers} RETURNING Lead(Nope)":          "INVALID_FIELD",
		"{Seekers} RETURNING Lead(Id":             "MALFORMED_SEARCH",
		"{Seekers} RETURNING Lead(Id LIMIT x)":    "MALFORMED_SEARCH",
		"{Seekers} RETURNING Lead(COUNT())":       "MALFORMED_SEARCH",
		"{Seekers} RETURNING Lead(Id) LIMIT 9000": "MALFORMED_SEARCH",
		"{S} RETURNING Lead":                      "MALFORMED_SEARCH",
	} {
		if a := c.do("GET", "search?q="+url.QueryEscape("FIND "+find), ""); a.Status != http.StatusBadRequest || a.code(t) != code {
			t.Errorf("%s: %d %s", find, a.Status, a.Raw)
		}
	}
	for path, want := range map[string]string{
		"q=Beta&sobject=Lead&Lead.fields=LastName":                                       `{"LastName":"Beta"}`,
		"q=Seekers&fields=LastName&sobject=Lead&Lead.orderBy=LastName&Lead.limit=1":      `{"LastName":"Alpha"}`,
		"q=Seekers&sobject=Lead&Lead.fields=LastName&Lead.where=LastName%20=%20'Gamma'":  `{"LastName":"Gamma"}`,
		"q=Seekers&sobject=Lead&sobject=Account&Account.fields=Name&overallLimit=5&in=X": `{} {} {} {"Name":"Seekers"}`,
	} {
		if diff := cmp.Diff(want, names(c.do("GET", "parameterizedSearch?"+path, ""))); diff != "" {
			t.Errorf("%s: -want +got\n%s", path, diff)
		}
	}
	posted := c.do("POST", "parameterizedSearch", `{"q":"Seekers","in":"ALL","fields":["LastName"],"sobjects":[{"name":"Lead","orderBy":"LastName","limit":2}]}`)
	if got := names(posted); got != `{"LastName":"Alpha"} {"LastName":"Beta"}` {
		t.Errorf("posted: %s", got)
	}
}

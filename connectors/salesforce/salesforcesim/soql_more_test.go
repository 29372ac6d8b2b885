package salesforcesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// records is a page's records without their attributes, one JSON text each.
func (a answer) records(t *testing.T) []string {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	var page struct{ Records []map[string]any }
	a.into(t, &page)
	var out []string
	for _, r := range page.Records {
		delete(r, "attributes")
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b))
	}
	return out
}

func TestAggregates(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for i, n := range []string{"10", "20", "null", "60"} {
		c.create("Lead", fmt.Sprintf(`{"LastName":"Agg","Company":"C%d","Rating":%q,"NumberOfEmployees":%s}`, i%2, []string{"Hot", "Cold"}[i%2], n))
	}
	for soql, want := range map[string][]string{
		"SELECT COUNT(Id) FROM Lead WHERE LastName = 'Agg'":                                                                       {`{"expr0":4}`},
		"SELECT COUNT(NumberOfEmployees) n, SUM(NumberOfEmployees), MAX(NumberOfEmployees) FROM Lead WHERE LastName = 'Agg'":      {`{"expr0":90,"expr1":60,"n":3}`},
		"SELECT Rating, COUNT_DISTINCT(Company) FROM Lead WHERE LastName = 'Agg' GROUP BY Rating ORDER BY Rating":                 {`{"Rating":"Cold","expr0":1}`, `{"Rating":"Hot","expr0":1}`},
		"SELECT Rating r, AVG(NumberOfEmployees) a FROM Lead WHERE LastName = 'Agg' GROUP BY Rating ORDER BY Rating DESC LIMIT 1": {`{"a":10,"r":"Hot"}`},
		"SELECT Owner.Name, COUNT(Id) FROM Lead WHERE LastName = 'Agg' GROUP BY Owner.Name":                                       {`{"Name":"Integration Handoffd","expr0":4}`},
	} {
		if diff := cmp.Diff(want, c.query(soql).records(t)); diff != "" {
			t.Errorf("%s: -want +got\n%s", soql, diff)
		}
	}
	for _, soql := range []string{
		"SELECT Rating, COUNT(Id) FROM Lead", "SELECT Rating r FROM Lead", "SELECT SUM(Rating) FROM Lead", "SELECT COUNT(Description) FROM Lead",
		"SELECT COUNT(Id) FROM Lead GROUP BY Description", "SELECT UPPER(Rating) FROM Lead", "SELECT COUNT(Id) FROM Lead ORDER BY Rating",
	} {
		if a := c.query(soql); a.Status != http.StatusBadRequest || a.code(t) != "MALFORMED_QUERY" {
			t.Errorf("%s: %d %s", soql, a.Status, a.Raw)
		}
	}
}

func TestSubqueries(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	acc := c.create("Account", `{"Name":"Sub"}`)
	empty := c.create("Account", `{"Name":"Sub empty"}`)
	for i := range 3 {
		c.create("Contact", fmt.Sprintf(`{"LastName":"K%d","AccountId":%q}`, i, acc))
	}
	got := c.query("SELECT Id, (SELECT LastName FROM Contacts WHERE LastName != 'K1' ORDER BY LastName), (SELECT Id FROM Opportunities) FROM Account WHERE Name LIKE 'Sub%' ORDER BY Name")
	all := got.records(t)
	if len(all) != 2 || !strings.Contains(all[1], `"Contacts":null`) || !strings.Contains(all[1], empty) || !strings.Contains(all[0], `"totalSize":2`) ||
		strings.Contains(all[0], "K1") || strings.Index(all[0], "K0") > strings.Index(all[0], "K2") || !strings.Contains(all[0], `"Opportunities":null`) {
		t.Errorf("got %s", got.Raw)
	}
	if one := c.query("SELECT (SELECT Id FROM Contacts) FROM Account WHERE Name = 'Sub'"); strings.Contains(one.Raw, `"Name"`) || len(one.records(t)) != 1 {
		t.Errorf("only a subquery: %s", one.Raw)
	}
	small := newClient(t, Config{PageSize: 2})
	big := small.create("Account", `{"Name":"Big"}`)
	for i := range 5 {
		small.create("Contact", fmt.Sprintf(`{"LastName":"K%d","AccountId":%q}`, i, big))
	}
	var page struct {
		Records []struct {
			Contacts struct {
				Done           bool
				TotalSize      int
				NextRecordsURL string
			}
		}
	}
	small.query("SELECT (SELECT Id FROM Contacts) FROM Account WHERE Name = 'Big'").into(t, &page)
	if k := page.Records[0].Contacts; k.Done || k.TotalSize != 5 || small.do("GET", k.NextRecordsURL, "").Status != http.StatusOK {
		t.Errorf("many children: %+v", k)
	}
	for soql, want := range map[string]string{
		"SELECT (SELECT Id FROM Leads) FROM Account":                            "INVALID_TYPE",
		"SELECT (SELECT Nope FROM Contacts) FROM Account":                       "INVALID_FIELD",
		"SELECT (SELECT COUNT() FROM Contacts) FROM Account":                    "MALFORMED_QUERY",
		"SELECT (SELECT Id, (SELECT Id FROM Tasks) FROM Contacts) FROM Account": "MALFORMED_QUERY",
		"SELECT (SELECT Id FROM Contacts FROM Account":                          "MALFORMED_QUERY",
		"SELECT FIELDS(ALL) FROM Account":                                       "MALFORMED_QUERY",
		"SELECT FIELDS(SOME) FROM Account LIMIT 1":                              "MALFORMED_QUERY",
	} {
		if a := c.query(soql); a.Status != http.StatusBadRequest || a.code(t) != want {
			t.Errorf("%s: %d %s, want %s", soql, a.Status, a.Raw, want)
		}
	}
	for set, has := range map[string][2]bool{"ALL": {true, true}, "STANDARD": {true, false}, "CUSTOM": {false, true}} {
		a := c.query("SELECT FIELDS(" + set + ") FROM Account LIMIT 1")
		if a.Status != http.StatusOK || strings.Contains(a.Raw, `"Website"`) != has[0] || strings.Contains(a.Raw, `"Segment__c"`) != has[1] {
			t.Errorf("FIELDS(%s): %d %s", set, a.Status, a.Raw)
		}
	}
}

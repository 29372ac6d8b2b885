package salesforcesim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
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
		"SELECT Rating, COUNT_DISTINCT(Company) FROM Lead WHERE LastName = 'Agg' GROUP BY Rating ORDER BY Rating":                 {`{"Rating":"Hot","expr0":1}`, `{"Rating":"Cold","expr0":1}`}, // as the list has them
		"SELECT Rating r, AVG(NumberOfEmployees) a FROM Lead WHERE LastName = 'Agg' GROUP BY Rating ORDER BY Rating DESC LIMIT 1": {`{"a":40,"r":"Cold"}`},
		"SELECT MIN(Rating) low, MAX(Rating) high FROM Lead WHERE LastName = 'Agg'":                                               {`{"high":"Cold","low":"Hot"}`},
		"SELECT Owner.Name, COUNT(Id) FROM Lead WHERE LastName = 'Agg' GROUP BY Owner.Name":                                       {`{"Name":"Integration Handoffd","expr0":4}`},
	} {
		if diff := cmp.Diff(want, c.query(soql).records(t)); diff != "" {
			t.Errorf("%s: -want +got\n%s", soql, diff)
		}
	}
	for _, soql := range []string{
		"SELECT Rating, COUNT(Id) FROM Lead", "SELECT Rating r FROM Lead", "SELECT SUM(Rating) FROM Lead", "SELECT COUNT(Description) FROM Lead",
		"SELECT COUNT(Id) FROM Lead GROUP BY Description", "SELECT UPPER(Rating) FROM Lead", "SELECT COUNT(Id) FROM Lead ORDER BY Rating",
		"SELECT AnnualRevenue, COUNT(Id) FROM Lead GROUP BY AnnualRevenue", "SELECT COUNT(IsConverted) FROM Lead",
		"SELECT COUNT(Id) FROM Lead LIMIT 1", "SELECT COUNT() FROM Lead GROUP BY Rating",
		"SELECT COUNT(Id) n, MAX(Name) N FROM Lead", "SELECT Rating r, COUNT(Id) r FROM Lead GROUP BY Rating",
	} {
		if a := c.query(soql); a.Status != http.StatusBadRequest || a.code(t) != "MALFORMED_QUERY" {
			t.Errorf("%s: %d %s", soql, a.Status, a.Raw)
		}
	}
}

// TestManyGroups: a grouped answer has one page, and what does not fit is refused.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	var rows []string
	for i := range maxPage + 1 {
		rows = append(rows, fmt.Sprintf(`{"fields":{"LastName":"Many %d","Company":"C"}}`, i))
	}
	if err := c.sim.Load([]byte(`{"Lead":[` + strings.Join(rows, ",") + `]}`)); err != nil {
		t.Fatal(err)
	}
	const soql = "SELECT LastName FROM Lead WHERE LastName LIKE 'Many %' GROUP BY LastName"
	if a := c.query(soql); a.Status != http.StatusBadRequest || a.code(t) != "EXCEEDED_ID_LIMIT" {
		t.Errorf("%d %.200s", a.Status, a.Raw)
	}
	if n := len(c.query(soql + " LIMIT 2000").records(t)); n != maxPage {
		t.Errorf("with a limit: %d groups", n)
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
		"SELECT (SELECT Id FROM Leads) FROM Account":                             "INVALID_TYPE",
		"SELECT (SELECT Nope FROM Contacts) FROM Account":                        "INVALID_FIELD",
		"SELECT (SELECT COUNT() FROM Contacts) FROM Account":                     "MALFORMED_QUERY",
		"SELECT (SELECT Id, (SELECT Id FROM Tasks) FROM Contacts) FROM Account":  "MALFORMED_QUERY",
		"SELECT (SELECT Id FROM Contacts FROM Account":                           "MALFORMED_QUERY",
		"SELECT (SELECT Id FROM Contacts LIMIT 1 OFFSET 1) FROM Account LIMIT 2": "MALFORMED_QUERY",
		"SELECT FIELDS(ALL) FROM Account":                                        "MALFORMED_QUERY",
		"SELECT FIELDS(SOME) FROM Account LIMIT 1":                               "MALFORMED_QUERY",
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

// TestTypeOf: what is asked of an owner depends on whether it is a person or a queue.
func TestTypeOf(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	queue := c.rows("SELECT Id, DeveloperName FROM Group WHERE DeveloperName = 'SDR_US'")[0]["Id"].(string)
	c.create("Lead", `{"LastName":"Typed","FirstName":"P","Company":"C","OwnerId":"`+c.user("ana")+`"}`)
	a := c.do("POST", "sobjects/Lead", `{"LastName":"Typed","FirstName":"Q","Company":"C","OwnerId":"`+queue+`"}`, "Sforce-Auto-Assign", "FALSE")
	if a.Status != http.StatusCreated {
		t.Fatal(a.Raw)
	}
	c.do("PATCH", "sobjects/Lead/"+c.rows("SELECT Id FROM Lead WHERE FirstName = 'P' AND LastName = 'Typed'")[0]["Id"].(string), `{"OwnerId":"`+c.user("ana")+`"}`, "Sforce-Auto-Assign", "FALSE")
	c.create("Task", `{"Subject":"Typed"}`)
	strip := func(rows []string) string {
		return regexp.MustCompile(`"attributes":\{"type":"(\w+)"[^}]*\}`).ReplaceAllString(strings.Join(rows, " "), `"$1"`)
	}
	const tail = " FROM Lead WHERE LastName = 'Typed' ORDER BY FirstName"
	for soql, want := range map[string]string{
		"SELECT FirstName, TYPEOF Owner WHEN User THEN Email, Manager.Name WHEN Group THEN DeveloperName END" + tail: `{"FirstName":"P","Owner":{"Email":"ana@example.com","Manager":null,"User"}} {"FirstName":"Q","Owner":{"DeveloperName":"SDR_US","Group"}}`,
		"SELECT typeof owner when Group then Name else Email end, FirstName" + tail:                                  `{"FirstName":"P","Owner":{"Email":"ana@example.com","User"}} {"FirstName":"Q","Owner":{"Name":"SDR US","Group"}}`,
		"SELECT TYPEOF Owner WHEN Group THEN Name END" + tail:                                                        `{"Owner":null} {"Owner":{"Name":"SDR US","Group"}}`,
		"SELECT TYPEOF Who WHEN Lead THEN Company END FROM Task WHERE Subject = 'Typed'":                             `{"Who":null}`,
	} {
		got := strip(c.query(soql).records(t))
		if strings.Contains(want, "Manager") { // whom ana reports to is not this test's
			got = regexp.MustCompile(`"Manager":(\{[^}]*\}|null)`).ReplaceAllString(got, `"Manager":null`)
		}
		if got != want {
			t.Errorf("%s:\n%s, want\n%s", soql, got, want)
		}
	}
	for soql, code := range map[string]string{
		"SELECT TYPEOF Owner WHEN User THEN DeveloperName END" + tail:               "INVALID_FIELD",
		"SELECT TYPEOF Owner WHEN Lead THEN Id END" + tail:                          "INVALID_FIELD",
		"SELECT TYPEOF Nope WHEN Lead THEN Id END" + tail:                           "INVALID_FIELD",
		"SELECT TYPEOF Owner END" + tail:                                            "MALFORMED_QUERY",
		"SELECT TYPEOF Owner WHEN User THEN END" + tail:                             "MALFORMED_QUERY",
		"SELECT TYPEOF Owner WHEN User THEN Id" + tail:                              "MALFORMED_QUERY",
		"SELECT TYPEOF CreatedBy WHEN User THEN Id END" + tail:                      "MALFORMED_QUERY",
		"SELECT Owner.Name, TYPEOF Owner WHEN User THEN Id END" + tail:              "MALFORMED_QUERY",
		"SELECT COUNT(Id), TYPEOF Owner WHEN User THEN Id END FROM Lead":            "MALFORMED_QUERY",
		"SELECT Id FROM Lead USING SCOPE team":                                      "MALFORMED_QUERY",
		"SELECT Id FROM GroupMember USING SCOPE mine":                               "MALFORMED_QUERY",
		"SELECT Id FROM Task WHERE WhoId IN (SELECT TYPEOF Owner WHEN User THEN Id": "MALFORMED_QUERY",
	} {
		if a := c.query(soql); a.Status != http.StatusBadRequest || a.code(t) != code {
			t.Errorf("%s: %d %s, want %s", soql, a.Status, a.Raw, code)
		}
	}
	if mine := c.rows("SELECT Subject FROM Task USING SCOPE mine WHERE Subject = 'Typed' OR Subject = 'x'"); len(mine) != 1 {
		t.Errorf("mine: %v", mine)
	}
	if mine := c.rows("SELECT Id FROM Lead USING SCOPE mine"); len(mine) != 0 {
		t.Errorf("others' leads are mine: %v", mine)
	}
}

// TestChoices: a multi-select picklist keeps the order of its list and is filtered by what it includes.
func TestChoices(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for name, v := range map[string]string{"both": `"Support;Platform;Support"`, "one": `"Analytics"`, "none": `null`} {
		c.create("Lead", `{"LastName":"Choice","FirstName":"`+name+`","Company":"C","Interests__c":`+v+`}`)
	}
	for where, want := range map[string]string{
		"INCLUDES ('Platform')":                        "both",
		"includes ('platform;Support', 'Analytics')":   "both one",
		"INCLUDES ('Platform;Analytics')":              "",
		"EXCLUDES ('Analytics')":                       "both none",
		"= 'Platform;Support'":                         "both",
		"!= null AND Interests__c EXCLUDES ('Nobody')": "both one",
	} {
		var got []string
		for _, r := range c.rows("SELECT FirstName FROM Lead WHERE LastName = 'Choice' AND Interests__c " + where + " ORDER BY FirstName") {
			got = append(got, r["FirstName"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", where, got, want)
		}
	}
	for soql, code := range map[string]string{
		"SELECT Id FROM Lead WHERE Interests__c LIKE 'P%'":                 "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Lead WHERE Interests__c IN ('Platform')":           "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Lead WHERE LeadSource INCLUDES ('Web')":            "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Lead WHERE Interests__c INCLUDES 'Platform'":       "MALFORMED_QUERY",
		"SELECT Id FROM Lead ORDER BY Interests__c":                        "INVALID_FIELD",
		"SELECT Interests__c, COUNT(Id) FROM Lead GROUP BY Interests__c":   "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Interests__c INCLUDES (3)":              "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE Interests__c INCLUDES (SELECT Id FROM)": "MALFORMED_QUERY",
	} {
		if a := c.query(soql); a.Status != http.StatusBadRequest || a.code(t) != code {
			t.Errorf("%s: %d %s, want %s", soql, a.Status, a.Raw, code)
		}
	}
	if a := c.do("POST", "sobjects/Lead", `{"LastName":"X","Company":"C","Interests__c":"Platform;Nope"}`); a.refusal(t) != "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST[Interests__c]" {
		t.Errorf("a value of nobody's: %d %s", a.Status, a.Raw)
	}
}

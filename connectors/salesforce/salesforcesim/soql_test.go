package salesforcesim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSOQLWhere(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	account := c.create("Account", `{"Name":"O'Brien & Sons","Website":"https://obrien.example","NumberOfEmployees":12}`)
	for i, body := range []string{
		`{"LastName":"Zed","Email":"zed@soql.example","AccountId":"` + account + `","Title":"a_b"}`,
		`{"LastName":"Young","Email":"young@soql.example","Title":"axb"}`,
		`{"LastName":"Xi","Email":"xi@soql.example","HasOptedOutOfEmail":true}`,
	} {
		if id := c.create("Contact", body); id == "" {
			t.Fatal(i)
		}
	}
	const ours = "Email LIKE '%@soql.example'"
	for _, tc := range []struct {
		where string
		want  string
	}{
		{ours, "Xi Young Zed"},
		{ours + " AND Email != null", "Xi Young Zed"},
		{ours + " AND Title = null", "Xi"},
		{ours + " AND Title = ''", "Xi"},
		{ours + " AND Title != 'axb'", "Xi Zed"},
		{ours + " AND Title NOT IN ('axb')", "Xi Zed"},
		{ours + " AND (Title LIKE 'a_b')", "Young Zed"},
		{ours + ` AND Title LIKE 'a\_b'`, "Zed"},
		{ours + " AND LastName > 'xz'", "Young Zed"},
		{ours + " AND (NOT LastName = 'zed')", "Xi Young"},
		{"NOT (LastName != 'Zed')", "Zed"},
		{ours + " AND (LastName = 'xi' OR LastName = 'ZED')", "Xi Zed"},
		{ours + " AND HasOptedOutOfEmail = true", "Xi"},
		{ours + " AND HasOptedOutOfEmail != TRUE", "Young Zed"},
		{`Account.Name = 'O\'Brien & Sons'`, "Zed"},
		{ours + " AND Account.Website != 'x'", "Xi Young Zed"},
		{ours + " AND Account.Website = null", "Xi Young"},
		{ours + " AND Account.NumberOfEmployees <= 12", "Zed"},
		{"Email = 'ZED@soql.example'", "Zed"},
		{"Email IN ('zed@soql.example','xi@soql.example')", "Xi Zed"},
		{ours + " AND AccountId = '" + account[:15] + "'", "Zed"},
		{ours + " AND CreatedDate = TODAY", "Xi Young Zed"},
		{ours + " AND CreatedDate > TODAY", ""},
		{ours + " AND CreatedDate = LAST_N_DAYS:3", "Xi Young Zed"},
		{ours + " AND CreatedDate < YESTERDAY", ""},
		{ours + " AND SystemModstamp >= 2020-01-01T00:00:00+02:00", "Xi Young Zed"},
	} {
		var got []string
		for _, r := range c.rows("SELECT LastName FROM Contact WHERE " + tc.where + " ORDER BY LastName") {
			got = append(got, r["LastName"].(string))
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.where, diff)
		}
	}
}

func TestSOQLRefusals(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, tc := range []struct{ soql, code, part string }{
		{"", "MALFORMED_QUERY", "query string"},
		{"SELEC Id FROM Lead", "MALFORMED_QUERY", "unexpected token: 'SELEC'"},
		{"SELECT FROM Lead", "MALFORMED_QUERY", "unexpected token: 'FROM'"},
		{"SELECT * FROM Lead", "MALFORMED_QUERY", "character '*'"},
		{"SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", "unexpected token"},
		{"SELECT Id FROM Lead WHERE Email = 'a", "MALFORMED_QUERY", "<EOF>"},
		{`SELECT Id FROM Lead WHERE Email = 'a\x'`, "MALFORMED_QUERY", "Illegal character sequence"},
		{`SELECT Id FROM Lead WHERE Email = "a"`, "MALFORMED_QUERY", "character"},
		{"SELECT Id FROM Lead WHERE IsConverted = true AND Email = null OR Phone = null", "MALFORMED_QUERY", "unexpected token: 'OR'"},
		{"SELECT Id FROM Lead WHERE Email = null AND NOT Phone = null", "MALFORMED_QUERY", "unexpected token: 'NOT'"},
		{"SELECT Id FROM Lead; DELETE", "MALFORMED_QUERY", ""},
		{"SELECT Id FROM Lead LIMIT x", "MALFORMED_QUERY", ""},
		{"SELECT Id FROM Lead WHERE Email = null LIMIT 1 ALL ROWS", "MALFORMED_QUERY", "ALL"},
		{"SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"},
		{"SELECT Id FROM Lead WHERE " + strings.Repeat("(", 200) + "Id = null" + strings.Repeat(")", 200), "MALFORMED_QUERY", "depth"},
		{"SELECT Id FROM Leads", "INVALID_TYPE", "sObject type 'Leads'"},
		{"SELECT Id FROM Name", "INVALID_TYPE", "Name"},
		{"SELECT Nope__c FROM Lead", "INVALID_FIELD", "No such column 'Nope__c' on entity 'Lead'"},
		{"SELECT Id, Id FROM Lead", "INVALID_FIELD", "duplicate field selected: Id"},
		{"SELECT Id FROM Lead WHERE Nope = 1", "INVALID_FIELD", "No such column 'Nope'"},
		{"SELECT Id FROM Lead ORDER BY Nope", "INVALID_FIELD", "No such column 'Nope'"},
		{"SELECT Account.Name FROM Lead", "INVALID_FIELD", "relationship 'Account'"},
		{"SELECT Owner.Type FROM Contact", "INVALID_FIELD", "No such column 'Type' on entity 'User'"},
		{"SELECT Owner.TimeZoneSidKey FROM Lead", "INVALID_FIELD", "on entity 'Name'"},
		{"SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD", "must be of type dateTime and should not be enclosed in quotes"},
		{"SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"},
		{"SELECT Id FROM Lead WHERE Email = 5", "INVALID_FIELD", "must be of type string and should be enclosed in quotes"},
		{"SELECT Id FROM Lead WHERE IsConverted = 'true'", "INVALID_FIELD", "boolean"},
		{"SELECT Id FROM Opportunity WHERE CloseDate > 2026-01-01T00:00:00Z", "INVALID_FIELD", "must be of type date"},
		{"SELECT Id FROM Lead WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: nonsense"},
		{"SELECT Id FROM Lead WHERE Id LIKE '00Q%'", "INVALID_QUERY_FILTER_OPERATOR", ""},
		{"SELECT Id FROM Task WHERE Description LIKE '%key%'", "INVALID_FIELD", "can not be filtered"},
		{"SELECT Id FROM Task ORDER BY Description", "INVALID_FIELD", "can not be sorted"},
		{"SELECT Id FROM Task WHERE Handoff_Key__c = 'k'", "INVALID_FIELD", "No such column 'Handoff_Key__c' on entity 'Task'"},
	} {
		a := c.query(tc.soql)
		if a.Status != http.StatusBadRequest || a.code(t) != tc.code || !strings.Contains(strings.ReplaceAll(a.Raw, `\u003c`, "<"), strings.ReplaceAll(tc.part, "<EOF>", "<EOF")) {
			t.Errorf("%.80s: got %d %s, want %s with %q", tc.soql, a.Status, a.Raw, tc.code, tc.part)
		}
	}
}

func TestSOQLAnswerShape(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	id := c.create("Lead", `{"LastName":"Shape","Company":"Shape & <Co>","OwnerId":"`+c.user("ana")+`","NumberOfEmployees":5,"AnnualRevenue":5000}`)
	a := c.query("select id, lastname, company, owner.name, Owner.Type, numberofemployees, annualrevenue, Email, CreatedBy.Alias from lead where id = '" + id + "'")
	want := `{"totalSize":1,"done":true,"records":[{"attributes":{"type":"Lead","url":"/services/data/v60.0/sobjects/Lead/` + id +
		`"},"Id":"` + id + `","LastName":"Shape","Company":"Shape & <Co>","Owner":{"attributes":{"type":"Name","url":"/services/data/v60.0/sobjects/User/` + c.user("ana") +
		`"},"Name":"Ana Example","Type":"User"},"NumberOfEmployees":5,"AnnualRevenue":5000.0,"Email":null,"CreatedBy":{"attributes":{"type":"User","url":"/services/data/v60.0/sobjects/User/` +
		c.sim.caller + `"},"Alias":"handoffd"}}]}`
	if diff := cmp.Diff(want, a.Raw); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	stamp := c.rows("SELECT SystemModstamp FROM Lead WHERE Id = '" + id + "'")[0]["SystemModstamp"].(string)
	if _, err := time.Parse("2006-01-02T15:04:05.000-0700", stamp); err != nil || !strings.HasSuffix(stamp, ".000+0000") {
		t.Errorf("SystemModstamp %q: want whole seconds, .000+0000", stamp)
	}
}

func TestOrderAndPages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{PageSize: 7})
	var got []string
	next, pages := "", 0
	for a := c.query("SELECT Id, SystemModstamp FROM Account WHERE SystemModstamp > 2000-01-01T00:00:00Z ORDER BY SystemModstamp ASC NULLS LAST, Id DESC"); ; a = c.do("GET", next, "") {
		var page struct {
			TotalSize      int
			Done           bool
			NextRecordsURL string
			Records        []map[string]any
		}
		a.into(t, &page)
		if page.TotalSize != 40 || len(page.Records) > 7 {
			t.Fatalf("totalSize %d, %d records", page.TotalSize, len(page.Records))
		}
		for _, r := range page.Records {
			got = append(got, r["Id"].(string))
		}
		pages++
		if next = page.NextRecordsURL; page.Done {
			break
		}
		if pages == 1 { // the locator is a snapshot: a later row does not appear in it
			c.create("Account", `{"Name":"Late"}`)
		}
	}
	if len(got) != 40 || pages != 6 {
		t.Fatalf("%d rows on %d pages, want 40 on 6", len(got), pages)
	}
	for i := 1; i < len(got); i++ {
		if got[i] >= got[i-1] {
			t.Fatalf("row %d: %s after %s, want ids falling within the shared second", i, got[i], got[i-1])
		}
	}
	for _, bad := range []string{"01gdL0000000001AAA-7", strings.Replace(next, "-", "-9", 1), "zzz", "01g"} {
		if a := c.do("GET", "query/"+strings.TrimPrefix(bad, "/services/data/v60.0/query/"), ""); bad != "" && a.Status == http.StatusOK {
			t.Errorf("locator %q: got 200", bad)
		}
	}
}

func TestNullsInOrder(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, body := range []string{`{"LastName":"N","Title":"b"}`, `{"LastName":"N"}`, `{"LastName":"N","Title":"A"}`} {
		c.create("Contact", body)
	}
	for order, want := range map[string]string{
		"": "- A b", "ASC": "- A b", "NULLS FIRST": "- A b", "NULLS LAST": "A b -", "DESC": "- b A", "DESC NULLS LAST": "b A -",
	} {
		var got []string
		for _, r := range c.rows("SELECT Title FROM Contact WHERE LastName = 'N' ORDER BY Title " + order) {
			if title, filled := r["Title"].(string); filled {
				got = append(got, title)
			} else {
				got = append(got, "-")
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("ORDER BY Title %s: got %q, want %q", order, s, want)
		}
	}
}

func TestKeysetPaging(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	stamp := c.rows("SELECT SystemModstamp FROM Account LIMIT 1")[0]["SystemModstamp"].(string)
	stamp = strings.TrimSuffix(stamp, ".000+0000") + "Z"
	last, n := "000000000000000", 0
	for {
		rows := c.rows("SELECT Id FROM Account WHERE (SystemModstamp = " + stamp + " AND Id > '" + last + "') OR SystemModstamp > " + stamp + " ORDER BY SystemModstamp, Id LIMIT 9")
		if len(rows) == 0 {
			break
		}
		n += len(rows)
		last = rows[len(rows)-1]["Id"].(string)
	}
	if n != 40 {
		t.Errorf("keyset walked %d rows of one second, want 40", n)
	}
}

// TestIndexAgreesWithScan compares every indexed condition with the same one wrapped so that no index fits.
func TestIndexAgreesWithScan(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	r := rand.New(rand.NewPCG(1, 2))
	var ids []string
	for i := range 60 {
		ids = append(ids, c.create("Contact", fmt.Sprintf(`{"LastName":"L%d","Email":"u%d@index.example"}`, i, i%20)))
	}
	for range 200 {
		c.do("PATCH", "sobjects/Contact/"+ids[r.IntN(60)], fmt.Sprintf(`{"Email":"u%d@index.example"}`, r.IntN(20)))
	}
	for i := range 20 {
		where := fmt.Sprintf("Email = 'u%d@index.example'", i)
		fast, slow := len(c.rows("SELECT Id FROM Contact WHERE "+where)), len(c.rows("SELECT Id FROM Contact WHERE (NOT (NOT "+where+"))"))
		if fast != slow {
			t.Errorf("%s: index %d rows, scan %d", where, fast, slow)
		}
	}
	if n := len(c.rows("SELECT Id FROM Contact WHERE Id IN ('" + strings.Join(ids, "','") + "')")); n != 60 {
		t.Errorf("Id IN: %d rows, want 60", n)
	}
}

func TestLikeIsNotExponential(t *testing.T) {
	t.Parallel()
	p := compileLike(strings.Repeat("%a", 40) + "b")
	if p.match(strings.Repeat("a", 5000)) {
		t.Error("matched")
	}
}

func FuzzSOQL(f *testing.F) {
	for _, seed := range []string{
		"SELECT Id FROM Lead", "SELECT COUNT() FROM Lead WHERE Email = null", `SELECT Owner.Name FROM Lead WHERE Email LIKE '%\'\_%' ORDER BY Id DESC NULLS LAST LIMIT 3 OFFSET 2`,
		"SELECT Id FROM Lead WHERE (SystemModstamp = 2026-11-20T00:00:00Z AND Id > '00QdL0000000001') OR SystemModstamp > 2026-11-20T00:00:00Z",
		"SELECT Id FROM Task WHERE ActivityDate = LAST_N_DAYS:7 AND (NOT WhoId IN (null,''))", "SELECT Amount FROM Opportunity WHERE Amount >= -1.5",
	} {
		f.Add(seed)
	}
	s := New(Config{Seed: 7})
	f.Fuzz(func(t *testing.T, src string) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		q, err := parseSOQL(src, now)
		if err != nil {
			if !json.Valid(errorBody(err)) {
				t.Fatalf("%q: error is not JSON", src)
			}
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		o, cols, err := s.bind(q)
		if err != nil {
			return
		}
		for _, h := range s.run(q, o, true, now) {
			if b := s.record(nil, o, "60.0", h.row.id, h.fields, cols); !json.Valid(b) {
				t.Fatalf("%q: record is not JSON: %s", src, b)
			}
		}
	})
}

package salesforcesim

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// finish waits as long as every job needs and gives what became of one.
func (c *client) finish(kind, id string) job {
	c.t.Helper()
	time.Sleep(3 * time.Second)
	var j job
	c.do("GET", "jobs/"+kind+"/"+id, "").into(c.t, &j)
	return j
}

func (c *client) open(kind, body string) job {
	c.t.Helper()
	a := c.do("POST", "jobs/"+kind, body)
	if a.Status != http.StatusOK {
		c.t.Fatalf("%d %s", a.Status, a.Raw)
	}
	var j job
	a.into(c.t, &j)
	return j
}

// load makes an ingest job of data and waits for it.
func (c *client) load(body, data string) job {
	c.t.Helper()
	j := c.open("ingest", body)
	if a := c.do("PUT", "/"+j.ContentURL, data, "Content-Type", "text/csv"); a.Status != http.StatusCreated || a.Raw != "" {
		c.t.Fatalf("upload: %d %s", a.Status, a.Raw)
	}
	if a := c.do("PATCH", "jobs/ingest/"+j.ID, `{"state":"UploadComplete"}`); a.Status != http.StatusOK || !strings.Contains(a.Raw, `"state":"UploadComplete"`) {
		c.t.Fatalf("close: %d %s", a.Status, a.Raw)
	}
	return c.finish("ingest", j.ID)
}

// sheet is a result, its lines in the order of what they say.
func (c *client) sheet(path string) []string {
	c.t.Helper()
	a := c.do("GET", path, "")
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "text/csv" {
		c.t.Fatalf("%s: %d %s", path, a.Status, a.Raw)
	}
	lines := strings.Split(strings.TrimSuffix(a.Raw, "\n"), "\n")
	slices.Sort(lines[1:])
	return lines
}

func TestBulkIngest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		owner := c.create("Lead", `{"LastName":"Old","Company":"Bulk","Title":"CEO","Handoff_Id__c":"k1"}`)
		j := c.load(`{"object":"lead","operation":"insert","contentType":"CSV","lineEnding":"LF"}`,
			"LastName,Company,NumberOfEmployees,HasOptedOutOfEmail\nOne,Bulk,7,true\nTwo,,1,false\nThree,Bulk,many,false\n\"Fo\"\"ur\",Bulk,,\n")
		if j.State != "JobComplete" || j.Processed != 4 || *j.Failed != 2 || j.JobType != "V2Ingest" || j.Object != "Lead" || !strings.HasPrefix(j.ID, "750") {
			t.Errorf("job %+v", j)
		}
		good := c.sheet("jobs/ingest/" + j.ID + "/successfulResults")
		if good[0] != `"sf__Id","sf__Created","LastName","Company","NumberOfEmployees","HasOptedOutOfEmail"` || len(good) != 3 ||
			!strings.HasPrefix(good[1], `"00Q`) || !strings.Contains(strings.Join(good, ""), `"true","Fo""ur","Bulk","",""`) {
			t.Errorf("good: %q", good)
		}
		bad := c.sheet("jobs/ingest/" + j.ID + "/failedResults/")
		if len(bad) != 3 || !slices.Contains(bad, `"","REQUIRED_FIELD_MISSING:Required fields are missing: [Company]:Company --","Two","","1","false"`) ||
			!slices.Contains(bad, `"","INVALID_TYPE_ON_FIELD_IN_RECORD:Number Of Employees: value not of required type: many:NumberOfEmployees --","Three","Bulk","many","false"`) {
			t.Errorf("bad: %q", bad)
		}
		if got := c.sheet("jobs/ingest/" + j.ID + "/unprocessedrecords"); len(got) != 1 {
			t.Errorf("unprocessed: %q", got)
		}
		rows := c.rows("SELECT NumberOfEmployees, HasOptedOutOfEmail, OwnerId FROM Lead WHERE LastName = 'One'")
		if len(rows) != 1 || rows[0]["NumberOfEmployees"] != 7.0 || rows[0]["HasOptedOutOfEmail"] != true || !strings.HasPrefix(rows[0]["OwnerId"].(string), "005") {
			t.Errorf("row %v: no assignment rule runs without its id", rows)
		}

		j = c.load(`{"object":"Lead","operation":"upsert","externalIdFieldName":"Handoff_Id__c"}`, "Handoff_Id__c,LastName,Company,Title\nk1,New,,#N/A\nk2,Other,Bulk,\nk3,A,B,\nK3,A,B,\n")
		if got := c.rows("SELECT LastName, Company, Title FROM Lead WHERE Id = '" + owner + "'"); *j.Failed != 2 || got[0]["LastName"] != "New" || got[0]["Company"] != "Bulk" || got[0]["Title"] != nil {
			t.Errorf("upsert %+v: an empty cell leaves alone, #N/A clears: %v", j, got)
		}
		if got := c.sheet("jobs/ingest/" + j.ID + "/successfulResults"); !slices.Contains(got, `"`+owner+`","false","k1","New","","#N/A"`) || len(got) != 3 {
			t.Errorf("upsert: %q", got)
		}
		j = c.load(`{"object":"Lead","operation":"insert"}`, "Id,LastName,Company\n"+owner+",Twice,Bulk\n,Once,Bulk\n")
		if got := c.sheet("jobs/ingest/" + j.ID + "/failedResults"); len(got) != 2 || !strings.HasPrefix(got[1], `"","INVALID_FIELD_FOR_INSERT_UPDATE:`) {
			t.Errorf("insert with an id: %q", got)
		}
		j = c.load(`{"object":"Lead","operation":"delete"}`, "Id\n"+owner+"\n"+owner[:15]+"x\n")
		if *j.Failed != 1 || len(c.rows("SELECT Id FROM Lead WHERE Id = '"+owner+"'")) != 0 {
			t.Errorf("delete %+v", j)
		}
	})
}

// TestBulkIngestFails: what is wrong with all of an upload fails the job, and nothing of it is written.
func TestBulkIngestFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		for _, tc := range []struct{ job, data, want string }{
			{`"operation":"insert"`, "LastName,Company,Nope__c\nBulk,C,x\n", "InvalidBatch : Field name not found : Nope__c"},
			{`"operation":"insert"`, "LastName,Company\r\nBulk,C\r\n", "LineEnding is invalid on user data. Current LineEnding setting is LF"},
			{`"operation":"insert","lineEnding":"CRLF"`, "LastName,Company\nBulk,C\n", "Current LineEnding setting is CRLF"},
			{`"operation":"insert"`, "LastName,Company\nBulk,C,D\n", "InvalidBatch"},
			{`"operation":"insert","columnDelimiter":"TAB"`, "LastName,Company\nBulk,C\n", "Field name not found : LastName,Company"},
			{`"operation":"update"`, "LastName,Company\nBulk,C\n", "Field name not found : Id"},
			{`"operation":"insert"`, "\n", "InvalidBatch"},
		} {
			j := c.load(`{"object":"Lead",`+tc.job+`}`, tc.data)
			if j.State != "Failed" || !strings.Contains(j.ErrorMessage, tc.want) || j.Processed != 0 {
				t.Errorf("%q: %s %q, want %q", tc.data, j.State, j.ErrorMessage, tc.want)
			}
		}
		if rows := c.rows("SELECT Id FROM Lead WHERE LastName = 'Bulk'"); len(rows) != 0 {
			t.Errorf("%d rows", len(rows))
		}
		for body, code := range map[string]string{
			`{"object":"Nope","operation":"insert"}`:                                         "INVALIDJOB",
			`{"object":"Lead","operation":"merge"}`:                                          "INVALIDJOB",
			`{"object":"Lead","operation":"upsert"}`:                                         "INVALIDJOB",
			`{"object":"Lead","operation":"upsert","externalIdFieldName":"Title"}`:           "INVALIDJOB",
			`{"object":"Lead","operation":"hardDelete"}`:                                     "FEATURENOTENABLED",
			`{"object":"User","operation":"insert"}`:                                         "INVALIDENTITY",
			`{"object":"Lead","operation":"insert","contentType":"JSON"}`:                    "INVALIDJOB",
			`{"object":"Lead","operation":"insert","lineEnding":"CR"}`:                       "API_ERROR",
			`{"object":"Lead","operation":"insert","assignmentRuleId":"01Q000000000000AAA"}`: "INVALIDJOB",
			`{"object":"Lead","nope":1}`:                                                     "API_ERROR",
		} {
			if a := c.do("POST", "jobs/ingest", body); a.Status != http.StatusBadRequest || a.code(t) != code {
				t.Errorf("%s: %d %s", body, a.Status, a.Raw)
			}
		}
	})
}

// TestBulkJobStates: a job is opened, filled once, closed or given up; what it did is told when it is over, for a week.
func TestBulkJobStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{SessionLife: 1000 * time.Hour})
		j := c.open("ingest", `{"object":"Lead","operation":"insert"}`)
		path := "jobs/ingest/" + j.ID
		refuse := func(method, path, body, code string) {
			t.Helper()
			content := "application/json"
			if method == "PUT" {
				content = "text/csv"
			}
			if a := c.do(method, path, body, "Content-Type", content); a.Status < 400 || a.code(t) != code {
				t.Errorf("%s %s %s: %d %s, want %s", method, path, body, a.Status, a.Raw, code)
			}
		}
		refuse("DELETE", path, "", "INVALIDJOBSTATE")
		refuse("GET", path+"/successfulResults", "", "INVALIDJOBSTATE")
		refuse("GET", path+"/results", "", "NOT_FOUND")
		refuse("GET", "jobs/query/"+j.ID, "", "NOT_FOUND")
		refuse("PATCH", path, `{"state":"JobComplete"}`, "API_ERROR")
		c.do("PUT", path+"/batches", "LastName,Company\nBulk,C\n", "Content-Type", "text/csv")
		refuse("PUT", path+"/batches", "LastName,Company\nBulk,C\n", "INVALIDJOBSTATE")
		if a := c.do("PUT", path+"/batches", "{}"); a.Status != http.StatusUnsupportedMediaType {
			t.Errorf("JSON as data: %d", a.Status)
		}
		c.do("PATCH", path, `{"state":"UploadComplete"}`)
		refuse("PATCH", path, `{"state":"UploadComplete"}`, "INVALIDJOBSTATE")
		if a := c.do("PATCH", path, `{"state":"Aborted"}`); a.Status != http.StatusOK || !strings.Contains(a.Raw, `"state":"Aborted"`) {
			t.Errorf("abort: %d %s", a.Status, a.Raw)
		}
		if got := c.finish("ingest", j.ID); got.State != "Aborted" || len(c.rows("SELECT Id FROM Lead WHERE LastName = 'Bulk'")) != 0 {
			t.Errorf("an aborted job ran: %+v", got)
		}
		if a := c.do("DELETE", path, ""); a.Status != http.StatusNoContent || c.do("GET", path, "").Status != http.StatusNotFound {
			t.Errorf("delete: %d %s", a.Status, a.Raw)
		}
		other := c.load(`{"object":"Lead","operation":"insert"}`, "LastName,Company\nBulk,C\n")
		if list := c.do("GET", "jobs/ingest", ""); !strings.Contains(list.Raw, other.ID) || !strings.Contains(list.Raw, `"done":true`) {
			t.Errorf("list: %s", list.Raw)
		}
		time.Sleep(8 * 24 * time.Hour)
		refuse("GET", "jobs/ingest/"+other.ID+"/successfulResults", "", "NOT_FOUND")
		refuse("POST", "/services/data/v40.0/jobs/ingest", `{"object":"Lead","operation":"insert"}`, "NOT_FOUND")
		refuse("POST", "/services/data/v46.0/jobs/query", `{"operation":"query","query":"SELECT Id FROM Lead"}`, "NOT_FOUND")
	})
}

func TestBulkQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{})
		for i := range 7 {
			c.create("Lead", fmt.Sprintf(`{"LastName":"B\"%d","Company":"Bulk, Inc."}`, i))
		}
		gone := c.create("Lead", `{"LastName":"gone","Company":"Bulk, Inc."}`)
		c.do("DELETE", "sobjects/Lead/"+gone, "")
		j := c.open("query", `{"operation":"queryAll","query":"SELECT LastName, Title, CreatedDate, IsDeleted, Owner.Name FROM Lead WHERE Company = 'Bulk, Inc.'"}`)
		if j.State != "UploadComplete" {
			t.Errorf("state %s", j.State)
		}
		if a := c.do("GET", "jobs/query/"+j.ID+"/results", ""); a.Status != http.StatusBadRequest || a.code(t) != "INVALIDJOBSTATE" {
			t.Errorf("too early: %d %s", a.Status, a.Raw)
		}
		if j = c.finish("query", j.ID); j.State != "JobComplete" || j.Processed != 8 || j.JobType != "V2Query" || j.Object != "Lead" || j.Failed != nil {
			t.Errorf("job %+v", j)
		}
		var names []string
		for page, locator := 0, ""; locator != "null"; page++ {
			a := c.do("GET", "jobs/query/"+j.ID+"/results?maxRecords=3&locator="+locator, "")
			lines, err := csv.NewReader(strings.NewReader(a.Raw)).ReadAll()
			if err != nil || a.Header.Get("Sforce-NumberOfRecords") != fmt.Sprint(len(lines)-1) || !cmp.Equal(lines[0], []string{"LastName", "Title", "CreatedDate", "IsDeleted", "Owner.Name"}) || page > 3 {
				t.Fatalf("page %d: %v %q", page, err, a.Raw)
			}
			for _, l := range lines[1:] {
				names = append(names, l[0])
				if _, err := time.Parse("2006-01-02T15:04:05.000Z", l[2]); err != nil || l[1] != "" || l[3] != fmt.Sprint(l[0] == "gone") || l[4] == "" {
					t.Errorf("line %q", l)
				}
			}
			locator = a.Header.Get("Sforce-Locator")
		}
		if slices.Sort(names); !cmp.Equal(names, []string{`B"0`, `B"1`, `B"2`, `B"3`, `B"4`, `B"5`, `B"6`, "gone"}) {
			t.Errorf("names %q", names)
		}
		if a := c.do("GET", "jobs/query/"+j.ID+"/results?locator=xyz", ""); a.Status != http.StatusBadRequest {
			t.Errorf("a locator of nobody's: %d", a.Status)
		}
		for soql, code := range map[string]string{
			"SELECT Nope FROM Lead":                              "INVALID_FIELD",
			"SELECT Id FROM":                                     "MALFORMED_QUERY",
			"SELECT COUNT() FROM Lead":                           "API_ERROR",
			"SELECT COUNT(Id) FROM Lead GROUP BY Status":         "API_ERROR",
			"SELECT Id FROM Lead OFFSET 2":                       "API_ERROR",
			"SELECT Id, (SELECT Id FROM Contacts) FROM Account ": "API_ERROR",
		} {
			if a := c.do("POST", "jobs/query", `{"operation":"query","query":"`+soql+`"}`); a.Status != http.StatusBadRequest || a.code(t) != code {
				t.Errorf("%s: %d %s", soql, a.Status, a.Raw)
			}
		}
		if raw := c.do("GET", "limits", "").Raw; !strings.Contains(raw, `"DailyBulkV2QueryJobs":{"Max":10000,"Remaining":9999}`) {
			t.Errorf("limits %s", raw)
		}
	})
}

package salesforcesim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

var _ simhttp.Sim = (*Sim)(nil)

// client calls a simulated org in memory with the session that New left.
type client struct {
	t     *testing.T
	sim   *Sim
	token string
}

func newClient(t *testing.T, cfg Config) *client {
	t.Helper()
	if cfg.Seed == 0 {
		cfg.Seed = 7
	}
	s := New(cfg)
	return &client{t, s, s.auth.token}
}

type answer struct {
	Status int
	Header http.Header
	Raw    string
}

// do sends one call below /services/data/v60.0; headers alternate name and value.
func (c *client) do(method, path, body string, headers ...string) answer {
	c.t.Helper()
	if !strings.HasPrefix(path, "/services") && !strings.HasPrefix(path, "/id/") {
		path = "/services/data/v60.0/" + path
	}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body == "" {
		req.Body = http.NoBody
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	c.sim.ServeHTTP(rec, req)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

func (c *client) query(soql string) answer {
	c.t.Helper()
	return c.do("GET", "query?q="+url.QueryEscape(soql), "")
}

// rows are the records, of all pages, of a query that must work.
func (c *client) rows(soql string) []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for a := c.query(soql); ; {
		if a.Status != http.StatusOK {
			c.t.Fatalf("%s: status %d %s", soql, a.Status, a.Raw)
		}
		var page struct {
			Done           bool
			NextRecordsURL string
			Records        []map[string]any
		}
		a.into(c.t, &page)
		if all = append(all, page.Records...); page.Done {
			return all
		}
		a = c.do("GET", page.NextRecordsURL, "")
	}
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Raw), v); err != nil {
		t.Fatalf("decode %q: %v", a.Raw, err)
	}
}

// code is the errorCode of a refused call.
func (a answer) code(t *testing.T) string {
	t.Helper()
	var list []struct{ ErrorCode string }
	a.into(t, &list)
	if len(list) == 0 {
		t.Fatalf("no error in %q", a.Raw)
	}
	return list[0].ErrorCode
}

// create makes a record without assignment rules and returns its id.
func (c *client) create(object, body string) string {
	c.t.Helper()
	a := c.do("POST", "sobjects/"+object, body, "Sforce-Auto-Assign", "FALSE")
	if a.Status != http.StatusCreated {
		c.t.Fatalf("create %s: %d %s", object, a.Status, a.Raw)
	}
	var out struct{ ID string }
	a.into(c.t, &out)
	return out.ID
}

func (c *client) user(name string) string {
	c.t.Helper()
	id := c.sim.users[mailOf(name)]
	if id == "" {
		c.t.Fatalf("no user %s", name)
	}
	return id
}

func TestDefaultWorld(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for _, tc := range []struct {
		soql string
		want int
	}{
		{"SELECT COUNT() FROM Account", 40},
		{"SELECT COUNT() FROM User WHERE IsActive = true AND Email LIKE '%@example.com' AND UserType = 'Standard'", 20},
		{"SELECT COUNT() FROM Group WHERE Type = 'Queue'", 6},
		{"SELECT COUNT() FROM Lead WHERE Owner.Type = 'Queue'", 3},
		{"SELECT COUNT() FROM Account WHERE Website = 'https://www.acme.com' AND Named_Account__c = true AND Owner.Email = 'ana@example.com'", 1},
		{"SELECT COUNT() FROM LeadStatus WHERE IsConverted = true", 1},
		{"SELECT COUNT() FROM Organization", 1},
	} {
		var got struct{ TotalSize int }
		c.query(tc.soql).into(t, &got)
		if got.TotalSize != tc.want {
			t.Errorf("%s: got %d, want %d", tc.soql, got.TotalSize, tc.want)
		}
	}
	if _, err := orgSchema(true, shape{}); err != nil {
		t.Error(err)
	}
}

func TestSchemaNamesWhatTheSampleMappingReads(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{})
	for object, fields := range map[string]string{
		"Lead":        "Email,Name,Title,Phone,MobilePhone,Country,PostalCode,LeadSource,Last_Form__c,Last_Form_At__c,Intent_Signal__c,Business_Problem__c,Timeline__c,Status,OwnerId,Handoff_Status__c,Handoff_Return_Reason__c,Handoff_Accept_By__c,Handoff_Touch_By__c",
		"Contact":     "MailingCountry,MailingPostalCode,Contact_Status__c,Last_Form__c,Timeline__c,Handoff_Id__c",
		"Account":     "Name,Website,BillingCountry,NumberOfEmployees,Segment__c,Named_Account__c,Type,OwnerId",
		"Opportunity": "Name,StageName,Amount,CloseDate,Qualified_Meeting_Outcome__c,Use_Case__c,Current_Stack__c,Stakeholder_Map__c,Why_Bought__c,Commitments_Made__c,Open_Risks__c,Success_Criteria__c,Call_Recordings__c,NextStep,CSM__c,OwnerId,Handoff_Status__c,Handoff_Return_Reason__c",
	} {
		if a := c.query("SELECT " + fields + " FROM " + object + " LIMIT 1"); a.Status != http.StatusOK {
			t.Errorf("%s: %s", object, a.Raw)
		}
	}
}

func TestHiddenFields(t *testing.T) {
	t.Parallel()
	c := newClient(t, Config{Without: []string{"Lead.Handoff_Brief__c", "Account.OwnerId", "Nope.x"}})
	for path, body := range map[string]string{
		"query?q=SELECT+Handoff_Brief__c+FROM+Lead": "", "query?q=SELECT+Owner.Name+FROM+Account": "",
		"sobjects/Lead": `{"LastName":"L","Company":"C","Handoff_Brief__c":"x"}`,
	} {
		method := "GET"
		if body != "" {
			method = "POST"
		}
		if a := c.do(method, path, body); a.Status != http.StatusBadRequest || a.code(t) != "INVALID_FIELD" {
			t.Errorf("%s: got %d %s", path, a.Status, a.Raw)
		}
	}
	if a := c.do("GET", "sobjects/Lead/describe", ""); strings.Contains(a.Raw, "Handoff_Brief__c") {
		t.Error("describe shows a hidden field")
	}
	if a := c.query("SELECT Handoff_Brief__c FROM Contact LIMIT 1"); a.Status != http.StatusOK {
		t.Errorf("the same field of another object: %s", a.Raw)
	}
}

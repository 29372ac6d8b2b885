// Package clients runs public Go clients against the simulators, unchanged.
// It is a module of its own: nothing of it becomes part of handoffd.
package clients

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	salesforce "github.com/k-capehart/go-salesforce/v3"
)

// credentials is what crmsim prints when it is ready.
type credentials struct {
	Salesforce struct {
		URL          string `json:"url"`
		Token        string `json:"token"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		KeyFile      string `json:"private_key_file"`
		Username     string `json:"username"`
	} `json:"salesforce"`
}

func crmsim(t *testing.T) credentials {
	t.Helper()
	line := os.Getenv("CRMSIM")
	if line == "" {
		t.Skip("CRMSIM is not set: the line that `crmsim serve` prints when it is ready")
	}
	var c credentials
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func connect(t *testing.T, creds salesforce.Creds) *salesforce.Salesforce {
	t.Helper()
	sf, err := salesforce.Init(creds)
	if err != nil {
		t.Fatal(err)
	}
	return sf
}

func TestLogIn(t *testing.T) {
	c := crmsim(t).Salesforce
	key, err := os.ReadFile(c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, creds := range map[string]salesforce.Creds{
		"client credentials": {Domain: c.URL, ConsumerKey: c.ClientID, ConsumerSecret: c.ClientSecret},
		"signed assertion":   {Domain: c.URL, Username: c.Username, ConsumerKey: c.ClientID, ConsumerRSAPem: string(key)},
		"access token":       {Domain: c.URL, AccessToken: c.Token},
	} {
		t.Run(name, func(t *testing.T) {
			var users []struct{ Id, Email string }
			if err := connect(t, creds).Query("SELECT Id, Email FROM User WHERE IsActive = true LIMIT 5", &users); err != nil {
				t.Fatal(err)
			}
			if len(users) != 5 {
				t.Errorf("%d users, want 5", len(users))
			}
		})
	}
}

type lead struct {
	Id        string `json:",omitempty"`
	FirstName string `json:",omitempty"`
	LastName  string
	Company   string `json:",omitempty"`
}

func TestRecords(t *testing.T) {
	c := crmsim(t).Salesforce
	sf := connect(t, salesforce.Creds{Domain: c.URL, ConsumerKey: c.ClientID, ConsumerSecret: c.ClientSecret})
	name := fmt.Sprintf("Go %d", os.Getpid())

	made, err := sf.InsertOne("Lead", lead{LastName: name, Company: "Clients Ltd"})
	if err != nil || !made.Success {
		t.Fatal(made, err)
	}
	if err := sf.UpdateOne("Lead", lead{Id: made.Id, FirstName: "Dana", LastName: name, Company: "Clients Ltd"}); err != nil {
		t.Fatal(err)
	}
	var read []lead
	if err := sf.Query("SELECT Id, FirstName, LastName, Company FROM Lead WHERE LastName = '"+name+"'", &read); err != nil {
		t.Fatal(err)
	}
	if len(read) != 1 || read[0].FirstName != "Dana" {
		t.Errorf("read %+v", read)
	}
	if _, err := sf.InsertOne("Lead", lead{LastName: name}); err == nil || !strings.Contains(err.Error(), "REQUIRED_FIELD_MISSING") {
		t.Errorf("a lead without company: %v", err)
	}
	if err := sf.DeleteOne("Lead", lead{Id: made.Id, LastName: name}); err != nil {
		t.Fatal(err)
	}
}

func TestMany(t *testing.T) {
	c := crmsim(t).Salesforce
	sf := connect(t, salesforce.Creds{Domain: c.URL, ConsumerKey: c.ClientID, ConsumerSecret: c.ClientSecret})
	var leads []lead
	for n := range 230 {
		leads = append(leads, lead{LastName: fmt.Sprintf("Many %d %d", os.Getpid(), n), Company: "Clients Ltd"})
	}
	leads[7].Company = "" // refused, and the others go in
	made, err := sf.InsertCollection("Lead", leads, 200)
	if err != nil {
		t.Fatal(err)
	}
	ok := 0
	for _, r := range made.Results {
		if r.Success {
			ok++
		}
	}
	if ok != 229 || !made.HasSalesforceErrors {
		t.Errorf("%d made, errors %v; want 229 and one refused", ok, made.HasSalesforceErrors)
	}
	composed, err := sf.InsertComposite("Lead", []lead{{LastName: "One", Company: "C"}, {LastName: "Two", Company: "C"}}, 200, true)
	if err != nil || composed.HasSalesforceErrors {
		t.Fatal(composed, err)
	}
}

func TestUpsertByKey(t *testing.T) {
	c := crmsim(t).Salesforce
	sf := connect(t, salesforce.Creds{Domain: c.URL, ConsumerKey: c.ClientID, ConsumerSecret: c.ClientSecret})
	key := fmt.Sprintf("goclient%d", os.Getpid())
	type task struct {
		Subject, Status, Priority, Handoff_Key__c string
	}
	first, err := sf.UpsertOne("Task", "Handoff_Key__c", task{"Call", "Not Started", "Normal", key})
	if err != nil {
		t.Fatal(err)
	}
	second, err := sf.UpsertOne("Task", "Handoff_Key__c", task{"Call again", "Not Started", "Normal", key})
	if err != nil {
		t.Fatal(err)
	}
	if first.Id == "" || second.Id != "" && second.Id != first.Id {
		t.Errorf("first %q, second %q", first.Id, second.Id)
	}
}

func TestBulk(t *testing.T) {
	c := crmsim(t).Salesforce
	sf := connect(t, salesforce.Creds{Domain: c.URL, ConsumerKey: c.ClientID, ConsumerSecret: c.ClientSecret})
	name := fmt.Sprintf("Bulk %d", os.Getpid())
	jobs, err := sf.InsertBulk("Lead", []lead{{LastName: name, Company: "Clients Ltd"}, {LastName: name}}, 1000, true)
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	results, err := sf.GetJobResults(jobs[0])
	if err != nil || results.State != "JobComplete" || results.NumberRecordsFailed != 1 || len(results.SuccessfulRecords) != 1 {
		t.Errorf("%+v %v", results, err)
	}
	file := filepath.Join(t.TempDir(), "leads.csv")
	if err := sf.QueryBulkExport("SELECT Id, LastName FROM Lead WHERE LastName = '"+name+"'", file); err != nil {
		t.Fatal(err)
	}
	if rows, err := os.ReadFile(file); err != nil || strings.Count(string(rows), name) != 1 {
		t.Errorf("%s %v", rows, err)
	}
}

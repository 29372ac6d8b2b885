package salesforce_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/connectortest"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/salesforce"
	"github.com/handoffd/handoffd/connectors/salesforce/salesforcesim"
)

const host = "handoffd.my.salesforce.com"

// isWrite tells composites that change something from those that read.
func isWrite(method, path, body string) bool {
	return method == http.MethodPost && strings.HasSuffix(path, "/composite") &&
		(strings.Contains(body, `"method":"POST"`) || strings.Contains(body, `"method":"PATCH"`))
}

// empty takes the leads of the default world away.
func empty(t *testing.T, sim *salesforcesim.Sim) {
	t.Helper()
	raw, err := json.Marshal(sim.World())
	if err != nil {
		t.Fatal(err)
	}
	var world map[string][]struct{ ID string }
	if err := json.Unmarshal(raw, &world); err != nil {
		t.Fatal(err)
	}
	for _, row := range world["Lead"] {
		if _, err := sim.Edit(simhttp.Edit{CRM: "salesforce", Object: "Lead", Op: "delete", ID: row.ID}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Hour) // their end is no news any more
}

func TestContract(t *testing.T) {
	t.Parallel()
	token := salesforcesim.New(salesforcesim.Config{Seed: 7}).Credentials().Token // the same for the same seed
	refused := func(status int, code string) connectortest.Answer {
		return connectortest.Answer{Status: status, Body: `[{"errorCode":"` + code + `","message":"No such luck"}]`}
	}
	for name, exact := range map[string]bool{"marker": false, "unique key": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, func(t *testing.T) (connectors.Connector, connectortest.World) {
				sim := salesforcesim.New(salesforcesim.Config{Seed: 7, UniqueTasks: exact, SessionLife: 1000 * time.Hour, DuplicateRule: salesforcesim.DuplicatesBlock})
				wire := &connectortest.Wire{Next: simhttp.Carrier(map[string]http.Handler{host: sim}), IsWrite: isWrite}
				c, err := salesforce.New(connectors.Settings{Name: "sf", URL: "https://" + host, Token: connectors.Secret(token), Transport: wire})
				if err != nil {
					t.Fatal(err)
				}
				empty(t, sim)
				users, err := c.(connectors.Describer).Users(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				owner := ""
				for _, u := range users {
					if u.Email == "ana@example.com" {
						owner = u.ID
					}
				}
				return c, connectortest.World{
					Sim: sim, Wire: wire, Person: salesforce.Lead, Company: salesforce.Account, TaskObject: "Task",
					Email: "Email", Text: "Title", CompanyText: "Name", Owner: owner,
					Required:   map[string]any{"LastName": "Buyer", "Company": "Buyer Ltd"},
					OwnerField: "OwnerId", Activities: activities(), Away: func(from, until time.Time) simhttp.Edit {
						return simhttp.Edit{Object: "Event", Op: "create", Fields: map[string]any{
							"OwnerId": owner, "Subject": "Away", "ShowAs": "OutOfOffice", "StartDateTime": from.Format(time.RFC3339), "EndDateTime": until.Format(time.RFC3339),
						}}
					},
					MaxRead: 1000, MaxWrite: 400, Lag: time.Second, Exact: exact, Merges: true, Unique: true,
					Refusals: map[connectors.Class]connectortest.Answer{
						connectors.Throttled:   {Status: 403, Body: `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded."}]`},
						connectors.Unavailable: refused(400, "UNABLE_TO_LOCK_ROW"),
						connectors.AuthBroken:  refused(401, "INVALID_SESSION_ID"),
						connectors.Denied:      refused(403, "INSUFFICIENT_ACCESS"),
						connectors.Invalid:     refused(400, "JSON_PARSER_ERROR"),
						connectors.NotFound:    refused(404, "NOT_FOUND"),
						connectors.Schema:      refused(400, "INVALID_FIELD"),
						connectors.Ambiguous:   {Status: 504, Body: "<html>Gateway timeout</html>"},
					},
				}
			})
		})
	}
}

// activities is how people log what they do in Salesforce.
func activities() *connectortest.Activities {
	return &connectortest.Activities{
		Follows: []string{"task", "meeting", "call", "email"}, Quiet: 4, // one poll, and the three objects described after a day
		Log: func(l connectortest.Logged) simhttp.Edit {
			fields := map[string]any{"WhoId": l.Person, "OwnerId": l.Owner, "Subject": l.Subject}
			switch l.Type {
			case "email":
				return simhttp.Edit{Object: "EmailMessage", Op: "create", Fields: fields}
			case "meeting":
				fields["StartDateTime"], fields["DurationInMinutes"] = l.At.UTC().Format(time.RFC3339), 30
				return simhttp.Edit{Object: "Event", Op: "create", Fields: fields}
			case "call":
				fields["TaskSubtype"], fields["Status"] = "Call", "Completed"
			}
			return simhttp.Edit{Object: "Task", Op: "create", Fields: fields}
		},
		Defer: func(taskID string) simhttp.Edit {
			return simhttp.Edit{Object: "Task", Op: "update", ID: taskID, Fields: map[string]any{"Status": "Deferred"}}
		},
		Finish: func(taskID string) simhttp.Edit {
			return simhttp.Edit{Object: "Task", Op: "update", ID: taskID, Fields: map[string]any{"Status": "Completed"}}
		},
	}
}

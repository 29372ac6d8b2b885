package hubspot_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/connectortest"
	"github.com/handoffd/handoffd/connectors/hubspot"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

const host = "hubspot.example"

// isWrite tells HubSpot's changes from its reads, many of which are POSTs.
func isWrite(method, path, _ string) bool {
	for _, read := range []string{"/batch/read", "/search", "/oauth/"} {
		if strings.Contains(path, read) {
			return false
		}
	}
	return method != http.MethodGet
}

// portal is a connector on a simulated portal.
func portal(t *testing.T, cfg hubspotsim.Config, change func(*connectors.Settings)) (connectors.Connector, *hubspotsim.Sim, *connectortest.Wire) {
	t.Helper()
	sim := hubspotsim.New(cfg)
	wire := &connectortest.Wire{
		Next:    simhttp.Carrier(map[string]http.Handler{host: sim}),
		IsWrite: isWrite,
	}
	creds := sim.Credentials()
	s := connectors.Settings{
		Name: "hubspot", URL: "https://" + host, Token: connectors.Secret(creds.Token),
		ClientSecret: connectors.Secret(creds.ClientSecret), Transport: wire,
	}
	if change != nil {
		change(&s)
	}
	c, err := hubspot.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c, sim, wire
}

// owner is an active user of the portal.
func owner(t *testing.T, c connectors.Connector) string {
	t.Helper()
	users, err := c.(connectors.Describer).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if u.Active && !u.Queue {
			return u.ID
		}
	}
	t.Fatal("the portal has no active user")
	return ""
}

func answer(status int, body string) connectortest.Answer {
	return connectortest.Answer{Status: status, Body: body}
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, exact := range map[string]bool{"marker": false, "unique key": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, func(t *testing.T) (connectors.Connector, connectortest.World) {
				c, sim, wire := portal(t, hubspotsim.Config{Seed: 7, Empty: true, UniqueTasks: exact}, nil)
				return c, connectortest.World{
					Sim: sim, Wire: wire, Person: "contacts", Company: "companies", TaskObject: "tasks",
					Email: "email", Text: "firstname", CompanyText: "name", Owner: owner(t, c),
					MaxRead: 100, MaxWrite: 100, Lag: 10 * time.Second, Exact: exact, Merges: true, Unique: true,
					OwnerField: "hubspot_owner_id", Activities: activities(), Away: func(from, until time.Time) simhttp.Edit {
						return simhttp.Edit{Object: "owners", Op: "update", ID: owner(t, c), Fields: map[string]any{
							"away_from": from.Format(time.RFC3339), "away_until": until.Format(time.RFC3339),
						}}
					},
					Refusals: map[connectors.Class]connectortest.Answer{
						connectors.Throttled:   answer(429, `{"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","policyName":"DAILY"}`),
						connectors.Unavailable: answer(423, `{"status":"error","message":"locked"}`),
						connectors.AuthBroken:  answer(401, `{"status":"error","category":"INVALID_AUTHENTICATION","message":"no"}`),
						connectors.Denied:      answer(403, `{"status":"error","category":"MISSING_SCOPES","message":"no"}`),
						connectors.Invalid:     answer(400, `{"status":"error","category":"VALIDATION_ERROR","message":"no"}`),
						connectors.Schema:      answer(400, `{"status":"error","category":"VALIDATION_ERROR","message":"x","errors":[{"code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["firstname"]}}]}`),
						connectors.Conflict:    answer(409, `{"status":"error","category":"CONFLICT","message":"Contact already exists. Existing ID: 5"}`),
						connectors.Ambiguous:   answer(504, `<html>Gateway timeout</html>`),
					},
				}
			})
		})
	}
}

// activities is how people log what they do in HubSpot.
func activities() *connectortest.Activities {
	return &connectortest.Activities{
		Follows: []string{"task", "meeting"}, Counts: true, Quiet: 2,
		Log: func(l connectortest.Logged) simhttp.Edit {
			title := map[string]string{"task": "hs_task_subject", "meeting": "hs_meeting_title", "call": "hs_call_title", "email": "hs_email_subject"}
			fields := map[string]any{
				title[l.Type]: l.Subject, "about": l.Person, "hubspot_owner_id": l.Owner, "hs_timestamp": l.At.UTC().Format(time.RFC3339Nano),
			}
			if l.Type == "meeting" {
				fields["hs_meeting_outcome"] = map[string]string{"": "SCHEDULED", "held": "COMPLETED", "no_show": "NO_SHOW"}[l.Outcome]
			}
			return simhttp.Edit{Object: l.Type + "s", Op: "create", Fields: fields}
		},
		Defer: func(taskID string) simhttp.Edit {
			return simhttp.Edit{Object: "tasks", Op: "update", ID: taskID, Fields: map[string]any{"hs_task_status": "DEFERRED"}}
		},
		Finish: func(taskID string) simhttp.Edit {
			return simhttp.Edit{Object: "tasks", Op: "update", ID: taskID, Fields: map[string]any{"hs_task_status": "COMPLETED"}}
		},
	}
}

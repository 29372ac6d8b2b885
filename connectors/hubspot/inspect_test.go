package hubspot_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

var inspection = connectors.Inspection{
	Kinds:  []connectors.Kind{"contacts", "companies"},
	Writes: map[connectors.Kind][]string{"contacts": {"hubspot_owner_id", "handoff_status"}, connectors.Task: {connectors.TaskSubject}},
}

// exactScopes are the ones that inspection needs.
const exactScopes = `"oauth","automation","crm.objects.contacts.read","crm.objects.contacts.write","crm.objects.companies.read","crm.objects.owners.read","crm.objects.users.read"`

// What an inspection finds, by what the portal is.
func TestInspect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg    hubspotsim.Config
		setup  string
		probe  bool
		change func(*connectors.Settings)
		want   map[string]connectors.Level // by code; codes of TestInspectCodes that are not named are Fine
		text   string                      // in one of the findings
	}{
		"as it should be": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + exactScopes + `]}`, probe: true,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen}, text: "proved: HubSpot refuses a second task",
		},
		"no probe": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + exactScopes + `]}`,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice}, text: "nobody has tried",
		},
		"every scope there is": {
			cfg: hubspotsim.Config{UniqueTasks: true}, probe: true,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "scopes-excess": connectors.Warning}, text: "crm.schemas.contacts.write",
		},
		"tasks cannot be unique": {
			setup: `{"scopes":[` + exactScopes + `]}`, probe: true,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Warning},
		},
		"scopes are missing": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":["oauth","automation","crm.objects.contacts.read","crm.objects.contacts.write"]}`,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice, "scopes-missing": connectors.Failure, "work-counters": connectors.Unseen, "leave": connectors.Notice}, text: "crm.objects.companies.read, crm.objects.owners.read",
		},
		"counters are hidden": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + exactScopes + `],"archived_properties":["contacts.num_contacted_notes"]}`,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice, "work-counters": connectors.Warning}, text: "lacks or hides num_contacted_notes",
		},
		"workflows cannot be seen": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + strings.Replace(exactScopes, `"automation",`, "", 1) + `]}`,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice, "workflow-sets-field": connectors.Unseen}, text: "grant the scope automation",
		},
		"a workflow sets the owner": {
			cfg:   hubspotsim.Config{UniqueTasks: true},
			setup: `{"scopes":[` + exactScopes + `],"automation":[{"name":"Round robin","object":"contacts","sets":"hubspot_owner_id","on":"create","to":"OWNER"},{"name":"Stamp","object":"contacts","sets":"message","on":"create","to":"x"}]}`,
			want:  map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice, "workflow-sets-field": connectors.Warning}, text: "workflow Round robin",
		},
		"the native sync": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + exactScopes + `],"salesforce_sync":true}`,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice, "native-sync": connectors.Warning}, text: "created_in_salesforce_by",
		},
		"a service key": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + exactScopes + `],"track":"service_key"}`,
			change: func(s *connectors.Settings) { s.ClientSecret = "" },
			want:   map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice, "webhooks": connectors.Notice},
		},
		"the lax version": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + exactScopes + `]}`,
			change: func(s *connectors.Settings) { s.APIVersion = "2026-03" },
			want:   map[string]connectors.Level{"task-key": connectors.Notice},
		},
		"the day is nearly over": {
			cfg: hubspotsim.Config{UniqueTasks: true, Faults: simhttp.Faults{Quota: 12}}, setup: `{"scopes":[` + exactScopes + `]}`,
			want: map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice, "daily-calls": connectors.Warning},
		},
		"OAuth": {
			cfg: hubspotsim.Config{UniqueTasks: true}, setup: `{"scopes":[` + exactScopes + `],"track":"oauth"}`,
			change: func(s *connectors.Settings) { s.Token = "" },
			want:   map[string]connectors.Level{"required-rules": connectors.Unseen, "task-key": connectors.Notice},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				test.cfg.Empty = true
				_, sim, _ := portal(t, test.cfg, nil)
				c := newOn(t, sim, test.change)
				if test.setup != "" {
					setUp(t, sim, strings.Replace(test.setup, "OWNER", anEmail(t, sim), 1))
				}
				before := world(t, sim)
				q := inspection
				q.Probe = test.probe
				found, err := c.(connectors.Inspector).Inspect(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				got := make(map[string]connectors.Level)
				text := ""
				for _, f := range found {
					if f.Level != connectors.Fine {
						got[f.Code] = f.Level
						if f.Fix == "" {
							t.Errorf("no fix: %+v", f)
						}
					}
					text += f.Subject + ": " + f.Text + " " + f.Fix + "\n"
				}
				if got["task-engagement"] != connectors.Notice { // always worth knowing (1.15)
					t.Errorf("nobody is told that a task may count as engagement:\n%s", text)
				}
				delete(got, "task-engagement")
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s\n%s", diff, text)
				}
				if !strings.Contains(text, test.text) {
					t.Errorf("%q is not in\n%s", test.text, text)
				}
				if after := world(t, sim); after != before {
					t.Errorf("the portal was changed:\n%s\n%s", before, after)
				}
			})
		})
	}
}

// A portal that takes two tasks with one key although its property says that
// it does not, and one whose answer is lost: what was made is gone afterwards.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lose bool
		want connectors.Level
	}{"takes both": {false, connectors.Failure}, "an answer is lost": {true, connectors.Unseen}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, wire := portal(t, hubspotsim.Config{Empty: true, UniqueTasks: true}, nil)
				if _, err := c.(connectors.Describer).Describe(t.Context(), []connectors.Kind{connectors.Task}); err != nil {
					t.Fatal(err)
				}
				if test.lose {
					n := 0
					wire.Next = trip(func(r *request) (*response, error) {
						if strings.HasSuffix(r.path, "/tasks/batch/create") {
							if n++; n == 2 {
								return &response{504, ``}, nil
							}
						}
						return nil, nil
					}).over(wire.Next)
				} else {
					sim.SetFaults(simhttp.Faults{UniqueTasks: false})
				}
				found, err := c.(connectors.Inspector).Inspect(t.Context(), connectors.Inspection{Probe: true})
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(found, func(f connectors.Finding) bool { return f.Code == "task-key" })
				if at < 0 || found[at].Level != test.want {
					t.Errorf("%+v", found)
				}
				if w := world(t, sim); strings.Contains(w, `"archived":false`) && strings.Contains(w, "throw-away") && !strings.Contains(w, `"archived":true`) {
					t.Errorf("left behind: %s", w)
				}
			})
		})
	}
}

// (C18) The API version's end is told three months ahead.
func TestVersionEnds(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][]connectors.Level{ // 2026-09 now, in March 2028 less 100 days, less 80, after
		"2026-09": {connectors.Fine, connectors.Fine, connectors.Warning, connectors.Failure},
		"2026-03": {connectors.Fine, connectors.Failure, connectors.Failure, connectors.Failure},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
				c := newOn(t, sim, func(s *connectors.Settings) { s.APIVersion = version })
				end := time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC)
				var got []connectors.Level
				for _, at := range []time.Time{time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), end.AddDate(0, 0, -100), end.AddDate(0, 0, -80), end.AddDate(0, 0, 1)} {
					time.Sleep(time.Until(at))
					found, err := c.(connectors.Inspector).Inspect(t.Context(), connectors.Inspection{})
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range found {
						if f.Code == "api-version" {
							got = append(got, f.Level)
						}
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// newOn is a connector on a simulated portal, by a static token unless change
// takes that away.
func newOn(t *testing.T, sim *hubspotsim.Sim, change func(*connectors.Settings)) connectors.Connector {
	t.Helper()
	c, err := newConnector(sim, change)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// anEmail is the address of an active owner.
func anEmail(t *testing.T, sim *hubspotsim.Sim) string {
	t.Helper()
	users, err := newOn(t, sim, nil).(connectors.Describer).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if u.Active && !u.Queue && u.Email != "" {
			return u.Email
		}
	}
	t.Fatal("the portal has no active user")
	return ""
}

// world is everything live in the portal.
func world(t *testing.T, sim *hubspotsim.Sim) string {
	t.Helper()
	raw, err := json.Marshal(sim.World())
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return string(raw)
	}
	for object, rows := range all {
		all[object] = slices.DeleteFunc(rows, func(r map[string]any) bool { return r["archived"] == true })
	}
	raw, err = json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// A key whose scopes HubSpot does not tell: what can be read is tried, what can
// be written is not claimed to be known (C6).
func TestScopesAreTried(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		scopes string
		want   map[string]connectors.Level
	}{
		"enough":  {exactScopes, map[string]connectors.Level{"scopes": connectors.Unseen}},
		"too few": {`"crm.objects.contacts.read"`, map[string]connectors.Level{"scopes": connectors.Unseen, "scopes-missing": connectors.Failure}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, wire := portal(t, hubspotsim.Config{Empty: true, UniqueTasks: true}, nil)
				setUp(t, sim, `{"scopes":[`+test.scopes+`]}`)
				wire.Next = trip(func(r *request) (*response, error) {
					if strings.Contains(r.path, "access-token-info") {
						return &response{404, `{"status":"error","message":"resource not found"}`}, nil
					}
					return nil, nil
				}).over(wire.Next)
				found, err := c.(connectors.Inspector).Inspect(t.Context(), inspection)
				if err != nil {
					t.Fatal(err)
				}
				got := make(map[string]connectors.Level)
				for _, f := range found {
					if strings.HasPrefix(f.Code, "scopes") {
						got[f.Code] = f.Level
						if f.Code == "scopes-missing" && !strings.Contains(f.Text, "crm.objects.companies.read, crm.objects.owners.read") {
							t.Error(f.Text)
						}
					}
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if n := len(wire.Writes()); n > 1 { // the question about the token is a POST
					t.Errorf("%d writes: %+v", n, wire.Writes())
				}
			})
		})
	}
}

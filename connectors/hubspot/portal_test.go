package hubspot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/internal/simhttp"
)

func edit(t *testing.T, sim *hubspotsim.Sim, object, op, id string, fields map[string]any) string {
	t.Helper()
	ids, err := sim.Edit(simhttp.Edit{CRM: "hubspot", Object: object, Op: op, ID: id, Fields: fields})
	if err != nil {
		t.Fatalf("%s %s: %v", op, object, err)
	}
	return ids["id"]
}

func people(t *testing.T, sim *hubspotsim.Sim, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = edit(t, sim, "contacts", "create", "", map[string]any{"email": fmt.Sprintf("p%d@buyer.example", i)})
	}
	return ids
}

// handoff is what the engine writes for one assignment: the record, and a task.
func handoff(key, contact, owner string) []connectors.Write {
	ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: contact}
	return []connectors.Write{
		{Ref: ref, Key: key + "r", Set: map[string]any{
			"hubspot_owner_id": owner, "handoff_status": "Assigned", "handoff_why": "rule 1",
			"handoff_accept_by": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		}},
		{Ref: connectors.Ref{Conn: "hubspot", Kind: connectors.Task}, Key: key + "t", Links: []connectors.Ref{ref}, Set: map[string]any{
			connectors.TaskSubject: "Call", connectors.TaskBody: "why", connectors.TaskOwner: owner, connectors.TaskType: "todo",
			connectors.TaskDue: time.Now().Add(time.Hour).UTC().Format(time.RFC3339), connectors.TaskPriority: "low", connectors.TaskStatus: "open",
		}},
	}
}

// 25,000 contacts with one timestamp, more than two searches show: none missed (P1).
func TestTwentyFiveThousandWithOneTimestamp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, wire := portal(t, hubspotsim.Config{Empty: true}, nil)
		want := people(t, sim, 25_000)
		cursor := connectors.Cursor{From: time.Now().Add(-time.Minute)}
		time.Sleep(time.Minute)
		seen := make(map[string]int)
		for more := true; more; {
			pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", From: cursor}})
			if err != nil || pages[0].Err != nil {
				t.Fatal(err, pages[0].Err)
			}
			for _, ch := range pages[0].Changes {
				seen[ch.Ref.ID]++
			}
			cursor, more = pages[0].Next, pages[0].More
		}
		for _, id := range want {
			if seen[id] != 1 {
				t.Fatalf("%s was seen %d times", id, seen[id])
			}
		}
		if n := len(wire.Seen()); n > 126 {
			t.Errorf("%d searches for 25,000 rows of 200 a page", n)
		}
	})
}

// Calls: alone 1 read, 1 update, 1 create; a full batch of 100
// handoffs the same three.
func TestCallsOfAHandoff(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, sim, wire := portal(t, hubspotsim.Config{Empty: true}, nil)
				who := owner(t, c)
				ids := people(t, sim, n)
				if _, err := c.(connectors.Describer).Describe(t.Context(), []connectors.Kind{"contacts", connectors.Task}); err != nil {
					t.Fatal(err)
				}
				wire.Forget()
				if _, err := c.Read(t.Context(), "contacts", ids, []string{"email", "handoff_status"}); err != nil {
					t.Fatal(err)
				}
				var writes []connectors.Write
				for i, id := range ids {
					writes = append(writes, handoff(fmt.Sprint("k", i), id, who)...)
				}
				results, err := c.Apply(t.Context(), writes)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					if r.Err != nil || len(r.Skipped) > 0 {
						t.Fatalf("got %+v", r)
					}
				}
				if got := len(wire.Seen()); got != 3 {
					t.Errorf("%d calls: %+v", got, wire.Seen())
				}
			})
		})
	}
}

// (C1) Alone in a calm portal no call is ever refused as one too many,
// and the rate is at least 0.95 of the limit.
func TestNeverTooMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		ids := people(t, sim, 100)
		start := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, err := c.Read(t.Context(), "contacts", ids[:1], []string{"email"}); err != nil {
					t.Error(err)
				}
			})
		}
		for range 100 {
			wg.Go(func() {
				pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", From: connectors.Cursor{From: start}}})
				if err != nil || pages[0].Err != nil {
					t.Error(err, pages[0].Err)
				}
			})
		}
		wg.Wait()
		if n := c.(connectors.Meter).Usage().Throttled; n != 0 {
			t.Errorf("%d answers said too many", n)
		}
		if rate := 1000 / time.Since(start).Seconds(); rate < 0.95*19 {
			t.Errorf("%.1f calls a second %+v", rate, c.(connectors.Meter).Usage())
		}
	})
}

// (C2, C3, C4) Every fault of a bad day, and of hell; the outbox's protocol
// (find before creating again) ends with one task for each key.
func TestNoTaskTwice(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"default", "hell"} {
		for _, exact := range []bool{false, true} {
			t.Run(fmt.Sprint(profile, exact), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { noTaskTwice(t, profile, exact) })
			})
		}
	}
}

func noTaskTwice(t *testing.T, profile string, exact bool) {
	c, sim, _ := portal(t, hubspotsim.Config{Seed: 11, Empty: true, UniqueTasks: exact}, nil)
	who := owner(t, c)
	ids := people(t, sim, 300)
	if _, err := c.(connectors.Describer).Describe(t.Context(), []connectors.Kind{"contacts", connectors.Task}); err != nil {
		t.Fatal(err)
	}
	faults, err := simhttp.Profile(profile)
	if err != nil {
		t.Fatal(err)
	}
	faults.UniqueTasks = exact
	sim.SetFaults(faults)
	open := make(map[string]connectors.Write)
	for i, id := range ids {
		for _, w := range handoff(fmt.Sprint("k", i), id, who) {
			open[w.Key] = w
		}
	}
	unsure := make(map[string]bool)
	for round := 0; len(open) > 0; round++ {
		if round > 300 {
			t.Fatalf("%d writes never came through", len(open))
		}
		time.Sleep(time.Minute)
		batch := settle(t, c, open, unsure)
		results, err := c.Apply(t.Context(), batch)
		if err != nil {
			continue // nothing was attempted
		}
		for _, r := range results {
			switch class := connectors.ClassOf(errOf(r)); {
			case r.Err == nil:
				delete(open, r.Key)
				delete(unsure, r.Key)
			case class == connectors.Ambiguous:
				unsure[r.Key] = true
			case class == connectors.Invalid || class == connectors.Denied || class == connectors.Conflict || class == connectors.Unknown || class == connectors.NotFound:
				t.Fatalf("a fault of the day became %v", r.Err)
			}
		}
	}
	sim.SetFaults(simhttp.Faults{UniqueTasks: exact})
	if n := len(rows(t, sim, "tasks")); n != len(ids) {
		t.Errorf("%d tasks for %d handoffs", n, len(ids))
	}
	for _, row := range rows(t, sim, "contacts") {
		if row.Fields["hubspot_owner_id"] != who {
			t.Fatalf("%s has the owner %v", row.ID, row.Fields["hubspot_owner_id"])
		}
	}
}

func errOf(r connectors.Result) error {
	if r.Err == nil {
		return nil
	}
	return r.Err
}

// settle looks up the creates of which nothing is known, twice, and returns
// the writes to attempt, in order of key.
func settle(t *testing.T, c connectors.Connector, open map[string]connectors.Write, unsure map[string]bool) []connectors.Write {
	t.Helper()
	var creates []connectors.Write
	for i := range 300 {
		key := fmt.Sprint("k", i, "t")
		if w, ok := open[key]; ok && unsure[key] {
			creates = append(creates, w)
		}
	}
	known := len(creates) == 0
	for range 2 {
		found, err := c.(connectors.Finder).Find(t.Context(), creates)
		known = known || err == nil
		for i, ref := range found {
			if err == nil && !ref.IsZero() {
				delete(open, creates[i].Key)
			}
		}
		time.Sleep(time.Minute) // longer than a request can still be on its way
	}
	var out []connectors.Write
	for i := range 300 {
		for _, end := range []string{"r", "t"} {
			key := fmt.Sprint("k", i, end)
			if w, ok := open[key]; ok && (known || !unsure[key]) {
				out = append(out, w)
			}
		}
	}
	return out
}

// simRow is a row of the simulator's world.
type simRow struct {
	ID       string         `json:"id"`
	Fields   map[string]any `json:"fields"`
	Archived bool           `json:"archived"`
	Links    []struct {
		Kind string          `json:"kind"`
		ID   string          `json:"id"`
		Type json.RawMessage `json:"type"`
	} `json:"links"`
}

func rows(t *testing.T, sim *hubspotsim.Sim, object string) []simRow {
	t.Helper()
	raw, err := json.Marshal(sim.World())
	if err != nil {
		t.Fatal(err)
	}
	var world map[string][]simRow
	if err := json.Unmarshal(raw, &world); err != nil {
		t.Fatal(err)
	}
	return world[object]
}

// (P2) What the index shows a minute late is still found, by the overlap.
func TestLateIndex(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Seed: 3, Empty: true, Faults: simhttp.Faults{SearchLag: 4 * time.Minute}}, nil)
		cursor := connectors.Cursor{From: time.Now()}
		var want []string
		seen := make(map[string]bool)
		for round := range 40 {
			if round < 30 {
				want = append(want, edit(t, sim, "contacts", "create", "", map[string]any{"email": fmt.Sprintf("r%d@buyer.example", round)}))
			}
			time.Sleep(30 * time.Second)
			for more := true; more; {
				pages, err := c.Changes(t.Context(), []connectors.Poll{{Kind: "contacts", From: cursor}})
				if err != nil || pages[0].Err != nil {
					t.Fatal(err, pages[0].Err)
				}
				for _, ch := range pages[0].Changes {
					seen[ch.Ref.ID] = true
				}
				cursor, more = pages[0].Next, pages[0].More
			}
		}
		for _, id := range want {
			if !seen[id] {
				t.Errorf("%s was never seen", id)
			}
		}
	})
}

// (I1, I5) What the portal posts is verified and understood.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hook = "https://handoffd.example/webhooks/hubspot"
		var mu sync.Mutex
		kinds := make(map[string]int)
		ids := make(map[string]bool)
		var c connectors.Connector
		var tenant string
		receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got, err := c.(connectors.Receiver).Receive(connectors.Request{
				Method: r.Method, URL: hook, Header: r.Header, Body: body, At: time.Now(), Tenant: tenant,
			})
			if err != nil {
				t.Errorf("refused: %v", err)
			}
			for _, ch := range got.Changes {
				kinds[string(ch.Ref.Kind)]++
				ids[ch.EventID] = true
			}
			w.WriteHeader(http.StatusNoContent)
		})
		var sim *hubspotsim.Sim
		c, sim, _ = portal(t, hubspotsim.Config{
			Seed: 5, Empty: true, WebhookURL: hook,
			Faults:    simhttp.Faults{Webhooks: simhttp.WebhookFaults{Double: 1}},
			Transport: simhttp.Carrier(map[string]http.Handler{"handoffd.example": receiver}),
		}, nil)
		var err error
		if tenant, err = c.(connectors.Describer).Tenant(t.Context()); err != nil || tenant != sim.Credentials().PortalID {
			t.Fatalf("tenant %q, %v", tenant, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- sim.Run(ctx) }()
		synctest.Wait()
		pair, b := people(t, sim, 2), edit(t, sim, "companies", "create", "", map[string]any{"name": "Acme", "domain": "acme.example"})
		edit(t, sim, "contacts", "merge", pair[0], map[string]any{"into": pair[1]})
		edit(t, sim, "companies", "delete", b, nil)
		if _, err := sim.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-done
		mu.Lock()
		defer mu.Unlock()
		if kinds["contacts"] < 6 || kinds["companies"] < 4 || len(ids) >= kinds["contacts"]+kinds["companies"] {
			t.Errorf("received %v as %d events", kinds, len(ids))
		}
	})
}

// Values travel as HubSpot wants them and come back as the contract wants them.
func TestValues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		who := owner(t, c)
		company := edit(t, sim, "companies", "create", "", map[string]any{"name": "Acme"})
		results, err := c.Apply(t.Context(), []connectors.Write{{
			Ref: connectors.Ref{Kind: "contacts"}, Key: "c",
			Links: []connectors.Ref{{Kind: "companies", ID: company}, {Kind: "martians", ID: "1"}},
			Set: map[string]any{
				"email": "Ann@Buyer.example", "hubspot_owner_id": who, "handoff_accept_by": "2026-11-20T10:00:00+01:00",
				"num_conversion_events": 3.0, "handoff_why": strings.Repeat("ü", 70_000),
			},
		}})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		if diff := cmp.Diff([]string{"num_conversion_events", "link:martians"}, results[0].Skipped); diff != "" {
			t.Errorf("skipped (-want +got):\n%s", diff)
		}
		objects, err := c.Read(t.Context(), "contacts", []string{results[0].Ref.ID}, []string{"email", "hubspot_owner_id", "handoff_accept_by", "handoff_why", "phone"})
		if err != nil || len(objects) != 1 {
			t.Fatal(err, objects)
		}
		o := objects[0]
		if got := len([]rune(fmt.Sprint(o.Fields["handoff_why"]))); got != 65_536/2 {
			t.Errorf("the long text has %d characters", got)
		}
		delete(o.Fields, "handoff_why")
		if diff := cmp.Diff(map[string]any{"email": "ann@buyer.example", "hubspot_owner_id": who, "handoff_accept_by": "2026-11-20T09:00:00Z"}, o.Fields); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]connectors.Ref{{Conn: "hubspot", Kind: "companies", ID: company}}, o.Links); diff != "" {
			t.Errorf("links (-want +got):\n%s", diff)
		}
	})
}

// A backward lifecycle stage is answered with success and ignored: we say so.
func TestBackwardStage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
		id := edit(t, sim, "contacts", "create", "", map[string]any{"email": "a@b.example", "lifecyclestage": "customer"})
		results, err := c.Apply(t.Context(), []connectors.Write{{Ref: connectors.Ref{Kind: "contacts", ID: id}, Key: "k", Set: map[string]any{"lifecyclestage": "lead"}}})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		if diff := cmp.Diff([]string{"lifecyclestage"}, results[0].Skipped); diff != "" {
			t.Errorf("skipped (-want +got):\n%s", diff)
		}
	})
}

// OAuth: the token is fetched, renewed after its end, and a revoked grant is
// told from a bad moment.
func TestRefreshToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		creds := hubspotsim.New(hubspotsim.Config{Empty: true}).Credentials()
		oauth := func(s *connectors.Settings) {
			s.Token, s.ClientID = "", creds.ClientID
			s.RefreshToken = connectors.Secret(creds.RefreshToken)
		}
		c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, oauth)
		ids := people(t, sim, 1)
		for range 3 {
			if _, err := c.Read(t.Context(), "contacts", ids, []string{"email"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(31 * time.Minute)
		}
		if n := c.(connectors.Meter).Usage().Calls["token"]; n != 3 {
			t.Errorf("%d tokens fetched", n)
		}
		bad, _, _ := portal(t, hubspotsim.Config{Empty: true}, func(s *connectors.Settings) {
			oauth(s)
			s.RefreshToken = "na1-revoked-canary"
		})
		_, err := bad.Read(t.Context(), "contacts", ids, []string{"email"})
		if connectors.ClassOf(err) != connectors.AuthBroken || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), creds.ClientSecret) {
			t.Errorf("got %v", err)
		}
	})
}

// An owner that is a queue is told as one: it has no address, and nobody is to be handed anything through it.
func TestQueueAmongOwners(t *testing.T) {
	t.Parallel()
	c, sim, _ := portal(t, hubspotsim.Config{Empty: true}, nil)
	setUp(t, sim, `{"queue_owners":["Inbound"]}`)
	users, err := c.(connectors.Describer).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var queues []connectors.User
	for _, u := range users {
		if u.Queue {
			queues = append(queues, u)
		}
	}
	if diff := cmp.Diff([]connectors.User{{ID: "60000001", Name: "Inbound", Active: true, Queue: true}}, queues); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package simulators_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/internal/simhttp"
	"github.com/handoffd/handoffd/connectors/simulators"
)

// office runs a pair with people for a while in a bubble and returns it.
func office(t *testing.T, seed uint64, life simulators.Life, people int, length time.Duration) *simulators.Pair {
	t.Helper()
	pair, err := simulators.New(simulators.Config{Seed: seed, People: people, Faults: simulators.Faults{Life: life}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // somebody to work on
		if _, err := pair.HubSpot.Edit(simulators.Edit{Object: "contacts", Op: "create", Fields: map[string]any{
			"email": fmt.Sprintf("buyer%d@new.example", i),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	pair.History.Reset()
	play(t, pair, length)
	return pair
}

// play lets what happens by itself happen for a while.
func play(t *testing.T, pair *simulators.Pair, length time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	time.AfterFunc(length, stop)
	if err := pair.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestLife holds that people and automation do what the profile promises, in somebody's name, and that what
// they do is refused by no simulator.
// (C8, C9, C11, C14, C18)
func TestLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		life := simulators.Life{
			Edits: 0.5, Owners: 0.2, Flips: 0.2, Merges: 0.05, Deletes: 0.05, Restores: 0.5, Deactivations: 0.1, Drift: 1440,
		}
		pair := office(t, 7, life, 5, 10*time.Minute)
		for crm, deeds := range pair.Deeds() {
			for _, kind := range []string{"edit", "owner", "flip", "merge", "delete", "restore", "leave", "return", "drift"} {
				if deeds.Done[kind] == 0 {
					t.Errorf("%s: nobody did %q: %+v", crm, kind, deeds)
				}
			}
			for kind, n := range deeds.Refused {
				if n > deeds.Done[kind]/4 {
					t.Errorf("%s: %d of %d %q refused: %s", crm, n, n+deeds.Done[kind], kind, deeds.Last)
				}
			}
		}
		seen := map[string]int{}
		for _, c := range pair.History.Changes() {
			by, _, _ := strings.Cut(c.Actor, ":")
			seen[c.CRM+" "+by+" "+c.Op]++
		}
		for _, want := range []string{
			"hubspot person update", "hubspot automation update", "hubspot person delete", "hubspot person restore", "hubspot person merge",
			"salesforce person update", "salesforce automation update", "salesforce person delete", "salesforce person restore", "salesforce person merge",
		} {
			if seen[want] == 0 {
				t.Errorf("the ledger has no %q: %v", want, seen)
			}
		}
	})
}

// TestLifePace holds that a share is one of the records a minute.
func TestLifePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := office(t, 7, simulators.Life{Edits: 0.02, Flips: 0.1}, 5, 10*time.Minute)
		for _, stage := range []simhttp.Stage{pair.HubSpot, pair.Salesforce} {
			records := 0
			for _, part := range stage.Parts() {
				records += stage.Living(part.Object)
			}
			done := pair.Deeds()[stage.CRM()].Done
			for kind, share := range map[string]float64{"edit": 0.02, "flip": 0.1} {
				want := 10 * share * float64(records)
				if got := float64(done[kind]); got < want/2 || got > want*3/2 {
					t.Errorf("%s: %v %q among %d records in ten minutes, want about %v", stage.CRM(), got, kind, records, want)
				}
			}
		}
	})
}

// TestLifeStays holds that nobody is at work in a calm CRM or where nobody works.
func TestLifeStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := simulators.Life{Edits: 1, Merges: 1}
		for name, pair := range map[string]*simulators.Pair{
			"calm":   office(t, 7, simulators.Life{}, 5, 10*time.Minute),
			"nobody": office(t, 7, busy, 0, 10*time.Minute),
		} {
			if n := len(pair.History.Changes()); n > 0 {
				t.Errorf("%s: %d changes, first %+v", name, n, pair.History.Changes()[0])
			}
		}
	})
}

// told is a ledger without its times.
func told(pair *simulators.Pair) []simulators.Change {
	changes := append([]simulators.Change{}, pair.History.Changes()...)
	for i := range changes {
		changes[i].Time = time.Time{}
	}
	return changes
}

// asked is a history without its times.
func asked(pair *simulators.Pair) []simulators.Exchange {
	calls := append([]simulators.Exchange{}, pair.History.Snapshot()...)
	for i := range calls {
		calls[i].Time = time.Time{}
	}
	return calls
}

// TestSeeded holds that one seed and one script of calls give one history and one ledger, in hell and with
// everybody at work; another seed gives others.
func TestSeeded(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (pair *simulators.Pair) {
		synctest.Test(t, func(t *testing.T) {
			faults, err := simulators.Profile("hell")
			if err != nil {
				t.Fatal(err)
			}
			pair, err = simulators.New(simulators.Config{
				Seed: seed, People: 5, Faults: faults, WebhookURL: "http://daemon.example/hook", Transport: accepting{},
				Sync: simulators.SyncConfig{On: true, Owner: true, CreateLeads: true, CreateContacts: true},
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- pair.Run(ctx) }()
			script(t, pair)
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return pair
	}
	one, two, other := run(7), run(7), run(8)
	if diff := cmp.Diff(told(one), told(two)); diff != "" {
		t.Errorf("equal seeds, other changes: %s", diff)
	}
	if diff := cmp.Diff(asked(one), asked(two)); diff != "" {
		t.Errorf("equal seeds, another history: %s", diff)
	}
	if diff := cmp.Diff(one.Deeds(), two.Deeds()); diff != "" || len(told(one)) < 100 {
		t.Errorf("equal seeds, other deeds among %d changes: %s", len(told(one)), diff)
	}
	if reflect.DeepEqual(told(one), told(other)) || reflect.DeepEqual(asked(one), asked(other)) {
		t.Error("other seeds are equal")
	}
}

// accepting takes every webhook.
type accepting struct{}

func (accepting) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// script is a quarter of an hour of a client's calls and of buyers.
func script(t *testing.T, pair *simulators.Pair) {
	t.Helper()
	hosts := simulators.Carrier(map[string]http.Handler{"hubspot.example": pair.HubSpot, "salesforce.example": pair.Salesforce})
	client := &http.Client{Transport: hosts, Timeout: 10 * time.Second}
	for i := range 60 {
		for _, c := range []struct{ url, token string }{
			{"http://hubspot.example/crm/v3/objects/contacts?limit=5", pair.HubSpot.Credentials().Token},
			{"http://salesforce.example/services/data/v60.0/query?q=SELECT+Id,OwnerId+FROM+Lead", pair.Salesforce.Credentials().Token},
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+c.token)
			if resp, err := client.Do(req); err == nil { // refusals are part of it
				_ = resp.Body.Close()
			}
			time.Sleep(time.Millisecond) // a call that was given up is on record now
		}
		mail := "buyer" + string(rune('a'+i%26)) + "@new.example"
		for _, e := range []simulators.Edit{
			{CRM: "hubspot", Object: "contacts", Op: "submit_form", Fields: map[string]any{"form": "Demo request", "email": mail}},
			{CRM: "salesforce", Object: "Lead", Op: "submit_form", Fields: map[string]any{"form": "Demo request", "Email": "x" + mail}},
		} {
			var sim simulators.Sim = pair.HubSpot
			if e.CRM == "salesforce" {
				sim = pair.Salesforce
			}
			_, _ = sim.Edit(e) // refusals are part of it
		}
		time.Sleep(15 * time.Second)
	}
}

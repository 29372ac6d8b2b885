package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
)

// volume is a stage on the starter pack at ten on a Thursday in New York, in a
// bubble, without a story.
func volume(t *testing.T, hooks simulators.WebhookFaults, world map[string]json.RawMessage, do func(t *testing.T, st *stage)) {
	t.Helper()
	dir, folder := t.TempDir(), mapFolder(t, starter.FS())
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	s := &story{
		name: t.Name(), start: time.Date(2026, 3, 19, 10, 0, 0, 0, zone), length: time.Hour,
		unique: true, mode: "write", folder: folder, world: world,
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.start))
		st := newStage(t, s, dir, variant{hooks: hooks})
		defer st.close()
		do(t, st)
	})
}

// form lets one buyer fill in a form.
func (st *stage) form(n int, form string) {
	st.t.Helper()
	_, err := st.pair.HubSpot.Edit(simulators.Edit{CRM: "hubspot", Object: "contacts", Op: "submit_form", Fields: map[string]any{
		"email": buyer(n), "page": "Pricing", "form": form, "firstname": "Buyer", "lastname": fmt.Sprint(n),
		"company": fmt.Sprintf("Newco %d", n), "country": "United States",
	}})
	if err != nil {
		st.t.Fatal(err)
	}
}

func buyer(n int) string { return fmt.Sprintf("buyer%d@newco%d.example", n, n) }

// handoffs are all there are.
func (st *stage) handoffs() []state.Handoff {
	st.t.Helper()
	var all []state.Handoff
	err := st.store.View(st.t.Context(), func(tx state.Tx) error {
		all = slices.Collect(maps.Values(maps.Collect(state.AllHandoffs(tx))))
		return tx.Err()
	})
	if err != nil {
		st.t.Fatal(err)
	}
	return all
}

// TestOneTimestamp: twelve thousand contacts that changed in the same
// millisecond, more than a search can show, are all found by polling; every
// fourth asks for a demo, and each of those has one owner and one task (P3).
func TestOneTimestamp(t *testing.T) {
	unraced(t)
	long(t, "")
	t.Parallel()
	const (
		buyers = 12_000
		demos  = buyers / 4
	)
	volume(t, simulators.WebhookFaults{Drop: 1}, nil, func(t *testing.T, st *stage) {
		at := time.Now()
		for n := range buyers {
			form := "Newsletter"
			if n%4 == 0 {
				form = "Demo request"
			}
			st.form(n, form)
		}
		if !time.Now().Equal(at) {
			t.Fatal("the buyers did not all come at once")
		}
		time.Sleep(4 * time.Minute) // the next poll, and 18 calls a second
		if n := st.contactsRead(); n != buyers {
			t.Errorf("%d contacts were read, want %d", n, buyers)
		}
		if n := len(st.handoffs()); n != demos {
			t.Errorf("%d handoffs, want %d", n, demos)
		}
		tasks := map[string]int{}
		for _, task := range st.rows("hubspot", "tasks") {
			for _, l := range task.Links {
				if l.Kind == "contacts" {
					tasks[l.ID]++
				}
			}
		}
		asked := 0
		for _, c := range st.rows("hubspot", "contacts") {
			if c.text("recent_conversion_event_name") != "Pricing: Demo request" {
				continue
			}
			asked++
			if c.text("hubspot_owner_id") == "" || tasks[c.ID] != 1 || c.text("handoff_status") != "Assigned" {
				t.Fatalf("contact %s: owner %q, %d tasks, status %q", c.ID, c.text("hubspot_owner_id"), tasks[c.ID], c.text("handoff_status"))
			}
		}
		if asked != demos {
			t.Errorf("%d buyers in the CRM asked for a demo, want %d", asked, demos)
		}
	})
}

// contactsRead is how many contacts of the portal the state knows.
func (st *stage) contactsRead() int {
	st.t.Helper()
	n := 0
	err := st.store.View(st.t.Context(), func(tx state.Tx) error {
		for _, r := range state.RecordsOf(tx, "hubspot") {
			if r.Ref.Kind == "contacts" {
				n++
			}
		}
		return tx.Err()
	})
	if err != nil {
		st.t.Fatal(err)
	}
	return n
}

// TestOldForms: the first start on a portal with five thousand forms filled in
// before hands nothing off, also when every one of those contacts is edited
// afterwards; the next form does (first sight is the baseline).
func TestOldForms(t *testing.T) {
	unraced(t)
	t.Parallel()
	const old = 5_000
	contacts := make([]map[string]any, old)
	for n := range contacts {
		contacts[n] = map[string]any{"id": fmt.Sprint(500_000 + n), "fields": map[string]any{
			"email": buyer(n), "firstname": "Buyer", "lastname": fmt.Sprint(n), "company": fmt.Sprintf("Newco %d", n), "country": "United States",
			"recent_conversion_event_name": "Pricing: Demo request", "num_conversion_events": "1",
			"recent_conversion_date": time.Date(2026, 3, 1+n%18, 9, 0, 0, 0, time.UTC).Format(time.RFC3339),
		}}
	}
	raw, err := json.Marshal(map[string]any{"contacts": contacts})
	if err != nil {
		t.Fatal(err)
	}
	volume(t, simulators.WebhookFaults{}, map[string]json.RawMessage{"hubspot": raw}, func(t *testing.T, st *stage) {
		time.Sleep(3 * time.Minute)
		if n := len(st.handoffs()); n != 0 {
			t.Errorf("%d handoffs after the first start, want none", n)
		}
		for n := range old {
			_, err := st.pair.HubSpot.Edit(simulators.Edit{
				CRM: "hubspot", Object: "contacts", Op: "update", ID: fmt.Sprint(500_000 + n), Fields: map[string]any{"jobtitle": "CTO"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Minute)
		if n := len(st.handoffs()); n != 0 {
			t.Errorf("%d handoffs after old contacts were edited, want none", n)
		}
		if n := st.contactsRead(); n != old {
			t.Errorf("%d contacts were read, want %d", n, old)
		}
		st.form(7, "Demo request")
		time.Sleep(time.Minute)
		if all := st.handoffs(); len(all) != 1 || all[0].Record.ID != "500007" {
			t.Errorf("after a new form there are %d handoffs, want the one of contact 500007: %v", len(all), all)
		}
	})
}

// TestPollingAlone: without a single webhook the CRMs end as with all of them,
// and nobody waits longer than one poll, the lag of the search index, and the
// time the writes take.
func TestPollingAlone(t *testing.T) {
	unraced(t)
	t.Parallel()
	const (
		buyers = 60
		lag    = 20 * time.Second
		poll   = 2 * time.Minute // as the starter pack says
		slack  = 20 * time.Second
	)
	ends := map[string]map[string]string{}
	for name, hooks := range map[string]simulators.WebhookFaults{"with webhooks": {}, "without": {Drop: 1}} {
		volume(t, hooks, nil, func(t *testing.T, st *stage) {
			f := st.pair.HubSpot.Faults()
			f.SearchLag = lag
			st.pair.HubSpot.SetFaults(f)
			for n := range buyers {
				form := "Demo request"
				if n%3 == 0 {
					form = "Contact sales"
				}
				st.form(n, form)
				time.Sleep(7 * time.Second)
			}
			time.Sleep(poll + lag + slack)
			all := st.handoffs()
			if len(all) != buyers {
				t.Errorf("%s: %d handoffs, want %d", name, len(all), buyers)
			}
			latest := time.Duration(0)
			for _, h := range all {
				if h.Written.IsZero() {
					t.Errorf("%s: the owner of %s was not written", name, h.Record)
				}
				latest = max(latest, h.Written.Sub(h.Signals[0].At))
			}
			if most := poll + lag + slack; latest > most {
				t.Errorf("%s: a buyer waited %s, at most %s are promised", name, latest, most)
			}
			if name == "without" && latest < poll/2 {
				t.Errorf("without webhooks the longest wait was %s: were there webhooks after all?", latest)
			}
			st.final = map[string]world{"hubspot": st.world("hubspot"), "salesforce": st.world("salesforce")}
			ends[name] = st.end()
		})
	}
	if len(ends["without"]) < buyers {
		t.Errorf("only %d records are compared", len(ends["without"]))
	}
	if diff := gocmp.Diff(ends["with webhooks"], ends["without"]); diff != "" {
		t.Errorf("the end differs (-with webhooks +without):\n%s", diff)
	}
}

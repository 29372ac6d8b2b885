package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/connectors/hubspot/hubspotsim"
	"github.com/handoffd/handoffd/connectors/simulators"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// rig is a daemon between both calm CRMs, everything carried in memory, for
// counting and timing. It works inside a bubble and outside.
type rig struct {
	tb     testing.TB
	pair   *simulators.Pair
	store  *bolt.Store
	daemon *daemon
	conns  map[string]connectors.Connector
	buyers int

	mu   sync.Mutex
	open http.Handler // of the running daemon; nil: nothing listens
}

// newRig starts the CRMs and a daemon and waits until the mirrors are full.
// burst is what HubSpot allows in ten seconds; 0: what it does. poll is how
// often is polled; 0: as the rules say.
func newRig(tb testing.TB, burst int, poll time.Duration) *rig {
	tb.Helper()
	r := &rig{tb: tb}
	webhooks := simulators.Carrier(map[string]http.Handler{daemonHost: http.HandlerFunc(r.receive)})
	hook := "https://" + daemonHost + "/webhooks/hubspot"
	pair, err := simulators.New(simulators.Config{
		Seed: 1, Faults: simulators.Faults{UniqueTasks: true}, WebhookURL: hook, OrgURL: "https://" + salesforceHost,
		Transport: webhooks, NoHistory: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	if burst > 0 {
		pair.HubSpot = hubspotsim.New(hubspotsim.Config{Seed: 1, Burst: burst, UniqueTasks: true, WebhookURL: hook, Transport: webhooks})
	}
	r.pair, r.conns = pair, connectPair(tb, pair)
	store, err := bolt.Open(filepath.Join(tb.TempDir(), "handoffd.db"), bolt.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	r.store = store
	ctx, cancel := context.WithCancel(context.Background())
	r.daemon, err = newDaemon(ctx, daemonConfig{
		Rules: compiled(tb, starterFolder(tb, "handoffd.yaml", "mode: observe", "mode: write"), ""), Store: store, Conns: r.conns,
		PublicURL: &url.URL{Scheme: "https", Host: daemonHost}, Holder: "rig", PollEvery: poll,
	})
	if err != nil {
		tb.Fatal(err)
	}
	var running errgroup.Group
	running.Go(func() error { return pair.Run(ctx) })
	running.Go(func() error { return r.daemon.run(ctx) })
	r.listen(true)
	tb.Cleanup(func() {
		cancel()
		if err := running.Wait(); err != nil && ctx.Err() == nil {
			tb.Error(err)
		}
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	r.until("the mirrors are full", func(tx state.Tx) bool {
		for name := range r.conns {
			if c, _ := state.GetConn(tx, name); !c.Mirror {
				return false
			}
		}
		return true
	})
	return r
}

// connectPair makes a connector to each CRM of the pair.
func connectPair(tb testing.TB, pair *simulators.Pair) map[string]connectors.Connector {
	tb.Helper()
	carrier := simulators.Carrier(map[string]http.Handler{hubspotHost: pair.HubSpot, salesforceHost: pair.Salesforce})
	hc, fc := pair.HubSpot.Credentials(), pair.Salesforce.Credentials()
	conns := map[string]connectors.Connector{}
	for name, set := range map[string]connectors.Settings{
		"hubspot":    {Token: connectors.Secret(hc.Token), ClientID: hc.ClientID, ClientSecret: connectors.Secret(hc.ClientSecret)},
		"salesforce": {URL: "https://" + salesforceHost, ClientID: fc.ClientID, ClientSecret: connectors.Secret(fc.ClientSecret)},
	} {
		set.Transport = carrier
		conns[name] = newConnector(tb, name, set)
	}
	return conns
}

func newConnector(tb testing.TB, name string, set connectors.Settings) connectors.Connector {
	tb.Helper()
	set.Name = name
	c, err := builtin.Adapters()[name].New(set)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// listen lets webhooks in, or drops their connections.
func (r *rig) listen(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = nil
	if on {
		r.open = r.daemon.public()
	}
}

func (r *rig) receive(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	h := r.open
	r.mu.Unlock()
	if h == nil {
		panic(http.ErrAbortHandler)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
}

// until waits for something to stand in the state.
func (r *rig) until(what string, there func(tx state.Tx) bool) {
	r.tb.Helper()
	for range 6000 {
		ok := false
		err := r.store.View(context.Background(), func(tx state.Tx) error {
			ok = there(tx)
			return tx.Err()
		})
		if err != nil {
			r.tb.Fatal(err)
		}
		if ok {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.tb.Fatal("it never came to be that " + what)
}

// variants are the three ways a handoff takes between the CRMs.
var variants = []string{"hubspot", "salesforce", "across"}

// form lets one more buyer fill in a form, so that a handoff of the variant
// starts, and returns the record it made.
func (r *rig) form(variant string) connectors.Ref {
	r.tb.Helper()
	r.buyers++
	n := r.buyers
	email := fmt.Sprintf("buyer%d@firm%d.example", n, n)
	var sim simulators.Sim = r.pair.HubSpot
	e := simulators.Edit{CRM: "hubspot", Object: "contacts", Op: "submit_form", Fields: map[string]any{
		"page": "Pricing", "form": "Demo request", "email": email, "firstname": "Dana", "lastname": fmt.Sprint("Buyer ", n),
		"company": fmt.Sprint("Firm ", n), "jobtitle": "CTO", "country": "United States", "primary_business_problem": "Leads wait for days",
	}}
	switch variant {
	case "across":
		e.Fields["page"], e.Fields["form"] = "Contact", "Contact sales"
	case "salesforce":
		sim = r.pair.Salesforce
		e = simulators.Edit{CRM: "salesforce", Object: "Lead", Op: "submit_form", Fields: map[string]any{
			"form": "Pricing: Demo request", "Email": email, "FirstName": "Dana", "LastName": fmt.Sprint("Buyer ", n), "Company": fmt.Sprint("Firm ", n),
			"Title": "CTO", "Country": "United States", "Business_Problem__c": "Leads wait for days",
		}}
	}
	ids, err := sim.Edit(e)
	if err != nil {
		r.tb.Fatal(err)
	}
	return connectors.Ref{Conn: e.CRM, Kind: connectors.Kind(e.Object), ID: ids["id"]}
}

// backlog lets n buyers fill in a form while no webhook comes through, and
// then puts the hints into the inbox at once: batches are full from the first
// one on.
func (r *rig) backlog(variant string, n int) {
	r.tb.Helper()
	r.pair.HubSpot.SetWebhookURL("")
	refs := make([]connectors.Ref, n)
	for i := range refs {
		refs[i] = r.form(variant)
	}
	r.pair.HubSpot.SetWebhookURL("https://" + daemonHost + "/webhooks/hubspot")
	if variant == "salesforce" {
		return // it is polled
	}
	r.hint(refs)
}

// hint puts hints about records into the inbox, as one body of webhooks does.
func (r *rig) hint(refs []connectors.Ref) {
	r.tb.Helper()
	now := time.Now().UTC()
	err := r.store.Update(context.Background(), func(tx state.Tx) error {
		for _, ref := range refs {
			hint := connectors.Change{Ref: ref, EventID: fmt.Sprint("backlog ", ref.ID, now), At: now}
			state.AppendInbox(tx, state.Change{Change: hint, Via: "webhook", Came: now})
		}
		return tx.Err()
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	r.daemon.decider.Lanes.Ring()
}

// settle waits until n more handoffs than before stand in the CRMs, and fails
// where one of them does not.
func (r *rig) settle(n int) {
	r.tb.Helper()
	r.until(fmt.Sprintf("%d buyers are handed off", n), func(tx state.Tx) bool {
		for range state.AllIntents(tx) {
			return false
		}
		for name := range r.conns {
			for range state.InboxRows(tx, name) {
				return false
			}
		}
		known := 0
		for range tx.Scan(state.Handoffs, nil, nil) {
			known++
		}
		if known < n {
			return false
		}
		written := 0
		for _, h := range state.AllHandoffs(tx) {
			if !h.Written.IsZero() && h.Owner != "" && h.Effects["task"].State == "done" {
				written++
			}
		}
		return written >= n
	})
}

// spent is what both CRMs have counted so far: calls, and those refused for
// being too many; and what the connectors spent on handoffs, which leaves out
// polls, schemas and tokens.
type spent struct{ calls, refused, handoffs, reads int }

func (r *rig) spent() spent {
	var s spent
	for _, stats := range []map[string]int{r.pair.HubSpot.Stats(), r.pair.Salesforce.Stats()} {
		for what, n := range stats {
			if what == "429" {
				s.refused += n
			} else {
				s.calls += n
			}
		}
	}
	for _, c := range r.conns {
		usage := c.(connectors.Meter).Usage()
		for _, purpose := range []string{"read", "locate", "write", "find"} {
			s.handoffs += int(usage.Calls[purpose])
		}
		s.reads += int(usage.Calls["read"])
	}
	return s
}

// metered is every call the connectors say they made.
func (r *rig) metered() (n int) {
	for _, c := range r.conns {
		for _, calls := range c.(connectors.Meter).Usage().Calls {
			n += int(calls)
		}
	}
	return n
}

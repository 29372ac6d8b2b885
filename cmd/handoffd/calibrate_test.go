package main

import (
	"context"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// leadsCommand makes a state of demo requests: 1 to 4 handed over, 1 of them
// twice and 2 with what nobody should run, 5 kept from it by a rule, 6 of
// another type, 7 long ago, 8 deleted.
func leadsCommand(ts *testscript.TestScript, _ bool, args []string) {
	wants(ts, len(args) == 1, "leads FILE")
	store, err := bolt.Open(ts.MkAbs(args[0]), bolt.Options{})
	ts.Check(err)
	now := time.Now()
	ts.Check(store.Update(context.Background(), func(tx state.Tx) error {
		for i := range 8 {
			n := strconv.Itoa(i + 1)
			ref := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: n}
			account := connectors.Ref{Conn: "hubspot", Kind: "companies", ID: n}
			state.PutRecord(tx, state.Record{Ref: account, Noun: "company", Fields: map[string]string{"name": "Acme " + n, "country": "DE"}})
			lead := state.Record{Ref: ref, Noun: "person", Links: []connectors.Ref{account}, Deleted: n == "8", Fields: map[string]string{
				"email": "dana" + n + "@acme.example", "full_name": "Dana " + n, "title": "Head of Sales", "source": "REFERRALS",
				"last_form": "Demo request", "intent_signal": "Pricing inquiry", "handoff_status": "Assigned",
			}}
			h := state.Handoff{ID: "h" + n, Type: "demo_request", Record: ref, Stage: state.Assigned, Tier: "high_intent", Owner: "ana@example.com", DetectedAt: now}
			switch n {
			case "1":
				again := h
				again.ID, again.Stage = "h1b", state.Completed
				state.PutHandoff(tx, again)
			case "2":
				lead.Fields["title"] = "=HYPERLINK(\"http://evil.example\")\x1b[2J"
			case "5":
				state.AddListing(tx, state.Listing{List: "never", Subject: ref.String(), Text: "never: a competitor", First: now, Last: now})
				state.Apply(tx, state.Changes{Triggers: []state.Trigger{{Type: h.Type, Record: ref, Version: "v", At: now}}})
			case "6":
				h.Type = "contact_sales"
			case "7":
				h.DetectedAt = now.AddDate(0, 0, -91)
			}
			state.PutRecord(tx, lead)
			if n != "5" {
				state.PutHandoff(tx, h)
			}
		}
		return tx.Err()
	}))
	ts.Check(store.Close())
}

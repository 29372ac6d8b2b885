package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/cmd/checker/judge"
	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/connectors/builtin"
	"github.com/handoffd/handoffd/mappings/starter"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// crmWorlds is what stands in the CRMs, without what was archived.
type crmWorlds map[string]map[string][]row

// taskKinds is where each CRM keeps tasks, and in which field our key.
var taskKinds = map[string]struct{ kind, key string }{
	"hubspot": {"tasks", "handoff_key"}, "salesforce": {"Task", "Handoff_Key__c"},
}

func (k *killTest) worlds() crmWorlds {
	k.t.Helper()
	resp, err := http.Get(k.sim.Control.URL + "/world")
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	var worlds crmWorlds
	if err := json.NewDecoder(resp.Body).Decode(&worlds); err != nil {
		k.t.Fatal(err)
	}
	for _, kinds := range worlds {
		for kind, rows := range kinds {
			kinds[kind] = slices.DeleteFunc(rows, row.gone)
		}
	}
	return worlds
}

// gone reports whether a person would not see the record any more.
func (r row) gone() bool { return r.Archived || r.MergedInto != "" || r.text("IsDeleted") == "true" }

// tasksOn are the live tasks of each record, by its reference.
func (w crmWorlds) tasksOn() map[connectors.Ref][]string {
	on := map[connectors.Ref][]string{}
	for crm, where := range taskKinds {
		for _, task := range w[crm][where.kind] {
			key := taskKey(task.crmRow, where.key)
			for _, l := range task.Links {
				ref := connectors.Ref{Conn: crm, Kind: connectors.Kind(l.Kind), ID: l.ID}
				on[ref] = append(on[ref], key)
			}
			for _, field := range []string{"WhoId", "WhatId"} {
				if id := task.text(field); id != "" {
					ref := connectors.Ref{Conn: crm, ID: id}
					on[ref] = append(on[ref], key)
				}
			}
		}
	}
	return on
}

// taskKey is the key a task carries: in its field, or as the marker in its text.
func taskKey(task crmRow, field string) string {
	if key, ok := task.Fields[field].(string); ok && key != "" {
		return key
	}
	for _, f := range slices.Sorted(maps.Keys(task.Fields)) {
		text, _ := task.Fields[f].(string)
		if _, rest, ok := strings.Cut(text, "[handoff "); ok {
			key, _, _ := strings.Cut(rest, "]")
			return key
		}
	}
	return ""
}

// soFar is what must not be at any moment, looked for while the daemon is
// dead: an acknowledged event that is forgotten, an account that was read past,
// a second record or a second task for one buyer.
func (k *killTest) soFar() []string {
	k.t.Helper()
	store, err := bolt.Open(k.statePath(), bolt.Options{})
	if err != nil {
		return []string{fmt.Sprintf("the state does not open: %v", err)}
	}
	w := k.worlds()
	wrong := append(k.lost(store), k.unmirrored(store, w)...)
	if err := store.Close(); err != nil {
		wrong = append(wrong, err.Error())
	}
	return append(wrong, k.doubled(w)...)
}

// unmirrored lists accounts that the cursor has passed and the mirror lacks
// (P5: a page and its cursor are one commit).
func (k *killTest) unmirrored(store *bolt.Store, w crmWorlds) []string {
	k.t.Helper()
	var wrong []string
	err := store.View(k.t.Context(), func(tx state.Tx) error {
		for conn, kind := range map[string]connectors.Kind{"hubspot": "companies", "salesforce": "Account"} {
			if c, ok := state.GetCursor(tx, conn, kind+"#list"); !ok || !c.Listed {
				continue
			}
			if len(w[conn][string(kind)]) == 0 {
				wrong = append(wrong, "there is no account to mirror in "+conn)
			}
			for _, r := range w[conn][string(kind)] {
				ref := connectors.Ref{Conn: conn, Kind: kind, ID: r.ID}
				if _, ok := state.GetRecord(tx, ref); !ok {
					wrong = append(wrong, fmt.Sprintf("%s was read past: it is not in the mirror", ref))
				}
			}
		}
		return tx.Err()
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	slices.Sort(wrong)
	return wrong
}

// doubled lists what was made twice (A3).
func (k *killTest) doubled(w crmWorlds) []string {
	var wrong []string
	people := map[string]int{}
	for _, lead := range w["salesforce"]["Lead"] {
		people[lead.text("Email")]++
	}
	for email, n := range people {
		if n > 1 && email != "" {
			wrong = append(wrong, fmt.Sprintf("%d leads have the address %s", n, email))
		}
	}
	for ref, keys := range w.tasksOn() {
		if len(keys) > 1 {
			wrong = append(wrong, fmt.Sprintf("%s has %d tasks: %s", ref, len(keys), strings.Join(keys, ", ")))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// verdicts are what the checker says of the run, by a report of it.
func (k *killTest) verdicts() []string {
	k.t.Helper()
	out := filepath.Join(k.t.TempDir(), "report")
	run := judge.Run{
		Seed: k.seed, Profile: "calm", Mode: "write", Ended: time.Now().UTC(), Quiesced: true, PollS: 120, UniqueTasks: k.unique == "yes",
		Conns:    map[string]judge.Conn{"hubspot": {Tenant: k.sim.HubSpot.PortalID, ClientSecret: k.sim.HubSpot.ClientSecret}},
		Canaries: []string{k.sim.HubSpot.Token, k.sim.HubSpot.ClientSecret, k.sim.Salesforce.ClientSecret},
	}
	k.ledger.mu.Lock()
	var acks []judge.Ack
	for _, body := range k.ledger.acked {
		acks = append(acks, judge.Ack{
			Time: run.Ended, Conn: "hubspot", Method: http.MethodPost, URL: k.hookURL(), Header: k.signed(body).Header, Body: string(body),
		})
	}
	k.ledger.mu.Unlock()
	err := judge.Save(k.t.Context(), out, judge.Source{
		Run: run, Acks: acks, Control: judge.From(k.sim.Control.URL), State: k.statePath(), Rules: starter.FS(), Log: k.logPath(), Metrics: k.metrics,
	})
	if err != nil {
		return []string{err.Error()}
	}
	verdicts, err := judge.Judge(k.t.Context(), out)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for _, v := range verdicts {
		for _, o := range v.Offence {
			wrong = append(wrong, v.Rule+": "+o.String())
		}
		if v.Held == judge.NotJudged && !slices.Contains([]string{"A6", "A14"}, v.Rule) {
			wrong = append(wrong, v.Rule+" was not judged: "+v.Why)
		}
	}
	return wrong
}

// judge asks the checker, and compares what was asked for with what stands in
// the CRMs.
func (k *killTest) judge() []string {
	k.t.Helper()
	w := k.worlds()
	wrong := slices.Concat(k.verdicts(), k.doubled(w))
	store, err := bolt.Open(k.statePath(), bolt.Options{})
	if err != nil {
		return append(wrong, fmt.Sprintf("the state does not open: %v", err))
	}
	defer store.Close()
	targets := map[string]row{}
	for crm, kinds := range w {
		for kind, rows := range kinds {
			for _, r := range rows {
				targets[connectors.Ref{Conn: crm, Kind: connectors.Kind(kind), ID: r.ID}.String()] = r
			}
		}
	}
	tasks := w.tasksOn()
	handoffs := 0
	err = store.View(k.t.Context(), func(tx state.Tx) error {
		seen := map[string]int{}
		for _, h := range state.AllHandoffs(tx) {
			handoffs++
			seen[h.Record.ID]++
			target, ok := targets[h.Target.String()]
			if !ok {
				wrong = append(wrong, fmt.Sprintf("handoff %s of %s: its record %s is not there", h.ID, h.Record, h.Target))
				continue
			}
			wrong = append(wrong, k.wellDone(tx, h, target, tasks)...)
		}
		for contact, form := range k.ledger.forms {
			if n := seen[contact]; n != 1 {
				wrong = append(wrong, fmt.Sprintf("contact %s asked once (%s) and has %d handoffs", contact, form, n))
			}
		}
		return tx.Err()
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	if n := k.ledger.signals(); n != handoffs || n < k.kills {
		wrong = append(wrong, fmt.Sprintf("%d signals, %d handoffs", n, handoffs))
	}
	slices.Sort(wrong)
	return wrong
}

// wellDone checks one handoff: the one owner that was decided, the one task
// that was decided.
func (k *killTest) wellDone(tx state.Tx, h state.Handoff, target row, tasks map[connectors.Ref][]string) []string {
	var wrong []string
	owner := cmp.Or(target.text("hubspot_owner_id"), target.text("OwnerId"))
	user, _ := state.GetUser(tx, h.Target.Conn, owner)
	if h.Owner == "" || user.Email != h.Owner {
		wrong = append(wrong, fmt.Sprintf("%s is to be owned by %q and is by %q (%s)", h.Target, h.Owner, user.Email, owner))
	}
	ref := h.Target
	if tasks[ref] == nil {
		ref.Kind = "" // a task of the other sort of link names no kind
	}
	if got, want := strings.Join(tasks[ref], ", "), h.Effects["task"].Key; got != want {
		wrong = append(wrong, fmt.Sprintf("%s has the tasks %q, want the one of handoff %s, %q", h.Target, got, h.ID, want))
	}
	return wrong
}

// lost lists events that were acknowledged and are not remembered (A1).
func (k *killTest) lost(store *bolt.Store) []string {
	k.t.Helper()
	connector, err := builtin.Adapters()["hubspot"].New(connectors.Settings{
		Name: "hubspot", URL: k.sim.HubSpot.URL, Token: "x", ClientSecret: connectors.Secret(k.sim.HubSpot.ClientSecret),
	})
	if err != nil {
		return []string{err.Error()}
	}
	k.ledger.mu.Lock()
	acked := slices.Clone(k.ledger.acked)
	k.ledger.mu.Unlock()
	var wrong []string
	err = store.View(k.t.Context(), func(tx state.Tx) error {
		for _, body := range acked {
			received, err := connector.(connectors.Receiver).Receive(connectors.Request{
				Method: http.MethodPost, URL: k.hookURL(), Header: k.signed(body).Header, Body: body, At: time.Now(), Tenant: k.sim.HubSpot.PortalID,
			})
			if err != nil {
				return fmt.Errorf("read an acknowledged webhook: %w", err)
			}
			if len(received.Changes) != 2 {
				return fmt.Errorf("an acknowledged webhook names %d changes: %s", len(received.Changes), body)
			}
			for _, c := range received.Changes {
				if !state.WasSeen(tx, c) {
					wrong = append(wrong, fmt.Sprintf("acknowledged and lost: %s", c.EventID))
				}
			}
		}
		return tx.Err()
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}

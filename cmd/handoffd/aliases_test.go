package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// What was learnt is listed, can be taken back, and counts again when it is
// restored; whoever did it stands in the audit trail.
func TestAliasesAreReversible(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	now := time.Date(2026, 3, 16, 14, 0, 0, 0, time.UTC)
	account := func(id string) connectors.Ref { return connectors.Ref{Conn: "crm", Kind: "companies", ID: id} }
	err = store.Update(t.Context(), func(tx state.Tx) error {
		state.PutAlias(tx, state.Alias{Conn: "crm", Key: "name:acme labs", Account: account("7"), By: state.AliasReview, At: now})
		state.PutAlias(tx, state.Alias{Conn: "crm", Key: "domain:acme.dev", Account: account("7"), By: state.AliasLink, At: now})
		state.PutAlias(tx, state.Alias{Conn: "crm", Key: "domain:acme.dev", Account: account("8"), By: state.AliasHistory, At: now})
		state.PutAlias(tx, state.Alias{Conn: "crm", Key: "name:acme lbs", Account: account("8"), By: state.AliasReview, At: now, Not: true})
		state.PutRecord(tx, state.Record{Ref: account("7"), Noun: "company", Fields: map[string]string{"name": "Acme"}})
		return tx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	var denied []string // what is not an account's, and whether that was taken back
	counts := func(ctx context.Context) map[string]bool {
		a, err := runAliases(ctx, store, aliasOrder{Verb: "list"}, now)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		denied = nil
		for _, i := range a.Items {
			if i.Not {
				denied = append(denied, fmt.Sprint(i.Key, " ", i.Account, " ", i.Taken))
				continue
			}
			out[i.Key+" "+i.Account+" "+i.Name] = i.Counts
		}
		return out
	}
	want := func(what string, named, domain7, domain8 bool) {
		t.Helper()
		if d := cmp.Diff(map[string]bool{
			"name:acme labs crm/companies/7 Acme": named, "domain:acme.dev crm/companies/7 Acme": domain7, "domain:acme.dev crm/companies/8 ": domain8,
		}, counts(t.Context())); d != "" {
			t.Errorf("%s: (-want +got)\n%s", what, d)
		}
	}
	want("as learnt", true, true, false)
	for _, o := range []aliasOrder{{Verb: "forget", Key: "domain:acme.dev", Account: "7", By: "rae"}, {Verb: "forget", Key: "name:acme labs", By: "rae"}, {Verb: "forget", Key: "name:acme lbs", By: "rae"}} {
		if _, err := runAliases(t.Context(), store, o, now); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"name:acme lbs crm/companies/8 false"}, denied); d != "" {
		t.Error(d)
	}
	want("taken back", false, false, false)
	if d := cmp.Diff([]string{"name:acme lbs crm/companies/8 true"}, denied); d != "" {
		t.Error(d)
	}
	if _, err := runAliases(t.Context(), store, aliasOrder{Verb: "restore", Key: "name:acme labs", By: "rae"}, now); err != nil {
		t.Fatal(err)
	}
	want("restored", true, false, false)
	_, err = runAliases(t.Context(), store, aliasOrder{Verb: "forget", Key: "domain:nobody.dev"}, now)
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitWrong {
		t.Errorf("what nobody learnt: %v", err)
	}
	var by []string
	err = store.View(t.Context(), func(tx state.Tx) error {
		for _, row := range state.AllAudit(tx, 0) {
			by = append(by, row.Actor+" "+row.Action+" "+row.Subject)
		}
		return tx.Err()
	})
	if d := cmp.Diff([]string{"rae alias forget domain:acme.dev", "rae alias forget name:acme labs", "rae alias forget name:acme lbs", "rae alias restore name:acme labs"}, by); d != "" || err != nil {
		t.Errorf("audit: %v\n%s", err, d)
	}
	for _, args := range [][]string{{"list", "x"}, {"forget"}, {"drop", "x"}} {
		if _, err := readAliasOrder(args); err == nil {
			t.Errorf("%v is understood", args)
		}
	}
}

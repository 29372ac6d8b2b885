package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
)

// aliases are the domains and names that were learnt to be accounts'.
type aliases struct {
	Schema int         `json:"schema"`
	Did    string      `json:"did,omitempty"`
	Items  []aliasItem `json:"items"`
}

// aliasItem is one of them.
type aliasItem struct {
	Key     string    `json:"key"` // "domain:acme.dev", "name:acme labs"
	Conn    string    `json:"conn"`
	Account string    `json:"account"`
	Name    string    `json:"name,omitempty"` // of the account
	By      string    `json:"by"`             // review, link or history
	From    []string  `json:"from,omitempty"` // the people it was learnt from
	At      time.Time `json:"at"`
	Counts  bool      `json:"counts"`
	Not     bool      `json:"not,omitempty"` // it is not the account's
	Taken   bool      `json:"forgotten,omitempty"`
}

// aliasOrder is what to do with which.
type aliasOrder struct {
	Verb    string // "list", "forget", "restore"
	Key     string
	Account string // blank: every account of the key
	By      string
}

func newAliasesCommand(s streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "aliases [list | forget KEY [ACCOUNT] | restore KEY [ACCOUNT]]",
		Short: "Domains and names learnt to be an account's; take one back",
		Long: "The domains and company names that handoffd has learnt to be an account's: by the\n" +
			"answer to a review, by the account that a person linked somebody to, or from two\n" +
			"people of the account who have them. Those of which a review said that they are\n" +
			"not an account's are listed too: nobody is asked again. `forget`\n" +
			"takes one back, and it is not learnt again; `restore` lets it count again. KEY is\n" +
			"as in the list.",
		Example: "  handoffd match aliases\n" +
			"  handoffd match aliases forget domain:acme.dev",
		DisableFlagsInUseLine: true,
		Args:                  cobra.MaximumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := readAliasOrder(args)
			if err != nil {
				return err
			}
			q := url.Values{"verb": {o.Verb}, "key": {o.Key}, "account": {o.Account}, "by": {o.By}}
			var a aliases
			err = withState(cmd.Context(), http.MethodPost, "/aliases?"+q.Encode(), &a, func(store *bolt.Store) (any, error) {
				return runAliases(cmd.Context(), store, o, time.Now().UTC())
			})
			if err != nil {
				return err
			}
			if format == "table" {
				fmt.Fprintln(s.out, a.lead())
			}
			return show(s.out, format, a, a.tables())
		},
	}
	formatFlag(cmd, &format)
	return cmd
}

func readAliasOrder(args []string) (aliasOrder, error) {
	o := aliasOrder{Verb: "list", By: operator()}
	if len(args) > 0 {
		o.Verb = args[0]
	}
	if len(args) > 1 {
		o.Key = args[1]
	}
	if len(args) > 2 {
		o.Account = args[2]
	}
	switch {
	case o.Verb == "list" && o.Key == "":
	case o.Verb == "forget" && o.Key != "", o.Verb == "restore" && o.Key != "":
	case o.Verb == "list":
		return o, usageError("match aliases list takes no key")
	case o.Verb == "forget", o.Verb == "restore":
		return o, usageError("match aliases %s: say which, by its key", o.Verb)
	default:
		return o, usageError("match aliases %s: it must be list, forget or restore", o.Verb)
	}
	return o, nil
}

// serveAliases answers `handoffd match aliases` over the control socket.
func (d *daemon) serveAliases(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	o := aliasOrder{Verb: q.Get("verb"), Key: q.Get("key"), Account: q.Get("account"), By: ordererOf(q)}
	answer(w)(runAliases(r.Context(), d.config.Store, o, d.config.Wall().UTC()))
}

// runAliases carries out an order, and answers with what it was about.
func runAliases(ctx context.Context, store state.Store, o aliasOrder, now time.Time) (aliases, error) {
	a := aliases{}
	run := store.View
	if o.Verb != "list" {
		run = store.Update
	}
	err := run(ctx, func(tx state.Tx) error {
		a = aliases{Schema: 1, Items: []aliasItem{}}
		var picked []state.Alias
		for _, alias := range state.AllAliases(tx) {
			if o.Verb == "list" || alias.Key == o.Key && (o.Account == "" || o.Account == alias.Account.String() || o.Account == alias.Account.ID) {
				picked = append(picked, alias)
			}
		}
		if len(picked) == 0 && o.Verb != "list" {
			return &exitError{code: exitWrong, err: fmt.Errorf("nothing was learnt of %s", o.Key), try: "handoffd match aliases"}
		}
		for _, alias := range picked {
			if o.Verb != "list" {
				alias.Forgotten = o.Verb == "forget"
				state.PutAlias(tx, alias)
				state.AppendAudit(tx, state.AuditRow{
					At: now, Actor: o.By, Action: "alias " + o.Verb, Subject: alias.Key, Detail: map[string]string{"account": alias.Account.String()},
				})
			}
			a.Items = append(a.Items, aliasOf(tx, alias))
		}
		a.Did = map[string]string{"forget": "forgotten", "restore": "restored"}[o.Verb]
		return tx.Err()
	})
	if err != nil {
		return a, fmt.Errorf("aliases: %w", err)
	}
	slices.SortStableFunc(a.Items, func(x, y aliasItem) int { return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Account, y.Account)) })
	return a, nil
}

func aliasOf(tx state.Tx, a state.Alias) aliasItem {
	i := aliasItem{Key: a.Key, Conn: a.Conn, Account: a.Account.String(), By: a.By, At: a.At, Counts: a.Counts(), Not: a.Not, Taken: a.Forgotten}
	if r, ok := state.GetRecord(tx, a.Account); ok {
		i.Name = r.Fields["name"]
	}
	for _, ref := range a.From {
		i.From = append(i.From, ref.String())
	}
	return i
}

func (a aliases) lead() string {
	switch {
	case a.Did != "":
		return fmt.Sprintf("%d %s.\n", len(a.Items), a.Did)
	case len(a.Items) == 0:
		return "Nothing was learnt yet.\n"
	}
	return fmt.Sprintf("%d learnt. `handoffd match aliases forget KEY` takes one back.\n", len(a.Items))
}

func (a aliases) tables() []table {
	t := table{head: []string{"key", "account", "name", "by", "learnt", "counts"}}
	for _, i := range a.Items {
		counts := "yes"
		switch {
		case i.Taken:
			counts = "forgotten"
		case i.Not:
			counts = "is not its"
		case !i.Counts:
			counts = "once seen"
		}
		t.add(i.Key, i.Account, i.Name, i.By, i.At.Format(time.DateOnly), counts)
	}
	return []table{t}
}

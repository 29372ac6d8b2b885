package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/sethvargo/go-envconfig"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/plan"
)

// schemas are the fields of some kinds as one connection shows them.
type schemas map[connectors.Kind]connectors.KindSchema

// described is what a connection shows; unknown: the daemon runs without it.
type described struct {
	Unknown bool    `json:"unknown,omitempty"`
	Schemas schemas `json:"schemas"`
	// Users are the people and queues that can own its records.
	Users []connectors.User `json:"users,omitempty"`
}

// errNotDescribed says that a connector cannot tell its fields.
var errNotDescribed = errors.New("the CRM does not tell its fields")

// describe asks the running daemon what a connection shows, as nobody else may
// refresh its credentials: where refresh tokens rotate, using one behind the
// daemon's back would shut it out (C5). Without a daemon the state keeps the
// newest token. A connection that is new in the folder is nobody's yet.
func describe(ctx context.Context, rules *plan.Rules, conn string, kinds []connectors.Kind) (described, error) {
	alone := func(vault *vaults) (described, error) {
		conns, _, err := connect(ctx, envconfig.OsLookuper(), rules, vault, slog.New(slog.DiscardHandler))
		if err != nil {
			return described{}, err
		}
		return showFields(ctx, conns, conn, kinds, rules.Spares())
	}
	q := url.Values{"conn": {conn}}
	for _, kind := range kinds {
		q.Add("kind", string(kind))
	}
	if rules.Spares() {
		q.Set("users", "1")
	}
	var d described
	err := withState(ctx, "GET", "/describe?"+q.Encode(), &d, func(store *bolt.Store) (any, error) {
		return alone(&vaults{store: store})
	})
	if errors.Is(err, errNoState) || err == nil && d.Unknown {
		d, err = alone(nil)
	}
	if err == nil && d.Schemas == nil {
		err = errNotDescribed
	}
	return d, err
}

// showFields asks one of the connections, and who can own records there.
func showFields(ctx context.Context, conns map[string]connectors.Connector, conn string, kinds []connectors.Kind, users bool) (described, error) {
	connector, ok := conns[conn]
	if !ok {
		return described{Unknown: true}, nil
	}
	describer, ok := connector.(connectors.Describer)
	if !ok {
		return described{}, nil
	}
	var d described
	var err error
	d.Schemas, err = describer.Describe(ctx, kinds)
	if err == nil && users {
		d.Users, err = describer.Users(ctx)
	}
	if err != nil {
		return described{}, &exitError{code: exitCRM, err: fmt.Errorf("%s cannot be reached: %w", conn, err), try: "check the connection's address and credentials"}
	}
	return d, nil
}

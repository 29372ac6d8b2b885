package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// vaults keeps what the connections' credentials have become in the state:
// where else would a process that is killed find them again (C5). It is made
// before the state is opened, for a connector is made without any I/O.
type vaults struct {
	store state.Store
}

// of is the vault of one connection; of nil vaults, none.
func (v *vaults) of(conn string) connectors.Vault {
	if v == nil {
		return nil
	}
	return vault{conn: conn, all: v}
}

// vault is one connection's part. It implements connectors.Vault.
type vault struct {
	conn string
	all  *vaults
}

var errStateNotOpen = errors.New("the state is not open yet")

// Load returns the newest token kept for a configured one. A token that the
// operator has replaced is no longer asked for, and not found.
func (v vault) Load(ctx context.Context, configured connectors.Secret) (connectors.Secret, error) {
	if v.all.store == nil {
		return "", fmt.Errorf("load the credentials of %s: %w", v.conn, errStateNotOpen)
	}
	var token connectors.Secret
	err := v.all.store.View(ctx, func(tx state.Tx) error {
		token = ""
		if c, ok := state.GetCredential(tx, v.conn); ok && c.Configured == named(configured) {
			token = c.Token
		}
		return tx.Err()
	})
	if err != nil {
		return "", fmt.Errorf("load the credentials of %s: %w", v.conn, err)
	}
	return token, nil
}

// Keep stores a token, and the one it takes the place of.
func (v vault) Keep(ctx context.Context, configured, token connectors.Secret) error {
	if v.all.store == nil {
		return fmt.Errorf("keep the credentials of %s: %w", v.conn, errStateNotOpen)
	}
	err := v.all.store.Update(ctx, func(tx state.Tx) error {
		next := state.Credential{Conn: v.conn, Configured: named(configured), Token: token, Before: configured, At: time.Now().UTC()}
		if was, ok := state.GetCredential(tx, v.conn); ok && was.Configured == next.Configured {
			if was.Token == token {
				return tx.Err()
			}
			next.Before = was.Token
		}
		state.PutCredential(tx, next)
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("keep the credentials of %s: %w", v.conn, err)
	}
	return nil
}

// named is a configured token by its digest: enough to know it again.
func named(configured connectors.Secret) string {
	return state.Digest("configured", configured.Reveal())
}

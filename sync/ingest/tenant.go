package ingest

import (
	"context"
	"fmt"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

// introduce learns whose records the credentials reach. A connection that
// suddenly reaches another tenant is not read at all: everything we know
// belongs to the first.
func (p *Poller) introduce(ctx context.Context) (state.Conn, bool, error) {
	var conn state.Conn
	err := p.Store.View(ctx, func(tx state.Tx) error {
		conn, _ = state.GetConn(tx, p.Conn)
		return tx.Err()
	})
	if err != nil {
		return conn, false, fmt.Errorf("read the connection: %w", err)
	}
	describer, ok := p.Connector.(connectors.Describer)
	if !ok || (conn.Tenant != "" && !p.usersAt.IsZero()) {
		p.pass()
		return conn, true, nil
	}
	var tenant string
	err = engine.Safely("ask who we are", func() (err error) {
		tenant, err = describer.Tenant(ctx)
		return err
	})
	if err != nil {
		p.failed("ask who we are", err)
		return conn, false, nil
	}
	if conn.Tenant == tenant {
		p.pass()
		return conn, true, nil
	}
	if conn.Tenant != "" {
		p.failed("ask who we are", fmt.Errorf("the credentials reach tenant %s, the state belongs to %s; give this connection another name or a state of its own", tenant, conn.Tenant))
		return conn, false, nil
	}
	conn.Name, conn.Tenant = p.Conn, tenant
	if conn.Live.IsZero() {
		conn.Live = p.Wall().UTC()
	}
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		state.PutConn(tx, conn)
		return tx.Err()
	})
	if err != nil {
		return conn, false, fmt.Errorf("keep the connection: %w", err)
	}
	p.pass()
	return conn, true, nil
}

// pass lets the connection be read and written.
func (p *Poller) pass() {
	if p.Gate.Open() {
		return
	}
	p.Gate.Pass()
	p.Lanes.Ring()
	p.Outbox.Ring()
}

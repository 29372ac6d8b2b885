package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/engine"
)

const (
	usersEvery = 15 * time.Minute
	usersAgain = time.Minute // after a failure
	pruneBatch = 2000
	seenFor    = 8 * 24 * time.Hour // longer than any sender tries again (I1)
)

// users reads who can own records, at start and every quarter of an hour (C14).
func (p *Poller) users(ctx context.Context) (bool, error) {
	describer, ok := p.Connector.(connectors.Describer)
	if age := p.Wall().Sub(p.usersAt); !ok || age >= 0 && age < usersEvery {
		return true, nil
	}
	var users []connectors.User
	err := engine.Safely("read users", func() (err error) {
		users, err = describer.Users(ctx)
		return err
	})
	if err != nil && p.usersAt.IsZero() {
		p.failed("read users", err)
		return false, nil
	}
	if err != nil { // we have them as they were: polling goes on
		p.note("read users", err, usersAgain)
		p.usersAt = p.Wall().Add(usersAgain - usersEvery)
		return true, p.tend(ctx)
	}
	err = p.Store.Update(ctx, func(tx state.Tx) error {
		listed := make(map[string]bool, len(users))
		left := map[string]bool{}
		for _, u := range users {
			was, known := state.GetUser(tx, p.Conn, u.ID)
			left[u.Email] = left[u.Email] || known && was.Active && !u.Active
			state.PutUser(tx, p.Conn, u)
			listed[u.ID] = true
		}
		for _, u := range state.UsersOf(tx, p.Conn) {
			if !listed[u.ID] && u.Active { // gone from the CRM's list: can own nothing any more
				u.Active = false
				left[u.Email] = true
				state.PutUser(tx, p.Conn, u)
			}
		}
		p.lookAgain(tx, left)
		return tx.Err()
	})
	if err != nil {
		return false, fmt.Errorf("keep users: %w", err)
	}
	if err := p.tend(ctx); err != nil {
		return false, err
	}
	for _, u := range users {
		p.Mirror.LearnUser(p.Conn, u)
	}
	p.usersAt = p.Wall()
	return true, nil
}

// tend does what is due now and then, whether or not the users could be read.
func (p *Poller) tend(ctx context.Context) error {
	err := p.Store.Update(ctx, func(tx state.Tx) error {
		p.lookDaily(tx)
		return tx.Err()
	})
	if err != nil {
		return fmt.Errorf("have open handoffs looked at: %w", err)
	}
	p.Lanes.Ring()
	return p.prune(ctx)
}

// prune forgets events that no sender will send again, in small transactions:
// a busy portal sends more in a quarter of an hour than one should hold.
func (p *Poller) prune(ctx context.Context) error {
	for n := pruneBatch; n == pruneBatch; {
		err := p.Store.Update(ctx, func(tx state.Tx) error {
			n = state.PruneSeen(tx, p.Wall().Add(-seenFor), pruneBatch)
			return tx.Err()
		})
		if err != nil {
			return fmt.Errorf("forget old events: %w", err)
		}
	}
	return nil
}

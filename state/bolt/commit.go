package bolt

import (
	"context"
	"errors"
	"fmt"

	"github.com/handoffd/handoffd/state"
)

// Group commit. A commit costs two fdatasyncs whatever it holds, so all calls
// of Update that wait when a commit ends share the next one:
//
//	Update ──calls──> loop: take one, run it; take who else waits, run them; commit; answer all
//
// Nobody waits for company: a lone call commits at once. If a function fails,
// the transaction is rolled back and the group is run again carefully: each
// write is noted with what it replaced, and a function that fails is taken
// back by itself. So a function runs twice at most.

// groupLimit bounds what one commit may hold, and so how long its first
// caller can wait for its last.
const groupLimit = 1024

// call is one Update on its way.
type call struct {
	fn    func(state.Tx) error
	done  chan struct{}
	err   error
	panic any
}

var errGone = errors.New("the function ended its goroutine")

// Update runs fn in a transaction with others that wait, and returns when it
// is on disk. A panic of fn is passed on to the caller.
func (s *Store) Update(ctx context.Context, fn func(state.Tx) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	c := &call{fn: fn, done: make(chan struct{})}
	select {
	case s.calls <- c:
	case <-s.stop:
		return state.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	<-c.done // the loop takes a call only to run it at once
	if c.panic != nil {
		panic(c.panic)
	}
	return c.err
}

func (s *Store) loop() {
	g := &group{s: s}
	ended := false
	defer func() {
		if !ended { // fn called runtime.Goexit, as t.FailNow does: the store outlives it
			g.abandon(errGone)
			s.loops.Go(s.loop)
		}
	}()
	for {
		select {
		case c := <-s.calls:
			g.serve(c)
		case <-s.stop:
			ended = true
			return
		}
	}
}

// group is the calls that share a transaction.
type group struct {
	s     *Store
	calls []*call
	tx    *tx // nil: none open
}

// serve runs a group that begins with first, from begin to answers.
func (g *group) serve(first *call) {
	g.calls = append(g.calls[:0], first)
	if failed := g.s.failed.Load(); failed != nil { // while it waited
		g.answer(failed)
		return
	}
	if err := g.begin(); err != nil {
		g.answer(err)
		return
	}
	switch err := g.gather(); {
	case err == nil:
		g.answer(g.commit())
	case len(g.calls) == 1: // it alone failed: nothing else to save
		g.answer(g.rollback())
	default:
		g.answer(g.again())
	}
}

// gather runs the calls, and those that arrive meanwhile, up to the first that
// fails.
func (g *group) gather() error {
	for i := 0; ; i++ {
		if i == len(g.calls) && !g.more() {
			return nil
		}
		if err := g.run(g.calls[i]); err != nil {
			return err
		}
	}
}

// more lets everybody who waits join, and says whether there was anybody.
func (g *group) more() (joined bool) {
	for len(g.calls) < groupLimit {
		select {
		case c := <-g.s.calls:
			g.calls = append(g.calls, c)
			joined = true
		default:
			return joined
		}
	}
	return joined
}

// again runs the whole group anew, taking back each that fails.
func (g *group) again() error {
	if err := g.rollback(); err != nil {
		return err
	}
	if err := g.begin(); err != nil {
		return err
	}
	g.tx.careful = true
	good := false
	for _, c := range g.calls {
		g.tx.before = g.tx.before[:0]
		if g.run(c) == nil {
			good = true
			continue
		}
		if err := g.tx.takeBack(); err != nil {
			return errors.Join(err, g.rollback())
		}
		g.tx.err = nil
	}
	if !good {
		return g.rollback()
	}
	return g.commit()
}

// run runs one function and keeps how it ended.
func (g *group) run(c *call) (err error) {
	c.panic = nil
	defer func() {
		if r := recover(); r != nil {
			c.panic, err = r, fmt.Errorf("panic: %v", r)
		}
		c.err = err
	}()
	return g.tx.outcome(c.fn(g.tx))
}

func (g *group) begin() error {
	btx, err := g.s.db.Begin(true)
	if err != nil {
		return fmt.Errorf("begin writing: %w", err)
	}
	g.tx = newTx(btx)
	return nil
}

func (g *group) rollback() error {
	t := g.tx
	t.over, g.tx = true, nil
	if err := t.btx.Rollback(); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// commit ends in nil or in a *state.CommitError, after which the store refuses
// everything. bbolt panics if it finds pages damaged while it commits.
func (g *group) commit() (err error) {
	t := g.tx
	if !t.wrote {
		return g.rollback() // nothing to sync
	}
	g.s.relieve()
	t.over, g.tx = true, nil
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			failed := &state.CommitError{Err: err}
			if g.s.failed.Swap(failed) == nil {
				close(g.s.broken)
			}
			err = failed
			_ = t.btx.Rollback() // gives up bbolt's locks where the commit kept them
		}
	}()
	return g.s.commit(t.btx)
}

// answer tells every caller. err is that of the group as a whole.
func (g *group) answer(err error) {
	for _, c := range g.calls {
		if err != nil {
			c.err = err
		}
		close(c.done)
	}
	clear(g.calls)
	g.calls = g.calls[:0]
}

// abandon answers a group whose goroutine is ending.
func (g *group) abandon(err error) {
	if g.tx != nil {
		err = errors.Join(err, g.rollback())
	}
	g.answer(err)
}

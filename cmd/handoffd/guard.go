package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// An edit of the rules that would have decided too much otherwise waits for
// `handoffd approve` (F3): the decisions of the last seven days are
// made again under both. Edits in observe mode never wait: they write nothing.
const (
	guardBack  = 7 * 24 * time.Hour
	guardShare = 0.02
	// guardFew is how many handoffs have to differ at least: of a handful,
	// one is always more than two in a hundred.
	guardFew = 5
)

// effect is what an edit would have changed: handoffs, by id; true: it would be
// another.
type effect map[string]bool

func (e effect) differ() (n int, example string) {
	for _, id := range slices.Sorted(maps.Keys(e)) {
		if e[id] {
			if n++; n == 1 {
				example = id
			}
		}
	}
	return n, example
}

func (e effect) dangerous() bool {
	n, _ := e.differ()
	return n >= guardFew && float64(n) > guardShare*float64(len(e))
}

// held is the error of rules that wait for approval.
type held struct{ effect }

func (h *held) Error() string {
	n, example := h.differ()
	return fmt.Sprintf("%d of the %s of the last 7 days would have come out differently (%.0f %%), such as %s",
		n, several(len(h.effect), "handoff"), 100*float64(n)/float64(len(h.effect)), example)
}

// guard says what other rules would have changed for people, whatever share of
// it is live.
func guard(ctx context.Context, store state.Store, was, is *plan.Rules, now time.Time) (effect, error) {
	e, is := effect{}, is.LiveAs(was)
	version := func(hash string) (state.Record, bool, error) { return store.Version(ctx, hash) }
	for d, err := range store.Past(ctx, now.Add(-guardBack), now) {
		if err != nil {
			return e, fmt.Errorf("read decisions: %w", err)
		}
		before, err := plan.Replay(was, d, version)
		if err != nil && !errors.Is(err, plan.ErrUnseen) {
			return e, err
		}
		after, err := plan.Replay(is, d, version)
		if err != nil && !errors.Is(err, plan.ErrUnseen) {
			return e, err
		}
		for id, another := range plan.Differ(before, after) {
			e[id] = e[id] || another
		}
	}
	return e, nil
}

// waiting are the rules that wait for approval; nil: none.
type waiting struct{ rules atomic.Pointer[plan.Rules] }

// tryReload puts rules in force, unless they have to wait.
func (d *daemon) tryReload(ctx context.Context, r *plan.Rules) error {
	d.waiting.rules.Store(nil)
	running := d.book.Rules()
	if !r.Observing() && r.Digest() != running.Digest() {
		e, err := guard(ctx, d.config.Store, running, r, d.config.Wall().UTC())
		if err != nil {
			return fmt.Errorf("compare with the running rules: %w", err)
		}
		if e.dangerous() {
			d.waiting.rules.Store(r)
			return &held{e}
		}
	}
	return d.reload(ctx, r)
}

// approveRules puts the rules that wait in force; "" if none do.
func (d *daemon) approveRules(ctx context.Context, by string) (string, error) {
	r := d.waiting.rules.Swap(nil)
	if r == nil {
		return "", nil
	}
	err := d.reload(ctx, r)
	if err == nil {
		err = d.config.Store.Update(ctx, func(tx state.Tx) error {
			state.AppendAudit(tx, state.AuditRow{
				At: d.config.Wall().UTC(), Actor: by, Action: "approved", Subject: "rules", Rules: r.Digest(),
			})
			return tx.Err()
		})
	}
	d.reloads.note(d.config.Wall().UTC(), err)
	return "the edited rules are in force", err
}

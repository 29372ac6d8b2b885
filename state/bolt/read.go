package bolt

import (
	"context"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
)

// dated is a decision and its key, which begins with its instant.
type dated struct {
	key string
	d   state.Decision
}

// A source reads up to limit decisions with from <= key < until. next is where
// to go on; "": that was all.
type source func(tx state.Tx, from, until string, limit int) (rows []dated, next string)

// readStep is how many decisions are read in one transaction.
const readStep = 256

// Past yields the decisions made in [from, until), wherever they are kept.
func (s *Store) Past(ctx context.Context, from, until time.Time) iter.Seq2[state.Decision, error] {
	return s.merged(ctx, from, until, func(tx state.Tx, from, until string, limit int) (rows []dated, next string) {
		for key, d := range state.DecisionRows(tx, from, until) {
			if len(rows) == limit {
				return rows, key
			}
			rows = append(rows, dated{key, d})
		}
		return rows, ""
	})
}

// PastOf yields those of one handoff.
func (s *Store) PastOf(ctx context.Context, handoff string, from, until time.Time) iter.Seq2[state.Decision, error] {
	return s.merged(ctx, from, until, func(tx state.Tx, from, until string, limit int) (rows []dated, next string) {
		for key, d := range state.DecisionRowsOf(tx, handoff, from, until) {
			if len(rows) == limit {
				return rows, key
			}
			rows = append(rows, dated{key, d})
		}
		return rows, ""
	})
}

// merged merges what src finds here with what it finds in history. It reads
// here first: a row that is moved meanwhile is then met in both places, and
// yielded once, never in neither.
func (s *Store) merged(ctx context.Context, from, until time.Time, src source) iter.Seq2[state.Decision, error] {
	return func(yield func(state.Decision, error) bool) {
		at, end := state.Key(from), state.Key(until)
		for at < end {
			var here []dated
			var next string
			err := s.View(ctx, func(tx state.Tx) error {
				here, next = src(tx, at, end, readStep)
				return nil
			})
			if err != nil {
				yield(state.Decision{}, err)
				return
			}
			stretch := end
			if next != "" {
				stretch = next
			}
			for old, err := range s.archived(ctx, from, until, at, stretch, src) {
				if err != nil {
					yield(state.Decision{}, err)
					return
				}
				for len(here) > 0 && here[0].key <= old.key {
					if here[0].key < old.key && !yield(here[0].d, nil) {
						return
					}
					here = here[1:]
				}
				if !yield(old.d, nil) {
					return
				}
			}
			for _, row := range here {
				if !yield(row.d, nil) {
					return
				}
			}
			at = stretch
		}
	}
}

// archived yields what src finds in the files of the months from first to
// last, with at <= key < end.
func (s *Store) archived(ctx context.Context, first, last time.Time, at, end string, src source) iter.Seq2[dated, error] {
	return func(yield func(dated, error) bool) {
		months, err := s.past.months()
		if err != nil {
			yield(dated{}, err)
			return
		}
		for _, m := range months {
			if m < first.UTC().Format(month) || m > last.UTC().Format(month) {
				continue
			}
			db, err := s.past.file(m, false)
			if err != nil {
				yield(dated{}, err)
				return
			}
			if db != nil && !inMonth(ctx, db, at, end, src, yield) {
				return
			}
		}
	}
}

func inMonth(ctx context.Context, db *bbolt.DB, at, end string, src source, yield func(dated, error) bool) bool {
	for at != "" {
		var rows []dated
		err := view(db, func(tx state.Tx) error {
			rows, at = src(tx, at, end, readStep)
			return ctx.Err()
		})
		if err != nil {
			yield(dated{}, err)
			return false
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return false
			}
		}
	}
	return true
}

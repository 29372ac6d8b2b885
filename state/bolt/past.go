package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/handoffd/handoffd/state"
)

// past is the files of history beside the state, one a month.
type past struct {
	dir     string
	timeout time.Duration
	moving  sync.Mutex // one Archive at a time
	mu      sync.Mutex
	files   map[string]*bbolt.DB // by month, as far as they were needed
	closed  bool
}

const month = "2006-01"

func (p *past) path(m string) string { return filepath.Join(p.dir, "history-"+m+".db") }

// months lists the months there are files of, the oldest first.
func (p *past) months() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(globSafe(p.dir), "history-[0-9][0-9][0-9][0-9]-[0-9][0-9].db"))
	if err != nil {
		return nil, fmt.Errorf("list history: %w", err)
	}
	var all []string
	for _, path := range paths {
		name := filepath.Base(path)
		all = append(all, name[len("history-"):len(name)-len(".db")])
	}
	slices.Sort(all)
	return all, nil
}

// globSafe writes the characters that filepath.Glob would read as a pattern.
func globSafe(dir string) string {
	var out []rune
	for _, r := range dir {
		switch r {
		case '*', '?', '[':
			out = append(out, '[', r, ']')
		default:
			out = append(out, r)
		}
	}
	return string(out)
}

// file opens the file of a month and keeps it open. With make unset, a month
// without a file is nil.
func (p *past) file(m string, mayCreate bool) (*bbolt.DB, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, state.ErrClosed
	}
	if db, ok := p.files[m]; ok {
		return db, nil
	}
	path := p.path(m)
	exists, err := isThere(path)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", m, err)
	}
	if !exists {
		if !mayCreate {
			return nil, nil
		}
		if err := errors.Join(remove(path+".tmp"), create(path, state.Versions, state.Decided, state.DecidedOf)); err != nil {
			return nil, fmt.Errorf("create history of %s: %w", m, err)
		}
	}
	db, err := openFile(path, p.timeout, false)
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", m, err)
	}
	p.files[m] = db
	return db, nil
}

func (p *past) close() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, db := range p.files {
		err = errors.Join(err, db.Close())
	}
	return err
}

// keep writes moved rows to the file of their month. When it returns they are
// on disk.
func (p *past) keep(m string, rows []state.Row) error {
	db, err := p.file(m, true)
	if err != nil {
		return err
	}
	err = db.Update(func(btx *bbolt.Tx) error {
		for _, r := range rows {
			if err := btx.Bucket([]byte(r.Bucket)).Put(r.Key, r.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	// What bbolt holds in memory is not to be trusted after a failed commit.
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, m)
	return errors.Join(fmt.Errorf("write history of %s: %w", m, err), db.Close())
}

// DropMonths deletes the files of the months that ended before the instant,
// and says how many: the whole of retention. Whoever is reading one of them
// gets an error.
func (s *Store) DropMonths(before time.Time) (dropped int, err error) {
	s.past.moving.Lock()
	defer s.past.moving.Unlock()
	months, err := s.past.months()
	if err != nil {
		return 0, err
	}
	for _, m := range months {
		if m >= before.UTC().Format(month) {
			break
		}
		if err := s.past.drop(m); err != nil {
			return dropped, fmt.Errorf("drop history of %s: %w", m, err)
		}
		dropped++
	}
	return dropped, nil
}

func (p *past) drop(m string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if db, ok := p.files[m]; ok {
		delete(p.files, m)
		if err := db.Close(); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(p.path(m)), syncDir(p.dir))
}

// archiveStep is how many decisions are moved, or versions looked at, in one
// transaction.
const archiveStep = 256

// Archive moves decisions made before the instant, with their index and the
// versions they saw, into the files of their months: there first, then gone
// from here, so that a stop in between leaves them in both places and moving
// again settles it.
func (s *Store) Archive(ctx context.Context, before time.Time) (moved int, err error) {
	s.past.moving.Lock()
	defer s.past.moving.Unlock()
	for {
		var step []state.Moving
		err := s.View(ctx, func(tx state.Tx) error {
			step = state.OldDecisions(tx, before, archiveStep)
			return nil
		})
		if err != nil {
			return moved, fmt.Errorf("archive: %w", err)
		}
		if len(step) == 0 {
			return moved, errors.Join(s.sweep(ctx, before), s.renew(ctx))
		}
		if err := s.moveOut(ctx, step); err != nil {
			return moved, fmt.Errorf("archive: %w", err)
		}
		moved += len(step)
	}
}

func (s *Store) moveOut(ctx context.Context, step []state.Moving) error {
	for rest := step; len(rest) > 0; {
		m := rest[0].At.Format(month)
		var rows []state.Row
		for len(rest) > 0 && rest[0].At.Format(month) == m {
			rows, rest = append(rows, rest[0].Rows...), rest[1:]
		}
		if err := s.past.keep(m, rows); err != nil {
			return err
		}
	}
	return s.Update(ctx, func(tx state.Tx) error {
		state.Forget(tx, step)
		return nil
	})
}

// sweep drops the versions that only moved decisions named.
func (s *Store) sweep(ctx context.Context, before time.Time) error {
	for from, more := "", true; more; more = from != "" {
		at := from
		err := s.Update(ctx, func(tx state.Tx) error {
			from = state.SweepVersions(tx, before, at, archiveStep)
			return nil
		})
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
	}
	return nil
}

// Version finds a record by its hash, here or in history, the latest month
// first.
func (s *Store) Version(ctx context.Context, hash string) (r state.Record, ok bool, err error) {
	look := func(tx state.Tx) error { //nolint:unparam // the shape of a transaction's function
		r, ok = state.GetVersion(tx, hash)
		return nil
	}
	if err := s.View(ctx, look); err != nil || ok {
		return r, ok, err
	}
	months, err := s.past.months()
	if err != nil {
		return r, false, err
	}
	for _, m := range slices.Backward(months) {
		db, err := s.past.file(m, false)
		if err != nil {
			return r, false, err
		}
		if db == nil {
			continue
		}
		if err := view(db, look); err != nil || ok {
			return r, ok, err
		}
	}
	return r, false, nil
}

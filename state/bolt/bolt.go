// Package bolt keeps handoffd's state in one bbolt file beside the process. It
// is the default store and the only importer of bbolt.
//
//	handoffd.db
//	├── meta        "schema" → version · "audit_head" → hash · conn,name → Conn · lease,name → holder and epoch · "pause" → Pause · "reconcile",conn → Reconcile · "generation" → number · "credential",conn → Credential · "trial",lane → Trial · "doubt",conn,key → Doubt · "approved",id → Approval · "moved",instant,write key → nothing · "let_go" → instant
//	├── cursor      connection, kind → Cursor
//	├── inbox       connection, rank, sequence → Change
//	├── seen        instant, event hash → nothing
//	├── trigger     type, record → Trigger
//	├── handoff     id → Handoff
//	├── byrecord    record, handoff id → nothing            index of handoff
//	├── load        owner, handoff id → nothing             index of handoff, while unaccepted
//	├── timer       "d", due, id → Timer · "i", id → the key of its "d" row
//	├── outbox      write key → Intent
//	├── due         destination, rank, due, write key → nothing   index of outbox
//	├── pool        team → Pool
//	├── audit       sequence → AuditRow, hash-chained
//	├── rules       digest → RuleSet
//	├── identity    record → Same
//	├── before      record → Before
//	├── listing     list, subject → Listing
//	├── record      record → Record                         cache
//	├── echo        record → the stamp of our own last write   cache
//	├── user        connection, id → User                   cache
//	├── version     record hash → day last used, packed Record    history
//	├── decision    instant, id → packed Decision           history
//	└── decidedof   "handoff", id | "record", record, then decision key → nothing   index of decision
//	history-2026-11.db
//	├── version, decision, decidedof      the rows of that month, byte for byte
//	handoffd.db.pid      locked by the process that has the state open; names it
//	handoffd.db.marker   says that there was a state here: if it stands alone, something is lost
//	handoffd.db.generation   how many lives the state has had; a file behind it is an older copy
//	handoffd.db.ballast  space to give back when the disk runs full
//	handoffd.db.tmp      a first file that was never finished; deleted
//	handoffd.db.pre-v2   the state as it was before it was migrated to schema 2
//
// Parts of a key are joined by state.Key, every value has state's envelope.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/handoffd/handoffd/state"
)

// Options say how a state is opened. The zero value is what a daemon wants,
// but for Check.
type Options struct {
	// Timeout is how long to wait for another process to let go; 0: 1 s.
	Timeout time.Duration
	// MinFree is the free space, in bytes, below which Room refuses; 0: 64 MiB.
	MinFree uint64
	// Ballast is how much space, in bytes, is set aside beside the state, to be
	// given back when the disk runs full; 0: none.
	Ballast uint64
	// Check, where set, is asked about an existing file before it is opened.
	// The daemon runs the function Check of this package in a child process,
	// for a damaged file may kill the process that maps it.
	Check func(path string) error
}

// Store is a state.Store on one bbolt file.
type Store struct {
	path    string
	minFree uint64
	db      *bbolt.DB
	lock    *os.File
	commit  func(*bbolt.Tx) error // (*bbolt.Tx).Commit; tests put faults here

	calls  chan *call
	stop   chan struct{}
	loops  sync.WaitGroup
	closed sync.Once
	failed atomic.Pointer[state.CommitError]
	broken chan struct{} // closed once a commit has failed

	past     *past
	ballast  ballast
	restored bool
}

var _ state.Store = (*Store)(nil)

// Open opens the state at path, and makes it if there never was one. It
// refuses with state.ErrHeld while another process has it open, state.ErrNewer
// if a newer version wrote it, and state.ErrCorrupt if it is damaged or gone.
func Open(path string, opt Options) (_ *Store, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if opt.Timeout == 0 {
		opt.Timeout = time.Second
	}
	if opt.MinFree == 0 {
		opt.MinFree = 64 << 20
	}
	if err := refuseRemote(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	lock, err := takeLock(path+".pid", opt.Timeout)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			releaseLock(lock)
		}
	}()
	spare := ballast{path: path + ".ballast", size: opt.Ballast}
	if err := errors.Join(sweep(path), spare.open()); err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	if err := prepare(path, opt.Check); err != nil {
		return nil, err
	}
	db, err := openFile(path, opt.Timeout, true)
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	if err := migrate(db, path, migrations()); err != nil {
		return nil, errors.Join(fmt.Errorf("open state %s: %w", path, err), db.Close())
	}
	s := &Store{
		path: path, minFree: opt.MinFree, db: db, lock: lock, commit: (*bbolt.Tx).Commit,
		calls: make(chan *call), stop: make(chan struct{}), broken: make(chan struct{}),
		past:    &past{dir: filepath.Dir(path), timeout: opt.Timeout, files: map[string]*bbolt.DB{}},
		ballast: ballast{path: spare.path, size: spare.size, here: spare.here},
	}
	if s.restored, err = s.begin(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.loops.Go(s.loop)
	return s, nil
}

// openFile opens a file that exists. bbolt panics on some kinds of damage.
//
// A busy file does not keep its list of free pages: once a backlog of a
// million has drained it would be 1.3 MB, written with every commit. It is
// found again at opening, in some 0.5 ms per MiB.
func openFile(path string, timeout time.Duration, busy bool) (db *bbolt.DB, err error) {
	if err := quickCheck(path); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, damaged(path, fmt.Errorf("%v", r))
		}
	}()
	opt := &bbolt.Options{
		Timeout:        timeout,
		FreelistType:   bbolt.FreelistMapType,
		NoFreelistSync: busy,
		NoStatistics:   true,
	}
	if busy {
		opt.InitialMmapSize = initialMmap()
	}
	db, err = bbolt.Open(path, 0o600, opt)
	return db, openError(path, err)
}

// initialMmap is address space reserved from the start: while the file is
// smaller, it can grow without waiting for those who read. bbolt then grows
// the file, sparsely, by 16 MiB at a time. On Windows it would make the file
// that large at once.
func initialMmap() int {
	if runtime.GOOS == "windows" || bits.UintSize < 64 {
		return 0
	}
	return 1 << 30
}

// usable is why the store cannot be used, if so.
func (s *Store) usable(ctx context.Context) error {
	if failed := s.failed.Load(); failed != nil {
		return failed
	}
	select {
	case <-s.stop:
		return state.ErrClosed
	default:
	}
	return ctx.Err()
}

// Failure waits until a commit has failed, and returns that; nil once ctx ends
// or the store is closed. Whoever waits can stop the process at once, not when
// the next transaction is refused.
func (s *Store) Failure(ctx context.Context) error {
	select {
	case <-s.broken:
		return s.failed.Load()
	case <-s.stop:
	case <-ctx.Done():
	}
	return nil
}

// View runs fn on a consistent snapshot.
func (s *Store) View(ctx context.Context, fn func(state.Tx) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	err := view(s.db, fn)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return state.ErrClosed
	}
	return err
}

func view(db *bbolt.DB, fn func(state.Tx) error) error {
	btx, err := db.Begin(false)
	if err != nil {
		return fmt.Errorf("begin reading: %w", err)
	}
	t := newTx(btx)
	defer func() {
		t.over = true
		_ = btx.Rollback() // fails only on a transaction that is over
	}()
	return t.outcome(fn(t))
}

// Lease always grants: the file's lock has seen to it that this is the only
// process. See state.TakeLease for the epoch.
func (s *Store) Lease(ctx context.Context, name, holder string, _ time.Duration) (epoch uint64, err error) {
	err = s.Update(ctx, func(tx state.Tx) error {
		epoch = state.TakeLease(tx, name, holder)
		return nil
	})
	return epoch, err
}

// Room is nil while there is space to take more in, and state.ErrFull once
// less than Options.MinFree is left: what is left then is for finishing what
// was taken in. It costs one system call.
func (s *Store) Room() error {
	free, err := freeSpace(filepath.Dir(s.path))
	if err != nil {
		return fmt.Errorf("free space of %s: %w", filepath.Dir(s.path), err)
	}
	s.ballast.release(free)
	if free < s.minFree {
		return fmt.Errorf("%w: %d MiB free beside %s, intake stops below %d", state.ErrFull, free>>20, s.path, s.minFree>>20)
	}
	return s.ballast.take(free, s.minFree)
}

// Close ends what is under way and lets go of the file. Calls that have not
// begun are refused with state.ErrClosed.
func (s *Store) Close() (err error) {
	s.closed.Do(func() {
		close(s.stop)
		s.loops.Wait()
		err = errors.Join(s.past.close(), s.db.Close())
		releaseLock(s.lock)
		if err != nil {
			err = fmt.Errorf("close state: %w", err)
		}
	})
	return err
}

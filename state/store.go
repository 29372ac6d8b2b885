// Package state holds the nouns handoffd remembers, how they are encoded, and
// the contract of the store that keeps them. It does no I/O: a store is an
// ordered map of buckets with transactions (package bolt is the default), and
// everything typed is built on that here, once, for every store.
//
// Buckets are of three sorts. Truth is migrated and backed up. Cache may be
// dropped and is refilled from the CRMs. History is content-addressed, written
// once, and moved into one file per month.
package state

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Bucket is one ordered map of the store.
type Bucket string

// The buckets. Keys are built by the tables in tables.go and named there.
const (
	Meta     Bucket = "meta"     // truth: schema version, epoch, per connection what we learnt at first start
	Cursors  Bucket = "cursor"   // truth: connection, kind -> how far it was read
	Inbox    Bucket = "inbox"    // truth: connection, rank, sequence -> change not yet decided
	Seen     Bucket = "seen"     // truth: time, event -> taken already
	Triggers Bucket = "trigger"  // truth: type, record -> last trigger version
	Handoffs Bucket = "handoff"  // truth: id -> handoff
	ByRecord Bucket = "byrecord" // truth: record, handoff id -> nothing
	Load     Bucket = "load"     // truth: person, handoff id -> nothing, while unaccepted
	Timers   Bucket = "timer"    // truth: due, id -> timer; and id -> due
	Outbox   Bucket = "outbox"   // truth: key -> intent
	Due      Bucket = "due"      // truth: destination, rank, due, key -> nothing
	Pools    Bucket = "pool"     // truth: team -> rotation
	Audit    Bucket = "audit"    // truth: sequence -> what happened, hash-chained
	RuleSets Bucket = "rules"    // truth: digest -> the admin's texts
	Identity Bucket = "identity" // truth: record -> the same record elsewhere
	Befores  Bucket = "before"   // truth: record -> what its fields held before us
	Listings Bucket = "listing"  // truth: list, subject -> why it is there
	Records  Bucket = "record"   // cache: record -> mapped record as last read
	Echoes   Bucket = "echo"     // cache: record -> the CRM's stamp on our own last write
	Users    Bucket = "user"     // cache: connection, id -> user
	Notes    Bucket = "note"     // cache: slot of a hash -> who carries a note of those words
	Versions Bucket = "version"  // history: hash -> mapped record
	Decided  Bucket = "decision" // history: time, id -> decision
	// history: "handoff", id or "record", record; then the key of a decision -> nothing
	DecidedOf Bucket = "decidedof"
)

// Buckets lists every bucket, for stores that have to create them.
var Buckets = []Bucket{
	Meta, Cursors, Inbox, Seen, Triggers, Handoffs, ByRecord, Load, Timers, Outbox, Due,
	Pools, Audit, RuleSets, Identity, Befores, Listings, Records, Echoes, Users, Notes, Versions, Decided, DecidedOf,
}

// Tx is one transaction. The first failure sticks: reads after it find
// nothing, writes do nothing, and the transaction ends in that failure, so
// code between needs no error path of its own.
type Tx interface {
	// Get returns the value, or nil. It is valid until the transaction ends.
	Get(b Bucket, key []byte) []byte
	// Put and Delete fail in a read-only transaction. The value is kept as it
	// is given: it must not be changed afterwards.
	Put(b Bucket, key, value []byte)
	Delete(b Bucket, key []byte)
	// Scan walks keys with from <= key < to in order (nil: no bound). Keys and
	// values are valid until the transaction ends. The bucket may be written to
	// while it is walked: the walk goes on at the next key there then is.
	Scan(b Bucket, from, to []byte) iter.Seq2[[]byte, []byte]
	// NextSequence is a number never given before for the bucket.
	NextSequence(b Bucket) uint64
	// Fail records a failure, Err returns the first.
	Fail(err error)
	Err() error
}

// Store is an ordered map of buckets with serializable transactions.
type Store interface {
	// Update runs fn in a transaction that may write. fn has no effects: a
	// store may run it again, and may commit it together with others; one that
	// fails leaves nothing behind. Neither Update nor View may be called inside
	// fn. Once fn has begun its outcome is waited for even if ctx ends. An
	// error of the commit itself is *CommitError: the outcome is unknown, the
	// store refuses everything from then on and the process must stop.
	Update(ctx context.Context, fn func(Tx) error) error
	// View runs fn on a consistent snapshot. It should last well under a
	// second, for pages cannot be used again while a snapshot holds them, and
	// not wait for an Update, which may itself have to wait for the snapshots.
	View(ctx context.Context, fn func(Tx) error) error
	// Archive moves history rows made before the instant into the file of
	// their month. Moving is keyed: repeating it changes nothing.
	Archive(ctx context.Context, before time.Time) (moved int, err error)
	// Past yields the decisions made in [from, until) in order, wherever they
	// are kept, and stops at the first error. PastOf yields those of one
	// handoff. Version finds a record by its hash likewise. No transaction is
	// open while a decision is yielded.
	Past(ctx context.Context, from, until time.Time) iter.Seq2[Decision, error]
	PastOf(ctx context.Context, handoff string, from, until time.Time) iter.Seq2[Decision, error]
	Version(ctx context.Context, hash string) (Record, bool, error)
	// Lease takes or renews a named lease and returns its fencing epoch, 1 at
	// first, which grows with every change of holder. With one process it is
	// always granted; a holder that names the start of the process makes the
	// epoch count starts.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (epoch uint64, err error)
	// Backup writes a consistent copy that Open understands.
	Backup(ctx context.Context, w io.Writer) error
	Close() error
}

// CommitError is a commit whose outcome is unknown: it may have been kept.
type CommitError struct{ Err error }

func (e *CommitError) Error() string { return "commit, outcome unknown: " + e.Err.Error() }
func (e *CommitError) Unwrap() error { return e.Err }

// The ways a state can refuse to open.
var (
	ErrHeld    = errors.New("state is held by another process")     // exit 75
	ErrNewer   = errors.New("state was written by a newer version") // exit 78
	ErrCorrupt = errors.New("state is damaged")                     // exit 74
	ErrFull    = errors.New("too little free space to take more in")
	ErrClosed  = errors.New("state is closed")
)

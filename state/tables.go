package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// The typed tables. Those with an index beside them are written through the
// functions below only.
var (
	conns    = Table[Conn]{Bucket: Meta}
	words    = Table[string]{Bucket: Meta}
	schemas  = Table[int]{Bucket: Meta}
	leases   = Table[lease]{Bucket: Meta}
	pauses   = Table[Pause]{Bucket: Meta}
	cursors  = Table[Cursor]{Bucket: Cursors}
	inbox    = Table[Change]{Bucket: Inbox, Subject: func(c Change) string { return c.Ref.String() }}
	triggers = Table[Trigger]{Bucket: Triggers, Subject: func(t Trigger) string { return t.Record.String() }}
	handoffs = Table[Handoff]{Bucket: Handoffs, Subject: func(h Handoff) string { return h.Record.String() }}
	timers   = Table[Timer]{Bucket: Timers}
	timerIDs = Table[[]byte]{Bucket: Timers}
	outbox   = Table[Intent]{Bucket: Outbox, Subject: func(i Intent) string { return i.Write.Ref.String() }}
	pools    = Table[Pool]{Bucket: Pools}
	audit    = Table[AuditRow]{Bucket: Audit}
	ruleSets = Table[RuleSet]{Bucket: RuleSets}
	same     = Table[Same]{Bucket: Identity, Subject: func(s Same) string { return s.Refs[0].String() }}
	listings = Table[Listing]{Bucket: Listings, Subject: func(l Listing) string { return l.Subject }}
	records  = Table[Record]{Bucket: Records, Subject: func(r Record) string { return r.Ref.String() }}
	echoes   = Table[Echo]{Bucket: Echoes}
	users    = Table[connectors.User]{Bucket: Users}
)

// GetConn returns what is known of a connection. Key: "conn", name.
func GetConn(tx Tx, name string) (Conn, bool) { return conns.Get(tx, Key("conn", name)) }

// AllConns yields every connection the state knows.
func AllConns(tx Tx) iter.Seq2[string, Conn] { return conns.All(tx, Key("conn")) }

// PutConn stores it.
func PutConn(tx Tx, c Conn) { conns.Put(tx, Key("conn", c.Name), c) }

// GetPause returns whether writing to the CRMs is stopped, and since when.
func GetPause(tx Tx) Pause {
	p, _ := pauses.Get(tx, "pause")
	return p
}

// PutPause stops writing or lets it go on.
func PutPause(tx Tx, p Pause) { pauses.Put(tx, "pause", p) }

// GetCursor returns how far a kind was read. Key: connection, kind.
func GetCursor(tx Tx, conn string, kind connectors.Kind) (Cursor, bool) {
	return cursors.Get(tx, Key(conn, string(kind)))
}

// CursorsOf yields the cursors of a connection.
func CursorsOf(tx Tx, conn string) iter.Seq2[string, Cursor] { return cursors.All(tx, Key(conn)) }

// PutCursor stores it.
func PutCursor(tx Tx, conn string, kind connectors.Kind, c Cursor) {
	cursors.Put(tx, Key(conn, string(kind)), c)
}

// putNew refuses to write over another row: a sequence that has run back is
// damage, and must not cost what was taken in.
func putNew[V any](tx Tx, t Table[V], key string, v V) {
	if unused(tx, t.Bucket, []byte(key)) {
		t.Put(tx, key, v)
	}
}

func unused(tx Tx, b Bucket, key []byte) bool {
	if tx.Get(b, key) != nil {
		tx.Fail(fmt.Errorf("%w: the sequence of %s has run back", ErrCorrupt, b))
		return false
	}
	return true
}

// WasSeen reports whether an event was taken in, as long as it is remembered.
func WasSeen(tx Tx, c connectors.Change) bool {
	return tx.Get(Seen, []byte(seenKey(c.At, c.EventID))) != nil
}

func seenKey(at time.Time, event string) string {
	sum := sha256.Sum256([]byte(event))
	return Key(at) + string(sum[:12])
}

// PruneSeen forgets events that happened before the instant, at most limit of
// them, and says how many.
func PruneSeen(tx Tx, before time.Time, limit int) int {
	n := 0
	for k := range tx.Scan(Seen, nil, []byte(Key(before))) {
		if n == limit {
			break
		}
		tx.Delete(Seen, k)
		n++
	}
	return n
}

// InboxRows yields what waits for a connection, the most urgent first, then
// the oldest.
func InboxRows(tx Tx, conn string) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for k, c := range inbox.All(tx, Key(conn)) {
			c.Key = k
			if !yield(c) {
				return
			}
		}
	}
}

// DropInbox removes a row by its key.
func DropInbox(tx Tx, key string) { inbox.Delete(tx, key) }

// GetTrigger returns the last signal of a type for a record. Key: type, record.
func GetTrigger(tx Tx, typ string, ref connectors.Ref) (Trigger, bool) {
	return triggers.Get(tx, Key(typ, ref))
}

// GetHandoff returns a handoff by id.
func GetHandoff(tx Tx, id string) (Handoff, bool) { return handoffs.Get(tx, id) }

// AllHandoffs yields every handoff in the order of ids.
func AllHandoffs(tx Tx) iter.Seq2[string, Handoff] { return handoffs.All(tx, "") }

// HandoffsOf yields the handoffs that a record started or carries, by id.
func HandoffsOf(tx Tx, ref connectors.Ref) iter.Seq[Handoff] {
	return func(yield func(Handoff) bool) {
		for id := range Prefix(tx, ByRecord, Key(ref)) {
			h, ok := GetHandoff(tx, id)
			if ok && !yield(h) {
				return
			}
		}
	}
}

// The byrecord bucket also holds account, handoff id under byAccount, and the
// keys of the tasks we make under byTask. No reference begins with that byte.
const (
	byAccount = "\x02account\x00"
	byTask    = "\x02task\x00"
)

// HandoffsAt yields the handoffs of an account that are about something else
// than the account itself, by id: those that are open, and those that are done
// and told of.
func HandoffsAt(tx Tx, account connectors.Ref) iter.Seq[Handoff] {
	return func(yield func(Handoff) bool) {
		for id := range Prefix(tx, ByRecord, byAccount+Key(account)) {
			h, ok := GetHandoff(tx, id)
			if ok && !yield(h) {
				return
			}
		}
	}
}

// HandoffOfTask returns the handoff for which a task was made with this key.
func HandoffOfTask(tx Tx, key string) (Handoff, bool) {
	for id := range Prefix(tx, ByRecord, byTask+Key(key)) {
		return GetHandoff(tx, id)
	}
	return Handoff{}, false
}

// Observing is under whose name [Unaccepted] counts what a person was only
// observed to be given.
func Observing(person string) string { return "observed " + person }

// Unaccepted counts the handoffs a person owns and has not accepted; not those
// that are only observed.
func Unaccepted(tx Tx, person string) int {
	n := 0
	for range Prefix(tx, Load, Key(person)) {
		n++
	}
	return n
}

// PutHandoff stores a handoff and keeps its indexes right. Keys: byrecord:
// record or target, id; account, id while it is open or watched; task's key, id; load:
// owner, id.
func PutHandoff(tx Tx, h Handoff) {
	if old, ok := GetHandoff(tx, h.ID); ok {
		index(old, func(b Bucket, k string) { tx.Delete(b, []byte(k)) })
	}
	handoffs.Put(tx, h.ID, h)
	index(h, func(b Bucket, k string) { mark(tx, b, k, h.Record.String()) })
}

func index(h Handoff, do func(Bucket, string)) {
	do(ByRecord, Key(h.Record)+h.ID)
	if h.Target.ID != "" && h.Target != h.Record {
		do(ByRecord, Key(h.Target)+h.ID)
	}
	if !h.Account.IsZero() && h.Account != h.Record && h.Account != h.Target && (h.Stage.Open() || h.Back != nil && h.Stage == Completed) {
		do(ByRecord, byAccount+Key(h.Account)+h.ID)
	}
	for _, e := range h.Effects {
		if e.Task {
			do(ByRecord, byTask+Key(e.Key)+h.ID)
		}
	}
	if h.Stage == Assigned && h.Owner != "" {
		who := h.Owner
		if h.Observed {
			who = Observing(who)
		}
		do(Load, Key(who)+h.ID)
	}
}

// GetPool returns the rotation of a team.
func GetPool(tx Tx, team string) (Pool, bool) { return pools.Get(tx, team) }

// GetSame returns who a record is elsewhere. Key: record.
func GetSame(tx Tx, ref connectors.Ref) (Same, bool) { return same.Get(tx, Key(ref)) }

// GetRecord returns a record as last read. Key: record.
func GetRecord(tx Tx, ref connectors.Ref) (Record, bool) { return records.Get(tx, Key(ref)) }

// PutRecord caches a record.
func PutRecord(tx Tx, r Record) { records.Put(tx, Key(r.Ref), r) }

// RecordsOf yields the cached records of a connection.
func RecordsOf(tx Tx, conn string) iter.Seq2[string, Record] {
	return records.All(tx, Key(conn))
}

// GetEcho returns what our own last writes left on a record. Key: record.
func GetEcho(tx Tx, ref connectors.Ref) (Echo, bool) { return echoes.Get(tx, Key(ref)) }

// PutEcho stores it.
func PutEcho(tx Tx, ref connectors.Ref, e Echo) { echoes.Put(tx, Key(ref), e) }

// GetUser returns a user by id. Key: connection, id.
func GetUser(tx Tx, conn, id string) (connectors.User, bool) { return users.Get(tx, Key(conn, id)) }

// PutUser caches a user.
func PutUser(tx Tx, conn string, u connectors.User) { users.Put(tx, Key(conn, u.ID), u) }

// UsersOf yields the users of a connection.
func UsersOf(tx Tx, conn string) iter.Seq2[string, connectors.User] {
	return users.All(tx, Key(conn))
}

// GetRuleSet returns the admin's texts by digest; PutRuleSet stores them.
func GetRuleSet(tx Tx, digest string) (RuleSet, bool) { return ruleSets.Get(tx, digest) }

// PutRuleSet stores the admin's texts.
func PutRuleSet(tx Tx, r RuleSet) { ruleSets.Put(tx, r.Digest, r) }

// AllListings yields what an admin should see, list by list.
func AllListings(tx Tx) iter.Seq2[string, Listing] { return listings.All(tx, "") }

// AddListing counts one more occurrence of a listing, or l.Count of them.
func AddListing(tx Tx, l Listing) {
	l.Count = max(l.Count, 1)
	key := Key(l.List, l.Subject)
	if old, ok := listings.Get(tx, key); ok {
		l.First, l.Count = old.First, old.Count+l.Count
	}
	listings.Put(tx, key, l)
}

// AllAudit yields the audit trail from a sequence on.
func AllAudit(tx Tx, from uint64) iter.Seq2[string, AuditRow] { return audit.Range(tx, Key(from), "") }

const auditHead = "audit_head"

// AppendAudit adds a row to the trail. Its hash covers the row and the hash of
// the row before, so a row changed, removed or moved later is noticed.
func AppendAudit(tx Tx, row AuditRow) {
	row.Seq = tx.NextSequence(Audit)
	row.Prev, _ = words.Get(tx, auditHead)
	hash, err := auditHash(row)
	if err != nil {
		tx.Fail(fmt.Errorf("audit %s: %w", row.Action, err))
		return
	}
	row.Hash = hash
	putNew(tx, audit, Key(row.Seq), row)
	words.Put(tx, auditHead, hash)
}

func auditHash(row AuditRow) (string, error) {
	row.Hash, row.At = "", row.At.UTC().Round(0)
	raw, err := json.Marshal(row)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// Apply remembers what one deciding wants remembered.
func Apply(tx Tx, c Changes) {
	for _, r := range c.Records {
		PutRecord(tx, r)
	}
	for _, t := range c.Triggers {
		triggers.Put(tx, Key(t.Type, t.Record), t)
	}
	for _, h := range c.Handoffs {
		PutHandoff(tx, h)
	}
	for _, id := range c.Cancel {
		CancelTimer(tx, id)
	}
	for _, t := range c.Timers {
		SetTimer(tx, t)
	}
	for _, key := range c.Withdraw {
		DropIntent(tx, key)
	}
	for _, i := range c.Intents {
		PutIntent(tx, i)
	}
	for _, p := range c.Pools {
		pools.Put(tx, p.Team, p)
	}
	for _, g := range c.Gone {
		if u, ok := GetUser(tx, g.Conn, g.ID); ok {
			u.Active = false
			PutUser(tx, g.Conn, u)
		}
	}
	for _, s := range c.Same {
		for _, ref := range s.Refs {
			same.Put(tx, Key(ref), s)
		}
	}
	for _, l := range c.Listings {
		AddListing(tx, l)
	}
	for _, conn := range c.Conns {
		PutConn(tx, conn)
	}
	for _, t := range c.Budgets {
		PutBudget(tx, t)
	}
	for _, r := range c.Reconcile {
		PutReconcile(tx, r)
	}
	for _, t := range c.Told {
		PutTold(tx, t)
	}
	for _, p := range c.Paces {
		PutPace(tx, p)
	}
	for _, b := range c.Befores {
		PutBefore(tx, b)
	}
	for _, n := range c.Notes {
		PutNote(tx, n)
	}
	for _, a := range c.Aliases {
		PutAlias(tx, a)
	}
	for _, l := range c.Looks {
		AppendInbox(tx, l)
	}
	for _, row := range c.Audit {
		AppendAudit(tx, row)
	}
}

const schemaKey = "schema"

// GetSchema returns the version of the layout that the truth is in.
func GetSchema(tx Tx) (int, bool) { return schemas.Get(tx, schemaKey) }

// PutSchema stores it, after a migration.
func PutSchema(tx Tx, version int) { schemas.Put(tx, schemaKey, version) }

type lease struct {
	Holder string `json:"holder"`
	Epoch  uint64 `json:"epoch"`
}

// TakeLease gives a lease to a holder and returns its epoch: one more than
// before if the holder is another.
func TakeLease(tx Tx, name, holder string) uint64 {
	key := Key("lease", name)
	l, ok := leases.Get(tx, key)
	if !ok || l.Holder != holder {
		l = lease{Holder: holder, Epoch: l.Epoch + 1}
		leases.Put(tx, key, l)
	}
	return l.Epoch
}

// Package connectors is the contract between handoffd and a CRM: what can be
// read, what can be written and how each can fail. It names no CRM. An
// adapter lives in a folder of its own beside this file and is the only place
// that knows a URL, a property name or a status code of its CRM.
//
// Batch is the only shape: one record is a batch of one. Errors are per item;
// an error of the whole call means that nothing was attempted. Adapters answer
// with a classed [Error] and never wait on their own for longer than the
// seconds a replay-safe request may take; minutes and days are the outbox's.
package connectors

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Kind is a CRM's own name for a sort of object: "contacts", "Lead".
type Kind string

// Task is the kind every adapter understands as "an item on a person's to-do
// list". Its fields are the Task* words below; the adapter knows what the CRM
// calls them.
const Task Kind = "task"

// The words of a [Task]. Times are RFC 3339.
const (
	TaskSubject  = "subject"
	TaskBody     = "body"
	TaskDue      = "due"       // the instant
	TaskZone     = "due_zone"  // IANA zone of the owner, for CRMs whose due date has no time
	TaskOwner    = "owner"     // the CRM's user id
	TaskPriority = "priority"  // "high", "medium" or "low"
	TaskStatus   = "status"    // "open" or "done"
	TaskType     = "task_type" // "call", "email" or "todo"
)

// OwnFieldPrefix marks a field as handoffd's own ("handoff_status",
// "handoff_why"; mappings/README.md lists them). Such a name may stand in [Write.Set]
// and in a field list in place of the CRM's name; the adapter translates.
const OwnFieldPrefix = "handoff_"

// Ref names one object of one connection.
type Ref struct {
	Conn string `json:"conn"` // the admin's name for the connection: "hubspot-eu"
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// String is the form people type and logs show: conn/kind/id.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	return r.Conn + "/" + string(r.Kind) + "/" + r.ID
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// ParseRef reads the form that String writes.
func ParseRef(s string) (Ref, error) {
	parts := strings.SplitN(s, "/", 3)
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Ref{}, fmt.Errorf("%q is not a record; write connection/kind/id, as in hubspot/contacts/51", s)
	}
	return Ref{Conn: parts[0], Kind: Kind(parts[1]), ID: parts[2]}, nil
}

// Object is a CRM's raw form of one record.
type Object struct {
	Ref Ref `json:"ref"`
	// Version changes whenever the object does. Opaque, but versions of one
	// object sort as text in the order they were made.
	Version    string    `json:"version"`
	CreatedAt  time.Time `json:"created_at,omitzero"`
	ModifiedAt time.Time `json:"modified_at,omitzero"`
	ModifiedBy string    `json:"modified_by,omitempty"` // the CRM's user id; "" where the CRM does not say
	Deleted    bool      `json:"deleted,omitempty"`
	// MovedTo is where the record lives on after a merge or a conversion.
	MovedTo Ref `json:"moved_to,omitzero"`
	// Absorbed are the records that were merged into this one and lived under
	// other ids, where the CRM says so.
	Absorbed []Ref `json:"absorbed,omitempty"`
	// Fields holds string, bool or float64 by the CRM's own field name. A
	// blank field is absent.
	Fields map[string]any `json:"fields,omitempty"`
	// Links are the records this one belongs to, by the CRM's own word, the
	// primary one first: the company of a person, the account of a deal.
	Links []Ref `json:"links,omitempty"`
	// Same is who this record is in another CRM, where the CRM itself keeps
	// that, the surest first. Conn holds the name of the CRM there, as a
	// configuration writes it after crm:, since an adapter knows of no other
	// connection.
	Same []Ref `json:"same,omitempty"`
}

// Change says "look at this record". It is a hint, never an order: what the
// record says is read again, except where the page that brought the change
// carries the whole object.
type Change struct {
	Ref Ref `json:"ref"`
	// EventID tells one delivery of one event from the next; equal ids are the
	// same event (I1). Composed by the adapter so that it is unique.
	EventID string    `json:"event_id"`
	At      time.Time `json:"at"` // when the CRM says it happened; zero: it does not say
	Object  *Object   `json:"object,omitempty"`
}

// Cursor says how far one kind of one connection has been read. The zero
// Cursor lists everything there is and then follows changes; a Cursor with
// only From follows what changed since then; any other comes from a [Page].
// It names an instant and a key, never a page number, so it survives a
// restart and a change of page size (P1, P3).
type Cursor struct {
	Listing bool      `json:"listing,omitempty"` // in the first full listing
	From    time.Time `json:"from,omitzero"`     // the window's start, inclusive
	Upper   time.Time `json:"upper,omitzero"`    // when the window was opened, frozen while it is walked: what had changed by then is read at its end; zero: none open
	After   string    `json:"after,omitempty"`   // last key taken inside the window
	Until   string    `json:"until,omitempty"`   // last key to take, where more might be made for as long as it is walked
}

// IsZero reports whether nothing has been read yet.
func (c Cursor) IsZero() bool {
	return !c.Listing && c.From.IsZero() && c.Upper.IsZero() && c.After == ""
}

// Poll asks for one kind's next page.
type Poll struct {
	Kind   Kind
	From   Cursor
	Fields []string // wanted fields; the adapter leaves out what the CRM does not show
	Limit  int      // wanted rows; the adapter may give fewer
}

// Page is the answer to one [Poll].
type Page struct {
	Kind    Kind
	Changes []Change
	Next    Cursor
	More    bool   // a further page can be had now
	Total   int    // in a listing, how many there are in all; 0: the CRM does not say
	Err     *Error // this kind alone failed; Next is then the cursor asked with
	// Indexed: the objects come from an index that may be late. Each is what
	// the record was at its ModifiedAt, and maybe not by now.
	Indexed bool
}

// Write is one change the daemon wants made.
type Write struct {
	// Ref is what to write; an empty ID creates.
	Ref Ref `json:"ref"`
	// Set holds string, bool, float64 or nil (clear) by field name: the CRM's
	// own, a Task* word, or one with [OwnFieldPrefix]. Times are RFC 3339 text.
	Set map[string]any `json:"set"`
	// Key is the write's derived name: the same intention has the same key on
	// every attempt. A create carries it into the CRM.
	Key string `json:"key"`
	// IfVersion, where set, makes the write fail with Conflict when the
	// record is newer. CRMs that cannot do that ignore it.
	IfVersion string `json:"if_version,omitempty"`
	// Loose lets IfVersion be looked at just before the write, in one call for all
	// that are, where the CRM takes a condition on single writes only. It is said
	// anew on every attempt.
	Loose bool `json:"-"`
	// Links are the records a created object belongs to. Those of a change are
	// records whose own change in the same batch it rests on: it is not made
	// where theirs is refused, and theirs does not wait for it.
	Links []Ref `json:"links,omitempty"`
	// After is the Key of a create in the same batch whose new id becomes one
	// more link. If that create fails, this write fails with it.
	After string `json:"after,omitempty"`
	// NotAfter, where set, is when what the write rests on becomes too old: a
	// request that carries it must not leave later, whatever held it up, and
	// the write is answered Unavailable with [ErrTooLate]. It is said anew on
	// every attempt.
	NotAfter time.Time `json:"-"`
	// Rank is how urgent the write is, 0 first; up to [UrgentRank] it may use
	// what is kept of the CRM's daily calls. It is said anew on every attempt.
	Rank int `json:"-"`
}

// Deadline is the earliest instant after which one of the writes must not
// leave; zero where none says so.
func Deadline(writes ...Write) time.Time {
	var first time.Time
	for _, w := range writes {
		if !w.NotAfter.IsZero() && (first.IsZero() || w.NotAfter.Before(first)) {
			first = w.NotAfter
		}
	}
	return first
}

// Creates reports whether the write makes a new object.
func (w Write) Creates() bool { return w.Ref.ID == "" }

// Result is the outcome of one [Write], in the order of the writes.
type Result struct {
	Key     string
	Ref     Ref    // the record written; for a create, the new one
	Version string // the version the write left behind; "" where the CRM does not say
	// ModifiedAt is the CRM's stamp on that version, the one its events and
	// polls will carry; zero where the CRM does not say.
	ModifiedAt time.Time
	Skipped    []string // fields left out: the CRM does not have them, or we may not write them
	// Refused is why they were left out, in the CRM's words, where its own rules
	// refuse what stands in them.
	Refused string
	Err     *Error // nil: done
	// Guarded says that the CRM itself would have refused the write, had the
	// record changed since IfVersion.
	Guarded bool
	// Stood is what the record held right before the write, by field as in Set,
	// of the fields that say who has it: where the write was under no condition,
	// and the CRM told of it in the same call.
	Stood map[string]FieldValue
}

// Guard is a connector whose CRM honours [Write.IfVersion].
type Guard interface {
	// Grain is how finely the CRM tells versions apart: a change within the
	// grain after the version that was read has the same version.
	Grain() time.Duration
	// Conditional is how many writes under a condition fit one call.
	Conditional() int
}

// Connector is what every adapter can do.
type Connector interface {
	// Changes answers each poll, in order, with its next page. A page's own
	// Err speaks of that kind only.
	Changes(ctx context.Context, polls []Poll) ([]Page, error)
	// Read returns the objects that exist, in no set order, with the fields
	// that the CRM shows. A record that is gone comes back Deleted; one that
	// was merged away comes back with MovedTo. Where some could not be read, the
	// error comes with those that could: it says why the others are missing.
	Read(ctx context.Context, kind Kind, ids, fields []string) ([]Object, error)
	// Apply attempts every write and answers for each, in order. A create
	// whose reply was lost has a Result with class Ambiguous.
	Apply(ctx context.Context, writes []Write) ([]Result, error)
}

// Receiver is a connector that is told of changes by webhook.
type Receiver interface {
	// Receive verifies a request and returns its hints. It does no I/O. The
	// error, always a *Refusal, means nothing in the request may be believed.
	Receive(r Request) (Received, error)
}

// Request is a webhook as it came in, its body already bounded in size.
type Request struct {
	Method string
	URL    string // the public address as the sender knows it, query included
	Header map[string][]string
	Body   []byte
	At     time.Time // when it arrived
	Tenant string    // the tenant this connection belongs to
}

// Received is what a verified request holds.
type Received struct {
	Changes []Change
	Refused []Refusal // single events that were put aside, each with its reason (I7, I8)
	// Reply, where set, is what the sender wants to hear once everything is on
	// disk; it goes out with 200 and ReplyType. Otherwise the answer is 204.
	Reply     []byte
	ReplyType string // of Reply: "text/xml; charset=utf-8"
}

// Unsigned is a [Receiver] whose sender proves nothing: who knows the address
// can send. Its requests are bounded more tightly, since each of them can
// cost a read, and none is taken without a path secret.
type Unsigned interface {
	Receiver
	// BodyLimit is the most bytes that one of its requests has.
	BodyLimit() int64
}

// Refusal is why a request or one event of it was not taken. Reason is one of
// a small set, fit for a metric label.
type Refusal struct {
	Reason string // "signature", "stale", "malformed", "tenant", "unknown_kind", …
	Status int    // the HTTP status to answer with; 0 for a single event
	Detail string // for the admin; never personal data
}

func (r *Refusal) Error() string { return "webhook refused (" + r.Reason + "): " + r.Detail }

// Finder is a connector that can tell whether a create that nobody answered
// has happened. It reads by key or by association, never a search index.
type Finder interface {
	// Find returns, for each write in order, the object it made, or a zero
	// Ref. The answer is final only if Exact says so for the kind; otherwise
	// an empty answer has to be asked for twice, some seconds apart.
	Find(ctx context.Context, writes []Write) ([]Ref, error)
	// Exact reports whether the CRM itself refuses a second object with the
	// same Key: level "exact". Otherwise "healed".
	Exact(kind Kind) bool
}

// Bin is a Finder whose CRM takes a Key for free once a person has deleted the object
// that carries it: a create that is sent again would make a second one.
type Bin interface {
	Finder
	// Binned returns, for each write in order, the object it made, if that lies in
	// the bin, or a zero Ref.
	Binned(ctx context.Context, writes []Write) ([]Ref, error)
}

// Question asks which records of some kinds hold a value, read fresh.
type Question struct {
	Kinds []Kind `json:"kinds"` // in order of preference
	Field string `json:"field"` // the CRM's own name; blank: Value is the record's id, of the first kind, which no [Locator] is asked
	Value string `json:"value"`
}

// Locator is a connector that can find records by a value that identifies
// them, such as an e-mail address, without a search index in between.
type Locator interface {
	// Locate answers each question in order with the live records that hold
	// the value, the preferred kinds first.
	Locate(ctx context.Context, questions []Question, fields map[Kind][]string) ([][]Object, error)
}

// Describer is a connector that can say what it is connected to.
type Describer interface {
	// Tenant is the portal or organisation behind the credentials.
	Tenant(ctx context.Context) (string, error)
	// Describe reads the schema of the kinds. A kind the CRM does not have is
	// absent from the answer.
	Describe(ctx context.Context, kinds []Kind) (map[Kind]KindSchema, error)
	// Users lists everybody who can own a record, the inactive included.
	Users(ctx context.Context) ([]User, error)
}

// KindSchema is what one kind looks like to us.
type KindSchema struct {
	Fields map[string]Field
}

// Field is one field of a kind, as far as our credentials can see it.
type Field struct {
	Name     string
	Type     string // "text", "number", "yes_no", "date", "datetime", "choice", "choices", "user", "link"
	Length   int    // in characters; 0: unbounded
	Writable bool
	Unique   bool
	Options  []string // internal values of a choice
}

// User is somebody who can own records in the CRM, or a queue.
type User struct {
	ID     string `json:"id"`
	Email  string `json:"email,omitempty"` // lower case; "" for a queue
	Name   string `json:"name,omitempty"`
	Active bool   `json:"active"`
	Queue  bool   `json:"queue,omitempty"`
	Zone   string `json:"zone,omitempty"` // IANA name, where the CRM knows it
}

// Meter is a connector that counts what it costs.
type Meter interface {
	Usage() Usage
}

// Usage is what a connection has spent and may spend.
type Usage struct {
	Calls      map[string]int64 // since start, by purpose: "poll", "read", "locate", "write", "find", "schema", "token"
	Throttled  int64            // answers that said "too many"
	DailyLimit int              // 0: unknown
	DailyLeft  int              // as the CRM last said
	DailyEnds  time.Time        // when the day's count starts again; zero: unknown
}

package state

import (
	"encoding/json"
	"time"

	"github.com/handoffd/handoffd/connectors"
)

// Record is a person, company or deal in the company's own vocabulary.
type Record struct {
	Ref        connectors.Ref   `json:"ref"`
	Noun       string           `json:"noun"` // "person", "company", "deal"
	Version    string           `json:"version"`
	CreatedAt  time.Time        `json:"created_at,omitzero"`
	ModifiedAt time.Time        `json:"modified_at,omitzero"`
	ModifiedBy string           `json:"modified_by,omitempty"`
	Deleted    bool             `json:"deleted,omitempty"`
	MovedTo    connectors.Ref   `json:"moved_to,omitzero"`
	Absorbed   []connectors.Ref `json:"absorbed,omitempty"` // merged into this one
	// Fields by our word. Every value is text in canonical form: numbers as
	// decimals, yes/no, instants as RFC 3339 in UTC, dates as YYYY-MM-DD,
	// several values joined by ";". A blank field is absent.
	Fields map[string]string `json:"fields,omitempty"`
	// Links as the CRM gave them: the company of a person, the account of a deal.
	Links []connectors.Ref `json:"links,omitempty"`
	// Same is who it is elsewhere, as the CRM itself keeps it; Conn holds a CRM.
	Same []connectors.Ref `json:"same,omitempty"`
	// Asked names the fields that were asked for: two readings of other fields
	// cannot be compared, as what is absent may not have been asked for.
	Asked string `json:"asked,omitempty"`
}

// Change is one inbox row: a hint that a record may have changed.
type Change struct {
	connectors.Change
	Via  string    `json:"via"` // "webhook", "poll", "reread", "backfill"
	Came time.Time `json:"came"`
	Read time.Time `json:"read,omitzero"` // when the object that came along was asked for; zero: it may be older than that tells
	Rank int       `json:"rank"`          // 0 is the most urgent
	Key  string    `json:"-"`             // its key in the inbox
}

// Trigger is the last signal seen for one type and record.
type Trigger struct {
	Type    string         `json:"type"`
	Record  connectors.Ref `json:"record"`
	Version string         `json:"version"` // hash of what the type looked at; "" while its conditions do not hold
	At      time.Time      `json:"at"`
}

// Stage is where a handoff is in its life; sync/handoff draws the picture and
// holds the only constructors.
type Stage string

// The stages.
const (
	Detected   Stage = "detected"
	Held       Stage = "held"     // waits for context
	Queued     Stage = "queued"   // nobody free
	Assigned   Stage = "assigned" // owner picked, clock running
	Accepted   Stage = "accepted" // the receiver took it
	Touched    Stage = "touched"  // the buyer heard from us
	Completed  Stage = "completed"
	Returned   Stage = "returned"
	Reassigned Stage = "reassigned"
	Stalled    Stage = "stalled"
	Superseded Stage = "superseded" // a person took over
	Cancelled  Stage = "cancelled"
	Refused    Stage = "refused" // never, low tier, not deliverable
)

// Open reports whether the handoff still wants something to happen.
func (s Stage) Open() bool {
	switch s {
	case Detected, Held, Queued, Assigned, Accepted, Touched, Stalled:
		return true
	case Completed, Returned, Reassigned, Superseded, Cancelled, Refused:
	}
	return false
}

// Reason is one line of why, with the rule it rests on.
type Reason struct {
	Rule string `json:"rule,omitempty"` // "handoffs/demo-request.yaml:41 owner[2]"
	Text string `json:"text"`
}

// Handoff is one run of a type for one record. Owner, Backup, Giver and
// Accountable are people by e-mail.
type Handoff struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	Record      connectors.Ref `json:"record"`           // where the signal was seen
	Target      connectors.Ref `json:"target"`           // what carries owner and fields; no ID until created
	Account     connectors.Ref `json:"account,omitzero"` // the company it belongs to
	Trigger     string         `json:"trigger"`          // trigger version
	Signals     []Signal       `json:"signals"`          // the first, and those that joined
	Stage       Stage          `json:"stage"`
	Observed    bool           `json:"observed,omitempty"` // decided in observe: never sent
	Rules       string         `json:"rules"`              // digest of the rules it lives under
	Decision    string         `json:"decision"`           // the decision that assigned it
	Tier        string         `json:"tier,omitempty"`
	Rank        int            `json:"rank"` // urgency of its writes; 0 is the most urgent
	Owner       string         `json:"owner,omitempty"`
	Team        string         `json:"team,omitempty"` // the pool the owner was drawn from
	Backup      string         `json:"backup,omitempty"`
	Giver       string         `json:"giver,omitempty"`
	Accountable string         `json:"accountable,omitempty"`
	Why         []Reason       `json:"why"`
	DetectedAt  time.Time      `json:"detected_at"`
	AssignedAt  time.Time      `json:"assigned_at,omitzero"`
	AssignBy    time.Time      `json:"assign_by,omitzero"`
	AcceptBy    time.Time      `json:"accept_by,omitzero"`
	TouchBy     time.Time      `json:"touch_by,omitzero"`
	AcceptedAt  time.Time      `json:"accepted_at,omitzero"`
	AcceptedBy  string         `json:"accepted_by,omitempty"`
	TouchedAt   time.Time      `json:"touched_at,omitzero"`
	BreachedAt  time.Time      `json:"breached_at,omitzero"`
	ClosedAt    time.Time      `json:"closed_at,omitzero"`
	Written     time.Time      `json:"written_at,omitzero"` // the owner stands in the CRM since
	// Effects are the writes of this handoff by step ("assign", "task"), as
	// far as they have gone.
	Effects map[string]Effect `json:"effects,omitempty"`
	// Before is what the written fields held before us, by the CRM's name.
	Before map[string]any `json:"before,omitempty"`
	Note   string         `json:"note,omitempty"` // why it was refused, queued or ended
	// Stake is the last write of the owner field of the record that carries
	// the handoff, and what is known of who else writes it.
	Stake *Stake `json:"stake,omitempty"`
	// Frozen is why nothing more is written for this handoff, or, where
	// Stake.Ceded says what stands there instead, not its owner.
	Frozen string `json:"frozen,omitempty"`
	// Again are the instants, not older than an hour, at which a field was
	// written once more, by the CRM's name, and of another record than the
	// target by that too: "name of conn/kind/id" (C13).
	Again map[string][]time.Time `json:"again,omitempty"`

	Work *Work `json:"work,omitempty"` // what people did since the assignment
	// Due are the deadlines beside those above, by clock: "opened", "attempts",
	// "no_activity", "return", "document", "kickoff", "outer_limit". Late is when a clock's breach was told.
	Due  map[string]time.Time `json:"due,omitempty"`
	Late map[string]time.Time `json:"late,omitempty"`
	// Held: since when it waits for context, until when at most, and for what.
	HeldAt    time.Time        `json:"held_at,omitzero"`
	HoldUntil time.Time        `json:"hold_until,omitzero"`
	Missing   []string         `json:"missing,omitempty"`  // of the required context, by our words
	Complete  int              `json:"complete,omitempty"` // percent of the context that was filled
	Items     []Item           `json:"items,omitempty"`    // its checklist
	Returned  *Return          `json:"returned,omitempty"`
	Holders   []Holder         `json:"holders,omitempty"` // who had it before, the first one first
	Support   string           `json:"support,omitempty"` // who is asked and not accountable
	Watchers  []string         `json:"watchers,omitempty"`
	Questions int              `json:"questions,omitempty"` // times the receiver asked what the context should have said
	Follows   string           `json:"follows,omitempty"`   // the handoff whose return or end led to this one
	Behind    string           `json:"behind,omitempty"`    // the handoff that the record showed when this one was assigned beside it
	Earlier   []connectors.Ref `json:"earlier,omitempty"`   // the records it was about before they were merged or converted
	Exception string           `json:"exception,omitempty"` // the named exception it runs under (2.43)

	Actual *Actual `json:"actual,omitempty"` // of one that was only observed: what really happened
	Undone *Undone `json:"undone,omitempty"` // what `undo` did to it
	Back   *Back   `json:"back,omitempty"`   // what is told back; nil: nothing, or no longer
	Review *Review `json:"review,omitempty"` // whose account it is was given to a person to look at
}

// Stake is one write of an owner field. A CRM that cannot write under a
// condition lets it overwrite a person's change that came after the reading it
// rests on: what happened between Over and Stamp is found out afterwards.
type Stake struct {
	Field   string    `json:"field"`             // the CRM's name
	Value   string    `json:"value"`             // what we write
	Was     string    `json:"was,omitempty"`     // what stood there when it was decided
	Over    time.Time `json:"over,omitzero"`     // the CRM's stamp on the reading it rests on
	Stamp   time.Time `json:"stamp,omitzero"`    // the CRM's stamp on what it left; zero: not answered
	Checked bool      `json:"checked,omitempty"` // nobody came in between, or it cannot be told
	Ceded   string    `json:"ceded,omitempty"`   // what somebody else put there, and we leave
	// Edited says that the record was changed by somebody else after Stamp and
	// before a later write of ours: the owner may have been given away and back.
	Edited bool `json:"edited,omitempty"`
}

// Signal is one buyer's signal.
type Signal struct {
	Trigger string         `json:"trigger"`
	Record  connectors.Ref `json:"record"`
	At      time.Time      `json:"at"`   // when the buyer did it
	Came    time.Time      `json:"came"` // when we heard
	// Late says that a deadline which counts from At had passed by then (I3).
	Late bool `json:"late_intake,omitempty"`
}

// Effect is how far one write of a handoff has gone.
type Effect struct {
	Key     string         `json:"key"`
	Ref     connectors.Ref `json:"ref,omitzero"`
	Version string         `json:"version,omitempty"`
	At      time.Time      `json:"at,omitzero"`
	State   string         `json:"state"`             // "sent", "done", "refused"
	Error   string         `json:"error,omitempty"`   // the CRM's words
	Skipped []string       `json:"skipped,omitempty"` // fields the CRM does not have
	// Task says that it makes a task, by whose key the CRM knows it.
	Task bool `json:"task,omitempty"`
}

// Timer is an instant at which a handoff is looked at again.
type Timer struct {
	ID      string    `json:"id"` // derived: handoff, clock, step
	Handoff string    `json:"handoff"`
	Clock   string    `json:"clock"` // "accept", "first_touch"; "retry" for a queued or held one
	Step    int       `json:"step"`  // index into the escalation's steps
	Due     time.Time `json:"due"`
	// Record, where there is no handoff yet, is what is read and looked at again.
	Record connectors.Ref `json:"record,omitzero"`
}

// IntentState is how far an outbox entry is.
type IntentState string

// The states of an intent.
const (
	Ready   IntentState = "ready"
	Sending IntentState = "sending" // left, and not answered: look it up before creating again
	Parked  IntentState = "parked"  // refused for good; a person has to look
)

// Intent is a write that is decided and not confirmed.
type Intent struct {
	Handoff   string           `json:"handoff"`
	Step      string           `json:"step"`
	Dest      string           `json:"dest"` // a connection, or a message channel
	Rank      int              `json:"rank"` // urgency; 0 first
	Write     connectors.Write `json:"write"`
	Message   *Message         `json:"message,omitempty"` // in place of the write, where Dest is a channel
	Expect    map[string]any   `json:"expect,omitempty"`  // values seen when decided, for fields a person may have changed since
	ReadAt    time.Time        `json:"read_at,omitzero"`  // when they were read: the call left no earlier
	Over      time.Time        `json:"over,omitzero"`     // the CRM's stamp on that reading
	AtRisk    bool             `json:"at_risk,omitempty"` // a person has the record: never written but under IfVersion, where the CRM can
	State     IntentState      `json:"state"`
	Due       time.Time        `json:"due"` // not before
	Created   time.Time        `json:"created"`
	Attempts  int              `json:"attempts"`
	Contested int              `json:"contested,omitempty"` // how often a write like it came upon a change before
	SentAt    time.Time        `json:"sent_at,omitzero"`    // of the last attempt
	Looked    int              `json:"looked,omitempty"`    // empty look-ups since an ambiguous answer
	InDoubt   bool             `json:"in_doubt,omitempty"`  // a create of which an earlier attempt may have come through
	Epoch     uint64           `json:"epoch,omitempty"`     // start of the process that sent it
	Was       map[string]any   `json:"was,omitempty"`       // values seen when decided of the other fields that are not our own
	Moves     time.Time        `json:"moves,omitzero"`      // it changes an owner, because of what happened then
	Ordered   bool             `json:"ordered,omitempty"`   // an operator asked for it
	Error     string           `json:"error,omitempty"`
	Class     string           `json:"class,omitempty"`
}

// Pool is the rotation of one team. Served counts the turns each member has
// had, in 1/weight units so that the smallest is next; a joiner starts at the
// smallest of those present (G6).
type Pool struct {
	Team    string           `json:"team"`
	Served  map[string]int64 `json:"served"`            // by e-mail, in units of TurnUnit/weight
	Turns   map[string]int   `json:"turns,omitempty"`   // handoffs given, by e-mail
	Present map[string]bool  `json:"present,omitempty"` // who was there at the last draw
	Seq     uint64           `json:"seq"`               // draws so far
	// Weights are those of the last draw where they are not 1: a weight that
	// changes makes its member start anew.
	Weights map[string]int `json:"weights,omitempty"`
	// Tiers is the same tier by tier: the turns always, the accounts where the
	// team counts by tier.
	Tiers map[string]Rotation `json:"tiers,omitempty"`
}

// Rotation is the part of a [Pool] that one tier has.
type Rotation struct {
	Served  map[string]int64 `json:"served,omitempty"`
	Turns   map[string]int   `json:"turns,omitempty"`
	Present map[string]bool  `json:"present,omitempty"`
}

// Gone is a user who turned out to own nothing any more, before the CRM's
// next list of users says so.
type Gone struct {
	Conn string `json:"conn"`
	ID   string `json:"id"`
}

// Cursor is how far one kind was read.
type Cursor struct {
	connectors.Cursor
	Done  int       `json:"done,omitempty"`  // rows listed so far
	Total int       `json:"total,omitempty"` // of so many; 0: unknown
	At    time.Time `json:"at,omitzero"`     // last page
	// Of a listing: Listed once it is complete, Fields the digest of what was read.
	Listed bool   `json:"listed,omitempty"`
	Fields string `json:"fields,omitempty"`
}

// Conn is what we learnt of a connection at its first start.
type Conn struct {
	Name   string    `json:"name"`
	Tenant string    `json:"tenant"`
	Live   time.Time `json:"live"`   // handoffs_from: no signal before this starts a handoff
	Mirror bool      `json:"mirror"` // the mirror has been filled once
	// Foreign counts the handoffs seen in the CRM that we know nothing of and
	// that are younger than Approved, when an operator last let them be.
	Foreign  int       `json:"foreign,omitempty"`
	Approved time.Time `json:"approved,omitzero"`
	// Deaf is when polling last showed a write of ours that no webhook had told
	// of: webhooks get lost, so that none proves that there was no other.
	Deaf time.Time `json:"deaf,omitzero"`
	// Looked is when the records of all open handoffs were last asked for by id.
	Looked time.Time `json:"looked,omitzero"`
	// First is the trial of its first writes; nil: not on trial.
	First *First `json:"first,omitempty"`
}

// Pause is an operator's order not to write to any CRM. Intake and deciding go on.
type Pause struct {
	On   bool        `json:"on"`
	At   time.Time   `json:"at,omitzero"`
	Held []Reconcile `json:"held,omitempty"` // of an answer: what is not written all the same
}

// Same says that records of several connections are one person or company.
type Same struct {
	Refs []connectors.Ref `json:"refs"`
	By   string           `json:"by"` // "created", "email", "cross-id"
	At   time.Time        `json:"at"`
}

// Listing is a thing an admin should see: refused, unmatched, unmapped,
// skipped field, quarantined.
type Listing struct {
	List    string    `json:"list"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// AuditRow is one line of what happened, chained by hash to the line before.
type AuditRow struct {
	Seq     uint64            `json:"seq"`
	At      time.Time         `json:"at"`
	Actor   string            `json:"actor"` // "handoffd", a CRM user id, "operator"
	Action  string            `json:"action"`
	Subject string            `json:"subject"` // handoff id or record
	Rules   string            `json:"rules,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
	Prev    string            `json:"prev"`
	Hash    string            `json:"hash"`
}

// RuleSet is the admin's folder at one digest, kept while anything names it.
type RuleSet struct {
	Digest string            `json:"digest"`
	Mode   string            `json:"mode"` // in force; the environment may have overruled the files
	At     time.Time         `json:"at"`
	Files  map[string]string `json:"files"`
}

// Decision is one deciding, with everything it saw, so that it can be made
// again anywhere and must come out the same.
type Decision struct {
	ID      string          `json:"id"` // digest of the rest
	At      time.Time       `json:"at"` // the now it was made with
	Rules   string          `json:"rules"`
	Event   json.RawMessage `json:"event"`
	Saw     json.RawMessage `json:"saw"`     // package plan's transcript; records by hash
	Outcome string          `json:"outcome"` // digest of the changes' canonical JSON
	Handoff string          `json:"handoff,omitempty"`
	// Record is whom it was about: it can be found and erased by that.
	Record connectors.Ref `json:"record,omitzero"`
	Why    []Reason       `json:"why,omitempty"`
}

// Changes is what one deciding wants remembered. It is a value: it can be
// printed, compared and replayed. Slices are in the order decided.
type Changes struct {
	Records  []Record  `json:"records,omitempty"`
	Handoffs []Handoff `json:"handoffs,omitempty"`
	Triggers []Trigger `json:"triggers,omitempty"`
	Timers   []Timer   `json:"timers,omitempty"`
	Cancel   []string  `json:"cancel,omitempty"` // timer ids
	Intents  []Intent  `json:"intents,omitempty"`
	Withdraw []string  `json:"withdraw,omitempty"` // keys of intents no longer wanted
	Pools    []Pool    `json:"pools,omitempty"`
	Gone     []Gone    `json:"gone,omitempty"` // users
	Same     []Same    `json:"same,omitempty"`
	Listings []Listing `json:"listings,omitempty"`
	Conns    []Conn    `json:"conns,omitempty"`
	Budgets  []Budget  `json:"budgets,omitempty"`
	// Reconcile holds back what would be written (L7).
	Reconcile []Reconcile `json:"reconcile,omitempty"`
	Told      []Told      `json:"told,omitempty"`
	Paces     []Pace      `json:"paces,omitempty"`
	Notes     []Note      `json:"notes,omitempty"` // what was written where
	Aliases   []Alias     `json:"aliases,omitempty"`
	Audit     []AuditRow  `json:"audit,omitempty"` // without Seq, Prev and Hash
	Why       []Reason    `json:"why,omitempty"`
	// Needs, when there are any, are questions a CRM has to answer first:
	// nothing else is decided, and the same event is decided again with the
	// answers in the view.
	Needs []Need `json:"needs,omitempty"`
	// Wait, when not blank, is why nothing could be decided yet; the event
	// stays where it is and is tried again later.
	Wait string `json:"wait,omitempty"`
}

// Need is a question for one connection: who holds a value, or, where Past
// names a record, who has changed a field of it.
type Need struct {
	Conn     string              `json:"conn"`
	Question connectors.Question `json:"question,omitzero"`
	Past     Past                `json:"past,omitzero"`
}

// Past asks which values a field has had since an instant.
type Past struct {
	Kind  connectors.Kind `json:"kind"`
	ID    string          `json:"id"`
	Field string          `json:"field"` // the CRM's name
	Since time.Time       `json:"since"`
	// Wrote, where set, is our own write that the answer has to show: one that
	// was given before does not count.
	Wrote time.Time `json:"wrote,omitzero"`
}

// Trail is the answer to a [Past]. Unseen says that the CRM does not tell.
type Trail struct {
	Values []connectors.FieldValue `json:"values,omitempty"` // newest first
	Unseen bool                    `json:"unseen,omitempty"`
}

// Echo is what our own last writes left on a record, so that what they cause
// is not taken for news.
type Echo struct {
	Stamp time.Time `json:"stamp"` // of the last one, by the CRM
	// Of the last one of the owner: the stamp on the reading it rests on, and
	// its own. A change dated in between is one we may have overwritten.
	Over  time.Time `json:"over,omitzero"`
	Owner time.Time `json:"owner,omitzero"`
	// Heard says that a webhook has told of the owner's write: the connection
	// would have told of another's as well.
	Heard bool `json:"heard,omitempty"`
}

// UnmarshalJSON also reads the form before there was more than a stamp.
func (e *Echo) UnmarshalJSON(raw []byte) error {
	*e = Echo{}
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &e.Stamp)
	}
	type plain Echo
	return json.Unmarshal(raw, (*plain)(e))
}

// Between reports whether a change of that instant came after the reading that
// our write of the owner rests on, and before the write.
func (e Echo) Between(at time.Time) bool {
	return !e.Owner.IsZero() && !e.Over.IsZero() && at.After(e.Over) && at.Before(e.Owner)
}

// ID names the need, so that its answer can be found again.
func (n Need) ID() string {
	if n.Past.ID != "" {
		return Digest("past", n.Conn, string(n.Past.Kind), n.Past.ID, n.Past.Field, n.Past.Since.UTC().Format(time.RFC3339Nano), n.Past.Wrote.UTC().Format(time.RFC3339Nano))
	}
	parts := []string{n.Conn, n.Question.Field, n.Question.Value}
	for _, k := range n.Question.Kinds {
		parts = append(parts, string(k))
	}
	return Digest(parts...)
}

// Empty reports whether nothing is remembered but the record itself and what
// was seen of it: no decision worth keeping was made.
func (c *Changes) Empty() bool {
	return len(c.Handoffs) == 0 && len(c.Timers) == 0 && len(c.Cancel) == 0 &&
		len(c.Intents) == 0 && len(c.Withdraw) == 0 && len(c.Pools) == 0 && len(c.Same) == 0 &&
		len(c.Gone) == 0 && len(c.Listings) == 0 && len(c.Conns) == 0 && len(c.Told) == 0 && len(c.Budgets) == 0 && len(c.Paces) == 0 && len(c.Reconcile) == 0 && len(c.Audit) == 0
}

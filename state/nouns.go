package state

import (
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
	// Read is when it was asked for, where a handoff is about it; zero: unknown.
	Read time.Time `json:"read,omitzero"`
}

// Change is one inbox row: a hint that a record may have changed.
type Change struct {
	connectors.Change
	Via  string    `json:"via"` // "webhook", "poll", "reread", "backfill", or one of those below
	Came time.Time `json:"came"`
	Read time.Time `json:"read,omitzero"` // when the object that came along was asked for; zero: it may be older than that tells
	Rank int       `json:"rank"`          // 0 is the most urgent, but for FirstRank
	Key  string    `json:"-"`             // its key in the inbox
}

// ViaAnswer is a hint that came with the CRM's answer to a write of ours: somebody had
// given the record to somebody else since it was read, or may have.
const ViaAnswer = "answer"

// ViaReread is one of ours: the record is to be read again, because it may say more than
// was heard, or than could count when it was.
const ViaReread = "reread"

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
	Row  string `json:"row,omitempty"`  // the row of a table the rule went by: "teams.yaml:26"
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
	// target by that too: "name of conn/kind/id" (C13). What is only told
	// counts by itself: "join: name", "hold".
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
	// Ratings are of one that was drawn for the sample (2.41).
	Ratings *Ratings `json:"ratings,omitempty"`
	Review  *Review  `json:"review,omitempty"` // whose account it is was given to a person to look at
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
	// Stood is what stood there right before the write, where the CRM told it
	// with its answer.
	Stood *connectors.FieldValue `json:"stood,omitempty"`
	// Tried is what earlier writes of ours, which this one came in place of before
	// they were answered, may have put there.
	Tried []string `json:"tried,omitempty"`
	// Under is the write that this one came over before the record was read again:
	// whether somebody had come in between there is not known either.
	Under *Stake `json:"under,omitempty"`
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

// The states of an intent.
const (
	Ready   IntentState = "ready"
	Sending IntentState = "sending" // left, and not answered: look it up before creating again
	Parked  IntentState = "parked"  // refused for good; a person has to look
)

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
	// Weights are those of the tier's last draw that were not 1.
	Weights map[string]int `json:"weights,omitempty"`
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

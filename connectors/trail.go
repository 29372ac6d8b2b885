package connectors

import (
	"context"
	"time"
)

// Actor is what sort of hand made a change, as far as the CRM tells.
type Actor string

// The sorts of hands. One the CRM does not name counts as a person.
const (
	ActorUnknown     Actor = ""
	ActorPerson      Actor = "person"
	ActorAutomation  Actor = "automation"  // a workflow, a flow, an assignment rule
	ActorIntegration Actor = "integration" // another program
	ActorSelf        Actor = "self"        // this connection's own credentials
)

// FieldValue is one value a field has had.
type FieldValue struct {
	Value any       `json:"value"` // string, bool or float64; nil: blank
	At    time.Time `json:"at"`    // since when
	By    string    `json:"by"`    // the CRM's user id or the program's name; "" where the CRM does not say
	Actor Actor     `json:"actor"`
}

// Historian is a connector that can tell which values a field has had, and
// who set them. It is asked when a person's change may have come between our
// reading of a record and our write to it (C11), and when it has
// to be known whether a person or a program reversed us (G10, C13).
type Historian interface {
	// Trail returns for each id the values of one field since an instant, the
	// newest first, with the one that stood there before that instant last,
	// if the CRM still knows it. Of an id without values nothing is filed: the
	// field has no history, or not yet. One that is absent from the answer could
	// not be told, and may be asked again; an error that comes with an answer says
	// why. Where none is kept of the kind at all,
	// or it is not shown to us, the error is of class Denied.
	Trail(ctx context.Context, kind Kind, ids []string, field string, since time.Time) (map[string][]FieldValue, error)
}

// Vault keeps what a connection's credentials have become: CRMs may replace a
// refresh token whenever it is used, and the old one is then worth nothing
// (C5). The configured token is part of the question, so that an admin who
// configures another one is believed.
type Vault interface {
	// Load returns the newest token kept for a configured one; "" where there
	// is none.
	Load(ctx context.Context, configured Secret) (Secret, error)
	// Keep stores a token durably. It is called before the token is used.
	Keep(ctx context.Context, configured, token Secret) error
}

// Inspector is a connector that can look for what would get in handoffd's way
// on its CRM: automation that sets owners, rules that refuse writes, a second
// program that synchronizes. It only reads, unless Probe is asked for.
type Inspector interface {
	Inspect(ctx context.Context, q Inspection) ([]Finding, error)
}

// Inspection says what to look at.
type Inspection struct {
	Kinds  []Kind            // the kinds the rules speak of
	Writes map[Kind][]string // the fields the rules may write, by the CRM's own or handoffd's own name
	// Probe allows two throw-away tasks to be made and archived, to prove
	// that the CRM refuses a second one with the same key.
	Probe bool
}

// Level says how bad a [Finding] is.
type Level string

// The levels of a finding.
const (
	Fine    Level = "fine"
	Notice  Level = "notice"  // works, worth knowing
	Warning Level = "warning" // will hurt somebody
	Failure Level = "failure" // does not work
	Unseen  Level = "unseen"  // our credentials cannot tell
)

// Finding is one thing an inspection found.
type Finding struct {
	Code    string `json:"code"` // stable: "task-key", "assignment-rule", "native-sync"
	Level   Level  `json:"level"`
	Subject string `json:"subject"` // the kind, field, rule or workflow
	Text    string `json:"text"`    // what is so, in a sentence
	Fix     string `json:"fix,omitempty"`
}
